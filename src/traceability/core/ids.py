r"""Names of things: event ids, key ids, and the derived ids of lots, parties, sites and rolls.

A derived id is 26 characters of lower-case Crockford base-32: the first 130 bits of

    SHA-256("traceability/<type>/v1\n" || key id[32] || nonce[16])

with the key that signs the event which makes the thing. Nobody can take another's id, a phone knows it
before it is online, and it survives signing again. Event and key ids are lower-case hex of 32 bytes.
"""

import binascii
import hashlib
from typing import Literal, NewType

from traceability.core.errors import Malformed

EventId = NewType("EventId", str)
KeyId = NewType("KeyId", str)
LotId = NewType("LotId", str)
PartyId = NewType("PartyId", str)
SiteId = NewType("SiteId", str)
RollId = NewType("RollId", str)

_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URLSAFE = bytes.maketrans(b"+/", b"-_")
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple([one + other for one in CROCKFORD for other in CROCKFORD])
_SHIFTS = tuple(range(120, -1, -10))
ID_PATTERN = r"^[0-9a-hjkmnp-tv-z]{26}$"
HEX_PATTERN = r"^[0-9a-f]{64}$"


def derive(kind: Literal["lot", "party", "site", "roll"], key: KeyId, nonce: str) -> str:
    """The id of a thing of this kind made with `key` and `nonce` (16 bytes as unpadded base64url)."""
    seed = b"traceability/" + kind.encode() + b"/v1\n" + bytes.fromhex(key) + unpadded(nonce, 16)
    return crockford(hashlib.sha256(seed).digest()[:20])


def crockford(data: bytes) -> str:
    """The first 130 bits of at least 17 bytes in Crockford's base-32."""
    bits = int.from_bytes(data[:17], "big") >> 6
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])


def unpadded(text: str, size: int | None = None) -> bytes:
    """The bytes behind unpadded base64url. Raises Malformed unless encoding them again gives `text`."""
    try:
        data = binascii.a2b_base64(text.encode("ascii").translate(_TO_STANDARD) + b"=" * (-len(text) % 4))
    except ValueError:
        data = None
    if data is None or to_unpadded(data) != text or (size is not None and len(data) != size):
        what = "bytes" if size is None else f"{size} bytes"
        raise Malformed(f"{text[:60]!r} is not {what} in base64url without padding")
    return data


def to_unpadded(data: bytes) -> str:
    """Unpadded base64url."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URLSAFE).rstrip(b"=").decode()


def padded(text: str) -> bytes:
    """The bytes behind standard padded base64. Raises Malformed unless encoding them again gives `text`."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        data = None
    if data is None or binascii.b2a_base64(data, newline=False).decode() != text:
        raise Malformed("base64 is not in its one canonical form (standard alphabet, padded)")
    return data


def commitment(salt: str, path: str, canonical_value: bytes) -> str:
    """What a sealed field stands as in an event: SHA-256 over the canonical JSON of [salt, path, value].

    `salt` is 16 random bytes in base64url; `path` a JSON Pointer of letters, digits, `_` and `/`.
    """
    text = b'["' + salt.encode() + b'","' + path.encode() + b'",' + canonical_value + b"]"
    return to_unpadded(hashlib.sha256(text).digest())
