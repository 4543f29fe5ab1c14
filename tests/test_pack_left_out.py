"""What a skilled holder leaves out of a trust pack, whole and in part: each entry in turn, each line of the book.

He has the whole ledger, so every proof that can be made he makes. What he cannot make is a signature.
"""

from collections.abc import Iterator
from itertools import chain

import msgspec
import pytest

import papers
from memory import key_of, new_key
from showing import snapshot
from test_complete import ledger_root, with_lines
from test_left_out import called_rest, proven
from test_tag_verify import Desk
from test_verify import without
from traceability.core import evidence, label
from traceability.core.evidence import Evidence
from traceability.core.label import LotLabel, PrintedTag
from traceability.core.lineage import named_events
from traceability.core.record import Address
from traceability.core.report import CANNOT_TELL, COMPLETE, FAILED, HOLDS
from traceability.core.signing import SigningKey, event_id
from traceability.core.tag_verify import TagReport, verify_tag
from traceability.core.trust_pack import TrustPack
from traceability.core.verify import Failed

BAD = frozenset({"key_revocation", "role_change", "hold", "tag_void", "key_addition"})


class Office(Desk):
    """An exporter with a new key and one role less, suspended and released; and then a stolen key and void tags."""

    def __init__(self) -> None:
        super().__init__()
        ledger, says = self.ledger, self.ledger.append
        self.police, self.auditor = (
            ledger.enrol("police", ["regulator"]),
            ledger.enrol("auditor", ["auditor"]),
        )
        self.printer = ledger.enrol("printer", ["tag_issuer", "trader"])
        self.printed = self.issue(self.printer, 9)
        self.early = self.label()
        exporter, registrar = self.exporter, self.issuer
        added = {
            "party": exporter.party,
            "key": new_key(key_of("second"), exporter.party),
            "reason": "rotation",
        }
        says(exporter, {"kind": "key_addition", "body": added})
        self.second = key_of("second")
        self.revoke(exporter.key.id, "replaced")
        says(registrar, {"kind": "role_change", "body": {
            "party": exporter.party, "add": ["trader"], "from": "2026-01-05",
        }})  # fmt: skip
        says(registrar, {"kind": "role_change", "body": {
            "party": exporter.party, "remove": ["trader"], "from": "2026-01-05",
        }})  # fmt: skip
        says(registrar, {"kind": "tag_allocation", "body": {
            "roll": self.roll, "first": 1, "last": 20, "to_party": exporter.party,
        }})  # fmt: skip
        says(self.police, papers.release(says(self.police, papers.hold(("party", exporter.party)))))
        says(self.police, papers.incident(("party", exporter.party), ("lot", self.lot)))
        says(self.police, papers.hold(("party", exporter.party)))
        says(registrar, {"kind": "tag_void", "body": {
            "roll": self.roll, "first": 31, "last": 40, "reason": "stolen",
        }})  # fmt: skip
        self.revoke(self.printer.key.id, "compromised")
        self.size = len(ledger.entries)
        self.stated = snapshot(ledger)
        stating = ledger.entries[self.stated.index].event.body
        said = papers.attestation(self.size, ledger_root(ledger, self.size), stating.book)
        says(self.auditor, said)

    def part(self, key: SigningKey, party: str, roll: str) -> Evidence:
        return self.shown(subjects={("key", key.id), ("party", party), ("roll", roll)}, stated=self.stated)

    def judge(
        self, shown: Evidence, said: LotLabel | PrintedTag, key: SigningKey, *, complete: bool = False
    ) -> TagReport:
        pack = TrustPack.read(evidence.encode_proven(shown), self.ledger.policy())
        return verify_tag(label.sign(said, key), pack, complete=complete)

    def verdict(self, shown: Evidence, said: LotLabel | PrintedTag, key: SigningKey) -> str:
        try:
            return self.judge(shown, said, key).verdict
        except Failed:
            return FAILED


@pytest.fixture(scope="module")
def office() -> Office:
    return Office()


def lies(office: Office, shown: Evidence, index: int) -> Iterator[tuple[str, Evidence]]:
    """The pack without that entry, in every way that hides it."""
    ledger, stated = office.ledger, office.stated
    subjects = {address for address, _ in ledger.entries[index].outcome.links}
    less = without(shown, ledger, index, book=True)
    yield "lines kept", less
    others = [line for line in shown.book if line.address not in subjects]
    yield "lines left out", proven(with_lines(less, stated, others))
    yield (
        "called the rest",
        with_lines(less, stated, [called_rest(ledger, line, index, subjects) for line in shown.book]),
    )
    gone = {index}
    names = {ledger.entries[index].event_id}
    for entry in shown.entries:
        kept = ledger.entries[entry.index]
        if entry.index > index and not names.isdisjoint(named_events(kept.event)):
            gone.add(entry.index)
            names.add(kept.event_id)
    subjects = {a for each in gone for a, _ in ledger.entries[each].outcome.links}
    others = [line for line in shown.book if line.address not in subjects]
    yield (
        "with all that names it",
        proven(with_lines(without(shown, ledger, *gone, book=True), stated, others)),
    )


def rested(office: Office, shown: Evidence, subjects: set[Address]) -> list[int]:
    """The entries about these, before the snapshot."""
    return [
        entry.index
        for entry in shown.entries
        if 0 < entry.index < office.size
        and not subjects.isdisjoint(a for a, _ in office.ledger.entries[entry.index].outcome.links)
    ]


@pytest.mark.threat("T46")
@pytest.mark.parametrize("shape", ["whole", "part"])
def test_no_entry_can_be_left_out_of_a_pack(office: Office, shape: str) -> None:
    """Revocation, rotation, role end, suspension, void tags, and every other entry: without it no label holds."""
    exporter = office.exporter.party
    subjects: set[Address] = {("key", office.second.id), ("party", exporter), ("roll", office.roll)}
    subjects |= {
        ("key", office.exporter.key.id),
        ("key", office.issuer.key.id),
        ("party", office.issuer.party),
    }
    shown = (
        office.shown(stated=office.stated)
        if shape == "whole"
        else office.part(office.second, exporter, office.roll)
    )
    said = office.label()
    report = office.judge(shown, said, office.second, complete=True)
    assert report.verdict == COMPLETE, (report.why, report.completeness_not_shown)
    assert report.complete_to == office.size
    assert report.attested_by == ((office.auditor.party,) if shape == "whole" else ())
    indexes = rested(office, shown, subjects)
    assert {office.ledger.entries[index].event.kind for index in indexes} >= BAD
    for index in indexes:
        for how, lie in lies(office, shown, index):
            kind = office.ledger.entries[index].event.kind
            assert office.verdict(lie, said, office.second) in (FAILED, CANNOT_TELL), (index, kind, how)


@pytest.mark.threat("T46")
def test_what_ended_cannot_be_made_to_go_on(office: Office) -> None:
    """A label that a revoked key signed, a tag that is void: no entry left out makes them hold."""
    cases = [
        (
            PrintedTag(office.early.log, office.printed, 3),
            office.printer.key,
            office.printer.party,
            office.printed,
        ),
        (office.label(tag=f"t:{office.roll}-35"), office.second, office.exporter.party, office.roll),
        (PrintedTag(office.early.log, office.roll, 35), office.issuer.key, office.issuer.party, office.roll),
    ]
    for said, key, party, roll in cases:
        shown = office.part(key, party, roll)
        assert office.verdict(shown, said, key) in (FAILED, CANNOT_TELL)
        for index in rested(office, shown, {line.address for line in shown.book}):
            for how, lie in lies(office, shown, index):
                assert office.verdict(lie, said, key) in (FAILED, CANNOT_TELL), (index, how)


@pytest.mark.threat("T46")
def test_no_line_of_a_packs_book_can_be_left_out_or_changed(office: Office) -> None:
    """Each line in turn: gone, of another count, chain, number or id; the whole proof of the book kept or made anew."""
    shown, said = office.part(office.second, office.exporter.party, office.roll), office.label()
    for line in shown.book:
        others = [each for each in shown.book if each != line]
        for lie in (
            msgspec.structs.replace(shown, book=tuple(others)),
            proven(with_lines(shown, office.stated, others)),
        ):
            assert office.verdict(lie, said, office.second) in (FAILED, CANNOT_TELL), line.address
        for change in (
            {"count": line.count + 1}, {"count": line.count - 1}, {"chain": "0" * 64}, {"finding_chain": "1" * 64},
            {"finding_count": line.finding_count + 1}, {"number": line.number + 1}, {"id": "0" * len(line.id)},
        ):  # fmt: skip
            changed = msgspec.structs.replace(line, **change)
            lines = sorted(chain(others, [changed]), key=lambda each: each.address)
            lie = msgspec.structs.replace(shown, book=tuple(lines))
            assert office.verdict(lie, said, office.second) == FAILED, (line.address, change)


@pytest.mark.threat("T46")
def test_without_the_snapshot_a_pack_holds_as_shown(office: Office) -> None:
    """Who takes the book out as well has a pack that lists whom it does not show; asked for completeness it cannot tell."""
    whole = office.part(office.second, office.exporter.party, office.roll)
    shown = msgspec.structs.replace(whole, completeness=None, book=())
    report = office.judge(shown, office.label(), office.second)
    assert report.verdict == HOLDS
    assert office.roll in report.completeness_not_shown["roll"]
    assert office.second.id in report.completeness_not_shown["key"]
    assert office.exporter.party in report.completeness_not_shown["party"]
    assert report.complete_to is None
    assert office.judge(shown, office.label(), office.second, complete=True).verdict == CANNOT_TELL
    unstated = without(whole, office.ledger, office.stated.index, book=True)
    assert office.verdict(unstated, office.label(), office.second) == FAILED


def test_a_hold_is_told(office: Office) -> None:
    """Who signed is under a hold: the label is genuine, and the report says so; of one released it says nothing."""
    report = office.judge(office.shown(stated=office.stated), office.label(), office.second)
    assert report.held_since is not None
    assert len([each for each in report.remarks if "under a hold since" in each]) == 1


def test_what_is_newer_than_the_snapshot_is_not_called_complete(office: Office) -> None:
    """A key that joined since is good as shown; of those that were there the pack says how far it goes."""
    later = Office()
    third = key_of("third")
    added = {"party": later.exporter.party, "key": new_key(third, later.exporter.party), "reason": "rotation"}
    later.ledger.append(later.issuer, {"kind": "key_addition", "body": added})
    shown = later.part(third, later.exporter.party, later.roll)
    report = later.judge(shown, later.label(), third)
    assert (report.verdict, report.completeness_not_shown) == (HOLDS, {"key": [third.id]})
    shown = later.part(later.second, later.exporter.party, later.roll)
    assert later.judge(shown, later.label(), later.second).verdict == COMPLETE


@pytest.mark.threat("T46")
def test_a_number_that_was_used_before_cannot_be_hidden() -> None:
    """A key that was added under a used number has no effect; who used it first cannot be left out."""
    desk = Desk()
    other, exporter = key_of("other"), desk.exporter
    body = {"party": exporter.party, "key": new_key(other, exporter.party), "reason": "rotation"}
    first = len(desk.ledger.entries)
    desk.ledger.append(exporter, papers.incident(("lot", desk.lot)))
    sequence = desk.ledger.entries[first].event.sequence
    desk.ledger.append(exporter, {"kind": "key_addition", "body": body, "sequence": sequence})
    stated = snapshot(desk.ledger)
    subjects: set[Address] = {("key", other.id), ("party", exporter.party), ("roll", desk.roll)}
    shown = desk.shown(subjects=subjects, stated=stated)
    assert first in [entry.index for entry in shown.entries]
    signed = label.sign(desk.label(), other)

    def judged(pack: Evidence) -> TagReport:
        read = TrustPack.read(evidence.encode_proven(pack), desk.ledger.policy())
        return verify_tag(signed, read)

    assert judged(shown).verdict == CANNOT_TELL
    less = without(shown, desk.ledger, first, book=True)
    with pytest.raises(Failed, match="who used it first is not shown"):
        judged(less)
    proved = msgspec.structs.replace(less.completeness, findings=())
    assert judged(msgspec.structs.replace(less, completeness=proved)).verdict == CANNOT_TELL


@pytest.mark.threat("T46")
def test_an_approval_that_came_first_cannot_be_hidden() -> None:
    """A revocation that its approval preceded took effect at once: without the approval nobody can tell."""
    desk = Desk()
    ledger = desk.ledger
    ledger = type(ledger)(quorum=1, genesis=False)
    second, line = ledger.authority("second", ["registrar", "tag_issuer"])
    third, other = ledger.authority("third", ["registrar"])
    ledger.append(ledger.operator, ledger.genesis(quorum=1, authorities=[line, other]))
    desk.ledger, desk.issuer = ledger, ledger.registrar
    desk.roll = desk.issue(second, 5)
    revocation = ledger.sign(
        ledger.registrar, {"kind": "key_revocation", "body": {"key": second.key.id, "reason": "stolen"}}
    )
    name = event_id(revocation.payload)
    ledger.append(third, {"kind": "approval", "body": {"event": name, "decision": "approved"}})
    approval = len(ledger.entries) - 1
    ledger.take(revocation)
    stated = snapshot(ledger)
    subjects: set[Address] = {("key", second.key.id), ("party", second.party), ("roll", desk.roll)}
    shown = desk.shown(subjects=subjects, stated=stated)
    assert ledger.entries[approval].outcome.links == ()
    signed = label.sign(PrintedTag(ledger.log, desk.roll, 1), second.key)
    for pack, why in (
        (shown, "was revoked"),
        (without(shown, ledger, approval, book=True), "a revocation of its key"),
    ):
        report = verify_tag(signed, TrustPack.read(evidence.encode_proven(pack), ledger.policy()))
        assert report.verdict == CANNOT_TELL
        assert why in str(report.why)
