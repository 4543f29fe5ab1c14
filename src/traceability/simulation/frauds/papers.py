"""Papers that lie: a certificate used twice, more gold than a country digs, the wrong mineral, a price too low."""

from typing import Any

from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.digging import dig, take_in
from traceability.simulation.frauds.plant import Plant, alone, back
from traceability.simulation.handing import accept, offer, together
from traceability.simulation.pen import DAY, HOUR
from traceability.simulation.shipping import certified, send
from traceability.simulation.trade import daytime, put
from traceability.simulation.wares import GRAM
from traceability.simulation.working import Output, transform


def certificate_twice(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F11: a second shipment leaves under the certificate of the first.

    Strength 1: it is a fifth of it; 2: as much again; 3: as much again after the certificate was void.
    """
    world, exporter, ware = cast.world, basin.exporter, basin.ware
    importer = cast.importers[ware.mineral][0]
    masses = [ware.bag_ug.draw(world.chance) for _ in range(10)]
    lots, _ = take_in(exporter, ware, masses, "earlier_stock")
    yield DAY
    certificate = yield from certified(cast, exporter, lots, ware, importer)
    yield daytime(world, exporter.place, DAY)
    yield from send(cast, exporter, lots, ware, importer, certificate)
    yield daytime(world, exporter.place, 6 * DAY)
    again, _ = take_in(exporter, ware, masses[: (2, 10, 10)[plant.strength - 1]], "earlier_stock")
    if plant.strength == 3:
        body = {"source": "device", "certificate": certificate.id, "act": "void", "date": "2026-01-01"}
        cast["certifier"].write("certificate_use", body, after=certificate.recorded)
    yield DAY
    weighed = exporter.scale.reads(sum(lot.mass_ug for lot in again))
    drawn = certificate._replace(mass=exporter.scale.quantity(weighed))
    plant.subjects.add(("certificate", certificate.id))
    way: dict[str, Any] = {
        "region": exporter.place.region,
        "source": "device",
        "destination": "MY",
        "certificates": [{"certificate": certificate.id, "mass": drawn.mass}],
        "weighings": [exporter.scale.weighing(weighed, lots=sorted(lot.id for lot in again))],
        "shipped": "2026-01-01",
    }
    entity = {"name": "Selat Tin", "legal_address": {"country": "MY", "locality": "Butterworth"}}
    written = exporter.write(
        "export", way, moves=again, sealed={"/importer": entity}, after=certificate.recorded
    )
    for lot in again:
        lot.head = written.id
    plant.wrote(written)
    plant.on(again)


def smuggled(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F13: gold of a neighbour leaves as a country's own: 1.2, 2, 5 times what it is said to dig in a year."""
    house, ware = basin.house, basin.ware
    bars_ug = [12_500 * GRAM] * 16
    plant.by(house)
    whole_ug = 480_000 * GRAM * (12, 20, 50)[plant.strength - 1] // 10
    importer = cast.importers[ware.mineral][0]
    while whole_ug > 0:
        whole_ug -= sum(bars_ug)
        lots, _ = take_in(house, ware, bars_ug, "earlier_stock", form=ware.product)
        yield 6 * HOUR
        certificate = yield from certified(cast, house, lots, ware, importer)
        yield 6 * HOUR
        yield from send(cast, house, lots, ware, importer, certificate)
        plant.on(lots)
        yield 12 * HOUR


def another_mineral(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F16: ore goes on as another mineral, where duty or origin is easier.

    Strength 1: repacked under another name; 2: under another customs heading; 3: both.
    """
    world, ware, site, trader = cast.world, basin.ware, alone(basin), basin.traders[0]
    bags = dig(site, 4)
    yield daytime(world, trader.place, DAY)
    offer(site.party, trader, bags, ware)
    yield daytime(world, trader.place, DAY)
    accept(trader, site.party, bags, ware)
    yield daytime(world, trader.place, DAY)
    weighed, in_ug = together(trader, bags)
    body: dict[str, Any] = {"title": trader.id}
    other = "cassiterite" if ware.mineral != "cassiterite" else "coltan"
    if plant.strength != 2:
        body["mineral"] = other
    if plant.strength > 1:
        headings = {"cassiterite": "2609.00.00", "coltan": "2615.90.00", "wolframite": "2611.00.00"}
        body["hs"] = headings[ware.mineral if plant.strength == 3 else other]
    out = Output(in_ug, in_ug, bags[0].form, bags[0].grade_ppm, **body)
    made = transform(trader, bags, [out], {"type": "repacking", "weighings": [weighed]}, ware=ware)
    plant.on(bags)
    plant.on(made)
    back(basin, site)


def too_cheap(cast: Cast, basin: Basin, plant: Plant) -> Flow:
    """F17: sold for 45, 35, 15 per cent of the reference price. Prices are sealed: only the operator's rules can see it."""
    world, site, trader, ware = cast.world, basin.sites[0], basin.traders[0], basin.ware
    bags = dig(site, 3)
    yield daytime(world, trader.place, DAY)
    share = (45, 35, 15)[plant.strength - 1]
    # Prices at the pit are four fifths of the reference.
    cheap = ware._replace(cents=ware.cents * share * 125 // 108 // 100)
    plant.wrote(offer(site.party, trader, bags, cheap))
    plant.on(bags)
    yield daytime(world, trader.place, DAY)
    accept(trader, site.party, bags, cheap)
    put(trader, ware, bags)
