"""What the fold knows: records by key, and the three answers a lookup can have.

The state of a ledger is a map from keys `(type, id)` to records. It is a function of the entries in log
order and of nothing else. A *subject* (design, "The book") is a record that facts are about; it carries
its own count and chain. Records are immutable: the fold answers with the new ones.

A lookup gives a record, or says that there is none, or that this reader was not shown enough to know.
`need` is for what must exist for a step to hold, `find` for what must not.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import msgspec

from traceability.core.composition import Part, Pool
from traceability.core.concern_records import Held, Hold, Incident, Reported
from traceability.core.events import Event
from traceability.core.ground_records import (
    Capacity,
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
    SiteStatus,
    Suspension,
    Terms,
)
from traceability.core.ids import EventId, KeyId, LotId, PartyId, RollId, SiteId
from traceability.core.policy import Policy
from traceability.core.record import Address, Record, Subject
from traceability.core.tallies import AnyTally


class Continued(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A log that this one carries on: its first `size` entries are that log's, `lost` more it had signed."""

    origin: str
    size: int
    root: str
    lost: int


class LedgerFacts(Record, frozen=True):
    """What genesis fixed, and what became of the log since."""

    log: str
    name: str
    genesis: EventId
    operator: PartyId
    quorum: int
    countries: tuple[str, ...]
    log_keys: tuple[str, ...]
    """Every key that ever was to sign checkpoints, also of logs that this one carries on; the newest last."""
    demo: bool
    authorities: tuple[PartyId, ...]
    """Parties that hold a role of authority now."""
    held: tuple[tuple[str, int], ...] = ()
    """How many subjects of each type are under a hold that nobody released, as (type, number)."""
    frozen_at: int | None = None
    """How many entries the log has when it ends; None while no end is set."""
    continues: tuple[Continued, ...] = ()
    """The logs that this one carries on, the oldest first."""

    @property
    def origin(self) -> str:
        """The origin of the checkpoints that are signed now: the name of the newest key."""
        return self.log_keys[-1].split("+", 1)[0]

    @property
    def signing(self) -> tuple[str, ...]:
        """The keys that may sign checkpoints now."""
        return tuple(vkey for vkey in self.log_keys if vkey.split("+", 1)[0] == self.origin)


class Book(Record, frozen=True):
    """How many subjects the book has."""

    size: int


class PartyFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an enrolment says of a party from a day on."""

    since: str
    type: str
    country: str
    region: str | None
    public_name: str | None
    part_of: PartyId | None
    members: int | None


class Party(Subject, frozen=True):
    """Somebody who can act or be acted for."""

    id: PartyId
    roles: tuple[str, ...]
    facts: tuple[PartyFacts, ...]
    """By place in the log; the last one whose `since` has come applies."""
    enrolled_by: EventId
    provisional: bool = False
    guardians: tuple[PartyId, ...] = ()
    guardian_quorum: int = 0
    keys: tuple[KeyId, ...] = ()
    awaited: tuple[tuple[EventId, tuple[str, ...]], ...] = ()
    """Role changes that are not approved yet, and the roles they would give."""
    since: tuple[tuple[str, str], ...] = ()
    """Roles given by role changes, and the day each gave; the others came with the enrolment, on its day."""
    licences: tuple[Terms, ...] = ()
    """What it may do, as of now; in the order of the grants."""


class Revocation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a key ended."""

    event: EventId
    record_time: int
    reason: str
    trusted_sequence: int | None
    trusted_until: str | None


class Key(Subject, frozen=True):
    """A party's key, once it counts."""

    id: KeyId
    party: PartyId
    public_key: bytes
    added_by: EventId
    expires: str | None = None
    revoked: Revocation | None = None
    abandoned: tuple[int, ...] = ()
    """Numbers its events have called abandoned, the highest of them, rising."""


class SiteFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a registration says of a site from a day on."""

    since: str
    type: str
    name: str
    country: str
    region: str
    minerals: tuple[str, ...]
    mining_method: str
    activity: str
    holder: PartyId
    worked_by: tuple[PartyId, ...]
    licences: tuple[EventId, ...]


class Site(Subject, frozen=True):
    """A place ore comes from."""

    id: SiteId
    facts: tuple[SiteFacts, ...]
    statuses: tuple[SiteStatus, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    capacities: tuple[Capacity, ...] = ()
    """Side by side, whoever their authors are."""


class Allocation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Positions of a roll and who answers for them."""

    first: int
    last: int
    party: PartyId
    site: SiteId | None
    event: EventId


class Void(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Positions of a roll that must not be used any more."""

    first: int
    last: int
    reason: str
    event: EventId


class Roll(Subject, frozen=True):
    """A roll of tags."""

    id: RollId
    issuer: PartyId
    scheme: str
    level: str
    medium: str
    count: int
    numbers: tuple[str, int, int, int, str] | None
    """prefix, first, last, digits, suffix of other schemes' numbers."""
    issued_by: EventId
    allocations: tuple[Allocation, ...] = ()
    voids: tuple[Void, ...] = ()


class TagRecord(Subject, frozen=True):
    """A tag that was put on something: the lots it is on now, and the last it was on."""

    on: tuple[LotId, ...] = ()
    last_lot: LotId | None = None
    void_by: EventId | None = None


class Attested(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """That somebody who replayed the log got the root of a snapshot, and this root of the log at its size."""

    event: EventId
    party: PartyId
    root: str


class StatedBook(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The root of the book (hex) after the first `size` entries, as a snapshot states it."""

    event: EventId
    size: int
    book: str
    attested: tuple[Attested, ...] = ()


class Snapshots(Record, frozen=True):
    """The newest snapshots, by size, at ("snapshots", "")."""

    newest: tuple[StatedBook, ...]


class Delegation(Record, frozen=True):
    """Who may act for whom."""

    event: EventId
    agent: PartyId
    principal: PartyId | None
    site: SiteId | None
    kinds: tuple[str, ...]
    since: str
    until: str
    ended: bool = False


class Decision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one party said of an event, and with which key and event it said so."""

    party: PartyId
    key: KeyId
    decision: Literal["approved", "rejected"]
    event: EventId


class Act(Record, frozen=True):
    """An event that is waited on or was answered: its approvals and corrections."""

    event: EventId
    needs: Literal["nothing", "quorum", "authority", "certifier", "guardians"] = "nothing"
    approvals: tuple[Decision, ...] = ()
    """The newest of each party."""
    effective: bool = True
    corrections: tuple[EventId, ...] = ()
    right: tuple[tuple[str, str | int], ...] = ()
    """What corrections have put in place of values the event said, by path; the newest of each."""
    taken: tuple[tuple[str, str | int], ...] = ()
    """The same, as far as the event's lots have taken it over."""
    withheld: tuple[str, ...] = ()
    """Paths of sealed values that were erased."""


class Number(Record, frozen=True):
    """A used number of a key: the event that used it first, and the one that used it again."""

    first: EventId
    second: EventId | None = None


class Offer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What stands open between giver and recipient."""

    event: EventId
    giver: PartyId
    recipient: PartyId
    moves: Literal["both", "custody", "title"]
    accept_by: str
    """The last day on which only the recipient can end it."""
    carries_title: bool
    """Whether the giver held title when he offered it."""


class LotItem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stone or bar followed by itself, and the part of a pool it is."""

    number: str
    mass_ug: int
    part: Part


class Grade(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What decides how much of one substance a lot holds: the newest figure of the best method so far."""

    analyte: str
    ppm: int
    dry: bool
    """Of the dry mass; otherwise of the mass as it is."""
    method: str
    error_ppm: int | None = None
    """One standard deviation, where the figure names one."""
    event: EventId | None = None
    """The event that said it; None for the lot's maker."""


class Quality(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of a lot besides its mass."""

    grades: tuple[Grade, ...] = ()
    """By analyte, each once."""
    moisture_ppm: int | None = None
    """Water as it was measured last."""
    dry_ug: int | None = None
    """The dry mass expected, as weighed when moisture was first measured; None where that says nothing any more."""
    also: tuple[str, ...] = ()
    """Minerals known to be in it besides its own."""


LotState = Literal["held", "offered", "exported", "ended"]


class Lot(Subject, frozen=True):
    """A lot as it stands."""

    id: LotId
    maker: EventId
    maker_index: int
    position: int
    """Which of its maker's lots it is, from 0."""
    origin: Literal["production", "intake", "transformation"]
    whence: str | None
    """Of an intake, the code it gives for where the ore is from."""
    mineral: str
    form: str
    site: SiteId | None
    producer: PartyId
    state: LotState
    custodian: PartyId
    title: PartyId
    custody_head: EventId
    title_head: EventId
    custody_index: int
    """Index of the entry that is the custody head."""
    title_index: int
    judged_day: str
    """Judged day of the newest event that moved it: none after it is judged earlier."""
    expected_ug: int
    lowest_ug: int
    """The lowest weighing since the lot was made, or since a rise above it was told of (`rise_above_lowest`)."""
    reading: str | None
    """Its own last reading as exact decimal grams, less samples and spills since; None when it was shared."""
    content: tuple[Part, ...]
    """What it consists of besides the followed items."""
    items: tuple[LotItem, ...] = ()
    count: int | None = None
    offer: Offer | None = None
    title_offer: Offer | None = None
    tags: tuple[str, ...] = ()
    seals: tuple[str, ...] = ()
    lot_number: str | None = None
    gained_ug: int = 0
    lost_ug: int = 0
    ended_by: EventId | None = None
    disputed: tuple[EventId, ...] = ()
    """Entries without effect that nothing has settled yet."""
    importer: PartyId | None = None
    pools: int = 0
    """How many pools of this one lot were made, to name the next."""
    zones: tuple[EventId, ...] = ()
    """The zones (at most ZONES_MAX, the newest) that it or its inputs were already noticed in."""
    mixed: tuple[str, ...] = ()
    """What its inputs were that its own site and tags do not tell: `method:…`, `country:…`, `scheme:…`, sorted."""
    expected_error_ppm: int | None = None
    """What the scale may err that gave the expected mass, where something is known of it."""
    lowest_error_ppm: int | None = None
    """The same of the lowest weighing."""
    named_ug: int = 0
    """What of `lost_ug` is named: samples, spills, water that dried off."""
    wetted_ug: int = 0
    """What of `gained_ug` is water."""
    quality: Quality | None = None

    @property
    def made_ug(self) -> int:
        """What was expected of it when it was made."""
        return self.expected_ug + self.lost_ug - self.gained_ug

    @property
    def unexplained_ug(self) -> int:
        """What it gained since it was made and nothing names."""
        return self.gained_ug - self.wetted_ug

    @property
    def missing_ug(self) -> int:
        """What it lost since it was made and nothing names."""
        return self.lost_ug - self.named_ug


class Aside(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a lot is besides who holds it: what readings, samples and new tags change."""

    expected_ug: int
    lowest_ug: int
    reading: str | None
    content: tuple[Part, ...]
    items: tuple[LotItem, ...]
    gained_ug: int
    lost_ug: int
    tags: tuple[str, ...]
    seals: tuple[str, ...]
    expected_error_ppm: int | None = None
    lowest_error_ppm: int | None = None
    named_ug: int = 0
    wetted_ug: int = 0
    quality: Quality | None = None

    @classmethod
    def of(cls, lot: Lot) -> "Aside":
        """That of `lot` as it stands."""
        return cls(
            lot.expected_ug,
            lot.lowest_ug,
            lot.reading,
            lot.content,
            lot.items,
            lot.gained_ug,
            lot.lost_ug,
            lot.tags,
            lot.seals,
            lot.expected_error_ppm,
            lot.lowest_error_ppm,
            lot.named_ug,
            lot.wetted_ug,
            lot.quality,
        )


class Before(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a lot stood when an event moved it, where a correction may have to bring it back."""

    state: LotState
    custodian: PartyId
    custody_head: EventId
    custody_index: int
    title_head: EventId
    title_index: int
    judged_day: str
    offer: Offer | None
    title_offer: Offer | None
    aside: Aside | None
    """Of a lot that ended, what the event changed of it besides; None for nothing."""

    @classmethod
    def of(cls, lot: Lot, ended: Lot | None) -> "Before":
        """How `lot` stood, which became `ended` by this event, or went on (None)."""
        aside = None if ended is None else Aside.of(lot)
        return cls(
            lot.state,
            lot.custodian,
            lot.custody_head,
            lot.custody_index,
            lot.title_head,
            lot.title_index,
            lot.judged_day,
            lot.offer,
            lot.title_offer,
            None if ended is None or aside == Aside.of(ended) else aside,
        )


class Move(Record, frozen=True):
    """What an event did to one lot's heads, and who was entitled to go on from there."""

    event: EventId
    lot: LotId
    sets: Literal["custody", "title", "both"]
    """Which heads of the lot this event became (or would have become)."""
    custody_after: int | None
    title_after: int | None
    """Indexes of the entries that were the heads whose place it took; None for a head it left alone, where a
    lot begins, and where it does not stand. At most one standing move for each lot, head and entry: the
    database holds that too."""
    stands: bool
    custodian: PartyId
    title: PartyId
    giver: PartyId | None = None
    recipient: PartyId | None = None
    late: tuple[KeyId, ...] = ()
    """Keys that have already signed another successor, logged without effect."""
    before: Before | None = None
    """How the lot stood, where a correction may have to bring it back."""


class Changed(Record, frozen=True):
    """What an event did to a lot besides moving it: masses, tags, seals; so that a correction can undo it."""

    event: EventId
    custodian: PartyId
    """Who held the lot then."""
    before: Aside
    after: Aside


class Mention(Subject, frozen=True):
    """A subject that an entry without effect named or would have made, and that never came to be."""


class PoolRecord(Record, frozen=True):
    """A pool an event made, for composition. A lot that begins here has none: its record says as much."""

    pool: Pool


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
