"""What the events say that begin, move, change, look at and end lots."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from traceability.core.forms import (
    Analyte,
    Assay,
    Condition,
    Count,
    Country,
    CountryOrUnknown,
    Date,
    Entity,
    Event_,
    Form,
    Hex,
    Integer,
    LongText,
    Lot_,
    LotPrice,
    Lots,
    Mass,
    Mode,
    Moisture,
    Money,
    Moves,
    NewLot,
    Party_,
    Person,
    Pointer,
    Region,
    RegionOrCountry,
    Sealed,
    Site_,
    SortedClass,
    Tag,
    Text,
    Time,
    Weighing,
    Whole,
)
from traceability.core.registry_bodies import Body, Source

Weighings = Annotated[list[Weighing], Field(min_length=1, max_length=1000)]
Assays = Annotated[list[Assay], Field(min_length=1, max_length=1000)]


class CustodyBody(Body):
    """An event about lots says how it was recorded."""

    source: Source

    @model_validator(mode="after")
    def _readings_name_lots(self) -> "CustodyBody":
        said = self.__dict__  # a plain look: most kinds have neither field
        weighings: list[Weighing] | None = said.get("weighings")
        assays: list[Assay] | None = said.get("assays")
        if weighings:
            named = [lot for weighing in weighings for lot in weighing.lots or ()]
            if any(weighing.lots is None for weighing in weighings):
                raise ValueError("each weighing says which lots lay on the scale")
            if len(set(named)) != len(named):
                raise ValueError("a lot is weighed once in one event")
        if said.get("sample_number") is not None and said.get("lots") is None:
            if weighings or said.get("moistures") or any(assay.lots is not None for assay in assays or ()):
                raise ValueError("who knows only a sample's number names no lots: leave them out")
        elif assays and any(assay.lots is None for assay in assays):
            raise ValueError("each assay says which lots it stands for")
        return self


class PlacedBody(CustodyBody):
    """An event that says in which region it happened."""

    region: Region


class ProductionBody(PlacedBody):
    """Ore comes out of the ground: one signature for all bags filled there that day."""

    site: Site_ | None = None
    producer: Party_ | None = None
    custodian: Party_ | None = None
    dug_from: Date | None = None
    dug_until: Date | None = None
    workers: Count | None = None
    lots: Annotated[list[NewLot], Field(min_length=1, max_length=100)]
    mercury: Literal["none", "whole_ore", "concentrate_retort", "concentrate_open"] | None = None
    purchase_number: Text | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {
        **Body.sealed_fields,
        "miner": Sealed(Person),
        "permit_number": Sealed(Text),
        "pit": Sealed(Text),
    }


class ForeignEntry(Form):
    """An entry of another ledger."""

    origin: Text
    index: Whole
    leaf_hash: Hex


class IntakeBody(PlacedBody):
    """A lot that begins here without a site of this ledger."""

    origin: Literal[
        "earlier_stock", "other_scheme", "other_ledger", "recycled", "found", "surplus", "unknown"
    ]
    countries: Annotated[list[CountryOrUnknown], Field(min_length=1, max_length=50)]
    stock_date: Date | None = None
    foreign_tags: Annotated[list[Tag], Field(min_length=1, max_length=1000)] | None = None
    foreign: ForeignEntry | None = None
    lots: Annotated[list[NewLot], Field(min_length=1, max_length=1000)]
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {**Body.sealed_fields, "from": Sealed(Entity)}

    @model_validator(mode="after")
    def _says_whence(self) -> "IntakeBody":
        if (self.origin == "earlier_stock") != (self.stock_date is not None):
            raise ValueError("stock_date is the day earlier_stock was counted: give it there, and only there")
        if (self.origin == "other_ledger") != (self.foreign is not None):
            raise ValueError("foreign names the entry of an other_ledger: give it there, and only there")
        return self


class TransferBody(PlacedBody):
    """Lots are offered to a recipient."""

    recipient: Party_
    moves: Moves
    purpose: Literal[
        "sale", "carriage", "storage", "processing", "sampling", "pledge", "return", "official", "own_move"
    ]
    returns: Event_ | None = None
    weighings: Weighings | None = None
    carrier: Party_ | None = None
    mode: Mode | None = None
    route: Annotated[list[RegionOrCountry], Field(min_length=1, max_length=50)] | None = None
    expected: Date | None = None
    accept_by: Date
    waybill: Text | None = None
    order_number: Text | None = None
    seals: Annotated[list[Text], Field(min_length=1, max_length=50)] | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {
        **Body.sealed_fields,
        "prices": Sealed(list[LotPrice]),
        "terms": Sealed(Text),
        "carriage": Sealed(dict[Literal["company", "driver", "plate"], Text]),
    }

    @model_validator(mode="after")
    def _returns_something(self) -> "TransferBody":
        if (self.purpose == "return") != (self.returns is not None):
            raise ValueError("returns names the transfer that a return undoes: give it there, and only there")
        return self


class AcceptanceBody(PlacedBody):
    """The recipient takes what was offered."""

    weighings: Weighings | None = None
    conditions: Annotated[list[Condition], Field(min_length=1, max_length=1000)] | None = None
    assays: Assays | None = None
    moistures: Annotated[list[Moisture], Field(min_length=1, max_length=1000)] | None = None
    received: Date | None = None
    purchase_number: Text | None = None
    purchase_date: Date | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {**Body.sealed_fields, "prices": Sealed(list[LotPrice])}


class RefusalBody(CustodyBody):
    """The recipient does not take what was offered."""

    reason: Literal["not_received", "weight", "grade", "tag", "seal", "damage", "price", "papers", "not_mine"]
    weighings: Weighings | None = None


class WithdrawalBody(CustodyBody):
    """The giver takes an offer back after its day."""

    reason: Literal["wrong_recipient", "cancelled", "never_came", "lost_on_the_way"]


class ReassignmentBody(CustodyBody):
    """Custody or title moves by an authority's act, as the lots stand."""

    lots: Lots
    ground: Literal["seizure", "court", "estate", "insolvency", "lost_key", "abandoned", "given_back"]
    to: Party_
    moves: Moves
    legal_basis: Text
    report_number: Text | None = None
    weighings: Weighings | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {**Body.sealed_fields, "person": Sealed(Person)}


class Additive(Form):
    """Something put in that is not ore."""

    material: Text
    mass: Mass


class Loss(Form):
    """Mass that went somewhere else than into an output."""

    type: Literal["moisture", "spillage", "slag", "tailings", "evaporation", "sample", "breakage", "other"]
    mass: Mass
    count: Count | None = None


class TransformationBody(CustodyBody):
    """Lots become other lots; the numbers close to the microgram."""

    type: Literal["split", "combination", "processing", "repacking"]
    steps: (
        Annotated[
            list[
                Literal[
                    "wash", "dry", "crush", "jig", "magnetic", "sort", "boil", "amalgam_burn", "melt",
                    "refine", "leach", "cut",
                ]
            ],
            Field(min_length=1, max_length=12),
        ]
        | None
    ) = None  # fmt: skip
    weighings: Weighings | None = None
    outputs: Annotated[list[NewLot], Field(min_length=1, max_length=200)]
    additives: Annotated[list[Additive], Field(min_length=1, max_length=50)] | None = None
    losses: Annotated[list[Loss], Field(min_length=1, max_length=50)] | None = None
    gain: Mass | None = None
    share_by: Literal["mass", "item"]
    tags_kept: Literal["destroyed", "stored"] | None = None
    from_: Time | None = Field(None, alias="from")
    until: Time | None = None
    facility: Text | None = None
    for_title: Party_ | None = None

    @model_validator(mode="after")
    def _says_the_steps(self) -> "TransformationBody":
        if (self.type == "processing") != (self.steps is not None):
            raise ValueError("steps say how processing was done: give them there, and only there")
        return self


class TagOff(Form):
    """A tag that came off, and what became of it."""

    tag: Tag
    fate: Literal["destroyed", "stored", "lost", "unreadable", "stolen"]


class RetaggingBody(CustodyBody):
    """Tags or seals of one lot change. Does not move the lot."""

    lot: Lot_
    tags_off: Annotated[list[TagOff], Field(min_length=1, max_length=20)] | None = None
    tags_on: Annotated[list[Tag], Field(min_length=1, max_length=20)] | None = None
    seals: Annotated[list[Text], Field(min_length=1, max_length=20)] | None = None
    reason: Literal["first_tag", "burst", "unreadable", "lost", "opened_by_authority", "sampled", "wrong_tag"]
    weighing: Weighing | None = None
    spilled: Mass | None = None

    @model_validator(mode="after")
    def _one_lot(self) -> "RetaggingBody":
        if self.weighing is not None and self.weighing.lots is not None:
            raise ValueError("a retagging is about one lot: its weighing names none")
        return self


class Sample(Form):
    """Mass taken out of a lot."""

    number: Text
    mass: Mass
    taken_from: Text | None = None


class InspectionBody(CustodyBody):
    """Somebody looked: a weighing, an assay, a stock count. Does not move the lot."""

    type: Literal[
        "weighing", "assay", "valuation", "seal_check", "photo", "radioactivity", "fingerprint",
        "stock_count", "visit",
    ]  # fmt: skip
    lots: Lots | None = None
    party: Party_ | None = None
    missing: Lots | None = None
    surplus: Lots | None = None
    weighings: Weighings | None = None
    assays: Assays | None = None
    moistures: Annotated[list[Moisture], Field(min_length=1, max_length=1000)] | None = None
    sample: Sample | None = None
    sample_number: Text | None = None
    classes: Annotated[list[SortedClass], Field(min_length=1, max_length=200)] | None = None
    dose_nsv_h: Whole | None = None
    laboratory: Text | None = None
    report_number: Text | None = None
    result: Literal["as_stated", "differs", "not_possible"] | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {**Body.sealed_fields, "value": Sealed(Money)}

    @model_validator(mode="after")
    def _about_something(self) -> "InspectionBody":
        counting = self.type in ("stock_count", "visit")
        if not counting and self.lots is None and self.sample_number is None:
            raise ValueError("an inspection names its lots, or the sample_number if only that is known")
        if (self.type == "stock_count") != (self.party is not None):
            raise ValueError("party says whose stock was counted: give it for a stock_count, and only there")
        if self.type != "stock_count" and (self.missing is not None or self.surplus is not None):
            raise ValueError("missing and surplus belong to a stock_count")
        if self.sample is not None and (self.lots is None or len(self.lots) != 1):
            raise ValueError("a sample is taken out of one lot: name that one")
        return self


class CertificateDraw(Form):
    """Mass drawn on a certificate's quota."""

    certificate: Event_
    mass: Mass


class Container(Form):
    """A shipping container and the seals on it."""

    number: Text
    seals: Annotated[list[Text], Field(min_length=1, max_length=20)] | None = None


class ExportBody(PlacedBody):
    """Lots leave the country. The importer stands here as a party, or sealed as an entity."""

    certificates: Annotated[list[CertificateDraw], Field(min_length=1, max_length=100)] | None = None
    importer: Party_ | None = None
    destination: Country
    exit_point: Text | None = None
    route: Annotated[list[Country], Field(min_length=1, max_length=50)] | None = None
    mode: Mode | None = None
    customs_number: Text | None = None
    containers: Annotated[list[Container], Field(min_length=1, max_length=100)] | None = None
    transport_document: Text | None = None
    carrier: Text | None = None
    weighings: Weighings
    shipped: Date
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {
        **Body.sealed_fields,
        "importer": Sealed(Entity),
        "value": Sealed(Money),
    }


class Confirmed(Form):
    """What the confirmation from abroad says."""

    certificate: Text | None = None
    parcels: Count | None = None
    mass: Mass | None = None


class Payable(Form):
    """Metal settled."""

    analyte: Analyte
    mass: Mass


class ImportBody(PlacedBody):
    """Lots arrived abroad."""

    reported_by: Literal["importer", "importing_authority", "exporter"]
    received: Date
    authority: Text | None = None
    confirmed: Confirmed | None = None
    weighings: Weighings | None = None
    assays: Assays | None = None
    moistures: Annotated[list[Moisture], Field(min_length=1, max_length=1000)] | None = None
    conditions: Annotated[list[Condition], Field(min_length=1, max_length=1000)] | None = None
    payable: Annotated[list[Payable], Field(min_length=1, max_length=20)] | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {**Body.sealed_fields, "value": Sealed(Money)}

    @model_validator(mode="after")
    def _who_confirmed(self) -> "ImportBody":
        if (self.reported_by == "importing_authority") != (self.authority is not None):
            raise ValueError(
                "authority says who confirmed abroad: give it with importing_authority, only there"
            )
        return self


class ClosureBody(CustodyBody):
    """A lot ends without becoming another."""

    reason: Literal["consumed", "lost", "stolen", "destroyed", "lapsed", "gone_unrecorded"]
    incident: Event_ | None = None
    detail: Text | None = None


class CorrectedField(Form):
    """A path into the wrong event's body, and what is right; absent where the right value is sealed."""

    path: Pointer
    is_: Text | Integer | None = Field(None, alias="is")
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {"is": Sealed(object)}


class CorrectionBody(Body):
    """An event was wrong. Nothing is edited."""

    event: Event_
    reason: Literal["did_not_occur", "incorrect_data"]
    fields_: Annotated[list[CorrectedField], Field(min_length=1, max_length=100)] | None = Field(
        None, alias="fields"
    )
    by: Annotated[list[Event_], Field(min_length=1, max_length=20)] | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {**Body.sealed_fields, "explanation": Sealed(LongText)}

    @model_validator(mode="after")
    def _names_the_fields(self) -> "CorrectionBody":
        if (self.reason == "incorrect_data") != (self.fields_ is not None):
            raise ValueError("fields say what is right: give them with incorrect_data, and only there")
        return self


def lots_described(body: Body) -> set[str]:
    """The lots a body says something of in assays, moistures and conditions: they must be the event's own."""
    match body:
        case AcceptanceBody() | ImportBody():
            said = (body.assays, body.moistures, body.conditions)
        case InspectionBody():
            said = (body.assays, body.moistures, None)
        case _:
            return set()
    return {lot for lines in said for line in lines or () for lot in line.lots or ()}


def new_lots(body: Body) -> list[NewLot]:
    """The lots a body makes, in listed order."""
    match body:
        case ProductionBody() | IntakeBody():
            return body.lots
        case TransformationBody():
            return body.outputs
        case _:
            return []
