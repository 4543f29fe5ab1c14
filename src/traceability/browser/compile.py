"""The compiler: from Python of the core to JavaScript, by the rules of docs/browser.md.

program(source, ["traceability.core.verify"]).sections([("traceability.core.verify", "verify")])
"""

import ast
from collections.abc import Iterable, Mapping

from traceability.browser.classes import Classes
from traceability.browser.constants import text
from traceability.browser.known import Signature, signature_of
from traceability.browser.program import Program
from traceability.browser.source import Module, Source, Symbol, stored


def program(
    source: Source, roots: Iterable[str], keywords: Mapping[str, Iterable[str]] | None = None
) -> Program:
    """What compiles these modules and those they import."""
    return Program(source, roots, Unit, keywords or {})


class Unit(Classes):
    """A module while it is compiled: its statements at top level, and what became of them."""

    def __init__(self, module: Module, program: Program) -> None:
        super().__init__(module, program)
        self._done: dict[int, str] = {}

    def compile(self, statement: ast.stmt) -> None:
        """Compiles a statement at top level, once."""
        place = self.module.tree.body.index(statement)
        if place not in self._done:
            self._done[place] = ""  # a function may name itself
            self._done[place] = self.at_top(lambda: self.top(statement))

    def section(self) -> str:
        """All that was compiled, as JavaScript."""
        said = "".join(
            f"const {self.constant_name(at)} = {each};\n" for at, each in enumerate(self.constants)
        )
        said += "".join(self._done[place] for place in sorted(self._done))
        return said + "".join(self.names(self.module.tree.body[place]) for place in sorted(self._done))

    def top(self, statement: ast.stmt) -> str:
        match statement:
            case ast.FunctionDef(name=name, decorator_list=decorators):
                js = self.module.prefix + name
                said = self.function(statement, name="" if decorators else js)
                return f"const {js} = {said};\n" if decorators else f"{said}\n"
            case ast.ClassDef(name=name):
                symbol = Symbol(self.module, name, statement)
                return f"const {symbol.js} = {self.class_(symbol, statement)};\n"
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if self.made_once(name):
                return self.definition(statement, name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if self.made_once(name):
                return self.definition(statement, name, value)
            case _:
                fresh = [name for name in stored(statement) if self.module.made[name][0] is statement]
                return self.declaration(fresh) + self.statement(statement)

    def made_once(self, name: str) -> bool:
        return len(self.module.made[name]) == 1

    def definition(self, statement: ast.stmt, name: str, value: ast.expr) -> str:
        walruses = (node for node in ast.walk(statement) if isinstance(node, ast.NamedExpr))
        others = [node.target.id for node in walruses]  # what comprehensions name is theirs
        return f"{self.declaration(others)}const {self.module.prefix}{name} = {self.expr(value)};\n"

    def declaration(self, names: list[str]) -> str:
        return f"let {', '.join(self.module.prefix + name for name in names)};\n" if names else ""

    def names(self, statement: ast.stmt) -> str:
        """The names of parameters, for those functions and methods that are called by them."""
        match statement:
            case ast.FunctionDef(name=name, args=args):
                symbol = Symbol(self.module, name, statement)
                return parameter_names(symbol.js, signature_of(args)) if symbol in self.program.named else ""
            case ast.ClassDef(name=name, body=body):
                symbol = Symbol(self.module, name, statement)
                return "".join(
                    parameter_names(
                        f'$.member({symbol.js}, "${each.name}")', signature_of(each.args, bound=True)
                    )
                    for each in body
                    if isinstance(each, ast.FunctionDef)
                    and each.name in self.program.named_methods
                    and not self.program.is_left_out(symbol, each.name)
                )
            case _:
                return ""


def parameter_names(where: str, signature: Signature) -> str:
    if signature.variable or signature.keywords:
        return ""
    return f"{where}.$$params = [{', '.join(map(text, signature.names))}];\n"
