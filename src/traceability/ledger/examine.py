"""What the bytes of an entry alone tell: its event, the leaf, whether its signature is genuine, what was opened.

Of a large log another process does this (`ahead`), while this one folds what comes back.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import orjson

from traceability.core import canonical, fold, leaf, merkle, watch
from traceability.core.errors import Invalid, Malformed
from traceability.core.events import Enrolment, Event, Genesis, KeyAddition, check_disclosure, parse
from traceability.core.ids import EventId, KeyId, to_unpadded, unpadded
from traceability.core.record import Address
from traceability.core.signing import EVENT_TYPE, Envelope, PublicKey, event_pae
from traceability.ledger import collector
from traceability.ledger.handover import pack, unpack

TIMES = range(253_402_300_800)
"""Record times that can be written: to the end of the year 9999."""


class RawEntry(NamedTuple):
    """An entry as bytes, its record time in Unix seconds, and what was opened of it: path, salt, value."""

    payload: bytes
    signature: bytes
    blind: bytes
    record_time: int
    opened: Sequence[tuple[str, bytes, bytes]]


class Examined(NamedTuple):
    """What an entry's bytes tell."""

    event: Event | str
    """Or why the payload is none."""
    event_id: EventId
    leaf: bytes
    """Its leaf hash; zeros where its record time cannot be written."""
    genuine: bool | None
    """Whether the signature is that of the key it names; None where that key did not come by."""
    touched: Collection[Address]
    """What judging the event may look up."""
    spoiled: Sequence[tuple[str, str]]
    """The paths of what opens nothing here, and why."""


class Examiner:
    """Examines entries in the order of the log, with the keys that came by in it.

    A key is known by its id, which is its hash, so it does not matter who brought it: whether it counts, the
    fold says.
    """

    def __init__(self) -> None:
        self.keys: dict[str, PublicKey] = {}

    def all(self, entries: Sequence[RawEntry]) -> list[Examined]:
        """Each entry examined."""
        return [self._one(entry) for entry in entries]

    def _one(self, entry: RawEntry) -> Examined:
        event: Event | str
        touched: set[Address] = set()
        try:
            event = parse(entry.payload)
        except Malformed as error:
            event = f"its payload is no event: {error}"
            key_id = _key_id(entry.payload)
        else:
            key_id = event.key
            touched = fold.touches(event)
            touched.update(watch.touches(event))
            for key in _brought(event):
                self.keys[key.id] = key
        known = self.keys.get(key_id)
        signed = event_pae(entry.payload)
        hashed = bytes(merkle.HASH_SIZE)
        if entry.record_time in TIMES:
            envelope = Envelope(EVENT_TYPE, entry.payload, key_id, entry.signature)
            hashed = leaf.leaf_hash(entry.blind, leaf.entry_bytes(envelope, entry.record_time))
        return Examined(
            event,
            EventId(hashlib.sha256(signed).hexdigest()),
            hashed,
            None if known is None else is_genuine(known, entry.signature, signed),
            touched,
            tuple(_spoiled(event, entry.opened)),
        )


def is_genuine(key: PublicKey, signature: bytes, signed: bytes) -> bool:
    """Whether the signature is this key's over these bytes."""
    try:
        key.verify(signature, signed)
    except Invalid:
        return False
    return True


def _brought(event: Event) -> Iterator[PublicKey]:
    match event:
        case Genesis():
            keys = [*event.body.keys, *chain.from_iterable(one.keys for one in event.body.authorities)]
        case Enrolment():
            keys = event.body.keys or []
        case KeyAddition():
            keys = [event.body.key]
        case _:
            return
    for key in keys:
        try:
            yield PublicKey(unpadded(key.public_key))
        except Malformed:  # it signs nothing
            continue


def _spoiled(event: Event | str, opened: Sequence[tuple[str, bytes, bytes]]) -> Iterator[tuple[str, str]]:
    for path, salt, value in opened:
        if isinstance(event, str):
            yield path, event
            continue
        try:
            check_disclosure(event, to_unpadded(salt), path, orjson.loads(value))
        except (Malformed, Invalid, ValueError) as error:
            yield path, str(error)


def _key_id(payload: bytes) -> KeyId:
    try:
        return KeyId(str(canonical.load(payload)["key"]))
    except (Malformed, TypeError, KeyError):
        return KeyId("")


_EXAMINER = Examiner()
"""Of the other process."""


def examine_ahead(request: bytes) -> bytes:
    """In the other process: keys that came by before, and entries to examine."""
    with collector.resting():
        spkis, entries = unpack(request)
        _EXAMINER.keys.update({key.id: key for key in map(PublicKey, spkis)})
        found = _EXAMINER.all(entries)
        for one in found:
            if not isinstance(one.event, str):
                one.event.moved, one.event.made  # noqa: B018  # worked out once, and handed over with it
        return pack(found)
