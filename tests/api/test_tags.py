"""Tags over HTTP: what a code opens, how it may be typed, what a foreign number gives away, and the QR code."""

import hashlib
import io
import json

import pytest
import zxingcpp
from PIL import Image
from test_reading import same_404
from test_submit import problem
from world import World

from traceability.core import tag as tags
from traceability.core.ids import derive
from trade import Pen, accept, bag, nonce, offer, produce

POSITION = {"latitude_e7": -19000000, "longitude_e7": 301000000, "by": "gps"}


def code_of(number: int) -> str:
    for salt in range(100):
        code = tags.make_code(hashlib.sha256(f"{number} {salt}".encode()).digest()[:8])
        if code is not None:
            return code
    raise AssertionError


class Bagged:
    """A site, a roll whose codes the ledger knows, and a tagged bag from that site."""

    def __init__(self, world: World, roll_nonce: str | None = None) -> None:
        registrar = world.registrar
        fresh = nonce()
        self.site = derive("site", registrar.key.id, fresh)
        site = {
            "site": self.site, "nonce": fresh, "type": "site", "name": "Nyamyumba", "country": "RW",
            "region": "RW-03", "minerals": ["cassiterite"], "mining_method": "artisanal", "activity": "active",
            "holder": world.anna.party, "from": "2026-01-01",
        }  # fmt: skip
        roll_nonce = roll_nonce or nonce()
        self.roll = derive("roll", registrar.key.id, roll_nonce)
        start = int(hashlib.sha256(self.roll.encode()).hexdigest()[:6], 16)
        self.codes = [code_of(start + number) for number in range(1, 6)]
        issue = {
            "roll": self.roll, "nonce": roll_nonce, "scheme": "t", "level": "mine", "medium": "qr", "count": 5,
        }  # fmt: skip
        codes = [{"code": code, "number": number} for number, code in enumerate(self.codes, 1)]
        self.issue = registrar.sign("tag_issue", issue, sealed={"/codes": codes})
        self.tag = f"t:{self.roll}-2"
        self.code = self.codes[1]
        lots = [bag("25.4", tags=[self.tag]), bag("10", tags=[f"rmb:RW{start}"])]
        body = {
            "region": "RW-03", "source": "device", "site": self.site, "producer": world.anna.party, "lots": lots,
        }  # fmt: skip
        self.made = world.anna.sign(
            "production", body, sealed={"/pit": "B3", "/note": "par Jean de la pluie"}
        )
        self.foreign = lots[1]["tags"][0]
        world.take(
            registrar.sign("site_registration", site, sealed={"/position": POSITION}), self.issue, self.made
        )
        self.lot, self.other = self.made.lots


@pytest.fixture(scope="module")
def bagged(served):
    return Bagged(served[0])


def test_a_code_opens_the_story_without_names(world, client, bagged):
    """Back to the mine, with province and day; no party, no person, no site, no coordinate, no exact hour."""
    answer = client.get(f"/v1/tags/{bagged.code}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert said["tag"] == bagged.tag
    (story,) = said["lots"]
    assert (story["mineral"], story["countries"], story["open"], story["state"]) == (
        "cassiterite",
        ["RW"],
        True,
        "held",
    )
    assert story["mass"] == {"unit": "KGM", "value": "25.4"}
    (beginning,) = story["beginnings"]
    assert beginning == {
        "source": "site", "ppm": 1_000_000, "country": "RW", "region": "RW-03",
    }  # fmt: skip
    (step,) = story["steps"]
    assert (step["kind"], step["region"], step["roles"], step["stands"]) == (
        "production",
        "RW-03",
        ["miner", "trader"],
        True,
    )
    assert "lot" not in story
    text = answer.text
    for private in (
        world.anna.party,
        world.anna.key.id,
        bagged.lot,
        bagged.site,
        "Nyamyumba",
        "Jean",
        "B3",
        "latitude",
        "T10:10",
        "Société",
    ):
        assert private not in text


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        tags.printed,
        lambda code: code.replace("0", "O").replace("1", "I"),
        lambda code: code.replace("0", "o").replace("1", "l"),
        "%20".join,
        lambda code: f"{code[:4]}%C2%A0{code[4:8]}%E2%80%93{code[8:]}",
        lambda code: f"%20{code}%20",
    ],
)
def test_a_code_may_be_typed_as_people_type(client, bagged, typed):
    """Case, O and 0, I, L and 1, spaces and dashes of any sort."""
    assert client.get(f"/v1/tags/{typed(bagged.code)}").json()["tag"] == bagged.tag


@pytest.mark.threat("T79")
def test_other_codes_are_not_there(client, bagged):
    """A wrong character, an unknown code, a name of ours without the code, nonsense: the same 404."""
    wrong = bagged.code[:-1] + ("2" if bagged.code[-1] != "2" else "3")
    unknown = code_of(10**9)
    said = [
        same_404(client.get(f"/v1/tags/{code}"))
        for code in (wrong, unknown, bagged.tag, "x", "a/b", ":", "t:x", "%00")
    ]
    assert all(each == said[0] for each in said)


def test_a_code_of_a_tag_on_nothing_says_so(client, bagged):
    """A tag that was never put on anything is known and has no lots."""
    assert client.get(f"/v1/tags/{bagged.codes[4]}").json() == {
        "scheme": "t",
        "tag": f"t:{bagged.roll}-5",
        "lots": [],
    }


def test_a_foreign_number_tells_a_stranger_three_facts(world, client, bagged):
    """Mineral, country and whether the lot is open, no more; its custodian and an auditor see the story."""
    facts = [{"mineral": "cassiterite", "countries": ["RW"], "open": True}]
    for typed in (bagged.foreign, bagged.foreign.lower(), bagged.foreign.replace("rmb:RW", "RMB: rw ")):
        assert client.get(f"/v1/tags/{typed}").json()["lots"] == facts
    stranger = client.read(world.carl, f"/v1/tags/{bagged.foreign}").json()
    assert stranger["lots"] == facts
    for pen in (world.anna, world.auditor):
        (story,) = client.read(pen, f"/v1/tags/{bagged.foreign}").json()["lots"]
        assert story["lot"] == bagged.other
        assert story["beginnings"][0]["site_name"] == "Nyamyumba"
        assert story["steps"]
    by_name = client.read(world.anna, f"/v1/tags/{bagged.tag}")
    assert by_name.json()["lots"][0]["lot"] == bagged.lot
    same_404(client.read(world.carl, f"/v1/tags/{bagged.tag}"))
    same_404(client.get("/v1/tags/itsci:999"))


def test_the_story_ends_where_the_tag_came_off(world, client):
    """After a retagging the old code tells nothing of what came later, and the new one everything."""
    bagged = Bagged(world)
    off = {
        "source": "device", "lot": bagged.lot, "reason": "burst", "tags_off": [{"tag": bagged.tag, "fate": "lost"}],
        "tags_on": [f"t:{bagged.roll}-3"],
    }  # fmt: skip
    given = offer(world.anna, world.ben.party, [(bagged.made.id, bagged.lot)])
    world.take(world.anna.sign("retagging", off), given, accept(world.ben, [(given.id, bagged.lot)]))
    (old,) = client.get(f"/v1/tags/{bagged.code}").json()["lots"]
    assert [step["kind"] for step in old["steps"]] == ["production", "retagging"]
    assert old["tag_on"] is False
    assert "state" not in old
    assert "mass" not in old
    assert old["beginnings"] == [{"source": "site", "country": "RW", "region": "RW-03"}]
    (new,) = client.get(f"/v1/tags/{bagged.codes[2]}").json()["lots"]
    assert [step["kind"] for step in new["steps"]] == ["production", "retagging", "transfer", "acceptance"]
    assert new["tag_on"] is True


def test_a_mixed_lot_tells_all_its_beginnings(world, client):
    """Two mines, an intake and ore of no registered site, by share; with the findings that lie behind."""
    first, second = Bagged(world), Bagged(world)
    loose = produce(world.anna, "5", region="RW-02")
    body = {"region": "RW-01", "source": "device", "origin": "earlier_stock", "countries": ["CD", "0"],
            "stock_date": "2026-01-01", "lots": [bag("4.6")]}  # fmt: skip
    stock = world.anna.sign("intake", body)
    lots = [
        (first.made.id, first.lot),
        (second.made.id, second.lot),
        (loose.id, loose.lots[0]),
        (stock.id, stock.lots[0]),
    ]
    mixed = world.anna.sign(
        "transformation",
        {
            "source": "device",
            "type": "combination",
            "share_by": "mass",
            "outputs": [bag("60.4", tags=[f"t:{first.roll}-4"])],
        },
        lots,
    )
    world.take(loose, stock, mixed)
    (story,) = client.get(f"/v1/tags/{first.codes[3]}").json()["lots"]
    assert story["countries"] == ["CD", "RW"]
    found = [(b["source"], b.get("region"), b.get("country")) for b in story["beginnings"]]
    assert found[:2] == [("site", "RW-03", "RW")] * 2
    assert sorted(found[2:], key=str) == [("intake", None, "CD"), ("no_site", "RW-02", "RW")]
    seen = client.read(world.anna, f"/v1/tags/{first.codes[3]}").json()["lots"][0]["beginnings"]
    assert {b["site"] for b in seen if b["source"] == "site"} == {first.site, second.site}
    assert 999_990 <= sum(b["ppm"] for b in story["beginnings"]) <= 1_000_000
    assert story["findings_behind"] >= 2
    (used,) = client.get(f"/v1/tags/{first.code}").json()["lots"]
    assert used["open"] is False
    assert used["state"] == "ended"


def test_the_qr_of_a_lot_holds_the_address_of_its_tag(world, client, bagged):
    """SVG and PNG for the custodian and whoever answers for the roll; another program reads the URL."""
    path = f"/v1/lots/{bagged.lot}/qr"
    url = f"https://ledger.example.org/t/{bagged.code}"
    for pen in (world.anna, world.registrar):
        svg = client.read(pen, path + ".svg")
        assert svg.headers["content-type"] == "image/svg+xml"
        assert svg.text.startswith("<svg")
        png = client.read(pen, path + ".png")
        assert png.headers["content-type"] == "image/png"
        assert [each.text for each in zxingcpp.read_barcodes(Image.open(io.BytesIO(png.content)))] == [url]


def test_who_answers_for_the_tags_may_print_them(world, client):
    """An agent to whom the positions went has the QR; the auditor, a past custodian and strangers do not."""
    bagged = Bagged(world)
    agent = Pen(f"agent {bagged.roll}")
    allocation = {"roll": bagged.roll, "first": 1, "last": 3}
    path = f"/v1/lots/{bagged.lot}/qr.svg"
    world.take(world.office.enrol(agent, "tag_agent"))
    same_404(client.read(agent, path))
    world.take(world.registrar.sign("tag_allocation", {**allocation, "to_party": agent.party}))
    assert client.read(agent, path).status_code == 200
    given = offer(world.anna, world.ben.party, [(bagged.made.id, bagged.lot)])
    world.take(given, accept(world.ben, [(given.id, bagged.lot)]))
    assert client.read(world.ben, path).status_code == 200
    for pen in (world.carl, world.registrar):
        assert client.read(pen, path).status_code == 404
    same_404(client.read(world.carl, path))
    same_404(client.get(path))


def test_a_lot_without_a_tag_of_ours_has_no_qr_and_says_so(world, client, bagged):
    """404 by another name, for who may open the lot; for others the lot is not there at all."""
    path = f"/v1/lots/{bagged.other}/qr.png"
    assert problem(client.read(world.anna, path)) == (404, "no_qr")
    assert problem(client.read(world.auditor, path)) == (404, "no_qr")
    same_404(client.read(world.carl, path))
    same_404(client.read(world.anna, "/v1/lots/" + "0" * 26 + "/qr.png"))


def test_codes_are_shown_to_their_issuer_only(world, client, bagged):
    """Not even an auditor reads codes: each opens a page, and only the tag's holder has it."""
    auditor = client.read(world.auditor, f"/v1/events/{bagged.issue.id}")
    assert auditor.status_code == 200
    assert "disclosures" not in auditor.json()
    issuer = client.read(world.registrar, f"/v1/events/{bagged.issue.id}")
    assert [path for _, path, _ in issuer.json()["disclosures"]] == ["/codes"]
    everything = client.read(world.auditor, "/v1/log/entries").text
    assert bagged.code not in everything


def test_a_tag_tells_nothing_of_money_and_reports(world, client):
    """Whoever holds a bag learns of its certificate and hold; not who was paid, nor who reported what."""
    bagged = Bagged(world)
    subjects = [{"type": "lot", "id": bagged.lot}]
    reported = world.anna.sign(
        "incident",
        {
            "source": "device", "categories": ["illegal_tax"], "subjects": subjects, "reporter": "named",
            "happened_from": "2026-03-13",
        },
    )  # fmt: skip
    paid = world.anna.sign(
        "payment",
        {"source": "device", "lots": [bagged.lot], "direction": "paid", "date": "2026-03-14"},
        sealed={"/amount": {"currency": "USD", "value": "20"}, "/of": "unofficial", "/to": "official"},
    )
    about = {"source": "device", "about": {"incident": reported.id}, "act": "explanation"}
    held = {"source": "device", "subjects": subjects, "ground": "investigation"}
    world.take(reported, paid, world.registrar.sign("response", about), world.registrar.sign("hold", held))
    answer = client.get(f"/v1/tags/{bagged.code}")
    (story,) = answer.json()["lots"]
    assert [step["kind"] for step in story["steps"]] == ["production", "hold"]
    assert "illegal" not in answer.text
    mine = client.read(world.anna, f"/v1/lots/{bagged.lot}/history").json()
    kinds = {json.loads(entry["event"])["kind"] for entry in mine["entries"]}
    assert {"incident", "payment", "response"} <= kinds
