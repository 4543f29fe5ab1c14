"""The end of the log: who set it, when it came, and where the ledger goes on, as far as the operator has said."""

from traceability.api.services import Services
from traceability.api.views import EndView, moment
from traceability.core.events import LogKey
from traceability.core.registry_records import Act, LedgerFacts


def of_log(services: Services, facts: LedgerFacts) -> EndView | None:
    """The end that is set for this log, whether it has come or not; None while none is."""
    end = facts.frozen_at
    if end is None:
        return None
    with services.reads.read() as view:
        last = view.entry(end - 1)
    for entry in services.reader.backwards(("policy", "policy")):
        said = entry.event.body.freeze_at if isinstance(entry.event, LogKey) else None
        if said is None or said > end:
            continue
        act = services.reader.record(("act", entry.event_id))
        if isinstance(act, Act) and not act.effective:
            continue
        return EndView(
            event=entry.event_id,
            party=entry.event.actor,
            time=None if last is None else moment(last.record_time),
            successor=services.settings.successor,
        )
    raise AssertionError("an end is set by an event of the log")
