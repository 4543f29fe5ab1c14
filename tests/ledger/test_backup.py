"""Backups taken while others write, what can be restored from them, and what the guard says then."""

import json
import sqlite3
import threading

import pytest
from sending import append, recorded, some_trade, traders

from traceability.ledger import dump, fsck
from traceability.ledger.answers import Recorded
from traceability.ledger.backup import NotBackedUp, adopt_guard, backup, restore
from traceability.ledger.dump import NotLoaded, load
from traceability.ledger.guard import FileGuard, GuardRefuses
from traceability.ledger.store import Store
from trade import LOG_SIGNER, produce


def contents(store: Store):
    """What every table that a dump carries, or that follows from it, says."""
    tables = ("entry", "outcome", "state", "lot", "move", "holding", "finding", "disclosure", "tag_code")
    with store.read() as view:
        return {table: sorted(view.all(f"SELECT * FROM {table}"), key=repr) for table in tables}


@pytest.fixture
def trade(ledger, office):
    """A ledger with some trade, and the pens that go on."""
    miner, trader = traders(ledger, office, "miner", "trader")
    recorded(ledger, *some_trade(miner, trader, 20))
    return miner, trader


def test_a_backup_taken_while_others_write_is_whole(ledger, trade, tmp_path, fresh_url, opened, again):
    """Whatever moment it catches, it is a ledger; what came after is missing, and the guard knows."""
    stop = threading.Event()
    failed = []

    def write():
        while not stop.is_set():
            answers = append(ledger, *some_trade(*trade, 3))
            failed.extend(answer for answer in answers if not isinstance(answer, Recorded))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        head = backup(ledger.store, tmp_path / "backup")
    finally:
        stop.set()
        thread.join()
    recorded(ledger, *some_trade(*trade))
    assert not failed
    assert sorted(path.name for path in tmp_path.glob(".*")) == []
    with ledger.store.read() as view:
        assert head.root == view.root_at(head.size)
        assert head.size < view.head().size

    url = f"sqlite:///{tmp_path / 'restored' / 'ledger.sqlite3'}"
    if ledger.store.database.name == "postgresql":
        url = fresh_url()
    assert restore(tmp_path / "backup", url) == head
    store = opened(url)
    assert fsck.check(store).verdict == "good"
    older = again(url)
    assert "rolled back" in older.refusal
    assert append(older, produce(trade[0], "1.00"))[0].name == "not_signing"
    with store.read() as view:
        assert view.entry(head.size - 1) is not None


@pytest.mark.threat("T39")
def test_a_lost_guard_is_adopted_only_on_this_history(
    ledger, trade, tmp_path, fresh_url, opened, again, office
):
    """Without a guard nothing is signed; the newest checkpoint anybody holds starts one, if the ledger has it."""
    backup(ledger.store, tmp_path / "older")
    recorded(ledger, *some_trade(*trade))
    backup(ledger.store, tmp_path / "newest")
    with ledger.store.read() as view:
        _, newest = view.checkpoint()
    urls = {}
    for name in ("older", "newest"):
        urls[name] = f"sqlite:///{tmp_path / name}.sqlite3"
        restore(tmp_path / name, urls[name])
    lost = FileGuard(tmp_path / "lost", LOG_SIGNER.verifier.encode())
    unguarded = again(urls["newest"], lost)
    assert "knows nothing" in unguarded.refusal
    with pytest.raises(GuardRefuses, match="restore the rest first"):
        adopt_guard(opened(urls["older"]), lost, newest)
    with pytest.raises(GuardRefuses, match="no checkpoint"):
        adopt_guard(opened(urls["newest"]), lost, newest.replace(b"\n", b"\r\n"))
    assert lost.read() is None
    adopt_guard(opened(urls["newest"]), lost, newest)
    unguarded.reload()
    assert unguarded.refusal is None
    recorded(unguarded, *some_trade(*trade))
    with pytest.raises(GuardRefuses, match="already"):
        adopt_guard(opened(urls["newest"]), lost, newest)


@pytest.mark.threat("T55")
def test_a_dump_gives_the_same_ledger_again(ledger, trade, fresh_url, opened, tmp_path, guard, again):
    """Dumped and loaded, into either database, a ledger is the same to the last row, and goes on."""
    lines = list(dump.dump(ledger.store))
    path = tmp_path / "dump.ndjson"
    path.write_bytes(b"".join(lines))
    file = f"sqlite:///{tmp_path / 'loaded.sqlite3'}"
    for url in (fresh_url(), file):
        head = restore(path, url)
        store = opened(url)
        assert fsck.check(store, guard).verdict == "good"
        assert contents(store) == contents(ledger.store)
        assert list(dump.dump(store)) == lines
    assert head.size == len(lines) - 1
    recorded(again(file), *some_trade(*trade))


def test_a_changed_dump_is_refused(ledger, trade, fresh_url, opened):
    """Any change to any line, a missing, doubled or swapped line: nothing is loaded, and the place is named."""
    lines = list(dump.dump(ledger.store))

    def changed(number, change):
        value = json.loads(lines[number])
        change(value)
        spoiled = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()
        return [*lines[:number], spoiled + b"\n", *lines[number + 1 :]]

    enrolled = next(number for number, line in enumerate(lines[1:], 1) if json.loads(line)["disclosures"])
    spoiled = [
        [],
        lines[1:],
        lines[:-1],
        lines[:5],
        [*lines, lines[-1]],
        [*lines[:7], lines[8], lines[7], *lines[9:]],
        [*lines[:7], *lines[8:]],
        [*lines[:7], b"\n", *lines[7:]],
        changed(0, lambda v: v.update(size=v["size"] - 1)),
        changed(0, lambda v: v.update(format="other")),
        changed(0, lambda v: v.update(checkpoint=v["checkpoint"].replace("test", "other"))),
        changed(9, lambda v: v.update(blind="A" * 43)),
        changed(9, lambda v: v.update(index=9)),
        changed(9, lambda v: v.update(more=1)),
        changed(9, lambda v: v["entry"].update(record_time="2026-11-23T10:15:00+00:00")),
        changed(9, lambda v: v["entry"].update(record_time="1970-01-01T00:00:00Z")),
        changed(9, lambda v: v["entry"]["envelope"]["signatures"][0].update(sig="A" * 86 + "==")),
        changed(enrolled, lambda v: v["disclosures"][0][2].update(name="Another")),
        changed(enrolled, lambda v: v["disclosures"][0].__setitem__(1, "/elsewhere")),
        changed(9, lambda v: v["entry"].update(record_time=9)),
        changed(9, lambda v: v["entry"].update(record_time="0001-01-01T00:00:00Z")),
        changed(9, lambda v: v["entry"].update(envelope=[])),
        [lines[0].replace(b"traceability", b"\xff"), *lines[1:]],
        [*lines[:9], lines[9].replace(b'"blind":"', b'"blind":"\xff'), *lines[10:]],
        [*lines, b'{"scans":[["\xff"]]}\n'],
        [*lines, b'{"scans":[[1]]}\n'],
        [*lines, b'{"scans":[["t:x-1","2026-03-01","0,0",""]]}\n'],
    ]
    store = opened(fresh_url())
    for number, wrong in enumerate(spoiled):
        with pytest.raises(NotLoaded):
            load(wrong, store)
        with store.read() as view:
            assert view.all("SELECT idx FROM entry") == [], number
    load(lines, store)
    with pytest.raises(NotLoaded, match="already"):
        load(lines, store)


def test_a_spoiled_backup_is_no_backup(ledger, trade, tmp_path, opened, fresh_url):
    """A backup of a damaged ledger fails when it is taken, a tampered one when it is restored."""
    path = tmp_path / "good"
    backup(ledger.store, path)
    with pytest.raises(NotBackedUp, match="exists"):
        backup(ledger.store, path)
    url = f"sqlite:///{tmp_path / 'again.sqlite3'}"
    tampered = tmp_path / "tampered"
    if ledger.store.database.name == "sqlite":
        tampered.write_bytes(path.read_bytes())
        with sqlite3.connect(tampered) as connection:
            connection.execute("DROP TRIGGER entry_no_update")
            connection.execute("UPDATE entry SET blind = ? WHERE idx = 7", (bytes(32),))
        connection.close()
        expected = NotBackedUp
    else:
        tampered.write_bytes(path.read_bytes().replace(b'"index":7}', b'"index":8}'))
        expected = NotLoaded
    with pytest.raises(expected):
        restore(tampered, url)
    with ledger.store.write() as view:
        view.run("UPDATE checkpoint SET size = size - 1")
    with pytest.raises(NotBackedUp):
        backup(ledger.store, tmp_path / "damaged")
    assert not (tmp_path / "damaged").exists()
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_a_restore_overwrites_nothing(ledger, trade, tmp_path):
    """Where there is a ledger already, it stays as it is."""
    path = tmp_path / "backup"
    backup(ledger.store, path)
    with pytest.raises((NotBackedUp, NotLoaded)):
        restore(path, ledger.store.url)
    assert fsck.check(ledger.store).verdict == "good"
