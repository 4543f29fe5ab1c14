"""docs/findings.md and the rules of the core say the same."""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from traceability.core.findings import (
    drift,
    handoffs,
    holds,
    keys,
    kinds,
    later,
    licences,
    mass,
    mixing,
    output,
    papers,
    quality,
    scans,
    silence,
    sites,
    stock,
    stones,
    waiting,
    weights,
    zones,
)
from traceability.core.findings.catalogue import RULES
from traceability.core.findings.raised import Raised
from traceability.core.policy import DEFAULTS, IN_COUNTRY

PAGE = Path(__file__).parent.parent / "docs" / "findings.md"
HEAD = "| section | rule | name | country | mineral | step | number |\n|---|---|---|---|---|---|---|\n"


JUDGING: list[ModuleType] = [mass, quality, stones, sites, zones, licences, holds, mixing, later]
"""Where the rules are that answer with what they raise."""
WATCHING: list[ModuleType] = [drift, handoffs, keys, kinds, output, papers, silence, stock, waiting, weights]
"""Where the rules are that note it themselves."""
STATED = ["scanned_after_end", "scanned_far_away", "scanned_with_old_label", "scans_too_far_apart"]
"""Rules over public scans, which the operator states."""
BY_ANOTHER = {"tag_not_allocated", "tag_of_another_site", "tag_of_another_party"}
"""Rules that are asked in one function, `tag_of_somebody_else`."""


def judging() -> dict[str, str]:
    """The rules that answer with what they raise, with their docstrings."""
    return {
        name: inspect.getdoc(member) or ""
        for module in JUDGING
        for name, member in inspect.getmembers(module, inspect.isfunction)
        if member.__module__ == module.__name__
        and inspect.signature(member).return_annotation == Raised | None
        and not name.startswith("_")
    }


def watching() -> dict[str, str]:
    """The rules that note what they find, with their docstrings."""
    found = dict.fromkeys(BY_ANOTHER, inspect.getdoc(stock.tag_of_somebody_else) or "")
    for module in WATCHING:
        for name, member in inspect.getmembers(module, inspect.isfunction):
            if member.__module__ == module.__name__ and name in RULES:
                found[name] = inspect.getdoc(member) or ""
    return found


def functions() -> dict[str, str]:
    """All of them."""
    stated = {name: inspect.getdoc(getattr(scans, name)) or "" for name in STATED}
    return {**judging(), **watching(), **stated}


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
    if rule in judging():  # the others stand under a heading that says it
        assert ("whole log" in said) == (RULES[rule].scope == "global")


def test_every_number_belongs_to_a_rule() -> None:
    """But for what scales and laboratories may err, which several rules share, what cleaning takes off, and how long a colour lasts."""
    shared = {"scale_error", "assay_error", "carats_lost", "site_status"}
    assert {rule for _, rule, _, _, _ in DEFAULTS} - shared <= set(RULES)
