"""Backups that have been tried: each is opened and checked like a ledger before it counts as one.

SQLite copies its file by its own means while others write; of PostgreSQL a dump is taken (`dump`), which is
verified by loading it. A backup holds neither the log key nor the guard, so a ledger restored from it knows
what it does not have: it signs again only when the guard agrees, or when the newest checkpoint anybody holds
is adopted in its place.
"""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from traceability.core.errors import Invalid, Malformed
from traceability.core.merkle import tree_root
from traceability.core.registry_records import LedgerFacts
from traceability.ledger import dump, fsck, publish
from traceability.ledger.database import ERRORS, Sqlite, Unusable, open_database
from traceability.ledger.dump import NotLoaded
from traceability.ledger.guard import Guard, GuardHead, GuardRefuses
from traceability.ledger.replay import Progress
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.view import Head

_MAGIC = b"SQLite format 3\x00"


class NotBackedUp(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """There is no backup, or not a good one; the message says why."""


def backup(store: Store, path: Path, progress: Progress = lambda _: None) -> Head:
    """Writes a backup of the ledger as it is now to a new file; its head. Raises NotBackedUp.

    The file has its name only once it has been synced and verified.
    """
    if path.exists():
        raise NotBackedUp(f"{path} exists already: name a new file")
    with _beside(path) as partial:
        if isinstance(store.database, Sqlite):
            _copy(store, partial)
            head = _verified_copy(partial, progress)
        else:
            with partial.open("wb") as file:
                file.writelines(dump.dump(store))
            head = _verified_dump(partial, progress)
        _put(partial, path)
        return head


def restore(path: Path, url: str, progress: Progress = lambda _: None) -> Head:
    """Makes a new ledger at `url` out of a backup or a dump; its head. Raises NotBackedUp, Unusable, NotLoaded.

    A copy of an older schema is brought up to this program's. Whether the ledger may sign is for the guard to say
    when it is opened.
    """
    with _reading(path) as file:
        is_copy = file.read(len(_MAGIC)) == _MAGIC
    target = open_database(url, create=True)
    target.engine.dispose()
    if is_copy and isinstance(target, Sqlite):
        if target.path.exists():
            raise NotBackedUp(f"{target.path} exists already: move it away first")
        target.path.parent.mkdir(parents=True, exist_ok=True)
        with _beside(target.path) as partial:
            shutil.copyfile(path, partial)
            _bring_up(partial)
            head = _verified_copy(partial, progress)
            _put(partial, target.path)
            return head
    migrate(url)
    with contextlib.closing(Store(url)) as store:
        if is_copy:
            with contextlib.closing(Store(f"sqlite:///{path}")) as copy:
                return dump.load(dump.dump(copy), store, progress)
        with _reading(path) as file:
            return dump.load(file, store, progress)


def adopt_guard(store: Store, guard: Guard, note: bytes) -> GuardHead:
    """Starts a guard that is lost at the newest checkpoint anybody holds. Raises GuardRefuses.

    Only where the ledger contains that checkpoint: then nothing that was signed up to it can be unsaid.
    """
    with store.read() as view:
        facts = view.record(("ledger", ""))
        if not isinstance(facts, LedgerFacts):
            raise GuardRefuses("there is no ledger in this database")
        try:
            checkpoint = publish.open_own(note, facts)
        except (Malformed, Invalid) as error:
            raise GuardRefuses(f"this is no checkpoint of {facts.log}: {error}") from error
        size = view.head().size
        if checkpoint.size > size:
            raise GuardRefuses(
                f"the checkpoint is of {checkpoint.size} entries, this ledger has {size}: restore the rest first"
            )
        if tree_root(checkpoint.size, view.nodes(checkpoint.size)) != checkpoint.root:
            raise GuardRefuses("the checkpoint is of another history than this ledger")
    head = GuardHead(checkpoint.size, checkpoint.root)
    guard.begin(head)
    return head


def _copy(store: Store, path: Path) -> None:
    """SQLite's own copy, all pages in one step: what is written meanwhile is not in it."""
    connection = store.database.engine.raw_connection()
    try:
        with contextlib.closing(sqlite3.connect(path)) as copy:
            source = connection.driver_connection
            assert isinstance(source, sqlite3.Connection)
            source.backup(copy)
    except sqlite3.Error as error:
        raise NotBackedUp(f"the copy failed: {error}") from error
    finally:
        connection.close()


def _bring_up(copy: Path) -> None:
    try:
        migrate(f"sqlite:///{copy}")
    except (Unusable, *ERRORS) as error:
        raise NotBackedUp(f"the copy cannot be opened: {error}") from error


def _verified_copy(path: Path, progress: Progress) -> Head:
    try:
        with contextlib.closing(Store(f"sqlite:///{path}")) as copy:
            report = fsck.check(copy, None, progress)
            if report.verdict != "good":
                found = [f"{d.table} {d.key}: {d.what}" for d in report.damages[:1]]
                raise NotBackedUp(f"the copy is damaged: {'; '.join([*found, *report.notes])}")
            with copy.read() as view:
                return view.head()
    except (Unusable, *ERRORS) as error:
        raise NotBackedUp(f"the copy cannot be opened: {error}") from error


def _verified_dump(path: Path, progress: Progress) -> Head:
    with tempfile.TemporaryDirectory(prefix="traceability-") as folder:
        url = f"sqlite:///{Path(folder) / 'trial.sqlite3'}"
        migrate(url)
        with contextlib.closing(Store(url)) as trial, path.open("rb") as file:
            try:
                return dump.load(file, trial, progress)
            except NotLoaded as error:
                raise NotBackedUp(f"the dump is damaged: {error}") from error


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    """The file, open. Raises NotBackedUp where its disk does not give it."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise NotBackedUp(f"{path} cannot be read: {error.strerror}") from error


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name in the same folder for what is not finished; nothing of it remains, unless the disk itself fails.

    Raises NotBackedUp where the disk fails or is full.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
    except OSError as error:
        raise NotBackedUp(f"{path} cannot be written: {error}") from error
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            with contextlib.suppress(OSError):
                Path(f"{partial}{suffix}").unlink(missing_ok=True)


def _put(partial: Path, path: Path) -> None:
    """Gives the finished file its name, on stable storage."""
    _sync(partial)
    partial.rename(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
