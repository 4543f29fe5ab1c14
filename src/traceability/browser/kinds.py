"""What is certain of types: "bool", "num" (an int that is no bool), "int", "str", "bytes"; else nothing.

The core's annotations are checked by mypy, so they can be relied on. An attribute has a kind where all classes that
have one of that name say the same.
"""

import ast
from collections import defaultdict

from traceability.browser.source import Module, Source, Symbol, called

_NAMED = {
    "str": "str", "int": "int", "bool": "bool", "bytes": "bytes", "StrictStr": "str", "StrictInt": "num", "StrictBool": "bool",
}  # fmt: skip


class Kinds:
    """The kinds of what is annotated in the modules."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._attributes: dict[str, set[str]] = defaultdict(set)
        self._methods: dict[str, set[str]] = defaultdict(set)

    def of(self, module: Module, annotation: ast.expr | None) -> str:
        """What an annotation says."""
        match annotation:
            case ast.Name(id=name):
                symbol = self._source.resolve(module, name)
                if symbol is None or symbol.module is None:
                    return _NAMED.get(name, "")
                return self._of_alias(symbol.module, symbol.node)
            case ast.Constant(value=str(text)):
                return self.of(module, ast.parse(text, mode="eval").body)
            case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[first, *_])):
                return self.of(module, first)
            case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=values)):
                return self._of_literals(values)
            case ast.Subscript(value=ast.Name(id="Literal"), slice=value):
                return self._of_literals([value])
            case _:
                return ""

    def _of_alias(self, module: Module, node: ast.stmt | None) -> str:
        match node:
            case ast.Assign(value=ast.Call(args=[_, base]) as value) if called(value) == "NewType":
                return self.of(module, base)
            case ast.Assign(value=ast.Subscript() as value):
                return self.of(module, value)
            case _:
                return ""

    def _of_literals(self, values: list[ast.expr]) -> str:
        plain = all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in values)
        return "str" if plain else ""

    def of_symbol(self, symbol: Symbol) -> str:
        """What a name at top level holds, or gives when it is called."""
        if symbol.module is None:
            return ""
        match symbol.node:
            case ast.FunctionDef(returns=returns):
                return self.of(symbol.module, returns)
            case ast.AnnAssign(annotation=annotation):
                return self.of(symbol.module, annotation)
            case ast.Assign(value=ast.Constant(value=int() | str() as value)):
                return "num" if type(value) is int else type(value).__name__
            case ast.Assign(value=ast.Call(args=[_, base]) as value) if called(value) == "NewType":
                return self.of(symbol.module, base)
            case _:
                return ""

    def note(self, module: Module, node: ast.ClassDef) -> None:
        """Takes in what a class says of its attributes and methods."""
        for each in node.body:
            match each:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                    self._attributes[name].add(self.of(module, annotation))
                case ast.Assign(targets=[ast.Name(id=name)]):
                    self._attributes[name].add("")
                case ast.FunctionDef(name=name, returns=returns, decorator_list=decorators):
                    attribute = {called(decorator) for decorator in decorators} & {"property", "once"}
                    (self._attributes if attribute else self._methods)[name].add(self.of(module, returns))
                case _:
                    pass
        for part in ast.walk(node):
            match part:
                case ast.AnnAssign(target=ast.Attribute(attr=name), annotation=annotation):
                    self._attributes[name].add(self.of(module, annotation))
                case ast.Assign(targets=targets):
                    for target in targets:
                        for inner in ast.walk(target):
                            if isinstance(inner, ast.Attribute):
                                self._attributes[inner.attr].add("")
                case _:
                    pass

    def attribute(self, name: str) -> str:
        """What every attribute of that name is."""
        return _only(self._attributes.get(name, set()))

    def method(self, name: str) -> str:
        """What every method of that name gives."""
        return _only(self._methods.get(name, set()))


def _only(kinds: set[str]) -> str:
    return next(iter(kinds)) if len(kinds) == 1 else ""
