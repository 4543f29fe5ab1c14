r"""Signed notes: a text, and under it one line for each key that signed it (C2SP signed-note).

The bytes
---------

A note is UTF-8 without control characters other than the newline: a text that ends in a newline, a blank
line, and signature lines. This one is signed by a log, and any C2SP tool can check it:

    Trois sacs, un seul chemin.

    — ledger.example.org/car I9Nh3AIvmVcEcEYilYC7iUycKvzoL0GY90/WiFobw2v/jTyQ5/JgyieaVsU7taReU7ymz/3mb2eMFxso0wvimca45Qo=

The text is everything up to the *last* blank line, with its final newline; the blank line belongs to
neither part, so a text may hold blank lines of its own. A signature line is

    — <name> <base64( key id[4] || signature )>

with an em dash (U+2014), single spaces, and standard padded base64 in its one canonical form. A name is
not empty and has neither white space of any script nor a plus sign.

Keys
----

A key is a name, an algorithm and a public key. Its id is there to find it, not to prove anything:

    key id = SHA-256(name || "\n" || algorithm || public key)[:4]

Algorithm 0x01 is Ed25519 over the text, the only one here; `cosignature` has the timestamped 0x04. As text:

    <name>+<key id in hex>+<base64( algorithm || public key )>                      the vkey, to publish
    PRIVATE+KEY+<name>+<key id in hex>+<base64( algorithm || seed[32] )>            the skey, to guard

The note above verifies with the vkey

    ledger.example.org/car+23d361dc+AWU30/cf+UOHulPXGUNigIDi7P+czF6CpufMZ3iCIPyI

which belongs to this published skey, made for the example and never to be used for anything else:

    PRIVATE+KEY+ledger.example.org/car+23d361dc+Adrq+XupFW+8m/QLRQxJT8Qz8SSJGDojNiScVT2lvwg/

Opening
-------

A note means nothing until it is opened with the keys one trusts. A line whose name and id belong to none
of them is kept and ignored: other people may sign what we rely on. A line whose name *and* id belong to a
trusted key must verify, or the whole note is refused. At least one line must verify. At most 64 lines and
256 KiB are read, which leaves room for post-quantum signatures; the standard asks for 16.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import padded
from traceability.core.signing import check_ed25519_point, verify_ed25519

ED25519 = 0x01
SIGNATURES_MAX = 64
NOTE_SIZE_MAX = 256 * 1024

_NAME = r"[^\s+\x00-\x1f\ud800-\udfff]+"
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIGNATURE_LINE = re.compile(rf"— ({_NAME}) ([A-Za-z0-9+/]+=*)")
_VKEY = re.compile(rf"({_NAME})\+([0-9a-f]{{8}})\+([A-Za-z0-9+/]+=*)")
_SKEY = re.compile(rf"PRIVATE\+KEY\+({_NAME})\+([0-9a-f]{{8}})\+([A-Za-z0-9+/]+=*)")


def is_key_name(name: str) -> bool:
    """Whether a key may be called so: not empty, no white space of any script, no plus, no control."""
    return re.fullmatch(_NAME, name) is not None


def key_id(name: str, algorithm: int, public_key: bytes) -> bytes:
    """The four bytes that, with the name, tell which key signed."""
    return hashlib.sha256(b"%s\n%c%s" % (name.encode(), algorithm, public_key)).digest()[:4]


class Signature(NamedTuple):
    """One signature line. `body` is what follows the key id; its form depends on the key's algorithm."""

    name: str
    key_id: bytes
    body: bytes

    @property
    def key(self) -> tuple[str, bytes]:
        """Name and id: what a key is found by."""
        return self.name, self.key_id

    def line(self) -> str:
        """The line as it stands in a note, with its newline."""
        return f"— {self.name} {b64encode(self.key_id + self.body).decode()}\n"


class Vkey(NamedTuple):
    """A public key of any algorithm as it is published: name, algorithm byte and key bytes."""

    name: str
    algorithm: int
    public_key: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a vkey (without a newline behind it). Raises Malformed, also when the id is another key's."""
        match = _VKEY.fullmatch(text)
        if match is None:
            raise Malformed(
                f"{text[:100]!r} is not a vkey: <name>+<8 hex digits>+<base64>, nothing around it"
            )
        raw = padded(match[3])
        vkey = cls(match[1], raw[0], raw[1:])
        if vkey.key_id.hex() != match[2]:
            raise Malformed(f"the vkey of {vkey.name} has the id {match[2]}, its key has {vkey.key_id.hex()}")
        return vkey

    @property
    def key_id(self) -> bytes:
        """Its four-byte id."""
        return key_id(*self)

    def encode(self) -> str:
        """The vkey text."""
        encoded = b64encode(bytes([self.algorithm]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A trusted Ed25519 key, and the check of one kind of signature under it.

    This class checks plain signatures over the text (algorithm 0x01).
    """

    ALGORITHM: ClassVar[int] = ED25519

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        """Raises Malformed for a name no key may have and for a key that proves nothing."""
        if not is_key_name(self.name):
            raise Malformed(f"{self.name[:60]!r} cannot name a key: it is empty or has a space, + or control")
        check_ed25519_point(self.public_key)

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Reads a vkey of this algorithm. Raises Malformed for any other text or algorithm."""
        return cls.from_vkey(Vkey.parse(vkey))

    @classmethod
    def from_vkey(cls, vkey: Vkey) -> Self:
        """The verifier of a vkey. Raises Malformed unless it is of this algorithm and a sound key."""
        if vkey.algorithm != cls.ALGORITHM:
            raise Malformed(
                f"the key of {vkey.name} is of type 0x{vkey.algorithm:02x}, here 0x{cls.ALGORITHM:02x} is needed"
            )
        return cls(vkey.name, vkey.public_key)

    @property
    def vkey(self) -> Vkey:
        """The key as it is published."""
        return Vkey(self.name, self.ALGORITHM, self.public_key)

    @property
    def key(self) -> tuple[str, bytes]:
        """Name and id: what its signatures carry."""
        return self.name, self.vkey.key_id

    def encode(self) -> str:
        """The vkey text."""
        return self.vkey.encode()

    def verify(self, text: str, body: bytes) -> None:
        """Raises Invalid unless `body` (64 bytes) is this key's signature over `text`."""
        self._check(body, text.encode())

    def _check(self, signature: bytes, message: bytes) -> None:
        try:
            verify_ed25519(Ed25519PublicKey.from_public_bytes(self.public_key), signature, message)
        except InvalidSignature:
            raise Invalid(f"the signature of {self.name} is not over this text") from None


class Signer:
    """A private Ed25519 key that signs notes: a log's. It shows its seed only when asked to encode it."""

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        """Raises Malformed for a name no key may have or a seed that is not 32 bytes long."""
        self._key = private_key(seed)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, skey: str) -> Self:
        """Reads an skey (without a newline behind it). Raises Malformed, and never repeats the key."""
        signer = cls(*parse_skey(skey, ED25519))
        if signer.encode() != skey:
            raise Malformed(f"the skey of {signer.verifier.name} has the id of another key")
        return signer

    def encode(self) -> str:
        """The skey text. A secret."""
        return encode_skey(self.verifier.vkey, self._key.private_bytes_raw())

    def sign(self, text: str) -> Signature:
        """This key's signature over `text`."""
        return Signature(*self.verifier.key, self._key.sign(text.encode()))


def private_key(seed: bytes) -> Ed25519PrivateKey:
    """The key of a 32-byte seed. Raises Malformed for another length."""
    if len(seed) != 32:
        raise Malformed(f"the seed of an Ed25519 key has 32 bytes, this one {len(seed)}")
    return Ed25519PrivateKey.from_private_bytes(seed)


def parse_skey(text: str, algorithm: int) -> tuple[str, bytes]:
    """Name and seed of an skey of this algorithm. The caller makes the key and compares its encoding."""
    match = _SKEY.fullmatch(text)
    if match is None:
        raise Malformed("not an skey: PRIVATE+KEY+<name>+<8 hex digits>+<base64>, nothing around it")
    raw = padded(match[3])
    if raw[0] != algorithm:
        raise Malformed(f"the skey of {match[1]} is of type 0x{raw[0]:02x}, here 0x{algorithm:02x} is needed")
    return match[1], raw[1:]


def is_skey(text: str, algorithm: int) -> bool:
    """Whether this is the form of an skey of this algorithm; whether it is a sound one is for `parse_skey`."""
    match = _SKEY.fullmatch(text)
    return match is not None and padded(match[3])[0] == algorithm


def encode_skey(vkey: Vkey, seed: bytes) -> str:
    """The skey text of a key. A secret."""
    encoded = b64encode(bytes([vkey.algorithm]) + seed).decode()
    return f"PRIVATE+KEY+{vkey.name}+{vkey.key_id.hex()}+{encoded}"


@dataclass(frozen=True, slots=True)
class Note:
    """An opened note.

    `verified` are the signatures that trusted keys made, in the note's order; `others` are of keys that
    were not asked about, and show nothing.
    """

    text: str
    verified: tuple[Signature, ...]
    others: tuple[Signature, ...]


def parse_note(data: bytes) -> tuple[str, tuple[Signature, ...]]:
    """Text and signatures of a note, nothing verified. Raises Malformed for any other form or size."""
    if len(data) > NOTE_SIZE_MAX:
        raise Malformed(f"a note has at most {NOTE_SIZE_MAX} bytes, this one {len(data)}")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("a note is UTF-8, this is not") from error
    if _CONTROL.search(whole):
        raise Malformed("a note has no control character but the newline (and so no \\r\\n)")
    end = whole.rfind("\n\n")
    if end < 0:
        raise Malformed("no blank line parts the text of the note from its signatures")
    text, signatures = whole[: end + 1], whole[end + 2 :]
    if not signatures.endswith("\n"):
        raise Malformed("the note has no signature, or its last line does not end in a newline")
    # Split at the newline alone: splitlines() would also split at U+0085 and U+2028.
    lines = signatures[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise Malformed(f"a note has at most {SIGNATURES_MAX} signatures, this one {len(lines)}")
    return text, tuple(_parse_line(line) for line in lines)


def open_note(data: bytes, verifiers: Iterable[Verifier]) -> Note:
    """The note, once trusted keys vouch for it.

    Raises Malformed for bytes that are no note; Invalid when a line of one of `verifiers` does not verify,
    or when none of them signed; ValueError when two different keys among them share name and id.
    """
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault(verifier.key, verifier) != verifier:
            raise ValueError(f"two keys are called {verifier.name} and share the id {verifier.key[1].hex()}")
    text, signatures = parse_note(data)
    verified, others = [], []
    for signature in signatures:
        if signature.key in known:
            known[signature.key].verify(text, signature.body)
            verified.append(signature)
        else:
            others.append(signature)
    if not verified:
        raise Invalid("no trusted key signed this note")
    return Note(text, tuple(verified), tuple(others))


def encode_note(text: str, signatures: Sequence[Signature]) -> bytes:
    """The bytes of a note. Raises Malformed unless reading them gives `text` and `signatures` again."""
    data = f"{text}\n{''.join(signature.line() for signature in signatures)}".encode()
    if parse_note(data) != (text, tuple(signatures)):
        raise Malformed("the text of a note ends in a newline")
    return data


def sign_note(text: str, signers: Iterable[Signer]) -> bytes:
    """A note over `text` with one line of each signer. Raises Malformed for a text no note can have."""
    return encode_note(text, [signer.sign(text) for signer in signers])


def add_signatures(data: bytes, signatures: Iterable[Signature]) -> bytes:
    """The note with these lines below its own; a line it has already is not repeated.

    Nothing is verified: whoever takes lines from others opens the result. Raises Malformed when `data` is
    no note or there are more than 64 lines in the end.
    """
    text, present = parse_note(data)
    return encode_note(text, list(dict.fromkeys([*present, *signatures])))


def _parse_line(line: str) -> Signature:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise Malformed(f"{line[:60]!r} is not a signature line: em dash, space, name, space, base64")
    raw = padded(match[2])
    if len(raw) < 5:
        raise Malformed(f"the signature of {match[1][:60]!r} is shorter than a key id and a byte")
    return Signature(match[1], raw[:4], raw[4:])
