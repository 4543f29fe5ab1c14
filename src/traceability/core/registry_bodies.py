"""What the events say that give other acts their meaning: parties, keys, roles, sites, tags, approvals."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, StrictInt, StrictStr, model_validator

from traceability.core.errors import Malformed
from traceability.core.forms import (
    Address,
    Assay,
    Count,
    Country,
    Date,
    Entity,
    Event_,
    File,
    Form,
    Hex,
    Integer,
    Key_,
    LongText,
    Mineral,
    NewKey,
    Nonce,
    Party_,
    Person,
    Position,
    Ppm,
    Region,
    Role,
    Roll_,
    Sealed,
    Site_,
    Text,
    Time,
    Whole,
    Yes,
)
from traceability.core.forms import Cell as Cell_
from traceability.core.tag import normalise

Source = Literal["device", "paper", "file", "message"]
PartyType = Literal["person", "team", "cooperative", "company", "authority", "laboratory", "organisation"]


class Body(Form):
    """What any event may say."""

    acting_for: Party_ | None = None
    delegation: Event_ | None = None
    region: Region | None = None
    cell: Cell_ | None = None
    source: Source | None = None
    document: Text | None = None
    captured_time: Time | None = None
    files: Annotated[list[File], Field(min_length=1, max_length=50)] | None = None
    abandoned: Annotated[list[Whole], Field(min_length=1, max_length=100)] | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {
        "place": Sealed(Position),
        "responsible": Sealed(Person),
        "note": Sealed(LongText),
    }

    @model_validator(mode="after")
    def _hangs_together(self) -> "Body":
        if (self.acting_for is None) != (self.delegation is None):
            raise ValueError("give acting_for and delegation together, or neither")
        return self._captured()

    def _captured(self) -> "Body":
        if self.source in ("paper", "file", "message") and self.captured_time is None:
            raise ValueError(
                "captured_time says when it was entered: give it with source paper, file or message"
            )
        return self


class PolicyValue(Form):
    """One number of the ledger's rules, named by rule, mineral and step."""

    rule: Text
    mineral: Mineral | None = None
    step: Literal["handoff", "combination", "processing", "melt", "sort", "export"] | None = None
    name: Text
    value: Integer


class PolicyFacts(Form):
    """The ledger's rules: bands, thresholds, refusals and times. An empty list means the defaults."""

    from_: Date = Field(alias="from")
    country: Country | None = None
    bands: Annotated[list[PolicyValue], Field(max_length=2000)]
    thresholds: Annotated[list[PolicyValue], Field(max_length=2000)]
    refusals: Annotated[list[PolicyValue], Field(max_length=2000)]
    times: Annotated[list[PolicyValue], Field(max_length=2000)]


class Authority(Form):
    """A party that answers for part of the registry from the first entry on."""

    party: Party_
    nonce: Nonce
    name: Text
    country: Country
    roles: Annotated[list[Role], Field(min_length=1, max_length=17)]
    keys: Annotated[list[NewKey], Field(min_length=1, max_length=20)]


class Continues(Form):
    """The log this one carries on, from its first `size` entries; `lost` more were signed and are not there."""

    origin: Text
    size: Count
    root: Hex
    lost: Count | None = None


Vkey = Annotated[StrictStr, Field(max_length=300)]


class GenesisBody(Body):
    """The first entry: the operator, the authorities and the first policy. Or a successor's: what is new of its log."""

    name: Text
    nonce: Nonce
    operator_name: Text
    keys: Annotated[list[NewKey], Field(max_length=20)]
    authorities: Annotated[list[Authority], Field(max_length=100)]
    quorum: Whole
    countries: Annotated[list[Country], Field(min_length=1, max_length=50)]
    log_keys: Annotated[list[Vkey], Field(min_length=1, max_length=10)]
    demo: Yes | None = None
    policy: PolicyFacts
    continues: Continues | None = None

    @model_validator(mode="after")
    def _begins_or_continues(self) -> "GenesisBody":
        named = [bool(self.keys), bool(self.authorities)]
        if self.continues is None and not all(named):
            raise ValueError("a genesis names at least one key and one authority")
        if self.continues is not None and any(named):
            raise ValueError("a successor's genesis names no keys and no authorities: they carry over")
        return self


class BeneficialOwner(Form):
    """Somebody who in the end owns a part. Always sealed."""

    name: Text
    country: Country
    share_ppm: Ppm
    public_office: Text | None = None


class Screening(Form):
    """A check against a list. Always sealed."""

    list: Text
    date: Date
    result: Text


class Guardians(Form):
    """Who may restore a lost key, and how many of them it takes."""

    parties: Annotated[list[Party_], Field(min_length=1, max_length=20)]
    quorum: Count

    @model_validator(mode="after")
    def _reachable(self) -> "Guardians":
        if len(set(self.parties)) != len(self.parties) or self.quorum > len(self.parties):
            raise ValueError("name each guardian once, and no quorum above their number")
        return self


class EnrolmentBody(Body):
    """A party joins, or its facts are restated from a day on (then without nonce, roles and keys)."""

    party: Party_
    type: PartyType
    roles: Annotated[list[Role], Field(max_length=17)]
    country: Country
    from_: Date = Field(alias="from")
    nonce: Nonce | None = None
    provisional: Yes | None = None
    keys: Annotated[list[NewKey], Field(min_length=1, max_length=20)] | None = None
    public_name: Text | None = None
    part_of: Party_ | None = None
    members: Count | None = None
    guardians: Guardians | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {
        **Body.sealed_fields,
        "entity": Sealed(Entity, needed=True),
        "card_number": Sealed(Text),
        "beneficial_owners": Sealed(list[BeneficialOwner]),
        "screenings": Sealed(list[Screening]),
    }

    @model_validator(mode="after")
    def _new_or_restated(self) -> "EnrolmentBody":
        if self.nonce is None and (self.roles or self.keys):
            raise ValueError("a restated enrolment carries neither roles nor keys; a new one has its nonce")
        if self.type == "authority" and self.public_name is None:
            raise ValueError("an authority has a public_name")
        return self


class RoleChangeBody(Body):
    """Roles given or taken."""

    party: Party_
    add: Annotated[list[Role], Field(min_length=1, max_length=17)] | None = None
    remove: Annotated[list[Role], Field(min_length=1, max_length=17)] | None = None
    from_: Date = Field(alias="from")
    reason: Text | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "RoleChangeBody":
        if self.add is None and self.remove is None:
            raise ValueError("say which roles to add or to remove")
        if set(self.add or ()) & set(self.remove or ()):
            raise ValueError("a role cannot be both added and removed")
        return self


class KeyAdditionBody(Body):
    """A further key of a party."""

    party: Party_
    key: NewKey
    reason: Literal["second_device", "rotation", "recovery"]


class KeyRevocationBody(Body):
    """A key ends, with the last number or moment at which it was known to be genuine."""

    key: Key_
    reason: Literal["lost", "stolen", "left", "replaced", "compromised"]
    trusted_sequence: Whole | None = None
    trusted_until: Time | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> "KeyRevocationBody":
        if self.trusted_sequence is not None and self.trusted_until is not None:
            raise ValueError("give trusted_sequence or trusted_until, not both")
        return self


class DelegationBody(Body):
    """One party may act for another, or for every producer at a site."""

    agent: Party_
    principal: Party_ | None = None
    site: Site_ | None = None
    kinds: Annotated[
        list[
            Literal[
                "transfer", "acceptance", "refusal", "withdrawal", "transformation", "retagging", "export",
                "import", "closure", "production", "inspection", "payment",
            ]
        ],
        Field(min_length=1, max_length=12),
    ]  # fmt: skip
    from_: Date = Field(alias="from")
    until: Date
    consent: File | None = None

    @model_validator(mode="after")
    def _one_principal(self) -> "DelegationBody":
        if (self.principal is None) == (self.site is None):
            raise ValueError("a delegation is for one principal or for one site")
        if self.until < self.from_:
            raise ValueError("until lies before from")
        return self


class DelegationEndBody(Body):
    """A delegation ends. Here `delegation` is the one that ends, and nobody acts for anybody."""

    delegation: Event_
    from_: Date = Field(alias="from")
    reason: Text | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> "DelegationEndBody":
        if self.acting_for is not None:
            raise ValueError("a delegation_end is signed by a registrar or either side, for nobody else")
        self._captured()
        return self


class ApprovalBody(Body):
    """A second authority says yes or no to an event."""

    event: Event_
    decision: Literal["approved", "rejected"]
    reason: Text | None = None


class SiteRegistrationBody(Body):
    """A place ore comes from, or its facts restated from a day on (then without nonce)."""

    site: Site_
    nonce: Nonce | None = None
    type: Literal["site", "zone", "plant_tailings"]
    name: Text
    country: Country
    region: Region
    locality: Address | None = None
    national_id: Text | None = None
    minerals: Annotated[list[Mineral], Field(min_length=1, max_length=13)]
    mining_method: Literal["artisanal", "semi_mechanised", "industrial"]
    activity: Literal["active", "inactive", "abandoned"]
    holder: Party_
    worked_by: Annotated[list[Party_], Field(min_length=1, max_length=100)] | None = None
    licences: Annotated[list[Event_], Field(min_length=1, max_length=20)] | None = None
    usual_assays: Annotated[list[Assay], Field(min_length=1, max_length=20)] | None = None
    from_: Date = Field(alias="from")
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {
        **Body.sealed_fields,
        "icglr_id": Sealed(Text),
        "position": Sealed(Position, needed=True),
        "pits": Sealed(list[Position]),
        "polygon": Sealed(list[Annotated[list[StrictInt], Field(min_length=2, max_length=2)]]),
        "altitude_m": Sealed(Integer),
        "cadastre": Sealed(Text),
    }

    @model_validator(mode="after")
    def _fits_a_site(self) -> "SiteRegistrationBody":
        if self.locality is not None and self.locality.street is not None:
            raise ValueError("a site's locality has no street")
        if any(assay.method != "site_usual" or assay.lots is not None for assay in self.usual_assays or ()):
            raise ValueError("a usual assay has the method site_usual and names no lots")
        return self


class TagNumbers(Form):
    """The numbers printed on a roll of another scheme."""

    prefix: Annotated[StrictStr, Field(max_length=20, pattern=r"^[A-Za-z0-9./_-]*$")]
    first: Whole
    last: Whole
    digits: Annotated[StrictInt, Field(ge=1, le=15)]
    suffix: Annotated[StrictStr, Field(max_length=20, pattern=r"^[A-Za-z0-9./_-]*$")]


def _can_be_typed(code: str) -> str:
    try:
        normalise(code)
    except Malformed as error:
        raise ValueError(str(error)) from error
    return code


class TagCode(Form):
    """The code a tag's QR carries, and its number on the roll. Always sealed: a code is a capability."""

    code: Annotated[StrictStr, Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{13}$"), AfterValidator(_can_be_typed)]
    number: Count


class TagIssueBody(Body):
    """A roll of tags is made."""

    roll: Roll_
    nonce: Nonce
    scheme: Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]{0,15}$")]
    level: Literal["mine", "trade", "export", "any"]
    medium: Literal["qr", "barcode", "number", "rfid"]
    count: Annotated[StrictInt, Field(ge=1, le=500)]
    numbers: TagNumbers | None = None
    maker: Text | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {**Body.sealed_fields, "codes": Sealed(list[TagCode])}

    @model_validator(mode="after")
    def _numbers_add_up(self) -> "TagIssueBody":
        if (self.scheme == "t") == (self.numbers is not None):
            raise ValueError("numbers are given for the rolls of other schemes, and only for those")
        if self.numbers is not None:
            if self.numbers.last - self.numbers.first + 1 != self.count:
                raise ValueError("first, last and count of the numbers do not agree")
            if len(str(self.numbers.last)) > self.numbers.digits:
                raise ValueError("the last number has more digits than digits says")
        return self


class TagAllocationBody(Body):
    """Positions `first` to `last` of a roll go to whoever answers for them."""

    roll: Roll_
    first: Count
    last: Count
    to_site: Site_ | None = None
    to_party: Party_
    returned: Yes | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "TagAllocationBody":
        if self.last < self.first:
            raise ValueError("last lies before first")
        return self
