"""Flows that are going on, run one at a time in the order of when they go on."""

from collections.abc import Iterator
from heapq import heappop, heappush

from traceability.simulation.cast import Cast, Flow


class Flows:
    """Flows that are going on. Runs them one at a time, in order of when they go on."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.reserved = 0
        """Events that flows may still write."""
        self._going: list[tuple[int, int, Flow, int]] = []
        self._started = 0

    def start(self, flow: Flow, at: int, events: int) -> None:
        """Starts a flow at that time. It may come to so many events."""
        self.reserved += events
        self._go_on(flow, at, events)

    def run(self) -> Iterator[int]:
        """Runs everything; gives each time before what happens then happens."""
        world = self.cast.world
        while self._going:
            yield self._going[0][0]
            at, _, flow, left = heappop(self._going)
            world.now = at
            before = world.post.written
            rest = next(flow, None)
            used = left if rest is None else min(world.post.written - before, left)
            self.reserved -= used
            if rest is not None:
                self._go_on(flow, at + max(rest, 1), left - used)

    def _go_on(self, flow: Flow, at: int, left: int) -> None:
        self._started += 1
        heappush(self._going, (at, self._started, flow, left))
