"""What a record of the fold is, and what it is to be a subject of the book."""

from typing import Literal

import msgspec

SubjectType = Literal[
    "certificate", "key", "licence", "lot", "party", "policy", "region", "roll", "site", "tag"
]
Address = tuple[str, str]
"""Where a record is kept: its type and id, e.g. ("lot", "3anm…") or ("number", "<key id>:17")."""

EMPTY_CHAIN = bytes(32)


class Record(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """Anything the fold keeps. Kept as its canonical MessagePack, compared byte by byte."""


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A subject's line in the book: where it stands, and the chains of its entries and findings."""

    number: int
    """Order of first appearance, from 0: the index of its leaf in the book."""
    count: int = 0
    chain: bytes = EMPTY_CHAIN
    last: int = -1
    """Index of the subject's newest entry; the one before it stands in that entry's outcome."""
    finding_count: int = 0
    finding_chain: bytes = EMPTY_CHAIN


NEW = Place(-1)
"""The line of a subject that has none in the book yet."""


class Subject(Record, frozen=True):
    """A record that facts are about."""

    place: Place
