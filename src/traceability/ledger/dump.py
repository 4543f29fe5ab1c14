"""The whole content as text, and back: what auditors, mirrors and an exit from this program need.

    {"checkpoint":"<signed note>","format":"traceability-dump/1","size":41207}
    {"blind":"<base64url>","disclosures":[[salt,path,value],…],"entry":{…},"index":0}
    …
    {"scans":[[tag,day,place,label,times],…]}
    …

One line for each entry, in order, as far as the checkpoint speaks: every such line is covered by a signature.
`entry` stands in its canonical bytes. Loading replays everything, so what it accepts is a ledger. Behind the
entries stand public scans, if there are any: numbers that strangers made, covered by nothing.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice, starmap
from typing import Any

import msgspec

from traceability.core import canonical
from traceability.core.checkpoint import Checkpoint
from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import to_unpadded, unpadded
from traceability.core.leaf import BLIND_SIZE, time_text
from traceability.core.note import parse_note
from traceability.core.registry_records import LedgerFacts
from traceability.core.signing import Envelope
from traceability.ledger import collector, disclosures, publish, scans
from traceability.ledger.disclosures import Opened
from traceability.ledger.examine import Examined
from traceability.ledger.replay import CHUNK, Chunk, Progress, Replay, examined_chunks
from traceability.ledger.store import Store
from traceability.ledger.view import Head, StoredEntry, View

FORMAT = "traceability-dump/1"
NO_LINE = (
    msgspec.MsgspecError, Malformed, KeyError, TypeError, ValueError, OverflowError, RecursionError,
)  # fmt: skip
"""What reading bytes that are no line of a dump can raise."""


class NotLoaded(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """This is not the dump of a ledger, or not a whole one; nothing was loaded."""


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    checkpoint: str
    format: str
    size: int


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    blind: str
    disclosures: list[tuple[str, str, Any]]
    entry: dict[str, Any]
    index: int


class _Scans(msgspec.Struct, forbid_unknown_fields=True):
    scans: list[list[Any]]


def dump(store: Store) -> Iterator[bytes]:
    """The lines of a consistent dump, each with its line feed. Raises NotLoaded where nothing is published."""
    with store.read() as view:
        published = view.checkpoint()
        if published is None:
            raise NotLoaded("no checkpoint is published yet: start the ledger once, then dump it")
        size, note = published
        header = {"checkpoint": note.decode(), "format": FORMAT, "size": size}
        yield canonical.dump(header) + b"\n"
        for first in range(0, size, CHUNK):
            entries = view.entries(first, min(CHUNK, size - first))
            opened = view.disclosures_between(first, first + len(entries))
            for entry in entries:
                yield entry_line(entry, opened.get(entry.index, []))
        for rows in scans.lines(view):
            yield canonical.dump({"scans": rows}) + b"\n"


def entry_line(entry: StoredEntry, opened: Iterable[tuple[str, bytes, bytes]] = ()) -> bytes:
    """An entry as a line of a dump, with what is shown of its sealed fields: path, salt, canonical value."""
    shown = b",".join(
        b'["%s","%s",%s]' % (to_unpadded(salt).encode(), path.encode(), value) for path, salt, value in opened
    )
    return b'{"blind":"%s","disclosures":[%s],"entry":%s,"index":%d}\n' % (
        to_unpadded(entry.blind).encode(),
        shown,
        entry.entry,
        entry.index,
    )


def load(lines: Iterable[bytes], store: Store, progress: Progress = lambda _: None) -> Head:
    """Loads a dump into an empty ledger, in one transaction; its head. Raises NotLoaded, saying where."""
    source = iter(lines)
    header = _header(next(source, b""))
    entries = islice(source, header.size)
    with collector.resting(), store.write() as view:
        if view.head(lock=True).size or view.checkpoint() is not None:
            raise NotLoaded("there is a ledger in this database already: load into a new one")
        replay = Replay(view, roots_at=[header.size], write_entries=True)
        for chunk, examined in examined_chunks(_chunks(entries), header.size):
            replay.take(chunk.entries, examined)
            if replay.damages:
                raise NotLoaded(f"entry {replay.damages[0].key}: {replay.damages[0].what}")
            _keep_disclosures(view, chunk, examined)
            progress(replay.head.size)
            del chunk, examined
        disclosures.erase_all(view)
        _load_scans(view, source)
        _check_head(view, replay.head, header)
        note = header.checkpoint.encode()
        view.run("INSERT INTO checkpoint (id, size, note) VALUES (0, ?, ?)", header.size, note)
        return replay.head


def _header(line: bytes) -> _Header:
    try:
        header = msgspec.json.decode(line, type=_Header)
        checkpoint = Checkpoint.parse(parse_note(header.checkpoint.encode())[0])
    except NO_LINE as error:
        raise NotLoaded(f"the first line is not that of a dump: {error}") from error
    if header.format != FORMAT or checkpoint.size != header.size:
        raise NotLoaded(f"the first line is not that of a dump in the form {FORMAT}")
    return header


def _chunks(lines: Iterator[bytes]) -> Iterator[Chunk]:
    number = 1
    while chunk := list(islice(lines, CHUNK)):
        entries = []
        opened = {}
        for line in chunk:
            number += 1
            try:
                entry, shown = read_line(line)
            except NO_LINE as error:
                raise NotLoaded(f"line {number} is no entry: {error}") from error
            if entry.index != number - 2:
                raise NotLoaded(f"line {number} has entry {entry.index}, but {number - 2} comes next")
            entries.append(entry)
            if shown:
                opened[entry.index] = shown
        yield Chunk(entries, opened)


def read_line(line: bytes) -> tuple[StoredEntry, list[tuple[str, bytes, bytes]]]:
    """A line of an entry, and what it opens: path, salt and value. Raises one of NO_LINE."""
    read = msgspec.json.decode(line, type=_Line)
    envelope = Envelope.parse(read.entry["envelope"])
    record_time = int(datetime.fromisoformat(read.entry["record_time"]).timestamp())
    if time_text(record_time) != read.entry["record_time"]:
        raise Malformed("its record_time is not written as YYYY-MM-DDTHH:MM:SSZ")
    blind = unpadded(read.blind, BLIND_SIZE)
    stored = StoredEntry(read.index, record_time, envelope.payload, envelope.signature, blind)
    if stored.envelope.key != envelope.key:
        raise Malformed("keyid in the envelope must equal key in the event")
    return stored, [(path, unpadded(salt), canonical.dump(value)) for salt, path, value in read.disclosures]


def _load_scans(view: View, lines: Iterable[bytes]) -> None:
    for number, line in enumerate(lines, 1):
        try:
            scans.load(view, msgspec.json.decode(line, type=_Scans).scans)
        except NO_LINE as error:
            raise NotLoaded(f"line {number} behind the entries is none of scans: {error}") from error


def _keep_disclosures(view: View, chunk: Chunk, examined: Iterable[Examined]) -> None:
    kept = []
    for entry, found in zip(chunk.entries, examined, strict=True):
        if found.spoiled:
            raise NotLoaded(f"entry {entry.index}: {found.spoiled[0][1]}")
        opened = chunk.opened.get(entry.index)
        if opened and not isinstance(found.event, str):
            kept.append(
                disclosures.Of(entry.index, entry.event_id, found.event, list(starmap(Opened, opened)))
            )
    disclosures.keep(view, kept)


def _check_head(view: View, head: Head, header: _Header) -> None:
    facts = view.record(("ledger", ""))
    if head.size != header.size or not isinstance(facts, LedgerFacts):
        raise NotLoaded(f"the dump has {head.size} entries, its checkpoint speaks of {header.size}")
    try:
        checkpoint = publish.open_own(header.checkpoint.encode(), facts)
    except (Malformed, Invalid) as error:
        raise NotLoaded(f"the checkpoint of the dump is not one of its log: {error}") from error
    if checkpoint.root != head.root:
        raise NotLoaded(
            f"the {head.size} entries do not give the root that was signed: one of them was changed"
        )
