"""What lots carry of corrections that came too late for the lots they were made of.

A mass put right after a lot had moved on changes no record: it is a finding on that lot. Whatever was made of
it carries the difference in proportion to how much of the lot is in it (events.md section 12).
"""

from collections.abc import Callable, Iterable, Mapping

from traceability.core.composition import Pool, lots_within
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Finding

CORRECTED = frozenset({"corrected_but_booked", "corrected_too_late"})
"""The rules whose figures `right_ug` and `said_ug` are such a difference."""


def corrected_too_late(findings: Iterable[Finding]) -> dict[LotId, int]:
    """By how many micrograms lots should have weighed more (or less), as these findings say, oldest first."""
    right: dict[LotId, int] = {}
    for finding in findings:
        figures = dict(finding.figures)
        if finding.rule in CORRECTED and "right_ug" in figures:
            right[LotId(finding.subjects[0][1])] = int(figures["right_ug"]) - int(figures["said_ug"])
    return right


def carried_difference(lot: Lot, read_pool: Callable[[str], Pool], right: Mapping[LotId, int]) -> int:
    """The micrograms by which `lot` should have been more (or less, below zero), rounded towards zero.

    `right` is by how much each corrected lot behind it should have weighed more. Raises what `lots_within` raises.
    """
    parts = (*lot.content, *(item.part for item in lot.items))
    carried = 0
    for ancestor, (inside_ug, whole_ug) in lots_within(parts, read_pool).items():
        more_ug = right.get(ancestor, 0)
        share_ug = abs(more_ug) * inside_ug // whole_ug
        carried += share_ug if more_ug > 0 else -share_ug
    return carried
