"""What the events say when something is wrong, and of what the ledger says about itself."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictInt, StrictStr, model_validator

from traceability.core.custody_bodies import CustodyBody
from traceability.core.forms import (
    REGION_PATTERN,
    Count,
    Country,
    Date,
    Event_,
    File,
    Form,
    Hex,
    LongText,
    Lot_,
    Lots,
    Person,
    Pointer,
    Sealed,
    Text,
    Whole,
)
from traceability.core.forms import Tag as Tag_
from traceability.core.ids import HEX_PATTERN, ID_PATTERN
from traceability.core.registry_bodies import Body, PolicyFacts, PolicyValue, Vkey

_ROUTE_PATTERN = r"^[A-Z]{2}(-[A-Z0-9]{1,3})?(;[A-Z]{2}(-[A-Z0-9]{1,3})?){0,49}$"
Values = Annotated[list[PolicyValue], Field(max_length=2000)]


class OfId(Form):
    """A lot, party, site or roll."""

    type: Literal["lot", "party", "site", "roll"]
    id: Annotated[StrictStr, Field(pattern=ID_PATTERN)]


class OfHash(Form):
    """A key, or a licence or certificate by the event that made it."""

    type: Literal["key", "licence", "certificate"]
    id: Annotated[StrictStr, Field(pattern=HEX_PATTERN)]


class OfRegion(Form):
    """A region by its code (ISO 3166-2)."""

    type: Literal["region"]
    id: Annotated[StrictStr, Field(pattern=REGION_PATTERN)]


class OfRoute(Form):
    """A route: its regions or countries in order, with `;` between."""

    type: Literal["route"]
    id: Annotated[StrictStr, Field(max_length=300, pattern=_ROUTE_PATTERN)]


class OfTag(Form):
    """A tag by the number printed on it."""

    type: Literal["tag"]
    id: Tag_


class OfPolicy(Form):
    """The ledger's rules."""

    type: Literal["policy"]
    id: Literal["policy"]


SubjectNamed = Annotated[OfId | OfHash | OfRegion | OfRoute | OfTag | OfPolicy, Field(discriminator="type")]
"""What a fact is about, as events name it."""
Subjects = Annotated[list[SubjectNamed], Field(min_length=1, max_length=1000)]

Category = Literal[
    "serious_abuse", "child_labour", "forced_labour", "sexual_violence", "armed_group", "security_force",
    "illegal_tax", "bribery", "false_origin", "smuggling", "money_laundering", "unpaid_tax", "accident",
    "environment", "tag_misuse", "other",
]  # fmt: skip
"""The risks of Annex II of the OECD guidance, and what else people report."""


class IncidentBody(CustodyBody):
    """Somebody reports that something is wrong."""

    categories: Annotated[list[Category], Field(min_length=1, max_length=16)]
    level: Annotated[StrictInt, Field(ge=1, le=3)] | None = None
    subjects: Subjects
    happened_from: Date
    happened_until: Date | None = None
    reporter: Literal["named", "anonymous"]
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {
        **CustodyBody.sealed_fields,
        "account": Sealed(LongText),
        "people": Sealed(list[Person]),
    }

    @model_validator(mode="after")
    def _dates_agree(self) -> "IncidentBody":
        if self.happened_until is not None and self.happened_until < self.happened_from:
            raise ValueError("happened_until lies before happened_from")
        return self


class About(Form):
    """What a response answers: an incident, or a finding by its rule, lot and events."""

    incident: Event_ | None = None
    rule: Text | None = None
    version: Count | None = None
    lot: Lot_ | None = None
    events: Annotated[list[Event_], Field(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "About":
        finding = (self.rule, self.version, self.lot, self.events)
        named = [part is not None for part in finding]
        if (self.incident is not None) == any(named) or (any(named) and not all(named)):
            raise ValueError("name an incident, or a finding by rule, version, lot and events")
        return self


class ResponseBody(CustodyBody):
    """An answer, a follow-up, a settlement. Deletes nothing."""

    about: About
    act: Literal["explanation", "action_planned", "action_done", "checked", "dismissed", "escalated"]
    due: Date | None = None
    public_text: Text | None = None
    supports: Annotated[list[Event_], Field(min_length=1, max_length=50)] | None = None
    sealed_fields: ClassVar[Mapping[str, Sealed]] = {
        **CustodyBody.sealed_fields,
        "statement": Sealed(LongText),
    }

    @model_validator(mode="after")
    def _planned_for_a_day(self) -> "ResponseBody":
        if (self.act == "action_planned") != (self.due is not None):
            raise ValueError("a planned action has a day on which it is due, and only a planned one")
        return self


class HoldBody(CustodyBody):
    """Nothing of this is to be certified or moved until it is released."""

    subjects: Subjects
    ground: Literal["investigation", "suspension", "dispute", "pledge", "court"]
    legal_basis: Text | None = None
    until: Date | None = None
    incident: Event_ | None = None


class ReleaseBody(CustodyBody):
    """A hold ends."""

    hold: Event_
    reason: Text | None = None


class Figure(Form):
    """One number a finding compares."""

    name: Text
    value: Text


class FindingBody(CustodyBody):
    """The operator states what a rule noticed in sealed values or public scans."""

    rule: Annotated[StrictStr, Field(max_length=80, pattern=r"^[a-z][a-z0-9_]*$")]
    version: Count
    subjects: Subjects
    events: Annotated[list[Event_], Field(min_length=1, max_length=100)]
    severity: Literal["notice", "warning", "severe"]
    figures: Annotated[list[Figure], Field(max_length=50)]
    inputs_digest: Hex


class RedactionBody(Body):
    """Sealed values are erased: everything still verifies and says that they are withheld."""

    event: Event_
    paths: Annotated[list[Pointer], Field(min_length=1, max_length=1000)]
    ground: Literal["request", "court", "retention"]
    asked: Date | None = None

    @model_validator(mode="after")
    def _each_once(self) -> "RedactionBody":
        if len(set(self.paths)) != len(self.paths):
            raise ValueError("name each path once")
        return self


class PolicyBody(Body):
    """The ledger's rules from a day on, for one country or for all. An empty list means the defaults."""

    from_: Date = Field(alias="from")
    country: Country | None = None
    bands: Values
    thresholds: Values
    refusals: Values
    times: Values

    def facts(self) -> PolicyFacts:
        """The rules it states, as genesis states the first."""
        return PolicyFacts.model_construct(
            from_=self.from_,
            country=self.country,
            bands=self.bands,
            thresholds=self.thresholds,
            refusals=self.refusals,
            times=self.times,
        )


class SnapshotBody(Body):
    """The operator states the root of the book after the first `size` entries."""

    size: Count
    book: Hex


class AttestationBody(Body):
    """Somebody replayed the first `size` entries: these roots of log and book are what he got."""

    size: Count
    root: Hex
    book: Hex
    findings: Hex | None = None
    program: Text | None = None


class LogKeyBody(Body):
    """Another key that signs checkpoints from now on; or the end of the log, once it has `freeze_at` entries."""

    add: Vkey | None = None
    freeze_at: Count | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "LogKeyBody":
        if (self.add is None) == (self.freeze_at is None):
            raise ValueError("give add or freeze_at, one of the two")
        return self


class Population(Form):
    """What a sample is drawn from."""

    size: Whole
    digest: Hex


class AuditBody(Body):
    """An audit announced, with the seed of its sample; or what came of it."""

    act: Literal["plan", "result"]
    scope: Subjects
    from_: Date = Field(alias="from")
    until: Date
    seed: Text | None = None
    population: Population | None = None
    sample: Lots | None = None
    method: LongText | None = None
    conclusion: LongText | None = None
    report: File | None = None

    @model_validator(mode="after")
    def _plan_or_result(self) -> "AuditBody":
        plan = self.act == "plan"
        if plan != (self.seed is not None) or plan != (self.population is not None):
            raise ValueError("seed and population belong to a plan, and every plan has them")
        if plan == (self.sample is not None):
            raise ValueError("sample belongs to a result, and every result has it")
        if self.until < self.from_:
            raise ValueError("until lies before from")
        return self
