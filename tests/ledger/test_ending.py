"""A stored log that changes its key, ends, and is carried on: what is signed, what is proved, what other processes do."""

import hashlib

import pytest
from sending import append, handoff, recorded, sent, traders

from traceability.core.errors import Invalid
from traceability.core.note import Signer
from traceability.core.report import COMPLETE, HOLDS
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import verify
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded, Refused
from traceability.ledger.database import Unusable
from traceability.ledger.dump import dump, load
from traceability.ledger.guard import FileGuard
from traceability.ledger.reader import Reader
from traceability.ledger.writer import Ledger, succeed
from trade import LOG, LOG_SIGNER, POLICY, nonce, produce

NEXT = Signer(LOG, hashlib.sha256(b"next").digest())
SECOND = Signer(f"{LOG}/2", hashlib.sha256(b"second").digest())


def believing(*signers):
    return TrustPolicy.without_witnesses([signer.verifier for signer in signers])


def head_of(store):
    with store.read() as view:
        return view.head()


def successor(office, head, **more):
    """The genesis of the log that carries on what stands under this head."""
    body = {
        "name": "Registre d'essai",
        "nonce": nonce(),
        "operator_name": "Bureau",
        "keys": [],
        "authorities": [],
        "quorum": 0,
        "countries": ["RW"],
        "log_keys": [SECOND.verifier.encode()],
        "policy": POLICY,
        "continues": {"origin": LOG, "size": head.size, "root": head.root.hex(), **more},
    }
    return office.operator.sign("genesis", body)


def frozen(ledger, office):
    recorded(ledger, office.operator.sign("log_key", {"freeze_at": head_of(ledger.store).size + 1}))
    return head_of(ledger.store)


@pytest.mark.threat("T54")
def test_each_key_that_is_named_signs_and_no_other(ledger, url, opened, guard, office):
    """A key in the file signs from the entry that names it on, also under the checkpoint that stood there before."""
    (miner,) = traders(ledger, office, "miner")
    both = Ledger(opened(url), guard, LOG_SIGNER, NEXT)
    note = recorded(both, produce(miner, "1.00"))[0].checkpoint
    believing(LOG_SIGNER).open_checkpoint(note)
    with pytest.raises(Invalid):
        believing(NEXT).open_checkpoint(note)
    (named,) = recorded(ledger, office.operator.sign("log_key", {"add": NEXT.verifier.encode()}))
    with pytest.raises(Invalid):
        believing(NEXT).open_checkpoint(named.checkpoint)
    both.reload()
    with ledger.store.read() as view:
        size, note = view.checkpoint()
    assert size == named.index + 1
    for policy in (believing(LOG_SIGNER), believing(NEXT)):
        assert policy.open_checkpoint(bytes(note)).checkpoint.size == size
    (one,) = recorded(both, produce(miner, "1.00"))
    believing(NEXT).open_checkpoint(one.checkpoint)
    alone = Ledger(opened(url), guard, NEXT)
    assert alone.refusal is None
    assert isinstance(alone.append_one(sent(produce(miner, "1.00"))), Recorded)
    assert fsck.check(ledger.store, guard).verdict == "good"


def test_what_is_under_way_when_a_log_ends_is_refused(ledger, url, again, office):
    """Of one group what comes before the end is in, what comes after is not; other processes find out by themselves."""
    (miner,) = traders(ledger, office, "miner")
    other = again(url)
    size = head_of(ledger.store).size
    end = office.operator.sign("log_key", {"freeze_at": size + 2})
    answers = append(ledger, produce(miner, "1.00"), end, produce(miner, "2.00"), produce(miner, "3.00"))
    assert [type(answer) for answer in answers] == [Recorded, Recorded, Refused, Refused]
    assert answers[-1].name == "log_frozen"
    assert ledger.ended is not None
    late = other.append_one(sent(produce(miner, "4.00")))
    assert (late.name, other.refusal) == ("log_frozen", None)
    assert head_of(ledger.store).size == size + 2
    checkpoint = believing(LOG_SIGNER).open_checkpoint(answers[1].checkpoint).checkpoint
    assert (checkpoint.size, checkpoint.extensions) == (size + 2, ("frozen",))


@pytest.mark.threat("T54")
def test_everything_carries_over_into_a_successor(
    ledger, url, opened, guard, again, office, tmp_path, fresh_url
):
    """An offer that was open is accepted there, by bytes signed before; evidence of before and of now verifies."""
    miner, trader = traders(ledger, office, "miner", "trader")
    made = produce(miner, "38.40")
    pairs = [(made.id, made.lots[0])]
    offered, taken = handoff(miner, trader, pairs)
    seen = believing(LOG_SIGNER).open_checkpoint(recorded(ledger, made, offered)[-1].checkpoint).checkpoint
    before = Reader(ledger.store).evidence([made.lots[0]])
    head = frozen(ledger, office)
    store = opened(url)
    new = succeed(
        store, FileGuard(tmp_path / "second", SECOND.verifier.encode()), SECOND, sent(successor(office, head))
    )
    assert new.refusal is None
    assert isinstance(new.append_one(sent(taken)), Recorded)
    body = {
        "region": "RW-04",
        "source": "device",
        "recipient": miner.party,
        "moves": "both",
        "purpose": "sale",
    }
    phone = trader.sign(
        "transfer",
        {**body, "accept_by": "2026-03-28"},
        [(taken.id, made.lots[0])],
        seen={"size": seen.size, "root": seen.root.hex()},
    )
    assert isinstance(new.append_one(sent(phone)), Recorded), "what was seen of the old log is there"
    after = Reader(store).evidence([made.lots[0]])
    for file, policy in (
        (before, believing(LOG_SIGNER)),
        (after, believing(SECOND)),
        (before, believing(LOG_SIGNER, SECOND)),
    ):
        assert verify(file, policy).verdict in (HOLDS, COMPLETE)
    assert verify(after, believing(LOG_SIGNER)).exit_code == 1
    assert verify(after, believing(SECOND)).origin == f"{LOG}/2"
    assert fsck.check(store, None).verdict == "good"
    copy = opened(fresh_url())
    assert load(dump(store), copy).root == head_of(store).root
    assert "named: set LOG_KEY" in again(url).refusal
    assert ledger.append_one(sent(produce(miner, "1.00"))).name != "log_frozen"
    assert "set LOG_KEY" in ledger.refusal


@pytest.mark.threat("T50", "T54")
def test_a_successor_of_what_is_not_there_is_not_opened(ledger, url, opened, office, tmp_path):
    """Another root, or sent to a ledger like any event: refused, and nothing has changed."""
    head = frozen(ledger, office)
    lying = successor(office, head._replace(root=bytes(32)))
    with pytest.raises(Unusable, match="not the log of 2 entries that the genesis continues"):
        succeed(opened(url), FileGuard(tmp_path / "a", SECOND.verifier.encode()), SECOND, sent(lying))
    honest = successor(office, head)
    answer = ledger.append_one(sent(honest))
    assert answer.name == "genesis_first"
    assert head_of(ledger.store) == head
    guard = FileGuard(tmp_path / "b", SECOND.verifier.encode())
    assert succeed(opened(url), guard, SECOND, sent(honest)).refusal is None
    again = succeed(opened(url), guard, SECOND, sent(honest))
    assert again.refusal is None, "cut short, it can be done again"
    assert head_of(ledger.store).size == head.size + 1
