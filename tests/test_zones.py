"""Zones: dated areas, by region and by cell, and the history of a country told in nothing but data."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounds import Ground
from rules import DAY
from traceability.core.ground_facts import cell_in, corner

CELL = 1_000_000


def square(west: int, south: int, east: int, north: int) -> list[tuple[int, int]]:
    """A closed ring, in tenths of a degree."""
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return [(x * CELL, y * CELL) for x, y in ring]


@pytest.mark.parametrize(
    ("cell", "lies"),
    [
        ("40,180", "inside"), ("44,184", "inside"), ("45,180", "outside"), ("40,185", "outside"), ("-40,180", "outside"),
        ("39,180", "outside"),
    ],
)  # fmt: skip
def test_cells_beside_a_border_that_follows_cells(cell, lies):
    """A border along the edge of a cell belongs to neither side: the cell is inside or outside, never partly."""
    assert cell_in(square(180, 40, 185, 45), cell) == lies


def test_a_cell_cut_by_a_border_and_one_that_holds_the_whole_zone():
    """Where the border runs through the cell, or the whole zone lies in it, it is partly."""
    half = [(x + CELL // 2, y) for x, y in square(180, 40, 185, 45)]
    assert cell_in(half, "40,180") == "partly"
    assert cell_in(half, "40,185") == "partly"
    assert cell_in(half, "40,181") == "inside"
    tiny = [
        (18_010_000, 4_010_000),
        (18_020_000, 4_010_000),
        (18_020_000, 4_020_000),
        (18_010_000, 4_010_000),
    ]
    assert cell_in([(x * 10, y * 10) for x, y in tiny], "40,180") == "partly"
    assert corner("-20,294") == (294 * CELL, -20 * CELL)


points = st.tuples(st.integers(-30, 30), st.integers(-30, 30))


@given(st.lists(points, min_size=3, max_size=7), st.integers(-3, 2), st.integers(-3, 2))
def test_a_cell_and_a_polygon_are_compared_exactly(corners, south, west):
    """A slow twin in fractions: crossings of every edge with the cell, and the winding around its middle by hand."""
    tenth = CELL // 10
    ring = [(x * tenth, y * tenth) for x, y in (*corners, corners[0])]
    assert cell_in(ring, f"{south},{west}") == slow(ring, west * CELL, south * CELL)


def slow(ring: list[tuple[int, int]], west: int, south: int) -> str:
    """Cuts each edge to the open cell in fractions; then counts edges east of the middle."""
    east, north = west + CELL, south + CELL
    for (ax, ay), (bx, by) in pairwise(ring):
        low, high = Fraction(0), Fraction(1)
        for start, step, least, most in ((ax, bx - ax, west, east), (ay, by - ay, south, north)):
            if step == 0:
                if not least < start < most:
                    high = Fraction(-1)
                continue
            ends = sorted((Fraction(least - start, step), Fraction(most - start, step)))
            low, high = max(low, ends[0]), min(high, ends[1])
        if low < high and (ax, ay) != (bx, by):
            return "partly"
    x, y = Fraction(west + east, 2), Fraction(south + north, 2)
    crossings = 0
    for (ax, ay), (bx, by) in pairwise(ring):
        if (ay > y) != (by > y):
            crossings += ax + (y - ay) * Fraction(bx - ax, by - ay) > x
    return "inside" if crossings % 2 else "outside"


# What is noticed


@pytest.mark.parametrize(
    ("sort", "origin", "transit"),
    [
        ("closed", "severe", "warning"),
        ("conflict_affected", "warning", "notice"),
        ("protected", "severe", None),
        ("compliant", None, None),
    ],
)
def test_a_zone_weighs_by_its_type(sort, origin, transit):
    """Ore that comes from it, and ore that is handled in it; both noted in evidence alike."""
    ground = Ground()
    before = ground.dig()
    ground.clock += 5 * DAY
    zone = ground.zone(sort, ground.today)
    ground.clock += DAY
    bag = ground.dig()
    assert [f.severity for f in ground.findings("from_zone")] == ([origin] if origin else [])
    assert ground.lot(bag).zones == ((zone,) if origin else ())
    ground.offer(ground.miner, ground.trader, [before])
    assert [f.severity for f in ground.findings("through_zone")] == ([transit] if transit else [])
    assert ground.agree(bag) == ({"from_zone"} if origin else set())
    assert ground.agree(before) == ({"through_zone"} if transit else set())


def test_a_zone_notices_a_lot_once_and_is_not_all_minerals():
    """However often it is handled there; what is made of it counts as noticed; another mineral's zone says nothing."""
    ground = Ground()
    ground.zone("conflict_affected", "2026-02-01")
    ground.zone("closed", "2026-02-01", minerals=["gold"])
    bags = [ground.dig(), ground.dig()]
    ground.hand_over(ground.miner, ground.trader, bags)
    heap = ground.mix(ground.trader, bags)
    ground.hand_over(ground.trader, ground.exporter, [heap])
    assert len(ground.all_found("from_zone")) == 2
    assert not ground.all_found("through_zone")
    assert ground.agree(heap) == {"not_weighed"}


def test_a_country_on_a_policys_list_is_noted():
    """Only from the policy's approval on, only for the mineral it lists, and only that country."""
    ground = Ground()
    ground.dig()
    assert not ground.all_found("from_transit_country")
    listed = {"rule": "from_transit_country", "name": "listed", "mineral": "cassiterite", "value": 1}
    body = {
        "from": "2026-03-01",
        "country": "CF",
        "bands": [],
        "thresholds": [listed],
        "refusals": [],
        "times": [],
    }
    policy = ground.append(ground.operator, {"kind": "policy", "body": body})
    ground.append(ground.registrar, ground.approval(policy))
    bag = ground.dig()
    assert dict(ground.found("from_transit_country").figures) == {"country": "CF"}
    ground.agree(bag)


def test_a_supplier_of_a_risk_area_is_noted_once_a_year():
    """Who gave ore of a zone gives other ore afterwards: told of him, once, as a notice; before it nothing is."""
    ground = Ground()
    clean, later = ground.dig(), ground.dig()
    ground.hand_over(ground.miner, ground.trader, [clean])
    assert not ground.all_found("supplier_of_risk_area")
    ground.zone("conflict_affected", "2026-02-01", minerals=["coltan"])
    named = ground.dig(lots=[ground.new_lot("40.00", mineral="coltan")])
    assert ground.lot(named).zones
    ground.hand_over(ground.miner, ground.trader, [named])
    assert not ground.all_found("supplier_of_risk_area")
    ground.hand_over(ground.miner, ground.trader, [later])
    (found,) = ground.all_found("supplier_of_risk_area")
    assert found.severity == "notice"
    assert ("party", ground.miner.party) in found.subjects
    ground.hand_over(ground.miner, ground.trader, [ground.dig()])
    assert len(ground.all_found("supplier_of_risk_area")) == 1


def test_the_site_lies_in_the_zone_though_the_event_does_not():
    """Bagged across the border of a closed region: the site's own region says where the ore is from."""
    ground = Ground()
    ground.zone("closed", "2026-02-01")
    bag = ground.dig(region="CF-BGF")
    assert "from_zone" in ground.rules()
    ground.agree(bag)


def test_a_polygon_is_compared_with_the_cell():
    """Whole cells inside are noted, those cut by the border are a notice, events without a cell are not accused."""
    ground = Ground()
    ring = [[x + CELL // 2, y] for x, y in square(180, 40, 185, 45)]
    ground.zone("closed", "2026-02-01", polygon=ring)
    bag = ground.dig(cell="40,181")
    assert ground.found("from_zone").severity == "severe"
    ground.agree(bag)
    ground.dig(cell="40,180")
    assert ground.found("from_zone").severity == "notice"
    ground.dig(cell="50,180")
    assert not ground.rules()
    ground.dig()
    assert not ground.rules()


def test_the_central_african_republic_in_nothing_but_data():
    """Diamonds leave from compliant zones until 14 Nov 2024 and from everywhere since; old stones keep their day's rule."""
    ground = Ground()
    stones = {"minerals": ["diamond"], "type": "zone"}
    berberati, bria = (
        ground.site(ground.miner, region="CF-HS", **stones),
        ground.site(ground.miner, region="CF-HK", **stones),
    )
    ground.zone("compliant", "2016-06-01", regions=["CF-HS"], minerals=["diamond"], until="2024-11-14")
    ground.zone("compliant", "2019-11-01", regions=["CF-LB"], minerals=["diamond"], until="2024-11-14")

    def stone(site, region, day, mineral="diamond"):
        where = {} if site is None else {"site": site}
        event = ground.production("1", region=region, **where)
        form = {"form": "rough", "count": 1} if mineral == "diamond" else {"form": "dust"}
        event["body"]["lots"] = [ground.new_lot("0.40", unit="CTM", mineral=mineral, **form)]
        event["event_time"] = f"{day}T10:00:00Z"
        ground.append(ground.miner, event)
        return ground.made_by(ground.miner, event)[0], "outside_compliant_zones" in ground.rules()

    assert not stone(berberati, "CF-HS", "2020-05-01")[1]
    old, outside = stone(bria, "CF-HK", "2020-05-01")
    assert outside
    assert ground.found("outside_compliant_zones").severity == "severe"
    assert stone(bria, "CF-HK", "2024-11-14")[1]
    assert not stone(bria, "CF-HK", "2024-11-15")[1]
    assert not stone(bria, "CF-HK", "2013-05-01")[1]
    assert not stone(bria, "CF-HK", "2020-05-01", "gold")[1]
    assert not stone(None, "CM-ES", "2020-05-01")[1]
    assert "outside_compliant_zones" in ground.agree(old)


@pytest.mark.parametrize(
    ("day", "noted"),
    [("2026-03-04", False), ("2026-03-05", True), ("2026-03-08", True), ("2026-03-09", False)],
)
def test_a_day_beside_a_zones_own_days_is_no_matter(day, noted):
    """Closed from the fourth to the ninth: ore dated on its first or last day may be of the day beside."""
    ground = Ground()
    ground.zone("closed", "2026-03-04", until="2026-03-09")
    ground.wait_until("2026-03-20")
    bag = ground.dig(day=day)
    assert ("from_zone" in ground.rules()) == noted
    ground.agree(bag)


def test_an_intake_in_a_zone_is_noted():
    """Ore without a mine that is taken in where trade is closed."""
    ground = Ground()
    ground.zone("closed", "2026-02-01")
    (heap,) = ground.intaken(ground.trader, "10")
    assert "from_zone" in ground.rules()
    ground.agree(heap)


def test_a_zone_declared_later_finds_the_lots_of_its_sites():
    """For days that have passed: on ore already dug there for its mineral, and no other; the ledger alone can tell."""
    ground = Ground()
    early = ground.dig()
    ground.wait_until("2026-03-10")
    bag = ground.dig()
    elsewhere = ground.site(ground.miner, region="CF-HK")
    ground.dig(site=elsewhere)
    ground.wait_until("2026-03-20")
    ground.zone("conflict_affected", "2026-03-05", minerals=["cassiterite"])
    assert ground.found("zone_declared_later").subjects == (("lot", bag),)
    assert ground.found("zone_declared_later").severity == "warning"
    ground.zone("closed", "2026-02-01", minerals=["gold"])
    assert not ground.rules()
    ground.zone("closed", ground.today)
    assert not ground.rules()
    ground.agree(early, bag)
