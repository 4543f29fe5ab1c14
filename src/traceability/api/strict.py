"""JSON from the wire, read so that nobody can read it otherwise.

What two readers could understand differently is refused: repeated keys, floats and exponents, integers
outside ±(2^53−1), NaN and Infinity, lone surrogates, other encodings than UTF-8, a byte order mark, and
nesting deeper than 16. White space and the order of keys are free: only what is signed is canonical.
"""

import json
from typing import Any, Never

import orjson

from traceability.core.canonical import INTEGER_MAX
from traceability.core.errors import Malformed

DEPTH_MAX = 16
_DIGITS_MAX = 17


def read_json(data: bytes) -> Any:
    """The value behind UTF-8 bytes. Raises Malformed, saying what to change."""
    try:
        value = orjson.loads(data)
        # Written back alike, no key stood twice and no number had another spelling.
        if orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER) == data and _is_plain(value):
            return value
    except (ValueError, TypeError, RecursionError):
        pass
    return _read_slowly(data)


def _read_slowly(data: bytes) -> Any:
    """The same for JSON in any spelling, and what is wrong with the rest."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8 at byte {error.start}: send JSON in UTF-8") from error
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON at character {error.pos}: {error.msg}") from error
    except RecursionError as error:
        raise Malformed(f"nested deeper than {DEPTH_MAX}") from error
    if "\\u" in text:
        _check_surrogates(value)
    _check_depth(value)
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Malformed(f"the key {twice[:40]!r} stands twice in one object")
    return found


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS_MAX or abs(int(digits)) > INTEGER_MAX or digits == "-0":
        raise Malformed(f"the integer {digits[:20]} is outside ±(2^53−1)")
    return int(digits)


def _no_float(text: str) -> Never:
    raise Malformed(f"{text[:20]} is not an integer: numbers are whole here, and masses are strings")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
)


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("half of a surrogate pair stands in a text: send whole characters") from error


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return
        level = _children(level)
    raise Malformed(f"nested deeper than {DEPTH_MAX}")


def _is_plain(value: Any, deeper: int = DEPTH_MAX) -> bool:
    """Whether there is no float in it, and nothing nested too deep."""
    kind = type(value)
    if kind is not dict and kind is not list:
        return kind is not float
    if not deeper:
        return False
    for item in value.values() if kind is dict else value:
        inner = type(item)
        if inner is float or ((inner is dict or inner is list) and not _is_plain(item, deeper - 1)):
            return False
    return True


def _children(level: list[Any]) -> list[Any]:
    return [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
