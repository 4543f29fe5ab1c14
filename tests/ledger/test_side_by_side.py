"""Several processes append to one log: each goes on from what it knows, but for what the others say they changed."""

import random

import pytest
from sending import recorded, some_trade, traders

import oracle
from traceability.core.note import Signer
from traceability.ledger import changes, fsck, places
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.guard import FileGuard, GuardHead
from traceability.ledger.writer import Ledger, create
from traceability.simulation.season import season
from trade import LOG, LOG_SIGNER, produce

END = 1_795_000_000
TABLES = ("state", "lot", "lot_place", "move", "holding", "finding", "finding_subject", "signer")


def rows(store):
    """What the entries led to."""
    with store.read() as view:
        return {table: view.all(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}


@pytest.fixture
def told(monkeypatch):
    """Whether each word of the others was enough to go on, as it is asked for."""
    answers = []
    since = changes.since

    def asked(view, then, size):
        answers.append(since(view, then, size))
        return answers[-1]

    monkeypatch.setattr(changes, "since", asked)
    return answers


@pytest.mark.threat("T16")
def test_a_season_dealt_to_three_leaves_what_it_leaves_with_one(fresh_url, opened, tmp_path, told):
    """Of a season's events each group goes to another of three; the records are those of one who had them all."""
    signer = Signer(LOG, bytes(32))
    vkey = signer.verifier.encode()
    first, *rest = [
        Submission(one.envelope, None, one.disclosures, one.record_time)
        for one in season(events=900, seed=11, log=LOG, log_vkey=vkey, end=END)
    ]
    chance = random.Random(4)
    found = []
    for count in (1, 3):
        guard = FileGuard(tmp_path / str(count), vkey)
        url = fresh_url()
        began = create(opened(url), guard, signer, first, clock=lambda: first.record_time)
        others = [Ledger(opened(url), guard, signer, clock=lambda: 0) for _ in range(count - 1)]
        at = 0
        while at < len(rest):
            group = rest[at : at + chance.randrange(1, 60)]
            at += len(group)
            answers = chance.choice([began, *others]).append(group)
            assert all(isinstance(answer, Recorded) for answer in answers)
        found.append(rows(began.store))
        assert fsck.check(began.store, guard).verdict == "good"
        for ledger in (began, *others):
            ledger.close()
    assert found[0] == found[1]
    assert sum(answer is not None for answer in told) > len(told) // 2 > 5


def test_only_what_is_known_without_a_gap_counts(ledger, office, url, again, told, caplog):
    """Whoever changed something and did not say so (alone, as far as it knew) makes others read everything again."""
    miner, trader = traders(ledger, office, "miner", "trader")
    other = again(url)
    recorded(other, *some_trade(miner, trader))  # it believes to be alone
    recorded(ledger, *some_trade(miner, trader))
    assert told == [None]
    recorded(other, *some_trade(miner, trader))  # and now it has seen somebody
    assert told[1:]
    assert None not in told[1:]
    twice = some_trade(miner, trader)
    recorded(ledger, *twice)
    assert told[-1]
    assert all(answer.known for answer in recorded(other, *twice))
    assert not caplog.records  # no constraint of the database had to say so
    with ledger.store.read() as view:
        now = view.head()
        assert changes.since(view, GuardHead(now.size, now.root), now.size) == set()
        assert changes.since(view, GuardHead(now.size, bytes(32)), now.size) is None
        assert changes.since(view, GuardHead(now.size + 1, now.root), now.size) is None
    oracle.check(ledger.store, LOG_SIGNER.verifier)


def test_only_the_newest_changes_are_kept(ledger, office, url, again, monkeypatch):
    """What was said long ago is let go of, and whoever was away since then begins anew."""
    monkeypatch.setattr(changes, "KEPT", 8)
    (miner,) = traders(ledger, office, "miner")
    other = again(url)
    for _ in range(12):
        recorded(other, produce(miner, "1.00"))
        recorded(ledger, produce(miner, "1.00"))
    with ledger.store.read() as view:
        size = view.head().size
        kept = [row[0] for row in view.all("SELECT size FROM changed ORDER BY size")]
        then = GuardHead(size - 20, view.root_at(size - 20))
        assert changes.since(view, then, size) is None
    assert kept
    assert min(kept) > size - 8 - 1


def test_of_two_that_are_there_only_one_fills_in_places(ledger, office, url, again):
    """Places are filled beside whoever appends, and by nobody while somebody else is at it."""
    miner, trader = traders(ledger, office, "miner", "trader")
    signed = some_trade(miner, trader, 4)
    recorded(ledger, *signed)
    with ledger.store.write() as view:
        if view.database.lock_free:
            assert view.hold_places()
            assert places.fill(again(url).store) == 0
    assert places.fill(ledger.store) == 3 + len(signed)
    with ledger.store.read() as view:
        assert [view.index_of(one.id) for one in signed] == list(range(3, 3 + len(signed)))


def test_rows_are_found_by_their_keys_in_tables_nobody_looked_into(ledger):
    """PostgreSQL does not read all lots to find some, in a table it knows nothing of: an append costs the same ever after."""
    if not ledger.store.database.lock_free:
        return  # SQLite has no other way
    query = "SELECT lot.id FROM lot_place JOIN lot ON lot.no = lot_place.no WHERE lot_place.id = ANY(?)"
    for write in (False, True):
        with ledger.store.write() if write else ledger.store.read() as view:
            plan = "\n".join(row[0] for row in view.all(f"EXPLAIN {query}", list(range(2000))))
        assert "Nested Loop" in plan
        assert "Seq Scan" not in plan
