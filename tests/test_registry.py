"""The rules of the registry: genesis, admission, numbers, enrolment, sites and tag rolls."""

from typing import Any

import pytest

from memory import Actor, nonce_of
from rules import Rules, bare, genesis, party
from traceability.core import authority
from traceability.core.ids import KeyId, LotId, PartyId
from traceability.core.leaf import time_text
from traceability.core.note import Signer
from traceability.core.registry_records import LedgerFacts, Mention, Party, Roll, Site
from traceability.core.rolls import answers_for

AUTHORITIES = authority.AUTHORITY_ROLES

# Genesis


def test_a_log_begins_with_genesis_and_has_one() -> None:
    """Nothing comes before it, and there is no second."""
    trade = bare()
    trade.refuses("genesis_first", trade.registrar, trade.role_change(trade.registrar.party, ["miner"]))
    trade.appends(trade.operator, trade.genesis())
    trade.refuses("genesis_first", trade.operator, trade.genesis())


def test_genesis_is_signed_by_a_key_it_gives_the_operator() -> None:
    """The operator's id follows from the signing key, and that key is among the operator's."""
    trade = bare()
    other = trade.key_for("other", trade.operator.party)
    trade.refuses("not_your_key", trade.operator, genesis(trade, keys=[other[1]]))
    trade.refuses("not_your_id", trade.operator, genesis(trade, nonce=nonce_of("another")))
    line = genesis(trade)["body"]["authorities"][0]
    trade.refuses(
        "not_your_id", trade.operator, genesis(trade, authorities=[{**line, "nonce": nonce_of("x")}])
    )


def test_genesis_names_keys_of_logs() -> None:
    """Each log key is a verifier key, and none is a party's key too."""
    trade = bare()
    trade.refuses("bad_log_key", trade.operator, genesis(trade, log_keys=["ledger.example.org/car+zz+AA"]))
    shared = Signer(trade.log, _seed_of(trade.operator)).verifier.encode()
    trade.refuses("key_known", trade.operator, genesis(trade, log_keys=[shared]))


def _seed_of(actor: Actor) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = actor.key._key
    assert isinstance(private, Ed25519PrivateKey)
    return private.private_bytes_raw()


@pytest.mark.parametrize(("authorities", "most"), [(1, 1), (2, 1), (3, 2), (4, 3)])
def test_genesis_refuses_a_quorum_out_of_reach(authorities: int, most: int) -> None:
    """With the operator there is one authority more; the quorum is at most their number less two, or 1 of two."""
    for quorum in (most, most + 1):
        trade = bare()
        lines = [trade.authority(f"a{n}", ["regulator"])[1] for n in range(authorities)]
        whole = genesis(trade, authorities=lines, quorum=quorum)
        if quorum > most:
            trade.refuses("quorum_out_of_reach", trade.operator, whole)
        else:
            trade.appends(trade.operator, whole)


def test_a_single_authority_needs_and_gets_nobodys_approval() -> None:
    """The operator may be the only authority, with two keys; then the quorum is nought."""
    for quorum in (0, 1):
        trade = bare()
        line = {
            "party": trade.operator.party,
            "nonce": nonce_of("operator"),
            "name": "Coopérative",
            "country": "CF",
            "roles": ["registrar"],
            "keys": [trade.key_for("desk", trade.operator.party)[1]],
        }
        whole = genesis(trade, authorities=[line], quorum=quorum)
        if quorum:
            trade.refuses("quorum_out_of_reach", trade.operator, whole)
            continue
        trade.appends(trade.operator, whole)
        known = party(trade, trade.operator.party)
        assert known.roles == ("operator", "registrar")
        assert set(known.keys) == {trade.operator.key.id, trade.key_for("desk", known.id)[0].key.id}
        trade.appends(trade.operator, trade.role_change(known.id, ["tag_issuer"]))
        assert "tag_issuer" in party(trade, known.id).roles


def test_an_authority_without_a_role_of_authority_does_not_count() -> None:
    """A genesis 'authority' that only traces is no authority: it adds nothing to the quorum."""
    trade = bare()
    lines = [trade.authority("a0", ["regulator"])[1], trade.authority("a1", ["miner"])[1]]
    trade.refuses("quorum_out_of_reach", trade.operator, genesis(trade, authorities=lines, quorum=2))
    trade.appends(trade.operator, genesis(trade, authorities=lines, quorum=1))
    facts = trade.state.records["ledger", ""]
    assert isinstance(facts, LedgerFacts)
    assert len(facts.authorities) == 2


# Admission


@pytest.mark.threat("T07")
def test_an_event_of_another_ledger_is_nothing_here() -> None:
    """The ledger's name is signed: a staging event cannot be played back."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    trade.refuses("other_log", coop, {**trade.production("1"), "log": "ledger.example.org/test"})


def test_a_key_acts_for_its_own_party_only() -> None:
    """Naming another party under one's own key is refused."""
    trade = Rules()
    coop, other = trade.people("coop:miner", "other:trader")
    trade.refuses("not_your_key", coop, {**trade.production("1"), "party": other.party})


def test_a_key_nobody_knows_yet_waits() -> None:
    """An event signed before its key reached the ledger waits for the key."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    new, _ = trade.key_for("new phone", coop.party)
    trade.waits("key", new.key.id, new, trade.production("1"))
    trade.appends(coop, trade.key_addition(coop.party, "new phone"))
    trade.appends(new, trade.production("1"))


def test_numbers_of_a_key() -> None:
    """A number used again is logged once without effect, with a finding on the key; then never again."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    first = trade.appends(coop, {**trade.production("1"), "sequence": 7})
    second = {**trade.production("2"), "sequence": 7}
    (lot,) = trade.made_by(coop, second)
    trade.loses(coop, second)
    (finding,) = trade.findings("number_used_twice")
    assert finding.subjects == (("key", coop.key.id),)
    assert finding.events[1] == first
    assert finding.severity == "severe"
    assert isinstance(trade.state.records["lot", lot], Mention)
    trade.refuses("number_used", coop, {**trade.production("3"), "sequence": 7})
    trade.appends(coop, {**trade.production("3"), "sequence": 2})  # a number is no order of arrival


def test_a_thing_that_an_entry_without_effect_named_may_still_come_to_be() -> None:
    """A party, its key, a site, a roll, a lot and a tag keep their one line in the book."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    office = trade.registrar
    made = [
        (office, trade.enrolment(office, "late", ["miner"])),
        (office, trade.site_registration(office, coop.party)),
        (office, trade.roll_issue(office)),
        (coop, trade.production("1")),
    ]
    made[3][1]["body"]["lots"][0]["tags"] = ["itsci:0148217"]
    for number, (actor, event) in enumerate(made):
        filler = trade.role_change(coop.party, ["warehouse"]) if actor is office else trade.production("1")
        trade.appends(actor, {**filler, "sequence": 900 + number})
        trade.loses(actor, {**event, "sequence": 900 + number})
    for actor, event in made:
        trade.appends(actor, event)
    ids = [
        event["body"].get(name) for (_, event), name in zip(made, ("party", "site", "roll", ""), strict=True)
    ]
    assert isinstance(trade.state.records["party", ids[0]], Party)
    assert isinstance(trade.state.records["site", ids[1]], Site)
    assert isinstance(trade.state.records["roll", ids[2]], Roll)


def test_an_expired_key_still_signs_with_a_finding() -> None:
    """Its own last day is compared with the judged day, and rejects nothing."""
    trade = Rules()
    new, line = trade.key_for("short", PartyId(""))
    enrolment = trade.enrolment(trade.registrar, "short", ["miner"])
    enrolment["body"]["keys"][0]["expires"] = "2026-03-01"
    trade.appends(trade.registrar, enrolment)
    actor = Actor(enrolment["body"]["party"], new.key)
    trade.appends(actor, trade.production("1"), "no_registered_site")
    trade.wait_until("2026-03-03")
    trade.appends(actor, trade.production("1"), "key_expired", "no_registered_site")
    trade.appends(
        actor, {**trade.production("1"), "event_time": "2026-03-01T23:59:59Z"}, "no_registered_site"
    )
    assert line["public_key"]


@pytest.mark.threat("T29")
def test_a_clock_ahead_is_a_finding() -> None:
    """No event is rejected for its clock, far ahead or far behind."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    trade.appends(
        coop,
        {**trade.production("1"), "event_time": "2027-03-01T00:00:00Z"},
        "clock_ahead",
        "no_registered_site",
    )
    long_ago = {**trade.production("1"), "event_time": "1999-03-01T00:00:00Z"}
    trade.appends(coop, long_ago, "no_registered_site", "role_before_its_day")
    assert trade.lot(LotId(trade.last().event.made[0])).judged_day == "1999-03-01"


def test_back_dating_is_bounded_by_the_last_contact() -> None:
    """Who names a checkpoint he has seen and dates the event before its newest entry gets a finding on his key."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    size = len(trade.entries)
    newest = time_text(trade.entries[-1].record_time)
    seen = {"root": "0" * 64, "size": size}
    trade.appends(coop, {**trade.production("1"), "seen": seen, "event_time": newest}, "no_registered_site")
    early = {**trade.production("1"), "seen": seen, "event_time": "2026-03-02T06:00:59Z"}
    trade.appends(coop, early, "dated_before_last_contact", "no_registered_site")
    (found,) = trade.findings("dated_before_last_contact")
    assert found.subjects == (("key", coop.key.id),)
    assert dict(found.figures)["seen_time"] == newest
    nothing = {**early, "body": trade.production("1")["body"], "seen": {"root": "0" * 64, "size": 0}}
    trade.appends(coop, nothing, "no_registered_site")


# Enrolment


@pytest.mark.threat("T30")
def test_ids_cannot_be_taken() -> None:
    """A party, site or roll id that does not follow from key and nonce is refused."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    office = trade.registrar
    for event in (
        trade.enrolment(office),
        trade.site_registration(office, coop.party),
        trade.roll_issue(office),
    ):
        event["body"]["nonce"] = trade.nonce()
        if event["kind"] == "enrolment":
            event["body"].pop("keys")
        trade.refuses("not_your_id", office, event)


def test_what_is_known_is_not_made_again() -> None:
    """The same party, site or roll a second time is refused under its own name."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    office = trade.registrar
    for name, event in (
        ("party_known", trade.enrolment(office, keys=None)),
        ("site_known", trade.site_registration(office, coop.party)),
        ("roll_known", trade.roll_issue(office)),
    ):
        trade.appends(office, event)
        trade.refuses(name, office, event)


def test_a_restatement_adds_facts_and_nothing_else() -> None:
    """A second enrolment gives facts from a day on; roles and keys stay."""
    trade = Rules()
    (coop, guard) = trade.people("coop:miner", "guard:trader")
    trade.waits("party", guard.party[::-1], trade.registrar, trade.restated(PartyId(guard.party[::-1])))
    guardians = {"parties": [guard.party], "quorum": 1}
    trade.appends(trade.registrar, trade.restated(coop.party, region="CF-LB", guardians=guardians))
    known = party(trade, coop.party)
    assert [facts.region for facts in known.facts] == [None, "CF-LB"]
    assert known.roles == ("miner",)
    assert known.keys == (coop.key.id,)
    assert known.guardians == (guard.party,)
    trade.appends(trade.registrar, trade.restated(coop.party, members=40))
    assert party(trade, coop.party).guardians == (guard.party,)


def test_a_tag_agent_enrols_new_parties_provisionally_and_no_more() -> None:
    """He says so, makes no authority, and restates nobody: else he could name himself a guardian."""
    trade = Rules()
    agent, coop = trade.people("agent:tag_agent", "coop:miner")
    trade.refuses("role_missing", agent, trade.enrolment(agent, roles=["miner"]))
    for role in AUTHORITIES:
        trade.refuses("role_missing", agent, trade.enrolment(agent, roles=[role], provisional=True))
    guardians = {"parties": [agent.party], "quorum": 1}
    trade.refuses("role_missing", agent, trade.restated(coop.party, provisional=True, guardians=guardians))
    event = trade.enrolment(agent, "dug", ["miner"], provisional=True)
    entry = trade.appends(agent, event, "provisional_enrolment")
    digger = Actor(event["body"]["party"], trade.key_for("dug", PartyId(event["body"]["party"]))[0].key)
    trade.appends(digger, trade.production("1"))  # full effect meanwhile
    assert party(trade, digger.party).provisional
    trade.appends(trade.registrar, trade.approval(entry, "rejected"))
    assert party(trade, digger.party).provisional
    trade.appends(trade.registrar, trade.approval(entry))
    assert not party(trade, digger.party).provisional


def test_named_parties_must_be_known() -> None:
    """Who a party is part of, and its guardians, are waited for."""
    trade = Rules()
    nobody = PartyId("0" * 26)
    trade.waits("party", nobody, trade.registrar, trade.enrolment(trade.registrar, part_of=nobody))
    guardians = {"parties": [nobody], "quorum": 1}
    trade.waits("party", nobody, trade.registrar, trade.enrolment(trade.registrar, guardians=guardians))
    trade.waits("party", nobody, trade.registrar, trade.role_change(nobody, ["miner"]))
    trade.waits("party", nobody, trade.registrar, trade.key_addition(nobody, "x"))
    trade.waits("key", "0" * 64, trade.registrar, trade.revocation(KeyId("0" * 64)))


# Sites and tags


def test_a_site_names_known_parties_and_is_restated() -> None:
    """Holder, workers and licences are waited for; a second registration adds facts."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    nobody = PartyId("0" * 26)
    trade.waits("party", nobody, trade.registrar, trade.site_registration(trade.registrar, nobody))
    trade.waits(
        "party",
        nobody,
        trade.registrar,
        trade.site_registration(trade.registrar, coop.party, worked_by=[nobody]),
    )
    first = trade.site_registration(trade.registrar, coop.party)
    trade.appends(trade.registrar, first)
    site = first["body"]["site"]
    trade.appends(
        trade.registrar,
        trade.site_registration(trade.registrar, coop.party, site=site, nonce=None, activity="inactive"),
    )
    known = trade.state.records["site", site]
    assert isinstance(known, Site)
    assert [facts.activity for facts in known.facts] == ["active", "inactive"]
    unknown = trade.site_registration(trade.registrar, coop.party, nonce=None)
    trade.waits("site", unknown["body"]["site"], trade.registrar, unknown)
    licensed = trade.site_registration(trade.registrar, coop.party, licences=["0" * 64])
    trade.waits("event", "0" * 64, trade.registrar, licensed)


def test_tags_go_from_hand_to_hand() -> None:
    """Their issuer, or whoever answers for all of them now, passes them on; nobody else, and no more than there are."""
    trade = Rules()
    a, b, c = trade.people("a:tag_agent", "b:tag_agent", "c:trader")
    issue = trade.roll_issue(trade.registrar, count=10)
    roll = issue["body"]["roll"]
    trade.appends(trade.registrar, issue)

    def give(first: int, last: int, to: Actor) -> dict[str, Any]:
        body = {"roll": roll, "first": first, "last": last, "to_party": to.party}
        return {"kind": "tag_allocation", "body": body}

    trade.refuses("beyond_the_roll", trade.registrar, give(5, 11, a))
    trade.refuses("not_your_tags", a, give(1, 5, b))
    trade.appends(trade.registrar, give(1, 5, a))
    trade.appends(trade.registrar, give(6, 10, b))
    trade.refuses("not_your_tags", a, give(5, 6, c))
    trade.appends(a, give(2, 3, c))
    trade.refuses("not_your_tags", a, give(1, 5, b))
    trade.appends(c, give(3, 3, b))
    other = trade.enrol("other office", ["tag_issuer"])
    trade.refuses("not_your_tags", other, give(1, 1, c))
    record = trade.state.records["roll", roll]
    assert isinstance(record, Roll)
    held = {1: a, 2: c, 3: b, 4: a, 5: a, 6: b, 10: b}
    assert {position: answers_for(record, position) for position in held} == {
        position: actor.party for position, actor in held.items()
    }
    nothing = {"kind": "tag_allocation", "body": {**give(1, 1, a)["body"], "roll": "0" * 26}}
    trade.waits("roll", "0" * 26, trade.registrar, nothing)


def test_a_role_before_the_day_it_is_given_for() -> None:
    """A role counts from its entry on; acting in it before its own day is a finding, judged by the event's day."""
    trade = Rules()
    late = trade.enrol("late", ["miner"], **{"from": "2026-03-10"})
    trade.appends(late, trade.production("1"), "no_registered_site", "role_before_its_day")
    (found,) = trade.findings("role_before_its_day")
    assert (found.subjects, dict(found.figures)["from"]) == ((("party", late.party),), "2026-03-10")
    change = trade.role_change(late.party, ["trader"])
    trade.appends(trade.registrar, change)
    trade.appends(late, trade.production("1"), "no_registered_site")
    change = trade.role_change(late.party, remove=["trader"])
    trade.appends(trade.registrar, change)
    assert party(trade, late.party).since == ()
    trade.appends(late, trade.production("1"), "no_registered_site", "role_before_its_day")
    trade.wait_until("2026-03-09")
    trade.appends(late, trade.production("1"), "no_registered_site")
