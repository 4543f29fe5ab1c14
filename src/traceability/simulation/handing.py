"""The four acts of a handoff, and the acts that look after lots where they lie."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from traceability.core.ids import EventId
from traceability.core.leaf import time_text
from traceability.simulation import names
from traceability.simulation.chance import Chance
from traceability.simulation.papers import pay
from traceability.simulation.pen import DAY, Lot, Pen, Written
from traceability.simulation.people import Party, paper
from traceability.simulation.places import Place
from traceability.simulation.wares import Ware, money

Moves = Literal["both", "custody", "title"]
PAID = 4
"""Once in so many sales the buyer records what he paid."""
LOAD = 60
"""More lots than this nobody lays on a scale one by one."""


def ids(lots: Iterable[Lot]) -> list[str]:
    """The ids of these lots, sorted."""
    return sorted(lot.id for lot in lots)


def each(party: Party, lots: Sequence[Lot]) -> list[dict[str, Any]]:
    """A weighing for every lot, one after the other on the party's scale."""
    weighings = []
    for lot in lots:
        lot.reading_ug = party.scale.reads(lot.mass_ug)
        weighings.append(party.scale.weighing(lot.reading_ug, lots=[lot.id]))
    return weighings


def together(party: Party, lots: Sequence[Lot], tare_ug: int = 0) -> tuple[dict[str, Any], int]:
    """One weighing over all the lots, and what it showed; with a tare also gross and tare."""
    net_ug = party.scale.reads(sum(lot.mass_ug for lot in lots))
    weighing = party.scale.weighing(net_ug, lots=ids(lots))
    if tare_ug:
        weighing["gross"] = party.scale.quantity(net_ug + tare_ug)
        weighing["tare"] = party.scale.quantity(tare_ug)
    return weighing, net_ug


def load(party: Party, lots: Sequence[Lot]) -> list[dict[str, Any]]:
    """Weighings of a load: a few lots one by one, many together over a bridge or a big platform."""
    return each(party, lots) if len(lots) <= LOAD else [together(party, lots)[0]]


def offer(
    giver: Party,
    recipient: Party,
    lots: Sequence[Lot],
    ware: Ware,
    *,
    moves: Moves = "both",
    purpose: str = "sale",
    days: int = 14,
    carrier: Party | None = None,
    route: Sequence[str] = (),
    weigh: bool = False,
    pen: Pen | None = None,
    **more: Any,
) -> Written:
    """Offers the lots to somebody, who has so many days alone to answer."""
    world, chance = giver.world, giver.world.chance
    body: dict[str, Any] = {
        "region": giver.place.region,
        "source": "device",
        "recipient": recipient.id,
        "moves": moves,
        "purpose": purpose,
        "accept_by": time_text(world.now + days * DAY)[:10],
        **more,
    }
    sealed: dict[str, Any] = {}
    if moves != "title":
        body["mode"] = _mode(chance, giver.place, recipient.place)
        if weigh:
            body["weighings"] = each(giver, lots)
        if route:
            body["route"] = list(route)
        if body["mode"] == "road":
            body["waybill"] = f"{giver.place.region[3:]}-{chance.randint(1, 9999):04d}"
        if body["mode"] == "road" and (carrier or chance.one_in(3)):
            firm = carrier.says if carrier else "Transport en compte propre"
            sealed["/carriage"] = names.carriage(chance, giver.place.country, firm)
    if carrier is not None:
        body["carrier"] = carrier.id
    if purpose == "sale":
        price = money(ware, sum(lot.reading_ug for lot in lots), chance, share_ppm=1_080_000)
        sealed["/prices"] = [{"lots": ids(lots), "price": price}]
        if chance.one_in(6):
            sealed["/terms"] = chance.pick(("30 % comptant, solde à 15 jours", "comptant", "crédit 21 jours"))
    title = moves == "title"
    written = giver.write("transfer", body, pen, moves=lots, title=title, sealed=sealed)
    _set_heads(lots, written.id, title=title)
    return written


def accept(
    recipient: Party,
    giver: Party,
    lots: Sequence[Lot],
    ware: Ware,
    *,
    moves: Moves = "both",
    weigh: Literal["each", "together", "not"] = "each",
    sale: bool = True,
    **more: Any,
) -> Written:
    """Takes offered lots, weighed one by one or all together."""
    world, chance = recipient.world, recipient.world.chance
    body: dict[str, Any] = {"region": recipient.place.region, "source": "device", **more}
    if moves != "title" and weigh == "each":
        body["weighings"] = each(recipient, lots)
    elif moves != "title" and weigh == "together":
        body["weighings"] = [together(recipient, lots)[0]]
    sealed: dict[str, Any] = {}
    if sale:
        body["purchase_number"] = f"A{chance.randint(100, 9999):04d}"
        if chance.one_in(3):  # others take the offered price as it stands
            body["purchase_date"] = time_text(world.now)[:10]
            price = money(ware, sum(lot.reading_ug for lot in lots), chance, share_ppm=1_060_000)
            sealed["/prices"] = [{"lots": ids(lots), "price": price}]
    if chance.one_in(9):
        sealed["/responsible"] = names.person(chance, recipient.place.country)
    offered = lots[0].title_head if moves == "title" else lots[0].head
    written = recipient.write("acceptance", body, moves=lots, title=moves == "title", sealed=sealed)
    if sale and recipient.pen.party == recipient.id and chance.one_in(PAID):
        paid = money(ware, sum(lot.reading_ug for lot in lots), chance, share_ppm=1_060_000)
        how = chance.pick(("cash", "cash", "mobile", "bank"))
        pay(
            recipient,
            paid,
            to="seller",
            of="price",
            transfer=offered,
            after=written.recorded,
            payee=giver.id,
            method=how,
        )
    for lot in lots:
        if moves == "title":
            lot.title, lot.title_head = recipient.id, written.id
        else:
            lot.head = written.id
        if moves == "both" and lot.title == giver.id:
            lot.title, lot.title_head = recipient.id, written.id
    return written


def refuse(recipient: Party, lots: Sequence[Lot], reason: str, *, weigh: bool = False) -> Written:
    """Gives offered lots back to the giver."""
    body: dict[str, Any] = {"region": recipient.place.region, "source": "device", "reason": reason}
    if weigh:
        body["weighings"] = each(recipient, lots)
    written = recipient.write("refusal", body, moves=lots)
    _set_heads(lots, written.id)
    return written


def withdraw(giver: Party, lots: Sequence[Lot], reason: str) -> Written:
    """Takes an offer back, once its day is over."""
    written = giver.write("withdrawal", {"source": "device", "reason": reason}, moves=lots)
    _set_heads(lots, written.id)
    return written


def reassign(
    authority: Party,
    lots: Sequence[Lot],
    to: Party,
    ground: str,
    *,
    basis: str,
    number: str,
    moves: Moves = "custody",
) -> Written:
    """Custody moves by an authority's act, as the lots stand; with `both` title moves too."""
    chance = authority.world.chance
    body = {
        "source": "device",
        "lots": ids(lots),
        "ground": ground,
        "to": to.id,
        "moves": moves,
        "legal_basis": basis,
        "report_number": number,
    }
    after = max(lot.recorded for lot in lots)
    sealed = {"/person": names.person(chance, authority.place.country)}
    written = authority.write("reassignment", body, sealed=sealed, after=after)
    _set_heads(lots, written.id)
    for lot in lots:
        lot.recorded = written.recorded
        if moves == "both":
            lot.title, lot.title_head = to.id, written.id
    return written


def retag(by: Party, lot: Lot, old: str, fate: str, new: str, reason: str, spilled_ug: int = 0) -> Written:
    """Takes a tag off a lot and puts another on."""
    body: dict[str, Any] = {
        "source": "device",
        "region": by.place.region,
        "lot": lot.id,
        "tags_off": [{"tag": old, "fate": fate}],
        "tags_on": [new],
        "reason": reason,
        "files": [paper(by.world, "seal")],
    }
    if spilled_ug:
        body["spilled"] = by.scale.quantity(spilled_ug)
        lot.mass_ug -= spilled_ug
    written = by.write("retagging", body, after=lot.recorded)
    lot.tags = [new if tag == old else tag for tag in lot.tags]
    lot.recorded = written.recorded
    return written


def inspect(by: Party, lots: Sequence[Lot], kind: str, **more: Any) -> Written:
    """Somebody looks at lots; what is taken out as a sample is for the caller to take off."""
    body: dict[str, Any] = {"source": "device", "region": by.place.region, "type": kind, **more}
    if lots:
        body["lots"] = ids(lots)
    after = max((lot.recorded for lot in lots), default=0)
    sealed = {"/responsible": names.person(by.world.chance, by.place.country)}
    written = by.write("inspection", body, after=after, sealed=sealed)
    for lot in lots:
        lot.recorded = written.recorded
    return written


def _set_heads(lots: Iterable[Lot], event: EventId, *, title: bool = False) -> None:
    for lot in lots:
        if title:
            lot.title_head = event
        else:
            lot.head = event


def _mode(chance: Chance, start: Place, end: Place) -> str:
    if start.country != end.country:
        return "road"
    if start.locality == end.locality:
        return chance.pick(("foot", "motorcycle"))
    return chance.pick(("road", "road", "motorcycle"))
