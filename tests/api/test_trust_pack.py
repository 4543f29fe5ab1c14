"""The trust pack of a real ledger: who may have it, what is in it, and what is not."""

import pytest
from test_reading import same_404

import papers
from traceability.core import events, evidence, label
from traceability.core.ids import RollId, derive
from traceability.core.label import LotLabel, PrintedTag
from traceability.core.report import CANNOT_TELL, COMPLETE, HOLDS
from traceability.core.tag import make_code
from traceability.core.tag_verify import verify_tag
from traceability.core.trust_pack import MEDIA_TYPE, TrustPack
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger import snapshots, trust_pack
from traceability.ledger.answers import Recorded
from trade import LOG, LOG_SIGNER, Pen, nonce, produce

POLICY = TrustPolicy.without_witnesses([LOG_SIGNER.verifier])
CODES = [code for seed in range(1, 4) if (code := make_code(bytes([seed] * 8)))][:2]


@pytest.fixture(scope="module")
def roll(served) -> RollId:
    """Two tags, allocated to Anna, who digs a bag."""
    world = served[0]
    fresh = nonce()
    made = RollId(derive("roll", world.registrar.key.id, fresh))
    body = {"roll": made, "nonce": fresh, "scheme": "t", "level": "any", "medium": "qr", "count": 2}
    codes = [{"code": code, "number": number} for number, code in enumerate(CODES, 1)]
    world.take(world.registrar.sign("tag_issue", body, sealed={"/codes": codes}))
    given = {"roll": made, "first": 1, "last": 2, "to_party": world.anna.party}
    world.take(world.registrar.sign("tag_allocation", given))
    world.take(produce(world.anna, "20", producer=world.anna.party))
    return made


def pack_of(world, client, pen) -> bytes:
    answer = client.read(pen, "/v1/trust-pack")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    return answer.content


def test_every_party_may_have_it_and_no_stranger(world, client, roll):
    """It names every party with its roles: a stranger gets it from somebody who is one."""
    same_404(client.get("/v1/trust-pack"))
    for pen in (world.anna, world.carl, world.auditor):
        assert TrustPack.read(pack_of(world, client, pen), POLICY).log == LOG


def test_it_holds_what_makes_parties_and_nothing_else(world, client, roll):
    """All about parties, keys and rolls, so that it can be complete; no lot, no opened value, no code."""
    data = pack_of(world, client, world.anna)
    shown = evidence.decode_proven(data, "a trust pack")
    kinds = {events.parse(entry.payload).kind for entry in shown.entries}
    assert kinds == {"genesis", "enrolment", "tag_issue", "tag_allocation"}
    assert all(not entry.disclosures for entry in shown.entries)
    assert not any(code.encode() in data for code in CODES)


def test_labels_are_checked_by_it(world, client, roll):
    """What Anna and the issuer sign holds; after a revocation a new pack says so, and the old one still cannot."""
    pack = TrustPack.read(pack_of(world, client, world.anna), POLICY)
    tag = PrintedTag(LOG, roll, 2)
    assert verify_tag(label.sign(tag, world.registrar.key), pack).verdict == HOLDS
    said = LotLabel(LOG, "6qdaq8agk4s4h7gnh0akr5wy39", "5f" * 32, "coltan", 1, tag.tag, "2026-03-14")
    signed = label.sign(said, world.carl.key)
    assert verify_tag(signed, pack).verdict == HOLDS
    body = {"key": world.carl.key.id, "reason": "stolen"}
    world.take(world.registrar.sign("key_revocation", body))
    assert verify_tag(signed, pack).verdict == HOLDS
    newer = TrustPack.read(pack_of(world, client, world.anna), POLICY)
    assert newer.size > pack.size
    assert verify_tag(signed, newer).verdict == CANNOT_TELL


def test_a_key_that_came_later_counts(world, client, roll):
    """A key that was added later counts in the pack as it does in the ledger."""
    second = Pen("anna's second phone", world.anna.party)
    body = {"party": world.anna.party, "key": second.new_key(world.anna.party), "reason": "second_device"}
    world.take(world.anna.sign("key_addition", body))
    pack = TrustPack.read(pack_of(world, client, world.ben), POLICY)
    assert verify_tag(label.sign(PrintedTag(LOG, roll, 1), second.key), pack).party == world.anna.party


def part(client, key, roll) -> bytes:
    answer = client.get(f"/v1/trust-pack/{key.id[:16]}/{roll}")
    assert answer.status_code == 200, answer.text
    return answer.content


def test_whoever_has_a_label_gets_what_it_is_checked_by(world, client, roll):
    """A stranger, by the kid on the label: the same verdict as by the whole pack, and of others hardly anything."""
    whole = TrustPack.read(pack_of(world, client, world.anna), POLICY)
    second = Pen("ben's second phone", world.ben.party)
    body = {"party": world.ben.party, "key": second.new_key(world.ben.party), "reason": "second_device"}
    world.take(world.ben.sign("key_addition", body))
    said = LotLabel(LOG, "6qdaq8agk4s4h7gnh0akr5wy39", "5f" * 32, "coltan", 1, f"t:{roll}-1", "2026-03-14")
    for key in (world.ben.key, second.key, world.registrar.key):
        data = part(client, key, roll)
        pack = TrustPack.read(data, POLICY)
        report = verify_tag(label.sign(said, key), pack)
        assert (report.verdict, report.why) == (HOLDS, None)
        assert report.party == whole.party(report.party).id
        for stranger in (world.carl, world.auditor):
            assert stranger.party.encode() not in data
        shown = evidence.decode_proven(data, "a trust pack")
        kinds = {
            events.parse(entry.payload).kind
            for entry in shown.entries
            if world.carl.key.id.encode() in entry.payload or world.auditor.key.id.encode() in entry.payload
        }
        assert kinds <= {"key_revocation"}, "an act of the registrar, and so on his line of the book"
        assert {events.parse(entry.payload).kind for entry in shown.entries} <= {
            "genesis", "enrolment", "key_addition", "key_revocation", "tag_issue", "tag_allocation",
        }  # fmt: skip
        assert all(not entry.disclosures for entry in shown.entries)
    assert verify_tag(label.sign(PrintedTag(LOG, roll, 2), world.registrar.key), pack).verdict == HOLDS


def test_a_part_knows_what_was_revoked(world, client, roll):
    """A key that was stolen since is said to be, as by the whole pack."""
    second = Pen("ben's lost phone", world.ben.party)
    body = {"party": world.ben.party, "key": second.new_key(world.ben.party), "reason": "second_device"}
    world.take(world.ben.sign("key_addition", body))
    signed = label.sign(
        LotLabel(LOG, "6qdaq8agk4s4h7gnh0akr5wy39", "5f" * 32, "coltan", 1, f"t:{roll}-1", "2026-03-14"),
        second.key,
    )
    assert verify_tag(signed, TrustPack.read(part(client, second.key, roll), POLICY)).verdict == HOLDS
    world.take(world.registrar.sign("key_revocation", {"key": second.key.id, "reason": "stolen"}))
    assert verify_tag(signed, TrustPack.read(part(client, second.key, roll), POLICY)).verdict == CANNOT_TELL


def test_a_part_cannot_be_guessed(client, roll):
    """Other kids, other forms: the one answer of what is not there."""
    for kid in ("0" * 16, "f" * 15, "F" * 16, "x" * 16):
        same_404(client.get(f"/v1/trust-pack/{kid}/{roll}"))


def test_both_are_complete_once_the_book_is_stated(world, client, roll, monkeypatch):
    """By the snapshot's lines, whole and in part: nothing was left out up to it. Where reports are on a line, strangers get none."""
    phone = Pen("anna's third phone", world.anna.party)
    body = {"party": world.anna.party, "key": phone.new_key(world.anna.party), "reason": "second_device"}
    world.take(world.anna.sign("key_addition", body))
    operator = world.office.operator
    stated = snapshots.take(world.ledger, operator.key, operator.party, lambda: 1_790_000_000)
    assert isinstance(stated, Recorded)
    operator.next += 1
    tag = label.sign(PrintedTag(LOG, roll, 2), world.registrar.key)
    said = LotLabel(LOG, "6qdaq8agk4s4h7gnh0akr5wy39", "5f" * 32, "coltan", 1, f"t:{roll}-1", "2026-03-14")
    signed = label.sign(said, phone.key)
    whole = pack_of(world, client, world.ben)
    for message, key in ((tag, world.registrar.key), (signed, phone.key)):
        for data in (whole, part(client, key, roll)):
            report = verify_tag(message, TrustPack.read(data, POLICY), complete=True)
            assert (report.verdict, report.complete_to, report.why) == (COMPLETE, stated.index, None)
    monkeypatch.setattr(trust_pack, "PART_MAX", 5)
    short = part(client, phone.key, roll)
    assert len(short) < len(data)
    assert verify_tag(signed, TrustPack.read(short, POLICY)).verdict == HOLDS, "too long to be shown complete"
    monkeypatch.undo()
    report = papers.incident(("party", world.registrar.party))["body"]
    (told,) = world.take(world.ben.sign("incident", report))
    assert (
        events.parse(evidence.decode_proven(pack_of(world, client, world.ben), "").entries[-1].payload).kind
        == "incident"
    )
    reported = part(client, phone.key, roll)
    assert told.index not in [entry.index for entry in evidence.decode_proven(reported, "").entries]
    assert verify_tag(signed, TrustPack.read(reported, POLICY)).verdict == HOLDS, (
        "no stranger is told of reports"
    )
    world.take(world.registrar.sign("key_revocation", {"key": phone.key.id, "reason": "stolen"}))
    for data in (pack_of(world, client, world.ben), part(client, phone.key, roll)):
        assert verify_tag(signed, TrustPack.read(data, POLICY)).verdict == CANNOT_TELL
