"""Lets the tests of the pages share what lies beside them, and a season behind a real server."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

for folder in (Path(__file__).parent, Path(__file__).parents[1], Path(__file__).parents[1] / "api"):
    sys.path.insert(0, str(folder))


@pytest.fixture(scope="session")
def season(tmp_path_factory) -> Iterator:
    """A season's ledger with pages."""
    from season import season_at

    with season_at(tmp_path_factory.mktemp("season")) as found:
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """A real browser, for one module: Playwright's loop would be in the way of others."""
    from playwright.sync_api import sync_playwright

    from browser import launch_options

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options(), args=QUIET)
        yield browser
        browser.close()
