r"""COSE_Sign1 (RFC 9052) over the few kinds of CBOR (RFC 8949) that a label needs.

    18([protected: bytes, unprotected: map, payload: bytes, signature: bytes])
    signed: ["Signature1", protected, external, payload]

The CBOR is the deterministic one of RFC 8949, section 4.2.1: whole numbers, bytes, text, arrays and maps, each
in its shortest form, with a definite length, map keys in the order of their bytes and each once. No floats, no
other simple values, no tags but the 18 in front. `decode` accepts exactly the bytes that `encode` writes.

The algorithm stands in the protected header and must be that of the key: the key decides, never the message.
"""

from typing import NamedTuple

from traceability.core.errors import Invalid, Malformed
from traceability.core.signing import Algorithm, PublicKey, SigningKey

Value = int | bytes | str | list["Value"] | dict[int, "Value"]
"""What the CBOR here can say."""

ALGORITHM, KEY_ID = 1, 4
"""Labels of COSE headers (RFC 9052, section 3.1)."""
ALGORITHMS: dict[Algorithm, int] = {"ES256": -7, "Ed25519": -8}
"""COSE's numbers for the two kinds of key; Ed25519 is its EdDSA."""
SIZE_MAX = 2048
"""No COSE message here is larger."""

_TAG = b"\xd2"
_DEPTH_MAX = 4
_INT, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP = range(6)


# --- CBOR


def encode(value: Value) -> bytes:
    """The deterministic CBOR of a value. Whole numbers are within 64 bits."""
    match value:
        case int():
            return _head(_INT, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
        case bytes():
            return _head(_BYTES, len(value)) + value
        case str():
            text = value.encode()
            return _head(_TEXT, len(text)) + text
        case list():
            return _head(_ARRAY, len(value)) + b"".join(map(encode, value))
        case dict():
            pairs = sorted((encode(key), encode(item)) for key, item in value.items())
            return _head(_MAP, len(value)) + b"".join(key + item for key, item in pairs)


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([major << 5 | 23 + size.bit_length()]) + number.to_bytes(size, "big")


def decode(data: bytes) -> Value:
    """The value behind CBOR. Raises Malformed for any bytes `encode` would not write."""
    if len(data) > SIZE_MAX:
        raise Malformed(f"no CBOR here has more than {SIZE_MAX} bytes")
    value, end = _read(data, 0, _DEPTH_MAX)
    if end != len(data) or encode(value) != data:
        raise Malformed("the CBOR is not in its one deterministic form")
    return value


def _read(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    major, number, at = _read_head(data, at)
    match major:
        case 0:
            return number, at
        case 1:
            return -1 - number, at
        case 2 | 3:
            end = at + number
            if end > len(data):
                raise Malformed("the CBOR ends too early")
            return (data[at:end] if major == _BYTES else _text(data[at:end])), end
        case 4 | 5 if depth:
            if number > len(data) - at:
                raise Malformed("the CBOR ends too early")
            items: list[Value] = []
            for _ in range(number * (2 if major == _MAP else 1)):
                item, at = _read(data, at, depth - 1)
                items.append(item)
            return (items if major == _ARRAY else _map(items)), at
        case _:
            raise Malformed(
                "the CBOR holds more than numbers, bytes, text, arrays and maps, or nests too deep"
            )


def _read_head(data: bytes, at: int) -> tuple[int, int, int]:
    """Major type, number, and where the rest begins."""
    if at >= len(data):
        raise Malformed("the CBOR ends too early")
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    if low < 24:
        return major, low, at
    if low > 27:
        raise Malformed("the CBOR has a length that is not definite")
    size = 1 << low - 24
    if at + size > len(data):
        raise Malformed("the CBOR ends too early")
    return major, int.from_bytes(data[at : at + size], "big"), at + size


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("a text in the CBOR is not UTF-8") from error


def _map(items: list[Value]) -> dict[int, Value]:
    found: dict[int, Value] = {}
    for key, item in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, int) or key in found:
            raise Malformed("a map in the CBOR has a key that is no number, or one twice")
        found[key] = item
    return found


# --- COSE_Sign1


class Sign1(NamedTuple):
    """A COSE_Sign1 message that was read and not yet verified."""

    protected: dict[int, Value]
    unprotected: dict[int, Value]
    payload: bytes
    signature: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Sign1":
        """Raises Malformed for bytes that are no tagged COSE_Sign1 in deterministic CBOR."""
        if data[:1] != _TAG:
            raise Malformed("not a COSE_Sign1 message: tag 18 does not stand in front")
        match decode(data[1:]):
            case [bytes(header), dict(unprotected), bytes(payload), bytes(signature)]:
                protected = decode(header) if header else {}
            case _:
                raise Malformed("not a COSE_Sign1 message: it has protected, unprotected, payload, signature")
        if not isinstance(protected, dict) or protected.keys() & unprotected.keys():
            raise Malformed("the headers of the COSE_Sign1 message are not two maps that are apart")
        return cls(protected, unprotected, payload, signature)

    def to_bytes(self) -> bytes:
        """The message, tag in front."""
        header = encode(self.protected) if self.protected else b""
        return _TAG + encode([header, self.unprotected, self.payload, self.signature])

    def verify(self, key: PublicKey, external: bytes = b"") -> None:
        """Raises Invalid unless the signature is this key's, made with the algorithm that the key has."""
        if self.protected.get(ALGORITHM) != ALGORITHMS[key.algorithm]:
            raise Invalid(f"the message is not signed with {key.algorithm}, which is what the key is for")
        key.verify(self.signature, to_be_signed(self.protected, self.payload, external))


def to_be_signed(protected: dict[int, Value], payload: bytes, external: bytes = b"") -> bytes:
    """The bytes the signature is over: RFC 9052, section 4.4."""
    return encode(["Signature1", encode(protected) if protected else b"", external, payload])


def sign(key: SigningKey, kid: bytes, payload: bytes) -> bytes:
    """The message, with algorithm and key id in the protected header."""
    protected: dict[int, Value] = {ALGORITHM: ALGORITHMS[key.public.algorithm], KEY_ID: kid}
    return Sign1(protected, {}, payload, key.sign(to_be_signed(protected, payload))).to_bytes()
