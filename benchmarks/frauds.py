"""Frauds planted into an honest season, appended to a real ledger: which were found, how soon, and who was accused.

    python -m benchmarks.frauds --events 10000 --seed 7

Prints a line for each mode of fraud and writes build/fraud-bench.json. What a plant is counted as found by is a
finding of a rule that the catalogue names for its mode, on something the plant touched, since it began.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.ledgers import GROUP, LOG, VKEY, all_recorded, begin, end
from traceability.core.findings.catalogue import RULES
from traceability.ledger.answers import Submission
from traceability.ledger.stating import to_state
from traceability.ledger.writer import Ledger
from traceability.simulation.chance import Chance
from traceability.simulation.frauds.judging import Judge, table
from traceability.simulation.frauds.plant import Plant
from traceability.simulation.frauds.planting import MODES, planted
from traceability.simulation.pen import OFFICE, Pen, World
from traceability.simulation.people import key, party_id
from traceability.simulation.post import Post, Signed
from traceability.simulation.season import season

OUT = Path("build/fraud-bench.json")


def judged(
    ledger_at: Path, *, events: int, seed: int, times: int, modes: Sequence[str] = MODES
) -> dict[str, Any]:
    """The season with its frauds through a real ledger in that folder, and what came of it."""
    plants: list[Plant] = []
    ledger = None
    beside = planted(plants, seed=seed, times=times, modes=modes)
    waiting: list[Signed] = []
    made = season(
        events=events, seed=seed, log=LOG, log_vkey=VKEY, end=int(time.time()), honest=True, beside=beside
    )
    for signed in made:
        if ledger is None:
            ledger = begin(f"sqlite:///{ledger_at}/ledger.sqlite3", ledger_at / "guard", _submission(signed))
            continue
        waiting.append(signed)
        if len(waiting) == GROUP:
            _append(ledger, waiting)
    assert ledger is not None
    _append(ledger, waiting)
    _state(ledger, seed)
    judge = Judge()
    with ledger.store.read() as view:
        for index in range(view.head().size):
            entry = view.entry(index)
            assert entry is not None
            judge.take(index, entry.event_id, entry.event(), view.findings(index))
    end(ledger)
    return {"seed": seed, "events": events, **judge.result(plants)}


def _submission(signed: Signed) -> Submission:
    return Submission(signed.envelope, None, signed.disclosures, signed.record_time)


def _state(ledger: Ledger, seed: int) -> None:
    """The operator states what rules over sealed values notice, as `traceability findings` does."""
    own = key(seed, "operator", "Ed25519")
    world = World(seed, LOG, Chance(seed), Post(), int(time.time()))
    pen = Pen(world, party_id(seed, own, "operator"), own, OFFICE)
    with ledger.store.read() as view:
        found = [view.entry(index) for index in range(view.head().size)]
    pen.next = 1 + max(entry.event().sequence for entry in found if entry and entry.event().key == own.id)
    for each in to_state(ledger.store):
        pen.write("finding", each.body(RULES[each.rule].version), signal=world.now)
    _append(ledger, list(world.post.until()))


def _append(ledger: Ledger, waiting: list[Signed]) -> None:
    if waiting:
        # A sale made twice is taken without effect, which is an answer too.
        answers = ledger.append([_submission(signed) for signed in waiting])
        all_recorded(answers)
    waiting.clear()


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
