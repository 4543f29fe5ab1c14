"""The bare baseline everything is held against, alternating rounds, and how figures are shown and kept.

The baseline is what nobody can do without: one check of an ES256 signature with a loaded key, on one core. It is
measured again beside every piece of work, so that a machine that slows down slows both.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from traceability.core.signing import PublicKey, SigningKey, event_pae

BARE_CHECKS = 200
OUT = Path("build/bench.json")


class Figure(NamedTuple):
    """One line of the table. `ratio` is what is judged: at least `bar`, or at most where `less` is better."""

    key: str
    value: float
    baseline: float
    ratio: float
    unit: str
    spread: tuple[float, float]
    bar: float
    aim: float
    less: bool = False


def _signed() -> list[tuple[PublicKey, bytes, bytes]]:
    """Signatures of a few keys over messages as long as events are."""
    keys = [SigningKey.from_seed(b"bare %d" % number) for number in range(8)]
    messages = [event_pae(os.urandom(700)) for _ in range(BARE_CHECKS)]
    return [
        (PublicKey(keys[at % 8].public.spki), keys[at % 8].sign(message), message)
        for at, message in enumerate(messages)
    ]


class Bare:
    """The bare check, by this clock."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._signed = _signed()

    def seconds(self) -> float:
        """How long one check takes now."""
        started = self._clock()
        for key, signature, message in self._signed:
            key.verify(signature, message)
        return (self._clock() - started) / len(self._signed)


class Beside:
    """Work measured piece by piece, with the bare check between the pieces."""

    def __init__(self, bare: Bare) -> None:
        self._bare = bare
        self.seconds = 0.0
        """Of the work."""
        self.bare_seconds = 0.0
        """Of as many bare checks."""
        self.count = 0

    @contextmanager
    def piece(self, count: int) -> Iterator[None]:
        """A piece of work on so many events."""
        before = self._bare.seconds()
        started = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - started
        self.bare_seconds += (before + self._bare.seconds()) / 2 * count
        self.count += count

    @property
    def ratio(self) -> float:
        """Events a second ÷ bare checks a second."""
        return self.bare_seconds / self.seconds


def of_rounds(key: str, rounds: Sequence[Beside], bar: float, aim: float) -> Figure:
    """The median of several rounds of the same work."""
    ratios = sorted(each.ratio for each in rounds)
    middle = min(rounds, key=lambda each: abs(each.ratio - statistics.median(ratios)))
    return Figure(
        key,
        middle.count / middle.seconds,
        middle.count / middle.bare_seconds,
        statistics.median(ratios),
        "events/s",
        (ratios[0], ratios[-1]),
        bar,
        aim,
    )


def of_pairs(
    key: str, pairs: Sequence[tuple[float, float]], unit: str, bar: float, aim: float, *, less: bool = False
) -> Figure:
    """The median of (value, baseline) pairs taken in turn."""
    ratios = sorted(value / baseline for value, baseline in pairs)
    return Figure(
        key,
        statistics.median(value for value, _ in pairs),
        statistics.median(baseline for _, baseline in pairs),
        statistics.median(ratios),
        unit,
        (ratios[0], ratios[-1]),
        bar,
        aim,
        less,
    )


def alternate(times: int, one: Callable[[], float], other: Callable[[], float]) -> list[tuple[float, float]]:
    """Both in turn, so many times."""
    return [(one(), other()) for _ in range(times)]


def bare_on_all_cores() -> float:
    """Bare checks a second of all cores together."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores) as pool:
        list(pool.map(_warm, range(cores)))
        return sum(pool.map(_checks_a_second, range(cores)))


def _warm(_: int) -> None:
    Bare().seconds()
    time.sleep(0.2)  # so that each process takes one


def _checks_a_second(_: int) -> float:
    bare = Bare()
    return 1 / statistics.median(bare.seconds() for _ in range(25))


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keeps this process, threads and all, on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(all_cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_cores)


def show(figure: Figure) -> None:
    """A line of the table, as soon as there is one."""
    least, most = figure.spread
    met = figure.ratio <= figure.bar if figure.less else figure.ratio >= figure.bar
    bar = f"{'≤' if figure.less else '≥'} {figure.bar:g}" if figure.bar else ""
    print(
        f"{figure.key:24} {figure.ratio:9.3f}  {f'{least:.3f} to {most:.3f}':20} {bar:>8} {'' if met else '(missed)':8}"
        f"  {figure.value:,.1f} against {figure.baseline:,.1f} {figure.unit}",
        flush=True,
    )


def keep(figures: Sequence[Figure]) -> None:
    """Writes build/bench.json."""
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(
        json.dumps(
            {
                figure.key: {
                    "value": figure.value,
                    "baseline": figure.baseline,
                    "ratio": figure.ratio,
                    "unit": figure.unit,
                    "spread": list(figure.spread),
                    "bar": figure.bar,
                    "aim": figure.aim,
                }
                for figure in figures
            },
            indent=1,
        )
        + "\n"
    )
