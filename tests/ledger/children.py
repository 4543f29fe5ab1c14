"""Real other processes for tests: forked, with stores and ledgers of their own, and killed without mercy."""

import os
import signal
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

from traceability.ledger.guard import FileGuard
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger
from trade import LOG_SIGNER


def fork(work: Callable[[], object]) -> int:
    """Runs `work` in another process, which then ends at once; its process id."""
    with warnings.catch_warnings():
        # The child opens everything it uses itself and never returns here.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001  # nobody else would ever see it
        traceback.print_exc()
    finally:
        os._exit(code)


def wait(pid: int) -> int:
    """How the process ended: its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def die() -> None:
    """kill -9, by one's own hand."""
    os.kill(os.getpid(), signal.SIGKILL)


def open_ledger(url: str, guard: Path, **more) -> Ledger:
    """The ledger, with connections of this process."""
    return Ledger(Store(url), FileGuard(guard, LOG_SIGNER.verifier.encode()), LOG_SIGNER, **more)


class Journal:
    """What a process was told, on disk before it is told the next thing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def note(self, event_id: str, index: int, stands: bool) -> None:
        os.write(self._file, f"{event_id} {index} {int(stands)}\n".encode())

    def read(self) -> dict[str, tuple[int, bool]]:
        lines = [line.split() for line in self.path.read_text().splitlines()]
        return {event_id: (int(index), stands == "1") for event_id, index, stands in lines}
