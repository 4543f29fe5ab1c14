"""The fold: one entry and a state give an outcome. The only place where anything is decided.

The server uses it to accept, `fsck` to rebuild, the offline verifier to judge; they differ only in how they
load the state, so they cannot disagree. State is a function of (envelope, record_time) in log order and of
nothing else.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec.structs import replace

from traceability.core import book, custody, registry
from traceability.core.authority import admit, used_number
from traceability.core.custody_bodies import lots_named, new_lots
from traceability.core.events import (
    Approval,
    Correction,
    Delegation,
    DelegationEnd,
    Enrolment,
    Event,
    Export,
    Genesis,
    Inspection,
    KeyAddition,
    KeyRevocation,
    Production,
    Reassignment,
    Retagging,
    RoleChange,
    SiteRegistration,
    TagAllocation,
    TagIssue,
    Transfer,
    Transformation,
)
from traceability.core.ids import EventId, unpadded
from traceability.core.outcome import Appended, Entry, Outcome, RejectedStep, Step, reject
from traceability.core.registry import NEW
from traceability.core.signing import key_id
from traceability.core.state import Address, Book, Mention, Number, Place, State, Subject


def apply(entry: Entry, state: State) -> Outcome:
    """Judges one entry, its signature verified. `state` is as the entries before it left it.

    Raises NotShown where the state cannot know something that must exist (a partial view of the log).
    """
    step = Step(entry, state)
    try:
        _judge(step)
        links = _keep_book(step)
    except RejectedStep as end:
        return end.outcome
    return Appended(step.changes, tuple(step.findings), step.fates, step.stands, links)


def signing_key(event: Event) -> bytes | None:
    """The SubjectPublicKeyInfo a genesis event brings for its own signature; None for every other event."""
    if not isinstance(event, Genesis):
        return None
    for new in event.body.keys:
        spki = unpadded(new.public_key)
        if key_id(spki) == event.key:
            return spki
    return None


def _judge(step: Step) -> None:
    event = step.event
    if isinstance(event, Genesis) or step.entry.index == 0:
        if not isinstance(event, Genesis) or step.entry.index != 0:
            reject("genesis_first", "a log begins with its genesis and has no other")
        step.put("number", f"{event.key}:{event.sequence}", Number(step.entry.event_id))
        registry.apply(step, event)
        return
    admit(step)
    doubled = used_number(step)
    match event:
        case (
            Enrolment()
            | RoleChange()
            | KeyAddition()
            | KeyRevocation()
            | Delegation()
            | DelegationEnd()
            | Approval()
            | SiteRegistration()
            | TagIssue()
            | TagAllocation()
        ):
            if doubled:
                step.stands = False
            else:
                registry.apply(step, event)
        case _:
            custody.apply(step, event, doubled=doubled)
    if event.event_time > _time_of(step.entry.record_time):
        step.note("clock_ahead", "notice", [("key", event.key)], figures={"event_time": event.event_time})


def _time_of(record_time: int) -> str:
    return datetime.fromtimestamp(record_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# The book


def _keep_book(step: Step) -> tuple[tuple[Address, int], ...]:
    """Gives every subject of the entry its line, new ones in order of type and id; then the findings theirs."""
    entry = step.entry

    def named(event_id: EventId) -> Event | None:
        found = step.state.event(event_id)
        return found.event if found else None

    known = step.find("book", "", Book) or Book(0)
    size = known.size
    links = []
    for address in book.subjects(step.event, named):
        record = _subject(step, address)
        place = record.place
        if place.number < 0:
            place = Place(size)
            size += 1
        links.append((address, place.last))
        place = book.advance(place, entry.index, entry.event_id)
        step.changes[address] = replace(record, place=place)
    for finding in step.findings:
        data = finding.to_json()
        for address in finding.subjects:
            record = _subject(step, address)
            place = record.place
            if place.number < 0:
                place = Place(size)
                size += 1
            step.changes[address] = replace(record, place=book.advance_finding(place, entry.index, data))
    if size != known.size:
        step.put("book", "", Book(size))
    return tuple(links)


def _subject(step: Step, address: Address) -> Subject:
    found = step.find(*address, Subject)
    return found if found is not None else Mention(NEW)


# What the fold may look up


def touches(event: Event) -> set[Address]:
    """Every address `apply` may look up for this event, as far as the event alone tells.

    Events it names are looked up by `State.event`; where one of them is about other events or lots, or a tag
    is on another lot, those may be looked up too.
    """
    body = event.body
    found: set[Address] = {
        ("ledger", ""),
        ("book", ""),
        ("key", event.key),
        ("party", event.party),
        ("number", f"{event.key}:{event.sequence}"),
    }
    if body.acting_for is not None:
        found.add(("party", body.acting_for))
        found.add(("delegation", str(body.delegation)))
    found.update(("lot", lot) for _, lot in event.moved)
    found.update(("lot", lot) for lot in lots_named(body))
    found.update(("lot", lot) for lot in event.made)
    found.update(("tag", tag) for lot in new_lots(body) for tag in lot.tags or ())
    found.update(_own(event))
    return found


def _own(event: Event) -> Iterable[Address]:
    """What single kinds look up besides."""
    match event:
        case Genesis():
            return [("policy", "policy")]
        case Enrolment():
            body = event.body
            guardians = body.guardians.parties if body.guardians else []
            parties = [body.party, *([body.part_of] if body.part_of else []), *guardians]
            keys = [("key", key_id(unpadded(key.public_key))) for key in body.keys or ()]
            return [*(("party", party) for party in parties), *keys]
        case RoleChange():
            return [("party", event.body.party)]
        case KeyAddition():
            return [("party", event.body.party), ("key", key_id(unpadded(event.body.key.public_key)))]
        case KeyRevocation():
            return [("key", event.body.key)]
        case Delegation():
            body = event.body
            parties = [party for party in (body.agent, body.principal) if party]
            return [*(("party", party) for party in parties), *([("site", body.site)] if body.site else [])]
        case DelegationEnd():
            return [("delegation", event.body.delegation)]
        case Approval():
            return [("act", event.body.event)]
        case SiteRegistration():
            body = event.body
            return [("site", body.site), *(("party", p) for p in (body.holder, *(body.worked_by or ())))]
        case TagIssue():
            return [("roll", event.body.roll)]
        case TagAllocation():
            site = [("site", event.body.to_site)] if event.body.to_site else []
            return [("roll", event.body.roll), ("party", event.body.to_party), *site]
        case Production():
            site = [("site", event.body.site)] if event.body.site else []
            return [*site, *([("party", event.body.producer)] if event.body.producer else [])]
        case Transfer():
            carrier = [("party", event.body.carrier)] if event.body.carrier else []
            return [("party", event.body.recipient), *carrier]
        case Reassignment():
            return [("party", event.body.to)]
        case Transformation():
            return [("party", event.body.for_title)] if event.body.for_title else []
        case Retagging():
            tags = [tag.tag for tag in event.body.tags_off or ()] + (event.body.tags_on or [])
            return [("tag", tag) for tag in tags]
        case Inspection():
            return [("party", event.body.party)] if event.body.party else []
        case Export():
            return [("party", event.body.importer)] if event.body.importer else []
        case Correction():
            return [("act", event.body.event)]
        case _:
            return []
