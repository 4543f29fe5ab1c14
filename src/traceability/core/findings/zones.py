"""Rules about areas: ore that comes from, or passes through, a place where something holds for a time.

Zones are data with dates: whole regions, or polygons that are compared with the 0.1° cell an event names. A date
typed in the field may be off by a day, so a zone counts where it is in force on the days beside it too. A zone
notices each lot once, however often it is handled there; outputs of a transformation count as noticed where an
input was.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from traceability.core.authority import later_day
from traceability.core.findings.raised import Raised
from traceability.core.ground_facts import cell_in, over, surely_over
from traceability.core.ground_records import Polygons, Region, Zone
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.policy import Policy, number

ZONES_MAX = 16
"""So many zones a lot remembers to have been noticed in."""


def from_zone(zone: Zone, *, partly: bool) -> Raised | None:
    """Ore was produced in a zone: closed or protected severe, conflict-affected a warning (F2, F13).

    Where only a part of the event's cell lies in the zone's polygon it is a notice. A compliant zone is no fault.
    Source: OECD red flags of origin; each zone names its own. Honest: due diligence was done, and says so.
    """
    severity = {"closed": "severe", "protected": "severe", "conflict_affected": "warning"}.get(zone.type)
    return _raised("notice" if partly and severity else severity, zone, partly=partly)


def through_zone(zone: Zone, *, partly: bool) -> Raised | None:
    """Ore was handled in a zone: closed a warning, conflict-affected a notice (F13).

    Source: OECD red flags of transit. Honest: the only road leads through it.
    """
    severity = {"closed": "warning", "conflict_affected": "notice"}.get(zone.type)
    return _raised("notice" if partly and severity else severity, zone, partly=partly)


def from_transit_country(country: str, mineral: str, policy: Policy | None) -> Raised | None:
    """Ore is said to be of a country through which ore of conflict areas is known to pass (F13). A notice.

    Number (`thresholds`, by country and mineral): `listed`, 1 for a country on the list; 0 unless a policy says so, so
    that the list is dated data. Source: OECD red flags of origin. Honest: such countries mine too.
    """
    rule = "from_transit_country"
    if number(policy, "thresholds", rule, "listed", mineral=mineral, country=country):
        return Raised("notice", {"country": country})
    return None


def outside_compliant_zones(
    compliant: Sequence[Zone], places: Iterable[Sequence[Zone]], day: str, mineral: str
) -> Raised | None:
    """Ore was produced outside the compliant zones of a country that had some for this mineral then (F13). Severe.

    `compliant`: those of the country; `places`: the zones each place of the event lies in. The duty begins and ends
    with the zones themselves. Source: Kimberley Process, framework for the Central African Republic, 2015 to 2024.
    Honest: none for export; ore for a buyer at home.
    """
    duty = [zone for zone in over(compliant, day, mineral) if zone.type == "compliant"]
    if not duty:
        return None
    here = [zone for zones in places for zone in zones]
    # A day beside the zone's own days is no matter: a date typed in the field.
    for on in (day, later_day(day, -1), later_day(day, 1)):
        if any(zone.type == "compliant" for zone in over(here, on, mineral)):
            return None
    return Raised("severe", {"zones": len(duty), "zone": duty[-1].event})


def _raised(severity: str | None, zone: Zone, *, partly: bool) -> Raised | None:
    figures: dict[str, object] = {"name": zone.name, "type": zone.type, "zone": zone.event}
    if partly:
        figures["cell"] = "partly"
    match severity:
        case "notice" | "warning" | "severe":
            return Raised(severity, figures)
        case _:
            return None


# Where an event is


def zones_of(step: Step, regions: Iterable[str | None]) -> list[Zone]:
    """The zones of these regions, whenever they are in force."""
    found: list[Zone] = []
    for code in dict.fromkeys(regions):
        region = step.find("region", code, Region) if code else None
        found.extend(region.zones if region else ())
    return found


def polygons_over(step: Step) -> list[tuple[Zone, bool]]:
    """The polygons over the event's cell, and whether only a part of the cell lies in each."""
    cell = step.event.body.cell
    known = step.find("polygons", "", Polygons) if cell is not None else None
    if cell is None or known is None:
        return []
    found = []
    for zone in known.zones:
        lies = cell_in(zone.polygon, cell)
        if lies != "outside":
            found.append((zone, lies == "partly"))
    return found


def note_origin(step: Step, lots: Sequence[LotId], regions: Sequence[str], day: str) -> None:
    """Notes for lots that begin the zones they come from, on a day; `regions`: the event's and its site's."""
    by_region = zones_of(step, regions)
    by_cell = polygons_over(step)
    countries = dict.fromkeys(code[:2] for code in regions)
    if step.policy is not None and step.policy.values:
        for mineral, about in _by_mineral(step, lots).items():
            for country in countries:
                found = from_transit_country(country, mineral, step.policy)
                step.notice("from_transit_country", found, [("lot", lot.id) for lot in about])
    compliant = [zone for zone in zones_of(step, countries) if zone.type == "compliant"]
    if not (by_region or by_cell or compliant):
        return
    for mineral, about in _by_mineral(step, lots).items():
        subjects = [("lot", lot.id) for lot in about]
        around = [(zone, False) for zone in by_region] + by_cell
        noticed = []
        for zone, partly in around:
            found = from_zone(zone, partly=partly) if surely_over(zone, day, mineral) else None
            if found is not None and zone not in noticed:
                step.notice("from_zone", found, subjects)
                noticed.append(zone)
        places = ([zone for zone, _ in around],)
        found = outside_compliant_zones(compliant, places, day, mineral)
        step.notice("outside_compliant_zones", found, subjects)
        _remember(step, about, noticed)


def note_transit(step: Step, lots: Iterable[LotId]) -> None:
    """Notes for lots this event moves the zones they were not noticed in before."""
    body = step.event.body
    by_region = zones_of(step, (body.region,))
    by_cell = polygons_over(step) if body.cell is not None else []
    if not (by_region or by_cell):
        return
    for mineral, about in _by_mineral(step, lots).items():
        for zone, partly in [(zone, False) for zone in by_region] + by_cell:
            found = through_zone(zone, partly=partly) if surely_over(zone, step.day, mineral) else None
            new = [lot for lot in (step.lot(each.id) for each in about) if zone.event not in lot.zones]
            if found is not None and new:
                step.notice("through_zone", found, [("lot", lot.id) for lot in new])
                _remember(step, new, [zone])


def _by_mineral(step: Step, lots: Iterable[LotId]) -> dict[str, list[Lot]]:
    found: dict[str, list[Lot]] = {}
    for lot_id in lots:
        lot = step.lot(lot_id)
        found.setdefault(lot.mineral, []).append(lot)
    return found


def _remember(step: Step, lots: Iterable[Lot], zones: Sequence[Zone]) -> None:
    for lot in lots:
        known = dict.fromkeys((*lot.zones, *(zone.event for zone in zones)))
        if len(known) > len(lot.zones):
            step.put("lot", lot.id, replace(lot, zones=tuple(known)[-ZONES_MAX:]))
