"""Chance out of a seed: the same seed gives the same season, byte for byte.

Two sources. `Chance` is one stream of numbers, drawn in the order things happen: whatever comes out of it
changes with the length of the season. `named` depends on nothing but the seed and a name: keys, parties and
the lots that people are pointed to are the same in a short season and in a long one.
"""

import hashlib
from collections.abc import Sequence
from random import Random
from typing import TypeVar

from traceability.core.ids import to_unpadded

MILLION = 1_000_000
_T = TypeVar("_T")


def named(seed: int, *words: object) -> bytes:
    """32 bytes that this seed gives for this name."""
    text = "\n".join(["traceability/season/v1", str(seed), *map(str, words)])
    return hashlib.sha256(text.encode()).digest()


def named_nonce(seed: int, *words: object) -> str:
    """The nonce (16 bytes, base64url) of a thing with a name."""
    return to_unpadded(named(seed, "nonce", *words)[:16])


class Chance(Random):
    """A stream of chance. Whole numbers only: nothing near a mass is a float."""

    def one_in(self, number: int) -> bool:
        """True once in `number` times."""
        return self.randrange(number) == 0

    def part(self, whole: int, low_ppm: int, high_ppm: int) -> int:
        """Between `low_ppm` and `high_ppm` millionths of `whole`."""
        return whole * self.randint(low_ppm, high_ppm) // MILLION

    def pick(self, things: Sequence[_T]) -> _T:
        """One of them."""
        return things[self.randrange(len(things))]

    def nonce(self) -> str:
        """16 bytes in base64url, as a nonce or a salt."""
        return to_unpadded(self.randbytes(16))
