"""Events, sites and parties as the lines their pages print: a label and what stands beside it."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from traceability.api.permission import OpenDisclosure, OpenLot, Visitor, may
from traceability.api.services import Services
from traceability.core.ids import LotId
from traceability.core.leaf import time_text
from traceability.core.lot_records import Lot
from traceability.core.outcome import told_with
from traceability.core.registry_records import Party, Roll, Site
from traceability.ledger.reader import LoggedEntry
from traceability.web import paid
from traceability.web.chart import Chart
from traceability.web.linked import Links, Table, Value
from traceability.web.places import place
from traceability.web.present import Notice
from traceability.web.story import rule
from traceability.web.words import Words

OWN_MAX = 20
"""How many of one's own lots the front page lists: the newest."""
LOTS_MAX = 50
"""How many lots of an event are listed."""


class Row(NamedTuple):
    """A label and its values."""

    label: str
    values: list[Value]


class Facts(NamedTuple):
    """A page of facts: its first sentence and its lines."""

    title: str
    sentence: str
    rows: list[Row]
    note: str = ""
    payload: str = ""
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    notices: Sequence[Notice] = ()
    findings: str = ""
    """The list of what was noticed about it; empty where nothing was, or it is not for this visitor."""


class OwnLot(NamedTuple):
    """A line of the list of one's own lots."""

    url: str
    mineral: str
    number: str
    """As on its papers; the beginning of its id where they have none."""
    mass: str
    state: str


def own_lots(services: Services, visitor: Visitor, words: Words) -> tuple[list[OwnLot], bool]:
    """The newest lots that this visitor holds or held, or has title in; and whether there are more.

    For who oversees, the newest of all.
    """
    if visitor.party is None:
        return [], False
    found = services.reader.lots(holder=None if visitor.oversees else visitor.party, limit=OWN_MAX)
    listed = [
        OwnLot(
            f"/lots/{lot.id}",
            words.code("mineral", lot.mineral),
            lot.lot_number or lot.id[:8],
            words.mass(lot.expected_ug, lot.mineral),
            words(_standing(lot, visitor)),
        )
        for lot in found.items
        if may(visitor, OpenLot(lot), services.reader.held_by)
    ]
    return listed, found.next is not None


def _standing(lot: Lot, visitor: Visitor) -> str:
    """How a lot stands, seen from this visitor."""
    if lot.state != "held":
        return f"lot.{lot.state}"
    if lot.custodian == visitor.party:
        return "lot.yours"
    return "lot.in_hand" if visitor.oversees else "lot.held"


def of_event(services: Services, visitor: Visitor, words: Words, entry: LoggedEntry) -> Facts:
    """An event that this visitor may open."""
    event = entry.event
    recorded = time_text(entry.record_time)
    kind = words.code("kind", event.kind)
    links = Links(services, visitor, words)
    signer = links.party(event.party, inside=True)
    rows = [
        Row(words("event.happened"), [Value(words.moment(event.event_time))]),
        Row(words("event.recorded"), [Value(words.moment(recorded))]),
        Row(words("event.party"), [links.party(event.party)]),
    ]
    if event.actor != event.party:
        rows.append(Row(words("event.acting_for"), [links.party(event.actor)]))
    if event.body.source is not None:
        rows.append(Row(words("event.source"), [Value(words.code("source", event.body.source))]))
    rows.append(Row(words("event.stands"), [_effect(words, entry)]))
    if findings := told_with(entry.event_id, entry.findings):
        found = [Value(rule(words, finding.rule), mark="finding") for finding in findings]
        rows.append(Row(words("findings.title"), list(dict.fromkeys(found))))
    rows += _lots(services, visitor, words, entry)
    rows += _sealed(services, visitor, words, entry)
    rows += [
        Row(words("event.index"), [Value(words.number(entry.index))]),
        Row(words("event.id"), [Value(entry.event_id, code=True)]),
        Row(words("event.key"), [Value(event.key, code=True)]),
    ]
    day = words.day(event.event_time)
    money = [] if len(event.lots) > LOTS_MAX else paid.of_lots(links, services.reader.lineage(event.lots))
    return Facts(
        title=words("event.title", id=entry.event_id[:8]),
        sentence=words("event.sentence", kind=kind, who=signer.text, day=day),
        rows=rows,
        note=words("event.signature"),
        payload=json.dumps(json.loads(entry.envelope.payload), indent=1, ensure_ascii=False),
        tables=money,
    )


def of_site(services: Services, visitor: Visitor, words: Words, site: Site) -> Facts:
    """A registered site, without its sealed fields."""
    facts = site.facts[-1]
    minerals = words.joined([words.code("mineral", mineral) for mineral in facts.minerals])
    where = place(facts.region, words.language)
    activity = words.code("activity", facts.activity)
    worked_by = [Links(services, visitor, words).party(party) for party in facts.worked_by]
    rows = [
        Row(words("party.type"), [Value(words.code("site.type", facts.type))]),
        Row(words("site.method"), [Value(words.code("method", facts.mining_method))]),
        Row(words("site.holder"), [Links(services, visitor, words).party(facts.holder)]),
        *([Row(words("site.worked_by"), worked_by)] if worked_by else []),
        *([] if facts.licences else [Row(words("site.licences"), [Value(words("site.unlicensed"))])]),
        Row(words("site.since"), [Value(words.day(facts.since))]),
        Row(words("site.id"), [Value(site.id, code=True)]),
    ]
    return Facts(
        title=words("site.title", name=facts.name),
        sentence=words("site.sentence", name=facts.name, minerals=minerals, place=where, activity=activity),
        rows=rows,
        note=words("site.where"),
    )


def of_roll(services: Services, visitor: Visitor, words: Words, roll: Roll) -> Facts:
    """A roll of tags that this visitor may open."""
    scheme = words.code("tag_scheme", roll.scheme)
    rows = [
        Row(words("roll.issuer"), [Links(services, visitor, words).party(roll.issuer)]),
        Row(words("column.level"), [Value(words.code("tag_level", roll.level))]),
        Row(words("event.id"), [Value(roll.issued_by, f"/events/{roll.issued_by}", code=True)]),
        Row(words("roll.id"), [Value(roll.id, code=True)]),
    ]
    return Facts(
        title=words("subject.roll", id=roll.id[:8]),
        sentence=words("roll.sentence", roll.count, scheme=scheme),
        rows=rows,
    )


def of_party(services: Services, visitor: Visitor, words: Words, party: Party) -> Facts:
    """A party that this visitor may open."""
    facts = party.facts[-1]
    roles = [words(f"named.{role}") for role in party.roles]
    name = facts.public_name or words("party.unnamed")
    where = place(facts.region or facts.country, words.language)
    rows = [Row(words("party.type"), [Value(words.code("party_type", facts.type))])]
    if facts.members is not None:
        rows.append(Row(words("party.members"), [Value(words.number(facts.members))]))
    if facts.part_of is not None:
        rows.append(Row(words("party.part_of"), [Links(services, visitor, words).party(facts.part_of)]))
    rows += [
        Row(words("party.since"), [Value(words.day(facts.since))]),
        Row(words("party.id"), [Value(party.id, code=True)]),
    ]
    return Facts(
        title=words("party.title", name=name) if facts.public_name else name,
        sentence=words(
            "party.sentence", name=name, roles=words.joined(roles) or words("party.no_role"), place=where
        ),
        rows=rows,
        note=words("party.provisional") if party.provisional else "",
    )


def _effect(words: Words, entry: LoggedEntry) -> Value:
    if not entry.stands:
        return Value(words("event.stands_no"), mark="broken")
    if entry.fates and not all(entry.fates.values()):
        return Value(words("event.stands_part"), mark="finding")
    return Value(words("event.stands_yes"))


def _lots(services: Services, visitor: Visitor, words: Words, entry: LoggedEntry) -> list[Row]:
    """The event's lots, those the visitor may open by their numbers; and the file that proves all of them."""
    named: list[LotId] = list(entry.event.lots)
    if not named:
        return []
    with services.reads.read() as view:
        records = view.records(("lot", lot) for lot in named)
    opened = [
        record
        for record in records.values()
        if isinstance(record, Lot) and may(visitor, OpenLot(record), services.reader.held_by)
    ]
    numbers = {lot.id: lot.lot_number for lot in opened}
    named.sort(key=lambda lot: numbers.get(lot) or lot)
    values = [
        Value(numbers.get(lot) or lot, f"/lots/{lot}" if lot in numbers else "", code=not numbers.get(lot))
        for lot in named[:LOTS_MAX]
    ]
    if len(named) > LOTS_MAX:
        values.append(Value(f"+ {len(named) - LOTS_MAX}"))
    rows = [Row(words("event.lots"), values)]
    if len(opened) == len(named):
        file = Value(f"{entry.event_id[:8]}.evidence.json", f"/v1/events/{entry.event_id}/evidence")
        rows.append(Row(words("lot.evidence"), [file, Value(words("lot.evidence_says"))]))
    return rows


def _sealed(services: Services, visitor: Visitor, words: Words, entry: LoggedEntry) -> list[Row]:
    """What was sealed: what of it the visitor may see, and how much stays closed."""
    if not entry.event.sealed:
        return []
    opened = [
        (path, value)
        for _, path, value in services.reader.disclosures(entry.index)
        if may(visitor, OpenDisclosure(entry.event, path), services.reader.held_by)
    ]
    rows = [
        Row(words.code("sealed", path.rpartition("/")[2]), [Value(_said(value))]) for path, value in opened
    ]
    erased = services.reader.withheld(entry.event_id)
    rows += [
        Row(words.code("sealed", path.rpartition("/")[2]), [Value(words("event.withheld"))])
        for path in erased
    ]
    closed = len(entry.event.sealed) - len(opened) - len(erased)
    if closed:
        rows.append(Row(words("event.sealed"), [Value(words("event.sealed_says", closed))]))
    return rows


def _said(value: Any) -> str:
    match value:
        case str():
            return value
        case {"currency": str(currency), "value": str(amount)}:
            return f"{amount} {currency}"
        case dict():
            return ", ".join(f"{_said(item)}" for item in value.values())
        case list():
            return "; ".join(_said(item) for item in value)
        case _:
            return str(value)
