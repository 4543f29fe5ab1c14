"""What is compiled for browsers accepts, refuses and finds what Python does: events, and evidence with each bit flipped.

Besides, every test that verifies evidence does it twice (`both`).
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

import examples
from both import agree
from fuzz.spoil import mutated, odd_json, resaid
from javascript import JavaScript
from memory import MemoryLedger
from showing import evidence_of
from test_events import KINDS, VECTORS
from traceability.browser.bundle import HERE, ROOTS
from traceability.core import events, evidence
from traceability.core.errors import Malformed, TraceabilityError
from traceability.core.signing import PublicKey
from traceability.core.verify import verify

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
@pytest.mark.parametrize("bit", range(8))
def test_whatever_bit_is_flipped(bit: int) -> None:
    """The report is the same here and there, in whichever byte that bit is flipped."""
    ledger, data = small()
    policy = ledger.policy()
    verdicts: set[Any] = set()
    for at in range(len(data)):
        spoiled = bytearray(data)
        spoiled[at] ^= 1 << bit
        report = verify(bytes(spoiled), policy)
        agree(report, bytes(spoiled), policy)
        verdicts.add((report.verdict, report.steps[-1].number))
    assert bit == 7 or len(verdicts) > 3, verdicts  # with the highest bit it is no text any more


def test_files_nearly_right() -> None:
    """A file said again with something else in it, or with some bytes changed."""
    ledger, data = small()
    policy, random = ledger.policy(), Random("parity of files")
    for _ in range(300):
        for spoiled in (resaid(random, data), mutated(random, data)):
            agree(verify(spoiled, policy), spoiled, policy)


SIGNATURES = """
export async function answer({ spki, signature, message }) {
  const bytesOf = (hex) => $.bytes.$fromhex(hex);
  try {
    await answered(() => spoken(() => core.signing__PublicKey(bytesOf(spki)).$verify(bytesOf(signature), bytesOf(message))));
    return null;
  } catch ({ name, message: why }) {
    return `${name}: ${why}`;
  }
}
"""


def cases() -> Iterator[dict[str, str]]:
    """Published signatures under published keys; the keys that are refused, and bytes that are none."""
    for name in ("ecdsa_secp256r1_sha256_p1363_test", "ed25519_test"):
        for group in json.loads((VECTORS / "wycheproof" / f"{name}.json").read_text())["testGroups"]:
            for case in group["tests"]:
                yield {"spki": group["publicKeyDer"], "signature": case["sig"], "message": case["msg"]}
    p256, ed25519 = "3059301306072a8648ce3d020106082a8648ce3d03010703420004", "302a300506032b6570032100"
    prime = 2**255 - 19
    for y in (0, 1, 2, prime - 1, prime, prime + 1, 2**255 - 1, 2**255 + 1, 2**255, 3, 4, 5, 6):
        yield {"spki": ed25519 + y.to_bytes(32, "little").hex(), "signature": "01" * 64, "message": ""}
    # Made with the private key so that its R is the neutral point: some libraries take it, others do not.
    yield {
        "spki": "302a300506032b6570032100ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
        "signature": "0100000000000000000000000000000000000000000000000000000000000000"
        "a4891e33a334d8072916a4f6dbb444aa60171ecdef197f11f1f27f946953d30f",
        "message": "78",
    }
    for point in ("00" * 64, "ff" * 64, "01" * 64, "00" * 63, ""):
        yield {"spki": p256 + point, "signature": "01" * 64, "message": ""}


def test_signatures_and_keys() -> None:
    """WebCrypto and the checks around it judge each as `core.signing` does, and say why in the same words."""
    driver = (HERE / "driver.js").read_text("utf-8") + SIGNATURES
    there = JavaScript([*ROOTS, ("traceability.core.signing", "PublicKey")], driver)
    told = set()
    for case in cases():
        spki, signature, message = (bytes.fromhex(case[name]) for name in ("spki", "signature", "message"))
        try:
            PublicKey(spki).verify(signature, message)
            here = None
        except TraceabilityError as error:
            here = f"{type(error).__name__}: {error}"
        assert there.ask(case) == here, case
        told.add(here and here[:40])
    assert len(told) > 6
