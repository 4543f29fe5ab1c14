"""Problem answers (RFC 9457): every 4xx and 5xx, FastAPI's own included.

A `Problem` is raised anywhere below a route and becomes `application/problem+json` here:

    {"detail":"…","request_id":"…","status":409,"title":"…","type":"/problems/waits_for","waits_for":{…}}

`type` is a relative reference with a full path (RFC 9457 §3.1.1), the same on every ledger; it opens the
remedy for that type. Members besides the standard ones belong to a type and are documented with the routes.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route, Router
from starlette.types import Scope

from traceability.api.problem_types import TYPES, ProblemType

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
"""What `Retry-After` says with every 503."""


class Problem(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """A request that fails under a name of `problem_types.TYPES`."""

    def __init__(
        self,
        name: str,
        detail: str,
        *,
        more: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail
        self.more = more or {}
        self.headers = dict(headers or {})
        if self.kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.headers.setdefault("Retry-After", str(RETRY_SECONDS))

    @property
    def kind(self) -> ProblemType:
        """Its status, title and remedy."""
        return TYPES[self.name]

    def body(self, request_id: str | None = None) -> dict[str, object]:
        """The members of the answer."""
        kind = self.kind
        return {
            **self.more,
            "type": f"/problems/{self.name}",
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
            **({"request_id": request_id} if request_id else {}),
        }

    def response(self, request_id: str | None = None) -> Response:
        """The whole answer."""
        body = orjson.dumps(self.body(request_id), option=orjson.OPT_SORT_KEYS)
        return Response(body, self.kind.status, self.headers, MEDIA_TYPE)


def not_here() -> Problem:
    """The one answer for what is not there and for what this visitor may not see.

    The header says that a signature might help (RFC 9110 §11.6.1 allows it with any status).
    """
    detail = "there is nothing here, or it is not for you to see: the answer is the same"
    return Problem("not_here", detail, headers={"WWW-Authenticate": "DSSE"})


def request_id(scope: Scope) -> str | None:
    """The id this request goes by in answers and logs."""
    state: Mapping[str, object] = scope.get("state") or {}
    found = state.get("request_id")
    return found if isinstance(found, str) else None


def install(app: FastAPI) -> None:
    """Makes everything a route or FastAPI itself raises a problem answer."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response(request_id(request.scope))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND:
        problem = not_here()
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request))
        problem = Problem("method_not_allowed", f"here one can {headers['Allow']}", headers=headers)
    else:
        name = "malformed" if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
        problem = Problem(name, str(error.detail), headers=headers)
    return problem.response(request_id(request.scope))


async def _validation(request: Request, error: Exception) -> Response:
    """A path that is not of its form is a thing that is not there; anything else is malformed."""
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if any(found["loc"][0] == "path" for found in errors):
        return not_here().response(request_id(request.scope))
    listed = [
        {"parameter": "/".join(str(part) for part in found["loc"][1:]), "detail": found["msg"]}
        for found in errors
    ]
    detail = "; ".join(f"{found['parameter']}: {found['detail']}" for found in listed)
    return Problem("malformed", detail, more={"errors": listed}).response(request_id(request.scope))


def _allowed(request: Request) -> list[str]:
    """Every method some route at this path answers."""
    methods: set[str] = set()
    for route in _routes(request.app.router):
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


def _routes(router: Router) -> Iterator[Route]:
    """All routes, those of included routers too (which FastAPI keeps behind one route of its own)."""
    for route in router.routes:
        included = getattr(route, "original_router", None)
        if isinstance(included, Router):
            yield from _routes(included)
        elif isinstance(route, Route):
            yield route
