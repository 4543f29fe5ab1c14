"""docs/operations.md names every metric there is and every refusal the program prints, and nothing that is gone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from traceability.api.problem_types import TYPES

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "traceability"
PAGE = (ROOT / "docs" / "operations.md").read_text()
QUOTED = set(re.findall(r"\*([^*]{6,}?)\*", "\n".join(re.findall(r"^\| (\*[^|]*)\|", PAGE, re.MULTILINE))))
"""What the tables of the runbook quote of the program's sentences."""
RAISED = {
    "GuardRefuses",
    "GuardUnavailable",
    "ClockRefuses",
    "Unusable",
    "NotPublished",
    "NotBackedUp",
    "NotLoaded",
    "NotRebuilt",
    "NotRefilled",
    "WitnessUnusable",
    "NotMirrored",
    "NotYet",
    "TwoHistories",
}


def refusals() -> Iterator[tuple[str, list[str]]]:
    """Where something is refused to the operator, and the parts of its sentence that never change."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            where = f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and node.args and name_of(node.func) in RAISED:
                yield where, parts(node.args[0])
            elif isinstance(node, ast.FunctionDef) and node.name == "_why_not":
                for each in ast.walk(node):
                    if isinstance(each, ast.Return) and isinstance(each.value, ast.Constant | ast.JoinedStr):
                        yield where, parts(each.value)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in (
                "self._trouble",
                "self._broken",
            ):
                yield where, parts(node.value)


def name_of(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def parts(said: ast.expr) -> list[str]:
    """The constant texts in an expression, without what is too short to be found again."""
    found = [
        each.value
        for each in ast.walk(said)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    return [text for text in found if len(text.strip()) > 8]


def test_the_walk_finds_refusals_of_every_sort():
    """Guard, clock, database, copies, publishing."""
    texts = " ".join(" ".join(said) for _, said in refusals())
    for words in (
        "the guard holds",
        "has leapt",
        "run `traceability migrate`",
        "the copy failed",
        "another history of",
        "the disk failed",
    ):
        assert words in texts
    assert len(list(refusals())) > 40


def test_every_refusal_has_an_entry():
    """Of each sentence at least one piece stands in the runbook in the words that are printed."""
    missing = [
        (where, said)
        for where, said in refusals()
        if said and not any(piece in text for piece in QUOTED for text in said)
    ]
    assert missing == []


def test_no_entry_is_left_over():
    """Each piece that the runbook's tables quote is still printed somewhere."""
    printed = [text for _, said in refusals() for text in said]
    printed.append("by a mistake of this program")
    assert {piece for piece in QUOTED if not any(piece in text for text in printed)} == set()


@pytest.mark.parametrize("name", sorted(name for name, kind in TYPES.items() if kind.status >= 500))
def test_every_problem_of_ours_has_an_entry(name):
    """What a client is told with 5xx is explained to the operator."""
    assert f"| `{name}` |" in PAGE


def test_the_metrics_are_those_of_the_page(server):
    """Each metric that is served is named, and each that is named is served."""
    served = set(re.findall(r"^# TYPE (\S+) ", httpx.get(server.url + "/metrics").text, re.MULTILINE))
    served = {name for name in served if not name.endswith("_created")}
    assert set(re.findall(r"^\| `(traceability_[a-z_]+)`", PAGE, re.MULTILINE)) == served


def test_the_alarms_ask_for_metrics_there_are(server):
    """Each metric in the rules is one that is served, and 70, 85 and 95 % of the disk are among them."""
    (rules,) = re.findall(r"^```yaml\n(groups:.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    served = httpx.get(server.url + "/metrics").text
    asked = set(re.findall(r"traceability_[a-z_]+", rules))
    assert asked
    assert all(f"# TYPE {name} " in served for name in asked)
    room = "1 - traceability_disk_free_bytes / traceability_disk_size_bytes > "
    assert re.findall(re.escape(room) + r"([0-9.]+)", rules) == ["0.70", "0.85", "0.95"]
    for of in ("ledger", "guard"):
        assert f'traceability_disk_free_bytes{{of="{of}"}}' in served
