"""How fast events are appended: in batches, on one core and on all, on SQLite and PostgreSQL."""

import time
from pathlib import Path

from benchmarks import ledgers
from benchmarks.ledgers import GROUP, Neighbours
from benchmarks.measure import Bare, Beside, Figure, of_pairs, of_rounds, on_one_core
from benchmarks.sharing import Place, together
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
            fresh = ledgers.database(url, f"one{number}")
            one.append(_append(fresh, folder / f"pg{number}", season, bare))
        shared = Place(ledgers.database(url, "scaling"), folder / "pg-scaling")
        ledgers.end(ledgers.begin(*shared, season[0]))
        numbers = iter(range(1_000))
        pairs = []
        for _ in range(rounds):
            alone, both = (together([shared] * count, numbers, each) for count in (1, 2))
            pairs.append((both.rate, alone.rate))
    return (
        of_rounds("append_postgres", one, 0.35, 0.45),
        of_pairs("append_postgres_scaling", pairs, "events/s", 1.5, 1.8),
    )
