"""A ledger asks its witnesses: in the background, each in a thread of its own, and no append ever waits.

A thread looks at the published checkpoint once a second. Only what is published is sent, and only what the
guard has let pass is published. A checkpoint that grew is sent with the proof from the size the witness is
known to hold; one that did not is sent again each minute, so that the time of the cosignatures tells readers that
nothing newer is kept from them. What comes back is verified, put under the checkpoint if that is still the newest,
and kept apart as soon as a quorum is together.

A witness that holds more than the ledger, or finds it inconsistent, is asked what it holds. If that is a
checkpoint signed with the ledger's own key which the ledger does not have, the ledger stops signing: it was
rolled back, guard and all, or there are two of it. The word of a witness alone, without that signature, stops
nothing.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple

from traceability.core.checkpoint import Checkpoint, OpenedCheckpoint, open_checkpoint
from traceability.core.cosignature import CosignatureVerifier, cosignature_time
from traceability.core.errors import Invalid, Malformed
from traceability.core.note import NOTE_SIZE_MAX, Note, Signature, encode_note
from traceability.core.trust_policy import TrustPolicy
from traceability.core.trust_policy import Witness as Listed
from traceability.ledger import publish
from traceability.ledger.database import ERRORS, Unusable
from traceability.ledger.guard import GuardHead
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger
from traceability.witness.peers import Peer, Unreachable
from traceability.witness.protocol import (
    ADD_CHECKPOINT,
    ANSWER_SIZE_MAX,
    AddCheckpoint,
    monitoring_path,
    parse_size,
)

LOOK_SECONDS = 1.0
"""How often a thread looks whether the log has grown."""
REFRESH_SECONDS = 60.0
"""How often a log that stands still is cosigned again."""
RETRY_SECONDS_MAX = 60.0
CLOSE_SECONDS = 2.0
CLOCK_OFF_MAX = 300
"""Seconds by which the time of a new cosignature may be off ours."""
_TRIES = 3
"""A witness may be asked so often about one checkpoint: it, or another process, may have moved meanwhile."""
_SIZES_KEPT = 32
_LOG = logging.getLogger(__name__)


class Standing(NamedTuple):
    """How it stands with one witness: the newest it cosigned, when by its clock, and what is wrong now."""

    name: str
    vkey: str
    size: int | None = None
    time: int | None = None
    trouble: str | None = None


class _Refused(Exception):  # noqa: N818
    """The witness did not cosign; the message says what it did."""


class Asking:
    """The witnesses of one ledger, asked from `start` to `close`."""

    def __init__(
        self,
        ledger: Ledger,
        policy: TrustPolicy,
        *,
        clock: Callable[[], int] = lambda: int(time.time()),
        seconds: float = 10.0,
    ) -> None:
        """`seconds` is what a witness may take for an answer. Raises Unusable for a policy of another log."""
        logs = ledger.verifiers
        if not set(logs) & {known.verifier for known in policy.logs}:
            raise Unusable(f"WITNESSES does not list the log {logs[-1].encode()}: add it on a `log` line")
        self.policy = policy
        self.store: Store = ledger.store
        self.ledger = ledger
        self.origin = logs[0].name
        self.logs = logs
        self.clock = clock
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._collected: dict[int, dict[tuple[str, bytes], Signature]] = {}
        self._desks = []
        for witness in policy.witnesses:
            if witness.url is not None and witness.verifier is not None:
                try:
                    peer = Peer(witness.url, seconds)
                except ValueError as error:
                    raise Unusable(f"WITNESSES: {error}") from error
                self._desks.append(_Desk(self, witness, witness.verifier, peer))
        if not self._desks:
            raise Unusable("WITNESSES names no witness with a key of type 0x04 and an address to ask it at")

    def start(self) -> None:
        """Begins to ask."""
        for desk in self._desks:
            desk.start()

    def close(self) -> None:
        """Asks no more. A question that is under way is broken off."""
        self.over.set()
        for desk in self._desks:
            desk.close()

    @property
    def standings(self) -> list[Standing]:
        """How it stands with each witness, in the order of the policy."""
        return [desk.standing for desk in self._desks]

    def quorum_time(self, note: bytes) -> int | None:
        """Since when a quorum vouches for the checkpoint in this note, Unix seconds; None where none does.

        It is the newest time such that the cosignatures not older than it make the quorum.
        """
        opened = self.policy.open_checkpoint(note)
        times = {
            signature: cosignature_time(signature)
            for signature in opened.note.verified
            if signature.key not in {log.key for log in self.logs}
        }
        for least in sorted(set(times.values()), reverse=True):
            kept = tuple(line for line in opened.note.verified if times.get(line, least) >= least)
            part = OpenedCheckpoint(opened.checkpoint, Note(opened.note.text, kept, ()))
            if self.policy.judge(part).holds:
                return least
        return None

    def take(self, checkpoint: Checkpoint, own: Sequence[Signature], signature: Signature) -> None:
        """Keeps a cosignature that was verified over this checkpoint, which the log has signed with `own`."""
        size, text = checkpoint.size, checkpoint.encode()
        with self._lock:
            for_size = self._collected.setdefault(size, {})
            for_size[signature.key] = signature
            for old in sorted(self._collected)[:-_SIZES_KEPT]:
                del self._collected[old]
            signatures = list(for_size.values())
        publish.add_signatures(self.store, size, signatures)
        verified = (*own, *signatures)
        opened = OpenedCheckpoint(checkpoint, Note(text, verified, ()))
        if self.policy.quorum is not None and self.policy.judge(opened).holds:
            publish.keep_cosigned(self.store, size, encode_note(text, verified))


class _Desk:
    """Where one witness is asked."""

    def __init__(self, asking: Asking, witness: Listed, verifier: CosignatureVerifier, peer: Peer) -> None:
        self.standing = Standing(witness.name, witness.vkey.encode())
        self._asking = asking
        self._verifier = verifier
        self._peer = peer
        self._held = 0
        """The size the witness is believed to hold; it corrects us when it is another."""
        self._sent = -1
        self._next = 0.0
        """When it is asked again though the log stands still, by the steady clock."""
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=f"witness {witness.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._peer.abort()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._asking.over.is_set():
            try:
                self._look()
            except Exception as error:  # noqa: BLE001  # whatever it is, the next look comes
                _LOG.exception("the witness %s could not be asked", self.standing.name)
                self._fail(f"a mistake of this program ({type(error).__name__})")
            self._asking.over.wait(LOOK_SECONDS)
        self._peer.close()

    def _look(self) -> None:
        now = time.monotonic()
        if self._failures and now < self._next:
            return
        try:
            with self._asking.store.read() as view:
                found = view.checkpoint()
            if found is None or (found[0] == self._sent and now < self._next):
                return
            self._ask()
        except (Unreachable, _Refused) as error:
            self._fail(str(error))
        except ERRORS as error:
            self._fail(f"the ledger's own database: {type(error).__name__}")
        else:
            self._failures = 0
            self._next = time.monotonic() + REFRESH_SECONDS
            self.standing = self.standing._replace(trouble=None)

    def _fail(self, trouble: str) -> None:
        if trouble != self.standing.trouble:
            _LOG.warning("the witness %s: %s", self.standing.name, trouble)
        self._failures += 1
        self._next = time.monotonic() + min(RETRY_SECONDS_MAX, 2.0 ** min(self._failures, 10))
        self.standing = self.standing._replace(trouble=trouble)

    def _ask(self) -> None:
        """Brings the witness to the newest checkpoint. Raises Unreachable, _Refused."""
        for _ in range(_TRIES):
            opened, request = self._request()
            checkpoint = opened.checkpoint
            answer = self._peer.post(ADD_CHECKPOINT, request.encode(), ANSWER_SIZE_MAX)
            match answer.status:
                case HTTPStatus.OK:
                    signature = self._cosignature(opened, answer.body)
                    self._asking.take(checkpoint, opened.note.verified, signature)
                    self._held = self._sent = checkpoint.size
                    seconds = cosignature_time(signature)
                    self.standing = self.standing._replace(size=checkpoint.size, time=seconds)
                    return
                case HTTPStatus.CONFLICT:
                    try:
                        held = parse_size(answer.body)
                    except Malformed as error:
                        raise _Refused("it answered 409 without a size") from error
                    if held > checkpoint.size or held == request.old_size:
                        self._examine(f"it says that it holds {held} entries")
                    self._held = min(held, checkpoint.size)
                case HTTPStatus.UNPROCESSABLE_ENTITY:
                    self._examine("it says that the log does not grow out of what it holds")
                    self._held = 0
                case HTTPStatus.NOT_FOUND:
                    raise _Refused("it does not watch this log (404): tell its operator the log's vkey")
                case HTTPStatus.FORBIDDEN:
                    raise _Refused("it knows another key of this log (403): tell its operator the log's vkey")
                case other:
                    raise _Refused(f"it answered {other}")
        raise _Refused("it does not cosign, and holds nothing that this ledger lacks")

    def _request(self) -> tuple[OpenedCheckpoint, AddCheckpoint]:
        """The newest checkpoint with the log's own lines alone, and the proof from what the witness holds."""
        with self._asking.store.read() as view:
            found = view.checkpoint()
            if found is None:
                raise _Refused("no checkpoint is published")
            opened = open_checkpoint(bytes(found[1]), self._asking.origin, self._asking.logs)
            size = opened.checkpoint.size
            old_size = min(self._held, size)
            proof = publish.consistency_proof(view, old_size, size)
        own = encode_note(opened.note.text, opened.note.verified)
        return opened, AddCheckpoint(old_size, proof, own)

    def _cosignature(self, opened: OpenedCheckpoint, body: bytes) -> Signature:
        """The witness's newest line in its answer, once it verifies over this checkpoint."""
        own = encode_note(opened.note.text, opened.note.verified)
        try:
            said = open_checkpoint(own + body, self._asking.origin, self._asking.logs, [self._verifier])
        except (Malformed, Invalid) as error:
            raise _Refused(f"its answer is no cosignature: {error}") from error
        found = [line for line in said.note.verified if line.key == self._verifier.key]
        if said.note.text != opened.note.text or not found:
            raise _Refused("its answer has no line of the key that the policy has for it")
        newest = max(found, key=cosignature_time)
        if abs(cosignature_time(newest) - self._asking.clock()) > CLOCK_OFF_MAX:
            raise _Refused(f"its clock, or ours, is off by more than {CLOCK_OFF_MAX} s")
        return newest

    def _examine(self, said: str) -> None:
        """Asks the witness for what it holds, if that may be what the ledger lacks. Raises _Refused, Unreachable.

        Returns where it holds what the ledger has: it may be asked again.
        """
        answer = self._peer.get(monitoring_path(self._asking.origin), NOTE_SIZE_MAX)
        if answer.status != HTTPStatus.OK:
            raise _Refused(f"{said}, and does not show it")
        try:
            held = open_checkpoint(answer.body, self._asking.origin, self._asking.logs).checkpoint
        except (Malformed, Invalid) as error:
            raise _Refused(f"{said}, and shows nothing that this log has signed") from error
        if not self._asking.ledger.shown(GuardHead(held.size, held.root), self._peer.url):
            raise _Refused(f"{said}, and shows a checkpoint of {held.size} entries that this ledger lacks")
