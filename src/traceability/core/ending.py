"""What every kind that moves a lot shares: may this party move it, keeping it once moved, and ending it."""

from msgspec.structs import replace

from traceability.core.authority import later_day
from traceability.core.claims import Claim, put_move
from traceability.core.ids import PartyId
from traceability.core.lot_records import Aside, Changed, Lot
from traceability.core.outcome import Step, reject


def check_holds(lot: Lot, actor: PartyId) -> None:
    """Rejects unless `actor` has this lot in hand, free to move."""
    if lot.state == "ended":
        reject("lot_ended", f"lot {lot.id} has ended")
    if lot.custodian != actor:
        reject("not_custodian", f"lot {lot.id} is in another party's custody")
    if lot.state == "offered":
        reject("lot_in_transit", f"lot {lot.id} is on offer: its recipient accepts or refuses it first")
    if lot.state == "exported":
        reject("lot_exported", f"lot {lot.id} has left the country: its import comes next")


def keep_moved(step: Step, lot: Lot) -> None:
    """Keeps a lot that this event moved, with the day it is judged on."""
    if step.event.event_time[:10] < later_day(lot.judged_day, -1):
        figures = {"event_day": step.event.event_time[:10], "day_before": lot.judged_day}
        step.note("earlier_than_what_it_follows", "warning", [("lot", lot.id)], figures=figures)
    step.changes["lot", lot.id] = replace(lot, judged_day=step.day) if step.day > lot.judged_day else lot


def end(step: Step, c: Claim) -> None:
    """The lot, as this event has weighed it, ends with it: used up, closed, gone."""
    entry = step.entry.event_id
    lot = replace(
        step.lot(c.lot.id),
        custody_head=entry,
        title_head=entry,
        custody_index=step.entry.index,
        title_index=step.entry.index,
        state="ended",
        ended_by=entry,
        offer=None,
        title_offer=None,
    )
    keep_moved(step, lot)
    put_move(step, lot, "both", c.lot, undoable=True)


def keep_change(step: Step, before: Lot, after: Lot) -> None:
    """Keeps what this event changed about a lot besides moving it, so that a correction can undo it."""
    if before is after:
        return
    was, became = Aside.of(before), Aside.of(after)
    if was != became:
        entry = step.entry.event_id
        step.put("changed", f"{entry}:{before.id}", Changed(entry, after.custodian, was, became))
