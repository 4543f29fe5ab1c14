"""A monitor: follows logs, keeps every checkpoint it ever saw, and proves it when two of them exclude each other.

For each log there is a folder, named by the hash of its origin:

    seen.ndjson              a line for each checkpoint seen: {"checkpoint","from","time"}
    head                     the newest one to which all smaller ones are known to lead
    *.misbehaviour.json      proofs (`core.misbehaviour`), or what nobody could prove or explain

A pass asks the log for its checkpoint, and every other viewer for what he was shown: another monitor's file, a
mirror, a witness, a colleague's checkpoint. Each is compared with the head, by a proof out of the tiles of the larger
tree. Who is shown a past of his own cannot see it alone; two who compare can.

What is larger than the log's own newest checkpoint waits until the log has grown past it: it may be ahead by a
moment, or the log keeps it from us, and then it goes on being named.
"""

import os
from collections.abc import Iterator, Sequence
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import orjson

from traceability.core.checkpoint import OpenedCheckpoint
from traceability.core.cosignature import cosignature_time
from traceability.core.errors import Invalid, Malformed, TraceabilityError
from traceability.core.leaf import time_text
from traceability.core.misbehaviour import Misbehaviour, compare
from traceability.core.note import parse_note
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger.files import put
from traceability.witness.peers import Unreachable
from traceability.witness.proofs import keep_proof
from traceability.witness.remote import RemoteLog

_HEAD = "head"
_SEEN = "seen.ndjson"


class What(StrEnum):
    """What a monitor may have to tell."""

    MISBEHAVIOUR = "misbehaviour"
    """Proven: the log has signed two checkpoints that exclude each other."""
    NOT_SIGNED = "not_signed"
    """What is shown as a checkpoint is none that the log has signed."""
    NOT_SHOWN = "not_shown"
    """Two signed checkpoints, and no proof that the one leads to the other."""
    WENT_BACK = "went_back"
    """The log shows fewer entries than it has shown before."""
    BEHIND = "behind"
    """Somebody was shown more than the log shows here."""
    STALE = "stale"
    """The newest cosignature is older than was asked for."""
    NO_QUORUM = "no_quorum"
    """The checkpoint lacks the cosignatures that the policy asks for."""
    UNREACHABLE = "unreachable"
    """The log, or another viewer, gave no usable answer."""


FAILURES = frozenset({What.MISBEHAVIOUR, What.NOT_SIGNED})
"""What cannot be an accident of the network."""


class Finding(NamedTuple):
    """Something to tell a person. `where` is who showed it, `file` the proof where there is one."""

    what: What
    where: str
    says: str
    file: Path | None = None


class Watched(NamedTuple):
    """How a log was found in one pass. Size and root are of the head; absent where there is none yet."""

    url: str
    origin: str | None
    size: int | None
    root: str | None
    findings: list[Finding]


class _Shown(NamedTuple):
    """A checkpoint, who showed it, and whether he may have the tiles of its tree too."""

    opened: OpenedCheckpoint
    note: bytes
    where: str
    has_tiles: bool


class Monitor:
    """Follows the logs of a policy and keeps what it sees in a folder."""

    def __init__(self, folder: Path, policy: TrustPolicy, viewers: Sequence[RemoteLog | Path] = ()) -> None:
        self._folder = folder
        self._policy = policy
        self._viewers = viewers

    def look(self, log: RemoteLog, now: int, stale_seconds: int | None = None) -> Watched:
        """One pass over one log; `now` in Unix seconds. Raises OSError where nothing can be written."""
        findings: list[Finding] = []
        try:
            note = log.checkpoint()
            newest = _Shown(self._policy.open_checkpoint(note), note, log.url, has_tiles=True)
        except Unreachable as error:
            findings.append(Finding(What.UNREACHABLE, log.url, str(error)))
            return Watched(log.url, None, None, None, findings)
        except TraceabilityError as error:
            findings.append(Finding(What.NOT_SIGNED, log.url, str(error)))
            return Watched(log.url, None, None, None, findings)
        sources = [log, *(viewer for viewer in self._viewers if isinstance(viewer, RemoteLog))]
        history = _History(self._folder, newest.opened.checkpoint.origin, self._policy, sources)
        history.keep(newest, now)
        history.follow(newest, findings)
        for shown in self._others(log, newest.opened.checkpoint.origin, findings):
            history.keep(shown, now)
            history.hold_against(shown, findings)
        history.hold_against_what_waited(findings)
        history.close(findings)
        self._judge(newest, now, stale_seconds, findings)
        head = history.head
        return Watched(
            log.url,
            newest.opened.checkpoint.origin,
            None if head is None else head.opened.checkpoint.size,
            None if head is None else head.opened.checkpoint.root.hex(),
            findings,
        )

    def _others(self, log: RemoteLog, origin: str, findings: list[Finding]) -> Iterator[_Shown]:
        """What other viewers were shown of this log. Files may speak of other logs too: those lines are passed over."""
        for viewer in self._viewers:
            where = str(viewer) if isinstance(viewer, Path) else viewer.url
            try:
                if isinstance(viewer, Path):
                    notes = [(note, False) for note in _notes_in(viewer.read_bytes(), origin)]
                elif viewer.url == log.url:
                    continue
                else:
                    notes = [_ask(viewer, origin)]
            except (Unreachable, OSError) as error:
                said = f"it cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)
                findings.append(Finding(What.UNREACHABLE, where, said))
                continue
            for note, has_tiles in notes:
                try:
                    opened = self._policy.open_checkpoint(note)
                except TraceabilityError as error:
                    if note.startswith(origin.encode() + b"\n"):
                        findings.append(Finding(What.NOT_SIGNED, where, str(error)))
                    continue
                if opened.checkpoint.origin == origin:
                    yield _Shown(opened, note, where, has_tiles)

    def _judge(self, newest: _Shown, now: int, stale_seconds: int | None, findings: list[Finding]) -> None:
        """Whether witnesses stand behind the newest checkpoint, and since when."""
        quorum = self._policy.judge(newest.opened)
        if not quorum.holds:
            said = f"of the witnesses of the policy {len(quorum.cosigned_by)} cosigned it, which is no quorum"
            findings.append(Finding(What.NO_QUORUM, newest.where, said))
        if stale_seconds is not None:
            verifiers = {w.verifier.key for w in self._policy.witnesses if w.verifier is not None}
            times = [cosignature_time(line) for line in newest.opened.note.verified if line.key in verifiers]
            if not times or now - max(times) > stale_seconds:
                said = f"nobody has cosigned it within the last {stale_seconds} s"
                findings.append(Finding(What.STALE, newest.where, said))


class _History:
    """What is kept of one log."""

    def __init__(self, folder: Path, origin: str, policy: TrustPolicy, sources: Sequence[RemoteLog]) -> None:
        """`sources` are asked for tiles in this order."""
        self._folder = folder / sha256(origin.encode()).hexdigest()
        self._policy = policy
        self._sources = sources
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / _HEAD
        self.head = self._open(path.read_bytes(), str(path)) if path.exists() else None
        self._settled = 0 if self.head is None else self.head.opened.checkpoint.size
        """The size up to which everything seen was held against the head in earlier passes."""
        path = self._folder / _SEEN
        data = path.read_bytes() if path.exists() else b""
        self._cut_off = b"\n" if data and not data.endswith(b"\n") else b""
        self._lines = [line for line in map(_line, data.splitlines()) if line is not None]
        self._known = {line["checkpoint"].split("\n\n", 1)[0] for line in self._lines}

    def keep(self, shown: _Shown, now: int) -> None:
        """Writes a checkpoint down, on the disk before anything is concluded from it."""
        text = shown.note.decode()
        if text.split("\n\n", 1)[0] in self._known:
            return
        line = {"checkpoint": text, "from": shown.where, "time": time_text(now)}
        with (self._folder / _SEEN).open("ab") as file:
            file.write(self._cut_off + orjson.dumps(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._cut_off = b""
        self._known.add(text.split("\n\n", 1)[0])
        self._lines.append(line)

    def follow(self, newest: _Shown, findings: list[Finding]) -> None:
        """Moves the head on to the log's newest checkpoint, if it begins with what the head says."""
        if self.head is None:
            self.head = newest
            return
        old, new = self.head.opened.checkpoint.size, newest.opened.checkpoint.size
        agree = self._agree(self.head, newest, findings)
        if new < old and all(finding.what is not What.MISBEHAVIOUR for finding in findings):
            said = f"it shows {new} entries and has shown {old} before"
            findings.append(Finding(What.WENT_BACK, newest.where, said))
        elif agree and new > old:
            self.head = newest

    def hold_against(self, shown: _Shown, findings: list[Finding]) -> None:
        """Compares what somebody was shown with the head. What is larger waits, unless its tiles can be had."""
        assert self.head is not None
        size = self.head.opened.checkpoint.size
        if shown.opened.checkpoint.size <= size:
            self._agree(shown, self.head, findings)
            return
        said = f"it was shown {shown.opened.checkpoint.size} entries, here the log shows {size}"
        findings.append(Finding(What.BEHIND, shown.where, said))
        if shown.has_tiles:
            self._agree(self.head, shown, findings)

    def hold_against_what_waited(self, findings: list[Finding]) -> None:
        """Compares what was seen when it was larger than the head of then, once the head has grown past it."""
        assert self.head is not None
        size = self.head.opened.checkpoint.size
        for line in self._lines:
            shown = self._open(line["checkpoint"].encode(), line["from"])
            if shown is not None and self._settled < shown.opened.checkpoint.size <= size:
                self._agree(shown, self.head, findings)

    def close(self, findings: list[Finding]) -> None:
        """Keeps the head, unless something below it is still unexplained: then all of it is asked again."""
        unexplained = any(finding.what is What.NOT_SHOWN for finding in findings)
        if self.head is not None and not unexplained:
            put(self._folder / _HEAD, self.head.note)

    def _agree(self, one: _Shown, other: _Shown, findings: list[Finding]) -> bool:
        """Whether the larger tree begins with the smaller one; else a finding, with its file.

        Whoever has tiles may show it, the log first: what they show is checked against what the log has signed.
        """
        sizes = sorted((one.opened.checkpoint.size, other.opened.checkpoint.size))
        what, reason = What.NOT_SHOWN, ""
        for source in self._sources:
            try:
                found = compare(one.opened, other.opened, source.nodes(sizes[1]))
            except (Unreachable, Malformed, Invalid) as error:
                reason = reason or str(error)[:500]
                continue
            if found is None:
                return True
            what = What.MISBEHAVIOUR
            says = f"the log has signed two histories, of {sizes[0]} and of {sizes[1]} entries"
            break
        else:
            found = Misbehaviour.of(one.note, other.note, reason=reason)
            says = f"no proof was had that {sizes[0]} entries lead to {sizes[1]}: {reason}"
        finding = Finding(what, f"{one.where}, {other.where}", says, keep_proof(self._folder, found))
        if finding.file not in {earlier.file for earlier in findings}:
            findings.append(finding)
        return False

    def _open(self, note: bytes, where: str) -> _Shown | None:
        """What was kept, if it is still believed: under another policy it may not be."""
        try:
            return _Shown(self._policy.open_checkpoint(note), note, where, has_tiles=False)
        except TraceabilityError:
            return None


def _ask(viewer: RemoteLog, origin: str) -> tuple[bytes, bool]:
    """A mirror has checkpoint and tiles; a witness has the checkpoint alone, under the name of its log."""
    try:
        return viewer.checkpoint(), True
    except Unreachable as error:
        if "(404)" not in str(error):
            raise
        return viewer.checkpoint(origin), False


def _notes_in(data: bytes, origin: str) -> list[bytes]:
    """The checkpoints in a file: one signed note, or the lines of another monitor's `seen.ndjson`.

    What says that it is of the log `origin` and is no note stays, to be named as not signed. Raises Unreachable for a
    file in which there is nothing to compare: nobody is to think that it was compared.
    """
    if data.startswith(b"{"):
        lines = map(_line, data.splitlines())
        notes = [line["checkpoint"].encode() for line in lines if line is not None]
    else:
        notes = [data]
    found = [note for note in notes if note.startswith(origin.encode() + b"\n") or _is_note(note)]
    if not found:
        raise Unreachable("there is no checkpoint in it")
    return found


def _is_note(data: bytes) -> bool:
    try:
        parse_note(data)
    except Malformed:
        return False
    return True


def _line(data: bytes) -> dict[str, str] | None:
    """A line of `seen.ndjson`; None for one that a crash has cut off."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("checkpoint"), str):
        return None
    return {"checkpoint": value["checkpoint"], "from": str(value.get("from", ""))}
