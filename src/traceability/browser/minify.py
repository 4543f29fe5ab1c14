"""Compiled sections made small: short names for what only they see, and no white space that nothing needs.

A name that stands at top level is written the same wherever it stands, and begins with a capital. Any other belongs to
the function around it, and begins again with `a` in the next, so that functions look alike to whoever packs them. What
is often taken from the runtime or a shim (`$.getitem`) gets a name at top level. Names behind a point and in quotes
are left as they are, and so are those with a `$` in front that the compiler did not make up.
"""

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from string import ascii_letters, ascii_lowercase, ascii_uppercase

from traceability.browser.scope import RESERVED

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*") | (?P<comment>//[^\n]*\n)
    | (?P<taken>(?<!\.)\$(?:[a-z][a-z_]\w*)?\.[A-Za-z_][\w$]*) | (?P<name>[A-Za-z_$][\w$]*) | (?P<number>\d\w*) | (?P<several>\.\.\.|\+\+|--)
    | (?P<space>\s+) | (?P<sign>[^'])""",
    re.VERBOSE | re.DOTALL,
)
_RAW = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*", re.DOTALL)
_FORM = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
KEPT = RESERVED | {"of", "as", "async", "get", "set", "undefined", "Uint8Array"}
_RENAMED = frozenset({"name", "taken", "shorthand"})
_MADE_UP = re.compile(r"\$([a-z]\d+\$?|[rs]|_\d+)")
_NUMBERED = re.compile(r"\w+(\$_\d+)")
_FIXED = {"$s": "s", "$r": "r", "$_0": "i", "$_1": "j", "$_2": "k"}
"""What every comprehension calls alike: what it goes over, what it makes, and its names, those of outer ones first."""
_IN_BRACES = frozenset(
    {"function", "async", "class", "for", "while", "if", "else", "try", "catch", "finally", "{"}
)
"""What begins a statement that a brace ends."""
_OFTEN = 3
"""How often something must be taken from a library for a name of its own to be shorter."""

Token = tuple[str, str]


def minify(sections: str) -> str:
    """The same program, shorter."""
    return shortened(_named(tokens(sections)))


def shortened(words: Iterable[Token]) -> str:
    """The program of these tokens; a `name` may get another, a `shorthand` is a property that is called like one."""
    statements = list(_statements(words))
    everywhere = Counter(word for each in statements for kind, word in each if kind in _RENAMED)
    at_top = {word for each in statements for word in _at_top(each)}
    at_top |= {word for word, times in everywhere.items() if "." in word and times >= _OFTEN}
    ordered = sorted(at_top, key=lambda word: (-everywhere[word], word))
    kept = KEPT | {word for each in statements for kind, word in each if kind == "other"}
    short = _FIXED | dict(zip(ordered, _names(ascii_uppercase, kept), strict=False))
    local = list(itertools.islice(_names(ascii_lowercase, kept | set(_FIXED.values())), 600))
    return _taken(short) + "".join(_written(_renamed(each, short, local)) for each in statements)


def _taken(short: dict[str, str]) -> str:
    """The statements that take from libraries what has a name of its own."""
    of: dict[str, list[str]] = {}
    for word, name in short.items():
        library, point, what = word.partition(".")
        if point:
            of.setdefault(library, []).append(f"{what}:{name}")
    return "".join(f"const{{{','.join(of[library])}}}={library};\n" for library in sorted(of))


def _named(tokens: Iterable[Token]) -> Iterator[Token]:
    """The same tokens; names that must stay are no names any more."""
    before = ""
    for kind, called in tokens:
        word = _NUMBERED.sub(r"\1", called) if kind == "name" else called
        is_free = not word.startswith("$") or _MADE_UP.fullmatch(word)
        yield (kind if kind != "name" or (is_free and word not in KEPT and before != ".") else "other"), word
        before = word


def _statements(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    """The tokens of each statement at top level."""
    depth = 0
    statement: list[Token] = []
    for kind, word in tokens:
        statement.append((kind, word))
        depth += (word in "([{") - (word in ")]}")
        if depth == 0 and (word == ";" or (word == "}" and statement[0][1] in _IN_BRACES)):
            yield statement
            statement = []
    if statement:
        yield statement


def _at_top(statement: list[Token]) -> Iterator[str]:
    """The names outside of all brackets."""
    depth = 0
    for kind, word in statement:
        depth += (word in "([{") - (word in ")]}")
        if depth == 0 and kind == "name":
            yield word


def _renamed(statement: list[Token], short: dict[str, str], local: list[str]) -> Iterator[str]:
    """The words of a statement. Functions in it begin with the names that it has outside of them."""
    parted = list(_functions(statement))
    own: dict[int, list[str]] = {}
    for inside, kind, word in parted:
        if kind in ("name", "shorthand") and word not in short:
            own.setdefault(inside, []).append(word)
    shared = dict(zip(dict.fromkeys(own.pop(0, [])), local, strict=False))
    names = {0: short | shared}
    for inside, words in own.items():
        more = [word for word in dict.fromkeys(words) if word not in shared]
        names[inside] = names[0] | dict(zip(more, local[len(shared) :], strict=False))
    for inside, kind, word in parted:
        said = names.get(inside, names[0]).get(word, word) if kind in _RENAMED else word
        yield f"{word}:{said}" if kind == "shorthand" else said


def _functions(statement: list[Token]) -> Iterator[tuple[int, str, str]]:
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


def _names(first: str, kept: Collection[str]) -> Iterator[str]:
    """Names that begin with one of these letters, the shorter first, without those that something else has."""
    for more in range(3):
        for letters in itertools.product(first, *[ascii_letters] * more):
            name = "".join(letters)
            if name not in kept:
                yield name


def _tidied(words: Iterable[str]) -> list[str]:
    """Without what may be left out: a semicolon before a brace, brackets around the one parameter of an arrow."""
    said: list[str] = []
    for word in words:
        if word == "}" and said and said[-1] == ";" and said[-2] not in ("(", ";"):
            said.pop()
        match said[-4:]:
            case "(", name, ")", "=" if word == ">" and name.isidentifier() and said[-5:-4] != ["async"]:
                said[-4:] = name, "="
        said.append(word)
    return said


def _written(words: Iterable[str]) -> str:
    """A statement in a line of its own, so that errors have a place."""
    said = [""]
    for word in _tidied(words):
        if _runs_together(said[-1][-1:], word[:1]):
            said.append(" ")
        said.append(word)
    return "".join(said) + "\n"


def _runs_together(before: str, after: str) -> bool:
    def in_word(char: str) -> bool:
        return char.isalnum() or char in {"_", "$"}

    return (in_word(before) and in_word(after)) or (before == after and before in ("+", "-"))


def tokens(text: str) -> Iterator[Token]:
    """All but white space and comments. Of a template, what is code in it is taken apart too."""
    at, before = 0, ("sign", ";")
    depths: list[int] = []  # of braces, for each template that is open
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise ValueError(f"no JavaScript: {text[at : at + 40]!r}")
        kind, word = found.lastgroup, found.group()
        if word == "/" and not _is_value(*before) and (form := _FORM.match(text, at)):
            kind, word = "raw", form.group()
        at += len(word)
        if kind in ("space", "comment"):
            continue
        before = kind, word
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


def _is_value(kind: str, word: str) -> bool:
    """Whether a slash behind it divides, and does not begin a regular expression."""
    return (
        kind in ("text", "number", "taken", "raw")
        or word in ")]}"
        or (kind == "name" and word not in RESERVED)
    )
