"""What a log and a witness say to each other, byte for byte (C2SP tlog-witness).

    POST <submission prefix>/add-checkpoint

    old 20852014                                    the size of the checkpoint that the witness holds
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=    a consistency proof from there, up to 63 hashes
                                                    an empty line
    example.com/behind-the-sofa                     and the new checkpoint, a signed note
    20852163
    …

The answer to it is signature lines (200), or the size the witness holds (409), or a refusal. The newest
checkpoint of a log lies at `<monitoring prefix>/<SHA-256 of its origin in hex>/checkpoint`.
"""

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Self

from traceability.core.checkpoint import SIZE_MAX
from traceability.core.errors import Malformed
from traceability.core.ids import padded

ADD_CHECKPOINT = "/add-checkpoint"
REQUEST_SIZE_MAX = 64 * 1024
"""Bytes of a request: 63 hashes and a note with a dozen post-quantum signatures fit in."""
ANSWER_SIZE_MAX = 64 * 1024
SIZE_TYPE = "text/x.tlog.size"
PROOF_MAX = 63

_REQUEST = re.compile(
    rb"old (0|[1-9][0-9]{0,18})\n((?:[A-Za-z0-9+/]{43}=\n){0,%d})\n(.*)" % PROOF_MAX, re.DOTALL
)
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request: the size the witness is believed to hold, the proof from there, and the new checkpoint."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Reads a body; the note in it stays unread. Raises Malformed for any other form."""
        match = _REQUEST.fullmatch(data)
        if match is None:
            raise Malformed(
                "not a request to cosign: `old` and a size, up to 63 hashes in base64, an empty line, a checkpoint"
            )
        old_size = _size(match[1])
        proof = tuple(padded(line) for line in match[2].decode().splitlines())
        return cls(old_size, proof, match[3])

    def encode(self) -> bytes:
        """The body. Raises Malformed unless reading it gives this request again."""
        lines = [f"old {self.old_size}\n", *(f"{b64encode(node).decode()}\n" for node in self.proof), "\n"]
        data = "".join(lines).encode() + self.note
        if self.parse(data) != self:
            raise Malformed(f"no request can carry a proof of {len(self.proof)} hashes from {self.old_size}")
        return data


def size_body(size: int) -> bytes:
    """What a witness that holds another size answers with 409."""
    return b"%d\n" % size


def parse_size(body: bytes) -> int:
    """The size in such an answer. Raises Malformed for any other form."""
    match = _SIZE.fullmatch(body)
    if match is None:
        raise Malformed("the answer is no size: decimal digits and a newline")
    return _size(match[1])


def monitoring_path(origin: str) -> str:
    """Where a witness shows the newest checkpoint of this log, under its prefix."""
    return f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"


def _size(digits: bytes) -> int:
    size = int(digits)
    if size > SIZE_MAX:
        raise Malformed(f"the size of a log is at most 2^63 - 1, not {size}")
    return size
