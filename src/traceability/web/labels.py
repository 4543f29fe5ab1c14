"""The words beside each slice of the river."""

from collections.abc import Sequence
from typing import NamedTuple

from traceability.web.lineage import Bend, Fork, Mouth, Narrows, Sink, Source, Spring, Stage
from traceability.web.shown import LotShown, Mark, Place, Who, shortened
from traceability.web.story import capital, place_name, signed, steps, who
from traceability.web.words import Words

NAMED_MAX = 3
"""How many of the things that were added are named."""


class Label(NamedTuple):
    """The words beside one slice of the river."""

    title: str
    facts: tuple[str, ...] = ()
    mark: Mark | None = None
    signed: str = ""
    """The words that go with the mark."""


def label(words: Words, lot: LotShown, stage: Stage) -> Label:
    """The words beside a slice."""
    match stage:
        case Source():
            return _source(words, lot, stage)
        case Narrows():
            return _narrows(words, stage)
        case Bend():
            return _bend(words, stage)
        case Spring():
            return _spring(words, stage)
        case Sink():
            key = "river.named" if stage.kind == "named" else "river.booked_loss"
            names = words.joined([words.code("loss", name) for name in stage.names])
            share = (_ratio(words, "−", stage.part),)
            return Label(words(key, names=names), share, "stated", words("mark.stated"))
        case Fork():
            return Label(words("river.fork", stage.others))
        case Mouth():
            mass = words.mass(lot.mass_ug, lot.mineral)
            return Label(words("river.mouth_off" if lot.tag_off else "river.mouth"), (mass,))


def _source_title(words: Words, at: Place, home: str) -> str:
    match at.kind:
        case "site" | "region":
            return place_name(words, at, home)
        case "no_site":
            return words("river.no_site", place=place_name(words, at, home))
        case "intake":
            return words("river.intake", why=place_name(words, at))


def _source(words: Words, lot: LotShown, stage: Source) -> Label:
    at = [lot.places[key] for key in stage.places]
    name = _source_title(words, at[0], lot.home) if len(at) == 1 else words("river.source_places", len(at))
    facts = [words.mass(stage.mass_ug, lot.mineral), *_lots(words, stage.lot_count)]
    if 0 < stage.part_ug < lot.mass_ug:
        facts.append(words("river.share", percent=words.percent(stage.part_ug, lot.mass_ug)))
    facts.append(words.days(stage.first_day, stage.last_day))
    if len(at) == 1 and at[0].kind in ("no_site", "intake"):
        return Label(name, tuple(facts), "finding", words("mark.finding"))
    return Label(name, tuple(facts))


def _narrows(words: Words, stage: Narrows) -> Label:
    count = stage.signed
    facts = [*_lots(words, stage.lot_count), words.days(stage.first_day, stage.last_day)]
    mark: Mark = "verified" if count.both == count.all else "stated"
    said = words("known.open") if count.open == count.all else signed(words, count.both, count.all)
    name = words("river.narrows", count.all)
    if len(stage.to) == 1:
        role, called = stage.to[0]
        name = words("river.narrows_to", count.all, who=called or who(words, Who(role)))
    return Label(name, tuple(facts), mark, said)


def _lots(words: Words, count: int) -> list[str]:
    return [words("river.lots", count)] if count > 1 else []


def _bend(words: Words, stage: Bend) -> Label:
    name = capital(steps(words, " ".join(stage.steps) or stage.type))
    into = words(
        "river.into",
        inputs=words("river.lots", stage.input_count),
        outputs=words("river.lots", stage.output_count),
    )
    facts = [into, words.days(stage.first_day, stage.last_day)]
    if stage.times > 1:
        facts.insert(0, words("river.steps", stage.times))
    return Label(name, tuple(facts))


def _ratio(words: Words, sign: str, part: tuple[int, int]) -> str:
    """A gain or loss as a share of the whole; one too small to print has no sign."""
    said = words.percent(*part)
    return f"{sign}{said}" if said[0].isdigit() else said


def listed(words: Words, names: Sequence[str]) -> str:
    """The first few names of a list."""
    shown = [shortened(name) for name in names[:NAMED_MAX]]
    return words.joined(shown) if len(names) == len(shown) else f"{', '.join(shown)}…"


def _spring(words: Words, stage: Spring) -> Label:
    share = (_ratio(words, "+", stage.part),)
    match stage.kind:
        case "additive":
            return Label(
                words("river.additive", names=listed(words, stage.names)),
                share,
                "stated",
                words("mark.stated"),
            )
        case "gain":
            return Label(words("river.gain"), share, "finding", words("mark.finding"))
        case "booked":
            return Label(words("river.booked_gain"), share, "finding", words("mark.finding"))
