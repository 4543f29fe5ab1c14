"""Tags of our own that somebody has in hand and on nothing yet, and the codes printed on them."""

from collections.abc import Iterator
from typing import Any

from traceability.core.ids import PartyId, SiteId
from traceability.core.registry_records import Roll, TagRecord
from traceability.core.rolls import answers_for
from traceability.core.tag import OUR_SCHEME, our_tag
from traceability.ledger import lists
from traceability.ledger.reader import Reader, TagPlace
from traceability.ledger.view import View

_ROLLS_AT_ONCE = 200


def codes(reader: Reader, roll: Roll) -> dict[int, str]:
    """The codes of a roll by position, as far as they were disclosed to the ledger."""
    issue = reader.entry_of(roll.issued_by)
    opened = reader.disclosures(issue.index) if issue is not None else []
    found: list[dict[str, Any]] = next((value for _, path, value in opened if path == "/codes"), [])
    return {each["number"]: each["code"] for each in found}


def unused(view: View, party: PartyId, site: SiteId | None) -> Iterator[TagPlace]:
    """Tags allocated to `party`, for use anywhere or at `site`, that are neither void nor were ever on anything."""
    for roll in _rolls(view):
        places = [
            TagPlace(our_tag(roll.id, position), roll, position)
            for position in range(1, roll.count + 1)
            if _has(roll, position, party, site)
        ]
        known = view.records(("tag", place.tag) for place in places)
        yield from (place for place in places if not isinstance(known.get(("tag", place.tag)), TagRecord))


def is_void(roll: Roll, position: int) -> bool:
    """Whether the roll says that this tag must not be used."""
    return any(void.first <= position <= void.last for void in roll.voids)


def _has(roll: Roll, position: int, party: PartyId, site: SiteId | None) -> bool:
    if answers_for(roll, position) != party or is_void(roll, position):
        return False
    sites = [each.site for each in roll.allocations if each.first <= position <= each.last]
    return not sites or sites[-1] in (None, site)


def _rolls(view: View) -> Iterator[Roll]:
    after: str | None = None
    while True:
        page = lists.records(view, "roll", Roll, after, _ROLLS_AT_ONCE)
        yield from (roll for roll in page.items if roll.scheme == OUR_SCHEME)
        after = page.next
        if after is None:
            return
