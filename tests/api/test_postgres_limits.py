"""What an administrator, another session or a crowd does to PostgreSQL under a ledger that is served: each is an honest 503.

Nobody waits without end, no answer is a traceback, what was answered is there, what was not can be sent again, and the
ledger goes on by itself as soon as the cause is gone.
"""

import contextlib
import itertools
import os
import subprocess
import sys
import threading
import time

import httpx
import psycopg
import pytest
from serving import serving
from world import World, submission

from cluster import Cluster
from traceability.api.app import create_app
from traceability.api.services import Services
from traceability.ledger import database, fsck
from traceability.ledger.guard import FileGuard
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger
from traceability.settings import Settings
from trade import LOG_SIGNER, Pen, Signed, produce

SECONDS = 60
"""After which it hangs."""
READS = ("/checkpoint", "/v1/log", "/v1/parties", "/readyz")
_NUMBER = itertools.count()


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster()
    try:
        yield cluster.create().start()
    finally:
        cluster.remove()


class Place:
    """A served ledger of one database, and what was answered there."""

    def __init__(self, cluster: Cluster, folder, processes: int = 1) -> None:
        self.cluster, self.folder = cluster, folder
        self.name = f"ledger_{next(_NUMBER)}"
        cluster.run(f"CREATE DATABASE {self.name}")
        self.url = cluster.url(self.name)
        self.world = World(self.url, folder)
        self.world.services.close()
        self.told: dict[str, int] = {}
        self.reached = lambda _: None
        self.stack = contextlib.ExitStack()
        self.services = [self.open() for _ in range(processes)]
        self.clients = []
        for services in self.services:
            server = self.stack.enter_context(serving(create_app(services)))
            client = httpx.Client(base_url=server.url, timeout=SECONDS)
            self.clients.append(self.stack.enter_context(client))

    def open(self) -> Services:
        settings = Settings(data=self.folder, database_url=self.url, guard=str(self.folder / "guard"))
        store = Store(self.url)
        ledger = Ledger(store, self.guard(), LOG_SIGNER, reached=self._reach)
        services = Services.around(settings, store, ledger, LOG_SIGNER)
        self.stack.callback(services.close)
        return services

    def _reach(self, name: str) -> None:
        self.reached(name)

    def guard(self) -> FileGuard:
        return FileGuard(self.folder / "guard", LOG_SIGNER.verifier.encode())

    def send(self, signed: Signed, process: int = 0) -> httpx.Response:
        answer = self.clients[process].post("/v1/events", json=submission(signed))
        if answer.status_code in (200, 201):
            told = answer.json()
            assert self.told.setdefault(told["event_id"], told["index"]) == told["index"]
        else:
            is_503(answer)
        return answer

    def is_refused(self, signed: Signed) -> None:
        assert self.send(signed).status_code == 503
        ready = self.clients[0].get("/readyz")
        if ready.status_code == 200 and "reason" in ready.json():
            is_for_anybody(ready.json()["reason"])

    def goes_on(self, *signed: Signed) -> None:
        """What had no answer is sent again, and is there once; all that was ever answered is where it was told; all is good."""
        until = time.monotonic() + SECONDS
        for one in (*signed, produce(self.world.anna, "1")):
            while self.send(one).status_code == 503:
                assert time.monotonic() < until, "it did not come back by itself"
                time.sleep(0.05)
        for path in READS:
            while self.clients[0].get(path).status_code == 503:
                assert time.monotonic() < until, "reads did not come back by themselves"
        with contextlib.closing(Store(self.url)) as store:
            with store.read() as view:
                ids = [view.entry(index).event_id for index in range(view.head().size)]
            assert len(set(ids)) == len(ids)
            assert [ids[index] for index in self.told.values()] == list(self.told)
            assert fsck.check(store, self.guard()).verdict == "good"

    def session(self) -> psycopg.Connection:
        """Somebody else's, which begins with its first statement and ends nowhere."""
        return self.stack.enter_context(psycopg.connect(self.url))

    def sets(self, setting: str) -> None:
        """The administrator sets it for everybody who comes to this database; who is there is put out."""
        self.cluster.run(f"ALTER DATABASE {self.name} {setting}")
        self.cluster.run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'"
        )


def is_503(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    problem = answer.json()
    assert problem["type"] in ("/problems/unavailable", "/problems/not_signing"), problem
    assert int(answer.headers["Retry-After"]) > 0
    is_for_anybody(problem["detail"])


def is_for_anybody(said: str) -> None:
    for inside in ("Traceback", "SELECT", "INSERT", "psycopg", "sqlalche", "CONTEXT", "DETAIL", "\n"):
        assert inside not in said


@pytest.fixture
def place(cluster, tmp_path):
    place = Place(cluster, tmp_path)
    yield place
    place.stack.close()


def test_all_connections_are_taken(cluster, tmp_path, monkeypatch):
    """Whoever comes while all are lent waits for a while, and is told so; once they are back it goes on."""
    monkeypatch.setattr(database, "_POOL", {"pool_size": 2, "max_overflow": 1, "pool_timeout": 0.5})
    place = Place(cluster, tmp_path)
    with contextlib.closing(place.stack):
        engine = place.services[0].store.database.engine
        held = [engine.raw_connection() for _ in range(3)]
        signed = produce(place.world.anna, "1")
        place.is_refused(signed)
        for path in READS:
            is_503(place.clients[0].get(path))
        for connection in held:
            connection.close()
        place.goes_on(signed)


def in_the_way(place: Place, table: str = "entry") -> psycopg.Connection:
    """A session that lets nobody write into this table."""
    session = place.session()
    session.execute(f"LOCK TABLE {table} IN SHARE MODE")
    return session


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout"])
def test_an_append_is_cut_in_the_middle(place, setting):
    """By a time that the administrator allows: with the head locked and half of it written, nothing of it is there."""
    place.sets(f"SET {setting} = '1500ms'")
    other = in_the_way(place)
    signed = produce(place.world.anna, "1")
    size = place.world.size()
    place.is_refused(signed)
    assert place.clients[0].get("/v1/log").json()["size"] == size, "reads go on"
    assert place.world.size() == size
    other.rollback()
    place.sets(f"RESET {setting}")
    place.goes_on(signed)


def test_no_statement_is_given_time(place):
    """A thousandth of a second is enough for hardly anything; sessions of that time do not stay when it is over."""
    place.sets("SET statement_timeout = 1")
    signed = [produce(place.world.anna, "1") for _ in range(3)]
    for one in signed:
        place.send(one)
        for path in READS:
            answer = place.clients[0].get(path)
            assert answer.status_code == 200 or is_503(answer) is None
    place.cluster.run(f"ALTER DATABASE {place.name} RESET statement_timeout")
    place.goes_on(*signed)


def test_a_lock_that_somebody_forgot(cluster, tmp_path, monkeypatch):
    """A session that holds the head, and went to lunch: events are answered, after half a minute, not when it is back."""
    place = Place(cluster, tmp_path)
    with contextlib.closing(place.stack):
        raw = place.services[0].store.database.engine.raw_connection()
        assert raw.cursor().execute("SHOW lock_timeout").fetchone() == ("30s",)
        raw.close()
        monkeypatch.setattr(database, "BUSY", database.BUSY.replace("30s", "300ms"))
        place.services[0].store.database.engine.dispose()
        other = place.session()
        other.execute("SELECT size FROM head FOR UPDATE")
        signed = produce(place.world.anna, "1")
        place.is_refused(signed)
        assert place.clients[0].get("/v1/log").status_code == 200
        other.rollback()
        place.goes_on(signed)


@pytest.mark.parametrize("victim", ["the ledger", "the other"])
def test_a_deadlock(place, victim):
    """Another session locks crosswise, first the entries and then the head: whoever has to give way, the event is recorded."""
    # Who notices it first gives way.
    place.sets(f"SET deadlock_timeout = '{'100ms' if victim == 'the ledger' else '10min'}'")
    other = place.session()
    other.execute(f"SET deadlock_timeout = '{'10min' if victim == 'the ledger' else '100ms'}'")
    other.commit()
    locked, crossed, ended = threading.Event(), threading.Event(), []

    def reached(name):
        if name == "locked" and not locked.is_set():
            locked.set()
            assert crossed.wait(SECONDS)

    def cross():
        other.execute("LOCK TABLE entry IN SHARE MODE")
        assert locked.wait(SECONDS)
        if victim == "the ledger":
            waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND pid = " + str(other.info.backend_pid)
            threading.Thread(target=until, args=(place, waits, crossed)).start()
        else:
            crossed.set()
            waits = (
                "SELECT 1 FROM pg_locks JOIN pg_class ON relation = pg_class.oid "
                f"WHERE NOT granted AND relname = 'entry' AND database = {oid(place)}"
            )
            until(place, waits, threading.Event())
        try:
            other.execute("SELECT size FROM head FOR UPDATE")
        except psycopg.errors.DeadlockDetected:
            ended.append("the other")
        else:
            ended.append("the ledger")
        other.rollback()

    place.reached = reached
    thread = threading.Thread(target=cross)
    thread.start()
    signed = produce(place.world.anna, "1")
    assert place.send(signed).status_code == 201, "it was tried once more"
    thread.join(SECONDS)
    assert ended == [victim]
    place.goes_on(signed)


def oid(place: Place) -> int:
    ((found,),) = place.cluster.run(f"SELECT oid FROM pg_database WHERE datname = '{place.name}'")
    return found


def until(place: Place, waits: str, then: threading.Event) -> None:
    end = time.monotonic() + SECONDS
    while not place.cluster.run(waits, place.name):
        assert time.monotonic() < end
        time.sleep(0.02)
    then.set()


def test_a_session_that_waits_is_ended(place):
    """The administrator ends whoever is idle in a transaction: while a group is judged, that is the ledger."""
    place.sets("SET idle_in_transaction_session_timeout = '800ms'")
    place.reached = lambda name: time.sleep(1.6) if name == "judged" else None
    signed = produce(place.world.anna, "1")
    size = place.world.size()
    place.is_refused(signed)
    assert place.world.size() == size
    place.reached = lambda _: None
    place.sets("RESET idle_in_transaction_session_timeout")
    place.goes_on(signed)


@pytest.mark.threat("T48")
def test_serializable_by_default(cluster, tmp_path):
    """Two processes side by side, each transaction as the ledger needs it whatever the default is: nobody is turned away."""
    place = Place(cluster, tmp_path, processes=2)
    with contextlib.closing(place.stack):
        place.sets("SET default_transaction_isolation = 'serializable'")
        place.goes_on()
        pens = [Pen(f"clerk {number}") for number in range(4)]
        for pen in pens:
            assert place.send(place.world.office.enrol(pen, "miner")).status_code == 201
        refused = []

        def work(number: int) -> None:
            for _ in range(6):
                signed = produce(pens[number], "1")
                while place.send(signed, number % 2).status_code != 201:
                    refused.append(signed)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
            assert not thread.is_alive()
        assert refused == []
        place.goes_on()


@contextlib.contextmanager
def crowd(cluster: Cluster):
    """As many connections as the server takes."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                stack.enter_context(psycopg.connect(cluster.url(), autocommit=True))
        yield


def test_the_server_takes_no_more_connections(place):
    """Whoever starts then is told why, in a sentence; who runs says 503, and goes on when the crowd has gone."""
    (place.folder / "log-key").touch(0o600)
    (place.folder / "log-key").write_text(LOG_SIGNER.encode() + "\n")
    settings = {
        "DATA": str(place.folder),
        "DATABASE_URL": place.url,
        "GUARD": str(place.folder / "guard"),
        "LOG_KEY": str(place.folder / "log-key"),
        "PORT": "0",
    }
    signed = produce(place.world.anna, "1")
    place.services[0].store.database.engine.dispose()
    with crowd(place.cluster):
        place.is_refused(signed)
        for path in READS:
            is_503(place.clients[0].get(path))
        for command in ("serve", "migrate"):
            done = subprocess.run(
                [sys.executable, "-m", "traceability", command],
                env={**os.environ, **settings},
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            assert done.returncode == 3, done.stderr
            assert "too many clients" in done.stderr
            assert "Traceback" not in done.stderr
    place.goes_on(signed)
