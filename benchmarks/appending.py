"""How fast events are appended: in batches, on one core and on all, on SQLite and PostgreSQL."""

import multiprocessing
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import ledgers
from benchmarks.ledgers import GROUP, Neighbours
from benchmarks.measure import Bare, Beside, Figure, of_pairs, of_rounds, on_one_core
from traceability.ledger.answers import Submission


def batches(season: list[Submission], folder: Path, bare: Bare, rounds: int) -> tuple[Figure, Figure, Path]:
    """`append_batch` and `append_batch_cores`, in turn; and the file of the last ledger, beside its guard."""
    one: list[Beside] = []
    all_: list[Beside] = []
    for number in range(rounds):
        with on_one_core():
            one.append(
                _append(
                    f"sqlite:///{folder}/one{number}.sqlite3", folder / f"one{number}", season, bare, GROUP
                )
            )
        all_.append(_append(f"sqlite:///{folder}/all{number}.sqlite3", folder / f"all{number}", season, bare))
    last = folder / f"all{rounds - 1}.sqlite3"
    return (
        of_rounds("append_batch", one, 0.40, 0.55),
        of_rounds("append_batch_cores", all_, 0.55, 0.80),
        last,
    )


def findings_cost(season: list[Submission], folder: Path, rounds: int) -> Figure:
    """`findings_cost`: events a second with all rules on ÷ with the global ones off, in turn, on one core."""
    with on_one_core():
        pairs = []
        for number in range(rounds):
            on = _rate(season, folder / f"on{number}")
            with ledgers.without_global_rules():
                pairs.append((on, _rate(season, folder / f"off{number}")))
    return of_pairs("findings_cost", pairs, "events/s", 0.8, 0.9)


def _rate(season: list[Submission], guard: Path) -> float:
    """Events appended in a second of the processor's time, so that whatever else runs counts less."""
    ledger = ledgers.begin(f"sqlite:///{guard}.sqlite3", guard, season[0])
    started = time.process_time()
    for at in range(1, len(season), GROUP):
        ledgers.all_recorded(ledger.append(season[at : at + GROUP]))
    taken = time.process_time() - started
    ledgers.end(ledger)
    return (len(season) - 1) / taken


def by_lots(genesis: Submission, folder: Path, bare: Bare, rounds: int) -> list[Figure]:
    """`append_lots_1`, `_2`, `_4`: plain handoffs of so many lots, on one core, with nothing disclosed."""
    figures = []
    for lots in (1, 2, 4):
        found = []
        for number in range(rounds):
            url = f"sqlite:///{folder}/lots{lots}-{number}.sqlite3"
            ledger = ledgers.begin(url, folder / f"lots{lots}-{number}", genesis)
            people = Neighbours(800 + number, 40, lots=lots)
            ledgers.all_recorded(ledger.append(people.opening))
            events = people.handoffs(20)
            beside = Beside(bare)
            with on_one_core():
                ledgers.append(ledger, events, beside)
            ledgers.end(ledger)
            found.append(beside)
        figures.append(of_rounds(f"append_lots_{lots}", found, 0, 0))
    return figures


def _append(url: str, guard: Path, season: list[Submission], bare: Bare, at_once: int = 8 * GROUP) -> Beside:
    """So many at once: of several groups, each is read in another process while the one before is judged."""
    ledger = ledgers.begin(url, guard, season[0])
    beside = Beside(bare)
    ledgers.append(ledger, season[1:], beside, at_once)
    ledgers.end(ledger)
    return beside


def on_postgres(
    season: list[Submission], folder: Path, bare: Bare, rounds: int, each: int
) -> tuple[Figure, Figure]:
    """`append_postgres`, and `append_postgres_scaling`: two processes at once against one."""
    with ledgers.postgres() as url:
        one = []
        for number in range(rounds):
            fresh = database(url, f"one{number}")
            one.append(_append(fresh, folder / f"pg{number}", season, bare))
        shared = database(url, "scaling")
        guard = folder / "pg-scaling"
        ledgers.end(ledgers.begin(shared, guard, season[0]))
        numbers = iter(range(1_000))
        pairs = []
        for _ in range(rounds):
            alone = _together(shared, guard, [next(numbers)], each)
            both = _together(shared, guard, [next(numbers), next(numbers)], each)
            pairs.append((both, alone))
    return (
        of_rounds("append_postgres", one, 0.35, 0.45),
        of_pairs("append_postgres_scaling", pairs, "events/s", 1.5, 1.8),
    )


def database(url: str, name: str) -> str:
    """The URL of a new database of this server."""
    with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url.format(name)


def _together(url: str, guard: Path, numbers: list[int], each: int) -> float:
    """Events a second of as many processes as there are numbers, each appending trade of its own."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(len(numbers) + 1)
    done: Any = context.Queue()
    workers = [
        context.Process(target=_work, args=(url, guard, number, each, ready, done)) for number in numbers
    ]
    for worker in workers:
        worker.start()
    ready.wait(120)
    started = time.perf_counter()
    count = sum(done.get(timeout=600) for _ in workers)
    taken = time.perf_counter() - started
    for worker in workers:
        worker.join()
    return float(count / taken)


def _work(url: str, guard: Path, number: int, each: int, ready: Any, done: Any) -> None:
    people = Neighbours(number, 40)
    events = people.handoffs(each // 120)
    ledger = ledgers.go_on(url, guard)
    ledgers.all_recorded(ledger.append(people.opening))
    ready.wait()
    for at in range(0, len(events), GROUP):
        ledgers.all_recorded(ledger.append(events[at : at + GROUP]))
    done.put(len(events))
    ledgers.end(ledger)
