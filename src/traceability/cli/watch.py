"""Watching a log from outside: `mirror`, `monitor`, `judge`. They need only the core."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traceability.cli.common import Exit, Json, Stop, answer, read_bytes, remark, say, trust
from traceability.core.errors import Invalid, Malformed
from traceability.core.misbehaviour import Misbehaviour, NotShown, keys_of
from traceability.core.note import Verifier

if TYPE_CHECKING:
    from traceability.witness.monitor import Watched
    from traceability.witness.remote import RemoteLog

Logs = Annotated[
    list[str] | None, typer.Option("--log", metavar="VKEY", help="The key of a log to believe. Repeatable.")
]
Policy = Annotated[
    Path | None,
    typer.Option(help="Instead: your trust policy, with logs, witnesses and the quorum you ask for."),
]
Every = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="Go on until stopped, looking this often.")
]


def mirror(
    url: Annotated[str, typer.Argument(help="Where the log is read: the address before /checkpoint.")],
    folder: Annotated[Path, typer.Argument(help="Where its files go; made where there is none.")],
    logs: Logs = None,
    policy: Policy = None,
    every: Every = 0,
    as_json: Json = False,
) -> None:
    """Copies a log over its public tiles, verifying every file against the root that was signed.

    Any static server can serve the folder. The checkpoint comes last; stopped anywhere, the next run goes on.
    Nothing is ever taken back: a log that shows fewer entries, or another past, changes nothing in the folder.

    Exit code 1: the log was not to be believed; a proof of two histories lies in the folder as
    *.misbehaviour.json. 2: not now: it could not be read, shows less than before, or lacks the quorum.
    """
    from traceability.witness.mirror import NotMirrored, NotYet, TwoHistories
    from traceability.witness.mirror import mirror as bring
    from traceability.witness.peers import Unreachable

    trusted = trust(policy, logs or ())
    with log_at(url) as log:
        while True:
            try:
                done = bring(log, folder, trusted)
            except (NotYet, Unreachable) as error:
                if not every:
                    raise Stop(str(error), Exit.CANNOT_TELL) from error
                remark(str(error))
            except TwoHistories as error:
                raise Stop(f"{error}: the proof is {error.file}", Exit.NO) from error
            except NotMirrored as error:
                raise Stop(str(error), Exit.NO) from error
            except OSError as error:
                raise Stop(f"cannot write {folder}: {error.strerror}") from error
            else:
                if as_json:
                    answer({"origin": done.origin, "size": done.size, "files": done.files})
                elif done.files or not every:
                    say(f"{folder}: {done.size} entries of {done.origin}, {done.files} files written")
            if not every:
                return
            time.sleep(every)


def monitor(
    urls: Annotated[
        list[str] | None, typer.Argument(help="Where logs are read; else those of the policy.")
    ] = None,
    logs: Logs = None,
    policy: Policy = None,
    seen: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|URL", help="What others were shown: a file, a mirror, a witness. Repeatable."
        ),
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where everything seen is kept.")] = Path("monitor"),
    stale: Annotated[
        int | None,
        typer.Option(min=1, metavar="SECONDS", help="Name checkpoints nobody cosigned for so long."),
    ] = None,
    every: Every = 0,
    as_json: Json = False,
) -> None:
    """Follows logs: each checkpoint must begin with the one before, and with what others were shown.

    Every checkpoint seen is kept. Where two cannot both be true, a proof is written that anybody can check with
    `judge`. --seen takes a checkpoint in a file, another monitor's seen.ndjson, or the address of a
    mirror or a witness.

    Exit code 1: misbehaviour is proven, or what is shown is not signed. 2: nothing is proven, but something is
    unexplained: no proof was given, the log went back or is behind, no quorum, nobody answers. With --every it
    goes on until 1.
    """
    from traceability.witness.monitor import FAILURES, Monitor

    trusted = trust(policy, logs or ())
    addresses = urls or [log.url for log in trusted.logs if log.url is not None]
    if not addresses:
        raise Stop("name the address of a log, or a policy whose `log` lines have one")
    with ExitStack() as stack:
        watched = [stack.enter_context(log_at(url)) for url in addresses]
        viewers = [
            stack.enter_context(log_at(viewer)) if "://" in viewer else Path(viewer)
            for viewer in [*(seen or []), *(w.url for w in trusted.witnesses if w.url is not None)]
        ]
        looking = Monitor(folder, trusted, viewers)
        while True:
            try:
                found = [looking.look(log, int(time.time()), stale) for log in watched]
            except OSError as error:
                raise Stop(f"cannot write {folder}: {error.strerror}") from error
            whats = {finding.what for each in found for finding in each.findings}
            code = Exit.NO if whats & FAILURES else Exit.CANNOT_TELL if whats else Exit.DONE
            _tell(found, as_json=as_json)
            if not every or code is Exit.NO:
                raise typer.Exit(code)
            time.sleep(every)


def judge(
    file: Annotated[Path, typer.Argument(help="The proof, as *.misbehaviour.json; - for stdin.")],
    logs: Annotated[
        list[str], typer.Option("--log", metavar="VKEY", help="The key of the log, or of a witness, accused.")
    ],
    as_json: Json = False,
) -> None:
    """Checks a proof that a log (or a witness) has signed two checkpoints that exclude each other, offline.

    Exit code 0: it did; 1: the file does not show it; 2: both are signed, and nothing shows how they belong
    together: the log owes a consistency proof.
    """
    keys = _keys(logs)
    proof = Misbehaviour.parse(read_bytes(file))
    code, verdict = Exit.DONE, "proven"
    why, sizes = "", None
    try:
        older, newer = proof.verify(keys)
    except NotShown as error:
        code, verdict, why = Exit.CANNOT_TELL, "not shown", str(error)
    except (Invalid, Malformed) as error:
        code, verdict, why = Exit.NO, "not proven", str(error)
    else:
        sizes = [older.size, newer.size]
        why = f"{older.origin} signed two histories, of {older.size} and of {newer.size} entries"
    if as_json:
        answer({"verdict": verdict, "why": why, **({} if sizes is None else {"sizes": sizes})})
    else:
        say(f"{verdict}: {why}")
    raise typer.Exit(code)


def _tell(found: "list[Watched]", *, as_json: bool) -> None:
    if as_json:
        shown = [
            {
                "url": each.url,
                **{
                    name: value
                    for name, value in (("origin", each.origin), ("size", each.size), ("root", each.root))
                    if value is not None
                },
                "findings": [
                    {
                        "what": finding.what.value,
                        "where": finding.where,
                        "says": finding.says,
                        **({} if finding.file is None else {"file": str(finding.file)}),
                    }
                    for finding in each.findings
                ],
            }
            for each in found
        ]
        answer({"logs": shown})
        return
    for each in found:
        size = "nothing known" if each.size is None else f"{each.size} entries"
        say(
            f"{each.origin or each.url}: {size}"
            + ("" if each.findings else ", consistent with all that was seen")
        )
        for finding in each.findings:
            said = f"  {finding.what.replace('_', ' ')}: {finding.where}: {finding.says}"
            say(said if finding.file is None else f"{said}: {finding.file}")


def _keys(vkeys: list[str]) -> list[Verifier]:
    try:
        return keys_of(vkeys)
    except Malformed as error:
        raise Stop(f"--log: {error}") from error


@contextmanager
def log_at(url: str) -> "Iterator[RemoteLog]":
    """Raises Stop for what is no address."""
    from traceability.witness.remote import RemoteLog

    try:
        log = RemoteLog(url)
    except ValueError as error:
        raise Stop(str(error)) from error
    with log:
        yield log
