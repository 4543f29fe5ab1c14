"""The garbage collector, while many objects are made that all stay."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def resting() -> Iterator[None]:
    """Keeps the collector from walking over everything that is being parsed, again and again.

    It walks over what is there when this ends: best nothing but the answer.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
