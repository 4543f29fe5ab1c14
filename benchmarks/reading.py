"""How fast what is there is checked: evidence offline, and the whole ledger by `fsck`."""

import os
import time
from pathlib import Path

import orjson

from benchmarks import ledgers
from benchmarks.measure import Bare, Beside, Figure, bare_on_all_cores, of_pairs, of_rounds, on_one_core
from traceability.core.ids import EventId
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import verify
from traceability.ledger import fsck
from traceability.ledger.guard import FileGuard
from traceability.ledger.reader import Reader
from traceability.ledger.store import Store


def evidence(ledger: Path, container: EventId, bare: Bare, rounds: int) -> Figure:
    """`verify_evidence`: a container's evidence, on one core."""
    store = Store(f"sqlite:///{ledger}")
    data = Reader(store).evidence(event=container)
    store.close()
    entries = len(orjson.loads(data)["entries"])
    policy = TrustPolicy.without_witnesses([ledgers.SIGNER.verifier])
    found = []
    with on_one_core():
        for _ in range(rounds):
            beside = Beside(bare)
            with beside.piece(entries):
                report = verify(data, policy)
            assert report.exit_code == 0, report.why
            found.append(beside)
    return of_rounds("verify_evidence", found, 0.55, 0.70)


def whole(ledger: Path, rounds: int) -> Figure:
    """`fsck`: on all cores, against the bare checks of all cores; per core on both sides."""
    cores = os.cpu_count() or 1
    pairs = []
    for _ in range(rounds):
        before = bare_on_all_cores()
        store = Store(f"sqlite:///{ledger}")
        started = time.perf_counter()
        report = fsck.check(store, FileGuard(ledger.with_suffix(""), ledgers.VKEY))
        taken = time.perf_counter() - started
        store.close()
        assert report.verdict == "good", report
        bare = (before + bare_on_all_cores()) / 2
        pairs.append((report.size / taken / cores, bare / cores))
    return of_pairs("fsck", pairs, "events/s a core", 0.45, 0.65)
