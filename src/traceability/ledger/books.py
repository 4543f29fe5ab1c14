"""The roots of the book at the sizes that snapshots speak of, worked out while a log is replayed."""

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping

import msgspec

from traceability.core import book_tree
from traceability.core.book_tree import Tiles
from traceability.core.outcome import Appended
from traceability.core.record import Address, Place
from traceability.core.registry_records import Book
from traceability.core.state import SubjectRecord
from traceability.ledger.view import View


class Books:
    """The book as replayed entries make it; its roots at `sizes`, and its tiles as of the size `tiles_at`."""

    def __init__(self, sizes: Iterable[int], tiles_at: int | None = None) -> None:
        self.roots: dict[int, bytes] = {}
        self.findings: dict[int, bytes] = {}
        """At the same sizes the digest of all findings so far: SHA-256 over index (8 bytes) and SHA-256 of each."""
        self.kept: Tiles = {}
        """The tiles as of `tiles_at`, once that many entries were replayed."""
        self.kept_subjects = 0
        self._waiting = deque(sorted({*sizes, *([] if tiles_at is None else [tiles_at])}))
        self._tiles_at = tiles_at
        self._tiles: Tiles = {}
        self._changed: dict[int, tuple[Address, Place]] = {}
        self._subjects = 0
        self._noticed = hashlib.sha256()
        self._index = 0

    def reach(self, size: int) -> None:
        """So many entries were replayed, and the next is to come."""
        self._index = size
        while self._waiting and self._waiting[0] <= size:
            at = self._waiting.popleft()
            if at < size:
                continue  # entries are missing there
            leaves = {number: book_tree.leaf(*line) for number, line in self._changed.items()}
            self._changed.clear()
            self._tiles.update(book_tree.changed(self._read, leaves))
            self.roots[at] = book_tree.root(self._read, self._subjects)
            self.findings[at] = self._noticed.digest()
            if at == self._tiles_at:
                self.kept, self.kept_subjects = dict(self._tiles), self._subjects

    def keep(self, outcome: Appended) -> None:
        """What the next entry changed."""
        if not self._waiting:
            return
        for finding in outcome.findings:
            digest = hashlib.sha256(finding.to_json()).digest()
            self._noticed.update(self._index.to_bytes(8, "big") + digest)
        for address, record in outcome.changes.items():
            if isinstance(record, SubjectRecord) and record.place.number >= 0:
                self._changed[record.place.number] = (address, record.place)
            elif isinstance(record, Book):
                self._subjects = record.size

    def _read(self, level: int, n: int) -> bytes:
        return self._tiles.get((level, n), b"")


class _Body(msgspec.Struct):
    size: int


class _Stating(msgspec.Struct):
    kind: str
    body: _Body


_KINDS: Mapping[str, bytes] = {kind: f'"kind":"{kind}"'.encode() for kind in ("snapshot", "attestation")}


def sizes_stated(log: View) -> set[int]:
    """The sizes that snapshots and attestations of this log speak of, as far as they can be read."""
    found = set()
    snapshot, attestation = _KINDS.values()
    for (payload,) in log.stream("SELECT payload FROM entry"):
        if isinstance(payload, bytes) and (snapshot in payload or attestation in payload):
            try:
                stating = msgspec.json.decode(payload, type=_Stating)
            except msgspec.MsgspecError:
                continue  # another kind, in a note say; or damaged, which the replay tells
            if stating.kind in _KINDS and stating.body.size > 0:
                found.add(stating.body.size)
    return found
