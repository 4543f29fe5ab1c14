"""Mass in the fold: readings, what they book, and the pools that keep composition exact.

A lot has an *expected mass*. A reading inside the band changes nothing; outside it the whole difference is
booked, as loss or as unexplained mass, and the expected mass becomes the reading. So drift adds up against
one number through any chain of handoffs and repackings. Gain is also judged from the lowest weighing since
the lot was made, or since such a rise was told of: ore topped up to the tag's weight is the commonest way to
fill a bag.

Whatever changes the expected mass outside a transformation makes a pool of that one lot.
"""

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from traceability.core import balance, bands, quality
from traceability.core.bands import Limits
from traceability.core.composition import (
    POOL_MAX_UG,
    Intake,
    Part,
    Parts,
    Pool,
    Production,
    cuts,
    parts_ug,
    rebooked,
    stretch,
)
from traceability.core.findings import mass as found
from traceability.core.forms import Assay, Moisture, NewLot, Quantity, SortedClass, Weighing
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot, LotItem, PoolRecord, Quality
from traceability.core.outcome import Step, reject
from traceability.core.quantity import micrograms, read_grams, show_grams

BOOKED = ("measured", "counted")
_ALL_WATER = 1_000_000


def leaf_parts(lot: LotId, new: NewLot) -> tuple[Parts, tuple[LotItem, ...]]:
    """What a lot consists of that begins in this ledger: its own leaf pool, followed items first, then the rest."""
    mass_ug = new.weighing.net.mass_ug
    pool = f"{lot}:0"
    if not new.items:
        return (Part(pool, 0, mass_ug),), ()
    masses = [item.mass.mass_ug for item in new.items]
    *spans, rest = cuts(mass_ug, [*masses, max(mass_ug - sum(masses), 0)])
    items = tuple(
        LotItem(item.number, item.mass.mass_ug, Part(pool, *span))
        for item, span in zip(new.items, spans, strict=True)
    )
    return (Part(pool, *rest),) if rest[1] > rest[0] else (), items


def leaf_pool(lot: Lot) -> Pool:
    """The pool of one source behind a lot that began in this ledger; not kept, because the lot says it all.

    Of one source any interval is that source, whatever its mass.
    """
    source = Production(lot.id, lot.site) if lot.whence is None else Intake(lot.id, lot.whence)
    return Pool(f"{lot.id}:0", (source,), (POOL_MAX_UG,))


def class_parts(lot: Lot, classes: Sequence[SortedClass]) -> list[Parts]:
    """What each sorted class of a parcel consists of, in listed order: so the production lots behind each are known.

    The classes divide the parcel by mass, in their order; what is in none of them is the rest. Each is followed back
    by `composition.flatten`.
    """
    parts = (*lot.content, *(item.part for item in lot.items))
    masses = [sorted_.mass.mass_ug for sorted_ in classes]
    rest_ug = max(lot.lowest_ug - sum(masses), 0)
    return [stretch(parts, *span) for span in cuts(lot.expected_ug, [*masses, rest_ug])[:-1]]


class PartOfReading(Weighing):
    """A reading as it concerns some of the lots it lay over; the others, and so their shares, are not known here."""


def share(weighing: Weighing, lots: Mapping[LotId, Lot]) -> dict[LotId, int]:
    """One reading over its lots in micrograms, shared by the Webster rule over their expected masses."""
    named = weighing.lots or []
    if len(named) == 1:
        return {LotId(named[0]): weighing.net.mass_ug}
    return balance.share_reading(weighing.net.mass_ug, {lot: lots[lot].expected_ug for lot in sorted(named)})


def weigh(
    step: Step,
    weighings: Sequence[Weighing] | None,
    lots: Mapping[LotId, Lot],
    standing: Collection[LotId] | None = None,
    *,
    moistures: Sequence[Moisture] | None = None,
    at: str = "handoff",
) -> dict[LotId, Lot]:
    """The lots after these readings; readings on lots not among `lots` reject the event.

    Only lots in `standing` are changed (default: all): a reading tells nothing of a lot the event lost.
    """
    changed = dict(lots)
    water = {lot: moisture.ppm for moisture in moistures or () for lot in moisture.lots}
    for weighing in weighings or ():
        named = weighing.lots or []
        strange = [lot for lot in named if lot not in lots]
        if strange:
            reject(
                "weighing_of_other_lots", f"lot {strange[0]} is weighed here but this event does not move it"
            )
        alone = len(named) == 1 and not isinstance(weighing, PartOfReading)
        own = weighing.net.exact if alone else None
        for lot, reading_ug in share(weighing, changed).items():
            if standing is None or lot in standing:
                moisture_ppm = water.pop(lot, None) if weighing.basis in BOOKED else None
                changed[lot] = read(step, changed[lot], reading_ug, own, weighing, moisture_ppm, at)
    for lot, moisture_ppm in water.items():
        if lot in changed and (standing is None or lot in standing):
            changed[lot] = at_moisture(step, changed[lot], moisture_ppm)
    return changed


def look(
    step: Step,
    lots: Mapping[LotId, Lot],
    standing: Collection[LotId],
    weighings: Sequence[Weighing] | None,
    assays: Sequence[Assay] | None,
    moistures: Sequence[Moisture] | None,
    *,
    at: str = "handoff",
) -> dict[LotId, Lot]:
    """The lots after all that was found out about them on one occasion."""
    seen = weigh(step, weighings, lots, standing, moistures=moistures, at=at)
    if assays is None:
        return seen
    booked = (weighing for weighing in weighings or () if weighing.basis in BOOKED)
    shares = (share(weighing, lots) for weighing in booked)
    weighed_ug = {lot: reading_ug for each in shares for lot, reading_ug in each.items()}
    return quality.learn(step, assays, lots, seen, standing, weighed_ug, at)


def read(
    step: Step,
    lot: Lot,
    reading_ug: int,
    own: int | None,
    weighing: Weighing,
    moisture_ppm: int | None = None,
    at: str = "handoff",
) -> Lot:
    """The lot after one reading; `own` is the exact reading where the lot lay on the scale alone.

    A mass stated or estimated books nothing; that of one lot is compared. The last reading is then no longer its
    own. Where moisture was measured with this reading and before, dry masses are compared: the lot is first put to
    the water it holds now, and what is booked is booked beyond that.
    """
    basis = weighing.basis
    if moisture_ppm == _ALL_WATER:
        moisture_ppm = None
    limits = bands.limits(step, lot.mineral, at)
    usual_ppm = limits.error_ppm["measured"]
    scale_ppm = error_ppm(step, lot.mineral, weighing)
    now_ppm = usual_ppm if scale_ppm is None else scale_ppm
    scales_ppm = now_ppm + (usual_ppm if lot.expected_error_ppm is None else lot.expected_error_ppm)
    lowest_ppm = now_ppm + (usual_ppm if lot.lowest_error_ppm is None else lot.lowest_error_ppm)
    dry = moisture_ppm is not None and _dry_ug(lot) is not None
    if moisture_ppm is not None:
        lot = at_moisture(step, lot, moisture_ppm)
    band = (limits.dry if dry else limits.wet).widened(scales_ppm)
    booking = balance.book(lot.expected_ug, reading_ug, band)
    outside = bool(booking.lost_ug or booking.gain_ug)
    if basis not in BOOKED:
        if own is not None and outside:
            weighed = _weighed(lot, reading_ug, limits, scales_ppm, dry=dry)
            step.notice("mass_said_otherwise", found.mass_said_otherwise(weighed, basis), [("lot", lot.id)])
        return replace(lot, reading=None)
    least_ug = band.least_ug
    if balance.beyond(lot.lowest_ug, reading_ug - lot.lowest_ug, limits.rise_ppm + lowest_ppm, least_ug):
        rise = (limits.rise_ppm, limits.rise_fail_ppm, lowest_ppm, least_ug)
        raised = found.rise_above_lowest(lot.lowest_ug, reading_ug, *rise)
        step.notice("rise_above_lowest", raised, [("lot", lot.id)])
        lot = replace(
            lot, lowest_ug=reading_ug, lowest_error_ppm=scale_ppm
        )  # told: not of each reading from here
    known = lot.quality
    if outside:
        weighed = _weighed(lot, reading_ug, limits, scales_ppm, dry=dry)
        step.notice("mass_lost", found.mass_lost(weighed), [("lot", lot.id)])
        step.notice("mass_gained", found.mass_gained(weighed), [("lot", lot.id)])
        lot = rebook(step, lot, lost_ug=booking.lost_ug, gain_ug=booking.gain_ug)
        lot = replace(lot, expected_error_ppm=scale_ppm)
        if known is not None and not dry:
            known = replace(known, dry_ug=None)
    if moisture_ppm is not None and (not dry or outside):
        # The lesser of the two where neither was dry before: a small gain goes on counting, drying is forgiven.
        least_ug = min(lot.expected_ug, reading_ug)
        known = replace(known or Quality(), dry_ug=balance.dry(least_ug, moisture_ppm))
    reading = show_grams(own) if own else None
    if reading_ug < lot.lowest_ug:
        return replace(lot, lowest_ug=reading_ug, lowest_error_ppm=scale_ppm, reading=reading, quality=known)
    return replace(lot, reading=reading, quality=known)


def _weighed(lot: Lot, reading_ug: int, limits: Limits, scales_ppm: int, *, dry: bool) -> found.Weighed:
    """The comparison as a rule is told of it."""
    warn, fail = (limits.dry, limits.dry_fail) if dry else (limits.wet, limits.wet_fail)
    compared = "dry" if dry else "as_weighed"
    edges = warn.widened(scales_ppm), fail.widened(scales_ppm)
    return found.Weighed(lot.expected_ug, reading_ug, *edges, scales_ppm, compared)


def error_ppm(step: Step, mineral: str, weighing: Weighing) -> int | None:
    """What the scale may err, as marked, or as the policy says where nobody weighed; None: like any unmarked scale."""
    if weighing.scale_error_ppm is not None or weighing.basis == "measured":
        return weighing.scale_error_ppm
    return bands.limits(step, mineral).error_ppm[weighing.basis]


def _dry_ug(lot: Lot) -> int | None:
    return (lot.quality.dry_ug or None) if lot.quality is not None else None


def at_moisture(step: Step, lot: Lot, moisture_ppm: int) -> Lot:
    """The lot, known to hold so much water now: its dry mass stays, what it weighs with the water is expected.

    What dried off is a named loss, what came in is water. Nothing follows from a lot said to be all water.
    """
    known = lot.quality or Quality()
    if moisture_ppm == _ALL_WATER:
        return lot
    if known.dry_ug:
        expected_ug = balance.wet(known.dry_ug, moisture_ppm)
        dried_ug = lot.expected_ug - expected_ug
        if dried_ug and expected_ug and lot.expected_ug:
            lowest_ug = lot.lowest_ug * expected_ug // lot.expected_ug
            water = {"lost_ug": dried_ug} if dried_ug > 0 else {"water_ug": -dried_ug}
            lot = replace(rebook(step, lot, named=True, **water), lowest_ug=lowest_ug)
    else:
        known = replace(known, dry_ug=balance.dry(lot.expected_ug, moisture_ppm))
    return replace(lot, quality=replace(known, moisture_ppm=moisture_ppm))


def take_out(step: Step, lot: Lot, exact: int) -> Lot:
    """The lot less a sample or a spill of so many 1e-16 g: it is expected to weigh that much less from here."""
    mass_ug = micrograms(exact)
    if mass_ug >= lot.expected_ug:
        reject("more_than_the_lot", "what is taken out weighs as much as the lot itself")
    known = lot.quality
    if known is not None and known.dry_ug:
        known = replace(known, dry_ug=known.dry_ug * (lot.expected_ug - mass_ug) // lot.expected_ug)
    lot = replace(rebook(step, lot, lost_ug=mass_ug, named=True), quality=known)
    lowest_ug = max(lot.lowest_ug - mass_ug, 0)
    if lot.reading is None:
        return replace(lot, lowest_ug=lowest_ug)
    reading = read_grams(lot.reading) - exact
    if reading <= 0:
        reject("more_than_the_lot", "what is taken out weighs as much as the lot's last reading")
    return replace(lot, lowest_ug=lowest_ug, reading=show_grams(reading))


def correct(step: Step, lot: Lot, now: Quantity) -> Lot:
    """The lot whose first weighing should have been `now`: the difference is lost, or a gain, from here on.

    For a lot of which that weighing is still all that tells its mass.
    """
    more_ug = now.mass_ug - lot.expected_ug
    if more_ug:
        lot = rebook(step, lot, lost_ug=max(-more_ug, 0), gain_ug=max(more_ug, 0), named=True)
    reading = None if lot.reading is None else show_grams(now.exact)
    known = lot.quality
    if known is not None and known.moisture_ppm is not None and known.dry_ug is not None:
        known = replace(known, dry_ug=balance.dry(now.mass_ug, known.moisture_ppm))
    return replace(lot, lowest_ug=now.mass_ug, reading=reading, quality=known)


def rebook(
    step: Step, lot: Lot, *, lost_ug: int = 0, gain_ug: int = 0, water_ug: int = 0, named: bool = False
) -> Lot:
    """The lot in a pool of its own after loss, gain or water; followed items stay apart as long as the rest bears it.

    `named`: somebody said what became of what was lost, or moisture shows it.
    """
    items = lot.items
    content = lot.content
    if lost_ug and parts_ug(content) <= lost_ug:
        content = (*content, *(item.part for item in items))
        items = ()
    pool_id = f"{lot.id}:{lot.pools + 1}"
    pool, content = rebooked(
        pool_id, lot.id, content, lost_ug=lost_ug, gain_ug=gain_ug, water_ug=water_ug, named=named
    )
    step.put("pool", pool_id, PoolRecord(pool))
    return replace(
        lot,
        content=content,
        items=items,
        expected_ug=parts_ug(content) + parts_ug(tuple(item.part for item in items)),
        pools=lot.pools + 1,
        lost_ug=lot.lost_ug + lost_ug,
        gained_ug=lot.gained_ug + gain_ug + water_ug,
        named_ug=lot.named_ug + (lost_ug if named else 0),
        wetted_ug=lot.wetted_ug + water_ug,
    )
