"""The two databases a ledger can stand on, and the few things in which they differ.

Statements are written once, with `?` for a value and `= ANY(?)` for a list of ids or numbers; each database
spells them its own way. Rows come and go raw: no objects are mapped where events are appended.

SQLite: WAL, synchronous=FULL, foreign keys, and every write under BEGIN IMMEDIATE. PostgreSQL: fsync,
synchronous_commit and full_page_writes on, read committed, and every write under a lock on the head row.
Whoever opens one of them asserts that, and refuses it otherwise: an acknowledged entry survives the
power going out, or it is not acknowledged.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import psycopg
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from traceability.ledger.arrays import Array
from traceability.ledger.tables import APPLICATION_ID

ERRORS = (sqlite3.Error, psycopg.Error, SQLAlchemyError)
"""Whatever goes wrong with a database."""
CONSTRAINTS = (sqlite3.IntegrityError, psycopg.IntegrityError)
"""A constraint of the database fired."""

BUSY_SECONDS = 30
BUSY = (
    f"SELECT set_config('lock_timeout', '{BUSY_SECONDS}s', false) WHERE current_setting('lock_timeout') = '0'"
)
"""So long PostgreSQL waits for a lock that somebody forgot, as SQLite does; or shorter, where its administrator says so."""
STREAMED_ROWS = 256
_POOL = {"pool_size": 8, "max_overflow": 32, "pool_timeout": BUSY_SECONDS}
_OTHER_WAYS = ("seqscan", "hashjoin", "mergejoin")
"""How PostgreSQL also finds rows. Here they are few out of many, found by their keys: where it has not looked into a table
for a while it guesses otherwise, and reads all of it for each group of events."""
_CACHE_KIB = 16 * 1024
_PAGE_SIZE = 4096
_WAL_PAGES = 8192
"""How long SQLite's log may grow (32 MiB) before a commit also carries it over into the file. It grows beyond that while
somebody reads, and is cut back to it when he has ended."""


class Unusable(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """This database cannot be used as it is; the message says what to do."""


class Into(NamedTuple):
    """Where rows go: a table, its columns with their types on PostgreSQL, and what a conflict means."""

    table: str
    columns: Mapping[str, str]
    conflict: str = ""


class Database:
    """What both databases have in common. `engine` pools connections and lends them raw."""

    name: str
    engine: Engine
    lock = ""
    """What a SELECT of the head row ends in, so that it is locked."""
    lock_free = ""
    """The same, of a row that is passed over where somebody has locked it."""
    tables: str
    """Finds a table by its name."""

    @staticmethod
    def sql(statement: str) -> str:
        """The statement as this database spells it."""
        raise NotImplementedError

    @staticmethod
    def values(values: Sequence[Any]) -> Sequence[Any]:
        """The values as its driver takes them."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises Unusable unless the database keeps what it says it has kept."""
        raise NotImplementedError

    def cursor(self, connection: PoolProxiedConnection, *, write: bool, durable: bool = True) -> Any:
        """A cursor in a new transaction: one that may write, or a consistent view.

        What a transaction that is not `durable` has written may be lost when the power goes out.
        """
        raise NotImplementedError

    def insert(self, cursor: Any, into: Into, rows: Sequence[Sequence[Any]]) -> None:
        """Puts rows in; no two of them may be in conflict with each other."""
        raise NotImplementedError

    def together(self, connection: PoolProxiedConnection) -> AbstractContextManager[object]:
        """What is put in within it goes one after the other, and nobody waits for the database before its end."""
        raise NotImplementedError

    def stream(self, connection: PoolProxiedConnection, statement: str) -> Iterator[Sequence[Any]]:
        """The rows of a long answer, STREAMED_ROWS at a time, in the transaction of `connection`."""
        raise NotImplementedError

    def torn(self, cursor: Any) -> list[str]:
        """Where an index says something else than its table, as far as the database can tell by itself."""
        raise NotImplementedError

    def now(self, cursor: Any) -> int:
        """The one clock of this database, in Unix seconds, read now and not when the transaction began."""
        raise NotImplementedError

    def journal_bytes(self, cursor: Any) -> int:
        """How long the write-ahead log is, as far as it is kept for somebody who reads."""
        raise NotImplementedError

    def forget(self, connection: PoolProxiedConnection) -> bool:
        """Empties the journal of what was committed, as far as it is this program's to empty; whether it could."""
        raise NotImplementedError


class Sqlite(Database):
    """One file. `create` allows it to be made."""

    name = "sqlite"
    tables = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"

    def __init__(self, url: URL, *, create: bool) -> None:
        if not url.database or url.database == ":memory:":
            raise Unusable("a ledger in SQLite is a file: sqlite:///path/to/ledger.sqlite3")
        self.path = Path(url.database)
        self._mode = "rwc" if create else "rw"
        if not create and not self.path.exists():
            raise Unusable(f"there is no ledger at {self.path}: begin one with `traceability init`")
        self.engine = create_engine(url, creator=self._connect, poolclass=QueuePool, **_POOL)
        event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    def _connect(self) -> Any:
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode={self._mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        for setting in (
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",  # erased values are overwritten with zeros (T51)
            f"cache_size=-{_CACHE_KIB}",
            f"wal_autocheckpoint={_WAL_PAGES}",
            f"journal_size_limit={_WAL_PAGES * _PAGE_SIZE}",
        ):
            connection.execute(f"PRAGMA {setting}")
        return connection

    def prepare(self) -> None:
        """Makes the file a ledger's: write-ahead log, and a mark that says what it is."""
        raw = self.engine.raw_connection()
        try:
            cursor: Any = raw.cursor()
            (mark,) = cursor.execute("PRAGMA application_id").fetchone()
            (tables,) = cursor.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if mark not in (0, APPLICATION_ID) or (mark == 0 and tables):
                raise Unusable(f"{self.path} is a database of something else")
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute(f"PRAGMA application_id={APPLICATION_ID}")
        finally:
            raw.close()

    def check(self) -> None:
        raw = self.engine.raw_connection()
        wanted = {
            "application_id": APPLICATION_ID,
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
        }
        try:
            cursor: Any = raw.cursor()
            for name, value in wanted.items():
                found = cursor.execute(f"PRAGMA {name}").fetchone()[0]
                if found != value:
                    raise Unusable(
                        f"{self.path} is no ledger, or not a safe one: {name} is {found}, not {value}"
                    )
        finally:
            raw.close()

    @staticmethod
    @lru_cache
    def sql(statement: str) -> str:
        return statement.replace("= ANY(?)", "IN (SELECT value FROM json_each(?))")

    @staticmethod
    def values(values: Sequence[Any]) -> Sequence[Any]:
        return [orjson.dumps(value).decode() if isinstance(value, list) else value for value in values]

    def cursor(self, connection: PoolProxiedConnection, *, write: bool, durable: bool = True) -> Any:
        cursor = connection.cursor()
        if write:
            # In WAL mode frames follow each other: the next full commit makes a normal one durable too.
            cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        cursor.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        return cursor

    def insert(self, cursor: Any, into: Into, rows: Sequence[Sequence[Any]]) -> None:
        cursor.executemany(_sqlite_insert(into.table, tuple(into.columns), into.conflict), rows)

    def together(self, connection: PoolProxiedConnection) -> AbstractContextManager[object]:  # noqa: ARG002
        return nullcontext()

    def stream(self, connection: PoolProxiedConnection, statement: str) -> Iterator[Sequence[Any]]:
        cursor: Any = connection.cursor()
        cursor.execute(self.sql(statement))
        while rows := cursor.fetchmany(STREAMED_ROWS):
            yield rows

    def torn(self, cursor: Any) -> list[str]:
        found = cursor.execute("PRAGMA integrity_check(20)").fetchall()
        return [str(said) for (said,) in found if said != "ok"]

    def now(self, cursor: Any) -> int:  # noqa: ARG002
        return int(time.time())

    def journal_bytes(self, cursor: Any) -> int:  # noqa: ARG002
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def forget(self, connection: PoolProxiedConnection) -> bool:
        cursor: Any = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=0")  # nobody who appends waits for whoever reads
        try:
            return bool(cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
        finally:
            cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


class Postgres(Database):
    """One database of a PostgreSQL server; several server processes may write at once."""

    name = "postgresql"
    lock = " FOR UPDATE"
    lock_free = " FOR UPDATE SKIP LOCKED"
    tables = "SELECT 1 WHERE to_regclass(%s) IS NOT NULL"

    def __init__(self, url: URL) -> None:
        url = url.set(drivername="postgresql+psycopg")
        # Without hstore nothing is asked of a new connection that could leave it open when no answer comes.
        self.engine = create_engine(url, pool_pre_ping=True, use_native_hstore=False, **_POOL)
        event.listen(self.engine, "connect", self._begin)

    @staticmethod
    def _begin(connection: Any, _: object) -> None:
        try:
            for way in _OTHER_WAYS:
                connection.execute(f"SET enable_{way} TO off")
            connection.execute(BUSY)
            connection.commit()
        except psycopg.Error:
            connection.close()
            raise

    def check(self) -> None:
        raw = self.engine.raw_connection()
        try:
            cursor: Any = raw.cursor()
            for name, good in (
                ("fsync", ("on",)),
                ("full_page_writes", ("on",)),
                ("synchronous_commit", ("on", "remote_apply")),
            ):
                found = cursor.execute(f"SHOW {name}").fetchone()[0]
                if found not in good:
                    raise Unusable(f"PostgreSQL has {name} = {found}; a ledger needs {good[0]}: set it so")
        finally:
            raw.close()

    @staticmethod
    @lru_cache
    def sql(statement: str) -> str:
        return statement.replace("?", "%s")

    @staticmethod
    def values(values: Sequence[Any]) -> Sequence[Any]:
        return [
            Array("text" if isinstance(value[0], str) else "bigint", value)
            if isinstance(value, list) and value
            else value
            for value in values
        ]

    def cursor(self, connection: PoolProxiedConnection, *, write: bool, durable: bool = True) -> Any:
        driver: Any = connection.driver_connection
        level = psycopg.IsolationLevel
        driver.isolation_level = level.READ_COMMITTED if write else level.REPEATABLE_READ
        driver.read_only = not write
        cursor = driver.cursor(binary=True)
        if not durable:
            cursor.execute("SET LOCAL synchronous_commit TO off")
        return cursor

    def insert(self, cursor: Any, into: Into, rows: Sequence[Sequence[Any]]) -> None:
        statement = _postgres_insert(into.table, tuple(into.columns.items()), into.conflict)
        columns = zip(into.columns.values(), zip(*rows, strict=True), strict=True)
        cursor.execute(statement, [Array(type_, column) for type_, column in columns])

    def together(self, connection: PoolProxiedConnection) -> AbstractContextManager[object]:
        driver: Any = connection.driver_connection
        pipeline: AbstractContextManager[object] = driver.pipeline()
        return pipeline

    def stream(self, connection: PoolProxiedConnection, statement: str) -> Iterator[Sequence[Any]]:
        driver: Any = connection.driver_connection
        with driver.cursor(name="stream", binary=True) as cursor:
            cursor.execute(self.sql(statement))
            while rows := cursor.fetchmany(STREAMED_ROWS):
                yield rows

    def torn(self, cursor: Any) -> list[str]:  # noqa: ARG002  # its checksums are its own
        return []

    def now(self, cursor: Any) -> int:
        cursor.execute("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint")
        return int(cursor.fetchone()[0])

    def journal_bytes(self, cursor: Any) -> int:
        cursor.execute(
            "SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::bigint"
            " FROM pg_replication_slots"
        )
        return int(cursor.fetchone()[0])

    def forget(self, connection: PoolProxiedConnection) -> bool:  # noqa: ARG002  # docs/operations.md says what remains
        return True


def open_database(url: str, *, create: bool = False) -> Sqlite | Postgres:
    """The database behind an SQLAlchemy URL. Raises Unusable for any other kind, and for a missing file."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Unusable(f"{url[:60]!r} is not the URL of a database") from error
    match parsed.get_backend_name():
        case "sqlite":
            return Sqlite(parsed, create=create)
        case "postgresql":
            return Postgres(parsed)
        case other:
            raise Unusable(f"a ledger stands on sqlite or postgresql, not on {other}")


class Rows:
    """The tables inside one transaction."""

    def __init__(self, database: Database, connection: PoolProxiedConnection, cursor: Any) -> None:
        self.database = database
        self._connection = connection
        self._cursor = cursor
        self._sql: Callable[[str], str] = database.sql
        self._values = database.values

    def all(self, statement: str, *values: Any) -> list[Any]:
        """Every row of the answer, as tuples."""
        self._cursor.execute(self._sql(statement), self._values(values))
        found: list[Any] = self._cursor.fetchall()
        return found

    def one(self, statement: str, *values: Any) -> Any:
        """The first row of the answer, or None."""
        self._cursor.execute(self._sql(statement), self._values(values))
        return self._cursor.fetchone()

    def run(self, statement: str, *values: Any) -> int:
        """Executes it; how many rows it touched."""
        self._cursor.execute(self._sql(statement), self._values(values))
        return int(self._cursor.rowcount)

    def insert(self, into: Into, rows: Sequence[Sequence[Any]]) -> None:
        """Puts rows in; no two of them may be in conflict with each other."""
        if rows:
            self.database.insert(self._cursor, into, rows)

    def together(self) -> AbstractContextManager[object]:
        """Rows put in within it are there when it ends; what is wrong with them may be raised no sooner."""
        return self.database.together(self._connection)

    def stream(self, statement: str) -> Iterator[Any]:
        """The rows of a long answer, little by little. One at a time."""
        return chain.from_iterable(self.blocks(statement))

    def blocks(self, statement: str) -> Iterator[Sequence[Any]]:
        """The same, STREAMED_ROWS at a time."""
        return self.database.stream(self._connection, statement)

    def torn(self) -> list[str]:
        """Where an index says something else than its table, as far as the database can tell by itself."""
        return self.database.torn(self._cursor)

    def now(self) -> int:
        """The database's clock, in Unix seconds."""
        return self.database.now(self._cursor)

    def journal_bytes(self) -> int:
        """How long the write-ahead log is, as far as it is kept for somebody who reads."""
        return self.database.journal_bytes(self._cursor)


@lru_cache
def _sqlite_insert(table: str, columns: tuple[str, ...], conflict: str) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) {conflict}"  # noqa: S608


@lru_cache
def _postgres_insert(table: str, columns: tuple[tuple[str, str], ...], conflict: str) -> str:
    names = ", ".join(name for name, _ in columns)
    arrays = ", ".join(f"%s::{type_}[]" for _, type_ in columns)
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {conflict}"  # noqa: S608


def in_words(error: BaseException) -> str:
    """What a database says of an error, for anybody to read: without the statement, and what it says of its insides."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]


def is_fatal(error: BaseException) -> bool:
    """Whether the disk failed under SQLite: what was said to be synced may not be, and reading it again
    would only read what the machine remembers of it."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    )
