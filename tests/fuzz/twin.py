"""The slow twin of our readers: RFC 8259 by hand, then each rule as one explicit check.

Nothing here is shared with the program: no json, no orjson, no msgspec. Objects are read as lists of pairs
and numbers keep their text, so nothing is lost before it is judged. Canonical form is what rfc8785 writes.
"""

import base64
import re
from typing import Any, NamedTuple

import rfc8785

from test_canonical import in_subset

_TOKEN = re.compile(
    r"[ \t\n\r]*(?:(?P<mark>[][{},:])|(?P<word>true|false|null)"
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r'|"(?P<text>(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)")'
)
_ESCAPE = re.compile(
    r'\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\(u[0-9a-fA-F]{4}|["\\/bfnrt])'
)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS = {"true": True, "false": False, "null": None}
_BLANK = " \t\n\r"
DEEP = 400
"""Deeper than any reader here goes, and no deeper than Python's own stack."""


class Refused(Exception):  # noqa: N818
    """The bytes are not what they should be."""


class Number(NamedTuple):
    """A number as it was written."""

    text: str


class Pairs(NamedTuple):
    """An object as it was written."""

    pairs: list[tuple[str, Any]]


def read(data: bytes) -> Any:
    """RFC 8259 in UTF-8, with nothing lost. Raises Refused."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8") from error
    value, end = _value(text, 0, 0)
    if text[end:].strip(_BLANK):
        raise Refused("something stands behind the value")
    return value


def _token(text: str, at: int) -> re.Match[str]:
    found = _TOKEN.match(text, at)
    if found is None:
        raise Refused(f"no token at {at}")
    return found


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    if depth > DEEP:
        raise Refused("too deep")
    token = _token(text, at)
    match token.lastgroup:
        case "word":
            return _WORDS[token["word"]], token.end()
        case "number":
            return Number(token["number"]), token.end()
        case "text":
            return _unescape(token["text"]), token.end()
        case _ if token["mark"] in "[{":
            return _inside(text, token.end(), depth + 1, token["mark"])
    raise Refused(f"no value at {at}")


def _inside(text: str, at: int, depth: int, opening: str) -> tuple[Any, int]:
    closing = "]" if opening == "[" else "}"
    items: list[Any] = []
    token = _token(text, at)
    if token["mark"] == closing:
        return (items if opening == "[" else Pairs(items)), token.end()
    while True:
        if opening == "{":
            key = _token(text, at)
            colon = _token(text, key.end())
            if key.lastgroup != "text" or colon["mark"] != ":":
                raise Refused(f"no member at {at}")
            value, at = _value(text, colon.end(), depth)
            items.append((_unescape(key["text"]), value))
        else:
            value, at = _value(text, at, depth)
            items.append(value)
        token = _token(text, at)
        at = token.end()
        if token["mark"] == closing:
            return (items if opening == "[" else Pairs(items)), at
        if token["mark"] != ",":
            raise Refused(f"neither comma nor end at {at}")


def _unescape(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1]:
            return chr(0x10000 + ((int(found[1], 16) & 0x3FF) << 10) + (int(found[2], 16) & 0x3FF))
        if found[3][0] == "u":
            return chr(int(found[3][1:], 16))
        return _SHORT.get(found[3], found[3])

    return _ESCAPE.sub(one, text) if "\\" in text else text


def plain(value: Any, depth: int, depth_max: int) -> Any:
    """The value as everybody reads it. Raises Refused where two readers could differ."""
    match value:
        case Number(text):
            return _integer(text)
        case Pairs(pairs):
            if depth > depth_max:
                raise Refused("too deep")
            names = [name for name, _ in pairs]
            if len(set(names)) != len(names):
                raise Refused("a key twice")
            return {_whole(name): plain(item, depth + 1, depth_max) for name, item in pairs}
        case list():
            if depth > depth_max:
                raise Refused("too deep")
            return [plain(item, depth + 1, depth_max) for item in value]
        case str():
            return _whole(value)
        case _:
            return value


def _integer(text: str) -> int:
    if re.fullmatch(r"0|-?[1-9][0-9]{0,15}", text) is None or abs(int(text)) >= 2**53:
        raise Refused("no integer within ±(2^53−1) in its one spelling")
    return int(text)


def _whole(text: str) -> str:
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise Refused("half a surrogate pair")
    return text


def wire(data: bytes) -> Any:
    """What `api.strict.read_json` must give for these bytes. Raises Refused."""
    return plain(read(data), 1, 16)


def signed(data: bytes) -> Any:
    """What `core.canonical.decode` must give for these bytes. Raises Refused."""
    value = plain(read(data), 1, 8)
    if not in_subset(value):
        raise Refused("outside the subset")
    if rfc8785.dumps(value) != data:
        raise Refused("not canonical")
    return value


def envelope(value: Any) -> tuple[bytes, str, bytes]:
    """Payload, key id and signature of a DSSE envelope of an event, out of a value. Raises Refused."""
    if not isinstance(value, dict) or set(value) != {"payload", "payloadType", "signatures"}:
        raise Refused("not the members of an envelope")
    signatures = value["signatures"]
    if value["payloadType"] != "application/vnd.traceability.event+json":
        raise Refused("another type")
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise Refused("not one signature")
    (signature,) = signatures
    if not isinstance(signature, dict) or set(signature) != {"keyid", "sig"}:
        raise Refused("not the members of a signature")
    keyid = signature["keyid"]
    if not isinstance(keyid, str) or len(keyid) != 64 or set(keyid) - set("0123456789abcdef"):
        raise Refused("keyid is not the hex of 32 bytes")
    found = _base64(signature["sig"])
    if len(found) != 64:
        raise Refused("not 64 bytes")
    return _base64(value["payload"]), keyid, found


def _base64(text: Any) -> bytes:
    if (
        not isinstance(text, str)
        or re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3}={1,2})?", text) is None
    ):
        raise Refused("no base64")
    if len(text) % 4:
        raise Refused("not padded")
    data = base64.b64decode(text)
    if base64.b64encode(data).decode() != text:
        raise Refused("not its one form")
    return data
