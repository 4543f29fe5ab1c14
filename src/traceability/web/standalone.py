"""The verifier as one file: the page "Verify a file" with all its scripts in it, in both languages, for whoever keeps it.

It is opened from a disk, and its content security policy forbids it every connection: nothing that is dropped on it
can leave. Scripts stand in it as `data:` addresses, which browsers also run in a worker of a page from a disk.
"""

import base64
import hashlib
import re

from markupsafe import Markup

from traceability.web import assets, look
from traceability.web.words import LANGUAGES, words_in

_SCRIPT = re.compile(r"<script type=\"module\">(.*?)</script>", re.DOTALL)
_ALLOWED = "@allowed@"


def verifier(policy: str | None) -> bytes:
    """The page. With the text of a trust policy it offers that one; without, it asks for the reader's own."""
    page = (
        look.environment()
        .get_template("standalone.html")
        .render(
            asset=assets.inlined,
            words={language: words_in(language) for language in LANGUAGES},
            style=Markup("".join(map(look.style, look.SHEETS))),  # noqa: S704  # our own files
            policy=policy,
            allowed=_ALLOWED,
            alone=True,
        )
    )
    script = _SCRIPT.search(page)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    return page.replace(_ALLOWED, f"'sha256-{digest}'", 1).encode()
