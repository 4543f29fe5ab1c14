"""The fold over export certificates: issued, made valid by a second officer, drawn on, used, ended.

A certificate is a quota. Exports name the mass they draw from it; the certifier records its use. Both are kept
apart, because one of them may be wrong. A hold on what it is about refuses a certificate and its use.
"""

from msgspec.structs import replace

from traceability.core.concerns import refuse_under_hold
from traceability.core.events import Certificate, CertificateUse
from traceability.core.ground_records import Certificate as CertificateRecord
from traceability.core.ground_records import CertificateNumber, Draw
from traceability.core.ids import EventId
from traceability.core.outcome import Step, reject
from traceability.core.record import NEW


def issue(step: Step, event: Certificate) -> None:
    """Keeps a new certificate, not valid yet."""
    body, own = event.body, step.entry.event_id
    step.party(body.exporter)
    if body.importer is not None:
        step.party(body.importer)
    for lot_id in body.lots:
        lot = step.lot(lot_id)
        refuse_under_hold(step, lot)
    step.put(
        "certificate",
        own,
        CertificateRecord(
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
        ),
    )
    address = f"{body.country}:{body.number}"
    known = step.find("certificate_number", address, CertificateNumber)
    numbered = (*(known.certificates if known else ()), own)
    step.put("certificate_number", address, CertificateNumber(numbered))


def make_valid(step: Step, certificate: EventId) -> None:
    """The approval of this entry, or one that came before, makes the certificate valid."""
    record = step.need("certificate", certificate, CertificateRecord)
    step.put("certificate", certificate, replace(record, valid_by=step.entry.event_id))


def use(step: Step, event: CertificateUse) -> None:
    """Records what became of a certificate."""
    body = event.body
    record = certificate(step, body.certificate)
    if body.export is not None:
        step.logged(body.export)
    match body.act:
        case "use":
            for lot_id in record.lots:
                lot = step.lot(lot_id)
                refuse_under_hold(step, lot)
            assert body.mass is not None
            drawn = Draw(step.entry.event_id, body.mass.mass_ug)
            record = replace(record, uses=(*record.uses, drawn))
        case "void" | "replace":
            record = replace(record, ended_by=step.entry.event_id)
        case "confirmed_abroad":
            record = replace(record, confirmed_by=step.entry.event_id)
    step.put("certificate", record.event, record)


def draw(step: Step, named: EventId, mass_ug: int) -> CertificateRecord:
    """An export draws so much on a certificate; gives the certificate as it was before."""
    record = certificate(step, named)
    drawn = replace(record, draws=(*record.draws, Draw(step.entry.event_id, mass_ug)))
    step.put("certificate", record.event, drawn)
    return record


def certificate(step: Step, named: EventId) -> CertificateRecord:
    """The certificate behind an event id. Waits where the log has it not; rejects where it is something else."""
    found = step.of_event("certificate", named, CertificateRecord)
    if found is None:
        reject("not_a_certificate", f"the event {named[:12]} is in the log and is no certificate")
    return found
