"""Drills of docs/operations.md on a real PostgreSQL: an archive, a disaster, and the ledger had again."""

import contextlib
import shutil

import pytest
from world import World

from cluster import Cluster
from patience import until
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger
from trade import LOG_SIGNER, produce


@pytest.fixture(scope="module")
def disaster(tmp_path_factory):
    """(world, place, counts): base backup and archive of a ledger whose server is gone, and how much it had when."""
    primary = Cluster().create()
    place = primary.folder
    archive = place / "archive"
    archive.mkdir()
    primary.give(archive)
    copy = f"test ! -f {archive}/%f && cp %p {archive}/%f.part && mv {archive}/%f.part {archive}/%f"
    primary.configure(f"archive_mode = on\narchive_command = '{copy}'")
    try:
        primary.start().run("CREATE DATABASE ledger")
        world = World(primary.url("ledger"), tmp_path_factory.mktemp("own"))
        primary.back_up_to(place / "base")
        counts = []
        for point in ("noon", "evening"):
            for _ in range(5):
                world.take(*(produce(world.anna, "1") for _ in range(20)))
            counts.append(world.size())
            primary.run(f"SELECT pg_create_restore_point('{point}')")
        ((last,),) = primary.run("SELECT pg_walfile_name(pg_switch_wal())")
        until((archive / last).exists, "the last of the log was not archived")
        world.services.close()
        primary.stop("immediate")
        shutil.rmtree(primary.data)
        yield world, place, counts
    finally:
        primary.remove()


@contextlib.contextmanager
def recovered(place, *settings: str):
    """A server out of base backup and archive."""
    cluster = Cluster()
    try:
        cluster.recovering(place / "base", f"restore_command = 'cp {place}/archive/%f %p'", *settings).start()
        until(lambda: cluster.run("SELECT pg_is_in_recovery()") == [(False,)])
        yield cluster
    finally:
        cluster.remove()


@contextlib.contextmanager
def opened(world, cluster):
    guard = FileGuard(world.services.settings.data / "guard", LOG_SIGNER.verifier.encode())
    with (
        contextlib.closing(Store(cluster.url("ledger"))) as store,
        contextlib.closing(Ledger(store, guard, LOG_SIGNER)) as ledger,
    ):
        yield store, guard, ledger


@pytest.mark.threat("T38")
def test_recovered_to_an_hour_ago_it_signs_nothing(disaster):
    """Back to noon: everything up to there is good, the guard has seen more, and no event is taken."""
    world, place, (noon, _) = disaster
    target = ("recovery_target_name = 'noon'", "recovery_target_action = 'promote'")
    with recovered(place, *target) as cluster, opened(world, cluster) as (store, guard, ledger):
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
    with recovered(place) as cluster, opened(world, cluster) as (store, guard, ledger):
        assert ledger.refusal is None
        with store.read() as view:
            assert view.head().size == evening
        assert fsck.check(store, guard).verdict == "good"
        signed = produce(world.anna, "1")
        answer = ledger.append_one(Submission(signed.envelope, signed.event, signed.disclosures))
        assert isinstance(answer, Recorded)
        assert answer.index == evening
