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
    """What its grade is the grade of; stones have none."""
    raw_ppm: Range
    product_ppm: Range
    bag_ug: Range
    """A bag or a sachet; of stones one stone."""
    bags: Range
    """Bags, sachets or parcels of a team's day, where it is recorded as one."""
    together: int
    """Once in so many times several go in one event; else a phone records bag by bag. Cobalt ore goes by the cart."""
    package: str
    at_pit: Make
    in_town: Make
    at_plant: Make
    steps: tuple[str, ...]
    """How it is worked up."""
    fill: int
    """Bags, sachets or parcels that lie at the house before it is: cobalt ore, which is poor, goes onto a heap."""
    currency: str
    cents: int
    """Price of a gram, kilogram or carat (as the scale in town shows) at the pit, in hundredths."""

    @property
    def stones(self) -> bool:
        """Whether it is counted as well as weighed."""
        return self.analyte is None

    @property
    def bagged(self) -> bool:
        """Whether it is ore in bags: wet, heavy, and going by road."""
        return self.package == "bag"


CASSITERITE = Ware(
    "cassiterite", "ore", "concentrate", "sn", Range(380_000, 560_000), Range(650_000, 715_000),
    Range(24 * KILOGRAM, 49 * KILOGRAM), Range(2, 6), 30, "bag", HANGING, BENCH, PLATFORM,
    ("wash", "jig", "magnetic"), 26, "USD", 890,
)  # fmt: skip
COLTAN = Ware(
    "coltan", "ore", "concentrate", "ta2o5", Range(160_000, 260_000), Range(290_000, 360_000),
    Range(20 * KILOGRAM, 38 * KILOGRAM), Range(2, 4), 30, "bag", HANGING, BENCH, PLATFORM,
    ("wash", "magnetic", "dry"), 26, "USD", 3450,
)  # fmt: skip
WOLFRAMITE = Ware(
    "wolframite", "ore", "concentrate", "wo3", Range(480_000, 640_000), Range(640_000, 690_000),
    Range(20 * KILOGRAM, 27 * KILOGRAM), Range(2, 6), 30, "bag", HANGING, BENCH, PLATFORM,
    ("wash", "jig", "magnetic"), 26, "USD", 1240,
)  # fmt: skip
COBALT = Ware(
    "cobalt", "ore", "hydroxide", "co", Range(35_000, 95_000), Range(310_000, 380_000),
    Range(28 * KILOGRAM, 50 * KILOGRAM), Range(2, 7), 1, "bag", HANGING, BENCH, PLATFORM,
    ("crush", "leach", "dry"), 200, "USD", 95,
)  # fmt: skip
GOLD = Ware(
    "gold", "dust", "dore", "au", Range(855_000, 930_000), Range(885_000, 945_000),
    Range(2 * GRAM, 24 * GRAM), Range(2, 4), 30, "sachet", BALANCE, BALANCE, BALANCE,
    ("melt",), 14, "XAF", 3_920_000,
)  # fmt: skip
DIAMOND = Ware(
    "diamond", "rough", "sorted", None, Range(0, 0), Range(0, 0),
    Range(CARAT_UG // 12, CARAT_UG * 3 // 4), Range(2, 3), 30, "sachet", CARAT, CARAT, CARAT,
    ("boil", "sort"), 14, "XAF", 7_850_000,
)  # fmt: skip
TOURMALINE = Ware(
    "tourmaline", "rough", "sorted", None, Range(0, 0), Range(0, 0),
    Range(CARAT_UG * 2, CARAT_UG * 30), Range(2, 3), 30, "sachet", CARAT, CARAT, CARAT,
    ("sort",), 14, "USD", 640,
)  # fmt: skip


def money(ware: Ware, mass_ug: int, chance: Chance, *, share_ppm: int = 1_000_000) -> dict[str, str]:
    """A price agreed for so much of it, give or take what haggling does."""
    cents = mass_ug * ware.cents // UNIT_UG[ware.in_town.unit] * share_ppm // 1_000_000
    cents = cents * chance.randint(93, 108) // 100
    if ware.currency == "XAF":
        return {"currency": "XAF", "value": str(max(cents // 50_000, 1) * 500)}
    return {"currency": ware.currency, "value": f"{cents // 100}.{cents % 100:02d}"}
