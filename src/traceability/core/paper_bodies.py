"""What the events say of papers and money: export certificates, their use, payments."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictStr, model_validator

from traceability.core.custody_bodies import CustodyBody
from traceability.core.forms import (
    Count,
    Country,
    CountryOrUnknown,
    Date,
    Entity,
    Event_,
    File,
    Form,
    Lots,
    Mass,
    Mineral,
    Money,
    Party_,
    Person,
    Sealed,
    Text,
)

CERTIFICATE_DAYS_MAX = 90
"""ICGLR: a certificate expires at most so many days after it is issued (MD.03)."""

KIMBERLEY_HS = ("7102.10", "7102.21", "7102.31")
"""Rough diamonds unsorted, industrial, others: the headings that the Kimberley Process counts by."""

Hs = Annotated[StrictStr, Field(pattern=r"^[0-9]{4}(\.[0-9]{2}(\.[0-9]{2})?)?$")]


class CertificateLine(Form):
    """Carats under one customs heading; its value is sealed."""

    hs: Hs
    mass: Mass
    count: Count | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {"value": Sealed(Money)}


class CertificateBody(CustodyBody):
    """A State certifies lots for export. Valid once a second officer has approved it."""

    scheme: Literal["icglr", "kimberley", "other"]
    country: Country
    number: Text
    authority: Text
    export_number: Text
    lots: Lots
    exporter: Party_
    importer: Party_ | None = None
    mineral: Mineral
    hs: Hs
    description: Text | None = None
    mass: Mass
    grade: Text | None = None
    origins: Annotated[list[CountryOrUnknown], Field(min_length=1, max_length=50)]
    lines: Annotated[list[CertificateLine], Field(min_length=1, max_length=20)] | None = None
    parcels: Count | None = None
    sealed_containers: Annotated[list[Text], Field(min_length=1, max_length=100)] | None = None
    route: Annotated[list[Country], Field(min_length=1, max_length=50)] | None = None
    carrier: Text | None = None
    shipment: Date
    verified: Date
    issued: Date
    expires: Date
    file: File
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {
        **CustodyBody.sealed_fields,
        "importer": Sealed(Entity),
        "value": Sealed(Money, needed=True),
        "verifier": Sealed(Person, needed=True),
        "validator": Sealed(Person, needed=True),
    }

    @model_validator(mode="after")
    def _fits_its_scheme(self) -> "CertificateBody":
        if len(set(self.lots)) != len(self.lots):
            raise ValueError("name each lot once")
        if self.expires < self.issued:
            raise ValueError("expires lies before issued")
        if (self.scheme == "icglr") != (self.grade is not None):
            raise ValueError("grade stands on an icglr certificate, and only there")
        kimberley = self.scheme == "kimberley"
        if kimberley != (self.lines is not None) or kimberley != (self.parcels is not None):
            raise ValueError("lines and parcels stand on a kimberley certificate, and only there")
        if self.scheme == "icglr":
            if len(self.mass.value.partition(".")[2]) > 3:
                raise ValueError("an icglr certificate gives the mass with at most three decimals")
            latest = date.fromisoformat(self.issued) + timedelta(days=CERTIFICATE_DAYS_MAX)
            if self.expires > latest.isoformat():
                raise ValueError(
                    f"an icglr certificate expires at most {CERTIFICATE_DAYS_MAX} days after issue"
                )
        if kimberley:
            self._is_of_rough_diamonds()
        if self.lines is not None and sum(line.mass.exact for line in self.lines) != self.mass.exact:
            raise ValueError("the lines must add up to the mass, exactly")
        return self

    def _is_of_rough_diamonds(self) -> None:
        lines = self.lines or []
        if self.mineral != "diamond" or {self.mass.unit, *(line.mass.unit for line in lines)} != {"CTM"}:
            raise ValueError("a kimberley certificate is of diamonds, in carats: CTM")
        if any(hs[:7] not in KIMBERLEY_HS for hs in (self.hs, *(line.hs for line in lines)) if hs != "7102"):
            raise ValueError(f"the headings of rough diamonds are {', '.join(KIMBERLEY_HS)}")


class CertificateUseBody(CustodyBody):
    """What became of a certificate: used for an export, void, replaced, confirmed abroad."""

    certificate: Event_
    act: Literal["use", "void", "replace", "confirmed_abroad"]
    export: Event_ | None = None
    mass: Mass | None = None
    lines: Annotated[list[CertificateLine], Field(min_length=1, max_length=20)] | None = None
    date: Date
    document: Text | None = None

    @model_validator(mode="after")
    def _use_has_a_mass(self) -> "CertificateUseBody":
        if self.act == "use" and self.mass is None:
            raise ValueError("say how much of the certificate is used: give mass")
        return self


PayeeKind = Literal[
    "seller", "miner", "state", "local_authority", "traditional_authority", "carrier", "service", "other"
]
PaymentKind = Literal["price", "refund", "royalty", "tax", "levy", "fee", "fine"]


class PaymentBody(CustodyBody):
    """Money for lots. Whom and what for stand sealed wherever naming them could put somebody in danger."""

    lots: Lots | None = None
    transfer: Event_ | None = None
    to: PayeeKind | None = None
    of: PaymentKind | None = None
    direction: Literal["paid", "received"]
    date: Date
    authority: Text | None = None
    receipt_number: Text | None = None
    payee: Party_ | None = None
    method: Literal["cash", "mobile", "bank", "goods"] | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {
        **CustodyBody.sealed_fields,
        "to": Sealed(PayeeKind | Literal["official", "security_force", "armed_group"]),
        "of": Sealed(PaymentKind | Literal["unofficial"]),
        "amount": Sealed(Money, needed=True),
    }

    @model_validator(mode="after")
    def _for_something(self) -> "PaymentBody":
        if (self.lots is None) == (self.transfer is None):
            raise ValueError("say what was paid for: lots, or their transfer")
        if (self.to is None) != (self.of is None):
            raise ValueError("to and of stand open both, or sealed both")
        return self
