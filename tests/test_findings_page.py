"""docs/findings.md and the rules of the core say the same."""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from traceability.core.findings import (
    holds,
    later,
    licences,
    mass,
    mixing,
    quality,
    sites,
    stones,
    zones,
)
from traceability.core.findings.catalogue import RULES
from traceability.core.findings.raised import Raised
from traceability.core.policy import DEFAULTS, IN_COUNTRY

PAGE = Path(__file__).parent.parent / "docs" / "findings.md"
HEAD = "| section | rule | name | country | mineral | step | number |\n|---|---|---|---|---|---|---|\n"


def functions() -> dict[str, str]:
    """The rules of these modules with their docstrings."""
    found = {}
    modules: list[ModuleType] = [mass, quality, stones, sites, zones, licences, holds, mixing, later]
    for module in modules:
        for name, member in inspect.getmembers(module, inspect.isfunction):
            if (
                member.__module__ == module.__name__
                and inspect.signature(member).return_annotation == Raised | None
                and not name.startswith("_")
            ):
                found[name] = inspect.getdoc(member) or ""
    return found


def numbers() -> str:
    """The table as it has to be."""
    rows = sorted(
        (section, rule, name, country or "–", mineral or "–", step or "–", f"{value:,}".replace(",", " "))
        for (country, section, rule, name, mineral, step), value in {
            **{(None, *name): value for name, value in DEFAULTS.items()},
            **IN_COUNTRY,
        }.items()
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
    assert ("whole log" in said) == (RULES[rule].scope == "global")


def test_every_number_belongs_to_a_rule() -> None:
    """But for what scales and laboratories may err, which several rules share, what cleaning takes off, and how long a colour lasts."""
    shared = {"scale_error", "assay_error", "carats_lost", "site_status"}
    assert {rule for _, rule, _, _, _ in DEFAULTS} - shared <= set(RULES)
