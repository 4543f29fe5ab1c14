"""The application: every route, the edge around them, and the ledger opened behind them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from traceability.api import (
    events,
    health,
    log,
    lots,
    money,
    news,
    notices,
    openapi,
    papers,
    problems,
    registry,
    reports,
    sessions,
    tags,
)
from traceability.api.edge import Edge
from traceability.api.hourly import stating
from traceability.api.queries import plain_address
from traceability.api.scanning import writing_down
from traceability.api.services import Services, read_named
from traceability.core.errors import Malformed
from traceability.core.signing import SigningKey
from traceability.settings import Settings

_ROUTERS = (
    events.router,
    lots.router,
    news.router,
    money.router,
    tags.router,
    registry.router,
    papers.router,
    notices.router,
    reports.router,
    sessions.router,
    log.router,
    health.router,
)


class _Application(FastAPI):
    """FastAPI, where single events go past its layers: everybody waits at that route."""

    events: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/v1/events" and scope["method"] == "POST":
            scope["app"] = self
            await self.events(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _key(setting: str, path: Path | None) -> SigningKey | None:
    """The key in the file that a setting names. Raises Malformed, naming both."""
    if path is None:
        return None
    data = read_named(setting, path)
    try:
        return SigningKey.from_pem(data)
    except Malformed as error:
        raise Malformed(f"{setting}: {path} is {error}") from error


def create_app(of: Settings | Services, more: Sequence[APIRouter] = ()) -> FastAPI:
    """The application of a deployment. `more` are routers beside the API's own: the pages.

    With settings, the ledger is opened here (raising what `Services.open` raises) and closed when the
    application ends, after all that was submitted is answered. Services that are open already stay open.
    Raises Malformed for a SNAPSHOT_KEY or REPORT_KEY that is none.
    """
    services = Services.open(of) if isinstance(of, Settings) else of
    snapshot_key = _key("SNAPSHOT_KEY", services.settings.snapshot_key)
    report_key = _key("REPORT_KEY", services.settings.report_key)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if services.asking is not None:
            services.asking.start()
        with stating(services.ledger, snapshot_key), writing_down(services.scanning):
            yield
        if isinstance(of, Settings):
            services.close()

    app = _Application(
        title="Traceability",
        version=version("traceability"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=Response,
        dependencies=[Depends(plain_address)],
        lifespan=lifespan,
    )
    app.state.services = services
    app.state.reporter = None if report_key is None else reports.Reporter(report_key)
    secure = services.settings.public_url.startswith("https://")
    app.events = Edge(events.straight, metrics=services.metrics, secure=secure)
    app.add_middleware(Edge, metrics=services.metrics, secure=secure)
    problems.install(app)
    for router in (*_ROUTERS, *more):
        app.include_router(router)
    openapi.install(app)
    return app
