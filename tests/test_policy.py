"""Policies: from which place they count, for which country and mineral, and who must agree."""

from typing import Any

import pytest

from rules import Rules
from test_certificates import Papers
from traceability.core.findings.certificates import UNKNOWN
from traceability.core.ids import EventId
from traceability.core.policy import Policy, number

RULE = "certificate_mass_off"


def policy(ppm: int | None, **more: Any) -> dict[str, Any]:
    """A policy that sets how far a certified mass may be from the lots'; None: nothing, so the default."""
    body: dict[str, Any] = {"from": "2026-03-02", "bands": [], "thresholds": [], "refusals": [], "times": []}
    mineral = more.pop("mineral", None)
    if ppm is not None:
        value = {"rule": RULE, "name": "ppm", "value": ppm, **({"mineral": mineral} if mineral else {})}
        body["thresholds"] = [value]
    return {"kind": "policy", "body": {**body, **more}}


class Office(Papers):
    """Certificates that are 0.5 % off: within the default of 1 %."""

    def __init__(self) -> None:
        super().__init__()
        (self.lot,) = self.bags("40.00")
        self._count = 0

    def is_off(self, **more: Any) -> bool:
        """Whether a further certificate of that mass is a finding."""
        self._count += 1
        self.append(self.registrar, self.certificate([self.lot], "40.2", number=f"N {self._count}", **more))
        return bool(self.findings(RULE))

    def in_force(self, event: dict[str, Any]) -> EventId:
        stated = self.append(self.operator, event)
        self.append(self.registrar, self.approval(stated))
        return stated


@pytest.fixture
def office() -> Office:
    return Office()


def test_it_counts_from_its_place_on(office: Office) -> None:
    """Not before its approval, whatever day it names; then for what comes, and nothing that came before changes."""
    assert not office.is_off()
    before = [kept.outcome.findings for kept in office.entries]
    stated = office.append(office.operator, policy(1_000, **{"from": "2026-01-01"}))
    assert not office.is_off(), "nobody has approved it"
    office.append(office.registrar, office.approval(stated))
    assert office.is_off()
    assert [kept.outcome.findings for kept in office.entries][: len(before)] == before
    assert office.in_force(policy(None))
    assert not office.is_off(), "an empty list means the program's own"


def test_one_that_was_turned_down_has_no_effect(office: Office) -> None:
    """An authority that rejects it, and nobody who approves: nothing changes."""
    stated = office.append(office.operator, policy(1_000))
    office.append(office.registrar, office.approval(stated, "rejected"))
    assert not office.is_off()


def test_each_country_has_its_own(office: Office) -> None:
    """A country's policy counts there and before the one for all; each leaves the other's values alone."""
    office.in_force(policy(1_000, country="CF"))
    assert office.is_off()
    assert not office.is_off(country="RW")
    office.in_force(policy(2_000))
    assert office.is_off(country="RW")
    office.in_force(policy(20_000, country="CF"))
    assert not office.is_off()
    assert office.is_off(country="RW")
    office.in_force(policy(None, country="CF"))
    assert office.is_off(), "without one of its own the country has the one for all"


def test_a_mineral_has_its_own(office: Office) -> None:
    """What is said of a mineral is said of no other."""
    office.in_force(policy(1_000, mineral="coltan"))
    assert not office.is_off()
    assert office.is_off(mineral="coltan")


def test_who_may_state_and_who_may_approve(office: Office) -> None:
    """The operator states, another authority approves: not he himself, not a trader."""
    for actor in (office.registrar, office.exporter):
        office.refuses("role_missing", actor, policy(1_000))
    stated = office.append(office.operator, policy(1_000))
    office.refuses("own_act", office.operator, office.approval(stated))
    office.refuses("role_missing", office.exporter, office.approval(stated))
    assert not office.is_off()


def test_the_most_telling_value_decides() -> None:
    """Country before mineral before step, and a name that no rule has is a mistake of the program."""
    from traceability.core.policy import Value

    values = (
        Value(None, "thresholds", RULE, "ppm", "gold", None, 1),
        Value(None, "thresholds", RULE, "ppm", "gold", "export", 2),
        Value("CF", "thresholds", RULE, "ppm", None, None, 3),
        Value(None, "thresholds", RULE, "ppm", None, "export", 4),
    )
    record = Policy(place=Rules().state.records["policy", "policy"].place, event=EventId("0"), values=values)  # type: ignore[union-attr]

    def found(**where: str) -> int:
        return number(record, "thresholds", RULE, "ppm", **where)  # type: ignore[arg-type]

    assert found(mineral="gold") == 1
    assert found(mineral="gold", step="export") == 2
    assert found(mineral="gold", step="export", country="CF") == 3
    assert found(step="export", country=UNKNOWN) == 4
    assert found(mineral="tin") == 10_000
    with pytest.raises(KeyError):
        number(record, "times", RULE, "days")
