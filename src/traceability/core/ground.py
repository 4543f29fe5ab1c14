"""The fold over the ground: site inspections, capacities, licences, zones, reference figures, tags that are void.

All of it is timelines by their own days. A fact that arrives later for an earlier day rewrites nothing.
"""

from msgspec.structs import replace

from traceability.core.authority import lacks_role
from traceability.core.events import (
    CapacityEstimate,
    LicenceGrant,
    LicenceRevocation,
    Reference,
    SiteInspection,
    TagVoid,
    Zone,
)
from traceability.core.findings import later
from traceability.core.ground_facts import restated, site_facts
from traceability.core.ground_records import (
    Capacity,
    Figure,
    Licence,
    Polygons,
    Quota,
    Region,
    SiteStatus,
    Suspension,
)
from traceability.core.ground_records import Reference as ReferenceRecord
from traceability.core.ground_records import Zone as ZoneRecord
from traceability.core.naming import zone_regions
from traceability.core.outcome import Step, reject
from traceability.core.record import NEW
from traceability.core.registry_records import Roll, Site, Void
from traceability.core.rolls import answers_for
from traceability.core.tagging import roll_position, void

GroundEvent = (
    SiteInspection | CapacityEstimate | LicenceGrant | LicenceRevocation | Zone | Reference | TagVoid
)
ESTIMATES_MAX = 50
"""So many estimates of one author stand in a site's record, the newest: who works a site may send any number."""
_ESTIMATORS = frozenset({"inspectorate", "auditor", "monitor"})


def apply(step: Step, event: GroundEvent) -> None:
    """Judges one event about the ground whose signer, party and role have been admitted."""
    match event:
        case SiteInspection():
            _inspection(step, event)
        case CapacityEstimate():
            _capacity(step, event)
        case LicenceGrant():
            _licence(step, event)
        case LicenceRevocation():
            _revocation(step, event)
        case Zone():
            _zone(step, event)
        case Reference():
            _reference(step, event)
        case TagVoid():
            _void(step, event)


# Sites


def _inspection(step: Step, event: SiteInspection) -> None:
    body, own = event.body, step.entry.event_id
    before = site = step.need("site", body.site, Site)
    if body.status is not None and body.status_from is not None:
        status = SiteStatus(body.status, body.status_from, body.status_until, own)
        site = replace(site, statuses=(*site.statuses, status))
    if body.suspended_from is not None:
        suspension = Suspension(body.suspended_from, body.suspended_until, own)
        site = replace(site, suspensions=(*site.suspensions, suspension))
    if body.activity is not None:
        site = restated(site, replace(site_facts(site, body.date), since=body.date, activity=body.activity))
    step.put("site", site.id, site)
    begins = (body.status_from, body.suspended_from, body.date if body.activity is not None else None)
    later.note_site(step, before, site, min((day for day in begins if day is not None), default=body.date))


def _capacity(step: Step, event: CapacityEstimate) -> None:
    body = event.body
    site = step.need("site", body.site, Site)
    facts = site.facts[-1]
    if event.actor not in (facts.holder, *facts.worked_by) and lacks_role(
        step.party(event.actor), _ESTIMATORS
    ):
        reject(
            "role_missing",
            "a capacity is estimated by an inspectorate, auditor, monitor or who works the site",
        )
    estimate = Capacity(
        author=event.actor,
        mineral=body.mineral,
        form=body.form,
        mass_per_day_ug=body.mass_per_day.mass_ug,
        count_per_day=body.count_per_day,
        days_per_month=body.days_per_month,
        since=body.from_,
        until=body.until,
        event=step.entry.event_id,
    )
    known = [each for each in site.capacities if each.author == event.actor]
    first = known[0] if len(known) >= ESTIMATES_MAX else None
    rest = (each for each in site.capacities if each is not first)
    step.put("site", site.id, replace(site, capacities=(*rest, estimate)))


# Licences


def _licence(step: Step, event: LicenceGrant) -> None:
    body, own = event.body, step.entry.event_id
    party = step.party(body.party)
    for site in body.sites or ():
        step.need("site", site, Site)
    quota = body.quota
    licence = Licence(
        place=NEW,
        event=own,
        party=party.id,
        sort=body.type,
        number=body.number,
        authority=body.authority,
        minerals=tuple(body.minerals),
        sites=tuple(body.sites or ()),
        regions=tuple(body.regions or ()),
        since=body.granted,
        until=body.expires,
        quota=Quota(quota.mass.mass_ug, quota.mineral, quota.from_, quota.until) if quota else None,
    )
    step.put("licence", own, licence)
    step.put("party", party.id, replace(party, licences=(*party.licences, licence.terms)))


def _revocation(step: Step, event: LicenceRevocation) -> None:
    licence = step.of_event("licence", event.body.licence, Licence)
    if licence is None:
        reject("not_a_licence", f"the event {event.body.licence[:12]} is in the log and grants no licence")
    if licence.revoked_from is None or event.body.from_ < licence.revoked_from:
        ended = replace(licence, revoked_from=event.body.from_, revoked_by=step.entry.event_id)
        step.put("licence", licence.event, ended)
        party = step.party(licence.party)
        terms = tuple(ended.terms if each.event == ended.event else each for each in party.licences)
        step.put("party", party.id, replace(party, licences=terms))
        later.note_revocation(step, ended)


# Zones and figures


def _zone(step: Step, event: Zone) -> None:
    body = event.body
    zone = ZoneRecord(
        event=step.entry.event_id,
        name=body.name,
        type=body.type,
        minerals=tuple(body.minerals or ()),
        since=body.from_,
        until=body.until,
        polygon=tuple((x, y) for x, y in body.polygon or ()),
    )
    for code in zone_regions(body):
        region = step.find("region", code, Region) or Region(NEW)
        step.put("region", code, replace(region, zones=(*region.zones, zone)))
    if body.polygon is not None:
        polygons = step.find("polygons", "", Polygons) or Polygons()
        step.put("polygons", "", replace(polygons, zones=(*polygons.zones, zone)))
    later.note_zone(step, zone, body.regions or ())


def _reference(step: Step, event: Reference) -> None:
    body = event.body
    address = f"{body.type}:{body.mineral or ''}:{body.country or ''}:{body.currency or ''}"
    known = step.find("reference", address, ReferenceRecord) or ReferenceRecord(())
    figure = Figure(step.entry.event_id, body.value, body.unit, body.from_, body.until)
    step.put("reference", address, ReferenceRecord((*known.figures, figure)))


# Tags


def _void(step: Step, event: TagVoid) -> None:
    body = event.body
    own = step.entry.event_id
    if body.roll is None:
        for tag in body.tags or ():
            _check_may_void(step, event, tag)
            void(step, tag)
        return
    assert body.first is not None
    assert body.last is not None
    roll = step.need("roll", body.roll, Roll)
    if body.last > roll.count:
        reject("beyond_the_roll", f"the roll has {roll.count} tags; positions run from 1 to {roll.count}")
    _check_answers(event, roll, body.first, body.last)
    step.put(
        "roll", roll.id, replace(roll, voids=(*roll.voids, Void(body.first, body.last, body.reason, own)))
    )


def _check_may_void(step: Step, event: TagVoid, tag: str) -> None:
    """A tag of a roll is void by its issuer or whoever answers for it; another scheme's by a tag issuer or agent."""
    place = roll_position(tag)
    if place is None:
        if lacks_role(step.party(event.actor), ("tag_issuer", "tag_agent")):
            reject("role_missing", "a tag of another scheme is void by a tag issuer or a tag agent")
        return
    roll = step.need("roll", place[0], Roll)
    if place[1] > roll.count:
        reject("beyond_the_roll", f"the roll has {roll.count} tags; positions run from 1 to {roll.count}")
    _check_answers(event, roll, place[1], place[1])


def _check_answers(event: TagVoid, roll: Roll, first: int, last: int) -> None:
    if event.actor == roll.issuer:
        return
    if any(answers_for(roll, position) != event.actor for position in range(first, last + 1)):
        reject("not_your_tags", "tags are void by their issuer, or by whoever answers for all of them now")
