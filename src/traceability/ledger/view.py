"""What the tables say, asked in the words of the core: entries, records, heads, nodes of the tree.

A `View` is one transaction: everything it answers is of one moment. Nothing here decides anything.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from traceability.core import canonical, leaf, merkle, tile
from traceability.core.events import Event, parse
from traceability.core.ids import ID_PATTERN, EventId, KeyId, LotId
from traceability.core.lot_records import Lot, Move
from traceability.core.merkle import HASH_SIZE, Edge, NodeReader
from traceability.core.outcome import Finding
from traceability.core.record import Address
from traceability.core.registry_records import Mention
from traceability.core.signing import EVENT_TYPE, Envelope, event_id
from traceability.core.state import AnyRecord, decode_record
from traceability.ledger import verdicts
from traceability.ledger.database import Rows
from traceability.ledger.packed_moves import unpack_move
from traceability.ledger.packing import raw_id, unpack_lot
from traceability.ledger.verdicts import Verdict


class Head(NamedTuple):
    """The tree as it stands, and the record time of its last entry."""

    edge: Edge
    root: bytes
    record_time: int

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.edge.size


class KeptBook(NamedTuple):
    """The newest snapshot of which the book's tree is kept (`tables.BookRow`)."""

    size: int
    subjects: int
    root: bytes
    stated_by: int


class StoredEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry as it is kept. `record_time` in Unix seconds."""

    index: int
    record_time: int
    payload: bytes
    signature: bytes
    blind: bytes

    @property
    def event_id(self) -> EventId:
        """The id of its event."""
        return event_id(self.payload)

    @property
    def envelope(self) -> Envelope:
        """The envelope as it was sent first."""
        return Envelope(EVENT_TYPE, self.payload, KeyId(canonical.load(self.payload)["key"]), self.signature)

    @property
    def entry(self) -> bytes:
        """The canonical bytes that the leaf commits to."""
        return leaf.entry_bytes(self.envelope, self.record_time)

    @property
    def leaf_data(self) -> bytes:
        """The 33 bytes that stand in the tree for it."""
        return leaf.leaf_data(self.blind, self.entry)

    def event(self) -> Event:
        """Its event. Raises Malformed where the entry is damaged."""
        return parse(self.payload)


_LOT_ID = re.compile(ID_PATTERN)
_ENTRIES = "SELECT idx, record_time, payload, signature, blind FROM entry WHERE "


class View(Rows):
    """The ledger inside one transaction."""

    # The tree

    def head(self, *, lock: bool = False) -> Head:
        """The tree as it stands; with `lock`, nobody else appends until this transaction ends."""
        query = "SELECT size, root, edge, record_time FROM head WHERE id = 0"
        size, root, edge, time = self.one(query + self.database.lock if lock else query)
        hashes = tuple(edge[at : at + HASH_SIZE] for at in range(0, len(edge), HASH_SIZE))
        return Head(Edge(size, hashes), root, time)

    def checkpoint(self) -> tuple[int, bytes] | None:
        """Size and signed note of the newest checkpoint published; None before the first."""
        found = self.one("SELECT size, note FROM checkpoint WHERE id = 0")
        return None if found is None else (found[0], found[1])

    def cosigned(self) -> tuple[int, bytes] | None:
        """The same of the newest that a quorum of witnesses has cosigned; None where none has."""
        found = self.one("SELECT size, note FROM cosigned WHERE id = 0")
        return None if found is None else (found[0], found[1])

    def vouched(self, size: int, note: bytes, last: int) -> tuple[int, bytes]:
        """The checkpoint to prove entries up to index `last` under: this one, or one that witnesses confirmed.

        Nothing shown is newer than what they have confirmed: then their checkpoint says as much, and more.
        """
        witnessed = self.cosigned()
        return witnessed if witnessed is not None and last < witnessed[0] <= size else (size, note)

    def nodes(self, size: int) -> NodeReader:
        """Reads nodes of the tree of `size` leaves, `size` not above that of the head."""
        return tile.node_reader(size, self.tile)

    def tile(self, level: int, n: int, width: int) -> bytes:
        """The bytes of a tile of the tree (C2SP tlog-tiles). Raises Malformed for one that is not there."""
        found = self.one("SELECT hashes FROM tile WHERE level = ? AND n = ?", level, n)
        if found is not None:
            return bytes(found[0][: width * HASH_SIZE])
        first = n * tile.TILE_WIDTH
        return b"".join(self.hashes(level, first, first + width))

    def hashes(self, level: int, first: int, end: int) -> list[bytes]:
        """The hashes [first, end) of which tiles of this level are made: leaves, or roots of full tiles."""
        if level == 0:
            rows = self.all("SELECT leaf FROM outcome WHERE idx >= ? AND idx < ? ORDER BY idx", first, end)
        else:
            rows = self.all(
                "SELECT root FROM tile WHERE level = ? AND n >= ? AND n < ? ORDER BY n", level - 1, first, end
            )
        return [row[0] for row in rows]

    def root_at(self, size: int) -> bytes:
        """The root of the first `size` leaves, `size` not above that of the head."""
        found = self.one("SELECT root FROM root WHERE size = ?", size)
        return found[0] if found is not None else merkle.tree_root(size, self.nodes(size))

    def roots_kept(self) -> Iterator[int]:
        """The sizes of which the root is kept, rising."""
        for (size,) in self.stream("SELECT size FROM root WHERE size > 0 ORDER BY size"):
            yield size

    # The book

    def book(self) -> KeptBook | None:
        """The newest snapshot of which the tree is kept; None before the first."""
        found = self.one("SELECT size, subjects, root, stated_by FROM book WHERE id = 0")
        return None if found is None else KeptBook(found[0], found[1], bytes(found[2]), found[3])

    def book_tile(self, level: int, n: int) -> bytes:
        """A tile of that tree; empty where there is none."""
        found = self.one("SELECT hashes FROM book_tile WHERE level = ? AND n = ?", level, n)
        return b"" if found is None else bytes(found[0])

    # Entries

    def entry(self, index: int) -> StoredEntry | None:
        """The entry at this index, or None beyond the end."""
        found = self.one(_ENTRIES + "idx = ?", index)
        return None if found is None else StoredEntry(*found)

    def entries(self, first: int, limit: int) -> list[StoredEntry]:
        """Up to `limit` entries from index `first` on, in order."""
        rows = self.all(_ENTRIES + "idx >= ? AND idx < ? ORDER BY idx", first, first + limit)
        return [StoredEntry(*row) for row in rows]

    def entries_at(self, indexes: Sequence[int]) -> list[StoredEntry]:
        """The entries at these indexes that there are, in order."""
        rows = self.all(_ENTRIES + "idx = ANY(?) ORDER BY idx", list(indexes))
        return [StoredEntry(*row) for row in rows]

    def record_times(self, indexes: Collection[int]) -> dict[int, int]:
        """The record times of the entries at these indexes, by index."""
        if not indexes:
            return {}
        return dict(self.all("SELECT idx, record_time FROM entry WHERE idx = ANY(?)", list(indexes)))

    def outcome(self, index: int, event: Event) -> Verdict:
        """What the fold answered for the entry at this index, which must be there; `event` is its event."""
        return verdicts.decode(index, event, self.one("SELECT value FROM outcome WHERE idx = ?", index)[0])

    def outcomes(self, events: Mapping[int, Event]) -> dict[int, Verdict]:
        """The same for entries given by index with their events."""
        rows = self.all("SELECT idx, value FROM outcome WHERE idx = ANY(?)", list(events))
        return {index: verdicts.decode(index, events[index], value) for index, value in rows}

    def stands(self, index: int) -> bool:
        """Whether the entry at this index, which must be there, stands."""
        return verdicts.stands(self.one("SELECT value FROM outcome WHERE idx = ?", index)[0])

    def index_of(self, wanted: EventId) -> int | None:
        """Where the event with this id stands, or None where the log has it not."""
        for index in self.candidates(wanted):
            found = self.entry(index)
            if found is not None and found.event_id == wanted:
                return index
        for index, payload in self.unplaced(self.placed(), self.head().size):
            if event_id(payload) == wanted:
                return index
        return None

    def has_numbered(self, key: KeyId, sequence: int, payload: bytes) -> bool:
        """Whether the log has exactly this event, looked for among those of its key with its number."""
        query = "SELECT idx FROM outcome JOIN signer ON no = signer WHERE key_id = ? AND sequence = ?"
        found = [self.entry(index) for (index,) in self.all(query, key, sequence)]
        return any(entry is not None and entry.payload == payload for entry in found)

    def candidates(self, wanted: EventId) -> list[int]:
        """Where the event may stand, by the first bytes of its id; the newest are not known yet."""
        return [row[0] for row in self.all("SELECT idx FROM event_place WHERE id = ?", place_of(wanted))]

    def placed(self) -> int:
        """How many entries have their place in `event_place`."""
        return int(self.one("SELECT size FROM placed WHERE id = 0")[0])

    def hold_places(self) -> bool:
        """Keeps others from giving entries their places until this transaction ends; False where somebody is at it."""
        query = "SELECT size FROM placed WHERE id = 0"
        return self.one(query + self.database.lock_free) is not None

    def unplaced(self, placed: int, size: int) -> list[tuple[int, bytes]]:
        """Index and payload of the entries that `event_place` does not know yet, as far as `size`."""
        return self.all(
            "SELECT idx, payload FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx", placed, size
        )

    # Records of the fold

    def record(self, address: Address) -> AnyRecord | None:
        """The record at this address (not of a number or a move), or None."""
        return self.records([address]).get(address)

    def records(self, addresses: Iterable[Address]) -> dict[Address, AnyRecord]:
        """The records at these addresses that there are: one query for each type."""
        by_type: dict[str, list[str]] = {}
        for type_, id_ in addresses:
            by_type.setdefault(type_, []).append(id_)
        found: dict[Address, AnyRecord] = {}
        for type_, ids in by_type.items():
            if type_ == "lot":
                found.update(self._lots(ids))
                continue
            rows = self.all("SELECT id, value FROM state WHERE type = ? AND id = ANY(?)", type_, ids)
            found.update(((type_, id_), decode_record(value)) for id_, value in rows)
        return found

    def _lots(self, ids: list[str]) -> Iterator[tuple[Address, Lot | Mention]]:
        wanted = set(ids)
        rows = self.all(
            "SELECT lot.no, lot.id, mineral, state, value FROM lot_place JOIN lot ON lot.no = lot_place.no "
            "WHERE lot_place.id = ANY(?)",
            [place_of_lot(id_) for id_ in ids if _LOT_ID.fullmatch(id_)],
        )
        return ((("lot", row[1]), unpack_lot(*row)) for row in rows if row[1] in wanted)

    def moves(self, lots: Mapping[LotId, int], log: "View") -> dict[LotId, list[tuple[int, Move]]]:
        """What entries did to the heads of these lots, given with their lines in the book: index and move,
        oldest first. `log` is where entries are read."""
        found: dict[LotId, list[tuple[int, Move]]] = {lot: [] for lot in lots}
        named = {number: lot for lot, number in lots.items()}
        rows = self.all(
            "SELECT lot, idx, custody, title, stands, value FROM move WHERE lot = ANY(?) ORDER BY lot, idx",
            list(named),
        )
        ids = log.event_ids({row[1] for row in rows})
        for number, index, custody, title, stands, value in rows:
            lot = named[number]
            move = unpack_move(ids[index], lot, (custody, title), stands=bool(stands), data=value)
            found[lot].append((index, move))
        return found

    def event_ids(self, indexes: Collection[int]) -> dict[int, EventId]:
        """The ids of the events at these indexes."""
        rows = self.all("SELECT idx, payload FROM entry WHERE idx = ANY(?)", list(indexes))
        return {index: event_id(payload) for index, payload in rows}

    # What goes with an entry

    def findings(self, index: int) -> tuple[Finding, ...]:
        """What rules noticed at this entry, in order."""
        rows = self.all("SELECT value FROM finding WHERE idx = ? ORDER BY n", index)
        return tuple(finding_of(value) for (value,) in rows)

    def disclosures(self, index: int) -> list[tuple[str, bytes, bytes]]:
        """What was opened of this entry: path, salt (16 bytes) and canonical JSON of the value, by path."""
        return self.all("SELECT path, salt, value FROM disclosure WHERE idx = ? ORDER BY path", index)

    def disclosures_between(self, first: int, end: int) -> dict[int, list[tuple[str, bytes, bytes]]]:
        """The same for the entries [first, end), by index; entries with nothing opened are left out."""
        found: dict[int, list[tuple[str, bytes, bytes]]] = {}
        query = "SELECT idx, path, salt, value FROM disclosure WHERE idx >= ? AND idx < ? ORDER BY idx, path"
        for index, *opened in self.all(query, first, end):
            found.setdefault(index, []).append(tuple(opened))
        return found


def place_of(id_: EventId) -> int:
    """The first eight bytes of an event id as the signed number `event_place` keeps."""
    return int.from_bytes(bytes.fromhex(id_[:16]), "big", signed=True)


def place_of_lot(id_: str) -> int:
    """The first 64 bits of a lot's id as the signed number `lot_place` keeps."""
    return int.from_bytes(raw_id(id_)[:8], "big", signed=True)


def finding_of(value: bytes) -> Finding:
    """The finding behind its canonical JSON."""
    known: dict[str, Any] = orjson.loads(value)
    return Finding(
        rule=known["rule"],
        version=known["version"],
        severity=known["severity"],
        subjects=tuple((subject["type"], subject["id"]) for subject in known["subjects"]),
        events=tuple(known["events"]),
        figures=tuple((figure["name"], figure["value"]) for figure in known["figures"]),
    )
