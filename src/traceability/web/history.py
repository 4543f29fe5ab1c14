"""What happened to a lot, or to several by one event, out of entries: the lines of a timeline.

A transfer and its answer are one handoff, which says who signed: both sides, or one for both. Everything
else is a line of its own. Nothing is left out but what a stranger may not see, which `eyes` decides.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from traceability.api.permission import in_story
from traceability.core.custody_bodies import ProductionBody
from traceability.core.events import (
    Acceptance,
    Approval,
    Closure,
    Correction,
    Event,
    Export,
    Hold,
    Import,
    Inspection,
    Intake,
    Production,
    Reassignment,
    Refusal,
    Release,
    Retagging,
    Transfer,
    Transformation,
    Withdrawal,
)
from traceability.core.forms import NewLot, Weighing
from traceability.core.ids import EventId, LotId
from traceability.core.leaf import time_text
from traceability.core.outcome import Finding
from traceability.web.eyes import Eyes
from traceability.web.shown import Happening, Noticed, Reading, Signing
from traceability.web.timeline import Span


class Told(Protocol):
    """An entry with what the fold said of it, as the reader gives it."""

    @property
    def index(self) -> int: ...
    @property
    def record_time(self) -> int: ...
    @property
    def event_id(self) -> EventId: ...
    @property
    def event(self) -> Event: ...
    @property
    def fates(self) -> Mapping[LotId, bool]: ...
    @property
    def stands(self) -> bool: ...
    @property
    def findings(self) -> Sequence[Finding]: ...


def happenings(lot: LotId, entries: Iterable[Told], eyes: Eyes) -> list[Happening]:
    """The lines of this lot's timeline, oldest first, from its entries in the order of the log."""
    lines: list[Happening] = []
    offers: dict[EventId, tuple[int, Transfer]] = {}
    for entry in entries:
        event = entry.event
        if not (eyes.opened or in_story(event)):
            continue
        line = happening({lot}, entry, eyes)
        if isinstance(event, Acceptance | Refusal | Withdrawal) and _stands(entry, lot):
            offer = next((before for before, moved in event.moved if moved == lot and before in offers), None)
            if offer is not None:
                at, transfer = offers.pop(offer)
                lines[at] = answered(lines[at], transfer, event, line)
                continue
        if isinstance(event, Transfer) and _stands(entry, lot):
            offers[entry.event_id] = (len(lines), event)
        lines.append(line)
    return lines


def answered(
    offer: Happening, transfer: Transfer, answer: Acceptance | Refusal | Withdrawal, line: Happening
) -> Happening:
    """An offer and its answer as one line."""
    signed: Signing = "one_for_both" if transfer.party == answer.party else "both"
    span = Span(line.span.happened, max(offer.span.recorded, line.span.recorded))
    moments = line.moments and (line.moments[0], max(offer.moments or line.moments, line.moments)[1])
    sources = tuple(dict.fromkeys(offer.sources + line.sources))
    rules = tuple(dict.fromkeys(offer.rules + line.rules))
    readings = offer.readings + line.readings
    event = line.event or offer.event
    together = replace(
        offer,
        other_agent=line.agent,
        sources=sources,
        rules=rules,
        readings=readings,
        span=span,
        moments=moments,
        event=event,
    )
    match answer:
        case Refusal():
            return replace(together, kind="refusal", variant=answer.body.reason, signed="both")
        case Withdrawal():
            return replace(together, kind="withdrawal", variant=answer.body.reason, signed="one")
        case Acceptance() if transfer.body.moves == "title":
            return replace(together, kind="title", signed=signed)
        case Acceptance():
            measured = by_scale(line.readings)
            if transfer.body.purpose == "own_move":
                return replace(together, kind="handoff", variant="own_move", signed="one", weighed=measured)
            return replace(
                together, kind="handoff", variant=transfer.body.purpose, signed=signed, weighed=measured
            )


def by_scale(readings: Iterable[Reading]) -> bool:
    """Whether one of them comes from a scale or full packages, not from what somebody was told."""
    return any(reading.basis in ("measured", "counted") for reading in readings)


def _stands(entry: Told, lot: LotId) -> bool:
    return entry.stands and entry.fates.get(lot, True)


def happening(lots: Collection[LotId], entry: Told, eyes: Eyes) -> Happening:
    """One entry as a line about these lots, each of which it made or names."""
    event = entry.event
    body = event.body
    recorded = time_text(entry.record_time)
    doer = eyes.who(event.actor, event.kind)
    base = Happening(
        kind="other",
        variant=event.kind,
        doer=doer,
        agent=eyes.who(event.party) if event.actor != event.party else None,
        place=body.region or "",
        sources=(body.source,) if body.source else (),
        span=Span(event.event_time[:10], recorded[:10]),
        moments=eyes.moments(event, recorded),
        rules=tuple(
            found.rule for found in entry.findings if any(("lot", lot) in found.subjects for lot in lots)
        ),
        event=entry.event_id if eyes.opened else "",
    )
    if not any(_stands(entry, lot) for lot in lots):
        return replace(base, kind="double", signed="void")
    match event:
        case Production():
            return _production(lots, event, base, eyes)
        case Intake():
            readings = _made(lots, event, event.body.lots)
            return replace(base, kind="intake", variant=event.body.origin, readings=readings)
        case Transfer():
            return replace(
                base,
                kind="offer",
                signed="open",
                doer=eyes.who(event.actor),
                other=eyes.who(event.body.recipient, event.body.purpose),
                readings=_readings(lots, "giver", event.body.weighings),
                mode=event.body.mode or "",
            )
        case Acceptance():
            return replace(
                base,
                readings=_readings(lots, "recipient", event.body.weighings),
                weighed=bool(event.body.weighings),
            )
        case Refusal():
            return replace(base, readings=_readings(lots, "recipient", event.body.weighings))
        case Reassignment():
            return replace(
                base, kind="reassignment", variant=event.body.ground, other=eyes.who(event.body.to)
            )
        case Transformation():
            return _transformation(lots, event, base)
        case Retagging():
            spilled = event.body.spilled
            return replace(
                base,
                kind="retagging",
                variant=event.body.reason,
                readings=_summed("holder", [event.body.weighing] if event.body.weighing else []),
                note=("spilled", spilled.mass_ug) if spilled else None,
            )
        case Inspection():
            sample = event.body.sample
            return replace(
                base,
                kind="inspection",
                variant=event.body.type,
                readings=_readings(lots, "inspector", event.body.weighings),
                note=("sampled", sample.mass.mass_ug) if sample else None,
            )
        case Export():
            return replace(
                base,
                kind="export",
                variant=event.body.destination,
                readings=_readings(lots, "holder", event.body.weighings),
                mode=event.body.mode or "",
            )
        case Import():
            return replace(base, kind="import", readings=_readings(lots, "recipient", event.body.weighings))
        case Closure():
            return replace(base, kind="closure", variant=event.body.reason)
        case Correction():
            return replace(base, kind="correction", variant=event.body.reason)
        case Approval():
            return replace(base, kind="approval", variant=event.body.decision)
        case Hold() | Release():
            return replace(base, kind=event.kind)
        case _:
            return base


def _production(lots: Collection[LotId], event: Production, base: Happening, eyes: Eyes) -> Happening:
    body: ProductionBody = event.body
    digger = eyes.who(body.producer or event.actor, "production")
    signer = body.producer is not None and body.producer != event.actor
    return replace(
        base,
        kind="production",
        doer=digger,
        agent=eyes.who(event.party) if signer else base.agent,
        readings=_made(lots, event, body.lots),
    )


def _transformation(lots: Collection[LotId], event: Transformation, base: Happening) -> Happening:
    variant = " ".join(event.body.steps or (event.body.type,))
    if any(lot in event.made for lot in lots):
        readings = _made(lots, event, event.body.outputs)
        return replace(base, kind="made", variant=variant, readings=readings)
    return replace(
        base, kind="used", variant=variant, readings=_readings(lots, "holder", event.body.weighings)
    )


def _made(lots: Collection[LotId], event: Event, new: Sequence[NewLot]) -> tuple[Reading, ...]:
    return _summed("maker", [each.weighing for lot, each in zip(event.made, new, strict=True) if lot in lots])


def _readings(lots: Collection[LotId], by: str, weighings: Sequence[Weighing] | None) -> tuple[Reading, ...]:
    return _summed(by, [each for each in weighings or () if any(lot in lots for lot in each.lots or ())])


def _summed(by: str, weighings: Sequence[Weighing]) -> tuple[Reading, ...]:
    """Readings of one basis added up."""
    found: defaultdict[str, list[Weighing]] = defaultdict(list)
    for weighing in weighings:
        found[weighing.basis].append(weighing)
    return tuple(
        Reading(
            by,  # type: ignore[arg-type]
            basis,
            sum(weighing.net.mass_ug for weighing in some),
            sum(len(weighing.lots or ("",)) for weighing in some),
            len(some),
        )
        for basis, some in found.items()
    )


def noticed(lot: LotId, entries: Iterable[Told]) -> list[Noticed]:
    """What rules noticed on this lot: each rule once, in the order in which they did so last."""
    by_rule: dict[str, Noticed] = {}
    for entry in entries:
        for found in entry.findings:
            if ("lot", lot) in found.subjects:
                before = by_rule.pop(found.rule, None)
                day = time_text(entry.record_time)[:10]
                times = before.times + 1 if before else 1
                by_rule[found.rule] = Noticed(found.rule, found.severity, times, day)
    return list(by_rule.values())
