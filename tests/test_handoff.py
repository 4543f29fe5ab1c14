"""Handoffs: custody and title, lot by lot, with an offer that only its recipient can end until its day."""

import pytest

from memory import Actor, weighing
from rules import Rules
from traceability.core.authority import later_day
from traceability.core.ids import EventId, LotId, PartyId
from traceability.core.lot_records import Move
from traceability.core.outcome import Appended
from traceability.core.signing import event_id


def scene(*masses: str) -> tuple[Rules, Actor, Actor, Actor, list[LotId]]:
    """A miner with bags, a trader and another."""
    trade = Rules()
    coop, trader, other = trade.people("coop:miner", "trader:trader", "other:trader")
    return trade, coop, trader, other, trade.produce(coop, *(masses or ("38.40", "41.00", "36.75")))


def move(trade: Rules, event: EventId, lot: LotId) -> Move:
    found = trade.state.records["move", f"{event}:{lot}"]
    assert isinstance(found, Move)
    return found


# Lot by lot


def test_an_acceptance_takes_what_it_names_and_leaves_the_rest_on_offer() -> None:
    """Part is accepted, part refused, part stays offered until withdrawn."""
    trade, coop, trader, _, (one, two, three) = scene()
    offer = trade.appends(
        coop, trade.transfer(trader.party, trade.on([one, two, three]), accept_by="2026-03-05")
    )
    taken = trade.appends(trader, trade.acceptance([(offer, one)]))
    back = trade.appends(trader, trade.refusal([(offer, two)]))
    trade.wait_until("2026-03-06")
    withdrawn = trade.appends(coop, trade.withdrawal([(offer, three)]))
    assert [trade.lot(lot).custodian for lot in (one, two, three)] == [trader.party, coop.party, coop.party]
    assert [trade.lot(lot).custody_head for lot in (one, two, three)] == [taken, back, withdrawn]
    assert [trade.lot(lot).title for lot in (one, two, three)] == [trader.party, coop.party, coop.party]


def test_one_acceptance_may_answer_several_offers() -> None:
    """Lots of two givers, of custody and of title, in one event."""
    trade, coop, trader, other, (one, two, _) = scene()
    (mine,) = trade.intaken(other, "5")
    first = trade.appends(coop, trade.transfer(trader.party, trade.on([one])))
    second = trade.appends(other, trade.transfer(trader.party, trade.on([mine]), "custody"))
    third = trade.appends(coop, trade.transfer(trader.party, trade.on([two], title=True), "title"))
    entry = trade.appends(trader, trade.acceptance([(first, one), (second, mine), (third, two)]))
    assert [(trade.lot(lot).custodian, trade.lot(lot).title) for lot in (one, mine, two)] == [
        (trader.party, trader.party),
        (trader.party, other.party),
        (coop.party, trader.party),
    ]
    assert [move(trade, entry, lot).sets for lot in (one, mine, two)] == ["both", "custody", "title"]


def test_a_part_that_is_stale_does_not_hold_up_the_rest() -> None:
    """One lot has moved on, the other stands: the event is recorded, with each lot's fate."""
    trade, coop, trader, other, (one, two, _) = scene()
    heads = trade.on([one, two])
    trade.hand_over(coop, trader, [one])
    outcome = trade.outcome(coop, trade.transfer(other.party, heads))
    assert isinstance(outcome, Appended)
    assert outcome.stands
    assert outcome.fates == {one: False, two: True}
    assert trade.lot(one).custodian == trader.party
    assert trade.lot(one).disputed == (trade.last().event_id,)
    assert trade.lot(two).state == "offered"
    assert not trade.lot(two).disputed


def test_readings_of_an_acceptance_are_its_own() -> None:
    """What was not weighed is a finding; a reading of a lot that is not taken is refused."""
    trade, coop, trader, _, (one, two, three) = scene()
    offer = trade.appends(coop, trade.transfer(trader.party, trade.on([one, two, three])))
    reading = weighing("38.30", lots=[one])
    trade.refuses("weighing_of_other_lots", trader, trade.acceptance([(offer, two)], weighings=[reading]))
    trade.appends(trader, trade.acceptance([(offer, one), (offer, two)], weighings=[reading]))
    assert [f.subjects for f in trade.findings("not_weighed")] == [(("lot", two),)]
    broken = [{"lots": [three], "seal": "broken", "tag": "intact"}]
    trade.appends(
        trader, trade.acceptance([(offer, three)], conditions=broken), "not_intact_on_arrival", "not_weighed"
    )


def test_to_oneself_only_as_ones_own_move() -> None:
    """Carrying one's own lot somewhere is an own_move, accepted by oneself."""
    trade, coop, _, _, (one, *_) = scene()
    trade.refuses("to_oneself", coop, trade.transfer(coop.party, trade.on([one])))
    trade.appends(coop, trade.transfer(coop.party, trade.on([one]), "custody", purpose="own_move"))
    trade.appends(coop, trade.acceptance(trade.on([one])))
    assert trade.lot(one).custodian == coop.party


# Until when


@pytest.mark.threat("T25")
@pytest.mark.parametrize(
    ("accept_by", "last"),
    [
        ("2026-03-09", "2026-03-09"),
        ("2026-03-02", "2026-03-02"),
        ("1999-01-01", "1999-01-01"),
        ("2026-05-01", "2026-05-01"),
        ("2026-05-02", "2026-05-01"),
        ("2999-12-31", "2026-05-01"),
    ],
)
def test_the_recipient_has_until_the_end_of_the_day(accept_by: str, last: str) -> None:
    """The giver withdraws only after that day, in record time; later than 60 days counts as 60."""
    trade, coop, trader, _, (one, *_) = scene()
    offer = trade.appends(coop, trade.transfer(trader.party, trade.on([one]), accept_by=accept_by))
    assert trade.lot(one).offer.accept_by == last  # type: ignore[union-attr]
    if last > trade.today:
        trade.wait_until(last)
    if last >= trade.today:
        trade.refuses("still_open", coop, trade.withdrawal([(offer, one)]))
        trade.wait_until(later_day(last, 1))
    accepting = trade.fork()
    accepting.appends(trader, accepting.acceptance([(offer, one)]))  # late, and still the recipient's right
    trade.appends(coop, trade.withdrawal([(offer, one)]))


@pytest.mark.threat("T28")
def test_a_clock_in_the_event_moves_no_deadline() -> None:
    """The giver cannot date himself past the offer's day."""
    trade, coop, trader, _, (one, *_) = scene()
    offer = trade.appends(coop, trade.transfer(trader.party, trade.on([one]), accept_by="2026-03-09"))
    late = {**trade.withdrawal([(offer, one)]), "event_time": "2026-04-01T00:00:00Z"}
    trade.refuses("still_open", coop, late)


@pytest.mark.threat("T25")
def test_a_recipient_who_accepted_offline_is_not_overtaken() -> None:
    """While the offer is open the giver can do nothing with the lot; the acceptance then stands."""
    trade, coop, trader, other, (one, *_) = scene()
    offer = trade.appends(coop, trade.transfer(trader.party, trade.on([one])))
    acceptance = trade.sign(trader, trade.acceptance([(offer, one)]))  # on a phone without a network
    for event in (
        trade.transfer(other.party, [(offer, one)]),
        trade.transformation([(offer, one)], ["38.40"], "repacking"),
        trade.export([(offer, one)]),
    ):
        trade.refuses("lot_in_transit", coop, event)
    trade.refuses("not_recipient", coop, trade.closure([(offer, one)]))
    trade.wait_until("2026-03-20")
    outcome = trade.take(acceptance)
    assert isinstance(outcome, Appended)
    assert outcome.stands


# Custody and title


@pytest.mark.parametrize(
    ("moves", "custodian", "title"),
    [("both", "you", "you"), ("custody", "you", "me"), ("title", "me", "you")],
)
@pytest.mark.parametrize("answer", ["acceptance", "refusal", "withdrawal"])
def test_what_moves_and_which_head(moves: str, custodian: str, title: str, answer: str) -> None:
    """Title alone names and moves the title head; what moves both sets both; a refused offer moves nothing over."""
    trade, me, you, _, (one, *_) = scene()
    made = trade.lot(one).maker
    offer = trade.appends(me, trade.transfer(you.party, [(made, one)], moves, accept_by="2026-03-02"))
    trade.wait_until("2026-03-04")
    alone = moves == "title"
    assert trade.lot(one).title_head == (offer if alone else made)
    assert trade.lot(one).custody_head == (made if alone else offer)
    assert trade.lot(one).state == ("held" if alone else "offered")
    who = me if answer == "withdrawal" else you
    entry = trade.appends(who, getattr(trade, answer)([(offer, one)]))
    lot = trade.lot(one)
    accepted = answer == "acceptance"
    people = {"me": me.party, "you": you.party}
    assert lot.custodian == people[custodian if accepted else "me"]
    assert lot.title == people[title if accepted else "me"]
    assert lot.custody_head == (made if alone else entry)
    assert lot.title_head == (entry if alone or (moves == "both" and accepted) else made)
    assert lot.state == "held"
    assert lot.offer is None
    assert lot.title_offer is None


def test_title_and_custody_go_their_own_ways() -> None:
    """While title alone is on offer custody moves freely, and the offer is still good afterwards."""
    trade, coop, store, buyer, (one, *_) = scene()
    offer = trade.appends(coop, trade.transfer(buyer.party, trade.on([one], title=True), "title"))
    trade.refuses("title_on_offer", coop, trade.transfer(store.party, trade.on([one], title=True), "title"))
    trade.appends(coop, trade.transfer(store.party, trade.on([one]), "custody", purpose="storage"))
    trade.appends(store, trade.acceptance(trade.on([one])))
    trade.appends(buyer, trade.acceptance([(offer, one)]))
    lot = trade.lot(one)
    assert (lot.custodian, lot.title) == (store.party, buyer.party)
    trade.refuses("not_title_holder", coop, trade.transfer(store.party, trade.on([one], title=True), "title"))
    trade.appends(buyer, trade.transfer(coop.party, trade.on([one], title=True), "title"))


def test_a_custodian_sells_what_is_not_his() -> None:
    """He signs both without holding title: custody moves, title stays, and a finding says so."""
    trade, coop, store, buyer, (one, *_) = scene()
    trade.appends(coop, trade.transfer(store.party, trade.on([one]), "custody", purpose="storage"))
    trade.appends(store, trade.acceptance(trade.on([one])))
    trade.appends(store, trade.transfer(buyer.party, trade.on([one])), "title_not_held")
    entry = trade.appends(buyer, trade.acceptance(trade.on([one])))
    lot = trade.lot(one)
    assert (lot.custodian, lot.title) == (buyer.party, coop.party)
    assert move(trade, entry, one).sets == "custody"


def test_title_bought_after_the_offer_does_not_slip_along() -> None:
    """What a custodian offered without title does not carry the title he came by afterwards."""
    trade, coop, store, buyer, (one, *_) = scene()
    trade.appends(coop, trade.transfer(store.party, trade.on([one]), "custody", purpose="storage"))
    trade.appends(store, trade.acceptance(trade.on([one])))
    offer = trade.appends(store, trade.transfer(buyer.party, trade.on([one])))
    sale = trade.appends(coop, trade.transfer(store.party, trade.on([one], title=True), "title"))
    trade.appends(store, trade.acceptance([(sale, one)]))
    trade.appends(buyer, trade.acceptance([(offer, one)]))
    lot = trade.lot(one)
    assert (lot.custodian, lot.title, lot.title_head) == (
        buyer.party,
        store.party,
        trade.entries[-2].event_id,
    )


def test_title_sold_after_the_offer_does_not_move_twice() -> None:
    """A giver of both who then sells the title alone: the recipient gets custody only."""
    trade, coop, trader, buyer, (one, *_) = scene()
    offer = trade.appends(coop, trade.transfer(trader.party, trade.on([one])))
    sale = trade.appends(coop, trade.transfer(buyer.party, trade.on([one], title=True), "title"))
    trade.appends(buyer, trade.acceptance([(sale, one)]))
    trade.appends(trader, trade.acceptance([(offer, one)]))
    lot = trade.lot(one)
    assert (lot.custodian, lot.title) == (trader.party, buyer.party)


@pytest.mark.parametrize(
    "what", ["sold", "transformed", "exported", "closed", "arrived elsewhere", "reassigned"]
)
def test_an_offer_of_title_lapses(what: str) -> None:
    """When title moves by both, or the lot is transformed, exported or closed, a later answer is without effect."""
    trade, coop, trader, buyer, (one, *_) = scene()
    if what == "arrived elsewhere":
        trade.appends(coop, trade.export(trade.on([one])))
    offer = trade.appends(coop, trade.transfer(buyer.party, trade.on([one], title=True), "title"))
    match what:
        case "sold":
            trade.hand_over(coop, trader, [one])
        case "transformed":
            trade.appends(coop, trade.transformation(trade.on([one]), ["38.40"], "repacking"))
        case "exported":
            trade.appends(coop, trade.export(trade.on([one])))
        case "closed":
            trade.appends(coop, trade.closure(trade.on([one])))
        case "arrived elsewhere":
            trade.appends(coop, trade.arrival(trade.on([one]), "exporter"))
        case _:
            trade.appends(trade.registrar, trade.reassignment([one], trader.party, moves="title"))
    assert trade.lot(one).title_offer is None
    title = trade.lot(one).title
    refusal = trade.fork()
    refusal.loses(buyer, refusal.refusal([(offer, one)]))
    trade.loses(buyer, trade.acceptance([(offer, one)]))
    assert trade.lot(one).title == title
    assert move(trade, trade.last().event_id, one).sets == "title"


def test_after_a_lapsed_offer_title_is_offered_anew() -> None:
    """The lapsed offer remains the title head, and the next offer builds on it."""
    trade, coop, _, buyer, (one, *_) = scene()
    offer = trade.appends(coop, trade.transfer(buyer.party, trade.on([one], title=True), "title"))
    trade.appends(coop, trade.export(trade.on([one])))
    assert trade.lot(one).title_head == offer
    again = trade.appends(coop, trade.transfer(buyer.party, [(offer, one)], "title"))
    trade.appends(buyer, trade.acceptance([(again, one)]))
    assert trade.lot(one).title == buyer.party


def test_the_wrong_head_is_no_head() -> None:
    """Custody cannot be moved from the title head, nor title from the custody head."""
    trade, coop, trader, buyer, (one, *_) = scene()
    sale = trade.appends(coop, trade.transfer(buyer.party, trade.on([one], title=True), "title"))
    trade.refuses("not_custodian", coop, trade.transfer(trader.party, [(sale, one)]))
    offer = trade.appends(coop, trade.transfer(trader.party, trade.on([one])))
    trade.refuses("not_custodian", coop, trade.transfer(trader.party, [(offer, one)], "title"))


def test_an_export_is_no_offer() -> None:
    """Its importer reports an import; an acceptance or refusal of it is refused and is no double issue."""
    trade, coop, importer, _, (one, *_) = scene()
    trade.appends(coop, trade.export(trade.on([one]), importer.party))
    for event in (trade.acceptance(trade.on([one])), trade.refusal(trade.on([one]))):
        trade.refuses("not_custodian", importer, event)
    trade.appends(importer, trade.arrival(trade.on([one])))


# Beginnings


def test_who_holds_a_lot_that_begins() -> None:
    """The named custodian, else the producer, else the party acted for, else the signer; title the same."""
    trade, coop, buyer, stranger, _ = scene()
    right = trade.appends(coop, trade.delegation(buyer.party, ["production"], principal=coop.party))
    mine = {"acting_for": coop.party, "delegation": right}
    (team,) = trade.people("team:")
    for actor, body, holder in (
        (coop, {}, coop),
        (buyer, {"producer": coop.party}, coop),
        (buyer, {"producer": coop.party, "custodian": buyer.party}, buyer),
        (buyer, {**mine}, coop),
        (buyer, {**mine, "producer": team.party}, team),
        (buyer, {**mine, "producer": team.party, "custodian": coop.party}, coop),
        (buyer, {**mine, "producer": team.party, "custodian": buyer.party}, buyer),
    ):
        event = trade.production("1", **body)
        (lot,) = trade.made_by(actor, event)
        trade.appends(actor, event)
        assert (trade.lot(lot).custodian, trade.lot(lot).title) == (holder.party, holder.party), body
    named = trade.production("1", producer=coop.party, custodian=stranger.party)
    trade.refuses("stranger_as_custodian", buyer, named)
    titled = trade.production("1", producer=coop.party)
    titled["body"]["lots"][0]["title"] = stranger.party
    trade.refuses("stranger_as_title_holder", buyer, titled)
    titled["body"]["lots"][0]["title"] = buyer.party
    (lot,) = trade.made_by(buyer, titled)
    trade.appends(buyer, titled)
    assert (trade.lot(lot).custodian, trade.lot(lot).title) == (coop.party, buyer.party)


def test_somebody_dug_it() -> None:
    """Where no enrolled producer is named and the signer is no miner, the miner is sealed in the event."""
    trade, coop, buyer, _, _ = scene()
    trade.refuses("miner_not_named", buyer, trade.production("1"))
    named = {**trade.production("1"), "sealed": [["/miner", "Qa8lfLmGL0i3_gZPckYFzDk26V5OjBEA9au_1hbMGcw"]]}
    trade.appends(buyer, named)
    trade.appends(buyer, trade.production("1", producer=coop.party))


@pytest.mark.threat("T30")
def test_a_lot_is_made_once() -> None:
    """The same nonce again, by the same key, is a lot that exists already."""
    trade, coop, _, _, _ = scene()
    event = trade.production("1")
    trade.appends(coop, event)
    trade.refuses("lot_known", coop, {**event, "body": {**event["body"], "workers": 3}})


def test_an_intake_is_its_signers() -> None:
    """Any enrolled party takes in what has no site here, and holds it; a finding stays until it is approved."""
    trade, _, trader, other, _ = scene()
    event = trade.intake("5")
    event["body"]["lots"][0]["title"] = other.party
    (lot,) = trade.made_by(trader, event)
    trade.appends(trader, event, "intake_not_approved")
    assert (trade.lot(lot).custodian, trade.lot(lot).title, trade.lot(lot).whence) == (
        trader.party,
        other.party,
        "found",
    )
    trade.appends(trade.registrar, trade.approval(trade.last().event_id))


def test_a_site_names_where_ore_is_from() -> None:
    """An unknown site is waited for; none at all is a finding."""
    trade, coop, _, _, _ = scene()
    nowhere = "0" * 26
    trade.waits("site", nowhere, coop, trade.production("1", site=nowhere))
    site = trade.site(coop)
    trade.appends(coop, trade.production("1", site=site))
    assert not trade.findings()
    assert trade.lot(trade.last().event.made[0]).site == site


# Reassignment


@pytest.mark.parametrize("state", ["held", "offered", "exported", "title offered"])
@pytest.mark.parametrize("moves", ["custody", "title", "both"])
def test_reassignment_takes_lots_as_they_stand(state: str, moves: str) -> None:
    """From any state but ended; open offers of what it moves end; what is not moved stays."""
    trade, coop, trader, police, (one, *_) = scene()
    match state:
        case "offered":
            trade.appends(coop, trade.transfer(trader.party, trade.on([one])))
        case "title offered":
            trade.appends(coop, trade.transfer(trader.party, trade.on([one], title=True), "title"))
        case "exported":
            trade.appends(coop, trade.export(trade.on([one]), trader.party))
        case _:
            pass
    before = trade.lot(one)
    entry = trade.appends(trade.registrar, trade.reassignment([one], police.party, moves=moves))
    lot = trade.lot(one)
    if moves == "title":
        assert (lot.custodian, lot.custody_head, lot.state, lot.offer) == (
            coop.party,
            before.custody_head,
            before.state,
            before.offer,
        )
    else:
        assert (lot.custodian, lot.custody_head, lot.state, lot.offer) == (police.party, entry, "held", None)
    if moves == "custody":
        assert (lot.title, lot.title_head, lot.title_offer) == (
            coop.party,
            before.title_head,
            before.title_offer,
        )
    else:
        assert (lot.title, lot.title_head, lot.title_offer) == (police.party, entry, None)
    if moves != "title":
        # What the custodian or the recipient signs on the earlier state is logged without effect.
        trade.loses(coop, trade.transfer(trader.party, [(before.maker, one)]))
        if state == "offered":
            trade.loses(trader, trade.acceptance([(before.custody_head, one)]))
        trade.appends(police, trade.transfer(trader.party, trade.on([one])))


def test_a_seizure_weighs() -> None:
    """Readings of a reassignment are booked like any other; those of other lots are refused."""
    trade, _, _, police, (one, two, _) = scene()
    reading = weighing("30", lots=[one])
    trade.refuses(
        "weighing_of_other_lots",
        trade.registrar,
        trade.reassignment([two], police.party, weighings=[reading]),
    )
    trade.appends(trade.registrar, trade.reassignment([one], police.party, weighings=[reading]), "mass_lost")
    assert trade.lot(one).lost_ug == 8_400_000_000


# What waits


def test_what_is_unknown_is_waited_for() -> None:
    """Party, carrier, event, lot: the whole event waits, and nothing is stored."""
    trade, coop, trader, _, (one, *_) = scene()
    nobody, nothing, no_lot = PartyId("0" * 26), EventId("0" * 64), LotId("0" * 26)
    here = trade.on([one])
    for kind, id_, event in (
        ("party", nobody, trade.transfer(nobody, here)),
        ("party", nobody, trade.transfer(trader.party, here, carrier=nobody)),
        ("event", nothing, trade.transfer(trader.party, here, purpose="return", returns=nothing)),
        ("event", nothing, trade.transfer(trader.party, [(nothing, one)])),
        ("event", nothing, trade.transfer(trader.party, [(nothing, no_lot)])),
        ("lot", no_lot, trade.transfer(trader.party, [(here[0][0], no_lot)])),
        ("event", nothing, trade.closure(here, incident=nothing)),
        ("party", nobody, trade.export(here, nobody)),
        (
            "event",
            nothing,
            trade.export(
                here,
                certificates=[{"certificate": nothing, "mass": {"unit": "KGM", "value": "1"}}],
            ),
        ),
        ("party", nobody, trade.transformation(here, ["38.40"], "repacking", for_title=nobody)),
        ("party", nobody, trade.production("1", producer=nobody)),
        ("lot", no_lot, trade.act("retagging", lot=no_lot, reason="lost")),
        ("lot", no_lot, trade.act("inspection", type="photo", lots=[no_lot])),
        ("party", nobody, trade.act("inspection", type="stock_count", party=nobody)),
        ("event", nothing, trade.correction(nothing)),
    ):
        trade.waits(kind, id_, coop, event)
    trade.waits("lot", no_lot, trade.registrar, trade.reassignment([no_lot], trader.party))
    trade.waits("party", nobody, trade.registrar, trade.reassignment([one], nobody))
    made = trade.production("1", producer=coop.party)
    made["body"]["lots"][0]["title"] = nobody
    trade.refuses("stranger_as_title_holder", coop, made)
    kept = trade.intake("1")
    kept["body"]["lots"][0]["title"] = nobody
    trade.waits("party", nobody, coop, kept)


def test_what_was_waited_for_then_stands() -> None:
    """Brought in any order by anybody, two days' work of two phones ends the same."""
    trade, coop, trader, _, (one, *_) = scene()
    first = trade.sign(coop, trade.transfer(trader.party, trade.on([one])))
    second = trade.sign(trader, trade.acceptance([(event_id(first.payload), one)]))
    third = trade.sign(trader, trade.closure([(event_id(second.payload), one)]))
    for envelope in (third, second):
        assert not isinstance(trade.take(envelope), Appended)
    for envelope in (first, second, third):
        assert isinstance(trade.take(envelope), Appended)
    assert trade.lot(one).state == "ended"


def test_a_predecessor_that_did_not_move_the_lot() -> None:
    """An event in the log that is not about the lot is refused: there is nothing to wait for."""
    trade, coop, trader, _, (one, *_) = scene()
    other = trade.appends(coop, trade.production("1"))
    trade.refuses("not_its_lot", coop, trade.transfer(trader.party, [(other, one)]))
