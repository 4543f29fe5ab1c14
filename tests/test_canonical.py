"""Canonical bytes: one way to write each value of the subset, and a refusal for everything else."""

import json
import sys
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import assume, given
from hypothesis import strategies as st

from traceability.core import canonical
from traceability.core.errors import Malformed
from traceability.core.unicode14 import UNASSIGNED

VECTORS = Path(__file__).parent / "vectors" / "jcs"
SIZE_MAX = 1_000_000
UNICODE_14 = unicodedata.unidata_version == "14.0.0"

# The slow twin of what a text may hold, from the names of Unicode's own properties.
TURNS = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
"""Bidi_Control."""
HIDDEN = {
    0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x200B, *range(0x2060, 0x2070),
    0x3164, 0xFEFF, 0xFFA0, *range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE0100), *range(0xE01F0, 0xE1000),
}  # fmt: skip
"""Default_Ignorable_Code_Point, but for the joiners and variation selectors that some scripts cannot do without."""
BREAKS = {0x2028, 0x2029, *range(0xFFF9, 0xFFFC)}
"""Line and paragraph separators, and the marks of interlinear annotation."""
BARRED = TURNS | HIDDEN | BREAKS


def may_stand(character: str) -> bool:
    """Whether one character may stand in a text, word for word as the format says it."""
    number = ord(character)
    if number in BARRED:
        return False
    return character == "\n" or unicodedata.category(character) not in ("Cc", "Cs", "Cn")


def in_subset(value: Any, depth: int = 1) -> bool:
    """Whether a value may stand in a signed text, word for word as the format says it."""
    match value:
        case str():
            return unicodedata.is_normalized("NFC", value) and all(map(may_stand, value))
        case bool():
            return True
        case int():
            return abs(value) < 2**53
        case list():
            return depth <= 8 and all(in_subset(item, depth + 1) for item in value)
        case dict():
            return depth <= 8 and all(_is_key(k) and in_subset(v, depth + 1) for k, v in value.items())
        case _:
            return False


def _is_key(key: str) -> bool:
    letters = set("abcdefghijklmnopqrstuvwxyz")
    return key[:1] in letters and set(key) <= letters | set("0123456789_") if key else False


def refused(data: bytes) -> str:
    with pytest.raises(Malformed) as refusal:
        canonical.decode(data, size_max=SIZE_MAX)
    return str(refusal.value)


# Other people's vectors


def _values(value: Any) -> list[Any]:
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return [value, *(deep for item in inner for deep in _values(item))]


@pytest.mark.parametrize("name", sorted(path.name for path in (VECTORS / "input").iterdir()))
def test_published_vectors(name: str) -> None:
    """Each value of the published files is written as published if it is of the subset, else refused."""
    source = (VECTORS / "input" / name).read_bytes()
    expected = (VECTORS / "output" / name).read_bytes()
    found = 0
    for value in _values(json.loads(source)):
        if in_subset(value):
            written = canonical.encode(value)
            assert written == rfc8785.dumps(value)
            assert written in expected
            assert canonical.decode(written, size_max=SIZE_MAX) == value
            found += 1
        else:
            with pytest.raises(Malformed):
                canonical.encode(value)
    assert found > 0 or name == "unicode.json"
    if not in_subset(json.loads(source)):
        refused(expected)
    assert source == expected or refused(source)


# The oracle: another program

texts = st.text(max_size=12)
scalars = st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
keys = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
subset = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.skipif(not UNICODE_14, reason="the slow twin needs a Python whose tables are Unicode 14.0")
@given(subset)
def test_values_of_the_subset_are_written_as_another_program_writes_them(value: Any) -> None:
    """Encoding gives the bytes of rfc8785, and decoding them gives the value."""
    assume(in_subset(value))
    written = canonical.encode(value)
    assert written == rfc8785.dumps(value)
    assert canonical.decode(written, size_max=len(written)) == value
    assert canonical.is_canonical(written)


@pytest.mark.skipif(not UNICODE_14, reason="the slow twin needs a Python whose tables are Unicode 14.0")
@given(anything)
def test_any_value_is_written_or_refused_as_the_slow_twin_says(value: Any) -> None:
    """Whatever value comes, it is refused exactly if it lies outside the subset."""
    if in_subset(value):
        assert canonical.encode(value) == rfc8785.dumps(value)
    else:
        with pytest.raises(Malformed):
            canonical.encode(value)


@given(st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_decoded_is_written_the_same_again(data: bytes) -> None:
    """Decoding accepts nothing that encoding does not write."""
    try:
        value = canonical.decode(data, size_max=SIZE_MAX)
    except Malformed:
        return
    assert canonical.encode(value) == data
    assert rfc8785.dumps(value) == data


@given(subset, st.integers(min_value=0), st.integers(0, 7))
def test_a_changed_bit_never_reads_as_the_same_value(value: Any, place: int, bit: int) -> None:
    """No two byte strings are one value."""
    try:
        written = bytearray(canonical.encode(value))
    except Malformed:
        assume(False)
    written[place % len(written)] ^= 1 << bit
    try:
        other = canonical.decode(bytes(written), size_max=SIZE_MAX)
    except Malformed:
        return
    assert json.dumps(other) != json.dumps(value)  # 1 and true are equal to Python


# What must be refused

HOSTILE: dict[str, bytes] = {
    "float": b'{"a":1.5}',
    "float that is whole": b'{"a":1.0}',
    "exponent": b'{"a":1e3}',
    "negative zero": b'{"a":-0}',
    "negative zero float": b'{"a":-0.0}',
    "2^53": b'{"a":9007199254740992}',
    "-2^53": b'{"a":-9007199254740992}',
    "2^53 + 1": b'{"a":9007199254740993}',
    "2^63": b'{"a":9223372036854775808}',
    "2^64": b'{"a":18446744073709551616}',
    "5,000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "400,000 digits": b'{"a":' + b"9" * 400_000 + b"}",
    "1e999": b'{"a":1e999}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "-Infinity": b'{"a":-Infinity}',
    "leading zero": b'{"a":01}',
    "plus sign": b'{"a":+1}',
    "hexadecimal": b'{"a":0x10}',
    "thousands": b'{"a":1_000}',
    "full-width digits": '{"a":\uff11\uff10}'.encode(),
    "null": b'{"a":null}',
    "null alone": b"null",
    "duplicate key": b'{"a":1,"a":1}',
    "duplicate key, other value": b'{"a":10,"a":1000}',
    "duplicate key by escape": b'{"a":1,"\\u0061":2}',
    "duplicate key, nested": b'{"a":[{"b":1,"b":2}]}',
    "keys out of order": b'{"b":1,"a":2}',
    "capital in key": b'{"A":1}',
    "empty key": b'{"":1}',
    "digit first in key": b'{"1":1}',
    "underscore first in key": b'{"_a":1}',
    "hyphen in key": b'{"a-b":1}',
    "key outside ASCII": '{"\u00e9":1}'.encode(),
    "line feed in key": b'{"a\\n":1}',
    "space": b'{"a": 1}',
    "leading space": b' {"a":1}',
    "trailing line feed": b'{"a":1}\n',
    "tab between": b'{"a":1,\t"b":2}',
    "trailing comma": b'{"a":1,}',
    "comment": b'{"a":1/**/}',
    "single quotes": b"{'a':1}",
    "two values": b'{"a":1}{"a":1}',
    "cut off": b'{"a":1',
    "nothing": b"",
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-16 without mark": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": '{"a":1}'.encode("utf-32"),
    "Latin-1": b'{"a":"\xe9"}',
    "overlong slash": b'{"a":"\xc0\xaf"}',
    "overlong quote": b'{"a":"\xe0\x80\xa2"}',
    "surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "CESU-8": b'{"a":"\xed\xa0\xbd\xed\xb8\x82"}',
    "beyond Unicode": b'{"a":"\xf4\x90\x80\x80"}',
    "lone high surrogate": b'{"a":"\\ud83d"}',
    "lone low surrogate": b'{"a":"\\ude02"}',
    "surrogates reversed": b'{"a":"\\ude02\\ud83d"}',
    "surrogate pair escaped": b'{"a":"\\ud83d\\ude02"}',
    "needless escape": b'{"a":"\\u0041"}',
    "escaped slash": b'{"a":"\\/"}',
    "capital escape": b'{"a":"\\u000A"}',
    "long form of a short escape": b'{"a":"\\u000a"}',
    "raw control character": b'{"a":"\x01"}',
    "raw line feed": b'{"a":"\n"}',
    "escaped NUL": b'{"a":"\\u0000"}',
    "escaped bell": b'{"a":"\\u0007"}',
    "escaped tab": b'{"a":"\\t"}',
    "escaped carriage return": b'{"a":"\\r"}',
    "delete": b'{"a":"\x7f"}',
    "next line (C1)": '{"a":"\u0085"}'.encode(),
    "application command (C1)": '{"a":"\u009f"}'.encode(),
    "not NFC": '{"a":"e\u0301"}'.encode(),
    "compatibility ideograph": '{"a":"\uf900"}'.encode(),
    "angstrom sign": '{"a":"\u212b"}'.encode(),
    "marks out of order": '{"a":"a\u0323\u0307\u0323"}'.encode(),
    "unassigned in 14, assigned in 15": '{"a":"\U0001f6dc"}'.encode(),
    "unassigned in 14, assigned in 15, Arabic": '{"a":"\U00010efd"}'.encode(),
    "unassigned for good": '{"a":"\u0378"}'.encode(),
    "noncharacter": '{"a":"\uffff"}'.encode(),
    "noncharacter in the middle": '{"a":"\ufdd0"}'.encode(),
    "nested 9": b"[" * 9 + b"]" * 9,
    "nested 300": b"[" * 300 + b"]" * 300,
    "nested 400,000": b"[" * 400_000 + b"]" * 400_000,
    "nested objects 9": b'{"a":' * 9 + b"1" + b"}" * 9,
    "open brackets": b"[" * 900_000,
}


@pytest.mark.threat("T10")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_refused_at_once(name: str) -> None:
    """Each spelling somebody could read otherwise than we do is Malformed, with a sentence, in no time."""
    begin = time.process_time()
    assert len(refused(HOSTILE[name])) > 15
    assert time.process_time() - begin < 10


@pytest.mark.threat("T12")
def test_characters_that_turn_or_hide_text_are_refused() -> None:
    """None of them stands in a text, alone or between letters."""
    for number in sorted(BARRED):
        for text in (chr(number), f"Bureau{chr(number)}central"):
            with pytest.raises(Malformed):
                canonical.encode({"a": text})
            refused(b'{"a":"%s"}' % text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "Société minière du Kivu",
        "日本語",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with the joiner its spelling asks for
        "👩🏿‍🏭",
        "\U0001f1e8\U0001f1eb",
        '“quoted” \\ "plain" / \' ` < > &',
        "two\nlines",
        "\u00a0\u2003 spaces",
        "\ue000 private use",
    ],
)
def test_honest_text_passes(text: str) -> None:
    """Names and notes people really write are taken, whatever their script."""
    assert canonical.decode(canonical.encode({"a": text}), size_max=200) == {"a": text}


@pytest.mark.skipif(not UNICODE_14, reason="this Python's tables are not Unicode 14.0")
def test_the_unassigned_table_is_unicode_14() -> None:
    """Each code point that Unicode 14.0 does not assign, and no other, is in the table."""
    table: set[int] = set()
    parts = UNASSIGNED.split("\\U")[1:]
    for first, last in zip(parts[::2], parts[1::2], strict=True):
        table.update(range(int(first.removesuffix("-"), 16), int(last, 16) + 1))
    categories = {number: unicodedata.category(chr(number)) for number in range(sys.maxunicode + 1)}
    assert table == {number for number, category in categories.items() if category in ("Cn", "Cs")}


@pytest.mark.skipif(not UNICODE_14, reason="this Python's tables are not Unicode 14.0")
def test_single_characters_are_judged_as_the_slow_twin_says() -> None:
    """All up to the kana, and on both sides of each place in Unicode where the answer changes."""
    allowed = [may_stand(chr(number)) for number in range(sys.maxunicode + 1)]
    for number in range(sys.maxunicode + 1):
        if (
            number > 0x3100
            and allowed[number - 1] == allowed[number] == allowed[min(number + 1, sys.maxunicode)]
        ):
            continue
        text = chr(number)
        try:
            canonical.check_string(text)
            passed = True
        except Malformed:
            passed = False
        if passed != (allowed[number] and unicodedata.is_normalized("NFC", text)):
            pytest.fail(f"U+{number:04X}")


@pytest.mark.parametrize(
    "value",
    [
        None,
        1.5,
        float("nan"),
        float("inf"),
        2**53,
        -(2**53),
        10**400,
        (1, 2),
        {1: 2},
        {"A": 1},
        {"": 1},
        b"x",
        {1},
    ],
)
def test_values_outside_the_subset_are_not_written(value: Any) -> None:
    """Encoding refuses them, at the top and inside."""
    for whole in (value, [value], {"a": value}, [[{"a": [value]}]]):
        with pytest.raises(Malformed):
            canonical.encode(whole)


def test_depth_is_eight() -> None:
    """Eight nested containers pass, nine do not."""
    value: Any = 1
    for _ in range(8):
        value = [value]
    assert canonical.decode(canonical.encode(value), size_max=100) == value
    with pytest.raises(Malformed):
        canonical.encode({"a": value})


def test_a_value_that_holds_itself_is_refused() -> None:
    """Encoding ends for a list without end."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(Malformed):
        canonical.encode(value)


def test_size_is_bounded_before_anything_is_read() -> None:
    """One byte more than allowed is refused, whatever it says."""
    data = canonical.encode({"a": "x" * 50})
    assert canonical.decode(data, size_max=len(data))
    with pytest.raises(Malformed):
        canonical.decode(data, size_max=len(data) - 1)
