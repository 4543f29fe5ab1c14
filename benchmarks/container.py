"""`evidence_container`: how large the evidence of a thousand bags is in a log of ten million entries, and what it costs to verify.

A season of the simulation with such a container goes into a real ledger, which states its book. What evidence then
shows is spread over a larger log and a larger book: the entries and lines keep their order and get other places, the
chains are worked out anew, the operator states the larger book, and an auditor attests it. All around are random
hashes, of which only that they are hashes matters. The file is whole: it is verified as any other.
"""

import gzip
import hashlib
from bisect import bisect_left
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from benchmarks import ledgers
from benchmarks.measure import Bare, Beside, Figure, of_rounds, on_one_core
from traceability.core import book, book_tree, canonical, events, evidence, merkle
from traceability.core.checkpoint import Checkpoint
from traceability.core.evidence import BookLine
from traceability.core.ids import EventId, KeyId, PartyId, to_unpadded
from traceability.core.leaf import entry_bytes, leaf_hash, time_text
from traceability.core.note import sign_note
from traceability.core.record import Place
from traceability.core.report import COMPLETE
from traceability.core.signing import EVENT_TYPE, Envelope, SigningKey, event_id
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import verify
from traceability.ledger import snapshots
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.gather import Gathered, Logged, Noticed, Stated, gather, show
from traceability.ledger.reader import Reader
from traceability.ledger.source import StoredSource
from traceability.ledger.store import Store
from traceability.simulation.people import key, party_id

LOG_SIZE = 10_000_000
SEASON = 600_000
"""Entries of the months in which the bags were dug, sold and shipped, at thirteen million in ten years."""
SUBJECTS = 6_400_000
"""Of the book of such a log: as many to an entry as the simulation has."""
LARGEST_MB = 3.0


def container(
    season: Sequence[Submission], export: EventId, folder: Path, bare: Bare, rounds: int
) -> list[Figure]:
    """The size in megabytes with `gzip -9`, of bags spread over one season and over the whole log; and the time."""
    gathered, lots = _gathered(season, export, folder)
    found = []
    for name, first, bar in (("season", LOG_SIZE - SEASON, LARGEST_MB), ("log", 0, 0.0)):
        data = _Spread(gathered, first).file(lots, export)
        size = len(gzip.compress(data, 9)) / 1e6
        unit = f"MB; {len(gathered.entries)} entries, {len(data) / 1e6:.2f} MB as they are"
        found.append(
            Figure(f"evidence_size_{name}", size, 1.0, size, unit, (size, size), bar, bar, less=True)
        )
        if name == "season":
            found.append(_verifying(data, len(gathered.entries), bare, rounds))
    return found


def _verifying(data: bytes, entries: int, bare: Bare, rounds: int) -> Figure:
    policy = TrustPolicy.without_witnesses([ledgers.SIGNER.verifier])
    pieces = []
    with on_one_core():
        for _ in range(rounds):
            beside = Beside(bare)
            with beside.piece(entries):
                report = verify(data, policy, complete=True)
            assert report.verdict == COMPLETE, report.why
            pieces.append(beside)
    return of_rounds("evidence_container", pieces, 1 / 1.3, 1 / 1.2)


class _Signer(NamedTuple):
    party: PartyId
    key: SigningKey

    @classmethod
    def called(cls, name: str) -> "_Signer":
        own = key(ledgers.SEED, name, "Ed25519")
        return cls(party_id(ledgers.SEED, own, name), own)

    def says(self, kind: str, body: dict[str, object], sequence: int, when: int) -> bytes:
        """The payload of such an event."""
        return events.encode(
            {
                "body": body,
                "event_time": time_text(when),
                "key": self.key.id,
                "kind": kind,
                "log": ledgers.LOG,
                "party": self.party,
                "previous": [],
                "sealed": [],
                "sequence": sequence,
                "version": 1,
            }
        )


OPERATOR = _Signer.called("operator")


def _gathered(season: Sequence[Submission], export: EventId, folder: Path) -> tuple[Gathered, frozenset[str]]:
    """What evidence of that export shows, and its lots, out of a real ledger that has stated its book."""
    url, guard = f"sqlite:///{folder}/container.sqlite3", folder / "container"
    ledger = ledgers.begin(url, guard, season[0])
    for at in range(1, len(season), ledgers.GROUP):
        ledgers.all_recorded(ledger.append(season[at : at + ledgers.GROUP]))
    last = season[-1].record_time
    assert last is not None
    computed = snapshots.compute(ledger.store)
    assert computed is not None
    number = Reader(ledger.store).next_sequence(KeyId(OPERATOR.key.id))
    said = OPERATOR.says("snapshot", {"book": computed.root.hex(), "size": computed.size}, number, last)
    (answer,) = ledger.append([Submission(OPERATOR.key.sign_event(said), None, [], last)])
    assert isinstance(answer, Recorded)
    snapshots.keep(ledger.store, computed, answer.index)
    ledgers.end(ledger)
    store = Store(url)
    with store.read() as view:
        kept, index = view.book(), view.index_of(export)
        assert kept is not None
        assert index is not None
        entry = view.entry(index)
        assert entry is not None
        lots = entry.event().lots
        stated = Stated(
            kept.stated_by, kept.size, kept.subjects, book_tree.reader(view.book_tile, kept.subjects)
        )
        found = gather(StoredSource(view), lots, answer.index + 1, stated)
    store.close()
    return found, lots


class _Spread:
    """What was gathered, at other places: the bags' own season from entry `first` of the larger log on."""

    def __init__(self, gathered: Gathered, first: int) -> None:
        assert gathered.stated is not None
        self._old = gathered.stated
        opening = next(e.index for e in gathered.entries if e.event.kind == "production")
        self._opening, self._first = opening, max(first, opening)
        self.size = self.place(self._old.size)
        """Of the log at the snapshot."""
        self._numbers = self._moved_numbers(gathered)
        self._lines = [self._moved_line(line, gathered) for line in gathered.book]
        self._findings = [Noticed(self.place(f.entry), f.number, f.value) for f in gathered.findings]
        entries = [
            replace(e, index=self.place(e.index)) for e in gathered.entries if e.index != self._old.index
        ]
        before = {line.number: book_tree.leaf(line.address, _place(line)) for line in self._lines}
        self._book = _Nodes(before, SUBJECTS)
        root = self._book.root()
        self._entries = [*entries, self._stating(gathered, root)]

    def place(self, index: int) -> int:
        """Where an entry stands in the larger log: the registry first, then the season spread over the rest."""
        if index < self._opening:
            return index
        room = LOG_SIZE - 10 - self._first
        return self._first + (index - self._opening) * room // (self._old.size + 1 - self._opening)

    def file(self, lots: Collection[str], export: EventId) -> bytes:
        """The evidence."""
        leaves = {e.index: leaf_hash(e.blind, _entry(e)) for e in self._entries}
        log = _Nodes(leaves, LOG_SIZE, beside=(self.size - 1, self.size))
        note = sign_note(Checkpoint(ledgers.LOG, LOG_SIZE, log.root()).encode(), [ledgers.SIGNER])
        stated = Stated(self._entries[-1].index, self.size, SUBJECTS, self._book.read)
        gathered = Gathered(self._entries, self._lines, stated, self._findings)
        found = show(gathered, lots, note, LOG_SIZE, log.read, event=export)  # type: ignore[arg-type]
        return evidence.encode(found)

    def _moved_numbers(self, gathered: Gathered) -> dict[int, int]:
        """Where the lines stand in the larger book: those that one entry began beside each other, as they were."""
        waiting = {line.address: line.number for line in gathered.book}
        found: dict[int, int] = {}
        last = -1
        for entry in gathered.entries:
            begun = sorted(waiting.pop(address) for address in entry.links.keys() & waiting.keys())
            if not begun:
                continue
            place = self.place(entry.index) * SUBJECTS // LOG_SIZE
            opening = begun[0] if entry.index < self._opening else max(place, last + 1)
            found |= {number: opening + number - begun[0] for number in begun}
            last = max(last, opening + begun[-1] - begun[0])
        return found

    def _moved_line(self, line: BookLine, gathered: Gathered) -> BookLine:
        """The line with its chains over the new places."""
        links = {int.from_bytes(link[:8], "big"): link[8:].hex() for link in line.links}
        kept = {self.place(index): event for index, event in links.items()}
        rest = b"".join(book.link(index, event) for index, event in sorted(kept.items()))
        for entry in gathered.entries:
            if line.address in entry.links and entry.index < self._old.size:
                kept[self.place(entry.index)] = entry.event_id
        place = Place(-1)
        for index, event in sorted(kept.items()):
            place = book.advance(place, index, book.link(index, event))
        own = canonical.dump([{"id": line.id, "type": line.type}])[1:-1]
        for found in gathered.findings:
            if own in found.value:
                place = book.advance_finding(place, self.place(found.entry), found.value)
        return replace(
            line,
            chain=place.chain.hex(),
            finding_chain=place.finding_chain.hex()
            if place.finding_count == line.finding_count
            else line.finding_chain,
            number=self._numbers[line.number],
            rest=to_unpadded(rest),
        )

    def _stating(self, gathered: Gathered, root: bytes) -> Logged:
        """The operator's snapshot of the larger book, in the place of the season's own."""
        old = gathered.entries[-1]
        assert old.index == self._old.index
        said = OPERATOR.says(
            "snapshot", {"book": root.hex(), "size": self.size}, old.event.sequence, old.record_time
        )
        signed = OPERATOR.key.sign_event(said)
        return replace(
            old,
            index=self.size,
            payload=said,
            signature=signed.signature,
            event_id=event_id(said),
            event=events.parse(said),
        )


def _entry(entry: Logged) -> bytes:
    return entry_bytes(
        Envelope(EVENT_TYPE, entry.payload, entry.event.key, entry.signature), entry.record_time
    )


def _place(line: BookLine) -> Place:
    chains = bytes.fromhex(line.chain), bytes.fromhex(line.finding_chain)
    return Place(line.number, line.count, chains[0], -1, line.finding_count, chains[1])


class _Nodes:
    """A tree of so many leaves of which a few are known, and all else is random."""

    def __init__(self, leaves: dict[int, bytes], size: int, *, beside: Sequence[int] = ()) -> None:
        self._leaves, self._size = leaves, size
        self._special = sorted({*leaves, *beside})
        self._known: dict[tuple[int, int], bytes] = {}

    def root(self) -> bytes:
        return merkle.tree_root(self._size, self.read)

    def read(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self._node(level, index) for level, index in coordinates]

    def _node(self, level: int, index: int) -> bytes:
        first = index << level
        at = bisect_left(self._special, first)
        if (
            at == len(self._special)
            or self._special[at] >= first + (1 << level)
            or (level == 0 and index not in self._leaves)
        ):
            return hashlib.sha256(b"%d %d %d" % (self._size, level, index)).digest()
        if level == 0:
            return self._leaves[index]
        found = self._known.get((level, index))
        if found is None:
            both = self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1)
            found = self._known[level, index] = merkle.node_hash(*both)
        return found
