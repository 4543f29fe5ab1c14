"""Reading ahead in another process: the same answers as without it, whatever becomes of that process."""

import os
import signal

import pytest
from sending import check_proof, sent, some_trade

from patience import until
from traceability.core.note import Signer
from traceability.core.signing import Envelope
from traceability.ledger import ahead, fsck
from traceability.ledger.ahead import cores
from traceability.ledger.answers import Recorded, Refused, Submission
from traceability.ledger.handover import pack, unpack
from traceability.ledger.intake import Read, read_ahead, read_all
from traceability.ledger.writer import AHEAD_FROM
from traceability.simulation.season import EVENTS_MIN, season
from trade import Pen

two_cores = pytest.mark.skipif(cores() < 2, reason="nothing is read ahead on one core")


@pytest.fixture(scope="module")
def submissions() -> list[Submission]:
    """A small season, with every kind of event that a season has."""
    vkey = Signer("ledger.example.org/season", bytes(32)).verifier.encode()
    made = season(
        events=EVENTS_MIN, seed=1, log="ledger.example.org/season", log_vkey=vkey, end=1_790_000_000
    )
    return [Submission(s.envelope, None, s.disclosures, s.record_time) for s in made]


def test_what_is_handed_over_is_what_was_read(submissions):
    """Events of all kinds, their ids, what they touch and what was opened come through the pipe as they were."""
    here = read_all(submissions, {})
    there = unpack(read_ahead(pack(([], submissions))))
    assert len({read.event.kind for read in here}) >= 25
    for one, found, submission in zip(here, there, submissions, strict=True):
        read = Read(submission.envelope, submission.record_time, *found)
        assert read == one
        assert read.event.model_dump(by_alias=True) == one.event.model_dump(by_alias=True)
        assert (read.event.moved, read.event.made, read.event.committed) == (
            one.event.moved,
            one.event.made,
            one.event.committed,
        )


def test_what_is_refused_is_refused_in_the_same_words(submissions):
    """Another signature, other bytes, another opening: the process that reads ahead says what this one says."""
    genesis = submissions[0]
    envelope = genesis.envelope
    other = Envelope(envelope.payload_type, envelope.payload, envelope.key, bytes(63) + b"\x01")
    bent = Envelope(envelope.payload_type, b" " + envelope.payload, envelope.key, envelope.signature)
    opened = next(one for one in submissions if one.disclosures)
    (salt, path, _), *_ = opened.disclosures
    spoiled = [
        Submission(other),
        Submission(bent),
        opened._replace(disclosures=[(salt, path, "another")]),
        opened._replace(disclosures=[(salt[:-1], path, "another")]),
    ]
    here = read_all(spoiled, {})
    assert [read.name for read in here if isinstance(read, Refused)] == [
        "bad_signature",
        "malformed",
        "bad_disclosure",
        "bad_disclosure",
    ]
    assert unpack(read_ahead(pack(([], spoiled)))) == here


def _appended(ledger, office, meet=lambda _: None):
    """Appends a group of trade after the other, told of the process that reads ahead before each; how many were
    asked of it."""
    miner, trader = Pen("miner"), Pen("trader")
    groups = [[office.enrol(miner, "miner"), office.enrol(trader, "trader")]]
    groups += [some_trade(miner, trader, 2) for _ in range(AHEAD_FROM + 6)]
    asked = 0

    def given():
        nonlocal asked
        for number, group in enumerate(groups):
            if number > AHEAD_FROM and ledger._intake._ahead is not None:
                process = ledger._intake._ahead
                until(lambda process=process: process.ready)
                meet(process)
                asked += 1
            yield [sent(one) for one in group]

    for group, answers in zip(groups, ledger.append_groups(given()), strict=True):
        for signed, answer in zip(group, answers, strict=True):
            assert isinstance(answer, Recorded), answer
            check_proof(answer, signed)
    report = fsck.check(ledger.store)
    assert report.verdict == "good", report
    return asked


@two_cores
def test_groups_are_read_ahead(ledger, office):
    """From some groups in a row on another process reads each next one; all are recorded and proved."""
    assert _appended(ledger, office) == 6
    process = ledger._intake._ahead._process
    assert process.is_alive()
    ledger.close()
    assert not process.is_alive()


@two_cores
def test_a_process_that_dies_takes_no_event_along(ledger, office):
    """Killed, it is noticed, and what it was to read is read here, by one process from then on."""
    assert _appended(ledger, office, lambda process: os.kill(process._process.pid, signal.SIGKILL)) in (1, 2)
    assert ledger._intake._ahead is None


@two_cores
def test_a_process_that_hangs_takes_no_event_along(ledger, office, monkeypatch):
    """Stopped, it is waited for so long and no longer, ended, and its work is done here."""
    monkeypatch.setattr(ahead, "PATIENCE_SECONDS", 0.2)
    pids = []

    def stop(process):
        pids.append(process._process.pid)
        os.kill(pids[-1], signal.SIGSTOP)

    assert _appended(ledger, office, stop) in (1, 2)
    assert ledger._intake._ahead is None
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
