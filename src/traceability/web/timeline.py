"""The timeline: when something happened, when the ledger recorded it, and the gap between, on one scale.

Positions are percent of the width, so a line is drawn right on any screen.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

_FROM, _TO = 2, 98


class Span(NamedTuple):
    """The days of one thing: when it happened, and when it was recorded; `2026-03-14`."""

    happened: str
    recorded: str

    @property
    def gap_days(self) -> int:
        """Days until it was recorded; below zero where a clock was ahead."""
        return date.fromisoformat(self.recorded).toordinal() - date.fromisoformat(self.happened).toordinal()


class Line(NamedTuple):
    """Where a span's two marks stand, in percent of the width with one decimal."""

    happened: str
    recorded: str


def draw(spans: Sequence[Span]) -> list[Line]:
    """The lines of all spans on the scale from their first day to their last."""
    if not spans:
        return []
    days = [date.fromisoformat(day).toordinal() for span in spans for day in span]
    first, length = min(days), max(days) - min(days)

    def at(day: int) -> str:
        tenths = (_FROM * 10 + (_TO - _FROM) * 10 * (day - first) // length) if length else 500
        return f"{tenths // 10}.{tenths % 10}%"

    return [
        Line(at(happened), at(recorded)) for happened, recorded in zip(days[::2], days[1::2], strict=True)
    ]
