"""What bodies name: lots, and subjects of any type."""

from collections.abc import Sequence

from traceability.core.concern_bodies import (
    AuditBody,
    FindingBody,
    HoldBody,
    IncidentBody,
    ResponseBody,
    SubjectNamed,
)
from traceability.core.custody_bodies import InspectionBody, ProductionBody, ReassignmentBody, RetaggingBody
from traceability.core.ground_bodies import ZoneBody
from traceability.core.paper_bodies import CertificateBody, PaymentBody
from traceability.core.record import Address
from traceability.core.registry_bodies import Body


def lots_named(body: Body) -> list[str]:
    """Every lot a body names (not those it makes), in the order written."""
    match body:
        case ProductionBody():  # the most frequent first
            return []
        case PaymentBody():
            return list(body.lots or ())
        case ReassignmentBody() | CertificateBody():
            return list(body.lots)
        case RetaggingBody():
            return [body.lot]
        case InspectionBody():
            return [*(body.lots or ()), *(body.missing or ()), *(body.surplus or ())]
        case IncidentBody() | HoldBody() | FindingBody():
            return _lots_among(body.subjects)
        case AuditBody():
            return [*_lots_among(body.scope), *(body.sample or ())]
        case ResponseBody():
            return [] if body.about.lot is None else [body.about.lot]
        case _:
            return []


def _lots_among(subjects: Sequence[SubjectNamed]) -> list[str]:
    return [subject.id for subject in subjects if subject.type == "lot"]


def zone_regions(body: ZoneBody) -> list[str]:
    """The regions a zone is kept with: its own, and of a compliant one the countries in which it makes a duty."""
    own = body.regions or []
    countries = [code[:2] for code in own] if body.type == "compliant" else []
    return list(dict.fromkeys((*own, *countries)))


def addresses(subjects: Sequence[SubjectNamed]) -> list[Address]:
    """Where the records of these subjects are kept, each once, in order; a route is its regions."""
    found: list[Address] = []
    for subject in subjects:
        if subject.type == "route":
            found.extend(("region", code) for code in subject.id.split(";"))
        else:
            found.append((subject.type, subject.id))
    return sorted(set(found))
