"""`/v1/news`: what is new about lots, for whoever has their holder's consent (`core.news`)."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from traceability.api import openapi
from traceability.api.limits import Limits, need_media_type, read_body
from traceability.api.permission import OpenLot, Visitor, may
from traceability.api.problems import Problem, not_here
from traceability.api.reading import holder
from traceability.api.services import Services
from traceability.api.strict import read_json
from traceability.core.canonical import INTEGER_MAX
from traceability.core.errors import Invalid, Malformed
from traceability.core.news import CONSENT_SIZE_MAX, CONSENT_TYPE, MEDIA_TYPE, Consent, read_consent
from traceability.core.registry_records import LedgerFacts
from traceability.core.signing import Envelope, PublicKey

router = APIRouter(tags=["lots"])
_LIMITS = Limits(2 * CONSENT_SIZE_MAX)
_ASKED = {
    "type": "object",
    "additionalProperties": False,
    "required": ["consent", "since"],
    "properties": {
        "consent": openapi.envelope(CONSENT_TYPE),
        "since": {
            "type": "integer",
            "minimum": 1,
            "maximum": INTEGER_MAX,
            "description": "Size of the log one knows",
        },
    },
}


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    consent: dict[str, Any]
    since: Annotated[int, msgspec.Meta(ge=1, le=INTEGER_MAX)]


@router.post(
    "/v1/news",
    operation_id="news",
    summary="What was said of lots since, with their holder's consent",
    responses=openapi.answers(
        {200: MEDIA_TYPE}, "malformed", "not_here", "too_slow", "too_large", "unsupported_media_type", "busy"
    ),
    openapi_extra=openapi.body(("application/json", _ASKED)),
)
async def news(request: Request) -> Response:
    """Corrections, holds, releases, findings, reports and redactions about the lots and all that went into them.

    Not where they went. A consent that does not count is answered as if there was nothing here.
    """
    services: Services = request.app.state.services
    need_media_type(request, "application/json")
    with services.admission.hold() as held:
        body = await read_body(request, _LIMITS, held)
        try:
            asked = msgspec.convert(read_json(body), _Asked)
        except (Malformed, msgspec.ValidationError) as error:
            raise Problem("malformed", str(error)) from error
        try:
            envelope, consent = read_consent(asked.consent)
        except Malformed as error:
            raise not_here() from error
        answer = await services.run(_news, services, envelope, consent, asked.since)
    return Response(answer, headers={"Cache-Control": "no-store"}, media_type=MEDIA_TYPE)


def _news(services: Services, envelope: Envelope, consent: Consent, since: int) -> bytes:
    who = _consenting(services, envelope, consent, time.time())
    for lot_id in consent.lots:
        lot = services.reader.lot(lot_id)
        if lot is None or not may(who, OpenLot(lot), services.reader.held_by):
            raise not_here()
    try:
        return services.reader.news(consent.lots, since)
    except LookupError as error:
        raise Problem("malformed", str(error.args[0])) from error


def _consenting(services: Services, envelope: Envelope, consent: Consent, now: float) -> Visitor:
    """Who consents. Raises the one 404 where the consent is over, of another ledger, or not a holder's of this one."""
    with services.store.read() as view:
        facts = view.record(("ledger", ""))
        try:
            who, key = holder(view, consent.party, consent.key)
            envelope.verify(PublicKey(key.public_key))
        except (Problem, Invalid) as error:
            raise not_here() from error
    over = consent.expires <= datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if over or not isinstance(facts, LedgerFacts) or consent.log != facts.log:
        raise not_here()
    return Visitor(who.party, who.key, frozenset())  # as a holder of the lots, whatever else it may see
