"""Looking after a ledger: is it what its entries say, and can it be had again from a copy?"""

import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from traceability.cli.common import (
    Data,
    Exit,
    Json,
    Stop,
    answer,
    of_a_ledger,
    read_bytes,
    remark,
    say,
    settings,
    write_bytes,
)

if TYPE_CHECKING:
    from traceability.ledger.files import Shelf
    from traceability.ledger.guard import Guard
    from traceability.ledger.store import Store
    from traceability.settings import Settings


@of_a_ledger
def fsck(as_json: Json = False, data: Data = None) -> None:
    """Derives everything anew from the entries, and compares: tables, tiles, head, checkpoint, guard.

    Nothing is repaired. What is wrong is named by table and index: `rebuild` mends tables that follow from the
    entries, an entry that is damaged comes back only from a copy.

    Exit code 0: good; 1: damaged; 2: it could not be checked; 3: rolled back, behind what was signed.
    """
    from traceability.ledger import fsck as checking
    from traceability.ledger.store import Store

    chosen = settings(data)
    store = Store(chosen.url)
    guard = _guard(chosen)
    try:
        report = checking.check(store, guard, _Progress("checked"))
    finally:
        store.close()
        if guard is not None:
            guard.close()
    if as_json:
        answer(msgspec.to_builtins(report))
    else:
        for damage in report.damages:
            say(f"{damage.table} {damage.key}: {damage.what}")
        for note in report.notes:
            say(note)
        say(f"{report.verdict.replace('_', ' ')}: {_entries(report.size)}, root {report.root}")
    raise typer.Exit(
        {
            "good": Exit.DONE,
            "damaged": Exit.NO,
            "cannot_check": Exit.CANNOT_TELL,
            "rolled_back": Exit.ROLLED_BACK,
        }[report.verdict]
    )


@of_a_ledger
def rebuild(data: Data = None) -> None:
    """Drops every table that follows from the entries, and fills it again from them.

    All or nothing: where an entry is damaged, the database stays as it was, and the exit code is 1.
    """
    from traceability.ledger import rebuild as building
    from traceability.ledger.store import Store

    store = Store(settings(data).url)
    try:
        head = building.rebuild(store, _Progress("rebuilt"))
    except building.NotRebuilt as error:
        for damage in error.damages:
            remark(f"{damage.table} {damage.key}: {damage.what}")
        raise Stop(f"nothing was rebuilt: {error}", Exit.NO) from error
    finally:
        store.close()
    say(f"rebuilt from {_entries(head.size)}, root {head.root.hex()}")


@of_a_ledger
def backup(
    file: Annotated[Path, typer.Argument(help="The new file; one that is there is never replaced.")],
    data: Data = None,
) -> None:
    """Writes a backup while the ledger goes on, and verifies it before it counts as one.

    Of SQLite it is a copy of the database, of PostgreSQL a dump. It holds neither the log key nor the guard:
    whoever has it can read the ledger and cannot go on signing it.
    """
    from traceability.ledger import backup as copying
    from traceability.ledger.store import Store

    store = Store(settings(data).url)
    try:
        head = copying.backup(store, file, _Progress("verified"))
    except copying.NotBackedUp as error:
        raise Stop(str(error), Exit.NO) from error
    finally:
        store.close()
    say(f"{file}: {_entries(head.size)}, root {head.root.hex()}, verified")


@of_a_ledger
def restore(
    file: Annotated[Path | None, typer.Argument(help="A backup or a dump, for a new database.")] = None,
    adopt_guard: Annotated[
        Path | None,
        typer.Option(
            metavar="CHECKPOINT", help="Where the guard is lost: the newest checkpoint anybody holds."
        ),
    ] = None,
    refill: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Where a tail is lost: evidence, answers, lines of a dump or of /v1/log/entries. Repeatable.",
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Makes a ledger out of a backup, verifying all of it, and says whether it may sign.

    It may where the guard agrees. Behind the guard, entries that somebody has proof of are missing: look for a
    newer backup, or for people who hold those entries with their blinds, and give their files to --refill. Without a guard, ask everyone (witnesses, auditors, phones) for the newest checkpoint they
    hold, and give it to --adopt-guard: that is refused unless this ledger contains it.

    Exit code 2: the ledger is there, and may only be read.
    """
    from traceability.ledger import backup as copying
    from traceability.ledger.dump import NotLoaded
    from traceability.ledger.store import Store

    if file is None and adopt_guard is None and not refill:
        raise Stop(
            "name the backup; or --refill FILE or --adopt-guard CHECKPOINT for a ledger that is restored already"
        )
    chosen = settings(data)
    if file is not None:
        if not file.exists():
            raise Stop(f"there is no {file}")
        try:
            head = copying.restore(file, chosen.url, _Progress("verified"))
        except (copying.NotBackedUp, NotLoaded) as error:
            raise Stop(f"nothing was restored: {error}", Exit.NO) from error
        say(f"restored {_entries(head.size)}, root {head.root.hex()}")
    guard = _guard(chosen)
    if refill:
        _refill(chosen, guard, refill)
    if guard is None:
        raise Stop("it may be read, and signs nothing until LOG_KEY is there", Exit.CANNOT_TELL)
    with contextlib.closing(Store(chosen.url)) as store, contextlib.closing(guard):
        if adopt_guard is not None:
            adopted = copying.adopt_guard(store, guard, read_bytes(adopt_guard))
            say(f"the guard holds {_entries(adopted.size)} now")
        refusal = _refusal(chosen, store, guard)
    if refusal is not None:
        raise Stop(f"it may be read, and signs nothing: {refusal}", Exit.CANNOT_TELL)
    say("it may sign")


def _refill(chosen: "Settings", guard: "Guard | None", files: Sequence[Path]) -> None:
    from traceability.ledger import refill as filling
    from traceability.ledger.store import Store

    with contextlib.closing(Store(chosen.url)) as store:
        try:
            held = None if guard is None else guard.read()
            done = filling.refill(store, held, map(read_bytes, files))
        except filling.NotRefilled as error:
            raise Stop(f"nothing was put back: {error}", Exit.NO) from error
    say(
        f"put back {_entries(done.size - done.before)}: {done.size} of {done.signed} that were signed are proved"
    )
    if done.missing:
        say(f"not among these files: {', '.join(filling.spans(done.missing))}")
    if done.size < done.signed:
        raise Stop(
            "it may be read, and signs nothing: look for whoever holds the rest; if nobody does, carry on what is here "
            "with `traceability init --successor-of`",
            Exit.CANNOT_TELL,
        )


def _shelf(where: str) -> "Shelf":
    """Raises OSError where a bucket cannot be."""
    if where.startswith("s3://"):
        from traceability.ledger.bucket import Bucket

        return Bucket(where)
    from traceability.ledger.files import Folder

    if "://" in where:
        raise Stop(f"{where} is neither a folder nor s3://BUCKET/PREFIX")
    return Folder(Path(where))


@of_a_ledger
def publish(
    where: Annotated[
        str,
        typer.Argument(help="A folder, made where there is none; or s3://BUCKET/PREFIX, with the extra s3."),
    ],
    every: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Go on until stopped, looking this often.")
    ] = 0,
    data: Data = None,
) -> None:
    """Writes checkpoint and tiles as files (C2SP tlog-tiles), for a static server, object store or CDN.

    The checkpoint comes last, each file appears whole, and what is there already is kept: copy or sync a
    folder tiles first. It shows how many entries there are and when, and nothing of what they say.

    A bucket is told who writes as every client of S3 is: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, and
    AWS_ENDPOINT_URL for a store that is not Amazon's.

    Exit code 1: there is another history, or more than this ledger has published.
    """
    from traceability.ledger.folder import NotPublished, publish_to
    from traceability.ledger.store import Store

    with contextlib.closing(Store(settings(data).url)) as store:
        while True:
            try:
                shelf = _shelf(where)
                done = publish_to(store, shelf)
            except NotPublished as error:
                raise Stop(str(error), Exit.NO) from error
            except OSError as error:
                raise Stop(
                    str(error) if error.errno is None else f"cannot write {where}: {error.strerror}"
                ) from error
            if done.files or not every:
                say(f"{shelf}: {_entries(done.size)}, {done.files} files written")
            if not every:
                return
            time.sleep(every)


@of_a_ledger
def dump(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to; stdout if absent.")] = None,
    data: Data = None,
) -> None:
    """Writes everything as lines of JSON: all entries, blinds and disclosures, with the checkpoint.

    It is what an auditor replays, and the way out of this program: see docs/format.md.
    """
    from traceability.ledger.dump import NotLoaded
    from traceability.ledger.dump import dump as lines
    from traceability.ledger.store import Store

    with contextlib.closing(Store(settings(data).url)) as store:
        try:
            if out is None or str(out) == "-":
                for line in lines(store):
                    write_bytes(None, line)
            else:
                try:
                    with out.open("wb") as file:
                        file.writelines(lines(store))
                except OSError as error:
                    raise Stop(f"cannot write {out}: {error.strerror}") from error
                remark(f"{out}: {out.stat().st_size:,} bytes")
        except NotLoaded as error:
            raise Stop(str(error), Exit.CANNOT_TELL) from error


@of_a_ledger
def load(
    file: Annotated[Path, typer.Argument(help="A dump; - for stdin.")],
    data: Data = None,
) -> None:
    """Loads a dump into a new ledger, replaying everything; the same roots, or it says where not.

    Nothing is loaded unless all of it is good. Whether the ledger may sign is for the guard to say: `restore`
    does the same and asks it.
    """
    from traceability.ledger import schema
    from traceability.ledger.dump import NotLoaded
    from traceability.ledger.dump import load as take
    from traceability.ledger.store import Store

    chosen = settings(data)
    source = sys.stdin.buffer if str(file) == "-" else None
    if source is None and not file.exists():
        raise Stop(f"there is no {file}")
    schema.migrate(chosen.url)
    with contextlib.closing(Store(chosen.url)) as store:
        try:
            if source is not None:
                head = take(source, store, _Progress("loaded"))
            else:
                with file.open("rb") as lines:
                    head = take(lines, store, _Progress("loaded"))
        except NotLoaded as error:
            raise Stop(f"nothing was loaded: {error}", Exit.NO) from error
    say(f"loaded {_entries(head.size)}, root {head.root.hex()}")


def _refusal(chosen: "Settings", store: "Store", guard: "Guard") -> str | None:
    """Why this ledger may not sign; None when it may."""
    from traceability.ledger.log_keys import read_log_keys
    from traceability.ledger.writer import Ledger

    with contextlib.closing(Ledger(store, guard, *read_log_keys(chosen.log_key))) as ledger:
        return ledger.refusal


def _guard(chosen: "Settings") -> "Guard | None":
    """The guard of this ledger's log keys; None, and a remark, where they are not on this machine."""
    from traceability.ledger.guard import open_guard
    from traceability.ledger.log_keys import read_log_keys

    try:
        signers = read_log_keys(chosen.log_key)
    except FileNotFoundError:
        remark(f"there is no log key at {chosen.log_key}: the guard is left out")
        return None
    return open_guard(chosen.guard, *(signer.verifier.encode() for signer in signers))


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


class _Progress:
    """Tells a person at a terminal, once a second, how far it has come."""

    def __init__(self, done: str) -> None:
        self._done = done
        self._next = time.monotonic() + 1

    def __call__(self, count: int) -> None:
        if sys.stderr.isatty() and time.monotonic() >= self._next:
            remark(f"{_entries(count)} {self._done}")
            self._next = time.monotonic() + 1
