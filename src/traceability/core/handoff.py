"""The four acts of a handoff, lot by lot: transfer, acceptance, refusal, withdrawal.

A transfer is open until `accept_by`; meanwhile only its recipient can end it, by acceptance or refusal, and
after that the giver may withdraw alone. So a recipient who accepted offline is never overtaken. Custody and
title are two things: a transfer says which it moves.
"""

from collections.abc import Collection

from msgspec.structs import replace

from traceability.core.authority import day_of, later_day
from traceability.core.claims import Claim, Heads, claim, put_move, settle
from traceability.core.custody_bodies import AcceptanceBody
from traceability.core.ending import check_holds, keep_change, keep_moved
from traceability.core.events import (
    Acceptance,
    Refusal,
    Transfer,
    Withdrawal,
)
from traceability.core.findings.mass import not_weighed
from traceability.core.ids import EventId, LotId, PartyId
from traceability.core.lot_records import Lot, Move, Offer
from traceability.core.mass import look, weigh
from traceability.core.origin import handled
from traceability.core.outcome import Step, reject
from traceability.core.registry_records import Party

OFFER_DAYS_MAX = 60
_TRADERS = frozenset(
    {"miner", "tag_agent", "trader", "transporter", "processor", "warehouse", "exporter", "importer"}
)


def transfer(step: Step, event: Transfer, *, doubled: bool) -> None:
    body, actor = event.body, event.actor
    step.party(body.recipient)
    if body.carrier is not None:
        step.party(body.carrier)
    if body.returns is not None:
        step.logged(body.returns)
    title_only = body.moves == "title"

    def entitled(move: Move) -> bool:
        if title_only:
            return move.sets != "custody" and move.title == actor
        return move.sets != "title" and move.custodian == actor

    claims = claim(
        step,
        on_head=lambda lot, event_id: event_id == (lot.title_head if title_only else lot.custody_head),
        entitled=entitled,
    )
    for c in claims:
        if c.stale is None:
            _check_can_offer(c.lot, actor, title_only=title_only)
    if body.recipient == actor and body.purpose != "own_move":
        reject("to_oneself", "a transfer to oneself is an own_move")
    sets: Heads = "title" if title_only else "custody"
    standing = settle(step, claims, doubled=doubled, sets=lambda _: sets)
    stand = {c.lot.id: None for c in standing}
    lots = weigh(step, body.weighings, {c.lot.id: c.lot for c in claims}, stand)
    accept_by = min(body.accept_by, later_day(day_of(step.entry.record_time), OFFER_DAYS_MAX))
    for c in standing:
        lot = lots[c.lot.id]
        holds_title = c.lot.title == actor
        offer = Offer(step.entry.event_id, actor, body.recipient, body.moves, accept_by, holds_title)
        if title_only:
            lot = replace(
                lot, title_head=step.entry.event_id, title_index=step.entry.index, title_offer=offer
            )
        else:
            lot = replace(
                lot,
                custody_head=step.entry.event_id,
                custody_index=step.entry.index,
                offer=offer,
                state="offered",
            )
            if body.moves == "both" and not holds_title:
                step.note("title_not_held", "warning", [("lot", lot.id)], figures={"title": lot.title})
        keep_moved(step, lot)
        put_move(step, lot, sets, c.lot, giver=actor, recipient=body.recipient)
    handled(step, event, list(stand))
    _note_missing_role(step, actor)


def _check_can_offer(lot: Lot, actor: PartyId, *, title_only: bool) -> None:
    if title_only:
        if lot.title != actor:
            reject("not_title_holder", f"title in lot {lot.id} is another party's")
        if lot.state == "ended":
            reject("lot_ended", f"lot {lot.id} has ended")
        if lot.title_offer is not None:
            reject("title_on_offer", f"title in lot {lot.id} is on offer already; it is the recipient's turn")
        return
    check_holds(lot, actor)


def _offer_of(lot: Lot, event_id: EventId) -> Offer | None:
    for offer in (lot.offer, lot.title_offer):
        if offer is not None and offer.event == event_id:
            return offer
    return None


def answer(step: Step, event: Acceptance | Refusal | Withdrawal, *, doubled: bool) -> None:
    actor = event.actor
    withdrawing = isinstance(event, Withdrawal)

    def entitled(move: Move) -> bool:
        return move.giver is not None and (move.giver if withdrawing else move.recipient) == actor

    def sets(c: Claim) -> Heads:
        offer = _offer_of(c.lot, c.predecessor)
        of_title = c.stale.sets == "title" if c.stale else offer is not None and offer.moves == "title"
        return "title" if of_title else "custody"

    claims = claim(
        step,
        on_head=lambda lot, event_id: _offer_of(lot, event_id) is not None,
        entitled=entitled,
    )
    for c in claims:
        offer = _offer_of(c.lot, c.predecessor)
        if offer is None:
            continue
        if withdrawing:
            if offer.giver != actor:
                reject("not_giver", f"lot {c.lot.id} was offered by another party")
            if day_of(step.entry.record_time) <= offer.accept_by:
                reject("still_open", f"the recipient has until {offer.accept_by}; withdraw after that day")
        elif offer.recipient != actor:
            reject("not_recipient", f"lot {c.lot.id} is offered to another party")
    standing = settle(step, claims, doubled=doubled, sets=sets)
    weighings = None if isinstance(event, Withdrawal) else event.body.weighings
    moved, stand = {c.lot.id: c.lot for c in claims}, {c.lot.id: None for c in standing}
    if isinstance(event, Acceptance):
        lots = look(step, moved, stand, weighings, event.body.assays, event.body.moistures)
    else:
        lots = weigh(step, weighings, moved, stand)
    weighed = {lot for weighing in weighings or () for lot in weighing.lots or ()}
    for c in standing:
        offer = _offer_of(c.lot, c.predecessor)
        assert offer is not None
        lot = lots[c.lot.id]
        if isinstance(event, Acceptance):
            _accept(step, c, lot, offer)
            if offer.moves != "title":
                step.notice("not_weighed", not_weighed(c.lot.id in weighed), [("lot", lot.id)])
        else:
            keep_change(step, c.lot, lot)
            _give_back(step, c, lot, offer)
    if isinstance(event, Acceptance):
        _note_conditions(step, event.body, stand)
        handled(step, event, list(stand))
        _note_missing_role(step, actor)


def _accept(step: Step, c: Claim, lot: Lot, offer: Offer) -> None:
    entry, index = step.entry.event_id, step.entry.index
    if offer.moves == "title":
        lot = replace(lot, title=offer.recipient, title_head=entry, title_index=index, title_offer=None)
        sets: Heads = "title"
    elif offer.moves == "both" and offer.carries_title and lot.title == offer.giver:
        lot = replace(
            lot,
            custodian=offer.recipient,
            title=offer.recipient,
            custody_head=entry,
            title_head=entry,
            custody_index=index,
            title_index=index,
            state="held",
            offer=None,
            title_offer=None,
        )
        sets = "both"
    else:
        lot = replace(
            lot,
            custodian=offer.recipient,
            custody_head=entry,
            custody_index=index,
            state="held",
            offer=None,
        )
        sets = "custody"
    keep_moved(step, lot)
    put_move(step, lot, sets, c.lot)


def _give_back(step: Step, c: Claim, lot: Lot, offer: Offer) -> None:
    entry, index = step.entry.event_id, step.entry.index
    if offer.moves == "title":
        lot = replace(lot, title_head=entry, title_index=index, title_offer=None)
        sets: Heads = "title"
    else:
        lot = replace(lot, custody_head=entry, custody_index=index, state="held", offer=None)
        sets = "custody"
    keep_moved(step, lot)
    put_move(step, lot, sets, c.lot, undoable=True)


def _note_conditions(step: Step, body: AcceptanceBody, standing: Collection[LotId]) -> None:
    for condition in body.conditions or ():
        bad = {
            name: state
            for name, state in (
                ("seal", condition.seal),
                ("tag", condition.tag),
                ("package", condition.package),
            )
            if state not in (None, "intact")
        }
        lots = [("lot", lot) for lot in condition.lots if lot in standing]
        if bad and lots:
            step.note("not_intact_on_arrival", "warning", lots, figures=bad)


def _note_missing_role(step: Step, actor: PartyId) -> None:
    party = step.find("party", actor, Party)
    if party is not None and _TRADERS.isdisjoint(party.roles) and "regulator" not in party.roles:
        step.note("no_role_in_trade", "warning", [("party", actor)])
