"""Holds in force and reports nobody has settled, about a lot and what is around it: that they are, not what they say."""

from collections.abc import Sequence

from traceability.api.services import Services
from traceability.core.authority import day_of
from traceability.core.lot_records import Lot
from traceability.core.notices import Notices, about, is_serious, open_holds, open_reports
from traceability.core.record import Address
from traceability.ledger.view import View
from traceability.web.linked import Links, Table, Value
from traceability.web.present import Notice
from traceability.web.rows import hold_cells
from traceability.web.words import Words

_THINGS = ("lot", "site", "tag")
"""What a report must be about for a stranger to be told of it: not a person, nor a whole region."""


def of_lot(services: Services, lot: Lot) -> Notices:
    """What there is about a lot, its site, its tags and whoever has it."""
    with services.reads.read() as view:
        return _of(view, about(view.records, [lot])[lot.id])


def of_tag(services: Services, lot: Lot, tag: str, *, off: bool) -> Notices:
    """What a stranger with a tag of the lot is told: serious reports about things only.

    Of a tag that came `off`, what there is about itself and the site.
    """
    with services.reads.read() as view:
        named: Sequence[Address] = about(view.records, [lot])[lot.id]
        if off:
            named = [("tag", tag), *(address for address in named if address[0] == "site")]
        found = _of(view, named)
    things = {address for address in named if address[0] in _THINGS}
    serious = (each for each in found.reports if is_serious(each) and not things.isdisjoint(each.subjects))
    return Notices(found.holds, tuple(serious))


def _of(view: View, named: Sequence[Address]) -> Notices:
    today = day_of(view.head().record_time)
    return Notices(open_holds(view.records, named, today), open_reports(view.records, named))


def notices(words: Words, found: Notices) -> list[Notice]:
    """What a person must see before anything else."""
    said = []
    if found.holds:
        said.append(Notice(words("concern.hold"), words("concern.hold_says")))
    serious = sum(is_serious(report) for report in found.reports)
    if serious:
        said.append(Notice(words("concern.serious", serious), words("concern.report_says")))
    if len(found.reports) > serious:
        said.append(
            Notice(words("concern.report", len(found.reports) - serious), words("concern.report_says"))
        )
    return said


def tables(links: Links, found: Notices) -> list[Table]:
    """Each hold and each report with what it is about."""
    words = links.words
    said = []
    if found.holds:
        columns = ("ground", "about", "placed_by", "since", "until")
        headings = [words(f"column.{column}") for column in columns]
        said.append(Table(words("list.holds"), headings, [hold_cells(links, hold) for hold in found.holds]))
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
