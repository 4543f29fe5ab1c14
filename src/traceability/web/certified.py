"""The export certificates of a lot: those that name it, and those it left under."""

from collections.abc import Sequence

from traceability.core.events import Certificate as CertificateEvent
from traceability.core.events import Export
from traceability.core.ground_records import Certificate
from traceability.core.ids import EventId
from traceability.core.lot_records import Lot
from traceability.ledger.reader import LoggedEntry
from traceability.web.linked import Links, Table, Value
from traceability.web.rows import certificate_number


def of_lot(links: Links, lot: Lot, history: Sequence[LoggedEntry]) -> list[Table]:
    """A line for each certificate that entries about the lot name, with how it stands now."""
    words = links.words
    named: list[EventId] = []
    drawn: dict[EventId, LoggedEntry] = {}
    for entry in history:
        event = entry.event
        if isinstance(event, CertificateEvent) and lot.id in event.body.lots:
            named.append(entry.event_id)
        elif isinstance(event, Export) and entry.fates.get(lot.id, entry.stands):
            drawn |= {draw.certificate: entry for draw in event.body.certificates or ()}
    ids = list(dict.fromkeys([*named, *drawn]))
    if not ids:
        return []
    with links.services.reads.read() as view:
        records = view.records(("certificate", id_) for id_ in ids)
    lines = []
    for id_ in ids:
        record = records.get(("certificate", id_))
        if not isinstance(record, Certificate):
            continue
        over = record.drawn.mass_ug > record.mass_ug
        how = []
        if id_ in named:
            how.append(Value(words("papers.named")))
        if id_ in drawn:
            export = drawn[id_]
            said = words("papers.left", day=words.day(export.event.event_time))
            how.append(Value(said, f"/events/{export.event_id}"))
        lines.append(
            [
                [
                    links.event(id_, certificate_number(record)),
                    Value(words.code("scheme", record.scheme), mark="small"),
                ],
                how,
                [Value(words.mass(record.mass_ug, record.mineral), mark="broken" if over else None)],
                [Value(words.day(record.until))],
                [_standing(links, record)],
            ]
        )
    headings = [words(f"column.{column}") for column in ("number", "how", "certified", "expires", "state")]
    return [Table(words("list.certificates"), headings, lines, figures=(2,))]


def _standing(links: Links, record: Certificate) -> Value:
    if record.ended_by is not None:
        return Value(links.words("papers.ended"), mark="broken")
    if record.valid_by is None:
        return Value(links.words("papers.not_valid"), mark="finding")
    if record.confirmed_by is not None:
        return Value(links.words("papers.confirmed"), mark="verified")
    return Value(links.words("papers.valid"), mark="stated")
