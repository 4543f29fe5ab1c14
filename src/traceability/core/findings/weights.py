"""Rules on the digits of weights: readings that no scale and no shovel would give."""

from collections.abc import Sequence
from functools import lru_cache
from math import comb, gcd

from traceability.core.events import Production
from traceability.core.outcome import Step
from traceability.core.record import Address
from traceability.core.tallies import Readings

READINGS = 40
_MILLION = 1_000_000
_KINDS = frozenset({"cassiterite", "coltan", "wolframite", "cobalt", "copper", "gold"})
"""Minerals whose bags are filled by the shovel: stones have the weights they have."""


def watch_readings(step: Step, event: Production) -> None:
    """Takes the weighings of new lots into the tallies of their site and their signer, and asks the rules."""
    measured = [
        (lot.weighing.net.unit, lot.weighing.net.mass_ug)
        for lot in event.body.lots
        if lot.weighing.basis == "measured" and lot.mineral in _KINDS
    ]
    if not measured:
        return
    unit_ug = 1_000_000_000 if measured[0][0] in ("KGM", "TNE") else 1_000_000
    masses = [mass for _, mass in measured]
    if event.body.site is not None:
        _take(step, ("site", event.body.site), masses, unit_ug)
    _take(step, ("party", event.party), masses, unit_ug)


def _take(step: Step, subject: Address, new: Sequence[int], unit_ug: int) -> None:
    known = step.find("tally", f"readings:{subject[1]}", Readings) or Readings()
    masses = (*known.masses, *new)[-READINGS:]
    quiet = max(known.quiet - len(new), 0)
    if not quiet and len(masses) == READINGS:
        # One that is not round makes no list too round: it is asked where a new one is.
        round_ = any(mass % unit_ug == 0 for mass in new) and weights_too_round(
            step, subject, masses, unit_ug
        )
        repeated = weights_repeated(step, subject, masses)
        if weights_too_even(step, subject, masses) or round_ or repeated:
            quiet = READINGS
    step.put("tally", f"readings:{subject[1]}", Readings(masses, quiet))


def weights_too_round(step: Step, subject: Address, masses: Sequence[int], unit_ug: int) -> bool:
    """So many whole kilograms (of gold: grams) as the scale's own step gives once in `unlikely` (10,000,000) times.

    The step is the largest that all of the last 40 readings are multiples of: a scale that shows 50 g is whole one time
    in twenty. Invented weights are round (F3). Honest: a scale that is read to the kilogram; all whole is said too,
    because such a scale is none to trade by.
    """
    step_ug = gcd(unit_ug, *masses)
    whole = sum(mass % unit_ug == 0 for mass in masses)
    unlikely = step.number("thresholds", "weights_too_round", "unlikely")
    if step_ug == unit_ug or whole >= _surprising(len(masses), unit_ug // step_ug, unlikely):
        figures = {"readings": len(masses), "step_ug": step_ug, "whole": whole}
        step.note("weights_too_round", "warning", [subject], figures=figures)
        return True
    return False


@lru_cache(maxsize=256)
def _surprising(count: int, one_in: int, unlikely: int) -> int:
    """The least number of hits in `count` trials, each a hit one time in `one_in`, that comes once in `unlikely`.

    Exact: sums of whole numbers. More than `count` where no number of hits is so unlikely.
    """
    tail, hits = 0, count
    while hits >= 0:
        tail += comb(count, hits) * (one_in - 1) ** (count - hits)
        if tail * unlikely > one_in**count:
            break
        hits -= 1
    return hits + 1


def weights_repeated(step: Step, subject: Address, masses: Sequence[int]) -> bool:
    """The newest weight makes up more than `share_ppm` (500,000) of the last 40 readings.

    Copied down the page (F3). Honest: bags filled to a mark on the scale on purpose.
    """
    weight = masses[-1]
    times = masses.count(weight)
    if times * _MILLION <= len(masses) * step.number("thresholds", "weights_repeated", "share_ppm"):
        return False
    figures = {"mass_ug": weight, "readings": len(masses), "times": times}
    step.note("weights_repeated", "warning", [subject], figures=figures)
    return True


def weights_too_even(step: Step, subject: Address, masses: Sequence[int]) -> bool:
    """All of the last 40 bags within `spread_ppm` (10,000) of their mean.

    Diggers' bags differ by kilograms; a list that does not was written, not weighed (F3). Honest: bags filled to a mark.
    """
    spread = max(masses) - min(masses)
    if spread * len(masses) * _MILLION > sum(masses) * step.number(
        "thresholds", "weights_too_even", "spread_ppm"
    ):
        return False
    figures = {"least_ug": min(masses), "most_ug": max(masses), "readings": len(masses)}
    step.note("weights_too_even", "warning", [subject], figures=figures)
    return True
