"""What changes as a ledger grows a hundredfold: speed of appending and reading, size on disk, memory."""

import math
import multiprocessing
import random
import sqlite3
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Any

from benchmarks import ledgers
from benchmarks.ledgers import Neighbours
from benchmarks.measure import Bare, Beside, Figure, alternate, of_pairs
from traceability.core.ids import LotId
from traceability.ledger import fsck, places
from traceability.ledger.answers import Recorded
from traceability.ledger.reader import Reader
from traceability.ledger.store import Store

SMALL = 10_000
NEWEST = 20
"""How many entries a lot's page begins with."""
_MIB = 2**20


def grow(events: int, folder: Path, rounds: int) -> list[Figure]:
    """All figures of a season of so many events, against its first ten thousand."""
    small, large = folder / "small.sqlite3", folder / "large.sqlite3"
    found = _apart(_fill, events, folder)
    memory = max(found["memory"], _apart(_check, large)) / max(found["memory_small"], _apart(_check, small))
    peak = max(found["memory"], found["memory_small"])
    figures = [
        _figure("bytes_per_event", large.stat().st_size, found["wire"], "bytes", 1.8, 1.2),
        _figure("memory_growth", memory, 1.0, f"of {peak:.0f} MiB at most", 1.5, 1.0),
    ]
    figures.append(_container(large, found["container"], rounds))
    figures += _latencies(small, large, rounds)
    figures.append(_append_growth(small, large, rounds))
    return figures


def _figure(key: str, value: float, baseline: float, unit: str, bar: float, aim: float) -> Figure:
    ratio = value / baseline
    return Figure(key, value, baseline, ratio, unit, (ratio, ratio), bar, aim, less=True)


def _apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function gives in a fresh process, so that its memory is its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:  # whose processes may have children
        return pool.submit(function, *arguments).result()


def _peak() -> float:
    """The most memory this process has had, in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system does not tell how much memory a process has had")


def _fill(events: int, folder: Path) -> dict[str, Any]:
    """Appends the season, which another process makes; keeps a copy of the first ten thousand."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(16)
    maker = context.Process(target=_make, args=(events, queue), daemon=True)
    maker.start()
    first = queue.get()
    large = folder / "large.sqlite3"
    ledger = ledgers.begin(f"sqlite:///{large}", folder / "large", first[0])
    wire, recorded, memory_small = ledgers.wire(first[:1]), 1, 0.0
    container: list[LotId] = []
    pending = first[1:]
    while pending is not None:
        if not memory_small:
            pending = pending[: SMALL - recorded] or pending
        answers = ledger.append(pending)
        ledgers.all_recorded(answers)
        recorded += len(answers)
        wire += ledgers.wire(pending)
        for submission, answer in zip(pending, answers, strict=True):
            assert isinstance(answer, Recorded)
            if len(answer.fates) > len(container) and b'"kind":"export"' in submission.envelope.payload:
                container = list(answer.fates)
        if not memory_small and recorded >= SMALL:
            memory_small = _peak()
            _copy(large, folder / "small.sqlite3")
            (folder / "small").write_bytes((folder / "large").read_bytes())
        pending = queue.get()
    maker.join()
    ledgers.end(ledger)
    return {"memory": _peak(), "memory_small": memory_small, "wire": wire, "container": container}


def _make(events: int, queue: Any) -> None:
    season = ledgers.trade(events)
    head = list(islice(season, SMALL))  # so that a group ends there
    for group in ledgers.groups(chain(head)):
        queue.put(group)
    for group in ledgers.groups(season):
        queue.put(group)
    queue.put(None)


def _copy(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)
    other.execute("PRAGMA journal_mode=WAL")
    one.close()
    other.close()


def _check(ledger: Path) -> float:
    """The most memory `fsck` takes."""
    store = Store(f"sqlite:///{ledger}")
    report = fsck.check(store, None)
    assert report.verdict == "good", report
    store.close()
    return _peak()


def _container(large: Path, lots: list[LotId], rounds: int) -> Figure:
    reader = Reader(Store(f"sqlite:///{large}"))
    times = []
    for _ in range(max(rounds, 3)):
        started = time.perf_counter()
        lineage = reader.lineage(lots)
        lineage.by_site()
        times.append(1000 * (time.perf_counter() - started))
    unit = f"ms, {len(lots)} bags, {len(lineage.lots)} lots behind them"
    median = statistics.median(times)
    return Figure("trace_container", median, 1.0, median, unit, (min(times), max(times)), 300, 100, less=True)


# Reading


def _latencies(small: Path, large: Path, rounds: int) -> list[Figure]:
    one, other = Reader(Store(f"sqlite:///{small}")), Reader(Store(f"sqlite:///{large}"))
    near, far = _sample(small), _sample(large)
    of_story = _pages(one, near), _pages(other, far)
    stories = sorted(of_story[0].keys() & of_story[1].keys())
    lots = alternate(
        rounds,
        lambda: statistics.fmean(_page(other, of_story[1][story]) for story in stories),
        lambda: statistics.fmean(_page(one, of_story[0][story]) for story in stories),
    )
    of_size = _lineages(one, near), _lineages(other, far)
    sizes = sorted(of_size[0].keys() & of_size[1].keys())
    pairs = [
        (
            statistics.fmean(_timed(other, of_size[1][size]) for size in sizes),
            statistics.fmean(_timed(one, of_size[0][size]) for size in sizes),
        )
        for _ in range(rounds)
    ]
    return [
        of_pairs("lot_latency_growth", lots, "ms", 1.3, 1.0, less=True),
        of_pairs("lineage_latency_growth", pairs, "ms", 1.3, 1.0, less=True),
    ]


def _sample(ledger: Path) -> list[LotId]:
    """Some lots from all over the log."""
    with sqlite3.connect(ledger) as connection:
        (last,) = connection.execute("SELECT max(no) FROM lot").fetchone()
        numbers = random.Random(1).sample(range(last + 1), min(4000, last))
        found = [
            row[0]
            for number in numbers
            for row in connection.execute("SELECT id FROM lot WHERE no = ? AND state <> ''", (number,))
        ]
    connection.close()
    return found


def _pages(reader: Reader, lots: list[LotId]) -> dict[tuple[int, int], list[LotId]]:
    """Lots by how many entries are about them, and how many bytes (within a tenth) the newest of these have.

    So the same story is compared with the same: of two lots with eight entries one travelled with ten others, the
    other with hundreds, which its entries all name; and a small ledger has few of the second kind yet.
    """
    found: dict[tuple[int, int], list[LotId]] = {}
    for lot in lots[:2000]:
        record = reader.lot(lot)
        assert record is not None
        told = sum(len(entry.envelope.payload) for entry in reader.history(lot, NEWEST))
        found.setdefault((record.place.count, round(8 * math.log2(told))), []).append(lot)
    return {story: some[:40] for story, some in found.items() if len(some) >= 10}


def _page(reader: Reader, lots: list[LotId]) -> float:
    """Milliseconds for what a lot's page begins with, the lot and its newest entries: the median of these lots.

    A mean would tell how many of them went abroad among hundreds: then their newest entries name all of those.
    """
    taken = []
    for lot in lots:
        started = time.perf_counter()
        assert reader.lot(lot) is not None
        reader.history(lot, NEWEST)
        taken.append(time.perf_counter() - started)
    return 1000 * statistics.median(taken)


def _lineages(reader: Reader, lots: list[LotId]) -> dict[int, list[LotId]]:
    """Lots by how many lie behind them: the same trade is compared with the same."""
    found: defaultdict[int, list[LotId]] = defaultdict(list)
    for lot in lots[:2000]:
        size = len(reader.lineage([lot]).lots)
        if 1 < size <= 64 and len(found[size]) < 20:
            found[size].append(lot)
    return found


def _timed(reader: Reader, lots: list[LotId]) -> float:
    times = []
    for lot in lots:
        started = time.perf_counter()
        reader.lineage([lot])
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


# Appending


def _append_growth(small: Path, large: Path, rounds: int) -> Figure:
    """The same trade appended to both, in turn."""
    bare = Bare()
    pairs = [(_rate(large, number, bare), _rate(small, number, bare)) for number in range(max(rounds, 3))]
    return of_pairs("append_growth", pairs, "of a bare check", 0.9, 1.0)


def _rate(path: Path, number: int, bare: Bare) -> float:
    people = Neighbours(200 + number, 40)
    events = people.handoffs(40)
    ledger = ledgers.go_on(f"sqlite:///{path}", path.with_suffix(""))
    ledgers.all_recorded(ledger.append(people.opening))
    places.fill(ledger.store)
    beside = Beside(bare)
    ledgers.append(ledger, events, beside)
    ledgers.end(ledger)
    return beside.ratio
