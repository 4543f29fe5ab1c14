"""Lists for people: lots, findings, sites, parties, papers and tags, with filters, and the same as CSV.

Each is a table of a few columns for the visitor who asks; what its lines are `rows` says.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, get_args
from urllib.parse import urlencode

from traceability.core.findings.catalogue import RULES
from traceability.core.forms import Mineral, Role
from traceability.core.lot_records import LotState
from traceability.web import rows
from traceability.web.linked import Cells, Value
from traceability.web.rows import SEVERITIES, STATES, STATUSES, Page, Reading, of_papers
from traceability.web.story import capital, rule
from traceability.web.words import Words

_NUMBERS = frozenset({"mass", "drawn", "count", "handed_out"})
"""Columns of figures, which stand to the right."""


class Choice(NamedTuple):
    """One value of a filter."""

    value: str
    label: str
    chosen: bool


class Filter(NamedTuple):
    """Something a list can be narrowed by."""

    name: str
    label: str
    choices: list[Choice]


class Heading(NamedTuple):
    """The head of a column, and whether figures stand in it."""

    label: str
    figures: bool


class Listing(NamedTuple):
    """A list as it is printed."""

    title: str
    lead: str
    about: list[Value]
    """What findings are listed about; empty for all."""
    kept: str
    """The same as the query has it."""
    filters: list[Filter]
    headings: list[Heading]
    rows: list[Cells]
    csv: str
    next: str


class Register(NamedTuple):
    """One list: its filters with their values, its columns, and how a page of it is read."""

    filters: Mapping[str, Sequence[str]]
    columns: Sequence[str]
    read: Callable[[Reading], Page]


def listing(name: str, reading: Reading) -> Listing:
    """A page of the list `name` of `REGISTERS`."""
    register, words = REGISTERS[name], reading.words
    page = register.read(reading)
    kept = {key: value for key in register.filters if (value := reading.chosen(key, register.filters[key]))}
    about = reading.about if name == "findings" else None
    query = {**kept, **({"about": ":".join(about)} if about else {})}
    csv = urlencode({**query, "format": "csv", "limit": 500})
    return Listing(
        title=words(f"list.{name}"),
        lead=words(f"list.{name}_lead"),
        about=reading.links.about([about]) if about else [],
        kept=query.get("about", ""),
        filters=[
            Filter(
                key,
                words(f"filter.{key}"),
                _choices(words, key, values, kept.get(key)),
            )
            for key, values in register.filters.items()
        ],
        headings=[Heading(words(f"column.{column}"), column in _NUMBERS) for column in register.columns],
        rows=page.rows,
        csv=f"/v1/{name}?{csv}",
        next="" if page.next is None else f"/{name}?{urlencode({**query, 'cursor': page.next})}",
    )


def _choices(words: Words, key: str, values: Sequence[str], chosen: str | None) -> list[Choice]:
    """The values of a filter in their order; rules, of which there are many, by what they say."""
    found = [Choice(value, _choice(words, key, value), value == chosen) for value in values]
    return sorted(found, key=lambda choice: choice.label) if key == "rule" else found


def _choice(words: Words, key: str, value: str) -> str:
    match key:
        case "rule":
            return rule(words, value)
        case "role":
            return capital(words(f"named.{value}"))
        case "state" if value in get_args(LotState):
            return capital(words(f"lot.{'in_hand' if value == 'held' else value}"))
        case "state":
            return capital(words(f"standing.{value}"))
        case _:
            return capital(words.code(key, value))


_STATE = {"state": STATES}
REGISTERS: Mapping[str, Register] = {
    "lots": Register(
        {"mineral": get_args(Mineral), "state": get_args(LotState)},
        ("number", "mineral", "mass", "state", "findings"),
        rows.lots,
    ),
    "findings": Register(
        {"severity": SEVERITIES, "rule": sorted(RULES)},
        ("severity", "noticed", "about", "recorded"),
        rows.findings,
    ),
    "sites": Register(
        {"mineral": get_args(Mineral), "status": STATUSES},
        ("name", "place", "mineral", "status", "method", "activity"),
        rows.sites,
    ),
    "parties": Register({"role": get_args(Role)}, ("name", "type", "roles", "place"), rows.parties),
    "certificates": Register(
        _STATE,
        ("number", "scheme", "mineral", "mass", "drawn", "expires", "state"),
        of_papers("certificates", rows.certificate),
    ),
    "licences": Register(
        _STATE,
        ("number", "type", "party", "mineral", "granted", "expires", "state"),
        of_papers("licences", rows.licence),
    ),
    "holds": Register(
        _STATE, ("ground", "about", "placed_by", "since", "until", "state"), of_papers("holds", rows.hold)
    ),
    "incidents": Register(
        _STATE, ("happened", "category", "about", "due", "state"), of_papers("incidents", rows.incident)
    ),
    "rolls": Register(
        _STATE, ("roll", "scheme", "level", "count", "handed_out"), of_papers("rolls", rows.roll)
    ),
}
OPEN_TO_ALL = ("sites", "parties")
"""Lists that have lines for strangers too."""
