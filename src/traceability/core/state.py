"""What the fold knows: records by key, and the three answers a lookup can have.

The state of a ledger is a map from keys `(type, id)` to records. It is a function of the entries in log
order and of nothing else. A *subject* (design, "The book") is a record that facts are about; it carries
its own count and chain. Records are immutable: the fold answers with the new ones.

A lookup gives a record, or says that there is none, or that this reader was not shown enough to know.
`need` is for what must exist for a step to hold, `find` for what must not.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from traceability.core.concern_records import Held, Hold, Incident, Reported
from traceability.core.events import Event
from traceability.core.ground_records import (
    Certificate,
    CertificateNumber,
    Digging,
    Drawn,
    Licence,
    Polygons,
    Produced,
    Reference,
    Region,
    SitesIn,
)
from traceability.core.ids import EventId, KeyId
from traceability.core.lot_records import Changed, Lot, Move, PoolRecord
from traceability.core.policy import Policy
from traceability.core.record import Address
from traceability.core.registry_records import (
    Act,
    Book,
    Delegation,
    Key,
    LedgerFacts,
    Mention,
    Number,
    Party,
    Roll,
    Site,
    Snapshots,
    TagRecord,
)
from traceability.core.tallies import AnyTally


class LogEntry(msgspec.Struct, frozen=True, gc=False):
    """An event as the log keeps it, looked up by its id."""

    index: int
    record_time: int
    event_id: EventId
    event: Event
    stands: bool
    """False where the whole event is without effect."""


def signed_by(entries: Iterable[LogEntry], key: KeyId, after: int) -> list[LogEntry]:
    """Of these entries those signed with `key` under numbers above `after`, in the order `State.signed_by` has."""
    found = [entry for entry in entries if entry.event.key == key and entry.event.sequence > after]
    return sorted(found, key=lambda entry: (-entry.event.sequence, -entry.index))


AnyRecord = (
    LedgerFacts
    | Book
    | Party
    | Key
    | Site
    | Roll
    | TagRecord
    | Policy
    | Snapshots
    | Delegation
    | Act
    | Number
    | Lot
    | Move
    | Changed
    | Mention
    | PoolRecord
    | Licence
    | Region
    | Polygons
    | Certificate
    | CertificateNumber
    | Reference
    | Hold
    | Held
    | Incident
    | AnyTally
    | Drawn
    | Produced
    | Digging
    | SitesIn
    | Reported
)
SubjectRecord = (  # the most frequent first
    Lot | TagRecord | Party | Key | Site | Roll | Policy | Licence | Certificate | Region | Mention
)
_DECODER: msgspec.msgpack.Decoder[AnyRecord] = msgspec.msgpack.Decoder(AnyRecord)
_ENCODER = msgspec.msgpack.Encoder()


def encode_record(record: AnyRecord) -> bytes:
    """The one way a record is kept."""
    return _ENCODER.encode(record)


def decode_record(data: bytes) -> AnyRecord:
    """The record behind `encode_record`'s bytes."""
    return _DECODER.decode(data)


class NotShown(Exception):  # noqa: N818  # not an error: one of the three answers
    """This reader was not shown enough of the log to know whether there is such a record."""

    def __init__(self, address: Address) -> None:
        super().__init__(f"{address[0]} {address[1]} is not shown")
        self.address = address


class State(Protocol):
    """Somewhere records can be looked up. The fold asks only for what `touches` allows.

    Addresses of the log itself, `("event", id)`, `("number", "<key>:<n>")` and `("move", "<event>:<lot>")`,
    are looked up like any other.
    """

    @property
    def whole(self) -> bool:
        """Whether this is the state of a whole log, so that rules over sums and networks can be applied."""

    def find(self, address: Address) -> AnyRecord | None:
        """The record, or None where there is none *or none is shown* (the state notes which)."""

    def need(self, address: Address) -> AnyRecord | None:
        """The record, or None where there is none. Raises NotShown where this reader cannot know."""

    def event(self, event_id: EventId) -> LogEntry | None:
        """The entry of that event, or None where there is none. Raises NotShown like `need`."""

    def signed_by(self, key: KeyId, after: int, count: int) -> Sequence[LogEntry]:
        """The `count` entries signed with that key under the highest numbers above `after`, as far as shown.

        The highest number first, and of two under one number the later.
        """
