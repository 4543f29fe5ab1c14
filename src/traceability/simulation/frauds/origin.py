"""Where ore is said to come from: sold tags, laundered ore, invented weights, closed sites, hands that are not there."""

from traceability.core.distance import cell_of, km_between
from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.digging import Site, dig
from traceability.simulation.frauds.plant import Plant, alone, back, forge, stocked
from traceability.simulation.ground import INSPECTING
from traceability.simulation.papers import day, inspect_site
from traceability.simulation.pen import DAY, HOUR
from traceability.simulation.trade import put
from traceability.simulation.wares import KILOGRAM


def tag_sale(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F1: unused tags of a green site are put on bags 80 km and more away, by another agent.

    Strength 1: he says that they are of the green site; 2: of his own; 3: a whole roll's worth in an hour.
    """
    victim = max(basin.sites, key=lambda site: site.lots_made)
    away = [
        each for each in cast.basins if each.agent is not basin.agent and each.sites and not each.ware.stones
    ]
    other = max(away, key=lambda each: _km(each.sites[-1], victim))
    own = other.sites[-1]
    plant.by(other.agent)
    plant.subjects |= {("site", victim.id), ("site", own.id)}
    for _ in range((3, 3, 1)[plant.strength - 1]):
        number = (6, 6, 130)[plant.strength - 1]
        while number:
            some = min(number, 60)
            number -= some
            masses = [basin.ware.bag_ug.draw(cast.world.chance) for _ in range(some)]
            site = own if plant.strength == 2 else victim
            lots, written = forge(
                other.agent,
                site,
                basin.ware,
                masses,
                stocked(victim, some),
                producer=victim.party,
                region=own.place.region,
                cell=own.place.cell,
            )
            plant.wrote(written)
            plant.on(lots)
            yield 15 * 60
        yield 2 * DAY


def _km(one: Site, other: Site) -> int:
    return km_between(cell_of(one.place.cell), cell_of(other.place.cell))


def laundered(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F2: ore of a closed mine goes under the tags of an open one: half as much again, twice, five times its capacity."""
    site = alone(basin)
    plant.subjects.add(("site", site.id))
    capacity = basin.ware.bags.high * 6 * basin.ware.bag_ug.high
    for _ in range(3):
        left_ug = capacity * (15, 20, 50)[plant.strength - 1] // 10
        while left_ug > 0:
            masses = [basin.ware.bag_ug.draw(cast.world.chance) for _ in range(24)]
            left_ug -= sum(masses)
            lots, written = forge(site.party, site, basin.ware, masses, stocked(site, 24))
            plant.wrote(written)
            plant.on(lots)
            yield HOUR // 2
        yield DAY
    back(basin, site)


def invented(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F3: nobody weighed. Strength 1: whole kilograms; 2: bags that hardly differ; 3: always fifty."""
    site, chance = alone(basin), cast.world.chance
    plant.subjects.add(("site", site.id))
    plant.by(site.party)
    for _ in range(10):
        masses = [
            (chance.randint(31, 49), 0, 50)[plant.strength - 1] * KILOGRAM
            or 42 * KILOGRAM + chance.randint(-3, 3) * 50_000_000
            for _ in range(6)
        ]
        lots, written = forge(site.party, site, basin.ware, masses, stocked(site, 6), exact=True)
        plant.wrote(written)
        plant.on(lots)
        yield DAY + chance.randint(-3, 3) * HOUR
    back(basin, site)


def closed_site(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F6: work goes on at a site that an inspector has closed.

    Strength 1: the inspection is entered three weeks late; 2: the site is red; 3: red and suspended.
    """
    site = alone(basin)
    if site in basin.sites:  # it is not theirs alone: what others dug there would be told of too
        return
    inspector = cast[INSPECTING[site.place.country]]
    plant.subjects.add(("site", site.id))
    since = {"status_from": day(cast.world)}
    if plant.strength > 1:
        more = {"suspended_from": day(cast.world)} if plant.strength == 3 else {}
        plant.wrote(inspect_site(inspector, site, "red", **since, **more))
        yield 2 * DAY
    for _ in range(4):
        plant.on(dig(site, 4))
        yield 4 * DAY
    if plant.strength == 1:
        yield 3 * DAY
        plant.wrote(inspect_site(inspector, site, "red", **since))
    yield 10 * DAY


def ghosts(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F15: diggers who are names on paper: half as many again as the cooperative has, twice, five times as many."""
    site, chance = alone(basin), cast.world.chance
    workers = 140 * (15, 20, 50)[plant.strength - 1] // 10
    for _ in range(3):
        bags = dig(site, 6, more={"workers": workers})
        put(site.party, basin.ware, plant.on(bags))
        yield DAY + chance.randint(0, 9) * HOUR
    back(basin, site)
