r"""The trust policy: whose checkpoints a verifier believes (C2SP tlog-policy).

A verifier brings this file and nothing else decides whom it trusts: not the evidence, not the server.

    # The ledger, and three who watch it; any two of them are enough.
    log ledger.example.org/car+23d361dc+AWU30/cf+UOHulPXGUNigIDi7P+czF6CpufMZ3iCIPyI
    witness A <vkey>
    witness B <vkey> https://b.example/
    witness C <vkey>
    group independent 2 A B C
    quorum independent

In place of the 2 there may be `all` or `any`; the quorum may also be one witness, or `none`.

Lines end in a newline; words are parted by spaces and tabs; empty lines and lines that begin with # are
passed over. A checkpoint is good when one of the logs signed it, under the origin that is its key's name,
and its cosignatures make the quorum. Names are defined before they are used and are for this file alone;
each is member of one group at most, so no witness counts twice; one public key stands on one line only,
whatever it is called. That a log and a witness may not share a key either is stricter than the standard,
which looks at logs and witnesses apart: a log that cosigns itself adds nothing.

Logs have Ed25519 keys (0x01), witnesses timestamped Ed25519 keys (0x04). A witness with a post-quantum
key (0x06) may be listed; its cosignatures are not verified here and never count, so a quorum that needs
it fails. A file that does not end in a newline is refused, since it may have lost its end.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from traceability.core.checkpoint import OpenedCheckpoint, open_checkpoint
from traceability.core.cosignature import CosignatureVerifier
from traceability.core.errors import Invalid, Malformed
from traceability.core.note import Verifier, Vkey, parse_note

POLICY_SIZE_MAX = 1024 * 1024

_ML_DSA_44 = 0x06
_ML_DSA_44_KEY_SIZE = 1312
_ALLOWED = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*")
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoints are believed. `url` says where it is read, when anybody said."""

    verifier: Verifier
    url: str | None = None

    @property
    def origin(self) -> str:
        """The origin its checkpoints must have: the name of its key."""
        return self.verifier.name


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness under the name it has in this file (bytes that are not UTF-8 stand in it as surrogates).

    `verifier` is None for a key whose cosignatures cannot be verified here. `url` as for logs.
    """

    name: str
    vkey: Vkey
    verifier: CosignatureVerifier | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Holds when at least `threshold` of its members, witnesses or earlier groups, do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quorum:
    """What the witnesses say about one checkpoint: whether enough cosigned, and which (by policy name)."""

    holds: bool
    cosigned_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Logs, witnesses, groups in order of definition, and the quorum: a name, or None when none is asked."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Reads a policy file. Raises Malformed, with the number of the line, for anything not allowed."""
        if len(data) > POLICY_SIZE_MAX:
            raise Malformed(f"a trust policy has at most {POLICY_SIZE_MAX} bytes, this one {len(data)}")
        if _ALLOWED.fullmatch(data) is None:
            raise Malformed("a trust policy has no control characters but tab and newline")
        if not data.endswith(b"\n"):
            raise Malformed("the trust policy does not end in a newline: it may have been cut off")
        reader = _Reader()
        # Names are bytes that nobody interprets; surrogateescape keeps each spelling apart.
        for number, line in enumerate(data.decode(errors="surrogateescape")[:-1].split("\n"), start=1):
            try:
                reader.read(line.strip(" \t"))
            except Malformed as error:
                raise Malformed(f"trust policy, line {number}: {error}") from error
        if not reader.quorum_seen:
            raise Malformed("the trust policy has no quorum line; write `quorum none` to ask for no witness")
        return cls(tuple(reader.logs), tuple(reader.witnesses), tuple(reader.groups), reader.quorum)

    @classmethod
    def without_witnesses(cls, logs: Iterable[Verifier]) -> Self:
        """The policy that believes these logs on their own word: `quorum none`."""
        return cls(tuple(Log(verifier) for verifier in logs))

    def with_logs(self, logs: Iterable[Log]) -> Self:
        """The same policy, believing these logs or further keys of logs too."""
        return type(self)((*self.logs, *logs), self.witnesses, self.groups, self.quorum)

    def encode(self) -> bytes:
        """The policy file. Raises Malformed unless reading it gives this policy again."""
        lines: list[tuple[str | None, ...]] = [("log", log.verifier.encode(), log.url) for log in self.logs]
        lines += [("witness", each.name, each.vkey.encode(), each.url) for each in self.witnesses]
        lines += [("group", each.name, str(each.threshold), *each.members) for each in self.groups]
        lines.append(("quorum", self.quorum or "none"))
        text = "".join(" ".join(word for word in line if word is not None) + "\n" for line in lines)
        data = text.encode(errors="surrogateescape")
        if self.parse(data) != self:
            raise Malformed("a name or URL of the trust policy cannot be written in one word")
        return data

    def open_checkpoint(self, data: bytes) -> OpenedCheckpoint:
        """The checkpoint in this note, if a log of the policy signed it under its own origin.

        Lines of the policy's witnesses are verified too, but whether there are enough of them is for
        `judge`. Raises Malformed for bytes that are no checkpoint; Invalid for a log that is not in the
        policy and for any known key's line that does not verify.
        """
        text, lines = parse_note(data)
        origin = text.split("\n", 1)[0]
        log = [log.verifier for log in self.logs if log.origin == origin]
        if not log:
            raise Invalid(f"the log {origin[:200]!r} is not in the trust policy")
        if not {key.key for key in log} & {line.key for line in lines}:
            raise Invalid(
                f"no key that the trust policy has of {origin} signed this checkpoint; if the log has changed its key, "
                "`traceability policy` brings the policy up to it"
            )
        witnesses = [witness.verifier for witness in self.witnesses if witness.verifier is not None]
        return open_checkpoint(data, origin, log, witnesses)

    def judge(self, opened: OpenedCheckpoint) -> Quorum:
        """Whether the cosignatures of a checkpoint this policy opened make its quorum, and whose they are."""
        verified = {signature.key for signature in opened.note.verified}
        cosigned_by = tuple(
            witness.name
            for witness in self.witnesses
            if witness.verifier is not None and witness.verifier.key in verified
        )
        holding = set(cosigned_by)
        for group in self.groups:  # members are defined before their group
            if len(holding.intersection(group.members)) >= group.threshold:
                holding.add(group.name)
        return Quorum(self.quorum is None or self.quorum in holding, cosigned_by)


class _Reader:
    """Takes a policy file in, line by line. Each method raises Malformed for a line that may not be."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self.quorum_seen = False
        self._defined: set[str] = set()
        self._grouped: set[str] = set()
        self._public_keys: set[bytes] = set()
        self._key_ids: set[tuple[str, bytes]] = set()

    def read(self, line: str) -> None:
        if not line or line.startswith("#"):
            return
        match re.split(r"[ \t]+", line):
            case ["log", vkey]:
                self._log(vkey, None)
            case ["log", vkey, url]:
                self._log(vkey, url)
            case ["witness", name, vkey]:
                self._witness(name, vkey, None)
            case ["witness", name, vkey, url]:
                self._witness(name, vkey, url)
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, tuple(members))
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise Malformed(
                    f"{line[:40]!r} is not log <vkey> [url], witness <name> <vkey> [url], "
                    "group <name> all|any|<k> <member>... or quorum <name>|none"
                )

    def _log(self, text: str, url: str | None) -> None:
        verifier = Verifier.parse(text)
        self._take_key(verifier.vkey)
        self.logs.append(Log(verifier, url))

    def _witness(self, name: str, text: str, url: str | None) -> None:
        self._define(name)
        vkey = Vkey.parse(text)
        verifier = None
        if vkey.algorithm == _ML_DSA_44:
            if len(vkey.public_key) != _ML_DSA_44_KEY_SIZE:
                raise Malformed(f"an ML-DSA-44 key has {_ML_DSA_44_KEY_SIZE} bytes")
        else:
            verifier = CosignatureVerifier.from_vkey(vkey)
        self._take_key(vkey)
        self.witnesses.append(Witness(name, vkey, verifier, url))

    def _group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        for member in members:
            self._must_be_defined(member)
            if member in self._grouped:
                raise Malformed(f"{member[:40]!r} is a member already: each name counts once")
            self._grouped.add(member)
        self._define(name)
        words: Mapping[str, int] = {"all": len(members), "any": 1}
        if threshold not in words and _NUMBER.fullmatch(threshold) is None:
            raise Malformed(f"{threshold[:40]!r} is not all, any or a number from 1 in decimal")
        least = words[threshold] if threshold in words else int(threshold)
        if least > len(members):
            raise Malformed(f"{least} of {len(members)} members can never be")
        self.groups.append(Group(name, least, members))

    def _quorum(self, name: str) -> None:
        if self.quorum_seen:
            raise Malformed("a trust policy has one quorum line")
        self.quorum_seen = True
        if name != "none":
            self._must_be_defined(name)
            self.quorum = name

    def _define(self, name: str) -> None:
        if name == "none":
            raise Malformed("no witness or group can be called none")
        if name in self._defined:
            raise Malformed(f"{name[:40]!r} is defined twice")
        self._defined.add(name)

    def _must_be_defined(self, name: str) -> None:
        if name not in self._defined:
            raise Malformed(f"{name[:40]!r} is not defined on a line above")

    def _take_key(self, vkey: Vkey) -> None:
        if vkey.public_key in self._public_keys:
            raise Malformed("this public key is on a line above already, perhaps under another name")
        if (vkey.name, vkey.key_id) in self._key_ids:
            raise Malformed("another key above has this name and id: no signature could tell them apart")
        self._public_keys.add(vkey.public_key)
        self._key_ids.add((vkey.name, vkey.key_id))
