"""Snapshots of the book and attestations: what the fold remembers of them, and what it refuses."""

import pytest

import papers
from rules import Rules
from traceability.core.registry_records import Snapshots
from traceability.core.statements import ATTESTED_MAX, SNAPSHOTS_KEPT

ROOT = "0" * 64


@pytest.fixture
def ledger() -> Rules:
    return Rules()


def newest(ledger: Rules) -> Snapshots:
    found = ledger.state.records["snapshots", ""]
    assert isinstance(found, Snapshots)
    return found


def test_a_size_the_log_has_not_reached_is_refused(ledger):
    """Neither the operator nor an auditor speaks of entries that are yet to come."""
    auditor = ledger.enrol("auditor", ["auditor"])
    size = len(ledger.entries)
    for signer, said in (
        (ledger.operator, papers.snapshot(size + 1, ROOT)),
        (auditor, papers.attestation(size + 1, ROOT, ROOT)),
    ):
        ledger.refuses("size_not_reached", signer, said)
    ledger.append(ledger.operator, papers.snapshot(size, ROOT))


def test_the_newest_snapshots_are_remembered(ledger):
    """Hourly snapshots do not grow the record without end, and one that comes late takes its place by size."""
    for count in range(SNAPSHOTS_KEPT + 3):
        ledger.append(ledger.operator, papers.snapshot(len(ledger.entries), f"{count:064x}"))
    sizes = [each.size for each in newest(ledger).newest]
    assert len(sizes) == SNAPSHOTS_KEPT
    assert sizes == sorted(sizes)
    ledger.append(ledger.operator, papers.snapshot(1, ROOT))
    assert [each.size for each in newest(ledger).newest] == sizes


def test_who_got_the_same_attests_a_snapshot(ledger):
    """Another root of the book, or another size, attests nothing; one snapshot has only so many who did."""
    auditor = ledger.enrol("auditor", ["auditor"])
    size = len(ledger.entries)
    ledger.append(ledger.operator, papers.snapshot(size, ROOT))
    ledger.append(auditor, papers.attestation(size, ROOT, "1" * 64))
    ledger.append(auditor, papers.attestation(size - 1, ROOT, ROOT))
    assert newest(ledger).newest[0].attested == ()
    said = ledger.append(auditor, papers.attestation(size, "2" * 64, ROOT))
    (attested,) = newest(ledger).newest[0].attested
    assert (attested.event, attested.party, attested.root) == (said, auditor.party, "2" * 64)
    for _ in range(ATTESTED_MAX):
        ledger.append(auditor, papers.attestation(size, ROOT, ROOT))
    assert len(newest(ledger).newest[0].attested) == ATTESTED_MAX
