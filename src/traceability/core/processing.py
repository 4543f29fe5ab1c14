"""What may come out of a step, by what went in: grades of a blend, metal, melt loss, carats, stones.

The lines of a transformation close by mass before any of this; that is arithmetic, and rejects. Here is what is
merely not believable. Each rule needs figures on both sides and is silent where one is missing.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from traceability.core import bands, quality
from traceability.core.custody_bodies import TransformationBody
from traceability.core.findings import mass as mass_rules
from traceability.core.findings import quality as rules
from traceability.core.findings import stones
from traceability.core.findings.quality import NO_METAL, Metal
from traceability.core.forms import STONES
from traceability.core.ids import LotId
from traceability.core.lot_records import Grade, Lot
from traceability.core.mass import share
from traceability.core.outcome import Step
from traceability.core.quantity import micrograms, read_grams
from traceability.core.record import Address

PAID = ("ag", "au", "co", "cu", "nb2o5", "sn", "ta2o5", "wo3")
"""Substances whose metal is balanced, each by itself: several minerals may lie in one bag."""
_MELTS = frozenset({"amalgam_burn", "melt", "refine"})
_SORTS = frozenset({"boil", "sort"})
_RESIDUES = frozenset({"middlings", "slag", "tailings"})
_MELT_LOSS = (frozenset({"dust"}), frozenset({"bar", "dore"}))


class Through(NamedTuple):
    """A step with what went in, as weighed now, and what came out."""

    body: TransformationBody
    inputs: Sequence[tuple[Lot, int]]
    outputs: Sequence[tuple[Lot, int]]

    @property
    def into_ug(self) -> int:
        return sum(mass_ug for _, mass_ug in self.inputs)

    @property
    def subjects(self) -> list[Address]:
        return [("lot", lot.id) for lot, _ in self.outputs]


def through(
    body: TransformationBody, inputs: Mapping[LotId, Lot], before: Mapping[LotId, Lot], outputs: Sequence[Lot]
) -> Through:
    """The step; `before` are the inputs as they stood before this event weighed them, which shares readings."""
    into: dict[LotId, int] = {}
    for weighing in body.weighings or ():
        into |= share(weighing, before)
    for lot in inputs.values():
        if lot.id not in into and lot.reading is not None:
            into[lot.id] = micrograms(read_grams(lot.reading))
    weighed = [(inputs[lot], into.get(lot, inputs[lot].expected_ug)) for lot in sorted(inputs)]
    masses = (new.weighing.net.mass_ug for new in body.outputs)
    return Through(body, weighed, list(zip(outputs, masses, strict=True)))


def step_of(body: TransformationBody, minerals: set[str]) -> str:
    """The step whose numbers judge it."""
    steps = set(body.steps or ())
    if not steps:
        return "combination"
    if minerals == {"gold"} and steps & _MELTS:
        return "melt"
    return "sort" if steps <= _SORTS else "processing"


def judge(step: Step, went: Through) -> None:
    """Raises what is not believable of this step, on the lots it made."""
    body = went.body
    minerals = {lot.mineral for lot, _ in went.inputs}
    at = step_of(body, minerals)
    _judge_mass(step, went, at)
    if minerals <= STONES:
        _judge_stones(step, went)
    if body.share_by == "item":
        _judge_items(step, went)
    if at == "melt":
        _judge_melt(step, went)
    if any(lot.quality is not None and lot.quality.grades for lot, _ in went.outputs):
        _judge_quality(step, went, at)


def _judge_mass(step: Step, went: Through, at: str) -> None:
    body = went.body
    if body.gain is not None:
        warn, fail = (_band(step, "gain_stated", name, went, at) for name in ("warn_ppm", "fail_ppm"))
        raised = mass_rules.gain_stated(body.gain.mass_ug, went.into_ug, warn, fail)
        for subject in went.subjects:
            step.notice("gain_stated", raised, [subject])
    if at == "combination" and body.losses:
        lost_ug = sum(loss.mass.mass_ug for loss in body.losses if loss.type != "sample")
        warn, fail = (
            _band(step, "loss_without_processing", name, went, at) for name in ("warn_ppm", "fail_ppm")
        )
        raised = mass_rules.loss_without_processing(lost_ug, went.into_ug, warn, fail)
        step.notice("loss_without_processing", raised, went.subjects)


def _band(step: Step, rule: str, name: str, went: Through, at: str) -> int:
    return bands.threshold(step, rule, name, mineral=went.inputs[0][0].mineral, at=at, band=True)


# Metal


def _judge_quality(step: Step, went: Through, at: str) -> None:
    for analyte in PAID:
        grades = [quality.of(lot.quality, analyte) for lot, _ in went.inputs]
        known = [grade for grade in grades if grade is not None]
        if len(known) < len(grades):
            continue
        if at == "combination":
            _judge_blend(step, went, analyte, known)
        else:
            _judge_metal(step, went, analyte, known, at)


def _judge_blend(step: Step, went: Through, analyte: str, grades: Sequence[Grade]) -> None:
    for lot, _ in went.outputs:
        grade = quality.of(lot.quality, analyte)
        if grade is None:
            continue
        figures = [
            quality.figure_on(step, each.mineral, each.form, each.quality, known, dry=grade.dry)
            for (each, _), known in zip(went.inputs, grades, strict=True)
        ]
        told = [figure for figure in figures if figure is not None]
        if len(told) < len(figures):
            continue
        sigma = bands.threshold(step, "grade_outside_inputs", "sigma", mineral=lot.mineral)
        own = quality.error_ppm(step, lot.mineral, grade)
        error_ppm = sigma * (max(figure.error_ppm for figure in told) + own) // 1000
        low = 0 if went.body.additives else min(figure.ppm for figure in told)
        high = max(figure.ppm for figure in told)
        raised = rules.grade_outside_inputs(analyte, grade.ppm, low, high, error_ppm)
        step.notice("grade_outside_inputs", raised, [("lot", lot.id)])


def _judge_metal(step: Step, went: Through, analyte: str, grades: Sequence[Grade], at: str) -> None:
    into, out, all_told = NO_METAL, NO_METAL, True
    for (lot, mass_ug), grade in zip(went.inputs, grades, strict=True):
        held = quality.metal(step, lot.mineral, lot.form, mass_ug, lot.quality, grade)
        if held is None:
            return
        into = into.plus(held)
    for lot, mass_ug in went.outputs:
        known = quality.of(lot.quality, analyte)
        made: Metal | None = None
        if known is not None:
            made = quality.metal(step, lot.mineral, lot.form, mass_ug, lot.quality, known)
        if made is not None:
            out = out.plus(made)
        elif lot.form not in _RESIDUES:
            all_told = False
    mineral = went.inputs[0][0].mineral
    limits = quality.allowed(step, "metal_gained", mineral, at)
    step.notice("metal_gained", rules.metal_gained(analyte, into, out, limits), went.subjects)
    if all_told and out.amount and quality.MAIN.get(mineral) == analyte:
        least_ppm = bands.threshold(step, "recovery_low", "least_ppm", mineral=mineral, at=at)
        step.notice("recovery_low", rules.recovery_low(analyte, into, out, least_ppm), went.subjects)


def _judge_melt(step: Step, went: Through) -> None:
    before, after = ({lot.form for lot, _ in side} for side in (went.inputs, went.outputs))
    if not (before <= _MELT_LOSS[0] and after <= _MELT_LOSS[1]) or went.body.additives or went.body.gain:
        return
    least, most = (
        bands.threshold(step, "melt_loss_unusual", n, mineral="gold") for n in ("least_ppm", "most_ppm")
    )
    scales_ppm = 2 * bands.limits(step, "gold", "melt").error_ppm["measured"]
    out_ug = sum(mass_ug for _, mass_ug in went.outputs)
    raised = rules.melt_loss_unusual(went.into_ug, out_ug, least, most, scales_ppm)
    step.notice("melt_loss_unusual", raised, went.subjects)


# Stones and bars


def _judge_stones(step: Step, went: Through) -> None:
    body = went.body
    broken = sum(loss.count or 0 for loss in body.losses or () if loss.type == "breakage")
    if "cut" in (body.steps or ()):
        into, out = (sum(lot.count or 0 for lot, _ in side) for side in (went.inputs, went.outputs))
        step.notice("stones_gained", stones.stones_gained(into, out, broken), went.subjects)
    odd = [loss for loss in body.losses or () if loss.count and loss.type not in ("breakage", "sample")]
    raised = stones.stones_lost([loss.type for loss in odd], sum(loss.count or 0 for loss in odd))
    step.notice("stones_lost", raised, went.subjects)
    expected_ug = sum(lot.expected_ug for lot, _ in went.inputs)
    out_ug = sum(mass_ug for _, mass_ug in went.outputs)
    most_ug = bands.threshold(step, "carats_gained", "most_ug", mineral=went.inputs[0][0].mineral)
    most_ug *= max(len(went.inputs), len(went.outputs))
    step.notice("carats_gained", stones.carats_gained(expected_ug, out_ug, most_ug), went.subjects)


def _judge_items(step: Step, went: Through) -> None:
    if "cut" in (went.body.steps or ()):
        return
    known = {item.number: item for lot, _ in went.inputs for item in lot.items}
    mineral = went.inputs[0][0].mineral
    most_ug = bands.threshold(step, "carats_gained", "most_ug", mineral=mineral)
    most_ppm = bands.threshold(step, "carats_lost", "most_ppm", mineral=mineral)
    for new, (lot, _) in zip(went.body.outputs, went.outputs, strict=True):
        for item in new.items or ():
            was = known.pop(item.number, None)
            if was is not None:
                raised = stones.stone_changed(item.number, was.mass_ug, item.mass.mass_ug, most_ug, most_ppm)
                step.notice("stone_changed", raised, [("lot", lot.id)])
    if not any(loss.type == "breakage" for loss in went.body.losses or ()):
        step.notice("stone_gone", stones.stone_gone(sorted(known)), went.subjects)
