"""A season of trade at scale: years of it, of many people, in loads as they are carried, and flat in memory."""

import gc
import secrets
import statistics
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from memory import MemoryLedger
from traceability.core import canonical
from traceability.core.outcome import Appended
from traceability.simulation.cast import genesis
from traceability.simulation.chance import Chance
from traceability.simulation.pen import DAY, World
from traceability.simulation.pen import Lot as InHand
from traceability.simulation.people import enrol
from traceability.simulation.places import KIGALI
from traceability.simulation.post import Post, Signed
from traceability.simulation.season import EVENTS_MIN, days_of, season
from traceability.simulation.wares import CASSITERITE, COBALT, COLTAN, DIAMOND, GOLD, TOURMALINE, WOLFRAMITE

LOG = "ledger.example.org/demo"
END = 1_795_000_000
WARES = (CASSITERITE, COLTAN, WOLFRAMITE, COBALT, GOLD, DIAMOND, TOURMALINE)
VKEY = MemoryLedger(LOG, genesis=False).log_signer.verifier.encode()


class Told(NamedTuple):
    """An event as plain values, and how many bytes it had."""

    event: Any
    size: int


class LongSeason(NamedTuple):
    told: list[Told]
    in_hand: list[int]


def stream(number: int, seed: int) -> Iterator[Signed]:
    return season(events=number, seed=seed, log=LOG, log_vkey=VKEY, end=END)


@pytest.fixture(scope="module")
def long_season() -> LongSeason:
    """A season of 20,000 events as they pass by, and how many lots were in anybody's hands meanwhile."""
    told, in_hand = [], []
    for number, signed in enumerate(stream(20_000, 5), start=1):
        told.append(Told(canonical.load(signed.envelope.payload), len(signed.envelope.payload)))
        if number in (8_000, 20_000):
            gc.collect()
            in_hand.append(sum(isinstance(thing, InHand) for thing in gc.get_objects()))
    return LongSeason(told, in_hand)


def lots_of(event: Any) -> list[str]:
    """The lots an event moves."""
    return [lot for group in event["previous"] for lot in group["lots"]]


def lots_made(event: Any) -> list[Any]:
    """The lots an event makes, as it lists them."""
    field = {"production": "lots", "intake": "lots", "transformation": "outputs"}.get(event["kind"])
    return event["body"][field] if field else []


def test_loads_are_what_people_carry(long_season: LongSeason) -> None:
    """A handoff is mostly of one bag and some hundred bytes, now and then of a load; an event has 1.3 to 2 lots."""
    handoffs = [told for told in long_season.told if told.event["kind"] in ("transfer", "acceptance")]
    loads = [len(lots_of(told.event)) for told in handoffs]
    assert 550 < statistics.median(told.size for told in handoffs) < 750
    assert 80 < 100 * loads.count(1) / len(loads) < 95
    assert sum(2 <= load <= 7 for load in loads) > len(loads) // 25
    assert 1.2 < statistics.mean(loads) < 1.8
    total = sum(len(lots_of(told.event)) + len(lots_made(told.event)) for told in long_season.told)
    assert 1.3 < total / len(long_season.told) < 2


def test_many_bags_come_together_in_heaps_and_team_days(long_season: LongSeason) -> None:
    """Hundreds of bags are thrown onto one heap, and some days of a team are recorded as one."""
    heaps = [told for told in long_season.told if told.event["body"].get("type") == "combination"]
    assert max(len(lots_of(told.event)) for told in heaps) >= 200
    dug = [len(lots_made(told.event)) for told in long_season.told if told.event["kind"] == "production"]
    assert 75 < 100 * dug.count(1) / len(dug) < 95
    assert sum(2 <= bags <= 7 for bags in dug) > len(dug) // 25


def test_a_long_season_has_a_container_of_a_thousand_bags(long_season: LongSeason) -> None:
    """One export has a thousand bags as they came from the pits, each handed over once or more; it arrived."""
    by_kind = [(told.event["kind"], set(lots_of(told.event))) for told in long_season.told]
    bags = max((lots for kind, lots in by_kind if kind == "export"), key=len)
    assert len(bags) == 1000
    assert [kind for kind, lots in by_kind if lots == bags] == ["export", "import"]
    acceptances = sum(len(lots & bags) for kind, lots in by_kind if kind == "acceptance")
    assert 1700 <= acceptances <= 2100
    assert not [kind for kind, lots in by_kind if kind == "transformation" and lots & bags]


def test_a_long_season_trades_every_mineral_of_the_region(long_season: LongSeason) -> None:
    """Ore, gold and stones are dug in three countries, and what is dug is sold and shipped too."""
    dug = {
        (lot["mineral"], told.event["body"]["region"][:2])
        for told in long_season.told
        if told.event["kind"] == "production"
        for lot in told.event["body"]["lots"]
    }
    assert {mineral for mineral, _ in dug} == {ware.mineral for ware in WARES}
    assert {country for _, country in dug} == {"CD", "CF", "RW"}
    purposes = {told.event["body"].get("purpose") for told in long_season.told}
    assert {"sale", "processing", "storage", "return", "carriage"} <= purposes


def test_a_long_season_has_the_trade_beside_the_ordinary(long_season: LongSeason) -> None:
    """First buyers record for diggers without phones; work and storage for another; old and foreign ore; what goes wrong."""
    told = [one.event for one in long_season.told]
    kinds = Counter(event["kind"] for event in told)
    dug = [event["body"] for event in told if event["kind"] == "production"]
    assert sum("custodian" in body for body in dug) > len(dug) // 10
    moved = {
        (event["body"]["moves"], event["body"]["purpose"]) for event in told if event["kind"] == "transfer"
    }
    assert {
        ("custody", "processing"),
        ("custody", "storage"),
        ("custody", "return"),
        ("title", "sale"),
    } <= moved
    origins = {event["body"]["origin"] for event in told if event["kind"] == "intake"}
    assert origins == {"earlier_stock", "other_scheme"}
    grounds = {event["body"]["ground"] for event in told if event["kind"] == "reassignment"}
    assert {"seizure", "given_back"} <= grounds
    assert min(kinds[kind] for kind in ("refusal", "withdrawal", "correction")) > 10
    assert any(lot["form"] == "dore" for event in told for lot in lots_made(event))


def test_bags_are_what_one_person_lifts(long_season: LongSeason) -> None:
    """Ore in bags weighs 20 to 50 kg, but for what a scale errs; gold comes by the gram and stones by the carat."""
    units = {"cassiterite": "KGM", "coltan": "KGM", "wolframite": "KGM", "gold": "GRM", "diamond": "CTM"}
    bags = 0
    for lot in (
        lot for one in long_season.told if one.event["kind"] == "production" for lot in lots_made(one.event)
    ):
        net = lot["weighing"]["net"]
        if lot["mineral"] in units:
            assert net["unit"] == units[lot["mineral"]]
        if units.get(lot["mineral"]) == "KGM":
            assert 19.7 < float(net["value"]) < 50.5
            bags += 1
    assert bags > 1000


def test_more_events_are_more_people_and_more_years(long_season: LongSeason) -> None:
    """A longer season lasts longer and has more sites; nobody gets a hundred times the trade for it."""
    assert [days_of(number) for number in (250, 15_000, 100_000, 1_000_000)] == [140, 141, 365, 1154]
    few = [signed.event.kind for signed in stream(300, 5)].count("site_registration")
    many = [told.event["kind"] for told in long_season.told].count("site_registration")
    assert 5 * few < many


def test_what_has_ended_is_forgotten(long_season: LongSeason) -> None:
    """Lots in anybody's hands are a fraction of all there were, and do not become more with every event."""
    there_were = sum(len(lots_made(told.event)) for told in long_season.told)
    halfway, in_the_end = long_season.in_hand
    assert 0 < in_the_end < there_were // 3
    assert in_the_end < 2 * halfway


@pytest.mark.parametrize(("least", "most"), [(EVENTS_MIN, 400), (2_000, 3_000)])
def test_a_season_of_any_seed_is_taken_whole(least: int, most: int) -> None:
    """Seeds nobody has tried: two runs give the same bytes, and the fold appends every event of them."""
    seed, number = secrets.randbelow(2**32), least + secrets.randbelow(most - least)
    print(f"seed {seed}, {number} events")
    ledger = MemoryLedger(LOG, genesis=False)
    lost, count = 0, 0
    for signed, again in zip(stream(number, seed), stream(number, seed), strict=True):
        assert signed.envelope.to_json() == again.envelope.to_json(), seed
        assert (signed.record_time, signed.disclosures) == (again.record_time, again.disclosures), seed
        outcome = ledger.take(signed.envelope, record_time=signed.record_time)
        assert isinstance(outcome, Appended), (seed, number, signed.event.kind, outcome)
        count += 1
        lost += not outcome.stands
    assert count == number
    assert 1 <= lost <= 2


def test_a_newcomer_waits_for_the_enrolment() -> None:
    """Who was enrolled by somebody whose uploads are cut off for two weeks is not heard of before that."""
    cast = genesis(World(7, LOG, Chance(7), Post(), END - 30 * DAY, END), VKEY)
    registrar = cast["rw mines"]
    far = registrar.world.now + 15 * DAY
    registrar.write("site_registration", {}, signal=far)
    newcomer = enrol(registrar, "newcomer", "Comptoir", KIGALI, ["trader"])
    assert newcomer.write("closure", {}).recorded >= newcomer.enrolment.recorded >= far
