"""Putting right, beyond a lot in the same hands: what descendants carry, and papers, money and reports corrected."""

from typing import Any

import pytest

from memory import COMMITMENT
from rules import Rules
from test_certificates import Papers
from traceability.core.composition import FromLot, Part, Pool, Production, lots_within
from traceability.core.concern_records import Incident
from traceability.core.findings.carried import carried_difference, corrected_too_late
from traceability.core.ids import EventId, LotId, SiteId
from traceability.core.lot_records import PoolRecord
from traceability.core.mass import leaf_pool


def carried_ug(trade: Rules, lot: LotId) -> int:
    """What the lot carries by all findings of the ledger."""

    def read(pool: str) -> Pool:
        if pool.endswith(":0"):
            return leaf_pool(trade.lot(LotId(pool[:-2])))
        record = trade.state.records["pool", pool]
        assert isinstance(record, PoolRecord)
        return record.pool

    right = corrected_too_late(found for kept in trade.entries for found in kept.outcome.findings)
    return carried_difference(trade.lot(lot), read, right)


def test_descendants_carry_the_difference_in_proportion() -> None:
    """A bag of 40 kg that should have been 30 went half into each of two drums: each carries 5 kg less."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    one, other = trade.produce(coop, "40.00", "60.00")
    heap = trade.transformation(trade.on([one, other]), ["100"])
    trade.append(coop, heap)
    split = trade.transformation(trade.on(trade.made_by(coop, heap)), ["50", "30", "20"], "split")
    trade.append(coop, split)
    drums = trade.made_by(coop, split)
    made = trade.lot(one).maker
    trade.appends(coop, trade.correction(made, {"/lots/0/weighing/net/value": "30.00"}), "corrected_too_late")
    assert [trade.lot(drum).expected_ug for drum in drums] == [50 * 10**9, 30 * 10**9, 20 * 10**9]
    assert [carried_ug(trade, drum) for drum in drums] == [-5 * 10**9, -3 * 10**9, -2 * 10**9]
    trade.append(coop, trade.correction(made, {"/lots/1/weighing/net/value": "66.00"}))
    assert [carried_ug(trade, drum) for drum in drums] == [-2 * 10**9, -12 * 10**8, -8 * 10**8]
    trade.append(coop, trade.correction(made, {"/lots/0/weighing/net/value": "40.00"}))
    assert carried_ug(trade, drums[0]) == 3 * 10**9, "the newest word on a bag counts, not the sum of all"


def test_what_was_lost_on_the_way_is_not_carried() -> None:
    """Of a lot half of which was lost, the rest carries half of the difference."""
    pools = {
        "a:0": Pool("a:0", (Production(LotId("a"), SiteId("s")),), (100,)),
        "a:1": Pool("a:1", (FromLot(LotId("a"), (Part("a:0", 0, 100),)),), (100,)),
        "t": Pool("t", (FromLot(LotId("a"), (Part("a:1", 0, 50),)),), (50,)),
    }
    assert lots_within([Part("t", 0, 25)], pools.__getitem__) == {"a": (25, 50)}
    assert lots_within([Part("a:1", 0, 50)], pools.__getitem__) == {}, "a lot is not made of itself"


def sealed_correction(event: EventId, path: str) -> dict[str, Any]:
    body = {"event": event, "reason": "incorrect_data", "fields": [{"path": path}]}
    return {"kind": "correction", "body": body, "sealed": [["/fields/0/is", COMMITMENT]]}


@pytest.fixture
def papers() -> Papers:
    return Papers()


def test_what_was_certified_is_certified_anew(papers: Papers) -> None:
    """Words around a certificate and its sealed values are corrected; what it certifies takes a new one."""
    (lot,) = papers.bags("40")
    certificate = papers.certified([lot], "40")
    papers.appends(
        papers.registrar, papers.correction(certificate, {"/carrier": "Maersk", "/grade": "67 % Sn"})
    )
    for path in ("/value", "/importer", "/verifier", "/validator"):
        papers.appends(papers.registrar, sealed_correction(certificate, path))
    for path, value in (
        ("/mass/value", "41"),
        ("/number", "2"),
        ("/origins/0", "RW"),
        ("/expires", "2026-05-01"),
    ):
        papers.refuses("not_correctable", papers.registrar, papers.correction(certificate, {path: value}))
    papers.refuses("not_your_event", papers.exporter, papers.correction(certificate, {"/carrier": "Me"}))


def test_a_payment_is_put_right(papers: Papers) -> None:
    """Receipt, date, kind of payee in the open, the amount by a new commitment; never the lots or the payee."""
    (lot,) = papers.bags("40")
    body = {"lots": [lot], "to": "seller", "of": "price", "direction": "paid", "date": "2026-03-01"}
    event = {**papers.act("payment", **body, payee=papers.other.party), "sealed": [["/amount", COMMITMENT]]}
    paid = papers.appends(papers.exporter, event)
    fields = {"/to": "state", "/of": "royalty", "/date": "2026-03-02", "/receipt_number": "22/118"}
    papers.appends(papers.exporter, papers.correction(paid, fields))
    papers.appends(papers.exporter, sealed_correction(paid, "/amount"))
    for path, value in (
        ("/payee", papers.exporter.party),
        ("/lots/0", lot),
        ("/amount", "12"),
        ("/to", "nobody"),
    ):
        papers.refuses("not_correctable", papers.exporter, papers.correction(paid, {path: value}))


def test_a_report_is_put_right(papers: Papers) -> None:
    """Category and level of an incident change from there on; what it is about does not."""
    (lot,) = papers.bags("40")
    body: dict[str, Any] = {
        "categories": ["bribery"], "level": 3, "subjects": [{"type": "lot", "id": lot}],
        "happened_from": "2026-03-01", "reporter": "named",
    }  # fmt: skip
    told = papers.appends(papers.other, papers.act("incident", **body))
    papers.appends(papers.other, papers.correction(told, {"/categories/0": "child_labour", "/level": 1}))
    record = papers.state.records["incident", told]
    assert isinstance(record, Incident)
    assert (record.categories, record.level) == (("child_labour",), 1)
    papers.refuses("not_correctable", papers.other, papers.correction(told, {"/subjects/0/id": lot[::-1]}))
    papers.refuses("not_correctable", papers.other, papers.correction(told, {"/level": 4}))
