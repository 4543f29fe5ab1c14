"""Lots leave: export, arrival abroad, and the end of what will be nothing else."""

from collections.abc import Sequence
from typing import Any

from traceability.core.leaf import time_text
from traceability.simulation import names
from traceability.simulation.handing import load
from traceability.simulation.papers import Certificate
from traceability.simulation.pen import Lot, Written
from traceability.simulation.people import Party
from traceability.simulation.places import Place
from traceability.simulation.wares import Ware, money


def export(
    by: Party,
    lots: Sequence[Lot],
    ware: Ware,
    importer: Party | tuple[str, Place],
    *,
    mode: str,
    route: Sequence[str],
    exit_point: str,
    certificate: Certificate | None = None,
) -> Written:
    """Ships lots: to an importer who is a party here, or to a firm abroad whose name is sealed."""
    world, chance = by.world, by.world.chance
    place = importer.place if isinstance(importer, Party) else importer[1]
    body: dict[str, Any] = {
        "region": by.place.region,
        "source": "device",
        "destination": place.country,
        "route": list(route),
        "mode": mode,
        "exit_point": exit_point,
        "customs_number": f"{by.place.country}{chance.randint(10_000, 99_999)}",
        "weighings": load(by, lots),
        "shipped": time_text(world.now)[:10],
    }
    if mode == "air":
        body["transport_document"] = f"{chance.randint(100, 999)}-{chance.randint(10_000_000, 99_999_999)}"
    else:
        seals = [f"K{chance.randint(100_000, 999_999)}" for _ in range(2)]
        number = f"XTRU{chance.randint(1_000_000, 9_999_999)}"
        body["containers"] = [{"number": number, "seals": seals}]
        body["transport_document"] = f"BL{chance.randint(100_000, 999_999)}"
    sealed: dict[str, Any] = {
        "/value": money(ware, sum(lot.reading_ug for lot in lots), chance, share_ppm=3_200_000)
    }
    if isinstance(importer, Party):
        body["importer"] = importer.id
    else:
        sealed["/importer"] = names.entity(chance, importer[0], place.address(), "company")
    after = 0
    if certificate is not None:
        body["certificates"] = [{"certificate": certificate.id, "mass": certificate.mass}]
        after = certificate.recorded
    written = by.write("export", body, moves=lots, sealed=sealed, after=after)
    for lot in lots:
        lot.head = written.id
    return written


def arrive(
    by: Party, lots: Sequence[Lot], ware: Ware, place: Place, *, reported_by: str = "importer"
) -> Written:
    """Tells that exported lots arrived: the importer himself, or the exporter from the paper he got."""
    world, chance = by.world, by.world.chance
    body: dict[str, Any] = {
        "region": place.region,
        "source": "device",
        "reported_by": reported_by,
        "received": time_text(world.now)[:10],
    }
    if reported_by != "importer":
        net_ug = sum(lot.reading_ug for lot in lots)
        body["confirmed"] = {"parcels": len(lots), "mass": by.scale.quantity(by.scale.rounds(net_ug))}
        body["document"] = f"arrival notice {chance.randint(1000, 9999)}"
    else:
        body["weighings"] = load(by, lots)
        if ware.analyte and lots[0].grade_ppm:
            ppm = chance.part(lots[0].grade_ppm, 992_000, 1_006_000) // 100 * 100
            method = "fire" if ware.mineral == "gold" else "icp"
            all_ids = sorted(lot.id for lot in lots)
            assay = {"lots": all_ids, "analyte": ware.analyte, "ppm": ppm, "on": "dry", "method": method}
            body["assays"] = [assay]
            body["moistures"] = [{"lots": all_ids, "ppm": chance.randint(3, 14) * 1000}]
    written = by.write("import", body, moves=lots)
    for lot in lots:
        lot.head = written.id
    return written


def close(by: Party, lots: Sequence[Lot], reason: str, detail: str = "") -> Written:
    """Says that lots are no more."""
    body = {"source": "device", "reason": reason, **({"detail": detail} if detail else {})}
    written = by.write("closure", body, moves=lots)
    for lot in lots:
        lot.head = lot.title_head = written.id
    return written
