"""Rules on whom ore was bought of: a supplier that lately had ore of a place named for a risk."""

from collections.abc import Mapping

from traceability.core import due
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.tallies import Risk

_AGAIN_DAYS = 30
"""So long a day already kept will do."""


def supplier_of_risk_area(step: Step, taken: Mapping[LotId, Lot]) -> None:
    """Ore of no such place is taken from a party that within `days` (365) gave ore which a zone was noticed on.

    Said of the giver, once in that time. Source: OECD red flags of suppliers: sourced from such a place in the last twelve
    months. Honest: a town's trader buys of many valleys, and keeps them apart (F13).
    """
    givers: dict[str, list[Lot]] = {}
    for lot in taken.values():
        givers.setdefault(lot.custodian, []).append(lot)
    today = due.today(step)
    for giver, lots in givers.items():
        id_ = f"risk:{giver}"
        known = step.find("tally", id_, Risk)
        if any(lot.zones for lot in lots):
            if known is None or today >= known.day + _AGAIN_DAYS:
                step.put("tally", id_, Risk(today, known.quiet_until if known else 0))
        elif known is not None and today >= known.quiet_until:
            days = step.number("times", "supplier_of_risk_area", "days")
            if today - known.day <= days:
                subjects = [("party", giver), *(("lot", lot.id) for lot in lots)]
                step.note("supplier_of_risk_area", "notice", subjects, figures={"days": today - known.day})
                step.put("tally", id_, Risk(known.day, today + days))
