"""`make bench`: how fast the ledger is, as ratios to the bare check of an ES256 signature on one core.

Each round takes the bare check and every figure in turn; what is shown is the median of the rounds, with
the spread. The table goes to standard output, the figures to build/bench.json.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from traceability.core.ids import unpadded
from traceability.core.note import Signer
from traceability.core.signing import PublicKey, event_pae
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import verify
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.reader import Reader
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import create
from traceability.simulation.season import season

LOG = "ledger.example.org/bench"
SIGNER = Signer(LOG, bytes(32))
VKEY = SIGNER.verifier.encode()
EVENTS = int(os.environ.get("EVENTS", "4000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
GROUP = 1024


class Season:
    """Signed events to append, and the ledger they went into last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        end = int(time.time())
        self.events = list(season(events=EVENTS, seed=1, log=LOG, log_vkey=VKEY, end=end))
        self.wire = sum(len(signed.envelope.to_json()) for signed in self.events)
        self.rounds = 0
        self.store: Store | None = None
        self.file = folder

    def append(self) -> float:
        """Seconds an event, appended in groups, all rules on, on a fresh SQLite ledger."""
        if self.store is not None:
            self.store.close()
        self.rounds += 1
        self.file = self.folder / f"round{self.rounds}.sqlite3"
        url = f"sqlite:///{self.file}"
        migrate(url)
        self.store = Store(url)
        guard = FileGuard(self.folder / f"guard{self.rounds}", VKEY)
        first, *rest = (
            Submission(signed.envelope, None, signed.disclosures, signed.record_time)
            for signed in self.events
        )
        ledger = create(self.store, guard, SIGNER, first, clock=lambda: self.events[0].record_time)
        started = time.perf_counter()
        for at in range(0, len(rest), GROUP):
            answers = ledger.append(rest[at : at + GROUP])
            assert all(isinstance(answer, Recorded) for answer in answers)
        taken = time.perf_counter() - started
        ledger.close()
        return taken / len(rest)

    def check(self) -> float:
        """Seconds an event, the whole ledger derived anew and compared."""
        assert self.store is not None
        guard = FileGuard(self.folder / f"guard{self.rounds}", VKEY)
        started = time.perf_counter()
        report = fsck.check(self.store, guard)
        taken = time.perf_counter() - started
        assert report.verdict == "good", report
        return taken / len(self.events)

    def evidence(self) -> float:
        """Seconds an entry, the evidence of the largest shipment verified offline."""
        assert self.store is not None
        exports = [signed for signed in self.events if signed.event.kind == "export"]
        largest = max(exports, key=lambda signed: len(list(signed.event.moved)))
        data = Reader(self.store).evidence(event=largest.event_id)
        policy = TrustPolicy.without_witnesses([SIGNER.verifier])
        started = time.perf_counter()
        report = verify(data, policy)
        taken = time.perf_counter() - started
        assert report.exit_code == 0, report.why
        return taken / len(json.loads(data)["entries"])

    def bare(self) -> float:
        """Seconds a signature, the key loaded once and nothing else done."""
        signed = [s for s in self.events if len(s.envelope.signature) == 64][:1000]
        keys: dict[str, PublicKey] = {}
        with_key = []
        by_id = {key.id: key for key in _keys(self.events)}
        for one in signed:
            key = keys.setdefault(one.envelope.key, by_id[one.envelope.key])
            if key.algorithm == "ES256":
                with_key.append((key, one.envelope.signature, event_pae(one.envelope.payload)))
        started = time.perf_counter()
        for key, signature, message in with_key:
            key.verify(signature, message)
        return (time.perf_counter() - started) / len(with_key)


def _keys(events: list) -> list[PublicKey]:  # type: ignore[type-arg]  # of whatever the season gives
    found = []
    for signed in events:
        body = signed.event.body
        new = [
            *(getattr(body, "keys", None) or ()),
            *(a for a in [getattr(body, "key", None)] if hasattr(a, "proof")),
        ]
        for authority in getattr(body, "authorities", None) or ():
            new.extend(authority.keys)
        found.extend(PublicKey(unpadded(key.public_key)) for key in new)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        trade = Season(Path(folder))
        figures: dict[str, Callable[[], float]] = {
            "append_batch": trade.append,
            "fsck": trade.check,
            "verify_evidence": trade.evidence,
        }
        ratios: dict[str, list[float]] = {name: [] for name in figures}
        times: dict[str, list[float]] = {name: [] for name in (*figures, "bare")}
        for _ in range(ROUNDS):
            for name, figure in figures.items():
                bare = trade.bare()
                taken = figure()
                bare = (bare + trade.bare()) / 2
                ratios[name].append(bare / taken)
                times[name].append(taken)
                times["bare"].append(bare)
        size = trade.file.stat().st_size
    out = {}
    print(
        f"{EVENTS} events, {ROUNDS} rounds, group {GROUP}; ratio to the bare ES256 check, median (least to most)"
    )
    for name, got in ratios.items():
        median = statistics.median(got)
        print(f"{name:16} {median:6.3f}  ({min(got):.3f} to {max(got):.3f})")
        out[name] = {
            "value": 1 / statistics.median(times[name]),
            "baseline": 1 / statistics.median(times["bare"]),
            "ratio": median,
            "unit": "events per second",
        }
    per_event = size / trade.wire
    print(f"{'bytes_per_event':16} {per_event:6.3f}")
    out["bytes_per_event"] = {"value": size, "baseline": trade.wire, "ratio": per_event, "unit": "bytes"}
    target = Path("build")
    target.mkdir(exist_ok=True)
    (target / "bench.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
