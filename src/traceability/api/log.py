"""The log itself: checkpoint and tiles for everyone (C2SP tlog-tiles), entries in full for those who audit."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response, StreamingResponse

from traceability.api import ending, openapi, permission, watched
from traceability.api.permission import OpenLog, Visitor
from traceability.api.problems import Problem, not_here
from traceability.api.queries import From, Size
from traceability.api.reading import visitor
from traceability.api.services import Services
from traceability.api.views import ConsistencyView, ContinuedView, LogView, moment
from traceability.core.checkpoint import Checkpoint
from traceability.core.errors import Malformed
from traceability.core.note import Verifier, parse_note
from traceability.core.registry_records import LedgerFacts
from traceability.core.tile import Tile, parse_path
from traceability.ledger import publish
from traceability.ledger.dump import entry_line

_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_MOMENT = "public, max-age=2"
_ENTRIES_AT_ONCE = 500

router = APIRouter(tags=["log"])
Asking = Annotated[Visitor, Depends(visitor)]


@router.get(
    "/checkpoint",
    operation_id="checkpoint",
    summary="The newest signed checkpoint (C2SP tlog-checkpoint)",
    responses=openapi.answers({200: "text/plain"}, "not_signing"),
)
async def checkpoint(request: Request) -> Response:
    note = await newest(request.app.state.services)
    return Response(note, headers={"Cache-Control": _FOR_A_MOMENT}, media_type="text/plain")


@router.get(
    "/tile/{path:path}",
    operation_id="tile",
    summary="A tile or an entry bundle, full or partial (C2SP tlog-tiles)",
    responses=openapi.answers({200: "application/octet-stream"}, "not_here"),
)
async def tile(
    request: Request, path: Annotated[str, Path(description="<L>/<N>[.p/<W>] or entries/<N>[.p/<W>]")]
) -> Response:
    services: Services = request.app.state.services
    try:
        wanted = parse_path(f"tile/{path}")
    except Malformed as error:
        raise not_here() from error
    body = await services.run(_tile, services, wanted)
    if body is None:
        raise not_here()
    return Response(body, headers={"Cache-Control": _FOR_EVER}, media_type="application/octet-stream")


@router.get(
    "/v1/log",
    operation_id="log",
    summary="What this log is: origin, key, size",
    responses=openapi.answers({200: LogView}, "not_signing"),
)
async def log(request: Request) -> Response:
    services: Services = request.app.state.services
    view = await services.run(_log, services)
    return Response(view.json(), media_type="application/json")


@router.get(
    "/v1/log/consistency",
    operation_id="log_consistency",
    summary="The proof that the log of one size begins with that of a smaller",
    responses=openapi.answers({200: ConsistencyView}, "malformed", "not_here", "not_signing"),
)
async def consistency(request: Request, first: Size, second: Size) -> Response:
    """For who remembers a checkpoint and holds a newer one. Tiles give the same, in more requests."""
    services: Services = request.app.state.services
    size = Checkpoint.parse(parse_note(await newest(services))[0]).size
    if not first <= second <= size:
        raise Problem(
            "not_here", f"there is no such proof: 1 ≤ first ≤ second ≤ {size}, the size of the checkpoint"
        )
    view = await services.run(_consistency, services, first, second)
    return Response(view.json(), media_type="application/json")


@router.get(
    "/v1/log/entries",
    operation_id="log_entries",
    summary="Every entry from an index on, in full: for auditors, mirrors and backups",
    responses=openapi.answers({200: "application/x-ndjson"}, "malformed", "not_signed", "not_here"),
    openapi_extra={"security": openapi.SIGNED},
)
async def entries(request: Request, who: Asking, first: From = 0) -> Response:
    """`{"blind","disclosures","entry","index"}` a line, up to the published checkpoint: the lines of a dump.

    `entry` stands in its canonical bytes, and no disclosure is in it.
    """
    services: Services = request.app.state.services
    if not permission.may(who, OpenLog(), services.reader.held_by):
        raise not_here()
    note = await newest(services)
    size = Checkpoint.parse(parse_note(note)[0]).size
    return StreamingResponse(_stream(services, first, size), media_type="application/x-ndjson")


async def newest(services: Services) -> bytes:
    """The newest checkpoint. Raises Problem where none was ever signed."""
    return await services.run(_newest, services)


def _newest(services: Services) -> bytes:
    with services.reads.read() as view:
        found = view.checkpoint()
    if found is None:
        raise Problem("not_signing", services.ledger.refusal or "no checkpoint has been signed yet")
    return bytes(found[1])


def _tile(services: Services, wanted: Tile) -> bytes | None:
    with services.reads.read() as view:
        if wanted.level is None:
            return publish.entries_body(view, wanted.n, wanted.width)
        return publish.tile_body(view, wanted.level, wanted.n, wanted.width)


def _log(services: Services) -> LogView:
    note = _newest(services)
    text, lines = parse_note(note)
    head = Checkpoint.parse(text)
    with services.reads.read() as view:
        facts = view.record(("ledger", ""))
        last = view.entry(head.size - 1)
    assert isinstance(facts, LedgerFacts)
    assert last is not None
    signed = {line.key for line in lines}
    vkeys = [vkey for vkey in facts.signing if Verifier.parse(vkey).key in signed]
    return LogView(
        origin=head.origin,
        vkey=vkeys[-1],
        vkeys=vkeys,
        size=head.size,
        root=head.root.hex(),
        checkpoint=note.decode(),
        record_time=moment(last.record_time),
        name=facts.name,
        countries=list(facts.countries),
        quorum=facts.quorum,
        frozen_at=facts.frozen_at,
        end=ending.of_log(services, facts),
        continues=[
            ContinuedView(origin=each.origin, size=each.size, root=each.root, lost=each.lost)
            for each in facts.continues
        ],
        demo=facts.demo,
        signing=services.refusal is None,
        cosigned=watched.cosigned(services),
        witnesses=watched.standings(services),
    )


def _consistency(services: Services, first: int, second: int) -> ConsistencyView:
    with services.reads.read() as view:
        proof = publish.consistency_proof(view, first, second)
    return ConsistencyView(first=first, second=second, proof=[node.hex() for node in proof])


async def _stream(services: Services, first: int, size: int) -> AsyncIterator[bytes]:
    while first < size:
        end = min(size, first + _ENTRIES_AT_ONCE)
        yield await services.run(_lines, services, first, end)
        first = end


def _lines(services: Services, first: int, end: int) -> bytes:
    with services.reads.read() as view:
        return b"".join(entry_line(found) for found in view.entries(first, end - first))
