"""The fold over the registry: parties, keys, roles, delegations, approvals, sites and tag rolls.

Everything that gives an act its meaning is itself an event. What changes roles or keys of an authority
counts only when a quorum of other authorities has approved it; until then the event stands in the log, its
`Act` says what it needs, and whatever rests on it waits. `take_effect` is the one place where a registry
event changes anything, whether at its own entry or at the entry of the last approval.
"""

from msgspec.structs import replace

from traceability.core.authority import (
    AUTHORITY_ROLES,
    approving,
    is_authority,
    lacks_role,
)
from traceability.core.certificates import issue, make_valid
from traceability.core.events import (
    Approval,
    Certificate,
    Delegation,
    DelegationEnd,
    Enrolment,
    Event,
    Genesis,
    Intake,
    KeyAddition,
    KeyRevocation,
    LogKey,
    RoleChange,
    SiteRegistration,
    TagAllocation,
    TagIssue,
)
from traceability.core.events import Policy as PolicyEvent
from traceability.core.header import LOTS_MAX
from traceability.core.ids import EventId, KeyId, PartyId
from traceability.core.log_life import change, check_log_key, first_keys, succeed
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step, reject
from traceability.core.parties import (
    REGISTRAR,
    add_keys,
    check_enrolment,
    check_id,
    check_key_addition,
    check_key_revocation,
    enrol,
    is_no_registrar,
    keep_authorities,
    put_party,
)
from traceability.core.policy import Policy, stated
from traceability.core.record import NEW
from traceability.core.registry_records import (
    Act,
    Decision,
    Key,
    LedgerFacts,
    Party,
    PartyFacts,
    Revocation,
    Site,
)
from traceability.core.registry_records import Delegation as DelegationRecord
from traceability.core.rolls import allocate_tags, issue_tags, register_site
from traceability.core.state import LogEntry
from traceability.core.statements import set_policy

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
    | Certificate
    | PolicyEvent
    | LogKey
)


Approved = Enrolment | RoleChange | KeyAddition | KeyRevocation | Certificate | PolicyEvent | LogKey
"""The kinds whose effect may have to wait for approval."""


def apply(step: Step, event: RegistryEvent) -> None:
    """Judges one registry event whose signer, party and role have been admitted."""
    match event:
        case Genesis() if step.entry.index:
            succeed(step, event)
        case Genesis():
            _genesis(step, event)
        case Approval():
            _approval(step, event)
        case Enrolment():
            check_enrolment(step, event)
            _effect_or_wait(step, event)
        case RoleChange():
            step.party(event.body.party)
            _effect_or_wait(step, event)
        case KeyAddition():
            check_key_addition(step, event)
            _effect_or_wait(step, event)
        case KeyRevocation():
            check_key_revocation(step, event)
            _effect_or_wait(step, event)
        case Delegation():
            _delegation(step, event)
        case DelegationEnd():
            _delegation_end(step, event)
        case SiteRegistration():
            register_site(step, event)
        case TagIssue():
            issue_tags(step, event)
        case TagAllocation():
            allocate_tags(step, event)
        case Certificate():
            issue(step, event)
            _effect_or_wait(step, event)
        case PolicyEvent():
            _effect_or_wait(step, event)
        case LogKey():
            check_log_key(step, event)
            _effect_or_wait(step, event)


# Genesis


def _genesis(step: Step, event: Genesis) -> None:
    body = event.body
    check_id("party", event.party, event.key, body.nonce)
    roles: dict[PartyId, set[str]] = {event.party: {"operator"}}
    for authority in body.authorities:
        check_id("party", authority.party, event.key, authority.nonce)
        roles.setdefault(authority.party, set()).update(authority.roles)
    authorities = sorted(party for party, held in roles.items() if AUTHORITY_ROLES & held)
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
            log_keys=first_keys(event.log, body.log_keys),
            demo=body.demo is True,
            authorities=tuple(authorities),
        ),
    )
    step.put("policy", "policy", Policy(NEW, step.entry.event_id, stated(None, body.policy)))
    operator = PartyFacts(
        event.event_time[:10], "authority", body.countries[0], None, body.operator_name, None, None
    )
    put_party(step, event.party, ("operator",), operator)
    add_keys(step, event.party, body.keys)
    for authority in body.authorities:
        facts = PartyFacts(
            event.event_time[:10], "authority", authority.country, None, authority.name, None, None
        )
        put_party(step, authority.party, tuple(authority.roles), facts)
        add_keys(step, authority.party, authority.keys)
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
            if not (concerned and ledger.quorum) and not own and is_no_registrar(step, event):
                return "guardians"
        case KeyRevocation():
            key = step.key(event.body.key)
            concerned = is_authority(step.party(key.party)) and key.party != event.party
        case Certificate():
            return "certifier"
        case PolicyEvent():
            return "authority" if len(ledger.authorities) > 1 else "nothing"
        case LogKey():
            concerned = True
        case _:
            concerned = False
    return "quorum" if concerned and ledger.quorum else "nothing"


def _effect_or_wait(step: Step, event: Approved) -> None:
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


def take_effect(step: Step, event: Approved, event_id: EventId) -> None:
    """Makes the event's changes, at its own entry or at the entry of the last approval."""
    match event:
        case Enrolment():
            enrol(step, event, event_id)
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
            keep_authorities(step, party.id)
        case KeyAddition():
            add_keys(step, event.body.party, [event.body.key], event_id)
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
        case Certificate():
            make_valid(step, event_id)
        case PolicyEvent():
            set_policy(step, event)
        case LogKey():
            change(step, event)


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
            lots = [("lot", lot) for lot in entry.event.lots if step.find("lot", lot, Lot) is not None]
            if lots:
                step.note("signed_after_last_trusted", "warning", lots, events=(entry.event_id,))
            noted += len(lots)


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
        assert isinstance(target.event, Approved)
        take_effect(step, target.event, target.event_id)
    if target is not None and event.body.decision == "approved" and isinstance(target.event, Enrolment):
        party = step.find("party", target.event.body.party, Party)
        if party is not None and party.provisional and "registrar" in signer.roles:
            step.put("party", party.id, replace(party, provisional=False))
    step.put("act", act.event, act)


def _approved(step: Step, act: Act, event: Event) -> bool:
    without = _concerned(step, event)
    if act.needs == "authority":
        return approving(step, act, without=without) > 0
    if act.needs == "certifier":
        said = [a for a in act.approvals if a.decision == "approved" and a.key != event.key]
        return any("certifier" in step.party(a.party).roles for a in said)
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
            if lacks_role(signer, REGISTRAR):
                reject("role_missing", "a provisional enrolment is approved by a registrar")
        case KeyAddition() if act.needs == "guardians":
            if event.party not in step.party(target.event.body.party).guardians:
                reject("role_missing", "a recovery key is approved by the party's guardians")
        case Enrolment() | RoleChange() | KeyAddition() | KeyRevocation() | LogKey() if act.needs == "quorum":
            if lacks_role(signer, AUTHORITY_ROLES):
                reject(
                    "role_missing", "a change among authorities, or of the log, is approved by authorities"
                )
        case PolicyEvent() if act.needs == "authority":
            if lacks_role(signer, AUTHORITY_ROLES):
                reject("role_missing", "a policy is approved by an authority besides the operator")
        case Certificate():
            if lacks_role(signer, ("certifier",)):
                reject(
                    "role_missing", "a certificate is approved by another key of its certifier, or another"
                )
            if event.key == target.event.key:
                reject(
                    "own_act",
                    "a second officer approves a certificate: another key than the one that signed it",
                )
            return
        case _:
            reject("needs_no_approval", f"a {target.event.kind} of this sort needs nobody's approval")
    if event.party in _concerned(step, target.event):
        reject("own_act", "neither the signer of an event nor the party concerned can approve it")


# Delegations


def _delegation(step: Step, event: Delegation) -> None:
    body = event.body
    step.party(body.agent)
    if body.principal is not None:
        principal = step.party(body.principal).id
    else:
        assert body.site is not None
        principal = step.need("site", body.site, Site).facts[-1].holder
    if event.actor != principal and is_no_registrar(step, event):
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
    if event.party not in sides and is_no_registrar(step, event):
        reject("role_missing", "a delegation is ended by a registrar or by either side")
    step.put("delegation", delegation.event, replace(delegation, ended=True))
