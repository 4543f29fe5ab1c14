"""/v1/tags: what a tag's code opens, or another scheme's number, and where it was read; /v1/trust-pack: what labels are checked by."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from traceability.api import openapi, story
from traceability.api.limits import Limits, need_media_type, read_body
from traceability.api.permission import OpenTrustPack, Visitor, may
from traceability.api.problems import Problem, not_here
from traceability.api.reading import visitor
from traceability.api.services import Services
from traceability.api.story_views import TagView
from traceability.api.strict import read_json
from traceability.core import tag as tags
from traceability.core.errors import Malformed
from traceability.core.ids import ID_PATTERN, RollId
from traceability.core.trust_pack import MEDIA_TYPE, SUFFIX
from traceability.ledger import scans

router = APIRouter(tags=["tags"])
_SCAN_LIMITS = Limits(4096)
_SCAN: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["code", "place"],
    "properties": {
        "code": {"type": "string", "maxLength": 200, "description": "The code on a tag of ours"},
        "place": {
            "type": "string",
            "pattern": "^(0|-?[1-9]|-?[1-8][0-9]|-90),(0|-?[1-9][0-9]?|-?1[0-7][0-9]|-180)$",
            "description": "A cell of one degree by its south-west corner, latitude and longitude: `-2,29`",
        },
        "label": {
            "enum": ["older"],
            "description": "The signed label in the tag's address is genuine and of an earlier state of the lot",
        },
    },
}


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    place: str
    label: Literal["older"] | None = None


@router.get(
    "/v1/tags/{code:path}",
    operation_id="get_tag",
    summary="The story of a tagged lot",
    responses=openapi.answers({200: TagView}, "not_signed", "not_here", "too_many"),
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
    with services.guesses.trying(request):
        view = await services.run(story.of_tag, services, who, code)
    return Response(view.json(), media_type="application/json")


@router.post(
    "/v1/scans",
    status_code=204,
    operation_id="say_where",
    summary="Say where a tag was read, to a degree",
    responses=openapi.answers(
        {204: ""}, "malformed", "not_here", "too_slow", "too_large", "unsupported_media_type", "too_many", "busy"
    ),
    openapi_extra=openapi.body(("application/json", _SCAN)),
)  # fmt: skip
async def say_where(request: Request) -> Response:
    """Counted with the day. Who said it is not kept, nor when on that day, and nobody can check it.

    Said again within ten minutes it counts once. Only a reader who was asked and agreed should send this.
    """
    services: Services = request.app.state.services
    need_media_type(request, "application/json")
    with services.admission.hold() as held:
        body = await read_body(request, _SCAN_LIMITS, held)
    try:
        said = msgspec.convert(read_json(body), _Said)
        scans.check_place(said.place or "?")
    except (msgspec.ValidationError, Malformed) as error:
        raise Problem("malformed", str(error)) from error
    with services.guesses.trying(request):
        tag = await services.run(_tag_of, services, said.code)
    services.scanning.placed(request, tag, said.place, said.label or "")
    return Response(status_code=204)


def _tag_of(services: Services, code: str) -> str:
    try:
        place = services.reader.tag_of_code(tags.normalise(code))
    except Malformed:
        place = None
    if place is None:
        raise not_here()
    return place.tag


@router.get(
    "/v1/trust-pack",
    operation_id="get_trust_pack",
    summary="The file that labels are checked by, without us and without a network",
    responses=openapi.answers({200: MEDIA_TYPE}, "not_signed", "not_here", "not_signing"),
    openapi_extra={"security": openapi.SIGNED},
)
async def trust_pack(request: Request, who: Annotated[Visitor, Depends(visitor)]) -> Response:
    """All about every party, key and roll of tags, up to the newest checkpoint; by the newest snapshot it shows to be all.

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


@router.get(
    "/v1/trust-pack/{kid}/{roll}",
    operation_id="get_label_pack",
    summary="The part of the trust pack that one label is checked by",
    responses=openapi.answers({200: MEDIA_TYPE}, "not_here", "too_many"),
)
async def label_pack(
    request: Request,
    kid: Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The `kid` of the label, in hex")],
    roll: Annotated[str, Path(pattern=ID_PATTERN, description="The roll of its tag")],
) -> Response:
    """For whoever has a label: the key that signed it, its party and the roll, and what those rest on.

    Who has no label cannot guess a `kid`; the label itself, which the address of a tag's page carries behind its #, is
    not asked for.
    """
    services: Services = request.app.state.services
    with services.guesses.trying(request):
        try:
            file = await services.run(services.reader.label_pack, kid, RollId(roll))
        except LookupError as error:
            raise not_here() from error
    return Response(file, media_type=MEDIA_TYPE)
