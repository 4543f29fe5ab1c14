"""What is sent to a ledger, and what it answers. A closed list: whoever answers people decides about each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from traceability.core.events import Event
from traceability.core.ids import EventId, LotId
from traceability.core.outcome import Finding
from traceability.core.signing import Envelope

Disclosure = tuple[str, str, Any]
"""(salt in base64url, path, value): opens one sealed field of an event."""


class Submission(NamedTuple):
    """One signed event, with what its sender discloses of it.

    `event` is what `events.read` gave for this envelope, where somebody has read it already.
    """

    envelope: Envelope
    event: Event | None = None
    disclosures: Sequence[Disclosure] = ()
    record_time: int | None = None
    """Unix seconds, for a demonstration stamped by a clock of its own: that season's time of this event."""


class Recorded(msgspec.Struct, frozen=True):
    """The event is in the log, and this proves it to whoever trusts the log's key.

    `entry` and `blind` give the leaf, `proof` leads from the leaf at `index` to the root in `checkpoint`.
    """

    index: int
    event_id: EventId
    entry: bytes
    blind: bytes
    proof: tuple[bytes, ...]
    checkpoint: bytes
    stands: bool
    """False: it is without effect (double issue); both branches are evidence."""
    fates: Mapping[LotId, bool]
    """For each lot it moves or makes: whether it stands on it."""
    findings: tuple[Finding, ...]
    known: bool
    """It was in the log before it was sent this time."""


class Refused(msgspec.Struct, frozen=True):
    """The event is not in the log. `name` is short and stable; `message` says what to do.

    Names from the fold are its own. Others: `malformed`, `bad_signature`, `bad_disclosure`, `fork` and
    `ahead` (what the signer has seen is not this log, or not yet); and, the ledger's own trouble, after
    which the same event may be sent again: `not_signing`, `unavailable`, `not_recorded`, `busy`.
    """

    name: str
    message: str

    def __str__(self) -> str:
        return self.message


class Waiting(msgspec.Struct, frozen=True):
    """Something the event names is not known here yet: nothing is stored, send it again after that."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"the {self.type} {self.id} is not known here yet"


Answer = Recorded | Refused | Waiting
