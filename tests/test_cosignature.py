"""Cosignatures: a witness's and a mirror's published ones, our own, and spoilt ones."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from traceability.core import merkle, note, tile
from traceability.core.checkpoint import Checkpoint
from traceability.core.cosignature import (
    TIME_MAX,
    CosignatureVerifier,
    Cosigner,
    cosignature_time,
    cosigned_message,
)
from traceability.core.errors import Invalid, Malformed
from traceability.core.note import Signature, Signer, Verifier, Vkey

VECTORS = Path(__file__).parent / "vectors" / "tlog"
C2SP = json.loads((VECTORS / "c2sp-examples.json").read_text())

SEED = b"witness seed, exactly 32 bytes !"
WITNESS = Cosigner("witness.example/w1", SEED)
HEAD = Checkpoint("ledger.example.org/car", 1, merkle.leaf_hash(b"0"))
TIME = 1_800_000_000


def sunlight(folder: str) -> list[tuple[Path, CosignatureVerifier]]:
    """The cosigned checkpoints below a folder of the vectors, with the key that stands beside them."""
    found = []
    for description in sorted((VECTORS / folder).rglob("*.v0.json")):
        (vkey,) = json.loads(description.read_text())["verifier_keys"]
        found += [(path, CosignatureVerifier.parse(vkey)) for path in description.parent.glob("*/checkpoint")]
    return found


@pytest.mark.parametrize(
    ("path", "witness"),
    [*sunlight("sunlight-witness"), *sunlight("sunlight-witness2")],
    ids=lambda value: value.name if isinstance(value, CosignatureVerifier) else value.parent.name[:8],
)
def test_published_cosignatures_verify(path, witness):
    """sunlight's witnesses and mirror: each cosigned the checkpoint in the folder named after its origin."""
    data = path.read_bytes()
    opened = note.open_note(data, [witness])
    (signature,) = opened.verified
    assert cosignature_time(signature) == 1_767_139_200
    checkpoint = Checkpoint.parse(opened.text)
    assert hashlib.sha256(checkpoint.origin.encode()).hexdigest() == path.parent.name
    with pytest.raises(Invalid):
        note.open_note(data.replace(b"\n300\n", b"\n301\n"), [witness])


def test_a_mirrors_tiles_give_the_root_it_cosigned():
    """sunlight's mirror: the 300 leaves in its tiles are the tree of its cosigned checkpoint."""
    ((path, witness),) = sunlight("sunlight-witness/mirror")
    checkpoint = Checkpoint.parse(note.open_note(path.read_bytes(), [witness]).text)

    def read_tile(level, n, width):
        return (path.parent / tile.tile_path(level, n, width)).read_bytes()

    read = tile.node_reader(checkpoint.size, read_tile)
    assert merkle.tree_root(checkpoint.size, read) == checkpoint.root
    stored = {str(each.relative_to(path.parent)) for each in path.parent.rglob("tile/*/*") if each.is_file()}
    stored |= {str(each.relative_to(path.parent)) for each in path.parent.rglob("*.p/*")}
    assert stored == {tile.tile_path(*each) for each in tile.tiles_for(checkpoint.size)}


def test_the_signed_bytes_are_those_of_the_standard():
    """tlog-cosignature.md shows the message and, in the note, where its time stands."""
    example = C2SP["checkpoint_with_cosignature_structural_only"]
    text, (_, cosignature) = note.parse_note(example["note"].encode())
    assert cosignature_time(cosignature) == example["timestamp"]
    message = C2SP["cosignature_signed_message_utf8"].encode()
    assert cosigned_message(text, example["timestamp"]) == message


def test_a_cosignature_is_built_as_the_standard_says():
    """By hand: eight bytes of time, then Ed25519 over two lines and the checkpoint's text."""
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    public = key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(b"witness.example/w1\n\x04" + public).digest()[:4]
    message = b"cosignature/v1\ntime 1800000000\n" + HEAD.encode().encode()
    by_hand = Signature("witness.example/w1", key_id, (TIME).to_bytes(8, "big") + key.sign(message))
    assert WITNESS.cosign(HEAD, TIME) == by_hand


@given(st.integers(1, TIME_MAX), st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_any_cosignature_verifies_and_tells_its_time(time, size, root):
    """Whatever was cosigned, and when, is verified and read back."""
    checkpoint = Checkpoint("log.example", size, root)
    data = note.encode_note(checkpoint.encode(), [WITNESS.cosign(checkpoint, time)])
    (signature,) = note.open_note(data, [WITNESS.verifier]).verified
    assert cosignature_time(signature) == time


def test_a_cosignature_fails_with_any_bit_changed():
    """Each bit of time and signature is covered."""
    body = WITNESS.cosign(HEAD, TIME).body
    WITNESS.verifier.verify(HEAD.encode(), body)
    for bit in range(8 * len(body)):
        spoilt = bytearray(body)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Invalid):
            WITNESS.verifier.verify(HEAD.encode(), bytes(spoilt))


@pytest.mark.parametrize(
    "change",
    [{"origin": "ledger.example.org/cat"}, {"size": 2}, {"root": bytes(32)}, {"extensions": ("more",)}],
)
def test_a_cosignature_holds_for_one_checkpoint(change):
    """Another origin, size, root or extension is another checkpoint."""
    fields = {"origin": HEAD.origin, "size": HEAD.size, "root": HEAD.root} | change
    body = WITNESS.cosign(HEAD, TIME).body
    with pytest.raises(Invalid):
        WITNESS.verifier.verify(Checkpoint(**fields).encode(), body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        bytes(8),
        WITNESS.cosign(HEAD, TIME).body[:-1],
        WITNESS.cosign(HEAD, TIME).body + b"\0",
        WITNESS.cosign(HEAD, TIME).body[8:],
        bytes(8) + Ed25519PrivateKey.from_private_bytes(SEED).sign(cosigned_message(HEAD.encode(), 0)),
        (2**63).to_bytes(8, "big")
        + Ed25519PrivateKey.from_private_bytes(SEED).sign(cosigned_message(HEAD.encode(), 2**63)),
        bytes(8 + 2420),
    ],
)
def test_bodies_of_another_form_are_refused(body):
    """Too short, too long, without a time or with one out of range: not a cosignature, however signed."""
    with pytest.raises(Invalid):
        WITNESS.verifier.verify(HEAD.encode(), body)


def test_the_two_kinds_of_signature_never_pass_for_each_other():
    """One key and name used as a log's and as a witness's have two ids and sign two kinds of bytes."""
    log = Signer("witness.example/w1", SEED)
    assert log.verifier.public_key == WITNESS.verifier.public_key
    assert log.verifier.key != WITNESS.verifier.key
    text = HEAD.encode()
    with pytest.raises(Invalid):
        WITNESS.verifier.verify(text, TIME.to_bytes(8, "big") + log.sign(text).body)
    with pytest.raises(Invalid):
        log.verifier.verify(text, WITNESS.cosign(HEAD, TIME).body[8:])
    with pytest.raises(Malformed):
        CosignatureVerifier.parse(log.verifier.encode())
    with pytest.raises(Malformed):
        Verifier.parse(WITNESS.verifier.encode())
    with pytest.raises(Malformed):
        Cosigner.parse(log.encode())
    with pytest.raises(Malformed):
        Signer.parse(WITNESS.encode())


def test_post_quantum_lines_are_passed_over():
    """A line of type 0x06 is a stranger's here, and its vkey makes no verifier."""
    line = Signature("pq.example", note.key_id("pq.example", 0x06, bytes(1312)), bytes(2428))
    data = note.encode_note(HEAD.encode(), [line, WITNESS.cosign(HEAD, TIME)])
    assert note.open_note(data, [WITNESS.verifier]).others == (line,)
    with pytest.raises(Malformed, match="0x06"):
        CosignatureVerifier.from_vkey(Vkey("pq.example", 0x06, bytes(1312)))


def test_a_witness_key_is_read_back():
    """The skey of type 0x04 gives the same key, and one with another id is refused."""
    again = Cosigner.parse(WITNESS.encode())
    assert again.cosign(HEAD, TIME) == WITNESS.cosign(HEAD, TIME)
    with pytest.raises(Malformed):
        Cosigner.parse(WITNESS.encode().replace("/w1", "/w2"))


@pytest.mark.parametrize("time", [0, -1, 2**63])
def test_a_witness_signs_only_at_a_time(time):
    """Zero, negative and too large are no times."""
    with pytest.raises(ValueError, match="no time"):
        WITNESS.cosign(HEAD, time)
