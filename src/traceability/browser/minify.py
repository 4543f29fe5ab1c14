"""Compiled sections made small: short names for what only they see, and no white space that nothing needs.

Every name is written the same wherever it stands, so scopes need not be looked at. Names behind a point and in quotes
are left as they are, and so are those with a `$` in front, which belong to the runtime or to nobody's eyes.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from string import ascii_letters

from traceability.browser.scope import RESERVED

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*") | (?P<comment>//[^\n]*\n) | (?P<name>[A-Za-z_$][\w$]*) | (?P<number>\d\w*) | (?P<several>\.\.\.|\+\+|--)
    | (?P<space>\s+) | (?P<sign>[^'])""",
    re.VERBOSE | re.DOTALL,
)
_RAW = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*", re.DOTALL)
_KEPT = RESERVED | {"of", "as", "async", "get", "set", "undefined", "Uint8Array"}


def minify(sections: str) -> str:
    """The same program, shorter."""
    tokens = list(_tokens(sections))
    found = Counter(word for before, kind, word in _named(tokens) if kind == "name" and before != ".")
    renamed = [name for name, _ in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))]
    short = dict(zip(renamed, _short_names(), strict=False))
    said: list[str] = [""]
    depth = 0
    for before, kind, word in _named(tokens):
        written = short.get(word, word) if kind == "name" and before != "." else word
        if _runs_together(said[-1][-1:], written[:1]):
            said.append(" ")
        said.append(written)
        depth += (word in "([{") - (word in ")]}")
        if depth == 0 and word in ";}":
            said.append("\n")  # a line for each statement, so that errors have a place
    return "".join(said)


def _named(tokens: list[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Tokens with the one before. Names that must stay are no names here."""
    before = ""
    for kind, word in tokens:
        is_free = kind == "name" and not word.startswith("$") and word not in _KEPT
        yield before, "name" if is_free else "other", word
        before = word


def _runs_together(before: str, after: str) -> bool:
    def in_word(char: str) -> bool:
        return char.isalnum() or char in {"_", "$"}

    return (in_word(before) and in_word(after)) or (before == after and before in ("+", "-"))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """All but white space and comments. Of a template, what is code in it is taken apart too."""
    at = 0
    depths: list[int] = []  # of braces, for each template that is open
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise ValueError(f"no JavaScript: {text[at : at + 40]!r}")
        kind, word = found.lastgroup, found.group()
        at = found.end()
        if kind in ("space", "comment"):
            continue
        if word == "{" and depths:
            depths[-1] += 1
        if word == "}" and depths:
            depths[-1] -= 1
        if word == "`" or (word == "}" and depths and depths[-1] < 0):
            raw = _RAW.match(text, at)
            end = raw.end() if raw else at
            closes = text[end] == "`"
            whole = word + text[at:end] + ("`" if closes else "${")
            at = end + (1 if closes else 2)
            if word == "`" and not closes:
                depths.append(0)
            elif word == "}" and closes:
                depths.pop()
            elif word == "}":
                depths[-1] = 0
            yield "raw", whole
            continue
        yield kind, word


def _short_names() -> Iterator[str]:
    for length in itertools.count(1):
        for letters in itertools.product(ascii_letters, repeat=length):
            name = "".join(letters)
            if name not in _KEPT:
                yield name
