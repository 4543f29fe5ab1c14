"""What miners were paid for the ore in a lot, against what it was worth when it left.

What was first paid for a lot from the mine goes along with its ore. Whatever was made of it shares all the money
of what went in, in proportion to mass and without what was lost, so that a wash does not make half of a price
vanish. All of it is integers: millionths of a dollar, cut like pools are cut, so that nothing is lost or added.
What is not known is carried along as mass: then the sum is a lower bound, and says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

from traceability.core.composition import FromLot, Parts, Pool
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot

MICRO = 1_000_000
Reason = Literal["withheld", "erased", "no_price", "no_rate", "not_from_a_mine", "not_looked_at"]
"""Why a first price is not known: sealed from this reader, redacted, never recorded, in a currency without a rate
that day, taken in without a sale by a miner here, or left out because there are too many lots."""


class FirstPrice(NamedTuple):
    """What a lot from the mine was first sold for, in millionths of a dollar; or why that is not known."""

    micro_usd: int | None
    reason: Reason | None = None


class Money(NamedTuple):
    """The money that lies in lots. Masses are of the ore as it began."""

    micro_usd: int
    """What miners were paid for it, as far as it is known."""
    known_ug: int
    unknown_ug: int

    @property
    def known_ppm(self) -> int:
        """The part of the ore of which the first price is known, cut off."""
        whole = self.known_ug + self.unknown_ug
        return self.known_ug * MICRO // whole if whole else 0


def micro_usd(amount: Fraction) -> int:
    """An amount of dollars in millionths, half to even."""
    return round(amount * MICRO)


def money_in(
    asked: Iterable[LotId],
    lots: Mapping[LotId, Lot],
    edges: Iterable[tuple[LotId, LotId]],
    pools: Mapping[str, Pool],
    prices: Mapping[LotId, FirstPrice],
) -> Money:
    """The money in the lots asked about together.

    `lots`, `edges` (from a lot to one made out of it) and `pools` are all behind them; `prices` are those of the
    lots in which ore begins: one that is missing is not known.
    """
    inputs: dict[LotId, list[LotId]] = defaultdict(list)
    for parent, child in edges:
        inputs[child].append(parent)
    found: dict[LotId, Money] = {}
    for lot in sorted(lots.values(), key=lambda lot: (lot.maker_index, lot.position)):
        parts = as_made(lot, pools)
        made_ug = sum(part.end - part.start for part in parts)
        if lot.origin != "transformation":
            price = prices.get(lot.id, FirstPrice(None, "not_looked_at")).micro_usd
            found[lot.id] = Money(0, 0, made_ug) if price is None else Money(price, made_ug, 0)
            continue
        pool = pools[lot.maker]
        whole = [sum(column) for column in zip(*(found[parent] for parent in inputs[lot.id]), strict=True)]
        kept_ug = pool.mass_ug - pool.lost_ug
        found[lot.id] = Money(*(_cut(total, parts, kept_ug) for total in whole))
    return Money(*(sum(column) for column in zip(*(found[lot] for lot in asked), strict=True)))


def as_made(lot: Lot, pools: Mapping[str, Pool]) -> Parts:
    """What the lot consisted of when it was made, before anything was booked on it."""
    own = [f"{lot.id}:{number}" for number in range(1, lot.pools + 1)]
    parts = {*lot.content, *(item.part for item in lot.items)}
    for pool in own:
        parts.update(
            part for source in pools[pool].sources if isinstance(source, FromLot) for part in source.parts
        )
    return tuple(
        sorted((part for part in parts if part.pool not in own), key=lambda part: (part.pool, part.start))
    )


def _cut(total: int, parts: Parts, kept_ug: int) -> int:
    """The share of `total` that goes to these intervals of the first `kept_ug` of a pool: all shares sum up to it."""
    ends = ((min(part.start, kept_ug), min(part.end, kept_ug)) for part in parts)
    return sum(total * end // kept_ug - total * start // kept_ug for start, end in ends) if kept_ug else 0


def share_of_price(micro: int, lot: LotId, masses: Sequence[tuple[LotId, int]]) -> int:
    """What of a price for several lots, given with their masses in order, is for one of them."""
    total = sum(mass for _, mass in masses)
    so_far = 0
    for named, mass in masses:
        if named == lot:
            return micro * (so_far + mass) // total - micro * so_far // total if total else 0
        so_far += mass
    raise KeyError(lot)
