"""What people open of sealed fields: kept beside the log, erasable, and neither truth nor projection.

Only from the codes of tags, disclosed with their issue, does a table follow: `tag_code`. What a redaction names
is erased in the transaction that records it, and never taken again.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from traceability.core import canonical
from traceability.core.errors import Invalid, Malformed
from traceability.core.events import Event, Redaction, TagIssue, check_disclosure
from traceability.core.ids import EventId
from traceability.core.registry_records import Act
from traceability.core.state import decode_record
from traceability.ledger.answers import Disclosure, Refused
from traceability.ledger.database import Into
from traceability.ledger.view import View

DISCLOSURE = Into(
    "disclosure",
    {"idx": "bigint", "path": "text", "salt": "bytea", "value": "bytea"},
    "ON CONFLICT (idx, path) DO NOTHING",
)
TAG_CODE = Into(
    "tag_code",
    {"code": "text", "roll": "text", "number": "int"},
    "ON CONFLICT (code, roll, number) DO NOTHING",
)


class Opened(NamedTuple):
    """A sealed field that was opened and checked, as it is kept: 16 bytes of salt, the value's canonical JSON."""

    path: str
    salt: bytes
    value: bytes


def check(event: Event, disclosures: Sequence[Disclosure]) -> Refused | list[Opened]:
    """What these open of the event's sealed fields; or why one of them does not."""
    try:
        return [
            Opened(path, *check_disclosure(event, salt, path, value)) for salt, path, value in disclosures
        ]
    except (Malformed, Invalid) as error:
        return Refused("bad_disclosure", str(error))


class Of(NamedTuple):
    """What was opened and checked of one entry."""

    entry_index: int
    event_id: EventId
    event: Event
    fields: Sequence[Opened]


def keep(view: View, opened: Iterable[Of]) -> None:
    """Keeps what was opened of entries that are in the log; one that is there already stays.

    What was redacted is left out.
    """
    opened = list(opened)
    if not opened:
        return
    erased = withheld(view, [each.event_id for each in opened])
    rows: dict[tuple[int, str], tuple[object, ...]] = {}
    codes: dict[tuple[object, ...], None] = {}
    for index, event_id, event, fields in opened:
        gone = erased.get(event_id, ())
        for field in fields:
            if field.path in gone:
                continue
            rows[index, field.path] = (index, *field)
            if field.path == "/codes" and isinstance(event, TagIssue) and view.stands(index):
                codes.update(dict.fromkeys(tag_codes(event, canonical.load(field.value))))
    view.insert(DISCLOSURE, list(rows.values()))
    view.insert(TAG_CODE, list(codes))


def withheld(view: View, event_ids: Iterable[EventId]) -> dict[EventId, tuple[str, ...]]:
    """The paths of sealed values that were redacted, of those of these events that have any."""
    records = view.records(("act", id_) for id_ in event_ids)
    return {
        EventId(id_): record.withheld
        for (_, id_), record in records.items()
        if isinstance(record, Act) and record.withheld
    }


def erase(view: View, redactions: Iterable[Redaction]) -> bool:
    """Erases what these redactions, which stand in the log, name; whether anything was there."""
    named = [redaction.body.event for redaction in redactions]
    return _erase_of(view, withheld(view, named)) if named else False


def erase_all(view: View) -> bool:
    """Erases what any redaction in the log names; whether anything was there."""
    rows = view.all("SELECT id, value FROM state WHERE type = ?", "act")
    acts = [record for _, value in rows if isinstance(record := decode_record(value), Act)]
    return _erase_of(view, {act.event: act.withheld for act in acts if act.withheld})


def _erase_of(view: View, paths: Mapping[EventId, tuple[str, ...]]) -> bool:
    erased = 0
    for event_id, erasable in paths.items():
        index = view.index_of(event_id)
        entry = None if index is None else view.entry(index)
        assert entry is not None, "a redaction names an event of the log"
        erased += view.run(
            "DELETE FROM disclosure WHERE idx = ? AND path = ANY(?)", entry.index, list(erasable)
        )
        event = entry.event()
        if "/codes" in erasable and isinstance(event, TagIssue):
            view.run("DELETE FROM tag_code WHERE roll = ?", event.body.roll)
    return erased > 0


def codes_disclosed(view: View) -> list[tuple[object, ...]]:
    """All rows of `tag_code`, as the disclosures and outcomes that are there give them."""
    rows: list[tuple[object, ...]] = []
    for index, value in view.all("SELECT idx, value FROM disclosure WHERE path = ?", "/codes"):
        entry = view.entry(index)
        event = None if entry is None else entry.event()
        if isinstance(event, TagIssue) and view.stands(index):
            rows += tag_codes(event, canonical.load(value))
    return rows


def tag_codes(event: TagIssue, codes: Sequence[dict[str, object]]) -> list[tuple[object, ...]]:
    """Rows of `tag_code` from the disclosed codes of this roll."""
    return list(dict.fromkeys((code["code"], event.body.roll, code["number"]) for code in codes))
