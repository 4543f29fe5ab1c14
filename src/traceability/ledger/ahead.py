"""Another process that works ahead: it reads and verifies the next group while this one judges the present one.

It is ours, runs the same code, and is told everything through a pipe nobody else has. It decides nothing that
this process would not decide the same way: if it dies, hangs or cannot start, its work is done here.
"""

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from multiprocessing.connection import Connection

PATIENCE_SECONDS = 60
_LOG = logging.getLogger(__name__)

Work = Callable[[bytes], bytes]
"""A function of a module, by which each request is answered."""


class Ahead:
    """One process that answers requests in turn. Not shared by threads."""

    def __init__(self, work: Work) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, work), daemon=True, name="ahead")
        self._process.start()
        theirs.close()
        self._courier = ThreadPoolExecutor(1, "ahead")  # neither a full pipe nor a silent process stops us
        self._ready: Future[bytes] = self._courier.submit(self._pipe.recv_bytes)

    @property
    def ready(self) -> bool:
        """Whether it has started; to wait for it would take longer than the work."""
        return self._ready.done()

    def ask(self, request: bytes) -> "Future[bytes]":
        """Its answer, as soon as there is one."""
        return self._courier.submit(self._carry, request)

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._courier.shutdown()
        self._pipe.close()

    def _carry(self, request: bytes) -> bytes:
        self._pipe.send_bytes(request)
        return self._pipe.recv_bytes()


def answer_to(asked: "Future[bytes]") -> bytes | None:
    """The answer; None where the process has died or has said nothing for a minute."""
    try:
        return asked.result(PATIENCE_SECONDS)
    except (EOFError, OSError, Late) as error:
        _LOG.warning("the process that reads ahead is gone: %r", error)
        return None


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _serve(pipe: Connection, work: Work) -> None:
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # meant for the one who asks; when that one ends, so does the pipe
    pipe.send_bytes(b"ready")
    while True:
        try:
            request = pipe.recv_bytes()
        except EOFError:
            return
        pipe.send_bytes(work(request))
