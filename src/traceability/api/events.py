"""/v1/events: signed events in, one or many; and events out, to those they concern."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from traceability.api import lines, openapi, shown
from traceability.api.admission import Admission
from traceability.api.answers import speak
from traceability.api.limits import Limits, need_media_type, read_body
from traceability.api.lot_views import LineageView
from traceability.api.lots import Disclose, evidence_file
from traceability.api.permission import Visitor
from traceability.api.problems import Problem, not_here, request_id
from traceability.api.reading import visitor
from traceability.api.services import Services
from traceability.api.submission import read_disclosures, read_submission
from traceability.api.views import EventView, Kept, Taken
from traceability.core.errors import Malformed
from traceability.core.evidence import MEDIA_TYPE as EVIDENCE
from traceability.core.ids import HEX_PATTERN, EventId, PartyId
from traceability.core.signing import EVENT_TYPE
from traceability.ledger.answers import Disclosure, Refused
from traceability.ledger.disclosures import check

ONE = Limits(lines.LINE_SIZE_MAX, gzip=True)
PLAIN = Limits(lines.LINE_SIZE_MAX)
NDJSON = "application/x-ndjson"

_T = TypeVar("_T")

router = APIRouter(tags=["events"])
EventPath = Annotated[str, Path(pattern=HEX_PATTERN, description="Lower-case hex SHA-256 of the event")]
Asking = Annotated[Visitor, Depends(visitor)]

_DISCLOSURES: dict[str, Any] = {
    "type": "array",
    "maxItems": 2000,
    "description": "What is opened of sealed fields: [salt, path, value] each",
    "items": {
        "type": "array",
        "prefixItems": [
            {"type": "string", "pattern": "^[A-Za-z0-9_-]{21}[AQgw]$"},
            {"type": "string", "pattern": "^(/[a-z0-9_]+)+$"},
            {"$ref": openapi.TEMPLATE.format(name="Disclosed")},
        ],
        "minItems": 3,
        "maxItems": 3,
    },
}
_SUBMISSION: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["envelope"],
    "properties": {"envelope": openapi.envelope(EVENT_TYPE), "disclosures": _DISCLOSURES},
}
_LINES = {"type": "string", "description": "One {envelope, disclosures} a line; at most 5,000, 1 MiB each"}


@router.post(
    "/v1/events",
    status_code=201,
    operation_id="submit_events",
    summary="Submit one signed event, or many as lines",
    responses={
        **openapi.answers(
            {201: Taken},
            "malformed", "not_your_key", "waits_for", "double_issue", "fork", "ahead", "too_slow",
            "log_frozen", "too_large", "unsupported_media_type", "bad_signature", "allowance_used", "not_signing", "busy",
            "not_recorded", "unavailable", "disk_full",
        ),
        200: {
            "description": "The event was known: the same answer as then. For lines: an answer for each",
            "content": {
                "application/json": {"schema": {"$ref": openapi.TEMPLATE.format(name="Taken")}},
                NDJSON: {},
            },
        },
    },
    openapi_extra=openapi.body(("application/json", _SUBMISSION), (NDJSON, _LINES)),
)  # fmt: skip
async def submit(request: Request) -> Response:
    """`application/json`: `{envelope, disclosures}`; 201, or 200 when the ledger knew it.

    `application/x-ndjson`: one such object a line, judged in their order, each seeing those before. 200, and
    for each line `{"line","status",…}` with the body the single route would give, sent when it is published.
    A rejected line stops nothing. At most 5,000 lines, 16 MiB, 1 MiB a line, 30 s without a byte. Either may
    come with `Content-Encoding: gzip`.
    """
    services: Services = request.app.state.services
    if need_media_type(request, "application/json", NDJSON) == NDJSON:
        return lines.LinesResponse(request, services)
    admission = services.admission
    try:
        with admission.hold() as held:
            body = await read_body(request, ONE, held)
            async with admission.event():
                submission = await _read(admission, read_submission, body)
                answer = await services.submit(submission, len(body))
                said = speak(answer, request_id(request.scope), services.settings.successor)
    except Problem as problem:
        services.metrics.answered(problem.name)
        raise
    services.metrics.answered(said.name)
    request.state.facts = {"answer": said.name, **({"event_id": said.event_id} if said.event_id else {})}
    return said.response()


async def _without_parameters(request: Request) -> Response:
    if request.scope["query_string"]:
        raise Problem("malformed", "this address has no parameters")
    return await submit(request)


_STRAIGHT = Route("/v1/events", submit, methods=["POST"])


async def straight(scope: Scope, receive: Receive, send: Send) -> None:
    """`submit` without what a framework does for parameters, of which it has none: everybody waits at this route."""
    scope["route"] = _STRAIGHT  # for metrics and logs
    try:
        response = await _without_parameters(Request(scope, receive, send))
        await response(scope, receive, send)
    except Problem as problem:
        await problem.response(request_id(scope))(scope, receive, send)


@router.post(
    "/v1/events/{event_id}/disclosures",
    operation_id="disclose",
    summary="Open sealed fields of an event that is in the log",
    responses=openapi.answers(
        {200: Kept},
        "malformed",
        "not_here",
        "too_large",
        "unsupported_media_type",
        "bad_disclosure",
        "redacted",
        "allowance_used",
        "busy",
        "unavailable",
        "disk_full",
    ),
    openapi_extra=openapi.body(
        (
            "application/json",
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["disclosures"],
                "properties": {"disclosures": _DISCLOSURES},
            },
        )
    ),
)
async def disclose(request: Request, event_id: EventPath) -> Response:
    """Whoever has salt and value may bring them; they are checked against the event's commitments."""
    services: Services = request.app.state.services
    need_media_type(request, "application/json")
    with services.admission.hold() as held:
        body = await read_body(request, PLAIN, held)
        async with services.admission.event():
            if not await services.run(_is_logged, services, EventId(event_id)):
                raise not_here()
            disclosures = await _read(services.admission, read_disclosures, body)
            party, size = await services.run(_new_bytes, services, EventId(event_id), disclosures)
            if size:
                services.check_room(party)
            refused = await services.run(services.ledger.add_disclosures, EventId(event_id), disclosures)
    if isinstance(refused, Refused):
        raise Problem(refused.name, refused.message)
    assert refused is None
    services.allowance.count(party, size)
    kept = Kept(event_id=event_id, paths=[path for _, path, _ in disclosures])
    return Response(kept.json(), media_type="application/json")


@router.get(
    "/v1/events/{event_id}",
    operation_id="get_event",
    summary="An event as the log has it, with its proof",
    responses=openapi.answers({200: EventView}, "malformed", "not_signed", "not_here"),
    openapi_extra={"security": openapi.SIGNED},
)
async def event(request: Request, who: Asking, event_id: EventPath) -> Response:
    """For its signer, whom it acts for and names, who holds or held a lot it is about, and auditors."""
    services: Services = request.app.state.services
    view = await services.run(shown.event_view, services, who, event_id)
    return Response(view.json(), media_type="application/json")


@router.get(
    "/v1/events/{event_id}/lineage",
    operation_id="event_lineage",
    summary="Where the lots of an event, a shipment say, come from",
    responses=openapi.answers({200: LineageView}, "malformed", "not_signed", "not_here"),
    openapi_extra={"security": openapi.SIGNED},
)
async def lineage(request: Request, who: Asking, event_id: EventPath) -> Response:
    """For who may open every lot of the event."""
    services: Services = request.app.state.services
    lots = await services.run(shown.lots_of_event, services, who, event_id)
    view = await services.run(shown.lineage_back, services, who, lots)
    return Response(view.json(), media_type="application/json")


@router.get(
    "/v1/events/{event_id}/evidence",
    operation_id="event_evidence",
    summary="The file that proves the history of an event's lots, to be checked without us",
    responses=openapi.answers({200: EVIDENCE}, "malformed", "not_signed", "not_here"),
    openapi_extra={"security": openapi.SIGNED},
)
async def evidence(
    request: Request,
    who: Asking,
    event_id: EventPath,
    disclose: Disclose = [],  # noqa: B006  # FastAPI copies it
) -> Response:
    """For who may open every lot of the event. Of sealed fields it opens nothing but what is chosen."""
    services: Services = request.app.state.services
    lots = await services.run(shown.lots_of_event, services, who, event_id)
    file = await services.run(shown.evidence, services, who, lots, EventId(event_id), disclose)
    return evidence_file(file, event_id)


async def _read(admission: Admission, reader: Callable[[bytes], _T], body: bytes) -> _T:
    try:
        return await admission.read(reader, body)
    except Malformed as error:
        raise Problem("malformed", str(error)) from error


def _new_bytes(
    services: Services, event_id: EventId, disclosures: Sequence[Disclosure]
) -> tuple[PartyId, int]:
    """Who signed the event, and the size of those values that are not kept yet. Raises Problem for what opens nothing."""
    entry = services.reader.entry_of(event_id)
    assert entry is not None
    opened = check(entry.event, disclosures)
    if isinstance(opened, Refused):
        raise Problem(opened.name, opened.message)
    with services.store.read() as view:
        kept = {path for path, _, _ in view.disclosures(entry.index)}
    return entry.event.party, sum(
        {field.path: len(field.value) for field in opened if field.path not in kept}.values()
    )


def _is_logged(services: Services, event_id: EventId) -> bool:
    with services.store.read() as view:
        return view.index_of(event_id) is not None
