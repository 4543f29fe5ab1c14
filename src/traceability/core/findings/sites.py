"""Rules about the site ore comes from: its colour, whether it was open, who works it and for what.

All of them judge the day of production, by what the log says of the site when the entry comes; what is said later
of an earlier day is another rule's (`findings.later`). A date typed in the field may be off by one day, so a site
counts as closed only where it was closed on the days beside it too.
"""

from collections.abc import Collection

from traceability.core.findings.raised import Raised
from traceability.core.ground_facts import NO_STANDING, Standing, fairest, site_facts, site_status
from traceability.core.ground_records import Suspension, in_force
from traceability.core.ids import PartyId
from traceability.core.policy import Policy, number
from traceability.core.registry_records import Party, Site, SiteFacts

_RANK = {"green": 0, None: 1, "blue": 2, "yellow": 3, "red": 4}


def standing(site: Site, day: str, policy: Policy | None) -> Standing:
    """The colour that counts for what was done on a day: the best of it and the days beside it."""
    if not site.statuses:
        return NO_STANDING
    return fairest(day, lambda on: site_status(site, on, policy), lambda found: _RANK[found.status])


def suspension(site: Site, day: str) -> Suspension | None:
    """The suspension a site was under on a day and on the days beside it; the newest of several."""

    def read(on: str) -> Suspension | None:
        found = in_force(site.suspensions, on)
        return found[-1] if found else None

    return fairest(day, read, lambda found: found is not None) if site.suspensions else None


def activity(site: Site, day: str) -> str:
    """`active`, or what else was registered of the site for a day and the days beside it."""
    if len(site.facts) == 1:
        return site.facts[0].activity
    return fairest(day, lambda on: site_facts(site, on).activity, lambda found: found != "active")


def lapsed(site: Site, found: Standing) -> bool:
    """Whether a colour is another one run out: no inspector said it."""
    return not any((said.event, said.status) == (found.event, found.status) for said in site.statuses)


def site_red(found: Standing, *, lapsed: bool) -> Raised | None:
    """The ore was produced while its site was red: no production for export (F6).

    Severe where an inspector said so; a warning where yellow or blue ran out and nobody came to look again.
    Numbers (`times` of `site_status`): `green_months`, `yellow_months`, `blue_months`. Source: ICGLR manual, status of
    mine sites. Honest: the inspection that cleared the site is not recorded, or the State was late to inspect.
    """
    if found.status != "red":
        return None
    return Raised("warning" if lapsed else "severe", _said(found))


def site_yellow(found: Standing) -> Raised | None:
    """The site had criteria to put right: it may still produce for its months. A notice to buyers.

    Source: ICGLR. Honest: most yellow sites are put right; a buyer follows up.
    """
    return Raised("notice", _said(found)) if found.status == "yellow" else None


def site_blue(found: Standing) -> Raised | None:
    """The site was not inspected yet, or its year of green ran out: ore may leave, a buyer should know.

    A notice. Source: ICGLR. Honest: nearly always, the State has few inspectors.
    """
    return Raised("notice", _said(found)) if found.status == "blue" else None


def site_status_not_recorded(
    found: Standing, country: str, minerals: Collection[str], policy: Policy | None
) -> Raised | None:
    """No colour of the site is recorded for the day, where the country wants one. A notice.

    Number (`thresholds`): `required`, 1 where a colour must be recorded; 0 unless a policy of the country says so.
    Honest: the inspection stands on paper.
    """
    rule = "site_status_not_recorded"
    if found.status is None and any(
        number(policy, "thresholds", rule, "required", mineral=mineral, country=country)
        for mineral in minerals
    ):
        return Raised("notice", {"country": country})
    return None


def site_suspended(found: Suspension | None) -> Raised | None:
    """An inspector had stopped work at the site on that day (F2, F6). Severe.

    Honest: ore dug before, recorded with the day it was bagged.
    """
    if found is None:
        return None
    return Raised("severe", {"inspection": found.event, "since": found.since, "until": found.until or "open"})


def site_not_active(found: str) -> Raised | None:
    """The site was registered as inactive or abandoned on that day (F2): where does the ore come from? A warning.

    Honest: work began again and nobody restated the site.
    """
    return None if found == "active" else Raised("warning", {"activity": found})


def mineral_not_registered(site: Site, day: str, minerals: Collection[str]) -> Raised | None:
    """The site is not registered for this mineral (F2, F16). A warning.

    Honest: a by-product, which the next registration of the site should name.
    """
    if set(minerals) <= set(site_facts(site, day).minerals):
        return None
    known = fairest(
        day, lambda on: site_facts(site, on).minerals, lambda found: not set(minerals) <= set(found)
    )
    strange = sorted(set(minerals) - set(known))
    return Raised("warning", {"mineral": ",".join(strange), "site": ",".join(known)}) if strange else None


def producer_not_at_site(facts: SiteFacts, producer: Party) -> Raised | None:
    """The producer is neither holder of the site, nor named as working it, nor part of who is. A notice.

    Not asked of a zone, where permits are given and no single pit is worked, nor of a party that holds no role of
    a miner: it bought of a miner who is not enrolled. Honest: somebody joined since the site was registered.
    """
    at_home = {facts.holder, *facts.worked_by}
    mine: set[PartyId | None] = {producer.id, *(each.part_of for each in producer.facts)}
    if facts.type == "zone" or "miner" not in producer.roles or not mine.isdisjoint(at_home):
        return None
    return Raised("notice", {"holder": facts.holder, "producer": producer.id})


def site_closed_before_recorded(
    colour: Standing, stopped: Suspension | None, day: str, recorded: str
) -> Raised | None:
    """The site was open on the day of production, but red or suspended on the day that came to the log (F6, F9).

    A warning: the day is the signer's word. Honest: a phone that was without a network in between.
    """
    days: dict[str, object] = {"day": day, "recorded": recorded}
    if colour.status == "red":
        return Raised("warning", {**_said(colour), **days})
    if stopped is not None:
        return Raised("warning", {**days, "inspection": stopped.event, "since": stopped.since})
    return None


def _said(found: Standing) -> dict[str, object]:
    return {"inspection": found.event, "since": found.since, "status": found.status}
