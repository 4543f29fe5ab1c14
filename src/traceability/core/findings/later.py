"""Rules about facts that come later for an earlier day: they rewrite nothing, and are noted on the lots they touch.

The lots are found without reading the log: each production is kept under its site and judged day
(`ground_records.Produced`), and what a party signed stands under its keys. That needs the whole log, so these are
global rules. What merely passed through a zone declared later is not gone over again, nor what a polygon covers.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from traceability.core.authority import day_of, later_day
from traceability.core.events import Acceptance, Export, Production, Transfer, Transformation
from traceability.core.findings.licences import SORTS, best
from traceability.core.findings.raised import Raised
from traceability.core.findings.sites import activity, standing, suspension
from traceability.core.findings.zones import from_zone
from traceability.core.ground_facts import Need, covers, site_facts, surely_over
from traceability.core.ground_records import Digging, Licence, Produced, SitesIn, Zone
from traceability.core.header import LOTS_MAX
from traceability.core.ids import EventId, SiteId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.policy import Policy
from traceability.core.record import Address
from traceability.core.registry_records import Party, Site

LOOKUPS_MAX = 5000
"""So many days of sites are gone back over, the newest: this happens while everybody else waits."""
PRODUCED_MAX = 256
"""So many productions of one site and day are kept to go back to, the newest: anybody may date one to any day."""
_KINDS: dict[str, tuple[type, ...]] = {
    "production": (Production,),
    "trade": (Transfer, Acceptance),
    "processing": (Transformation,),
    "export": (Export,),
}


class Reading(NamedTuple):
    """What the log says of a site for a day."""

    status: str | None
    suspended: bool
    activity: str

    @classmethod
    def of(cls, site: Site, day: str, policy: Policy | None) -> "Reading":
        """That of `site`."""
        return cls(standing(site, day, policy).status, suspension(site, day) is not None, activity(site, day))

    @property
    def closed(self) -> bool:
        """Whether nothing for export was to be produced."""
        return self.status == "red" or self.suspended


def site_changed_later(was: Reading, now: Reading) -> Raised | None:
    """What is said of a site for a day on which ore was produced there is not what was said when it was judged (F6).

    Severe where the site was closed after all (red, suspended), a warning where it was worse than it was said to be, and a
    notice where it was closed and is said to have been open. Honest: inspectors write their reports weeks later.
    """
    names = ("status", "suspended", "activity")
    changed = [name for name in names if getattr(was, name) != getattr(now, name)]
    figures = {
        f"{name}_{when}": getattr(read, name)
        for name in changed
        for when, read in (("now", now), ("was", was))
    }
    if now.closed and not was.closed:
        return Raised("severe", figures)
    if was.closed and not now.closed:
        return Raised("notice", figures)
    worse = now.status == "yellow" and was.status in ("green", "blue", None)
    return Raised("warning", figures) if worse or was.activity == "active" != now.activity else None


def zone_declared_later(zone: Zone) -> Raised | None:
    """A zone was declared for days on which ore had already been produced in it (F13), as severe as the zone is.

    Honest: nobody could know; a buyer wants to, all the same.
    """
    return from_zone(zone, partly=False)


def licence_revoked_later(licence: Licence) -> Raised | None:
    """A licence was revoked for days on which it had already been acted under. A warning.

    Honest: the party had not been told yet.
    """
    figures = {"licence": licence.event, "revoked_from": licence.revoked_from, "type": licence.sort}
    return Raised("warning", figures)


# Finding the lots


def keep_production(step: Step, site: SiteId, day: str, event: EventId) -> None:
    """Keeps under its site and day that this event's lots were produced."""
    if not step.state.whole:
        return
    known = step.find("produced", f"{site}:{day}", Produced)
    if known is None or event not in known.events:
        events = (*(known.events if known else ()), event)[-PRODUCED_MAX:]
        step.put("produced", f"{site}:{day}", Produced(events))
    days = step.find("produced", site, Digging) or Digging(day, day)
    if not days.since < day < days.until:
        step.put("produced", site, Digging(min(day, days.since), max(day, days.until)))


def keep_site(step: Step, site: SiteId, region: str) -> None:
    """Keeps that the site lies in the region."""
    known = step.find("sites_in", region, SitesIn) if step.state.whole else SitesIn((site,))
    if known is None or site not in known.sites:
        step.put("sites_in", region, SitesIn((*(known.sites if known else ()), site)))


def note_site(step: Step, before: Site, after: Site, since: str) -> None:
    """Notes on the lots of a site what this entry says of it otherwise than was said, from a day on."""
    found: dict[tuple[Reading, Reading], list[Lot]] = {}
    for day, lots in _produced(step, [after.id], later_day(since, -1)):
        was, now = Reading.of(before, day, step.policy), Reading.of(after, day, step.policy)
        if was != now:
            found.setdefault((was, now), []).extend(lots)
    for (was, now), lots in found.items():
        if lots:
            step.notice("site_changed_later", site_changed_later(was, now), _newest(lots))


def note_zone(step: Step, zone: Zone, regions: Iterable[str]) -> None:
    """Notes on lots already produced in these regions that they come from the zone."""
    codes = tuple(regions)
    indexes = [step.find("sites_in", code, SitesIn) for code in codes] if step.state.whole else []
    sites = {site: step.find("site", site, Site) for index in indexes if index for site in index.sites}
    found: list[Lot] = []
    for day, lots in _produced(step, list(sites), zone.since, zone.until):
        for lot in lots:
            site = sites[lot.site] if lot.site else None
            if site and site_facts(site, day).region in codes and surely_over(zone, day, lot.mineral):
                found.append(lot)
    if found:
        step.notice("zone_declared_later", zone_declared_later(zone), _newest(found))


def note_revocation(step: Step, licence: Licence) -> None:
    """Notes on the lots concerned that the licence, as it is now, was no longer in force."""
    assert licence.revoked_from is not None
    act = next((act for act, sorts in SORTS.items() if licence.sort in sorts), None)
    if act not in _KINDS or not step.state.whole:
        return
    party = step.party(licence.party)
    first = later_day(licence.revoked_from, 1)
    found: list[Lot] = []
    if act == "production":
        sites = dict.fromkeys((*licence.sites, *licence.named_by))
        for day, lots in _produced(step, list(sites), first):
            found += [lot for lot in lots if _stood_on(licence, party, act, day, lot)]
    for key in party.keys:
        for entry in step.state.signed_by(key, -1, LOTS_MAX):
            day = min(entry.event.event_time[:10], day_of(entry.record_time))
            if entry.stands and isinstance(entry.event, _KINDS[act]) and day >= first:
                lots = [
                    lot for id_ in sorted(entry.event.lots) if (lot := step.find("lot", id_, Lot)) is not None
                ]
                found += [lot for lot in lots if _stood_on(licence, party, act, day, lot)]
    if found:
        step.notice("licence_revoked_later", licence_revoked_later(licence), _newest(found))


def _stood_on(licence: Licence, party: Party, act: str, day: str, lot: Lot) -> bool:
    """Whether nothing but this licence allowed the act."""
    site = lot.site if act == "production" else None
    if act == "production" and lot.producer != party.id and lot.site not in licence.named_by:
        return False
    need = Need(day, frozenset((lot.mineral,)), site, None)
    other = best(party.licences, act, need)
    return other is None or covers(other, need) != "in_force"


def _produced(
    step: Step, sites: Sequence[SiteId], since: str, until: str | None = None
) -> Iterator[tuple[str, list[Lot]]]:
    """The days from `since` to `until` on which one of these sites produced, newest first, and the lots of it.

    Ends after LOOKUPS_MAX days of sites or LOTS_MAX lots.
    """
    today = day_of(step.entry.record_time)
    until = min(today, until or today)
    some = [] if until < since or not step.state.whole else sites
    known = {site: step.find("produced", site, Digging) for site in some}
    days = {site: found for site, found in known.items() if found is not None}
    day = min(until, max((found.until for found in days.values()), default=""))
    first = max(since, min((found.since for found in days.values()), default=day))
    lookups = lots_found = 0
    while days and day >= first and lookups < LOOKUPS_MAX and lots_found < LOTS_MAX:
        lookups += 1  # also of a day that nobody looks at: a site may have said that it produced long ago
        for site, between in days.items():
            if between.since <= day <= between.until:
                lookups += 1
                produced = step.find("produced", f"{site}:{day}", Produced)
                lots = _lots(step, produced.events, site) if produced is not None else []
                lots_found += len(lots)
                if lots:
                    yield day, lots
        day = later_day(day, -1)


def _lots(step: Step, events: Iterable[EventId], site: SiteId) -> list[Lot]:
    made = [step.logged(event).event for event in events]
    found = (step.find("lot", lot, Lot) for event in made for lot in event.made)
    return [lot for lot in found if lot is not None and lot.site == site]


def _newest(lots: Iterable[Lot]) -> Sequence[Address]:
    """Of these lots, the newest first, LOTS_MAX; of more the rest is left."""
    return [("lot", lot) for lot in dict.fromkeys(lot.id for lot in lots)][:LOTS_MAX]
