"""Acting for another: by principal and by site."""

from typing import Any

from memory import Actor
from rules import Rules
from traceability.core.header import MOVING
from traceability.core.registry_records import Delegation


def test_a_delegation_covers_agent_kind_and_principal() -> None:
    """Each of the three, and its end, is asked; its days only give a finding."""
    trade = Rules()
    coop, agent, other = trade.people("coop:miner", "agent:tag_agent", "other:trader")
    given = trade.delegation(agent.party, ["production", "transfer"], principal=coop.party)
    right = trade.appends(coop, given)
    mine = {"acting_for": coop.party, "delegation": right}
    trade.waits(
        "delegation", "0" * 64, agent, trade.production("1", acting_for=coop.party, delegation="0" * 64)
    )
    trade.refuses("not_your_delegation", other, trade.production("1", **mine))
    trade.refuses(
        "delegation_does_not_cover", agent, trade.production("1", **{**mine, "acting_for": other.party})
    )
    production = trade.production("1", **mine)
    (lot,) = trade.made_by(agent, production)
    trade.appends(agent, production)
    assert trade.lot(lot).custodian == trade.lot(lot).producer == coop.party
    trade.refuses("delegation_does_not_cover", agent, trade.closure(trade.on([lot]), **mine))
    trade.refuses("not_custodian", agent, trade.transfer(other.party, trade.on([lot])))
    trade.appends(agent, trade.transfer(other.party, trade.on([lot]), **mine))
    early = {**trade.production("1", **mine), "event_time": "2025-12-31T12:00:00Z"}
    trade.appends(agent, early, "no_registered_site", "role_before_its_day")
    earlier = {**trade.production("1", **mine), "event_time": "2025-12-30T12:00:00Z"}
    trade.appends(agent, earlier, "delegation_out_of_dates", "no_registered_site", "role_before_its_day")
    end = {"kind": "delegation_end", "body": {"delegation": right, "from": "2026-03-01"}}
    trade.refuses("role_missing", other, end)
    trade.appends(agent, end)
    record = trade.state.records["delegation", right]
    assert isinstance(record, Delegation)
    assert record.ended
    trade.refuses("delegation_ended", agent, trade.production("1", **mine))


def test_role_and_custody_are_asked_of_the_principal() -> None:
    """Of the agent only the delegation is asked."""
    trade = Rules()
    coop, store, agent = trade.people("coop:miner", "store:warehouse", "agent:")
    for principal, refusal in ((coop, None), (store, "role_missing")):
        right = trade.appends(
            principal, trade.delegation(agent.party, ["production"], principal=principal.party)
        )
        event = trade.production("1", producer=coop.party, acting_for=principal.party, delegation=right)
        if refusal:
            trade.refuses(refusal, agent, event)
        else:
            trade.appends(agent, event)


def test_what_is_no_delegation_is_not_waited_for() -> None:
    """An event that is in the log and gives no right is refused: waiting for it would never end."""
    trade = Rules()
    coop, agent = trade.people("coop:miner", "agent:tag_agent")
    other = trade.appends(coop, trade.production("1"))
    trade.refuses("not_a_delegation", agent, trade.production("1", acting_for=coop.party, delegation=other))
    trade.refuses(
        "not_a_delegation",
        coop,
        {"kind": "delegation_end", "body": {"delegation": other, "from": "2026-03-01"}},
    )


def test_a_delegation_by_site_covers_production_there_and_those_lots_while_their_producer_holds_them() -> (
    None
):
    """Not another site, not another's hands, and no other kind of act for just anybody."""
    trade = Rules()
    coop, other, agent, buyer = trade.people("coop:miner", "other:miner", "agent:tag_agent", "buyer:trader")
    here, there = trade.site(coop), trade.site(coop)
    kinds = sorted({*MOVING, "retagging", "inspection", "production"})
    trade.refuses("role_missing", buyer, trade.delegation(agent.party, kinds, site=here))
    right = trade.appends(trade.registrar, trade.delegation(agent.party, kinds, site=here))

    def for_(actor: Actor, event: dict[str, Any]) -> dict[str, Any]:
        body = {**event["body"], "acting_for": actor.party, "delegation": right}
        return {**event, "body": body}

    trade.refuses("delegation_does_not_cover", agent, for_(coop, trade.production("1", site=there)))
    trade.refuses("delegation_does_not_cover", agent, for_(coop, trade.production("1")))
    covered = for_(coop, trade.production("1", "2", "3", "4", site=here))
    lots = trade.made_by(agent, covered)
    trade.appends(agent, covered)
    trade.appends(agent, for_(other, trade.production("1", site=here)))  # for every producer there
    tag = trade.act("retagging", lot=lots[0], tags_on=["itsci:1"], reason="first_tag")
    look = trade.act("inspection", type="photo", lots=[lots[0]])
    trade.appends(agent, for_(coop, tag))
    trade.appends(agent, for_(coop, look))
    trade.appends(agent, for_(coop, trade.transfer(buyer.party, trade.on(lots[:1]), accept_by="2026-03-02")))
    for event in (trade.acceptance(trade.on(lots[:1])), trade.refusal(trade.on(lots[:1]))):
        trade.refuses("delegation_does_not_cover", agent, for_(buyer, event))
    trade.wait_until("2026-03-04")
    trade.appends(agent, for_(coop, trade.withdrawal(trade.on(lots[:1]))))
    trade.appends(agent, for_(coop, trade.closure(trade.on(lots[1:2]))))

    trade.hand_over(coop, buyer, lots[2:3])
    there_lot = trade.produce(coop, "5", site=there)
    for actor, held in ((buyer, lots[2:3]), (coop, there_lot)):
        for event in (
            trade.transfer(other.party, trade.on(held)),
            trade.transfer(other.party, trade.on(held, title=True), "title"),
            trade.transformation(trade.on(held), ["1"], "repacking", losses=None),
            trade.export(trade.on(held)),
            trade.closure(trade.on(held)),
            trade.act("retagging", lot=held[0], tags_on=["itsci:2"], reason="first_tag"),
            trade.act("inspection", type="photo", lots=held),
        ):
            event["body"] = {name: value for name, value in event["body"].items() if value is not None}
            trade.refuses("delegation_does_not_cover", agent, for_(actor, event))
    # An act on an earlier state, that would only be evidence, is covered as it would have been then.
    old = [(trade.lot(lots[2]).maker, lots[2])]
    trade.loses(agent, for_(coop, trade.transfer(other.party, old)))
    late = [(trade.lot(lots[2]).custody_head, lots[2])]
    trade.hand_over(buyer, other, lots[2:3])
    trade.refuses("delegation_does_not_cover", agent, for_(buyer, trade.transfer(coop.party, late)))
