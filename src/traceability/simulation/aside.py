"""What happens beside the ordinary trade: work for another's account, ore of other schemes, old stock, newcomers."""

from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.digging import take_in
from traceability.simulation.handing import accept, offer
from traceability.simulation.pen import DAY, HOUR
from traceability.simulation.people import Party
from traceability.simulation.trade import LOAD_MAX, daytime, dry, put, take
from traceability.simulation.working import wash


def toll(cast: Cast, basin: Basin, trader: Party) -> Flow:
    """A plant washes for the trader's account: custody moves, title stays; then he sells what came out."""
    world, ware, house, exporter = cast.world, basin.ware, basin.house, basin.exporter
    bags = take(trader, ware, ware.raw, 3 * LOAD_MAX)
    offer(trader, house, bags, ware, moves="custody", purpose="processing")
    yield daytime(world, house.place, 30 * HOUR)
    dry(world, ware, bags)
    accept(house, trader, bags, ware, moves="custody", weigh="together", sale=False)
    yield daytime(world, house.place, 2 * DAY)
    made = [wash(house, bags, ware, for_title=trader)[0]]
    yield daytime(world, trader.place, 2 * DAY)
    offer(trader, exporter, made, ware, moves="title")
    yield daytime(world, exporter.place, 5 * HOUR)
    accept(exporter, trader, made, ware, moves="title")
    if exporter is not house:
        yield daytime(world, house.place, DAY)
        offer(house, exporter, made, ware, moves="custody", purpose="carriage")
        yield daytime(world, exporter.place, 6 * HOUR)
        accept(exporter, house, made, ware, moves="custody", sale=False)
    put(exporter, ware, made)


def other_scheme(cast: Cast, basin: Basin) -> Flow:
    """The house takes in bags that carry another scheme's tags; mostly somebody approves them."""
    world, chance, ware, house = cast.world, cast.world.chance, basin.ware, basin.house
    masses = [ware.bag_ug.draw(chance) for _ in range(chance.randint(3, 18))]
    lots, written = take_in(house, ware, masses, "other_scheme")
    put(house, ware, lots)
    if not chance.one_in(5):
        regulator = cast.regulator(basin.kind.country)
        yield daytime(world, regulator.place, chance.randint(2, 12) * DAY)
        body = {"event": written.id, "decision": "approved"}
        regulator.write("approval", body, after=written.recorded)


def opening_stock(cast: Cast, basin: Basin) -> Flow:
    """What a trader had before he joined is counted, looked at and approved."""
    world, chance, ware, trader = cast.world, cast.world.chance, basin.ware, basin.traders[-1]
    masses = [ware.bag_ug.draw(chance) for _ in range(chance.randint(2, 14))]
    lots, written = take_in(trader, ware, masses, "earlier_stock")
    regulator = cast.regulator(basin.kind.country)
    yield daytime(world, regulator.place, chance.randint(2, 9) * DAY)
    body = {"event": written.id, "decision": "approved", "reason": "compte rendu de comptage vu"}
    regulator.write("approval", body, after=written.recorded)
    put(trader, ware, lots)
