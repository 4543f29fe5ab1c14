"""Pages as answers: the language, the frame, the headers, and failures in plain words."""

import gzip
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from starlette.responses import Response

from traceability.api import ending, reading
from traceability.api.permission import STRANGER, Visitor
from traceability.api.problems import Problem, request_id
from traceability.api.services import Services
from traceability.core.registry_records import LedgerFacts
from traceability.web import look
from traceability.web.linked import Links
from traceability.web.look import End, Frame
from traceability.web.story import capital
from traceability.web.words import LANGUAGES, Language, preferred, words_in

LANGUAGE_COOKIE = "language"
_YEAR_SECONDS = 365 * 86400
_GZIP_LEAST = 1024
_GZIP_LEVEL = 6


class Asked(NamedTuple):
    """One request for a page: who asks, in which language, and the frame around the answer."""

    request: Request
    services: Services
    visitor: Visitor
    language: Language
    frame: Frame
    session_over: bool
    """It came with a session that does not count any more: the visitor is a stranger, and the cookie goes."""


async def ask(request: Request) -> Asked:
    """Who asks for a page and how it will look. A session that is over makes a stranger, not an error."""
    services: Services = request.app.state.services
    over = False
    try:
        visitor = await reading.visitor(request)
    except Problem as problem:
        if problem.name != "not_signed" or "authorization" in request.headers:
            raise
        visitor, over = STRANGER, True
    language = _language(request)
    facts, end = await services.run(_ledger, services, Links(services, visitor, words_in(language)))
    other: Language = "fr" if language == "en" else "en"
    frame = Frame(
        name=facts.name,
        log=facts.log,
        demo=facts.demo,
        paused=services.ledger.refusal is not None or services.space.full is not None,
        end=end,
        other_language=other,
        other_language_url=_with_language(request, other),
        signed_in=visitor.party is not None,
    )
    return Asked(request, services, visitor, language, frame, over)


def _ledger(services: Services, links: Links) -> tuple[LedgerFacts, End | None]:
    """What the ledger is, and what is said of its log's end."""
    facts, words = services.reader.record(("ledger", "")), links.words
    assert isinstance(facts, LedgerFacts)
    found = ending.of_log(services, facts)
    if found is None or facts.frozen_at is None:
        return facts, None
    who = links.party(found.party, inside=True).text
    if found.time is None:
        return facts, End(words("end.coming", facts.frozen_at, who=who), "", "", "")
    says = capital(words("end.says", facts.frozen_at, who=who, day=words.day(found.time)))
    goes_on = words("end.goes_on" if found.successor else "end.unknown")
    return facts, End(words("end.title"), says, goes_on, found.successor or "")


def page(
    asked: Asked,
    template: str,
    said: Mapping[str, object],
    *,
    status: int = HTTPStatus.OK,
    reflects: bool = False,
) -> Response:
    """The page as an answer. `reflects`: it holds what the request said, so it is not compressed."""
    body = look.render(template, asked.language, asked.frame, said).encode()
    headers = {
        "Content-Security-Policy": look.policy(template),
        "Content-Language": asked.language,
        "Vary": "Accept-Language, Accept-Encoding, Cookie",
    }
    if asked.frame.signed_in or template == "sign_in.html":
        # A form that is sent must say where it comes from; nobody else is told where people were.
        headers["Referrer-Policy"] = "same-origin"
    if not reflects and len(body) >= _GZIP_LEAST and takes_gzip(asked.request):
        body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    response = Response(body, status, headers, "text/html; charset=utf-8")
    chosen = asked.request.query_params.get("lang")
    if chosen in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            chosen,
            max_age=_YEAR_SECONDS,
            httponly=True,
            samesite="lax",
            secure=secure(asked),
        )
    if asked.session_over:
        response.delete_cookie(reading.COOKIE, httponly=True, samesite="lax", secure=secure(asked))
    return response


def secure(asked: Asked) -> bool:
    """Whether people reach this ledger by https, so that cookies travel by nothing else."""
    return asked.services.settings.public_url.startswith("https://")


def failed(asked: Asked, problem: Problem) -> Response:
    """A failure as a page: what happened, what was kept, and what to do."""
    status = problem.kind.status
    key = status if status in (400, 401, 404, 405, 429, 503) else 404 if status < 500 else 500
    number = request_id(asked.request.scope) if status >= 500 else None
    response = page(asked, "problem.html", {"key": key, "number": number}, status=status)
    if "Retry-After" in problem.headers:
        response.headers["Retry-After"] = problem.headers["Retry-After"]
    return response


def _language(request: Request) -> Language:
    for wanted in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        for known in LANGUAGES:
            if wanted == known:
                return known
    return preferred(request.headers.get("accept-language", ""))


def _with_language(request: Request, language: Language) -> str:
    """This page in another language."""
    said = parse_qsl(request.url.query, keep_blank_values=True)
    query = [(name, value) for name, value in said if name != "lang"]
    return f"{request.url.path}?{urlencode([*query, ('lang', language)])}"


def takes_gzip(request: Request) -> bool:
    """Whether the answer may be compressed."""
    for item in request.headers.get("accept-encoding", "")[:500].split(","):
        coding, _, quality = item.partition(";")
        if coding.strip().lower() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
