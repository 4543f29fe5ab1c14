"""Lots begin: bags filled at the pit, stones bought from a digger, and ore that was there before."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from traceability.core.ids import LotId, SiteId, derive
from traceability.core.leaf import time_text
from traceability.simulation import names
from traceability.simulation.chance import named_nonce
from traceability.simulation.pen import DAY, Lot, Pen, World, Written
from traceability.simulation.people import Party, paper
from traceability.simulation.places import Place
from traceability.simulation.scales import Scale
from traceability.simulation.tagging import Shelf
from traceability.simulation.wares import Ware, money

TAGS_A_SITE = 100
TAGS_LEFT = 20
PUREST_PPM = 985_000
"""Nothing from a pit is purer; dust of gold comes near it."""


@dataclass(slots=True, eq=False)
class Site:
    """A place ore comes from, the diggers who work it, and the tags that lie there."""

    id: SiteId
    name: str
    place: Place
    ware: Ware
    party: Party
    scale: Scale
    agent: Party
    """Who answers for the tags that lie here."""
    shelf: Shelf
    grade_ppm: int = 0
    """What its ore usually holds."""
    tags: deque[str] = field(default_factory=deque)
    registered: int = 0
    """When the log took its registration."""
    entrusted: int = 0
    """When its diggers last let the agent sign for them."""
    lots_made: int = 0

    def fetch_tags(self) -> None:
        """The agent gets tags for this site from the issuer."""
        self.tags.extend(self.shelf.allocate(self.agent, TAGS_A_SITE, site=self.id))

    def use_tags(self, number: int) -> list[str]:
        """The next tags; more are fetched while there still are a few."""
        taken = [self.tags.popleft() for _ in range(number)]
        if len(self.tags) < TAGS_LEFT:
            self.fetch_tags()
        return taken

    @property
    def code(self) -> str:
        """The letters its bags are numbered with."""
        return "".join(letter for letter in self.name.upper() if "A" <= letter <= "Z")[:3]


def fresh_lots(
    world: World,
    pen: Pen,
    ware: Ware,
    scale: Scale,
    masses_ug: Sequence[int],
    *,
    name: str = "",
    counts: Sequence[int] = (),
    grade_ppm: int = 0,
    code: str = "",
    first: int = 1,
    tags: Sequence[str] = (),
    form: str = "",
) -> tuple[list[dict[str, Any]], list[Lot]]:
    """New lots of these real masses as an event lists them, and as their holders know them.

    `name` gives their nonces a name; else they are drawn. Their heads are set by `Lot.begun`.
    """
    bodies, lots = [], []
    for place, mass_ug in enumerate(masses_ug):
        nonce = named_nonce(world.seed, "lot", name, place) if name else world.chance.nonce()
        reading_ug = scale.reads(mass_ug)
        number = f"{code}-{first + place:04d}" if code else ""
        body: dict[str, Any] = {
            "nonce": nonce,
            "mineral": ware.mineral,
            "form": form or ware.raw,
            "weighing": scale.weighing(reading_ug),
            "package": {"type": ware.package, "count": 1},
        }
        if number:
            body["lot_number"] = number
        if counts:
            body["count"] = counts[place]
        if tags:
            body["tags"] = [tags[place]]
        if grade_ppm and ware.analyte and world.chance.one_in(4):
            ppm = min(world.chance.part(grade_ppm, 950_000, 1_050_000), PUREST_PPM) // 1000 * 1000
            assay = {"analyte": ware.analyte, "ppm": ppm, "on": "as_is", "method": "handheld_xrf"}
            body["assays"] = [{**assay, "error_ppm": 20_000}]
        bodies.append(body)
        lot = Lot(
            LotId(derive("lot", pen.key.id, nonce)), ware.mineral, form or ware.raw, mass_ug, reading_ug
        )
        lot.grade_ppm, lot.number, lot.tags = grade_ppm, number, list(tags[place : place + 1])
        lot.count = counts[place] if counts else None
        lots.append(lot)
    return bodies, lots


def day_masses(ware: Ware, world: World, number: int) -> tuple[list[int], list[int]]:
    """Real masses of so many bags; for stones also how many are in each parcel."""
    chance = world.chance
    if not ware.stones:
        return [ware.bag_ug.draw(chance) for _ in range(number)], []
    counts = [chance.randint(2, 14) for _ in range(number)]
    return [sum(ware.bag_ug.draw(chance) for _ in range(count)) for count in counts], counts


def dig(
    site: Site,
    number: int,
    *,
    name: str = "",
    pen: Pen | None = None,
    on_paper: bool = False,
    signal: int | None = None,
    more: Mapping[str, Any] | None = None,
) -> list[Lot]:
    """A day's bags at a site: signed by the diggers' agent or by themselves.

    `pen` is another one than theirs usually, `more` goes into the body.
    """
    party = site.party
    pen = pen or party.pen
    world, chance, ware = pen.world, pen.world.chance, site.ware
    masses, counts = day_masses(ware, world, number)
    tags = site.use_tags(number)
    bodies, lots = fresh_lots(
        world,
        pen,
        ware,
        site.scale,
        masses,
        name=name,
        counts=counts,
        grade_ppm=min(chance.part(site.grade_ppm, 960_000, 1_040_000), PUREST_PPM),
        code=site.code,
        first=site.lots_made + 1,
        tags=tags,
    )
    site.lots_made += number
    today = time_text(world.now)[:10]
    body: dict[str, Any] = {
        "region": site.place.region,
        "cell": site.place.cell,
        "source": "device",
        "site": site.id,
        "dug_from": time_text(world.now - chance.randint(0, 2) * DAY)[:10],
        "dug_until": today,
        "workers": chance.randint(4, 28),
        "lots": bodies,
        **(more or {}),
    }
    sealed: dict[str, Any] = {"/place": site.place.near(chance)}
    if chance.one_in(2):
        sealed["/pit"] = f"{chance.pick(('P', 'T'))}{chance.randint(1, 14)}"
    if chance.one_in(3):
        sealed["/miner"] = names.miner(chance, site.place.country)
    if ware.mineral == "gold":
        body["mercury"] = chance.pick(("none", "none", "concentrate_retort", "concentrate_open"))
    event_time = world.now
    if on_paper:
        event_time = world.now - chance.randint(3, 40) * 3600
        body |= _from_book(world)
        body["dug_from"] = body["dug_until"] = time_text(event_time)[:10]
    written = party.write("production", body, pen, sealed=sealed, event_time=event_time, signal=signal)
    for lot in lots:
        lot.begun(written, party.id)
    return lots


def buy_from_digger(
    collector: Party, place: Place, ware: Ware, number: int, *, name: str = "", site: Site | None = None
) -> list[Lot]:
    """A collector buys at the pit: he is the first to sign, and names the digger (sealed)."""
    world, chance = collector.world, collector.world.chance
    masses, counts = day_masses(ware, world, number)
    tags = site.use_tags(number) if site else []
    bodies, lots = fresh_lots(
        world,
        collector.pen,
        ware,
        collector.scale,
        masses,
        name=name,
        counts=counts,
        grade_ppm=site.grade_ppm if site else ware.raw_ppm.draw(chance),
        tags=tags,
    )
    sealed: dict[str, Any] = {
        "/miner": names.miner(chance, place.country),
        "/permit_number": f"{chance.randint(100_000, 999_999)}/{place.region[3:]}/{time_text(world.now)[:4]}",
    }
    for at, lot in enumerate(lots):
        sealed[f"/lots/{at}/price"] = money(ware, lot.reading_ug, chance)
    body: dict[str, Any] = {
        "region": place.region,
        "cell": place.cell,
        "source": "device",
        "custodian": collector.id,
        "purchase_number": f"{chance.randint(1, 99_999):05d}",
        "dug_until": time_text(world.now)[:10],
        "lots": bodies,
    }
    if site is not None:
        body["site"] = site.id
    written = collector.write("production", body, sealed=sealed)
    for lot in lots:
        lot.begun(written, collector.id)
        lot.strange = site is None
    return lots


def take_in(
    holder: Party, ware: Ware, masses_ug: Sequence[int], origin: str, *, name: str = "", form: str = ""
) -> tuple[list[Lot], Written]:
    """Ore without a site of this ledger begins here: old stock, or bags of another scheme."""
    world, chance = holder.world, holder.world.chance
    bodies, lots = fresh_lots(
        world,
        holder.pen,
        ware,
        holder.scale,
        masses_ug,
        name=name,
        form=form,
        grade_ppm=ware.raw_ppm.draw(chance),
    )
    body: dict[str, Any] = {
        "region": holder.place.region,
        "source": "device",
        "origin": origin,
        "countries": [holder.place.country],
        "files": [paper(world, "book_page")],
        "lots": bodies,
    }
    sealed: dict[str, Any] = {}
    if origin == "earlier_stock":
        body["stock_date"] = time_text(world.now - 3 * DAY)[:10]
    else:
        body["foreign_tags"] = [f"itsci:{chance.randint(1_000_000, 9_999_999)}" for _ in lots]
        sealed["/from"] = names.entity(chance, "Négoce Ruzindana et Fils", holder.place.address(), "company")
    written = holder.write("intake", body, sealed=sealed)
    for lot in lots:
        lot.begun(written, holder.id)
    return lots, written


def _from_book(world: World) -> dict[str, Any]:
    page = world.chance.randint(1, 50)
    return {
        "source": "paper",
        "captured_time": time_text(world.now),
        "document": f"book {world.chance.randint(1, 9)}, page {page}",
        "files": [paper(world, "book_page")],
    }
