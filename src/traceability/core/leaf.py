r"""Entries and leaves: how an event stands in the log, and what the public tree shows of it.

    entry     = {"envelope":<DSSE envelope>,"record_time":"2026-11-23T10:15:00Z"}     canonical JSON
    leaf data = 0x01 || SHA-256("traceability/leaf/v1\n" || blind[32] || entry)       33 bytes

The blind is random, one for each entry. So the tree, which anyone may have, shows how many entries there
are and nothing of what they say; whoever is given entry and blind can show that it is this leaf.
"""

import hashlib
from datetime import UTC, datetime
from functools import lru_cache

from traceability.core import merkle
from traceability.core.signing import Envelope

BLIND_SIZE = 32
_DOMAIN = b"traceability/leaf/v1\n"
_VERSION = b"\x01"


@lru_cache(maxsize=1 << 14)
def time_text(record_time: int) -> str:
    """A record time (Unix seconds) as it is written in an entry."""
    return datetime.fromtimestamp(record_time, UTC).isoformat()[:19] + "Z"


def entry_bytes(envelope: Envelope, record_time: int) -> bytes:
    """The canonical bytes of an event in its place; `record_time` in Unix seconds."""
    return b'{"envelope":%s,"record_time":"%s"}' % (envelope.to_json(), time_text(record_time).encode())


def leaf_data(blind: bytes, entry: bytes) -> bytes:
    """The 33 bytes that stand in the tree and in entry bundles for this entry."""
    return _VERSION + hashlib.sha256(_DOMAIN + blind + entry).digest()


def leaf_hash(blind: bytes, entry: bytes) -> bytes:
    """The hash of that leaf (RFC 6962 §2.1)."""
    return merkle.leaf_hash(leaf_data(blind, entry))
