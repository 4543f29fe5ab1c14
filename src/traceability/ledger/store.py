"""The store: a database that is known to be a ledger's, of this program's schema, and safe.

`read` lends a consistent view for as long as a question takes; `write` a transaction that commits when it
ends well. Whatever fails inside one leaves no trace, and its connection is thrown away.
"""

import contextlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from traceability.ledger import tables
from traceability.ledger.database import ERRORS, Unusable, in_words, open_database
from traceability.ledger.view import View


class Store:
    """The tables of one ledger. Threads may share it."""

    def __init__(self, url: str, *, durable: bool = True) -> None:
        """Opens and checks. Raises Unusable, saying what to do.

        What is only read from, a replica, need not be `durable` itself.
        """
        self.url = url
        self.database = open_database(url)
        try:
            _check_schema(self._revision())
            if durable:
                self.database.check()
        except (*ERRORS, UnicodeDecodeError) as error:  # the schema itself may be spoiled
            self.close()
            raise Unusable(f"the database cannot be opened: {in_words(error)}") from error
        except Unusable:
            self.close()
            raise

    def close(self) -> None:
        """Gives the connections back. The store is not used after it."""
        self.database.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[View]:
        """Everything asked of this view is of one moment."""
        connection = self.database.engine.raw_connection()
        try:
            # Closed here: as long as a statement is open somewhere, SQLite does not let go of the file.
            with contextlib.closing(self.database.cursor(connection, write=False)) as cursor:
                yield View(self.database, connection, cursor)
        except ERRORS:
            # It may be of a session that can do nothing more, or only what an administrator let it do for a while.
            connection.invalidate()
            raise
        finally:
            connection.close()

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[View]:
        """A transaction, committed when the block ends; an exception rolls it back.

        When the commit itself fails, nobody knows whether it happened: whoever wrote reads again. Only what
        can be made again from the rest may be written without `durable`.
        """
        connection = self.database.engine.raw_connection()
        try:
            with contextlib.closing(self.database.cursor(connection, write=True, durable=durable)) as cursor:
                yield View(self.database, connection, cursor)
                connection.commit()
        except BaseException:
            # Rolled back first: closing alone would wait for whoever still holds a cursor.
            with contextlib.suppress(*ERRORS):
                connection.rollback()
            connection.invalidate()
            raise
        finally:
            connection.close()

    def settle(self) -> None:
        """Returns once everything this store shows is on stable storage.

        It may show more than that: what a process wrote that was killed before it synced, or what a standby was
        to have and nobody waited for. A commit of one's own makes all before it as durable as itself.
        """
        with self.write() as view:
            row = f"settle {secrets.token_hex(8)}"
            view.run("INSERT INTO nonce (nonce, expires) VALUES (?, 0)", row)
            view.run("DELETE FROM nonce WHERE nonce = ?", row)

    def forget(self) -> bool:
        """Empties the database's own journal, where erased values may still lie; False: somebody reads, try again."""
        connection = self.database.engine.raw_connection()
        try:
            return self.database.forget(connection)
        except ERRORS:
            return False
        finally:
            connection.close()

    def _revision(self) -> str | None:
        connection = self.database.engine.raw_connection()
        try:
            cursor = self.database.cursor(connection, write=False)
            cursor.execute(self.database.tables, ("alembic_version",))
            if cursor.fetchone() is None:
                return None
            cursor.execute("SELECT version_num FROM alembic_version")
            found = cursor.fetchone()
            return None if found is None else str(found[0])
        finally:
            connection.close()


def _check_schema(revision: str | None) -> None:
    if revision is None or revision < tables.REVISION:
        known = "no ledger's" if revision is None else f"of revision {revision}"
        raise Unusable(
            f"the database is {known}, this program's is {tables.REVISION}: run `traceability migrate`"
        )
    if revision > tables.REVISION:
        raise Unusable(
            f"the database is of revision {revision}, newer than this program's {tables.REVISION}: "
            "use the program it was migrated with, or a newer one"
        )
