"""The way behind a lot, out of records, moves and entries: what `lineage` gathers and the timeline tells.

A handoff is a standing transfer and the standing event that answers it. Only those that move custody count:
title alone leaves the ore where it is, and an own move keeps it in the same hands.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from traceability.core.events import Acceptance, Event, Intake, Production, Transfer, Transformation
from traceability.core.forms import NewLot
from traceability.core.ids import EventId, LotId
from traceability.core.leaf import time_text
from traceability.core.state import Lot, Move
from traceability.web import lineage
from traceability.web.eyes import Eyes
from traceability.web.history import Told
from traceability.web.shown import Happening, Place, Since
from traceability.web.timeline import Span

APART_MAX = 8
"""Things that happened upstream are told one by one up to this number, and gathered by kind above it."""
APART_OPENED_MAX = 60
"""The same for who may open the lot."""


class Behind(NamedTuple):
    """A lot and all lots behind it, with what made and moved them."""

    lot: Lot
    """The lot asked for."""
    lots: Mapping[LotId, Lot]
    """It and every lot behind it."""
    moves: Mapping[LotId, Sequence[tuple[int, Move]]]
    """What entries did to their heads, by index."""
    entries: Mapping[int, Told]
    """Every entry that made one of them or appears in `moves`, by index."""


class Way(NamedTuple):
    """What is drawn and told of it."""

    stages: list[lineage.Stage]
    places: dict[str, Place]
    sites: int
    upstream: list[Happening]
    handoffs: int
    handoffs_both: int


def way(
    behind: Behind, since: Since, parts: Mapping[LotId, int], eyes: Eyes, until: int | None = None
) -> Way:
    """The way of a lot as this visitor may see it.

    `since`: what was booked on it. `parts`: what of it comes from each lot where ore came in. `until`: nothing
    after the entry with this index.
    """
    ids = {entry.event_id: entry for entry in behind.entries.values()}
    places: dict[str, Place] = {}
    handoffs: dict[LotId, list[lineage.Handoff]] = {}
    for lot_id in behind.lots:
        last = until if lot_id == behind.lot.id else None
        handoffs[lot_id] = _handoffs(behind.moves.get(lot_id, ()), behind.entries, eyes, last)
    lots: dict[str, lineage.Lot] = {}
    for lot in behind.lots.values():
        place = _place(lot, ids.get(lot.maker), eyes)
        if place is not None:
            places[place.key] = place
        lots[lot.id] = _drawn(lot, ids.get(lot.maker), handoffs[lot.id])._replace(
            place=place.key if place else "", part_ug=parts.get(lot.id, 0)
        )
    own = lots[behind.lot.id]
    lots[own.id] = own._replace(
        mass_ug=since.now_ug, began_ug=since.began_ug, lost_ug=since.lost_ug, gained_ug=since.gained_ug
    )
    steps: dict[str, lineage.Step] = {
        entry.event_id: _step(entry, entry.event, behind.lots)
        for entry in ids.values()
        if isinstance(entry.event, Transformation) and any(made in behind.lots for made in entry.event.made)
    }
    done = {handoff.event: handoff for each in handoffs.values() for handoff in each}
    answered = [handoff for handoff in done.values() if handoff.signed != "open"]
    return Way(
        stages=lineage.gather(behind.lot.id, lots, steps),
        places=places,
        sites=len({lot.site for lot in behind.lots.values() if lot.origin == "production"} - {None}),
        upstream=_upstream(behind, handoffs, ids, eyes),
        handoffs=len(answered),
        handoffs_both=sum(handoff.signed == "both" for handoff in answered),
    )


def handoff_indexes(moves: Iterable[Sequence[tuple[int, Move]]]) -> set[int]:
    """Which entries `way` needs of these moves."""
    return {index for each in moves for index, move in each if move.stands and move.sets != "title"}


def _handoffs(
    moves: Sequence[tuple[int, Move]], entries: Mapping[int, Told], eyes: Eyes, until: int | None
) -> list[lineage.Handoff]:
    found: list[lineage.Handoff] = []
    offered: Told | None = None
    for index, move in moves:
        entry = entries.get(index)
        if not move.stands or entry is None or (until is not None and index > until):
            continue
        event = entry.event
        match event:
            case Transfer() if event.body.moves != "title" and event.body.purpose != "own_move":
                offered = entry
            case Acceptance() if offered is not None and move.custody_after == offered.index:
                same = offered.event.party == event.party
                signed: Literal["both", "one_for_both"] = "one_for_both" if same else "both"
                found.append(_handoff(offered, entry, signed, eyes))
                offered = None
            case _ if offered is not None and move.custody_after == offered.index:
                offered = None
            case _:
                pass
    if offered is not None:
        found.append(_handoff(offered, offered, "open", eyes))
    return found


def _handoff(
    offer: Told, answer: Told, signed: Literal["both", "one_for_both", "open"], eyes: Eyes
) -> lineage.Handoff:
    transfer = offer.event
    assert isinstance(transfer, Transfer)
    taker = eyes.who(transfer.body.recipient, transfer.body.purpose)
    return lineage.Handoff(
        answer.event_id,
        signed,
        min(transfer.event_time, answer.event.event_time)[:10],
        answer.event.event_time[:10],
        (taker.role, taker.name),
    )


def _place(lot: Lot, maker: Told | None, eyes: Eyes) -> Place | None:
    if lot.origin == "transformation":
        return None
    region = maker.event.body.region if maker is not None else None
    return eyes.place(lot.site, region or "", lot.whence)


def _drawn(lot: Lot, maker: Told | None, handoffs: Sequence[lineage.Handoff]) -> lineage.Lot:
    return lineage.Lot(
        id=lot.id,
        place="",
        maker=lot.maker,
        mass_ug=lot.expected_ug,
        began_ug=lot.expected_ug + lot.lost_ug - lot.gained_ug,
        lost_ug=lot.lost_ug,
        gained_ug=lot.gained_ug,
        day=maker.event.event_time[:10] if maker is not None else lot.judged_day,
        handoffs=tuple(handoffs),
    )


def _step(entry: Told, event: Transformation, lots: Mapping[LotId, Lot]) -> lineage.Step:
    body = event.body
    return lineage.Step(
        event=entry.event_id,
        type=body.type,
        inputs=tuple(lot for _, lot in event.moved if lot in lots),
        output_count=len(body.outputs),
        output_ug=sum(new.weighing.net.mass_ug for new in body.outputs),
        additives=tuple((additive.material, additive.mass.mass_ug) for additive in body.additives or ()),
        gain_ug=body.gain.mass_ug if body.gain else 0,
        losses=tuple((loss.type, loss.mass.mass_ug) for loss in body.losses or ()),
        steps=tuple(body.steps or ()),
        day=event.event_time[:10],
    )


# What is told of it


def _upstream(
    behind: Behind,
    handoffs: Mapping[LotId, Sequence[lineage.Handoff]],
    ids: Mapping[EventId, Told],
    eyes: Eyes,
) -> list[Happening]:
    """What happened to the ore before the lot was made, oldest first; gathered where it is much."""
    concerned: defaultdict[EventId, set[LotId]] = defaultdict(set)
    for lot in behind.lots.values():
        if lot.id != behind.lot.id:
            concerned[lot.maker].add(lot.id)
            for handoff in handoffs[lot.id]:
                concerned[EventId(handoff.event)].add(lot.id)
    signed = {handoff.event: handoff for each in handoffs.values() for handoff in each}
    lines = []
    for event_id, lots in concerned.items():
        entry = ids.get(event_id)
        if entry is not None:
            about = [behind.lots[lot] for lot in sorted(lots)]
            lines.append((entry.index, _told(entry, ids, about, signed.get(event_id), eyes)))
    told = [line for _, line in sorted(lines, key=lambda line: line[0])]
    return told if len(told) <= (APART_OPENED_MAX if eyes.opened else APART_MAX) else _gathered(told)


def _told(
    entry: Told,
    ids: Mapping[EventId, Told],
    lots: Sequence[Lot],
    handoff: lineage.Handoff | None,
    eyes: Eyes,
) -> Happening:
    event = entry.event
    recorded = time_text(entry.record_time)
    line = Happening(
        kind="other",
        variant=event.kind,
        doer=eyes.who(event.actor, event.kind),
        place=event.body.region or "",
        sources=(event.body.source,) if event.body.source else (),
        span=Span(event.event_time[:10], recorded[:10]),
        moments=eyes.moments(event, recorded),
        lot_count=len(lots),
        event=eyes.event(entry.event_id, event, lots),
        upstream=True,
    )
    match event:
        case Acceptance():
            return _handed_over(line, event, ids, handoff, eyes)
        case Transfer():
            other = eyes.who(event.body.recipient, event.body.purpose)
            return replace(line, kind="offer", signed="open", doer=eyes.who(event.actor), other=other)
        case Production():
            producer = eyes.who(event.body.producer or event.actor, "production")
            return replace(line, kind="production", doer=producer)
        case Intake():
            return replace(line, kind="intake", variant=event.body.origin)
        case Transformation():
            return replace(line, kind="made", variant=" ".join(event.body.steps or (event.body.type,)))
        case _:
            return line


def _handed_over(
    line: Happening,
    event: Acceptance,
    ids: Mapping[EventId, Told],
    handoff: lineage.Handoff | None,
    eyes: Eyes,
) -> Happening:
    transfer = next((ids[before] for before, _ in event.moved if before in ids), None)
    offered: Event | None = transfer.event if transfer is not None else None
    if not isinstance(offered, Transfer) or transfer is None:
        return replace(line, kind="handoff", variant="sale", other=line.doer, doer=eyes.who(event.actor))
    return replace(
        line,
        kind="handoff",
        variant=offered.body.purpose,
        doer=eyes.who(offered.actor),
        other=eyes.who(event.actor, offered.body.purpose),
        signed="one_for_both" if handoff is not None and handoff.signed == "one_for_both" else "both",
        sources=tuple(dict.fromkeys((offered.body.source, *line.sources))),
        span=Span(line.span.happened, max(line.span.recorded, time_text(transfer.record_time)[:10])),
        weighed=bool(event.body.weighings),
    )


def _gathered(told: Sequence[Happening]) -> list[Happening]:
    """Each kind as one line, in the order in which the kinds began."""
    kinds: defaultdict[tuple[str, str], list[Happening]] = defaultdict(list)
    for line in told:
        kinds[line.kind, line.variant if line.kind in ("made", "intake") else ""].append(line)
    gathered = []
    for group in kinds.values():
        first = min(group, key=lambda line: line.span.happened)
        gathered.append(
            first
            if len(group) == 1
            else Happening(
                kind=first.kind,
                variant=first.variant,
                signed="both" if all(line.signed == "both" for line in group) else "one",
                sources=tuple(dict.fromkeys(source for line in group for source in line.sources)),
                span=Span(first.span.happened, max(line.span.recorded for line in group)),
                lot_count=sum(line.lot_count for line in group),
                count=len(group),
                signed_both=sum(line.signed == "both" for line in group),
                upstream=True,
            )
        )
    return gathered


def new_lot(maker: Event, lot: Lot) -> NewLot | None:
    """What the event that made a lot says of it."""
    match maker:
        case Production() | Intake():
            return maker.body.lots[lot.position]
        case Transformation():
            return maker.body.outputs[lot.position]
        case _:
            return None
