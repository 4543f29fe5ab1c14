"""Does the ledger say what its entries give? Everything is derived anew and compared, row by row.

Entries are checked by what they are: signatures, rules, numbers, times. Every projection, tile and head is
compared with the one a scratch database gets from the same entries; the published checkpoint with the root
they give; the book that snapshots state with the one they give; disclosures with the commitments they open; the guard
with all of it. What is wrong is named by
table and index. Nothing is repaired here: projections by `rebuild`, entries only from a copy.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import msgspec
import orjson
from sqlmodel import SQLModel

from traceability.core import merkle
from traceability.core.errors import Invalid, Malformed
from traceability.core.events import Attestation, Snapshot, TagIssue
from traceability.core.registry_records import Act, LedgerFacts
from traceability.core.state import decode_record
from traceability.ledger import collector, publish
from traceability.ledger.books import Books, sizes_stated
from traceability.ledger.database import ERRORS, Unusable, open_database
from traceability.ledger.disclosures import TAG_CODE, tag_codes
from traceability.ledger.examine import Examined
from traceability.ledger.guard import Guard, GuardHead, GuardRefuses, GuardUnavailable
from traceability.ledger.replay import (
    Chunk,
    Damage,
    Opened,
    Progress,
    Replay,
    examined_chunks,
    span,
    stored_chunks,
)
from traceability.ledger.store import Store
from traceability.ledger.view import View

VerdictName = Literal["good", "damaged", "cannot_check", "rolled_back"]
_Blocks = Iterator[Sequence[Any]]
"""Rows, some at a time."""
DAMAGES_MAX = 20
"""How many damages of one table are listed; the first ones say where to look."""

_TABLES: tuple[tuple[str, str, int], ...] = (
    ("signer", "no, key_id, top", 1),
    ("outcome", "idx, signer, sequence, use, leaf, value", 1),
    ("state", "type, id, value", 2),
    ("lot", "no, id, mineral, state, value", 1),
    ("lot_place", "id, no", 2),
    ("move", "lot, idx, custody, title, stands, value", 2),
    ("tile", "level, n, hashes, root", 2),
    ("root", "size, root", 1),
    ("holding", "party, lot", 2),
    ("finding", "idx, n, rule, severity, value", 2),
    ("finding_subject", "type, id, idx, n", 4),
    ("tag_code", "code, roll, number", 3),
)
"""Every projection with one row for each of its keys: columns, and how many of them are the key."""


class BookFound(msgspec.Struct, frozen=True):
    """The newest snapshot, which is right: what whoever replayed this may attest. Roots in hex."""

    size: int
    root: str
    book: str
    findings: str
    """Digest of all findings so far (`books.Books.findings`)."""


class Report(msgspec.Struct, frozen=True):
    """What was found. `rolled_back`: the guard has seen a signed head that this database does not have."""

    verdict: VerdictName
    size: int
    root: str
    damages: tuple[Damage, ...]
    notes: tuple[str, ...] = ()
    book: BookFound | None = None


def check(store: Store, guard: Guard | None = None, progress: Progress = lambda _: None) -> Report:
    """Derives everything in `store` anew and compares it; `guard`, if given, is compared too."""
    try:
        with collector.resting(), store.read() as log, scratch() as view:
            return _Check(log, view, progress).report(guard)
    except (*ERRORS, Unusable, UnicodeDecodeError) as error:
        return Report("cannot_check", 0, "", (), (f"the database cannot be read: {error}",))
    except Exception as error:  # noqa: BLE001  # no value of the wrong kind may end this without a verdict
        return Report("cannot_check", 0, "", (), (f"the database is not what it was written as: {error!r}",))


@contextlib.contextmanager
def scratch() -> Iterator[View]:
    """The tables of a ledger in a database that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="traceability-") as folder:
        url = f"sqlite:///{Path(folder) / 'scratch.sqlite3'}"
        database = open_database(url, create=True)
        SQLModel.metadata.create_all(database.engine)
        connection = database.engine.raw_connection()
        try:
            for setting in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
                connection.cursor().execute(f"PRAGMA {setting}")
            cursor = connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("INSERT INTO head VALUES (0, 0, ?, ?, 0)", (merkle.EMPTY_ROOT, b""))
            cursor.execute("INSERT INTO placed VALUES (0, 0)")
            yield View(database, connection, cursor)
        finally:
            connection.invalidate()
            connection.close()
            database.engine.dispose()


class _Check:
    """One run: `log` is the ledger that is looked at, `view` the scratch tables."""

    def __init__(self, log: View, view: View, progress: Progress) -> None:
        self._log = log
        self._view = view
        self._progress = progress
        self._damages: list[Damage] = []
        self._notes: list[str] = []
        self._disclosures_readable = True
        self._disclosures_end = 0
        """Disclosures of entries below this were read."""
        self._stating: list[tuple[int, Snapshot | Attestation]] = []
        """Entries that state or attest the book, with their indexes."""
        self._kept_book = log.book()
        self._books = Books(sizes_stated(log), self._kept_book.size if self._kept_book else None)
        self._replay = Replay(view, log, roots_at=log.roots_kept(), books=self._books)

    def report(self, guard: Guard | None) -> Report:
        size, displaced = span(self._log)
        for chunk, examined in examined_chunks(stored_chunks(self._log, size, self._opened), size):
            self._replay.take(chunk.entries, examined)
            self._check_disclosures(chunk, examined)
            self._stating += (
                (entry.index, found.event)
                for entry, found in zip(chunk.entries, examined, strict=True)
                if isinstance(found.event, Snapshot | Attestation)
            )
            self._progress(self._replay.head.size)
            del chunk, examined
        self._damages += displaced + self._replay.damages
        self._check_head()
        self._check_loose_disclosures()
        self._check_erased()
        for table, columns, key in _TABLES:
            self._compare(table, columns, key)
        self._compare_places()
        book = self._check_snapshots()
        self._compare_book()
        for said in self._log.torn():
            self._note("database", "", None, said)
        self._check_checkpoints()
        verdict = self._check_guard(guard)
        size, root = self._replay.head.size, self._replay.head.root.hex()
        if self._damages:
            verdict = "damaged"
        return Report(verdict, size, root, tuple(self._damages), tuple(self._notes), book)

    def _note(self, table: str, key: str, index: int | None, what: str) -> None:
        self._damages.append(Damage(table, key, index, what))

    def _check_head(self) -> None:
        found = self._replay.head
        try:
            stored = self._log.head()
        except (Malformed, TypeError) as error:
            self._note("head", "0", None, f"it is no head of a tree: {error}")
            return
        if stored.size > found.size:
            what = f"it is missing: the head counts {stored.size} entries"
            self._note("entry", str(found.size), found.size, what)
        if stored != found:
            self._note("head", "0", None, f"it is not the head of the {found.size} entries")

    def _opened(self, first: int, end: int) -> Opened:
        if self._disclosures_readable:
            self._disclosures_end = end
            try:
                return self._log.disclosures_between(first, end)
            except ERRORS as error:
                self._note("disclosure", "", None, f"it cannot be read: {error}")
                self._disclosures_readable = False
        return {}

    def _check_disclosures(self, chunk: Chunk, examined: Sequence[Examined]) -> None:
        missing = dict(chunk.opened)
        for entry, found in zip(chunk.entries, examined, strict=True):
            spoiled = dict(found.spoiled)
            for path, _, value in missing.pop(entry.index, ()):
                if path in spoiled:
                    self._note("disclosure", f"{entry.index} {path}", entry.index, spoiled[path])
                elif (
                    path == "/codes" and isinstance(found.event, TagIssue) and self._view.stands(entry.index)
                ):
                    self._view.insert(TAG_CODE, tag_codes(found.event, orjson.loads(value)))
        for index, rows in missing.items():
            for path, *_ in rows:
                self._note("disclosure", f"{index} {path}", index, "there is no such entry")

    def _check_loose_disclosures(self) -> None:
        """Those of entries that are beyond the log."""
        query = "SELECT idx, path FROM disclosure WHERE idx < 0 OR idx >= ? ORDER BY idx, path LIMIT ?"
        if self._disclosures_readable:
            for index, path in self._log.all(query, self._disclosures_end, DAMAGES_MAX):
                self._note("disclosure", f"{index} {path}", index, "there is no such entry")

    def _check_erased(self) -> None:
        """What the entries say was redacted is not to be there."""
        if not self._disclosures_readable:
            return
        for value in (row[1] for row in self._view.stream("SELECT id, value FROM state WHERE type = 'act'")):
            act = decode_record(value)
            if not isinstance(act, Act) or not act.withheld:
                continue
            where = [
                i for i in self._view.candidates(act.event) if self._log.event_ids([i]) == {i: act.event}
            ]
            index = where[0] if where else -1
            paths = "SELECT path FROM disclosure WHERE idx = ? AND path = ANY(?) ORDER BY path"
            for (path,) in self._log.all(paths, index, list(act.withheld)):
                self._note("disclosure", f"{index} {path}", index, "it was redacted, and is still there")

    def _compare(self, table: str, columns: str, key: int) -> None:
        names = columns.split(", ")
        query = f"SELECT {columns} FROM {table} ORDER BY {', '.join(names[:key])}"  # noqa: S608
        found = 0
        try:
            for row, what in differences(self._log.blocks(query), self._view.blocks(query), key):
                found += 1
                if found <= DAMAGES_MAX:
                    index = row[names.index("idx")] if "idx" in names else None
                    self._note(table, " ".join(map(str, row[:key])), index, what)
        except ERRORS as error:
            self._note(table, "", None, f"it cannot be read: {error}")
        if found > DAMAGES_MAX:
            self._notes.append(f"{found - DAMAGES_MAX} more rows of {table} are damaged")

    def _check_snapshots(self) -> BookFound | None:
        """Every snapshot is recomputed; an attestation that says otherwise is a word against ours."""
        newest = None
        for index, event in self._stating:
            if not self._view.stands(index):
                continue
            size, book = event.body.size, self._books.roots.get(event.body.size)
            root = self._replay.root_at(size).hex() if 0 < size <= index else None
            if book is None or root is None:
                continue  # beyond the log, which the replay has told
            noticed = self._books.findings[size].hex()
            if isinstance(event, Snapshot):
                if event.body.book != book.hex():
                    what = f"it states another book than the {size} entries before it give"
                    self._note("entry", str(index), index, what)
                elif newest is None or size >= newest.size:
                    newest = BookFound(size, root, book.hex(), noticed)
            elif (event.body.root, event.body.book) != (root, book.hex()):
                self._notes.append(f"entry {index}: who attests got another log or book of {size} entries")
            elif event.body.findings not in (None, noticed):
                self._notes.append(f"entry {index}: who attests got other findings in {size} entries")
        return newest

    def _compare_book(self) -> None:
        """The tree of the book that is kept is that of its size."""
        kept = self._kept_book
        if kept is None:
            return
        books = self._books
        stated = dict(self._stating).get(kept.stated_by)
        if (kept.subjects, kept.root) != (books.kept_subjects, books.roots.get(kept.size)) or not (
            isinstance(stated, Snapshot) and stated.body.size == kept.size
        ):
            self._note("book", "0", None, "it is not the book that a snapshot states")
        derived: list[Sequence[Any]] = [(*key, hashes) for key, hashes in sorted(books.kept.items())]
        stored = self._log.blocks("SELECT level, n, hashes FROM book_tile ORDER BY level, n")
        for row, what in islice(differences(stored, iter([derived]), 2), DAMAGES_MAX):
            self._note("book_tile", f"{row[0]} {row[1]}", None, what)

    def _compare_places(self) -> None:
        size = self._replay.head.size
        found = self._log.one("SELECT size FROM placed WHERE id = 0")
        placed = -1 if found is None else int(found[0])
        if not 0 <= placed <= size:
            self._note("placed", "0", None, f"{placed} of {size} entries cannot have their place")
        query = "SELECT id, idx FROM event_place ORDER BY id, idx"
        derived = self._view.blocks(query)
        if placed < size:
            derived = ([row for row in rows if row[1] < placed] for rows in derived)
        for count, (row, what) in enumerate(differences(self._log.blocks(query), derived, 2)):
            if count < DAMAGES_MAX:
                self._note("event_place", f"{row[0]} {row[1]}", row[1], what)

    def _check_checkpoints(self) -> None:
        facts = self._view.record(("ledger", ""))
        if not isinstance(facts, LedgerFacts):
            return
        published = self._log.checkpoint()
        if published is None:
            self._note("checkpoint", "0", None, "none is published: start the ledger, it will publish one")
        else:
            self._check_checkpoint("checkpoint", *published, facts)
        cosigned = self._log.cosigned()
        if cosigned is not None:
            self._check_checkpoint("cosigned", *cosigned, facts)

    def _check_checkpoint(self, table: str, said: int, note: bytes, facts: LedgerFacts) -> None:
        try:
            checkpoint = publish.open_own(note, facts)
        except (Malformed, Invalid) as error:
            self._note(table, "0", None, str(error))
            return
        size = self._replay.head.size
        if checkpoint.size != said or checkpoint.size > size:
            self._note(table, "0", None, f"it speaks of {checkpoint.size} entries, there are {size}")
        elif checkpoint.root != self._replay.root_at(checkpoint.size):
            self._name_changed_entries(table, checkpoint.size, checkpoint.root)

    def _name_changed_entries(self, table: str, size: int, root: bytes) -> None:
        """The entries do not give the signed root. Where the leaves kept with them do, they tell which changed."""
        self._note(table, "0", None, "the entries do not give the root that was signed")
        leaves = [
            row[0] for row in self._log.all("SELECT leaf FROM outcome WHERE idx < ? ORDER BY idx", size)
        ]
        if merkle.root_from_leaf_hashes(leaves) != root:
            return
        query = "SELECT leaf FROM outcome WHERE idx < ? ORDER BY idx"
        found = [row[0] for row in self._view.all(query, size)]
        changed = [index for index, (was, is_) in enumerate(zip(leaves, found, strict=True)) if was != is_]
        for index in changed[:DAMAGES_MAX]:
            self._note("entry", str(index), index, "it is not the entry that was signed: its leaf is another")

    def _check_guard(self, guard: Guard | None) -> VerdictName:
        if guard is None:
            return "good"
        try:
            held = guard.read()
        except (GuardRefuses, GuardUnavailable) as error:
            self._notes.append(str(error))
            return "cannot_check"
        size = self._replay.head.size
        if held is None:
            self._notes.append(
                "the guard knows nothing of this log key: whether all is there, nobody can tell"
            )
            return "good" if size == 0 else "cannot_check"
        if held.size > size:
            self._notes.append(f"a head of {held.size} entries was signed; here are {size}")
            return "rolled_back"
        if not self._is_on_this_tree(held):
            self._note("guard", "0", None, f"a head of {held.size} entries with another root was signed")
        return "good"

    def _is_on_this_tree(self, held: GuardHead) -> bool:
        return self._replay.root_at(held.size) == held.root


def differences(stored: _Blocks, derived: _Blocks, key: int) -> Iterator[tuple[Sequence[Any], str]]:
    """Rows that are not in both, of two lists sorted by their first `key` columns; and what is wrong.

    As long as both are the same, whole blocks are compared; row by row only from where they part.
    """
    some, others = next(stored, ()), next(derived, ())
    while some and some == others:
        some, others = next(stored, ()), next(derived, ())
    yield from _rows_apart(
        chain(some, chain.from_iterable(stored)), chain(others, chain.from_iterable(derived)), key
    )


def _rows_apart(
    stored: Iterator[Sequence[Any]], derived: Iterator[Sequence[Any]], key: int
) -> Iterator[tuple[Sequence[Any], str]]:
    one, other = next(stored, None), next(derived, None)
    while one is not None or other is not None:
        if one == other:
            one, other = next(stored, None), next(derived, None)
        elif one is None or (other is not None and tuple(other[:key]) < tuple(one[:key])):
            assert other is not None
            yield other, "it is missing"
            other = next(derived, None)
        elif other is None or tuple(one[:key]) < tuple(other[:key]):
            yield one, "the entries do not give it"
            one = next(stored, None)
        else:
            yield one, "the entries give another value"
            one, other = next(stored, None), next(derived, None)
