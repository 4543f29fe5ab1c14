"""What people open of sealed fields: kept beside the log, erasable, and neither truth nor projection.

Only from the codes of tags, disclosed with their issue, does a table follow: `tag_code`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from traceability.core import canonical
from traceability.core.errors import Invalid, Malformed
from traceability.core.events import Event, TagIssue, check_disclosure
from traceability.core.ids import unpadded
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
        for salt, path, value in disclosures:
            check_disclosure(event, salt, path, value)
    except (Malformed, Invalid) as error:
        return Refused("bad_disclosure", str(error))
    return [Opened(path, unpadded(salt), canonical.dump(value)) for salt, path, value in disclosures]


def keep(view: View, opened: Iterable[tuple[int, Event, Sequence[Opened]]]) -> None:
    """Keeps what was opened of entries that are in the log, by their index; one that is there already stays."""
    rows: dict[tuple[int, str], tuple[object, ...]] = {}
    codes: dict[tuple[object, ...], None] = {}
    for index, event, fields in opened:
        for field in fields:
            rows[index, field.path] = (index, *field)
            if field.path == "/codes" and isinstance(event, TagIssue) and view.stands(index):
                codes.update(dict.fromkeys(tag_codes(event, canonical.load(field.value))))
    view.insert(DISCLOSURE, list(rows.values()))
    view.insert(TAG_CODE, list(codes))


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
