"""Rules on papers and figures from outside: certificates used twice, exports of what a country does not dig."""

from traceability.core.errors import Malformed
from traceability.core.events import Certificate as CertificateEvent
from traceability.core.events import CertificateUse, Export
from traceability.core.ground_records import Certificate, CertificateNumber, Figure, Reference
from traceability.core.ids import LotId
from traceability.core.outcome import Step
from traceability.core.quantity import exact, micrograms
from traceability.core.state import Lot, Party
from traceability.core.tallies import Exports

MONTHS = 36
_MILLION = 1_000_000


def certificate_overdrawn(step: Step, event: Export | CertificateUse) -> None:
    """The exports that name a certificate, or the uses its certifier records, weigh more than it certifies.

    Each sum by itself, by more than `ppm` (5,000): one certificate went with two shipments (F11). Said once, when a sum
    first crosses. Source: the certificate as a quota (ICGLR MD.03, Kimberley). Honest: a draw typed twice, a
    certificate replaced by a larger one that nobody named.
    """
    if isinstance(event, Export):
        named = [draw.certificate for draw in event.body.certificates or ()]
    else:
        named = [event.body.certificate]
    for certificate_id in dict.fromkeys(named):
        now = step.find("certificate", certificate_id, Certificate)
        before = step.before("certificate", certificate_id, Certificate)
        if now is None or before is None:
            continue
        allowed = now.mass_ug * (_MILLION + step.number("thresholds", "certificate_overdrawn", "ppm"))
        for name, sums, known in (("draws", now.draws, before.draws), ("uses", now.uses, before.uses)):
            drawn_ug = sum(draw.mass_ug for draw in sums)
            if drawn_ug * _MILLION > allowed >= sum(draw.mass_ug for draw in known) * _MILLION:
                figures = {"certified_ug": now.mass_ug, f"{name}_ug": drawn_ug}
                earlier = tuple(draw.event for draw in known)
                subjects = [("certificate", certificate_id)]
                step.note("certificate_overdrawn", "severe", subjects, events=earlier, figures=figures)


def certificate_number_used_twice(step: Step, event: CertificateEvent) -> None:
    """Two certificates of one country with one number, the earlier neither void nor replaced.

    A number is unique in its country; a copy with other figures is the commonest forgery (F11). Source: ICGLR MD.03.
    Honest: a typing mistake, which the certifier ends with a `certificate_use`.
    """
    numbered = step.find("certificate_number", f"{event.body.country}:{event.body.number}", CertificateNumber)
    for other_id in numbered.certificates if numbered else ():
        other = step.find("certificate", other_id, Certificate)
        if other is not None and other.event != step.entry.event_id and other.ended_by is None:
            subjects = [("certificate", step.entry.event_id), ("certificate", other.event)]
            figures = {"country": event.body.country, "number": event.body.number}
            step.note(
                "certificate_number_used_twice", "severe", subjects, events=(other.event,), figures=figures
            )


def watch_exports(step: Step, event: Export) -> None:
    """Adds what an exporter sent abroad to the sums of his country, and compares them."""
    exporter = step.find("party", event.actor, Party)
    first = step.before("lot", _first(event), Lot)
    if exporter is None or first is None:
        return
    country, mineral, month = exporter.facts[-1].country, first.mineral, step.day[:7]
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
