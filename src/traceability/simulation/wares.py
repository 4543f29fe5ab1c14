"""What is dug, and how it looks at each station: forms, usual grades, bag sizes, prices."""

from typing import NamedTuple

from traceability.simulation.chance import Chance
from traceability.simulation.scales import BALANCE, BENCH, CARAT, HANGING, PLATFORM, UNIT_UG, Make

KILOGRAM = UNIT_UG["KGM"]
GRAM = UNIT_UG["GRM"]
CARAT_UG = UNIT_UG["CTM"]


class Range(NamedTuple):
    """From, up to and including."""

    low: int
    high: int

    def draw(self, chance: Chance) -> int:
        return chance.randint(self.low, self.high)


class Ware(NamedTuple):
    """One mineral in trade."""

    mineral: str
    raw: str
    """Form in which it leaves the pit."""
    product: str
    """Form in which it leaves the plant."""
    analyte: str | None
    raw_ppm: Range
    product_ppm: Range
    bag_ug: Range
    bags: Range
    """Bags, sachets or parcels a team fills in a day."""
    package: str
    at_pit: Make
    in_town: Make
    at_plant: Make
    currency: str
    cents: int
    """Price of a gram, kilogram or carat (as the scale in town shows) at the pit, in hundredths."""


CASSITERITE = Ware(
    "cassiterite", "ore", "concentrate", "sn", Range(380_000, 560_000), Range(650_000, 715_000),
    Range(24 * KILOGRAM, 49 * KILOGRAM), Range(3, 11), "bag", HANGING, BENCH, PLATFORM, "USD", 890,
)  # fmt: skip
COLTAN = Ware(
    "coltan", "ore", "concentrate", "ta2o5", Range(160_000, 260_000), Range(290_000, 360_000),
    Range(20 * KILOGRAM, 38 * KILOGRAM), Range(2, 7), "bag", HANGING, BENCH, PLATFORM, "USD", 3450,
)  # fmt: skip
GOLD = Ware(
    "gold", "dust", "dore", "au", Range(855_000, 930_000), Range(885_000, 945_000),
    Range(3 * GRAM, 31 * GRAM), Range(2, 8), "sachet", BALANCE, BALANCE, BALANCE, "XAF", 3_920_000,
)  # fmt: skip
DIAMOND = Ware(
    "diamond", "rough", "sorted", None, Range(0, 0), Range(0, 0),
    Range(CARAT_UG // 12, CARAT_UG * 3 // 4), Range(1, 4), "sachet", CARAT, CARAT, CARAT, "XAF", 7_850_000,
)  # fmt: skip
"""For stones `bag_ug` is the mass of one stone, usually."""


def money(ware: Ware, mass_ug: int, chance: Chance, *, share_ppm: int = 1_000_000) -> dict[str, str]:
    """A price agreed for so much of it, give or take what haggling does."""
    cents = mass_ug * ware.cents // UNIT_UG[ware.in_town.unit] * share_ppm // 1_000_000
    cents = cents * chance.randint(93, 108) // 100
    if ware.currency == "XAF":
        return {"currency": "XAF", "value": str(max(cents // 50_000, 1) * 500)}
    return {"currency": ware.currency, "value": f"{cents // 100}.{cents % 100:02d}"}
