"""Lots and moves by their number in the book, and outcomes without what events say themselves.

What follows from the entries is emptied here and filled again by `traceability migrate`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer, "sqlite")
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for table in ("move", "lot_row", "holding"):
        op.drop_table(table)
    for table in ("outcome", "state"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608
    op.create_table(
        "lot",
        _key("no"),
        *(sa.Column(name, ID, nullable=False) for name in ("id", "mineral", "state")),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    _keyed("lot_place", _key("id"), _key("no"))
    _keyed(
        "move",
        _key("lot"),
        _key("idx"),
        sa.Column("custody", NUMBER, nullable=True),
        sa.Column("title", NUMBER, nullable=True),
        sa.Column("stands", SMALL, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    for head in ("custody", "title"):
        where = sa.text(f"stands = 1 AND {head} IS NOT NULL")
        op.create_index(
            f"move_{head}", "move", ["lot", head], unique=True, sqlite_where=where, postgresql_where=where
        )
    _keyed("holding", _key("party"), _key("lot"))


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, NUMBER, primary_key=True, autoincrement=False, nullable=False)


def _keyed(name: str, *parts: sa.schema.SchemaItem) -> None:
    """A table that SQLite keeps in the order of its primary key."""
    op.create_table(name, *parts, sqlite_strict=True, sqlite_with_rowid=False)
