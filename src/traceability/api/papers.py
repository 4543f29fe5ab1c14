"""/v1/findings, certificates, licences, holds, incidents and rolls: lists, as JSON or CSV, of what a reader may see."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from traceability.api import openapi, tables
from traceability.api.openapi import Listed
from traceability.api.paper_views import (
    CertificateList,
    CertificateView,
    FoundList,
    FoundView,
    HoldList,
    HoldView,
    IncidentList,
    IncidentView,
    LicenceList,
    LicenceView,
    RollList,
    RollView,
)
from traceability.api.permission import OpenFinding, OpenPaper, Visitor, may
from traceability.api.problems import Problem
from traceability.api.queries import EventCursor, IdCursor, IndexCursor, Limit, OfParty, next_page
from traceability.api.reading import visitor
from traceability.api.services import Services
from traceability.api.tables import Format
from traceability.core.concern_records import Hold, Incident
from traceability.core.findings.catalogue import RULES
from traceability.core.ground_records import Certificate, Licence
from traceability.core.ids import LotId, PartyId
from traceability.core.lot_records import Lot
from traceability.core.record import Address
from traceability.core.registry_records import Roll
from traceability.ledger import lists
from traceability.ledger.lists import FindingFilter
from traceability.ledger.reader import Page
from traceability.ledger.view import View

router = APIRouter(tags=["papers"])
Asking = Annotated[Visitor, Depends(visitor)]
Rule = Annotated[str | None, Query(description="Name of a rule", json_schema_extra={"enum": sorted(RULES)})]
About = Annotated[
    str | None,
    Query(
        max_length=120,
        pattern=r"^(certificate|key|licence|lot|party|policy|region|roll|site|tag):[A-Za-z0-9:._/-]+$",
        description="Type and id of what it is about, like `lot:3anm…` or `region:CD-NK`",
    ),
]
_SIGNED = {"security": openapi.SIGNED}
State = Literal["open", "ended"]
_SCAN_MAX = 5000
"""How many findings of others are passed over for one page."""


@router.get(
    "/v1/findings",
    operation_id="list_findings",
    summary="What rules noticed, the newest first",
    responses=openapi.answers({200: Listed(FoundList)}, "malformed", "not_signed"),
    openapi_extra=_SIGNED,
)
async def findings(
    request: Request,
    who: Asking,
    rule: Rule = None,
    severity: Literal["notice", "warning", "severe"] | None = None,
    about: About = None,
    limit: Limit = 100,
    cursor: IndexCursor = None,
    form: Format = "json",
) -> Response:
    """All for who oversees; for a party those about itself, its keys and lots it holds, held or has title in.

    A page may have fewer than `limit`, or none, and still a next one: the `Link` header says so. An entry's
    findings are never parted by the end of a page.
    """
    if rule is not None and rule not in RULES:
        raise Problem("malformed", f"there is no rule {rule}: see docs/findings.md")
    services: Services = request.app.state.services
    kind, _, id_ = (about or "").partition(":")
    wanted = FindingFilter(rule, severity, (kind, id_) if about else None)
    page = await services.run(visible, services, who, wanted, cursor, limit)
    rows = [FoundView.at(found) for found in page.items]
    listed = FoundList(findings=rows, next=page.next)
    return tables.answer(listed, rows, FoundView, next_page(request, page.next), form)


def visible(
    services: Services, who: Visitor, wanted: FindingFilter, before: int | None, limit: int
) -> Page[lists.FoundAt]:
    """Findings this visitor may see, a page at a time."""
    if who.party is None:
        return Page([], None)
    with services.reads.read() as view:
        if who.oversees:
            return lists.findings(view, wanted, before, limit)
        found: list[lists.FoundAt] = []
        scanned = 0
        while len(found) < limit and scanned < _SCAN_MAX:
            page = lists.findings(view, wanted, before, 500)
            found += _open(view, who, page.items)
            scanned += len(page.items)
            if page.next is None:
                return Page(found, None)
            before = int(page.next)
        return Page(found, None if before is None else str(before))


def _open(view: View, who: Visitor, found: Iterable[lists.FoundAt]) -> list[lists.FoundAt]:
    """Those of these findings that the visitor may see."""
    found = list(found)
    assert who.party is not None
    named = {address for each in found for address in each.finding.subjects if address[0] == "lot"}
    lots = {LotId(id_): lot for (_, id_), lot in view.records(named).items() if isinstance(lot, Lot)}
    own = lists.held_among(view, who.party, lots)

    def may_open(subjects: Iterable[Address]) -> bool:
        about = tuple(lots[LotId(id_)] for kind, id_ in subjects if kind == "lot" and id_ in lots)
        return may(who, OpenFinding(tuple(subjects), about), lambda _, lot: lot in own)

    return [each for each in found if may_open(each.finding.subjects)]


# The register of papers


class _Register(NamedTuple):
    """A list of records of one type: its address and words, its views, and whose each record is."""

    name: str
    kind: str
    summary: str
    says: str
    record: type[Any]
    row: type[Any]
    listed: type[Any]
    of: Callable[[Any], tuple[Iterable[PartyId], Iterable[LotId]]]
    is_open: Callable[[Any], bool]
    open_means: str


def _lots_among(subjects: Iterable[Address]) -> list[LotId]:
    return [LotId(id_) for kind, id_ in subjects if kind == "lot"]


def _parties_among(subjects: Iterable[Address]) -> list[PartyId]:
    return [PartyId(id_) for kind, id_ in subjects if kind == "party"]


def _of_certificate(record: Certificate) -> tuple[Iterable[PartyId], Iterable[LotId]]:
    return (record.certifier, record.exporter), record.lots


def _of_licence(record: Licence) -> tuple[Iterable[PartyId], Iterable[LotId]]:
    return (record.party,), ()


def _of_hold(record: Hold) -> tuple[Iterable[PartyId], Iterable[LotId]]:
    return [record.placed_by, *_parties_among(record.subjects)], _lots_among(record.subjects)


def _of_incident(record: Incident) -> tuple[Iterable[PartyId], Iterable[LotId]]:
    # Not the parties it names: who is accused need not learn that somebody spoke.
    return (record.reported_by,), _lots_among(record.subjects)


def _of_roll(record: Roll) -> tuple[Iterable[PartyId], Iterable[LotId]]:
    return [record.issuer, *(allocation.party for allocation in record.allocations)], ()


_REGISTERS = (
    _Register(
        "certificates",
        "certificate",
        "Export certificates, each as a quota with what was drawn from it",
        "For certifier, exporter, who has or had a lot it names, and who keeps papers or oversees.",
        Certificate,
        CertificateView,
        CertificateList,
        _of_certificate,
        lambda c: c.valid_by is not None and c.ended_by is None,
        "valid and not ended",
    ),
    _Register(
        "licences",
        "licence",
        "Licences",
        "A party's own; all, for who keeps papers or oversees.",
        Licence,
        LicenceView,
        LicenceList,
        _of_licence,
        lambda record: record.revoked_from is None,
        "not revoked",
    ),
    _Register(
        "holds",
        "hold",
        "Holds, released ones too",
        "For whoever placed it, whom or whose lots it is about, and who keeps papers or oversees.",
        Hold,
        HoldView,
        HoldList,
        _of_hold,
        lambda record: record.released_by is None,
        "not released",
    ),
    _Register(
        "incidents",
        "incident",
        "Incidents, without what the reports say",
        "For whoever reported it, whose lots it is about, and who keeps papers or oversees.",
        Incident,
        IncidentView,
        IncidentList,
        _of_incident,
        lambda record: record.settled_by is None,
        "not settled",
    ),
    _Register(
        "rolls",
        "roll",
        "Rolls of tags and who answers for them",
        "For the issuer, whoever answers or answered for a part, and who keeps papers or oversees.",
        Roll,
        RollView,
        RollList,
        _of_roll,
        lambda record: sum(a.last - a.first + 1 for a in record.allocations) < record.count,
        "not all handed out",
    ),
)


REGISTERS = {register.name: register for register in _REGISTERS}


def visible_records(
    services: Services,
    who: Visitor,
    name: str,
    state: State | None = None,
    party: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[Any]:
    """A page of a register, of which those are left that the visitor may see and asked for."""
    if who.party is None:
        return Page([], None)
    register = REGISTERS[name]
    with services.reads.read() as view:
        page = lists.records(view, register.kind, register.record, cursor, limit)
        shown = [
            each
            for each in page.items
            if state in (None, "open" if register.is_open(each) else "ended")
            and (party is None or PartyId(party) in set(register.of(each)[0]))
            and _may_open(view, who, register, each)
        ]
    return Page(shown, page.next)


def _may_open(view: View, who: Visitor, register: _Register, record: Any) -> bool:
    assert who.party is not None
    parties, named = register.of(record)
    if may(who, OpenPaper(tuple(parties)), lambda *_: False):
        return True  # whatever lots it names: a certificate may name a thousand
    found = view.records(("lot", lot) for lot in named)
    lots = {LotId(id_): lot for (_, id_), lot in found.items() if isinstance(lot, Lot)}
    own = lists.held_among(view, who.party, lots)
    return may(who, OpenPaper(tuple(parties), tuple(lots.values())), lambda _, lot: lot in own)


def _add(register: _Register) -> None:
    """Adds the route of one register."""
    hashes = register.kind != "roll"

    async def listing(
        request: Request,
        who: Asking,
        state: State | None = None,
        party: OfParty = None,
        limit: Limit = 100,
        cursor: EventCursor if hashes else IdCursor = None,  # type: ignore[valid-type]
        form: Format = "json",
    ) -> Response:
        services: Services = request.app.state.services
        page = await services.run(visible_records, services, who, register.name, state, party, cursor, limit)
        rows = [register.row.of(record) for record in page.items]
        listed = register.listed(**{register.name: rows, "next": page.next})
        return tables.answer(listed, rows, register.row, next_page(request, page.next), form)

    listing.__doc__ = (
        f"{register.says}\n\n`state`: `open` is {register.open_means}. A page may have fewer than `limit`."
    )
    router.add_api_route(
        f"/v1/{register.name}",
        listing,
        operation_id=f"list_{register.name}",
        summary=register.summary,
        responses=openapi.answers({200: Listed(register.listed)}, "malformed", "not_signed"),
        openapi_extra=_SIGNED,
    )


for _register in _REGISTERS:
    _add(_register)
