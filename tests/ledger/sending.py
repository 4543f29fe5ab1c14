"""Sending signed events to a ledger, and checking the proof that comes back."""

from typing import Any

from traceability.core import leaf, merkle
from traceability.core.checkpoint import open_checkpoint
from traceability.ledger.answers import Answer, Recorded, Submission
from traceability.ledger.writer import Ledger
from trade import LOG, LOG_SIGNER, Pen, Signed, accept, offer, produce


def sent(signed: Signed, **more: Any) -> Submission:
    """What is sent for a signed event."""
    return Submission(signed.envelope, disclosures=signed.disclosures, **more)


def append(ledger: Ledger, *signed: Signed) -> list[Answer]:
    """Sends these as one group."""
    return ledger.append([sent(one) for one in signed])


def recorded(ledger: Ledger, *signed: Signed) -> list[Recorded]:
    """Sends these as one group; all of them are taken, and what comes back proves it."""
    answers = append(ledger, *signed)
    for one, answer in zip(signed, answers, strict=True):
        assert isinstance(answer, Recorded), answer
        check_proof(answer, one)
    return answers


def check_proof(answer: Recorded, signed: Signed) -> None:
    """What a phone checks: this event, in this place, under this signed checkpoint."""
    opened = open_checkpoint(answer.checkpoint, LOG, [LOG_SIGNER.verifier]).checkpoint
    hashed = leaf.leaf_hash(answer.blind, answer.entry)
    merkle.verify_inclusion(hashed, answer.index, opened.size, answer.proof, opened.root)
    assert answer.event_id == signed.id
    assert signed.envelope.to_json().split(b'"signatures"')[0] in answer.entry


def traders(ledger: Ledger, office: Any, *names: str) -> list[Pen]:
    """Enrolled parties with these names."""
    pens = [Pen(name) for name in names]
    recorded(ledger, *(office.enrol(pen, "miner", "trader") for pen in pens))
    return pens


def handoff(giver: Pen, recipient: Pen, lots: list[tuple[str, str]]) -> list[Signed]:
    """A transfer of (event, lot) pairs, and its acceptance."""
    offered = offer(giver, recipient.party, lots)
    return [offered, accept(recipient, [(offered.id, lot) for _, lot in lots])]


def some_trade(giver: Pen, recipient: Pen, rounds: int = 1) -> list[Signed]:
    """Production and handoff of two lots, so many times: three events a round."""
    signed = []
    for _ in range(rounds):
        made = produce(giver, "38.40", "20.05")
        signed += [made, *handoff(giver, recipient, [(made.id, lot) for lot in made.lots])]
    return signed
