"""The trust pack: who is who in a ledger, in one file, to check labels without a network.

It has the form of evidence (`core.evidence`) without `lots`: the entries about parties, keys and rolls of our own
tags, under a signed checkpoint, and these subjects' lines of the book as the newest snapshot states it. Name
`*.trust-pack.json`. It is verified as evidence is, and by the same trust policy; the rules of the ledger make
parties, keys and rolls out of it.

All entries about a subject are in it, so that its line shows that none was left out. Judged are those that make
somebody what he is (`telling`). Of the others, two are read as they stand, because the ledger took them: a hold on
who signed, and that tags of a roll are void. The rest (reports, delegations, licences, allocations) closes the chains.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from traceability.core import book, evidence
from traceability.core.complete import left_out
from traceability.core.events import (
    Approval,
    Attestation,
    Delegation,
    DelegationEnd,
    Enrolment,
    Event,
    Genesis,
    Hold,
    KeyAddition,
    KeyRevocation,
    LogKey,
    Release,
    RoleChange,
    Snapshot,
    TagIssue,
    TagVoid,
)
from traceability.core.ids import EventId
from traceability.core.lineage import Placed
from traceability.core.record import Address
from traceability.core.registry_records import Key, Party, Roll
from traceability.core.state import AnyRecord
from traceability.core.tag import OUR_SCHEME
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import Established, Shown, establish

MEDIA_TYPE = "application/vnd.traceability.trust-pack+json"
SUFFIX = ".trust-pack.json"


def belongs(event: Event) -> bool:
    """Whether this event makes somebody what he is: a party, its roles and keys, the log's keys, a roll of ours."""
    if isinstance(event, TagIssue):
        return event.body.scheme == OUR_SCHEME
    return isinstance(event, Genesis | Enrolment | RoleChange | KeyAddition | KeyRevocation | LogKey)


def telling(shown: Iterable[Placed]) -> set[int]:
    """The indexes of the entries that are judged, of those shown.

    Those that belong, but revocations of keys of which nothing is shown; with what approved them and the delegations
    they were signed under; the snapshot, and who attested it; and whatever used the number of one of these before it.
    """
    entries = [*shown]
    brought = {
        address
        for each in entries
        if isinstance(each.event, Genesis | Enrolment | KeyAddition)
        for address in book.about(each.event, each.event_id, lambda _: None)
    }
    told = [
        each
        for each in entries
        if (belongs(each.event) or isinstance(each.event, Snapshot | Attestation))
        and not (isinstance(each.event, KeyRevocation) and ("key", each.event.body.key) not in brought)
    ]
    names = {each.event_id for each in told}
    delegations = {each.event.body.delegation for each in told}
    for each in entries:
        match each.event:
            case Approval():
                rests = each.event.body.event in names
            case Delegation():
                rests = each.event_id in delegations
            case DelegationEnd():
                rests = each.event.body.delegation in delegations
            case _:
                rests = False
        if rests:
            told.append(each)
    numbers = {f"{each.event.key}:{each.event.sequence}" for each in told}
    return {each.index for each in entries if f"{each.event.key}:{each.event.sequence}" in numbers}


def signers(event: Event) -> set[Address]:
    """The key and the parties by whose right an event counts."""
    found: set[Address] = {("key", event.key), ("party", event.party)}
    if event.body.acting_for is not None:
        found.add(("party", event.body.acting_for))
    return found


class Completeness(NamedTuple):
    """How far a pack shows all there was about some subjects and those whose acts made them."""

    lacking: frozenset[Address]
    """Those of which there may be more entries than shown."""
    missing: str | None
    """What whoever made the pack left out of it; None where that is nothing."""


class TrustPack:
    """A pack that was verified: parties, keys and rolls as they stand at its checkpoint."""

    def __init__(self, known: Established, snapshot: int | None) -> None:
        self.log = known.facts.log
        self.size = known.checkpoint.size
        """How many entries the log had."""
        self.recorded_until = known.recorded_until
        """Record time of the newest entry in the pack."""
        self.demo = known.facts.demo
        self.book = known.book
        """The snapshot's book; None where the pack has none that can be judged."""
        self.stated_at: int | None = None
        """Record time of the snapshot that the pack names, in Unix seconds."""
        self._replay = known.replay
        self._state = known.replay.state
        self._keys: dict[str, list[Key]] = defaultdict(list)
        for record in self._state.records.values():
            if isinstance(record, Key):
                self._keys[record.id[:16]].append(record)
        self._about: dict[Address, list[Shown]] = defaultdict(list)
        events = {entry.event_id: entry.event for entry in known.shown}
        for entry in known.shown:
            for address in book.about(entry.event, entry.event_id, events.get):
                self._about[address].append(entry)
        self._told = telling(known.shown)
        self._stating: set[Address] = set()
        for entry in known.shown:
            if entry.index == snapshot:
                self.stated_at = entry.record_time
                self._stating = signers(entry.event)

    @classmethod
    def read(cls, data: bytes, policy: TrustPolicy) -> "TrustPack":
        """Verifies a pack. Raises Malformed, or verify.Failed, where it does not hold."""
        file = evidence.decode_proven(data, "a trust pack")
        proved = file.completeness
        return cls(establish(file, policy, telling), None if proved is None else proved.snapshot)

    def keys(self, kid: str) -> Sequence[Key]:
        """All keys whose ids begin with these 16 hex digits."""
        return self._keys.get(kid, ())

    def party(self, party: str) -> Party | None:
        """The party as the pack shows it, or None."""
        found = self._find(("party", party))
        return found if isinstance(found, Party) else None

    def roll(self, roll: str) -> Roll | None:
        """The roll of our tags as the pack shows it, or None."""
        found = self._find(("roll", roll))
        return found if isinstance(found, Roll) else None

    def is_whole(self, key: Key) -> bool:
        """Whether every shown entry about the key and its party could be judged."""
        return self._state.unjudged.keys().isdisjoint({("key", key.id), ("party", key.party)})

    def is_to_be_revoked(self, key: Key) -> bool:
        """Whether a revocation of the key is shown that did not end it: its approvals may have come before it."""
        revocations = (entry.event for entry in self._about["key", key.id])
        return key.revoked is None and any(isinstance(event, KeyRevocation) for event in revocations)

    def holds(self, subjects: Collection[Address]) -> list[tuple[int, Hold]]:
        """The holds on these that nobody released, each with its record time in Unix seconds."""
        entries = [entry for address in sorted(subjects) for entry in self._about[address]]
        released = {entry.event.body.hold for entry in entries if isinstance(entry.event, Release)}
        found: dict[EventId, tuple[int, Hold]] = {}
        for entry in entries:
            if isinstance(entry.event, Hold) and entry.event_id not in released:
                found[entry.event_id] = (entry.record_time, entry.event)
        return [*found.values()]

    def voids(self, roll: str, number: int) -> list[tuple[int, TagVoid]]:
        """What declares this number of the roll void, each with its record time in Unix seconds."""
        found: list[tuple[int, TagVoid]] = []
        for entry in self._about["roll", roll]:
            if isinstance(entry.event, TagVoid):
                first, last = entry.event.body.first, entry.event.body.last
                if first is not None and last is not None and first <= number <= last:
                    found.append((entry.record_time, entry.event))
        return found

    def completeness(self, subjects: Collection[Address]) -> Completeness:
        """Whether all there was about these is shown, and about all whose acts made them, up to the snapshot."""
        rested, signing = self._rest_on({*subjects, *self._stating})
        found = self.book
        if found is None:
            claimed = self.stated_at is not None
            why = "the snapshot that shall state the book could not be judged" if claimed else None
            return Completeness(frozenset(rested), why)
        unshown = {
            each
            for each in rested
            if each not in found.lines or (each in signing and each not in found.noticed)
        }
        missing = left_out(rested, unshown, self._replay, found, never_shown=frozenset())
        return Completeness(frozenset(unshown | self._awaiting(rested)), missing)

    def _rest_on(self, subjects: Collection[Address]) -> tuple[set[Address], set[Address]]:
        """These, with those whose acts made them, and whose made those; and of them the keys that signed these acts."""
        rested: set[Address] = set()
        signing: set[Address] = set()
        waiting = set(subjects)
        while waiting:
            rested |= waiting
            acts = [
                entry.event for each in waiting for entry in self._about[each] if entry.index in self._told
            ]
            signing |= {("key", event.key) for event in acts}
            waiting = {each for event in acts for each in signers(event)} - rested
        return rested, signing

    def _awaiting(self, subjects: Collection[Address]) -> set[Address]:
        """The parties with a change of roles that awaits approval: one given before the change is about nobody."""
        parties = [self._state.records.get(each) for each in subjects]
        return {("party", each.id) for each in parties if isinstance(each, Party) and each.awaited}

    def _find(self, address: Address) -> AnyRecord | None:
        return None if address in self._state.unjudged else self._state.records.get(address)
