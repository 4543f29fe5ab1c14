"""The newest checkpoint that a quorum of witnesses has cosigned; and records as the new kinds of events make them.

What follows from the entries is emptied here and filled again by `traceability migrate`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("outcome", "state", "lot", "lot_place", "move", "holding", "finding", "finding_subject"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608  # names of ours
    small = sa.SmallInteger().with_variant(sa.Integer, "sqlite")
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "cosigned",
        sa.Column("id", small, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("size", number, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("id = 0", name="cosigned_one_row"),
        sqlite_strict=True,
    )
