"""The rows of docs/threats.md and the tests that try them are the same."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "threats.md"
ROW = re.compile(r"^\| (T[0-9]{2}) \| ([^|]+) \| ([^|]+) \| ([^|]*)\|$", re.MULTILINE)
NOT_YET = "Not there yet"
ROWS = {
    *(f"T{number:02}" for number in range(1, 56)),
    "T62",
    "T63",
    "T64",
    *(f"T{number}" for number in range(68, 89)),
}


def tried() -> dict[str, list[str]]:
    """For each row the tests that bear its id, as file:test."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for row in rows_of(node):
                    found.setdefault(row, []).append(f"{path.relative_to(TESTS)}: {node.name[5:]}")
    return {row: sorted(found[row]) for row in sorted(found)}


def rows_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The ids in `@pytest.mark.threat(…)` above a test."""
    return [
        argument.value
        for mark in node.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.threat"
        for argument in mark.args
        if isinstance(argument, ast.Constant)
    ]


def page() -> str:
    """The page as it has to be: the last column of each row filled in from the tests."""
    tests = tried()

    def row(found: re.Match[str]) -> str:
        said = (
            found[4].strip()
            if NOT_YET in found[4]
            else "; ".join(f"`{name}`" for name in tests.get(found[1], []))
        )
        return f"| {found[1]} | {found[2]} | {found[3]} | {said} |"

    return ROW.sub(row, PAGE.read_text())


def test_every_row_has_a_test_or_says_what_is_missing() -> None:
    """Each row stands once; it is tried by some test, or it names the part of the program that is to come."""
    rows = {row: said for row, _, _, said in ROW.findall(PAGE.read_text())}
    assert set(rows) == ROWS
    assert len(ROW.findall(PAGE.read_text())) == len(ROWS)
    tests = tried()
    for row, said in rows.items():
        assert (NOT_YET in said) != (row in tests), f"{row}: it has a test, or it is not there yet"
    assert set(tests) <= ROWS


def test_the_page_names_the_tests() -> None:
    """docs/threats.md names for each row exactly the tests that bear its id."""
    command = "import test_threats as t; t.PAGE.write_text(t.page())"
    assert PAGE.read_text() == page(), f'write it again: cd tests; python -c "{command}"'
