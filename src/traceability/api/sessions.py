"""/v1/sessions: a signed read turned into a cookie, for browsers."""

import time

from fastapi import APIRouter, Request
from starlette.responses import Response

from traceability.api import openapi, reading
from traceability.api.problems import Problem
from traceability.api.services import Services
from traceability.api.views import SessionView, moment

router = APIRouter(tags=["sessions"])


@router.post(
    "/v1/sessions",
    operation_id="begin_session",
    summary="Sign in: a signed read of this address, for a cookie",
    responses=openapi.answers({200: SessionView}, "not_signed"),
    openapi_extra={"security": [{"dsse": []}]},
)
async def begin(request: Request) -> Response:
    """`Authorization: DSSE …` with method POST and path /v1/sessions. No body. The cookie counts for reads only."""
    services: Services = request.app.state.services
    if "authorization" not in request.headers:
        detail = "sign in by `Authorization: DSSE …` over method POST and path /v1/sessions"
        raise Problem("not_signed", detail, headers={"WWW-Authenticate": "DSSE"})
    who = await reading.visitor(request)
    assert who.party is not None
    assert who.key is not None
    cookie, expires = reading.begin_session(services, who, time.time())
    view = SessionView(party=who.party, key=who.key, roles=sorted(who.roles), expires=moment(expires))
    response = Response(view.json(), media_type="application/json")
    response.set_cookie(
        reading.COOKIE,
        cookie,
        max_age=reading.SESSION_SECONDS,
        httponly=True,
        samesite="lax",
        secure=services.settings.public_url.startswith("https://"),
    )
    return response


@router.delete(
    "/v1/sessions",
    status_code=204,
    operation_id="end_session",
    summary="Sign out: the cookie goes",
    responses=openapi.answers({204: ""}),
)
async def end(request: Request) -> Response:
    services: Services = request.app.state.services
    response = Response(status_code=204)
    response.delete_cookie(
        reading.COOKIE,
        httponly=True,
        samesite="lax",
        secure=services.settings.public_url.startswith("https://"),
    )
    return response
