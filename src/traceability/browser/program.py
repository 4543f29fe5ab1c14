"""What of the core is compiled: the names that the roots reach, the methods something asks for, the types libraries look at.

Methods and types are written late, when it is known whether they are needed. Until then a mark stands in their place.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from traceability.browser.builtin import METHODS
from traceability.browser.kinds import Kinds
from traceability.browser.known import Class, Signature, signature_of
from traceability.browser.source import Module, Source, Symbol, called

NOT_METHODS = frozenset({"property", "once"})


class Compiling(Protocol):
    """A module while it is compiled."""

    def compile(self, statement: ast.stmt) -> None:
        """Compiles a statement at top level, once."""

    def learn(self, symbol: Symbol, node: ast.ClassDef) -> Class:
        """What its statement says of a class."""

    def section(self) -> str:
        """All that was compiled, as JavaScript."""


class Program:
    """All modules of one compilation. `keywords` are the exports of shims that want their keywords as an object."""

    def __init__(
        self,
        source: Source,
        roots: Iterable[str],
        compiling: Callable[[Module, "Program"], Compiling],
        keywords: Mapping[str, Iterable[str]],
    ) -> None:
        self.source = source
        self.libraries: dict[str, set[str]] = defaultdict(set)
        """What is used of each library."""
        self.kinds = Kinds(source)
        self.named: set[Symbol] = set()
        """Functions that must know the names of their parameters when running."""
        self.named_methods: set[str] = set()
        """The same of all methods of a name."""
        self._modules = source.in_order(roots)
        self._compiling = compiling
        self._keywords = keywords
        self._methods: dict[str, set[Signature]] = defaultdict(set)
        self._attributes: set[str] = set()
        self._late: dict[str, Callable[[], str]] = {}
        self._written: dict[str, str] = {}
        self._members: dict[str, tuple[Symbol, str]] = {}
        self._used: set[str] = set()
        self._used_of: dict[str, set[Symbol]] = defaultdict(set)
        self._units: dict[str, Compiling] = {}
        self._classes: dict[Symbol, Class] = {}
        self._reached: set[Symbol] = set()
        self._waiting: list[Symbol] = []
        self._described: set[Symbol] = set()
        for module in self._modules:
            for node in module.tree.body:
                if isinstance(node, ast.ClassDef):
                    self._note_members(node)
                    self.kinds.note(module, node)

    def _note_members(self, node: ast.ClassDef) -> None:
        for each in node.body:
            match each:
                case ast.FunctionDef(name=name):
                    decorators = {called(decorator) for decorator in each.decorator_list}
                    if decorators & NOT_METHODS:
                        self._attributes.add(name)
                    else:
                        bound = "staticmethod" not in decorators
                        self._methods[name].add(signature_of(each.args, bound=bound))
                case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                    self._attributes.add(name)
                case _:
                    pass
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
                self._attributes.add(part.attr)

    # What those who compile ask

    def reach(self, symbol: Symbol) -> str:
        """Notes that a name is used, and gives it in JavaScript."""
        if symbol not in self._reached:
            self._reached.add(symbol)
            if symbol.module is None:
                self.libraries[symbol.library].add(symbol.name)
            else:
                self._waiting.append(symbol)
        return symbol.js

    def use(self, name: str, of: Symbol | None = None) -> None:
        """Notes that an attribute is asked for: of a class and its objects, else of whatever there is."""
        if of is not None and isinstance(of.node, ast.ClassDef):
            self._used_of[name].add(of)
        else:
            self._used.add(name)

    def describe(self, symbol: Symbol) -> None:
        """Notes that a library looks at the types of a class, and so at those it inherits from."""
        if isinstance(symbol.node, ast.ClassDef):
            self._described |= set(self.class_of(symbol).line())

    def class_of(self, symbol: Symbol) -> Class:
        """What is known of a class."""
        if symbol not in self._classes:
            if symbol.module is None or not isinstance(symbol.node, ast.ClassDef):
                raise TypeError(f"{symbol.name} is no class of the core")
            self._classes[symbol] = self._unit(symbol.module).learn(symbol, symbol.node)
        return self._classes[symbol]

    def signature(self, symbol: Symbol) -> Signature | None:
        """How a function or class is called; None where that is not known."""
        if isinstance(symbol.node, ast.FunctionDef):
            return signature_of(symbol.node.args)
        return self.class_of(symbol).signature if isinstance(symbol.node, ast.ClassDef) else None

    def method_signature(self, name: str) -> Signature | None:
        """How every method of that name is called; None where they differ, or there is none."""
        found = self._methods.get(name, set())
        return next(iter(found)) if len(found) == 1 and name not in METHODS else None

    def is_method(self, name: str) -> bool:
        """Whether an attribute of that name is a method and never anything else."""
        return (name in METHODS or name in self._methods) and name not in self._attributes

    def takes_keywords(self, symbol: Symbol) -> bool:
        """Whether a shim's function wants its keywords as an object (`$$kw`)."""
        return symbol.name in self._keywords.get(symbol.library, ())

    def late_member(self, of: Symbol, name: str, write: Callable[[], str]) -> str:
        """What stands for a method until something asks for an attribute of that name; nothing, if nothing does."""
        key = f"{of.js}.{name}"
        self._late[key] = write
        self._members[key] = (of, name)
        return f"\0{key}\0"

    def late_types(self, of: Symbol, write: Callable[[], str], otherwise: str) -> str:
        """What stands for the types of a class's fields until a library looks at them."""
        key = f"{of.js}.$types"
        self._late[key] = write
        self._written[key] = otherwise
        return f"\0{key}\0"

    def is_left_out(self, of: Symbol, name: str) -> bool:
        """Whether nothing asks for this method."""
        return f"{of.js}.{name}" in self._late

    # The whole

    def sections(self, roots: Iterable[tuple[str, str]], used: Iterable[str] = ()) -> str:
        """JavaScript for names at top level of modules (or `Class.method`), and for all they need.

        `used` are the attributes that others may ask for.
        """
        self._used |= set(used)
        for module_name, root in roots:
            module = self.source.module(module_name)
            name, _, method = root.partition(".")
            symbol = self.source.resolve(module, name) if module else None
            if symbol is None:
                raise ValueError(f"there is no {name} in {module_name}")
            self.reach(symbol)
            if method:
                self.use(method, symbol)
        while self._waiting or self._write_late():
            while self._waiting:
                symbol = self._waiting.pop()
                if symbol.module is not None:
                    for statement in symbol.module.made[symbol.name]:
                        self._unit(symbol.module).compile(statement)
        whole = "".join(
            f"// {module.file}\n{self._units[module.name].section()}"
            for module in self._modules
            if module.name in self._units
        )
        return re.sub("\0([^\0]*)\0", lambda mark: self._written.get(mark[1], ""), whole)

    def _unit(self, module: Module) -> Compiling:
        if module.name not in self._units:
            self._units[module.name] = self._compiling(module, self)
        return self._units[module.name]

    def _write_late(self) -> bool:
        """Writes what turned out to be asked for; True where there was any."""
        found = [key for key in self._late if self._is_wanted(key)]
        for key in found:
            self._written[key] = self._late.pop(key)()
        return bool(found)

    def _is_wanted(self, key: str) -> bool:
        if key not in self._members:
            return key.removesuffix(".$types") in {each.js for each in self._described}
        of, name = self._members[key]
        if name in self._used:
            return True
        line = set(self.class_of(of).line())
        return any(each in line or of in self.class_of(each).line() for each in self._used_of[name])
