"""Lots become other lots: split, combination, processing, repacking.

The numbers close to the microgram: inputs as weighed + additives + stated gain = outputs + named losses,
compared as exact decimal grams before any rounding; stones close by count too. A transformation stands or
falls whole. It makes one pool; what each output consists of is an interval of it. Stones and bars that
were followed before go by number (`share_by` item), the rest by mass.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from traceability.core import balance, origin, processing, quantity
from traceability.core.begin import begin, begin_nothing
from traceability.core.claims import claim, settle
from traceability.core.composition import Parts, mix
from traceability.core.custody_bodies import TransformationBody
from traceability.core.ending import check_holds, end
from traceability.core.errors import Malformed
from traceability.core.events import Transformation
from traceability.core.forms import STONES, NewLot
from traceability.core.ids import LotId, PartyId
from traceability.core.lot_records import Lot, LotItem, PoolRecord
from traceability.core.mass import weigh
from traceability.core.outcome import Step, reject


def apply(step: Step, event: Transformation, *, doubled: bool) -> None:
    """Judges a transformation whose signer has been admitted."""
    body, actor = event.body, event.actor
    if body.for_title is not None:
        step.party(body.for_title)
    claims = claim(
        step,
        on_head=lambda lot, event_id: event_id == lot.custody_head,
        entitled=lambda move: move.sets != "title" and move.custodian == actor,
    )
    inputs = {c.lot.id: c.lot for c in claims}
    for c in claims:
        if c.stale is None:
            check_holds(c.lot, actor)
    _check_closes(body, inputs, {c.lot.id for c in claims if c.stale is not None})
    _check_counts(body, inputs)
    _check_tags_once(body)
    standing = settle(step, claims, doubled=doubled, sets=lambda _: "both", whole=True)
    if not standing:
        begin_nothing(step)
        return
    _check_tags(body, inputs)
    titles = [_title(new, inputs, actor) for new in body.outputs]
    before, inputs = inputs, weigh(step, body.weighings, inputs)
    for c in standing:
        step.put("lot", c.lot.id, inputs[c.lot.id])
        end(step, c)
    made = _make(step, event, inputs, titles)
    processing.judge(step, processing.through(body, inputs, before, made))
    origin.transformed(step, event, inputs)
    if "processor" not in step.party(actor).roles and body.type == "processing":
        step.note("no_processor_role", "notice", [("party", actor)])


def _make(
    step: Step, event: Transformation, inputs: Mapping[LotId, Lot], titles: Sequence[PartyId]
) -> list[Lot]:
    body = event.body
    shares = _share(step, event, inputs)
    producers = {lot.producer for lot in inputs.values()}
    sites = {lot.site for lot in inputs.values()}
    day = max(step.day, *(lot.judged_day for lot in inputs.values()))
    return [
        begin(
            step,
            position,
            new,
            origin="transformation",
            custodian=event.actor,
            title=title,
            producer=next(iter(producers)) if len(producers) == 1 else event.actor,
            site=next(iter(sites)) if len(sites) == 1 else None,
            day=day,
            content=made.content,
            items=made.items,
        )
        for position, (new, title, made) in enumerate(zip(body.outputs, titles, shares, strict=True))
    ]


def _check_closes(body: TransformationBody, inputs: Mapping[LotId, Lot], stale: Collection[LotId]) -> None:
    """Rejects lines that do not add up. What a stale input last weighed when this was signed nobody can say."""
    weighed = {lot for weighing in body.weighings or () for lot in weighing.lots or ()}
    strange = weighed - set(inputs)
    if strange:
        reject("weighing_of_other_lots", f"lot {min(strange)} is weighed here but is no input")
    if set(stale) - weighed:
        return
    into = [weighing.net.exact for weighing in body.weighings or ()]
    for lot in inputs.values():
        if lot.id not in weighed:
            if lot.reading is None:
                reject(
                    "weigh_inputs",
                    f"lot {lot.id} must be weighed now: its last reading was shared, stated or estimated",
                )
            into.append(quantity.read_grams(lot.reading))
    difference = balance.unclosed(
        into,
        (additive.mass.exact for additive in body.additives or ()),
        body.gain.exact if body.gain else 0,
        (new.weighing.net.exact for new in body.outputs),
        (loss.mass.exact for loss in body.losses or ()),
    )
    if difference:
        grams = quantity.show_grams(abs(difference))
        more = "inputs exceed outputs and losses" if difference > 0 else "outputs and losses exceed inputs"
        reject("does_not_close", f"{more} by {grams} g: name the loss, or state the gain")


def _check_counts(body: TransformationBody, inputs: Mapping[LotId, Lot]) -> None:
    stones = all(lot.mineral in STONES for lot in inputs.values())
    if not stones or "cut" in (body.steps or ()):
        return
    into = sum(lot.count or 0 for lot in inputs.values())
    out = sum(new.count or 0 for new in body.outputs) + sum(loss.count or 0 for loss in body.losses or ())
    if into != out:
        reject(
            "count_does_not_close", f"{into} stones went in and {out} came out or were lost: name them all"
        )


def _check_tags_once(body: TransformationBody) -> None:
    tags = [tag for new in body.outputs for tag in new.tags or ()]
    if len(set(tags)) != len(tags):
        reject("tag_twice", "one tag stands on two outputs")


def _check_tags(body: TransformationBody, inputs: Mapping[LotId, Lot]) -> None:
    held = {tag for lot in inputs.values() for tag in lot.tags}
    kept = [held & set(new.tags or ()) for new in body.outputs]
    if any(kept) and (len(inputs) > 1 or sum(map(bool, kept)) > 1):
        tag = min(set().union(*kept))
        reject("tag_of_an_input", f"{tag} can stay only on the rest of the one lot it was on")


def _title(new: NewLot, inputs: Mapping[LotId, Lot], actor: PartyId) -> PartyId:
    holders = {lot.title for lot in inputs.values()}
    if new.title is not None:
        if new.title not in holders:
            reject("stranger_as_title_holder", "title names a holder of title in one of the inputs")
        return new.title
    if len(holders) > 1:
        reject("title_needed", "the inputs belong to different parties: say who holds title in each output")
    return next(iter(holders), actor)


class Share(NamedTuple):
    """What one output consists of."""

    content: Parts
    items: tuple[LotItem, ...]


def _share(step: Step, event: Transformation, inputs: Mapping[LotId, Lot]) -> list[Share]:
    """Cuts the pool of the inputs for the outputs: new items first, then the rest of each, then the losses."""
    body = event.body
    carried = _carried(body, inputs) if body.share_by == "item" else {}
    sources = []
    for lot_id in sorted(inputs):
        lot = inputs[lot_id]
        parts = (*lot.content, *(item.part for item in lot.items if item.number not in carried))
        sources.append((lot_id, parts))
    typed: list[int] = []
    for new in body.outputs:
        fresh = [item for item in new.items or () if item.number not in carried]
        rest = new.weighing.net.mass_ug - sum(item.mass.mass_ug for item in new.items or ())
        typed.extend(item.mass.mass_ug for item in fresh)
        typed.append(max(rest, 0))
    additives = [(additive.material, additive.mass.mass_ug) for additive in body.additives or ()]
    gain_ug = body.gain.mass_ug if body.gain else 0
    losses = [loss.mass.mass_ug for loss in body.losses or ()]
    if not any(typed) and not any(losses):
        losses = [1]  # everything followed goes on by number: what the rest was expected to be is nowhere
    try:
        pool, parts_made = mix(step.entry.event_id, sources, additives, gain_ug, typed, losses)
    except Malformed as error:
        reject("more_than_a_pool", str(error))
    step.put("pool", pool.id, PoolRecord(pool))
    cuts = iter(parts_made)
    shares = []
    for new in body.outputs:
        items = []
        for item in new.items or ():
            known = carried.get(item.number)
            items.append(known or LotItem(item.number, item.mass.mass_ug, next(cuts)))
        rest_part = next(cuts)
        content = (rest_part,) if rest_part.end > rest_part.start else ()
        shares.append(Share(content, tuple(items)))
    return shares


def _carried(body: TransformationBody, inputs: Mapping[LotId, Lot]) -> dict[str, LotItem]:
    followed: dict[str, LotItem] = {}
    for lot in inputs.values():
        for item in lot.items:
            if item.number in followed:
                reject("item_number_twice", f"two inputs have a followed item numbered {item.number}")
            followed[item.number] = item
    out = [item.number for new in body.outputs for item in new.items or ()]
    if len(set(out)) != len(out):
        reject("item_number_twice", "one followed item stands in two outputs")
    return {number: followed[number] for number in out if number in followed}
