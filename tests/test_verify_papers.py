"""Evidence of a lot with papers on it: what the ledger knows of them the verifier works out from the file alone."""

from typing import Any

import msgspec
import orjson
import pytest

import papers
from memory import Actor, MemoryLedger, weighing
from showing import evidence_of, file_of
from test_verify import check_lot, failing_step, without
from traceability.core import evidence
from traceability.core.evidence import Evidence
from traceability.core.findings.catalogue import RULES
from traceability.core.ids import EventId, LotId
from traceability.core.lineage import follow
from traceability.core.outcome import Entry
from traceability.core.record import NEW, Subject
from traceability.core.replay import Replay
from traceability.core.report import CANNOT_TELL, HOLDS, Report
from traceability.core.state import AnyRecord
from traceability.core.verify import Shown, verify

STATED = next(name for name, rule in RULES.items() if rule.scope == "stated")


class Papers:
    """A bag of a licensed trader, inspected, held and released, certified by two officers, paid for and exported."""

    def __init__(self) -> None:
        self.ledger = ledger = MemoryLedger()
        self.certifier, self.operator = ledger.registrar, ledger.operator
        self.miner = ledger.enrol("miner", ["miner"])
        self.trader = ledger.enrol("trader", ["trader", "exporter"])
        self.second = ledger.enrol("second", ["certifier"])
        self.police = ledger.enrol("police", ["regulator"])
        self.auditor = ledger.enrol("auditor", ["auditor"])
        self.site = ledger.site(self.miner)
        self.says(self.auditor, papers.site_inspection(self.site))
        self.says(self.auditor, papers.capacity(self.site))
        licence = self.says(self.certifier, papers.licence(self.trader.party))
        self.says(self.certifier, papers.licence_end(licence, **{"from": "2026-12-01"}))
        self.says(self.police, papers.zone("CF-LB"))
        self.says(self.police, papers.reference())
        policy = self.says(self.operator, papers.policy())
        self.says(self.certifier, approved(policy))
        self.bag, self.other = ledger.produce(self.miner, "38.40", "41.00", site=self.site)
        ledger.hand_over(self.miner, self.trader, [self.bag, self.other], self.readings())
        paid = self.says(self.trader, papers.payment([self.bag, self.other]))
        self.says(self.operator, papers.redaction(paid, "/amount"))
        both = [("lot", self.bag), ("lot", self.other), ("site", self.site)]
        incident = self.says(self.miner, papers.incident(*both))
        self.says(self.trader, papers.response(incident, "action_planned", due="2026-04-01"))
        self.hold = self.says(self.police, papers.hold(*both[:2], incident=incident))
        self.release = self.says(self.police, papers.release(self.hold))
        self.says(self.police, papers.response(incident, "checked", supports=[self.release]))
        self.says(self.operator, papers.finding(STATED, paid, subjects=both[:2]))
        self.says(self.trader, papers.answer(self.bag, STATED, paid))
        lots = sorted([self.bag, self.other])
        self.certificate = self.says(self.certifier, papers.certificate(lots, self.trader.party, "79.400"))
        self.approval = self.says(self.second, approved(self.certificate))
        body = {
            "region": "CF-BGF",
            "source": "device",
            "destination": "MY",
            "importer": self.trader.party,
            "shipped": "2026-04-20",
            "weighings": self.readings(),
            "certificates": [{"certificate": self.certificate, "mass": {"unit": "KGM", "value": "79.400"}}],
        }
        export = {"kind": "export", "body": body, "previous": ledger.heads([self.bag, self.other])}
        self.export = self.says(self.trader, export)
        self.use = self.says(self.certifier, papers.use(self.certificate, export=self.export))
        self.says(self.auditor, papers.audit_result([self.bag], ("party", self.trader.party)))

    def readings(self) -> list[dict[str, Any]]:
        return [weighing("38.40", lots=[self.bag]), weighing("41.00", lots=[self.other])]

    def says(self, actor: Actor, event: dict[str, Any]) -> EventId:
        return self.ledger.append(actor, event)

    def at(self, event: EventId) -> int:
        return self.ledger.state.entries[event].index

    def judge(self, shown: Evidence) -> Report:
        return verify(evidence.encode(shown), self.ledger.policy())


def approved(event: EventId) -> dict[str, Any]:
    return {"kind": "approval", "body": {"event": event, "decision": "approved"}}


@pytest.fixture(scope="module")
def story() -> Papers:
    return Papers()


def replayed(ledger: MemoryLedger, shown: Evidence) -> Replay:
    """The records that the verifier comes to from these entries."""
    kept = [ledger.entries[entry.index] for entry in shown.entries]
    entries = [
        Shown(e.index, e.record_time, e.envelope.signature, b"", e.event_id, e.event, e.event.lots)
        for e in kept
    ]
    places = {entry.event_id: entry.index for entry in entries}
    replay = Replay(places, follow(shown.lots, entries), {line.address for line in shown.book})
    for entry in entries:
        judged = Entry(entry.index, entry.record_time, entry.event_id, entry.event)
        replay.take(judged, entry.lots, signed=True)
    return replay


def plain(record: AnyRecord, lots: tuple[LotId, ...]) -> AnyRecord:
    """The record without its line in the book, and of its lots only these."""
    if isinstance(record, Subject):
        record = msgspec.structs.replace(record, place=NEW)
    changes: dict[str, Any] = {}
    if hasattr(record, "lots"):
        changes["lots"] = tuple(lot for lot in record.lots if lot in lots)
    if hasattr(record, "subjects"):
        changes["subjects"] = tuple(s for s in record.subjects if s[0] != "lot" or s[1] in lots)
    return msgspec.structs.replace(record, **changes)


@pytest.mark.parametrize("which", ["both", "one"])
def test_a_file_alone_gives_what_the_ledger_knows(story: Papers, which: str) -> None:
    """Certificate, hold, incident, site, policy and what is withheld stand in the verifier's state as in the ledger's."""
    lots = (story.bag, story.other) if which == "both" else (story.bag,)
    shown = evidence_of(story.ledger, lots)
    report = story.judge(shown)
    assert report.verdict == HOLDS, report.why
    for told in report.lots:
        check_lot(story.ledger, story.ledger.lot(told.lot), report)
    replay = replayed(story.ledger, shown)
    assert not replay.rejected
    assert not replay.state.unjudged
    kinds = {"certificate", "hold", "held", "incident", "site", "party", "policy", "act", "lot"}
    seen = set()
    for address, record in story.ledger.state.records.items():
        other = {("lot", story.other), ("held", f"lot:{story.other}")} if which == "one" else set()
        if address[0] not in kinds or address in other:
            continue
        known = replay.state.records.get(address)
        if address[0] in ("party", "act") and known is None:
            continue  # of somebody who has no part in this
        assert known is not None, address
        assert plain(known, lots) == plain(record, lots), address
        seen.add(address[0])
    assert seen == kinds


def test_all_that_was_said_of_a_lot_is_in_its_file(story: Papers) -> None:
    """Each entry about the lot, its site, its certificate and its trader is gathered, and the book shows they are all."""
    shown = evidence_of(story.ledger, [story.bag])
    inside = {entry.index for entry in shown.entries}
    about = {
        ("lot", story.bag),
        ("site", story.site),
        ("certificate", story.certificate),
        ("policy", "policy"),
    }
    for kept in story.ledger.entries:
        if about & {address for address, _ in kept.outcome.links}:
            assert kept.index in inside, kept.event.kind
    assert about <= {line.address for line in shown.book}


@pytest.mark.parametrize("stated", [True, False], ids=["book kept", "book left out"])
def test_no_paper_can_be_left_out_unnoticed(story: Papers, stated: bool) -> None:
    """Each entry in turn: refused where the book is stated; else not told, or listed as what may be incomplete."""
    shown = evidence_of(story.ledger, [story.bag])
    whole = orjson.loads(story.judge(shown).to_json())
    lines = {line.address for line in shown.book}
    for entry in shown.entries[1:]:
        report = story.judge(without(shown, story.ledger, entry.index, book=stated))
        about = {address for address, _ in story.ledger.entries[entry.index].outcome.links}
        if stated and about & lines:
            assert failing_step(report) == 7, entry.index
        elif report.verdict == HOLDS:
            told = orjson.loads(report.to_json())
            listed = {(kind, id_) for kind, ids in report.completeness_not_shown.items() for id_ in ids}
            assert told["lots"] == whole["lots"] or listed & about, entry.index
        else:
            assert report.verdict == CANNOT_TELL
            assert report.why


def test_a_release_that_is_not_shown_is_not_told_to_be_missing(story: Papers) -> None:
    """The certificate came after it: cannot be judged; never that the ledger took what it must not."""
    shown = evidence_of(story.ledger, [story.bag])
    report = story.judge(without(shown, story.ledger, story.at(story.release)))
    assert report.verdict == CANNOT_TELL
    assert "under_hold" in report.why


def test_a_hold_that_is_not_shown_is_listed(story: Papers) -> None:
    """Without hold and release nothing is missing that must exist: it holds as shown, and the lot is listed."""
    shown = evidence_of(story.ledger, [story.bag])
    gone = [story.at(story.hold), story.at(story.release)]
    gone += [e.index for e in story.ledger.entries if getattr(e.event.body, "supports", None)]
    report = story.judge(without(shown, story.ledger, *gone))
    assert report.verdict == HOLDS, report.why
    assert story.bag in report.completeness_not_shown["lot"]


def test_an_answer_by_somebody_whose_lot_is_not_followed() -> None:
    """An incident about two bags of two people: evidence of one says nothing against the other's answer."""
    ledger = MemoryLedger()
    one, two = ledger.enrol("one", ["miner"]), ledger.enrol("two", ["miner"])
    (mine,), (theirs,) = ledger.produce(one, "38.40"), ledger.produce(two, "41.00")
    incident = ledger.append(one, papers.incident(("lot", mine), ("lot", theirs)))
    ledger.append(two, papers.response(incident))
    report = verify(file_of(ledger, [mine]), ledger.policy())
    assert report.verdict == HOLDS, report.why
    check_lot(ledger, ledger.lot(mine), report)


def test_a_hold_on_a_site_and_on_a_strangers_bag_holds_ours_too() -> None:
    """The verifier finds that our bag was moved under it, though the other bag it names is not followed."""
    ledger = MemoryLedger()
    one, two = ledger.enrol("one", ["miner"]), ledger.enrol("two", ["trader"])
    police, auditor = ledger.enrol("police", ["regulator"]), ledger.enrol("auditor", ["auditor"])
    site = ledger.site(one)
    mine, theirs = ledger.produce(one, "38.40", "41.00", site=site)
    ledger.append(police, papers.hold(("site", site), ("lot", theirs)))
    ledger.append(auditor, papers.audit_result([mine, theirs], ("site", site)))
    ledger.hand_over(one, two, [mine])
    report = verify(file_of(ledger, [mine]), ledger.policy())
    assert report.verdict == HOLDS, report.why
    assert "moved_under_hold" in {noted.finding.rule for noted in report.lots[0].findings}
    check_lot(ledger, ledger.lot(mine), report)


def test_a_certificate_that_was_void_shows_its_end() -> None:
    """The end names no lot; it is in the file of the bag all the same, and exports cannot hide it."""
    ledger = MemoryLedger()
    miner = ledger.enrol("miner", ["miner", "exporter"])
    (bag,) = ledger.produce(miner, "38.40")
    made = ledger.append(ledger.registrar, papers.certificate([bag], miner.party))
    ended = ledger.append(ledger.registrar, papers.use(made, "void"))
    shown = evidence_of(ledger, [bag])
    assert ledger.state.entries[ended].index in {entry.index for entry in shown.entries}
    spoiled = without(shown, ledger, ledger.state.entries[ended].index, book=True)
    assert failing_step(verify(evidence.encode(spoiled), ledger.policy())) == 7
