"""Rules on how lots pass from one hand to the next: who signs on both sides, where and when, and what the scales say."""

from collections.abc import Mapping, Sequence

from traceability.core.distance import cell_of, km_between, seconds_of
from traceability.core.events import (
    Acceptance,
    Export,
    Import,
    Intake,
    Production,
    Transfer,
    Transformation,
)
from traceability.core.findings.keys import too_fast
from traceability.core.ids import LotId, PartyId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.quantity import micrograms, read_grams
from traceability.core.tallies import Act, Dealings, Trail

ACTS = 24
_MILLION = 1_000_000
MOVING = Production | Intake | Transfer | Acceptance | Transformation | Export | Import


def keep_act(step: Step, event: MOVING) -> None:
    """Puts an act that moves lots at the end of its party's trail."""
    known = step.find("tally", f"trail:{event.actor}", Trail) or Trail()
    cell = None if event.body.cell is None else cell_of(event.body.cell)
    time = min(seconds_of(event.event_time), step.entry.record_time)
    act = Act(step.entry.index, time, event.body.region or "", cell, int(event.key[:12], 16), event.party)
    step.put("tally", f"trail:{event.actor}", Trail((*known.acts, act)[-ACTS:]))


def act_of(step: Step, party: PartyId, index: int) -> Act | None:
    """What the party did with the entry at `index`, if it is among its last acts."""
    trail = step.before("tally", f"trail:{party}", Trail)
    for act in reversed(trail.acts if trail else ()):
        if act.index <= index:
            return act if act.index == index else None
    return None


def watch_taking(step: Step, event: Acceptance, taken: Mapping[LotId, Lot]) -> None:
    """Asks the rules on handoffs about lots this acceptance took, given as they stood on offer."""
    seen: set[int] = set()
    for lot in taken.values():
        if lot.offer is None or lot.custody_index in seen or lot.custodian == event.actor:
            continue
        seen.add(lot.custody_index)
        given = act_of(step, lot.custodian, lot.custody_index)
        lots = [each for each in taken.values() if each.custody_index == lot.custody_index]
        if given is not None:
            same_signer_on_both_sides(step, event, given, lots)
            moved_without_travel(step, event, given, lots)
        if lot.judged_day == step.day and lot.origin == "production" and lot.producer != lot.custodian:
            sold_on_within_minutes(step, event, lot)
    weights_permuted(step, event, taken)


def same_signer_on_both_sides(step: Step, event: Acceptance, given: Act, lots: Sequence[Lot]) -> None:
    """One key, or one party, signed both the transfer and its acceptance, acting for one side or both.

    A handoff is two people's word; here it is one's (F8, F10). Honest: an agent who serves a cooperative and its
    buyer because neither has a phone.
    """
    same_key = given.key == int(event.key[:12], 16)
    if same_key or given.party == event.party:
        figures = {"same": "key" if same_key else "party"}
        subjects = [("party", event.party), *(("lot", lot.id) for lot in lots)]
        step.note("same_signer_on_both_sides", "warning", subjects, figures=figures)


def moved_without_travel(step: Step, event: Acceptance, given: Act, lots: Sequence[Lot]) -> None:
    """A lot given in one place and taken in another, sooner than anybody travels: by cells, or by regions at once.

    By cells like `impossible_travel`; where one side says no cell, another region within `minutes` (5). Both events
    were typed at once (F8), or the tag is there twice (F4). Honest: a town on the border of two provinces, phones
    whose clocks differ, an hour typed from memory.
    """
    if event.body.source != "device":
        return
    seconds = abs(seconds_of(event.event_time) - given.time)
    if event.body.cell is not None and given.cell is not None:
        km = km_between(given.cell, cell_of(event.body.cell))
        wrong = too_fast(step, km, seconds)
    else:
        km = 0
        wrong = event.body.region != given.region and seconds < 60 * step.number(
            "times", "moved_without_travel", "minutes"
        )
    if wrong:
        figures = {"km": km, "minutes": seconds // 60, "from": given.region, "to": event.body.region}
        step.note("moved_without_travel", "warning", [("lot", lot.id) for lot in lots], figures=figures)


def sold_on_within_minutes(step: Step, event: Acceptance, lot: Lot) -> None:
    """A bag dug, sold and sold on, all within `minutes` (60).

    Ore needs longer through three hands: such a chain was typed in one session (F8). Honest: a day's events typed in
    the evening with one hour.
    """
    began = act_of(step, lot.producer, lot.maker_index)
    if began is not None:
        seconds = seconds_of(event.event_time) - began.time
        if 0 <= seconds < 60 * step.number("times", "sold_on_within_minutes", "minutes"):
            figures = {"minutes": seconds // 60}
            step.note("sold_on_within_minutes", "warning", [("lot", lot.id)], figures=figures)


def weights_permuted(step: Step, event: Acceptance, taken: Mapping[LotId, Lot]) -> None:
    """The bags of a load weigh what the load's bags weighed, but other bags: tags were changed about (F14).

    At least two are apart from their own last reading by more than `apart_ppm` (30,000), and yet, each side sorted,
    every pair is within `near_ppm` (15,000). Honest: readings written in the wrong line of the list.
    """
    before, after = [], []
    for weighing in event.body.weighings or ():
        lots = weighing.lots or ()
        lot = taken.get(lots[0]) if len(lots) == 1 else None
        if weighing.basis == "measured" and lot is not None and lot.reading is not None:
            before.append(micrograms(read_grams(lot.reading)))
            after.append(weighing.net.mass_ug)
    if len(before) < 2:
        return
    apart = step.number("thresholds", "weights_permuted", "apart_ppm")
    near = step.number("thresholds", "weights_permuted", "near_ppm")
    far = sum(abs(b - a) * _MILLION > b * apart for b, a in zip(before, after, strict=True))
    pairs = zip(sorted(before), sorted(after), strict=True)
    if far >= 2 and all(abs(b - a) * _MILLION <= b * near for b, a in pairs):
        subjects = [("lot", lot) for lot in taken]
        step.note("weights_permuted", "warning", subjects, figures={"apart": far, "lots": len(before)})


def closed_circle(step: Step, event: Acceptance, site: str, signer: str, apart_ppm: int) -> None:
    """A site whose ore is always signed for by one agent and bought by one trader, whose scales always agree.

    `deals` (20) sales in a row by the same two, their readings no more than `spread_ppm` (100) apart:
    two real scales differ by more (F10). Honest: one buyer in a valley, and one scale that both of them use.
    """
    id_ = f"dealings:{site}"
    known = step.find("tally", id_, Dealings)
    agree = apart_ppm <= step.number("thresholds", "closed_circle", "spread_ppm")
    same = known is not None and (known.signer, known.buyer) == (signer, event.actor)
    times = (known.times + 1 if known is not None and same else 1) if agree else 0
    if times > 1 and times % step.number("thresholds", "closed_circle", "deals") == 0:
        subjects = [("site", site), ("party", event.actor), ("party", signer)]
        step.note("closed_circle", "notice", subjects, figures={"deals": times})
    step.put("tally", id_, Dealings(signer, event.actor, times))
