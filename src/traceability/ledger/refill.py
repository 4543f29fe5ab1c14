"""Bringing back a lost tail: entries that others hold with their blinds, put behind what a backup has.

Each stands in the tree at one index under one hash, so who brought it does not matter: together they give the root that
the guard holds, or that of a checkpoint somebody was given, or they do not. What a signed root proves is put back;
what no root proves stays out, and the answer says how far it went.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice, starmap
from typing import Any, NamedTuple, TypeVar

import msgspec

from traceability.core import canonical, evidence, merkle
from traceability.core.errors import Invalid, Malformed
from traceability.core.evidence import Evidence
from traceability.core.ids import unpadded
from traceability.core.leaf import BLIND_SIZE, entry_bytes, leaf_hash
from traceability.core.registry_records import LedgerFacts
from traceability.core.signing import EVENT_TYPE, Envelope
from traceability.ledger import disclosures, places, publish
from traceability.ledger.disclosures import Opened
from traceability.ledger.dump import NO_LINE, read_line
from traceability.ledger.examine import Examiner
from traceability.ledger.guard import GuardHead
from traceability.ledger.replay import CHUNK, Chunk, Replay
from traceability.ledger.store import Store
from traceability.ledger.view import StoredEntry, View


class NotRefilled(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """What was brought cannot be read, or is not of this ledger; nothing was changed."""


class Refilled(NamedTuple):
    """How far it went: from `before` to `size` entries, of `signed` that are known to have been signed."""

    before: int
    size: int
    signed: int
    missing: tuple[int, ...]
    """The indexes of which nothing was brought."""


class _Brought(NamedTuple):
    entry: StoredEntry
    leaf: bytes
    opened: list[tuple[str, bytes, bytes]]


class _Answer(msgspec.Struct):
    """The answer to an event, or an event as its signer may read it again."""

    blind: str
    checkpoint: str
    entry: str
    index: int
    proof: list[str]
    disclosures: list[tuple[str, str, Any]] = []


class _Header(msgspec.Struct):
    checkpoint: str
    format: str
    size: int


def refill(store: Store, held: GuardHead | None, files: Iterable[bytes]) -> Refilled:
    """Puts back what these files prove behind what the ledger has. Raises NotRefilled.

    `held` is the head the guard has. A file is evidence, a trust pack, or lines: of a dump, of `/v1/log/entries`, answers
    to events.
    """
    with store.write() as view:
        before, facts = view.head(lock=True), view.record(("ledger", ""))
        if not isinstance(facts, LedgerFacts):
            raise NotRefilled("there is no ledger to refill: restore the newest backup first")
        places.fill_to(view, before.size)  # what comes behind brings its own
        tail = _Tail(facts, before.size)
        if held is not None:
            tail.signed[held.size].add(held.root)
        for data in files:
            tail.take(data)
        size = tail.proved(before.edge)
        _append(view, tail, before.size, size)
        signed = max((each for each in tail.signed if each > before.size), default=before.size)
        missing = tuple(index for index in range(before.size, signed) if index not in tail.brought)
        return Refilled(before.size, size, signed, missing)


def _append(view: View, tail: "_Tail", first: int, size: int) -> None:
    replay, examiner = Replay(view, roots_at=[size], write_entries=True), Examiner()
    brought = iter([tail.brought[index] for index in range(first, size)])
    while part := list(islice(brought, CHUNK)):
        chunk = Chunk(
            [one.entry for one in part], {one.entry.index: one.opened for one in part if one.opened}
        )
        examined = examiner.all(chunk.raw())
        replay.take(chunk.entries, examined)
        if replay.damages:
            raise NotRefilled(f"entry {replay.damages[0].key}: {replay.damages[0].what}")
        disclosures.keep(
            view,
            (
                disclosures.Of(
                    entry.index, entry.event_id, found.event, list(starmap(Opened, chunk.opened[entry.index]))
                )
                for entry, found in zip(chunk.entries, examined, strict=True)
                if entry.index in chunk.opened and not found.spoiled and not isinstance(found.event, str)
            ),
        )
    disclosures.erase_all(view)


class _Tail:
    """What was brought: entries by index, and the heads that were signed."""

    def __init__(self, facts: LedgerFacts, first: int) -> None:
        self._facts = facts
        self._first = first
        self._sure: set[int] = set()
        """Of which a signed root has proved what was brought."""
        self.brought: dict[int, _Brought] = {}
        self.signed: dict[int, set[bytes]] = defaultdict(set)

    def take(self, data: bytes) -> None:
        """One file. Raises NotRefilled."""
        try:
            file = evidence.decode_any(data)
        except Malformed:
            for number, line in enumerate(data.splitlines(), start=1):
                if line.strip():
                    self._take_line(line, number)
        else:
            try:
                self._take_evidence(file)
            except (Malformed, KeyError, TypeError) as error:
                raise NotRefilled(f"evidence with an entry that is none: {error}") from error

    def proved(self, edge: merkle.Edge) -> int:
        """The largest size whose root the entries give, and that was signed; where there is none, what was there."""
        best = size = self._first
        while size in self.brought:
            edge = edge.append(self.brought[size].leaf)
            size += 1
            if edge.root() in self.signed.get(size, ()):
                best = size
        return best

    def _take_evidence(self, file: Evidence) -> None:
        found = []
        for shown in file.entries:
            key = StoredEntry(shown.index, shown.record_time, shown.payload, shown.signature, shown.blind)
            opened = [
                (path, unpadded(salt), canonical.dump(value)) for salt, path, value in shown.disclosures
            ]
            found.append(_brought(key, opened))
        head = self._head(file.checkpoint)
        leaves = {one.entry.index: one.leaf for one in found}
        try:
            sure = (
                head is not None and merkle.root_from_multiproof(leaves, head.size, file.nodes) == head.root
            )
        except (Malformed, Invalid):
            sure = False
        for one in found:
            self._put(one, sure=sure)

    def _take_line(self, line: bytes, number: int) -> None:
        try:
            if (header := _as(_Header, line)) is not None:
                self._head(header.checkpoint.encode())
            elif (answer := _as(_Answer, line)) is not None:
                head = self._head(answer.checkpoint.encode())
                one = _of_answer(answer)
                self._put(one, sure=head is not None and _is_in(one, head, answer.proof))
            else:
                self._put(_brought(*read_line(line)), sure=False)
        except NO_LINE as error:
            raise NotRefilled(
                f"line {number} is no entry with its blind (a line of a dump, of /v1/log/entries, or an answer): {error}"
            ) from error

    def _head(self, note: bytes) -> GuardHead | None:
        """The head a file speaks of; None where no key of this log has signed it."""
        try:
            checkpoint = publish.open_own(note, self._facts)
        except (Malformed, Invalid):
            return None
        self.signed[checkpoint.size].add(checkpoint.root)
        return GuardHead(checkpoint.size, checkpoint.root)

    def _put(self, one: _Brought, *, sure: bool) -> None:
        index = one.entry.index
        if index < self._first:
            return
        known = self.brought.get(index)
        if known is None or (sure and index not in self._sure and known.leaf != one.leaf):
            self.brought[index] = one
        elif known.leaf == one.leaf:
            known.opened.extend(each for each in one.opened if each not in known.opened)
        if sure:
            self._sure.add(index)


_F = TypeVar("_F")


def _as(form: type[_F], line: bytes) -> _F | None:
    try:
        return msgspec.json.decode(line, type=form)
    except msgspec.MsgspecError:
        return None


def _of_answer(read: _Answer) -> _Brought:
    entry = canonical.load(read.entry.encode())
    envelope = Envelope.parse(entry["envelope"])
    record_time = int(datetime.fromisoformat(entry["record_time"]).timestamp())
    blind = unpadded(read.blind, BLIND_SIZE)
    stored = StoredEntry(read.index, record_time, envelope.payload, envelope.signature, blind)
    opened = [(path, unpadded(salt), canonical.dump(value)) for salt, path, value in read.disclosures]
    return _brought(stored, opened)


def _is_in(one: _Brought, head: GuardHead, proof: Sequence[str]) -> bool:
    try:
        nodes = [unpadded(node) for node in proof]
        merkle.verify_inclusion(one.leaf, one.entry.index, head.size, nodes, head.root)
    except (Malformed, Invalid):
        return False
    return True


def _brought(entry: StoredEntry, opened: Sequence[tuple[str, bytes, bytes]]) -> _Brought:
    envelope = Envelope(EVENT_TYPE, entry.payload, entry.envelope.key, entry.signature)
    return _Brought(entry, leaf_hash(entry.blind, entry_bytes(envelope, entry.record_time)), list(opened))


def spans(indexes: Sequence[int]) -> Iterator[str]:
    """Indexes as people write them: 7, 9–12."""
    first = last = None
    for index in indexes:
        if last is not None and index == last + 1:
            last = index
            continue
        if first is not None:
            yield _span(first, last)
        first = last = index
    if first is not None:
        yield _span(first, last)


def _span(first: int, last: int | None) -> str:
    return f"{first}" if first == last else f"{first}–{last}"
