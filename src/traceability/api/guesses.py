"""Trying codes: whoever asks for tags that are not there is soon told to wait, whatever he asks for then.

A code has 60 random bits, and finding one by trying is hopeless without any limit; this keeps it from being tried, and
keeps the load small. Per client AT_ONCE questions that find nothing, then one in SECONDS_EACH; in all of one process
ALL_AT_ONCE, then one in ALL_SECONDS_EACH, after which whoever has missed already waits, and whoever has not does not.
A client who waits gets the same answer for codes that are there, so it tells him nothing.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial

from fastapi import Request

from traceability.api.clients import Clients
from traceability.api.problems import Problem

AT_ONCE, SECONDS_EACH = 100, 5.0
ALL_AT_ONCE, ALL_SECONDS_EACH = 2000, 0.2
CLIENTS_MAX = 20_000
"""So many clients are remembered, those who missed last."""

Clock = Callable[[], float]


class Bucket:
    """Room for so many at once, and for one more each so many seconds."""

    def __init__(self, at_once: int, seconds_each: float, clock: Clock = time.monotonic) -> None:
        self._at_once = at_once
        self._seconds_each = seconds_each
        self._clock = clock
        self._room = float(at_once)
        self._looked = clock()

    @property
    def has_room(self) -> bool:
        """Whether one more is let in now."""
        now = self._clock()
        self._room = min(self._at_once, self._room + (now - self._looked) / self._seconds_each)
        self._looked = now
        return self._room >= 1

    def take(self) -> bool:
        """Lets one in, if there is room."""
        if not self.has_room:
            return False
        self._room -= 1
        return True


class Buckets:
    """A bucket for each client, of the CLIENTS_MAX that came last. Used from one event loop."""

    def __init__(self, at_once: int, seconds_each: float, clock: Clock = time.monotonic) -> None:
        self._new = partial(Bucket, at_once, seconds_each, clock)
        self._of: dict[bytes, Bucket] = {}

    def known(self, client: bytes) -> Bucket | None:
        """That of a client who has taken from it."""
        return self._of.get(client)

    def take(self, client: bytes) -> bool:
        """Lets one of this client in, if there is room."""
        bucket = self._of.pop(client, None) or self._new()
        self._of[client] = bucket
        if len(self._of) > CLIENTS_MAX:
            del self._of[next(iter(self._of))]
        return bucket.take()


class Guesses:
    """The limits of one process. Used from one event loop."""

    def __init__(self, clients: Clients, clock: Clock = time.monotonic) -> None:
        self._clients = clients
        self._each = Buckets(AT_ONCE, SECONDS_EACH, clock)
        self._all = Bucket(ALL_AT_ONCE, ALL_SECONDS_EACH, clock)

    @contextlib.contextmanager
    def trying(self, request: Request) -> Iterator[Callable[[], None]]:
        """Around whatever looks a code up: a 404 raised in it is a miss, and so is a call of what it gives.

        Raises Problem 429 for who has to wait.
        """
        client = self._clients.of(request)
        known = self._each.known(client)
        if known is not None and not (known.has_room and self._all.has_room):
            raise too_many(SECONDS_EACH)

        def missed() -> None:
            self._each.take(client)
            self._all.take()

        try:
            yield missed
        except Problem as problem:
            if problem.name == "not_here":
                missed()
            raise


def too_many(seconds: float) -> Problem:
    """The answer for who has to wait so long."""
    said = str(int(seconds))
    return Problem("too_many", f"wait {said} seconds, and then ask less often", headers={"Retry-After": said})
