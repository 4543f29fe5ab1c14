"""fsck: good is called good, and every damaged row is found and named; rebuild mends what can be mended."""

import sqlite3

import psycopg
import pytest
from sending import handoff, recorded, some_trade, traders

from patience import until
from traceability.core.ids import derive
from traceability.ledger import fsck, places, replay, snapshots
from traceability.ledger.ahead import Ahead
from traceability.ledger.guard import FileGuard, GuardHead
from traceability.ledger.rebuild import PROJECTIONS, NotRebuilt, rebuild
from trade import LOG_SIGNER, accept, nonce, offer, produce


@pytest.fixture
def busy(ledger, office):
    """A ledger in which every table has rows: tags, findings, a double issue, disclosures."""
    miner, trader, other = traders(ledger, office, "miner", "trader", "other")
    own = nonce()
    registrar = office.registrar
    roll = derive("roll", registrar.key.id, own)
    body = {"roll": roll, "nonce": own, "scheme": "t", "level": "mine", "medium": "qr", "count": 1}
    codes = [{"code": "0123456789A0V", "number": 1}]
    made = produce(miner, "38.40", "20.00")
    pairs = [(made.id, lot) for lot in made.lots]
    first, second = offer(miner, trader.party, pairs), offer(miner, other.party, pairs)
    title = offer(miner, other.party, [(made.id, made.lots[0])], moves="title")
    recorded(
        ledger,
        registrar.sign("tag_issue", body, sealed={"/codes": codes}),
        made,
        first,
        second,
        title,
        accept(trader, [(first.id, lot) for lot in made.lots]),
        *some_trade(miner, trader, 15),
    )
    again = produce(miner, "1.00")
    recorded(ledger, again, *handoff(miner, trader, [(again.id, again.lots[0])]))
    ledger.pens = (miner, trader)
    places.fill(ledger.store)
    return ledger


@pytest.fixture
def tall(busy):
    """The same with more entries than go into one tile."""
    recorded(busy, *some_trade(*busy.pens, 75))
    places.fill(busy.store)
    return busy


def verdict(ledger, guard=None):
    report = fsck.check(ledger.store, guard)
    return report, {damage.table for damage in report.damages}


def test_a_good_ledger_is_good(tall, guard):
    """Nothing is found where nothing is wrong, and the root is the one that is signed."""
    seen = []
    report = fsck.check(tall.store, guard, seen.append)
    assert (report.verdict, report.damages, report.notes) == ("good", (), ())
    with tall.store.read() as view:
        head = view.head()
    assert (report.size, report.root) == (head.size, head.root.hex())
    assert seen[-1] == head.size


def test_other_processes_find_the_same(tall, guard, monkeypatch):
    """A large log is examined by another process; what it finds is the same."""
    monkeypatch.setattr(replay, "AHEAD_FROM", 1)
    monkeypatch.setattr(replay, "CHUNK", 100)
    assert fsck.check(tall.store, guard).verdict == "good"
    change(tall, "UPDATE entry SET signature = ? WHERE idx = 233", bytes(64))
    report, _ = verdict(tall)
    assert report.damages[0].index == 233


def test_another_process_that_dies_hides_nothing(tall, guard, monkeypatch):
    """Killed over its first request, it is noticed; what it was to examine is examined here, damage and all."""

    class Mortal(Ahead):
        def __init__(self, work):
            super().__init__(work)
            until(lambda: self.ready)

        def ask(self, request):
            self._process.kill()
            return super().ask(request)

    monkeypatch.setattr(replay, "Ahead", Mortal)
    monkeypatch.setattr(replay, "AHEAD_FROM", 1)
    monkeypatch.setattr(replay, "CHUNK", 50)
    assert fsck.check(tall.store, guard).verdict == "good"
    change(tall, "UPDATE entry SET signature = ? WHERE idx = 233", bytes(64))
    report, _ = verdict(tall)
    assert report.damages[0].index == 233


def test_an_empty_ledger_is_good(url, opened, guard):
    """A migrated database without a genesis has nothing wrong with it."""
    assert fsck.check(opened(url), guard).verdict == "good"


TILE_CHANGES = [
    ("UPDATE tile SET hashes = ? WHERE n = 0", bytes(8192)),
    ("UPDATE tile SET root = ? WHERE n = 0", bytes(32)),
    ("DELETE FROM tile",),
]
CHANGES = [
    ("UPDATE outcome SET leaf = ? WHERE idx = 17", bytes(32)),
    ("UPDATE outcome SET value = ? WHERE idx = 17", b"\x93\xc3\x90\x90"),
    ("UPDATE outcome SET sequence = 4711 WHERE idx = 17",),
    ("UPDATE outcome SET signer = 0 WHERE idx = 17",),
    ("DELETE FROM outcome WHERE idx = 17",),
    ("UPDATE signer SET top = top + 1 WHERE no = 2",),
    ("UPDATE signer SET key_id = ? WHERE no = 2", "ab" * 32),
    ("DELETE FROM signer WHERE no = 2",),
    ("UPDATE state SET value = (SELECT value FROM state WHERE type = 'book') WHERE type = 'policy'",),
    ("DELETE FROM state WHERE type = 'ledger'",),
    ("INSERT INTO state VALUES ('party', 'zzz', ?)", b"\x91"),
    ("UPDATE move SET stands = 0 WHERE idx = 6",),
    ("UPDATE move SET custody = 1 WHERE idx = 9 AND custody IS NOT NULL",),
    ("UPDATE move SET title = 1 WHERE idx = 8",),
    ("DELETE FROM move WHERE idx = 5",),
    ("UPDATE root SET root = ? WHERE size = 1", bytes(32)),
    ("INSERT INTO root VALUES (77, ?)", bytes(32)),
    ("UPDATE head SET root = ?", bytes(32)),
    ("UPDATE head SET record_time = record_time - 1",),
    ("UPDATE head SET edge = ?", b""),
    ("UPDATE checkpoint SET note = ?", b"nonsense"),
    ("UPDATE checkpoint SET size = size - 1",),
    ("DELETE FROM checkpoint",),
    ("UPDATE event_place SET idx = 4712 WHERE idx = 12",),
    ("DELETE FROM event_place WHERE idx = 12",),
    ("UPDATE placed SET size = 100000",),
    ("UPDATE lot SET mineral = 'gold' WHERE no = (SELECT max(no) FROM lot)",),
    ("UPDATE lot SET state = 'ended' WHERE state = 'held'",),
    ("UPDATE lot SET id = upper(id)",),
    ("UPDATE lot SET value = ? WHERE no = (SELECT max(no) FROM lot)", b"\x91"),
    ("DELETE FROM lot WHERE no = (SELECT max(no) FROM lot)",),
    ("UPDATE lot_place SET id = id + 1 WHERE no = (SELECT max(no) FROM lot)",),
    ("DELETE FROM lot_place WHERE no = (SELECT max(no) FROM lot)",),
    ("UPDATE holding SET party = party + 1000000 WHERE lot = (SELECT max(no) FROM lot)",),
    ("DELETE FROM holding WHERE lot = (SELECT max(no) FROM lot)",),
    ("UPDATE finding SET severity = 'notice' WHERE severity = 'severe'",),
    ("UPDATE finding SET value = ? WHERE idx = 7", b"{}"),
    ("DELETE FROM finding WHERE idx = 7",),
    ("DELETE FROM finding_subject WHERE idx = 7",),
    ("INSERT INTO finding_subject VALUES ('lot', 'zzz', 3, 0)",),
    ("UPDATE disclosure SET value = ? WHERE idx = 1", b'"somebody else"'),
    ("UPDATE disclosure SET salt = ? WHERE idx = 1", bytes(16)),
    ("UPDATE disclosure SET idx = 100000 WHERE idx = 1",),
    ("UPDATE tag_code SET code = '0123456789A20'",),
    ("DELETE FROM tag_code",),
]


def change(ledger, statement, *values):
    """What somebody with the database in his hands can do, triggers and all."""
    with ledger.store.write() as view:
        if " entry " in statement:
            if ledger.store.database.name == "sqlite":
                for name in ("entry_no_update", "entry_no_delete", "entry_dense"):
                    view.run(f"DROP TRIGGER IF EXISTS {name}")
            else:
                view.run("ALTER TABLE entry DISABLE TRIGGER ALL")
        return view.run(statement, *values)


@pytest.mark.threat("T44")
def test_tiles_are_compared(tall, guard):
    """Whatever is changed in a tile is found there."""
    find_each(tall, guard, TILE_CHANGES)


@pytest.mark.threat("T43")
def test_each_table_is_compared(busy, guard):
    """Whatever is changed in a table that follows from the entries is found, and in that table."""
    find_each(busy, guard, CHANGES)


def find_each(busy, guard, changes):
    for statement, *values in changes:
        words = statement.split()
        table = words[1] if words[0] == "UPDATE" else words[2]
        with busy.store.read() as view:
            before = view.all(f"SELECT * FROM {table}")
        assert change(busy, statement, *values) > 0, statement
        report, tables = verdict(busy, guard)
        assert report.verdict == "damaged", statement
        assert table in tables, (statement, report.damages)
        marks = ", ".join("?" * len(before[0]))
        with busy.store.write() as view:
            view.run(f"DELETE FROM {table}")
            for row in before:
                view.run(f"INSERT INTO {table} VALUES ({marks})", *row)
    assert fsck.check(busy.store, guard).verdict == "good"


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ("UPDATE entry SET payload = ? WHERE idx = 40", [b"{}"]),
        ("UPDATE entry SET signature = ? WHERE idx = 40", [bytes(64)]),
        ("UPDATE entry SET blind = ? WHERE idx = 40", [bytes(32)]),
        ("UPDATE entry SET record_time = record_time + 1 WHERE idx = 40", []),
        ("UPDATE entry SET record_time = 0 WHERE idx = 40", []),
        ("DELETE FROM entry WHERE idx = 40", []),
        (
            "UPDATE entry SET (payload, signature) = (SELECT payload, signature FROM entry WHERE idx = 39) WHERE idx = 40",
            [],
        ),
        (
            "UPDATE entry SET (payload, signature) = (SELECT payload, signature FROM entry WHERE idx = 41) WHERE idx = 40",
            [],
        ),
    ],
)
def test_a_changed_entry_is_named(busy, guard, statement, values):
    """Whoever edits the truth itself is found out at that entry, and rebuild will not build on it."""
    change(busy, statement, *values)
    report, tables = verdict(busy, guard)
    assert report.verdict == "damaged"
    assert "entry" in tables
    named = [damage.index for damage in report.damages if damage.table == "entry"]
    assert 40 in named or ("record_time +" in statement and 41 in named), report.damages
    with busy.store.read() as view:
        before = view.all("SELECT * FROM state ORDER BY type, id")
    with pytest.raises(NotRebuilt):
        rebuild(busy.store)
    with busy.store.read() as view:
        assert view.all("SELECT * FROM state ORDER BY type, id") == before


@pytest.mark.threat("T35")
def test_a_lost_tail_is_found(tall, guard):
    """Entries cut off at the end are missed by the head, and by the guard."""
    change(tall, "DELETE FROM entry WHERE idx > 200")
    report, _ = verdict(tall)
    assert (report.damages[0].table, report.damages[0].index) == ("entry", 201)


@pytest.mark.threat("T38")
def test_a_rolled_back_ledger_is_told_by_the_guard(ledger, office, guard, fresh_url, opened, tmp_path):
    """An older state that is good in itself is rolled back where the guard has seen more."""
    (miner,) = traders(ledger, office, "miner")
    recorded(ledger, produce(miner, "1.00"))
    assert fsck.check(ledger.store, guard).verdict == "good"
    ahead = FileGuard(tmp_path / "ahead", LOG_SIGNER.verifier.encode())
    ahead.begin(GuardHead(40, bytes(32)))
    assert fsck.check(ledger.store, ahead).verdict == "rolled_back"
    other = FileGuard(tmp_path / "other", LOG_SIGNER.verifier.encode())
    other.begin(GuardHead(2, bytes(32)))
    report = fsck.check(ledger.store, other)
    assert (report.verdict, report.damages[0].table) == ("damaged", "guard")
    empty = FileGuard(tmp_path / "empty", LOG_SIGNER.verifier.encode())
    assert fsck.check(ledger.store, empty).verdict == "cannot_check"


@pytest.mark.threat("T33")
def test_entries_cannot_be_changed(ledger, office):
    """The database itself refuses to update, delete, replace or skip an entry."""
    traders(ledger, office, "miner")
    statements = [
        "UPDATE entry SET blind = blind",
        "DELETE FROM entry WHERE idx = 0",
        "DELETE FROM entry",
        "INSERT INTO entry SELECT 0, record_time, payload, signature, blind FROM entry WHERE idx = 1",
    ]
    if ledger.store.database.name == "sqlite":
        statements += [
            "INSERT OR REPLACE INTO entry SELECT 0, record_time, payload, signature, blind FROM entry WHERE idx = 1",
            "INSERT INTO entry SELECT 9, record_time, payload, signature, blind FROM entry WHERE idx = 1",
        ]
    else:
        statements.append("TRUNCATE entry")
    for statement in statements:
        with pytest.raises((sqlite3.IntegrityError, psycopg.Error)), ledger.store.write() as view:
            view.run(statement)
    assert fsck.check(ledger.store).verdict == "good"


@pytest.mark.threat("T43")
def test_rebuild_fills_every_projection(tall, guard, office):
    """With every projection emptied, the entries alone bring all of them back, byte for byte; the book as of the
    snapshot that was kept."""
    snapshots.take(tall, office.operator.key, office.operator.party, lambda: 1_780_000_000)
    recorded(tall, *some_trade(*tall.pens, 2))
    places.fill(tall.store)
    tables = [*PROJECTIONS, "head", "placed"]

    def everything():
        with tall.store.read() as view:
            return {table: sorted(view.all(f"SELECT * FROM {table}"), key=repr) for table in tables}

    before = everything()
    assert all(before.values())
    with tall.store.write() as view:
        for table in PROJECTIONS:
            if table not in ("root", "book"):
                view.run(f"DELETE FROM {table}")
    rebuild(tall.store)
    assert everything() == before
    assert fsck.check(tall.store, guard).verdict == "good"


def test_what_was_opened_of_an_entry_that_is_gone(busy, guard, monkeypatch):
    """Wherever the log is cut to be read, a disclosure without its entry is named too."""
    monkeypatch.setattr(replay, "CHUNK", 2)
    assert fsck.check(busy.store, guard).verdict == "good"
    change(busy, "DELETE FROM entry WHERE idx = 1")  # the last of the first two
    report, _ = verdict(busy)
    assert ("disclosure", 1) in {(damage.table, damage.index) for damage in report.damages}
