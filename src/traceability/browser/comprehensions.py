"""Comprehensions, lambdas and parameters; and taking values apart, which loops do as well as assignments."""

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable

from traceability.browser.base import Base
from traceability.browser.constants import is_constant
from traceability.browser.scope import assigned, identifier


class Comprehensions(Base, ABC):
    """What has a scope of its own inside an expression."""

    @abstractmethod
    def expr(self, node: ast.expr) -> str:
        """An expression."""

    @abstractmethod
    def test(self, node: ast.expr) -> str:
        """An expression as a condition."""

    def comprehension(self, generators: list[ast.comprehension], step: Callable[[], str], empty: str) -> str:
        said = self.looped(generators, step)
        return f"(($s) => {{ const $r = {empty}; {said} return $r; }})({self.expr(generators[0].iter)})"

    def generator(self, generators: list[ast.comprehension], step: Callable[[], str]) -> str:
        said = self.looped(generators, step)
        return f"(function* ($s) {{ {said} }})({self.expr(generators[0].iter)})"

    def looped(self, generators: list[ast.comprehension], step: Callable[[], str]) -> str:
        """The loops of a comprehension; what the first goes over is called $s."""
        names = [name for each in generators for name in targets(each.target)]

        def write() -> str:
            said = ""
            for at, each in enumerate(generators):
                over = "$s" if at == 0 else self.expr(each.iter)
                head, unpacking = self.loop_target(each.target)
                tests = [f"if (!{self.test(test)}) continue; " for test in each.ifs]
                said += f"for ({head} of {over}) {{ {unpacking}{''.join(tests)}"
            return said + step() + " }" * len(generators)

        called = self.scope.numbered(list(dict.fromkeys(names)))
        said = self.inside(called, write, called=called)
        plain = {each.target.id for each in generators if isinstance(each.target, ast.Name)}
        rest = [called[name] for name in called if name not in plain]
        return (f"let {', '.join(rest)}; " if rest else "") + said

    def loop_target(self, target: ast.expr) -> tuple[str, str]:
        """What stands before `of` in a comprehension's loop, and what takes it apart."""
        if isinstance(target, ast.Name):
            return f"const {self.local(target.id)}", ""
        hold = self.scope.unused()
        return f"const {hold}", self.unpack(target, hold)

    def unpack(self, target: ast.expr, said: str) -> str:
        """Statements that assign a value to a target."""
        match target:
            case ast.Name(id=name):
                return f"{self.local(name)} = {said}; "
            case ast.Attribute(value=value, attr=attr):
                return f"{self.expr(value)}.${attr} = {said}; "
            case ast.Subscript(value=value, slice=ast.Slice() as index):
                return f"$.setslice({self.expr(value)}, {said}, {self.bounds(index)}); "
            case ast.Subscript(value=value, slice=index):
                return f"$.setitem({self.expr(value)}, {self.expr(index)}, {said}); "
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                starred = [at for at, each in enumerate(elts) if isinstance(each, ast.Starred)]
                if starred:
                    call = f"$.unpackStarred({said}, {starred[0]}, {len(elts) - 1 - starred[0]})"
                else:
                    call = f"$.unpack({said}, {len(elts)})"
                parts = [each.value if isinstance(each, ast.Starred) else each for each in elts]
                names = [self.local(part.id) for part in parts if isinstance(part, ast.Name)]
                if len(names) == len(parts):
                    return f"[{', '.join(names)}] = {call}; "
                hold = self.scope.unused()
                each_said = [self.unpack(part, f"{hold}[{at}]") for at, part in enumerate(parts)]
                return f"const {hold} = {call}; {''.join(each_said)}"
            case _:
                raise self.unsupported(target, "an assignment to this")

    def bounds(self, index: ast.Slice) -> str:
        parts = [self.expr(part) if part else "null" for part in (index.lower, index.upper, index.step)]
        return ", ".join(parts if index.step else parts[:2])

    def lambda_(self, args: ast.arguments, body: ast.expr) -> str:
        signature, prologue = self.signature(args)
        names, kinds = self.parameters(args)
        said = self.inside([*names, *assigned(body)], lambda: f"return {self.expr(body)};", kinds)
        own = [identifier(name) for name in assigned(body)]
        own_said = f"let {', '.join(own)}; " if own else ""
        return f"(({signature}) => {{ {prologue}{own_said}{said} }})"

    def parameters(self, args: ast.arguments) -> tuple[list[str], dict[str, str]]:
        """All parameters, and what their annotations say of them."""
        plain = [*args.posonlyargs, *args.args, *args.kwonlyargs]
        others = [arg.arg for arg in (args.vararg, args.kwarg) if arg]
        kinds = {arg.arg: self.program.kinds.of(self.module, arg.annotation) for arg in plain}
        return [*kinds, *others], kinds

    def signature(self, args: ast.arguments) -> tuple[str, str]:
        """Parameters as JavaScript writes them, and what has to be done first in the body."""
        plain = [*args.posonlyargs, *args.args]
        defaults: list[ast.expr | None] = [*[None] * (len(plain) - len(args.defaults)), *args.defaults]
        parts = [
            self.parameter(arg, default)
            for arg, default in zip([*plain, *args.kwonlyargs], [*defaults, *args.kw_defaults], strict=True)
        ]
        prologue = ""
        if args.vararg:
            rest = identifier(args.vararg.arg)
            parts.append(f"...{rest}")
            prologue = f"{rest} = $.tuple({rest}); "
        if args.kwarg:
            parts.append(identifier(args.kwarg.arg))
        return ", ".join(parts), prologue

    def parameter(self, arg: ast.arg, default: ast.expr | None) -> str:
        if default is None:
            return identifier(arg.arg)
        at_top = self.symbol(default) is not None
        is_empty = (
            isinstance(default, ast.Call | ast.List | ast.Dict)
            and not list(ast.iter_child_nodes(default))[1:]
        )
        if not (at_top or is_empty or is_constant(default)):
            raise self.unsupported(default, "a default that is neither a constant nor a name at top level")
        return f"{identifier(arg.arg)} = {self.expr(default)}"


def targets(node: ast.expr) -> list[str]:
    """The names that a target assigns."""
    return [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
