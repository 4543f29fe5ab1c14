"""Cases of what a program does with a ledger, each tried with every fault at every call it makes to its disk."""

import ctypes
import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from children import Journal, fork, wait
from disk import Files
from recording import Place

from trade import LOG_SIGNER

KILL, KILL_AFTER, FAIL, FAIL_DONE, SHORT = 1, 2, 3, 4, 5


class Fault(NamedTuple):
    """What happens at the call, as `preload_arm` takes it."""

    name: str
    action: int
    error: int = 0
    lasting: bool = False


NO_FAULT = Fault("none", 0)
FAULTS = (
    Fault("killed before", KILL),
    Fault("EIO", FAIL, errno.EIO),
    Fault("killed after", KILL_AFTER),
    Fault("ENOSPC", FAIL, errno.ENOSPC),
    Fault("EIO though done", FAIL_DONE, errno.EIO),
    Fault("ENOSPC from then on", FAIL, errno.ENOSPC, lasting=True),
    Fault("EIO from then on", FAIL, errno.EIO, lasting=True),
)
OF_READS = (
    Fault("EIO", FAIL, errno.EIO),
    Fault("less than asked for", SHORT),
    Fault("EIO from then on", FAIL, errno.EIO, lasting=True),
)


class Library:
    """The library this process runs under."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(os.environ["LD_PRELOAD"])
        self._library.preload_calls.restype = ctypes.c_long
        self._library.preload_met.restype = ctypes.c_char_p

    def arm(self, n: int, fault: Fault = NO_FAULT) -> None:
        """The n-th call from now on meets the fault. 0: none, calls are counted; -1: none any more."""
        self._library.preload_arm(ctypes.c_long(n), fault.action, fault.error, int(fault.lasting))

    def reads(self, *, on: bool) -> None:
        """Whether it is calls that read which are counted and meet the fault, and no others."""
        self._library.preload_reads(int(on))

    def record(self, *, on: bool) -> None:
        """Whether calls are written down."""
        self._library.preload_quiet(int(not on))

    @property
    def calls(self) -> int:
        return int(self._library.preload_calls())

    @property
    def met(self) -> str:
        """The call that met it: its kind, and the path."""
        return str(self._library.preload_met().decode())


class Case(NamedTuple):
    """Something a program does with a ledger that lies as `before`, and what must be after it."""

    name: str
    before: Files
    work: Callable[[Callable[[], None]], None]
    """Does it in this process; calls what it is given when the faults may begin."""
    check: Callable[[str], None]
    """Raises AssertionError where something is not as it must be; is told at which call."""


class Trial:
    """One ledger, put back to where a case begins for each of its faults."""

    def __init__(self, folder: Path, every: int) -> None:
        self.disk = Library()
        self.disk.record(on=False)
        self.every = every
        self.place = Place(folder / "place")
        self.place.folder.mkdir()
        (self.place.folder / "log-key").write_text(LOG_SIGNER.encode() + "\n")
        self.out = folder / "out"
        self.out.mkdir()
        self.journal = Journal(folder / "journal")
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()
        self.fault = FAULTS[0]
        """The one that is tried now."""
        self._case = 0

    def put(self, files: Files) -> None:
        """The folder as it was; nothing is left of what was done since."""
        self.disk.arm(-1)
        for folder in (self.place.data, self.place.guard.parent, self.out):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        for path, content in files.items():
            Path(path).write_bytes(content)
        self.journal.path.write_bytes(b"")

    def chosen(self) -> bool:
        """Whether the next case is one of those that are tried."""
        self._case += 1
        return self._case % self.every == 0

    def run(self, case: Case, *, reads: bool = False) -> None:
        """Every fault at every call; or at every call that reads."""
        self.disk.reads(on=reads)
        calls = self.count(case)
        self.counts[f"{'reads' if reads else 'calls'} of {case.name}"] = calls
        for n in range(1, calls + 1):
            for fault in OF_READS if reads else FAULTS:
                if self.chosen():
                    self.try_one(case, n, fault)
        self.disk.reads(on=False)

    def count(self, case: Case) -> int:
        """How many calls there are without a fault."""
        self.put(case.before)
        counted = self.out.parent / "counted"

        def work() -> None:
            case.work(lambda: self.disk.arm(0))
            counted.write_text(str(self.disk.calls))

        assert wait(fork(work)) == 0, case.name
        case.check("")
        return int(counted.read_text())

    def try_one(self, case: Case, n: int, fault: Fault) -> None:
        self.counts["faults"] += 1
        self.fault = fault
        self.put(case.before)
        met = self.out.parent / "met"

        def work() -> None:
            case.work(lambda: self.disk.arm(n, fault))
            met.write_text(self.disk.met)

        met.write_text("")
        ended = wait(fork(work))
        where = f"{case.name}, call {n}, {fault.name} ({met.read_text()})"
        # A call that fails by itself is not killed after.
        expected = {KILL: {-9}, KILL_AFTER: {-9, 0}}.get(fault.action, {0})
        if ended not in expected:
            self.problems.append(f"{where}: it ended with {ended}")
        self.judge(case, where)

    def judge(self, case: Case, where: str) -> None:
        try:
            case.check(where)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what is looked for
            self.problems.append(f"{where}: {error!r}")
