"""What a party that signs in must see first: offers to it, and what there is about the lots it has or has title in."""

from collections import Counter
from typing import NamedTuple

from traceability.api import notices
from traceability.api.permission import Visitor
from traceability.api.services import Services
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.web.linked import Value
from traceability.web.words import Words

LOTS_MAX = 200
"""Of how many of its newest lots a party is told on the front page; GET /v1/notices tells all."""
OFFERS_MAX = 20
_OFFERED_MAX = 5000
"""How many lots on offer are looked through, the newest first."""


class Waiting(NamedTuple):
    """One line: what it is, how many there are of it, and the lots."""

    sign: Value
    lots: list[Value]


def of(services: Services, visitor: Visitor, words: Words, *, ended: bool) -> list[Waiting]:
    """Offers first, then holds, reports and severe findings about lots that are still going.

    No offers once the log has `ended`: none can be answered here any more.
    """
    if visitor.party is None:
        return []
    lines = []
    if not ended and (offers := _offers(services, visitor)):
        lines.append(
            Waiting(Value(words("waiting.offers", len(offers)), mark="stated"), _named(words, offers))
        )
    page = services.reader.lots(holder=visitor.party, limit=LOTS_MAX)
    mine = [lot for lot in page.items if lot.state != "ended" and visitor.party in (lot.custodian, lot.title)]
    lots = {lot.id: lot for lot in mine}
    found: dict[str, list[Lot]] = {"hold": [], "serious": [], "report": [], "severe": []}
    count: Counter[str] = Counter()
    for notice in notices.about(services, mine):
        serious = [report for report in notice.reports if report.serious]
        others = [report for report in notice.reports if not report.serious]
        said = (("hold", notice.holds), ("serious", serious), ("report", others), ("severe", notice.findings))
        for kind, some in said:
            if some:
                found[kind].append(lots[LotId(notice.lot)])
                count[kind] += 1
    lines += [
        Waiting(
            Value(words(f"waiting.{kind}", count[kind]), mark="finding" if kind == "report" else "broken"),
            _named(words, some),
        )
        for kind, some in found.items()
        if some
    ]
    return lines


def _offers(services: Services, visitor: Visitor) -> list[Lot]:
    """Lots that are on offer to this visitor, the newest first."""
    offered = services.reader.lots(state="offered", limit=_OFFERED_MAX).items
    return [lot for lot in offered if lot.offer is not None and lot.offer.recipient == visitor.party]


def _named(words: Words, lots: list[Lot]) -> list[Value]:
    named = [
        Value(f"{words.code('mineral', lot.mineral)} {lot.lot_number or lot.id[:8]}", f"/lots/{lot.id}")
        for lot in lots[:OFFERS_MAX]
    ]
    more = len(lots) - OFFERS_MAX
    return [*named, *([Value(f"+ {words.number(more)}")] if more > 0 else [])]
