"""The verifier as one file, opened from a disk by a real Chromium that may connect to nothing."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from browser import profile
from memory import MemoryLedger
from showing import file_of
from traceability.cli import app

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The page with a policy and without one, the policy, an honest file and one with a byte changed."""
    ledger = MemoryLedger()
    miner = ledger.enrol("miner", ["miner"], algorithm="ES256")
    data = file_of(ledger, ledger.produce(miner, "38.40", site=ledger.site(miner)))
    made = tmp_path_factory.mktemp("kept")
    (made / "trust.policy").write_bytes(ledger.policy().encode())
    (made / "bag.evidence.json").write_bytes(data)
    (made / "spoiled.evidence.json").write_bytes(data.replace(b"38.40", b"38.50", 1))
    for words in (
        ["--out", str(made / "mine.html"), "--policy", str(made / "trust.policy")],
        ["--out", str(made / "anybody.html")],
    ):
        app(["verifier", *words], standalone_mode=False)
    return made


@pytest.fixture
def page(chromium: Browser):
    """A page that notes whatever it asks for besides itself, and whatever goes wrong on it."""
    context = profile(chromium, viewport={"width": 390, "height": 844})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text))
    page.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or wrong.append(asked.url))
    yield page
    context.close()
    assert not wrong


def opened(page: Page, path: Path, language: str) -> None:
    page.goto(f"{path.as_uri()}#{language}")
    page.wait_for_selector("#check:not([hidden])")


def verdict(page: Page) -> str:
    page.wait_for_selector("#verdict h2")
    return page.inner_text("#verdict h2")


def test_it_verifies_with_the_policy_it_was_made_with(folder, page):
    """An honest file holds, a spoiled one fails at the step that is said, in both languages."""
    opened(page, folder / "mine.html", "en")
    page.set_input_files("#file", folder / "bag.evidence.json")
    assert "Holds as shown" in verdict(page)
    assert page.locator("#steps li").count() == 11
    page.click("header a")
    page.wait_for_selector("html[lang=fr]")
    page.wait_for_selector("#check:not([hidden])")
    page.set_input_files("#file", folder / "spoiled.evidence.json")
    assert verdict(page).endswith("Échec")


def test_without_one_it_asks_for_the_readers_own(folder, page):
    """Nothing is verified before somebody is believed."""
    opened(page, folder / "anybody.html", "en")
    page.set_input_files("#file", folder / "bag.evidence.json")
    page.wait_for_selector("#status:has-text('Choose your trust policy')")
    page.set_input_files("#policy", folder / "trust.policy")
    assert "Holds as shown" in verdict(page)


def test_it_may_connect_to_nothing(folder, chromium: Browser):
    """Even a script in the page could not send anything away: the browser refuses."""
    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    opened(page, folder / "mine.html", "en")
    assert (
        page.evaluate("fetch('https://ledger.example.org/').then(() => 'sent', () => 'refused')") == "refused"
    )
    page.close()
    assert "Content Security Policy" in said[0]
