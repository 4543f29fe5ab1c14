"""Deriving everything anew: entries in log order, through the same code that appended them, into empty tables.

`fsck` does it into a scratch database and compares, `rebuild` into the ledger's own tables, `load` into a
new ledger. Signatures and leaves need nothing but the bytes, so of a large log they are worked out in other
processes (`examine`) while this one folds.
"""

import multiprocessing
import os
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor

import msgspec

from traceability.core import fold, merkle
from traceability.core.errors import Malformed
from traceability.core.events import Event, parse
from traceability.core.merkle import Edge
from traceability.core.outcome import Appended, Entry, Rejected
from traceability.core.signing import PublicKey
from traceability.core.state import Key, Number
from traceability.ledger import collector, places
from traceability.ledger.batch import ROOT, Batch
from traceability.ledger.examine import TIMES, Examined, RawEntry, examine, examine_all, start
from traceability.ledger.view import Head, StoredEntry, View

CHUNK = 2048
PARALLEL_FROM = 20_000
"""From how many entries on other processes are worth starting."""
Progress = Callable[[int], object]
"""Told how many entries have been replayed."""


class Damage(msgspec.Struct, frozen=True):
    """A row that is not what it must be. `index` is the entry it is about, where it is about one."""

    table: str
    key: str
    index: int | None
    what: str


def stored_chunks(log: View, size: int) -> Iterator[list[StoredEntry]]:
    """The first `size` entries as they are kept, gaps and all."""
    for first in range(0, size, CHUNK):
        yield log.entries(first, min(CHUNK, size - first))


def examined_chunks(
    chunks: Iterable[list[StoredEntry]], size: int, spkis: Sequence[bytes]
) -> Iterator[tuple[list[StoredEntry], list[Examined]]]:
    """Chunks of a log of `size` entries with what their bytes tell; ahead of whoever takes them."""
    if size < PARALLEL_FROM:
        start(spkis)
        for chunk in chunks:
            yield chunk, examine_all(_raw(chunk))
        return
    workers = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    waiting: deque[tuple[list[StoredEntry], Future[list[Examined]]]] = deque()
    with ProcessPoolExecutor(workers, context, start, (spkis,)) as pool:
        for chunk in chunks:
            waiting.append((chunk, pool.submit(examine_all, _raw(chunk))))
            if len(waiting) > 2 * workers:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()


def _raw(entries: Iterable[StoredEntry]) -> list[RawEntry]:
    return [RawEntry(entry.payload, entry.signature, entry.blind, entry.record_time) for entry in entries]


def known_spkis(log: View) -> list[bytes]:
    """The public keys a log's tables know of; those that are no keys are left out."""
    found = []
    for (value,) in log.all("SELECT value FROM state WHERE type = ?", "key"):
        try:
            record = msgspec.msgpack.decode(value, type=Key)
            found.append(PublicKey(record.public_key).spki)
        except (msgspec.MsgspecError, UnicodeDecodeError, Malformed):
            continue
    return found


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

    `roots_at` are sizes, rising, at which the root is kept. `log` is where entries are read, if they are not
    in the same tables; `write_entries` puts them there. What cannot stand in a log is put into `damages`.
    """

    def __init__(
        self,
        view: View,
        log: View | None = None,
        *,
        roots_at: Iterable[int] = (),
        write_entries: bool = False,
    ) -> None:
        self._view = view
        self._log = log or view
        self._write_entries = write_entries
        self._roots_at = array("q", roots_at)  # eight bytes each: there may be one for every entry
        self._roots_kept = 0
        self._keys: dict[str, PublicKey] = {}
        self._times: dict[int, int] = {}
        self.head: Head = view.head()
        self.damages: list[Damage] = []

    def take(self, entries: Sequence[StoredEntry], examined: Sequence[Examined]) -> list[Event | str]:
        """The next entries of the log; their events, or why they have none."""
        with collector.resting():
            return self._take_all(entries, examined)

    def _take_all(self, entries: Sequence[StoredEntry], examined: Sequence[Examined]) -> list[Event | str]:
        batch = Batch(self._view, self.head, self._log)
        events = [_parse(entry) for entry in entries]
        read = [event for event in events if not isinstance(event, str)]
        batch.state.preload({event.key for event in read}, set().union(*map(fold.touches, read)))
        sizes = [event.seen.size for event in read if event.seen is not None]
        self._times = self._log.record_times({size - 1 for size in sizes})
        self._times.update((entry.index, entry.record_time) for entry in entries)
        for entry, event, seen in zip(entries, events, examined, strict=True):
            while batch.size < entry.index:
                self._note(batch.size, "it is missing")
                batch.keep_place(batch.size, bytes(merkle.HASH_SIZE))
            problem = event if isinstance(event, str) else self._take(batch, entry, event, seen)
            if problem is not None:
                self._note(entry.index, problem)
                batch.keep_place(entry.index, seen.leaf)
            if self._write_entries:
                batch.entries.append(entry)
        if batch.leaves:
            growth = batch.write()
            self._keep_roots(batch)
            self.head = Head(growth.edge, growth.edge.root(), batch.record_time)
            places.fill_to(self._view, self._log, self.head.size)
        return events

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
        used = batch.state.find(("number", f"{event.key}:{event.sequence}"))
        if isinstance(used, Number) and examined.event_id in (used.first, used.second):
            return "its event is in the log before it"
        seen_time = None if event.seen is None else self._times.get(event.seen.size - 1)
        judged = Entry(entry.index, entry.record_time, examined.event_id, event, seen_time)
        outcome = batch.judge(judged)
        if isinstance(outcome, Appended):
            batch.keep(judged, outcome, examined.leaf)
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
        return examine(_raw([entry])[0], key).genuine is True

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


def _parse(entry: StoredEntry) -> Event | str:
    """The event, or why the payload is none."""
    try:
        return parse(entry.payload)
    except Malformed as error:
        return f"its payload is no event: {error}"
