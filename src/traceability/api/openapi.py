"""The OpenAPI 3.1 document: FastAPI's, with our own schemas, every status, and nothing that is not so."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from traceability.api import views
from traceability.api.problem_types import TYPES
from traceability.api.problems import MEDIA_TYPE
from traceability.api.views import ProblemView, View
from traceability.core.canonical import INTEGER_MAX
from traceability.core.ids import HEX_PATTERN

TEMPLATE = "#/components/schemas/{name}"
SIGNED: list[dict[str, list[str]]] = [{"dsse": []}, {"session": []}, {}]
"""Who may ask: signed, in a session, or (for what is open, and the one 404 for the rest) anybody."""

_DISCLOSED: dict[str, Any] = {
    "description": "The value of a sealed field: whole numbers, no floats, no null",
    "anyOf": [
        {"type": "string"},
        {"type": "boolean"},
        {"type": "integer", "minimum": -INTEGER_MAX, "maximum": INTEGER_MAX},
        {"type": "array", "items": {"$ref": TEMPLATE.format(name="Disclosed")}},
        {"type": "object", "additionalProperties": {"$ref": TEMPLATE.format(name="Disclosed")}},
    ],
}
_DESCRIPTION = """\
A ledger of mineral custody: signed events in, proofs and evidence out. Writes are signed events and need no
other credentials; reads of what concerns parties are signed (`Authorization: DSSE …`) or in a session.
*Not permitted* and *not there* give the same 404. Every failure is `application/problem+json`; its `type` says
what to do.
"""
_SECURITY = {
    "dsse": {
        "type": "http",
        "scheme": "DSSE",
        "description": "A DSSE envelope, base64url, of type application/vnd.traceability.read+json over "
        '{"expires","key","log","method","nonce","party","path"}: once, for at most five minutes.',
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "Set by POST /v1/sessions.",
    },
}


class Listed(NamedTuple):
    """A list that is answered as JSON or, for a spreadsheet, as CSV."""

    view: type[View]


Answer = type[View] | Listed | str


def answers(good: Mapping[int, Answer], *problems: str) -> dict[int | str, dict[str, Any]]:
    """A route's `responses`: views or media types by status, and the problems it raises by name."""
    found: dict[int | str, dict[str, Any]] = {}
    for status, what in good.items():
        content = _content(what)
        found[status] = {"description": _said(what), **({"content": content} if content else {})}
    for status, names in _by_status(problems).items():
        said = "; ".join(f"`{name}`: {TYPES[name].title.lower()}" for name in names)
        found[status] = {"description": said, "content": _problem()}
    found["default"] = {"description": "Any other problem", "content": _problem()}
    return found


def envelope(payload_type: str) -> dict[str, Any]:
    """The schema of an envelope whose payload is of this type."""
    return {
        "type": "object",
        "description": "DSSE v1 with exactly one signature; `payload` is canonical JSON",
        "additionalProperties": False,
        "required": ["payload", "payloadType", "signatures"],
        "properties": {
            "payload": {
                "type": "string",
                "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?$",
                "contentEncoding": "base64",
                "contentMediaType": "application/json",
            },
            "payloadType": {"const": payload_type},
            "signatures": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["keyid", "sig"],
                    "properties": {
                        "keyid": {"type": "string", "pattern": HEX_PATTERN},
                        "sig": {"type": "string", "pattern": "^[A-Za-z0-9+/]{85}[AQgw]==$"},
                    },
                },
            },
        },
    }


def body(*contents: tuple[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A route's `openapi_extra` for a body it reads itself: media types with their schemas."""
    content = {media_type: {"schema": dict(schema)} for media_type, schema in contents}
    return {"requestBody": {"required": True, "content": content}}


def install(app: FastAPI) -> None:
    """Gives the application its document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _build(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="Traceability",
        version=app.version,
        openapi_version="3.1.0",
        description=_DESCRIPTION,
        routes=app.routes,
    )
    schemas = views.schemas(sorted(_all_views(View), key=lambda view: view.__name__), TEMPLATE)
    document["paths"] = _without_null(document["paths"])
    document["components"] = {
        "schemas": {
            "Disclosed": _DISCLOSED,
            **{name: _without_null(schema) for name, schema in schemas.items()},
        },
        "securitySchemes": _SECURITY,
    }
    return document


def _all_views(view: type[View]) -> Iterable[type[View]]:
    for below in view.__subclasses__():
        yield below
        yield from _all_views(below)


def _by_status(problems: Iterable[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for name in problems:
        found.setdefault(TYPES[name].status, []).append(name)
    return dict(sorted(found.items()))


def _said(what: Answer) -> str:
    if isinstance(what, Listed):
        return f"{_said(what.view)} With `format=csv` as CSV."
    return (what or "Nothing") if isinstance(what, str) else (what.__doc__ or "").partition("\n")[0]


def _content(what: Answer) -> dict[str, Any]:
    if isinstance(what, Listed):
        return {**_content(what.view), "text/csv": {"schema": {"type": "string"}}}
    if what == "":
        return {}
    if isinstance(what, str):
        return {what: {"schema": {"type": "string"}}} if what.startswith("text/") else {what: {}}
    return {"application/json": {"schema": {"$ref": TEMPLATE.format(name=what.__name__)}}}


def _problem() -> dict[str, Any]:
    return {MEDIA_TYPE: {"schema": {"$ref": TEMPLATE.format(name=ProblemView.__name__)}}}


def _without_null(schema: Any) -> Any:
    """What is not known is left out of our answers, so null is in no schema of them."""
    match schema:
        case {"anyOf": [*choices], **rest} if {"type": "null"} in choices:
            left = [choice for choice in choices if choice != {"type": "null"}]
            rest.pop("default", None)
            return _without_null({**left[0], **rest} if len(left) == 1 else {"anyOf": left, **rest})
        case dict():
            return {key: _without_null(value) for key, value in schema.items()}
        case list():
            return [_without_null(item) for item in schema]
        case _:
            return schema
