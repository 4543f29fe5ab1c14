"""Is this all there is? What a file's lines of the book show, and of which subjects they do not.

    chain of the entries shown, and links of the rest  ->  the line  ->  the book's root  ->  a snapshot in the log

A line counts all entries about its subject among the first `size`, so that leaving one out breaks its chain. Who
states the root is the ledger; who replayed the log and got the same attests it. The same size and root of the log
are asked of an attestation: one of another history attests nothing here, and says that there are two.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple, get_args

import msgspec

from traceability.core import book, book_tree, merkle
from traceability.core.checkpoint import Checkpoint
from traceability.core.errors import Invalid
from traceability.core.events import Event, Snapshot, Transformation
from traceability.core.evidence import BookLine, Evidence
from traceability.core.ids import EventId, LotId, PartyId
from traceability.core.lineage import Placed, tags_of
from traceability.core.record import Address, Place, SubjectType
from traceability.core.replay import Replay
from traceability.core.state import LedgerFacts, Number, Snapshots

_SUBJECTS = frozenset(get_args(SubjectType))
NEVER_SHOWN = frozenset({"roll"})
"""The types of which a file shows nothing: whose tags these are leads to strangers' bags, and only to findings."""


class BookShown(NamedTuple):
    """The book that a snapshot states, as far as the file shows it."""

    size: int
    """After how many entries."""
    lines: dict[Address, BookLine]
    attested_by: tuple[PartyId, ...]


def check_book(
    file: Evidence, shown: Sequence[Placed], replay: Replay, checkpoint: Checkpoint
) -> BookShown | None:
    """The snapshot the lines are of, after they were checked; None where the file has none that can be judged.

    Raises Invalid, or Malformed, where a line is not what the entries give, or does not stand in the book.
    """
    proved = file.completeness
    if proved is None:
        _check_lines(file, shown, replay, checkpoint.size)
        return None
    stating = next((entry for entry in shown if entry.index == proved.snapshot), None)
    if stating is None or not isinstance(stating.event, Snapshot):
        raise Invalid(f"entry {proved.snapshot} shall state the book, and is not shown or no snapshot")
    body = stating.event.body
    _check_lines(file, shown, replay, body.size)
    leaves = {line.number: book_tree.leaf(line.address, _place(line)) for line in file.book}
    if len(leaves) != len(file.book):
        raise Invalid("two lines of the book have one number")
    root = merkle.root_from_multiproof(leaves, proved.subjects, proved.nodes)
    if root.hex() != body.book:
        raise Invalid(f"the lines do not stand in the book that the snapshot of entry {stating.index} states")
    _check_findings(file.book, shown, replay)
    known = replay.state.records.get(("snapshots", ""))
    newest = known.newest if isinstance(known, Snapshots) else ()
    stated = next((each for each in newest if each.event == stating.event_id), None)
    if stated is None:
        return None  # nobody can tell whether it is the operator's
    for said in stated.attested:
        log = bytes.fromhex(said.root)
        merkle.verify_consistency(body.size, log, checkpoint.size, checkpoint.root, proved.consistency)
    facts = replay.state.records.get(("ledger", ""))
    operator = facts.operator if isinstance(facts, LedgerFacts) else None
    attested_by = tuple(sorted({said.party for said in stated.attested} - {operator}))
    return BookShown(body.size, {line.address: line for line in file.book}, attested_by)


def _place(line: BookLine) -> Place:
    return Place(
        line.number,
        line.count,
        bytes.fromhex(line.chain),
        -1,
        line.finding_count,
        bytes.fromhex(line.finding_chain),
    )


def _check_lines(file: Evidence, shown: Sequence[Placed], replay: Replay, size: int) -> None:
    """Raises Invalid where entries shown and links of the rest are not all that a line counts below `size`."""
    links: dict[Address, dict[int, bytes]] = {line.address: {} for line in file.book}
    if not links:
        return
    earlier: dict[EventId, Event] = {}
    for entry in shown:
        link = book.link(entry.index, entry.event_id)
        if entry.index < size:
            for address in book.about(entry.event, entry.event_id, earlier.get) & links.keys():
                links[address][entry.index] = link
        earlier[entry.event_id] = entry.event
    for line in file.book:
        kind, id_ = line.address
        found = links[line.address]
        followed_to = replay.until.get(LotId(id_), -1) if kind == "lot" else size
        for link in line.links if line.rest else ():
            index = int.from_bytes(link[:8], "big")
            if index <= followed_to or index in found:
                raise Invalid(f"entry {index} on {kind} {id_} is not shown, and has to be")
            found[index] = link
        place = Place(-1)
        for index in sorted(found):
            place = book.advance(place, index, found[index])
        if (place.count, place.chain.hex()) != (line.count, line.chain):
            raise Invalid(f"the file shows {place.count} of the {line.count} entries on {kind} {id_}")


def _check_findings(lines: Sequence[BookLine], shown: Sequence[Placed], replay: Replay) -> None:
    """Raises Invalid where findings opened are not those of the line, or say what the entries shown do not.

    Of a number that was used before, the entry that used it first may be of strangers: only the finding tells.
    """
    at = {entry.index: entry for entry in shown}
    for line in lines:
        if not line.findings:
            continue
        place = Place(-1)
        for index, text in line.findings:
            place = book.advance_finding(place, index, text.encode())
        if (place.finding_count, place.finding_chain.hex()) != (line.finding_count, line.finding_chain):
            raise Invalid(f"these are not the findings on {line.type} {line.id}")
        for index, text in line.findings:
            finding, entry = _read(text), at.get(index)
            if entry is None or finding.rule != "number_used_twice" or finding.events[:1] != [entry.event_id]:
                continue
            used = replay.state.records.get(("number", f"{entry.event.key}:{entry.event.sequence}"))
            if isinstance(used, Number) and used.first == entry.event_id:
                raise Invalid(f"entry {index} uses a number again, and who used it first is not shown")


class _Finding(msgspec.Struct):
    rule: str
    events: list[str]


def _read(text: str) -> _Finding:
    try:
        return msgspec.json.decode(text, type=_Finding)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Invalid(f"not a finding: {error}") from error


def not_complete(
    asked: Collection[LotId], shown: Sequence[Placed], replay: Replay, found: BookShown | None
) -> dict[str, list[str]]:
    """By type, the subjects that judged entries rely on and of which there may be more entries than shown."""
    used = {
        (kind, name)
        for kind, name in map(_subject_of, replay.relied_on)
        if kind in _SUBJECTS and (kind != "lot" or name in replay.until)
    }
    used |= {("lot", lot) for lot in asked}
    tags = _tags(shown, replay)
    used = {address for address in used if address[0] != "tag" or address[1] in tags}
    if found is not None:
        whole = {*asked, *_went_in(shown)}
        used = {address for address in used if not _is_complete(address, whole, found)}
        used |= _moved_on(shown, found.size) & {("lot", lot) for lot in asked}
    by_type: dict[str, set[str]] = defaultdict(set)
    for kind, name in used:
        by_type[kind].add(name)
    return {kind: sorted(by_type[kind]) for kind in sorted(by_type)}


def _is_complete(address: Address, whole: Collection[str], found: BookShown) -> bool:
    """Whether all entries that matter are shown; of the lots in `whole` all do."""
    line = found.lines.get(address)
    if line is None:
        # A region that was never named has no line; all that names one is of the policy too.
        return address[0] == "region" and ("policy", "policy") in found.lines
    if address[0] == "key":
        return len(line.findings) == line.finding_count
    return not line.rest or address[1] not in whole


def _tags(shown: Sequence[Placed], replay: Replay) -> set[str]:
    """The tags that followed lots ever had."""
    return {
        tag
        for entry in shown
        for tag in tags_of(
            entry.event, {lot for lot in entry.lots if replay.until.get(lot, -1) >= entry.index}
        )
    }


def _went_in(shown: Sequence[Placed]) -> set[str]:
    """The lots that went into transformations shown: what is said of them later is carried by what was made."""
    return {lot for entry in shown if isinstance(entry.event, Transformation) for _, lot in entry.event.moved}


def _moved_on(shown: Sequence[Placed], size: int) -> set[Address]:
    """The lots that entries newer than the snapshot are about."""
    return {("lot", lot) for entry in shown if entry.index >= size for lot in entry.lots}


def _subject_of(address: Address) -> Address:
    """The subject whose entries tell what stands at an address."""
    kind, name = address
    match kind:
        case "number":
            return "key", name.partition(":")[0]
        case "held" | "reported":
            about, _, id_ = name.partition(":")
            return about, id_
        case "polygons" | "reference":
            return "policy", "policy"
        case _:
            return address
