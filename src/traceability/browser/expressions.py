"""Python expressions as JavaScript ones.

What comes out is a primary expression or stands in parentheses, so it can be put anywhere. Types are used only where the
core's annotations, which mypy has checked, or the form of an expression make them certain; all else is left to the
runtime's helpers, `$.add` and the like.
"""

import ast
from abc import abstractmethod
from collections.abc import Iterable, Sequence

from traceability.browser.builtin import ARITHMETIC, ERRORS, FUNCTIONS, RETURNS, TYPES, built_in
from traceability.browser.comprehensions import Comprehensions
from traceability.browser.constants import folded, is_constant, text

SAFE = 2**53 - 1
NATIVE = frozenset({"bool", "str", "num", "int"})
"""Kinds whose false values are those of JavaScript."""


class Expressions(Comprehensions):
    """The expressions of a module."""

    @abstractmethod
    def call(self, node: ast.Call) -> str:
        """A call."""

    # Names and constants

    def expr(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=value):
                return self.constant(node, value)
            case ast.Name() | ast.Attribute():
                return self.name(node)
            case ast.JoinedStr(values=values):
                return "`" + "".join(self.text_part(value) for value in values) + "`"
            case ast.UnaryOp() | ast.BinOp():
                return self.arithmetic(node)
            case ast.Compare():
                return self.compare(node)
            case ast.BoolOp():
                return self.either(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return f"({self.test(test)} ? {self.expr(body)} : {self.expr(orelse)})"
            case ast.NamedExpr(target=target, value=value):
                return f"({self.local(target.id)} = {self.expr(value)})"
            case ast.Call():
                return self.call(node)
            case ast.Subscript(value=value, slice=index):
                return self.subscript(value, index)
            case ast.Tuple(elts=elts):
                return self.tuple_(elts)
            case ast.List(elts=elts):
                return f"[{self.items(elts)}]"
            case ast.Set(elts=elts):
                return f"new $.Set_([{self.items(elts)}])"
            case ast.Dict(keys=keys, values=values):
                return self.dict_(keys, values)
            case ast.ListComp(elt=elt, generators=generators):
                return self.comprehension(generators, lambda: f"$r.push({self.expr(elt)});", "[]")
            case ast.SetComp(elt=elt, generators=generators):
                return self.comprehension(generators, lambda: f"$r.add({self.expr(elt)});", "new $.Set_()")
            case ast.DictComp(key=key, value=made, generators=generators):
                return self.comprehension(
                    generators, lambda: f"$r.set({self.expr(key)}, {self.expr(made)});", "new $.Dict()"
                )
            case ast.GeneratorExp(elt=elt, generators=generators):
                return self.generator(generators, lambda: f"yield {self.expr(elt)};")
            case ast.Lambda(args=args, body=body):
                return self.lambda_(args, body)
            case ast.Yield(value=value):
                return f"(yield {self.expr(value) if value else 'null'})"
            case ast.YieldFrom(value=value):
                return f"(yield* {self.expr(value)})"
            case _:
                raise self.unsupported(node, f"a {type(node).__name__} as an expression")

    def constant(self, node: ast.expr, value: object) -> str:
        match value:
            case None:
                return "null"
            case bool():
                return "true" if value else "false"
            case int():
                return str(value) if abs(value) <= SAFE else f"{value}n"
            case str():
                self.program.use(value)  # for getattr
                return text(value)
            case bytes():
                return self.once(f"$.b({text(value.decode('latin-1'))})")
            case _ if value is ...:
                return "$.Ellipsis"
            case _:
                raise self.unsupported(node, f"{value!r} as a constant")

    def name(self, node: ast.Name | ast.Attribute) -> str:
        symbol = self.symbol(node)
        if symbol is not None:
            if not symbol.name:
                raise self.unsupported(node, "a module used as a value")
            if self.describing:
                self.program.describe(symbol)
            return self.program.reach(symbol)
        if isinstance(node, ast.Attribute):
            self.program.use(node.attr, self.known_class(node.value))
            if node.attr == "__dict__":
                return f"$.vars({self.expr(node.value)})"
            if self.program.is_method(node.attr):
                return f'$.bound({self.expr(node.value)}, "${node.attr}")'
            return f"{self.expr(node.value)}.${node.attr}"
        if self.scope.owner(node.id):
            return self.local(node.id)
        if node.id in FUNCTIONS or node.id in TYPES or node.id in ERRORS:
            return f"$.{built_in(node.id)}"
        raise self.unsupported(node, f"{node.id} is not known here")

    def text_part(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str(value)):
                return text(value)[1:-1].replace("`", "\\`").replace("${", "\\${").replace('\\"', '"')
            case ast.FormattedValue(value=value, conversion=conversion, format_spec=spec):
                said = f"$.repr({self.expr(value)})" if conversion == ord("r") else self.expr(value)
                if conversion not in (-1, ord("r")):
                    raise self.unsupported(node, "this conversion in a text")
                if spec is not None:
                    return f"${{$.format({said}, {self.expr(spec)})}}"
                plain = conversion == ord("r") or self.kind(value) in ("str", "num")
                return f"${{{said}}}" if plain else f"${{$.str({said})}}"
            case _:
                raise self.unsupported(node, "this in a text")

    # What is certain of a type: "bool", "num" (an int that is no bool), "int", "str", "bytes"

    def kind(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=value):
                return "num" if type(value) is int else type(value).__name__
            case ast.JoinedStr():
                return "str"
            case ast.Name() | ast.Attribute():
                return self.kind_of_name(node)
            case ast.Call():
                return self.kind_of_call(node)
            case ast.Subscript(value=value):
                return "str" if self.kind(value) == "str" else ""
            case ast.NamedExpr(value=value):
                return self.kind(value)
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return "bool"
            case ast.BoolOp(values=values):
                kinds = {self.kind(value) for value in values}
                return kinds.pop() if len(kinds) == 1 else ""
            case ast.IfExp(body=body, orelse=orelse):
                return self.kind(body) if self.kind(body) == self.kind(orelse) else ""
            case ast.BinOp(left=left, op=op, right=right):
                kinds = {self.kind(left), self.kind(right)}
                if kinds <= {"num", "int"} and not isinstance(op, ast.BitAnd | ast.BitOr | ast.BitXor):
                    return "num"
                return kinds.pop() if kinds in ({"str"}, {"num"}) else ""
            case ast.UnaryOp(operand=operand):
                return "num" if self.kind(operand) in ("num", "int") else ""
            case _:
                return ""

    def kind_of_name(self, node: ast.Name | ast.Attribute) -> str:
        symbol = self.symbol(node)
        if symbol is not None:
            return "" if isinstance(symbol.node, ast.FunctionDef) else self.program.kinds.of_symbol(symbol)
        return (
            self.scope.kind(node.id)
            if isinstance(node, ast.Name)
            else self.program.kinds.attribute(node.attr)
        )

    def kind_of_call(self, node: ast.Call) -> str:
        symbol = self.symbol(node.func)
        if symbol is not None:
            return self.program.kinds.of_symbol(symbol)
        match node.func:
            case ast.Name(id=name) if not self.scope.owner(name):
                return RETURNS.get(name, "")
            case ast.Attribute(attr=attr):
                return RETURNS.get(attr, "") or self.program.kinds.method(attr)
            case _:
                return ""

    # Truth

    def test(self, node: ast.expr) -> str:
        """As a condition: what JavaScript takes as true is what Python does."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"!{self.test(operand)}"
            case ast.BoolOp(op=op, values=values):
                sign = " && " if isinstance(op, ast.And) else " || "
                return f"({sign.join(self.test(value) for value in values)})"
            case _:
                pass
        said = self.expr(node)
        return said if self.kind(node) in NATIVE else f"$.truth({said})"

    def either(self, node: ast.BoolOp) -> str:
        """`and` and `or` give the value that decides."""
        *before, last = node.values
        said = self.expr(last)
        for value in reversed(before):
            if self.kind(value) in NATIVE:
                said = f"({self.expr(value)} {'&&' if isinstance(node.op, ast.And) else '||'} {said})"
                continue
            hold = self.scope.temporary()
            first = f"$.truth({hold} = {self.expr(value)})"
            said = (
                f"({first} ? {said} : {hold})"
                if isinstance(node.op, ast.And)
                else f"({first} ? {hold} : {said})"
            )
        return said

    def compare(self, node: ast.Compare) -> str:
        parts: list[str] = []
        left, left_said = node.left, self.expr(node.left)
        for at, (op, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right_said = "" if isinstance(op, ast.In | ast.NotIn) else self.expr(right)
            again = right_said
            if at + 1 < len(node.ops) and not isinstance(right, ast.Name | ast.Constant):
                again = self.scope.temporary()
                right_said = f"({again} = {right_said})"
            parts.append(self.compared(node, left, left_said, op, right, right_said))
            left, left_said = right, again
        return f"({' && '.join(parts)})"

    def compared(
        self, node: ast.expr, left: ast.expr, left_said: str, op: ast.cmpop, right: ast.expr, right_said: str
    ) -> str:
        kinds = {self.kind(left), self.kind(right)}
        match op:
            case ast.Is() | ast.IsNot():
                return f"{left_said} {'===' if isinstance(op, ast.Is) else '!=='} {right_said}"
            case ast.Eq() | ast.NotEq():
                same = isinstance(op, ast.Eq)
                if kinds & {"str"} or kinds == {"num"}:
                    return f"{left_said} {'===' if same else '!=='} {right_said}"
                return f"{'' if same else '!'}$.eq({left_said}, {right_said})"
            case ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE():
                sign, name = {"Lt": ("<", "lt"), "LtE": ("<=", "le"), "Gt": (">", "gt"), "GtE": (">=", "ge")}[
                    type(op).__name__
                ]
                if kinds & {"num", "int"}:
                    return f"{left_said} {sign} {right_said}"
                return f"$.{name}({left_said}, {right_said})"
            case ast.In() | ast.NotIn():
                return f"{'' if isinstance(op, ast.In) else '!'}{self.contained(left, left_said, right)}"
            case _:
                raise self.unsupported(node, "this comparison")

    def contained(self, left: ast.expr, said: str, right: ast.expr) -> str:
        match right:
            case ast.Tuple(elts=elts) | ast.List(elts=elts) | ast.Set(elts=elts) if elts and all(
                isinstance(each, ast.Constant) and (each.value is None or isinstance(each.value, str))
                for each in elts
            ):
                hold = said
                if not isinstance(left, ast.Name):
                    hold = self.scope.temporary()
                    said = f"({hold} = {said})"
                first, *more = [self.expr(each) for each in elts]
                return f"({' || '.join([f'{said} === {first}', *(f'{hold} === {each}' for each in more)])})"
            case _:
                return f"$.contains({self.expr(right)}, {said})"

    # Arithmetic

    def arithmetic(self, node: ast.UnaryOp | ast.BinOp) -> str:
        value = folded(node)
        if value is not None:
            return f"({self.constant(node, value)})" if value < 0 else self.constant(node, value)
        if isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.Not):
                return self.test(node)
            return f"$.{'neg' if isinstance(node.op, ast.USub) else 'invert'}({self.expr(node.operand)})"
        name = ARITHMETIC.get(type(node.op).__name__)
        if name is None:
            raise self.unsupported(node, f"the operator {type(node.op).__name__}: the core has no floats")
        return f"$.{name}({self.expr(node.left)}, {self.expr(node.right)})"

    # Collections

    def items(self, nodes: Iterable[ast.expr]) -> str:
        return ", ".join(
            f"...{self.expr(node.value)}" if isinstance(node, ast.Starred) else self.expr(node)
            for node in nodes
        )

    def tuple_(self, elts: Sequence[ast.expr]) -> str:
        if any(isinstance(each, ast.Starred) for each in elts):
            return f"$.asTuple([{self.items(elts)}])"
        made = f"$.T({self.items(elts)})"
        return self.once(made) if all(is_constant(each) for each in elts) else made

    def dict_(self, keys: Sequence[ast.expr | None], values: Sequence[ast.expr]) -> str:
        if not keys:
            return "new $.Dict()"
        pairs = [
            f"...{self.expr(value)}.pairs()" if key is None else f"[{self.expr(key)}, {self.expr(value)}]"
            for key, value in zip(keys, values, strict=True)
        ]
        return f"$.Dict.of([{', '.join(pairs)}])"

    def subscript(self, value: ast.expr, index: ast.expr) -> str:
        if isinstance(index, ast.Slice):
            return f"$.slice({self.expr(value)}, {self.bounds(index)})"
        return f"$.getitem({self.expr(value)}, {self.expr(index)})"
