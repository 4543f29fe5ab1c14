"""The power goes out at every moment of a server's life: what is on the disk then is a good ledger.

    python tests/ledger/faults/powerloss.py [--states 100000] [--rounds 40] [--seed 1]

A real server takes events from four traders and two starts; what it writes, syncs, renames and answers is
written down call by call (`recording`). Then, for the moment after each call, disks are made as they may be
found after a power cut (`disk`): nothing that was not synced, all of it, and as many random parts as asked
for. In each, the ledger is opened again and

- every event that had been answered is there, at the index it was told;
- the guard knows of every checkpoint that had been sent to anybody, so an older database cannot pass it,
  and it refuses nothing;
- `fsck` finds nothing: no event is half there;
- sent again, every event is there exactly once, and the ledger goes on.

Disks with equal bytes are tried once, and the long part (`fsck`, and sending again) once for each ledger
and guard that the database shows after its own recovery, and for every hundredth disk anyhow.
"""

import argparse
import hashlib
import multiprocessing
import os
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import preload
from disk import DROPPED, KEPT, Disk, Files
from recording import MEMORY, Place, Recording, record_server, reopened
from sending import append

from traceability.core.signing import event_id
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded

CHANGES = "WTSRU"
ANSWERED = re.compile(rb'"event_id":"([0-9a-f]{64})","index":([0-9]+)')
SHOWN = re.compile(rb"ledger\.example\.org/test(?:\\n|\n)([0-9]+)(?:\\n|\n)")
LONG_EVERY = 100


class Promised:
    """What the server has said to anybody: indexes of events, and how long a log it has shown."""

    def __init__(self) -> None:
        self.events: dict[str, int] = {}
        self.size = 0

    def take(self, said: bytes) -> None:
        self.events.update({found[1].decode(): int(found[2]) for found in ANSWERED.finditer(said)})
        self.size = max([self.size, *(int(found[1]) for found in SHOWN.finditer(said))])


class Found(NamedTuple):
    """What a disk shows: its ledger and guard as a digest, the events in their order, the guard's size."""

    digest: bytes
    events: list[str]
    guarded: int


class Judge:
    """Looks at disks. `problems` says what was wrong, `counts` what was looked at."""

    def __init__(self, recording: Recording, place: Place, scratch: Path) -> None:
        self._recording = recording
        self._place = place
        self._scratch = Place(scratch)
        self._found: dict[bytes, Found] = {}
        self._long: set[bytes] = set()
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()

    def look(self, files: Files, promised: Promised, where: str) -> None:
        """One disk, on which all that was promised must be found."""
        self.counts["disks"] += 1
        hashed = hashlib.blake2b()
        for path, content in sorted(files.items()):
            hashed.update(b"%s %d " % (path.encode(), len(content)) + content)
        digest = hashed.digest()
        try:
            if digest not in self._found:
                self.counts["different disks"] += 1
                self._found[digest] = self._read(files)
                self._look_longer(files, promised, self._found[digest].digest)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what is looked for
            self.problems.append(f"{where}: {error!r}")
        found = self._found.get(digest)
        if found is None:
            return
        for event, index in promised.events.items():
            if index >= len(found.events) or found.events[index] != event:
                self.problems.append(f"{where}: {event} was answered with index {index}, and is not there")
                break
        if found.guarded < promised.size:
            self.problems.append(f"{where}: the guard holds {found.guarded}, {promised.size} had been shown")

    def _look_longer(self, files: Files, promised: Promised, shown: bytes) -> None:
        new = shown not in self._long
        if new or self.counts["different disks"] % LONG_EVERY == 0:
            self.counts["different ledgers"] += new
            self._long.add(shown)
            self._go_on(files, promised)

    def _write(self, files: Files) -> None:
        shutil.rmtree(self._scratch.folder, ignore_errors=True)
        self._scratch.data.mkdir(parents=True)
        self._scratch.guard.parent.mkdir()
        for path, content in files.items():
            (self._scratch.folder / Path(path).relative_to(self._place.folder)).write_bytes(content)

    def _read(self, files: Files) -> Found:
        """What SQLite makes of it, by itself."""
        self._write(files)
        connection = sqlite3.connect(self._scratch.data / "ledger.sqlite3")
        try:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            names = [
                name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            rows = [connection.execute(f"SELECT * FROM {name}").fetchall() for name in sorted(names)]
            payloads = connection.execute("SELECT payload FROM entry ORDER BY idx").fetchall()
        finally:
            connection.close()
        guard = self._scratch.guard.read_bytes()
        digest = hashlib.blake2b(repr(rows).encode() + guard).digest()
        return Found(digest, [event_id(payload) for (payload,) in payloads], int(guard.split()[1]))

    def _go_on(self, files: Files, promised: Promised) -> None:
        """The next start: all is good, nothing is refused, and what was sent is there once when sent again."""
        self._write(files)
        ledger = reopened(self._scratch)
        try:
            assert ledger.refusal is None, ledger.refusal
            for answer in append(ledger, *self._recording.sent):
                assert isinstance(answer, Recorded), answer
                assert promised.events.get(answer.event_id, answer.index) == answer.index
            with ledger.store.read() as view:
                assert view.head().size == self._recording.size_before + len(self._recording.sent)
        finally:
            ledger.close()
            ledger.store.close()
        self._write(files)
        ledger = reopened(self._scratch)
        report = fsck.check(ledger.store, ledger._guard)
        ledger.close()
        ledger.store.close()
        assert report.verdict == "good", report


def moments(recording: Recording) -> Iterator[tuple[int, Disk, Promised]]:
    """The disk, and what had been promised: first, after each call that changes a disk, and at the end."""
    disk, promised = Disk(recording.before, _passing), Promised()
    yield 0, disk, promised
    for number, call in enumerate(recording.calls, 1):
        if call.kind == "A":
            promised.take(call.data)
        else:
            disk.take(call)
        if call.kind in CHANGES or (call.kind == "O" and call.a & 1):
            yield number, disk, promised
    yield len(recording.calls), disk, promised


def _passing(path: str) -> bool:
    """Files that mean nothing after a crash: shared memory, locks, and what a guard was being written to."""
    return path.endswith(("-shm", ".lock"))


def without_syncs(calls: Sequence[preload.Call], word: str) -> list[preload.Call]:
    """The same calls, but that nothing was ever synced whose path has this word in it: to try the trial."""
    names: dict[int, str] = {}
    kept = []
    for call in calls:
        if call.kind == "O":
            names[call.fd] = call.data.decode()
        if call.kind != "S" or word not in names[call.fd]:
            kept.append(call)
    return kept


def crashes(count: int, seed: int, number: int) -> list[int]:
    """How the power goes out at one moment, in `count` ways."""
    return [DROPPED, KEPT, *(seed * 2**40 + number * 2**20 + way for way in range(count - 2))][:count]


def try_all(
    recording: Recording,
    place: Place,
    ways: int,
    seed: int = 1,
    share: tuple[int, int] = (0, 1),
    progress: Callable[[Judge], object] = lambda _: None,
) -> Judge:
    """Looks at `ways` disks for each moment of this share (its number, of how many)."""
    total = len(recording.calls) + 1
    with tempfile.TemporaryDirectory(dir=MEMORY) as scratch:
        judge = Judge(recording, place, Path(scratch) / "ledger")
        for number, disk, promised in moments(recording):
            if number * share[1] // total == share[0]:
                for crash in crashes(ways, seed, number) if disk.unsynced else [KEPT]:
                    judge.look(disk.after(crash), promised, f"after call {number}, crash {crash}")
                progress(judge)
        return judge


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--states", type=int, default=100_000, help="how many disks to look at, about")
    parser.add_argument("--rounds", type=int, default=40, help="of trade, twelve events each")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder).resolve())
        recording = record_server(place, given.rounds)
        changing = sum(1 for _ in moments(recording))
        ways = max(2, -(-given.states // changing))
        print(
            f"recorded {len(recording.calls)} calls, {len(recording.sent)} events; {changing} moments, {ways} disks each"
        )
        workers = os.cpu_count() or 1
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            jobs = [(recording, place, ways, given.seed, (n, workers)) for n in range(workers)]
            results = pool.starmap(_share, jobs)
    counts = sum((counts for counts, _ in results), Counter[str]())
    problems = [problem for _, found in results for problem in found]
    for problem in problems[:20]:
        print(problem)
    took = time.monotonic() - began
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"power loss: {said}; {len(problems)} problems; {took:.0f} s, seed {given.seed}")
    return 1 if problems else 0


def _share(
    recording: Recording, place: Place, ways: int, seed: int, share: tuple[int, int]
) -> tuple[Counter[str], list[str]]:
    last = time.monotonic()

    def progress(judge: Judge) -> None:
        nonlocal last
        if time.monotonic() - last > 10:
            last = time.monotonic()
            print(
                f"share {share[0]}: {judge.counts['disks']} disks, {len(judge.problems)} problems", flush=True
            )

    judge = try_all(recording, place, ways, seed, share, progress)
    return judge.counts, judge.problems


if __name__ == "__main__":
    sys.exit(main())
