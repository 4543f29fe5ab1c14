"""The pages in a real browser: readable without script, on a small phone, by keyboard and by screen reader."""

import re
import time
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile import PAYLOADS, hostile_at
from playwright.sync_api import Browser, Page
from test_pages import session

from browser import profile
from traceability.api import reading
from traceability.api.permission import Visitor
from traceability.web.registers import REGISTERS

pytestmark = pytest.mark.browser
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def paths(season):
    """A page of each kind; those behind a session begin with the role that opens them."""
    party = next(p.id for p in season.records("party").values() if p.facts[-1].public_name)
    lot_id = season.roles["exporter"].lots[0]
    twice = next(n for n, tag in season.records("tag").items() if len(tag.on) > 1)
    codes = season.codes()
    burst = next(n for n, tag in season.records("tag").items() if not tag.on and n in codes)
    return {
        "front": "/",
        "verify": "/verify",
        "bag": f"/t/{season.tag('bag')}",
        "drum": f"/t/{season.tag('drum')}",
        "burst": f"/t/{codes[burst]}",
        "foreign": f"/t/{twice}",
        "site": f"/sites/{next(iter(season.records('site')))}",
        "party": f"/parties/{party}",
        "names": "/search?q=cooperative",
        "nothing": "/search?q=nothing",
        "not here": "/lots/nothing",
        "sign-in": "/sign-in",
        "lot": f"/lots/{lot_id}",
        "event": f"/events/{season.records('lot')[lot_id].maker}",
    }


@pytest.fixture(scope="module")
def cookie(season):
    """The session cookie of the exporter."""
    with session(season, "exporter") as client:
        return {"name": "session", "value": client.cookies["session"], "url": season.server.url}


@pytest.fixture(scope="module")
def overseen(season):
    """The lists, and a site, a party, a roll and a lot with all that an overseer sees of them."""
    tallies = season.records("tally")
    outputs = (id_.split(":")[1] for id_ in tallies if id_.startswith("output:"))
    noticed = max(season.records("lot").values(), key=lambda lot: lot.place.finding_count)
    held = next(id_ for hold in season.records("hold").values() for _, id_ in hold.subjects)
    return {
        **{name: f"/{name}" for name in REGISTERS},
        "filtered": f"/findings?severity=severe&about=lot:{noticed.id}",
        "site": f"/sites/{next(outputs)}",
        "party": f"/parties/{season.roles['trader'].party}",
        "roll": f"/rolls/{next(iter(season.records('roll')))}",
        "front": "/",
        "lot": f"/lots/{noticed.id}",
        "held lot": f"/lots/{held}",
        "exported lot": f"/lots/{season.roles['importer'].lots[0]}",
    }


@pytest.fixture(scope="module")
def overseer(season):
    """The session cookie of the auditor."""
    with session(season, "auditor") as client:
        return {"name": "session", "value": client.cookies["session"], "url": season.server.url}


def opened(chromium: Browser, season, cookie, **options) -> Page:
    context = profile(chromium, base_url=season.server.url, **options)
    context.add_cookies([cookie])
    return context.new_page()


@pytest.mark.parametrize(
    ("viewport", "scheme", "locale", "looked_at"),
    [
        (PHONE, "light", "fr-FR", None),
        (DESK, "dark", "en-GB", ["front", "drum", "burst", "lot", "event", "sign-in"]),
    ],
)
def test_axe_finds_nothing(chromium, season, paths, cookie, viewport, scheme, locale, looked_at):
    """WCAG 2.2 AA: contrast, targets, names, landmarks, in both schemes and languages."""
    page = opened(chromium, season, cookie, viewport=viewport, color_scheme=scheme, locale=locale)
    for name in looked_at or paths:
        page.goto(paths[name])
        results = Axe().run(page, options=RULES)
        assert results.violations_count == 0, f"{name}: {results.generate_report()}"
    page.context.close()


def ours(season, url: str) -> bool:
    """Whether a page that verifies may ask for this: scripts, the log, the lot's own evidence, and nobody else."""
    return (
        re.match(
            r"/(assets/|checkpoint$|v1/log/|v1/lots/[^/]+/evidence$)", url.removeprefix(season.server.url)
        )
        is not None
    )


def without_device(page: Page) -> str:
    """What stands on a page but for what the reader's own device has to say, and the form that only it can use."""
    page.evaluate(
        "document.querySelectorAll('#device, #label, #check, #needs').forEach(each => each.remove())"
    )
    return page.inner_text("body")


def test_pages_read_the_same_without_script(chromium, season, paths, cookie):
    """One request and not a word that needs script, but where the reader's own device verifies: that says it did not."""
    texts = []
    for script in (True, False):
        page = opened(chromium, season, cookie, viewport=PHONE, java_script_enabled=script, locale="en-GB")
        asked, said = [], []
        page.on("request", lambda request, asked=asked: asked.append(request))
        page.on("console", lambda message, said=said: said.append(message.text))
        read = {}
        for name, path in paths.items():
            asked.clear()
            page.goto(path, wait_until="load")
            pages = [each.url for each in asked if each.is_navigation_request()]
            # Of the page before, too: it may ask late.
            others = [each.url for each in asked if not each.is_navigation_request()]
            assert pages == [season.server.url + path], name
            assert all(ours(season, url) for url in others), (name, others)
            if not script:
                assert others == [], name
            read[name] = without_device(page)
        assert [text for text in said if "404" not in text] == []
        texts.append(read)
        page.context.close()
    assert texts[0] == texts[1]


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_overflows_sideways(chromium, season, paths, cookie, width):
    """From the smallest phone to a desk: no page scrolls sideways, and no text is below 16 px."""
    viewport = {"width": width, "height": 740}
    page = opened(chromium, season, cookie, viewport=viewport, locale="fr-FR")
    for name, path in paths.items():
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        small = page.evaluate(
            """[...document.querySelectorAll('main *, footer *, header *')]
            .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
                && parseFloat(getComputedStyle(e).fontSize) < 15.9
                && !e.closest('pre, code, .code'))
            .map(e => e.textContent)"""
        )
        assert small == [], name
    page.context.close()


@pytest.mark.parametrize(("width", "locale", "scheme"), [(390, "fr-FR", "light"), (1200, "en-GB", "dark")])
def test_what_an_overseer_reads_is_as_plain(chromium, season, overseen, overseer, width, locale, scheme):
    """Lists, charts and accounts: nothing scrolls sideways, axe finds nothing, and no script is needed."""
    options = {"viewport": {"width": width, "height": 800}, "locale": locale, "color_scheme": scheme}
    page = opened(chromium, season, overseer, **options)
    plain = opened(chromium, season, overseer, java_script_enabled=False, **options)
    for name, path in overseen.items():
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        results = Axe().run(page, options=RULES)
        assert results.violations_count == 0, f"{name}: {results.generate_report()}"
        small = page.evaluate(
            """[...document.querySelectorAll('button, input:not([type=hidden]), select, summary, header a')]
            .filter(e => e.checkVisibility())
            .map(e => [e.outerHTML.slice(0, 80), (e.closest('.choice') ?? e).getBoundingClientRect().height])
            .filter(([, height]) => height < 43)"""
        )
        assert small == [], name
        plain.goto(path)
        assert without_device(plain) == without_device(page), name
    page.context.close()
    plain.context.close()


def test_targets_are_generous(chromium, season, paths, cookie):
    """What can be acted on by itself is at least 44 px high on a phone: buttons, fields, links in lists."""
    page = opened(chromium, season, cookie, viewport=PHONE, locale="en-GB")
    for name, path in paths.items():
        page.goto(path)
        heights = page.evaluate(
            """[...document.querySelectorAll('button, input, textarea, summary, header a, .list a')]
            .filter(e => e.checkVisibility())
            .map(e => [e.outerHTML.slice(0, 80), (e.closest('.choice') ?? e).getBoundingClientRect().height])"""
        )
        assert all(height >= 43 for _, height in heights), (name, heights)
    page.context.close()


def test_a_keyboard_is_enough(chromium, season, paths, cookie):
    """The first stop skips to the page, each stop can be seen, and the box is filled in and sent without a mouse."""
    page = opened(chromium, season, cookie, viewport=DESK, locale="en-GB")
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.hash") == "#page"
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "q"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    page.keyboard.type(season.tag("bag"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{paths['bag']}")
    page.context.close()


def test_the_river_can_be_read_as_a_table(chromium, season, paths, cookie):
    """For who cannot see it the drawing is a table with headings, and the drawing itself is silent."""
    page = opened(chromium, season, cookie, viewport=PHONE, locale="en-GB")
    page.goto(paths["drum"])
    tree = page.locator("table.river").aria_snapshot()
    assert 'columnheader "What"' in tree
    assert "rowheader" in tree
    assert "img" not in tree
    assert page.locator("table.river tbody tr").count() >= 8
    page.context.close()


def test_signing_in_by_form_works_without_script(chromium, season):
    """Paste the line, press the button, and the own lots are there; the button at the foot ends it."""
    from test_pages import signed_line

    context = profile(chromium, base_url=season.server.url, java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("textarea", signed_line(season, "exporter"))
    page.click("main button")
    lot_id = season.roles["exporter"].lots[0]
    page.click(f'a[href="/lots/{lot_id}"]')
    assert "Kivu" in page.inner_text("h1")
    page.click("footer button")
    assert page.goto(f"/lots/{lot_id}").status == 404
    context.close()


# Attacks


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    with hostile_at(tmp_path_factory.mktemp("hostile")) as found:
        yield found


@pytest.mark.threat("T68")
def test_no_text_of_the_ledger_is_ever_executed(chromium, hostile):
    """Payloads in every open text field and in addresses: nothing runs, even with the policy switched off."""
    visitor = Visitor(hostile.auditor.party, hostile.auditor.key.id, frozenset({"auditor"}))
    value, _ = reading.begin_session(hostile.services, visitor, time.time())
    context = profile(chromium, base_url=hostile.server.url, bypass_csp=True, locale="en-GB")
    context.add_cookies([{"name": "session", "value": value, "url": hostile.server.url}])
    ran, asked = [], []
    context.expose_function("hacked", lambda: ran.append(True))
    page = context.new_page()
    page.on("dialog", lambda dialog: (ran.append(True), dialog.dismiss()))
    page.on("request", lambda request: asked.append((request.resource_type, request.url)))
    typed = [*PAYLOADS[:6], PAYLOADS[15]]
    seen = ""
    for path in [
        "/",
        f"/t/{hostile.code}",
        "/t/rmb:RW1",
        *(f"/lots/{id_}" for id_ in hostile.lots),
        *(f"/events/{id_}" for id_ in hostile.events),
        *(f"/sites/{id_}" for id_ in hostile.sites),
        *(f"/parties/{id_}" for id_ in hostile.parties),
        *(f"/search?q={quote(text)}" for text in typed),
        *(f"/search?q=x&{quote(text)}={quote(text)}&lang=en" for text in typed[:2]),
        *(f"/t/{quote(text, safe='')}" for text in typed[:2]),
        *(f"/{quote(text, safe='')}?lang={quote(text)}" for text in typed[:2]),
    ]:
        asked.clear()
        page.goto(path)
        assert all(
            ours(hostile, url) or (kind == "document" and url.startswith(hostile.server.url))
            for kind, url in asked
        ), asked
        assert (
            page.evaluate(
                "document.querySelectorAll('script:not([src^=\"/assets/\"]), iframe, base, img, math').length"
            )
            == 0
        ), path
        assert (
            page.evaluate("document.querySelectorAll('meta[http-equiv], [autofocus], [onfocus]').length") == 0
        )
        seen += page.text_content("body")
    assert not ran
    shown = {int(number) for number in re.findall(r"#([0-9]+)#", seen)}
    assert len(shown) > 30
    assert "{{ cycler" in seen
    context.close()


@pytest.mark.threat("T68")
def test_every_page_forbids_what_it_does_not_need(chromium, season, paths, cookie):
    """With the policy on, a script put into the page by hand does not run."""
    page = opened(chromium, season, cookie, viewport=PHONE)
    page.goto(paths["bag"])
    blocked = page.evaluate(
        """() => new Promise(done => {
            document.addEventListener('securitypolicyviolation', e => done(e.effectiveDirective));
            const s = document.createElement('script'); s.textContent = 'window.ran = 1';
            document.body.append(s); setTimeout(() => done('ran'), 1000);
        })"""
    )
    assert blocked.startswith("script-src")
    assert page.evaluate("window.ran") is None
    page.context.close()
