"""`make profile`: where the time of an append, of evidence and of `fsck` goes, and what could not be saved of it.

Beside each step stands its *floor*: what the same bytes cost in the same run with the fastest library call alone and
no rules. So it can be read off what ratio to the bare check could be had at all, whatever the rules cost.

By processor time on one core, the least of several rounds, in µs an event of the season's mix; with the interpreter's
instructions, where they are counted. At the end, what processes and threads wait for that share something (`sharing`).
"""

import argparse
import gc
import itertools
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import floors, ledgers, sharing
from benchmarks.__main__ import largest_export
from benchmarks.floors import (
    ANSWERS,
    BOOK,
    CHECKPOINT,
    COMMIT,
    COMPARING,
    CUSTODY,
    FILE,
    GLOBAL,
    GUARD,
    HASHING,
    LOADING,
    NAMING,
    OPENED,
    PACKING,
    PARTIAL,
    PLACES,
    READING,
    ROWS,
    RULES,
    SIGNATURE,
    VERDICT,
    WRITING,
    Written,
)  # fmt: skip
from benchmarks.ledgers import GROUP
from benchmarks.measure import Bare, on_one_core
from benchmarks.steps import REST, Cost, Steps, Timed, cost
from traceability.core import events, evidence, fold, leaf, verify, watch
from traceability.core.ids import EventId
from traceability.core.signing import PublicKey
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger import batch, disclosures, examine, fsck, intake, places, publish, replay, writer
from traceability.ledger.answers import Submission
from traceability.ledger.batch import Batch
from traceability.ledger.database import Rows
from traceability.ledger.group import Group
from traceability.ledger.guard import FileGuard
from traceability.ledger.overlay import Overlay
from traceability.ledger.reader import Reader
from traceability.ledger.store import Store
from traceability.ledger.view import View

EVENTS = 12_000
SMALL = 32
"""How many come together over HTTP."""
_OF_THE_FOLD = [
    Timed(SIGNATURE, PublicKey, "verify"),
    Timed(CUSTODY, fold, "apply"),
    Timed(GLOBAL, watch, "apply"),
    Timed(BOOK, fold, "_keep_book"),
]
_OF_THE_BATCH = [
    *_OF_THE_FOLD,
    Timed(NAMING, fold, "touches"),
    Timed(NAMING, watch, "touches"),
    Timed(HASHING, leaf, "entry_bytes"),
    Timed(HASHING, leaf, "leaf_hash"),
    Timed(HASHING, batch, "Growth"),
    Timed(LOADING, Overlay, "preload"),
    Timed(LOADING, Overlay, "_load"),
    Timed(VERDICT, Batch, "keep"),
    Timed(PACKING, Batch, "write"),
    Timed(WRITING, Rows, "insert"),
    Timed(WRITING, Rows, "run"),
]
_APPEND = [
    *_OF_THE_BATCH,
    Timed(READING, intake, "_read"),
    Timed(READING, events, "read"),
    Timed(OPENED, disclosures, "check"),
    Timed(VERDICT, Group, "_one"),
    Timed(PACKING, disclosures, "keep"),
    Timed(HASHING, intake, "event_id"),
    Timed(COMMIT, Store, "write", block=True),
    Timed(GUARD, FileGuard, "advance"),
    Timed(CHECKPOINT, publish, "sign"),
    Timed(CHECKPOINT, publish, "keep"),
    Timed(ANSWERS, writer, "answers_with_proof"),
    Timed(PLACES, places, "fill"),
]
_EVIDENCE = [
    *_OF_THE_FOLD,
    Timed(FILE, verify, "_read_file"),
    Timed(HASHING, verify, "_find_in_log"),
    Timed(READING, verify, "read"),
    Timed(HASHING, verify, "id_of_signed"),
    Timed(PARTIAL, verify, "_replay"),
    Timed(BOOK, verify, "_check_book"),
    Timed(OPENED, verify, "_check_disclosures"),
]
_FSCK = [
    *_OF_THE_BATCH,
    Timed(ROWS, View, "entries"),
    Timed(ROWS, View, "disclosures_between"),
    Timed(READING, examine, "parse"),
    Timed(VERDICT, replay.Replay, "_take"),
    Timed(OPENED, examine, "check_disclosure"),
    Timed(HASHING, examine.Examiner, "_one"),
    Timed(PLACES, places, "put"),
    Timed(COMPARING, fsck._Check, "_compare"),  # noqa: SLF001
    Timed(COMPARING, fsck._Check, "_compare_places"),  # noqa: SLF001
]


class Found(NamedTuple):
    """Seconds of each step in the best round; and how many events they were, and instructions, of how many."""

    seconds: Mapping[str, float]
    count: int
    instructions: Mapping[str, int]
    counted: int = 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    bare, of_clock = Bare(time.process_time), cost()
    with tempfile.TemporaryDirectory(prefix="profile-") as name, on_one_core():
        folder = Path(name)
        season = list(itertools.islice(ledgers.trade(EVENTS * 5 // 3), EVENTS))
        gc.collect()
        gc.freeze()
        for group in (SMALL, GROUP):
            some = season if group == GROUP else season[: EVENTS // 3]
            appended, written, ledger = _append(some, group, folder / f"{group}", rounds, of_clock)
            of_events = {
                **floors.of_bytes([one.envelope.payload for one in some]),
                OPENED: floors.opened([value for one in some for *_, value in one.disclosures]) / len(some),
            }
            of_groups = {
                **floors.writing(written, folder / f"bare{group}.sqlite3"),
                GUARD: floors.guarding(folder) / group,
                CHECKPOINT: floors.signing() / group,
            }
            _show(f"an append, in groups of {group:,}", appended, of_events | of_groups, bare)

        data, entries = _largest(ledger, season)
        checked = _evidence(data, rounds, of_clock)
        of_entries = {
            **floors.of_bytes([one.payload for one in entries]),
            FILE: floors.canonical(data) / checked.count,
            OPENED: floors.opened([value for one in entries for *_, value in one.disclosures])
            / checked.count,
        }
        _show(f"an entry of evidence of {len(data) / 1e6:.1f} MB", checked, of_entries, bare)

        whole, written = _whole(ledger, rounds, of_clock)
        of_tables = floors.writing(written, None) | floors.reading(ledger, whole.count)
        _show("an entry in fsck", whole, of_events | of_tables, bare)
    with tempfile.TemporaryDirectory(prefix="profile-") as name:
        sharing.show_processes(season[0], Path(name), rounds)
        sharing.show_threads(season[0], Path(name), rounds)


# The work


def _append(
    season: Sequence[Submission], group: int, folder: Path, rounds: int, of_clock: Cost
) -> tuple[Found, Written, Path]:
    """Appends all but the last events several times; of those, the instructions are counted."""
    some, last = season[1:-GROUP], season[-GROUP:]
    folder.mkdir()
    found: list[Mapping[str, float]] = []
    for number in range(rounds):
        ledger = ledgers.begin(f"sqlite:///{folder}/{number}.sqlite3", folder / f"{number}", season[0])
        steps = Steps()
        with _written() as written, steps.timing(_APPEND):
            for at in range(0, len(some), group):
                ledgers.all_recorded(ledger.append(some[at : at + group]))
                written.append([])
        found.append(steps.seconds(of_clock))
        if number == rounds - 1:
            with steps.timing(_APPEND), steps.counting():
                for at in range(0, len(last), group):
                    ledgers.all_recorded(ledger.append(last[at : at + group]))
        ledgers.end(ledger)
    return (
        Found(_best(found), len(some), steps.instructions, len(last)),
        written,
        folder / f"{rounds - 1}.sqlite3",
    )


def _evidence(data: bytes, rounds: int, of_clock: Cost) -> Found:
    policy = TrustPolicy.without_witnesses([ledgers.SIGNER.verifier])
    found = []
    for _ in range(rounds):
        steps = Steps()
        with steps.timing(_EVIDENCE):
            report = verify.verify(data, policy)
        assert report.exit_code == 0, report.why
        found.append(steps.seconds(of_clock))
    with steps.timing(_EVIDENCE), steps.counting():
        verify.verify(data, policy)
    count = len(evidence.decode(data).entries)
    return Found(_best(found), count, steps.instructions, count)


def _whole(ledger: Path, rounds: int, of_clock: Cost) -> tuple[Found, Written]:
    found = []
    for _ in range(rounds):
        store = Store(f"sqlite:///{ledger}")
        steps = Steps()
        with _written() as written, steps.timing(_FSCK):
            report = fsck.check(store, FileGuard(ledger.with_suffix(""), ledgers.VKEY))
        store.close()
        assert report.verdict == "good", report
        found.append(steps.seconds(of_clock))
    return Found(_best(found), report.size, {}), written


def _best(rounds: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    return min(rounds, key=lambda steps: sum(steps.values()))


@contextmanager
def _written() -> Iterator[Written]:
    """Keeps what is written, a group at a time."""
    written: Written = [[]]
    insert = Rows.insert

    def keeping(self: Rows, into: Any, rows: Sequence[Sequence[Any]]) -> None:
        written[-1].append((into.table, rows))
        insert(self, into, rows)

    Rows.insert = keeping  # type: ignore[method-assign]
    try:
        yield written
    finally:
        Rows.insert = insert  # type: ignore[method-assign]


def _largest(ledger: Path, season: Sequence[Submission]) -> tuple[bytes, Sequence[evidence.ShownEntry]]:
    store = Store(f"sqlite:///{ledger}")
    data = Reader(store).evidence(event=EventId(largest_export(season)))
    store.close()
    return data, evidence.decode(data).entries


# The table


def _show(title: str, found: Found, of_steps: Mapping[str, float], bare: Bare) -> None:
    check = min(bare.seconds() for _ in range(20))
    least = {step: floor for step, floor in of_steps.items() if step in found.seconds} | {SIGNATURE: check}
    total = sum(found.seconds.values()) / found.count
    rules = sum(found.seconds.get(step, 0) for step in RULES) / found.count
    floor = sum(least.values())
    print(f"\n{title}: µs of {found.count:,}\n{'':26} {'now':>7} {'floor':>7} {'instructions':>13}")
    for step, seconds in sorted(found.seconds.items(), key=lambda item: (item[0] == REST, -item[1])):
        made = found.instructions.get(step, 0) / found.counted
        print(
            f"{step:26} {seconds / found.count * 1e6:7.1f} {least.get(step, 0) * 1e6:7.1f} "
            + (f"{made:13,.0f}" if made else "")
        )
    made = sum(found.instructions.values()) / found.counted
    print(f"{'together':26} {total * 1e6:7.1f} {floor * 1e6:7.1f} " + (f"{made:13,.0f}" if made else ""))
    print(
        f"bare check ÷ all of it {check / total:.2f}; ÷ all but the rules {check / (total - rules):.2f}; "
        f"÷ floors and the rules {check / (floor + rules):.2f}; ÷ the floors alone {check / floor:.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
