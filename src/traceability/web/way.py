"""The way behind a lot, out of records, moves and entries: what `lineage` gathers and the timeline tells.

A handoff is a standing transfer and the standing event that answers it. Only those that move custody count:
title alone leaves the ore where it is, and an own move keeps it in the same hands.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from traceability.core.events import Acceptance, Transfer, Transformation
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot, Move
from traceability.web import lineage
from traceability.web.eyes import Eyes
from traceability.web.history import Told, answered, by_scale, happening
from traceability.web.shown import Happening, Place, Reading, Since
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
    lines = []
    for event_id, lots in concerned.items():
        entry = ids.get(event_id)
        if entry is not None:
            about = [behind.lots[lot] for lot in sorted(lots)]
            lines.append((entry.index, _told(entry, ids, about, eyes)))
    told = [line for _, line in sorted(lines, key=lambda line: line[0])]
    return told if len(told) <= (APART_OPENED_MAX if eyes.opened else APART_MAX) else _gathered(told)


def _told(
    entry: Told,
    ids: Mapping[EventId, Told],
    lots: Sequence[Lot],
    eyes: Eyes,
) -> Happening:
    event = entry.event
    ids_of = {lot.id for lot in lots}
    line = happening(ids_of, entry, eyes)
    if isinstance(event, Acceptance):
        line = _handed_over(line, event, ids, ids_of, eyes)
    return replace(
        line,
        lot_count=len(lots),
        event=eyes.event(entry.event_id, event, lots),
        rules=(),  # findings on what it was made of are counted, not told one by one
        upstream=True,
    )


def _handed_over(
    line: Happening, event: Acceptance, ids: Mapping[EventId, Told], lots: Collection[LotId], eyes: Eyes
) -> Happening:
    """An acceptance and the transfer it answers, as one line."""
    offer = next((ids[before] for before, _ in event.moved if before in ids), None)
    transfer = offer.event if offer is not None else None
    if offer is None or not isinstance(transfer, Transfer):
        return replace(line, kind="handoff", variant="sale", other=line.doer, doer=eyes.who(event.actor))
    return answered(happening(lots, offer, eyes), transfer, event, line)


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
                weighed_times=sum(by_scale(_weighed(line)) for line in group),
                gap_max_days=max(line.span.gap_days for line in group),
                upstream=True,
            )
        )
    return gathered


def _weighed(line: Happening) -> list[Reading]:
    """The readings that count as weighing it there: of a handoff, those of who took it."""
    return [reading for reading in line.readings if line.kind != "handoff" or reading.by == "recipient"]
