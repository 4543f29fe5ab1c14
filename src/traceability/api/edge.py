"""What holds for every request, whatever route it finds: an id, headers, one log line, one place for faults.

A fault (an error no route expected) becomes a problem answer without a word of the error's message. HEAD is
answered as GET without the body.
"""

import itertools
import logging
import re
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from traceability.api.limits import Disconnected
from traceability.api.logging import FAULTS, REQUESTS, fault
from traceability.api.metrics import Metrics
from traceability.api.problems import Problem
from traceability.core.errors import TraceabilityError
from traceability.ledger.database import ERRORS

_REQUEST_ID = re.compile(rb"[A-Za-z0-9_.-]{8,64}")
_HEADERS = {
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}
"""Set where a route has not said otherwise."""


class Edge:
    """ASGI middleware, the outermost of ours. `secure`: people reach this ledger by https."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, secure: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._headers = dict(_HEADERS)
        # Told apart without asking the system for chance at every request: that gives the interpreter away.
        self._own_ids = map(f"{secrets.token_hex(4)}{{:08x}}".format, itertools.count())
        if secure:
            self._headers[b"strict-transport-security"] = b"max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope) or next(self._own_ids)
        scope.setdefault("state", {})["request_id"] = request_id
        head = scope["method"] == "HEAD"
        inner = {**scope, "method": "GET"} if head else scope
        answer = _Answer(send, self._headers, request_id, without_body=head)
        began = time.perf_counter()
        try:
            await self._app(inner, receive, answer.send)
        except Disconnected:
            pass
        except Exception as error:  # noqa: BLE001  # the one place where a fault ends
            self._metrics.faults.inc()
            FAULTS.error("fault", extra={"facts": {"request_id": request_id, **fault(error)}})
            if not answer.status:
                await _trouble(error).response(request_id)(inner, receive, answer.send)
        self._note(scope, inner, answer, time.perf_counter() - began, request_id)

    def _note(self, scope: Scope, inner: Scope, answer: "_Answer", seconds: float, request_id: str) -> None:
        route = getattr(inner.get("route"), "path_format", "none")
        self._metrics.note(scope["method"], route, answer.status, seconds)
        if not REQUESTS.isEnabledFor(logging.INFO):
            return
        facts = {
            "request_id": request_id,
            "method": scope["method"],
            "route": route,
            "status": answer.status,
            "ms": round(seconds * 1000, 1),
            **inner["state"].get("facts", {}),
        }
        REQUESTS.info("request", extra={"facts": facts})


class _Answer:
    """Adds the headers on the way out; `status` is 0 until the answer has begun."""

    def __init__(
        self, send: Send, headers: dict[bytes, bytes], request_id: str, *, without_body: bool
    ) -> None:
        self._send = send
        self._headers = headers
        self._request_id = request_id
        self._without_body = without_body
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            said = list(message.get("headers", ()))
            names = {name for name, _ in said}
            more = [header for header in self._headers.items() if header[0] not in names]
            message["headers"] = [*said, *more, (b"x-request-id", self._request_id.encode())]
        elif self._without_body:
            message = {**message, "body": b""}
        await self._send(message)


def _trouble(error: Exception) -> Problem:
    """What an error that no route expected is to whoever asked. Requests are read before anything stored is:
    what cannot be read by now is ours."""
    match error:
        case TraceabilityError():
            return Problem("damaged", "something stored here cannot be what was stored")
        case _ if isinstance(error, ERRORS):
            return Problem("unavailable", "the database does not answer as it should")
        case _:
            return Problem("internal", "the request failed for a reason that is ours")


def _request_id(scope: Scope) -> str | None:
    """The one a proxy in front has given, if it is of a form that can stand in a log."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return bytes(value).decode()
    return None
