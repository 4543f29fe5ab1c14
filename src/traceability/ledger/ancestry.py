"""Where lots come from, back to the mines, and what became of them.

Everything needed stands in the records: a lot knows its maker, and the pool a transformation made knows the
lots that went in. So no entry is read, and each generation takes a few large questions.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from traceability.core.composition import FromLot, Leaf, Origin, Pool, by_site, flatten, once_in
from traceability.core.findings.carried import carried_difference, corrected_too_late
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot, PoolRecord
from traceability.core.mass import leaf_pool
from traceability.core.outcome import Finding
from traceability.ledger.view import View


class Lineage(NamedTuple):
    """Lots as nodes, and edges from a lot to one that was made out of it, each once."""

    asked: tuple[LotId, ...]
    lots: Mapping[LotId, Lot]
    edges: tuple[tuple[LotId, LotId], ...]
    pools: Mapping[str, Pool]
    """Of the way back: the pools behind the lots asked about."""

    def composition(self, lots: Iterable[LotId] | None = None) -> dict[Leaf, int]:
        """Of the way back: the micrograms of each leaf in these of the lots (default: those asked about).

        Raises TooFinelyMixed where it would take too much work.
        """
        named = [self.lots[lot] for lot in (self.asked if lots is None else lots)]
        parts = [part for lot in named for part in (*lot.content, *(item.part for item in lot.items))]
        return flatten(parts, self._pool)

    def by_site(self, lots: Iterable[LotId] | None = None) -> dict[Origin, int]:
        """The same by where ore begins."""
        return by_site(self.composition(lots))

    def once_in(self, lots: Collection[LotId]) -> int:
        """Of the way back: the micrograms of the lots asked about that once were in any of these lots behind them.

        Raises TooFinelyMixed where it would take too much work.
        """
        asked = [self.lots[lot] for lot in self.asked]
        parts = [part for lot in asked for part in (*lot.content, *(item.part for item in lot.items))]
        return once_in(parts, self._pool, lots)

    def should_weigh_ug(self, findings: Iterable[Finding]) -> int | None:
        """What the lots asked about should weigh together by corrections that came too late for what is behind them.

        `findings` are those of the way back by the rules in `CORRECTED`, oldest first; None where there are none.
        """
        right = corrected_too_late(findings)
        if not right:
            return None
        asked = [self.lots[lot] for lot in self.asked]
        own = sum(right.get(lot.id, 0) for lot in asked)
        behind = sum(carried_difference(lot, self._pool, right) for lot in asked)
        return sum(lot.expected_ug for lot in asked) + own + behind

    def _pool(self, pool_id: str) -> Pool:
        lot_id, _, number = pool_id.partition(":")
        return leaf_pool(self.lots[LotId(lot_id)]) if number == "0" else self.pools[pool_id]


def back(view: View, asked: Collection[LotId]) -> Lineage:
    """The lots asked about and all they were made of. Lots that are not there are left out."""
    lots: dict[LotId, Lot] = {}
    pools: dict[str, Pool] = {}
    edges: list[tuple[LotId, LotId]] = []
    waiting = set(asked)
    while waiting:
        found = _lots(view, waiting)
        lots.update(found)
        made = {lot.maker for lot in found.values() if lot.origin == "transformation"}
        own = [f"{lot.id}:{n}" for lot in found.values() for n in range(1, lot.pools + 1)]
        pools.update(_pools(view, [pool for pool in (*made, *own) if pool not in pools]))
        waiting = set()
        for lot in found.values():
            if lot.origin == "transformation":
                inputs = [source.lot for source in pools[lot.maker].sources if isinstance(source, FromLot)]
                edges += [(parent, lot.id) for parent in inputs]
                waiting.update(parent for parent in inputs if parent not in lots)
    return Lineage(tuple(lot for lot in asked if lot in lots), lots, tuple(edges), pools)


def forward(view: View, asked: LotId) -> Lineage:
    """The lot and all that was made out of it, and out of that. Empty for a lot that is not there."""
    lots = _lots(view, [asked])
    edges: list[tuple[LotId, LotId]] = []
    waiting = dict(lots)
    while waiting:
        ends = _ends(view, [lot for lot in waiting.values() if lot.ended_by is not None])
        made = _made_at(view, set(ends.values()))
        edges += [(parent, child) for parent, index in ends.items() for child in made.get(index, ())]
        waiting = _lots(view, {child for each in made.values() for child in each} - lots.keys())
        lots.update(waiting)
    return Lineage((asked,) if lots else (), lots, tuple(edges), {})


def _lots(view: View, ids: Collection[LotId]) -> dict[LotId, Lot]:
    records = view.records(("lot", lot) for lot in ids)
    return {LotId(id_): record for (_, id_), record in records.items() if isinstance(record, Lot)}


def _pools(view: View, ids: Collection[str]) -> dict[str, Pool]:
    records = view.records(("pool", pool) for pool in ids)
    return {id_: record.pool for (_, id_), record in records.items() if isinstance(record, PoolRecord)}


def _ends(view: View, lots: Collection[Lot]) -> dict[LotId, int]:
    """For each of these lots the last entry that stands on it, unless that is the one that made it."""
    named = {lot.place.number: lot for lot in lots}
    rows = view.all(
        "SELECT lot, max(idx) FROM move WHERE lot = ANY(?) AND stands = 1 GROUP BY lot", list(named)
    )
    return {named[number].id: index for number, index in rows if index != named[number].maker_index}


def _made_at(view: View, indexes: Collection[int]) -> dict[int, list[LotId]]:
    """The lots that the entries at these indexes made."""
    return {entry.index: sorted(entry.event().made) for entry in view.entries_at(sorted(indexes))}
