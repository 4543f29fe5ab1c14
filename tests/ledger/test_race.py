"""Many at once: exactly one wins, whoever they are and whichever database decides."""

import threading
from functools import partial

import pytest
from children import Journal, fork, open_ledger, wait
from sending import append, check_proof, recorded, sent, some_trade, traders

import oracle
from patience import SECONDS
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded, Refused
from traceability.ledger.queue import Writer
from trade import ENTITY, LOG_SIGNER, accept, bag, kilograms, offer, produce


def together(works):
    """Runs all of them in threads that start at the same moment."""
    ready = threading.Barrier(len(works))
    results = [None] * len(works)

    def run(number, work):
        ready.wait()
        results[number] = work()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def check_one_winner(answers):
    """One stands; the others are kept without effect, or refused as stale."""
    standing = [answer for answer in answers if isinstance(answer, Recorded) and answer.stands]
    assert len(standing) == 1, answers
    for answer in answers:
        assert isinstance(answer, Recorded) or answer.name == "stale_predecessor", answer


@pytest.mark.threat("T16")
def test_threads_race_for_a_lot(url, ledger, office, again, guard):
    """Eight threads with ledgers of their own sell the same lots to eight buyers: one sale of each stands."""
    miner, *buyers = traders(ledger, office, "miner", *(f"buyer {n}" for n in range(8)))
    made = produce(miner, "1.00", "2.00", "3.00")
    recorded(ledger, made)
    offers = [[offer(miner, buyer.party, [(made.id, lot)]) for lot in made.lots] for buyer in buyers]
    ledgers = [again(url) for _ in buyers]
    answers = together(
        [
            lambda own=own, mine=mine: [append(own, one)[0] for one in mine]
            for own, mine in zip(ledgers, offers, strict=True)
        ]
    )
    for each in zip(*answers, strict=True):
        check_one_winner(each)
    assert fsck.check(ledger.store, guard).verdict == "good"
    oracle.check(ledger.store, LOG_SIGNER.verifier)


def test_ledgers_in_turn_go_on_from_what_the_other_wrote(url, ledger, office, again, guard):
    """What one remembers of its last group counts only while the head is still the one it wrote."""
    miner, buyer = traders(ledger, office, "miner", "buyer")
    other = again(url)
    made = produce(miner, "1.00")
    recorded(ledger, made)
    (lot,) = made.lots
    sold = offer(miner, buyer.party, [(made.id, lot)])
    recorded(other, sold)
    taken = accept(buyer, [(sold.id, lot)])
    recorded(ledger, taken)
    back = offer(buyer, miner.party, [(taken.id, lot)])
    recorded(other, back)
    recorded(ledger, accept(miner, [(back.id, lot)]))
    assert fsck.check(ledger.store, guard).verdict == "good"
    oracle.check(ledger.store, LOG_SIGNER.verifier)


def first_answer(ledger, signed):
    return append(ledger, signed)[0]


@pytest.mark.threat("T17")
def test_different_acts_race_for_a_lot(url, ledger, office, again, guard):
    """Sold, split, exported and closed at the same moment by threads with ledgers of their own: one act stands."""
    miner, buyer = traders(ledger, office, "miner", "buyer")
    said = {"region": "RW-04", "source": "device"}
    ledgers = [again(url) for _ in range(4)]
    for _ in range(4):
        made = produce(miner, "4.00")
        recorded(ledger, made)
        (lot,) = made.lots
        here = [(made.id, lot)]
        split = {
            "source": "device",
            "type": "split",
            "share_by": "mass",
            "outputs": [bag("1.00"), bag("3.00")],
        }
        away = {
            **said,
            "destination": "BE",
            "exit_point": "Rusumo",
            "shipped": "2026-03-20",
            "weighings": [kilograms("4.00", [lot])],
        }
        acts = [
            offer(miner, buyer.party, here),
            miner.sign("transformation", {**split, "weighings": [kilograms("4.00", [lot])]}, here),
            miner.sign("export", away, here, sealed={"/importer": ENTITY}),
            miner.sign("closure", {"source": "device", "reason": "destroyed", "detail": "brûlé"}, here),
        ]
        check_one_winner(
            together([partial(first_answer, own, act) for own, act in zip(ledgers, acts, strict=True)])
        )
    assert fsck.check(ledger.store, guard).verdict == "good"


def test_threads_race_through_one_writer(ledger, office):
    """The same through one writer, which groups them: one sale stands, each answer proves what it says."""
    miner, *buyers = traders(ledger, office, "miner", *(f"buyer {n}" for n in range(8)))
    made = produce(miner, "1.00")
    recorded(ledger, made)
    offers = [offer(miner, buyer.party, [(made.id, made.lots[0])]) for buyer in buyers]
    writer = Writer(ledger)
    answers = together([lambda one=one: writer.submit(sent(one)).result(SECONDS) for one in offers])
    writer.close()
    check_one_winner(answers)
    for one, answer in zip(offers, answers, strict=True):
        if isinstance(answer, Recorded):
            check_proof(answer, one)


@pytest.mark.threat("T19")
def test_the_same_event_from_many_sides(url, ledger, office, again):
    """A phone that sends everything twice, over two networks: one entry, and everybody gets its index."""
    miner, trader = traders(ledger, office, "miner", "trader")
    signed = some_trade(miner, trader, 3)
    recorded(ledger, signed[0])
    ledgers = [again(url) for _ in range(4)]
    answers = together([lambda own=own: append(own, *signed) for own in ledgers])
    for each in zip(*answers, strict=True):
        assert len({answer.index for answer in each}) == 1
        assert len({(answer.entry, answer.blind) for answer in each}) == 1
    with ledger.store.read() as view:
        assert view.head().size == 3 + len(signed)


@pytest.mark.threat("T16")
def test_processes_race(url, ledger, office, again, guard, tmp_path):
    """Four processes sell the same lots, and have trade of their own: one winner each, and one good ledger."""
    names = [f"buyer {n}" for n in range(4)]
    miner, *buyers = traders(ledger, office, "miner", *names)
    made = produce(miner, *["1.00"] * 5)
    recorded(ledger, made)
    begin = tmp_path / "begin"
    journals = [Journal(tmp_path / name) for name in names]

    def work(buyer, journal):
        own = open_ledger(url, tmp_path / "state" / "guard")
        offers = [offer(miner_of[buyer], buyer.party, [(made.id, lot)]) for lot in made.lots]
        extra = [produce(buyer, "1.00") for _ in range(5)]
        while not begin.exists():
            pass
        for one in offers:
            (answer,) = append(own, one)
            if isinstance(answer, Recorded):
                check_proof(answer, one)
                journal.note(f"{made.lots.index(next(iter(answer.fates)))}", answer.index, answer.stands)
            else:
                assert isinstance(answer, Refused)
                assert answer.name == "stale_predecessor", answer
        recorded(own, *extra)

    miner_of = {}
    for number, buyer in enumerate(buyers):
        pen = type(miner).__new__(type(miner))
        pen.key, pen.party, pen.next = miner.key, miner.party, miner.next + 10 * number
        miner_of[buyer] = pen
    children = [
        fork(lambda buyer=buyer, journal=journal: work(buyer, journal))
        for buyer, journal in zip(buyers, journals, strict=True)
    ]
    begin.touch()
    assert [wait(child) for child in children] == [0] * 4
    told = [journal.read() for journal in journals]
    for number in range(len(made.lots)):
        wins = [answers[str(number)][1] for answers in told if str(number) in answers]
        assert wins.count(True) == 1
    assert again(url).refusal is None
    assert fsck.check(ledger.store, guard).verdict == "good"
    oracle.check(ledger.store, LOG_SIGNER.verifier)
