"""Files that appear whole and stay: what folders of a public log are made of."""

import os
import tempfile
from pathlib import Path

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
