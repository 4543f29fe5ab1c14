"""Lists for people: lots, findings, sites, parties, papers and tags, with filters, and the same as CSV.

Each is a table of a few columns for the visitor who asks; which lines there are the API's own lists decide.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_args
from urllib.parse import urlencode

from traceability.api import papers, shown
from traceability.api.permission import ListParty, OpenLot, OpenParty, Visitor, may
from traceability.api.services import Services
from traceability.core.concern_records import Hold, Incident
from traceability.core.findings.catalogue import RULES
from traceability.core.forms import Mineral, Role
from traceability.core.ground_records import Certificate, Licence
from traceability.core.ids import LotId, PartyId
from traceability.core.leaf import time_text
from traceability.core.record import Address
from traceability.core.state import Lot, LotState, Party, Roll, Site
from traceability.ledger import lists
from traceability.ledger.lists import FindingFilter
from traceability.web.eyes import role_of
from traceability.web.facts import Value
from traceability.web.figures import told
from traceability.web.places import place
from traceability.web.shown import Who
from traceability.web.story import capital, rule, who
from traceability.web.words import Words

ROWS = 50
"""How many lines a page has."""
_SUBJECTS_MAX = 3
Cells = list[list[Value]]


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


class Listing(NamedTuple):
    """A list as it is printed."""

    title: str
    lead: str
    filters: list[Filter]
    headings: list[str]
    rows: list[Cells]
    csv: str
    next: str


class Reading(NamedTuple):
    """Who reads which page of which list, in which language."""

    services: Services
    visitor: Visitor
    words: Words
    query: Mapping[str, str]

    def chosen(self, name: str, among: Sequence[str]) -> str | None:
        """The value of a filter, if it is one of those there are."""
        value = self.query.get(name)
        return value if value in among else None

    def party(self, party_id: PartyId | str) -> Value:
        """A party as far as this visitor may see it, with its page."""
        record = self.services.reader.party(PartyId(party_id))
        if record is None:
            return Value(self.words("who.unnamed"))
        seen = may(self.visitor, OpenParty(record), self.services.reader.held_by)
        name = record.facts[-1].public_name or "" if seen else ""
        mine = record.id == self.visitor.party
        return Value(
            capital(who(self.words, Who(role_of(record), name, you=mine))),
            f"/parties/{record.id}" if seen else "",
        )

    def about(self, subjects: Sequence[Address]) -> list[Value]:
        """What something is about: a few links, and how many more."""
        found = [self._subject(kind, id_) for kind, id_ in subjects[:_SUBJECTS_MAX]]
        more = len(subjects) - _SUBJECTS_MAX
        return [*found, *([Value(f"+ {self.words.number(more)}")] if more > 0 else [])]

    def _subject(self, kind: str, id_: str) -> Value:
        words, reader = self.words, self.services.reader
        match kind:
            case "lot":
                lot = reader.lot(LotId(id_))
                if lot is None or not may(self.visitor, OpenLot(lot), reader.held_by):
                    return Value(words("subject.lot", id=id_[:8]))
                return Value(words("subject.lot", id=lot.lot_number or id_[:8]), f"/lots/{id_}")
            case "party":
                return self.party(id_)
            case "site":
                site = reader.record(("site", id_))
                name = site.facts[-1].name if isinstance(site, Site) else id_[:8]
                return Value(name, f"/sites/{id_}")
            case "region":
                return Value(place(id_, words.language))
            case "roll":
                return Value(words("subject.roll", id=id_[:8]), f"/rolls/{id_}")
            case "tag":
                return Value(id_, code=True)
            case "certificate" | "licence":
                return Value(words(f"subject.{kind}", id=id_[:8]), f"/events/{id_}")
            case _:
                return Value(words.code("subject", kind))


class Page(NamedTuple):
    """The lines of one page, and the cursor of the next."""

    rows: list[Cells]
    next: str | None


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
    csv = urlencode({**kept, "format": "csv", "limit": 500})
    return Listing(
        title=words(f"list.{name}"),
        lead=words(f"list.{name}_lead"),
        filters=[
            Filter(
                key,
                words(f"filter.{key}"),
                [Choice(value, _choice(words, key, value), kept.get(key) == value) for value in values],
            )
            for key, values in register.filters.items()
        ],
        headings=[words(f"column.{column}") for column in register.columns],
        rows=page.rows,
        csv=f"/v1/{name}?{csv}",
        next="" if page.next is None else f"/{name}?{urlencode({**kept, 'cursor': page.next})}",
    )


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


# Lots and findings


def _lots(reading: Reading) -> Page:
    words = reading.words
    cursor = reading.query.get("cursor", "")
    found = shown.lot_page(
        reading.services,
        reading.visitor,
        holder=None,
        mineral=reading.chosen("mineral", get_args(Mineral)),
        state=reading.chosen("state", get_args(LotState)),
        cursor=int(cursor) if cursor.isdecimal() and len(cursor) < 16 else None,
        limit=ROWS,
    )
    return Page([_lot(words, lot) for lot in found.items], found.next)


def _lot(words: Words, lot: Lot) -> Cells:
    noticed = lot.place.finding_count
    mark = [Value(words.number(noticed), f"/findings?about=lot:{lot.id}", mark="finding")] if noticed else []
    return [
        [Value(lot.lot_number or lot.id[:8], f"/lots/{lot.id}")],
        [Value(f"{words.code('mineral', lot.mineral)}, {words.code('form', lot.form)}")],
        [Value(words.mass(lot.expected_ug, lot.mineral))],
        [Value(words(f"lot.{'in_hand' if lot.state == 'held' else lot.state}"))],
        mark,
    ]


def _findings(reading: Reading) -> Page:
    kind, _, id_ = reading.query.get("about", "").partition(":")
    wanted = FindingFilter(
        reading.chosen("rule", sorted(RULES)),
        reading.chosen("severity", SEVERITIES),
        (kind, id_) if id_ else None,
    )
    cursor = reading.query.get("cursor", "")
    before = int(cursor) if cursor.isdecimal() and len(cursor) < 16 else None
    found = papers.visible(reading.services, reading.visitor, wanted, before, ROWS)
    return Page([_finding(reading, each) for each in found.items], found.next)


def _finding(reading: Reading, found: lists.FoundAt) -> Cells:
    words, finding = reading.words, found.finding
    severity = words.code("severity", finding.severity)
    mineral = _mineral(reading, finding.subjects)
    return [
        [Value(severity, mark="broken" if finding.severity == "severe" else "finding")],
        [
            Value(rule(words, finding.rule), f"/events/{finding.events[0]}"),
            *(Value(said) for said in told(words, finding.figures, mineral)),
        ],
        reading.about(finding.subjects),
        [Value(words.day(time_text(found.record_time)))],
    ]


def _mineral(reading: Reading, subjects: Sequence[Address]) -> str:
    for kind, id_ in subjects:
        lot = reading.services.reader.lot(LotId(id_)) if kind == "lot" else None
        if lot is not None:
            return lot.mineral
    return ""


# The register


def _sites(reading: Reading) -> Page:
    words = reading.words
    mineral = reading.chosen("mineral", get_args(Mineral))
    with reading.services.reads.read() as view:
        found = lists.records(view, "site", Site, reading.query.get("cursor"), ROWS)
    sites = [site for site in found.items if mineral is None or mineral in site.facts[-1].minerals]
    rows: list[Cells] = []
    for site in sites:
        facts = site.facts[-1]
        minerals = words.joined([words.code("mineral", each) for each in facts.minerals])
        rows.append(
            [
                [Value(facts.name, f"/sites/{site.id}")],
                [Value(place(facts.region, words.language))],
                [Value(minerals)],
                [Value(words.code("method", facts.mining_method))],
                [Value(words.code("activity", facts.activity))],
            ]
        )
    return Page(rows, found.next)


def _parties(reading: Reading) -> Page:
    words, reader = reading.words, reading.services.reader
    role = reading.chosen("role", get_args(Role))
    with reading.services.reads.read() as view:
        found = lists.records(view, "party", Party, reading.query.get("cursor"), ROWS)
    rows: list[Cells] = []
    for party in found.items:
        if not may(reading.visitor, ListParty(party), reader.held_by) or (role and role not in party.roles):
            continue
        facts = party.facts[-1]
        roles = words.joined([words(f"named.{each}") for each in party.roles])
        rows.append(
            [
                [Value(facts.public_name or words("party.unnamed"), f"/parties/{party.id}")],
                [Value(words.code("party_type", facts.type))],
                [Value(roles)],
                [Value(place(facts.region or facts.country, words.language))],
            ]
        )
    # As in the API: the id of one that is not shown must not stand in the cursor.
    return Page(rows, found.next and found.next[:8] + "~")


def _papers(name: str, row: Callable[[Reading, Any], Cells]) -> Callable[[Reading], Page]:
    def read(reading: Reading) -> Page:
        found = papers.visible_records(
            reading.services,
            reading.visitor,
            name,
            reading.chosen("state", STATES),  # type: ignore[arg-type]  # one of the two
            None,
            reading.query.get("cursor"),
            ROWS,
        )
        return Page([row(reading, record) for record in found.items], found.next)

    return read


def _standing(reading: Reading, *, is_open: bool) -> list[Value]:
    return [Value(reading.words("standing.open" if is_open else "standing.ended"))]


def _certificate(reading: Reading, record: Certificate) -> Cells:
    words = reading.words
    drawn = record.drawn.mass_ug
    valid = record.valid_by is not None and record.ended_by is None
    over = drawn > record.mass_ug
    return [
        [Value(f"{record.country} {record.number}", f"/events/{record.event}")],
        [Value(words.code("scheme", record.scheme))],
        [Value(words.code("mineral", record.mineral))],
        [Value(words.mass(record.mass_ug, record.mineral))],
        [Value(words.mass(drawn, record.mineral), mark="broken" if over else None)],
        [Value(words.day(record.until))],
        _standing(reading, is_open=valid),
    ]


def _licence(reading: Reading, record: Licence) -> Cells:
    words = reading.words
    minerals = words.joined([words.code("mineral", each) for each in record.minerals])
    return [
        [Value(record.number, f"/events/{record.event}")],
        [Value(words.code("licence", record.sort))],
        [reading.party(record.party)],
        [Value(minerals)],
        [Value(words.day(record.since))],
        [Value(words.day(record.until))] if record.until else [],
        _standing(reading, is_open=record.revoked_from is None),
    ]


def _hold(reading: Reading, record: Hold) -> Cells:
    words = reading.words
    return [
        [Value(words.code("ground", record.ground), f"/events/{record.event}")],
        reading.about(record.subjects),
        [reading.party(record.placed_by)],
        [Value(words.day(record.since))],
        [Value(words.day(record.until))] if record.until else [],
        _standing(reading, is_open=record.released_by is None),
    ]


def _incident(reading: Reading, record: Incident) -> Cells:
    words = reading.words
    level = [Value(words("incident.level", level=record.level))] if record.level else []
    due = min((plan.due for plan in record.planned), default=None)
    return [
        [Value(words.day(record.happened), f"/events/{record.event}"), *level],
        [Value(words.code("category", each)) for each in record.categories],
        reading.about(record.subjects),
        [Value(words.day(due))] if due else [],
        _standing(reading, is_open=record.settled_by is None),
    ]


def _roll(reading: Reading, record: Roll) -> Cells:
    words = reading.words
    handed = sum(each.last - each.first + 1 for each in record.allocations)
    return [
        [Value(record.id[:8], f"/rolls/{record.id}")],
        [Value(words.code("tag_scheme", record.scheme))],
        [Value(words.code("tag_level", record.level))],
        [Value(words.number(record.count))],
        [Value(words.number(min(handed, record.count)))],
    ]


SEVERITIES = ("notice", "warning", "severe")
STATES = ("open", "ended")
_STATE = {"state": STATES}
REGISTERS: Mapping[str, Register] = {
    "lots": Register(
        {"mineral": get_args(Mineral), "state": get_args(LotState)},
        ("number", "mineral", "mass", "state", "findings"),
        _lots,
    ),
    "findings": Register(
        {"severity": SEVERITIES, "rule": sorted(RULES)},
        ("severity", "noticed", "about", "recorded"),
        _findings,
    ),
    "sites": Register(
        {"mineral": get_args(Mineral)}, ("name", "place", "mineral", "method", "activity"), _sites
    ),
    "parties": Register({"role": get_args(Role)}, ("name", "type", "roles", "place"), _parties),
    "certificates": Register(
        _STATE,
        ("number", "scheme", "mineral", "mass", "drawn", "expires", "state"),
        _papers("certificates", _certificate),
    ),
    "licences": Register(
        _STATE,
        ("number", "type", "party", "mineral", "granted", "expires", "state"),
        _papers("licences", _licence),
    ),
    "holds": Register(
        _STATE, ("ground", "about", "placed_by", "since", "until", "state"), _papers("holds", _hold)
    ),
    "incidents": Register(
        _STATE, ("happened", "category", "about", "due", "state"), _papers("incidents", _incident)
    ),
    "rolls": Register(_STATE, ("roll", "scheme", "level", "count", "handed_out"), _papers("rolls", _roll)),
}
OPEN_TO_ALL = ("sites", "parties")
"""Lists that have lines for strangers too."""
