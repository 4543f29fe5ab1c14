"""/v1/notices: what whoever has lots must be told about them: holds, reports still open, severe findings."""

from typing import Annotated, Self

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from traceability.api import openapi
from traceability.api.paper_views import FoundView, HoldView
from traceability.api.permission import OpenLot, Visitor, may
from traceability.api.queries import IndexCursor, Limit, next_page
from traceability.api.reading import visitor
from traceability.api.services import Services
from traceability.api.views import Day, Hex, Id, Subject, View
from traceability.core.authority import day_of
from traceability.core.concern_records import Incident
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.notices import Notices, is_serious, notices
from traceability.ledger import lists

router = APIRouter(tags=["papers"])
_PAGES_MAX = 20
"""How many pages of lots are gone through for one of notices."""


class ReportView(View, frozen=True):
    """A report that nobody has settled: that it is open, and about what; not what it says."""

    incident: Hex
    """What a response names."""
    serious: bool
    subjects: list[Subject]
    happened: Day
    due: Day | None = None
    """The first of the actions still to be done."""

    @classmethod
    def of(cls, report: Incident) -> Self:
        return cls(
            incident=report.event,
            serious=is_serious(report),
            subjects=[Subject(type=kind, id=id_) for kind, id_ in report.subjects],
            happened=report.happened,
            due=min((plan.due for plan in report.planned), default=None),
        )


class NoticeView(View, frozen=True):
    """What there is about one lot the reader has or has title in."""

    lot: Id
    holds: list[HoldView] = msgspec.field(default_factory=list)
    reports: list[ReportView] = msgspec.field(default_factory=list)
    findings: list[FoundView] = msgspec.field(default_factory=list)
    """The severe ones."""


class NoticeList(View, frozen=True):
    """Notices by lot, the newest lots first; lots about which there is nothing are left out."""

    notices: list[NoticeView]
    next: str | None = None


@router.get(
    "/v1/notices",
    operation_id="list_notices",
    summary="Holds, open reports and severe findings about the lots the reader has or has title in",
    responses=openapi.answers({200: NoticeList}, "malformed", "not_signed"),
    openapi_extra={"security": openapi.SIGNED},
)
async def notified(
    request: Request,
    who: Annotated[Visitor, Depends(visitor)],
    limit: Limit = 100,
    cursor: IndexCursor = None,
) -> Response:
    """About the lots themselves, their sites and tags, and whoever has them.

    A page may have fewer than `limit`, or none, and still a next one.
    """
    services: Services = request.app.state.services
    view = await services.run(_notified, services, who, limit, cursor)
    return Response(view.json(), headers=next_page(request, view.next), media_type="application/json")


def _notified(services: Services, who: Visitor, limit: int, cursor: int | None) -> NoticeList:
    found: list[NoticeView] = []
    for _ in range(_PAGES_MAX if who.party is not None else 0):
        page = services.reader.lots(holder=who.party, cursor=cursor, limit=limit)
        mine = [lot for lot in page.items if lot.state != "ended" and who.party in (lot.custodian, lot.title)]
        found += about(services, [lot for lot in mine if may(who, OpenLot(lot), services.reader.held_by)])
        if page.next is None:
            return NoticeList(notices=found)
        cursor = int(page.next)
        if len(found) >= limit:
            break
    return NoticeList(notices=found, next=None if cursor is None else str(cursor))


def about(services: Services, lots: list[Lot]) -> list[NoticeView]:
    """What there is about these lots, in their order; those about which there is nothing are left out."""
    with services.reads.read() as view:
        day = day_of(view.head().record_time)
        told = notices(view.records, lots, day)
        severe = lists.severe(view, [lot.id for lot in lots])
    nothing = Notices((), ())
    return [
        NoticeView(
            lot=lot.id,
            holds=[HoldView.of(hold) for hold in told.get(lot.id, nothing).holds],
            reports=[ReportView.of(report) for report in told.get(lot.id, nothing).reports],
            findings=[FoundView.at(found) for found in severe.get(lot.id, ())],
        )
        for lot in lots
        if lot.id in told or LotId(lot.id) in severe
    ]
