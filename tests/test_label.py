"""The signed part of a tag's QR: one spelling, small, and nothing else passes for it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import key_of
from traceability.core import cose, label
from traceability.core.cose import Sign1
from traceability.core.errors import Invalid, Malformed, TraceabilityError
from traceability.core.ids import EventId, LotId, RollId, unpadded
from traceability.core.label import LotLabel, PrintedTag, Scan
from traceability.core.signing import PublicKey

VECTORS = Path(__file__).parent / "vectors" / "cose"
ROLL = RollId("7h3k9m2q5r8t1v4w6x0y7z2abc")
LOT = LotId("6qdaq8agk4s4h7gnh0akr5wy39")
LABEL = LotLabel(
    "ledger.example.org/car", LOT, EventId("5f" * 32), "cassiterite", 38_400_000_000, f"t:{ROLL}-217", "2026-11-23"
)  # fmt: skip
TAG = PrintedTag("ledger.example.org/car", ROLL, 500)
BASE = "https://ledger.example.org"
CODE = "K7QF3M9TXB2R1"
KEYS = {name: key_of("label", name) for name in ("ES256", "Ed25519")}

values = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-(2**20), 2**20), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip


# --- CBOR


@given(values)
def test_cbor_is_read_as_it_is_written(value):
    """Whatever is in the subset comes back, from one spelling."""
    data = cose.encode(value)
    if len(data) <= cose.SIZE_MAX:
        try:
            assert cose.decode(data) == value
        except Malformed as error:
            assert "nests too deep" in str(error)  # noqa: PT017


@given(st.binary(max_size=60))
def test_no_value_has_two_spellings(data):
    """Bytes that are read at all are the ones that would have been written."""
    try:
        value = cose.decode(data)
    except Malformed:
        return
    assert cose.encode(value) == data


@pytest.mark.parametrize(
    "hexes",
    [
        "1801",  # 1 in two bytes
        "190001",
        "5801aa",  # a length that is too long
        "9f01ff",  # an array without a length
        "5f41aaff",
        "a202010100",  # keys out of order
        "a201000100",  # a key twice
        "a1616101",  # a key that is text
        "f5", "f6", "f7", "f93c00", "fb3ff0000000000000",  # true, null, undefined, floats
        "c100", "d28440a04040",  # tags
        "0000",  # something behind the end
        "62c328", "61", "8201", "",  # no UTF-8, cut off
        "8181818181818181",
        "1bffffffffffffffff00",
        "9affffffff",  # four billion items that are not there
    ],
)  # fmt: skip
def test_other_cbor_is_refused(hexes):
    """One spelling each, no floats, nothing simple, no tags, nothing behind the end."""
    with pytest.raises(Malformed):
        cose.decode(bytes.fromhex(hexes))


# --- COSE, by other people's vectors


def vector(path):
    case = json.loads(path.read_text())
    given = case["input"].get("sign0") or case["input"]["sign"]
    return case, given, bytes.fromhex(case["output"]["cbor"])


def key_in(given):
    key = given["key"]
    if key["kty"] == "OKP":
        return PublicKey(bytes.fromhex("302a300506032b6570032100" + key["x_hex"]))
    point = b"\x04" + unpadded(key["x"], 32) + unpadded(key["y"], 32)
    return PublicKey(bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + point)


OURS_TO_TAKE = {"sign-pass-02.json", "ecdsa-sig-01.json", "eddsa-sig-01.json"}


@pytest.mark.parametrize("name", sorted(path.name for path in VECTORS.glob("*/*.json")))
def test_the_vectors_of_cose(name):
    """Good messages with the algorithm in the protected header and the tag in front verify; all others do not."""
    case, given, data = vector(next(VECTORS.glob(f"*/{name}")))
    external = bytes.fromhex(given.get("external", ""))
    if name in OURS_TO_TAKE:
        message = Sign1.parse(data)
        signed = cose.to_be_signed(message.protected, message.payload, external)
        assert signed.hex().upper() == case["intermediates"]["ToBeSign_hex"]
        message.verify(key_in(given), external)
        assert message.to_bytes() == data
        with pytest.raises(Invalid):
            message.verify(key_in(given), external + b"x")
    else:
        with pytest.raises(TraceabilityError):
            Sign1.parse(data).verify(key_in(given), external)


def test_every_vector_is_used():
    """So none is left out unnoticed, and at least the three good ones are there."""
    names = {path.name for path in VECTORS.glob("*/*.json")}
    assert names > OURS_TO_TAKE
    assert len(names) == 13


# --- what is signed


@pytest.mark.parametrize("said", [LABEL, TAG], ids=["lot", "tag"])
@pytest.mark.parametrize("algorithm", KEYS)
def test_what_is_signed_is_read_again(said, algorithm):
    """Both kinds, both algorithms: the same facts, from one message, under that key alone."""
    data = label.sign(said, KEYS[algorithm])
    signed = label.read_signed(data)
    assert signed.said == said
    assert signed.message.to_bytes() == data
    assert KEYS[algorithm].id.startswith(signed.kid)
    signed.message.verify(KEYS[algorithm].public)
    with pytest.raises(Invalid):
        signed.message.verify(next(key for name, key in KEYS.items() if name != algorithm).public)


def test_it_is_small():
    """A label is under 230 bytes and a pre-printed tag under 150, whatever the numbers are."""
    largest = LABEL._replace(net_ug=2**53 - 1, tag=f"t:{ROLL}-999", log="l" * 24, mineral="other_stone")
    assert len(label.sign(largest, KEYS["ES256"])) < 230
    assert len(label.sign(TAG, KEYS["ES256"])) < 150


@pytest.mark.parametrize("said", [LABEL, TAG], ids=["lot", "tag"])
@pytest.mark.parametrize("algorithm", KEYS)
def test_every_flipped_bit_is_refused(said, algorithm):
    """No bit of the message can be another: it is not read, or its key is another, or the signature does not hold."""
    key = KEYS[algorithm]
    data = label.sign(said, key)
    for bit in range(len(data) * 8):
        spoilt = bytearray(data)
        spoilt[bit // 8] ^= 1 << bit % 8
        try:
            signed = label.read_signed(bytes(spoilt))
            if key.id.startswith(signed.kid):
                signed.message.verify(key.public)
                pytest.fail(f"bit {bit}")
        except TraceabilityError:
            pass


@given(st.data())
def test_no_digit_can_be_another(data):
    """A changed, dropped or added digit is not read, or gives bytes that are refused as flipped bits are."""
    digits = label.to_digits(label.sign(LABEL, KEYS["Ed25519"]))
    at = data.draw(st.integers(0, len(digits) - 1))
    what = data.draw(
        st.sampled_from("0123456789") | st.just("") | st.text("0123456789", min_size=2, max_size=3)
    )
    spoilt = digits[:at] + what + digits[at + 1 :]
    if spoilt != digits:
        with pytest.raises(TraceabilityError):
            label.read_signed(label.from_digits(spoilt)).message.verify(KEYS["Ed25519"].public)


def resigned(value, key=KEYS["Ed25519"]):
    """Well signed, over whatever it is."""
    return cose.sign(
        key, bytes.fromhex(key.id)[:8], value if isinstance(value, bytes) else cose.encode(value)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {1: ""}, {1: "a b"}, {1: "x" * 121}, {1: b"ledger"},
        {2: bytes(16)}, {2: bytes(16) + b"\x01"}, {2: "lot"},
        {3: bytes(31)}, {3: bytes(33)},
        {4: "unobtainium"}, {4: 1},
        {5: -1}, {5: 2**53}, {5: "38.4"}, {5: b"1"},
        {6: "t:x-1"}, {6: [bytes(17)]}, {6: [bytes(17), 0]}, {6: [bytes(17), 1000]}, {6: [bytes(17), 1, 1]},
        {7: -1}, {7: 2**40}, {7: "2026-11-23"},
        {8: 1}, {0: 1},
    ],
    ids=repr,
)  # fmt: skip
def test_other_facts_are_refused_though_well_signed(changes):
    """A label says seven things of their kinds, within their bounds."""
    facts = cose.decode(LABEL.payload())
    assert label.read_signed(resigned(facts)).said == LABEL
    with pytest.raises(Malformed):
        label.read_signed(resigned({**facts, **changes}))


@pytest.mark.parametrize(
    "payload", [b"", b"\x01", b"\xa0", b"{}", cose.encode([1, 2, 3]), b"\xf9\x3c\x00", bytes(600)]
)
def test_other_payloads_are_refused(payload):
    """Nothing else that a key of ours may have signed as COSE is a label."""
    with pytest.raises(Malformed):
        label.read_signed(resigned(payload))


@pytest.mark.parametrize(
    "headers",
    [
        ({1: -7, 4: bytes(8)}, {5: 1}),
        ({1: -7}, {4: bytes(8)}),
        ({1: -7, 4: bytes(7)}, {}),
        ({1: -35, 4: bytes(8)}, {}),
        ({1: "ES256", 4: bytes(8)}, {}),
        ({1: -7, 4: bytes(8), 2: 1}, {}),
        ({}, {}),
    ],
)
def test_other_headers_are_refused(headers):
    """Algorithm and key id, both protected, and no more."""
    with pytest.raises(Malformed):
        label.read_signed(Sign1(*headers, TAG.payload(), bytes(64)).to_bytes())


def test_a_tag_of_another_scheme_gets_no_label():
    """It has no code, and no place on a roll of ours."""
    with pytest.raises(Malformed, match="another scheme"):
        label.sign(LABEL._replace(tag="itsci:0148217"), KEYS["ES256"])


# --- digits


@given(st.binary(min_size=1, max_size=label.SIGNED_MAX))
def test_digits_are_bytes_again(data):
    """17 bytes are 41 digits; whatever the length, the way back gives the same."""
    digits = label.to_digits(data)
    assert label.from_digits(digits) == data
    assert digits.isdigit()
    assert len(digits) < len(data) * 2.42 + 3


@given(st.text("0123456789", min_size=1, max_size=120))
def test_digits_have_one_spelling(digits):
    """Digits that are read at all are the ones that would have been written."""
    try:
        data = label.from_digits(digits)
    except Malformed:
        return
    assert label.to_digits(data) == digits


@pytest.mark.parametrize(
    "digits", ["", "12", "9" * 41, "256", "٣" * 3, "1_0", " 12", "+12", "0x1", "1" * 2000]
)
def test_other_digits_are_refused(digits):
    """ASCII digits, in the lengths that bytes have, within what bytes can be."""
    with pytest.raises(Malformed):
        label.from_digits(digits)


# --- what a camera reads

LONG, HIDDEN, NO_PAGE = "longer than any", "hide, or look like others", "no address of a page"
OTHERWISE, LOOKS, OTHER = "otherwise than its tags do", "looks like this ledger's", "leads to another site"
NO_TAG, NO_DIGITS = "no tag of it", "digits"
HOSTILE = [
    ("https://ledger.example.org.evil.example/t/K7QF3M9TXB2R1", LOOKS),
    ("https://login.ledger.example.org/t/K7QF3M9TXB2R1", LOOKS),
    ("https://evil.example/t/K7QF3M9TXB2R1", OTHER),
    ("https://ledger.example.org@evil.example/t/K7QF3M9TXB2R1", LOOKS),
    ("https://ledger.example.org:pw@evil.example/t/K7QF3M9TXB2R1", LOOKS),
    ("https://evil.example/https://ledger.example.org/t/K7QF3M9TXB2R1", OTHER),
    ("https://evil.example#https://ledger.example.org/t/K7QF3M9TXB2R1", OTHER),
    ("https://evil.example\\@ledger.example.org/t/K7QF3M9TXB2R1", OTHER),
    ("https://ledg\u0435r.example.org/t/K7QF3M9TXB2R1", HIDDEN),  # a Cyrillic е
    ("https://ledger.example.\uff4frg/t/K7QF3M9TXB2R1", HIDDEN),  # a wide o
    ("https://xn--ledgr-3ve.example.org/t/K7QF3M9TXB2R1", LOOKS),
    ("https://1edger.example.org/t/K7QF3M9TXB2R1", LOOKS),
    ("https://ledger-example.org/t/K7QF3M9TXB2R1", LOOKS),
    ("https://ledger.exarnple.org/t/K7QF3M9TXB2R1", LOOKS),
    ("https://ledger.example.org:8443/t/K7QF3M9TXB2R1", LOOKS),
    ("https://ledger.example.org:443/t/K7QF3M9TXB2R1", LOOKS),
    ("https://ledger.example.org./t/K7QF3M9TXB2R1", LOOKS),
    ("https://LEDGER.example.org/t/K7QF3M9TXB2R1", OTHERWISE),
    ("http://ledger.example.org/t/K7QF3M9TXB2R1", OTHERWISE),
    ("HTTPS://ledger.example.org/t/K7QF3M9TXB2R1", OTHERWISE),
    ("https:/ledger.example.org/t/K7QF3M9TXB2R1", NO_PAGE),
    ("https:\\\\ledger.example.org/t/K7QF3M9TXB2R1", NO_PAGE),
    ("//ledger.example.org/t/K7QF3M9TXB2R1", NO_PAGE),
    (" https://ledger.example.org/t/K7QF3M9TXB2R1", OTHERWISE),
    ("https://ledger.example.org/t/K7QF3M9TXB2R1 ", NO_TAG),
    ("https://ledger.example.org/t/K7QF3M9TXB2R1\n", NO_TAG),
    ("https://ledger.example.org/t/K7QF3M9TXB2R1\u202e", NO_TAG),
    ("https://ledger.example.org/t/K7QF\u200b3M9TXB2R1", NO_TAG),
    ("https://ledger.example.org/t/K7QF3M9TXB2R1?next=https://evil.example", NO_TAG),
    ("https://ledger.example.org/t/K7QF3M9TXB2R1/../../sign-in", NO_TAG),
    ("https://ledger.example.org/t/../sign-in", NO_TAG),
    ("https://ledger.example.org/t/k7qf-3m9t-xb2r1", NO_TAG),
    ("https://ledger.example.org/t/K7QF3M9TXB2R2", NO_TAG),
    ("https://ledger.example.org/t/%4B7QF3M9TXB2R1", NO_TAG),
    ("https://ledger.example.org/t/K7QF3M9TXB2R1#<script>alert(1)</script>", NO_DIGITS),
    ("https://ledger.example.org/t/K7QF3M9TXB2R1#", NO_DIGITS),
    ("https://ledger.example.org/sign-in", OTHERWISE),
    ("javascript:alert(document.cookie)//https://ledger.example.org/t/K7QF3M9TXB2R1", NO_PAGE),
    ("JaVaScRiPt:alert(1)", NO_PAGE),
    ("javascript://ledger.example.org/%0aalert(1)", NO_PAGE),
    ("data:text/html,<script>alert(1)</script>", NO_PAGE),
    ("WIFI:T:WPA;S:free;P:12345678;;", NO_PAGE),
    ("tel:+243990000000", NO_PAGE), ("sms:+243990000000?body=x", NO_PAGE), ("mailto:a@b.example", NO_PAGE),
    ("intent://t/K7QF3M9TXB2R1#Intent;end", NO_PAGE), ("ftp://ledger.example.org/t/K7QF3M9TXB2R1", NO_PAGE),
    ("file:///etc/passwd", NO_PAGE), ("otpauth://totp/x?secret=y", NO_PAGE), ("BEGIN:VCARD\nEND:VCARD", HIDDEN),
    ("", NO_PAGE), ("\x00", HIDDEN), ("\x1b]0;x\x07", HIDDEN), ("K7QF3M9TXB2R1", NO_PAGE), ("<script>", NO_PAGE),
    ("'; DROP TABLE tag_code; --", NO_PAGE),
    ("\u202ehttps://ledger.example.org/t/", HIDDEN), ("\ufeffhttps://ledger.example.org/t/K7QF3M9TXB2R1", HIDDEN),
    ("A" * 4096, LONG), ("https://ledger.example.org/t/" + "K" * 4096, LONG),
    ("https://ledger.example.org/t/K7QF3M9TXB2R1#" + "1" * 4096, LONG),
    ("https://ledger.example.org/t/K7QF3M9TXB2R1#" + "1" * 1900, NO_DIGITS),
]  # fmt: skip


@pytest.mark.threat("T62")
@pytest.mark.parametrize(("text", "why"), HOSTILE, ids=lambda text: ascii(text[:60]))
def test_hostile_qr_codes_are_refused(text, why):
    """Other hosts, look-alikes, scripts, other schemes, other paths, 4 KB: refused, with why, and not repeated to anybody."""
    with pytest.raises(Malformed, match=why) as refused:
        label.read_scan(text, [BASE])
    if len(text) > 8:
        assert text[-8:] not in str(refused.value)
    assert CODE not in str(refused.value)
    assert str(refused.value).isascii()
    assert "open it" in str(refused.value) or why == NO_DIGITS


def test_the_qr_of_a_tag_is_taken():
    """With what is signed, and without; of any address that was named."""
    signed = label.sign(TAG, KEYS["ES256"])
    assert label.read_scan(label.address(BASE, CODE, signed), ["http://192.0.2.7:8000", BASE]) == Scan(
        CODE, signed
    )
    assert label.read_scan(f"{BASE}/t/{CODE}", [BASE]) == Scan(CODE, None)
    with pytest.raises(Malformed):
        label.read_scan(f"{BASE}/t/{CODE}", [])


@given(st.text(max_size=200))
def test_no_text_makes_the_scanner_stumble(text):
    """It takes what is ours, and says no to everything else."""
    for tried in (text, f"{BASE}/t/{text}", f"{BASE}/t/{CODE}#{text}"):
        try:
            found = label.read_scan(tried, [BASE])
        except Malformed:
            continue
        assert tried.startswith(f"{BASE}/t/{found.code}")
