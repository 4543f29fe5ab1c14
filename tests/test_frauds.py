"""Frauds of the trade in honest seasons on a real ledger: what the published rules find, and that they accuse nobody else."""

import time
from pathlib import Path

import pytest

from traceability.core.findings.catalogue import RULES
from traceability.core.ids import LotId
from traceability.core.outcome import Finding
from traceability.simulation.frauds.bench import judged
from traceability.simulation.frauds.judging import Judge
from traceability.simulation.frauds.plant import Plant
from traceability.simulation.frauds.planting import MODES, SCHEMES, STRENGTHS

SHORT = ("F1", "F4", "F6", "F8", "F11", "F14", "F16", "F18", "F19")
"""Modes that a season of some thousand events has room for."""


def test_frauds_of_a_fresh_season_are_found(tmp_path: Path) -> None:
    """A season nobody has seen before: most of what was planted is found, all of the greediest, and next to nobody else accused."""
    seed = int(time.time())
    print(f"seed {seed}")
    result = judged(tmp_path, events=4000, seed=seed, times=1, modes=SHORT)
    said = {mode: result["modes"][mode] for mode in SHORT}
    assert sum(each["planted"] for each in said.values()) >= 2 * len(SHORT), seed
    found = sum(each["found"] for each in said.values())
    assert found * 10 >= 8 * sum(each["planted"] for each in said.values()), (seed, said)
    assert not [mode for mode, each in said.items() if 3 in each["missed_at_strength"]], (seed, said)
    honest = result["honest"]
    assert honest["accused_severe"] <= 2 + honest["lots"] // 1000, (seed, honest)


def test_every_mode_but_one_is_planted() -> None:
    """F20, an operator who rewrites history, is no event; a rule of the catalogue is there for each of the others."""
    assert [scheme.mode for scheme in SCHEMES] == list(MODES)
    assert set(MODES) == {f"F{number}" for number in range(1, 23)} - {"F20"}
    assert set(MODES) <= {mode for rule in RULES.values() for mode in rule.frauds}
    assert STRENGTHS == (1, 2, 3)


class _Event:
    """As much of an event as the judge reads."""

    kind = "transformation"

    def __init__(self, lots: set[str], moved: list[str], made: list[str]) -> None:
        self.lots = frozenset(lots)
        self.moved = [("", lot) for lot in moved]
        self.made = made


def _finding(rule: str, lot: str, severity: str = "severe") -> Finding:
    return Finding(rule, 1, severity, (("lot", lot),), ())  # type: ignore[arg-type]


@pytest.mark.parametrize(("rule", "found"), [("double_issue", 1), ("tag_on_two_lots", 0)])
def test_found_is_by_a_rule_about_that_mode(rule: str, found: int) -> None:
    """Not by any finding, not before it began, and not by what is said of everybody; what was made of it is not honest."""
    plant = Plant("F18", 1)
    plant.events.add("a")  # type: ignore[arg-type]
    plant.subjects.add(("lot", "bag"))
    judge = Judge()
    others = {f"honest {number}" for number in range(100)}
    early = [_finding("double_issue", "bag")]
    judge.take(0, "0", _Event({"bag", *others}, [], []), early)  # type: ignore[arg-type]
    judge.take(1, "a", _Event({"bag"}, [], []), [])  # type: ignore[arg-type]
    judge.take(
        5, "b", _Event({"bag", "heap"}, ["bag"], ["heap"]), [_finding(rule, "bag"), _finding(rule, "heap")]
    )  # type: ignore[arg-type]
    judge.take(6, "c", _Event({"honest 1"}, [], []), [_finding("site_red", "honest 1")])  # type: ignore[arg-type]
    result = judge.result([plant])
    said = result["modes"]["F18"]
    assert (said["planted"], said["found"]) == (1, found)
    assert said["median_delay_events"] == (4 if found else None)
    assert result["honest"] == {"lots": 100, "accused_severe": 1, "by_rules": ["site_red"]}
    for number in range(20):
        lot = LotId(f"honest {number}")
        judge.take(7 + number, str(number), _Event({lot}, [], []), [_finding(rule, lot)])  # type: ignore[arg-type]
    assert judge.result([plant])["modes"]["F18"]["found"] == 0
