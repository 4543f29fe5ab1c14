"""Completeness: evidence under a snapshot shows all there was about each subject it rests on, or says that it may not.

The liar here has the whole ledger, makes every proof anew that can be made, and leaves out what he does not like.
"""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

import papers
from memory import MemoryLedger, weighing
from showing import evidence_of, snapshot
from test_verify import Story, failing_step, without
from test_verify_papers import Papers
from traceability.core import book, canonical, evidence, merkle
from traceability.core.errors import Malformed
from traceability.core.evidence import BookLine, Evidence
from traceability.core.findings.catalogue import RULES
from traceability.core.record import Address
from traceability.core.report import CANNOT_TELL, COMPLETE, FAILED, HOLDS, Report
from traceability.core.verify import verify
from traceability.ledger.gather import Stated


def judge(ledger: MemoryLedger, shown: Evidence, **more: Any) -> Report:
    return verify(evidence.encode(shown), ledger.policy(), **more)


def with_lines(shown: Evidence, stated: Stated, lines: Iterable[BookLine]) -> Evidence:
    """The evidence with these lines of the book, proved anew."""
    kept = tuple(lines)
    numbers = sorted(line.number for line in kept)
    nodes = tuple(stated.read(merkle.multiproof_coordinates(numbers, stated.subjects)))
    assert shown.completeness is not None
    proved = msgspec.structs.replace(shown.completeness, nodes=nodes)
    return msgspec.structs.replace(shown, book=kept, completeness=proved)


def about(ledger: MemoryLedger, index: int) -> set[Address]:
    return {address for address, _ in ledger.entries[index].outcome.links}


class Rich:
    """A sold lot of two tagged bags, and what was said of it: readings put right, a hold, a red site, a key that ended."""

    def __init__(self) -> None:
        self.ledger = ledger = MemoryLedger()
        self.miner = ledger.enrol("miner", ["miner"])
        self.trader = ledger.enrol("trader", ["trader"])
        self.exporter = ledger.enrol("exporter", ["exporter"])
        self.auditor = ledger.enrol("auditor", ["auditor"])
        self.police = ledger.enrol("police", ["regulator"])
        self.site = ledger.site(self.miner)
        ledger.append(self.auditor, papers.site_inspection(self.site, "red"))
        self.bags = ledger.produce(
            self.miner, "38.40", "41.00", site=self.site, each=[{"tags": ["itsci:1"]}, {"tags": ["itsci:2"]}]
        )
        ledger.hand_over(self.miner, self.trader, self.bags)
        ledger.append(self.police, papers.hold(("lot", self.bags[0])))
        whole = [weighing("79.40", lots=sorted(self.bags))]
        (self.heap,) = ledger.transform(self.trader, self.bags, ["79.40"], weighings=whole)
        made = ledger.lot(self.heap).maker
        fields = [{"path": "/outputs/0/lot_number", "is": "HEAP-2"}]
        self.correction = ledger.append(
            self.trader,
            {"kind": "correction", "body": {"event": made, "reason": "incorrect_data", "fields": fields}},
        )
        ledger.hand_over(self.trader, self.exporter, [self.heap])
        body = {"key": self.miner.key.id, "reason": "lost", "trusted_sequence": 1}
        self.revocation = ledger.append(ledger.registrar, {"kind": "key_revocation", "body": body})
        ledger.append(self.police, papers.hold(("lot", self.heap)))
        self.size = len(ledger.entries)
        self.root = ledger_root(ledger, self.size)
        self.stated = snapshot(ledger)
        root = ledger.entries[self.stated.index].event.body.book
        ledger.append(self.auditor, papers.attestation(self.size, self.root, root))
        self.shown = evidence_of(ledger, [self.heap], stated=self.stated)


def ledger_root(ledger: MemoryLedger, size: int) -> str:
    return merkle.tree_root(size, ledger.read_nodes).hex()


@pytest.fixture(scope="module")
def rich() -> Rich:
    return Rich()


def test_all_there_is_is_called_complete(rich):
    """The verdict says up to which entry, and who replayed the log and got the same."""
    report = judge(rich.ledger, rich.shown, complete=True)
    assert (report.verdict, report.exit_code, report.why) == (COMPLETE, 0, None)
    assert report.completeness_not_shown == {}
    assert report.complete_to == rich.size
    assert report.attested_by == (rich.auditor.party,)
    assert [lot.verdict for lot in report.lots] == [COMPLETE]
    assert json.loads(report.to_json())["complete_to"] == rich.size


def test_papers_and_concerns_are_complete_too():
    """A certified bag: licences, certificate, hold, release, report, rules, finding: none may be missing."""
    story = Papers()
    stated = snapshot(story.ledger)
    report = judge(story.ledger, evidence_of(story.ledger, [story.bag], stated=stated))
    assert (report.verdict, report.completeness_not_shown) == (COMPLETE, {}), report.why


@pytest.mark.parametrize("story", ["rich", "papers"])
def test_nothing_can_be_left_out_of_complete_evidence(story, rich):
    """Each entry in turn, its lines kept, left out, or it called the rest of them: never is the file complete."""
    if story == "rich":
        ledger, stated, shown = rich.ledger, rich.stated, rich.shown
    else:
        told = Papers()
        ledger, stated = told.ledger, snapshot(told.ledger)
        shown = evidence_of(ledger, [told.bag], stated=stated)
    assert judge(ledger, shown).verdict == COMPLETE
    for entry in shown.entries[1:]:
        if entry.index >= stated.size:
            continue
        subjects = about(ledger, entry.index)
        less = without(shown, ledger, entry.index, book=True)
        others = [line for line in shown.book if line.address not in subjects]
        link = book.link(entry.index, ledger.entries[entry.index].event_id)
        hidden = [
            msgspec.structs.replace(line, rest=evidence.to_unpadded(link))
            if line.address in subjects
            else line
            for line in shown.book
        ]
        assert judge(ledger, less).verdict != COMPLETE, entry.index
        for lines in (others, hidden):
            report = judge(ledger, with_lines(less, stated, lines))
            assert report.verdict != COMPLETE, entry.index
            assert judge(ledger, with_lines(less, stated, lines), complete=True).exit_code != 0


def test_what_is_dropped_is_named(rich):
    """Revocation, red status, hold and correction: refused where their lines are kept, listed where they are not."""
    kinds = {"key_revocation", "site_inspection", "hold", "correction"}
    indexes = [e.index for e in rich.ledger.entries if e.event.kind in kinds and e.index < rich.size]
    assert len(indexes) == 5
    for index in indexes:
        less = without(rich.shown, rich.ledger, index, book=True)
        report = judge(rich.ledger, less)
        assert failing_step(report) == 7
        assert "of the" in report.why
        subjects = about(rich.ledger, index)
        lines = [line for line in rich.shown.book if line.address not in subjects]
        report = judge(rich.ledger, with_lines(less, rich.stated, lines))
        if report.verdict == HOLDS:
            assert any(id_ in report.completeness_not_shown.get(kind, ()) for kind, id_ in subjects)


def test_the_snapshot_itself_cannot_be_left_out(rich):
    """Without it the lines are nobody's; called by another entry's index they are not stated."""
    gone = without(rich.shown, rich.ledger, rich.stated.index, book=True)
    assert failing_step(judge(rich.ledger, gone)) == 7
    other = msgspec.structs.replace(rich.shown.completeness, snapshot=1)
    report = judge(rich.ledger, msgspec.structs.replace(rich.shown, completeness=other))
    assert "no snapshot" in report.why


@pytest.mark.threat("T46")
def test_a_lying_root_a_swapped_proof_and_a_line_of_another_size():
    """The root of another book, nodes of another snapshot, a line as it was before: none proves the lines."""
    story = Story()
    ledger = story.ledger
    strangers = ledger.produce(ledger.enrol("stranger", ["miner"]), "11.00", "12.00")
    early = snapshot(ledger)
    before = evidence_of(ledger, [story.heap], stated=early)
    ledger.append(story.trader, papers.incident(("lot", strangers[0])))
    story.ledger.hand_over(story.exporter, story.trader, [story.heap])
    late = snapshot(story.ledger)
    shown = evidence_of(story.ledger, [story.heap], stated=late)
    assert judge(story.ledger, shown).verdict == COMPLETE
    lie = snapshot(story.ledger, root="0" * 64)
    assert failing_step(judge(story.ledger, evidence_of(story.ledger, [story.heap], stated=lie))) == 7
    shown = evidence_of(story.ledger, [story.heap], stated=late)
    swapped = msgspec.structs.replace(shown.completeness, nodes=before.completeness.nodes)
    assert failing_step(judge(story.ledger, msgspec.structs.replace(shown, completeness=swapped))) == 7
    old = {line.address: line for line in before.book}
    lines = [old[line.address] if line.type == "lot" else line for line in shown.book]
    report = judge(story.ledger, with_lines(shown, late, lines))
    assert failing_step(report) == 7
    for number, line in enumerate(shown.book):
        for field, value in (
            ("finding_count", line.finding_count + 1),
            ("finding_chain", "1" * 64),
            ("number", line.number + 1),
        ):
            changed = [*shown.book]
            changed[number] = msgspec.structs.replace(line, **{field: value})
            assert failing_step(judge(story.ledger, msgspec.structs.replace(shown, book=tuple(changed)))) == 7


def test_a_stale_snapshot_says_how_far_it_goes():
    """What came after it is as shown: a lot that moved on is listed, one that is hidden since is not called newer."""
    story = Story()
    stale = snapshot(story.ledger)
    story.ledger.hand_over(story.exporter, story.trader, [story.heap])
    shown = evidence_of(story.ledger, [story.heap], stated=stale)
    report = judge(story.ledger, shown)
    assert (report.verdict, report.complete_to) == (HOLDS, stale.size)
    assert report.completeness_not_shown == {"lot": [story.heap]}
    assert judge(story.ledger, shown, complete=True).verdict == CANNOT_TELL
    newer = [entry.index for entry in shown.entries if entry.index > stale.index]
    report = judge(story.ledger, without(shown, story.ledger, *newer, book=True))
    assert (report.verdict, report.complete_to) == (COMPLETE, stale.size)
    assert report.size == len(story.ledger.entries)
    (bag,) = story.ledger.produce(story.miner, "11.00")
    report = judge(story.ledger, evidence_of(story.ledger, [bag], stated=stale))
    assert bag in report.completeness_not_shown["lot"]


def test_what_a_lot_was_weighed_with_goes_its_own_way():
    """Of a stranger's bag only up to the common reading: its later entries are counted and not shown."""
    ledger = MemoryLedger()
    miner, trader, other = (
        ledger.enrol(name, [role]) for name, role in (("m", "miner"), ("t", "trader"), ("o", "trader"))
    )
    mine, stranger = ledger.produce(miner, "38.40", "41.00", site=ledger.site(miner))
    ledger.hand_over(miner, trader, [mine, stranger], [weighing("79.00", lots=sorted([mine, stranger]))])
    ledger.hand_over(trader, other, [stranger])
    stated = snapshot(ledger)
    shown = evidence_of(ledger, [mine], stated=stated)
    line = next(line for line in shown.book if line.id == stranger)
    assert len(line.links) == 2
    assert judge(ledger, shown).verdict == COMPLETE
    early = msgspec.structs.replace(line, rest=evidence.to_unpadded(book.link(1, "0" * 64)))
    lines = [early if each is line else each for each in shown.book]
    assert failing_step(judge(ledger, with_lines(shown, stated, lines))) == 7


def test_an_attestation_is_of_this_log_and_this_book():
    """Another book attests nothing; another log is a second history, and the end."""
    story = Story()
    auditor = story.ledger.enrol("auditor", ["auditor"])
    stated = snapshot(story.ledger)
    stating = story.ledger.entries[stated.index].event.body
    story.ledger.append(
        auditor, papers.attestation(stated.size, ledger_root(story.ledger, stated.size), "1" * 64)
    )
    report = judge(story.ledger, evidence_of(story.ledger, [story.heap], stated=stated))
    assert (report.verdict, report.attested_by) == (COMPLETE, ())
    story.ledger.append(auditor, papers.attestation(stated.size, "2" * 64, stating.book))
    assert failing_step(judge(story.ledger, evidence_of(story.ledger, [story.heap], stated=stated))) == 7


def test_a_tag_on_a_strangers_bag_is_part_of_the_story():
    """The stranger's production that used the bag's tag again is in the file; left out, the tag may have more."""
    ledger = MemoryLedger()
    miner, stranger = ledger.enrol("miner", ["miner"]), ledger.enrol("stranger", ["miner"])
    (bag,) = ledger.produce(miner, "38.40", site=ledger.site(miner), each=[{"tags": ["itsci:7"]}])
    ledger.produce(stranger, "20.00", each=[{"tags": ["itsci:7"]}])
    again = len(ledger.entries) - 1
    stated = snapshot(ledger)
    shown = evidence_of(ledger, [bag], stated=stated)
    assert again in {entry.index for entry in shown.entries}
    report = judge(ledger, shown)
    assert report.verdict == COMPLETE
    told = [(noted.finding.rule, noted.entry, noted.stated) for noted in report.lots[0].findings]
    assert (
        "tag_on_two_lots",
        again,
        True,
    ) in told  # it needs the whole log: the ledger states it, the line proves it
    assert all(stated == (RULES[rule].scope != "local") for rule, _, stated in told)
    assert b'"stated":true' in report.to_json()
    less = without(shown, ledger, again, book=True)
    assert failing_step(judge(ledger, less)) == 7
    lines = [line for line in shown.book if line.type != "tag"]
    report = judge(ledger, with_lines(less, stated, lines))
    assert (report.verdict, report.completeness_not_shown) == (CANNOT_TELL, {"tag": ["itsci:7"]})


def test_who_used_a_number_first_cannot_be_left_out():
    """The finding on the key tells that it was used before, though the first use is about a stranger's bag."""
    ledger = MemoryLedger()
    miner, trader = ledger.enrol("miner", ["miner"]), ledger.enrol("trader", ["trader"])
    mine, stranger = ledger.produce(miner, "38.40", "41.00", site=ledger.site(miner))
    first = ledger.offer(miner, trader, [stranger])
    number = ledger.state.entries[first].event.sequence
    body = {
        "recipient": trader.party,
        "moves": "both",
        "purpose": "sale",
        "region": "CF-LB",
        "source": "device",
        "accept_by": "2026-03-28",
    }
    again = {"kind": "transfer", "previous": ledger.heads([mine]), "sequence": number, "body": body}
    ledger.append(miner, again)
    stated = snapshot(ledger)
    shown = evidence_of(ledger, [mine], stated=stated)
    assert judge(ledger, shown).verdict == COMPLETE
    less = without(shown, ledger, ledger.state.entries[first].index, book=True)
    report = judge(ledger, less)
    assert failing_step(report) == 7
    assert "who used it first is not shown" in report.why
    silent = msgspec.structs.replace(less, completeness=proved_with(shown))
    report = judge(ledger, silent)
    assert (report.verdict, report.completeness_not_shown["key"]) == (CANNOT_TELL, [miner.key.id])
    (index, text), *others = shown.completeness.findings
    forged = proved_with(shown, (index + 1, text), *others)
    assert failing_step(judge(ledger, msgspec.structs.replace(shown, completeness=forged))) == 7


def test_a_finding_that_no_line_proves_is_the_end(rich):
    """One that was never noticed, one told twice, one that is spelt otherwise, and those there are in another order."""
    (index, text), *others = shown = rich.shown.completeness.findings
    forged = text.replace('"version":1', '"version":2')
    spaced = text.replace(":", ": ", 1)
    for findings in (
        [*shown, (index, forged)],
        [(index, text), *shown],
        [(index, spaced), *others],
        shown[::-1],
    ):
        lie = msgspec.structs.replace(rich.shown, completeness=proved_with(rich.shown, *findings))
        assert judge(rich.ledger, lie).verdict in (FAILED, CANNOT_TELL)
    none = msgspec.structs.replace(rich.shown, completeness=proved_with(rich.shown))
    report = judge(rich.ledger, none)
    assert report.verdict == CANNOT_TELL
    assert rich.heap in report.completeness_not_shown["lot"]


def proved_with(shown: Evidence, *findings: tuple[int, str]) -> evidence.Completeness:
    """What proves the lines, with these findings in it."""
    assert shown.completeness is not None
    return msgspec.structs.replace(shown.completeness, findings=findings)


def test_the_form_of_completeness_is_one(rich):
    """What is written is read again; half a link or half a hash is refused, and so is an empty field written out."""
    data = evidence.encode(rich.shown)
    assert evidence.decode(data) == rich.shown
    line = msgspec.structs.replace(rich.shown.book[0], rest=evidence.to_unpadded(b"1" * 39))
    broken = msgspec.structs.replace(rich.shown, book=(line, *rich.shown.book[1:]))
    report = judge(rich.ledger, broken)
    assert "not whole links" in report.why
    value = json.loads(data)
    value["completeness"]["nodes"] += "AAAA"
    with pytest.raises(Malformed, match="not whole hashes"):
        evidence.decode(canonical.dump(value))
    value = json.loads(data)
    value["book"][0]["rest"] = ""
    assert judge_bytes(rich, canonical.dump(value)).verdict == FAILED
    value = json.loads(data)
    value["completeness"]["size"] = 1
    assert judge_bytes(rich, canonical.dump(value)).verdict == FAILED


def judge_bytes(rich: Rich, data: bytes) -> Report:
    return verify(data, rich.ledger.policy())
