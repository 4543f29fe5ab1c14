"""Hourly snapshots of the book, in a thread beside the requests."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from functools import partial

from traceability.api.beside import running
from traceability.core.errors import TraceabilityError
from traceability.core.registry_records import Key, LedgerFacts
from traceability.core.signing import SigningKey
from traceability.ledger import snapshots
from traceability.ledger.answers import Recorded
from traceability.ledger.database import ERRORS
from traceability.ledger.writer import Ledger

EVERY_SECONDS = 3600
LOOK_SECONDS = 30.0
_LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def stating(ledger: Ledger, key: SigningKey | None) -> Iterator[None]:
    """While this lasts, this key (None: nobody) states the book."""
    if key is None:
        yield
        return
    with running("snapshots", partial(_run, ledger, key)):
        yield


def _run(ledger: Ledger, key: SigningKey, over: threading.Event) -> None:
    trouble = None
    while not over.is_set():
        try:
            said = state_when_due(ledger, key)
        except (*ERRORS, TraceabilityError) as error:
            said = f"{type(error).__name__}: {error}"
        if said != trouble and said is not None:
            _LOG.warning("the book was not stated: %s", said)
        trouble = said
        over.wait(LOOK_SECONDS)


def state_when_due(ledger: Ledger, key: SigningKey) -> str | None:
    """States the book where an hour has gone by since it was stated last; why it could not be, None where nothing is wrong.

    Another process may have stated it: what counts is what stands in the log.
    """
    if ledger.ended is not None:
        return None
    with ledger.store.read() as view:
        facts, known, now = view.record(("ledger", "")), view.record(("key", key.id)), view.now()
        kept = view.book()
        newest = None if kept is None else view.entry(kept.stated_by)
    if newest is not None and now - newest.record_time < EVERY_SECONDS:
        return None
    if (
        not isinstance(facts, LedgerFacts)
        or not isinstance(known, Key)
        or known.party != facts.operator
        or known.revoked
    ):
        return "SNAPSHOT_KEY is no key of the operator now"
    said = snapshots.take(ledger, key, facts.operator, lambda: int(time.time()))
    return None if said is None or isinstance(said, Recorded) else str(said)
