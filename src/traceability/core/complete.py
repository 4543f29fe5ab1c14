"""Is this all there is? What a file's lines of the book show, and of which subjects they do not.

    chain of the entries shown, and links of the rest  ->  the line  ->  the book's root  ->  a snapshot in the log

A line counts all entries about its subject among the first `size`, so that leaving one out breaks its chain. Who
states the root is the ledger; who replayed the log and got the same attests it. The same size and root of the log
are asked of an attestation: one of another history attests nothing here, and says that there are two.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, get_args

from traceability.core import book, book_tree, merkle
from traceability.core.checkpoint import Checkpoint
from traceability.core.errors import Invalid
from traceability.core.events import Event, Snapshot
from traceability.core.evidence import BookLine, Evidence
from traceability.core.ids import EventId, LotId, PartyId
from traceability.core.lineage import ALWAYS, Placed, tags_of
from traceability.core.outcome import Finding
from traceability.core.record import Address, Place, SubjectType
from traceability.core.registry_records import LedgerFacts, Number, Snapshots
from traceability.core.replay import Replay

_SUBJECTS = frozenset(get_args(SubjectType))
NEVER_SHOWN = frozenset({"roll"})
"""The types of which evidence shows nothing: whose tags these are leads to strangers' bags, and only to findings."""


class BookShown(NamedTuple):
    """The book that a snapshot states, as far as the file shows it."""

    size: int
    """After how many entries."""
    lines: dict[Address, BookLine]
    attested_by: tuple[PartyId, ...]
    findings: tuple[tuple[int, Finding], ...]
    """What the ledger states that rules noticed about the subjects of the lines, each with its entry."""
    noticed: frozenset[Address]
    """The subjects of which the file shows all that was noticed."""
    seen: frozenset[Address]
    """The subjects that entries shown of the first `size` are about: their lines stand in that book."""
    left: dict[int, frozenset[Address]]
    """What those of these entries are about that could not be judged, by index."""


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
    seen, left = _check_lines(file, shown, replay, body.size)
    leaves = {line.number: book_tree.leaf(line.address, _place(line)) for line in file.book}
    if len(leaves) != len(file.book):
        raise Invalid("two lines of the book have one number")
    root = merkle.root_from_multiproof(leaves, proved.subjects, proved.nodes)
    if root.hex() != body.book:
        raise Invalid(f"the lines do not stand in the book that the snapshot of entry {stating.index} states")
    findings = _read_findings(proved.findings)
    noticed = _check_findings(file.book, findings)
    _check_first_uses(findings, shown, replay)
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
    return BookShown(
        body.size,
        {line.address: line for line in file.book},
        attested_by,
        tuple((index, finding) for index, finding, _ in findings),
        noticed,
        seen,
        left,
    )


def _place(line: BookLine) -> Place:
    return Place(
        line.number,
        line.count,
        bytes.fromhex(line.chain),
        -1,
        line.finding_count,
        bytes.fromhex(line.finding_chain),
    )


def _check_lines(
    file: Evidence, shown: Sequence[Placed], replay: Replay, size: int
) -> tuple[frozenset[Address], dict[int, frozenset[Address]]]:
    """The subjects that entries shown below `size` are about; and of each that could not be judged by itself.

    Raises Invalid where those entries and links of the rest are not all that a line counts.
    """
    links: dict[Address, dict[int, bytes]] = {line.address: {} for line in file.book}
    seen: set[Address] = set()
    left: dict[int, frozenset[Address]] = {}
    earlier: dict[EventId, Event] = {}
    for entry in shown:
        link = book.link(entry.index, entry.event_id)
        if entry.index < size:
            about = book.about(entry.event, entry.event_id, earlier.get)
            seen |= about
            if entry.index in replay.left:
                left[entry.index] = frozenset(about)
            for address in about & links.keys():
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
    return frozenset(seen), left


_Found = tuple[int, Finding, bytes]
"""Entry, finding, and its canonical JSON."""


def _read_findings(stated: Iterable[tuple[int, str]]) -> list[_Found]:
    found = []
    last = -1
    for index, text in stated:
        data = text.encode()
        finding = Finding.from_json(data)
        if index < last:
            raise Invalid("the findings are not in order")
        last = index
        found.append((index, finding, data))
    return found


def _check_findings(lines: Iterable[BookLine], findings: Iterable[_Found]) -> frozenset[Address]:
    """The subjects whose lines count exactly these findings. Raises Invalid for a finding that no line proves."""
    places = {line.address: Place(-1) for line in lines}
    about: list[tuple[int, Finding, list[Address]]] = []
    for index, finding, data in findings:
        subjects = [address for address in finding.subjects if address in places]
        for address in subjects:
            places[address] = book.advance_finding(places[address], index, data)
        about.append((index, finding, subjects))
    told = {address: (place.finding_count, place.finding_chain.hex()) for address, place in places.items()}
    noticed = frozenset(
        line.address for line in lines if told[line.address] == (line.finding_count, line.finding_chain)
    )
    for index, finding, subjects in about:
        if noticed.isdisjoint(subjects):
            raise Invalid(f"no line of the book proves the finding {finding.rule} at entry {index}")
    return noticed


def _check_first_uses(findings: Iterable[_Found], shown: Sequence[Placed], replay: Replay) -> None:
    """Raises Invalid where a finding says that a number was used before, and the entries shown do not.

    The entry that used it first may be of strangers: only the finding tells.
    """
    at = {entry.index: entry for entry in shown}
    for index, finding, _ in findings:
        entry = at.get(index)
        if entry is None or finding.rule != "number_used_twice" or finding.events[:1] != (entry.event_id,):
            continue
        used = replay.state.records.get(("number", f"{entry.event.key}:{entry.event.sequence}"))
        if isinstance(used, Number) and used.first == entry.event_id:
            raise Invalid(f"entry {index} uses a number again, and who used it first is not shown")


def rested_on(shown: Sequence[Placed], replay: Replay) -> set[Address]:
    """The subjects that what was judged rests on: the lots followed to the end, and what judged entries looked up."""
    used = {
        (kind, name)
        for kind, name in map(_subject_of, replay.relied_on)
        if kind in _SUBJECTS and (kind != "lot" or name in replay.until)
    }
    tags = _tags(shown, replay)
    return {address for address in used if address[0] != "tag" or address[1] in tags} | _to_the_end(replay)


def not_complete(
    rested: Collection[Address], shown: Sequence[Placed], replay: Replay, found: BookShown | None
) -> set[Address]:
    """Those of the subjects that the verdict rests on of which there may be more entries than shown."""
    if found is None:
        return set(rested)
    newer = _moved_on(shown, found.size) & _to_the_end(replay)
    return newer | {address for address in rested if not _is_complete(address, replay, found)}


def left_out(
    rested: Collection[Address],
    lacking: Collection[Address],
    replay: Replay,
    found: BookShown,
    never_shown: frozenset[str] = NEVER_SHOWN,
) -> str | None:
    """What whoever made the file left out of it, though the snapshot's book has it; None where that is nothing.

    The ledger's own files lack what is newer than the snapshot, and nothing else.
    """
    for address in sorted(lacking):
        known = address in found.seen and address[0] not in never_shown
        if known and not (address in found.lines and address in found.noticed):
            return f"{address[0]} {address[1]} is in the snapshot's book, and not all about it is shown"
    for index, about in found.left.items():
        if not about.isdisjoint(rested):
            return f"entry {index} is not judged: {replay.left[index]}"
    return None


def _to_the_end(replay: Replay) -> set[Address]:
    return {("lot", lot) for lot, until in replay.until.items() if until == ALWAYS}


def _is_complete(address: Address, replay: Replay, found: BookShown) -> bool:
    """Whether all entries and findings that matter are shown.

    A lot's line was checked as far as the lot is followed; what is noticed of a stranger's lot does not matter here.
    """
    if address not in found.lines:
        # A region that no zone and no hold named may have no line; both are of the policy too.
        return address[0] == "region" and ("policy", "policy") in found.lines
    passing = address[0] == "lot" and replay.until[LotId(address[1])] != ALWAYS
    return passing or address in found.noticed


def _tags(shown: Sequence[Placed], replay: Replay) -> set[str]:
    """The tags that followed lots ever had."""
    return {
        tag
        for entry in shown
        for tag in tags_of(
            entry.event, {lot for lot in entry.lots if replay.until.get(lot, -1) >= entry.index}
        )
    }


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
