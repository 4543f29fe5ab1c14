"""Reading a ledger: entries, what stands, where ore came from and went, and evidence of it.

Each answer is of one moment. Nothing here decides who may see it, and nothing here judges: what stands was
decided by the fold when the entry came, and is looked up.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from traceability.core import book_tree, canonical, events, evidence, leaf, log_proof
from traceability.core.composition import Origin
from traceability.core.disclosing import Discloses
from traceability.core.events import Event
from traceability.core.evidence import Disclosure
from traceability.core.findings.carried import CORRECTED
from traceability.core.ids import EventId, KeyId, LotId, PartyId, RollId, SiteId, to_unpadded
from traceability.core.lot_records import Lot
from traceability.core.outcome import Finding
from traceability.core.record import Address
from traceability.core.registry_records import Act, Party, Roll, Site, TagRecord
from traceability.core.signing import EVENT_TYPE, Envelope
from traceability.core.state import AnyRecord, SubjectRecord
from traceability.ledger import ancestry, publish
from traceability.ledger.ancestry import Lineage
from traceability.ledger.gather import Stated, gather, show
from traceability.ledger.news import news
from traceability.ledger.packing import unpack_lot
from traceability.ledger.source import StoredSource
from traceability.ledger.store import Store
from traceability.ledger.trust_pack import label_pack, trust_pack
from traceability.ledger.verdicts import Verdict
from traceability.ledger.view import StoredEntry, View, finding_of

_AT_ONCE = 50
_T = TypeVar("_T")
_R = TypeVar("_R")


class LoggedEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry with its event and what the fold answered. `record_time` in Unix seconds."""

    index: int
    record_time: int
    event_id: EventId
    event: Event
    envelope: Envelope
    blind: bytes
    stands: bool
    fates: dict[LotId, bool]
    """For each lot it moves or makes: whether it stands on it."""
    findings: tuple[Finding, ...]

    @property
    def entry(self) -> bytes:
        """The canonical bytes that the leaf commits to."""
        return leaf.entry_bytes(self.envelope, self.record_time)


class Noted(NamedTuple):
    """A finding and the index of the entry at which its rule noticed it."""

    entry: int
    finding: Finding


class Page(NamedTuple, Generic[_T]):
    """Some of a list; `next` is the cursor of the rest, None at the end."""

    items: list[_T]
    next: str | None


class TagPlace(NamedTuple):
    """A tag of our own making by its place on its roll."""

    tag: str
    roll: Roll
    position: int


class Reader:
    """Answers out of a store. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Entries

    def entry(self, index: int) -> LoggedEntry | None:
        """The entry at this index, or None beyond the end."""
        return next(iter(self.entries_at([index])), None)

    def entry_of(self, event_id: EventId) -> LoggedEntry | None:
        """The entry of this event, or None where the log has it not."""
        with self._store.read() as view:
            index = view.index_of(event_id)
            return None if index is None else _logged(view, view.entries_at([index]))[0]

    def entries(self, first: int, limit: int) -> list[LoggedEntry]:
        """Up to `limit` entries from index `first` on, in order."""
        with self._store.read() as view:
            return _logged(view, view.entries(first, limit))

    def entries_at(self, indexes: Collection[int]) -> list[LoggedEntry]:
        """The entries at these indexes that there are, in order."""
        with self._store.read() as view:
            return _logged(view, view.entries_at(list(indexes)))

    def next_sequence(self, key: KeyId) -> int:
        """The number that this key's next event may have: one above the highest it has used."""
        with self._store.read() as view:
            row = view.one("SELECT top FROM signer WHERE key_id = ?", key)
        return 0 if row is None else int(row[0]) + 1

    def history(self, lot: LotId, limit: int, before: int | None = None) -> list[LoggedEntry]:
        """The newest `limit` entries about this lot (of those below index `before`), oldest first."""
        with self._store.read() as view:
            return _noted(view, [*islice(_walk(view, ("lot", lot), before), limit)][::-1])

    def backwards(self, address: Address) -> Iterator[LoggedEntry]:
        """The entries about this subject, the newest first, read as they are asked for."""
        before: int | None = None
        while True:
            with self._store.read() as view:
                some = _noted(view, [*islice(_walk(view, address, before), _AT_ONCE)])
            if not some:
                return
            yield from some
            before = some[-1].index

    def subject_entries(self, address: Address) -> list[int]:
        """The indexes of all entries about this subject, oldest first."""
        with self._store.read() as view:
            return [one.entry.index for one in _walk(view, address)][::-1]

    def disclosures(self, index: int) -> list[Disclosure]:
        """What was opened of the entry at this index: (salt, path, value), by path."""
        with self._store.read() as view:
            return _disclosures(view, index)

    def withheld(self, event: EventId) -> tuple[str, ...]:
        """The paths of the event's sealed values that were erased."""
        act = self._of("act", event, Act)
        return act.withheld if act else ()

    # Records

    def record(self, address: Address) -> AnyRecord | None:
        """The record of the fold at this address, or None."""
        with self._store.read() as view:
            return view.record(address)

    def lot(self, lot: LotId) -> Lot | None:
        """The lot as it stands, or None where there is none."""
        return self._of("lot", lot, Lot)

    def party(self, party: PartyId) -> Party | None:
        """The party, or None where there is none."""
        return self._of("party", party, Party)

    def site(self, site: SiteId) -> Site | None:
        """The site, or None where there is none."""
        return self._of("site", site, Site)

    def roll(self, roll: RollId) -> Roll | None:
        """The roll of tags, or None where there is none."""
        return self._of("roll", roll, Roll)

    def tag(self, tag: str) -> TagRecord | None:
        """What is known of a tag, or None where it was never put on anything."""
        return self._of("tag", tag, TagRecord)

    def _of(self, kind: str, id_: str, record: type[_R]) -> _R | None:
        found = self.record((kind, id_))
        return found if isinstance(found, record) else None

    # Lists

    def lots(
        self,
        *,
        holder: PartyId | None = None,
        mineral: str | None = None,
        state: str | None = None,
        cursor: int | None = None,
        limit: int = 100,
    ) -> Page[Lot]:
        """Lots, the newest first; of `holder`, those it is or ever was custodian or title holder of.

        `cursor` is `next` of the page before, as a number.
        """
        wanted = ["state <> ''"]
        values: list[Any] = []
        for column, value in (("mineral", mineral), ("state", state)):
            if value is not None:
                wanted.append(f"{column} = ?")
                values.append(value)
        if cursor is not None:
            wanted.append("lot.no < ?")
            values.append(cursor)
        table = "lot"
        if holder is not None:
            table = "holding JOIN lot ON lot.no = holding.lot"
            wanted.append("holding.party = ?")
        with self._store.read() as view:
            if holder is not None:
                values.append(_number(view, ("party", holder)))
            rows = view.all(
                "SELECT lot.no, lot.id, mineral, state, value "  # noqa: S608  # values are bound
                f"FROM {table} WHERE {' AND '.join(wanted)} ORDER BY lot.no DESC LIMIT ?",
                *values,
                limit + 1,
            )
        found = [unpack_lot(*row) for row in rows[:limit]]
        more = str(rows[limit - 1][0]) if len(rows) > limit else None
        return Page([lot for lot in found if isinstance(lot, Lot)], more)

    def held_by(self, party: PartyId, lot: LotId) -> bool:
        """Whether the party is or ever was custodian or title holder of the lot."""
        with self._store.read() as view:
            numbers = _number(view, ("party", party)), _number(view, ("lot", lot))
            return view.one("SELECT 1 FROM holding WHERE party = ? AND lot = ?", *numbers) is not None

    def findings(self, address: Address) -> list[Noted]:
        """What was noticed about this subject itself, oldest first."""
        with self._store.read() as view:
            rows = view.all(
                "SELECT finding.idx, finding.value FROM finding_subject AS subject JOIN finding "
                "ON finding.idx = subject.idx AND finding.n = subject.n "
                "WHERE subject.type = ? AND subject.id = ? ORDER BY finding.idx, finding.n",
                *address,
            )
        return [Noted(index, finding_of(value)) for index, value in rows]

    def fallen_due(self, lot: LotId) -> list[LoggedEntry]:
        """The entries, of whomever, at which something about this lot fell due; oldest first.

        Of their findings only those about the lot are anybody's business who asks for it.
        """
        address = ("lot", lot)
        entries = self.entries_at(sorted({noted.entry for noted in self.findings(address)}))
        return [
            entry
            for entry in entries
            if any(
                address in found.subjects and found.events[:1] != (entry.event_id,)
                for found in entry.findings
            )
        ]

    def corrections_behind(self, lineage: Lineage) -> list[Finding]:
        """The findings, oldest first, that a mass of these lots was put right too late to be taken over."""
        with self._store.read() as view:
            rows = view.all(
                "SELECT DISTINCT finding.idx, finding.n, finding.value FROM finding_subject AS subject "
                "JOIN finding ON finding.idx = subject.idx AND finding.n = subject.n "
                "WHERE subject.type = 'lot' AND subject.id = ANY(?) AND finding.rule = ANY(?) "
                "ORDER BY finding.idx, finding.n",
                list(lineage.lots),
                sorted(CORRECTED),
            )
        return [finding_of(value) for _, _, value in rows]

    # Tags

    def tag_of_code(self, code: str) -> TagPlace | None:
        """The tag that a code opens, or None. Where two rolls have the code, the one issued first."""
        with self._store.read() as view:
            rows = view.all("SELECT roll, number FROM tag_code WHERE code = ?", code)
            records = view.records(("roll", roll) for roll, _ in rows)
        found = [
            (record, number) for roll, number in rows if isinstance(record := records["roll", roll], Roll)
        ]
        if not found:
            return None
        roll, position = min(found, key=lambda each: (each[0].place.number, each[1]))
        return TagPlace(f"t:{roll.id}-{position}", roll, position)

    def lots_of_tag(self, tag: str) -> list[LotId]:
        """The lots a tag is on now; where it is on none, the last it was on."""
        record = self.tag(tag)
        if record is None:
            return []
        return list(record.on) or ([record.last_lot] if record.last_lot else [])

    # Where ore comes from and went

    def lineage(self, lots: Collection[LotId]) -> Lineage:
        """These lots and all they were made of, back to where ore begins."""
        with self._store.read() as view:
            return ancestry.back(view, lots)

    def forward(self, lot: LotId) -> Lineage:
        """The lot and all that was made out of it."""
        with self._store.read() as view:
            return ancestry.forward(view, lot)

    def composition(self, lots: Collection[LotId]) -> dict[Origin, int]:
        """What these lots together are made of, in micrograms by where ore begins.

        Raises TooFinelyMixed where it would take too much work.
        """
        return self.lineage(lots).by_site()

    # Evidence

    def evidence(
        self,
        lots: Collection[LotId] = (),
        *,
        event: EventId | None = None,
        disclose: Discloses = lambda _index, _event, _path: False,
    ) -> bytes:
        """The evidence file for these lots, or for the lots of an event, under the newest checkpoint.

        `disclose` is asked for each sealed field that was opened to the ledger, by the index of the entry,
        its event and the path, whether its value goes into the file. Raises LookupError where there is no
        checkpoint, or where lot or event are not in the log as far as it is published.
        """
        with self._store.read() as view:
            newest = view.checkpoint()
            if newest is None:
                raise LookupError("no checkpoint is published yet")
            size, note = newest
            if event is not None:
                lots = _lots_of_event(view, event, size)
            gathered = gather(StoredSource(view), set(lots), size, _stated(view))
            size, note = view.vouched(size, note, gathered.entries[-1].index)
            opened = {}
            for entry in gathered.entries:
                if entry.event.sealed:
                    shown = [
                        each
                        for each in _disclosures(view, entry.index)
                        if disclose(entry.index, entry.event, each[1])
                    ]
                    opened[entry.index] = shown
            found = show(gathered, lots, note, size, view.nodes(size), event=event, disclosures=opened)
        return evidence.encode(found)

    def log_proof(self, entry: LoggedEntry) -> bytes:
        """The entry as a `tlog-proof`. Raises LookupError where no checkpoint is published that has it."""
        with self._store.read() as view:
            size, note = view.checkpoint() or (0, b"")
            if entry.index >= size:
                raise LookupError(f"entry {entry.index} is not published yet")
            size, note = view.vouched(size, note, entry.index)
            path = publish.inclusion_proof(view, entry.index, size)
            return log_proof.make(entry.index, entry.blind, entry.entry, path, note)

    def news(self, lots: Collection[LotId], since: int) -> bytes:
        """What was said of these lots since the first `since` entries. Raises LookupError where nothing reaches so far."""
        with self._store.read() as view:
            return news(view, lots, since)

    def trust_pack(self) -> bytes:
        """The file by which labels are checked. Raises LookupError where there is no checkpoint."""
        with self._store.read() as view:
            return trust_pack(view, _stated(view))

    def label_pack(self, kid: str, roll: RollId) -> bytes:
        """The part of it that one label is checked by. Raises LookupError where there is no such key."""
        with self._store.read() as view:
            return label_pack(view, _stated(view), kid, roll)


def _stated(view: View) -> Stated | None:
    """The newest snapshot of which the book's tree is kept."""
    kept = view.book()
    if kept is None:
        return None
    return Stated(kept.stated_by, kept.size, kept.subjects, book_tree.reader(view.book_tile, kept.subjects))


def _number(view: View, address: Address) -> int:
    """A subject's line in the book; −1 for one that is not there."""
    record = view.record(address)
    return record.place.number if isinstance(record, SubjectRecord) else -1


class _Judged(NamedTuple):
    """An entry with its event and what the fold answered."""

    entry: StoredEntry
    event: Event
    verdict: Verdict


def _logged(view: View, entries: Sequence[StoredEntry]) -> list[LoggedEntry]:
    named = {entry.index: events.parse(entry.payload) for entry in entries}
    outcomes = view.outcomes(named)
    return _noted(view, [_Judged(entry, named[entry.index], outcomes[entry.index]) for entry in entries])


def _noted(view: View, judged: Sequence[_Judged]) -> list[LoggedEntry]:
    findings: dict[int, list[Finding]] = {}
    indexes = [entry.index for entry, _, _ in judged]
    rows = view.all("SELECT idx, value FROM finding WHERE idx = ANY(?) ORDER BY idx, n", indexes)
    for index, value in rows:
        findings.setdefault(index, []).append(finding_of(value))
    return [
        LoggedEntry(
            index=entry.index,
            record_time=entry.record_time,
            event_id=entry.event_id,
            event=event,
            envelope=Envelope(EVENT_TYPE, entry.payload, event.key, entry.signature),
            blind=entry.blind,
            stands=verdict.stands,
            fates=dict(verdict.fates),
            findings=tuple(findings.get(entry.index, ())),
        )
        for entry, event, verdict in judged
    ]


def _walk(view: View, address: Address, before: int | None = None) -> Iterator[_Judged]:
    """A subject's entries below `before`, the newest first, along the links of outcomes: each is read once."""
    record = view.record(address)
    index = record.place.last if isinstance(record, SubjectRecord) else -1
    if before is not None and before <= index and (there := _judged(view, before)) is not None:
        index = there.verdict.links.get(address, index)
    while index >= 0:
        one = _judged(view, index)
        assert one is not None, "what links lead to is in the log"
        if before is None or index < before:
            yield one
        index = one.verdict.links[address]


def _judged(view: View, index: int) -> _Judged | None:
    entry = view.entry(index)
    if entry is None:
        return None
    event = entry.event()
    return _Judged(entry, event, view.outcome(index, event))


def _disclosures(view: View, index: int) -> list[Disclosure]:
    return [(to_unpadded(salt), path, canonical.load(value)) for path, salt, value in view.disclosures(index)]


def _lots_of_event(view: View, event: EventId, size: int) -> frozenset[LotId]:
    index = view.index_of(event)
    entry = None if index is None or index >= size else view.entry(index)
    if entry is None:
        raise LookupError(f"there is no event {event} in the log as far as it is published")
    lots = entry.event().lots
    if not lots:
        raise LookupError(f"the event {event} is about no lot")
    return lots
