"""kill -9 between any two steps of an append, and at any moment: what was acknowledged is there."""

import os
import random
import signal
import sqlite3
import threading
import time

import psycopg
import pytest
from children import Journal, die, fork, open_ledger, wait
from sending import append, recorded, some_trade, traders

import oracle
from traceability.core import fold
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded
from trade import LOG_SIGNER, produce

POINTS = ("read", "locked", "judged", "written", "committed", "guarded", "signed", "published")


def send_all(ledger, groups, journal):
    for group in groups:
        for answer in append(ledger, *group):
            if isinstance(answer, Recorded):
                journal.note(answer.event_id, answer.index, answer.stands)


def check_after(ledger, guard, groups, journal, size_before):
    """Everything acknowledged is there; sent again, everything is there once; and all of it is good."""
    assert ledger.refusal is None
    assert fsck.check(ledger.store, guard).verdict == "good"
    acked = journal.read()
    sent = [one for group in groups for one in group]
    again = {answer.event_id: answer for answer in recorded(ledger, *sent)}
    for event_id, (index, stands) in acked.items():
        assert again[event_id].known
        assert (again[event_id].index, again[event_id].stands) == (index, stands)
    with ledger.store.read() as view:
        assert view.head().size == size_before + len(sent)
    assert fsck.check(ledger.store, guard).verdict == "good"


@pytest.fixture
def groups(ledger, office):
    """Three groups to send: one event, some, and enough to fill a tile."""
    miner, trader = traders(ledger, office, "miner", "trader")
    return [some_trade(miner, trader)[:1], some_trade(miner, trader, 3), some_trade(miner, trader, 85)]


@pytest.mark.parametrize("point", POINTS)
def test_killed_between_two_steps(url, ledger, groups, guard, again, tmp_path, point):
    """Killed in the last group, then killed in the recovery too; the next start finds everything."""
    with ledger.store.read() as view:
        size = view.head().size
    journal = Journal(tmp_path / "journal")
    guard_path = tmp_path / "state" / "guard"
    reached = []

    def stop_at(name):
        reached.append(name)
        if name == point and reached.count("read") == 3:
            die()

    def work():
        send_all(open_ledger(url, guard_path, reached=stop_at), groups, journal)

    assert wait(fork(work)) == -signal.SIGKILL
    assert len(journal.read()) == 10
    for recovery in ("guarded", "signed", "published"):
        wait(
            fork(lambda at=recovery: open_ledger(url, guard_path, reached=lambda name: name == at and die()))
        )
    check_after(again(url), guard, groups, journal, size)


def test_killed_at_any_moment(url, ledger, office, guard, again, tmp_path):
    """A process that appends as fast as it can is killed again and again, whenever it happens to be."""
    miner, trader = traders(ledger, office, "miner", "trader")
    with ledger.store.read() as view:
        size = view.head().size
    journal = Journal(tmp_path / "journal")
    chance = random.Random(7)
    sent = []
    for _ in range(4):
        groups = [some_trade(miner, trader, chance.randrange(1, 3)) for _ in range(15)]
        pid = fork(
            lambda groups=groups: send_all(open_ledger(url, tmp_path / "state" / "guard"), groups, journal)
        )
        time.sleep(chance.uniform(0.02, 0.2))
        os.kill(pid, signal.SIGKILL)
        wait(pid)
        sent += groups
        recorded(again(url), *(one for group in groups for one in group))
    check_after(again(url), guard, sent, journal, size)
    oracle.check(ledger.store, LOG_SIGNER.verifier)


def test_an_error_after_the_commit_is_not_guessed_at(url, ledger, office, guard, again):
    """Committed, and then an error: the group is read again, and each event is there once with its index."""
    (miner,) = traders(ledger, office, "miner")
    errors = iter([psycopg.OperationalError("gone"), None, sqlite3.OperationalError("gone"), None, None])

    def fail(name):
        if name == "committed":
            error = next(errors)
            if error is not None:
                raise error

    failing = again(url, reached=fail)
    for count in (3, 2):
        answers = recorded(failing, *(produce(miner, "1.00") for _ in range(count)))
        assert [answer.known for answer in answers] == [True] * count
    assert not recorded(failing, produce(miner, "1.00"))[0].known
    assert fsck.check(ledger.store, guard).verdict == "good"


def test_a_mistake_in_one_event_takes_no_other_along(url, ledger, office, again, monkeypatch):
    """Should the rules themselves break on one event, its neighbours are recorded all the same."""
    miner, trader = traders(ledger, office, "miner", "trader")
    good = some_trade(miner, trader)
    bad = produce(trader, "1.00")
    apply = fold.apply

    def broken(entry, state):
        if entry.event_id == bad.id:
            raise ZeroDivisionError
        return apply(entry, state)

    monkeypatch.setattr(fold, "apply", broken)
    answers = append(ledger, good[0], bad, *good[1:])
    assert [type(answer).__name__ for answer in answers] == ["Recorded", "Refused", "Recorded", "Recorded"]
    assert answers[1].name == "not_recorded"


def test_connections_that_are_cut(url, ledger, office, guard, again):
    """A server that drops its connections in the middle of anything: what was answered is there, once."""
    if ledger.store.database.name == "sqlite":
        pytest.skip("there is no connection to cut")
    miner, trader = traders(ledger, office, "miner", "trader")
    stop = threading.Event()

    def cut():
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.wait(0.05):
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    groups = [some_trade(miner, trader) for _ in range(40)]
    cut_off = again(url)
    thread = threading.Thread(target=cut)
    acked = {}
    thread.start()
    try:
        for group in groups:
            for answer in append(cut_off, *group):
                if isinstance(answer, Recorded):
                    acked[answer.event_id] = answer.index
    finally:
        stop.set()
        thread.join()
    for answer in recorded(cut_off, *(one for group in groups for one in group)):
        assert acked.get(answer.event_id, answer.index) == answer.index
    assert cut_off.refusal is None
    assert fsck.check(ledger.store, guard).verdict == "good"
