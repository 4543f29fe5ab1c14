"""One way from two mines to arrival abroad, told in full, and what lies in people's hands at the end.

Whatever a visitor is pointed to comes from here: its lots and tags have names, so that they are the same
in every season of a seed (`credentials`).
"""

from traceability.simulation.cast import Cast, Flow
from traceability.simulation.digging import dig
from traceability.simulation.handing import accept, offer
from traceability.simulation.leaving import arrive, close
from traceability.simulation.pen import DAY, HOUR
from traceability.simulation.shipping import certified, send
from traceability.simulation.trade import daytime, dry, export_tags, look
from traceability.simulation.working import combine, fill_drums, wash

BAGS = (14, 11)
DRUMS = 4
HELD = 6
HELD_DAYS = 9
"""So many days before the end what is in hand then is dug."""


def whole_way(cast: Cast) -> Flow:
    """Cassiterite of two sites: sold, washed for the trader's account, sold as title alone, mixed, shipped."""
    world, basin = cast.world, cast.basins[0]
    ware, trader, house, exporter = basin.ware, basin.traders[0], basin.house, basin.exporter
    sites = basin.sites[: len(BAGS)]
    drum_tags = export_tags(cast, exporter, DRUMS)
    yield daytime(world, sites[0].place, 0)
    dug = []
    for site, number in zip(sites, BAGS, strict=True):
        dug.append(dig(site, number, name=f"bag of {site.party.name}"))
        yield 3 * HOUR
    yield daytime(world, trader.place, DAY)
    for site, bags in zip(sites, dug, strict=True):
        offer(site.party, trader, bags, ware, weigh=True)
        yield daytime(world, trader.place, 26 * HOUR)
        dry(world, ware, bags)
        accept(trader, site.party, bags, ware)
    yield daytime(world, trader.place, 3 * DAY)
    made = []
    for number, bags in enumerate(dug):
        route = [trader.place.region, house.place.region]
        haulier = cast["haulier"]
        offer(trader, house, bags, ware, moves="custody", purpose="processing", carrier=haulier, route=route)
        yield daytime(world, house.place, 30 * HOUR)
        dry(world, ware, bags)
        accept(house, trader, bags, ware, moves="custody", sale=False)
        yield daytime(world, house.place, 2 * DAY)
        made.append(wash(house, bags, ware, name=f"concentrate {number}", for_title=trader)[0])
        yield daytime(world, house.place, 20 * HOUR)
        look(cast, made[-1], ware)
    yield daytime(world, trader.place, DAY)
    offer(trader, exporter, made, ware, moves="title")
    yield 5 * HOUR
    accept(exporter, trader, made, ware, moves="title")
    yield daytime(world, house.place, DAY)
    offer(house, exporter, made, ware, moves="custody", purpose="carriage")
    yield daytime(world, exporter.place, 4 * HOUR)
    accept(exporter, house, made, ware, moves="custody", sale=False)
    yield daytime(world, exporter.place, 3 * DAY)
    heap = combine(exporter, made, ware, name="heap")
    yield daytime(world, exporter.place, 6 * HOUR)
    drums = fill_drums(exporter, heap, ware, drum_tags, name="drum")
    yield daytime(world, exporter.place, 4 * DAY)
    smelter = cast["smelter"]
    shipped = drums[:-1]
    certificate = yield from certified(cast, exporter, shipped, ware, smelter)
    yield daytime(world, exporter.place, 2 * DAY)
    yield from send(cast, exporter, shipped, ware, smelter, certificate)
    yield daytime(world, smelter.place, 37 * DAY)
    dry(world, ware, shipped)
    arrive(smelter, shipped, ware, smelter.place)
    yield daytime(world, smelter.place, 5 * DAY)
    close(smelter, shipped[-1:], "consumed", "charged into furnace 2")


def in_hand(cast: Cast) -> Flow:
    """Lots that diggers, a trader and a plant still have when the season ends, and an offer that is open.

    Begins with the season, so that the tags it will use are known.
    """
    world, basin = cast.world, cast.basins[0]
    ware, trader, house, site = basin.ware, basin.traders[0], basin.house, basin.sites[0]
    tags = [site.tags.pop() for _ in range(HELD)]
    yield daytime(world, site.place, world.end - HELD_DAYS * DAY - world.now)
    washed = dig(site, 7, name="late bag")
    yield daytime(world, site.place, 20 * HOUR)
    site.tags.extendleft(reversed(tags))
    held = dig(site, HELD, name="held bag")
    dig(cast.basins[2].sites[0], 3, name="own bag")
    yield daytime(world, site.place, 10 * HOUR)
    offer(site.party, trader, [*washed, *held[2:]], ware)
    yield daytime(world, trader.place, 20 * HOUR)
    dry(world, ware, washed)
    accept(trader, site.party, [*washed, *held[4:]], ware)
    yield daytime(world, trader.place, 10 * HOUR)
    offer(trader, house, washed, ware)
    yield daytime(world, house.place, 9 * HOUR)
    accept(house, trader, washed, ware, weigh="together")
    yield 3 * HOUR
    wash(house, washed, ware, name="held concentrate")
