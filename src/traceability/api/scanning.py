"""Counting public scans: that a tag's page was opened, and where its reader said he was (`ledger.scans`).

A page counts where a browser says that a person navigated to it (`Sec-Fetch-Mode`, `Sec-Fetch-Dest`) and is not fetching
it ahead (`Sec-Purpose`): programs, previews of messengers and browsers of before 2023 do not, nor do those who are
signed in. The same device counts once in SEEN_SECONDS. To know that, a keyed hash of address and browser is kept so long,
in memory, under a key that changes daily (`clients`); it is in no file and in no log, and neither are they.

What was counted is written down every few seconds, behind the requests: nobody waits for it, and a process that is
killed forgets a handful of scans.
"""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from fastapi import Request

from traceability.api.beside import running
from traceability.api.clients import Clients
from traceability.api.guesses import Bucket, Buckets, Clock, too_many
from traceability.core.authority import day_of
from traceability.ledger import scans
from traceability.ledger.database import ERRORS
from traceability.ledger.scans import Counted
from traceability.ledger.store import Store

SEEN_SECONDS = 600.0
SEEN_MAX = 50_000
PLACES_AT_ONCE, PLACES_SECONDS_EACH = 10, 300.0
"""So many places one client may name at once, and then one in so many seconds."""
ALL_PLACES_AT_ONCE, ALL_PLACES_SECONDS_EACH = 300, 1.0
FLUSH_SECONDS = 5.0
WAITING_MAX = 10_000
"""So many numbers wait at most for a database that cannot be written to."""
_LOG = logging.getLogger(__name__)


class Scanning:
    """The counter of one process. Requests come from one event loop, `flush` from any thread."""

    def __init__(self, store: Store, clients: Clients, clock: Clock = time.monotonic) -> None:
        self._store = store
        self._clients = clients
        self._clock = clock
        self._seen: dict[bytes, float] = {}
        self._each = Buckets(PLACES_AT_ONCE, PLACES_SECONDS_EACH, clock)
        self._all = Bucket(ALL_PLACES_AT_ONCE, ALL_PLACES_SECONDS_EACH, clock)
        self._lock = threading.Lock()
        self._waiting: Counter[Counted] = Counter()

    def opened(self, request: Request, tag: str) -> None:
        """Counts that the page of this tag was opened, where a person did."""
        if is_page_view(request) and self._is_new(request, tag):
            self._add(Counted(tag, day_of(int(time.time()))))

    def placed(self, request: Request, tag: str, place: str, label: str) -> None:
        """Counts that somebody with this tag was there. Raises Problem 429 for one who was in too many places."""
        if not self._is_new(request, tag, place, label):
            return
        if not self._each.take(self._clients.of(request)):
            raise too_many(PLACES_SECONDS_EACH)
        if not self._all.take():
            raise too_many(60)
        self._add(Counted(tag, day_of(int(time.time())), place, label))

    def flush(self) -> None:
        """Writes down what was counted. Raises what databases raise; then it waits for the next time."""
        with self._lock:
            taken, self._waiting = self._waiting, Counter()
        if not taken:
            return
        try:
            scans.count(self._store, taken)
        except ERRORS:
            with self._lock:
                self._waiting = Counter(dict(islice((taken + self._waiting).items(), WAITING_MAX)))
            raise

    def _add(self, key: Counted) -> None:
        with self._lock:
            if key in self._waiting or len(self._waiting) < WAITING_MAX:
                self._waiting[key] += 1

    def _is_new(self, request: Request, *what: str) -> bool:
        """Whether this device has not done this within SEEN_SECONDS."""
        now = self._clock()
        mark = self._clients.of(request, request.headers.get("user-agent", "")[:300], *what)
        before = self._seen.get(mark)
        if before is not None and now - before < SEEN_SECONDS:
            return False
        self._seen.pop(mark, None)
        self._seen[mark] = now
        if len(self._seen) > SEEN_MAX:
            del self._seen[next(iter(self._seen))]
        return True


def is_page_view(request: Request) -> bool:
    """Whether a browser says that a person opens this page now."""
    said = request.headers
    ahead = said.get("sec-purpose", "") + said.get("purpose", "") + said.get("x-moz", "")
    navigates = (said.get("sec-fetch-mode"), said.get("sec-fetch-dest")) == ("navigate", "document")
    return navigates and "prefetch" not in ahead and "preview" not in ahead


@contextlib.contextmanager
def writing_down(scanning: Scanning) -> Iterator[None]:
    """While this lasts, what is counted is written down every FLUSH_SECONDS, and at its end."""

    def write(over: threading.Event) -> None:
        trouble = False
        while not over.is_set():
            ended = over.wait(FLUSH_SECONDS)
            try:
                scanning.flush()
                trouble = False
            except ERRORS as error:
                if not trouble or ended:
                    _LOG.warning("scans were not written down: %s", type(error).__name__)
                trouble = True

    with running("scans", write):
        yield
