"""Snapshots of a stored ledger: what is computed from the newest one is what all lines give, and fsck knows a lie."""

import hashlib
import threading

import pytest
from sending import recorded, some_trade, traders

from both import verify
from patience import until
from traceability.api.hourly import state_when_due, stating
from traceability.core import book_tree, merkle
from traceability.core.report import COMPLETE
from traceability.core.state import SubjectRecord
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger import fsck, snapshots
from traceability.ledger.answers import Recorded
from traceability.ledger.reader import Reader
from traceability.ledger.rebuild import rebuild
from trade import LOG_SIGNER, produce


def take(ledger, office):
    said = snapshots.take(ledger, office.operator.key, office.operator.party, lambda: 1_790_000_000)
    assert isinstance(said, Recorded), said
    office.operator.next += 1
    return said


def leaves(ledger):
    """Every line there is, in order, by looking at each record."""
    with ledger.store.read() as view:
        names = [(kind, id_) for kind, id_ in view.all("SELECT type, id FROM state")]
        names += [("lot", id_) for (id_,) in view.all("SELECT id FROM lot")]
        places = {
            record.place.number: book_tree.leaf(address, record.place)
            for address, record in view.records(names).items()
            if isinstance(record, SubjectRecord) and record.place.number >= 0
        }
    assert sorted(places) == list(range(len(places)))
    return [places[number] for number in sorted(places)]


@pytest.fixture
def busy(ledger, office):
    ledger.pens = traders(ledger, office, "miner", "trader")
    recorded(ledger, *some_trade(*ledger.pens, 20))
    return ledger


def test_each_snapshot_states_the_root_of_all_lines(busy, office):
    """From nothing and from the one before: the root is that over every line in order; evidence is complete then."""
    for _ in range(3):
        expected = merkle.root_from_leaf_hashes(leaves(busy))
        said = take(busy, office)
        stated = Reader(busy.store).entry(said.index)
        assert (stated.event.body.size, stated.event.body.book) == (said.index, expected.hex())
        with busy.store.read() as view:
            kept = view.book()
            assert (kept.size, kept.root, kept.stated_by) == (said.index, expected, said.index)
            assert book_tree.root(view.book_tile, kept.subjects) == expected
        lot = Reader(busy.store).lots(limit=1).items[0].id
        policy = TrustPolicy.without_witnesses([LOG_SIGNER.verifier])
        report = verify(Reader(busy.store).evidence([lot]), policy)
        assert (report.verdict, report.complete_to) == (COMPLETE, said.index), report.completeness_not_shown
        assert snapshots.compute(busy.store) is None
        recorded(busy, *some_trade(*busy.pens, 80))
    report = fsck.check(busy.store)
    assert (report.verdict, report.notes) == ("good", ()), report.damages
    assert report.book == fsck.BookFound(
        said.index, merkle_root(busy, said.index), expected.hex(), report.book.findings
    )


def merkle_root(ledger, size):
    with ledger.store.read() as view:
        return view.root_at(size).hex()


def test_a_lying_snapshot_is_damage(busy, office):
    """Named by its index, whoever signed it; and one that comes after it and is right is none."""
    good = take(busy, office)
    lie = office.operator.sign("snapshot", {"size": good.index, "book": "0" * 64})
    (said,) = recorded(busy, lie)
    take(busy, office)
    report = fsck.check(busy.store)
    assert report.verdict == "damaged"
    assert [(damage.table, damage.index) for damage in report.damages] == [("entry", said.index)]
    assert "another book" in report.damages[0].what


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE book SET root = (SELECT root FROM head)", "book"),
        ("UPDATE book SET subjects = subjects - 1", "book"),
        ("UPDATE book SET stated_by = stated_by - 1", "book"),
        ("DELETE FROM book_tile", "book_tile"),
    ],
)
def test_a_kept_book_that_was_changed_is_damage(busy, office, statement, table):
    """What evidence would be made from is compared too; rebuilt it is good again, or not kept until the next snapshot."""
    take(busy, office)
    with busy.store.write() as view:
        view.run(statement)
    report = fsck.check(busy.store)
    assert (report.verdict, {damage.table for damage in report.damages}) == ("damaged", {table})
    rebuild(busy.store)
    report = fsck.check(busy.store)
    assert report.verdict == "good", report.damages
    recorded(busy, produce(busy.pens[0], "1.00"))
    take(busy, office)
    assert fsck.check(busy.store).verdict == "good"


def test_a_tree_that_somebody_else_has_moved_on_is_left_alone(busy, office):
    """Of two processes that state the book at once, the slower keeps the tree of the faster."""
    slow = snapshots.compute(busy.store)
    said = take(busy, office)
    snapshots.keep(busy.store, slow, 3)
    with busy.store.read() as view:
        assert view.book().stated_by == said.index


def test_an_attestation_that_differs_is_told(busy, office):
    """It is a word against the ledger's, and stands: a note, no damage."""
    take(busy, office)
    recorded(busy, office.registrar.sign("attestation", {"size": 5, "root": "0" * 64, "book": "1" * 64}))
    report = fsck.check(busy.store)
    assert report.verdict == "good"
    assert "got another log or book of 5 entries" in report.notes[0]


def test_an_attestation_says_what_was_noticed_too(busy, office):
    """The digest of all findings up to there is worked out again; another one is told."""
    said = take(busy, office)
    found = fsck.check(busy.store).book
    whole = hashlib.sha256()
    with busy.store.read() as view:
        for index in range(said.index):
            for finding in view.findings(index):
                digest = hashlib.sha256(finding.to_json()).digest()
                whole.update(index.to_bytes(8, "big") + digest)
    assert found.findings == whole.hexdigest()
    body = {"size": found.size, "root": found.root, "book": found.book}
    recorded(busy, office.registrar.sign("attestation", {**body, "findings": found.findings}))
    assert fsck.check(busy.store).notes == ()
    recorded(busy, office.registrar.sign("attestation", {**body, "findings": "2" * 64}))
    assert f"got other findings in {found.size} entries" in fsck.check(busy.store).notes[0]


def test_the_server_states_the_book_once_an_hour(busy, office, monkeypatch):
    """Not again within the hour, nor by a key that is not the operator's."""
    key = office.operator.key
    assert state_when_due(busy, key) is None
    with busy.store.read() as view:
        first = view.book()
    assert first is not None
    recorded(busy, produce(busy.pens[0], "1.00"))
    assert state_when_due(busy, key) is None
    with busy.store.read() as view:
        assert view.book() == first
    monkeypatch.setattr("traceability.api.hourly.EVERY_SECONDS", 0)
    assert state_when_due(busy, key) is None
    with busy.store.read() as view:
        assert view.book().size > first.size
    recorded(busy, produce(busy.pens[0], "1.00"))
    assert "no key of the operator" in state_when_due(busy, busy.pens[0].key)


def book_of(store):
    """What is stated of its book."""
    with store.read() as view:
        return view.book()


def test_the_server_states_it_by_itself(busy, office):
    """A thread beside the requests, which ends with them; without a key there is none."""
    with stating(busy, office.operator.key):
        until(lambda: book_of(busy.store))
    assert fsck.check(busy.store).book is not None
    assert "snapshots" not in {thread.name for thread in threading.enumerate()}
    with stating(busy, None):
        assert "snapshots" not in {thread.name for thread in threading.enumerate()}
