"""The ledger's rules in force: numbers that policies set, and what counts where none does.

Genesis states the first policy; a `policy` event, approved by a second authority, replaces all four lists of
its country (or of all countries) from its place in the log on. A rule asks for one number by its name; the
most telling value decides: of the country before all countries, then of the mineral, then of the step. Where
no policy says anything the program's default does (`DEFAULTS`), which belongs to the rule's version.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

import msgspec

from traceability.core.ids import EventId
from traceability.core.record import Subject
from traceability.core.registry_bodies import PolicyFacts, PolicyValue

Section = Literal["bands", "thresholds", "refusals", "times"]
SECTIONS: tuple[Section, ...] = ("bands", "thresholds", "refusals", "times")


class Value(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One number of a policy. `country`, `mineral` or `step` absent: whatever it is."""

    country: str | None
    section: Section
    rule: str
    name: str
    mineral: str | None
    step: str | None
    value: int


class Policy(Subject, frozen=True):
    """The ledger's rules in force."""

    event: EventId
    """The event that set or changed them last."""
    values: tuple[Value, ...] = ()


DEFAULTS: dict[tuple[Section, str, str, str | None, str | None], int] = {
    ("thresholds", "away_from_its_site", "km", None, None): 40,
    ("thresholds", "certificate_overdrawn", "ppm", None, None): 5_000,
    ("thresholds", "closed_circle", "deals", None, None): 20,
    ("thresholds", "closed_circle", "spread_ppm", None, None): 100,
    ("thresholds", "exports_above_production", "ppm", None, None): 1_100_000,
    ("thresholds", "impossible_travel", "km", None, None): 30,
    ("thresholds", "impossible_travel", "km_h", None, None): 120,
    ("thresholds", "no_incident_in_zone", "productions", None, None): 200,
    ("thresholds", "output_above_capacity", "days_per_month", None, None): 26,
    ("thresholds", "output_above_capacity", "ppm", None, None): 1_250_000,
    ("thresholds", "recorded_unusually_late", "times_usual", None, None): 8,
    ("thresholds", "sites_interleaved", "returns", None, None): 3,
    ("thresholds", "steady_gain", "ppm", None, None): 10_000,
    ("thresholds", "steady_gain", "weighings", None, None): 20,
    ("thresholds", "steady_loss", "ppm", None, None): 30_000,
    ("thresholds", "steady_loss", "weighings", None, None): 20,
    ("thresholds", "tags_in_a_rush", "tags", None, None): 120,
    ("thresholds", "weights_permuted", "apart_ppm", None, None): 30_000,
    ("thresholds", "weights_permuted", "near_ppm", None, None): 15_000,
    ("thresholds", "weights_repeated", "share_ppm", None, None): 500_000,
    ("thresholds", "weights_too_even", "spread_ppm", None, None): 10_000,
    ("thresholds", "weights_too_round", "unlikely", None, None): 10_000_000,
    ("times", "arrival_not_confirmed", "days", None, None): 60,
    ("times", "gap_in_sequence", "days", None, None): 30,
    ("times", "handoff_overdue", "days", None, None): 14,
    ("times", "impossible_travel", "slack_minutes", None, None): 30,
    ("times", "lot_without_tag", "days", None, None): 30,
    ("times", "moved_without_travel", "minutes", None, None): 5,
    ("times", "no_incident_in_zone", "days", None, None): 180,
    ("times", "recorded_unusually_late", "days", None, None): 14,
    ("times", "site_status_ran_out", "blue_days", None, None): 1_095,
    ("times", "site_status_ran_out", "green_days", None, None): 365,
    ("times", "site_status_ran_out", "yellow_days", None, None): 180,
    ("times", "sites_interleaved", "hours", None, None): 6,
    ("times", "sold_on_within_minutes", "minutes", None, None): 60,
    ("times", "tags_in_a_rush", "minutes", None, None): 60,
    ("times", "tags_unused", "days", None, None): 180,
}
"""What counts where no policy says otherwise: by section, rule, name, mineral and step."""


def stated(policy: Policy | None, facts: PolicyFacts) -> tuple[Value, ...]:
    """The values after a policy of these facts: it replaces what its country had, and leaves the others."""
    kept = tuple(value for value in policy.values if value.country != facts.country) if policy else ()
    return kept + tuple(_values(facts))


def _values(facts: PolicyFacts) -> list[Value]:
    lists: Mapping[Section, Sequence[PolicyValue]] = {
        "bands": facts.bands,
        "thresholds": facts.thresholds,
        "refusals": facts.refusals,
        "times": facts.times,
    }
    return [
        Value(facts.country, section, said.rule, said.name, said.mineral, said.step, said.value)
        for section in SECTIONS
        for said in lists[section]
    ]


def number(
    policy: Policy | None,
    section: Section,
    rule: str,
    name: str,
    *,
    mineral: str | None = None,
    step: str | None = None,
    country: str | None = None,
) -> int:
    """The number in force. Raises KeyError for a name that no rule has."""
    table = _table(_ByEvent(policy)) if policy is not None and policy.values else {}
    for where in (country, None) if country is not None else (None,):
        for what in (mineral, None) if mineral is not None else (None,):
            for at in (step, None) if step is not None else (None,):
                found = table.get((where, section, rule, name, what, at))
                if found is not None:
                    return found
    for what in (mineral, None) if mineral is not None else (None,):
        for at in (step, None) if step is not None else (None,):
            default = DEFAULTS.get((section, rule, name, what, at))
            if default is not None:
                return default
    raise KeyError(f"{section} of {rule}: {name}")


class _ByEvent:
    """A policy as a key: its event says all of it, because an event has one place in one log."""

    __slots__ = ("policy",)

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def __hash__(self) -> int:
        return hash(self.policy.event)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByEvent) and self.policy.values == other.policy.values


@lru_cache(maxsize=16)
def _table(key: _ByEvent) -> Mapping[tuple[str | None, Section, str, str, str | None, str | None], int]:
    return {
        (value.country, value.section, value.rule, value.name, value.mineral, value.step): value.value
        for value in key.policy.values
    }
