"""Checkpoints: every published case, the one spelling of each field, and who must have signed."""

import json
from pathlib import Path

import metamorphic_log
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.core import merkle, note
from traceability.core.checkpoint import SIZE_MAX, Checkpoint, open_checkpoint
from traceability.core.cosignature import CosignatureVerifier, Cosigner
from traceability.core.errors import Invalid, Malformed
from traceability.core.note import Signer, Verifier

VECTORS = Path(__file__).parent / "vectors" / "tlog"
CASES = json.loads((VECTORS / "checkpoint-cases.json").read_text())
C2SP = json.loads((VECTORS / "c2sp-examples.json").read_text())

ORIGIN = "ledger.example.org/car"
LOG = Signer(ORIGIN, b"log seed, 32 bytes of it exactly")
WITNESS = Cosigner("witness.example/w1", b"witness seed, exactly 32 bytes !")
HEAD = Checkpoint(ORIGIN, 3, merkle.root_from_leaf_hashes([merkle.leaf_hash(b"%d" % i) for i in range(3)]))


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_published_cases(case):
    """Each of the 43 checkpoints is believed or refused as its `expect` says, our stricter reading too."""
    log, witness = Verifier.parse(CASES["vkey"]), CosignatureVerifier.parse(CASES["witness_vkey"])

    def opened():
        return open_checkpoint(case["note"].encode(), log.name, [log], [witness])

    if case["expect"] == "accept":
        assert opened().checkpoint.encode() == opened().note.text
    else:
        with pytest.raises((Malformed, Invalid)):
            opened()


def test_a_spoilt_cosignature_matters_only_to_those_who_know_the_witness():
    """To a verifier without that witness the line is a stranger's."""
    (case,) = [each for each in CASES["cases"] if each["expect"] == "reject-if-witness-known"]
    log = Verifier.parse(CASES["vkey"])
    assert open_checkpoint(case["note"].encode(), log.name, [log]).checkpoint.size == 15


def test_the_example_of_the_standard_is_read():
    """The checkpoint of tlog-cosignature.md, whose keys nobody published, has these parts."""
    text, signatures = note.parse_note(C2SP["checkpoint_with_cosignature_structural_only"]["note"].encode())
    checkpoint = Checkpoint.parse(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.extensions == ()
    assert len(checkpoint.root) == 32
    assert checkpoint.encode() == text
    assert [signature.name for signature in signatures] == [checkpoint.origin, "witness.example.com/w1"]


def test_the_bytes_are_three_lines():
    """Origin, size and root, each ending in a newline."""
    assert Checkpoint("o", 0, merkle.EMPTY_ROOT).encode() == (
        "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    )


LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(
    st.builds(
        Checkpoint,
        LINES,
        st.integers(0, SIZE_MAX),
        st.binary(min_size=32, max_size=32),
        st.lists(LINES, max_size=3).map(tuple),
    )
)
def test_any_checkpoint_is_read_back(checkpoint):
    """What is written is read as the same checkpoint, extension lines and odd scripts too."""
    assert Checkpoint.parse(checkpoint.encode()) == checkpoint


@given(st.text(st.sampled_from("0123456789 +-_.,eExX٣３²\u2028\u200b"), max_size=22))
def test_a_size_has_one_spelling(size):
    """A size is read only if writing the number gives the same text."""
    text = f"o\n{size}\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    try:
        assert str(Checkpoint.parse(text).size) == size
    except Malformed:
        assert not (size.isascii() and size.isdecimal() and str(int(size)) == size and int(size) <= SIZE_MAX)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 0, merkle.EMPTY_ROOT),
        Checkpoint("a\nb", 0, merkle.EMPTY_ROOT),
        Checkpoint("a\n1", 0, merkle.EMPTY_ROOT),
        Checkpoint("a\tb", 0, merkle.EMPTY_ROOT),
        Checkpoint("a", -1, merkle.EMPTY_ROOT),
        Checkpoint("a", 2**63, merkle.EMPTY_ROOT),
        Checkpoint("a", 0, b""),
        Checkpoint("a", 0, bytes(31)),
        Checkpoint("a", 0, bytes(33)),
        Checkpoint("a", 0, merkle.EMPTY_ROOT, ("",)),
        Checkpoint("a", 0, merkle.EMPTY_ROOT, ("b\nc",)),
        Checkpoint("a", 0, merkle.EMPTY_ROOT, ("b", "")),
    ],
)
def test_what_cannot_be_a_checkpoint_is_not_written(checkpoint):
    """Empty lines, line breaks in fields and numbers out of range raise Malformed."""
    with pytest.raises(Malformed):
        checkpoint.encode()


def test_the_log_must_have_signed():
    """A witness alone, or another log's key, does not make a checkpoint of this log."""
    text = HEAD.encode()
    cosigned = note.encode_note(text, [WITNESS.cosign(HEAD, 1_800_000_000)])
    with pytest.raises(Invalid, match="no key of"):
        open_checkpoint(cosigned, ORIGIN, [LOG.verifier], [WITNESS.verifier])
    with pytest.raises(Invalid):
        open_checkpoint(note.sign_note(text, [LOG]), ORIGIN, [])
    both = note.add_signatures(note.sign_note(text, [LOG]), [WITNESS.cosign(HEAD, 1_800_000_000)])
    opened = open_checkpoint(both, ORIGIN, [LOG.verifier], [WITNESS.verifier])
    assert opened.checkpoint == HEAD
    assert [signature.name for signature in opened.note.verified] == [ORIGIN, "witness.example/w1"]


def test_a_log_speaks_for_its_own_origin():
    """A good signature under another origin is refused, also one that only begins alike."""
    for origin in ["ledger.example.org", f"{ORIGIN}2", f"{ORIGIN} ", ORIGIN.upper()]:
        data = note.sign_note(Checkpoint(origin, 3, HEAD.root).encode(), [LOG])
        with pytest.raises(Invalid, match="not of"):
            open_checkpoint(data, ORIGIN, [LOG.verifier])


def test_any_key_of_the_log_will_do():
    """While keys change a checkpoint has two lines, and a verifier may know either key or both."""
    new = Signer(ORIGIN, b"new seed of the log, also 32 byt")
    data = note.sign_note(HEAD.encode(), [LOG, new])
    for known in [[LOG.verifier], [new.verifier], [LOG.verifier, new.verifier]]:
        assert open_checkpoint(data, ORIGIN, known).checkpoint == HEAD


def test_a_checkpoint_fails_with_any_bit_changed():
    """Not one bit of a log's signed checkpoint can change."""
    data = note.sign_note(HEAD.encode(), [LOG])
    for bit in range(8 * len(data)):
        spoilt = bytearray(data)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Malformed, Invalid)):
            open_checkpoint(bytes(spoilt), ORIGIN, [LOG.verifier])


def test_somebody_elses_verifier_reads_our_checkpoints_and_proofs():
    """metamorphic-log opens our signed checkpoint and follows our proofs to and from it."""
    leaves = [b"%d" % index for index in range(100)]
    edge, completed = merkle.Edge.empty().grow([merkle.leaf_hash(leaf) for leaf in leaves])
    nodes = {(row.level, row.first + i): value for row in completed for i, value in enumerate(row.hashes)}

    def read(coordinates):
        return [nodes[coordinate] for coordinate in coordinates]

    def signed(size, root):
        return note.sign_note(Checkpoint(ORIGIN, size, root).encode(), [LOG]).decode()

    vkeys = [LOG.verifier.encode()]
    newer, older = signed(100, edge.root()), signed(37, merkle.tree_root(37, read))
    head = metamorphic_log.checkpoint_verify(newer, vkeys)
    assert (head.origin, head.size, head.root, head.extensions) == (ORIGIN, 100, edge.root(), [])
    root = head.root
    for index, leaf in enumerate(leaves):
        proof = merkle.inclusion_proof(index, 100, read)
        metamorphic_log.verify_inclusion(index, 100, merkle.leaf_hash(leaf), proof, root)
    old = metamorphic_log.checkpoint_verify(older, vkeys)
    proof = merkle.consistency_proof(37, 100, read)
    metamorphic_log.verify_consistency(old.size, head.size, proof, old.root, root)
    with pytest.raises(metamorphic_log.VerifyError):
        metamorphic_log.checkpoint_verify(newer.replace("\n100\n", "\n101\n"), vkeys)
