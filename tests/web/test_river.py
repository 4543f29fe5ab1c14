"""The way of a lot is gathered so that it stays short, and drawn so that mass is width."""

import re
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traceability.web import lineage, river
from traceability.web.lineage import Bend, Fork, Handoff, Lot, Mouth, Narrows, Sink, Source, Spring, Step

KG = 1_000_000_000


def bag(id_, place="region:RW-04", kg=40, *, handoffs=0, lost=0, gained=0, day="2026-03-14"):
    turns = tuple(
        Handoff(f"{id_} handoff {turn}", "both", day, day, ("trader", "")) for turn in range(handoffs)
    )
    mass = (kg - lost + gained) * KG
    return Lot(id_, place, f"made {id_}", mass, kg * KG, lost * KG, gained * KG, day, kg * KG, turns)


def product(id_, maker, kg):
    return Lot(id_, "", maker, kg * KG, kg * KG, 0, 0, "2026-03-20")


def step(
    event, inputs, kg, *, outputs=1, losses=(), gain=0, additives=(), type_="combination", day="2026-03-20"
):
    return Step(
        event,
        type_,
        tuple(inputs),
        outputs,
        kg * KG,
        tuple((name, mass * KG) for name, mass in additives),
        gain * KG,
        tuple((name, mass * KG) for name, mass in losses),
        (),
        day,
    )


def by_id(*things):
    return {getattr(thing, "id", None) or thing.event: thing for thing in things}


def test_a_bag_runs_from_its_mine_to_now():
    """One bag: where it came in, each handoff, and the bag."""
    stages = lineage.gather("a", by_id(bag("a", handoffs=2)), {})
    assert [type(stage) for stage in stages] == [Source, Narrows, Narrows, Mouth]
    assert stages[0].places == ("region:RW-04",)
    assert stages[-1].share == 40 * KG


def test_what_was_lost_and_gained_at_weighings_is_a_sink_and_a_spring():
    """Booked differences stand beside the water, in their ratio to what they came from."""
    stages = lineage.gather("a", by_id(bag("a", kg=40, lost=4, gained=1)), {})
    assert [type(stage) for stage in stages] == [Source, Spring, Sink, Mouth]
    assert stages[1].part == (KG, 40 * KG)
    assert stages[2].part == (4 * KG, 40 * KG)


def test_a_thousand_bags_are_gathered_per_place_and_step():
    """A container of a thousand bags has a way as short as one of ten."""
    bags = [bag(f"b{n}", f"region:RW-0{n % 3}", handoffs=2) for n in range(1000)]
    heap = product("heap", "combined", 40_000)
    stages = lineage.gather("heap", by_id(heap, *bags), by_id(step("combined", by_id(*bags), 40_000)))
    sources = [stage for stage in stages if isinstance(stage, Source)]
    assert sorted(source.lot_count for source in sources) == [333, 333, 334]
    assert sum(source.mass_ug for source in sources) == 40_000 * KG
    assert [type(stage) for stage in stages[3:]] == [Narrows, Narrows, Bend, Mouth]
    assert stages[3].lot_count == 1000
    assert stages[3].to == (("trader", ""),)


def test_many_places_are_drawn_by_the_largest():
    """The largest places stand by themselves, the others together, and none is left out."""
    bags = [bag(f"b{n}", f"region:{n}", kg=10 + n) for n in range(30)]
    total = sum(10 + n for n in range(30))
    heap = product("heap", "combined", total)
    stages = lineage.gather("heap", by_id(heap, *bags), by_id(step("combined", by_id(*bags), total)))
    sources = [stage for stage in stages if isinstance(stage, Source)]
    assert len(sources) == lineage.SOURCES_MAX + 1
    assert len(sources[-1].places) == 30 - lineage.SOURCES_MAX
    assert sum(source.part_ug for source in sources) == total * KG


def test_one_place_too_many_is_still_drawn_by_itself():
    """ "1 more place" would take as much room as the place itself."""
    bags = [bag(f"b{n}", f"region:{n}") for n in range(lineage.SOURCES_MAX + 1)]
    heap = product("heap", "combined", 40 * len(bags))
    steps = by_id(step("combined", by_id(*bags), 40 * len(bags)))
    sources = [s for s in lineage.gather("heap", by_id(heap, *bags), steps) if isinstance(s, Source)]
    assert all(len(source.places) == 1 for source in sources)


def test_a_step_shows_what_came_out_what_was_lost_and_what_went_elsewhere():
    """Losses, additives and gains stand at their step, and a fork says that there are other lots."""
    a, b = bag("a", kg=60), bag("b", kg=40)
    wash = step(
        "wash", ["a", "b"], 90, outputs=3, losses=[("tailings", 12)], gain=1, additives=[("water", 1)]
    )
    stages = lineage.gather("c", by_id(a, b, product("c", "wash", 45)), by_id(wash))
    assert [type(stage) for stage in stages] == [Source, Bend, Spring, Spring, Sink, Fork, Mouth]
    assert stages[-2] == Fork(2)
    assert stages[-3].part == (12 * KG, 102 * KG)


def test_ore_that_skips_a_step_joins_below_it():
    """A bag that was not washed comes in after the washing."""
    washed, raw = bag("a", "region:1"), bag("b", "region:2")
    first = step("wash", ["a"], 40, type_="processing", day="2026-03-16")
    last = step("mix", ["c", "b"], 80, day="2026-03-20")
    lots = by_id(washed, raw, product("c", "wash", 40), product("d", "mix", 80))
    stages = lineage.gather("d", lots, by_id(first, last))
    kinds = [stage.places[0] if isinstance(stage, Source) else type(stage).__name__ for stage in stages]
    assert kinds == ["region:1", "Bend", "region:2", "Bend", "Mouth"]


@pytest.mark.threat("T76")
def test_a_chain_of_ten_thousand_steps_is_gathered_without_recursion():
    """However deep the way, it is gathered into few stretches."""
    lots, steps = [bag("l0")], []
    for n in range(10_000):
        steps.append(step(f"s{n}", [f"l{n}"], 40, type_="repacking"))
        lots.append(product(f"l{n + 1}", f"s{n}", 40))
    stages = lineage.gather("l10000", by_id(*lots), by_id(*steps))
    assert len(stages) <= lineage.STAGES_MAX
    assert sum(stage.times for stage in stages if isinstance(stage, Bend)) == 10_000
    assert stages[-1].share == 40 * KG


# Any trade at all


class Trade(NamedTuple):
    """A lot and all that is behind it."""

    mouth: str
    lots: dict[str, Lot]
    steps: dict[str, Step]


@st.composite
def trades(draw):
    """Bags that are mixed, split and washed at random, down to one lot that all of them may have reached."""
    lots = {
        f"b{n}": bag(
            f"b{n}",
            f"region:{draw(st.integers(0, 12))}",
            draw(st.integers(10, 60)),
            handoffs=draw(st.integers(0, 6)),
            lost=draw(st.integers(0, 5)),
            gained=draw(st.integers(0, 3)),
        )
        for n in range(draw(st.integers(1, 8)))
    }
    steps, free = {}, sorted(lots)
    for n in range(draw(st.integers(0, 7))):
        inputs = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        into = sum(lots[lot].mass_ug for lot in inputs) // KG
        lost, gain = draw(st.integers(0, into // 4)), draw(st.integers(0, 2))
        outputs = draw(st.integers(1, 3))
        kept = into - lost + gain
        event = f"s{n}"
        type_ = draw(st.sampled_from(["split", "combination", "processing", "repacking"]))
        steps[event] = step(
            event,
            inputs,
            kept,
            outputs=outputs,
            losses=[("spillage", lost)] if lost else [],
            gain=gain,
            type_=type_,
        )
        free = [lot for lot in free if lot not in inputs]
        for place in range(outputs):
            mass = kept // outputs if place else kept - kept // outputs * (outputs - 1)
            lots[f"{event}.{place}"] = product(f"{event}.{place}", event, mass)
            free.append(f"{event}.{place}")
    mouth = free[-1]
    needed, unread = set(), [mouth]
    while unread:
        at = unread.pop()
        if at not in needed:
            needed.add(at)
            unread += steps[lots[at].maker].inputs if lots[at].maker in steps else []
    kept_lots = {lot: lots[lot] for lot in lots if lot in needed}
    return Trade(
        mouth,
        kept_lots,
        {event: s for event, s in steps.items() if s.event in {lot.maker for lot in kept_lots.values()}},
    )


@given(trades())
@settings(max_examples=150, deadline=None)
def test_the_water_adds_up(trade):
    """What comes in, less what goes, is what arrives: to a rounding of the drawing."""
    stages = lineage.gather(*trade)
    came = sum(stage.share for stage in stages if isinstance(stage, Source | Spring))
    went = sum(stage.share for stage in stages if isinstance(stage, Sink))
    arrives = trade.lots[trade.mouth].mass_ug
    assert abs(came - went - arrives) <= arrives // 50 + 100 * len(trade.lots)


@given(trades())
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost_in_the_gathering(trade):
    """Every bag, every step and every handoff is in some stage, once."""
    stages = lineage.gather(*trade)
    sources = [lot for lot in trade.lots.values() if lot.place]
    assert sum(stage.lot_count for stage in stages if isinstance(stage, Source)) == len(sources)
    assert sum(stage.times for stage in stages if isinstance(stage, Bend)) == len(trade.steps)
    handoffs = sum(len(lot.handoffs) for lot in trade.lots.values())
    assert sum(stage.signed.all for stage in stages if isinstance(stage, Narrows)) == handoffs
    assert len(stages) <= 40


def edges(paths):
    """Left and right bank of the water at the top and at the bottom of a slice."""
    found = {0: [], 200: []}
    for path in paths:
        if path.kind == "water":
            numbers = re.findall(r"[A-Za-z]|-?\d+", path.d)
            at = (0, 0)
            for index, token in enumerate(numbers):
                if token in "MC" and not token.isdigit():
                    values = []
                    for number in numbers[index + 1 :]:
                        if number.isalpha():
                            break
                        values.append(int(number))
                    at = (values[-2], values[-1])
                elif token == "S":
                    at = (int(numbers[index + 3]), int(numbers[index + 4]))
                elif token == "H":
                    at = (int(numbers[index + 1]), at[1])
                elif token == "V":
                    at = (at[0], int(numbers[index + 1]))
                else:
                    continue
                if at[1] in found:
                    found[at[1]].append(at[0])
    return {y: (min(xs), max(xs)) if xs else None for y, xs in found.items()}


@given(trades())
@settings(max_examples=100, deadline=None)
def test_slices_join_without_a_gap(trade):
    """The water leaves each slice as wide as it enters the next, and stays inside its slice."""
    slices = river.draw(lineage.gather(*trade))
    for above, below in pairwise(slices):
        assert edges(above)[200][1] == edges(below)[0][1]
        assert edges(above)[200][0] <= edges(below)[0][0]
    for paths in slices:
        for path in paths:
            if path.kind != "wave":
                assert all(-20 <= int(number) <= 260 for number in re.findall(r"-?\d+", path.d))


def test_width_is_mass():
    """Half the ore is half the width, and a trace of it can still be seen."""
    lots = by_id(bag("a", "region:1", 60), bag("b", "region:2", 60), product("c", "mix", 120))
    slices = river.draw(lineage.gather("c", lots, by_id(step("mix", ["a", "b"], 120))))
    top, bottom = edges(slices[0])[200], edges(slices[-1])[0]
    assert bottom[1] - bottom[0] == river.WIDE
    assert top[1] - top[0] == river.WIDE // 2
    trace = by_id(bag("a", "region:1", 1), product("c", "mix", 100_000), bag("b", "region:2", 99_999))
    slices = river.draw(lineage.gather("c", trace, by_id(step("mix", ["a", "b"], 100_000))))
    assert any(path.d.startswith("M8 44") for path in slices[1])


@pytest.mark.parametrize("kind", ["water", "bank", "gained", "lost", "away", "added", "wave"])
def test_every_shape_has_a_style(kind):
    """No shape is left to the browser's black."""
    from traceability.web.look import style

    assert f".{kind}{{" in style("style.css")
