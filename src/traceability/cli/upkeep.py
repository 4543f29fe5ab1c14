"""Looking after a ledger: is it what its entries say, and can it be had again from a copy?"""

import sys
import time
from typing import TYPE_CHECKING

import msgspec
import typer

from traceability.cli.common import Data, Exit, Json, Stop, answer, of_a_ledger, remark, say, settings
from traceability.core.note import Signer

if TYPE_CHECKING:
    from traceability.ledger.guard import Guard
    from traceability.settings import Settings


@of_a_ledger
def fsck(as_json: Json = False, data: Data = None) -> None:
    """Derives everything anew from the entries, and compares: tables, tiles, head, checkpoint, guard.

    Nothing is repaired. What is wrong is named by table and index: `rebuild` mends tables that follow from the
    entries, an entry that is damaged comes back only from a copy.

    Exit code 1: damaged, or rolled back behind what was signed; 2: it could not be checked.
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
    codes = {"good": Exit.DONE, "damaged": Exit.NO, "rolled_back": Exit.NO, "cannot_check": Exit.CANNOT_TELL}
    raise typer.Exit(codes[report.verdict])


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


def _guard(chosen: "Settings") -> "Guard | None":
    """The guard of this ledger's log key; None, and a remark, where the key is not on this machine."""
    from traceability.ledger.guard import open_guard

    try:
        signer = Signer.parse(chosen.log_key.read_text().strip())
    except FileNotFoundError:
        remark(f"there is no log key at {chosen.log_key}: the guard is left out")
        return None
    return open_guard(chosen.guard, signer.verifier.encode())


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
