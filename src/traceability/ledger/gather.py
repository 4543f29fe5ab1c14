"""Which entries prove the history of some lots.

For the lots asked about and all that went into them each of their entries, for other lots they came to depend on
those up to there (`core.lineage`); then each entry of every party, key, site and policy those entries rely on; then those that these rely on,
until nothing new is needed. Of the tags these lots had, each entry; of rolls none, they lead to strangers' bags.
What only a
delegation nobody used or a stranger's revoked key would rest on stays out too; those entries themselves
are there, for completeness, and a verifier leaves them unjudged.

The log is read backwards: a subject knows its newest entry, and each entry knows, for each of its subjects,
the one before. So what is read grows with the answer and not with the log, in rounds of few large questions.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from traceability.core import book, fold, merkle
from traceability.core.events import (
    Certificate,
    Delegation,
    DelegationEnd,
    Event,
    Intake,
    KeyRevocation,
    LicenceGrant,
    Production,
    Retagging,
    Transformation,
)
from traceability.core.evidence import BookLine, Completeness, Disclosure, Evidence, ShownEntry, in_order
from traceability.core.ids import EventId, LotId, to_unpadded
from traceability.core.lineage import also_needed, named_events, restrict, tags_of
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

    @property
    def lots(self) -> frozenset[LotId]:
        return self.event.lots


class Noticed(NamedTuple):
    """A finding: its entry, which it is of those noticed there, canonical JSON."""

    entry: int
    number: int
    value: bytes


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

    def findings(self, addresses: Collection[Address]) -> Mapping[Address, Sequence[Noticed]]:
        """What rules noticed about these, oldest first."""

    def attestations(self, snapshot: EventId) -> Collection[EventId]:
        """The events that attested this snapshot."""


class Stated(msgspec.Struct, frozen=True):
    """A snapshot, and the tree of the book it states the root of."""

    index: int
    """Of the entry that states it."""
    size: int
    """After how many entries the book was so."""
    subjects: int
    read: merkle.NodeReader


class Gathered(msgspec.Struct, frozen=True):
    """Entries by rising index, and the lines of the subjects of which these are all entries.

    With a snapshot the lines are as it states them.
    """

    entries: list[Logged]
    book: list[BookLine]
    stated: Stated | None = None
    findings: Sequence[Noticed] = ()
    """What was noticed up to the snapshot about the subjects of the lines."""


def gather(source: Source, lots: Collection[LotId], size: int, stated: Stated | None = None) -> Gathered:
    """What proves these lots' histories in the first `size` entries, and by a snapshot that this is all.

    Raises LookupError where one of the lots is not in them.
    """
    gathering = _Gathering(source, size, stated if stated and stated.index < size else None)
    gathering.follow(lots)
    gathering.take_snapshot()
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
    proved = None
    if (stated := gathered.stated) is not None:
        numbers = sorted(line.number for line in gathered.book)
        proved = Completeness(
            stated.index,
            stated.subjects,
            tuple(stated.read(merkle.multiproof_coordinates(numbers, stated.subjects))),
            tuple(merkle.consistency_proof(stated.size, size, read)),
            tuple((found.entry, found.value.decode()) for found in gathered.findings),
        )
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
        completeness=proved,
    )


CONTINUED, TO_THE_END = 1, 2
"""How a lot is followed at an entry: a later entry that is taken tells of it too, or it went into a lot that is
followed to the end; and whether it is itself followed so."""


class _Gathering:
    def __init__(self, source: Source, size: int, stated: Stated | None) -> None:
        self._source = source
        self._size = size
        self._stated = stated
        self._taken: dict[int, Logged] = {}
        self._followed: dict[int, dict[LotId, int]] = defaultdict(dict)
        """For each entry the lots it is judged on, and how each is followed (`CONTINUED`, `TO_THE_END`)."""
        self._went_in: set[LotId] = set()
        """Lots that went into one that is followed to the end, still to be followed so."""
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
        waiting: dict[int, dict[LotId, int]] = defaultdict(dict)
        for lot, last in self._newest(lots).items():
            waiting[last][lot] = TO_THE_END
        if lacking := set(lots).difference(*waiting.values()):
            raise LookupError(f"there is no lot {min(lacking)}")
        while waiting:
            read = self._source.logged(waiting.keys() - self._taken.keys())
            here, waiting = waiting, defaultdict(dict)
            for index, named in here.items():
                entry = self._taken.get(index) or read[index]
                inside = index < self._size
                for lot, how in (self._follow_at(entry, named) if inside else named).items():
                    before = entry.links["lot", lot]
                    if before >= 0:
                        more = how | CONTINUED if inside else how
                        waiting[before][lot] = waiting[before].get(lot, 0) | more
            for lot, last in self._newest(self._went_in).items():
                how = TO_THE_END | CONTINUED
                waiting[last][lot] = waiting[last].get(lot, 0) | how
            self._went_in.clear()
        lost = set(lots).difference(*self._followed.values())
        if lost:
            raise LookupError(f"lot {min(lost)} is not in the first {self._size} entries")
        for index, entry in self._taken.items():
            judged = restrict(entry.event, self._followed[index])
            self._rely(entry.event if judged is None else judged, judged=judged is not None)
            self._wanted.update(("tag", tag) for tag in tags_of(entry.event, self._followed[index]))
            if isinstance(judged, Certificate):  # its uses and its end name no lot
                self._wanted.add(("certificate", entry.event_id))

    def _newest(self, lots: Collection[LotId]) -> dict[LotId, int]:
        """The newest entry of each of these lots that there is."""
        places = self._source.places([("lot", lot) for lot in lots])
        return {LotId(lot): place.last for (_, lot), place in places.items()}

    def _follow_at(self, entry: Logged, named: Mapping[LotId, int]) -> dict[LotId, int]:
        """The lots, of those named and those they depend on here, that were not followed (so far) at this entry yet."""
        self._taken[entry.index] = entry
        followed = self._followed[entry.index]
        new = {lot for lot, how in named.items() if TO_THE_END & how & ~followed.get(lot, 0)}
        new |= named.keys() - followed.keys()
        for lot, how in named.items():
            followed[lot] = followed.get(lot, 0) | how
        about = [LotId(id_) for kind, id_ in entry.links if kind == "lot"]
        continued = {lot for lot, how in followed.items() if how & CONTINUED}
        also = also_needed(entry.event, about, followed, continued)
        for lot in also - followed.keys():
            followed[lot] = 0
            new.add(lot)
        if isinstance(entry.event, Transformation) and any(
            followed.get(lot, 0) & TO_THE_END for lot in entry.event.made
        ):
            self._went_in |= {lot for _, lot in entry.event.moved if not followed[lot] & TO_THE_END}
        return {lot: followed[lot] for lot in new}

    def take_snapshot(self) -> None:
        """Takes the entry that states the book, and those that attest it."""
        if self._stated is None:
            return
        snapshot = self._source.logged([self._stated.index])[self._stated.index]
        attesting = self._source.indexes(self._source.attestations(snapshot.event_id)).values()
        found = self._source.logged([index for index in attesting if index < self._size])
        for entry in (snapshot, *found.values()):
            self._taken[entry.index] = entry
            self._rely(entry.event, judged=True)

    # What they rest on

    def ground(self) -> None:
        """Takes every entry of the subjects that are relied on, and of those that these rely on."""
        unused: list[Logged] = []
        used = self._read_approvals(self._taken.values())
        while self._wanted or self._named or used:
            for entry in used:
                if isinstance(entry.event, LicenceGrant):
                    self._wanted.add(("licence", entry.event_id))
                self._rely(entry.event, judged=self._is_judged(entry))
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

    def _is_judged(self, entry: Logged) -> bool:
        """Not what strangers did with a tag."""
        if not isinstance(entry.event, Production | Intake | Transformation | Retagging):
            return True
        return restrict(entry.event, self._followed.get(entry.index, {})) is not None

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
        entries = [self._taken[index] for index in sorted(self._taken)]
        followed = set().union(*self._followed.values())
        places = self._source.places({("lot", lot) for lot in followed} | self._read)
        if self._stated is None:
            return Gathered(entries, _in_order(self._lines_now(places)))
        lines, findings = self._lines_stated(places, self._stated)
        return Gathered(entries, lines, self._stated, findings)

    def _lines_now(self, places: Mapping[Address, Place]) -> list[BookLine]:
        count = Counter(address for entry in self._taken.values() for address in entry.links)
        return [
            _line(address, place)
            for address, place in places.items()
            if place.last < self._size and place.count == count[address]
        ]

    def _lines_stated(
        self, places: Mapping[Address, Place], stated: Stated
    ) -> tuple[list[BookLine], list[Noticed]]:
        """The lines as they were at the snapshot, and the findings on all but the lots that are not followed to the end."""
        lines, findings = lines_stated(self._source, self._taken, places, stated)
        to_the_end = {
            ("lot", lot) for lots in self._followed.values() for lot, how in lots.items() if how & TO_THE_END
        }
        told = {
            each
            for address, found in findings.items()
            if address[0] != "lot" or address in to_the_end
            for each in found
        }
        return lines, sorted(told)


def lines_stated(
    source: Source, taken: Mapping[int, Logged], places: Mapping[Address, Place], stated: Stated
) -> tuple[list[BookLine], dict[Address, list[Noticed]]]:
    """The lines of these subjects as they were at the snapshot, by address, and what was noticed about each up to there.

    Entries that are not taken are told by their links. A subject that is newer has no line.
    """
    places = {address: place for address, place in places.items() if 0 <= place.number < stated.subjects}
    links: dict[Address, dict[int, bytes]] = {address: {} for address in places}
    for entry in taken.values():
        for address in entry.links.keys() & places.keys():
            links[address][entry.index] = book.link(entry.index, entry.event_id)
    rest: dict[Address, dict[int, bytes]] = defaultdict(dict)
    waiting: dict[int, set[Address]] = defaultdict(set)
    for address, place in places.items():
        if place.count != len(links[address]):
            waiting[place.last].add(address)
    while waiting:
        here, waiting = waiting, defaultdict(set)
        read = source.logged(here.keys() - taken.keys())
        for index, addresses in here.items():
            entry = taken.get(index) or read[index]
            link = book.link(index, entry.event_id)
            for address in addresses:
                if index not in links[address] and index < stated.size:
                    rest[address][index] = link
                if entry.links[address] >= 0:
                    waiting[entry.links[address]].add(address)
    findings = source.findings([a for a, place in places.items() if place.finding_count])
    lines = []
    noticed = {}
    for address, known in places.items():
        place = Place(known.number)
        for index, link in sorted({**links[address], **rest[address]}.items()):
            if index < stated.size:
                place = book.advance(place, index, link)
        found = [each for each in findings.get(address, ()) if each.entry < stated.size]
        for each in found:
            place = book.advance_finding(place, each.entry, each.value)
        noticed[address] = found
        lines.append(_line(address, place, b"".join(link for _, link in sorted(rest[address].items()))))
    return _in_order(lines), noticed


def _in_order(lines: Iterable[BookLine]) -> list[BookLine]:
    return sorted(lines, key=lambda line: line.address)


def _line(address: Address, place: Place, rest: bytes = b"") -> BookLine:
    return BookLine(
        chain=place.chain.hex(),
        count=place.count,
        finding_chain=place.finding_chain.hex(),
        finding_count=place.finding_count,
        id=address[1],
        number=place.number,
        type=address[0],
        rest=to_unpadded(rest),
    )
