"""The guard: it moves forward on one tree only, and whatever it does not know is not signed."""

import threading

import psycopg
import pytest
from sending import append, recorded, some_trade, traders

from traceability.core import merkle
from traceability.core.checkpoint import open_checkpoint
from traceability.core.note import Signer
from traceability.ledger import fsck
from traceability.ledger import guard as guards
from traceability.ledger.guard import (
    FileGuard,
    GuardHead,
    GuardRefuses,
    GuardUnavailable,
    PostgresGuard,
    open_guard,
)
from trade import LOG, LOG_SIGNER, produce

VKEY = LOG_SIGNER.verifier.encode()
HEADS = [GuardHead(size, bytes([size]) * 32) for size in range(6)]


@pytest.fixture(params=["file", "postgresql"])
def where(request, tmp_path):
    """Where a guard may lie."""
    if request.param == "file":
        return str(tmp_path / "deep" / "guard")
    url = request.getfixturevalue("postgres")
    with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS guard_of_test")
        connection.execute("CREATE DATABASE guard_of_test")
    return url.format("guard_of_test")


@pytest.fixture
def open_(where):
    """Opens guards there, as several processes would."""
    guards = []

    def open_one(vkey=VKEY):
        guards.append(open_guard(where, vkey))
        return guards[-1]

    yield open_one
    for guard in guards:
        guard.close()


def on_this_tree(head):
    return head in HEADS


def test_a_guard_moves_forward_only(open_):
    """It begins once, follows its tree, stays where it is ahead, and is the same for whoever opens it."""
    guard = open_()
    assert guard.read() is None
    with pytest.raises(GuardRefuses, match="knows nothing"):
        guard.advance(HEADS[1], on_this_tree)
    guard.begin(HEADS[0])
    guard.begin(HEADS[0])
    guard.advance(HEADS[2], on_this_tree)
    assert open_().read() == HEADS[2]
    with pytest.raises(GuardRefuses, match="already"):
        guard.begin(HEADS[0])
    for head in (HEADS[1], HEADS[2]):
        guard.advance(head, on_this_tree)
        assert guard.read() == HEADS[2]
    open_().advance(HEADS[5], on_this_tree)
    assert guard.read() == HEADS[5]


@pytest.mark.threat("T49")
@pytest.mark.parametrize(
    ("head", "words"), [(HEADS[1], "rolled back"), (HEADS[3], "rolled back"), (HEADS[5], "another history")]
)
def test_a_head_the_database_does_not_have_stops_it(open_, head, words):
    """Ahead of a database without its head, or on another tree: nothing is signed, and it stays."""
    guard = open_()
    guard.begin(HEADS[4])
    with pytest.raises(GuardRefuses, match=words):
        guard.advance(head, lambda _: False)
    assert guard.read() == HEADS[4]


@pytest.mark.threat("T49")
def test_another_root_at_the_same_size_stops_it(open_):
    """Two roots for one size is what it is there to prevent."""
    guard = open_()
    guard.begin(HEADS[4])
    with pytest.raises(GuardRefuses, match="history"):
        guard.advance(GuardHead(4, bytes(32)), lambda held: held == GuardHead(4, bytes(32)))


def test_one_place_guards_several_logs(open_):
    """Each log key has its own head."""
    other = Signer("other.example", bytes([7]) * 32).verifier.encode()
    open_().begin(HEADS[3])
    open_(other).begin(HEADS[0])
    open_(other).advance(HEADS[1], on_this_tree)
    assert open_().read() == HEADS[3]
    assert open_(other).read() == HEADS[1]


def test_many_at_once_leave_the_largest(open_):
    """Threads that move it forward together never move it back."""
    open_().begin(HEADS[0])
    guards = [open_() for _ in range(5)]

    def move(guard, order):
        for head in order:
            guard.advance(head, on_this_tree)

    orders = [HEADS[1:], HEADS[:0:-1], HEADS[2:4], HEADS[3:5], [HEADS[5], HEADS[1]]]
    threads = [threading.Thread(target=move, args=pair) for pair in zip(guards, orders, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_().read() == HEADS[5]


@pytest.mark.parametrize("text", ["nonsense\n", f"{VKEY} 4\n", f"{VKEY} -1 {'00' * 32}\n", f"{VKEY} 4 00\n"])
def test_a_damaged_guard_file_is_no_guard(tmp_path, text):
    """A file that cannot be read as a guard stops signing; it is not taken for a missing one."""
    (tmp_path / "guard").write_text(text)
    with pytest.raises(GuardRefuses, match="damaged"):
        FileGuard(tmp_path / "guard", VKEY).read()


def test_a_guard_that_cannot_be_reached_says_so(tmp_path):
    """A folder in the file's place, a server that is not there: unavailable, and nothing is concluded."""
    (tmp_path / "guard").mkdir()
    with pytest.raises(GuardUnavailable):
        FileGuard(tmp_path / "guard", VKEY).read()
    with pytest.raises(GuardUnavailable):
        PostgresGuard(f"postgresql://nobody@/none?host={tmp_path}", VKEY).read()


@pytest.mark.parametrize("where", ["postgresql"], indirect=True)
def test_a_lock_on_the_guard_that_somebody_forgot(open_, where, monkeypatch):
    """It is waited for as long as any lock, and no longer; once it is gone the same guard goes on."""
    monkeypatch.setattr(guards, "BUSY", guards.BUSY.replace("30s", "200ms"))
    guard = open_()
    guard.begin(HEADS[0])
    with psycopg.connect(where) as other:
        other.execute("LOCK TABLE traceability_guard IN SHARE MODE")
        with pytest.raises(GuardUnavailable, match="lock timeout"):
            guard.advance(HEADS[1], on_this_tree)
    guard.advance(HEADS[1], on_this_tree)
    assert open_().read() == HEADS[1]


# At the start of a ledger


def published(store):
    with store.read() as view:
        size, note = view.checkpoint()
    assert open_checkpoint(note, LOG, [LOG_SIGNER.verifier]).checkpoint.size == size
    return size


def test_a_guard_that_is_behind_moves_on(url, ledger, guard, office, again, tmp_path):
    """A crash between commit and guard: the next start moves it on and publishes what was not."""
    miner, trader = traders(ledger, office, "miner", "trader")
    before, path = guard.read(), tmp_path / "state" / "guard"
    text = path.read_text()
    recorded(ledger, *some_trade(miner, trader))
    with ledger.store.write() as view:
        view.run("DELETE FROM checkpoint")
    path.write_text(text)
    assert guard.read() == before
    opened = again(url)
    assert opened.refusal is None
    assert guard.read().size == published(opened.store) == 6
    recorded(opened, *some_trade(miner, trader))
    assert fsck.check(opened.store, guard).verdict == "good"


@pytest.mark.threat("T38")
def test_a_guard_that_is_ahead_or_elsewhere_stops_signing(url, ledger, guard, office, again, tmp_path):
    """Ahead, another root, missing: reads go on, nothing is signed, and the reason is told."""
    (miner,) = traders(ledger, office, "miner")
    size = published(ledger.store)
    heads = [
        ("rolled back", GuardHead(size + 1, bytes(32))),
        ("another history", GuardHead(size, bytes(32))),
        ("another history", GuardHead(1, bytes(32))),
        ("knows nothing", None),
    ]
    for number, (words, head) in enumerate(heads):
        other = FileGuard(tmp_path / f"guard{number}", VKEY)
        if head is not None:
            other.begin(head)
        stopped = again(url, other)
        assert words in stopped.refusal
        (answer,) = append(stopped, produce(miner, "1.00"))
        assert (answer.name, answer.message) == ("not_signing", stopped.refusal)
        assert other.read() == head
        assert published(stopped.store) == size
        with stopped.store.read() as view:
            assert view.head().size == size
            assert view.entry(size - 1) is not None


def test_a_guard_moved_by_a_stranger_stops_a_running_ledger(ledger, office, guard, tmp_path):
    """Found out at the next append: what is committed then is not signed, nor is anything after."""
    (miner,) = traders(ledger, office, "miner")
    size = published(ledger.store)
    path = tmp_path / "state" / "guard"
    text = path.read_text()
    path.write_text(f"{VKEY} 99 {'00' * 32}\n")
    made = produce(miner, "1.00")
    assert append(ledger, made)[0].name == "not_signing"
    assert "rolled back" in ledger.refusal
    assert published(ledger.store) == size
    path.write_text(text)
    ledger.reload()
    assert recorded(ledger, made)[0].index == size


def test_a_guard_out_of_reach_is_waited_for(ledger, office, tmp_path):
    """While it cannot be written nothing is acknowledged; once it can, the same events are, without a restart."""
    (miner,) = traders(ledger, office, "miner")
    path = tmp_path / "state" / "guard"
    path.rename(tmp_path / "kept")
    path.mkdir()
    made = produce(miner, "1.00")
    assert append(ledger, made)[0].name in ("not_signing", "unavailable")
    assert ledger.refusal is not None
    path.rmdir()
    (tmp_path / "kept").rename(path)
    (answer,) = recorded(ledger, made)
    assert ledger.refusal is None
    with ledger.store.read() as view:
        assert view.head().size == answer.index + 1


@pytest.mark.threat("T48")
def test_a_slower_writer_signs_what_it_wrote(url, ledger, office, again, guard):
    """Two writers on one ledger: each answer is proved, the larger checkpoint stays published."""
    miner, trader = traders(ledger, office, "miner", "trader")
    second = again(url)
    for ledger_ in (second, ledger, ledger, second):
        recorded(ledger_, *some_trade(miner, trader))
        assert published(ledger_.store) == guard.read().size
    with second.store.read() as view:
        head = view.head()
        assert merkle.tree_root(head.size, view.nodes(head.size)) == head.root
