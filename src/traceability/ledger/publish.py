"""What the log shows in public: signed checkpoints, tiles, entry bundles, and proofs out of them.

Only heads at or below the guard are signed. A published checkpoint is never replaced by a smaller one: of
two processes the slower one keeps what the faster has published.
"""

from collections.abc import Iterable, Sequence

from traceability.core import merkle, tile
from traceability.core.checkpoint import Checkpoint, open_checkpoint
from traceability.core.note import Signature, Signer, Verifier, encode_note, parse_note, sign_note
from traceability.core.registry_records import LedgerFacts
from traceability.ledger.guard import GuardHead
from traceability.ledger.store import Store
from traceability.ledger.view import View

FINAL = "frozen"
"""The line that a checkpoint has below its root where nothing can come after it."""


def sign(facts: LedgerFacts, head: GuardHead, signers: Iterable[Signer]) -> bytes:
    """The signed note that says: this is the log's head. Only for a head the guard has let pass."""
    ends = (FINAL,) if head.size == facts.frozen_at else ()
    return sign_note(Checkpoint(facts.origin, head.size, head.root, ends).encode(), signers)


def open_own(note: bytes, facts: LedgerFacts) -> Checkpoint:
    """A checkpoint of this log, or of one that it carries on, signed by a key the ledger has named. Raises Malformed, Invalid."""
    origin = note.decode(errors="replace").split("\n", 1)[0]
    keys = [Verifier.parse(vkey) for vkey in facts.log_keys]
    return open_checkpoint(note, origin, [key for key in keys if key.name == origin]).checkpoint


def keep(store: Store, size: int, note: bytes) -> None:
    """Publishes a checkpoint, unless one of this size or a larger one is published.

    Not synced: after a power cut the same checkpoint is signed again from the head, byte for byte.
    """
    with store.write(durable=False) as view:
        view.run(
            "INSERT INTO checkpoint (id, size, note) VALUES (0, ?, ?) ON CONFLICT (id) DO UPDATE "
            "SET size = excluded.size, note = excluded.note WHERE checkpoint.size < excluded.size",
            size,
            note,
        )


def add_signatures(store: Store, size: int, signatures: Sequence[Signature]) -> None:
    """Puts these lines, of witnesses or of a further key of the log, under the published checkpoint of `size`, if it is still that.

    Whoever calls has verified them over it. An older line of the same key goes.
    """
    with store.write(durable=False) as view:
        query = "SELECT size, note FROM checkpoint WHERE id = 0"
        found = view.one(query + view.database.lock)
        if found is not None and found[0] == size:
            text, lines = parse_note(bytes(found[1]))
            newer = {signature.key for signature in signatures}
            note = encode_note(text, [*(line for line in lines if line.key not in newer), *signatures])
            view.run("UPDATE checkpoint SET note = ? WHERE id = 0 AND size = ?", note, size)


def keep_cosigned(store: Store, size: int, note: bytes) -> None:
    """Keeps a checkpoint that a quorum has cosigned, unless one of a larger tree is kept."""
    with store.write(durable=False) as view:
        view.run(
            "INSERT INTO cosigned (id, size, note) VALUES (0, ?, ?) ON CONFLICT (id) DO UPDATE "
            "SET size = excluded.size, note = excluded.note WHERE cosigned.size <= excluded.size",
            size,
            note,
        )


def tile_body(view: View, level: int, n: int, width: int) -> bytes | None:
    """The bytes of a tile; None where the tree of the published checkpoint does not have it."""
    if not _published(view, level, n, width):
        return None
    return view.tile(level, n, width)


def entries_body(view: View, n: int, width: int) -> bytes | None:
    """The bytes of the entry bundle beside tile (0, n): leaves, not what they hide. None as above."""
    if not _published(view, 0, n, width):
        return None
    return tile.encode_bundle([entry.leaf_data for entry in view.entries(n * tile.TILE_WIDTH, width)])


def inclusion_proof(view: View, index: int, size: int) -> tuple[bytes, ...]:
    """What leads from the leaf at `index` to the root of `size` leaves, `size` not above that of the head."""
    return tuple(merkle.inclusion_proof(index, size, view.nodes(size)))


def consistency_proof(view: View, old_size: int, size: int) -> tuple[bytes, ...]:
    """What shows that the tree of `size` leaves begins with that of `old_size`; neither above the head."""
    return tuple(merkle.consistency_proof(old_size, size, view.nodes(size)))


def _published(view: View, level: int, n: int, width: int) -> bool:
    found = view.checkpoint()
    hashes = 0 if found is None else found[0] >> level * tile.TILE_HEIGHT
    return n >= 0 and 1 <= width <= tile.TILE_WIDTH and n * tile.TILE_WIDTH + width <= hashes
