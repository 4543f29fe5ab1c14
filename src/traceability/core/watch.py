"""Global rules: those that need the whole log, asked once the fold has judged an entry.

They read the state before the entry and what it changed, keep sums in tallies of their own, and can only add
findings: nothing they do bears on custody, and with them off everything else comes out the same. An entry
without effect is counted for its key and for nothing else.
"""

from collections.abc import Callable, Iterator

from traceability.core import due
from traceability.core.custody_bodies import new_lots
from traceability.core.events import (
    Acceptance,
    Event,
    Export,
    Import,
    Incident,
    Intake,
    LicenceGrant,
    Production,
    Response,
    Retagging,
    SiteInspection,
    TagAllocation,
    TagIssue,
    TagVoid,
    Transfer,
    Transformation,
)
from traceability.core.findings import (
    drift,
    handoffs,
    keys,
    output,
    papers,
    silence,
    stock,
    suppliers,
    waiting,
    weights,
)
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.record import Address
from traceability.core.registry_records import Site
from traceability.core.tallies import ClockKind, Range

_PASSED = frozenset({"refusal", "withdrawal", "retagging", "inspection", "payment", "correction", "approval"})
"""Frequent kinds whose lots and tags are all that global rules look at."""
RUNS_NEAR = 4
"""Of so many rolls at most that share a range of numbers the stocks are looked up ahead."""


def apply(step: Step) -> None:
    """What falls due before this entry, then what the entry itself gives rules to notice."""
    own = step.findings
    step.findings = []
    waiting.run_out(step)
    step.findings += own
    event = step.event
    tags = 0
    if step.stands:
        taken = _count_lots(step, event)
        tags = stock.watch_tags(step, event) if event.made or isinstance(event, Retagging) else 0
        _watch_kind(step, event, taken)
    keys.watch_key(step, event, tags)


def _watch_kind(step: Step, event: Event, taken: dict[LotId, Lot]) -> None:
    if event.kind in _PASSED:
        return
    match event:  # the most frequent first; kinds that no global rule looks at pass
        case Transfer():
            handoffs.keep_act(step, event)
        case Acceptance():
            handoffs.watch_taking(step, event, taken)
            drift.watch_drift(step, event, taken)
            suppliers.supplier_of_risk_area(step, taken)
            handoffs.keep_act(step, event)
        case Production():
            weights.watch_readings(step, event)
            silence.no_incident_in_zone(step, event)
            if event.body.site is not None:
                output.watch_site(step, event, event.body.site)
            handoffs.keep_act(step, event)
        case Intake() | Transformation() | Import():
            handoffs.keep_act(step, event)
        case Export():
            papers.watch_exports(step, event)
            handoffs.keep_act(step, event)
        case TagIssue():
            stock.index_roll(step, event)
        case TagAllocation():
            stock.start_clock(step)
        case TagVoid():
            stock.void_tags(step, event)
        case Incident():
            silence.broken(step, event)
        case Response():
            if event.body.due is not None and event.body.about.incident is not None:
                due.start(step, "action", due.day_number(event.body.due) + 2, 1)
        case LicenceGrant():
            output.start_licence_clock(step, event)
        case SiteInspection():
            output.start_status_clock(step, event)
        case _:
            pass


# Lots that wait for something


def _count_lots(step: Step, event: Event) -> dict[LotId, Lot]:
    """Stops and starts clocks by what the entry did to its lots. Gives those it took, as they were before."""
    counts: dict[tuple[ClockKind, int], int] = {}
    taken: dict[LotId, Lot] = {}
    offered = exported = untagged = 0
    find, now = step.state.find, step.entry.index
    for address, after in step.changes.items():
        if address[0] != "lot" or type(after) is not Lot:
            continue
        before = find(address)
        if type(before) is not Lot:
            untagged += waiting.wants_tag(after)
            continue
        if before.offer is not after.offer and before.offer != after.offer:
            if before.offer is not None:
                taken[after.id] = before
                _count(counts, "handoff", before.custody_index, 1)
            if after.offer is not None:
                offered += after.custody_index == now
                _count(counts, "handoff", after.custody_index, -1)
        if before.title_offer is not after.title_offer and before.title_offer != after.title_offer:
            if before.title_offer is not None:
                _count(counts, "handoff", before.title_index, 1)
            if after.title_offer is not None:
                offered += after.title_index == now
                _count(counts, "handoff", after.title_index, -1)
        if before.state != after.state:
            if before.state == "exported":
                _count(counts, "arrival", before.custody_index, 1)
            if after.state == "exported":
                exported += after.custody_index == now
                _count(counts, "arrival", after.custody_index, -1)
        if after.tags and before.tags:
            continue
        wanted = waiting.wants_tag(before)
        if wanted != waiting.wants_tag(after):
            _count(counts, "tag", before.maker_index, 1 if wanted else -1)
    for (kind, index), by in counts.items():
        if index != now:
            due.count_down(step, kind, index, by)
    today = due.today(step)
    if offered and isinstance(event, Transfer):
        day = today + step.number("times", "handoff_overdue", "days")
        if event.body.expected is not None:
            day = min(due.day_number(event.body.expected) + 2, today + due.FAR_DAYS)
        due.start(step, "handoff", day, offered)
    if exported:
        due.start(step, "arrival", today + step.number("times", "arrival_not_confirmed", "days"), exported)
    if untagged:
        due.start(step, "tag", today + step.number("times", "lot_without_tag", "days"), untagged)
    return taken


def _count(counts: dict[tuple[ClockKind, int], int], kind: ClockKind, index: int, by: int) -> None:
    counts[kind, index] = counts.get((kind, index), 0) + by


# What global rules may look up


def touches(event: Event) -> Iterator[Address]:
    """The addresses of tallies and rolls that will be looked up for this event, as far as it tells itself."""
    yield "due", ""
    yield "tally", f"key:{event.key}"
    match event:
        case Transfer():
            yield "tally", f"trail:{event.actor}"
            return
        case Acceptance():
            yield "tally", f"trail:{event.actor}"
            yield "tally", f"drift:{event.party}:scale"
            return
        case Production():
            yield "tally", f"trail:{event.actor}"
            yield "tally", f"readings:{event.party}"
            yield "tally", f"silence:{event.body.region}"
            if event.body.site is not None:
                yield "tally", f"readings:{event.body.site}"
                yield "tally", f"cells:{event.body.site}"
                for kind in {f"{lot.mineral}:{lot.form}" for lot in event.body.lots}:
                    yield "tally", f"output:{event.body.site}:{kind}"
        case Intake() | Transformation() | Export() | Import():
            yield "tally", f"trail:{event.actor}"
        case _:
            pass
    named = [tag for new in new_lots(event.body) for tag in new.tags or ()] if event.made else []
    if isinstance(event, Retagging):
        named += [*(event.body.tags_on or ()), *(off.tag for off in event.body.tags_off or ())]
    for tag in named:
        if tag.startswith("t:"):
            yield "roll", tag[2:28]
            yield "tally", f"stock:{tag[2:28]}"
        elif (address := stock.places(tag)) is not None:
            yield address
            yield "tally", f"range:{tag.partition(':')[0]}"


def near(event: Event, find: Callable[[Address], object]) -> Iterator[Address]:
    """What will be looked up besides, as the records tell that the event touches; those a rule mostly asks for."""
    match event:
        case Acceptance():
            lot = find(("lot", event.moved[0][1]))  # mostly all it takes come from one place
            if isinstance(lot, Lot):
                yield "tally", f"trail:{lot.custodian}"
                yield "tally", f"drift:{lot.custodian}"
                yield "tally", f"risk:{lot.custodian}"
                yield "due", f"c{lot.custody_index // due.NEIGHBOURS}"
                if lot.site is not None:
                    yield "tally", f"drift:{lot.site}"
                    yield "tally", f"dealings:{lot.site}"
        case Transformation():
            inputs = (find(("lot", id_)) for _, id_ in event.moved)
            yield from (("site", lot.site) for lot in inputs if isinstance(lot, Lot) and lot.site is not None)
        case Production():
            site = find(("site", event.body.site)) if event.body.site is not None else None
            if isinstance(site, Site):
                yield from (("licence", each) for each in site.facts[-1].licences)
            for place in {stock.places(tag) for new in event.body.lots for tag in new.tags or ()}:
                numbers = find(place) if place is not None else None
                for _, _, roll in numbers.runs[-RUNS_NEAR:] if isinstance(numbers, Range) else ():
                    yield "roll", roll
                    yield "tally", f"stock:{roll}"
        case _:
            pass
