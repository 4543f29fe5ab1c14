"""What is to be done in a basin next: what lies ready farthest down the way first, else digging."""

from traceability.simulation.aside import opening_stock, other_scheme, toll
from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.opening import container_of, newcomer
from traceability.simulation.people import Party
from traceability.simulation.shipping import BIG, consign, ship, ship_bags
from traceability.simulation.trade import deliver, mine, sell, stock, work_up

EVENTS_A_JOB = 3
LADEN = (3, 2)
"""From so many bags, or sachets and parcels, on a trader goes to the house."""
JOBS_A_NEWCOMER = 500
JOBS_AN_ARRIVAL = 1000


def job(cast: Cast, basin: Basin) -> Flow:
    """One job in a basin, chosen when its time has come."""
    ware, chance = basin.ware, cast.world.chance
    small = not ware.bagged
    if basin.container and len(stock(basin.house, ware, ware.raw)) >= basin.container:
        yield from _ship_bags(cast, basin)
    elif len(stock(basin.exporter, ware, ware.product)) >= (2 if small else 4):
        yield from ship(cast, basin.exporter, ware)
    elif basin.house is not basin.exporter and len(stock(basin.house, ware, ware.product)) >= 2:
        yield from consign(cast, basin)
    elif not basin.container and len(stock(basin.house, ware, ware.raw)) >= ware.fill:
        yield from work_up(cast, basin)
    elif chance.one_in(JOBS_A_NEWCOMER):
        yield from newcomer(cast, basin)
    elif ware.bagged and chance.one_in(JOBS_AN_ARRIVAL):
        yield from chance.pick((other_scheme, opening_stock))(cast, basin)
    elif trader := _laden(basin, LADEN[small]):
        if ware.bagged and not basin.container and chance.one_in(12):
            yield from toll(cast, basin, trader)
        else:
            yield from deliver(cast, basin, trader)
    else:
        site = chance.pick(basin.sites)
        ready = len(stock(site.party, ware, ware.raw)) >= chance.randint(1, 4)
        yield from sell(cast, basin, site) if ready else mine(cast, basin, site)


def _ship_bags(cast: Cast, basin: Basin) -> Flow:
    big = basin.container == BIG
    if big:  # once is enough
        basin.container = container_of(cast.world.seed, basin.name)
    yield from ship_bags(cast, basin, BIG if big else basin.container)


def _laden(basin: Basin, least: int) -> Party | None:
    ware = basin.ware
    return next((one for one in basin.traders if len(stock(one, ware, ware.raw)) >= least), None)
