"""What the fold answered for an entry, as `outcome` keeps it: only what its event does not say itself.

Which lots an event moves and which subjects it is about follow from the event, so what is kept is how far back
each subject's entry before lies, and the lots' fates where they are not all to stand.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from traceability.core import book
from traceability.core.errors import Malformed
from traceability.core.events import Event, Reassignment
from traceability.core.ids import EventId, LotId
from traceability.core.outcome import Appended
from traceability.core.record import Address


class Verdict(NamedTuple):
    """What the fold answered for an entry."""

    stands: bool
    fates: Mapping[LotId, bool]
    """For each lot it moves or makes: whether it stands on it."""
    links: Mapping[Address, int]
    """For each of its subjects the index of that subject's entry before, or −1."""


class _Kept(msgspec.Struct, array_like=True, gc=False):
    stands: bool
    back: list[int]
    """For each subject in order, how many entries before this one its entry before was; 0 for none."""
    fates: list[tuple[LotId, bool]] = []
    """Empty: all stand."""
    subjects: list[tuple[str, str]] = []
    """Of an event that is about itself or what other events are about; else they follow from the event."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode
NOTHING: bytes = _encode((False, []))
"""For an entry that cannot stand in a log."""


def encode(index: int, event: Event, outcome: Appended) -> bytes:
    """What is kept of `outcome`, the fold's answer to this event at this index."""
    back = [0 if before < 0 else index - before for _, before in outcome.links]
    fates = [] if all(outcome.fates.values()) else list(outcome.fates.items())
    if event.kind in book.RELATIVE:
        return _encode((outcome.stands, back, fates, [address for address, _ in outcome.links]))
    return _encode((outcome.stands, back, fates) if fates else (outcome.stands, back))


def decode(index: int, event: Event, data: bytes) -> Verdict:
    """The verdict behind `encode`'s bytes. Raises Malformed for any others."""
    try:
        kept = _decode(data)
        addresses = kept.subjects or book.subjects(event, EventId(""), lambda _: None)
        links = zip(addresses, kept.back, strict=True)
        return Verdict(
            kept.stands,
            dict(kept.fates) if kept.fates else dict.fromkeys(_moved_or_made(event), True),
            {address: index - back if back else -1 for address, back in links},
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise Malformed(f"what is kept of entry {index} is not of its event: {error}") from error


def stands(data: bytes) -> bool:
    """Of the bytes alone: whether the entry stands."""
    return _decode(data).stands


def _moved_or_made(event: Event) -> list[LotId]:
    taken = event.body.lots if isinstance(event, Reassignment) else [lot for _, lot in event.moved]
    return [*taken, *event.made]
