"""What falls due by time: raised at the first entry that comes late enough, once, and about what was so before it."""

from itertools import pairwise
from typing import Any

import pytest

from rules import DAY, Rules
from traceability.core import due
from traceability.core.ids import EventId
from traceability.core.outcome import Finding
from traceability.core.registry_records import Key
from traceability.core.tallies import Clocks, Due


def found(trade: Rules, rule: str) -> list[tuple[int, Finding]]:
    """Every finding of a rule, with the index of its entry."""
    return [
        (kept.index, each) for kept in trade.entries for each in kept.outcome.findings if each.rule == rule
    ]


def tick(trade: Rules, day: str) -> None:
    """Somebody else's entry on that day."""
    trade.wait_until(day)
    trade.enrol(f"somebody {day}", ["trader"])


def test_an_offer_nobody_answers_is_overdue_after_two_weeks() -> None:
    """At the first entry of the fifteenth day, of the lots still on offer, once; naming the transfer alone."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    one, two, three = trade.produce(
        coop, "38.40", "41.00", "36.75", each=[{"tags": [f"itsci:000{n}"]} for n in "123"]
    )
    offer = trade.offer(coop, trader, [one, two, three])
    trade.accept(trader, [two])
    tick(trade, "2026-03-15")
    assert not found(trade, "handoff_overdue")
    tick(trade, "2026-03-16")
    tick(trade, "2026-03-17")
    ((index, finding),) = found(trade, "handoff_overdue")
    assert index == len(trade.entries) - 2
    assert finding.subjects == tuple(sorted([("lot", one), ("lot", three)]))
    assert finding.events == (offer,)
    assert finding.figures == (("lots", "2"),)


@pytest.mark.parametrize("ending", ["acceptance", "refusal", "closure", "reassignment"])
def test_an_offer_that_ended_is_not_overdue(ending: str) -> None:
    """However it ended."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    (bag,) = trade.produce(coop, "38.40", each=[{"tags": ["itsci:0001"]}])
    offer = trade.offer(coop, trader, [bag])
    if ending == "reassignment":
        trade.appends(trade.registrar, trade.reassignment([bag], trade.registrar.party))
    else:
        trade.appends(trader, getattr(trade, ending)([(offer, bag)]))
    tick(trade, "2026-04-20")
    assert not found(trade, "handoff_overdue")


def test_an_expected_day_counts_and_a_day_of_grace_with_it() -> None:
    """`expected` is a date typed in the field: a day may pass, and then another before it is over."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    (bag,) = trade.produce(coop, "38.40")
    trade.offer(coop, trader, [bag], expected="2026-03-05")
    tick(trade, "2026-03-06")
    assert not found(trade, "handoff_overdue")
    tick(trade, "2026-03-07")
    assert len(found(trade, "handoff_overdue")) == 1


def test_title_on_offer_is_overdue_too() -> None:
    """The clock is that of the transfer, whatever it moves."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    (bag,) = trade.produce(coop, "38.40")
    trade.offer(coop, trader, [bag], moves="title")
    tick(trade, "2026-03-16")
    assert [each.subjects for _, each in found(trade, "handoff_overdue")] == [(("lot", bag),)]


def test_what_the_late_entry_does_itself_does_not_help() -> None:
    """The acceptance that comes on the day an offer is overdue finds it overdue, and ends it."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    (bag,) = trade.produce(coop, "38.40")
    trade.offer(coop, trader, [bag])
    trade.wait_until("2026-03-20")
    trade.accept(trader, [bag])
    assert trade.last().outcome.findings[0].rule == "handoff_overdue"
    tick(trade, "2026-04-20")
    assert len(found(trade, "handoff_overdue")) == 1


def test_a_refusal_undone_leaves_the_offer_waiting() -> None:
    """The correction of a refusal brings the offer back, and its clock with it."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    (bag,) = trade.produce(coop, "38.40")
    offer = trade.offer(coop, trader, [bag])
    refused = trade.appends(trader, trade.refusal([(offer, bag)]))
    trade.appends(trader, trade.correction(refused))
    assert trade.lot(bag).state == "offered"
    tick(trade, "2026-03-16")
    assert len(found(trade, "handoff_overdue")) == 1


def test_an_export_nobody_confirms_is_found_after_sixty_days() -> None:
    """And one that arrived is not."""
    trade = Rules()
    exporter, importer = trade.people("exporter:exporter,miner", "importer:importer")
    one, two = trade.produce(
        exporter, "495.00", "500.00", each=[{"tags": ["itsci:1"]}, {"tags": ["itsci:2"]}]
    )
    export = trade.appends(exporter, trade.export(trade.on([one, two]), importer.party))
    trade.appends(importer, trade.arrival([(export, one)]))
    tick(trade, "2026-04-30")
    assert not found(trade, "arrival_not_confirmed")
    tick(trade, "2026-05-02")
    ((_, finding),) = found(trade, "arrival_not_confirmed")
    assert (finding.subjects, finding.events) == ((("lot", two),), (export,))


def test_a_lot_without_a_tag_is_found_after_a_month() -> None:
    """One that was tagged, one used up and heaps of tailings are not; one whose tag came off again is."""
    trade = Rules()
    (coop,) = trade.people("coop:miner,tag_agent,processor")
    bare, tagged, used, stripped = trade.produce(coop, "38.40", "41.00", "36.75", "20.00")
    trade.appends(coop, trade.act("retagging", lot=tagged, tags_on=["itsci:7"], reason="first_tag"))
    trade.appends(coop, trade.act("retagging", lot=stripped, tags_on=["itsci:8"], reason="first_tag"))
    off = [{"tag": "itsci:8", "fate": "destroyed"}]
    trade.appends(coop, trade.act("retagging", lot=stripped, tags_off=off, reason="wrong_tag"))
    rest = trade.new_lot("36.75", form="tailings")
    trade.appends(coop, trade.transformation(trade.on([used]), [rest], "repacking"))
    tick(trade, "2026-03-31")
    assert not found(trade, "lot_without_tag")
    tick(trade, "2026-04-01")
    ((_, finding),) = found(trade, "lot_without_tag")
    assert finding.subjects == tuple(sorted([("lot", bare), ("lot", stripped)]))


# Numbers of a key


def miner(trade: Rules, sequence: int, **more: Any) -> EventId:
    """A production of the same miner under this number."""
    coop = trade.coop  # type: ignore[attr-defined]
    return trade.appends(coop, {**trade.production("20.00", **more), "sequence": sequence})


@pytest.fixture
def mine() -> Rules:
    trade = Rules()
    (trade.coop,) = trade.people("coop:miner")  # type: ignore[attr-defined]
    return trade


def test_a_gap_in_a_keys_numbers_is_found_after_a_month(mine: Rules) -> None:
    """Of what is still missing then: late numbers close it, and numbers called abandoned explain it."""
    miner(mine, 0)
    shown = miner(mine, 9)
    miner(mine, 4)
    miner(mine, 10, abandoned=[1, 2])
    tick(mine, "2026-03-31")
    assert not found(mine, "gap_in_sequence")
    tick(mine, "2026-04-01")
    tick(mine, "2026-05-20")
    ((_, finding),) = found(mine, "gap_in_sequence")
    assert finding.subjects == (("key", mine.coop.key.id),)  # type: ignore[attr-defined]
    assert dict(finding.figures) == {"first": "3", "last": "8", "missing": "5"}
    assert finding.events == (shown,)


def test_a_gap_that_is_explained_or_closed_is_none(mine: Rules) -> None:
    """An event that calls what it passes over abandoned leaves no gap, nor does one whose numbers come in time."""
    miner(mine, 3, abandoned=[0, 1, 2])
    miner(mine, 6)
    miner(mine, 5)
    miner(mine, 4)
    tick(mine, "2026-05-20")
    assert not found(mine, "gap_in_sequence")


def test_gaps_of_a_revoked_key_are_found_at_once(mine: Rules) -> None:
    """It will sign no more: what is missing stays missing. Nothing is said again a month later."""
    miner(mine, 0)
    miner(mine, 3)
    key = mine.coop.key.id  # type: ignore[attr-defined]
    mine.appends(mine.registrar, mine.revocation(key), "gap_in_sequence")
    record = mine.state.records["key", key]
    assert isinstance(record, Key)
    tick(mine, "2026-05-20")
    assert len(found(mine, "gap_in_sequence")) == 1


# The queue


def test_one_entry_looks_at_a_bounded_number_of_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left falls to the next entries: each thing once, in the order in which it began."""
    monkeypatch.setattr(due, "LOOKS_MAX", 8)
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    for _ in range(30):
        (bag,) = trade.produce(coop, "38.40", each=[{"seals": ["S 1"]}])
        trade.offer(coop, trader, [bag])
    trade.wait_until("2026-03-16")
    for number in range(20):
        trade.enrol(f"somebody {number}", ["trader"])
    overdue = found(trade, "handoff_overdue")
    assert len({finding.subjects for _, finding in overdue}) == len(overdue) == 30
    assert max(sum(index == at for at, _ in overdue) for index, _ in overdue) <= 9
    order = [trade.state.entries[finding.events[0]].index for _, finding in overdue]
    assert all(a < b for a, b in pairwise(order))
    left = [record for record in trade.state.records.values() if isinstance(record, Clocks)]
    assert not [clock for record in left for clock in record.clocks if clock.kind == "handoff"]


def test_a_long_silence_is_made_up_for() -> None:
    """Years without an entry: the days in between are gone through a few at a time."""
    trade = Rules()
    coop, trader = trade.people("coop:miner", "trader:trader")
    (bag,) = trade.produce(coop, "38.40", each=[{"seals": ["S 1"]}])
    trade.offer(coop, trader, [bag])
    trade.clock += 1000 * DAY
    for number in range(8):
        trade.enrol(f"somebody {number}", ["trader"])
    assert len(found(trade, "handoff_overdue")) == 1
    at = trade.state.records["due", ""]
    assert isinstance(at, Due)
    assert at.day == trade.clock // DAY + 1
