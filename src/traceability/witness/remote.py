"""Somebody else's log, read over its public files (C2SP tlog-tiles). Nothing it says is believed here.

Whoever reads compares what comes with a root that was signed: `core.tile` and `core.merkle` do that.
"""

from functools import lru_cache
from http import HTTPStatus
from typing import Self

from traceability.core.merkle import HASH_SIZE, NodeReader
from traceability.core.note import NOTE_SIZE_MAX
from traceability.core.tile import ENTRY_SIZE_MAX, TILE_WIDTH, entries_path, node_reader, tile_path
from traceability.ledger.files import CHECKPOINT
from traceability.witness.peers import SECONDS, Peer, Unreachable
from traceability.witness.protocol import monitoring_path

_TILE_SIZE_MAX = TILE_WIDTH * HASH_SIZE
_BUNDLE_SIZE_MAX = TILE_WIDTH * (2 + ENTRY_SIZE_MAX)


class RemoteLog:
    """A log at a URL. Every method raises Unreachable where there is no usable answer."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        """Raises ValueError for what is no http or https address."""
        self._peer = Peer(url, seconds)
        self.url = self._peer.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._peer.close()

    def checkpoint(self, origin: str | None = None) -> bytes:
        """Its newest checkpoint; with `origin` of a witness, the newest of that log which it cosigned."""
        path = f"/{CHECKPOINT}" if origin is None else monitoring_path(origin)
        found = self._get(path, NOTE_SIZE_MAX)
        if found is None:
            raise Unreachable(f"{self.url} has no {path[1:]} (404)")
        return found

    def tile(self, level: int, n: int, width: int) -> bytes:
        """The bytes of a tile. A partial one that is gone is cut out of the full one, as tlog-tiles wants it."""
        path = tile_path(level, n, width)
        found = self._get(f"/{path}", _TILE_SIZE_MAX)
        if found is None and width < TILE_WIDTH:
            full = self._get(f"/{tile_path(level, n)}", _TILE_SIZE_MAX)
            found = None if full is None else full[: width * HASH_SIZE]
        if found is None:
            raise Unreachable(f"{self.url} has no {path} (404)")
        return found

    def bundle(self, n: int, width: int) -> bytes:
        """The bytes of an entry bundle. Where a partial one is gone already, those of the full one."""
        path = entries_path(n, width)
        found = self._get(f"/{path}", _BUNDLE_SIZE_MAX)
        if found is None and width < TILE_WIDTH:
            found = self._get(f"/{entries_path(n)}", _BUNDLE_SIZE_MAX)
        if found is None:
            raise Unreachable(f"{self.url} has no {path} (404)")
        return found

    def nodes(self, size: int) -> NodeReader:
        """Reads nodes of its tree of `size` entries out of its tiles, asking for each once."""
        return node_reader(size, lru_cache(maxsize=256)(self.tile))

    def _get(self, path: str, size_max: int) -> bytes | None:
        """What lies there; None for 404, the only answer that means absence."""
        answer = self._peer.get(path, size_max)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status != HTTPStatus.OK:
            raise Unreachable(f"{self.url} answered {answer.status} for {path[1:]}")
        return answer.body
