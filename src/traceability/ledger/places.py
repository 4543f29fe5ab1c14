"""Where events stand, by id: an index filled behind the write path.

Event ids are random, so an index of them touches a page of its own for each; in sorted batches that costs
little, at each append it would cost most of the append. What is not filled yet is found by looking through
the newest entries, so how far this is behind changes no answer.
"""

from collections.abc import Iterable

from traceability.core.ids import EventId
from traceability.core.signing import event_id
from traceability.ledger.database import Into
from traceability.ledger.store import Store
from traceability.ledger.view import View, place_of

BEHIND_MAX = 4096
"""How many of the newest entries may be without their place before somebody fills them in."""
PLACE = Into("event_place", {"id": "bigint", "idx": "bigint"}, "ON CONFLICT (id, idx) DO NOTHING")


def fill(store: Store) -> int:
    """Gives every entry its place, unless another process is about to; how many are known to have one now.

    Whoever appends meanwhile is not in the way: what has a place does not move any more.
    """
    with store.write() as view:
        if not view.hold_places():
            return view.placed()
        size = view.head().size
        fill_to(view, size)
        return size


def fill_to(view: View, size: int) -> None:
    """Gives the entries below `size` their places."""
    placed = view.placed()
    while placed < size:
        end = min(size, placed + BEHIND_MAX)
        put(view, ((event_id(payload), index) for index, payload in view.unplaced(placed, end)), end)
        placed = end


def put(view: View, events: Iterable[tuple[EventId, int]], size: int) -> None:
    """Puts these in their places: with them, all entries below `size` have theirs."""
    view.insert(PLACE, sorted([(place_of(id_), index) for id_, index in events]))
    view.run("UPDATE placed SET size = ? WHERE id = 0", size)
