"""Keys: joining, recovery by guardians, revocation, and what may still come from a revoked key."""

from typing import Any

import pytest

from memory import Actor
from rules import Rules, key, party, three
from traceability.core.ids import to_unpadded
from traceability.core.outcome import Appended, Rejected
from traceability.core.registry_records import Mention
from traceability.core.signing import event_id

# Keys


@pytest.mark.threat("T09")
def test_a_new_key_proves_possession() -> None:
    """A proof by another key, for another party or another ledger is refused."""
    trade = Rules()
    coop, other = trade.people("coop:miner", "other:trader")
    good = trade.key_addition(coop.party, "second")
    for line in (
        trade.key_for("second", other.party)[1],
        {**good["body"]["key"], "proof": trade.key_for("third", coop.party)[1]["proof"]},
        {**good["body"]["key"], "proof": to_unpadded(bytes(64))},
        {**good["body"]["key"], "proof": to_unpadded(bytes(63))},
    ):
        spoilt = {**good, "body": {**good["body"], "key": line}}
        trade.refuses("no_proof_of_possession", coop, spoilt)
    trade.appends(coop, good)
    trade.refuses("key_known", coop, good)
    trade.refuses("key_known", trade.registrar, trade.key_addition(other.party, "second"))


@pytest.mark.threat("T04")
def test_weak_keys_are_refused_at_enrolment() -> None:
    """A key anybody could sign for joins no party."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    good = trade.key_addition(coop.party, "second")
    for spki in (bytes.fromhex("302a300506032b6570032100") + bytes(32), b"not a key"):
        line = {**good["body"]["key"], "public_key": to_unpadded(spki)}
        trade.refuses("weak_key", coop, {**good, "body": {**good["body"], "key": line}})
    twice = trade.enrolment(trade.registrar, "twice")
    twice["body"]["keys"] *= 2
    trade.refuses("key_known", trade.registrar, twice)


def test_guardians_restore_a_lost_key() -> None:
    """A stranger's recovery key counts from the entry of the last guardian's approval needed, not before."""
    trade = Rules()
    g1, g2, g3, helper = trade.people("g1:trader", "g2:trader", "g3:trader", "helper:trader")
    guardians = {"parties": [g1.party, g2.party, g3.party], "quorum": 2}
    lost = trade.enrol("lost", ["miner"], guardians=guardians)
    (plain,) = trade.people("plain:miner")
    trade.refuses("no_guardians", helper, trade.key_addition(plain.party, "found", "recovery"))
    trade.refuses("role_missing", helper, trade.key_addition(lost.party, "found", "rotation"))
    entry = trade.appends(helper, trade.key_addition(lost.party, "found", "recovery"))
    found, _ = trade.key_for("found", lost.party)
    trade.waits("key", found.key.id, found, trade.production("1"))
    trade.refuses("role_missing", plain, trade.approval(entry))
    trade.appends(g1, trade.approval(entry))
    trade.appends(g1, trade.approval(entry))  # again, counted once
    trade.waits("key", found.key.id, found, trade.production("1"))
    trade.appends(g2, trade.approval(entry, "rejected"))
    trade.waits("key", found.key.id, found, trade.production("1"))
    trade.appends(g2, trade.approval(entry))
    trade.appends(found, trade.production("1"))
    assert key(trade, found.key.id).added_by == entry
    assert set(party(trade, lost.party).keys) == {lost.key.id, found.key.id}


def test_guardians_alone_never_add_a_key_to_an_authority() -> None:
    """Keys of authorities need the quorum of authorities, whoever proposes them."""
    trade, second, third = three()
    (friend,) = trade.people("friend:trader")
    guardians = {"parties": [friend.party], "quorum": 1}
    trade.appends(trade.registrar, trade.restated(second.party, guardians=guardians, public_name="A"))
    entry = trade.appends(friend, trade.key_addition(second.party, "taken", "recovery"))
    taken, _ = trade.key_for("taken", second.party)
    outcome = trade.outcome(friend, trade.approval(entry))
    assert isinstance(outcome, Rejected)
    assert ("key", taken.key.id) not in trade.state.records or isinstance(
        trade.state.records["key", taken.key.id], Mention
    )
    trade.appends(third, trade.approval(entry))
    trade.appends(trade.operator, trade.approval(entry))
    assert key(trade, taken.key.id).party == second.party


# Revocation


def revoked(reason: str, **limit: Any) -> tuple[Rules, Actor, Actor]:
    """A cooperative with two keys, the first of which is revoked; three events went before."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    second, _ = trade.key_for("second", coop.party)
    trade.appends(coop, {**trade.key_addition(coop.party, "second"), "sequence": 0})
    trade.appends(trade.registrar, trade.revocation(coop.key.id, reason, **limit))
    return trade, coop, second


@pytest.mark.threat("T27")
@pytest.mark.parametrize("reason", ["lost", "stolen", "left", "replaced", "compromised"])
def test_late_events_of_a_revoked_key(reason: str) -> None:
    """Up to the trusted number or moment they come in for 60 days, unless the key was stolen."""
    for limit, inside, outside in (
        ({"trusted_sequence": 5}, {"sequence": 5}, {"sequence": 6}),
        (
            {"trusted_until": "2026-03-01T12:00:00Z"},
            {"event_time": "2026-03-01T12:00:00Z"},
            {"event_time": "2026-03-01T12:00:01Z"},
        ),
    ):
        trade, coop, _ = revoked(reason, **limit)
        trade.refuses("key_revoked", coop, {**trade.production("1"), **outside})
        if reason in ("stolen", "compromised"):
            trade.refuses("key_revoked", coop, {**trade.production("1"), **inside})
        else:
            late = {**trade.production("1"), **inside}
            trade.appends(coop, late, "late_event_of_revoked_key", "no_registered_site")
            since = key(trade, coop.key.id).revoked
            assert since is not None
            trade.clock = since.record_time + 60 * 86_400
            trade.appends(coop, {**trade.production("1"), **inside, "sequence": 4})
            trade.clock = since.record_time + 60 * 86_400 + 1
            trade.refuses("key_revoked", coop, {**trade.production("1"), **inside, "sequence": 3})


@pytest.mark.threat("T27")
def test_with_no_limit_nothing_of_a_revoked_key_is_trusted() -> None:
    """Neither number nor moment given: whatever is not in the log yet is refused; the other key goes on."""
    trade, coop, second = revoked("lost")
    trade.refuses("key_revoked", coop, {**trade.production("1"), "sequence": 1})
    trade.appends(second, trade.production("1"))
    trade.refuses("key_revoked", second, trade.revocation(coop.key.id))
    trade.appends(second, trade.revocation(second.key.id))  # a key may always revoke itself
    trade.refuses("key_revoked", second, trade.production("1"))


def test_an_approved_event_of_a_revoked_key_is_taken() -> None:
    """Another key of the party, or a registrar, names the event, also before the log has seen it."""
    for own in (True, False):
        trade, coop, second = revoked("stolen")
        stranger, agent = trade.people("stranger:trader", "agent:tag_agent")
        envelope = trade.sign(coop, trade.production("1"))
        entry = event_id(envelope.payload)
        for actor in (stranger, agent, trade.operator):
            trade.appends(actor, trade.approval(entry))
            assert isinstance(trade.take(envelope), Rejected)
        trade.appends(second if own else trade.registrar, trade.approval(entry, "rejected"))
        assert isinstance(trade.take(envelope), Rejected)
        trade.appends(second if own else trade.registrar, trade.approval(entry))
        outcome = trade.take(envelope)
        assert isinstance(outcome, Appended)
        assert "revoked_key_approved" in {f.rule for f in outcome.findings}


def test_guardians_vouch_for_a_revoked_key_by_their_quorum() -> None:
    """One guardian of two is not enough to let in an event of a stolen key."""
    trade = Rules()
    g1, g2 = trade.people("g1:trader", "g2:trader")
    coop = trade.enrol("coop", ["miner"], guardians={"parties": [g1.party, g2.party], "quorum": 2})
    trade.appends(trade.registrar, trade.revocation(coop.key.id, "stolen"))
    envelope = trade.sign(coop, trade.production("1"))
    for actor, taken in ((g1, False), (g2, True)):
        trade.appends(actor, trade.approval(event_id(envelope.payload)))
        assert isinstance(trade.take(envelope), Appended) == taken


def test_the_counterparty_never_vouches_for_a_revoked_key() -> None:
    """A registrar who is recipient or carrier cannot let in the transfer, nor the giver its acceptance."""
    trade, coop, second = revoked("stolen")
    (lot,) = trade.produce(second, "10")
    envelope = trade.sign(coop, trade.transfer(trade.registrar.party, trade.on([lot])))
    trade.appends(trade.registrar, trade.approval(event_id(envelope.payload)))
    assert isinstance(trade.take(envelope), Rejected)
    (depot,) = trade.people("depot:warehouse")
    carried = trade.sign(coop, trade.transfer(depot.party, trade.on([lot]), carrier=trade.registrar.party))
    trade.appends(trade.registrar, trade.approval(event_id(carried.payload)))
    assert isinstance(trade.take(carried), Rejected)
    trade.appends(trade.registrar, trade.role_change(second.party, ["registrar"]))
    (mine,) = trade.produce(second, "10")
    (buyer,) = trade.people("buyer:trader")
    trade.offer(second, buyer, [mine])
    trade.appends(trade.registrar, trade.revocation(buyer.key.id, "stolen"))
    acceptance = trade.sign(buyer, trade.acceptance(trade.on([mine])))
    trade.appends(second, trade.approval(event_id(acceptance.payload)))
    assert isinstance(trade.take(acceptance), Rejected)
    trade.appends(trade.registrar, trade.approval(event_id(acceptance.payload)))
    assert isinstance(trade.take(acceptance), Appended)


def test_a_number_called_abandoned_that_comes_all_the_same() -> None:
    """It is judged like any other, with a finding; a number that was not abandoned has none."""
    trade = Rules()
    coop, other = trade.people("coop:miner", "other:miner")
    lost = [trade.sign(coop, trade.production("1")) for _ in range(2)]
    trade.appends(coop, trade.production("2", abandoned=[0]))
    assert isinstance(trade.take(lost[1]), Appended)
    assert not trade.findings("abandoned_number_used")
    trade.appends(other, trade.production("3"))
    assert not trade.findings("abandoned_number_used")
    assert isinstance(trade.take(lost[0]), Appended)
    (found,) = trade.findings("abandoned_number_used")
    assert (found.subjects, found.figures) == ((("key", coop.key.id),), (("sequence", "0"),))


def test_a_key_remembers_so_many_abandoned_numbers() -> None:
    """The record is looked at with each event of the key: it keeps the highest thousand and grows no further."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    for start in range(100, 1300, 100):
        numbers = list(range(start, start + 100))
        trade.appends(coop, trade.production("1", abandoned=numbers))
    assert key(trade, coop.key.id).abandoned == tuple(range(300, 1300))


@pytest.mark.parametrize(
    ("limit", "untrusted"),
    [
        ({"trusted_sequence": 2}, (3, 4)),
        ({"trusted_until": "2026-03-02T08:00:00Z"}, (1, 4)),
        ({"trusted_sequence": 4}, ()),
        ({}, ()),
    ],
)
def test_what_a_revoked_key_signed_after_its_last_trusted_act(
    limit: dict[str, Any], untrusted: tuple[int, ...]
) -> None:
    """It keeps its effect, and its lots get a finding that names the event; what the key said of no lot has none."""
    trade = Rules()
    coop, buyer = trade.people("coop:miner", "buyer:trader")
    times = ("06", "09", "07", "08", "10")
    entries = []
    for sequence, hour in enumerate(times):
        event = trade.production("1", "2")
        if sequence == 4:
            event = trade.transfer(buyer.party, trade.on(trade.entries[entries[0]].event.made[:1]))
        trade.appends(coop, {**event, "event_time": f"2026-03-02T{hour}:00:00Z"})
        entries.append(len(trade.entries) - 1)
    trade.appends(coop, trade.delegation(buyer.party, ["transfer"], principal=coop.party))
    trade.appends(trade.registrar, trade.revocation(coop.key.id, "stolen", **limit))
    found = trade.findings("signed_after_last_trusted")
    about = {f.events[1]: {lot for _, lot in f.subjects} for f in found}
    told = [trade.entries[entries[sequence]] for sequence in untrusted]
    assert about == {
        kept.event_id: {*kept.event.made, *(lot for _, lot in kept.event.moved)} for kept in told
    }
    assert trade.lot(trade.entries[entries[0]].event.made[0]).state == "offered"
