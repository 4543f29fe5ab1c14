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

from traceability.core import correction, transformation
from traceability.core.authority import check_site_delegation, day_of, lacks_role, later_day, site_delegation
from traceability.core.begin import begin, begin_nothing
from traceability.core.claims import Claim, Heads, claim, custody_only, put_move, settle
from traceability.core.custody_bodies import AcceptanceBody, InspectionBody
from traceability.core.ending import check_holds, end, keep_change, keep_moved
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
from traceability.core.ids import EventId, LotId, PartyId
from traceability.core.mass import read, take_out, weigh
from traceability.core.outcome import Step, reject
from traceability.core.state import Lot, Move, Offer, Party, Site
from traceability.core.tagging import put_on, take_off

CustodyEvent = (
    Production
    | Intake
    | Transfer
    | Acceptance
    | Refusal
    | Withdrawal
    | Reassignment
    | Transformation
    | Retagging
    | Inspection
    | Export
    | Import
    | Closure
    | Correction
)
OFFER_DAYS_MAX = 60
_TRADERS = frozenset(
    {"miner", "tag_agent", "trader", "transporter", "processor", "warehouse", "exporter", "importer"}
)


def apply(step: Step, event: CustodyEvent, *, doubled: bool) -> None:
    """Judges one custody event whose signer has been admitted; `doubled`: its number was used before."""
    match event:
        case Production():
            _production(step, event, doubled=doubled)
        case Intake():
            _intake(step, event, doubled=doubled)
        case Transfer():
            _transfer(step, event, doubled=doubled)
        case Acceptance() | Refusal() | Withdrawal():
            _answer(step, event, doubled=doubled)
        case Export():
            _export(step, event, doubled=doubled)
        case Import():
            _import(step, event, doubled=doubled)
        case Closure():
            _closure(step, event, doubled=doubled)
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
    if body.site is not None:
        step.need("site", body.site, Site)
    if body.producer is not None:
        step.party(body.producer)
    delegation = site_delegation(step)
    if delegation is not None and delegation.site != body.site:
        reject("delegation_does_not_cover", "the delegation is for production at another site")
    sealed = {path for path, _ in event.sealed}
    actor = step.party(event.actor)
    if body.producer is None and "miner" not in actor.roles and "/miner" not in sealed:
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
    if body.site is None:
        step.note("no_registered_site", "warning", [("lot", lot) for lot in event.made])


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


# Handoffs, lot by lot


def _transfer(step: Step, event: Transfer, *, doubled: bool) -> None:
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
    lots = weigh(step, body.weighings, {c.lot.id: c.lot for c in claims}, {c.lot.id for c in standing})
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


def _answer(step: Step, event: Acceptance | Refusal | Withdrawal, *, doubled: bool) -> None:
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
    lots = weigh(step, weighings, {c.lot.id: c.lot for c in claims}, {c.lot.id for c in standing})
    weighed = {lot for weighing in weighings or () for lot in weighing.lots or ()}
    for c in standing:
        offer = _offer_of(c.lot, c.predecessor)
        assert offer is not None
        lot = lots[c.lot.id]
        if isinstance(event, Acceptance):
            _accept(step, c, lot, offer)
            if offer.moves != "title" and c.lot.id not in weighed:
                step.note("not_weighed", "notice", [("lot", lot.id)])
        else:
            keep_change(step, c.lot, lot)
            _give_back(step, c, lot, offer)
    if isinstance(event, Acceptance):
        _note_conditions(step, event.body, {c.lot.id for c in standing})
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


def _note_conditions(step: Step, body: AcceptanceBody, standing: set[LotId]) -> None:
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
    if party is not None and not _TRADERS & set(party.roles) and "regulator" not in party.roles:
        step.note("no_role_in_trade", "warning", [("party", actor)])


# Lots leave


def _export(step: Step, event: Export, *, doubled: bool) -> None:
    body, actor = event.body, event.actor
    for draw in body.certificates or ():
        step.logged(draw.certificate)
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
    lots = weigh(step, body.weighings, {c.lot.id: c.lot for c in claims}, {c.lot.id for c in standing})
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
    if "exporter" not in step.party(actor).roles:
        step.note("no_exporter_role", "warning", [("party", actor)])


def _import(step: Step, event: Import, *, doubled: bool) -> None:
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
    lots = weigh(step, body.weighings, {c.lot.id: c.lot for c in claims}, {c.lot.id for c in standing})
    for c in standing:
        lot = replace(lots[c.lot.id], custody_head=step.entry.event_id, custody_index=step.entry.index)
        if c.lot.importer is not None:
            lot = replace(lot, custodian=c.lot.importer, state="held")
            keep_change(step, c.lot, lots[c.lot.id])
        else:
            lot = replace(lot, state="ended", ended_by=step.entry.event_id, title_offer=None)
        keep_moved(step, lot)
        put_move(step, lot, "custody", c.lot, undoable=True)


def _closure(step: Step, event: Closure, *, doubled: bool) -> None:
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
        lot = read(step, lot, net.mass_ug, net.exact, body.weighing.basis)
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
    lots = weigh(step, body.weighings, lots, open_lots)
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
