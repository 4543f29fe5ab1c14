"""Trusts nothing: rebuilds a ledger from its raw entries after each step and compares all it says.

Reads only entry, blind, record time and the published checkpoint; recomputes ids, leaves and the root with
the RFC's own recursion; verifies every signature with a key found by replaying; folds all entries into a
fresh state and compares that with the state kept; and counts again, in its own way, what must always hold:
one custodian, one standing successor of each head, no microgram from nowhere.
"""

import hashlib
from collections import Counter
from typing import Any

import reference
from traceability.core import composition, events, fold, mass
from traceability.core.checkpoint import Checkpoint
from traceability.core.ids import EventId, KeyId
from traceability.core.lot_records import Lot, Move, PoolRecord
from traceability.core.note import open_note
from traceability.core.outcome import Appended, Entry
from traceability.core.record import Address
from traceability.core.registry_records import Key
from traceability.core.signing import PublicKey, event_id
from traceability.core.state import AnyRecord, LogEntry, encode_record


class Replayed:
    """A state in a dictionary, as the fold left it after the entries so far."""

    whole = True

    def __init__(self) -> None:
        self.records: dict[Address, AnyRecord] = {}
        self.log: dict[EventId, LogEntry] = {}
        self.leaves: list[bytes] = []
        self.times: list[int] = []

    def find(self, address: Address) -> AnyRecord | None:
        return self.records.get(address)

    need = find

    def event(self, event_id: EventId) -> LogEntry | None:
        return self.log.get(event_id)

    def signed_by(self, key: KeyId, after: int, count: int) -> list[LogEntry]:
        found = [entry for entry in reversed(self.log.values()) if entry.event.key == key]
        return sorted((e for e in found if e.event.sequence > after), key=lambda e: -e.event.sequence)[:count]

    def take(self, index: int, record_time: int, payload: bytes, signature: bytes, blind: bytes) -> Appended:
        """One more entry of the log; it must be one the fold accepts, properly signed."""
        event = events.parse(payload)
        key = self.records.get(("key", event.key))
        spki = key.public_key if isinstance(key, Key) else fold.signing_key(event)
        assert spki is not None
        body = b"DSSEv1 39 application/vnd.traceability.event+json %d %s" % (len(payload), payload)
        PublicKey(spki).verify(signature, body)
        id_ = event_id(payload)
        assert id_ == hashlib.sha256(body).hexdigest()
        seen = event.seen.size if event.seen else 0
        outcome = fold.apply(
            Entry(index, record_time, id_, event, self.times[seen - 1] if seen else None), self
        )
        self.times.append(record_time)
        assert isinstance(outcome, Appended), outcome
        for address, record in outcome.changes.items():
            self.records[address] = record
        self.log[id_] = LogEntry(index, record_time, id_, event, outcome.stands)
        entry = _entry(payload, signature, event.key, record_time)
        self.leaves.append(b"\x01" + hashlib.sha256(b"traceability/leaf/v1\n" + blind + entry).digest())
        return outcome

    def root(self) -> bytes:
        return reference.mth(self.leaves)

    def lots(self) -> list[Lot]:
        return [record for record in self.records.values() if isinstance(record, Lot)]

    def pool(self, pool_id: str) -> composition.Pool:
        record = self.records.get(("pool", pool_id))
        if isinstance(record, PoolRecord):
            return record.pool
        lot = self.records["lot", pool_id.partition(":")[0]]
        assert isinstance(lot, Lot)
        return mass.leaf_pool(lot)


def _entry(payload: bytes, signature: bytes, key: str, record_time: int) -> bytes:
    import base64
    from datetime import UTC, datetime

    time = datetime.fromtimestamp(record_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        b'{"envelope":{"payload":"%s","payloadType":"application/vnd.traceability.event+json",'
        b'"signatures":[{"keyid":"%s","sig":"%s"}]},"record_time":"%s"}'
        % (base64.b64encode(payload), key.encode(), base64.b64encode(signature), time.encode())
    )


def check(store: Any, log_verifier: Any) -> Replayed:
    """Everything the ledger in `store` says, against what its entries give. Returns the replayed state."""
    replayed = Replayed()
    with store.read() as view:
        rows = view.all("SELECT idx, record_time, payload, signature, blind FROM entry ORDER BY idx")
        assert [row[0] for row in rows] == list(range(len(rows)))
        times = [row[1] for row in rows]
        assert times == sorted(times)
        for row in rows:
            replayed.take(*row)
        _check_tree(view, replayed, log_verifier)
        _check_records(view, replayed)
    _check_custody(replayed)
    _check_mass(replayed)
    return replayed


def _check_tree(view: Any, replayed: Replayed, log_verifier: Any) -> None:
    published = view.checkpoint()
    assert published is not None
    checkpoint = Checkpoint.parse(open_note(published[1], [log_verifier]).text)
    assert checkpoint.size == len(replayed.leaves)
    assert checkpoint.root == replayed.root()


def _check_records(view: Any, replayed: Replayed) -> None:
    kept = {(type_, id_): bytes(value) for type_, id_, value in view.all("SELECT type, id, value FROM state")}
    records = replayed.records
    assert kept == {
        address: encode_record(record)
        for address, record in records.items()
        if address[0] not in ("number", "move", "lot")
    }
    lots = {address: record for address, record in records.items() if address[0] == "lot"}
    assert view.records(lots) == lots
    numbers = {id_: record.place.number for (_, id_), record in lots.items()}
    assert view.all("SELECT no, id FROM lot ORDER BY no") == sorted((no, id_) for id_, no in numbers.items())
    moves: dict[str, dict[str, Move]] = {lot: {} for lot in numbers}
    for record in records.values():
        if isinstance(record, Move):
            moves[record.lot][record.event] = record
    stored = view.moves(numbers, view)
    assert {lot: {move.event: move for _, move in found} for lot, found in stored.items()} == moves
    for found in stored.values():
        assert all(replayed.log[move.event].index == index for index, move in found)


def _check_custody(replayed: Replayed) -> None:
    for head in ("custody_after", "title_after"):
        taken = Counter(
            (record.lot, getattr(record, head))
            for record in replayed.records.values()
            if isinstance(record, Move) and record.stands and getattr(record, head) is not None
        )
        assert not [pair for pair, count in taken.items() if count > 1], "two standing successors of one head"
    for lot in replayed.lots():
        assert lot.custodian
        assert (lot.offer is not None) == (lot.state == "offered")
        assert replayed.log[lot.custody_head].index == lot.custody_index
        assert replayed.log[lot.title_head].index == lot.title_index
        if lot.state == "ended":
            assert lot.offer is None
            assert lot.title_offer is None


def _check_mass(replayed: Replayed) -> None:
    """Every lot is exactly what its pools say, and no source gives more than it had."""
    given: Counter[composition.Leaf] = Counter()
    for lot in replayed.lots():
        parts = (*lot.content, *(item.part for item in lot.items))
        flat = composition.flatten(parts, replayed.pool)
        assert sum(flat.values()) == lot.expected_ug == composition.parts_ug(parts)
        if lot.state != "ended":
            given.update(flat)
    for leaf, mass_ug in given.items():
        if isinstance(leaf, composition.Production | composition.Intake):
            source = replayed.records["lot", leaf.lot]
            assert isinstance(source, Lot)
            made = replayed.log[source.maker].event
            assert isinstance(made, events.Production | events.Intake)
            new = made.body.lots[source.position]
            assert mass_ug <= new.weighing.net.mass_ug, "more of a lot went on than there was"
