"""Transformations: lines that close exactly, counts, tags, titles, and stones followed by number."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import Actor, weighing
from rules import Rules
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Rejected


def scene(*masses: str, **more: Any) -> tuple[Rules, Actor, list[LotId]]:
    """A processor with lots of his own."""
    trade = Rules()
    (coop,) = trade.people("coop:miner,processor")
    return trade, coop, trade.produce(coop, *masses, **more) if masses else []


def kilo(value: str, unit: str = "KGM") -> dict[str, str]:
    return {"unit": unit, "value": value}


# Lines


@pytest.mark.threat("T20")
@pytest.mark.parametrize(
    ("inputs", "outputs", "more"),
    [
        (["38.40"], ["38.40"], {}),
        (["38.40"], ["38", "0.4"], {}),
        (["38.40", "41.00"], ["79.4"], {}),
        (["38.40"], ["30"], {"losses": [{"type": "slag", "mass": kilo("8.4")}]}),
        (["38.40"], ["40"], {"gain": kilo("1.6")}),
        (["38.40"], ["40.40"], {"additives": [{"material": "water", "mass": kilo("2")}]}),
        (
            ["38.40", "1.6"],
            ["30", "6"],
            {
                "additives": [{"material": "flux", "mass": kilo("1", "GRM")}],
                "gain": kilo("0.5", "MGM"),
                "losses": [
                    {"type": "slag", "mass": kilo("4")},
                    {"type": "evaporation", "mass": kilo("1.0005", "GRM")},
                ],
            },
        ),
    ],
)
def test_inputs_additives_and_gain_are_outputs_and_losses(inputs: Any, outputs: Any, more: Any) -> None:
    """They close to the last digit; one microgram more or less does not."""
    trade, coop, lots = scene(*inputs)
    good = trade.transformation(trade.on(lots), outputs, **more)
    speck = kilo("0.000000001")
    for lines in ({"losses": [*more.get("losses", []), {"type": "other", "mass": speck}]}, {"gain": speck}):
        if "gain" in lines and "gain" in more:
            continue
        message = trade.refuses(
            "does_not_close", coop, trade.transformation(trade.on(lots), outputs, **{**more, **lines})
        )
        assert "0.000001 g" in message
    trade.appends(coop, good)


UNITS = ("MGM", "GRM", "KGM", "TNE", "CTM", "APZ")
quantities = st.builds(
    lambda unit, whole, decimals: {"unit": unit, "value": f"{whole}.{decimals}"},
    st.sampled_from(UNITS),
    st.integers(1, 800),
    st.text("0123456789", min_size=1, max_size=6),
)


@pytest.mark.threat("T20")
@settings(max_examples=60)
@given(data=st.data())
def test_any_units_close_exactly(data: st.DataObject) -> None:
    """The same readings on both sides, in any units and order, close; one digit changed does not."""
    masses = data.draw(st.lists(quantities, min_size=2, max_size=6))
    split = data.draw(st.integers(1, len(masses) - 1))
    shuffled = data.draw(st.permutations(masses))
    cut = data.draw(st.integers(1, len(masses)))
    trade, coop, _ = scene()
    event = trade.production("1")
    event["body"]["lots"] = [trade.new_lot("1", weighing=_reading(mass)) for mass in masses[:split]]
    lots = trade.made_by(coop, event)
    trade.appends(coop, event)
    body: dict[str, Any] = {}
    if masses[split:]:
        body["additives"] = [{"material": "gold", "mass": mass} for mass in masses[split:]]
    if shuffled[cut:]:
        body["losses"] = [{"type": "other", "mass": mass} for mass in shuffled[cut:]]
    outputs = [trade.new_lot("1", weighing=_reading(mass)) for mass in shuffled[:cut]]
    place = data.draw(st.integers(0, cut - 1))
    net = outputs[place]["weighing"]["net"]
    more = {**net, "value": net["value"] + "000001"[: 9 - len(net["value"].partition(".")[2])]}
    if more["value"].rstrip("0") != net["value"].rstrip("0"):
        spoilt = [
            {**out, "weighing": _reading(more)} if at == place else out for at, out in enumerate(outputs)
        ]
        trade.refuses("does_not_close", coop, trade.transformation(trade.on(lots), spoilt, **body))
    trade.appends(coop, trade.transformation(trade.on(lots), outputs, **body))


def _reading(mass: dict[str, str]) -> dict[str, Any]:
    return {"net": mass, "basis": "measured"}


def test_carats_and_troy_ounces() -> None:
    """A troy ounce is 31.1034768 g and a carat 0.2 g: 155.517384 carats are an ounce, to the last digit."""
    trade, coop, _ = scene()
    event = trade.production("1")
    event["body"]["lots"] = [trade.new_lot("2", "APZ", mineral="gold", form="dust")]
    lots = trade.made_by(coop, event)
    trade.appends(coop, event)
    for value, closes in (("311.034769", False), ("311.034767", False), ("311.034768", True)):
        outputs = [trade.new_lot(value, "CTM", mineral="gold", form="bar")]
        act = trade.transformation(trade.on(lots), outputs, "processing", steps=["melt"])
        if closes:
            trade.appends(coop, act)
        else:
            trade.refuses("does_not_close", coop, act)


# Inputs as weighed


def _seen(trade: Rules, lab: Actor, lots: list[LotId], value: str, basis: str = "measured") -> object:
    reading = [weighing(value, basis=basis, lots=sorted(lots))]
    return trade.appends(lab, trade.act("inspection", type="weighing", lots=sorted(lots), weighings=reading))


def _sample(trade: Rules, lab: Actor, lots: list[LotId], value: str) -> object:
    sample = {"number": "L-1", "mass": kilo(value)}
    return trade.appends(lab, trade.act("inspection", type="assay", lots=lots[:1], sample=sample))


LAST: dict[str, tuple[Callable[[Rules, Actor, Actor, list[LotId]], object], str | None]] = {
    "as made": (lambda t, c, b, lots: None, "38.40"),
    "measured alone": (lambda t, c, b, lots: _seen(t, b, lots[:1], "38.3"), "38.3"),
    "counted alone": (lambda t, c, b, lots: _seen(t, b, lots[:1], "38.3", "counted"), "38.3"),
    "stated": (lambda t, c, b, lots: _seen(t, b, lots[:1], "38.40", "stated"), None),
    "estimated": (lambda t, c, b, lots: _seen(t, b, lots[:1], "38.40", "estimated"), None),
    "measured with another": (lambda t, c, b, lots: _seen(t, b, lots, "79.4"), None),
    "alone, then with another": (
        lambda t, c, b, lots: (_seen(t, b, lots[:1], "38.3"), _seen(t, b, lots, "79.3")),
        None,
    ),
    "with another, then alone": (
        lambda t, c, b, lots: (_seen(t, b, lots, "79.3"), _seen(t, b, lots[:1], "38.3")),
        "38.3",
    ),
    "less a sample": (lambda t, c, b, lots: _sample(t, b, lots, "0.25"), "38.15"),
    "less two samples": (
        lambda t, c, b, lots: (_sample(t, b, lots, "0.25"), _sample(t, b, lots, "0.1")),
        "38.05",
    ),
    "shared, less a sample": (
        lambda t, c, b, lots: (_seen(t, b, lots, "79.4"), _sample(t, b, lots, "0.25")),
        None,
    ),
    "less a spill": (
        lambda t, c, b, lots: t.appends(
            c, t.act("retagging", lot=lots[0], reason="burst", spilled=kilo("350", "GRM"))
        ),
        "38.05",
    ),
    "weighed at retagging": (
        lambda t, c, b, lots: t.appends(
            c,
            t.act(
                "retagging",
                lot=lots[0],
                reason="burst",
                spilled=kilo("350", "GRM"),
                weighing=weighing("38.1"),
            ),
        ),
        "38.1",
    ),
}


@pytest.mark.parametrize("name", LAST)
def test_when_an_input_need_not_be_weighed(name: str) -> None:
    """Its last reading was its own, measured or counted and not shared, less samples and spills since."""
    trade, coop, lots = scene("38.40", "41.00")
    (lab,) = trade.people("lab:laboratory")
    before, value = LAST[name]
    before(trade, coop, lab, lots)
    here = trade.on(lots[:1])
    if value is None:
        trade.refuses("weigh_inputs", coop, trade.transformation(here, ["38.40"], "repacking"))
        value = "38.2"
        reading = [weighing("38.2", lots=lots[:1])]
        trade.appends(coop, trade.transformation(here, [value], "repacking", weighings=reading))
    else:
        trade.appends(coop, trade.transformation(here, [value], "repacking"))


def test_inputs_may_be_weighed_together() -> None:
    """One reading over all of them is what goes in; a reading of no input is refused."""
    trade, coop, lots = scene("38.40", "41.00", "5")
    together = [weighing("79.2", lots=sorted(lots[:2]))]
    here = trade.on(lots[:2])
    trade.refuses("does_not_close", coop, trade.transformation(here, ["79.4"], weighings=together))
    strange = [weighing("5", lots=lots[2:])]
    trade.refuses("weighing_of_other_lots", coop, trade.transformation(here, ["79.4"], weighings=strange))
    trade.appends(coop, trade.transformation(here, ["79.2"], weighings=together))


# Stones and bars


def stones(trade: Rules, carats: str, count: int | None, **more: Any) -> dict[str, Any]:
    return trade.new_lot(carats, "CTM", mineral="diamond", form="rough", count=count, **more)


def item(number: str, carats: str, **more: Any) -> dict[str, Any]:
    return {"number": number, "mass": kilo(carats, "CTM"), **more}


def dug(trade: Rules, coop: Actor, *lots: dict[str, Any]) -> list[LotId]:
    event = {**trade.production("1"), "body": {"region": "CF-HS", "source": "device", "lots": list(lots)}}
    trade.appends(coop, event)
    return trade.made_by(coop, event)


def test_counts_close() -> None:
    """Stones in are stones out and lost, one by one."""
    trade, coop, _ = scene()
    lots = dug(trade, coop, stones(trade, "6.35", 14), stones(trade, "3.65", 6))
    sort = {"steps": ["sort"]}
    for first, second, lost, closes in (
        (15, 5, 0, True),
        (15, 4, 0, False),
        (15, 6, 0, False),
        (15, 4, 1, True),
    ):
        outputs = [stones(trade, "8", first), stones(trade, "1.95", second)]
        losses = [{"type": "breakage", "mass": kilo("0.05", "CTM"), **({"count": lost} if lost else {})}]
        act = trade.transformation(trade.on(lots), outputs, "processing", losses=losses, **sort)
        if not closes:
            trade.refuses("count_does_not_close", coop, act)
        elif lost:
            trade.appends(coop, act)


def test_cutting_and_melting_change_the_count() -> None:
    """A cut stone may become two; bars and bulk ore are not counted."""
    trade, coop, _ = scene()
    lots = dug(trade, coop, stones(trade, "6.35", 1))
    cut = trade.transformation(trade.on(lots), [stones(trade, "6.35", 2)], "processing", steps=["cut"])
    trade.appends(coop, cut)
    gold = dug(trade, coop, trade.new_lot("3", mineral="gold", form="bar", count=3))
    melted = trade.new_lot("3", mineral="gold", form="bar", count=1)
    trade.appends(coop, trade.transformation(trade.on(gold), [melted], "processing", steps=["melt"]))


def parts(lot: Lot) -> dict[str, Any]:
    return {followed.number: followed.part for followed in lot.items}


def test_followed_stones_go_by_number() -> None:
    """Each keeps its own part of where it began, whatever the rest is mixed with."""
    trade, coop, _ = scene()
    (first,) = dug(trade, coop, stones(trade, "10", 5))
    heap = [stones(trade, "10", 5, items=[item("A", "3"), item("B", "2")])]
    (parcel,) = trade.made_by(
        coop, trade.transformation(trade.on([first]), heap, "processing", steps=["sort"])
    )
    trade.appends(coop, trade.transformation(trade.on([first]), heap, "processing", steps=["sort"]))
    was = parts(trade.lot(parcel))
    assert {number: part.end - part.start for number, part in was.items()} == {"A": 600_000, "B": 400_000}
    (bulk,) = dug(trade, coop, stones(trade, "5", 3))
    outputs = [
        stones(trade, "3", 1, items=[item("A", "3")]),
        stones(trade, "8", 5, items=[item("B", "2"), item("C", "1")]),
        stones(trade, "4", 2),
    ]
    act = trade.transformation(
        trade.on([parcel, bulk]), outputs, "processing", steps=["sort"], share_by="item"
    )
    one, two, three = trade.made_by(coop, act)
    trade.appends(coop, act)
    assert parts(trade.lot(one)) == {"A": was["A"]}
    assert trade.lot(one).content == ()
    assert parts(trade.lot(two))["B"] == was["B"]
    assert parts(trade.lot(two))["C"].pool == trade.last().event_id
    assert [trade.lot(lot).expected_ug for lot in (one, two, three)] == [600_000, 1_600_000, 800_000]


def test_by_mass_the_numbers_begin_anew() -> None:
    """Without share_by item, stones that were followed are mixed with the rest."""
    trade, coop, _ = scene()
    (lot,) = dug(trade, coop, stones(trade, "10", 5))
    act = trade.transformation(
        trade.on([lot]), [stones(trade, "10", 5, items=[item("A", "3")])], "processing", steps=["sort"]
    )
    (one,) = trade.made_by(coop, act)
    trade.appends(coop, act)
    again = trade.transformation(
        trade.on([one]), [stones(trade, "10", 5, items=[item("A", "3")])], "processing", steps=["sort"]
    )
    (two,) = trade.made_by(coop, again)
    trade.appends(coop, again)
    assert parts(trade.lot(two))["A"].pool == trade.last().event_id


def test_a_number_is_one_stone() -> None:
    """Two inputs with the same number, or one stone in two outputs, are refused."""
    trade, coop, _ = scene()
    sort = {"steps": ["sort"], "share_by": "item"}
    lots = dug(
        trade,
        coop,
        stones(trade, "5", 2, items=[item("A", "3")]),
        stones(trade, "5", 2, items=[item("A", "2")]),
    )
    made = [stones(trade, "10", 4)]
    trade.refuses("item_number_twice", coop, trade.transformation(trade.on(lots), made, "processing", **sort))
    halves = [stones(trade, "3", 1, items=[item("A", "3")]), stones(trade, "2", 1, items=[item("A", "2")])]
    one = trade.transformation(trade.on(lots[:1]), halves, "processing", **sort)
    trade.refuses("item_number_twice", coop, one)


def test_all_by_number_and_nothing_left() -> None:
    """A parcel that consists of followed stones alone is passed on stone by stone."""
    trade, coop, _ = scene()
    (lot,) = dug(trade, coop, stones(trade, "5", 2, items=[item("A", "3"), item("B", "2")]))
    halves = [stones(trade, "3", 1, items=[item("A", "3")]), stones(trade, "2", 1, items=[item("B", "2")])]
    act = trade.transformation(trade.on([lot]), halves, "split", share_by="item")
    one, two = trade.made_by(coop, act)
    trade.appends(coop, act)
    assert [trade.lot(made).expected_ug for made in (one, two)] == [600_000, 400_000]


def test_a_gain_leaves_followed_stones_as_they_are() -> None:
    """A reading above the band adds a source of gain beside them; only a loss they must bear mixes them."""
    trade, coop, _ = scene()
    (lab,) = trade.people("lab:laboratory")
    (lot,) = dug(trade, coop, stones(trade, "5", 2, items=[item("A", "3"), item("B", "2")]))
    was = parts(trade.lot(lot))
    heavy = [{"net": kilo("6", "CTM"), "basis": "measured", "lots": [lot]}]
    look = trade.act("inspection", type="weighing", lots=[lot], weighings=heavy)
    trade.appends(lab, look, "mass_gained", "rise_above_lowest")
    assert parts(trade.lot(lot)) == was
    assert trade.lot(lot).expected_ug == 1_200_000
    light = [{"net": kilo("5.5", "CTM"), "basis": "measured", "lots": [lot]}]
    trade.appends(lab, trade.act("inspection", type="weighing", lots=[lot], weighings=light))
    assert parts(trade.lot(lot)) == was
    lighter = [{"net": kilo("4", "CTM"), "basis": "measured", "lots": [lot]}]
    trade.appends(lab, trade.act("inspection", type="weighing", lots=[lot], weighings=lighter))
    assert parts(trade.lot(lot)) == {}
    assert trade.lot(lot).expected_ug == 800_000


# Tags and titles


def test_a_tag_stays_only_on_the_rest_of_its_lot() -> None:
    """One input, one output that keeps it; no finding then. Elsewhere it is refused."""
    trade, coop, lots = scene("10", "5", each=[{"tags": ["itsci:1", "itsci:2"]}, {"tags": ["itsci:3"]}])
    out = trade.new_lot
    split = trade.transformation(
        trade.on(lots[:1]), [out("9", tags=["itsci:1"]), out("1", tags=["itsci:2"])], "split"
    )
    trade.refuses("tag_of_an_input", coop, split)
    trade.refuses(
        "tag_of_an_input", coop, trade.transformation(trade.on(lots), [out("15", tags=["itsci:3"])])
    )
    twice = trade.transformation(
        trade.on(lots[:1]), [out("9", tags=["itsci:9"]), out("1", tags=["itsci:9"])], "split"
    )
    trade.refuses("tag_twice", coop, twice)
    good = trade.transformation(
        trade.on(lots[:1]), [out("9", tags=["itsci:1", "itsci:2"]), out("1", tags=["itsci:4"])], "split"
    )
    rest, _ = trade.made_by(coop, good)
    trade.appends(coop, good)
    assert not trade.findings()
    assert trade.lot(rest).tags == ("itsci:1", "itsci:2")
    (again,) = trade.produce(coop, "1", each=[{"tags": ["itsci:1"]}])
    (finding,) = trade.findings("tag_on_two_lots")
    assert set(finding.subjects) == {("lot", rest), ("lot", again)}
    assert finding.severity == "severe"


def test_outputs_belong_to_whom_the_inputs_belonged() -> None:
    """By default to the one title holder; where there are several, each output says to which."""
    trade, coop, (mine,) = scene("10")
    owner, stranger = trade.people("owner:trader", "stranger:trader")
    (theirs,) = trade.intaken(owner, "5")
    trade.appends(owner, trade.transfer(coop.party, trade.on([theirs]), "custody", purpose="processing"))
    trade.appends(coop, trade.acceptance(trade.on([theirs])))
    out = trade.new_lot
    one = trade.transformation(trade.on([theirs]), [out("5")], "repacking")
    (made,) = trade.made_by(coop, one)
    trade.fork().appends(coop, one)
    both = trade.on([mine, theirs])
    trade.refuses("title_needed", coop, trade.transformation(both, ["15"]))
    strange = trade.transformation(both, [out("15", title=stranger.party)])
    trade.refuses("stranger_as_title_holder", coop, strange)
    good = trade.transformation(both, [out("10", title=coop.party), out("5", title=owner.party)])
    lots = trade.made_by(coop, good)
    trade.appends(coop, good)
    assert [trade.lot(lot).title for lot in lots] == [coop.party, owner.party]
    assert [trade.lot(lot).custodian for lot in lots] == [coop.party, coop.party]
    assert ("lot", made) not in trade.state.records


def test_outputs_are_from_the_site_and_producer_all_inputs_share() -> None:
    """One site and one producer are passed on; of several, none, and the maker."""
    trade, coop, _ = scene()
    (other,) = trade.people("other:miner")
    here, there = trade.site(coop), trade.site(other)
    a, b = trade.produce(coop, "1", "2", site=here)
    (c,) = trade.produce(coop, "4", site=there, producer=other.party, custodian=coop.party)
    for inputs, mass, site, producer in (
        ([a, b], "3", here, coop),
        ([c], "4", there, other),
        ([a, c], "5", None, coop),
    ):
        fork = trade.fork()
        act = fork.transformation(fork.on(inputs), [mass])
        (made,) = fork.made_by(coop, act)
        fork.appends(coop, act)
        assert (fork.lot(made).site, fork.lot(made).producer) == (site, producer.party)


@pytest.mark.threat("T23")
def test_an_event_cannot_eat_itself() -> None:
    """A lot is never made of lots made later, nor of itself: its id is known only once its event is."""
    trade, coop, (lot,) = scene("10")
    event = trade.production("10")
    lots = trade.made_by(coop, event)
    act = trade.transformation(trade.on([lot]), ["10"], "repacking")
    (made,) = trade.made_by(coop, act)
    head = trade.on([lot])[0][0]
    trade.waits("lot", made, coop, {**act, "previous": [{"event": head, "lots": sorted([lot, made])}]})
    trade.waits("lot", lots[0], coop, trade.transformation([(head, lots[0])], ["10"], "repacking"))
    reused = trade.transformation(trade.on([lot]), ["10"], "repacking")
    trade.appends(coop, act)
    reused["body"]["outputs"][0]["nonce"] = act["body"]["outputs"][0]["nonce"]
    outcome = trade.outcome(coop, {**reused, "previous": [{"event": trade.lot(made).maker, "lots": [made]}]})
    assert isinstance(outcome, Rejected)
    assert outcome.name == "lot_known"


def test_as_much_as_one_event_can_hold() -> None:
    """Two hundred lots of 9,000 t into as many again: nothing wraps or rounds."""
    trade, coop, _ = scene()
    lots = []
    for _ in range(2):
        event = trade.production("1")
        event["body"]["lots"] = [trade.new_lot("9000", "TNE") for _ in range(100)]
        lots += trade.made_by(coop, event)
        trade.appends(coop, event)
    outputs = [trade.new_lot("9000", "TNE") for _ in range(200)]
    act = trade.transformation(trade.on(lots), outputs)
    made = trade.made_by(coop, act)
    trade.appends(coop, act)
    assert {trade.lot(lot).expected_ug for lot in made} == {9_000_000_000_000_000}


def test_late_and_early_days() -> None:
    """An output is judged no earlier than any of its inputs; a day too early is a finding."""
    trade, coop, (lot,) = scene("10")
    early = {
        **trade.transformation(trade.on([lot]), ["10"], "repacking"),
        "event_time": "2026-02-27T23:00:00Z",
    }
    (made,) = trade.made_by(coop, early)
    trade.appends(coop, early, "earlier_than_what_it_follows")
    assert trade.lot(made).judged_day == "2026-03-02"
    next_ = {**trade.closure(trade.on([made])), "event_time": "2026-03-01T00:00:00Z"}
    trade.appends(coop, next_)
    assert not trade.findings()
