"""Keys, signatures and envelopes: published verdicts, keys that prove nothing, and envelopes of one form."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

import examples
from traceability.core import events
from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import KeyId, PartyId
from traceability.core.note import Verifier
from traceability.core.signing import (
    EVENT_TYPE,
    POSSESSION_TYPE,
    READ_TYPE,
    Algorithm,
    Envelope,
    PublicKey,
    SigningKey,
    check_ed25519_point,
    event_id,
    event_pae,
    key_id,
    pae,
    possession_payload,
)

VECTORS = Path(__file__).parent / "vectors"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
P256_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")
FIELD = 2**255 - 19
PAYLOAD = examples.encoded("transfer")


def _read(path: str) -> Any:
    return json.loads((VECTORS / path).read_text())


# Published verdicts


@pytest.mark.threat("T03")
@pytest.mark.parametrize(
    ("name", "count"), [("ed25519_test", 151), ("ecdsa_secp256r1_sha256_p1363_test", 262)]
)
def test_wycheproof_verdicts(name: str, count: int) -> None:
    """Each published signature is judged as published. None is 'acceptable': there is nothing to choose."""
    judged = 0
    for group in _read(f"wycheproof/{name}.json")["testGroups"]:
        key = PublicKey(bytes.fromhex(group["publicKeyDer"]))
        for case in group["tests"]:
            assert case["result"] in ("valid", "invalid")
            try:
                key.verify(bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
                verdict = "valid"
            except Invalid:
                verdict = "invalid"
            assert verdict == case["result"], (case["tcId"], case["comment"])
            judged += 1
    assert judged == count


def test_dsse_example() -> None:
    """The pre-authentication encoding and the signature of the DSSE text are ours."""
    example = _read("dsse/dsse-v1-example.json")
    payload = example["payload_utf8"].encode()
    assert pae(example["payloadType"], payload) == example["pae_utf8"].encode()
    x, y = (int(example["public_key"][name]) for name in ("x_decimal", "y_decimal"))
    key = PublicKey(P256_PREFIX + b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    (signature,) = example["envelope"]["signatures"]
    key.verify(base64.b64decode(signature["sig"]), pae(example["payloadType"], payload))


def test_pae_counts_bytes_not_characters() -> None:
    """Lengths are of the UTF-8, so that no text can be read as another type with another body."""
    assert pae("é", "ü".encode()) == "DSSEv1 2 é 2 ü".encode()
    assert pae("", b"") == b"DSSEv1 0  0 "
    assert event_pae(PAYLOAD) == pae(EVENT_TYPE, PAYLOAD)


def test_golden_possession() -> None:
    """A new key's proof, made by another implementation, verifies; over another ledger or party it does not."""
    golden = _read("traceability/golden.json")
    proof = golden["possession"]
    (spki,) = (base64.b64decode(k["spki_b64"]) for k in golden["keys"] if k["key_id"] == proof["key_id"])
    key = PublicKey(spki)
    assert key.id == key_id(spki) == proof["key_id"]
    payload = possession_payload(key.id, golden["log"], proof["party"])
    assert payload == proof["payload"].encode()
    assert proof["payload_type"] == POSSESSION_TYPE
    signature = base64.urlsafe_b64decode(proof["signature"] + "==")
    key.verify(signature, pae(POSSESSION_TYPE, payload))
    for other in (
        possession_payload(key.id, "another.example/log", proof["party"]),
        possession_payload(key.id, golden["log"], PartyId(examples.TRADER_PARTY)),
        possession_payload(KeyId(examples.EVENT), golden["log"], proof["party"]),
    ):
        with pytest.raises(Invalid):
            key.verify(signature, pae(POSSESSION_TYPE, other))


# Keys that prove nothing


def _recover_x(y: int) -> int | None:
    """RFC 8032 §5.1.3: an x for this y, or None."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, FIELD) % FIELD
    root = pow(square, (FIELD + 3) // 8, FIELD)
    for x in (root, root * pow(2, (FIELD - 1) // 4, FIELD) % FIELD):
        if x * x % FIELD == square:
            return x
    return None


def _add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """RFC 8032 §5.1.4, in affine coordinates."""
    k = D * a[0] * b[0] * a[1] * b[1] % FIELD
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + k, -1, FIELD) % FIELD
    return x, (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, FIELD) % FIELD


def _small_order_points() -> set[tuple[int, int]]:
    """All eight points of small order: multiples of what is left of a point taken L times."""
    for y in range(2, 100):
        x = _recover_x(y)
        if x is None:
            continue
        point, left, times = (x, y), (0, 1), 2**252 + 27742317777372353535851937790883648493
        while times:
            if times & 1:
                left = _add(left, point)
            point, times = _add(point, point), times >> 1
        found, at = {(0, 1)}, left
        while at != (0, 1):
            found.add(at)
            at = _add(at, left)
        if len(found) == 8:
            return found
    raise AssertionError("half of all points lead to one of order eight")


def _encode(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def _small_order_encodings() -> list[bytes]:
    """Every encoding a lenient reader takes for a point of small order: either sign bit, y or y + p."""
    ys = {y for _, y in _small_order_points()}
    spelt = ys | {y + FIELD for y in ys if y + FIELD < 2**255}
    return [_encode(y, sign) for y in sorted(spelt) for sign in (0, 1)]


D = -121665 * pow(121666, -1, FIELD) % FIELD
SMALL_ORDER = _small_order_encodings()


def test_there_are_fourteen_encodings_of_small_order() -> None:
    """Five y-coordinates, two of them below 19, and a sign."""
    assert len(set(SMALL_ORDER)) == 14


@pytest.mark.threat("T04")
@pytest.mark.parametrize("raw", SMALL_ORDER, ids=bytes.hex)
def test_ed25519_keys_of_small_order_are_refused(raw: bytes) -> None:
    """Under such a key anybody can make a signature: it is no key, wherever it comes from."""
    with pytest.raises(Malformed):
        check_ed25519_point(raw)
    with pytest.raises(Malformed):
        PublicKey(ED25519_PREFIX + raw)


@pytest.mark.threat("T04")
def test_a_signature_whose_r_is_the_neutral_point_is_refused() -> None:
    """Who has the private key can make one that OpenSSL takes and others do not: here nobody takes it."""
    order = 2**252 + 27742317777372353535851937790883648493
    key = SigningKey.from_seed(b"two faces", "Ed25519")
    seed = hashlib.sha256(b"two faces").digest()
    secret = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little") & (2**254 - 8) | 2**254
    r, message = (1).to_bytes(32, "little"), b"a transfer"
    digest = int.from_bytes(hashlib.sha512(r + key.public.spki[12:] + message).digest(), "little")
    signature = r + (digest * secret % order).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(key.public.spki[12:]).verify(signature, message)
    with pytest.raises(Invalid):
        key.public.verify(signature, message)
    with pytest.raises(Invalid):
        Verifier("log", key.public.spki[12:]).verify("a transfer", signature)


@pytest.mark.threat("T04")
@pytest.mark.parametrize("over", range(19))
@pytest.mark.parametrize("sign", [0, 1])
def test_ed25519_keys_with_another_spelling_are_refused(over: int, sign: int) -> None:
    """A y-coordinate not below the field's prime has a shorter spelling, so this one is none."""
    with pytest.raises(Malformed):
        PublicKey(ED25519_PREFIX + _encode(FIELD + over, sign))


@given(st.integers(2, FIELD - 2), st.integers(0, 1))
def test_ed25519_keys_are_points_of_the_curve(y: int, sign: int) -> None:
    """32 bytes are a key exactly if they are a point that the RFC's own rule decodes."""
    raw = _encode(y, sign)
    if _recover_x(y) is None or raw in SMALL_ORDER:
        with pytest.raises(Malformed):
            check_ed25519_point(raw)
    else:
        check_ed25519_point(raw)


X, Y = (
    int.from_bytes(SigningKey.from_seed(b"point").public.spki[27:][part], "big")
    for part in (slice(32), slice(32, 64))
)


def _p256(form: int, *coordinates: int) -> bytes:
    return bytes([form]) + b"".join(c.to_bytes(32, "big") for c in coordinates)


def _sized(point: bytes) -> bytes:
    """A SubjectPublicKeyInfo with the lengths right for this point."""
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    bits = b"\x03" + bytes([len(point) + 1]) + b"\x00" + point
    return b"\x30" + bytes([len(algorithm) + len(bits)]) + algorithm + bits


def _spki(key: Any) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[no-any-return]


GOOD = _sized(_p256(4, X, Y))
FIVE_Y = pow(
    5**3 - 3 * 5 + 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    (P256_PRIME + 1) // 4,
    P256_PRIME,
)
EXPLICIT = (
    "3082014b3082010306072a8648ce3d02013081f7020101302c06072a8648ce3d0101022100ffffffff0000000100000000000000"
    "0000000000ffffffffffffffffffffffff305b0420ffffffff00000001000000000000000000000000ffffffffffffffffffffff"
    "fc04205ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b031500c49d360886e704936a6678e1139d"
    "26b7819f7e900441046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb"
    "4a7c0f9e162bce33576b315ececbb6406837bf51f5022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2"
    "fc63255102010103420004bbb5ca059b13891394933fb9d69e99fc6ce3c79e44542b52214d1254b3bd524758dabf2f98f9ab82a7"
    "21f91cede25d3e6964217e1e24ac9fd11f596b43a7145d"
)
BAD_KEYS: dict[str, bytes] = {
    "off the curve": _sized(_p256(4, X, Y ^ 1)),
    "coordinates exchanged": _sized(_p256(4, Y, X)),
    "the zero point": _sized(_p256(4, 0, 0)),
    "infinity, one byte": _sized(b"\x00"),
    "infinity, padded": _sized(_p256(0, 0, 0)),
    "compressed, even": _sized(_p256(2, X)),
    "compressed, odd": _sized(_p256(3, X)),
    "hybrid, even": _sized(_p256(6, X, Y)),
    "hybrid, odd": _sized(_p256(7, X, Y)),
    "x not below the prime": _sized(_p256(4, 5 + P256_PRIME, FIVE_Y)),
    "y is the prime's": _sized(_p256(4, X, P256_PRIME)),
    "one byte short": GOOD[:-1],
    "one byte more": GOOD + b"\x00",
    "long form of a length": b"\x30\x81\x59" + GOOD[2:],
    "unused bits": GOOD.replace(b"\x03\x42\x00\x04", b"\x03\x42\x01\x04"),
    "ECDH only": GOOD.replace(bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0211")),
    "no curve": bytes.fromhex("304f300906072a8648ce3d0201034200") + _p256(4, X, Y),
    "explicit parameters": bytes.fromhex(EXPLICIT),
    "bare point": _p256(4, X, Y),
    "secp256k1": _spki(ec.derive_private_key(7, ec.SECP256K1())),
    "P-256 bytes, secp256k1 named": GOOD.replace(
        bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06052b8104000a") + b"\x05\x00\x00"
    ),
    "P-384": _spki(ec.derive_private_key(7, ec.SECP384R1())),
    "P-521": _spki(ec.derive_private_key(7, ec.SECP521R1())),
    "RSA": _spki(rsa.generate_private_key(65537, 1024)),
    "X25519": _spki(x25519.X25519PrivateKey.from_private_bytes(bytes(31) + b"\x40")),
    "Ed448": _spki(ed448.Ed448PrivateKey.from_private_bytes(bytes(57))),
    "Ed25519 with NULL parameters": bytes.fromhex("302c300706032b65700500032100") + bytes(31) + b"\x02",
    "Ed25519 in 33 bytes": bytes.fromhex("302b300506032b6570032200") + bytes(32) + b"\x02",
    "raw Ed25519": SigningKey.from_seed(b"raw", "Ed25519").public.spki[12:],
    "PEM": b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(GOOD) + b"\n-----END PUBLIC KEY-----\n",
    "nothing": b"",
}


def test_the_good_key_beside_the_bad_ones_is_good() -> None:
    """What the bad keys are spoilt from is a key."""
    assert PublicKey(GOOD).algorithm == "ES256"
    assert SigningKey.from_seed(b"point").public.spki == GOOD


@pytest.mark.threat("T05")
@pytest.mark.parametrize("name", BAD_KEYS)
def test_keys_of_any_other_shape_are_refused(name: str) -> None:
    """Not on the curve, not named, not uncompressed, not DER, not ours: no key."""
    with pytest.raises(Malformed):
        PublicKey(BAD_KEYS[name])


# Signatures

ALGORITHMS: tuple[Algorithm, ...] = ("ES256", "Ed25519")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(message=st.binary(max_size=100), seed=st.binary(max_size=8))
def test_what_is_signed_verifies_and_nothing_else(algorithm: Algorithm, message: bytes, seed: bytes) -> None:
    """A signature is good for its message and key, and for no other."""
    key = SigningKey.from_seed(seed, algorithm)
    signature = key.sign(message)
    assert len(signature) == 64
    key.public.verify(signature, message)
    other = SigningKey.from_seed(seed + b"x", algorithm)
    for verifier, spoilt, said in (
        (key.public, signature, message + b"x"),
        (other.public, signature, message),
        (key.public, bytes([signature[0] ^ 1]) + signature[1:], message),
        (key.public, signature[:63], message),
        (key.public, signature + b"\x00", message),
        (key.public, bytes(64), message),
        (key.public, b"\xff" * 64, message),
        (key.public, b"", message),
    ):
        with pytest.raises(Invalid):
            verifier.verify(spoilt, said)


@pytest.mark.threat("T01")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_changed_byte_of_an_event_is_noticed(algorithm: Algorithm) -> None:
    """No byte of a payload can be changed under its signature."""
    key = SigningKey.from_seed(b"tamper", algorithm)
    envelope = key.sign_event(PAYLOAD)
    envelope.verify(key.public)
    for place in range(len(PAYLOAD)):
        changed = PAYLOAD[:place] + bytes([PAYLOAD[place] ^ 1]) + PAYLOAD[place + 1 :]
        with pytest.raises(Invalid):
            Envelope(EVENT_TYPE, changed, envelope.key, envelope.signature).verify(key.public)


def test_both_forms_of_an_es256_signature_are_one_event() -> None:
    """(r, n−s) verifies too, because hardware makes either; the event's id does not depend on it."""
    key = SigningKey.from_seed(b"twin")
    envelope = key.sign_event(PAYLOAD)
    r, s = envelope.signature[:32], int.from_bytes(envelope.signature[32:], "big")
    twin = Envelope(EVENT_TYPE, PAYLOAD, envelope.key, r + (P256_ORDER - s).to_bytes(32, "big"))
    assert twin.signature != envelope.signature
    twin.verify(key.public)
    assert event_id(twin.payload) == event_id(envelope.payload)


@pytest.mark.threat("T03")
def test_a_der_signature_is_refused() -> None:
    """ES256 is raw r‖s; what openssl writes is another spelling."""
    key = ec.derive_private_key(7, ec.SECP256R1())
    der = key.sign(event_pae(PAYLOAD), ec.ECDSA(_sha256()))
    with pytest.raises(Invalid):
        SigningKey(key).public.verify(der, event_pae(PAYLOAD))


def _sha256() -> Any:
    from cryptography.hazmat.primitives.hashes import SHA256

    return SHA256()


@pytest.mark.threat("T08")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("other", [POSSESSION_TYPE, READ_TYPE, "application/json", ""])
def test_a_signature_of_another_type_is_no_event(algorithm: Algorithm, other: str) -> None:
    """What a key signs to prove possession or to read cannot be played back as an event, nor the other way."""
    key = SigningKey.from_seed(b"types", algorithm)
    signature = key.sign(pae(other, PAYLOAD))
    with pytest.raises(Invalid):
        Envelope(EVENT_TYPE, PAYLOAD, key.id, signature).verify(key.public)
    with pytest.raises(Invalid):
        key.public.verify(key.sign_event(PAYLOAD).signature, pae(other, PAYLOAD))
    with pytest.raises(Invalid):
        Envelope(EVENT_TYPE, PAYLOAD, key.id, key.sign(PAYLOAD)).verify(key.public)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_private_keys_survive_being_written_down(algorithm: Algorithm) -> None:
    """PEM, with and without a passphrase, gives the same key again; another passphrase gives none."""
    key = SigningKey.generate(algorithm)
    assert key.public.algorithm == algorithm
    assert SigningKey.from_pem(key.to_pem()).id == key.id
    locked = key.to_pem(b"long enough")
    assert SigningKey.from_pem(locked, b"long enough").id == key.id
    for passphrase in (None, b"another"):
        with pytest.raises(Malformed):
            SigningKey.from_pem(locked, passphrase)


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 1024), ec.derive_private_key(7, ec.SECP384R1())],
    ids=["RSA", "P-384"],
)
def test_private_keys_of_other_kinds_are_refused(key: Any) -> None:
    """Only P-256 and Ed25519 sign here."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(Malformed):
        SigningKey.from_pem(pem)
    with pytest.raises(Malformed):
        SigningKey.from_pem(b"no PEM at all")


def test_a_key_of_a_kind_nobody_knows_is_refused():
    """Its algorithm's number is changed in the file: Malformed, as for a file that is no key."""
    lines = SigningKey.from_seed(b"any").to_pem().splitlines()
    der = base64.b64decode(b"".join(lines[1:-1]))
    known = bytes.fromhex("06072a8648ce3d0201")
    assert known in der
    other = base64.b64encode(der.replace(known, bytes.fromhex("06072a9648ce3d0201")))
    with pytest.raises(Malformed, match="not a private key"):
        SigningKey.from_pem(b"\n".join((lines[0], other, lines[-1])) + b"\n")


# Envelopes

SIGNER: SigningKey = examples.EXAMPLES["transfer"]["key"]
ENVELOPE: dict[str, Any] = json.loads(SIGNER.sign_event(PAYLOAD).to_json())
SIGNATURE: dict[str, Any] = ENVELOPE["signatures"][0]


def _with_signature(**changed: Any) -> dict[str, Any]:
    return {**ENVELOPE, "signatures": [{**SIGNATURE, **changed}]}


def _loose(text: str) -> str:
    """The same bytes with an unused bit set: lenient readers take it."""
    assert text.endswith("=")
    body = text.rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return body[:-1] + alphabet[alphabet.index(body[-1]) + 1] + text[len(body) :]


PADDED = base64.b64encode(PAYLOAD + b" " * (2 - len(PAYLOAD) % 3)).decode()
BAD_ENVELOPES: dict[str, Any] = {
    "null": None,
    "a list": [ENVELOPE],
    "a text": json.dumps(ENVELOPE),
    "empty": {},
    "no signature": {**ENVELOPE, "signatures": []},
    "two signatures": {**ENVELOPE, "signatures": [SIGNATURE, SIGNATURE]},
    "signatures missing": {k: v for k, v in ENVELOPE.items() if k != "signatures"},
    "payload missing": {k: v for k, v in ENVELOPE.items() if k != "payload"},
    "type missing": {k: v for k, v in ENVELOPE.items() if k != "payloadType"},
    "another type": {**ENVELOPE, "payloadType": "application/vnd.in-toto+json"},
    "a read": {**ENVELOPE, "payloadType": READ_TYPE},
    "type with a parameter": {**ENVELOPE, "payloadType": EVENT_TYPE + ";version=1"},
    "type in capitals": {**ENVELOPE, "payloadType": EVENT_TYPE.upper()},
    "an algorithm": {**ENVELOPE, "alg": "none"},
    "an algorithm in the signature": _with_signature(alg="HS256"),
    "a certificate": _with_signature(cert="x"),
    "unpadded payload": {**ENVELOPE, "payload": PADDED.rstrip("=")},
    "padding twice": {**ENVELOPE, "payload": ENVELOPE["payload"] + "===="},
    "loose bits": {**ENVELOPE, "payload": _loose(PADDED)},
    "url-safe payload": {**ENVELOPE, "payload": base64.urlsafe_b64encode(b"\xfb\xff" + PAYLOAD).decode()},
    "white space in the payload": {
        **ENVELOPE,
        "payload": ENVELOPE["payload"][:8] + "\n" + ENVELOPE["payload"][8:],
    },
    "line feed after the payload": {**ENVELOPE, "payload": ENVELOPE["payload"] + "\n"},
    "payload in clear": {**ENVELOPE, "payload": PAYLOAD.decode()},
    "payload outside ASCII": {**ENVELOPE, "payload": "é" + ENVELOPE["payload"]},
    "payload a list of bytes": {**ENVELOPE, "payload": list(PAYLOAD)},
    "unpadded signature": _with_signature(sig=SIGNATURE["sig"].rstrip("=")),
    "loose bits in the signature": _with_signature(sig=_loose(SIGNATURE["sig"])),
    "url-safe signature": _with_signature(sig=base64.urlsafe_b64encode(b"\xff" * 64).decode()),
    "white space in the signature": _with_signature(sig=" " + SIGNATURE["sig"]),
    "signature too short": _with_signature(sig=base64.b64encode(bytes(63)).decode()),
    "signature too long": _with_signature(sig=base64.b64encode(bytes(65)).decode()),
    "empty signature": _with_signature(sig=""),
    "no keyid": {**ENVELOPE, "signatures": [{"sig": SIGNATURE["sig"]}]},
    "empty keyid": _with_signature(keyid=""),
    "short keyid": _with_signature(keyid=SIGNATURE["keyid"][:-1]),
    "keyid in capitals": _with_signature(keyid=SIGNATURE["keyid"].upper()),
    "keyid with a line feed": _with_signature(keyid=SIGNATURE["keyid"] + "\n"),
    "keyid that breaks out": _with_signature(keyid='","sig":"'),
    "keyid a number": _with_signature(keyid=7),
}


@pytest.mark.parametrize("name", BAD_ENVELOPES)
def test_envelopes_of_any_other_form_are_refused(name: str) -> None:
    """One type, one signature, one spelling of base64: anything else is Malformed."""
    with pytest.raises(Malformed) as refusal:
        Envelope.parse(BAD_ENVELOPES[name])
    assert len(str(refusal.value)) > 15


def test_an_envelope_reads_as_it_was_written() -> None:
    """Parsing what was written gives the same, and writing it again the same bytes."""
    envelope = Envelope.parse(ENVELOPE)
    assert envelope.payload == PAYLOAD
    assert json.loads(envelope.to_json()) == ENVELOPE
    assert Envelope.parse(json.loads(envelope.to_json())).to_json() == envelope.to_json()
    assert events.read(envelope) == events.parse(PAYLOAD)


def test_the_envelope_names_the_key_that_the_event_names() -> None:
    """An envelope whose keyid is another key's is refused before any signature is looked at."""
    envelope = Envelope.parse(_with_signature(keyid=examples.REGISTRAR.id))
    with pytest.raises(Malformed, match="keyid"):
        events.read(envelope)
    wrapped = examples.REGISTRAR.sign_event(PAYLOAD)
    wrapped.verify(examples.REGISTRAR.public)
    with pytest.raises(Malformed, match="keyid"):
        events.read(wrapped)
