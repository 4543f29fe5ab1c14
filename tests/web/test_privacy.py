"""What a stranger's pages give away, judged against everything the ledger knows."""

import json
import re
from dataclasses import replace

import pytest
from test_pages import session, text_of
from told import look

from memory import MemoryLedger, weighing
from traceability.core.lot_records import Lot
from traceability.core.note import Signer
from traceability.core.registry_records import Party, Site
from traceability.core.trust_policy import TrustPolicy
from traceability.web.device import Device
from traceability.web.labelled import Label
from traceability.web.look import End, Frame, render
from traceability.web.places import country, place, region
from traceability.web.present import Notice, present
from traceability.web.words import CATALOGUES, LANGUAGES, words_in

SIZE_MAX = 30_000
MASSES = re.compile(r"[0-9.,\u202f]+[ \u00a0\u202f](kg|g|ct|%)")
LARGEST = Label(f"t:{'z' * 26}-999", "f" * 20, "f" * 20, "2026-03-14", "cassiterite", str(2**53))


def leaves(value):
    """The texts in a sealed value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)


@pytest.fixture(scope="module")
def stranger_pages(season):
    """(tag, page, words on it) of every tag a stranger can open: by code, and by number for other schemes."""
    codes = season.codes()
    names = sorted(season.records("tag"))
    pages = []
    for number, name in enumerate(names):
        if number % 4 and name in codes and len(season.records("tag")[name].on) == 1:
            continue  # a quarter of the ordinary bags, and all that are not ordinary
        language = ("en", "fr")[number % 8 < 4]
        answer = season.client.get(f"/t/{codes.get(name, name)}", headers={"Accept-Language": language})
        assert answer.status_code == 200, name
        pages.append((name, answer, text_of(answer)))
    return pages


@pytest.fixture(scope="module")
def public(season):
    """Texts that stand open for everybody: public names, and places by their names."""
    parties = [p for p in season.records("party").values() if isinstance(p, Party)]
    regions = {fact.region for p in parties for fact in p.facts if fact.region}
    regions |= {s.facts[-1].region for s in season.records("site").values() if isinstance(s, Site)}
    with season.services.store.read() as view:
        bodies = [json.loads(payload)["body"] for (payload,) in view.all("SELECT payload FROM entry")]
    regions |= {body["region"] for body in bodies if "region" in body}
    names = {fact.public_name for p in parties for fact in p.facts if fact.public_name}
    for code in regions:
        for language in ("en", "fr"):
            names |= {place(code, language), region(code, language), country(code[:2], language)}
    # The pages' own words: "cooperative" is a role, also where it stands sealed as a kind of business.
    return names | {str(message) for language in ("en", "fr") for message in CATALOGUES[language].values()}


def test_no_sealed_value_is_on_a_strangers_page(season, stranger_pages, public):
    """Of all the names, prices, places and papers ever told to the ledger, none is on any tag's page."""
    sealed = {text for _, value in season.disclosed() for text in leaves(value) if len(text) >= 5}
    # A company's sealed name may be its public one too; then it is open by its own choice.
    sealed = {text for text in sealed if not any(text in name for name in public)}
    assert len(sealed) > 300
    for name, _, page in stranger_pages:
        # A sealed figure may by chance be the beginning of a tag's number, or be a mass: only a whole number
        # without a unit of mass tells it.
        text = MASSES.sub("", page)
        found = {
            value
            for value in sealed
            if value in text and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)
        }
        assert not found, (name, found)


@pytest.mark.threat("T81")
def test_no_party_is_named_that_did_not_choose_to_be(season, stranger_pages):
    """No id of a party, site, lot, event or key is on a stranger's page; names only of those who are public."""
    ids = [id_ for kind in ("party", "site", "lot", "key") for id_ in season.records(kind)]
    for name, answer, _ in stranger_pages:
        assert not [id_ for id_ in ids if id_ in answer.text], name
        assert not re.search(r"[0-9a-f]{64}", answer.text), name


@pytest.mark.threat("T81")
def test_no_hour_no_coordinates_no_price_is_on_a_strangers_page(stranger_pages):
    """Days instead of hours, regions instead of positions, no money at all."""
    for name, _, text in stranger_pages:
        assert not re.search(r"\b\d{1,2}:\d{2}\b|UTC|\d{4}-\d{2}-\d{2}", text), name
        without_masses = MASSES.sub("", text)
        assert not re.search(r"[0-9][.,][0-9]{3}", without_masses), name
        assert not re.search(r"\b(USD|EUR|CDF|RWF|XAF|price|prix) ?\d", text), name


def test_no_paper_seal_or_number_of_the_trade_is_on_a_strangers_page(season, stranger_pages):
    """Lot numbers, seals, waybills, documents and other tags lead to other people: none is shown."""
    numbers = set()
    with season.services.store.read() as view:
        for (payload,) in view.all("SELECT payload FROM entry"):
            body = json.loads(payload)["body"]
            for field in ("document", "waybill", "order_number", "purchase_number", "customs_number", "cell"):
                numbers.add(body.get(field))
    for lot in season.records("lot").values():
        if isinstance(lot, Lot):
            numbers |= {lot.lot_number, *lot.seals, *(tag.removeprefix("t:") for tag in lot.tags)}
    numbers = {number for number in numbers if number and len(number) >= 4}
    assert len(numbers) > 100
    for name, _, text in stranger_pages:
        own = name.removeprefix("t:")
        found = {number for number in numbers if number in text and number not in own}
        assert not found, (name, found)


def test_a_number_of_another_scheme_gives_a_stranger_three_facts(season, stranger_pages):
    """Mineral, country, and whether the lot is open; no story, no river, no mass, no day."""
    foreign = [(name, text) for name, _, text in stranger_pages if not name.startswith("t:")]
    assert foreign
    for name, text in foreign:
        assert not re.search(r"\d+[.,]\d+ (kg|g|ct)", text.replace(name, "")), name
        assert not re.search(r"\b20\d\d\b", text), name
        assert "river" not in text
        assert len(text) < 700


def test_the_same_number_gives_its_holder_the_story(season, stranger_pages):
    """Who may open the lot sees by the printed number what he may see anyway."""
    foreign = [name for name, _, _ in stranger_pages if not name.startswith("t:")]
    with session(season, "auditor") as client:
        told = [text_of(client.get(f"/t/{name}", headers={"Accept-Language": "en"})) for name in foreign[:5]]
    assert any("The way from the mine" in text for text in told)


def test_nothing_after_the_tag_came_off_is_on_its_page(season, stranger_pages):
    """No day later than the one it came off on, and no party that came in later."""
    records = season.records("tag")
    off = [
        (name, answer, text)
        for name, answer, text in stranger_pages
        if not records[name].on and records[name].last_lot  # not one that was lost before it was on a bag
    ]
    assert off
    for name, _, text in off:
        lot = season.services.reader.lot(records[name].last_lot)
        assert lot is not None
        about_tag = season.services.reader.subject_entries(("tag", name))
        later = [
            entry
            for entry in season.services.reader.history(lot.id, 1000)
            if entry.index > about_tag[-1] and entry.event.actor != lot.producer
        ]
        parties = {entry.event.actor for entry in later}
        for party in parties:
            known = season.services.reader.party(party).facts[-1].public_name
            assert not known or known not in text, (name, known)


def test_every_tag_page_is_small(stranger_pages):
    """Readable in a second on a slow network: under 30 KB, unpacked."""
    sizes = [len(answer.content) for _, answer, _ in stranger_pages]
    assert max(sizes) < SIZE_MAX


@pytest.mark.threat("T79")
def test_guessing_codes_finds_nothing_and_tells_nothing(season):
    """A code that is none, one that is well formed, and one with a letter that no code has: one answer."""
    from traceability.core.tag import make_code

    made = next(code for n in range(100) if (code := make_code(n.to_bytes(8, "big") or b"")))
    answers = [season.client.get(f"/t/{typed}") for typed in (made, "AAAAAAAAAAAAA", "U" * 13, "x", "%20")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub(r"/t/[^\"?]*", "", answer.text) for answer in answers}) == 1


def test_a_tag_page_stays_small_whatever_happened_to_the_lot():
    """Forty handoffs between long names, fifty additives, every place another one: still under 30 KB."""
    ledger = MemoryLedger()
    name = "Établissement de négoce & de traitement <long> " * 4
    traders = [
        ledger.enrol(f"trader {n}", ["miner", "trader", "processor"], public_name=f"{n} {name}"[:199].strip())
        for n in range(3)
    ]
    regions = ["CF-LB", "CF-HS", "CF-KB", "CF-BK", "CF-VK", "CF-UK", "CF-OP", "CF-NM", "CF-MP", "CF-HK"]
    bags = []
    for number in range(20):
        site = ledger.site(traders[0], name=name.strip(), region=regions[number % 10])
        bags += ledger.produce(traders[0], "30.00", site=site, region=regions[number % 10])
    added = [{"material": f"{n} {name}".strip(), "mass": {"unit": "KGM", "value": "1"}} for n in range(50)]
    lots = bags
    for turn in range(6):
        giver, taker = traders[turn % 3], traders[(turn + 1) % 3]
        for lot in lots if turn < 2 else []:
            ledger.hand_over(giver, taker, [lot])
        if turn >= 2:
            ledger.hand_over(giver, taker, lots)
        weighed = [weighing(str(600 + 49 * max(turn - 1, 0)), lots=lots)] if turn else []
        more = {
            "weighings": weighed,
            "type": "processing",
            "steps": ["wash", "dry", "crush", "jig", "magnetic"],
        }
        if turn >= 1:
            outputs = [str(649 + 49 * (turn - 1)), "1.00"]
            lots = ledger.transform(taker, lots, outputs, additives=added, **more)[:1]
    for turn in range(6, 46):
        weight = str(894 + (turn % 2) * 60)
        ledger.hand_over(traders[turn % 3], traders[(turn + 1) % 3], lots, [weighing(weight, lots=lots)])
    tag = {"lot": lots[0], "tags_on": ["rmb:RW1"], "reason": "first_tag", "source": "device"}
    ledger.append(traders[46 % 3], {"kind": "retagging", "body": tag})
    vkey = Signer("ledger.example.org", bytes(32)).verifier
    device = Device(TrustPolicy.without_witnesses([vkey]).encode().decode(), eager=True)
    for language in LANGUAGES:
        shown = look(ledger, lots[0], "rmb:RW1")
        assert max(found.times for found in shown.found) > 10
        assert shown.earlier
        story = present(words_in(language), shown)
        words, who, day = words_in(language), "Direction générale des mines (régulateur)", "2026-09-30"
        end = End(
            words("end.title"),
            words("end.says", 1_000_000, who=who, day=words.day(day)),
            words("end.goes_on"),
            f"https://{'x' * 40}.example.org/",
        )
        placed = words(
            "concern.placed_until",
            what=words("concern.its.party"),
            who=who,
            day=words.day(day),
            until=words.day(day),
        )
        held = [
            Notice(
                words("concern.hold.lot", day=words.day(day)),
                f"{placed} " * 2 + words("concern.means.lot"),
                "broken",
            ),
            Notice(words("concern.lifted", day=words.day(day)), placed, "stated"),
        ]
        story = replace(story, notices=[*held, *story.notices])
        frame = Frame("R", "ledger.example.org", True, True, end, "fr", "/?lang=fr", False)
        said = {
            "tag": {"number": "rmb:RW1"},
            "story": story,
            "lot_url": "",
            "label": LARGEST,
            "device": device,
        }
        html = render("tag.html", language, frame, said)
        assert len(html.encode()) < SIZE_MAX
