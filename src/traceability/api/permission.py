"""Who may see what: one function decides, for the API and for the pages.

`may(visitor, wish, facts)` answers yes or no; routes and pages ask it and nothing else, and answer a no like
something that is not there. Open to everyone and never asked about here: checkpoints, tiles, `/v1/log`,
registered sites without their sealed fields. A tag's code is itself a permission (`TagStory`): whoever has
it sees that lot's story without names.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from traceability.core.authority import AUTHORITY_ROLES
from traceability.core.custody_bodies import new_lots
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
from traceability.core.ids import KeyId, LotId, PartyId
from traceability.core.lot_records import Lot
from traceability.core.record import Address
from traceability.core.registry_records import Party, Roll
from traceability.core.rolls import answers_for


class Visitor(NamedTuple):
    """Who asks: a party by one of its keys, or nobody in particular."""

    party: PartyId | None = None
    key: KeyId | None = None
    roles: frozenset[str] = frozenset()

    @property
    def oversees(self) -> bool:
        """Whether all that is not sealed is open to this visitor; such reads are logged."""
        return bool(self.roles & OVERSEERS)


STRANGER = Visitor()
OVERSEERS = frozenset({"auditor", "regulator", "operator"})
_SEE_PERSONS = frozenset({"registrar", "inspectorate", "regulator", "auditor"})
_SEE_REPORTS = frozenset({"inspectorate", "regulator", "auditor", "monitor"})
_SEE_PRICES = frozenset({"regulator", "auditor"})
_KEEP_REGISTRY = frozenset({"registrar", "inspectorate"})
_KEEP_PAPERS = frozenset({"registrar", "inspectorate", "certifier", "tag_issuer", "monitor"})


# What can be wished for


class OpenLot(NamedTuple):
    """A lot, its history, the way back to the mines, its evidence."""

    lot: Lot


class OpenEvent(NamedTuple):
    """An event as the log has it, with the lots it is about."""

    event: Event
    lots: tuple[Lot, ...]


class OpenOnward(NamedTuple):
    """Where ore went from here on."""


class OpenLog(NamedTuple):
    """Every entry in full, with blinds."""


class OpenTrustPack(NamedTuple):
    """Who is who: all that the log has about parties, keys and rolls, without what is sealed. No natural person is named."""


class OpenDisclosure(NamedTuple):
    """The value of one sealed field, by its path."""

    event: Event
    path: str


class OpenFinding(NamedTuple):
    """What a rule noticed, with those lots it is about that the visitor could open."""

    subjects: tuple[Address, ...]
    lots: tuple[Lot, ...]


class OpenPaper(NamedTuple):
    """A certificate, licence, hold, incident or roll: the parties it is of, and the lots it names."""

    parties: tuple[PartyId, ...]
    lots: tuple[Lot, ...] = ()


class OpenParty(NamedTuple):
    """A party, asked for by its id."""

    party: Party


class ListParty(NamedTuple):
    """A party as one of a list: nobody had to know its id."""

    party: Party


class OpenQr(NamedTuple):
    """The code of a tag of ours at a place of its roll, on the lot it is on now."""

    lot: Lot
    roll: Roll
    position: int


class TagStory(NamedTuple):
    """What a tag's code opens (`by_code`), or the number of another scheme's tag, on a lot."""

    lot: Lot
    by_code: bool


Wish = (
    OpenLot
    | OpenEvent
    | OpenOnward
    | OpenLog
    | OpenTrustPack
    | OpenDisclosure
    | OpenFinding
    | OpenPaper
    | OpenParty
    | ListParty
    | OpenQr
    | TagStory
)
Held = Callable[[PartyId, LotId], bool]
"""Whether the party was ever custodian or title holder of the lot."""


def may(visitor: Visitor, wish: Wish, held: Held) -> bool:
    """Whether this visitor may see that. The only place where it is decided."""
    match wish:
        case OpenLot(lot):
            return visitor.oversees or _concerned(visitor, lot, held)
        case OpenEvent(event, lots):
            return (
                visitor.oversees
                or visitor.party in parties(event)
                or any(_concerned(visitor, lot, held) for lot in lots)
            )
        case OpenOnward() | OpenLog():
            return visitor.oversees
        case OpenTrustPack():
            return visitor.party is not None
        case OpenDisclosure(event, path):
            return _may_see_sealed(visitor, event, path)
        case OpenFinding(subjects, lots):
            return (
                visitor.oversees
                or ("party", visitor.party) in subjects
                or ("key", visitor.key) in subjects
                or any(_concerned(visitor, lot, held) for lot in lots)
            )
        case OpenPaper(named, lots):
            return (
                visitor.oversees
                or bool(visitor.roles & _KEEP_PAPERS)
                or visitor.party in named
                or any(_concerned(visitor, lot, held) for lot in lots)
            )
        case OpenParty(party):
            # Whoever knows the id was shown it: by an offer, a history, a code on a phone.
            return visitor.party is not None or _is_public(party)
        case ListParty(party):
            return (
                visitor.oversees
                or bool(visitor.roles & _KEEP_REGISTRY)
                or visitor.party == party.id
                or _is_public(party)
            )
        case OpenQr(lot, roll, position):
            return visitor.party is not None and visitor.party in (
                lot.custodian,
                answers_for(roll, position),
            )
        case TagStory(lot, by_code):
            return by_code or visitor.oversees or _concerned(visitor, lot, held)


def _concerned(visitor: Visitor, lot: Lot, held: Held) -> bool:
    """Whether the visitor has or had the lot or title in it, or it is on its way to him."""
    party = visitor.party
    if party is None:
        return False
    coming = {offer.recipient for offer in (lot.offer, lot.title_offer) if offer is not None}
    return party in (lot.custodian, lot.title, lot.importer) or party in coming or held(party, lot.id)


def _is_public(party: Party) -> bool:
    return bool(AUTHORITY_ROLES & set(party.roles)) or party.facts[-1].public_name is not None


# Sealed fields

Privacy = Literal["persons", "prices", "codes", "reports"]

PRIVACY: dict[str, Privacy] = {
    **dict.fromkeys(("prices", "price", "value", "terms", "is", "amount", "to", "of"), "prices"),
    **dict.fromkeys(
        (
            "altitude_m",
            "beneficial_owners",
            "cadastre",
            "card_number",
            "carriage",
            "entity",
            "explanation",
            "from",
            "holder",
            "icglr_id",
            "inspector",
            "importer",
            "miner",
            "note",
            "permit_number",
            "person",
            "photo",
            "pit",
            "pits",
            "place",
            "polygon",
            "position",
            "responsible",
            "screenings",
            "statement",
            "validator",
            "verifier",
        ),
        "persons",
    ),
    **dict.fromkeys(("account", "people"), "reports"),
    "codes": "codes",
}
"""What each sealed field gives away, by its name. `is`, a corrected value, may be any of them."""


def _may_see_sealed(visitor: Visitor, event: Event, path: str) -> bool:
    if visitor.party is None:
        return False
    if visitor.party in (event.party, event.actor):
        return True
    match PRIVACY[path.rpartition("/")[2]]:
        case "persons":
            return visitor.party in parties(event) or bool(visitor.roles & _SEE_PERSONS)
        case "prices":
            carrier = event.body.carrier if isinstance(event, Transfer) else None
            named = visitor.party in parties(event) and visitor.party != carrier  # who carries need not know
            return named or bool(visitor.roles & _SEE_PRICES)
        case "reports":
            return bool(visitor.roles & _SEE_REPORTS)  # not the parties a report names
        case "codes":
            return False  # a code opens a page to whoever has it: a QR at a time (`OpenQr`)


def in_story(event: Event) -> bool:
    """Whether the story that a tag opens tells of this event: not of money, nor of who reported what to whom."""
    return not isinstance(event, Payment | Incident | Response | Redaction | Audit | Snapshot | Attestation)


def parties(event: Event) -> frozenset[PartyId]:
    """The signer of an event, the one acted for, and every party it names."""
    return frozenset({event.party, event.actor, *_named(event)})


def _named(event: Event) -> list[PartyId]:
    match event:
        case Genesis():
            return [authority.party for authority in event.body.authorities]
        case Enrolment():
            guardians = event.body.guardians.parties if event.body.guardians else []
            return [event.body.party, *guardians, *_some(event.body.part_of)]
        case RoleChange() | KeyAddition():
            return [event.body.party]
        case Delegation():
            return [event.body.agent, *_some(event.body.principal)]
        case SiteRegistration():
            return [event.body.holder, *(event.body.worked_by or ())]
        case TagAllocation():
            return [event.body.to_party]
        case Production():
            titles = [title for lot in new_lots(event.body) for title in _some(lot.title)]
            return [*_some(event.body.producer), *_some(event.body.custodian), *titles]
        case Intake():
            return [title for lot in new_lots(event.body) for title in _some(lot.title)]
        case Transformation():
            titles = [title for lot in new_lots(event.body) for title in _some(lot.title)]
            return [*_some(event.body.for_title), *titles]
        case Transfer():
            return [event.body.recipient, *_some(event.body.carrier)]
        case Reassignment():
            return [event.body.to]
        case Inspection():
            return _some(event.body.party)
        case Export():
            return _some(event.body.importer)
        case LicenceGrant():
            return [event.body.party]
        case Certificate():
            return [event.body.exporter, *_some(event.body.importer)]
        case Payment():
            return _some(event.body.payee)
        case (
            KeyRevocation()
            | DelegationEnd()
            | Approval()
            | TagIssue()
            | Acceptance()
            | Refusal()
            | Withdrawal()
            | Retagging()
            | Import()
            | Closure()
            | Correction()
            | SiteInspection()
            | CapacityEstimate()
            | LicenceRevocation()
            | TagVoid()
            | Zone()
            | Reference()
            | CertificateUse()
            | Incident()
            | Response()
            | Hold()
            | Release()
            | Finding()
            | Redaction()
            | Policy()
            | Audit()
            | LogKey()
            | Snapshot()
            | Attestation()
        ):
            return []


def _some(party: PartyId | None) -> list[PartyId]:
    return [] if party is None else [party]
