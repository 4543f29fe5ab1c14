"""What the events say of the ground and the right to work it: inspections, capacities, licences, zones, figures."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from traceability.core.forms import (
    Count,
    Country,
    Date,
    Event_,
    File,
    LongText,
    Mass,
    MaterialForm,
    Mineral,
    Party_,
    Person,
    Region,
    Roll_,
    Sealed,
    Site_,
    Tag,
    Text,
)
from traceability.core.forms import Form as Form_
from traceability.core.registry_bodies import Body

SiteColour = Literal["blue", "green", "yellow", "red"]
Activity = Literal["active", "inactive", "abandoned"]
LicenceType = Literal[
    "claim", "exploration_permit", "mining_licence", "artisanal_permit", "trader", "buying_house",
    "processing", "transport", "export", "other",
]  # fmt: skip
Code = Annotated[StrictStr, Field(max_length=80, pattern=r"^[a-z][a-z0-9_]*$")]
Point = Annotated[list[StrictInt], Field(min_length=2, max_length=2)]
"""Longitude and latitude in units of 1e-7 degree."""


def _in_order(first: str | None, last: str | None, name: str) -> None:
    if last is not None and (first is None or last < first):
        raise ValueError(f"{name}_until needs a {name}_from, and does not lie before it")


class Criterion(Form_):
    """A point the inspector looked at."""

    code: Code
    met: StrictBool


class SiteInspectionBody(Body):
    """Somebody with the right to visited a site: its status from a day on, and what he found."""

    site: Site_
    number: Text
    date: Date
    status: SiteColour | None = None
    status_from: Date | None = None
    status_until: Date | None = None
    activity: Activity | None = None
    suspended_from: Date | None = None
    suspended_until: Date | None = None
    purpose: Text | None = None
    result: LongText | None = None
    criteria: Annotated[list[Criterion], Field(min_length=1, max_length=200)] | None = None
    agency: Text
    report: File | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {
        **Body.sealed_fields,
        "inspector": Sealed(Person, needed=True),
    }

    @model_validator(mode="after")
    def _dates_agree(self) -> "SiteInspectionBody":
        if (self.status is None) != (self.status_from is None):
            raise ValueError("a status counts from a day: give status and status_from together, or neither")
        _in_order(self.status_from, self.status_until, "status")
        _in_order(self.suspended_from, self.suspended_until, "suspended")
        return self


class CapacityEstimateBody(Body):
    """How much a site can produce, according to whoever signs. Several may stand side by side."""

    site: Site_
    mineral: Mineral
    form: MaterialForm
    mass_per_day: Mass
    count_per_day: Count | None = None
    workers: Count | None = None
    days_per_month: Annotated[StrictInt, Field(ge=1, le=31)] | None = None
    from_: Date = Field(alias="from")
    until: Date | None = None
    method: Text

    @model_validator(mode="after")
    def _dates_agree(self) -> "CapacityEstimateBody":
        if self.until is not None and self.until < self.from_:
            raise ValueError("until lies before from")
        return self


class Quota(Form_):
    """The most that may be produced or exported in a time."""

    mass: Mass
    mineral: Mineral
    from_: Date = Field(alias="from")
    until: Date


class LicenceGrantBody(Body):
    """A party may do something, somewhere, for some minerals, from a day on."""

    party: Party_
    type: LicenceType
    number: Text
    authority: Text
    minerals: Annotated[list[Mineral], Field(min_length=1, max_length=13)]
    sites: Annotated[list[Site_], Field(min_length=1, max_length=100)] | None = None
    regions: Annotated[list[Region], Field(min_length=1, max_length=100)] | None = None
    applied: Date | None = None
    granted: Date
    expires: Date | None = None
    quota: Quota | None = None

    @model_validator(mode="after")
    def _dates_agree(self) -> "LicenceGrantBody":
        if self.expires is not None and self.expires < self.granted:
            raise ValueError("expires lies before granted")
        if self.quota is not None and self.quota.until < self.quota.from_:
            raise ValueError("the quota's until lies before its from")
        return self


class LicenceRevocationBody(Body):
    """A licence ends on a day."""

    licence: Event_
    from_: Date = Field(alias="from")
    reason: Text | None = None


class TagVoidBody(Body):
    """Tags that must not be used any more: single ones, or positions of a roll."""

    tags: Annotated[list[Tag], Field(min_length=1, max_length=500)] | None = None
    roll: Roll_ | None = None
    first: Count | None = None
    last: Count | None = None
    reason: Literal["damaged", "misprinted", "lost", "stolen", "destroyed"]
    noticed: Date | None = None

    @model_validator(mode="after")
    def _tags_or_positions(self) -> "TagVoidBody":
        positions = (self.roll, self.first, self.last)
        if (self.tags is None) == any(part is None for part in positions) or (
            self.tags is not None and any(part is not None for part in positions)
        ):
            raise ValueError("name tags, or a roll with first and last")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError("last lies before first")
        if self.tags is not None and len(set(self.tags)) != len(self.tags):
            raise ValueError("name each tag once")
        return self


class ZoneBody(Body):
    """An area in which something holds for a time, and who says so."""

    name: Text
    type: Literal["conflict_affected", "closed", "compliant", "protected"]
    regions: Annotated[list[Region], Field(min_length=1, max_length=100)] | None = None
    polygon: Annotated[list[Point], Field(min_length=4, max_length=500)] | None = None
    minerals: Annotated[list[Mineral], Field(min_length=1, max_length=13)] | None = None
    from_: Date = Field(alias="from")
    until: Date | None = None
    source_text: Text

    @model_validator(mode="after")
    def _an_area(self) -> "ZoneBody":
        if (self.regions is None) == (self.polygon is None):
            raise ValueError("a zone is a list of regions or a polygon: exactly one")
        if self.polygon is not None and self.polygon[0] != self.polygon[-1]:
            raise ValueError("a polygon is a closed ring: its last point is its first")
        if any(
            not (-1_800_000_000 <= x <= 1_800_000_000 and -900_000_000 <= y <= 900_000_000)
            for x, y in self.polygon or ()
        ):
            raise ValueError("a point is longitude, latitude in units of 1e-7 degree")
        if self.until is not None and self.until < self.from_:
            raise ValueError("until lies before from")
        return self


class ReferenceBody(Body):
    """A figure from outside, with its source: a price, an exchange rate, what a country can produce."""

    type: Literal["price", "exchange_rate", "production", "reserves"]
    mineral: Mineral | None = None
    country: Country | None = None
    currency: Annotated[StrictStr, Field(pattern=r"^[A-Z]{3}$")] | None = None
    unit: Text
    value: Annotated[StrictStr, Field(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$")]
    from_: Date = Field(alias="from")
    until: Date
    source_text: Text

    @model_validator(mode="after")
    def _of_something(self) -> "ReferenceBody":
        if self.until < self.from_:
            raise ValueError("until lies before from")
        if self.type != "exchange_rate" and self.mineral is None:
            raise ValueError("mineral says what the figure is about")
        if self.type in ("price", "exchange_rate") and self.currency is None:
            raise ValueError("a price or exchange rate has a currency")
        if self.type in ("production", "reserves") and self.country is None:
            raise ValueError("country says whose production or reserves these are")
        return self
