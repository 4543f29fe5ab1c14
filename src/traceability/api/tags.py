"""/v1/tags: what a tag's code opens, or another scheme's number; /v1/trust-pack: what labels are checked by."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from traceability.api import openapi, story
from traceability.api.permission import OpenTrustPack, Visitor, may
from traceability.api.problems import Problem, not_here
from traceability.api.reading import visitor
from traceability.api.services import Services
from traceability.api.story_views import TagView
from traceability.core.trust_pack import MEDIA_TYPE, SUFFIX

router = APIRouter(tags=["tags"])


@router.get(
    "/v1/tags/{code:path}",
    operation_id="get_tag",
    summary="The story of a tagged lot",
    responses=openapi.answers({200: TagView}, "not_signed", "not_here"),
    openapi_extra={"security": openapi.SIGNED},
)
async def tag(
    request: Request,
    who: Annotated[Visitor, Depends(visitor)],
    code: Annotated[
        str,
        Path(
            min_length=1,
            max_length=200,
            description="The code on a tag, or `scheme:number` of another scheme",
        ),
    ],
) -> Response:
    """A code of ours may be typed in any case, with O for 0, I and L for 1, with spaces and dashes.

    It opens the lot's story back to the mine and its present state, without names of persons. The number of
    another scheme's tag finds, for a stranger, mineral, countries and whether the lot is open.
    """
    services: Services = request.app.state.services
    view = await services.run(story.of_tag, services, who, code)
    return Response(view.json(), media_type="application/json")


@router.get(
    "/v1/trust-pack",
    operation_id="get_trust_pack",
    summary="The file that labels are checked by, without us and without a network",
    responses=openapi.answers({200: MEDIA_TYPE}, "not_signed", "not_here", "not_signing"),
    openapi_extra={"security": openapi.SIGNED},
)
async def trust_pack(request: Request, who: Annotated[Visitor, Depends(visitor)]) -> Response:
    """Every party with its roles and keys, and the rolls of tags, up to the newest checkpoint.

    For every party of this ledger. Fetch it again when online: it does not know what was revoked since.
    """
    services: Services = request.app.state.services
    if not may(who, OpenTrustPack(), services.reader.held_by):
        raise not_here()
    try:
        file = await services.run(services.reader.trust_pack)
    except LookupError as error:
        raise Problem("not_signing", str(error.args[0])) from error
    headers = {"Content-Disposition": f'attachment; filename="ledger{SUFFIX}"'}
    return Response(file, headers=headers, media_type=MEDIA_TYPE)
