"""The pieces event bodies are made of: texts, codes, dates, quantities, weighings, new lots.

Each is strict: unknown fields, other spellings and guesses are refused. An absent field means "not known
or not said", never zero and never "no". A field marked *sealed* never stands in a body: the event commits
to it (`Sealed`), and its value travels apart, checked against the commitment and against its form here.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
    model_validator,
)

from traceability.core import quantity
from traceability.core.canonical import INTEGER_MAX
from traceability.core.errors import Malformed
from traceability.core.ids import (
    HEX_PATTERN,
    ID_PATTERN,
    EventId,
    KeyId,
    LotId,
    PartyId,
    RollId,
    SiteId,
    unpadded,
)
from traceability.core.once import once


def _calendar_day(text: str) -> str:
    if text[8:10] > "28":  # every month has the days before
        date.fromisoformat(text[:10])
    return text


def _one_spelling(text: str) -> str:
    try:
        unpadded(text)
    except Malformed as error:
        raise ValueError(str(error)) from error
    return text


def _plainly_true(value: bool) -> bool:
    if not value:
        raise ValueError("leave the field out instead of saying false")
    return value


_DAY = r"(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
DATE_PATTERN = rf"^{_DAY}$"
TIME_PATTERN = rf"^{_DAY}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"
COUNTRY_PATTERN = r"^[A-Z]{2}$"
REGION_PATTERN = r"^[A-Z]{2}-[A-Z0-9]{1,3}$"
LIKE = {
    DATE_PATTERN: "a date like 2026-03-14",
    TIME_PATTERN: "a time in UTC like 2026-03-14T10:15:00Z",
    COUNTRY_PATTERN: "a country as two capital letters, like CF (ISO 3166-1)",
    REGION_PATTERN: "a region like CF-HS (ISO 3166-2)",
    ID_PATTERN: "an id of 26 characters (0–9, a–z without i, l, o, u)",
    HEX_PATTERN: "64 lower-case hexadecimal digits",
}
"""What a text that does not match should have looked like."""

Text = Annotated[StrictStr, Field(min_length=1, max_length=200, pattern=r"^[^\n]*$")]
LongText = Annotated[StrictStr, Field(min_length=1, max_length=2000)]
Date = Annotated[StrictStr, Field(pattern=DATE_PATTERN), AfterValidator(_calendar_day)]
Time = Annotated[StrictStr, Field(pattern=TIME_PATTERN), AfterValidator(_calendar_day)]
Whole = Annotated[StrictInt, Field(ge=0, le=INTEGER_MAX)]
Integer = Annotated[StrictInt, Field(ge=-INTEGER_MAX, le=INTEGER_MAX)]
Count = Annotated[StrictInt, Field(ge=1, le=INTEGER_MAX)]
Ppm = Annotated[StrictInt, Field(ge=0, le=1_000_000)]
Yes = Annotated[StrictBool, AfterValidator(_plainly_true)]
Country = Annotated[StrictStr, Field(pattern=COUNTRY_PATTERN)]
CountryOrUnknown = Annotated[StrictStr, Field(pattern=r"^([A-Z]{2}|0)$")]
Region = Annotated[StrictStr, Field(pattern=REGION_PATTERN)]
RegionOrCountry = Annotated[StrictStr, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
Cell = Annotated[StrictStr, Field(pattern=r"^(0|-?[1-9][0-9]{0,3}),(0|-?[1-9][0-9]{0,3})$")]
Bytes = Annotated[
    StrictStr, Field(min_length=1, max_length=400, pattern=r"^[A-Za-z0-9_-]+$"), AfterValidator(_one_spelling)
]
Nonce = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_-]{21}[AQgw]$")]
Hex = Annotated[StrictStr, Field(pattern=HEX_PATTERN)]
Pointer = Annotated[StrictStr, Field(max_length=200, pattern=r"^(/[a-z0-9_]+)+$")]
Event_ = Annotated[EventId, Field(strict=True, pattern=HEX_PATTERN)]
Key_ = Annotated[KeyId, Field(strict=True, pattern=HEX_PATTERN)]
Lot_ = Annotated[LotId, Field(strict=True, pattern=ID_PATTERN)]
Party_ = Annotated[PartyId, Field(strict=True, pattern=ID_PATTERN)]
Site_ = Annotated[SiteId, Field(strict=True, pattern=ID_PATTERN)]
Roll_ = Annotated[RollId, Field(strict=True, pattern=ID_PATTERN)]
Tag = Annotated[
    StrictStr,
    Field(
        max_length=80,
        pattern=r"^(t:[0-9a-hjkmnp-tv-z]{26}-[1-9][0-9]{0,2}|[a-su-z][a-z0-9_]*:[A-Za-z0-9][A-Za-z0-9./_-]*|t[a-z0-9_]+:[A-Za-z0-9][A-Za-z0-9./_-]*)$",
    ),
]
Lots = Annotated[list[Lot_], Field(min_length=1, max_length=1000)]

Role = Literal[
    "operator", "registrar", "inspectorate", "tag_issuer", "tag_agent", "miner", "trader", "transporter",
    "processor", "warehouse", "exporter", "importer", "certifier", "regulator", "laboratory", "auditor",
    "monitor",
]  # fmt: skip
Mineral = Literal[
    "cassiterite", "coltan", "wolframite", "gold", "cobalt", "copper", "diamond", "ruby", "sapphire",
    "emerald", "tourmaline", "other_stone", "other",
]  # fmt: skip
STONES: frozenset[str] = frozenset({"diamond", "ruby", "sapphire", "emerald", "tourmaline", "other_stone"})
MaterialForm = Literal[
    "ore", "concentrate", "dust", "nugget", "sponge", "dore", "bar", "hydroxide", "rough", "sorted",
    "middlings", "tailings", "slag", "scrap", "sample",
]  # fmt: skip
Analyte = Literal["sn", "ta2o5", "nb2o5", "wo3", "au", "ag", "co", "cu", "u", "th", "as", "pb", "fe"]
Basis = Literal["measured", "stated", "estimated", "counted"]
Moves = Literal["both", "custody", "title"]
Mode = Literal["foot", "animal", "motorcycle", "road", "rail", "air", "water"]


class Sealed:
    """Marks a field whose value is committed in the event and kept outside the log.

    `form` is what a disclosed value must be; `needed` says that its path must stand in `sealed`.
    """

    def __init__(self, form: Any, *, needed: bool = False) -> None:
        self.form = form
        self.needed = needed

    def check(self, data: bytes) -> None:
        """Raises pydantic's ValidationError unless `data`, as JSON, is such a value."""
        self._validator.validate_json(data, strict=True)

    @once
    def _validator(self) -> Any:
        return TypeAdapter(self.form).validator


class Form(BaseModel):
    """Anything with named fields in an event: strict, closed, and with its sealed fields declared."""

    model_config = ConfigDict(strict=True, extra="forbid", populate_by_name=False, ignored_types=(once,))
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {}


class Quantity(Form):
    """A mass as the person saw it: Rec 20 unit and the digits the scale showed (see `quantity`)."""

    unit: Literal["MGM", "GRM", "KGM", "TNE", "CTM", "APZ"]
    value: Annotated[StrictStr, Field(max_length=40)]

    @once
    def exact(self) -> int:
        """The mass in 1e-16 g, exactly."""
        return quantity.exact(self.unit, self.value)

    @once
    def mass_ug(self) -> int:
        """The mass in micrograms by the one published rounding."""
        return quantity.micrograms(self.exact)


def _a_mass(value: Quantity) -> Quantity:
    try:
        mass_ug = value.mass_ug
    except Malformed as error:
        raise ValueError(str(error)) from error
    if mass_ug > quantity.MASS_MAX_UG:
        raise ValueError(f"{value.value} {value.unit} is more than 9,000 t: check the unit")
    return value


def _some_mass(value: Quantity) -> Quantity:
    if _a_mass(value).mass_ug == 0:
        raise ValueError("this is less than a microgram: give the mass, or leave the field out")
    return value


Mass = Annotated[Quantity, AfterValidator(_some_mass)]
Tare = Annotated[Quantity, AfterValidator(_a_mass)]


class Money(Form):
    """An amount in one ISO 4217 currency, as agreed."""

    currency: Annotated[StrictStr, Field(pattern=r"^[A-Z]{3}$")]
    value: Annotated[StrictStr, Field(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$")]


class Position(Form):
    """A place on earth, WGS 84, in units of 1e-7 degree. Always sealed."""

    latitude_e7: Annotated[StrictInt, Field(ge=-900_000_000, le=900_000_000)]
    longitude_e7: Annotated[StrictInt, Field(ge=-1_800_000_000, le=1_800_000_000)]
    accuracy_m: Whole | None = None
    by: Literal["gps", "map", "typed"]


class File(Form):
    """A picture or paper kept apart and named by its hash."""

    sha256: Hex
    media_type: Annotated[StrictStr, Field(max_length=80, pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$")]
    bytes: Count
    shows: Literal[
        "scale", "seal", "bag", "stone", "slip", "book_page", "permit", "report", "certificate",
        "thumbprint", "person_absent", "other",
    ]  # fmt: skip


class Person(Form):
    """A natural person. Always sealed."""

    name: Text
    position: Text | None = None
    id_number: Text | None = None
    phone: Text | None = None


class Address(Form):
    """A postal or administrative address."""

    country: Country
    region: Region | None = None
    region_name: Text | None = None
    level_2: Text | None = None
    level_3: Text | None = None
    level_4: Text | None = None
    locality: Text
    street: Text | None = None


class Registration(Form):
    """A number in a register of companies or cooperatives."""

    register_: Text = Field(alias="register")
    number: Text


class Contact(Form):
    """Whom to reach in an entity."""

    legal_representative: Text | None = None
    phone: Text | None = None
    email: Text | None = None


class Entity(Form):
    """Who a party is in law. Always sealed."""

    name: Text
    tin: Text | None = None
    registrations: list[Registration] | None = None
    business_type: Text | None = None
    legal_address: Address | None = None
    physical_address: Address | None = None
    contact: Contact | None = None

    @model_validator(mode="after")
    def _one_address(self) -> "Entity":
        if self.legal_address is None and self.physical_address is None:
            raise ValueError("an entity has a legal or a physical address")
        return self


class NewKey(Form):
    """A key that joins a party, with its own proof that somebody holds it (design, possession)."""

    public_key: Bytes
    proof: Bytes
    expires: Date | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {"holder": Sealed(Person)}


class Weighing(Form):
    """One reading, of one lot or of several together; `net` is the mineral as it lay there."""

    lots: Lots | None = None
    net: Mass
    gross: Mass | None = None
    tare: Tare | None = None
    basis: Basis
    scale: Text | None = None
    ticket: Text | None = None
    scale_error_ppm: Ppm | None = None
    scale_checked: Date | None = None
    as_said: Text | None = None

    @model_validator(mode="after")
    def _gross_less_tare_is_net(self) -> "Weighing":
        if (self.gross is None) != (self.tare is None):
            raise ValueError("give gross and tare together, or neither")
        if self.gross and self.tare and self.gross.exact - self.tare.exact != self.net.exact:
            raise ValueError("gross less tare must be net, exactly")
        return self


class Assay(Form):
    """One figure for one substance."""

    lots: Lots | None = None
    analyte: Analyte
    ppm: Ppm
    on: Literal["dry", "as_is"]
    method: Literal[
        "umpire", "fire", "icp", "titration", "lab_xrf", "handheld_xrf", "density", "visual", "site_usual",
        "declared",
    ]  # fmt: skip
    error_ppm: Ppm | None = None
    report: Text | None = None


class Moisture(Form):
    """Water as weighed, of these lots."""

    lots: Lots
    ppm: Ppm


class Condition(Form):
    """What these lots looked like on arrival."""

    lots: Lots
    seal: Literal["intact", "broken", "missing", "unreadable"] | None = None
    tag: Literal["intact", "broken", "missing", "unreadable"] | None = None
    package: Literal["intact", "broken", "missing", "unreadable"] | None = None


class Item(Form):
    """A stone or a bar that is followed by itself."""

    number: Text
    mass: Mass
    variety: Text | None = None
    shape: Text | None = None
    colour: Text | None = None
    clarity: Text | None = None
    treatment: Text | None = None
    fineness_ppm: Ppm | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {"photo": Sealed(File)}


class SortedClass(Form):
    """A size or quality class of stones."""

    name: Text
    count: Count
    mass: Mass


class Package(Form):
    """How the lot is packed."""

    type: Literal["bag", "sachet", "drum", "big_bag", "container", "bulk", "box"]
    count: Count


class LotPrice(Form):
    """A price for these lots. Always sealed."""

    lots: Lots
    price: Money


class NewLot(Form):
    """A lot as it begins: its id follows from the signing key and `nonce`."""

    nonce: Nonce
    lot_number: Text | None = None
    mineral: Mineral
    form: MaterialForm
    also: Annotated[list[Mineral], Field(min_length=1, max_length=13)] | None = None
    hs: Annotated[StrictStr, Field(pattern=r"^[0-9]{4}(\.[0-9]{2}(\.[0-9]{2})?)?$")] | None = None
    weighing: Weighing
    count: Count | None = None
    items: Annotated[list[Item], Field(min_length=1, max_length=1000)] | None = None
    classes: Annotated[list[SortedClass], Field(min_length=1, max_length=200)] | None = None
    assays: Annotated[list[Assay], Field(min_length=1, max_length=100)] | None = None
    moisture_ppm: Ppm | None = None
    package: Package | None = None
    tags: Annotated[list[Tag], Field(min_length=1, max_length=20)] | None = None
    seals: Annotated[list[Text], Field(min_length=1, max_length=20)] | None = None
    sealed_date: Date | None = None
    title: Party_ | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {"price": Sealed(Money)}

    @model_validator(mode="after")
    def _adds_up(self) -> "NewLot":
        if self.weighing.lots is not None or any(a.lots is not None for a in self.assays or ()):
            raise ValueError("inside a new lot a weighing or assay names no lots: it is about this one")
        if self.mineral in STONES and self.count is None:
            raise ValueError("a lot of stones says how many: give count")
        if self.items is not None:
            numbers = {item.number for item in self.items}
            if len(numbers) != len(self.items):
                raise ValueError("each followed stone or bar has a number of its own")
            if sum(item.mass.exact for item in self.items) > self.weighing.net.exact:
                raise ValueError("the followed items weigh more than the lot")
            if self.count is not None and len(self.items) > self.count:
                raise ValueError("more followed items than the lot has pieces")
        if self.classes is not None:
            if sum(c.mass.exact for c in self.classes) > self.weighing.net.exact:
                raise ValueError("the classes weigh more than the lot")
            if self.count is not None and sum(c.count for c in self.classes) > self.count:
                raise ValueError("more stones in the classes than in the lot")
        if self.tags is not None and len(set(self.tags)) != len(self.tags):
            raise ValueError("a tag stands on a lot once")
        return self
