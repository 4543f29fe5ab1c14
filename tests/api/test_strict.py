"""JSON from the wire: what two readers could understand differently is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.api.strict import DEPTH_MAX, read_json
from traceability.core.errors import Malformed

INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)

HOSTILE = {
    "nothing": b"",
    "white space": b"  \n",
    "a key twice": b'{"a":1,"a":2}',
    "a key twice below": b'[{"a":{"b":1,"b":1}}]',
    "a key twice, once escaped": b'{"a":1,"\\u0061":2}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "1e999": b'{"a":1e999}',
    "1.0": b'{"a":1.0}',
    "1e3": b'{"a":1e3}',
    "minus zero": b'{"a":-0}',
    "2^53": b'{"a":9007199254740992}',
    "-2^63": b'{"a":-9223372036854775808}',
    "5,000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "leading zero": b'{"a":01}',
    "plus": b'{"a":+1}',
    "underscore": b'{"a":1_000}',
    "other digits": '{"a":٣}'.encode(),
    "lone surrogate": b'{"a":"\\ud800"}',
    "lone surrogate in a key": b'{"\\udfff":1}',
    "reversed pair": b'{"a":"\\udc00\\ud800"}',
    "CESU bytes": b'{"a":"\xed\xa0\x80"}',
    "not UTF-8": b'{"a":"\xff"}',
    "overlong": b'{"a":"\xc0\x80"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "raw control character": b'{"a":"\x01"}',
    "raw NUL": b'{"a":"\x00"}',
    "deep lists": b"[" * 100 + b"]" * 100,
    "very deep lists": b"[" * 200_000 + b"]" * 200_000,
    "very deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "never closed": b"[" * 500_000,
    "trailing comma": b'{"a":1,}',
    "two values": b'{"a":1}{"a":1}',
    "comment": b'{"a":1}//x',
    "single quotes": b"{'a':1}",
    "cut off": b'{"a":"',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_can_be_read_in_two_ways_is_malformed(name):
    """Each hostile body is refused by a sentence, and never by another error."""
    with pytest.raises(Malformed):
        read_json(HOSTILE[name])


@given(VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_every_honest_value_is_read(value, ascii_only, indent):
    """Escapes, white space and the order of keys are the sender's own affair."""
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert read_json(data) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    """No bytes make any other error; what is read is what json reads."""
    try:
        value = read_json(data)
    except Malformed:
        return
    assert json.loads(data) == value


def test_the_bound_on_depth_is_exact():
    """Sixteen levels are read, seventeen are not."""
    assert read_json(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)
    with pytest.raises(Malformed, match="nested"):
        read_json(b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1))
