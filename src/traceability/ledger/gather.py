"""Which entries prove the history of some lots.

For the lots asked about, and for every lot they came to depend on (`core.lineage`), each of their entries;
then each entry of every party, key, site and policy those entries rely on; then those that these rely on,
until nothing new is needed. Entries of tags and rolls stay out: they lead to strangers' bags. What only a
delegation nobody used or a stranger's revoked key would rest on stays out too; those entries themselves
are there, for completeness, and a verifier leaves them unjudged.

The log is read backwards: a subject knows its newest entry, and each entry knows, for each of its subjects,
the one before. So what is read grows with the answer and not with the log, in rounds of few large questions.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from traceability.core import fold, merkle
from traceability.core.events import Certificate, Delegation, DelegationEnd, Event, KeyRevocation
from traceability.core.evidence import BookLine, Disclosure, Evidence, ShownEntry, in_order
from traceability.core.ids import EventId, LotId
from traceability.core.lineage import also_needed, named_events, restrict
from traceability.core.record import Address, Place

REGISTRY = frozenset({"party", "key", "site", "policy", "licence", "certificate", "region"})
"""The types of subject of which all entries are gathered."""


class Logged(msgspec.Struct, frozen=True, gc=False):
    """An entry with its event, and for each of its subjects the index of that subject's entry before, or −1."""

    index: int
    record_time: int
    payload: bytes
    signature: bytes
    blind: bytes
    event_id: EventId
    event: Event
    links: Mapping[Address, int]


class Source(Protocol):
    """A log that can be asked in bulk. What is not there is left out of the answer."""

    def logged(self, indexes: Collection[int]) -> Mapping[int, Logged]:
        """The entries at these indexes."""

    def places(self, addresses: Collection[Address]) -> Mapping[Address, Place]:
        """The lines of these subjects in the book as they are now."""

    def indexes(self, event_ids: Collection[EventId]) -> Mapping[EventId, int]:
        """Where these events stand."""

    def first_uses(self, indexes: Collection[int]) -> Collection[int]:
        """For those of these entries whose number had been used before: the entries that used it first."""

    def approvals(self, event_ids: Collection[EventId]) -> Collection[EventId]:
        """The events that approved or rejected these."""


class Gathered(msgspec.Struct, frozen=True):
    """Entries by rising index, and the lines of the subjects of which these are all entries."""

    entries: list[Logged]
    book: list[BookLine]


def gather(source: Source, lots: Collection[LotId], size: int) -> Gathered:
    """What proves these lots' histories in the first `size` entries.

    Raises LookupError where one of the lots is not in them.
    """
    gathering = _Gathering(source, size)
    gathering.follow(lots)
    gathering.ground()
    return gathering.result()


def show(
    gathered: Gathered,
    lots: Collection[LotId],
    checkpoint: bytes,
    size: int,
    read: merkle.NodeReader,
    *,
    event: EventId | None = None,
    disclosures: Mapping[int, Sequence[Disclosure]] | None = None,
) -> Evidence:
    """The evidence for these lots under a checkpoint of `size` entries, with disclosures by index."""
    nodes = read(merkle.multiproof_coordinates([entry.index for entry in gathered.entries], size))
    opened = disclosures or {}
    return Evidence(
        lots=tuple(sorted(lots)),
        checkpoint=checkpoint,
        entries=tuple(
            ShownEntry(
                entry.index,
                entry.blind,
                entry.record_time,
                entry.payload,
                entry.signature,
                in_order(opened.get(entry.index, ())),
            )
            for entry in gathered.entries
        ),
        nodes=tuple(nodes),
        book=tuple(gathered.book),
        event=event,
    )


class _Gathering:
    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self._size = size
        self._taken: dict[int, Logged] = {}
        self._followed: dict[int, dict[LotId, bool]] = defaultdict(dict)
        """For each entry the lots it is judged on, and whether a later entry taken tells of them too."""
        self._wanted: set[Address] = {("policy", "policy")}
        """Registry subjects whose entries are still to be read."""
        self._read: set[Address] = set()
        """Those whose entries were read."""
        self._named: set[EventId] = set()
        """Events that must be shown to be there, still to be read."""
        self._delegations: set[EventId] = set()
        """Those somebody used."""

    # Lots

    def follow(self, lots: Collection[LotId]) -> None:
        """Takes every entry of these lots and of those they depend on."""
        newest = self._source.places([("lot", lot) for lot in lots])
        waiting: dict[int, dict[LotId, bool]] = defaultdict(dict)
        for lot in lots:
            place = newest.get(("lot", lot))
            if place is None:
                raise LookupError(f"there is no lot {lot}")
            waiting[place.last][lot] = False
        while waiting:
            read = self._source.logged(waiting.keys() - self._taken.keys())
            here, waiting = waiting, defaultdict(dict)
            for index, named in here.items():
                entry = self._taken.get(index) or read[index]
                inside = index < self._size
                for lot in self._follow_at(entry, named) if inside else named:
                    before = entry.links["lot", lot]
                    if before >= 0:
                        waiting[before][lot] = inside
        lost = set(lots).difference(*self._followed.values())
        if lost:
            raise LookupError(f"lot {min(lost)} is not in the first {self._size} entries")
        for index, entry in self._taken.items():
            judged = restrict(entry.event, self._followed[index])
            self._rely(entry.event if judged is None else judged, judged=judged is not None)
            if isinstance(judged, Certificate):  # its uses and its end name no lot
                self._wanted.add(("certificate", entry.event_id))

    def _follow_at(self, entry: Logged, named: Mapping[LotId, bool]) -> set[LotId]:
        """The lots, of those named and those they depend on here, that were not followed at this entry yet."""
        self._taken[entry.index] = entry
        followed = self._followed[entry.index]
        new = named.keys() - followed.keys()
        for lot, later in named.items():
            followed[lot] = later or followed.get(lot, False)
        about = [LotId(id_) for kind, id_ in entry.links if kind == "lot"]
        continued = {lot for lot, later in followed.items() if later}
        also = also_needed(entry.event, about, followed, continued)
        for lot in also - followed.keys():
            followed[lot] = False
            new.add(lot)
        return new

    # What they rest on

    def ground(self) -> None:
        """Takes every entry of the subjects that are relied on, and of those that these rely on."""
        unused: list[Logged] = []
        used = self._read_approvals(self._taken.values())
        while self._wanted or self._named or used:
            for entry in used:
                self._rely(entry.event, judged=True)
            fresh = self._read_subjects()
            entries = [*unused, *fresh, *self._read_approvals(fresh)]
            self._read_named()
            used = [entry for entry in entries if self._is_used(entry)]
            unused = [entry for entry in entries if not self._is_used(entry)]
        first = self._source.first_uses(self._taken.keys())
        self._taken.update(self._source.logged(set(first) - self._taken.keys()))

    def _rely(self, event: Event, *, judged: bool) -> None:
        """Notes what the judgement of this event looks up; of one that is not judged, only its signature."""
        body = event.body
        looked_up = fold.touches(event) if judged else {("key", event.key), ("party", event.party)}
        if body.acting_for is not None and body.delegation is not None:
            self._delegations.add(body.delegation)
        if judged:
            self._named.update(named_events(event))
        self._wanted.update(address for address in looked_up if address[0] in REGISTRY)
        self._wanted -= self._read

    def _is_used(self, entry: Logged) -> bool:
        match entry.event:
            case Delegation():
                return entry.event_id in self._delegations
            case DelegationEnd():
                return entry.event.body.delegation in self._delegations
            case KeyRevocation():
                return ("key", entry.event.body.key) in self._read
            case _:
                return True

    def _read_subjects(self) -> list[Logged]:
        """Takes every entry of the subjects wanted; gives those not taken before."""
        found = []
        self._read |= self._wanted
        waiting: dict[int, set[Address]] = defaultdict(set)
        for address, place in self._source.places(self._wanted).items():
            waiting[place.last].add(address)
        self._wanted.clear()
        while waiting:
            read = self._source.logged(waiting.keys() - self._taken.keys())
            here, waiting = waiting, defaultdict(set)
            for index, addresses in here.items():
                entry = self._taken.get(index) or read[index]
                if index < self._size and index not in self._taken:
                    self._taken[index] = entry
                    found.append(entry)
                for address in addresses:
                    before = entry.links[address]
                    if before >= 0:
                        waiting[before].add(address)
        return found

    def _read_approvals(self, entries: Iterable[Logged]) -> list[Logged]:
        """Takes the approvals of these: one given before its event came is about no subject."""
        events = self._source.approvals([entry.event_id for entry in entries])
        indexes = set(self._source.indexes(events).values()) - self._taken.keys()
        found = self._source.logged({index for index in indexes if index < self._size})
        self._taken.update(found)
        return list(found.values())

    def _read_named(self) -> None:
        """Takes the events that were named: they are there, and signed; nobody judges them."""
        indexes = set(self._source.indexes(self._named).values()) - self._taken.keys()
        self._named.clear()
        for index, entry in self._source.logged(indexes).items():
            if index < self._size:
                self._taken[index] = entry
                self._rely(entry.event, judged=False)

    # The answer

    def result(self) -> Gathered:
        """The entries taken, and a line of the book for each subject of which they are all."""
        count = Counter(address for entry in self._taken.values() for address in entry.links)
        followed = set().union(*self._followed.values())
        subjects = {("lot", lot) for lot in followed} | self._read
        book = []
        for address, place in sorted(self._source.places(subjects).items()):
            if place.last < self._size and place.count == count[address]:
                line = BookLine(
                    chain=place.chain.hex(),
                    count=place.count,
                    finding_chain=place.finding_chain.hex(),
                    finding_count=place.finding_count,
                    id=address[1],
                    number=place.number,
                    type=address[0],
                )
                book.append(line)
        return Gathered([self._taken[index] for index in sorted(self._taken)], book)
