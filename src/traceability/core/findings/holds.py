"""Rules about holds: ore that was moved, used up or tagged anew while somebody had put a hold on it.

A hold never rejects such an event: the truth would go off the ledger. It is on a lot, on its site, on whoever
holds or owns it, on a region or on a tag. A tag's own entries do not travel with evidence, so what a hold on a tag
says needs the whole log.
"""

from collections.abc import Iterable

from traceability.core.concern_records import Hold
from traceability.core.concerns import around, holds_on
from traceability.core.findings.raised import Raised
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.record import Address


def moved_under_hold(hold: Hold, event_time: str) -> Raised | None:
    """A lot was moved under a hold (F6, F13): severe, if the event is not dated before the hold.

    Dated before it and recorded after it is a notice: the signer could not know, or dated it so. Source: national
    law on seizure, pledge, investigation. Honest: the hold was lifted and the release is not entered.
    Of a lot that bears a tag under hold (F1: stolen tags) the finding is `tag_under_hold`.
    """
    before = event_time < hold.since
    figures = {"ground": hold.ground, "hold": hold.event, "hold_placed": hold.since}
    return Raised("notice" if before else "severe", figures)


def note_moved(step: Step, lots: Iterable[LotId]) -> None:
    """Notes the holds that these lots, as they stood before, were moved under."""
    if step.state.whole and not step.ledger().held:
        return
    around_it: dict[EventId, tuple[Hold, list[Address]]] = {}
    on_tags: dict[EventId, tuple[Hold, list[Address]]] = {}
    region = step.event.body.region
    here = holds_on(step, ("region", region)) if region is not None else []
    for lot_id in lots:
        lot = step.state.find(("lot", lot_id))
        if not isinstance(lot, Lot):
            continue
        for hold in (*here, *holds_on(step, *around(step, lot))):
            around_it.setdefault(hold.event, (hold, []))[1].append(("lot", lot_id))
        for hold in holds_on(step, *(("tag", tag) for tag in lot.tags)) if step.state.whole else ():
            on_tags.setdefault(hold.event, (hold, []))[1].append(("lot", lot_id))
    for hold, about in around_it.values():
        step.notice("moved_under_hold", moved_under_hold(hold, step.event.event_time), about)
    for hold, about in on_tags.values():
        step.notice("tag_under_hold", moved_under_hold(hold, step.event.event_time), about)
