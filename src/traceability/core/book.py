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
    Attestation,
    Audit,
    CapacityEstimate,
    Certificate,
    CertificateUse,
    Closure,
    Correction,
    Delegation,
    DelegationEnd,
    Enrolment,
    Event,
    Export,
    Finding,
    Genesis,
    Hold,
    Import,
    Incident,
    Inspection,
    Intake,
    KeyAddition,
    KeyRevocation,
    LicenceGrant,
    LicenceRevocation,
    LogKey,
    Payment,
    Policy,
    Production,
    Reassignment,
    Redaction,
    Reference,
    Refusal,
    Release,
    Response,
    Retagging,
    RoleChange,
    SiteInspection,
    SiteRegistration,
    Snapshot,
    TagAllocation,
    TagIssue,
    TagVoid,
    Transfer,
    Transformation,
    Withdrawal,
    Zone,
)
from traceability.core.ids import EventId, unpadded
from traceability.core.naming import addresses, zone_regions
from traceability.core.record import Address, Place
from traceability.core.signing import key_id

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


_Named = Callable[[EventId], Event | None]
ABOUT_EVENTS = frozenset(
    {
        "approval",
        "correction",
        "delegation_end",
        "licence_revocation",
        "payment",
        "redaction",
        "release",
        "response",
    }
)
"""The kinds that name an event, whose subjects are theirs too."""
RELATIVE = ABOUT_EVENTS | {"certificate", "licence_grant"}
"""The kinds whose subjects do not follow from the event alone: they take its id, or events it names."""


def subjects(event: Event, event_id: EventId, named: _Named) -> list[Address]:
    """What the event with this id is about, sorted by type, then id, each once.

    `named` gives the event behind an id this event names, or None where the log has it not.
    """
    return sorted(about(event, event_id, named))


def about(event: Event, event_id: EventId, named: _Named) -> set[Address]:
    """The same, in no order."""
    found = set(_about(event, event_id))
    while event.kind in ABOUT_EVENTS and (target := _target(event)) is not None:
        # A loop: events about events about events may go on as long as somebody cares to sign them.
        of = named(target)
        if of is None:
            break
        event = of
        found.update(_about(event, target))
    return found


def _about(event: Event, event_id: EventId) -> list[Address]:
    """What it is about by itself."""
    match event:  # the most frequent first
        case Transfer() | Acceptance():
            return _lots(event)
        case Export():
            drawn = [("certificate", draw.certificate) for draw in event.body.certificates or ()]
            return _lots(event) + drawn
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
        case DelegationEnd() | Approval() | Redaction() | Release() | Snapshot() | Attestation():
            return []
        case Correction():
            fields = event.body.fields_ or ()
            return [
                ("tag", field.is_) for field in fields if "/tags" in field.path and isinstance(field.is_, str)
            ]
        case Response() | Payment():
            return _lots(event)
        case SiteInspection() | CapacityEstimate():
            return [("site", event.body.site)]
        case LicenceGrant():
            return [("licence", event_id), ("party", event.body.party)]
        case LicenceRevocation():
            # And, with the grant, the party: so a licence that is missing differs from one that is not shown.
            return [("licence", event.body.licence)]
        case TagVoid():
            roll = event.body.roll
            return [("tag", tag) for tag in event.body.tags or ()] if roll is None else [("roll", roll)]
        case Zone():
            # Of the policy too: a region that nobody named has no line, and only so can that be shown.
            return [("policy", "policy"), *(("region", code) for code in zone_regions(event.body))]
        case Reference() | Policy() | LogKey():
            return [("policy", "policy")]
        case Certificate():
            return [("certificate", event_id), *_lots(event)]
        case CertificateUse():
            return [("certificate", event.body.certificate)]
        case Hold():
            held = addresses(event.body.subjects)
            # On a region it is of the policy too, as a zone is.
            return [*held, ("policy", "policy")] if any(kind == "region" for kind, _ in held) else held
        case Incident() | Finding():
            return addresses(event.body.subjects)
        case Audit():
            return [*addresses(event.body.scope), *_lots(event)]
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


def _target(event: Event) -> EventId | None:
    """The event whose subjects this one is about too."""
    match event:
        case Approval() | Correction() | Redaction():
            return event.body.event
        case DelegationEnd():
            return event.body.delegation
        case LicenceRevocation():
            return event.body.licence
        case Response():
            return event.body.about.incident
        case Release():
            return event.body.hold
        case Payment():
            return event.body.transfer
        case _:
            return None


def _genesis(event: Genesis) -> list[Address]:
    body = event.body
    parties = [(event.party, body.keys), *((a.party, a.keys) for a in body.authorities)]
    found: list[Address] = [("policy", "policy")]
    for party, keys in parties:
        found.append(("party", party))
        found.extend(("key", key_id(unpadded(key.public_key))) for key in keys)
    return found
