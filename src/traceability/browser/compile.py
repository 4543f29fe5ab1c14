"""The compiler: from the names that shall be there to JavaScript sections, one for each module that makes any of what they reach.

    sections(["traceability.core.verify:verify", …]) -> str
"""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from traceability.browser.builtin import METHODS
from traceability.browser.calls import Signature, signature_of
from traceability.browser.classes import Class, Classes
from traceability.browser.scope import Scope
from traceability.browser.source import Module, Source, Symbol, Unsupported, called, stored

NOT_METHODS = frozenset({"property", "once"})


class Unit(Classes):
    """A module while it is compiled, and what it asks of the others."""

    def __init__(self, module: Module, program: "Program") -> None:
        super().__init__(module, program.source.resolve, program.reach)
        self.program = program
        self.done: dict[int, str] = {}
        """What each statement at top level became, by its place."""

    def compile(self, statement: ast.stmt) -> None:
        """Compiles a statement at top level, once."""
        place = self.module.tree.body.index(statement)
        if place in self.done:
            return
        self.done[place] = ""  # a function may name itself
        said = self.top(statement)
        if self.scope.declared:
            said = f"let {', '.join(self.scope.declared)};\n{said}"
            self.scope.declared = []
        self.done[place] = said

    def top(self, statement: ast.stmt) -> str:
        match statement:
            case ast.FunctionDef(name=name):
                js = self.module.prefix + name
                return f"const {js} = {self.function(statement)};\n" if statement.decorator_list else f"{self.function(statement, name=js)}\n"
            case ast.ClassDef(name=name):
                symbol = Symbol(self.module, name, statement)
                return f"const {symbol.js} = {self.class_(symbol, statement)};\n"
            case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                if self.module.made[name] == [statement]:
                    others = [each for each in stored(statement) if each != name]
                    before = f"let {', '.join(self.module.prefix + each for each in others)};\n" if others else ""
                    return f"{before}const {self.module.prefix}{name} = {self.expr(value)};\n"
        fresh = [name for name in stored(statement) if self.module.made[name][0] is statement]
        before = f"let {', '.join(self.module.prefix + name for name in fresh)};\n" if fresh else ""
        return before + self.statement(statement)

    def apart(self, write: Callable[[], str]) -> str:
        """What `write` gives at top level, some time later."""
        scope, self.scope = self.scope, Scope()
        describing, self.describing = self.describing, False
        try:
            return write()
        finally:
            self.scope, self.describing = scope, describing

    def signature_for(self, symbol: Symbol) -> Signature | None:
        if isinstance(symbol.node, ast.FunctionDef):
            return signature_of(symbol.node.args)
        if isinstance(symbol.node, ast.ClassDef):
            return self.class_of(symbol).signature
        return None

    def method_signature(self, name: str) -> Signature | None:
        found = self.program.methods.get(name, set())
        return next(iter(found)) if len(found) == 1 and name not in METHODS else None

    def use(self, name: str, of: Symbol | None = None) -> None:
        self.program.use(name, of)

    def when_used(self, of: Symbol, name: str, write: Callable[[], str]) -> str:
        self.program.pending[of, name] = lambda: self.apart(write)
        return f"\0{of.js}.{name}\0"

    def is_method(self, name: str) -> bool:
        return (name in METHODS or name in self.program.methods) and name not in self.program.attributes

    def needs_names(self, what: Symbol | str) -> None:
        if isinstance(what, str):
            self.program.named_methods.add(what)
        elif isinstance(what.node, ast.FunctionDef):
            self.program.named.add(what)

    def takes_keywords(self, symbol: Symbol) -> bool:
        return symbol.name in self.program.keyword_exports.get(symbol.library, ())

    def described(self, symbol: Symbol) -> None:
        self.program.describe(symbol)

    def when_described(self, of: Symbol, write: Callable[[], str], plain: str) -> str:
        self.program.describable[of] = lambda: self.apart(write)
        self.program.written[f"{of.js}.$fields"] = plain
        return f"\0{of.js}.$fields\0"

    def class_of(self, symbol: Symbol) -> Class:
        return self.program.class_of(symbol)


class Program:
    """All modules of one compilation."""

    def __init__(self, source: Source, roots: list[str], keyword_exports: Mapping[str, Iterable[str]] | None = None):
        self.source = source
        self.keyword_exports = keyword_exports or {}
        self.modules = source.in_order(roots)
        self.libraries: dict[str, set[str]] = defaultdict(set)
        """What is used of each library."""
        self.named: set[Symbol] = set()
        self.named_methods: set[str] = set()
        self.methods: dict[str, set[Signature]] = defaultdict(set)
        self.attributes: set[str] = set()
        """Names that objects have other than as methods."""
        self.pending: dict[tuple[Symbol, str], Callable[[], str]] = {}
        """Methods that are written when something asks for them."""
        self._used: set[str] = set()
        self._used_of: dict[str, set[Symbol]] = defaultdict(set)
        self.describable: dict[Symbol, Callable[[], str]] = {}
        """Fields of classes, to be written with their types when a library looks at them."""
        self.written: dict[str, str] = {}
        """What came of either."""
        self._described: set[Symbol] = set()
        self._units: dict[str, Unit] = {}
        self._classes: dict[Symbol, Class] = {}
        self._waiting: list[Symbol] = []
        self._reached: set[Symbol] = set()
        for module in self.modules:
            for node in module.tree.body:
                if isinstance(node, ast.ClassDef):
                    self._note_methods(node)

    def _note_methods(self, node: ast.ClassDef) -> None:
        for each in node.body:
            match each:
                case ast.FunctionDef(name=name):
                    decorators = {called(decorator) for decorator in each.decorator_list}
                    if decorators & NOT_METHODS:
                        self.attributes.add(name)
                    else:
                        self.methods[name].add(signature_of(each.args, bound="staticmethod" not in decorators))
                case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                    self.attributes.add(name)
                case _:
                    pass
        for each in ast.walk(node):
            if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
                self.attributes.add(each.attr)

    def unit(self, module: Module) -> Unit:
        if module.name not in self._units:
            self._units[module.name] = Unit(module, self)
        return self._units[module.name]

    def reach(self, symbol: Symbol) -> str:
        """Notes that a name is used, and gives it in JavaScript."""
        if symbol not in self._reached:
            self._reached.add(symbol)
            if symbol.module is None:
                self.libraries[symbol.library].add(symbol.name)
            else:
                self._waiting.append(symbol)
        return symbol.js

    def describe(self, symbol: Symbol) -> None:
        """Notes that a library looks at a class, and so at those it inherits from."""
        if isinstance(symbol.node, ast.ClassDef):
            self._described |= set(self.class_of(symbol).line())

    def class_of(self, symbol: Symbol) -> Class:
        if symbol not in self._classes:
            if symbol.module is None or not isinstance(symbol.node, ast.ClassDef):
                raise TypeError(f"{symbol.name} is no class of the core")
            self._classes[symbol] = self.unit(symbol.module).learn(symbol, symbol.node)
        return self._classes[symbol]

    def use(self, name: str, of: Symbol | None = None) -> None:
        """Notes that an attribute is asked for: of a class, else of whatever there is."""
        if of is not None and isinstance(of.node, ast.ClassDef):
            self._used_of[name].add(of)
        else:
            self._used.add(name)

    def sections(self, roots: Iterable[tuple[str, str]], used: Iterable[str] = ()) -> str:
        """JavaScript for the names at top level of modules, and for all they need.

        A root may be a method of a class: `Class.method`. `used` are attributes others may ask for.
        """
        self._used |= set(used)
        for module_name, name in roots:
            module = self.source.module(module_name)
            name, _, method = name.partition(".")
            symbol = self.source.resolve(module, name) if module else None
            if symbol is None:
                raise ValueError(f"there is no {name} in {module_name}")
            self.reach(symbol)
            if method:
                self.use(method, symbol)
        while self._waiting or self._write_more():
            while self._waiting:
                symbol = self._waiting.pop()
                if symbol.module is not None:
                    unit = self.unit(symbol.module)
                    for statement in symbol.module.made[symbol.name]:
                        unit.compile(statement)
        whole = "".join(self._section(module) for module in self.modules if module.name in self._units)
        return re.sub("\0([^\0]*)\0", lambda mark: self.written.get(mark[1], ""), whole)

    def _write_more(self) -> bool:
        """Writes the methods and types that turned out to be asked for; True where there were any."""
        found = [(of, name) for of, name in self.pending if name in self._used or self._is_used(of, name)]
        for of, name in found:
            self.written[f"{of.js}.{name}"] = self.pending.pop((of, name))()
        described = sorted(self._described & self.describable.keys(), key=lambda each: each.js)
        for of in described:
            self.written[f"{of.js}.$fields"] = self.describable.pop(of)()
        return bool(found or described)

    def _is_used(self, of: Symbol, name: str) -> bool:
        """Whether the attribute is asked for of the class, or of one above or below it."""
        line = set(self.class_of(of).line())
        return any(each in line or of in self.class_of(each).line() for each in self._used_of[name])

    def _section(self, module: Module) -> str:
        unit = self._units[module.name]
        said = f"// {module.file}\n"
        said += "".join(f"const {module.prefix}${at} = {each};\n" for at, each in enumerate(unit.constants))
        said += "".join(unit.done[place] for place in sorted(unit.done))
        for symbol in sorted(self.named, key=lambda each: each.name):
            if symbol.module is module and isinstance(symbol.node, ast.FunctionDef):
                said += self._names(symbol.js, signature_of(symbol.node.args))
        for place in sorted(unit.done):
            node = module.tree.body[place]
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.FunctionDef) and each.name in self.named_methods:
                        if (Symbol(module, node.name, node), each.name) in self.pending:
                            continue
                        where = f"$.member({module.prefix}{node.name}, \"${each.name}\")"
                        said += self._names(where, signature_of(each.args, bound=True))
        return said

    def _names(self, where: str, signature: Signature) -> str:
        if signature.variable or signature.keywords:
            return ""
        return f"{where}.$$params = [{', '.join(repr(name) for name in signature.names)}];\n"


__all__ = ["Program", "Source", "Unsupported"]
