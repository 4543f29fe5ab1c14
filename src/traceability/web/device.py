"""What the block "Verified on this device" is given: the policy to verify under, and what the page states of a lot.

The facts stand in the page as values and are compared with what the verifier makes of the evidence: a page that
states another mass, holder or place than was signed is told by the reader's own device.
"""

import json
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from traceability.api.services import Services
from traceability.core.trust_policy import Log, TrustPolicy
from traceability.ledger import lists
from traceability.ledger.lists import FindingFilter
from traceability.web import assets
from traceability.web.fetch import Seen

EAGER_LOTS_MAX = 60
"""A lot with so many lots behind it is verified at once; one with more when the reader asks: that is a large file."""
_FINDINGS_MAX = 500


class Device(NamedTuple):
    """What the block of a page needs."""

    policy: str
    eager: bool
    evidence: str = ""
    """Where the lot's evidence is; empty where this visitor may have none, and only the log is looked at."""
    facts: str = ""
    """What the page states, as JSON."""


def policy(services: Services) -> str:
    """This ledger as a trust policy: the keys that sign its log now, the newest last, and, where it asks some, its
    witnesses; none of them is required."""
    assets.assets()  # made once, here in a thread and not where every request would wait for it
    asking = services.asking
    witnesses = asking.policy.witnesses if asking else ()
    logs = tuple(Log(verifier) for verifier in services.ledger.verifiers)
    return TrustPolicy(logs, tuple(replace(each, url=None) for each in witnesses)).encode().decode()


def of_log(services: Services) -> Device:
    """For a page that shows a tag's story: the log can be checked, its entries cannot."""
    return Device(policy(services), eager=True)


def of_lot(services: Services, seen: Seen) -> Device:
    """For the page of a lot that the visitor may open."""
    lot, shown = seen.lot, seen.shown
    with services.reads.read() as view:
        page = lists.findings(view, FindingFilter(subject=("lot", lot.id)), None, _FINDINGS_MAX)
    sites: Counter[tuple[str, str]] = Counter()
    for part in shown.parts:
        sites[part.kind, part.code if part.kind == "site" else ""] += part.mass_ug
    facts = {
        "mineral": shown.mineral,
        "form": shown.form,
        "mass_ug": shown.mass_ug,
        "state": shown.state.kind,
        "custodian": lot.custodian,
        "day": None if shown.state.kind == "ended" else shown.state.day,
        "sites": [[*site, mass_ug] for site, mass_ug in sorted(sites.items())] or None,
        "disputed": shown.disputed,
        "findings": Counter(found.finding.rule for found in page.items),
    }
    return Device(
        policy(services),
        eager=len(seen.lineage.lots) <= EAGER_LOTS_MAX,
        evidence=f"/v1/lots/{lot.id}/evidence",
        facts=json.dumps(facts, separators=(",", ":")),
    )
