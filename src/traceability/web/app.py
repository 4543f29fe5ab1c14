"""The whole application: the API, the pages above it, and failures as pages for who reads pages."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from traceability.api import app as api
from traceability.api.problems import Problem, not_here, request_id
from traceability.api.services import Services
from traceability.settings import Settings
from traceability.web import pages
from traceability.web.answer import ask, failed

_Handler = Callable[[Request, Any], Awaitable[Response]]
_MACHINES = ("/v1/", "/tile/", "/checkpoint", "/problems/", "/openapi.json")


def create_app(of: Settings | Services) -> FastAPI:
    """The API (`api.app.create_app`, which says what it raises) with pages."""
    app = api.create_app(of, more=[pages.router()])
    for kind in (Problem, HTTPException):
        handler: Any = app.exception_handlers[kind]
        app.add_exception_handler(kind, _as_page(handler))
    return app


def _as_page(otherwise: _Handler) -> _Handler:
    """A failure as a page where the request comes from a browser and is not for the API."""

    async def handle(request: Request, error: Problem | HTTPException) -> Response:
        if request.url.path.startswith(_MACHINES) or "text/html" not in request.headers.get("accept", ""):
            return await otherwise(request, error)
        if isinstance(error, HTTPException):
            answer = await otherwise(request, error)
            error = not_here() if answer.status_code == 404 else Problem("method_not_allowed", error.detail)
        try:
            asked = await ask(request)
        except Problem as problem:  # whoever asks so is no browser
            return problem.response(request_id(request.scope))
        return failed(asked, error)

    return handle
