"""What a lot, its history and its lineage are as JSON."""

from collections.abc import Mapping
from typing import Any, Literal, Self

import msgspec

from traceability.api.views import Day, FindingView, Hex, Id, Mass, Time, View
from traceability.core.composition import Origin
from traceability.core.lot_records import Lot, Offer, Quality


class OfferView(View, frozen=True):
    """What stands open between giver and recipient."""

    event: Hex
    giver: Id
    recipient: Id
    moves: Literal["both", "custody", "title"]
    accept_by: Day

    @classmethod
    def of(cls, offer: Offer | None) -> "OfferView | None":
        if offer is None:
            return None
        return cls(
            event=offer.event,
            giver=offer.giver,
            recipient=offer.recipient,
            moves=offer.moves,
            accept_by=offer.accept_by,
        )


class ItemView(View, frozen=True):
    """A stone or bar followed by itself."""

    number: str
    mass: Mass


class GradeView(View, frozen=True):
    """What decides how much of one substance a lot holds: the newest figure of the best method so far."""

    analyte: str
    ppm: int
    on: Literal["dry", "as_is"]
    method: str
    error_ppm: int | None = None


class SinceMade(View, frozen=True):
    """What became of a lot's mass: made + gained = lost + expected."""

    made: Mass
    gained: Mass
    lost: Mass
    unexplained: Mass
    """What of the gain nothing names."""
    missing: Mass
    """What of the loss nothing names."""

    @classmethod
    def of(cls, lot: Lot) -> "SinceMade":
        return cls(
            made=Mass.of(lot.made_ug),
            gained=Mass.of(lot.gained_ug),
            lost=Mass.of(lot.lost_ug),
            unexplained=Mass.of(lot.unexplained_ug),
            missing=Mass.of(lot.missing_ug),
        )


class LotView(View, frozen=True):
    """A lot as it stands."""

    lot: Id
    mineral: str
    form: str
    origin: Literal["production", "intake", "transformation"]
    state: Literal["held", "offered", "exported", "ended"]
    custodian: Id
    title: Id
    producer: Id
    expected_mass: Mass
    """What it should weigh by its last reading and what was booked since."""
    made_by: Hex
    made_at: int
    """Index of the entry that made it."""
    custody_head: Hex
    """The event that moved custody last: what the next one names under `previous`."""
    title_head: Hex
    entries: int
    """How many entries of the log are about it."""
    finding_count: int
    site: Id | None = None
    lot_number: str | None = None
    count: int | None = None
    items: list[ItemView] = msgspec.field(default_factory=list)
    tags: list[str] = msgspec.field(default_factory=list)
    seals: list[str] = msgspec.field(default_factory=list)
    offer: OfferView | None = None
    title_offer: OfferView | None = None
    importer: Id | None = None
    ended_by: Hex | None = None
    disputed: list[Hex] = msgspec.field(default_factory=list)
    """Entries without effect that nothing has settled yet."""
    since_made: SinceMade | None = None
    """What was booked on it since it was made, if anything was."""
    grades: list[GradeView] = msgspec.field(default_factory=list)
    moisture_ppm: int | None = None
    """Water as it was measured last."""
    open_reports: int | None = None
    """How many reports about it, its site, its tags or whoever has it nobody has settled; of one lot alone."""
    serious_reports: int | None = None
    """How many of them are serious."""

    @classmethod
    def of(cls, lot: Lot) -> Self:
        quality = lot.quality or Quality()
        return cls(
            lot=lot.id,
            mineral=lot.mineral,
            form=lot.form,
            origin=lot.origin,
            state=lot.state,
            custodian=lot.custodian,
            title=lot.title,
            producer=lot.producer,
            expected_mass=Mass.of(lot.expected_ug),
            made_by=lot.maker,
            made_at=lot.maker_index,
            custody_head=lot.custody_head,
            title_head=lot.title_head,
            entries=lot.place.count,
            finding_count=lot.place.finding_count,
            site=lot.site,
            lot_number=lot.lot_number,
            count=lot.count,
            items=[ItemView(number=item.number, mass=Mass.of(item.mass_ug)) for item in lot.items],
            tags=list(lot.tags),
            seals=list(lot.seals),
            offer=OfferView.of(lot.offer),
            title_offer=OfferView.of(lot.title_offer),
            importer=lot.importer,
            ended_by=lot.ended_by,
            disputed=list(lot.disputed),
            since_made=SinceMade.of(lot) if lot.gained_ug or lot.lost_ug else None,
            grades=[
                GradeView(
                    analyte=grade.analyte,
                    ppm=grade.ppm,
                    on="dry" if grade.dry else "as_is",
                    method=grade.method,
                    error_ppm=grade.error_ppm,
                )
                for grade in quality.grades
            ],
            moisture_ppm=quality.moisture_ppm,
        )


class LotList(View, frozen=True):
    """Lots the reader may open; `next` is the cursor of the page after this one."""

    lots: list[LotView]
    next: str | None = None


class HistoryEntry(View, frozen=True):
    """One entry about a lot."""

    index: int
    event_id: Hex
    record_time: Time
    kind: str
    party: Id
    """Who signed."""
    stands: bool
    """Whether it stands on this lot."""
    event: str
    """The signed payload, as its canonical JSON text."""
    findings: list[FindingView] = msgspec.field(default_factory=list)
    disclosures: list[tuple[str, str, Any]] = msgspec.field(default_factory=list)
    withheld: list[str] = msgspec.field(default_factory=list)
    """Paths of sealed values that a redaction has erased."""


class History(View, frozen=True):
    """The entries about a lot, oldest first; `next` is the cursor of the later ones."""

    lot: Id
    entries: list[HistoryEntry]
    next: str | None = None


class LineageLot(View, frozen=True):
    """A lot in a lineage."""

    lot: Id
    mineral: str
    form: str
    origin: Literal["production", "intake", "transformation"]
    state: Literal["held", "offered", "exported", "ended"]
    producer: Id
    made_by: Hex
    made_at: int
    mass: Mass
    site: Id | None = None
    finding_count: int = 0

    @classmethod
    def of(cls, lot: Lot) -> Self:
        return cls(
            lot=lot.id,
            mineral=lot.mineral,
            form=lot.form,
            origin=lot.origin,
            state=lot.state,
            producer=lot.producer,
            made_by=lot.maker,
            made_at=lot.maker_index,
            mass=Mass.of(lot.expected_ug),
            site=lot.site,
            finding_count=lot.place.finding_count,
        )


class Share(View, frozen=True):
    """How much of the lots asked about begins at one place. `ppm` of the whole, cut off."""

    source: Literal["site", "no_site", "intake", "additive", "gain"]
    mass: Mass
    ppm: int
    id: str | None = None
    """Of the site; for the others why or what it is."""

    @classmethod
    def all_of(cls, composition: Mapping[Origin, int]) -> "list[Share]":
        """A composition by where ore begins, the largest share first."""
        whole = sum(composition.values())
        shares = sorted(composition.items(), key=lambda share: (-share[1], share[0]))
        return [
            cls(
                source=origin.kind,
                mass=Mass.of(mass_ug),
                ppm=mass_ug * 1_000_000 // whole,
                id=origin.id or None,
            )
            for origin, mass_ug in shares
        ]


class LineageView(View, frozen=True):
    """Where lots come from, or what became of them. Each edge goes from a lot to one made out of it."""

    lots: list[Id]
    nodes: list[LineageLot]
    edges: list[tuple[str, str]]
    composition: list[Share] = msgspec.field(default_factory=list)
    """The lots asked about, by where ore begins; for the way back only."""
    too_finely_mixed: bool = False
    """The composition was left out: working it out would take too much."""
    should_weigh: Mass | None = None
    """What the lots asked about should weigh together, where a mass behind them was put right too late to count."""
