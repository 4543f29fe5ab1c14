"""The fold over the registry: parties, keys, roles, delegations, approvals, sites and tag rolls.

Everything that gives an act its meaning is itself an event. What changes roles or keys of an authority
counts only when a quorum of other authorities has approved it; until then the event stands in the log, its
`Act` says what it needs, and whatever rests on it waits. `take_effect` is the one place where a registry
event changes anything, whether at its own entry or at the entry of the last approval.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from traceability.core.authority import (
    AUTHORITY_ROLES,
    approving,
    is_authority,
    lacks_role,
)
from traceability.core.errors import Invalid, Malformed
from traceability.core.events import (
    LOTS_MAX,
    Approval,
    Delegation,
    DelegationEnd,
    Enrolment,
    Event,
    Genesis,
    Intake,
    KeyAddition,
    KeyRevocation,
    RoleChange,
    SiteRegistration,
    TagAllocation,
    TagIssue,
)
from traceability.core.forms import NewKey
from traceability.core.ids import EventId, KeyId, PartyId, RollId, SiteId, derive, unpadded
from traceability.core.lineage import lots_of
from traceability.core.note import Verifier
from traceability.core.outcome import Step, reject
from traceability.core.registry_bodies import EnrolmentBody, TagNumbers
from traceability.core.signing import POSSESSION_TYPE, PublicKey, pae, possession_payload
from traceability.core.state import (
    Act,
    Allocation,
    Decision,
    Key,
    LedgerFacts,
    LogEntry,
    Lot,
    Party,
    PartyFacts,
    Place,
    Policy,
    Revocation,
    Roll,
    Site,
    SiteFacts,
)
from traceability.core.state import Delegation as DelegationRecord

RegistryEvent = (
    Genesis
    | Enrolment
    | RoleChange
    | KeyAddition
    | KeyRevocation
    | Delegation
    | DelegationEnd
    | Approval
    | SiteRegistration
    | TagIssue
    | TagAllocation
)
_REGISTRAR = ("registrar",)
NEW = Place(-1)
"""The line of a subject that has none yet; `fold` gives it its number."""


def apply(step: Step, event: RegistryEvent) -> None:
    """Judges one registry event whose signer, party and role have been admitted."""
    match event:
        case Genesis():
            _genesis(step, event)
        case Approval():
            _approval(step, event)
        case Enrolment():
            _check_enrolment(step, event)
            _effect_or_wait(step, event)
        case RoleChange():
            step.party(event.body.party)
            _effect_or_wait(step, event)
        case KeyAddition():
            _check_key_addition(step, event)
            _effect_or_wait(step, event)
        case KeyRevocation():
            _check_key_revocation(step, event)
            _effect_or_wait(step, event)
        case Delegation():
            _delegation(step, event)
        case DelegationEnd():
            _delegation_end(step, event)
        case SiteRegistration():
            _site(step, event)
        case TagIssue():
            _tag_issue(step, event)
        case TagAllocation():
            _tag_allocation(step, event)


# Genesis


def _genesis(step: Step, event: Genesis) -> None:
    body = event.body
    _check_id("party", event.party, event.key, body.nonce)
    roles: dict[PartyId, set[str]] = {event.party: {"operator"}}
    for authority in body.authorities:
        _check_id("party", authority.party, event.key, authority.nonce)
        roles.setdefault(authority.party, set()).update(authority.roles)
    authorities = sorted(party for party, held in roles.items() if AUTHORITY_ROLES & held)
    for vkey in body.log_keys:
        try:
            Verifier.parse(vkey)
        except Malformed as error:
            reject("bad_log_key", f"{vkey[:60]!r} is no verifier key of a log (C2SP signed-note): {error}")
    number = len(authorities)
    most = {1: 0, 2: 1}.get(number, number - 2)
    if body.quorum > most:
        reject("quorum_out_of_reach", f"with {number} authorities the quorum is at most {most}")
    step.put(
        "ledger",
        "",
        LedgerFacts(
            log=event.log,
            name=body.name,
            genesis=step.entry.event_id,
            operator=event.party,
            quorum=body.quorum,
            countries=tuple(body.countries),
            log_keys=tuple(body.log_keys),
            demo=body.demo is True,
            authorities=tuple(authorities),
        ),
    )
    step.put("policy", "policy", Policy(NEW, step.entry.event_id))
    operator = PartyFacts(
        event.event_time[:10], "authority", body.countries[0], None, body.operator_name, None, None
    )
    _put_party(step, event.party, ("operator",), operator)
    _add_keys(step, event.party, body.keys)
    for authority in body.authorities:
        facts = PartyFacts(
            event.event_time[:10], "authority", authority.country, None, authority.name, None, None
        )
        _put_party(step, authority.party, tuple(authority.roles), facts)
        _add_keys(step, authority.party, authority.keys)
    own = step.find("key", event.key, Key)
    if own is None or own.party != event.party:
        reject("not_your_key", "genesis is signed by one of the operator's keys that it names")


# What takes effect at once, or with the last approval


def _needs(step: Step, event: Event) -> str:
    ledger = step.ledger()
    match event:
        case Enrolment():
            concerned = bool(AUTHORITY_ROLES & set(event.body.roles))
        case RoleChange():
            changed = {*(event.body.add or ()), *(event.body.remove or ())}
            gives_up = event.party == event.body.party and not event.body.add
            concerned = not gives_up and (
                bool(AUTHORITY_ROLES & changed) or is_authority(step.party(event.body.party))
            )
        case KeyAddition():
            concerned = is_authority(step.party(event.body.party))
            own = event.party == event.body.party
            if not (concerned and ledger.quorum) and not own and _is_no_registrar(step, event):
                return "guardians"
        case KeyRevocation():
            key = step.key(event.body.key)
            concerned = is_authority(step.party(key.party)) and key.party != event.party
        case _:
            concerned = False
    return "quorum" if concerned and ledger.quorum else "nothing"


def _effect_or_wait(step: Step, event: Enrolment | RoleChange | KeyAddition | KeyRevocation) -> None:
    needs = _needs(step, event)
    if needs == "nothing":
        take_effect(step, event, step.entry.event_id)
    else:
        act = step.find("act", step.entry.event_id, Act) or Act(step.entry.event_id)
        act = replace(act, needs=needs, effective=False)
        if _approved(step, act, event):  # the approvals came first
            act = replace(act, effective=True)
            take_effect(step, event, step.entry.event_id)
        elif isinstance(event, RoleChange):
            party = step.party(event.body.party)
            awaited = (step.entry.event_id, tuple(event.body.add or ()))
            step.put("party", party.id, replace(party, awaited=(*party.awaited, awaited)))
        step.put("act", act.event, act)


def take_effect(
    step: Step, event: Enrolment | RoleChange | KeyAddition | KeyRevocation, event_id: EventId
) -> None:
    """Makes the event's changes, at its own entry or at the entry of the last approval."""
    match event:
        case Enrolment():
            _enrol(step, event, event_id)
        case RoleChange():
            party = step.party(event.body.party)
            roles = (set(party.roles) | set(event.body.add or ())) - set(event.body.remove or ())
            awaited = tuple(waiting for waiting in party.awaited if waiting[0] != event_id)
            since = dict(party.since) | dict.fromkeys(
                set(event.body.add or ()) - set(party.roles), event.body.from_
            )
            party = replace(
                party,
                roles=tuple(sorted(roles)),
                awaited=awaited,
                since=tuple((role, day) for role, day in sorted(since.items()) if role in roles),
            )
            step.put("party", party.id, party)
            _keep_authorities(step, party.id)
        case KeyAddition():
            _add_keys(step, event.body.party, [event.body.key], event_id)
        case KeyRevocation():
            key = step.key(event.body.key)
            if key.revoked is None:
                revoked = Revocation(
                    event_id,
                    step.entry.record_time,
                    event.body.reason,
                    event.body.trusted_sequence,
                    event.body.trusted_until,
                )
                step.put("key", key.id, replace(key, revoked=revoked))
                _note_untrusted(step, key.id, revoked)


def _note_untrusted(step: Step, key: KeyId, revoked: Revocation) -> None:
    """What the key signed after its last trusted number or moment keeps its effect, with a finding on its lots.

    The newest first; of a key that signed more than LOTS_MAX events or for as many lots since, the rest is left.
    """
    number, moment = revoked.trusted_sequence, revoked.trusted_until
    if number is None and moment is None:
        return
    noted = 0
    for entry in step.state.signed_by(key, -1 if number is None else number, LOTS_MAX):
        if noted >= LOTS_MAX:
            return
        if moment is None or entry.event.event_time > moment:
            lots = [("lot", lot) for lot in lots_of(entry.event) if step.find("lot", lot, Lot) is not None]
            if lots:
                step.note("signed_after_last_trusted", "warning", lots, events=(entry.event_id,))
            noted += len(lots)


def _is_no_registrar(step: Step, event: Event) -> bool:
    return lacks_role(step.party(event.party), _REGISTRAR)


def _concerned(step: Step, event: Event) -> set[str]:
    match event:
        case Enrolment() | RoleChange() | KeyAddition():
            return {event.party, event.body.party}
        case KeyRevocation():
            return {event.party, step.key(event.body.key).party}
        case _:
            return {event.party}


def _approval(step: Step, event: Approval) -> None:
    signer = step.party(event.party)
    target = step.state.event(event.body.event)
    act = step.find("act", event.body.event, Act) or Act(event.body.event)
    _check_may_approve(step, event, signer, target, act)
    mine = Decision(event.party, event.key, event.body.decision, step.entry.event_id)
    approvals = (*(said for said in act.approvals if said.party != event.party), mine)
    act = replace(act, approvals=approvals)
    if target is not None and not act.effective and _approved(step, act, target.event):
        act = replace(act, effective=True)
        assert isinstance(target.event, Enrolment | RoleChange | KeyAddition | KeyRevocation)
        take_effect(step, target.event, target.event_id)
    if target is not None and event.body.decision == "approved" and isinstance(target.event, Enrolment):
        party = step.find("party", target.event.body.party, Party)
        if party is not None and party.provisional and "registrar" in signer.roles:
            step.put("party", party.id, replace(party, provisional=False))
    step.put("act", act.event, act)


def _approved(step: Step, act: Act, event: Event) -> bool:
    without = _concerned(step, event)
    if act.needs == "guardians":
        assert isinstance(event, KeyAddition)
        party = step.party(event.body.party)
        wanted = party.guardian_quorum
        may = set(party.guardians) - without
        said = [a for a in act.approvals if a.decision == "approved" and a.party in may]
        return wanted > 0 and len(said) >= wanted
    return approving(step, act, without=without) >= step.ledger().quorum


def _check_may_approve(step: Step, event: Approval, signer: Party, target: LogEntry | None, act: Act) -> None:
    if target is None:
        # An event the log has not seen: a revoked key's, judged when somebody brings it.
        return
    match target.event:
        case Intake():
            if lacks_role(signer, ("inspectorate", "registrar", "regulator")):
                reject("role_missing", "an intake is approved by an inspectorate, registrar or regulator")
        case Enrolment() if target.event.body.provisional:
            if lacks_role(signer, _REGISTRAR):
                reject("role_missing", "a provisional enrolment is approved by a registrar")
        case KeyAddition() if act.needs == "guardians":
            if event.party not in step.party(target.event.body.party).guardians:
                reject("role_missing", "a recovery key is approved by the party's guardians")
        case Enrolment() | RoleChange() | KeyAddition() | KeyRevocation() if act.needs == "quorum":
            if lacks_role(signer, AUTHORITY_ROLES):
                reject("role_missing", "a change among authorities is approved by other authorities")
        case _:
            reject("needs_no_approval", f"a {target.event.kind} of this sort needs nobody's approval")
    if event.party in _concerned(step, target.event):
        reject("own_act", "neither the signer of an event nor the party concerned can approve it")


# Parties and keys


def _check_enrolment(step: Step, event: Enrolment) -> None:
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
        _check_id("party", body.party, event.key, body.nonce)
    if (body.provisional is None or body.nonce is None) and lacks_role(signer, _REGISTRAR):
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


def _enrol(step: Step, event: Enrolment, event_id: EventId) -> None:
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
    _keep_authorities(step, body.party)
    _add_keys(step, body.party, body.keys or (), event_id)


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


def _put_party(step: Step, party: PartyId, roles: tuple[str, ...], facts: PartyFacts) -> None:
    """A party of genesis; named there twice, as operator and as authority, it is one with all it was given."""
    known = step.find("party", party, Party) or Party(NEW, party, (), (), step.entry.event_id)
    held = tuple(sorted({*known.roles, *roles}))
    step.put("party", party, replace(known, roles=held, facts=(*known.facts, facts)))


def _keep_authorities(step: Step, party_id: PartyId) -> None:
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


def _add_keys(step: Step, party_id: PartyId, keys: Sequence[NewKey], event_id: EventId | None = None) -> None:
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


def _check_key_addition(step: Step, event: KeyAddition) -> None:
    body = event.body
    party = step.party(body.party)
    if event.party != body.party and _is_no_registrar(step, event):
        if body.reason != "recovery":
            reject("role_missing", "a key is added by a registrar, by the party itself, or for recovery")
        if not party.guardians:
            reject("no_guardians", "this party has named no guardians; a registrar can add the key")
    _check_keys(step, body.party, [body.key])


def _check_key_revocation(step: Step, event: KeyRevocation) -> None:
    key = step.key(event.body.key)
    if key.party != event.party and _is_no_registrar(step, event):
        reject("role_missing", "a key is revoked by a registrar or by the party it belongs to")
    if key.revoked is not None:
        reject("key_revoked", "this key is revoked already")


# Delegations


def _delegation(step: Step, event: Delegation) -> None:
    body = event.body
    step.party(body.agent)
    if body.principal is not None:
        principal = step.party(body.principal).id
    else:
        assert body.site is not None
        principal = step.need("site", body.site, Site).facts[-1].holder
    if event.actor != principal and _is_no_registrar(step, event):
        reject("role_missing", "a delegation is signed by a registrar, or by the party itself")
    step.put(
        "delegation",
        step.entry.event_id,
        DelegationRecord(
            step.entry.event_id,
            body.agent,
            body.principal,
            body.site,
            tuple(body.kinds),
            body.from_,
            body.until,
        ),
    )


def _delegation_end(step: Step, event: DelegationEnd) -> None:
    delegation = step.delegation(event.body.delegation)
    sides = {delegation.agent, delegation.principal}
    if delegation.site is not None:
        sides.add(step.need("site", delegation.site, Site).facts[-1].holder)
    if event.party not in sides and _is_no_registrar(step, event):
        reject("role_missing", "a delegation is ended by a registrar or by either side")
    step.put("delegation", delegation.event, replace(delegation, ended=True))


# Sites and tags


def _site(step: Step, event: SiteRegistration) -> None:
    body = event.body
    for party in (body.holder, *(body.worked_by or ())):
        step.party(party)
    for licence in body.licences or ():
        step.logged(licence)
    facts = SiteFacts(
        since=body.from_,
        type=body.type,
        name=body.name,
        country=body.country,
        region=body.region,
        minerals=tuple(body.minerals),
        mining_method=body.mining_method,
        activity=body.activity,
        holder=body.holder,
        worked_by=tuple(body.worked_by or ()),
        licences=tuple(body.licences or ()),
    )
    known = step.find("site", body.site, Site)
    if body.nonce is None:
        known = step.need("site", body.site, Site)
        step.put("site", known.id, replace(known, facts=(*known.facts, facts)))
        return
    if known is not None:
        reject("site_known", "this site is registered already; restate its facts without nonce")
    _check_id("site", body.site, event.key, body.nonce)
    step.put("site", body.site, Site(NEW, SiteId(body.site), (facts,)))


def _tag_issue(step: Step, event: TagIssue) -> None:
    body = event.body
    _check_id("roll", body.roll, event.key, body.nonce)
    if step.find("roll", body.roll, Roll) is not None:
        reject("roll_known", "this roll is issued already")
    step.put(
        "roll",
        body.roll,
        Roll(
            place=NEW,
            id=RollId(body.roll),
            issuer=PartyId(event.actor),
            scheme=body.scheme,
            level=body.level,
            medium=body.medium,
            count=body.count,
            numbers=_numbers(body.numbers),
            issued_by=step.entry.event_id,
        ),
    )


def _numbers(numbers: TagNumbers | None) -> tuple[str, int, int, int, str] | None:
    if numbers is None:
        return None
    return (numbers.prefix, numbers.first, numbers.last, numbers.digits, numbers.suffix)


def _tag_allocation(step: Step, event: TagAllocation) -> None:
    body = event.body
    roll = step.need("roll", body.roll, Roll)
    if body.last > roll.count:
        reject("beyond_the_roll", f"the roll has {roll.count} tags; positions run from 1 to {roll.count}")
    step.party(body.to_party)
    if body.to_site is not None:
        step.need("site", body.to_site, Site)
    issuer = "tag_issuer" in step.party(event.actor).roles and event.actor == roll.issuer
    if not issuer and not _holds(roll, event.actor, body.first, body.last):
        reject(
            "not_your_tags", "tags are allocated by their issuer, or by whoever answers for all of them now"
        )
    allocation = Allocation(body.first, body.last, body.to_party, body.to_site, step.entry.event_id)
    step.put("roll", roll.id, replace(roll, allocations=(*roll.allocations, allocation)))


def _holds(roll: Roll, party: str, first: int, last: int) -> bool:
    return all(answers_for(roll, position) == party for position in range(first, last + 1))


def answers_for(roll: Roll, position: int) -> PartyId:
    """Who answers for this position of the roll now: the newest allocation that covers it, else the issuer."""
    for allocation in reversed(roll.allocations):
        if allocation.first <= position <= allocation.last:
            return allocation.party
    return roll.issuer


def _check_id(kind: Literal["party", "site", "roll"], id_: str, key: KeyId, nonce: str) -> None:
    if derive(kind, key, nonce) != id_:
        reject("not_your_id", f"the {kind} id does not follow from the signing key and the nonce")
