"""What a holder of evidence opens of its sealed fields: by what they give away, or by name.

    prices    what was paid, and what for          place      where exactly
    names     persons and firms                    documents  cards, permits, photographs, screenings
    notes     what somebody wrote in his own words

Whatever is not chosen stays committed, and a verifier says that it is there. Codes of tags open a page to whoever has
them: they are in no group, and in no evidence.
"""

import re
from collections.abc import Callable, Iterable
from typing import Literal

from traceability.core.errors import Malformed
from traceability.core.events import Correction, Event

Group = Literal["prices", "names", "place", "documents", "notes", "codes"]

GROUPS: dict[str, Group] = {
    **dict.fromkeys(("amount", "of", "price", "prices", "terms", "to", "value"), "prices"),
    **dict.fromkeys(
        (
            "beneficial_owners", "carriage", "entity", "from", "holder", "importer", "inspector", "miner", "people",
            "person", "responsible", "validator", "verifier",
        ),
        "names",
    ),
    **dict.fromkeys(("altitude_m", "cadastre", "pit", "pits", "place", "polygon", "position"), "place"),
    **dict.fromkeys(("card_number", "icglr_id", "permit_number", "photo", "screenings"), "documents"),
    **dict.fromkeys(("account", "explanation", "note", "statement"), "notes"),
    "codes": "codes",
}  # fmt: skip
"""What each sealed field gives away, by its name. A corrected value (`is`) gives away what its field does."""
CHOICES = ("prices", "names", "place", "documents", "notes")
"""The groups a holder may choose."""

Discloses = Callable[[int, Event, str], bool]
"""Whether the value at this path of the event of that entry is to be opened."""
CHOICE_PATTERN = rf"^(all|{'|'.join(CHOICES)}|([0-9]{{1,15}})?(/[a-z0-9_]{{1,40}}){{1,8}})$"
"""What a choice looks like: `all`, a group, a path as `/prices`, or of one entry as `41207/prices`."""


def group_of(event: Event, path: str) -> Group:
    """What the sealed field at this path of the event gives away."""
    *_, last = path.split("/")
    if last == "is" and isinstance(event, Correction):
        number = path.split("/")[2]
        fields = event.body.fields_ or []
        corrected = fields[int(number)].path if number.isdigit() and int(number) < len(fields) else ""
        last = corrected.rpartition("/")[2]
    return GROUPS.get(last, "notes")


def chosen(choices: Iterable[str]) -> Discloses:
    """What opens exactly what was chosen. Raises Malformed for a word that is no choice (`CHOICE_PATTERN`)."""
    words = frozenset(choices)
    for word in words:
        if not re.fullmatch(CHOICE_PATTERN, word):
            raise Malformed(
                f"{word[:40]!r} is not something to disclose: say all, {', '.join(CHOICES)}, a path as /prices, or "
                "one of an entry as 41207/prices"
            )

    def discloses(index: int, event: Event, path: str) -> bool:
        group = group_of(event, path)
        if group == "codes":
            return False
        return not words.isdisjoint({"all", group, path, f"{index}{path}"})

    return discloses
