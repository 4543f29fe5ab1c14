"""Rules over masses, metal and stones: each is provoked, and each leaves an honest case alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from memory import Actor, weighing
from rules import Rules
from traceability.core.composition import Production, flatten
from traceability.core.forms import SortedClass
from traceability.core.ids import LotId
from traceability.core.mass import class_parts, leaf_pool

KILO = 1_000_000_000


def grade(ppm: int, analyte: str = "sn", method: str = "icp", on: str = "dry", **more: Any) -> dict[str, Any]:
    return {"analyte": analyte, "ppm": ppm, "on": on, "method": method, **more}


class Yard:
    """A miner who also processes, a trader, a laboratory."""

    def __init__(self, trade: Rules | None = None) -> None:
        self.trade = trade or Rules()
        self.coop, self.trader, self.lab = self.trade.people(
            "coop:miner,trader,processor", "trader:trader,exporter", "lab:laboratory"
        )

    def dig(self, *lots: Mapping[str, Any]) -> list[LotId]:
        event = self.trade.production("1")
        event["body"]["lots"] = [self.trade.new_lot(lot["kg"], **without(lot, "kg")) for lot in lots]
        self.trade.appends(self.coop, event)
        return self.trade.made_by(self.coop, event)

    def found(self) -> dict[str, str]:
        """The rules that the newest entry raised findings under, with how severe; not that no site is known."""
        return {f.rule: f.severity for f in self.trade.findings() if f.rule != "no_registered_site"}

    def figures(self, rule: str) -> dict[str, str]:
        return dict(self.trade.findings(rule)[0].figures)

    def make(
        self,
        lots: Sequence[LotId],
        outputs: Sequence[Mapping[str, Any]],
        kind: str = "combination",
        **more: Any,
    ) -> list[LotId]:
        news = [self.trade.new_lot(out["kg"], **without(out, "kg")) for out in outputs]
        event = self.trade.transformation(self.trade.on(lots), news, kind, **more)
        self.trade.appends(self.coop, event)
        return self.trade.made_by(self.coop, event)

    def look(self, lots: Sequence[LotId], by: Actor | None = None, **more: Any) -> dict[str, str]:
        self.trade.appends(
            by or self.lab, self.trade.act("inspection", type="assay", lots=sorted(lots), **more)
        )
        return self.found()

    def weigh(self, lot: LotId, kg: str, moisture: int | None = None, **more: Any) -> dict[str, str]:
        water = {"moistures": [{"lots": [lot], "ppm": moisture}]} if moisture is not None else {}
        return self.look([lot], weighings=[weighing(kg, lots=[lot]) | more], **water)


def without(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: field for name, field in value.items() if name not in names}


def mass(value: str, unit: str = "KGM") -> dict[str, str]:
    return {"unit": unit, "value": value}


def loss(kg: str, kind: str = "tailings", **more: Any) -> dict[str, Any]:
    return {"type": kind, "mass": mass(kg), **more}


@pytest.fixture
def yard() -> Yard:
    return Yard()


# Bands


@pytest.mark.parametrize(
    ("kg", "found"),
    [
        ("94", {}),
        ("93.9", {"mass_lost": "warning"}),
        ("86", {"mass_lost": "warning"}),
        ("85.9", {"mass_lost": "severe"}),
        ("102.3", {}),
        ("102.4", {"mass_gained": "warning"}),
        ("103", {"mass_gained": "warning"}),
        ("103.1", {"mass_gained": "severe", "rise_above_lowest": "warning"}),
        ("104.1", {"mass_gained": "severe", "rise_above_lowest": "severe"}),
    ],
)
def test_beyond_the_fail_value_a_finding_is_severe(yard: Yard, kg: str, found: dict[str, str]) -> None:
    """3T as weighed: loss 4 and 12 %, gain 0.3 and 1 %, rise 1 and 2 %, each with one per cent a scale."""
    (lot,) = yard.dig({"kg": "100"})
    assert yard.weigh(lot, kg) == found


def test_a_finding_shows_the_band_that_judged_it(yard: Yard) -> None:
    """Both sides, the warn and the fail value as widened, by how much, and how it was compared."""
    (lot,) = yard.dig({"kg": "100"})
    yard.weigh(lot, "90", scale_error_ppm=2_000)
    assert yard.figures("mass_lost") == {
        "band_ppm": "52000",
        "compared": "as_weighed",
        "expected_ug": str(100 * KILO),
        "fail_ppm": "132000",
        "reading_ug": str(90 * KILO),
        "scales_ppm": "12000",
    }


def test_a_marked_scale_narrows_the_band_on_its_side(yard: Yard) -> None:
    """What the earlier scale may have erred stays with the lot; a gain of 0.6 % passes between bad scales only."""
    good = {"scale_error_ppm": 1_000}
    weighed = {"net": mass("100"), "basis": "measured"}
    first, second = yard.dig({"kg": "100", "weighing": weighed | good}, {"kg": "100"})
    assert yard.weigh(first, "100.5", **good) == {}
    assert yard.weigh(first, "100.6", **good) == {"mass_gained": "warning"}
    assert yard.weigh(second, "100.6", **good) == {}


def test_a_rise_is_told_of_once(yard: Yard) -> None:
    """Whoever weighs the lot after that is not accused again; who takes out and fills up once more is."""
    (lot,) = yard.dig({"kg": "100"})
    yard.weigh(lot, "95")
    assert "rise_above_lowest" in yard.weigh(lot, "99.5")
    assert yard.weigh(lot, "99.5") == yard.weigh(lot, "99.6") == {}
    yard.weigh(lot, "96")
    assert "rise_above_lowest" in yard.weigh(lot, "100.1")


def test_policies_set_the_bands_by_mineral_step_and_country() -> None:
    """The ledger's own numbers judge from its genesis on; the most telling one counts."""
    trade = Rules(genesis=False)
    whole = trade.genesis()
    bands = [
        {"rule": "mass_lost", "name": "warn_ppm", "value": 80_000},
        {
            "rule": "mass_lost",
            "name": "warn_ppm",
            "mineral": "cassiterite",
            "step": "handoff",
            "value": 20_000,
        },
    ]
    whole["body"]["policy"] = {**whole["body"]["policy"], "bands": bands}
    trade.appends(trade.operator, whole)
    coop, lab = trade.people("coop:miner", "lab:laboratory")
    event = trade.production("100", "100")
    event["body"]["lots"][1]["mineral"] = "cobalt"
    trade.appends(coop, event)
    for lot, most in zip(trade.made_by(coop, event), ("96", "90"), strict=True):
        for value, found in ((most, set()), (f"{int(most) - 1}", {"mass_lost"})):
            look = trade.act(
                "inspection", type="weighing", lots=[lot], weighings=[weighing(value, lots=[lot])]
            )
            trade.appends(lab, look)
            assert {f.rule for f in trade.findings()} == found


# Water


def test_drying_is_no_loss_where_moisture_was_measured_on_both_sides(yard: Yard) -> None:
    """Ten per cent water dries to two: the lot weighs eight per cent less, and what dried off is named."""
    (lot,) = yard.dig({"kg": "100", "moisture_ppm": 100_000})
    assert yard.weigh(lot, "91.84", moisture=20_000) == {}
    after = yard.trade.lot(lot)
    assert after.expected_ug == 91_836_734_694  # 90 kg of ore with two per cent water
    assert (after.missing_ug, after.unexplained_ug, after.lost_ug) == (0, 0, 100 * KILO - 91_836_734_694)
    assert yard.weigh(lot, "91.84") == {}


@pytest.mark.threat("T22")
def test_wetting_hides_no_ore_where_moisture_is_measured(yard: Yard) -> None:
    """The same weight with less water is more ore: dry masses are compared, in the narrower band."""
    (lot,) = yard.dig({"kg": "100", "moisture_ppm": 100_000})
    assert yard.weigh(lot, "100", moisture=20_000) == {"mass_gained": "severe", "rise_above_lowest": "severe"}
    assert yard.figures("mass_gained")["compared"] == "dry"


def test_dry_masses_are_judged_at_half_a_percent(yard: Yard) -> None:
    """Edges of the dry band, 0.5 and 1.5 % with one per cent a scale: with the same water the weights tell."""
    for kg, found in (
        ("102.5", {}),
        ("102.6", "warning"),
        ("103.5", "warning"),
        ("103.6", "severe"),
        ("97.5", {}),
    ):
        (lot,) = yard.dig({"kg": "100", "moisture_ppm": 50_000})
        raised = yard.weigh(lot, kg, moisture=50_000)
        assert raised.get("mass_gained", {}) == found


def test_drift_adds_up_dry_too(yard: Yard) -> None:
    """One dry mass is the number; weighings inside the band do not move it, however wet the lot is meanwhile."""
    (lot,) = yard.dig({"kg": "100", "moisture_ppm": 100_000})
    noticed = []
    for hop in range(1, 7):
        dry_g = 90_000 + hop * 500
        water = 100_000 - hop * 10_000
        noticed.append(yard.weigh(lot, f"{dry_g / 1000 / (1 - water / 1e6):.3f}", moisture=water))
    assert noticed[:4] == [{}] * 4
    assert any("mass_gained" in found for found in noticed)


def test_rain_is_water_and_no_gain(yard: Yard) -> None:
    """What moisture shows to have come in is in the composition as water, not as unexplained mass."""
    (lot,) = yard.dig({"kg": "100", "moisture_ppm": 50_000})
    assert yard.weigh(lot, "105.55", moisture=100_000) == {}
    after = yard.trade.lot(lot)
    assert after.unexplained_ug == 0
    assert after.wetted_ug == after.gained_ug == after.expected_ug - 100 * KILO
    assert {type(leaf).__name__ for leaf in yard.trade.composition([lot])} == {"Production", "Additive"}


def test_all_water_says_nothing(yard: Yard) -> None:
    """A moisture of a million ppm leaves no ore to compare with: it is passed over."""
    (lot,) = yard.dig({"kg": "100", "moisture_ppm": 1_000_000})
    assert yard.weigh(lot, "100", moisture=1_000_000) == {}
    assert yard.trade.lot(lot).expected_ug == 100 * KILO


def test_a_sample_takes_its_share_of_the_dry_mass(yard: Yard) -> None:
    """What is taken out is as wet as the lot; the rest balances as before."""
    (lot,) = yard.dig({"kg": "100", "moisture_ppm": 100_000})
    yard.look([lot], sample={"number": "L", "mass": mass("10")})
    after = yard.trade.lot(lot)
    assert (after.named_ug, after.missing_ug) == (10 * KILO, 0)
    assert after.quality is not None
    assert after.quality.dry_ug == 81 * KILO
    assert yard.weigh(lot, "81", moisture=0) == {}


# Mixing


def test_losses_named_in_mixing(yard: Yard) -> None:
    """Dividing and mixing cost little: 1 % of what went in is the edge, 3 % the severe one; samples do not count."""
    for kg, kind, found in (
        ("1", "spillage", {}),
        ("1.1", "spillage", {"loss_without_processing": "warning"}),
        ("3.1", "spillage", {"loss_without_processing": "severe"}),
        ("3.1", "sample", {}),
    ):
        (lot,) = yard.dig({"kg": "100"})
        yard.make([lot], [{"kg": f"{100 - float(kg):.1f}"}], "split", losses=[loss(kg, kind)])
        assert yard.found() == found


def test_a_gain_is_stated_never_silently(yard: Yard) -> None:
    """Scales of one yard differ; a notice inside the band, a warning outside it, severe beyond one per cent."""
    for kg, found in (("0.3", "notice"), ("0.4", "warning"), ("1.1", "severe")):
        (lot,) = yard.dig({"kg": "100"})
        yard.make([lot], [{"kg": f"{100 + float(kg):.1f}"}], gain=mass(kg))
        assert yard.found() == {"gain_stated": found}
        assert yard.figures("gain_stated")["into_ug"] == str(100 * KILO)


# Assays


def test_grades_no_mineral_can_have(yard: Yard) -> None:
    """78.77 % tin is all there is in cassiterite; in a bar of tin there is more."""
    yard.dig({"kg": "10", "assays": [grade(787_700)], "also": ["coltan"]})
    assert yard.found() == {}
    yard.dig({"kg": "10", "assays": [grade(787_701)], "also": ["coltan"]})
    assert yard.found() == {"grade_above_ceiling": "severe"}
    yard.dig({"kg": "10", "form": "bar", "assays": [grade(999_000)], "also": ["coltan"]})
    assert yard.found() == {}


def test_grades_that_are_not_usual(yard: Yard) -> None:
    """Cassiterite between 30 and 72 %; tailings may hold what is left."""
    for ppm, form, found in (
        (300_000, "ore", {}),
        (299_999, "ore", {"grade_unusual": "warning"}),
        (720_000, "concentrate", {}),
        (720_001, "concentrate", {"grade_unusual": "warning"}),
        (20_000, "tailings", {}),
    ):
        yard.dig({"kg": "10", "form": form, "assays": [grade(ppm)]})
        assert yard.found() == found


def test_another_ore_in_the_bag_is_named(yard: Yard) -> None:
    """Coltan declared as cassiterite shows in its tantalum, unless the lot names it; a trace is none."""
    for ppm, also, found in (
        (50_000, None, {}),
        (200_000, None, {"mineral_not_named": "warning"}),
        (200_000, ["coltan"], {}),
    ):
        named = {"also": also} if also else {}
        yard.dig({"kg": "10", "assays": [grade(450_000), grade(ppm, "ta2o5")], **named})
        assert yard.found() == found


def test_the_best_method_decides_then_the_newest(yard: Yard) -> None:
    """A worse figure that comes later is on record and changes nothing; a better one is a dated finding."""
    (lot,) = yard.dig({"kg": "100", "assays": [grade(500_000, method="handheld_xrf", error_ppm=20_000)]})

    def decides() -> tuple[int, str]:
        known = yard.trade.lot(lot).quality
        assert known is not None
        return known.grades[0].ppm, known.grades[0].method

    assert yard.look([lot], assays=[grade(600_000, method="visual") | {"lots": [lot]}]) == {}
    assert decides() == (500_000, "handheld_xrf")
    first = yard.trade.lot(lot).maker
    assert yard.look([lot], assays=[grade(520_000) | {"lots": [lot]}]) == {"assay_revised": "notice"}
    assert first in yard.trade.findings("assay_revised")[0].events
    assert decides() == (520_000, "icp")
    assert yard.look([lot], assays=[grade(520_000) | {"lots": [lot]}]) == {}
    newest = grade(560_000) | {"lots": [lot]}
    assert yard.look([lot], assays=[newest]) == {"assay_revised": "warning"}
    assert decides() == (560_000, "icp")
    assert yard.look([lot], assays=[grade(300_000, method="lab_xrf") | {"lots": [lot]}]) == {}


def test_of_several_figures_in_one_event_the_best_counts(yard: Yard) -> None:
    (lot,) = yard.dig({"kg": "9", "assays": [grade(450_000, method="icp"), grade(650_000, method="visual")]})
    known = yard.trade.lot(lot).quality
    assert known is not None
    assert [(g.ppm, g.event) for g in known.grades] == [(450_000, None)]


def test_an_assay_that_did_not_occur_is_none(yard: Yard) -> None:
    """The figure before it decides again."""
    (lot,) = yard.dig({"kg": "9", "assays": [grade(450_000, method="visual")]})
    before = yard.trade.lot(lot).quality
    look = yard.trade.act("inspection", type="assay", lots=[lot], assays=[grade(460_000) | {"lots": [lot]}])
    event = yard.trade.appends(yard.lab, look)
    assert yard.trade.lot(lot).quality != before
    yard.trade.appends(yard.lab, yard.trade.correction(event))
    assert yard.trade.lot(lot).quality == before


def test_a_laboratorys_slip_is_put_right_wherever_the_lot_is(yard: Yard) -> None:
    """The corrected figure decides; a better one of another event stays; what an ended lot was said to hold stays."""
    trade = yard.trade
    (lot,) = yard.dig({"kg": "9", "assays": [grade(455_000, method="visual")]})
    maker = trade.lot(lot).maker
    assay = grade(46_000) | {"lots": [lot]}
    slip = trade.appends(yard.lab, trade.act("inspection", type="assay", lots=[lot], assays=[assay]))
    trade.hand_over(yard.coop, yard.trader, [lot], [weighing("9", lots=[lot])])
    trade.appends(yard.lab, trade.correction(slip, {"/assays/0/ppm": 460_000}))
    assert not trade.findings()
    trade.appends(yard.coop, trade.correction(maker, {"/lots/0/assays/0/ppm": 400_000}))
    known = trade.lot(lot).quality
    assert known is not None
    assert [(g.ppm, g.method, g.event) for g in known.grades] == [(460_000, "icp", slip)]
    trade.appends(yard.trader, trade.closure(trade.on([lot])))
    trade.appends(yard.lab, trade.correction(slip, {"/assays/0/ppm": 470_000}), "corrected_too_late")


def test_water_written_wrong_is_put_right_while_nothing_rests_on_it(yard: Yard) -> None:
    """The first moisture of a lot can be corrected until another was measured; then the record stays."""
    (lot,) = yard.dig({"kg": "100", "moisture_ppm": 10_000})
    maker = yard.trade.lot(lot).maker
    yard.trade.appends(yard.coop, yard.trade.correction(maker, {"/lots/0/moisture_ppm": 100_000}))
    assert yard.weigh(lot, "90", moisture=0) == {}
    again = yard.trade.correction(maker, {"/lots/0/moisture_ppm": 120_000})
    yard.trade.appends(yard.coop, again, "corrected_too_late")


# Blends and metal


@pytest.mark.parametrize(
    ("ppm", "found"),
    [
        (540_000, {}),
        (500_000, {}),
        (600_000, {}),
        (630_000, {"grade_outside_inputs": "warning"}),
        (470_000, {"grade_outside_inputs": "warning"}),
    ],
)
def test_a_blend_lies_between_its_inputs(yard: Yard, ppm: int, found: dict[str, str]) -> None:
    """Between the poorest and the richest lot that went in, give or take two errors of the assays."""
    lots = yard.dig(*({"kg": "50", "assays": [grade(p, error_ppm=5_000)]} for p in (500_000, 600_000)))
    yard.make(lots, [{"kg": "100", "assays": [grade(ppm, error_ppm=5_000)]}])
    assert yard.found() == found


def wash(yard: Yard, grades: tuple[int, int], kg: str, **more: Any) -> dict[str, str]:
    """A hundred kilograms of a grade washed to so many of another, both with two per cent water."""
    water = {"moisture_ppm": 20_000}
    (lot,) = yard.dig({"kg": "100", "form": "ore", "assays": [grade(grades[0], error_ppm=2_000)], **water})
    out = {"kg": kg, "assays": [grade(grades[1], error_ppm=2_000)], **water}
    rest = f"{100 - float(kg):.2f}"
    yard.make([lot], [out], "processing", steps=["wash"], losses=[loss(rest)], **more)
    return yard.found()


@pytest.mark.parametrize(
    ("kg", "found"),
    [
        ("60.00", {}),
        ("56.50", {}),
        ("66.60", {}),
        ("67.00", {}),
        ("67.20", {"metal_gained": "warning"}),
        ("67.60", {"metal_gained": "severe"}),
        ("39.80", {}),
        ("39.00", {"recovery_low": "warning"}),
    ],
)
def test_metal_does_not_grow_and_little_is_thrown_away(yard: Yard, kg: str, found: dict[str, str]) -> None:
    """40 % to 60 %: 66.7 kg hold all the metal there was; a sound plant gives back 60 % of it at least."""
    assert wash(yard, (400_000, 600_000), kg) == found


def test_without_figures_on_both_sides_metal_is_not_judged(yard: Yard) -> None:
    """An input nobody assayed, or a dry grade of unknown water, says nothing."""
    lots = yard.dig({"kg": "50", "assays": [grade(400_000)]}, {"kg": "50"})
    out = {"kg": "99", "assays": [grade(700_000)], "moisture_ppm": 0}
    yard.make(lots, [out], "processing", steps=["wash"], losses=[loss("1")])
    assert yard.found() == {}
    (lot,) = yard.dig({"kg": "100", "assays": [grade(400_000)]})
    yard.make([lot], [out | {"kg": "99"}], "processing", steps=["wash"], losses=[loss("1")])
    assert yard.found() == {}


def test_several_minerals_in_one_bag_are_each_balanced(yard: Yard) -> None:
    """Tin is in order, and there is more tantalum than went in."""
    both = {"moisture_ppm": 0, "also": ["coltan"]}
    (lot,) = yard.dig({"kg": "100", "assays": [grade(400_000), grade(100_000, "ta2o5")], **both})
    for ta, found in ((140_000, {}), (180_000, {"metal_gained": "severe"})):
        trade = yard.trade
        yard.trade = trade.fork()
        out = {"kg": "60", "assays": [grade(600_000), grade(ta, "ta2o5")], **both}
        yard.make([lot], [out], "processing", steps=["magnetic"], losses=[loss("40")])
        assert yard.found() == found
        if found:
            assert yard.figures("metal_gained")["analyte"] == "ta2o5"
        yard.trade = trade


def test_richer_ore_for_poorer_at_the_same_weight(yard: Yard) -> None:
    """Weighed and assayed on both sides: the metal tells what the weight does not, both ways."""
    for ppm, found in (
        (500_000, None),
        (490_000, None),
        (440_000, "metal_lost"),
        (560_000, "metal_gained"),
    ):
        (lot,) = yard.dig({"kg": "100", "moisture_ppm": 50_000, "assays": [grade(500_000, error_ppm=5_000)]})
        assays = [grade(ppm, error_ppm=5_000) | {"lots": [lot]}]
        water = [{"lots": [lot], "ppm": 50_000}]
        raised = yard.look([lot], weighings=[weighing("100", lots=[lot])], assays=assays, moistures=water)
        assert {rule for rule in raised if rule.startswith("metal")} == ({found} if found else set())


# Gold


def melt(yard: Yard, grams: str, fine: int, **more: Any) -> dict[str, str]:
    """A hundred grams of dust of 900 fine melted into a bar."""
    gold = {"mineral": "gold", "unit": "GRM"}
    fineness = [grade(900_000, "au", "fire", "as_is", error_ppm=500)]
    (lot,) = yard.dig({"kg": "100", "form": "dust", "assays": fineness, **gold})
    out = {"kg": grams, "form": "dore", "assays": [grade(fine, "au", "fire", "as_is", error_ppm=500)], **gold}
    rest = {"type": "slag", "mass": mass(f"{100 - float(grams):.2f}", "GRM")}
    yard.make([lot], [out], "processing", steps=["melt"], losses=[rest], **more)
    return yard.found()


@pytest.mark.parametrize(
    ("grams", "fine", "found"),
    [
        ("95.00", 945_000, {}),
        ("99.90", 900_000, {}),
        ("99.95", 899_000, {}),
        ("89.00", 990_000, {}),
        ("88.90", 990_000, {"melt_loss_unusual": "warning"}),
        ("95.00", 952_000, {}),
        ("95.00", 954_000, {"metal_gained": "warning"}),
        ("95.00", 964_000, {"metal_gained": "severe"}),
    ],
)
def test_dust_to_dore(yard: Yard, grams: str, fine: int, found: dict[str, str]) -> None:
    """A melt loses 1 to 10 %, give or take the scales; fine gold gains half a per cent at most, and the assays' error."""
    assert melt(yard, grams, fine) == found


def test_a_melt_that_loses_nothing() -> None:
    """Where a policy says that scales are good, a melt that loses less than one per cent shows."""
    trade = Rules(genesis=False)
    whole = trade.genesis()
    good = {"rule": "scale_error", "name": "measured", "mineral": "gold", "value": 500}
    whole["body"]["policy"] = {**whole["body"]["policy"], "thresholds": [good]}
    trade.appends(trade.operator, whole)
    yard = Yard(trade)
    assert melt(yard, "99.20", 899_000) == {"melt_loss_unusual": "warning"}
    assert melt(yard, "98.90", 899_000) == {}


# Stones


def stones(yard: Yard, carats: str, count: int, **more: Any) -> dict[str, Any]:
    return {"kg": carats, "unit": "CTM", "mineral": "diamond", "form": "rough", "count": count, **more}


def test_carats_do_not_grow(yard: Yard) -> None:
    """Two hundredths of a carat a parcel are two scales' worth; more is severe."""
    for carats, found in (
        ("10.02", {"gain_stated": "warning"}),
        ("10.03", {"gain_stated": "severe", "carats_gained": "severe"}),
    ):
        (lot,) = yard.dig(stones(yard, "10.00", 7))
        more = mass(f"{float(carats) - 10:.2f}", "CTM")
        yard.make([lot], [stones(yard, carats, 7)], "repacking", gain=more)
        assert {rule for rule in yard.found() if rule.startswith("carats")} == {
            rule for rule in found if rule.startswith("carats")
        }


def test_many_parcels_err_by_many_scales(yard: Yard) -> None:
    """Nine parcels were weighed nine times: the heap may show 0.18 ct more, and not 0.19."""
    for carats, found in (("90.18", set()), ("90.19", {"carats_gained"})):
        lots = yard.dig(*[stones(yard, "10.00", 7)] * 9)
        more = mass(f"{float(carats) - 90:.2f}", "CTM")
        yard.make(lots, [stones(yard, carats, 63)], gain=more)
        assert {rule for rule in yard.found() if rule.startswith("carats")} == found


def test_a_parcel_weighed_again(yard: Yard) -> None:
    """Any gain above 0.02 ct is severe; cleaning takes off two per cent."""
    for carats, found in (
        ("10.02", {}),
        ("10.03", {"mass_gained": "severe", "rise_above_lowest": "severe"}),
        ("9.80", {}),
        ("9.79", {"mass_lost": "warning"}),
        ("9.49", {"mass_lost": "severe"}),
    ):
        (lot,) = yard.dig(stones(yard, "10.00", 7))
        assert yard.look([lot], weighings=[weighing(carats, unit="CTM", lots=[lot])]) == found


def test_stones_do_not_vanish_or_multiply(yard: Yard) -> None:
    """Counts close or the event is rejected; breakage is named, other losses are noticed; cutting may divide."""
    for kind, found in (("breakage", {}), ("other", {"stones_lost": "warning"})):
        (lot,) = yard.dig(stones(yard, "10.00", 7))
        lost = [{"type": kind, "count": 1, "mass": mass("0.10", "CTM")}]
        yard.make([lot], [stones(yard, "9.90", 6)], "processing", steps=["boil"], losses=lost)
        assert yard.found() == found
    for kind, found in (("breakage", {}), ("other", {"stones_gained": "severe"})):
        (lot,) = yard.dig(stones(yard, "10.00", 7))
        lost = [{"type": kind, "mass": mass("4.00", "CTM"), **({"count": 1} if kind == "breakage" else {})}]
        yard.make([lot], [stones(yard, "6.00", 9)], "processing", steps=["cut"], losses=lost)
        assert yard.found() == found


def item(number: str, carats: str) -> dict[str, Any]:
    return {"number": number, "mass": mass(carats, "CTM")}


def test_numbered_stones_are_followed_one_by_one(yard: Yard) -> None:
    """One that weighs more than it did, one that weighs much less, one that is nowhere; and all in order."""
    for items, found in (
        ([item("A", "3.00"), item("B", "2.00")], {}),
        ([item("A", "3.02"), item("B", "1.98")], {}),
        ([item("A", "3.03"), item("B", "2.00")], {"stone_changed": "severe"}),
        ([item("A", "2.90"), item("B", "2.00")], {"stone_changed": "warning"}),
        ([item("A", "3.00")], {"stone_gone": "warning"}),
    ):
        (lot,) = yard.dig(stones(yard, "10.00", 7, items=[item("A", "3.00"), item("B", "2.00")]))
        outputs = [stones(yard, "10.00", 7, items=items)]
        yard.make([lot], outputs, "processing", steps=["sort"], share_by="item")
        assert yard.found() == found


def test_sorted_classes_lead_back_to_the_lots_they_were_dug_in(yard: Yard) -> None:
    """Each class is a stretch of the parcel; together with the rest they are all of it, and none is shared twice."""
    lots = yard.dig(stones(yard, "6.00", 4), stones(yard, "4.00", 3))
    classes = [
        {"name": "+3", "count": 2, "mass": mass("5.00", "CTM")},
        {"name": "-3", "count": 3, "mass": mass("3.00", "CTM")},
    ]
    (parcel,) = yard.make(lots, [stones(yard, "10.00", 7, classes=classes)], "processing", steps=["sort"])
    trade = yard.trade
    spans = class_parts(trade.lot(parcel), [SortedClass.model_validate(c) for c in classes])
    pools = {f"{lot}:0": leaf_pool(trade.lot(lot)) for lot in lots}
    pools[trade.lot(parcel).maker] = trade.state.records["pool", trade.lot(parcel).maker].pool  # type: ignore[union-attr]
    for parts, whole in zip(spans, (1_000_000, 600_000), strict=True):
        found = flatten(parts, pools.__getitem__)
        assert sum(found.values()) == whole
        assert {leaf.lot for leaf in found if isinstance(leaf, Production)} == set(lots)
        assert found[Production(lots[0], None)] * 4 == found[Production(lots[1], None)] * 6
