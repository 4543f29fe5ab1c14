"""What whoever has a lot must be told about it: holds in force, and reports that nobody has settled.

Of a report only that it is open, how grave it is and what it is about: what it says is for those who look into it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from traceability.core.concern_records import Held, Hold, Incident, Reported
from traceability.core.ground_facts import site_facts
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.record import Address
from traceability.core.registry_records import Site
from traceability.core.state import AnyRecord

Records = Callable[[Iterable[Address]], Mapping[Address, AnyRecord]]
"""Looks up many records at once; those that are not there are left out."""
SERIOUS = frozenset(
    {"serious_abuse", "child_labour", "forced_labour", "sexual_violence", "armed_group", "security_force"}
)
"""The categories of Annex II of the OECD guidance at which trade is suspended or ended, whatever level was given."""


class Notices(NamedTuple):
    """What there is about one lot, its site, its tags and whoever has it."""

    holds: tuple[Hold, ...]
    reports: tuple[Incident, ...]


def about(records: Records, lots: Iterable[Lot]) -> dict[LotId, tuple[Address, ...]]:
    """For each lot what a hold or report may name that is also about it: what `concerns.holds_about` asks for."""
    lots = tuple(lots)
    sites = records({("site", lot.site) for lot in lots if lot.site is not None})
    found = {}
    for lot in lots:
        own: list[Address] = [("lot", lot.id), ("party", lot.custodian), ("party", lot.title)]
        if lot.site is not None:
            own.append(("site", lot.site))
            site = sites.get(("site", lot.site))
            if isinstance(site, Site):
                own.append(("region", site_facts(site, lot.judged_day).region))
        found[lot.id] = tuple(dict.fromkeys((*own, *(("tag", tag) for tag in lot.tags))))
    return found


def is_serious(report: Incident) -> bool:
    """Whether a report is of the gravest level, or of what the OECD guidance ends trade for."""
    return report.level == 1 or not SERIOUS.isdisjoint(report.categories)


def open_reports(records: Records, subjects: Iterable[Address]) -> tuple[Incident, ...]:
    """The reports about any of these that nobody has settled, serious ones first, then by event."""
    named = records(("reported", f"{kind}:{id_}") for kind, id_ in subjects)
    ids = {each for record in named.values() if isinstance(record, Reported) for each in record.incidents}
    found = records(("incident", each) for each in sorted(ids)).values()
    reports = [record for record in found if isinstance(record, Incident) and record.settled_by is None]
    return tuple(sorted(reports, key=lambda report: (not is_serious(report), report.event)))


def open_holds(records: Records, subjects: Iterable[Address], day: str) -> tuple[Hold, ...]:
    """The holds on any of these that are in force on a day, by event."""
    named = records(("held", f"{kind}:{id_}") for kind, id_ in subjects)
    ids = {each for record in named.values() if isinstance(record, Held) for each in record.holds}
    found = records(("hold", each) for each in sorted(ids)).values()
    holds = [record for record in found if isinstance(record, Hold) and record.released_by is None]
    return tuple(
        sorted(
            (hold for hold in holds if hold.until is None or day <= hold.until), key=lambda hold: hold.event
        )
    )


def notices(records: Records, lots: Iterable[Lot], day: str) -> dict[LotId, Notices]:
    """For each of these lots about which there is something, what."""
    subjects = about(records, lots)
    every = list(dict.fromkeys(address for each in subjects.values() for address in each))
    holds, reports = open_holds(records, every, day), open_reports(records, every)
    found: dict[LotId, Notices] = {}
    for lot, own in subjects.items():
        mine = Notices(
            tuple(hold for hold in holds if not set(own).isdisjoint(hold.subjects)),
            tuple(report for report in reports if not set(own).isdisjoint(report.subjects)),
        )
        if mine.holds or mine.reports:
            found[lot] = mine
    return found
