"""Holds, in force and ended, and reports nobody has settled, about a lot or a place or a party.

Of a hold who placed it, on what, since when and until when; its ground and its event only for who may open those. Of a
report that it is, not what it says.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from traceability.api.services import Services
from traceability.core.authority import day_of
from traceability.core.concern_records import Hold, Incident
from traceability.core.lot_records import Lot
from traceability.core.notices import about, is_serious, open_holds, open_reports
from traceability.core.record import Address
from traceability.ledger import lists
from traceability.ledger.view import View
from traceability.web.linked import Links, Table, Value
from traceability.web.present import Notice
from traceability.web.rows import hold_cells

_THINGS = ("lot", "site", "tag")
"""What a report must be about for a stranger to be told of it: not a person, nor a whole region."""
HOLDS_MAX = 2
"""How many holds in force are told one by one before anything else: the newest. Of those that ended the last is."""
Page = Literal["lot", "site", "party"]
"""What the page is about. A tag's is about its lot."""


class Ended(NamedTuple):
    """A hold that is over, and the day from which it was."""

    hold: Hold
    day: str


class Concerns(NamedTuple):
    """What there is about something and what is around it."""

    about: tuple[Address, ...]
    """The thing and what is around it, for which these holds and reports were looked up."""
    holds: tuple[Hold, ...]
    """In force, the newest first."""
    ended: tuple[Ended, ...]
    """What ended last stands first."""
    reports: tuple[Incident, ...] = ()


def of_lot(services: Services, lot: Lot) -> Concerns:
    """What there is about a lot, its site, its tags and whoever has it."""
    with services.reads.read() as view:
        named = about(view.records, [lot])[lot.id]
        return _holds(view, named)._replace(reports=open_reports(view.records, named))


def of_tag(services: Services, lot: Lot, tag: str, *, off: bool) -> Concerns:
    """What a stranger with a tag of the lot is told: holds, and serious reports about things only.

    Of a tag that came `off`, what there is about itself and the site.
    """
    with services.reads.read() as view:
        named: Sequence[Address] = about(view.records, [lot])[lot.id]
        if off:
            named = [("tag", tag), *(address for address in named if address[0] == "site")]
        found, reports = _holds(view, named), open_reports(view.records, named)
    things = {address for address in named if address[0] in _THINGS}
    serious = (each for each in reports if is_serious(each) and not things.isdisjoint(each.subjects))
    return found._replace(reports=tuple(serious))


def of_subjects(services: Services, *named: Address) -> Concerns:
    """The holds on any of these."""
    with services.reads.read() as view:
        return _holds(view, named)


def _holds(view: View, named: Sequence[Address]) -> Concerns:
    ever = lists.holds(view, named)
    in_force = {hold.event for hold in open_holds(view.records, named, day_of(view.head().record_time))}
    ended = [Ended(hold, _ended_on(view, hold)) for hold in ever if hold.event not in in_force]
    ended.sort(key=lambda each: each.day, reverse=True)
    return Concerns(tuple(named), tuple(hold for hold in ever if hold.event in in_force), tuple(ended))


def _ended_on(view: View, hold: Hold) -> str:
    """The day of its release, or the last of those it was placed for, where that came first."""
    days = [hold.until] if hold.until is not None else []
    index = None if hold.released_by is None else view.index_of(hold.released_by)
    if index is not None and (entry := view.entry(index)) is not None:
        days.append(entry.event().event_time[:10])
    return min(days)


def notices(links: Links, found: Concerns, page: Page = "lot") -> list[Notice]:
    """What a person must see before anything else: holds in force, reports, and last a hold that ended."""
    words = links.words
    said = [_in_force(links, found, page)] if found.holds else []
    serious = sum(is_serious(report) for report in found.reports)
    if serious:
        said.append(Notice(words("concern.serious", serious), words("concern.report_says")))
    if len(found.reports) > serious:
        said.append(
            Notice(words("concern.report", len(found.reports) - serious), words("concern.report_says"))
        )
    return said + ([_over(links, found, page)] if found.ended else [])


def _in_force(links: Links, found: Concerns, page: Page) -> Notice:
    words, holds = links.words, found.holds
    says = [_placed(links, found, hold, page) for hold in holds[:HOLDS_MAX]]
    if (more := len(holds) - HOLDS_MAX) > 0:
        says.append(words("concern.more", more))
    says.append(words(f"concern.means.{page}"))
    since = words.day(min(hold.since for hold in holds))
    return Notice(words(f"concern.hold.{page}", day=since), " ".join(says), "broken")


def _over(links: Links, found: Concerns, page: Page) -> Notice:
    words, (hold, day) = links.words, found.ended[0]
    says = [_placed(links, found, hold, page)]
    if (more := len(found.ended) - 1) > 0:
        says.append(words("concern.more_over", more))
    title = "concern.ran_out" if day == hold.until else "concern.lifted"
    return Notice(words(title, day=words.day(day)), " ".join(says), "stated")


def _placed(links: Links, found: Concerns, hold: Hold, page: Page) -> str:
    """Which hold it is: on what, as seen from the page, by whom, from when to when."""
    words = links.words
    kind = next(kind for kind, id_ in found.about if (kind, id_) in hold.subjects)
    what = words(f"concern.this.{kind}" if kind == page else f"concern.its.{kind}")
    who, day = links.party(hold.placed_by, inside=True).text, words.day(hold.since)
    if hold.until is None:
        return words("concern.placed", what=what, who=who, day=day)
    return words("concern.placed_until", what=what, who=who, day=day, until=words.day(hold.until))


def tables(links: Links, found: Concerns) -> list[Table]:
    """Each hold and each report with what it is about."""
    words = links.words
    said = []
    if found.holds or found.ended:
        columns = ("ground", "about", "placed_by", "since", "until")
        headings = [words(f"column.{column}") for column in columns]
        lines = [hold_cells(links, hold) for hold in found.holds]
        lines += [[*hold_cells(links, each.hold)[:-1], [_until(links, each)]] for each in found.ended]
        said.append(Table(words("list.holds"), headings, lines))
    if found.reports:
        headings = [words(f"column.{column}") for column in ("happened", "severity", "about", "due")]
        lines = [
            [
                [links.event(report.event, words.day(report.happened))],
                [
                    Value(words("concern.grave"), mark="broken")
                    if is_serious(report)
                    else Value(words("concern.other"), mark="finding")
                ],
                links.about(report.subjects),
                [Value(words.day(min(plan.due for plan in report.planned)))] if report.planned else [],
            ]
            for report in found.reports
        ]
        said.append(Table(words("concern.reports"), headings, lines, lead=words("concern.reports_lead")))
    return said


def _until(links: Links, ended: Ended) -> Value:
    """The last day it was placed for, or that of its release, with the event."""
    words, hold = links.words, ended.hold
    if hold.released_by is None:
        return Value(words.day(ended.day))
    return links.event(hold.released_by, words("standing.lifted", day=words.day(ended.day)))
