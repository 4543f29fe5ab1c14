"""The steps of an append, of evidence and of `fsck`, and what each costs at the least: its *floor*.

That is what the same bytes cost with the fastest library call alone: no types, no rules, no keys, no indexes. In seconds
of the processor's time for each event, the least of several times.
"""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from traceability.core import book, events
from traceability.core.signing import SigningKey, event_id, event_pae
from traceability.ledger import fsck, replay

SIGNATURE, READING, OPENED, HASHING = "signature", "strict reading", "disclosed values", "id, leaf, tree"
NAMING, LOADING = "naming what it touches", "loading what it touches"
CUSTODY, GLOBAL, BOOK = "custody, mass, authority", "rules over sums and time", "book"
VERDICT, PACKING, WRITING, COMMIT = "verdict and outcome", "packing rows", "writing rows", "lock and commit"
GUARD, CHECKPOINT, ANSWERS, PLACES = "guard", "checkpoint", "proof and answer", "places of events"
FILE, PARTIAL, ROWS, COMPARING = "form of the file", "what is shown", "reading rows", "comparing tables"
RULES = (NAMING, LOADING, CUSTODY, GLOBAL, PARTIAL)
"""What would be nothing if there were no rules."""

Written = list[list[tuple[str, Sequence[Sequence[Any]]]]]
"""For each group, the tables written and their rows."""


def least(call: Callable[[], object]) -> float:
    """Seconds it takes."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        call()
        taken.append(time.process_time() - started)
    return min(taken)


def hashes(texts: Sequence[bytes]) -> float:
    """Of all of them."""

    def all_() -> None:
        for text in texts:
            hashlib.sha256(text).digest()

    return least(all_)


def canonical(*texts: bytes) -> float:
    """All of them read, written again and compared."""

    def all_() -> None:
        for text in texts:
            assert orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS) == text

    return least(all_)


def opened(values: Sequence[object]) -> float:
    """All of them written and hashed."""
    written = [orjson.dumps(value) for value in values]
    return least(lambda: [orjson.dumps(value) for value in values]) + hashes(written)


def of_bytes(payloads: Sequence[bytes]) -> dict[str, float]:
    """Canonical form compared; id, leaf and tree hashed; a line of the book hashed for each subject."""

    read = [(payload, events.parse(payload)) for payload in payloads]
    lines = sum(len(book.subjects(event, event_id(payload), lambda _: None)) for payload, event in read)
    count = len(payloads)
    hashed = [event_pae(payload) for payload in payloads]
    hashed += [bytes(len(payload) * 4 // 3 + 400) for payload in payloads]  # the entry has it in base64
    return {
        READING: canonical(*payloads) / count,
        HASHING: hashes(hashed + [bytes(33), bytes(65)] * count) / count,
        BOOK: hashes([bytes(94)] * lines) / count,
    }


def writing(written: Written, file: Path | None) -> dict[str, float]:
    """The same rows into tables with neither keys nor indexes: synced in `file`, else in a file that is thrown away."""
    database = sqlite3.connect(file or "", isolation_level=None)
    for setting in ("journal_mode = WAL", "synchronous = FULL") if file else ("journal_mode = OFF",):
        database.execute(f"PRAGMA {setting}")
    widths = {table: len(rows[0]) for group in written for table, rows in group if rows}
    for table, width in widths.items():
        database.execute(f"CREATE TABLE {table}_ ({', '.join(f'c{n}' for n in range(width))})")
    inserting = committing = 0.0
    for group in written:
        database.execute("BEGIN IMMEDIATE")
        started = time.process_time()
        for table, rows in group:
            if rows:
                database.executemany(f"INSERT INTO {table}_ VALUES ({','.join('?' * len(rows[0]))})", rows)
        inserted = time.process_time()
        database.execute("COMMIT")
        inserting += inserted - started
        committing += time.process_time() - inserted
    count = sum(len(rows) for group in written for table, rows in group if table == "outcome")
    database.close()
    return {WRITING: inserting / count, COMMIT: committing / count}


def guarding(folder: Path) -> float:
    """A line written, synced, renamed, and its folder synced."""

    def guarded() -> None:
        for _ in range(20):
            with (folder / "new").open("w") as file:
                file.write("x" * 150)
                file.flush()
                os.fsync(file.fileno())
            (folder / "new").replace(folder / "line")
            descriptor = os.open(folder, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    return least(guarded) / 20


def signing() -> float:
    """A checkpoint signed."""
    key = SigningKey.from_seed(b"head", "Ed25519")
    return least(lambda: [key.sign(bytes(120)) for _ in range(100)]) / 100


def reading(ledger: Path, count: int) -> dict[str, float]:
    """Every entry fetched with what was opened of it; and every other table twice, and compared."""
    database = sqlite3.connect(ledger)
    tables = [
        f"SELECT {columns} FROM {table} ORDER BY {','.join(columns.split(', ')[:keys])}"
        for table, columns, keys in fsck._TABLES  # noqa: SLF001
    ]

    def fetched() -> None:
        for first in range(0, count, replay.CHUNK):
            for table in ("entry", "disclosure"):
                database.execute(
                    f"SELECT * FROM {table} WHERE idx >= ? AND idx < ?", (first, first + replay.CHUNK)
                ).fetchall()

    def compared() -> None:
        for query in tables:
            one, other = database.execute(query), database.execute(query)
            while rows := one.fetchmany(1000):
                assert rows == other.fetchmany(1000)

    found = {ROWS: least(fetched) / count, COMPARING: least(compared) / count}
    database.close()
    return found
