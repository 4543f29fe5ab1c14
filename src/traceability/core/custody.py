"""The fold over custody: who holds each lot, who holds title, what is on offer, and what moved it last.

A lot has one custodian at any time. Custody and title are two things with a head each: the event that moved
it last. An event names, for every lot it moves, the head it builds on. On the head it stands; on an earlier
event, by somebody who was entitled to go on from there, it is logged *without effect*: two successors of one
state are evidence, and accuse neither side. Handoffs are judged lot by lot, transformations as a whole.

Order of judgement: something unknown makes the whole event wait; a predecessor without effect, or a lot the
signer was never entitled to act on, rejects it; then each lot is judged.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from traceability.core import correction, handoff, leaving, origin, transformation
from traceability.core.authority import check_site_delegation, lacks_role, site_delegation
from traceability.core.begin import begin, begin_nothing
from traceability.core.claims import Claim, put_move, settle
from traceability.core.custody_bodies import InspectionBody
from traceability.core.ending import keep_change, keep_moved
from traceability.core.events import (
    Acceptance,
    Closure,
    Correction,
    Export,
    Import,
    Inspection,
    Intake,
    Production,
    Reassignment,
    Refusal,
    Retagging,
    Transfer,
    Transformation,
    Withdrawal,
)
from traceability.core.findings import holds
from traceability.core.ids import LotId, PartyId
from traceability.core.lot_records import Lot
from traceability.core.mass import look, read, take_out, weigh
from traceability.core.outcome import Step, reject
from traceability.core.registry_records import Site
from traceability.core.tagging import put_on, take_off

CustodyEvent = (
    Transfer  # the most frequent first
    | Acceptance
    | Production
    | Transformation
    | Refusal
    | Withdrawal
    | Intake
    | Reassignment
    | Retagging
    | Inspection
    | Export
    | Import
    | Closure
    | Correction
)


def apply(step: Step, event: CustodyEvent, *, doubled: bool) -> None:
    """Judges one custody event whose signer has been admitted; `doubled`: its number was used before."""
    match event:
        case Transfer():
            handoff.transfer(step, event, doubled=doubled)
        case Acceptance() | Refusal() | Withdrawal():
            handoff.answer(step, event, doubled=doubled)
        case Production():
            _production(step, event, doubled=doubled)
        case Intake():
            _intake(step, event, doubled=doubled)
        case Export():
            leaving.export(step, event, doubled=doubled)
        case Import():
            leaving.import_(step, event, doubled=doubled)
        case Closure():
            leaving.closure(step, event, doubled=doubled)
        case Transformation():
            transformation.apply(step, event, doubled=doubled)
        case Reassignment():
            _reassignment(step, event, doubled=doubled)
        case Retagging():
            _retagging(step, event, doubled=doubled)
        case Inspection():
            _inspection(step, event, doubled=doubled)
        case Correction():
            correction.apply(step, event, doubled=doubled)


# Lots begin


def _production(step: Step, event: Production, *, doubled: bool) -> None:
    body = event.body
    site = None if body.site is None else step.need("site", body.site, Site)
    if body.producer is not None:
        step.party(body.producer)
    delegation = site_delegation(step)
    if delegation is not None and delegation.site != body.site:
        reject("delegation_does_not_cover", "the delegation is for production at another site")
    actor = step.party(event.actor)
    if body.producer is None and "miner" not in actor.roles and "/miner" not in event.committed:
        reject(
            "miner_not_named", "say who dug it: name the producer, or seal /miner where he is not enrolled"
        )
    named = {party for party in (body.producer, body.acting_for, event.party) if party is not None}
    custodian = body.custodian or body.producer or body.acting_for or event.party
    if custodian not in named:
        reject("stranger_as_custodian", "custodian names the signer, the party acted for, or the producer")
    if doubled:
        begin_nothing(step)
        return
    for position, new in enumerate(body.lots):
        title = new.title or custodian
        if title not in named:
            reject("stranger_as_title_holder", "title names the signer, the party acted for, or the producer")
        begin(
            step,
            position,
            new,
            origin="production",
            custodian=custodian,
            title=title,
            producer=body.producer or event.actor,
            site=body.site,
        )
    origin.produced(step, event, site)


def _intake(step: Step, event: Intake, *, doubled: bool) -> None:
    if doubled:
        begin_nothing(step)
        return
    for position, new in enumerate(event.body.lots):
        title = new.title or event.actor
        step.party(title)
        begin(
            step,
            position,
            new,
            origin="intake",
            whence=event.body.origin,
            custodian=event.actor,
            title=title,
            producer=event.actor,
            site=None,
        )
    step.note("intake_not_approved", "notice", [("lot", lot) for lot in event.made])
    origin.taken_in(step, event)


# What takes lots as they stand


def _reassignment(step: Step, event: Reassignment, *, doubled: bool) -> None:
    body = event.body
    actor = step.party(event.actor)
    if body.ground not in ("estate", "lost_key") and lacks_role(actor, ("regulator", "inspectorate")):
        reject("role_missing", "a registrar reassigns only for an estate or a lost key")
    step.party(body.to)
    lots = {lot: step.lot(lot) for lot in body.lots}
    for lot in lots.values():
        if lot.state == "ended":
            reject("lot_ended", f"lot {lot.id} has ended")
    if doubled:
        as_they_stand = [Claim(lot, lot.custody_head, None) for lot in lots.values()]
        settle(step, as_they_stand, doubled=True, sets=lambda _: body.moves)
        return
    entry, index = step.entry.event_id, step.entry.index
    for lot_id, lot in weigh(step, body.weighings, lots).items():
        taken = lot
        if body.moves != "title":
            taken = replace(
                taken,
                custodian=body.to,
                custody_head=entry,
                custody_index=index,
                state="held",
                offer=None,
            )
        if body.moves != "custody":
            taken = replace(taken, title=body.to, title_head=entry, title_index=index, title_offer=None)
        if body.ground == "court":
            taken = replace(taken, disputed=())
        step.fates[lot_id] = True
        keep_moved(step, taken)
        put_move(step, taken, body.moves, lot)


def _retagging(step: Step, event: Retagging, *, doubled: bool) -> None:
    body = event.body
    lot = step.lot(body.lot)
    actor = step.party(event.actor)
    check_site_delegation(step, lot, lot.custodian)
    if actor.id != lot.custodian and lacks_role(actor, ("tag_agent",)):
        reject("not_custodian", "a lot is retagged by its custodian or by a tag agent")
    if lot.state == "ended":
        reject("lot_ended", f"lot {lot.id} has ended")
    off = [tag.tag for tag in body.tags_off or ()]
    for tag in off:
        if tag not in lot.tags:
            reject("tag_not_on_lot", f"the tag {tag} is not on lot {lot.id}")
    if doubled:
        step.stands = False
        return
    holds.note_moved(step, [lot.id])
    take_off(step, lot.id, off)
    put_on(step, lot.id, body.tags_on or [])
    tags = (*(tag for tag in lot.tags if tag not in off), *(body.tags_on or ()))
    before = lot
    seals = tuple(body.seals) if body.seals else lot.seals
    lot = replace(lot, tags=tuple(dict.fromkeys(tags)), seals=seals)
    if body.spilled is not None:
        lot = take_out(step, lot, body.spilled.exact)
    if body.weighing is not None:
        net = body.weighing.net
        lot = read(step, lot, net.mass_ug, net.exact, body.weighing)
    step.put("lot", lot.id, lot)
    keep_change(step, before, lot)


_INSPECTORS = frozenset({"inspectorate", "laboratory", "processor", "certifier", "auditor", "tag_agent"})


def _inspection(step: Step, event: Inspection, *, doubled: bool) -> None:
    body = event.body
    actor = step.party(event.actor)
    named = [*(body.lots or ()), *(body.missing or ()), *(body.surplus or ())]
    lots = {lot: step.lot(lot) for lot in named}
    if body.party is not None:
        step.party(body.party)
    for lot in lots.values():
        check_site_delegation(step, lot, lot.custodian)
    if not _is_own(body, lots, actor.id) and lacks_role(actor, _INSPECTORS):
        reject("role_missing", "lots are inspected by their custodian, a laboratory or an authority")
    if doubled:
        step.stands = False
        return
    open_lots = [lot.id for lot in lots.values() if lot.state != "ended"]
    before = lots
    lots = look(step, lots, open_lots, body.weighings, body.assays, body.moistures)
    if body.sample is not None:
        (lot,) = (lots[lot] for lot in body.lots or ())
        if lot.state == "ended":
            reject("lot_ended", f"lot {lot.id} has ended: nothing can be taken out of it")
        lots[lot.id] = take_out(step, lot, body.sample.mass.exact)
    for lot_id in open_lots:
        step.put("lot", lot_id, lots[lot_id])
        keep_change(step, before[lot_id], lots[lot_id])


def _is_own(body: InspectionBody, lots: Mapping[LotId, Lot], actor: PartyId) -> bool:
    """Whether a custodian looks at what is his: his stock, or lots he holds and no others are weighed."""
    if body.type == "stock_count":
        about = {lot for weighing in body.weighings or () for lot in weighing.lots or ()} | set(
            body.lots or ()
        )
        return body.party == actor and all(lots[lot].custodian == actor for lot in about if lot in lots)
    return bool(lots) and all(lot.custodian == actor for lot in lots.values())
