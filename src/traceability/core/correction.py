"""Corrections: an event was wrong. Nothing is edited; the lots become what they would be without it.

`did_not_occur` is possible while nothing stands on the event, and never for transfer, acceptance,
reassignment and export, which end by their own kinds. A loser may always say so of its own event without
effect: that settles the dispute. `incorrect_data` changes tags, seals and numbers of a lot that is still
whole and in the same hands, from its place in the log on.
"""

import re

from msgspec.structs import replace

from traceability.core.authority import is_authority
from traceability.core.custody_bodies import CorrectedField
from traceability.core.events import (
    Closure,
    Correction,
    Event,
    Import,
    Inspection,
    Intake,
    Production,
    Refusal,
    Retagging,
    Transformation,
    Withdrawal,
)
from traceability.core.ids import EventId, LotId
from traceability.core.outcome import Step, reject
from traceability.core.state import Act, LogEntry, Lot, Move
from traceability.core.tagging import put_on, take_off

_TAG = re.compile(r"/(?:lots|outputs)/(0|[1-9][0-9]{0,2})/tags/(0|[1-9][0-9]?)\Z")
_SEAL = re.compile(r"/(?:lots|outputs)/(0|[1-9][0-9]{0,2})/seals/(0|[1-9][0-9]?)\Z")
_NUMBER = re.compile(r"/(?:lots|outputs)/(0|[1-9][0-9]{0,2})/lot_number\Z")
_RETAG = re.compile(r"/tags_on/(0|[1-9][0-9]?)\Z")


def apply(step: Step, event: Correction, *, doubled: bool) -> None:
    """Judges a correction whose signer has been admitted."""
    body = event.body
    target = step.logged(body.event)
    signer = step.party(event.actor)
    own = {target.event.party, target.event.actor}
    if not {event.party, event.actor} & own and not is_authority(signer):
        reject("not_your_event", "an event is corrected by its signer, or by an authority")
    for other in body.by or ():
        step.logged(other)
    if doubled:
        step.stands = False
        return
    if body.reason == "did_not_occur":
        _undo(step, target)
    else:
        for field in body.fields_ or ():
            _put_right(step, target, field)
    act = step.find("act", target.event_id, Act) or Act(target.event_id)
    step.put("act", act.event, replace(act, corrections=(*act.corrections, step.entry.event_id)))


# It did not occur


def _undo(step: Step, target: LogEntry) -> None:
    event = target.event
    lots = [*(lot for _, lot in event.moved), *event.made]
    lost = [move for lot in lots if (move := step.move(target.event_id, lot)) is not None and not move.stands]
    if lost:
        for move in lost:
            lot = step.find("lot", move.lot, Lot)
            if lot is not None:
                disputed = tuple(known for known in lot.disputed if known != target.event_id)
                step.put("lot", lot.id, replace(lot, disputed=disputed))
        if len(lost) == len(list(event.moved)):
            return
    if not target.stands:
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
        case Retagging():
            _untag(step, event)
        case Inspection():
            if event.body.weighings or event.body.sample:
                reject("not_correctable", "its readings are booked already; record a new inspection instead")
        case _:
            reject(
                "not_correctable", f"a {event.kind} is ended by an event of its own kind, not by a correction"
            )


def _unmake(step: Step, event_id: EventId, lot_id: LotId) -> None:
    lot = step.lot(lot_id)
    if not lot.custody_head == lot.title_head == event_id or lot.state != "held":
        reject("stands_on_it", f"lot {lot_id} has moved on since; what came after would lose its ground")
    take_off(step, lot_id, lot.tags)
    step.put("lot", lot_id, replace(lot, state="ended", ended_by=step.entry.event_id, tags=()))


def _bring_back(step: Step, target: LogEntry) -> None:
    for _, lot_id in target.event.moved:
        move = step.move(target.event_id, lot_id)
        if move is None or not move.stands:
            continue
        lot = step.lot(lot_id)
        before = move.before
        heads = (lot.custody_head, lot.title_head)
        if before is None or target.event_id not in heads:
            reject("stands_on_it", f"lot {lot_id} has moved on since; what came after would lose its ground")
        back = replace(before, place=lot.place, disputed=lot.disputed, pools=lot.pools, tags=lot.tags)
        step.put("lot", lot_id, back)
        step.put("move", f"{target.event_id}:{lot_id}", _without_effect(move))


def _without_effect(move: Move) -> Move:
    """The move as it counts after the correction: its predecessor is the lot's head again."""
    return replace(move, stands=False, before=None)


def _untag(step: Step, event: Retagging) -> None:
    body = event.body
    if body.weighing or body.spilled:
        reject(
            "not_correctable", "its mass is booked already; record the tags as they are by a new retagging"
        )
    lot = step.lot(body.lot)
    on = body.tags_on or []
    if lot.state == "ended" or not set(on) <= set(lot.tags):
        reject("stands_on_it", f"lot {lot.id} has changed since; record its tags by a new retagging")
    take_off(step, lot.id, on)
    off = [tag.tag for tag in body.tags_off or ()]
    put_on(step, lot.id, off)
    tags = (*(tag for tag in lot.tags if tag not in on), *off)
    step.put("lot", lot.id, replace(lot, tags=tags))


# It said something wrong


def _put_right(step: Step, target: LogEntry, field: CorrectedField) -> None:
    event = target.event
    position, old = _what_stands(event, field.path)
    if old is None or not isinstance(field.is_, str):
        reject(
            "not_correctable",
            f"{field.path} cannot be corrected: tags, seals and lot numbers of a whole lot can",
        )
    lot_id = event.body.lot if isinstance(event, Retagging) else event.made[position]
    lot = step.lot(lot_id)
    move = step.move(target.event_id, lot_id)
    if lot.state == "ended" or (move is not None and move.custodian != lot.custodian):
        reject(
            "not_whole_in_same_hands", f"lot {lot_id} has changed or changed hands since; the record stays"
        )
    if "/tags" in field.path:
        if old not in lot.tags:
            reject("not_whole_in_same_hands", f"the tag {old} is not on lot {lot_id} any more")
        take_off(step, lot_id, [old])
        put_on(step, lot_id, [field.is_])
        lot = replace(lot, tags=tuple(field.is_ if tag == old else tag for tag in lot.tags))
    elif "/seals/" in field.path:
        lot = replace(lot, seals=tuple(field.is_ if seal == old else seal for seal in lot.seals))
    else:
        lot = replace(lot, lot_number=field.is_)
    step.put("lot", lot_id, lot)


def _what_stands(event: Event, path: str) -> tuple[int, str | None]:
    """Which of the event's lots a path is about, and what the event said there; None where it may not change."""
    match event:
        case Retagging():
            on = event.body.tags_on or []
            found = _RETAG.match(path)
            return (0, on[int(found[1])]) if found and int(found[1]) < len(on) else (0, None)
        case Production() | Intake():
            lots, root = event.body.lots, "/lots/"
        case Transformation():
            lots, root = event.body.outputs, "/outputs/"
        case _:
            return 0, None
    if not path.startswith(root):
        return 0, None
    for pattern, values in ((_TAG, "tags"), (_SEAL, "seals")):
        found = pattern.match(path)
        if found and int(found[1]) < len(lots):
            listed = getattr(lots[int(found[1])], values) or []
            return int(found[1]), listed[int(found[2])] if int(found[2]) < len(listed) else None
    found = _NUMBER.match(path)
    if found and int(found[1]) < len(lots):
        return int(found[1]), lots[int(found[1])].lot_number or ""
    return 0, None
