"""How much room is left on the disks of the ledger's file and of the guard, and that some of it is kept for reading.

On a disk that is really full reads end too: a signed one writes its nonce down, and SQLite's readers need a few pages
more where its journal has grown. So events are refused while less than RESERVE_BYTES are left: that is the journal
carried over into the file, what is under way by then, and what reads need for days. As soon as there is more they are
taken again. What a PostgreSQL has left it tells nobody.
"""

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from traceability.api.guesses import Clock
from traceability.api.problems import Problem

RESERVE_BYTES = 128 << 20
LOOK_SECONDS = 1.0


class Room(NamedTuple):
    """One file system: what an ordinary program may still write to it, and that with what is written, in bytes."""

    free: int
    size: int


class Space:
    """The file systems on which these files of the ledger lie, by what they are."""

    def __init__(
        self, files: Mapping[str, Path], reserve: int = RESERVE_BYTES, clock: Clock = time.monotonic
    ) -> None:
        self._files = files
        self._reserve = reserve
        self._clock = clock
        self._looked = -LOOK_SECONDS
        self._full: str | None = None

    def rooms(self) -> dict[str, Room]:
        """The room of each, where it can be told."""
        found = {}
        for name, path in self._files.items():
            with contextlib.suppress(OSError):
                told = os.statvfs(path.parent)
                used = told.f_blocks - told.f_bfree
                found[name] = Room(told.f_bavail * told.f_frsize, (used + told.f_bavail) * told.f_frsize)
        return found

    @property
    def full(self) -> str | None:
        """Why no event is taken; None while there is room. Looked at anew after LOOK_SECONDS."""
        now = self._clock()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._full = next(
                (
                    f"the disk of the {name} has {room.free:,} bytes left; {self._reserve:,} are kept for reading"
                    for name, room in self.rooms().items()
                    if room.free < self._reserve
                ),
                None,
            )
        return self._full

    def check(self) -> None:
        """Raises Problem 507 where nothing more may be stored."""
        full = self.full
        if full is not None:
            raise Problem("disk_full", full)
