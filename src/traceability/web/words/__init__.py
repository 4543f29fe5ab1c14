"""What the pages say, in French and English, and how each writes numbers, masses and days.

A language is a folder of files by subject, which together are one flat catalogue of messages by key; `en`
and `fr` are written side by side, file by file and key by key in the same order. A message is `str.format`
text; one that counts is a pair, for one and for many. Masses are whole micrograms until the last moment and
are never floats; figures that add up in micrograms add up as printed (`masses`).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Literal

from traceability.core.composition import webster
from traceability.core.forms import STONES
from traceability.web.words import en, fr

Language = Literal["en", "fr"]
Message = str | tuple[str, str]
LANGUAGES: tuple[Language, ...] = ("en", "fr")
CATALOGUES: Mapping[Language, Mapping[str, Message]] = {"en": en.MESSAGES, "fr": fr.MESSAGES}

NO_BREAK = "\u00a0"
_NARROW = "\u202f"
UNITS = {"kg": 1_000_000_000, "g": 1_000_000, "ct": 200_000}
"""Micrograms in each unit the pages write."""
_CENTI = 100
_TRACE_PPM = 1000
_ELISION = re.compile(r"\b([Dd])e (?=[aeiouàâéèêëîïôöùûœAEIOUÀÂÉÈÊËÎÏÔÖÙÛŒ])")
"""French: what goes into a message may begin with a vowel, and "de un" is "d’un"."""


class Words:
    """One language. Call it with a key: `words("river.lots", 3)`."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._messages = CATALOGUES[language]
        self._point, self._group = (".", ",") if language == "en" else (",", _NARROW)

    def __call__(self, key: str, count: int | None = None, /, **said: object) -> str:
        """The message under `key`. With `count`, the form for that many, and `{n}` is the count."""
        message = self._messages[key]
        if isinstance(message, tuple):
            assert count is not None, key
            message = message[0 if count == 1 or (count == 0 and self.language == "fr") else 1]
        if count is not None:
            said = {"n": self.number(count), "in_words": self.in_words(count), **said}
        text = message.format(**said)
        return _ELISION.sub("\\1’", text) if self.language == "fr" else text

    def has(self, key: str) -> bool:
        """Whether there is such a message: codes of lists that only grow may be newer than this program."""
        return key in self._messages

    def code(self, kind: str, code: str) -> str:
        """The word for a code of a list; the code itself where this program does not know it yet."""
        key = f"{kind}.{code}"
        return self(key) if self.has(key) else code.replace("_", " ")

    # Numbers

    def number(self, value: int) -> str:
        """A whole number with its thousands apart."""
        return f"{value:,}".replace(",", self._group)

    def in_words(self, count: int) -> str:
        """A small count as a word, in the form it has before "handoff" (remise); larger ones in digits."""
        small = str(self._messages["numbers"]).split(" ")
        return small[count] if count < len(small) else self.number(count)

    def percent(self, part: int, whole: int) -> str:
        """`part` of `whole` to one decimal; above nothing and below 0.1 it says so."""
        tenths = _rounded(part * 1000, whole) if whole else 0
        if part > 0 and tenths == 0:
            return self("less_than", than=f"{self._decimal(1, 1)}{NO_BREAK}%")
        return f"{self._decimal(tenths, 1)}{NO_BREAK}%"

    def grade(self, ppm: int) -> str:
        """A content as laboratories write it: percent to the hundredth, grams in a tonne below a tenth of a percent."""
        if ppm < _TRACE_PPM:
            return f"{self.number(ppm)}{NO_BREAK}g/t"
        return f"{self._decimal(_rounded(ppm, 100), 2)}{NO_BREAK}%"

    def usd(self, micro: int) -> str:
        """An amount of US dollars, given in millionths, to the cent."""
        sign = "−" if micro < 0 else ""
        return f"{sign}{self._decimal(_rounded(abs(micro), 10_000), 2)}{NO_BREAK}USD"

    # Masses

    def mass(self, mass_ug: int, mineral: str = "", *, least_ug: int = 0) -> str:
        """A mass with its unit, to the hundredth: carats for stones, grams for gold and for little."""
        return self.masses([mass_ug], mineral, least_ug=least_ug)[0]

    def masses(self, masses_ug: Sequence[int], mineral: str = "", *, least_ug: int = 0) -> list[str]:
        """Masses in one unit, rounded so that what is printed adds up to the printed sum of all."""
        total = sum(masses_ug)
        unit = unit_of(max(total, least_ug), mineral)
        step = UNITS[unit] // _CENTI
        shown = webster(_rounded(total, step), masses_ug) if total else (0,) * len(masses_ug)
        return [
            self("less_than", than=f"{self._decimal(1, 2)}{NO_BREAK}{unit}")
            if mass and not hundredths
            else f"{self._decimal(hundredths, 2)}{NO_BREAK}{unit}"
            for mass, hundredths in zip(masses_ug, shown, strict=True)
        ]

    def _decimal(self, value: int, places: int) -> str:
        whole, rest = divmod(value, 10**places)
        return f"{self.number(whole)}{self._point}{rest:0{places}d}"

    # Days

    def day(self, day: str) -> str:
        """A calendar day, `2026-03-14`, as people write it."""
        at = date.fromisoformat(day[:10])
        month = str(self._messages["months"]).split(" ")[at.month - 1]
        first = "er" if self.language == "fr" and at.day == 1 else ""
        return f"{at.day}{first}{NO_BREAK}{month} {at.year}"

    def days(self, first: str, last: str) -> str:
        """From one day to another, or the one day; month and year once where they are the same."""
        if first[:10] == last[:10]:
            return self.day(first)
        begin, end = self.day(first), self.day(last)
        if first[:4] == last[:4]:
            begin = begin.rpartition(" ")[0]
        if first[:7] == last[:7]:
            begin = begin.partition(NO_BREAK)[0]
        return self("from_to", first=begin, last=end)

    def moment(self, time: str) -> str:
        """A moment with hour and minute, UTC, for those who may see it."""
        return f"{self.day(time)}, {time[11:16]}{NO_BREAK}UTC"

    # Lists

    def joined(self, items: Sequence[str]) -> str:
        """Items in a sentence: "a, b and c"."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self('and')} {items[-1]}"


def unit_of(mass_ug: int, mineral: str) -> str:
    """The unit the trade would say this in."""
    if mineral in STONES:
        return "ct"
    least = 10 * UNITS["kg"] if mineral == "gold" else UNITS["kg"]
    return "kg" if mass_ug >= least else "g"


def _rounded(value: int, unit: int) -> int:
    """`value` in whole `unit`s, to the nearest."""
    return (2 * value + unit) // (2 * unit)


@cache
def words_in(language: Language) -> Words:
    """The words of one language."""
    return Words(language)


def preferred(accept_language: str) -> Language:
    """The language a browser asks for (RFC 9110 §12.5.4), English where it asks for neither of ours."""
    best: tuple[float, Language] = (0.0, "en")
    for item in accept_language[:500].split(","):
        tag, _, quality = item.partition(";")
        language = tag.strip().lower()[:2]
        weight = re.fullmatch(r"\s*q=(0(?:\.[0-9]{1,3})?|1(?:\.0{1,3})?)\s*", quality)
        value = float(weight[1]) if weight else (0.0 if quality else 1.0)
        for known in LANGUAGES:
            if language == known and value > best[0]:
                best = (value, known)
    return best[1]
