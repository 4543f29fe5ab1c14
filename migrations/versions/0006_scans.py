"""Public scans: how often each tag's page was opened on a day, and where people said they were."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    id_ = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "scan",
        *(
            sa.Column(name, id_, primary_key=True, autoincrement=False, nullable=False)
            for name in ("tag", "day", "place", "label")
        ),
        sa.Column("times", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
