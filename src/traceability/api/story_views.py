"""What the story of a tagged lot is as JSON."""

from typing import Literal

import msgspec

from traceability.api.views import Day, Id, Mass, View


class Beginning(View, frozen=True):
    """Where ore in a tagged lot was dug or came in."""

    source: Literal["site", "no_site", "intake", "additive", "gain"]
    ppm: int | None = None
    """Its share; not told by a tag that came off, because what became of the lot afterwards is in it."""
    site: Id | None = None
    site_name: str | None = None
    """Which site it was only for those who may open the lot; a tag alone tells its province."""
    country: str | None = None
    region: str | None = None


class StoryStep(View, frozen=True):
    """Something that happened to a tagged lot: a day, a place no finer than a province, no names."""

    day: Day
    kind: str
    stands: bool
    roles: list[str]
    """What whoever did it is: trader, miner, …"""
    public_name: str | None = None
    """Only where that party chose to be public."""
    country: str | None = None
    region: str | None = None


class Noticed(View, frozen=True):
    """A finding, without the figures and ids that lead to others."""

    rule: str
    severity: Literal["notice", "warning", "severe"]
    day: Day


class StoryView(View, frozen=True):
    """A tagged lot. To a stranger with another scheme's number: mineral, countries and `open`, no more."""

    mineral: str
    countries: list[str]
    open: bool
    """Whether the lot still is: not used up, closed or arrived abroad."""
    form: str | None = None
    state: Literal["held", "offered", "exported", "ended"] | None = None
    mass: Mass | None = None
    count: int | None = None
    tag_on: bool | None = None
    """Whether the tag is on it now; if not, the story ends where it came off."""
    beginnings: list[Beginning] = msgspec.field(default_factory=list)
    steps: list[StoryStep] = msgspec.field(default_factory=list)
    findings: list[Noticed] = msgspec.field(default_factory=list)
    findings_behind: int = 0
    """How many findings the lots have that it was made of."""
    lot: Id | None = None
    """Only for who may open the lot itself."""


class TagView(View, frozen=True):
    """A tag, and the lots it is on; where it is on none, the last it was on."""

    scheme: str
    lots: list[StoryView]
    tag: str | None = None
    """Its name in events."""
    demo: bool = False
    """The ledger is a demonstration."""
