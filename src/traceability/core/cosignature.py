r"""Cosignatures: a witness says that it saw a log grow, and when (C2SP tlog-cosignature, algorithm 0x04).

A cosignature is a line of the checkpoint's signed note like any other. What follows the key id is

    time[8] || Ed25519 signature[64]            the time in seconds since 1970, big-endian

and what is signed is not the text alone but

    cosignature/v1
    time 1679315147
    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

two lines of its own and then the whole text of the checkpoint. It states: at this time this was the
largest tree of that log I knew, and it contained all the earlier ones I had signed. The signed bytes do
not name the witness, so a key belongs to one witness only.

The time is 1 to 2⁶³ − 1; zero is how other cosignatures say that they state no time. Whether a time is
too old or lies ahead is for those to judge who have a clock. Post-quantum cosignatures (0x06) are lines
of unknown keys here: they may stand in a note, and count for nothing.
"""

from typing import Self

from traceability.core.checkpoint import Checkpoint
from traceability.core.errors import Invalid, Malformed
from traceability.core.note import Signature, Verifier, encode_skey, parse_skey, private_key

COSIGNATURE = 0x04
TIME_MAX = 2**63 - 1


def cosigned_message(text: str, time: int) -> bytes:
    """The bytes that are signed for a checkpoint's text and a time in seconds since 1970."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosignature_time(signature: Signature) -> int:
    """When the witness says it signed, in seconds since 1970. Raises Invalid for another form.

    It says something only in a signature that was verified.
    """
    if len(signature.body) != 72:
        raise Invalid(f"the cosignature of {signature.name} has {len(signature.body)} bytes, it must have 72")
    time = int.from_bytes(signature.body[:8], "big")
    if not 1 <= time <= TIME_MAX:
        raise Invalid(f"the cosignature of {signature.name} states no time")
    return time


class CosignatureVerifier(Verifier):
    """A witness's public key: checks its timestamped cosignatures. Its vkey is of type 0x04."""

    __slots__ = ()

    ALGORITHM = COSIGNATURE

    def verify(self, text: str, body: bytes) -> None:
        """Raises Invalid unless `body` is this witness's cosignature over a checkpoint's `text`."""
        time = cosignature_time(Signature(*self.key, body))
        self._check(body[8:], cosigned_message(text, time))


class Cosigner:
    """A witness's private key. It shows its seed only when asked to encode it."""

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        """Raises Malformed for a name no key may have or a seed that is not 32 bytes long."""
        self._key = private_key(seed)
        self.verifier = CosignatureVerifier(name, self._key.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, skey: str) -> Self:
        """Reads an skey of type 0x04. Raises Malformed, and never repeats the key."""
        cosigner = cls(*parse_skey(skey, COSIGNATURE))
        if cosigner.encode() != skey:
            raise Malformed(f"the skey of {cosigner.verifier.name} has the id of another key")
        return cosigner

    def encode(self) -> str:
        """The skey text. A secret."""
        return encode_skey(self.verifier.vkey, self._key.private_bytes_raw())

    def cosign(self, checkpoint: Checkpoint, time: int) -> Signature:
        """The line to add to the checkpoint's note.

        Whoever calls has verified the log's signature and the growth, and has already stored that this is
        the largest tree it signed. ValueError for a time that is not 1 to 2⁶³ − 1.
        """
        if not 1 <= time <= TIME_MAX:
            raise ValueError(f"{time} is no time to sign at: seconds since 1970, above 0")
        signature = self._key.sign(cosigned_message(checkpoint.encode(), time))
        return Signature(*self.verifier.key, time.to_bytes(8, "big") + signature)
