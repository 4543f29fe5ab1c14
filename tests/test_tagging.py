"""Tags on lots: on, off, on two at once, and what becomes of them when a lot ends."""

from memory import Actor, weighing
from rules import Rules
from traceability.core.ids import LotId
from traceability.core.registry_records import TagRecord
from traceability.core.tagging import BEARERS_MAX


def scene() -> tuple[Rules, Actor, Actor, LotId]:
    """A bag with two tags, and an agent who tags."""
    trade = Rules()
    coop, agent = trade.people("coop:miner", "agent:tag_agent")
    (lot,) = trade.produce(coop, "38.40", each=[{"tags": ["itsci:1", "itsci:2"], "seals": ["A"]}])
    return trade, coop, agent, lot


def retagging(trade: Rules, lot: LotId, off: str = "", on: str = "", **more: object) -> dict[str, object]:
    body: dict[str, object] = {"lot": lot, "reason": "burst", **more}
    if off:
        body["tags_off"] = [{"tag": tag, "fate": "destroyed"} for tag in off.split()]
    if on:
        body["tags_on"] = on.split()
    return {"kind": "retagging", "body": {"source": "device", **body}}


def record(trade: Rules, tag: str) -> TagRecord:
    found = trade.state.records["tag", tag]
    assert isinstance(found, TagRecord)
    return found


def test_tags_come_off_and_go_on() -> None:
    """By the custodian or a tag agent, also in transit; the heads stay where they are."""
    trade, coop, agent, lot = scene()
    before = trade.lot(lot)
    trade.appends(coop, retagging(trade, lot, "itsci:1", "itsci:3"))
    assert trade.lot(lot).tags == ("itsci:2", "itsci:3")
    assert (record(trade, "itsci:1").on, record(trade, "itsci:1").last_lot) == ((), lot)
    assert (record(trade, "itsci:3").on, record(trade, "itsci:3").last_lot) == ((lot,), lot)
    (buyer,) = trade.people("buyer:trader")
    offer = trade.offer(coop, buyer, [lot])
    trade.appends(agent, retagging(trade, lot, "itsci:3", "itsci:4", seals=["B", "C"]))
    assert trade.lot(lot).seals == ("B", "C")
    assert trade.lot(lot).custody_head == offer
    assert trade.lot(lot).title_head == before.title_head
    trade.appends(buyer, trade.acceptance([(offer, lot)]))
    trade.refuses("not_custodian", coop, retagging(trade, lot, "itsci:4"))
    trade.appends(buyer, retagging(trade, lot, on="itsci:4"))  # it is on already
    assert trade.lot(lot).tags == ("itsci:2", "itsci:4")


def test_a_tag_that_is_not_on_the_lot_cannot_come_off() -> None:
    """Never on, or off already."""
    trade, coop, _, lot = scene()
    trade.refuses("tag_not_on_lot", coop, retagging(trade, lot, "itsci:9"))
    trade.appends(coop, retagging(trade, lot, "itsci:1"))
    trade.refuses("tag_not_on_lot", coop, retagging(trade, lot, "itsci:1"))


def test_a_tag_on_two_lots_is_a_finding_on_both() -> None:
    """However it came there: never a refusal, and gone once it is off one of them."""
    trade, coop, _, lot = scene()
    (other,) = trade.produce(coop, "1", each=[{"tags": ["itsci:1"]}])
    (finding,) = trade.findings("tag_on_two_lots")
    assert set(finding.subjects) == {("lot", lot), ("lot", other)}
    assert dict(finding.figures) == {"tag": "itsci:1"}
    trade.appends(coop, retagging(trade, other, "itsci:1", "itsci:2"))
    (finding,) = trade.findings("tag_on_two_lots")
    assert dict(finding.figures) == {"tag": "itsci:2"}
    assert record(trade, "itsci:1").on == (lot,)
    trade.appends(coop, retagging(trade, lot, "itsci:2"))
    trade.appends(coop, retagging(trade, other, "itsci:2", "itsci:2"))
    assert not trade.findings()
    event = trade.production("1", "2")
    for bag in event["body"]["lots"]:
        bag["tags"] = ["itsci:7"]
    trade.appends(coop, event)
    assert len(trade.findings("tag_on_two_lots")) == 1


def test_copies_without_end_accuse_each_lot_but_twice() -> None:
    """Whoever writes the tag of a stranger's bag on hundreds of his own makes one finding on that bag."""
    trade, coop, _, lot = scene()
    for _ in range(2):
        event = trade.production(*["1"] * 100)
        for bag in event["body"]["lots"]:
            bag["tags"] = ["itsci:1"]
        trade.appends(coop, event)
    found = [
        each for kept in trade.entries for each in kept.outcome.findings if each.rule == "tag_on_two_lots"
    ]
    assert len(found) == 200
    assert sum(("lot", lot) in each.subjects for each in found) == 1
    bearers = record(trade, "itsci:1").on
    assert len(bearers) <= BEARERS_MAX + 2
    assert bearers[0] == lot


def test_the_tag_of_a_lot_that_ended_may_be_seen_again() -> None:
    """It is on no open lot then, so nothing is noticed here."""
    trade, coop, _, lot = scene()
    trade.appends(coop, trade.closure(trade.on([lot])))
    trade.produce(coop, "1", each=[{"tags": ["itsci:1"]}])
    assert not trade.findings("tag_on_two_lots")


def test_a_reading_at_retagging_is_booked() -> None:
    """Spilled first, then weighed."""
    trade, _, agent, lot = scene()
    spilled = {"unit": "KGM", "value": "0.35"}
    trade.appends(
        agent, retagging(trade, lot, "itsci:1", "itsci:3", spilled=spilled, weighing=weighing("38.05"))
    )
    assert not trade.findings()
    assert trade.lot(lot).expected_ug == 38_050_000_000
    trade.appends(agent, retagging(trade, lot, weighing=weighing("30")), "mass_lost")


def test_a_correction_names_the_tag_it_brings_in() -> None:
    """The few days of the events page: …223 typed, noticed in the evening to be …232."""
    trade, coop, agent, _ = scene()
    right = trade.appends(coop, trade.delegation(agent.party, ["production"], principal=coop.party))
    event = trade.production("36.75", "18.60", acting_for=coop.party, delegation=right)
    event["body"]["lots"][1]["tags"] = ["rmb:RW0148223"]
    _, lot = trade.made_by(agent, event)
    entry = trade.appends(agent, event)
    trade.appends(agent, trade.correction(entry, {"/lots/1/tags/0": "rmb:RW0148232"}))
    assert trade.lot(lot).tags == ("rmb:RW0148232",)
    about = [address for address, _ in trade.last().outcome.links]
    assert {("tag", "rmb:RW0148223"), ("tag", "rmb:RW0148232"), ("lot", lot)} <= set(about)
