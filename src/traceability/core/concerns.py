"""The fold over what is wrong: incidents and answers to them, holds and their release.

A hold stops papers, not trade: under it certificates and their use are refused, while a handoff is recorded,
because rejecting the truth would drive it off the ledger.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from traceability.core.authority import lacks_role
from traceability.core.concern_bodies import SubjectNamed
from traceability.core.concern_records import Held, Hold, Incident, Planned, Reported
from traceability.core.events import Hold as HoldEvent
from traceability.core.events import Incident as IncidentEvent
from traceability.core.events import Release, Response
from traceability.core.ground_facts import site_facts
from traceability.core.ground_records import Certificate, Licence
from traceability.core.ids import PartyId
from traceability.core.lot_records import Lot
from traceability.core.naming import addresses
from traceability.core.outcome import Step, reject
from traceability.core.record import Address
from traceability.core.registry_records import Key, Party, Roll, Site
from traceability.core.state import AnyRecord

ConcernEvent = IncidentEvent | Response | HoldEvent | Release
_MUST_EXIST: dict[str, type[AnyRecord]] = {
    "lot": Lot, "party": Party, "site": Site, "key": Key, "roll": Roll, "licence": Licence, "certificate": Certificate,
}  # fmt: skip
OPEN_MAX = 1000
"""How many open reports of a subject are remembered."""
ANSWERS_MAX = 100
"""How many responses to a report, and how many actions promised in them, are remembered."""
SETTLING = frozenset({"checked", "dismissed", "escalated"})
"""What responses say that settle a report, or open it again."""
_ANSWER = frozenset({"monitor", "auditor", "inspectorate", "regulator"})


def apply(step: Step, event: ConcernEvent) -> None:
    """Judges one such event whose signer, party and role have been admitted."""
    match event:
        case IncidentEvent():
            _incident(step, event)
        case Response():
            _response(step, event)
        case HoldEvent():
            _hold(step, event)
        case Release():
            _release(step, event)


def known_subjects(step: Step, subjects: Sequence[SubjectNamed]) -> tuple[Address, ...]:
    """Where these subjects are kept; the event waits for one that is not known here. Regions and tags need no record."""
    found = tuple(addresses(subjects))
    for kind, id_ in found:
        if kind in _MUST_EXIST:
            step.need(kind, id_, _MUST_EXIST[kind])
    return found


def _incident(step: Step, event: IncidentEvent) -> None:
    body = event.body
    if body.reporter == "anonymous" and lacks_role(step.party(event.actor), ("operator", "monitor")):
        reject(
            "role_missing", "for a person without a key an incident is signed by the operator or a monitor"
        )
    incident = Incident(
        event=step.entry.event_id,
        reported_by=event.actor,
        categories=tuple(body.categories),
        level=body.level,
        subjects=known_subjects(step, body.subjects),
        happened=body.happened_from,
    )
    step.put("incident", incident.event, incident)
    _keep_open(step, incident)


def _keep_open(step: Step, incident: Incident) -> None:
    """Keeps a report among the open ones of each of its subjects, or takes it out once it is settled."""
    for kind, id_ in incident.subjects:
        address = f"{kind}:{id_}"
        known = step.find("reported", address, Reported)
        others = tuple(each for each in known.incidents if each != incident.event) if known else ()
        mine = (incident.event,) if incident.settled_by is None else ()
        step.put("reported", address, Reported((*others, *mine)[-OPEN_MAX:]))


def _response(step: Step, event: Response) -> None:
    body, actor = event.body, event.actor
    about = body.about
    for support in body.supports or ():
        step.logged(support)
    overseer = not lacks_role(step.party(actor), _ANSWER)
    if about.incident is None:
        assert about.lot is not None
        lot = step.lot(about.lot)
        for named in about.events or ():
            step.logged(named)
        signers = {step.logged(named).event.actor for named in about.events or ()}
        if not overseer and actor not in (lot.custodian, lot.title, lot.producer, *signers):
            reject(
                "not_concerned",
                "a finding is answered by whoever is concerned: the lot's parties, or an authority",
            )
        return
    incident = step.of_event("incident", about.incident, Incident)
    if incident is None:
        reject("not_an_incident", f"the event {about.incident[:12]} is in the log and reports no incident")
    if not overseer and actor != incident.reported_by and actor not in _concerned(step, incident.subjects):
        reject("not_concerned", "an incident is answered by whoever it concerns, or by an authority")
    match body.act:
        case "action_planned":
            assert body.due is not None
            planned = Planned(step.entry.event_id, actor, body.due)
            incident = replace(incident, planned=(*incident.planned, planned)[-ANSWERS_MAX:])
        case "action_done":
            mine = [plan.event for plan in incident.planned if plan.party == actor]
            done = [event for event in mine if event in (body.supports or ())] or mine
            rest = tuple(plan for plan in incident.planned if plan.event not in done)
            incident = replace(incident, planned=rest)
        case "checked" | "dismissed":
            if not overseer:
                reject(
                    "role_missing", "an incident is settled by a monitor, auditor, inspectorate or regulator"
                )
            incident = replace(incident, settled_by=step.entry.event_id)
        case "escalated":
            incident = replace(incident, settled_by=None)
        case "explanation":
            pass
    if body.act in SETTLING:
        _keep_open(step, incident)
    answers = (*incident.answers, step.entry.event_id)[-ANSWERS_MAX:]
    step.put("incident", incident.event, replace(incident, answers=answers))


def _concerned(step: Step, subjects: Sequence[Address]) -> Iterator[PartyId]:
    """The parties behind these subjects."""
    for kind, id_ in subjects:
        match kind:
            case "party":
                yield PartyId(id_)
            case "lot":
                lot = step.lot(id_)
                yield from (lot.custodian, lot.title, lot.producer)
            case "site":
                facts = step.need("site", id_, Site).facts[-1]
                yield from (facts.holder, *facts.worked_by)
            case "key":
                yield step.key(id_).party
            case "roll":
                yield step.need("roll", id_, Roll).issuer
            case "licence":
                yield step.need("licence", id_, Licence).party
            case "certificate":
                found = step.need("certificate", id_, Certificate)
                yield from (found.certifier, found.exporter)
            case _:
                pass


# Holds


def _hold(step: Step, event: HoldEvent) -> None:
    body, own = event.body, step.entry.event_id
    subjects = known_subjects(step, body.subjects)
    if body.incident is not None:
        step.logged(body.incident)
    if lacks_role(step.party(event.actor), ("regulator", "inspectorate")):
        if not all(
            kind == "lot" and event.actor in (step.lot(id_).custodian, step.lot(id_).title)
            for kind, id_ in subjects
        ):
            reject(
                "role_missing",
                "a hold is placed by a regulator or inspectorate; by others only on lots of their own",
            )
        for subject in subjects:
            if any(hold.placed_by == event.actor for hold in _open_holds(step, subject)):
                reject(
                    "hold_placed", f"lot {subject[1]} is under a hold of yours already: release that first"
                )
    step.put(
        "hold",
        own,
        Hold(own, event.actor, body.ground, subjects, event.event_time, body.until),
    )
    for kind, id_ in subjects:
        known = step.find("held", f"{kind}:{id_}", Held)
        step.put("held", f"{kind}:{id_}", Held((*(known.holds if known else ()), own)))
    _count_held(step, subjects, 1)


def _release(step: Step, event: Release) -> None:
    hold = step.of_event("hold", event.body.hold, Hold)
    if hold is None:
        reject("not_a_hold", f"the event {event.body.hold[:12]} is in the log and holds nothing")
    if event.actor != hold.placed_by and lacks_role(step.party(event.actor), ("regulator",)):
        reject("role_missing", "a hold is released by whoever placed it, or by a regulator")
    if hold.released_by is not None:
        reject("hold_released", "this hold is released already")
    step.put("hold", hold.event, replace(hold, released_by=step.entry.event_id))
    for kind, id_ in hold.subjects:
        known = step.find("held", f"{kind}:{id_}", Held)
        rest = tuple(held for held in known.holds if held != hold.event) if known else ()
        step.put("held", f"{kind}:{id_}", Held(rest))
    _count_held(step, hold.subjects, -1)


def _count_held(step: Step, subjects: Sequence[Address], by: int) -> None:
    """Keeps how many subjects of each type are held, so that nobody looks for holds where there are none."""
    ledger = step.ledger()
    count = Counter(dict(ledger.held))
    for kind, _ in subjects:
        count[kind] += by
    step.put(
        "ledger", "", replace(ledger, held=tuple((kind, n) for kind, n in sorted(count.items()) if n > 0))
    )


def holds_on(step: Step, *subjects: Address) -> list[Hold]:
    """The holds in force on any of these subjects at this entry, on the event's judged day."""
    if step.state.whole:  # a type of which nothing is held needs no look: handoffs ask about much
        held_types = step.ledger().held
        if not held_types:
            return []
        some = {kind for kind, _ in held_types}
        subjects = tuple(subject for subject in subjects if subject[0] in some)
    found = {hold.event: hold for subject in subjects for hold in _open_holds(step, subject)}
    return [hold for hold in found.values() if hold.until is None or step.day <= hold.until]


def _open_holds(step: Step, subject: Address) -> Iterator[Hold]:
    """The holds on a subject that nobody has released."""
    held = step.find("held", f"{subject[0]}:{subject[1]}", Held)
    for event_id in held.holds if held else ():
        hold = step.find("hold", event_id, Hold)
        if hold is not None:
            yield hold


def around(step: Step, lot: Lot) -> list[Address]:
    """What a hold on this lot can be on besides its tags: the lot, whoever holds or owns it, its site and region."""
    about: list[Address] = [("lot", lot.id), ("party", lot.custodian)]
    if lot.title != lot.custodian:
        about.append(("party", lot.title))
    if lot.site is not None:
        about.append(("site", lot.site))
        if not step.state.whole or any(kind == "region" for kind, _ in step.ledger().held):
            site = step.find("site", lot.site, Site)
            if site is not None:
                about.append(("region", site_facts(site, lot.judged_day).region))
    return about


def holds_about(step: Step, lot: Lot) -> list[Hold]:
    """The holds in force on a lot: its own, those of what is around it, and those on its tags."""
    return holds_on(step, *around(step, lot), *(("tag", tag) for tag in lot.tags))


def refuse_under_hold(step: Step, lot: Lot) -> None:
    """Rejects where a hold is in force on the lot."""
    holds = holds_about(step, lot)
    if holds:
        reject("under_hold", f"lot {lot.id} is under hold ({holds[0].ground}): it is released first")


def refuse_held(step: Step, *subjects: Address) -> None:
    """Rejects where a hold is in force on one of these."""
    holds = holds_on(step, *subjects)
    if holds:
        kind, id_ = holds[0].subjects[0]
        reject("under_hold", f"{kind} {id_} is under hold ({holds[0].ground}): it is released first")
