"""What a disk may hold after the power went out: files and folders, with what was synced and what was not.

A write, a cut or a new name is certain once its file or its folder has been synced after it. Until then any
part of it may be there: nothing, all, or some sectors of some writes, also later ones without earlier ones.
Names of one folder are kept in the order in which they were given (a journal does that), up to any point.
"""

import itertools
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from preload import Call

Files = dict[str, bytes]
"""Content by path."""
SECTORS = (512, 4096)
DROPPED, KEPT = -1, -2
"""Crashes at which nothing unsynced is there, or all of it; any other number is the seed of a part."""


class Inode:
    """A file's content: what is certain, and what has been done to it since."""

    def __init__(self, content: bytes = b"") -> None:
        self.certain = bytearray(content)
        self.since: list[tuple[int, bytes | None]] = []

    def write(self, at: int, data: bytes | None) -> None:
        """`data` written at an offset; None: cut to that size."""
        self.since.append((at, data))

    def sync(self) -> None:
        for at, data in self.since:
            _apply(self.certain, at, data)
        self.since.clear()

    def after(self, crash: int, chance: random.Random) -> bytes:
        if crash == DROPPED or not self.since:
            return bytes(self.certain)
        content = bytearray(self.certain)
        for at, data in self.since:
            if crash == KEPT:
                _apply(content, at, data)
            elif chance.random() < 0.5:
                for start, piece in _pieces(at, data, chance):
                    _apply(content, start, piece)
        return bytes(content)


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
        return
    if at > len(content):
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data


def _pieces(at: int, data: bytes | None, chance: random.Random) -> list[tuple[int, bytes | None]]:
    """All of a write, or some of its sectors."""
    if data is None or chance.random() < 0.5:
        return [(at, data)]
    size = chance.choice(SECTORS)
    cuts = [0, *range(size - at % size, len(data), size), len(data)]
    pieces = itertools.pairwise(cuts)
    return [(at + start, data[start:end]) for start, end in pieces if chance.random() < 0.5]


class Disk:
    """Files below some folders, and the calls made to them; `ignore` names files that need not last."""

    def __init__(self, files: Mapping[str, bytes], ignore: Callable[[str], bool] = lambda _: False) -> None:
        self._names = {path: Inode(content) for path, content in files.items()}
        self._certain: dict[str, Inode | None] = dict(self._names)
        self._renamed: dict[str, list[dict[str, Inode | None]]] = {}
        self._open: dict[int, str | Inode] = {}
        self._ignore = ignore

    def take(self, call: Call) -> None:
        """One more call has been made."""
        match call.kind:
            case "O":
                self._opened(call)
            case "C":
                self._open.pop(call.fd, None)
            case "R":
                source, target = call.data.decode().split("\n")
                self._name({source: None, target: self._names[source]})
            case "U":
                self._name({call.data.decode(): None})
            case "W" | "T" | "S":
                self._changed(call, self._open[call.fd])

    def after(self, crash: int) -> Files:
        """What is there if the power goes out now."""
        chance = random.Random(crash)
        names: dict[str, Inode | None] = dict(self._certain)
        for changes in self._renamed.values():
            kept = 0 if crash == DROPPED else len(changes)
            if crash >= 0:
                kept = chance.randrange(len(changes) + 1)
            for change in changes[:kept]:
                names.update(change)
        found = {path: inode for path, inode in sorted(names.items()) if inode is not None}
        return {path: inode.after(crash, chance) for path, inode in found.items() if not self._ignore(path)}

    @property
    def unsynced(self) -> bool:
        """Whether a crash now could lose anything."""
        return any(self._renamed.values()) or any(inode.since for inode in self._names.values())

    def _opened(self, call: Call) -> None:
        path = call.data.decode()
        if call.a & 2:
            self._open[call.fd] = path
            return
        if call.a & 1:
            self._name({path: Inode()})
        elif call.a & 4:
            self._names[path].write(0, None)
        # What was there before and is of no interest was not read in.
        self._open[call.fd] = self._names.setdefault(path, Inode())

    def _name(self, change: dict[str, Inode | None]) -> None:
        for path, inode in change.items():
            if inode is None:
                self._names.pop(path, None)
            else:
                self._names[path] = inode
        self._renamed.setdefault(str(Path(next(iter(change))).parent), []).append(change)

    def _changed(self, call: Call, what: str | Inode) -> None:
        if isinstance(what, str):
            if call.kind == "S":
                for change in self._renamed.pop(what, []):
                    self._certain.update(change)
        elif call.kind == "S":
            what.sync()
        else:
            what.write(call.a, call.data if call.kind == "W" else None)


def files_below(*folders: Path) -> Files:
    """Every file there, by path."""
    paths = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): path.read_bytes() for path in paths}
