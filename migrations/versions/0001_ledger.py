"""The first tables of a ledger."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer, "sqlite")
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BYTES = sa.LargeBinary


def upgrade() -> None:
    _table(
        "entry",
        _key("idx", NUMBER),
        _column("record_time", NUMBER),
        _column("payload", BYTES),
        _column("signature", BYTES),
        _column("blind", BYTES),
        sa.CheckConstraint("length(signature) = 64", name="entry_signature"),
        sa.CheckConstraint("length(blind) = 32", name="entry_blind"),
    )
    _table(
        "head",
        _key("id", SMALL),
        _column("size", NUMBER),
        _column("root", BYTES),
        _column("edge", BYTES),
        _column("record_time", NUMBER),
        sa.CheckConstraint("id = 0", name="head_one_row"),
    )
    _table("root", _key("size", NUMBER), _column("root", BYTES))
    _table(
        "checkpoint",
        _key("id", SMALL),
        _column("size", NUMBER),
        _column("note", BYTES),
        sa.CheckConstraint("id = 0", name="checkpoint_one_row"),
    )
    _table("tile", _key("level", SMALL), _key("n", NUMBER), _column("hashes", BYTES), _column("root", BYTES))
    _table(
        "signer",
        _key("no", sa.Integer),
        _column("key_id", ID),
        _column("top", NUMBER),
        sa.UniqueConstraint("key_id"),
    )
    _table(
        "outcome",
        _key("idx", NUMBER),
        _column("signer", sa.Integer),
        _column("sequence", NUMBER),
        _column("use", SMALL),
        _column("leaf", BYTES),
        _column("value", BYTES),
        sa.CheckConstraint("use IN (0, 1)", name="outcome_use"),
    )
    op.create_index("outcome_number", "outcome", ["signer", "sequence", "use"], unique=True)
    _keyed("state", _key("type", ID), _key("id", ID), _column("value", BYTES))
    _keyed(
        "move",
        _key("lot", ID),
        _key("idx", NUMBER),
        sa.Column("custody", BYTES, nullable=True),
        sa.Column("title", BYTES, nullable=True),
        _column("stands", SMALL),
        _column("value", BYTES),
    )
    for head in ("custody", "title"):
        where = sa.text(f"stands = 1 AND {head} IS NOT NULL")
        op.create_index(
            f"move_{head}", "move", ["lot", head], unique=True, sqlite_where=where, postgresql_where=where
        )
    _keyed("event_place", _key("id", NUMBER), _key("idx", NUMBER))
    _table(
        "placed",
        _key("id", SMALL),
        _column("size", NUMBER),
        sa.CheckConstraint("id = 0", name="placed_one_row"),
    )
    _keyed(
        "lot_row",
        _key("lot", ID),
        _column("custodian", ID),
        _column("title", ID),
        _column("mineral", ID),
        _column("state", ID),
        _column("maker_idx", NUMBER),
    )
    op.create_index("lot_row_maker", "lot_row", ["maker_idx", "lot"])
    _keyed("holding", _key("party", ID), _key("lot", ID), _column("since_idx", NUMBER))
    _keyed(
        "finding",
        _key("idx", NUMBER),
        _key("n", sa.Integer),
        _column("rule", ID),
        _column("severity", ID),
        _column("value", BYTES),
    )
    _keyed("finding_subject", _key("type", ID), _key("id", ID), _key("idx", NUMBER), _key("n", sa.Integer))
    _table(
        "disclosure", _key("idx", NUMBER), _key("path", ID), _column("salt", BYTES), _column("value", BYTES)
    )
    _keyed("tag_code", _key("code", ID), _key("roll", ID), _key("number", sa.Integer))
    _table("nonce", _key("nonce", ID), _column("expires", NUMBER))
    op.create_index("nonce_expires", "nonce", ["expires"])
    _begin()
    _append_only()


def _key(
    name: str, type_: sa.types.TypeEngine[object] | type[sa.types.TypeEngine[object]]
) -> sa.Column[object]:
    return sa.Column(name, type_, primary_key=True, autoincrement=False, nullable=False)


def _column(
    name: str, type_: sa.types.TypeEngine[object] | type[sa.types.TypeEngine[object]]
) -> sa.Column[object]:
    return sa.Column(name, type_, nullable=False)


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(name, *parts, sqlite_strict=True)


def _keyed(name: str, *parts: sa.schema.SchemaItem) -> None:
    """A table that SQLite keeps in the order of its primary key."""
    op.create_table(name, *parts, sqlite_strict=True, sqlite_with_rowid=False)


def _begin() -> None:
    """The rows of which there is always one: an empty tree, and no event in its place."""
    empty = hashlib.sha256(b"").digest()
    head = sa.table("head", *(sa.column(name) for name in ("id", "size", "root", "edge", "record_time")))
    op.bulk_insert(head, [{"id": 0, "size": 0, "root": empty, "edge": b"", "record_time": 0}])
    op.bulk_insert(sa.table("placed", sa.column("id"), sa.column("size")), [{"id": 0, "size": 0}])


def _append_only() -> None:
    """Entries are never changed and never removed, and follow each other without a gap."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER entry_no_{act.lower()} BEFORE {act} ON entry "
                "BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END"
            )
        # Without this, INSERT OR REPLACE would remove an entry and no trigger would see it.
        op.execute(
            "CREATE TRIGGER entry_dense BEFORE INSERT ON entry "
            "WHEN NEW.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM entry) "
            "BEGIN SELECT RAISE(ABORT, 'entries are append-only, without gaps'); END"
        )
    else:
        op.execute(
            "CREATE FUNCTION entry_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'entries are append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry "
            "FOR EACH STATEMENT EXECUTE FUNCTION entry_append_only()"
        )
