"""Rules on figures from outside: exports of what a country does not dig."""

from traceability.core.errors import Malformed
from traceability.core.events import Export
from traceability.core.ground_facts import facts_on
from traceability.core.ground_records import Figure, Reference
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.quantity import exact, micrograms
from traceability.core.registry_records import Party
from traceability.core.tallies import Exports

MONTHS = 36
_MILLION = 1_000_000


def watch_exports(step: Step, event: Export) -> None:
    """Adds what an exporter sent abroad to the sums of his country, and compares them."""
    exporter = step.find("party", event.actor, Party)
    first = step.before("lot", _first(event), Lot)
    if exporter is None or first is None:
        return
    country, mineral, month = facts_on(exporter.facts, step.day).country, first.mineral, step.day[:7]
    mass_ug = sum(weighing.net.mass_ug for weighing in event.body.weighings)
    id_ = f"exports:{country}:{mineral}"
    known = step.find("tally", id_, Exports) or Exports()
    sums = dict(known.months)
    sums[month] = sums.get(month, 0) + mass_ug
    exports = Exports(tuple(sorted(sums.items())[-MONTHS:]), known.said)
    step.put("tally", id_, exports_above_production(step, event, country, mineral, exports))


def _first(event: Export) -> LotId:
    return event.moved[0][1]


def exports_above_production(
    step: Step, event: Export, country: str, mineral: str, exports: Exports
) -> Exports:
    """A country's exporters sent out more of a mineral in a time than it is said to produce, by `ppm` (1,100,000).

    Months are counted whole, against the newest `reference` of type production whose time holds this day. Ore of a
    neighbour is sold as one's own (F13). Source: OECD guidance, Annex II, and its red flags of origin. Honest: a
    figure of metal held against ore, stocks of the year before; each figure names its source.
    """
    reference = step.find("reference", f"production:{mineral}:{country}:", Reference)
    figure = next(
        (
            each
            for each in reversed(reference.figures if reference else ())
            if each.since <= step.day <= each.until
        ),
        None,
    )
    produced_ug = None if figure is None else _mass_of(figure)
    if figure is None or produced_ug is None or exports.said == figure.event:
        return exports
    sent_ug = sum(mass for month, mass in exports.months if figure.since[:7] <= month <= figure.until[:7])
    if sent_ug * _MILLION <= produced_ug * step.number("thresholds", "exports_above_production", "ppm"):
        return exports
    figures = {"country": country, "exported_ug": sent_ug, "from": figure.since, "produced_ug": produced_ug}
    subjects = [("party", event.actor)]
    step.note("exports_above_production", "warning", subjects, events=(figure.event,), figures=figures)
    return Exports(exports.months, figure.event)


def _mass_of(figure: Figure) -> int | None:
    """The mass a figure states; None where its unit is none of mass."""
    try:
        return micrograms(exact(figure.unit, figure.value))
    except Malformed:
        return None
