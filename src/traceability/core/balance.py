"""Whether masses agree: bands, booking, shared readings, and lines that add up.

A lot has an *expected mass* (design, "Mass"). A weighing inside its band changes nothing, so drift adds up
against one number through any chain of handoffs. Outside it the whole difference is booked, as loss or as
unexplained gain, and the expected mass becomes the weighing. Gain is judged once more from the lowest weighing
since the lot was made: ore topped up to the tag's weight is the commonest way to fill a bag. How wide a band is,
policies say (`bands`).

All of it is integers: micrograms, parts per million, and exact masses (1e-16 g) where lines must add up. A
fraction is never formed; both sides are multiplied instead.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from traceability.core.composition import webster
from traceability.core.ids import LotId

_MILLION = 1_000_000


class Band(NamedTuple):
    """How far below and above the expected mass a weighing may lie; the edge itself is inside."""

    loss_ppm: int
    gain_ppm: int
    least_ug: int = 0
    """A difference up to this is inside whatever was expected: two scales cannot tell it from none."""

    def widened(self, ppm: int) -> "Band":
        """The band with the errors of the scales added at both sides."""
        return Band(self.loss_ppm + ppm, self.gain_ppm + ppm, self.least_ug)


class Booking(NamedTuple):
    """What a weighing does to an expected mass, in micrograms; `lost_ug` or `gain_ug` is zero, often both.

    `kept_ug` + `lost_ug` was expected so far, `kept_ug` + `gain_ug` is expected from here on.
    """

    kept_ug: int
    lost_ug: int
    gain_ug: int


def beyond(base_ug: int, difference_ug: int, allowed_ppm: int, least_ug: int = 0) -> bool:
    """Whether a difference is more than so many ppm of what it is a difference from, and more than the least."""
    return difference_ug > least_ug and difference_ug * _MILLION > base_ug * allowed_ppm


def book(expected_ug: int, reading_ug: int, band: Band) -> Booking:
    """What is booked when a lot expected to weigh `expected_ug` weighs `reading_ug`.

    Nothing inside the band, outside it the whole difference.
    """
    more_ug = reading_ug - expected_ug
    allowed_ppm = band.gain_ppm if more_ug > 0 else band.loss_ppm
    if not beyond(expected_ug, abs(more_ug), allowed_ppm, band.least_ug):
        return Booking(expected_ug, 0, 0)
    return Booking(min(expected_ug, reading_ug), max(-more_ug, 0), max(more_ug, 0))


def dry(mass_ug: int, moisture_ppm: int) -> int:
    """What is left of a mass without its water, in micrograms, rounded down."""
    return mass_ug * (_MILLION - moisture_ppm) // _MILLION


def wet(dry_ug: int, moisture_ppm: int) -> int:
    """What a dry mass weighs with so much water in it, to the nearest microgram, a half up; below 100 % water."""
    left = _MILLION - moisture_ppm
    return (2 * dry_ug * _MILLION + left) // (2 * left)


def share_reading(total: int, expected_ug: Mapping[LotId, int]) -> dict[LotId, int]:
    """One reading over several lots, shared by the Webster rule over their expected masses, ties by lot id.

    The shares are in the unit of `total` and sum to it. Where nothing is expected of any of the lots (crumbs
    of a split too small for a microgram), they share evenly. At least one lot.
    """
    lots = sorted(expected_ug)
    masses = [expected_ug[lot] for lot in lots]
    return dict(zip(lots, webster(total, masses if any(masses) else [1] * len(lots)), strict=True))


def unclosed(
    inputs: Iterable[int], additives: Iterable[int], gain: int, outputs: Iterable[int], losses: Iterable[int]
) -> int:
    """Inputs + additives + gain − outputs − losses: zero where a transformation's own lines add up.

    In exact masses (1e-16 g), before any rounding (events, section 8). Above zero, a loss is not named; below
    zero, a gain is not stated.
    """
    return sum(inputs) + sum(additives) + gain - sum(outputs) - sum(losses)
