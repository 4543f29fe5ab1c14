"""A disk that is full: reads survive, events are refused in words, and with room again it goes on by itself."""

import math
import os
import secrets
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest
from full import CASES
from serving import serving
from test_submit import problem
from world import Client, World, signed_header, submission, world_at

from traceability.api.app import create_app
from traceability.api.space import Space
from trade import Signed, bag, produce

PROGRAM = Path(__file__).with_name("full.py")
APART = ["unshare", "--user", "--map-root-user", "--mount"]
MIB = 1 << 20


def may_mount() -> bool:
    """Whether a disk of one's own can be had here."""
    try:
        tried = subprocess.run(
            [*APART, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return tried.returncode == 0


@pytest.mark.threat("T84")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.skipif(not may_mount(), reason="no file system may be mounted here")
def test_a_small_disk_fills_up(case, tmp_path):
    """On a real file system of 16 MiB, filled to the last byte, or to what is kept (`full.py`)."""
    done = subprocess.run(
        [*APART, sys.executable, PROGRAM, case, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.threat("T84")
def test_nothing_new_is_stored_where_no_room_is_left(tmp_path):
    """Events, disclosures and reports are refused with 507; known events and reads are answered."""
    world = World(f"sqlite:///{tmp_path}/ledger.sqlite3", tmp_path)
    known = produce(world.anna, "1")
    body = {"region": "RW-04", "source": "device", "lots": [bag("1")]}
    closed = world.anna.sign("production", body, sealed={"/note": "sous la pluie"})
    world.take(known, Signed(closed.envelope, ()))
    (tmp_path / "report.pem").write_bytes(world.office.operator.key.to_pem())
    settings = world.services.settings.model_copy(update={"report_key": tmp_path / "report.pem"})
    full = Space({"ledger": tmp_path / "ledger.sqlite3"}, 1 << 62)
    services = world.services._replace(settings=settings, space=full)
    with serving(create_app(services)) as server, Client(base_url=server.url) as client:
        size = world.size()
        new = client.post("/v1/events", json=submission(produce(world.anna, "1")))
        assert problem(new) == (507, "disk_full")
        forged = submission(produce(world.anna, "1"))
        forged["envelope"]["signatures"][0] = submission(known)["envelope"]["signatures"][0]
        assert problem(client.post("/v1/events", json=forged)) == (422, "bad_signature")
        assert client.post("/v1/events", json=submission(known)).status_code == 200
        opened = {"disclosures": submission(closed)["disclosures"]}
        assert problem(client.post(f"/v1/events/{closed.id}/disclosures", json=opened)) == (507, "disk_full")
        subjects = [{"type": "lot", "id": known.lots[0]}]
        report = {"categories": ["child_labour"], "subjects": subjects, "happened_from": "2026-03-10"}
        assert problem(client.post("/v1/reports", json=report)) == (507, "disk_full")
        assert world.size() == size
        assert client.read(world.anna, f"/v1/lots/{known.lots[0]}").status_code == 200
        assert (
            client.post("/v1/sessions", headers=signed_header(world.anna, "POST", "/v1/sessions")).status_code
            == 200
        )
        assert "traceability_signing 0.0" in client.get("/metrics").text
        assert "bytes left" in client.get("/readyz").json()["reason"]
    services.close()


def journal(client: httpx.Client) -> float:
    """What /metrics says of the write-ahead log."""
    (said,) = [
        text
        for text in client.get("/metrics").text.splitlines()
        if text.startswith("traceability_journal_bytes ")
    ]
    return float(said.split()[1])


def write(world: World, megabytes: int) -> None:
    """So much, in commits of one megabyte, and takes it out again."""
    row = "INSERT INTO disclosure (idx, path, salt, value) VALUES (?, '/note', ?, ?)"
    for number in range(megabytes):
        with world.store.write() as view:
            view.run(row, 1_000_000 + number, bytes(16), os.urandom(MIB))
    with world.store.write() as view:
        view.run("DELETE FROM disclosure WHERE idx >= ?", 1_000_000)


@pytest.mark.threat("T84")
def test_a_reader_that_does_not_end_shows(tmp_path):
    """While somebody reads, SQLite's journal grows and /metrics says so; when he has ended it is cut back."""
    with world_at(f"sqlite:///{tmp_path}/ledger.sqlite3", tmp_path) as (world, _, client):
        with world.store.read() as view:
            view.head()
            write(world, 50)
            assert journal(client) > 50 * MIB
        for _ in range(2):
            world.take(produce(world.anna, "1"))
        assert journal(client) <= 32 * MIB


def world_in_its_own(connection, url, folder):
    """A world in a database that nobody else uses."""
    name = f"slot_{secrets.token_hex(4)}"
    connection.execute(f"CREATE DATABASE {name}")
    return world_at(url.replace("/ledger", f"/{name}", 1), folder)


@pytest.mark.threat("T84")
def test_a_replica_that_does_not_come_shows(postgres_url, tmp_path):
    """PostgreSQL keeps its log for a slot nobody reads from, and /metrics says how much; without slots it is 0."""
    with (
        psycopg.connect(postgres_url, autocommit=True) as connection,
        world_in_its_own(connection, postgres_url, tmp_path) as (world, _, client),
    ):
        assert journal(client) == 0
        connection.execute("SELECT pg_create_physical_replication_slot('gone', true)")
        try:
            write(world, 3)
            grown = journal(client)
            assert MIB < grown < math.inf
            write(world, 3)
            assert journal(client) > grown
        finally:
            connection.execute("SELECT pg_drop_replication_slot('gone')")
        assert journal(client) == 0
