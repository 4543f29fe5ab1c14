"""What happened to one lot, out of its entries: the lines of its timeline.

A transfer and its answer are one handoff, which says who signed: both sides, or one for both. Everything
else is a line of its own. Nothing is left out but what a stranger may not see, which `eyes` decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from traceability.core.custody_bodies import ProductionBody
from traceability.core.events import (
    Acceptance,
    Approval,
    Closure,
    Correction,
    Event,
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
from traceability.core.forms import Weighing
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
        line = _line(lot, entry, eyes)
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
            measured = any(reading.basis in ("measured", "counted") for reading in line.readings)
            if transfer.body.purpose == "own_move":
                return replace(together, kind="handoff", variant="own_move", signed="one", weighed=measured)
            return replace(
                together, kind="handoff", variant=transfer.body.purpose, signed=signed, weighed=measured
            )


def _stands(entry: Told, lot: LotId) -> bool:
    return entry.stands and entry.fates.get(lot, True)


def _line(lot: LotId, entry: Told, eyes: Eyes) -> Happening:
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
        rules=tuple(found.rule for found in entry.findings if ("lot", lot) in found.subjects),
        event=entry.event_id if eyes.opened else "",
    )
    if not _stands(entry, lot):
        return replace(base, kind="double", signed="void")
    match event:
        case Production():
            return _production(lot, event, base, eyes)
        case Intake():
            new = event.body.lots[event.made.index(lot)]
            return replace(
                base, kind="intake", variant=event.body.origin, readings=(_own("maker", new.weighing),)
            )
        case Transfer():
            return replace(
                base,
                kind="offer",
                signed="open",
                doer=eyes.who(event.actor),
                other=eyes.who(event.body.recipient, event.body.purpose),
                readings=_readings(lot, "giver", event.body.weighings),
                mode=event.body.mode or "",
            )
        case Acceptance():
            return replace(
                base,
                readings=_readings(lot, "recipient", event.body.weighings),
                weighed=bool(event.body.weighings),
            )
        case Refusal():
            return replace(base, readings=_readings(lot, "recipient", event.body.weighings))
        case Reassignment():
            return replace(
                base, kind="reassignment", variant=event.body.ground, other=eyes.who(event.body.to)
            )
        case Transformation():
            return _transformation(lot, event, base)
        case Retagging():
            spilled = event.body.spilled
            return replace(
                base,
                kind="retagging",
                variant=event.body.reason,
                readings=(_own("holder", event.body.weighing),) if event.body.weighing else (),
                note=("spilled", spilled.mass_ug) if spilled else None,
            )
        case Inspection():
            sample = event.body.sample
            return replace(
                base,
                kind="inspection",
                variant=event.body.type,
                readings=_readings(lot, "inspector", event.body.weighings),
                note=("sampled", sample.mass.mass_ug) if sample else None,
            )
        case Export():
            return replace(
                base,
                kind="export",
                variant=event.body.destination,
                readings=_readings(lot, "holder", event.body.weighings),
                mode=event.body.mode or "",
            )
        case Import():
            return replace(base, kind="import", readings=_readings(lot, "recipient", event.body.weighings))
        case Closure():
            return replace(base, kind="closure", variant=event.body.reason)
        case Correction():
            return replace(base, kind="correction", variant=event.body.reason)
        case Approval():
            return replace(base, kind="approval", variant=event.body.decision)
        case _:
            return base


def _production(lot: LotId, event: Production, base: Happening, eyes: Eyes) -> Happening:
    body: ProductionBody = event.body
    digger = eyes.who(body.producer or event.actor, "production")
    signer = body.producer is not None and body.producer != event.actor
    new = body.lots[event.made.index(lot)]
    return replace(
        base,
        kind="production",
        doer=digger,
        agent=eyes.who(event.party) if signer else base.agent,
        readings=(_own("maker", new.weighing),),
    )


def _transformation(lot: LotId, event: Transformation, base: Happening) -> Happening:
    variant = " ".join(event.body.steps or (event.body.type,))
    if lot in event.made:
        new = event.body.outputs[event.made.index(lot)]
        return replace(base, kind="made", variant=variant, readings=(_own("maker", new.weighing),))
    return replace(
        base, kind="used", variant=variant, readings=_readings(lot, "holder", event.body.weighings)
    )


def _own(by: str, weighing: Weighing) -> Reading:
    return Reading(by, weighing.basis, weighing.net.mass_ug, 1)  # type: ignore[arg-type]


def _readings(lot: LotId, by: str, weighings: Sequence[Weighing] | None) -> tuple[Reading, ...]:
    return tuple(
        Reading(by, weighing.basis, weighing.net.mass_ug, len(weighing.lots))  # type: ignore[arg-type]
        for weighing in weighings or ()
        if weighing.lots is not None and lot in weighing.lots
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
                by_rule[found.rule] = Noticed(found.rule, found.severity, times, day, _figures(found))
    return list(by_rule.values())


def _figures(found: Finding) -> tuple[int, int] | None:
    said = dict(found.figures)
    for before, after in (("expected_ug", "reading_ug"), ("lowest_ug", "reading_ug")):
        if before in said and after in said:
            return int(said[before]), int(said[after])
    return (0, int(said["gain_ug"])) if "gain_ug" in said else None
