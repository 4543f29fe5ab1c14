"""Reads from a replica: behind by a moment or by an hour, they are of one moment, and every proof holds."""

import contextlib

import psycopg
import pytest
from serving import serving
from test_log import fetch_leaves
from test_submit import problem
from world import Client, World, submission

import reference
from both import verify
from cluster import Cluster
from patience import until
from traceability.api.app import create_app
from traceability.api.services import Services
from traceability.core.checkpoint import open_checkpoint
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger.database import Unusable
from traceability.ledger.schema import migrate
from traceability.settings import Settings
from trade import LOG, LOG_SIGNER, produce


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """(world, primary, replica): a ledger on a PostgreSQL that streams to another."""
    primary, replica = Cluster(), Cluster()
    try:
        primary.create().start().run("CREATE DATABASE ledger")
        folder = tmp_path_factory.mktemp("own")
        world = World(primary.url("ledger"), folder)
        (folder / "log-key").write_text(LOG_SIGNER.encode() + "\n")
        (folder / "log-key").chmod(0o600)
        world.services.close()
        replica.copy_of(primary).configure("hot_standby_feedback = on")
        yield world, primary, replica.start()
    finally:
        replica.remove()
        primary.remove()


@pytest.fixture
def client(pair):
    """A client of a server that writes to the primary and reads from the replica."""
    world, primary, replica = pair
    with served(world, primary, replica) as client:
        yield client


@contextlib.contextmanager
def served(world, primary, replica):
    opened = Services.open(settings(world, primary.url("ledger"), replica.url("ledger")))
    with (
        contextlib.closing(opened) as services,
        serving(create_app(services)) as server,
        Client(base_url=server.url) as client,
    ):
        yield client


def settings(world, url: str, read_url: str) -> Settings:
    kept = world.services.settings
    return kept.model_copy(
        update={"database_url": url, "read_database_url": read_url, "log_key": kept.data / "log-key"}
    )


@contextlib.contextmanager
def held_back(replica: Cluster):
    """The replica takes in nothing meanwhile."""
    with psycopg.connect(replica.url("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_wal_replay_pause()")
        paused = "SELECT pg_get_wal_replay_pause_state() = 'paused'"
        until(lambda: connection.execute(paused).fetchone() == (True,))
        try:
            yield
        finally:
            connection.execute("SELECT pg_wal_replay_resume()")


def caught_up(primary: Cluster, replica: Cluster) -> None:
    """Waits until the replica has all that the primary has."""
    with (
        psycopg.connect(primary.url("postgres")) as there,
        psycopg.connect(replica.url("postgres"), autocommit=True) as here,
    ):
        # A commit of its own takes along what was written without waiting for the disk, the checkpoint too.
        there.execute("SELECT pg_logical_emit_message(true, 'test', '')")
        there.commit()
        (wanted,) = there.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
        until(lambda: here.execute("SELECT pg_last_wal_replay_lsn() >= %s", (wanted,)).fetchone() == (True,))


def test_answers_to_events_are_fresh_and_the_rest_is_of_the_replica(pair, client):
    """An event is proved at once, whatever the replica has; the log that is read ends where the replica does."""
    world, primary, replica = pair
    caught_up(primary, replica)
    before = client.get("/v1/log").json()
    with held_back(replica):
        made = produce(world.anna, "20", "30")
        answer = client.post("/v1/events", json=submission(made))
        assert answer.status_code == 201
        fresh = open_checkpoint(answer.json()["checkpoint"].encode(), LOG, [LOG_SIGNER.verifier]).checkpoint
        assert fresh.size == before["size"] + 1
        again = client.post("/v1/events", json=submission(made))
        assert (again.status_code, again.json()["index"]) == (200, answer.json()["index"])
        assert client.get("/v1/log").json()["size"] == before["size"]
        stale = open_checkpoint(client.get("/checkpoint").content, LOG, [LOG_SIGNER.verifier]).checkpoint
        leaves = fetch_leaves(client, stale.size)
        assert reference.mth(leaves) == stale.root
        assert problem(client.read(world.anna, f"/v1/lots/{made.lots[0]}")) == (404, "not_here")
        assert problem(client.get(f"/tile/entries/000.p/{fresh.size}")) == (404, "not_here")
    caught_up(primary, replica)
    assert client.get("/v1/log").json()["size"] == fresh.size
    newer = open_checkpoint(client.get("/checkpoint").content, LOG, [LOG_SIGNER.verifier]).checkpoint
    assert newer.root == fresh.root
    file = client.read(world.anna, f"/v1/lots/{made.lots[0]}/evidence").content
    assert verify(file, TrustPolicy.without_witnesses([LOG_SIGNER.verifier])).exit_code == 0


def test_evidence_out_of_a_replica_that_is_behind_holds(pair, client):
    """Under the replica's own checkpoint, without what came since; the older checkpoint begins the newer one."""
    world, primary, replica = pair
    made = produce(world.anna, "7")
    assert client.post("/v1/events", json=submission(made)).status_code == 201
    caught_up(primary, replica)
    with held_back(replica):
        given = produce(world.anna, "8")
        assert client.post("/v1/events", json=submission(given)).status_code == 201
        answer = client.read(world.anna, f"/v1/lots/{made.lots[0]}/evidence")
        assert answer.status_code == 200, answer.text
        report = verify(answer.content, TrustPolicy.without_witnesses([LOG_SIGNER.verifier]))
        assert report.exit_code == 0
        assert report.size == world_size(primary) - 1


def world_size(primary: Cluster) -> int:
    with psycopg.connect(primary.url("ledger")) as connection:
        return connection.execute("SELECT count(*) FROM entry").fetchone()[0]


def test_a_key_that_is_revoked_reads_nothing_though_the_replica_does_not_know(pair, client):
    """Whose signature counts is asked of the primary."""
    world, primary, replica = pair
    caught_up(primary, replica)
    assert client.read(world.carl, "/v1/lots").status_code == 200
    with held_back(replica):
        revoked = world.registrar.sign("key_revocation", {"key": world.carl.key.id, "reason": "stolen"})
        assert client.post("/v1/events", json=submission(revoked)).status_code == 201
        assert problem(client.read(world.carl, "/v1/lots")) == (401, "not_signed")


def test_what_is_no_replica_is_refused(pair, tmp_path):
    """Another ledger's database, an empty one, or SQLite: the server does not start, and says why."""
    world, primary, _ = pair
    with psycopg.connect(primary.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE other")
        connection.execute("CREATE DATABASE nothing")
    World(primary.url("other"), tmp_path).services.close()
    migrate(f"sqlite:///{tmp_path}/file.sqlite3")
    for url in (primary.url("other"), primary.url("nothing"), f"sqlite:///{tmp_path}/file.sqlite3"):
        with pytest.raises(Unusable):
            Services.open(settings(world, primary.url("ledger"), url))


def test_reads_go_on_without_the_primary(pair, client):
    """With the primary stopped: events are 503 with Retry-After, everything public is read; then it comes back."""
    world, primary, replica = pair
    caught_up(primary, replica)
    size = client.get("/v1/log").json()["size"]
    primary.stop("immediate")
    try:
        answer = client.post("/v1/events", json=submission(produce(world.anna, "1")))
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        for path in ("/v1/log", "/checkpoint", "/tile/0/000.p/1", "/v1/sites", "/readyz", "/metrics"):
            assert client.get(path).status_code == 200, path
        assert client.get("/readyz").json()["signing"] is False
    finally:
        primary.start()
    late = produce(world.anna, "1")
    assert client.post("/v1/events", json=submission(late)).status_code == 201
    caught_up(primary, replica)
    assert client.get("/v1/log").json()["size"] == size + 1
