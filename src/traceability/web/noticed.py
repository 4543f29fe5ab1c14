"""What rules noticed on a lot, with the events behind it and what was answered; and what it carries of its ancestors."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from traceability.core.composition import TooFinelyMixed
from traceability.core.events import Response
from traceability.core.leaf import time_text
from traceability.core.lot_records import Lot
from traceability.core.outcome import Finding
from traceability.ledger import lists
from traceability.ledger.ancestry import Lineage
from traceability.ledger.lists import FindingFilter
from traceability.ledger.reader import LoggedEntry
from traceability.web import figures
from traceability.web.linked import Links, Table, Value
from traceability.web.rows import SEVERITIES, SEVERITY_MARKS
from traceability.web.story import rule
from traceability.web.words import Words

FINDINGS_MAX = 30
"""How many findings a lot's page shows: the gravest, then the newest."""
_EVENTS_MAX = 3


class Found(NamedTuple):
    """One finding as it is printed."""

    severity: Value
    text: str
    day: str
    figures: str
    events: list[Value]
    answers: list[Value]


class Findings(NamedTuple):
    """The findings on a lot; `more` of them are not among them."""

    found: list[Found]
    more: int
    url: str


def of_lot(links: Links, lot: Lot, history: Sequence[LoggedEntry]) -> Findings:
    """The findings on the lot itself; `history` are the entries about it, which its answers are among."""
    with links.services.reads.read() as view:
        page = lists.findings(view, FindingFilter(subject=("lot", lot.id)), None, 500)
    graded = sorted(page.items, key=lambda each: SEVERITIES.index(each.finding.severity), reverse=True)
    shown = graded[:FINDINGS_MAX]
    events = {event for each in shown for event in each.finding.events[:_EVENTS_MAX]}
    behind = {event: links.entry(event) for event in events}
    found = [
        Found(
            Value(
                links.words.code("severity", each.finding.severity),
                mark=SEVERITY_MARKS[each.finding.severity],
            ),
            rule(links.words, each.finding.rule),
            links.words.day(time_text(each.record_time)),
            " · ".join(figures.told(links.words, each.finding.figures, lot.mineral)),
            [_event(links.words, behind[event]) for event in each.finding.events[:_EVENTS_MAX]],
            [*_answers(links, lot, each.finding, history)],
        )
        for each in shown
    ]
    return Findings(found, lot.place.finding_count - len(found), f"/findings?about=lot:{lot.id}")


def _event(words: Words, entry: LoggedEntry | None) -> Value:
    """An event by its kind and day, with its page; that there is one, where it is not open to this visitor."""
    if entry is None:
        return Value(words("findings.closed_event"))
    kind, day = words.code("kind", entry.event.kind), words.day(entry.event.event_time)
    return Value(f"{kind}, {day}", f"/events/{entry.event_id}")


def _answers(links: Links, lot: Lot, finding: Finding, history: Sequence[LoggedEntry]) -> Iterable[Value]:
    for entry in history:
        event = entry.event
        if isinstance(event, Response) and entry.stands:
            about = event.body.about
            if (about.rule, about.lot) == (finding.rule, lot.id) and set(about.events or ()) <= set(
                finding.events
            ):
                said = links.words(
                    "findings.answer",
                    act=links.words.code("answer", event.body.act),
                    who=links.party(event.actor, inside=True).text,
                    day=links.words.day(event.event_time),
                )
                text = event.body.public_text
                yield Value(f"{said} “{text}”" if text else said, f"/events/{entry.event_id}")


def carried(links: Links, lot: Lot, lineage: Lineage) -> list[Table]:
    """What rules noticed about the lots it was made of: each rule with the share of this lot that was in those."""
    words = links.words
    behind = [other for other in lineage.lots if other != lot.id]
    with links.services.reads.read() as view:
        by_rule = lists.noticed_on(view, behind)
    if not by_rule:
        return []
    shares: dict[str, int | None] = {}
    for name, lots in by_rule.items():
        try:
            shares[name] = lineage.once_in(lots)
        except TooFinelyMixed:
            shares[name] = None
    ranked = sorted(by_rule, key=lambda name: (-(shares[name] or 0), name))
    lines = [
        [
            [Value(rule(words, name), f"/findings?rule={name}" if links.visitor.oversees else "")],
            [Value(words.number(len(by_rule[name])))],
            [Value(_share(links, shares[name], lot.expected_ug))],
        ]
        for name in ranked
    ]
    headings = [words("column.noticed"), words("column.lots"), words("column.share")]
    return [Table(words("carried.title"), headings, lines, figures=(1, 2), lead=words("carried.lead"))]


def _share(links: Links, mass_ug: int | None, whole_ug: int) -> str:
    return links.words("carried.unknown") if mass_ug is None else links.words.percent(mass_ug, whole_ug)
