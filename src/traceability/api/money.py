"""/v1/lots/{lot_id}/money, /v1/events/{event_id}/money: the miners' share of what a lot or shipment was worth."""

from fractions import Fraction
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from traceability.api import openapi, shown
from traceability.api.events import EventPath
from traceability.api.lots import LotPath
from traceability.api.permission import OpenDisclosure, OpenLot, Visitor, may
from traceability.api.problems import not_here
from traceability.api.reading import visitor
from traceability.api.services import Services
from traceability.api.views import Hex, Id, View
from traceability.core.events import Event
from traceability.core.ids import LotId
from traceability.core.money import MICRO, Reason
from traceability.core.prices import show
from traceability.ledger.ancestry import Lineage
from traceability.ledger.money import Accounts, accounts

router = APIRouter(tags=["lots"])
_MISSING_MAX = 100
Why = Literal["withheld", "erased", "no_price", "no_rate", "not_from_a_mine", "not_looked_at"]


class MissingView(View, frozen=True):
    """A lot from the mine whose first price is not known to the reader, and why."""

    lot: Id
    reason: Why


class PaymentView(View, frozen=True):
    """A payment recorded for these lots; what may not be seen of it is left out."""

    event: Hex
    to: str | None = None
    of: str | None = None
    usd: str | None = None
    reason: Why | None = None


class MoneyView(View, frozen=True):
    """Amounts are US dollars by the rates of their days. What is not known makes the miners' part a lower bound."""

    lots: list[Id]
    paid_to_miners_usd: str
    """What was first paid for the ore in these lots, as far as the reader may know it."""
    known_ppm: int
    """The part of the ore of which that is known."""
    missing_count: int
    exported_usd: str | None = None
    """What they were declared to be worth when they left."""
    exported_reason: Why | None = None
    miners_share_ppm: int | None = None
    """Paid to miners for each million of export value; only where all of both is known."""
    missing: list[MissingView] = msgspec.field(default_factory=list)
    """The first hundred."""
    payments: list[PaymentView] = msgspec.field(default_factory=list)


def _view(lots: list[LotId], found: Accounts) -> MoneyView:
    money, exported = found.money, found.exported.micro_usd
    known = not money.unknown_ug and exported
    return MoneyView(
        lots=list(lots),
        paid_to_miners_usd=_usd(money.micro_usd),
        known_ppm=money.known_ppm,
        missing_count=len(found.missing),
        exported_usd=None if exported is None else _usd(exported),
        exported_reason=_why(found.exported.reason),
        miners_share_ppm=money.micro_usd * MICRO // exported if known and exported else None,
        missing=[MissingView(lot=lot, reason=reason) for lot, reason in found.missing[:_MISSING_MAX]],
        payments=[
            PaymentView(
                event=paid.event,
                to=paid.to,
                of=paid.of,
                usd=None if paid.micro_usd is None else _usd(paid.micro_usd),
                reason=_why(paid.reason),
            )
            for paid in found.paid
        ],
    )


def _usd(micro: int) -> str:
    return show(Fraction(micro, MICRO))


def _why(reason: Reason | None) -> Why | None:
    return reason


@router.get(
    "/v1/lots/{lot_id}/money",
    operation_id="lot_money",
    summary="What miners were paid for the ore in a lot, and what it was worth when it left",
    responses=openapi.answers({200: MoneyView}, "malformed", "not_signed", "not_here"),
    openapi_extra={"security": openapi.SIGNED},
)
async def lot_money(request: Request, who: Annotated[Visitor, Depends(visitor)], lot_id: LotPath) -> Response:
    """For who may open the lot; out of the prices he may see. What is sealed from him is named as withheld."""
    services: Services = request.app.state.services
    view = await services.run(_money, services, who, [LotId(lot_id)])
    return Response(view.json(), media_type="application/json")


@router.get(
    "/v1/events/{event_id}/money",
    operation_id="event_money",
    summary="The same of all lots of an event, a shipment say",
    responses=openapi.answers({200: MoneyView}, "malformed", "not_signed", "not_here"),
    openapi_extra={"security": openapi.SIGNED},
)
async def event_money(
    request: Request, who: Annotated[Visitor, Depends(visitor)], event_id: EventPath
) -> Response:
    """For who may open each of them."""
    services: Services = request.app.state.services
    lots = await services.run(shown.lots_of_event, services, who, event_id)
    view = await services.run(_money, services, who, lots)
    return Response(view.json(), media_type="application/json")


def _money(services: Services, who: Visitor, lots: list[LotId]) -> MoneyView:
    lineage = services.reader.lineage(lots)
    found = seen(services, who, lineage)
    if found is None:
        raise not_here()
    return _view(list(lineage.asked), found)


def seen(services: Services, who: Visitor, lineage: Lineage) -> Accounts | None:
    """The money of the lots a lineage asks about, as far as this visitor may see prices; None if it may not open one."""
    held = services.reader.held_by
    asked = [lineage.lots[lot] for lot in lineage.asked]
    if not asked or not all(may(who, OpenLot(lot), held) for lot in asked):
        return None

    def may_see(event: Event, path: str) -> bool:
        return may(who, OpenDisclosure(event, path), held)

    return accounts(services.reader, lineage, may_see)
