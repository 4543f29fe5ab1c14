"""Python statements and functions as JavaScript ones."""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence

from traceability.browser.builtin import ARITHMETIC
from traceability.browser.calls import Calls
from traceability.browser.constants import text
from traceability.browser.scope import Scope, assigned, has_yield, identifier
from traceability.browser.source import Symbol, called

IN_PLACE = {"Add": "iadd", "BitOr": "ior"}
"""Operators that change a list, a set or a dict where it is."""

OF_CLASSES = frozenset({"overload", "property", "classmethod", "staticmethod"})
"""Decorators that say how a class has a function."""


class Statements(Calls):
    """The statements of a module, in functions and outside."""

    def block(self, body: Sequence[ast.stmt]) -> str:
        return "".join(self.statement(each) for each in body)

    def statement(self, node: ast.stmt) -> str:
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                return ""
            case ast.Expr(value=ast.Yield() | ast.YieldFrom() as value):
                return f"{self.expr(value)[1:-1]};\n"
            case ast.Expr(value=value):
                return f"{self.expr(value)};\n"
            case ast.Return(value=value):
                return f"return {self.expr(value) if value else 'null'};\n"
            case ast.Assign(targets=[ast.Tuple() as target], value=ast.Tuple() as value):
                return self.assign_pairwise(target, value)
            case ast.Assign(targets=[target], value=value):
                return self.unpack(target, self.expr(value)).rstrip() + "\n"
            case ast.Assign(targets=targets_, value=value):
                hold = self.scope.unused()
                return f"const {hold} = {self.expr(value)};\n" + "".join(
                    self.unpack(each, hold) for each in targets_
                )
            case ast.AnnAssign(target=target, value=value):
                return self.unpack(target, self.expr(value)) if value else ""
            case ast.AugAssign():
                return self.augmented(node)
            case ast.If(test=test, body=body, orelse=orelse):
                said = f"if ({self.test(test)}) {{\n{self.block(body)}}}"
                return f"{said} else {{\n{self.block(orelse)}}}\n" if orelse else f"{said}\n"
            case ast.While(test=test, body=body, orelse=[]):
                return f"while ({self.test(test)}) {{\n{self.block(body)}}}\n"
            case ast.For(orelse=[]):
                return self.for_(node)
            case ast.Break():
                return "break;\n"
            case ast.Continue():
                return "continue;\n"
            case ast.Raise():
                return self.raise_(node)
            case ast.Assert(test=test, msg=msg):
                said = self.expr(msg) if msg else ""
                return f"if (!{self.test(test)}) throw new $.AssertionError({said});\n"
            case ast.Try():
                return self.try_(node)
            case ast.With(items=items, body=body):
                return self.with_(items, body)
            case ast.Match(subject=subject, cases=cases):
                return self.match(subject, cases)
            case ast.FunctionDef(name=name):
                return f"{self.local(name)} = {self.function(node)};\n"
            case _:
                raise self.unsupported(node, f"a {type(node).__name__} here")

    # Assignments

    def assign_pairwise(self, target: ast.Tuple, value: ast.Tuple) -> str:
        """`a, b = x, y` without making a tuple: all values first, then all targets."""
        if len(target.elts) != len(value.elts) or any(
            isinstance(each, ast.Starred) for each in [*target.elts, *value.elts]
        ):
            return self.unpack(target, self.expr(value))
        if are_apart(target.elts, value.elts):
            pairs = zip(target.elts, value.elts, strict=True)
            return "".join(self.unpack(each, self.expr(given)) for each, given in pairs) + "\n"
        holds = [self.scope.unused() for _ in value.elts]
        said = "".join(
            f"const {hold} = {self.expr(each)}; " for hold, each in zip(holds, value.elts, strict=True)
        )
        return f"{{ {said}{''.join(self.unpack(each, hold) for each, hold in zip(target.elts, holds, strict=True))}}}\n"

    def augmented(self, node: ast.AugAssign) -> str:
        match node.target:
            case ast.Name(id=id_):
                return f"{self.local(id_)} = {self.augmented_value(node, self.local(id_))};\n"
            case ast.Attribute(value=value, attr=attr):
                hold = self.scope.unused()
                said = self.augmented_value(node, f"{hold}.${attr}")
                return f"{{ const {hold} = {self.expr(value)}; {hold}.${attr} = {said}; }}\n"
            case ast.Subscript(value=value, slice=index):
                hold, at = self.scope.unused(), self.scope.unused()
                said = self.augmented_value(node, f"$.getitem({hold}, {at})")
                return (
                    f"{{ const {hold} = {self.expr(value)}, {at} = {self.expr(index)}; "
                    f"$.setitem({hold}, {at}, {said}); }}\n"
                )

    def augmented_value(self, node: ast.AugAssign, before: str) -> str:
        operator = type(node.op).__name__
        name = (
            ARITHMETIC[operator]
            if self.kind(node.value) == "num"
            else IN_PLACE.get(operator, ARITHMETIC[operator])
        )
        return f"$.{name}({before}, {self.expr(node.value)})"

    # Loops

    def for_(self, node: ast.For) -> str:
        match node.iter:
            case ast.Call(func=ast.Name(id="range"), args=args, keywords=[]) if len(
                args
            ) < 3 and self.is_built_in("range"):
                at, end = self.scope.unused(), self.scope.unused()
                first = self.expr(args[0]) if len(args) == 2 else "0"
                head = f"for (let {at} = {first}, {end} = {self.expr(args[-1])}; {at} < {end}; {at}++)"
                return f"{head} {{\n{self.unpack(node.target, at)}{self.block(node.body)}}}\n"
            case ast.Call(func=ast.Name(id="enumerate"), args=[over, *start], keywords=[]) if isinstance(
                node.target, ast.Tuple
            ) and self.is_built_in("enumerate"):
                at, hold = self.scope.unused(), self.scope.unused()
                number, item = node.target.elts
                since = self.expr(start[0]) if start else "0"
                return (
                    f"let {at} = {since};\nfor (const {hold} of {self.expr(over)}) {{\n"
                    f"{self.unpack(number, f'{at}++')}{self.unpack(item, hold)}{self.block(node.body)}}}\n"
                )
            case _:
                source = self.expr(node.iter)
                if isinstance(node.iter, ast.Name) and leaves_early(node.body):
                    source = f"$.kept({source})"
                if isinstance(node.target, ast.Name):
                    return f"for ({self.local(node.target.id)} of {source}) {{\n{self.block(node.body)}}}\n"
                hold = self.scope.unused()
                return f"for (const {hold} of {source}) {{\n{self.unpack(node.target, hold)}{self.block(node.body)}}}\n"

    def is_built_in(self, name: str) -> bool:
        return not self.scope.owner(name) and self.program.source.resolve(self.module, name) is None

    # Exceptions

    def raise_(self, node: ast.Raise) -> str:
        if node.exc is None:
            if not self.scope.caught:
                raise self.unsupported(node, "raise without an exception outside of an except clause")
            return f"throw {self.scope.caught[-1]};\n"
        said = self.expr(node.exc)
        if not isinstance(node.exc, ast.Call):
            said = f"$.raised({said})"
        if node.cause is not None and not isinstance(node.cause, ast.Constant):
            said = f"$.cause({said}, {self.expr(node.cause)})"
        return f"throw {said};\n"

    def try_(self, node: ast.Try) -> str:
        whole, said = "", ""
        if node.orelse:
            whole = self.scope.unused()
        body = self.block(node.body) + (f"{whole} = true;\n" if whole else "")
        if node.handlers:
            error = self.scope.unused()
            said = f"try {{\n{body}}} catch ({error}$) {{\nconst {error} = $.caught({error}$);\n"
            self.scope.caught.append(error)
            for at, handler in enumerate(node.handlers):
                test = self.handles(error, handler.type)
                bound = f"{self.local(handler.name)} = {error};\n" if handler.name else ""
                said += f"{' else ' if at else ''}if ({test}) {{\n{bound}{self.block(handler.body)}}}"
            self.scope.caught.pop()
            said += f" else throw {error};\n}}\n"
        else:
            said = body
        if whole:
            said = f"let {whole} = false;\n{said}if ({whole}) {{\n{self.block(node.orelse)}}}\n"
        if node.finalbody:
            said = f"try {{\n{said}}} finally {{\n{self.block(node.finalbody)}}}\n"
        return said

    def handles(self, error: str, kinds: ast.expr | None) -> str:
        if kinds is None:
            return f"{error} instanceof $.BaseException"
        parts = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
        return " || ".join(f"{error} instanceof {self.expr(each)}" for each in parts)

    def with_(self, items: list[ast.withitem], body: Sequence[ast.stmt]) -> str:
        first, *more = items
        inner = self.with_(more, body) if more else self.block(body)
        manager, error, failed = self.scope.unused(), self.scope.unused(), self.scope.unused()
        bound = f"{manager}.$__enter__()"
        entered = self.unpack(first.optional_vars, bound) if first.optional_vars else f"{bound};\n"
        return (
            f"{{\nconst {manager} = {self.expr(first.context_expr)};\n{entered}let {failed} = false;\n"
            f"try {{\n{inner}}} catch ({error}$) {{\n{failed} = true;\nconst {error} = $.caught({error}$);\n"
            f"if (!$.truth({manager}.$__exit__($.type({error}), {error}, null))) throw {error};\n"
            f"}} finally {{\nif (!{failed}) {manager}.$__exit__(null, null, null);\n}}\n}}\n"
        )

    # Matching

    def match(self, subject: ast.expr, cases: Sequence[ast.match_case]) -> str:
        hold = self.scope.unused()
        said = f"{{\nconst {hold} = {self.expr(subject)};\n"
        for at, case in enumerate(cases):
            test = self.pattern(case.pattern, hold)
            if case.guard is not None:
                test = f"{test} && {self.test(case.guard)}"
            said += f"{'else ' if at else ''}if ({test}) {{\n{self.block(case.body)}}}\n"
        return said + "}\n"

    def pattern(self, node: ast.pattern, said: str) -> str:
        """Whether a value is of a pattern; names are bound on the way."""
        match node:
            case ast.MatchValue(value=value):
                return self.compared(value, ast.Name("$"), said, ast.Eq(), value, self.expr(value))
            case ast.MatchSingleton(value=value):
                return f"{said} === {self.constant(ast.Constant(value), value)}"
            case ast.MatchAs(pattern=inner, name=name):
                bound = f"(({self.local(name)} = {said}), true)" if name else "true"
                return f"{self.pattern(inner, said)} && {bound}" if inner else bound
            case ast.MatchOr(patterns=patterns):
                return f"({' || '.join(self.pattern(each, said) for each in patterns)})"
            case ast.MatchClass():
                return self.class_pattern(node, said)
            case ast.MatchSequence(patterns=patterns):
                return self.sequence_pattern(patterns, said)
            case ast.MatchMapping(keys=keys, patterns=patterns, rest=rest):
                parts = [f"{said} instanceof $.Dict"]
                for key, inner in zip(keys, patterns, strict=True):
                    parts.append(self.part(inner, f"{said}.get({self.expr(key)})", absent=True))
                if rest is not None:
                    names = ", ".join(self.expr(key) for key in keys)
                    parts.append(f"(({self.local(rest)} = $.without({said}, [{names}])), true)")
                return f"({' && '.join(parts)})"
            case _:
                raise self.unsupported(node, f"a {type(node).__name__} in a match")

    def part(self, node: ast.pattern, said: str, *, absent: bool = False) -> str:
        """A pattern for a part of a value, taken out once."""
        hold = self.scope.temporary()
        there = f"({hold} = {said}) !== undefined"
        return (
            f"{there} && {self.pattern(node, hold)}"
            if absent
            else f"(({hold} = {said}), {self.pattern(node, hold)})"
        )

    def class_pattern(self, node: ast.MatchClass, said: str) -> str:
        parts = [self.is_of(said, node.cls)]
        symbol = self.symbol(node.cls)
        if node.patterns and symbol is None:
            parts.append(self.pattern(node.patterns[0], said))  # int(x) matches the value itself
        elif node.patterns and symbol is not None:
            signature = self.program.signature(symbol)
            if signature is None:
                raise self.unsupported(node, "a class whose fields are not known, by position")
            for name, inner in zip(signature.names, node.patterns, strict=False):
                parts.append(self.part(inner, f"{said}.${name}"))
        for name, inner in zip(node.kwd_attrs, node.kwd_patterns, strict=True):
            self.program.use(name)
            parts.append(self.part(inner, f"{said}.${name}", absent=True))
        return f"({' && '.join(parts)})"

    def sequence_pattern(self, patterns: Sequence[ast.pattern], said: str) -> str:
        star = next((at for at, each in enumerate(patterns) if isinstance(each, ast.MatchStar)), None)
        if star is None:
            parts = [f"$.isSequence({said}) && {said}.length === {len(patterns)}"]
            parts += [self.part(each, f"{said}[{at}]") for at, each in enumerate(patterns)]
            return f"({' && '.join(parts)})"
        behind = len(patterns) - 1 - star
        parts = [f"$.isSequence({said}) && {said}.length >= {len(patterns) - 1}"]
        parts += [self.part(each, f"{said}[{at}]") for at, each in enumerate(patterns[:star])]
        starred = patterns[star]
        if isinstance(starred, ast.MatchStar) and starred.name:
            parts.append(
                f"(({self.local(starred.name)} = [...{said}].slice({star}, {said}.length - {behind})), true)"
            )
        for at, each in enumerate(patterns[star + 1 :]):
            parts.append(self.part(each, f"{said}[{said}.length - {behind - at}]"))
        return f"({' && '.join(parts)})"

    # Functions

    def function(
        self, node: ast.FunctionDef, *, name: str = "", method: bool = False, klass: Symbol | None = None
    ) -> str:
        """A function expression. A method's first parameter is `this`, unless a decorator of the core is given it."""
        args = node.args
        self_name = ""
        decorators = [self.symbol(each) for each in node.decorator_list]
        if method and not any(each is not None and each.module is not None for each in decorators):
            first, *others = args.args
            self_name = identifier(first.arg)
            args = ast.arguments(
                [],
                others,
                args.vararg,
                args.kwonlyargs,
                args.kw_defaults,
                args.kwarg,
                args.defaults[-len(others) :] if others else [],
            )
        signature, prologue = self.signature(args)
        names, kinds = self.parameters(node.args)
        for each in assignments(node.body):
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                kinds[each.target.id] = self.program.kinds.of(self.module, each.annotation)
        outer = self.scope
        self.scope = Scope(outer, {*names, *assigned(node.body)}, kinds, klass=klass or outer.klass)
        self.scope.receiver = node.args.args[0].arg if method else outer.receiver
        try:
            for own, given in plainly_assigned(node.body).items():
                if own not in kinds and len(found := {self.kind(value) for value in given}) == 1:
                    kinds |= {own: found.pop()}
            body = self.block(node.body)
            declared = [
                *[self.local(each) for each in dict.fromkeys(assigned(node.body)) if each not in names],
                *self.scope.declared,
            ]
        finally:
            self.scope = outer
        if declared:
            prologue = f"let {', '.join(declared)};\n{prologue}"
        if self_name and self_name in body:
            prologue = f"const {self_name} = this;\n{prologue}"
        star = "*" if has_yield(node.body) else ""
        if not has_return(node.body) and not star:
            body += "return null;\n"
        said = f"function{star} {name}({signature}) {{\n{prologue}{body}}}"
        wrapping = [each for each in node.decorator_list if called(each) not in OF_CLASSES]
        if wrapping:
            said = f"$.named({text(node.name)}, {said})"
        for decorator in reversed(wrapping):
            said = f"{self.expr(decorator)}({said})"
        return said


def are_apart(targets: Sequence[ast.expr], values: Sequence[ast.expr]) -> bool:
    """Whether one pair can be assigned after the other: no later value can fail, or see an earlier target."""
    for at, target in enumerate(targets):
        later = [part for value in values[at + 1 :] for part in ast.walk(value)]
        if not all(
            isinstance(part, ast.Name | ast.Attribute | ast.Constant | ast.expr_context) for part in later
        ):
            return False
        match target:
            case ast.Name(id=name):
                if any(isinstance(part, ast.Name) and part.id == name for part in later):
                    return False
            case ast.Attribute(attr=attr, value=ast.Name()):
                if any(isinstance(part, ast.Attribute) and part.attr == attr for part in later):
                    return False
            case _:
                return False
    return True


def plainly_assigned(body: Sequence[ast.stmt]) -> dict[str, list[ast.expr]]:
    """The local names that only plain assignments make, and the values they give."""
    values: dict[str, list[ast.expr]] = {}
    for each in assignments(body):
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            values.setdefault(each.targets[0].id, []).append(each.value)
    times = Counter(assigned(list(body)))
    return {name: found for name, found in values.items() if len(found) == times[name]}


def assignments(body: Sequence[ast.stmt]) -> Iterator[ast.Assign | ast.AnnAssign]:
    """The assignments among statements, those of functions inside left out."""
    waiting: list[ast.AST] = list(reversed(body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Assign | ast.AnnAssign):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.expr):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def has_return(body: Sequence[ast.stmt]) -> bool:
    """Whether a function certainly does not fall off its end."""
    match body[-1]:
        case ast.Return() | ast.Raise():
            return True
        case ast.If(body=first, orelse=second):
            return bool(second) and has_return(first) and has_return(second)
        case _:
            return False


def leaves_early(body: Sequence[ast.stmt]) -> bool:
    """Whether a loop with this body may end before what it goes over does."""
    return any(isinstance(each, ast.Break | ast.Return) for statement in body for each in ast.walk(statement))
