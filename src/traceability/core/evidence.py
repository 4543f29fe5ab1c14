"""The evidence file: what proves the history of some lots, in one file that stands alone.

One canonical JSON object, media type `application/vnd.traceability.evidence+json`, name `*.evidence.json`:

    {"book":[{"chain","count","finding_chain","finding_count","id","number","type"}…],
     "checkpoint":"<signed note>",
     "entries":[{"blind","disclosures","index","payload","record_time","signature"}…],
     "completeness":{"consistency","findings","nodes","snapshot","subjects"},
     "event":"<event id>","lots":["<lot id>"…],"nodes":"<base64url>","version":1}

`lots` are those the file is about; `event` is there when they are the lots of one event, a shipment say.
`entries` rise by index and begin with the genesis. A payload stands as the JSON text that was signed;
`disclosures` ([salt, path, value]) only where the holder chose to open something. `nodes` are the hashes
that, with the leaves of these entries, give the checkpoint's root: one string, in the order of
`merkle.multiproof_coordinates`. `book` holds a line for each subject whose entries are all here.

With `completeness` the lines are those of the snapshot that the entry `snapshot` states, proved under its root by
`nodes` of the tree of so many `subjects`; `consistency` leads from the log of that size to the checkpoint, so that
attestations can be held against it. A line may then have `rest`: the links (`book.link`, 40 bytes each) of entries
that are not here, of a lot that is followed only up to an earlier one. `findings` are what rules noticed about the
subjects of the lines, each once, with the index of its entry: the lines' finding chains prove them.

`decode` accepts exactly the bytes `encode` writes. It says nothing about truth; that is `verify`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, TypeVar

import msgspec

from traceability.core import canonical
from traceability.core.errors import Malformed
from traceability.core.ids import EventId, LotId, to_unpadded, unpadded
from traceability.core.leaf import BLIND_SIZE, time_text
from traceability.core.merkle import HASH_SIZE

MEDIA_TYPE = "application/vnd.traceability.evidence+json"
SUFFIX = ".evidence.json"
SIZE_MAX = 256 * 1024 * 1024
VERSION = 1
LINK_SIZE = 40

Disclosure = tuple[str, str, Any]
"""Salt, path and value."""


class ShownEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry as the file shows it. `record_time` in Unix seconds."""

    index: int
    blind: bytes
    record_time: int
    payload: bytes
    signature: bytes
    disclosures: tuple[Disclosure, ...] = ()


_Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-z]{26}$")]
_Count = Annotated[int, msgspec.Meta(ge=0, le=canonical.INTEGER_MAX)]


class BookLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, omit_defaults=True, kw_only=True
):
    """A subject's line in the book as the file states it; chains in hex."""

    chain: _Hash
    count: _Count
    finding_chain: _Hash
    finding_count: _Count
    id: Annotated[str, msgspec.Meta(max_length=100)]
    number: _Count
    type: str
    rest: Annotated[str, msgspec.Meta(min_length=1)] = ""

    @property
    def links(self) -> tuple[bytes, ...]:
        """The links of the entries that are not shown. Raises Malformed."""
        data = unpadded(self.rest)
        if len(data) % LINK_SIZE:
            raise Malformed(f"the rest of {self.type} {self.id} is not whole links")
        return tuple(data[at : at + LINK_SIZE] for at in range(0, len(data), LINK_SIZE))

    @property
    def address(self) -> tuple[str, str]:
        return self.type, self.id


class Completeness(msgspec.Struct, frozen=True):
    """Which snapshot the lines of the book are of, and what proves them."""

    snapshot: int
    """Index of the entry that states it."""
    subjects: int
    """How many leaves the book's tree had."""
    nodes: tuple[bytes, ...]
    consistency: tuple[bytes, ...]
    """From the log of the snapshot's size to that of the checkpoint."""
    findings: tuple[tuple[int, str], ...] = ()
    """What was noticed about the lines' subjects: index of the entry, canonical JSON of the finding; in their order."""


class Evidence(msgspec.Struct, frozen=True):
    """What an evidence file holds."""

    lots: tuple[LotId, ...]
    checkpoint: bytes
    entries: tuple[ShownEntry, ...]
    nodes: tuple[bytes, ...]
    book: tuple[BookLine, ...] = ()
    event: EventId | None = None
    completeness: Completeness | None = None


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    blind: str
    index: _Count
    payload: str
    record_time: str
    signature: str
    disclosures: list[Disclosure] | msgspec.UnsetType = msgspec.UNSET


class _Completeness(msgspec.Struct, forbid_unknown_fields=True):
    consistency: str
    findings: list[tuple[_Count, str]]
    nodes: str
    snapshot: _Count
    subjects: _Count


class Proven(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Entries and what proves them, about whatever they are."""

    book: list[BookLine]
    checkpoint: str
    entries: Annotated[list[_Entry], msgspec.Meta(min_length=1)]
    nodes: str
    version: int
    completeness: _Completeness | msgspec.UnsetType = msgspec.UNSET


class _File(Proven, kw_only=True):
    lots: Annotated[list[_Id], msgspec.Meta(min_length=1)]
    event: _Hash | msgspec.UnsetType = msgspec.UNSET


_DECODER = msgspec.json.Decoder(_File)
_PROVEN_DECODER = msgspec.json.Decoder(Proven)


def encode(evidence: Evidence) -> bytes:
    """The bytes of the file."""
    value = value_of(evidence)
    value["lots"] = list(evidence.lots)
    if evidence.event is not None:
        value["event"] = evidence.event
    return canonical.dump(value)


def encode_proven(evidence: Evidence) -> bytes:
    """The same of entries that are about no lot: a trust pack (`core.trust_pack`)."""
    return canonical.dump(value_of(evidence))


def value_of(evidence: Evidence) -> dict[str, Any]:
    """What is the same in every such file, as plain values."""
    value: dict[str, Any] = {
        "book": [msgspec.to_builtins(line) for line in evidence.book],
        "checkpoint": evidence.checkpoint.decode(),
        "entries": [_entry_value(entry) for entry in evidence.entries],
        "nodes": to_unpadded(b"".join(evidence.nodes)),
        "version": VERSION,
    }
    if (proved := evidence.completeness) is not None:
        value["completeness"] = {
            "consistency": to_unpadded(b"".join(proved.consistency)),
            "findings": [list(each) for each in proved.findings],
            "nodes": to_unpadded(b"".join(proved.nodes)),
            "snapshot": proved.snapshot,
            "subjects": proved.subjects,
        }
    return value


def _entry_value(entry: ShownEntry) -> dict[str, Any]:
    value: dict[str, Any] = {
        "blind": to_unpadded(entry.blind),
        "index": entry.index,
        "payload": entry.payload.decode(),
        "record_time": time_text(entry.record_time),
        "signature": to_unpadded(entry.signature),
    }
    if entry.disclosures:
        value["disclosures"] = [list(disclosure) for disclosure in entry.disclosures]
    return value


def decode(data: bytes) -> Evidence:
    """What the file holds. Raises Malformed for any bytes `encode` would not write."""
    file = read_as(data, _DECODER, "an evidence file")
    _check_rising("lots", file.lots)
    return evidence_of(
        file,
        tuple(LotId(lot) for lot in file.lots),
        EventId(file.event) if isinstance(file.event, str) else None,
    )


def decode_proven(data: bytes, what: str) -> Evidence:
    """What a file holds that is about no lot. Raises Malformed for any bytes `encode_proven` would not write.

    `what` it should be is for the error.
    """
    return evidence_of(read_as(data, _PROVEN_DECODER, what), (), None)


def decode_any(data: bytes) -> Evidence:
    """Evidence, or entries that are about no lot. Raises Malformed for anything else."""
    try:
        about_lots = "lots" in msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not evidence or a trust pack: {error}") from error
    return decode(data) if about_lots else decode_proven(data, "evidence or a trust pack")


_P = TypeVar("_P", bound=Proven)


def read_as(data: bytes, decoder: "msgspec.json.Decoder[_P]", what: str) -> _P:
    """The file's fields. Raises Malformed for any but canonical bytes of this form and version."""
    if len(data) > SIZE_MAX:
        raise Malformed(f"{what} has at most {SIZE_MAX >> 20} MiB")
    try:
        file = decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not {what}: {error}") from error
    if file.version != VERSION:
        raise Malformed(f"{what} of version {file.version}; this program reads version {VERSION}")
    if not canonical.is_canonical(data):
        raise Malformed(f"{what} was changed since it was written: it is not in canonical form")
    return file


def evidence_of(file: Proven, lots: tuple[LotId, ...], event: EventId | None) -> Evidence:
    """What the fields say. Raises Malformed where they are not in order."""
    _check_rising("entries", [entry.index for entry in file.entries])
    _check_rising("lines of the book", [line.address for line in file.book])
    entries = tuple(_read_entry(entry) for entry in file.entries)
    proved = file.completeness
    return Evidence(
        lots=lots,
        checkpoint=file.checkpoint.encode(),
        entries=entries,
        nodes=hashes(file.nodes),
        book=tuple(file.book),
        event=event,
        completeness=Completeness(
            proved.snapshot,
            proved.subjects,
            hashes(proved.nodes),
            hashes(proved.consistency),
            tuple(proved.findings),
        )
        if isinstance(proved, _Completeness)
        else None,
    )


def hashes(text: str) -> tuple[bytes, ...]:
    """Hashes written one after the other. Raises Malformed."""
    data = unpadded(text)
    if len(data) % HASH_SIZE:
        raise Malformed("the nodes of the proof are not whole hashes")
    return tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE))


def _read_entry(entry: _Entry) -> ShownEntry:
    disclosures: tuple[Disclosure, ...] = ()
    if isinstance(entry.disclosures, list):
        disclosures = tuple(entry.disclosures)
        if not disclosures:
            raise Malformed(f"entry {entry.index}: disclosures that are none are left out")
        _check_rising(f"disclosures of entry {entry.index}", [path for _, path, _ in disclosures])
    return ShownEntry(
        index=entry.index,
        blind=unpadded(entry.blind, BLIND_SIZE),
        record_time=_seconds(entry.record_time),
        payload=entry.payload.encode(),
        signature=unpadded(entry.signature, 64),
        disclosures=disclosures,
    )


def _seconds(text: str) -> int:
    """Unix seconds of a record time. Raises Malformed for any but its one spelling."""
    try:
        seconds = int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        seconds = None
    if seconds is None or not text.endswith("Z") or time_text(seconds) != text or text < "1000":
        raise Malformed(f"{text[:40]!r} is not a time like 2026-11-23T10:15:00Z")
    return seconds


def _check_rising(what: str, keys: Iterable[Any]) -> None:
    if any(low >= high for low, high in pairwise(keys)):
        raise Malformed(f"the {what} are not in order, or one stands there twice")


def in_order(disclosures: Iterable[Sequence[Any]]) -> tuple[Disclosure, ...]:
    """Disclosures of one entry as the file wants them: by path."""
    return tuple((salt, path, value) for salt, path, value in sorted(disclosures, key=lambda d: str(d[1])))
