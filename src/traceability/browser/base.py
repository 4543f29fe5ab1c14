"""What all parts of the compiler share: the module, the scope they are in, and what a name stands for."""

import ast
from collections.abc import Callable, Iterable

from traceability.browser.program import Program
from traceability.browser.scope import Scope, identifier
from traceability.browser.source import Module, Symbol, Unsupported


class Base:
    """A module while it is compiled."""

    def __init__(self, module: Module, program: Program) -> None:
        self.module = module
        self.program = program
        self.scope = Scope()
        self.describing = False
        """Whether classes named here are looked into, by a library that reads or writes their objects."""
        self.constants: list[str] = []
        """Values made once, in the order their names count."""

    def unsupported(self, node: ast.AST, why: str) -> Unsupported:
        return Unsupported(self.module, node, why)

    def symbol(self, node: ast.expr) -> Symbol | None:
        """What a name or an attribute of a module stands for at top level."""
        match node:
            case ast.Name(id=name):
                return None if self.scope.owner(name) else self.program.source.resolve(self.module, name)
            case ast.Attribute(value=value, attr=attr):
                of = self.symbol(value)
                if of is None or of.name:
                    return None
                if of.module is None:
                    return Symbol(None, attr, library=of.library)
                found = self.program.source.resolve(of.module, attr)
                if found is None:
                    raise self.unsupported(node, f"{of.module.name} has no {attr}")
                return found
            case _:
                return None

    def known_class(self, node: ast.expr) -> Symbol | None:
        """The class that something is, or is of, where that is plain: a class, `self`, `cls`."""
        if isinstance(node, ast.Name) and node.id == self.scope.receiver:
            return self.scope.klass
        return self.symbol(node)

    def once(self, made: str) -> str:
        """A name for something that never changes, made when the module is loaded."""
        if made not in self.constants:
            self.constants.append(made)
        return self.constant_name(self.constants.index(made))

    def constant_name(self, at: int) -> str:
        return f"{self.module.prefix}${at}"

    def local(self, name: str) -> str:
        """A name that is assigned here."""
        owner = self.scope.owner(name)
        return owner.called.get(name, identifier(name)) if owner else self.module.prefix + name

    def inside(
        self,
        names: Iterable[str],
        write: Callable[[], str],
        kinds: dict[str, str] | None = None,
        called: dict[str, str] | None = None,
    ) -> str:
        """What `write` gives in a scope of its own, with that scope's temporaries declared before it."""
        outer = self.scope
        self.scope = Scope(
            outer,
            set(names),
            kinds or {},
            klass=outer.klass,
            receiver=outer.receiver,
            caught=outer.caught,
            called=called or {},
        )
        try:
            said = write()
            declared = self.scope.declared
        finally:
            self.scope = outer
        return f"let {', '.join(declared)}; {said}" if declared else said

    def at_top(self, write: Callable[[], str]) -> str:
        """What `write` gives outside of all functions, some time."""
        outer, self.scope = self.scope, Scope()
        describing, self.describing = self.describing, False
        try:
            said = write()
            return f"let {', '.join(self.scope.declared)};\n{said}" if self.scope.declared else said
        finally:
            self.scope, self.describing = outer, describing
