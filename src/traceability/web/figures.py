"""The numbers a finding compares, as people read them: a label and the figure with its unit.

A figure's name ends in its unit as everywhere in this program: `_ug` micrograms, `_ppm` parts per million,
`_days`, `_day`, `_count`. What has no such ending is printed as it is.
"""

from collections.abc import Iterable

from traceability.web.words import Words

HIDDEN = frozenset(
    {
        "inputs_digest",
        "author",
        "allocated_to",
        "party",
        "other_party",
        "title",
        "site",
        "key",
        "lot",
        "event",
    }
)
"""Ids among the figures: they lead to pages, and are no numbers."""


def told(words: Words, figures: Iterable[tuple[str, str]], mineral: str = "") -> list[str]:
    """Each figure in words, in their order."""
    return [_told(words, name, value, mineral) for name, value in figures if name not in HIDDEN]


def _told(words: Words, name: str, value: str, mineral: str) -> str:
    base, _, unit = name.rpartition("_")
    label = words.code("figured", name if words.has(f"figured.{name}") or not base else base)
    number = value.lstrip("-").isdigit() and value.lstrip("-").isascii()
    if unit == "ug" and number:
        said = words.mass(abs(int(value)), mineral)
        shown = f"−{said}" if value.startswith("-") else said
    elif unit == "ppm" and number:
        shown = words.percent(abs(int(value)), 1_000_000)
        shown = f"−{shown}" if value.startswith("-") else shown
    elif unit == "day" or (len(value) == 10 and value[4:5] == "-" and value[7:8] == "-"):
        shown = words.day(value) if value[:4].isdigit() else value
    elif unit == "days" and number:
        shown = words("days", int(value))
    elif number:
        shown = words.number(int(value))
    else:
        shown = value
    return f"{label} {shown}"
