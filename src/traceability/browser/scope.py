"""Names inside a function: which are local, what they are called in JavaScript, what is known of their types."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from traceability.browser.source import Symbol

RESERVED = frozenset(
    [
        "abstract",
        "arguments",
        "await",
        "boolean",
        "break",
        "byte",
        "case",
        "catch",
        "char",
        "class",
        "const",
        "continue",
        "debugger",
        "default",
        "delete",
        "do",
        "double",
        "else",
        "enum",
        "eval",
        "export",
        "extends",
        "final",
        "finally",
        "float",
        "for",
        "function",
        "goto",
        "if",
        "implements",
        "import",
        "in",
        "instanceof",
        "int",
        "interface",
        "let",
        "long",
        "native",
        "new",
        "null",
        "package",
        "private",
        "protected",
        "public",
        "return",
        "short",
        "static",
        "super",
        "switch",
        "synchronized",
        "this",
        "throw",
        "throws",
        "transient",
        "true",
        "false",
        "try",
        "typeof",
        "undefined",
        "var",
        "void",
        "volatile",
        "while",
        "with",
        "yield",
        "NaN",
        "Infinity",
    ]
)


def identifier(name: str) -> str:
    """A Python name as a JavaScript one."""
    return name + "$" if name in RESERVED else name


@dataclass
class Scope:
    """A function, lambda or comprehension. Its own names are those it assigns and its parameters."""

    parent: "Scope | None" = None
    names: set[str] = field(default_factory=set)
    kinds: dict[str, str] = field(default_factory=dict)
    """What annotations say of names: "str", "int", "bool", "bytes"."""
    temporaries: int = 0
    declared: list[str] = field(default_factory=list)
    """What a `let` at its beginning has to name."""
    klass: Symbol | None = None
    """The class a method stands in, for super()."""
    receiver: str = ""
    """What the method calls its object, or its class."""
    caught: list[str] = field(default_factory=list)
    """The exceptions being handled, innermost last."""
    called: dict[str, str] = field(default_factory=dict)
    """What its names are called, where that is not as in Python."""

    def owner(self, name: str) -> "Scope | None":
        """The scope a name belongs to, None where it is not local to any."""
        if name in self.names:
            return self
        return self.parent.owner(name) if self.parent else None

    def numbered(self, names: list[str]) -> dict[str, str]:
        """What the names of a comprehension here are called: by their place in it and in those around it."""
        before, at = 0, self
        while at.parent:
            before, at = before + len(at.called), at.parent
        return {name: f"{name}$_{before + n}" for n, name in enumerate(names)}

    def kind(self, name: str) -> str:
        owner = self.owner(name)
        return owner.kinds.get(name, "") if owner else ""

    def temporary(self) -> str:
        """A new name that no Python name can be, declared at the beginning of this scope."""
        name = self.unused()
        self.declared.append(name)
        return name

    def unused(self) -> str:
        """A new name that is declared where it is used."""
        depth = 0
        at = self.parent
        while at:
            depth, at = depth + 1, at.parent
        self.temporaries += 1
        return f"${'abcdefghijklmnopqrstuvwxyz'[depth % 26]}{self.temporaries}"


def assigned(body: list[ast.stmt] | ast.expr) -> Iterator[str]:
    """The names that statements (or an expression, by `:=`) assign in their own scope, in order."""
    waiting: list[ast.AST] = [body] if isinstance(body, ast.expr) else [*reversed(body)]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name):
                yield name
                continue
            case ast.Lambda() | ast.ClassDef():
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                for inner in ast.walk(node):
                    if isinstance(inner, ast.NamedExpr):
                        yield inner.target.id
                waiting.append(node.generators[0].iter)
                continue
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                yield name
            case ast.MatchMapping(rest=str(name)):
                yield name
            case _:
                pass
        waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def has_yield(body: list[ast.stmt]) -> bool:
    """Whether these statements are those of a generator."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return False
