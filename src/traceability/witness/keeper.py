"""The witness: what it holds of each log, and the one decision it makes.

It cosigns a checkpoint that its log has signed and that grows out of the one it holds, and nothing else. What
it holds is compared and replaced in one transaction of a small SQLite file, synced before anybody is answered:
of two requests at once the second meets what the first has left, and after a power cut no cosignature is
out whose checkpoint is not kept.

A signed checkpoint that does not grow out of what is held is kept beside it (`refused`), because the two may
prove that a log shows two histories.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from traceability.core.checkpoint import OpenedCheckpoint, open_checkpoint
from traceability.core.cosignature import Cosigner
from traceability.core.errors import Invalid, Malformed
from traceability.core.merkle import EMPTY_ROOT, verify_consistency
from traceability.core.misbehaviour import Misbehaviour
from traceability.core.note import Verifier, encode_note, parse_note
from traceability.witness.protocol import SIZE_TYPE, AddCheckpoint, monitoring_path, size_body

APPLICATION_ID = 0x54725769
"""How an SQLite file says that it is a witness's (`TrWi`)."""
BUSY_SECONDS = 5
REFUSED_MAX = 1000
"""How many refused checkpoints of one log are kept: the first ones, which tell most."""

_TEXT = "text/plain; charset=utf-8"
_TABLES = """
CREATE TABLE held (
  origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL CHECK (length(root) = 32),
  time INTEGER NOT NULL, note BLOB NOT NULL) STRICT;
CREATE TABLE refused (
  origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, note BLOB NOT NULL,
  held BLOB NOT NULL, PRIMARY KEY (origin, size, root)) STRICT;
"""
_LOG = logging.getLogger(__name__)


class WitnessUnusable(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """There is no witness to run here; the message says what to do."""


class Reply(NamedTuple):
    """What is answered: status, body and its type."""

    status: HTTPStatus
    body: bytes
    media_type: str = _TEXT


class _Held(NamedTuple):
    """The newest checkpoint cosigned; `time` in Unix seconds. Before the first: the empty tree."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    time: int = 0
    note: bytes = b""


def create(path: Path) -> None:
    """Makes the file of a new witness, which holds nothing yet. Raises WitnessUnusable where there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.touch(exist_ok=False)
    except FileExistsError as error:
        raise WitnessUnusable(f"{path} exists already: a witness's memory is never begun anew") from error
    with contextlib.closing(_connect(path)) as connection:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id={APPLICATION_ID}; COMMIT;"
        )


class Witness:
    """One witness. Threads may share it; processes may share its file."""

    def __init__(
        self, path: Path, cosigner: Cosigner, logs: Iterable[Verifier], clock: Callable[[], int]
    ) -> None:
        """`logs` are the keys it believes, each under the origin that is its name; `clock` in Unix seconds.

        Raises WitnessUnusable where the file is not there: a witness that has forgotten must not go on.
        """
        if not path.exists():
            raise WitnessUnusable(
                f"there is no witness at {path}: begin one with `traceability witness init`. One that has lost "
                "its file is retired with its key: it could cosign what contradicts what it has cosigned"
            )
        self.path = path
        self.cosigner = cosigner
        self.logs: dict[str, list[Verifier]] = {}
        for verifier in logs:
            self.logs.setdefault(verifier.name, []).append(verifier)
        self._origins = {monitoring_path(origin): origin for origin in self.logs}
        self._clock = clock
        self._local = threading.local()
        try:
            with self._read() as connection:
                (mark,) = connection.execute("PRAGMA application_id").fetchone()
        except sqlite3.Error as error:
            raise WitnessUnusable(f"{path} cannot be opened as a witness's memory: {error}") from error
        if mark != APPLICATION_ID:
            raise WitnessUnusable(f"{path} is a file of something else, not a witness's memory")

    def add_checkpoint(self, body: bytes) -> Reply:
        """The answer to one request (C2SP tlog-witness, add-checkpoint). It never raises for what was sent."""
        # 1. The form: the request, the note in it, and the checkpoint in that.
        # 2. A log that is watched here.                                              404
        # 3. A signature of that log.                                                 403
        # 4. It claims to grow.                                                       400
        # 5. It grows from what is held here.                                         409
        # 6. It does grow out of it.                                                  422
        try:
            request = AddCheckpoint.parse(body)
            origin = parse_note(request.note)[0].split("\n", 1)[0]
            if origin not in self.logs:
                return _refusal(HTTPStatus.NOT_FOUND, "this log is not watched here")
            opened = open_checkpoint(request.note, origin, self.logs[origin])
        except Malformed as error:
            return _refusal(HTTPStatus.BAD_REQUEST, str(error))
        except Invalid as error:
            return _refusal(HTTPStatus.FORBIDDEN, str(error))
        if request.old_size > opened.checkpoint.size:
            return _refusal(HTTPStatus.BAD_REQUEST, "the old size is above that of the checkpoint")
        try:
            return self._settle(request, opened)
        except sqlite3.Error as error:
            _LOG.error("a checkpoint could not be kept: %s", error)
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "it could not be kept, so it was not cosigned")

    def checkpoint(self, path: str) -> Reply:
        """The newest cosigned checkpoint at this path (`protocol.monitoring_path`)."""
        origin = self._origins.get(path)
        held = _Held()
        if origin is not None:
            try:
                with self._read() as connection:
                    held = _held(connection, origin)
            except sqlite3.Error as error:
                _LOG.error("a checkpoint could not be read: %s", error)
                return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "it could not be read")
        if not held.note:
            return _refusal(HTTPStatus.NOT_FOUND, "nothing was cosigned of such a log here")
        return Reply(HTTPStatus.OK, held.note)

    def refused(self) -> list[Misbehaviour]:
        """The signed checkpoints that did not grow out of what was held, each with what was held then."""
        with self._read() as connection:
            rows = connection.execute("SELECT held, note FROM refused ORDER BY time, origin, size").fetchall()
        return [Misbehaviour.of(held, note) for held, note in rows]

    def _settle(self, request: AddCheckpoint, opened: OpenedCheckpoint) -> Reply:
        new = opened.checkpoint
        with self._write() as connection:
            held = _held(connection, new.origin)
            if request.old_size != held.size:
                return Reply(HTTPStatus.CONFLICT, size_body(held.size), SIZE_TYPE)
            try:
                verify_consistency(held.size, held.root, new.size, new.root, request.proof)
            except Invalid as error:
                if held.note:
                    self._keep_refused(connection, opened, held)
                return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
            # A clock that was set back must not make the larger tree the older one.
            time = max(self._clock(), held.time)
            signature = self.cosigner.cosign(new, time)
            note = encode_note(opened.note.text, [*opened.note.verified, signature])
            connection.execute(
                "INSERT INTO held VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET "
                "size = excluded.size, root = excluded.root, time = excluded.time, note = excluded.note",
                (new.origin, new.size, new.root, time, note),
            )
        return Reply(HTTPStatus.OK, signature.line().encode())

    def _keep_refused(self, connection: sqlite3.Connection, opened: OpenedCheckpoint, held: _Held) -> None:
        new = opened.checkpoint
        query = "SELECT count(*) FROM refused WHERE origin = ?"
        if connection.execute(query, (new.origin,)).fetchone()[0] < REFUSED_MAX:
            note = encode_note(opened.note.text, opened.note.verified)
            row = (new.origin, new.size, new.root, self._clock(), note, held.note)
            connection.execute("INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?, ?, ?)", row)
            _LOG.warning(
                "%s signed %d entries that do not grow out of the %d held", new.origin, new.size, held.size
            )

    @contextlib.contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self.path)
        yield connection

    @contextlib.contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that has the file for itself from its beginning, and is on the disk at its end."""
        with self._read() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise


def _held(connection: sqlite3.Connection, origin: str) -> _Held:
    row = connection.execute("SELECT size, root, time, note FROM held WHERE origin = ?", (origin,)).fetchone()
    return _Held() if row is None else _Held(*row)


def _refusal(status: HTTPStatus, sentence: str) -> Reply:
    return Reply(status, f"{sentence}\n".encode())


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    # One file and no other beside it when nothing is under way; the folder is synced with it.
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA synchronous=EXTRA")
    return connection
