"""A mirror: somebody else's log, copied file by file, each verified against the root that was signed.

The folder has the layout of `publish` (C2SP tlog-tiles) and can be served by any static server. A checkpoint
is taken only when its log has signed it, a quorum stands under it where one is asked for, and its tree begins with
everything that was seen before. Then

1. the partial tiles on the right edge are fetched: together they give the root, or nothing is believed;
2. full tiles from the top down: the root over each is the hash that stands for it in the tile above;
3. beside each tile of leaves its entries, whose hashes are the leaves;
4. at last the checkpoint. Until then the folder shows the older log, whole.

Cut short anywhere, the next run goes on: what is in the folder is verified like what comes. The checkpoint that was
being fetched is remembered (`.newest`), so that a log which shows another one after a pause is caught.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from traceability.core import merkle, tile
from traceability.core.checkpoint import OpenedCheckpoint
from traceability.core.errors import Invalid, Malformed, TraceabilityError
from traceability.core.merkle import HASH_SIZE, NodeReader
from traceability.core.misbehaviour import Misbehaviour, compare
from traceability.core.tile import TILE_HEIGHT, TILE_WIDTH, Tile
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger.files import CHECKPOINT, put
from traceability.witness.proofs import keep_proof
from traceability.witness.remote import RemoteLog

_NEWEST = ".newest"
_RECENT_MAX = 64
SIZE_MAX = 1 << 40
"""Whoever signs a larger size wants to fill disks."""


class NotMirrored(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """The folder was not brought further; the message says why."""


class NotYet(NotMirrored):
    """The same, and the next time may be better: a replica was behind, or witnesses have not come yet."""


class TwoHistories(NotMirrored):
    """The log has signed two checkpoints that exclude each other; the proof lies in `file`."""

    def __init__(self, message: str, file: Path) -> None:
        super().__init__(message)
        self.file = file


class Mirrored(NamedTuple):
    """What is in the folder now: the log, its size, and how many files were written."""

    origin: str
    size: int
    files: int


def mirror(
    log: RemoteLog, folder: Path, policy: TrustPolicy, wrote: Callable[[str], object] = lambda _: None
) -> Mirrored:
    """Brings the folder to the newest checkpoint. `wrote` is told each path. Raises NotMirrored or Unreachable."""
    note = log.checkpoint()
    newest = _open(note, policy, log.url)
    if not policy.judge(newest).holds:
        raise NotYet(f"the checkpoint at {log.url} lacks the quorum of the policy: nothing was copied")
    new = newest.checkpoint
    held_size = 0
    for name in (CHECKPOINT, _NEWEST):
        path = folder / name
        if path.exists():
            seen = _open(path.read_bytes(), policy, str(path))
            if name == CHECKPOINT:
                held_size = seen.checkpoint.size
            # Of what was copied whole the tiles are here, should the log not show them any more.
            ours = name == CHECKPOINT and held_size > new.size
            read = tile.node_reader(held_size, _reading(folder)) if ours else None
            _check_growth(seen, newest, log, folder, read)
    put(folder / _NEWEST, note)
    copy = _Copy(log, folder, newest, wrote)
    files = copy.bring(held_size)
    path = folder / CHECKPOINT
    if not path.exists() or path.read_bytes() != note:
        put(path, note)
        wrote(CHECKPOINT)
        files += 1
    (folder / _NEWEST).unlink()
    for outgrown in copy.outgrown:
        shutil.rmtree(outgrown, ignore_errors=True)
    return Mirrored(new.origin, new.size, files)


def _open(note: bytes, policy: TrustPolicy, where: str) -> OpenedCheckpoint:
    try:
        return policy.open_checkpoint(note)
    except TraceabilityError as error:
        raise NotMirrored(f"the checkpoint at {where} is not to be believed: {error}") from error


def _reading(folder: Path) -> Callable[[int, int, int], bytes]:
    def read(level: int, n: int, width: int) -> bytes:
        return (folder / tile.tile_path(level, n, width)).read_bytes()

    return read


def _check_growth(
    seen: OpenedCheckpoint, newest: OpenedCheckpoint, log: RemoteLog, folder: Path, read: NodeReader | None
) -> None:
    """Raises NotMirrored unless the newest tree begins with one that was seen.

    `read` gives nodes of the larger one; None to ask the log for them.
    """
    old, new = seen.checkpoint, newest.checkpoint
    if old.origin != new.origin:
        raise NotMirrored(f"{folder} holds the log {old.origin}, not {new.origin}: name another folder")
    try:
        found: Misbehaviour | None = compare(seen, newest, read or log.nodes(max(old.size, new.size)))
    except (Malformed, Invalid) as error:
        raise NotMirrored(
            f"{log.url} gives no proof that its {new.size} entries and the {old.size} seen are one log: {error}"
        ) from error
    if found is not None:
        file = keep_proof(folder, found)
        raise TwoHistories(
            f"{new.origin} has signed two histories, of {old.size} and of {new.size} entries", file
        )
    if new.size < old.size:
        raise NotYet(f"{log.url} shows {new.size} entries, fewer than the {old.size} it has shown before")


class _Copy:
    """One run towards one checkpoint."""

    def __init__(
        self, log: RemoteLog, folder: Path, newest: OpenedCheckpoint, wrote: Callable[[str], object]
    ) -> None:
        self._log = log
        self._folder = folder
        self._new = newest.checkpoint
        self._wrote = wrote
        self._edge: dict[tuple[int, int], bytes] = {}
        """The partial tiles, by level and index: at most one of each level."""
        self._recent: dict[tuple[int, int], bytes] = {}
        """Some full tiles above the leaves that were verified last."""
        self._files = 0
        self.outgrown: list[Path] = []
        """Folders of partial tiles that have become full."""

    def bring(self, held_size: int) -> int:
        """Writes every file that the tree has and that of `held_size` has not; how many were not there already."""
        size = self._new.size
        if size > SIZE_MAX:
            raise NotMirrored(f"{size} entries are more than any log has: nothing was copied")
        rows = [(level, size >> level * TILE_HEIGHT) for level in range(-(-size.bit_length() // TILE_HEIGHT))]
        for level, count in rows:
            n, width = divmod(count, TILE_WIDTH)
            if width and size != held_size:
                self._edge[level, n] = self._log.tile(level, n, width)
        if self._edge:
            self._check_edge(self._edge)
        for level, count in reversed(rows):
            full = count // TILE_WIDTH
            for n in range((held_size >> level * TILE_HEIGHT) // TILE_WIDTH, full):
                self._keep_tile(level, n, TILE_WIDTH, self._full_tile(level, n))
            if (level, full) in self._edge:
                self._keep_tile(level, full, count % TILE_WIDTH, self._edge[level, full])
        return self._files

    def _keep_tile(self, level: int, n: int, width: int, data: bytes) -> None:
        self._keep(Tile(level, n, width), data)
        if level == 0:
            self._keep(Tile(None, n, width), self._bundle(n, width, data))

    def _check_edge(self, tiles: dict[tuple[int, int], bytes]) -> None:
        def read(level: int, n: int, _: int) -> bytes:
            return tiles[level, n]

        try:
            root = merkle.tree_root(self._new.size, tile.node_reader(self._new.size, read))
        except Malformed as error:
            raise NotMirrored(f"a tile at {self._log.url} is not one: {error}") from error
        if root != self._new.root:
            raise NotMirrored(f"the tiles at {self._log.url} do not give the root that was signed")

    def _full_tile(self, level: int, n: int) -> bytes:
        above, position = divmod(n, TILE_WIDTH)
        wanted = self._tile_above(level + 1, above)[position * HASH_SIZE : (position + 1) * HASH_SIZE]

        def good(data: bytes) -> bool:
            return len(data) == TILE_WIDTH * HASH_SIZE and tile.full_root(data) == wanted

        path = Tile(level, n, TILE_WIDTH).path
        return self._there(path, good) or self._come(self._log.tile(level, n, TILE_WIDTH), path, good)

    def _tile_above(self, level: int, n: int) -> bytes:
        """A tile above, verified before, or now from what an earlier run or this one has written."""
        found = self._edge.get((level, n)) or self._recent.get((level, n))
        if found is None:
            found = self._recent[level, n] = self._full_tile(level, n)
            if len(self._recent) > _RECENT_MAX:
                del self._recent[next(iter(self._recent))]
        return found

    def _bundle(self, n: int, width: int, leaves: bytes) -> bytes:
        def good(data: bytes) -> bool:
            try:
                entries = tile.decode_bundle(data, width)
            except Malformed:
                return False
            return b"".join(map(merkle.leaf_hash, entries)) == leaves

        path = Tile(None, n, width).path
        return self._there(path, good) or self._come(self._cut(self._log.bundle(n, width), width), path, good)

    def _cut(self, data: bytes, width: int) -> bytes:
        """The first entries of a bundle that may be the full one."""
        position = 0
        for _ in range(width):
            position += 2 + int.from_bytes(data[position : position + 2], "big")
        return data[:position]

    def _there(self, path: str, good: Callable[[bytes], bool]) -> bytes | None:
        """What an earlier run has left there, if it is what it must be."""
        file = self._folder / path
        data = file.read_bytes() if file.exists() else b""
        return data if good(data) else None

    def _come(self, data: bytes, path: str, good: Callable[[bytes], bool]) -> bytes:
        if not good(data):
            raise NotMirrored(f"{path} at {self._log.url} is not what was signed")
        return data

    def _keep(self, wanted: Tile, data: bytes) -> None:
        path = self._folder / wanted.path
        parts = self._folder / f"{wanted.path}.p"
        if wanted.width == TILE_WIDTH and parts.exists():
            self.outgrown.append(parts)
        if not path.exists() or path.read_bytes() != data:
            put(path, data)
            self._files += 1
            self._wrote(wanted.path)
