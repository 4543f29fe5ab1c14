"""What the bytes of an entry alone tell: the event's id, the leaf, and whether its signature is genuine.

Other processes do this for a large log. So it is kept apart, and imports little: they start at once.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from traceability.core import canonical, leaf, merkle
from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import EventId, KeyId
from traceability.core.signing import EVENT_TYPE, Envelope, PublicKey, event_pae

TIMES = range(253_402_300_800)
"""Record times that can be written: to the end of the year 9999."""


class RawEntry(NamedTuple):
    """An entry as bytes, and its record time in Unix seconds."""

    payload: bytes
    signature: bytes
    blind: bytes
    record_time: int


class Examined(NamedTuple):
    """What an entry's bytes tell."""

    event_id: EventId
    leaf: bytes
    """Its leaf hash; zeros where its record time cannot be written."""
    genuine: bool | None
    """Whether the signature is that of the key it names; None where that key was not given."""


_KEYS: dict[str, PublicKey] = {}


def start(spkis: Iterable[bytes]) -> None:
    """Gives this process the public keys (SubjectPublicKeyInfo) it is to know.

    A key is known by its id, which is its hash, so it does not matter who gave it.
    """
    _KEYS.clear()
    _KEYS.update({key.id: key for key in map(PublicKey, spkis)})


def examine_all(entries: Sequence[RawEntry]) -> list[Examined]:
    """Each entry examined with the keys given to `start`."""
    return [examine(entry, _KEYS.get(_key_id(entry.payload))) for entry in entries]


def examine(entry: RawEntry, key: PublicKey | None) -> Examined:
    """One entry, whose payload names `key`, if that is known."""
    signed = event_pae(entry.payload)
    genuine = None
    if key is not None:
        try:
            key.verify(entry.signature, signed)
            genuine = True
        except Invalid:
            genuine = False
    envelope = Envelope(EVENT_TYPE, entry.payload, _key_id(entry.payload), entry.signature)
    hashed = bytes(merkle.HASH_SIZE)
    if entry.record_time in TIMES:
        hashed = leaf.leaf_hash(entry.blind, leaf.entry_bytes(envelope, entry.record_time))
    return Examined(EventId(hashlib.sha256(signed).hexdigest()), hashed, genuine)


def _key_id(payload: bytes) -> KeyId:
    try:
        return KeyId(str(canonical.load(payload)["key"]))
    except (Malformed, TypeError, KeyError):
        return KeyId("")
