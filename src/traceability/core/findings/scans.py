"""Rules that read public scans: on which days a tag's page was opened, and where people said they were.

A scan is a stranger's word. Whoever has a tag's code can send as many as he likes, from anywhere he likes to name: so
what is noticed here is never more than a notice, it is said to rest on what strangers reported, and nothing else is
built on it. The operator computes, signs and appends these findings like those over sealed values; `inputs_digest`
commits to the scans used.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from traceability.core import policy
from traceability.core.distance import km_between_places
from traceability.core.findings.stated import ToState
from traceability.core.ids import EventId, LotId
from traceability.core.policy import Policy, Section
from traceability.core.tallies import Cell

Place = tuple[int, int]
"""A cell of one degree: latitude and longitude of its south-west corner, in degrees."""
PLACED_MAX = 200
"""So many places are compared, the newest."""


class Scan(NamedTuple):
    """How often a tag's page was opened on a day; with a place, how many people said that they were there."""

    tag: str
    day: str
    """In UTC."""
    place: Place | None
    label: str
    """What the reader's device found of the label in the address: `older`, of an earlier state of the lot; or nothing."""
    times: int

    def row(self) -> tuple[str | int, ...]:
        """What `inputs_digest` commits to."""
        return self.tag, self.day, place_text(self.place), self.label, self.times


class Tagged(NamedTuple):
    """What the log says of a tag and of the lot that it is on, or was on last."""

    tag: str
    lot: LotId
    event: EventId
    """The newest that put the tag on, or took it off."""
    over: str | None
    """The day on which it came off, or on which its lot ended; None while it is on an open lot."""
    left: str | None
    """The day on which the lot last left the country; None for one that has not."""
    cells: tuple[tuple[str, Cell], ...]
    """Where the lot's own events say that they happened, by day, oldest first."""


Number = Callable[[Section, str, str], int]
"""A number in force, by section, rule and name."""
Noticed = tuple[dict[str, int], list[Scan]]
"""The figures compared, and the scans they come from."""


def place_text(place: Place | None) -> str:
    """A place as it is kept: `-2,29`; empty for none."""
    return "" if place is None else f"{place[0]},{place[1]}"


def of_tag(tagged: Tagged, scans: Sequence[Scan], rules: Policy | None) -> list[ToState]:
    """Everything these rules notice about one tag, by rule; `scans` are of that tag, in order of day."""

    def number(section: Section, rule: str, name: str) -> int:
        return policy.number(rules, section, rule, name)

    found = []
    for rule in (scanned_after_end, scanned_far_away, scanned_with_old_label, scans_too_far_apart):
        noticed = rule(tagged, scans, number)
        if noticed is not None:
            figures = tuple((name, str(value)) for name, value in sorted(noticed[0].items()))
            subjects = (("lot", tagged.lot), ("tag", tagged.tag))
            found.append(
                ToState(rule.__name__, "notice", subjects, (tagged.event,), figures, tuple(noticed[1]))
            )
    return found


def scans_too_far_apart(tagged: Tagged, scans: Sequence[Scan], number: Number) -> Noticed | None:
    """One tag read in two places that no load travels between in those days: `km` (300), and `km_a_day` (800).

    The places' near edges count, and both days whole. A tag is on one bag; its copy may be on another (F4). Places
    before and after the lot left the country are not compared: it may have flown. Honest: a photo of the tag that
    somebody looked up at home, an aeroplane, a stranger who made it up.
    """
    least = number("thresholds", "scans_too_far_apart", "km")
    a_day = number("thresholds", "scans_too_far_apart", "km_a_day")
    placed = [scan for scan in scans if scan.place is not None][-PLACED_MAX:]
    for at, later in enumerate(placed):
        for earlier in placed[:at]:
            days = _days(earlier.day, later.day)
            assert earlier.place is not None
            assert later.place is not None
            km = km_between_places(earlier.place, later.place)
            flown = tagged.left is not None and earlier.day <= tagged.left <= later.day
            if km > max(least, a_day * (days + 1)) and not flown:
                return {"km": km, "days": days}, [earlier, later]
    return None


def scanned_after_end(tagged: Tagged, scans: Sequence[Scan], number: Number) -> Noticed | None:
    """A tag is read on `scans` (2) days more than `days` (30) after nobody should have it in his hands any more.

    After it came off, or after its lot ended; after the lot left the country, what is read within `near_km` (200) of
    where it was before. Then the tag, or its copy, is on something else (F1, F4, F14). Honest: a tag kept in a drawer, an
    old photo, an auditor at his desk.
    """
    since = tagged.over or tagged.left
    if since is None:
        return None
    wait = number("times", "scanned_after_end", "days")
    late = [scan for scan in scans if _days(since, scan.day) > wait]
    if tagged.over is None:
        near = number("thresholds", "scanned_after_end", "near_km")
        before = [cell for day, cell in tagged.cells if day <= since]
        late = [scan for scan in late if _distance(scan, before, near + 1) <= near]
    return _on_days(late, number("thresholds", "scanned_after_end", "scans"))


def scanned_far_away(tagged: Tagged, scans: Sequence[Scan], number: Number) -> Noticed | None:
    """A tag on an open lot is read on `scans` (3) days more than `km` (500) from where the lot was said to be last.

    By the last cell that an event of the lot names, on days after it. A copy of the tag may be on another bag (F4), or
    the lot has moved on without a record (F13). Honest: it is on the road and its handoff comes later.
    """
    if tagged.over is not None or tagged.left is not None or not tagged.cells:
        return None
    day, cell = tagged.cells[-1]
    km = number("thresholds", "scanned_far_away", "km")
    far = [scan for scan in scans if scan.day > day and _distance(scan, [cell], 0) > km]
    return _on_days(far, number("thresholds", "scanned_far_away", "scans"))


def scanned_with_old_label(tagged: Tagged, scans: Sequence[Scan], number: Number) -> Noticed | None:
    """Labels printed for an earlier state of the lot are read on `scans` (3) days after the tag came off or its lot ended.

    While the lot is open an old label is nothing odd: nobody has to print anew at each handoff. Afterwards it lives on
    without its bag, or on another (F4). Honest: the same as of `scanned_after_end`.
    """
    if tagged.over is None:
        return None
    old = [scan for scan in scans if scan.label == "older" and scan.day > tagged.over]
    return _on_days(old, number("thresholds", "scanned_with_old_label", "scans"))


def _on_days(scans: Sequence[Scan], least: int) -> Noticed | None:
    days = len({scan.day for scan in scans})
    return ({"scans": days}, list(scans)) if days >= least else None


def _distance(scan: Scan, cells: Sequence[Cell], otherwise: int) -> int:
    """Kilometres from a scan's place to the nearest of these cells."""
    if scan.place is None:
        return otherwise
    places = {(cell[0] // 10, cell[1] // 10) for cell in cells}
    return min((km_between_places(scan.place, place) for place in places), default=otherwise)


def _days(earlier: str, later: str) -> int:
    return (date.fromisoformat(later) - date.fromisoformat(earlier)).days
