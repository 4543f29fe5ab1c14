"""Rules on what one key signs: numbers left out, events that come late, journeys nobody makes, tags in a rush."""

from collections.abc import Sequence

from msgspec.structs import replace

from traceability.core import due
from traceability.core.distance import cell_of, km_between, seconds_of
from traceability.core.events import Event, KeyRevocation, Production
from traceability.core.ids import EventId
from traceability.core.outcome import Step
from traceability.core.registry_records import Key
from traceability.core.tallies import Cell, Gap, KeyTally

GAPS_MAX = 64
DELAYS = 16
VISITS = 8
Visits = tuple[tuple[int, str], ...]


def watch_key(step: Step, event: Event, tags: int) -> None:
    """Takes an event into its key's tally, and asks the rules on keys. `tags`: how many tags it puts on."""
    id_ = f"key:{event.key}"
    tally = step.find("tally", id_, KeyTally) or KeyTally()
    gaps = _gaps(step, event, tally)
    delay = recorded_unusually_late(step, event, tally)
    time, cell = tally.time, tally.cell
    if event.body.cell is not None and event.body.source in (None, "device"):
        time, cell = impossible_travel(step, event, tally)
    visits = tally.visits
    if isinstance(event, Production) and event.body.site is not None:
        visits = sites_interleaved(step, event, event.body.site, visits)
    since, count = tags_in_a_rush(step, event, tally, tags) if tags else (tally.tags_from, tally.tags)
    number = max(tally.next, event.sequence + 1)
    delays = (*tally.delays[-DELAYS + 1 :], delay)
    step.put("tally", id_, KeyTally(number, gaps, time, cell, delays, visits, since, count))
    if isinstance(event, KeyRevocation):
        _revoked(step, event)


# Numbers


def _gaps(step: Step, event: Event, tally: KeyTally) -> tuple[Gap, ...]:
    """The gaps after one more number: one is seen, closed, or called abandoned."""
    gaps, number, abandoned = tally.gaps, event.sequence, event.body.abandoned or ()
    if gaps:
        for known in (number, *abandoned):
            gaps = _without(gaps, known)
    if number <= tally.next:
        return gaps
    missing: tuple[Gap, ...] = (Gap(tally.next, number - 1, step.entry.index),)
    for known in abandoned:
        missing = _without(missing, known)
    if missing:
        due.start(step, "gap", due.today(step) + step.number("times", "gap_in_sequence", "days"), 1)
    # Of very many gaps the oldest are forgotten: nobody who is honest has so many.
    return (*gaps, *missing)[-GAPS_MAX:]


def _without(gaps: Sequence[Gap], number: int) -> tuple[Gap, ...]:
    found: list[Gap] = []
    for gap in gaps:
        if gap.first <= number <= gap.last:
            if gap.first < number:
                found.append(replace(gap, last=number - 1))
            if number < gap.last:
                found.append(replace(gap, first=number + 1))
        else:
            found.append(gap)
    return tuple(found)


def say_gaps(
    step: Step, key: str, tally: KeyTally, gaps: Sequence[Gap], event: EventId | None = None
) -> KeyTally:
    """Raises `gap_in_sequence` for these gaps at once, and forgets them. `event` showed them, if they fell due."""
    if gaps:
        figures = {
            "first": min(gap.first for gap in gaps),
            "last": max(gap.last for gap in gaps),
            "missing": sum(gap.last - gap.first + 1 for gap in gaps),
        }
        named = () if event is None else (event,)
        step.note(
            "gap_in_sequence", "warning", [("key", key)], events=named, figures=figures, due=event is not None
        )
    return replace(tally, gaps=tuple([gap for gap in tally.gaps if gap not in gaps]))


def _revoked(step: Step, event: KeyRevocation) -> None:
    """A key that ends will sign no more: what is missing of it is missing for good."""
    key = step.find("key", event.body.key, Key)
    tally = step.find("tally", f"key:{event.body.key}", KeyTally)
    if key is not None and key.revoked is not None and tally is not None:
        step.put("tally", f"key:{event.body.key}", say_gaps(step, key.id, tally, tally.gaps))


# Times and places


def recorded_unusually_late(step: Step, event: Event, tally: KeyTally) -> int:
    """An event that comes much later than this key's events do: after `days` (14), and `times_usual` (8) its median.

    Of several brought together the first is told of. A device clock set back, or a book written afterwards (F9). Gives
    the delay in hours. Honest: weeks in the bush;
    what was typed from paper counts from when it was typed.
    """
    said = event.body.captured_time or event.event_time
    delay = max(step.entry.record_time - seconds_of(said), 0) // 3600
    if delay > 24 and len(tally.delays) == DELAYS:
        usual = sorted(tally.delays)[DELAYS // 2]
        times = step.number("thresholds", "recorded_unusually_late", "times_usual")
        late = max(24 * step.number("times", "recorded_unusually_late", "days"), times * usual)
        if tally.delays[-1] <= late < delay:
            figures = {"hours": delay, "usual_hours": usual}
            step.note("recorded_unusually_late", "notice", [("key", event.key)], figures=figures)
    return delay


def impossible_travel(step: Step, event: Event, tally: KeyTally) -> tuple[int, Cell | None]:
    """One key in two places that nobody travels between in that time: more than `km` (30) at over `km_h` (120).

    The cells' near edges count, and `slack_minutes` (30) are given. Somebody signs from a desk, or two people share a
    key (F4, F8, F19). Honest: a cell typed wrong, a clock put right in between, an aeroplane.
    """
    cell = cell_of(event.body.cell or "0,0")
    time = min(seconds_of(event.event_time), step.entry.record_time)
    if tally.cell is not None and cell != tally.cell:
        km = km_between(tally.cell, cell)
        if too_fast(step, km, abs(time - tally.time)):
            figures = {"km": km, "minutes": abs(time - tally.time) // 60}
            step.note("impossible_travel", "warning", [("key", event.key)], figures=figures)
    return (tally.time, tally.cell) if time < tally.time else (time, cell)


def too_fast(step: Step, km: int, seconds: int) -> bool:
    """Whether nobody travels so far in so long."""
    if km <= step.number("thresholds", "impossible_travel", "km"):
        return False
    seconds += 60 * step.number("times", "impossible_travel", "slack_minutes")
    return km * 3600 > seconds * step.number("thresholds", "impossible_travel", "km_h")


def sites_interleaved(step: Step, event: Production, site: str, visits: Visits) -> Visits:
    """Tags of two sites put on by one key in turn: it comes back to a site `returns` (3) times within `hours` (6).

    Whoever walks from pit to pit does one after the other; bags of one heap given to two sites are signed in turn
    (F1, F2). Honest: two pits at one landing, an agent who waits for both.
    """
    time = seconds_of(event.event_time)
    if not visits or visits[-1][1] == site:
        return (*visits[:-1], (time, site))
    since = time - 3600 * step.number("times", "sites_interleaved", "hours")
    visits = (*(visit for visit in visits if visit[0] >= since), (time, site))[-VISITS:]
    returns = len(visits) - len({name for _, name in visits})
    if returns >= step.number("thresholds", "sites_interleaved", "returns"):
        sites = sorted({name for _, name in visits})
        figures = {"returns": returns, "sites": len(sites)}
        step.note(
            "sites_interleaved",
            "warning",
            [("key", event.key), *(("site", each) for each in sites)],
            figures=figures,
        )
        visits = visits[-1:]
    return visits


def tags_in_a_rush(step: Step, event: Event, tally: KeyTally, tags: int) -> tuple[int, int]:
    """More than `tags` (120) put on with one key within `minutes` (60).

    Filling, weighing and closing a bag takes minutes: tags that go on faster go on at a table (F1). Honest: a day's
    bags signed for in the evening, several sites in one upload with one hour typed.
    """
    time = seconds_of(event.event_time)
    if (
        not tally.tags_from
        <= time
        <= tally.tags_from + 60 * step.number("times", "tags_in_a_rush", "minutes")
    ):
        return time, tags
    most = step.number("thresholds", "tags_in_a_rush", "tags")
    if tally.tags <= most < tally.tags + tags:
        figures = {"minutes": (time - tally.tags_from) // 60, "tags": tally.tags + tags}
        step.note("tags_in_a_rush", "warning", [("key", event.key)], figures=figures)
    return tally.tags_from, tally.tags + tags
