"""A lot's story as its templates print it: every word and every line worked out, nothing left to decide."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from traceability.web import accounting, labels, river, story, telling, timeline
from traceability.web.accounting import Line
from traceability.web.labels import Label
from traceability.web.places import place
from traceability.web.shown import LotShown
from traceability.web.telling import Phrase
from traceability.web.words import Words


class Slice(NamedTuple):
    """One slice of the river and the words beside it."""

    paths: list[river.Path]
    label: Label


class Entry(NamedTuple):
    """One line of the timeline."""

    when: str
    place: str
    title: str
    known: list[Phrase]
    rules: list[str]
    at: timeline.Line
    gap: Literal["none", "some", "gathered"]
    event: str
    upstream: bool


class Found(NamedTuple):
    """One finding."""

    severity: str
    text: str
    day: str


class Notice(NamedTuple):
    """What a person must see before anything else."""

    title: str
    text: str
    mark: Literal["broken", "stated", ""] = ""
    """The shape beside its title; `stated` for what is over."""


@dataclass(frozen=True, slots=True)
class Story:
    """All that is printed of a lot."""

    notices: list[Notice]
    sentence: str
    state: str
    """How it stands; empty where a notice says so."""
    mass: str
    river: list[Slice]
    composition: list[Line]
    """Lines that add up to it; a single one says nothing that the first sentence does not."""
    since: list[Line]
    since_before: int
    """How many of `since` are what it began with; the rest is what became of that."""
    timeline: list[Entry]
    earlier: bool
    before: int | None
    findings: list[Found]
    found_upstream: int


def present(words: Words, lot: LotShown, *, two_lots: bool = False) -> Story:
    """The story of a lot in these words. `two_lots`: its tag stands on another lot too."""
    beside = [labels.label(words, lot, stage) for stage in lot.stages]
    since = accounting.since(words, lot)
    return Story(
        notices=_notices(words, lot, two_lots=two_lots),
        sentence=story.sentence(words, lot),
        state=story.state(words, lot) if lot.state.kind in ("held", "offered") else "",
        mass=words.mass(lot.mass_ug, lot.mineral),
        river=[Slice(*both) for both in zip(river.draw(lot.stages), beside, strict=True)],
        composition=accounting.composition(words, lot),
        since=since,
        since_before=sum(line.kind in accounting.BEFORE for line in since),
        timeline=_timeline(words, lot),
        earlier=lot.earlier,
        before=lot.before,
        findings=[
            Found(
                words.code("severity", found.severity),
                story.rule(words, found.rule),
                words.day(found.day)
                if found.times == 1
                else words("findings.times", found.times, day=words.day(found.day)),
            )
            for found in lot.found
        ],
        found_upstream=lot.found_upstream,
    )


def _notices(words: Words, lot: LotShown, *, two_lots: bool) -> list[Notice]:
    notices = []
    if two_lots:
        notices.append(Notice(words("tag.two"), words("tag.two_says")))
    if lot.disputed:
        notices.append(Notice(words("said.disputed"), words("rule.double_issue")))
    if lot.tag_off is not None:
        day, reason = lot.tag_off
        why = words.code("retag", reason)
        notices.append(Notice(words("tag.off", day=words.day(day), why=why), words("tag.off_says")))
    elif lot.state.kind == "exported":
        notices.append(Notice(story.state(words, lot), words("state.exported_says")))
    elif lot.state.kind == "ended":
        notices.append(Notice(story.state(words, lot), words("state.ended_says")))
    return notices


def _timeline(words: Words, lot: LotShown) -> list[Entry]:
    lines = lot.happenings
    drawn = timeline.draw([line.span for line in lines])
    return [
        Entry(
            when=telling.when(words, line),
            place=place(line.place, words.language, lot.home) if line.place else "",
            title=telling.title(words, line),
            known=telling.known(words, line, lot.mineral),
            rules=[story.rule(words, name) for name in line.rules],
            at=at,
            gap="gathered" if line.count > 1 else "some" if line.span.gap_days else "none",
            event=line.event,
            upstream=line.upstream,
        )
        for line, at in zip(lines, drawn, strict=True)
    ]
