r"""The book: for each thing facts are about, how many entries there are and a chain over them.

    chain = SHA-256("traceability/chain/v1\n" || chain before[32] || index uint64 || event id[32])

A log can prove that an entry is there; the book lets a reader see that he was shown *all* entries about a
lot, a key or a site. `subjects` says which those are; it is a function of the event alone, but for events
that are about other events (approval, correction), which are about whatever those are about.
"""

import hashlib
from collections.abc import Callable

from traceability.core.events import (
    Acceptance,
    Approval,
    Closure,
    Correction,
    Delegation,
    DelegationEnd,
    Enrolment,
    Event,
    Export,
    Genesis,
    Import,
    Inspection,
    Intake,
    KeyAddition,
    KeyRevocation,
    Production,
    Reassignment,
    Refusal,
    Retagging,
    RoleChange,
    SiteRegistration,
    TagAllocation,
    TagIssue,
    Transfer,
    Transformation,
    Withdrawal,
)
from traceability.core.ids import EventId, unpadded
from traceability.core.signing import key_id
from traceability.core.state import Address, Place

_CHAIN = b"traceability/chain/v1\n"


def link(index: int, event_id: str) -> bytes:
    """What an entry adds to the chain of each of its subjects."""
    return index.to_bytes(8, "big") + bytes.fromhex(event_id)


def advance(place: Place, index: int, link: bytes) -> Place:
    """The subject's line after one more entry, given by its index and its link."""
    chain = hashlib.sha256(_CHAIN + place.chain + link).digest()
    return Place(place.number, place.count + 1, chain, index, place.finding_count, place.finding_chain)


def advance_finding(place: Place, index: int, finding: bytes) -> Place:
    """The subject's line after one more finding, given as its canonical JSON."""
    digest = hashlib.sha256(finding).digest()
    chain = hashlib.sha256(_CHAIN + place.finding_chain + index.to_bytes(8, "big") + digest).digest()
    return Place(place.number, place.count, place.chain, place.last, place.finding_count + 1, chain)


def subjects(event: Event, named: Callable[[EventId], Event | None]) -> list[Address]:
    """What this event is about, sorted by type, then id, each once.

    `named` gives the event behind an id this event names, or None where the log has it not.
    """
    return sorted(about(event, named))


def about(event: Event, named: Callable[[EventId], Event | None]) -> set[Address]:
    """The same, in no order."""
    return set(_about(event, named))


def _about(event: Event, named: Callable[[EventId], Event | None]) -> list[Address]:
    match event:  # the most frequent first
        case Transfer() | Acceptance():
            return _lots(event)
        case Production() | Intake():
            return _lots(event) + [("tag", tag) for lot in event.body.lots for tag in lot.tags or ()]
        case Refusal() | Withdrawal() | Reassignment() | Inspection() | Export() | Import() | Closure():
            return _lots(event)
        case Genesis():
            return _genesis(event)
        case Enrolment():
            keys = [("key", key_id(unpadded(key.public_key))) for key in event.body.keys or ()]
            return [("party", event.body.party), *keys]
        case RoleChange():
            return [("party", event.body.party)]
        case KeyAddition():
            return [("party", event.body.party), ("key", key_id(unpadded(event.body.key.public_key)))]
        case KeyRevocation():
            return [("party", event.party), ("key", event.body.key)]
        case Delegation():
            sides: list[Address] = [("party", event.body.agent)]
            if event.body.principal is not None:
                sides.append(("party", event.body.principal))
            if event.body.site is not None:
                sides.append(("site", event.body.site))
            return sides
        case DelegationEnd():
            return _of(event.body.delegation, named)
        case Approval():
            return _of(event.body.event, named)
        case Correction():
            return _of(event.body.event, named) + _corrected_tags(event)
        case SiteRegistration():
            return [("site", event.body.site)]
        case TagIssue() | TagAllocation():
            return [("roll", event.body.roll)]
        case Transformation():
            return _lots(event) + [("tag", tag) for lot in event.body.outputs for tag in lot.tags or ()]
        case Retagging():
            off = [("tag", off.tag) for off in event.body.tags_off or ()]
            return _lots(event) + off + [("tag", tag) for tag in event.body.tags_on or ()]


def _lots(event: Event) -> list[Address]:
    return [("lot", lot) for lot in event.lots]


def _of(event_id: EventId, named: Callable[[EventId], Event | None]) -> list[Address]:
    found: list[Address] = []
    event = named(event_id)
    while event is not None and isinstance(event, Approval | Correction | DelegationEnd):
        # A loop: events about events about events may go on as long as somebody cares to sign them.
        if isinstance(event, Correction):
            found += _corrected_tags(event)
        event = named(event.body.delegation if isinstance(event, DelegationEnd) else event.body.event)
    return found if event is None else found + _about(event, named)


def _corrected_tags(event: Correction) -> list[Address]:
    fields = event.body.fields_ or ()
    return [("tag", field.is_) for field in fields if "/tags" in field.path and isinstance(field.is_, str)]


def _genesis(event: Genesis) -> list[Address]:
    body = event.body
    parties = [(event.party, body.keys), *((a.party, a.keys) for a in body.authorities)]
    found: list[Address] = [("policy", "policy")]
    for party, keys in parties:
        found.append(("party", party))
        found.extend(("key", key_id(unpadded(key.public_key))) for key in keys)
    return found
