"""Who may sign what: keys that count, roles by kind, delegations, and the quorum of authorities.

Authority is judged at the entry's place in the log, never by a clock. Dates that keys and delegations give
themselves are compared with the judged day and end in a finding.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

from msgspec.structs import replace

from traceability.core.events import Event
from traceability.core.ids import PartyId
from traceability.core.leaf import time_text
from traceability.core.lot_records import Lot
from traceability.core.outcome import RejectedStep, Step, WaitsFor, reject
from traceability.core.registry_records import Act, Delegation, Key, Number, Party

AUTHORITY_ROLES = frozenset(
    {"registrar", "inspectorate", "tag_issuer", "certifier", "regulator", "auditor", "operator"}
)
_TRADE = frozenset({"miner", "tag_agent", "trader", "processor", "exporter"})

MAY_SIGN: dict[str, frozenset[str] | None] = {
    "genesis": frozenset({"operator"}),
    "enrolment": frozenset({"registrar", "tag_agent"}),
    "role_change": frozenset({"registrar"}),
    "key_addition": None,
    "key_revocation": None,
    "delegation": None,
    "delegation_end": None,
    "approval": None,
    "site_registration": frozenset({"inspectorate", "registrar"}),
    "tag_issue": frozenset({"tag_issuer"}),
    "tag_allocation": None,
    "production": _TRADE,
    "intake": None,
    "transfer": None,
    "acceptance": None,
    "refusal": None,
    "withdrawal": None,
    "reassignment": frozenset({"regulator", "inspectorate", "registrar"}),
    "transformation": None,
    "retagging": None,
    "inspection": None,
    "export": None,
    "import": None,
    "closure": None,
    "correction": None,
    "site_inspection": frozenset({"inspectorate", "auditor"}),
    "capacity_estimate": None,
    "licence_grant": frozenset({"registrar", "inspectorate"}),
    "licence_revocation": frozenset({"registrar", "inspectorate"}),
    "tag_void": None,
    "zone": frozenset({"regulator", "inspectorate"}),
    "reference": frozenset({"operator", "regulator"}),
    "certificate": frozenset({"certifier"}),
    "certificate_use": frozenset({"certifier"}),
    "payment": None,
    "incident": None,
    "response": None,
    "hold": None,
    "release": None,
    "finding": frozenset({"operator"}),
    "redaction": frozenset({"operator"}),
    "policy": frozenset({"operator"}),
    "log_key": frozenset({"operator"}),
    "audit": frozenset({"auditor"}),
    "snapshot": frozenset({"operator"}),
    "attestation": frozenset({"auditor", "monitor", "regulator"}),
}
"""The roles of which a kind asks one; None where standing, not role, decides (the kind's own rule says)."""

LATE_DAYS = 60
TYPED_DAYS = 1
"""By so many days a date somebody typed, in his own day, may differ from a UTC day without a finding."""
ABANDONED_MAX = 1000
"""How many abandoned numbers of a key are remembered: it is one record, looked at with each of its events."""
_SIDES = (
    "agent", "carrier", "custodian", "for_title", "importer", "party", "principal", "producer", "recipient", "to",
    "to_party",
)  # fmt: skip
"""Where events name a party that is not the signer."""


def day_of(record_time: int) -> str:
    """The UTC day of a record time in Unix seconds."""
    return time_text(record_time)[:10]


@lru_cache(maxsize=4096)
def later_day(day: str, days: int) -> str:
    """The day so many days after `day`; the first or last day there is where the calendar ends."""
    try:
        return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
    except OverflowError:
        return "9999-12-31" if days > 0 else "0001-01-01"


def judged_day(event: Event, record_time: int) -> str:
    """The event's own day, not later than the day it was recorded (design, "Which date judges")."""
    return min(event.event_time[:10], day_of(record_time))


def admit(step: Step) -> Key:
    """The signer's key, after checking that it, its party and role may sign this kind at all.

    Rejects the event otherwise, or waits for what is unknown.
    """
    event = step.event
    if event.log != step.ledger().log:
        reject("other_log", f"this ledger is {step.ledger().log}; the event was signed for {event.log}")
    key = step.key(event.key)
    if key.party != event.party:
        reject("not_your_key", "the key belongs to another party than the one named as party")
    if key.revoked is not None:
        _admit_revoked(step, key)
    day = step.day
    if key.expires is not None and later_day(key.expires, TYPED_DAYS) < day:
        step.note("key_expired", "warning", [("key", key.id)], figures={"expires": key.expires})
    party = step.party(event.party)
    if event.body.acting_for is not None:
        party = step.party(event.body.acting_for)
        _admit_agent(step)
    wanted = MAY_SIGN[event.kind]
    if wanted is not None:
        if lacks_role(party, wanted):
            roles = " or ".join(sorted(wanted))
            reject("role_missing", f"a {event.kind} is signed by a {roles}; this party holds no such role")
        _compare_days(step, party, wanted)
    return key


def lacks_role(party: Party, wanted: Iterable[str]) -> bool:
    """Whether the party holds none of these roles; waits where one was given it and is not approved yet."""
    roles = frozenset(wanted)
    if not roles.isdisjoint(party.roles):
        return False
    for event, awaited in party.awaited:
        if not roles.isdisjoint(awaited):
            raise RejectedStep(WaitsFor("approval", event))
    return True


def _compare_days(step: Step, party: Party, wanted: Iterable[str]) -> None:
    """A role counts from its entry on; that the day it gives itself is yet to come is a finding."""
    first = party.facts[0].since
    if party.since:
        given = dict(party.since)
        first = min(given.get(role, first) for role in set(wanted) & set(party.roles))
    day = step.day
    if day < later_day(first, -TYPED_DAYS):
        figures = {"day": day, "from": first}
        step.note("role_before_its_day", "warning", [("party", party.id)], figures=figures)


def abandon(step: Step, key: Key) -> None:
    """Keeps the numbers this event calls abandoned; one that comes all the same is judged like any, with a finding."""
    event = step.event
    if event.sequence in key.abandoned:
        figures = {"sequence": event.sequence}
        step.note("abandoned_number_used", "warning", [("key", key.id)], figures=figures)
    if event.body.abandoned:
        numbers = sorted({*key.abandoned, *event.body.abandoned})[-ABANDONED_MAX:]
        step.put("key", key.id, replace(key, abandoned=tuple(numbers)))


def used_number(step: Step) -> bool:
    """Whether this number of the key is used already; then the whole event can only be without effect."""
    event, entry = step.event, step.entry
    name = f"{event.key}:{event.sequence}"
    used = step.find("number", name, Number)
    if used is None:
        step.changes["number", name] = Number(entry.event_id)
        return False
    if used.second is not None:
        reject(
            "number_used", f"number {event.sequence} of this key is used twice already; take the next number"
        )
    step.changes["number", name] = Number(used.first, entry.event_id)
    step.note("number_used_twice", "severe", [("key", event.key)], events=(used.first,))
    return True


def _admit_revoked(step: Step, key: Key) -> None:
    revoked = key.revoked
    assert revoked is not None
    event = step.event
    act = step.find("act", step.entry.event_id, Act)
    if act is not None and _vouched_for(step, key, act):
        step.note("revoked_key_approved", "warning", [("key", key.id)])
        return
    trusted = (revoked.trusted_sequence is not None and event.sequence <= revoked.trusted_sequence) or (
        revoked.trusted_until is not None and event.event_time <= revoked.trusted_until
    )
    in_time = step.entry.record_time - revoked.record_time <= LATE_DAYS * 86400
    if trusted and in_time and revoked.reason not in ("stolen", "compromised"):
        step.note("late_event_of_revoked_key", "warning", [("key", key.id)])
        return
    reject(
        "key_revoked",
        "this key is revoked; keep the event, and ask another key of the party, its guardians or a registrar "
        "to approve it by its id",
    )


def _vouched_for(step: Step, key: Key, act: Act) -> bool:
    """Whether another key of the party, a registrar or the guardians' quorum has approved this event."""
    owner = step.party(key.party)
    others = _counterparties(step)
    guardians = 0
    for said in act.approvals:
        if said.decision != "approved" or said.key == key.id:
            continue
        if said.party == key.party:
            return True
        if said.party in others:
            continue
        voucher = step.find("party", said.party, Party)
        if voucher is not None and "registrar" in voucher.roles:
            return True
        guardians += said.party in owner.guardians
    return 0 < owner.guardian_quorum <= guardians


def _counterparties(step: Step) -> set[PartyId]:
    """The other sides of this event: whom it names, and who stands at the other end of what it answers."""
    body = step.event.body
    found = {getattr(body, name, None) for name in _SIDES}
    for event_id, lot in step.event.moved:
        move = step.move(event_id, lot)
        if move is not None:
            found |= {move.giver, move.recipient, move.custodian}
    return {party for party in found if party is not None}


def _admit_agent(step: Step) -> None:
    event = step.event
    assert event.body.delegation is not None
    delegation = step.delegation(event.body.delegation)
    if delegation.ended:
        reject("delegation_ended", "the delegation has ended; a new one is needed to act for this party")
    if delegation.agent != event.party:
        reject("not_your_delegation", "the delegation names another agent than the signer")
    if event.kind not in delegation.kinds:
        reject("delegation_does_not_cover", f"the delegation does not cover a {event.kind}")
    if delegation.principal is not None and delegation.principal != event.body.acting_for:
        reject("delegation_does_not_cover", "the delegation is for another party than acting_for")
    day = step.day
    if not later_day(delegation.since, -TYPED_DAYS) <= day <= later_day(delegation.until, TYPED_DAYS):
        figures = {"day": day, "from": delegation.since, "until": delegation.until}
        step.note("delegation_out_of_dates", "warning", [("party", event.party)], figures=figures)


def site_delegation(step: Step) -> Delegation | None:
    """The delegation by site this event acts under, if it does."""
    if step.event.body.delegation is None or step.event.body.acting_for is None:
        return None
    delegation = step.delegation(step.event.body.delegation)
    return delegation if delegation.site is not None else None


def check_site_delegation(step: Step, lot: Lot, custodian: PartyId) -> None:
    """A delegation by site covers a site's lots only while their producer holds them, as `custodian`."""
    delegation = site_delegation(step)
    if delegation is None:
        return
    if lot.site != delegation.site or not lot.producer == custodian == step.event.body.acting_for:
        reject(
            "delegation_does_not_cover",
            "a delegation by site covers that site's lots while their producer holds them",
        )


def is_authority(party: Party) -> bool:
    """Whether the party answers for part of the registry."""
    return bool(AUTHORITY_ROLES & set(party.roles))


def approving(step: Step, act: Act, *, without: set[str], roles: frozenset[str] = AUTHORITY_ROLES) -> int:
    """How many parties of these roles have approved, not counting those in `without`."""
    count = 0
    for said in act.approvals:
        party = step.find("party", said.party, Party)
        if said.decision == "approved" and said.party not in without and party and roles & set(party.roles):
            count += 1
    return count
