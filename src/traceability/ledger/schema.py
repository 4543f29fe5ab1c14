"""Bringing a database to this program's schema: `traceability migrate`, by Alembic.

The scripts lie in `migrations/` of a checkout and in `traceability/migrations` of an installed wheel. Each
runs in one transaction: a migration that was cut short has not begun. One that changes a table which follows
from the entries leaves it empty, and it is filled again from them.
"""

import contextlib
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

import traceability
from traceability.ledger.database import Sqlite, Unusable, open_database
from traceability.ledger.rebuild import NotRebuilt, rebuild
from traceability.ledger.store import Store
from traceability.ledger.tables import REVISION


def migrate(url: str, revision: str = "head") -> None:
    """Makes or upgrades the tables of the database behind `url`. Raises Unusable.

    Two that migrate at once follow each other, and the second finds nothing to do. Cut short, it can be done
    again.
    """
    database = open_database(url, create=True)
    try:
        if isinstance(database, Sqlite):
            database.path.parent.mkdir(parents=True, exist_ok=True)
            database.prepare()
        config = Config()
        config.set_main_option("script_location", str(scripts()))
        config.attributes["engine"] = database.engine
        command.upgrade(config, revision)
    except CommandError as error:  # a revision that this program's scripts do not lead from
        raise Unusable(
            f"the database is of a revision newer than this program's {REVISION}: "
            "use the program it was migrated with, or a newer one"
        ) from error
    finally:
        database.engine.dispose()
    if revision == "head":
        _refill(url)


def _refill(url: str) -> None:
    """Fills what a migration has emptied."""
    with contextlib.closing(Store(url)) as store:
        with store.read() as view:
            (filled,) = view.one("SELECT coalesce(max(idx) + 1, 0) FROM outcome")
            empty = filled < view.head().size
        if empty:
            try:
                rebuild(store)
            except NotRebuilt as error:
                raise Unusable(
                    f"the tables that follow from the entries cannot be filled: {error}"
                ) from error


def scripts() -> Path:
    """The folder of the migrations. Raises Unusable where they were not installed."""
    package = Path(traceability.__file__).parent
    for folder in (package / "migrations", package.parents[1] / "migrations"):
        if (folder / "env.py").exists():
            return folder
    raise Unusable("the migrations are not installed: install traceability[server] again")
