"""Deriving everything anew: entries in log order, through the same code that appended them, into empty tables.

`fsck` does it into a scratch database and compares, `rebuild` into the ledger's own tables, `load` into a
new ledger. What needs nothing but the bytes of an entry is worked out in another process (`examine`) where
the log is large, while this one folds.
"""

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import chain
from typing import NamedTuple

import msgspec

from traceability.core import fold, merkle
from traceability.core.events import Event, Genesis
from traceability.core.merkle import Edge
from traceability.core.outcome import Appended, Entry, Rejected
from traceability.core.registry_records import Key, Number
from traceability.core.signing import PublicKey, event_pae
from traceability.ledger import places
from traceability.ledger.ahead import Ahead, answer_to, cores
from traceability.ledger.batch import ROOT, Batch
from traceability.ledger.books import Books
from traceability.ledger.examine import TIMES, Examined, Examiner, RawEntry, examine_ahead, is_genuine
from traceability.ledger.handover import pack, unpack
from traceability.ledger.overlay import Left
from traceability.ledger.view import Head, StoredEntry, View

CHUNK = 1024
AHEAD_FROM = 8 * CHUNK
"""From how many entries on another process is worth starting."""
AHEAD_MAX = 2
"""How many chunks wait for it."""
Progress = Callable[[int], object]
"""Told how many entries have been replayed."""


class Damage(msgspec.Struct, frozen=True):
    """A row that is not what it must be. `index` is the entry it is about, where it is about one."""

    table: str
    key: str
    index: int | None
    what: str


Opened = Mapping[int, Sequence[tuple[str, bytes, bytes]]]
"""By index of an entry, what was opened of it: path, salt and value."""


class Chunk(NamedTuple):
    """Entries of the log in order, and what was opened of them."""

    entries: Sequence[StoredEntry]
    opened: Opened

    def raw(self) -> list[RawEntry]:
        """What is to be examined."""
        return [
            RawEntry(one.payload, one.signature, one.blind, one.record_time, self.opened.get(one.index, ()))
            for one in self.entries
        ]


def stored_chunks(
    log: View, size: int, opened: Callable[[int, int], Opened] = lambda _first, _end: {}
) -> Iterator[Chunk]:
    """The first `size` entries as they are kept, gaps and all; `opened` tells of those from an index to another."""
    for first in range(0, size, CHUNK):
        end = min(first + CHUNK, size)
        yield Chunk(log.entries(first, end - first), opened(first, end))


def examined_chunks(chunks: Iterable[Chunk], size: int) -> Iterator[tuple[Chunk, list[Examined]]]:
    """Chunks of a log of `size` entries with what their bytes tell; ahead of whoever takes them.

    Events are most of what a replay has in memory: whoever takes a chunk lets go of it before the next.
    """
    examiner = Examiner()
    process = Ahead(examine_ahead) if size >= AHEAD_FROM and cores() > 1 else None
    asked: deque[tuple[Chunk, Future[bytes]]] = deque()

    def found() -> tuple[Chunk, list[Examined]]:
        nonlocal process
        chunk, future = asked.popleft()
        answer = answer_to(future)
        if answer is not None:
            return chunk, unpack(answer)
        if process is not None:
            process.close()
            process = None
        return chunk, examiner.all(chunk.raw())

    try:
        for chunk in chunks:
            if process is None or not process.ready:
                while asked:
                    yield found()
                yield chunk, examiner.all(chunk.raw())
                continue
            # What came by before it was ready, it has not seen.
            known = [] if asked else [key.spki for key in examiner.keys.values()]
            asked.append((chunk, process.ask(pack((known, chunk.raw())))))
            if len(asked) > AHEAD_MAX:
                yield found()
        while asked:
            yield found()
    finally:
        if process is not None:
            process.close()


def span(log: View) -> tuple[int, list[Damage]]:
    """How many places of the log are to be looked at, and entries whose index is out of all proportion.

    A few that are missing leave their places; one spoiled number does not leave millions of them.
    """
    (count, last) = log.one("SELECT count(*), coalesce(max(idx), -1) FROM entry")
    bound = 2 * count + 1000
    query = "SELECT idx FROM entry WHERE idx < 0 OR idx >= ? ORDER BY idx LIMIT 20"
    what = f"it cannot have this index: there are {count} entries"
    return min(last + 1, bound), [Damage("entry", str(idx), idx, what) for (idx,) in log.all(query, bound)]


class Replay:
    """Entries folded into the tables of `view`, which are empty at first.

    `roots_at` are sizes, rising, at which the root is kept; `books` is told of what they make of the book. `log` is where entries are read, if they are not
    in the same tables; `write_entries` puts them there. What cannot stand in a log is put into `damages`.
    """

    def __init__(
        self,
        view: View,
        log: View | None = None,
        *,
        roots_at: Iterable[int] = (),
        write_entries: bool = False,
        books: Books | None = None,
    ) -> None:
        self._view = view
        self._log = log or view
        self._write_entries = write_entries
        self._books = books
        self._roots_at = array("q", roots_at)  # eight bytes each: there may be one for every entry
        self._roots_kept = 0
        self._keys: dict[str, PublicKey] = {}
        self._times: dict[int, int] = {}
        self._left: Left | None = None
        self.head: Head = view.head()
        self.damages: list[Damage] = []

    def take(self, entries: Sequence[StoredEntry], examined: Sequence[Examined]) -> None:
        """The next entries of the log."""
        batch = Batch(self._view, self.head, self._log, self._left)
        events = [one.event for one in examined if not isinstance(one.event, str)]
        batch.state.preload(events, chain.from_iterable(one.touched for one in examined))
        sizes = [event.seen.size for event in events if event.seen is not None]
        self._times = self._log.record_times({size - 1 for size in sizes})
        self._times.update((entry.index, entry.record_time) for entry in entries)
        for entry, found in zip(entries, examined, strict=True):
            while batch.size < entry.index:
                self._note(batch.size, "it is missing")
                batch.keep_place(batch.size, bytes(merkle.HASH_SIZE))
            if self._books is not None:
                self._books.reach(entry.index)
            event = found.event
            problem = event if isinstance(event, str) else self._take(batch, entry, event, found)
            if problem is not None:
                self._note(entry.index, problem)
                batch.keep_place(entry.index, found.leaf)
            if self._write_entries:
                batch.entries.append(entry)
        if batch.leaves:
            growth = batch.write()
            self._left = batch.state.left()
            self._keep_roots(batch)
            self.head = Head(growth.edge, growth.edge.root(), batch.record_time)
            events_at = zip(
                (found.event_id for found in examined), (entry.index for entry in entries), strict=True
            )
            places.put(self._view, events_at, self.head.size)

    def root_at(self, size: int) -> bytes:
        """The root of the first `size` entries, of those replayed."""
        return self._view.root_at(size)

    def _note(self, index: int, problem: str) -> None:
        self.damages.append(Damage("entry", str(index), index, problem))

    def _take(self, batch: Batch, entry: StoredEntry, event: Event, examined: Examined) -> str | None:
        if entry.record_time not in TIMES:
            return "its record time is none"
        if entry.record_time < batch.record_time:
            return "its record time lies before that of the entry before it"
        if not self._is_genuine(batch, entry, event, examined):
            return "its signature is not that of the key it names"
        if event.seen is not None and not self._has_seen(batch, event.seen.size, event.seen.root):
            return f"it has seen another log of {event.seen.size} entries"
        continues = event.body.continues if isinstance(event, Genesis) else None
        if continues is not None and not self._has_seen(batch, continues.size, continues.root):
            return f"it continues another log of {continues.size} entries"
        used = batch.state.find(("number", f"{event.key}:{event.sequence}"))
        if isinstance(used, Number) and examined.event_id in (used.first, used.second):
            return "its event is in the log before it"
        seen_time = None if event.seen is None else self._times.get(event.seen.size - 1)
        judged = Entry(entry.index, entry.record_time, examined.event_id, event, seen_time)
        outcome = batch.judge(judged)
        if isinstance(outcome, Appended):
            batch.keep(judged, outcome, examined.leaf)
            if self._books is not None:
                self._books.keep(outcome)
            return None
        if isinstance(outcome, Rejected):
            return f"by the rules it cannot stand here: {outcome.name}, {outcome.message}"
        return f"it rests on what is not in the log before it: {outcome.type} {outcome.id}"

    def _is_genuine(self, batch: Batch, entry: StoredEntry, event: Event, examined: Examined) -> bool:
        if examined.genuine is not None:
            return examined.genuine
        key = self._keys.get(event.key)
        if key is None:
            record = batch.state.find(("key", event.key))
            spki = record.public_key if isinstance(record, Key) else fold.signing_key(event)
            if spki is None:
                return False
            key = self._keys[event.key] = PublicKey(spki)
        return is_genuine(key, entry.signature, event_pae(entry.payload))

    def _has_seen(self, batch: Batch, size: int, root: str) -> bool:
        if size > batch.size:
            return False
        if size > self.head.size:
            edge = self.head.edge.extend(batch.leaves[: size - self.head.size])
            return edge.root().hex() == root
        return self.root_at(size).hex() == root

    def _keep_roots(self, batch: Batch) -> None:
        edge: Edge = self.head.edge
        rows = []
        end = self.head.size + len(batch.leaves)
        while self._roots_kept < len(self._roots_at) and self._roots_at[self._roots_kept] <= end:
            size = self._roots_at[self._roots_kept]
            edge = edge.extend(batch.leaves[edge.size - self.head.size : size - self.head.size])
            rows.append((size, edge.root()))
            self._roots_kept += 1
        self._view.insert(ROOT, rows)
