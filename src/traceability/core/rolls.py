"""Sites, and rolls of tags: registered, issued, allocated."""

from msgspec.structs import replace

from traceability.core.events import (
    SiteRegistration,
    TagAllocation,
    TagIssue,
)
from traceability.core.findings import later
from traceability.core.ground_facts import restated
from traceability.core.ground_records import Licence
from traceability.core.ids import PartyId, RollId, SiteId
from traceability.core.outcome import Step, reject
from traceability.core.parties import check_id
from traceability.core.record import NEW
from traceability.core.registry_bodies import TagNumbers
from traceability.core.registry_records import Allocation, Roll, Site, SiteFacts


def register_site(step: Step, event: SiteRegistration) -> None:
    body = event.body
    for party in (body.holder, *(body.worked_by or ())):
        step.party(party)
    for licence in body.licences or ():
        step.logged(licence)
        named = step.find("licence", licence, Licence)
        if named is not None and body.site not in named.named_by:
            step.put("licence", licence, replace(named, named_by=(*named.named_by, SiteId(body.site))))
    later.keep_site(step, SiteId(body.site), body.region)
    facts = SiteFacts(
        since=body.from_,
        type=body.type,
        name=body.name,
        country=body.country,
        region=body.region,
        minerals=tuple(body.minerals),
        mining_method=body.mining_method,
        activity=body.activity,
        holder=body.holder,
        worked_by=tuple(body.worked_by or ()),
        licences=tuple(body.licences or ()),
    )
    if body.nonce is None:
        known = step.need("site", body.site, Site)
        changed = restated(known, facts)
        step.put("site", known.id, changed)
        later.note_site(step, known, changed, body.from_)
        return
    if step.find("site", body.site, Site) is not None:
        reject("site_known", "this site is registered already; restate its facts without nonce")
    check_id("site", body.site, event.key, body.nonce)
    step.put("site", body.site, Site(NEW, SiteId(body.site), (facts,)))


def issue_tags(step: Step, event: TagIssue) -> None:
    body = event.body
    check_id("roll", body.roll, event.key, body.nonce)
    if step.find("roll", body.roll, Roll) is not None:
        reject("roll_known", "this roll is issued already")
    step.put(
        "roll",
        body.roll,
        Roll(
            place=NEW,
            id=RollId(body.roll),
            issuer=PartyId(event.actor),
            scheme=body.scheme,
            level=body.level,
            medium=body.medium,
            count=body.count,
            numbers=_numbers(body.numbers),
            issued_by=step.entry.event_id,
        ),
    )


def _numbers(numbers: TagNumbers | None) -> tuple[str, int, int, int, str] | None:
    if numbers is None:
        return None
    return (numbers.prefix, numbers.first, numbers.last, numbers.digits, numbers.suffix)


def allocate_tags(step: Step, event: TagAllocation) -> None:
    body = event.body
    roll = step.need("roll", body.roll, Roll)
    if body.last > roll.count:
        reject("beyond_the_roll", f"the roll has {roll.count} tags; positions run from 1 to {roll.count}")
    step.party(body.to_party)
    if body.to_site is not None:
        step.need("site", body.to_site, Site)
    issuer = "tag_issuer" in step.party(event.actor).roles and event.actor == roll.issuer
    if not issuer and not _holds(roll, event.actor, body.first, body.last):
        reject(
            "not_your_tags", "tags are allocated by their issuer, or by whoever answers for all of them now"
        )
    allocation = Allocation(body.first, body.last, body.to_party, body.to_site, step.entry.event_id)
    step.put("roll", roll.id, replace(roll, allocations=(*roll.allocations, allocation)))


def _holds(roll: Roll, party: str, first: int, last: int) -> bool:
    return all(answers_for(roll, position) == party for position in range(first, last + 1))


def answers_for(roll: Roll, position: int) -> PartyId:
    """Who answers for this position of the roll now: the newest allocation that covers it, else the issuer."""
    for allocation in reversed(roll.allocations):
        if allocation.first <= position <= allocation.last:
            return allocation.party
    return roll.issuer
