"""A rule on sealed prices: only whoever was shown them can ask it, and states what he found in a signed `finding`.

The finding gives the digest of the disclosures it was computed from, so that whoever has them computes it again.
"""

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from traceability.core import canonical
from traceability.core.findings.raised import Raised
from traceability.core.ground_records import Figure
from traceability.core.policy import Policy, number
from traceability.core.quantity import exact, micrograms

_MILLION = 1_000_000


def undervalued(
    price: str,
    mass_ug: int,
    reference: Figure,
    policy: Policy | None,
    *,
    mineral: str,
    country: str | None = None,
) -> Raised | None:
    """A price lies under `warn_ppm` (600,000) of the reference price of the day, severe under `fail_ppm` (300,000).

    Price and reference are in one currency; the reference is for one of its unit. Source: prices published by markets and
    States; transfer pricing. Honest: wet or poor ore, a price agreed months before, metal price held against ore. F17.
    """
    worth = Fraction(mass_ug, micrograms(exact(reference.unit, "1"))) * Fraction(reference.value)
    if worth <= 0:
        return None
    of_reference_ppm = int(Fraction(price) / worth * _MILLION)
    figures = {"of_reference_ppm": of_reference_ppm, "reference": reference.event}
    for severity, name in (("severe", "fail_ppm"), ("warning", "warn_ppm")):
        if of_reference_ppm < number(
            policy, "thresholds", "undervalued", name, mineral=mineral, country=country
        ):
            return Raised("severe" if severity == "severe" else "warning", figures)
    return None


def digest_of(disclosures: Sequence[tuple[str, str, Any]]) -> str:
    """The digest of disclosures, each salt, path and value, in the order of their paths."""
    listed = sorted(([salt, path, value] for salt, path, value in disclosures), key=lambda each: each[1])
    return hashlib.sha256(canonical.encode(listed)).hexdigest()
