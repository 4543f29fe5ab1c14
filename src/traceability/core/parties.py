"""Parties and their keys: enrolment, and keys that join, prove that somebody holds them, and end."""

from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from traceability.core.authority import (
    AUTHORITY_ROLES,
    is_authority,
    lacks_role,
)
from traceability.core.errors import Invalid, Malformed
from traceability.core.events import (
    Enrolment,
    Event,
    KeyAddition,
    KeyRevocation,
)
from traceability.core.forms import NewKey
from traceability.core.ids import EventId, KeyId, PartyId, derive, unpadded
from traceability.core.note import Verifier
from traceability.core.outcome import Step, reject
from traceability.core.record import NEW
from traceability.core.registry_bodies import EnrolmentBody
from traceability.core.registry_records import Key, LedgerFacts, Party, PartyFacts
from traceability.core.signing import POSSESSION_TYPE, PublicKey, pae, possession_payload

REGISTRAR = ("registrar",)


def check_enrolment(step: Step, event: Enrolment) -> None:
    body = event.body
    known = step.find("party", body.party, Party)
    signer = step.party(event.actor)
    if body.nonce is None:
        step.party(body.party)
    else:
        if known is not None:
            reject(
                "party_known",
                "this party is enrolled already; restate its facts without nonce, roles and keys",
            )
        check_id("party", body.party, event.key, body.nonce)
    if (body.provisional is None or body.nonce is None) and lacks_role(signer, REGISTRAR):
        reject(
            "role_missing", "a tag agent enrols new parties, provisionally; a registrar approves and restates"
        )
    if body.provisional is not None and AUTHORITY_ROLES & set(body.roles):
        reject("role_missing", "an authority is enrolled by a registrar, not provisionally")
    if body.part_of is not None:
        step.party(body.part_of)
    for guardian in body.guardians.parties if body.guardians else ():
        step.party(guardian)
    _check_keys(step, body.party, body.keys or ())


def enrol(step: Step, event: Enrolment, event_id: EventId) -> None:
    body = event.body
    facts = _facts(body)
    known = step.find("party", body.party, Party)
    guardians = tuple(body.guardians.parties) if body.guardians else ()
    quorum = body.guardians.quorum if body.guardians else 0
    if known is not None:
        if body.nonce is not None:
            reject("party_known", "this party was enrolled while this enrolment waited for approval")
        changed = replace(known, facts=(*known.facts, facts))
        if body.guardians is not None:
            changed = replace(changed, guardians=guardians, guardian_quorum=quorum)
        step.put("party", known.id, changed)
        return
    step.put(
        "party",
        body.party,
        Party(
            place=NEW,
            id=body.party,
            roles=tuple(sorted(set(body.roles))),
            facts=(facts,),
            enrolled_by=event_id,
            provisional=body.provisional is True,
            guardians=guardians,
            guardian_quorum=quorum,
        ),
    )
    if body.provisional:
        step.note("provisional_enrolment", "notice", [("party", body.party)])
    keep_authorities(step, body.party)
    add_keys(step, body.party, body.keys or (), event_id)


def _facts(body: EnrolmentBody) -> PartyFacts:
    return PartyFacts(
        since=body.from_,
        type=body.type,
        country=body.country,
        region=body.region,
        public_name=body.public_name,
        part_of=body.part_of,
        members=body.members,
    )


def put_party(step: Step, party: PartyId, roles: tuple[str, ...], facts: PartyFacts) -> None:
    """A party of genesis; named there twice, as operator and as authority, it is one with all it was given."""
    known = step.find("party", party, Party) or Party(NEW, party, (), (), step.entry.event_id)
    held = tuple(sorted({*known.roles, *roles}))
    step.put("party", party, replace(known, roles=held, facts=(*known.facts, facts)))


def keep_authorities(step: Step, party_id: PartyId) -> None:
    ledger = step.ledger()
    rest = set(ledger.authorities) - {party_id}
    if is_authority(step.party(party_id)):
        rest.add(party_id)
    if rest != set(ledger.authorities):
        step.put("ledger", "", replace(ledger, authorities=tuple(sorted(rest))))


def _check_keys(step: Step, party: PartyId, keys: Sequence[NewKey]) -> None:
    seen: set[KeyId] = set()
    for new in keys:
        try:
            key = PublicKey(unpadded(new.public_key))
            key.verify(
                unpadded(new.proof), pae(POSSESSION_TYPE, possession_payload(key.id, step.event.log, party))
            )
        except Malformed as error:
            reject("weak_key", str(error))
        except Invalid:
            reject(
                "no_proof_of_possession",
                "a new key signs {key, log, party} itself; this proof does not verify under it",
            )
        if key.id in seen or step.find("key", key.id, Key) is not None:
            reject("key_known", "this key is registered already, to this party or another: make a fresh one")
        if any(Verifier.parse(vkey).public_key == key.spki[12:] for vkey in _log_keys(step)):
            reject("key_known", "a log's key cannot also be a party's key: make a fresh one")
        seen.add(key.id)


def _log_keys(step: Step) -> tuple[str, ...]:
    ledger = step.find("ledger", "", LedgerFacts)
    return ledger.log_keys if ledger else ()


def add_keys(step: Step, party_id: PartyId, keys: Sequence[NewKey], event_id: EventId | None = None) -> None:
    _check_keys(step, party_id, keys)
    party = step.party(party_id)
    ids = []
    for new in keys:
        key = PublicKey(unpadded(new.public_key))
        ids.append(key.id)
        step.put(
            "key",
            key.id,
            Key(NEW, key.id, party_id, key.spki, event_id or step.entry.event_id, new.expires),
        )
    step.put("party", party_id, replace(party, keys=(*party.keys, *ids)))


def check_key_addition(step: Step, event: KeyAddition) -> None:
    body = event.body
    party = step.party(body.party)
    if event.party != body.party and is_no_registrar(step, event):
        if body.reason != "recovery":
            reject("role_missing", "a key is added by a registrar, by the party itself, or for recovery")
        if not party.guardians:
            reject("no_guardians", "this party has named no guardians; a registrar can add the key")
    _check_keys(step, body.party, [body.key])


def check_key_revocation(step: Step, event: KeyRevocation) -> None:
    key = step.key(event.body.key)
    if key.party != event.party and is_no_registrar(step, event):
        reject("role_missing", "a key is revoked by a registrar or by the party it belongs to")
    if key.revoked is not None:
        reject("key_revoked", "this key is revoked already")


def check_id(kind: Literal["party", "site", "roll"], id_: str, key: KeyId, nonce: str) -> None:
    if derive(kind, key, nonce) != id_:
        reject("not_your_id", f"the {kind} id does not follow from the signing key and the nonce")


def is_no_registrar(step: Step, event: Event) -> bool:
    return lacks_role(step.party(event.party), REGISTRAR)
