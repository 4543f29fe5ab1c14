"""Entries and lots as a visitor may see them: whether at all, and which sealed fields are open to him.

Each function here asks the database and blocks: routes run them in a thread. What may not be seen ends in
the one 404.
"""

from collections.abc import Collection
from typing import Any

import msgspec

from traceability.api.lot_views import History, HistoryEntry, LineageLot, LineageView, LotList, LotView, Share
from traceability.api.permission import OpenDisclosure, OpenEvent, OpenLot, OpenOnward, Visitor, may
from traceability.api.problems import Problem, not_here
from traceability.api.services import Services
from traceability.api.views import EventView, FindingView, Mass, moment
from traceability.core.composition import TooFinelyMixed
from traceability.core.disclosing import chosen
from traceability.core.events import Event
from traceability.core.ids import EventId, LotId, PartyId, to_unpadded
from traceability.core.leaf import leaf_hash
from traceability.core.lot_records import Lot
from traceability.core.notices import about, is_serious, open_reports
from traceability.core.outcome import Finding, told_with
from traceability.ledger import publish
from traceability.ledger.ancestry import Lineage
from traceability.ledger.reader import LoggedEntry, Page
from traceability.ledger.view import View

# Lots


def lot(services: Services, who: Visitor, lot_id: str) -> Lot:
    """The lot."""
    found = services.reader.lot(LotId(lot_id))
    if found is None or not may(who, OpenLot(found), services.reader.held_by):
        raise not_here()
    return found


def lot_view(services: Services, who: Visitor, lot_id: str) -> LotView:
    """The lot, and how many reports are open about it; not what they say."""
    found = lot(services, who, lot_id)
    with services.reads.read() as view:
        reports = open_reports(view.records, about(view.records, [found])[found.id])
    serious = sum(is_serious(report) for report in reports)
    return msgspec.structs.replace(LotView.of(found), open_reports=len(reports), serious_reports=serious)


def lots(
    services: Services,
    who: Visitor,
    *,
    holder: str | None,
    mineral: str | None,
    state: str | None,
    cursor: int | None,
    limit: int,
) -> LotList:
    """Lots this visitor may open, the newest first: his own, past and present, or all."""
    page = lot_page(services, who, holder=holder, mineral=mineral, state=state, cursor=cursor, limit=limit)
    return LotList(lots=[LotView.of(found) for found in page.items], next=page.next)


def lot_page(
    services: Services,
    who: Visitor,
    *,
    holder: str | None,
    mineral: str | None,
    state: str | None,
    cursor: int | None,
    limit: int,
) -> Page[Lot]:
    """The same as records."""
    if not who.oversees:
        if who.party is None or holder not in (None, who.party):
            return Page([], None)
        holder = who.party
    page = services.reader.lots(
        holder=PartyId(holder) if holder else None, mineral=mineral, state=state, cursor=cursor, limit=limit
    )
    may_open = [found for found in page.items if may(who, OpenLot(found), services.reader.held_by)]
    return Page(may_open, page.next)


def history(services: Services, who: Visitor, lot_id: str, limit: int, before: int | None) -> History:
    """The newest entries about the lot below index `before`, oldest first."""
    lot(services, who, lot_id)
    found = services.reader.history(LotId(lot_id), limit + 1, before)
    page = found[-limit:]
    with services.reads.read() as view:
        for entry in page:
            check_leaf(view, entry)
    entries = [_history_entry(services, who, LotId(lot_id), entry) for entry in page]
    return History(lot=lot_id, entries=entries, next=str(page[0].index) if len(found) > limit else None)


def lineage_back(services: Services, who: Visitor, lot_ids: list[LotId]) -> LineageView:
    """The way back to the mines of lots that must all be open to this visitor."""
    found = services.reader.lineage(lot_ids)
    asked = [found.lots[id_] for id_ in found.asked]
    if not asked or not all(may(who, OpenLot(each), services.reader.held_by) for each in asked):
        raise not_here()
    try:
        shares = Share.all_of(found.by_site())
        should_ug = found.should_weigh_ug(services.reader.corrections_behind(found))
    except TooFinelyMixed:
        return _lineage(found, [], too_finely_mixed=True)
    return _lineage(found, shares, should_ug)


def lineage_forward(services: Services, who: Visitor, lot_id: str) -> LineageView:
    """Everything that was made out of the lot."""
    if not may(who, OpenOnward(), services.reader.held_by):
        raise not_here()
    found = services.reader.forward(LotId(lot_id))
    if not found.asked:
        raise not_here()
    return _lineage(found, [])


def _lineage(
    found: Lineage, shares: list[Share], should_ug: int | None = None, *, too_finely_mixed: bool = False
) -> LineageView:
    nodes = sorted(found.lots.values(), key=lambda node: (node.maker_index, node.position))
    return LineageView(
        lots=list(found.asked),
        nodes=[LineageLot.of(node) for node in nodes],
        edges=sorted(found.edges),
        composition=shares,
        too_finely_mixed=too_finely_mixed,
        should_weigh=None if should_ug is None else Mass.of(max(should_ug, 0)),
    )


def evidence(
    services: Services, who: Visitor, lot_ids: list[LotId], event: EventId | None, disclose: Collection[str]
) -> bytes:
    """The evidence file of lots that must all be open to this visitor, or of the lots of that event.

    Of sealed fields it opens what he chose (`core.disclosing`), as far as he may see it.
    """
    discloses = chosen(disclose)
    if not lot_ids:
        raise not_here()
    for lot_id in lot_ids:
        lot(services, who, lot_id)

    def show(index: int, of: Event, path: str) -> bool:
        return discloses(index, of, path) and may(who, OpenDisclosure(of, path), services.reader.held_by)

    try:
        return services.reader.evidence(() if event else lot_ids, event=event, disclose=show)
    except LookupError as error:
        raise not_here() from error


# Events


def event(services: Services, who: Visitor, event_id: str) -> LoggedEntry:
    """The entry of the event."""
    found = services.reader.entry_of(EventId(event_id))
    if found is None:
        raise not_here()
    with services.reads.read() as view:
        records = view.records(("lot", id_) for id_ in found.event.lots)
    about = tuple(record for record in records.values() if isinstance(record, Lot))
    if not may(who, OpenEvent(found.event, about), services.reader.held_by):
        raise not_here()
    return found


def lots_of_event(services: Services, who: Visitor, event_id: str) -> list[LotId]:
    """The lots an event moves, names or makes."""
    return sorted(event(services, who, event_id).event.lots)


def event_view(services: Services, who: Visitor, event_id: str) -> EventView:
    """The event with its proof under the newest checkpoint."""
    found = event(services, who, event_id)
    with services.reads.read() as view:
        size, note = view.checkpoint() or (0, b"")
        if found.index >= size:
            raise not_here()
        proof = publish.inclusion_proof(view, found.index, size)
        check_leaf(view, found)
    return EventView(
        event_id=found.event_id,
        index=found.index,
        entry=found.entry.decode(),
        blind=to_unpadded(found.blind),
        proof=[to_unpadded(node) for node in proof],
        checkpoint=note.decode(),
        stands=found.stands,
        lots={str(id_): stands for id_, stands in found.fates.items()},
        findings=[FindingView.of(finding) for finding in told_with(found.event_id, found.findings)],
        kind=found.event.kind,
        party=found.event.party,
        record_time=moment(found.record_time),
        disclosures=_disclosed(services, who, found),
        withheld=list(services.reader.withheld(found.event_id)) if found.event.sealed else [],
    )


def log_proof(services: Services, who: Visitor, event_id: str) -> bytes:
    """The event's entry in the log, as a `tlog-proof` under the newest checkpoint."""
    found = event(services, who, event_id)
    with services.reads.read() as view:
        check_leaf(view, found)
    try:
        return services.reader.log_proof(found)
    except LookupError as error:
        raise not_here() from error


def _history_entry(services: Services, who: Visitor, lot_id: LotId, found: LoggedEntry) -> HistoryEntry:
    return HistoryEntry(
        index=found.index,
        event_id=found.event_id,
        record_time=moment(found.record_time),
        kind=found.event.kind,
        party=found.event.party,
        stands=found.fates.get(lot_id, found.stands),
        event=found.envelope.payload.decode(),
        findings=[FindingView.of(finding) for finding in findings_about(lot_id, found)],
        disclosures=_disclosed(services, who, found),
        withheld=list(services.reader.withheld(found.event_id)) if found.event.sealed else [],
    )


def check_leaf(view: View, found: LoggedEntry) -> None:
    """Raises Problem `damaged` where the entry is not the one in the tree: better nothing than something wrong."""
    if view.hashes(0, found.index, found.index + 1) != [leaf_hash(found.blind, found.entry)]:
        raise Problem("damaged", f"entry {found.index} as it is stored is not the one in the log's tree")


def findings_about(lot_id: LotId, found: LoggedEntry) -> list[Finding]:
    """The findings of an entry that are about this lot, or about no lot at all."""
    about = []
    for finding in told_with(found.event_id, found.findings):
        named = [id_ for type_, id_ in finding.subjects if type_ == "lot"]
        if not named or lot_id in named:
            about.append(finding)
    return about


def _disclosed(services: Services, who: Visitor, found: LoggedEntry) -> list[tuple[str, str, Any]]:
    """[salt, path, value] of each sealed field that was opened and that the visitor may see."""
    return [
        (salt, path, value)
        for salt, path, value in (services.reader.disclosures(found.index) if found.event.sealed else ())
        if may(who, OpenDisclosure(found.event, path), services.reader.held_by)
    ]
