"""The log's own life: further keys, its end, and the successor that carries it on."""

from typing import Any

import pytest

import papers
from memory import Actor
from rules import Rules, three
from traceability.core.note import Signer
from traceability.core.outcome import Appended, Rejected
from traceability.core.registry_records import LedgerFacts

NEXT = Signer("ledger.example.org/car", bytes(range(32)))


def facts(trade: Rules) -> LedgerFacts:
    found = trade.state.records["ledger", ""]
    assert isinstance(found, LedgerFacts)
    return found


def added(signer: Signer = NEXT) -> dict[str, Any]:
    return papers.log_key(add=signer.verifier.encode())


@pytest.fixture
def trade() -> Rules:
    return Rules()


@pytest.fixture
def governed() -> tuple[Rules, list[Actor]]:
    """A ledger of three authorities besides its operator, two of which must agree; and two of them."""
    trade, *others = three()
    return trade, list(others)


def approval(event: str) -> dict[str, Any]:
    return {"kind": "approval", "body": {"event": event, "decision": "approved"}}


def test_a_further_key_counts_at_once_where_there_is_a_single_authority(trade: Rules) -> None:
    """It joins the keys that may sign, and the old one stays among them."""
    old = facts(trade).log_keys
    trade.appends(trade.operator, added())
    assert facts(trade).log_keys == (*old, NEXT.verifier.encode()) == facts(trade).signing
    assert facts(trade).origin == NEXT.verifier.name


def test_a_further_key_counts_once_the_quorum_has_approved(governed: tuple[Rules, list[Actor]]) -> None:
    """Neither the operator's own word nor one approval too few gives the log another key, or an end."""
    trade, others = governed
    key = trade.appends(trade.operator, added())
    end = trade.appends(trade.operator, papers.log_key(freeze_at=1))
    trade.refuses("own_act", trade.operator, approval(key))
    for voice in (others[0],):
        trade.appends(voice, approval(key))
        trade.appends(voice, approval(end))
    assert len(facts(trade).signing) == 1
    assert facts(trade).frozen_at is None
    trade.appends(others[1], approval(key))
    assert len(facts(trade).signing) == 2
    size = len(trade.entries)
    trade.appends(others[1], approval(end))
    assert facts(trade).frozen_at == size + 1, "the approval that ends the log is its last entry"
    trade.refuses("log_frozen", others[0], approval(end))


@pytest.mark.parametrize(
    "vkey",
    ["ledger.example.org/car", Signer("elsewhere.example", bytes(32)).verifier.encode()],
    ids=["no vkey", "another name"],
)
def test_a_further_key_is_one_of_this_log(trade: Rules, vkey: str) -> None:
    """It is a key C2SP tools can read, called as the log is."""
    trade.refuses("bad_log_key", trade.operator, papers.log_key(add=vkey))


def test_a_key_has_one_use(trade: Rules) -> None:
    """A key that signs checkpoints already, or that is a party's, becomes no further key of the log."""
    trade.refuses("key_known", trade.operator, papers.log_key(add=facts(trade).log_keys[0]))
    raw = trade.registrar.key.public.spki[-32:]
    party_key = Signer(facts(trade).origin, bytes(32)).verifier.vkey._replace(public_key=raw).encode()
    trade.refuses("key_known", trade.operator, papers.log_key(add=party_key))
    trade.appends(trade.operator, added())
    trade.refuses("key_known", trade.operator, added())


@pytest.mark.threat("T54")
def test_nothing_comes_after_the_end_of_a_log(trade: Rules) -> None:
    """At the size it names the log is over, for its operator too; a later end does not undo an earlier one."""
    size = len(trade.entries)
    trade.appends(trade.operator, papers.log_key(freeze_at=size + 3))
    trade.appends(trade.operator, papers.log_key(freeze_at=size + 90))
    trade.appends(trade.operator, papers.snapshot(1, "0" * 64))
    assert facts(trade).frozen_at == size + 3 == len(trade.entries)
    for actor in (trade.operator, trade.registrar):
        trade.refuses("log_frozen", actor, papers.reference())
    trade.refuses("log_frozen", trade.operator, papers.log_key(freeze_at=size + 100))


def ended(trade: Rules) -> int:
    trade.appends(trade.operator, papers.log_key(freeze_at=len(trade.entries) + 1))
    return len(trade.entries)


def test_a_successor_carries_everything_on(trade: Rules) -> None:
    """Behind the last entry a genesis opens a log of another name; parties, keys and numbers are those of before."""
    before, size = facts(trade), ended(trade)
    lost = {"origin": before.origin, "size": size, "root": papers.DIGEST, "lost": 7}
    trade.appends(trade.operator, papers.successor(size, before.origin, continues=lost))
    after = facts(trade)
    assert after.origin == f"{before.origin}/2"
    assert after.log == before.log
    assert after.signing == after.log_keys[1:] != before.signing
    assert [(each.size, each.lost) for each in after.continues] == [(size, 7)]
    trade.appends(trade.registrar, papers.reference())
    again = ended(trade)
    trade.refuses("log_frozen", trade.registrar, papers.reference())
    trade.appends(trade.operator, papers.successor(again, after.origin))
    assert len(facts(trade).continues) == 2


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (
            "genesis_first",
            {"continues": {"origin": "ledger.example.org/car", "size": 1, "root": papers.DIGEST}},
        ),
        ("genesis_first", {"continues": {"origin": "elsewhere.example", "size": 0, "root": papers.DIGEST}}),
        ("not_carried_over", {"quorum": 1}),
        ("not_carried_over", {"countries": ["RW"]}),
        ("not_carried_over", {"demo": True}),
        ("bad_log_key", {"log_keys": [NEXT.verifier.encode()]}),
        (
            "bad_log_key",
            {"log_keys": [Signer(name, bytes(32)).verifier.encode() for name in ("a.example", "b.example")]},
        ),
    ],
)
def test_a_successor_changes_nothing_but_the_log(trade: Rules, name: str, change: dict[str, Any]) -> None:
    """It stands right behind what it continues, under a name of its own, and brings no other rule along."""
    size = ended(trade)
    if "continues" in change:
        change = {"continues": {**change["continues"], "size": change["continues"]["size"] or size}}
    trade.refuses(name, trade.operator, papers.successor(size, facts(trade).origin, **change))


def test_a_successor_is_opened_by_the_operator(trade: Rules) -> None:
    """An authority cannot, nor can the operator by a number he has used."""
    size = ended(trade)
    trade.refuses("role_missing", trade.registrar, papers.successor(size, facts(trade).origin))
    twice = {**papers.successor(size, facts(trade).origin), "sequence": 0}
    outcome = trade.judge(trade.operator, twice)
    assert isinstance(outcome, Rejected)
    assert outcome.name == "number_used"
    assert isinstance(trade.judge(trade.operator, papers.successor(size, facts(trade).origin)), Appended)
