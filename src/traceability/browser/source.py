"""The Python that is compiled: modules below `traceability.core`, what their names stand for, which statements make them.

Only names that something reaches are compiled. A name is resolved through imports to the module that makes it; names of
libraries are resolved to the shim that stands for the library in the browser.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
CORE = "traceability.core"


class Unsupported(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """Python that the compiler does not know, with its file and line."""

    def __init__(self, module: "Module", node: ast.AST, why: str) -> None:
        super().__init__(f"{module.file}:{getattr(node, 'lineno', 1)}: {why}")


@dataclass(eq=False)
class Module:
    """A module of the core. `made` has the statements at top level that make or change each name."""

    name: str
    file: str
    tree: ast.Module
    made: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Module and name of what is imported; None for the module itself."""

    @property
    def prefix(self) -> str:
        return prefix(self.name)


@dataclass(frozen=True)
class Symbol:
    """What a name stands for: made at top level of a module, a module itself (`node` is None), or a library's."""

    module: Module | None
    name: str
    node: ast.stmt | None = None
    library: str = ""
    """Of a library, the shim; `name` is what it exports, or empty for the shim as a whole."""

    @property
    def js(self) -> str:
        if self.module is not None:
            return self.module.prefix + self.name
        return f"{shim(self.library)}.{self.name}" if self.name else shim(self.library)


def prefix(module: str) -> str:
    """What the names of a module begin with in JavaScript."""
    return module.removeprefix(f"{CORE}.").replace(".", "_") + "__"


def shim(library: str) -> str:
    """What the exports of a shim are called in the one module."""
    return "$" + library


class Source:
    """Modules by name, read when first asked for. `texts` stand for files that are not there (tests)."""

    def __init__(self, texts: dict[str, str] | None = None) -> None:
        self._texts = texts or {}
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """The module of that name, None where there is none."""
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def _read(self, name: str) -> Module | None:
        text = self._texts.get(name)
        file = f"{name}.py"
        if text is None and name.startswith(CORE):
            below = name.removeprefix("traceability.").split(".")
            for path in (ROOT.joinpath(*below).with_suffix(".py"), ROOT.joinpath(*below, "__init__.py")):
                if path.exists():
                    text, file = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
                    break
        if text is None:
            return None
        module = Module(name, file, ast.parse(text))
        for statement in module.tree.body:
            self._bind(module, statement)
        return module

    def _bind(self, module: Module, statement: ast.stmt) -> None:
        match statement:
            case ast.ImportFrom(module=str(where), names=names, level=0):
                for alias in names:
                    below = f"{where}.{alias.name}"
                    whole = where.startswith(CORE) and self.module(below) is not None
                    module.imported[alias.asname or alias.name] = (
                        (below, None) if whole else (where, alias.name)
                    )
            case ast.Import(names=names):
                for alias in names:
                    module.imported[alias.asname or alias.name.split(".")[0]] = (alias.name, None)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                module.made.setdefault(name, []).append(statement)
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.For():
                for name in stored(statement):
                    module.made.setdefault(name, []).append(statement)
            case _:
                raise Unsupported(module, statement, f"a {type(statement).__name__} at top level")

    def resolve(self, module: Module, name: str) -> Symbol | None:
        """What a name at top level of a module stands for, None where it is not one."""
        if name in module.imported:
            where, what = module.imported[name]
            found = self.module(where)
            if found is None:
                return Symbol(None, what or "", library=where.split(".")[0])
            return Symbol(found, "") if what is None else self.resolve(found, what)
        if name in module.made:
            return Symbol(module, name, module.made[name][0])
        return None

    def in_order(self, roots: Iterable[str]) -> list[Module]:
        """These modules and all they import, each behind those it imports."""
        order: list[Module] = []
        seen: set[str] = set()

        def visit(name: str) -> None:
            module = self.module(name)
            if name in seen or module is None:
                return
            seen.add(name)
            for where, _ in module.imported.values():
                visit(where)
            order.append(module)

        for root in roots:
            visit(root)
        return order


def stored(statement: ast.stmt) -> list[str]:
    """The names a statement at top level makes or changes, each once."""
    names = [
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return list(dict.fromkeys(names))


def called(node: ast.expr) -> str:
    """The last name of what is called or named: `lru_cache` of `functools.lru_cache(maxsize=1)`."""
    match node:
        case ast.Call(func=func):
            return called(func)
        case ast.Attribute(attr=attr):
            return attr
        case ast.Name(id=name):
            return name
        case ast.Subscript(value=value):
            return called(value)
        case _:
            return ""
