r"""What stands signed in the QR of a tag: the label of a lot, or the mark of a pre-printed tag.

    https://<host>/t/<code>#<digits>

The digits are a COSE_Sign1 message (`cose`) by a party's key over deterministic CBOR,

    label of a lot    {1: log, 2: lot, 3: head event, 4: mineral, 5: net µg, 6: [roll, number], 7: record day}
    pre-printed tag   {1: log, 2: roll, 3: number}

with the algorithm and the first 8 bytes of the key's id in the protected header. Ids of lots and rolls are
their 130 bits in 17 bytes, event ids 32 bytes, the day is counted from 1970-01-01. 17 bytes make 41 digits and
what is left over the fewest that hold it, so a QR packs them nearly as well as bytes, and any camera opens the
address. A fragment is never sent to a server.

A signature shows who said this and that nobody changed it. It never shows that the paper is the only copy.
"""

import re
from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple, get_args

from traceability.core import cose
from traceability.core.cose import Sign1, Value
from traceability.core.errors import Malformed
from traceability.core.forms import Mineral
from traceability.core.ids import CROCKFORD, EventId, LotId, RollId
from traceability.core.signing import SigningKey
from traceability.core.tag import is_code, our_tag, parse_our_number, parse_tag

KID_SIZE = 8
SIGNED_MAX = 512
"""Bytes of a signed label or tag at most."""
ADDRESS_MAX = 2048
"""Characters of what a QR of ours holds at most; it is a look at the length alone."""

_ID_SIZE = 17
_CHUNK, _CHUNK_DIGITS = 17, 41
_DIGITS = {size: len(str((1 << size * 8) - 1)) for size in range(1, _CHUNK + 1)}
_SIZES = {digits: size for size, digits in _DIGITS.items()}
_LOG = re.compile(r"[!-~]{1,120}")
_MASS_MAX = 2**53 - 1
_DAY_MAX = 2**16
_EPOCH = date(1970, 1, 1)
_MINERALS = frozenset(get_args(Mineral))


class LotLabel(NamedTuple):
    """The main facts of a lot as the party that printed them says they are."""

    log: str
    lot: LotId
    head: EventId
    """The event that had moved its custody last."""
    mineral: str
    net_ug: int
    tag: str
    """A tag of our own scheme."""
    day: str
    """The UTC day on which `head` was recorded."""

    def payload(self) -> bytes:
        """The CBOR that is signed. Raises Malformed for a tag of another scheme."""
        roll, number = _place(self.tag)
        return cose.encode(
            {
                1: self.log,
                2: _id_bytes(self.lot),
                3: bytes.fromhex(self.head),
                4: self.mineral,
                5: self.net_ug,
                6: [_id_bytes(roll), number],
                7: date.fromisoformat(self.day).toordinal() - _EPOCH.toordinal(),
            }
        )


class PrintedTag(NamedTuple):
    """A tag that its issuer printed before it hangs on anything."""

    log: str
    roll: RollId
    number: int

    @property
    def tag(self) -> str:
        """Its name in events."""
        return our_tag(self.roll, self.number)

    def payload(self) -> bytes:
        """The CBOR that is signed."""
        return cose.encode({1: self.log, 2: _id_bytes(self.roll), 3: self.number})


Said = LotLabel | PrintedTag


class Signed(NamedTuple):
    """What a label says and the message it stands in; nothing is verified yet."""

    said: Said
    message: Sign1

    @property
    def kid(self) -> str:
        """The first 16 hex digits of the id of the key, as the message has it: a hint, no more."""
        kid = self.message.protected[cose.KEY_ID]
        assert isinstance(kid, bytes)
        return kid.hex()


def sign(said: Said, key: SigningKey) -> bytes:
    """The signed bytes, which `read_signed` reads. Raises Malformed for what no label can say."""
    signed = cose.sign(key, bytes.fromhex(key.id)[:KID_SIZE], said.payload())
    read_signed(signed)
    return signed


def read_signed(data: bytes) -> Signed:
    """What a label says. Raises Malformed for any bytes `sign` would not write, signatures aside."""
    if len(data) > SIGNED_MAX:
        raise Malformed(f"a label has at most {SIGNED_MAX} bytes")
    message = Sign1.parse(data)
    kid = message.protected.get(cose.KEY_ID)
    if (
        message.unprotected
        or message.protected.keys() != {cose.ALGORITHM, cose.KEY_ID}
        or message.protected[cose.ALGORITHM] not in cose.ALGORITHMS.values()
        or not (isinstance(kid, bytes) and len(kid) == KID_SIZE)
        or len(message.signature) != 64
    ):
        raise Malformed("the label is not signed the way labels are: algorithm, key, 64 bytes of signature")
    said = _said(cose.decode(message.payload))
    if said.payload() != message.payload:
        raise Malformed("the label is not in its one spelling")
    return Signed(said, message)


def _said(value: Value) -> Said:
    match value:
        case {1: str(log), 2: bytes(roll), 3: int(number), **more} if not more:
            tag = PrintedTag(_log(log), RollId(_id_text(roll)), number)
            parse_our_number(f"{tag.roll}-{number}")
            return tag
        case {1: str(log), 2: bytes(lot), 3: bytes(head), 4: str(mineral), 5: int(net), 6: [bytes(roll), int(number)], 7: int(day), **more} if (
            not more
            and len(head) == 32
            and mineral in _MINERALS
            and 0 <= net <= _MASS_MAX
            and 0 <= day <= _DAY_MAX
        ):  # fmt: skip
            return LotLabel(
                _log(log),
                LotId(_id_text(lot)),
                EventId(head.hex()),
                mineral,
                net,
                our_tag(RollId(_id_text(roll)), number),
                (_EPOCH + timedelta(days=day)).isoformat(),
            )
        case _:
            raise Malformed("what is signed is neither the label of a lot nor a pre-printed tag")


def _log(name: str) -> str:
    if _LOG.fullmatch(name) is None:
        raise Malformed("the label names no ledger as ledgers are named")
    return name


def _place(tag: str) -> tuple[RollId, int]:
    scheme, number = parse_tag(tag)
    if scheme != "t":
        raise Malformed(f"{tag} is a tag of another scheme: a label goes with a tag of our own")
    return parse_our_number(number)


def _id_bytes(name: str) -> bytes:
    number = 0
    for character in name:
        number = number << 5 | CROCKFORD.index(character)
    return (number << 6).to_bytes(_ID_SIZE, "big")


def _id_text(data: bytes) -> str:
    if len(data) != _ID_SIZE or data[-1] & 63:
        raise Malformed("an id has 130 bits in 17 bytes")
    number = int.from_bytes(data, "big") >> 6
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


# --- digits


def to_digits(data: bytes) -> str:
    """Bytes as decimal digits: 41 for each 17 bytes, and the fewest that can hold what is left."""
    chunks = (data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK))
    return "".join(f"{int.from_bytes(chunk, 'big'):0{_DIGITS[len(chunk)]}d}" for chunk in chunks)


def from_digits(digits: str) -> bytes:
    """The bytes behind digits. Raises Malformed for any that `to_digits` would not write, or too many."""
    if len(digits) > SIGNED_MAX * 3 or re.fullmatch(r"[0-9]+", digits) is None:
        raise Malformed("behind the # stand digits and nothing else, and not as many as that")
    data = b""
    for at in range(0, len(digits), _CHUNK_DIGITS):
        chunk = digits[at : at + _CHUNK_DIGITS]
        size, number = _SIZES.get(len(chunk)), int(chunk)
        if size is None or number >> size * 8:
            raise Malformed("the digits behind the # are no bytes: some are missing, or were changed")
        data += number.to_bytes(size, "big")
    return data


# --- the address in the QR


class Scan(NamedTuple):
    """What the QR of a tag of ours holds."""

    code: str
    signed: bytes | None
    """None where the QR has only the code: whether that is genuine the ledger alone can tell."""


def address(base: str, code: str, signed: bytes) -> str:
    """What goes into the QR: the tag's page under `base` (`https://ledger.example.org`), and what is signed."""
    return f"{base}/t/{code}#{to_digits(signed)}"


def read_scan(text: str, bases: Collection[str]) -> Scan:
    """What a camera read, if it is the QR of a tag under one of these addresses.

    Raises Malformed for everything else: other hosts and whatever looks like ours, other paths, other schemes,
    anything too long. The text is compared, never opened, decoded or shown: no trick of addresses is one here.
    """
    found = _after(text[: ADDRESS_MAX + 1], bases)
    if len(text) > ADDRESS_MAX or found is None:
        raise Malformed(
            f"this is not the QR of a tag of this ledger: {_otherwise(text, bases)}; do not open it"
        )
    code, hash_sign, digits = found.partition("#")
    if not is_code(code):
        raise Malformed("this QR names the ledger, and no tag of it: do not open it")
    return Scan(code, from_digits(digits) if hash_sign else None)


def _after(text: str, bases: Collection[str]) -> str | None:
    for base in bases:
        if text.startswith(f"{base}/t/"):
            return text[len(base) + 3 :]
    return None


def _otherwise(text: str, bases: Collection[str]) -> str:
    """What is wrong with a text that is refused already: for a person's eyes, nothing is decided by it."""
    if len(text) > ADDRESS_MAX:
        return "it is longer than any of ours"
    if not text.isascii() or not text.isprintable():
        return "it has characters in it that hide, or look like others"
    scheme, _, rest = text.strip().partition("://")
    if scheme.lower() not in ("https", "http"):
        return "it is no address of a page"
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0].lower()
    for base in bases:
        ours = base.partition("://")[2].lower()
        if host == ours:
            return "it names the ledger otherwise than its tags do"
        if ours in host or "xn--" in host or _as_seen(host) == _as_seen(ours):
            return "it leads to a site that looks like this ledger's and is another"
    return "it leads to another site"


def _as_seen(host: str) -> str:
    """A host as somebody in a hurry reads it."""
    for written, read in (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("-", ""), (".", "")):
        host = host.replace(written, read)
    return host
