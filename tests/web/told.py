"""Lots of a ledger in memory, put together as the pages get them from the reader."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memory import Kept, MemoryLedger
from traceability.api.permission import STRANGER, Visitor
from traceability.core import composition
from traceability.core.composition import Leaf
from traceability.core.events import Event
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot, Move, PoolRecord
from traceability.core.mass import leaf_pool
from traceability.core.outcome import Finding
from traceability.core.registry_records import Party, Site
from traceability.web.eyes import Eyes
from traceability.web.lot import came_off, shown
from traceability.web.shown import LotShown
from traceability.web.way import Behind


@dataclass(frozen=True)
class Entry:
    """An entry with what the fold said of it."""

    index: int
    record_time: int
    event_id: EventId
    event: Event
    fates: Mapping[LotId, bool]
    stands: bool
    findings: Sequence[Finding]


def told(kept: Kept) -> Entry:
    outcome = kept.outcome
    return Entry(
        kept.index,
        kept.record_time,
        kept.event_id,
        kept.event,
        outcome.fates,
        outcome.stands,
        outcome.findings,
    )


def history(ledger: MemoryLedger, lot: LotId) -> list[Entry]:
    """Every entry about a lot, in order."""
    return [told(kept) for kept in ledger.entries if ("lot", lot) in {at for at, _ in kept.outcome.links}]


def behind(ledger: MemoryLedger, lot: LotId) -> Behind:
    """The lot and all lots behind it."""
    entries = {kept.index: told(kept) for kept in ledger.entries}
    by_id = {entry.event_id: entry for entry in entries.values()}
    lots: dict[LotId, Lot] = {}
    unread = [lot]
    while unread:
        at = unread.pop()
        if at not in lots:
            lots[at] = ledger.lot(at)
            if lots[at].origin == "transformation":
                unread += [moved for _, moved in by_id[lots[at].maker].event.moved]
    moves: dict[LotId, list[tuple[int, Move]]] = {at: [] for at in lots}
    for entry in entries.values():
        for at in lots:
            move = ledger.state.records.get(("move", f"{entry.event_id}:{at}"))
            if isinstance(move, Move):
                moves[at].append((entry.index, move))
    return Behind(lots[lot], lots, moves, entries)


def flat(ledger: MemoryLedger, lots: Mapping[LotId, Lot], lot: LotId) -> dict[Leaf, int]:
    """What the lot consists of, followed back to where ore begins."""

    def read_pool(pool_id: str) -> composition.Pool:
        record = ledger.state.records.get(("pool", pool_id))
        if isinstance(record, PoolRecord):
            return record.pool
        return leaf_pool(ledger.lot(LotId(pool_id.partition(":")[0])))

    at = lots[lot]
    return composition.flatten((*at.content, *(item.part for item in at.items)), read_pool)


def eyes(ledger: MemoryLedger, visitor: Visitor = STRANGER, *, opened: bool = False) -> Eyes:
    records: Iterable[Any] = ledger.state.records.values()
    parties = {record.id: record for record in records if isinstance(record, Party)}
    sites = {record.id: record for record in records if isinstance(record, Site)}
    return Eyes(visitor, lambda _party, _lot: False, parties, sites, opened)


def look(ledger: MemoryLedger, lot: LotId, tag: str | None = None, visitor: Visitor = STRANGER) -> LotShown:
    """The lot as its tag shows it, or (without a tag) as somebody sees it who may open it."""
    found = behind(ledger, lot)
    whose = eyes(ledger, visitor, opened=tag is None)
    cut = came_off(found.lot, history(ledger, lot), tag) if tag is not None else None
    return shown(found, history(ledger, lot), flat(ledger, found.lots, lot), whose, cut)
