"""Compiled sections made small: short names for what only they see, and no white space that nothing needs.

A name that stands at top level is written the same wherever it stands, with two letters or more. Any other belongs to
the function around it, and begins again with `a` in the next, so that functions look alike to whoever packs them. What
is often taken from the runtime or a shim (`$.getitem`) gets a name at top level. Names behind a point and in quotes
are left as they are, and so are those with a `$` in front that the compiler did not make up.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from string import ascii_letters

from traceability.browser.scope import RESERVED

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*") | (?P<comment>//[^\n]*\n)
    | (?P<taken>(?<!\.)\$(?:[a-z][a-z_]\w*)?\.[A-Za-z_][\w$]*) | (?P<name>[A-Za-z_$][\w$]*) | (?P<number>\d\w*) | (?P<several>\.\.\.|\+\+|--)
    | (?P<space>\s+) | (?P<sign>[^'])""",
    re.VERBOSE | re.DOTALL,
)
_RAW = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*", re.DOTALL)
_KEPT = RESERVED | {"of", "as", "async", "get", "set", "undefined", "Uint8Array"}
_MADE_UP = re.compile(r"\$([a-z]\d+\$?|[rs])")
_OFTEN = 3
"""How often something must be taken from a library for a name of its own to be shorter."""

_Token = tuple[str, str]


def minify(sections: str) -> str:
    """The same program, shorter."""
    statements = list(_statements(_named(_tokens(sections))))
    everywhere = Counter(word for each in statements for kind, word in each if kind in ("name", "taken"))
    at_top = {word for each in statements for word in _at_top(each)}
    at_top |= {word for word, times in everywhere.items() if "." in word and times >= _OFTEN}
    ordered = sorted(at_top, key=lambda word: (-everywhere[word], word))
    short = dict(zip(ordered, _names_of(2), strict=False))
    return _taken(short) + "".join(_written(_renamed(each, short)) for each in statements)


def _taken(short: dict[str, str]) -> str:
    """The statements that take from libraries what has a name of its own."""
    of: dict[str, list[str]] = {}
    for word, name in short.items():
        library, point, what = word.partition(".")
        if point:
            of.setdefault(library, []).append(f"{what}:{name}")
    return "".join(f"const{{{','.join(of[library])}}}={library};\n" for library in sorted(of))


def _named(tokens: Iterable[_Token]) -> Iterator[_Token]:
    """The same tokens; names that must stay are no names any more."""
    before = ""
    for kind, word in tokens:
        is_free = not word.startswith("$") or _MADE_UP.fullmatch(word)
        yield (kind if kind != "name" or (is_free and word not in _KEPT and before != ".") else "other"), word
        before = word


def _statements(tokens: Iterable[_Token]) -> Iterator[list[_Token]]:
    """The tokens of each statement at top level."""
    depth = 0
    statement: list[_Token] = []
    for kind, word in tokens:
        statement.append((kind, word))
        depth += (word in "([{") - (word in ")]}")
        if depth == 0 and word in ";}":
            yield statement
            statement = []
    if statement:
        yield statement


def _at_top(statement: list[_Token]) -> Iterator[str]:
    """The names outside of all brackets."""
    depth = 0
    for kind, word in statement:
        depth += (word in "([{") - (word in ")]}")
        if depth == 0 and kind == "name":
            yield word


def _renamed(statement: list[_Token], short: dict[str, str]) -> Iterator[str]:
    """The words of a statement. Functions in it begin with the names that it has outside of them."""
    parted = list(_functions(statement))
    shared = _local((word for inside, kind, word in parted if not inside and kind == "name"), short, {})
    function, local = 0, shared
    for inside, kind, word in parted:
        if inside != function:
            function = inside
            own = (word for part, kind, word in parted if part == inside and kind == "name")
            local = _local(own, short, shared) if inside else shared
        yield short.get(word) or local.get(word, word) if kind in ("name", "taken") else word


def _functions(statement: list[_Token]) -> Iterator[tuple[int, str, str]]:
    """Its tokens, with the number of the outermost function each is in; 0 outside."""
    depth, found, inside, outer = 0, 0, 0, 0
    for kind, word in statement:
        if word == "function" and not inside:
            found += 1
            inside, outer = found, depth
        yield inside, kind, word
        depth += (word in "([{") - (word in ")]}")
        if word == "}" and depth == outer:
            inside = 0


def _local(words: Iterable[str], short: dict[str, str], known: dict[str, str]) -> dict[str, str]:
    """Short names for those that are not at top level, in the order they come in, behind what is known."""
    own = [word for word in dict.fromkeys(words) if word not in short and word not in known]
    return known | dict(zip(own, itertools.islice(_local_names(), len(known), None), strict=False))


def _local_names() -> Iterator[str]:
    yield from ascii_letters
    yield from ("_" + name for name in _names_of(1))


def _names_of(length: int) -> Iterator[str]:
    """All names of so many letters, then those of more."""
    for longer in itertools.count(length):
        for letters in itertools.product(ascii_letters, repeat=longer):
            name = "".join(letters)
            if name not in _KEPT:
                yield name


def _written(words: Iterable[str]) -> str:
    """A statement in a line of its own, so that errors have a place."""
    said = [""]
    for word in words:
        if _runs_together(said[-1][-1:], word[:1]):
            said.append(" ")
        said.append(word)
    return "".join(said) + "\n"


def _runs_together(before: str, after: str) -> bool:
    def in_word(char: str) -> bool:
        return char.isalnum() or char in {"_", "$"}

    return (in_word(before) and in_word(after)) or (before == after and before in ("+", "-"))


def _tokens(text: str) -> Iterator[_Token]:
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
