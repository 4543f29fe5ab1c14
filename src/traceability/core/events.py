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

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

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
)
from traceability.core.errors import Invalid, Malformed
from traceability.core.forms import (
    LIKE,
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
from traceability.core.header import MOVING, Header
from traceability.core.ids import commitment, unpadded
from traceability.core.paper_bodies import CertificateBody, CertificateUseBody, PaymentBody
from traceability.core.registry_bodies import (
    ApprovalBody,
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
from traceability.core.sealing import sealed_form
from traceability.core.signing import Envelope

SIZE_MAX = 256 * 1024
SMALL_MAX = 16 * 1024


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


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = "/".join(str(part) for part in first["loc"][1:])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    said = first["msg"].removeprefix("Value error, ")
    if first["type"] == "string_pattern_mismatch":
        said = "this should be " + LIKE.get(first["ctx"]["pattern"], f"of the form {first['ctx']['pattern']}")
    return f"{where or 'the event'}: {said}{more}"
