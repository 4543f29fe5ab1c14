"""The lines of the lists: what one page of each holds, for the visitor who asks.

Which lines there are the API's own lists decide; here they get their words and links.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, get_args

from traceability.api import papers, shown
from traceability.api.permission import ListParty, Visitor, may
from traceability.api.registry import rules_today
from traceability.api.services import Services
from traceability.core.concern_records import Hold, Incident
from traceability.core.findings.catalogue import RULES
from traceability.core.forms import Mineral, Role
from traceability.core.ground_facts import Colour, site_status
from traceability.core.ground_records import Certificate, Licence, in_force
from traceability.core.ids import LotId
from traceability.core.leaf import time_text
from traceability.core.lot_records import Lot, LotState
from traceability.core.record import Address
from traceability.core.registry_records import Party, Roll, Site
from traceability.ledger import lists
from traceability.ledger.lists import FindingFilter
from traceability.web.figures import told
from traceability.web.linked import Cells, Links, Value
from traceability.web.places import place
from traceability.web.shown import Mark
from traceability.web.story import rule
from traceability.web.words import Words

ROWS = 50
"""How many lines a page has."""
_PAGES_MAX = 40
"""How many pages of the register are gone through for those a filter lets pass."""
ABOUT = re.compile(r"(certificate|key|licence|lot|party|policy|region|roll|site|tag):[A-Za-z0-9:._/-]{1,110}")
SEVERITIES = ("notice", "warning", "severe")
STATUSES: tuple[str, ...] = (*get_args(Colour), "none")
STATES = ("open", "ended")
SEVERITY_MARKS: Mapping[str, Mark] = {"notice": "stated", "warning": "finding", "severe": "broken"}
_R = TypeVar("_R")


class Reading(NamedTuple):
    """Who reads which page of which list, in which language."""

    services: Services
    visitor: Visitor
    words: Words
    query: Mapping[str, str]

    @property
    def links(self) -> Links:
        """What this visitor may open."""
        return Links(self.services, self.visitor, self.words)

    def chosen(self, name: str, among: Sequence[str]) -> str | None:
        """The value of a filter, if it is one of those there are."""
        value = self.query.get(name)
        return value if value in among else None

    @property
    def about(self) -> Address | None:
        """What findings are asked about, if anything."""
        value = self.query.get("about", "")
        kind, _, id_ = value.partition(":")
        return (kind, id_) if ABOUT.fullmatch(value) else None


class Page(NamedTuple):
    """The lines of one page, and the cursor of the next."""

    rows: list[Cells]
    next: str | None


# Lots and findings


def lots(reading: Reading) -> Page:
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


def findings(reading: Reading) -> Page:
    wanted = FindingFilter(
        reading.chosen("rule", sorted(RULES)), reading.chosen("severity", SEVERITIES), reading.about
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
        [Value(severity, mark=SEVERITY_MARKS[finding.severity])],
        [
            Value(rule(words, finding.rule), f"/events/{finding.events[0]}"),
            Value(" · ".join(told(words, finding.figures, mineral)), mark="small"),
        ],
        reading.links.about(finding.subjects),
        [Value(words.day(time_text(found.record_time)))],
    ]


def _mineral(reading: Reading, subjects: Sequence[Address]) -> str:
    for kind, id_ in subjects:
        lot = reading.services.reader.lot(LotId(id_)) if kind == "lot" else None
        if lot is not None:
            return lot.mineral
    return ""


# The register


def gathered(
    reading: Reading, kind: str, record: type[_R], keep: Callable[[_R], bool]
) -> tuple[list[_R], str | None]:
    """The next records of a type that pass, at least a page of them if there are so many; and the cursor after them."""
    cursor = reading.query.get("cursor")
    found: list[_R] = []
    with reading.services.reads.read() as view:
        for _ in range(_PAGES_MAX):
            page = lists.records(view, kind, record, cursor, ROWS)
            found += [each for each in page.items if keep(each)]
            cursor = page.next
            if cursor is None or len(found) >= ROWS:
                break
    return found, cursor


def sites(reading: Reading) -> Page:
    mineral, status = reading.chosen("mineral", get_args(Mineral)), reading.chosen("status", STATUSES)
    today, policy = rules_today(reading.services)

    def colour(site: Site) -> str:
        return site_status(site, today, policy).status or "none"

    found, after = gathered(
        reading,
        "site",
        Site,
        lambda site: mineral in (None, *site.facts[-1].minerals) and status in (None, colour(site)),
    )
    return Page([_site(reading.words, site, colour(site), today) for site in found], after)


def _site(words: Words, site: Site, colour: str, today: str) -> Cells:
    facts = site.facts[-1]
    return [
        [Value(facts.name, f"/sites/{site.id}")],
        [Value(place(facts.region, words.language))],
        [Value(words.joined([words.code("mineral", each) for each in facts.minerals]))],
        status_of(words, site, colour, today),
        [Value(words.code("method", facts.mining_method))],
        [Value(words.code("activity", facts.activity))],
    ]


def status_of(words: Words, site: Site, colour: str, today: str) -> list[Value]:
    """A site's colour today by number and word, and whether work there is stopped."""
    mark = None if colour == "none" else colour
    stopped = bool(in_force(site.suspensions, today))
    said = [Value(words.code("status", colour), mark=mark)]  # type: ignore[arg-type]  # one of the four
    return [*said, *([Value(words("status.suspended"), mark="broken")] if stopped else [])]


def parties(reading: Reading) -> Page:
    words, reader = reading.words, reading.services.reader
    role = reading.chosen("role", get_args(Role))
    found, after = gathered(
        reading,
        "party",
        Party,
        lambda party: role in (None, *party.roles) and may(reading.visitor, ListParty(party), reader.held_by),
    )
    # As in the API: the id of one that is not shown must not stand in the cursor.
    return Page([_party(words, party) for party in found], after and after[:8] + "~")


def _party(words: Words, party: Party) -> Cells:
    facts = party.facts[-1]
    return [
        [Value(facts.public_name or words("party.unnamed"), f"/parties/{party.id}")],
        [Value(words.code("party_type", facts.type))],
        [Value(words.joined([words(f"named.{each}") for each in party.roles]))],
        [Value(place(facts.region or facts.country, words.language))],
    ]


def of_papers(name: str, row: Callable[[Reading, Any], Cells]) -> Callable[[Reading], Page]:
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


def certificate(reading: Reading, record: Certificate) -> Cells:
    words = reading.words
    drawn = record.drawn.mass_ug
    valid = record.valid_by is not None and record.ended_by is None
    over = drawn > record.mass_ug
    return [
        [Value(certificate_number(record), f"/events/{record.event}")],
        [Value(words.code("scheme", record.scheme))],
        [Value(words.code("mineral", record.mineral))],
        [Value(words.mass(record.mass_ug, record.mineral))],
        [Value(words.mass(drawn, record.mineral), mark="broken" if over else None)],
        [Value(words.day(record.until))],
        _standing(reading, is_open=valid),
    ]


def certificate_number(record: Certificate) -> str:
    """A certificate's number with its country, which most carry already."""
    return record.number if record.number.startswith(record.country) else f"{record.country} {record.number}"


def licence(reading: Reading, record: Licence) -> Cells:
    words = reading.words
    minerals = words.joined([words.code("mineral", each) for each in record.minerals])
    return [
        [Value(record.number, f"/events/{record.event}")],
        [Value(words.code("licence", record.sort))],
        [reading.links.party(record.party)],
        [Value(minerals)],
        [Value(words.day(record.since))],
        [Value(words.day(record.until))] if record.until else [],
        _standing(reading, is_open=record.revoked_from is None),
    ]


def hold(reading: Reading, record: Hold) -> Cells:
    is_open = record.released_by is None
    return [*hold_cells(reading.links, record), _standing(reading, is_open=is_open)]


def hold_cells(links: Links, record: Hold) -> Cells:
    """Why, on what, by whom, since when and until when."""
    words = links.words
    return [
        [links.event(record.event, words.code("ground", record.ground))],
        links.about(record.subjects),
        [links.party(record.placed_by)],
        [Value(words.day(record.since))],
        [Value(words.day(record.until))] if record.until else [],
    ]


def incident(reading: Reading, record: Incident) -> Cells:
    words = reading.words
    level = [Value(words("incident.level", level=record.level))] if record.level else []
    due = min((plan.due for plan in record.planned), default=None)
    return [
        [Value(words.day(record.happened), f"/events/{record.event}"), *level],
        [Value(words.code("category", each)) for each in record.categories],
        reading.links.about(record.subjects),
        [Value(words.day(due))] if due else [],
        _standing(reading, is_open=record.settled_by is None),
    ]


def roll(reading: Reading, record: Roll) -> Cells:
    words = reading.words
    handed = sum(each.last - each.first + 1 for each in record.allocations)
    return [
        [Value(record.id[:8], f"/rolls/{record.id}")],
        [Value(words.code("tag_scheme", record.scheme))],
        [Value(words.code("tag_level", record.level))],
        [Value(words.number(record.count))],
        [Value(words.number(min(handed, record.count)))],
    ]
