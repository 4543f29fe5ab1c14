"""What is written about sites, people and shipments: inspections, licences, zones, figures, certificates, payments.

One function for each event; who calls them, and when, is in `ground`, `shipping`, `handing` and `concerns`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from traceability.core.ids import EventId
from traceability.core.leaf import time_text
from traceability.simulation import names
from traceability.simulation.digging import Site
from traceability.simulation.pen import DAY, Lot, World, Written
from traceability.simulation.people import Party, paper
from traceability.simulation.scales import quantity
from traceability.simulation.wares import Ware, money

CERTIFICATE_DAYS = 90
HS = {
    "cassiterite": "2609.00.00", "coltan": "2615.90.00", "wolframite": "2611.00.00", "cobalt": "2822.00.00",
    "gold": "7108.12.00", "diamond": "7102.10.00", "tourmaline": "7103.10.00",
}  # fmt: skip
_SYMBOL = {"sn": "Sn", "ta2o5": "Ta2O5", "wo3": "WO3", "co": "Co", "au": "Au"}


def day(world: World, later: int = 0) -> str:
    """Today, or so many days later."""
    return time_text(world.now + later * DAY)[:10]


# The ground


def inspect_site(inspector: Party, site: Site, status: str, **more: Any) -> Written:
    """An inspector gives a site its colour from today on."""
    world, chance = inspector.world, inspector.world.chance
    initials = "".join(word[0] for word in inspector.says.split() if word[0].isupper())
    body = {
        "site": site.id,
        "number": f"{initials}-{day(world)[:4]}/{chance.randint(1, 999):03d}",
        "date": day(world),
        "status": status,
        "status_from": day(world),
        "agency": inspector.says,
        **more,
    }
    if "criteria" not in body:
        met = {"green": 6, "blue": 6, "yellow": 5, "red": 3}[status]
        body["criteria"] = [{"code": code, "met": at < met} for at, code in enumerate(_CRITERIA)]
    sealed = {"/inspector": names.person(chance, inspector.place.country)}
    return inspector.write("site_inspection", body, sealed=sealed, after=site.registered)


_CRITERIA = (
    "registers_kept", "tags_in_order", "no_child_labour", "no_armed_group", "shafts_propped", "boundary_marked",
)  # fmt: skip


def estimate(inspector: Party, site: Site) -> Written:
    """What the site can give in a day, by a count of its teams: all they could fill if every pit was worked."""
    ware, world = site.ware, inspector.world
    most = ware.bags.high * ware.bag_ug.high * (14 if ware.stones else 1)
    each, teams = (14, 5) if ware.stones else (1, 6)
    step = ware.at_pit.step_ug * (100 if ware.bagged else 10)
    body = {
        "site": site.id,
        "mineral": ware.mineral,
        "form": ware.raw,
        "mass_per_day": quantity(most * teams // step * step, ware.at_pit.unit, ware.at_pit.decimals),
        "workers": teams * 8,
        "days_per_month": 24,
        "from": day(world),
        "method": f"{teams} équipes, au plus {ware.bags.high} {ware.package}s par jour chacune",
        **({"count_per_day": teams * ware.bags.high * each} if ware.stones else {}),
    }
    return inspector.write("capacity_estimate", body, after=site.registered)


def license_(registrar: Party, party: Party, sort: str, minerals: Sequence[str], **more: Any) -> Written:
    """A registrar grants a licence for a year."""
    world, chance = registrar.world, registrar.world.chance
    body = {
        "party": party.id,
        "type": sort,
        "number": f"{sort[:2].upper()}-{day(world)[:4]}-{chance.randint(1, 9999):04d}",
        "authority": registrar.says,
        "minerals": sorted(minerals),
        "applied": day(world, -chance.randint(20, 70)),
        "granted": day(world),
        "expires": day(world, 365),
        **more,
    }
    return registrar.write("licence_grant", body, after=party.enrolment.recorded)


# Certificates


class Certificate(NamedTuple):
    """A certificate, with the mass exports may draw on it."""

    id: EventId
    recorded: int
    mass: dict[str, str]


def certify(
    certifier: Party,
    exporter: Party,
    lots: Sequence[Lot],
    ware: Ware,
    importer: Party | tuple[str, Any],
    number: int,
) -> Certificate:
    """The certifier's first officer issues a certificate for these lots; a second one has to approve it."""
    world, chance = certifier.world, certifier.world.chance
    country = exporter.place.country
    net_ug = exporter.scale.reads(sum(lot.mass_ug for lot in lots))
    mass = exporter.scale.quantity(net_ug)
    body: dict[str, Any] = {
        "source": "device",
        "scheme": "kimberley" if ware.mineral == "diamond" else "other" if ware.stones else "icglr",
        "country": country,
        "number": f"{country} {number:07d}",
        "authority": certifier.says,
        "export_number": f"E{day(world)[2:].replace('-', '')}-{number % 1000:03d}",
        "lots": sorted(lot.id for lot in lots),
        "exporter": exporter.id,
        "mineral": ware.mineral,
        "hs": HS[ware.mineral],
        "mass": mass,
        "origins": sorted({country, *("0" for lot in lots if lot.strange)}),
        "shipment": day(world, 6),
        "verified": day(world, -1),
        "issued": day(world),
        "expires": day(world, CERTIFICATE_DAYS),
        "file": paper(world, "certificate", "application/pdf"),
    }
    sealed: dict[str, Any] = {
        "/value": dollars(ware, net_ug, chance),
        "/verifier": names.person(chance, country),
        "/validator": names.person(chance, country),
    }
    if body["scheme"] == "icglr":
        metal_ug = sum(lot.mass_ug * lot.grade_ppm for lot in lots)
        grade = metal_ug // sum(lot.mass_ug for lot in lots) // 1000
        body["grade"] = f"{grade // 10}.{grade % 10} % {_SYMBOL[ware.analyte or '']}"
    if body["scheme"] == "kimberley":
        stones = sum(lot.count or 0 for lot in lots)
        body |= {"parcels": len(lots), "lines": [{"hs": HS["diamond"], "mass": mass, "count": stones}]}
    if isinstance(importer, Party):
        body["importer"] = importer.id
    else:
        sealed["/importer"] = names.entity(chance, importer[0], importer[1].address(), "company")
    after = max(lot.recorded for lot in lots)
    written = certifier.write("certificate", body, sealed=sealed, after=after)
    return Certificate(written.id, written.recorded, mass)


def countersign(certifier: Party, certificate: Certificate) -> Certificate:
    """The second officer approves it, with his own key: from here on it is valid."""
    body = {"event": certificate.id, "decision": "approved"}
    written = certifier.write("approval", body, certifier.pens[1], after=certificate.recorded)
    return certificate._replace(recorded=written.recorded)


def use(certifier: Party, certificate: Certificate, export: Written) -> Written:
    """The certifier records that an export used it up."""
    body = {
        "source": "device",
        "certificate": certificate.id,
        "act": "use",
        "export": export.id,
        "mass": certificate.mass,
        "date": day(certifier.world),
    }
    return certifier.write("certificate_use", body, after=export.recorded)


# Money


def dollars(ware: Ware, mass_ug: int, chance: Any, *, share_ppm: int = 3_200_000) -> dict[str, str]:
    """A value in US dollars, also for what is traded in francs."""
    found = money(ware, mass_ug, chance, share_ppm=share_ppm)
    if found["currency"] == "USD":
        return found
    return {"currency": "USD", "value": f"{int(found['value']) // XAF_A_DOLLAR}.00"}


XAF_A_DOLLAR = 600


def pay(
    payer: Party,
    amount: dict[str, str],
    *,
    to: str,
    of: str,
    transfer: EventId | None = None,
    lots: Sequence[Lot] = (),
    sealed: bool = False,
    after: int = 0,
    **more: Any,
) -> Written:
    """Somebody records that he paid: for a transfer, or for lots. `sealed` hides also to whom, and for what."""
    what: dict[str, Any] = (
        {"lots": sorted(lot.id for lot in lots)} if transfer is None else {"transfer": transfer}
    )
    body = {"source": "device", **what, "direction": "paid", "date": day(payer.world), **more}
    hidden: dict[str, Any] = {"/amount": amount}
    if sealed:
        hidden |= {"/to": to, "/of": of}
    else:
        body |= {"to": to, "of": of}
    after = max(after, *(lot.recorded for lot in lots), 0)
    return payer.write("payment", body, sealed=hidden, after=after)
