"""Lots leave: for abroad, and there; or they end."""

from msgspec.structs import replace

from traceability.core.certificates import certificate, draw
from traceability.core.claims import claim, custody_only, put_move, settle
from traceability.core.ending import check_holds, end, keep_change, keep_moved
from traceability.core.events import (
    Closure,
    Export,
    Import,
)
from traceability.core.findings.certificates import arrival_differs
from traceability.core.findings.holds import note_moved
from traceability.core.ids import PartyId
from traceability.core.lot_records import Lot
from traceability.core.mass import look, weigh
from traceability.core.origin import handled
from traceability.core.outcome import Step, reject


def export(step: Step, event: Export, *, doubled: bool) -> None:
    body, actor = event.body, event.actor
    for drawn in body.certificates or ():
        certificate(step, drawn.certificate)
    if body.importer is not None:
        step.party(body.importer)
    claims = claim(
        step,
        on_head=lambda lot, event_id: event_id == lot.custody_head,
        entitled=lambda move: move.sets != "title" and move.custodian == actor,
    )
    for c in claims:
        if c.stale is None:
            check_holds(c.lot, actor)
    standing = settle(step, claims, doubled=doubled, sets=custody_only)
    lots = weigh(
        step, body.weighings, {c.lot.id: c.lot for c in claims}, {c.lot.id for c in standing}, at="export"
    )
    for c in standing:
        lot = replace(
            lots[c.lot.id],
            custody_head=step.entry.event_id,
            custody_index=step.entry.index,
            state="exported",
            title_offer=None,
            importer=body.importer,
        )
        keep_moved(step, lot)
        put_move(step, lot, "custody", c.lot, recipient=body.importer)
    if standing:
        draw(step, event, [c.lot for c in standing])
    handled(step, event, [c.lot.id for c in standing])
    if "exporter" not in step.party(actor).roles:
        step.note("no_exporter_role", "warning", [("party", actor)])


def import_(step: Step, event: Import, *, doubled: bool) -> None:
    body, actor = event.body, event.actor
    certifier = "certifier" in step.party(actor).roles

    def may_report(importer: PartyId | None, exporter: PartyId) -> bool:
        match body.reported_by:
            case "importer":
                return actor == importer
            case "exporter":
                return actor == exporter
            case "importing_authority":
                return certifier or actor == exporter

    claims = claim(
        step,
        on_head=lambda lot, event_id: event_id == lot.custody_head,
        entitled=lambda move: may_report(move.recipient, move.custodian),
    )
    for c in claims:
        if c.stale is None:
            if c.lot.state != "exported":
                reject("not_exported", f"lot {c.lot.id} is not under way abroad: its export comes first")
            if not may_report(c.lot.importer, c.lot.custodian):
                reject("not_importer", "an import is reported by the importer, the certifier or the exporter")
    standing = settle(step, claims, doubled=doubled, sets=custody_only)
    lots = look(
        step,
        {c.lot.id: c.lot for c in claims},
        {c.lot.id for c in standing},
        body.weighings,
        body.assays,
        body.moistures,
        at="export",
    )
    for c in standing:
        lot = replace(lots[c.lot.id], custody_head=step.entry.event_id, custody_index=step.entry.index)
        if c.lot.importer is not None:
            lot = replace(lot, custodian=c.lot.importer, state="held")
            keep_change(step, c.lot, lots[c.lot.id])
        else:
            lot = replace(lot, state="ended", ended_by=step.entry.event_id, title_offer=None)
        keep_moved(step, lot)
        put_move(step, lot, "custody", c.lot, undoable=True)
    if body.confirmed is not None and standing:
        events = [step.logged(predecessor).event for predecessor in {c.predecessor: None for c in standing}]
        exports = [event for event in events if isinstance(event, Export)]
        arrival_differs(step, body.confirmed, exports, [c.lot.id for c in standing])


def closure(step: Step, event: Closure, *, doubled: bool) -> None:
    actor = event.actor
    if event.body.incident is not None:
        step.logged(event.body.incident)
    claims = claim(
        step,
        on_head=lambda lot, event_id: event_id == lot.custody_head,
        entitled=lambda move: move.sets != "title" and actor in (move.custodian, move.recipient),
    )
    for c in claims:
        if c.stale is None:
            _check_can_close(c.lot, actor)
    standing = settle(step, claims, doubled=doubled, sets=custody_only)
    note_moved(step, [c.lot.id for c in standing])
    for c in standing:
        end(step, c)


def _check_can_close(lot: Lot, actor: PartyId) -> None:
    match lot.state:
        case "held":
            check_holds(lot, actor)
        case "offered":
            if lot.offer is None or lot.offer.recipient != actor:
                reject("not_recipient", f"lot {lot.id} is on offer: only its recipient can close it")
        case "exported":
            if actor not in (lot.custodian, lot.importer):
                reject("not_importer", f"lot {lot.id} is abroad: its exporter or importer closes it")
        case "ended":
            reject("lot_ended", f"lot {lot.id} has ended")
