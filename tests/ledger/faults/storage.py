"""Each call a ledger makes to its disk fails once, or is the last one of its process.

    python tests/ledger/faults/storage.py [--every 1]

Run by itself it starts again under the library of `preload.c`. For an append, a start after a crash, a
backup, a restore, the migration of an older ledger, and a beginning, the calls are counted; then the n-th call, for every n,

- is the last one: the process is killed before it, or after it;
- fails: EIO, ENOSPC, or EIO although it was done; once, or from then on.

Likewise the n-th call that reads fails with EIO, or gives less than was asked for.

The process goes on as it can. Then a start without faults must find everything that was answered, once and
at its index, and `fsck` nothing. A start after a crash is also killed itself, twice in a row; and the power
goes out after the start after the crash, when what it found was only in the machine's memory.

`--every 5` tries every fifth of these cases.
"""

import argparse
import contextlib
import errno
import io
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import preload
from children import die, fork, wait
from disk import DROPPED, KEPT, Files, files_below
from older import make_older
from powerloss import CHANGES, Judge, moments
from recording import MEMORY, Recording, begin, reopened
from sending import append, sent, some_trade
from trial import FAULTS, Case, Trial

from traceability.cli import run
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded, Refused
from traceability.ledger.database import Unusable
from traceability.ledger.guard import FileGuard
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import create
from trade import LOG_SIGNER, Office


class Traded:
    """The cases of a ledger with some trade in it."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.place = trial.place
        miner, trader = begin(self.place, "miner", "trader")
        self.groups = [some_trade(miner, trader) for _ in range(3)]
        ledger = reopened(self.place)
        append(ledger, *some_trade(miner, trader, 3))
        with ledger.store.read() as view:
            self.size = view.head().size
        ledger.close()
        ledger.store.close()
        self.whole = self._files()
        wait(fork(lambda: self._append(reopened(self.place, lambda name: name == "committed" and die()))))
        self.crashed = self._files()
        os.environ.update(DATA=str(self.place.data), GUARD=str(self.place.guard))
        os.environ["LOG_KEY"] = str(self.place.folder / "log-key")
        self.kept = self.place.folder / "kept"
        """A backup of it."""
        self.trial.put(self.whole)
        assert run(["backup", str(self.kept)]) == 0
        self.older = self._older("0003")

    def _files(self) -> Files:
        return files_below(self.place.data, self.place.guard.parent)

    @property
    def append(self) -> Case:
        return Case("append", self.whole, self._go_on, self.check)

    @property
    def start(self) -> Case:
        return Case("start after a crash", self.crashed, self._start, self.check)

    @property
    def commands(self) -> list[Case]:
        """A backup, its restoring, and a migration."""
        backup, target = self.trial.out / "backup", self.trial.out / "restored" / "ledger.sqlite3"
        return [
            self._by_command("backup", self.whole, ["backup", str(backup)], lambda _: self._whole(backup)),
            self._by_command(
                "restore",
                self.whole,
                ["restore", str(self.kept), "--data", str(target.parent)],
                lambda _: self._whole(target),
            ),
            self._by_command("migrate an older ledger", self.older, ["migrate"], self._migrated),
        ]

    def _by_command(
        self, name: str, before: Files, arguments: list[str], check: Callable[[str], None]
    ) -> Case:
        return Case(name, before, lambda begin: self._command(begin, arguments), check)

    def all(self) -> list[Case]:
        """Every case there is of this ledger."""
        return [self.append, self.start, *self.commands]

    def _older(self, revision: str) -> Files:
        """The ledger as an older version had it."""
        path = self.place.folder / "older.sqlite3"
        self.trial.put(self.whole)
        store = Store(self.place.url)
        make_older(store, f"sqlite:///{path}", revision)
        store.close()
        ledger = str(self.place.data / "ledger.sqlite3")
        guards = {name: content for name, content in self.whole.items() if not name.startswith(ledger)}
        return guards | {ledger: path.read_bytes()}

    def _migrated(self, where: str) -> None:
        """Done again, it is migrated; and the ledger is what it was."""
        migrate(self.place.url)
        self.check(where)

    def _append(self, ledger) -> None:
        for group in self.groups:
            for answer in append(ledger, *group):
                if isinstance(answer, Recorded):
                    self.trial.journal.note(answer.event_id, answer.index, answer.stands)
                else:
                    assert isinstance(answer, Refused), answer
                    assert answer.name in ("not_signing", "unavailable"), answer

    def _go_on(self, begin: Callable[[], None]) -> None:
        """Appends; and goes on appending after the fault, in the same process."""
        ledger = reopened(self.place)
        begin()
        self._append(ledger)
        kind, _, path = self.trial.disk.met.partition(" ")
        if kind == "S" and path.endswith(("ledger.sqlite3", "-wal")):
            # What the disk said of this sync was not true, and asking it again would not make it so.
            assert ledger.refusal is not None, f"it signs on after a failed sync of {path}"
        self.trial.disk.arm(-1)
        if kind == "W" and self.trial.fault.error == errno.ENOSPC and not self.trial.fault.lasting:
            # There is room again: this process goes on, without being started again.
            for group in self.groups:
                answers = append(ledger, *group)
                assert all(isinstance(answer, Recorded) for answer in answers), answers

    def _start(self, begin: Callable[[], None]) -> None:
        begin()
        with contextlib.suppress(Unusable):
            self._append(reopened(self.place))
        self.trial.disk.arm(-1)

    def _command(self, begin: Callable[[], None], arguments: list[str]) -> None:
        """A command, as a person runs it: it succeeds, or it says in a sentence why not."""
        begin()
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = run(arguments)
        self.trial.disk.arm(-1)
        assert code == 0 or len(said.getvalue()) > 20, said.getvalue()
        kind = self.trial.disk.met[:1]
        if code != 0 and kind != "U" and not self.trial.fault.lasting:
            left = [path for path in self.trial.out.rglob(".*") if path.is_file()]
            assert not left, left

    def _whole(self, path: Path) -> None:
        """What has its name is a ledger; and the ledger itself is as it was."""
        if path.exists():
            store = Store(f"sqlite:///{path}")
            report = fsck.check(store)
            store.close()
            assert (report.verdict, report.size) == ("good", self.size), report
        self.check("")

    def check(self, _: str) -> None:
        """What was answered is there; sent again, everything is there once; nothing is wrong."""
        ledger = reopened(self.place)
        try:
            assert ledger.refusal is None, ledger.refusal
            told = self.trial.journal.read()
            for answer in append(ledger, *(one for group in self.groups for one in group)):
                assert isinstance(answer, Recorded), answer
                assert told.get(answer.event_id, (answer.index, True)) == (answer.index, answer.stands)
                assert answer.known or answer.event_id not in told, (
                    "it was answered, and had to be sent again"
                )
            with ledger.store.read() as view:
                assert view.head().size == self.size + sum(map(len, self.groups))
            report = fsck.check(ledger.store, ledger._guard)
            assert report.verdict == "good", report
        finally:
            ledger.close()
            ledger.store.close()

    def interrupt(self) -> None:
        """A start after a crash is killed at each of its calls, and the start after that at each of its own."""
        calls = self.trial.count(self.start)
        killed = FAULTS[0]
        for first in range(1, calls + 1):
            for second in range(1, calls + 1):
                if not self.trial.chosen():
                    continue
                self.trial.counts["double faults"] += 1
                self.trial.put(self.crashed)
                for n in (first, second):
                    wait(fork(lambda n=n: self._start(lambda: self.trial.disk.arm(n, killed))))
                self.trial.judge(self.start, f"start killed at call {first}, then at {second}")

    def power(self) -> None:
        """Killed before each sync or rename of an append, and each other call that is chosen; started again and
        asked; then the power goes out."""
        calls = self.trial.count(self.append)
        made = self._recorded(lambda: self._go_on(lambda: self.trial.disk.arm(0)))
        kinds = [
            call.kind for call in made.calls if call.kind in CHANGES or (call.kind == "O" and call.a & 1)
        ]
        judge = None
        with tempfile.TemporaryDirectory() as scratch:
            for n, kind in enumerate(kinds[-calls:], 1):
                if kind not in "SR" and not self.trial.chosen():
                    continue
                killed = lambda n=n: self._go_on(lambda: self.trial.disk.arm(n, FAULTS[0]))  # noqa: E731
                made = self._recorded(killed, self._say)
                judge = judge or Judge(made, self.place, Path(scratch))
                for number, disk, promised in moments(made):
                    for crash in (DROPPED, KEPT, number) if promised.events else ():
                        judge.look(
                            disk.after(crash), promised, f"killed at call {n}, power lost after {number}"
                        )
        assert judge is not None
        self.trial.counts["disks after a kill"] = judge.counts["disks"]
        self.trial.problems += judge.problems

    def _recorded(self, *works: Callable[[], object]) -> Recording:
        """What these processes call, one after the other."""
        self.trial.put(self.whole)
        log = Path(os.environ["PRELOAD_LOG"])
        os.truncate(log, 0)
        self.trial.disk.record(on=True)
        for work in works:
            wait(fork(work))
        self.trial.disk.record(on=False)
        sent = [one for group in self.groups for one in group]
        return Recording(self.whole, list(preload.read(log)), sent, self.size)

    def _say(self) -> None:
        """Starts, and tells a client by a socket what is there: the first group, sent again."""
        ours, theirs = socket.socketpair()
        ledger = reopened(self.place)
        for answer in append(ledger, *self.groups[0]):
            assert isinstance(answer, Recorded), answer
            said = f'"event_id":"{answer.event_id}","index":{answer.index} {answer.checkpoint.decode()}'
            ours.send(said.encode())
            theirs.recv(65536)


class Beginning:
    """A database is brought to its schema, and a ledger begun in it."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.genesis = Office().genesis

    def case(self) -> Case:
        return Case("migrate and begin", {}, self._begin, self.check)

    def _begin(self, begin: Callable[[], None]) -> None:
        begin()
        with contextlib.suppress(Exception):
            self._make()
        self.trial.disk.arm(-1)

    def _make(self):
        place = self.trial.place
        migrate(place.url)
        guard = FileGuard(place.guard, LOG_SIGNER.verifier.encode())
        return create(Store(place.url), guard, LOG_SIGNER, sent(self.genesis))

    def check(self, _: str) -> None:
        """Done again, it is there, and good."""
        ledger = self._make()
        assert ledger.refusal is None, ledger.refusal
        report = fsck.check(ledger.store, ledger._guard)
        assert (report.verdict, report.size) == ("good", 1), report
        ledger.close()
        ledger.store.close()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument(
        "parts", nargs="*", help="append, start, commands, reads, interrupt, power, begin; absent: all"
    )
    given = parser.parse_args()
    began = time.monotonic()
    folder = Path(os.environ["PRELOAD_LOG"]).parent
    trial = Trial(folder, given.every)
    traded = Traded(trial)
    parts: dict[str, Callable[[], object]] = {
        "append": lambda: trial.run(traded.append),
        "start": lambda: trial.run(traded.start),
        "commands": lambda: [trial.run(case) for case in traded.commands],
        "reads": lambda: [trial.run(case, reads=True) for case in traded.all()],
        "interrupt": traded.interrupt,
        "power": traded.power,
        "begin": lambda: trial.run(Beginning(trial).case()),
    }
    for name in given.parts or parts:
        parts[name]()
        print(f"{name}: {dict(trial.counts)}, {len(trial.problems)} problems", flush=True)
    for problem in trial.problems[:40]:
        print(problem)
    said = ", ".join(f"{count} {name}" for name, count in trial.counts.items())
    print(f"storage: {said}; {len(trial.problems)} problems; {time.monotonic() - began:.0f} s")
    return 1 if trial.problems else 0


def start() -> int:
    """The same program again, under the library."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        folder = Path(name).resolve()
        under = {
            "TMPDIR": name,
            **preload.environment(folder / "place", folder / "out", log=folder / "calls"),
        }
        return os.spawnve(os.P_WAIT, sys.executable, [sys.executable, *sys.argv], {**os.environ, **under})


if __name__ == "__main__":
    sys.exit(main() if "PRELOAD_LOG" in os.environ else start())
