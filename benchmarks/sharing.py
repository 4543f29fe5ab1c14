"""Processes and threads beside each other, and what those who share something wait for: two processes the head of one log, the two threads of a server its interpreter.

For `append_postgres_scaling` and `make profile`. By the clock on the wall, with how busy the cores are; two processes also on a log each, which is
what these cores could do together if nothing was shared but the cores and the database server.
"""

import multiprocessing
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import ledgers, over_http
from benchmarks.ledgers import GROUP, Neighbours
from benchmarks.over_http import CONNECTIONS
from traceability.ledger.answers import Submission

EVENTS = 6_400
EACH = 40
"""Events a connection."""
_STEPS = {
    "locked": "waiting for the head",
    "read": "read and verified, before",
    "judged": "judged, under the lock",
    "written": "written, under the lock",
    "committed": "committed, under the lock",
}
_REST = "guarded, signed, answered, after"


class Place(NamedTuple):
    """A ledger: the URL of its database, and its guard."""

    url: str
    guard: Path


class Done(NamedTuple):
    """What processes did together: seconds of each step, how many events, in how many seconds, with how many cores busy."""

    steps: Counter[str]
    count: int
    seconds: float
    cores: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.count / self.seconds


def show_processes(genesis: Submission, folder: Path, rounds: int) -> None:
    """Prints where one process on PostgreSQL spends its time, where two on one log, and where two on a log each."""
    numbers = iter(range(1_000))
    with ledgers.postgres() as server:
        places = [Place(ledgers.database(server, f"beside{n}"), folder / f"beside{n}") for n in range(2)]
        for place in places:
            ledgers.end(ledgers.begin(*place, genesis))
        cases = {"one": places[:1], "two on one log": places[:1] * 2, "two on a log each": places}
        found: dict[str, list[Done]] = {case: [] for case in cases}
        for _ in range(rounds):
            for case, some in cases.items():
                found[case].append(together(some, numbers, EVENTS))
    print("\nprocesses on PostgreSQL, in groups of 1,024: µs an event of each process, by the wall")
    print(f"{'':34}" + "".join(f"{case:>20}" for case in cases))
    for step in (*_STEPS.values(), _REST):
        each = [statistics.median(d.steps[step] / d.count for d in found[case]) for case in cases]
        print(f"{step:34}" + "".join(f"{seconds * 1e6:20.0f}" for seconds in each))
    rates = [statistics.median(done.rate for done in found[case]) for case in cases]
    print(f"{'events a second':34}" + "".join(f"{rate:20,.0f}" for rate in rates))
    print(f"{'÷ one':34}" + "".join(f"{rate / rates[0]:20.2f}" for rate in rates))
    busy = [statistics.median(done.cores for done in found[case]) for case in cases]
    print(f"{'cores busy':34}" + "".join(f"{cores:20.2f}" for cores in busy), flush=True)


def together(places: Sequence[Place], numbers: Iterator[int], each: int) -> Done:
    """A process for each place, all at once, appends so many events of trade of its own, under the next number."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(len(places) + 1)
    done: Any = context.Queue()
    workers = [
        context.Process(target=_work, args=(place, next(numbers), each, ready, done)) for place in places
    ]
    for worker in workers:
        worker.start()
    ready.wait(120)
    began, busy = time.perf_counter(), _busy()
    told = [done.get(timeout=600) for _ in workers]
    seconds, busy = time.perf_counter() - began, _busy() - busy
    for worker in workers:
        worker.join()
    steps: Counter[str] = Counter()
    for taken, _ in told:
        steps.update(taken)
    return Done(steps, sum(count for _, count in told), seconds, busy / seconds)


def _work(place: Place, number: int, each: int, ready: Any, done: Any) -> None:
    people = Neighbours(number, 40)
    events = people.handoffs(each // 120)
    steps: Counter[str] = Counter()
    marks = [0.0]

    def reached(name: str) -> None:
        now = time.perf_counter()
        steps[_STEPS.get(name, _REST)] += now - marks[0]
        marks[0] = now

    ledger = ledgers.go_on(*place, reached)
    ledgers.all_recorded(ledger.append(people.opening))
    ready.wait()
    steps.clear()
    marks[0] = time.perf_counter()
    for at in range(0, len(events), GROUP):
        answers = ledger.append(events[at : at + GROUP])
        reached("answered")
        ledgers.all_recorded(answers)
    done.put((steps, len(events)))
    ledgers.end(ledger)


def show_threads(genesis: Submission, folder: Path, rounds: int) -> None:
    """Prints what one event over HTTP takes of the processor, in the thread that speaks and in the one that writes."""
    url = f"sqlite:///{folder}/threads.sqlite3"
    ledger = ledgers.begin(url, folder / "http", genesis)
    people = [Neighbours(500 + number, CONNECTIONS, lots=1) for number in range(2 * rounds)]
    for some in people:
        ledgers.all_recorded(ledger.append(some.opening))
    ledgers.end(ledger)
    found: dict[str, list[tuple[float, ...]]] = {"bare route": [], "ledger": []}
    with (
        over_http.serving(over_http.bare, over_http.keys(people)) as bare,
        over_http.serving(over_http.ledger_server, (str(folder), url)) as ours,
    ):
        for number in range(rounds):
            for server, some in zip((bare, ours), people[2 * number : 2 * number + 2], strict=True):
                before = _threads(server.pid)
                rate = over_http.load(server.port, some.productions(EACH))
                taken = [after - before[at] for at, after in enumerate(_threads(server.pid))]
                events = CONNECTIONS * EACH
                found["ledger" if server is ours else "bare route"].append(
                    (1 / rate, *(seconds / events for seconds in taken))
                )
    print("\none event over HTTP, 64 connections: µs")
    print(f"{'':20}{'by the wall':>14}{'thread that speaks':>22}{'thread that writes':>22}")
    for name, measured in found.items():
        wall, speaks, writes = (statistics.median(each) * 1e6 for each in zip(*measured, strict=True))
        print(f"{name:20}{wall:14.0f}{speaks:22.0f}{writes:22.0f}")


def _busy() -> float:
    """Seconds all cores have worked, since the machine began."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle, waiting = ticks[3:5]
    return (sum(ticks) - idle - waiting) / os.sysconf("SC_CLK_TCK")


def _threads(process: int) -> tuple[float, float]:
    """Seconds of the processor that a process's first thread has had, and all its others."""
    seconds: dict[int, float] = {}
    for thread in Path(f"/proc/{process}/task").iterdir():
        fields = (thread / "stat").read_text().rpartition(")")[2].split()
        seconds[int(thread.name)] = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return seconds[process], sum(seconds.values()) - seconds[process]
