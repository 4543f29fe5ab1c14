"""A log that has ended, and one that carries it on, as people and programs are told of them."""

import contextlib
import hashlib
import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from serving import serving
from test_browser import RULES
from test_lot_page import codes_of, tagged
from test_pages import text_of
from world import World, signed_header

from browser import profile
from traceability.api import reading
from traceability.api.permission import Visitor
from traceability.api.services import Services
from traceability.core.note import Signer
from traceability.ledger.answers import Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.store import Store
from traceability.ledger.writer import succeed
from traceability.web.app import create_app
from traceability.web.words import LANGUAGES, words_in
from trade import LOG, POLICY, Pen, nonce, offer, produce

SECOND = Signer(f"{LOG}/2", hashlib.sha256(b"second").digest())
ELSEWHERE = "https://two.example.org/"
LOST = 3


class Ended(NamedTuple):
    """A world whose log has ended by `event`, with a tagged bag in it and an open offer to Ben."""

    world: World
    size: int
    event: str
    code: str
    lot: str

    def served(self, **settings: str | None):
        """A server of it with these settings."""
        changed = self.world.services.settings.model_copy(update=settings)
        return serving(create_app(self.world.services._replace(settings=changed)))

    def paths(self) -> list[tuple[Pen | None, str]]:
        anna = self.world.anna
        return [
            (None, "/"), (anna, "/"), (None, f"/t/{self.code}"), (anna, f"/lots/{self.lot}"),
            (None, "/verify"), (None, "/sign-in"), (None, "/nowhere"),
        ]  # fmt: skip


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> Iterator[Ended]:
    folder = tmp_path_factory.mktemp("ended")
    world = World(f"sqlite:///{folder}/ledger.sqlite3", folder)
    with contextlib.closing(world.services):
        (tag, code), *_ = codes_of(world)
        made, other = tagged(world, tag), produce(world.anna, "7.00")
        world.take(other, offer(world.anna, world.ben.party, [(other.id, other.lots[0])]))
        end = world.office.operator.sign("log_key", {"freeze_at": world.size() + 1})
        world.take(end)
        yield Ended(world, world.size(), end.id, code, made.lots[0])


def read(url: str, pen: Pen | None, path: str, language: str) -> httpx.Response:
    headers = {"Accept": "text/html", "Accept-Language": language}
    return httpx.get(url + path, headers=headers | (signed_header(pen, "GET", path) if pen else {}))


def day_of(log: dict, language: str) -> str:
    return words_in(language).day(log["record_time"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_that_the_log_has_ended(ended, language):
    """With how many entries, on which day, by whom; and where the ledger goes on, or that it is not known."""
    words = words_in(language)
    for successor in (None, ELSEWHERE):
        with ended.served(successor=successor) as server:
            log = httpx.get(f"{server.url}/v1/log").json()
            says = words(
                "end.says", ended.size, who=f"Bureau ({words('named.operator')})", day=day_of(log, language)
            )
            for pen, path in ended.paths():
                answer = read(server.url, pen, path, language)
                page = text_of(answer)
                assert says.replace("\u00a0", " ") in page, path
                assert (f'<a href="{ELSEWHERE}">' in answer.text) == bool(successor), path
                assert (words("end.unknown").replace("\u00a0", " ") in page) != bool(successor), path


def test_programs_are_told_of_the_end(ended):
    """/v1/log: the event that set it, who signed that, when it came, and the address where the ledger goes on."""
    with ended.served(successor=ELSEWHERE) as server:
        log = httpx.get(f"{server.url}/v1/log").json()
    assert log["end"] == {
        "event": ended.event,
        "party": ended.world.office.operator.party,
        "time": log["record_time"],
        "successor": ELSEWHERE,
    }
    assert (log["frozen_at"], log["size"], log["signing"]) == (ended.size, ended.size, False)
    with ended.served() as server:
        assert "successor" not in httpx.get(f"{server.url}/v1/log").json()["end"]


def test_nothing_waits_that_cannot_be_answered_any_more(ended):
    """An offer is not called for an answer on the front page of a log that takes none."""
    with ended.served() as server:
        page = text_of(read(server.url, ended.world.ben, "/", "en"))
    assert words_in("en")("waiting.title") not in page
    assert words_in("en")("waiting.offers", 1) not in page


def test_an_end_that_is_set_and_has_not_come_is_told_as_such(tmp_path):
    """Whoever records can still do so, and knows until when; the earlier of two ends is meant."""
    world = World(f"sqlite:///{tmp_path}/ledger.sqlite3", tmp_path)
    with contextlib.closing(world.services), serving(create_app(world.services)) as server:
        assert "end" not in httpx.get(f"{server.url}/v1/log").json()
        first = world.office.operator.sign("log_key", {"freeze_at": 100})
        world.take(first, world.office.operator.sign("log_key", {"freeze_at": 200}))
        log = httpx.get(f"{server.url}/v1/log").json()
        assert (log["end"]["event"], log["frozen_at"], log["signing"]) == (first.id, 100, True)
        assert "time" not in log["end"]
        for language in LANGUAGES:
            words = words_in(language)
            page = text_of(read(server.url, None, "/", language))
            coming = words("end.coming", 100, who=f"Bureau ({words('named.operator')})")
            assert coming.replace("\u00a0", " ") in page
            assert words("end.unknown") not in page


@pytest.fixture(scope="module")
def carried_on(ended, tmp_path_factory):
    """A server of the successor, which says that entries were lost."""
    world, folder = ended.world, tmp_path_factory.mktemp("second")
    with world.store.read() as view:
        head = view.head()
    body = {
        "name": "Registre", "nonce": nonce(), "operator_name": "Bureau", "keys": [], "authorities": [],
        "quorum": 0, "countries": ["RW"], "log_keys": [SECOND.verifier.encode()], "policy": POLICY,
        "continues": {"origin": LOG, "size": head.size, "root": head.root.hex(), "lost": LOST},
    }  # fmt: skip
    signed = world.office.operator.sign("genesis", body)
    store = Store(world.services.settings.url)
    guard = FileGuard(folder / "guard", SECOND.verifier.encode())
    ledger = succeed(store, guard, SECOND, Submission(signed.envelope, signed.event, signed.disclosures))
    services = Services.around(world.services.settings, store, ledger, SECOND)
    with contextlib.closing(services), serving(create_app(services)) as server:
        yield server


# A real browser


PHONE, DESK = {"width": 390, "height": 800}, {"width": 1100, "height": 900}


@pytest.mark.browser
@pytest.mark.parametrize(("viewport", "language"), [(PHONE, "fr"), (DESK, "en")])
def test_a_reader_cannot_miss_the_end(chromium, ended, viewport, language):
    """It stands above everything else, with a shape beside its words; nothing scrolls sideways; axe finds nothing."""
    world, words = ended.world, words_in(language)
    visitor = Visitor(world.anna.party, world.anna.key.id, frozenset({"miner", "trader"}))
    value, _ = reading.begin_session(world.services, visitor, time.time())
    with ended.served(successor=ELSEWHERE) as server:
        context = profile(chromium, base_url=server.url, viewport=viewport, locale=language)
        context.add_cookies([{"name": "session", "value": value, "url": server.url}])
        page = context.new_page()
        for path in ("/", f"/t/{ended.code}", f"/lots/{ended.lot}"):
            page.goto(path)
            note = page.get_by_role("note").filter(has_text=words("end.goes_on"))
            assert note.bounding_box()["y"] < page.locator("h1").bounding_box()["y"]
            assert (
                page.evaluate("getComputedStyle(document.querySelector('header .mark'), '::before').clipPath")
                != "none"
            )
            assert note.get_by_role("link").get_attribute("href") == ELSEWHERE
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
            results = Axe().run(page, options=RULES)
            assert results.violations_count == 0, results.generate_report()
        context.close()


# The successor, last: it is opened on the same database


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_successor_says_what_it_carries_on_and_what_is_lost(ended, carried_on, language):
    """On its front page, and to programs; it has not ended itself."""
    words = words_in(language)
    page = text_of(read(carried_on.url, None, "/", language))
    for said in (words("front.continues", ended.size, origin=LOG), words("front.lost", LOST, origin=LOG)):
        assert said.replace("\u00a0", " ").replace("\u202f", " ") in page.replace("\u202f", " ")
    assert words("end.unknown") not in page
    log = httpx.get(f"{carried_on.url}/v1/log").json()
    assert "end" not in log
    (continued,) = log["continues"]
    assert (continued["origin"], continued["size"], continued["lost"]) == (LOG, ended.size, LOST)
