"""What was written in the field and waits for a signal: events in the order in which the log takes them.

Kept here as bytes, and signed only when their time comes: a phone signs when its user does, but in a
simulation the work of days should not lie in memory as parsed events.
"""

from collections.abc import Iterator
from functools import cached_property
from heapq import heappop, heappush
from typing import Any

from traceability.core import events
from traceability.core.signing import Envelope, SigningKey

Disclosure = tuple[str, str, Any]
"""Salt, path and value of a sealed field."""


class Signed:
    """An event as it comes in, with what its sender discloses, and when the log takes it (Unix seconds)."""

    def __init__(self, envelope: Envelope, disclosures: list[Disclosure], record_time: int) -> None:
        self.envelope = envelope
        self.disclosures = disclosures
        self.record_time = record_time

    @cached_property
    def event(self) -> events.Event:
        """The event, strictly read when somebody first asks: whoever only passes it on need not wait for that."""
        return events.read(self.envelope)


class Post:
    """Hands events on in order of record time; at one time in the order they were written."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, SigningKey, bytes, list[Disclosure]]] = []
        self.written = 0
        """How many events were written so far."""

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, record_time: int, key: SigningKey, payload: bytes, disclosures: list[Disclosure]) -> None:
        """An event for the log, to be recorded at that time."""
        heappush(self._waiting, (record_time, self.written, key, payload, disclosures))
        self.written += 1

    def later_than(self, time: int) -> int:
        """How many of those that wait reach the log only after that time."""
        return sum(waiting[0] > time for waiting in self._waiting)

    def until(self, time: int | None = None) -> Iterator[Signed]:
        """Everything that reaches the log up to and including that time; without one, all there is."""
        waiting = self._waiting
        while waiting and (time is None or waiting[0][0] <= time):
            record_time, _, key, payload, disclosures = heappop(waiting)
            yield Signed(key.sign_event(payload), disclosures, record_time)
