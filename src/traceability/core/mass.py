"""Mass in the fold: readings, what they book, and the pools that keep composition exact.

A lot has an *expected mass*. A reading inside the band changes nothing; outside it the whole difference is
booked, as loss or as unexplained mass, and the expected mass becomes the reading. So drift adds up against
one number through any chain of handoffs and repackings. Gain is also judged from the lowest weighing since
the lot was made: ore topped up to the tag's weight is the commonest way to fill a bag.

Whatever changes the expected mass outside a transformation makes a pool of that one lot.
"""

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from traceability.core import balance
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
)
from traceability.core.forms import NewLot, Quantity, Weighing
from traceability.core.ids import LotId
from traceability.core.outcome import Step, reject
from traceability.core.quantity import micrograms, read_grams, show_grams
from traceability.core.state import Lot, LotItem, PoolRecord

BOOKED = ("measured", "counted")


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
) -> dict[LotId, Lot]:
    """The lots after these readings; readings on lots not among `lots` reject the event.

    Only lots in `standing` are changed (default: all): a reading tells nothing of a lot the event lost.
    """
    changed = dict(lots)
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
                changed[lot] = read(step, changed[lot], reading_ug, own, weighing.basis)
    return changed


def read(step: Step, lot: Lot, reading_ug: int, own: int | None, basis: str) -> Lot:
    """The lot after one reading; `own` is the exact reading where the lot lay on the scale alone.

    A mass stated or estimated books nothing; that of one lot is compared. The last reading is then no longer its own.
    """
    booking = balance.book(lot.expected_ug, reading_ug)
    if basis not in BOOKED:
        if own is not None and (booking.lost_ug or booking.gain_ug):
            figures = {"basis": basis, "expected_ug": lot.expected_ug, "reading_ug": reading_ug}
            step.note("mass_said_otherwise", "notice", [("lot", lot.id)], figures=figures)
        return replace(lot, reading=None)
    if balance.above_lowest(lot.lowest_ug, reading_ug):
        figures = {"lowest_ug": lot.lowest_ug, "reading_ug": reading_ug}
        step.note("rise_above_lowest", "warning", [("lot", lot.id)], figures=figures)
    if booking.lost_ug or booking.gain_ug:
        figures = {"expected_ug": lot.expected_ug, "reading_ug": reading_ug}
        rule = "mass_lost" if booking.lost_ug else "mass_gained"
        step.note(rule, "warning", [("lot", lot.id)], figures=figures)
        lot = rebook(step, lot, lost_ug=booking.lost_ug, gain_ug=booking.gain_ug)
    return replace(lot, lowest_ug=min(lot.lowest_ug, reading_ug), reading=show_grams(own) if own else None)


def take_out(step: Step, lot: Lot, exact: int) -> Lot:
    """The lot less a sample or a spill of so many 1e-16 g: it is expected to weigh that much less from here."""
    mass_ug = micrograms(exact)
    if mass_ug >= lot.expected_ug:
        reject("more_than_the_lot", "what is taken out weighs as much as the lot itself")
    lot = rebook(step, lot, lost_ug=mass_ug)
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
        lot = rebook(step, lot, lost_ug=max(-more_ug, 0), gain_ug=max(more_ug, 0))
    reading = None if lot.reading is None else show_grams(now.exact)
    return replace(lot, lowest_ug=now.mass_ug, reading=reading)


def rebook(step: Step, lot: Lot, *, lost_ug: int = 0, gain_ug: int = 0) -> Lot:
    """The lot in a pool of its own after loss or gain; followed items stay apart as long as the rest bears it."""
    items = lot.items
    content = lot.content
    if lost_ug and parts_ug(content) <= lost_ug:
        content = (*content, *(item.part for item in items))
        items = ()
    pool_id = f"{lot.id}:{lot.pools + 1}"
    kept_ug = parts_ug(content) - lost_ug
    pool, content = rebooked(pool_id, lot.id, content, kept_ug, lost_ug, gain_ug)
    step.put("pool", pool_id, PoolRecord(pool))
    return replace(
        lot,
        content=content,
        items=items,
        expected_ug=parts_ug(content) + parts_ug(tuple(item.part for item in items)),
        pools=lot.pools + 1,
        lost_ug=lot.lost_ug + lost_ug,
        gained_ug=lot.gained_ug + gain_ug,
    )
