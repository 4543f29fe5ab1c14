"""A batch of entries: judged one by one in memory, written in a few statements.

The same code serves the writer, who appends, and the replay, by which `fsck`, `rebuild` and `load` derive
everything anew; so they cannot disagree about what a row is.
"""

from collections.abc import Sequence
from typing import Any

from traceability.core import fold
from traceability.core.outcome import Appended, Entry, Finding, Outcome
from traceability.core.state import Lot, Move, Number, encode_record
from traceability.ledger.database import Into
from traceability.ledger.overlay import Overlay
from traceability.ledger.tree import Growth
from traceability.ledger.view import Head, StoredEntry, Verdict, View, encode_verdict

ENTRY = Into(
    "entry",
    {"idx": "bigint", "record_time": "bigint", "payload": "bytea", "signature": "bytea", "blind": "bytea"},
)
OUTCOME = Into(
    "outcome",
    {
        "idx": "bigint",
        "signer": "int",
        "sequence": "bigint",
        "use": "smallint",
        "leaf": "bytea",
        "value": "bytea",
    },
)
SIGNER = Into(
    "signer",
    {"no": "int", "key_id": "text", "top": "bigint"},
    "ON CONFLICT (no) DO UPDATE SET top = excluded.top",
)
STATE = Into(
    "state",
    {"type": "text", "id": "text", "value": "bytea"},
    "ON CONFLICT (type, id) DO UPDATE SET value = excluded.value",
)
MOVE = Into(
    "move",
    {
        "lot": "text",
        "idx": "bigint",
        "custody": "bytea",
        "title": "bytea",
        "stands": "smallint",
        "value": "bytea",
    },
    "ON CONFLICT (lot, idx) DO UPDATE SET custody = excluded.custody, title = excluded.title, "
    "stands = excluded.stands, value = excluded.value",
)
LOT = Into(
    "lot_row",
    {
        "lot": "text",
        "custodian": "text",
        "title": "text",
        "mineral": "text",
        "state": "text",
        "maker_idx": "bigint",
    },
    "ON CONFLICT (lot) DO UPDATE SET custodian = excluded.custodian, title = excluded.title, "
    "mineral = excluded.mineral, state = excluded.state, maker_idx = excluded.maker_idx",
)
HOLDING = Into(
    "holding",
    {"party": "text", "lot": "text", "since_idx": "bigint"},
    "ON CONFLICT (party, lot) DO NOTHING",
)
FINDING = Into("finding", {"idx": "bigint", "n": "int", "rule": "text", "severity": "text", "value": "bytea"})
SUBJECT = Into("finding_subject", {"type": "text", "id": "text", "idx": "bigint", "n": "int"})
TILE = Into("tile", {"level": "smallint", "n": "bigint", "hashes": "bytea", "root": "bytea"})
ROOT = Into("root", {"size": "bigint", "root": "bytea"})


class Batch:
    """Entries on top of a locked head. `log` is where entries are read, if not in the tables written to."""

    def __init__(self, view: View, head: Head, log: View | None = None) -> None:
        self._view = view
        self.head = head
        self.state = Overlay(view, head.size, log or view)
        self.record_time = head.record_time
        self.leaves: list[bytes] = []
        self.entries: list[StoredEntry] = []
        self._outcomes: list[tuple[Any, ...]] = []
        self._findings: list[tuple[Any, ...]] = []
        self._subjects: list[tuple[Any, ...]] = []
        self._lots: dict[str, Lot] = {}
        self._holdings: dict[tuple[str, str], int] = {}
        self._used: dict[str, None] = {}

    @property
    def size(self) -> int:
        """How many entries there are, with those of this batch."""
        return self.head.size + len(self.leaves)

    def judge(self, entry: Entry) -> Outcome:
        """What the fold says of an entry that would come next; changes nothing."""
        return fold.apply(entry, self.state)

    def keep(self, entry: Entry, outcome: Appended, leaf: bytes) -> None:
        """The entry comes next; `leaf` is its leaf hash."""
        self._keep_lots(entry.index, outcome)
        self.state.keep(entry, outcome)
        event = entry.event
        number = outcome.changes["number", f"{event.key}:{event.sequence}"]
        assert isinstance(number, Number)
        use = 0 if number.second is None else 1
        verdict = Verdict(
            outcome.stands,
            tuple(outcome.fates.items()),
            tuple((type_, id_, before) for (type_, id_), before in outcome.links),
        )
        signer = self.state.signer(event.key)
        self._used[event.key] = None
        self._outcomes.append((entry.index, signer.no, event.sequence, use, leaf, encode_verdict(verdict)))
        self._keep_findings(entry.index, outcome.findings)
        self.record_time = entry.record_time
        self.leaves.append(leaf)

    def keep_place(self, index: int, leaf: bytes) -> None:
        """What comes next is no entry that can stand; it changes nothing, but the tree has its leaf."""
        nothing = encode_verdict(Verdict(stands=False, fates=(), links=()))
        self._outcomes.append((index, -1, index, 0, leaf, nothing))
        self.leaves.append(leaf)

    def write(self) -> Growth:
        """Writes everything and moves the head; the batch is not used after it."""
        view, state = self._view, self.state
        growth = Growth(self.head.edge, self.leaves)
        root = growth.edge.root()
        view.insert(ENTRY, [(e.index, e.record_time, e.payload, e.signature, e.blind) for e in self.entries])
        view.insert(SIGNER, [(state.signers[key].no, key, state.signers[key].top) for key in self._used])
        view.insert(OUTCOME, self._outcomes)
        # In the order of their keys, so that neighbours are written together.
        states = sorted(state.changed.items())
        view.insert(STATE, [(type_, id_, encode_record(record)) for (type_, id_), record in states])
        view.insert(MOVE, [move_row(lot, index, move) for (lot, index), move in sorted(state.moved.items())])
        view.insert(LOT, sorted(map(lot_row, self._lots.values())))
        view.insert(HOLDING, [(*who, since) for who, since in sorted(self._holdings.items())])
        view.insert(FINDING, self._findings)
        view.insert(SUBJECT, sorted(self._subjects))
        view.insert(TILE, growth.tiles(view.hashes))
        moved = view.run(
            "UPDATE head SET size = ?, root = ?, edge = ?, record_time = ? WHERE id = 0 AND size = ?",
            growth.edge.size,
            root,
            b"".join(growth.edge.hashes),
            self.record_time,
            self.head.size,
        )
        if moved != 1:
            raise RuntimeError("the head moved under the lock")
        return growth

    def _keep_lots(self, index: int, outcome: Appended) -> None:
        for address, lot in outcome.changes.items():
            if address[0] != "lot" or not isinstance(lot, Lot):
                continue
            before = self.state.find(address)
            held: tuple[str, ...] = ()
            if isinstance(before, Lot):
                held = (before.custodian, before.title)
            if not isinstance(before, Lot) or lot_row(before) != lot_row(lot):
                self._lots[lot.id] = lot
            for party in (lot.custodian, lot.title):
                if party not in held:
                    self._holdings.setdefault((party, lot.id), index)

    def _keep_findings(self, index: int, findings: Sequence[Finding]) -> None:
        for n, finding in enumerate(findings):
            self._findings.append((index, n, finding.rule, finding.severity, finding.to_json()))
            self._subjects.extend((*subject, index, n) for subject in dict.fromkeys(finding.subjects))


def lot_row(lot: Lot) -> tuple[Any, ...]:
    """The lot's row in `lot_row`."""
    return (lot.id, lot.custodian, lot.title, lot.mineral, lot.state, lot.maker_index)


def move_row(lot: str, index: int, move: Move) -> tuple[Any, ...]:
    """The move's row in `move`."""
    return (
        lot,
        index,
        _raw(move.custody_predecessor),
        _raw(move.title_predecessor),
        int(move.stands),
        encode_record(move),
    )


def _raw(event_id: str | None) -> bytes | None:
    return None if event_id is None else bytes.fromhex(event_id)
