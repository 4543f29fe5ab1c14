"""The clock that stamps entries, and when it is not believed.

Record times are whole seconds, taken under the head lock, and never fall. A clock behind the newest entry,
or one that in a running process has parted from the machine's monotonic clock by more than a day, stamps
nothing. A long silence is no leap: both clocks went on through it, also while the machine slept.
"""

import time
from collections.abc import Callable

LEAP_SECONDS = 86_400


class ClockRefuses(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """No entry can be stamped now; the message says why."""


def _steady() -> float:
    # CLOCK_MONOTONIC stands still while a laptop sleeps.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Clock:
    """Compares the wall clock with what it was when this process first read it."""

    def __init__(self, steady: Callable[[], float] = _steady) -> None:
        self._steady = steady
        self._first: tuple[int, float] | None = None

    def stamp(self, wall: int, newest: int) -> int:
        """`wall` as a record time after `newest`, both Unix seconds. Raises ClockRefuses."""
        steady = self._steady()
        first_wall, first_steady = self._first or (wall, steady)
        self._first = (first_wall, first_steady)
        if wall < newest:
            raise ClockRefuses(
                f"the clock is {newest - wall} s behind the newest entry: nothing is recorded until it is set right"
            )
        parted = (wall - first_wall) - (steady - first_steady)
        if abs(parted) > LEAP_SECONDS:
            raise ClockRefuses(
                f"the clock has leapt by {parted / 3600:.0f} hours since this program started: "
                "set it right, or start the program again if it is right now"
            )
        return wall
