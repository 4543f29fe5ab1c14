"""The one way in: signed events go through `Ledger.append` and come back with the proof that they are in.

    read and verify (`intake`) → group with whatever else waits → lock the head → judge and write (`group`)
    → commit → move the guard forward → sign → publish → answer

What a crash leaves behind, step by step: until the commit, nothing. After it, entries that nobody has been
told of; the next start moves the guard on and publishes them. After the guard, the same. After signing, a
checkpoint whose data is safe. Whoever had no answer sends again and gets the same index.

An error whose outcome is unknown is never guessed at: the head, the guard and the events are read again.
"""

import contextlib
import itertools
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from traceability.core import merkle
from traceability.core.events import Genesis
from traceability.core.ids import EventId
from traceability.core.leaf import BLIND_SIZE
from traceability.core.merkle import EMPTY_ROOT
from traceability.core.note import Signature, Signer, Verifier, parse_note
from traceability.core.registry_records import LedgerFacts
from traceability.ledger import changes, collector, disclosures, places, publish
from traceability.ledger.answering import answers_with_proof, answers_without_proof
from traceability.ledger.answers import Answer, Disclosure, Recorded, Refused, Submission, Waiting
from traceability.ledger.clock import Clock, ClockRefuses
from traceability.ledger.database import CONSTRAINTS, ERRORS, Unusable, in_words, is_fatal
from traceability.ledger.group import Group, Known, Taken
from traceability.ledger.guard import Guard, GuardHead, GuardRefuses, GuardUnavailable
from traceability.ledger.intake import Intake, Read, Reads
from traceability.ledger.log_keys import short
from traceability.ledger.overlay import Left, Overlay
from traceability.ledger.store import Store
from traceability.ledger.view import View

GROUP_MAX = 1024
AHEAD_FROM = 3
"""After how many groups in a row another process is worth starting, which takes a second."""
_TRIES = 2
_LOG = logging.getLogger(__name__)
_UNAVAILABLE = Refused("unavailable", "the ledger could not record this now; send it again")


def _nothing(_: str) -> None:
    pass


class Ledger:
    """A log that can be appended to. Threads may share it; processes may share its store and guard."""

    def __init__(
        self,
        store: Store,
        guard: Guard,
        *log_signers: Signer,
        clock: Callable[[], int] | None = None,
        reached: Callable[[str], object] = _nothing,
    ) -> None:
        """Reads store and guard and decides whether anything may be signed (`refusal`).

        Checkpoints are signed by those of `log_signers` that the ledger has named: two while keys change.
        `clock` (Unix seconds) replaces the real one, in a ledger whose genesis says demo and nowhere else.
        `reached` is told the name of each step when it is done.
        """
        self.store = store
        self._guard = guard
        self._signers = log_signers
        self._time = clock
        self._clock = Clock()
        self._reached = reached
        self._intake = Intake(store)
        self._one_at_a_time = threading.Lock()
        self._facts: LedgerFacts | None = None
        self._published: tuple[GuardHead, bytes] | None = None
        self._left: tuple[GuardHead, Left] | None = None
        """A head, and what is known of the state at it: what the last group wrote and left, or what was read since."""
        self._alone = True
        """Whether nobody else was seen to append: else others are told what is changed here."""
        self._placed = 0
        self._to_forget = False
        """Whether the database's own journal may still hold values that were erased."""
        self._broken: str | None = None
        """Why this process can never sign again."""
        self._stopped: str | None = None
        """Why nothing is signed until somebody has seen to it."""
        self._trouble: str | None = None
        """Why nothing could be signed the last time; it is tried again."""
        self.reload()

    @property
    def refusal(self) -> str | None:
        """Why nothing is signed now; None while all is well. Reads go on."""
        return self._broken or self._stopped or self._trouble

    @property
    def ended(self) -> str | None:
        """That the log has come to its end, and nothing is taken any more; None while it goes on."""
        facts, published = self._facts, self._published
        if facts is None or published is None or published[0].size != facts.frozen_at:
            return None
        return f"{facts.origin} has ended with {facts.frozen_at} entries; it can be read"

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """The keys it has to sign checkpoints with."""
        return tuple(signer.verifier for signer in self._signers)

    def close(self) -> None:
        """Ends what it runs beside; store and guard stay open."""
        self._intake.close()

    def reload(self) -> None:
        """Reads store and guard again: may this log go on? Publishes what a crash kept from being published."""
        try:
            with self.store.read() as view:
                head = view.head()
                facts = view.record(("ledger", ""))
                self._placed = view.placed()
                self._stopped = self._why_not(view, GuardHead(head.size, head.root), facts)
            self._trouble = None
            if self._stopped is None:
                self._publish(GuardHead(head.size, head.root), None)
        except GuardRefuses as error:
            self._stopped = str(error)
        except (*ERRORS, GuardUnavailable) as error:
            self._trouble = in_words(error)

    def append_one(self, submission: Submission) -> Answer:
        """The answer to one event."""
        return self.append([submission])[0]

    def append(self, submissions: Sequence[Submission]) -> list[Answer]:
        """The answer to each, in order. What is answered `Recorded` is on stable storage and proved."""
        groups = (submissions[at : at + GROUP_MAX] for at in range(0, len(submissions), GROUP_MAX))
        with collector.resting():
            return [answer for answers in self.append_groups(groups) for answer in answers]

    def append_groups(self, groups: Iterable[Sequence[Submission]]) -> Iterator[list[Answer]]:
        """The answers to each group, of at most GROUP_MAX, in turn.

        Where there is a core for it, another process reads a group while the one before is judged; so each
        group is answered when the next has been fetched.
        """
        source = iter(groups)
        group = next(source, None)
        read: Callable[[], Reads] | None = None
        for count in itertools.count(1):
            if group is None:
                return
            with collector.resting():
                reads = self._taken(group, read)
            following = next(source, None)
            with collector.resting():
                read = None if following is None else self._intake.ahead(following, start=count >= AHEAD_FROM)
                answers = self._answers(reads)
                del reads
            yield answers
            group = following

    def _taken(self, group: Sequence[Submission], read: Callable[[], Reads] | None) -> Reads:
        try:
            return self._intake.take(group) if read is None else read()
        except ERRORS as error:
            _LOG.warning("keys could not be read: %s", error)
            return [_UNAVAILABLE] * len(group)

    def _answers(self, reads: Reads) -> list[Answer]:
        waiting = [read for read in reads if isinstance(read, Read)]
        with self._one_at_a_time:
            given = iter(self._settle(waiting) if waiting else ())
            self._fill_places()
        return [read if isinstance(read, Refused) else next(given) for read in reads]

    def shown(self, head: GuardHead, by: str) -> bool:
        """Somebody shows a head that this log's key has signed. Whether this ledger has it.

        If not, it was rolled back together with its guard, or it is one of two: nothing more is signed, now and
        after a new start, as far as the guard can hold that.
        """
        if self._contains(head):
            return True
        self._broken = (
            f"{by} shows a checkpoint of {head.size} entries, signed with this log's key, that this database does "
            "not have"
        )
        _LOG.critical("%s", self._broken)
        with contextlib.suppress(GuardRefuses, GuardUnavailable):
            self._guard.advance(head, lambda _: True)
        return False

    def add_disclosures(self, event_id: EventId, opened: Sequence[Disclosure]) -> Refused | Waiting | None:
        """Keeps what somebody opens later of an event's sealed fields; None when all is kept."""
        with self.store.write() as view:
            index = view.index_of(event_id)
            found = None if index is None else view.entry(index)
            if found is None:
                return Waiting("event", event_id)
            event = found.event()
            checked = disclosures.check(event, opened)
            if isinstance(checked, Refused):
                return checked
            erased = disclosures.withheld(view, [event_id]).get(event_id, ())
            again = next((field.path for field in checked if field.path in erased), None)
            if again is not None:
                return Refused("redacted", f"the value at {again} was erased and is not taken again")
            disclosures.keep(view, [disclosures.Of(found.index, event_id, event, checked)])
            return None

    def begin(self, genesis: Submission) -> Answer:
        """Appends the genesis to an empty log, or that of a successor; its guard stands at the size before it."""
        (read,) = self._intake.take([genesis])
        if isinstance(read, Refused):
            return read
        event = read.event
        if not isinstance(event, Genesis) or not any(
            key.encode() in event.body.log_keys for key in self.verifiers
        ):
            ours = short(self.verifiers[0].encode())
            return Refused("genesis_first", f"it is no genesis that names the log key {ours}: set LOG_KEY")
        if self._time is not None and not event.body.demo:
            return Refused("not_a_demo", "only a genesis that says demo may be stamped by a clock of its own")
        with self._one_at_a_time:
            (answer,) = self._group([read], opening=True)
            self.reload()
        return answer

    # Trouble

    def _settle(self, reads: list[Read]) -> list[Answer]:
        for _ in range(_TRIES):
            if self._trouble is not None and self._broken is None:
                self.reload()
            if self.refusal is not None:
                return [Refused("not_signing", self.refusal)] * len(reads)
            try:
                return self._group(reads)
            except GuardRefuses as error:
                self._stopped = str(error)
            except ClockRefuses as error:
                self._trouble = str(error)
                return [Refused("not_signing", str(error))] * len(reads)
            except CONSTRAINTS:
                return self._one_by_one(reads)
            except (*ERRORS, GuardUnavailable) as error:
                _LOG.warning("append failed: %s", error)
                self._trouble = f"the last append ended in an error: {in_words(error)}"
                if is_fatal(error):
                    self._broken = f"the disk failed ({error}): check it, then start the program again"
            except Exception:  # noqa: BLE001  # whatever it is, the neighbours have nothing to do with it
                return self._one_by_one(reads)
        return [_UNAVAILABLE] * len(reads)

    def _one_by_one(self, reads: list[Read]) -> list[Answer]:
        """After a mistake of ours, or a constraint that fired although all was checked: it takes none along."""
        _LOG.exception("a group failed")
        if len(reads) > 1:
            return [answer for read in reads for answer in self._settle([read])]
        return [
            Refused("not_recorded", "the event was not recorded, by a mistake of this program: report it")
        ]

    def _why_not(self, view: View, head: GuardHead, facts: object) -> str | None:
        if not isinstance(facts, LedgerFacts) and head.size:
            return "the tables that follow from the entries are not filled: run `traceability migrate`"
        if not isinstance(facts, LedgerFacts):
            return "the ledger has no genesis: begin it with `traceability init`"
        if not self._signing(facts):
            return f"the log key {short(self.verifiers[0].encode())} is not one that {facts.log} has named: set LOG_KEY"
        if self._time is not None and not facts.demo:
            return "only a demonstration may be stamped by a clock of its own"
        if merkle.tree_root(head.size, view.nodes(head.size)) != head.root:
            return "the tree in the database does not have the root it says: run `traceability fsck`"
        self._learn(facts)
        return None

    def _learn(self, facts: LedgerFacts) -> None:
        self._facts = facts
        self._guard.know(facts.signing)

    def _signing(self, facts: LedgerFacts) -> list[Signer]:
        return [signer for signer in self._signers if signer.verifier.encode() in facts.signing]

    # One group

    def _group(self, reads: list[Read], *, opening: bool = False) -> list[Answer]:
        if not self._alone:
            self._look(reads)
        self._reached("read")
        with self.store.write() as view:
            head = view.head(lock=True)
            self._reached("locked")
            record_time = self._stamp(view, head.record_time)
            own_times = self._time is not None
            blinds = os.urandom(BLIND_SIZE * len(reads))
            left = self._begun_with(view, GuardHead(head.size, head.root))
            group = Group(
                view,
                head,
                record_time,
                self._intake,
                blinds,
                left,
                own_times=own_times,
                opening=opening,
            )
            judged = group.judge(reads)
            proves = any(isinstance(result, Taken | Known) for result in judged)
            if proves and group.facts is not None and not self._signing(group.facts):
                raise GuardRefuses(f"another key signs {group.facts.origin} now: set LOG_KEY")
            self._reached("judged")
            new = group.write(reads, judged)
            if not self._alone:
                group.tell(new)
            if opening:
                view.run("DELETE FROM cosigned")  # by the witnesses of the log before
            self._reached("written")
        self._left = (new, group.left())
        self._reached("committed")
        self._to_forget = self._to_forget or group.erased
        if self._to_forget:
            self._to_forget = not self.store.forget()
        if group.facts not in (None, self._facts):
            self._learn(group.facts)
        if not proves:
            return answers_without_proof(judged)
        note = self._publish(new, GuardHead(head.size, head.root))
        return answers_with_proof(self.store, judged, group.growth, new.size, note)

    def _look(self, reads: Sequence[Read]) -> None:
        """Reads what these are about while another process holds the head; only what that one changes is read again."""
        with self.store.read() as view:
            now = view.head()
            head = GuardHead(now.size, now.root)
            state = Overlay(view, head.size, view, self._begun_with(view, head))
            state.preload([read.event for read in reads], chain.from_iterable(read.touched for read in reads))
            self._left = (head, state.left())

    def _begun_with(self, view: View, head: GuardHead) -> Left | None:
        """What is known of the state at this head; None where nothing is."""
        last, self._left = self._left, None
        if last is None or last[0] == head:
            return None if last is None else last[1]
        self._alone = False
        changed = changes.since(view, last[0], head.size)
        return None if changed is None else last[1].without(changed)

    def _stamp(self, view: View, newest: int) -> int:
        if self._time is None:
            return self._clock.stamp(view.now(), newest)
        return max(self._time(), newest)

    def _publish(self, head: GuardHead, before: GuardHead | None) -> bytes:
        """The checkpoint of `head`, which is committed and begins with `before`."""
        if self._published is not None and self._published[0] == head:
            return self._published[1]
        if before in (None, head) and not self._was_published(head):
            # Found in the database, not committed by us now: whoever did it may not have seen the end of it.
            self.store.settle()
        self._guard.advance(head, lambda held: held == before or self._contains(held))
        self._reached("guarded")
        assert self._facts is not None
        note = publish.sign(self._facts, head, self._signing(self._facts))
        self._reached("signed")
        publish.keep(self.store, head.size, note)
        if before is None:
            self._add_lines(head.size, parse_note(note)[1])
        self._published = (head, note)
        self._reached("published")
        return note

    def _add_lines(self, size: int, own: Sequence[Signature]) -> None:
        """Puts lines of further keys under a checkpoint that was published without them."""
        with self.store.read() as view:
            found = view.checkpoint()
        lines = () if found is None or found[0] != size else parse_note(bytes(found[1]))[1]
        if lines and not {line.key for line in own} <= {line.key for line in lines}:
            publish.add_signatures(self.store, size, own)

    def _was_published(self, head: GuardHead) -> bool:
        with self.store.read() as view:
            published = view.checkpoint()
        return published is not None and published[0] >= head.size

    def _contains(self, held: GuardHead) -> bool:
        with self.store.read() as view:
            size = view.head().size
            return held.size <= size and merkle.tree_root(held.size, view.nodes(held.size)) == held.root

    def _fill_places(self) -> None:
        published = self._published
        if published is not None and published[0].size - self._placed >= places.BEHIND_MAX:
            try:
                self._placed = places.fill(self.store)
            except ERRORS as error:
                _LOG.warning("places were not filled: %s", error)


def create(
    store: Store,
    guard: Guard,
    log_signer: Signer,
    genesis: Submission,
    *,
    clock: Callable[[], int] | None = None,
    reached: Callable[[str], object] = _nothing,
) -> Ledger:
    """Begins a log: the guard at size 0, then the genesis. Raises Unusable or GuardRefuses, saying why.

    Cut short anywhere, it can be done again with the same genesis.
    """
    with store.read() as view:
        first = view.entry(0)
    if first is not None and first.payload != genesis.envelope.payload:
        raise Unusable("there is a ledger in this database already")
    if first is None:
        guard.begin(GuardHead(0, EMPTY_ROOT))
    ledger = Ledger(store, guard, log_signer, clock=clock, reached=reached)
    if first is None:
        answer = ledger.begin(genesis)
        if not isinstance(answer, Recorded):
            ledger.close()
            raise Unusable(f"the genesis was not taken: {answer}")
    return ledger


def succeed(store: Store, guard: Guard, log_signer: Signer, genesis: Submission) -> Ledger:
    """Opens a successor on the entries in this store: the guard of its key at their head, then its genesis.

    Raises Unusable or GuardRefuses, saying why. Cut short anywhere, it can be done again.
    """
    ledger = Ledger(store, guard, log_signer)
    with store.read() as view:
        head, facts = view.head(), view.record(("ledger", ""))
    if isinstance(facts, LedgerFacts) and log_signer.verifier.encode() not in facts.signing:
        guard.begin(GuardHead(head.size, head.root))
        answer = ledger.begin(genesis)
        if not isinstance(answer, Recorded):
            ledger.close()
            raise Unusable(f"the genesis was not taken: {answer}")
    return ledger
