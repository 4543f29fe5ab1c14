"""Tiles: how the tree is cut into files that anyone can fetch, cache and audit (C2SP tlog-tiles).

A tile is 256 neighbouring hashes of one level of the tree, 32 bytes each, 8,192 in all. Tile (L, n) holds
the roots of the perfect subtrees of height 8·L with indexes n·256 to n·256 + 255:

    tile (0, n)   the leaf hashes n·256 …
    tile (1, n)   the roots of the full tiles (0, n·256) …       and so on, eight levels of tree a tile

The last tile of a level may be partial: its width W, 1 to 255, is how many hashes it holds. A partial
tile is never hashed upward. Levels between are not stored: pairs of hashes in a tile give them.

    tile/<L>/<N>[.p/<W>]          L 0 … 63
    tile/entries/<N>[.p/<W>]      the entry bundle beside tile (0, n): for each leaf a big-endian uint16
                                  length and the bytes that were hashed

N is the tile's index in groups of three digits, all but the last with an x before them: 1234067 is
x001/x234/067, so no folder grows beyond a thousand names. A tree of 70,000 leaves has at level 0 the 273
full tiles 000 to 272 and 273.p/112, at level 1 000 and 001.p/17, at level 2 only 000.p/1.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from traceability.core import merkle
from traceability.core.errors import Malformed

TILE_HEIGHT = 8
TILE_WIDTH = 256
ENTRY_SIZE_MAX = 65_535

_PATH = re.compile(
    r"tile/(?P<level>[0-9]|[1-5][0-9]|6[0-3]|entries)/(?P<n>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Tile(NamedTuple):
    """One resource of the log.

    `level` is None for an entry bundle, which stands beside the level-0 tile of the same n and width.
    """

    level: int | None
    n: int
    width: int

    @property
    def path(self) -> str:
        """Where it lies under the log's prefix."""
        if self.level is None:
            return entries_path(self.n, self.width)
        return tile_path(self.level, self.n, self.width)


def tile_path(level: int, n: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile under the log's prefix. ValueError for a tile that cannot be."""
    if not 0 <= level <= 63:
        raise ValueError(f"tiles have levels 0 to 63, not {level}")
    return f"tile/{level}/{_index_path(n, width)}"


def entries_path(n: int, width: int = TILE_WIDTH) -> str:
    """The path of an entry bundle under the log's prefix. ValueError for one that cannot be."""
    return f"tile/entries/{_index_path(n, width)}"


def parse_path(path: str) -> Tile:
    """The tile or entry bundle at this path. Raises Malformed unless writing it again gives `path`."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise Malformed(f"{path[:80]!r} is not the path of a tile: tile/<L or entries>/<N>, or with .p/<W>")
    level = None if match["level"] == "entries" else int(match["level"])
    width = TILE_WIDTH if match["width"] is None else int(match["width"])
    tile = Tile(level, int(re.sub("[x/]", "", match["n"])), width)
    if width > TILE_WIDTH or tile.path != path:
        raise Malformed(f"{path[:80]!r} is not written as tlog-tiles writes it: no x000 in front, W 1 to 255")
    return tile


def tiles_for(size: int) -> list[tuple[int, int, int]]:
    """Every tile (level, n, width) of a tree of `size` leaves, lowest level first, then by n."""
    return tiles_between(0, size)


def tiles_between(old_size: int, size: int) -> list[tuple[int, int, int]]:
    """The tiles of the tree of `size` that the tree of `old_size` has not: what publishing must write.

    Lowest level first, then by n, so that writing them in this order never leaves a tile without the ones
    below it. A wider partial tile, or the full one, counts as new. ValueError for a tree that shrinks.
    """
    if not 0 <= old_size <= size:
        raise ValueError(f"a log of {old_size} leaves does not become one of {size}")
    tiles = []
    level = 0
    while size:
        first, full, partial = old_size // TILE_WIDTH, size // TILE_WIDTH, size % TILE_WIDTH
        tiles += [(level, n, TILE_WIDTH) for n in range(first, full)]
        if partial and size != old_size:
            tiles.append((level, full, partial))
        old_size, size, level = first, full, level + 1
    return tiles


def tile_coordinates(level: int, n: int, width: int = TILE_WIDTH) -> list[tuple[int, int]]:
    """The perfect subtrees whose hashes, one after the other, are this tile's bytes (see `merkle`)."""
    return [(level * TILE_HEIGHT, n * TILE_WIDTH + position) for position in range(width)]


def node_reader(size: int, read_tile: Callable[[int, int, int], bytes]) -> merkle.NodeReader:
    """Reads nodes of the tree of `size` leaves out of its tiles, each tile once for each call.

    `read_tile(level, n, width)` gives a tile's bytes. The width asked for is the widest that this tree
    has. The reader raises Malformed for a tile that has not exactly width × 32 bytes, and ValueError when
    asked for a node that is not a perfect subtree of this tree.
    """

    def read(coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        tiles: dict[tuple[int, int], bytes] = {}
        hashes = []
        for level, index in coordinates:
            if level < 0 or not 0 <= index < size >> level:
                raise ValueError(f"the tree of {size} leaves has no perfect subtree {index} at level {level}")
            tile_level, height = divmod(level, TILE_HEIGHT)
            n, position = divmod(index << height, TILE_WIDTH)
            if (tile_level, n) not in tiles:
                width = min(TILE_WIDTH, (size >> tile_level * TILE_HEIGHT) - n * TILE_WIDTH)
                tiles[tile_level, n] = _checked(read_tile(tile_level, n, width), tile_level, n, width)
            tile = tiles[tile_level, n]
            hashes.append(_perfect_root(tile, position, 1 << height))
        return hashes

    return read


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """An entry bundle of 1 to 256 entries. ValueError for another number or an entry above 65,535 bytes."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise ValueError(f"a bundle has 1 to {TILE_WIDTH} entries, not {len(entries)}")
    if any(len(entry) > ENTRY_SIZE_MAX for entry in entries):
        raise ValueError(f"an entry in a bundle has at most {ENTRY_SIZE_MAX} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle. Raises Malformed when it holds fewer, more, or a broken one."""
    entries: list[bytes] = []
    position = 0
    for _ in range(width):
        start = position + 2
        end = start + int.from_bytes(data[position:start], "big")
        if start > len(data) or end > len(data):
            raise Malformed(f"the entry bundle ends inside entry {len(entries)} of {width}")
        entries.append(data[start:end])
        position = end
    if position != len(data):
        raise Malformed(f"the entry bundle goes on after its {width} entries")
    return entries


def full_root(tile: bytes) -> bytes:
    """The root over a full tile: the hash that stands for it in the tile above. Raises Malformed for a partial one."""
    if len(tile) != TILE_WIDTH * merkle.HASH_SIZE:
        raise Malformed(f"a full tile has {TILE_WIDTH * merkle.HASH_SIZE} bytes, this one {len(tile)}")
    return _perfect_root(tile, 0, TILE_WIDTH)


def _index_path(n: int, width: int) -> str:
    """Index and width as the end of a path."""
    if n < 0 or not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"no tile has index {n} and width {width}")
    digits = str(n)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def _checked(data: bytes, level: int, n: int, width: int) -> bytes:
    """The tile's bytes, if there are as many as there must be."""
    if len(data) != width * merkle.HASH_SIZE:
        raise Malformed(
            f"{tile_path(level, n, width)} has {len(data)} bytes, it must have {width * merkle.HASH_SIZE}"
        )
    return data


def _perfect_root(tile: bytes, position: int, count: int) -> bytes:
    """The root over `count` (a power of two) hashes of a tile, from `position` on."""
    size = merkle.HASH_SIZE
    hashes = [tile[at : at + size] for at in range(position * size, (position + count) * size, size)]
    while len(hashes) > 1:
        hashes = [merkle.node_hash(a, b) for a, b in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]
