"""Two successors of one state: one stands, the other is logged as evidence, once for each key, and accuses nobody."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from memory import Actor
from rules import Rules
from traceability.core.ids import LotId
from traceability.core.lot_records import Move
from traceability.core.outcome import Appended, Rejected
from traceability.core.registry_records import Mention


def scene() -> tuple[Rules, Actor, Actor, Actor, LotId]:
    """A cooperative with a bag, and two traders."""
    trade = Rules()
    coop, one, two = trade.people("coop:miner", "one:trader,importer", "two:trader")
    (lot,) = trade.produce(coop, "38.40")
    return trade, coop, one, two, lot


ACTS: dict[str, Callable[[Rules, Actor, Any, LotId], dict[str, Any]]] = {
    "transfer": lambda t, to, here, lot: t.transfer(to.party, here),
    "split": lambda t, to, here, lot: t.transformation(here, ["38", "0.4"], "split"),
    "export": lambda t, to, here, lot: t.export(here, to.party),
    "closure": lambda t, to, here, lot: t.closure(here),
}


@pytest.mark.threat("T17")
@pytest.mark.parametrize(("first", "second"), list(permutations(ACTS, 2)) + [(act, act) for act in ACTS])
def test_of_two_successors_the_first_in_the_log_stands(first: str, second: str) -> None:
    """Of any two kinds, in either order: one winner, and the loser on record with both named."""
    trade, coop, one, two, lot = scene()
    here = trade.on([lot])
    trade.appends(coop, ACTS[first](trade, one, here, lot))
    before = trade.lot(lot)
    late = ACTS[second](trade, two, here, lot)
    entry = trade.loses(coop, late)
    (finding,) = trade.findings("double_issue")
    assert finding.severity == "severe"
    assert finding.subjects == (("lot", lot),)
    assert finding.events == (entry, here[0][0])
    assert {value for _, value in finding.figures} == {coop.party}
    after = trade.lot(lot)
    assert after.disputed == (entry,)
    assert (after.custody_head, after.state, after.custodian) == (
        before.custody_head,
        before.state,
        before.custodian,
    )
    if second == "split":
        for made in trade.made_by(coop, late):
            assert isinstance(trade.state.records["lot", made], Mention)


@pytest.mark.threat("T18")
def test_both_parties_are_named() -> None:
    """The one who lost and the one who holds the lot now."""
    trade, coop, one, two, lot = scene()
    here = trade.on([lot])
    trade.hand_over(coop, one, [lot])
    trade.loses(coop, trade.transfer(two.party, here))
    (finding,) = trade.findings("double_issue")
    assert dict(finding.figures) == {"party": coop.party, "other_party": one.party}


def test_once_for_each_key_and_predecessor() -> None:
    """A second late event by the same key is refused; another key of the party may show its own, once."""
    trade, coop, one, two, lot = scene()
    second, _ = trade.key_for("second", coop.party)
    trade.appends(coop, trade.key_addition(coop.party, "second"))
    here = trade.on([lot])
    trade.hand_over(coop, one, [lot])
    trade.loses(coop, trade.transfer(two.party, here))
    trade.refuses("stale_predecessor", coop, trade.transfer(one.party, here))
    trade.refuses("stale_predecessor", coop, trade.closure(here))
    trade.loses(second, trade.transfer(two.party, here))
    trade.refuses("stale_predecessor", second, trade.transfer(two.party, here))
    assert len(trade.lot(lot).disputed) == 2
    # On another predecessor it is another matter.
    held = trade.on([lot])
    trade.hand_over(one, two, [lot])
    trade.loses(one, trade.transfer(coop.party, held))


def test_new_evidence_on_one_lot_is_enough() -> None:
    """An event on two lots, one of which its key has shown already, is logged."""
    trade, coop, one, two, lot = scene()
    (other,) = trade.produce(coop, "5")
    here = trade.on([lot, other])
    trade.hand_over(coop, one, [lot, other])
    trade.loses(coop, trade.transfer(two.party, here[:1]))
    trade.loses(coop, trade.transfer(two.party, here))
    assert len(trade.lot(other).disputed) == 1
    trade.refuses("stale_predecessor", coop, trade.transfer(two.party, here))


@pytest.mark.threat("T32")
def test_who_was_never_entitled_leaves_no_trace() -> None:
    """A stranger's event on an old state is refused, not logged: nobody can put a lot in dispute from outside."""
    trade, coop, one, two, lot = scene()
    here = trade.on([lot])
    offer = trade.appends(coop, trade.transfer(one.party, here))
    trade.appends(one, trade.acceptance([(offer, lot)]))
    size = len(trade.entries)
    for event in (trade.transfer(coop.party, here), trade.closure(here), trade.acceptance([(offer, lot)])):
        trade.refuses("not_custodian", two, event)
    trade.refuses("not_custodian", one, trade.transfer(two.party, here))  # not his then
    trade.refuses("not_custodian", one, trade.withdrawal([(offer, lot)]))  # not the giver
    assert len(trade.entries) == size
    assert not trade.lot(lot).disputed


def test_the_named_recipient_is_entitled() -> None:
    """He may answer an offer that has ended meanwhile; and so may the giver take back one that was accepted."""
    trade, coop, one, _, lot = scene()
    offer = trade.appends(coop, trade.transfer(one.party, trade.on([lot]), accept_by="2026-03-02"))
    trade.wait_until("2026-03-04")
    accepted = trade.fork()
    accepted.appends(one, accepted.acceptance([(offer, lot)]))
    accepted.loses(coop, accepted.withdrawal([(offer, lot)]))
    trade.appends(coop, trade.withdrawal([(offer, lot)]))
    refused = trade.fork()
    refused.loses(one, refused.refusal([(offer, lot)]))
    closed = trade.fork()
    closed.loses(one, closed.closure([(offer, lot)]))
    trade.loses(one, trade.acceptance([(offer, lot)]))
    assert trade.lot(lot).custodian == coop.party


def test_nothing_is_built_on_what_is_without_effect() -> None:
    """Its lots, its offers and its moves are no ground for anybody."""
    trade, coop, one, two, lot = scene()
    here = trade.on([lot])
    trade.hand_over(coop, one, [lot])
    late = trade.loses(coop, trade.transfer(two.party, here))
    trade.refuses("predecessor_without_effect", two, trade.acceptance([(late, lot)]))
    used = trade.last().event.sequence
    twice = {**trade.production("7"), "sequence": used}
    (ghost,) = trade.made_by(coop, twice)
    entry = trade.loses(coop, {**twice, "sequence": used - 1})
    trade.refuses("predecessor_without_effect", coop, trade.transfer(two.party, [(entry, ghost)]))


def test_one_stale_input_puts_a_whole_transformation_without_effect() -> None:
    """The other inputs stay where they are, undisputed; nothing is made."""
    trade, coop, one, _, lot = scene()
    (other,) = trade.produce(coop, "5")
    here = trade.on([lot, other])
    trade.hand_over(coop, one, [lot])
    trade.loses(coop, trade.transformation(here, ["43.40"]))
    assert len(trade.lot(lot).disputed) == 1
    assert not trade.lot(other).disputed
    assert trade.lot(other).state == "held"
    trade.appends(coop, trade.transfer(one.party, trade.on([other])))


def test_a_late_transformation_is_evidence_whatever_became_of_its_inputs() -> None:
    """Tags, titles and readings have moved on since it was signed: none of that makes it a rejection."""
    trade, coop, one, two, lot = scene()
    here = trade.on([lot])
    (other,) = trade.produce(coop, "5")
    both = [*here, *trade.on([other])]
    shared = [{"net": {"unit": "KGM", "value": "43"}, "basis": "measured", "lots": sorted([lot, other])}]
    trade.appends(coop, trade.transfer(one.party, both))
    trade.appends(one, trade.acceptance(trade.on([lot, other]), weighings=shared))
    trade.appends(one, trade.transfer(two.party, trade.on([other], title=True), "title"))
    trade.appends(two, trade.acceptance(trade.on([other], title=True)))
    trade.loses(coop, trade.transformation(both, ["43.40"]))
    trade.refuses("stale_predecessor", coop, trade.transformation(both, ["43.40"]))


def test_lines_that_do_not_add_up_are_refused_also_when_late() -> None:
    """Where the event weighs its inputs itself, its lines are judged by themselves."""
    trade, coop, one, _, lot = scene()
    here = trade.on([lot])
    trade.hand_over(coop, one, [lot])
    reading = [{"net": {"unit": "KGM", "value": "38"}, "basis": "measured", "lots": [lot]}]
    trade.refuses("does_not_close", coop, trade.transformation(here, ["37"], weighings=reading))
    trade.loses(coop, trade.transformation(here, ["38"], weighings=reading))


def test_a_used_number_on_a_good_head_is_without_effect_too() -> None:
    """The lot is disputed, stays where it was, and its head is still free."""
    trade, coop, one, two, lot = scene()
    (other,) = trade.produce(coop, "5")
    trade.appends(coop, {**trade.transfer(one.party, trade.on([other])), "sequence": 90})
    for event in (
        trade.transfer(one.party, trade.on([lot])),
        trade.transfer(two.party, trade.on([lot])),
    ):
        outcome = trade.outcome(coop, {**event, "sequence": 90})
        if isinstance(outcome, Rejected):
            assert outcome.name == "number_used"
        else:
            assert isinstance(outcome, Appended)
            assert not outcome.stands
    assert trade.lot(lot).state == "held"
    assert len(trade.lot(lot).disputed) == 1
    trade.appends(coop, trade.transfer(two.party, trade.on([lot])))


def test_a_used_number_of_an_authority_disputes_the_lots_too() -> None:
    """A reassignment under a used number takes nothing, and says of each lot that it would have."""
    trade, coop, one, _, lot = scene()
    office = trade.registrar
    trade.appends(office, {**trade.role_change(one.party, ["warehouse"]), "sequence": 90})
    entry = trade.loses(office, {**trade.reassignment([lot], one.party), "sequence": 90})
    assert trade.lot(lot).disputed == (entry,)
    assert trade.lot(lot).custodian == coop.party
    move = trade.state.records["move", f"{entry}:{lot}"]
    assert isinstance(move, Move)
    assert not move.stands
    trade.appends(office, trade.correction(entry))
    assert not trade.lot(lot).disputed


def test_looking_and_tagging_under_a_used_number_dispute_nothing() -> None:
    """They move no lot: only the key gets its finding."""
    trade, coop, _, _, lot = scene()
    trade.appends(coop, {**trade.production("1"), "sequence": 90})
    trade.loses(coop, {**trade.act("inspection", type="photo", lots=[lot]), "sequence": 90})
    trade.appends(coop, {**trade.production("1"), "sequence": 91})
    tagging = trade.act("retagging", lot=lot, tags_on=["itsci:1"], reason="first_tag")
    trade.loses(coop, {**tagging, "sequence": 91})
    trade.appends(coop, {**trade.production("1"), "sequence": 92})
    trade.loses(coop, {**trade.correction(trade.last().event_id), "sequence": 92})
    assert not trade.lot(lot).disputed
    assert not trade.lot(lot).tags


# Order of judgement


def test_what_is_unknown_is_waited_for_before_anything_is_judged() -> None:
    """A lot nobody may touch and an unknown predecessor in one event: it waits, in either order."""
    trade, _, one, two, lot = scene()
    (mine,) = trade.intaken(one, "5")
    unknown = "f" * 64
    low = "0" * 64
    for nothing in (unknown, low):
        event = trade.transfer(two.party, [*trade.on([lot]), (nothing, mine)])
        trade.waits("event", nothing, one, event)
        late = trade.on([lot])
        trade.waits("event", nothing, two, trade.transformation([*late, (nothing, mine)], ["1"]))


def test_a_lot_never_ones_own_rejects_the_whole_event() -> None:
    """Before any lot is judged: a good lot beside it does not save it, and a stale one is not logged."""
    trade, coop, one, two, lot = scene()
    (mine,) = trade.intaken(one, "5")
    trade.refuses("not_custodian", one, trade.transfer(two.party, trade.on([lot, mine])))
    here = trade.on([mine])
    trade.hand_over(one, two, [mine])
    trade.refuses("not_custodian", one, trade.transfer(coop.party, [*here, *trade.on([lot])]))
    assert not trade.lot(mine).disputed


# What ends a dispute


def dispute() -> tuple[Rules, Actor, Actor, Actor, LotId, Any]:
    trade, coop, one, two, lot = scene()
    here = trade.on([lot])
    trade.hand_over(coop, one, [lot])
    return trade, coop, one, two, lot, trade.loses(coop, trade.transfer(two.party, here))


def test_a_dispute_blocks_nothing() -> None:
    """The holder goes on trading; the dispute goes with the lot."""
    trade, _, one, two, lot, entry = dispute()
    trade.hand_over(one, two, [lot])
    assert trade.lot(lot).disputed == (entry,)


def test_the_losers_own_correction_ends_it() -> None:
    """Nobody else can say for him that it did not occur: not the winner, not an authority, not the operator."""
    trade, coop, one, two, lot, entry = dispute()
    for actor in (one, two, trade.registrar, trade.operator):
        trade.refuses("not_your_event", actor, trade.correction(entry))
    trade.appends(coop, trade.correction(entry))
    assert not trade.lot(lot).disputed
    assert trade.lot(lot).custodian == one.party


def test_the_winners_transfer_is_not_corrected_away() -> None:
    """What stands ends by its own kind; the loser cannot ask for it either."""
    trade, coop, one, _, lot, entry = dispute()
    standing = trade.lot(lot).custody_head
    trade.refuses("not_correctable", one, trade.correction(standing))
    trade.refuses("not_correctable", trade.registrar, trade.correction(standing))
    trade.refuses("not_your_event", coop, trade.correction(standing))
    assert trade.lot(lot).disputed == (entry,)


def test_a_part_without_effect_is_settled_and_the_rest_stands() -> None:
    """A transfer that stands on one lot and lost another: its signer settles the lost one only."""
    trade, coop, one, two, lot = scene()
    (other,) = trade.produce(coop, "5")
    here = trade.on([lot, other])
    trade.hand_over(coop, one, [lot])
    outcome = trade.outcome(coop, trade.transfer(two.party, here))
    assert isinstance(outcome, Appended)
    entry = trade.last().event_id
    trade.appends(coop, trade.correction(entry))
    assert not trade.lot(lot).disputed
    assert trade.lot(other).state == "offered"


def test_a_court_ends_it() -> None:
    """A reassignment on ground court settles the dispute; on another ground it does not."""
    trade, _, _, two, lot, entry = dispute()
    trade.appends(trade.registrar, trade.reassignment([lot], two.party, ground="seizure"))
    assert trade.lot(lot).disputed == (entry,)
    trade.appends(trade.registrar, trade.reassignment([lot], two.party, ground="court"))
    assert not trade.lot(lot).disputed
