"""What certificates, licences, holds, incidents and rolls of tags are as JSON: what stands open of them."""

from typing import Literal, Self

import msgspec

from traceability.api.views import Day, Figure, FindingView, Hex, Id, Mass, Subject, Time, View, moment
from traceability.core.concern_records import Hold, Incident
from traceability.core.findings.raised import Severity
from traceability.core.ground_records import Certificate, Licence
from traceability.core.registry_records import Roll
from traceability.ledger.lists import FoundAt


class FoundView(View, frozen=True):
    """A finding with the entry it came with."""

    index: int
    record_time: Time
    rule: str
    version: int
    severity: Severity
    subjects: list[Subject]
    events: list[Hex]
    figures: list[Figure] = msgspec.field(default_factory=list)

    @classmethod
    def at(cls, found: FoundAt) -> Self:
        said = msgspec.structs.asdict(FindingView.of(found.finding))
        return cls(**said, index=found.at, record_time=moment(found.record_time))


class FoundList(View, frozen=True):
    """What rules noticed, the newest first."""

    findings: list[FoundView]
    next: str | None = None


class CertificateView(View, frozen=True):
    """An export certificate as a quota: what it certifies, and what has been drawn from it."""

    certificate: Hex
    scheme: Literal["icglr", "kimberley", "other"]
    country: str
    number: str
    certifier: Id
    exporter: Id
    mineral: str
    mass: Mass
    drawn: Mass
    """By exports that name it."""
    used: Mass
    """By the certifier's own records of use."""
    origins: list[str]
    issued: Day
    expires: Day
    lots: int
    """How many lots it names."""
    valid: bool
    """Whether a second officer has approved it, and nothing has ended it."""
    ended_by: Hex | None = None
    confirmed_by: Hex | None = None

    @classmethod
    def of(cls, record: Certificate) -> Self:
        return cls(
            certificate=record.event,
            scheme=record.scheme,  # type: ignore[arg-type]  # one of the three
            country=record.country,
            number=record.number,
            certifier=record.certifier,
            exporter=record.exporter,
            mineral=record.mineral,
            mass=Mass.of(record.mass_ug),
            drawn=Mass.of(record.drawn.mass_ug),
            used=Mass.of(record.used.mass_ug),
            origins=list(record.origins),
            issued=record.since,
            expires=record.until,
            lots=len(record.lots),
            valid=record.valid_by is not None and record.ended_by is None,
            ended_by=record.ended_by,
            confirmed_by=record.confirmed_by,
        )


class CertificateList(View, frozen=True):
    """Certificates the reader may see."""

    certificates: list[CertificateView]
    next: str | None = None


class LicenceView(View, frozen=True):
    """A licence: who may do what, where, from when to when."""

    licence: Hex
    party: Id
    sort: str
    number: str
    authority: str
    minerals: list[str]
    granted: Day
    expires: Day | None = None
    sites: list[Id] = msgspec.field(default_factory=list)
    regions: list[str] = msgspec.field(default_factory=list)
    quota: Mass | None = None
    revoked_from: Day | None = None

    @classmethod
    def of(cls, record: Licence) -> Self:
        return cls(
            licence=record.event,
            party=record.party,
            sort=record.sort,
            number=record.number,
            authority=record.authority,
            minerals=list(record.minerals),
            granted=record.since,
            expires=record.until,
            sites=list(record.sites),
            regions=list(record.regions),
            quota=Mass.of(record.quota.mass_ug) if record.quota else None,
            revoked_from=record.revoked_from,
        )


class LicenceList(View, frozen=True):
    """Licences the reader may see."""

    licences: list[LicenceView]
    next: str | None = None


class HoldView(View, frozen=True):
    """A hold: what must not be certified, why, and until when."""

    hold: Hex
    placed_by: Id
    ground: Literal["investigation", "suspension", "dispute", "pledge", "court"]
    subjects: list[Subject]
    since: Day
    until: Day | None = None
    released_by: Hex | None = None

    @classmethod
    def of(cls, record: Hold) -> Self:
        return cls(
            hold=record.event,
            placed_by=record.placed_by,
            ground=record.ground,  # type: ignore[arg-type]  # one of the five
            subjects=[Subject(type=type_, id=id_) for type_, id_ in record.subjects],
            since=record.since,
            until=record.until,
            released_by=record.released_by,
        )


class HoldList(View, frozen=True):
    """Holds the reader may see."""

    holds: list[HoldView]
    next: str | None = None


class IncidentView(View, frozen=True):
    """An incident as far as it stands open: what sort it is, never what the report says."""

    incident: Hex
    categories: list[str]
    subjects: list[Subject]
    happened: Day
    open: bool
    """Whether nobody with the right to has settled it."""
    level: int | None = None
    due: Day | None = None
    """The first of the actions still to be done."""

    @classmethod
    def of(cls, record: Incident) -> Self:
        return cls(
            incident=record.event,
            categories=list(record.categories),
            subjects=[Subject(type=type_, id=id_) for type_, id_ in record.subjects],
            happened=record.happened,
            open=record.settled_by is None,
            level=record.level,
            due=min((plan.due for plan in record.planned), default=None),
        )


class IncidentList(View, frozen=True):
    """Incidents the reader may see."""

    incidents: list[IncidentView]
    next: str | None = None


class AllocationView(View, frozen=True):
    """Positions of a roll and who answers for them."""

    first: int
    last: int
    party: Id
    event: Hex
    site: Id | None = None


class RollView(View, frozen=True):
    """A roll of tags and who answers for which part of it."""

    roll: Id
    issuer: Id
    scheme: str
    level: str
    medium: str
    count: int
    issued_by: Hex
    numbers: str | None = None
    """Of another scheme: the first and the last number printed."""
    allocations: list[AllocationView] = msgspec.field(default_factory=list)
    void: list[str] = msgspec.field(default_factory=list)
    """Positions that must not be used, with the reason."""

    @classmethod
    def of(cls, record: Roll) -> Self:
        return cls(
            roll=record.id,
            issuer=record.issuer,
            scheme=record.scheme,
            level=record.level,
            medium=record.medium,
            count=record.count,
            issued_by=record.issued_by,
            numbers=printed_numbers(record),
            allocations=[
                AllocationView(first=a.first, last=a.last, party=a.party, event=a.event, site=a.site)
                for a in record.allocations
            ],
            void=[f"{v.first}-{v.last} {v.reason}" for v in record.voids],
        )


def printed_numbers(record: Roll) -> str | None:
    """The first and last number printed on a roll of another scheme; None for ours."""
    if record.numbers is None:
        return None
    prefix, first, last, digits, suffix = record.numbers
    return f"{prefix}{first:0{digits}d}{suffix} to {prefix}{last:0{digits}d}{suffix}"


class RollList(View, frozen=True):
    """Rolls the reader may see."""

    rolls: list[RollView]
    next: str | None = None
