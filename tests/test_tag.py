"""Tags: codes that survive being typed, names in events, and runs of other schemes' numbers."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from traceability.core import forms, tag
from traceability.core.errors import Malformed
from traceability.core.tag import Numbers

GOLDEN = json.loads((Path(__file__).parent / "vectors" / "traceability" / "golden.json").read_text())
ROLL = next(line["id"] for line in GOLDEN["ids"] if line["type"] == "roll")
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
USED = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
IN_EVENTS = TypeAdapter(forms.Tag)

codes = st.binary(min_size=8, max_size=8).map(tag.make_code).filter(lambda code: code is not None)


def standard_check(text):
    """ISO 7064 hybrid systems, from the text of the standard: P runs over all characters and ends at 1."""
    product = 36
    for character in text[:-1]:
        total = (product + ALPHABET.index(character)) % 36
        product = (total or 36) * 2 % 37
    return (product + ALPHABET.index(text[-1])) % 36 == 1


# --- the code


@pytest.mark.parametrize("line", GOLDEN["tags"], ids=lambda line: line["code"])
def test_golden_codes_are_read_as_typed_and_refused_when_spoiled(line):
    """Printed, lower case, spaced, with l for 1 and o for 0; and not with one character changed."""
    assert tag.printed(line["code"]) == line["printed"]
    for typed in [line["code"], line["printed"], *line["typed"]]:
        assert tag.normalise(typed) == line["code"]
    with pytest.raises(Malformed, match="compare"):
        tag.normalise(line["spoiled"])


@given(st.binary(min_size=8, max_size=8))
def test_a_code_is_60_random_bits_and_the_standards_check_character(random):
    """Twelve characters spell the first 60 bits; no code ends in I, L, O or U, and those alone are not made."""
    code = tag.make_code(random)
    number = int.from_bytes(random, "big") >> 4
    body = "".join(USED[number >> shift & 31] for shift in range(55, -1, -5))
    check = next(c for c in ALPHABET if standard_check(body + c))
    assert code == (None if check in "ILOU" else body + check)


def test_about_one_code_in_nine_is_not_made():
    """So whoever makes codes asks again, and not for long."""
    made = [tag.make_code((i * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "big")) for i in range(9000)]
    assert 900 < made.count(None) < 1100


def test_a_code_needs_eight_random_bytes():
    """Fewer would be guessed."""
    with pytest.raises(ValueError, match="8 random bytes"):
        tag.make_code(bytes(7))


@given(codes, st.data())
def test_a_code_is_read_however_people_type_it(code, data):
    """Any case, O for 0, I and L for 1, and spaces or dashes of any kind anywhere."""
    spelt = {"0": "0Oo", "1": "1IiLl"}
    typed = ""
    for character in code:
        typed += data.draw(st.sampled_from(["", "", "", " ", "-", "\u2013", "\u00a0", "\n", " - "]))
        typed += data.draw(st.sampled_from(spelt.get(character, character + character.lower())))
    assert tag.normalise(typed) == code
    assert tag.normalise(tag.printed(code)) == code


@given(codes)
def test_one_wrong_character_anywhere_is_noticed(code):
    """Every place, every other character that a code can have."""
    for place in range(13):
        for character in USED:
            if character != code[place]:
                with pytest.raises(Malformed):
                    tag.normalise(code[:place] + character + code[place + 1 :])


def test_swapped_neighbours_are_nearly_always_noticed():
    """Of the swaps in 500 codes, fewer than one in two hundred goes through."""
    made = (tag.make_code((i * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "big")) for i in range(1, 601))
    tried = missed = 0
    for code in [code for code in made if code is not None][:500]:
        for place in range(12):
            swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
            if swapped != code:
                tried += 1
                missed += standard_check(swapped)
                if not standard_check(swapped):
                    with pytest.raises(Malformed):
                        tag.normalise(swapped)
    assert missed * 200 < tried


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("", "type the 13 characters"),
        (" - ", "type the 13 characters"),
        ("K7QF-3M9T-XB2R", "this has 12"),
        ("K7QF-3M9T-XB2R11", "this has 14"),
        ("K7QF-3M9T-XB2U1", "'U' is in no code"),
        ("K7QF-3M9T-XB2R!", "'!' is in no code"),
        ("K7QF_3M9T_XB2R1", "'_' is in no code"),
        ("K7QF-3M9T-XB٢R1", "'٢' is in no code"),
        ("K7QF-3M9T-XBßR1", "'ß' is in no code"),
        ("K7QF-3M9T-XB2Rı", "'ı' is in no code"),
        ("\uff2b7QF-3M9T-XB2R1", "is in no code"),
        ("https://ledger.example.org/t/K7QF3M9TXB2R1", "is in no code"),
        ("7KQF-3M9T-XB2R1", "compare 7KQF-3M9T-XB2R1"),
        ("A" * 100_000, "this has 200"),
    ],
)
def test_what_is_no_code_is_refused_with_what_to_look_at(typed, advice):
    """In a sentence that is short however much was typed."""
    with pytest.raises(Malformed) as refusal:
        tag.normalise(typed)
    assert advice in str(refusal.value)
    assert len(str(refusal.value)) < 200


@given(st.text(max_size=20))
def test_whatever_is_read_is_a_code(typed):
    """Thirteen characters as printed, with the check character of the standard."""
    try:
        code = tag.normalise(typed)
    except Malformed:
        return
    assert len(code) == 13
    assert set(code) <= set(USED)
    assert standard_check(code)


def test_the_address_of_a_tag_is_one_any_camera_opens():
    """Host and code, nothing else."""
    assert tag.tag_url("ledger.example.org", "K7QF3M9TXB2R1") == "https://ledger.example.org/t/K7QF3M9TXB2R1"


# --- names in events


@pytest.mark.parametrize(
    ("name", "scheme", "number"),
    [
        ("itsci:0148217", "itsci", "0148217"),
        ("rmb:RW0148217", "rmb", "RW0148217"),
        ("seal:KP-00318", "seal", "KP-00318"),
        ("other_2:A/1.b_c-d", "other_2", "A/1.b_c-d"),
        ("tags:1", "tags", "1"),
        (f"t:{ROLL}-1", "t", f"{ROLL}-1"),
        (f"t:{ROLL}-500", "t", f"{ROLL}-500"),
    ],
)
def test_a_tag_has_a_scheme_and_a_number(name, scheme, number):
    """Ours and those of others, as they stand in events."""
    assert tag.parse_tag(name) == (scheme, number)


@given(st.integers(1, 999))
def test_our_tag_is_a_place_on_a_roll(position):
    """Named and read again it is the same."""
    name = tag.our_tag(ROLL, position)
    scheme, number = tag.parse_tag(name)
    assert scheme == tag.OUR_SCHEME
    assert tag.parse_our_number(number) == (ROLL, position)


REFUSED = [
    "",
    ":",
    "itsci",
    "itsci:",
    ":1",
    "ITSCI:1",
    "1x:1",
    "itsci:-1",
    "itsci: 1",
    "itsci:1 ",
    "itsci:1\n",
    "itsci:1:2",
    "itsci:é",
    "itsci:٣",
    "itsci:" + "1" * 75,
    "t:1",
    f"t:{ROLL}",
    f"t:{ROLL}-0",
    f"t:{ROLL}-01",
    f"t:{ROLL}-1000",
    f"t:{ROLL}-٣",
    f"t:{ROLL.upper()}-1",
    f"t:{ROLL[:-1]}u-1",
    f"t:{ROLL}-1\n",
]


@pytest.mark.parametrize("name", REFUSED)
def test_other_forms_are_no_tag(name):
    """Refused with the form to write."""
    with pytest.raises(Malformed, match="write"):
        tag.parse_tag(name)


@given(
    st.from_regex(r"(t|ts|itsci|a_1)?:?[A-Za-z0-9./_: -]{0,12}", fullmatch=True)
    | st.sampled_from(REFUSED)
    | st.integers(-1, 1100).map(lambda position: f"t:{ROLL}-{position}")
)
def test_events_take_exactly_the_tags_that_are_read_here(name):
    """The form in an event's body and this module agree on every text."""
    try:
        IN_EVENTS.validate_python(name)
    except ValidationError:
        with pytest.raises(Malformed):
            tag.parse_tag(name)
    else:
        assert ":".join(tag.parse_tag(name)) == name


@pytest.mark.parametrize(("roll", "position"), [(ROLL, 0), (ROLL, 1000), ("r", 1), (ROLL.upper(), 1)])
def test_a_place_no_roll_has_gets_no_name(roll, position):
    """Places run from 1, and a roll has at most 500."""
    with pytest.raises(Malformed):
        tag.our_tag(roll, position)


# --- rolls of other schemes


def test_the_roll_of_1_february_has_500_places():
    """`rmb:RW0148001` to `RW0148500` (events, section 16)."""
    roll = Numbers("RW", 148001, 148500, 7, "")
    assert roll.number_at(1) == "RW0148001"
    assert roll.number_at(500) == "RW0148500"
    assert roll.position_of("RW0148217") == 217


numbers = st.builds(
    lambda prefix, first, count, more, suffix: Numbers(
        prefix, first, first + count - 1, len(str(first + count - 1)) + more, suffix
    ),
    st.from_regex(r"[A-Z0-9/-]{0,4}", fullmatch=True),
    st.integers(0, 10**9),
    st.integers(1, 500),
    st.integers(0, 3),
    st.from_regex(r"[A-Z0-9/-]{0,3}", fullmatch=True),
)


@given(numbers, st.data())
def test_each_place_has_one_number_and_each_number_one_place(roll, data):
    """Also where prefix and suffix are digits themselves."""
    position = data.draw(st.integers(1, roll.last - roll.first + 1))
    assert roll.position_of(roll.number_at(position)) == position


@given(numbers, st.text("0123456789ARW/-", max_size=14))
def test_a_number_is_on_a_roll_only_where_it_is_printed_there(roll, number):
    """Printing the place again gives the number; anything else has none."""
    position = roll.position_of(number)
    if position is None:
        places = range(1, roll.last - roll.first + 2)
        assert number not in {roll.number_at(place) for place in places}
    else:
        assert roll.number_at(position) == number


@pytest.mark.parametrize(
    "number",
    [
        "RW0148000",
        "RW0148501",
        "RW148217",
        "RW00148217",
        "0148217",
        "rw0148217",
        "RW0148217 ",
        "RW 148217",
        "RW+148217",
        "RW٠١٤٨٢١٧",
        "RW",
        "",
    ],
)
def test_numbers_of_other_rolls_have_no_place(number):
    """One too early, one too late, other digits, other spellings."""
    assert Numbers("RW", 148001, 148500, 7, "").position_of(number) is None


@pytest.mark.parametrize("position", [0, -1, 501])
def test_places_the_roll_does_not_have_have_no_number(position):
    """They run from 1."""
    with pytest.raises(Malformed, match="1 to 500"):
        Numbers("RW", 148001, 148500, 7, "").number_at(position)
