"""docs/findings.md and the rules of the core say the same."""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from traceability.core.findings import (
    drift,
    handoffs,
    keys,
    kinds,
    mass,
    papers,
    quality,
    silence,
    sites,
    stock,
    stones,
    waiting,
    weights,
)
from traceability.core.findings.catalogue import RULES
from traceability.core.findings.raised import Raised
from traceability.core.policy import DEFAULTS

PAGE = Path(__file__).parent.parent / "docs" / "findings.md"
HEAD = "| section | rule | name | mineral | step | number |\n|---|---|---|---|---|---|\n"


WATCHING: list[ModuleType] = [drift, handoffs, keys, kinds, papers, silence, sites, stock, waiting, weights]
"""Where the rules are that note what they find themselves."""
BY_ANOTHER = {"tag_not_allocated", "tag_of_another_site", "tag_of_another_party"}
"""Rules that are asked in one function, `tag_of_somebody_else`."""


def functions() -> dict[str, str]:
    """The rules of these modules with their docstrings."""
    found = dict.fromkeys(BY_ANOTHER, inspect.getdoc(stock.tag_of_somebody_else) or "")
    judging: list[ModuleType] = [mass, quality, stones]
    for module in (*judging, *WATCHING):
        for name, member in inspect.getmembers(module, inspect.isfunction):
            raises = inspect.signature(member).return_annotation == Raised | None
            if member.__module__ == module.__name__ and (raises if module in judging else name in RULES):
                found[name] = inspect.getdoc(member) or ""
    return found


def numbers() -> str:
    """The table as it has to be."""
    rows = sorted(
        (section, rule, name, mineral or "–", step or "–", f"{value:,}".replace(",", " "))
        for (section, rule, name, mineral, step), value in DEFAULTS.items()
    )
    return HEAD + "".join("| " + " | ".join(row) + " |\n" for row in rows)


def test_the_numbers_are_those_of_the_core() -> None:
    """The last part of the page is the table of defaults, each with what it is for."""
    assert PAGE.read_text("utf-8").endswith("\n\n" + numbers())


@pytest.mark.parametrize("rule", sorted(functions()))
def test_each_rule_is_told(rule: str) -> None:
    """A section with source, honest explanation and the frauds of the catalogue; the docstring says as much."""
    section = re.search(
        rf"^### `{rule}`\n\n(.*?)(?=\n#|\Z)", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert section is not None
    said = section.group(1)
    assert "*Honest:*" in said
    assert set(re.findall(r"\bF[0-9]+\b", said)) == set(RULES[rule].frauds)
    assert "Honest:" in functions()[rule]


def test_every_global_rule_is_told() -> None:
    """But for the tag on two lots, which is told of where tags are put on."""
    rules = {name for name, rule in RULES.items() if rule.scope == "global"}
    assert rules - {"tag_on_two_lots"} <= set(functions())


def test_every_number_belongs_to_a_rule() -> None:
    """But for what scales and laboratories may err, which several rules share, and what cleaning takes off."""
    shared = {"scale_error", "assay_error", "carats_lost"}
    assert {rule for _, rule, _, _, _ in DEFAULTS} - shared <= set(functions())
