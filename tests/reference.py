"""Slow twins: each standard word for word, with no care for speed, to judge the fast code by.

Nothing here is used outside tests. Recursive where the standard is recursive, and everything is computed
from the leaves every time.
"""

import hashlib
from collections.abc import Sequence


def split(n: int) -> int:
    """RFC 6962 §2.1: the largest power of two smaller than n (k < n <= 2k)."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1: the Merkle Tree Hash of a list of leaf data."""
    if len(leaves) == 0:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1: PATH(m, D[n]), the audit path of leaf m."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.2: PROOF(m, D[n]), the consistency proof from the first m leaves, 0 < m < n."""
    return subproof(m, leaves, known=True)


def subproof(m: int, leaves: Sequence[bytes], *, known: bool) -> list[bytes]:
    """RFC 6962 §2.1.2: SUBPROOF(m, D[n], b)."""
    if m == len(leaves):
        return [] if known else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], known=known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], known=False), mth(leaves[:k])]


def multiproof(indexes: Sequence[int], size: int) -> list[tuple[int, int]]:
    """The largest perfect subtrees (level, index) without any of the leaves, by level and then index.

    Ours, not a standard's: every perfect subtree of the tree is looked at; one is kept when no leaf of
    `indexes` lies in it and no kept or larger such subtree contains it.
    """
    free: list[tuple[int, int]] = []
    for level in range(size.bit_length(), -1, -1):
        for index in range(size >> level):
            covers = range(index << level, (index + 1) << level)
            holds_a_leaf = any(leaf in covers for leaf in indexes)
            lies_in_one = any(covers[0] in range(i << above, (i + 1) << above) for above, i in free)
            if not holds_a_leaf and not lies_in_one:
                free.append((level, index))
    return sorted(free)
