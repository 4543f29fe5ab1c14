"""Times and cells as numbers, and how far cells lie apart: whole kilometres, never less than a way could be."""

from datetime import datetime
from functools import lru_cache
from math import isqrt

from traceability.core.tallies import Cell

_KM_A_TENTH = 11
"""A tenth of a degree of latitude, rounded down."""
_COS_THOUSANDTHS = (
    1000, 999, 997, 994, 990, 984, 978, 970, 961, 951, 939, 927, 913, 898, 882, 866, 848, 829, 809, 788, 766, 743, 719,
    694, 669, 642, 615, 587, 559, 529, 500, 469, 438, 406, 374, 342, 309, 275, 241, 207, 173, 139, 104, 69, 34, 0,
)  # fmt: skip
"""Cosine of the latitude for every second degree, in thousandths, rounded down."""


@lru_cache(maxsize=8192)
def seconds_of(time: str) -> int:
    """Unix seconds of an event's time."""
    return int(datetime.fromisoformat(time).timestamp())


@lru_cache(maxsize=4096)
def cell_of(text: str) -> Cell:
    """The cell behind its text."""
    latitude, _, longitude = text.partition(",")
    return int(latitude), int(longitude)


@lru_cache(maxsize=4096)
def km_between(one: Cell, other: Cell) -> int:
    """Kilometres between the nearest edges of two cells, rounded down; neighbours are at no distance."""
    return _km(one, other, 10, max(abs(one[0]), abs(other[0])))


@lru_cache(maxsize=4096)
def km_between_places(one: tuple[int, int], other: tuple[int, int]) -> int:
    """The same of two cells of one degree, each by its south-west corner in degrees."""
    farthest = max(abs(edge) for (south, _) in (one, other) for edge in (south, south + 1))
    return _km(one, other, 1, 10 * farthest)


def _km(one: tuple[int, int], other: tuple[int, int], in_degree: int, farthest: int) -> int:
    """Of cells of which `in_degree` lie in a degree; `farthest` from the equator they come, in tenths of a degree."""
    side = _KM_A_TENTH * 10 // in_degree
    north = max(abs(one[0] - other[0]) - 1, 0) * side
    across = abs(one[1] - other[1])
    across = min(across, 360 * in_degree - across)
    cosine = _COS_THOUSANDTHS[min(farthest // 20 + 1, len(_COS_THOUSANDTHS) - 1)]
    east = max(across - 1, 0) * side * cosine // 1000
    return isqrt(north * north + east * east)
