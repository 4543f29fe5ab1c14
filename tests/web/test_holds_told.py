"""Holds as pages tell them: on what, by whom, since when, what that means, and when it was over."""

import itertools
import re
import time
from typing import NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from test_browser import RULES
from test_lot_page import Told, told  # noqa: F401  # a fixture
from test_notices import hold
from test_tags import Bagged

from browser import profile
from traceability.api import reading
from traceability.api.permission import Visitor
from traceability.web.words import LANGUAGES, Words, words_in
from trade import Pen, Signed

EN = words_in("en")
SINCE, PAST, AHEAD = "2026-03-14", "2026-08-01", "2099-01-01"
DAYS = itertools.count(1)
AUTHORITY = "Direction des mines"


class Scene(NamedTuple):
    """A tagged lot of a registered site, in Anna's hands."""

    bagged: Bagged
    told: Told

    def lot_pages(self) -> list[tuple[Pen | None, str]]:
        return [(self.told.world.anna, f"/lots/{self.bagged.lot}"), (None, f"/t/{self.bagged.code}")]

    def release(self, placed: Signed) -> str:
        """The day of the release, later than that of any before: what is around several lots is told on each."""
        day, body = f"2026-05-{next(DAYS):02}", {"source": "device", "hold": placed.id}
        self.told.world.take(self.told.world.registrar.sign("release", body, time=f"{day}T08:00:00Z"))
        return day


@pytest.fixture
def scene(told) -> Scene:  # noqa: F811
    return Scene(Bagged(told.world), told)


def found(page: str, words: Words, key: str, what: str = "", **said: str) -> re.Match | None:
    """Where the page says this of a hold that the authority placed."""
    text = words(key, who="@", what=words(what) if what else "", **said).replace("\u00a0", " ")
    return re.search(re.escape(text).replace("@", rf"{AUTHORITY} \([^)]*\)"), page)


SUBJECTS = ["lot", "tag", "site", "party", "region"]


@pytest.mark.parametrize("kind", SUBJECTS)
def test_a_hold_is_told_where_its_lot_is_told(scene, kind):
    """On the lot itself or what is around it: on its page and its tag's, in both languages; and that it was lifted."""
    bagged, world = scene.bagged, scene.told.world
    named = {
        "lot": bagged.lot, "tag": bagged.tag, "site": bagged.site, "party": world.anna.party, "region": "RW-03",
    }[kind]  # fmt: skip
    what = "concern.this.lot" if kind == "lot" else f"concern.its.{kind}"
    placed = hold(world, (kind, named), until=AHEAD)
    world.take(placed)
    for words in map(words_in, LANGUAGES):
        for pen, path in scene.lot_pages():
            page = scene.told.text(pen, path, words.language)
            title = found(page, words, "concern.hold.lot", day=words.day(SINCE))
            by = found(
                page, words, "concern.placed_until", what, day=words.day(SINCE), until=words.day(AHEAD)
            )
            assert title is not None
            assert by is not None
            assert title.end() < by.start() < page.index(words("river.title"))
            assert found(page, words, "concern.means.lot")
    lifted = scene.release(placed)
    for words in map(words_in, LANGUAGES):
        for pen, path in scene.lot_pages():
            page = scene.told.text(pen, path, words.language)
            assert not found(page, words, "concern.hold.lot", day=words.day(SINCE))
            assert found(page, words, "concern.lifted", day=words.day(lifted))
            assert found(
                page, words, "concern.placed_until", what, day=words.day(SINCE), until=words.day(AHEAD)
            )


def test_a_hold_that_ran_out_is_over(scene):
    """Nobody released it: its last day has passed."""
    scene.told.world.take(hold(scene.told.world, ("lot", scene.bagged.lot), until=PAST))
    for pen, path in scene.lot_pages():
        page = scene.told.text(pen, path)
        assert not found(page, EN, "concern.hold.lot", day=EN.day(SINCE))
        assert found(page, EN, "concern.ran_out", day=EN.day(PAST))
        assert not found(page, EN, "concern.lifted", day=EN.day(PAST))


def test_a_site_says_that_it_is_under_hold(scene):
    """Open to everybody, as the site is; and that it was lifted."""
    bagged, world = scene.bagged, scene.told.world
    placed = hold(world, ("site", bagged.site))
    world.take(placed)
    for words in map(words_in, LANGUAGES):
        page = scene.told.text(None, f"/sites/{bagged.site}", words.language)
        assert found(page, words, "concern.hold.site", day=words.day(SINCE))
        assert found(page, words, "concern.placed", "concern.this.site", day=words.day(SINCE))
        assert found(page, words, "concern.means.site")
    lifted = scene.release(placed)
    page = scene.told.text(None, f"/sites/{bagged.site}")
    assert not found(page, EN, "concern.hold.site", day=EN.day(SINCE))
    assert found(page, EN, "concern.lifted", day=EN.day(lifted))


def test_a_party_says_that_it_is_under_hold(scene):
    """To whoever may open its page; a party of which nothing was ever held says nothing of it."""
    world, trader = scene.told.world, Pen("held trader")
    world.take(world.office.enrol(trader, "trader", public_name="Comptoir Kivu"))
    assert "hold" not in scene.told.text(None, f"/parties/{trader.party}")
    placed = hold(world, ("party", trader.party))
    world.take(placed)
    for words in map(words_in, LANGUAGES):
        page = scene.told.text(None, f"/parties/{trader.party}", words.language)
        assert found(page, words, "concern.hold.party", day=words.day(SINCE))
        assert found(page, words, "concern.placed", "concern.this.party", day=words.day(SINCE))
        assert found(page, words, "concern.means.party")
    lifted = scene.release(placed)
    assert found(scene.told.text(None, f"/parties/{trader.party}"), EN, "concern.lifted", day=EN.day(lifted))


def test_many_holds_are_counted_and_listed(scene):
    """The newest come first; who opens the lot has all of them in a table, with what ended them."""
    world, lot = scene.told.world, scene.bagged.lot
    placed = [hold(world, ("lot", lot)) for _ in range(5)]
    world.take(*placed)
    scene.release(placed[0])
    answer = scene.told.get(world.anna, f"/lots/{lot}")
    assert EN("concern.more", 2) in scene.told.text(world.anna, f"/lots/{lot}")
    assert all(f'href="/events/{each.id}"' in answer.text for each in placed)
    assert scene.told.text(world.anna, f"/lots/{lot}").count("Hold on this lot") == 3
    stranger = scene.told.get(None, f"/t/{scene.bagged.code}").text
    assert EN("ground.court") not in stranger
    assert not any(each.id in stranger for each in placed)


PHONE, DESK = {"width": 390, "height": 800}, {"width": 1100, "height": 900}


@pytest.mark.browser
@pytest.mark.parametrize(("viewport", "words"), [(PHONE, words_in("fr")), (DESK, EN)], ids=["phone", "desk"])
def test_a_hold_is_seen_without_colour(chromium, scene, viewport, words):
    """A shape and words, above the first sentence; another shape once it is lifted; axe finds nothing."""
    bagged, world = scene.bagged, scene.told.world
    base = str(scene.told.client.base_url)
    visitor = Visitor(world.anna.party, world.anna.key.id, frozenset({"miner", "trader"}))
    value, _ = reading.begin_session(world.services, visitor, time.time())
    context = profile(chromium, base_url=base, viewport=viewport, locale=words.language)
    context.add_cookies([{"name": "session", "value": value, "url": base}])
    page = context.new_page()
    shapes = []
    placed = hold(world, ("lot", bagged.lot)), hold(world, ("site", bagged.site))
    for step in ("in force", "lifted"):
        if step == "in force":
            world.take(*placed)
        else:
            for each in placed:
                scene.release(each)
        for path in (f"/t/{bagged.code}", f"/lots/{bagged.lot}", f"/sites/{bagged.site}"):
            page.goto(path)
            notice = page.locator(".notice").first
            assert notice.bounding_box()["y"] < page.locator("h1").bounding_box()["y"]
            shapes.append(
                page.evaluate("getComputedStyle(document.querySelector('.notice b'), '::before').clipPath")
            )
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
            results = Axe().run(page, options=RULES)
            assert results.violations_count == 0, results.generate_report()
    assert len(set(shapes[:3])) == len(set(shapes[3:])) == 1
    assert shapes[0].startswith("polygon")
    assert shapes[3] == "none"
    context.close()
