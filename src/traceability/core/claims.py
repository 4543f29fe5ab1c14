"""Claims: a lot an event moves, on the head it stands on, and what happens where it does not stand.

`claim` finds out for each lot whether the event builds on the lot's head or on an earlier event; `settle`
logs without effect whatever cannot stand, and gives back what can. Nothing here knows kinds of events.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from traceability.core.authority import check_site_delegation, site_delegation
from traceability.core.ids import EventId, LotId, PartyId
from traceability.core.lot_records import Before, Lot, Move
from traceability.core.outcome import RejectedStep, Step, WaitsFor, reject

Heads = Literal["custody", "title", "both"]


class Claim(NamedTuple):
    """One lot an event wants to move."""

    lot: Lot
    predecessor: EventId
    stale: Move | None
    """The predecessor's move, where the lot has moved on since."""


def claim(
    step: Step,
    *,
    on_head: Callable[[Lot, EventId], bool],
    entitled: Callable[[Move], bool],
) -> list[Claim]:
    """The event's lots, those on their heads first.

    Waits for what is unknown; rejects the event for a lot that was never its signer's.
    """
    claims, doubtful = [], []
    for event_id, lot_id in step.event.moved:
        lot = step.find("lot", lot_id, Lot)
        if lot is not None and on_head(lot, event_id):
            claims.append(Claim(lot, event_id, None))
        else:
            doubtful.append((lot, _move(step, lot, event_id, lot_id), event_id, lot_id))
    for lot, move, event_id, lot_id in doubtful:
        if lot is None or (move is not None and not move.stands):
            reject(
                "predecessor_without_effect", f"the event {event_id[:12]} is without effect on lot {lot_id}"
            )
        if move is None:
            reject("not_its_lot", f"the event {event_id[:12]} named as previous did not move lot {lot_id}")
        if not entitled(move):
            reject("not_custodian", f"it was never this party's to act on lot {lot_id} after {event_id[:12]}")
        claims.append(Claim(lot, event_id, move))
    if site_delegation(step) is not None:
        for c in claims:
            check_site_delegation(step, c.lot, c.stale.custodian if c.stale else c.lot.custodian)
    return claims


def _move(step: Step, lot: Lot | None, event_id: EventId, lot_id: LotId) -> Move | None:
    """What the predecessor did to a lot whose head it is not; the event waits where lot or event is unknown."""
    if lot is None:
        if step.logged(event_id).stands:
            raise RejectedStep(WaitsFor("lot", lot_id))
        return None
    move = step.move(event_id, lot_id)
    if move is None:
        step.logged(event_id)
    return move


def settle(
    step: Step,
    claims: Sequence[Claim],
    *,
    doubled: bool,
    sets: Callable[[Claim], Heads],
    whole: bool = False,
) -> list[Claim]:
    """Logs without effect what cannot stand and gives back the claims that do.

    `sets`: which heads of a lot the event would become. `doubled`: the event's number was used before, so nothing stands. `whole`: one stale lot puts the whole
    event without effect. Rejects the event where nothing stands and nothing is new evidence either.
    """
    stale = [c for c in claims if c.stale is not None]
    standing = [] if doubled or (whole and stale) else [c for c in claims if c.stale is None]
    if (
        not standing
        and not doubled
        and not step.entry.partial  # then it may stand, or be new evidence, on lots left out here
        and all(step.event.key in (c.stale.late if c.stale else ()) for c in stale)
    ):
        reject(
            "stale_predecessor",
            "this key has already signed another successor of the same event; that one is logged as evidence",
        )
    stands = {c.lot.id for c in standing}
    for c in claims:
        if c.lot.id in stands:
            step.fates[c.lot.id] = True
        else:
            _without_effect(step, c, sets(c), disputed=doubled or c.stale is not None)
    step.stands = bool(standing)
    return standing


def _without_effect(step: Step, c: Claim, sets: Heads, *, disputed: bool) -> None:
    entry = step.entry.event_id
    step.fates[c.lot.id] = False
    if c.stale is not None:
        late = replace(c.stale, late=(*c.stale.late, step.event.key))
        step.put("move", f"{c.predecessor}:{c.lot.id}", late)
    put_move(step, c.lot, sets, c.lot, stands=False)
    if disputed:
        step.put("lot", c.lot.id, replace(c.lot, disputed=(*c.lot.disputed, entry)))
        other = c.lot.title if sets == "title" else c.lot.custodian
        figures = {"party": step.event.actor, "other_party": other}
        step.note("double_issue", "severe", [("lot", c.lot.id)], events=(c.predecessor,), figures=figures)


def custody_only(_: Claim) -> Heads:
    """For `settle`: an event that moves custody alone."""
    return "custody"


def put_move(
    step: Step,
    lot: Lot,
    sets: Heads,
    was: Lot | None,
    *,
    stands: bool = True,
    giver: PartyId | None = None,
    recipient: PartyId | None = None,
    undoable: bool = False,
) -> None:
    """Keeps what this event did (or would have done) to the heads of `lot`, given as it stands afterwards.

    `was` is the lot before, whose heads it took; None for a lot that begins. `undoable`: a correction may have
    to bring that back.
    """
    took = was if stands else None
    step.changes["move", f"{step.entry.event_id}:{lot.id}"] = Move(
        event=step.entry.event_id,
        lot=lot.id,
        sets=sets,
        custody_after=None if took is None or sets == "title" else took.custody_index,
        title_after=None if took is None or sets == "custody" else took.title_index,
        stands=stands,
        custodian=lot.custodian,
        title=lot.title,
        giver=giver,
        recipient=recipient,
        before=Before.of(was, lot if lot.state == "ended" else None) if was and undoable else None,
    )
