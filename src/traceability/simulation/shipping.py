"""From the plant to the buyer abroad: consign, fill drums or a container, store, ship, arrive."""

from collections.abc import Generator, Sequence

from traceability.simulation.cast import Basin, Cast, Flow, Importer
from traceability.simulation.chance import named
from traceability.simulation.digging import TAGS_A_SITE
from traceability.simulation.handing import accept, offer
from traceability.simulation.leaving import arrive, close, export
from traceability.simulation.papers import Certificate, certify, countersign, dollars, pay, use
from traceability.simulation.pen import DAY, HOUR, Lot, Written
from traceability.simulation.people import Party
from traceability.simulation.trade import daytime, dry, export_tags, put, take
from traceability.simulation.wares import KILOGRAM, Ware
from traceability.simulation.working import combine, fill_drums

DRUM_UG = 320 * KILOGRAM
BIG = 1000
"""Bags in the container that is bigger than all others."""
TRUCK = 60
"""Bags or drums on one truck."""
VOYAGE = {"bag": (32, 48), "sachet": (4, 11)}
"""Days under way."""
_BORDERS = {"CD": (["RW", "TZ"], "Rusumo"), "RW": (["TZ"], "Rusumo")}
_AIRPORTS = {"CD": "Goma", "CF": "Bangui M'Poko", "RW": "Kigali"}


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
    if ware.bagged:
        heap = combine(exporter, lots, ware) if len(lots) > 1 else lots[0]
        yield daytime(world, exporter.place, chance.randint(4, 30) * HOUR)
        number = min(max(heap.reading_ug // DRUM_UG, 1), TAGS_A_SITE)
        lots = fill_drums(exporter, heap, ware, export_tags(cast, exporter, number))
        if chance.one_in(4):
            yield from keep(cast, exporter, lots, ware)
    yield from away(cast, exporter, lots, ware)


def ship_bags(cast: Cast, basin: Basin, number: int) -> Flow:
    """A container is filled with bags as they came from the pits: hundreds of lots in one export."""
    chance, ware, exporter = cast.world.chance, basin.ware, basin.exporter
    bags = take(exporter, ware, ware.raw, number)
    if len(bags) < BIG and chance.one_in(3):
        yield from keep(cast, exporter, bags, ware)
    yield from away(cast, exporter, bags, ware)


def keep(cast: Cast, holder: Party, lots: Sequence[Lot], ware: Ware) -> Flow:
    """Lots lie in a warehouse for a while, some truckloads of them: custody moves there and back, title stays."""
    world, chance = cast.world, cast.world.chance
    warehouse = cast.warehouses.get(holder.place.region)
    if warehouse is None:
        return
    yield daytime(world, holder.place, chance.randint(3, 20) * HOUR)
    trucks = [lots[at : at + TRUCK] for at in range(0, len(lots), TRUCK)]
    brought = []
    for truck in trucks:
        brought.append(offer(holder, warehouse, truck, ware, moves="custody", purpose="storage"))
        yield daytime(world, warehouse.place, chance.randint(2, 9) * HOUR)
        accept(warehouse, holder, truck, ware, moves="custody", weigh="together", sale=False)
    yield daytime(world, warehouse.place, chance.randint(5, 18) * DAY)
    for truck, there in zip(trucks, brought, strict=True):
        offer(warehouse, holder, truck, ware, moves="custody", purpose="return", returns=there.id)
        yield daytime(world, holder.place, chance.randint(2, 9) * HOUR)
        accept(holder, warehouse, truck, ware, moves="custody", weigh="together", sale=False)


def away(cast: Cast, exporter: Party, lots: Sequence[Lot], ware: Ware) -> Flow:
    """Lots leave the country; weeks later somebody tells that they arrived."""
    world, chance = cast.world, cast.world.chance
    importer: Importer = chance.pick(cast.importers[ware.mineral])
    certificate = yield from certified(cast, exporter, lots, ware, importer)
    yield daytime(world, exporter.place, chance.randint(1, 7) * DAY)
    yield from send(cast, exporter, lots, ware, importer, certificate)
    yield chance.randint(*VOYAGE[ware.package]) * DAY
    receive(exporter, lots, ware, importer)
    yield chance.randint(3, 12) * DAY
    if isinstance(importer, Party):
        close(importer, lots, "consumed")


def certified(
    cast: Cast, exporter: Party, lots: Sequence[Lot], ware: Ware, importer: Importer
) -> Generator[int, None, Certificate]:
    """A certificate for lots that are to be shipped: one officer issues it, another approves it a day later."""
    world, certifier = cast.world, cast["certifier"]
    cast.certificates += 1
    number = cast.certificates + named(world.seed, "certificates")[0] * 10
    certificate = certify(certifier, exporter, lots, ware, importer, number)
    yield daytime(world, certifier.place, 20 * HOUR)
    return countersign(certifier, certificate)


def send(
    cast: Cast, exporter: Party, lots: Sequence[Lot], ware: Ware, importer: Importer, certificate: Certificate
) -> Flow:
    """An export by the way usual for the ware, under its certificate; then the royalty, and the certifier's note."""
    written = _send(exporter, lots, ware, importer, certificate)
    royalty = dollars(ware, sum(lot.reading_ug for lot in lots), cast.world.chance, share_ppm=45_000)
    receipt = f"{cast.world.chance.randint(1, 99)}/{cast.world.chance.randint(100, 999)}"
    yield 3 * HOUR
    pay(
        exporter,
        royalty,
        to="state",
        of="royalty",
        lots=lots,
        authority="Trésor public",
        receipt_number=receipt,
    )
    use(cast["certifier"], certificate, written)


def _send(
    exporter: Party, lots: Sequence[Lot], ware: Ware, importer: Importer, certificate: Certificate
) -> Written:
    country = exporter.place.country
    if not ware.bagged:
        place = importer.place if isinstance(importer, Party) else importer[1]
        mode, route, exit_point = "air", [country, place.country], _AIRPORTS[country]
    else:
        mode, (route, exit_point) = "road", _BORDERS[country]
    return export(
        exporter,
        lots,
        ware,
        importer,
        mode=mode,
        route=route,
        exit_point=exit_point,
        certificate=certificate,
    )


def receive(exporter: Party, lots: Sequence[Lot], ware: Ware, importer: Importer) -> None:
    """The arrival, told by the importer if he is a party here, else by the exporter."""
    if isinstance(importer, Party):
        dry(importer.world, ware, lots)
        arrive(importer, lots, ware, importer.place)
    else:
        arrive(exporter, lots, ware, importer[1], reported_by="exporter")
