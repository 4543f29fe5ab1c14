"""What the fold keeps of lots: how each stands, and what an event did to it, so that a correction can undo it."""

from typing import Literal

import msgspec

from traceability.core.composition import Part, Pool
from traceability.core.ids import EventId, KeyId, LotId, PartyId, SiteId
from traceability.core.record import Record, Subject


class Offer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What stands open between giver and recipient."""

    event: EventId
    giver: PartyId
    recipient: PartyId
    moves: Literal["both", "custody", "title"]
    accept_by: str
    """The last day on which only the recipient can end it."""
    carries_title: bool
    """Whether the giver held title when he offered it."""


class LotItem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stone or bar followed by itself, and the part of a pool it is."""

    number: str
    mass_ug: int
    part: Part


class Grade(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What decides how much of one substance a lot holds: the newest figure of the best method so far."""

    analyte: str
    ppm: int
    dry: bool
    """Of the dry mass; otherwise of the mass as it is."""
    method: str
    error_ppm: int | None = None
    """One standard deviation, where the figure names one."""
    event: EventId | None = None
    """The event that said it; None for the lot's maker."""


class Quality(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of a lot besides its mass."""

    grades: tuple[Grade, ...] = ()
    """By analyte, each once."""
    moisture_ppm: int | None = None
    """Water as it was measured last."""
    dry_ug: int | None = None
    """The dry mass expected, as weighed when moisture was first measured; None where that says nothing any more."""
    also: tuple[str, ...] = ()
    """Minerals known to be in it besides its own."""


LotState = Literal["held", "offered", "exported", "ended"]


class Lot(Subject, frozen=True):
    """A lot as it stands."""

    id: LotId
    maker: EventId
    maker_index: int
    position: int
    """Which of its maker's lots it is, from 0."""
    origin: Literal["production", "intake", "transformation"]
    whence: str | None
    """Of an intake, the code it gives for where the ore is from."""
    mineral: str
    form: str
    site: SiteId | None
    producer: PartyId
    state: LotState
    custodian: PartyId
    title: PartyId
    custody_head: EventId
    title_head: EventId
    custody_index: int
    """Index of the entry that is the custody head."""
    title_index: int
    judged_day: str
    """Judged day of the newest event that moved it: none after it is judged earlier."""
    expected_ug: int
    lowest_ug: int
    """The lowest weighing since the lot was made, or since a rise above it was told of (`rise_above_lowest`)."""
    reading: str | None
    """Its own last reading as exact decimal grams, less samples and spills since; None when it was shared."""
    content: tuple[Part, ...]
    """What it consists of besides the followed items."""
    items: tuple[LotItem, ...] = ()
    count: int | None = None
    offer: Offer | None = None
    title_offer: Offer | None = None
    tags: tuple[str, ...] = ()
    seals: tuple[str, ...] = ()
    lot_number: str | None = None
    gained_ug: int = 0
    lost_ug: int = 0
    ended_by: EventId | None = None
    disputed: tuple[EventId, ...] = ()
    """Entries without effect that nothing has settled yet."""
    importer: PartyId | None = None
    pools: int = 0
    """How many pools of this one lot were made, to name the next."""
    zones: tuple[EventId, ...] = ()
    """The zones (at most ZONES_MAX, the newest) that it or its inputs were already noticed in."""
    mixed: tuple[str, ...] = ()
    """What its inputs were that its own site and tags do not tell: `method:…`, `country:…`, `scheme:…`, sorted."""
    expected_error_ppm: int | None = None
    """What the scale may err that gave the expected mass, where something is known of it."""
    lowest_error_ppm: int | None = None
    """The same of the lowest weighing."""
    named_ug: int = 0
    """What of `lost_ug` is named: samples, spills, water that dried off."""
    wetted_ug: int = 0
    """What of `gained_ug` is water."""
    quality: Quality | None = None

    @property
    def made_ug(self) -> int:
        """What was expected of it when it was made."""
        return self.expected_ug + self.lost_ug - self.gained_ug

    @property
    def unexplained_ug(self) -> int:
        """What it gained since it was made and nothing names."""
        return self.gained_ug - self.wetted_ug

    @property
    def missing_ug(self) -> int:
        """What it lost since it was made and nothing names."""
        return self.lost_ug - self.named_ug


class Aside(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a lot is besides who holds it: what readings, samples and new tags change."""

    expected_ug: int
    lowest_ug: int
    reading: str | None
    content: tuple[Part, ...]
    items: tuple[LotItem, ...]
    gained_ug: int
    lost_ug: int
    tags: tuple[str, ...]
    seals: tuple[str, ...]
    expected_error_ppm: int | None = None
    lowest_error_ppm: int | None = None
    named_ug: int = 0
    wetted_ug: int = 0
    quality: Quality | None = None

    @classmethod
    def of(cls, lot: Lot) -> "Aside":
        """That of `lot` as it stands."""
        return cls(
            lot.expected_ug,
            lot.lowest_ug,
            lot.reading,
            lot.content,
            lot.items,
            lot.gained_ug,
            lot.lost_ug,
            lot.tags,
            lot.seals,
            lot.expected_error_ppm,
            lot.lowest_error_ppm,
            lot.named_ug,
            lot.wetted_ug,
            lot.quality,
        )


class Before(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a lot stood when an event moved it, where a correction may have to bring it back."""

    state: LotState
    custodian: PartyId
    custody_head: EventId
    custody_index: int
    title_head: EventId
    title_index: int
    judged_day: str
    offer: Offer | None
    title_offer: Offer | None
    aside: Aside | None
    """Of a lot that ended, what the event changed of it besides; None for nothing."""

    @classmethod
    def of(cls, lot: Lot, ended: Lot | None) -> "Before":
        """How `lot` stood, which became `ended` by this event, or went on (None)."""
        aside = None if ended is None else Aside.of(lot)
        return cls(
            lot.state,
            lot.custodian,
            lot.custody_head,
            lot.custody_index,
            lot.title_head,
            lot.title_index,
            lot.judged_day,
            lot.offer,
            lot.title_offer,
            None if ended is None or aside == Aside.of(ended) else aside,
        )


class Move(Record, frozen=True):
    """What an event did to one lot's heads, and who was entitled to go on from there."""

    event: EventId
    lot: LotId
    sets: Literal["custody", "title", "both"]
    """Which heads of the lot this event became (or would have become)."""
    custody_after: int | None
    title_after: int | None
    """Indexes of the entries that were the heads whose place it took; None for a head it left alone, where a
    lot begins, and where it does not stand. At most one standing move for each lot, head and entry: the
    database holds that too."""
    stands: bool
    custodian: PartyId
    title: PartyId
    giver: PartyId | None = None
    recipient: PartyId | None = None
    late: tuple[KeyId, ...] = ()
    """Keys that have already signed another successor, logged without effect."""
    before: Before | None = None
    """How the lot stood, where a correction may have to bring it back."""


class Changed(Record, frozen=True):
    """What an event did to a lot besides moving it: masses, tags, seals; so that a correction can undo it."""

    event: EventId
    custodian: PartyId
    """Who held the lot then."""
    before: Aside
    after: Aside


class PoolRecord(Record, frozen=True):
    """A pool an event made, for composition. A lot that begins here has none: its record says as much."""

    pool: Pool
