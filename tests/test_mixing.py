"""Ore that must not be mixed: methods, countries and schemes, through any number of steps."""

import pytest

from grounds import Ground


def ore(ground, site, mineral="cobalt", **more):
    """A bag of cobalt ore, in the processor's hands."""
    event = ground.production("1", site=site, region="CD-LU")
    event["body"]["lots"] = [ground.new_lot("100.00", mineral=mineral, form="ore", **more)]
    ground.append(ground.miner, event)
    (bag,) = ground.made_by(ground.miner, event)
    ground.hand_over(ground.miner, ground.processor, [bag])
    return bag


def congo(*thresholds):
    """A ledger with an industrial and an artisanal site in DR Congo, the artisanal one not inspected."""
    ground = Ground(thresholds)
    where = {"country": "CD", "region": "CD-LU", "minerals": ["cobalt", "copper"]}
    big = ground.site(ground.miner, mining_method="industrial", **where)
    small = ground.site(ground.miner, **where)
    return ground, big, small


def test_uncertified_artisanal_cobalt_must_not_go_into_industrial_cobalt():
    """DR Congo's rule counts without any policy: severe on what was made; of one method, or of copper, nothing."""
    ground, big, small = congo()
    heap = cobalt_mix(ground, [ore(ground, big), ore(ground, small)])
    assert ground.found("methods_mixed").severity == "severe"
    assert ground.lot(heap).mixed == ("country:CD", "method:artisanal_uncertified", "method:industrial")
    assert "methods_mixed" in ground.agree(heap)
    cobalt_mix(ground, [ore(ground, big), ore(ground, big)])
    assert not ground.rules()
    cobalt_mix(ground, [ore(ground, small), ore(ground, small)])
    assert not ground.rules()
    bags = [ore(ground, big, "copper"), ore(ground, small, "copper")]
    event = ground.transformation(
        ground.on(bags), [ground.new_lot("200.00", mineral="copper", form="ore")],
        weighings=[{"net": {"unit": "KGM", "value": "200.00"}, "basis": "measured", "lots": sorted(bags)}],
    )  # fmt: skip
    ground.append(ground.processor, event)
    assert "methods_mixed" not in ground.rules()


def cobalt_mix(ground, lots):
    """Mixed into one lot of cobalt."""
    total = sum(ground.lot(lot).expected_ug for lot in lots) // 1_000_000_000
    event = ground.transformation(
        ground.on(lots), [ground.new_lot(f"{total}.00", mineral="cobalt", form="ore")],
        weighings=[{"net": {"unit": "KGM", "value": f"{total}.00"}, "basis": "measured", "lots": sorted(lots)}],
    )  # fmt: skip
    ground.append(ground.processor, event)
    return ground.made_by(ground.processor, event)[0]


def test_a_step_between_hides_nothing():
    """Artisanal ore is first mixed with artisanal ore of another site; the heap still is what it was made of."""
    ground, big, small = congo()
    other = ground.site(ground.miner, country="CD", region="CD-LU", minerals=["cobalt"])
    heap = cobalt_mix(ground, [ore(ground, small), ore(ground, other)])
    assert ground.lot(heap).site is None
    assert "methods_mixed" not in ground.rules()
    washed = cobalt_mix(ground, [heap])
    last = cobalt_mix(ground, [washed, ore(ground, big)])
    assert ground.found("methods_mixed").severity == "severe"
    assert "methods_mixed" in ground.agree(last)


def test_a_certified_site_may_be_mixed_unless_nothing_may():
    """Green counts as certified; with `any` no other ore goes into industrial ore at all; 0 permits what is."""
    for thresholds, expected in (
        ([], set()),
        ([("methods_mixed", "any", 1, "cobalt")], {"methods_mixed"}),
        ([("methods_mixed", "uncertified", 0, "cobalt")], set()),
    ):
        ground, big, small = congo(*thresholds)
        ground.inspect(small, "green", "2026-02-01")
        lots = [ore(ground, big), ore(ground, small)]
        cobalt_mix(ground, lots)
        assert ground.rules() & {"methods_mixed"} == expected


def test_ore_of_no_registered_site_is_uncertified():
    """What came in by intake is of nobody knows which method."""
    ground, big, _ = congo()
    event = ground.intake("50")
    event["body"]["lots"] = [ground.new_lot("50.00", mineral="cobalt", form="ore")]
    event["body"]["countries"] = ["CD", "ZM"]
    ground.append(ground.processor, event)
    (found,) = ground.made_by(ground.processor, event)
    assert ground.lot(found).mixed == ("country:CD", "country:ZM", "method:unregistered_uncertified")
    heap = cobalt_mix(ground, [found, ore(ground, big)])
    assert "methods_mixed" in ground.rules()
    ground.agree(heap)


@pytest.mark.parametrize("forbidden", [0, 1])
def test_countries_and_schemes_where_a_policy_forbids_to_mix_them(forbidden):
    """Ore of two countries under two tagging schemes: noted only where a policy says so."""
    ground = Ground([("countries_mixed", "forbidden", forbidden), ("schemes_mixed", "forbidden", forbidden)])
    abroad = ground.site(ground.miner, country="CM", region="CM-ES")
    bags = []
    for site, tag in ((ground.mine, "itsci:0148217"), (abroad, "rmb:RW0148217")):
        event = ground.production("1", site=site)
        event["body"]["lots"] = [ground.new_lot("40.00", tags=[tag])]
        ground.append(ground.miner, event)
        bags += ground.made_by(ground.miner, event)
    ground.hand_over(ground.miner, ground.trader, bags)
    heap = ground.mix(ground.trader, bags)
    assert ground.rules() == ({"countries_mixed", "schemes_mixed"} if forbidden else set())
    assert ground.lot(heap).mixed == (
        "country:CF", "country:CM", "method:artisanal_uncertified", "scheme:itsci", "scheme:rmb",
    )  # fmt: skip
    ground.agree(heap)


def test_ore_of_no_registered_site_is_of_the_country_it_was_dug_in():
    """Its region says which: mixing it over the border is noted like any other."""
    ground = Ground([("countries_mixed", "forbidden", 1)])
    event = ground.production("40.00", region="CM-ES")
    ground.append(ground.miner, event)
    abroad = ground.made_by(ground.miner, event)[0]
    bags = [ground.dig(), abroad]
    ground.hand_over(ground.miner, ground.trader, bags)
    heap = ground.mix(ground.trader, bags, region="CF-LB")
    assert dict(ground.found("countries_mixed").figures)["mixed"] == "CF,CM"
    ground.agree(heap)


def test_ore_of_one_site_remembers_nothing():
    """Bags of one site and one scheme, retagged alike: the heap is what its site is, and its row grows by nothing."""
    ground = Ground([("countries_mixed", "forbidden", 1), ("schemes_mixed", "forbidden", 1)])
    bags = [ground.dig(), ground.dig()]
    ground.hand_over(ground.miner, ground.trader, bags)
    heap = ground.mix(ground.trader, bags)
    assert not ground.rules()
    assert ground.lot(heap).mixed == ()
    assert ground.lot(heap).site == ground.mine
