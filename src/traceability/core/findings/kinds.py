"""Rules on what an event says of its own lots that cannot be: another mineral, another's heading, too many hands.

Local: they read the event and the records it is judged on, so every verifier finds the same.
"""

from collections.abc import Mapping

from traceability.core.custody_bodies import new_lots
from traceability.core.events import Event, Production, Transformation
from traceability.core.findings.raised import Severity
from traceability.core.ground_facts import facts_on
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.registry_records import Party

HEADINGS: Mapping[str, frozenset[str]] = {
    "cassiterite": frozenset({"2609", "8001", "2620"}),
    "coltan": frozenset({"2615", "2620"}),
    "wolframite": frozenset({"2611", "2620"}),
    "gold": frozenset({"7108", "2616", "7112"}),
    "cobalt": frozenset({"2605", "2822", "8105"}),
    "copper": frozenset({"2603", "7401", "7402", "7403", "7404"}),
    "diamond": frozenset({"7102"}),
    "ruby": frozenset({"7103"}),
    "sapphire": frozenset({"7103"}),
    "emerald": frozenset({"7103"}),
    "tourmaline": frozenset({"7103"}),
    "other_stone": frozenset({"7103"}),
}
"""Headings of the Harmonized System under which a mineral, its metal and its slag are traded."""


def look_at_kinds(step: Step, event: Event) -> None:
    """Asks these rules about an event that makes lots."""
    if not event.made or not step.stands:
        return
    hs_of_another_mineral(step, event)
    if isinstance(event, Transformation):
        mineral_changed(step, event)
    if isinstance(event, Production):
        more_workers_than_members(step, event)


def hs_of_another_mineral(step: Step, event: Event) -> None:
    """A lot under a customs heading that is not one of its mineral's.

    Coltan goes as cassiterite, where duty or origin is easier (F16). Source: Harmonized System, chapters 26 and 71. Honest:
    a figure mistyped.
    """
    for lot, new in zip(event.made, new_lots(event.body), strict=True):
        headings = HEADINGS.get(new.mineral)
        if new.hs is not None and headings is not None and new.hs[:4] not in headings:
            figures = {"hs": new.hs, "mineral": new.mineral}
            step.note("hs_of_another_mineral", "warning", [("lot", lot)], figures=figures)


def mineral_changed(step: Step, event: Transformation) -> None:
    """An output of another mineral than any input.

    Splitting and repacking cannot do that; a notice where it was processed, for two minerals of one ore are parted so
    (F16). Honest: mixed ore, whose second mineral nobody had named.
    """
    inputs = {lot.mineral for _, id_ in event.moved if (lot := step.before("lot", id_, Lot)) is not None}
    for lot_id, new in zip(event.made, event.body.outputs, strict=True):
        if inputs and new.mineral not in inputs:
            figures = {"from": ", ".join(sorted(inputs)), "mineral": new.mineral}
            severity: Severity = "notice" if event.body.type == "processing" else "warning"
            step.note("mineral_changed", severity, [("lot", lot_id)], figures=figures)


def more_workers_than_members(step: Step, event: Production) -> None:
    """More people dug than the team or cooperative has members, by `ppm` (2,000,000: twice as many).

    Names that dig on paper (F15), or output that needs more hands than there are (F2). Source: enrolment, `members`.
    Honest: day labourers, a membership that grew since it was enrolled.
    """
    producer = step.find("party", event.body.producer or event.actor, Party)
    members = facts_on(producer.facts, step.day).members if producer is not None else None
    workers = event.body.workers
    if workers is None or members is None or workers <= members:
        return
    if workers * 1_000_000 > members * step.number("thresholds", "more_workers_than_members", "ppm"):
        figures = {"members": members, "workers": workers}
        subjects = [("lot", lot) for lot in event.made]
        step.note("more_workers_than_members", "notice", subjects, figures=figures)
