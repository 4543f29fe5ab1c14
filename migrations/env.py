"""How Alembic reaches the database: an engine handed over by `traceability.ledger.schema`, or DATABASE_URL.

traceability migrate                              brings a ledger to the newest schema
alembic -c migrations/alembic.ini revision -m …   writes the next script
"""

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel

from traceability import settings
from traceability.ledger import tables
from traceability.ledger.database import open_database

assert tables.REVISION
# Any number will do, as long as it is the same for all who migrate a ledger.
MIGRATION_LOCK = 7_246_319


def run() -> None:
    engine = context.config.attributes.get("engine") or open_database(settings.load().url).engine
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            transactional_ddl=True,
            render_as_batch=False,
        )
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            context.run_migrations()


run()
