"""Dropping every projection and filling it again from the entries, in one transaction.

Entries, disclosures and the signed checkpoints stay as they are. Nothing is kept of a rebuild that finds
an entry it cannot take, or does not come to the root that was signed.
"""

from array import array

from traceability.core.checkpoint import Checkpoint
from traceability.core.merkle import EMPTY_ROOT
from traceability.core.note import parse_note
from traceability.ledger import collector
from traceability.ledger.batch import ROOT
from traceability.ledger.books import Books
from traceability.ledger.disclosures import TAG_CODE, codes_disclosed, erase_all
from traceability.ledger.replay import (
    Damage,
    Progress,
    Replay,
    examined_chunks,
    span,
    stored_chunks,
)
from traceability.ledger.snapshots import put_back
from traceability.ledger.store import Store
from traceability.ledger.view import Head, View

PROJECTIONS = (
    *("signer", "outcome", "state", "lot", "lot_place", "move", "tile", "root", "holding"),
    *("finding", "finding_subject", "tag_code", "event_place", "book", "book_tile"),
)
"""Tables that follow from the entries and are dropped; `head` and `placed` begin again."""


class NotRebuilt(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """The entries themselves are damaged; the database is as it was."""

    def __init__(self, message: str, damages: tuple[Damage, ...] = ()) -> None:
        super().__init__(message)
        self.damages = damages


def rebuild(store: Store, progress: Progress = lambda _: None) -> Head:
    """Fills all projections anew; the head after it. Raises NotRebuilt and changes nothing then."""
    with collector.resting(), store.write() as view:
        # Taken by whoever appends: nobody does until this is done.
        view.one(f"SELECT size FROM head WHERE id = 0{store.database.lock}")  # noqa: S608
        size, displaced = span(view)
        roots = array("q", view.roots_kept())
        kept = view.book()
        books = Books([], kept.size if kept else None)
        begin_again(view)
        replay = Replay(view, roots_at=roots, books=books)
        for chunk, examined in examined_chunks(stored_chunks(view, size), size):
            replay.take(chunk.entries, examined)
            progress(replay.head.size)
            del chunk, examined
        damages = (*displaced, *replay.damages)
        if damages:
            raise NotRebuilt(f"entry {damages[0].key} is damaged: {damages[0].what}", damages)
        check_root(view, replay)
        if replay.head.size and replay.head.size not in roots:
            view.insert(ROOT, [(replay.head.size, replay.head.root)])
        if kept is not None:
            put_back(view, kept, books)
        erase_all(view)
        view.insert(TAG_CODE, codes_disclosed(view))
        return replay.head


def begin_again(view: View) -> None:
    """Empties every projection: the tree of no entries."""
    for table in PROJECTIONS:
        view.run(f"DELETE FROM {table}")  # noqa: S608
    view.run("UPDATE placed SET size = 0 WHERE id = 0")
    view.run("UPDATE head SET size = 0, root = ?, edge = ?, record_time = 0 WHERE id = 0", EMPTY_ROOT, b"")


def check_root(view: View, replay: Replay) -> None:
    """Raises NotRebuilt unless the entries give the root of the published checkpoint, if there is one."""
    published = view.checkpoint()
    if published is None:
        return
    checkpoint = Checkpoint.parse(parse_note(published[1])[0])
    if checkpoint.size > replay.head.size or replay.root_at(checkpoint.size) != checkpoint.root:
        raise NotRebuilt(f"the entries do not give the root that was signed at size {checkpoint.size}")
