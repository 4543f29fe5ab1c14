"""Who signs, where and when: paper without ore, days that were not, the same three people, stolen keys, silence."""

from typing import Any

from traceability.core.leaf import time_text
from traceability.simulation import names
from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.concerns import answer, report
from traceability.simulation.digging import dig
from traceability.simulation.frauds.plant import Plant, alone, back, forge, stocked
from traceability.simulation.handing import accept, offer
from traceability.simulation.papers import day
from traceability.simulation.pen import DAY, HOUR, TOWN, Pen
from traceability.simulation.people import Party, key, new_key
from traceability.simulation.trade import daytime, put

_MINUTE = 60


def second_phone(cast: Cast, party: Party) -> Pen:
    """One more key of a party."""
    world = cast.world
    second = key(world.seed, f"{party.name} phone {len(party.pens) + 1}")
    body: dict[str, Any] = {"party": party.id, "key": new_key(second, world.log, party.id)}
    holder = names.person(world.chance, party.place.country)
    added = party.write(
        "key_addition",
        {**body, "reason": "second_device"},
        sealed={"/key/holder": holder},
        signal=world.now + 60,
    )
    pen = Pen(world, party.id, second, TOWN)
    pen.wait(added.recorded)
    party.pens.append(pen)
    return pen


def paper_only(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F8: ore that never was goes through three hands at one table: within fifty, twenty, four minutes."""
    world, site, trader, house = cast.world, alone(basin), basin.traders[0], basin.house
    pause = (16, 6, 1)[plant.strength - 1] * _MINUTE
    plant.by(trader)
    for _ in range(3):
        masses = [basin.ware.bag_ug.draw(world.chance) for _ in range(5)]
        bags, written = forge(site.party, site, basin.ware, masses, stocked(site, 5))
        plant.wrote(written)
        yield pause
        offer(site.party, trader, bags, basin.ware)
        yield pause
        accept(trader, site.party, bags, basin.ware)
        yield pause // 2
        offer(trader, house, bags, basin.ware)
        yield pause // 2
        accept(house, trader, bags, basin.ware)
        plant.on(bags)
        yield 3 * DAY
    back(basin, site)


def back_dated(_cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F9: productions of today are dated back, to before a closure say: 20, 45, 90 days."""
    site = alone(basin)
    ago = (20, 45, 90)[plant.strength - 1] * DAY
    plant.by(site.party)
    for _ in range(3):
        now = site.party.world.now
        bags = dig(site, 4)  # an honest one before, as the key is known
        yield 12 * HOUR
        masses = [bag.mass_ug for bag in bags]
        lots, written = _dated(site, basin, masses, now - ago)
        plant.wrote(written)
        plant.on(lots)
        yield 2 * DAY
    back(basin, site)


def _dated(site: Any, basin: Basin, masses: list[int], time: int) -> Any:
    said = time_text(time)[:10]
    world = site.party.world
    now, world.now = world.now, time
    try:
        return forge(
            site.party, site, basin.ware, masses, stocked(site, len(masses)), dug_from=said, dug_until=said
        )
    finally:
        world.now = now


def triangle(_cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F10: one site, one agent, one buyer, whose scales always agree to the last digit: 22, 30, 45 sales in a row."""
    site, trader = alone(basin), basin.traders[0]
    plant.by(trader, site.party, basin.agent)
    plant.subjects.add(("site", site.id))
    for _ in range((22, 30, 45)[plant.strength - 1]):
        bags = dig(site, 2)
        yield 3 * HOUR
        offer(site.party, trader, bags, basin.ware)
        yield 4 * HOUR
        readings = [site.scale.weighing(bag.reading_ug, lots=[bag.id]) for bag in bags]
        accept(trader, site.party, bags, basin.ware, weigh="not", weighings=readings)
        plant.on(bags)
        yield 17 * HOUR
    back(basin, site)


def stolen(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F19: a trader's phone is taken; whoever has it sells his bags. The key is revoked three, seven, twenty days later."""
    world, site, trader, house = cast.world, basin.sites[0], basin.traders[0], basin.house
    pen = second_phone(cast, trader)
    bags = dig(site, 4)
    yield daytime(world, trader.place, DAY)
    offer(site.party, trader, bags, basin.ware)
    yield daytime(world, trader.place, DAY)
    accept(trader, site.party, bags, basin.ware)
    yield 2 * DAY
    trusted = pen.next - 1
    taken = offer(trader, house, bags, basin.ware, pen=pen)
    plant.wrote(taken, ("key", pen.key.id))
    plant.on(bags)
    yield (3, 7, 20)[plant.strength - 1] * DAY
    registrar = cast.registrar(basin.kind.country)
    body: dict[str, Any] = {"key": pen.key.id, "reason": "stolen"}
    body |= (
        {"trusted_sequence": trusted} if trusted >= 0 else {"trusted_until": time_text(world.now - 40 * DAY)}
    )
    registrar.write("key_revocation", body, after=max(taken.recorded, *(bag.recorded for bag in bags)))


def omitted(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F21: events that were signed and never brought: one, three, ten numbers of a key are missing."""
    world, site, trader = cast.world, basin.sites[0], basin.traders[0]
    plant.by(trader.pen)
    trader.pen.next += (1, 3, 10)[plant.strength - 1]
    bags = dig(site, 3)
    yield daytime(world, trader.place, DAY)
    offer(site.party, trader, bags, basin.ware)
    yield daytime(world, trader.place, DAY)
    plant.wrote(accept(trader, site.party, bags, basin.ware))
    put(trader, basin.ware, bags)
    yield 34 * DAY


def hushed_up(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F22: an action was promised after an incident, and nobody hears of it again: due in 5, 10, 15 days."""
    world = cast.world
    account = "Deux hommes armés au lavoir, jeudi matin."
    told = plant.wrote(
        report(
            cast["operator"],
            ["armed_group"],
            ("site", basin.sites[0].id),
            account=account,
            reporter="anonymous",
        )
    )
    yield daytime(world, basin.agent.place, DAY)
    due = day(world, (5, 10, 15)[plant.strength - 1])
    said = answer(
        cast.regulator(basin.kind.country), told, "action_planned", "Une mission ira voir.", due=due
    )
    plant.wrote(said, ("site", basin.sites[0].id))
    yield 25 * DAY
