"""The second half of an append, under the head lock: what becomes of each event of a group.

One rejected event never fails its neighbours: each is judged in memory on what those before it left, and
only then everything is written, in one transaction.
"""

from collections.abc import Sequence
from itertools import chain

import msgspec

from traceability.core import leaf, merkle
from traceability.core.events import Event, Genesis, Redaction
from traceability.core.ids import EventId
from traceability.core.outcome import Appended, Entry, Rejected, WaitsFor, told_with
from traceability.core.policy import Policy, turned_away
from traceability.core.registry_records import Key, LedgerFacts, Number
from traceability.ledger import changes, disclosures
from traceability.ledger.answers import Refused, Waiting
from traceability.ledger.batch import ROOT, Batch
from traceability.ledger.guard import GuardHead
from traceability.ledger.intake import Intake, Read
from traceability.ledger.overlay import Left
from traceability.ledger.tree import Growth
from traceability.ledger.view import Head, StoredEntry, View


class Taken(msgspec.Struct, frozen=True, gc=False):
    """The event was appended now."""

    index: int
    event_id: EventId
    entry: bytes
    blind: bytes
    outcome: Appended


class Known(msgspec.Struct, frozen=True, gc=False):
    """The event is in the log already."""

    index: int


Judged = Taken | Known | Refused | Waiting


class Group:
    """Events that are appended together, on top of a locked head, at one record time.

    `blinds` is a random blind for each of them. With `own_times` a submission's own record time is taken, where it is later;
    with `opening` it is the genesis of a log. `left` is what is known of the state at this head.
    """

    def __init__(
        self,
        view: View,
        head: Head,
        record_time: int,
        intake: Intake,
        blinds: bytes,
        left: Left | None = None,
        *,
        own_times: bool,
        opening: bool = False,
    ) -> None:
        self._view = view
        self._head = head
        self._record_time = record_time
        self._own_times = own_times
        self._opening = opening
        self._intake = intake
        self._blinds = blinds
        self._batch = Batch(view, head, left=left)
        self._roots: dict[int, bytes] = {0: merkle.EMPTY_ROOT, head.size: head.root}
        self._times: dict[int, int] = {}
        self.growth: Growth | None = None
        """How the tree grew, once written; None when it did not."""
        self.facts: LedgerFacts | None = None
        """What the ledger says of itself now; None before its genesis."""
        self.erased = False
        """Whether what was written erased a disclosed value."""

    def left(self) -> Left:
        """What the group after this one may begin with, once this one is committed."""
        return self._batch.state.left()

    def tell(self, head: GuardHead) -> None:
        """Leaves word to other processes of what was changed up to this head, which is being written."""
        if head.size > self._head.size:
            changes.tell(self._view, self._head.size, head.size, self._batch.changed)

    def judge(self, reads: Sequence[Read]) -> list[Judged]:
        """What becomes of each, in order."""
        events = [read.event for read in reads]
        self._batch.state.preload(events, chain.from_iterable(read.touched for read in reads))
        sizes = {read.event.seen.size for read in reads if read.event.seen is not None}
        unknown = list(sizes - self._roots.keys())
        if unknown:
            self._roots.update(
                dict(self._view.all("SELECT size, root FROM root WHERE size = ANY(?)", unknown))
            )
        self._times.update(self._view.record_times({size - 1 for size in sizes if size}))
        judged = [self._one(read) for read in reads]
        facts = self._batch.state.find(("ledger", ""))
        self.facts = facts if isinstance(facts, LedgerFacts) else None
        return judged

    def write(self, reads: Sequence[Read], judged: Sequence[Judged]) -> GuardHead:
        """Writes what was judged; the head of the log after it."""
        head = GuardHead(self._head.size, self._head.root)
        if self._batch.leaves:
            self.growth = self._batch.write()
            head = GuardHead(self.growth.edge.size, self.growth.edge.root())
            self._view.insert(ROOT, [head])
        taken = list(zip(reads, judged, strict=True))
        disclosures.keep(
            self._view,
            (
                disclosures.Of(result.index, read.event_id, read.event, read.opened)
                for read, result in taken
                if read.opened and isinstance(result, Taken | Known)
            ),
        )
        redactions = [
            read.event
            for read, result in taken
            if isinstance(read.event, Redaction) and isinstance(result, Taken) and result.outcome.stands
        ]
        self.erased = disclosures.erase(self._view, redactions)
        return head

    def _one(self, read: Read) -> Judged:
        state = self._batch.state
        event = read.event
        if not read.verified:
            key = state.find(("key", event.key))
            if not isinstance(key, Key):
                return Waiting("key", event.key)
            refused = read.verify(self._intake.key_of(key))
            if refused is not None:
                return refused
        used = state.find(("number", f"{event.key}:{event.sequence}"))
        if isinstance(used, Number) and read.event_id in (used.first, used.second):
            return Known(state.places[read.event_id])
        refused = self._check_seen(read) or self._check_genesis(event)
        if refused is not None:
            return refused
        if self._own_times and read.record_time is not None:
            self._record_time = max(self._batch.record_time, read.record_time)
        seen_time = None if event.seen is None else self._times.get(event.seen.size - 1)
        entry = Entry(self._batch.size, self._record_time, read.event_id, event, seen_time)
        outcome = self._batch.judge(entry)
        match outcome:
            case Appended():
                return self._turned_away(entry, outcome) or self._take(read, entry, outcome)
            case Rejected():
                return Refused(outcome.name, outcome.message)
            case WaitsFor():
                return Waiting(outcome.type, outcome.id)

    def _turned_away(self, entry: Entry, outcome: Appended) -> Refused | None:
        """Why this deployment does not take what the rules would; an event that is evidence of two claims it takes."""
        if not outcome.findings:
            return None
        policy = self._batch.state.find(("policy", "policy"))
        if not isinstance(policy, Policy) or not outcome.stands or not all(outcome.fates.values()):
            return None
        region: str | None = entry.event.body.region
        country = None if region is None else region[:2]
        for finding in told_with(entry.event_id, outcome.findings):
            if turned_away(policy, finding.rule, finding.severity, country):
                return Refused(
                    "turned_away",
                    f"this ledger's policy takes no event on which the rule {finding.rule} notices something {finding.severity}: "
                    "put right what it is about, or ask the operator",
                )
        return None

    def _take(self, read: Read, entry: Entry, outcome: Appended) -> Taken:
        envelope = read.envelope
        at = len(self._batch.leaves) * leaf.BLIND_SIZE
        blind = self._blinds[at : at + leaf.BLIND_SIZE]
        written = leaf.entry_bytes(envelope, self._record_time)
        self._batch.entries.append(
            StoredEntry(entry.index, self._record_time, envelope.payload, envelope.signature, blind)
        )
        self._batch.keep(entry, outcome, leaf.leaf_hash(blind, written))
        return Taken(entry.index, read.event_id, written, blind, outcome)

    def _check_genesis(self, event: Event) -> Refused | None:
        """A genesis comes alone, from whoever begins the log; a successor's names the tree it stands on."""
        if not isinstance(event, Genesis) or not self._head.size:
            return None
        if not self._opening:
            return Refused(
                "genesis_first", "this log has begun; a successor is opened on the operator's machine"
            )
        continues = event.body.continues
        if continues is not None and continues.root != self._head.root.hex():
            return Refused(
                "fork", f"this is not the log of {continues.size} entries that the genesis continues"
            )
        return None

    def _check_seen(self, read: Read) -> Refused | None:
        seen = read.event.seen
        if seen is None:
            return None
        if seen.size > self._head.size:
            return Refused(
                "ahead",
                f"the signer has seen a log of {seen.size} entries, here are {self._head.size}: keep that checkpoint, "
                "it shows that this copy is behind or that something was lost",
            )
        root = self._roots.get(seen.size)
        if root is None:
            root = self._roots[seen.size] = merkle.tree_root(seen.size, self._view.nodes(seen.size))
        if root.hex() != seen.root:
            return Refused(
                "fork",
                f"the signer has seen another log of {seen.size} entries under this name: keep that checkpoint, "
                "it is proof of two histories",
            )
        return None
