"""Facts into sentences: what a person comes to know, in that person's words.

Everything here is a function of words and of what may be shown (`shown`). A sentence holds no more than its
facts, and a mass or a share in it is the one in the record.
"""

from collections.abc import Collection, Sequence

from traceability.core.forms import STONES
from traceability.web.places import country, place, region
from traceability.web.shown import LotShown, Place, Who
from traceability.web.words import Words

NAMES_MAX = 3
"""How many places a sentence names before it counts them."""

# The first sentence


def sentence(words: Words, lot: LotShown) -> str:
    """What a person came to know: what it is, where from, in how many hands, and what is unexplained."""
    what = words.code("mineral", lot.mineral)
    mass = words.mass(lot.mass_ug, lot.mineral)
    if lot.mineral in STONES and lot.count:
        mass = f"{words('said.stones', lot.count)}, {mass}"
    said = [words("said.lot", mineral=capital(what), mass=mass, origin=origin(words, lot))]
    said.append(handoffs(words, lot))
    if lot.unexplained_ug:
        whole = sum(part.mass_ug for part in lot.parts)
        said.append(words("said.unexplained", percent=words.percent(lot.unexplained_ug, whole)))
    found = sum(each.times for each in lot.found) + lot.found_upstream
    if found:
        said.append(words("said.findings", found))
    return " ".join(capital(text) for text in said)


def origin(words: Words, lot: LotShown) -> str:
    """Where a lot's ore came in, with the words that go before it."""
    places = list(lot.places.values())
    registered = [at for at in places if at.kind in ("site", "region")]
    no_site = [at for at in places if at.kind == "no_site"]
    intake = sorted({words.code("origin", at.code) for at in places if at.kind == "intake"})
    said = []
    if registered:
        said.append(_registered(words, registered, lot.sites))
    if no_site:
        said.append(words("said.no_site", place=regions(words, {at.region for at in no_site})))
    if intake:
        said.append(words("said.intake", why=words.joined(intake)))
    return words.joined(said) if said else words("said.of_unknown")


def _registered(words: Words, places: Sequence[Place], sites: int) -> str:
    where = regions(words, {at.region for at in places})
    if all(at.kind == "site" for at in places) and len(places) <= NAMES_MAX:
        if len(places) == 1:
            return words("said.from_site", place=place_name(words, places[0]))
        names = words.joined(sorted(at.name for at in places))
        return words("said.from_named", names=names, place=where)
    return words("said.from_region", sites, place=where)


def regions(words: Words, codes: Collection[str]) -> str:
    """Regions in a sentence, their country once where it is one; how many, where they are many."""
    if len(codes) > NAMES_MAX:
        return words("said.places", len(codes))
    home = {code[:2] for code in codes}
    if len(home) > 1 or any("-" not in code for code in codes):
        return words.joined(sorted(place(code, words.language) for code in codes))
    names = words.joined(sorted(region(code, words.language) for code in codes))
    return f"{names}, {country(home.pop(), words.language)}"


def handoffs(words: Words, lot: LotShown) -> str:
    """How often it changed hands, and how that is known."""
    if not lot.handoffs:
        return words("said.no_handoffs")
    if lot.handoffs_both == lot.handoffs:
        return capital(words("said.handoffs_both", lot.handoffs))
    if not lot.handoffs_both:
        return capital(words("said.handoffs_none_both", lot.handoffs))
    both = words.number(lot.handoffs_both)
    return capital(words("said.handoffs_some", lot.handoffs, both=both))


def signed(words: Words, both: int, whole: int) -> str:
    """How many of so many handoffs both sides signed."""
    if both == whole:
        return words("known.both")
    if whole == 1:
        return words("known.one_for_both")
    return words("river.some_both", both=words.number(both), all=words.number(whole))


# How it stands now


def state(words: Words, lot: LotShown) -> str:
    """How the lot stands, in a sentence; empty where that is not for this visitor."""
    at = lot.state
    day = words.day(at.day)
    match at.kind:
        case "held":
            said = words("state.held", who=who(words, at.who), day=day)
        case "offered":
            said = words("state.offered", giver=who(words, at.who), recipient=who(words, at.other), day=day)
            if at.until:
                said = f"{said} {words('state.offered_until', day=words.day(at.until))}"
        case "exported":
            said = words("state.exported", country=country(at.detail, words.language), day=day)
        case "ended":
            said = _ended(words, at.variant, at.detail, day)
        case "off":
            return ""
    if at.title:
        said = f"{said} {words('title_with', who=who(words, at.title))}"
    if lot.last_weighed and at.kind in ("held", "offered"):
        weighed, mass_ug = lot.last_weighed
        mass = words.mass(mass_ug, lot.mineral)
        said = f"{said} {words('state.weighed', day=words.day(weighed), mass=mass)}"
    return said


def _ended(words: Words, variant: str, detail: str, day: str) -> str:
    key = f"state.ended.{variant}"
    match variant:
        case "transformation":
            return words(key, day=day, how=steps(words, detail))
        case "closure":
            return words(key, day=day, how=words.code("closure", detail))
        case _:
            return words(key if words.has(key) else "state.ended", day=day)


def who(words: Words, party: Who) -> str:
    """A party in a sentence: its public name and role, or its role alone; and whether it is who reads this."""
    said = party.name or (words(f"role.{party.role}") if party.role else words("who.unnamed"))
    about = [words(f"named.{party.role}")] if party.name and party.role else []
    if party.you:
        about.append(words("who.you"))
    return f"{said} ({', '.join(about)})" if about else said


# Places and steps


def place_name(words: Words, at: Place, home: str = "") -> str:
    """A place where ore came in; without its country where that is `home`."""
    match at.kind:
        case "site":
            return f"{at.name}, {place(at.region, words.language, home)}"
        case "region" | "no_site":
            return place(at.code, words.language, home)
        case "intake":
            return words.code("origin", at.code)


def steps(words: Words, variant: str) -> str:
    """What was done in a step."""
    return words.joined(
        [words.code("type" if words.has(f"type.{name}") else "step", name) for name in variant.split(" ")]
    )


# Findings


def rule(words: Words, name: str) -> str:
    """What a rule noticed."""
    key = f"rule.{name}"
    return words(key) if words.has(key) else words("rule.unknown", rule=name.replace("_", " "))


def capital(text: str) -> str:
    """The text as it begins a sentence."""
    return text[:1].upper() + text[1:]
