"""For whoever runs the server: alive, ready, counted; and what each problem type means."""

import math
from typing import Annotated

from fastapi import APIRouter, Path, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from traceability.api import openapi, watched
from traceability.api.problem_types import TYPES
from traceability.api.problems import Problem, not_here
from traceability.api.services import Services
from traceability.api.views import Ready
from traceability.ledger.database import ERRORS

router = APIRouter(tags=["operation"])


@router.get(
    "/livez",
    operation_id="livez",
    summary="The process answers",
    responses=openapi.answers({200: "text/plain"}),
)
async def livez() -> Response:
    return Response("alive\n", media_type="text/plain")


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="The database answers; `signing` says whether events are taken",
    responses=openapi.answers({200: Ready}, "unavailable"),
)
async def readyz(request: Request) -> Response:
    """A ledger that may not sign now is ready all the same: it serves what it has, and says why."""
    services: Services = request.app.state.services
    size = await _size(services)
    refusal = await _refusal(services)
    age = await services.run(watched.quorum_age, services)
    view = Ready(size=size, signing=refusal is None, reason=refusal, quorum_age_seconds=age)
    return Response(view.json(), media_type="application/json")


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Counters in the text format of Prometheus",
    responses=openapi.answers({200: "text/plain"}, "unavailable"),
)
async def metrics(request: Request) -> Response:
    services: Services = request.app.state.services
    services.metrics.log_size.set(await _size(services))
    services.metrics.signing.set(await _refusal(services) is None)
    age = await services.run(watched.quorum_age, services)
    services.metrics.quorum_age.set(math.nan if age is None else age)
    for witness in watched.standings(services):
        services.metrics.witness_trouble.labels(witness.name).set(witness.trouble is not None)
        services.metrics.witness_size.labels(witness.name).set(witness.size or 0)
    services.metrics.journal.set(await services.run(_journal_bytes, services))
    for name, room in services.space.rooms().items():
        services.metrics.disk_free.labels(name).set(room.free)
        services.metrics.disk_size.labels(name).set(room.size)
    return Response(services.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get(
    "/problems/{name}",
    operation_id="problem",
    summary="What a problem type means, and what to do",
    responses=openapi.answers({200: "text/plain"}, "not_here"),
)
async def problem(name: Annotated[str, Path(pattern="^[a-z_]{1,60}$")]) -> Response:
    kind = TYPES.get(name)
    if kind is None:
        raise not_here()
    return Response(f"{kind.status} {name}\n\n{kind.title}. {kind.remedy}\n", media_type="text/plain")


async def _refusal(services: Services) -> str | None:
    """Why no event is taken now; None where they are. A replica that answers says nothing about that."""

    def ask() -> None:
        with services.store.read() as view:
            view.head()

    if services.refusal is None and services.reads is not services.store:
        try:
            await services.run(ask)
        except ERRORS:
            return "the database for events does not answer; what a replica has can be read"
    return services.refusal


def _journal_bytes(services: Services) -> float:
    """NaN where the database for events does not say."""
    try:
        with services.store.read() as view:
            return view.journal_bytes()
    except ERRORS:
        return math.nan


async def _size(services: Services) -> int:
    def ask() -> int:
        with services.reads.read() as view:
            found = view.checkpoint()
        return 0 if found is None else int(found[0])

    try:
        return await services.run(ask)
    except ERRORS as error:
        raise Problem("unavailable", "the database does not answer") from error
