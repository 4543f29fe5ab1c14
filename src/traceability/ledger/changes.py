"""What groups changed, for other processes that append to the same log.

A process begins a group with the records its last one left, as long as the head is the one that group wrote. Where
another process has written meanwhile, only what that one changed has to be read again; so whoever knows not to be alone
says what it changed, in the transaction in which it does. The newest are kept: who has been away for longer begins anew.
"""

from collections.abc import Collection, Iterable

import orjson

from traceability.core.record import Address
from traceability.ledger.database import Into
from traceability.ledger.guard import GuardHead
from traceability.ledger.view import View

KEPT = 16 << 10
"""Of how many of the newest entries it is kept what they changed."""
CHANGED = Into(
    "changed",
    {"size": "bigint", "before": "bigint", "value": "bytea"},
    "ON CONFLICT (size) DO UPDATE SET before = excluded.before, value = excluded.value",
)


def tell(view: View, before: int, size: int, addresses: Iterable[Address]) -> None:
    """The entries from `before` to `size` changed the records at these addresses, and no others."""
    view.run("DELETE FROM changed WHERE size <= ?", size - KEPT)
    view.insert(CHANGED, [(size, before, orjson.dumps(list(addresses)))])


def since(view: View, then: GuardHead, size: int) -> Collection[Address] | None:
    """The addresses of what changed between that head and `size`; None where that is not known, or `then` is not of this log."""
    if then.size > size or view.root_at(then.size) != then.root:
        return None
    known = then.size
    found: set[Address] = set()
    for end, before, value in view.all(
        "SELECT size, before, value FROM changed WHERE size > ? AND size <= ? ORDER BY size", then.size, size
    ):
        if before != known:
            return None
        known = end
        found.update((type_, id_) for type_, id_ in orjson.loads(value))
    return found if known == size else None
