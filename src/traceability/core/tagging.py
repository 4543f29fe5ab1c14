"""Tags on lots: putting on and taking off, and a tag that is on two lots at once."""

from msgspec.structs import replace

from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.outcome import Step
from traceability.core.record import NEW
from traceability.core.registry_records import TagRecord

BEARERS_MAX = 100
"""On so many lots besides the first and the newest a tag is remembered to be: anybody may write it on any number."""


def put_on(step: Step, lot: LotId, tags: tuple[str, ...] | list[str]) -> None:
    """These tags are on `lot` now. A tag still on another open lot is a severe finding on both, not a refusal.

    On more than two each is named with the one before it, so that no lot is accused once for every copy of its tag.
    """
    for tag in tags:
        record = step.find("tag", tag, TagRecord) or TagRecord(NEW)
        others = tuple(known for known in record.on if known != lot)
        for other_id in reversed(others):
            other = step.find("lot", other_id, Lot)
            if other is not None and other.state != "ended" and tag in other.tags:
                subjects = [("lot", lot), ("lot", other_id)]
                step.note("tag_on_two_lots", "severe", subjects, figures={"tag": tag})
                break
        on = (*others[:1], *others[1:][-BEARERS_MAX:], lot)
        step.put("tag", tag, replace(record, on=on, last_lot=lot))


def take_off(step: Step, lot: LotId, tags: tuple[str, ...] | list[str]) -> None:
    """These tags are on `lot` no more."""
    for tag in tags:
        record = step.find("tag", tag, TagRecord) or TagRecord(NEW)
        step.put("tag", tag, replace(record, on=tuple(known for known in record.on if known != lot)))


def roll_position(tag: str) -> tuple[str, int] | None:
    """Roll and position of a tag of our own scheme; None for another scheme's."""
    scheme, _, number = tag.partition(":")
    if scheme != "t":
        return None
    roll, _, position = number.partition("-")
    return roll, int(position)


def void(step: Step, tag: str) -> None:
    """This tag must not be used any more."""
    record = step.find("tag", tag, TagRecord) or TagRecord(NEW)
    step.put("tag", tag, replace(record, void_by=step.entry.event_id))
