"""A lot's facts out of the ledger: itself, what is behind it, its history, and who and where all that is."""

from collections.abc import Iterable
from typing import NamedTuple

from traceability.api.permission import OpenQr, Visitor, may
from traceability.api.services import Services
from traceability.core import tag
from traceability.core.composition import Leaf, TooFinelyMixed
from traceability.core.events import Event, Production, Reassignment, Transfer
from traceability.core.ids import PartyId, SiteId
from traceability.core.lot_records import Lot
from traceability.core.registry_records import Party, Site
from traceability.ledger.ancestry import Lineage
from traceability.ledger.reader import LoggedEntry
from traceability.web.eyes import Eyes
from traceability.web.lot import Cut, came_off, shown
from traceability.web.shown import LotShown
from traceability.web.way import Behind, handoff_indexes

HISTORY_MAX = 200
"""How many of a lot's records are told on one page: the newest."""
CUT_HISTORY_MAX = 5000
"""How many are read to know what a lot weighed when a tag came off."""


def tag_cut(services: Services, lot: Lot, name: str) -> Cut | None:
    """Where the story of a tag on this lot ends; None while it is on."""
    if name in lot.tags:
        return None
    return came_off(lot, services.reader.entries_at(services.reader.subject_entries(("tag", name))), name)


class Seen(NamedTuple):
    """A lot as it is shown, and what was read of it for that."""

    lot: Lot
    shown: LotShown
    lineage: Lineage
    history: list[LoggedEntry]
    """The newest entries about it, oldest first."""


def lot_seen(
    services: Services,
    visitor: Visitor,
    lot: Lot,
    *,
    opened: bool,
    cut: Cut | None = None,
    before: int | None = None,
) -> Seen:
    """The lot for one visitor: who may open it (`opened`), or who has a tag of it that came off at `cut`.

    `before`: only its records below this index are told, the newest of them.
    """
    reader = services.reader
    lineage = reader.lineage([lot.id])
    with services.reads.read() as view:
        moves = view.moves({each.id: each.place.number for each in lineage.lots.values()}, view)
    makers = {each.maker_index for each in lineage.lots.values()}
    entries = {
        entry.index: entry for entry in reader.entries_at(sorted(makers | handoff_indexes(moves.values())))
    }
    if cut is None:
        history = reader.history(lot.id, HISTORY_MAX, before)
    else:
        history = reader.history(lot.id, CUT_HISTORY_MAX, cut.at + 1)
    told = [*entries.values(), *history]
    eyes = Eyes(
        visitor,
        reader.held_by,
        parties_of(services, {party for entry in told for party in _parties(entry.event)} | _holders(lot)),
        sites_of(services, {each.site for each in lineage.lots.values() if each.site is not None}),
        opened=opened,
    )
    composition: dict[Leaf, int] | None
    try:
        composition = lineage.composition()
    except TooFinelyMixed:
        composition = None
    behind = Behind(lot, lineage.lots, moves, entries)
    older = not any(lot.id in entry.event.made for entry in history)
    if older:
        history = [entries[lot.maker_index], *history]
    have = {entry.index for entry in history}
    elsewhere = [entry for entry in reader.fallen_due(lot.id) if entry.index not in have]
    told_of = shown(behind, history, composition, eyes, cut, older=older, elsewhere=elsewhere)
    return Seen(lot, told_of, lineage, history)


def opens_qr(services: Services, visitor: Visitor, lot: Lot, name: str) -> bool:
    """Whether the visitor may have the square of this tag to print."""
    scheme, number = tag.parse_tag(name)
    if scheme != tag.OUR_SCHEME:
        return False
    roll_id, position = tag.parse_our_number(number)
    roll = services.reader.roll(roll_id)
    return roll is not None and may(visitor, OpenQr(lot, roll, position), services.reader.held_by)


def parties_of(services: Services, ids: Iterable[PartyId]) -> dict[PartyId, Party]:
    """The records of these parties."""
    with services.reads.read() as view:
        records = view.records(("party", party) for party in sorted(set(ids)))
    return {record.id: record for record in records.values() if isinstance(record, Party)}


def sites_of(services: Services, ids: Iterable[SiteId]) -> dict[SiteId, Site]:
    """The records of these sites."""
    with services.reads.read() as view:
        records = view.records(("site", site) for site in sorted(set(ids)))
    return {record.id: record for record in records.values() if isinstance(record, Site)}


def _holders(lot: Lot) -> set[PartyId]:
    offers = {
        party for offer in (lot.offer, lot.title_offer) if offer for party in (offer.giver, offer.recipient)
    }
    return {lot.custodian, lot.title, *offers, *([lot.importer] if lot.importer else [])}


def _parties(event: Event) -> set[PartyId]:
    """Those a line of the timeline may speak of."""
    found = {event.party, event.actor}
    match event:
        case Production() if event.body.producer is not None:
            found.add(event.body.producer)
        case Transfer():
            found.add(event.body.recipient)
        case Reassignment():
            found.add(event.body.to)
        case _:
            pass
    return found
