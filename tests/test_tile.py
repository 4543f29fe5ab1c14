"""Tiles: paths, what a tree of some size consists of, bundles, and proofs read out of tiles."""

import base64
import hashlib
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from traceability.core import merkle, tile
from traceability.core.errors import Malformed
from traceability.core.tile import Tile

VECTORS = Path(__file__).parent / "vectors" / "tlog"
TREE = json.loads((VECTORS / "tiles-70000.json").read_text())
EXAMPLES = json.loads((VECTORS / "c2sp-examples.json").read_text())


@pytest.fixture(scope="module")
def stored() -> dict[tuple[int, int, int], bytes]:
    """Every tile of the vectors' tree of 70,000 leaves, built level by level."""
    leaves = [merkle.leaf_hash(b"%d" % index) for index in range(TREE["size"])]
    _, completed = merkle.Edge.empty().grow(leaves)
    nodes = {row.level: row.hashes for row in completed}
    return {
        (level, n, width): b"".join(nodes[height][i] for height, i in tile.tile_coordinates(level, n, width))
        for level, n, width in tile.tiles_for(TREE["size"])
    }


def test_every_tile_of_a_tree_of_70000_leaves_has_the_published_bytes_and_path(stored):
    """All 277 tiles agree with the vectors, and there are no others."""
    ours = {tile.tile_path(*key): hashlib.sha256(body).hexdigest() for key, body in stored.items()}
    assert ours == TREE["tiles_sha256"]


def test_the_counts_of_the_tlog_tiles_text_come_out():
    """273 full and one of 112, one full and one of 17, one of 1."""
    counts = EXAMPLES["tile_counts_70000"]
    tiles = tile.tiles_for(70_000)
    full = {level: sum(1 for at, _, width in tiles if at == level and width == 256) for level in (0, 1, 2)}
    partial = {level: width for level, _, width in tiles if width < 256}
    assert full == {0: counts["level0_full"], 1: counts["level1_full"], 2: 0}
    assert partial == {
        0: counts["level0_partial_width"],
        1: counts["level1_partial_width"],
        2: counts["level2_partial_width"],
    }


def test_entry_bundles_have_the_published_bytes():
    """Five bundles of the same tree agree with the vectors, and decode to what went in."""
    for path, expected in TREE["entry_bundles_sha256"].items():
        bundle = tile.parse_path(path)
        assert bundle.level is None
        entries = [b"%d" % (bundle.n * 256 + position) for position in range(bundle.width)]
        encoded = tile.encode_bundle(entries)
        assert hashlib.sha256(encoded).hexdigest() == expected
        assert tile.decode_bundle(encoded, bundle.width) == entries


def test_large_indexes_are_written_in_groups_of_three():
    """The examples of the vectors and of the tlog-tiles text, both ways."""
    for number, written in [*TREE["index_path_examples"].items(), *EXAMPLES["index_path"].items()]:
        if number == "source_path":
            continue
        path = f"tile/3/{written}"
        assert tile.tile_path(3, int(number)) == path
        assert tile.parse_path(path) == Tile(3, int(number), 256)


def test_proofs_read_from_tiles_are_those_of_the_tree(stored):
    """Inclusion, consistency and multiproofs come out of stored tiles, each tile read once a call."""
    size = TREE["size"]
    asked: list[tuple[int, int, int]] = []

    def read_tile(level, n, width):
        asked.append((level, n, width))
        return stored[level, n, width]

    read = tile.node_reader(size, read_tile)
    root = merkle.tree_root(size, read)
    assert root == base64.b64decode(TREE["root_b64"])
    rng = random.Random(70_000)
    for index in [0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999, *rng.sample(range(size), 50)]:
        asked.clear()
        proof = merkle.inclusion_proof(index, size, read)
        assert len(asked) == len(set(asked)) <= 6
        merkle.verify_inclusion(merkle.leaf_hash(b"%d" % index), index, size, proof, root)
    for old in [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 69_999, size, *rng.sample(range(size), 30)]:
        old_root = merkle.tree_root(old, read)
        merkle.verify_consistency(old, old_root, size, root, merkle.consistency_proof(old, size, read))
    indexes = sorted(rng.sample(range(size), 300))
    nodes = read(merkle.multiproof_coordinates(indexes, size))
    leaves = {index: merkle.leaf_hash(b"%d" % index) for index in indexes}
    assert merkle.root_from_multiproof(leaves, size, nodes) == root


def test_nodes_of_every_small_tree_come_out_of_its_tiles():
    """For sizes around one and two tiles, every perfect subtree read from tiles is the reference's."""
    for size in [1, 2, 3, 255, 256, 257, 511, 512, 515]:
        leaves = [b"%d" % index for index in range(size)]
        _, completed = merkle.Edge.empty().grow([merkle.leaf_hash(leaf) for leaf in leaves])
        nodes = {row.level: row.hashes for row in completed}
        read = tile.node_reader(
            size,
            lambda level, n, width, nodes=nodes: b"".join(
                nodes[height][i] for height, i in tile.tile_coordinates(level, n, width)
            ),
        )
        for level in range(size.bit_length()):
            coordinates = [(level, index) for index in range(size >> level)]
            assert read(coordinates) == [
                reference.mth(leaves[index << level : (index + 1) << level]) for _, index in coordinates
            ]


@pytest.mark.threat("T45")
@pytest.mark.parametrize("spoil", [b"", b"\0" * 31, b"\0" * 33, b"\0" * 64])
def test_a_tile_of_another_length_is_refused(spoil):
    """A short, long or empty tile raises Malformed and names the path."""
    read = tile.node_reader(1, lambda _level, _n, _width: spoil)
    with pytest.raises(Malformed, match=r"tile/0/000\.p/1"):
        read([(0, 0)])


@pytest.mark.parametrize("coordinate", [(0, 3), (1, 1), (2, 0), (0, -1), (-1, 0)])
def test_nodes_that_a_tree_of_three_has_not_are_an_error(coordinate):
    """Asking for a node outside the tree, or one that is not perfect, is the caller's mistake."""
    read = tile.node_reader(3, lambda _level, _n, width: bytes(32 * width))
    with pytest.raises(ValueError, match="no perfect subtree"):
        read([coordinate])


@settings(deadline=None)
@given(st.integers(0, 5_000_000), st.integers(0, 200_000))
def test_the_tiles_between_two_sizes_are_exactly_the_new_ones(old_size, growth):
    """What is written for a larger tree is what the smaller tree did not have, in the same order."""
    size = old_size + growth
    old = set(tile.tiles_for(old_size))
    assert tile.tiles_between(old_size, size) == [each for each in tile.tiles_for(size) if each not in old]


def test_a_log_does_not_shrink():
    """Tiles between a larger and a smaller size are an error."""
    with pytest.raises(ValueError, match="does not become"):
        tile.tiles_between(2, 1)


@given(
    st.one_of(st.none(), st.integers(0, 63)),
    st.integers(0, 10**15),
    st.integers(1, 256),
)
def test_paths_are_read_back(level, n, width):
    """Whatever path is written is read as the same tile."""
    assert tile.parse_path(Tile(level, n, width).path) == Tile(level, n, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x001",
        "tile/0/001/067",
        "tile/0/x001/x067",
        "tile/0/x000/067",  # no empty groups in front
        "tile/0/x1/067",
        "tile/0/067/",
        "/tile/0/067",
        "tile/0/067\n",
        "tile/00/067",
        "tile/64/067",
        "tile/-1/067",
        "tile/+1/067",
        "tile//067",
        "tile/0/067.p",
        "tile/0/067.p/",
        "tile/0/067.p/0",
        "tile/0/067.p/00",
        "tile/0/067.p/05",
        "tile/0/067.p/256",
        "tile/0/067.p/999",
        "tile/0/067.p/-1",
        "tile/0/067.p/5/",
        "tile/0/067.p5",
        "tile/0/x001.p/5/067",
        "tile/0/٠٦٧",
        "tile/٠/067",
        "tile/0/../067",
        "tile/0/%30%36%37",
        "tile/data/067",
        "tile/entries/x000/000",
        "tile/entries/000.p/256",
        "tile/ENTRIES/000",
        "tile/0/" + "x999/" * 7 + "999",
        "checkpoint",
    ],
)
def test_other_paths_are_refused(path):
    """Only what the writer writes is a path."""
    with pytest.raises(Malformed):
        tile.parse_path(path)


@pytest.mark.parametrize(
    "call",
    [
        lambda: tile.tile_path(64, 0),
        lambda: tile.tile_path(-1, 0),
        lambda: tile.tile_path(0, -1),
        lambda: tile.tile_path(0, 0, 0),
        lambda: tile.entries_path(0, 257),
        lambda: tile.encode_bundle([]),
        lambda: tile.encode_bundle([b""] * 257),
        lambda: tile.encode_bundle([bytes(65_536)]),
    ],
)
def test_what_cannot_be_is_not_written(call):
    """Tiles and bundles outside the format raise ValueError."""
    with pytest.raises(ValueError):
        call()


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=20), st.data())
def test_a_bundle_is_read_back_and_nothing_near_it(entries, data):
    """Cut short, longer, or read for another number of entries, a bundle is refused."""
    encoded = tile.encode_bundle(entries)
    assert tile.decode_bundle(encoded, len(entries)) == entries
    cut = data.draw(st.integers(0, len(encoded) - 1))
    for spoilt, width in [
        (encoded[:cut], len(entries)),
        (encoded + b"\0", len(entries)),
        (encoded, len(entries) + 1),
        (encoded, len(entries) - 1),
    ]:
        with pytest.raises(Malformed):
            tile.decode_bundle(spoilt, width)


def test_entries_may_be_as_long_as_the_length_allows():
    """65,535 bytes are the most, and none is allowed too."""
    entries = [bytes(65_535), b"", b"x"]
    assert tile.decode_bundle(tile.encode_bundle(entries), 3) == entries
