"""A season: a stream of signed events that a ledger can take one after the other.

It is made as it goes: flows run in the order of their times, events wait for a signal and come out in the
order in which the log takes them, and what has ended is forgotten. So a season of a million events needs
little more memory than one of some thousands: what grows is the number of people in it.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from math import isqrt

from traceability.simulation.cast import Flow, genesis
from traceability.simulation.chance import Chance
from traceability.simulation.flows import Flows
from traceability.simulation.opening import open_ledger
from traceability.simulation.pen import DAY, HOUR, World
from traceability.simulation.planner import DAYS, Planner
from traceability.simulation.post import Post, Signed
from traceability.simulation.stories import STORIES

DAYS_OPENING = 4
EVENTS_MIN = 300
"""Fewer cannot hold one event of each kind and one way from the mine to arrival."""


def days_of(events: int) -> int:
    """How many days so many events take: 140, from 15,000 on more, a year for 100,000, ten for ten million."""
    return max(DAYS, isqrt(365 * 365 * events // 100_000))


def season(
    *,
    events: int,
    seed: int,
    log: str,
    log_vkey: str,
    end: int,
    honest: bool = False,
    beside: Callable[[Flows], Flow] | None = None,
) -> Iterator[Signed]:
    """Exactly so many events, for a new ledger `log` whose checkpoints `log_vkey` signs.

    Record times never decrease, begin `days_of(events)` days before `end` (Unix seconds) and end within its
    last day. The same arguments give the same bytes, signatures included. In an `honest` season nobody cheats, but
    for what `beside` starts among the flows of the season, once everybody is there. Raises ValueError for fewer
    than EVENTS_MIN events.
    """
    if events < EVENTS_MIN:
        raise ValueError(f"a season has at least {EVENTS_MIN} events")
    days = days_of(events)
    begin = end - days * DAY
    world = World(seed, log, Chance(seed), Post(), begin, end, honest)
    cast = genesis(world, log_vkey)
    flows = Flows(cast)
    planner = Planner(flows, events, days)
    flows.start(open_ledger(cast), begin + HOUR, 0)
    flows.start(_after_opening(flows, planner, days), begin + DAYS_OPENING * DAY, 0)
    if beside is not None:
        flows.start(beside(flows), begin + DAYS_OPENING * DAY, 0)
    for time in chain(flows.run(), [end]):
        for signed in world.post.until(min(time, end)):
            yield signed
            planner.recorded += 1
            if planner.recorded == events:
                return


def _after_opening(flows: Flows, planner: Planner, days: int) -> Flow:
    now = flows.cast.world.now
    for story in STORIES:
        if flows.cast.world.honest and not story.honest:
            continue
        flows.start(story.tell(flows.cast), now + story.day * DAY + 7 * HOUR, story.events)
    # The first stories take the tags they will be known by before anybody else needs some.
    yield DAY
    yield from planner.days(days - DAYS_OPENING - 1)
