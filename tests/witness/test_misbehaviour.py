"""A proof of misbehaviour: it convinces whoever has the key, no changed bit of it does, and nobody honest is accused."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watching import Log, cosigner

import reference
from traceability.core.checkpoint import open_checkpoint
from traceability.core.errors import Invalid, Malformed, TraceabilityError
from traceability.core.misbehaviour import Misbehaviour, NotShown, compare, keys_of
from traceability.core.note import Signer, add_signatures

ORIGIN = "log.example.org/one"


def opened(log: Log, size: int | None = None, root: bytes | None = None):
    return open_checkpoint(log.note(size, root), log.origin, [log.verifier])


def reader(log: Log, size: int | None = None):
    """Nodes of a log's tree by the RFC's own recursion."""

    def read(coordinates):
        leaves = log.leaves[:size]
        return [reference.mth(leaves[i << level : (i + 1) << level]) for level, i in coordinates]

    return read


@pytest.mark.threat("T40")
@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_two_histories_are_proven_and_one_is_not(first, common, more, most):
    """For all sizes: a fork gives a proof that verifies and survives its file; growth gives none."""
    log = Log(ORIGIN).grow(first)
    fork = log.fork(min(common, first)).grow(more, b"other")
    log.grow(most)
    small, large = sorted((log, fork), key=lambda each: len(each.leaves))
    agrees = large.leaves[: len(small.leaves)] == small.leaves
    found = compare(opened(log), opened(fork), reader(large))
    assert (found is None) == agrees
    if found is not None:
        again = Misbehaviour.parse(found.encode())
        assert again == found
        older, newer = again.verify([log.verifier])
        assert (older.size, newer.size) == (len(small.leaves), len(large.leaves))


@pytest.mark.parametrize("sizes", [(20, 20), (12, 20), (16, 21), (1, 2), (0, 5)])
def test_no_changed_bit_of_a_proof_convinces(sizes):
    """Each bit of both checkpoints, the root and the proof counts."""
    log = Log(ORIGIN).grow(sizes[1])
    fork = log.fork(0).grow(sizes[0], b"other")
    small = opened(fork) if sizes[0] else opened(fork, 0, bytes(32))
    proof = compare(small, opened(log), reader(log))
    file = proof.encode()
    proof.verify([log.verifier])
    for position, bit in itertools.product(range(len(file)), range(8)):
        spoiled = bytearray(file)
        spoiled[position] ^= 1 << bit
        with pytest.raises(TraceabilityError):
            Misbehaviour.parse(bytes(spoiled)).verify([log.verifier])


def test_who_is_honest_is_not_accused():
    """Growth told as a fork, a stranger's log, two logs, one checkpoint twice: none of it is a proof."""
    log = Log(ORIGIN).grow(20)
    proof = tuple(log.proof(12))
    accusations = [
        Misbehaviour(log.note(12), log.note(), log.root(12), proof),
        Misbehaviour(log.note(12), log.note(), bytes(32), proof),
        Misbehaviour(log.note(12), log.note(), Log(ORIGIN).grow(12, b"x").root(), proof),
        Misbehaviour(log.note(), log.note()),
        Misbehaviour(log.note(), log.note(12), log.root(12), proof),
        Misbehaviour(log.note(20), Log("log.example.org/two").grow(20, b"x").note()),
        Misbehaviour(log.note(20), Log(ORIGIN, bytes(32)).grow(20, b"x").note()),
    ]
    for accusation in accusations:
        with pytest.raises(Invalid):
            accusation.verify([log.verifier])
    fork = log.fork(3).grow(17, b"x")
    with pytest.raises(Invalid, match="no key given"):
        Misbehaviour(log.note(), fork.note()).verify([Log("log.example.org/two").verifier])


def test_without_a_proof_it_is_only_a_question():
    """Two signed sizes and a reason: neither proven nor refuted."""
    log = Log(ORIGIN).grow(20)
    question = Misbehaviour.of(log.note(), log.note(12), reason="it answered 500")
    assert question.older == log.note(12)
    assert Misbehaviour.parse(question.encode()).reason == "it answered 500"
    with pytest.raises(NotShown, match="it answered 500"):
        question.verify([log.verifier])


def test_tiles_that_lie_prove_nothing():
    """Nodes that do not lead to the signed root neither accuse nor acquit."""
    log = Log(ORIGIN).grow(20)
    for older, newer, liar in (
        (opened(log, 12), opened(log), Log(ORIGIN).grow(20, b"other")),
        (opened(log.fork(3).grow(9, b"x")), opened(log), log.fork(3).grow(17, b"x")),
    ):
        with pytest.raises(Invalid):
            compare(older, newer, reader(liar))


def test_a_witness_that_cosigned_both_is_accused_by_its_own_key():
    """The same file, judged by the witness's key; two witnesses that cosigned one each have done nothing wrong."""
    log = Log(ORIGIN).grow(20)
    fork = log.fork(5).grow(15, b"other")
    one, other = cosigner("w1.example"), cosigner("w2.example")

    def with_line(of: Log, who) -> bytes:
        return add_signatures(of.note(), [who.cosign(opened(of).checkpoint, 1_790_000_000)])

    both = Misbehaviour(with_line(log, one), with_line(fork, one))
    both.verify(keys_of([one.verifier.encode()]))
    apart = Misbehaviour(with_line(log, one), with_line(fork, other))
    keys = keys_of([one.verifier.encode(), other.verifier.encode()])
    with pytest.raises(Invalid, match="no single one"):
        apart.verify(keys)
    apart.verify([log.verifier])


def test_a_log_answers_for_all_its_keys():
    """Two histories under two keys of one log, both believed, are two histories of that log."""
    log, second = Log(ORIGIN).grow(9), Signer(ORIGIN, bytes(range(32)))
    fork = Log(ORIGIN, bytes(range(32))).grow(9, b"other")
    Misbehaviour(log.note(), fork.note()).verify([log.verifier, second.verifier])


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"format": "traceability-misbehaviour/2", "checkpoints": ["a", "b"]},
        {"format": "traceability-misbehaviour/1", "checkpoints": ["a"]},
        {"format": "traceability-misbehaviour/1", "checkpoints": ["a", 5]},
        {"format": "traceability-misbehaviour/1", "checkpoints": ["a", "b"], "more": 1},
        {"format": "traceability-misbehaviour/1", "checkpoints": ["a", "b"], "reason": 1},
        {"format": "traceability-misbehaviour/1", "checkpoints": ["a", "b"], "beginning": {}},
        {"format": "traceability-misbehaviour/1", "checkpoints": ["a", "b"], "beginning": {"root": "AA", "proof": []}},
        {"format": "traceability-misbehaviour/1", "checkpoints": ["a", "b"], "beginning": {"root": "AA==", "proof": [5]}},
        {"format": "traceability-misbehaviour/1", "checkpoints": ["a", "b"], "beginning": {"root": "AA==", "proof": [""] * 65}},
    ],
    ids=str,
)  # fmt: skip
def test_other_shapes_are_no_proof(value):
    """Anything else is Malformed, as are checkpoints that are none."""
    with pytest.raises(Malformed):
        Misbehaviour.parse(json.dumps(value).encode())
    with pytest.raises(Malformed):
        Misbehaviour(b"a", b"b").verify([Log(ORIGIN).verifier])
