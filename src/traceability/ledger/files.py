"""Files that appear whole and stay: what folders of a public log are made of."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Protocol

CHECKPOINT = "checkpoint"
"""Where the newest signed checkpoint lies in a folder of a log, and under its address."""


def put(path: Path, body: bytes) -> None:
    """The file appears whole, and stays when the power goes out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(prefix=".", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


class Shelf(Protocol):
    """Where the files of a public log lie: a folder, or a bucket. Its text says where that is."""

    def get(self, path: str) -> bytes | None:
        """The file's bytes; None where there is none."""
        ...

    def put(self, path: str, body: bytes) -> None:
        """The file appears whole, in the place of one that was there."""
        ...

    def drop(self, path: str) -> None:
        """Takes away everything below that path."""
        ...


class Folder:
    """A folder of this machine as a shelf. Raises OSError where it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def get(self, path: str) -> bytes | None:
        found = self.path / path
        return found.read_bytes() if found.exists() else None

    def put(self, path: str, body: bytes) -> None:
        put(self.path / path, body)

    def drop(self, path: str) -> None:
        shutil.rmtree(self.path / path, ignore_errors=True)
