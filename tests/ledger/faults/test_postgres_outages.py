"""PostgreSQL is stopped, killed, copied and promoted under load: nothing answered is lost, nothing is there twice."""

import os

import psycopg
import pytest
from load import Load, check_told
from sending import append, sent, traders

from cluster import Cluster
from patience import until
from traceability.ledger import fsck
from traceability.ledger.guard import FileGuard
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger, create
from trade import LOG_SIGNER, Office, produce

NAMES = ("anna", "ben", "carl")
STOPS = int(os.environ.get("STOPS", "3"))
"""How often a server is stopped under load."""


@pytest.fixture
def clusters():
    """Makes servers, and removes them when the test ends."""
    made = []

    def make() -> Cluster:
        made.append(Cluster())
        return made[-1]

    yield make
    for cluster in reversed(made):
        cluster.remove()


@pytest.fixture
def primary(clusters):
    """A server with an empty, migrated database `ledger`."""
    cluster = clusters().create().start()
    cluster.run("CREATE DATABASE ledger")
    migrate(cluster.url("ledger"))
    return cluster


class Service:
    """A ledger on some server, as several processes with one guard."""

    def __init__(self, guard: FileGuard) -> None:
        self.guard = guard
        self.opened: list[Ledger] = []

    def begin(self, url: str):
        office = Office()
        ledger = create(Store(url), self.guard, LOG_SIGNER, sent(office.genesis))
        self.opened.append(ledger)
        return traders(ledger, office, *NAMES)

    def open(self, url: str) -> Ledger:
        self.opened.append(Ledger(Store(url), self.guard, LOG_SIGNER))
        return self.opened[-1]

    def close(self) -> None:
        for ledger in self.opened:
            ledger.close()
            ledger.store.close()


@pytest.fixture
def service(guard):
    service = Service(guard)
    yield service
    service.close()


def test_stopped_at_once_under_load(primary, service):
    """Again and again without a farewell, under three writers: what was answered stays, what was unknown is sent again."""
    url = primary.url("ledger")
    pens = service.begin(url)
    with Load([service.open(url) for _ in pens], pens) as load:
        for _ in range(STOPS):
            load.until(20)
            primary.stop("immediate")
            primary.start()
            load.until(5)
    assert load.again > 0
    again = service.open(url)
    assert again.refusal is None
    check_told(again, load.told)
    assert fsck.check(again.store, service.guard).verdict == "good"


def follow(clusters, primary) -> Cluster:
    """A standby that has all the primary has."""
    standby = clusters().copy_of(primary).start()
    until(lambda: primary.run("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'") != [])
    return standby


def test_a_standby_that_is_waited_for_loses_nothing(clusters, primary, service):
    """Synchronous replication: the primary is killed under load, the standby promoted, and the service goes on there."""
    pens = service.begin(primary.url("ledger"))
    standby = follow(clusters, primary)
    primary.configure("synchronous_standby_names = '*'")
    primary.reload()
    until(lambda: primary.run("SELECT sync_state FROM pg_stat_replication") == [("sync",)])
    with Load([service.open(primary.url("ledger")) for _ in pens], pens) as load:
        load.until(40)
        primary.stop("immediate")
    standby.promote()
    moved = service.open(standby.url("ledger"))
    assert moved.refusal is None
    check_told(moved, load.told)
    assert fsck.check(moved.store, service.guard).verdict == "good"
    (answer,) = append(moved, produce(pens[0], "1.00"))
    assert answer.index >= len(load.told)


@pytest.mark.threat("T38")
def test_a_standby_that_lags_behind_may_not_sign(clusters, primary, service):
    """Without synchronous replication the tail is lost with the primary; the guard knows it, and nothing is signed."""
    pens = service.begin(primary.url("ledger"))
    standby = follow(clusters, primary)
    standby.stop()
    with Load([service.open(primary.url("ledger")) for _ in pens], pens) as load:
        load.until(10)
    primary.stop("immediate")
    standby.start()
    standby.promote()
    moved = service.open(standby.url("ledger"))
    assert "rolled back" in moved.refusal
    (answer,) = append(moved, produce(pens[0], "1.00"))
    assert answer.name == "not_signing"
    assert fsck.check(moved.store, service.guard).verdict == "rolled_back"
    with moved.store.read() as view:
        assert view.checkpoint() is not None


def test_nobody_signs_what_the_standby_may_not_have(clusters, primary, service):
    """A commit that is cut off while it waits for the standby is seen by others; nobody answers for it alone."""
    pens = service.begin(primary.url("ledger"))
    standby = follow(clusters, primary)
    primary.configure("synchronous_standby_names = '*'")
    primary.reload()
    until(lambda: primary.run("SELECT sync_state FROM pg_stat_replication") == [("sync",)])
    ledger = service.open(primary.url("ledger"))
    standby.stop()
    held = service.guard.read()
    with Load([ledger], pens) as load:
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        for _ in range(3):
            until(lambda: primary.run(waiting) != [])
            primary.run(f"SELECT pg_terminate_backend(pid) FROM ({waiting}) AS them")
        after, told = service.guard.read(), dict(load.told)
        standby.start()
        load.until(3)
    assert (after, told) == (held, {})
    primary.stop("immediate")
    standby.promote()
    moved = service.open(standby.url("ledger"))
    assert moved.refusal is None
    check_told(moved, load.told)
    with pytest.raises(psycopg.OperationalError):
        primary.run("SELECT 1")
