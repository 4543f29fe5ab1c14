"""Amounts of money compared: exchange rates and reference prices of a day, in exact fractions of a dollar.

Both are `reference` events, timelines by their own days. A price is per unit of mass (`unit`, a Rec 20 code) in
US dollars. Of an exchange rate, one `unit` (USD) is worth `value` of `currency`, as people quote it.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

from traceability.core import quantity
from traceability.core.errors import Malformed
from traceability.core.ground_records import Figure, at

Figures = Callable[[str], Sequence[Figure]]
"""The timeline of a reference by its name: "price:gold:CF:USD", "exchange_rate:::XAF"; empty for none."""
USD = "USD"


def in_usd(value: str, currency: str, day: str, figures: Figures) -> Fraction | None:
    """So much money in dollars by the rate of that day; None where nobody stated one."""
    if currency == USD:
        return Fraction(value)
    rate = at(figures(f"exchange_rate:::{currency}"), day)
    if rate is None or rate.unit != USD or not Fraction(rate.value):
        return None
    return Fraction(value) / Fraction(rate.value)


def reference_usd(
    mineral: str, country: str | None, mass_ug: int, day: str, figures: Figures
) -> Fraction | None:
    """What so much of a mineral was worth that day, by the price of its country, else the one for all; or None."""
    for where in dict.fromkeys((country or "", "")):
        price = at(figures(f"price:{mineral}:{where}:{USD}"), day)
        if price is not None:
            try:
                unit = quantity.exact(price.unit, "1")
            except Malformed:
                return None  # a price by another unit than one of mass
            return Fraction(price.value) * mass_ug * quantity.EXACT_PER_UG / unit
    return None


def show(amount: Fraction, decimals: int = 2) -> str:
    """The amount as a decimal number, half to even."""
    cents = round(amount * 10**decimals)
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}{cents // 10**decimals}.{cents % 10**decimals:0{decimals}}"
