"""The numbers a finding compares, as people read them: a label and the figure with its unit.

A figure's name ends in its unit as everywhere in this program: `_ug` micrograms, `_ppm` parts per million,
`_days`, `_day`, `_count`. Codes of lists are said in words; what is neither is printed as it is.
"""

import re
from collections.abc import Iterable, Mapping

from traceability.core.ids import HEX_PATTERN, ID_PATTERN
from traceability.web.places import country, place
from traceability.web.words import Words

_ID = re.compile(f"{ID_PATTERN}|{HEX_PATTERN}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(rf"({_DAY.pattern})T.*")
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
LISTS: Mapping[str, tuple[str, ...]] = {
    "activity": ("activity",),
    "ground": ("ground",),
    "method": ("assay",),
    "methods": ("method",),
    "mineral": ("mineral",),
    "minerals": ("mineral",),
    "package": ("condition",),
    "seal": ("condition",),
    "site": ("mineral",),
    "status": ("status",),
    "becomes": ("status",),
    "tag": ("condition",),
    "type": ("licence", "zone"),
    "types": ("loss",),
    "act": ("licence",),
    "from": ("mineral",),
    "recorded": ("mineral",),
    "certified": ("mineral",),
    "was": ("tags",),
}
"""By a figure's name, without `_now`, `_was` and `_before`: the lists its values are codes of."""


def told(words: Words, figures: Iterable[tuple[str, str]], mineral: str = "") -> list[str]:
    """Each figure in words, in their order; not ids, which lead to pages and are no figures."""
    return [_told(words, name, value, mineral) for name, value in figures if not _ID.fullmatch(value)]


def label(words: Words, name: str) -> str:
    """What a figure is: by its name, with or without its unit."""
    base = name.rpartition("_")[0]
    return words.code("figured", name if words.has(f"figured.{name}") or not base else base)


def _told(words: Words, name: str, value: str, mineral: str) -> str:
    unit = name.rpartition("_")[2]
    magnitude = value.removeprefix("-")
    if magnitude.isdecimal() and magnitude.isascii():
        number = int(magnitude)
        match unit:
            case "ug":
                said = words.mass(number, mineral)
            case "ppm":
                said = words.percent(number, 1_000_000)
            case "days":
                said = words("days", number)
            case _:
                said = words.number(number)
        return f"{label(words, name)} {'−' if value != magnitude else ''}{said}"
    return f"{label(words, name)} {_text(words, name, value)}"


def _text(words: Words, name: str, value: str) -> str:
    if _DAY.fullmatch(value):
        return words.day(value)
    if time := _TIME.fullmatch(value):
        return words.day(time[1])
    if words.has(f"told.{value}"):
        return words(f"told.{value}")
    base = re.sub("_(now|was|before)$", "", name)
    return ", ".join(_code(words, LISTS.get(base, ()), item.strip()) for item in re.split("[,;]", value))


def _code(words: Words, lists: Iterable[str], item: str) -> str:
    known = [f"{name}.{item}" for name in lists if words.has(f"{name}.{item}")]
    if known:
        return words(known[0])
    if _REGION.fullmatch(item):
        return place(item, words.language) if "-" in item else country(item, words.language)
    return item.replace("_", " ")
