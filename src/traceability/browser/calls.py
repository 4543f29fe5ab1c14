"""Calls: by position wherever it is known what is called, so that nothing is looked up while running."""

import ast

from traceability.browser.builtin import ERRORS, FUNCTIONS, KEYWORDS, TYPES, built_in
from traceability.browser.constants import text
from traceability.browser.expressions import Expressions
from traceability.browser.known import Signature
from traceability.browser.source import Symbol, called

TYPEOF = {
    "str": 'typeof {} === "string"',
    "bytes": "{} instanceof Uint8Array",
    "int": "$.isInt({})",
    "bool": 'typeof {} === "boolean"',
    "dict": "{} instanceof $.Dict",
    "tuple": "{} instanceof $.Tuple",
    "list": "$.isList({})",
}
ITERATES = frozenset({"join", "extend", "update", "union"})
"""Methods that go over their argument at once, so that it may as well be a list."""


class Calls(Expressions):
    """The calls among a module's expressions."""

    def call(self, node: ast.Call) -> str:
        before, self.describing = self.describing, self.describing or self.is_library(node.func)
        try:
            return self.call_of(node, node.func)
        finally:
            self.describing = before

    def is_library(self, func: ast.expr) -> bool:
        """Whether it is something of a library."""
        while isinstance(func, ast.Attribute | ast.Subscript):
            func = func.value
        symbol = self.symbol(func)
        return symbol is not None and symbol.module is None

    def call_of(self, node: ast.Call, func: ast.expr) -> str:
        symbol = self.symbol(func)
        if symbol is not None:
            return self.call_symbol(node, symbol)
        match func:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=attr):
                arguments = "".join(f", {self.items([each])}" for each in node.args)
                if self.scope.klass is None:
                    raise self.unsupported(node, "super() outside of a method")
                self.program.use(attr, self.scope.klass)
                return f"$.parent({self.scope.klass.js}).${attr}.call(self{arguments})"
            case ast.Attribute(value=value, attr=attr):
                return self.call_method(node, value, attr)
            case ast.Name(id=name) if not self.scope.owner(name):
                return self.call_builtin(node, name)
            case _:
                said = self.expr(func)
                return self.by_name(node, said) if node.keywords else f"{said}({self.items(node.args)})"

    # Known functions and classes

    def call_symbol(self, node: ast.Call, symbol: Symbol) -> str:
        if isinstance(symbol.node, ast.Assign) and called(symbol.node.value) == "NewType":
            return self.expr(node.args[0])
        said = self.program.reach(symbol)
        if symbol.module is None and self.program.takes_keywords(symbol):
            return f"{said}([{self.items(node.args)}], {self.keywords(node)})"
        signature = self.program.signature(symbol)
        if signature is None:
            return self.by_name(node, said) if node.keywords else f"{said}({self.items(node.args)})"
        new = "new " if isinstance(symbol.node, ast.ClassDef) else ""
        if any(keyword.arg is None for keyword in node.keywords):
            self.program.named.add(symbol)
            return self.by_name(node, said)
        return f"{new}{said}({self.placed(node, signature)})"

    def placed(self, node: ast.Call, signature: Signature) -> str:
        """Arguments at their positions; what stands behind the last one given is left out."""
        starred = next(
            (at for at, each in enumerate(node.args) if isinstance(each, ast.Starred)), len(node.args)
        )
        plain = node.args[: min(starred, signature.positional)]
        rest = node.args[len(plain) :]
        if rest and not signature.variable and (starred == len(node.args) or node.keywords):
            raise self.unsupported(node, "more arguments than there are parameters, or stars beside keywords")
        slots = {name: self.expr(each) for name, each in zip(signature.names, plain, strict=False)}
        before, extra = self.by_keyword(node, signature, slots)
        last = max((at for at, name in enumerate(signature.names) if name in slots), default=-1)
        count = len(signature.names) if signature.keywords or (rest and signature.variable) else last + 1
        placed = [slots.get(name, "undefined") for name in signature.names[:count]]
        if rest and signature.variable and len(plain) < signature.positional:
            named = ", ".join(placed[signature.positional :])
            return f"...$.placed([{self.items(node.args)}], {signature.positional}, [{named}])"
        placed += [self.items([each]) for each in rest]
        placed += [f"$.Dict.of([{', '.join(extra)}])"] if signature.keywords else []
        if before:  # Python evaluates in the order written: all that is not at its place first
            return f"...({', '.join(before)}, [{', '.join(placed)}])"
        return ", ".join(placed)

    def by_keyword(
        self, node: ast.Call, signature: Signature, slots: dict[str, str]
    ) -> tuple[list[str], list[str]]:
        """Fills slots with what keywords give. What must be evaluated before, and what there is no parameter for."""
        given = [str(keyword.arg) for keyword in node.keywords]
        in_order = [name for name in signature.names if name in given] == given
        before: list[str] = []
        extra: list[str] = []
        for name, keyword in zip(given, node.keywords, strict=True):
            said = self.expr(keyword.value)
            if not in_order and not isinstance(keyword.value, ast.Name | ast.Constant):
                hold = self.scope.temporary()
                before.append(f"{hold} = {said}")
                said = hold
            if name in signature.names:
                slots[name] = said
            elif signature.keywords:
                extra.append(f"[{text(name)}, {said}]")
            else:
                raise self.unsupported(node, f"there is no parameter {name}")
        return before, extra

    def keywords(self, node: ast.Call) -> str:
        parts = [
            f"...$.kwargs({self.expr(each.value)})"
            if each.arg is None
            else f"{text(each.arg)}: {self.expr(each.value)}"
            for each in node.keywords
        ]
        return f"{{{', '.join(parts)}}}"

    def by_name(self, node: ast.Call, said: str) -> str:
        return f"$.call({said}, [{self.items(node.args)}], {self.keywords(node)})"

    # Methods

    def call_method(self, node: ast.Call, value: ast.expr, attr: str) -> str:
        self.program.use(attr, self.known_class(value))
        said = self.expr(value)
        if not node.keywords:
            if attr in ITERATES and len(node.args) == 1:
                return f"{said}.${attr}({self.at_once(node.args[0])})"
            return f"{said}.${attr}({self.items(node.args)})"
        signature = self.program.method_signature(attr)
        known = signature is not None and {keyword.arg for keyword in node.keywords} <= set(signature.names)
        if signature is not None and known and not any(isinstance(each, ast.Starred) for each in node.args):
            return f"{said}.${attr}({self.placed(node, signature)})"
        self.program.named_methods.add(attr)
        return f'$.invoke({said}, "${attr}", [{self.items(node.args)}], {self.keywords(node)})'

    def at_once(self, node: ast.expr) -> str:
        """A generator whose values are all taken at once is a list."""
        if isinstance(node, ast.GeneratorExp):
            return self.expr(ast.copy_location(ast.ListComp(node.elt, node.generators), node))
        return self.items([node])

    # What is built in

    def call_builtin(self, node: ast.Call, name: str) -> str:
        args = node.args
        if name in ERRORS:
            return f"new $.{built_in(name)}({self.items(args)})"
        named = {keyword.arg: self.expr(keyword.value) for keyword in node.keywords}
        match name, args:
            case "isinstance", [value, kinds]:
                return self.is_instance(value, kinds)
            case "any" | "all", [ast.GeneratorExp(elt=elt, generators=generators)]:
                good, sign = ("true", "") if name == "any" else ("false", "!")
                said = self.looped(generators, lambda: f"if ({sign}{self.test(elt)}) return {good};")
                bad = "false" if name == "any" else "true"
                return f"(($s) => {{ {said} return {bad}; }})({self.expr(generators[0].iter)})"
            case "next", [ast.GeneratorExp(elt=elt, generators=generators), *default]:
                said = self.looped(generators, lambda: f"return {self.expr(elt)};")
                otherwise = "throw new $.StopIteration();"
                if default:
                    otherwise = self.inside([], lambda: f"return {self.expr(default[0])};")
                return f"(($s) => {{ {said} {otherwise} }})({self.expr(generators[0].iter)})"
            case "sum", [ast.GeneratorExp() | ast.ListComp() as each, *start] if not named:
                said = self.looped(each.generators, lambda: f"$r = $.add($r, {self.expr(each.elt)});")
                first = self.expr(start[0]) if start else "0"
                return f"(($s, $r) => {{ {said} return $r; }})({self.expr(each.generators[0].iter)}, {first})"
            case "tuple", [
                ast.GeneratorExp(elt=elt, generators=generators)
                | ast.ListComp(elt=elt, generators=generators)
            ]:
                made = self.comprehension(generators, lambda: f"$r.push({self.expr(elt)});", "[]")
                return f"$.asTuple({made})"
            case "min" | "max", _:
                values = self.at_once(args[0]) if len(args) == 1 else f"[{self.items(args)}]"
                if isinstance(args[0], ast.Starred):
                    values = f"[{self.items(args)}]"
                return f"$.{name}({', '.join([values, named.get('key', 'undefined'), named.get('default', 'undefined')])})"
            case "zip", _:
                return f"$.zip({', '.join([named.get('strict', 'false'), self.items(args)])})"
            case "len", [value] if self.kind(value) == "bytes":
                return f"{self.expr(value)}.length"
            case "super", []:
                raise self.unsupported(node, "super() other than for calling a method")
            case _:
                return self.call_plainly(node, name, named)

    def call_plainly(self, node: ast.Call, name: str, named: dict[str | None, str]) -> str:
        if name not in FUNCTIONS and name not in TYPES:
            raise self.unsupported(node, f"{name} is not known here")
        lazy = {"iter", "map", "filter", "enumerate", "zip"}
        placed = [self.items([each]) if name in lazy else self.at_once(each) for each in node.args]
        names = KEYWORDS.get(name, [])
        if any(each not in names for each in named):
            raise self.unsupported(node, f"{name} with these keywords")
        if named:
            placed += [named.get(each, "undefined") for each in names[len(placed) :]]
        return f"$.{name}({', '.join(placed)})"

    def is_instance(self, value: ast.expr, kinds: ast.expr) -> str:
        parts = alternatives(kinds)
        said = hold = self.expr(value)
        if not isinstance(value, ast.Name) and len(parts) > 1:
            hold = self.scope.temporary()
            said = f"({hold} = {said})"
        tests = []
        for part in parts:
            tests.append(self.is_of(said, part))
            said = hold
        return f"({' || '.join(tests)})"

    def is_of(self, said: str, kind: ast.expr) -> str:
        """Whether a value is of one type."""
        if isinstance(kind, ast.Constant) and kind.value is None:
            return f"{said} === null"
        symbol = self.symbol(kind)
        if symbol is not None and isinstance(symbol.node, ast.ClassDef):
            return f"{said} instanceof {self.program.reach(symbol)}"
        if (
            symbol is None
            and isinstance(kind, ast.Name)
            and kind.id in TYPEOF
            and not self.scope.owner(kind.id)
        ):
            return TYPEOF[kind.id].format(said)
        return f"$.isinstance({said}, {self.expr(kind)})"


def alternatives(kinds: ast.expr) -> list[ast.expr]:
    """The types in `A | B` or `(A, B)`."""
    match kinds:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*alternatives(left), *alternatives(right)]
        case ast.Tuple(elts=elts):
            return [each for part in elts for each in alternatives(part)]
        case _:
            return [kinds]
