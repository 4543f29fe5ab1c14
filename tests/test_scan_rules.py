"""Rules over public scans: what provokes each, what honest readers do, and that nothing of theirs is ever severe."""

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.core.distance import km_between_places
from traceability.core.findings import scans
from traceability.core.findings.scans import Scan, Tagged
from traceability.core.ids import EventId, LotId

TAG = "t:7h3k9m2q5r8t1v4w6x0y7z2abc-17"
KIGALI, GOMA, BUKAVU = (-2, 30), (-2, 29), (-3, 28)
MOMBASA, DAR, ANTWERP = (-5, 39), (-7, 39), (51, 4)


def day(number: int) -> str:
    return (date(2026, 3, 1) + timedelta(days=number)).isoformat()


def scan(number: int, place: tuple[int, int] | None = None, label: str = "", times: int = 1) -> Scan:
    return Scan(TAG, day(number), place, label, times)


def tagged(**more: object) -> Tagged:
    """A tag on an open lot that was bagged near Goma on the first day."""
    known = {"over": None, "left": None, "cells": ((day(0), (-17, 292)),)}
    return Tagged(TAG, LotId("6qdaq8agk4s4h7gnh0akr5wy39"), EventId("5f" * 32), **{**known, **more})


def noticed(seen: list[Scan], **more: object) -> dict[str, dict[str, str]]:
    found = scans.of_tag(tagged(**more), sorted(seen, key=lambda each: each.day), None)
    assert {each.severity for each in found} <= {"notice"}, (
        "strangers' word alone is never more than a notice"
    )
    return {each.rule: dict(each.figures) for each in found}


# --- distances


places = st.tuples(st.integers(-90, 89), st.integers(-180, 179))


@given(places, places)
def test_distances_are_never_longer_than_the_way(one, other):
    """Whatever the cells: no two points of them lie closer on the globe than it says, and it is the same both ways."""
    km = km_between_places(one, other)
    assert km == km_between_places(other, one)
    corners = [(a, b) for a in (one[0], one[0] + 1) for b in (one[1], one[1] + 1)]
    others = [(a, b) for a in (other[0], other[0] + 1) for b in (other[1], other[1] + 1)]
    if abs(one[0]) < 60 and abs(other[0]) < 60 and _apart(one[1], other[1]) < 40:
        assert km <= min(_globe(a, b) for a in corners for b in others) + 60


def _apart(one: int, other: int) -> int:
    return min((one - other) % 360, (other - one) % 360)


def _globe(one: tuple[int, int], other: tuple[int, int]) -> float:
    """The great circle, by the haversine formula."""
    (a, b), (c, d) = (tuple(map(math.radians, each)) for each in (one, other))
    h = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(min(h, 1)))


def test_known_distances():
    """Neighbours are at no distance, and the date line is no wall."""
    assert km_between_places(KIGALI, GOMA) == 0
    assert km_between_places((0, 179), (0, -180)) == 0
    assert km_between_places((0, 0), (0, 3)) == 219
    assert 700 < km_between_places(GOMA, MOMBASA) < 1100
    assert km_between_places(GOMA, ANTWERP) > 5500


# --- too far apart


@pytest.mark.threat("T63")
def test_one_tag_in_two_places_at_once():
    """Goma and Mombasa, a thousand kilometres of road, on one day: noticed; three days later it may have been driven."""
    found = noticed([scan(5, GOMA), scan(5, MOMBASA)])
    assert found == {"scans_too_far_apart": {"days": "0", "km": str(km_between_places(GOMA, MOMBASA))}}
    assert noticed([scan(5, GOMA), scan(6, MOMBASA)]) == {}
    assert "scans_too_far_apart" in noticed([scan(5, GOMA), scan(8, ANTWERP)])
    assert noticed([scan(5, KIGALI), scan(5, GOMA), scan(5, BUKAVU)]) == {}


def test_what_flew_abroad_is_not_compared_with_what_was_before():
    """Gold leaves on one day and is read at a refinery on the next."""
    assert noticed([scan(5, GOMA), scan(7, ANTWERP)], left=day(6)) == {}
    assert "scans_too_far_apart" in noticed([scan(5, GOMA), scan(5, ANTWERP)], left=day(6))


@given(st.lists(st.tuples(st.integers(0, 20), places), max_size=8))
def test_the_slow_twin_agrees(seen):
    """Any two places that are further apart than 800 km for each day they touch, and 300 at least."""
    placed = [scan(number, place) for number, place in seen]
    wanted = any(
        km_between_places(one.place, other.place)
        > max(300, 800 * (abs((date.fromisoformat(one.day) - date.fromisoformat(other.day)).days) + 1))
        for one in placed
        for other in placed
    )
    assert ("scans_too_far_apart" in noticed(placed, over=None, cells=())) == wanted


def test_a_thousand_places_take_no_longer_than_two_hundred():
    """Only the newest are compared."""
    flood = [scan(0, ANTWERP), *(scan(1 + n // 50, GOMA) for n in range(scans.PLACED_MAX))]
    assert "scans_too_far_apart" not in noticed(flood)


# --- after its end


@pytest.mark.threat("T64")
def test_a_tag_that_came_off_is_still_read():
    """Two days and more than a month after it came off or its lot ended; not soon, and not once."""
    assert noticed([scan(41), scan(43)], over=day(10)) == {"scanned_after_end": {"scans": "2"}}
    assert noticed([scan(40), scan(41)], over=day(10)) == {}
    assert noticed([scan(41, times=90)], over=day(10)) == {}
    assert noticed([scan(41), scan(43)]) == {}


@pytest.mark.threat("T64")
def test_a_tag_whose_lot_left_is_read_where_it_was_before():
    """Abroad anybody may read it; back near the mine, a month later, it is on something else."""
    abroad, at_home = [scan(41, ANTWERP), scan(60, ANTWERP)], [scan(41, GOMA), scan(60, KIGALI)]
    assert noticed(abroad, left=day(10)) == {}
    assert noticed(at_home, left=day(10)) == {"scanned_after_end": {"scans": "2"}}
    assert noticed([scan(41), scan(60)], left=day(10)) == {}
    assert noticed(at_home, left=day(10), cells=()) == {}


# --- far away


def test_a_lot_is_read_far_from_where_it_is():
    """Three days, five hundred kilometres from the last place an event names; once is nothing, and so is before."""
    far = [scan(number, DAR) for number in (5, 6, 9)]
    assert noticed(far) == {"scanned_far_away": {"scans": "3"}}
    assert noticed(far[:2]) == {}
    assert noticed([scan(5, DAR, times=40)]) == {}
    assert noticed(far, cells=((day(0), (-17, 292)), (day(9), (-17, 292)))) == {}
    assert noticed(far, cells=((day(0), (-17, 292)), (day(4), (-68, 392)))) == {}
    assert noticed(far, cells=()) == {}
    assert noticed([scan(number, KIGALI) for number in range(1, 30)]) == {}


# --- old labels


def test_old_labels_outlive_their_bag():
    """Printed for an earlier state and read on three days after the end; while the lot is open that is nothing odd."""
    old = [scan(number, label="older") for number in (11, 12, 13)]
    assert noticed(old) == {}
    assert noticed(old, over=day(10)) == {"scanned_with_old_label": {"scans": "3"}}
    assert noticed(old[:2], over=day(10)) == {}
    assert noticed([scan(number) for number in (11, 12, 13)], over=day(10)) == {}


# --- what is signed


def test_the_digest_is_of_the_scans_used():
    """Whoever has the scans computes it again; another count is another digest."""
    seen = [scan(1), scan(5, GOMA), scan(5, MOMBASA)]
    (first,) = scans.of_tag(tagged(), seen, None)
    again = first._replace(inputs=(seen[2], seen[1], seen[1]))
    assert first.body(1)["inputs_digest"] == again.body(1)["inputs_digest"]
    other = first._replace(inputs=(seen[1], seen[2]._replace(times=2)))
    assert first.body(1)["inputs_digest"] != other.body(1)["inputs_digest"]
    assert first.body(1)["subjects"] == [
        {"type": "lot", "id": tagged().lot},
        {"type": "tag", "id": TAG},
    ]
