"""The scripts of the pages as they are served: for ever under a name of their own, and nothing but scripts."""

import gzip
import re

import pytest

from traceability import browser
from traceability.browser import bundle
from traceability.web.assets import address, assets


def test_every_script_is_kept_for_ever_under_the_hash_of_its_bytes(season):
    """Immutable, as a script, compressed for who takes that, and free to load nothing but our own."""
    for name, asset in assets().items():
        answer = season.client.get(f"/assets/{name}", headers={"Accept-Encoding": "gzip"})
        assert answer.content == asset.body == gzip.decompress(asset.packed), name
        assert answer.headers["content-encoding"] == "gzip"
        assert season.client.get(f"/assets/{name}", headers={"Accept-Encoding": ""}).content == asset.body
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["content-security-policy"] == "default-src 'none'; script-src 'self'"


def test_scripts_name_each_other_by_their_hashes():
    """A module that is imported is one that is served; nothing is asked of another place, and nothing made of text."""
    for name, asset in assets().items():
        text = asset.body.decode()
        for other in re.findall(r"""["']\./([^"']+)["']""", text):
            assert other in assets(), (name, other)
        assert not re.search(
            r"https?://(?!www\.w3\.org/2000/svg)|\beval\(|new Function|innerHTML|document\.write", text
        ), name


def test_another_name_is_not_there(season):
    """Neither a file by its plain name, nor an old hash, nor a way out of the folder."""
    with pytest.raises(KeyError):
        address("nothing.js")
    for name in ("words.js", "words-0123456789abcdef.js", "..%2Fpages.py", "assets.py"):
        assert season.client.get(f"/assets/{name}").status_code == 404, name


def test_the_verifier_is_made_once_and_a_damaged_copy_is_not_served(tmp_path, monkeypatch):
    """The next process finds it kept; of one with a byte changed, or cut off, nothing is taken."""
    monkeypatch.setattr(browser, "_KEPT", tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "verifier-of-older-sources.js").touch()
    make = browser.module.__wrapped__
    made = make()
    (kept,) = (tmp_path / "kept").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(bundle, "bundle", lambda: pytest.fail("it was made again"))
        assert make() == made
    monkeypatch.setattr(bundle, "bundle", lambda: "made anew")
    data = kept.read_bytes()
    for spoiled in (data[:-1], data[:9000] + b"?" + data[9001:], b""):
        kept.write_bytes(spoiled)
        assert make() == b"made anew"
