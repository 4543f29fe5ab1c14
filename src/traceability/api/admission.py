"""How much may be under way at once. Whatever comes above that waits a little, unread, and is then refused.

At most EVENTS_MAX events are being read and recorded at once. Others wait for up to WAIT_SECONDS with nothing
done for them, and are then told 503 `busy`: so the refusals of a flood cost little, and they come no faster
than the flood's clients can be made to wait. Reads have no such bound: writes go first.

Bodies may hold BYTES_MAX together, where the first FREE_BYTES of each do not count: whoever sends large bodies
slowly keeps out other large bodies and no honest event, because an event takes its turn when its body is there.
Large bodies are read in a thread, one at a time, and nobody else waits for them.

Lines of a stream are not refused: the stream is read no faster than its lines are answered.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Self, TypeVar

import anyio
from anyio.to_thread import run_sync

from traceability.api.problems import Problem

EVENTS_MAX = 256
WAIT_SECONDS = 10.0
LINES_MAX = 4096
BYTES_MAX = 64 << 20
FREE_BYTES = 16 << 10
LARGE_BYTES = 32 << 10

_T = TypeVar("_T")


class Admission:
    """The bounds of one process. Used from one event loop."""

    def __init__(
        self,
        *,
        events_max: int = EVENTS_MAX,
        wait_seconds: float = WAIT_SECONDS,
        lines_max: int = LINES_MAX,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        self._events = asyncio.Semaphore(events_max)
        self._wait_seconds = wait_seconds
        self._bytes_max = bytes_max
        self._large = anyio.CapacityLimiter(1)
        self.bytes = 0
        """What bodies hold beyond what is free."""
        self.lines = asyncio.Semaphore(lines_max)
        """One for each line of a stream that waits for its answer."""

    @contextlib.asynccontextmanager
    async def event(self) -> AsyncIterator[None]:
        """The turn of one event, whose body is there. Raises Problem 503 where it does not come in time."""
        try:
            if self._events.locked():
                async with asyncio.timeout(self._wait_seconds):
                    await self._events.acquire()
            else:
                await self._events.acquire()
        except TimeoutError as error:
            raise Problem("busy", "too many events wait here now; send it again in a moment") from error
        try:
            yield
        finally:
            self._events.release()

    def hold(self) -> "Held":
        """Room for one body, as large as it turns out to be."""
        return Held(self)

    def take(self, size: int) -> None:
        """Counts further bytes. Raises Problem 503 where there is no room for them."""
        if size > 0 and self.bytes + size > self._bytes_max:
            raise Problem("busy", "too many large bodies are under way; send it again in a moment")
        self.bytes += size

    async def read(self, reader: Callable[[bytes], _T], body: bytes) -> _T:
        """What a reader makes of a body; in a thread if it is large."""
        if len(body) <= LARGE_BYTES:
            return reader(body)
        return await run_sync(partial(reader, body), limiter=self._large)


class Held:
    """The room one body has; given back when it is closed."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._size = 0

    def resize(self, size: int) -> None:
        """The body has this many bytes now. Raises Problem 503 where there is no room."""
        counted = max(0, self._size - FREE_BYTES)
        self._admission.take(max(0, size - FREE_BYTES) - counted)
        self._size = size

    def close(self) -> None:
        """Gives it back. Harmless when it was before."""
        self.resize(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
