"""The book as of a snapshot, as the tiles of its tree; and zones, and holds on regions, among the entries about the policy.

What follows from the entries is emptied here and filled again by `traceability migrate`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("outcome", "state", "lot", "lot_place", "move", "holding", "finding", "finding_subject"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608  # names of ours
    small = sa.SmallInteger().with_variant(sa.Integer, "sqlite")
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "book",
        sa.Column("id", small, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("size", number, nullable=False),
        sa.Column("subjects", number, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("stated_by", number, nullable=False),
        sa.CheckConstraint("id = 0", name="book_one_row"),
        sqlite_strict=True,
    )
    op.create_table(
        "book_tile",
        sa.Column("level", small, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("n", number, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
