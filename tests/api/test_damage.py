"""With its database edited, cut off or broken, the API says so: never wrong data with 200, never a bare 500."""

import sqlite3

import pytest
from serving import serving
from test_submit import problem
from world import Client, World

from traceability.api.app import create_app
from trade import accept, offer, produce


@pytest.fixture
def broken(tmp_path):
    """(world, client, lot, event, execute): a small ledger and a way to write into its file behind its back."""
    world = World(f"sqlite:///{tmp_path}/ledger.sqlite3", tmp_path)
    made = produce(world.anna, "5")
    given = offer(world.anna, world.ben.party, [(made.id, made.lots[0])])
    world.take(made, given, accept(world.ben, [(given.id, made.lots[0])]))

    def execute(statement: str, *values) -> None:
        connection = sqlite3.connect(tmp_path / "ledger.sqlite3")
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(statement, values)
        connection.commit()
        connection.close()

    with serving(create_app(world.services)) as server, Client(base_url=server.url) as client:
        yield world, client, made.lots[0], given, execute
    world.services.close()


@pytest.mark.threat("T33")
def test_an_edited_entry_is_not_shown(broken):
    """A changed signature, blind or time: 503 damaged for the event and for the history it stands in."""
    world, client, lot, given, execute = broken
    index = world.size() - 2
    for column, value in (("signature", bytes(64)), ("blind", bytes(32)), ("record_time", 1)):
        with world.store.read() as view:
            honest = getattr(view.entry(index), column)
        execute(f"UPDATE entry SET {column} = ? WHERE idx = ?", value, index)
        assert problem(client.read(world.ben, f"/v1/events/{given.id}")) == (503, "damaged")
        assert problem(client.read(world.ben, f"/v1/lots/{lot}/history")) == (503, "damaged")
        execute(f"UPDATE entry SET {column} = ? WHERE idx = ?", honest, index)
    assert client.read(world.ben, f"/v1/events/{given.id}").status_code == 200


def test_an_entry_that_cannot_be_read_is_damage_and_not_the_askers_fault(broken):
    """A payload that is no event any more ends in 503, not in 400."""
    world, client, lot, _, execute = broken
    execute("UPDATE entry SET payload = ? WHERE idx = ?", b"{}", world.size() - 2)
    assert problem(client.read(world.ben, f"/v1/lots/{lot}/history")) == (503, "damaged")
    assert client.read(world.ben, f"/v1/lots/{lot}").status_code == 200


@pytest.mark.threat("T44")
def test_a_table_that_is_gone_is_503(broken):
    """What the database cannot answer is unavailable, with Retry-After; liveness goes on."""
    world, client, lot, _, execute = broken
    header = client.read(world.auditor, f"/v1/lots/{lot}")
    assert header.status_code == 200
    execute("ALTER TABLE state RENAME TO gone")
    answer = client.get("/v1/sites")
    assert problem(answer) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "gone" not in answer.text
    assert "SELECT" not in answer.text
    assert client.get("/livez").status_code == 200
    assert client.get("/tile/0/000.p/1").status_code == 200
