"""What the routes work with: the ledger of one deployment, opened once, and closed after the last request."""

import hashlib
import hmac
from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, ParamSpec, Self, TypeVar

import anyio
from anyio.to_thread import run_sync

from traceability.api.admission import Admission
from traceability.api.allowance import Allowance
from traceability.api.clients import Clients
from traceability.api.guesses import Guesses
from traceability.api.metrics import Metrics
from traceability.api.problems import Problem
from traceability.api.scanning import Scanning
from traceability.api.space import Space
from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import PartyId
from traceability.core.note import Signer
from traceability.core.registry_records import Key
from traceability.core.signing import PublicKey
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger.answers import Answer, Recorded, Refused, Submission
from traceability.ledger.database import ERRORS, Postgres, Sqlite, Unusable
from traceability.ledger.guard import guard_file, open_guard
from traceability.ledger.log_keys import read_log_keys
from traceability.ledger.queue import Writer
from traceability.ledger.reader import Reader
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger
from traceability.settings import Settings
from traceability.witness.asking import Asking

_P = ParamSpec("_P")
_R = TypeVar("_R")
_READERS = 16
_SESSION_DOMAIN = b"traceability/session/v1\n"


class Services(NamedTuple):
    """One opened ledger."""

    settings: Settings
    store: Store
    """Where events go, and where it is asked whose signature counts."""
    reads: Store
    """Where everything else is read: the same, or a replica that may be a little behind."""
    reader: Reader
    ledger: Ledger
    writer: Writer
    session_key: bytes
    """Under which this deployment vouches for its session cookies; the same in each of its processes."""
    metrics: Metrics
    threads: anyio.CapacityLimiter
    """How many reads of the database go on at once."""
    admission: Admission
    """How much may be under way at once."""
    allowance: Allowance
    """How much each party may have recorded within a day."""
    space: Space
    """How much room the disks have."""
    asking: Asking | None
    """The witnesses that are asked, while the application runs."""
    guesses: Guesses
    """How often somebody may ask for tags that are not there."""
    scanning: Scanning
    """What counts how often tags are read."""

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Opens what the settings name. Raises Unusable, Malformed or OSError, saying what to do.

        A ledger that may not sign now is opened all the same: it serves reads and says why
        (`ledger.refusal`).
        """
        signers = _read_log_keys(settings)
        store = Store(settings.url)
        try:
            reads = _open_reads(settings.read_database_url, store) if settings.read_database_url else store
            vkeys = [signer.verifier.encode() for signer in signers]
            ledger = Ledger(store, open_guard(settings.guard, *vkeys), *signers)
            asking = _open_asking(settings, ledger)
        except BaseException:
            store.close()
            raise
        return cls.around(settings, store, ledger, signers[0], reads, asking)

    @classmethod
    def around(
        cls,
        settings: Settings,
        store: Store,
        ledger: Ledger,
        signer: Signer,
        reads: Store | None = None,
        asking: Asking | None = None,
    ) -> Self:
        """The services on a ledger that is open already. Raises Malformed for `proxies` that are no addresses."""
        try:
            clients = Clients(settings.proxies)
        except ValueError as error:
            raise Malformed(f"PROXIES: {error}: write addresses with commas between them") from error
        return cls(
            settings=settings,
            store=store,
            reads=reads or store,
            reader=Reader(reads or store),
            ledger=ledger,
            writer=Writer(ledger),
            session_key=_session_key(signer),
            metrics=Metrics(),
            threads=anyio.CapacityLimiter(_READERS),
            admission=Admission(),
            allowance=Allowance(settings.party_bytes_a_day),
            space=Space(_files(settings, store)),
            asking=asking,
            guesses=Guesses(clients),
            scanning=Scanning(store, clients),
        )

    def close(self) -> None:
        """Answers every event that was submitted, then closes the ledger."""
        if self.asking is not None:
            self.asking.close()
        self.writer.close()
        self.ledger.close()
        self.store.close()
        self.reads.close()

    @property
    def refusal(self) -> str | None:
        """Why no event is taken now; None where they are."""
        return self.ledger.refusal or self.ledger.ended or self.space.full

    def submit(self, submission: Submission, size: int) -> Awaitable[Answer | Problem]:
        """Hands one event, sent in so many bytes, to the writer, at once, and gives what will be its answer.

        Where there is no room for it, only if nothing would be stored.
        """
        try:
            self.check_room(_signer(submission))
        except Problem as problem:
            return self._unless_new(submission, size, problem)
        return self._record(self.writer.submit_from(get_running_loop(), submission), submission, size)

    def check_room(self, party: PartyId) -> None:
        """Raises Problem 507 or 429 where no more may be stored for this party now."""
        self.space.check()
        if not self.allowance.has_room(party):
            raise self.allowance.used_up(party)

    async def _unless_new(self, submission: Submission, size: int, problem: Problem) -> Answer | Problem:
        if self.ledger.ended is None and await self.run(_would_be_new, self.store, submission):
            return problem
        return await self._record(self.writer.submit_from(get_running_loop(), submission), submission, size)

    async def _record(self, future: Future[Answer], submission: Submission, size: int) -> Answer:
        answer = await _answer(future)
        if isinstance(answer, Recorded) and not answer.known:
            self.allowance.count(_signer(submission), size)
        return answer

    async def run(self, function: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """A blocking question, asked in a thread."""
        return await run_sync(partial(function, *args, **kwargs), limiter=self.threads)


async def _answer(future: Future[Answer]) -> Answer:
    try:
        return await future
    except Exception as error:  # noqa: BLE001  # the writer has logged it; nobody knows what it has done
        return Refused("not_recorded", f"the ledger failed at this event ({type(error).__name__})")


def _signer(submission: Submission) -> PartyId:
    """The party that an event says it is signed by; where the event is recorded, it is."""
    assert submission.event is not None
    return submission.event.party


def _would_be_new(store: Store, submission: Submission) -> bool:
    """Whether the log lacks this event and its signature is that of the party: all else is for the writer to answer."""
    envelope, event = submission.envelope, submission.event
    assert event is not None
    try:
        with store.read() as view:
            known = view.has_numbered(envelope.key, event.sequence, envelope.payload)
            key = view.record(("key", envelope.key))
        if known or not isinstance(key, Key) or key.party != event.party:
            return False
        envelope.verify(PublicKey(key.public_key))
    except (*ERRORS, Invalid):
        return False
    return True


def _files(settings: Settings, store: Store) -> dict[str, Path]:
    """The files of this ledger that lie on disks of this machine."""
    found = {"ledger": store.database.path} if isinstance(store.database, Sqlite) else {}
    guard = guard_file(settings.guard)
    return found if guard is None else {**found, "guard": guard}


def _open_reads(url: str, store: Store) -> Store:
    """The replica at this URL. Raises Unusable for what is not one of this ledger."""
    reads = Store(url, durable=False)
    if not isinstance(reads.database, Postgres):
        reads.close()
        raise Unusable("READ_DATABASE_URL is a replica of a PostgreSQL: leave it out here")
    # In this order: what the replica has by now, the primary has had before.
    with reads.read() as view:
        replica = view.head()
    with store.read() as view:
        same = replica.size <= view.head().size and view.root_at(replica.size) == replica.root
    if not same:
        reads.close()
        raise Unusable("READ_DATABASE_URL holds another history than DATABASE_URL: it is no replica of it")
    return reads


def read_named(setting: str, path: Path) -> bytes:
    """The file that a setting names. Raises Malformed, naming both, where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Malformed(f"{setting}: cannot read {path}: {error.strerror}") from error


def _open_asking(settings: Settings, ledger: Ledger) -> Asking | None:
    """The witnesses of the policy that the settings name. Raises Malformed, naming it, or Unusable."""
    if settings.witnesses is None:
        return None
    data = read_named("WITNESSES", settings.witnesses)
    try:
        policy = TrustPolicy.parse(data)
    except Malformed as error:
        raise Malformed(f"WITNESSES: {settings.witnesses}: {error}") from error
    return Asking(ledger, policy)


def _read_log_keys(settings: Settings) -> tuple[Signer, ...]:
    try:
        return read_log_keys(settings.log_key)
    except FileNotFoundError as error:
        raise Malformed(
            f"there is no log key at {settings.log_key}: set LOG_KEY, or begin with `traceability init`"
        ) from error
    except Malformed as error:
        raise Malformed(f"LOG_KEY: {error}") from error


def _session_key(signer: Signer) -> bytes:
    """Derived from the log key: no further secret to keep, and none that a session gives away."""
    return hmac.digest(signer.encode().encode(), _SESSION_DOMAIN, hashlib.sha256)
