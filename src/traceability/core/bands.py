"""The bands in force: a policy's numbers for one mineral at one step, and what scales may err.

Where moisture was measured on both sides, dry masses are compared, in a narrower band. The *warn* value is the
edge: beyond it the difference is booked and there is a finding, beyond the *fail* value a severe one. The errors
of both scales come on top of either; they are limits of error, so they add up.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, get_args

from traceability.core.balance import Band
from traceability.core.forms import Basis
from traceability.core.outcome import Step
from traceability.core.policy import ByEvent, number


class Limits(NamedTuple):
    """What judges readings of one mineral at one step."""

    wet: Band
    wet_fail: Band
    dry: Band
    dry_fail: Band
    rise_ppm: int
    rise_fail_ppm: int
    error_ppm: Mapping[str, int]
    """What a scale may err that nothing is marked on, by basis."""


def limits(step: Step, mineral: str, at: str = "handoff") -> Limits:
    """The limits in force where this entry stands."""
    policy = step.policy
    region: str | None = step.event.body.region
    key = ByEvent(policy) if policy is not None and policy.values else None
    return _limits(key, mineral, at, region[:2] if key is not None and region is not None else None)


@lru_cache(maxsize=1 << 10)
def _limits(key: ByEvent | None, mineral: str, at: str, country: str | None) -> Limits:
    policy = key.policy if key is not None else None

    def value(rule: str, name: str) -> int:
        section = "thresholds" if rule == "scale_error" else "bands"
        return number(policy, section, rule, name, mineral=mineral, step=at, country=country)  # type: ignore[arg-type]

    least_ug = value("scale_error", "least_ug")
    wet, wet_fail, dry, dry_fail = (
        Band(value("mass_lost", name), value("mass_gained", name), least_ug)
        for name in ("warn_ppm", "fail_ppm", "dry_warn_ppm", "dry_fail_ppm")
    )
    rise_ppm, rise_fail_ppm = (value("rise_above_lowest", name) for name in ("warn_ppm", "fail_ppm"))
    errors = {basis: value("scale_error", basis) for basis in get_args(Basis)}
    return Limits(wet, wet_fail, dry, dry_fail, rise_ppm, rise_fail_ppm, errors)


def threshold(
    step: Step, rule: str, name: str, *, mineral: str | None = None, at: str | None = None, band: bool = False
) -> int:
    """One number of a rule in force where this entry stands."""
    return step.number("bands" if band else "thresholds", rule, name, mineral, at)
