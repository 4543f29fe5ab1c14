"""The block about the label on a tag's page, in a real browser: what is behind the # is checked on the device and sent nowhere."""

import contextlib
import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from serving import serving
from test_tags import Bagged
from world import World

from browser import launch_options, profile
from traceability.api.clients import Clients
from traceability.api.scanning import Scanning
from traceability.core import label
from traceability.core.authority import day_of
from traceability.core.label import LotLabel, PrintedTag
from traceability.ledger import scans, snapshots
from traceability.ledger.answers import Recorded
from traceability.web.app import create_app
from trade import LOG, Pen, accept, offer

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
GOMA = {"latitude": -1.6741, "longitude": 29.2285}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options(), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """(world, server, scanning): a ledger with pages."""
    folder = tmp_path_factory.mktemp("labels")
    world = World(f"sqlite:///{folder}/ledger.sqlite3", folder)
    counter = Scanning(world.store, Clients())
    services = world.services._replace(scanning=counter)
    with contextlib.closing(world.services), serving(create_app(services)) as server:
        yield world, server, counter


@pytest.fixture
def bagged(desk):
    return Bagged(desk[0])


def says(world, lot: str, tag: str, **changes: object) -> LotLabel:
    """What the command would print for this lot now."""
    found = world.services.reader.lot(lot)
    head = world.services.reader.entry(found.custody_index)
    fresh = LotLabel(
        LOG, lot, found.custody_head, found.mineral, found.expected_ug, tag, day_of(head.record_time)
    )
    return fresh._replace(**changes)


class Reader:
    """Somebody who scans: a page, and all that it asked for."""

    def __init__(self, chromium: Browser, server, **options) -> None:
        self.context = profile(
            chromium, base_url=server.url, viewport=PHONE, **{"locale": "en-GB", **options}
        )
        self.page: Page = self.context.new_page()
        self.asked: list[tuple[str, str, str]] = []
        self.said: list[str] = []
        self.page.on("request", lambda each: self.asked.append((each.method, each.url, each.post_data or "")))
        self.page.on("console", lambda each: self.said.append(each.text))
        self.page.on("pageerror", lambda each: self.said.append(str(each)))

    def scans(self, code: str, signed: bytes | str) -> str:
        digits = signed if isinstance(signed, str) else label.to_digits(signed)
        self.page.goto("about:blank")
        self.page.goto(f"/t/{code}#{digits}")
        self.page.wait_for_selector("#label [role=status]:not(:empty):not(:has-text('Checking'))")
        for _, url, sent in self.asked:
            assert len(digits) < 20 or digits[:20] not in url.partition("#")[0] + sent
        return self.page.inner_text("#label").replace("\u00a0", " ")


@pytest.fixture
def reader(chromium, desk):
    found = Reader(chromium, desk[1])
    yield found
    found.context.close()


def test_a_label_that_says_what_the_page_says(desk, reader, bagged):
    """Signed by the custodian: genuine, with who signed it and what it says; the label was sent to nobody."""
    world, _, _ = desk
    text = reader.scans(bagged.code, label.sign(says(world, bagged.lot, bagged.tag), world.anna.key))
    assert "The label is genuine and says what this page says." in text
    for fact in (
        "miner, trader",
        "cassiterite",
        "25.40 kg",
        bagged.tag[2:],
        "never that it is the only copy",
    ):
        assert fact in text
    assert reader.page.locator("#label .mark.verified").count() == 1
    assert [text for text in reader.said if "404" not in text] == []
    hosts = {re.match(r"https?://[^/]+", url)[0] for _, url, _ in reader.asked if url != "about:blank"}
    assert hosts == {desk[1].url}
    assert {method for method, _, _ in reader.asked} == {"GET"}


def test_whether_it_was_checked_by_all_there_is(desk, reader, bagged):
    """Before a snapshot the page says that completeness is not shown; after one it says as of which day it is."""
    world, _, _ = desk
    signed = label.sign(says(world, bagged.lot, bagged.tag), world.anna.key)
    with world.store.read() as view:
        known = view.book() is not None
    assert known or "not shown that nothing was left out" in reader.scans(bagged.code, signed)
    operator = world.office.operator
    stated = snapshots.take(world.ledger, operator.key, operator.party, lambda: 1_790_000_000)
    assert isinstance(stated, Recorded)
    operator.next += 1
    text = reader.scans(bagged.code, signed)
    assert "The label is genuine and says what this page says." in text
    assert "is complete as of" in text


def test_a_pre_printed_tag(desk, reader, bagged):
    """By the issuer of its roll, on a bag or on nothing yet; by anybody else it is not genuine."""
    world, _, _ = desk
    for number in (2, 5):
        signed = label.sign(PrintedTag(LOG, bagged.roll, number), world.registrar.key)
        text = reader.scans(bagged.codes[number - 1], signed)
        assert "The tag is genuine: printed by whoever issued its roll." in text
    forged = label.sign(PrintedTag(LOG, bagged.roll, 2), world.carl.key)
    assert "not genuine. Do not rely on it" in reader.scans(bagged.code, forged)


def test_a_superseded_label(desk, reader, bagged):
    """After a handoff the old label is genuine and of an earlier state, and that alone means nothing."""
    world, _, _ = desk
    old = label.sign(says(world, bagged.lot, bagged.tag), world.anna.key)
    given = offer(world.anna, world.ben.party, [(bagged.made.id, bagged.lot)])
    world.take(given, accept(world.ben, [(given.id, bagged.lot)]))
    text = reader.scans(bagged.code, old)
    assert "genuine and superseded" in text
    assert "this alone means nothing" in text
    assert reader.page.locator("#label .mark.finding").count() == 1
    new = label.sign(says(world, bagged.lot, bagged.tag), world.ben.key)
    assert "says what this page says" in reader.scans(bagged.code, new)


@pytest.mark.threat("T63")
def test_labels_that_do_not_belong_here(desk, reader, bagged):
    """Forged, changed, of another tag, of another lot, of a stranger's key, with other facts, no label at all."""
    world, _, _ = desk
    own = says(world, bagged.lot, bagged.tag)
    good = label.sign(own, world.anna.key)
    spoilt = bytearray(good)
    spoilt[-1] ^= 1
    other = Bagged(world)
    for signed, said, sign in (
        (bytes(spoilt), "not genuine", "broken"),
        (label.sign(own, Pen("nobody").key), "No party of this ledger has the key", "broken"),
        (label.sign(own._replace(lot=other.lot), world.anna.key), "of another lot", "broken"),
        (label.sign(own._replace(tag=other.tag), world.anna.key), "label of another tag", "broken"),
        (label.sign(own._replace(net_ug=1), world.anna.key), "this page says otherwise", "finding"),
        (label.sign(own._replace(head="5f" * 32, day="2099-01-01"), world.anna.key), "newer than this page", "finding"),
        ("1" * 41, "no label", "broken"),
        ("12", "no label", "broken"),
        ("9" * 900, "no label", "broken"),
    ):  # fmt: skip
        assert said in reader.scans(bagged.code, signed), said
        assert reader.page.locator(f"#label .mark.{sign}").count() == 1, said
        assert reader.page.locator("#label .mark.verified").count() == 0, said


def test_without_a_label_or_without_script(chromium, desk, bagged):
    """Nothing behind the #: it says so. Without script: it says that it was not checked, in both languages."""
    reader = Reader(chromium, desk[1])
    assert "no signed label in this address" in reader.scans(bagged.code, "")
    assert all("trust-pack" not in url for _, url, _ in reader.asked)
    reader.context.close()
    for locale, said in (("en-GB", "was not checked on this device"), ("fr-FR", "n’a pas été vérifiée")):
        plain = Reader(chromium, desk[1], java_script_enabled=False, locale=locale)
        plain.page.goto(f"/t/{bagged.code}#123")
        assert said in plain.page.inner_text("#label")
        assert plain.page.locator("#label button").count() == 0
        plain.context.close()


def test_in_french(chromium, desk, bagged):
    """The same in French; what the core says stays English, and is marked so."""
    world, server, _ = desk
    reader = Reader(chromium, server, locale="fr-FR")
    signed = label.sign(says(world, bagged.lot, bagged.tag), world.anna.key)
    reader.page.goto(f"/t/{bagged.code}#{label.to_digits(signed)}")
    reader.page.wait_for_selector("#label .mark.verified")
    assert "L’étiquette est authentique et dit ce que dit cette page." in reader.page.inner_text("#label")
    spoilt = label.to_digits(signed[:-1] + bytes([signed[-1] ^ 1]))
    reader.page.goto("about:blank")
    reader.page.goto(f"/t/{bagged.code}#{spoilt}")
    reader.page.wait_for_selector("#label .mark.broken")
    assert reader.page.locator("#label p[lang=en]").inner_text().startswith("the signature is not")
    reader.context.close()


def test_a_place_is_sent_only_when_the_reader_wants_it(chromium, desk, bagged):
    """Nothing before the button; then the cell of one degree and the code, and nothing finer; the ledger counts it."""
    _, server, counter = desk
    reader = Reader(chromium, server, geolocation=GOMA, permissions=["geolocation"])
    reader.scans(bagged.code, "")
    assert {method for method, _, _ in reader.asked} == {"GET"}
    reader.page.click("#label button")
    reader.page.wait_for_selector("text=Sent: the square -2,29")
    ((url, sent),) = [(url, sent) for method, url, sent in reader.asked if method == "POST"]
    assert url.endswith("/v1/scans")
    assert json.loads(sent) == {"code": bagged.code, "place": "-2,29"}
    counter.flush()
    with counter._store.read() as view:
        kept = [(scan.place, scan.times) for scan in scans.of_tag(view, bagged.tag)]
    assert kept == [(None, 1), ((-2, 29), 1)]
    reader.context.close()


def test_a_place_that_is_refused_is_not_sent(chromium, desk, bagged):
    """Who says no to his browser has sent nothing, and is told so."""
    reader = Reader(chromium, desk[1], permissions=[])
    reader.scans(bagged.code, "")
    reader.page.click("#label button")
    reader.page.wait_for_selector("text=Nothing was sent")
    assert {method for method, _, _ in reader.asked} == {"GET"}
    reader.context.close()


def test_an_old_label_is_told_with_the_place(chromium, desk, bagged):
    """Only with the button too: that the label in hand is of an earlier state."""
    world, server, _ = desk
    old = label.sign(says(world, bagged.lot, bagged.tag), world.anna.key)
    given = offer(world.anna, world.ben.party, [(bagged.made.id, bagged.lot)])
    world.take(given, accept(world.ben, [(given.id, bagged.lot)]))
    reader = Reader(chromium, server, geolocation=GOMA, permissions=["geolocation"])
    reader.scans(bagged.code, old)
    reader.page.click("#label button")
    reader.page.wait_for_selector("text=Sent: the square")
    sent = next(json.loads(sent) for method, _, sent in reader.asked if method == "POST")
    assert sent == {"code": bagged.code, "place": "-2,29", "label": "older"}
    reader.context.close()
