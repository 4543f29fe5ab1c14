"""`make bench`: how fast the ledger is, how large, and how that changes as it grows.

Every figure is a ratio against a bare baseline measured in the same run, in alternating rounds. The table goes to
standard output as it comes, the figures to build/bench.json. `--quick` does a tenth of it.
"""

import argparse
import gc
import itertools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import appending, container, growth, ledgers, measure, over_http, reading
from benchmarks.measure import Bare, Figure
from traceability.core.ids import EventId
from traceability.core.signing import event_id
from traceability.ledger.answers import Submission


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--only", default="", help="figures whose names begin so, e.g. append_http")
    chosen = parser.parse_args()
    scale = 1 if chosen.quick else 10
    rounds = 1 if chosen.quick else 3
    started = time.monotonic()
    print(f"{'figure':24} {'ratio':>9}  {'least to most':20} {'bar':>8}")
    figures: list[Figure] = []

    def note(*found: Figure) -> None:
        for figure in found:
            measure.show(figure)
            figures.append(figure)

    def wanted(*names: str) -> bool:
        return any(name.startswith(chosen.only) for name in names)

    bare = Bare()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        season = list(itertools.islice(ledgers.trade(20_000 * scale), 12_000 * scale))
        export = largest_export(season)
        gc.collect()
        gc.freeze()  # it is this program that keeps a season in memory: no ledger does
        if wanted("append_batch", "append_batch_cores", "verify_evidence", "fsck"):
            one, all_, ledger = appending.batches(season, folder, bare, rounds)
            note(one, all_)
            note(reading.evidence(ledger, export, bare, 3 * rounds))
            note(reading.whole(ledger, rounds))
        if wanted("evidence_size_season", "evidence_size_log", "evidence_container"):
            note(*container.container(season, export, folder, bare, 3 * rounds))
        if wanted("findings_cost"):
            note(appending.findings_cost(season[: 4_000 * scale], folder, rounds + 2))
        if wanted("append_lots"):
            note(*appending.by_lots(season[0], folder, bare, rounds))
        if wanted("append_postgres", "append_postgres_scaling"):
            note(*appending.on_postgres(season, folder, bare, rounds, 3_200 * scale))
        if wanted("append_http"):
            note(over_http.append(season[0], folder, rounds + 1, 6 * scale))
        if wanted(
            "append_growth", "lot_latency_growth", "trace_container", "bytes_per_event", "memory_growth"
        ):
            note(*growth.grow(80_000 if chosen.quick else 1_000_000, folder, 3 * rounds))
    measure.keep(figures)
    print(f"{time.monotonic() - started:.0f} s; figures in {measure.OUT}")


def largest_export(season: Sequence[Submission]) -> EventId:
    exports = [each for each in season if b'"kind":"export"' in each.envelope.payload]
    return event_id(max(exports, key=lambda each: len(each.envelope.payload)).envelope.payload)


if __name__ == "__main__":
    main()
