"""The proof of one entry as C2SP tlog-proof: one form, checked here and by a client that is not ours."""

import metamorphic_log
import pytest

from memory import MemoryLedger
from traceability.core import leaf, log_proof, merkle
from traceability.core.errors import TraceabilityError


@pytest.fixture(scope="module")
def made():
    """A ledger of a few entries and the proof of one of them."""
    ledger = MemoryLedger()
    miner, trader = ledger.enrol("miner", ["miner"]), ledger.enrol("trader", ["trader"])
    (bag,) = ledger.produce(miner, "38.40")
    ledger.hand_over(miner, trader, [bag])
    kept = ledger.entries[-2]
    size = len(ledger.entries)
    path = tuple(merkle.inclusion_proof(kept.index, size, ledger.read_nodes))
    return ledger, kept, log_proof.make(kept.index, kept.blind, kept.entry, path, ledger.checkpoint())


def test_it_proves_its_entry(made):
    """Read and checked it gives the entry, its index and the log; what is written is read again."""
    ledger, kept, data = made
    proof, entry, vouched = log_proof.check_entry(data, ledger.policy())
    assert (proof.entry, entry, vouched.checkpoint.size) == (kept.index, kept.entry, len(ledger.entries))
    assert data.splitlines()[0] == b"c2sp.org/tlog-proof@v1"
    assert log_proof.make(proof.entry, kept.blind, entry, proof.path, proof.checkpoint) == data


def test_another_peoples_client_agrees(made):
    """metamorphic-log verifies checkpoint, path and leaf as they stand in the file, and refuses another leaf."""
    ledger, _, data = made
    proof = log_proof.read(data)
    vkey = ledger.log_signer.verifier.encode()
    hash_of = leaf.leaf_hash(*log_proof.opened(proof))
    note, path = proof.checkpoint.decode(), [*proof.path]
    metamorphic_log.checkpoint_verify_inclusion(note, [vkey], proof.entry, hash_of, path)
    with pytest.raises(metamorphic_log.VerifyError):
        metamorphic_log.checkpoint_verify_inclusion(note, [vkey], proof.entry, hash_of[::-1], path)


@pytest.mark.threat("T46")
def test_no_changed_byte_of_a_proof_passes(made):
    """Any byte changed, a line left out, doubled or in another place: refused, or the same proof."""
    ledger, _, data = made
    lines = data.split(b"\n")
    changed = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(len(data))]
    changed += [b"\n".join(lines[:at] + lines[at + 1 :]) for at in range(len(lines) - 1)]
    changed += [
        data.replace(b"index ", b"index 0"),
        data.replace(b"\n", b"\r\n"),
        data + b"\n",
        b"\n" + data,
        b"",
    ]
    for other in changed:
        with pytest.raises(TraceabilityError):
            log_proof.check_entry(other, ledger.policy())


def test_an_entry_too_long_for_a_line_is_left_out(made):
    """Other readers refuse a line over 64 KiB; the file says so when it is opened, and proves the leaf all the same."""
    ledger, kept, _ = made
    size = len(ledger.entries)
    path = tuple(merkle.inclusion_proof(kept.index, size, ledger.read_nodes))
    data = log_proof.make(kept.index, kept.blind, kept.entry + b" " * 60_000, path, ledger.checkpoint())
    assert max(map(len, data.split(b"\n"))) < log_proof.LINE_MAX
    with pytest.raises(TraceabilityError, match="not in this proof"):
        log_proof.check_entry(data, ledger.policy())
    log_proof.check(log_proof.read(data), leaf.leaf_data(kept.blind, kept.entry), ledger.policy())
