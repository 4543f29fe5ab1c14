"""Labels against a trust pack: who signed, with a key that counts, for a tag that is theirs."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime

import msgspec
import orjson
import pytest

from memory import LOG, Actor, MemoryLedger, key_of, new_key, seal
from showing import MemorySource
from test_label import CODE, LABEL
from traceability.core import cose, evidence, label
from traceability.core.errors import Malformed
from traceability.core.ids import PartyId, RollId, derive
from traceability.core.label import LotLabel, PrintedTag
from traceability.core.record import Address
from traceability.core.report import CANNOT_TELL, FAILED, HOLDS
from traceability.core.tag_verify import COPIES, TagReport, verify_tag
from traceability.core.trust_pack import TrustPack
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import Failed
from traceability.ledger.gather import Gathered, Stated, show
from traceability.ledger.trust_pack import gather_pack


class Desk:
    """A ledger with an exporter, a roll of 40 tags, and labels for a bag."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.exporter = self.ledger.enrol(
            "exporter", ["exporter"], algorithm="ES256", public_name="Comptoir A"
        )
        self.issuer = self.ledger.registrar
        self.roll = self.issue(self.issuer, 40)
        (self.lot,) = self.ledger.produce(self.ledger.enrol("miner", ["miner"]), "38.40")

    def issue(self, issuer: Actor, count: int) -> RollId:
        nonce = self.ledger.nonce()
        roll = RollId(derive("roll", issuer.key.id, nonce))
        body = {"roll": roll, "nonce": nonce, "scheme": "t", "level": "any", "medium": "qr", "count": count}
        line, _ = seal("/codes", [{"code": CODE, "number": 1}])
        self.ledger.append(issuer, {"kind": "tag_issue", "body": body, "sealed": [line]})
        return roll

    def day(self) -> str:
        return datetime.fromtimestamp(self.ledger.clock, UTC).date().isoformat()

    def label(self, **changes: object) -> LotLabel:
        head = self.ledger.entries[-1].event_id
        fresh = LABEL._replace(log=LOG, lot=self.lot, head=head, tag=f"t:{self.roll}-17", day=self.day())
        return fresh._replace(**changes)

    def shown(
        self,
        leave_out: Callable[[object], bool] = lambda _: False,
        subjects: Collection[Address] = (),
        stated: Stated | None = None,
    ) -> evidence.Evidence:
        """The pack about these, by default about everybody."""
        size = len(self.ledger.entries)
        whole = {each for each in self.ledger.state.records if each[0] in ("party", "key", "roll")}
        gathered = gather_pack(
            MemorySource(self.ledger), subjects or whole, size, stated, attested=not subjects
        )
        entries = [entry for entry in gathered.entries if not leave_out(entry.event)]
        gathered = msgspec.structs.replace(gathered, entries=entries)
        return show(gathered, (), self.ledger.checkpoint(), size, self.ledger.read_nodes)

    def pack(self, **more: object) -> TrustPack:
        return TrustPack.read(evidence.encode_proven(self.shown(**more)), self.ledger.policy())

    def verify(self, said: LotLabel | PrintedTag, actor: Actor, **more: object) -> TagReport:
        return verify_tag(label.sign(said, actor.key), self.pack(**more))

    def revoke(self, key: str, reason: str) -> None:
        body = {"key": key, "reason": reason}
        self.ledger.append(self.issuer, {"kind": "key_revocation", "body": body})

    def later(self, days: int) -> str:
        self.ledger.clock += 86400 * days
        return self.day()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_label_holds(desk):
    """It tells who signed it, with which key, what it says, how old the pack is, and what it cannot show."""
    said = desk.label()
    report = desk.verify(said, desk.exporter)
    assert (report.verdict, report.exit_code, report.why) == (HOLDS, 0, None)
    assert (report.party, report.party_name, report.roles) == (
        desk.exporter.party,
        "Comptoir A",
        ("exporter",),
    )
    assert (report.kind, report.lot, report.head) == ("lot", said.lot, said.head)
    assert (report.net_ug, report.mineral, report.day) == (said.net_ug, said.mineral, said.day)
    assert (report.tag, report.key, report.log) == (said.tag, desk.exporter.key.id, LOG)
    assert report.pack_until is not None
    assert report.remarks == (COPIES,)
    told = orjson.loads(report.to_json())
    assert told["verdict"] == HOLDS
    assert told["party_name"] == "Comptoir A"


def test_a_printed_tag_holds(desk):
    """By the party that issued its roll."""
    report = desk.verify(PrintedTag(LOG, desk.roll, 40), desk.issuer)
    assert (report.verdict, report.kind, report.tag) == (HOLDS, "tag", f"t:{desk.roll}-40")


@pytest.mark.threat("T63")
def test_every_flipped_bit_is_refused(desk):
    """Whatever bit of a label is another: it never holds."""
    pack = desk.pack()
    data = label.sign(desk.label(), desk.exporter.key)
    verdicts = set()
    for bit in range(len(data) * 8):
        spoilt = bytearray(data)
        spoilt[bit // 8] ^= 1 << bit % 8
        report = verify_tag(bytes(spoilt), pack)
        assert report.verdict != HOLDS, bit
        assert report.why
        verdicts.add(report.verdict)
    assert verdicts == {FAILED, CANNOT_TELL}  # another ledger, or another key, is nothing this pack knows


def test_another_ledger(desk):
    """The pack of one ledger says nothing about labels of another, and says which is which."""
    report = desk.verify(desk.label(log="ledger.example.org/other"), desk.exporter)
    assert report.verdict == CANNOT_TELL
    assert "ledger.example.org/other" in report.why
    assert LOG in report.why


def test_an_unknown_key(desk):
    """A newer pack may have it; otherwise it is forged."""
    report = desk.verify(desk.label(), Actor(desk.exporter.party, key_of("stranger")))
    assert report.verdict == CANNOT_TELL
    assert "not in the trust pack" in report.why
    assert report.party is None


@pytest.mark.threat("T63")
def test_a_forger_who_names_anothers_key(desk):
    """The kid is a hint: the signature must be that key's."""
    forger = key_of("forger", "ES256")
    kid = bytes.fromhex(desk.exporter.key.id)[:8]
    report = verify_tag(cose.sign(forger, kid, desk.label().payload()), desk.pack())
    assert report.verdict == FAILED
    assert "forged" in report.why


def test_the_key_chooses_the_algorithm(desk):
    """A message that names another algorithm than its key's is refused, though it is well formed."""
    signed = label.read_signed(label.sign(desk.label(), desk.exporter.key))
    other = signed.message._replace(protected={**signed.message.protected, cose.ALGORITHM: -8})
    assert verify_tag(other.to_bytes(), desk.pack()).verdict == FAILED


@pytest.mark.threat("T63")
def test_only_the_issuer_of_a_roll_prints_its_tags(desk):
    """Not a trader, nor another issuer; of a roll nobody knows the pack cannot tell."""
    assert desk.verify(PrintedTag(LOG, desk.roll, 1), desk.exporter).verdict == FAILED
    other = desk.ledger.enrol("other issuer", ["tag_issuer"])
    assert "issued this roll" in desk.verify(PrintedTag(LOG, desk.roll, 1), other).why
    strange = RollId(derive("roll", other.key.id, desk.ledger.nonce()))
    assert desk.verify(PrintedTag(LOG, strange, 1), other).verdict == CANNOT_TELL
    assert "no issuer of tags" in desk.verify(PrintedTag(LOG, strange, 1), desk.exporter).why


@pytest.mark.parametrize("who", ["exporter", "issuer"])
def test_a_roll_has_so_many_tags(desk, who):
    """Number 41 of a roll of 40 is none, on a label as on a pre-printed tag."""
    said = {"exporter": desk.label(tag=f"t:{desk.roll}-41"), "issuer": PrintedTag(LOG, desk.roll, 41)}[who]
    report = desk.verify(said, getattr(desk, who))
    assert report.verdict == FAILED
    assert "40 tags" in report.why


@pytest.mark.threat("T63")
@pytest.mark.parametrize("reason", ["lost", "stolen", "left", "compromised"])
def test_a_key_somebody_else_may_have(desk, reason):
    """After the revocation it fails; before, whoever has the key may have dated it back: nobody can tell."""
    before = desk.label()
    desk.later(3)
    desk.revoke(desk.exporter.key.id, reason)
    report = desk.verify(before, desk.exporter)
    assert report.verdict == CANNOT_TELL
    assert reason in report.why
    after = desk.later(1)
    report = desk.verify(before._replace(day=after), desk.exporter)
    assert report.verdict == FAILED
    assert "before the label's own day" in report.why


def test_a_replaced_key_still_counts_for_what_it_signed(desk):
    """Nobody else has it; what it signs afterwards fails all the same."""
    before = desk.label()
    body = {
        "party": desk.exporter.party,
        "key": new_key(key_of("second"), desk.exporter.party),
        "reason": "rotation",
    }
    desk.ledger.append(desk.exporter, {"kind": "key_addition", "body": body})
    desk.revoke(desk.exporter.key.id, "replaced")
    report = desk.verify(before, desk.exporter)
    assert report.verdict == HOLDS
    assert "replaced" in report.remarks[0]
    assert desk.verify(before._replace(day=desk.later(2)), desk.exporter).verdict == FAILED
    assert desk.verify(desk.label(), Actor(desk.exporter.party, key_of("second"))).verdict == HOLDS


def test_tags_of_an_issuer_whose_key_was_stolen(desk):
    """A pre-printed tag has no day: nobody can tell when it was signed."""
    other = desk.ledger.enrol("other issuer", ["tag_issuer"])
    roll = desk.issue(other, 5)
    assert desk.verify(PrintedTag(LOG, roll, 5), other).verdict == HOLDS
    desk.revoke(other.key.id, "stolen")
    assert desk.verify(PrintedTag(LOG, roll, 5), other).verdict == CANNOT_TELL


def test_a_label_newer_than_the_pack(desk):
    """It holds as shown, and the pack's age is said."""
    report = desk.verify(desk.label(day="2030-01-01"), desk.exporter)
    assert report.verdict == HOLDS
    assert "newer than the trust pack" in report.remarks[0]


def test_a_pack_that_leaves_out_what_a_key_rests_on(desk):
    """Without the enrolment the key is unknown; nothing is made up for it."""
    report = desk.verify(desk.label(), desk.exporter, leave_out=lambda event: event.kind == "enrolment")
    assert report.verdict == CANNOT_TELL


def test_a_demonstration_says_so():
    """On every verdict."""
    ledger = MemoryLedger(demo=True)
    shown = show(
        Gathered(list(MemorySource(ledger).logged([0]).values()), []),
        (), ledger.checkpoint(), 1, ledger.read_nodes,
    )  # fmt: skip
    pack = TrustPack.read(evidence.encode_proven(shown), ledger.policy())
    assert "demonstration" in verify_tag(b"", pack).remarks[-1]


# --- the pack itself


def test_a_pack_is_verified(desk):
    """Another log's key, a changed entry, a stale byte: none is believed."""
    shown = desk.shown()
    good = evidence.encode_proven(shown)
    stranger = MemoryLedger("elsewhere.example/log", name="x").policy()
    for policy in (stranger, TrustPolicy.without_witnesses([])):
        with pytest.raises(Failed):
            TrustPack.read(good, policy)
    entry = msgspec.structs.replace(shown.entries[1], record_time=shown.entries[1].record_time + 1)
    with pytest.raises(Failed, match="root"):
        TrustPack.read(
            evidence.encode_proven(msgspec.structs.replace(shown, entries=(shown.entries[0], entry, *shown.entries[2:]))),
            desk.ledger.policy(),
        )  # fmt: skip
    for spoilt in (good + b"\n", good.replace(b'"version":1', b'"version":2'), b"{}", b"", b"[]", b"\xff"):
        with pytest.raises(Malformed, match="trust pack"):
            TrustPack.read(spoilt, desk.ledger.policy())


def test_some_flipped_bits_of_a_pack_are_refused(desk):
    """No changed byte leaves a pack that holds and is another."""
    good = evidence.encode_proven(desk.shown())
    for at in range(0, len(good), 97):
        spoilt = bytearray(good)
        spoilt[at] ^= 1 << at % 7
        with pytest.raises((Malformed, Failed)):
            TrustPack.read(bytes(spoilt), desk.ledger.policy())


def test_a_pack_is_no_evidence_and_evidence_is_no_pack(desk):
    """Each is read as what it is."""
    from showing import file_of

    with pytest.raises(Malformed):
        evidence.decode(evidence.encode_proven(desk.shown()))
    with pytest.raises(Malformed):
        evidence.decode_proven(file_of(desk.ledger, [desk.lot]), "a trust pack")


def test_parties_are_those_of_the_ledger(desk):
    """The rules make of the pack what they made of the whole log."""
    pack = desk.pack()
    records = desk.ledger.state.records
    for actor in (desk.exporter, desk.issuer, desk.ledger.operator):
        whole, shown = records["party", actor.party], pack.party(actor.party)
        assert (shown.roles, shown.keys, shown.facts) == (whole.roles, whole.keys, whole.facts)
    assert pack.roll(desk.roll).count == 40
    assert pack.party(PartyId("0" * 26)) is None
