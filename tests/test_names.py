"""The names of rejections and findings: short, stable, and each of them tried."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import traceability.core
from traceability.core.findings.catalogue import RULES

CORE = Path(traceability.core.__file__).parent
HERE = Path(__file__).parent
NEVER = {
    "more_than_a_pool": "what leaves one event in outputs and losses cannot weigh as much as a pool can hold",
}
"""Rejections that nothing can provoke today, with the reason why not."""


def _names(function: str, place: int = 0) -> dict[str, str]:
    """Every name given to calls of `function` in the core, and the file it stands in."""
    found = {}
    for path in sorted(CORE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        for scope in ast.walk(tree):
            if not isinstance(scope, ast.FunctionDef):
                continue
            for call in _calls(scope, function):
                for name in _texts(call.args[place], scope) if len(call.args) > place else ():
                    found[name] = path.name
    return found


def _calls(scope: ast.FunctionDef, function: str) -> Iterator[ast.Call]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == function:
                yield node


def _texts(node: ast.expr, scope: ast.FunctionDef) -> list[str]:
    """The texts an argument can be: itself, either side of a condition, or what its variable was set to."""
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.IfExp():
            return _texts(node.body, scope) + _texts(node.orelse, scope)
        case ast.Name(id=name):
            sets = [n.value for n in ast.walk(scope) if isinstance(n, ast.Assign) and _sets(n, name)]
            return [text for value in sets for text in _texts(value, scope)]
        case _:
            return []


def _sets(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


REJECTIONS = _names("reject")
FINDINGS = {**_names("note"), **_names("notice"), **_names("_note", 1)}


@pytest.fixture(scope="module")
def tried() -> set[str]:
    """Every text that stands in the tests of the rules, where rejections and findings are compared by name."""
    found = set()
    for path in sorted(set(HERE.glob("test_*.py")) - {Path(__file__)}):
        source = path.read_text()
        if "from rules import" not in source and "from grounds import" not in source:
            continue
        found |= {n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant) and n.value}
    return {text for text in found if isinstance(text, str)}


@pytest.mark.parametrize("name", sorted(REJECTIONS))
def test_each_rejection_is_provoked(name: str, tried: set[str]) -> None:
    """Some test makes the fold refuse an event under this name."""
    assert (name in tried) != (name in NEVER), f"{REJECTIONS[name]} can answer {name}"


@pytest.mark.parametrize("name", sorted(FINDINGS))
def test_each_finding_is_raised(name: str, tried: set[str]) -> None:
    """Some test makes the fold notice this."""
    assert name in tried, f"nothing provokes {name}"


def test_names_are_short_and_of_one_form() -> None:
    """Clients and pages rely on them: lower-case words, at most 32 characters."""
    assert len(REJECTIONS) > 50
    assert len(FINDINGS) > 20
    for name in {*REJECTIONS, *FINDINGS}:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        assert len(name) <= 32


def test_the_catalogue_has_each_rule_once() -> None:
    """Every finding names a rule of the catalogue, and no rule of it is without a finding."""
    assert set(FINDINGS) == {name for name, rule in RULES.items() if rule.scope != "stated"}


def test_every_call_names_what_it_refuses() -> None:
    """No name is put together at run time, where nobody could find it."""
    for function in ("reject", "note", "notice"):
        for path in sorted(CORE.rglob("*.py")):
            for scope in ast.walk(ast.parse(path.read_text())):
                if isinstance(scope, ast.FunctionDef) and scope.name not in (function, "notice", "_note"):
                    for call in _calls(scope, function):
                        assert _texts(call.args[0], scope), f"{path.name}:{call.lineno}"
