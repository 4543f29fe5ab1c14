"""What one visitor gets to see of a lot: its story from the mine to now, or to where its tag came off.

By session, whoever may open the lot sees all of it. Whoever holds one of its tags sees the story of that tag:
back to the mine, without names, hours and papers, and nothing of what came after the tag was taken off.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from traceability.core.composition import Additive, Gain, Intake, Leaf, Production
from traceability.core.custody_bodies import CorrectionBody
from traceability.core.events import (
    Closure,
    Correction,
    Export,
    Import,
    Inspection,
    Retagging,
    Transformation,
)
from traceability.core.ids import EventId
from traceability.core.lot_records import Lot
from traceability.web.eyes import Eyes
from traceability.web.history import Told, happenings, noticed
from traceability.web.shown import LotShown, Part, Since, State, Who, shortened
from traceability.web.way import Behind, way

OWN_MAX = 6
"""How many of a lot's own records a tag's page lists: the newest ones."""


class Cut(NamedTuple):
    """Where the story of a tag ends: the entry by which it came off, its day, and why."""

    at: int
    day: str
    reason: str
    mistake: bool = False
    """It never was on that lot: it was written down wrong, and that was put right."""


def shown(
    behind: Behind,
    history: Sequence[Told],
    composition: Mapping[Leaf, int] | None,
    eyes: Eyes,
    cut: Cut | None = None,
    *,
    older: bool = False,
    elsewhere: Sequence[Told] = (),
) -> LotShown:
    """The lot as this visitor may see it.

    `history`: the entries about it, oldest first, its maker among them; `older` says that some between the
    maker and the next were left out. `composition`: what it consists of, None where it is too finely mixed.
    `cut`: where the story ends, if the tag it is looked at by came off. `elsewhere`: entries about others at which
    something about this lot fell due.
    """
    lot = behind.lot
    told = [entry for entry in history if cut is None or entry.index <= cut.at]
    due = [entry for entry in elsewhere if cut is None or entry.index <= cut.at]
    began = lot.expected_ug + lot.lost_ug - lot.gained_ug
    since = (
        Since(began, lot.gained_ug, lot.lost_ug, lot.wetted_ug, lot.named_ug)
        if cut is None
        else since_made(lot, told)
    )
    if cut is not None and since.now_ug != lot.expected_ug:
        composition = None  # what it consists of now is more than this tag may tell
    from_lots = {
        leaf.lot: mass_ug
        for leaf, mass_ug in (composition or {}).items()
        if isinstance(leaf, Production | Intake)
    }
    seen = way(behind, since, from_lots, eyes, cut.at if cut else None)
    own = happenings(lot.id, told, eyes)
    listed = own if eyes.opened else own[-OWN_MAX:]
    parts = _parts(behind, composition, eyes) if composition is not None else ()
    story = LotShown(
        mineral=lot.mineral,
        form=lot.form,
        count=lot.count,
        mass_ug=since.now_ug,
        state=state(behind, told, eyes) if cut is None else State("off", cut.day),
        parts=parts,
        since=since,
        happenings=(*seen.upstream, *listed),
        earlier=older or len(own) > len(listed),
        before=told[1].index if older and eyes.opened and len(told) > 1 else None,
        stages=tuple(seen.stages),
        places=seen.places,
        sites=seen.sites,
        handoffs=seen.handoffs,
        handoffs_both=seen.handoffs_both,
        found=tuple(noticed(lot.id, sorted([*told, *due], key=lambda entry: entry.index))),
        found_upstream=sum(other.place.finding_count for other in behind.lots.values() if other.id != lot.id),
        disputed=bool(lot.disputed) and _shows(told, lot.disputed),
        tag_off=(cut.day, cut.reason) if cut else None,
    )
    if not eyes.opened:
        return story
    return replace(story, id=lot.id, lot_number=lot.lot_number or "", tags=lot.tags, seals=lot.seals)


def came_off(lot: Lot, about_tag: Sequence[Told], tag: str) -> Cut | None:
    """How a tag that is not on the lot any more came off, out of the entries about that tag, oldest first.

    None where it is still on. A lot that ended took its tags along: they count as on.
    """
    if tag in lot.tags:
        return None
    for entry in reversed(about_tag):
        event = entry.event
        day = event.event_time[:10]
        match event:
            case Retagging() if event.body.lot == lot.id and any(
                off.tag == tag for off in event.body.tags_off or ()
            ):
                return Cut(entry.index, day, event.body.reason)
            case Correction() if _corrects(event.body, tag):
                return Cut(entry.index, day, "wrong_tag", mistake=True)
            case _:
                pass
    # Not on it, and nothing says how it came off: then nothing is to be told by it.
    return Cut(-1, lot.judged_day, "wrong_tag", mistake=True)


def _corrects(body: CorrectionBody, tag: str) -> bool:
    """Whether this correction took the tag off again: it did not occur, or another tag was meant."""
    if body.reason == "did_not_occur":
        return True
    return any("/tags" in field.path and field.is_ != tag for field in body.fields_ or ())


def since_made(lot: Lot, told: Sequence[Told]) -> Since:
    """What was booked on a lot in these entries: readings outside the band, samples, spills."""
    began = lot.expected_ug + lot.lost_ug - lot.gained_ug
    gained = lost = 0
    for entry in told:
        for found in entry.findings:
            if found.rule in ("mass_gained", "mass_lost") and ("lot", lot.id) in found.subjects:
                said = dict(found.figures)
                difference = int(said["reading_ug"]) - int(said["expected_ug"])
                gained += max(difference, 0)
                lost += max(-difference, 0)
        lost += _taken_out(lot, entry)
    return Since(began, gained, lost)


def _taken_out(lot: Lot, entry: Told) -> int:
    event = entry.event
    match event:
        case Retagging() if entry.stands and event.body.lot == lot.id and event.body.spilled:
            return event.body.spilled.mass_ug
        case Inspection() if entry.stands and event.body.sample and event.body.lots == [lot.id]:
            return event.body.sample.mass.mass_ug
        case _:
            return 0


def _shows(told: Sequence[Told], events: Sequence[EventId]) -> bool:
    return any(entry.event_id in events for entry in told)


def state(behind: Behind, history: Sequence[Told], eyes: Eyes) -> State:
    """How the lot stands now, by the entry that moved or ended it last."""
    lot = behind.lot
    head = lot.custody_head if lot.state != "ended" else lot.ended_by
    moves = [behind.entries[index] for index, _ in behind.moves[lot.id] if index in behind.entries]
    entries = [*history, *moves]
    last = next((entry for entry in reversed(entries) if entry.event_id == head), entries[-1])
    event = last.event
    day = event.event_time[:10]
    title = eyes.who(lot.title) if lot.title != lot.custodian and lot.state != "ended" else None
    match lot.state:
        case "held":
            return State("held", day, who=eyes.who(lot.custodian), title=title)
        case "offered":
            recipient = eyes.who(lot.offer.recipient) if lot.offer else Who("")
            until = lot.offer.accept_by if lot.offer else ""
            return State(
                "offered", day, who=eyes.who(lot.custodian), other=recipient, title=title, until=until
            )
        case "exported":
            country = event.body.destination if isinstance(event, Export) else ""
            return State("exported", day, detail=country, title=title)
        case "ended":
            return _ended(last, day)


def _ended(last: Told, day: str) -> State:
    event = last.event
    match event:
        case Transformation():
            return State("ended", day, "transformation", " ".join(event.body.steps or (event.body.type,)))
        case Closure():
            return State("ended", day, "closure", event.body.reason)
        case Import() | Correction():
            return State("ended", day, event.kind)
        case _:
            return State("ended", day)


def _parts(behind: Behind, composition: Mapping[Leaf, int], eyes: Eyes) -> tuple[Part, ...]:
    """The composition by place, as this visitor may know places; the largest first, gain last."""
    regions = {entry.event_id: entry.event.body.region or "" for entry in behind.entries.values()}
    grouped: Counter[tuple[str, str, str]] = Counter()
    for leaf, mass_ug in composition.items():
        match leaf:
            case Production() | Intake():
                lot = behind.lots.get(leaf.lot)
                place = eyes.place(
                    lot.site if lot else None,
                    regions.get(lot.maker, "") if lot else "",
                    leaf.origin if isinstance(leaf, Intake) else None,
                )
                code = "" if place.kind == "no_site" else place.code
                grouped[place.kind, code, place.name] += mass_ug
            case Additive():
                grouped["additive", shortened(leaf.material), ""] += mass_ug
            case Gain():
                grouped["gain", "", ""] += mass_ug
    parts = [Part(*key, mass_ug) for key, mass_ug in grouped.items()]
    return tuple(
        sorted(parts, key=lambda part: (part.kind in ("gain", "additive"), -part.mass_ug, part.code))
    )
