"""Amendments: an event said something wrong, and from here on the right value counts.

A correction names paths into the event's body and what is right there. The body so corrected must be one
the event could have had. Parties and lots cannot be corrected, nor what the event builds on; a sealed value is
corrected by another sealed value. Most of what an event says is only read, so the correction standing beside
it is enough. What the fold has taken over into a lot (tags, seals, numbers, first count and mass, site) it
changes while the lot is whole and in the same hands. After that the record stays, and a finding says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from pydantic import ValidationError

from traceability.core import mass
from traceability.core.custody_bodies import (
    CorrectedField,
    ProductionBody,
    RetaggingBody,
    TransformationBody,
    lots_named,
    new_lots,
)
from traceability.core.events import (
    Approval,
    Correction,
    Delegation,
    DelegationEnd,
    Enrolment,
    Event,
    Genesis,
    KeyAddition,
    KeyRevocation,
    RoleChange,
    SiteRegistration,
    TagAllocation,
    TagIssue,
)
from traceability.core.forms import NewLot
from traceability.core.ids import LotId, PartyId, SiteId
from traceability.core.outcome import Step, reject
from traceability.core.registry_bodies import Body
from traceability.core.state import Changed, LogEntry, Lot, Site
from traceability.core.tagging import put_on, take_off

_FIXED = frozenset(
    {
        "acting_for", "carrier", "custodian", "delegation", "for_title", "importer", "lot", "lots", "missing",
        "nonce", "party", "producer", "recipient", "surplus", "title", "to",
    }
)  # fmt: skip
"""Fields that name parties and lots."""
_MASSES = frozenset({"net", "gross", "tare", "mass", "spilled", "gain"})


def apply(step: Step, target: LogEntry, correction: Correction) -> None:
    """Puts right what the corrected event said of its lots, as far as they still are what it left."""
    fields = correction.body.fields_ or []
    was, now = target.event.body, _corrected(target.event, fields)
    if not target.stands:
        return
    if isinstance(was, RetaggingBody) and isinstance(now, RetaggingBody):
        lot = step.lot(was.lot)
        changed = step.find("changed", f"{target.event_id}:{was.lot}", Changed)
        if was.tags_on != now.tags_on and changed is not None:
            if _in_same_hands(lot, changed.custodian):
                step.put("lot", lot.id, _swap_tags(step, target, lot, was.tags_on, now.tags_on))
            else:
                _leave(step, target, lot.id, "tags")
    for lot_id, old, new in zip(target.event.made, new_lots(was), new_lots(now), strict=True):
        _amend(step, target, lot_id, old, new)
    if isinstance(was, ProductionBody) and isinstance(now, ProductionBody) and was.site != now.site:
        site = step.need("site", str(now.site), Site)
        for lot_id in target.event.made:
            _move_to_site(step, target, lot_id, site.id)
    _leave_other_masses(step, target, fields)


# The body as it should have been


def _corrected(event: Event, fields: Sequence[CorrectedField]) -> Body:
    """The event's body with the right values in it. Rejects what no such event could say."""
    match event:
        case (
            Genesis() | Enrolment() | RoleChange() | KeyAddition() | KeyRevocation() | Delegation()
            | DelegationEnd() | Approval() | SiteRegistration() | TagIssue() | TagAllocation() | Correction()
        ):  # fmt: skip
            reject("not_correctable", f"what a {event.kind} says is put right by a new event of its kind")
        case _:
            pass
    sealed = {path for path, _ in event.sealed}
    body = event.body.model_dump(by_alias=True, exclude_none=True)
    for field in fields:
        if (field.path in sealed) != (field.is_ is None):
            reject(
                "not_correctable", f"{field.path}: what was sealed is corrected sealed, what was open open"
            )
        if field.is_ is not None:
            _set(body, field.path, field.is_)
    try:
        return type(event.body).model_validate(body)
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        reject("not_correctable", f"so corrected, the {event.kind} is none: {why}")


def _set(body: dict[str, Any], path: str, value: str | int) -> None:
    *way, last = path.split("/")[1:]
    name = next((token for token in (last, *reversed(way)) if not token.isdigit()), last)
    at: Any = body
    for token in way:
        at = _inside(at, token)
    old = _inside(at, last)
    if name in _FIXED or isinstance(old, dict | list) or not isinstance(at, dict | list):
        reject(
            "not_correctable", f"{path} cannot be corrected: parties and lots stay, and only single values go"
        )
    if isinstance(at, dict):
        at[last] = value
    elif old is None:
        reject("not_correctable", f"{path}: the list is not that long")
    else:
        at[int(last)] = value


def _inside(at: Any, token: str) -> Any:
    if isinstance(at, list):
        return at[int(token)] if token.isdigit() and int(token) < len(at) else None
    return at.get(token) if isinstance(at, Mapping) else None


# What it changes


def _amend(step: Step, target: LogEntry, lot_id: LotId, was: NewLot, now: NewLot) -> None:
    lot = step.lot(lot_id)
    made_here = not isinstance(target.event.body, TransformationBody)
    weighed = was.weighing.net != now.weighing.net
    names = [name for name in ("tags", "seals", "lot_number") if getattr(was, name) != getattr(now, name)]
    closed = [name for name, other in (("mass", weighed), ("count", was.count != now.count)) if other]
    if not names and not closed:
        return
    move = step.move(target.event_id, lot_id)
    if not _in_same_hands(lot, move.custodian if move else None):
        _leave(step, target, lot_id, *names, *closed)
        return
    if closed and not made_here:
        _leave(step, target, lot_id, *closed)  # its lines closed as they were
    elif closed:
        lot = mass.correct(step, lot, was.weighing.net, now.weighing.net)
        lot = replace(lot, count=now.count)
    lot = _swap_tags(step, target, lot, was.tags, now.tags)
    seals = dict(zip(was.seals or (), now.seals or (), strict=True))
    lot = replace(lot, seals=tuple(seals.get(seal, seal) for seal in lot.seals))
    if "lot_number" in names:
        lot = replace(lot, lot_number=now.lot_number)
    step.put("lot", lot_id, lot)


def _swap_tags(
    step: Step, target: LogEntry, lot: Lot, was: Sequence[str] | None, now: Sequence[str] | None
) -> Lot:
    for old, new in zip(was or (), now or (), strict=True):
        if old == new:
            continue
        if old not in lot.tags:
            _leave(step, target, lot.id, "tags")
            continue
        take_off(step, lot.id, [old])
        put_on(step, lot.id, [new])
        lot = replace(lot, tags=tuple(dict.fromkeys(new if tag == old else tag for tag in lot.tags)))
    return lot


def _move_to_site(step: Step, target: LogEntry, lot_id: LotId, site: SiteId) -> None:
    lot, move = step.lot(lot_id), step.move(target.event_id, lot_id)
    if _in_same_hands(lot, move.custodian if move else None):
        step.put("lot", lot_id, replace(lot, site=site))
    else:
        _leave(step, target, lot_id, "site")


def _in_same_hands(lot: Lot, custodian: PartyId | None) -> bool:
    return lot.state != "ended" and lot.custodian == custodian


def _leave(step: Step, target: LogEntry, lot_id: LotId | str, *what: str) -> None:
    figures = {"what": " ".join(what)}
    step.note("corrected_too_late", "warning", [("lot", lot_id)], events=(target.event_id,), figures=figures)


def _leave_other_masses(step: Step, target: LogEntry, fields: Sequence[CorrectedField]) -> None:
    """A mass that other masses were booked by stays; the difference is for whoever reads both."""
    event = target.event
    made_here = isinstance(event.body, ProductionBody) or event.kind == "intake"
    for field in fields:
        tokens = field.path.split("/")
        own = made_here and tokens[3:5] == ["weighing", "net"]
        if not own and not (made_here and tokens[3:4] == ["weighing"]) and _MASSES & set(tokens):
            for lot_id in sorted({*(lot for _, lot in event.moved), *lots_named(event.body), *event.made}):
                _leave(step, target, lot_id, field.path)
