"""Rules on what is not said: regions in conflict from which nobody reports anything."""

from traceability.core import due
from traceability.core.events import Incident, Production
from traceability.core.ground_facts import site_facts
from traceability.core.ground_records import Region, in_force
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.registry_records import Site
from traceability.core.tallies import Silence


def no_incident_in_zone(step: Step, event: Production) -> None:
    """From a region in a conflict-affected zone `productions` (200) came in `days` (180), and not one incident.

    Reports that were kept back, or nobody who dares to make one (F22). Source: OECD guidance, Annex II; the monitors'
    experience that hot places have incidents. Honest: a quiet place inside a zone drawn too large.
    """
    code = event.body.region
    region = step.find("region", code, Region)
    hot = region is not None and any(
        zone.type == "conflict_affected" for zone in in_force(region.zones, step.day)
    )
    if not hot:
        return
    id_, today = f"silence:{code}", due.today(step)
    known = step.find("tally", id_, Silence) or Silence(today, 0)
    silence = Silence(known.since, known.productions + 1)
    long = today - silence.since >= step.number("times", "no_incident_in_zone", "days")
    if long and silence.productions >= step.number("thresholds", "no_incident_in_zone", "productions"):
        figures = {"days": today - silence.since, "productions": silence.productions}
        step.note("no_incident_in_zone", "notice", [("region", code)], figures=figures)
        silence = Silence(today, 0)
    step.put("tally", id_, silence)


def broken(step: Step, event: Incident) -> None:
    """An incident ends the silence of every region it is about."""
    regions = set() if event.body.region is None else {event.body.region}
    for subject in event.body.subjects:
        match subject.type:
            case "region":
                regions.add(subject.id)
            case "site":
                site = step.find("site", subject.id, Site)
                regions |= {site_facts(site, step.day).region} if site else set()
            case "lot":
                lot = step.find("lot", subject.id, Lot)
                mine = step.find("site", lot.site, Site) if lot is not None and lot.site else None
                regions |= {site_facts(mine, step.day).region} if mine else set()
            case _:
                pass
    for code in sorted(regions):
        if step.find("tally", f"silence:{code}", Silence) is not None:
            step.put("tally", f"silence:{code}", Silence(due.today(step), 0))
