"""Keys and signatures: ES256 and Ed25519 over the DSSE pre-authentication encoding.

    PAE(type, body) = "DSSEv1 " len(type) " " type " " len(body) " " body        (DSSE v1, protocol.md)

The algorithm is chosen by the registered key, never by the message. ES256 signatures are raw r‖s, 64 bytes
(what phones and browsers make); both forms of s are accepted, because hardware makes either. Nothing is
ever keyed on signature bytes: an event's id is the SHA-256 of its PAE.

A key's id is the SHA-256 of its SubjectPublicKeyInfo. Only two shapes of it exist here (named curve P-256
with an uncompressed point; Ed25519), so comparing prefixes is the strict parser. Keys under which a
signature would prove nothing are refused: Ed25519 points of small order or in a non-canonical encoding,
P-256 points off the curve.
"""

import hashlib
from binascii import b2a_base64
from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from traceability.core import canonical
from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import EventId, KeyId, PartyId, padded

EVENT_TYPE = "application/vnd.traceability.event+json"
POSSESSION_TYPE = "application/vnd.traceability.possession+json"
READ_TYPE = "application/vnd.traceability.read+json"

Algorithm = Literal["ES256", "Ed25519"]

_P256_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")
_ES256 = ec.ECDSA(SHA256())
_FIELD = 2**255 - 19
_D = -121665 * pow(121666, -1, _FIELD) % _FIELD
# The y-coordinates of the eight points of small order (RFC 7748 §7 gives the same list for X25519 as u).
_SMALL_ORDER_Y = frozenset(
    {
        0,
        1,
        _FIELD - 1,
        2707385501144840649318225287225658788936804267575313519463743609750303402022,
        _FIELD - 2707385501144840649318225287225658788936804267575313519463743609750303402022,
    }
)
_EVENT_PAE = b"DSSEv1 %d %s " % (len(EVENT_TYPE), EVENT_TYPE.encode())


def pae(payload_type: str, body: bytes) -> bytes:
    """DSSE v1 pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def event_pae(payload: bytes) -> bytes:
    """The bytes an event's signature is over."""
    return b"%s%d %s" % (_EVENT_PAE, len(payload), payload)


def event_id(payload: bytes) -> EventId:
    """Lower-case hex SHA-256 of the event's PAE."""
    return id_of_signed(event_pae(payload))


def id_of_signed(signed: bytes) -> EventId:
    """The same, of the PAE itself."""
    return EventId(hashlib.sha256(signed).hexdigest())


def key_id(public_key: bytes) -> KeyId:
    """Lower-case hex SHA-256 of a SubjectPublicKeyInfo."""
    return KeyId(hashlib.sha256(public_key).hexdigest())


def spki_of_ed25519(raw: bytes) -> bytes:
    """The SubjectPublicKeyInfo of an Ed25519 key given as its 32 bytes."""
    return _ED25519_PREFIX + raw


class PublicKey:
    """A public key that can be trusted to mean something, loaded once and used many times."""

    __slots__ = ("_key", "algorithm", "id", "spki")

    def __init__(self, spki: bytes) -> None:
        """Raises Malformed for any key that is not plainly ES256 or Ed25519, or is weak."""
        self._key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
        self.algorithm: Algorithm
        if len(spki) == 91 and spki.startswith(_P256_PREFIX):
            self.algorithm = "ES256"
            try:
                self._key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), spki[26:])
            except ValueError as error:
                raise Malformed("the public key is not a point of the curve P-256") from error
        elif len(spki) == 44 and spki.startswith(_ED25519_PREFIX):
            self.algorithm = "Ed25519"
            check_ed25519_point(spki[12:])
            self._key = ed25519.Ed25519PublicKey.from_public_bytes(spki[12:])
        else:
            raise Malformed(
                "the public key is neither ES256 (P-256, named curve, uncompressed point) nor Ed25519, "
                "as a DER SubjectPublicKeyInfo"
            )
        self.spki = spki
        self.id = key_id(spki)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raises Invalid unless `signature` (64 bytes) is this key's over `message`."""
        if len(signature) != 64:
            raise Invalid(f"a signature has 64 bytes, this one {len(signature)}")
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                verify_ed25519(self._key, signature, message)
            else:
                der = encode_dss_signature(
                    int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
                )
                self._key.verify(der, message, _ES256)
        except (InvalidSignature, ValueError) as error:
            raise Invalid(f"the signature is not key {self.id[:12]}'s over these bytes") from error


def check_ed25519_point(raw: bytes) -> None:
    """Raises Malformed for 32 bytes that are no Ed25519 public key, or one that proves nothing.

    RFC 8032 §5.1.3 encodes y and the sign of x. Refused: y not below the field's prime, points of small
    order (with either sign bit), and anything that is not on the curve.
    """
    if len(raw) != 32:
        raise Malformed(f"an Ed25519 public key has 32 bytes, this one {len(raw)}")
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _FIELD:
        raise Malformed("the Ed25519 public key is not in its canonical encoding")
    if has_small_order(raw):
        raise Malformed("the Ed25519 public key has small order: anyone could sign for it")
    # x² = (y² − 1) / (d·y² + 1) must be a square, and is one just if their product is.
    product = (y * y - 1) * (_D * y * y + 1) % _FIELD
    if pow(product, (_FIELD - 1) // 2, _FIELD) != 1:
        raise Malformed("the Ed25519 public key is not a point of the curve")


def has_small_order(point: bytes) -> bool:
    """Whether 32 bytes encode one of the eight points of Ed25519 that have small order, with either sign bit."""
    return int.from_bytes(point, "little") & (2**255 - 1) in _SMALL_ORDER_Y


def verify_ed25519(key: ed25519.Ed25519PublicKey, signature: bytes, message: bytes) -> None:
    """Raises InvalidSignature unless this is the key's signature, and one that every verifier takes.

    Nobody honest makes an R of small order; who has the key can, and then libraries differ: OpenSSL takes it, the
    Web Cryptography API asks that it is refused. A file must not hold in one place and fail in another.
    """
    if has_small_order(signature[:32]):
        raise InvalidSignature
    key.verify(signature, message)


class SigningKey:
    """A private key, for those who sign: phones, the command line, tests and the simulation."""

    __slots__ = ("_key", "public")

    def __init__(self, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(
            key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        )

    @classmethod
    def generate(cls, algorithm: Algorithm = "ES256") -> "SigningKey":
        """A fresh random key."""
        if algorithm == "ES256":
            return cls(ec.generate_private_key(ec.SECP256R1()))
        return cls(ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes, algorithm: Algorithm = "ES256") -> "SigningKey":
        """The key that 32 bytes of seed always give: for simulations and tests."""
        if algorithm == "Ed25519":
            return cls(ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed).digest()))
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
        secret = int.from_bytes(hashlib.sha512(seed).digest(), "big") % (order - 1) + 1
        return cls(ec.derive_private_key(secret, ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: bytes | None = None) -> "SigningKey":
        """Raises Malformed when the file holds no usable key or the passphrase is wrong."""
        try:
            key = load_pem_private_key(pem, passphrase)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise Malformed("not a private key in PEM, or another passphrase") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            raise Malformed("the private key is neither P-256 nor Ed25519")
        return cls(key)

    def to_pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS #8 PEM, encrypted when a passphrase is given."""
        encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

    @property
    def id(self) -> KeyId:
        """The key id of the public half."""
        return self.public.id

    def sign(self, message: bytes) -> bytes:
        """64 bytes: raw r‖s for ES256, RFC 8032 for Ed25519."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        r, s = decode_dss_signature(self._key.sign(message, _ES256))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def sign_event(self, payload: bytes) -> "Envelope":
        """The envelope of an event whose canonical payload this is."""
        return Envelope(EVENT_TYPE, payload, self.id, self.sign(event_pae(payload)))

    def prove_possession(self, log: str, party: PartyId) -> bytes:
        """This key's own word that it joins `party` in the ledger `log`."""
        return self.sign(pae(POSSESSION_TYPE, possession_payload(self.id, log, party)))


def possession_payload(key: KeyId, log: str, party: PartyId) -> bytes:
    """What a new key signs to show that somebody holds it."""
    return canonical.encode({"key": key, "log": log, "party": party})


class _WireSignature(msgspec.Struct, forbid_unknown_fields=True):
    keyid: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    sig: str


class _WireEnvelope(msgspec.Struct, forbid_unknown_fields=True):
    payload: str
    payloadType: str  # noqa: N815  # DSSE's own spelling
    signatures: list[_WireSignature]


class Envelope:
    """A DSSE v1 envelope with exactly one signature."""

    __slots__ = ("key", "payload", "payload_type", "signature")

    def __init__(self, payload_type: str, payload: bytes, key: KeyId, signature: bytes) -> None:
        self.payload_type = payload_type
        self.payload = payload
        self.key = key
        self.signature = signature

    @classmethod
    def parse(cls, value: object, payload_type: str = EVENT_TYPE) -> "Envelope":
        """Reads the envelope out of a JSON value. Raises Malformed for any other shape or type."""
        try:
            wire = msgspec.convert(value, _WireEnvelope)
        except msgspec.ValidationError as error:
            raise Malformed(f"not a DSSE envelope: {error}") from error
        if wire.payloadType != payload_type:
            raise Malformed(f"payloadType must be {payload_type}, not {wire.payloadType[:80]!r}")
        if len(wire.signatures) != 1:
            raise Malformed(f"an envelope carries exactly one signature, this one {len(wire.signatures)}")
        signature = padded(wire.signatures[0].sig)
        if len(signature) != 64:
            raise Malformed(f"a signature has 64 bytes, this one {len(signature)}")
        return cls(payload_type, padded(wire.payload), KeyId(wire.signatures[0].keyid), signature)

    def to_json(self) -> bytes:
        """Canonical JSON of the envelope, as it stands in an entry."""
        return b'{"payload":"%s","payloadType":"%s","signatures":[{"keyid":"%s","sig":"%s"}]}' % (
            b2a_base64(self.payload, newline=False),
            self.payload_type.encode(),
            self.key.encode(),
            b2a_base64(self.signature, newline=False),
        )

    def verify(self, key: PublicKey) -> None:
        """Raises Invalid unless the signature is `key`'s over the exact payload bytes."""
        key.verify(self.signature, pae(self.payload_type, self.payload))
