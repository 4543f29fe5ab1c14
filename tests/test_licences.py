"""Licences: who needs one, what it covers, and what is drawn on its quota. No ledger without them is accused."""

import pytest

from grounds import Ground
from memory import COMMITMENT
from rules import DAY
from traceability.core.ground_facts import Need, covers
from traceability.core.ground_records import Licence, Terms
from traceability.core.ids import EventId, SiteId

ASKED = [("licence_missing", act, 1) for act in ("production", "trade", "transport", "processing", "export")]


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("2026-02-27", "not_in_force"),
        ("2026-02-28", "in_force"),
        ("2026-07-01", "in_force"),
        ("2026-07-02", "not_in_force"),
    ],
)
def test_one_day_beside_its_days_is_in_force(day, says):
    """A date typed in the field may be off by one."""
    terms = Terms(EventId("e"), "trader", ("gold",), (), (), "2026-03-01", "2026-06-30", None, None)
    assert covers(terms, Need(day, frozenset({"gold"}), None, None)) == says


@pytest.mark.parametrize(
    ("sites", "regions", "site", "region", "mineral", "says"),
    [
        ((), (), "a", "CF-LB", "gold", "in_force"),
        (("a",), (), "a", "CF-LB", "gold", "in_force"),
        (("a",), (), "b", "CF-LB", "gold", "does_not_cover"),
        (("a",), ("CF-LB",), "b", "CF-LB", "gold", "in_force"),
        (("a",), (), None, "CF-LB", "gold", "in_force"),
        ((), ("CF-LB",), None, "CF-HK", "gold", "does_not_cover"),
        ((), ("CF-LB",), None, None, "gold", "in_force"),
        ((), (), "a", "CF-LB", "coltan", "does_not_cover"),
    ],
)
def test_what_a_licence_covers(sites, regions, site, region, mineral, says):
    """Named sites or regions, and minerals; what an event does not say is no fault of whoever acted."""
    terms = Terms(EventId("e"), "claim", ("gold",), sites, regions, "2026-03-01", None, None, None)
    need = Need("2026-05-01", frozenset({mineral}), site and SiteId(site), region)
    assert covers(terms, need) == says


def test_a_ledger_that_keeps_no_licences_raises_no_alarm():
    """Nobody has a licence and nobody is asked for one: mine to export without a word."""
    ground = Ground()
    bag = ground.dig()
    ground.hand_over(ground.miner, ground.trader, [bag])
    ground.hand_over(ground.trader, ground.processor, [bag])
    heap = ground.mix(ground.processor, [bag], kind="processing", steps=["wash"])
    ground.append(ground.processor, ground.export(ground.on([heap])))
    assert not [f for kept in ground.entries for f in kept.outcome.findings if "licence" in f.rule]


def test_each_act_is_asked_for_its_licence_where_a_policy_says():
    """Production, trade, transport, processing, export: none recorded; and with the licences granted, nothing."""
    ground = Ground(ASKED)
    (carrier,) = ground.people("carrier:transporter")

    def season():
        found = []
        bag = ground.dig()
        found.append(ground.rules())
        ground.offer(ground.miner, ground.trader, [bag], carrier=carrier.party)
        found.append(ground.rules())
        ground.accept(ground.trader, [bag])
        found.append(ground.rules())
        ground.hand_over(ground.trader, ground.processor, [bag])
        heap = ground.mix(ground.processor, [bag], kind="processing", steps=["wash"])
        found.append(ground.rules())
        ground.append(ground.processor, ground.export(ground.on([heap])))
        found.append(ground.rules())
        return bag, found

    bag, found = season()
    assert found == [{"licence_missing"}] * 5
    assert "licence_missing" in ground.agree(bag)
    for party, sort in (
        (ground.miner, "artisanal_permit"), (carrier, "transport"), (ground.trader, "trader"),
        (ground.processor, "processing"), (ground.processor, "export"),
    ):  # fmt: skip
        ground.grant(party, sort)
    bag, found = season()
    assert found == [set()] * 5
    assert ground.agree(bag) == {"not_weighed"}


def test_a_licence_of_the_site_serves_whoever_digs_there():
    """The registration names the holder's licence: a miner of the site needs none of his own."""
    ground = Ground(ASKED)
    (worker,) = ground.people("worker:miner")
    licence = ground.grant(ground.miner, "mining_licence")
    site = ground.site(ground.miner, worked_by=[worker.party], licences=[licence])
    bag = ground.dig(site, by=worker)
    assert not ground.rules()
    assert ground.agree(bag) == set()
    record = ground.state.records["licence", licence]
    assert isinstance(record, Licence)
    assert record.named_by == (site,)
    ground.revoke(licence, ground.today)
    ground.clock += 3 * DAY
    bag = ground.dig(site, by=worker)
    assert ground.rules() == {"licence_revoked"}
    assert ground.agree(bag) == {"licence_revoked"}


def test_who_has_a_licence_is_held_to_it_everywhere():
    """Run out, not yet begun, for another mineral, for another place, revoked: noted without any policy."""
    ground = Ground()
    elsewhere = ground.site(ground.miner)
    ground.grant(ground.miner, "claim", sites=[elsewhere])
    bag = ground.dig()
    assert ground.rules() == {"licence_does_not_cover"}
    assert ground.agree(bag) == {"licence_does_not_cover"}
    ground.grant(ground.trader, "trader", expires="2026-02-20")
    ground.offer(ground.miner, ground.trader, [bag])
    ground.accept(ground.trader, [bag])
    assert ground.rules() == {"licence_not_in_force"}
    assert ground.found("licence_not_in_force").subjects == (("party", ground.trader.party),)
    card = ground.grant(ground.trader, "trader", minerals=["gold"])
    ground.offer(ground.trader, ground.exporter, [bag])
    assert ground.rules() == {"licence_does_not_cover"}
    assert "licence_does_not_cover" in ground.agree(bag)
    bag = ground.dig(elsewhere)
    assert not ground.rules()
    ground.revoke(card, "2026-02-01")
    ground.offer(ground.miner, ground.trader, [bag])
    ground.accept(ground.trader, [bag])
    assert ground.rules() == {"licence_not_in_force"}
    ground.grant(ground.trader, "buying_house")
    ground.offer(ground.trader, ground.exporter, [bag])
    assert not ground.rules()
    assert ground.agree(bag) >= {"licence_not_in_force"}


def test_a_sealed_permit_is_a_permit():
    """Where the event commits to the number of a permit nobody says there is none."""
    ground = Ground(ASKED)
    event = {**ground.production("40", site=ground.mine), "sealed": [["/permit_number", COMMITMENT]]}
    ground.appends(ground.miner, event)
    assert not ground.rules()


def test_a_quota_is_summed_up_over_all_lots_and_told_once():
    """Under the quota nothing; the entry that passes it is noted; another mineral or time does not count."""
    ground = Ground()
    quota = {
        "mass": {"unit": "KGM", "value": "100"},
        "mineral": "cassiterite",
        "from": "2026-03-01",
        "until": "2026-04-30",
    }
    licence = ground.grant(ground.miner, "mining_licence", quota=quota)
    ground.dig(day="2026-02-20")
    ground.dig(value="60")
    ground.dig(value="40")
    assert not ground.rules()
    bag = ground.dig(value="0.01")
    found = ground.found("quota_exceeded")
    assert dict(found.figures)["drawn_ug"] == "100010000000"
    assert ("licence", licence) in found.subjects
    ground.dig(value="10")
    assert not ground.rules()
    assert ground.agree(bag) == set()


def test_an_export_draws_on_the_quota_of_its_licence():
    """A country lets so much leave in a season."""
    ground = Ground()
    quota = {
        "mass": {"unit": "KGM", "value": "30"},
        "mineral": "cassiterite",
        "from": "2026-03-01",
        "until": "2026-04-30",
    }
    ground.grant(ground.processor, "export", quota=quota)
    bag = ground.dig()
    ground.hand_over(ground.miner, ground.processor, [bag])
    ground.append(ground.processor, ground.export(ground.on([bag])))
    assert ground.rules() == {"quota_exceeded"}


def test_a_revocation_for_an_earlier_day_finds_what_was_done_under_the_licence():
    """Ore dug, bought and exported since: noted at the revocation, on those lots; not where another licence served."""
    ground = Ground()
    (worker,) = ground.people("worker:miner")
    permit = ground.grant(ground.miner, "artisanal_permit", sites=[ground.mine])
    card = ground.grant(ground.trader, "trader")
    before = ground.dig()
    ground.wait_until("2026-03-10")
    dug = ground.dig()
    site = ground.site(ground.miner, worked_by=[worker.party], licences=[permit])
    by_worker = ground.dig(site, by=worker)
    ground.hand_over(ground.miner, ground.trader, [before])
    ground.wait_until("2026-03-20")
    ground.revoke(permit, "2026-03-05")
    assert set(ground.found("licence_revoked_later").subjects) == {("lot", dug), ("lot", by_worker)}
    ground.revoke(card, "2026-03-05")
    assert ground.found("licence_revoked_later").subjects == (("lot", before),)
    second = ground.grant(ground.trader, "trader")
    ground.grant(ground.trader, "buying_house")
    ground.revoke(second, "2026-03-05")
    assert not ground.rules()
    ground.agree(before, dug)
