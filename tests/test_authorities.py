"""Changes among authorities: the quorum, who counts, and what waits meanwhile."""

import pytest

from memory import nonce_of
from rules import bare, genesis, party, three
from traceability.core.outcome import Appended, Rejected
from traceability.core.registry_records import Act, LedgerFacts, Mention
from traceability.core.signing import event_id


@pytest.mark.threat("T50")
def test_a_role_of_authority_counts_from_the_last_approval_needed() -> None:
    """Until two others have agreed, what rests on it waits for the approval; then it counts."""
    trade, second, third = three()
    coop, other = trade.people("coop:miner", "other:trader")
    entry = trade.appends(trade.registrar, trade.role_change(coop.party, ["inspectorate"]))
    site = trade.site_registration(coop, coop.party)
    trade.waits("approval", entry, coop, site)
    trade.refuses("own_act", trade.registrar, trade.approval(entry))
    trade.refuses("role_missing", other, trade.approval(entry))
    trade.waits("approval", entry, coop, trade.approval(entry))
    trade.appends(second, trade.approval(entry))
    trade.appends(second, trade.approval(entry))
    trade.waits("approval", entry, coop, site)
    trade.appends(third, trade.approval(entry, "rejected"))
    trade.waits("approval", entry, coop, site)
    trade.appends(third, trade.approval(entry))
    assert party(trade, coop.party).roles == ("inspectorate", "miner")
    assert not party(trade, coop.party).awaited
    trade.appends(coop, site)
    facts = trade.state.records["ledger", ""]
    assert isinstance(facts, LedgerFacts)
    assert coop.party in facts.authorities


def test_the_party_concerned_does_not_count() -> None:
    """An authority cannot agree to its own new key or role."""
    trade, second, third = three()
    entry = trade.appends(trade.registrar, trade.key_addition(second.party, "second's"))
    trade.refuses("own_act", second, trade.approval(entry))
    trade.appends(third, trade.approval(entry))
    trade.appends(trade.operator, trade.approval(entry))
    own = trade.appends(second, trade.key_addition(second.party, "second's other"))
    trade.refuses("own_act", second, trade.approval(own))
    revocation = trade.appends(trade.registrar, trade.revocation(second.key.id))
    trade.refuses("own_act", second, trade.approval(revocation))
    trade.appends(second, trade.revocation(second.key.id))  # its own, at once and without anybody


def test_a_decision_counts_only_while_its_author_is_an_authority() -> None:
    """Who has lost the role before the last approval came is not counted."""
    trade, second, third = three()
    (coop,) = trade.people("coop:miner")
    entry = trade.appends(trade.registrar, trade.role_change(coop.party, ["inspectorate"]))
    trade.appends(second, trade.approval(entry))
    removal = trade.appends(trade.registrar, trade.role_change(second.party, remove=["regulator"]))
    trade.appends(third, trade.approval(removal))
    trade.appends(trade.operator, trade.approval(removal))
    assert party(trade, second.party).roles == ()
    trade.appends(third, trade.approval(entry))
    assert "inspectorate" not in party(trade, coop.party).roles
    trade.appends(trade.operator, trade.approval(entry))
    assert "inspectorate" in party(trade, coop.party).roles


def test_enrolment_of_an_authority_waits_for_the_quorum() -> None:
    """Party and key are unknown until then; they keep the line in the book they were given."""
    trade, second, third = three()
    event = trade.enrolment(trade.registrar, "fourth", ["certifier"], type="authority", public_name="Quatre")
    entry = trade.appends(trade.registrar, event)
    fourth, _ = trade.key_for("fourth", event["body"]["party"])
    role = trade.delegation(second.party, ["transfer"], principal=fourth.party)
    trade.waits("key", fourth.key.id, fourth, role)
    lines = [
        trade.state.records[kind, id_] for kind, id_ in (("party", fourth.party), ("key", fourth.key.id))
    ]
    assert all(isinstance(line, Mention) for line in lines)
    trade.appends(second, trade.approval(entry))
    trade.appends(third, trade.approval(entry))
    assert party(trade, fourth.party).enrolled_by == entry
    trade.appends(fourth, role)


def test_the_same_authority_enrolled_twice_is_made_once() -> None:
    """Of two pending enrolments of one id, the second cannot be approved once the first is."""
    trade, second, third = three()
    event = trade.enrolment(trade.registrar, "fourth", ["certifier"], type="authority", public_name="Quatre")
    first = trade.appends(trade.registrar, event)
    again = trade.appends(trade.registrar, {**event, "body": {**event["body"], "roles": ["auditor"]}})
    for actor in (second, third):
        trade.appends(actor, trade.approval(first))
    trade.appends(second, trade.approval(again))
    outcome = trade.outcome(third, trade.approval(again))
    assert isinstance(outcome, Rejected)
    assert outcome.name in ("party_known", "key_known")
    assert party(trade, event["body"]["party"]).roles == ("certifier",)


@pytest.mark.threat("T50")
def test_any_role_and_any_key_of_an_authority_need_the_quorum() -> None:
    """Also a role of trade given to an authority; but none when it gives up a role itself."""
    trade, second, third = three()
    entry = trade.appends(trade.registrar, trade.role_change(second.party, ["trader"]))
    assert party(trade, second.party).roles == ("regulator",)
    trade.appends(third, trade.approval(entry))
    trade.appends(trade.operator, trade.approval(entry))
    assert party(trade, second.party).roles == ("regulator", "trader")
    trade.appends(trade.registrar, trade.role_change(trade.registrar.party, remove=["tag_issuer"]))
    assert "tag_issuer" not in party(trade, trade.registrar.party).roles
    trade.appends(trade.registrar, trade.role_change(trade.registrar.party, ["tag_issuer"]))
    assert "tag_issuer" not in party(trade, trade.registrar.party).roles


def test_ordinary_parties_need_no_quorum() -> None:
    """Traders are enrolled, changed and given keys at once, and nobody's approval is asked or taken."""
    trade, second, _ = three()
    (coop,) = trade.people("coop:miner")
    entry = trade.appends(trade.registrar, trade.role_change(coop.party, ["trader"]))
    assert party(trade, coop.party).roles == ("miner", "trader")
    trade.refuses("needs_no_approval", second, trade.approval(entry))
    production = trade.appends(coop, trade.production("1"))
    trade.refuses("needs_no_approval", second, trade.approval(production))
    own = trade.appends(coop, trade.key_addition(coop.party, "more"))
    trade.refuses("needs_no_approval", second, trade.approval(own))


def test_approvals_that_came_first_count() -> None:
    """Approvals may overtake what they approve; it then counts from its own entry."""
    trade, second, third = three()
    (coop,) = trade.people("coop:miner")
    envelope = trade.sign(trade.registrar, trade.role_change(coop.party, ["inspectorate"]))
    for actor in (second, third, coop):
        trade.appends(actor, trade.approval(event_id(envelope.payload)))
    assert isinstance(trade.take(envelope), Appended)
    assert "inspectorate" in party(trade, coop.party).roles
    act = trade.state.records["act", event_id(envelope.payload)]
    assert isinstance(act, Act)
    assert act.effective


@pytest.mark.parametrize("others", [0, 1, 2])
def test_quorum_of_one_two_and_three_authorities(others: int) -> None:
    """With one, nothing waits; with two, the other must agree; with three, one of the other two."""
    trade = bare()
    lines = [trade.authority(f"a{n}", ["regulator"]) for n in range(others)]
    desk = {
        "party": trade.operator.party,
        "nonce": nonce_of("operator"),
        "name": "Bureau",
        "country": "CF",
        "roles": ["registrar"],
        "keys": [trade.key_for("desk", trade.operator.party)[1]],
    }
    whole = genesis(trade, authorities=[desk, *(line for _, line in lines)], quorum=min(others, 1))
    trade.appends(trade.operator, whole)
    trade.registrar = trade.operator
    (coop,) = trade.people("coop:miner")
    entry = trade.appends(trade.operator, trade.role_change(coop.party, ["inspectorate"]))
    assert ("inspectorate" in party(trade, coop.party).roles) == (others == 0)
    for actor, _ in lines[:1]:
        trade.appends(actor, trade.approval(entry))
    assert "inspectorate" in party(trade, coop.party).roles


def test_checks_within_a_kind_wait_for_an_awaited_role_too() -> None:
    """Where a role is asked beyond the table, an act that rests on an unapproved one waits as well."""
    trade, _, _ = three()
    agent, other = trade.people("agent:tag_agent", "other:trader")
    entry = trade.appends(trade.registrar, trade.role_change(agent.party, ["registrar", "regulator"]))
    (lot,) = trade.produce(agent, "1", producer=other.party)
    for event in (
        trade.enrolment(agent, roles=["miner"]),
        trade.key_addition(other.party, "x"),
        trade.revocation(other.key.id),
        trade.delegation(agent.party, ["transfer"], principal=other.party),
        trade.reassignment([lot], agent.party),
        trade.role_change(other.party, ["miner"]),
    ):
        trade.waits("approval", entry, agent, event)
