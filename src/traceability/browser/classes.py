"""Class statements. Records of any sort get a constructor that sets their fields; other classes are left to the runtime."""

import ast
from collections.abc import Sequence

from traceability.browser.constants import text
from traceability.browser.known import Class, signature_of
from traceability.browser.source import Symbol, called
from traceability.browser.statements import Statements

TYPE_ONLY = frozenset({"Generic", "Protocol", "NamedTuple", "object"})
"""Bases that leave no trace."""
LIBRARY_KINDS = {
    "Struct": "struct",
    "NamedTuple": "named",
    "BaseModel": "model",
    "Protocol": "type",
    "TypedDict": "type",
}


class Classes(Statements):
    """The classes of a module."""

    def learn(self, symbol: Symbol, node: ast.ClassDef) -> Class:
        """What its statement says of a class."""
        bases = [self.symbol(base) for base in node.bases if called(base) not in TYPE_ONLY]
        known = [
            self.program.class_of(base) for base in bases if base is not None and base.module is not None
        ]
        of_library = [LIBRARY_KINDS[called(base)] for base in node.bases if called(base) in LIBRARY_KINDS]
        kind = next((each.kind for each in known), next(iter(of_library), "plain"))
        if any(called(each) == "dataclass" for each in node.decorator_list):
            kind = "data"
        found = Class(symbol, kind, bases=tuple(known))
        for base in known:
            found.fields |= base.fields
            found.keyword_only |= base.keyword_only
            found.options |= {name: said for name, said in base.options.items() if name != "kw_only"}
            found.init, found.post_init = found.init or base.init, found.post_init or base.post_init
        found.options |= {str(each.arg): self.expr(each.value) for each in node.keywords}
        for name, _, default in fields_of(node):
            found.fields[name] = None if default is None else self.expr(default)
            if found.options.get("kw_only") == "true":
                found.keyword_only |= {name}
        for each in node.body:
            if isinstance(each, ast.FunctionDef) and each.name == "__init__":
                found.init = signature_of(each.args, bound=True)
            found.post_init |= isinstance(each, ast.FunctionDef) and each.name == "__post_init__"
        return found

    def class_(self, symbol: Symbol, node: ast.ClassDef) -> str:
        """The call that makes a class."""
        known = self.program.class_of(symbol)
        bases = [
            self.expr(base)
            for base in node.bases
            if called(base) not in TYPE_ONLY and called(base) != "Struct"
        ]
        plain = ", ".join(f"[{text(name)}]" for name, _, _ in fields_of(node))
        if known.kind == "model":
            fields = self.described_fields(node)
        else:
            fields = self.program.late_types(
                symbol, lambda: self.at_top(lambda: self.described_fields(node)), plain
            )
        meta = [
            f'"kind": "{known.kind}"',
            f'"fields": [{fields}]',
            f'"members": [{self.members(symbol, node)}]',
        ]
        if known.ordered != tuple(known.fields):
            meta.append(f'"params": [{", ".join(map(text, known.ordered))}]')
        if known.options:
            options = ", ".join(f"{text(name)}: {said}" for name, said in known.options.items())
            meta.append(f'"options": {{{options}}}')
        return f'$.klass("{node.name}", [{", ".join(bases)}], {{{", ".join(meta)}}}, {self.constructor(known, node.name)})'

    def described_fields(self, node: ast.ClassDef) -> str:
        """Fields with their types and defaults, each evaluated when somebody asks."""
        before, self.describing = self.describing, True
        said = ""
        for name, annotation, default in fields_of(node):
            otherwise = "" if default is None else f", () => {self.expr(default)}"
            said += f"[{text(name)}, () => {self.expr(unquoted(annotation))}{otherwise}], "
        self.describing = before
        return said

    def constructor(self, known: Class, name: str) -> str:
        if known.kind not in ("struct", "named", "data"):
            return "null"
        names = [self.parameter_named(each) for each in known.ordered]
        parts = [
            said if known.fields[each] is None else f"{said} = {known.fields[each]}"
            for each, said in zip(known.ordered, names, strict=True)
        ]
        own = f"{name}$"
        body = f"if (!new.target) return new {own}(...arguments); "
        body += "".join(f"this.${each} = {self.parameter_named(each)}; " for each in known.fields)
        if known.post_init:
            body += "this.$__post_init__(); "
        return f"function {own}({', '.join(parts)}) {{ {body}}}"

    def parameter_named(self, name: str) -> str:
        return name + "$"

    def members(self, symbol: Symbol, node: ast.ClassDef) -> str:
        """Methods and attributes, in order. A method that nothing asks for is left out."""
        said = ""
        for each in node.body:
            match each:
                case ast.FunctionDef(name=name):
                    said += self.method(symbol, each)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    said += "" if name == "__slots__" else self.attribute(name, value)
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                    said += self.attribute(name, value) if called(annotation) == "ClassVar" and value else ""
                case ast.Expr(value=ast.Constant()) | ast.Pass():
                    pass
                case _:
                    raise self.unsupported(each, f"a {type(each).__name__} in a class")
        return said

    def attribute(self, name: str, value: ast.expr) -> str:
        return f"[{text(name)}, {self.expr(value)}],\n"

    def method(self, symbol: Symbol, node: ast.FunctionDef) -> str:
        decorators = {called(decorator) for decorator in node.decorator_list}
        if "overload" in decorators:
            return ""

        def write() -> str:
            said = self.function(node, method="staticmethod" not in decorators, klass=symbol)
            for wrapper in ("property", "classmethod", "staticmethod"):
                if wrapper in decorators:
                    said = f"$.{wrapper}({said})"
            return f"[{text(node.name)}, {said}],\n"

        is_asked_for = decorators <= {
            "property",
            "classmethod",
            "staticmethod",
            "once",
        } and not node.name.startswith("__")
        return (
            self.program.late_member(symbol, node.name, lambda: self.at_top(write))
            if is_asked_for
            else write()
        )


def fields_of(node: ast.ClassDef) -> Sequence[tuple[str, ast.expr, ast.expr | None]]:
    """The names a class annotates, ClassVar aside: name, annotation, default."""
    return [
        (each.target.id, each.annotation, each.value)
        for each in node.body
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Name)
        and called(each.annotation) != "ClassVar"
    ]


def unquoted(annotation: ast.expr) -> ast.expr:
    """An annotation that may stand in quotes."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return ast.copy_location(ast.parse(annotation.value, mode="eval").body, annotation)
    return annotation
