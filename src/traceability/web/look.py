"""Templates and style, and the page as bytes: readable in one request, and nobody else's server.

The style sheets stand inline in the pages and are allowed by their hashes, so that the content security policy
can forbid everything else. Pages on which something is checked on the reader's own device load scripts of ours
(`assets`) after they can be read; all others may run none.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from traceability.web import assets
from traceability.web.words import Language, words_in

SHEETS = ("style.css", "more.css")
"""Inline in every page, and in every page but a tag's."""
SCRIPTED = ("lot.html", "tag.html", "verify.html")
"""The pages that may run our scripts, and those may ask this server and no other."""


class End(NamedTuple):
    """That the log ends: what everybody is told, on every page."""

    title: str
    says: str
    goes_on: str
    successor: str
    """Where it goes on; empty where that is not known, or not yet the case."""

    @property
    def has_come(self) -> bool:
        """Whether nothing is taken any more."""
        return self.goes_on != ""


class Frame(NamedTuple):
    """What stands around every page."""

    name: str
    """The ledger's name, as its genesis says it."""
    log: str
    demo: bool
    paused: bool
    """It signs nothing now, so what is newer may be missing."""
    end: End | None
    other_language: Language
    other_language_url: str
    signed_in: bool


@cache
def environment() -> Environment:
    """The templates, escaping everywhere; a name a template does not know is a fault."""
    made = Environment(
        loader=PackageLoader("traceability.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["asset"] = assets.address
    return made


@cache
def style(name: str) -> str:
    """A style sheet without comments and needless space."""
    text = (resources.files("traceability.web") / "templates" / name).read_text("utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" ?([{};,]) ?", r"\1", text).replace(";}", "}").replace(": ", ":").strip()


@cache
def policy(template: str) -> str:
    """The content security policy of a page: our own styles and forms, where it checks something our scripts, and nothing else."""
    digests = [base64.b64encode(hashlib.sha256(style(name).encode()).digest()).decode() for name in SHEETS]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    scripts = "script-src 'self'; worker-src 'self'; connect-src 'self'; " if template in SCRIPTED else ""
    return (
        f"default-src 'none'; style-src {allowed}; img-src data:; {scripts}form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def render(template: str, language: Language, frame: Frame, said: Mapping[str, object]) -> str:
    """A page. `said` is what the template prints, beside `t` (the words) and `frame`."""
    styles = [Markup(style(name)) for name in SHEETS]  # noqa: S704  # our own files
    known = {"t": words_in(language), "frame": frame, "style": styles[0], "more_style": styles[1]}
    return environment().get_template(template).render({**known, **said})
