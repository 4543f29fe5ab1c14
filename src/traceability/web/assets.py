"""The scripts of the pages: ES modules of our own, each under a name that holds the hash of its bytes.

A file of `scripts/` names another as `"./other.js"`; in what is served the name is the hashed one, so whatever
changes gets a new address and a browser may keep each for ever. Besides the files there is `words-en.js` and
`words-fr.js`: the messages that scripts say, out of the pages' own catalogues, with the units masses are said in
and the lists that figures of findings are codes of.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from threading import Lock
from typing import NamedTuple
from urllib.parse import quote

from traceability.browser import module
from traceability.core.forms import STONES
from traceability.web.figures import LISTS
from traceability.web.words import CATALOGUES, LANGUAGES, UNITS

PATH = "/assets/{name}"
SAID = (
    "account", "and", "check", "device", "figured", "form", "kind", "label", "less_than", "lot", "mineral", "months", "named",
    "origin", "rule", "sealed", "severity", "told",
)  # fmt: skip
"""Which messages scripts say, by how their keys begin; beside those for the figures of findings (`figures.LISTS`)."""
_SAID = {*SAID, *(name for lists in LISTS.values() for name in lists)}
_MAKING = Lock()
_NAMED = re.compile(r'"\./([a-z_-]+\.js)"')
_PLAIN = " !$()*+,-./:;=?@[]^_`{|}~"
"""What may stand as it is in a `data:` address that is a string of a script, or of a page."""
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'",
    "Content-Type": "text/javascript; charset=utf-8",
    "Vary": "Accept-Encoding",
}
"""What a script is served with. The policy is what a worker that it starts may do: load our modules, and no more."""


class Asset(NamedTuple):
    """A script as it is served."""

    name: str
    body: bytes
    packed: bytes
    """The same by gzip."""


def assets() -> Mapping[str, Asset]:
    """Every script by the name it is served under. Made once; whoever asks meanwhile waits."""
    with _MAKING:
        return _assets()


@cache
def _assets() -> Mapping[str, Asset]:
    return {each.name: each for each in (_asset(name) for name in _names())}


def address(name: str) -> str:
    """Where a script is, by the name it has in `scripts/`. Raises KeyError where there is none."""
    return PATH.format(name=_asset(name).name)


@cache
def inlined(name: str) -> str:
    """A script as an address that holds it, and all that it names: for a page that asks nobody."""
    text = _NAMED.sub(lambda match: f'"{inlined(match[1])}"', _source(name))
    return f"data:text/javascript,{quote(text, safe=_PLAIN)}"


@cache
def _asset(name: str) -> Asset:
    text = _NAMED.sub(lambda match: f'"./{_asset(match[1]).name}"', _source(name))
    body = text.encode()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return Asset(f"{name.removesuffix('.js')}-{digest}.js", body, gzip.compress(body, 9, mtime=0))


def _names() -> Iterator[str]:
    folder = resources.files("traceability.web") / "scripts"
    yield from sorted(file.name for file in folder.iterdir() if file.name.endswith(".js"))
    yield from ("verifier.js", *(f"words-{language}.js" for language in LANGUAGES))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _source(name: str) -> str:
    for language in LANGUAGES:
        if name == f"words-{language}.js":
            said = {key: text for key, text in CATALOGUES[language].items() if key.split(".")[0] in _SAID}
            lists = {"UNITS": UNITS, "STONES": sorted(STONES), "LISTS": LISTS}
            known = "".join(f"export const {name} = {_json(value)};\n" for name, value in lists.items())
            return f"export default {_json(said)};\n{known}"
    if name == "verifier.js":
        return module().decode()
    file = resources.files("traceability.web") / "scripts" / name
    if not file.is_file():
        raise KeyError(name)
    return file.read_text("utf-8")
