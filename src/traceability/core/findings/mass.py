"""Rules over masses: what readings of one lot say against what is expected of it, and what mixing leaves over.

Masses are micrograms, bands parts per million of the mass expected. `Weighed` says how the comparison was made:
as weighed, or dry where moisture was measured on both sides; `scales_ppm` are both scales' errors, already added
to the bands.
"""

from typing import NamedTuple

from traceability.core.balance import Band, beyond
from traceability.core.findings.raised import Raised, Severity


class Weighed(NamedTuple):
    """One reading against what was expected, and the bands that judge it."""

    expected_ug: int
    reading_ug: int
    warn: Band
    fail: Band
    scales_ppm: int
    compared: str

    def figures(self, band_ppm: int, fail_ppm: int) -> dict[str, object]:
        """Both sides and the band that judged them."""
        return {
            "band_ppm": band_ppm,
            "compared": self.compared,
            "expected_ug": self.expected_ug,
            "fail_ppm": fail_ppm,
            "reading_ug": self.reading_ug,
            "scales_ppm": self.scales_ppm,
        }


def mass_gained(w: Weighed) -> Raised | None:
    """A lot weighs more than expected by more than the band allows a gain.

    Bands `mass_gained`: `warn_ppm`, `fail_ppm` (severe), `dry_warn_ppm`, `dry_fail_ppm`, per mineral and step.
    Source: mass balance of the trade (F5, ore added on the way). Honest: rain on an open bag, a worn scale at the
    giver's, the tare of a wet sack.
    """
    more_ug = w.reading_ug - w.expected_ug
    if not beyond(w.expected_ug, more_ug, w.warn.gain_ppm, w.warn.least_ug):
        return None
    severe = beyond(w.expected_ug, more_ug, w.fail.gain_ppm, w.fail.least_ug)
    return Raised("severe" if severe else "warning", w.figures(w.warn.gain_ppm, w.fail.gain_ppm))


def mass_lost(w: Weighed) -> Raised | None:
    """A lot weighs less than expected by more than the band allows a loss.

    Bands `mass_lost`, named like those of `mass_gained`; wider, because ore dries and spills. Source: mass balance
    (F12, skimming). Honest: fresh concentrate that dried for longer than usual, a burst bag nobody recorded.
    """
    less_ug = w.expected_ug - w.reading_ug
    if not beyond(w.expected_ug, less_ug, w.warn.loss_ppm, w.warn.least_ug):
        return None
    severe = beyond(w.expected_ug, less_ug, w.fail.loss_ppm, w.fail.least_ug)
    return Raised("severe" if severe else "warning", w.figures(w.warn.loss_ppm, w.fail.loss_ppm))


def mass_said_otherwise(w: Weighed, basis: str) -> Raised | None:
    """A mass stated or estimated of one lot is outside the band in which a reading would have to lie.

    Bands of `mass_gained` and `mass_lost`, widened by what such a figure may err (`scale_error`). It books nothing.
    Honest: a figure copied from the papers of the day before.
    """
    found = mass_gained(w) or mass_lost(w)
    return found and Raised("notice", {**found.figures, "basis": basis})


def rise_above_lowest(
    lowest_ug: int, reading_ug: int, warn_ppm: int, fail_ppm: int, scales_ppm: int, least_ug: int
) -> Raised | None:
    """A lot weighs more than at its lowest since it was made, by more than the band allows.

    Bands `rise_above_lowest`: `warn_ppm`, `fail_ppm` (severe), plus both scales' errors. Each step up may be inside
    its own band: what is taken out and filled up again bit by bit still shows here. Told once: the next rise counts from
    this reading. Source: topping up to the
    tag's weight (F5). Honest: the lowest reading was a misread one.
    """
    warn_ppm, fail_ppm = warn_ppm + scales_ppm, fail_ppm + scales_ppm
    more_ug = reading_ug - lowest_ug
    if not beyond(lowest_ug, more_ug, warn_ppm, least_ug):
        return None
    severity: Severity = "severe" if beyond(lowest_ug, more_ug, fail_ppm, least_ug) else "warning"
    figures = {"band_ppm": warn_ppm, "fail_ppm": fail_ppm, "scales_ppm": scales_ppm}
    return Raised(severity, {**figures, "lowest_ug": lowest_ug, "reading_ug": reading_ug})


def not_weighed(weighed: bool) -> Raised | None:  # what the rule is about
    """Custody was taken and the lot not weighed.

    No numbers. Source: both parties' weights are what shows ore added on the way (F5). Honest: a sealed bag and no
    scale at the stop.
    """
    return None if weighed else Raised("notice", {})


def gain_stated(gain_ug: int, into_ug: int, warn_ppm: int, fail_ppm: int) -> Raised | None:
    """A transformation says that more came out than went in.

    Bands `gain_stated`, in ppm of the inputs as weighed: a notice up to `warn_ppm`, severe beyond `fail_ppm`; never
    silent, because nothing explains it. Source: mixing and milling make no ore (F5). Honest: two scales of one yard.
    """
    if not gain_ug:
        return None
    severity: Severity = "warning" if beyond(into_ug, gain_ug, warn_ppm) else "notice"
    if beyond(into_ug, gain_ug, fail_ppm):
        severity = "severe"
    figures = {"band_ppm": warn_ppm, "fail_ppm": fail_ppm, "gain_ug": gain_ug, "into_ug": into_ug}
    return Raised(severity, figures)


def loss_without_processing(lost_ug: int, into_ug: int, warn_ppm: int, fail_ppm: int) -> Raised | None:
    """Lots were only divided, mixed or repacked, and more is named as lost than that costs.

    Bands `loss_without_processing`: `warn_ppm`, `fail_ppm` of the inputs as weighed; samples are not counted.
    Source: mass balance of a blend (F12). Honest: a wet floor that dried, a torn sack swept up and thrown away.
    """
    if not beyond(into_ug, lost_ug, warn_ppm):
        return None
    severity: Severity = "severe" if beyond(into_ug, lost_ug, fail_ppm) else "warning"
    return Raised(
        severity, {"band_ppm": warn_ppm, "fail_ppm": fail_ppm, "into_ug": into_ug, "lost_ug": lost_ug}
    )
