"""Bands and booking, shared readings, and lines that add up to the last digit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.core import balance, quantity
from traceability.core.balance import Band, Booking
from traceability.core.composition import webster
from traceability.core.quantity import MASS_MAX_UG

masses = st.integers(0, MASS_MAX_UG)
DEFAULT_BAND = Band(loss_ppm=40_000, gain_ppm=10_000)
bands = st.builds(Band, st.integers(0, 1_000_000), st.integers(0, 1_000_000))


def near(expected_ug):
    """Readings of a lot expected to weigh so much: mostly about the edges of the default band."""
    edges = [expected_ug * 96 // 100, expected_ug, expected_ug * 101 // 100]
    return st.one_of(masses, *(st.integers(max(edge - 2, 0), edge + 2) for edge in edges))


@given(masses, bands | st.just(DEFAULT_BAND), st.data())
def test_inside_the_band_nothing_changes_and_outside_all_is_booked(expected_ug, band, data):
    """With the edge inside, judged with fractions; and afterwards the reading is what is expected."""
    reading_ug = data.draw(near(expected_ug))
    booking = balance.book(expected_ug, reading_ug, band)
    low = expected_ug * (1 - Fraction(band.loss_ppm, 10**6))
    high = expected_ug * (1 + Fraction(band.gain_ppm, 10**6))
    if low <= reading_ug <= high or abs(reading_ug - expected_ug) <= band.least_ug:
        assert booking == Booking(expected_ug, 0, 0)
    else:
        assert booking.kept_ug + booking.lost_ug == expected_ug
        assert booking.kept_ug + booking.gain_ug == reading_ug
        assert (booking.lost_ug == 0) != (booking.gain_ug == 0)
        assert min(booking) >= 0


@pytest.mark.parametrize(
    ("expected_ug", "reading_ug", "booking"),
    [
        (100, 96, Booking(100, 0, 0)),
        (100, 95, Booking(95, 5, 0)),
        (100, 101, Booking(100, 0, 0)),
        (100, 102, Booking(100, 0, 2)),
        (156_350_000_000, 155_900_000_000, Booking(156_350_000_000, 0, 0)),
        (0, 1, Booking(0, 0, 1)),
        (0, 0, Booking(0, 0, 0)),
        (5, 0, Booking(0, 5, 0)),
    ],
)
def test_loss_is_judged_at_four_percent_and_gain_at_one(expected_ug, reading_ug, booking):
    """The band of most minerals without the errors of scales, at its edges."""
    assert balance.book(expected_ug, reading_ug, DEFAULT_BAND) == booking


def test_drift_adds_up_against_one_number():
    """Five handoffs of 1 % each: four pass inside the band, the fifth books the whole of it."""
    bookings = [balance.book(1_000_000, 1_000_000 - step * 10_000, DEFAULT_BAND) for step in range(1, 6)]
    assert bookings == [Booking(1_000_000, 0, 0)] * 4 + [Booking(950_000, 50_000, 0)]


@given(masses, masses, bands, st.integers(0, 100))
def test_a_difference_is_beyond_by_ppm_and_by_the_least(base_ug, difference_ug, band, least_ug):
    """Judged with fractions: more than the share allowed, and more than two scales can tell from none."""
    allowed = base_ug * Fraction(band.gain_ppm, 10**6)
    beyond = balance.beyond(base_ug, difference_ug, band.gain_ppm, least_ug)
    assert beyond == (difference_ug > allowed and difference_ug > least_ug)


@given(masses, st.integers(0, 999_999))
def test_dry_and_wet_are_each_others_way_back(mass_ug, moisture_ppm):
    """As fractions, to the microgram: dry rounds down, wet to the nearest."""
    left = Fraction(10**6 - moisture_ppm, 10**6)
    dry_ug = balance.dry(mass_ug, moisture_ppm)
    assert dry_ug <= mass_ug * left < dry_ug + 1
    assert abs(balance.wet(dry_ug, moisture_ppm) - dry_ug / left) <= Fraction(1, 2)


lots = st.dictionaries(st.text("abc", min_size=1, max_size=4), masses, min_size=1, max_size=12)


@given(lots, st.integers(0, 10**26))
def test_a_shared_reading_is_shared_to_the_last_unit(expected, total):
    """In micrograms or in 1e-16 g, above or below what was expected; by lot id, whatever the order given."""
    shares = balance.share_reading(total, expected)
    assert sum(shares.values()) == total
    assert shares == balance.share_reading(total, dict(reversed(expected.items())))
    if any(expected.values()):
        in_order = webster(total, [expected[lot] for lot in sorted(expected)])
        assert [shares[lot] for lot in sorted(expected)] == list(in_order)
        assert all(shares[lot] == 0 for lot in expected if not expected[lot])


def test_the_first_lots_by_id_have_the_odd_micrograms():
    """Ties go by lot id; where nothing is expected of any lot, they share evenly."""
    assert balance.share_reading(5, {"c": 7, "a": 7, "b": 7}) == {"a": 2, "b": 2, "c": 1}
    assert balance.share_reading(5, {"c": 0, "a": 0, "b": 0}) == {"a": 2, "b": 2, "c": 1}


def test_the_reading_of_15_march_is_shared_over_four_bags():
    """155.90 kg over bags of 38.40, 41.00, 36.75 and 40.20 (events, section 16): each below what it was."""
    bags = {
        f"bag {n}": quantity.to_micrograms("KGM", value)
        for n, value in enumerate(["38.40", "41.00", "36.75", "40.20"])
    }
    reading = quantity.to_micrograms("KGM", "155.90")
    shares = balance.share_reading(reading, bags)
    assert sum(shares.values()) == reading
    for bag, mass in bags.items():
        assert abs(shares[bag] - Fraction(mass * reading, sum(bags.values()))) < 1


def g(unit, value):
    """A line of a transformation, exactly."""
    return quantity.exact(unit, value)


def test_the_transformations_of_the_few_days_close():
    """Wash of 20 March, heap and drums of 2 April, melt of 5 April (events, section 16)."""
    wash = [g("KGM", "118.60"), g("KGM", "30.00")]
    assert balance.unclosed([g("KGM", "155.20")], [], 0, wash, [g("KGM", "6.60")]) == 0
    assert balance.unclosed([g("KGM", "9898.40")], [], g("KGM", "1.60"), [g("TNE", "9.9")], []) == 0
    assert balance.unclosed([g("KGM", "9900.00")], [], 0, [g("KGM", "495.00")] * 20, []) == 0
    assert balance.unclosed([g("GRM", "1204.60")], [], 0, [g("GRM", "1127.90")], [g("GRM", "76.70")]) == 0


def test_lines_in_mixed_units_close_or_do_not_to_the_last_digit():
    """Ounces against grams, with water; one unit of the ninth decimal of an ounce is noticed, with its sign."""
    inputs = [g("APZ", "0.1"), g("APZ", "0.1"), g("APZ", "0.1")]
    additives = [g("MGM", "668.95696")]
    outputs = [g("GRM", "9"), g("CTM", "5")]
    assert balance.unclosed(inputs, additives, 0, outputs, []) == 0
    crumb = g("APZ", "0.000000001")
    assert balance.unclosed([*inputs, crumb], additives, 0, outputs, []) == crumb
    assert balance.unclosed(inputs, additives, 0, outputs, [crumb]) == -crumb
    assert balance.unclosed(inputs, additives, crumb, outputs, [crumb]) == 0
