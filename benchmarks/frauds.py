"""Frauds planted into an honest season, appended to a real ledger: which were found, how soon, and who was accused.

    python -m benchmarks.frauds --events 10000 --seed 7

Prints a line for each mode of fraud and writes build/fraud-bench.json. What a plant is counted as found by is a
finding of a rule that the catalogue names for its mode, on something the plant touched, since it began; what is said
of more than one honest lot in twenty does not count.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from traceability.simulation.frauds.bench import judged
from traceability.simulation.frauds.judging import table

OUT = Path("build/fraud-bench.json")


def main() -> int:
    """Runs it once; 1 where more than one honest lot in a thousand is under a severe finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--times", type=int, default=1, help="how often each fraud at each strength")
    asked = parser.parse_args()
    print(f"seed {asked.seed}, {asked.events} events", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        result = judged(Path(folder), events=asked.events, seed=asked.seed, times=asked.times)
    print(table(result))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=1) + "\n")
    honest = result["honest"]
    return int(honest["accused_severe"] * 1000 >= honest["lots"])


if __name__ == "__main__":
    sys.exit(main())
