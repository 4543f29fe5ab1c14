"""The river: the way of a lot drawn as water, one slice of SVG for each stage.

Each slice is 240 wide and 200 high, stretched to the height of the words beside it, so the words are plain
text of any length and size and the water still runs through without a gap. Width is mass: the widest place
of the way is `WIDE`. Ore comes in from the left, what is lost leaves to the left, at a handoff the banks
come close, a step is a weir across the water.

Shapes, never colour alone: gains and losses differ from water also in outline, and each has its words.
"""

from collections.abc import Sequence
from typing import NamedTuple

from traceability.web.lineage import Bend, Fork, Mouth, Narrows, Sink, Source, Spring, Stage

WIDE = 96
THIN = 6
"""What runs along a line is never drawn thinner."""
_MIDDLE = 152


class Path(NamedTuple):
    """One shape: its class in the style sheet and the `d` of an SVG path."""

    kind: str
    d: str


def draw(stages: Sequence[Stage]) -> list[list[Path]]:
    """The shapes of each stage's slice, in the order of `stages`."""
    widest = _widest(stages)
    slices: list[list[Path]] = []
    water = 0
    for stage in stages:
        before = _width(water, widest)
        match stage:
            case Source() | Spring():
                water += stage.share
                kind = "water" if isinstance(stage, Source) else _spring_kind(stage)
                slices.append(_inflow(kind, before, _width(water, widest), _width(stage.share, widest)))
            case Sink():
                water = max(water - stage.share, 0)
                slices.append(_outflow("lost", before, _width(water, widest), _width(stage.share, widest)))
            case Narrows():
                slices.append(_narrows(before))
            case Bend():
                slices.append(_weir(before))
            case Fork():
                slices.append(_outflow("away", before, before, max(before * 3 // 5, 16)))
            case Mouth():
                slices.append(_mouth(before))
    return slices


def _widest(stages: Sequence[Stage]) -> int:
    water = widest = 0
    for stage in stages:
        match stage:
            case Source() | Spring():
                water += stage.share
            case Sink():
                water = max(water - stage.share, 0)
            case Narrows() | Bend() | Fork() | Mouth():
                pass
        widest = max(widest, water)
    return widest


def _spring_kind(spring: Spring) -> str:
    return "added" if spring.kind == "additive" else "gained"


def _width(water: int, widest: int) -> int:
    """An even number, so that both banks stand on whole ones."""
    if water <= 0:
        return 0
    return max(THIN, WIDE * water // max(widest, 1) // 2 * 2)


def _d(*parts: str | int) -> str:
    """Path data without a needless space."""
    said = ""
    for part in parts:
        said += str(part) if isinstance(part, str) or not said[-1:].isdigit() or part < 0 else f" {part}"
    return said


def _banks(width: int) -> tuple[int, int]:
    return _MIDDLE - width // 2, _MIDDLE + width // 2


def _stem(before: int, after: int) -> Path:
    """The water itself, from one width to another."""
    (left, right), (left_after, right_after) = _banks(before), _banks(after)
    if before == after:
        return Path("water", _d("M", left, 0, "V", 200, "H", right, "V", 0, "Z"))
    d = _d(
        "M", left, 0, "C", left, 90, left_after, 110, left_after, 200,
        "H", right_after, "C", right_after, 110, right, 90, right, 0, "Z",
    )  # fmt: skip
    return Path("water", d)


def _head(after: int) -> Path:
    """Where the water begins."""
    left, right = _banks(after)
    d = _d(
        "M",
        _MIDDLE,
        24,
        "C",
        left,
        24,
        left,
        90,
        left,
        200,
        "H",
        right,
        "C",
        right,
        90,
        right,
        24,
        _MIDDLE,
        24,
    )
    return Path("water", d)


def _inflow(kind: str, before: int, after: int, width: int) -> list[Path]:
    if not before:
        return [Path(kind, _head(after).d)]
    left, _ = _banks(after)
    start, end = 8, 8 + width
    d = _d(
        "M", start, 44, "Q", start + width // 2, 14, end, 44, "C", end, 144, left + width, 104, left + width, 200,
        "H", left, "C", left, 132, start, 184, start, 44, "Z",
    )  # fmt: skip
    return [Path(kind, d), _stem(before, after)]


def _outflow(kind: str, before: int, after: int, width: int) -> list[Path]:
    left, _ = _banks(before)
    start, end = 8, 8 + width
    d = _d(
        "M", left, 0, "C", left, 80, start, 40, start, 160, "Q", start + width // 2, 196, end, 160,
        "C", end, 88, left + width, 104, left + width, 0, "Z",
    )  # fmt: skip
    return [Path(kind, d), _stem(before, after)]


def _narrows(width: int) -> list[Path]:
    left, right = _banks(width)
    near_left, near_right = _banks(max(THIN, width * 2 // 5))
    d = _d(
        "M", left, 0, "C", left, 60, near_left, 40, near_left, 100, "S", left, 140, left, 200,
        "H", right, "C", right, 140, near_right, 160, near_right, 100, "S", right, 60, right, 0, "Z",
    )  # fmt: skip
    reach = max(20, near_left - left + 12)
    return [
        Path("water", d),
        Path(
            "bank", _d("M", near_left - reach, 100, "h", reach - 4, "M", near_right + 4, 100, "h", reach - 4)
        ),
    ]


def _weir(width: int) -> list[Path]:
    left, _ = _banks(width)
    return [_stem(width, width), Path("bank", _d("M", left - 14, 100, "h", width + 28))]


def _mouth(width: int) -> list[Path]:
    left, right = _banks(width)
    d = _d(
        "M", left, 0, "C", left, 90, 66, 70, 66, 120, "Q", 66, 150, 96, 150, "H", 208, "Q", 238, 150, 238, 120,
        "C", 238, 70, right, 90, right, 0, "Z",
    )  # fmt: skip
    waves = "M92 104q10-12 20 0t20 0 20 0 20 0 20 0 20 0M108 126q10-12 20 0t20 0 20 0 20 0"
    return [Path("water", d), Path("wave", waves)]
