"""The lot's, the event's and the front page: what is about a lot and who is told of it."""

import re
from collections.abc import Iterator

import pytest
from serving import serving
from test_accounts import sale, usd
from test_notices import ACCOUNT, hold, incident
from test_pages import session, text_of
from world import Client, World, signed_header, world_at

from traceability.core.findings.catalogue import RULES
from traceability.core.ids import derive
from traceability.core.lot_records import Lot
from traceability.core.state import Certificate
from traceability.core.tag import make_code
from traceability.web.app import create_app
from traceability.web.words import words_in
from trade import MARCH, Pen, accept, bag, kilograms, nonce, offer, produce

EN, FR = words_in("en"), words_in("fr")


def on_hold(words, what: str = "lot") -> str:
    """The title of a hold placed on the day on which everything happens here, as it stands in a page's text."""
    return words(f"concern.hold.{what}", day=words.day(MARCH)).replace("\u00a0", " ")


class Told:
    """A world behind a server with pages."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client

    def get(self, pen: Pen | None, path: str, language: str = "en"):
        headers = {"Accept": "text/html", "Accept-Language": language}
        if pen is not None:
            headers |= signed_header(pen, "GET", path)
        return self.client.get(path, headers=headers)

    def text(self, pen: Pen | None, path: str, language: str = "en") -> str:
        answer = self.get(pen, path, language)
        assert answer.status_code == 200, path
        return text_of(answer)


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("lots")
    with (
        world_at(f"sqlite:///{folder}/ledger.sqlite3", folder) as (world, _, _),
        serving(create_app(world.services)) as server,
        Client(base_url=server.url) as client,
    ):
        yield Told(world, client)


@pytest.fixture(scope="module")
def codes(told) -> list[tuple[str, str]]:
    return codes_of(told.world)


def codes_of(world: World) -> list[tuple[str, str]]:
    """Tags of a roll of ours with their codes."""
    registrar = world.registrar
    roll_nonce = nonce()
    roll = derive("roll", registrar.key.id, roll_nonce)
    made = [code for n in range(1, 400) if (code := make_code((n << 41).to_bytes(8, "big")))][:8]
    body = {
        "roll": roll, "nonce": roll_nonce, "scheme": "t", "level": "mine", "medium": "qr", "count": len(made),
        "source": "device",
    }  # fmt: skip
    listed = [{"code": code, "number": number} for number, code in enumerate(made, 1)]
    world.take(registrar.sign("tag_issue", body, sealed={"/codes": listed}))
    return [(f"t:{roll}-{number}", code) for number, code in enumerate(made, 1)]


def tagged(world: World, tag: str, value: str = "20.00"):
    """A bag of Anna's with that tag."""
    made = world.anna.sign(
        "production",
        {"region": "RW-04", "source": "device", "lots": [bag(value, tags=[tag])]},
    )
    world.take(made)
    return made


# Holds and reports


def test_a_hold_and_a_serious_report_are_the_first_thing_told(told, codes):
    """To the holder, to a stranger with the tag, on the front page: that they are, never what is reported."""
    world, (tag, code) = told.world, codes[0]
    made = tagged(world, tag)
    (lot,) = made.lots
    for words in (EN, FR):
        page = told.text(world.anna, f"/lots/{lot}", words.language)
        assert on_hold(words) not in page
        assert words("concern.serious", 1) not in page
    placed, report = hold(world, ("lot", lot)), incident(world.carl, ("lot", lot))
    world.take(placed, report)
    for words in (EN, FR):
        for pen, path in ((world.anna, f"/lots/{lot}"), (None, f"/t/{code}")):
            answer = told.get(pen, path, words.language)
            page = text_of(answer)
            said = [on_hold(words), words("concern.serious", 1)]
            assert [page.index(each) for each in said] == sorted(page.index(each) for each in said)
            assert page.index(said[1]) < answer.text.index("<h1>")
            assert ACCOUNT not in answer.text
            assert words("category.child_labour") not in page
    own = told.get(world.anna, f"/lots/{lot}").text
    assert f'href="/events/{placed.id}"' in own
    stranger = told.get(None, f"/t/{code}").text
    for secret in (lot, placed.id, report.id, world.carl.party, EN("ground.court"), EN("list.holds")):
        assert secret not in stranger
    front = told.text(world.anna, "/")
    assert EN("waiting.hold", 1) in front
    assert EN("waiting.serious", 1) in front
    assert EN("waiting.title") not in told.text(world.carl, "/")
    world.take(
        world.registrar.sign("release", {"source": "device", "hold": placed.id}),
        world.registrar.sign(
            "response", {"source": "device", "about": {"incident": report.id}, "act": "checked"}
        ),
    )
    for pen, path in ((world.anna, f"/lots/{lot}"), (None, f"/t/{code}"), (world.anna, "/")):
        page = told.text(pen, path)
        assert on_hold(EN) not in page
        assert EN("concern.serious", 1) not in page
        assert EN("waiting.title") not in page


def test_a_report_about_a_person_is_not_told_to_strangers(told, codes):
    """Who has the lot is told on its page; a stranger with its tag learns only of reports about things."""
    world, (tag, code) = told.world, codes[1]
    fresh = Pen("reported")
    world.take(world.office.enrol(fresh, "miner"))
    made = fresh.sign(
        "production", {"region": "RW-04", "source": "device", "lots": [bag("9.00", tags=[tag])]}
    )
    world.take(made, incident(world.carl, ("party", fresh.party)))
    assert EN("concern.serious", 1) in told.text(fresh, f"/lots/{made.lots[0]}")
    assert EN("concern.serious", 1) not in told.text(None, f"/t/{code}")


def test_a_report_that_is_not_serious_is_for_the_parties(told, codes):
    """An accident at level 3: on the lot's page, with its day due; not on the tag's."""
    world, (tag, code) = told.world, codes[2]
    made = tagged(world, tag)
    (lot,) = made.lots
    world.take(incident(world.carl, ("lot", lot), categories=["accident"], level=3))
    page = told.text(world.anna, f"/lots/{lot}")
    assert EN("concern.report", 1) in page
    assert EN("concern.serious", 1) not in page
    assert EN("concern.other") in page
    stranger = told.text(None, f"/t/{code}")
    assert EN("concern.report", 1) not in stranger
    assert EN("waiting.report", 1) in told.text(world.anna, "/")


def test_after_the_tag_came_off_nothing_newer_is_told(told, codes):
    """A hold on the lot is no business of who has a tag that is not on it any more; one on that tag is."""
    world, (tag, code) = told.world, codes[3]
    made = tagged(world, tag)
    (lot,) = made.lots
    body = {
        "lot": lot, "tags_off": [{"tag": tag, "fate": "destroyed"}], "reason": "burst", "source": "device",
        "region": "RW-04",
    }  # fmt: skip
    body["tags_on"] = [codes[4][0]]
    world.take(world.anna.sign("retagging", body), hold(world, ("lot", lot)))
    assert on_hold(EN) not in told.text(None, f"/t/{code}")
    assert on_hold(EN) in told.text(None, f"/t/{codes[4][1]}")
    world.take(hold(world, ("tag", tag)))
    assert on_hold(EN) in told.text(None, f"/t/{code}")


def test_an_offer_waits_on_the_front_page(told):
    """Until it is answered; and only for whom it is."""
    world = told.world
    made = produce(world.anna, "7.00")
    given = offer(world.anna, world.ben.party, [(made.id, made.lots[0])])
    world.take(made, given)
    front = told.get(world.ben, "/")
    assert EN("waiting.offers", 1) in text_of(front)
    assert f'href="/lots/{made.lots[0]}"' in front.text
    assert EN("waiting.offers", 1) not in told.text(world.carl, "/")
    assert FR("waiting.offers", 1) in told.text(world.ben, "/", "fr")
    world.take(accept(world.ben, [(given.id, made.lots[0])]))
    assert EN("waiting.offers", 1) not in told.text(world.ben, "/")


# Findings


@pytest.fixture(scope="module")
def heavier(told, codes):
    """A bag that came heavier than it left: a severe finding, which Ben answers; the lot, its code, the acceptance."""
    world, (tag, code) = told.world, codes[5]
    made = tagged(world, tag)
    (lot,) = made.lots
    given = offer(world.anna, world.ben.party, [(made.id, lot)])
    got = accept(world.ben, [(given.id, lot)], weighings=[kilograms("25.00", [lot])])
    world.take(given, got)
    about = {"rule": "mass_gained", "version": RULES["mass_gained"].version, "lot": lot, "events": [got.id]}
    answer = {
        "source": "device",
        "about": about,
        "act": "explanation",
        "public_text": "Rain <b>on the bag</b>",
    }
    world.take(world.ben.sign("response", answer))
    return lot, code, got


def test_a_finding_leads_to_its_events_figures_and_answers(told, heavier):
    """The gravest first, by mark and word, with both weights and the band, the event behind it, and what was answered."""
    lot, _, got = heavier
    for words in (EN, FR):
        answer = told.get(told.world.ben, f"/lots/{lot}", words.language)
        found = re.search(r'<ul class="found">(.*?)</ul>', answer.text, re.DOTALL)[1]
        graded = re.findall(r'<li><p><span class="mark (\w+)">', found)
        assert graded == sorted(graded, key=["broken", "finding", "stated"].index)
        first = next(each for each in found.split("</li>") if words("rule.mass_gained") in each)
        assert f'<span class="mark broken">{words("severity.severe")}</span>' in first
        for label in ("expected", "reading", "band", "scales"):
            assert words(f"figured.{label}") in first
        assert words.mass(20_000_000_000) in first
        assert f'href="/events/{got.id}"' in first
        assert "Rain &lt;b&gt;on the bag&lt;/b&gt;" in first
        assert words("answer.explanation") in first
    assert EN("waiting.severe", 1) in told.text(told.world.ben, "/")


def test_a_stranger_gets_findings_by_rule_and_day_only(told, heavier):
    """Neither figures, nor events, nor answers."""
    lot, code, got = heavier
    answer = told.get(None, f"/t/{code}")
    section = answer.text[answer.text.index(EN("findings.title")) :]
    section = section[: section.index("</section>")]
    assert EN("rule.mass_gained") in text_of(answer)
    assert not re.search(r"\d kg|\d\u00a0kg|%", section)
    assert "Rain" not in answer.text
    for secret in (lot, got.id, "figured", told.world.ben.party):
        assert secret not in answer.text
    assert len(answer.content) < 30_000


def test_what_a_lot_carries_is_said_by_rule_with_its_share(told, heavier):
    """Of 25 kg heavier ore mixed with 75 kg of another bag a quarter carries the finding, however it is divided since."""
    world, (lot, _, got) = told.world, heavier
    other = produce(world.anna, "75.00")
    given = offer(world.anna, world.ben.party, [(other.id, other.lots[0])])
    taken = accept(world.ben, [(given.id, other.lots[0])], weighings=[kilograms("75.00", list(other.lots))])
    outputs = [bag("60.00"), bag("40.00")]
    mix = world.ben.sign(
        "transformation",
        {"source": "device", "type": "combination", "share_by": "mass", "outputs": outputs},
        [(got.id, lot), (taken.id, other.lots[0])],
    )
    world.take(other, given, taken, mix)
    for made in mix.lots:
        text = told.text(world.ben, f"/lots/{made}")
        carried = text[text.index(EN("carried.title")) : text.index(EN("happened.title"))]
        assert re.search(re.escape(EN("rule.mass_gained")) + r" 1 25\.0 %", carried)
        assert re.search(re.escape(EN("rule.no_registered_site")) + r" 2 100\.0 %", carried)


# Mass, grades, papers, money


def test_a_mass_account_says_what_is_explained(told):
    """Made, gained, said to be lost and missing add up to what is expected now, in a table beside the bar."""
    world = told.world
    made = produce(world.anna, "30.00")
    (lot,) = made.lots
    sample = {
        "type": "assay", "lots": [lot], "source": "device",
        "sample": {"number": "1", "mass": {"unit": "KGM", "value": "0.50"}},
    }  # fmt: skip
    given = offer(world.anna, world.ben.party, [(made.id, lot)])
    got = accept(world.ben, [(given.id, lot)], weighings=[kilograms("25.00", [lot])])
    world.take(made, world.anna.sign("inspection", sample), given, got)
    text = told.text(world.ben, f"/lots/{lot}")
    for line, mass in (("began", "30.00"), ("named", "0.50"), ("missing", "4.50"), ("now", "25.00")):
        assert f"{EN(f'since.{line}')} {mass} kg" in text
    assert EN("since.unexplained") not in text


def test_grades_stand_with_the_best_method_first(told):
    """The figure that decides is marked; the one it replaced stays visible below it; water stands by itself."""
    world = told.world
    lot_said = bag(
        "12.00",
        assays=[{"analyte": "sn", "ppm": 600_000, "on": "dry", "method": "handheld_xrf"}],
        moisture_ppm=40_000,
    )
    made = world.anna.sign("production", {"region": "RW-04", "source": "device", "lots": [lot_said]})
    (lot,) = made.lots
    assays = [
        {"lots": [lot], "analyte": "sn", "ppm": 671_200, "on": "dry", "method": "icp", "error_ppm": 4000}
    ]
    world.take(
        made,
        world.anna.sign("inspection", {"type": "assay", "lots": [lot], "source": "device", "assays": assays}),
    )
    for words, best, first, water in (
        (EN, "67.12 % ± 0.40 %", "60.00 %", "4.00 %"),
        (FR, "67,12 % ± 0,40 %", "60,00 %", "4,00 %"),
    ):
        text = told.text(world.anna, f"/lots/{lot}", words.language)
        table = text[text.index(words("assays.title")) : text.index(words("findings.title"))]
        assert table.index(best) < table.index(first) < table.index(water)
        assert table.index("Sn " + words("assays.counts")) < table.index(best)
        assert table.count(f" {words('assays.counts')} ") == 2
        assert words("assay.handheld_xrf") in table


def test_a_certificate_stands_on_the_pages_of_its_lots(season):
    """By number and scheme, whether it is valid, and the export that left under it."""
    certificates = [each for each in season.records("certificate").values() if isinstance(each, Certificate)]
    assert certificates
    with session(season, "auditor") as client:
        for record in certificates:
            for lot in record.lots[:2]:
                answer = client.get(f"/lots/{lot}", headers={"Accept-Language": "en"})
                text = text_of(answer)
                assert record.number in text
                assert EN("papers.named") in text
                assert f'href="/events/{record.event}"' in answer.text
                drawn = season.services.reader.lot(lot).state == "exported" or record.drawn.mass_ug
                assert (EN("papers.left", day="") in text) == bool(drawn)


@pytest.fixture(scope="module")
def shipment(told):
    """Two bags of Anna's, sold to Ben for 300 and 100 dollars, mixed and exported for 1,000; a royalty of 35.50."""
    world = told.world
    anna, ben = world.anna, world.ben
    made = produce(anna, "30.00", "10.00")
    prices = [{"lots": [made.lots[0]], "price": usd("300")}, {"lots": [made.lots[1]], "price": usd("100")}]
    sold = sale(anna, ben, made, prices)
    mix = ben.sign(
        "transformation",
        {"source": "device", "type": "combination", "share_by": "mass", "outputs": [bag("40.00")]},
        [(sold[1].id, lot) for lot in made.lots],
    )
    body = {
        "region": "RW-04", "source": "device", "destination": "MY", "shipped": "2026-03-20",
        "weighings": [kilograms("40.00", mix.lots)],
    }  # fmt: skip
    address = {"name": "S", "legal_address": {"country": "MY", "locality": "P"}}
    export = ben.sign(
        "export", body, [(mix.id, mix.lots[0])], sealed={"/value": usd("1000"), "/importer": address}
    )
    paid = {
        "source": "device", "lots": list(mix.lots), "to": "state", "of": "royalty", "direction": "paid",
        "date": "2026-03-21",
    }  # fmt: skip
    world.take(made, *sold, mix, export, ben.sign("payment", paid, sealed={"/amount": usd("35.50")}))
    return mix.lots[0], export, sold


def test_the_miners_share_stands_where_prices_may_be_seen(told, shipment):
    """On the lot's and the shipment's page, for the exporter and the auditor: 400 of 1,000, and the royalty."""
    lot, export, _ = shipment
    for pen in (told.world.ben, told.world.auditor):
        for path in (f"/lots/{lot}", f"/events/{export.id}"):
            text = told.text(pen, path)
            assert f"{EN('money.miners')} 400.00 USD" in text
            assert f"{EN('money.exported')} 1,000.00 USD" in text
            assert f"{EN('money.share')} 40.0 %" in text
            assert f"{EN('payment.royalty')}, to {EN('payee.state')} 35.50 USD" in text
    assert "400,00 USD" in told.text(told.world.ben, f"/lots/{lot}", "fr")


@pytest.mark.threat("T81")
def test_no_money_is_shown_to_who_may_not_see_prices(told, shipment):
    """The operator opens the page and sees no amount; the miner not the page; a stranger nothing."""
    lot, export, _ = shipment
    for path in (f"/lots/{lot}", f"/events/{export.id}"):
        text = told.text(told.world.office.operator, path)
        assert "USD" not in text
        assert EN("money.title") not in text
        for pen in (told.world.anna, told.world.carl, None):
            assert told.get(pen, path).status_code == 404


def test_what_cannot_be_told_of_money_is_named(told):
    """A price that was erased makes the sum a lower bound, and the page says so, and how much of the ore it is."""
    world = told.world
    made = produce(world.anna, "20.00", "60.00")
    first = sale(world.anna, world.ben, made, [{"lots": [made.lots[0]], "price": usd("200")}])
    mix = world.ben.sign(
        "transformation",
        {"source": "device", "type": "combination", "share_by": "mass", "outputs": [bag("80.00")]},
        [(first[1].id, each) for each in made.lots],
    )
    world.take(made, *first, mix)
    text = told.text(world.ben, f"/lots/{mix.lots[0]}")
    assert EN("money.at_least", amount="200.00 USD").replace("\u00a0", " ") in text
    assert EN("money.known", percent="25.0 %") in text
    assert EN("money.missing", 1, why=EN("untold.no_price")) in text
    assert EN("money.share_untold") in text


def test_an_erased_value_says_so(told, shipment):
    """On the event's page, where the price was; and the money of its lots names it."""
    world, (lot, _, sold) = told.world, shipment
    body = {"event": sold[0].id, "paths": ["/prices"], "ground": "request"}
    world.take(world.office.operator.sign("redaction", body))
    text = told.text(world.ben, f"/events/{sold[0].id}")
    assert f"{EN('sealed.prices')} {EN('event.withheld')}" in text
    assert EN("money.missing", 2, why=EN("untold.erased")) in told.text(world.ben, f"/lots/{lot}")


def test_every_lot_of_a_season_opens_with_all_of_it(season):
    """What was noticed on it stands there as often as the book has it, whatever happened to the lot."""
    lots = [lot for lot in season.records("lot").values() if isinstance(lot, Lot)]
    with session(season, "regulator") as client:
        for lot in lots[::4]:
            answer = client.get(f"/lots/{lot.id}", headers={"Accept-Language": "fr"})
            assert answer.status_code == 200
            found = re.search(r'<ul class="found">(.*?)</ul>', answer.text, re.DOTALL)
            assert (found[1].count("<li>") if found else 0) == min(lot.place.finding_count, 30)
