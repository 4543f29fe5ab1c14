"""What the fold answers about one entry, and the step in which it works that out.

An `Outcome` is `Appended` (the changes, the findings, and for each lot whether the entry stands or is
without effect), `Rejected` (a short stable name) or `WaitsFor` (what is not known here yet).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn, TypeVar

import msgspec
from msgspec.structs import replace

from traceability.core import canonical, policy
from traceability.core.errors import Malformed
from traceability.core.events import Event
from traceability.core.findings.catalogue import RULES
from traceability.core.findings.raised import Raised, Severity
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot, Move
from traceability.core.once import once
from traceability.core.policy import Policy, Section, Wanted
from traceability.core.record import Address, Subject
from traceability.core.registry_records import Delegation, Key, LedgerFacts, Party
from traceability.core.state import AnyRecord, LogEntry, State


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An event in its place in the log, its signature already verified."""

    index: int
    record_time: int
    """Unix seconds, UTC: when the log took it."""
    event_id: EventId
    event: Event
    seen_time: int | None = None
    """Record time of the newest entry under the checkpoint the event names in `seen`, as far as it is known."""
    partial: bool = False
    """Whether `event` is only what the entry's event says of some of its lots."""


class Finding(msgspec.Struct, frozen=True, gc=False):
    """What a rule noticed. Never a verdict: it names rule, lots and figures, and can be answered."""

    rule: str
    version: int
    severity: Severity
    subjects: tuple[Address, ...]
    events: tuple[EventId, ...]
    figures: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> bytes:
        """Canonical JSON: what the finding chain commits to."""
        return canonical.dump(
            {
                "events": list(self.events),
                "figures": [{"name": name, "value": value} for name, value in self.figures],
                "rule": self.rule,
                "severity": self.severity,
                "subjects": [{"id": address[1], "type": address[0]} for address in self.subjects],
                "version": self.version,
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> "Finding":
        """The finding. Raises Malformed for any bytes `to_json` would not write."""
        try:
            found = _SPELT.decode(data)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise Malformed(f"not a finding: {error}") from error
        finding = cls(
            found.rule,
            found.version,
            found.severity,
            tuple((each.type, each.id) for each in found.subjects),
            tuple(map(EventId, found.events)),
            tuple((each.name, each.value) for each in found.figures),
        )
        if finding.to_json() != data:
            raise Malformed("a finding is not in its one form")
        return finding


class _Named(msgspec.Struct):
    type: str
    id: str


class _Figure(msgspec.Struct):
    name: str
    value: str


class _Spelt(msgspec.Struct):
    """A finding as its JSON has it."""

    rule: str
    version: int
    severity: Severity
    subjects: list[_Named]
    events: list[str]
    figures: list[_Figure]


_SPELT = msgspec.json.Decoder(_Spelt)


def told_with(event_id: EventId, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of an entry's findings that are about its own event.

    What merely fell due at the entry is about others, and no business of whoever signed or is shown it.
    """
    return tuple([found for found in findings if event_id in found.events[:1]])


class Appended(msgspec.Struct, frozen=True, gc=False):
    """The entry belongs in the log."""

    changes: Mapping[Address, AnyRecord]
    """New records by address; what is not named stays as it was."""
    findings: tuple[Finding, ...]
    fates: Mapping[LotId, bool]
    """For each lot the event moves or makes: whether the event stands on it."""
    stands: bool
    """False: the whole entry is without effect (a double issue)."""
    links: tuple[tuple[Address, int], ...]
    """For each subject of the entry, in order: the index of that subject's entry before, or −1."""


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """The entry does not belong in the log. `name` is short and stable; `message` says what to do."""

    name: str
    message: str


class WaitsFor(msgspec.Struct, frozen=True, gc=False):
    """Something the event names is not known here yet; nothing is stored, it may be sent again later."""

    type: str
    id: str


Outcome = Appended | Rejected | WaitsFor


class RejectedStep(Exception):  # noqa: N818
    """Carries a `Rejected` out of a rule."""

    def __init__(self, outcome: Rejected | WaitsFor) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


def reject(name: str, message: str) -> NoReturn:
    """Ends the step: the entry is rejected under this name."""
    raise RejectedStep(Rejected(name, message))


_R = TypeVar("_R")


class Step:
    """One entry being judged: reads through to the state, and keeps what the entry changes."""

    def __init__(self, entry: Entry, state: State, day: str) -> None:
        self.entry = entry
        self.day = day
        """The event's own day, not later than the day it was recorded."""
        self.event = entry.event
        self.state = state
        self.changes: dict[Address, AnyRecord] = {}
        self.findings: list[Finding] = []
        self.fates: dict[LotId, bool] = {}
        self.stands = True

    @once
    def policy(self) -> Policy | None:
        """The ledger's rules in force as this entry found them; None before genesis."""
        return self.find("policy", "policy", Policy)

    def _country(self) -> str | None:
        """The country the event says it happened in."""
        region: str | None = self.event.body.region
        return None if region is None else region[:2]

    @once
    def _numbers(self) -> dict[Wanted, int]:
        return policy.looked_up(self.policy, self._country())

    def find(self, kind: str, id_: str, record: type[_R]) -> _R | None:
        """The record if there is one of that class (a mere mention is none)."""
        address = (kind, id_)
        found = self.changes.get(address) or self.state.find(address)
        return found if isinstance(found, record) else None

    def before(self, kind: str, id_: str, record: type[_R]) -> _R | None:
        """The same as it was before this entry."""
        found = self.state.find((kind, id_))
        return found if isinstance(found, record) else None

    def number(
        self, section: Section, rule: str, name: str, mineral: str | None = None, at: str | None = None
    ) -> int:
        """A number of a rule, as the policy in force or else the program has it for the country of the event.

        `at`: the step of the trade, where the rule has numbers by step.
        """
        wanted = (section, rule, name, mineral, at)
        found = self._numbers.get(wanted)
        if found is None:
            country = self._country()
            found = policy.number(self.policy, section, rule, name, mineral=mineral, step=at, country=country)
            self._numbers[wanted] = found
        return found

    def need(self, kind: str, id_: str, record: type[_R]) -> _R:
        """The record; the whole event waits where there is none yet."""
        address = (kind, id_)
        found = self.changes.get(address) or self.state.need(address)
        if not isinstance(found, record):
            raise RejectedStep(WaitsFor(kind, id_))
        return found

    def put(self, kind: str, id_: str, record: AnyRecord) -> None:
        """Sets what stands at that address after this entry. A subject keeps the line it has in the book."""
        address = (kind, id_)
        if isinstance(record, Subject) and record.place.number < 0:
            known = self.changes.get(address) or self.state.find(address)
            if isinstance(known, Subject):
                record = replace(record, place=known.place)
        self.changes[address] = record

    def logged(self, event_id: EventId) -> LogEntry:
        """The entry of an event named here; the whole event waits where the log has it not yet."""
        found = self.state.event(event_id)
        if found is None:
            raise RejectedStep(WaitsFor("event", event_id))
        return found

    def of_event(self, kind: str, event_id: EventId, record: type[_R]) -> _R | None:
        """The record an event named here made, None where it made none. The whole event waits where the log has it not."""
        self.logged(event_id)
        address = (kind, event_id)
        found = self.changes.get(address) or self.state.need(address)
        return found if isinstance(found, record) else None

    def ledger(self) -> LedgerFacts:
        """What genesis fixed."""
        return self.need("ledger", "", LedgerFacts)

    def party(self, id_: str) -> Party:
        return self.need("party", id_, Party)

    def key(self, id_: str) -> Key:
        return self.need("key", id_, Key)

    def lot(self, id_: str) -> Lot:
        return self.need("lot", id_, Lot)

    def delegation(self, id_: str) -> Delegation:
        address = ("delegation", id_)
        found = self.changes.get(address) or self.state.need(address)
        if not isinstance(found, Delegation):
            if self.state.event(EventId(id_)) is not None:
                reject(
                    "not_a_delegation", f"the event {id_[:12]} is in the log and gives nobody a right to act"
                )
            raise RejectedStep(WaitsFor("delegation", id_))
        return found

    def move(self, event_id: str, lot: str) -> Move | None:
        return self.find("move", f"{event_id}:{lot}", Move)

    def note(
        self,
        rule: str,
        severity: Severity,
        subjects: Sequence[Address],
        *,
        events: tuple[EventId, ...] = (),
        figures: Mapping[str, object] | None = None,
        due: bool = False,
    ) -> None:
        """Adds a finding of this entry on these subjects, under a rule of the catalogue.

        It names this entry's event first; but not one that merely falls `due` here: that is about others.
        """
        shown = tuple((name, str(value)) for name, value in sorted((figures or {}).items()))
        events = events if due else (self.entry.event_id, *events)
        version = RULES[rule].version
        self.findings.append(Finding(rule, version, severity, tuple(sorted(set(subjects))), events, shown))

    def notice(
        self,
        rule: str,
        raised: Raised | None,
        subjects: Sequence[Address],
        *,
        events: tuple[EventId, ...] = (),
    ) -> None:
        """Adds the finding a rule's function answered with, if any."""
        if raised is not None:
            self.note(rule, raised.severity, subjects, events=events, figures=raised.figures)
