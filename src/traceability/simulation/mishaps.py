"""Troubles of a long season: what was told once in its first weeks happens again, somewhere else each time."""

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import NamedTuple

from traceability.simulation import concerns, ground, troubles
from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.handing import accept, offer, reassign
from traceability.simulation.pen import DAY
from traceability.simulation.trade import daytime, put, take


class Mishap(NamedTuple):
    """What goes wrong, in how many events, and whether it can happen in a basin."""

    tell: Callable[[Cast, Basin], Flow]
    events: int
    happens: Callable[[Basin], bool]
    honest: bool = True


def seized(cast: Cast, basin: Basin) -> Flow:
    """Some of a trader's lots are seized; later he gets them back, or a court lets the State sell them."""
    world, chance, ware, trader = cast.world, cast.world.chance, basin.ware, basin.traders[0]
    inspector, ministry = cast.inspector(basin.kind.country), cast.regulator(basin.kind.country)
    lots = take(trader, ware, ware.raw, chance.randint(1, 6))
    if not lots:
        return
    number = f"PV {chance.randint(1, 12)}/{chance.randint(1, 400):03d}"
    reassign(inspector, lots, ministry, "seizure", basis="code minier, art. 191", number=number)
    yield daytime(world, ministry.place, chance.randint(20, 60) * DAY)
    if chance.one_in(3):
        buyer = basin.traders[-1]
        reassign(ministry, lots, ministry, "court", basis="jugement", number=number, moves="both")
        offer(ministry, buyer, lots, ware)
        yield daytime(world, buyer.place, 2 * DAY)
        accept(buyer, ministry, lots, ware)
    else:
        buyer = trader
        reassign(ministry, lots, trader, "given_back", basis="décision de mainlevée", number=number)
    put(buyer, ware, lots)


def _bags(basin: Basin) -> bool:
    return basin.ware.bagged


def _tagged_by_the_agent(basin: Basin) -> bool:
    return any(site.party.pen.party == basin.agent.id for site in basin.sites)


def _dug_by_diggers(basin: Basin) -> bool:
    return not basin.ware.stones


def _several_sites(basin: Basin) -> bool:
    return len(basin.sites) > 2


def _anywhere(_: Basin) -> bool:
    return True


MISHAPS = (
    Mishap(seized, 4, _anywhere),
    Mishap(troubles.wrong_number, 2, _dug_by_diggers),
    Mishap(troubles.lost_phone, 3, _tagged_by_the_agent),
    Mishap(troubles.filled_up, 5, _bags, honest=False),
    Mishap(troubles.two_phones, 8, _bags, honest=False),
    Mishap(troubles.burst_bag, 4, _bags),
    Mishap(troubles.old_stock, 3, _bags),
    Mishap(troubles.robbed, 3, _dug_by_diggers),
    Mishap(troubles.one_tag_two_bags, 2, _dug_by_diggers, honest=False),
    Mishap(troubles.never_came, 3, _dug_by_diggers),
    Mishap(troubles.fast_clock, 1, _anywhere),
    Mishap(ground.turns_red, 2, _several_sites),
    Mishap(concerns.roadblock, 8, _bags),
    Mishap(concerns.lost_tags, 1, _anywhere),
    Mishap(concerns.doubted, 8, _bags),
)


def mishaps(cast: Cast) -> Iterator[tuple[Mishap, Basin]]:
    """One after the other, each in some basin where it can happen."""
    for mishap in cycle(MISHAPS):
        basin = cast.world.chance.pick(cast.basins)
        if mishap.happens(basin) and (mishap.honest or not cast.world.honest):
            yield mishap, basin
