"""Evidence out of a ledger in memory: what the store is for a real one."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import papers
from memory import Kept, MemoryLedger
from traceability.core import book, book_tree, evidence, merkle
from traceability.core.events import Event
from traceability.core.evidence import Evidence
from traceability.core.ids import EventId, LotId
from traceability.core.record import Address, Place, Subject
from traceability.core.registry_records import Act, Number, Snapshots
from traceability.ledger.gather import Logged, Noticed, Stated, gather, show


class MemorySource:
    """A `gather.Source` over a ledger in memory."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.ledger = ledger
        self.rounds = 0

    def logged(self, indexes: Collection[int]) -> Mapping[int, Logged]:
        self.rounds += 1
        return {index: _logged(self.ledger.entries[index]) for index in indexes}

    def places(self, addresses: Collection[Address]) -> Mapping[Address, Place]:
        records = {address: self.ledger.state.records.get(address) for address in addresses}
        return {address: record.place for address, record in records.items() if isinstance(record, Subject)}

    def indexes(self, event_ids: Collection[EventId]) -> Mapping[EventId, int]:
        entries = self.ledger.state.entries
        return {name: entries[name].index for name in event_ids if name in entries}

    def first_uses(self, indexes: Collection[int]) -> Collection[int]:
        found = []
        for index in indexes:
            kept = self.ledger.entries[index]
            number = self.ledger.state.records.get(("number", f"{kept.event.key}:{kept.event.sequence}"))
            if isinstance(number, Number) and number.second == kept.event_id:
                found.append(self.ledger.state.entries[number.first].index)
        return found

    def approvals(self, event_ids: Collection[EventId]) -> Collection[EventId]:
        acts = [self.ledger.state.records.get(("act", name)) for name in event_ids]
        return {decision.event for act in acts if isinstance(act, Act) for decision in act.approvals}

    def findings(self, addresses: Collection[Address]) -> Mapping[Address, Sequence[Noticed]]:
        found: dict[Address, list[Noticed]] = {}
        for kept in self.ledger.entries:
            for number, finding in enumerate(kept.outcome.findings):
                for address in set(finding.subjects) & set(addresses):
                    found.setdefault(address, []).append(Noticed(kept.index, number, finding.to_json()))
        return found

    def attestations(self, snapshot: EventId) -> Collection[EventId]:
        known = self.ledger.state.records.get(("snapshots", ""))
        newest = known.newest if isinstance(known, Snapshots) else ()
        return {said.event for each in newest if each.event == snapshot for said in each.attested}


def _logged(kept: Kept) -> Logged:
    return Logged(
        kept.index,
        kept.record_time,
        kept.envelope.payload,
        kept.envelope.signature,
        kept.blind,
        kept.event_id,
        kept.event,
        dict(kept.outcome.links),
    )


def evidence_of(
    ledger: MemoryLedger,
    lots: Sequence[LotId],
    *,
    size: int | None = None,
    event: EventId | None = None,
    stated: Stated | None = None,
    disclosures: Mapping[int, Sequence[Any]] | None = None,
) -> Evidence:
    """Evidence for these lots in the first `size` entries (default: all)."""
    size = len(ledger.entries) if size is None else size
    gathered = gather(MemorySource(ledger), lots, size, stated)
    return show(
        gathered,
        lots,
        ledger.checkpoint(size),
        size,
        ledger.read_nodes,
        event=event,
        disclosures=disclosures,
    )


def lots_in(event: Event) -> list[LotId]:
    """The lots an event is about, as evidence for that event names them."""
    return sorted(event.lots)


def file_of(ledger: MemoryLedger, lots: Sequence[LotId], **more: Any) -> bytes:
    """The evidence file for these lots."""
    return evidence.encode(evidence_of(ledger, lots, **more))


def book_of(ledger: MemoryLedger, size: int) -> list[tuple[Address, Place]]:
    """The lines of the book after `size` entries, in order: the slow way, from what each entry was answered."""
    places: dict[Address, Place] = {}

    def line(address: Address) -> Place:
        return places.setdefault(address, Place(len(places)))

    for kept in ledger.entries[:size]:
        for address, _ in kept.outcome.links:
            places[address] = book.advance(line(address), kept.index, book.link(kept.index, kept.event_id))
        for finding in kept.outcome.findings:
            for address in finding.subjects:
                places[address] = book.advance_finding(line(address), kept.index, finding.to_json())
    return sorted(places.items(), key=lambda each: each[1].number)


def snapshot(ledger: MemoryLedger, *, root: str | None = None) -> Stated:
    """The operator states the book as it stands, or another root of it."""
    size = len(ledger.entries)
    leaves = [book_tree.leaf(address, place) for address, place in book_of(ledger, size)]
    tiles = book_tree.changed(lambda _level, _n: b"", dict(enumerate(leaves)))

    def read(level: int, n: int) -> bytes:
        return tiles.get((level, n), b"")

    stated = root or merkle.root_from_leaf_hashes(leaves).hex()
    ledger.append(ledger.operator, papers.snapshot(size, stated))
    return Stated(size, size, len(leaves), book_tree.reader(read, len(leaves)))
