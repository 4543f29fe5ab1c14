"""What rules over sealed values and public scans notice, and what of it has not been stated yet."""

from collections.abc import Iterator, Sequence

from traceability.core import canonical
from traceability.core.findings import stated
from traceability.core.findings.catalogue import RULES
from traceability.core.findings.stated import Disclosed, ToState
from traceability.core.ground_records import Figure, Reference
from traceability.core.ids import LotId, to_unpadded
from traceability.core.lot_records import Lot
from traceability.core.policy import Policy
from traceability.ledger import scans
from traceability.ledger.store import Store
from traceability.ledger.view import View, finding_of

_CHUNK = 10_000


def to_state(store: Store) -> list[ToState]:
    """The findings to be signed, in order; those that stand in the log already are left out."""
    with store.read() as view:
        disclosed = list(_disclosed(view))
        records = view.records(("lot", lot) for lot in stated.lots_read(disclosed))
        lots = {LotId(id_): record for (_, id_), record in records.items() if isinstance(record, Lot)}
        rules = view.record(("policy", "policy"))

        def figures(name: str) -> Sequence[Figure]:
            record = view.record(("reference", name))
            return record.figures if isinstance(record, Reference) else ()

        found = stated.all_of(disclosed, lots, figures, rules if isinstance(rules, Policy) else None)
        known = set(_known(view))
    found += scans.to_state(store)
    return [each for each in found if (each.rule, set_key(each.subjects), set_key(each.events)) not in known]


def set_key(items: Sequence[object]) -> frozenset[object]:
    """What makes two findings of a rule the same, whatever their order."""
    return frozenset(items)


def _disclosed(view: View) -> Iterator[Disclosed]:
    size = view.head().size
    for first in range(0, size, _CHUNK):
        opened = view.disclosures_between(first, min(first + _CHUNK, size))
        wanted = {
            index: rows
            for index, all_rows in opened.items()
            if (rows := [row for row in all_rows if row[0].rpartition("/")[2] in stated.READ])
        }
        for entry in view.entries_at(list(wanted)):
            if not view.stands(entry.index):
                continue
            event = entry.event()
            for path, salt, value in wanted[entry.index]:
                yield Disclosed(entry.event_id, event, to_unpadded(salt), path, canonical.load(value))


def _known(view: View) -> Iterator[tuple[str, frozenset[object], frozenset[object]]]:
    names = sorted(name for name, rule in RULES.items() if rule.scope == "stated")
    for (value,) in view.all("SELECT value FROM finding WHERE rule = ANY(?)", names):
        finding = finding_of(value)
        yield finding.rule, set_key(finding.subjects), set_key(finding.events[1:])
