"""What the fold knows of things that are wrong: holds and incidents."""

import msgspec

from traceability.core.ids import EventId, PartyId
from traceability.core.record import Address, Record


class Hold(Record, frozen=True):
    """Nothing of these subjects is to be certified or moved; at ("hold", event id)."""

    event: EventId
    placed_by: PartyId
    ground: str
    subjects: tuple[Address, ...]
    since: str
    """The time its event gives itself."""
    until: str | None
    released_by: EventId | None = None


class Held(Record, frozen=True):
    """The holds that are open on one subject, at ("held", "lot:<id>")."""

    holds: tuple[EventId, ...]


class Reported(Record, frozen=True):
    """The reports about one subject that are not settled, the newest of them, at ("reported", "site:<id>")."""

    incidents: tuple[EventId, ...]


class Planned(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An action somebody promised for a day."""

    event: EventId
    party: PartyId
    due: str


class Incident(Record, frozen=True):
    """Something a person reported, at ("incident", event id)."""

    event: EventId
    reported_by: PartyId
    categories: tuple[str, ...]
    level: int | None
    subjects: tuple[Address, ...]
    happened: str
    planned: tuple[Planned, ...] = ()
    """Actions still to be done."""
    answers: tuple[EventId, ...] = ()
    """The newest responses to it, oldest first."""
    settled_by: EventId | None = None
    """The newest response that checked or dismissed it; None while it is open."""
