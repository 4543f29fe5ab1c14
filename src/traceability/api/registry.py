"""/v1/parties and /v1/sites: the register, as far as it stands open."""

import time
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from traceability.api import openapi, tables
from traceability.api.openapi import Listed
from traceability.api.permission import ListParty, OpenParty, Visitor, may
from traceability.api.problems import not_here
from traceability.api.queries import IdCursor, Limit, PartyCursor, next_page
from traceability.api.reading import visitor
from traceability.api.register_views import KeyView, PartyList, PartyView, SiteList, SiteView
from traceability.api.services import Services
from traceability.api.tables import Format
from traceability.core.forms import COUNTRY_PATTERN, Mineral, Role
from traceability.core.ids import ID_PATTERN
from traceability.core.leaf import time_text
from traceability.core.policy import Policy
from traceability.core.registry_records import Key, Party, Site
from traceability.ledger import lists
from traceability.ledger.reader import Page

router = APIRouter(tags=["register"])
Asking = Annotated[Visitor, Depends(visitor)]
_R = TypeVar("_R")
InCountry = Annotated[str | None, Query(pattern=COUNTRY_PATTERN, description="ISO 3166-1, like CD")]
InRegion = Annotated[
    str | None,
    Query(
        pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$", description="A region or a whole country, like CD-SK or CD"
    ),
]
_CURSOR_CHARACTERS = 8
_SIGNED = {"security": openapi.SIGNED}


@router.get(
    "/v1/parties",
    operation_id="list_parties",
    summary="Parties that stand in public, and those the reader keeps or oversees",
    responses=openapi.answers({200: Listed(PartyList)}, "malformed", "not_signed"),
    openapi_extra=_SIGNED,
)
async def parties(
    request: Request,
    who: Asking,
    limit: Limit = 100,
    role: Role | None = None,
    country: InCountry = None,
    cursor: PartyCursor = None,
    form: Format = "json",
) -> Response:
    """Authorities and parties that chose to be public; the reader itself; all, for who keeps the register.

    A page may have fewer than `limit`, or none, and still a next one: the `Link` header says so.
    """
    services: Services = request.app.state.services
    page = await services.run(_page, services, "party", Party, cursor, limit)
    found = [
        party
        for party in page.items
        if (role is None or role in party.roles)
        and country in (None, party.facts[-1].country)
        and may(who, ListParty(party), services.reader.held_by)
    ]
    # The last of a page may be one that is not shown: its whole id must not stand in the cursor. "~" sorts
    # after everything that begins like it.
    after = page.next and page.next[:_CURSOR_CHARACTERS] + "~"
    view = PartyList(parties=[PartyView.of(party) for party in found], next=after)
    return tables.answer(view, view.parties, PartyView, next_page(request, after), form)


@router.get(
    "/v1/parties/{party_id}",
    operation_id="get_party",
    summary="A party with its keys",
    responses=openapi.answers({200: PartyView}, "malformed", "not_signed", "not_here"),
    openapi_extra=_SIGNED,
)
async def party(
    request: Request, who: Asking, party_id: Annotated[str, Path(pattern=ID_PATTERN)]
) -> Response:
    """With the next number of each key for the party itself: where a device has lost count."""
    services: Services = request.app.state.services
    view = await services.run(_party, services, who, party_id)
    return Response(view.json(), media_type="application/json")


@router.get(
    "/v1/sites",
    operation_id="list_sites",
    summary="Registered sites, without their sealed fields",
    responses=openapi.answers({200: Listed(SiteList)}, "malformed"),
)
async def sites(
    request: Request,
    limit: Limit = 100,
    mineral: Mineral | None = None,
    region: InRegion = None,
    status: Literal["green", "yellow", "blue", "red", "none"] | None = None,
    cursor: IdCursor = None,
    form: Format = "json",
) -> Response:
    """With the colour each has today; `none`: those of which no colour is recorded."""
    services: Services = request.app.state.services
    page = await services.run(_page, services, "site", Site, cursor, limit)
    now = await services.run(rules_today, services)
    views = [
        SiteView.of(site, *now)
        for site in page.items
        if (mineral is None or mineral in site.facts[-1].minerals)
        and region in (None, site.facts[-1].region, site.facts[-1].country)
    ]
    found = [view for view in views if status in (None, view.status or "none")]
    view = SiteList(sites=found, next=page.next)
    return tables.answer(view, view.sites, SiteView, next_page(request, page.next), form)


@router.get(
    "/v1/sites/{site_id}",
    operation_id="get_site",
    summary="A registered site, without its sealed fields",
    responses=openapi.answers({200: SiteView}, "malformed", "not_here"),
)
async def site(request: Request, site_id: Annotated[str, Path(pattern=ID_PATTERN)]) -> Response:
    services: Services = request.app.state.services
    found = await services.run(services.reader.record, ("site", site_id))
    if not isinstance(found, Site):
        raise not_here()
    now = await services.run(rules_today, services)
    return Response(SiteView.of(found, *now).json(), media_type="application/json")


def rules_today(services: Services) -> tuple[str, Policy | None]:
    """What a site's colour today follows from besides the site: the day, and the rules of the ledger."""
    policy = services.reader.record(("policy", "policy"))
    return time_text(int(time.time()))[:10], policy if isinstance(policy, Policy) else None


def _page(services: Services, kind: str, record: type[_R], cursor: str | None, limit: int) -> Page[_R]:
    with services.reads.read() as view:
        return lists.records(view, kind, record, cursor, limit)


def _party(services: Services, who: Visitor, party_id: str) -> PartyView:
    found = services.reader.record(("party", party_id))
    if not isinstance(found, Party) or not may(who, OpenParty(found), services.reader.held_by):
        raise not_here()
    with services.reads.read() as view:
        keys = view.records(("key", key) for key in found.keys)
    own = who.party == found.id
    views = [
        KeyView.of(key, services.reader.next_sequence(key.id) if own else None)
        for key in keys.values()
        if isinstance(key, Key)
    ]
    return PartyView.of(found, views)
