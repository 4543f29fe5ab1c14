"""What bags weigh: gains and losses on the way, mixing nobody recorded, tags changed about, bags that are there twice."""

from collections.abc import Generator
from dataclasses import replace

from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.digging import Site, dig
from traceability.simulation.frauds.keys import second_phone
from traceability.simulation.frauds.plant import Plant, alone, back, forge
from traceability.simulation.handing import accept, offer, together
from traceability.simulation.pen import DAY, HOUR, Lot
from traceability.simulation.people import Party
from traceability.simulation.trade import daytime, put
from traceability.simulation.working import Output, transform


def _sold(
    cast: Cast, basin: Basin, site: Site, trader: Party, number: int
) -> Generator[int, None, list[Lot]]:
    bags = dig(site, number)
    yield daytime(cast.world, trader.place, DAY)
    offer(site.party, trader, bags, basin.ware)
    yield daytime(cast.world, trader.place, 8 * HOUR)
    accept(trader, site.party, bags, basin.ware)
    return bags


def topped_up(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F5: ore of elsewhere is added on the way, a little to each bag: 1.5, 2.5 and 5 per cent at every handoff."""
    yield from _changed(cast, basin, plant, 1_000_000 + (15_000, 25_000, 50_000)[plant.strength - 1])


def skimmed(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F12: some of each bag is taken out on the way: 3.5, 6 and 12 per cent."""
    yield from _changed(cast, basin, plant, 1_000_000 - (35_000, 60_000, 120_000)[plant.strength - 1])


def _changed(cast: Cast, basin: Basin, plant: Plant, ppm: int) -> Flow:
    """One trader of one site, load after load, with bags that weigh `ppm` millionths of what they did."""
    world, site, trader, house = cast.world, alone(basin), basin.traders[0], basin.house
    plant.by(trader, house)
    plant.subjects.add(("site", site.id))
    for _ in range(6):
        bags = yield from _sold(cast, basin, site, trader, 5)
        for bag in bags:
            bag.mass_ug = bag.mass_ug * ppm // 1_000_000
        yield daytime(world, trader.place, DAY)
        offer(trader, house, bags, basin.ware)
        yield daytime(world, house.place, DAY)
        accept(house, trader, bags, basin.ware)
        plant.on(bags)
        yield DAY
    back(basin, site)


def mixed_in(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F7: a depot blends in richer ore that is on no record: what comes out holds 12, 25, 60 per cent more metal."""
    world, ware, site, trader, house = cast.world, basin.ware, alone(basin), basin.traders[0], basin.house
    bags = yield from _sold(cast, basin, site, trader, 6)
    yield daytime(world, trader.place, DAY)
    offer(trader, house, bags, ware)
    yield daytime(world, house.place, DAY)
    accept(
        house, trader, bags, ware, assays=[
            {"lots": [bag.id], "analyte": ware.analyte, "ppm": bag.grade_ppm, "on": "as_is", "method": "lab_xrf"}
            for bag in bags
        ],
    )  # fmt: skip
    plant.on(bags)
    yield daytime(world, house.place, DAY)
    weighed, in_ug = together(house, bags)
    grade_ppm = sum(bag.mass_ug * bag.grade_ppm for bag in bags) // sum(bag.mass_ug for bag in bags)
    richer_ppm = min(grade_ppm * (112, 125, 160)[plant.strength - 1] // 100, 940_000)
    assay = {"analyte": ware.analyte, "ppm": richer_ppm, "on": "as_is", "method": "lab_xrf"}
    heap = Output(in_ug, in_ug, bags[0].form, richer_ppm, assays=[assay], title=house.id)
    made = transform(house, bags, [heap], {"type": "combination", "weighings": [weighed]}, ware=ware)
    plant.on(made)
    back(basin, site)


def changed_about(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F14: tags are changed about between the bags of a load: of one pair, two pairs, all."""
    world, site, trader, house = cast.world, alone(basin), basin.traders[0], basin.house
    bags = yield from _sold(cast, basin, site, trader, 6)
    bags.sort(key=lambda bag: bag.mass_ug)
    for pair in range(plant.strength):
        light, heavy = bags[pair], bags[-1 - pair]
        light.mass_ug, heavy.mass_ug = heavy.mass_ug, light.mass_ug
    yield daytime(world, trader.place, DAY)
    offer(trader, house, bags, basin.ware)
    yield daytime(world, house.place, DAY)
    accept(house, trader, bags, basin.ware)
    plant.on(bags)
    back(basin, site)


def cloned(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F4: a tag is copied onto other bags, while the first is still about: one, three, ten copies."""
    site, elsewhere = basin.sites[0], basin.sites[-1]
    number = (1, 3, 10)[plant.strength - 1]
    first = plant.on(dig(site, 4))
    yield 2 * DAY
    for copy in range(number):
        mass_ug = basin.ware.bag_ug.draw(cast.world.chance)
        lots, written = forge(elsewhere.party, elsewhere, basin.ware, [mass_ug], [first[copy % 4].tags[0]])
        plant.wrote(written)
        plant.on(lots)
        yield HOUR
    put(site.party, basin.ware, list(first))


def sold_twice(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F18: a trader sells the same bags with each of two phones."""
    world, site, trader, house = cast.world, basin.sites[0], basin.traders[0], basin.house
    pen = second_phone(cast, trader)
    bags = yield from _sold(cast, basin, site, trader, (2, 4, 6)[plant.strength - 1])
    yield daytime(world, trader.place, 3 * DAY)
    as_seen = [replace(bag) for bag in bags]
    first = offer(trader, house, bags, basin.ware)
    yield 2 * HOUR
    for bag in as_seen:
        bag.recorded = first.recorded
    everybody = [*basin.traders, basin.exporter, *(one for each in cast.basins for one in each.traders)]
    other = next(one for one in everybody if one is not trader and one is not house)
    lost = offer(trader, other, as_seen, basin.ware, pen=pen)
    plant.wrote(lost)
    plant.on(bags)
    yield daytime(world, house.place, DAY)
    for bag in bags:
        bag.recorded = lost.recorded
    accept(house, trader, bags, basin.ware)
