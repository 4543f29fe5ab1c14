"""The library of `preload.c`: made with the machine's C compiler, put under a program, and its record read.

    python tests/ledger/faults/preload.py

looks for a compiler, and as root on Debian installs one where there is none.
"""

import atexit
import functools
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("preload.c")
ADVICE = (
    "Storage faults are tried with a small C library: install gcc or clang with the headers of the C library, "
    "or name a compiler with CC. Without one, run the others: .venv/bin/pytest --ignore tests/ledger/faults"
)


def compiler() -> str | None:
    """The C compiler named by CC, or the first there is."""
    named = os.environ.get("CC")
    return next(filter(None, map(shutil.which, [named] if named else ["cc", "gcc", "clang"])), None)


@functools.cache
def library() -> Path:
    """The compiled library, for as long as this process runs. Raises RuntimeError, saying what to do."""
    found = compiler()
    if found is None:
        raise RuntimeError(ADVICE)
    folder = Path(tempfile.mkdtemp(prefix="traceability-preload-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "preload.so"
    done = subprocess.run(
        [found, "-shared", "-fPIC", "-O2", "-o", path, SOURCE, "-ldl", "-lpthread"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{ADVICE}\n{done.stderr}")
    return path


def environment(*roots: Path, log: Path | None = None) -> dict[str, str]:
    """What a program must find in its environment to be looked at below these folders."""
    given = {"LD_PRELOAD": str(library()), "PRELOAD_ROOTS": ":".join(str(root.resolve()) for root in roots)}
    return {**given, "PRELOAD_LOG": str(log)} if log is not None else given


class Call(NamedTuple):
    """One call: what kind, of which descriptor, two numbers and some bytes.

    `O` opened (a: 1 made, 2 a folder, 4 emptied; data: path), `C` closed, `W` written (a: offset), `T` cut
    (a: size), `S` synced, `R` renamed (data: two paths), `U` unlinked, `A` sent on a socket.
    """

    kind: str
    fd: int
    a: int
    data: bytes


def read(log: Path) -> Iterator[Call]:
    """The record, call by call; a last one that was cut off is left out."""
    head = struct.Struct("<5q")
    content = log.read_bytes()
    at = 0
    while at + head.size <= len(content):
        kind, fd, a, _, length = head.unpack_from(content, at)
        at += head.size
        if at + length > len(content):
            return
        yield Call(chr(kind), fd, a, content[at : at + length])
        at += length


def _install() -> None:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", "gcc", "libc6-dev"]):
            subprocess.run(["apt-get", "-qq", *command], env=quiet, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    if compiler() is None:
        _install()
    sys.exit(0 if compiler() else ADVICE)
