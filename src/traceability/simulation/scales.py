"""Scales: what they show when something of a known mass lies on them.

A scale shows whole steps, has a fault of its own that stays the same, and trembles a little. All masses
are in micrograms.
"""

from typing import Any, Literal, NamedTuple

from traceability.simulation.chance import MILLION, Chance, named

Unit = Literal["KGM", "GRM", "CTM"]
UNIT_UG: dict[Unit, int] = {"KGM": 1_000_000_000, "GRM": 1_000_000, "CTM": 200_000}


def quantity(mass_ug: int, unit: Unit, decimals: int) -> dict[str, str]:
    """A mass as the display shows it; the mass must be a whole number of its last digit."""
    whole, rest = divmod(mass_ug, UNIT_UG[unit])
    digits, none_left = divmod(rest * 10**decimals, UNIT_UG[unit])
    assert none_left == 0
    return {"unit": unit, "value": f"{whole}.{digits:0{decimals}d}" if decimals else str(whole)}


class Make(NamedTuple):
    """A kind of scale: unit, digits shown, step, its worst fault and its trembling, both in ppm.

    `marked_ppm` is the accuracy written on it, where a user is told: fault, trembling and step stay within.
    """

    unit: Unit
    decimals: int
    step_ug: int
    fault_ppm: int
    tremble_ppm: int
    marked_ppm: int = 0


HANGING = Make("KGM", 2, 50_000_000, 6_000, 2_000, 10_000)
BENCH = Make("KGM", 2, 20_000_000, 2_500, 700)
PLATFORM = Make("KGM", 1, 100_000_000, 2_500, 500)
BALANCE = Make("GRM", 2, 10_000, 2_000, 1_000)
CARAT = Make("CTM", 2, 2_000, 4, 3)


class Scale:
    """One scale, with a number of its own."""

    __slots__ = ("_chance", "_fault_ppm", "make", "number")

    def __init__(self, make: Make, chance: Chance, seed: int, name: str) -> None:
        drawn = int.from_bytes(named(seed, "scale", name)[:8], "big")
        self.make = make
        self.number = f"{make.unit[0]}{drawn % 9000 + 1000}"
        # Two halves of a fault, so that most scales are better than the worst that pass for honest.
        first, second = (drawn >> 14) % (make.fault_ppm + 1), (drawn >> 34) % (make.fault_ppm + 1)
        self._fault_ppm = first + second - make.fault_ppm
        self._chance = chance

    def reads(self, mass_ug: int) -> int:
        """What it shows for a mass: at least one step."""
        tremble = self._chance.randint(-self.make.tremble_ppm, self.make.tremble_ppm)
        shown = mass_ug * (MILLION + self._fault_ppm + tremble) // MILLION
        step = self.make.step_ug
        return max((shown + step // 2) // step, 1) * step

    def rounds(self, mass_ug: int) -> int:
        """The nearest mass it can show, without its faults: for what people work out on paper."""
        step = self.make.step_ug
        return (mass_ug + step // 2) // step * step

    def quantity(self, mass_ug: int) -> dict[str, str]:
        """A reading as a quantity of an event."""
        return quantity(mass_ug, self.make.unit, self.make.decimals)

    def weighing(self, mass_ug: int, **more: Any) -> dict[str, Any]:
        """A reading as a weighing of an event."""
        weighing = {"basis": "measured", "net": self.quantity(mass_ug), "scale": self.number, **more}
        if self.make.marked_ppm:
            weighing["scale_error_ppm"] = self.make.marked_ppm
        return weighing
