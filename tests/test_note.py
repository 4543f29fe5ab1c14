"""Signed notes: the published example, our own, and everything near a note that is none."""

import base64
import hashlib
import json
import re
from pathlib import Path

import metamorphic_log
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from traceability.core import note
from traceability.core.errors import Invalid, Malformed
from traceability.core.note import Signature, Signer, Verifier, Vkey

VECTORS = Path(__file__).parent / "vectors" / "tlog"
C2SP = json.loads((VECTORS / "c2sp-examples.json").read_text())["signed_note"]

LOG = Signer("log.example", b"log seed, 32 bytes of it exactly")
OTHER = Signer("other.example/é", b"other seed, 32 bytes exactly too")
TEXT = "Trois sacs,\n\nun seul chemin.\n"
NOTE = note.sign_note(TEXT, [LOG, OTHER])


def texts():
    """Texts a note can have."""
    characters = st.characters(exclude_categories=["Cs", "Cc"])
    return st.lists(st.text(characters, max_size=12), min_size=1, max_size=5).map(
        lambda lines: "".join(f"{line}\n" for line in lines)
    )


def test_the_example_of_the_standard_opens():
    """C2SP signed-note: its note opens with its vkey."""
    verifier = Verifier.parse(C2SP["vkey"])
    opened = note.open_note(C2SP["note"].encode(), [verifier])
    assert opened.text == "This is an example message.\n"
    assert [signature.name for signature in opened.verified] == ["example.com/foo"]
    assert opened.others == ()
    assert verifier.encode() == C2SP["vkey"]


def test_the_example_in_our_own_words_is_true():
    """The note, vkey and skey that the module's description shows belong together."""
    words = note.__doc__
    shown = re.search(r"\n( +Trois sacs.*?\n\n +— [^\n]+\n)", words, re.DOTALL)[1]
    data = "".join(f"{line.strip()}\n" for line in shown.splitlines()).encode()
    vkey = re.search(r"\n +(ledger\.example\.org/car\+\S+)\n", words)[1]
    skey = re.search(r"\n +(PRIVATE\+KEY\+ledger\.example\.org/car\+\S+)\n", words)[1]
    opened = note.open_note(data, [Verifier.parse(vkey)])
    assert note.sign_note(opened.text, [Signer.parse(skey)]) == data


def test_the_bytes_of_a_note_are_those_of_the_standard():
    """Built here by hand from the standard's sentences, the note is the same."""
    seed = b"log seed, 32 bytes of it exactly"
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(b"log.example" + b"\x0a" + b"\x01" + public).digest()[:4]
    line = base64.b64encode(key_id + key.sign(TEXT.encode()))
    by_hand = TEXT.encode() + b"\n" + "— log.example ".encode() + line + b"\n"
    assert note.sign_note(TEXT, [LOG]) == by_hand
    vkey = b"log.example+" + key_id.hex().encode() + b"+" + base64.b64encode(b"\x01" + public)
    assert LOG.verifier.encode() == vkey.decode()


def test_known_keys_are_told_from_others():
    """Only the keys asked about are verified; the rest stand aside, in order."""
    opened = note.open_note(NOTE, [OTHER.verifier])
    assert opened.text == TEXT
    assert [signature.name for signature in opened.verified] == ["other.example/é"]
    assert [signature.name for signature in opened.others] == ["log.example"]
    assert len(note.open_note(NOTE, [LOG.verifier, OTHER.verifier]).verified) == 2


def test_somebody_elses_verifier_accepts_our_notes():
    """metamorphic-log verifies both lines, and refuses the note when the text is touched."""
    vkeys = [LOG.verifier.encode(), OTHER.verifier.encode()]
    assert metamorphic_log.verify_signed_note(NOTE.decode(), vkeys) == 2
    with pytest.raises(metamorphic_log.VerifyError):
        metamorphic_log.verify_signed_note(NOTE.decode().replace("Trois", "Deux"), vkeys)


@given(texts())
def test_any_text_is_signed_and_read_back(text):
    """Blank lines, odd scripts and line separators that are no newline come back unchanged."""
    data = note.sign_note(text, [LOG, OTHER])
    assert note.open_note(data, [LOG.verifier]).text == text
    assert note.encode_note(*note.parse_note(data)) == data


def test_a_note_fails_with_any_bit_changed():
    """No bit of a note signed by two known keys can change: it is no note, or it is not verified."""
    verifiers = [LOG.verifier, OTHER.verifier]
    for bit in range(8 * len(NOTE)):
        spoilt = bytearray(NOTE)
        spoilt[bit // 8] ^= 1 << bit % 8
        try:
            opened = note.open_note(bytes(spoilt), verifiers)
        except (Malformed, Invalid):
            continue
        # What opens all the same has lost a signature (its name or id changed), never its meaning.
        assert opened.text == TEXT
        assert len(opened.verified) == 1


def test_a_known_key_that_fails_spoils_the_note():
    """One bad line of a known key refuses a note that another known key signed well."""
    signature = LOG.sign("another text\n")
    both = note.encode_note(TEXT, [OTHER.sign(TEXT), signature])
    with pytest.raises(Invalid, match=r"log\.example"):
        note.open_note(both, [LOG.verifier, OTHER.verifier])
    assert note.open_note(both, [OTHER.verifier]).others == (signature,)
    good_and_bad = note.encode_note(TEXT, [LOG.sign(TEXT), signature])
    with pytest.raises(Invalid):
        note.open_note(good_and_bad, [LOG.verifier])


def test_nobody_known_is_not_enough():
    """Without a line of a known key there is nothing to believe, also for the same name or the same id."""
    for stranger in [
        Signer("log.example", b"a different seed, 32 bytes of it").verifier,
        Signer("log2.example", b"log seed, 32 bytes of it exactly").verifier,
    ]:
        with pytest.raises(Invalid, match="no trusted key"):
            note.open_note(NOTE, [stranger])
    with pytest.raises(Invalid, match="no trusted key"):
        note.open_note(NOTE, [])


def test_two_keys_that_cannot_be_told_apart_are_the_callers_mistake(monkeypatch):
    """Verifiers of one name and id but different keys are refused before anything is read."""
    monkeypatch.setattr(note, "key_id", lambda *_: b"same")
    twin = Signer("log.example", b"a different seed, 32 bytes of it").verifier
    with pytest.raises(ValueError, match="share the id"):
        note.open_note(b"", [LOG.verifier, twin])


LINE = LOG.sign(TEXT).line()
BASE64 = LINE.split(" ")[2][:-1]


@pytest.mark.parametrize(
    "lines",
    [
        "",
        LINE[:-1],
        LINE + "\n",
        LINE + "\n\n",
        LINE + " \n",
        LINE + "rest\n",
        " " + LINE,
        LINE.replace("\n", " \n"),
        LINE.replace("—", "-"),
        LINE.replace("—", "–"),
        LINE.replace("— ", "—"),
        LINE.replace("— ", "—  "),
        LINE.replace("example ", "example  "),
        LINE.replace("log.example", ""),
        LINE.replace("log.example", "log+example"),
        LINE.replace("log.example", "log example"),
        LINE.replace("log.example", "log\u00a0example"),
        LINE.replace("log.example", "log\u2028example"),
        "— log.example \n",
        "— log.example\n",
        f"— log.example {BASE64}=\n",
        f"— log.example {BASE64.rstrip('=')}\n",
        f"— log.example {BASE64[:9]}!{BASE64[9:]}\n",
        f"— log.example {BASE64[:8]}-___{BASE64[12:]}\n",
        "— log.example Zm91cg==\n",  # four bytes: an id and no signature
        "— log.example AAAAAAB=\n",  # bits behind the last byte
        LINE * 65,
    ],
)
def test_what_is_no_signature_line_is_refused(lines):
    """One odd line makes it no note, alone and beside a good line."""
    for before in [LINE, ""]:
        if before and lines in ("", LINE * 65):
            continue
        with pytest.raises(Malformed):
            note.parse_note(f"{TEXT}\n{before}{lines}".encode())


SIGNED = f"{TEXT}\n{LINE}".encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        TEXT.encode(),
        f"{TEXT}{LINE}".encode(),  # the last blank line is the text's own
        f"text\n{LINE}".encode(),
        f"text{LINE}".encode(),
        LINE.encode(),
        SIGNED.replace(b"\n", b"\r\n"),
        SIGNED.replace(b"Trois", b"Trois\t"),
        SIGNED.replace(b"Trois", b"Trois\0"),
        SIGNED.replace(b"Trois", b"Trois\x1f"),
        SIGNED.replace(b"Trois", b"Tr\xffis"),
        SIGNED.replace(b"Trois", b"\xed\xa0\x80"),  # a surrogate in UTF-8
        SIGNED.replace(b"Trois", b"\xc0\xaf"),  # overlong
        SIGNED.decode().encode("utf-16"),
        SIGNED.replace(b"Trois", b"x" * 262_144),
    ],
)
def test_what_is_no_note_is_refused(data):
    """Bytes near a note raise Malformed, whoever may have signed them."""
    with pytest.raises(Malformed):
        note.parse_note(data)


def test_many_signatures_are_read():
    """The standard asks for 16; 64 lines, and lines as long as post-quantum signatures, are read."""
    big = [Signature(f"pq{number}.example", b"\0\0\0\6", bytes(2428)) for number in range(63)]
    data = note.encode_note(TEXT, [*big, LOG.sign(TEXT)])
    opened = note.open_note(data, [LOG.verifier])
    assert opened.others == tuple(big)


def test_lines_are_added_below_and_not_twice():
    """A note keeps its lines in order; new ones go below, known ones are left out, 65 are too many."""
    signed = note.sign_note(TEXT, [LOG])
    assert note.add_signatures(signed, [OTHER.sign(TEXT), LOG.sign(TEXT)]) == NOTE
    assert note.add_signatures(NOTE, []) == NOTE
    with pytest.raises(Malformed, match="at most 64"):
        note.add_signatures(NOTE, [Signature("x", b"abcd", bytes([n])) for n in range(63)])
    with pytest.raises(Malformed):
        note.add_signatures(TEXT.encode(), [LOG.sign(TEXT)])


@pytest.mark.parametrize("text", ["", "no newline", "two\n\nparts", "tab\t\n", "return\r\n", "nul\0\n"])
def test_texts_that_no_note_can_have_are_not_signed(text):
    """A text without a final newline or with control characters raises Malformed."""
    with pytest.raises(Malformed):
        note.sign_note(text, [LOG])


def test_a_note_without_signatures_is_not_written():
    """Nobody's note is no note."""
    with pytest.raises(Malformed):
        note.sign_note(TEXT, [])


@pytest.mark.parametrize(
    "name", ["", "a b", "a\u00a0b", "a+b", "a\nb", "a\0b", "a\u3000b", "a\x85", "\ud800"]
)
def test_names_that_no_key_may_have_are_refused(name):
    """White space of any script, plus and control characters cannot stand in a signature line."""
    assert not note.is_key_name(name)
    with pytest.raises(Malformed):
        Verifier(name, LOG.verifier.public_key)
    with pytest.raises(Malformed):
        Signer(name, bytes(32))
    with pytest.raises(Malformed):
        note.encode_note(TEXT, [Signature(name.replace("\ud800", " "), b"abcd", b"x")])


def vkey_with(algorithm: int, public_key: bytes, name: str = "log.example") -> str:
    return Vkey(name, algorithm, public_key).encode()


WEAK_KEYS = [
    (1).to_bytes(32, "little"),
    bytes(32),
    (1 | 1 << 255).to_bytes(32, "little"),
    (2**255 - 20).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 18).to_bytes(32, "little"),
    b"\xff" * 32,
    (2).to_bytes(32, "little"),
]


@pytest.mark.parametrize("public_key", [*WEAK_KEYS, b"", bytes(31), LOG.verifier.public_key + b"\0"])
def test_keys_that_prove_nothing_are_refused(public_key):
    """Small order, other encodings, points off the curve and other lengths make no verifier."""
    with pytest.raises(Malformed):
        Verifier.parse(vkey_with(0x01, public_key))


VKEY = LOG.verifier.encode()
SKEY = LOG.encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        VKEY + "\n",
        VKEY + " ",
        " " + VKEY,
        VKEY + "=",
        VKEY[:-1],
        VKEY.replace("log.example", ""),
        VKEY.replace("log.example", "log example"),
        VKEY.replace("log.example", "Log.example"),
        VKEY.replace("log.example+", "log.example+0"),
        VKEY.replace(VKEY.split("+")[1], VKEY.split("+")[1].upper()),
        VKEY.replace(VKEY.split("+")[1], "00000000"),
        "log.example+01020304+",
        "log.example+01020304+=",
        "log.example++AQ==",
        vkey_with(0x02, LOG.verifier.public_key),
        vkey_with(0x04, LOG.verifier.public_key),
        vkey_with(0x06, bytes(1312)),
        SKEY,
    ],
)
def test_texts_that_are_no_vkey_are_refused(text):
    """Only the one spelling of an Ed25519 key, with its own id, is a verifier."""
    with pytest.raises(Malformed):
        Verifier.parse(text)


def test_an_skey_is_read_back_and_makes_the_same_signatures():
    """Ed25519 signatures are deterministic: the key read from text signs the same bytes."""
    again = Signer.parse(SKEY)
    assert again.encode() == SKEY
    assert again.verifier == LOG.verifier
    assert again.sign(TEXT) == LOG.sign(TEXT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        SKEY + "\n",
        SKEY[:-1],
        SKEY.removeprefix("PRIVATE+"),
        SKEY.replace("PRIVATE", "private"),
        SKEY.replace("log.example", "log2.example"),
        SKEY.replace(SKEY.split("+")[3], "00000000"),
        note.encode_skey(LOG.verifier.vkey, bytes(31)),
        note.encode_skey(Vkey("log.example", 0x04, LOG.verifier.public_key), bytes(32)),
        VKEY,
    ],
)
def test_texts_that_are_no_skey_are_refused_and_not_repeated(text):
    """A wrong skey raises Malformed; the message never shows the key."""
    with pytest.raises(Malformed) as caught:
        Signer.parse(text)
    assert SKEY.split("+", 4)[4][:20] not in str(caught.value)


def test_a_signer_does_not_show_its_seed():
    """Neither repr nor str of a signer has the key in it."""
    seed = b"log seed, 32 bytes of it exactly"
    for shown in [repr(LOG), str(LOG), repr(LOG.verifier)]:
        assert seed.hex() not in shown
        assert base64.b64encode(seed).decode() not in shown
        assert "log seed" not in shown
