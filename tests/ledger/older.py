"""Ledgers as an older version of the program had them: to be migrated."""

from sqlmodel import SQLModel

from traceability.ledger.database import open_database
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store

LATE = "0005"
"""From this revision on no migration empties a table."""


def make_older(store: Store, url: str, revision: str) -> None:
    """The same ledger in a new database of an older schema: all of it from LATE on, else what no migration makes anew."""
    migrate(url, revision)
    database = open_database(url)
    kept = ["entry", "head", "root", "checkpoint", "tile", "disclosure"]
    if revision != "0001":
        kept += ["outcome", "finding", "finding_subject"]  # as that version had them, to be made anew
    if revision >= LATE:
        younger = {"changed"} if revision >= "0006" else {"changed", "scan"}
        kept = [table.name for table in SQLModel.metadata.sorted_tables if table.name not in younger]
    with store.read() as view:
        rows = {table: view.all(f"SELECT * FROM {table}") for table in kept}
    connection = database.engine.raw_connection()
    cursor = database.cursor(connection, write=True)
    for table, found in rows.items():
        if table in ("head", "placed"):  # which the migration has begun
            cursor.execute(f"DELETE FROM {table}")
        for row in found:
            marks = ", ".join("?" * len(row))
            cursor.execute(database.sql(f"INSERT INTO {table} VALUES ({marks})"), row)
    connection.commit()
    connection.close()
    database.engine.dispose()
