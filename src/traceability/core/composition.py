"""Where the ore in a lot came from: pools, how they are cut, and how a cut is followed back.

No flattened composition is stored (design, "Composition"). What is kept is, for each act that makes or
changes lots, one *pool*: its sources in order, and the mass each brought. A lot is an interval of a pool
(a lot with numbered stones or bars may be several), so a pool never changes and nothing is ever copied.

- *Production*, and *intake*, make a pool of one source: all of it is that leaf.
- A *transformation* makes one pool (`mix`): input lots by id with their expected masses, each additive, the
  stated gain. Its mass E is their sum. With S the typed masses of outputs in listed order, then losses,
  summed up, the k-th cut is floor(E · S_k / S_n): an output is the interval between two cuts.
- Whatever changes a lot's expected mass outside a transformation makes a pool of that one lot (`rebooked`):
  kept part first, loss last, gain a further source.

Pools are *mixed*: W(x), the first x micrograms of a pool, is the Webster (Sainte-Laguë) apportionment of x
over the masses of its sources, ties to the source that stands first. So what [a, b) holds of each source is
W(b) − W(a): whole micrograms, never negative, exact by output and by source, computable for one output alone.
And as W never takes back what it gave, source j of [a, b) is itself an interval, [W(a)_j, W(b)_j) of that
lot's own micrograms; which is how `flatten` goes on down to the mines.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import compress
from operator import ne, sub
from typing import Literal, NamedTuple

import msgspec

from traceability.core.errors import Invalid, Malformed, TraceabilityError
from traceability.core.ids import LotId, SiteId

POOL_MAX_UG = 2**63 - 1
"""Positions in a pool are kept in eight bytes. It is more than a thousand lots of 9,000 t."""

WATER = "water"
"""The material that moisture shows to have come in."""

_BATCH = 500
"""How many intervals of a pool are shared at a time: bounds memory, changes nothing else."""


class TooFinelyMixed(TraceabilityError):  # noqa: N818  # reads as a sentence where it is raised
    """Following this ore back exactly would take more work than the caller allowed."""


class Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The micrograms from `start` up to, not including, `end` of a pool."""

    pool: str
    start: int
    end: int


Parts = tuple[Part, ...]
"""What a lot consists of, in order. Microgram i of a lot is counted along them."""


class Production(msgspec.Struct, frozen=True, array_like=True, tag="production", gc=False):
    """Ore as it was first weighed; `site` None: from no registered site."""

    lot: LotId
    site: SiteId | None


class Intake(msgspec.Struct, frozen=True, array_like=True, tag="intake", gc=False):
    """Ore that began here without a site of this ledger, with the intake's own code for why."""

    lot: LotId
    origin: str


class Additive(msgspec.Struct, frozen=True, array_like=True, tag="additive", gc=False):
    """Something else put in when `pool` was made: water, a reagent, an alloying metal."""

    pool: str
    material: str


class Gain(msgspec.Struct, frozen=True, array_like=True, tag="gain", gc=False):
    """Mass nothing explains, stated or booked when `pool` was made."""

    pool: str


class FromLot(msgspec.Struct, frozen=True, array_like=True, tag="part", gc=False):
    """A lot that went in, and what it consisted of then."""

    lot: LotId
    parts: Parts


Leaf = Production | Intake | Additive | Gain
"""Where following back ends."""

Source = Production | Intake | FromLot | Additive | Gain


class Pool(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Sources in order, and the micrograms each brought."""

    id: str
    sources: tuple[Source, ...]
    masses: tuple[int, ...]
    lost_ug: int = 0
    """How much at its end became no lot: what was lost when the pool was made."""
    named: bool = True
    """Whether somebody said what became of that; otherwise a weighing missed it."""

    @property
    def mass_ug(self) -> int:
        """E: all of it."""
        return sum(self.masses)


class Origin(NamedTuple):
    """One line of a composition by site."""

    kind: Literal["site", "no_site", "intake", "additive", "gain"]
    id: str
    """Site id, origin code of the intake, or material; empty for the others."""


# --- making pools


def mix(
    pool_id: str,
    inputs: Iterable[tuple[LotId, Parts]],
    additives: Iterable[tuple[str, int]],
    gain_ug: int,
    outputs_ug: Sequence[int],
    losses_ug: Sequence[int],
) -> tuple[Pool, list[Part]]:
    """The pool of a transformation, and what each output is of it, in listed order.

    `inputs` are lots with what they consist of now, whose mass is their expected mass; `additives` are
    materials with micrograms. Outputs and losses are as typed; at least one is above zero. An output of a
    microgram or so may come out empty where less was expected than was weighed.

    Raises Malformed where the whole is above POOL_MAX_UG.
    """
    lots = sorted(inputs, key=lambda line: line[0])
    sources: list[tuple[Source, int]] = [(FromLot(lot, parts), parts_ug(parts)) for lot, parts in lots]
    sources += [(Additive(pool_id, material), mass_ug) for material, mass_ug in additives]
    if gain_ug:
        sources.append((Gain(pool_id), gain_ug))
    pool = _pool(pool_id, sources)
    intervals = cuts(pool.mass_ug, [*outputs_ug, *losses_ug])
    kept_ug = intervals[len(outputs_ug) - 1][1]
    pool = msgspec.structs.replace(pool, lost_ug=pool.mass_ug - kept_ug)
    return pool, [Part(pool_id, start, end) for start, end in intervals[: len(outputs_ug)]]


def rebooked(
    pool_id: str,
    lot: LotId,
    parts: Parts,
    *,
    lost_ug: int = 0,
    gain_ug: int = 0,
    water_ug: int = 0,
    named: bool = False,
) -> tuple[Pool, Parts]:
    """The pool of one lot whose expected mass changes, and the lot's new content: water, then gain added to it.

    `named`: somebody said what became of what was lost, or moisture shows it. Raises Malformed where the whole
    is above POOL_MAX_UG, and nothing is lost that is not there.
    """
    before_ug = parts_ug(parts)
    assert 0 <= lost_ug <= before_ug
    sources: list[tuple[Source, int]] = [(FromLot(lot, parts), before_ug)]
    if water_ug:
        sources.append((Additive(pool_id, WATER), water_ug))
    if gain_ug:
        sources.append((Gain(pool_id), gain_ug))
    pool = _pool(pool_id, sources, lost_ug, named=named)
    return pool, (Part(pool_id, 0, pool.mass_ug - lost_ug),)


def parts_ug(parts: Parts) -> int:
    """The mass of what a lot consists of."""
    return sum(part.end - part.start for part in parts)


def cuts(mass_ug: int, typed_ug: Sequence[int]) -> list[tuple[int, int]]:
    """The intervals into which `mass_ug` is cut in the ratio of the typed masses, in their order.

    The k-th ends at floor(mass · S_k / S_n), so they are whole, leave no gap and end at `mass_ug`. One typed
    mass at least is above zero.
    """
    total = sum(typed_ug)
    intervals, start, so_far = [], 0, 0
    for mass in typed_ug:
        so_far += mass
        end = mass_ug * so_far // total
        intervals.append((start, end))
        start = end
    return intervals


def _pool(
    pool_id: str, sources: Sequence[tuple[Source, int]], lost_ug: int = 0, *, named: bool = True
) -> Pool:
    kinds, masses = tuple(source for source, _ in sources), tuple(mass for _, mass in sources)
    pool = Pool(pool_id, kinds, masses, lost_ug, named or not lost_ug)
    if pool.mass_ug > POOL_MAX_UG:
        raise Malformed("these lots together are more than nine million tonnes: check the units")
    return pool


# --- sharing


def webster(x: int, masses: Sequence[int]) -> tuple[int, ...]:
    """`x` units shared over `masses` by the Webster rule, exactly, ties to the earlier place.

    As if handed out one at a time, each to the place with the largest mass / (2 · given + 1). So the shares
    sum to x, none shrinks as x grows, x = sum(masses) gives the masses themselves, and a mass of zero gets
    nothing. `x` may be above sum(masses). Raises ValueError below zero, or where there is x and no mass.

    All awards that are worth more than some threshold come before all others. So any threshold gives a share
    that is right for its own sum; two of them near x enclose the right one, and only the few awards between
    are put in order.
    """
    total = sum(masses)
    if x < 0 or (x and not total):
        raise ValueError(f"{x} cannot be shared over {total}")
    if x == 0 or len(masses) == 1:
        return (x,) * len(masses)

    # A place has had its c-th award (from 0) once mass · t > c + 1/2, with t growing from 0. Here t counts in
    # steps of 2**-scale, so fine that one step hands out less than one unit in all.
    scale = total.bit_length()
    half = (1 << scale - 1) - 1
    t = (x << scale) // total
    shares = [(mass * t + half) >> scale for mass in masses]
    missing = x - sum(shares)
    if missing == 0:
        return tuple(shares)

    # Go on from t by somewhat more than is missing (or back). Rounding errs by at most half a unit a place,
    # so the second step encloses x where the first did not.
    other, rest, step = shares, missing, 2 * missing
    while rest and (rest > 0) == (missing > 0):
        t_other = max(0, t + (step << scale) // total)
        other = [(mass * t_other + half) >> scale for mass in masses]
        rest = x - sum(other)
        step += len(masses) if missing > 0 else -len(masses)
    low, high, missing = (shares, other, missing) if missing > 0 else (other, shares, rest)

    # In order of (2c + 1) / mass. Two such fractions that differ do so by more than 2**-fine: cut to whole
    # multiples of it they compare as the fractions do.
    fine = 2 * max(masses).bit_length()
    between = sorted(
        (((2 * given + 1) << fine) // masses[place], place)
        for place in compress(range(len(masses)), map(ne, low, high))
        for given in range(low[place], high[place])
    )
    for _, place in between[:missing]:
        low[place] += 1
    return tuple(low)


def part_shares(pool: Pool, start: int, end: int) -> tuple[int, ...]:
    """What [start, end) of a pool holds of each of its sources, in micrograms: one level down."""
    return tuple(map(sub, webster(end, pool.masses), webster(start, pool.masses)))


# --- following back


def flatten(
    parts: Iterable[Part], read_pool: Callable[[str], Pool], *, work_max: int = 10_000_000
) -> dict[Leaf, int]:
    """The micrograms of each leaf in all `parts` together, exactly; their sum is that of the parts.

    The parts may be those of one lot or of a thousand. `read_pool` is asked once for each pool behind them;
    what it raises passes through. Raises Invalid where pools contain each other, and TooFinelyMixed where
    more than `work_max` shares (an interval times a source) would have to be worked out.

    Each pool is worked through once, after all that draw on it, with the intervals that touch joined. Where
    whole pools went on whole, that leaves one interval a pool. Where ore was split, spread and combined again
    and again, it leaves as many as there are ways the ore can have gone: hence the limit, which depends on
    nothing but the pools.
    """
    found: Counter[Leaf] = Counter()
    for _ in _followed(parts, read_pool, found, work_max, short=True):
        pass
    return {leaf: mass_ug for leaf, mass_ug in found.items() if mass_ug}


def lots_within(
    parts: Iterable[Part], read_pool: Callable[[str], Pool], *, work_max: int = 10_000_000
) -> dict[LotId, tuple[int, int]]:
    """For each lot behind `parts`: the micrograms of it in them, and what it weighed in all as it went in.

    Raises like `flatten`.
    """
    found: Counter[LotId] = Counter()
    whole: dict[LotId, int] = {}
    for pool, intervals in _followed(parts, read_pool, Counter(), work_max, short=False):
        lots = [
            (place, source)
            for place, source in enumerate(pool.sources)
            if isinstance(source, FromLot) and not pool.id.startswith(f"{source.lot}:")
        ]
        for start, end in intervals if lots else ():
            shares = part_shares(pool, start, end)
            for place, source in lots:
                found[source.lot] += shares[place]
                whole[source.lot] = parts_ug(source.parts)
    return {lot: (mass_ug, whole[lot]) for lot, mass_ug in found.items() if mass_ug}


def once_in(
    parts: Iterable[Part],
    read_pool: Callable[[str], Pool],
    lots: Collection[LotId],
    *,
    work_max: int = 1_000_000,
) -> int:
    """The micrograms of `parts` that once were in any of these lots behind them, each counted once.

    Raises like `flatten`.
    """

    found_here = Additive("", "")  # in no pool, so no leaf of any

    def cut(pool_id: str) -> Pool:
        pool = read_pool(pool_id)
        ends = (
            found_here if isinstance(source, FromLot) and source.lot in lots else source
            for source in pool.sources
        )
        return msgspec.structs.replace(pool, sources=tuple(ends))

    return flatten(parts, cut, work_max=work_max).get(found_here, 0)


def burdens(
    parts: Iterable[Part], read_pool: Callable[[str], Pool], *, work_max: int = 10_000_000
) -> dict[str, int]:
    """What was lost on the way of this ore, in micrograms, by the pool at whose making it was lost.

    What went on bears the loss in proportion: of L lost while K was kept, the micrograms [a, b) of K bear
    floor(L · b / K) − floor(L · a / K). So whole micrograms, and all that went on bears all of it, however it was
    divided since. Raises what `flatten` raises.
    """
    borne: Counter[str] = Counter()
    for pool, intervals in _followed(parts, read_pool, Counter(), work_max, short=False):
        kept_ug = pool.mass_ug - pool.lost_ug
        if pool.lost_ug and kept_ug:
            for start, end in ((min(a, kept_ug), min(b, kept_ug)) for a, b in intervals):
                borne[pool.id] += pool.lost_ug * end // kept_ug - pool.lost_ug * start // kept_ug
    return {pool_id: mass_ug for pool_id, mass_ug in borne.items() if mass_ug}


def _followed(
    parts: Iterable[Part],
    read_pool: Callable[[str], Pool],
    found: Counter[Leaf],
    work_max: int,
    *,
    short: bool,
) -> Iterator[tuple[Pool, list[tuple[int, int]]]]:
    """Each pool behind the parts with the intervals drawn on it, newest first; adds the leaves to `found`.

    `short`: goes straight to a leaf that is all there is on the way.
    """
    waiting: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for part in parts:
        waiting[part.pool].append((part.start, part.end))
    pools = _newest_first(list(waiting), read_pool)
    for pool in pools.values():
        intervals = _joined(waiting.pop(pool.id, []))
        work_max -= len(intervals) * len(pool.sources)
        if work_max < 0:
            raise TooFinelyMixed("this ore was split and combined too often to be followed in one go")
        yield pool, intervals
        ends = [_sole_leaf(source, pools) if short else source for source in pool.sources]
        for at in range(0, len(intervals), _BATCH):
            batch = intervals[at : at + _BATCH]
            lows = zip(*(webster(start, pool.masses) for start, _ in batch), strict=True)
            highs = zip(*(webster(end, pool.masses) for _, end in batch), strict=True)
            for source, low, high in zip(ends, lows, highs, strict=True):
                match source:
                    case FromLot():
                        for pool_id, spans in _along(source.parts, zip(low, high, strict=True)):
                            waiting[pool_id] += spans
                    case Production() | Intake() | Additive() | Gain():
                        found[source] += sum(high) - sum(low)


def stretch(parts: Parts, start: int, end: int) -> Parts:
    """The micrograms [start, end) of what a lot consists of, counted along its parts."""
    return tuple(
        Part(pool_id, a, b) for pool_id, spans in _along(parts, [(start, end)]) for a, b in spans if a < b
    )


def by_site(composition: Mapping[Leaf, int]) -> dict[Origin, int]:
    """A flat composition in micrograms by site, and by what else there is where ore is from no site."""
    grouped: Counter[Origin] = Counter()
    for leaf, mass_ug in composition.items():
        match leaf:
            case Production():
                grouped[Origin("site", leaf.site) if leaf.site else Origin("no_site", "")] += mass_ug
            case Intake():
                grouped[Origin("intake", leaf.origin)] += mass_ug
            case Additive():
                grouped[Origin("additive", leaf.material)] += mass_ug
            case Gain():
                grouped[Origin("gain", "")] += mass_ug
    return dict(grouped)


def _newest_first(roots: Sequence[str], read_pool: Callable[[str], Pool]) -> dict[str, Pool]:
    """Every pool behind `roots` by id, each after all pools that draw on it."""
    pools: dict[str, Pool] = {}
    drawn_on: Counter[str] = Counter()
    unread = list(roots)
    while unread:
        pool_id = unread.pop()
        if pool_id not in pools:
            pools[pool_id] = read_pool(pool_id)
            below = _below(pools[pool_id])
            drawn_on.update(below)
            unread += below
    ready = [pool_id for pool_id in pools if not drawn_on[pool_id]]
    ordered: dict[str, Pool] = {}
    while ready:
        pool_id = ready.pop()
        ordered[pool_id] = pools[pool_id]
        for below_id in _below(pools[pool_id]):
            drawn_on[below_id] -= 1
            if not drawn_on[below_id]:
                ready.append(below_id)
    if len(ordered) < len(pools):
        raise Invalid("these pools contain each other: no ore can have gone that way")
    return ordered


def _below(pool: Pool) -> list[str]:
    """The pools a pool draws on, each once."""
    lots = (source for source in pool.sources if isinstance(source, FromLot))
    return list(dict.fromkeys(part.pool for lot in lots for part in lot.parts))


def _sole_leaf(source: Source, pools: Mapping[str, Pool]) -> Source:
    """The leaf that all of a source comes from, where there is but one on the way; else the source.

    Of such a lot, one straight from the mine, any microgram is as good as any other.
    """
    at = source
    while isinstance(at, FromLot) and len(at.parts) == 1 and len(pools[at.parts[0].pool].sources) == 1:
        at = pools[at.parts[0].pool].sources[0]
    return source if isinstance(at, FromLot) else at


def _joined(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The intervals in order, those that touch joined. Those that overlap stay, and count as often."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        elif start < end:
            joined.append((start, end))
    return joined


def _along(parts: Parts, spans: Iterable[tuple[int, int]]) -> Iterable[tuple[str, list[tuple[int, int]]]]:
    """Spans of a lot's micrograms, counted along its parts in order, as intervals of their pools."""
    spans = [(a, b) for a, b in spans if a < b]
    for part in parts:
        start, end = part.start, part.end
        yield part.pool, [(start + a, min(start + b, end)) for a, b in spans if start + a < end]
        size = end - start
        spans = [(max(a - size, 0), b - size) for a, b in spans if b > size]
