"""Rules on sums of readings: a small steady gain is the signature of laundering, a small steady loss of a scale."""

from collections.abc import Mapping, Sequence

from traceability.core.due import today
from traceability.core.events import Acceptance
from traceability.core.findings.handoffs import act_of, closed_circle
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.quantity import micrograms, read_grams
from traceability.core.record import Address
from traceability.core.tallies import Drift, Drifted

SLOT_DAYS = 3
SLOTS = 30
WINDOWS = (30, 90)
_MILLION = 1_000_000


def watch_drift(step: Step, event: Acceptance, taken: Mapping[LotId, Lot]) -> None:
    """Adds how measured readings part from what was last known: to the lots' sites, their giver, and who weighed.

    What was last known is a lot's own last reading, else its expected mass; so a gain counts once, where it came. What
    a party gave and what it weighed are summed up apart: a trader's honest purchases do not thin out what he adds.
    """
    sums: dict[tuple[Address, str], tuple[int, int, int]] = {}
    for weighing in event.body.weighings or ():
        named = weighing.lots or ()
        lots = [taken[lot] for lot in named if lot in taken]
        if weighing.basis != "measured" or len(lots) != len(named):
            continue
        known = [_last_known(lot) for lot in lots]
        expected_ug = sum(known)
        if not expected_ug:
            continue
        above_ug = weighing.net.mass_ug - expected_ug
        giver, weigher = ("party", lots[0].custodian), ("party", event.party)
        _add(sums, giver, giver[1], above_ug, expected_ug)
        if weigher != giver:
            _add(sums, weigher, f"{weigher[1]}:scale", above_ug, expected_ug)
        for lot, mass_ug in zip(lots, known, strict=True):
            if lot.site is not None:
                _add(sums, ("site", lot.site), lot.site, above_ug * mass_ug // expected_ug, mass_ug)
        first = lots[0]
        if first.site is not None and first.count is None and first.custodian == first.producer:
            closed_circle(
                step, event, first.site, _signer(step, first), abs(above_ug) * _MILLION // expected_ug
            )
    if sums:
        allowed = (
            step.number("thresholds", "steady_loss", "ppm"),
            step.number("thresholds", "steady_gain", "ppm"),
        )
        slot = today(step) // SLOT_DAYS
        for (subject, id_), (above_ug, expected_ug, count) in sums.items():
            _take(step, subject, f"drift:{id_}", Drifted(slot, above_ug, expected_ug, count), allowed)


def _signer(step: Step, lot: Lot) -> str:
    given = act_of(step, lot.custodian, lot.custody_index)
    return given.party if given else lot.custodian


def _last_known(lot: Lot) -> int:
    return lot.expected_ug if lot.reading is None else micrograms(read_grams(lot.reading))


def _add(
    sums: dict[tuple[Address, str], tuple[int, int, int]],
    subject: Address,
    id_: str,
    above_ug: int,
    expected_ug: int,
) -> None:
    above, expected, count = sums.get((subject, id_), (0, 0, 0))
    sums[subject, id_] = (above + above_ug, expected + expected_ug, count + 1)


def _take(step: Step, subject: Address, tally: str, new: Drifted, allowed: tuple[int, int]) -> None:
    slot, above_ug, expected_ug = new.slot, new.above_ug, new.expected_ug
    known = step.find("tally", tally, Drift) or Drift()
    slots, quiet_until = known.slots, known.quiet_until
    if slots and slots[-1].slot == slot:
        last = slots[-1]
        count = last.count + new.count
        slots = (*slots[:-1], Drifted(slot, last.above_ug + above_ug, last.expected_ug + expected_ug, count))
    else:
        slots = (*slots[-SLOTS + 1 :], new)
    loss_ppm, gain_ppm = allowed
    above = above_ug * _MILLION
    # A reading that is not itself beyond what is allowed carries no sum over its edge.
    if slot >= quiet_until and not -expected_ug * loss_ppm <= above <= expected_ug * gain_ppm:
        rule = steady_gain if above > 0 else steady_loss
        if any(rule(step, subject, days, window) for days, window in _windows(slots)):
            quiet_until = slot + WINDOWS[0] // SLOT_DAYS
    step.put("tally", tally, Drift(slots, quiet_until))


def _windows(slots: Sequence[Drifted]) -> list[tuple[int, Drifted]]:
    """For each window of days, shortest first, what its slots come to together; `slot` is its first."""
    found = []
    above_ug = expected_ug = count = 0
    newest = slots[-1].slot
    waiting = list(WINDOWS)
    for each in reversed(slots):
        while waiting and each.slot <= newest - waiting[0] // SLOT_DAYS:
            found.append((waiting.pop(0), Drifted(each.slot, above_ug, expected_ug, count)))
        if not waiting:
            break
        above_ug += each.above_ug
        expected_ug += each.expected_ug
        count += each.count
    found += [(days, Drifted(slots[0].slot, above_ug, expected_ug, count)) for days in waiting[:1]]
    return found


def steady_gain(step: Step, subject: Address, days: int, window: Drifted) -> bool:
    """Over 30 or 90 days readings add up to more than was expected by `ppm` (10,000), in at least `weighings` (20).

    Said at a reading that is itself so far above. Each may lie inside its band: ore of elsewhere is added a little at a time (F5, F2). Told of the site the lots are
    from, of who had them before they were weighed, and of who weighed. Honest: a scale at one end reads wrong, and
    should be checked; dust that drew water in the rains.
    """
    if window.count < step.number("thresholds", "steady_gain", "weighings"):
        return False
    if window.above_ug * _MILLION <= window.expected_ug * step.number("thresholds", "steady_gain", "ppm"):
        return False
    step.note("steady_gain", "warning", [subject], figures=_figures(days, window))
    return True


def steady_loss(step: Step, subject: Address, days: int, window: Drifted) -> bool:
    """Over 30 or 90 days readings add up to less than was expected by `ppm` (30,000), in at least `weighings` (20).

    A buyer's scale that always reads low, or ore taken out on the way (F12). Honest: wet concentrate that dries.
    """
    if window.count < step.number("thresholds", "steady_loss", "weighings"):
        return False
    if -window.above_ug * _MILLION <= window.expected_ug * step.number("thresholds", "steady_loss", "ppm"):
        return False
    step.note("steady_loss", "notice", [subject], figures=_figures(days, window))
    return True


def _figures(days: int, window: Drifted) -> dict[str, int]:
    return {
        "days": days,
        "difference_ppm": window.above_ug * _MILLION // window.expected_ug,
        "difference_ug": window.above_ug,
        "known_ug": window.expected_ug,
        "weighings": window.count,
    }
