"""Quantities: one spelling, exact sums, one rounding, and refusals that say what to do."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.core import quantity
from traceability.core.errors import Malformed
from traceability.core.quantity import MASS_MAX_UG, Unit

GRAMS = {
    "MGM": Fraction(1, 1000),
    "GRM": Fraction(1),
    "KGM": Fraction(1000),
    "TNE": Fraction(1_000_000),
    "CTM": Fraction(1, 5),
    "APZ": Fraction("31.1034768"),
}
units = st.sampled_from(get_args(Unit))
values = st.from_regex(quantity.VALUE_PATTERN, fullmatch=True)


@given(units, values)
def test_a_quantity_is_exactly_what_its_decimal_and_unit_say(unit, value):
    """In 1e-16 g, against fractions, with nothing left over."""
    assert Fraction(quantity.exact(unit, value), 10**16) == Fraction(value) * GRAMS[unit]


@given(units, values)
def test_micrograms_are_rounded_once_and_half_to_even(unit, value):
    """As the decimal module rounds, with more digits than any quantity has."""
    with localcontext(prec=60):
        expected = (Decimal(quantity.exact(unit, value)) / Decimal(10**10)).quantize(
            Decimal(1), ROUND_HALF_EVEN
        )
    assert quantity.micrograms(quantity.exact(unit, value)) == expected


@pytest.mark.parametrize(
    ("unit", "value", "mass_ug"),
    [
        ("KGM", "38.40", 38_400_000_000),
        ("CTM", "6.35", 1_270_000),
        ("GRM", "1127.90", 1_127_900_000),
        ("TNE", "9000", MASS_MAX_UG),
        ("APZ", "1", 31_103_477),
        ("MGM", "0.0005", 0),
        ("MGM", "0.0015", 2),
        ("MGM", "0.0025", 2),
        ("MGM", "0.002500001", 3),
        ("APZ", "0.000000001", 0),
    ],
)
def test_masses_people_write_come_out_in_micrograms(unit, value, mass_ug):
    """Carats, ounces, and halves on both sides of the even neighbour."""
    assert quantity.to_micrograms(unit, value, zero_allowed=True) == mass_ug


@given(st.integers(0, MASS_MAX_UG), st.sampled_from(["MGM", "GRM", "KGM", "CTM"]))
def test_every_mass_has_a_value_in_the_units_that_hold_micrograms(mass_ug, unit):
    """Written and read again it is the same mass, with no needless zero."""
    value = quantity.format_quantity(mass_ug, unit)
    assert quantity.to_micrograms(unit, value, zero_allowed=True) == mass_ug
    assert not ("." in value and value.endswith(("0", ".")))


@given(st.integers(0, MASS_MAX_UG), units)
def test_a_value_is_exact_or_there_is_none(mass_ug, unit):
    """Tonnes end within nine decimals for whole milligrams, ounces hardly ever: then it raises."""
    ninths = Fraction(mass_ug, 10**6) / GRAMS[unit] * 10**9
    if ninths.denominator == 1:
        value = quantity.format_quantity(mass_ug, unit)
        assert Fraction(value) * GRAMS[unit] == Fraction(mass_ug, 10**6)
    else:
        with pytest.raises(Malformed, match="GRM"):
            quantity.format_quantity(mass_ug, unit)


@pytest.mark.parametrize("mass_ug", [-1, MASS_MAX_UG + 1])
def test_what_is_no_mass_is_not_written(mass_ug):
    """Below zero and above 9,000 t."""
    with pytest.raises(Malformed, match="9,000 t"):
        quantity.format_quantity(mass_ug, "KGM")


def test_sums_in_mixed_units_close_exactly():
    """An ounce is 31.1034768 g, a carat 0.2 g; in micrograms the first sum would not close."""
    ounces = sum(quantity.exact("APZ", "0.1") for _ in range(3))
    assert ounces == quantity.exact("GRM", "9.33104304")
    assert 3 * quantity.to_micrograms("APZ", "0.1") != quantity.to_micrograms("GRM", "9.33104304")
    assert quantity.exact("CTM", "1.23") + quantity.exact("MGM", "754") == quantity.exact("KGM", "0.001")
    # The seven bags of 14 March, and the melt of 5 April (events, section 16).
    bags = ["38.40", "41.00", "36.75", "40.20", "39.90", "42.15", "18.60"]
    assert sum(quantity.exact("KGM", bag) for bag in bags) == quantity.exact("TNE", "0.257")
    assert quantity.exact("GRM", "1204.60") == quantity.exact("GRM", "1127.90") + quantity.exact(
        "MGM", "76700"
    )


@given(st.lists(st.tuples(units, values), max_size=20))
def test_any_sum_of_quantities_is_exact(lines):
    """Added as integers or as fractions of a gram: the same."""
    total = sum(quantity.exact(unit, value) for unit, value in lines)
    assert Fraction(total, 10**16) == sum((Fraction(v) * GRAMS[u] for u, v in lines), Fraction(0))


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("1,250", "write 1250 or 1.250"),
        ("1,5", "write 1.5"),
        ("0,250", "write 0.250"),
        ("1,250.50", "write 1250.50"),
        ("1.250,50", "write 1250.50"),
        ("1,250,000", "write 1250000"),
        (",", "write 25.40"),
        ("01", "write 1"),
        ("00", "write 0"),
        (".5", "write 0.5"),
        ("1.", "write 1"),
        (" 1", "write 1"),
        ("1 ", "write 1"),
        ("1\n", "write 1"),
        ("1 250", "write 1250"),
        ("1\u00a0250.5", "write 1250.5"),
        ("+1", "write 1"),
        ("-1", "without a sign"),
        ("-0", "without a sign"),
        ("1e3", "the digits 0 to 9"),
        ("1_000", "the digits 0 to 9"),
        ("0x10", "the digits 0 to 9"),
        ("", "the digits 0 to 9"),
        (".", "the digits 0 to 9"),
        ("  ", "the digits 0 to 9"),
        ("NaN", "the digits 0 to 9"),
        ("Infinity", "the digits 0 to 9"),
        ("1.2.3", "the digits 0 to 9"),
        ("٣", "the digits 0 to 9"),
        ("1.٣", "the digits 0 to 9"),
        ("\uff11", "the digits 0 to 9"),
        ("12345678901234", "at most 13"),
        ("1.1234567890", "at most 9 decimals"),
        ("9" * 100_000, "at most 13"),
    ],
)
def test_other_spellings_are_refused_with_what_to_write(value, advice):
    """Whatever somebody could read otherwise than we do; the message is short however long the value."""
    with pytest.raises(Malformed) as refusal:
        quantity.exact("KGM", value)
    assert advice in str(refusal.value)
    assert len(str(refusal.value)) < 300


@given(st.text(max_size=12))
def test_advice_for_any_text_is_itself_well_formed(value):
    """What is not refused prints again as it was typed, and what a refusal proposes is accepted."""
    try:
        quantity.exact("GRM", value)
    except Malformed as refusal:
        _, marker, proposal = str(refusal).rpartition(" write ")
        if marker and proposal[:1].isdigit():
            for reading in proposal.split(" or "):
                quantity.exact("GRM", reading)
    else:
        assert value.isascii()


@pytest.mark.parametrize("unit", ["kgm", "KG", "", "LBR", "KGM ", "K" * 1000])
def test_other_units_are_refused(unit):
    """With the list of those that are used."""
    with pytest.raises(Malformed, match="MGM, GRM, KGM, TNE, CTM, APZ"):
        quantity.exact(unit, "1")


@pytest.mark.threat("T20")
@pytest.mark.parametrize(
    ("unit", "value"), [("KGM", "0"), ("GRM", "0.000"), ("MGM", "0.0004"), ("MGM", "0.0005")]
)
def test_nothing_is_a_mass_only_where_zero_is_allowed(unit, value):
    """Nor is what rounds to nothing."""
    with pytest.raises(Malformed, match="less than a microgram"):
        quantity.to_micrograms(unit, value)
    assert quantity.to_micrograms(unit, value, zero_allowed=True) == 0


@pytest.mark.parametrize(
    ("unit", "value"),
    [("TNE", "9000.000000001"), ("KGM", "9000001"), ("APZ", "9999999999999"), ("TNE", "9999999999999")],
)
def test_more_than_9000_tonnes_is_refused(unit, value):
    """Before any rounding could hide it."""
    with pytest.raises(Malformed, match="9,000 t"):
        quantity.to_micrograms(unit, value)


@given(st.integers(0, MASS_MAX_UG * 10**10))
def test_exact_masses_have_one_text_in_grams(exact):
    """Any whole number of 1e-16 g, with no digit more than it needs, and back."""
    text = quantity.show_grams(exact)
    assert Fraction(text) == Fraction(exact, 10**16)
    assert quantity.read_grams(text) == exact
    assert not ("." in text and text.endswith(("0", ".")))
