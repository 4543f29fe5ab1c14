"""Following lots back to where their ore begins, with only part of the log in hand.

Evidence for some lots must not need everybody else's. So an entry is judged on the lots that are being
followed and on no others (`restrict`): handoffs are judged lot by lot anyway. To the end are followed the lots
asked about and those that went into them, and into those: such a lot has ended, so whatever is said of it
afterwards (a correction, a hold, a report, a second claim) looks back, and what was made of it carries it.
Others are followed up to the entry where a followed lot came to depend on them (`also_needed`):

- one of them and others were made into a lot that is followed so far: a transformation stands or falls whole;
- it lay on the scale together with a followed lot: one booked reading is shared over expected masses;
- one correction is about both: it is judged on all the lots its event was about, or on none.

What becomes of these afterwards is nobody's business here. Where a transformation is the last that is
heard of a lot asked about, it is not judged: that the lot went into it is all there is to say, and the others
that went in are strangers'. Where more is heard of the lot, they are needed to know whether it stood.

Whoever gathers evidence and whoever verifies it use the same functions, so they agree on what must be shown.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from traceability.core.custody_bodies import new_lots
from traceability.core.events import (
    Acceptance,
    Approval,
    Attestation,
    Audit,
    CapacityEstimate,
    Certificate,
    CertificateUse,
    Closure,
    Correction,
    Delegation,
    DelegationEnd,
    Enrolment,
    Event,
    Export,
    Finding,
    Genesis,
    Hold,
    Import,
    Incident,
    Inspection,
    Intake,
    KeyAddition,
    KeyRevocation,
    LicenceGrant,
    LicenceRevocation,
    LogKey,
    Payment,
    Policy,
    Production,
    Reassignment,
    Redaction,
    Reference,
    Refusal,
    Release,
    Response,
    Retagging,
    RoleChange,
    SiteInspection,
    SiteRegistration,
    Snapshot,
    TagAllocation,
    TagIssue,
    TagVoid,
    Transfer,
    Transformation,
    Withdrawal,
    Zone,
)
from traceability.core.forms import Weighing
from traceability.core.header import Moved
from traceability.core.ids import EventId, LotId
from traceability.core.mass import BOOKED, PartOfReading

ALWAYS = 2**63 - 1
"""How far a lot is followed that was asked about, or went into one that is followed so."""


class Placed(Protocol):
    """An event in its place, with every lot it moves, names or makes."""

    @property
    def index(self) -> int: ...

    @property
    def event_id(self) -> EventId: ...

    @property
    def event(self) -> Event: ...

    @property
    def lots(self) -> frozenset[LotId]: ...


def also_needed(
    event: Event, about: Collection[LotId], followed: Collection[LotId], continued: Collection[LotId]
) -> set[LotId]:
    """The lots that must be followed up to this event because those in `followed` are, with these.

    `about` are all lots the event is about, `continued` those followed of which more is known: by later entries, or
    because they went into a lot that is followed to the end.
    """
    found: set[LotId] = set()
    match event:
        case Transformation():
            inputs = {lot for _, lot in event.moved}
            if any(lot in followed for lot in event.made) or not inputs.isdisjoint(continued):
                found = inputs
        case Correction():
            if any(lot in followed for lot in about):
                found = set(about)
        case _:
            for weighing in _shared(event):
                lots = weighing.lots or []
                if any(lot in followed for lot in lots):
                    found.update(map(LotId, lots))
    return found


def follow(asked: Collection[LotId], entries: Sequence[Placed]) -> dict[LotId, int]:
    """For each lot that has to be followed the index of the last entry that needs it; ALWAYS, if to the end.

    `entries` rise by index and are all that is shown.
    """
    went_in = _went_in(asked, entries)
    until = dict.fromkeys((*asked, *went_in), ALWAYS)
    shown = {entry.event_id: entry for entry in entries}
    later: set[LotId] = set()
    for entry in reversed(entries):
        index, about = entry.index, _subject(entry, shown).lots
        followed = {lot for lot in about if until.get(lot, -1) >= index}
        if followed:
            beyond = (followed & later) | (followed & went_in)
            for lot in also_needed(entry.event, about, followed, beyond):
                until[lot] = max(until.get(lot, -1), index)
                followed.add(lot)
            later |= followed
    return until


def _went_in(asked: Collection[LotId], entries: Sequence[Placed]) -> set[LotId]:
    """The lots that the lots asked about were made of, and those that these were, as far as is shown."""
    inputs: dict[LotId, set[LotId]] = {}
    for entry in entries:
        if isinstance(entry.event, Transformation):
            for lot in entry.event.made:
                inputs.setdefault(lot, set()).update(each for _, each in entry.event.moved)
    found: set[LotId] = set()
    waiting = [*asked]
    while waiting:
        new = inputs.pop(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _subject(entry: Placed, shown: Mapping[EventId, Placed]) -> Placed:
    """The entry that this one is about, where it is about an earlier one."""
    while isinstance(entry.event, Correction | Approval):
        found = shown.get(entry.event.body.event)
        if found is None or found.index > entry.index:
            break
        entry = found
    return entry


def restrict(event: Event, followed: Collection[LotId]) -> Event | None:
    """The event as it concerns these lots; None where it cannot be judged on any of them.

    Raises nothing: what the event says of other lots is left out, not looked at.
    """
    match event:
        case (
            Transfer() | Acceptance() | Refusal() | Withdrawal() | Export() | Import() | Closure()
            | Reassignment() | Inspection() | Payment()
        ):  # fmt: skip
            return _only(event, followed) if event.lots else event
        case Certificate():
            # What rests on it is judged by what it is; also where it names none of these lots.
            lots = [lot for lot in event.body.lots if lot in followed]
            if len(lots) == len(event.body.lots):
                return event
            less = event.model_copy(update={"body": event.body.model_copy(update={"lots": lots})})
            less.__dict__.pop("lots", None)  # copied along, if it was worked out for the whole
            return less
        case Incident() | Hold() | Finding():
            return _about(event, followed)
        case Production() | Intake():
            return event if any(lot in followed for lot in event.made) else None
        case Transformation():
            made = any(lot in followed for lot in event.made)
            return event if made or all(lot in followed for _, lot in event.moved) else None
        case Retagging():
            return event if event.body.lot in followed else None
        case (
            Genesis() | Enrolment() | RoleChange() | KeyAddition() | KeyRevocation() | Delegation()
            | DelegationEnd() | Approval() | SiteRegistration() | TagIssue() | TagAllocation() | Correction()
            | SiteInspection() | CapacityEstimate() | LicenceGrant() | LicenceRevocation() | TagVoid() | Zone()
            | Reference() | CertificateUse() | Release() | Redaction() | Policy()
            | LogKey() | Snapshot() | Attestation()
        ):  # fmt: skip
            return event
        case Response() | Audit():
            return event if set(event.lots) <= set(followed) else None


def tags_of(event: Event, followed: Collection[LotId]) -> set[str]:
    """The tags that this event puts on lots in `followed`, or takes off them."""
    match event:
        case Production() | Intake() | Transformation():
            made = zip(event.made, new_lots(event.body), strict=True)
            return {tag for lot, new in made if lot in followed for tag in new.tags or ()}
        case Retagging() if event.body.lot in followed:
            return {*(event.body.tags_on or ()), *(off.tag for off in event.body.tags_off or ())}
        case Correction():
            fields = event.body.fields_ or ()
            return {f.is_ for f in fields if followed and "/tags" in f.path and isinstance(f.is_, str)}
        case _:
            return set()


def named_events(event: Event) -> list[EventId]:
    """The earlier events that must be in the log for this one to be judged, besides those in `previous`."""
    match event:
        case Transfer():
            return [event.body.returns] if event.body.returns else []
        case Closure():
            return [event.body.incident] if event.body.incident else []
        case Export():
            return [draw.certificate for draw in event.body.certificates or ()]
        case Correction():
            return [event.body.event, *(event.body.by or ())]
        case Approval():
            return [event.body.event]
        case DelegationEnd():
            return [event.body.delegation]
        case SiteRegistration():
            return event.body.licences or []
        case LicenceRevocation():
            return [event.body.licence]
        case CertificateUse():
            return [event.body.certificate, *([event.body.export] if event.body.export else [])]
        case Payment():
            return [event.body.transfer] if event.body.transfer else []
        case Response():
            incident = event.body.about.incident
            about = [incident] if incident else event.body.about.events or []
            return [*about, *(event.body.supports or ())]
        case Hold():
            return [event.body.incident] if event.body.incident else []
        case Release():
            return [event.body.hold]
        case Finding():
            return list(event.body.events)
        case Redaction():
            return [event.body.event]
        case (
            Genesis() | Enrolment() | RoleChange() | KeyAddition() | KeyRevocation() | Delegation()
            | TagIssue() | TagAllocation() | Production() | Intake() | Acceptance()
            | Refusal() | Withdrawal() | Reassignment() | Transformation() | Retagging() | Inspection() | Import()
            | SiteInspection() | CapacityEstimate() | LicenceGrant() | TagVoid() | Zone() | Reference() | Certificate()
            | Incident() | Policy() | Audit() | LogKey() | Snapshot() | Attestation()
        ):  # fmt: skip
            return []


def _shared(event: Event) -> list[Weighing]:
    """The booked readings of an event that lie over several lots."""
    weighings: list[Weighing] = getattr(event.body, "weighings", None) or []
    return [w for w in weighings if w.basis in BOOKED and len(w.lots or ()) > 1]


_ByLot = (
    Transfer | Acceptance | Refusal | Withdrawal | Export | Import | Closure | Reassignment | Inspection | Payment
)  # fmt: skip


def _only(event: _ByLot, followed: Collection[LotId]) -> Event | None:
    lots = event.lots
    keep = lots.intersection(followed)
    for weighing in _shared(event):
        together = frozenset(map(LotId, weighing.lots or ()))
        if not together <= keep:
            keep -= together  # their shares of the reading cannot be known
    if len(keep) == len(lots):
        return event
    if not keep:
        return None
    changes: dict[str, object] = {}
    weighings: list[Weighing] | None = getattr(event.body, "weighings", None)
    if weighings:
        changes["weighings"] = _weighings(weighings, keep) or None
    match event:
        case Reassignment():
            changes["lots"] = [lot for lot in event.body.lots if lot in keep]
        case Payment():
            changes["lots"] = [lot for lot in event.body.lots or () if lot in keep]
        case Inspection():
            for name in ("lots", "missing", "surplus"):
                changes[name] = [lot for lot in getattr(event.body, name) or () if lot in keep] or None
            if event.body.sample is not None and not changes["lots"]:
                changes["sample"] = None
        case _:
            pass
    body = event.body.model_copy(update=changes)
    less = event.model_copy(update={"previous": _previous(event.previous, keep), "body": body})
    for worked_out in ("lots", "moved"):  # of the whole, and copied along
        less.__dict__.pop(worked_out, None)
    return less


def _about(event: Incident | Hold | Finding, followed: Collection[LotId]) -> Event | None:
    """The event with those of its subjects that are no lots, or lots that are followed."""
    subjects = [each for each in event.body.subjects if each.type != "lot" or each.id in followed]
    if len(subjects) == len(event.body.subjects):
        return event
    if not subjects:
        return None
    return event.model_copy(update={"body": event.body.model_copy(update={"subjects": subjects})})


def _previous(previous: Sequence[Moved], keep: Collection[LotId]) -> list[Moved]:
    kept = ((group, [lot for lot in group.lots if lot in keep]) for group in previous)
    return [group.model_copy(update={"lots": lots}) for group, lots in kept if lots]


def _weighings(weighings: Sequence[Weighing], keep: Collection[LotId]) -> list[Weighing]:
    kept = ((weighing, [lot for lot in weighing.lots or () if lot in keep]) for weighing in weighings)
    return [
        weighing
        if lots == weighing.lots
        else PartOfReading.model_construct(**{**dict(weighing), "lots": lots})
        for weighing, lots in kept
        if lots
    ]
