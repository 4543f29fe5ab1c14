"""The tree as a batch of leaves grows it: new edge, full tiles to keep, proofs for the new leaves.

Everything is computed from the old edge and the new leaves in memory; only a tile that was begun earlier
has to be completed with hashes from the tables.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from traceability.core.merkle import Edge, node_hash
from traceability.core.tile import TILE_HEIGHT, TILE_WIDTH

Hashes = Callable[[int, int, int], Sequence[bytes]]
"""(tile level, first, end): the hashes [first, end) of which tiles of that level are made."""


class FullTile(NamedTuple):
    """A tile that will never change, and the root over it."""

    level: int
    n: int
    hashes: bytes
    root: bytes


class Growth:
    """What became of the tree with edge `old` when `leaves` (their hashes) were appended."""

    def __init__(self, old: Edge, leaves: Sequence[bytes]) -> None:
        self.edge, self._completed = old.grow(leaves)
        self._rows = list(self._siblings(old))
        size, peaks = self.edge.size, self.edge.hashes
        levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
        self._ends = list(accumulate(1 << level for level in levels))
        """The leaf behind the last one under each peak."""
        self._inside = [self._rows[:level] for level in levels]
        # Outside a peak: what stands to the right of it, joined, then the peaks on its left.
        right: tuple[bytes, ...] = ()
        self._outside: list[tuple[bytes, ...]] = []
        for position in reversed(range(len(peaks))):
            self._outside.append((*right, *peaks[:position][::-1]))
            right = (node_hash(peaks[position], *right) if right else peaks[position],)
        self._outside.reverse()

    def tiles(self, hashes: Hashes) -> list[FullTile]:
        """The tiles that became full, lowest level first; `hashes` reads the older part of the first ones."""
        found = []
        for level in range(0, len(self._completed), TILE_HEIGHT):
            row = self._completed[level]
            n, end = row.first // TILE_WIDTH, (row.first + len(row.hashes)) // TILE_WIDTH
            if n == end:
                break
            begun = n * TILE_WIDTH
            parts = (
                [*hashes(level // TILE_HEIGHT, begun, row.first), *row.hashes]
                if begun < row.first
                else row.hashes
            )
            roots = self._completed[level + TILE_HEIGHT]
            for position in range(n, end):
                start = (position - n) * TILE_WIDTH
                tile = b"".join(parts[start : start + TILE_WIDTH])
                found.append(
                    FullTile(level // TILE_HEIGHT, position, tile, roots.hashes[position - roots.first])
                )
        return found

    def proof(self, index: int) -> tuple[bytes, ...]:
        """The inclusion proof of one of the new leaves in the grown tree (RFC 6962 §2.1.1)."""
        position = 0
        while index >= self._ends[position]:
            position += 1
        inside = [row[(index >> level ^ 1) - first] for level, first, row in self._inside[position]]
        return (*inside, *self._outside[position])

    def _siblings(self, old: Edge) -> Iterator[tuple[int, int, Sequence[bytes]]]:
        """For each level: the hashes a proof of a new leaf can need there, and the index of the first.

        They are the new ones, and on their left at most the one that stood alone on the old edge.
        """
        alone = iter(reversed(old.hashes))
        for level in range(self.edge.size.bit_length()):
            row = self._completed[level] if level < len(self._completed) else None
            first = old.size >> level if row is None else row.first
            hashes: Sequence[bytes] = () if row is None else row.hashes
            if old.size >> level & 1:
                first, hashes = (old.size >> level) - 1, (next(alone), *hashes)
            yield level, first, hashes
