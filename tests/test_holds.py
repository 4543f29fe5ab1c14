"""Holds: what is moved under one is recorded, with a finding, whatever the hold is on."""

import pytest

from grounds import Ground
from rules import DAY
from traceability.core.notices import notices
from traceability.core.registry_records import LedgerFacts


def subject_of(ground, bag, kind):
    lot = ground.lot(bag)
    return {
        "lot": bag,
        "party": lot.custodian,
        "site": lot.site,
        "region": "CF-LB",
        "tag": "itsci:0148217",
    }[kind]


@pytest.mark.parametrize("kind", ["lot", "party", "site", "region", "tag"])
def test_a_hold_on_what_is_around_a_lot(kind):
    """Sold under a hold on the lot, its holder, its site, its region, its tag: severe; after the release nothing."""
    ground = Ground()
    tags = [ground.new_lot("40", tags=["itsci:0148217"])]
    event = ground.production("1", site=ground.mine)
    event["body"]["lots"] = tags
    ground.append(ground.miner, event)
    (bag,) = ground.made_by(ground.miner, event)
    (stranger,) = ground.people("stranger:miner")
    other = ground.dig(ground.site(stranger, region="CF-HK"), region="CF-HK", by=stranger)
    hold = ground.hold(kind, subject_of(ground, bag, kind))
    rule = "tag_under_hold" if kind == "tag" else "moved_under_hold"
    records = ground.state.records

    def told():
        return notices(
            lambda asked: {a: records[a] for a in asked if a in records},
            map(ground.lot, [bag, other]),
            "2026-03-02",
        )

    assert [each.event for each in told()[bag].holds] == [hold], "whoever has the lot is told"
    ground.offer(ground.miner, ground.trader, [bag])
    assert rule in ground.rules()
    assert ground.found(rule).severity == "severe"
    assert ("hold", hold) in ground.found(rule).figures
    assert (rule in ground.agree(bag)) == (kind != "tag")
    release = ground.says("release", hold=hold, source="device")
    assert release
    ground.accept(ground.trader, [bag])
    assert not ground.rules()
    assert not told()
    assert ground.state.records["ledger", ""].held == ()
    ground.agree(bag, other)


def test_a_hold_on_the_title_holder_and_on_the_site_region():
    """Whoever owns a lot another keeps is held too; so is ore whose site lies in the region, wherever it is now."""
    ground = Ground()
    bag = ground.dig()
    ground.hand_over(ground.miner, ground.trader, [bag])
    ground.offer(ground.trader, ground.processor, [bag], moves="custody", purpose="processing")
    ground.accept(ground.processor, [bag])
    hold = ground.hold("party", ground.trader.party)
    ground.offer(
        ground.processor, ground.exporter, [bag], moves="custody", purpose="storage", region="CF-BGF"
    )
    assert ground.rules() == {"moved_under_hold"}
    ground.says("release", hold=hold, source="device")
    ground.hold("region", "CF-LB")
    ground.accept(ground.exporter, [bag], region="CF-BGF")
    assert ground.rules() == {"moved_under_hold"}
    assert ground.agree(bag) >= {"moved_under_hold"}


def test_everything_that_moves_a_lot_is_noted():
    """Retagging, closure, transformation and export, each under a hold on the lots; outputs of them are not held."""
    ground = Ground()
    bags = [ground.dig() for _ in range(4)]
    ground.hand_over(ground.miner, ground.processor, bags)
    for bag in bags:
        ground.hold("lot", bag)
    first, second, third, fourth = bags
    ground.append(
        ground.processor, ground.act("retagging", lot=first, reason="first_tag", tags_on=["itsci:0148299"])
    )
    assert ground.rules() == {"moved_under_hold"}
    ground.append(ground.processor, ground.closure(ground.on([second]), reason="lost"))
    assert ground.rules() == {"moved_under_hold"}
    heap = ground.mix(ground.processor, [first, third])
    assert ground.rules() == {"moved_under_hold"}
    assert {id_ for f in ground.findings() for _, id_ in f.subjects} == {first, third}
    ground.append(ground.processor, ground.export(ground.on([fourth])))
    assert ground.rules() == {"moved_under_hold"}
    ground.offer(ground.processor, ground.exporter, [heap])
    assert not ground.rules()
    ground.agree(*bags[1:2], heap, fourth)


def test_who_signed_before_the_hold_is_not_accused():
    """A transfer dated before the hold and recorded after it is a notice; past `until` a hold is nothing."""
    ground = Ground()
    bags = [ground.dig() for _ in range(3)]
    at = f"{ground.today}T06:30:00Z"
    ground.clock += 2 * DAY
    ground.hold("lot", bags[0])
    early = ground.transfer(ground.trader.party, ground.on([bags[0]]))
    ground.append(ground.miner, {**early, "event_time": at})
    assert ground.found("moved_under_hold").severity == "notice"
    ground.hold("lot", bags[1], until=ground.today)
    ground.clock += 2 * DAY
    ground.offer(ground.miner, ground.trader, [bags[1]])
    assert not ground.rules()
    ground.offer(ground.miner, ground.trader, [bags[2]])
    assert not ground.rules()
    ground.agree(*bags)


def test_types_of_which_nothing_is_held_are_not_looked_up():
    """A handoff asks for holds on sites, parties and tags only while there are any."""
    ground = Ground()
    bag = ground.dig()
    facts = ground.state.records["ledger", ""]
    assert isinstance(facts, LedgerFacts)
    assert facts.held == ()
    one, two = ground.hold("lot", bag), ground.hold("lot", bag)
    assert ground.state.records["ledger", ""].held == (("lot", 2),)
    ground.state.asked.clear()
    ground.offer(ground.miner, ground.trader, [bag])
    assert {address[1].partition(":")[0] for address in ground.state.asked if address[0] == "held"} == {"lot"}
    assert len(ground.findings("moved_under_hold")) == 2
    for hold in (one, two):
        ground.says("release", hold=hold, source="device")
    assert ground.state.records["ledger", ""].held == ()
