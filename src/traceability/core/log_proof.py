r"""The proof of one entry in the log, as other people's tools read it (C2SP tlog-proof), name `*.tlog-proof`.

    c2sp.org/tlog-proof@v1
    extra <base64>                       canonical JSON of {"blind","entry"}: what the leaf is of
    index 41207
    <base64 hash>…                       the audit path, leaf's sibling first
                                         an empty line
    <signed checkpoint>

The leaf's 33 bytes are worked out of `extra` (`core.leaf`), so the file stands alone. An entry that would make a line
longer than other readers take is left out: then whoever checks has to have it otherwise.
"""

import re
from base64 import b64encode
from typing import Any, NamedTuple

import msgspec

from traceability.core import canonical, merkle
from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import padded, to_unpadded, unpadded
from traceability.core.leaf import BLIND_SIZE, leaf_data
from traceability.core.signing import Envelope
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import Trusted, trusted

MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".tlog-proof"
HEADER = b"c2sp.org/tlog-proof@v1\n"
LINE_MAX = 65536
SIZE_MAX = 256 * 1024

_HASH = r"[A-Za-z0-9+/]{43}="
_FORM = re.compile(
    rf"c2sp\.org/tlog-proof@v1\n(?:extra (?P<extra>[A-Za-z0-9+/]+={{0,2}})\n)?index (?P<index>0|[1-9][0-9]{{0,18}})\n"
    rf"(?P<hashes>(?:{_HASH}\n){{0,63}})\n(?P<checkpoint>.+)",
    re.DOTALL,
)


class LogProof(NamedTuple):
    """What such a file holds."""

    entry: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None


class _Answer(msgspec.Struct):
    """What a ledger's answer to an event says of its place in the log."""

    index: int
    entry: str
    blind: str
    proof: list[str]
    checkpoint: str


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    envelope: Any
    record_time: str


class _Opened(msgspec.Struct, forbid_unknown_fields=True):
    blind: str
    entry: str


def make(index: int, blind: bytes, entry: bytes, path: tuple[bytes, ...], checkpoint: bytes) -> bytes:
    """The file that proves this entry at its index under a signed checkpoint."""
    opened = b64encode(canonical.dump({"blind": to_unpadded(blind), "entry": entry.decode()}))
    extra = b"" if len(opened) > LINE_MAX - 10 else b"extra %s\n" % opened
    hashes = b"".join(b64encode(node) + b"\n" for node in path)
    return HEADER + extra + b"index %d\n" % index + hashes + b"\n" + checkpoint


def read(data: bytes) -> LogProof:
    """What the file holds. Raises Malformed for any other form."""
    try:
        found = _FORM.fullmatch(data.decode()) if len(data) <= SIZE_MAX else None
    except UnicodeDecodeError:
        found = None
    if found is None:
        raise Malformed(
            "not a tlog-proof: its first line is c2sp.org/tlog-proof@v1, then index, hashes and a checkpoint"
        )
    path = tuple(padded(line) for line in found["hashes"].split())
    extra = None if found["extra"] is None else padded(found["extra"])
    return LogProof(int(found["index"]), path, found["checkpoint"].encode(), extra)


def opened(proof: LogProof) -> tuple[bytes, bytes]:
    """The blind and the entry that the file brings. Raises Malformed where it brings none."""
    if proof.extra is None:
        raise Malformed("the entry is not in this proof: ask for it, or for evidence of the lot")
    try:
        value = msgspec.convert(canonical.decode(proof.extra, size_max=SIZE_MAX), _Opened)
    except msgspec.ValidationError as error:
        raise Malformed(f"what the proof is of is not an entry of ours: {error}") from error
    return unpadded(value.blind, BLIND_SIZE), value.entry.encode()


def check(proof: LogProof, leaf: bytes, policy: TrustPolicy) -> Trusted:
    """Whether this leaf data stands there: origin and signatures first, then witnesses, then inclusion.

    Gives the checkpoint and who vouches for it. Raises Malformed or Invalid.
    """
    found = trusted(proof.checkpoint, policy)
    head = found.checkpoint
    if proof.entry >= head.size:
        raise Invalid(f"entry {proof.entry} is in no log of {head.size} entries")
    merkle.verify_inclusion(merkle.leaf_hash(leaf), proof.entry, head.size, proof.path, head.root)
    return found


def check_entry(data: bytes, policy: TrustPolicy) -> tuple[LogProof, bytes, Trusted]:
    """The proof, the entry it brings, and who vouches for it. Raises Malformed or Invalid where it does not hold."""
    proof = read(data)
    blind, entry = opened(proof)
    return proof, entry, check(proof, leaf_data(blind, entry), policy)


def check_answer(answer: bytes, payload: bytes, policy: TrustPolicy) -> Trusted:
    """Whether the event of that payload stands in the log as a ledger's answer to it says.

    Witnesses cosign afterwards, so none is asked for: the logs of the policy are. Raises Malformed or Invalid.
    """
    try:
        said = msgspec.json.decode(answer, type=_Answer)
        entry = said.entry.encode()
        read = msgspec.json.decode(entry, type=_Entry)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not the answer to an event: {error}") from error
    if canonical.dump({"envelope": read.envelope, "record_time": read.record_time}) != entry:
        raise Malformed("the entry is not in its one form")
    if Envelope.parse(read.envelope).payload != payload:
        raise Invalid("it is the answer to another event")
    proof = LogProof(said.index, tuple(map(unpadded, said.proof)), said.checkpoint.encode(), None)
    logs = TrustPolicy.without_witnesses(log.verifier for log in policy.logs)
    return check(proof, leaf_data(unpadded(said.blind, BLIND_SIZE), entry), logs)
