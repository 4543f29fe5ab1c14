"""Events: what somebody signed, strictly read.

An event payload is canonical JSON (`canonical`):

    {"body":{…},"event_time":"2026-11-23T10:15:00Z","key":"<key id>","kind":"transfer",
     "log":"ledger.example.org/car","party":"<party id>",
     "previous":[{"event":"<event id>","lots":["<lot id>"]}],"sealed":[["/prices","<commitment>"]],
     "seen":{"root":"…","size":41207},"sequence":17,"version":1}

`parse` accepts exactly the bytes `encode` writes and nothing else. The union `Event` is closed: to add a
kind, write its body, its class and its name in `Event`, and the type checker shows each place that has to
decide about it.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StrictInt, StrictStr, TypeAdapter, ValidationError, model_validator

from traceability.core import canonical
from traceability.core.concern_bodies import (
    AttestationBody,
    AuditBody,
    FindingBody,
    HoldBody,
    IncidentBody,
    LogKeyBody,
    PolicyBody,
    RedactionBody,
    ReleaseBody,
    ResponseBody,
    SnapshotBody,
)
from traceability.core.custody_bodies import (
    AcceptanceBody,
    ClosureBody,
    CorrectionBody,
    ExportBody,
    ImportBody,
    InspectionBody,
    IntakeBody,
    ProductionBody,
    ReassignmentBody,
    RefusalBody,
    RetaggingBody,
    TransferBody,
    TransformationBody,
    WithdrawalBody,
    lots_described,
    new_lots,
)
from traceability.core.errors import Invalid, Malformed
from traceability.core.forms import (
    LIKE,
    Event_,
    Form,
    Hex,
    Key_,
    Lots,
    Party_,
    Sealed,
    Time,
    Whole,
)
from traceability.core.ground_bodies import (
    CapacityEstimateBody,
    LicenceGrantBody,
    LicenceRevocationBody,
    ReferenceBody,
    SiteInspectionBody,
    TagVoidBody,
    ZoneBody,
)
from traceability.core.ids import EventId, LotId, PartyId, commitment, derive, unpadded
from traceability.core.naming import lots_named
from traceability.core.once import once
from traceability.core.paper_bodies import CertificateBody, CertificateUseBody, PaymentBody
from traceability.core.registry_bodies import (
    ApprovalBody,
    Body,
    DelegationBody,
    DelegationEndBody,
    EnrolmentBody,
    GenesisBody,
    KeyAdditionBody,
    KeyRevocationBody,
    RoleChangeBody,
    SiteRegistrationBody,
    TagAllocationBody,
    TagIssueBody,
)
from traceability.core.signing import Envelope

SIZE_MAX = 256 * 1024
SMALL_MAX = 16 * 1024
LOTS_MAX = 1000


class Seen(Form):
    """The last checkpoint the signer had verified."""

    root: Hex
    size: Whole


class Moved(Form):
    """Lots this event moves, under the event that moved each of them last."""

    event: Event_
    lots: Lots


class Header(Form):
    """What every event says around its body."""

    event_time: Time
    key: Key_
    log: Annotated[StrictStr, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9./_-]+$")]
    party: Party_
    previous: Annotated[list[Moved], Field(max_length=LOTS_MAX)]
    sealed: Annotated[
        list[Annotated[list[StrictStr], Field(min_length=2, max_length=2)]], Field(max_length=2000)
    ]
    seen: Seen | None = None
    sequence: Whole
    version: Annotated[StrictInt, Field(ge=1, le=1)]

    @model_validator(mode="after")
    def _hangs_together(self) -> "Header":
        body: Body = self.body  # type: ignore[attr-defined]  # every kind has one
        kind: str = self.kind  # type: ignore[attr-defined]
        previous = self.previous
        if (kind in MOVING) != bool(previous):
            raise ValueError(
                f"previous names what a {kind} moves" if kind in MOVING else f"a {kind} moves no lot"
            )
        made = new_lots(body)
        if previous:
            _check_previous(previous)
            if sum([len(group.lots) for group in previous]) + len(made) > LOTS_MAX:
                raise ValueError(f"an event moves and makes at most {LOTS_MAX} lots")
        elif not made and len(lots_named(body)) > LOTS_MAX:
            raise ValueError(f"an event names at most {LOTS_MAX} lots")
        if self.sealed or type(body).sealed_fields is not Body.sealed_fields:
            _check_sealed(self.sealed, body)
        if len(made) > 1 and len({lot.nonce for lot in made}) != len(made):
            raise ValueError("each new lot has a nonce of its own")
        if described := lots_described(body):
            own = {*(lot for _, lot in self.moved), *lots_named(body)}
            if not described <= own:
                raise ValueError("assays, moistures and conditions are about lots this event moves or names")
        if body.acting_for is not None and body.acting_for == self.party:
            raise ValueError("acting_for names somebody else than the signer")
        return self

    @once
    def moved(self) -> tuple[tuple[EventId, LotId], ...]:
        """(event, lot) for each lot this event moves, in the order written."""
        return tuple([(group.event, lot) for group in self.previous for lot in group.lots])

    @once
    def lots(self) -> frozenset[LotId]:
        """Every lot this event moves, names or makes."""
        body: Body = self.body  # type: ignore[attr-defined]
        if self.previous:
            return frozenset([*[lot for _, lot in self.moved], *self.made])
        named: list[LotId] = lots_named(body)  # type: ignore[assignment]  # ids of lots
        return frozenset([*named, *self.made])

    @once
    def committed(self) -> Mapping[str, str]:
        """The commitment to each sealed field, by its path."""
        return {entry[0]: entry[1] for entry in self.sealed}

    @once
    def made(self) -> tuple[LotId, ...]:
        """Ids of the lots this event makes, in listed order."""
        body: Body = self.body  # type: ignore[attr-defined]
        made = new_lots(body)
        return tuple([LotId(derive("lot", self.key, lot.nonce)) for lot in made]) if made else ()

    @once
    def actor(self) -> PartyId:
        """The party whose act this is: the one acted for, else the signer."""
        body: Body = self.body  # type: ignore[attr-defined]
        return body.acting_for or self.party


class Genesis(Header):
    kind: Literal["genesis"]
    body: GenesisBody


class Enrolment(Header):
    kind: Literal["enrolment"]
    body: EnrolmentBody


class RoleChange(Header):
    kind: Literal["role_change"]
    body: RoleChangeBody


class KeyAddition(Header):
    kind: Literal["key_addition"]
    body: KeyAdditionBody


class KeyRevocation(Header):
    kind: Literal["key_revocation"]
    body: KeyRevocationBody


class Delegation(Header):
    kind: Literal["delegation"]
    body: DelegationBody


class DelegationEnd(Header):
    kind: Literal["delegation_end"]
    body: DelegationEndBody


class Approval(Header):
    kind: Literal["approval"]
    body: ApprovalBody


class SiteRegistration(Header):
    kind: Literal["site_registration"]
    body: SiteRegistrationBody


class TagIssue(Header):
    kind: Literal["tag_issue"]
    body: TagIssueBody


class TagAllocation(Header):
    kind: Literal["tag_allocation"]
    body: TagAllocationBody


class Production(Header):
    kind: Literal["production"]
    body: ProductionBody


class Intake(Header):
    kind: Literal["intake"]
    body: IntakeBody


class Transfer(Header):
    kind: Literal["transfer"]
    body: TransferBody


class Acceptance(Header):
    kind: Literal["acceptance"]
    body: AcceptanceBody


class Refusal(Header):
    kind: Literal["refusal"]
    body: RefusalBody


class Withdrawal(Header):
    kind: Literal["withdrawal"]
    body: WithdrawalBody


class Reassignment(Header):
    kind: Literal["reassignment"]
    body: ReassignmentBody


class Transformation(Header):
    kind: Literal["transformation"]
    body: TransformationBody


class Retagging(Header):
    kind: Literal["retagging"]
    body: RetaggingBody


class Inspection(Header):
    kind: Literal["inspection"]
    body: InspectionBody


class Export(Header):
    kind: Literal["export"]
    body: ExportBody


class Import(Header):
    kind: Literal["import"]
    body: ImportBody


class Closure(Header):
    kind: Literal["closure"]
    body: ClosureBody


class Correction(Header):
    kind: Literal["correction"]
    body: CorrectionBody


class SiteInspection(Header):
    kind: Literal["site_inspection"]
    body: SiteInspectionBody


class CapacityEstimate(Header):
    kind: Literal["capacity_estimate"]
    body: CapacityEstimateBody


class LicenceGrant(Header):
    kind: Literal["licence_grant"]
    body: LicenceGrantBody


class LicenceRevocation(Header):
    kind: Literal["licence_revocation"]
    body: LicenceRevocationBody


class TagVoid(Header):
    kind: Literal["tag_void"]
    body: TagVoidBody


class Zone(Header):
    kind: Literal["zone"]
    body: ZoneBody


class Reference(Header):
    kind: Literal["reference"]
    body: ReferenceBody


class Certificate(Header):
    kind: Literal["certificate"]
    body: CertificateBody


class CertificateUse(Header):
    kind: Literal["certificate_use"]
    body: CertificateUseBody


class Payment(Header):
    kind: Literal["payment"]
    body: PaymentBody


class Incident(Header):
    kind: Literal["incident"]
    body: IncidentBody


class Response(Header):
    kind: Literal["response"]
    body: ResponseBody


class Hold(Header):
    kind: Literal["hold"]
    body: HoldBody


class Release(Header):
    kind: Literal["release"]
    body: ReleaseBody


class Finding(Header):
    kind: Literal["finding"]
    body: FindingBody


class Redaction(Header):
    kind: Literal["redaction"]
    body: RedactionBody


class Policy(Header):
    kind: Literal["policy"]
    body: PolicyBody


class Audit(Header):
    kind: Literal["audit"]
    body: AuditBody


class LogKey(Header):
    kind: Literal["log_key"]
    body: LogKeyBody


class Snapshot(Header):
    kind: Literal["snapshot"]
    body: SnapshotBody


class Attestation(Header):
    kind: Literal["attestation"]
    body: AttestationBody


Event = (
    Genesis
    | Enrolment
    | RoleChange
    | KeyAddition
    | KeyRevocation
    | Delegation
    | DelegationEnd
    | Approval
    | SiteRegistration
    | TagIssue
    | TagAllocation
    | Production
    | Intake
    | Transfer
    | Acceptance
    | Refusal
    | Withdrawal
    | Reassignment
    | Transformation
    | Retagging
    | Inspection
    | Export
    | Import
    | Closure
    | Correction
    | SiteInspection
    | CapacityEstimate
    | LicenceGrant
    | LicenceRevocation
    | TagVoid
    | Zone
    | Reference
    | Certificate
    | CertificateUse
    | Payment
    | Incident
    | Response
    | Hold
    | Release
    | Finding
    | Redaction
    | Policy
    | Audit
    | LogKey
    | Snapshot
    | Attestation
)

MOVING = frozenset(
    {"transfer", "acceptance", "refusal", "withdrawal", "transformation", "export", "import", "closure"}
)
"""The kinds that name in `previous` the lots they move."""

_LARGE = MOVING | {
    "genesis", "policy", "production", "intake", "reassignment", "inspection", "retagging", "tag_void", "certificate",
    "payment", "incident", "response", "hold", "finding", "audit",
}  # fmt: skip
_ADAPTER: TypeAdapter[Event] = TypeAdapter(
    Annotated[Event, Field(discriminator="kind")],
    config=ConfigDict(cache_strings="keys"),  # values hardly ever come again
)
KINDS: tuple[str, ...] = tuple(k.model_fields["kind"].annotation.__args__[0] for k in Event.__args__)


def parse(payload: bytes) -> Event:
    """The event behind canonical bytes. Raises Malformed, naming the field and what to do."""
    if len(payload) > SIZE_MAX:
        raise Malformed(f"the event has {len(payload)} bytes; at most {SIZE_MAX} are allowed")
    try:
        event: Event = _ADAPTER.validator.validate_json(payload)
    except ValidationError as error:
        raise Malformed(_explain(error)) from error
    if not canonical.is_canonical(payload):
        raise Malformed("the event is not in canonical form (RFC 8785): encode it again and sign those bytes")
    canonical.check_text(payload)
    if b"null" in payload:
        # To the models a field that is null is one that is absent: two spellings, and only one may be signed.
        canonical.decode(payload, size_max=SIZE_MAX)
    if len(payload) > SMALL_MAX and event.kind not in _LARGE:
        raise Malformed(f"a {event.kind} has at most {SMALL_MAX} bytes, this one {len(payload)}")
    return event


def read(envelope: Envelope) -> Event:
    """The event in an envelope. Raises Malformed where `parse` does, or the envelope names another key."""
    event = parse(envelope.payload)
    if envelope.key != event.key:
        raise Malformed("keyid in the envelope must equal key in the event")
    return event


def encode(value: Mapping[str, Any]) -> bytes:
    """Canonical payload bytes of an event given as plain values. Raises Malformed if it is not one."""
    payload = canonical.encode(value)
    parse(payload)
    return payload


def sealed_form(body: Body, path: str) -> Sealed | None:
    """What the sealed field at a JSON Pointer into `body` must be; None where no such field can stand."""
    plain = type(body).sealed_fields.get(path[1:])
    if plain is not None and path[0] == "/":  # most stand in the body itself
        return plain
    before, *way = path.split("/")
    if before or not way:
        return None
    last = way.pop()
    at: object = body
    for token in way:
        if isinstance(at, list):
            if (
                not token.isascii()
                or not token.isdigit()
                or str(int(token)) != token
                or int(token) >= len(at)
            ):
                return None
            at = at[int(token)]
        elif isinstance(at, Form):
            name = _field_named(at, token)
            at = getattr(at, name) if name else None
        else:
            return None
    return type(at).sealed_fields.get(last) if isinstance(at, Form) else None


def check_disclosure(event: Event, salt: str, path: str, value: object) -> tuple[bytes, bytes]:
    """The salt and the value's canonical JSON, as bytes.

    Raises Invalid unless this disclosure opens one of the event's commitments; Malformed for bad form.
    """
    raw = unpadded(salt)
    if len(raw) != 16:
        raise Malformed("a salt is 16 bytes in base64url")
    form = sealed_form(event.body, path)
    committed = event.committed.get(path)
    if committed is None or form is None:
        raise Invalid(f"the event seals nothing at {path}")
    data = canonical.dump(value)
    if form.form is object or b"null" in data:
        # The other forms are closed: they allow nothing that no two encoders agree on, but what is absent as null.
        canonical.encode(value)
    else:
        canonical.check_text(data, value)
    if commitment(salt, path, data) != committed:
        raise Invalid(f"the value disclosed for {path} is not the one the event commits to")
    if form.form is not object:
        try:
            form.check(data)
        except ValidationError as error:
            raise Malformed(f"the value disclosed for {path}: {_explain(error)}") from error
    if path == "/codes" and isinstance(event.body, TagIssueBody):
        _check_codes(event.body, value)
    return raw, data


def _check_codes(body: TagIssueBody, codes: Any) -> None:
    numbers = [each["number"] for each in codes]
    if numbers != list(range(1, body.count + 1)) or len({each["code"] for each in codes}) != len(codes):
        raise Malformed(f"the roll has {body.count} tags: give each its own code, in order from number 1")


def _field_named(form: Form, token: str) -> str | None:
    for name, info in type(form).model_fields.items():
        if (info.alias or name) == token:
            return name
    return None


def _check_previous(previous: list[Moved]) -> None:
    events = [group.event for group in previous]
    if len(events) > 1 and events != sorted(set(events)):
        raise ValueError("previous is sorted by event, each event once")
    lots: list[str] = []
    for group in previous:
        if len(group.lots) > 1 and group.lots != sorted(set(group.lots)):
            raise ValueError("the lots under an event are sorted, each once")
        lots += group.lots
    if len(previous) > 1 and len(set(lots)) != len(lots):
        raise ValueError("a lot stands under one event of previous only")


_COMMITMENT = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z")
_NEEDED: Mapping[type[Body], tuple[str, ...]] = {
    body: needed
    for kind in Event.__args__
    if (body := kind.model_fields["body"].annotation)
    and (needed := tuple(name for name, field in body.sealed_fields.items() if field.needed))
}
"""The fields that must be sealed, for each body that has such."""


def _check_sealed(sealed: list[list[str]], body: Body) -> None:
    paths = [entry[0] for entry in sealed]
    if len(paths) > 1 and paths != sorted(set(paths)):
        raise ValueError("sealed is sorted by path, each path once")
    for path, digest in sealed:
        if not _COMMITMENT.match(digest):
            raise ValueError(f"{path[:80]}: a commitment is 32 bytes in base64url without padding")
        if sealed_form(body, path) is None:
            raise ValueError(f"{path[:80]} is not a field that may be sealed here")
    for name in _NEEDED.get(type(body), ()):
        if "/" + name not in paths:
            raise ValueError(f"/{name} must be sealed in this event")
    if type(body) in _OPEN_OR_SEALED:
        _check_open_or_sealed(paths, body)


_OPEN_OR_SEALED = frozenset({ExportBody, CertificateBody, PaymentBody, TagIssueBody, CorrectionBody})


def _check_open_or_sealed(paths: list[str], body: Body) -> None:
    match body:
        case ExportBody():
            if (body.importer is None) != ("/importer" in paths):
                raise ValueError("the importer stands open as a party, or sealed as an entity: exactly one")
        case CertificateBody():
            if (body.importer is None) != ("/importer" in paths):
                raise ValueError("the importer stands open as a party, or sealed as an entity: exactly one")
        case PaymentBody():
            for name, said in (("to", body.to), ("of", body.of)):
                if (said is None) != (f"/{name}" in paths):
                    raise ValueError(
                        f"{name} stands open or sealed, exactly one; what is unofficial is sealed"
                    )
        case TagIssueBody():
            if (body.scheme == "t") != ("/codes" in paths):
                raise ValueError("the codes of our own tags must be sealed: seal /codes")
        case CorrectionBody():
            for number, field_ in enumerate(body.fields_ or ()):
                if (field_.is_ is None) != (f"/fields/{number}/is" in paths):
                    raise ValueError(f"/fields/{number}: the right value stands open, or sealed: exactly one")
        case _:
            pass


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = "/".join(str(part) for part in first["loc"][1:])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    said = first["msg"].removeprefix("Value error, ")
    if first["type"] == "string_pattern_mismatch":
        said = "this should be " + LIKE.get(first["ctx"]["pattern"], f"of the form {first['ctx']['pattern']}")
    return f"{where or 'the event'}: {said}{more}"
