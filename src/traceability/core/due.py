"""What falls due by time: clocks that entries start, and what is found when they run out.

A clock is one for an entry and a kind, not one for a lot: it counts how many of the entry's lots still wait.
Clocks of 64 neighbouring entries lie in one record, so that stopping one needs only the entry's index, which
every lot knows; a day lists the records that have clocks due on it.

A clock falls due at the first entry whose record time reaches its day, before that entry is applied, in order
of days, then of the entries that started them. One entry looks at no more than a bounded number of them
(`LOOKS_MAX`); what is left falls to the next, so that nobody can prepare an entry that takes minutes.
"""

from collections.abc import Iterator
from datetime import date

from msgspec.structs import replace

from traceability.core.ids import EventId
from traceability.core.outcome import Step
from traceability.core.tallies import Clock, ClockKind, Clocks, Due, DueDay

DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
NEIGHBOURS = 64
PART = 128
FAR_DAYS = 60
"""Whatever day somebody expects something, it is asked about after so many at the latest."""
LOOKS_MAX = 256
"""How many days and records one entry looks at, and of how many lots it asks, each lot counting as a part of one."""


def today(step: Step) -> int:
    """The record day, counted from 1970-01-01."""
    return step.entry.record_time // DAY


def day_number(day: str) -> int:
    """A calendar day, counted likewise."""
    return date.fromisoformat(day).toordinal() - _EPOCH


def start(step: Step, kind: ClockKind, day: int, count: int) -> None:
    """Starts this entry's clock: `count` of its things wait, and it falls due on `day`, not before tomorrow."""
    day = max(day, today(step) + 1)
    index = step.entry.index
    chunk = index // NEIGHBOURS
    clocks = step.find("due", f"c{chunk}", Clocks) or Clocks()
    new = Clock(kind, index, bytes.fromhex(step.entry.event_id), day, count)
    step.put("due", f"c{chunk}", Clocks((*clocks.clocks, new)))
    due = step.find("due", f"d{day}", DueDay) or DueDay()
    if due.chunks and due.chunks[-1] == chunk:
        return
    if len(due.chunks) == PART:
        step.put("due", f"d{day}.{due.full}", DueDay(0, due.chunks))
        due = DueDay(due.full + 1)
    step.put("due", f"d{day}", DueDay(due.full, (*due.chunks, chunk)))


def count_down(step: Step, kind: ClockKind, index: int, by: int) -> None:
    """So many things of the entry at `index` wait no more (below zero: wait again), where its clock still runs."""
    chunk = f"c{index // NEIGHBOURS}"
    found = step.find("due", chunk, Clocks)
    clocks = found.clocks if found is not None else ()
    first, end = 0, len(clocks)
    while first < end:  # they are in order of their entries
        middle = (first + end) // 2
        if clocks[middle].index < index:
            first = middle + 1
        else:
            end = middle
    for at in range(first, len(clocks)):
        clock = clocks[at]
        if clock.index != index:
            return
        if clock.kind == kind:
            counted = replace(clock, open=max(clock.open - by, 0))
            step.put("due", chunk, Clocks((*clocks[:at], counted, *clocks[at + 1 :])))
            return


def fallen(step: Step) -> Iterator[Clock]:
    """The clocks that have run out at this entry with something open, in order; each only once.

    Whoever takes them may look only at the state before this entry.
    """
    now = today(step)
    due = step.find("due", "", Due)
    if due is None:
        step.put("due", "", Due(now))
        return
    if due.day > now:
        return
    day, at, looks = due.day, due.at, LOOKS_MAX
    while day <= now and looks > 0:
        looks -= 1
        top = step.find("due", f"d{day}", DueDay)
        chunk = None if top is None else _chunk(step, day, top, at)
        if chunk is None:
            day, at = day + 1, 0
            continue
        done = True
        clocks = step.find("due", f"c{chunk}", Clocks)
        left = []
        for clock in clocks.clocks if clocks else ():
            if clock.day > day:
                left.append(clock)
            elif clock.open and looks <= 0:
                left.append(clock)
                done = False
            elif clock.open:
                looks -= 1 + clock.open // 4
                yield clock
        step.put("due", f"c{chunk}", Clocks(tuple(left)))
        at += done
    step.put("due", "", Due(day, at))


def _chunk(step: Step, day: int, top: DueDay, at: int) -> int | None:
    part, place = divmod(at, PART)
    if part < top.full:
        found = step.find("due", f"d{day}.{part}", DueDay)
        return found.chunks[place] if found else None
    return top.chunks[place] if place < len(top.chunks) else None


def event_of(clock: Clock) -> EventId:
    """The event that started the clock."""
    return EventId(clock.event.hex())
