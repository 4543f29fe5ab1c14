"""Rules about ore that a country forbids to mix: of different mining methods, countries or tagging schemes.

What a lot was mixed from is known in bounded form: codes of methods, countries and schemes, never the sites. A lot
of one site is what its site is; one of several remembers what its site and tags do not tell (`Lot.mixed`).
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from traceability.core.findings.raised import Raised
from traceability.core.findings.sites import standing
from traceability.core.findings.zones import ZONES_MAX
from traceability.core.ground_facts import site_facts
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.policy import Policy, number
from traceability.core.registry_records import Site

MIXED_MAX = 64
"""So many codes a lot remembers; nobody mixes ore of more countries and schemes."""
_METHOD, _COUNTRY, _SCHEME = "method:", "country:", "scheme:"
_UNREGISTERED = "method:unregistered_uncertified"


def methods_mixed(codes: Iterable[str], country: str, mineral: str, policy: Policy | None) -> Raised | None:
    """Ore of industrial mines was mixed with other ore, where that is forbidden (F7). Severe.

    Numbers (`thresholds`): `uncertified` 1: artisanal ore must not be mixed in that is of a site not green when the
    lot moved last, or of no registered site; `any` 1: no other ore at all. Source: DR Congo, cobalt (ARECOMS 2025),
    where `uncertified` is 1 by default. Honest: the site was certified, and the inspection is not entered.
    """
    methods = _of(codes, _METHOD)
    others = [method for method in methods if not method.startswith("industrial")]
    if "industrial" not in methods or not others:
        return None
    uncertified = [method for method in others if method.endswith("uncertified")]
    for name, found in (("any", others), ("uncertified", uncertified)):
        if found and number(policy, "thresholds", "methods_mixed", name, mineral=mineral, country=country):
            return Raised("severe", {"country": country, "methods": ",".join(methods)})
    return None


def countries_mixed(codes: Iterable[str], country: str, mineral: str, policy: Policy | None) -> Raised | None:
    """Ore of several countries was mixed, where that is forbidden (F7, F13). A warning.

    Number (`thresholds`): `forbidden`, 1 where it is; 0 unless a policy says so. Honest: imported by the book, and the
    certificate names both origins.
    """
    return _forbidden("countries_mixed", _of(codes, _COUNTRY), country, mineral, policy)


def schemes_mixed(codes: Iterable[str], country: str, mineral: str, policy: Policy | None) -> Raised | None:
    """Ore tagged under several schemes was mixed, where that is forbidden (F7). A warning.

    Number (`thresholds`): `forbidden`, 1 where it is; 0 unless a policy says so. Honest: a scheme changed over, and old
    stock was used up.
    """
    return _forbidden("schemes_mixed", _of(codes, _SCHEME), country, mineral, policy)


def _forbidden(
    rule: str, found: Sequence[str], country: str, mineral: str, policy: Policy | None
) -> Raised | None:
    if len(found) < 2:
        return None
    if not number(policy, "thresholds", rule, "forbidden", mineral=mineral, country=country):
        return None
    return Raised("warning", {"country": country, "mixed": ",".join(found)})


def _of(codes: Iterable[str], kind: str) -> list[str]:
    return sorted({code[len(kind) :] for code in codes if code.startswith(kind)})


# What lots are and become


def begin(step: Step, lots: Iterable[LotId], countries: Iterable[str]) -> None:
    """Keeps of lots of no registered site the countries they are said to be from, or were dug in; `0`: nobody knows."""
    codes = tuple(sorted({_UNREGISTERED, *(_COUNTRY + country for country in countries)}))
    for lot in lots:
        step.put("lot", lot, replace(step.lot(lot), mixed=codes))


def carry(step: Step, inputs: Mapping[LotId, Lot], made: Iterable[LotId]) -> None:
    """Hands on to the lots made what the inputs were, and notes what a country forbids to mix."""
    known: dict[tuple[str, str], tuple[str, ...]] = {}
    codes: set[str] = set()
    for lot in inputs.values():
        codes.update(codes_of(step, lot, known))
    zones = tuple(dict.fromkeys(zone for lot in inputs.values() for zone in lot.zones))[-ZONES_MAX:]
    for lot_id in made:
        lot = step.lot(lot_id)
        told = codes_of(step, lot, known) if lot.site is not None else set()
        mixed = tuple(sorted(codes - told))[:MIXED_MAX]
        if mixed or zones:
            step.put("lot", lot_id, replace(lot, mixed=mixed, zones=zones))
    if len(inputs) > 1:
        _judge(step, codes, [step.lot(lot) for lot in made])


def _judge(step: Step, codes: set[str], made: Sequence[Lot]) -> None:
    region = step.event.body.region
    countries = [region[:2]] if region else _of(codes, _COUNTRY)
    for mineral in dict.fromkeys(lot.mineral for lot in made):
        about = [("lot", lot.id) for lot in made if lot.mineral == mineral]
        for country in countries:
            step.notice("methods_mixed", methods_mixed(codes, country, mineral, step.policy), about)
            step.notice("countries_mixed", countries_mixed(codes, country, mineral, step.policy), about)
            step.notice("schemes_mixed", schemes_mixed(codes, country, mineral, step.policy), about)


def codes_of(step: Step, lot: Lot, known: dict[tuple[str, str], tuple[str, ...]]) -> set[str]:
    """The codes of a lot. `known` remembers those of sites by day."""
    found = {*lot.mixed, *(_SCHEME + tag.partition(":")[0] for tag in lot.tags)}
    if lot.site is not None:
        address = (lot.site, lot.judged_day)
        if address not in known:
            known[address] = _of_site(step, lot.site, lot.judged_day)
        found.update(known[address])
    elif not lot.mixed:
        found.add(_UNREGISTERED)
    return found


def _of_site(step: Step, site_id: str, day: str) -> tuple[str, ...]:
    site = step.find("site", site_id, Site)
    if site is None:
        return ()
    facts = site_facts(site, day)
    certified = standing(site, day, step.policy).status == "green" or facts.mining_method == "industrial"
    method = facts.mining_method if certified else f"{facts.mining_method}_uncertified"
    return _METHOD + method, _COUNTRY + facts.country
