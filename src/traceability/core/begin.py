"""Lots begin: what a new lot is from its first event on."""

from typing import Literal

from traceability.core import mass
from traceability.core.claims import put_move
from traceability.core.composition import Parts, parts_ug
from traceability.core.forms import NewLot
from traceability.core.ids import PartyId, SiteId
from traceability.core.lot_records import Lot, LotItem
from traceability.core.mass import BOOKED, leaf_parts
from traceability.core.outcome import Step, reject
from traceability.core.quality import declared, judge_declared
from traceability.core.quantity import show_grams
from traceability.core.record import NEW
from traceability.core.registry_records import Mention
from traceability.core.tagging import put_on


def begin(
    step: Step,
    position: int,
    new: NewLot,
    *,
    origin: Literal["production", "intake", "transformation"],
    custodian: PartyId,
    title: PartyId,
    producer: PartyId,
    site: SiteId | None,
    whence: str | None = None,
    day: str | None = None,
    content: Parts | None = None,
    items: tuple[LotItem, ...] = (),
) -> Lot:
    """Makes the lot at `position` of this event's list; `content` is what a transformation put into it."""
    event = step.event
    lot_id = event.made[position]
    known = step.state.find(("lot", lot_id))
    if isinstance(known, Lot):
        reject("lot_known", f"lot {lot_id} exists already; give each new lot a fresh nonce")
    weighing = new.weighing
    mass_ug = weighing.net.mass_ug
    if content is None:
        content, items = leaf_parts(lot_id, new)
    expected_ug = parts_ug(content) + parts_ug(tuple(item.part for item in items))
    error_ppm = mass.error_ppm(step, new.mineral, weighing)
    lot = Lot(
        place=known.place if isinstance(known, Mention) else NEW,
        id=lot_id,
        maker=step.entry.event_id,
        maker_index=step.entry.index,
        position=position,
        origin=origin,
        whence=whence,
        mineral=new.mineral,
        form=new.form,
        site=site,
        producer=producer,
        state="held",
        custodian=custodian,
        title=title,
        custody_head=step.entry.event_id,
        title_head=step.entry.event_id,
        custody_index=step.entry.index,
        title_index=step.entry.index,
        judged_day=day or step.day,
        expected_ug=expected_ug,
        lowest_ug=mass_ug,
        reading=show_grams(weighing.net.exact) if weighing.basis in BOOKED else None,
        content=content,
        items=items,
        count=new.count,
        tags=tuple(new.tags or ()),
        seals=tuple(new.seals or ()),
        lot_number=new.lot_number,
        expected_error_ppm=error_ppm,
        lowest_error_ppm=error_ppm,
        quality=declared(new, expected_ug),
    )
    step.changes["lot", lot_id] = lot
    step.fates[lot_id] = True
    put_move(step, lot, "both", None)
    put_on(step, lot_id, lot.tags)
    judge_declared(step, lot)
    return lot


def begin_nothing(step: Step) -> None:
    """The event's lots do not come to be: it is without effect."""
    for lot_id in step.event.made:
        step.fates[lot_id] = False
    step.stands = False
