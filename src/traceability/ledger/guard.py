"""The guard: the last tree head that was signed, kept where no backup reaches.

A ledger restored from a backup does not know what it has signed since. If it signed on, two histories
would carry one key. So the head that is about to be signed is written here first, in a tiny store of its
own, outside the data folder and every backup: a file, or a small PostgreSQL elsewhere as soon as two
machines write. It is kept by log key, so that one store can guard several ledgers. A log that changes its key
has several: whatever any of them has signed counts for all.

A guard moves forward only, to a head whose tree contains those it holds. A guard already at or beyond the
head, on the same tree, is success: another process was faster. Anything else stops signing.
"""

import fcntl
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import psycopg

from traceability.core.merkle import HASH_SIZE
from traceability.ledger.database import BUSY, in_words


class GuardHead(NamedTuple):
    """A tree head that was signed, or is about to be."""

    size: int
    root: bytes


Contains = Callable[[GuardHead], bool]
"""Whether the log in the database, as it is now, has this head: at least that long, and that root there."""


class GuardRefuses(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """Nothing may be signed; the message says why and what to do."""


class GuardUnavailable(Exception):  # noqa: N818
    """The guard could not be read or written; nothing is known to have changed."""


class Guard(Protocol):
    """Where the last signed head is kept. Every method raises GuardUnavailable when it cannot be reached."""

    def know(self, vkeys: Iterable[str]) -> None:
        """Further keys of the same log: guarded together with those it was opened for."""
        ...

    def read(self) -> GuardHead | None:
        """The last head signed under one of its keys; None when this guard has never seen any."""
        ...

    def advance(self, head: GuardHead, contains: Contains) -> None:
        """Moves forward to `head`, or finds itself beyond it on the same tree. Raises GuardRefuses."""
        ...

    def begin(self, head: GuardHead) -> None:
        """Starts guarding its keys at `head`. Raises GuardRefuses where it guards another head already."""
        ...

    def close(self) -> None:
        """Gives back what it holds; it may be used again."""
        ...


Held = Mapping[str, GuardHead | None]
"""What is held for each key of a log."""


def _newest(held: Held) -> GuardHead | None:
    return max((head for head in held.values() if head is not None), default=None)


def _next(held: Held, head: GuardHead, contains: Contains) -> GuardHead:
    """What the guard must hold for each key before `head` is signed."""
    newest = _newest(held)
    if newest is None:
        raise GuardRefuses(
            "the guard knows nothing of this log key: bring back the guard's file or database, or adopt the newest "
            "checkpoint anybody holds with `traceability restore --adopt-guard`"
        )
    for known in sorted({each for each in held.values() if each not in (None, head)}, reverse=True):
        if not contains(known):
            raise GuardRefuses(
                f"the guard holds a signed head of {known.size} entries that this database does not have"
                + (
                    ": it was rolled back; restore what is missing"
                    if known.size > head.size
                    else ": it is another history"
                )
            )
    return max(newest, head)


def _check_first(held: Held, head: GuardHead) -> None:
    other = next((known for known in held.values() if known not in (None, head)), None)
    if other is not None:
        raise GuardRefuses(
            f"this log key has signed a head of {other.size} entries already: give a new log a new key"
        )


class FileGuard:
    """A guard in a text file: a line `<vkey> <size> <root in hex>` for each log key.

    Written beside itself, synced, renamed, and the folder synced; a lock file keeps processes apart.
    """

    def __init__(self, path: Path, *vkeys: str) -> None:
        self._path = path
        self._vkeys = vkeys
        self._certain: GuardHead | None = None
        """What this process knows to be on stable storage."""

    def know(self, vkeys: Iterable[str]) -> None:
        self._vkeys = tuple(dict.fromkeys((*self._vkeys, *vkeys)))

    def read(self) -> GuardHead | None:
        with self._locked():
            return _newest(self._held(self._heads()))

    def advance(self, head: GuardHead, contains: Contains) -> None:
        with self._locked():
            heads = self._heads()
            held = self._held(heads)
            wanted = _next(held, head, contains)
            if any(known != wanted for known in held.values()):
                self._write({**heads, **dict.fromkeys(held, wanted)})
            elif wanted != self._certain:
                # Whoever wrote it may have been killed before it was synced.
                _sync(self._path)
                _sync(self._path.parent)
            self._certain = wanted

    def begin(self, head: GuardHead) -> None:
        with self._locked():
            heads = self._heads()
            _check_first(self._held(heads), head)
            self._write({**heads, **dict.fromkeys(self._vkeys, head)})

    def close(self) -> None:
        pass

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_name(self._path.name + ".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise GuardUnavailable(f"the guard {self._path} cannot be used: {error}") from error

    def _held(self, heads: Mapping[str, GuardHead]) -> Held:
        return {vkey: heads.get(vkey) for vkey in self._vkeys}

    def _heads(self) -> dict[str, GuardHead]:
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return {}
        heads = {}
        for line in text.splitlines():
            try:
                vkey, size, root = line.split(" ")
                heads[vkey] = GuardHead(int(size), bytes.fromhex(root))
            except ValueError:
                raise GuardRefuses(
                    f"{self._path} is damaged: {line[:60]!r} is not a vkey, a size and a root"
                ) from None
            if len(heads[vkey].root) != HASH_SIZE or heads[vkey].size < 0:
                raise GuardRefuses(f"{self._path} is damaged: {line[:60]!r} has no root of 32 bytes")
        return heads

    def _write(self, heads: dict[str, GuardHead]) -> None:
        text = "".join(f"{vkey} {head.size} {head.root.hex()}\n" for vkey, head in sorted(heads.items()))
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name + ".")
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        _sync(self._path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class PostgresGuard:
    """A guard in a table of a PostgreSQL, which must be another server than the ledger's own."""

    def __init__(self, url: str, *vkeys: str) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._vkeys = vkeys
        self._connection: psycopg.Connection | None = None
        self._one_at_a_time = threading.Lock()

    def know(self, vkeys: Iterable[str]) -> None:
        self._vkeys = tuple(dict.fromkeys((*self._vkeys, *vkeys)))

    def read(self) -> GuardHead | None:
        with self._locked() as connection:
            return _newest(self._held(connection))

    def advance(self, head: GuardHead, contains: Contains) -> None:
        with self._locked() as connection:
            held = self._held(connection)
            wanted = _next(held, head, contains)
            self._write(connection, [vkey for vkey, known in held.items() if known != wanted], wanted)

    def begin(self, head: GuardHead) -> None:
        with self._locked() as connection:
            _check_first(self._held(connection), head)
            self._write(connection, self._vkeys, head)

    @contextmanager
    def _locked(self) -> Iterator[psycopg.Connection]:
        with self._one_at_a_time:
            try:
                connection = self._connection or self._connect()
                with connection.transaction():
                    connection.execute("LOCK TABLE traceability_guard IN SHARE ROW EXCLUSIVE MODE")
                    yield connection
            except psycopg.Error as error:
                self.close()
                raise GuardUnavailable(f"the guard's database cannot be used: {in_words(error)}") from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection:
        connection = psycopg.connect(self._url, connect_timeout=10, autocommit=True)
        connection.execute("SET synchronous_commit TO on")
        connection.execute(BUSY)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS traceability_guard"
            " (vkey text PRIMARY KEY, size bigint NOT NULL, root bytea NOT NULL)"
        )
        self._connection = connection
        return connection

    def _held(self, connection: psycopg.Connection) -> Held:
        query = "SELECT vkey, size, root FROM traceability_guard WHERE vkey = ANY(%s)"
        rows = connection.execute(query, (list(self._vkeys),)).fetchall()
        found = {vkey: GuardHead(size, root) for vkey, size, root in rows}
        return {vkey: found.get(vkey) for vkey in self._vkeys}

    def _write(self, connection: psycopg.Connection, vkeys: Iterable[str], head: GuardHead) -> None:
        for vkey in vkeys:
            connection.execute(
                "INSERT INTO traceability_guard (vkey, size, root) VALUES (%s, %s, %s)"
                " ON CONFLICT (vkey) DO UPDATE SET size = excluded.size, root = excluded.root",
                (vkey, head.size, head.root),
            )


def guard_file(where: str) -> Path | None:
    """The file in which a guard is kept; None where it is in a PostgreSQL."""
    return None if where.startswith(("postgresql://", "postgresql+psycopg://")) else Path(where)


def open_guard(where: str, *vkeys: str) -> Guard:
    """The guard of these keys of one log: a PostgreSQL URL, or the path of a file."""
    path = guard_file(where)
    return PostgresGuard(where, *vkeys) if path is None else FileGuard(path, *vkeys)
