"""The fold's state for a batch of entries: what the database holds, and over it what the batch changes.

Loaded in a few queries for the whole batch, by what `fold.touches` says; the little that only shows while
an entry is judged is looked up one by one. Everything is read inside the transaction that holds the head, or was known
at an earlier head and has not changed since (`changes`): state follows from the log.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from traceability.core import watch
from traceability.core.events import Event
from traceability.core.ids import EventId, KeyId, LotId
from traceability.core.lot_records import Lot, Move
from traceability.core.outcome import Appended, Entry
from traceability.core.record import Address
from traceability.core.registry_records import Number
from traceability.core.signing import event_id as id_of
from traceability.core.state import AnyRecord, LogEntry, signed_by
from traceability.ledger.view import View

_OF_THE_LOG = ("number", "move")
SIGNED_BY = "signer"
"""In `Batch.changed`, the type of a key's small number, which is no record."""
LEFT_MAX = 3 << 12
"""How many records batches leave to the next, besides those of a single batch, and of how many events the places."""


class Signer:
    """A key's small number, and the highest sequence number it has used."""

    __slots__ = ("no", "top")

    def __init__(self, no: int, top: int) -> None:
        self.no = no
        self.top = top


class Left(NamedTuple):
    """What is known of the state at a head: what a batch leaves to the next one."""

    records: dict[Address, AnyRecord | None]
    """As they are now; None for one that is not there."""
    older: dict[Address, AnyRecord | None]
    """Those that were not met since `records` was begun, as they are still."""
    signers: dict[str, Signer]
    signers_known: int | None
    """How many signers there are, where that was asked for."""
    places: dict[EventId, int]
    """Where events stand that were met under a used number, or appended since this was begun."""
    newest: dict[EventId, int] | None
    """The events before those that had no place yet, where they were asked for."""

    def without(self, changed: Collection[Address]) -> "Left":
        """What is left of it once another process has changed these records."""
        for address in changed:
            self.records.pop(address, None)
            self.older.pop(address, None)
            if address[0] == SIGNED_BY:
                self.signers.pop(address[1], None)
        return self._replace(signers_known=None, newest=None)


class Overlay(dict[Address, AnyRecord | None]):
    """`state.State` over the tables of `view`, as far as `size` entries; entries are read from `log`.

    It holds the records that are known, None for one that is not there; any other is loaded when it is asked for.
    `left` is what is known of the state at `size`.
    """

    whole = True
    find = dict.__getitem__
    """The record as the batch has left it, or None."""
    need = find

    def __init__(self, view: View, size: int, log: View, left: Left | None = None) -> None:
        super().__init__()
        self._view = view
        self._log = log
        self._size = size
        self._logged: dict[EventId, LogEntry | None] = {}
        self._move_index: dict[Address, int] = {}
        self._left = left = left or Left({}, {}, {}, None, {}, None)
        _, _, self.signers, self._signers_known, self.places, self._newest = left

    def __missing__(self, address: Address) -> AnyRecord | None:
        found = self[address] = self._load(address)
        return found

    def left(self) -> Left:
        """What the next batch may begin with, once this one is written; it is not used after that."""
        known, older, *_ = self._left
        known.update((address, record) for address, record in self.items() if address[0] not in _OF_THE_LOG)
        if len(known) > LEFT_MAX // 2:  # what is met all the time is never dropped
            known, older = {}, known
        signers = (self.signers, self._signers_known) if len(self.signers) <= LEFT_MAX else ({}, None)
        places = (self.places, self._newest) if len(self.places) <= LEFT_MAX else ({}, None)
        return Left(known, older, *signers, *places)

    def preload(self, events: Sequence[Event], touched: Iterable[Address]) -> None:
        """Loads what the fold will ask about these events, which together touch these addresses."""
        self._preload_signers({event.key for event in events})
        self._load_all(touched)
        self._load_all({near for event in events for near in watch.near(event, self.get)})

    def event(self, event_id: EventId) -> LogEntry | None:
        """The entry of that event, from the batch or the log."""
        try:
            return self._logged[event_id]
        except KeyError:
            found = self._logged[event_id] = self._find_entry(event_id)
            return found

    def signed_by(self, key: KeyId, after: int, count: int) -> list[LogEntry]:
        """The `count` entries that key signed under the highest numbers above `after`, the highest first."""
        rows = self._view.all(
            "SELECT idx FROM outcome JOIN signer ON no = signer WHERE key_id = ? AND sequence > ? AND idx < ? "
            "ORDER BY sequence DESC, use DESC LIMIT ?",
            key,
            after,
            self._size,
            count,
        )
        found = [
            LogEntry(e.index, e.record_time, e.event_id, e.event(), self._view.stands(e.index))
            for e in self._log.entries_at([row[0] for row in rows])
        ]
        found += (entry for entry in self._logged.values() if entry is not None and entry.index >= self._size)
        return signed_by(found, key, after)[:count]

    def keep(self, entry: Entry, outcome: Appended) -> Signer:
        """The entry is in the log: what it changed is what the next one finds. Who signed it."""
        self.update(outcome.changes)
        event = entry.event
        self.places[entry.event_id] = entry.index
        self._logged[entry.event_id] = LogEntry(
            entry.index, entry.record_time, entry.event_id, event, outcome.stands
        )
        signer = self.signer(event.key)
        signer.top = max(signer.top, event.sequence)
        return signer

    def move_index(self, address: Address, move: Move, entry: Entry) -> int:
        """The index of the entry whose move this is: `entry`, or an earlier one whose move it changed."""
        if move.event != entry.event_id:
            return self._move_index[address]
        self._move_index[address] = entry.index
        return entry.index

    def signer(self, key: str) -> Signer:
        """The key's number; the next free one for a key that signs for the first time."""
        found = self.signers.get(key)
        if found is None:
            assert self._signers_known is not None, "whoever appends preloads the keys"
            found = self.signers[key] = Signer(self._signers_known, -1)
            self._signers_known += 1
        return found

    def _load_all(self, addresses: Iterable[Address]) -> None:
        asked = set(addresses) - self.keys()
        for left in self._left[:2]:
            here = asked & left.keys()
            self.update({address: left[address] for address in here})
            asked -= here
        wanted = [address for address in asked if address[0] not in _OF_THE_LOG]
        self.update(dict.fromkeys(wanted))
        self.update(self._view.records(wanted))

    def _preload_signers(self, keys: set[KeyId]) -> None:
        missing = keys - self.signers.keys()
        if not missing:
            return
        rows = self._view.all("SELECT key_id, no, top FROM signer WHERE key_id = ANY(?)", list(missing))
        self.signers.update({key: Signer(no, top) for key, no, top in rows})
        if len(rows) < len(missing) and self._signers_known is None:
            (self._signers_known,) = self._view.one("SELECT count(*) FROM signer")

    def _load(self, address: Address) -> AnyRecord | None:
        match address:
            case ("number", name):
                return self._number(*name.split(":"))
            case ("move", name):
                self._load_moves(LotId(name.partition(":")[2]))
                return self.get(address)
            case _:
                for left in self._left[:2]:
                    if address in left:
                        return left[address]
                return self._view.record(address)

    def _number(self, key: str, sequence: str) -> Number | None:
        signer = self.signers.get(key)
        if signer is None or int(sequence) > signer.top:
            return None
        query = "SELECT idx FROM outcome WHERE signer = ? AND sequence = ? ORDER BY use"
        indexes = [row[0] for row in self._view.all(query, signer.no, int(sequence))]
        events = [entry.event_id for entry in self._log.entries_at(indexes)]
        self.places.update(zip(events, indexes, strict=True))
        return Number(*events) if events else None

    def _load_moves(self, lot: LotId) -> None:
        record = self.find(("lot", lot))
        if not isinstance(record, Lot):
            return
        for index, move in self._view.moves({lot: record.place.number}, self._log)[lot]:
            address = ("move", f"{move.event}:{lot}")
            self.setdefault(address, move)
            self._move_index.setdefault(address, index)

    def _find_entry(self, event_id: EventId) -> LogEntry | None:
        for index in self._candidates(event_id):
            found = self._log.entry(index)
            if found is not None and found.event_id == event_id:
                stands = self._view.stands(index)
                return LogEntry(index, found.record_time, event_id, found.event(), stands)
        return None

    def _candidates(self, event_id: EventId) -> list[int]:
        if event_id in self.places:
            return [self.places[event_id]]
        if self._newest is None:
            newest = self._log.unplaced(self._view.placed(), self._size)
            self._newest = {id_of(payload): index for index, payload in newest}
        if event_id in self._newest:
            return [self._newest[event_id]]
        return self._view.candidates(event_id)
