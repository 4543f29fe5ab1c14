"""Composition: the Webster rule, cuts, and following ore back, each against a slow twin."""

import random
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from traceability.core import composition
from traceability.core.composition import (
    POOL_MAX_UG,
    Additive,
    FromLot,
    Gain,
    Intake,
    Leaf,
    Origin,
    Part,
    Parts,
    Pool,
    Production,
    TooFinelyMixed,
    flatten,
    parts_ug,
    webster,
)
from traceability.core.errors import Invalid, Malformed
from traceability.core.quantity import MASS_MAX_UG

# --- the slow twins: everything is handed out and followed microgram by microgram


def awards(masses):
    """Sainte-Laguë: each unit to the place with the largest mass / (2 · given + 1), ties to the earlier."""
    given_ = [0] * len(masses)
    while True:
        place = max(range(len(masses)), key=lambda i: (Fraction(masses[i], 2 * given_[i] + 1), -i))
        given_[place] += 1
        yield place


def handed_out(x, masses):
    """Webster's shares of x, one unit at a time."""
    shares = [0] * len(masses)
    for place, _ in zip(awards(masses), range(x), strict=False):
        shares[place] += 1
    return tuple(shares)


def stirred(sources):
    """Labelled micrograms of several sources in the order in which a pool of them gives them out."""
    queues = [iter(labels) for labels in sources]
    order = awards([len(labels) for labels in sources])
    return [next(queues[next(order)]) for _ in range(sum(map(len, sources)))]


# --- Webster


small_masses = st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any)
masses = st.lists(st.integers(0, MASS_MAX_UG), min_size=1, max_size=30).filter(any)
alike = st.builds(lambda mass, n: [mass] * n, st.integers(1, MASS_MAX_UG), st.integers(1, 30))


@given(small_masses, st.integers(0, 400))
@example([1, 1, 1], 2)
@example([0, 7, 0], 400)
def test_webster_is_as_if_handed_out_one_at_a_time(masses, x):
    """Also above the sum of the masses, as a shared reading can be."""
    assert webster(x, masses) == handed_out(x, masses)


@given(masses | alike, st.data())
def test_webster_is_exact_and_gives_no_more_than_there_is(masses, data):
    """Shares sum to x, never below zero, within the masses up to their sum, and there they are the masses."""
    x = data.draw(st.integers(0, sum(masses)))
    shares = webster(x, masses)
    assert sum(shares) == x
    assert all(0 <= share <= mass for share, mass in zip(shares, masses, strict=True))
    assert webster(sum(masses), masses) == tuple(masses)


@given(masses | alike, st.data())
def test_webster_never_takes_back_what_it_gave(masses, data):
    """One microgram more goes to one source, and no other changes."""
    x = data.draw(st.integers(0, sum(masses)))
    steps = [b - a for a, b in zip(webster(x, masses), webster(x + 1, masses), strict=True)]
    assert sorted(steps) == [0] * (len(masses) - 1) + [1]


@pytest.mark.parametrize("seed", range(4))
def test_webster_holds_for_a_thousand_masses_of_any_size(seed):
    """No last award is worth less than any next one: that is the rule itself, checked with fractions."""
    rng = random.Random(seed)
    masses = {
        0: [rng.randrange(MASS_MAX_UG) for _ in range(1000)],
        1: [40_000_000_000] * 1000,
        2: [rng.choice([0, 1, 38_400_000_000, MASS_MAX_UG]) for _ in range(1000)],
        3: [int(10 ** rng.uniform(0, 15.9)) for _ in range(1000)],
    }[seed]
    total = sum(masses)
    for x in [1, 7, total // 3, total * 3 // 7, rng.randrange(total), total - 1, total * 10**10 + 3]:
        shares = webster(x, masses)
        worst = min(
            (Fraction(mass, 2 * share - 1), -place)
            for place, (mass, share) in enumerate(zip(masses, shares, strict=True))
            if share
        )
        best = max(
            (Fraction(mass, 2 * share + 1), -place)
            for place, (mass, share) in enumerate(zip(masses, shares, strict=True))
        )
        assert sum(shares) == x
        assert worst > best


@pytest.mark.parametrize(("x", "masses"), [(-1, [1]), (1, [0, 0]), (1, [])])
def test_what_cannot_be_shared_is_refused(x, masses):
    """Less than nothing, or something over nothing."""
    with pytest.raises(ValueError, match="cannot be shared"):
        webster(x, masses)


# --- cuts


@given(
    st.integers(0, POOL_MAX_UG), st.lists(st.integers(0, MASS_MAX_UG), min_size=1, max_size=20).filter(any)
)
def test_cuts_leave_no_gap_and_lie_where_the_typed_masses_say(mass_ug, typed):
    """The k-th at floor(E · S_k / S_n), the last at E."""
    intervals = composition.cuts(mass_ug, typed)
    assert intervals[0][0] == 0
    assert intervals[-1][1] == mass_ug
    assert all(before[1] == after[0] for before, after in pairwise(intervals))
    for k, (_, end) in enumerate(intervals, 1):
        assert end == Fraction(mass_ug * sum(typed[:k]), sum(typed)).__floor__()


# --- pools as they are made


def test_a_pool_lists_lots_by_id_then_additives_then_the_gain():
    """Whatever the order they are given in; each with the mass it brought."""
    lots = [("b", (Part("b:0", 0, 7),)), ("a", (Part("a:0", 2, 7), Part("x", 1, 2)))]
    pool, outputs = composition.mix("p", lots, [("water", 3), ("lime", 2)], 4, [10, 6], [6])
    assert pool == Pool(
        "p",
        (
            FromLot("a", lots[1][1]),
            FromLot("b", lots[0][1]),
            Additive("p", "water"),
            Additive("p", "lime"),
            Gain("p"),
        ),
        (6, 7, 3, 2, 4),
        lost_ug=6,
    )
    assert outputs == [Part("p", 0, 10), Part("p", 10, 16)]


def test_a_rebooked_lot_is_the_kept_part_first_and_the_gain_a_further_source():
    """Loss is last, and what is lost is in no lot."""
    parts = (Part("a:0", 0, 10),)
    pool, lot = composition.rebooked("a:1", "a", parts, lost_ug=3)
    assert (pool, lot) == (Pool("a:1", (FromLot("a", parts),), (10,), 3, named=False), (Part("a:1", 0, 7),))
    pool, lot = composition.rebooked("a:1", "a", parts, gain_ug=5)
    assert pool == Pool("a:1", (FromLot("a", parts), Gain("a:1")), (10, 5))
    assert lot == (Part("a:1", 0, 15),)


def test_a_pool_too_large_for_eight_bytes_is_refused():
    """And one just small enough goes through MessagePack unchanged."""
    pool, _ = composition.mix("p", [("a", (Part("a:0", 0, POOL_MAX_UG - 1),))], [("water", 1)], 0, [1], [])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(pool), type=Pool) == pool
    with pytest.raises(Malformed, match="check the units"):
        composition.mix("p", [("a", (Part("a:0", 0, POOL_MAX_UG),))], [("water", 1)], 0, [1], [])
    with pytest.raises(Malformed, match="check the units"):
        composition.rebooked("p", "a", (Part("a:0", 0, POOL_MAX_UG),), gain_ug=1)


# --- following back, against a trade in which every microgram has a label


class Trade:
    """Lots as parts of pools, and beside each the labels of its micrograms in order."""

    def __init__(self) -> None:
        self.pools: dict[str, Pool] = {}
        self.lots: dict[str, tuple[Parts, list[Leaf]]] = {}
        self.been: dict[str, list[frozenset[str]]] = {}
        """Of each lot ever, for each microgram the lots that went into a pool with it."""
        self.made = 0

    def fresh(self) -> str:
        self.made += 1
        return f"{self.made * 7919 % 1000:03}"  # ids in no order, as hashes are

    def begin(self, mass, origin):
        """A lot from a mine, or one that began without."""
        lot = self.fresh()
        leaf = Intake(lot, origin) if origin == "found" else Production(lot, origin)
        self.pools[f"{lot}:0"] = Pool(f"{lot}:0", (leaf,), (mass,))
        self.lots[lot] = ((Part(f"{lot}:0", 0, mass),), [leaf] * mass)
        self.been[lot] = [frozenset()] * mass

    def transform(self, chosen, additives, gain, typed, losses):
        """Lots stirred together and cut; a loss is in no lot any more."""
        pool_id = f"event {self.made}"
        inputs = [(lot, *self.lots.pop(lot)) for lot in chosen]
        pool, parts = composition.mix(
            pool_id, [(lot, content) for lot, content, _ in inputs], additives, gain, typed, losses
        )
        labels = [labels for _, _, labels in sorted(inputs, key=lambda line: line[0])]
        labels += [[Additive(pool_id, material)] * mass for material, mass in additives]
        labels += [[Gain(pool_id)] * gain] if gain else []
        heap = stirred(labels)
        been = [[each | {lot} for each in self.been[lot]] for lot in sorted(chosen)]
        been = stirred([*been, *([frozenset()] * len(other) for other in labels[len(chosen) :])])
        self.pools[pool_id] = pool
        for k, part in enumerate(parts):
            start = len(heap) * sum(typed[:k]) // sum(typed + losses)
            end = len(heap) * sum(typed[: k + 1]) // sum(typed + losses)
            lot = self.fresh()
            self.lots[lot] = ((part,), heap[start:end])
            self.been[lot] = been[start:end]

    def rebook(self, lot, lost, gain):
        """A weighing, sample or spill outside any transformation."""
        content, labels = self.lots[lot]
        self.made += 1
        pool_id = f"{lot}:{self.made}"
        lost = min(lost, len(labels))
        kept = len(labels) - lost
        pool, parts = composition.rebooked(pool_id, lot, content, lost_ug=lost, gain_ug=gain)
        heap = stirred([labels] + ([[Gain(pool_id)] * gain] if gain else []))
        been = [[each | {lot} for each in self.been[lot]], *([[frozenset()] * gain] if gain else [])]
        self.been[lot] = stirred(been)[: kept + gain]
        self.pools[pool_id] = pool
        self.lots[lot] = (parts, heap[: kept + gain])

    def bundle(self, chosen):
        """One lot of stones that were followed apart: several parts, counted along in order."""
        taken = [self.lots.pop(lot) for lot in chosen]
        parts = tuple(part for content, _ in taken for part in content)
        bundled = self.fresh()
        self.lots[bundled] = (parts, [label for _, labels in taken for label in labels])
        self.been[bundled] = [each for lot in chosen for each in self.been[lot]]

    def read_once(self):
        """A reader of pools that may be asked once for each."""
        unread = dict(self.pools)
        return unread.pop


@st.composite
def trades(draw):
    """Any series of productions, transformations, bookings and bundles, with small masses."""
    trade = Trade()
    some = st.lists(st.integers(0, 15), max_size=2)
    for _ in range(draw(st.integers(1, 6))):
        trade.begin(draw(st.integers(1, 40)), draw(st.sampled_from(["s1", "s2", None, "found"])))
    for _ in range(draw(st.integers(0, 7))):
        lots = sorted(trade.lots)
        chosen = draw(st.lists(st.sampled_from(lots), min_size=1, max_size=6, unique=True))
        act = draw(st.sampled_from(["transform", "transform", "rebook", "bundle"]))
        if act == "transform":
            additives = [("water", mass) for mass in draw(some)]
            typed = draw(st.lists(st.integers(1, 30), min_size=1, max_size=5))
            trade.transform(chosen, additives, draw(st.integers(0, 5)), typed, draw(some))
        elif act == "rebook":
            trade.rebook(chosen[0], draw(st.integers(0, 10)), draw(st.integers(0, 10)))
        else:
            trade.bundle(chosen)
    return trade


@given(trades())
def test_each_lot_is_made_of_what_its_micrograms_say(trade):
    """To the microgram, lot by lot, after any series of events; nothing else, and nothing of zero."""
    for parts, labels in trade.lots.values():
        assert parts_ug(parts) == len(labels)
        assert flatten(parts, trade.read_once()) == Counter(labels)


@given(trades(), st.data())
def test_what_was_once_in_some_lots_is_counted_once(trade, data):
    """Whatever lots are asked about, nested or side by side: each microgram that went through one of them, once."""
    lot = data.draw(st.sampled_from(sorted(trade.lots)))
    some = data.draw(st.sets(st.sampled_from(sorted(trade.been))))
    found = composition.once_in(trade.lots[lot][0], trade.read_once(), some)
    assert found == sum(bool(each & some) for each in trade.been[lot])


@given(trades(), st.data())
def test_many_lots_together_are_made_of_what_they_are_made_of_one_by_one(trade, data):
    """A container is the sum of its bags, whichever bags they are, also where one is counted twice."""
    lots = data.draw(st.lists(st.sampled_from(sorted(trade.lots)), max_size=12))
    parts = [part for lot in lots for part in trade.lots[lot][0]]
    labels = Counter(label for lot in lots for label in trade.lots[lot][1])
    assert flatten(parts, trade.read_once()) == labels
    assert sum(composition.by_site(labels).values()) == labels.total()


@given(trades(), st.data())
def test_any_piece_of_a_pool_is_made_of_its_own_micrograms(trade, data):
    """One level down and all the way: the k-th microgram of a lot is the same one in both accounts."""
    lot = data.draw(st.sampled_from(sorted(trade.lots)))
    parts, labels = trade.lots[lot]
    if len(parts) == 1 and labels:
        a = data.draw(st.integers(0, len(labels)))
        b = data.draw(st.integers(a, len(labels)))
        pool = trade.pools[parts[0].pool]
        start, end = parts[0].start + a, parts[0].start + b
        assert flatten([Part(pool.id, start, end)], trade.read_once()) == Counter(labels[a:b])
        shares = composition.part_shares(pool, start, end)
        assert sum(shares) == b - a
        assert all(0 <= share <= mass for share, mass in zip(shares, pool.masses, strict=True))


def test_a_small_heap_worked_by_hand():
    """Bags a of 3 µg and b of 1: a is worth 3, then 1 as b is and stands first; so the order is a, a, b, a."""
    pools = {
        "a:0": Pool("a:0", (Production("a", "s1"),), (3,)),
        "b:0": Pool("b:0", (Intake("b", "found"),), (1,)),
    }
    bags = [("a", (Part("a:0", 0, 3),)), ("b", (Part("b:0", 0, 1),))]
    pools["heap"], (first, second) = composition.mix("heap", bags, [], 0, [2, 2], [])
    a, b = Production("a", "s1"), Intake("b", "found")
    assert flatten([first], pools.__getitem__) == {a: 2}
    assert flatten([second], pools.__getitem__) == {a: 1, b: 1}
    assert flatten([first, second], pools.__getitem__) == {a: 3, b: 1}


def test_by_site_names_what_is_from_no_site():
    """Sites by id, and beside them ore without one, intakes, additives and unexplained mass."""
    flat = {
        Production("a", "s1"): 5,
        Production("b", "s1"): 6,
        Production("c", None): 7,
        Intake("d", "found"): 1,
        Intake("e", "found"): 2,
        Additive("p", "water"): 3,
        Additive("q", "water"): 4,
        Gain("p"): 8,
        Gain("q"): 9,
    }
    assert composition.by_site(flat) == {
        Origin("site", "s1"): 11,
        Origin("no_site", ""): 7,
        Origin("intake", "found"): 3,
        Origin("additive", "water"): 7,
        Origin("gain", ""): 17,
    }


def test_pools_that_contain_each_other_are_refused():
    """No honest reader gives such pools; following them must end."""
    pools = {
        "p": Pool("p", (FromLot("a", (Part("q", 0, 5),)),), (5,)),
        "q": Pool("q", (FromLot("b", (Part("p", 0, 5),)), Gain("q")), (5, 1)),
    }
    with pytest.raises(Invalid, match="contain each other"):
        flatten([Part("p", 0, 5)], pools.__getitem__)


def test_what_the_reader_raises_passes_through():
    """A pool that is not shown is not a pool that is empty."""
    with pytest.raises(KeyError, match="nowhere"):
        flatten([Part("nowhere", 0, 1)], {}.__getitem__)


# --- large


def season(rounds, heaps, per_heap, *, loss_percent=0, seed=1):
    """A thousand bags, put together and split again so often, each round in other company."""
    rng = random.Random(seed)
    kilograms = lambda: rng.randrange(30_000_000_000, 45_000_000_000)  # noqa: E731
    pools, lots = {}, []
    for i in range(heaps * per_heap):
        lot, mass = f"bag {i:04}", kilograms()
        pools[lot] = Pool(lot, (Production(lot, f"site {i % 40}"),), (mass,))
        lots.append((lot, (Part(lot, 0, mass),)))
    bags = dict(lots)
    for stage in range(rounds):
        rng.shuffle(lots)
        outputs = []
        for heap in range(heaps):
            typed = [kilograms() for _ in range(per_heap)]
            losses = [sum(typed) * loss_percent // 100] if loss_percent else []
            event = f"event {stage} {heap}"
            inputs = lots[heap * per_heap : (heap + 1) * per_heap]
            pools[event], parts = composition.mix(event, inputs, [], 0, typed, losses)
            outputs += [(f"{event} {k:03}", (part,)) for k, part in enumerate(parts)]
        lots = outputs
    return pools, bags, lots


def test_a_container_of_a_thousand_bags_is_followed_back_through_three_rounds():
    """All that went in is in it: each of a thousand mines' bags, whole, found by asking once for each pool."""
    pools, bags, lots = season(3, 10, 100)
    asked = Counter()

    def read(pool_id):
        asked[pool_id] += 1
        return pools[pool_id]

    found = flatten([part for _, parts in lots for part in parts], read)
    assert {leaf.lot: mass for leaf, mass in found.items()} == {
        lot: parts_ug(parts) for lot, parts in bags.items()
    }
    assert asked == Counter(pools.keys())


def test_half_a_container_and_the_other_half_make_the_whole():
    """After three rounds, through 300 pools, with the bags dealt out at random: no microgram differs."""
    pools, bags, lots = season(3, 50, 10)
    random.Random(2).shuffle(lots)
    halves = [
        Counter(flatten([part for _, parts in half for part in parts], pools.__getitem__))
        for half in (lots[:250], lots[250:])
    ]
    assert halves[0].total() == sum(parts_ug(parts) for _, parts in lots[:250])
    whole = halves[0] + halves[1]
    assert {leaf.lot: mass for leaf, mass in whole.items()} == {lot: parts_ug(p) for lot, p in bags.items()}


def test_losses_are_shared_by_all_that_went_in():
    """Two rounds of 2 %: each bag's share in the container is its share in the heap, to some micrograms."""
    pools, bags, lots = season(2, 5, 40, loss_percent=2)
    parts = [part for _, content in lots for part in content]
    found = flatten(parts, pools.__getitem__)
    assert sum(found.values()) == parts_ug(parts)
    kept = Fraction(100, 102) ** 2
    assert all(abs(mass - parts_ug(bags[leaf.lot]) * kept) < 200 for leaf, mass in found.items())


def test_ore_mixed_too_finely_is_refused_by_the_work_and_not_by_the_clock():
    """The same everywhere, and there is a number with which it is done."""
    pools, _, lots = season(2, 10, 10)
    parts = lots[5][1]
    with pytest.raises(TooFinelyMixed, match="too often"):
        flatten(parts, pools.__getitem__, work_max=109)
    assert sum(flatten(parts, pools.__getitem__, work_max=110).values()) == parts_ug(parts)
