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


BEFORE = ("began", "gained", "water", "unexplained")
"""What there was: the rest of an account is what became of it."""


def since(words: Words, lot: LotShown) -> list[Line]:
    """What became of its mass since it was made; what it began with and gained is what it lost and is now.

    Empty where nothing did. What of a gain is water, and what of a loss was named, stands apart where that is told.
    """
    said = lot.since
    if not said.gained_ug and not said.lost_ug:
        return []
    gained, lost = [("gained", said.gained_ug)], [("lost", said.lost_ug)]
    if said.water_ug is not None:
        gained = [("water", said.water_ug), ("unexplained", said.gained_ug - said.water_ug)]
    if said.named_ug is not None:
        lost = [("named", said.named_ug), ("missing", said.lost_ug - said.named_ug)]
    whole = said.began_ug + said.gained_ug
    lines = []
    for side in ([("began", said.began_ug), *gained], [*lost, ("now", said.now_ug)]):
        masses = [mass for _, mass in side]
        printed = words.masses(masses, lot.mineral, least_ug=whole)
        for (kind, mass_ug), mass, piece in zip(side, printed, account.draw(masses), strict=True):
            if mass_ug:
                share = words.percent(mass_ug, whole)
                lines.append(Line(kind, words(f"since.{kind}"), mass, share, piece))
    return lines
