"""Timeline, accounts and charts: positions on one scale, bars that add up, and limits beside them."""

import re

from hypothesis import given
from hypothesis import strategies as st

from traceability.web import account, chart, timeline
from traceability.web.chart import Bar
from traceability.web.timeline import Span


def tenths(percent: str) -> int:
    assert re.fullmatch(r"\d+\.\d%", percent)
    return int(percent.replace(".", "").removesuffix("%"))


days = st.dates().map(lambda day: day.isoformat())


@given(st.lists(st.tuples(days, days).map(lambda pair: Span(*pair)), min_size=1, max_size=30))
def test_days_keep_their_order_on_the_scale(spans):
    """Earlier is further left, the first and last day are at the ends, and nothing stands outside."""
    lines = timeline.draw(spans)
    at = [
        (day, tenths(x))
        for span, line in zip(spans, lines, strict=True)
        for day, x in zip(span, line, strict=True)
    ]
    assert [x for _, x in sorted(at)] == sorted(x for _, x in at)
    assert all(20 <= x <= 980 for _, x in at)
    if len({day for day, _ in at}) > 1:
        assert {min(x for _, x in at), max(x for _, x in at)} == {20, 980}


def test_the_gap_is_in_days_and_may_be_negative():
    """A clock that is ahead is no error of the drawing."""
    assert Span("2026-03-14", "2026-03-23").gap_days == 9
    assert Span("2026-03-14", "2026-03-13").gap_days == -1
    assert timeline.draw([]) == []
    assert timeline.draw([Span("2026-03-14", "2026-03-14")])[0].happened == "50.0%"


@given(st.lists(st.integers(min_value=0, max_value=9 * 10**15), min_size=1, max_size=12))
def test_a_bar_adds_up(masses):
    """The pieces lie side by side without a gap and fill the bar; what is there can be seen."""
    pieces = account.draw(masses)
    if not sum(masses):
        assert {piece.width for piece in pieces} == {"0%"}
        return
    at = 0
    for piece, mass in zip(pieces, masses, strict=True):
        assert tenths(piece.start) == at
        at += tenths(piece.width)
        assert (tenths(piece.width) >= 8) == (mass > 0)
    assert at == 1000


def test_a_bar_above_its_limit_is_marked_and_stands_above_the_line():
    """What was declared beyond the estimate in force is marked; without an estimate nothing is."""
    found = chart.draw("t", "l", [], [Bar("a", 90, 100), Bar("b", 110, 100), Bar("c", 500, None)])
    assert [column.over for column in found.columns] == [False, True, False]
    limits = {int(y) for y in re.findall(r"M\d+ (\d+)H", found.limit)}
    assert len(limits) == 1
    (limit,) = limits
    assert found.columns[0].y > limit > found.columns[1].y
    assert found.limit.count("M") == 2
    assert found.columns[2].height == chart.HEIGHT


@given(st.lists(st.integers(min_value=-(10**15), max_value=10**15), min_size=1, max_size=2000))
def test_bars_stay_inside_the_drawing(values):
    """Above and below the line of nothing, whatever the figures: none leaves the drawing, none vanishes."""
    found = chart.draw("t", "l", [], [Bar("", value) for value in values])
    for column in found.columns:
        assert 0 <= column.x <= column.x + column.width <= chart.WIDTH
        assert -1 <= column.y <= chart.HEIGHT
        assert 1 <= column.height <= chart.HEIGHT
