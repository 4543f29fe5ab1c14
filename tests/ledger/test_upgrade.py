"""The drill of docs/operations.md: an older ledger is rehearsed elsewhere, brought up to this program, and gone back from."""

import contextlib
import itertools
import shutil

import pytest
from older import make_older
from sending import append, recorded, some_trade, traders

from traceability.ledger import dump, fsck, refill
from traceability.ledger.backup import NotBackedUp, backup, restore
from traceability.ledger.database import Unusable
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from trade import produce

_NUMBER = itertools.count()


@pytest.fixture
def empty_url(url, request, tmp_path):
    """Makes URLs of places without a ledger, of the kind that `url` is."""

    def make() -> str:
        name = f"upgrade_{next(_NUMBER)}"
        if url.startswith("sqlite"):
            return f"sqlite:///{tmp_path / name}.sqlite3"
        import psycopg

        server = request.getfixturevalue("postgres")
        with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return str(server.format(name))

    return make


def head_of(url: str):
    with contextlib.closing(Store(url)) as store, store.read() as view:
        return view.head()


@pytest.mark.threat("T55")
@pytest.mark.parametrize("revision", ["0004", "0006"])
def test_an_upgrade_and_the_way_back(ledger, office, guard, again, opened, empty_url, tmp_path, revision):
    """Nothing answered is lost, the old head is of the new log, and the backup is the way back, with what came since."""
    miner, trader = traders(ledger, office, "miner", "trader")
    told = recorded(ledger, *some_trade(miner, trader, 4))
    with ledger.store.read() as view:
        before = view.head()
    live = empty_url()
    make_older(ledger.store, live, revision)
    if live.startswith("sqlite"):
        shutil.copy(live.removeprefix("sqlite:///"), tmp_path / "backup")  # it is stopped: one file
    else:
        backup(ledger.store, tmp_path / "backup")  # a dump is the same in both

    rehearsal = empty_url()
    assert restore(tmp_path / "backup", rehearsal) == before
    assert fsck.check(opened(rehearsal)).verdict == "good"

    with pytest.raises(Unusable, match="traceability migrate"):
        Store(live)
    migrate(live)
    upgraded = again(live)
    assert upgraded.refusal is None
    for answer in told:
        with upgraded.store.read() as view:
            assert view.entry(answer.index).event_id == answer.event_id
    since = recorded(upgraded, *some_trade(miner, trader, 2), produce(trader, "1.00"))
    with upgraded.store.read() as view:
        after = view.head()
        assert view.root_at(before.size) == before.root
    assert after.size == before.size + len(since)
    assert fsck.check(upgraded.store, guard).verdict == "good"

    (tmp_path / "all.ndjson").write_bytes(b"".join(dump.dump(upgraded.store)))
    back = empty_url()
    assert restore(tmp_path / "backup", back) == before
    assert "rolled back" in again(back).refusal
    done = refill.refill(opened(back), guard.read(), [(tmp_path / "all.ndjson").read_bytes()])
    assert (done.before, done.size, done.missing) == (before.size, after.size, ())
    returned = again(back)
    assert returned.refusal is None
    assert [each.known for each in append(returned, produce(miner, "2.00"))] == [False]
    assert fsck.check(returned.store, guard).verdict == "good"


def test_a_newer_schema_is_neither_migrated_nor_restored(ledger, tmp_path):
    """The program of before, after an upgrade: it says so, and leaves everything as it is."""
    with ledger.store.write() as view:
        view.run("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unusable, match="newer than this program's"):
        migrate(ledger.store.url)
    with ledger.store.read() as view:
        assert view.one("SELECT version_num FROM alembic_version") == ("9999",)
    if ledger.store.database.name == "sqlite":
        ledger.store.forget()
        shutil.copy(ledger.store.database.path, tmp_path / "newer")
        with pytest.raises(NotBackedUp, match="newer than this program's"):
            restore(tmp_path / "newer", f"sqlite:///{tmp_path / 'place' / 'ledger.sqlite3'}")
        assert list((tmp_path / "place").iterdir()) == []
