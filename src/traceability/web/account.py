"""A mass account as a bar that adds up: parts of one whole, in percent of the bar with one decimal.

Widths are shared so that they add up to the whole bar; what is there at all is drawn wide enough to see.
"""

from collections.abc import Sequence
from typing import NamedTuple

from traceability.core.composition import webster

_WHOLE = 1000
_LEAST = 8
"""In tenths of a percent."""


class Piece(NamedTuple):
    """Where a part lies on the bar, in percent."""

    start: str
    width: str


def draw(masses_ug: Sequence[int]) -> list[Piece]:
    """The pieces of a bar made of these masses, none below zero, in order and without a gap."""
    total = sum(masses_ug)
    if not total:
        return [Piece("0%", "0%") for _ in masses_ug]
    least = [_LEAST if mass else 0 for mass in masses_ug]
    free = max(_WHOLE - sum(least), 0)
    widths = [low + more for low, more in zip(least, webster(free, masses_ug), strict=True)]
    pieces, at = [], 0
    for width in widths:
        pieces.append(Piece(_percent(at), _percent(width)))
        at += width
    return pieces


def _percent(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}%"
