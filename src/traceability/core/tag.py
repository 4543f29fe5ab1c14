"""Tags: the code people scan or type, and the names by which events speak of tags.

A tag of ours has two names (design, "Tag"). Its *code* opens its page: 12 random characters of Crockford's
base-32 (no I, L, O, U) and a check character, printed `K7QF-3M9T-XB2R1`. It is a capability and stands in no
event. In events the tag is `t:<roll>-<number>`, its place on its roll from 1, which is printed too.

Tags of other schemes go by the number printed on them, `itsci:0148217`. A roll of those is a run of numbers
(`Numbers`), by which a printed number has a place as ours do.

The check character is that of ISO 7064 MOD 37,36, over the characters 0–9 A–Z as printed. It finds every
single wrong character and nearly all swaps. One code in nine would end in I, L, O or U, which people read
as 1, 1, 0 and V: those codes are not made.
"""

import re
from typing import NamedTuple

from traceability.core.errors import Malformed
from traceability.core.ids import CROCKFORD, RollId

CODE_LENGTH = 13
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{13}")
_AS_MEANT = str.maketrans({"O": "0", "o": "0", "I": "1", "i": "1", "L": "1", "l": "1"})
_BETWEEN = re.compile(r"[\s\-\u00ad\u2010-\u2015\u2212]+")
"""What people and phones put between groups: white space, and every dash a keyboard makes of one."""

_TAG_LENGTH_MAX = 80
_SCHEME = re.compile(r"[a-z][a-z0-9_]*")
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]*")
_OUR_NUMBER = re.compile(r"([0-9a-hjkmnp-tv-z]{26})-([1-9][0-9]{0,2})")
OUR_SCHEME = "t"


# --- the code


def make_code(random: bytes) -> str | None:
    """The code made of the first 60 of 64 random bits, or None where its check character is not used.

    One time in nine it is None: come again with other bytes. They must be unguessable, as the code is.
    """
    if len(random) != 8:
        raise ValueError("a code is made of 8 random bytes")
    number = int.from_bytes(random, "big") >> 4
    body = "".join(CROCKFORD[number >> shift & 31] for shift in range(55, -1, -5)).upper()
    code = body + _check_character(body)
    return code if _CODE.fullmatch(code) else None


def normalise(typed: str) -> str:
    """The code somebody typed: any case, O for 0, I and L for 1, spaces and dashes anywhere.

    Raises Malformed, saying what to look at, where that is no code.
    """
    characters = _BETWEEN.sub("", typed[:200])
    if not characters:
        raise Malformed(f"type the {CODE_LENGTH} characters under the square, such as K7QF-3M9T-XB2R1")
    for character in characters:
        if not (character.isascii() and character.isalnum()) or character in "Uu":
            raise Malformed(f"{character!r} is in no code: look at the tag again")
    code = characters.translate(_AS_MEANT).upper()
    if len(code) != CODE_LENGTH:
        raise Malformed(
            f"a code has {CODE_LENGTH} characters and this has {len(code)}: compare {printed(code[:40])} with the tag"
        )
    if _check_character(code[:-1]) != code[-1]:
        raise Malformed(f"one character is wrong or two are swapped: compare {printed(code)} with the tag")
    return code


def is_code(code: str) -> bool:
    """Whether this is a code in its one spelling."""
    return _CODE.fullmatch(code) is not None and _check_character(code[:-1]) == code[-1]


def printed(code: str) -> str:
    """A code in its groups of 4, 4 and 5."""
    return "-".join(group for group in (code[:4], code[4:8], code[8:]) if group)


def tag_url(host: str, code: str) -> str:
    """The address behind the tag's QR, which any camera opens."""
    return f"https://{host}/t/{code}"


def _check_character(body: str) -> str:
    """ISO 7064 MOD 37,36: the character that makes the running product end at 1."""
    product = 36
    for character in body:
        product = (product + _ALPHABET.index(character)) % 36 or 36
        product = product * 2 % 37
    return _ALPHABET[(1 - product) % 36]


# --- names in events


def parse_tag(tag: str) -> tuple[str, str]:
    """Scheme and number of a tag as events name it. Raises Malformed for any other form (events, section 1)."""
    scheme, _, number = tag.partition(":")
    if len(tag) > _TAG_LENGTH_MAX or not _SCHEME.fullmatch(scheme) or not _NUMBER.fullmatch(number):
        raise Malformed(f"{tag[:90]!r} is not a tag: write scheme and printed number, as in itsci:0148217")
    if scheme == OUR_SCHEME:
        parse_our_number(number)
    return scheme, number


def our_tag(roll: RollId, position: int) -> str:
    """The name of the tag at a position (1 to 999) of one of our rolls."""
    number = f"{roll}-{position}"
    parse_our_number(number)
    return f"{OUR_SCHEME}:{number}"


def parse_our_number(number: str) -> tuple[RollId, int]:
    """Roll and position of a tag of ours, from its number. Raises Malformed for any other form.

    Whether the roll has that many tags, only its `tag_issue` can say.
    """
    match = _OUR_NUMBER.fullmatch(number)
    if match is None:
        raise Malformed(
            f"{number[:90]!r} is not a number of ours: write <roll>-<position>, as printed on the tag"
        )
    return RollId(match[1]), int(match[2])


# --- rolls of other schemes


class Numbers(NamedTuple):
    """The run of numbers on a roll of another scheme, as `tag_issue` gives it.

    `first` to `last`, written with `digits` digits (zeros in front) between `prefix` and `suffix`.
    """

    prefix: str
    first: int
    last: int
    digits: int
    suffix: str

    def position_of(self, number: str) -> int | None:
        """The place of a printed number on this roll, from 1; None where it is not of this roll."""
        end = len(self.prefix) + self.digits
        digits = number[len(self.prefix) : end]
        if number != f"{self.prefix}{digits}{self.suffix}" or not re.fullmatch(r"[0-9]+", digits):
            return None
        value = int(digits)
        return (
            value - self.first + 1
            if len(digits) == self.digits and self.first <= value <= self.last
            else None
        )

    def number_at(self, position: int) -> str:
        """The number printed at a place of this roll. Raises Malformed where the roll has no such place."""
        count = self.last - self.first + 1
        if not 1 <= position <= count:
            raise Malformed(f"this roll has places 1 to {count}, and no place {position}")
        return f"{self.prefix}{self.first + position - 1:0{self.digits}}{self.suffix}"
