r"""The Merkle tree of the log: roots, inclusion, consistency, and one proof for many leaves.

The tree is that of RFC 6962 §2.1, which RFC 9162 §2.1 kept:

    leaf = SHA-256(0x00 || data)
    node = SHA-256(0x01 || left || right)        root of no leaves = SHA-256("")

and a tree of n > 1 leaves splits at the largest power of two below n. So every tree is a row of perfect
subtrees, tall to short, one for each bit set in n, joined from the right. For n = 7:

                     root
                 /          \
             (2,0)            *            (level, index): the perfect subtree of height `level` that
            /     \         /   \          covers leaves [index << level, (index + 1) << level)
        (1,0)    (1,1)   (1,2)  (0,6)
        /  \     /  \    /  \     |        *: not perfect; it will change when the tree grows, so it is
       0    1   2    3  4    5    6        never stored and never travels in a multiproof

Only perfect subtrees are ever asked for: their hashes never change once known. Storage is an argument. A
`NodeReader` is handed all the coordinates a computation needs in one call (at most 64 for a root, 128 for
a proof of one leaf or of growth) and gives their hashes in the same order. Nothing here opens, caches or
guesses.

Those who prove hold the tree, so a wrong index is their bug and raises ValueError. Those who verify hold
what somebody sent, so everything that is wrong with it, shape included, raises Invalid. Roots and sizes
given to a verifier must come from a verified checkpoint, never from whoever sent the proof.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import NamedTuple

from traceability.core.errors import Invalid, Malformed

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

NodeReader = Callable[[Sequence[tuple[int, int]]], Sequence[bytes]]

# How many leaves an Edge takes in at once: enough for speed, little enough for memory.
_BATCH = 1 << 14


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf that holds `data` (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over two subtrees (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Completed(NamedTuple):
    """Neighbouring perfect subtrees of one height that became complete together, from left to right."""

    level: int
    first: int
    hashes: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: all that is needed to append to it and to know its root.

    `hashes` are the roots of its perfect subtrees, tall to short: one for each bit set in `size`, so at
    most 64 for any tree there will ever be. An Edge never changes; growing gives a new one.
    """

    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Raises Malformed when this many hashes cannot be the edge of a tree of this size."""
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise Malformed(
                f"the edge of a tree of {self.size} leaves does not have {len(self.hashes)} hashes"
            )
        if any(len(value) != HASH_SIZE for value in self.hashes):
            raise Malformed("a hash on the edge of the tree is not 32 bytes long")

    @classmethod
    def empty(cls) -> "Edge":
        """The edge of the tree of no leaves."""
        return cls(0, ())

    def append(self, leaf_hash: bytes) -> "Edge":
        """The edge after one more leaf."""
        return self.grow([leaf_hash])[0]

    def extend(self, leaf_hashes: Iterable[bytes]) -> "Edge":
        """The edge after these leaves, at less than two hashes a leaf and little memory."""
        edge = self
        source = iter(leaf_hashes)
        while batch := list(islice(source, _BATCH)):
            edge, _ = edge.grow(batch)
        return edge

    def grow(self, leaf_hashes: Sequence[bytes]) -> tuple["Edge", list[Completed]]:
        """The edge after these leaves, and every perfect subtree they completed, lowest level first.

        The second part is what a ledger stores. It begins with the leaves themselves (level 0).
        """
        levels = [level for level in range(self.size.bit_length()) if self.size >> level & 1]
        waiting = dict(zip(reversed(levels), self.hashes, strict=True))
        completed = []
        hashes: Sequence[bytes] = leaf_hashes
        level, first = 0, self.size
        while hashes:
            completed.append(Completed(level, first, hashes))
            # A left sibling that stood alone on the edge now finds its right one.
            row = [waiting.pop(level), *hashes] if first & 1 else hashes
            if len(row) & 1:
                waiting[level] = row[-1]
            hashes = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)]
            level, first = level + 1, first >> 1
        edge = tuple(waiting[level] for level in sorted(waiting, reverse=True))
        return Edge(self.size + len(leaf_hashes), edge), completed

    def root(self) -> bytes:
        """The root of the tree of `size` leaves."""
        return _join(self.hashes)


def root_from_leaf_hashes(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of the tree with these leaves."""
    return Edge.empty().extend(leaf_hashes).root()


def tree_root(size: int, read: NodeReader) -> bytes:
    """The root of the first `size` leaves."""
    if size < 0:
        raise ValueError(f"no tree has {size} leaves")
    return _join(read(_perfect(0, size)))


def inclusion_proof(index: int, size: int, read: NodeReader) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves, leaf's sibling first (RFC 6962 §2.1.1).

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    siblings = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return _hashes_of(siblings[::-1], read)


def consistency_proof(old_size: int, size: int, read: NodeReader) -> list[bytes]:
    """What shows that the tree of `size` leaves begins with the one of `old_size` (RFC 6962 §2.1.2).

    Empty when the sizes are equal, and when the old tree is empty, as tlog-witness wants it. Raises
    ValueError unless 0 <= old_size <= size.
    """
    if not 0 <= old_size <= size:
        raise ValueError(f"a tree of {size} leaves does not grow out of one of {old_size}")
    if old_size in (0, size):
        return []
    ranges = []
    start, end = 0, size
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    # What is left is a subtree of the old tree. The verifier knows it only if it is the old tree itself.
    if start != 0:
        ranges.append((start, end))
    return _hashes_of(ranges[::-1], read)


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raises Invalid unless `proof` leads from this leaf at `index` to `root` (RFC 9162 §2.1.3.2)."""
    _check_hashes([leaf_hash, root, *proof])
    if not 0 <= index < size:
        raise Invalid(f"a tree of {size} leaves has no leaf {index}")
    node, last = index, size - 1
    value = leaf_hash
    for sibling in proof:
        if last == 0:
            raise Invalid(f"the inclusion proof is too long for leaf {index} of {size}")
        if node & 1 or node == last:
            value = node_hash(sibling, value)
            while node & 1 == 0:  # a node without a right sibling moves up as it is
                node, last = node >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise Invalid(f"the inclusion proof is too short for leaf {index} of {size}")
    if value != root:
        raise Invalid(f"the inclusion proof does not lead from leaf {index} to the root of size {size}")


def verify_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Raises Invalid unless `proof` shows that the tree of `size` begins with the old one.

    RFC 9162 §2.1.4.2. Both roots are derived from the proof and compared. From the empty tree only its one
    root and an empty proof will do; that says nothing about `root`.
    """
    _check_hashes([old_root, root, *proof])
    if not 0 <= old_size <= size:
        raise Invalid(f"a tree of {size} leaves does not grow out of one of {old_size}")
    if old_size in (0, size):
        if proof:
            raise Invalid(f"from size {old_size} to {size} the consistency proof must be empty")
        if old_size == 0 and old_root != EMPTY_ROOT:
            raise Invalid("the old root is not the root of the empty tree")
        if old_size == size and old_root != root:
            raise Invalid(f"two roots for one size, {size}: this log shows two histories")
        return
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    # A perfect old tree is itself the first hash: it need not be sent.
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else proof
    if not path:
        raise Invalid(f"the consistency proof is too short for sizes {old_size} and {size}")
    old_value = value = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise Invalid(f"the consistency proof is too long for sizes {old_size} and {size}")
        if node & 1 or node == last:
            old_value = node_hash(sibling, old_value)
            value = node_hash(sibling, value)
            while node and node & 1 == 0:
                node, last = node >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise Invalid(f"the consistency proof is too short for sizes {old_size} and {size}")
    if old_value != old_root:
        raise Invalid(f"the consistency proof does not give the old root, of size {old_size}")
    if value != root:
        raise Invalid(f"the consistency proof does not give the new root, of size {size}")


def multiproof_coordinates(indexes: Sequence[int], size: int) -> list[tuple[int, int]]:
    """The fewest perfect subtrees that, with the leaves at `indexes`, give the root of `size` leaves.

    They are the largest perfect subtrees that hold none of the leaves, in the order a verifier uses them:
    by level, lowest first, then by index (so the list is sorted). Without leaves it is the edge of the
    tree. `indexes` must rise strictly and lie below `size`; otherwise ValueError.
    """
    if any(low >= high for low, high in pairwise(indexes)):
        raise ValueError("the indexes of a multiproof must rise")
    if indexes and not 0 <= indexes[0] <= indexes[-1] < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {indexes[0]} or none {indexes[-1]}")
    coordinates: list[tuple[int, int]] = []
    known = list(indexes)
    for level in range(size.bit_length()):
        peak = (size >> level) - 1 if size >> level & 1 else None
        if peak is not None and known and known[-1] == peak:
            known.pop()
            peak = None
        parents: list[int] = []
        for index in known:
            if parents and parents[-1] == index >> 1:
                coordinates.pop()  # its left sibling had asked for this very node
            else:
                coordinates.append((level, index ^ 1))
                parents.append(index >> 1)
        if peak is not None:
            coordinates.append((level, peak))
        known = parents
    return coordinates


def root_from_multiproof(leaf_hashes: Mapping[int, bytes], size: int, nodes: Sequence[bytes]) -> bytes:
    """The root that these leaves and `nodes` (in the order of `multiproof_coordinates`) give.

    Whoever compares it with the root of a verified checkpoint of `size` leaves knows that every leaf given
    stands at its index. Raises Invalid for an index outside the tree, for a hash that is not 32 bytes long,
    and unless the number of nodes is exactly right.
    """
    _check_hashes([*leaf_hashes.values(), *nodes])
    known = sorted(leaf_hashes.items())
    if size < 0 or (known and not 0 <= known[0][0] <= known[-1][0] < size):
        raise Invalid(f"a leaf of the proof lies outside the tree of {size} leaves")
    supply = iter(nodes)
    peaks = []
    try:
        for level in range(size.bit_length()):
            peak = None
            if size >> level & 1 and known and known[-1][0] == (size >> level) - 1:
                peak = known.pop()[1]
            parents = []
            position = 0
            while position < len(known):
                index, value = known[position]
                position += 1
                if index & 1:
                    value = node_hash(next(supply), value)
                elif position < len(known) and known[position][0] == index + 1:
                    value = node_hash(value, known[position][1])
                    position += 1
                else:
                    value = node_hash(value, next(supply))
                parents.append((index >> 1, value))
            if size >> level & 1:
                peaks.append(next(supply) if peak is None else peak)
            known = parents
    except StopIteration:
        raise Invalid(f"the proof of {len(leaf_hashes)} leaves of {size} lacks nodes") from None
    if next(supply, None) is not None:
        raise Invalid(f"the proof of {len(leaf_hashes)} leaves of {size} has nodes left over")
    return _join(peaks[::-1])


def _split(size: int) -> int:
    """The largest power of two below `size` (RFC 6962 §2.1), for size > 1."""
    return 1 << (size - 1).bit_length() - 1


def _perfect(start: int, end: int) -> list[tuple[int, int]]:
    """The perfect subtrees that make up the subtree over leaves [start, end), tall to short."""
    coordinates = []
    while start < end:
        level = (end - start).bit_length() - 1
        coordinates.append((level, start >> level))
        start += 1 << level
    return coordinates


def _join(hashes: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees given tall to short: joined from the right."""
    if not hashes:
        return EMPTY_ROOT
    value = hashes[-1]
    for left in hashes[-2::-1]:
        value = node_hash(left, value)
    return value


def _hashes_of(ranges: Sequence[tuple[int, int]], read: NodeReader) -> list[bytes]:
    """The hashes of the subtrees over these ranges of leaves, all read in one call."""
    parts = [_perfect(start, end) for start, end in ranges]
    supply = iter(read([coordinate for part in parts for coordinate in part]))
    return [_join(list(islice(supply, len(part)))) for part in parts]


def _check_hashes(hashes: Iterable[bytes]) -> None:
    """Raises Invalid unless each is 32 bytes long: anything else is no SHA-256."""
    if any(len(value) != HASH_SIZE for value in hashes):
        raise Invalid("a hash of the proof is not 32 bytes long")
