"""How much happens on which day: as many flows as the length of the season asks for, and no more.

Each flow says how many events it may come to; what it has not written yet stays reserved, so that the whole
comes out at the number asked for. What is still missing in the last hours is made up by people whose phones
are always online.
"""

from collections.abc import Iterator
from heapq import heappop, heappush

from traceability.simulation.cast import KINDS, Basin, Cast, Flow
from traceability.simulation.digging import dig
from traceability.simulation.handing import inspect
from traceability.simulation.opening import EVENTS_A_BASIN, open_basin
from traceability.simulation.pen import DAY, HOUR
from traceability.simulation.people import Party
from traceability.simulation.places import Place
from traceability.simulation.trade import consign, deliver, mine, put, sell, ship, stock, work_up

EVENTS_FOR_A_BASIN = 1000
"""So many ordinary events make it worth opening one more basin."""
EVENTS_A_JOB = 3
DAYS_ENDING = 12


class Flows:
    """Flows that are going on. Runs them one at a time, in order of when they go on."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.reserved = 0
        """Events that flows may still write."""
        self._going: list[tuple[int, int, Flow, int]] = []
        self._started = 0

    def start(self, flow: Flow, at: int, events: int) -> None:
        """Starts a flow at that time. It may come to so many events."""
        self.reserved += events
        self._go_on(flow, at, events)

    def run(self) -> Iterator[int]:
        """Runs everything; gives each time before what happens then happens."""
        world = self.cast.world
        while self._going:
            yield self._going[0][0]
            at, _, flow, left = heappop(self._going)
            world.now = at
            before = world.post.written
            rest = next(flow, None)
            used = left if rest is None else min(world.post.written - before, left)
            self.reserved -= used
            if rest is not None:
                self._go_on(flow, at + max(rest, 1), left - used)

    def _go_on(self, flow: Flow, at: int, left: int) -> None:
        self._started += 1
        heappush(self._going, (at, self._started, flow, left))


def working_hours(cast: Cast, place: Place) -> int:
    """Some time in the coming 24 hours when people work there."""
    world = cast.world
    local = world.chance.randint(6 * HOUR, 17 * HOUR)
    return world.now + (local - place.utc * HOUR - world.now) % DAY


class Planner:
    """Starts each day's flows."""

    def __init__(self, flows: Flows, events: int, end: int) -> None:
        self.recorded = 0
        """How many events the log has taken so far; the season keeps this up to date."""
        self._flows = flows
        self._cast = flows.cast
        self._events = events
        self._end = end
        self._opened = 0

    def days(self, number: int) -> Flow:
        """Plans so many days, and makes up what is missing in the last of them."""
        post, flows = self._cast.world.post, self._flows
        fixed = post.written + flows.reserved
        ordinary = max(self._events - max(16, self._events // 400) - fixed, 0)
        basins = ordinary // EVENTS_FOR_A_BASIN
        for day in range(1, number):
            while self._opened < min(basins, basins * day * 3 // number):
                self._open_basin()
            # Towards the end, also what will come in too late has to be made up for.
            late = max(0, DAYS_ENDING + day - number) * (len(post) + flows.reserved)
            self._plan(fixed + ordinary * day // number + late * 4 // (5 * DAYS_ENDING))
            yield DAY
        self._plan(self._events + post.later_than(self._end))
        yield 20 * HOUR
        yield from self._make_up()

    def _open_basin(self) -> None:
        kind = KINDS[self._opened % len(KINDS)]
        number = self._opened // len(KINDS) + 1
        self._opened += 1
        at = working_hours(self._cast, self._cast.registrar(kind.country).place)
        self._flows.start(open_basin(self._cast, kind, number), at, EVENTS_A_BASIN)

    def _plan(self, due: int) -> None:
        cast, flows = self._cast, self._flows
        while cast.world.post.written + flows.reserved < due:
            basin = cast.world.chance.pick(cast.basins)
            flows.start(_job(cast, basin), working_hours(cast, basin.agent.place), EVENTS_A_JOB)

    def _make_up(self) -> Flow:
        cast, post = self._cast, self._cast.world.post
        missing = self._events - self.recorded - (len(post) - post.later_than(self._end))
        gap = (3 * HOUR) // max(missing, 1)
        for turn in range(missing):
            yield gap
            _quick_event(cast, turn)


def _job(cast: Cast, basin: Basin) -> Flow:
    """What is to be done in a basin: what lies ready farthest down the way first, else digging."""
    ware, chance = basin.ware, cast.world.chance
    bags = ware.package == "bag"
    if len(stock(basin.exporter, ware, ware.product)) >= (4 if bags else 2):
        yield from ship(cast, basin.exporter, ware)
    elif basin.house is not basin.exporter and len(stock(basin.house, ware, ware.product)) >= 2:
        yield from consign(cast, basin)
    elif len(stock(basin.house, ware, ware.raw)) >= (30 if bags else 15):
        yield from work_up(cast, basin)
    elif trader := _laden(basin.traders, basin, 14 if bags else 8):
        yield from deliver(cast, basin, trader)
    else:
        site = chance.pick(basin.sites)
        ready = len(stock(site.party, ware, ware.raw)) >= 6
        yield from sell(cast, basin, site) if ready else mine(cast, basin, site)


def _laden(traders: list[Party], basin: Basin, least: int) -> Party | None:
    ware = basin.ware
    return next((one for one in traders if len(stock(one, ware, ware.raw)) >= least), None)


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
