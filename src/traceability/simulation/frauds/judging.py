"""Whether what was planted was found, how long that took, and whom the findings accuse who did nothing."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from traceability.core.events import Event
from traceability.core.findings.catalogue import RULES
from traceability.core.ids import EventId
from traceability.core.outcome import Finding
from traceability.core.record import Address
from traceability.simulation.frauds.plant import Plant
from traceability.simulation.frauds.planting import MODES


class Judge:
    """Reads a log with its findings, entry after entry, beside what was planted into it."""

    def __init__(self) -> None:
        self._places: dict[EventId, int] = {}
        self._found: dict[Address, list[tuple[int, Finding]]] = {}
        self._lots: set[str] = set()
        self._made_of: list[tuple[frozenset[str], Sequence[str]]] = []
        """Inputs and outputs of every transformation, in order."""

    def take(self, index: int, event_id: EventId, event: Event, findings: Iterable[Finding]) -> None:
        """One more entry, with what the rules noticed at it."""
        self._places[event_id] = index
        self._lots.update(event.lots)
        if event.kind == "transformation":
            self._made_of.append((frozenset(lot for _, lot in event.moved), event.made))
        for finding in findings:
            for subject in finding.subjects:
                self._found.setdefault(subject, []).append((index, finding))

    def result(self, plants: Sequence[Plant]) -> dict[str, Any]:
        """For each mode how many were planted and found, and how many honest lots are under a severe finding."""
        tainted = self._tainted(plants)
        honest = self._lots - tainted
        usual = self._said_of_many(honest)
        modes = {}
        for mode in MODES:
            of_mode = [plant for plant in plants if plant.mode == mode and self._recorded(plant)]
            first = [self._first(plant, usual) for plant in of_mode]
            delays = [delay for delay, _ in filter(None, first)]
            modes[mode] = {
                "planted": len(of_mode),
                "found": len(delays),
                "median_delay_events": int(median(delays)) if delays else None,
                "missed_at_strength": [
                    plant.strength for plant, found in zip(of_mode, first, strict=True) if not found
                ],
                "rules": sorted({rule for _, rule in filter(None, first)}),
            }
        accused = self._accused(honest)
        return {
            "modes": modes,
            "honest": {
                "lots": len(honest),
                "accused_severe": len(accused),
                "by_rules": sorted({rule for rules in accused.values() for rule in rules}),
            },
        }

    def _recorded(self, plant: Plant) -> bool:
        return any(event in self._places for event in plant.events)

    def _said_of_many(self, lots: Collection[str]) -> set[str]:
        """The rules that are told of more than one honest lot in twenty: what is said of everybody finds nobody."""
        told: Counter[str] = Counter()
        for (kind, id_), found in self._found.items():
            if kind == "lot" and id_ in lots:
                told.update({finding.rule for _, finding in found})
        return {rule for rule, times in told.items() if times * 20 > len(lots)}

    def _first(self, plant: Plant, usual: Collection[str]) -> tuple[int, str] | None:
        """After how many entries since its first one a rule about this mode noticed it; and which rule."""
        began = min(self._places[event] for event in plant.events if event in self._places)
        found = [
            (index - began, finding.rule)
            for subject in plant.subjects
            for index, finding in self._found.get(subject, ())
            if index >= began and plant.mode in RULES[finding.rule].frauds and finding.rule not in usual
        ]
        return min(found, default=None)

    def _tainted(self, plants: Sequence[Plant]) -> set[str]:
        """The lots of the plants, and all that was made of them."""
        tainted = {id_ for plant in plants for kind, id_ in plant.subjects if kind == "lot"}
        for inputs, outputs in self._made_of:
            if not tainted.isdisjoint(inputs):
                tainted.update(outputs)
        return tainted

    def _accused(self, lots: Collection[str]) -> Mapping[str, set[str]]:
        accused: dict[str, set[str]] = {}
        for (kind, id_), found in self._found.items():
            if kind == "lot" and id_ in lots:
                severe = {finding.rule for _, finding in found if finding.severity == "severe"}
                if severe:
                    accused[id_] = severe
        return accused


def table(result: Mapping[str, Any]) -> str:
    """The result for people: a line for each mode, and what it says of honest lots."""
    lines = ["mode  planted  found  delay  missed at  by"]
    for mode, said in result["modes"].items():
        missed = ",".join(map(str, said["missed_at_strength"])) or "-"
        delay = "-" if said["median_delay_events"] is None else said["median_delay_events"]
        rules = ", ".join(said["rules"]) or "-"
        lines.append(f"{mode:4}  {said['planted']:7}  {said['found']:5}  {delay:>5}  {missed:9}  {rules}")
    honest = result["honest"]
    lines.append(
        f"{honest['accused_severe']} of {honest['lots']} honest lots under a severe finding {honest['by_rules']}"
    )
    return "\n".join(lines)
