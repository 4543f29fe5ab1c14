"""What the fold knows of the ground, licences and papers: timelines, each with the event behind it.

Facts of the ground count by their own day, not by their place in the log. A timeline keeps everything that was
said, in log order; of two that are about the same day the later counts (`at`).
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

import msgspec

from traceability.core.ids import EventId, LotId, PartyId, SiteId
from traceability.core.record import Record, Subject


class Dated(Protocol):
    """Something that counts from a day on, to a day if that is known."""

    @property
    def since(self) -> str: ...

    @property
    def until(self) -> str | None: ...


_D = TypeVar("_D", bound=Dated)


def in_force(timeline: Iterable[_D], day: str) -> list[_D]:
    """What of a timeline counts on a day, in log order."""
    return [each for each in timeline if each.since <= day and (each.until is None or day <= each.until)]


def at(timeline: Iterable[_D], day: str) -> _D | None:
    """What was said last of those that count on a day: of two beginnings the later one."""
    found = [each for each in timeline if each.since <= day]
    if not found:
        return None
    newest = max(each.since for each in found)
    last = [each for each in found if each.since == newest][-1]
    return last if last.until is None or day <= last.until else None


class SiteStatus(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A colour a site was given from a day on."""

    status: str
    since: str
    until: str | None
    event: EventId


class Suspension(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """No production in between."""

    since: str
    until: str | None
    event: EventId


class Capacity(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a site can produce, according to its author."""

    author: PartyId
    mineral: str
    form: str
    mass_per_day_ug: int
    count_per_day: int | None
    days_per_month: int | None
    since: str
    until: str | None
    event: EventId


class Quota(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The most that may be produced or exported under a licence in a time."""

    mass_ug: int
    mineral: str
    since: str
    until: str


class Terms(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a licence allows, as the record of the party has it too: whoever acts is looked up anyway."""

    event: EventId
    sort: str
    minerals: tuple[str, ...]
    sites: tuple[SiteId, ...]
    regions: tuple[str, ...]
    since: str
    until: str | None
    quota: Quota | None
    revoked_from: str | None


class Licence(Subject, frozen=True):
    """What a party may do, where and for what."""

    event: EventId
    party: PartyId
    sort: str
    """`trader`, `export`, … as the grant has it in `type`."""
    number: str
    authority: str
    minerals: tuple[str, ...]
    sites: tuple[SiteId, ...]
    regions: tuple[str, ...]
    since: str
    until: str | None
    quota: Quota | None
    revoked_from: str | None = None
    revoked_by: EventId | None = None
    named_by: tuple[SiteId, ...] = ()
    """Sites whose registration names it."""

    @property
    def terms(self) -> Terms:
        """What it allows now."""
        return Terms(
            self.event, self.sort, self.minerals, self.sites, self.regions,
            self.since, self.until, self.quota, self.revoked_from,
        )  # fmt: skip


class Drawn(Record, frozen=True):
    """What was drawn on a licence's quota, at ("drawn", its event); kept where the whole log is at hand."""

    mass_ug: int
    exceeded_by: EventId | None = None


class Zone(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An area in which something holds."""

    event: EventId
    name: str
    type: str
    minerals: tuple[str, ...]
    """None named: all."""
    since: str
    until: str | None
    polygon: tuple[tuple[int, int], ...] = ()
    """Longitude and latitude in units of 1e-7 degree; empty for a zone of whole regions."""


class Region(Subject, frozen=True):
    """A region, by its code, and the zones it lies in; of a country, by its code, the compliant zones in it."""

    zones: tuple[Zone, ...] = ()


class SitesIn(Record, frozen=True):
    """The sites ever registered in a region, at ("sites_in", "CD-NK")."""

    sites: tuple[SiteId, ...]


class Produced(Record, frozen=True):
    """The productions of a site that are judged on one day, at ("produced", "<site>:2026-03-14").

    Kept where the whole log is at hand, so that what is said later of an earlier day finds the lots it is about.
    """

    events: tuple[EventId, ...]


class Digging(Record, frozen=True):
    """The first and the last day on which a site produced, at ("produced", "<site>"); kept like `Produced`."""

    since: str
    until: str


class Polygons(Record, frozen=True):
    """The zones that are polygons, of the whole ledger."""

    zones: tuple[Zone, ...] = ()


TAKINGS_MAX = 100
"""So many of the events that took mass from a certificate stand in its record; anybody may name one in an export."""


class Taken(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Mass taken from a certificate in all: by exports that say so, or by the certifier's records of its use."""

    mass_ug: int = 0
    events: tuple[EventId, ...] = ()
    """The newest of those events, oldest first."""

    def plus(self, event: EventId, mass_ug: int) -> "Taken":
        return Taken(self.mass_ug + mass_ug, (*self.events, event)[-TAKINGS_MAX:])


class Certificate(Subject, frozen=True):
    """An export certificate."""

    event: EventId
    certifier: PartyId
    key: str
    """The key that signed it; another one's approval makes it valid."""
    scheme: str
    country: str
    number: str
    exporter: PartyId
    lots: tuple[LotId, ...]
    mineral: str
    mass_ug: int
    origins: tuple[str, ...]
    since: str
    until: str
    parcels: int | None = None
    valid_by: EventId | None = None
    """The approval that made it valid."""
    drawn: Taken = Taken()
    """By exports that name it."""
    used: Taken = Taken()
    """By the certifier's own records of use."""
    ended_by: EventId | None = None
    """The use that made it void or replaced it."""
    confirmed_by: EventId | None = None


class CertificateNumber(Record, frozen=True):
    """Certificates of one country under one number, at ("certificate_number", "CD:A 1234")."""

    certificates: tuple[EventId, ...]


class Figure(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A reference figure for a time, as somebody stated it with its source."""

    event: EventId
    value: str
    unit: str
    since: str
    until: str


class Reference(Record, frozen=True):
    """Figures of one sort, at ("reference", "price:gold::USD"): type, mineral, country, currency."""

    figures: tuple[Figure, ...]
