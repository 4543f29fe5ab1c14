"""Ledgers as an older version of the program had them: to be migrated."""

from traceability.ledger.database import open_database
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store


def make_older(store: Store, url: str, revision: str) -> None:
    """The same ledger in a new SQLite database of an older schema, with the tables that no migration makes anew."""
    migrate(url, revision)
    database = open_database(url)
    kept = ["entry", "head", "root", "checkpoint", "tile", "disclosure"]
    if revision != "0001":
        kept += ["outcome", "finding", "finding_subject"]  # as that version had them, to be made anew
    with store.read() as view:
        rows = {table: view.all(f"SELECT * FROM {table}") for table in kept}
    connection = database.engine.raw_connection()
    cursor = database.cursor(connection, write=True)
    cursor.execute("DELETE FROM head")
    for table, found in rows.items():
        for row in found:
            marks = ", ".join("?" * len(row))
            cursor.execute(database.sql(f"INSERT INTO {table} VALUES ({marks})"), row)
    connection.commit()
    connection.close()
    database.engine.dispose()
