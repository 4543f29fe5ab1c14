"""A process that is stopped in the middle of an append and goes on much later; clocks that jump; ledgers that are copied."""

import os
import shutil
import signal
import time

import psycopg
import pytest
from children import Journal, fork, open_ledger, wait
from sending import append, recorded, some_trade, traders
from sqlalchemy import make_url

import oracle
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded
from traceability.ledger.guard import FileGuard
from traceability.ledger.writer import Ledger
from trade import LOG_SIGNER, bag, produce

SECONDS = float(os.environ.get("PAUSE_SECONDS", "0.7"))
"""How long the process sleeps; a minute shows what a machine that was suspended does."""


@pytest.mark.threat("T48")
@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("point", ["written", "committed", "guarded", "signed"])
def test_a_process_that_slept(url, ledger, office, guard, tmp_path, again, point, processes):
    """Stopped at a step of its append while others go on, then woken: all is there once, in one history."""
    pens = traders(ledger, office, *(f"trader {n}" for n in range(processes)))
    path = tmp_path / "state" / "guard"
    journals = [Journal(tmp_path / f"journal{n}") for n in range(processes)]
    trade = [[some_trade(pen, pens[n - 1]) for _ in range(6)] for n, pen in enumerate(pens)]

    def work(number):
        seen = []

        def reached(name):
            seen.append(name)
            if number == 0 and name == point and seen.count(name) == 2:
                os.kill(os.getpid(), signal.SIGSTOP)

        own = open_ledger(url, path, reached=reached)
        for group in trade[number]:
            answers = append(own, *group)
            while not all(isinstance(answer, Recorded) for answer in answers):
                time.sleep(0.01)
                answers = append(own, *group)
            for answer in answers:
                journals[number].note(answer.event_id, answer.index, answer.stands)

    first = fork(lambda: work(0))
    _, status = os.waitpid(first, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    others = [fork(lambda number=number: work(number)) for number in range(1, processes)]
    time.sleep(SECONDS)
    with ledger.store.read() as view:
        assert view.entry(0) is not None
    os.kill(first, signal.SIGCONT)
    assert [wait(child) for child in (first, *others)] == [0] * processes
    told = {event: index for journal in journals for event, (index, _) in journal.read().items()}
    sent = [one for groups in trade for group in groups for one in group]
    assert {one.id for one in sent} == set(told)
    for answer in recorded(again(url), *sent):
        assert answer.known
        assert answer.index == told[answer.event_id]
    assert fsck.check(ledger.store, guard).verdict == "good"


@pytest.fixture
def step(ledger, monkeypatch):
    """Sets the clock that stamps entries, by so many seconds from what it is: the machine's, or the database's."""
    offset = [0.0]
    real = time.time
    if ledger.store.database.name == "sqlite":
        monkeypatch.setattr(time, "time", lambda: real() + offset[0])
        return lambda seconds: offset.__setitem__(0, seconds)
    # Found before PostgreSQL's own, from the next connection on.
    url = ledger.store.url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE step (seconds double precision)")
        connection.execute("INSERT INTO step VALUES (0)")
        connection.execute(
            "CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
            "'SELECT pg_catalog.clock_timestamp() + seconds * interval ''1 second'' FROM public.step'"
        )
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET search_path TO public, pg_catalog')
    ledger.store.database.engine.dispose()

    def set_(seconds):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE public.step SET seconds = %s", (seconds,))

    return set_


HOUR, YEARS = 3600, 10 * 365 * 86_400


def test_a_clock_that_jumps(url, ledger, office, guard, step, again):
    """Back, or far ahead: nothing is recorded, it is said why, and set right it goes on. Times never fall."""
    (miner,) = traders(ledger, office, "miner")
    running = again(url)
    recorded(running, produce(miner, "1.00"))
    for seconds, words in ((-HOUR, "behind"), (-YEARS, "behind"), (YEARS, "leapt"), (26 * HOUR, "leapt")):
        step(seconds)
        made = produce(miner, "1.00")
        (answer,) = append(running, made)
        assert answer.name == "not_signing"
        assert words in answer.message
        assert running.refusal is not None
        step(0)
        recorded(running, made)
        assert running.refusal is None
    assert fsck.check(ledger.store, guard).verdict == "good"


def test_a_clock_that_trembles(url, ledger, office, guard, step, again):
    """Frozen, stepping to and fro each time, a second twice as leap seconds are: what is recorded is in order."""
    (miner,) = traders(ledger, office, "miner")
    running = again(url)
    for seconds in (0, 1, 0, 2, 1, 2, 2, 3, 1, 3, 3, 3, 2):
        step(seconds)
        (answer,) = append(running, produce(miner, "1.00"))
        assert isinstance(answer, Recorded) or "behind" in answer.message
    step(4)
    recorded(running, produce(miner, "1.00"))
    with ledger.store.read() as view:
        times = [time for (time,) in view.all("SELECT record_time FROM entry ORDER BY idx")]
    assert times == sorted(times)
    assert fsck.check(ledger.store, guard).verdict == "good"


def test_a_clock_an_hour_ahead_and_back(url, ledger, office, guard, step, again):
    """An hour ahead is believed, because clocks are set; set back, nothing is recorded before that hour has passed."""
    (miner,) = traders(ledger, office, "miner")
    running = again(url)
    step(HOUR)
    recorded(running, produce(miner, "1.00"))
    step(0)
    (answer,) = append(running, produce(miner, "1.00"))
    assert "behind the newest entry" in answer.message
    step(HOUR + 2)
    recorded(running, produce(miner, "1.00"))
    assert fsck.check(ledger.store, guard).verdict == "good"


def test_a_clock_that_was_wrong_from_the_start(url, ledger, office, guard, step, again):
    """A process that starts ten years ahead has nothing to compare with: it stamps so, and the right time waits."""
    (miner,) = traders(ledger, office, "miner")
    step(YEARS)
    recorded(again(url), produce(miner, "1.00"))
    step(0)
    (answer,) = append(again(url), produce(miner, "1.00"))
    assert "behind the newest entry" in answer.message
    assert fsck.check(ledger.store, guard).verdict == "good"


def clone(ledger, fresh_url):
    """The database of a ledger once more, as a machine is cloned; the ledger is closed for it."""
    ledger.store.close()
    url = ledger.store.url
    other = fresh_url()
    if ledger.store.database.name == "sqlite":
        shutil.copy(url.removeprefix("sqlite:///"), other.removeprefix("sqlite:///"))
        return url, other
    names = [make_url(one).database for one in (url, other)]
    with psycopg.connect(url.replace(f"/{names[0]}?", "/postgres?"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {names[1]}")
        connection.execute(f"CREATE DATABASE {names[1]} TEMPLATE {names[0]}")
    return url, other


@pytest.mark.threat("T49")
def test_a_cloned_ledger_and_both_started(ledger, office, guard, fresh_url, again):
    """Two databases with one key and one guard: the first to sign goes on, the other signs nothing any more."""
    miner, trader = traders(ledger, office, "miner", "trader")
    urls = clone(ledger, fresh_url)
    one, other = (again(url) for url in urls)
    assert (one.refusal, other.refusal) == (None, None)
    made = recorded(one, produce(miner, "1.00"))
    (answer,) = append(other, produce(trader, "2.00"))
    assert answer.name == "not_signing"
    assert other.refusal is not None
    recorded(one, produce(miner, "1.00"))
    assert fsck.check(one.store, guard).verdict == "good"
    assert fsck.check(other.store, guard).verdict in ("rolled_back", "damaged")
    with other.store.read() as view:
        assert view.checkpoint()[0] == made[0].index
    oracle.check(one.store, LOG_SIGNER.verifier)


@pytest.mark.threat("T39")
def test_an_old_backup_with_a_fresh_guard_is_a_fork_that_shows(
    url, ledger, office, guard, fresh_url, opened, tmp_path
):
    """Who puts guard and database back to yesterday can sign; the first phone that has seen today proves it."""
    miner, trader = traders(ledger, office, "miner", "trader")
    shutil.copy(tmp_path / "state" / "guard", tmp_path / "yesterday")
    urls = clone(ledger, fresh_url)
    today = Ledger(opened(urls[0]), guard, LOG_SIGNER)
    with today.store.read() as view:
        size = view.head().size
    recorded(today, produce(miner, "1.00"))
    with today.store.read() as view:
        seen = {"size": view.head().size, "root": view.head().root.hex()}
    today.close()
    yesterday = Ledger(
        opened(urls[1]), FileGuard(tmp_path / "yesterday", LOG_SIGNER.verifier.encode()), LOG_SIGNER
    )
    assert yesterday.refusal is None
    assert _said(yesterday, trader, seen) == "ahead"
    recorded(yesterday, produce(trader, "2.00"))
    assert size + 1 == seen["size"]
    assert _said(yesterday, trader, seen) == "fork"
    yesterday.close()


def _said(ledger, pen, seen):
    """The answer to an event of somebody who has seen that head."""
    body = {"region": "RW-04", "source": "device", "lots": [bag("1.00")]}
    (answer,) = append(ledger, pen.sign("production", body, seen=seen))
    return answer.name
