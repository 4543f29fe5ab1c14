"""Bringing a database to this program's schema: `traceability migrate`, by Alembic.

The scripts lie in `migrations/` of a checkout and in `traceability/migrations` of an installed wheel. Each
runs in one transaction: a migration that was cut short has not begun.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config

import traceability
from traceability.ledger.database import Sqlite, Unusable, open_database


def migrate(url: str, revision: str = "head") -> None:
    """Makes or upgrades the tables of the database behind `url`. Raises Unusable.

    Two that migrate at once follow each other, and the second finds nothing to do.
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
    finally:
        database.engine.dispose()


def scripts() -> Path:
    """The folder of the migrations. Raises Unusable where they were not installed."""
    package = Path(traceability.__file__).parent
    for folder in (package / "migrations", package.parents[1] / "migrations"):
        if (folder / "env.py").exists():
            return folder
    raise Unusable("the migrations are not installed: install traceability[server] again")
