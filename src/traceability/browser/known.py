"""What is known when compiling: how things are called, and what classes have."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from traceability.browser.source import Symbol


@dataclass(frozen=True)
class Signature:
    """How something is called. `names` are those of all parameters by JavaScript position, variable ones aside."""

    names: tuple[str, ...]
    positional: int
    variable: bool = False
    keywords: bool = False


def signature_of(args: ast.arguments, *, bound: bool = False) -> Signature:
    """That of a function; of a method, as called on an object."""
    plain = [arg.arg for arg in [*args.posonlyargs, *args.args]][int(bound) :]
    names = (*plain, *[arg.arg for arg in args.kwonlyargs])
    return Signature(names, len(plain), args.vararg is not None, args.kwarg is not None)


@dataclass
class Class:
    """What is known of a class when compiling."""

    symbol: Symbol
    kind: str
    """"struct", "named", "data", "model", "type" (never made) or "plain"."""
    fields: dict[str, str | None] = field(default_factory=dict)
    """Of a record, all of them, inherited ones first: the default in JavaScript."""
    keyword_only: frozenset[str] = frozenset()
    options: dict[str, str] = field(default_factory=dict)
    init: Signature | None = None
    post_init: bool = False
    bases: tuple["Class", ...] = ()

    def line(self) -> Iterator[Symbol]:
        """The class and all it inherits from."""
        yield self.symbol
        for base in self.bases:
            yield from base.line()

    @property
    def ordered(self) -> tuple[str, ...]:
        """The parameters of a record's constructor."""
        return tuple(sorted(self.fields, key=lambda name: name in self.keyword_only))

    @property
    def signature(self) -> Signature | None:
        if self.kind in ("struct", "named", "data"):
            return Signature(self.ordered, len(self.fields) - len(self.keyword_only))
        return self.init if self.kind == "plain" else None
