"""Mass in the fold: what readings book, what drifts add up to, and where each microgram comes from."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import Actor, weighing
from rules import Rules
from traceability.core.ids import LotId

KILO = 1_000_000_000


def scene(*masses: str) -> tuple[Rules, Actor, Actor, list[LotId]]:
    """A trader with bags, and a laboratory that weighs them where they lie."""
    trade = Rules()
    coop, lab = trade.people("coop:miner,trader", "lab:laboratory")
    return trade, coop, lab, trade.produce(coop, *masses)


def weigh(trade: Rules, lab: Actor, lots: Sequence[LotId], value: str, basis: str = "measured") -> set[str]:
    """One reading over these lots; the rules it raised findings under."""
    reading = [weighing(value, basis=basis, lots=sorted(lots))]
    trade.appends(lab, trade.act("inspection", type="weighing", lots=sorted(lots), weighings=reading))
    return {found.rule for found in trade.findings()}


# Bands


# Unmarked scales on both sides: one per cent each, more where nobody weighed.
SCALES_PPM = {"measured": 20_000, "counted": 30_000, "stated": 20_000, "estimated": 110_000}
LOSS_PPM, GAIN_PPM, RISE_PPM = 40_000, 3_000, 10_000


@pytest.mark.parametrize("basis", SCALES_PPM)
@pytest.mark.parametrize("off_ug", [-60 * KILO, -1, 0, 1, 100 * KILO])
@pytest.mark.parametrize("edge", ["loss", "gain", "rise"])
def test_a_reading_books_all_of_the_difference_or_nothing(edge: str, off_ug: int, basis: str) -> None:
    """Exactly on the band nothing changes; a microgram outside, expected becomes the reading. What is stated is
    only compared."""
    scales = SCALES_PPM[basis]
    low, high, rise = (
        100 * (10**6 + ppm) * 1000 for ppm in (-LOSS_PPM - scales, GAIN_PPM + scales, RISE_PPM + scales)
    )
    reading_ug = {"loss": low, "gain": high, "rise": rise}[edge] + off_ug
    trade, _, lab, (lot,) = scene("100")
    raised = weigh(trade, lab, [lot], f"{reading_ug // KILO}.{reading_ug % KILO:09}", basis)
    after = trade.lot(lot)
    outside = not low <= reading_ug <= high
    if basis in ("stated", "estimated"):
        assert (after.expected_ug, after.lowest_ug) == (100 * KILO, 100 * KILO)
        assert raised == ({"mass_said_otherwise"} if outside else set())
        return
    found = {"mass_lost"} if reading_ug < low else {"mass_gained"} if reading_ug > high else set()
    assert raised == found | ({"rise_above_lowest"} if reading_ug > rise else set())
    assert after.expected_ug == (reading_ug if outside else 100 * KILO)
    assert after.lowest_ug == (reading_ug if reading_ug > rise else min(100 * KILO, reading_ug))
    assert (after.lost_ug, after.gained_ug) == (
        max(100 * KILO - after.expected_ug, 0),
        max(after.expected_ug - 100 * KILO, 0),
    )
    assert (after.made_ug, after.missing_ug, after.unexplained_ug) == (
        100 * KILO,
        after.lost_ug,
        after.gained_ug,
    )


@pytest.mark.threat("T22")
@pytest.mark.parametrize("step", ["-0.5", "0.12"])
def test_drift_adds_up_against_one_number(step: str) -> None:
    """Twenty handoffs, each a little off and each inside the band, leave it together and are booked then."""
    trade = Rules()
    people = trade.people(*(f"p{n}:trader,miner" for n in range(21)))
    (lot,) = trade.produce(people[0], "100")
    noticed = []
    for hop, (giver, taker) in enumerate(pairwise(people), 1):
        value = f"{float(Fraction('100') + hop * Fraction(step)):.2f}"
        trade.hand_over(giver, taker, [lot], [weighing(value, lots=[lot])])
        noticed.append({found.rule for found in trade.findings()})
    assert not noticed[0]
    assert any(("mass_lost" if step[0] == "-" else "mass_gained") in rules for rules in noticed)


@pytest.mark.threat("T22")
def test_filling_up_again_shows_against_the_lowest_reading() -> None:
    """Three per cent out and in again never leaves the band of what is expected, but it leaves the lowest's."""
    trade, _, lab, (lot,) = scene("100")
    assert weigh(trade, lab, [lot], "97") == set()
    assert weigh(trade, lab, [lot], "99.91") == set()
    assert weigh(trade, lab, [lot], "99.911") == {"rise_above_lowest"}
    assert trade.lot(lot).expected_ug == 100 * KILO


def test_samples_and_spills_come_off() -> None:
    """The lot is expected to weigh that much less, the lowest reading too; not more than there is."""
    trade, coop, lab, (lot,) = scene("10")
    sample = trade.act(
        "inspection",
        type="assay",
        lots=[lot],
        sample={"number": "L", "mass": {"unit": "GRM", "value": "200"}},
    )
    trade.appends(lab, sample)
    spill = trade.act("retagging", lot=lot, reason="burst", spilled={"unit": "KGM", "value": "0.35"})
    trade.appends(coop, spill)
    after = trade.lot(lot)
    assert (after.expected_ug, after.lowest_ug, after.reading) == (9_450_000_000, 9_450_000_000, "9450")
    assert weigh(trade, lab, [lot], "9.45") == set()
    for value in ("9.45", "9.46", "100"):
        too_much = {"number": "L", "mass": {"unit": "KGM", "value": value}}
        event = trade.act("inspection", type="assay", lots=[lot], sample=too_much)
        trade.refuses("more_than_the_lot", lab, event)
    weigh(trade, lab, [lot], "9.3")
    event = trade.act("retagging", lot=lot, reason="burst", spilled={"unit": "KGM", "value": "9.35"})
    trade.refuses("more_than_the_lot", coop, event)


def test_a_lot_that_has_ended_is_not_weighed_any_more() -> None:
    """A late report on it is recorded and books nothing; a sample cannot be taken out of it."""
    trade, coop, lab, (lot,) = scene("10")
    trade.appends(coop, trade.transformation(trade.on([lot]), ["10"], "repacking"))
    before = trade.lot(lot)
    assert weigh(trade, lab, [lot], "5") == set()
    assert trade.lot(lot).expected_ug == before.expected_ug
    sample = {"number": "L", "mass": {"unit": "GRM", "value": "200"}}
    trade.refuses("lot_ended", lab, trade.act("inspection", type="assay", lots=[lot], sample=sample))


# Shared readings


def test_a_total_is_shared_by_what_is_expected() -> None:
    """The shares are whole micrograms, sum to the reading, and each is booked for itself."""
    trade, _, lab, lots = scene("38.40", "41.00", "36.75", "40.20")
    weigh(trade, lab, lots, "155.90")
    assert [trade.lot(lot).expected_ug for lot in lots] == [
        38_400_000_000,
        41 * KILO,
        36_750_000_000,
        40_200_000_000,
    ]
    assert sum(trade.lot(lot).lowest_ug for lot in lots) == 155_900_000_000
    assert all(trade.lot(lot).reading is None for lot in lots)
    assert weigh(trade, lab, lots, "120") == {"mass_lost"}
    assert sum(trade.lot(lot).expected_ug for lot in lots) == 120 * KILO
    light = [
        Fraction(trade.lot(lot).expected_ug, mass)
        for lot, mass in zip(lots, (3840, 4100, 3675, 4020), strict=True)
    ]
    assert max(light) - min(light) < Fraction(1, 10**3)


def test_crumbs_share_evenly() -> None:
    """Where a reading leaves a lot nothing, it is expected to weigh nothing; and so on without fail."""
    trade, _, lab, _ = scene("1")
    event = trade.production("1")
    coop = trade.people("other:miner")[0]
    event["body"]["lots"] = [trade.new_lot("0.001", "MGM"), trade.new_lot("1000", "KGM")]
    lots = trade.made_by(coop, event)
    trade.appends(coop, event)
    weigh(trade, lab, lots, "900")
    assert sum(trade.lot(lot).expected_ug for lot in lots) == 900 * KILO
    crumbs = [lot for lot in lots if trade.lot(lot).expected_ug <= 1]
    assert len(crumbs) == 1
    weigh(trade, lab, crumbs, "0.000000003")
    assert trade.lot(crumbs[0]).expected_ug == 3


def test_one_event_may_weigh_alone_and_together() -> None:
    """Each lot once; the order of the readings does not matter."""
    for order in (1, -1):
        trade, _, lab, lots = scene("10", "20", "30")
        alone, together = [lots[0]], sorted(lots[1:])
        readings = [weighing("9", lots=alone), weighing("45", lots=together)][::order]
        look = trade.act("inspection", type="weighing", lots=sorted(lots), weighings=readings)
        trade.appends(lab, look)
        assert [trade.lot(lot).expected_ug for lot in lots] == [9 * KILO, 18 * KILO, 27 * KILO]
        assert [trade.lot(lot).reading for lot in lots] == ["9000", None, None]


def test_an_output_is_expected_to_weigh_its_share_of_what_was_expected() -> None:
    """Inside the band, what the inputs weighed closes the lines, and what was expected of them is shared out."""
    trade, coop, lab, lots = scene("100", "50")
    weigh(trade, lab, lots[:1], "99")
    act = trade.transformation(
        trade.on(lots),
        ["90", "49"],
        "processing",
        steps=["wash"],
        losses=[{"type": "tailings", "mass": {"unit": "KGM", "value": "10"}}],
    )
    made = trade.made_by(coop, act)
    trade.appends(coop, act)
    shares = [150 * KILO * 90 // 149, 150 * KILO * 139 // 149]
    assert [trade.lot(lot).expected_ug for lot in made] == [shares[0], shares[1] - shares[0]]
    assert [trade.lot(lot).lowest_ug for lot in made] == [90 * KILO, 49 * KILO]


def test_readings_of_inputs_are_booked_before_they_go_in() -> None:
    """A loss found at the mill stays with the lot that lost, on its record, and is no loss of the milling."""
    trade, coop, _, lots = scene("100", "50")
    readings = [weighing("80", lots=lots[:1])]
    act = trade.transformation(trade.on(lots), ["130"], weighings=readings)
    (made,) = trade.made_by(coop, act)
    trade.appends(coop, act, "mass_lost")
    assert trade.lot(lots[0]).lost_ug == 20 * KILO
    assert trade.lot(made).expected_ug == 130 * KILO
    assert Counter(trade.composition([made]).values()) == Counter([80 * KILO, 50 * KILO])


def test_a_stated_gain_is_a_source_of_its_own() -> None:
    """It is in every output by its share, and named in a finding on each."""
    trade, coop, _, lots = scene("98.40")
    act = trade.transformation(trade.on(lots), ["60", "40"], "split", gain={"unit": "KGM", "value": "1.6"})
    made = trade.made_by(coop, act)
    trade.appends(coop, act, "gain_stated")
    assert {f.subjects for f in trade.findings()} == {(("lot", lot),) for lot in made}
    whole = trade.composition(made)
    assert sorted(whole.values()) == [1_600_000_000, 98_400_000_000]


# Where it comes from


def stirred(sources: Sequence[list[str]]) -> list[str]:
    """Sainte-Laguë: labels of several sources in the order in which a pool of them gives them out."""
    given = [0] * len(sources)
    heap = []
    for _ in range(sum(map(len, sources))):
        left = [k for k in range(len(sources)) if given[k] < len(sources[k])]
        place = max(left, key=lambda k: (Fraction(len(sources[k]), 2 * given[k] + 1), -k))
        heap.append(sources[place][given[place]])
        given[place] += 1
    return heap


class Labels:
    """The same trade with a label on each microgram: the slow twin of the fold's masses and pools."""

    def __init__(self) -> None:
        self.of: dict[LotId, list[str]] = {}

    def reading(self, lot: LotId, reading_ug: int) -> None:
        """Outside the band the whole difference is booked: off the end, or stirred in as gain."""
        had = self.of[lot]
        more = reading_ug - len(had)
        if -more * 100 > len(had) * 4:
            self.of[lot] = had[:reading_ug]
        elif more * 100 > len(had):
            self.of[lot] = stirred([had, ["gain"] * more])

    def mix(
        self, inputs: Sequence[LotId], additive: int, gain: int, typed: Sequence[int], made: Sequence[LotId]
    ) -> None:
        sources = [self.of.pop(lot) for lot in sorted(inputs)]
        sources += [["water"] * additive] if additive else []
        sources += [["gain"] * gain] if gain else []
        heap = stirred(sources)
        for k, lot in enumerate(made):
            start = len(heap) * sum(typed[:k]) // sum(typed)
            end = len(heap) * sum(typed[: k + 1]) // sum(typed)
            self.of[lot] = heap[start:end]


def specks(mass_ug: int) -> dict[str, str]:
    return {"unit": "MGM", "value": f"{mass_ug // 1000}.{mass_ug % 1000:03}"}


@settings(max_examples=40)
@given(data=st.data())
def test_each_microgram_is_where_a_slow_trade_has_it(data: st.DataObject) -> None:
    """Random digging, weighing, sampling and mixing of specks: masses and origins are those of labelled ore."""
    trade = Rules()
    coop, lab = trade.people("coop:miner,trader", "lab:laboratory")
    labels = Labels()
    names: dict[str, str] = {}
    for _ in range(data.draw(st.integers(1, 4))):
        mass = data.draw(st.integers(1, 40))
        event = trade.production("1")
        event["body"]["lots"] = [trade.new_lot("1", weighing={"net": specks(mass), "basis": "measured"})]
        (lot,) = trade.made_by(coop, event)
        trade.appends(coop, event)
        labels.of[lot] = [lot] * mass
        names[lot] = lot
    for _ in range(data.draw(st.integers(1, 5))):
        lots = sorted(lot for lot in labels.of if labels.of[lot])
        act = data.draw(st.sampled_from(["weigh", "sample", "mix", "mix"]))
        if not lots:
            break
        if act == "weigh":
            lot, reading = data.draw(st.sampled_from(lots)), data.draw(st.integers(1, 60))
            net = [{"net": specks(reading), "basis": "measured", "lots": [lot]}]
            trade.appends(lab, trade.act("inspection", type="weighing", lots=[lot], weighings=net))
            labels.reading(lot, reading)
        elif act == "sample":
            lot = data.draw(st.sampled_from(lots))
            most = min(len(labels.of[lot]), _own_reading(trade, lot)) - 1
            if most < 1:
                continue
            taken = data.draw(st.integers(1, most))
            sample = {"number": "L", "mass": specks(taken)}
            trade.appends(lab, trade.act("inspection", type="assay", lots=[lot], sample=sample))
            labels.of[lot] = labels.of[lot][: len(labels.of[lot]) - taken]
        else:
            inputs = data.draw(st.lists(st.sampled_from(lots), min_size=1, max_size=3, unique=True))
            readings = [data.draw(st.integers(1, 40)) for _ in inputs]
            additive, gain = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5))
            total = sum(readings) + additive + gain
            cuts = sorted(data.draw(st.sets(st.integers(1, total - 1), max_size=3))) if total > 1 else []
            typed = [b - a for a, b in zip([0, *cuts], [*cuts, total], strict=True)]
            losses = typed[-1:] if len(typed) > 1 and data.draw(st.booleans()) else []
            outputs = [
                trade.new_lot("1", weighing={"net": specks(mass), "basis": "measured"})
                for mass in typed[: len(typed) - len(losses)]
            ]
            body: dict[str, Any] = {
                "weighings": [
                    {"net": specks(r), "basis": "measured", "lots": [lot]}
                    for lot, r in zip(inputs, readings, strict=True)
                ]
            }
            if additive:
                body["additives"] = [{"material": "water", "mass": specks(additive)}]
            if gain:
                body["gain"] = specks(gain)
            if losses:
                body["losses"] = [{"type": "other", "mass": specks(losses[0])}]
            event = trade.transformation(trade.on(inputs), outputs, **body)
            made = trade.made_by(coop, event)
            trade.appends(coop, event)
            for lot, reading in zip(inputs, readings, strict=True):
                labels.reading(lot, reading)
            labels.mix(inputs, additive, gain, typed, made)
        for lot, expected in labels.of.items():
            assert trade.lot(lot).expected_ug == len(expected)
    for lot, expected in labels.of.items():
        found: Counter[str] = Counter()
        for leaf, mass in trade.composition([lot]).items():
            kind = type(leaf).__name__
            found[leaf.lot if kind == "Production" else {"Additive": "water", "Gain": "gain"}[kind]] += mass
        assert found == Counter(expected)


def _own_reading(trade: Rules, lot: LotId) -> int:
    reading = trade.lot(lot).reading
    return 10**9 if reading is None else int(Fraction(reading) * 1_000_000)
