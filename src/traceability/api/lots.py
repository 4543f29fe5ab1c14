"""/v1/lots: what a lot is, what happened to it, where it comes from, what proves it, and its QR code."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from traceability.api import openapi, shown, tables
from traceability.api.lot_views import History, LineageView, LotList, LotView
from traceability.api.openapi import Listed
from traceability.api.permission import OpenLot, OpenQr, Visitor, may
from traceability.api.problems import Problem, not_here
from traceability.api.queries import IndexCursor, Limit, OfParty, next_page
from traceability.api.reading import visitor
from traceability.api.services import Services
from traceability.api.tables import Format
from traceability.core import log_proof
from traceability.core.disclosing import CHOICE_PATTERN
from traceability.core.evidence import MEDIA_TYPE as EVIDENCE
from traceability.core.evidence import SUFFIX
from traceability.core.forms import Mineral
from traceability.core.ids import ID_PATTERN, LotId
from traceability.core.lot_records import Lot, LotState
from traceability.core.registry_records import Roll
from traceability.core.tag import OUR_SCHEME, parse_our_number, parse_tag
from traceability.ledger import tag_stock
from traceability.papers import qr

router = APIRouter(tags=["lots"])
LotPath = Annotated[str, Path(pattern=ID_PATTERN, description="Id of a lot")]
Asking = Annotated[Visitor, Depends(visitor)]
Disclose = Annotated[
    list[Annotated[str, Field(pattern=CHOICE_PATTERN)]],
    Query(
        max_length=100,
        description="Sealed fields to open, as far as the reader may see them: `prices`, `names`, `place`, `documents`, "
        "`notes`, a path as `/prices`, one of an entry as `41207/prices`, or `all`",
    ),
]
_SIGNED = {"security": openapi.SIGNED}
_CLOSED = ("malformed", "not_signed", "not_here")


@router.get(
    "/v1/lots",
    operation_id="list_lots",
    summary="Lots the reader may open, the newest first",
    responses=openapi.answers({200: Listed(LotList)}, "malformed", "not_signed"),
    openapi_extra=_SIGNED,
)
async def lots(
    request: Request,
    who: Asking,
    mineral: Mineral | None = None,
    state: LotState | None = None,
    holder: OfParty = None,
    limit: Limit = 100,
    cursor: IndexCursor = None,
    form: Format = "json",
) -> Response:
    """A party's own, past and present, as custodian or title holder; all, for who oversees.

    `holder` narrows to those a party has or had; another party's only for who oversees.
    """
    services: Services = request.app.state.services
    view = await services.run(
        shown.lots, services, who, holder=holder, mineral=mineral, state=state, cursor=cursor, limit=limit
    )
    return tables.answer(view, view.lots, LotView, next_page(request, view.next), form)


@router.get(
    "/v1/lots/{lot_id}",
    operation_id="get_lot",
    summary="A lot as it stands",
    responses=openapi.answers({200: LotView}, *_CLOSED),
    openapi_extra=_SIGNED,
)
async def lot(request: Request, who: Asking, lot_id: LotPath) -> Response:
    """For who has or had it or title in it, whom it is on its way to, and who oversees."""
    services: Services = request.app.state.services
    view = await services.run(shown.lot_view, services, who, lot_id)
    return Response(view.json(), media_type="application/json")


@router.get(
    "/v1/lots/{lot_id}/history",
    operation_id="lot_history",
    summary="The entries about a lot, the newest page first, oldest first within it",
    responses=openapi.answers({200: History}, *_CLOSED),
    openapi_extra=_SIGNED,
)
async def history(
    request: Request, who: Asking, lot_id: LotPath, limit: Limit = 100, cursor: IndexCursor = None
) -> Response:
    services: Services = request.app.state.services
    view = await services.run(shown.history, services, who, lot_id, limit, cursor)
    return Response(view.json(), headers=next_page(request, view.next), media_type="application/json")


@router.get(
    "/v1/lots/{lot_id}/lineage",
    operation_id="lot_lineage",
    summary="Where a lot comes from, or (for who oversees) what became of it",
    responses=openapi.answers({200: LineageView}, *_CLOSED),
    openapi_extra=_SIGNED,
)
async def lineage(
    request: Request, who: Asking, lot_id: LotPath, direction: Literal["back", "forward"] = "back"
) -> Response:
    """`back` to the mines, with the composition by site; `forward` to everything made out of it."""
    services: Services = request.app.state.services
    if direction == "forward":
        view = await services.run(shown.lineage_forward, services, who, lot_id)
    else:
        view = await services.run(shown.lineage_back, services, who, [LotId(lot_id)])
    return Response(view.json(), media_type="application/json")


@router.get(
    "/v1/lots/{lot_id}/evidence",
    operation_id="lot_evidence",
    summary="The file that proves a lot's history, to be checked without us",
    responses=openapi.answers({200: EVIDENCE}, *_CLOSED),
    openapi_extra=_SIGNED,
)
async def evidence(
    request: Request,
    who: Asking,
    lot_id: LotPath,
    disclose: Disclose = [],  # noqa: B006  # FastAPI copies it
) -> Response:
    """Of sealed fields it opens nothing but what is chosen: whoever gets the file can read it and pass it on."""
    services: Services = request.app.state.services
    file = await services.run(shown.evidence, services, who, [LotId(lot_id)], None, disclose)
    return evidence_file(file, lot_id)


@router.get(
    "/v1/lots/{lot_id}/tlog-proof",
    operation_id="lot_tlog_proof",
    summary="The proof of the entry that moved the lot last, for any tool that reads C2SP logs",
    responses=openapi.answers({200: "text/plain"}, *_CLOSED),
    openapi_extra=_SIGNED,
)
async def tlog_proof(request: Request, who: Asking, lot_id: LotPath) -> Response:
    """`extra` has the entry and its blind, so that it stands alone."""
    services: Services = request.app.state.services
    file = await services.run(_head_proof, services, who, lot_id)
    headers = {"Content-Disposition": f'attachment; filename="{lot_id}{log_proof.SUFFIX}"'}
    return Response(file, headers=headers, media_type="text/plain")


def _head_proof(services: Services, who: Visitor, lot_id: str) -> bytes:
    return shown.log_proof(services, who, shown.lot(services, who, lot_id).custody_head)


@router.get(
    "/v1/lots/{lot_id}/qr.svg",
    operation_id="lot_qr_svg",
    summary="The QR code of the lot's tag, as SVG",
    responses=openapi.answers({200: "image/svg+xml"}, *_CLOSED, "no_qr"),
    openapi_extra=_SIGNED,
)
async def qr_svg(request: Request, who: Asking, lot_id: LotPath) -> Response:
    """For its custodian and whoever answers for the roll: the code is a capability."""
    services: Services = request.app.state.services
    url = await services.run(_tag_url, services, who, lot_id)
    return Response(qr.svg(url), media_type="image/svg+xml")


@router.get(
    "/v1/lots/{lot_id}/qr.png",
    operation_id="lot_qr_png",
    summary="The QR code of the lot's tag, as PNG",
    responses=openapi.answers({200: "image/png"}, *_CLOSED, "no_qr"),
    openapi_extra=_SIGNED,
)
async def qr_png(request: Request, who: Asking, lot_id: LotPath) -> Response:
    """For its custodian and whoever answers for the roll: the code is a capability."""
    services: Services = request.app.state.services
    url = await services.run(_tag_url, services, who, lot_id)
    return Response(qr.png(url), media_type="image/png")


def evidence_file(file: bytes, name: str) -> Response:
    """An evidence file as something to be kept under that name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}{SUFFIX}"'}
    return Response(file, headers=headers, media_type=EVIDENCE)


def _tag_url(services: Services, who: Visitor, lot_id: str) -> str:
    """The address in the QR of the first tag of ours on the lot whose code the ledger knows."""
    found = services.reader.lot(LotId(lot_id))
    if found is None:
        raise not_here()
    for roll, position in _our_tags(services, found):
        if not may(who, OpenQr(found, roll, position), services.reader.held_by):
            continue
        code = tag_stock.codes(services.reader, roll).get(position)
        if code is not None:
            return f"{services.settings.public_url}/t/{code}"
    if not may(who, OpenLot(found), services.reader.held_by):
        raise not_here()
    raise Problem("no_qr", "this lot has no tag of the ledger's own scheme whose code you may have")


def _our_tags(services: Services, lot: Lot) -> list[tuple[Roll, int]]:
    tags = []
    for tag in lot.tags:
        scheme, number = parse_tag(tag)
        if scheme == OUR_SCHEME:
            roll_id, position = parse_our_number(number)
            roll = services.reader.roll(roll_id)
            if roll is not None and position <= roll.count:
                tags.append((roll, position))
    return tags
