"""Papers, holds, reports and rules: what each event of them leaves behind, and what it is refused for."""

from typing import Any

import pytest

import papers
from memory import Actor
from rules import Rules, three
from traceability.core.concern_records import Held, Hold, Incident
from traceability.core.findings.catalogue import RULES
from traceability.core.ground_records import (
    Certificate,
    CertificateNumber,
    Licence,
    Polygons,
    Reference,
    Region,
    Taken,
    at,
)
from traceability.core.ids import EventId, LotId
from traceability.core.policy import Policy, number
from traceability.core.record import Address
from traceability.core.registry_records import Act, Roll, Site, TagRecord
from traceability.core.signing import event_id


class Office:
    """A trader with a bag that was sold to him, and those who sign papers about it."""

    def __init__(self) -> None:
        self.trade = trade = Rules()
        self.certifier = trade.registrar
        self.miner, self.trader, self.second, self.police = trade.people(
            "miner:miner", "trader:exporter", "second:certifier", "police:regulator"
        )
        self.site = trade.site(self.miner)
        (self.bag,) = trade.produce(self.miner, "38.40", site=self.site, each=[{"tags": ["itsci:1"]}])
        trade.hand_over(self.miner, self.trader, [self.bag])

    def found(self, kind: str, id_: str) -> Any:
        return self.trade.state.records[kind, id_]

    def certificate(self, *, valid: bool = True, **more: Any) -> EventId:
        made = self.trade.appends(self.certifier, papers.certificate([self.bag], self.trader.party, **more))
        if valid:
            self.trade.appends(self.second, self.trade.approval(made))
        return made

    def export(self, *draws: tuple[str, str]) -> dict[str, Any]:
        drawn = [{"certificate": named, "mass": {"unit": "KGM", "value": kg}} for named, kg in draws]
        return self.trade.export(self.trade.on([self.bag]), **({"certificates": drawn} if draws else {}))


@pytest.fixture
def office() -> Office:
    return Office()


# Certificates


def test_a_certificate_is_valid_once_a_second_officer_approved_it(office: Office) -> None:
    """Another key of the certifier or another certifier; never the key that signed it, nor anybody else."""
    made = office.certificate(valid=False)
    record = office.found("certificate", made)
    assert isinstance(record, Certificate)
    assert (record.valid_by, record.mass_ug, record.lots) == (None, 38_400_000_000, (office.bag,))
    office.trade.refuses("own_act", office.certifier, office.trade.approval(made))
    office.trade.refuses("role_missing", office.police, office.trade.approval(made))
    office.trade.appends(office.second, office.trade.approval(made, "rejected"))
    assert office.found("certificate", made).valid_by is None
    approval = office.trade.appends(office.second, office.trade.approval(made))
    assert office.found("certificate", made).valid_by == approval
    second_key, _ = office.trade.key_for("office 2", office.certifier.party)
    office.trade.appends(office.certifier, office.trade.key_addition(office.certifier.party, "office 2"))
    other = office.certificate(valid=False, number="CF 000418")
    office.trade.appends(second_key, office.trade.approval(other))
    assert office.found("certificate", other).valid_by == office.trade.last().event_id


def test_an_approval_may_come_before_its_certificate(office: Office) -> None:
    """Signed in another office and brought first: the certificate is valid from its own entry."""
    envelope = office.trade.sign(office.certifier, papers.certificate([office.bag], office.trader.party))
    made = event_id(envelope.payload)
    office.trade.appends(office.second, office.trade.approval(made))
    office.trade.take(envelope)
    assert office.found("certificate", made).valid_by == made


def test_a_number_is_remembered_with_every_certificate_under_it(office: Office) -> None:
    """One number of one country on two certificates: both are kept under it."""
    first, again = office.certificate(), office.certificate()
    kept = office.found("certificate_number", "CF:CF 000417")
    assert kept == CertificateNumber((first, again))


def test_exports_draw_and_certifiers_record_uses_apart(office: Office) -> None:
    """What the exporter says he drew and what the certifier says was used stand beside each other."""
    made = office.certificate()
    export = office.trade.appends(office.trader, office.export((made, "38.000")))
    record = office.found("certificate", made)
    assert record.drawn == Taken(38_000_000_000, (export,))
    used = office.trade.appends(office.certifier, papers.use(made, export=export))
    confirmed = office.trade.appends(office.second, papers.use(made, "confirmed_abroad"))
    ended = office.trade.appends(office.second, papers.use(made, "replace"))
    record = office.found("certificate", made)
    assert record.used == Taken(38_400_000_000, (used,))
    assert (record.confirmed_by, record.ended_by) == (confirmed, ended)


def test_an_export_without_effect_draws_nothing(office: Office) -> None:
    """The bag was exported already: the second export stands on no lot and takes nothing from the certificate."""
    made = office.certificate()
    second, _ = office.trade.key_for("second phone", office.trader.party)
    office.trade.appends(office.trader, office.trade.key_addition(office.trader.party, "second phone"))
    twice = office.export((made, "38.000"))
    office.trade.appends(office.trader, office.export((made, "38.000")))
    office.trade.loses(second, twice)
    assert len(office.found("certificate", made).drawn.events) == 1


def test_what_is_no_certificate_cannot_be_drawn_on(office: Office) -> None:
    """Known events of other kinds are refused, unknown ones waited for."""
    head = office.trade.lot(office.bag).custody_head
    office.trade.refuses("not_a_certificate", office.trader, office.export((head, "1")))
    office.trade.refuses("not_a_certificate", office.certifier, papers.use(head))
    office.trade.waits("event", papers.DIGEST, office.trader, office.export((papers.DIGEST, "1")))
    office.trade.waits("event", papers.DIGEST, office.certifier, papers.use(papers.DIGEST))
    made = office.certificate()
    office.trade.waits("event", papers.DIGEST, office.certifier, papers.use(made, export=papers.DIGEST))
    stranger = LotId("0" * 26)
    office.trade.waits("lot", stranger, office.certifier, papers.certificate([stranger], office.trader.party))


# Holds


@pytest.mark.parametrize("held", ["lot", "custodian", "site", "tag"])
def test_a_hold_refuses_papers_until_it_is_released(office: Office, held: str) -> None:
    """Whatever of the lot is held: no certificate and no use of one; trade itself goes on."""
    subject: Address = {
        "lot": ("lot", office.bag),
        "custodian": ("party", office.trader.party),
        "site": ("site", office.site),
        "tag": ("tag", "itsci:1"),
    }[held]
    made = office.certificate()
    hold = office.trade.appends(office.police, papers.hold(subject))
    assert office.found("held", ":".join(subject)) == Held((hold,))
    again = papers.certificate([office.bag], office.trader.party, number="CF 000418")
    office.trade.refuses("under_hold", office.certifier, again)
    office.trade.refuses("under_hold", office.certifier, papers.use(made))
    for act in ("void", "replace", "confirmed_abroad"):
        office.trade.appends(office.certifier, papers.use(made, act))
    office.trade.appends(
        office.trader, office.trade.transfer(office.miner.party, office.trade.on([office.bag]))
    )
    office.trade.appends(office.police, papers.release(hold))
    assert office.found("held", ":".join(subject)) == Held(())
    office.trade.appends(office.certifier, again)
    office.trade.appends(office.certifier, papers.use(made))


def test_a_hold_ends_with_its_last_day(office: Office) -> None:
    """Judged by the day of the certificate; until then it holds."""
    office.trade.appends(office.police, papers.hold(("lot", office.bag), until="2026-03-04"))
    paper = papers.certificate([office.bag], office.trader.party)
    office.trade.wait_until("2026-03-04")
    office.trade.refuses("under_hold", office.certifier, paper)
    office.trade.wait_until("2026-03-05")
    office.trade.appends(office.certifier, paper)


def test_nobody_piles_holds_on_lots_of_his_own(office: Office) -> None:
    """A custodian's second hold on a lot is refused until he released the first; an authority's is not."""
    own = office.trade.appends(office.trader, papers.hold(("lot", office.bag), ground="pledge"))
    office.trade.refuses("hold_placed", office.trader, papers.hold(("lot", office.bag), ground="dispute"))
    office.trade.appends(office.police, papers.hold(("lot", office.bag)))
    office.trade.appends(office.police, papers.hold(("lot", office.bag)))
    office.trade.appends(office.trader, papers.release(own))
    office.trade.appends(office.trader, papers.hold(("lot", office.bag), ground="dispute"))


def test_one_of_two_holds_released_still_holds(office: Office) -> None:
    """Each hold is released by itself, and once."""
    own = office.trade.appends(office.trader, papers.hold(("lot", office.bag), ground="pledge"))
    other = office.trade.appends(office.police, papers.hold(("lot", office.bag), ("region", "CF-LB")))
    office.trade.appends(office.trader, papers.release(own))
    paper = papers.certificate([office.bag], office.trader.party)
    office.trade.refuses("under_hold", office.certifier, paper)
    office.trade.refuses("hold_released", office.trader, papers.release(own))
    office.trade.appends(office.police, papers.release(other))
    released = office.found("hold", other)
    assert isinstance(released, Hold)
    assert released.released_by == office.trade.last().event_id
    office.trade.appends(office.certifier, paper)


def test_what_is_no_hold_cannot_be_released(office: Office) -> None:
    """Known events of other kinds are refused, unknown ones waited for; so are subjects nobody knows."""
    head = office.trade.lot(office.bag).custody_head
    office.trade.refuses("not_a_hold", office.police, papers.release(head))
    office.trade.waits("event", papers.DIGEST, office.police, papers.release(papers.DIGEST))
    nobody = "0" * 26
    for kind in ("lot", "party", "site", "roll"):
        office.trade.waits(kind, nobody, office.police, papers.hold((kind, nobody)))
    for kind in ("key", "licence", "certificate"):
        office.trade.waits(kind, papers.DIGEST, office.police, papers.hold((kind, papers.DIGEST)))
    hold = papers.hold(("lot", office.bag), incident=papers.DIGEST)
    office.trade.waits("event", papers.DIGEST, office.police, hold)


def test_the_subjects_of_a_release_are_those_of_its_hold(office: Office) -> None:
    """A lot's book tells of both."""
    hold = office.trade.appends(office.police, papers.hold(("lot", office.bag), ("tag", "itsci:1")))
    held = [address for address, _ in office.trade.last().outcome.links]
    office.trade.appends(office.police, papers.release(hold))
    assert (
        [address for address, _ in office.trade.last().outcome.links]
        == held
        == [
            ("lot", office.bag),
            ("tag", "itsci:1"),
        ]
    )


# Incidents


def test_what_is_planned_is_done_and_an_incident_settled(office: Office) -> None:
    """Planned actions are kept until their party has done them; settling is an overseer's, and can be undone."""
    made = office.trade.appends(
        office.miner, papers.incident(("lot", office.bag), categories=["illegal_tax", "bribery"], level=2)
    )
    for actor, due in ((office.trader, "2026-03-10"), (office.police, "2026-03-20")):
        office.trade.appends(actor, papers.response(made, "action_planned", due=due))
    record = office.found("incident", made)
    assert isinstance(record, Incident)
    assert [(plan.party, plan.due) for plan in record.planned] == [
        (office.trader.party, "2026-03-10"),
        (office.police.party, "2026-03-20"),
    ]
    office.trade.appends(office.trader, papers.response(made, "action_done"))
    assert [plan.party for plan in office.found("incident", made).planned] == [office.police.party]
    settled = office.trade.appends(office.police, papers.response(made, "dismissed"))
    assert office.found("incident", made).settled_by == settled
    office.trade.appends(office.miner, papers.response(made, "escalated"))
    assert office.found("incident", made).settled_by is None
    assert ("lot", office.bag) in [address for address, _ in office.trade.last().outcome.links]


def test_of_several_promises_the_ones_named_are_done(office: Office) -> None:
    """`supports` names what was done; without it, all that its party promised."""
    made = office.trade.appends(office.miner, papers.incident(("lot", office.bag)))
    plans = [
        office.trade.appends(office.trader, papers.response(made, "action_planned", due=f"2026-03-1{n}"))
        for n in range(3)
    ]
    office.trade.appends(office.trader, papers.response(made, "action_done", supports=[plans[1]]))
    assert [plan.event for plan in office.found("incident", made).planned] == [plans[0], plans[2]]
    office.trade.appends(office.trader, papers.response(made, "action_done"))
    assert office.found("incident", made).planned == ()


def test_whoever_an_incident_is_about_may_answer(office: Office) -> None:
    """The holder of a site, the owner of a key, who a certificate or licence was given to, the maker of a roll."""
    issue = office.trade.roll_issue(office.certifier)
    office.trade.appends(office.certifier, issue)
    certificate = office.certificate()
    licence = office.trade.appends(office.certifier, papers.licence(office.trader.party))
    for subject, concerned, stranger in (
        (("site", office.site), office.miner, office.trader),
        (("key", office.trader.key.id), office.trader, office.miner),
        (("certificate", certificate), office.trader, office.miner),
        (("licence", licence), office.trader, office.miner),
        (("roll", issue["body"]["roll"]), office.certifier, office.miner),
        (("lot", office.bag), office.miner, office.second),
        (("region", "CF-LB"), office.police, office.trader),
    ):
        made = office.trade.appends(office.police, papers.incident(subject))
        office.trade.refuses("not_concerned", stranger, papers.response(made))
        office.trade.appends(concerned, papers.response(made))


def test_what_is_no_incident_has_no_answer(office: Office) -> None:
    """Known events of other kinds are refused, unknown ones waited for."""
    head = office.trade.lot(office.bag).custody_head
    office.trade.refuses("not_an_incident", office.police, papers.response(head))
    office.trade.waits("event", papers.DIGEST, office.police, papers.response(papers.DIGEST))
    answer = papers.answer(office.bag, "mass_gained", papers.DIGEST)
    office.trade.waits("event", papers.DIGEST, office.trader, answer)
    made = office.trade.appends(office.miner, papers.incident(("lot", office.bag)))
    borne_out = papers.response(made, supports=[papers.DIGEST])
    office.trade.waits("event", papers.DIGEST, office.trader, borne_out)


def test_who_signed_what_a_finding_tells_of_may_answer_it(office: Office) -> None:
    """The seller of long ago, though the bag is not his any more."""
    (buyer, stranger) = office.trade.people("buyer:trader", "stranger:trader")
    sale = office.trade.offer(office.trader, buyer, [office.bag])
    office.trade.accept(buyer, [office.bag])
    office.trade.hand_over(buyer, office.second, [office.bag])
    answer = papers.answer(office.bag, "mass_gained", sale)
    office.trade.refuses("not_concerned", stranger, answer)
    office.trade.appends(office.trader, answer)
    assert [address for address, _ in office.trade.last().outcome.links] == [("lot", office.bag)]


# Payments, stated findings, redactions


def test_payments_name_lots_or_their_transfer(office: Office) -> None:
    """A payment for a transfer is about its lots, without naming them again."""
    sale = office.trade.offer(office.trader, office.miner, [office.bag])
    office.trade.appends(office.trader, papers.payment(transfer=sale))
    assert [address for address, _ in office.trade.last().outcome.links] == [("lot", office.bag)]
    office.trade.refuses(
        "not_a_transfer", office.trader, papers.payment(transfer=office.trade.lot(office.bag).maker)
    )
    office.trade.waits("event", papers.DIGEST, office.trader, papers.payment(transfer=papers.DIGEST))
    nobody = "0" * 26
    office.trade.waits("party", nobody, office.trader, papers.payment([office.bag], payee=nobody))


def test_a_payment_entered_by_mistake_is_taken_back(office: Office) -> None:
    """It changed nothing, so nothing has to come back; only who signed it or an authority may say so."""
    paid = office.trade.appends(office.trader, papers.payment([office.bag]))
    office.trade.refuses("not_your_event", office.miner, office.trade.correction(paid))
    office.trade.appends(office.trader, office.trade.correction(paid))
    office.trade.appends(office.trader, office.trade.correction(paid, {"/receipt_number": "22/119"}))
    act = office.found("act", paid)
    assert isinstance(act, Act)
    assert len(act.corrections) == 2
    held = office.trade.appends(office.police, papers.hold(("lot", office.bag)))
    office.trade.refuses("not_correctable", office.police, office.trade.correction(held))
    office.trade.refuses(
        "not_correctable", office.police, office.trade.correction(held, {"/ground": "court"})
    )


def test_the_operator_states_findings_of_rules_that_read_sealed_values(office: Office) -> None:
    """As a finding of that rule, with the digest of what it was computed from; of no other rule, no other version."""
    stated = next(name for name, rule in RULES.items() if rule.scope == "stated")
    maker = office.trade.lot(office.bag).maker
    subjects = [("lot", office.bag), ("party", office.trader.party)]
    office.trade.appends(office.trade.operator, papers.finding(stated, maker, subjects=subjects))
    (found,) = office.trade.findings(stated)
    assert found.subjects == tuple(subjects)
    assert found.events == (office.trade.last().event_id, maker)
    assert found.figures == (("inputs_digest", papers.DIGEST), ("ratio_ppm", "412000"))
    assert office.trade.lot(office.bag).place.finding_count == 2  # not_weighed, and this
    for rule, version in (("mass_gained", 1), ("no_such_thing", 1), (stated, 2)):
        event = papers.finding(rule, maker, subjects=subjects, version=version)
        office.trade.refuses("no_such_rule", office.trade.operator, event)


def test_a_redaction_names_what_was_sealed(office: Office) -> None:
    """Its paths are withheld from then on; a path that seals nothing is refused."""
    paid = office.trade.appends(office.trader, papers.payment([office.bag]))
    office.trade.refuses("nothing_sealed_there", office.trade.operator, papers.redaction(paid, "/note"))
    office.trade.appends(office.trade.operator, papers.redaction(paid, "/amount"))
    assert office.found("act", paid).withheld == ("/amount",)
    assert [address for address, _ in office.trade.last().outcome.links] == [("lot", office.bag)]
    office.trade.waits(
        "event", papers.DIGEST, office.trade.operator, papers.redaction(papers.DIGEST, "/note")
    )


# The ground


def test_a_site_has_what_was_said_of_it_by_day(office: Office) -> None:
    """Colours, suspensions, activity and capacities stand with their own days, whatever order they came in."""
    inspector = office.certifier
    office.trade.appends(inspector, papers.site_inspection(office.site, "red", status_from="2026-03-01"))
    office.trade.appends(inspector, papers.site_inspection(office.site, "green", status_from="2026-01-01"))
    bare = papers.site_inspection(office.site, status=..., status_from=..., suspended_from="2026-03-02")
    bare["body"]["activity"] = "inactive"
    office.trade.appends(inspector, bare)
    office.trade.appends(inspector, papers.capacity(office.site, until="2026-06-30", days_per_month=24))
    site = office.found("site", office.site)
    assert isinstance(site, Site)
    green, red = at(site.statuses, "2026-02-28"), at(site.statuses, "2026-03-01")
    assert green is not None
    assert red is not None
    assert (green.status, red.status) == ("green", "red")
    assert at(site.statuses, "2025-12-31") is None
    assert [(pause.since, pause.until) for pause in site.suspensions] == [("2026-03-02", None)]
    assert site.facts[-1].activity == "inactive"
    assert [(c.mass_per_day_ug, c.days_per_month) for c in site.capacities] == [(120_000_000_000, 24)]
    nowhere = "0" * 26
    office.trade.waits("site", nowhere, inspector, papers.site_inspection(nowhere))
    office.trade.waits("site", nowhere, inspector, papers.capacity(nowhere))


def test_licences_are_granted_and_end(office: Office) -> None:
    """A party keeps its licences; the earliest day of ending counts."""
    granted = papers.licence(
        office.trader.party,
        sites=[office.site],
        quota={
            "mass": {"unit": "TNE", "value": "4"},
            "mineral": "cassiterite",
            "from": "2026-01-01",
            "until": "2026-06-30",
        },
    )
    made = office.trade.appends(office.certifier, granted)
    assert [terms.event for terms in office.found("party", office.trader.party).licences] == [made]
    for day in ("2026-05-01", "2026-04-01", "2026-06-01"):
        office.trade.appends(office.certifier, papers.licence_end(made, **{"from": day}))
    licence = office.found("licence", made)
    assert isinstance(licence, Licence)
    assert licence.revoked_from == "2026-04-01"
    assert licence.quota is not None
    assert licence.quota.mass_ug == 4_000_000_000_000
    about = [address for address, _ in office.trade.last().outcome.links]
    assert about == [("licence", made), ("party", office.trader.party)]
    office.trade.refuses("not_a_licence", office.certifier, papers.licence_end(office.trade.last().event_id))
    office.trade.waits("event", papers.DIGEST, office.certifier, papers.licence_end(papers.DIGEST))


def test_zones_stand_with_their_regions_or_as_polygons(office: Office) -> None:
    """A zone of two regions stands with both; polygons are kept together."""
    made = office.trade.appends(office.police, papers.zone("CF-LB", "CF-HS", until="2026-12-31"))
    for code in ("CF-LB", "CF-HS"):
        region = office.found("region", code)
        assert isinstance(region, Region)
        assert [(zone.event, zone.type, zone.until) for zone in region.zones] == [
            (made, "conflict_affected", "2026-12-31")
        ]
    ring = [
        [180_000_000, 35_000_000],
        [181_000_000, 35_000_000],
        [181_000_000, 36_000_000],
        [180_000_000, 35_000_000],
    ]
    drawn = office.trade.appends(office.police, papers.zone(polygon=ring, type_="protected"))
    polygons = office.found("polygons", "")
    assert isinstance(polygons, Polygons)
    assert [zone.event for zone in polygons.zones] == [drawn]
    assert polygons.zones[0].polygon[1] == (181_000_000, 35_000_000)


def test_figures_of_one_sort_are_kept_together(office: Office) -> None:
    """Two months' prices of one mineral in one currency; the production of a country apart from them."""
    for value, month in (("31450", "03"), ("30900", "04")):
        more = {"from": f"2026-{month}-01", "until": f"2026-{month}-28"}
        office.trade.appends(office.police, papers.reference(value, **more))
    office.trade.appends(
        office.police, papers.reference("400", type="production", country="CF", currency=..., unit="TNE")
    )
    prices = office.found("reference", "price:cassiterite::USD")
    assert isinstance(prices, Reference)
    assert [figure.value for figure in prices.figures] == ["31450", "30900"]
    assert office.found("reference", "production:cassiterite:CF:").figures[0].unit == "TNE"


def test_tags_are_void_one_by_one_or_by_position(office: Office) -> None:
    """The tag's own record says so, or the roll's; nobody voids beyond the end of a roll."""
    issuer = office.certifier
    issue = office.trade.roll_issue(issuer, 10)
    office.trade.appends(issuer, issue)
    roll = issue["body"]["roll"]
    made = office.trade.appends(issuer, papers.tag_void("itsci:1", f"t:{roll}-10"))
    for tag in ("itsci:1", f"t:{roll}-10"):
        record = office.found("tag", tag)
        assert isinstance(record, TagRecord)
        assert record.void_by == made
    office.trade.appends(issuer, papers.tag_void(roll=roll, first=3, last=4, reason="stolen"))
    kept = office.found("roll", roll)
    assert isinstance(kept, Roll)
    assert [(void.first, void.last, void.reason) for void in kept.voids] == [(3, 4, "stolen")]
    office.trade.refuses("beyond_the_roll", issuer, papers.tag_void(f"t:{roll}-11"))
    office.trade.refuses("beyond_the_roll", issuer, papers.tag_void(roll=roll, first=3, last=11))
    nobody = "0" * 26
    office.trade.waits("roll", nobody, issuer, papers.tag_void(f"t:{nobody}-1"))
    body = {"roll": roll, "first": 1, "last": 5, "to_party": office.miner.party}
    office.trade.appends(issuer, {"kind": "tag_allocation", "body": body})
    office.trade.appends(office.miner, papers.tag_void(roll=roll, first=1, last=5))
    office.trade.refuses("not_your_tags", office.miner, papers.tag_void(roll=roll, first=5, last=6))


# Rules


def band(value: int, **more: Any) -> dict[str, Any]:
    return {"rule": "mass_gained", "name": "warn", "value": value, **more}


def in_force(office_or_trade: Rules, **asked: Any) -> int:
    policy = office_or_trade.state.records["policy", "policy"]
    assert isinstance(policy, Policy)
    return number(policy, "bands", "mass_gained", "warn", **asked)


def test_a_policy_counts_once_an_authority_approved_it(office: Office) -> None:
    """Not before, and not by the operator's own word; it replaces the lists of its country, and leaves the others."""
    trade = office.trade
    made = trade.appends(trade.operator, papers.policy(bands=[band(7000), band(500, mineral="gold")]))
    assert trade.state.records["policy", "policy"].values == ()  # type: ignore[union-attr]
    trade.refuses("own_act", trade.operator, trade.approval(made))
    trade.refuses("role_missing", office.trader, trade.approval(made))
    trade.appends(trade.registrar, trade.approval(made))
    assert (in_force(trade), in_force(trade, mineral="gold")) == (7000, 500)
    own = trade.appends(trade.operator, papers.policy(country="CF", bands=[band(9000)]))
    trade.appends(office.police, trade.approval(own))
    assert (in_force(trade, country="CF"), in_force(trade, country="RW")) == (9000, 7000)
    empty = trade.appends(trade.operator, papers.policy(country="CF"))
    trade.appends(trade.registrar, trade.approval(empty))
    assert in_force(trade, country="CF") == 7000


def test_a_policy_needs_one_authority_whatever_the_quorum() -> None:
    """Also where two must agree on a change among authorities."""
    trade, second, _ = three(quorum=2)
    made = trade.appends(trade.operator, papers.policy(bands=[band(7000)]))
    trade.appends(second, trade.approval(made))
    assert in_force(trade) == 7000


def test_audits_name_what_they_look_at(office: Office) -> None:
    """Plan and result stand with their scope and their sample; what nobody knows is waited for."""
    auditor: Actor
    (auditor,) = office.trade.people("auditor:auditor")
    scope = ("party", office.trader.party)
    office.trade.appends(auditor, papers.audit(scope, ("site", office.site)))
    office.trade.appends(auditor, papers.audit_result([office.bag], scope))
    assert [address for address, _ in office.trade.last().outcome.links] == [("lot", office.bag), scope]
    nobody = "0" * 26
    office.trade.waits("lot", nobody, auditor, papers.audit_result([nobody], scope))
    office.trade.waits("party", nobody, auditor, papers.audit(("party", nobody)))
