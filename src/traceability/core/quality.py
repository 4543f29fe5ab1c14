"""What is known of a lot besides its mass: grades, water, and the metal that follows from them.

Of several assays of one substance the best method decides, then the newest; the others stay in their events. A
later, better figure is a dated finding and rewrites nothing. A lot nobody assayed has no record of this at all.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import get_args

from msgspec.structs import replace

from traceability.core import bands
from traceability.core.balance import dry
from traceability.core.findings import quality as found
from traceability.core.findings.quality import Allowed, Figure, Metal
from traceability.core.forms import Assay, NewLot
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Grade, Lot, Quality
from traceability.core.outcome import Step

METHODS: tuple[str, ...] = get_args(Assay.model_fields["method"].annotation)
"""Best first."""
MAIN = {
    "cassiterite": "sn", "coltan": "ta2o5", "wolframite": "wo3", "gold": "au", "cobalt": "co", "copper": "cu",
}  # fmt: skip
"""What each mineral is bought for."""
_TOGETHER = frozenset({("cobalt", "cu"), ("copper", "co")})
"""Dug together everywhere, and paid for together."""
_ORE = frozenset({"ore", "concentrate", "dust", "hydroxide", "middlings", "tailings"})
_GRADED = frozenset({"ore", "concentrate", "dust", "nugget", "sponge", "dore", "bar", "hydroxide"})
_NO_WATER = frozenset({"nugget", "sponge", "dore", "bar", "rough", "sorted", "slag", "scrap"})
_MILLION = 1_000_000


# What lots are said to be


def declared(new: NewLot, expected_ug: int) -> Quality | None:
    """What a new lot says of itself; nothing for most."""
    if new.assays is None and new.moisture_ppm is None and new.also is None:
        return None
    grades: tuple[Grade, ...] = ()
    for assay in new.assays or ():
        grades = _decided(grades, _grade(assay, None))
    moisture_ppm = new.moisture_ppm if new.moisture_ppm != _MILLION else None
    least_ug = min(expected_ug, new.weighing.net.mass_ug)
    dry_ug = None if moisture_ppm is None else dry(least_ug, moisture_ppm)
    return Quality(grades, moisture_ppm, dry_ug, tuple(new.also or ()))


def judge_declared(step: Step, lot: Lot) -> None:
    """Grades of a new lot against what such ore can be."""
    for grade in lot.quality.grades if lot.quality else ():
        _judge_grade(step, lot, grade)


def learn(
    step: Step,
    assays: Sequence[Assay] | None,
    before: Mapping[LotId, Lot],
    lots: Mapping[LotId, Lot],
    standing: Collection[LotId],
    weighed_ug: Mapping[LotId, int],
    at: str = "handoff",
) -> dict[LotId, Lot]:
    """The lots after these assays; `before` is how they stood before this event weighed them."""
    after = dict(lots)
    for assay in assays or ():
        grade = _grade(assay, step.entry.event_id)
        for lot_id in assay.lots or ():
            lot = after.get(LotId(lot_id))
            if lot is None or lot_id not in standing:
                continue
            quality = lot.quality or Quality()
            _judge_grade(step, lot, grade)
            was = of(quality, grade.analyte)
            grades = _decided(quality.grades, grade)
            if was is not None and grade in grades:
                _judge_revision(step, lot, was, grade)
                if lot_id in weighed_ug:
                    _judge_metal(step, before[lot.id], lot, was, grade, weighed_ug[lot.id], at)
            after[lot.id] = replace(lot, quality=replace(quality, grades=grades))
    return after


def of(quality: Quality | None, analyte: str) -> Grade | None:
    """What decides how much of this substance there is."""
    for grade in quality.grades if quality is not None else ():
        if grade.analyte == analyte:
            return grade
    return None


def restated(lot: Lot, event: EventId, assays: Sequence[Assay]) -> Lot:
    """The lot as if that event had said these assays of it; what other events say decides as before."""
    source = None if event == lot.maker else event
    known = lot.quality or Quality()
    others = tuple(grade for grade in known.grades if grade.event != source)
    own: tuple[Grade, ...] = ()
    for assay in assays:
        own = _decided(own, _grade(assay, source))
    for grade in own:
        was = of(Quality(others), grade.analyte)
        if was is None or METHODS.index(grade.method) < METHODS.index(was.method):
            others = _decided(others, grade)
    return replace(lot, quality=replace(known, grades=others))


def _grade(assay: Assay, event: EventId | None) -> Grade:
    return Grade(assay.analyte, assay.ppm, assay.on == "dry", assay.method, assay.error_ppm, event)


def _decided(grades: tuple[Grade, ...], new: Grade) -> tuple[Grade, ...]:
    """The deciding figures after one more."""
    rank = METHODS.index(new.method)
    for known in grades:
        if known.analyte == new.analyte and METHODS.index(known.method) < rank:
            return grades
    others = [known for known in grades if known.analyte != new.analyte]
    return tuple(sorted((*others, new), key=lambda grade: grade.analyte))


# What follows


def error_ppm(step: Step, mineral: str, grade: Grade) -> int:
    """One standard deviation of a figure: its own, or what its method usually has."""
    if grade.error_ppm is not None:
        return grade.error_ppm
    return grade.ppm * bands.threshold(step, "assay_error", grade.method, mineral=mineral) // _MILLION


def figure_on(
    step: Step, mineral: str, form: str, quality: Quality | None, grade: Grade, *, dry: bool
) -> Figure | None:
    """The figure, of the dry mass or of the mass as it is; None where the water it takes to tell is not known."""
    ppm, error = grade.ppm, error_ppm(step, mineral, grade)
    if grade.dry != dry:
        water = _water(form, quality)
        if water is None:
            return None
        part, whole = (_MILLION, _MILLION - water) if dry else (_MILLION - water, _MILLION)
        ppm, error = ppm * part // whole, error * part // whole
    return Figure(ppm, grade.method, error)


def metal(
    step: Step, mineral: str, form: str, mass_ug: int, quality: Quality | None, grade: Grade
) -> Metal | None:
    """How much of the substance such a lot of this mass holds; None where its water is not known."""
    left = _MILLION
    if grade.dry:
        water = _water(form, quality)
        if water is None:
            return None
        left -= water
    return Metal(mass_ug * left * grade.ppm, (mass_ug * left * error_ppm(step, mineral, grade)) ** 2)


def _water(form: str, quality: Quality | None) -> int | None:
    if quality is not None and quality.moisture_ppm is not None:
        return quality.moisture_ppm
    return 0 if form in _NO_WATER else None


# Judging


def _judge_grade(step: Step, lot: Lot, grade: Grade) -> None:
    mineral, subjects = lot.mineral, [("lot", lot.id)]
    main = MAIN.get(mineral)
    also = lot.quality.also if lot.quality else ()
    if lot.form in _ORE and grade.analyte in _CEILINGS:
        ceiling_ppm = bands.threshold(step, "grade_above_ceiling", grade.analyte, mineral=mineral)
        raised = found.grade_above_ceiling(grade.analyte, grade.ppm, ceiling_ppm)
        step.notice("grade_above_ceiling", raised, subjects)
    if grade.analyte == main and lot.form in _GRADED and not also and mineral in _USUAL:
        least, most = (
            bands.threshold(step, "grade_unusual", n, mineral=mineral) for n in ("least_ppm", "most_ppm")
        )
        step.notice("grade_unusual", found.grade_unusual(main, grade.ppm, least, most), subjects)
    others = {analyte for name, analyte in MAIN.items() if name != mineral and name not in also}
    if main is not None and grade.analyte in others and (mineral, grade.analyte) not in _TOGETHER:
        most = bands.threshold(step, "mineral_not_named", "most_ppm", mineral=mineral)
        step.notice("mineral_not_named", found.mineral_not_named(grade.analyte, grade.ppm, most), subjects)


_CEILINGS = frozenset({"sn", "wo3", "ta2o5", "nb2o5", "co"})
_USUAL = frozenset({"cassiterite", "coltan", "wolframite", "cobalt", "gold"})


def _judge_revision(step: Step, lot: Lot, was: Grade, now: Grade) -> None:
    sigma = bands.threshold(step, "assay_revised", "sigma", mineral=lot.mineral)
    figures = [
        figure_on(step, lot.mineral, lot.form, lot.quality, grade, dry=now.dry) for grade in (was, now)
    ]
    before, after = figures
    if before is None or after is None:  # one dry, one as it is, and no water known: only that they differ
        before, after = (Figure(g.ppm, g.method, error_ppm(step, lot.mineral, g)) for g in (was, now))
        sigma = 1 << 40
    raised = found.assay_revised(now.analyte, before, after, sigma)
    events = () if was.event is None else (was.event,)
    step.notice("assay_revised", raised, [("lot", lot.id)], events=events or (lot.maker,))


def _judge_metal(step: Step, before: Lot, lot: Lot, was: Grade, now: Grade, reading_ug: int, at: str) -> None:
    """Contained metal of a lot that was weighed and assayed on both sides."""
    into = metal(step, lot.mineral, lot.form, before.expected_ug, before.quality, was)
    out = metal(step, lot.mineral, lot.form, reading_ug, lot.quality, now)
    if into is not None and out is not None:
        limits = bands.limits(step, lot.mineral, at)
        scales_ppm = 2 * limits.error_ppm["measured"]
        gain, loss = (
            allowed(step, rule, lot.mineral, at, scales_ppm) for rule in ("metal_gained", "metal_lost")
        )
        subjects = [("lot", lot.id)]
        step.notice("metal_gained", found.metal_gained(now.analyte, into, out, gain), subjects)
        step.notice("metal_lost", found.metal_lost(now.analyte, into, out, loss), subjects)


def allowed(step: Step, rule: str, mineral: str, at: str, scales_ppm: int = 0) -> Allowed:
    """The band on contained metal in force."""
    warn, fail = (
        scales_ppm + bands.threshold(step, rule, name, mineral=mineral, at=at, band=True)
        for name in ("warn_ppm", "fail_ppm")
    )
    sigmas = (
        bands.threshold(step, rule, name, mineral=mineral, at=at) for name in ("warn_sigma", "fail_sigma")
    )
    return Allowed(warn, fail, *sigmas)
