"""Rules about licences: who acts in a trade that needs one, without one in force on that day.

A party whose licence is recorded is held to it everywhere. That a party has *none* recorded means something only
where licences are recorded at all, so it is asked for by the country's policy (`licence_missing`); without that a
ledger that keeps no licences raises no false alarm. All of it is read from the party's own record.
"""

from collections.abc import Sequence
from functools import lru_cache

from traceability.core.findings.raised import Raised
from traceability.core.ground_facts import Cover, Need, covers
from traceability.core.ground_records import Terms
from traceability.core.outcome import Step
from traceability.core.policy import DEFAULTS, ByEvent, Policy, number
from traceability.core.record import Address

SORTS: dict[str, frozenset[str]] = {
    "production": frozenset({"claim", "mining_licence", "artisanal_permit"}),
    "trade": frozenset({"trader", "buying_house"}),
    "transport": frozenset({"transport"}),
    "processing": frozenset({"processing"}),
    "export": frozenset({"export", "buying_house"}),
}
"""For each act the types of licence that allow it."""
_BEST: tuple[Cover, ...] = ("in_force", "does_not_cover", "not_in_force", "revoked")


def judge(step: Step, act: str, held: Sequence[Terms], need: Need, about: Sequence[Address]) -> Terms | None:
    """Notes what the rules say of an act on these subjects; gives the licence under which it was done, if any."""
    terms = best(held, act, need)
    if terms is None:
        step.notice("licence_missing", licence_missing(act, need, step.policy), about)
        return None
    match covers(terms, need):
        case "in_force":
            return terms
        case "does_not_cover":
            step.notice("licence_does_not_cover", licence_does_not_cover(act, terms, need), about)
        case "not_in_force":
            step.notice("licence_not_in_force", licence_not_in_force(act, terms, need), about)
        case "revoked":
            step.notice("licence_revoked", licence_revoked(act, terms, need), about)
    return None


def matters(policy: Policy | None, act: str, held: Sequence[Terms]) -> bool:
    """Whether there is anything to judge: a licence recorded, or one asked for somewhere by the policy."""
    return bool(held) or _asked(ByEvent(policy) if policy else None, act)


@lru_cache(maxsize=64)
def _asked(key: ByEvent | None, act: str) -> bool:
    stated = key.policy.values if key else ()
    return (
        any((value.rule, value.name) == ("licence_missing", act) and value.value for value in stated)
        or DEFAULTS["thresholds", "licence_missing", act, None, None] > 0
    )


def best(held: Sequence[Terms], act: str, need: Need) -> Terms | None:
    """Of the licences for such an act the one that says most for it, the newest of several."""
    some = [terms for terms in reversed(held) if terms.sort in SORTS[act]]
    return min(some, key=lambda terms: _BEST.index(covers(terms, need)), default=None)


def licence_missing(act: str, need: Need, policy: Policy | None) -> Raised | None:
    """No licence for this act is recorded, in a country whose policy wants one. A warning.

    Numbers (`thresholds`): `production`, `trade`, `transport`, `processing`, `export`, 1 where the act needs a licence
    that stands in the ledger; 0 unless a policy says so. Honest: the licence is on paper, and nobody entered it.
    """
    country = need.region[:2] if need.region else None
    asked = any(
        number(policy, "thresholds", "licence_missing", act, mineral=mineral, country=country)
        for mineral in need.minerals or (None,)
    )
    return Raised("warning", {"act": act, "day": need.day}) if asked else None


def licence_does_not_cover(act: str, terms: Terms, need: Need) -> Raised | None:
    """A licence was in force, for another mineral or another place. A warning.

    Honest: a by-product; a buyer who met his seller across the border of his region.
    """
    minerals = ",".join(sorted(need.minerals))
    return Raised("warning", {"act": act, "licence": terms.event, "minerals": minerals})


def licence_not_in_force(act: str, terms: Terms, need: Need) -> Raised | None:
    """The licence had run out, or did not count yet. A warning; a day beside its own days is no matter.

    Honest: the renewal is granted and not yet entered, which in many offices takes months.
    """
    figures = {"act": act, "day": need.day, "from": terms.since, "licence": terms.event}
    return Raised("warning", {**figures, "until": terms.until or "open"})


def licence_revoked(act: str, terms: Terms, need: Need) -> Raised | None:
    """The licence had been revoked. Severe.

    Honest: the revocation was lifted by a court, and the new grant is not entered.
    """
    figures = {"act": act, "day": need.day, "licence": terms.event, "revoked_from": terms.revoked_from}
    return Raised("severe", figures)


def quota_exceeded(drawn_ug: int, terms: Terms) -> Raised | None:
    """More was produced or exported under a licence than its quota for the time allows (F2, F13). A warning.

    The sum is over every lot under the licence, so it needs the whole log; it is raised once, at the entry that
    passes the quota. What a correction takes back later still counts. Honest: a quota was raised on paper.
    """
    quota = terms.quota
    if quota is None or drawn_ug <= quota.mass_ug:
        return None
    return Raised("warning", {"drawn_ug": drawn_ug, "quota_ug": quota.mass_ug, "until": quota.until})
