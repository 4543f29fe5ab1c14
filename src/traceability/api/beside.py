"""Work that goes on in a thread beside the requests."""

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def running(name: str, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """While this lasts, `work` runs in a thread of that name; it ends when the event it is given is set."""
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
