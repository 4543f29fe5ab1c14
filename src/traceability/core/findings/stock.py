"""Rules on the stock of tags: made, allocated, put on, taken off, lost, void; each tag counted once.

One bit for each position of a roll and each thing that can befall a tag: so counts are counts of bits, and always
add up to the tags there are.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from traceability.core import due
from traceability.core.custody_bodies import new_lots
from traceability.core.events import Event, Production, Retagging, TagIssue, TagVoid
from traceability.core.findings.raised import Severity
from traceability.core.ids import LotId
from traceability.core.outcome import Step
from traceability.core.registry_records import Allocation, Roll, TagRecord
from traceability.core.tag import OUR_SCHEME, Numbers
from traceability.core.tagging import roll_position
from traceability.core.tallies import Range, Stock

RANGE = 1000
RUNS_MAX = 1000
_SHAPE = re.compile(r"(.*?)([0-9]{1,15})([^0-9]*)")


# A bit for each tag


def with_bits(bits: bytes, positions: Iterable[int]) -> bytes:
    """The bits with those of these positions (from 1) set."""
    known = int.from_bytes(bits, "little")
    for position in positions:
        known |= 1 << (position - 1)
    return known.to_bytes((known.bit_length() + 7) // 8, "little")


def has_bit(bits: bytes, position: int) -> bool:
    """Whether the bit of a position (from 1) is set."""
    byte, bit = divmod(position - 1, 8)
    return byte < len(bits) and bool(bits[byte] >> bit & 1)


def count_tags(stock: Stock, first: int, last: int) -> dict[str, int]:
    """The tags of these positions by what became of them, each once: the last thing known of it counts."""
    mask = (1 << last) - (1 << (first - 1))
    void = int.from_bytes(stock.void, "little") & mask
    lost = int.from_bytes(stock.lost, "little") & mask & ~void
    off = int.from_bytes(stock.off, "little") & mask & ~void & ~lost
    on = int.from_bytes(stock.applied, "little") & mask & ~void & ~lost & ~off
    counts = {"void": void, "lost": lost, "off": off, "on": on}
    found = {name: bits.bit_count() for name, bits in counts.items()}
    return {**found, "idle": last - first + 1 - sum(found.values()), "tags": last - first + 1}


# Where a tag is in stock


class Spot(NamedTuple):
    """A tag's roll, its position there, and the newest allocation that covers it."""

    roll: Roll
    position: int
    allocation: Allocation | None


def spot(step: Step, tag: str) -> Spot | None:
    """Where a tag is in stock; None for one of no roll that is known here."""
    ours = roll_position(tag)
    roll_id, position = ours or _other(step, tag)
    roll = step.find("roll", roll_id, Roll) if roll_id else None
    if roll is None or not 1 <= position <= roll.count:
        return None
    for allocation in reversed(roll.allocations):
        if allocation.first <= position <= allocation.last:
            return Spot(roll, position, allocation)
    return Spot(roll, position, None)


def _other(step: Step, tag: str) -> tuple[str, int]:
    """Roll and position of a printed number of another scheme; no roll where its number is of none."""
    scheme, _, number = tag.partition(":")
    shape = _shape(number)
    if shape is not None:
        name, value = shape
        known = step.find("tally", f"range:{scheme}:{name}:{value // RANGE}", Range)
        for first, last, roll in known.runs if known else ():
            if first <= value <= last:
                return roll, value - first + 1
    return "", 0


def _shape(number: str) -> tuple[str, int] | None:
    """A printed number as its shape (what stands around its last digits, and how many they are) and its value."""
    found = _SHAPE.fullmatch(number)
    if found is None:
        return None
    before, digits, after = found.groups()
    return f"{before}|{len(digits)}|{after}", int(digits)


def places(tag: str) -> tuple[str, str] | None:
    """The tally by which a tag's roll is found, where that takes one."""
    scheme, _, number = tag.partition(":")
    shape = None if scheme == OUR_SCHEME else _shape(number)
    return None if shape is None else ("tally", f"range:{scheme}:{shape[0]}:{shape[1] // RANGE}")


def index_roll(step: Step, event: TagIssue) -> None:
    """Keeps under which numbers the tags of another scheme's roll are printed."""
    numbers = event.body.numbers
    if numbers is None:
        return
    step.put("tally", f"range:{event.body.scheme}", Range())
    run = Numbers(numbers.prefix, numbers.first, numbers.last, numbers.digits, numbers.suffix)
    ends = (_shape(run.number_at(1)), _shape(run.number_at(numbers.last - numbers.first + 1)))
    if ends[0] is None or ends[1] is None or ends[0][0] != ends[1][0]:
        return
    (name, first), (_, last) = ends[0], ends[1]
    if last - first != numbers.last - numbers.first:
        return  # digits that do not count stand behind those that do
    for part in range(first // RANGE, last // RANGE + 1):
        id_ = f"range:{event.body.scheme}:{name}:{part}"
        known = step.find("tally", id_, Range) or Range()
        if len(known.runs) < RUNS_MAX:
            step.put("tally", id_, Range((*known.runs, (first, last, event.body.roll))))


def start_clock(step: Step) -> None:
    """An allocation of tags starts its clock."""
    due.start(step, "stock", due.today(step) + step.number("times", "tags_unused", "days"), 1)


# Putting on and taking off


def watch_tags(step: Step, event: Event) -> int:
    """Takes what an event does to tags into their stocks, and asks the rules; how many it puts on."""
    on = [
        (tag, lot)
        for lot, new in zip(event.made, new_lots(event.body), strict=True)
        for tag in new.tags or ()
    ]
    if isinstance(event, Retagging):
        on += [(tag, event.body.lot) for tag in event.body.tags_on or ()]
        for off in event.body.tags_off or ():
            _mark(step, off.tag, "lost" if off.fate in ("lost", "stolen") else "off")
    inputs = {lot for _, lot in event.moved}
    for tag, lot in on:
        found = spot(step, tag)
        if found is None:
            kept = _last_lot(step, tag) in inputs
            tag_not_issued(step, tag, lot, kept=kept)
            continue
        stock = step.find("tally", f"stock:{found.roll.id}", Stock) or Stock()
        kept = _last_lot(step, tag) in inputs
        tag_after_its_end(step, tag, lot, stock, found, kept=kept)
        tag_of_somebody_else(step, event, tag, lot, found, kept=kept)
        step.put(
            "tally",
            f"stock:{found.roll.id}",
            replace(stock, applied=with_bits(stock.applied, [found.position])),
        )
    return len(on)


def _last_lot(step: Step, tag: str) -> LotId | None:
    """The lot a tag was put on last before this event."""
    record = step.before("tag", tag, TagRecord)
    return record.last_lot if record is not None else None


def _mark(step: Step, tag: str, what: str) -> None:
    found = spot(step, tag)
    if found is not None:
        id_ = f"stock:{found.roll.id}"
        stock = step.find("tally", id_, Stock) or Stock()
        step.put("tally", id_, replace(stock, **{what: with_bits(getattr(stock, what), [found.position])}))


def void_tags(step: Step, event: TagVoid) -> None:
    """Tags that must not be used any more: lost where somebody may have them, else void."""
    what = "lost" if event.body.reason in ("lost", "stolen") else "void"
    for tag in event.body.tags or ():
        _mark(step, tag, what)
    if event.body.roll is not None and event.body.first is not None and event.body.last is not None:
        id_ = f"stock:{event.body.roll}"
        stock = step.find("tally", id_, Stock) or Stock()
        bits = with_bits(getattr(stock, what), range(event.body.first, event.body.last + 1))
        step.put("tally", id_, replace(stock, **{what: bits}))


def tag_not_issued(step: Step, tag: str, lot: str, *, kept: bool) -> None:
    """A tag put on that is on no roll issued here: a warning of our own scheme, which is invented then.

    A notice of another scheme of which rolls are recorded here; of one that is not kept here nothing is said. Source:
    design, "Tag"; F1, F4. Honest: rolls of another scheme that nobody has recorded yet.
    """
    scheme = tag.partition(":")[0]
    if kept or (scheme != OUR_SCHEME and step.find("tally", f"range:{scheme}", Range) is None):
        return
    severity: Severity = "warning" if scheme == OUR_SCHEME else "notice"
    step.note("tag_not_issued", severity, [("lot", lot)], figures={"tag": tag})


def tag_after_its_end(step: Step, tag: str, lot: str, stock: Stock, found: Spot, *, kept: bool) -> None:
    """A tag put on that is void, was lost or stolen, or had been on another lot and come off.

    A tag is used once; an output may keep that of the one lot it is the rest of (F1, F4, F14). Honest: a tag voided by
    mistake, or found again.
    """
    for what, bits in (("void", stock.void), ("lost", stock.lost), ("off", stock.off)):
        if has_bit(bits, found.position) and not kept:
            figures = {"tag": tag, "was": what}
            step.note("tag_after_its_end", "severe", [("lot", lot)], figures=figures)
            return


def tag_of_somebody_else(step: Step, event: Event, tag: str, lot: str, found: Spot, *, kept: bool) -> None:
    """A tag put on by somebody it was not allocated to, or on ore of another site than it was allocated to.

    Sold tags carry ore of elsewhere into a tagged mine (F1, F2). Source: ITSCI's stock of tags by mine. Honest: one
    agent's rolls mixed up between two of his sites, an allocation that was not recorded yet.
    """
    if kept:
        return
    allocation = found.allocation
    if allocation is None:
        if event.actor != found.roll.issuer:
            step.note("tag_not_allocated", "warning", [("lot", lot)], figures={"tag": tag})
        return
    if isinstance(event, Production) and allocation.site is not None and event.body.site != allocation.site:
        figures = {"allocated_to": allocation.site, "site": event.body.site or "none", "tag": tag}
        step.note("tag_of_another_site", "warning", [("lot", lot)], figures=figures)
    elif allocation.site is None and allocation.party not in _sides(event):
        figures = {"allocated_to": allocation.party, "tag": tag}
        step.note("tag_of_another_party", "notice", [("lot", lot)], figures=figures)


def _sides(event: Event) -> set[str | None]:
    producer = event.body.producer if isinstance(event, Production) else None
    return {event.party, event.actor, producer}
