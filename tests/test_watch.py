"""Rules over sums and networks: each is provoked, and each lets pass the honest thing that looks like it."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from memory import Actor, MemoryLedger, weighing
from rules import COMMITMENT, Rules
from traceability.core.distance import km_between
from traceability.core.findings.catalogue import RULES
from traceability.core.findings.stock import count_tags, has_bit, with_bits
from traceability.core.findings.weights import _surprising
from traceability.core.ground import ESTIMATES_MAX
from traceability.core.ids import LotId, RollId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Appended, Finding
from traceability.core.registry_records import Site
from traceability.core.tag import our_tag
from traceability.core.tallies import Stock
from traceability.simulation.season import season

MORNING = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def found(trade: Rules, rule: str) -> list[Finding]:
    return [each for kept in trade.entries for each in kept.outcome.findings if each.rule == rule]


def at(minutes: int) -> str:
    return (MORNING + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def produce(trade: Rules, actor: Actor, *values: str, minutes: int | None = None, **more: Any) -> list[LotId]:
    event = trade.production(*values, **more)
    if minutes is not None:
        event["event_time"] = at(minutes)
        trade.clock = max(trade.clock, int(MORNING.timestamp()) + 60 * minutes)
    trade.append(actor, event)
    return trade.made_by(actor, event)


# Places and times


def test_a_key_in_two_places_at_once() -> None:
    """Two hundred kilometres in twenty minutes; not in three hours, and not typed from a book."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    produce(trade, coop, "20.00", minutes=0, cell="40,180")
    produce(trade, coop, "21.00", minutes=180, cell="60,180")
    produce(trade, coop, "22.00", minutes=185, cell="40,180", source="paper", captured_time=at(185))
    assert not found(trade, "impossible_travel")
    produce(trade, coop, "22.00", minutes=200, cell="40,180")
    (finding,) = found(trade, "impossible_travel")
    assert finding.figures == (("km", "209"), ("minutes", "20"))


def test_distances_are_never_more_than_a_way_could_be() -> None:
    """Neighbouring cells are at no distance; east and west shrink with the latitude, and meet at 180°."""
    assert km_between((0, 0), (1, 1)) == 0
    assert km_between((0, 0), (0, 11)) == 109
    assert km_between((600, 0), (600, 11)) == 51
    assert km_between((0, 1795), (0, -1800)) == 43
    assert km_between((9999, 9999), (-9999, -9999)) > 0


def test_one_key_that_signs_for_both_sides() -> None:
    """An agent signs the transfer for the miner and the acceptance for the trader."""
    trade = Rules()
    coop, trader, agent, other = trade.people(
        "coop:miner", "trader:trader", "agent:tag_agent", "other:trader"
    )
    rights = {}
    for side in (coop, trader):
        kinds = ["transfer", "acceptance"]
        rights[side] = trade.appends(side, trade.delegation(agent.party, kinds, principal=side.party))
    one, two = trade.produce(coop, "38.40", "41.00")

    def acting(event: dict[str, Any], side: Actor) -> dict[str, Any]:
        return {**event, "body": {**event["body"], "acting_for": side.party, "delegation": rights[side]}}

    offer = trade.appends(agent, acting(trade.transfer(trader.party, trade.on([one])), coop))
    trade.appends(agent, acting(trade.acceptance([(offer, one)]), trader))
    ((_, finding),) = [(0, each) for each in found(trade, "same_signer_on_both_sides")]
    assert finding.subjects == tuple(sorted([("party", agent.party), ("lot", one)]))
    offer = trade.appends(agent, acting(trade.transfer(other.party, trade.on([two])), coop))
    trade.appends(other, trade.acceptance([(offer, two)]))
    assert len(found(trade, "same_signer_on_both_sides")) == 1


@pytest.mark.parametrize(
    ("minutes", "region", "told"), [(1, "CF-BGF", True), (1, "CF-LB", False), (90, "CF-BGF", False)]
)
def test_ore_that_changes_province_in_a_minute(minutes: int, region: str, told: bool) -> None:
    """Given in one region and taken in another within five minutes."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    (bag,) = trade.produce(coop, "38.40")
    offer = trade.appends(coop, trade.transfer(trader.party, trade.on([bag])))
    trade.clock += 60 * minutes
    taking = trade.acceptance([(offer, bag)])
    trade.appends(trader, {**taking, "body": {**taking["body"], "region": region}})
    assert bool(found(trade, "moved_without_travel")) == told


def test_ore_faster_than_the_road() -> None:
    """By cells: a hundred kilometres in half an hour."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    (bag,) = trade.produce(coop, "38.40")
    trade.offer(coop, trader, [bag], cell="40,180")
    trade.clock += 1800
    trade.accept(trader, [bag], cell="60,180")
    (finding,) = found(trade, "moved_without_travel")
    assert dict(finding.figures)["km"] == "209"


def test_a_bag_through_three_hands_within_the_hour() -> None:
    """Dug, sold and sold on in one session; the same next day is trade."""
    trade = Rules()
    coop, trader, other = trade.people("coop:miner", "trader:trader", "other:exporter")
    one, two = trade.produce(coop, "38.40", "41.00")
    trade.hand_over(coop, trader, [one, two])
    trade.hand_over(trader, other, [one])
    assert [each.subjects for each in found(trade, "sold_on_within_minutes")] == [(("lot", one),)]
    trade.wait_until("2026-03-03")
    trade.hand_over(trader, other, [two])
    assert len(found(trade, "sold_on_within_minutes")) == 1


def test_an_upload_that_is_late_for_its_key() -> None:
    """After sixteen events within the hour, one that is a month old; typed from paper it counts from the typing."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    for _ in range(16):
        produce(trade, coop, "20.00")
    trade.wait_until("2026-04-10")
    paper = trade.production("20.00", source="paper", captured_time="2026-04-10T08:00:00Z")
    trade.append(coop, {**paper, "event_time": "2026-03-03T08:00:00Z"})
    assert not found(trade, "recorded_unusually_late")
    trade.append(coop, {**trade.production("20.00"), "event_time": "2026-03-03T08:00:00Z"})
    (finding,) = found(trade, "recorded_unusually_late")
    assert dict(finding.figures)["usual_hours"] == "0"


# Weights


def seasoned(values: list[str]) -> Rules:
    """A ledger in which one miner has brought bags of these weights, five a day."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    site = trade.site(coop)
    for first in range(0, len(values), 5):
        produce(trade, coop, *values[first : first + 5], site=site)
    return trade


WEIGHTS = ("weights_too_round", "weights_repeated", "weights_too_even")


def told(trade: Rules) -> set[str]:
    return {rule for rule in WEIGHTS if found(trade, rule)}


def test_invented_weights_are_round() -> None:
    """Two in three whole kilograms where the scale shows ten grams."""
    rng = random.Random(1)
    values = [
        f"{rng.randint(30, 50)}.00" if n % 3 else f"{rng.randint(3000, 5000) / 100:.2f}" for n in range(40)
    ]
    trade = seasoned(values)
    assert told(trade) == {"weights_too_round"}
    assert {each.subjects[0][0] for each in found(trade, "weights_too_round")} == {"site", "party"}


def test_copied_weights_repeat() -> None:
    """One weight again and again between others."""
    rng = random.Random(2)
    values = ["41.35" if n % 4 else f"{rng.randint(3001, 4999) / 100:.2f}" for n in range(40)]
    assert told(seasoned(values)) == {"weights_repeated"}


def test_weights_on_one_line_are_too_even() -> None:
    """Forty bags within a hundred grams of forty kilograms."""
    rng = random.Random(3)
    assert "weights_too_even" in told(seasoned([f"40.{rng.randint(1, 19):02}" for _ in range(40)]))


@pytest.mark.parametrize("step_grams", [10, 20, 50, 100, 200])
def test_honest_scales_are_not_accused(step_grams: int) -> None:
    """Bags of 20 to 50 kg on scales of 10 to 200 g: of 200 sites with 200 bags each not one is told of.

    The rules themselves are asked, window by window, as the fold asks them.
    """
    rng = random.Random(step_grams)
    unit, unlikely = 1000 // step_grams, 10_000_000
    least = _surprising(40, unit, unlikely)
    for _ in range(200):
        grams = [
            round(min(max(rng.gauss(36_000, 6_000), 20_000), 50_000) / step_grams) * step_grams
            for _ in range(200)
        ]
        for first in range(0, 160, 4):
            window = grams[first : first + 40]
            assert sum(mass % 1000 == 0 for mass in window) < least
            assert max(window.count(mass) for mass in set(window)) <= 20
            assert (max(window) - min(window)) * 40 * 1_000_000 > sum(window) * 10_000


def test_the_bound_is_that_of_the_binomial() -> None:
    """The least number of hits whose probability is below one in ten million, counted the slow way."""
    from fractions import Fraction
    from math import comb

    for one_in in (2, 5, 10, 20, 100):
        p = Fraction(1, one_in)
        tails = [sum(comb(40, k) * p**k * (1 - p) ** (40 - k) for k in range(n, 41)) for n in range(42)]
        least = _surprising(40, one_in, 10_000_000)
        assert tails[least] * 10_000_000 <= 1 < tails[least - 1] * 10_000_000


def test_tags_changed_about_in_a_load() -> None:
    """Three bags weigh what the others weighed; bags that only differ are told of by other rules."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    load = trade.produce(coop, "38.40", "31.00", "45.75", "40.00")
    trade.offer(coop, trader, load)
    values = ["31.05", "45.70", "38.35", "40.00"]
    trade.accept(
        trader, load, weighings=[weighing(v, lots=[lot]) for v, lot in zip(values, load, strict=True)]
    )
    (finding,) = found(trade, "weights_permuted")
    assert dict(finding.figures) == {"apart": "3", "lots": "4"}
    load = trade.produce(coop, "38.40", "31.00")
    trade.offer(coop, trader, load)
    trade.accept(
        trader,
        load,
        weighings=[weighing(v, lots=[lot]) for v, lot in zip(["31.0", "20.0"], load, strict=True)],
    )
    assert len(found(trade, "weights_permuted")) == 1


def handed_over(
    trade: Rules, coop: Actor, trader: Actor, times: int, made: str, taken: str, **more: Any
) -> None:
    for _ in range(times):
        (bag,) = produce(trade, coop, made, **more)
        trade.hand_over(coop, trader, [bag], [weighing(taken, lots=[bag])])


def test_a_small_steady_gain_is_found() -> None:
    """Each time less than the band allows, twenty times: told of the giver, the site and who weighed, once."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    site = trade.site(coop)
    trade_policy(trade, "steady_gain", ppm=5_000)
    handed_over(trade, coop, trader, 19, "40.00", "40.30", site=site)
    assert not found(trade, "steady_gain")
    handed_over(trade, coop, trader, 6, "40.00", "40.30", site=site)
    subjects = {finding.subjects for finding in found(trade, "steady_gain")}
    assert subjects == {(("party", coop.party),), (("party", trader.party),), (("site", site),)}
    assert len(found(trade, "steady_gain")) == 3
    assert not found(trade, "mass_gained")


def test_readings_that_err_both_ways_are_no_gain() -> None:
    """Two honest scales that part by half a per cent."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    for taken in ("40.20", "39.80", "40.10", "39.90") * 7:
        handed_over(trade, coop, trader, 1, "40.00", taken)
    assert not found(trade, "steady_gain")
    assert not found(trade, "steady_loss")


def test_a_scale_that_always_reads_low_is_found() -> None:
    """A buyer's, by 3.5 %, inside the band of every single bag."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    handed_over(trade, coop, trader, 20, "40.00", "38.60")
    assert {each.subjects[0] for each in found(trade, "steady_loss")} == {
        ("party", coop.party),
        ("party", trader.party),
    }


def test_a_closed_circle_whose_scales_always_agree() -> None:
    """Twenty sales by the same two without a gram between them; a second buyer, or real scales, and it is none."""
    trade = Rules()
    coop, trader, other = trade.people("coop:miner", "trader:trader", "other:trader")
    site = trade.site(coop)
    handed_over(trade, coop, trader, 15, "40.00", "40.00", site=site)
    handed_over(trade, coop, other, 1, "40.00", "40.00", site=site)
    handed_over(trade, coop, trader, 15, "40.00", "40.00", site=site)
    handed_over(trade, coop, trader, 1, "40.00", "39.95", site=site)
    handed_over(trade, coop, trader, 19, "40.00", "40.00", site=site)
    assert not found(trade, "closed_circle")
    handed_over(trade, coop, trader, 1, "40.00", "40.00", site=site)
    (finding,) = found(trade, "closed_circle")
    assert finding.severity == "notice"
    assert ("site", site) in finding.subjects


# Tags


def roll_for(trade: Rules, coop: Actor, *, site: Any = None, count: int = 20) -> RollId:
    issue = trade.roll_issue(trade.registrar, count)
    trade.appends(trade.registrar, issue)
    roll = RollId(issue["body"]["roll"])
    body = {"roll": roll, "first": 1, "last": count // 2, "to_party": coop.party}
    trade.appends(
        trade.registrar,
        {"kind": "tag_allocation", "body": body if site is None else {**body, "to_site": site}},
    )
    return roll


def tagged(trade: Rules, actor: Actor, tag: str, **more: Any) -> LotId:
    event = trade.production(**more)
    event["body"]["lots"] = [trade.new_lot("20.00", tags=[tag])]
    trade.append(actor, event)
    return trade.made_by(actor, event)[0]


def test_tags_where_they_do_not_belong() -> None:
    """Another site's, another party's, the issuer's still, and one of no roll; as allocated nothing is said."""
    trade = Rules()
    coop, other = trade.people("coop:miner", "other:miner")
    site, elsewhere = trade.site(coop), trade.site(coop)
    own, shared = roll_for(trade, coop, site=site), roll_for(trade, coop)
    tagged(trade, coop, our_tag(own, 1), site=site)
    tagged(trade, other, our_tag(own, 2), site=site)
    tagged(trade, coop, our_tag(shared, 1))
    names = ("tag_of_another_site", "tag_of_another_party", "tag_not_allocated", "tag_not_issued")
    assert not any(found(trade, name) for name in names)
    tagged(trade, coop, our_tag(own, 3), site=elsewhere)
    tagged(trade, other, our_tag(shared, 2))
    tagged(trade, coop, our_tag(own, 15), site=site)
    tagged(trade, coop, our_tag(RollId("0" * 26), 1))
    assert [len(found(trade, name)) for name in names] == [1, 1, 1, 1]


def test_a_tag_is_used_once() -> None:
    """After it came off, was lost or made void it goes on nothing again; the rest of a lot may keep its own."""
    trade = Rules()
    (coop,) = trade.people("coop:miner,tag_agent")
    roll = roll_for(trade, coop)
    tags = [our_tag(roll, n) for n in range(1, 6)]
    one, two, three = (tagged(trade, coop, tag) for tag in tags[:3])
    for lot, tag, fate in ((one, tags[0], "destroyed"), (two, tags[1], "stolen")):
        off = [{"tag": tag, "fate": fate}]
        trade.appends(coop, trade.act("retagging", lot=lot, tags_off=off, reason="unreadable"))
    void = {"kind": "tag_void", "body": {"roll": roll, "first": 4, "last": 4, "reason": "misprinted"}}
    trade.appends(trade.registrar, void)
    kept = trade.new_lot("19.00", tags=[tags[2]])
    trade.appends(coop, trade.transformation(trade.on([three]), [kept, "1.00"], "split"))
    tagged(trade, coop, tags[4])
    assert not found(trade, "tag_after_its_end")
    for tag in (tags[0], tags[1], tags[3]):
        tagged(trade, coop, tag)
    again = found(trade, "tag_after_its_end")
    assert [dict(each.figures)["was"] for each in again] == ["off", "lost", "void"]
    assert {each.severity for each in again} == {"severe"}


def test_printed_numbers_are_found_by_their_range() -> None:
    """A tag of another scheme belongs to the roll whose run of numbers it lies in, across a boundary of the index."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    site = trade.site(coop)
    nonce = trade.nonce()
    issue = {**trade.roll_issue(trade.registrar, 20)}
    body = {**issue["body"], "scheme": "rmb", "medium": "number"}
    body["numbers"] = {"prefix": "RW01", "first": 7990, "last": 8009, "digits": 5, "suffix": ""}
    trade.appends(trade.registrar, {"kind": "tag_issue", "body": body})
    given = {"roll": body["roll"], "first": 1, "last": 20, "to_party": coop.party, "to_site": site}
    trade.appends(trade.registrar, {"kind": "tag_allocation", "body": given})
    assert nonce
    for number in ("RW0107990", "RW0108009"):
        tagged(trade, coop, f"rmb:{number}", site=site)
    assert not found(trade, "tag_of_another_site")
    for number in ("RW0107999", "RW0108000"):
        tagged(trade, coop, f"rmb:{number}")
    assert len(found(trade, "tag_of_another_site")) == 2
    assert not found(trade, "tag_not_issued")
    tagged(trade, coop, "rmb:RW0108010")
    tagged(trade, coop, "rmb:XX0108000")
    assert len(found(trade, "tag_of_another_site")) == 2
    assert [each.severity for each in found(trade, "tag_not_issued")] == ["notice", "notice"]
    tagged(trade, coop, "itsci:0148217")  # nobody records that scheme's rolls here
    assert len(found(trade, "tag_not_issued")) == 2


def test_counts_of_a_roll_always_add_up() -> None:
    """Whatever befalls its tags, in any order: every tag of an allocation is counted once."""
    rng = random.Random(7)
    stock: dict[str, bytes] = {"applied": b"", "off": b"", "lost": b"", "void": b""}
    plain: dict[str, set[int]] = {name: set() for name in stock}
    for _ in range(300):
        name, position = rng.choice(list(stock)), rng.randint(1, 500)
        stock[name] = with_bits(stock[name], [position])
        plain[name].add(position)
        assert has_bit(stock[name], position)
        first = rng.randint(1, 500)
        last = rng.randint(first, 500)
        counts = count_tags(Stock(**stock), first, last)
        assert counts.pop("tags") == sum(counts.values()) == last - first + 1
    for name, positions in plain.items():
        assert {n for n in range(1, 501) if has_bit(stock[name], n)} == positions


def test_tags_allocated_and_never_seen() -> None:
    """After half a year; what was passed on counts for whoever has it now."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    roll = roll_for(trade, coop)
    tagged(trade, coop, our_tag(roll, 1))
    trade.wait_until("2026-09-05")
    trade.enrol("somebody", ["trader"])
    (finding,) = found(trade, "tags_unused")
    assert finding.subjects == (("roll", roll),)
    figures = {"idle": "9", "lost": "0", "off": "0", "on": "1", "tags": "10", "void": "0"}
    assert dict(finding.figures) == figures


def test_tags_put_on_in_a_rush() -> None:
    """A hundred and twenty in an hour are a day's work signed in the evening; more are put on at a table."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    numbers = iter(range(1000))

    def bags(minutes: int) -> None:
        event = trade.production()
        lots = [trade.new_lot(f"{20 + n}.15", tags=[f"itsci:{next(numbers)}"]) for n in range(60)]
        event["body"]["lots"] = lots
        trade.append(coop, {**event, "event_time": at(minutes)})

    trade.clock += 86_400
    for minutes in (0, 30, 100):
        bags(minutes)
    assert not found(trade, "tags_in_a_rush")
    for minutes in (101, 102, 103):
        bags(minutes)
    (finding,) = found(trade, "tags_in_a_rush")
    assert dict(finding.figures) == {"minutes": "2", "tags": "180"}


def test_two_sites_signed_for_in_turn() -> None:
    """Back and forth three times in a morning; from pit to pit and home is a round."""
    trade = Rules()
    (agent,) = trade.people("agent:tag_agent,miner")
    sites = [trade.site(agent) for _ in range(3)]
    for minutes, site in ((0, 0), (60, 1), (120, 2), (180, 0)):
        produce(trade, agent, "20.00", minutes=minutes, site=sites[site])
    assert not found(trade, "sites_interleaved")
    for minutes in range(1500, 1600, 20):
        produce(trade, agent, "20.00", minutes=minutes, site=sites[minutes // 20 % 2])
    (finding,) = found(trade, "sites_interleaved")
    assert ("key", agent.key.id) in finding.subjects


# Sites, papers, silence


@pytest.mark.threat("T21")
def test_more_than_a_site_can_give() -> None:
    """On one day, and in a month of days that are each within what it can; nothing before there is an estimate."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    site = trade.site(coop)
    produce(trade, coop, "900.00", site=site)
    body = {
        "site": site,
        "mineral": "cassiterite",
        "form": "concentrate",
        "from": "2026-03-03",
        "method": "looked",
    }
    body |= {"mass_per_day": {"unit": "KGM", "value": "100"}, "days_per_month": 10}
    trade.appends(trade.registrar, {"kind": "capacity_estimate", "body": body})
    for day in range(3, 13):
        trade.wait_until(f"2026-03-{day:02}")
        produce(trade, coop, "110.00", site=site)
    assert not found(trade, "output_above_capacity")
    for day in (13, 14):
        trade.wait_until(f"2026-03-{day}")
        produce(trade, coop, "110.00", site=site)
    trade.wait_until("2026-04-20")
    produce(trade, coop, "240.00", site=site, dug_from="2026-04-18", dug_until="2026-04-20")
    assert [dict(each.figures)["days"] for each in found(trade, "output_above_capacity")] == ["30"]
    trade.wait_until("2026-05-25")
    produce(trade, coop, "130.00", site=site)
    assert [dict(each.figures)["days"] for each in found(trade, "output_above_capacity")] == ["30", "1"]


@pytest.mark.threat("T21")
def test_what_a_site_says_of_itself_counts_where_nobody_else_looked() -> None:
    """The operator's own estimate, however high, does not lift what an inspectorate found."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    site = trade.site(coop)

    def estimate(actor: Actor, kilograms: str) -> None:
        body = {
            "site": site,
            "mineral": "cassiterite",
            "form": "concentrate",
            "from": "2026-03-01",
            "method": "a look",
        }
        body["mass_per_day"] = {"unit": "KGM", "value": kilograms}  # type: ignore[assignment]
        trade.appends(actor, {"kind": "capacity_estimate", "body": body})

    estimate(coop, "100000")
    produce(trade, coop, "900.00", site=site)
    assert not found(trade, "output_above_capacity")
    estimate(trade.registrar, "100")
    produce(trade, coop, "900.00", site=site)
    (finding,) = found(trade, "output_above_capacity")
    assert dict(finding.figures)["author"] == trade.registrar.party


def test_a_site_that_estimates_itself_without_end_stays_small() -> None:
    """Of one author the newest are kept, and everybody else's."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    site = trade.site(coop)
    body = {
        "site": site,
        "mineral": "cassiterite",
        "form": "concentrate",
        "from": "2026-03-01",
        "method": "a look",
    }
    for actor, times in ((trade.registrar, 1), (coop, ESTIMATES_MAX + 2)):
        for n in range(times):
            mass = {"mass_per_day": {"unit": "KGM", "value": str(n + 1)}}
            trade.appends(actor, {"kind": "capacity_estimate", "body": body | mass})
    record = trade.state.records["site", site]
    assert isinstance(record, Site)
    assert [each.author for each in record.capacities] == [trade.registrar.party] + [
        coop.party
    ] * ESTIMATES_MAX
    assert record.capacities[1].mass_per_day_ug == 3_000_000_000


def test_a_country_sets_the_numbers_of_sums_too() -> None:
    """A policy of one country counts for what is signed there, in rules over the whole log as in all others."""
    trade = Rules(genesis=False)
    trade.appends(trade.operator, trade.genesis())
    coop, trader = trade.people("coop:miner", "trader:trader")
    times = [{"rule": "handoff_overdue", "name": "days", "value": 3}]
    body = {
        "from": "2026-03-01",
        "country": "CF",
        "bands": [],
        "thresholds": [],
        "refusals": [],
        "times": times,
    }
    made = trade.appends(trade.operator, {"kind": "policy", "body": body})
    trade.appends(trade.registrar, trade.approval(made))
    one, two = trade.produce(coop, "38.40", "41.00")
    trade.offer(coop, trader, [one])
    trade.offer(coop, trader, [two], region="CM-ES")
    trade.wait_until("2026-03-06")
    trade.enrol("somebody", ["trader"])
    (finding,) = found(trade, "handoff_overdue")
    assert finding.subjects == (("lot", one),)


def test_a_production_of_a_day_long_gone_is_taken() -> None:
    """Of a day that is not kept any more nothing is asked: a book typed weeks later is no fault of the ledger's."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    site = trade.site(coop)
    body = {
        "site": site,
        "mineral": "cassiterite",
        "form": "concentrate",
        "from": "2026-01-01",
        "method": "looked",
    }
    body |= {"mass_per_day": {"unit": "KGM", "value": "100"}}
    trade.appends(trade.registrar, {"kind": "capacity_estimate", "body": body})
    for day in range(40):
        trade.wait_until(f"2026-{3 + (day + 2) // 31:02}-{(day + 2) % 31 + 1:02}")
        produce(trade, coop, "50.00", site=site)
    late = trade.production("900.00", site=site)
    trade.appends(coop, {**late, "event_time": "2026-03-02T08:00:00Z"})
    assert not found(trade, "output_above_capacity")


def test_ore_bagged_far_from_its_site() -> None:
    """After eight productions in two neighbouring cells, one eighty kilometres off; a new neighbour is none."""
    trade = Rules()
    coop, other = trade.people("coop:miner", "other:miner")
    site = trade.site(coop)
    for n in range(8):
        produce(trade, coop, "20.00", site=site, cell=("40,180", "40,181")[n % 2])
    produce(trade, other, "20.00", site=site, cell="41,182")
    assert not found(trade, "away_from_its_site")
    produce(trade, other, "20.00", site=site, cell="48,180")
    (finding,) = found(trade, "away_from_its_site")
    assert dict(finding.figures)["km"] == "77"


def zone(trade: Rules, region: str) -> None:
    body = {
        "name": "Z",
        "type": "conflict_affected",
        "regions": [region],
        "from": "2026-01-01",
        "source_text": "report",
    }
    trade.appends(trade.registrar, {"kind": "zone", "body": body})


def test_a_hot_region_from_which_nobody_reports() -> None:
    """Half a year and enough productions without an incident; an incident begins the count anew."""
    trade = Rules()
    coop, monitor = trade.people("coop:miner", "monitor:monitor")
    site = trade.site(coop)
    zone(trade, "CF-LB")
    trade_policy(trade, "no_incident_in_zone", productions=3)
    produce(trade, coop, "20.00", site=site)
    trade.wait_until("2026-05-01")
    about = [{"type": "site", "id": site}]
    incident = trade.act(
        "incident", categories=["bribery"], subjects=about, happened_from="2026-04-30", reporter="named"
    )
    trade.appends(monitor, incident)
    for day in ("2026-09-05", "2026-09-06", "2026-09-07"):
        trade.wait_until(day)
        produce(trade, coop, "20.00", site=site)
    assert not found(trade, "no_incident_in_zone")
    trade.wait_until("2026-11-01")
    produce(trade, coop, "20.00", site=site)
    (finding,) = found(trade, "no_incident_in_zone")
    assert finding.subjects == (("region", "CF-LB"),)


def test_an_action_that_was_promised_and_not_done() -> None:
    """Two days after its day; what was done by then is not told of."""
    trade = Rules()
    coop, monitor = trade.people("coop:miner", "monitor:monitor")
    for done in (False, True):
        about = [{"type": "party", "id": coop.party}]
        incident = trade.appends(
            monitor,
            trade.act(
                "incident",
                categories=["bribery"],
                subjects=about,
                happened_from="2026-03-01",
                reporter="named",
            ),
        )
        answer = {"about": {"incident": incident}, "act": "action_planned", "due": "2026-03-20"}
        trade.appends(coop, trade.act("response", **answer))
        if done:
            trade.appends(coop, trade.act("response", about={"incident": incident}, act="action_done"))
    trade.wait_until("2026-03-22")
    trade.enrol("somebody", ["trader"])
    (finding,) = found(trade, "action_overdue")
    assert finding.subjects == (("party", coop.party),)


def test_a_licence_that_ran_out() -> None:
    """Where no other of the sort goes on."""
    trade = Rules()
    coop, other = trade.people("coop:miner", "other:miner")
    for party, until in ((coop, "2026-06-30"), (other, "2026-06-30"), (other, "2027-06-30")):
        body = {
            "party": party.party,
            "type": "artisanal_permit",
            "number": "7",
            "authority": "DM",
            "granted": "2026-01-01",
        }
        body |= {"minerals": ["cassiterite"], "expires": until}
        trade.appends(trade.registrar, {"kind": "licence_grant", "body": body})
    trade.wait_until("2026-07-01")
    trade.enrol("somebody", ["trader"])
    (finding,) = found(trade, "licence_ran_out")
    assert ("party", coop.party) in finding.subjects


def test_a_status_that_ran_out() -> None:
    """A year after it was given; not of a site that was looked at again."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    sites = [trade.site(coop), trade.site(coop)]

    def look(site: str, day: str) -> None:
        body = {
            "site": site,
            "number": "A 1",
            "date": day,
            "status": "green",
            "status_from": day,
            "agency": "DM",
        }
        event = {"kind": "site_inspection", "body": body, "sealed": [["/inspector", COMMITMENT]]}
        trade.appends(trade.registrar, event)

    for site in sites:
        look(site, "2026-03-02")
    trade.wait_until("2026-12-01")
    look(sites[0], "2026-12-01")
    trade.wait_until("2027-03-04")
    for name in ("one", "two"):
        trade.enrol(name, ["trader"])
    (finding,) = found(trade, "site_status_ran_out")
    assert finding.subjects == (("site", sites[1]),)
    assert dict(finding.figures) == {"becomes": "blue", "status": "green"}


def test_a_country_that_exports_more_than_it_digs() -> None:
    """By a tenth more than the figure somebody stated, once for each figure."""
    trade = Rules()
    (exporter,) = trade.people("exporter:exporter,miner")
    body = {"type": "production", "mineral": "cassiterite", "country": "CF", "unit": "TNE", "value": "1"}
    body |= {"from": "2026-01-01", "until": "2026-12-31", "source_text": "survey"}
    trade.appends(trade.operator, {"kind": "reference", "body": body})
    for lot in trade.produce(exporter, "550.00", "549.00", "2.00", "500.00"):
        trade.appends(exporter, trade.export(trade.on([lot])))
    (finding,) = found(trade, "exports_above_production")
    assert dict(finding.figures)["exported_ug"] == str(1_101_000_000_000)


# What an event says of its own lots


def test_a_mineral_under_anothers_heading() -> None:
    """Coltan as tin ore; a heading of its own says nothing."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    event = trade.production()
    for mineral, hs in (("coltan", "2609.00.00"), ("coltan", "2615.90"), ("other", "2609")):
        event["body"]["lots"] = [{**trade.new_lot("20.00"), "mineral": mineral, "hs": hs}]
        trade.append(coop, event)
    (finding,) = found(trade, "hs_of_another_mineral")
    assert dict(finding.figures) == {"hs": "2609.00.00", "mineral": "coltan"}


@pytest.mark.parametrize(("how", "severity"), [("repacking", "warning"), ("processing", "notice")])
def test_a_mineral_that_becomes_another(how: str, severity: str) -> None:
    """Repacking cannot; processing may part two minerals of one ore."""
    trade = Rules()
    (coop,) = trade.people("coop:miner,processor")
    (bag,) = trade.produce(coop, "38.40")
    more = {"steps": ["magnetic"]} if how == "processing" else {}
    outputs = [{**trade.new_lot("38.00"), "mineral": "coltan"}, "0.40"]
    trade.appends(coop, trade.transformation(trade.on([bag]), outputs, how, **more))
    assert [each.severity for each in found(trade, "mineral_changed")] == [severity]


def test_members_are_those_of_the_day() -> None:
    """A team that was enrolled anew later is compared with what it was when the ore was dug."""
    trade = Rules()
    (team,) = trade.people("team:miner")
    trade.appends(trade.registrar, trade.restated(team.party, members=30, **{"from": "2026-02-01"}))
    trade.appends(trade.registrar, trade.restated(team.party, members=4, **{"from": "2026-03-01"}))
    trade.append(team, {**trade.production("20.00", workers=20), "event_time": "2026-02-20T08:00:00Z"})
    assert not found(trade, "more_workers_than_members")
    trade.append(team, trade.production("20.00", workers=20))
    assert len(found(trade, "more_workers_than_members")) == 1


def test_more_hands_than_members() -> None:
    """A team of twelve that is said to have dug with thirty; twice its members may be day labourers."""
    trade = Rules()
    team = trade.enrol("team", ["miner"], type="team", members=12)
    produce(trade, team, "20.00", workers=24)
    assert not found(trade, "more_workers_than_members")
    produce(trade, team, "20.00", workers=30)
    assert len(found(trade, "more_workers_than_members")) == 1


def trade_policy(trade: Rules, rule: str, **values: int) -> None:
    """A policy that sets these thresholds of a rule, approved."""
    lists = [{"rule": rule, "name": name, "value": value} for name, value in values.items()]
    body = {"from": "2026-03-02", "bands": [], "thresholds": lists, "refusals": [], "times": []}
    event = trade.appends(trade.operator, {"kind": "policy", "body": body})
    trade.appends(trade.registrar, trade.approval(event))


@pytest.mark.parametrize("seed", [101, 102, 103])
def test_an_honest_season_is_not_accused(seed: int) -> None:
    """Some thousand bags and loads of fresh seeds: no global rule is severe but for the copied tag that is told.

    Warnings name parties, keys and sites, and at most one in two hundred lots.
    """
    trade = MemoryLedger("ledger.example.org/demo", genesis=False)
    vkey = trade.log_signer.verifier.encode()
    warned: set[str] = set()
    severe: list[str] = []
    for signed in season(events=2500, seed=seed, log=trade.log, log_vkey=vkey, end=1_795_000_000):
        outcome = trade.take(signed.envelope, record_time=signed.record_time)
        assert isinstance(outcome, Appended)
        for finding in outcome.findings:
            if RULES[finding.rule].scope == "global" and finding.severity != "notice":
                warned |= {id_ for kind, id_ in finding.subjects if kind == "lot"}
                severe += [finding.rule] * (finding.severity == "severe")
    assert severe == ["tag_on_two_lots"]
    lots = [record for record in trade.state.records.values() if isinstance(record, Lot)]
    assert len(lots) > 500
    assert (len(warned) - 2) * 200 <= len(lots)
