"""What is told once in every season, whatever its length: each ware from the pit to arrival, and trouble.

`STORIES` says on which day after the opening each begins and to how many events it comes.
"""

from collections.abc import Callable
from typing import NamedTuple

from traceability.simulation import concerns, ground, troubles
from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.delegating import renew
from traceability.simulation.digging import buy_from_digger, dig
from traceability.simulation.handing import (
    accept,
    offer,
    refuse,
)
from traceability.simulation.pen import DAY, HOUR
from traceability.simulation.shipping import certified, keep, receive, send
from traceability.simulation.showpiece import in_hand, whole_way
from traceability.simulation.trade import daytime, dry, export_tags, look, put
from traceability.simulation.working import fill_drums, melt, part_stones, sort_stones, wash


def coltan(cast: Cast) -> Flow:
    """Diggers with a phone of their own; one bag refused; a buyer abroad who is no party here."""
    world, basin = cast.world, cast.basin("rulindo")
    ware, site, trader, house = basin.ware, basin.sites[0], basin.traders[0], basin.house
    bags = dig(site, 8)
    yield 5 * HOUR
    offer(site.party, trader, bags, ware, weigh=True)
    yield daytime(world, trader.place, 9 * HOUR)
    dry(world, ware, bags)
    back = [bags.pop()]
    refuse(trader, back, "grade", weigh=True)
    put(site.party, ware, back)
    accept(trader, site.party, bags, ware)
    yield daytime(world, house.place, 2 * DAY)
    offer(trader, house, bags, ware)
    yield 4 * HOUR
    accept(house, trader, bags, ware)
    yield daytime(world, house.place, DAY)
    made = wash(house, bags, ware)[0]
    yield daytime(world, house.place, DAY)
    look(cast, made, ware)
    drums = fill_drums(house, made, ware, export_tags(cast, house, 1))
    yield daytime(world, house.place, 3 * DAY)
    buyer = cast.importers[ware.mineral][0]
    certificate = yield from certified(cast, house, drums, ware, buyer)
    yield daytime(world, house.place, DAY)
    yield from send(cast, house, drums, ware, buyer, certificate)
    yield 41 * DAY
    receive(house, drums, ware, buyer)


def gold(cast: Cast) -> Flow:
    """Dust of a site whose producers the agent signs for; melted, assayed, flown out."""
    world, basin = cast.world, cast.basin("mambere")
    ware, site, collector, house = basin.ware, basin.sites[0], basin.traders[0], basin.house
    sachets = dig(site, 8)
    yield 6 * HOUR
    offer(site.party, collector, sachets, ware)
    yield HOUR
    accept(collector, site.party, sachets, ware)
    yield daytime(world, house.place, 3 * DAY)
    offer(collector, house, sachets, ware, weigh=True)
    yield daytime(world, house.place, DAY)
    accept(house, collector, sachets, ware)
    yield daytime(world, house.place, DAY)
    bar = melt(house, sachets, ware, tags=export_tags(cast, house, 1))
    yield daytime(world, house.place, DAY)
    look(cast, bar, ware)
    yield daytime(world, house.place, 5 * DAY)
    buyer = cast.importers[ware.mineral][0]
    certificate = yield from certified(cast, house, [bar], ware, buyer)
    yield daytime(world, house.place, DAY)
    yield from send(cast, house, [bar], ware, buyer, certificate)
    yield 8 * DAY
    receive(house, [bar], ware, buyer)


def diamonds(cast: Cast) -> Flow:
    """Parcels bought at the pit, some from outside any registered site; sorted, two stones sent abroad."""
    world, basin = cast.world, cast.basin("sangha")
    ware, site, collector, house = basin.ware, basin.sites[0], basin.traders[0], basin.house
    parcels = buy_from_digger(collector, site.place, ware, 4, site=site)
    yield 3 * HOUR
    parcels += buy_from_digger(collector, site.place, ware, 2)
    yield daytime(world, house.place, 6 * DAY)
    offer(collector, house, parcels, ware)
    yield daytime(world, house.place, DAY)
    accept(house, collector, parcels, ware)
    yield daytime(world, house.place, DAY)
    sorted_ = sort_stones(house, parcels, ware, tags=export_tags(cast, house, 1))
    yield daytime(world, house.place, DAY)
    fine, rest = part_stones(house, sorted_, ware)
    put(house, ware, [rest])
    yield daytime(world, house.place, 4 * DAY)
    buyer = cast.importers[ware.mineral][0]
    certificate = yield from certified(cast, house, [fine], ware, buyer)
    yield daytime(world, house.place, DAY)
    yield from send(cast, house, [fine], ware, buyer, certificate)
    yield 6 * DAY
    receive(house, [fine], ware, buyer)


class Story(NamedTuple):
    """What is told, from which day on, and in how many events."""

    day: int
    events: int
    tell: Callable[[Cast], Flow]
    honest: bool = True


def stored(cast: Cast) -> Flow:
    """A trader's bags lie in a warehouse for some days: custody moves, title does not."""
    world, basin = cast.world, cast.basin("kivu")
    ware, site, trader = basin.ware, basin.sites[0], basin.traders[1]
    bags = dig(site, 5)
    yield 5 * HOUR
    offer(site.party, trader, bags, ware)
    yield daytime(world, trader.place, 20 * HOUR)
    accept(trader, site.party, bags, ware)
    yield from keep(cast, trader, bags, ware)
    put(trader, ware, bags)


def new_delegation(cast: Cast, basin: Basin) -> Flow:
    """An agent gets a new delegation before the old one is a year old."""
    yield from renew(cast, basin, basin.sites[0])


def _of(basin: str, trouble: Callable[[Cast, Basin], Flow]) -> Callable[[Cast], Flow]:
    return lambda cast: trouble(cast, cast.basin(basin))


STORIES = (
    Story(0, 31, whole_way),
    Story(0, 13, in_hand),
    Story(1, 6, _of("sangha", troubles.seizure)),
    Story(2, 16, coltan),
    Story(3, 14, gold),
    Story(4, 14, diamonds),
    Story(6, 7, stored),
    Story(9, 5, _of("kivu", troubles.filled_up), honest=False),
    Story(11, 2, _of("maniema", troubles.one_tag_two_bags), honest=False),
    Story(14, 8, _of("kivu", troubles.two_phones), honest=False),
    Story(16, 3, _of("kivu", troubles.lost_phone)),
    Story(18, 3, _of("kivu", troubles.old_stock)),
    Story(22, 3, _of("maniema", troubles.never_came)),
    Story(25, 4, _of("kivu", troubles.burst_bag)),
    Story(27, 2, _of("rulindo", troubles.wrong_number)),
    Story(33, 3, _of("mambere", troubles.robbed)),
    Story(38, 1, _of("maniema", troubles.fast_clock)),
    Story(41, 2, _of("maniema", new_delegation)),
    Story(45, 3, _of("maniema", troubles.new_team)),
    Story(12, 8, _of("maniema", concerns.doubted)),
    Story(19, 8, _of("kivu", concerns.roadblock)),
    Story(21, 5, _of("rulindo", concerns.cheap_but_wet)),
    Story(24, 3, _of("maniema", concerns.struck_off)),
    Story(29, 2, concerns.new_rules),
    Story(31, 2, _of("sangha", concerns.erased)),
    Story(35, 1, _of("maniema", concerns.lost_tags)),
    Story(40, 5, _of("rulindo", concerns.audited)),
    Story(50, 2, _of("kivu", ground.turns_red)),
)
