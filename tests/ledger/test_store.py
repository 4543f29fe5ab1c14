"""The store: what it opens, what it refuses and says; migrations; the tree in tables; the public log."""

import base64
import contextlib
import os
import sqlite3

import psycopg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from children import die, fork, wait
from hypothesis import given
from hypothesis import strategies as st
from older import make_older
from sending import append, recorded, sent, some_trade, traders
from sqlmodel import SQLModel

from traceability.core import merkle, tile
from traceability.core.merkle import Edge
from traceability.ledger import fsck, publish, schema
from traceability.ledger.arrays import Array
from traceability.ledger.clock import Clock, ClockRefuses
from traceability.ledger.database import Unusable
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.tables import APPLICATION_ID, REVISION
from traceability.ledger.tree import Growth
from trade import LOG_SIGNER

# Opening


def test_migrations_make_the_tables(url, opened):
    """The migrated database is the one the tables describe: nothing missing, nothing more."""
    store = opened(url)
    with store.database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, SQLModel.metadata) == []
        assert context.get_current_revision() == REVISION
    assert (schema.scripts() / "versions" / "0001_ledger.py").exists()


def test_migrating_again_changes_nothing(url, opened):
    """Whoever migrates a ledger that is up to date finds nothing to do."""
    with opened(url).read() as view:
        before = view.head()
    migrate(url)
    with opened(url).read() as view:
        assert view.head() == before


@pytest.mark.threat("T55")
@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_tables_that_a_migration_empties_are_filled(tmp_path, ledger, office, guard, revision):
    """A ledger of an older schema is brought up to the newest, and nothing is missing or stale in it."""
    miner, trader = traders(ledger, office, "miner", "trader")
    recorded(ledger, *some_trade(miner, trader, 4))
    old = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    make_older(ledger.store, old, revision)
    with pytest.raises(Unusable, match="traceability migrate"):
        Store(old)
    migrate(old)
    with contextlib.closing(Store(old)) as store:
        assert fsck.check(store, guard).verdict == "good"


def test_a_migration_cut_short_has_not_begun(tmp_path):
    """Killed in the middle of the first migration, a file is empty, and can be migrated."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"

    def work():
        create_index = sqlalchemy.schema.Index.__init__

        def dying(self, name, *more, **options):
            create_index(self, name, *more, **options)
            if name == "move_title":
                die()

        sqlalchemy.schema.Index.__init__ = dying
        migrate(url)

    assert wait(fork(work)) == -9
    with pytest.raises(Unusable, match="traceability migrate"):
        Store(url)
    with sqlite3.connect(tmp_path / "ledger.sqlite3") as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    migrate(url)
    Store(url).close()


def test_two_that_migrate_at_once(tmp_path):
    """They follow each other; both end well."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    children = [fork(lambda: migrate(url)) for _ in range(3)]
    assert [wait(child) for child in children] == [0, 0, 0]
    Store(url).close()


@pytest.mark.threat("T55")
@pytest.mark.parametrize("found", ["0000", "9999"])
def test_another_schema_is_refused(url, found, opened):
    """An older one is told to migrate, a newer one to use the newer program."""
    with opened(url).write() as view:
        view.run("UPDATE alembic_version SET version_num = ?", found)
    with pytest.raises(Unusable, match="traceability migrate" if found == "0000" else "newer"):
        Store(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "URL"),
        ("mysql://localhost/x", "sqlite or postgresql"),
        ("sqlite://", "file"),
        ("sqlite:////nowhere/ledger.sqlite3", "traceability init"),
        ("postgresql://nobody@/x?host=/nowhere", "cannot be opened"),
    ],
)
def test_what_is_no_ledger_is_refused(url, words):
    """Each with a sentence that says what to do."""
    with pytest.raises(Unusable, match=words):
        Store(url)


def test_other_files_are_not_taken_for_a_ledger(tmp_path):
    """Neither opened nor migrated: a text, somebody else's database, a ledger without its mark."""
    path = tmp_path / "file"
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(Unusable):
        Store(f"sqlite:///{path}")
    other = tmp_path / "other"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE wine (year INTEGER)")
    connection.close()
    for act in (Store, migrate):
        with pytest.raises(Unusable, match=r"something else|migrate"):
            act(f"sqlite:///{other}")
    with sqlite3.connect(other) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize("pragma", ["journal_mode=DELETE", "application_id=7"])
def test_an_unsafe_file_is_refused(empty_file, tmp_path, pragma):
    """WAL and the mark of a ledger are asserted when it is opened."""
    path = tmp_path / "ledger"
    path.write_bytes(empty_file.read_bytes())
    assert APPLICATION_ID != 7
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA {pragma}")
    connection.close()
    with pytest.raises(Unusable, match=pragma.split("=", maxsplit=1)[0]):
        Store(f"sqlite:///{path}")


def test_an_unsafe_server_is_refused(postgres):
    """PostgreSQL with synchronous_commit off would forget what it acknowledged."""
    with psycopg.connect(postgres.format("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE unsafe TEMPLATE template_ledger")
        connection.execute("ALTER DATABASE unsafe SET synchronous_commit = off")
    with pytest.raises(Unusable, match="synchronous_commit"):
        Store(postgres.format("unsafe"))


def test_every_connection_is_durable(url, opened):
    """The settings hold in each connection of the pool, also after one was used for what may be lost."""
    store = opened(url)
    with store.write(durable=False) as view:
        view.run("UPDATE placed SET size = 0")
    with store.write() as view:
        if store.database.name == "sqlite":
            assert view.one("PRAGMA synchronous")[0] == 2
        else:
            assert view.one("SHOW synchronous_commit")[0] == "on"


def test_what_fails_leaves_nothing(url, opened):
    """An exception rolls everything back and lets the lock go."""
    store = opened(url)
    with pytest.raises(ZeroDivisionError), store.write() as view:
        assert view.run("UPDATE placed SET size = 5") / 0
    with store.write() as view:
        assert view.placed() == 0


def test_a_view_is_of_one_moment(ledger, office):
    """What is asked of a view does not change while others append."""
    miner, trader = traders(ledger, office, "miner", "trader")
    with ledger.store.read() as view:
        before = view.head()
        recorded(ledger, *some_trade(miner, trader))
        assert view.head() == before
        assert view.entry(before.size) is None
    with ledger.store.read() as view:
        assert view.head().size == before.size + 3


# The clock


def test_a_clock_behind_or_leaping_stamps_nothing():
    """Behind the newest entry, or apart from the steady clock by over a day; a long silence is no leap."""
    steady = [0.0]
    clock = Clock(lambda: steady[0])
    assert clock.stamp(1_000_000, 999_990) == 1_000_000
    with pytest.raises(ClockRefuses, match="behind"):
        clock.stamp(1_000_000, 1_000_001)
    steady[0] = 60.0
    with pytest.raises(ClockRefuses, match="leapt"):
        clock.stamp(1_000_060 + 90_000, 0)
    with pytest.raises(ClockRefuses, match="leapt"):
        clock.stamp(1_000_060 - 90_000, 0)
    assert clock.stamp(1_003_600, 0) == 1_003_600
    steady[0] = 9_000_000.0
    assert clock.stamp(10_000_000, 0) == 10_000_000


def test_a_ledger_with_a_late_clock_waits(url, ledger, office, again):
    """Entries from a clock that ran ahead: nothing is stamped before it, and the reason is told."""
    (miner,) = traders(ledger, office, "miner")
    with ledger.store.write() as view:
        view.run("UPDATE head SET record_time = record_time + 600")
    signed = some_trade(miner, miner)[:1]
    late = again(url)
    assert append(late, *signed)[0].name == "not_signing"
    assert "behind" in late.refusal
    with ledger.store.write() as view:
        view.run("UPDATE head SET record_time = record_time - 600")
    recorded(late, *signed)
    assert late.refusal is None


# The tree and the public log


@given(st.integers(0, 1100), st.integers(1, 1100))
def test_growth_is_what_the_tree_says(old, new):
    """Edge, full tiles and proofs of a tree that grew are those that the whole tree gives."""
    leaves = [number.to_bytes(32, "big") for number in range(old + new)]
    levels = [leaves]
    while len(levels[-1]) > 1:
        pairs = zip(levels[-1][::2], levels[-1][1::2], strict=False)
        levels.append([merkle.node_hash(left, right) for left, right in pairs])
    read = lambda coordinates: [levels[level][index] for level, index in coordinates]  # noqa: E731
    growth = Growth(Edge.empty().extend(leaves[:old]), leaves[old:])
    assert growth.edge.root() == merkle.root_from_leaf_hashes(leaves)
    for index in {old, old + new // 2, old + new - 1}:
        assert growth.proof(index) == tuple(merkle.inclusion_proof(index, old + new, read))
    tiles = growth.tiles(lambda level, first, end: levels[level * 8][first:end])
    wanted = [
        (level, n) for level, n, width in tile.tiles_between(old, old + new) if width == tile.TILE_WIDTH
    ]
    assert [(found.level, found.n) for found in tiles] == wanted
    for found in tiles:
        assert found.hashes == b"".join(read(tile.tile_coordinates(found.level, found.n)))
        assert found.root == levels[found.level * 8 + 8][found.n]


def test_the_public_log_is_what_was_signed(ledger, office):
    """Every tile and bundle of the published tree is served, its leaves give the root, and nothing beyond it."""
    miner, trader = traders(ledger, office, "miner", "trader")
    recorded(ledger, *some_trade(miner, trader, 100))
    with ledger.store.read() as view:
        size, note = view.checkpoint()
        leaves = []
        for level, n, width in tile.tiles_for(size):
            body = publish.tile_body(view, level, n, width)
            assert len(body) == width * 32
            if level == 0:
                bundle = tile.decode_bundle(publish.entries_body(view, n, width), width)
                assert b"".join(map(merkle.leaf_hash, bundle)) == body
                leaves += bundle
        root = merkle.root_from_leaf_hashes(map(merkle.leaf_hash, leaves))
        assert root == view.head().root
        assert root == base64.b64decode(note.split(b"\n")[2])
        for wrong in ((0, 2, 1), (0, 1, 256), (1, 1, 1), (0, 0, 0), (0, 0, 257), (2, 0, 1), (0, -1, 1)):
            assert publish.tile_body(view, *wrong) is None
        assert publish.entries_body(view, 1, 256) is None
        proof = publish.consistency_proof(view, 5, size)
        merkle.verify_consistency(5, view.root_at(5), size, root, proof)
        proof = publish.inclusion_proof(view, 17, size)
        merkle.verify_inclusion(merkle.leaf_hash(leaves[17]), 17, size, proof, root)


def test_nothing_is_public_before_it_is_signed(ledger, office, again, url):
    """Entries that are committed and not yet published are in no tile."""
    miner, trader = traders(ledger, office, "miner", "trader")
    signed = some_trade(miner, trader)

    def work():
        from traceability.ledger.guard import FileGuard
        from traceability.ledger.writer import Ledger

        guard = FileGuard(ledger._guard._path, LOG_SIGNER.verifier.encode())
        own = Ledger(Store(url), guard, LOG_SIGNER, reached=lambda name: name == "committed" and os._exit(7))
        own.append([sent(one) for one in signed])

    assert wait(fork(work)) == 7
    with ledger.store.read() as view:
        assert (view.checkpoint()[0], view.head().size) == (3, 6)
        assert publish.tile_body(view, 0, 0, 3) is not None
        assert publish.tile_body(view, 0, 0, 4) is None
    again(url)
    with ledger.store.read() as view:
        assert publish.tile_body(view, 0, 0, 6) is not None


def test_lists_reach_postgresql_as_they_are(postgres):
    """Numbers to their limits, nulls, bytes, and texts with everything an escape could hide in."""
    lists = {
        "smallint": [-(2**15), 0, 2**15 - 1, None],
        "int": [-(2**31), 2**31 - 1],
        "bigint": [None, -(2**63), 2**63 - 1],
        "text": ["", "é\\\"'{},NULL", "NULL", "a b"],
        "bytea": [b"", bytes(range(256)), b"\\x00"],
    }
    with psycopg.connect(postgres.format("template_ledger")) as connection:
        for type_, values in lists.items():
            query = f"SELECT %s::{type_}[]"
            assert connection.execute(query, (Array(type_, values),)).fetchone() == (values,)
