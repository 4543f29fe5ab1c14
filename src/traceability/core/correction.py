"""Corrections: an event was wrong. Nothing is edited; the lots become what they would be without it.

`did_not_occur` is possible while nothing stands on the event, and never for transfer, acceptance,
reassignment and export, which end by their own kinds. A loser may always say so of its own event without
effect: that settles the dispute, and nobody else can say it for him. What `incorrect_data` does is in
`amendment`.
"""

import msgspec
from msgspec.structs import replace

from traceability.core import amendment
from traceability.core.authority import AUTHORITY_ROLES, lacks_role
from traceability.core.events import (
    Closure,
    Correction,
    Event,
    Import,
    Inspection,
    Intake,
    Payment,
    Production,
    Refusal,
    Retagging,
    Transformation,
    Withdrawal,
)
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Aside, Before, Changed, Lot, Move
from traceability.core.naming import lots_named
from traceability.core.outcome import Step, reject
from traceability.core.registry_records import Act
from traceability.core.state import LogEntry
from traceability.core.tagging import put_on, take_off


def apply(step: Step, event: Correction, *, doubled: bool) -> None:
    """Judges a correction whose signer has been admitted."""
    body = event.body
    target = step.logged(body.event)
    for other in body.by or ():
        step.logged(other)
    own = bool({event.party, event.actor} & {target.event.party, target.event.actor})
    if not own and lacks_role(step.party(event.actor), AUTHORITY_ROLES):
        reject("not_your_event", "an event is corrected by its signer, or by an authority")
    if doubled:
        step.stands = False
        return
    if body.reason == "did_not_occur":
        _undo(step, target, own=own)
    else:
        amendment.apply(step, target, event)
    act = step.find("act", target.event_id, Act) or Act(target.event_id)
    step.put("act", act.event, replace(act, corrections=(*act.corrections, step.entry.event_id)))


def _undo(step: Step, target: LogEntry, *, own: bool) -> None:
    event = target.event
    settled = own and _settle(step, target)
    if not target.stands:
        if not own:
            reject("not_your_event", "that an event without effect did not occur only its signer can say")
        return
    match event:
        case Production() | Intake():
            for lot_id in event.made:
                _unmake(step, target.event_id, lot_id)
        case Transformation():
            for lot_id in event.made:
                _unmake(step, target.event_id, lot_id)
            _bring_back(step, target)
        case Refusal() | Withdrawal() | Closure() | Import():
            _bring_back(step, target)
        case Retagging() | Inspection():
            _change_back(step, target)
        case Payment():
            pass  # it changed nothing that could be brought back
        case _ if settled:
            pass
        case _:
            reject(
                "not_correctable", f"a {event.kind} is ended by an event of its own kind, not by a correction"
            )


def _settle(step: Step, target: LogEntry) -> bool:
    """Ends the dispute over each lot on which the event is without effect; whether there is any."""
    lost = False
    for lot_id in _lots(target.event):
        move = step.move(target.event_id, lot_id)
        lot = step.find("lot", lot_id, Lot)
        if move is not None and not move.stands and lot is not None:
            lost = True
            disputed = tuple(known for known in lot.disputed if known != target.event_id)
            step.put("lot", lot_id, replace(lot, disputed=disputed))
    return lost


def _lots(event: Event) -> list[str]:
    return [*(lot for _, lot in event.moved), *lots_named(event.body)]


def _unmake(step: Step, event_id: EventId, lot_id: LotId) -> None:
    lot = step.lot(lot_id)
    if not lot.custody_head == lot.title_head == event_id or lot.state != "held":
        _stands_on_it(lot_id)
    take_off(step, lot_id, lot.tags)
    step.put("lot", lot_id, replace(lot, state="ended", ended_by=step.entry.event_id, tags=()))


def _bring_back(step: Step, target: LogEntry) -> None:
    """The lots as they would stand had the event not moved them."""
    for _, lot_id in target.event.moved:
        move = step.move(target.event_id, lot_id)
        if move is None or not move.stands:
            continue
        lot, before = step.lot(lot_id), move.before
        assert before is not None, "the kinds that can be undone keep what was"
        if lot.ended_by == target.event_id:
            lot = _revived(lot, before)
        else:
            lot = _hand_back(step, target.event_id, move, lot, before)
        step.put("lot", lot_id, lot)
        undone = replace(move, stands=False, custody_after=None, title_after=None, before=None)
        step.put("move", f"{target.event_id}:{lot_id}", undone)


def _revived(lot: Lot, before: Before) -> Lot:
    """A lot that had ended, as it was before."""
    lot = replace(
        lot,
        state=before.state,
        custodian=before.custodian,
        custody_head=before.custody_head,
        custody_index=before.custody_index,
        title_head=before.title_head,
        title_index=before.title_index,
        judged_day=before.judged_day,
        offer=before.offer,
        title_offer=before.title_offer,
        ended_by=None,
    )
    return lot if before.aside is None else replace(lot, **msgspec.structs.asdict(before.aside))


def _hand_back(step: Step, event_id: EventId, move: Move, lot: Lot, before: Before) -> Lot:
    """The lot with the head this event took given back; what has happened to it otherwise stays."""
    if event_id != (lot.title_head if move.sets == "title" else lot.custody_head):
        _stands_on_it(lot.id)
    changed = step.find("changed", f"{event_id}:{lot.id}", Changed)
    if changed is not None:
        lot = _as_before(step, lot, changed)
    if move.sets == "title":
        alone = lot.custody_head == before.custody_head
        offer = None if lot.state == "exported" else before.title_offer
        lot = replace(lot, title_head=before.title_head, title_index=before.title_index, title_offer=offer)
    else:
        alone = lot.title_head == before.title_head
        lot = replace(
            lot,
            custody_head=before.custody_head,
            custody_index=before.custody_index,
            custodian=before.custodian,
            state=before.state,
            offer=before.offer,
        )
    return replace(lot, judged_day=before.judged_day) if alone else lot


def _change_back(step: Step, target: LogEntry) -> None:
    for lot_id in _lots(target.event):
        lot = step.lot(lot_id)
        address = f"{target.event_id}:{lot_id}"
        changed = step.find("changed", address, Changed)
        if changed is None:
            continue
        if lot.state == "ended":
            _stands_on_it(lot_id)
        step.put("lot", lot_id, _as_before(step, lot, changed))
        step.put("changed", address, replace(changed, after=changed.before))


def _as_before(step: Step, lot: Lot, changed: Changed) -> Lot:
    """The lot with each thing the event changed as it was, where nothing has changed it since."""
    before, after = changed.before, changed.after
    back = {}
    for name in Aside.__struct_fields__:
        was, became = getattr(before, name), getattr(after, name)
        if was != became:
            if getattr(lot, name) != became:
                _stands_on_it(lot.id)
            back[name] = was
    if "tags" in back:
        take_off(step, lot.id, [tag for tag in after.tags if tag not in before.tags])
        put_on(step, lot.id, [tag for tag in before.tags if tag not in after.tags])
    return replace(lot, **back)


def _stands_on_it(lot_id: str) -> None:
    reject("stands_on_it", f"lot {lot_id} has moved or changed since; what came after would lose its ground")
