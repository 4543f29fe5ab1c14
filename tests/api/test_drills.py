"""Drills of docs/operations.md on a real PostgreSQL: an archive, a disaster, and the ledger had again."""

import contextlib
import shutil
import time

import psycopg
import pytest
from world import World

from clusters import Cluster, folder
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger
from trade import LOG_SIGNER, produce


@pytest.fixture(scope="module")
def disaster(tmp_path_factory):
    """(world, place, counts): base backup and archive of a ledger whose server is gone, and how much it had when."""
    with folder() as place:
        archive = place / "archive"
        archive.mkdir()
        archive.chmod(0o777)
        primary = Cluster(
            place / "primary",
            "archive_mode = on",
            f"archive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f.part && mv {archive}/%f.part {archive}/%f'",
        ).begin()
        try:
            world = World(primary.url(), tmp_path_factory.mktemp("own"))
            Cluster(place / "base").copy_of(primary, "--wal-method=none")
            counts = []
            for point in ("noon", "evening"):
                for _ in range(5):
                    world.take(*(produce(world.anna, "1") for _ in range(20)))
                counts.append(world.size())
                with psycopg.connect(primary.url("postgres"), autocommit=True) as connection:
                    connection.execute("SELECT pg_create_restore_point(%s)", (point,))
            with psycopg.connect(primary.url("postgres"), autocommit=True) as connection:
                (last,) = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
            until = time.monotonic() + 60
            while not (archive / last).exists():
                assert time.monotonic() < until, "the last of the log was not archived"
                time.sleep(0.05)
            world.services.close()
        finally:
            primary.stop("immediate")
        shutil.rmtree(place / "primary")
        yield world, place, counts


@contextlib.contextmanager
def recovered(place, name: str, *settings: str):
    """A server out of base backup and archive."""
    data = place / name
    cluster = Cluster(data, f"restore_command = 'cp {place}/archive/%f %p'", *settings)
    shutil.copytree(place / "base", data)
    for path in (data, *data.rglob("*")):
        with contextlib.suppress(LookupError):
            shutil.chown(path, (place / "base").owner())
    data.chmod(0o700)
    cluster.put("recovery.signal", "")
    cluster.start()
    try:
        until = time.monotonic() + 60
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            while connection.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
                assert time.monotonic() < until
                time.sleep(0.05)
        yield cluster
    finally:
        cluster.stop("immediate")


@contextlib.contextmanager
def opened(world, cluster):
    guard = FileGuard(world.services.settings.data / "guard", LOG_SIGNER.verifier.encode())
    with (
        contextlib.closing(Store(cluster.url())) as store,
        contextlib.closing(Ledger(store, guard, LOG_SIGNER)) as ledger,
    ):
        yield store, guard, ledger


@pytest.mark.threat("T38")
def test_recovered_to_an_hour_ago_it_signs_nothing(disaster):
    """Back to noon: everything up to there is good, the guard has seen more, and no event is taken."""
    world, place, (noon, _) = disaster
    target = ("recovery_target_name = 'noon'", "recovery_target_action = 'promote'")
    with recovered(place, "noon", *target) as cluster, opened(world, cluster) as (store, guard, ledger):
        with store.read() as view:
            assert view.head().size == noon
        assert "rolled back" in (ledger.refusal or "")
        signed = produce(world.anna, "1")
        answer = ledger.append_one(Submission(signed.envelope, signed.event, signed.disclosures))
        assert not isinstance(answer, Recorded)
        assert fsck.check(store, guard).verdict == "rolled_back"


def test_recovered_to_the_end_it_goes_on(disaster):
    """With all that was archived: the same head as the guard, good throughout, and the next event is taken."""
    world, place, (_, evening) = disaster
    with recovered(place, "end") as cluster, opened(world, cluster) as (store, guard, ledger):
        assert ledger.refusal is None
        with store.read() as view:
            assert view.head().size == evening
        assert fsck.check(store, guard).verdict == "good"
        signed = produce(world.anna, "1")
        answer = ledger.append_one(Submission(signed.envelope, signed.event, signed.disclosures))
        assert isinstance(answer, Recorded)
        assert answer.index == evening
