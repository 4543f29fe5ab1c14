"""The public log as a folder of files (C2SP tlog-tiles), for any static server, object store or CDN.

    DIR/checkpoint      DIR/tile/0/000      DIR/tile/0/001.p/17      DIR/tile/entries/000      …

The tree of the published checkpoint is written and nothing beyond it. Each file appears whole, tiles before the
checkpoint that needs them, so whoever reads them at any moment, or copies them tiles first, has a log. A full tile
is written once; cut short, the next run goes on where it was. When the checkpoint is out, partial tiles that have
become full are taken away, as tlog-tiles allows.

What is on the shelf already is not trusted: its checkpoint must be of this log and its tree the beginning of
ours, and a full tile with other bytes stops everything: one of the two is damaged.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from traceability.core import tile
from traceability.core.checkpoint import Checkpoint
from traceability.core.errors import Malformed
from traceability.core.note import parse_note
from traceability.core.tile import TILE_WIDTH, Tile
from traceability.ledger import publish
from traceability.ledger.files import CHECKPOINT, Shelf
from traceability.ledger.store import Store


class NotPublished(Exception):  # noqa: N818
    """The shelf was not brought to the newest checkpoint; the message says why."""


class Published(NamedTuple):
    """What is on the shelf now: the size of its log, and how many files were written for it."""

    size: int
    files: int


def publish_to(store: Store, shelf: Shelf, wrote: Callable[[str], object] = lambda _: None) -> Published:
    """Brings the shelf to the newest published checkpoint. `wrote` is told each path.

    Raises NotPublished, and OSError where the shelf cannot be read or written.
    """
    with store.read() as view:
        found = view.checkpoint()
    if found is None:
        raise NotPublished("no checkpoint has been signed yet")
    size, note = found
    old_size = _held(store, shelf, _parse(note, "the ledger's own checkpoint"))
    files = 0
    for wanted in _resources(old_size, size):
        if _write_tile(store, shelf, wanted):
            files += 1
            wrote(wanted.path)
    if shelf.get(CHECKPOINT) != note:  # of the same size: witnesses have come to it
        shelf.put(CHECKPOINT, note)
        files += 1
        wrote(CHECKPOINT)
    for full in _resources(old_size, size):
        if full.width == TILE_WIDTH:
            shelf.drop(f"{full.path}.p")
    return Published(size, files)


def _parse(note: bytes, whose: str) -> Checkpoint:
    try:
        return Checkpoint.parse(parse_note(note)[0])
    except Malformed as error:
        raise NotPublished(f"{whose} cannot be read: {error}") from error


def _held(store: Store, shelf: Shelf, newest: Checkpoint) -> int:
    """The size of the log on the shelf, which must be the beginning of ours; 0 where there is none."""
    note = shelf.get(CHECKPOINT)
    if note is None:
        return 0
    held = _parse(note, f"{shelf}/{CHECKPOINT}")
    if held.origin != newest.origin:
        raise NotPublished(f"{shelf} holds the log {held.origin}, not {newest.origin}: name another folder")
    if held.size > newest.size:
        raise NotPublished(
            f"{shelf} holds {held.size} entries and this ledger has published {newest.size}: "
            "it was rolled back, or it is a copy; nothing was written"
        )
    with store.read() as view:
        root = view.root_at(held.size)
    if root != held.root:
        raise NotPublished(f"{shelf} holds another history of {held.origin}: keep it, it is evidence")
    return held.size


def _resources(old_size: int, size: int) -> Iterator[Tile]:
    """Every tile and entry bundle that the newer tree has and the older has not, the lowest level first."""
    for level, n, width in tile.tiles_between(old_size, size):
        if level == 0:
            yield Tile(None, n, width)
        yield Tile(level, n, width)


def _write_tile(store: Store, shelf: Shelf, wanted: Tile) -> bool:
    """Writes one file, unless it is there. Raises NotPublished where it is there with other bytes."""
    with store.read() as view:
        body = (
            publish.entries_body(view, wanted.n, wanted.width)
            if wanted.level is None
            else publish.tile_body(view, wanted.level, wanted.n, wanted.width)
        )
    if body is None:
        raise NotPublished(f"the ledger does not have {wanted.path}, which its checkpoint needs: run fsck")
    found = shelf.get(wanted.path)
    if found is None:
        shelf.put(wanted.path, body)
        return True
    if found != body:
        raise NotPublished(
            f"{shelf}/{wanted.path} is not what the ledger has: one of them is damaged, run fsck"
        )
    return False
