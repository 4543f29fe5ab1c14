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

from traceability.core.findings.global_numbers import GLOBAL_NUMBERS
from traceability.core.findings.ground_numbers import COUNTRY_NUMBERS, GROUND_NUMBERS
from traceability.core.findings.numbers import NUMBERS, PAPER_NUMBERS, SCAN_NUMBERS
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
    **NUMBERS,
    **GROUND_NUMBERS,
    **GLOBAL_NUMBERS,
    **PAPER_NUMBERS,
    **SCAN_NUMBERS,
}
"""What counts where no policy says otherwise: by section, rule, name, mineral and step."""
IN_COUNTRY: dict[tuple[str, Section, str, str, str | None, str | None], int] = {**COUNTRY_NUMBERS}
"""The same for one country, where its own law says something else."""


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
    key = ByEvent(policy) if policy is not None and policy.values else None
    return _number(key, section, rule, name, mineral, step, country)


@lru_cache(maxsize=1 << 12)
def _number(
    key: "ByEvent | None",
    section: Section,
    rule: str,
    name: str,
    mineral: str | None,
    step: str | None,
    country: str | None,
) -> int:
    table = _table(key) if key is not None else {}
    for where in (country, None) if country is not None else (None,):
        for what in (mineral, None) if mineral is not None else (None,):
            for at in (step, None) if step is not None else (None,):
                found = table.get((where, section, rule, name, what, at))
                if found is not None:
                    return found
    for what in (mineral, None) if mineral is not None else (None,):
        for at in (step, None) if step is not None else (None,):
            default = IN_COUNTRY.get((country, section, rule, name, what, at)) if country else None
            if default is not None:
                return default
    for what in (mineral, None) if mineral is not None else (None,):
        for at in (step, None) if step is not None else (None,):
            default = DEFAULTS.get((section, rule, name, what, at))
            if default is not None:
                return default
    raise KeyError(f"{section} of {rule}: {name}")


Wanted = tuple[Section, str, str, str | None, str | None]
"""Section, rule, name, mineral and step of a number."""


def looked_up(policy: Policy | None, country: str | None) -> dict[Wanted, int]:
    """The numbers of this policy in this country that were asked for so far: whoever asks for another adds it."""
    return _looked_up(ByEvent(policy) if policy is not None and policy.values else None, country)


@lru_cache(maxsize=1 << 8)
def _looked_up(key: "ByEvent | None", country: str | None) -> dict[Wanted, int]:  # noqa: ARG001  # a dict for each
    return {}


SEVERITIES = {"notice": 1, "warning": 2, "severe": 3}


def turned_away(policy: Policy | None, rule: str, severity: str, country: str | None) -> bool:
    """Whether the policy asks that an event which raises this finding is not taken: `refusals`, name `severity`.

    The value is the least severity that is turned away, as `SEVERITIES` has it; that of the event's country counts before
    the one for all. For admission alone: the fold never asks.
    """
    if policy is None or not policy.values:
        return False
    table = _table(ByEvent(policy))
    for where in (country, None):
        least = table.get((where, "refusals", rule, "severity", None, None))
        if least is not None:
            break
    return least is not None and SEVERITIES[severity] >= least


class ByEvent:
    """A policy as a key of what is remembered about it: its event has one place in one log and says all of it."""

    __slots__ = ("policy",)

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def __hash__(self) -> int:
        return hash(self.policy.event)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ByEvent):
            return False
        if self.policy.values is other.policy.values:
            return True
        equal = self.policy.values == other.policy.values
        if equal:
            self.policy = other.policy  # which every batch reads anew: so they are compared once for each
        return equal


@lru_cache(maxsize=16)
def _table(key: ByEvent) -> Mapping[tuple[str | None, Section, str, str, str | None, str | None], int]:
    return {
        (value.country, value.section, value.rule, value.name, value.mineral, value.step): value.value
        for value in key.policy.values
    }
