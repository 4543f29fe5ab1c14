"""What is compiled for browsers accepts, refuses and finds what Python does: events, and evidence with each bit flipped.

Besides, every test that verifies evidence does it twice (`both`).
"""

import os
from base64 import b64encode
from random import Random
from typing import Any

import pytest

import examples
from both import agree
from fuzz.spoil import mutated, odd_json, resaid
from javascript import JavaScript
from memory import MemoryLedger
from showing import evidence_of
from test_events import KINDS
from traceability.core import events, evidence
from traceability.core.errors import Malformed
from traceability.core.verify import verify

EVERY = int(os.environ.get("EVERY", "101"))
"""One bit in so many is flipped; EVERY=1 flips all, as `make parity` does."""
READER = """
import * as $ from "./runtime.js";
import * as core from "./core.js";
export function answer(payload) {
  try {
    core.events__parse(new Uint8Array(Buffer.from(payload, "base64")));
    return null;
  } catch (error) {
    if (!(error instanceof $.BaseException)) throw error;
    return $.str(error);
  }
}
"""


@pytest.fixture(scope="module")
def reader() -> JavaScript:
    return JavaScript([("traceability.core.events", "parse")], READER)


def why_not(payload: bytes) -> str | None:
    """Why it is no event, as Python says; None for an event."""
    try:
        events.parse(payload)
    except Malformed as error:
        return str(error)
    return None


def read_alike(reader: JavaScript, payload: bytes) -> bool:
    """Whether it is an event. AssertionError where JavaScript says otherwise, or why not in other words."""
    here, there = why_not(payload), reader.ask(b64encode(payload).decode())
    if "Invalid JSON" in f"{here}{there}":  # what is none, and in which words, every parser sees otherwise
        assert here, payload
        assert there, payload
    else:
        assert there == here, payload
    return here is None


@pytest.mark.parametrize("kind", events.KINDS)
def test_an_example_and_its_spoiled_twins(reader: JavaScript, kind: str) -> None:
    """Each kind is read, and each of its twins refused, in the same words."""
    assert read_alike(reader, KINDS[kind]["payload"].encode())
    for fault, payload in KINDS[kind]["spoiled"].items():
        assert not read_alike(reader, payload.encode()), fault


def test_events_nearly_right(reader: JavaScript) -> None:
    """Events said again with one thing changed, a few bytes changed, and JSON as no honest program writes it."""
    random = Random("parity")
    honest = [examples.encoded(kind) for kind in events.KINDS]
    read = 0
    for _ in range(1500):
        read += read_alike(reader, resaid(random, random.choice(honest)))
        read += read_alike(reader, mutated(random, random.choice(honest)))
        read_alike(reader, odd_json(random))
    assert read > 100


def small() -> tuple[MemoryLedger, bytes]:
    """A file with a disclosure, lines of the book and a lot: little of everything."""
    ledger = MemoryLedger()
    miner = ledger.enrol("miner", ["miner"], algorithm="ES256")
    (lot,) = ledger.produce(miner, "38.40", site=ledger.site(miner))
    return ledger, evidence.encode(evidence_of(ledger, [lot]))


@pytest.mark.threat("T46")
def test_whatever_bit_is_flipped() -> None:
    """The report on the spoiled file is the same, here and there."""
    ledger, data = small()
    policy = ledger.policy()
    verdicts: set[Any] = set()
    for bit in range(0, 8 * len(data), EVERY):
        spoiled = bytearray(data)
        spoiled[bit // 8] ^= 1 << bit % 8
        report = verify(bytes(spoiled), policy)
        agree(report, bytes(spoiled), policy)
        verdicts.add((report.verdict, report.steps[-1].number))
    assert len(verdicts) > 3, verdicts


def test_files_nearly_right() -> None:
    """A file said again with something else in it, or with some bytes changed."""
    ledger, data = small()
    policy, random = ledger.policy(), Random("parity of files")
    for _ in range(300):
        for spoiled in (resaid(random, data), mutated(random, data)):
            agree(verify(spoiled, policy), spoiled, policy)
