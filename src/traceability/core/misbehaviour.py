"""Misbehaviour of a log, in a file that proves it to anybody who has the log's key (or a witness's).

A log says with each checkpoint: these are my entries, and they begin with all that I ever signed before. Two
checkpoints of one key that cannot both be true prove that it lied, whoever shows them:

- of one size, with different roots;
- of two sizes, where the larger tree does not begin with the smaller one. That is shown by the root which the
  first entries of the larger tree really have, and a consistency proof from that root to the larger one: had
  the smaller tree been the beginning, its root would be that root.

    {"checkpoints":["<signed note, smaller>","<signed note, larger>"],
     "format":"traceability-misbehaviour/1",
     "beginning":{"proof":["<base64>",…],"root":"<base64>"}}

`beginning` is absent for one size, and where nobody could show it: then `reason` says why no consistency proof
was had. Two signed checkpoints that nobody connects are no proof, but the log owes an answer to them.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from traceability.core import canonical, merkle
from traceability.core.checkpoint import Checkpoint, OpenedCheckpoint, open_checkpoint
from traceability.core.cosignature import COSIGNATURE, CosignatureVerifier
from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import padded
from traceability.core.merkle import NodeReader
from traceability.core.note import Verifier, Vkey, open_note, parse_note

FORMAT = "traceability-misbehaviour/1"
SUFFIX = ".misbehaviour.json"
FILE_SIZE_MAX = 1024 * 1024
PROOF_MAX = 64


class NotShown(Invalid):
    """Both checkpoints are signed, but nothing shows that they exclude each other."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """Two signed checkpoints of one log, the smaller first, and what shows that they exclude each other.

    `root` is what the larger tree has at the smaller size, `proof` leads from it to the larger root. Without
    `root`, and with two sizes, nothing is shown, and `reason` says why.
    """

    older: bytes
    newer: bytes
    root: bytes | None = None
    proof: tuple[bytes, ...] = ()
    reason: str = field(default="", compare=False)

    @classmethod
    def of(cls, one: bytes, other: bytes, **shown: Any) -> Self:
        """In order of size. Raises Malformed for what is no checkpoint."""
        older, newer = sorted((one, other), key=lambda note: _parsed(note).size)
        return cls(older, newer, **shown)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Reads a file; nothing is verified. Raises Malformed for any other form."""
        if len(data) > FILE_SIZE_MAX:
            raise Malformed(
                f"a proof of misbehaviour has at most {FILE_SIZE_MAX} bytes, this one {len(data)}"
            )
        match canonical.load(data):
            case {"format": str(said), "checkpoints": [str(older), str(newer)], **more} if said == FORMAT:
                reason, beginning = more.pop("reason", ""), more.pop("beginning", None)
            case _:
                raise Malformed(f"not a proof of misbehaviour: an object of format {FORMAT}, two checkpoints")
        if more or not isinstance(reason, str):
            raise Malformed("a proof of misbehaviour has checkpoints, beginning, format, reason and no more")
        root: bytes | None = None
        proof: list[bytes] = []
        match beginning:
            case {"root": str(text), "proof": list(nodes), **rest} if not rest and len(nodes) <= PROOF_MAX:
                root, proof = padded(text), [padded(str(node)) for node in nodes]
            case None:
                pass
            case _:
                raise Malformed(f"`beginning` is a root and a proof of at most {PROOF_MAX} hashes")
        return cls(older.encode(), newer.encode(), root, tuple(proof), reason)

    def encode(self) -> bytes:
        """The file."""
        value: dict[str, Any] = {
            "format": FORMAT,
            "checkpoints": [self.older.decode(), self.newer.decode()],
        }
        if self.root is not None:
            nodes = [b64encode(node).decode() for node in self.proof]
            value["beginning"] = {"proof": nodes, "root": b64encode(self.root).decode()}
        if self.reason:
            value["reason"] = self.reason
        return canonical.dump(value) + b"\n"

    def verify(self, keys: Sequence[Verifier]) -> tuple[Checkpoint, Checkpoint]:
        """The two checkpoints, once it is shown that one of `keys` signed both and that they exclude each other.

        `keys` are those of one log, or of one witness that cosigned both. Raises Invalid where a signature is
        missing or wrong, or where nothing is shown; Malformed for bytes that are no checkpoints.
        """
        (older, by), (newer, also_by) = (_opened(note, keys) for note in (self.older, self.newer))
        if not by & also_by:
            raise Invalid("no single one of the keys signed both checkpoints")
        if older.origin != newer.origin:
            raise Invalid(f"the checkpoints are of two logs, {older.origin[:200]} and {newer.origin[:200]}")
        if older.size > newer.size:
            raise Invalid("the larger checkpoint stands first")
        if older.size == newer.size:
            if older.root == newer.root:
                raise Invalid("the two checkpoints say the same")
            return older, newer
        if self.root is None:
            raise NotShown(
                f"nothing shows whether the tree of {newer.size} begins with that of {older.size}"
                + (f": {self.reason}" if self.reason else "")
            )
        merkle.verify_consistency(older.size, self.root, newer.size, newer.root, self.proof)
        if self.root == older.root:
            raise Invalid("the larger tree begins with the smaller one: that is how a log should be")
        return older, newer


def keys_of(vkeys: Sequence[str]) -> list[Verifier]:
    """The verifiers of vkeys of a log (0x01) or a witness (0x04). Raises Malformed."""
    parsed = [Vkey.parse(vkey) for vkey in vkeys]
    return [
        (CosignatureVerifier if vkey.algorithm == COSIGNATURE else Verifier).from_vkey(vkey)
        for vkey in parsed
    ]


def compare(one: OpenedCheckpoint, other: OpenedCheckpoint, read: NodeReader) -> Misbehaviour | None:
    """None where the larger tree begins with the smaller one; else what proves that it does not.

    `read` gives nodes of the larger tree. Nothing it says is believed: what does not lead to the root that was
    signed raises Invalid, and shows nothing. Whatever else `read` raises comes through.
    """
    older, newer = sorted((one, other), key=lambda opened: opened.checkpoint.size)
    small, large = older.checkpoint, newer.checkpoint
    notes = (_note(older), _note(newer))
    if small.size == large.size:
        return None if small.root == large.root else Misbehaviour(*notes)
    root = merkle.tree_root(small.size, read)
    proof = merkle.consistency_proof(small.size, large.size, read)
    merkle.verify_consistency(small.size, root, large.size, large.root, proof)
    return None if root == small.root else Misbehaviour(*notes, root, tuple(proof))


def _note(opened: OpenedCheckpoint) -> bytes:
    lines = "".join(signature.line() for signature in opened.note.verified)
    return f"{opened.note.text}\n{lines}".encode()


def _parsed(note: bytes) -> Checkpoint:
    return Checkpoint.parse(parse_note(note)[0])


def _opened(note: bytes, keys: Sequence[Verifier]) -> tuple[Checkpoint, set[str | tuple[str, bytes]]]:
    """The checkpoint, and who of these vouches for it: its log (any of its keys), or single witnesses."""
    found = _parsed(note)
    logs = [key for key in keys if key.ALGORITHM != COSIGNATURE and key.name == found.origin]
    if logs:
        return open_checkpoint(note, found.origin, logs).checkpoint, {found.origin}
    witnesses = [key for key in keys if key.ALGORITHM == COSIGNATURE]
    if not witnesses:
        raise Invalid(f"these are checkpoints of {found.origin[:200]!r}: no key given here is one of its own")
    return found, {signature.key for signature in open_note(note, witnesses).verified}
