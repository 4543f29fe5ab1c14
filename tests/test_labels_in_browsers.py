"""Labels verified twice: in Python, and in the JavaScript compiled from it. Both say the same, of good and of spoilt ones."""

from base64 import b64encode

import msgspec
import orjson
import pytest

from both import EVERY, verifier
from memory import Actor, key_of
from test_complete import with_lines
from test_label import LABEL
from test_left_out import proven
from test_pack_left_out import Office
from test_tag_verify import Desk
from test_verify import without
from traceability.core import evidence, label
from traceability.core.errors import Malformed
from traceability.core.label import PrintedTag
from traceability.core.report import CANNOT_TELL, COMPLETE, HOLDS
from traceability.core.tag_verify import verify_tag
from traceability.core.trust_pack import TrustPack
from traceability.core.verify import Failed


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


def said_by_both(desk: Desk, signed: bytes, pack: bytes | None = None) -> dict:
    """The report, which is the same in both languages."""
    data = evidence.encode_proven(desk.shown()) if pack is None else pack
    policy = desk.ledger.policy()
    expected = orjson.loads(verify_tag(signed, TrustPack.read(data, policy)).to_json())
    asked = {
        "label": label.to_digits(signed),
        "pack": b64encode(data).decode(),
        "policy": b64encode(policy.encode()).decode(),
    }
    assert verifier().ask(asked) == {"report": expected}
    return expected


def test_good_labels(desk):
    """Of a lot and of a pre-printed tag, by keys of both kinds."""
    assert said_by_both(desk, label.sign(desk.label(), desk.exporter.key))["verdict"] == HOLDS
    tag = PrintedTag(desk.label().log, desk.roll, 40)
    assert said_by_both(desk, label.sign(tag, desk.issuer.key))["verdict"] == HOLDS


def test_labels_that_are_none(desk):
    """Strangers' keys, other rolls, other ledgers, days after the key ended, places beyond the roll."""
    key = desk.exporter.key
    for said, signer in (
        (desk.label(), key_of("stranger")),
        (desk.label(log="ledger.example.org/other"), key),
        (desk.label(tag=f"t:{desk.roll}-41"), key),
        (desk.label(tag=LABEL.tag), key),
        (desk.label(net_ug=2**53 - 1), key),
        (PrintedTag(desk.label().log, desk.roll, 3), key),
    ):
        said_by_both(desk, label.sign(said, signer))


def test_spoilt_labels(desk):
    """Some bits at each run, chosen to be others in each byte; with EVERY=1 all."""
    for signed in (
        label.sign(desk.label(), desk.exporter.key),
        label.sign(PrintedTag(desk.label().log, desk.roll, 7), desk.issuer.key),
    ):
        step = 1 if EVERY == 1 else 37
        for bit in range(0, len(signed) * 8, step):
            spoilt = bytearray(signed)
            spoilt[bit // 8] ^= 1 << bit % 8
            assert said_by_both(desk, bytes(spoilt))["verdict"] != HOLDS


def test_ended_keys():
    """Replaced, stolen, compromised: as Python judges it."""
    for reason in ("replaced", "stolen", "compromised"):
        desk = Desk()
        other = Actor(desk.exporter.party, desk.exporter.key)
        signed = label.sign(desk.label(), other.key)
        desk.later(2)
        desk.revoke(other.key.id, reason)
        said_by_both(desk, signed)


@pytest.mark.parametrize("digits", ["", "12", "9" * 41, "256", "1_0", "٣٣٣", "1" * 2000, "x", "1" * 41])
def test_digits_that_are_none(desk, digits):
    """Refused by both with the same sentence."""
    with pytest.raises(Malformed) as refused:
        label.read_signed(label.from_digits(digits))
    policy = b64encode(desk.ledger.policy().encode()).decode()
    asked = {"label": digits, "pack": b64encode(b"{}").decode(), "policy": policy, "read": True}
    assert verifier().ask(asked) == {"failed": {"name": "Malformed", "message": str(refused.value)}}


def test_what_the_page_asks_by(desk):
    """The kid and the tag, before anything is verified."""
    signed = label.sign(desk.label(), desk.exporter.key)
    asked = {"label": label.to_digits(signed), "pack": "", "policy": "", "read": True}
    assert verifier().ask(asked) == {"report": {"kid": desk.exporter.key.id[:16], "tag": desk.label().tag}}


def test_complete_and_thinned_packs():
    """What a snapshot proves, and what it shows to have been taken out: one verdict, one sentence, in both."""
    office = Office()
    signed = label.sign(office.label(), office.second)
    shown = office.part(office.second, office.exporter.party, office.roll)
    told = said_by_both(office, signed, evidence.encode_proven(shown))
    assert (told["verdict"], told["complete_to"]) == (COMPLETE, office.size)
    assert told["held_since"]
    whole = evidence.encode_proven(office.shown(stated=office.stated))
    assert said_by_both(office, signed, whole)["attested_by"] == [office.auditor.party]
    bare = msgspec.structs.replace(shown, completeness=None, book=())
    assert said_by_both(office, signed, evidence.encode_proven(bare))["verdict"] == HOLDS
    for line in shown.book:
        less = proven(with_lines(shown, office.stated, [each for each in shown.book if each != line]))
        assert said_by_both(office, signed, evidence.encode_proven(less))["verdict"] == CANNOT_TELL
    index = next(e.index for e in office.ledger.entries if e.event.kind == "key_revocation")
    data = evidence.encode_proven(without(shown, office.ledger, index, book=True))
    asked = {
        "label": label.to_digits(signed),
        "pack": b64encode(data).decode(),
        "policy": b64encode(office.ledger.policy().encode()).decode(),
    }
    with pytest.raises(Failed) as refused:
        TrustPack.read(data, office.ledger.policy())
    assert verifier().ask(asked) == {"failed": {"name": "Failed", "message": str(refused.value)}}
