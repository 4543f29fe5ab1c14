"""An operator who rewrites the past with the real key: one older checkpoint, or one old answer, tells."""

import hashlib
from functools import partial

import pytest

import reference
from traceability.core import merkle
from traceability.core.errors import Invalid

SIZE = 41
OLD = 29
"""How large the log was when somebody kept its checkpoint."""


def leaf(name: object) -> bytes:
    return hashlib.sha256(b"leaf %r" % (name,)).digest()


def edited(leaves: list[bytes], at: int) -> list[bytes]:
    return [*leaves[:at], leaf("edited"), *leaves[at + 1 :]]


def dropped(leaves: list[bytes], at: int) -> list[bytes]:
    return [*leaves[:at], *leaves[at + 1 :]]


def swapped(leaves: list[bytes], at: int) -> list[bytes]:
    return [*leaves[:at], leaves[at + 1], leaves[at], *leaves[at + 2 :]]


def inserted(leaves: list[bytes], at: int) -> list[bytes]:
    return [*leaves[:at], leaf("back-dated"), *leaves[at:]]


def rolled_back(leaves: list[bytes], at: int) -> list[bytes]:
    return [*leaves[:at], *(leaf(("again", number)) for number in range(at, len(leaves)))]


def nodes_of(leaves: list[bytes], wanted) -> list[bytes]:
    return [reference.mth(leaves[index << level : index + 1 << level]) for level, index in wanted]


@pytest.mark.threat("T34", "T35", "T36", "T37", "T40", "T88")
@pytest.mark.parametrize("rewrite", [edited, dropped, swapped, inserted, rolled_back])
def test_a_rewritten_past_does_not_begin_with_what_somebody_holds(rewrite) -> None:
    """Each entry edited, dropped, moved or added, and everything after it signed anew, however much is appended."""
    honest = [leaf(number) for number in range(SIZE)]
    old_root = reference.mth(honest[:OLD])
    for at in range(OLD - 1):
        other = rewrite(honest, at)
        size, root = len(other), reference.mth(other)
        read = partial(nodes_of, other)
        # The best proofs that this operator can make are those of the tree there is now.
        with pytest.raises(Invalid):
            merkle.verify_consistency(OLD, old_root, size, root, merkle.consistency_proof(OLD, size, read))
        with pytest.raises(Invalid):
            merkle.verify_inclusion(
                merkle.leaf_hash(honest[at]), at, size, merkle.inclusion_proof(at, size, read), root
            )


def test_what_was_only_appended_begins_with_it() -> None:
    """The guard for the test above: an honest log passes the same two checks at every size."""
    honest = [leaf(number) for number in range(SIZE)]
    old_root = reference.mth(honest[:OLD])
    for size in range(OLD, SIZE + 1):
        root = reference.mth(honest[:size])
        read = partial(nodes_of, honest[:size])
        merkle.verify_consistency(OLD, old_root, size, root, merkle.consistency_proof(OLD, size, read))
        for at in range(OLD):
            merkle.verify_inclusion(
                merkle.leaf_hash(honest[at]), at, size, merkle.inclusion_proof(at, size, read), root
            )
