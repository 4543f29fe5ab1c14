"""One way to write a value: RFC 8785 JSON, on a subset where every honest encoder agrees.

The subset: strings, integers within ±(2^53−1), booleans, arrays and objects; no floats, no null; keys
`[a-z][a-z0-9_]*`; strings in NFC, of characters assigned in Unicode 14.0, without control characters
(a line feed is left to the field), without characters that turn or hide text; depth at most 8.

`decode` accepts exactly what `encode` writes: it reads, writes again and compares bytes. That one
comparison catches duplicate keys, key order, white space, other spellings of numbers, escapes that need
not be, byte order marks and bad UTF-8. What it cannot catch (floats, null, keys, text) is checked apart:
`check_text` on the bytes, the rest by the strict models of `events` or, for loose values, by `decode`.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import orjson

from traceability.core.errors import Malformed
from traceability.core.unicode14 import UNASSIGNED

DEPTH_MAX = 8
INTEGER_MAX = 2**53 - 1
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
# Controls but the line feed; separators of lines and paragraphs, marks of annotation; and what Unicode calls
# Bidi_Control or Default_Ignorable, but for the joiners and variation selectors some scripts cannot do without.
_BARRED = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb]"
    "|[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
    f"|[{UNASSIGNED}]"
)
_LATIN = re.compile("[\n -~\xa0-\xac\xae-\u024f]*\\Z")
"""Text that needs no closer look: none of it barred or unassigned, and none that NFC would change."""


def encode(value: object) -> bytes:
    """The canonical bytes of a value of the subset. Raises Malformed for anything outside it."""
    data = dump(value)
    _walk(value, 1, DEPTH_MAX)
    check_text(data, value)
    return data


def decode(data: bytes, *, size_max: int, depth_max: int = DEPTH_MAX) -> Any:
    """The value behind canonical bytes. Raises Malformed for any other bytes."""
    if len(data) > size_max:
        raise Malformed(f"{len(data)} bytes; at most {size_max} are allowed here")
    value = load(data)
    if dump(value) != data:
        raise Malformed("not in canonical form (RFC 8785): encode it again and sign those bytes")
    _walk(value, 1, depth_max)
    check_text(data, value)
    return value


def load(data: bytes) -> Any:
    """Any JSON value, UTF-8 only. Raises Malformed; says nothing about canonical form."""
    try:
        return orjson.loads(data)
    except (ValueError, TypeError, RecursionError) as error:
        raise Malformed(f"not JSON in UTF-8: {error}") from error


def dump(value: object) -> bytes:
    """Canonical bytes of a value known to lie in the subset: the fast half of `encode`."""
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except (ValueError, TypeError, RecursionError) as error:
        raise Malformed(f"cannot stand in a signed text: {error}") from error


def is_canonical(data: bytes) -> bool:
    """Whether writing what `data` says gives `data` again; types and text are left to others."""
    try:
        return orjson.dumps(orjson.loads(data), option=_OPTIONS) == data
    except (ValueError, TypeError, RecursionError):
        return False


def check_text(data: bytes, value: object = None) -> None:
    """Refuses text two people could read differently in canonical bytes `data` (of `value`).

    Plain printable ASCII passes at once; anything else is looked at string by string.
    Raises Malformed.
    """
    if data.isascii() and b"\\" not in data and b"\x7f" not in data:
        return
    for text in _strings(load(data) if value is None else value):
        check_string(text)


def check_string(text: str) -> None:
    """Refuses a string that is not NFC, or has control, turning, hiding or unassigned characters."""
    if _LATIN.match(text):
        return
    bad = _BARRED.search(text)
    if bad:
        raise Malformed(
            f"a text has the character U+{ord(bad[0]):04X}, which may not stand in one: leave it out"
        )
    if not unicodedata.is_normalized("NFC", text):
        raise Malformed("a text is not in Unicode normal form NFC: normalise it before signing")


def _strings(value: object) -> list[str]:
    found: list[str] = []
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                found.append(text)
            case list() as items:
                waiting.extend(items)
            case dict() as fields:
                waiting.extend(fields.values())
            case _:
                pass
    return found


def _walk(value: object, depth: int, depth_max: int) -> None:
    kind = type(value)
    if kind is str or kind is bool:
        return
    if kind is int:
        if not -INTEGER_MAX <= value <= INTEGER_MAX:  # type: ignore[operator]  # an int, as just seen
            raise Malformed(f"the integer {value} is outside ±(2^53−1)")
        return
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or not _KEY.match(key):
                raise Malformed(f"the key {key!r:.40} is not of the form [a-z][a-z0-9_]*")
        items: Iterable[object] = value.values()
    elif isinstance(value, list):
        items = value
    elif isinstance(value, str):
        return
    else:
        name = "null" if value is None else type(value).__name__
        raise Malformed(f"{name} may not stand here: only strings, integers, booleans, lists and objects")
    if depth > depth_max:
        raise Malformed(f"nested deeper than {depth_max}")
    for item in items:
        _walk(item, depth + 1, depth_max)
