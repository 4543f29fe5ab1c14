"""Snapshots of the book: computed behind the write path, stated by the operator, kept for evidence.

Of the book's tree one moment is kept, that of the newest snapshot. The next is computed from it: only the lines of
subjects that entries since then are about, or findings, have changed. Nobody who appends waits for that. The tree
is replaced after the snapshot has been recorded; should the process end in between, the older one stays, whole.
"""

from collections.abc import Callable
from typing import NamedTuple

from traceability.core import book_tree, events
from traceability.core.book_tree import Tiles
from traceability.core.events import Snapshot
from traceability.core.ids import KeyId, PartyId
from traceability.core.leaf import time_text
from traceability.core.record import Address
from traceability.core.registry_records import Book, LedgerFacts
from traceability.core.signing import SigningKey
from traceability.core.state import SubjectRecord
from traceability.ledger.answers import Answer, Recorded, Submission
from traceability.ledger.books import Books
from traceability.ledger.database import Into
from traceability.ledger.reader import Reader
from traceability.ledger.store import Store
from traceability.ledger.view import KeptBook, View, finding_of
from traceability.ledger.writer import Ledger

_CHUNK = 4096
_TILE = Into(
    "book_tile",
    {"level": "smallint", "n": "bigint", "hashes": "bytea"},
    "ON CONFLICT (level, n) DO UPDATE SET hashes = excluded.hashes",
)


class Computed(NamedTuple):
    """The book after `size` entries, and the tiles that differ from what is kept of it after `before`."""

    before: int
    size: int
    subjects: int
    root: bytes
    tiles: Tiles


def compute(store: Store) -> Computed | None:
    """The book as it stands; None where nothing but the newest snapshot has come since it was taken."""
    with store.read() as view:
        size = view.head().size
        kept = view.book()
        before = 0 if kept is None else kept.size
        if size == 0 or (kept is not None and size == before + 1 == kept.stated_by + 1):
            return None
        tiles: Tiles = {}

        def read(level: int, n: int) -> bytes:
            found = tiles.get((level, n))
            return view.book_tile(level, n) if found is None else found

        for first in range(before, size, _CHUNK):
            tiles.update(book_tree.changed(read, _lines(view, first, min(first + _CHUNK, size))))
        book = view.record(("book", ""))
        assert isinstance(book, Book)
        return Computed(before, size, book.size, book_tree.root(read, book.size), tiles)


def _lines(view: View, first: int, end: int) -> dict[int, bytes]:
    """The leaves, as they are now, of the subjects that these entries are about, or what rules noticed at them."""
    named = {index: events.parse(payload) for index, payload in view.unplaced(first, end)}
    about: set[Address] = set()
    for verdict in view.outcomes(named).values():
        about.update(verdict.links)
    for (value,) in view.all("SELECT value FROM finding WHERE idx >= ? AND idx < ?", first, end):
        about.update(finding_of(value).subjects)
    return {
        record.place.number: book_tree.leaf(address, record.place)
        for address, record in view.records(about).items()
        if isinstance(record, SubjectRecord)
    }


def keep(store: Store, computed: Computed, stated_by: int) -> None:
    """Keeps the tree of a snapshot that the entry `stated_by` states, unless somebody has kept another since."""
    with store.write(durable=False) as view:
        view.head(lock=True)
        kept = view.book()
        if (0 if kept is None else kept.size) != computed.before:
            return
        _write(view, KeptBook(computed.size, computed.subjects, computed.root, stated_by), computed.tiles)


def put_back(view: View, kept: KeptBook, books: Books) -> None:
    """Keeps again what was kept, as replayed `books` give it; nothing where no snapshot states that."""
    root, entry = books.roots.get(kept.size), view.entry(kept.stated_by)
    said = entry.event() if entry is not None else None
    if root is None or not isinstance(said, Snapshot):
        return
    if (said.body.size, said.body.book) == (kept.size, root.hex()):
        _write(view, KeptBook(kept.size, books.kept_subjects, root, kept.stated_by), books.kept)


def _write(view: View, kept: KeptBook, tiles: Tiles) -> None:
    view.insert(_TILE, [(level, n, hashes) for (level, n), hashes in sorted(tiles.items())])
    view.run(
        "INSERT INTO book (id, size, subjects, root, stated_by) VALUES (0, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET size = excluded.size, subjects = excluded.subjects, root = excluded.root, "
        "stated_by = excluded.stated_by",
        *kept,
    )


def take(ledger: Ledger, key: SigningKey, party: PartyId, now: Callable[[], int]) -> Answer | None:
    """Computes, signs and records a snapshot with this key of the operator; None where nothing has come since."""
    computed = compute(ledger.store)
    if computed is None:
        return None
    body = {"book": computed.root.hex(), "size": computed.size}
    answer = say(ledger, key, party, "snapshot", body, now())
    if isinstance(answer, Recorded):
        keep(ledger.store, computed, answer.index)
    return answer


def say(
    ledger: Ledger, key: SigningKey, party: PartyId, kind: str, body: dict[str, object], now: int
) -> Answer:
    """Signs an event of this kind that moves nothing, and appends it."""
    with ledger.store.read() as view:
        facts = view.record(("ledger", ""))
    assert isinstance(facts, LedgerFacts)
    event = {
        "body": body,
        "event_time": time_text(now),
        "key": key.id,
        "kind": kind,
        "log": facts.log,
        "party": party,
        "previous": [],
        "sealed": [],
        "sequence": Reader(ledger.store).next_sequence(KeyId(key.id)),
        "version": 1,
    }
    return ledger.append_one(Submission(key.sign_event(events.encode(event))))
