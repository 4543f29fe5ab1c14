"""What a skilled holder leaves out of his evidence: each entry in turn, with everything about it made anew.

He has the whole ledger, so every proof that can be made he makes. What he cannot make is a signature.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import papers
from memory import MemoryLedger, weighing
from showing import evidence_of, snapshot
from test_complete import about, judge, ledger_root, with_lines
from test_verify import without
from traceability.core import book
from traceability.core.evidence import BookLine, Evidence
from traceability.core.ids import EventId, to_unpadded
from traceability.core.lineage import named_events
from traceability.core.outcome import Finding
from traceability.core.report import CANNOT_TELL, COMPLETE, FAILED
from traceability.ledger.gather import Stated

BAD = frozenset(
    {
        "key_revocation",
        "site_inspection",
        "hold",
        "correction",
        "licence_revocation",
        "tag_void",
        "certificate_use",
    }
)
LOOK_BACK = BAD | {"incident", "response", "release", "payment"}


class Season:
    """Bags made into a heap and a heap sold on, exported with papers; then everything that can be wrong is said."""

    def __init__(self) -> None:
        self.ledger = ledger = MemoryLedger()
        self.miner, self.trader = (
            ledger.enrol("miner", ["miner"]),
            ledger.enrol("trader", ["trader", "exporter"]),
        )
        self.police, self.auditor = (
            ledger.enrol("police", ["regulator"]),
            ledger.enrol("auditor", ["auditor"]),
        )
        certifier, second = ledger.registrar, ledger.enrol("second", ["certifier"])
        self.site = ledger.site(self.miner)
        ledger.append(self.auditor, papers.site_inspection(self.site))
        licence = ledger.append(certifier, papers.licence(self.trader.party))
        tags = [{"tags": [f"itsci:{number}"]} for number in range(1, 5)]
        self.bags = ledger.produce(self.miner, "38.40", "41.00", "12.00", "13.00", site=self.site, each=tags)
        self.made = ledger.lot(self.bags[0]).maker
        ledger.hand_over(self.miner, self.trader, self.bags)
        went_in = self.bags[:2]
        stale = ledger.heads([went_in[0]])
        (self.heap,) = ledger.transform(
            self.trader, went_in, ["79.40"], weighings=[weighing("79.40", lots=sorted(went_in))]
        )
        self.container = sorted([self.heap, self.bags[2]])
        certificate = ledger.append(
            certifier, papers.certificate(self.container, self.trader.party, "91.400")
        )
        ledger.append(second, {"kind": "approval", "body": {"event": certificate, "decision": "approved"}})
        body = {
            "region": "CF-BGF",
            "source": "device",
            "destination": "MY",
            "importer": second.party,
            "shipped": "2026-04-20",
            "weighings": [weighing("91.40", lots=self.container)],
            "certificates": [{"certificate": certificate, "mass": {"unit": "KGM", "value": "91.400"}}],
        }
        self.export = ledger.append(
            self.trader, {"kind": "export", "body": body, "previous": ledger.heads(self.container)}
        )
        # And then
        says = ledger.append
        incident = says(self.miner, papers.incident(("lot", went_in[0]), ("site", self.site)))
        says(self.trader, papers.response(incident))
        says(self.trader, papers.payment([went_in[1]]))
        says(certifier, papers.use(certificate, "void"))
        says(self.auditor, papers.site_inspection(self.site, "red"))
        says(certifier, papers.licence_end(licence))
        says(certifier, papers.tag_void("itsci:1"))
        for subject in (
            ("lot", went_in[0]),
            ("lot", self.heap),
            ("site", self.site),
            ("party", self.trader.party),
        ):
            says(self.police, papers.hold(subject))
        says(self.police, papers.hold(("region", "CF-LB")))
        says(self.police, papers.release(says(self.police, papers.hold(("lot", went_in[1])))))
        for event, path, right in (
            (self.made, "/lots/1/lot_number", "B-2"),
            (ledger.lot(self.heap).maker, "/outputs/0/lot_number", "H"),
        ):
            fields = [{"path": path, "is": right}]
            body = {"event": event, "reason": "incorrect_data", "fields": fields}
            says(self.miner if event == self.made else self.trader, {"kind": "correction", "body": body})
        again = {
            "region": "CF-LB",
            "source": "device",
            "recipient": second.party,
            "moves": "both",
            "purpose": "sale",
            "accept_by": "2026-03-28",
        }
        self.claim = says(self.trader, {"kind": "transfer", "previous": stale, "body": again})
        lost = {"key": self.miner.key.id, "reason": "lost", "trusted_sequence": 9}
        says(certifier, {"kind": "key_revocation", "body": lost})
        self.size = len(ledger.entries)
        self.stated = snapshot(ledger)
        stating = ledger.entries[self.stated.index].event.body
        root = ledger_root(ledger, self.size)
        says(self.auditor, papers.attestation(self.size, root, stating.book))

    def shown(self, shape: str) -> Evidence:
        match shape:
            case "bag":
                return evidence_of(self.ledger, [self.bags[3]], stated=self.stated)
            case "heap":
                return evidence_of(self.ledger, [self.heap], stated=self.stated)
            case _:
                return evidence_of(self.ledger, self.container, event=self.export, stated=self.stated)


@pytest.fixture(scope="module")
def season() -> Season:
    return Season()


def lies(ledger: MemoryLedger, shown: Evidence, stated: Stated, index: int) -> Iterator[tuple[str, Evidence]]:
    """The file without that entry, in every way that hides it."""
    less, subjects = without(shown, ledger, index, book=True), about(ledger, index)
    yield "lines kept", less
    others = [line for line in shown.book if line.address not in subjects]
    yield "lines left out", with_lines(less, stated, others)
    yield "findings left out too", proven(with_lines(less, stated, others))
    yield (
        "called the rest",
        with_lines(less, stated, [called_rest(ledger, line, index, subjects) for line in shown.book]),
    )
    gone = naming(ledger, shown, index)
    subjects = set().union(*(about(ledger, each) for each in gone))
    others = [line for line in shown.book if line.address not in subjects]
    yield (
        "with all that names it",
        proven(with_lines(without(shown, ledger, *gone, book=True), stated, others)),
    )


def proven(shown: Evidence) -> Evidence:
    """The file with those findings alone that its lines count."""
    lines = {line.address for line in shown.book}
    assert shown.completeness is not None
    kept = [
        (index, text)
        for index, text in shown.completeness.findings
        if not lines.isdisjoint(Finding.from_json(text.encode()).subjects)
    ]
    return msgspec.structs.replace(
        shown, completeness=msgspec.structs.replace(shown.completeness, findings=tuple(kept))
    )


def called_rest(ledger: MemoryLedger, line: BookLine, index: int, subjects: set[Any]) -> BookLine:
    if line.address not in subjects:
        return line
    link = book.link(index, ledger.entries[index].event_id)
    return msgspec.structs.replace(line, rest=to_unpadded(b"".join(sorted({*line.links, link}))))


def naming(ledger: MemoryLedger, shown: Evidence, index: int) -> set[int]:
    """That entry, and those shown that build on it, name it, or name such."""
    gone = {index}
    names: set[EventId] = {ledger.entries[index].event_id}
    for entry in shown.entries:
        kept = ledger.entries[entry.index]
        before = {group.event for group in kept.event.previous}
        if entry.index > index and not names.isdisjoint({*before, *named_events(kept.event)}):
            gone.add(entry.index)
            names.add(kept.event_id)
    return gone


@pytest.mark.threat("T46")
@pytest.mark.parametrize("shape", ["bag", "heap", "container"])
def test_no_entry_can_be_left_out(season: Season, shape: str) -> None:
    """Revocation, red status, hold, correction and every other entry: without it the file fails, or cannot tell."""
    ledger, shown = season.ledger, season.shown(shape)
    report = judge(ledger, shown, complete=True)
    assert report.verdict == COMPLETE, (report.why, report.completeness_not_shown)
    kinds = {ledger.entries[entry.index].event.kind for entry in shown.entries}
    assert kinds >= (
        BAD
        if shape == "container"
        else BAD - {"certificate_use", "licence_revocation"} - ({"tag_void"} if shape == "bag" else set())
    )
    for entry in shown.entries[1:]:
        if entry.index >= season.size:
            continue
        for how, lie in lies(ledger, shown, season.stated, entry.index):
            found = judge(ledger, lie)
            kind = ledger.entries[entry.index].event.kind
            assert found.verdict in (FAILED, CANNOT_TELL), (entry.index, kind, how)


@pytest.mark.threat("T46")
def test_without_what_proves_completeness_it_is_not_called_so(season: Season) -> None:
    """Who takes the book out as well is left with a file that holds as shown, and lists whom it does not show."""
    ledger = season.ledger
    shown = msgspec.structs.replace(season.shown("container"), completeness=None, book=())
    for entry in shown.entries[1:]:
        report = judge(ledger, without(shown, ledger, entry.index))
        assert report.verdict != COMPLETE
        if report.exit_code == 0:
            assert report.completeness_not_shown
        assert judge(ledger, without(shown, ledger, entry.index), complete=True).exit_code != 0


def test_what_is_said_later_of_what_went_in_is_judged(season: Season) -> None:
    """A hold, a report, a correction and a second claim on a bag long gone into the heap are in the heap's file."""
    shown = season.shown("heap")
    later = [
        entry.index
        for entry in shown.entries
        if entry.index > season.ledger.lot(season.heap).maker_index
        and ("lot", season.bags[0]) in about(season.ledger, entry.index)
    ]
    kinds = [season.ledger.entries[index].event.kind for index in later]
    assert {"hold", "incident", "response", "correction", "transfer"} <= set(kinds)
    report = judge(season.ledger, shown)
    (lot,) = report.lots
    assert dict(lot.carried)["double_issue"] == 1
