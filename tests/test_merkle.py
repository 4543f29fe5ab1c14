"""The Merkle tree: roots and proofs judged by the RFC's own words, other people's vectors and code."""

import base64
import contextlib
import json
import random
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import metamorphic_log
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from traceability.core import merkle
from traceability.core.errors import Invalid, Malformed

VECTORS = Path(__file__).parent / "vectors" / "merkle"
SIZES = [*range(131), 255, 256, 257, 1000, 2049]


def leaves(size: int) -> list[bytes]:
    """Leaf i holds the decimal of i, as in the vectors."""
    return [b"%d" % index for index in range(size)]


class Tree:
    """The perfect subtrees of a tree, as a ledger would store them, and how often it was asked."""

    def __init__(self, size: int) -> None:
        self.leaf_hashes = [merkle.leaf_hash(leaf) for leaf in leaves(size)]
        edge, completed = merkle.Edge.empty().grow(self.leaf_hashes)
        self.size = size
        self.root = edge.root()
        self.nodes = {
            (row.level, row.first + i): value for row in completed for i, value in enumerate(row.hashes)
        }
        self.calls = 0

    def read(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        self.calls += 1
        return [self.nodes[coordinate] for coordinate in coordinates]


@lru_cache(maxsize=200)
def tree(size: int) -> Tree:
    return Tree(size)


def unpack(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def vectors(name: str) -> list[dict]:
    return json.loads((VECTORS / name).read_text())


def refused(verify, *arguments) -> bool:
    """Whether a verifier raises Invalid, and nothing else."""
    try:
        verify(*arguments)
    except Invalid:
        return True
    return False


def flip(value: bytes, bit: int) -> bytes:
    """The same bytes with one bit changed."""
    spoilt = bytearray(value)
    spoilt[bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)


def with_flipped(values: Sequence[bytes], bit: int) -> list[bytes]:
    """The same hashes with one of all their bits changed."""
    at = bit // 256
    return [*values[:at], flip(values[at], bit % 256), *values[at + 1 :]]


def is_no_hash(case: dict) -> bool:
    """Whether a case calls something a root that is not 32 bytes long."""
    return any(len(unpack(case[name])) != 32 for name in ("root", "root1", "root2") if name in case)


# Roots, edges


@pytest.mark.parametrize("size", SIZES)
def test_roots_are_the_merkle_tree_hash_of_rfc_6962(size):
    """The edge, the leaf list and the stored nodes all give the root the RFC defines."""
    expected = reference.mth(leaves(size))
    assert tree(size).root == expected
    assert merkle.root_from_leaf_hashes(tree(size).leaf_hashes) == expected
    assert merkle.tree_root(size, tree(size).read) == expected


def test_roots_of_all_sizes_to_520_are_the_published_ones():
    """Growing leaf by leaf passes through each root of the vectors."""
    published = vectors("decimal-leaves-520.json")["roots"]
    edge = merkle.Edge.empty()
    for size in range(521):
        assert edge.root().hex() == published[str(size)]
        edge = edge.append(merkle.leaf_hash(b"%d" % size))


def test_the_empty_tree_has_the_hash_of_nothing():
    """RFC 6962 §2.1, and the spelling that stands in empty checkpoints."""
    assert unpack("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=") == merkle.EMPTY_ROOT
    assert merkle.Edge.empty().root() == merkle.tree_root(0, lambda _: []) == merkle.EMPTY_ROOT


@given(st.lists(st.integers(0, 40), max_size=8))
def test_an_edge_does_not_care_how_leaves_arrive(parts):
    """Grown in any groups, edge, root and stored nodes are those of the whole."""
    size = sum(parts)
    source = iter(tree(size).leaf_hashes)
    edge, nodes = merkle.Edge.empty(), {}
    for part in parts:
        edge, completed = edge.grow([next(source) for _ in range(part)])
        for row in completed:
            nodes |= {(row.level, row.first + i): value for i, value in enumerate(row.hashes)}
    assert nodes == tree(size).nodes
    assert edge == merkle.Edge.empty().extend(tree(size).leaf_hashes)
    assert edge.root() == tree(size).root


def test_an_edge_takes_in_more_leaves_than_it_holds_at_once():
    """A long stream of leaves gives the same edge as one call."""
    leaf_hashes = [merkle.leaf_hash(leaf) for leaf in leaves(40_000)]
    assert merkle.Edge.empty().extend(iter(leaf_hashes)) == merkle.Edge.empty().grow(leaf_hashes)[0]


def test_every_stored_node_is_the_root_of_its_leaves():
    """Each perfect subtree that growing reports is the RFC's hash of the leaves it covers."""
    data = leaves(77)
    for (level, index), value in tree(77).nodes.items():
        assert value == reference.mth(data[index << level : (index + 1) << level])


@pytest.mark.parametrize(
    ("size", "hashes"),
    [(-1, ()), (0, (bytes(32),)), (1, ()), (3, (bytes(32),)), (4, (bytes(32),) * 2), (1, (bytes(31),))],
)
def test_an_edge_that_cannot_be_is_refused(size, hashes):
    """Stored bytes that are no edge of a tree of that size raise Malformed."""
    with pytest.raises(Malformed):
        merkle.Edge(size, hashes)


# Proofs of one leaf and of growth


@pytest.mark.parametrize("size", SIZES)
def test_inclusion_proofs_are_the_paths_of_rfc_6962(size):
    """Each leaf's proof is the RFC's PATH, is read in one call, and verifies."""
    data, full = leaves(size), tree(size)
    indexes = range(size) if size <= 70 else random.Random(size).sample(range(size), 12)
    for index in indexes:
        full.calls = 0
        proof = merkle.inclusion_proof(index, size, full.read)
        assert full.calls == 1
        assert proof == reference.path(index, data)
        merkle.verify_inclusion(full.leaf_hashes[index], index, size, proof, full.root)


@pytest.mark.parametrize("size", SIZES)
def test_consistency_proofs_are_the_proofs_of_rfc_6962(size):
    """From each older size, the proof is the RFC's PROOF, and verifies."""
    data, full = leaves(size), tree(size)
    older = range(size + 1) if size <= 70 else [0, size, *random.Random(size).sample(range(size), 12)]
    for old_size in older:
        proof = merkle.consistency_proof(old_size, size, full.read)
        assert proof == (reference.proof(old_size, data) if 0 < old_size < size else [])
        merkle.verify_consistency(old_size, tree(old_size).root, size, full.root, proof)


@pytest.mark.threat("T46")
@pytest.mark.parametrize("size", range(1, 12))
def test_an_inclusion_proof_fails_with_any_bit_changed(size):
    """Leaf, root and each hash of the proof: not one bit is free, nor is the index or the length."""
    full = tree(size)
    for index, leaf in enumerate(full.leaf_hashes):
        proof = merkle.inclusion_proof(index, size, full.read)
        for bit in range(256):
            assert refused(merkle.verify_inclusion, flip(leaf, bit), index, size, proof, full.root)
            assert refused(merkle.verify_inclusion, leaf, index, size, proof, flip(full.root, bit))
        for bit in range(256 * len(proof)):
            spoilt = with_flipped(proof, bit)
            assert refused(merkle.verify_inclusion, leaf, index, size, spoilt, full.root)
        for other in [-1, *range(index), *range(index + 1, size + 3)]:
            assert refused(merkle.verify_inclusion, leaf, other, size, proof, full.root)
        longer = [[*proof, full.root], [full.root, *proof], [*proof, *proof, full.root]]
        for spoilt in [proof[:-1], proof[1:], *longer]:
            if spoilt != proof:
                assert refused(merkle.verify_inclusion, leaf, index, size, spoilt, full.root)


@pytest.mark.parametrize("size", range(1, 12))
def test_a_consistency_proof_fails_with_any_bit_changed(size):
    """Both roots and each hash of the proof: not one bit is free, nor is the length."""
    full = tree(size)
    for old_size in range(1, size + 1):
        old_root = tree(old_size).root
        proof = merkle.consistency_proof(old_size, size, full.read)
        for bit in range(256):
            assert refused(merkle.verify_consistency, old_size, flip(old_root, bit), size, full.root, proof)
            assert refused(merkle.verify_consistency, old_size, old_root, size, flip(full.root, bit), proof)
        for bit in range(256 * len(proof)):
            spoilt = with_flipped(proof, bit)
            assert refused(merkle.verify_consistency, old_size, old_root, size, full.root, spoilt)
        for spoilt in [proof[:-1], proof[1:], [*proof, full.root], [full.root, *proof]]:
            if spoilt != proof:
                assert refused(merkle.verify_consistency, old_size, old_root, size, full.root, spoilt)


@settings(deadline=None)
@given(st.integers(2, 3000), st.data())
def test_proofs_of_larger_trees_fail_when_spoilt(size, data):
    """One random bit of one random hash is enough to refuse either proof."""
    full = tree(size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, full.read)
    leaf = full.leaf_hashes[index]
    merkle.verify_inclusion(leaf, index, size, proof, full.root)
    spoilt = with_flipped(proof, data.draw(st.integers(0, 256 * len(proof) - 1)))
    assert refused(merkle.verify_inclusion, leaf, index, size, spoilt, full.root)
    old_size = data.draw(st.integers(1, size - 1))
    old_root = merkle.tree_root(old_size, full.read)
    proof = merkle.consistency_proof(old_size, size, full.read)
    merkle.verify_consistency(old_size, old_root, size, full.root, proof)
    spoilt = with_flipped(proof, data.draw(st.integers(0, 256 * len(proof) - 1)))
    assert refused(merkle.verify_consistency, old_size, old_root, size, full.root, spoilt)


@pytest.mark.parametrize(
    ("old_size", "old_root", "size", "root", "proof"),
    [
        (0, bytes(32), 0, bytes(32), []),  # the empty tree has one root
        (0, bytes(32), 3, bytes(32), []),
        (0, merkle.EMPTY_ROOT, 3, bytes(32), [bytes(32)]),
        (3, bytes(32), 3, bytes(32), [bytes(32)]),
        (3, bytes(32), 3, flip(bytes(32), 0), []),
        (4, bytes(32), 3, bytes(32), []),
        (-1, merkle.EMPTY_ROOT, 3, bytes(32), []),
        (2, bytes(32), 3, bytes(32), []),
        (3, bytes(32), 4, bytes(32), []),
    ],
)
def test_sizes_at_the_ends_are_judged_too(old_size, old_root, size, root, proof):
    """Empty, equal, shrinking and negative sizes have no proof but the right one."""
    assert refused(merkle.verify_consistency, old_size, old_root, size, root, proof)


def test_from_the_empty_tree_anything_grows():
    """tlog-witness: from size 0 the proof is empty and says nothing about the new root."""
    merkle.verify_consistency(0, merkle.EMPTY_ROOT, 0, merkle.EMPTY_ROOT, [])
    merkle.verify_consistency(0, merkle.EMPTY_ROOT, 9, bytes(32), [])


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_what_is_not_32_bytes_long_is_no_hash(length):
    """Leaf hashes, roots and proof hashes of another length are refused, even where nothing reads them."""
    odd = bytes(length)
    assert refused(merkle.verify_inclusion, odd, 0, 1, [], odd)
    assert refused(merkle.verify_inclusion, bytes(32), 0, 2, [odd], bytes(32))
    assert refused(merkle.verify_consistency, 1, odd, 1, odd, [])
    assert refused(merkle.verify_consistency, 1, bytes(32), 2, bytes(32), [odd])
    assert refused(merkle.root_from_multiproof, {0: odd}, 1, [])
    assert refused(merkle.root_from_multiproof, {}, 1, [odd])


@pytest.mark.parametrize(
    "call",
    [
        lambda read: merkle.inclusion_proof(3, 3, read),
        lambda read: merkle.inclusion_proof(-1, 3, read),
        lambda read: merkle.inclusion_proof(0, 0, read),
        lambda read: merkle.consistency_proof(4, 3, read),
        lambda read: merkle.consistency_proof(-1, 3, read),
        lambda read: merkle.tree_root(-1, read),
        lambda _: merkle.multiproof_coordinates([0, 0], 3),
        lambda _: merkle.multiproof_coordinates([1, 0], 3),
        lambda _: merkle.multiproof_coordinates([3], 3),
        lambda _: merkle.multiproof_coordinates([-1, 0], 3),
    ],
)
def test_proofs_that_cannot_be_made_are_the_callers_mistake(call):
    """Asking a tree for what it has not raises ValueError before anything is read."""
    with pytest.raises(ValueError):
        call(lambda _: pytest.fail("nothing should be read"))


# Other people's vectors and code


@pytest.mark.parametrize("case", vectors("inclusion.json"), ids=lambda case: case["source_path"])
def test_published_inclusion_proofs(case):
    """transparency-dev/merkle: each is accepted or refused as its authors say."""
    verdict = refused(
        merkle.verify_inclusion,
        unpack(case["leafHash"]),
        case["leafIdx"],
        case["treeSize"],
        [unpack(value) for value in case["proof"] or []],
        unpack(case["root"]),
    )
    assert verdict == (case["wantErr"] or is_no_hash(case))


@pytest.mark.parametrize("case", vectors("consistency.json"), ids=lambda case: case["source_path"])
def test_published_consistency_proofs(case):
    """transparency-dev/merkle: each is judged as its authors say, but for "roots" that are no hashes."""
    verdict = refused(
        merkle.verify_consistency,
        case["size1"],
        unpack(case["root1"]),
        case["size2"],
        unpack(case["root2"]),
        [unpack(value) for value in case["proof"] or []],
    )
    assert verdict == (case["wantErr"] or is_no_hash(case))


@pytest.mark.parametrize("case", vectors("subtreeinclusion.json"), ids=lambda case: case["source_path"])
def test_published_subtree_inclusion_proofs(case):
    """Inclusion in a subtree that the tree really has is inclusion in a tree of its own."""
    width = case["end"] - case["start"]
    is_a_subtree = width > 0 and case["start"] % (1 << (width - 1).bit_length()) == 0
    verdict = not is_a_subtree or refused(
        merkle.verify_inclusion,
        unpack(case["leafHash"]),
        case["leafIdx"] - case["start"],
        width,
        [unpack(value) for value in case["proof"] or []],
        unpack(case["root"]),
    )
    assert verdict == (case["wantErr"] or is_no_hash(case))


@pytest.mark.parametrize(
    "case",
    [case for case in vectors("subtreeconsistency.json") if case["start"] == 0],
    ids=lambda case: case["source_path"],
)
def test_published_consistency_proofs_of_subtrees_that_start_at_zero(case):
    """A subtree from the first leaf on is an older tree: the proof is an ordinary one."""
    verdict = refused(
        merkle.verify_consistency,
        case["end"],
        unpack(case["root1"]),
        case["size"],
        unpack(case["root2"]),
        [unpack(value) for value in case["proof"] or []],
    )
    assert verdict == (case["wantErr"] or is_no_hash(case))


def test_published_proofs_over_decimal_leaves_are_ours():
    """All 220 proofs of the vectors are those we make, and verify."""
    published = vectors("decimal-leaves-520.json")
    full = tree(520)
    for case in published["inclusion"]:
        index, size, proof = case["index"], case["size"], [bytes.fromhex(value) for value in case["proof"]]
        assert merkle.inclusion_proof(index, size, full.read) == proof
        root = bytes.fromhex(published["roots"][str(size)])
        merkle.verify_inclusion(bytes.fromhex(case["leaf_hash"]), index, size, proof, root)
    for case in published["consistency"]:
        old, new, proof = case["size1"], case["size2"], [bytes.fromhex(value) for value in case["proof"]]
        assert merkle.consistency_proof(old, new, full.read) == proof
        old_root, root = (bytes.fromhex(published["roots"][str(size)]) for size in (old, new))
        merkle.verify_consistency(old, old_root, new, root, proof)


def test_somebody_elses_verifier_accepts_our_proofs_and_refuses_spoilt_ones():
    """metamorphic-log judges proofs of trees of many sizes exactly as we do."""
    rng = random.Random(6962)
    for size in [1, 2, 3, 7, 8, 64, 100, 1000]:
        full = tree(size)
        for index in sorted({0, size - 1, *rng.choices(range(size), k=10)}):
            leaf, proof = full.leaf_hashes[index], merkle.inclusion_proof(index, size, full.read)
            metamorphic_log.verify_inclusion(index, size, leaf, proof, full.root)
            with pytest.raises(metamorphic_log.VerifyError):
                metamorphic_log.verify_inclusion(index, size, flip(leaf, 9), proof, full.root)
        for old in sorted({1, size, *rng.choices(range(1, size + 1), k=10)}):
            old_root = merkle.tree_root(old, full.read)
            proof = merkle.consistency_proof(old, size, full.read)
            metamorphic_log.verify_consistency(old, size, proof, old_root, full.root)
            with pytest.raises(metamorphic_log.VerifyError):
                metamorphic_log.verify_consistency(old, size, proof, flip(old_root, 9), full.root)


# One proof for many leaves


@st.composite
def some_leaves_of_a_tree(draw) -> tuple[int, list[int]]:
    """A size and some indexes below it: few, many, all, none, neighbours."""
    size = draw(st.integers(0, 150))
    picked = draw(st.sets(st.integers(0, size - 1))) if size else set()
    if size and draw(st.booleans()):
        start = draw(st.integers(0, size - 1))
        picked |= set(range(start, draw(st.integers(start, size))))
    return size, sorted(picked)


@settings(deadline=None)
@given(some_leaves_of_a_tree(), st.data())
def test_a_multiproof_is_minimal_gives_the_root_and_nothing_near_it_does(picked, data):
    """The twin lists the same nodes; any spoilt leaf, place, node, order or number does not give the root."""
    size, indexes = picked
    full = tree(size)
    coordinates = merkle.multiproof_coordinates(indexes, size)
    assert coordinates == reference.multiproof(indexes, size)
    nodes = full.read(coordinates)
    leaf_hashes = {index: full.leaf_hashes[index] for index in indexes}
    assert merkle.root_from_multiproof(leaf_hashes, size, nodes) == full.root

    assert refused(merkle.root_from_multiproof, leaf_hashes, size, [*nodes, bytes(32)])
    assert refused(merkle.root_from_multiproof, {**leaf_hashes, size: bytes(32)}, size, nodes)
    assert refused(merkle.root_from_multiproof, {**leaf_hashes, -1: bytes(32)}, size, nodes)
    if nodes:
        dropped = data.draw(st.integers(0, len(nodes) - 1))
        fewer = [*nodes[:dropped], *nodes[dropped + 1 :]]
        assert refused(merkle.root_from_multiproof, leaf_hashes, size, fewer)
        spoilt = with_flipped(nodes, data.draw(st.integers(0, 256 * len(nodes) - 1)))
        assert merkle.root_from_multiproof(leaf_hashes, size, spoilt) != full.root
    if len(nodes) > 1:
        assert merkle.root_from_multiproof(leaf_hashes, size, nodes[::-1]) != full.root
    if indexes:
        index = data.draw(st.sampled_from(indexes))
        spoilt = {**leaf_hashes, index: flip(leaf_hashes[index], data.draw(st.integers(0, 255)))}
        assert merkle.root_from_multiproof(spoilt, size, nodes) != full.root


@settings(deadline=None)
@given(some_leaves_of_a_tree(), st.data())
def test_a_multiproof_holds_leaves_to_their_places(picked, data):
    """A leaf moved to an index where it does not stand gives another root or none."""
    size, indexes = picked
    free = sorted(set(range(size)) - set(indexes))
    if not indexes or not free:
        return
    full = tree(size)
    nodes = full.read(merkle.multiproof_coordinates(indexes, size))
    moved = {index: full.leaf_hashes[index] for index in indexes}
    value = moved.pop(data.draw(st.sampled_from(indexes)))
    moved[data.draw(st.sampled_from(free))] = value
    with contextlib.suppress(Invalid):
        assert merkle.root_from_multiproof(moved, size, nodes) != full.root


def test_a_multiproof_of_no_leaves_is_the_edge():
    """Without leaves the nodes are the tree's right edge, short to tall; of no tree there are none."""
    edge = merkle.Edge.empty().extend(tree(77).leaf_hashes)
    assert tree(77).read(merkle.multiproof_coordinates([], 77)) == list(edge.hashes[::-1])
    assert merkle.root_from_multiproof({}, 77, edge.hashes[::-1]) == tree(77).root
    assert merkle.root_from_multiproof({}, 0, []) == merkle.EMPTY_ROOT
    assert refused(merkle.root_from_multiproof, {}, -1, [])


def test_a_container_in_a_log_of_ten_million():
    """Five thousand leaves of ten million: one multiproof and each single proof lead to one root."""
    # All leaves are equal, so one hash for each level is the whole tree.
    uniform = [merkle.leaf_hash(b"")]
    for _ in range(64):
        uniform.append(merkle.node_hash(uniform[-1], uniform[-1]))

    def read(coordinates):
        return [uniform[level] for level, _ in coordinates]

    size = 10_000_000
    root = merkle.tree_root(size, read)
    indexes = sorted(random.Random(1).sample(range(size), 5_000))
    coordinates = merkle.multiproof_coordinates(indexes, size)
    leaf_hashes = dict.fromkeys(indexes, uniform[0])
    assert merkle.root_from_multiproof(leaf_hashes, size, read(coordinates)) == root
    assert len(coordinates) < 5_000 * 12  # apart they would be 5,000 × 23
    for index in indexes[::100]:
        merkle.verify_inclusion(uniform[0], index, size, merkle.inclusion_proof(index, size, read), root)
