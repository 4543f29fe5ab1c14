"""A witness: what it answers, as C2SP tlog-witness has it; that it never goes back, killed and raced as it may be."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import metamorphic_log
import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving import heard, serving
from watching import Clock, Log, cosigner, witness_at

from patience import SECONDS, until
from traceability.core.checkpoint import open_checkpoint
from traceability.core.cosignature import cosignature_time
from traceability.core.misbehaviour import NotShown
from traceability.core.note import ED25519, Signature, Signer, Verifier, parse_note
from traceability.witness.keeper import Witness, WitnessUnusable, create
from traceability.witness.protocol import REQUEST_SIZE_MAX, AddCheckpoint, monitoring_path
from traceability.witness.serving import WitnessApp

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/tlog/witness-add-checkpoint.json").read_bytes())


def cosigned(log: Log, reply, name: str = "witness.example.org/w") -> int:
    """The time of the cosignature in an answer of 200, once it verifies over the log's checkpoint."""
    assert reply.status == 200, reply
    note = log.note() + reply.body
    keys = [cosigner(name).verifier]
    opened = open_checkpoint(note, log.origin, [log.verifier], keys)
    (line,) = [each for each in opened.note.verified if each.name == name]
    return cosignature_time(line)


def test_a_log_that_grows_is_cosigned(witness, log, clock):
    """From nothing, over many sizes, and the same size again with a newer time; each answer verifies."""
    old = 0
    for count in (1, 1, 2, 5, 247, 1, 300, 0):
        log.grow(count)
        clock.now += 7
        assert cosigned(log, witness.add_checkpoint(log.request(old))) == clock.now
        old = len(log.leaves)
        held = witness.checkpoint(monitoring_path(log.origin))
        assert held.status == 200
        assert metamorphic_log.checkpoint_verify(held.body.decode(), [log.verifier.encode()]).size == old


def test_answers_are_those_of_the_published_cases(tmp_path):
    """The requests another witness is tested with, in order: the statuses the standard has for them."""
    known = Verifier.parse(VECTORS["log"]["vkey"])
    witness = witness_at(tmp_path / "w", "example.com/witness", [known], Clock())
    for number, case in enumerate(VECTORS["requests"]):
        body = case["body"]
        if number == 1:  # its base64 has bits behind the end: here that is no note at all
            assert witness.add_checkpoint(body.encode()).status == 400
            body = body.replace("6gx=", "6gw=")
        reply = witness.add_checkpoint(body.encode())
        # The note of the file: since that program the standard says 404 where it knows no such log.
        wanted = 404 if "unknown log" in case["expect"] else case["expect_status"]
        assert reply.status == wanted, (number, reply)
        if reply.status == 409:
            assert (reply.body.decode(), reply.media_type) == (
                case["expect"].partition('"')[2].rstrip('"').replace("\\n", "\n"),
                "text/x.tlog.size",
            )
        if reply.status == 200:
            assert reply.body.startswith("— example.com/witness ".encode())


STATUSES = {
    "no request": (b"", 400),
    "no old line": (b"\nx\n", 400),
    "old with a sign": (b"old +5\n\n", 400),
    "old with a zero in front": (b"old 05\n\n", 400),
    "old in other digits": ("old ٥\n\n".encode(), 400),
    "old beyond all sizes": (b"old 9223372036854775808\n\n", 400),
    "lines that end in \\r\\n": (b"old 5\r\n\r\n", 400),
    "not UTF-8": (b"old 5\n\n\xff\n1\n", 400),
    "a checkpoint and nothing before it": (b"@note", 400),
    "a note that is none": (b"old 5\n\nlog.example.org/one\n6\n", 400),
}


@pytest.mark.parametrize("case", STATUSES)
def test_what_is_malformed_is_400(witness, log, case):
    """Whatever is no request, no note or no checkpoint is said to be that."""
    body, status = STATUSES[case]
    log.grow(5)
    cosigned(log, witness.add_checkpoint(log.request(0)))
    assert witness.add_checkpoint(body.replace(b"@note", log.note())).status == status


@given(st.data())
def test_whatever_is_sent_is_answered(data):
    """Requests with pieces cut out, doubled, or replaced: a status of the standard, and never a smaller tree."""
    log = Log("log.example.org/one").grow(9)
    with tempfile.TemporaryDirectory() as folder:
        witness = witness_at(Path(folder) / "w", "witness.example.org/w", [log.verifier], Clock())
        assert witness.add_checkpoint(log.request(0, 5)).status == 200
        body = log.request(5)
        for _ in range(data.draw(st.integers(1, 3))):
            start, end = sorted((data.draw(st.integers(0, len(body))), data.draw(st.integers(0, len(body)))))
            piece = data.draw(
                st.sampled_from(
                    [b"", body[start:end] * 2, b"\n", b"\n\n", "— ".encode(), b"\xff", b"old 5\n"]
                )
            )
            body = body[:start] + piece + body[end:]
        reply = witness.add_checkpoint(body)
        assert reply.status in (200, 400, 403, 404, 409, 422)
        held = int(witness.checkpoint(monitoring_path(log.origin)).body.split(b"\n")[1])
        assert held == (9 if reply.status == 200 else 5)


def test_each_refusal_has_its_status(witness, log):
    """404, 403, 400, 409, 422, in the order in which the standard asks; and nothing of it moves the witness."""
    log.grow(5)
    cosigned(log, witness.add_checkpoint(log.request(0)))
    log.grow(3)
    good = log.request(5)
    stranger = Log("log.example.org/two").grow(8)
    assert witness.add_checkpoint(stranger.request(0)).status == 404

    other_key = Log(log.origin, bytes(32), tuple(log.leaves))
    assert witness.add_checkpoint(other_key.request(5)).status == 403
    text, (line,) = parse_note(log.note())
    spoiled = Signature(line.name, line.key_id, bytes([line.body[0] ^ 1]) + line.body[1:])
    for lines in ([spoiled], [line, spoiled]):
        note = f"{text}\n{''.join(each.line() for each in lines)}".encode()
        assert witness.add_checkpoint(AddCheckpoint(5, (), note).encode()).status == 403

    assert witness.add_checkpoint(log.request(9)).status == 400
    many = b"old 5\n" + (b64encode(bytes(32)) + b"\n") * 64 + b"\n" + log.note()
    assert witness.add_checkpoint(many).status == 400

    for old in (0, 4, 6, 8):
        conflict = witness.add_checkpoint(log.request(old))
        assert (conflict.status, conflict.body, conflict.media_type) == (409, b"5\n", "text/x.tlog.size")

    proof = log.proof(5)
    for wrong in ([], proof[:-1], [*proof, bytes(32)], [bytes(32), *proof[1:]], proof[::-1]):
        assert witness.add_checkpoint(AddCheckpoint(5, tuple(wrong), log.note()).encode()).status == 422
    for root in (bytes(32), hashlib.sha256(b"").digest()):
        assert witness.add_checkpoint(AddCheckpoint(5, (), log.note(5, root)).encode()).status == 422
    assert witness.add_checkpoint(AddCheckpoint(5, (bytes(32),), log.note(5)).encode()).status == 422

    cosigned(log, witness.add_checkpoint(good))


def test_the_empty_tree_has_one_root(witness, log):
    """Size 0 is cosigned with the root of no leaves alone; from there every log may begin, with no proof."""
    assert witness.add_checkpoint(AddCheckpoint(0, (), log.note(0, bytes(32))).encode()).status == 422
    cosigned(log, witness.add_checkpoint(log.request(0)))
    log.grow(4)
    assert witness.add_checkpoint(AddCheckpoint(0, (bytes(32),), log.note()).encode()).status == 422
    cosigned(log, witness.add_checkpoint(log.request(0)))


def test_lines_of_unknown_keys_are_passed_over(witness, log):
    """Other signatures on the checkpoint change nothing, and are not handed on."""
    log.grow(3)
    text, lines = parse_note(log.note())
    others = [Signer(log.origin, bytes([n]) * 32).sign(text) for n in range(1, 9)]
    note = f"{text}\n{''.join(line.line() for line in [*others, *lines])}".encode()
    cosigned(log, witness.add_checkpoint(AddCheckpoint(0, (), note).encode()))
    held = parse_note(witness.checkpoint(monitoring_path(log.origin)).body)[1]
    assert {line.name for line in held} == {log.origin, "witness.example.org/w"}


def test_a_log_may_have_two_keys(tmp_path, log, clock):
    """While a log changes its key either of them will do, under the one origin."""
    second = Log(log.origin, bytes(range(32)))
    assert second.verifier.vkey.algorithm == ED25519
    witness = witness_at(tmp_path / "w", "witness.example.org/w", [log.verifier, second.verifier], clock)
    log.grow(2)
    cosigned(log, witness.add_checkpoint(log.request(0)))
    second.leaves = [*log.leaves]
    second.grow(3)
    cosigned(second, witness.add_checkpoint(second.request(2)))


@pytest.mark.threat("T39", "T40")
def test_a_fork_and_a_rollback_are_refused_and_kept(witness, log):
    """A log that shows the witness another past, or an older one, gets no cosignature; what it signed stays as evidence."""
    log.grow(20)
    cosigned(log, witness.add_checkpoint(log.request(0)))
    fork = log.fork(12).grow(8, b"other")
    same_size = AddCheckpoint(20, (), fork.note()).encode()
    assert witness.add_checkpoint(same_size).status == 422
    fork.grow(5, b"other")
    assert witness.add_checkpoint(fork.request(20)).status == 422
    assert witness.add_checkpoint(log.request(0, 15)).body == b"20\n"
    one, other = witness.refused()
    assert one.verify([log.verifier])[1].size == 20
    with pytest.raises(NotShown):
        other.verify([log.verifier])


@pytest.mark.threat("T53")
def test_of_racing_requests_none_rolls_back(tmp_path, log, clock, monkeypatch):
    """10,000 requests by many threads on two witnesses with one file: the size held never falls."""
    monkeypatch.setattr("traceability.witness.keeper.BUSY_SECONDS", SECONDS)
    path = tmp_path / "w"
    names = [log.grow(1).note() for _ in range(40)]
    requests = {(a, b): log.request(a, b) for a in range(41) for b in range(max(a, 1), 41)}
    assert len(names) == 40
    witnesses = [witness_at(path, "witness.example.org/w", [log.verifier], clock) for _ in range(2)]
    lock, stop = threading.Lock(), threading.Event()
    seen: list[int] = []

    def look() -> None:
        while not stop.is_set():
            held = witnesses[0].checkpoint(monitoring_path(log.origin))
            if held.status == 200:
                seen.append(int(held.body.split(b"\n")[1]))

    def ask(number: int) -> tuple[int, int, int]:
        draw = random.Random(number)
        with lock:
            top = seen[-1] if seen else 0
        old = min(40, max(0, top + draw.randint(-1, 1)))
        new = min(40, max(1, old + draw.randint(0, 2)))
        return witnesses[number % 2].add_checkpoint(requests[old, new]).status, old, new

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(10_000)))
            # They ask from what the watcher has seen, who may have had few turns.
            until(lambda: seen[-1:] == [40] or answers.extend(pool.map(ask, range(1000))))
    finally:
        stop.set()
        watcher.join()
    assert seen == sorted(seen)
    assert {status for status, _, _ in answers} <= {200, 409}
    cosigned_steps = {(old, new) for status, old, new in answers if status == 200}
    growth = sorted(step for step in cosigned_steps if step[0] != step[1])
    # Each step that grew began where the one before had ended: no two grew from one size.
    assert [old for old, _ in growth] == [0, *(new for _, new in growth[:-1])]
    assert seen[-1] == growth[-1][1] == 40


CHILD = """
import sys
sys.path[:0] = {path!r}
from watching import Clock, Log, witness_at
from pathlib import Path
log = Log("log.example.org/one")
old = int(sys.argv[2])
witness = witness_at(Path(sys.argv[1]), "witness.example.org/w", [log.verifier], Clock())
log.grow(old)
while True:
    reply = witness.add_checkpoint(log.grow(1).request(old))
    assert reply.status == 200, reply
    old = len(log.leaves)
    print(old, flush=True)
"""


@pytest.mark.threat("T53")
def test_killed_at_any_moment_it_keeps_what_it_cosigned(tmp_path, log, clock):
    """kill -9 twenty times while it cosigns: what it holds is never below what it has answered."""
    path, held = tmp_path / "w", 0
    draw = random.Random(1)
    for _ in range(20):
        code = CHILD.format(path=[str(Path(__file__).parent), str(Path(__file__).parents[1])])
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(path), str(held)], stdout=subprocess.PIPE, text=True
        )
        said = held
        for _ in range(draw.randint(1, 12)):
            said = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read().split()
        child.wait()
        child.stdout.close()
        said = int(rest[-1]) if rest else said
        log.grow(said + 3 - len(log.leaves))
        reply = witness_at(path, "witness.example.org/w", [log.verifier], clock).add_checkpoint(
            log.request(0, 1)
        )
        held = int(reply.body)
        assert said <= held <= said + 1


def test_a_clock_set_back_does_not_reorder(witness, log, clock):
    """The time of a cosignature never falls below the one before, whatever the clock says."""
    log.grow(3)
    first = cosigned(log, witness.add_checkpoint(log.request(0)))
    clock.now -= 86_400
    log.grow(3)
    assert cosigned(log, witness.add_checkpoint(log.request(3))) == first


def test_without_its_memory_it_does_not_begin_anew(tmp_path, log, clock):
    """A file that is gone or is another's stops it; init never writes over one."""
    path = tmp_path / "w"
    create(path)
    with pytest.raises(WitnessUnusable, match="never begun anew"):
        create(path)
    path.unlink()
    with pytest.raises(WitnessUnusable, match="retired"):
        Witness(path, cosigner("w.example"), [log.verifier], clock)
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(WitnessUnusable, match="cannot be opened"):
        Witness(path, cosigner("w.example"), [log.verifier], clock)


def test_a_memory_that_cannot_be_written_cosigns_nothing(witness, log, monkeypatch):
    """Where the checkpoint cannot be kept the answer is 503, and later the log can go on."""
    log.grow(4)
    monkeypatch.setattr("traceability.witness.keeper.BUSY_SECONDS", 0.05)
    other = witness_at(witness.path, "witness.example.org/w", [log.verifier], Clock())
    with witness._write():  # somebody else has the file
        assert other.add_checkpoint(log.request(0)).status == 503
    cosigned(log, other.add_checkpoint(log.request(0)))


@pytest.fixture
def served(witness):
    with serving(WitnessApp(witness)) as server:
        yield server


def test_over_http(served, log):
    """The two addresses of the standard, behind a real server: types, statuses, methods."""
    log.grow(6)
    path = monitoring_path(log.origin)
    with httpx.Client(base_url=served.url) as client:
        assert client.get(path).status_code == 404
        first = client.post("/add-checkpoint", content=log.request(0))
        assert first.status_code == 200
        assert first.headers["content-type"] == "text/plain; charset=utf-8"
        conflict = client.post("/add-checkpoint", content=log.request(0))
        assert (conflict.status_code, conflict.text) == (409, "6\n")
        assert conflict.headers["content-type"] == "text/x.tlog.size"
        assert client.get(path).content == log.note() + first.content
        assert client.head(path).headers["content-length"] == str(len(log.note() + first.content))
        assert client.get("/add-checkpoint").status_code == 405
        assert client.post(path).status_code == 405
        assert client.get("/" + "0" * 64 + "/checkpoint").status_code == 404
        assert client.get("/etc/passwd").status_code == 404
        assert log.verifier.encode() in client.get("/").text
        assert client.post("/add-checkpoint", content=b"x" * (REQUEST_SIZE_MAX + 1)).status_code == 413


@pytest.mark.threat("T74")
def test_a_body_that_stops_does_not_hold_it(served, log, monkeypatch):
    """Half a request is answered 408 when its time is over; others are answered meanwhile."""
    half = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 500\r\n\r\nold"
    log.grow(1)
    monkeypatch.setattr("traceability.witness.serving.BODY_SECONDS", 2 * SECONDS)
    with served.connect() as slow:
        slow.sendall(half)
        assert httpx.post(f"{served.url}/add-checkpoint", content=log.request(0)).status_code == 200
    monkeypatch.setattr("traceability.witness.serving.BODY_SECONDS", 0.3)
    with served.connect() as slow:
        slow.sendall(half)
        assert heard(slow, b"\n").startswith(b"HTTP/1.1 408 ")
