"""Somebody with the database, the guard and the log key rewrites the past: `fsck` says so, or whoever kept one answer.

He cannot sign for traders. He can choose: which entries there are, in which order, when they are said to have been
recorded, and what tables say about them; and he can make all of it fit together, down to a checkpoint with the
log's own signature.
"""

import orjson
import psycopg
import pytest
from sending import append, recorded, some_trade, traders
from sqlmodel import SQLModel
from test_fsck import change

from traceability.core import canonical, leaf, merkle
from traceability.core.checkpoint import Checkpoint, open_checkpoint
from traceability.core.errors import Invalid
from traceability.core.ids import unpadded
from traceability.core.note import sign_note
from traceability.ledger import fsck, places, publish
from traceability.ledger.backup import adopt_guard
from traceability.ledger.database import ERRORS
from traceability.ledger.dump import dump, load
from traceability.ledger.guard import FileGuard, GuardHead, GuardRefuses
from traceability.ledger.rebuild import PROJECTIONS
from trade import LOG, LOG_SIGNER, Pen, bag, offer, produce

VKEY = LOG_SIGNER.verifier.encode()


class Trade:
    """A ledger with a double issue in it, and what honest people kept of it: answers, and checkpoints on the way."""

    def __init__(self, ledger, office) -> None:
        self.ledger = ledger
        self.miner, self.trader, self.other = traders(ledger, office, "miner", "trader", "other")
        made = produce(self.miner, "38.40")
        pairs = [(made.id, made.lots[0])]
        offers = [offer(self.miner, to.party, pairs) for to in (self.trader, self.other)]
        self.answers = []
        for group in ([made], offers, some_trade(self.miner, self.trader, 2), [produce(self.other, "5.00")]):
            self.answers += append(ledger, *group)
        self.size = self.answers[-1].index + 1

    def checkpoints(self):
        """Every checkpoint anybody was given."""
        return {answer.checkpoint for answer in self.answers}


@pytest.fixture
def trade(ledger, office):
    return Trade(ledger, office)


def rewritten(store, url, opened, rewrite):
    """Another ledger in which all fits together: entries as `rewrite` leaves them, root, signature and every table."""
    lines = [orjson.loads(line) for line in list(dump(store))[1:]]
    lines = rewrite(lines)
    for index, line in enumerate(lines):
        line["index"] = index
    leaves = [leaf.leaf_hash(unpadded(line["blind"], 32), canonical.dump(line["entry"])) for line in lines]
    head = GuardHead(len(lines), merkle.root_from_leaf_hashes(leaves))
    note = sign_note(Checkpoint(LOG, head.size, head.root).encode(), [LOG_SIGNER]).decode()
    header = {"checkpoint": note, "format": "traceability-dump/1", "size": head.size}
    other = opened(url)
    load([canonical.dump(one) + b"\n" for one in (header, *lines)], other)
    places.fill(other)
    assert fsck.check(other).verdict == "good", "he made it fit"
    return other, head


def signed_line(pen: Pen, lines, at, **more):
    """A line for an event that `pen` signs now, as if it had been recorded with entry `at`."""
    body = {"region": "RW-04", "source": "device", "lots": [bag("99.00")]}
    signed = pen.sign("production", body, **more)
    entry = {
        "envelope": orjson.loads(signed.envelope.to_json()),
        "record_time": lines[at]["entry"]["record_time"],
    }
    return {"blind": "A" * 43, "disclosures": [], "entry": entry, "index": at}


def dropped(lines, trade):
    return lines[:-1]


def dropped_and_replaced(lines, trade):
    return [*lines[:-1], signed_line(trade.other, lines, -1, number=0)]


def backdated(lines, trade):
    for line in lines:
        time = line["entry"]["record_time"]
        line["entry"]["record_time"] = f"{int(time[:4]) - 1}{time[4:]}"
    return lines


def blinded(lines, trade):
    lines[6]["blind"] = "A" * 43
    return lines


def swapped(lines, trade):
    """The other buyer came first."""
    lines[5], lines[6] = lines[6], lines[5]
    return lines


def inserted(lines, trade):
    return [*lines[:6], signed_line(trade.other, lines, 5, number=50), *lines[6:]]


REWRITES = {
    "when entries were recorded": backdated,
    "the blind of one entry": blinded,
    "the last entry dropped": dropped,
    "the last entry dropped for another": dropped_and_replaced,
    "the loser of a double issue put first": swapped,
    "an entry put into the past": inserted,
}


@pytest.mark.threat("T34", "T35", "T36", "T37", "T39")
@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES.keys())
def test_a_past_that_fits_together(trade, fresh_url, opened, guard, again, tmp_path, rewrite):
    """Everything is made to fit, also the guard; and still each old checkpoint and answer says so."""
    store, url = trade.ledger.store, fresh_url()
    other, head = rewritten(store, url, opened, lambda lines: rewrite(lines, trade))
    assert fsck.check(other, guard).verdict in ("damaged", "rolled_back"), "the guard alone tells"
    assert again(url).refusal is not None
    newest = trade.answers[-1].checkpoint
    with pytest.raises(GuardRefuses, match=r"restore the rest first|another history"):
        adopt_guard(other, FileGuard(tmp_path / "lost", VKEY), newest)
    complicit = FileGuard(tmp_path / "complicit", VKEY)
    complicit.begin(head)
    lying = again(url, complicit)
    assert lying.refusal is None
    recorded(lying, *(produce(trade.miner, "1.00") for _ in range(3)))
    assert fsck.check(other, complicit).verdict == "good"
    assert not_consistent(other, newest)
    assert not_there(other, trade.answers), "somebody's answer no longer holds"
    seen = open_checkpoint(newest, LOG, [LOG_SIGNER.verifier]).checkpoint
    body = {"region": "RW-04", "source": "device", "lots": [bag("1.00")]}
    (answer,) = append(
        lying,
        trade.trader.sign("production", body, number=90, seen={"size": seen.size, "root": seen.root.hex()}),
    )
    assert answer.name == "fork"
    assert all(not not_consistent(store, old) for old in trade.checkpoints()), "no false alarm"
    assert not not_there(store, trade.answers)


def not_consistent(store, note) -> bool:
    """Whether the ledger fails to prove that it goes on from this checkpoint, as whoever holds it would ask."""
    old = open_checkpoint(note, LOG, [LOG_SIGNER.verifier]).checkpoint
    with store.read() as view:
        now = open_checkpoint(view.checkpoint()[1], LOG, [LOG_SIGNER.verifier]).checkpoint
        if now.size < old.size:
            return True
        proof = publish.consistency_proof(view, old.size, now.size)
    try:
        merkle.verify_consistency(old.size, old.root, now.size, now.root, proof)
    except Invalid:
        return True
    return False


def not_there(store, answers) -> list[int]:
    """The answers whose entry the ledger cannot prove any more at its place."""
    with store.read() as view:
        now = open_checkpoint(view.checkpoint()[1], LOG, [LOG_SIGNER.verifier]).checkpoint
        lost = []
        for answer in answers:
            hashed = leaf.leaf_hash(answer.blind, answer.entry)
            try:
                proof = publish.inclusion_proof(view, answer.index, now.size)
                merkle.verify_inclusion(hashed, answer.index, now.size, proof, now.root)
            except (Invalid, ValueError):
                lost.append(answer.index)
        return lost


@pytest.mark.threat("T38")
def test_rolled_back_to_yesterday(trade, fresh_url, opened, guard, again):
    """The whole database of an earlier day, good in itself: the guard has seen more, and nothing is signed."""
    url = fresh_url()
    other, _ = rewritten(trade.ledger.store, url, opened, lambda lines: lines[:7])
    assert fsck.check(other, guard).verdict == "rolled_back"
    stopped = again(url)
    assert "rolled back" in stopped.refusal
    assert append(stopped, produce(trade.miner, "1.00"))[0].name == "not_signing"


@pytest.mark.threat("T40")
def test_two_views_for_two_people(trade, fresh_url, opened):
    """Two histories of one length under one key: the two checkpoints, side by side, are the proof."""
    url = fresh_url()
    other, head = rewritten(trade.ledger.store, url, opened, lambda lines: swapped(lines, trade))
    with trade.ledger.store.read() as view, other.read() as its:
        notes = [view.checkpoint()[1], its.checkpoint()[1]]
    one, two = (open_checkpoint(note, LOG, [LOG_SIGNER.verifier]).checkpoint for note in notes)
    assert (one.size, one.origin) == (two.size, two.origin) == (head.size, LOG)
    assert one.root != two.root


@pytest.mark.threat("T33")
def test_an_edited_entry(trade, guard):
    """Each column of an entry, changed to what another entry says: found, and the entry is named."""
    store = trade.ledger.store
    for column in SQLModel.metadata.tables["entry"].columns.keys():  # noqa: SIM118
        with store.read() as view:
            before = view.one("SELECT * FROM entry WHERE idx = 6")
        value = "700" if column == "idx" else f"(SELECT {column} FROM entry WHERE idx = 2)"
        if column == "record_time":
            value = "record_time - 1"
        assert change(trade.ledger, f"UPDATE entry SET {column} = {value} WHERE idx = 6") == 1
        report = fsck.check(store, guard)
        assert report.verdict == "damaged", column
        assert 6 in {damage.index for damage in report.damages if damage.table == "entry"}, column
        change(trade.ledger, "DELETE FROM entry WHERE idx IN (6, 700)")
        marks = ", ".join("?" * len(before))
        change(trade.ledger, f"INSERT INTO entry VALUES ({marks})", *before)
    assert fsck.check(store, guard).verdict == "good"


@pytest.mark.threat("T43")
def test_a_lying_projection(trade, guard):
    """Each column of each derived table takes what another row says: found, in that table."""
    places.fill(trade.ledger.store)
    store, tried = trade.ledger.store, set()
    for table in (*PROJECTIONS, "head"):
        for column in SQLModel.metadata.tables[table].columns.keys():  # noqa: SIM118
            with store.read() as view:
                rows = view.all(f"SELECT * FROM {table}")
                values = {row[0] for row in view.all(f"SELECT {column} FROM {table}")}
            if len(values) < 2:
                continue
            lie = f"(SELECT {column} FROM {table} AS b WHERE b.{column} <> {table}.{column} LIMIT 1)"
            try:
                touched = change(
                    trade.ledger, f"UPDATE {table} SET {column} = {lie} WHERE {column} IS NOT NULL"
                )
            except (*ERRORS, psycopg.Error):
                continue  # a key that is taken: the database refuses
            tried.add(table)
            assert touched > 0
            report = fsck.check(store, guard)
            assert report.verdict == "damaged", (table, column)
            assert table in {damage.table for damage in report.damages}, (table, column, report.damages)
            marks = ", ".join("?" * len(rows[0]))
            with store.write() as view:
                view.run(f"DELETE FROM {table}")
                for row in rows:
                    view.run(f"INSERT INTO {table} VALUES ({marks})", *row)
    assert {"outcome", "signer", "state"} <= tried
    assert fsck.check(store, guard).verdict == "good"


@pytest.mark.parametrize(
    "spoil", ["DELETE FROM tile", "UPDATE tile SET hashes = ?", "UPDATE tile SET root = ?"]
)
@pytest.mark.threat("T44")
def test_a_tile_that_is_missing_short_or_empty(trade, guard, spoil):
    """Removed, cut short, or zeroes: found in the table of tiles."""
    recorded(trade.ledger, *some_trade(trade.miner, trade.trader, 85))
    for value in ([bytes(8192)], [bytes(100)]) if "hashes" in spoil else ([bytes(32)],):
        with trade.ledger.store.read() as view:
            rows = view.all("SELECT * FROM tile")
        assert len(rows) == 1
        change(trade.ledger, spoil, *(value if "?" in spoil else ()))
        report = fsck.check(trade.ledger.store, guard)
        assert "tile" in {damage.table for damage in report.damages}
        with trade.ledger.store.write() as view:
            view.run("DELETE FROM tile")
            view.run("INSERT INTO tile VALUES (?, ?, ?, ?)", *rows[0])


@pytest.mark.threat("T46")
def test_an_answer_that_was_tampered_with(trade):
    """Another place, another blind, another entry, another proof, another checkpoint: none of it holds."""
    store, size = trade.ledger.store, trade.size
    with store.read() as view:
        root = view.head().root
    for answer in trade.answers:
        with store.read() as view:
            proof = publish.inclusion_proof(view, answer.index, size)
        hashed = leaf.leaf_hash(answer.blind, answer.entry)
        merkle.verify_inclusion(hashed, answer.index, size, proof, root)
        other = trade.answers[answer.index - trade.answers[0].index - 1]
        wrong = [
            (leaf.leaf_hash(bytes(32), answer.entry), answer.index, size, proof, root),
            (leaf.leaf_hash(answer.blind, answer.entry + b" "), answer.index, size, proof, root),
            (leaf.leaf_hash(other.blind, other.entry), answer.index, size, proof, root),
            (hashed, other.index, size, proof, root),
            (hashed, answer.index, size, proof[:-1], root),
            (hashed, answer.index, size, (*proof, bytes(32)), root),
            (hashed, answer.index, size, (bytes(32), *proof[1:]), root),
            (hashed, answer.index, size, proof, bytes(32)),
        ]
        for arguments in wrong:
            with pytest.raises(Invalid):
                merkle.verify_inclusion(*arguments)
