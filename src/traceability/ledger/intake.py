"""The first half of an append, outside any lock: read strictly, check what was opened, verify the signature.

A key that is not registered yet may be added by an earlier event of the same group; the signature is then
verified when it is the event's turn.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from traceability.core import events, fold
from traceability.core.errors import Invalid, Malformed
from traceability.core.events import Event
from traceability.core.ids import EventId
from traceability.core.signing import Envelope, PublicKey, event_pae
from traceability.core.state import Key
from traceability.ledger import disclosures
from traceability.ledger.answers import Disclosure, Refused, Submission
from traceability.ledger.store import Store

_KEYS_MAX = 50_000
_THREADS_FROM = 64
"""From how many signatures on a second thread is worth waking (verifying releases the interpreter)."""


class Read(NamedTuple):
    """An event that was read. `verified` is False while its key is not known."""

    envelope: Envelope
    event: Event
    event_id: EventId
    signed: bytes
    """What the signature is over."""
    disclosures: Sequence[Disclosure]
    record_time: int | None
    verified: bool

    def verify(self, key: PublicKey) -> Refused | None:
        """Why the signature is not this key's; None when it is."""
        try:
            key.verify(self.envelope.signature, self.signed)
        except Invalid as error:
            return Refused("bad_signature", str(error))
        return None


class Intake:
    """Reads and verifies submissions; keeps public keys loaded."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: dict[str, PublicKey] = {}
        self._second = ThreadPoolExecutor(1, "verify")

    def close(self) -> None:
        """Ends the second thread."""
        self._second.shutdown()

    def take(self, submissions: Sequence[Submission]) -> list[Read | Refused]:
        """Each submission read, and verified where its key is registered; or why it is refused."""
        reads = [_read(submission) for submission in submissions]
        self._load_keys({read.event.key for read in reads if isinstance(read, Read)})
        if len(reads) < _THREADS_FROM:
            return [self._verified(read) for read in reads]
        half = len(reads) // 2
        later = self._second.submit(lambda: [self._verified(read) for read in reads[half:]])
        return [*(self._verified(read) for read in reads[:half]), *later.result()]

    def key_of(self, record: Key) -> PublicKey:
        """The loaded key of this record."""
        found = self._keys.get(record.id)
        if found is None:
            if len(self._keys) >= _KEYS_MAX:
                self._keys.clear()
            found = self._keys[record.id] = PublicKey(record.public_key)
        return found

    def _load_keys(self, ids: set[str]) -> None:
        missing = ids - self._keys.keys()
        if missing:
            with self._store.read() as view:
                for record in view.records(("key", id_) for id_ in missing).values():
                    if isinstance(record, Key):
                        self.key_of(record)

    def _verified(self, read: Read | Refused) -> Read | Refused:
        if isinstance(read, Refused):
            return read
        key = self._keys.get(read.event.key)
        if key is None:
            brought = fold.signing_key(read.event)
            if brought is None:
                return read
            try:
                key = PublicKey(brought)
            except Malformed as error:
                return Refused("weak_key", str(error))
        return read.verify(key) or read._replace(verified=True)


def _read(submission: Submission) -> Read | Refused:
    envelope = submission.envelope
    try:
        event = submission.event or events.read(envelope)
    except Malformed as error:
        return Refused("malformed", str(error))
    refused = disclosures.check(event, submission.disclosures)
    if refused is not None:
        return refused
    signed = event_pae(envelope.payload)
    event_id = EventId(hashlib.sha256(signed).hexdigest())
    return Read(
        envelope, event, event_id, signed, submission.disclosures, submission.record_time, verified=False
    )
