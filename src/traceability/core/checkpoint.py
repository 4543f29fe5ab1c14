r"""Checkpoints: what a log says about itself, in three lines (C2SP tlog-checkpoint).

A checkpoint is a signed note (see `note`) whose text is

    ledger.example.org/car                           the origin: which log speaks
    41207                                            the size: how many leaves its tree has
    rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=     the root of that tree, in base64

and any number of further lines, not empty, whose meaning is the log's own. The size is a decimal number
without sign or leading zero, at most 2⁶³ − 1; the root is 32 bytes. Numbers and base64 are read by their
one spelling, never by what int() or b64decode() would also take.

Who believes a checkpoint has pinned two things beforehand: the origin, and the keys that sign for it. The
root of an empty tree is not compared here: where sizes are compared, `merkle.verify_consistency` does it.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import padded
from traceability.core.note import Note, Verifier, open_note

SIZE_MAX = 2**63 - 1

_LINE = r"[^\x00-\x1f\ud800-\udfff]+"
_TEXT = re.compile(
    rf"(?P<origin>{_LINE})\n(?P<size>0|[1-9][0-9]{{0,18}})\n(?P<root>[A-Za-z0-9+/]{{43}}=)\n"
    rf"(?P<extensions>(?:{_LINE}\n)*)"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log. `extensions` are the lines after the third, usually none."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the text of a checkpoint. Raises Malformed for anything it would not itself write."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise Malformed(
                "not a checkpoint: a line of origin, a decimal size, a root of 32 bytes in base64, "
                "and no empty line"
            )
        size = int(match["size"])
        if size > SIZE_MAX:
            raise Malformed(f"the size of a log is at most 2^63 - 1, not {size}")
        extensions = tuple(match["extensions"].split("\n")[:-1])
        return cls(match["origin"], size, padded(match["root"]), extensions)

    def encode(self) -> str:
        """The text that is signed. Raises Malformed for what cannot stand in a checkpoint."""
        lines = [self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions]
        text = "".join(f"{line}\n" for line in lines)
        if self.parse(text) != self:
            raise Malformed("a field of the checkpoint holds a line break")
        return text


@dataclass(frozen=True, slots=True)
class OpenedCheckpoint:
    """A checkpoint that its log has signed, with the note it came in.

    `note.verified` names who vouches for it: the log, and those cosigners that were asked about.
    """

    checkpoint: Checkpoint
    note: Note


def open_checkpoint(
    data: bytes, origin: str, log: Iterable[Verifier], cosigners: Iterable[Verifier] = ()
) -> OpenedCheckpoint:
    """The checkpoint in a signed note, once a key of its log vouches for it.

    `log` are the keys that may sign for `origin`; `cosigners` are further keys whose lines must verify if
    present, but which never replace the log's. Raises Malformed for bytes that are no checkpoint, and
    Invalid when a known key's line does not verify, no key of the log signed, or the origin is another.
    """
    log = tuple(log)
    note = open_note(data, [*log, *cosigners])
    if not {verifier.key for verifier in log} & {signature.key for signature in note.verified}:
        raise Invalid(f"no key of {origin} signed this checkpoint")
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise Invalid(f"this is a checkpoint of {checkpoint.origin[:200]!r}, not of {origin}")
    return OpenedCheckpoint(checkpoint, note)
