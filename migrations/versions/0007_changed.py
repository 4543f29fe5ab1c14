"""What the newest groups changed, for processes that append side by side."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "changed",
        sa.Column("size", number, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("before", number, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        # A crash empties it, and then everybody begins anew; nobody needs it in a backup or on a standby.
        op.execute("ALTER TABLE changed SET UNLOGGED")
        op.execute("ALTER TABLE changed ALTER COLUMN value SET STORAGE EXTERNAL")
