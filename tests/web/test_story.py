"""The story of a lot: sentences from facts, and facts that hold no more than the visitor may know."""

import dataclasses
import re
from collections.abc import Iterator

import pytest
from told import behind, eyes, history, look

import papers
from memory import MemoryLedger, seal, weighing
from traceability.api.permission import Visitor
from traceability.core.lot_records import Lot
from traceability.web.labels import label
from traceability.web.lineage import Narrows
from traceability.web.lot import came_off, shown, since_made
from traceability.web.present import present
from traceability.web.telling import known, title
from traceability.web.words import words_in

EN, FR = words_in("en"), words_in("fr")
TAG, OTHER_TAG = "rmb:RW0148217", "rmb:RW0148240"
DAY = 86400


def strings(value) -> Iterator[str]:
    """Every text in facts, whatever they are made of."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from strings(getattr(value, field.name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from strings(item)


class Trade:
    """A cooperative, a trader, an exporter who is public, and one tagged bag."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.diggers = self.ledger.enrol("diggers", ["miner"], type="cooperative", members=42)
        self.trader = self.ledger.enrol("trader", ["trader"])
        self.exporter = self.ledger.enrol("exporter", ["exporter"], public_name="Comptoir Lobaye")
        self.site = self.ledger.site(self.diggers)
        (self.bag,) = self.ledger.produce(
            self.diggers,
            "38.40",
            site=self.site,
            each=[{"tags": [TAG], "lot_number": "RTB-12/7", "seals": ["S-991"]}],
            source="paper",
            captured_time="2026-03-04T18:00:00Z",
            document="book 4 page 12",
            cell="-20,294",
        )

    def wait(self, days: int) -> None:
        self.ledger.clock += days * DAY

    def sell(self, value: str = "38.20") -> None:
        self.ledger.offer(self.diggers, self.trader, [self.bag], waybill="W-77", region="CF-HS")
        self.wait(2)
        self.ledger.accept(
            self.trader, [self.bag], region="CF-HS", weighings=[weighing(value, lots=[self.bag])]
        )


@pytest.fixture
def trade():
    return Trade()


def test_the_first_sentence_says_what_a_person_came_to_know(trade):
    """Mineral, mass, where from, how often in other hands and how that is known, what does not add up."""
    trade.sell()
    assert present(EN, look(trade.ledger, trade.bag, TAG)).sentence == (
        "Cassiterite, 38.40\u00a0kg, from a registered site in Lobaye, Central African Republic. "
        "One handoff, signed by both sides."
    )
    assert present(FR, look(trade.ledger, trade.bag, TAG)).sentence == (
        "Cassitérite, 38,40\u00a0kg, d’un site enregistré (Lobaye, République centrafricaine). "
        "Une remise, signée des deux côtés."
    )
    trade.ledger.hand_over(trade.trader, trade.exporter, [trade.bag], [weighing("39.50", lots=[trade.bag])])
    story = present(EN, look(trade.ledger, trade.bag, TAG))
    assert "39.50\u00a0kg" in story.sentence
    assert "2.8\u00a0% unexplained." in story.sentence
    assert "Two findings." in story.sentence
    assert story.state == (
        "In the hands of Comptoir Lobaye (exporter) since 4\u00a0March 2026. "
        "Last weighed on 4\u00a0March 2026: 39.50\u00a0kg."
    )


def test_the_last_weighing_is_of_the_lot_alone(trade):
    """What a scale showed of several bags together says nothing of one, and what was only stated is no weighing."""
    (other,) = trade.ledger.produce(trade.diggers, "20.00", site=trade.site)
    together = [weighing("57.00", lots=sorted([trade.bag, other]))]
    trade.ledger.hand_over(trade.diggers, trade.trader, [trade.bag, other], together)
    stated = [{**weighing("37.00", lots=[trade.bag]), "basis": "stated"}]
    trade.ledger.hand_over(trade.trader, trade.exporter, [trade.bag], stated)
    lot = look(trade.ledger, trade.bag, TAG)
    assert lot.last_weighed == ("2026-03-02", 38_400_000_000)
    assert "38,40\u00a0kg" in present(FR, lot).state


def test_each_step_says_how_it_is_known(trade):
    """Who signed, from what it was entered, who weighed, and how long until it was recorded."""
    trade.sell()
    dug, sold = look(trade.ledger, trade.bag, TAG).happenings
    assert title(EN, dug) == "Dug and packed by a cooperative"
    assert [phrase.text for phrase in known(EN, dug, "cassiterite")] == [
        "signed by one side",
        "copied from paper",
        "weighed on the spot: 38.40\u00a0kg",
        "recorded the same day",
    ]
    assert title(EN, sold) == "Sold by a cooperative to a trader"
    assert title(FR, sold) == "Vendu par une coopérative à un négociant"
    phrases = known(EN, sold, "cassiterite")
    assert phrases[0].text == "signed by both sides"
    assert phrases[0].mark == "verified"
    assert "weighed by the recipient: 38.20\u00a0kg" in [phrase.text for phrase in phrases]


def washed(trade: Trade) -> str:
    """Two bags sold, one of them weighed by its buyer, and washed into one lot."""
    (other,) = trade.ledger.produce(trade.diggers, "20.00", site=trade.site)
    trade.ledger.hand_over(trade.diggers, trade.trader, [other])
    trade.sell()
    lost = [{"type": "tailings", "mass": {"unit": "KGM", "value": "8.20"}}]
    heads = {"type": "processing", "steps": ["wash"], "losses": lost}
    (clean,) = trade.ledger.transform(trade.trader, [trade.bag, other], ["50.00"], **heads)
    return clean


def test_each_step_before_the_lot_was_made_says_how_it_is_known_too(trade):
    """Who weighed, on whose behalf it was signed and how long it took: of what it was made of as of itself."""
    seen = look(trade.ledger, washed(trade), None, Visitor(trade.trader.party))
    said = [[phrase.text for phrase in known(EN, line, "cassiterite")] for line in seen.happenings]
    texts = [text for each in said for text in each]
    assert "weighed on the spot: 38.40\u00a0kg" in texts
    assert "weighed by the recipient: 38.20\u00a0kg" in texts
    assert "not weighed by the recipient" in texts
    assert all(any(text.startswith(("recorded", "dated")) for text in each) for each in said)


def test_what_is_gathered_says_how_it_is_known_as_well(trade):
    """Many handoffs in one line: how many were weighed by the taker, and within how many days all was recorded."""
    heads = trade.ledger.heads
    trade.ledger.offer(trade.diggers, trade.trader, [trade.bag])
    said = {
        "kind": "acceptance",
        "body": {"region": "CF-LB", "source": "device"},
        "previous": heads([trade.bag]),
    }
    trade.wait(9)
    trade.ledger.append(trade.trader, {**said, "event_time": "2026-03-03T10:00:00Z"})
    lots = [trade.bag]
    for number in range(9):
        bags = trade.ledger.produce(trade.diggers, "10.00", "12.00", site=trade.site)
        weighings = [weighing("10.00", lots=[bags[0]]), weighing("12.00", lots=[bags[1]])]
        trade.ledger.hand_over(trade.diggers, trade.trader, bags, weighings if number else ())
        lots += bags
    (heap,) = trade.ledger.transform(trade.trader, lots, ["236.40"])
    stranger = eyes(trade.ledger)
    story = shown(behind(trade.ledger, heap), history(trade.ledger, heap), None, stranger)
    (sold,) = [line for line in story.happenings if line.kind == "handoff"]
    assert (sold.count, sold.weighed_times, sold.gap_max_days) == (10, 8, 8)
    texts = [phrase.text for phrase in known(EN, sold, "cassiterite")]
    assert "weighed by the recipient 8 of 10 times" in texts
    assert "recorded within 8 days" in texts


def test_several_readings_are_told_with_their_number(trade):
    """Fourteen bags of one handoff are one mass and fourteen readings."""
    bags = trade.ledger.produce(trade.diggers, *["10.00"] * 14, site=trade.site)
    trade.ledger.hand_over(trade.diggers, trade.trader, bags, [weighing("9.95", lots=[bag]) for bag in bags])
    (heap,) = trade.ledger.transform(trade.trader, bags, ["139.30"])
    shown = look(trade.ledger, heap, None, Visitor(trade.trader.party))
    texts = [phrase.text for line in shown.happenings for phrase in known(EN, line, "cassiterite")]
    assert "weighed by the recipient: 139.30\u00a0kg in 14 readings" in texts


def test_what_is_on_offer_says_until_when_and_to_whom(trade):
    """The last day for an answer, and that the recipient is who reads it; a stranger is not told apart."""
    trade.ledger.offer(trade.diggers, trade.trader, [trade.bag])
    told = present(EN, look(trade.ledger, trade.bag, None, Visitor(trade.trader.party))).state
    assert "to a trader (you) since" in told
    until = trade.ledger.lot(trade.bag).offer.accept_by
    assert f"Up to {EN.day(until)} only the recipient can answer" in told
    french = present(FR, look(trade.ledger, trade.bag, None, Visitor(trade.trader.party))).state
    assert "vers un négociant (vous) depuis" in french
    assert "(you)" not in present(EN, look(trade.ledger, trade.bag, TAG)).state


def test_days_until_recorded_are_said(trade):
    """A handoff written down today and sent in nine days later shows the gap."""
    trade.ledger.offer(trade.diggers, trade.trader, [trade.bag])
    heads = trade.ledger.heads([trade.bag])
    body = {"region": "CF-LB", "source": "device"}
    said = {"kind": "acceptance", "body": body, "previous": heads, "event_time": "2026-03-03T10:00:00Z"}
    trade.wait(9)
    trade.ledger.append(trade.trader, said)
    sold = look(trade.ledger, trade.bag, TAG).happenings[-1]
    texts = [phrase.text for phrase in known(EN, sold, "cassiterite")]
    assert sold.span.gap_days == 8
    assert "recorded 8 days later" in texts
    assert "not weighed by the recipient" in texts
    assert "inscrit 8 jours plus tard" in [phrase.text for phrase in known(FR, sold, "cassiterite")]


def test_one_who_signs_for_both_sides_is_told_apart(trade):
    """Where one agent signs giving and taking, the handoff is not called signed by both sides."""
    agent = trade.ledger.enrol("agent", ["tag_agent"])
    for principal in (trade.diggers, trade.trader):
        body = {
            "agent": agent.party,
            "principal": principal.party,
            "kinds": ["transfer", "acceptance"],
            "from": "2026-01-01",
            "until": "2027-01-01",
        }
        delegation = trade.ledger.append(trade.ledger.registrar, {"kind": "delegation", "body": body})
        acting = {"acting_for": principal.party, "delegation": delegation}
        if principal is trade.diggers:
            trade.ledger.offer(agent, trade.trader, [trade.bag], **acting)
        else:
            trade.ledger.accept(agent, [trade.bag], **acting)
    lot = look(trade.ledger, trade.bag, TAG)
    assert (lot.handoffs, lot.handoffs_both) == (1, 0)
    phrases = known(EN, lot.happenings[-1], "cassiterite")
    assert phrases[0] == ("one signed for both sides", "stated")
    assert "for the giver by a tag agent" in [phrase.text for phrase in phrases]
    assert "for the taker by a tag agent" in [phrase.text for phrase in phrases]
    assert "signed by one for both sides" in present(EN, lot).sentence
    (narrows,) = [stage for stage in lot.stages if isinstance(stage, Narrows)]
    assert narrows.signed == (0, 1, 0)


def secrets_of(trade) -> list[str]:
    """What a stranger must not learn, as far as this trade has it."""
    hidden = [trade.diggers.party, trade.trader.party, trade.site, trade.bag, "Ngotto"]
    return [*hidden, "RTB-12/7", "S-991", "book 4", "W-77", "-20,294", "Direction des mines"]


def test_a_stranger_who_holds_the_tag_learns_no_more(trade):
    """No id, name, paper, cell, seal or hour is in the facts of a tag's page; so no template can print one."""
    trade.sell()
    trade.ledger.hand_over(trade.trader, trade.exporter, [trade.bag])
    facts = "\n".join(strings(look(trade.ledger, trade.bag, TAG)))
    for secret in secrets_of(trade):
        assert secret not in facts
    assert not re.search(r"[0-9]{2}:[0-9]{2}", facts)
    assert not re.search(r"[0-9a-f]{64}", facts)
    assert "Comptoir Lobaye" in facts


def test_who_may_open_the_lot_sees_the_rest(trade):
    """The same lot for its custodian: site, papers, ids and moments."""
    trade.sell()
    visitor = Visitor(trade.trader.party, trade.trader.key.id, frozenset({"trader"}))
    facts = "\n".join(strings(look(trade.ledger, trade.bag, None, visitor)))
    for said in (trade.site, trade.bag, "Ngotto", "RTB-12/7", "S-991", trade.diggers.party, "T06:"):
        assert said in facts


def test_a_tag_tells_nothing_of_what_came_after_it_came_off(trade):
    """The bag burst on the road; the old tag's story ends there, the new one's goes on."""
    trade.sell()
    body = {
        "lot": trade.bag,
        "tags_off": [{"tag": TAG, "fate": "destroyed"}],
        "tags_on": [OTHER_TAG],
        "reason": "burst",
        "source": "device",
        "spilled": {"unit": "KGM", "value": "0.40"},
    }
    trade.wait(3)
    trade.ledger.append(trade.trader, {"kind": "retagging", "body": body})
    before = look(trade.ledger, trade.bag, TAG)
    trade.wait(5)
    trade.ledger.offer(trade.trader, trade.exporter, [trade.bag], region="CF-BGF")
    trade.ledger.accept(
        trade.exporter, [trade.bag], region="CF-BGF", weighings=[weighing("35.00", lots=[trade.bag])]
    )
    after = look(trade.ledger, trade.bag, TAG)
    # Shares of what it consists of now would tell what was lost later: they go.
    assert dataclasses.replace(after, parts=before.parts, stages=before.stages) == before
    assert [label(EN, after, stage) for stage in after.stages] == [
        label(EN, before, stage) for stage in before.stages
    ]
    assert after.tag_off == (after.happenings[-1].span.happened, "burst")
    assert after.handoffs == 1
    facts = "\n".join(strings(after))
    assert "Comptoir Lobaye" not in facts
    assert "CF-BGF" not in facts
    assert present(EN, after).state == ""
    new = look(trade.ledger, trade.bag, OTHER_TAG)
    assert new.handoffs == 2
    assert new.tag_off is None


def test_a_tag_noted_by_mistake_has_no_story(trade):
    """A number typed wrong and put right the same evening tells nothing of a bag it never was on."""
    (bag,) = trade.ledger.produce(trade.diggers, "30.00", site=trade.site, each=[{"tags": ["rmb:RW9"]}])
    made = trade.ledger.lot(bag).maker
    fields = [{"path": "/lots/0/tags/0", "is": "rmb:RW8"}]
    trade.ledger.append(
        trade.diggers,
        {"kind": "correction", "body": {"event": made, "reason": "incorrect_data", "fields": fields}},
    )

    lot = behind(trade.ledger, bag).lot
    cut = came_off(lot, history(trade.ledger, bag), "rmb:RW9")
    assert cut is not None
    assert cut.mistake
    assert came_off(lot, history(trade.ledger, bag), "rmb:RW8") is None


def test_an_exported_lot_says_so_first(trade):
    """A closed lot is the first thing its page says: a bag sold under this tag is not this lot."""
    trade.sell()
    ledger = trade.ledger
    ledger.hand_over(trade.trader, trade.exporter, [trade.bag])
    sealed, _ = seal("/importer", {"name": "Smelter"})
    body = {
        "region": "CF-BGF",
        "source": "device",
        "destination": "BE",
        "shipped": "2026-03-10",
        "weighings": [weighing("38.30", lots=[trade.bag])],
    }
    ledger.append(
        trade.exporter,
        {"kind": "export", "body": body, "previous": ledger.heads([trade.bag]), "sealed": [sealed]},
    )
    story = present(EN, look(ledger, trade.bag, TAG))
    assert story.notices[0].title.startswith("Left the country on 4\u00a0March 2026, bound for Belgium.")
    assert "not this lot" in story.notices[0].text
    assert title(FR, look(ledger, trade.bag, TAG).happenings[-1]) == (
        "Exporté par Comptoir Lobaye (exportateur), destination\u00a0: Belgique"
    )


def test_two_claims_on_one_bag_are_said_first_and_accuse_nobody(trade):
    """A double issue is a notice at the top, and a line without effect in the timeline."""
    heads = trade.ledger.heads([trade.bag])
    trade.ledger.offer(trade.diggers, trade.trader, [trade.bag])
    body = {
        "recipient": trade.exporter.party,
        "moves": "both",
        "purpose": "sale",
        "accept_by": "2026-03-28",
        "region": "CF-LB",
        "source": "device",
    }
    trade.ledger.append(trade.diggers, {"kind": "transfer", "body": body, "previous": heads})
    lot = look(trade.ledger, trade.bag, TAG)
    story = present(EN, lot)
    assert story.notices[0].title == EN("said.disputed")
    double = lot.happenings[-1]
    assert known(EN, double, "cassiterite")[0] == (EN("known.void"), "broken")
    assert "accused" in story.notices[0].text


def test_what_was_booked_since_it_was_made_adds_up(trade):
    """Began + gained = lost + now, and what is worked out from the entries is what the record says."""
    trade.sell("36.00")
    trade.ledger.hand_over(trade.trader, trade.exporter, [trade.bag], [weighing("37.10", lots=[trade.bag])])
    sample = {
        "type": "assay",
        "lots": [trade.bag],
        "source": "device",
        "sample": {"number": "7", "mass": {"unit": "GRM", "value": "200"}},
    }
    trade.ledger.append(trade.exporter, {"kind": "inspection", "body": sample})
    lot: Lot = trade.ledger.lot(trade.bag)
    shown = look(trade.ledger, trade.bag, TAG)
    assert shown.since == (38_400_000_000, lot.gained_ug, lot.lost_ug, 0, 200_000_000)
    assert since_made(lot, history(trade.ledger, trade.bag)) == (*shown.since[:3], None, None)
    assert shown.since.now_ug == lot.expected_ug == shown.mass_ug
    story = present(EN, shown)
    assert [line.mass for line in story.since] == [
        "38.40\u00a0kg",
        "1.10\u00a0kg",
        "0.20\u00a0kg",
        "2.40\u00a0kg",
        "36.90\u00a0kg",
    ]
    assert [line.kind for line in story.since] == ["began", "unexplained", "named", "missing", "now"]
    # The sample took its share of both.
    assert [line.mass for line in story.composition] == ["35.81\u00a0kg", "1.09\u00a0kg"]
    assert story.mass == "36.90\u00a0kg"


def test_the_way_of_a_heap_is_gathered_and_its_parts_add_up():
    """Forty bags of three sites, washed and mixed: few lines, and a composition that sums to the lot."""
    ledger = MemoryLedger()
    trader = ledger.enrol("trader", ["trader", "processor"])
    bags = []
    for number, region in enumerate(("CF-LB", "CF-HS", "CF-KB")):
        diggers = ledger.enrol(f"diggers {number}", ["miner"], type="cooperative")
        site = ledger.site(diggers, region=region, name=f"Site {number}")
        made = ledger.produce(diggers, *["10.00"] * (12 + number), site=site, region=region)
        ledger.hand_over(diggers, trader, made, [weighing("10.00", lots=[lot]) for lot in made])
        bags += made
    lost = [{"type": "tailings", "mass": {"unit": "KGM", "value": "90.00"}}]
    (heap,) = ledger.transform(trader, bags, ["300.00"], type="processing", steps=["wash"], losses=lost)
    shown = look(ledger, heap, None, Visitor(trader.party))
    assert sum(part.mass_ug for part in shown.parts) == shown.mass_ug == 300_000_000_000
    assert len(shown.stages) <= 8
    assert shown.handoffs == 3
    story = present(EN, shown)
    assert "from the sites Site 0, Site 1 and Site 2 in Gribingui, Lobaye and" in story.sentence
    assert len([line for line in shown.happenings if line.upstream]) <= 8


def test_stones_are_counted_and_weighed_in_carats():
    """A parcel of diamonds says how many stones, in carats."""
    ledger = MemoryLedger()
    buyer = ledger.enrol("buyer", ["trader"])
    stones = {
        "mineral": "diamond",
        "form": "rough",
        "count": 14,
        "weighing": weighing("6.35", unit="CTM"),
        "tags": [TAG],
    }
    sealed, _ = seal("/miner", {"name": "X"})
    body = {"region": "CF-HS", "source": "device"}
    nonce = ledger.nonce()
    event = {
        "kind": "production",
        "body": {**body, "lots": [{**stones, "nonce": nonce}]},
        "sealed": [sealed],
    }
    ledger.append(buyer, event)
    lot = ledger.entries[-1].event.made[0]
    assert present(EN, look(ledger, lot, TAG)).sentence.startswith(
        "Diamonds, 14 stones, 6.35\u00a0ct, from no"
    )
    (dug,) = present(EN, look(ledger, lot, TAG)).timeline
    assert "weighed on the spot: 6.35\u00a0ct" in [phrase.text for phrase in dug.known]
    assert present(FR, look(ledger, lot, TAG)).sentence.startswith(
        "Diamants, 14 pierres, 6,35\u00a0ct, hors de"
    )


def test_a_tag_tells_of_papers_but_not_of_money_and_reports(trade):
    """Its holder reads that the bag was held and certified; who paid, who reported what is for those who may open it."""
    trade.sell()
    bag, trader = trade.bag, trade.trader
    made = trade.ledger.append(trader, papers.incident(("lot", bag)))
    trade.ledger.append(trader, papers.response(made))
    trade.ledger.append(trader, papers.payment([bag]))
    trade.ledger.append(trade.ledger.registrar, papers.certificate([bag], trader.party))
    trade.ledger.append(trade.ledger.registrar, papers.hold(("lot", bag)))
    said = {
        path: [title(EN, line) for line in look(trade.ledger, bag, path).happenings] for path in (TAG, None)
    }
    kinds = {path: [line.partition(" by ")[0] for line in lines[2:]] for path, lines in said.items()}
    assert kinds[TAG] == ["Export certificate", "Put under hold"]
    assert kinds[None] == [
        "Report of an incident",
        "Answer",
        "Payment",
        "Export certificate",
        "Put under hold",
    ]
