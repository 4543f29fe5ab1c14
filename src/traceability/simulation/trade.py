"""The ordinary days: dig, sell, deliver, work up, consign, ship. Each is a flow of a few events.

Lots lie in their holder's stock from one flow to the next; a flow takes them out, and what ends is forgotten.
"""

from collections.abc import Sequence
from typing import Any

from traceability.simulation.cast import Basin, Cast, Flow, Importer
from traceability.simulation.digging import TAGS_A_SITE, Site, buy_from_digger, dig
from traceability.simulation.handing import accept, inspect, offer, refuse, retag, withdraw
from traceability.simulation.leaving import arrive, close, export
from traceability.simulation.pen import DAY, HOUR, Lot, World
from traceability.simulation.people import Party
from traceability.simulation.places import Place
from traceability.simulation.wares import KILOGRAM, Ware
from traceability.simulation.working import combine, fill_drums, melt, sort_stones, wash

DRUM_UG = 320 * KILOGRAM
VOYAGE = {"bag": (32, 48), "sachet": (4, 11)}
"""Days under way."""
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
    if ware.package == "bag":
        for lot in lots:
            lot.mass_ug -= world.chance.part(lot.mass_ug, 0, 2_500)


def mine(cast: Cast, basin: Basin, site: Site) -> Flow:
    """A day at a site; sometimes a tag is unreadable in the evening."""
    chance, ware = cast.world.chance, basin.ware
    number = ware.bags.draw(chance)
    if ware.mineral == "diamond":
        collector = chance.pick(basin.traders)
        put(collector, ware, buy_from_digger(collector, site.place, ware, number, site=site))
        return
    bags = dig(site, number, on_paper=chance.one_in(25))
    put(site.party, ware, bags)
    if chance.one_in(60):
        yield chance.randint(2, 8) * HOUR
        if bags[0].tags and bags[0] in stock(site.party, ware, ware.raw):
            retag(basin.agent, bags[0], bags[0].tags[0], "unreadable", site.use_tags(1)[0], "unreadable")


def sell(cast: Cast, basin: Basin, site: Site) -> Flow:
    """The diggers sell what they have to a trader, who sometimes sends a bag back."""
    world, chance, ware = cast.world, cast.world.chance, basin.ware
    diggers, trader = site.party, chance.pick(basin.traders)
    bags = take(diggers, ware, ware.raw, 40)
    offer(diggers, trader, bags, ware, weigh=chance.one_in(4))
    if chance.one_in(90):
        yield 16 * DAY
        withdraw(diggers, bags, "never_came")
        put(diggers, ware, bags)
        return
    yield daytime(world, trader.place, chance.randint(1, 30) * HOUR)
    dry(world, ware, bags)
    if chance.one_in(8) and len(bags) > 2:
        back = [bags.pop(chance.randrange(len(bags)))]
        refuse(trader, back, chance.pick(("weight", "grade", "tag", "price")), weigh=chance.one_in(2))
        put(diggers, ware, back)
    if chance.one_in(70):
        bags[0].mass_ug = chance.part(bags[0].mass_ug, 1_022_000, 1_045_000)
    accept(trader, diggers, bags, ware, weigh="not" if chance.one_in(60) else "each")
    put(trader, ware, bags)


def deliver(cast: Cast, basin: Basin, trader: Party) -> Flow:
    """A trader brings his bags to the house that works them up."""
    world, chance, ware, house = cast.world, cast.world.chance, basin.ware, basin.house
    bags = take(trader, ware, ware.raw, 60)
    carrier = cast["haulier"] if house.place.country == "CD" and chance.one_in(3) else None
    route = [trader.place.region] + [house.place.region] * (house.place.region != trader.place.region)
    offer(trader, house, bags, ware, carrier=carrier, route=route)
    yield daytime(world, house.place, chance.randint(6, 90) * HOUR)
    dry(world, ware, bags)
    conditions: dict[str, Any] = {}
    if chance.one_in(25):
        conditions["conditions"] = [{"lots": [bags[0].id], "seal": chance.pick(("broken", "missing"))}]
    accept(house, trader, bags, ware, weigh=chance.pick(("each", "each", "together")), **conditions)
    put(house, ware, bags)


def work_up(cast: Cast, basin: Basin) -> Flow:
    """The house washes, melts or sorts what it has; sometimes a laboratory looks at it."""
    world, chance, ware, house = cast.world, cast.world.chance, basin.ware, basin.house
    bags = take(house, ware, ware.raw, 120)
    match ware.mineral:
        case "gold":
            made = melt(house, bags, ware, tags=export_tags(cast, house, 1))
        case "diamond":
            made = sort_stones(house, bags, ware, tags=export_tags(cast, house, 1))
        case _:
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
    sample_ug = 200_000_000 if ware.package == "bag" else 20_000
    unit = {"unit": "KGM", "value": "0.200"} if ware.package == "bag" else {"unit": "GRM", "value": "0.02"}
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


def consign(cast: Cast, basin: Basin) -> Flow:
    """A plant sells its concentrate to the exporter."""
    world, chance, ware = cast.world, cast.world.chance, basin.ware
    house, exporter = basin.house, basin.exporter
    lots = take(house, ware, ware.product, 20)
    offer(house, exporter, lots, ware)
    yield daytime(world, exporter.place, chance.randint(3, 40) * HOUR)
    dry(world, ware, lots)
    accept(exporter, house, lots, ware)
    put(exporter, ware, lots)


def ship(cast: Cast, exporter: Party, ware: Ware) -> Flow:
    """The exporter fills drums and ships them; weeks later somebody tells that they arrived."""
    world, chance = cast.world, cast.world.chance
    lots = take(exporter, ware, ware.product, 30)
    if ware.package == "bag":
        heap = combine(exporter, lots, ware) if len(lots) > 1 else lots[0]
        yield daytime(world, exporter.place, chance.randint(4, 30) * HOUR)
        number = min(max(heap.reading_ug // DRUM_UG, 1), TAGS_A_SITE)
        lots = fill_drums(exporter, heap, ware, export_tags(cast, exporter, number))
    yield daytime(world, exporter.place, chance.randint(2, 9) * DAY)
    importer: Importer = chance.pick(cast.importers[ware.mineral])
    send(exporter, lots, ware, importer)
    yield chance.randint(*VOYAGE[ware.package]) * DAY
    receive(exporter, lots, ware, importer)
    yield chance.randint(3, 12) * DAY
    if isinstance(importer, Party):
        close(importer, lots, "consumed")


def send(exporter: Party, lots: Sequence[Lot], ware: Ware, importer: Importer) -> None:
    """An export by the way usual for the ware."""
    if ware.package != "bag":
        place = importer.place if isinstance(importer, Party) else importer[1]
        export(
            exporter,
            lots,
            ware,
            importer,
            mode="air",
            route=["CF", place.country],
            exit_point="Bangui M'Poko",
        )
    else:
        through = ["RW", "TZ"] if exporter.place.country == "CD" else ["TZ"]
        export(exporter, lots, ware, importer, mode="road", route=through, exit_point="Rusumo")


def receive(exporter: Party, lots: Sequence[Lot], ware: Ware, importer: Importer) -> None:
    """The arrival, told by the importer if he is a party here, else by the exporter."""
    if isinstance(importer, Party):
        dry(importer.world, ware, lots)
        arrive(importer, lots, ware, importer.place)
    else:
        arrive(exporter, lots, ware, importer[1], reported_by="exporter")


def export_tags(cast: Cast, exporter: Party, number: int) -> list[str]:
    """Tags for drums, of those the exporter answers for."""
    tags = cast.export_tags[exporter.name]
    if len(tags) < number:
        shelf = cast.shelves[exporter.place.country.lower()]
        tags.extend(shelf.allocate(exporter, TAGS_A_SITE))
    given = tags[:number]
    del tags[:number]
    return given
