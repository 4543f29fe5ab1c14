"""What a page may say, as plain facts: whatever is not in here cannot be printed.

These are made for one visitor (`eyes`) and hold nothing that this visitor may not see. A stranger who holds
a tag has whole days, regions, roles, and names only of those who chose to be public. Templates and sentences
(`story`) get these and nothing else.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from traceability.core.findings.raised import Severity
from traceability.web.lineage import Stage
from traceability.web.timeline import Span

Signing = Literal["both", "one_for_both", "one", "open", "void"]
Mark = Literal["verified", "stated", "finding", "broken"]


NAME_MAX = 48


def shortened(name: str) -> str:
    """A name as far as a line bears it: a page stays small whatever people call themselves."""
    return name if len(name) <= NAME_MAX else f"{name[: NAME_MAX - 1]}…"


class Who(NamedTuple):
    """A party as far as it may be named."""

    role: str
    """A role, or the type of a cooperative or team; empty where it has none."""
    name: str = ""
    """Its public name; empty where it has none."""
    id: str = ""
    """Its id, where this visitor may open its page."""
    you: bool = False
    """It is this visitor."""


NOBODY = Who("")


class Place(NamedTuple):
    """Where ore came in: a key that says as much as this visitor may know."""

    kind: Literal["site", "region", "no_site", "intake"]
    """A registered site by its id, or only its region; no registered site; no mine in this ledger."""
    code: str
    """Site id; region or country; or the intake's reason."""
    name: str = ""
    """The site's name."""
    region: str = ""
    """Where a site lies."""

    @property
    def key(self) -> str:
        """For gathering."""
        return f"{self.kind}:{self.code}"


class Reading(NamedTuple):
    """A mass somebody gave, or several of one kind added up."""

    by: Literal["maker", "giver", "recipient", "holder", "inspector"]
    basis: str
    mass_ug: int
    lot_count: int
    times: int = 1
    """How many readings they were."""


class Noticed(NamedTuple):
    """What one rule noticed on a lot: how often, and when the last time."""

    rule: str
    severity: Severity
    times: int
    day: str


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to a lot: one line of its timeline."""

    kind: str
    """Names its sentence: `did.<kind>`."""
    span: Span
    variant: str = ""
    doer: Who = NOBODY
    other: Who = NOBODY
    agent: Who | None = None
    """Who signed for the doer."""
    other_agent: Who | None = None
    """Who signed for the other."""
    place: str = ""
    """Region code."""
    signed: Signing = "one"
    sources: tuple[str, ...] = ()
    moments: tuple[str, str] | None = None
    """When it happened and was recorded to the second, for those who may see it."""
    readings: tuple[Reading, ...] = ()
    weighed: bool | None = None
    """Whether the recipient weighed it; None where nobody would."""
    lot_count: int = 1
    count: int = 1
    """More than one: this many of the kind, gathered."""
    signed_both: int = 0
    """Of gathered handoffs, how many both sides signed."""
    weighed_times: int = 0
    """Of what is gathered, how often a scale or full packages gave the mass."""
    gap_max_days: int = 0
    """Of what is gathered, the most days until one was recorded."""
    note: tuple[str, int] | None = None
    """A mass that goes with it: `spilled` or `sampled`."""
    mode: str = ""
    rules: tuple[str, ...] = ()
    event: str = ""
    """Event id, where this visitor may open it."""
    upstream: bool = False
    """It happened to the ore before this lot was made."""


class Part(NamedTuple):
    """A line of a composition. `kind`: `site`, `region`, `no_site`, `intake`, `additive`, `gain`."""

    kind: str
    code: str
    name: str
    mass_ug: int


class Since(NamedTuple):
    """What became of a lot's mass since it was made."""

    began_ug: int
    gained_ug: int
    lost_ug: int
    water_ug: int | None = None
    """What of the gain is water; None where that is not told."""
    named_ug: int | None = None
    """What of the loss somebody named; None where that is not told."""

    @property
    def now_ug(self) -> int:
        """What it is expected to weigh."""
        return self.began_ug + self.gained_ug - self.lost_ug


class State(NamedTuple):
    """How a lot stands."""

    kind: Literal["held", "offered", "exported", "ended", "off"]
    """`off`: the tag by which it is looked at came off, and the rest is not for who holds that."""
    day: str
    variant: str = ""
    """Of an ended lot, the kind of event that ended it."""
    detail: str = ""
    """What was done with it, why it was closed, or the country it went to."""
    who: Who = NOBODY
    other: Who = NOBODY
    title: Who | None = None
    """Who holds title, where that is another than the custodian."""
    until: str = ""
    """Of what is on offer, the last day on which only the recipient can end it."""


@dataclass(frozen=True, slots=True)
class LotShown:
    """A lot and its way, for one visitor."""

    mineral: str
    form: str
    count: int | None
    mass_ug: int
    state: State
    parts: tuple[Part, ...]
    """Its composition by place, the largest first; empty where it is too finely mixed to be followed."""
    since: Since
    happenings: tuple[Happening, ...]
    """Oldest first."""
    earlier: bool
    """Whether there are older records of its own that are not among them."""
    stages: tuple[Stage, ...]
    places: dict[str, Place]
    """The places that sources in `stages` name."""
    sites: int
    """How many registered sites they are."""
    handoffs: int
    handoffs_both: int
    found: tuple[Noticed, ...]
    found_upstream: int
    """Findings on what it was made of."""
    disputed: bool
    before: int | None = None
    """Index of the oldest of its entries among `happenings`, for those who may go on to older ones."""
    tag_off: tuple[str, str] | None = None
    """Day and reason, where the story ends because the tag came off."""
    id: str = ""
    lot_number: str = ""
    tags: tuple[str, ...] = ()
    seals: tuple[str, ...] = ()
    """These four only for those who may open the lot."""

    @property
    def home(self) -> str:
        """The country all of it happened in, so that pages need not repeat it; empty where there are several."""
        regions = {at.region for at in self.places.values()} | {line.place for line in self.happenings}
        countries = {code[:2] for code in regions if code}
        return countries.pop() if len(countries) == 1 else ""

    @property
    def last_weighed(self) -> tuple[str, int] | None:
        """Day and micrograms of the newest reading of this lot alone, by a scale; None where there is none."""
        for line in reversed(self.happenings):
            if line.upstream or line.signed == "void":
                continue
            for reading in reversed(line.readings):
                if reading.basis == "measured" and reading.lot_count == 1:
                    return line.span.happened, reading.mass_ug
        return None

    @property
    def unexplained_ug(self) -> int:
        """What of it nothing explains."""
        return sum(part.mass_ug for part in self.parts if part.kind == "gain")
