"""What a site brought out against what it can give, how a party's scales part from others', and a roll's stock."""

from datetime import date, timedelta
from typing import Any, NamedTuple

from traceability.api.permission import OpenPaper, Visitor, may
from traceability.api.services import Services
from traceability.core.findings.drift import SLOT_DAYS
from traceability.core.findings.stock import count_tags
from traceability.core.ground_records import in_force
from traceability.core.registry_records import Party, Roll, Site
from traceability.core.tallies import Drift, Output, Stock
from traceability.ledger import lists
from traceability.web import chart
from traceability.web.chart import Bar, Chart
from traceability.web.linked import Cells, Table, Value, cells
from traceability.web.words import Words

_EPOCH = date(1970, 1, 1)
_ROLLS_MAX = 20_000
"""How many rolls are looked through for those of a site."""


class Account(NamedTuple):
    """Charts and tables for a page."""

    charts: list[Chart]
    tables: list[Table]


def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


def of_site(services: Services, visitor: Visitor, words: Words, site: Site) -> Account:
    """Output by day and form beside the highest estimate in force; for whom it concerns and who oversees.

    A stranger learns nothing about when ore lies where.
    """
    facts = site.facts[-1]
    tables = [*_statuses(words, site), *_capacities(words, site)]
    if not may(visitor, OpenPaper((facts.holder, *facts.worked_by)), services.reader.held_by):
        return Account([], tables)
    charts = []
    with services.reads.read() as view:
        kinds = dict.fromkeys((each.mineral, each.form) for each in site.capacities)
        kinds |= {(mineral, form): None for mineral in facts.minerals for form in _FORMS}
        found = view.records(("tally", f"output:{site.id}:{mineral}:{form}") for mineral, form in kinds)
    for mineral, form in kinds:
        output = found.get(("tally", f"output:{site.id}:{mineral}:{form}"))
        if isinstance(output, Output) and output.days:
            charts.append(_output(words, site, mineral, form, output))
    return Account(charts, [*tables, *_allowed_tags(services, words, site)])


_FORMS = ("ore", "concentrate", "dust", "nugget", "rough", "sponge", "hydroxide")
"""The forms in which ore leaves a site."""


def _output(words: Words, site: Site, mineral: str, form: str, output: Output) -> Chart:
    bars = []
    for number, mass_ug in output.days:
        day = _day(number)
        estimates = [e for e in in_force(site.capacities, day) if (e.mineral, e.form) == (mineral, form)]
        limit = max((estimate.mass_per_day_ug for estimate in estimates), default=None)
        said = words.mass(mass_ug, mineral)
        bars.append(Bar(words.day(day), mass_ug, limit, said, words.mass(limit, mineral) if limit else ""))
    what = f"{words.code('mineral', mineral)}, {words.code('form', form)}"
    return chart.draw(
        words("output.title", what=what),
        words("output.lead"),
        [words("column.day"), words("output.declared"), words("output.capacity")],
        bars,
    )


def _statuses(words: Words, site: Site) -> list[Table]:
    rows = [
        cells(
            Value(words.code("status", each.status), f"/events/{each.event}"),
            Value(words.day(each.since)),
            Value(words.day(each.until) if each.until else ""),
        )
        for each in reversed(site.statuses)
    ]
    rows += [
        cells(
            Value(words("status.suspended"), f"/events/{each.event}"),
            Value(words.day(each.since)),
            Value(words.day(each.until) if each.until else ""),
        )
        for each in reversed(site.suspensions)
    ]
    headings = [words("column.status"), words("column.since"), words("column.until")]
    return [Table(words("site.statuses"), headings, rows)] if rows else []


def _capacities(words: Words, site: Site) -> list[Table]:
    rows = [
        cells(
            Value(f"{words.code('mineral', each.mineral)}, {words.code('form', each.form)}"),
            Value(words.mass(each.mass_per_day_ug, each.mineral)),
            Value(words.day(each.since)),
            Value(words("site.estimate"), f"/events/{each.event}"),
        )
        for each in reversed(site.capacities)
    ]
    headings = [
        words("column.mineral"),
        words("column.a_day"),
        words("column.since"),
        words("column.source"),
    ]
    return [Table(words("site.capacities"), headings, rows, figures=[1])] if rows else []


def _allowed_tags(services: Services, words: Words, site: Site) -> list[Table]:
    """The tags allocated to the site, as the Rwandan profile lists them (`allowedTags`)."""
    rows = []
    with services.reads.read() as view:
        rolls = lists.records(view, "roll", Roll, None, _ROLLS_MAX).items
        for roll in rolls:
            own = [each for each in roll.allocations if each.site == site.id]
            if own:
                stock = _stock(view.record(("tally", f"stock:{roll.id}")))
                rows += [_line(words, roll, stock, each.first, each.last) for each in own]
    return [Table(words("site.tags"), _stock_headings(words), rows, figures=_FIGURES)] if rows else []


# Tag stock


def of_roll(services: Services, words: Words, roll: Roll) -> list[Table]:
    """What became of a roll's tags, by allocation and in all: the counts of each line add up."""
    stock = _stock(services.reader.record(("tally", f"stock:{roll.id}")))
    rows = [_line(words, roll, stock, each.first, each.last) for each in roll.allocations]
    rows.append(_line(words, roll, stock, 1, roll.count, words("roll.all")))
    return [Table(words("roll.stock"), _stock_headings(words), rows, figures=_FIGURES)]


def _stock(record: Any) -> Stock:
    return record if isinstance(record, Stock) else Stock()


_FATES = ("tags", "on", "off", "lost", "void", "idle")
_FIGURES = range(1, len(_FATES) + 1)


def _stock_headings(words: Words) -> list[str]:
    return [words("column.tags"), *(words(f"tags.{fate}") for fate in _FATES)]


def _line(words: Words, roll: Roll, stock: Stock, first: int, last: int, name: str = "") -> Cells:
    counts = count_tags(stock, first, last)
    label = name or f"{printed(roll, first)} – {printed(roll, last)}"
    return cells(Value(label, f"/rolls/{roll.id}"), *(Value(words.number(counts[fate])) for fate in _FATES))


def printed(roll: Roll, position: int) -> str:
    """What stands on the tag at a position of a roll."""
    if roll.numbers is None:
        return f"{roll.id[:8]}-{position}"
    prefix, first, _, digits, suffix = roll.numbers
    return f"{prefix}{first + position - 1:0{digits}d}{suffix}"


# Parties


def of_party(services: Services, visitor: Visitor, words: Words, party: Party) -> list[Chart]:
    """How readings parted from what was known before, where this party gave or weighed; for itself and overseers."""
    if not may(visitor, OpenPaper((party.id,)), services.reader.held_by):
        return []
    sums: dict[int, tuple[int, int, int]] = {}
    for tally in (f"drift:{party.id}", f"drift:{party.id}:scale"):
        drift = services.reader.record(("tally", tally))
        for each in drift.slots if isinstance(drift, Drift) else ():
            above_ug, expected_ug, count = sums.get(each.slot, (0, 0, 0))
            sums[each.slot] = (above_ug + each.above_ug, expected_ug + each.expected_ug, count + each.count)
    if not sums:
        return []
    bars = [_slot(words, slot, *sums[slot]) for slot in sorted(sums)]
    return [
        chart.draw(
            words("balance.title"),
            words("balance.lead"),
            [words("column.day"), words("balance.above"), words("balance.of")],
            bars,
        )
    ]


def _slot(words: Words, slot: int, above_ug: int, expected_ug: int, count: int) -> Bar:
    sign = "+" if above_ug > 0 else "−" if above_ug < 0 else ""
    share = words.percent(abs(above_ug), expected_ug)
    of = words("balance.readings", count, mass=words.mass(expected_ug))
    return Bar(
        words.day(_day(slot * SLOT_DAYS)), above_ug, None, f"{sign}{words.mass(abs(above_ug))} ({share})", of
    )
