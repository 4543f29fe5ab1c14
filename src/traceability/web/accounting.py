"""Mass accounts in words: what a lot is made of, and what became of its mass; lines that add up as printed."""

from typing import NamedTuple

from traceability.web import account
from traceability.web.labels import NAMED_MAX, listed
from traceability.web.places import place
from traceability.web.shown import LotShown, Part
from traceability.web.words import Words

PARTS_MAX = 6
"""Places of a composition that have a line of their own."""


class Line(NamedTuple):
    """One line of an account: words, mass and share as printed, and its piece of the bar."""

    kind: str
    title: str
    mass: str
    share: str
    piece: account.Piece


def composition(words: Words, lot: LotShown) -> list[Line]:
    """What it is made of, as lines that add up to its mass as printed."""
    places = [part for part in lot.parts if part.kind not in ("additive", "gain")]
    others = [part for part in lot.parts if part.kind in ("additive", "gain")]
    apart = places[:PARTS_MAX] if len(places) > PARTS_MAX + 1 else places
    rest = places[len(apart) :]
    lines = [(part.kind, part_title(words, part, lot.home), part.mass_ug) for part in apart]
    if rest:
        lines.append(("more", words("account.more", len(rest)), sum(part.mass_ug for part in rest)))
    added = [part for part in lot.parts if part.kind == "additive"]
    if len(added) > NAMED_MAX:
        names = words("account.additive", what=listed(words, [part.code for part in added]))
        lines.append(("additive", names, sum(part.mass_ug for part in added)))
        others = [part for part in others if part.kind != "additive"]
    lines += [(part.kind, part_title(words, part, lot.home), part.mass_ug) for part in others]
    masses = [mass_ug for _, _, mass_ug in lines]
    whole = sum(masses)
    printed = words.masses(masses, lot.mineral)
    return [
        Line(kind, name, mass, words.percent(mass_ug, whole), piece)
        for (kind, name, mass_ug), mass, piece in zip(lines, printed, account.draw(masses), strict=True)
    ]


def part_title(words: Words, part: Part, home: str) -> str:
    """Where a part of a composition came from."""
    match part.kind:
        case "site":
            return part.name
        case "region":
            return place(part.code, words.language, home)
        case "no_site":
            return words("account.no_site")
        case "intake":
            return words("account.intake", why=words.code("origin", part.code))
        case "additive":
            return words("account.additive", what=part.code)
        case _:
            return words("account.gain")


def since(words: Words, lot: LotShown) -> list[Line]:
    """What became of its mass since it was made; began + gained = lost + now. Empty where nothing did."""
    if not lot.since.gained_ug and not lot.since.lost_ug:
        return []
    before = [("began", lot.since.began_ug), ("gained", lot.since.gained_ug)]
    after = [("lost", lot.since.lost_ug), ("now", lot.since.now_ug)]
    whole = lot.since.began_ug + lot.since.gained_ug
    lines = []
    for side in (before, after):
        masses = [mass for _, mass in side]
        printed = words.masses(masses, lot.mineral, least_ug=whole)
        for (kind, mass_ug), mass, piece in zip(side, printed, account.draw(masses), strict=True):
            if mass_ug:
                share = words.percent(mass_ug, whole)
                lines.append(Line(kind, words(f"since.{kind}"), mass, share, piece))
    return lines
