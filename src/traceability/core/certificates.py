"""The fold over export certificates: issued, made valid by a second officer, drawn on, used, ended.

A certificate is a quota. Exports name the mass they draw from it; the certifier records its use. Both are kept
apart, because one of them may be wrong. A hold on what it is about refuses a certificate and its use.
"""

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from traceability.core.concerns import refuse_held, refuse_under_hold
from traceability.core.events import Certificate, CertificateUse, Export
from traceability.core.findings import certificates as rules
from traceability.core.ground_records import Certificate as CertificateRecord
from traceability.core.ground_records import CertificateNumber
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step, reject
from traceability.core.record import NEW


def issue(step: Step, event: Certificate) -> None:
    """Keeps a new certificate, not valid yet."""
    body, own = event.body, step.entry.event_id
    step.party(body.exporter)
    if body.importer is not None:
        step.party(body.importer)
    record = CertificateRecord(
        place=NEW,
        event=own,
        certifier=event.actor,
        key=event.key,
        scheme=body.scheme,
        country=body.country,
        number=body.number,
        exporter=body.exporter,
        lots=tuple(body.lots),
        mineral=body.mineral,
        mass_ug=body.mass.mass_ug,
        origins=tuple(body.origins),
        since=body.issued,
        until=body.expires,
        parcels=body.parcels,
    )
    _refuse_under_hold(step, record)
    step.put("certificate", own, record)
    address = f"{body.country}:{body.number}"
    known = step.find("certificate_number", address, CertificateNumber)
    others = known.certificates if known else ()
    step.put("certificate_number", address, CertificateNumber((*others, own)))
    lots = [step.lot(lot) for lot in body.lots]
    rules.certificate_number_used_twice(step, own, others)
    rules.certificate_mass_off(step, record, lots)
    rules.certificate_of_another_mineral(step, record, lots)
    found = rules.certificate_origin_left_out(step, record, lots)
    rules.certificate_origin_unsupported(step, record, found)


def make_valid(step: Step, certificate: EventId) -> None:
    """The approval of this entry, or one that came before, makes the certificate valid; not under a hold."""
    record = step.need("certificate", certificate, CertificateRecord)
    _refuse_under_hold(step, record)
    step.put("certificate", certificate, replace(record, valid_by=step.entry.event_id))


def use(step: Step, event: CertificateUse) -> None:
    """Records what became of a certificate."""
    body = event.body
    record = certificate(step, body.certificate)
    export = None if body.export is None else step.logged(body.export).event
    if export is not None and not isinstance(export, Export):
        reject("not_an_export", f"the event {str(body.export)[:12]} is in the log and is no export")
    match body.act:
        case "use":
            _refuse_under_hold(step, record)
            assert body.mass is not None
            _judge_use(step, record)
            used = replace(record, used=record.used.plus(step.entry.event_id, body.mass.mass_ug))
            rules.certificate_overdrawn(step, record, used)
            record = used
            if export is not None:
                rules.use_mass_off(step, record, export, body.mass.mass_ug)
        case "void" | "replace":
            record = replace(record, ended_by=step.entry.event_id)
        case "confirmed_abroad":
            record = replace(record, confirmed_by=step.entry.event_id)
    step.put("certificate", record.event, record)


def draw(step: Step, event: Export, standing: Sequence[Lot]) -> None:
    """An export draws on its certificates for the lots on which it stands."""
    lots = [lot.id for lot in standing]
    records = []
    for drawn in event.body.certificates or ():
        record = certificate(step, drawn.certificate)
        _judge_use(step, record, lots)
        before = record
        record = replace(before, drawn=before.drawn.plus(step.entry.event_id, drawn.mass.mass_ug))
        rules.certificate_overdrawn(step, before, record)
        rules.certificate_of_another_exporter(step, record, event.actor, lots)
        step.put("certificate", record.event, record)
        records.append(record)
    if records:
        rules.lot_not_on_certificate(step, records, standing)
        rules.draw_mass_off(step, event, records[0])


def _judge_use(step: Step, record: CertificateRecord, lots: Collection[LotId] = ()) -> None:
    rules.certificate_not_approved(step, record, lots)
    rules.certificate_ended(step, record, lots)
    rules.certificate_out_of_dates(step, record, lots)


def _refuse_under_hold(step: Step, record: CertificateRecord) -> None:
    """Rejects where a hold is in force on the certificate, its exporter or one of its lots."""
    refuse_held(step, ("certificate", record.event), ("party", record.exporter))
    for lot in record.lots:
        refuse_under_hold(step, step.lot(lot))


def certificate(step: Step, named: EventId) -> CertificateRecord:
    """The certificate behind an event id. Waits where the log has it not; rejects where it is something else."""
    found = step.of_event("certificate", named, CertificateRecord)
    if found is None:
        reject("not_a_certificate", f"the event {named[:12]} is in the log and is no certificate")
    return found
