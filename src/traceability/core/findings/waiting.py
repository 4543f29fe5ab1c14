"""Rules on what should have come by now: each is asked when a clock of an earlier entry has run out (`core.due`).

`run_out` judges by the state as it was before the entry at which a clock happens to run out: what falls due has
nothing to do with that entry, and the findings do not name it.
"""

from collections.abc import Iterable, Sequence
from typing import TypedDict

from traceability.core import due
from traceability.core.concern_records import Incident
from traceability.core.events import Event, Response, SiteInspection, TagAllocation
from traceability.core.findings.keys import say_gaps
from traceability.core.findings.stock import count_tags
from traceability.core.ground_records import Licence, at
from traceability.core.ids import EventId
from traceability.core.leaf import time_text
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.record import Address
from traceability.core.registry_records import Party, Roll, Site
from traceability.core.tallies import Clock, KeyTally, Stock


class Said(TypedDict):
    """What all findings about waiting lots have in common."""

    events: tuple[EventId, ...]
    figures: dict[str, object]
    due: bool


_NEVER_TAGGED = frozenset({"tailings", "slag", "scrap", "sample"})


def run_out(step: Step) -> None:
    """Everything that falls due at this entry, in order."""
    for clock in due.fallen(step):
        logged = step.state.event(due.event_of(clock))
        if logged is None:
            continue
        match clock.kind:
            case "handoff":
                handoff_overdue(step, clock, logged.event)
            case "arrival":
                arrival_not_confirmed(step, clock, logged.event)
            case "tag":
                lot_without_tag(step, clock, logged.event)
            case "gap":
                gap_in_sequence(step, clock, logged.event)
            case "stock":
                tags_unused(step, clock, logged.event)
            case "action":
                action_overdue(step, clock, logged.event)
            case "licence":
                licence_ran_out(step, clock)
            case "status":
                site_status_ran_out(step, clock, logged.event)


def handoff_overdue(step: Step, clock: Clock, event: Event) -> None:
    """Lots offered and neither accepted, refused nor withdrawn by the day they were expected.

    Where the transfer names no `expected` day: `days` (14) after its record. Source: events, `transfer`; ore that
    vanishes on the road is F12, an offer nobody answers may be paper alone (F8). Honest: roads, rain, no signal.
    """
    waiting = [
        lot
        for lot in _lots(step, [lot for _, lot in event.moved])
        if (lot.offer is not None and lot.custody_index == clock.index)
        or (lot.title_offer is not None and lot.title_index == clock.index)
    ]
    if waiting:
        step.note("handoff_overdue", "notice", _subjects(waiting), **_said(clock, waiting))


def arrival_not_confirmed(step: Step, clock: Clock, event: Event) -> None:
    """Lots exported and not confirmed abroad after `days` (60).

    Source: Kimberley's import confirmations, the 90 days of the regional certificate (F11, F13). Honest: a long
    voyage, a buyer who never answers; the exporter can record what the importing authority confirmed.
    """
    abroad = [
        lot
        for lot in _lots(step, [lot for _, lot in event.moved])
        if lot.state == "exported" and lot.custody_index == clock.index
    ]
    if abroad:
        step.note("arrival_not_confirmed", "warning", _subjects(abroad), **_said(clock, abroad))


def lot_without_tag(step: Step, clock: Clock, event: Event) -> None:
    """Lots that `days` (30) after they began are still in trade here and have neither tag nor seal.

    Not of tailings, slag, scrap and samples, which nobody tags. Source: ITSCI and the regional manual ask for a tag before ore leaves the site (F2, F7). Honest: heaps that wait
    in a yard, a depot that has run out of tags.
    """
    untagged = [lot for lot in _lots(step, event.made) if wants_tag(lot)]
    if untagged:
        step.note("lot_without_tag", "notice", _subjects(untagged), **_said(clock, untagged))


def wants_tag(lot: Lot) -> bool:
    """Whether the lot as it stands should get a tag."""
    return (
        not lot.tags and not lot.seals and lot.state in ("held", "offered") and lot.form not in _NEVER_TAGGED
    )


def gap_in_sequence(step: Step, clock: Clock, event: Event) -> None:
    """Numbers of a key that are still missing `days` (30) after a later one came, or when the key is revoked.

    Every event takes the next number of its key, so a missing one was signed and never brought (F21, F9), unless a
    later event calls it `abandoned`. Source: design, "Bytes". Honest: a lost phone, a phone still without signal.
    """
    tally = step.find("tally", f"key:{event.key}", KeyTally)
    if tally is not None:
        gaps = [gap for gap in tally.gaps if gap.index == clock.index]
        step.put(
            "tally", f"key:{event.key}", say_gaps(step, event.key, tally, gaps, event=due.event_of(clock))
        )


def tags_unused(step: Step, clock: Clock, event: Event) -> None:
    """Tags allocated `days` (180) ago of which some were never put on anything, lost or voided.

    A stock that lies idle is the stock that is sold (F1, F21). The figures count every tag of the allocation once.
    Honest: more tags were printed than the season needed; whoever holds them can return or void them.
    """
    if not isinstance(event, TagAllocation):
        return
    roll = step.before("roll", event.body.roll, Roll)
    if roll is None:
        return
    mine = [a for a in roll.allocations if a.event == due.event_of(clock)]
    later = roll.allocations[roll.allocations.index(mine[0]) + 1 :] if mine else ()
    if any(a.first <= event.body.last and event.body.first <= a.last for a in later):
        return  # they were passed on since: the newer allocation has a clock of its own
    stock = step.before("tally", f"stock:{roll.id}", Stock) or Stock()
    counts = count_tags(stock, event.body.first, event.body.last)
    if counts["idle"]:
        step.note(
            "tags_unused",
            "notice",
            [("roll", roll.id)],
            events=(due.event_of(clock),),
            figures=counts,
            due=True,
        )


def action_overdue(step: Step, clock: Clock, event: Event) -> None:
    """Something promised in answer to an incident, and not said to be done by its day.

    Source: OECD guidance, step 3: mitigation is measured (F22). Honest: it is done and nobody has said so.
    """
    if not isinstance(event, Response):
        return
    incident = step.before("incident", event.body.about.incident or "", Incident)
    planned = [plan for plan in incident.planned if plan.event == due.event_of(clock)] if incident else []
    if incident is not None and planned and incident.settled_by is None:
        figures = {"due": planned[0].due, "party": planned[0].party}
        subjects = [("party", planned[0].party), *incident.subjects]
        events = (due.event_of(clock), incident.event)
        step.note("action_overdue", "warning", subjects, events=events, figures=figures, due=True)


def licence_ran_out(step: Step, clock: Clock) -> None:
    """A licence whose last day is over, while its party has no other of that sort.

    Source: events, `licence_grant`. Honest: the renewal is under way, or the party has stopped.
    """
    licence = step.before("licence", due.event_of(clock), Licence)
    party = step.before("party", licence.party, Party) if licence is not None else None
    if licence is None or party is None or licence.revoked_from is not None:
        return
    today = time_text(step.entry.record_time)[:10]
    if any(
        other.sort == licence.sort
        and other.revoked_from is None
        and (other.until is None or other.until >= today)
        for other in party.licences
    ):
        return
    figures = {"number": licence.number, "type": licence.sort, "until": licence.until}
    subjects = [("licence", licence.event), ("party", party.id)]
    step.note("licence_ran_out", "notice", subjects, events=(licence.event,), figures=figures, due=True)


def site_status_ran_out(step: Step, clock: Clock, event: Event) -> None:
    """A site's colour ran out and nobody has looked again: green becomes blue, yellow and blue red.

    After its own last day, else as long as its colour lasts (`ground_facts.last_day`). Source: regional certification
    manual (ICGLR). Honest: it is the State that is late (F6).
    """
    if not isinstance(event, SiteInspection):
        return
    site = step.before("site", event.body.site, Site)
    status = at(site.statuses, time_text(step.entry.record_time)[:10]) if site else None
    if site is None or (status is not None and status.event != due.event_of(clock)):
        return
    becomes = "blue" if event.body.status == "green" else "red"
    figures = {"status": event.body.status, "becomes": becomes}
    step.note(
        "site_status_ran_out",
        "notice",
        [("site", site.id)],
        events=(due.event_of(clock),),
        figures=figures,
        due=True,
    )


def _lots(step: Step, ids: Iterable[str]) -> list[Lot]:
    return [lot for lot in (step.before("lot", id_, Lot) for id_ in ids) if lot is not None]


def _said(clock: Clock, lots: Sequence[Lot]) -> Said:
    """How a finding about lots that still wait is said."""
    return {"events": (due.event_of(clock),), "figures": {"lots": len(lots)}, "due": True}


def _subjects(lots: Sequence[Lot]) -> list[Address]:
    return [("lot", lot.id) for lot in lots]
