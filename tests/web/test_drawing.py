"""Timeline and accounts: positions on one scale, and bars that add up."""

import re

from hypothesis import given
from hypothesis import strategies as st

from traceability.web import account, timeline
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
