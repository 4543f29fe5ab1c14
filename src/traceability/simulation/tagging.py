"""Rolls of tags: how they are issued, and how they come to a site.

Tags of our own have codes, which are sealed and disclosed to the ledger; tags of other schemes are numbers.
"""

from itertools import count
from typing import Any

from traceability.core.ids import RollId, derive
from traceability.core.tag import make_code, our_tag
from traceability.simulation.chance import named, named_nonce
from traceability.simulation.people import Party

ROLL = 500
FIRST_NUMBER = 1_480_001
"""The first number of another scheme's first roll."""


class Roll:
    """A roll of 500 tags, handed out from its beginning."""

    def __init__(
        self, issuer: Party, name: str, scheme: str, level: str, prefix: str = "", first: int = 0
    ) -> None:
        """Issues the roll; `prefix` and `first` make the numbers of another scheme."""
        world = issuer.world
        self.issuer = issuer
        self.scheme = scheme
        self._given = 0
        self.id = RollId(derive("roll", issuer.pen.key.id, named_nonce(world.seed, "roll", name)))
        self._numbers = (prefix, first)
        body: dict[str, Any] = {
            "roll": self.id,
            "nonce": named_nonce(world.seed, "roll", name),
            "scheme": scheme,
            "level": level,
            "medium": "qr" if scheme == "t" else "barcode",
            "count": ROLL,
        }
        sealed = {}
        if scheme == "t":
            codes = [code_of(world.seed, name, position) for position in range(1, ROLL + 1)]
            sealed["/codes"] = [{"code": code, "number": n} for n, code in enumerate(codes, start=1)]
        else:
            body["numbers"] = {
                "prefix": prefix,
                "first": first,
                "last": first + ROLL - 1,
                "digits": 7,
                "suffix": "",
            }
        self.issued = issuer.write("tag_issue", body, sealed=sealed)

    @property
    def left(self) -> int:
        """How many nobody has got yet."""
        return ROLL - self._given

    def allocate(self, to: Party, number: int, *, site: str = "") -> list[str]:
        """Gives the next so many tags to somebody who answers for them, perhaps for use at one site."""
        first, last = self._given + 1, min(self._given + number, ROLL)
        self._given = last
        body: dict[str, Any] = {"roll": self.id, "first": first, "last": last, "to_party": to.id}
        if site:
            body["to_site"] = site
        self.issuer.write("tag_allocation", body, after=self.issued.recorded)
        return [self.tag(position) for position in range(first, last + 1)]

    def tag(self, position: int) -> str:
        """The name of a tag at its place on the roll."""
        if self.scheme == "t":
            return our_tag(self.id, position)
        prefix, first = self._numbers
        return f"{self.scheme}:{prefix}{first + position - 1:07d}"


def code_of(seed: int, roll: str, position: int) -> str:
    """The code on a tag of ours. It is a secret only in so far as the seed is: this is a demonstration."""
    attempts = (make_code(named(seed, "code", roll, position, attempt)[:8]) for attempt in count())
    return next(code for code in attempts if code is not None)


class Shelf:
    """Where an issuer keeps rolls of one kind; a new one is issued when the last is used up."""

    def __init__(self, issuer: Party, name: str, scheme: str, level: str, prefix: str = "") -> None:
        self._issuer, self._name, self._scheme, self._level, self._prefix = (
            issuer,
            name,
            scheme,
            level,
            prefix,
        )
        self._rolls = 0
        self._roll: Roll | None = None

    def allocate(self, to: Party, number: int, *, site: str = "") -> list[str]:
        """The next so many tags for somebody. Takes one event, or two where a new roll is begun."""
        if self._roll is None or self._roll.left < number:
            first = FIRST_NUMBER + self._rolls * ROLL
            self._rolls += 1
            name = f"{self._name} {self._rolls}"
            self._roll = Roll(self._issuer, name, self._scheme, self._level, self._prefix, first)
        return self._roll.allocate(to, number, site=site)
