"""The compiler: from the names that shall be there to JavaScript sections, one for each module that makes any of what they reach.

    sections(["traceability.core.verify:verify", …]) -> str
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping

from traceability.browser.builtin import METHODS
from traceability.browser.calls import Signature, signature_of
from traceability.browser.classes import Class, Classes
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

    def signature_for(self, symbol: Symbol) -> Signature | None:
        if isinstance(symbol.node, ast.FunctionDef):
            return signature_of(symbol.node.args)
        if isinstance(symbol.node, ast.ClassDef):
            return self.class_of(symbol).signature
        return None

    def method_signature(self, name: str) -> Signature | None:
        found = self.program.methods.get(name, set())
        return next(iter(found)) if len(found) == 1 and name not in METHODS else None

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

    def is_described(self, symbol: Symbol) -> bool:
        return symbol in self.program.descriptions

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
        self.descriptions: set[Symbol] = set()
        self.methods: dict[str, set[Signature]] = defaultdict(set)
        self.attributes: set[str] = set()
        """Names that objects have other than as methods."""
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
        """Notes that a library looks at a class, or at what is behind another name."""
        self.descriptions.add(symbol)

    def class_of(self, symbol: Symbol) -> Class:
        if symbol not in self._classes:
            if symbol.module is None or not isinstance(symbol.node, ast.ClassDef):
                raise TypeError(f"{symbol.name} is no class of the core")
            self._classes[symbol] = self.unit(symbol.module).learn(symbol, symbol.node)
        return self._classes[symbol]

    def sections(self, roots: Iterable[tuple[str, str]]) -> str:
        """JavaScript for the names at top level of modules, and for all they need."""
        for module_name, name in roots:
            module = self.source.module(module_name)
            symbol = self.source.resolve(module, name) if module else None
            if symbol is None:
                raise ValueError(f"there is no {name} in {module_name}")
            self.reach(symbol)
        while self._waiting:
            symbol = self._waiting.pop()
            if symbol.module is not None:
                unit = self.unit(symbol.module)
                for statement in symbol.module.made[symbol.name]:
                    unit.compile(statement)
        return "".join(self._section(module) for module in self.modules if module.name in self._units)

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
                        where = f"$.member({module.prefix}{node.name}, \"${each.name}\")"
                        said += self._names(where, signature_of(each.args, bound=True))
        return said

    def _names(self, where: str, signature: Signature) -> str:
        if signature.variable or signature.keywords:
            return ""
        return f"{where}.$$params = [{', '.join(repr(name) for name in signature.names)}];\n"


__all__ = ["Program", "Source", "Unsupported"]
