"""Rules about export certificates: what they say against the lots, and what is drawn against what they say.

A certificate is a quota of mass, for some lots of one exporter, for a time. It is reused (F11) by drawing more
than it has, by drawing after its time or after it was ended, and by carrying other lots under it. Honest
explanations are a misprint in the number, a weighing between certificate and export, a certificate that was
approved a little too late.

What one export or one lot shows is local; sums over all lots or all exports of a certificate, and numbers that stand
twice, need the whole log.
"""

from collections.abc import Collection, Iterable, Sequence

from traceability.core import policy
from traceability.core.authority import TYPED_DAYS, later_day
from traceability.core.composition import Additive, FromLot, Gain, Intake, Pool, Production
from traceability.core.custody_bodies import Confirmed, IntakeBody
from traceability.core.events import Export
from traceability.core.findings.raised import Severity
from traceability.core.ground_records import Certificate
from traceability.core.ids import EventId, LotId, PartyId
from traceability.core.lot_records import Lot, PoolRecord
from traceability.core.mass import leaf_pool
from traceability.core.outcome import Step
from traceability.core.record import Address
from traceability.core.registry_records import Site

POOLS_MAX = 5_000
"""How many pools are followed back from the lots of one certificate; of ore mixed more finely nothing is said."""
_MAKERS_MAX = 100
UNKNOWN = "0"
"""The country of ore of which nobody says where it is from, as certificates write it."""


# At its issue


def certificate_number_used_twice(step: Step, own: EventId, others: Iterable[EventId]) -> None:
    """Global, F11: another certificate of this country has this number and was not ended."""
    for event in others:
        other = step.find("certificate", event, Certificate)
        if step.state.whole and other is not None and other.ended_by is None:
            figures = {"country": other.country, "number": other.number}
            about = _about(own, event)
            step.note("certificate_number_used_twice", "severe", about, events=(event,), figures=figures)
            return


def certificate_mass_off(step: Step, record: Certificate, lots: Sequence[Lot]) -> None:
    """Global, F11: the lots together are expected to weigh otherwise than certified, by more than `ppm`."""
    expected_ug = sum(lot.expected_ug for lot in lots)
    if step.state.whole and _off(step, "certificate_mass_off", record, expected_ug):
        figures = {"certified_ug": record.mass_ug, "expected_ug": expected_ug}
        step.note("certificate_mass_off", "warning", _about(record.event), figures=figures)


def certificate_of_another_mineral(step: Step, record: Certificate, lots: Iterable[Lot]) -> None:
    """Local, F16: a lot is recorded as another mineral than the certificate names."""
    for lot in lots:
        if lot.mineral != record.mineral:
            figures = {"certified": record.mineral, "recorded": lot.mineral}
            step.note(
                "certificate_of_another_mineral",
                "warning",
                _about(record.event, lots=[lot.id]),
                figures=figures,
            )


def certificate_origin_left_out(step: Step, record: Certificate, lots: Iterable[Lot]) -> set[str] | None:
    """Local, F2 and F13: a lot has ore of a country, or of no known one (0), that the certificate does not name.

    Every pool behind the lot counts as in it; stated gains and additives do not. Ore of no registered site is of the
    country in whose region it was produced. Gives all countries found, None where the ore is mixed too finely
    (POOLS_MAX). A chain of mixing that nobody recorded leaves no trace here.
    """
    found: set[str] = set()
    known: dict[str, frozenset[str]] = {}
    for lot in lots:
        countries = _countries(step, lot, known)
        if countries is None:
            return None
        found |= countries
        left_out = sorted(countries - set(record.origins))
        if left_out:
            figures = {"certified": ";".join(sorted(record.origins)), "left_out": ";".join(left_out)}
            subjects = _about(record.event, lots=[lot.id])
            step.note("certificate_origin_left_out", "severe", subjects, figures=figures)
    return found


def certificate_origin_unsupported(step: Step, record: Certificate, found: Collection[str] | None) -> None:
    """Global: the certificate names a country that none of its lots has ore of: too careful, or a cover."""
    if not step.state.whole or found is None:
        return
    unsupported = sorted(set(record.origins) - set(found) - {UNKNOWN})
    if unsupported:
        figures = {"unsupported": ";".join(unsupported)}
        step.note("certificate_origin_unsupported", "notice", _about(record.event), figures=figures)


# When it is drawn on or used


def certificate_not_approved(step: Step, record: Certificate, lots: Collection[LotId] = ()) -> None:
    """Local, F11: no second officer had approved it by then."""
    if record.valid_by is None:
        step.note("certificate_not_approved", "severe", _about(record.event, lots=lots))


def certificate_ended(step: Step, record: Certificate, lots: Collection[LotId] = ()) -> None:
    """Local, F11: it was void or replaced by then."""
    if record.ended_by is not None:
        about = _about(record.event, lots=lots)
        step.note("certificate_ended", "severe", about, events=(record.ended_by,))


def certificate_out_of_dates(step: Step, record: Certificate, lots: Collection[LotId] = ()) -> None:
    """Local, F11: the judged day lies before its issue or after its expiry, by more than a typed date may."""
    if not later_day(record.since, -TYPED_DAYS) <= step.day <= later_day(record.until, TYPED_DAYS):
        figures = {"day": step.day, "expires": record.until, "issued": record.since}
        about = _about(record.event, lots=lots)
        step.note("certificate_out_of_dates", "severe", about, figures=figures)


def certificate_overdrawn(step: Step, before: Certificate, now: Certificate) -> None:
    """Global, F11: the exports that name it, or the certifier's uses, take more than was certified, by `ppm`.

    Said once, when a sum first crosses.
    """
    if not step.state.whole:
        return
    ppm = policy.number(
        step.policy, "thresholds", "certificate_overdrawn", "ppm", mineral=now.mineral, country=now.country
    )
    allowed = now.mass_ug * (1_000_000 + ppm)
    for name, taken, known in (("draws", now.drawn, before.drawn), ("uses", now.used, before.used)):
        if taken.mass_ug * 1_000_000 > allowed >= known.mass_ug * 1_000_000:
            figures = {"certified_ug": now.mass_ug, f"{name}_ug": taken.mass_ug}
            about = _about(now.event)
            step.note("certificate_overdrawn", "severe", about, events=known.events, figures=figures)


def certificate_of_another_exporter(
    step: Step, record: Certificate, exporter: PartyId, lots: Collection[LotId]
) -> None:
    """Local, F11: another party exports under it than it names."""
    if exporter != record.exporter:
        figures = {"certified": record.exporter, "exporter": exporter}
        about = _about(record.event, lots=lots)
        step.note("certificate_of_another_exporter", "severe", about, figures=figures)


def lot_not_on_certificate(step: Step, records: Sequence[Certificate], lots: Iterable[Lot]) -> None:
    """Local, F11: a lot leaves under certificates none of which names it, nor all that it was made of."""
    named = {lot for record in records for lot in record.lots}
    certificates = [record.event for record in records]
    for lot in lots:
        if not _is_covered(step, lot, named):
            step.note("lot_not_on_certificate", "severe", _about(*certificates, lots=[lot.id]))


def draw_mass_off(step: Step, event: Export, record: Certificate) -> None:
    """Global, F11: what one export draws in all is not what it weighed, by more than `ppm`."""
    drawn_ug = sum(draw.mass.mass_ug for draw in event.body.certificates or ())
    weighed_ug = sum(weighing.net.mass_ug for weighing in event.body.weighings)
    if step.state.whole and _off(step, "draw_mass_off", record, weighed_ug, drawn_ug):
        figures = {"drawn_ug": drawn_ug, "weighed_ug": weighed_ug}
        step.note("draw_mass_off", "warning", _about(record.event), figures=figures)


def use_mass_off(step: Step, record: Certificate, export: Export, used_ug: int) -> None:
    """Local, F11: the certifier records another mass for an export than that export draws."""
    draws = (each.mass.mass_ug for each in export.body.certificates or () if each.certificate == record.event)
    drawn_ug = sum(draws)
    if _off(step, "use_mass_off", record, used_ug, drawn_ug):
        step.note(
            "use_mass_off",
            "warning",
            _about(record.event),
            figures={"drawn_ug": drawn_ug, "used_ug": used_ug},
        )


# When it arrives


def arrival_differs(
    step: Step, confirmed: Confirmed, exports: Sequence[Export], lots: Collection[LotId]
) -> None:
    """Global, F11 and F12: the confirmation from abroad has another number, parcels or mass than what left.

    Compared with the certificates the exports name; parcels and mass where all that left has come. Severe; a warning
    where all that differs is that less came: ore dries and spills on the way.
    """
    if not step.state.whole:
        return
    whole = {lot for export in exports for _, lot in export.moved} <= set(lots)
    drawn_ug = 0
    records = []
    for export in exports:
        for draw in export.body.certificates or ():
            drawn_ug += draw.mass.mass_ug
            record = step.find("certificate", draw.certificate, Certificate)
            if record is not None:
                records.append(record)
    if not records:
        return
    figures: dict[str, object] = {}
    if confirmed.certificate is not None and confirmed.certificate not in {each.number for each in records}:
        figures |= {"number": confirmed.certificate, "numbers": ";".join(sorted({r.number for r in records}))}
    parcels = [record.parcels for record in records if record.parcels is not None]
    if whole and confirmed.parcels is not None and parcels and confirmed.parcels != sum(parcels):
        figures |= {"parcels": confirmed.parcels, "parcels_certified": sum(parcels)}
    severity: Severity = "severe" if figures else "warning"
    arrived = confirmed.mass if whole else None
    if arrived is not None and _off(step, "arrival_differs", records[0], arrived.mass_ug, drawn_ug):
        figures |= {"arrived_ug": arrived.mass_ug, "drawn_ug": drawn_ug}
        severity = "severe" if arrived.mass_ug > drawn_ug else severity
    if figures:
        about = _about(*(record.event for record in records), lots=lots)
        step.note("arrival_differs", severity, about, figures=figures)


# What they have in common


def _about(*certificates: EventId, lots: Iterable[LotId] = ()) -> list[Address]:
    return [*(("certificate", each) for each in certificates), *(("lot", lot) for lot in lots)]


def _off(step: Step, rule: str, record: Certificate, found_ug: int, said_ug: int | None = None) -> bool:
    """Whether two masses differ by more than the rule's `ppm` of what was said (default: what was certified)."""
    ppm = policy.number(
        step.policy, "thresholds", rule, "ppm", mineral=record.mineral, country=record.country
    )
    said_ug = record.mass_ug if said_ug is None else said_ug
    return abs(found_ug - said_ug) * 1_000_000 > ppm * said_ug


def _is_covered(step: Step, lot: Lot, named: Collection[LotId]) -> bool:
    """Whether the lot is named, or all that it was made of is."""
    waiting, made = [lot], 0
    while waiting:
        at = waiting.pop()
        if at.id in named:
            continue
        made += 1
        if at.origin != "transformation" or made > _MAKERS_MAX:
            return False
        waiting += [step.lot(parent) for _, parent in step.logged(at.maker).event.moved]
    return True


def _countries(step: Step, lot: Lot, known: dict[str, frozenset[str]]) -> frozenset[str] | None:
    """Of which countries the lot's ore is; `known` are those of pools met before. None beyond POOLS_MAX pools."""
    roots = {part.pool for part in (*lot.content, *(item.part for item in lot.items))}
    waiting = list(roots)
    read: dict[str, Pool] = {}
    while waiting:
        pool_id = waiting[-1]
        if pool_id in known:
            waiting.pop()
            continue
        if pool_id not in read:
            if len(known) + len(read) >= POOLS_MAX:
                return None
            read[pool_id] = _pool(step, pool_id)
        parts = [
            part for source in read[pool_id].sources if isinstance(source, FromLot) for part in source.parts
        ]
        below = {part.pool for part in parts}
        missing = [each for each in below if each not in known]
        if missing:
            waiting += missing
            continue
        own = _begins(step, read.pop(pool_id))
        known[pool_id] = own.union(*(known[each] for each in below))
        waiting.pop()
    return frozenset().union(*(known[root] for root in roots))


def _pool(step: Step, pool_id: str) -> Pool:
    lot_id, _, number = pool_id.partition(":")
    return leaf_pool(step.lot(lot_id)) if number == "0" else step.need("pool", pool_id, PoolRecord).pool


def _begins(step: Step, pool: Pool) -> frozenset[str]:
    """Of which countries the ore is that begins in this pool."""
    found: set[str] = set()
    for source in pool.sources:
        match source:
            case Production(site=None, lot=lot) | Intake(lot=lot):
                body = step.logged(step.lot(lot).maker).event.body
                region = body.region or UNKNOWN
                found.update(body.countries if isinstance(body, IntakeBody) else [region[:2]])
            case Production(site=site):
                found.add(step.need("site", str(site), Site).facts[-1].country)
            case FromLot() | Additive() | Gain():
                pass
    return frozenset(found)
