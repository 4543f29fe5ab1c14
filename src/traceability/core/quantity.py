"""Masses as people write them and as the ledger counts them.

A quantity in an event is what the person saw: a UN/ECE Rec 20 unit and a decimal string with the digits the
scale showed (design, "Quantities"). It is read in two ways, and never through a float:

- *exactly*, as a whole number of 1e-16 g. Every unit is a terminating decimal of a gram, and 1e-16 g is the
  ninth decimal of a troy ounce, so any sum of quantities closes or does not, with nothing rounded away;
- *in micrograms*, by the one published rounding: to the nearest, and a half to the even neighbour.

One spelling for one value of digits: `25.40` and `25.4` are two readings of a scale, but `025.4`, `.5`,
`1.`, `1,250` and `1e3` are none at all, because somebody would read them otherwise than we do.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NewType, get_args

from traceability.core.errors import Malformed

Micrograms = NewType("Micrograms", int)
"""A mass in whole micrograms."""

Unit = Literal["MGM", "GRM", "KGM", "TNE", "CTM", "APZ"]
"""Rec 20: milligram, gram, kilogram, tonne, metric carat (0.2 g), troy ounce (31.1034768 g)."""

MASS_MAX_UG = 9_000_000_000_000_000
"""9,000 t: more than any one weighing, and still an integer every JSON reader holds exactly."""

EXACT_PER_UG = 10_000_000_000
_DECIMALS = 9
_BILLIONTH: Mapping[str, int] = MappingProxyType(
    {
        "MGM": 10_000,
        "GRM": 10_000_000,
        "KGM": 10_000_000_000,
        "TNE": 10_000_000_000_000,
        "CTM": 2_000_000,
        "APZ": 311_034_768,
    }
)
"""What the ninth decimal of each unit weighs, in 1e-16 g."""

VALUE_PATTERN = r"(0|[1-9][0-9]{0,12})(\.[0-9]{1,9})?"
_VALUE = re.compile(VALUE_PATTERN)
_THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")


def exact(unit: str, value: str) -> int:
    """The mass in 1e-16 g, exactly. Raises Malformed where unit or value is not in the one form.

    Says nothing about how much: zero and any number of thirteen digits are read.
    """
    billionth = _BILLIONTH.get(unit)
    if billionth is None:
        raise Malformed(f"{unit[:20]!r} is not a unit of mass used here: write {', '.join(get_args(Unit))}")
    if _VALUE.fullmatch(value) is None:
        raise Malformed(f"{value[:40]!r} is not a mass: {_advice(value[:40])}")
    whole, _, decimals = value.partition(".")
    return int(whole + decimals.ljust(_DECIMALS, "0")) * billionth


def micrograms(exact: int) -> Micrograms:
    """A mass of `exact` 1e-16 g to the nearest microgram, a half to the even neighbour."""
    whole, rest = divmod(exact, EXACT_PER_UG)
    up = 2 * rest > EXACT_PER_UG or (2 * rest == EXACT_PER_UG and whole % 2 == 1)
    return Micrograms(whole + up)


def to_micrograms(unit: str, value: str, *, zero_allowed: bool = False) -> Micrograms:
    """The mass in micrograms, by the one rounding.

    Raises Malformed for another form, for more than 9,000 t, and, unless `zero_allowed`, for what is
    nothing or rounds to nothing.
    """
    mass = exact(unit, value)
    if mass > MASS_MAX_UG * EXACT_PER_UG:
        raise Malformed(f"{value} {unit} is more than 9,000 t: check the unit")
    mass_ug = micrograms(mass)
    if mass_ug == 0 and not zero_allowed:
        raise Malformed(f"{value} {unit} is less than a microgram: give the mass, or leave the field out")
    return mass_ug


def format_quantity(mass_ug: int, unit: Unit) -> str:
    """`mass_ug` in that unit as a quantity's value, exactly, without needless zeros.

    Raises Malformed where it has no such value: below zero, above 9,000 t, or (troy ounces, mostly) no end
    within nine decimals. Then convert it nowhere and write grams.
    """
    if not 0 <= mass_ug <= MASS_MAX_UG:
        raise Malformed(f"{mass_ug} µg is not a mass between nothing and 9,000 t")
    billionths, rest = divmod(mass_ug * EXACT_PER_UG, _BILLIONTH[unit])
    if rest:
        raise Malformed(f"{mass_ug} µg has no exact value in {unit} with nine decimals: write it in GRM")
    whole, decimals = divmod(billionths, 10**_DECIMALS)
    return f"{whole}.{decimals:0{_DECIMALS}}".rstrip("0").rstrip(".")


def show_grams(exact: int) -> str:
    """An exact mass (1e-16 g) as a decimal number of grams with no digit more than it needs."""
    whole, rest = divmod(exact, 10**16)
    decimals = f"{rest:016d}".rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)


def read_grams(text: str) -> int:
    """The exact mass (1e-16 g) behind `show_grams`' text."""
    whole, _, decimals = text.partition(".")
    return int(whole) * 10**16 + int(decimals.ljust(16, "0"))


def _advice(value: str) -> str:
    """What to do about a value that is not in the one form."""
    if "," in value:
        # 1,250 is a thousand and more in one country, one and a quarter in the next: never guess.
        readings = [value.replace(",", "")] if _THOUSANDS.fullmatch(value) else []
        readings.append(value.replace(".", "").replace(",", "."))
        plain = [reading for reading in readings if _VALUE.fullmatch(reading)]
        return f"a comma can be read in two ways, write {' or '.join(plain or ['25.40'])}"
    if value.startswith("-"):
        return "a mass is not below zero, write what the scale showed without a sign"
    whole, point, decimals = "".join(value.split()).removeprefix("+").partition(".")
    tidied = (whole.lstrip("0") or "0") + (point + decimals if decimals else "")
    if (whole or decimals) and _VALUE.fullmatch(tidied):
        return f"write {tidied}"
    return "write the digits 0 to 9, at most 13 of them, and if needed a point and at most 9 decimals, as in 25.40"
