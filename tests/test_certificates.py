"""Certificates as quotas: what they say against the lots, what is drawn on them, and what arrives."""

from typing import Any

import pytest

from both import verify
from memory import COMMITMENT, Actor, weighing
from rules import Rules
from showing import file_of
from traceability.core.errors import Malformed
from traceability.core.findings.catalogue import RULES
from traceability.core.ground_records import TAKINGS_MAX, Taken
from traceability.core.ids import EventId, LotId

SEALED = [[path, COMMITMENT] for path in ("/importer", "/validator", "/value", "/verifier")]
CERTIFIED = {
    "certificate_mass_off", "certificate_of_another_mineral", "certificate_origin_left_out",
    "certificate_origin_unsupported", "certificate_number_used_twice",
}  # fmt: skip


class Papers(Rules):
    """A ledger with an exporter, a site in CF, and two officers who certify."""

    def __init__(self) -> None:
        super().__init__()
        self.exporter, self.other = self.people("exporter:miner,exporter", "other:miner,exporter")
        second, line = self.key_for("second officer", self.registrar.party)
        body = {"party": self.registrar.party, "key": line, "reason": "second_device"}
        self.append(self.registrar, {"kind": "key_addition", "body": body})
        self.second = second
        site = self.site_registration(self.registrar, self.exporter.party)
        self.append(self.registrar, site)
        self.site_id = site["body"]["site"]

    def bags(self, *kilograms: str, of: Actor | None = None, **more: Any) -> list[LotId]:
        actor = of or self.exporter
        body = {"site": self.site_id, **more}
        event = self.production(
            *kilograms, **{name: value for name, value in body.items() if value is not None}
        )
        self.append(actor, event)
        return self.made_by(actor, event)

    def certificate(self, lots: list[LotId], kilograms: str, **more: Any) -> dict[str, Any]:
        body: dict[str, Any] = {
            "source": "device",
            "scheme": "icglr",
            "country": "CF",
            "number": "CF 000017",
            "authority": "Direction des mines",
            "export_number": "X-1",
            "lots": sorted(lots),
            "exporter": self.exporter.party,
            "mineral": "cassiterite",
            "hs": "2609.00.00",
            "mass": {"unit": "KGM", "value": kilograms},
            "grade": "68 % Sn",
            "origins": ["CF"],
            "shipment": "2026-03-20",
            "verified": "2026-03-01",
            "issued": "2026-03-02",
            "expires": "2026-05-31",
            "file": {"sha256": "0" * 64, "media_type": "application/pdf", "bytes": 9, "shows": "certificate"},
            **more,
        }
        kept = {name: value for name, value in body.items() if value is not None}
        return {"kind": "certificate", "sealed": SEALED, "body": kept}

    def certified(self, lots: list[LotId], kilograms: str, *findings: str, **more: Any) -> EventId:
        """A certificate with exactly these findings, and its second officer's approval."""
        certificate = self.append(self.registrar, self.certificate(lots, kilograms, **more))
        assert {f.rule for f in self.findings()} == set(findings)
        self.append(self.second, self.approval(certificate))
        return certificate

    def shipped(self, lots: list[LotId], draws: dict[EventId, str], **more: Any) -> dict[str, Any]:
        listed = [
            {"certificate": certificate, "mass": {"unit": "KGM", "value": value}}
            for certificate, value in draws.items()
        ]
        return self.export(self.on(lots), certificates=listed, **more)

    def use(self, certificate: EventId, kilograms: str | None = None, act: str = "use", **more: Any) -> Any:
        body = {"certificate": certificate, "act": act, "date": "2026-03-20", **more}
        if kilograms is not None:
            body["mass"] = {"unit": "KGM", "value": kilograms}
        return self.act("certificate_use", **body)

    def rules_of(self, actor: Actor, event: dict[str, Any]) -> dict[str, dict[str, str]]:
        """The event is taken; its findings by rule, with their figures."""
        self.append(actor, event)
        return {found.rule: dict(found.figures) for found in self.findings()}


@pytest.fixture
def papers() -> Papers:
    return Papers()


def test_an_honest_shipment_raises_nothing(papers: Papers) -> None:
    """Certified, approved, drawn on, used and confirmed as it was: no rule says a word."""
    lots = papers.bags("40.00", "60.00")
    certificate = papers.certified(lots, "100.000")
    event = papers.shipped(lots, {certificate: "100.000"})
    assert papers.rules_of(papers.exporter, event) == {}
    export = papers.last().event_id
    assert papers.rules_of(papers.registrar, papers.use(certificate, "100", export=export)) == {}
    confirmed = {"certificate": "CF 000017", "mass": {"unit": "KGM", "value": "99.8"}}
    arrival = papers.arrival(papers.on(lots), "importing_authority", confirmed=confirmed)
    assert papers.rules_of(papers.registrar, arrival) == {}


def test_a_certificate_is_a_quota(papers: Papers) -> None:
    """Two shipments within the mass are good; the third, which goes beyond it, is named with the sum."""
    a, b, c = papers.bags("40.00", "60.00", "10.00")
    certificate = papers.certified([a, b, c], "110.000")
    assert papers.rules_of(papers.exporter, papers.shipped([a], {certificate: "40"})) == {}
    assert papers.rules_of(papers.exporter, papers.shipped([b], {certificate: "60"})) == {}
    found = papers.rules_of(papers.exporter, papers.shipped([c], {certificate: "11"}))
    assert found["certificate_overdrawn"] == {"certified_ug": "110000000000", "draws_ug": "111000000000"}


def test_the_certifiers_own_uses_are_counted_apart(papers: Papers) -> None:
    """What the certifier records is compared with the quota, and with what the export he names has drawn."""
    (lot,) = papers.bags("40.00")
    certificate = papers.certified([lot], "40.000")
    papers.append(papers.exporter, papers.shipped([lot], {certificate: "40"}))
    export = papers.last().event_id
    found = papers.rules_of(papers.registrar, papers.use(certificate, "39", export=export))
    assert found == {"use_mass_off": {"drawn_ug": "40000000000", "used_ug": "39000000000"}}
    found = papers.rules_of(papers.registrar, papers.use(certificate, "2"))
    assert found["certificate_overdrawn"]["uses_ug"] == "41000000000"
    production = papers.state.records["lot", lot].maker  # type: ignore[union-attr]
    papers.refuses("not_an_export", papers.registrar, papers.use(certificate, "1", export=production))


def test_it_counts_once_a_second_officer_approved_it(papers: Papers) -> None:
    """Drawn on before the approval it was not valid; the approval comes too late for that export."""
    (lot,) = papers.bags("40.00")
    certificate = papers.append(papers.registrar, papers.certificate([lot], "40"))
    papers.refuses("own_act", papers.registrar, papers.approval(certificate))
    found = papers.rules_of(papers.exporter, papers.shipped([lot], {certificate: "40"}))
    assert found.keys() == {"certificate_not_approved"}
    papers.append(papers.second, papers.approval(certificate))
    assert papers.rules_of(papers.registrar, papers.use(certificate, "40")) == {}


@pytest.mark.parametrize("act", ["void", "replace"])
def test_one_that_was_ended_is_not_drawn_on(papers: Papers, act: str) -> None:
    """After it was void or replaced an export under it, and a use, are findings that name what ended it."""
    (lot,) = papers.bags("40.00")
    certificate = papers.certified([lot], "40")
    papers.append(papers.registrar, papers.use(certificate, act=act))
    ended = papers.last().event_id
    papers.append(papers.exporter, papers.shipped([lot], {certificate: "40"}))
    (found,) = papers.findings("certificate_ended")
    assert found.events == (papers.last().event_id, ended)
    assert "certificate_ended" in papers.rules_of(papers.registrar, papers.use(certificate, "40"))


@pytest.mark.parametrize(
    ("issued", "expires", "bad"),
    [("2026-03-02", "2026-05-31", False), ("2026-03-03", "2026-05-31", False), ("2026-03-04", "2026-05-31", True),
     ("2026-02-01", "2026-03-01", False), ("2026-02-01", "2026-02-28", True)],
)  # fmt: skip
def test_it_counts_from_its_issue_to_its_expiry(papers: Papers, issued: str, expires: str, bad: bool) -> None:
    """Judged on 2 March, with the day that a date typed in the field may be off."""
    (lot,) = papers.bags("40.00")
    certificate = papers.certified([lot], "40", issued=issued, expires=expires, verified="2026-02-01")
    found = papers.rules_of(papers.exporter, papers.shipped([lot], {certificate: "40"}))
    assert ("certificate_out_of_dates" in found) == bad


def test_lots_that_it_does_not_name(papers: Papers) -> None:
    """A lot it names is covered, and one made of nothing else; a stranger's bag that joins the shipment is not."""
    a, b, c = papers.bags("40.00", "60.00", "10.00")
    certificate = papers.certified([a, b], "100")
    made = papers.transformation(
        papers.on([a, b]),
        ["50", "50"],
        "repacking",
        weighings=[weighing("40", lots=[a]), weighing("60", lots=[b])],
    )
    papers.append(papers.exporter, made)
    drums = papers.made_by(papers.exporter, made)
    found = papers.rules_of(
        papers.exporter,
        papers.shipped(
            [*drums, c],
            {certificate: "100"},
        ),
    )
    assert found.keys() == {"lot_not_on_certificate", "draw_mass_off"}
    (named,) = papers.findings("lot_not_on_certificate")
    assert named.subjects == (("certificate", certificate), ("lot", c))


def test_another_exporter_uses_it(papers: Papers) -> None:
    """A certificate made out to one exporter and drawn on by another names both."""
    (lot,) = papers.bags("40.00", of=papers.other)
    certificate = papers.certified([lot], "40")
    found = papers.rules_of(papers.other, papers.shipped([lot], {certificate: "40"}))
    assert found["certificate_of_another_exporter"] == {
        "certified": papers.exporter.party, "exporter": papers.other.party,
    }  # fmt: skip


def test_what_it_says_of_its_lots(papers: Papers) -> None:
    """Mineral, mass and origins are compared with what the ledger has of the lots."""
    (lot,) = papers.bags("40.00")
    (nowhere,) = papers.intaken(papers.exporter, "10.00")
    papers.certified([lot], "40.4")
    papers.certified([lot], "40.41", "certificate_mass_off", number="2")
    papers.certified([lot], "40", "certificate_of_another_mineral", number="3", mineral="coltan")
    papers.certified([lot, nowhere], "50", "certificate_origin_left_out", number="4")
    (found,) = [
        f for kept in papers.entries for f in kept.outcome.findings if f.rule == "certificate_origin_left_out"
    ]
    assert ("lot", nowhere) in found.subjects
    assert dict(found.figures) == {"certified": "CF", "left_out": "0"}
    papers.certified([lot, nowhere], "50", origins=["0", "CF"], number="5")
    papers.certified([lot], "40", "certificate_origin_unsupported", origins=["CD", "CF"], number="6")


def test_origins_are_followed_through_what_was_made(papers: Papers) -> None:
    """Ore of an unknown place that was mixed in two steps before is still found behind the lot."""
    (known,) = papers.bags("40.00")
    (nowhere,) = papers.intaken(papers.exporter, "10.00")
    heap = papers.transformation(papers.on([known, nowhere]), ["50"])
    papers.append(papers.exporter, heap)
    (mixed,) = papers.made_by(papers.exporter, heap)
    split = papers.transformation(papers.on([mixed]), ["30", "20"], "split")
    papers.append(papers.exporter, split)
    one, other = papers.made_by(papers.exporter, split)
    papers.certified([one], "30", "certificate_origin_left_out")
    papers.certified([other], "20", number="2", origins=["0", "CF"])


def test_one_number_twice_in_a_country(papers: Papers) -> None:
    """The second certificate under a number is a finding on both, unless the first was ended before."""
    (lot,) = papers.bags("40.00")
    first = papers.certified([lot], "40")
    papers.certified([lot], "40", "certificate_number_used_twice")
    papers.certified([lot], "40", country="RW")
    papers.append(papers.registrar, papers.use(first, act="replace"))
    again = Papers()
    (lot,) = again.bags("40.00")
    first = again.certified([lot], "40")
    again.append(again.registrar, again.use(first, act="replace"))
    again.certified([lot], "40")


@pytest.mark.parametrize(
    ("confirmed", "figures"),
    [
        ({"certificate": "CF 000018"}, {"number", "numbers"}),
        ({"mass": {"unit": "KGM", "value": "39.79"}}, {"arrived_ug", "drawn_ug"}),
        ({"mass": {"unit": "KGM", "value": "39.81"}}, None),
        ({"certificate": "CF 000017", "parcels": 3}, None),
    ],
)
def test_what_abroad_confirms(papers: Papers, confirmed: dict[str, Any], figures: set[str] | None) -> None:
    """Number and mass as confirmed on arrival are compared with the certificate and what was drawn."""
    (lot,) = papers.bags("40.00")
    certificate = papers.certified([lot], "40")
    papers.append(papers.exporter, papers.shipped([lot], {certificate: "40"}))
    arrival = papers.arrival(papers.on([lot]), "exporter", confirmed=confirmed)
    found = papers.rules_of(papers.exporter, arrival)
    assert (found.get("arrival_differs", {}).keys() or None) == figures


def test_ore_that_dried_on_the_way_is_no_fraud(papers: Papers) -> None:
    """Less mass than was drawn is a warning, more is severe; a part of a shipment is compared with nothing."""
    expected = {"39.5": "warning", "40.5": "severe"}
    for number, (arrived, severity) in enumerate(expected.items()):
        (lot,) = papers.bags("40.00")
        certificate = papers.certified([lot], "40", number=f"D{number}")
        papers.append(papers.exporter, papers.shipped([lot], {certificate: "40"}))
        confirmed = {"mass": {"unit": "KGM", "value": arrived}}
        papers.append(papers.exporter, papers.arrival(papers.on([lot]), "exporter", confirmed=confirmed))
        assert [found.severity for found in papers.findings("arrival_differs")] == [severity]
    one, other = papers.bags("40.00", "60.00")
    certificate = papers.certified([one, other], "100", number="D9")
    papers.append(papers.exporter, papers.shipped([one, other], {certificate: "100"}))
    confirmed = {"mass": {"unit": "KGM", "value": "40.00"}}
    arrival = papers.arrival(papers.on([one]), "exporter", confirmed=confirmed)
    assert "arrival_differs" not in papers.rules_of(papers.exporter, arrival)


def test_ore_of_no_registered_site_has_the_country_it_was_dug_in(papers: Papers) -> None:
    """A miner without a registered site says the region: his country's certificate leaves nothing out."""
    (lot,) = papers.bags("40.00", site=None)
    papers.certified([lot], "40")
    (lot,) = papers.bags("40.00", site=None, region="CM-ES")
    papers.certified([lot], "40", "certificate_origin_left_out", "certificate_origin_unsupported", number="2")


def test_a_certificate_that_anybody_draws_on_stays_small(papers: Papers) -> None:
    """Every draw counts in the sum, and the record keeps a bounded number of the events."""
    taken = Taken()
    for number in range(TAKINGS_MAX + 5):
        taken = taken.plus(EventId(f"{number:064x}"), 7)
    assert taken.mass_ug == 7 * (TAKINGS_MAX + 5)
    assert len(taken.events) == TAKINGS_MAX
    assert taken.events[-1].endswith(f"{TAKINGS_MAX + 4:x}")


def kimberley(papers: Papers, lot: LotId, **more: Any) -> dict[str, Any]:
    line = {"hs": "7102.31", "mass": {"unit": "CTM", "value": "500"}}
    body = {
        "scheme": "kimberley", "mineral": "diamond", "hs": "7102.31", "grade": None, "parcels": 2,
        "mass": {"unit": "CTM", "value": "500"}, "lines": [line], **more,
    }  # fmt: skip
    return papers.certificate([lot], "1", **body)


def test_parcels_of_a_kimberley_certificate(papers: Papers) -> None:
    """Parcels that were opened on the way show when the confirmation counts them."""
    stones = papers.new_lot("500", "CTM", mineral="diamond", form="rough", count=900)
    event = papers.production(site=papers.site_id)
    event["body"]["lots"] = [stones]
    papers.append(papers.exporter, event)
    (lot,) = papers.made_by(papers.exporter, event)
    certificate = papers.append(papers.registrar, kimberley(papers, lot))
    papers.append(papers.second, papers.approval(certificate))
    draws = [{"certificate": certificate, "mass": {"unit": "CTM", "value": "500"}}]
    papers.append(papers.exporter, papers.export(papers.on([lot]), certificates=draws))
    arrival = papers.arrival(papers.on([lot]), "exporter", confirmed={"parcels": 3})
    found = papers.rules_of(papers.exporter, arrival)
    assert found["arrival_differs"] == {"parcels": "3", "parcels_certified": "2"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"mineral": "ruby"}, "carats"),
        ({"mass": {"unit": "GRM", "value": "100"}}, "carats"),
        ({"hs": "7103.10"}, "headings"),
        ({"lines": [{"hs": "7102.39", "mass": {"unit": "CTM", "value": "500"}}]}, "headings"),
        ({"lines": [{"hs": "7102.31", "mass": {"unit": "CTM", "value": "499"}}]}, "add up"),
        ({"parcels": None}, "parcels"),
        ({"expires": "2026-03-01"}, "before issued"),
    ],
)
def test_what_no_kimberley_certificate_says(papers: Papers, more: dict[str, Any], says: str) -> None:
    """Carats of diamonds under their three headings, in lines that add up, in so many parcels."""
    (lot,) = papers.bags("1")
    with pytest.raises(Malformed, match=says):
        papers.sign(papers.registrar, kimberley(papers, lot, **more))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"expires": "2026-06-01"}, "90 days"),
        ({"mass": {"unit": "KGM", "value": "40.0001"}}, "three decimals"),
    ],
)
def test_what_no_icglr_certificate_says(papers: Papers, more: dict[str, Any], says: str) -> None:
    """At most ninety days, at most three decimals."""
    (lot,) = papers.bags("40")
    with pytest.raises(Malformed, match=says):
        papers.sign(papers.registrar, papers.certificate([lot], "40", **more))


@pytest.mark.parametrize("on", ["lot", "site", "party", "exporter"])
def test_a_hold_stops_papers(papers: Papers, on: str) -> None:
    """Under a hold on a lot, its site, its holder or the exporter nothing is certified, approved or used; void it may be."""
    (lot,) = papers.bags("40.00", of=papers.other)
    certificate = papers.certified([lot], "40")
    waiting = papers.append(papers.registrar, papers.certificate([lot], "40", number="2"))
    subject = {
        "lot": ("lot", lot), "site": ("site", papers.site_id), "party": ("party", papers.other.party),
        "exporter": ("party", papers.exporter.party),
    }[on]  # fmt: skip
    hold = papers.act("hold", subjects=[{"type": subject[0], "id": subject[1]}], ground="investigation")
    placed = papers.append(papers.registrar, hold)
    papers.refuses("under_hold", papers.registrar, papers.certificate([lot], "40", number="3"))
    papers.refuses("under_hold", papers.second, papers.approval(waiting))
    papers.refuses("under_hold", papers.registrar, papers.use(certificate, "40"))
    papers.append(papers.registrar, papers.use(certificate, act="void"))
    papers.append(papers.registrar, papers.act("release", hold=placed))
    papers.append(papers.second, papers.approval(waiting))


def test_an_approval_ahead_of_a_held_certificate_makes_nothing_valid(papers: Papers) -> None:
    """A hold on the certificate itself stops its use, and no approval given before gets around it."""
    (lot,) = papers.bags("40.00")
    certificate = papers.append(papers.registrar, papers.certificate([lot], "40"))
    hold = papers.act("hold", subjects=[{"type": "certificate", "id": certificate}], ground="court")
    papers.append(papers.registrar, hold)
    papers.refuses("under_hold", papers.second, papers.approval(certificate))
    record = papers.state.records["certificate", certificate]
    assert record.valid_by is None  # type: ignore[union-attr]


def shown(papers: Papers, lot: LotId) -> tuple[set[str], set[str]]:
    """The rules of local findings on this lot: as the ledger has them, and as evidence for it gives them."""
    kept = {
        found.rule
        for each in papers.entries
        for found in each.outcome.findings
        if ("lot", lot) in found.subjects and RULES[found.rule].scope == "local"
    }
    report = verify(file_of(papers, [lot]), papers.policy())
    assert report.exit_code == 0, report.why
    return kept, {noted.finding.rule for noted in report.lots[0].findings}


def test_evidence_shows_the_same(papers: Papers) -> None:
    """Whoever is shown one bag of a shipment finds what the ledger found about it, whatever its papers are of."""
    a, b, c = papers.bags("40.00", "60.00", "10.00")
    certificate = papers.certified([a], "40")
    papers.append(papers.exporter, papers.shipped([a, c], {certificate: "50"}))
    waiting = papers.append(papers.registrar, papers.certificate([a], "40", number="2", origins=["CD"]))
    papers.append(papers.exporter, papers.shipped([b], {certificate: "1", waiting: "59"}))
    papers.append(papers.second, papers.approval(waiting))
    for lot, rules in (
        (a, {"certificate_origin_left_out"}),
        (b, {"lot_not_on_certificate", "certificate_not_approved"}),
        (c, {"lot_not_on_certificate"}),
    ):
        assert shown(papers, lot) == (rules, rules)
