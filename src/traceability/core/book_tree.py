"""The book as a tree: the leaf of each subject's line, and the tree's tiles as lines change.

The leaves stand in order of first appearance (`Place.number`), each the canonical JSON of

    {"chain","count","finding_chain","finding_count","id","type"}

under the hashing of RFC 6962, as in the log (`merkle`). Unlike the log's, these leaves change; so what is kept of
the tree is tiles (`tile`, the last of a level partial), of which a change touches one on each level.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping

from traceability.core import canonical, merkle
from traceability.core.merkle import HASH_SIZE
from traceability.core.record import Address, Place
from traceability.core.tile import TILE_WIDTH, full_root, node_reader

Tiles = dict[tuple[int, int], bytes]
"""Bytes of tiles by level and index; of a partial one as far as it goes."""
TileReader = Callable[[int, int], bytes]
"""Gives the bytes of a tile by level and index, empty where there is none yet."""


def leaf(address: Address, place: Place) -> bytes:
    """The hash of the leaf that stands in the book for a subject's line."""
    line = {
        "chain": place.chain.hex(),
        "count": place.count,
        "finding_chain": place.finding_chain.hex(),
        "finding_count": place.finding_count,
        "id": address[1],
        "type": address[0],
    }
    return merkle.leaf_hash(canonical.dump(line))


def changed(read: TileReader, leaves: Mapping[int, bytes]) -> Tiles:
    """The tiles that differ once `leaves`, by number, stand in the tree that `read` gives the tiles of.

    New numbers follow the old ones without a gap; ValueError otherwise.
    """
    found: Tiles = {}
    level = 0
    hashes = leaves
    while hashes:
        rows: dict[int, list[int]] = defaultdict(list)
        for number in sorted(hashes):
            rows[number // TILE_WIDTH].append(number)
        above = {}
        for n, numbers in rows.items():
            tile = bytearray(read(level, n))
            for number in numbers:
                at = number % TILE_WIDTH * HASH_SIZE
                if at > len(tile):
                    raise ValueError(f"the book has a line {number} and none before it")
                tile[at : at + HASH_SIZE] = hashes[number]
            found[level, n] = bytes(tile)
            if len(tile) == TILE_WIDTH * HASH_SIZE:
                above[n] = full_root(found[level, n])
        level, hashes = level + 1, above
    return found


def reader(read: TileReader, subjects: int) -> merkle.NodeReader:
    """Reads nodes of the tree of so many subjects out of its tiles."""
    return node_reader(subjects, lambda level, n, width: read(level, n)[: width * HASH_SIZE])


def root(read: TileReader, subjects: int) -> bytes:
    """The root of the tree of so many subjects."""
    return merkle.tree_root(subjects, reader(read, subjects))
