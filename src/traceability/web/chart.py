"""A bar for each step of time, up or down from a line, with a limit beside it; drawn by the server, a table behind it.

All heights are integers on a grid of 1,000 by 300, so a chart is the same on any screen and at any width.
"""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 1000, 300


class Bar(NamedTuple):
    """One step: its label, what it measures, and the limit it is held against (None: there was none)."""

    label: str
    value: int
    limit: int | None = None
    said: str = ""
    """The value in words."""
    limit_said: str = ""


class Column(NamedTuple):
    """A bar as it is drawn; `over` its limit it is marked."""

    x: int
    y: int
    width: int
    height: int
    over: bool


class Chart(NamedTuple):
    """A drawn chart, and its lines as a table."""

    title: str
    lead: str
    columns: list[Column]
    limit: str
    """The limits as an SVG path; empty where there are none."""
    zero: int
    """Where the line of nothing lies."""
    headings: list[str]
    bars: list[Bar]


def draw(title: str, lead: str, headings: list[str], bars: Sequence[Bar]) -> Chart:
    """The chart of these bars, at least one."""
    above = max([0, *(bar.value for bar in bars), *(bar.limit or 0 for bar in bars)])
    below = max([0, *(-bar.value for bar in bars)])
    span = max(above + below, 1)
    zero = HEIGHT * above // span
    starts = [WIDTH * number // len(bars) for number in range(len(bars) + 1)]
    columns = []
    path = ""
    for number, bar in enumerate(bars):
        height = HEIGHT * abs(bar.value) // span
        y = zero - height if bar.value >= 0 else zero
        over = bar.limit is not None and bar.value > bar.limit
        start, end = starts[number : number + 2]
        gap = (end - start) // 10
        columns.append(
            Column(min(start + gap, WIDTH - 1), y, max(end - start - 2 * gap, 1), max(height, 1), over)
        )
        if bar.limit is not None:
            at = zero - HEIGHT * bar.limit // span
            path += f"M{start} {at}H{end}"
    return Chart(title, lead, columns, path, zero, headings, list(bars))
