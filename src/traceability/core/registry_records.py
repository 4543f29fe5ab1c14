"""What the fold keeps of the log itself and of its registry: parties, keys, sites, rolls and tags, delegations, decisions."""

from typing import Literal

import msgspec

from traceability.core.ground_records import Capacity, SiteStatus, Suspension, Terms
from traceability.core.ids import EventId, KeyId, LotId, PartyId, RollId, SiteId
from traceability.core.record import Record, Subject


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


class Mention(Subject, frozen=True):
    """A subject that an entry without effect named or would have made, and that never came to be."""


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
