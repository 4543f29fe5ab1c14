"""What the block about a label is given: what the page says of the tag and its lot, to be compared with what was signed.

The label itself stands behind the `#` of the address and never comes here. Ids are given as digests: whoever has them
from a label can compare, and nobody else learns them.
"""

import hashlib
from typing import NamedTuple

from traceability.api.services import Services
from traceability.core.authority import day_of
from traceability.core.lot_records import Lot

_DOMAIN = b"traceability/page/v1\n"


class Label(NamedTuple):
    """Of a tag of ours; what is empty the page does not say."""

    tag: str
    lot: str = ""
    """Digest of the id of its lot."""
    head: str = ""
    """Digest of the event that moved the lot last."""
    day: str = ""
    """The day on which that was recorded."""
    mineral: str = ""
    net_ug: str = ""


def of_tag(services: Services, tag: str, lot: Lot | None) -> Label:
    """What a page says of this tag; of one that came off its lot, nothing that came later."""
    if lot is None or tag not in lot.tags:
        return Label(tag, "" if lot is None else _digest(lot.id))
    head = services.reader.entry(lot.custody_index)
    assert head is not None
    return Label(
        tag,
        _digest(lot.id),
        _digest(lot.custody_head),
        day_of(head.record_time),
        lot.mineral,
        str(lot.expected_ug),
    )


def _digest(name: str) -> str:
    return hashlib.sha256(_DOMAIN + name.encode()).hexdigest()[:20]
