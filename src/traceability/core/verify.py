"""Verifying evidence: from the bytes of a file to a verdict, with no network and without trusting us.

    verify(data, policy) -> Report

 1. The file is of the one form evidence has.
 2. Its checkpoint is signed by a log of the trust policy, under that log's origin, and by enough witnesses.
    Which log that may be is never asked of the file.
 3. Every entry in it stands in that log at its index: the leaves and the nodes give the checkpoint's root.
 4. Every payload is an event, in its one spelling, and record times do not run backwards.
 5. Every event is signed by the key it names; only keys that shown entries bring are known.
 6. The rules of the ledger, the very same fold, take these entries one after the other. What the file does
    not show is not known, and what rests on it is not judged.
 7. The lines of the book that the file states are those its entries give, and those that a snapshot states.
 8. What is disclosed is what the events commit to.
 9. Every lot asked about goes back to entries in which ore begins.
10. What each lot is made of, by site, exactly.
11. The verdict: for each lot, and one for all.

A step returns what it learned or raises `Failed`; there is no step that returns True.
"""

import gc
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import msgspec

from traceability.core import evidence, merkle
from traceability.core.account import Account
from traceability.core.checkpoint import Checkpoint
from traceability.core.complete import NEVER_SHOWN, BookShown, check_book, left_out, not_complete, rested_on
from traceability.core.cosignature import cosignature_time
from traceability.core.disclosing import group_of
from traceability.core.errors import Invalid, Malformed, TraceabilityError
from traceability.core.events import Enrolment, Event, Genesis, KeyAddition, check_disclosure, read
from traceability.core.evidence import Evidence
from traceability.core.forms import NewKey
from traceability.core.ids import EventId, KeyId, LotId, unpadded
from traceability.core.leaf import entry_bytes, leaf_hash, time_text
from traceability.core.lineage import follow
from traceability.core.outcome import Entry
from traceability.core.record import Address
from traceability.core.registry_records import Act, LedgerFacts
from traceability.core.replay import Replay
from traceability.core.report import CANNOT_TELL, COMPLETE, FAILED, HOLDS, Report, SealedFields, Step
from traceability.core.signing import EVENT_TYPE, Envelope, PublicKey, event_pae, id_of_signed, key_id
from traceability.core.trust_policy import TrustPolicy

TITLES = (
    "The file is read",
    "The checkpoint is trusted",
    "The entries stand in the log",
    "The events are read",
    "The signatures hold",
    "The rules are applied",
    "The book is recomputed",
    "What is disclosed is checked",
    "The ore is followed back",
    "Its composition is worked out",
    "The verdict",
)


class Failed(TraceabilityError):  # noqa: N818  # reads as a sentence where it is raised
    """A step that did not hold: its number, the entry it is about if it is about one, and why."""

    def __init__(self, step: int, index: int | None, why: str) -> None:
        super().__init__(why if index is None else f"entry {index}: {why}")
        self.step = step
        self.index = index
        self.why = why


class Trusted(NamedTuple):
    """A checkpoint, and who vouches for it besides its log."""

    checkpoint: Checkpoint
    cosigned_by: tuple[str, ...]
    cosigned_at: int | None
    """The newest time a cosignature states, in Unix seconds."""


class Shown(msgspec.Struct, frozen=True, gc=False):
    """An entry with its event, what its signature is over, and the lots it is about."""

    index: int
    record_time: int
    signature: bytes
    signed: bytes
    event_id: EventId
    event: Event
    lots: frozenset[LotId]


def verify(data: bytes, policy: TrustPolicy, *, now: str | None = None, complete: bool = False) -> Report:
    """Takes an evidence file through all steps. Never raises for what a file holds: it says so in the report.

    `now` (`2026-11-23T10:15:00Z`) only serves to say how old the newest cosignature is. With `complete` a verdict
    that rests on subjects not shown to be complete is "cannot tell".
    """
    report = Report()
    with _without_gc():
        try:
            _verify(data, policy, report, now, complete=complete)
        except Failed as end:
            report.steps.append(Step(end.step, TITLES[end.step - 1], str(end)))
            report.verdict, report.why = FAILED, str(end)
            for lot in report.lots:
                lot.verdict, lot.why = FAILED, str(end)
    return report


class Established(NamedTuple):
    """What entries that are about no lot give, after the steps 2 to 7."""

    checkpoint: Checkpoint
    recorded_until: str
    """Record time of the newest entry shown."""
    facts: LedgerFacts
    replay: Replay
    entries: tuple[Shown, ...]
    """Those shown whose signature was verified."""
    shown: tuple[Shown, ...]
    book: BookShown | None
    """The book of the snapshot that the file states; None where it has none that can be judged."""


def establish(
    file: Evidence, policy: TrustPolicy, judged: Callable[[Sequence[Shown]], set[int]] | None = None
) -> Established:
    """Takes entries through the steps that make them known, as `verify` does. Raises Failed where one does not hold.

    The rules are applied to all of them, or to those whose indexes `judged` picks out of what is shown.
    """
    with _without_gc():
        checkpoint = _trust(file, policy).checkpoint
        shown = _read_events(file, _find_in_log(file, checkpoint))
        signed = _check_signatures(shown)
        replay = _replay(file, shown, signed, None if judged is None else judged(shown))
        facts = _facts(replay)
        if replay.rejected:
            first = replay.rejected[0]
            raise Failed(6, first.index, first.why)
        found = _check_book(file, shown, replay, checkpoint)
    verified = tuple(entry for entry in shown if entry.index in signed)
    until = time_text(shown[-1].record_time)
    return Established(checkpoint, until, facts, replay, verified, tuple(shown), found)


def _verify(data: bytes, policy: TrustPolicy, report: Report, now: str | None, *, complete: bool) -> None:
    def learned(step: int, outcome: str) -> None:
        report.steps.append(Step(step, TITLES[step - 1], outcome))

    file = _read_file(data)
    learned(1, f"{_some(len(file.lots), 'lot')}, {_some(len(file.entries), 'entry', 'entries')}")

    vouched = _trust(file, policy)
    checkpoint = vouched.checkpoint
    report.origin, report.size, report.cosigned_by = checkpoint.origin, checkpoint.size, vouched.cosigned_by
    report.cosigned_at = None if vouched.cosigned_at is None else time_text(vouched.cosigned_at)
    learned(2, _say_trusted(vouched, now))

    envelopes = _find_in_log(file, checkpoint)
    learned(3, f"all of them, in a log of {_some(checkpoint.size, 'entry', 'entries')}")

    shown = _read_events(file, envelopes)
    report.recorded_until = time_text(shown[-1].record_time)
    learned(4, f"the newest was recorded at {report.recorded_until}")

    signed = _check_signatures(shown)
    unsigned = len(shown) - len(signed)
    learned(5, f"{len(signed)} verified" + (f", {unsigned} under keys not shown" if unsigned else ""))

    replay = _replay(file, shown, signed)
    facts = _facts(replay)
    report.single_authority, report.demo = facts.quorum == 0, facts.demo
    learned(6, _say_replayed(replay, facts))

    book_of = _check_book(file, shown, replay, checkpoint)
    learned(7, _say_book(file, book_of, checkpoint))

    report.sealed = _check_disclosures(file, shown)
    report.withheld = _withheld(report.sealed, shown)
    learned(8, _say_disclosed(report, replay))

    account = Account(replay, file.lots, book_of.findings if book_of else ())
    report.begins = account.begins()
    learned(9, f"back to {_some(len(report.begins), 'lot')} in which ore begins")

    report.lots = [account.report(lot) for lot in file.lots]
    too_fine = account.too_finely_mixed
    learned(10, f"too much work for {_some(too_fine, 'lot')}" if too_fine else "exact to the microgram")

    report.findings = account.findings_on_no_lot()
    rested = rested_on(shown, replay)
    lacking = not_complete(rested, shown, replay, book_of)
    report.completeness_not_shown = _by_type(lacking)
    missing = None
    if book_of is not None:
        report.complete_to, report.attested_by = book_of.size, book_of.attested_by
        missing = left_out(rested, lacking, replay, book_of)
    elif file.completeness is not None:
        missing = "the snapshot that shall state the book could not be judged"
    _conclude(report, replay, missing, complete=complete)
    learned(11, report.verdict)


# 1


def _read_file(data: bytes) -> Evidence:
    with _step(1):
        return evidence.decode(data)


# 2


def _trust(file: Evidence, policy: TrustPolicy) -> Trusted:
    with _step(2):
        return trusted(file.checkpoint, policy)


def trusted(note: bytes, policy: TrustPolicy) -> Trusted:
    """The checkpoint, signed by a log of the policy and cosigned by a quorum of its witnesses. Raises Malformed or Invalid."""
    opened = policy.open_checkpoint(note)
    quorum = policy.judge(opened)
    if not quorum.holds:
        who = ", ".join(quorum.cosigned_by) or "no witness"
        raise Invalid(f"cosigned by {who}: not enough for the quorum {policy.quorum}")
    witnesses = {w.verifier.key for w in policy.witnesses if w.verifier is not None}
    times = [cosignature_time(line) for line in opened.note.verified if line.key in witnesses]
    return Trusted(opened.checkpoint, quorum.cosigned_by, max(times, default=None))


def _say_trusted(trusted: Trusted, now: str | None) -> str:
    said = f"signed by {trusted.checkpoint.origin}"
    if trusted.cosigned_by:
        said += f", cosigned by {', '.join(trusted.cosigned_by)}"
    if trusted.cosigned_at is None:
        return said
    said += f" at {time_text(trusted.cosigned_at)}"
    if now is not None:
        days = (int(datetime.fromisoformat(now).timestamp()) - trusted.cosigned_at) // 86400
        said += f", {_some(days, 'day')} before now" if days >= 0 else ", which lies ahead of now"
    return said


# 3


def _find_in_log(file: Evidence, checkpoint: Checkpoint) -> list[Envelope]:
    envelopes, leaves = [], {}
    for entry in file.entries:
        try:
            key = _key_named(entry.payload)
        except TraceabilityError as error:
            raise Failed(3, entry.index, str(error)) from error
        envelope = Envelope(EVENT_TYPE, entry.payload, key, entry.signature)
        envelopes.append(envelope)
        leaves[entry.index] = leaf_hash(entry.blind, entry_bytes(envelope, entry.record_time))
    with _step(3):
        root = merkle.root_from_multiproof(leaves, checkpoint.size, file.nodes)
    if root != checkpoint.root:
        raise Failed(3, None, "entries and nodes do not give the root of the checkpoint")
    return envelopes


class _Keyed(msgspec.Struct):
    key: str


_KEYED = msgspec.json.Decoder(_Keyed)


def _key_named(payload: bytes) -> KeyId:
    """The key an event names, which stands in its envelope too. Step 4 reads the event itself."""
    try:
        return KeyId(_KEYED.decode(payload).key)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Malformed(f"not an event: {error}") from error


# 4


def _read_events(file: Evidence, envelopes: Sequence[Envelope]) -> list[Shown]:
    shown = []
    for entry, envelope in zip(file.entries, envelopes, strict=True):
        try:
            event = read(envelope)
        except TraceabilityError as error:
            raise Failed(4, entry.index, str(error)) from error
        signed = event_pae(entry.payload)
        name = id_of_signed(signed)
        about = event.lots
        shown.append(Shown(entry.index, entry.record_time, entry.signature, signed, name, event, about))
    for before, after in pairwise(shown):
        if after.record_time < before.record_time:
            raise Failed(4, after.index, "it was recorded before the entry ahead of it")
    if not isinstance(shown[0].event, Genesis) or shown[0].index != 0:
        raise Failed(4, None, "the genesis of the log is not shown")
    return shown


# 5


def _check_signatures(shown: Sequence[Shown]) -> set[int]:
    """The indexes of the entries whose key is known here; a signature that does not verify is the end."""
    bringing = [entry.event for entry in shown if isinstance(entry.event, Genesis | Enrolment | KeyAddition)]
    brought = {key_id(spki): spki for event in bringing for spki in _keys_brought(event)}
    keys: dict[KeyId, PublicKey] = {}
    signed = set()
    for entry in shown:
        key = entry.event.key
        if key not in brought:
            continue
        try:
            if key not in keys:
                keys[key] = PublicKey(brought[key])
            keys[key].verify(entry.signature, entry.signed)
        except TraceabilityError as error:
            raise Failed(5, entry.index, str(error)) from error
        signed.add(entry.index)
    return signed


def _keys_brought(event: Event) -> Iterator[bytes]:
    new: list[NewKey] = []
    match event:
        case Genesis():
            new = [*event.body.keys, *(key for each in event.body.authorities for key in each.keys)]
        case Enrolment():
            new = event.body.keys or []
        case KeyAddition():
            new = [event.body.key]
        case _:
            pass
    return (unpadded(key.public_key) for key in new)


# 6


def _replay(file: Evidence, shown: Sequence[Shown], signed: set[int], only: set[int] | None = None) -> Replay:
    if file.event is not None:
        _check_lots_of_event(file, shown)
    places = {entry.event_id: entry.index for entry in shown}
    replay = Replay(places, follow(file.lots, shown), {line.address for line in file.book if not line.rest})
    times = {entry.index: entry.record_time for entry in shown}
    for entry in shown if only is None else [each for each in shown if each.index in only]:
        seen = entry.event.seen
        seen_time = None if seen is None else times.get(seen.size - 1)
        judged = Entry(entry.index, entry.record_time, entry.event_id, entry.event, seen_time)
        replay.take(judged, entry.lots, signed=entry.index in signed)
    return replay


def _check_lots_of_event(file: Evidence, shown: Sequence[Shown]) -> None:
    entry = next((entry for entry in shown if entry.event_id == file.event), None)
    if entry is None:
        raise Failed(6, None, f"the event {file.event} whose lots these shall be is not shown")
    if entry.lots != set(file.lots):
        raise Failed(6, entry.index, "the lots of the file are not those of this event")


def _facts(replay: Replay) -> LedgerFacts:
    facts = replay.state.records.get(("ledger", ""))
    if not isinstance(facts, LedgerFacts):
        why = replay.state.unjudged.get(("ledger", ""))
        raise Failed(6, 0, why.why if why else "the genesis could not be judged")
    return facts


def _say_replayed(replay: Replay, facts: LedgerFacts) -> str:
    said = f"{_some(replay.judged, 'entry', 'entries')} judged, {_some(len(replay.findings), 'finding')}"
    if replay.rejected:
        first = replay.rejected[0]
        said = f"entry {first.index}: {first.why}"
    if not facts.quorum:
        said += "; single authority"
    return said + ("; a demonstration" if facts.demo else "")


# 7


def _check_book(
    file: Evidence, shown: Sequence[Shown], replay: Replay, checkpoint: Checkpoint
) -> BookShown | None:
    """Raises Failed where a line is not what the entries shown give, or not in the book it is said to be of."""
    with _step(7):
        return check_book(file, shown, replay, checkpoint)


def _say_book(file: Evidence, found: BookShown | None, checkpoint: Checkpoint) -> str:
    lines = _some(len(file.book), "line")
    if found is None:
        return f"{lines} as stated; the ledger has signed none of them"
    said = f"{lines} as the ledger signed them when it had {found.size} of {checkpoint.size} entries"
    return said + (f"; attested by {', '.join(found.attested_by)}" if found.attested_by else "")


# 8


def _check_disclosures(file: Evidence, shown: Sequence[Shown]) -> list[SealedFields]:
    found = []
    for entry, known in zip(file.entries, shown, strict=True):
        for salt, path, value in entry.disclosures:
            try:
                check_disclosure(known.event, salt, path, value)
            except TraceabilityError as error:
                raise Failed(8, entry.index, str(error)) from error
        if known.event.sealed:
            opened = {path: value for _, path, value in entry.disclosures}
            withheld = tuple(path for path, _ in known.event.sealed if path not in opened)
            found.append(SealedFields(entry.index, tuple(opened.items()), withheld))
    return found


def _withheld(sealed: Sequence[SealedFields], shown: Sequence[Shown]) -> dict[str, int]:
    events = {entry.index: entry.event for entry in shown}
    count = Counter(group_of(events[each.entry], path) for each in sealed for path in each.withheld)
    return {group: count[group] for group in sorted(count)}


def _say_disclosed(report: Report, replay: Replay) -> str:
    opened = sum(len(each.opened) for each in report.sealed)
    closed = ", ".join(f"{count} × {group}" for group, count in report.withheld.items())
    erased = sum(len(act.withheld) for act in replay.state.records.values() if isinstance(act, Act))
    said = f"{_some(opened, 'sealed value')} opened" if opened else "no sealed value is opened"
    said += f", not shown: {closed}" if closed else ""
    return said + (f", {_some(erased, 'value')} withheld by redaction" if erased else "")


# 11


def _by_type(addresses: Collection[Address]) -> dict[str, list[str]]:
    types = sorted({kind for kind, _ in addresses})
    return {kind: sorted(id_ for type_, id_ in addresses if type_ == kind) for kind in types}


def _conclude(report: Report, replay: Replay, missing: str | None, *, complete: bool) -> None:
    report.verdict = HOLDS
    for verdict in (CANNOT_TELL, FAILED):
        bad = next((lot for lot in report.lots if lot.verdict == verdict), None)
        if bad is not None:
            report.verdict, report.why = verdict, f"lot {bad.lot}: {bad.why}"
    if replay.rejected:
        first = replay.rejected[0]
        report.verdict, report.why = FAILED, f"entry {first.index}: {first.why}"
    elif report.verdict == HOLDS and missing is not None:
        report.verdict, report.why = CANNOT_TELL, missing
        for lot in report.lots:
            lot.verdict, lot.why = CANNOT_TELL, missing
    elif report.verdict == HOLDS and not (report.completeness_not_shown.keys() - NEVER_SHOWN):
        report.verdict = COMPLETE
        for lot in report.lots:
            lot.verdict = COMPLETE
    elif report.verdict == HOLDS and complete:
        report.verdict, report.why = CANNOT_TELL, "completeness is asked for and not shown"


@contextmanager
def _step(number: int) -> Iterator[None]:
    """What the core refuses in here is the end of this step."""
    try:
        yield
    except TraceabilityError as error:
        raise Failed(number, None, str(error)) from error


@contextmanager
def _without_gc() -> Iterator[None]:
    """Nothing made here is a cycle, and looking for cycles in a large file takes as long as verifying it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _some(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
