"""What entries did to many lots at once: for the way of a thousand bags in a few questions."""

from collections.abc import Collection

from traceability.core.ids import LotId
from traceability.core.state import Move, decode_record
from traceability.ledger.view import View


def moves_of(view: View, lots: Collection[LotId]) -> dict[LotId, list[tuple[int, Move]]]:
    """For each of these lots the index and the move of every entry that touched its heads, oldest first."""
    found: dict[LotId, list[tuple[int, Move]]] = {lot: [] for lot in lots}
    rows = view.all("SELECT lot, idx, value FROM move WHERE lot = ANY(?) ORDER BY lot, idx", list(lots))
    for lot, index, value in rows:
        move = decode_record(value)
        if isinstance(move, Move):
            found[lot].append((index, move))
    return found
