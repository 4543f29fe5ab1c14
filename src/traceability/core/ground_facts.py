"""What the records of the ground say for a day: a site's facts and status, a zone over a place, a licence.

Pure readings of timelines (`core.ground_records`); the rules in `core.findings` compare them with what happened.
A date typed in the field may differ from a UTC day by one, so `fairest` asks for the days beside it too.
"""

from calendar import monthrange
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple, TypeVar

from msgspec.structs import replace

from traceability.core.authority import later_day
from traceability.core.ground_records import Terms, Zone, in_force
from traceability.core.ids import EventId, SiteId
from traceability.core.policy import Policy, number
from traceability.core.registry_records import PartyFacts, Site, SiteFacts

Colour = Literal["green", "yellow", "blue", "red"]


@lru_cache(maxsize=4096)
def months_after(day: str, months: int) -> str:
    """The same day so many months on; the last of that month where it has no such day."""
    year, month, of_month = map(int, day.split("-"))
    year, month = year + (month - 1 + months) // 12, (month - 1 + months) % 12 + 1
    if year > 9999:
        return "9999-12-31"
    return f"{year:04}-{month:02}-{min(of_month, monthrange(year, month)[1]):02}"


_T = TypeVar("_T")


def fairest(day: str, reading: Callable[[str], _T], rank: Callable[[_T], int]) -> _T:
    """Of a reading for a day and for the days beside it the one that speaks best for whoever acted."""
    found = reading(day)
    if not rank(found):
        return found
    return min((found, reading(later_day(day, -1)), reading(later_day(day, 1))), key=rank)


# Sites


_F = TypeVar("_F", SiteFacts, PartyFacts)


def facts_on(registered: Sequence[_F], day: str) -> _F:
    """What was registered for a day: the newest facts that had begun; before them all, the first."""
    if len(registered) == 1:
        return registered[0]
    begun = [facts for facts in registered if facts.since <= day]
    if not begun:
        return registered[0]
    newest = max(facts.since for facts in begun)
    return [facts for facts in begun if facts.since == newest][-1]


def site_facts(site: Site, day: str) -> SiteFacts:
    """What was registered of a site for a day."""
    return facts_on(site.facts, day)


def restated(site: Site, facts: SiteFacts) -> Site:
    """The site with further facts, in order of their days, of one day in that of the log; the last are the newest."""
    return replace(site, facts=tuple(sorted((*site.facts, facts), key=lambda each: each.since)))


class Standing(NamedTuple):
    """A site's colour on a day, since when, and by which inspection; all None where none is recorded."""

    status: Colour | None
    since: str | None
    event: EventId | None


NO_STANDING = Standing(None, None, None)
_NEXT: dict[Colour, Colour] = {"green": "blue", "yellow": "red", "blue": "red"}


def last_day(status: Colour, since: str, country: str, policy: Policy | None) -> str:
    """The last day of a colour other than red that was given from a day on without a last day of its own."""
    months = number(policy, "times", "site_status", f"{status}_months", country=country)
    return later_day(months_after(since, months), -1)


def site_status(site: Site, day: str, policy: Policy | None) -> Standing:
    """The site's colour on a day.

    Of the inspections whose status had begun the one that begins last counts, of two on one day the later in the
    log. Green lasts until the day it names, else a year, and then is blue; yellow its months and blue its years,
    and then they are red. Red lasts until another inspection (ICGLR; the months are settings of each country).
    """
    last = None
    for said in site.statuses:
        if said.since <= day and (last is None or said.since >= last.since):
            last = said
    if last is None:
        return NO_STANDING
    country = site_facts(site, day).country
    status: Colour = last.status  # type: ignore[assignment]  # the form of an inspection allows no other
    since, until = last.since, last.until
    while status in _NEXT:
        if until is None:
            until = last_day(status, since, country, policy)
        if day <= until:
            break
        status, since, until = _NEXT[status], later_day(until, 1), None
    return Standing(status, since, last.event)


# Zones


def over(zones: Sequence[Zone], day: str, mineral: str) -> list[Zone]:
    """The zones of a list in force on a day that are about this mineral."""
    return [zone for zone in in_force(zones, day) if not zone.minerals or mineral in zone.minerals]


def surely_over(zone: Zone, day: str, mineral: str) -> bool:
    """Whether a zone about this mineral is in force on a day and on the days beside it: a typed date may be off by one."""
    return all(over([zone], on, mineral) for on in (later_day(day, -1), day, later_day(day, 1)))


_CELL = 1_000_000
"""A tenth of a degree in units of 1e-7 degree."""


def corner(cell: str) -> tuple[int, int]:
    """Longitude and latitude of a cell's south-west corner in units of 1e-7 degree; `-20,294` is 2.0 S, 29.4 E."""
    latitude, longitude = cell.split(",")
    return int(longitude) * _CELL, int(latitude) * _CELL


def cell_in(polygon: Sequence[tuple[int, int]], cell: str) -> Literal["inside", "partly", "outside"]:
    """How a 0.1° cell lies to a closed ring of points, exactly: in whole numbers, on the flat map of degrees."""
    west, south = corner(cell)
    east, north = west + _CELL, south + _CELL
    inside = False
    x, y = west + _CELL // 2, south + _CELL // 2
    for (ax, ay), (bx, by) in pairwise(polygon):
        if max(ax, bx) > west and min(ax, bx) < east and max(ay, by) > south and min(ay, by) < north:
            dx, dy = bx - ax, by - ay
            sides = [
                dx * (cy - ay) - dy * (cx - ax)
                for cx, cy in ((west, south), (west, north), (east, south), (east, north))
            ]
            if min(sides) < 0 < max(sides):
                return "partly"
        if (ay > y) != (by > y):
            # The edge meets the level of the middle at x_a + (y - y_a) dx / dy: east of it?
            across = (bx - ax) * (y - ay) - (x - ax) * (by - ay)
            inside ^= (across > 0) == (by > ay)
    return "inside" if inside else "outside"


# Licences


class Need(NamedTuple):
    """An act that may need a licence: on which day, for which minerals, where."""

    day: str
    minerals: frozenset[str]
    site: SiteId | None
    region: str | None


Cover = Literal["in_force", "does_not_cover", "not_in_force", "revoked"]


def covers(terms: Terms, need: Need) -> Cover:
    """What a licence says to an act. One day beside its own days counts as in force."""
    if terms.revoked_from is not None and later_day(terms.revoked_from, 1) <= need.day:
        return "revoked"
    if need.day < later_day(terms.since, -1) or (
        terms.until is not None and later_day(terms.until, 1) < need.day
    ):
        return "not_in_force"
    if need.site is not None and terms.sites:
        here = need.site in terms.sites or need.region in terms.regions
    else:
        here = not terms.regions or need.region is None or need.region in terms.regions
    return "in_force" if here and need.minerals <= set(terms.minerals) else "does_not_cover"
