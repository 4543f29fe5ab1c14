"""The runtime and the shims made small: short names for what is theirs alone, and no white space that nothing needs.

They are written by hand, so more forms stand in them than in what is compiled: keys of objects and classes are told
from names by the brackets around them. What begins with a capital letter or a `$`, or belongs to browsers, keeps its
name; so a file may use of a browser, in small letters, only what is listed here.
"""

from collections.abc import Iterator
from itertools import pairwise

from traceability.browser.minify import KEPT, Token, shortened, tokens

BROWSERS = frozenset({"crypto", "globalThis", "parseInt"})
"""What the files use of browsers that begins with a small letter."""

_OBJECT, _CLASS, _BLOCK = "object", "class", "block"
_BEFORE_BLOCKS = frozenset({")", ">", ";", "{", "}", "else", "try", "finally", "do", ""})
_MARKS = frozenset({"get", "set", "static", "async", "*"})


def shorten(text: str) -> str:
    """The same statements, shorter."""
    return shortened(_words(list(tokens(text))))


def _words(found: list[Token]) -> Iterator[Token]:
    inside = [""]
    before, class_begins = "", False
    for (kind, word), (_, after) in pairwise([*found, ("", "")]):
        if word in (")", "]", "}") or (kind == "raw" and word.startswith("}")):
            inside.pop()
        if kind != "name":
            yield kind, word
        elif (
            word in KEPT | BROWSERS
            or not word[0].islower()
            or before == "."
            or _is_key(inside[-1], before, after)
        ):
            yield "other", word
        elif inside[-1] == _OBJECT and before in ("{", ",") and after in (",", "}", "="):
            yield "shorthand", word
        else:
            yield "name", word
        if word == "{":
            inside.append(_CLASS if class_begins else _BLOCK if before in _BEFORE_BLOCKS else _OBJECT)
            class_begins = False
        elif word in ("(", "[") or (kind == "raw" and word.endswith("${")):
            inside.append(word)
        class_begins |= word == "class"
        before = word


def _is_key(inside: str, before: str, after: str) -> bool:
    """Whether a name is that of a property that is made here."""
    if inside == _CLASS:
        return before in _MARKS | {"{", "}", ";"}
    begins = before in _MARKS | {"{", ","}
    return inside == _OBJECT and begins and after in (":", "(")
