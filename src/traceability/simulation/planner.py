"""How much happens on which day: as many flows as the length of the season asks for, and no more.

Each flow says how many events it may come to; what it has not written yet stays reserved, so that the whole
comes out at the number asked for. What is still missing in the last hours is made up by people whose phones
are always online.

A short season is the same all the time. A long one is a programme that grows: more happens every week, in
more basins, so that a basin is about as busy in the last year as in the first.
"""

from traceability.simulation import delegating, ground
from traceability.simulation.cast import KINDS, LATER, Cast, Flow
from traceability.simulation.digging import dig
from traceability.simulation.flows import Flows
from traceability.simulation.handing import inspect
from traceability.simulation.jobs import EVENTS_A_JOB, job
from traceability.simulation.mishaps import mishaps
from traceability.simulation.opening import (
    EVENTS_A_BASIN,
    EVENTS_A_SITE,
    SITES,
    container_of,
    open_basin,
    ships_bags,
)
from traceability.simulation.pen import DAY, HOUR
from traceability.simulation.places import Place
from traceability.simulation.shipping import BIG
from traceability.simulation.trade import put

DAYS = 140
"""How long a season lasts at least."""
EVENTS_FOR_A_BASIN = 1000
"""So many ordinary events in DAYS make it worth opening one more basin."""
EVENTS_FOR_A_BIG = 20_000
"""From this length on a season has one container of BIG bags."""
EVENTS_A_MISHAP = 1500
SMALL_CONTAINER = 80
"""Bags in a container of a short season, which could not fill a big one."""
DAYS_ENDING = 12


def working_hours(cast: Cast, place: Place) -> int:
    """Some time in the coming 24 hours when people work there."""
    world = cast.world
    local = world.chance.randint(6 * HOUR, 17 * HOUR)
    return world.now + (local - place.utc * HOUR - world.now) % DAY


class Planner:
    """Starts each day's flows."""

    def __init__(self, flows: Flows, events: int, days: int) -> None:
        self.recorded = 0
        """How many events the log has taken so far; the season keeps this up to date."""
        self._flows = flows
        self._cast = flows.cast
        self._events = events
        self._days = days
        self._end = flows.cast.world.end
        self._opened = 0
        self._mishaps = mishaps(flows.cast)
        self._mishaps_told = 0

    def days(self, number: int) -> Flow:
        """Plans so many days, and makes up what is missing in the last of them."""
        post, flows = self._cast.world.post, self._flows
        fixed = post.written + flows.reserved
        ordinary = max(self._events - max(16, self._events // 400) - fixed, 0)
        for day in range(1, number):
            self._open_basins(ordinary, day, number)
            due = self._so_far(ordinary, day, number)
            self._tell_mishaps(due, number - day)
            for basin, site in delegating.due(self._cast):
                at = working_hours(self._cast, self._cast.registrar(basin.kind.country).place)
                flows.start(delegating.renew(self._cast, basin, site), at, 2)
            for renewed in ground.due(self._cast):
                flows.start(renewed, working_hours(self._cast, self._cast["operator"].place), 0)
            # Towards the end, also what will come in too late has to be made up for.
            late = max(0, DAYS_ENDING + day - number) * (len(post) + flows.reserved)
            self._plan(fixed + due + late * 4 // (5 * DAYS_ENDING))
            yield DAY
        self._plan(self._events + post.later_than(self._end))
        yield 20 * HOUR
        yield from self._make_up()

    def _so_far(self, ordinary: int, day: int, number: int) -> int:
        """Of so many events, how many happen up to a day: evenly in DAYS, in a longer season more and more."""
        evenly, growing = DAYS * day * number, (self._days - DAYS) * day * day
        return ordinary * (evenly + growing) // (self._days * number * number)

    def _open_basins(self, ordinary: int, day: int, number: int) -> None:
        a_day, over = ordinary * (DAYS * number + 2 * (self._days - DAYS) * day), self._days * number * number
        basins = a_day * DAYS // (over * EVENTS_FOR_A_BASIN)
        while self._opened < min(basins, basins * day * 3 // number + (self._days - DAYS) // 30):
            self._open_basin()

    def _open_basin(self) -> None:
        cast = self._cast
        kind = LATER[self._opened % len(LATER)]
        number = self._opened // len(LATER) + (kind in KINDS)
        container = 0
        if ships_bags(kind):
            container = container_of(cast.world.seed, f"{kind.name} {number}")
            if self._opened == 0:
                container = BIG if self._events >= EVENTS_FOR_A_BIG else SMALL_CONTAINER
        self._opened += 1
        at = working_hours(cast, cast.registrar(kind.country).place)
        # A thousand bags come from more hills than four.
        sites = 2 * SITES if container == BIG else SITES
        opening = open_basin(cast, kind, number, sites=sites, container=container)
        self._flows.start(opening, at, EVENTS_A_BASIN + EVENTS_A_SITE * (sites - SITES))

    def _tell_mishaps(self, due: int, days_left: int) -> None:
        while self._mishaps_told < due // EVENTS_A_MISHAP and days_left > 2 * DAYS_ENDING:
            self._mishaps_told += 1
            if self._mishaps_told > 2:
                mishap, basin = next(self._mishaps)
                at = working_hours(self._cast, basin.agent.place)
                self._flows.start(mishap.tell(self._cast, basin), at, mishap.events)

    def _plan(self, due: int) -> None:
        cast, flows = self._cast, self._flows
        big = next((basin for basin in cast.basins if basin.container == BIG), None)
        while cast.world.post.written + flows.reserved < due:
            filling = big is not None and cast.world.chance.one_in(2)
            basin = big if big and filling else cast.world.chance.pick(cast.basins)
            flows.start(job(cast, basin), working_hours(cast, basin.agent.place), EVENTS_A_JOB)

    def _make_up(self) -> Flow:
        cast, post = self._cast, self._cast.world.post
        missing = self._events - self.recorded - (len(post) - post.later_than(self._end))
        gap = (3 * HOUR) // max(missing, 1)
        for turn in range(missing):
            yield gap
            _quick_event(cast, turn)


def _quick_event(cast: Cast, turn: int) -> None:
    """One event that reaches the log within a minute: a few bags where there is a network, or a visit."""
    world = cast.world
    signal = world.now + world.chance.randint(5, 60)
    sites = [site for basin in cast.basins for site in basin.sites if site.place.country == "RW"]
    site = sites[turn % len(sites)]
    pen = site.party.pen
    if pen.party != site.party.id and pen.idle and len(site.tags) > 3:
        put(site.party, site.ware, dig(site, 3, signal=signal))
    else:
        basin = cast.basins[turn % len(cast.basins)]
        inspect(cast["cd inspection"], [], "stock_count", party=basin.house.id, result="as_stated")
