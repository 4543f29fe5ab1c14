"""Rules over grades and contained metal: what an assay says that no ore can be, or that does not add up.

Grades are parts per million. An *amount* of metal is a mass in micrograms times two parts per million (moisture,
grade), and its error one standard deviation in the same unit: whole numbers, so that nothing is rounded.
"""

from math import isqrt
from typing import NamedTuple

from traceability.core.findings.raised import Raised, Severity

_MILLION = 1_000_000
_AMOUNT_PER_UG = _MILLION * _MILLION


class Metal(NamedTuple):
    """So much of one substance, with the variance of its assays."""

    amount: int
    variance: int

    @property
    def mass_ug(self) -> int:
        return self.amount // _AMOUNT_PER_UG

    def plus(self, other: "Metal") -> "Metal":
        return Metal(self.amount + other.amount, self.variance + other.variance)


NO_METAL = Metal(0, 0)


def exceeds(base: Metal, other: Metal, allowed_ppm: int, sigma: int) -> bool:
    """Whether `other` is above `base` by more than so many ppm of it and so many thousandths of the joint error."""
    more = (other.amount - base.amount) * _MILLION - base.amount * allowed_ppm
    variance = (base.variance + other.variance) * _MILLION * _MILLION
    return more > 0 and more * more * _MILLION > sigma * sigma * variance


def grade_above_ceiling(analyte: str, ppm: int, ceiling_ppm: int) -> Raised | None:
    """A grade above what the purest mineral holds of it.

    Thresholds `grade_above_ceiling`, one for each analyte, in ores and concentrates: Sn of SnO2, WO3 of hübnerite,
    Ta2O5 of tantalite, Nb2O5 of columbite, Co of heterogenite. Source: stoichiometry (F16, F7). Honest: a slip of
    the pen, or metal reported as oxide.
    """
    if ppm <= ceiling_ppm:
        return None
    return Raised("severe", {"analyte": analyte, "ceiling_ppm": ceiling_ppm, "grade_ppm": ppm})


def grade_unusual(analyte: str, ppm: int, least_ppm: int, most_ppm: int) -> Raised | None:
    """A grade outside what the trade usually sees of this mineral.

    Thresholds `grade_unusual`: `least_ppm`, `most_ppm` per mineral; not of tailings, slag, samples, nor where other
    minerals are named in the lot. Source: usual grades (F16, F7). Honest: a lean pit, a very good wash.
    """
    if least_ppm <= ppm <= most_ppm:
        return None
    return Raised(
        "warning", {"analyte": analyte, "grade_ppm": ppm, "least_ppm": least_ppm, "most_ppm": most_ppm}
    )


def mineral_not_named(analyte: str, ppm: int, most_ppm: int) -> Raised | None:
    """Much of another ore is in a lot that does not name it.

    Threshold `mineral_not_named`: `most_ppm`. Source: one ore declared as another (F16). Honest: mixed gravels that
    nobody sorted; say so in `also`.
    """
    return (
        Raised("warning", {"analyte": analyte, "grade_ppm": ppm, "most_ppm": most_ppm})
        if ppm > most_ppm
        else None
    )


class Figure(NamedTuple):
    """A grade with its method and one standard deviation."""

    ppm: int
    method: str
    error_ppm: int


def assay_revised(analyte: str, was: Figure, now: Figure, sigma: int) -> Raised | None:
    """A later figure of the same or a better method decides now; the earlier one stays in its event.

    Threshold `assay_revised`: `sigma`, in thousandths of the joint standard deviation, beyond which it is a warning.
    Source: best method first, then the newest. Honest: almost always; a hand-held figure is a first guess (F7).
    """
    if was.ppm == now.ppm:
        return None
    apart = was.ppm - now.ppm
    joint = was.error_ppm**2 + now.error_ppm**2
    severity: Severity = "warning" if apart * apart * _MILLION > sigma * sigma * joint else "notice"
    figures = {"analyte": analyte, "method": now.method, "grade_ppm": now.ppm, "method_before": was.method}
    return Raised(severity, {**figures, "grade_before_ppm": was.ppm})


def grade_outside_inputs(
    analyte: str, ppm: int, low_ppm: int, high_ppm: int, error_ppm: int
) -> Raised | None:
    """A blend is richer than the richest lot that went into it, or poorer than the poorest, beyond the assays' error.

    Threshold `grade_outside_inputs`: `sigma`; where something was added, only the upper side. Source: law of blending
    (F7, ore mixed in without record). Honest: a sample taken from one corner of the heap.
    """
    if low_ppm - error_ppm <= ppm <= high_ppm + error_ppm:
        return None
    figures = {"analyte": analyte, "error_ppm": error_ppm, "grade_ppm": ppm}
    return Raised("warning", {**figures, "highest_ppm": high_ppm, "lowest_ppm": low_ppm})


class Allowed(NamedTuple):
    """A band on contained metal: ppm of it, and errors of assays in thousandths of a standard deviation."""

    warn_ppm: int
    fail_ppm: int
    warn_sigma: int
    fail_sigma: int


def metal_gained(analyte: str, into: Metal, out: Metal, allowed: Allowed) -> Raised | None:
    """More of a metal came out of a step than went in, beyond the errors of the assays.

    Bands `metal_gained`: `warn_ppm`, `fail_ppm` per step, on top of `warn_sigma` and `fail_sigma` thousandths of the
    assays' joint standard deviation (severe). Source: contained metal cannot grow (F7, F5); fine gold from dust to doré.
    Honest: two laboratories, or a hand-held figure on one side.
    """
    if not exceeds(into, out, allowed.warn_ppm, allowed.warn_sigma):
        return None
    severe = exceeds(into, out, allowed.fail_ppm, allowed.fail_sigma)
    return Raised("severe" if severe else "warning", _metal(analyte, into, out, allowed))


def metal_lost(analyte: str, into: Metal, out: Metal, allowed: Allowed) -> Raised | None:
    """A lot holds less metal than when it was last weighed and assayed, beyond the errors of the assays.

    Bands `metal_lost`, named like those of `metal_gained`. Source: rich ore taken, poor put in at the same weight
    (F12, F14). Honest: the buyer's laboratory is the stricter one.
    """
    if not exceeds(out, into, allowed.warn_ppm, allowed.warn_sigma):
        return None
    severe = exceeds(out, into, allowed.fail_ppm, allowed.fail_sigma)
    return Raised("severe" if severe else "warning", _metal(analyte, into, out, allowed))


def _metal(analyte: str, into: Metal, out: Metal, allowed: Allowed) -> dict[str, object]:
    return {
        "analyte": analyte,
        "band_ppm": allowed.warn_ppm,
        "error_ug": isqrt(into.variance + out.variance) // _AMOUNT_PER_UG,
        "fail_ppm": allowed.fail_ppm,
        "into_ug": into.mass_ug,
        "out_ug": out.mass_ug,
    }


def recovery_low(analyte: str, into: Metal, out: Metal, least_ppm: int) -> Raised | None:
    """Processing gave back less of the metal than any sound plant does.

    Threshold `recovery_low`: `least_ppm` of the metal that went in, beyond the assays' error; only where every product
    has an assay. Source: usual recoveries, 60 to 100 % (F12). Honest: a bad day at the table; rich tailings kept.
    """
    # What would have to have come out at least, against what did.
    least = Metal(into.amount * least_ppm // _MILLION, into.variance * least_ppm**2 // _MILLION**2)
    if not exceeds(out, least, 0, 2_000):
        return None
    figures = {"analyte": analyte, "into_ug": into.mass_ug, "out_ug": out.mass_ug}
    return Raised("warning", {**figures, "least_ppm": least_ppm})


def melt_loss_unusual(
    into_ug: int, out_ug: int, least_ppm: int, most_ppm: int, scales_ppm: int
) -> Raised | None:
    """Gold dust melted to doré lost less mass than sand and mercury weigh, or more.

    Thresholds `melt_loss_unusual`: `least_ppm`, `most_ppm` of what went in, both scales' errors on top. Source: usual
    melt loss, 1 to 10 % (F5 below, F12 above). Honest: dust washed very clean, or not at all.
    """
    lost = (into_ug - out_ug) * _MILLION
    if (least_ppm - scales_ppm) * into_ug <= lost <= (most_ppm + scales_ppm) * into_ug:
        return None
    figures = {"into_ug": into_ug, "out_ug": out_ug, "scales_ppm": scales_ppm}
    return Raised("warning", {**figures, "least_ppm": least_ppm, "most_ppm": most_ppm})
