"""The first half of an append, outside any lock: read strictly, check what was opened, verify the signature.

A key that is not registered yet may be added by an earlier event of the same group; the signature is then
verified when it is the event's turn. Of many groups, the next is read in another process (`ahead`) while the
present one is judged here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from traceability.core import events, fold, watch
from traceability.core.errors import Invalid, Malformed
from traceability.core.events import Event
from traceability.core.ids import EventId
from traceability.core.record import Address
from traceability.core.registry_records import Key
from traceability.core.signing import Envelope, PublicKey, event_id, event_pae
from traceability.ledger import collector, disclosures
from traceability.ledger.ahead import Ahead, answer_to, cores
from traceability.ledger.answers import Refused, Submission
from traceability.ledger.database import ERRORS
from traceability.ledger.disclosures import Opened
from traceability.ledger.handover import pack, unpack
from traceability.ledger.store import Store

_KEYS_MAX = 50_000
_THREADS_FROM = 64
"""From how many signatures on a second thread is worth waking (verifying releases the interpreter)."""


class Read(NamedTuple):
    """An event that was read. `verified` is False while its key is not known."""

    envelope: Envelope
    record_time: int | None
    event: Event
    event_id: EventId
    touched: Collection[Address]
    """What judging it may look up."""
    opened: Sequence[Opened]
    verified: bool

    def verify(self, key: PublicKey) -> Refused | None:
        """Why the signature is not this key's; None when it is."""
        try:
            key.verify(self.envelope.signature, event_pae(self.envelope.payload))
        except Invalid as error:
            return Refused("bad_signature", str(error))
        return None


Reads = list[Read | Refused]


class Intake:
    """Reads and verifies submissions; keeps public keys loaded."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: dict[str, PublicKey] = {}
        self._second = ThreadPoolExecutor(1, "verify")
        self._ahead: Ahead | None = None
        self._cores = cores()
        self._alone = self._cores < 2
        """Whether nothing is read ahead: there is one core, or the process that did so was lost."""
        self._told: set[str] = set()
        """The keys that process was given."""

    def close(self) -> None:
        """Ends the second thread, and the process that reads ahead."""
        self._second.shutdown()
        self._stop_ahead()

    def take(self, submissions: Sequence[Submission]) -> Reads:
        """Each submission read, and verified where its key is registered; or why it is refused."""
        self._load_keys({submission.envelope.key for submission in submissions})
        reads = [_read(submission) for submission in submissions]
        if len(reads) < _THREADS_FROM or self._cores < 2:
            return _verified(reads, self._keys)
        half = len(reads) // 2
        later = self._second.submit(_verified, reads[half:], self._keys)
        return [*_verified(reads[:half], self._keys), *later.result()]

    def ahead(self, submissions: Sequence[Submission], *, start: bool) -> Callable[[], Reads]:
        """The same, begun now in the other process, if there is one; what this gives waits for the end of it.

        With `start`, such a process is started; it will take part when it has come up.
        """
        if start and self._ahead is None and not self._alone:
            self._start_ahead()
        process = self._ahead
        if process is None or not process.ready:
            return lambda: self.take(submissions)
        try:
            asked = process.ask(pack((self._news({one.envelope.key for one in submissions}), submissions)))
        except (*ERRORS, RuntimeError):  # no keys, or it was closed by now
            return lambda: self.take(submissions)

        def taken() -> Reads:
            answer = answer_to(asked)
            if answer is None:
                self._alone = True
                self._stop_ahead()
                return self.take(submissions)
            return [
                found if isinstance(found, Refused) else Read(one.envelope, one.record_time, *found)
                for one, found in zip(submissions, unpack(answer), strict=True)
            ]

        return taken

    def _news(self, keys: set[str]) -> list[bytes]:
        """Of these keys, those the other process has not been given."""
        self._load_keys(keys)
        new = (keys & self._keys.keys()) - self._told
        self._told.update(new)
        return [self._keys[key].spki for key in new]

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

    def _start_ahead(self) -> None:
        try:
            self._ahead = Ahead(read_ahead)
        except (OSError, AssertionError, RuntimeError):  # no more processes, or none of this one
            self._alone = True

    def _stop_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None


def read_all(submissions: Sequence[Submission], keys: Mapping[str, PublicKey]) -> Reads:
    """Each submission read, and verified where its key is among these or comes with it."""
    return _verified([_read(submission) for submission in submissions], keys)


def _read(submission: Submission) -> Read | Refused:
    envelope = submission.envelope
    try:
        event = submission.event or events.read(envelope)
    except Malformed as error:
        return Refused("malformed", str(error))
    opened = disclosures.check(event, submission.disclosures)
    if isinstance(opened, Refused):
        return opened
    touched = fold.touches(event)
    touched.update(watch.touches(event))
    id_ = event_id(envelope.payload)
    return Read(envelope, submission.record_time, event, id_, touched, opened, verified=False)


def _verified(reads: Sequence[Read | Refused], keys: Mapping[str, PublicKey]) -> Reads:
    return [
        read if isinstance(read, Refused) else _with_key(read, keys.get(read.event.key)) for read in reads
    ]


def _with_key(read: Read, key: PublicKey | None) -> Read | Refused:
    if key is None:
        brought = fold.signing_key(read.event)
        if brought is None:
            return read
        try:
            key = PublicKey(brought)
        except Malformed as error:
            return Refused("weak_key", str(error))
    return read.verify(key) or read._replace(verified=True)


_KEYS: dict[str, PublicKey] = {}
"""Of the process that reads ahead. A key is known by its id, which is its hash, whoever gave it."""


def read_ahead(request: bytes) -> bytes:
    """In the other process: new keys, and submissions to read; what was read, without what was sent."""
    with collector.resting():
        spkis, submissions = unpack(request)
        _KEYS.update({key.id: key for key in map(PublicKey, spkis)})
        found = read_all(submissions, _KEYS)
        for read in found:
            if isinstance(read, Read):
                read.event.moved, read.event.made  # noqa: B018  # worked out once, and handed over with it
        return pack([read if isinstance(read, Refused) else read[2:] for read in found])
