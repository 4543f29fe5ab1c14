"""Where lots begin and who handles them, held against the registry: sites, licences, zones, holds.

Nothing here decides about custody; it notes what rules of `core.findings` have to say of an event that stands. What
it looks up is what the event has loaded anyway, or what `fold.touches` names.
"""

from collections.abc import Collection, Sequence

from traceability.core.authority import day_of
from traceability.core.events import Acceptance, Export, Intake, Production, Transfer, Transformation
from traceability.core.findings import holds, later, licences, mixing, sites, zones
from traceability.core.ground_facts import Need, site_facts
from traceability.core.ground_records import Drawn, Licence, Terms
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.record import Address
from traceability.core.registry_records import Party, Site
from traceability.core.state import LogEntry


def produced(step: Step, event: Production, site: Site | None) -> None:
    """Notes what is known of the ground a production's lots come from."""
    region = event.body.region
    assert region is not None
    subjects: list[Address] = [("lot", lot) for lot in event.made]
    minerals = {new.mineral for new in event.body.lots}
    producer = step.party(event.body.producer or event.actor)
    held: list[Terms] = list(producer.licences)
    regions = [region]
    if site is None:
        step.note("no_registered_site", "warning", subjects)
        mixing.begin(step, event.made, [region[:2]])
    else:
        recorded = day_of(step.entry.record_time)
        _judge_site(step, site, step.day, recorded, producer, minerals, subjects)
        facts = site_facts(site, step.day)
        regions = list(dict.fromkeys((facts.region, region)))
        for named in facts.licences:
            licence = step.find("licence", named, Licence)
            if licence is not None:
                held.append(licence.terms)
        later.keep_production(step, site.id, step.day, step.entry.event_id)
    sealed = "/permit_number" in event.committed  # then the permit is there, and nobody can read it here
    if not sealed and licences.matters(step.policy, "production", held):
        need = Need(step.day, frozenset(minerals), site.id if site else None, regions[0])
        under = licences.judge(step, "production", held, need, subjects)
        _draw(step, under, event.made)
    zones.note_origin(step, event.made, regions, step.day)


def _judge_site(
    step: Step,
    site: Site,
    day: str,
    recorded: str,
    producer: Party,
    minerals: Collection[str],
    about: Sequence[Address],
    *,
    events: tuple[EventId, ...] = (),
) -> None:
    """What each rule says of a site for a production on `day`, recorded on `recorded`."""
    policy = step.policy
    colour, stopped = sites.standing(site, day, policy), sites.suspension(site, day)
    facts = site_facts(site, day)
    step.notice("site_red", sites.site_red(colour, lapsed=sites.lapsed(site, colour)), about, events=events)
    step.notice("site_yellow", sites.site_yellow(colour), about, events=events)
    step.notice("site_blue", sites.site_blue(colour), about, events=events)
    unknown = sites.site_status_not_recorded(colour, facts.country, minerals, policy)
    step.notice("site_status_not_recorded", unknown, about, events=events)
    step.notice("site_suspended", sites.site_suspended(stopped), about, events=events)
    step.notice(
        "site_not_active",
        sites.site_not_active(sites.activity(site, day)),
        about,
        events=events,
    )
    strange = sites.mineral_not_registered(site, day, minerals)
    step.notice("mineral_not_registered", strange, about, events=events)
    step.notice("producer_not_at_site", sites.producer_not_at_site(facts, producer), about, events=events)
    if recorded != day and colour.status != "red" and stopped is None:
        then, stopped = (
            sites.standing(site, recorded, policy),
            sites.suspension(site, recorded),
        )
        closed = sites.site_closed_before_recorded(then, stopped, day, recorded)
        step.notice("site_closed_before_recorded", closed, about, events=events)


def moved_to_site(step: Step, production: LogEntry) -> None:
    """Notes what is known of the site that a correction has put a production's lots to, on their own day."""
    event, own = production.event, production.event_id
    recorded = day_of(production.record_time)
    day = min(event.event_time[:10], recorded)
    lots = [lot for id_ in event.made if (lot := step.find("lot", id_, Lot)) is not None]
    site = step.find("site", lots[0].site, Site) if lots and lots[0].site else None
    about = [lot for lot in lots if site is not None and lot.site == site.id]
    if site is None:
        return
    producer = step.party(about[0].producer)
    minerals = {lot.mineral for lot in about}
    subjects = [("lot", lot.id) for lot in about]
    _judge_site(step, site, day, recorded, producer, minerals, subjects, events=(own,))
    later.keep_production(step, site.id, day, own)
    zones.note_origin(step, [lot.id for lot in about], [site_facts(site, day).region], day)


def taken_in(step: Step, event: Intake) -> None:
    """Notes the zones an intake's lots are in, and keeps the countries they are said to be from."""
    assert event.body.region is not None
    mixing.begin(step, event.made, event.body.countries)
    zones.note_origin(step, event.made, [event.body.region], step.day)


def handled(step: Step, event: Transfer | Acceptance | Export, lots: Sequence[LotId]) -> None:
    """Notes what is to be said of these lots' being moved by this event, which stands on them."""
    if not lots:
        return
    holds.note_moved(step, lots)
    zones.note_transit(step, lots)
    actor = step.party(event.actor)
    if isinstance(event, Export):
        under = _licensed(step, "export", actor, lots)
        _draw(step, under, lots)
        return
    if "trader" in actor.roles:
        _licensed(step, "trade", actor, lots)
    if isinstance(event, Transfer) and event.body.carrier is not None:
        _licensed(step, "transport", step.party(event.body.carrier), lots)


def transformed(step: Step, event: Transformation, inputs: dict[LotId, Lot]) -> None:
    """Notes what is to be said of these lots' having become others."""
    holds.note_moved(step, inputs)
    mixing.carry(step, inputs, event.made)
    if event.body.type == "processing":
        _licensed(step, "processing", step.party(event.actor), list(inputs))


def _licensed(step: Step, act: str, party: Party, lots: Sequence[LotId]) -> Terms | None:
    """The licence under which a party does this with these lots; notes where there should be one."""
    if not licences.matters(step.policy, act, party.licences):
        return None
    minerals = frozenset(step.lot(lot).mineral for lot in lots)
    need = Need(step.day, minerals, None, step.event.body.region)
    return licences.judge(step, act, party.licences, need, [("party", party.id)])


def _draw(step: Step, terms: Terms | None, lots: Sequence[LotId]) -> None:
    """Draws the lots' mass on the quota of the licence, if it has one for their mineral and day."""
    if terms is None or terms.quota is None or not step.state.whole:
        return
    quota = terms.quota
    if not quota.since <= step.day <= quota.until:
        return
    mass_ug = sum(lot.expected_ug for lot in map(step.lot, lots) if lot.mineral == quota.mineral)
    known = step.find("drawn", terms.event, Drawn) or Drawn(0)
    drawn = Drawn(known.mass_ug + mass_ug, known.exceeded_by)
    found = licences.quota_exceeded(drawn.mass_ug, terms)
    if found is not None and drawn.exceeded_by is None:
        drawn = Drawn(drawn.mass_ug, step.entry.event_id)
        step.notice("quota_exceeded", found, [("licence", terms.event), *(("lot", lot) for lot in lots)])
    step.put("drawn", terms.event, drawn)
