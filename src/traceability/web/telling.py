"""The timeline in words: what happened, when, and how it is known.

How it is known stands beside each step: who signed, from what it was entered, who weighed, and how long it
took until the ledger had it.
"""

from typing import NamedTuple

from traceability.web.places import country
from traceability.web.shown import Happening, Mark, Reading
from traceability.web.story import capital, signed, steps, who
from traceability.web.timeline import Span
from traceability.web.words import Words


class Phrase(NamedTuple):
    """A few words, and the mark that says how they are known; no mark where they need none."""

    text: str
    mark: Mark | None = None


def title(words: Words, line: Happening) -> str:
    """What happened, in a sentence."""
    if line.count > 1:
        return _gathered_title(words, line)
    doer, other = who(words, line.doer), who(words, line.other)
    match line.kind:
        case "handoff":
            return words(f"did.handoff.{line.variant}", giver=doer, recipient=other)
        case "title" | "offer":
            return words(f"did.{line.kind}", giver=doer, recipient=other)
        case "refusal" | "withdrawal":
            why = words.code(line.kind, line.variant)
            return words(f"did.{line.kind}", giver=doer, recipient=other, why=why)
        case "intake":
            return words("did.intake", who=doer, why=words.code("origin", line.variant))
        case "reassignment":
            why = words.code("ground", line.variant)
            return words("did.reassignment", who=doer, recipient=other, why=why)
        case "made" | "used":
            return words(f"did.{line.kind}", who=doer, how=steps(words, line.variant))
        case "retagging":
            return words("did.retagging", who=doer, why=words.code("retag", line.variant))
        case "inspection":
            return words("did.inspection", who=doer, what=words.code("inspection", line.variant))
        case "export":
            return words("did.export", who=doer, country=country(line.variant, words.language))
        case "closure" | "correction":
            return words(f"did.{line.kind}", who=doer, why=words.code(line.kind, line.variant))
        case "approval":
            decision = words.code("decision", line.variant)
            return words("did.approval", who=capital(doer), decision=decision)
        case "production" | "import" | "hold" | "release" | "double":
            return words(f"did.{line.kind}", who=doer)
        case _:
            return words("did.other", kind=words.code("kind", line.variant), who=doer)


def _gathered_title(words: Words, line: Happening) -> str:
    match line.kind:
        case "production" | "intake":
            return words(f"gathered.{line.kind}", line.lot_count)
        case "handoff":
            many = words("gathered.handoff", line.count)
            return f"{many} {words('gathered.handoff_lots', line.lot_count)}"
        case "made":
            return words("gathered.made", line.count, how=steps(words, line.variant))
        case _:
            return words("gathered.other", line.count)


def known(words: Words, line: Happening, mineral: str) -> list[Phrase]:
    """How it is known: who signed, from what it was entered, who weighed, and when it was recorded.

    `mineral` says in which unit people speak of its mass.
    """
    phrases = [_signing(words, line)]
    for agent, side in ((line.agent, "giver"), (line.other_agent, "taker")):
        if agent is not None:
            key = f"known.{side}_agent" if line.other.role or line.other.name else "known.agent"
            phrases.append(Phrase(words(key, agent=who(words, agent))))
    phrases += [Phrase(words.code("source", source)) for source in line.sources]
    if line.count == 1:
        phrases += [Phrase(reading(words, read, mineral)) for read in line.readings]
        if line.weighed is False:
            phrases.append(Phrase(words("weighed.not_there")))
        if line.note is not None:
            phrases.append(Phrase(words(line.note[0], mass=words.mass(line.note[1], mineral))))
        if line.mode:
            phrases.append(Phrase(words("transport", mode=words.code("mode", line.mode))))
        phrases.append(Phrase(recorded(words, line.span)))
        return phrases
    if line.kind in ("handoff", "production", "intake", "made"):
        phrases.append(Phrase(_weighed(words, line)))
    same_day = line.gap_max_days <= 0
    phrases.append(
        Phrase(words("recorded.same_day") if same_day else words("recorded.within", line.gap_max_days))
    )
    return phrases


def _weighed(words: Words, line: Happening) -> str:
    """How often what is gathered was weighed, and by whom."""
    by = words("weighed.recipient" if line.kind == "handoff" else "weighed.maker")
    if line.weighed_times == line.count:
        return words("weighed.each_time", by=by)
    if not line.weighed_times:
        return words("weighed.not_there" if line.kind == "handoff" else "weighed.nobody")
    return words(
        "weighed.some_times", by=by, n=words.number(line.weighed_times), all=words.number(line.count)
    )


def _signing(words: Words, line: Happening) -> Phrase:
    if line.count > 1 and line.kind == "handoff":
        said = signed(words, line.signed_both, line.count)
        return Phrase(said, "verified" if line.signed_both == line.count else "stated")
    marks: dict[str, Mark] = {"both": "verified", "void": "broken"}
    key = "known.void" if line.signed == "void" else f"known.{line.signed}"
    return Phrase(words(key), marks.get(line.signed, "stated"))


def recorded(words: Words, span: Span) -> str:
    """How long it took until the ledger had it."""
    if span.gap_days < 0:
        return words("recorded.before")
    return words("recorded.later", span.gap_days) if span.gap_days else words("recorded.same_day")


def reading(words: Words, read: Reading, mineral: str) -> str:
    """Who gave a mass, and how it came about."""
    mass = words.mass(read.mass_ug, mineral)
    said = words(f"basis.{read.basis}", by=words(f"weighed.{read.by}"), mass=mass)
    if read.times == 1:
        return said + words("weighed.together", read.lot_count)
    return said + words("weighed.readings", read.times)


def when(words: Words, line: Happening) -> str:
    """The day, or the days of what is gathered; the moment for those who may see it."""
    if line.moments is not None and line.count == 1:
        return words.moment(line.moments[0])
    return words.days(line.span.happened, line.span.recorded if line.count > 1 else line.span.happened)
