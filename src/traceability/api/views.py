"""What the API answers as JSON: one class for each thing, and how it is made of records.

The classes are also the schemas of the OpenAPI document. What is not known, or none, is left out, never
null. Masses are quantities as in events, `{"unit":"KGM","value":"25.4"}`; times are RFC 3339 in UTC; bytes are
unpadded base64url; entries, events and checkpoints stand as the exact text they are, in a string.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

import msgspec

from traceability.core import quantity
from traceability.core.errors import Malformed
from traceability.core.leaf import time_text
from traceability.core.outcome import Finding

Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-hjkmnp-tv-z]{26}$")]
Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Base64 = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]*$")]
Time = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
Day = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class View(msgspec.Struct, omit_defaults=True, frozen=True, kw_only=True):
    """Anything that is answered as JSON."""

    def json(self) -> bytes:
        """As the body of an answer."""
        return msgspec.json.encode(self)


class Mass(View, frozen=True):
    """A mass, exactly, in a unit of UN/ECE Rec 20."""

    unit: Literal["KGM", "GRM"]
    value: str

    @classmethod
    def of(cls, mass_ug: int) -> Self:
        """In kilograms where that has an end, else in grams (it always has)."""
        try:
            return cls(unit="KGM", value=quantity.format_quantity(mass_ug, "KGM"))
        except Malformed:
            return cls(unit="GRM", value=quantity.show_grams(mass_ug * quantity.EXACT_PER_UG))


class Figure(View, frozen=True):
    """A number a finding rests on."""

    name: str
    value: str


class Subject(View, frozen=True):
    """What a finding or a waiting event is about."""

    type: str
    id: str


class FindingView(View, frozen=True):
    """What a rule noticed. Never a verdict: it names rule, subjects and figures, and can be answered."""

    rule: str
    version: int
    severity: Literal["notice", "warning", "severe"]
    subjects: list[Subject]
    events: list[Hex]
    figures: list[Figure] = msgspec.field(default_factory=list)

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(
            rule=finding.rule,
            version=finding.version,
            severity=finding.severity,
            subjects=[Subject(type=type_, id=id_) for type_, id_ in finding.subjects],
            events=list(finding.events),
            figures=[Figure(name=name, value=value) for name, value in finding.figures],
        )


class Taken(View, frozen=True):
    """The proof that an event is in the log: leaf from `entry` and `blind`, path `proof` to `checkpoint`."""

    event_id: Hex
    index: int
    entry: str
    blind: Base64
    proof: list[Base64]
    checkpoint: str
    stands: bool
    lots: dict[str, bool]
    """For each lot the event moves or makes: whether it stands on it."""
    findings: list[FindingView]


class Kept(View, frozen=True):
    """Sealed fields of an event that are open to the ledger now."""

    event_id: Hex
    paths: list[str]


class EventView(Taken, frozen=True):
    """An event as the log has it, with what the reader may see of its sealed fields."""

    kind: str
    party: Id
    record_time: Time
    disclosures: list[tuple[str, str, Any]] = msgspec.field(default_factory=list)
    """[salt, path, value]"""
    withheld: list[str] = msgspec.field(default_factory=list)
    """Paths of sealed values that a redaction has erased."""


class Cosigned(View, frozen=True):
    """The newest checkpoint that a quorum of witnesses has cosigned."""

    size: int
    checkpoint: str
    time: Time
    """Since when the quorum vouches for it, by its witnesses' clocks."""


class WitnessView(View, frozen=True):
    """How it stands with a witness that this ledger asks."""

    name: str
    vkey: str
    size: int | None = None
    """The newest checkpoint it has cosigned while this process asked it."""
    time: Time | None = None
    trouble: str | None = None
    """Why it has not cosigned the newest one, in the ledger's words."""


class ContinuedView(View, frozen=True):
    """A log that this one carries on: its first `size` entries are that log's."""

    origin: str
    size: int
    root: Hex
    lost: int = 0
    """How many entries that log had signed beyond them, and nobody could bring back."""


class EndView(View, frozen=True):
    """The end of the log, once an event has set it: nothing is added after it, by anybody."""

    event: Hex
    """The `log_key` that set it."""
    party: Id
    """Who signed that."""
    time: Time | None = None
    """When its last entry was taken; absent until the log has come to it."""
    successor: str | None = None
    """Address of the ledger that carries this log on, as the operator of this one says; absent where none is told."""


class LogView(View, frozen=True):
    """What this log is, and its newest checkpoint."""

    origin: str
    vkey: str
    """The newest key that signed this checkpoint (C2SP signed-note)."""
    vkeys: list[str]
    """All keys of the log that signed it: more than one while keys change."""
    size: int
    root: Hex
    checkpoint: str
    record_time: Time
    """When its newest entry was taken."""
    name: str
    countries: list[str]
    quorum: int
    """How many other authorities must agree on a change among them; 0: a single authority."""
    signing: bool
    """Whether it takes and signs events now."""
    frozen_at: int | None = None
    """How many entries it has when it ends; absent while no end is set."""
    end: EndView | None = None
    """Who set that end, when it came, and what carries the log on."""
    continues: list[ContinuedView] = []
    """The logs it carries on, the oldest first."""
    demo: bool = False
    cosigned: Cosigned | None = None
    """Absent where no quorum of witnesses is asked, or none was had yet."""
    witnesses: list[WitnessView] = []


class ConsistencyView(View, frozen=True):
    """That the log of the second size begins with that of the first (RFC 6962 §2.1.2)."""

    first: int
    second: int
    proof: list[Hex]


class Ready(View, frozen=True):
    """Whether requests can be answered, and events taken."""

    size: int
    signing: bool
    reason: str | None = None
    """Why no events are taken."""
    quorum_age_seconds: int | None = None
    """How long ago a quorum of witnesses last cosigned; absent where none is asked, or none was had yet."""


class SessionView(View, frozen=True):
    """Who is signed in, and until when."""

    party: Id
    key: Hex
    roles: list[str]
    expires: Time


class ProblemView(View, frozen=True):
    """Why a request failed (RFC 9457). Further members depend on `type`."""

    type: Annotated[str, msgspec.Meta(pattern="^/problems/[a-z_]+$")]
    title: str
    status: int
    detail: str
    request_id: str | None = None


def schemas(views: Iterable[type[View]], template: str) -> Mapping[str, Any]:
    """JSON Schemas (2020-12) of these classes and all they are made of, by name."""
    return msgspec.json.schema_components(views, ref_template=template)[1]


def moment(seconds: int) -> str:
    """Unix seconds as they are written here."""
    return time_text(seconds)
