"""The routes of the pages. Each asks who is there, finds the thing, and prints what that visitor may see."""

import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from traceability.api import reading, watched
from traceability.api import shown as entries
from traceability.api.limits import Disconnected, Limits, read_body
from traceability.api.logging import FAULTS, fault
from traceability.api.permission import OpenLot, OpenPaper, OpenParty, TagStory, may
from traceability.api.problems import Problem, not_here, request_id
from traceability.core import tag
from traceability.core.disclosing import CHOICES
from traceability.core.errors import Malformed
from traceability.core.ids import HEX_PATTERN, ID_PATTERN, EventId, LotId, PartyId, RollId, SiteId
from traceability.core.leaf import time_text
from traceability.core.lot_records import Lot
from traceability.core.record import Address
from traceability.core.registry_records import LedgerFacts, Party, Roll, Site
from traceability.ledger.reader import TagPlace
from traceability.ledger.tag_stock import is_void
from traceability.web import (
    accounts,
    assayed,
    assets,
    certified,
    concerns,
    device,
    facts,
    labelled,
    noticed,
    paid,
    scanned,
    waiting,
)
from traceability.web.answer import Asked, ask, failed, page, secure, takes_gzip
from traceability.web.fetch import lot_seen, opens_qr, tag_cut
from traceability.web.foreign import foreign_tag
from traceability.web.linked import Links
from traceability.web.present import Notice, present
from traceability.web.registers import OPEN_TO_ALL, REGISTERS, listing
from traceability.web.rows import Reading
from traceability.web.search import search
from traceability.web.words import Words, words_in

_FORM_MAX = 16 * 1024
Page = Callable[[Asked], Awaitable[Response]]


def router() -> APIRouter:
    """The pages, to be mounted after the API's own routes."""
    routes = [
        ("/", front, "GET"),
        ("/search", find, "GET"),
        ("/verify", verify_page, "GET"),
        ("/t/{code}", tag_page, "GET"),
        ("/lots/{id}", lot_page, "GET"),
        ("/events/{id}", event_page, "GET"),
        ("/sites/{id}", site_page, "GET"),
        ("/parties/{id}", party_page, "GET"),
        ("/rolls/{id}", roll_page, "GET"),
        *((f"/{name}", _register(name), "GET") for name in REGISTERS),
        ("/sign-in", sign_in_page, "GET"),
        ("/sign-in", sign_in, "POST"),
        ("/sign-out", sign_out, "POST"),
    ]
    # Plain routes: pages are no part of the API, its document or its strict reading of queries.
    return APIRouter(
        routes=[
            *(Route(path, _answered(of, path), methods=[method]) for path, of, method in routes),
            _SCRIPT,
        ],
        lifespan=_ready,
    )


@contextlib.asynccontextmanager
async def _ready(_: object) -> AsyncIterator[None]:
    """The scripts are made beside everything else as the server starts: no page waits for the verifier among them."""
    Thread(target=assets.assets, name="scripts", daemon=True).start()
    yield


async def script(request: Request) -> Response:
    """A script of the pages, for ever under its name."""
    request.scope["route"] = _SCRIPT
    found = await request.app.state.services.run(assets.assets)
    if (asset := found.get(request.path_params["name"])) is None:
        raise not_here()
    if takes_gzip(request):
        return Response(asset.packed, headers={**assets.HEADERS, "Content-Encoding": "gzip"})
    return Response(asset.body, headers=assets.HEADERS)


_SCRIPT = Route(assets.PATH, script)


def _answered(of: Page, path: str) -> Callable[[Request], Awaitable[Response]]:
    """A route that asks, answers, and turns a failure into a page that says so."""

    async def answer(request: Request) -> Response:
        request.scope["route"] = (
            named  # so that metrics and logs tell pages apart, as they do the API's routes
        )
        asked = await ask(request)
        try:
            return await of(asked)
        except Problem as problem:
            return failed(asked, problem)
        except Disconnected:
            raise  # nobody is left to show a page
        except Exception as error:  # noqa: BLE001  # a person gets a page, the log the fault
            number = request_id(request.scope)
            asked.services.metrics.faults.inc()
            FAULTS.error("fault", extra={"facts": {"request_id": number, **fault(error)}})
            return failed(asked, Problem("internal", "the request failed for a reason that is ours"))

    answer.__name__ = of.__name__
    named = Route(path, answer)
    return answer


def _words(asked: Asked) -> Words:
    return words_in(asked.language)


def _id(asked: Asked, pattern: str) -> str:
    found: str = asked.request.path_params["id"]
    if re.fullmatch(pattern, found) is None:
        raise not_here()
    return found


# Looking things up


async def front(asked: Asked) -> Response:
    """One search box, and what the ledger is."""
    return page(asked, "front.html", await asked.services.run(_front, asked))


def _front(asked: Asked) -> dict[str, Any]:
    words, end = _words(asked), asked.frame.end
    with asked.services.reads.read() as view:
        head = view.head()
        ledger = view.record(("ledger", ""))
    assert isinstance(ledger, LedgerFacts)
    newest = words.day(time_text(head.record_time))
    size = words("front.size", head.size)
    found = watched.cosigned(asked.services)
    confirmed = None
    if found is not None:
        confirmed = words("front.confirmed", found.size, moment=words.moment(found.time))
    registers = list(REGISTERS) if asked.visitor.party else list(OPEN_TO_ALL)
    lots, more = facts.own_lots(asked.services, asked.visitor, words)
    return {
        "waiting": waiting.of(asked.services, asked.visitor, words, ended=end is not None and end.has_come),
        "size": size,
        "newest": newest,
        "confirmed": confirmed,
        "lots": lots,
        "more": more,
        "all": asked.visitor.oversees,
        "registers": registers,
        "continues": [
            {
                "says": words("front.continues", log.size, origin=log.origin),
                "lost": words("front.lost", log.lost, origin=log.origin) if log.lost else "",
            }
            for log in ledger.continues
        ],
    }


async def find(asked: Asked) -> Response:
    """Leads to what was typed; lists what is called that; or says that nothing was found."""
    typed = asked.request.query_params.get("q", "")
    with asked.services.guesses.trying(asked.request) as missed:
        found = await asked.services.run(search, asked.services, asked.visitor, typed)
        if found.no_tag:
            missed()
    if found.url:
        return RedirectResponse(found.url, HTTPStatus.SEE_OTHER)
    if not typed.strip():
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)
    status = HTTPStatus.OK if found.named else HTTPStatus.NOT_FOUND
    shown = "".join(letter for letter in typed if letter.isprintable())
    said = {"typed": shown.strip()[:100], "found": found}
    return page(asked, "search.html", said, status=status, reflects=True)


# Tags


async def tag_page(asked: Asked) -> Response:
    """What a tag tells, by its code; and the little that a number of another scheme tells a stranger."""
    typed = asked.request.path_params["code"]
    with asked.services.guesses.trying(asked.request):
        name, said = await asked.services.run(_tag, asked, typed)
    if name is not None and asked.visitor.party is None:
        asked.services.scanning.opened(asked.request, name)
    log = await asked.services.run(device.of_log, asked.services)
    return page(asked, "tag.html", {**said, "device": log})


def _tag(asked: Asked, typed: str) -> tuple[str | None, dict[str, Any]]:
    """The tag, where its code was typed, and what its page says."""
    if ":" in typed:
        return None, _by_number(asked, typed)
    try:
        place = asked.services.reader.tag_of_code(tag.normalise(typed))
    except Malformed:
        place = None
    if place is None:
        raise not_here()
    return place.tag, _told(asked, place)


def _told(asked: Asked, place: TagPlace) -> dict[str, Any]:
    """The story behind a tag of ours, and of the lot that it was put on last."""
    words = _words(asked)
    reader = asked.services.reader
    number = f"{place.roll.id}-{place.position}"
    void = is_void(place.roll, place.position)
    lots = reader.lots_of_tag(place.tag)
    lot = reader.lot(lots[-1]) if lots else None
    shown: dict[str, Any] = {
        "tag": {"number": number, "says": "", "more": ""},
        "story": None,
        "lot_url": "",
        "label": labelled.of_tag(asked.services, place.tag, lot),
    }
    if lot is None:
        says, more = words("tag.unused"), words("tag.unused_says", count=words.number(place.roll.count))
        if void:
            says, more = words("tag.void"), words("tag.void_says")
        return {**shown, "tag": {"number": number, "says": says, "more": more}}
    if not may(asked.visitor, TagStory(lot, by_code=True), reader.held_by):
        raise not_here()
    return {**shown, **_story(asked, lot, place.tag, number, two_lots=len(lots) > 1, void=void)}


def _story(
    asked: Asked, lot: Lot, name: str, number: str, *, two_lots: bool, void: bool = False
) -> dict[str, Any]:
    words = _words(asked)
    cut = tag_cut(asked.services, lot, name)
    if cut is not None and cut.mistake:
        return {"tag": {"number": number, "says": words("tag.mistake"), "more": ""}}
    story = lot_seen(asked.services, asked.visitor, lot, opened=False, cut=cut).shown
    opens = may(asked.visitor, OpenLot(lot), asked.services.reader.held_by)
    told = present(words, story, two_lots=two_lots)
    open_now = concerns.of_tag(asked.services, lot, name, off=cut is not None)
    said = [Notice(words("tag.void"), words("tag.void_says"))] if void else []
    said += [
        *concerns.notices(Links(asked.services, asked.visitor, words), open_now),
        *scanned.notices(asked.services, words, name),
    ]
    return {
        "story": replace(told, notices=[*said, *told.notices]),
        "lot_url": f"/lots/{lot.id}" if opens else "",
    }


def _by_number(asked: Asked, name: str) -> dict[str, Any]:
    """A tag by its printed number: of another scheme, or of ours for who may open the lot anyway."""
    words = _words(asked)
    try:
        scheme, number = tag.parse_tag(name)
    except Malformed as error:
        raise not_here() from error
    reader = asked.services.reader
    lots = reader.lots_of_tag(name)
    lot = reader.lot(lots[-1]) if lots else None
    shown: dict[str, Any] = {
        "tag": {"number": name, "says": "", "more": ""},
        "story": None,
        "lot_url": "",
        "label": None,
    }
    if lot is not None and may(asked.visitor, TagStory(lot, by_code=False), reader.held_by):
        return {**shown, **_story(asked, lot, name, name, two_lots=len(lots) > 1)}
    if scheme == tag.OUR_SCHEME:
        return {**shown, "tag": {"number": number, "says": words("tag.number_only"), "more": ""}}
    if lot is None or tag_cut(asked.services, lot, name) is not None:
        return {**shown, "tag": {"number": name, "says": words("tag.foreign_none", number=name), "more": ""}}
    said, more = foreign_tag(asked.services, words, lot, scheme)
    return {**shown, "tag": {"number": name, "says": said, "more": more}}


# Verifying a file on the reader's own device


async def verify_page(asked: Asked) -> Response:
    """Takes a file and verifies it in the browser; all this server gives is the page, and its own log's key."""
    policy = await asked.services.run(device.policy, asked.services)
    return page(asked, "verify.html", {"policy": policy})


# What a signed-in party, or everybody, may open


async def lot_page(asked: Asked) -> Response:
    """A lot in full, for who may open it."""
    said = await asked.services.run(_lot, asked, LotId(_id(asked, ID_PATTERN)))
    return page(asked, "lot.html", said)


def _lot(asked: Asked, lot_id: LotId) -> dict[str, Any]:
    words = _words(asked)
    lot = entries.lot(asked.services, asked.visitor, lot_id)
    typed = asked.request.query_params.get("before", "")
    before = int(typed) if re.fullmatch(r"[1-9][0-9]{0,15}", typed) else None
    seen = lot_seen(asked.services, asked.visitor, lot, opened=True, before=before)
    shown, links = seen.shown, Links(asked.services, asked.visitor, words)
    open_now = concerns.of_lot(asked.services, lot)
    story = present(words, shown)
    return {
        "lot": shown,
        "story": replace(story, notices=[*concerns.notices(links, open_now), *story.notices]),
        "tables": [
            *concerns.tables(links, open_now),
            *assayed.of_lot(links, lot, seen.history),
            *certified.of_lot(links, lot, seen.history),
            *paid.of_lots(links, seen.lineage),
            *scanned.tables(links, lot),
        ],
        "findings": noticed.of_lot(links, lot, seen.history),
        "carried": noticed.carried(links, lot, seen.lineage),
        "form": words.code("form", shown.form),
        "device": device.of_lot(asked.services, seen),
        "qr": any(opens_qr(asked.services, asked.visitor, lot, name) for name in lot.tags),
        "disclosable": CHOICES,
    }


async def event_page(asked: Asked) -> Response:
    """An event and its signed bytes, for who may open it."""
    event_id = EventId(_id(asked, HEX_PATTERN))
    return page(asked, "facts.html", await asked.services.run(_event, asked, event_id))


def _event(asked: Asked, event_id: EventId) -> dict[str, Any]:
    entry = entries.event(asked.services, asked.visitor, event_id)
    return {"facts": facts.of_event(asked.services, asked.visitor, _words(asked), entry)}


async def site_page(asked: Asked) -> Response:
    """A registered site: open to everybody, without its sealed fields."""
    site_id = SiteId(_id(asked, ID_PATTERN))
    return page(asked, "facts.html", await asked.services.run(_site, asked, site_id))


def _site(asked: Asked, site_id: SiteId) -> dict[str, Any]:
    site = asked.services.reader.site(site_id)
    if site is None:
        raise not_here()
    words = _words(asked)
    account = accounts.of_site(asked.services, asked.visitor, words, site)
    told = facts.of_site(asked.services, asked.visitor, words, site)
    region = ("region", site.facts[-1].region)
    return {
        "facts": told._replace(
            charts=account.charts,
            tables=account.tables,
            findings=_noticed(asked, "site", site),
            notices=_held(asked, "site", ("site", site.id), region),
        )
    }


async def party_page(asked: Asked) -> Response:
    """A party: public name and roles, for who may know it."""
    party_id = PartyId(_id(asked, ID_PATTERN))
    return page(asked, "facts.html", await asked.services.run(_party, asked, party_id))


def _party(asked: Asked, party_id: PartyId) -> dict[str, Any]:
    party = asked.services.reader.party(party_id)
    if party is None or not may(asked.visitor, OpenParty(party), asked.services.reader.held_by):
        raise not_here()
    words = _words(asked)
    told = facts.of_party(asked.services, asked.visitor, words, party)
    charts = accounts.of_party(asked.services, asked.visitor, words, party)
    noticed, held = _noticed(asked, "party", party), _held(asked, "party", ("party", party.id))
    return {"facts": told._replace(charts=charts, findings=noticed, notices=held)}


def _held(asked: Asked, page: concerns.Page, *named: Address) -> list[Notice]:
    """The holds on what a page is about."""
    links = Links(asked.services, asked.visitor, _words(asked))
    return concerns.notices(links, concerns.of_subjects(asked.services, *named), page)


def _noticed(asked: Asked, kind: str, subject: Party | Site | Roll) -> str:
    """The list of findings about it, where there are some and this visitor may see lists of them."""
    if not subject.place.finding_count or asked.visitor.party is None:
        return ""
    return f"/findings?about={kind}:{subject.id}"


async def roll_page(asked: Asked) -> Response:
    """A roll of tags and what became of them, for who answers for some of them and who keeps the register."""
    return page(asked, "facts.html", await asked.services.run(_roll, asked, _id(asked, ID_PATTERN)))


def _roll(asked: Asked, roll_id: str) -> dict[str, Any]:
    roll = asked.services.reader.roll(RollId(roll_id))
    parties = (roll.issuer, *(each.party for each in roll.allocations)) if roll else ()
    if roll is None or not may(asked.visitor, OpenPaper(parties), asked.services.reader.held_by):
        raise not_here()
    words = _words(asked)
    told = facts.of_roll(asked.services, asked.visitor, words, roll)
    tables = accounts.of_roll(asked.services, words, roll)
    return {"facts": told._replace(tables=tables, findings=_noticed(asked, "roll", roll))}


# Lists


def _register(name: str) -> Page:
    """The page of one list."""

    async def register_page(asked: Asked) -> Response:
        return page(asked, "list.html", await asked.services.run(_listing, asked, name))

    return register_page


def _listing(asked: Asked, name: str) -> dict[str, Any]:
    if asked.visitor.party is None and name not in OPEN_TO_ALL:
        raise Problem("not_signed", "sign in to see this list")
    query = dict(asked.request.query_params)
    return {"list": listing(name, Reading(asked.services, asked.visitor, _words(asked), query))}


# Sessions


async def sign_in_page(asked: Asked) -> Response:
    """How to sign in: no password, a line signed elsewhere."""
    return page(asked, "sign_in.html", {"failed": ""})


async def sign_in(asked: Asked) -> Response:
    """Takes the signed line of POST /v1/sessions out of a form, and sets the same cookie."""
    _check_same_origin(asked)
    with asked.services.admission.hold() as held:
        body = await read_body(asked.request, Limits(_FORM_MAX), held)
    form = parse_qs(body.decode("utf-8", "replace"))
    line = "".join(form.get("signed", [""])[0].split()).removeprefix("Authorization:").removeprefix("DSSE")
    now = time.time()
    try:
        who = await asked.services.run(
            reading.signed, asked.services, f"DSSE {line}", "POST", "/v1/sessions", now
        )
    except Problem as problem:
        return page(asked, "sign_in.html", {"failed": problem.detail}, status=HTTPStatus.UNAUTHORIZED)
    cookie, _ = reading.begin_session(asked.services, who, now)
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    response.set_cookie(
        reading.COOKIE,
        cookie,
        max_age=reading.SESSION_SECONDS,
        httponly=True,
        samesite="lax",
        secure=secure(asked),
    )
    return response


async def sign_out(asked: Asked) -> Response:
    """Ends the session on this device."""
    _check_same_origin(asked)
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    response.delete_cookie(reading.COOKIE, httponly=True, samesite="lax", secure=secure(asked))
    return response


def _check_same_origin(asked: Asked) -> None:
    """Raises Problem for a form that another site has sent (or a browser that will not say)."""
    headers = asked.request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        good = site in ("same-origin", "none")
    elif origin is not None:
        ours = {urlsplit(asked.services.settings.public_url).netloc, headers.get("host", "")}
        good = origin.partition("://")[2] in ours
    else:
        good = True
    if not good:
        raise Problem("malformed", "this form was sent from another site")
