"""A stored ledger as `gather` wants to ask it."""

from collections.abc import Collection, Mapping, Sequence

from traceability.core import events
from traceability.core.ids import EventId
from traceability.core.record import Address, Place
from traceability.core.registry_records import Act, Snapshots
from traceability.core.state import SubjectRecord
from traceability.ledger.gather import Logged, Noticed
from traceability.ledger.view import View


class StoredSource:
    """A `gather.Source` over one moment of a stored ledger."""

    def __init__(self, view: View) -> None:
        self._view = view

    def logged(self, indexes: Collection[int]) -> Mapping[int, Logged]:
        """The entries at these indexes."""
        entries = self._view.entries_at(list(indexes))
        named = {entry.index: events.parse(entry.payload) for entry in entries}
        outcomes = self._view.outcomes(named)
        return {
            entry.index: Logged(
                entry.index,
                entry.record_time,
                entry.payload,
                entry.signature,
                entry.blind,
                entry.event_id,
                named[entry.index],
                outcomes[entry.index].links,
            )
            for entry in entries
        }

    def places(self, addresses: Collection[Address]) -> Mapping[Address, Place]:
        """The lines of these subjects in the book as they are now."""
        records = self._view.records(addresses)
        return {
            address: record.place for address, record in records.items() if isinstance(record, SubjectRecord)
        }

    def indexes(self, event_ids: Collection[EventId]) -> Mapping[EventId, int]:
        """Where these events stand."""
        found = {event_id: self._view.index_of(event_id) for event_id in event_ids}
        return {event_id: index for event_id, index in found.items() if index is not None}

    def first_uses(self, indexes: Collection[int]) -> Collection[int]:
        """For those of these entries whose number had been used before: the entries that used it first."""
        rows = self._view.all(
            "SELECT earlier.idx FROM outcome JOIN outcome AS earlier ON earlier.signer = outcome.signer "
            "AND earlier.sequence = outcome.sequence AND earlier.use = 0 "
            "WHERE outcome.use = 1 AND outcome.idx = ANY(?)",
            list(indexes),
        )
        return {row[0] for row in rows}

    def approvals(self, event_ids: Collection[EventId]) -> Collection[EventId]:
        """The events that approved or rejected these."""
        acts = self._view.records(("act", event_id) for event_id in event_ids)
        return {said.event for act in acts.values() if isinstance(act, Act) for said in act.approvals}

    def findings(self, addresses: Collection[Address]) -> Mapping[Address, Sequence[Noticed]]:
        """What rules noticed about these, oldest first."""
        found: dict[Address, list[Noticed]] = {}
        by_type: dict[str, list[str]] = {}
        for type_, id_ in addresses:
            by_type.setdefault(type_, []).append(id_)
        for type_, ids in by_type.items():
            rows = self._view.all(
                "SELECT subject.id, finding.idx, finding.n, finding.value FROM finding_subject AS subject "
                "JOIN finding ON finding.idx = subject.idx AND finding.n = subject.n "
                "WHERE subject.type = ? AND subject.id = ANY(?) ORDER BY finding.idx, finding.n",
                type_,
                ids,
            )
            for id_, index, number, value in rows:
                found.setdefault((type_, id_), []).append(Noticed(index, number, bytes(value)))
        return found

    def attestations(self, snapshot: EventId) -> Collection[EventId]:
        """The events that attested this snapshot."""
        known = self._view.record(("snapshots", ""))
        newest = known.newest if isinstance(known, Snapshots) else ()
        return {said.event for each in newest if each.event == snapshot for said in each.attested}
