"""The tables of a ledger. Rows are luggage: bytes and keys, no meaning; that is in `core`.

`entry` is the truth: the exact signed bytes, in order, append-only by trigger. Everything below it is a
projection that `rebuild` drops and refills and `fsck` compares row by row; but for `disclosure`, which
holds what was opened of sealed fields and can be erased, `scan`, which strangers fill, and `nonce` and `changed`, which
only whoever works on this database just now needs.

Numbers are 64-bit, hashes are raw bytes, ids are the text they have everywhere else, compared byte by
byte. `migrations/` makes these tables; a test holds the two together.
"""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

REVISION = "0007"
"""The newest migration: what a database must have been brought to for this program."""
APPLICATION_ID = 0x54724C67
"""How an SQLite file says that it is a ledger (`TrLg`)."""

NUMBER = BigInteger().with_variant(Integer, "sqlite")
SMALL = SmallInteger().with_variant(Integer, "sqlite")
ID = Text().with_variant(Text(collation="C"), "postgresql")


def _column(type_: Any, *, key: bool = False, unique: bool = False, null: bool = False) -> Any:
    # autoincrement would make of a plain number a sequence on PostgreSQL.
    arguments = {"autoincrement": False} if key else {}
    return Field(sa_type=type_, primary_key=key, unique=unique, nullable=null, sa_column_kwargs=arguments)


def _standing(predecessor: str) -> dict[str, Any]:
    where = text(f"stands = 1 AND {predecessor} IS NOT NULL")
    return {"unique": True, "sqlite_where": where, "postgresql_where": where}


class EntryRow(SQLModel, table=True):
    """An event in its place. `idx` counts from 0 without gaps; `record_time` in Unix seconds."""

    __tablename__ = "entry"
    __table_args__ = (
        CheckConstraint("length(signature) = 64", name="entry_signature"),
        CheckConstraint("length(blind) = 32", name="entry_blind"),
        {"sqlite_strict": True},
    )

    idx: int = _column(NUMBER, key=True)
    record_time: int = _column(NUMBER)
    payload: bytes = _column(LargeBinary)
    signature: bytes = _column(LargeBinary)
    blind: bytes = _column(LargeBinary)


class HeadRow(SQLModel, table=True):
    """The tree as it stands: one row, that is also the lock everybody who appends takes.

    `edge` is the hashes of the perfect subtrees on its right edge, one after the other (`merkle.Edge`).
    """

    __tablename__ = "head"
    __table_args__ = (CheckConstraint("id = 0", name="head_one_row"), {"sqlite_strict": True})

    id: int = _column(SMALL, key=True)
    size: int = _column(NUMBER)
    root: bytes = _column(LargeBinary)
    edge: bytes = _column(LargeBinary)
    record_time: int = _column(NUMBER)


class RootRow(SQLModel, table=True):
    """Roots the tree has had when a group of entries ended, so that what a signer has *seen* is checked
    by one lookup. Sizes in between may be missing: their roots follow from the tiles."""

    __tablename__ = "root"
    __table_args__ = ({"sqlite_strict": True},)

    size: int = _column(NUMBER, key=True)
    root: bytes = _column(LargeBinary)


class CheckpointRow(SQLModel, table=True):
    """The newest checkpoint published: one row, never replaced by that of a smaller tree."""

    __tablename__ = "checkpoint"
    __table_args__ = (CheckConstraint("id = 0", name="checkpoint_one_row"), {"sqlite_strict": True})

    id: int = _column(SMALL, key=True)
    size: int = _column(NUMBER)
    note: bytes = _column(LargeBinary)


class CosignedRow(SQLModel, table=True):
    """The newest checkpoint that a quorum of witnesses has cosigned: one row, or none where none ever has.

    It may be of a smaller tree than `checkpoint`: while entries come in, witnesses are a moment behind.
    """

    __tablename__ = "cosigned"
    __table_args__ = (CheckConstraint("id = 0", name="cosigned_one_row"), {"sqlite_strict": True})

    id: int = _column(SMALL, key=True)
    size: int = _column(NUMBER)
    note: bytes = _column(LargeBinary)


class TileRow(SQLModel, table=True):
    """A full tile (C2SP tlog-tiles): its 256 hashes, and the root over them. Never changed."""

    __tablename__ = "tile"
    __table_args__ = ({"sqlite_strict": True},)

    level: int = _column(SMALL, key=True)
    n: int = _column(NUMBER, key=True)
    hashes: bytes = _column(LargeBinary)
    root: bytes = _column(LargeBinary)


class SignerRow(SQLModel, table=True):
    """A small number for each key that has signed, in the order in which they first did.

    `top` is the highest sequence number the key has used: a higher one is new without looking for it.
    """

    __tablename__ = "signer"
    __table_args__ = ({"sqlite_strict": True},)

    no: int = _column(Integer, key=True)
    key_id: str = _column(ID, unique=True)
    top: int = _column(NUMBER)


class OutcomeRow(SQLModel, table=True):
    """What the fold answered for an entry (`verdicts`), and its leaf hash.

    `use` is 0 for the first event with this number of this key, 1 for the second, which is without effect;
    the database refuses a third.
    """

    __tablename__ = "outcome"
    __table_args__ = (
        Index("outcome_number", "signer", "sequence", "use", unique=True),
        CheckConstraint("use IN (0, 1)", name="outcome_use"),
        {"sqlite_strict": True},
    )

    idx: int = _column(NUMBER, key=True)
    signer: int = _column(Integer)
    sequence: int = _column(NUMBER)
    use: int = _column(SMALL)
    leaf: bytes = _column(LargeBinary)
    value: bytes = _column(LargeBinary)


class StateRow(SQLModel, table=True):
    """A record of the fold (`state.encode_record`) at its address; but for numbers, lots and moves."""

    __tablename__ = "state"
    __table_args__ = ({"sqlite_strict": True, "sqlite_with_rowid": False},)

    type: str = _column(ID, key=True)
    id: str = _column(ID, key=True)
    value: bytes = _column(LargeBinary)


class LotRow(SQLModel, table=True):
    """A lot as it stands (`packing`). `no` is its line in the book, so that bags of one time lie side by side.

    `mineral` and `state` are empty for one that was named and never came to be.
    """

    __tablename__ = "lot"
    __table_args__ = ({"sqlite_strict": True},)

    no: int = _column(NUMBER, key=True)
    id: str = _column(ID)
    mineral: str = _column(ID)
    state: str = _column(ID)
    value: bytes = _column(LargeBinary)


class LotPlaceRow(SQLModel, table=True):
    """Where a lot stands: the first eight bytes of its id as a signed number, and its `no`.

    Whoever looks a lot up compares the whole id.
    """

    __tablename__ = "lot_place"
    __table_args__ = ({"sqlite_strict": True, "sqlite_with_rowid": False},)

    id: int = _column(NUMBER, key=True)
    no: int = _column(NUMBER, key=True)


class MoveRow(SQLModel, table=True):
    """What the entry `idx` did to one lot's heads (`packed_moves`). `custody` and `title` are the indexes of the
    entries whose place it took there: at most one standing successor each, whatever the program does."""

    __tablename__ = "move"
    __table_args__ = (
        Index("move_custody", "lot", "custody", **_standing("custody")),
        Index("move_title", "lot", "title", **_standing("title")),
        {"sqlite_strict": True, "sqlite_with_rowid": False},
    )

    lot: int = _column(NUMBER, key=True)
    idx: int = _column(NUMBER, key=True)
    custody: int | None = _column(NUMBER, null=True)
    title: int | None = _column(NUMBER, null=True)
    stands: int = _column(SMALL)
    value: bytes = _column(LargeBinary)


class EventPlaceRow(SQLModel, table=True):
    """Where an event stands: the first eight bytes of its id as a signed number, and its index.

    Filled behind the write path (`places`); a reader compares the whole id.
    """

    __tablename__ = "event_place"
    __table_args__ = ({"sqlite_strict": True, "sqlite_with_rowid": False},)

    id: int = _column(NUMBER, key=True)
    idx: int = _column(NUMBER, key=True)


class PlacedRow(SQLModel, table=True):
    """How many entries have their place in `event_place`: one row."""

    __tablename__ = "placed"
    __table_args__ = (CheckConstraint("id = 0", name="placed_one_row"), {"sqlite_strict": True})

    id: int = _column(SMALL, key=True)
    size: int = _column(NUMBER)


class HoldingRow(SQLModel, table=True):
    """Who is or ever was custodian or title holder of a lot, both by their lines in the book."""

    __tablename__ = "holding"
    __table_args__ = ({"sqlite_strict": True, "sqlite_with_rowid": False},)

    party: int = _column(NUMBER, key=True)
    lot: int = _column(NUMBER, key=True)


class FindingRow(SQLModel, table=True):
    """The `n`-th finding of an entry, in the canonical JSON that finding chains commit to."""

    __tablename__ = "finding"
    __table_args__ = ({"sqlite_strict": True, "sqlite_with_rowid": False},)

    idx: int = _column(NUMBER, key=True)
    n: int = _column(Integer, key=True)
    rule: str = _column(ID)
    severity: str = _column(ID)
    value: bytes = _column(LargeBinary)


class FindingSubjectRow(SQLModel, table=True):
    """Which findings are about a subject."""

    __tablename__ = "finding_subject"
    __table_args__ = ({"sqlite_strict": True, "sqlite_with_rowid": False},)

    type: str = _column(ID, key=True)
    id: str = _column(ID, key=True)
    idx: int = _column(NUMBER, key=True)
    n: int = _column(Integer, key=True)


class BookRow(SQLModel, table=True):
    """The newest snapshot of the book of which the tree is kept: one row, or none before the first.

    After `size` entries the book had so many `subjects` and this `root`; the entry `stated_by` says so.
    """

    __tablename__ = "book"
    __table_args__ = (CheckConstraint("id = 0", name="book_one_row"), {"sqlite_strict": True})

    id: int = _column(SMALL, key=True)
    size: int = _column(NUMBER)
    subjects: int = _column(NUMBER)
    root: bytes = _column(LargeBinary)
    stated_by: int = _column(NUMBER)


class BookTileRow(SQLModel, table=True):
    """A tile of that tree (`core.book_tree`); unlike one of the log it changes, and may be partial."""

    __tablename__ = "book_tile"
    __table_args__ = ({"sqlite_strict": True},)

    level: int = _column(SMALL, key=True)
    n: int = _column(NUMBER, key=True)
    hashes: bytes = _column(LargeBinary)


class DisclosureRow(SQLModel, table=True):
    """What was opened of an entry's sealed fields: 16 bytes of salt and the value's canonical JSON."""

    __tablename__ = "disclosure"
    __table_args__ = ({"sqlite_strict": True},)

    idx: int = _column(NUMBER, key=True)
    path: str = _column(ID, key=True)
    salt: bytes = _column(LargeBinary)
    value: bytes = _column(LargeBinary)


class TagCodeRow(SQLModel, table=True):
    """Codes of tags, out of the disclosed `/codes` of tag issues.

    Should two rolls have one code, both stand here, and the roll that was issued first is meant.
    """

    __tablename__ = "tag_code"
    __table_args__ = ({"sqlite_strict": True, "sqlite_with_rowid": False},)

    code: str = _column(ID, key=True)
    roll: str = _column(ID, key=True)
    number: int = _column(Integer, key=True)


class NonceRow(SQLModel, table=True):
    """Nonces of signed reads, until they expire (Unix seconds)."""

    __tablename__ = "nonce"
    __table_args__ = (Index("nonce_expires", "expires"), {"sqlite_strict": True})

    nonce: str = _column(ID, key=True)
    expires: int = _column(NUMBER)


class ChangedRow(SQLModel, table=True):
    """What the entries from `before` to `size` changed (`changes`); only the newest, and on PostgreSQL gone after a crash."""

    __tablename__ = "changed"
    __table_args__ = ({"sqlite_strict": True},)

    size: int = _column(NUMBER, key=True)
    before: int = _column(NUMBER)
    value: bytes = _column(LargeBinary)


class ScanRow(SQLModel, table=True):
    """How often a tag's page was opened on a day (`scans`): with no place and no label every time, else of those
    who said where they were, as a cell of one degree, or whose label was an older one."""

    __tablename__ = "scan"
    __table_args__ = ({"sqlite_strict": True, "sqlite_with_rowid": False},)

    tag: str = _column(ID, key=True)
    day: str = _column(ID, key=True)
    place: str = _column(ID, key=True)
    label: str = _column(ID, key=True)
    times: int = _column(NUMBER)
