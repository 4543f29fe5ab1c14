"""How much one party may have recorded within a day: whoever has a key cannot fill everybody's disk.

What counts is the bytes of what was recorded, as they were sent and unpacked, by the party whose key signed. What was
refused does not, nor what was known: nobody uses up another's allowance by naming it, and sending again is free.

This is admission, not custody: the log knows nothing of it. Each process counts for itself, from when it started.
"""

import math
import time
from collections import Counter

from traceability.api.guesses import Clock
from traceability.api.problems import Problem
from traceability.core.ids import PartyId

HOUR_SECONDS = 3600
HOURS = 25
"""What was recorded in an hour counts until it is a whole day old: in that hour and the next 24."""


class Allowance:
    """What each party has used of `bytes_max` within a day; 0 is no bound. Used from one event loop."""

    def __init__(self, bytes_max: int, clock: Clock = time.monotonic) -> None:
        self._bytes_max = bytes_max
        self._clock = clock
        self._hours: dict[int, Counter[PartyId]] = {}
        self._used: Counter[PartyId] = Counter()

    def has_room(self, party: PartyId) -> bool:
        """Whether more of this party's is taken now."""
        if not self._bytes_max or self._used[party] < self._bytes_max:
            return True
        self._forget()
        return self._used[party] < self._bytes_max

    def count(self, party: PartyId, size: int) -> None:
        """So many bytes of this party were recorded."""
        self._hours.setdefault(self._forget(), Counter())[party] += size
        self._used[party] += size

    def used_up(self, party: PartyId) -> Problem:
        """What a party is told that has no room: how much it has used, and when there is room again."""
        now = again = self._clock()
        used = left = self._used[party]
        for hour, recorded in self._hours.items():
            if left < self._bytes_max:
                break
            left -= recorded[party]
            again = (hour + HOURS) * HOUR_SECONDS
        seconds = max(1, math.ceil(again - now))
        return Problem(
            "allowance_used",
            f"{used:,} bytes of this party's events were recorded within a day, of {self._bytes_max:,} that are taken "
            f"from one: send this again in {seconds:,} seconds",
            more={"used_bytes": used, "allowance_bytes": self._bytes_max, "wait_seconds": seconds},
            headers={"Retry-After": str(seconds)},
        )

    def _forget(self) -> int:
        """The hour it is; what is older than a day counts no more."""
        hour = int(self._clock() // HOUR_SECONDS)
        while self._hours and (oldest := next(iter(self._hours))) <= hour - HOURS:
            self._used -= self._hours.pop(oldest)
        return hour
