"""The fold: one entry and a state give an outcome. The only place where anything is decided.

The server uses it to accept, `fsck` to rebuild, the offline verifier to judge; they differ only in how they
load the state, so they cannot disagree. State is a function of (envelope, record_time) in log order and of
nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from traceability.core import book, certificates, concerns, custody, ground, log_life, registry, statements
from traceability.core import watch as global_rules
from traceability.core.authority import abandon, admit, judged_day, used_number
from traceability.core.concern_bodies import SubjectNamed
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
from traceability.core.findings.kinds import look_at_kinds
from traceability.core.ids import EventId, unpadded
from traceability.core.leaf import time_text
from traceability.core.naming import addresses, zone_regions
from traceability.core.outcome import Appended, Entry, Outcome, RejectedStep, Step, reject
from traceability.core.record import NEW, Address, Place
from traceability.core.registry_records import Book, Mention, Number
from traceability.core.signing import key_id
from traceability.core.state import State, SubjectRecord
from traceability.core.tagging import roll_position


def apply(entry: Entry, state: State, *, watch: bool = True) -> Outcome:
    """Judges one entry, its signature verified. `state` is as the entries before it left it.

    Global rules are asked where `state` is that of a whole log, unless `watch` is False: then their tallies and
    findings are missing, and all else is the same.
    Raises NotShown where the state cannot know something that must exist (a partial view of the log).
    """
    step = Step(entry, state, judged_day(entry.event, entry.record_time))
    try:
        _judge(step)
        if watch and state.whole:
            global_rules.apply(step)
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
    first = step.entry.index == 0
    begins = isinstance(event, Genesis) and event.body.continues is None
    if first != begins:
        reject("genesis_first", "a log begins with its genesis and has no other")
    if isinstance(event, Genesis) and first:
        step.changes["number", f"{event.key}:{event.sequence}"] = Number(step.entry.event_id)
        registry.apply(step, event)
        return
    log_life.check_open(step)
    key = admit(step)
    if isinstance(event, (Approval, Correction)):
        _check_not_about_itself(step, event)
    doubled = used_number(step)
    if doubled and isinstance(event, Genesis):
        reject("number_used", "the number of a genesis is used already; take the next number")
    abandon(step, key)
    if isinstance(event, custody.CustodyEvent):
        custody.apply(step, event, doubled=doubled)
        look_at_kinds(step, event)
    elif doubled:
        step.stands = False
    elif isinstance(event, ground.GroundEvent):
        ground.apply(step, event)
    elif isinstance(event, concerns.ConcernEvent):
        concerns.apply(step, event)
    elif isinstance(event, statements.StatedEvent):
        statements.apply(step, event)
    elif isinstance(event, CertificateUse):
        certificates.use(step, event)
    else:
        registry.apply(step, event)
    if event.event_time > time_text(step.entry.record_time):
        step.note("clock_ahead", "notice", [("key", event.key)], figures={"event_time": event.event_time})
    seen = step.entry.seen_time
    if seen is not None and event.event_time < time_text(seen):
        figures = {"event_time": event.event_time, "seen_time": time_text(seen)}
        step.note("dated_before_last_contact", "warning", [("key", event.key)], figures=figures)


def _check_not_about_itself(step: Step, event: Approval | Correction) -> None:
    """Nothing corrects or approves a correction or an approval: such chains could be grown without end."""
    target = step.state.event(event.body.event)
    if target is not None and isinstance(target.event, Approval | Correction):
        name = "not_correctable" if isinstance(event, Correction) else "needs_no_approval"
        reject(name, f"a {target.event.kind} stands as it is: say what is right by a new event")


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
    index, changes = entry.index, step.changes
    link = book.link(index, entry.event_id)
    for address in book.subjects(step.event, entry.event_id, named):
        record = _subject(step, address)
        place = record.place
        if place.number < 0:
            place = Place(size)
            size += 1
        links.append((address, place.last))
        changes[address] = replace(record, place=book.advance(place, index, link))
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


def _subject(step: Step, address: Address) -> SubjectRecord:
    found = step.changes.get(address) or step.state.find(address)
    return found if isinstance(found, SubjectRecord) else Mention(NEW)


# What the fold may look up


_ALWAYS: tuple[Address, ...] = (("ledger", ""), ("book", ""), ("policy", "policy"))


def touches(event: Event) -> set[Address]:
    """Every address `apply` may look up for this event, as far as the event alone tells.

    Events it names are looked up by `State.event`; where one of them is about other events or lots, or a tag
    is on another lot, those may be looked up too.
    """
    body = event.body
    found = set(_ALWAYS)
    found.update((("key", event.key), ("party", event.party), ("number", f"{event.key}:{event.sequence}")))
    if body.acting_for is not None:
        found.add(("party", body.acting_for))
        found.add(("delegation", str(body.delegation)))
    found.update([("lot", lot) for lot in event.lots])
    if event.made:
        found.update([("tag", tag) for lot in new_lots(body) for tag in lot.tags or ()])
    found.update(_own(event))
    return found


def _own(event: Event) -> Iterator[Address]:
    """What single kinds look up besides."""
    match event:  # the most frequent first
        case Transfer():
            yield from _named("party", event.body.recipient, event.body.carrier)
            yield from _around(event)
        case Acceptance():
            yield from _around(event)
        case Production():
            yield from _whence(event)
            if event.body.site is not None:
                yield "site", event.body.site
                yield "produced", event.body.site
                yield "produced", f"{event.body.site}:{event.event_time[:10]}"
            yield from _named("party", event.body.producer, *[new.title for new in event.body.lots])
        case Payment():
            yield from _named("party", event.body.payee)
        case Refusal() | Withdrawal() | Import():
            pass
        case Closure():
            yield from _holds(event)
        case Genesis():
            yield from book.subjects(event, EventId(""), lambda _: None)
            yield from log_life.keys_named(event)
        case LogKey():
            yield from log_life.keys_named(event)
        case Enrolment():
            guardians = event.body.guardians.parties if event.body.guardians else ()
            yield from _named("party", event.body.party, event.body.part_of, *guardians)
            yield from (("key", key_id(unpadded(key.public_key))) for key in event.body.keys or ())
        case RoleChange():
            yield "party", event.body.party
        case KeyAddition():
            yield "party", event.body.party
            yield "key", key_id(unpadded(event.body.key.public_key))
        case KeyRevocation():
            yield "key", event.body.key
        case Delegation():
            yield from _named("party", event.body.agent, event.body.principal)
            yield from _named("site", event.body.site)
        case DelegationEnd():
            yield "delegation", event.body.delegation
        case Approval():
            yield "act", event.body.event
        case Correction():
            yield "act", event.body.event
            for field in event.body.fields_ or ():
                if isinstance(field.is_, str) and "/tags" in field.path:
                    yield "tag", field.is_
                elif field.path == "/site":
                    yield "site", str(field.is_)
        case SiteRegistration():
            yield "site", event.body.site
            yield "sites_in", event.body.region
            yield from _named("region", event.body.region, event.body.region[:2])
            yield from _named("licence", *(event.body.licences or ()))
            yield from _named("party", event.body.holder, *(event.body.worked_by or ()))
        case TagIssue():
            yield "roll", event.body.roll
        case TagAllocation():
            yield "roll", event.body.roll
            yield "party", event.body.to_party
            yield from _named("site", event.body.to_site)
        case Intake():
            yield from _whence(event)
            yield from _named("party", *(new.title for new in event.body.lots))
        case Reassignment():
            yield "party", event.body.to
        case Transformation():
            yield from _named("party", event.body.for_title)
            yield from _holds(event)
        case Retagging():
            yield "held", f"lot:{event.body.lot}"
            yield from (("tag", off.tag) for off in event.body.tags_off or ())
            yield from _named("tag", *(event.body.tags_on or ()))
        case Inspection():
            yield from _named("party", event.body.party)
        case Export():
            yield from _named("party", event.body.importer)
            yield from _around(event)
            yield from (("certificate", draw.certificate) for draw in event.body.certificates or ())
        case SiteInspection() | CapacityEstimate():
            yield "site", event.body.site
        case LicenceGrant():
            yield "party", event.body.party
            yield from (("site", site) for site in event.body.sites or ())
        case LicenceRevocation():
            yield "licence", event.body.licence
        case TagVoid():
            yield from (("tag", tag) for tag in event.body.tags or ())
            rolls = {place[0] for tag in event.body.tags or () if (place := roll_position(tag))}
            yield from _named("roll", event.body.roll, *sorted(rolls))
        case Zone():
            yield from (("region", code) for code in zone_regions(event.body))
            yield from (("sites_in", code) for code in event.body.regions or ())
            yield "polygons", ""
        case Reference() | Policy():
            yield "policy", "policy"
        case Certificate():
            yield from _named("party", event.body.exporter, event.body.importer)
            yield "certificate_number", f"{event.body.country}:{event.body.number}"
            yield from (("held", f"lot:{lot}") for lot in event.body.lots)
        case CertificateUse():
            yield "certificate", event.body.certificate
        case Incident() | Hold() | Finding():
            yield from _subjects(event.body.subjects)
        case Audit():
            yield from _subjects(event.body.scope)
        case Response():
            yield from _named("incident", event.body.about.incident)
        case Release():
            yield "hold", event.body.hold
        case Redaction():
            yield "act", event.body.event
        case Snapshot() | Attestation():
            yield "snapshots", ""


def _around(event: Transfer | Acceptance | Export) -> Iterator[Address]:
    """What handling lots is held against: the holds on them, and the zones of the place."""
    yield from _holds(event)
    yield from _named("region", event.body.region)
    if event.body.cell is not None:
        yield "polygons", ""


def _holds(event: Event) -> Iterable[Address]:
    return [("held", f"lot:{lot}") for _, lot in event.moved]


def _whence(event: Production | Intake) -> Iterator[Address]:
    """The zones that lots which begin are held against: of the region, the country and the cell."""
    if event.body.region is not None:
        yield from _named("region", event.body.region, event.body.region[:2])
    if event.body.cell is not None:
        yield "polygons", ""


def _subjects(named: Sequence[SubjectNamed]) -> Iterator[Address]:
    for kind, id_ in addresses(named):
        yield kind, id_
        yield "held", f"{kind}:{id_}"
        yield "reported", f"{kind}:{id_}"


def _named(kind: str, *ids: str | None) -> Iterable[Address]:
    return [(kind, id_) for id_ in ids if id_ is not None]
