"""The ordinary days up to the plant: dig, sell, deliver, work up. Each is a flow of a few events.

Lots lie in their holder's stock from one flow to the next; a flow takes them out, and what ends is forgotten.
"""

from collections.abc import Sequence
from typing import Any, Literal

from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.chance import Chance
from traceability.simulation.digging import TAGS_A_SITE, Site, buy_from_digger, dig
from traceability.simulation.handing import LOAD, accept, inspect, offer, refuse, retag, withdraw
from traceability.simulation.leaving import close
from traceability.simulation.pen import DAY, HOUR, Lot, World
from traceability.simulation.people import Party
from traceability.simulation.places import Place
from traceability.simulation.wares import Ware
from traceability.simulation.working import combine, melt, sort_stones, wash

LOAD_MAX = 7
"""Bags that are sold at once, or brought on one cart or pickup, where they do not go one by one."""
WORKED_MAX = 300
"""Bags that a house works up at once."""
RAINS = 250
"""Once in so many days at a pit the way to the next signal is cut for a week or two."""
_DIURNAL = (6 * HOUR, 17 * HOUR)


def daytime(world: World, place: Place, rest: int) -> int:
    """Seconds to rest so that it is day there when the rest is over."""
    begin, end = _DIURNAL
    local = (world.now + rest + place.utc * HOUR) % DAY
    if begin <= local <= end:
        return rest
    return rest + (begin - local) % DAY + world.chance.randint(0, 3 * HOUR)


def stock(party: Party, ware: Ware, form: str) -> list[Lot]:
    """What the party has in hand of it."""
    return party.stock[f"{ware.mineral} {form}"]


def put(party: Party, ware: Ware, lots: Sequence[Lot]) -> None:
    """Adds lots of one form to a party's stock."""
    stock(party, ware, lots[0].form).extend(lots)


def take(party: Party, ware: Ware, form: str, most: int) -> list[Lot]:
    """Takes the oldest lots out of a party's stock."""
    lying = stock(party, ware, form)
    taken = lying[:most]
    del lying[:most]
    return taken


def dry(world: World, ware: Ware, lots: Sequence[Lot]) -> None:
    """Wet ore loses a little on the way."""
    if ware.bagged:
        for lot in lots:
            lot.mass_ug -= world.chance.part(lot.mass_ug, 0, 2_500)


def at_once(ware: Ware, chance: Chance) -> int:
    """How many bags somebody hands over at once, if he has them: one, or a load."""
    return LOAD_MAX if chance.one_in(ware.together) else 1


def mine(cast: Cast, basin: Basin, site: Site) -> Flow:
    """A bag, or a team's whole day; sometimes a tag is unreadable in the evening, or a number was typed wrongly.

    Where the diggers have nobody who signs for them, the first buyer records what he buys at the pit.
    """
    chance, ware = cast.world.chance, basin.ware
    number = ware.bags.draw(chance) if chance.one_in(ware.together) else 1
    if ware.stones or chance.one_in(12 if ware.bagged else 4):
        collector = chance.pick(basin.traders)
        put(collector, ware, buy_from_digger(collector, site.place, ware, number, site=site))
        return
    signal = None
    if chance.one_in(RAINS) and cast.world.end - cast.world.now > 30 * DAY:
        signal = cast.world.now + chance.randint(6, 15) * DAY
    bags = dig(site, number, on_paper=chance.one_in(25), signal=signal)
    made, recorded = bags[0].head, bags[0].recorded
    put(site.party, ware, bags)
    if chance.one_in(60):
        yield chance.randint(2, 8) * HOUR
        if bags[0] in stock(site.party, ware, ware.raw):
            retag(basin.agent, bags[0], bags[0].tags[0], "unreadable", site.use_tags(1)[0], "unreadable")
    elif chance.one_in(90):
        yield chance.randint(2, 8) * HOUR
        fields = [{"path": "/lots/0/lot_number", "is": f"{bags[0].number}B"}]
        body = {"event": made, "reason": "incorrect_data", "fields": fields}
        site.party.pen.write("correction", body, after=recorded)


def sell(cast: Cast, basin: Basin, site: Site) -> Flow:
    """The diggers sell a bag or a load to a trader, who sometimes sends a bag back."""
    world, chance, ware = cast.world, cast.world.chance, basin.ware
    diggers, trader = site.party, chance.pick(basin.traders)
    bags = take(diggers, ware, ware.raw, at_once(ware, chance))
    offer(diggers, trader, bags, ware, weigh=chance.one_in(12))
    if chance.one_in(90):
        yield 16 * DAY
        withdraw(diggers, bags, "never_came")
        put(diggers, ware, bags)
        return
    yield daytime(world, trader.place, chance.randint(1, 30) * HOUR)
    dry(world, ware, bags)
    if chance.one_in(20):
        back = [bags.pop(chance.randrange(len(bags)))]
        refuse(trader, back, chance.pick(("weight", "grade", "tag", "price")), weigh=chance.one_in(2))
        put(diggers, ware, back)
        if not bags:
            return
    if not world.honest and chance.one_in(200):
        bags[0].mass_ug = chance.part(bags[0].mass_ug, 1_022_000, 1_045_000)
    if chance.one_in(60):
        accept(trader, diggers, bags, ware, weigh="not")
    else:
        together = len(bags) > 2 or (len(bags) > 1 and chance.one_in(3))
        accept(trader, diggers, bags, ware, weigh="together" if together else "each")
    put(trader, ware, bags)


def deliver(cast: Cast, basin: Basin, trader: Party) -> Flow:
    """A trader brings a bag or a load to the house that works them up."""
    world, chance, ware, house = cast.world, cast.world.chance, basin.ware, basin.house
    bags = take(trader, ware, ware.raw, at_once(ware, chance))
    carrier = cast["haulier"] if house.place.country == "CD" and chance.one_in(3) else None
    route = [trader.place.region] + [house.place.region] * (house.place.region != trader.place.region)
    offer(trader, house, bags, ware, carrier=carrier, route=route if chance.one_in(2) else ())
    yield daytime(world, house.place, chance.randint(6, 90) * HOUR)
    dry(world, ware, bags)
    conditions: dict[str, Any] = {}
    if chance.one_in(25):
        conditions["conditions"] = [{"lots": [bags[0].id], "seal": chance.pick(("broken", "missing"))}]
    weigh: Literal["each", "together"] = "each" if chance.one_in(5) else "together"
    accept(house, trader, bags, ware, weigh=weigh, **conditions)
    put(house, ware, bags)


def work_up(cast: Cast, basin: Basin) -> Flow:
    """The house washes, melts or sorts what it has, from a heap if that is large; sometimes a laboratory looks at it."""
    world, chance, ware, house = cast.world, cast.world.chance, basin.ware, basin.house
    bags = take(house, ware, ware.raw, WORKED_MAX)
    if ware.stones:
        made = sort_stones(house, bags, ware, tags=export_tags(cast, house, 1))
    elif not ware.bagged:
        made = melt(house, bags, ware, tags=export_tags(cast, house, 1))
    else:
        if len(bags) > LOAD:
            bags = [combine(house, bags, ware)]
            yield daytime(world, house.place, DAY)
        made, tailings = wash(house, bags, ware, keep=chance.one_in(5))
        if tailings is not None:
            yield 2 * DAY
            close(house, [tailings], "destroyed", "settling pond")
    if ware.analyte and chance.one_in(3):
        yield daytime(world, house.place, chance.randint(20, 60) * HOUR)
        look(cast, made, ware)
    yield HOUR
    put(house, ware, [made])


def look(cast: Cast, lot: Lot, ware: Ware) -> None:
    """The laboratory takes a sample and tells the grade."""
    laboratory, chance = cast["laboratory"], cast.world.chance
    sample_ug = 200_000_000 if ware.bagged else 20_000
    unit = {"unit": "KGM", "value": "0.200"} if ware.bagged else {"unit": "GRM", "value": "0.02"}
    number = f"E{chance.randint(1000, 99_999)}"
    ppm = chance.part(lot.grade_ppm, 994_000, 1_006_000) // 100 * 100
    method = "fire" if ware.mineral == "gold" else "icp"
    assay = {"lots": [lot.id], "analyte": ware.analyte, "ppm": ppm, "on": "dry", "method": method}
    inspect(
        laboratory,
        [lot],
        "assay",
        assays=[{**assay, "error_ppm": 1_500, "report": f"R-{number}"}],
        sample={"number": number, "mass": unit},
        laboratory=laboratory.says,
        result="as_stated",
    )
    lot.mass_ug -= sample_ug
    lot.reading_ug -= sample_ug


def export_tags(cast: Cast, exporter: Party, number: int) -> list[str]:
    """Tags for drums, of those the exporter answers for."""
    tags = cast.export_tags[exporter.name]
    if len(tags) < number:
        shelf = cast.shelves[exporter.place.country.lower()]
        tags.extend(shelf.allocate(exporter, TAGS_A_SITE))
    given = tags[:number]
    del tags[:number]
    return given
