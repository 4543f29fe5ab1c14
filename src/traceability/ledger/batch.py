"""A batch of entries: judged one by one in memory, written in a few statements.

The same code serves the writer, who appends, and the replay, by which `fsck`, `rebuild` and `load` derive
everything anew; so they cannot disagree about what a row is.
"""

from collections.abc import Sequence
from typing import Any

from traceability.core import fold
from traceability.core.ids import LotId, PartyId
from traceability.core.lot_records import Lot, Move
from traceability.core.outcome import Appended, Entry, Finding, Outcome
from traceability.core.record import Address
from traceability.core.registry_records import Mention, Number, Party
from traceability.core.state import AnyRecord, encode_record
from traceability.ledger import verdicts
from traceability.ledger.database import Into
from traceability.ledger.overlay import SIGNED_BY, Left, Overlay
from traceability.ledger.packed_moves import pack_move
from traceability.ledger.packing import pack_lot
from traceability.ledger.tree import FullTile, Growth
from traceability.ledger.view import Head, StoredEntry, View, place_of_lot

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
LOT = Into(
    "lot",
    {"no": "bigint", "id": "text", "mineral": "text", "state": "text", "value": "bytea"},
    "ON CONFLICT (no) DO UPDATE SET mineral = excluded.mineral, state = excluded.state, value = excluded.value",
)
LOT_PLACE = Into("lot_place", {"id": "bigint", "no": "bigint"}, "ON CONFLICT (id, no) DO NOTHING")
MOVE = Into(
    "move",
    {
        "lot": "bigint",
        "idx": "bigint",
        "custody": "bigint",
        "title": "bigint",
        "stands": "smallint",
        "value": "bytea",
    },
    "ON CONFLICT (lot, idx) DO UPDATE SET custody = excluded.custody, title = excluded.title, "
    "stands = excluded.stands, value = excluded.value",
)
HOLDING = Into("holding", {"party": "bigint", "lot": "bigint"}, "ON CONFLICT (party, lot) DO NOTHING")
FINDING = Into("finding", {"idx": "bigint", "n": "int", "rule": "text", "severity": "text", "value": "bytea"})
SUBJECT = Into("finding_subject", {"type": "text", "id": "text", "idx": "bigint", "n": "int"})
TILE = Into("tile", {"level": "smallint", "n": "bigint", "hashes": "bytea", "root": "bytea"})
ROOT = Into("root", {"size": "bigint", "root": "bytea"})
_APART = frozenset({"lot", "move", "number"})
"""The types of records that have tables of their own."""


class Batch:
    """Entries on top of a locked head. `log` is where entries are read, if not in the tables written to.

    `left` is what is known of the state at this head.
    """

    def __init__(self, view: View, head: Head, log: View | None = None, left: Left | None = None) -> None:
        self._view = view
        self.head = head
        self.state = Overlay(view, head.size, log or view, left)
        self.record_time = head.record_time
        self.leaves: list[bytes] = []
        self.entries: list[StoredEntry] = []
        self._outcomes: list[tuple[Any, ...]] = []
        self._findings: list[tuple[Any, ...]] = []
        self._subjects: list[tuple[Any, ...]] = []
        self._records: dict[Address, AnyRecord] = {}
        self._lots: dict[LotId, Lot | Mention] = {}
        self._moves: dict[tuple[int, int], Move] = {}
        """By the lot's line in the book and the index of the entry."""
        self._new_lots: list[tuple[int, int]] = []
        self._holdings: set[tuple[int, int]] = set()
        self._used: dict[str, None] = {}

    @property
    def size(self) -> int:
        """How many entries there are, with those of this batch."""
        return self.head.size + len(self.leaves)

    @property
    def changed(self) -> list[Address]:
        """The addresses of all records that are no longer what they were, and of who signed."""
        return [*self._records, *((SIGNED_BY, key) for key in self._used)]

    def judge(self, entry: Entry) -> Outcome:
        """What the fold says of an entry that would come next; changes nothing."""
        return fold.apply(entry, self.state)

    def keep(self, entry: Entry, outcome: Appended, leaf: bytes) -> None:
        """The entry comes next; `leaf` is its leaf hash."""
        use = 0
        changes = outcome.changes
        self._records.update(changes)
        for address in changes:
            if address[0] not in _APART:
                continue
            match changes[address]:
                case Lot() | Mention() as lot:
                    self._keep_lot(address, lot)
                case Move() as move:
                    index = self.state.move_index(address, move, entry)
                    self._moves[self._number(outcome, move.lot), index] = move
                case Number() as number:
                    use = 0 if number.second is None else 1
                case _:
                    pass
        event = entry.event
        signer = self.state.keep(entry, outcome)
        value = verdicts.encode(entry.index, event, outcome)
        self._used[event.key] = None
        self._outcomes.append((entry.index, signer.no, event.sequence, use, leaf, value))
        self._keep_findings(entry.index, outcome.findings)
        self.record_time = entry.record_time
        self.leaves.append(leaf)

    def keep_place(self, index: int, leaf: bytes) -> None:
        """What comes next is no entry that can stand; it changes nothing, but the tree has its leaf."""
        self._outcomes.append((index, -1, index, 0, leaf, verdicts.NOTHING))
        self.leaves.append(leaf)

    def write(self) -> Growth:
        """Writes everything and moves the head; the batch is not used after it."""
        view = self._view
        growth = Growth(self.head.edge, self.leaves)
        root = growth.edge.root()
        tiles = growth.tiles(view.hashes)
        with view.together():
            self._insert(tiles)
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

    def _insert(self, tiles: Sequence[FullTile]) -> None:
        view, state = self._view, self.state
        view.insert(ENTRY, [(e.index, e.record_time, e.payload, e.signature, e.blind) for e in self.entries])
        view.insert(SIGNER, [(state.signers[key].no, key, state.signers[key].top) for key in self._used])
        view.insert(OUTCOME, self._outcomes)
        # In the order of their keys, so that neighbours are written together.
        states = sorted([item for item in self._records.items() if item[0][0] not in _APART])
        view.insert(STATE, [(type_, id_, encode_record(record)) for (type_, id_), record in states])
        view.insert(LOT, sorted([lot_row(id_, lot) for id_, lot in self._lots.items()]))
        view.insert(LOT_PLACE, sorted(self._new_lots))
        view.insert(MOVE, [move_row(lot, index, move) for (lot, index), move in sorted(self._moves.items())])
        view.insert(HOLDING, sorted(self._holdings))
        view.insert(FINDING, self._findings)
        view.insert(SUBJECT, sorted(self._subjects))
        view.insert(TILE, tiles)

    def _keep_lot(self, address: Address, lot: Lot | Mention) -> None:
        before = self.state.find(address)
        number = lot.place.number
        self._lots[LotId(address[1])] = lot
        if before is None:
            self._new_lots.append((place_of_lot(address[1]), number))
        if isinstance(lot, Lot):
            held = (before.custodian, before.title) if isinstance(before, Lot) else ()
            if lot.custodian not in held:
                self._holdings.add((self._party_number(lot.custodian), number))
            if lot.title not in held:
                self._holdings.add((self._party_number(lot.title), number))

    def _party_number(self, party: PartyId) -> int:
        record = self.state.find(("party", party))
        assert isinstance(record, Party)
        return record.place.number

    def _number(self, outcome: Appended, lot: LotId) -> int:
        record = outcome.changes.get(("lot", lot)) or self.state.find(("lot", lot))
        assert isinstance(record, Lot)
        return record.place.number

    def _keep_findings(self, index: int, findings: Sequence[Finding]) -> None:
        for n, finding in enumerate(findings):
            self._findings.append((index, n, finding.rule, finding.severity, finding.to_json()))
            self._subjects.extend((*subject, index, n) for subject in dict.fromkeys(finding.subjects))


def lot_row(id_: LotId, lot: Lot | Mention) -> tuple[Any, ...]:
    """The lot's row in `lot`."""
    mineral, state = (lot.mineral, lot.state) if isinstance(lot, Lot) else ("", "")
    return (lot.place.number, id_, mineral, state, pack_lot(lot))


def move_row(number: int, index: int, move: Move) -> tuple[Any, ...]:
    """The move's row in `move`; `number` is its lot's line in the book."""
    return (number, index, move.custody_after, move.title_after, int(move.stands), pack_move(move))
