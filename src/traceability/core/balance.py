"""Bands and booking: when a weighing changes what a lot is expected to weigh.

Integers only; shares of parts per million are compared by cross-multiplying.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from traceability.core.composition import webster
from traceability.core.ids import LotId

_MILLION = 1_000_000


class Band(NamedTuple):
    """How far a reading may lie from the expected mass before the difference is booked, in ppm of it."""

    loss_ppm: int = 40_000
    gain_ppm: int = 10_000


class Booking(NamedTuple):
    """What a reading does to a lot's expected mass: `kept_ug` + `gain_ug` is expected from now on."""

    kept_ug: int
    lost_ug: int
    gain_ug: int


def share_reading(reading_ug: int, expected: Mapping[LotId, int]) -> dict[LotId, int]:
    """One reading over several lots, shared by the Webster rule over their expected masses, ties by lot id."""
    lots = sorted(expected)
    return dict(zip(lots, webster(reading_ug, [expected[lot] for lot in lots]), strict=True))


def book(expected_ug: int, reading_ug: int, band: Band) -> Booking:
    """Inside the band nothing changes; outside it the whole difference is booked as loss or as gain."""
    difference = reading_ug - expected_ug
    allowed_ppm = band.gain_ppm if difference > 0 else band.loss_ppm
    if abs(difference) * _MILLION <= expected_ug * allowed_ppm:
        return Booking(expected_ug, 0, 0)
    if difference > 0:
        return Booking(expected_ug, 0, difference)
    return Booking(reading_ug, -difference, 0)


def above_lowest(lowest_ug: int, reading_ug: int, band: Band) -> bool:
    """Whether a reading rises above the lowest one so far by more than the band allows a gain."""
    return (reading_ug - lowest_ug) * _MILLION > lowest_ug * band.gain_ppm


def closes(
    inputs: Sequence[int], additives: Sequence[int], gain: int, outputs: Sequence[int], losses: Sequence[int]
) -> int:
    """Inputs + additives + gain − outputs − losses, in the exact unit they are given in: zero when it closes."""
    return sum(inputs) + sum(additives) + gain - sum(outputs) - sum(losses)
