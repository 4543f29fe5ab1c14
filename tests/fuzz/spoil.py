"""Hostile bytes, drawn: JSON as no honest program writes it, and honest bytes spoiled at random.

`odd_json` writes random values with random sins of spelling, structure and encoding (the sorts of case
JSONTestSuite collects); `mutated` changes bytes; `resaid` reads an honest object and says it again with one
thing changed, so that most of what it gives is nearly right.
"""

import json
from random import Random
from typing import Any

NUMBERS = (
    "0", "1", "-1", "7", "42", "9007199254740991", "-9007199254740991", "9007199254740992", "-9007199254740992",
    "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
    "-0", "0.0", "-0.0", "1.0", "1.5", "1e3", "1E3", "1e+3", "1e-3", "1e400", "-1e999", "1e", "1.", ".5", "+1", "01",
    "-01", "--1", "-", "0x10", "1_000", "NaN", "Infinity", "-Infinity", "nan", "1 000", "１２", "٣", "1e0", "0e0",
    "123456789012345678901234567890", "9" * 400, "9" * 5000, "0." + "0" * 400 + "1", "1.0E+2", "1/2", "0b1", "1n",
)  # fmt: skip
TEXTS = (
    "", "a", "Société", "e\u0301", "\u00e9", "\u212b", "日本語", "😂", "\u2028", "\u200b", "\u202e", "\ufeff", "\u0000",
    "\u001f", "\u007f", "\u0085", "\ufffe", "\U000e0001", "\U0001f6dc", "\u0378", "\n", "\t", "\r", "/", "\\", '"', "</script>",
    "\u0644\u0627", "ﬁ", "\u1100\u1161", "\uac00", "\U0010ffff", "null", "1", "{}", "a\u0323\u0307", "\ue000",
)  # fmt: skip
SPELLINGS = (
    '"\\ud800"', '"\\udc00"', '"\\ud83d\\ude02"', '"\\ude02\\ud83d"', '"\\ud83d\\u0041"', '"\\ud83d"', '"\\u0000"', '"\\/"',
    '"\\u0041"', '"\\u000a"', '"\\n"', '"\\u00e9"', '"\\x41"', '"\\u004"', '"\\u 041"', '"\\U00000041"', '"\\', '"\\"',
    '"\x01"', '"\n"', '"\t"', '"\x7f"', "'a'", '"a', 'a"', '"\\a"', '"\\0"', "a", "True", "None", "undefined", "nul", "TRUE",
    '"\\uD83D\\uDE02"', '"\\u002f"', '"\\b\\f"', '"\\u0008"', '"\\u2028"',
)  # fmt: skip
BLANKS = (
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "  ",
    "\x0b",
    "\x0c",
    "\u00a0",
    "\u2003",
    "\ufeff",
    "/**/",
    "//\n",
    "#\n",
    "\x00",
)
KEYS = (
    "a",
    "b",
    "c",
    "key",
    "lots",
    "a_1",
    "A",
    "",
    "1",
    "_a",
    "a-b",
    "é",
    "\\u0061",
    "a\\u0000",
    "constructor",
    "__proto__",
)
TAILS = (
    b" ",
    b"\n",
    b"\x00",
    b"\xef\xbb\xbf",
    b"{}",
    b"]",
    b"}",
    b",",
    b"\xff",
    b"1",
    b"//",
    b"\x1a",
    b"null",
)
BYTES = (
    b"\xff", b"\xfe", b"\x80", b"\xc0\xaf", b"\xe0\x80\xa2", b"\xed\xa0\x80", b"\xed\xa0\xbd\xed\xb8\x82", b"\xf4\x90\x80\x80",
    b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\x00", b"\x7f", b'"', b"\\", b"\\u", b"\\ud800", b"{", b"[", b"e", b"-", b".", b"0",
    b",", b":", b"null", b"1e9", b"\xc2\x85", b"e\xcc\x81", b"\xe2\x80\xae",
)  # fmt: skip


def odd_json(random: Random) -> bytes:
    """A JSON text, or nearly one. Most have one sin or none, so that what is accepted is seen too."""
    if random.random() < 0.01:
        return _bomb(random)
    sins = random.choices((0.0, 0.04, 0.15, 0.5), (3, 4, 2, 1))[0]
    text = _written(random, random.randrange(5), sins)
    if random.random() < sins:
        text = random.choice(BLANKS) + text
    data = _encoded(random, text, sins)
    if random.random() < sins:
        data += random.choice(TAILS)
    if random.random() < sins:
        data = data[: random.randrange(len(data) + 1)]
    return data


def mutated(random: Random, data: bytes, times: int = 3) -> bytes:
    """The same bytes with a few of them changed, taken out, doubled, moved or replaced by nasty ones."""
    found = bytearray(data)
    for _ in range(random.randrange(1, times + 1)):
        at, end = sorted((random.randrange(len(found) + 1), random.randrange(len(found) + 1)))
        end = min(end, at + random.choice((1, 2, 8, 64)))
        match random.randrange(7):
            case 0 if at < len(found):
                found[at] ^= 1 << random.randrange(8)
            case 1:
                del found[at:end]
            case 2:
                found[at:at] = found[at:end]
            case 3:
                found[at:end] = random.choice(BYTES)
            case 4:
                found[at:at] = random.choice(BYTES)
            case 5:
                found[at:at] = random.choice(NUMBERS).encode()[:40]
            case _:
                found[at:end] = random.randbytes(end - at)
    return bytes(found)


def resaid(random: Random, data: bytes) -> bytes:
    """An honest JSON object, said again with one thing in it changed."""
    value = json.loads(data)
    if random.random() < 0.4:
        _change(random, value)
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )
    return _spelled(random, value)


def _written(random: Random, depth: int, sins: float) -> str:
    """A value, written."""
    kind = random.randrange(8) if depth else random.randrange(4)
    match kind:
        case 0:
            return random.choice(NUMBERS if random.random() < sins else NUMBERS[:7])
        case 1:
            return random.choice(("true", "false", "null") if random.random() < sins else ("true", "false"))
        case 2 | 3:
            if random.random() < sins:
                return random.choice(SPELLINGS)
            text = random.choice(TEXTS if random.random() < sins else TEXTS[:3])
            return json.dumps(text, ensure_ascii=random.random() < sins)
        case 4 | 5:
            items = [_written(random, depth - 1, sins) for _ in range(random.randrange(4))]
            return "[" + _joined(random, items, sins) + "]"
        case _:
            keys = random.sample(KEYS[:6], random.randrange(4))
            if random.random() < sins:
                keys = [*keys, *random.choices(KEYS, k=2)]
            if random.random() >= sins:
                keys.sort()
            colon = ":" if random.random() >= sins else random.choice((" :", ": ", ";", "", "=", "::"))
            members = [f'"{key}"{colon}{_written(random, depth - 1, sins)}' for key in keys]
            return "{" + _joined(random, members, sins) + "}"


def _joined(random: Random, items: list[str], sins: float) -> str:
    comma = "," if random.random() >= sins else random.choice((", ", " ,", ",,", ";", "", ",\n"))
    tail = "," if random.random() < sins / 4 else ""
    return comma.join(items) + tail


def _encoded(random: Random, text: str, sins: float) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if random.random() >= sins:
        return data
    match random.randrange(7):
        case 0:
            return b"\xef\xbb\xbf" + data
        case 1:
            return text.encode(
                random.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le")), "surrogatepass"
            )
        case 2:
            return text.encode("latin-1", "replace")
        case _:
            return mutated(random, data, 2)


def _bomb(random: Random) -> bytes:
    """What is small to send and much to read: depth, digits, keys."""
    n = random.choice((8, 9, 16, 17, 100, 300, 1000, 20_000))
    match random.randrange(6):
        case 0:
            return b"[" * n + b"]" * n
        case 1:
            return b'{"a":' * n + b"1" + b"}" * n
        case 2:
            return b"[" * n
        case 3:
            return b'{"a":' + b"9" * n + b"}"
        case 4:
            return b'{"a":"' + b"\\u0041" * n + b'"}'
        case _:
            return b"{" + b",".join(b'"k%d":1' % (number % (n - 1)) for number in range(n)) + b"}"


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key or index) in a value."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        container = waiting.pop()
        keys = container if isinstance(container, dict) else range(len(container))
        found += [(container, key) for key in keys]
        waiting += [container[key] for key in keys if isinstance(container[key], dict | list)]
    return found


def _change(random: Random, value: Any) -> None:
    """One place holds something else, or is gone, or has company."""
    places = _places(value)
    container, key = random.choice(places)
    match random.randrange(6):
        case 0:
            del container[key]
        case 1:
            container[key] = random.choice(
                (None, True, False, 0, 1, -1, 2**53, 1.0, 1.5, [], {}, "", "0", "1", [[]], 17)
            )
        case 2:
            container[key] = random.choice(TEXTS)
        case 3:
            other, name = random.choice(places)
            container[key] = json.loads(json.dumps(other[name]))
        case 4 if isinstance(container, dict):
            container[random.choice(("extra", "a", "note", "version", "body", "lots", "zone"))] = (
                random.choice((1, "x", [], None))
            )
        case 4:
            container.append(json.loads(json.dumps(container[key])))
        case _ if isinstance(container[key], str):
            container[key] = random.choice(
                (
                    container[key] + " ",
                    container[key].upper(),
                    container[key][:-1],
                    container[key] + "\n",
                    container[key] + "0",
                )
            )
        case _:
            container[key] = [container[key]]


def _spelled(random: Random, value: Any) -> bytes:
    """The same value in other bytes; one number, text or member spelled as it should not be."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    mark = "\u0001"
    match random.randrange(7):
        case 0:
            return json.dumps(
                value, ensure_ascii=random.random() < 0.5, indent=random.choice((None, 0, 1, "\t"))
            ).encode()
        case 1:
            return _encoded(random, text, 1.0)
        case 2:
            container, key = random.choice(_places(value))
            if isinstance(container, dict):
                twin = json.dumps({key: container[key]}, separators=(",", ":"))[1:-1]
                again = twin if random.random() < 0.5 else twin.replace(key[0], f"\\u{ord(key[0]):04x}", 1)
                return text.replace(twin, f"{twin},{again}", 1).encode()
            return text.encode()
        case 3:
            container, key = random.choice(_places(value))
            container[key] = mark
            odd = random.choice(NUMBERS + SPELLINGS)
            return (
                json.dumps(value, sort_keys=True, separators=(",", ":"))
                .replace('"\\u0001"', odd)
                .encode("utf-8", "surrogatepass")
            )
        case 4:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=False).encode()
        case 5:
            return (text + random.choice(("\n", " ", "\x00", "{}", ",", "\ufeff"))).encode()
        case _:
            at = random.randrange(len(text))
            return (text[:at] + f"\\u{ord(text[at]):04x}" + text[at + 1 :]).encode()
