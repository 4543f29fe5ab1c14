"""Lists out of a ledger: what rules noticed, and records of the register, a page at a time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from traceability.core.concern_records import Hold
from traceability.core.ids import LotId, PartyId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Finding
from traceability.core.record import Address
from traceability.core.state import decode_record
from traceability.ledger.reader import Page
from traceability.ledger.view import View, finding_of

_HOLDS_AT_ONCE = 500
_R = TypeVar("_R")


class FoundAt(NamedTuple):
    """A finding in its place: the entry it came with, and when that was recorded (Unix seconds)."""

    at: int
    record_time: int
    finding: Finding


class FindingFilter(NamedTuple):
    """Which findings: absent means any."""

    rule: str | None = None
    severity: str | None = None
    subject: Address | None = None


def findings(view: View, wanted: FindingFilter, before: int | None, limit: int) -> Page[FoundAt]:
    """Findings of entries below index `before`, the newest entry first; all of an entry's stand on one page.

    So a page may have more than `limit`, by those of one entry.
    """
    where: list[str] = []
    values: list[Any] = []
    table = "finding"
    if wanted.subject is not None:
        table = "finding_subject AS s JOIN finding ON finding.idx = s.idx AND finding.n = s.n"
        where.append("s.type = ? AND s.id = ?")
        values += wanted.subject
    for column, value in (("rule", wanted.rule), ("severity", wanted.severity)):
        if value is not None:
            where.append(f"finding.{column} = ?")
            values.append(value)
    select = f"SELECT finding.idx, finding.value FROM {table} WHERE "  # noqa: S608  # values are bound

    def rows(*more: str, of: tuple[Any, ...], tail: str) -> list[tuple[int, bytes]]:
        return view.all(select + " AND ".join([*where, *more]) + tail, *values, *of)

    bound = 2**62 if before is None else before
    found = rows("finding.idx < ?", of=(bound, limit), tail=" ORDER BY finding.idx DESC, finding.n LIMIT ?")
    more = None
    if len(found) == limit:
        last = found[-1][0]
        found = [row for row in found if row[0] != last]
        found += rows("finding.idx = ?", of=(last,), tail=" ORDER BY finding.n")
        if rows("finding.idx < ?", of=(last,), tail=" LIMIT 1"):
            more = str(last)
    times = view.record_times({index for index, _ in found})
    return Page([FoundAt(index, times[index], finding_of(value)) for index, value in found], more)


def records(view: View, kind: str, record: type[_R], after: str | None, limit: int) -> Page[_R]:
    """Records of one type by id."""
    rows = view.all(
        "SELECT id, value FROM state WHERE type = ? AND id > ? ORDER BY id LIMIT ?",
        kind,
        after or "",
        limit + 1,
    )
    decoded = [decode_record(value) for _, value in rows[:limit]]
    found: list[_R] = [each for each in decoded if isinstance(each, record)]
    return Page(found, rows[limit - 1][0] if len(rows) > limit else None)


def holds(view: View, subjects: Iterable[Address]) -> list[Hold]:
    """Every hold that there ever was on any of these, the newest first.

    The holds of the whole ledger are looked through, but only where one of these was ever held.
    """
    wanted = set(subjects)
    if not view.records(("held", f"{kind}:{id_}") for kind, id_ in wanted):
        return []
    found: list[Hold] = []
    after: str | None = ""
    while after is not None:
        page = records(view, "hold", Hold, after, _HOLDS_AT_ONCE)
        found += [hold for hold in page.items if not wanted.isdisjoint(hold.subjects)]
        after = page.next
    return sorted(found, key=lambda hold: (hold.since, hold.event), reverse=True)


def held_among(view: View, party: PartyId, lots: Mapping[LotId, Lot]) -> set[LotId]:
    """Those of these lots that the party is or ever was custodian or title holder of."""
    record = view.record(("party", party))
    if record is None or not lots:
        return set()
    numbers = {lot.place.number: id_ for id_, lot in lots.items()}
    rows = view.all(
        "SELECT lot FROM holding WHERE party = ? AND lot = ANY(?)",
        record.place.number,  # type: ignore[union-attr]  # a party is a subject
        list(numbers),
    )
    return {numbers[number] for (number,) in rows}


def noticed_on(view: View, lots: Sequence[LotId]) -> dict[str, set[LotId]]:
    """By rule, those of these lots that it noticed something about."""
    rows = view.all(
        "SELECT DISTINCT finding.rule, s.id FROM finding_subject AS s "
        "JOIN finding ON finding.idx = s.idx AND finding.n = s.n WHERE s.type = 'lot' AND s.id = ANY(?)",
        list(lots),
    )
    found: dict[str, set[LotId]] = {}
    for rule, lot in rows:
        found.setdefault(rule, set()).add(LotId(lot))
    return found


def severe(view: View, lots: Sequence[LotId]) -> dict[LotId, list[FoundAt]]:
    """The severe findings on each of these lots, oldest first; lots that have none are left out."""
    rows = view.all(
        "SELECT s.id, finding.idx, finding.value, entry.record_time FROM finding_subject AS s "
        "JOIN finding ON finding.idx = s.idx AND finding.n = s.n JOIN entry ON entry.idx = finding.idx "
        "WHERE s.type = 'lot' AND s.id = ANY(?) AND finding.severity = 'severe' "
        "ORDER BY finding.idx, finding.n",
        list(lots),
    )
    found: dict[LotId, list[FoundAt]] = {}
    for lot, at, value, record_time in rows:
        found.setdefault(LotId(lot), []).append(FoundAt(at, record_time, finding_of(value)))
    return found
