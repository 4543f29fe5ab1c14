"""Finds the Chromium that the browser tests drive, and as a program installs one where there is none.

    python tests/browser.py

Looked for in this order: CHROMIUM (a path), Debian's and other people's packages on the PATH, Playwright's
own. Installed, where missing: Debian's package by root, else Playwright's download; where neither works, a
sentence says what to do.
"""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patience import SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADVICE = (
    "The browser tests need a Chromium: install the package chromium, or name one with CHROMIUM=/path/to/it. "
    "Without one, run the others: .venv/bin/pytest -m 'not browser'"
)


@functools.cache
def chromium() -> str | None:
    """Path of a Chromium that starts, or None."""
    named = os.environ.get("CHROMIUM")
    packaged = [named] if named else [shutil.which(name) for name in NAMES]
    return next((path for path in packaged if path and _runs(path, "--version")), None) or _playwrights()


def launch_options() -> dict[str, str]:
    """What to pass to Playwright's `chromium.launch`. Raises RuntimeError, saying what to do, without one."""
    path = chromium()
    if path is None:
        raise RuntimeError(ADVICE)
    return {"executable_path": path}


def profile(browser: "Browser", **options: Any) -> "BrowserContext":
    """A fresh profile of Playwright's browser; what it waits for may take as long as anywhere in these tests."""
    made = browser.new_context(**options)
    made.set_default_timeout(SECONDS * 1000)
    return made


def _playwrights() -> str | None:
    # In a process of its own, because Playwright cannot be started twice in one.
    ask = "from playwright.sync_api import sync_playwright as p\nwith p() as a: print(a.chromium.executable_path)"
    path = _runs(sys.executable, "-c", ask).strip()
    return path if path and Path(path).exists() else None


def _runs(*command: str) -> str:
    """What the command printed; empty where it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _install() -> None:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *command], env=quiet, stdout=subprocess.DEVNULL, check=False)
    chromium.cache_clear()
    if chromium() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
        chromium.cache_clear()


if __name__ == "__main__":
    if chromium() is None:
        _install()
    sys.exit(0 if chromium() else ADVICE)
