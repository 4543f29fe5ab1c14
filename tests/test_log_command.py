"""A log changes its key, ends, and is carried on, as its operator does it: by commands, beside a server that runs."""

import json
import re
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from commands import SETTINGS, Done, Served, served
from traceability.core.checkpoint import Checkpoint
from traceability.core.errors import Invalid
from traceability.core.ids import derive, to_unpadded
from traceability.core.note import Signer, parse_note
from traceability.core.signing import SigningKey
from traceability.core.trust_policy import TrustPolicy

Command = Callable[..., Done]
ORIGIN = "ledger.example.org/car"
STATE = Path("state/traceability")
SERVE = [sys.executable, "-m", "traceability", "serve"]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs commands in a folder of their own, on a ledger that has just begun there in ./data."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)

    def done(*arguments: object) -> Done:
        return Done(capfd, *arguments)

    assert done("init", "--origin", ORIGIN, "--name", "R", "--country", "CF").code == 0
    return done


def write(kind: str, body: dict[str, Any], number: int, **sealed: Any) -> None:
    """Writes event.json for the authority, whose events are numbered by hand."""
    event = {"kind": kind, "body": body, "sequence": number, "sealed": sealed}
    Path("event.json").write_text(json.dumps(event))


def enrolment(number: int) -> None:
    """A party joins."""
    key = SigningKey.from_pem((STATE / "authority-1.pem").read_bytes())
    nonce = to_unpadded(number.to_bytes(16, "big"))
    body = {
        "party": derive("party", key.id, nonce),
        "type": "company",
        "roles": ["trader"],
        "country": "CF",
        "from": "2026-01-01",
        "nonce": nonce,
    }
    write("enrolment", body, number, **{"/entity": ENTITY})


ENTITY = {"name": "Aline M.", "legal_address": {"country": "CD", "locality": "Bukavu"}}


def grow(command: Command, number: int, *more: object) -> Done:
    """One more entry, by `submit`."""
    enrolment(number)
    line = Path(f"signed-{number}.ndjson")
    if not line.exists():
        assert command("sign", "event.json", "--key", STATE / "authority-1.pem", "--out", line).code == 0
    return command("submit", line, *more)


def log_key(command: Command, number: int, *what: object) -> Done:
    """A change of the log by its operator, and the approval of the one authority besides him: two entries."""
    done = command("log", *what, "--key", STATE / "operator.pem")
    assert done.code == 0, done.err
    assert "once 1 of the other authorities" in done.out
    [event] = re.findall("the event ([0-9a-f]{64})", done.out)
    write("approval", {"event": event, "decision": "approved"}, number)
    assert command("sign", "event.json", "--key", STATE / "authority-1.pem", "--out", "approval").code == 0
    assert command("submit", "approval").code == 0
    return done


@contextmanager
def serving(tmp_path: Path, **settings: str) -> Any:
    with served(tmp_path, SERVE, settings) as there:
        yield there


def checkpoint(there: Served) -> bytes:
    with urllib.request.urlopen(f"{there.url}/checkpoint") as answer:
        return bytes(answer.read())


def believing(*vkeys: str) -> TrustPolicy:
    return TrustPolicy.parse("".join(f"log {vkey}\n" for vkey in vkeys).encode() + b"quorum none\n")


def vkeys() -> list[str]:
    lines = (STATE / "log-key").read_text().split()
    return [Signer.parse(line).verifier.encode() for line in lines]


def test_a_log_changes_its_key_while_it_runs(command: Command, tmp_path: Path) -> None:
    """Both keys sign for a while, so that nobody who verifies is ever left behind; then the old one goes."""
    [old] = vkeys()
    with serving(tmp_path) as there:
        assert grow(command, 0, "--to", there.url).code == 0
        done = log_key(command, 10, "rotate-key", "--reason", "every year")
        _, new = vkeys()
        assert new in done.out
        assert believing(old).open_checkpoint(checkpoint(there)).checkpoint.size == 4
        assert believing(new).open_checkpoint(checkpoint(there)).checkpoint.size == 4
        assert there.get("/v1/log")[1]["vkeys"] == [old, new]
        assert grow(command, 1, "--to", there.url).code == 0, "a server that was not started again goes on"
        assert believing(old).open_checkpoint(checkpoint(there)).checkpoint.size == 5
    with serving(tmp_path) as there:  # what stood there with the old line alone gets the other
        assert believing(new).open_checkpoint(checkpoint(there)).checkpoint.size == 5
        assert grow(command, 2, "--to", there.url).code == 0
        for policy in (believing(old), believing(new), believing(old, new)):
            assert policy.open_checkpoint(checkpoint(there)).checkpoint.size == 6
    both = (STATE / "log-key").read_text()
    (STATE / "log-key").write_text(both.splitlines()[1] + "\n")
    with serving(tmp_path) as there:
        assert grow(command, 3, "--to", there.url).code == 0
        assert believing(new).open_checkpoint(checkpoint(there)).checkpoint.size == 7
        with pytest.raises(Invalid, match="no key that the trust policy has of"):
            believing(old).open_checkpoint(checkpoint(there))
        assert there.get("/v1/log")[1]["vkeys"] == [new]
    assert command("fsck").code == 0
    (STATE / "log-key").write_text(both.splitlines()[0] + "\n")
    assert command("submit", "signed-3.ndjson").code == 0, "the old key is still one of the log's"


@pytest.mark.threat("T38")
def test_a_copy_from_before_the_key_changed_signs_with_neither(command: Command, tmp_path: Path) -> None:
    """The guard of each key holds what any of them has signed."""
    assert grow(command, 0).code == 0
    assert command("backup", "old.sqlite3").code == 0
    log_key(command, 10, "rotate-key")
    lines = (STATE / "log-key").read_text().splitlines()
    (STATE / "log-key").write_text(lines[1] + "\n")
    assert grow(command, 1).code == 0
    for keys in ([lines[0]], [lines[1]], lines):
        (STATE / "log-key").write_text("\n".join(keys) + "\n")
        shutil.rmtree("copy", ignore_errors=True)
        done = command("restore", "old.sqlite3", "--data", "copy")
        assert done.code == 2, done.out
        assert "signs nothing" in done.err


def test_a_policy_is_brought_up_to_the_keys_of_now(command: Command, tmp_path: Path) -> None:
    """Whoever believed the old key learns the new one from a file that the old one still signed, and by nothing else."""
    shutil.copy("data/trust.policy", "mine.policy")
    assert command("trust-pack", "--out", "before.json").code == 0
    done = command("policy", "before.json", "--policy", "mine.policy")
    assert done.code == 0
    assert done.out.encode() == Path("mine.policy").read_bytes()
    log_key(command, 10, "rotate-key")
    assert command("trust-pack", "--out", "both.json").code == 0
    done = command("policy", "both.json", "--policy", "mine.policy", "--out", "new.policy")
    assert done.code == 0, done.err
    assert [
        each.verifier.encode() for each in TrustPolicy.parse(Path("new.policy").read_bytes()).logs
    ] == vkeys()
    lines = (STATE / "log-key").read_text().splitlines()
    (STATE / "log-key").write_text(lines[1] + "\n")
    assert grow(command, 0).code == 0
    assert command("trust-pack", "--out", "after.json").code == 0
    done = command("policy", "after.json", "--policy", "mine.policy")
    assert done.code == 1, "too late: the old key signs no more, and proves nothing of the new one"
    assert "does not hold" in done.err
    assert command("policy", "after.json", "--policy", "new.policy").code == 0


@pytest.mark.threat("T54")
def test_a_log_ends(command: Command, tmp_path: Path) -> None:
    """Its last checkpoint says so, nothing is taken any more, and everything can still be read and checked."""
    assert grow(command, 0).code == 0
    assert command("log", "freeze", "ledger.example.org/other", "--key", STATE / "operator.pem").code == 3
    with serving(tmp_path, SUCCESSOR="https://ledger.example.org/2") as there:
        assert there.get("/readyz")[1]["signing"] is True
        log_key(command, 10, "freeze", ORIGIN, "--reason", "moved")
        last = Checkpoint.parse(parse_note(checkpoint(there))[0])
        assert (last.size, last.extensions) == (4, ("frozen",))
        enrolment(1)
        assert command("sign", "event.json", "--key", STATE / "authority-1.pem", "--out", "s").code == 0
        request = urllib.request.Request(
            f"{there.url}/v1/events", Path("s").read_bytes(), {"Content-Type": "application/json"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        problem = json.load(refused.value)
        assert (refused.value.code, problem["type"]) == (410, "/problems/log_frozen")
        assert problem["successor"] == "https://ledger.example.org/2"
        assert grow(command, 0, "--to", there.url).code == 0, "what is in it is answered as before"
        ready = there.get("/readyz")[1]
        assert (ready["signing"], ready["size"]) == (False, 4)
        assert "has ended with 4 entries" in ready["reason"]
        assert there.get("/v1/log")[1]["frozen_at"] == 4
        assert believing(*vkeys()).open_checkpoint(checkpoint(there)).checkpoint == last
    assert command("snapshot", "--key", STATE / "operator.pem").code == 1
    assert command("fsck").code == 0


def successor(command: Command, newest: object, **more: object) -> Done:
    options = [word for name, value in more.items() for word in (f"--{name}", value)]
    return command(
        "init", "--origin", f"{ORIGIN}/2", "--successor-of", newest, "--key", STATE / "operator.pem", *options
    )


def test_a_log_that_ended_is_carried_on(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The successor begins with all of its entries, under a key and origin of its own, and takes what was signed before."""
    assert grow(command, 0).code == 0
    with serving(tmp_path) as there:
        Path("newest").write_bytes(checkpoint(there))
    done = successor(command, "newest")
    assert done.code == 3
    assert "has not ended" in done.err
    log_key(command, 10, "freeze", ORIGIN)
    assert grow(command, 1).code == 1
    [old] = vkeys()
    done = successor(command, "newest")
    assert done.code == 3
    assert "set LOG_KEY to another file" in done.err
    monkeypatch.setenv("LOG_KEY", str(STATE / "log-key-2"))
    done = successor(command, "newest")
    assert done.code == 0, done.err
    assert "from its first 4 entries." in done.out
    assert successor(command, "newest").code == 3, "it has begun"
    with served(tmp_path, SERVE, {"LOG_KEY": str(STATE / "log-key-2")}) as there:
        assert grow(command, 1, "--to", there.url).code == 0, "the same bytes, for the same ledger"
        _, log = there.get("/v1/log")
        [continued] = log["continues"]
        assert (log["origin"], log["size"], log["signing"]) == (f"{ORIGIN}/2", 6, True)
        assert (continued["origin"], continued["size"], continued.get("lost", 0)) == (ORIGIN, 4, 0)
        note = checkpoint(there)
    policy = TrustPolicy.parse(Path("data/trust.policy").read_bytes())
    assert [each.origin for each in policy.logs] == [ORIGIN, f"{ORIGIN}/2"]
    assert policy.open_checkpoint(note).checkpoint.size == 6
    assert policy.open_checkpoint(Path("newest").read_bytes()).checkpoint.size == 2
    assert command("fsck").code == 0
    assert command("dump", "--out", "all.ndjson").code == 0
    assert command("load", "all.ndjson", "--data", "copy").code == 0
    assert command("backup", "copy.sqlite3").code == 0
    monkeypatch.setenv("LOG_KEY", str(STATE / "log-key"))
    done = command("submit", "signed-0.ndjson")
    assert done.code != 0
    assert "set LOG_KEY" in done.out + done.err, "the old key signs nothing here any more"
    assert old in str(policy.encode())


# A lost tail


@pytest.fixture
def shortened(command: Command, tmp_path: Path) -> Command:
    """Six entries were signed; the newest backup has two. People hold what they were given."""
    assert grow(command, 0).code == 0
    assert command("backup", "old.sqlite3").code == 0
    for number in (1, 2, 3, 4):
        done = grow(command, number, "--json")
        assert done.code == 0
        Path(f"answer-{number}").write_text(done.out)
    assert command("dump", "--out", "all.ndjson").code == 0
    with serving(tmp_path) as there:
        Path("newest").write_bytes(checkpoint(there))
    shutil.rmtree("data")
    done = command("restore", "old.sqlite3")
    assert done.code == 2
    assert "restore what is missing" in done.err
    return command


def restored(command: Command, *files: str) -> Done:
    return command("restore", *[word for file in files for word in ("--refill", file)])


@pytest.mark.threat("T35")
@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 2, 3, 1)], ids=["in order", "in any order"])
def test_a_lost_tail_comes_back_from_those_who_hold_it(shortened: Command, order: tuple[int, ...]) -> None:
    """Answers that senders kept, each with its blind, give exactly the root that the guard holds; then it signs on."""
    done = restored(shortened, *(f"answer-{number}" for number in order))
    assert done.code == 0, done.err
    assert "put back 4 entries: 6 of 6 that were signed are proved" in done.out
    assert "it may sign" in done.out
    assert shortened("fsck").code == 0
    assert grow(shortened, 3).code == 0, "what was in it is known again"
    assert grow(shortened, 5).code == 0


def test_lines_of_a_dump_bring_a_tail_back_with_what_was_disclosed(shortened: Command) -> None:
    """A mirror of the content, as auditors keep it, is as good; sealed values come along."""
    Path("lines").write_text("".join(Path("all.ndjson").read_text().splitlines(keepends=True)[3:]))
    done = restored(shortened, "lines")
    assert done.code == 0, done.err
    assert shortened("dump", "--out", "again.ndjson").code == 0
    assert (
        Path("again.ndjson").read_text().splitlines()[1:] == Path("all.ndjson").read_text().splitlines()[1:]
    )


@pytest.mark.threat("T35")
def test_of_a_tail_that_is_not_all_there_what_is_proved_comes_back(
    shortened: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how far it is proved and what is missing; and the successor's genesis says how many entries are lost."""
    done = restored(shortened, "answer-1", "answer-2", "answer-4")
    assert done.code == 2
    assert "put back 2 entries: 4 of 6 that were signed are proved" in done.out
    assert "not among these files: 4\n" in done.out
    assert "signs nothing" in done.err
    done = restored(shortened, "answer-4", "answer-3")
    assert done.code == 0, "and the rest, when somebody has it"
    shutil.rmtree("data")
    assert shortened("restore", "old.sqlite3").code == 2
    assert restored(shortened, "answer-1", "answer-2").code == 2
    assert shortened("submit", "signed-3.ndjson").code != 0
    monkeypatch.setenv("LOG_KEY", str(STATE / "log-key-2"))
    done = successor(shortened, "newest")
    assert done.code == 0, done.err
    assert "from its first 4 entries, 2 more are lost" in done.out
    assert grow(shortened, 3).code == 0, (
        "its signer still has the event, and sends it to the log that goes on"
    )
    assert shortened("fsck").code == 0


@pytest.mark.threat("T34")
def test_a_tail_that_was_never_signed_is_not_put_back(shortened: Command) -> None:
    """One entry with another blind or time, or the tail of another ledger: nothing of it gets in."""
    lines = Path("all.ndjson").read_text().splitlines(keepends=True)[3:]
    wrong = lines[2].replace('"blind":"', '"blind":"AAAA', 1)
    blind = re.search('"blind":"AAAA([^"]*)"', wrong)
    assert blind
    wrong = wrong.replace(blind[0], f'"blind":"AAAA{blind[1][4:]}"')
    Path("lines").write_text("".join([*lines[:2], wrong, *lines[3:]]))
    done = restored(shortened, "lines")
    assert done.code == 2
    assert "put back 0 entries: 2 of 6" in done.out
    done = restored(shortened, "lines", "answer-1")
    assert "put back 1 entry: 3 of 6" in done.out, (
        "a checkpoint that somebody was given proves what is before it"
    )
    done = restored(shortened, "lines", "answer-3", "answer-4")
    assert done.code == 0, "what a proof shows takes the place of what none does"
    hostile = {
        "blind": "A" * 43,
        "index": 2,
        "payload": "[]",
        "record_time": "2026-01-01T00:00:00Z",
        "signature": "A" * 86,
    }
    pack = {"book": [], "checkpoint": "x", "entries": [hostile], "nodes": "", "version": 1}
    for text in ("nonsense", "{}", "[]", json.dumps(pack, separators=(",", ":"), sort_keys=True)):
        Path("nonsense").write_text(text)
        done = restored(shortened, "nonsense")
        assert (done.code, "nothing was put back" in done.err) == (1, True), text
