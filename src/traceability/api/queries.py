"""What stands behind the question mark, read strictly: known names, each once, integers in one spelling."""

import re
from typing import Annotated, get_origin
from urllib.parse import urlencode

from fastapi import Query, Request
from fastapi.routing import APIRoute
from pydantic import BeforeValidator

from traceability.api.problems import Problem, not_here
from traceability.core.canonical import INTEGER_MAX
from traceability.core.ids import HEX_PATTERN, ID_PATTERN

_INTEGER = re.compile(r"0|[1-9][0-9]{0,15}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
PAGE_MAX = 500
_NEXT = "`next` of the page before: an opaque text"


def _plain(value: str) -> int:
    # int() would also take "+1", " 7 ", "1_000" and the digits of other scripts.
    if _INTEGER.fullmatch(value) is None:
        raise ValueError("write a whole number in decimal digits")
    return int(value)


Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="How many at most"), BeforeValidator(_plain)]
From = Annotated[
    int, Query(alias="from", ge=0, le=INTEGER_MAX, description="Index of the first"), BeforeValidator(_plain)
]
Size = Annotated[int, Query(ge=1, le=INTEGER_MAX, description="Entries of the log"), BeforeValidator(_plain)]
IdCursor = Annotated[str | None, Query(alias="cursor", pattern=ID_PATTERN, description=_NEXT)]
EventCursor = Annotated[str | None, Query(alias="cursor", pattern=HEX_PATTERN, description=_NEXT)]
PartyCursor = Annotated[
    str | None, Query(alias="cursor", pattern=r"^[0-9a-hjkmnp-tv-z]{8}~$", description=_NEXT)
]
IndexCursor = Annotated[
    int | None,
    Query(alias="cursor", ge=0, le=INTEGER_MAX, description=_NEXT),
    BeforeValidator(_plain),
]
OfParty = Annotated[str | None, Query(pattern=ID_PATTERN)]


async def plain_address(request: Request) -> None:
    """A dependency of every route: raises Problem for a parameter that is not known here, or is one and stands twice.

    A path with a control character is one of nothing: routes would not see a line feed at its end.
    """
    if _CONTROL.search(request.scope["path"]):
        raise not_here()
    route = request.scope.get("route")
    if not request.url.query or not isinstance(route, APIRoute):
        return
    fields = route.dependant.query_params
    known = {field.alias for field in fields}
    lists = {field.alias for field in fields if get_origin(field.field_info.annotation) is list}
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            raise Problem("malformed", f"{name[:40]!r} is no parameter of this address: {_list(known)}")
        if name in seen - lists:
            raise Problem("malformed", f"{name} stands twice in the query")
        seen.add(name)


def _list(known: set[str]) -> str:
    return "there are " + ", ".join(sorted(known)) if known else "it has none"


def next_page(request: Request, cursor: object) -> dict[str, str]:
    """The `Link` header to the page after this one (RFC 8288); nothing after the last."""
    if cursor is None:
        return {}
    query = urlencode(
        [*(p for p in request.query_params.multi_items() if p[0] != "cursor"), ("cursor", cursor)]
    )
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}
