"""The operator is the attacker: with database, log key and guard he rewrites a ledger that runs, and is seen.

What he signs fits together, root, tables, guard and all; `fsck` of it is good. Against him stand people who each hold
one thing only: a checkpoint of last week, the answer to an event, a monitor's memory, a witness.
"""

import contextlib
import http.server
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from test_federation import Operator, get, until
from watching import Site
from world import submission

from commands import Done, free_ports
from traceability.cli import run
from traceability.cli.common import Exit, KeyFile
from traceability.core import canonical, leaf, merkle
from traceability.core.checkpoint import Checkpoint
from traceability.core.ids import unpadded
from traceability.core.note import Signer, parse_note, sign_note
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.backup import backup
from traceability.ledger.dump import dump, load
from traceability.ledger.files import Folder
from traceability.ledger.folder import publish_to
from traceability.ledger.guard import FileGuard, GuardHead
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger
from trade import Pen

Line = dict[str, Any]
STATE = Path("state/traceability")


class Between(http.server.BaseHTTPRequestHandler):
    """The ledger's front, as its operator has changed it: what it answers to events is spoiled on the way."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = {"Content-Type": self.headers["Content-Type"]}
        answer = httpx.post(f"{self.server.ledger}{self.path}", content=body, headers=kind)
        spoiled = (self.server.spoil(orjson.loads(line)) for line in answer.content.splitlines())
        lines = [line for line in spoiled if line]
        self.send_response(answer.status_code)
        self.end_headers()
        self.wfile.write(b"".join(orjson.dumps(line) + b"\n" for line in lines))

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def between(ledger: str, spoil: Callable[[Line], Line]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between) as server:
        server.ledger, server.spoil = ledger, spoil
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


class Attacked:
    """A ledger as its honest days left it, and what people hold from then."""

    def __init__(self, one: Operator, folder: Path) -> None:
        self.one = one
        self.folder = one.folder
        self.held = folder / "held"
        self.held.mkdir()
        with self.one.ledger():
            self.answers = [self.one.enrol() for _ in range(3)]
            self.answers.append(self.say(10))
            self.answers += [self.one.enrol() for _ in range(2)]
            until(self.one.confirmed)
            (self.held / "checkpoint").write_text(self.one.told()["checkpoint"])
            (self.held / "answer").write_bytes(orjson.dumps(self.answers[-1]))
            self.keep("earlier")
            self.one.enrol()
            self.last = self.one.enrol()
            until(self.one.confirmed)
            (self.held / "newest").write_bytes(orjson.dumps(self.last))
            assert self.watch("memory", "checkpoint", "answer", "newest") == Exit.DONE, "no false alarm"
        self.keep("honest")
        with contextlib.closing(Store(self.database)) as store:
            publish_to(store, Folder(self.held / "published"))
            self.lines = [orjson.loads(line) for line in list(dump(store))[1:]]

    @property
    def database(self) -> str:
        return f"sqlite:///{self.folder}/data/ledger.sqlite3"

    def watch(self, memory: str, *seen: str) -> int:
        """A monitor's pass over the ledger, with a memory, and what others hold."""
        shown = [word for each in seen for word in ("--seen", str(self.held / each))]
        where = ("--folder", str(self.held / memory), "--log", self.one.log_vkey)
        return run(["monitor", self.url, *where, *shown])

    def say(self, value: int, number: int = 1) -> Line:
        """The operator's own event, and its answer."""
        signed = self.reference(value, number)
        answer = httpx.post(f"{self.one.ledger_url}/v1/events", json=submission(signed))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def reference(self, value: int, number: int):
        """A price that the operator states."""
        held = KeyFile(self.folder / STATE / "operator.pem")
        pen = Pen("", held.facts["party"])
        pen.key = held.key
        body = {
            "type": "price",
            "mineral": "cassiterite",
            "currency": "USD",
            "unit": "TNE",
            "value": str(value),
            "from": "2026-03-01",
            "until": "2026-03-31",
            "source_text": "moyenne",
        }
        return pen.sign("reference", body, log=held.facts["log"], number=number)

    def keep(self, name: str) -> None:
        """A copy of the machine: database, key and guard."""
        with contextlib.closing(Store(self.database)) as store:
            backup(store, self.held / f"{name}.sqlite3")
        shutil.copytree(self.folder / "state", self.held / f"{name}-state")

    def restore(self, name: str) -> None:
        """The machine as it was, or as he makes it."""
        for path in ("data", "state"):
            shutil.rmtree(self.folder / path)
        (self.folder / "data").mkdir()
        shutil.copy(self.held / f"{name}.sqlite3", self.folder / "data" / "ledger.sqlite3")
        shutil.copytree(self.held / f"{name}-state", self.folder / "state")

    def rewrite(self, change: Callable[["Attacked", list[Line]], list[Line]]) -> None:
        """Another past in which all fits together, and a few entries more, so that it is the longer one."""
        self.restore("honest")
        lines = change(self, [json.loads(json.dumps(line)) for line in self.lines])
        for index, line in enumerate(lines):
            line["index"] = index
        leaves = [
            leaf.leaf_hash(unpadded(line["blind"], 32), canonical.dump(line["entry"])) for line in lines
        ]
        signer = Signer.parse((self.folder / STATE / "log-key").read_text().strip())
        head = GuardHead(len(lines), merkle.root_from_leaf_hashes(leaves))
        note = sign_note(Checkpoint(signer.verifier.name, *head).encode(), [signer]).decode()
        header = {"checkpoint": note, "format": "traceability-dump/1", "size": head.size}
        (self.folder / STATE / "guard").unlink()
        guard = FileGuard(self.folder / STATE / "guard", signer.verifier.encode())
        guard.begin(head)
        (self.folder / "data" / "ledger.sqlite3").unlink()
        migrate(self.database)
        with contextlib.closing(Store(self.database)) as store:
            load([canonical.dump(one) + b"\n" for one in (header, *lines)], store)
            with contextlib.closing(Ledger(store, guard, signer)) as ledger:
                for number in range(6):
                    answer = ledger.append_one(Submission(self.reference(20 + number, 50 + number).envelope))
                    assert isinstance(answer, Recorded)
            assert fsck.check(store, guard).verdict == "good", "he made it fit"

    @property
    def url(self) -> str:
        return self.one.ledger_url


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    folder = tmp_path_factory.mktemp("operator")
    first, second = free_ports(2)
    one = Operator(folder / "one", "one", (first, second))
    one.befriend(one)  # a witness of somebody else, who has his own key and memory
    with one.witness():
        yield Attacked(one, folder)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: Done(capfd, *arguments)


def edited(attacked: Attacked, lines: list[Line]) -> list[Line]:
    """The price he stated he states otherwise, under the same number."""
    signed = attacked.reference(9999, 1)
    lines[4]["entry"]["envelope"] = orjson.loads(signed.envelope.to_json())
    return lines


def backdated(attacked: Attacked, lines: list[Line]) -> list[Line]:
    """An event of somebody else, recorded a day earlier than it was."""
    for line in lines[:4]:
        at = line["entry"]["record_time"]
        line["entry"]["record_time"] = f"{int(at[:4]) - 1}{at[4:]}"
    return lines


def dropped(attacked: Attacked, lines: list[Line]) -> list[Line]:
    return lines[:3] + lines[4:]


def reordered(attacked: Attacked, lines: list[Line]) -> list[Line]:
    lines[2]["entry"]["record_time"] = lines[1]["entry"]["record_time"]
    return [lines[0], lines[2], lines[1], *lines[3:]]


def inserted(attacked: Attacked, lines: list[Line]) -> list[Line]:
    """A price that he says he had stated at the beginning."""
    signed = attacked.reference(1, 7)
    entry = {
        "envelope": orjson.loads(signed.envelope.to_json()),
        "record_time": lines[0]["entry"]["record_time"],
    }
    return [lines[0], {"blind": "A" * 43, "disclosures": [], "entry": entry, "index": 1}, *lines[1:]]


def forgotten(attacked: Attacked, lines: list[Line]) -> list[Line]:
    """The last day never happened: he goes on from the copy of the evening before."""
    return lines[:5]


REWRITES = (edited, backdated, dropped, reordered, inserted, forgotten)


@pytest.mark.slow
@pytest.mark.threat("T34", "T35", "T36", "T37", "T38", "T39", "T40", "T88")
@pytest.mark.parametrize("rewrite", REWRITES, ids=[each.__name__ for each in REWRITES])
def test_a_rewritten_past_is_seen_by_whoever_holds_one_thing(
    attacked: Attacked, command: Callable[..., Done], rewrite
) -> None:
    """A checkpoint, an answer, a monitor's memory: each alone gives a proof for everybody. A witness stops the ledger."""
    attacked.rewrite(rewrite)
    vkey, name = attacked.one.log_vkey, rewrite.__name__
    shutil.copytree(attacked.held / "memory", attacked.held / f"{name} memory")
    holders = {"checkpoint": ["checkpoint"], "answer": ["answer"], "newest": ["newest"], "memory": []}
    with attacked.one.ledger():
        for who, seen in holders.items():
            assert attacked.watch(f"{name} {who}", *seen) == Exit.NO, who
            [proof] = (attacked.held / f"{name} {who}").rglob("*.misbehaviour.json")
            assert command("judge", proof, "--log", vkey).code == 0, who
        until(lambda: json.loads(get(f"{attacked.url}/readyz"))["signing"] is False)
        assert "signed with this log's key" in json.loads(get(f"{attacked.url}/readyz"))["reason"]
        answer = httpx.post(f"{attacked.url}/v1/events", json=submission(attacked.reference(3, 90)))
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not_signing")
    done = command(
        "witness", "refused", "--key", attacked.folder / "witness-key", "--data", attacked.folder / "witness",
        "--out", "evidence",
    )  # fmt: skip
    assert done.code == 1, "what it was asked to cosign, it has kept"


@pytest.mark.slow
@pytest.mark.threat("T38", "T41")
def test_a_ledger_of_yesterday_is_seen(attacked: Attacked, command: Callable[..., Done]) -> None:
    """Database, key and guard of an earlier day, good in themselves: behind for whoever holds more, and a witness stops it."""
    attacked.restore("earlier")
    shutil.copytree(attacked.held / "memory", attacked.held / "earlier memory")
    watch = ("monitor", attacked.url, "--log", attacked.one.log_vkey)
    with attacked.one.ledger():
        done = command(*watch, "--folder", attacked.held / "earlier memory")
        assert (done.code, "went back" in done.out) == (2, True), done.out
        for shown in (attacked.held / "newest", attacked.one.witness_url):
            done = command(*watch, "--folder", "new", "--seen", shown)
            assert (done.code, "behind" in done.out) == (2, True), done.out
        until(lambda: json.loads(get(f"{attacked.url}/readyz"))["signing"] is False)


@pytest.mark.slow
@pytest.mark.threat("T40")
def test_two_ledgers_under_one_key_are_seen(attacked: Attacked, command: Callable[..., Done]) -> None:
    """One for the buyers, another for the ministry, both good: whoever looks at both has the proof."""
    attacked.rewrite(dropped)
    with attacked.one.ledger(), Site(attacked.held / "published") as site:
        for here, there in ((attacked.url, site.url), (site.url, attacked.url)):
            done = command(
                "monitor", here, "--log", attacked.one.log_vkey, "--seen", there, "--folder", here[-4:]
            )
            assert done.code == 1, done.out
            [proof] = Path(here[-4:]).rglob("*.misbehaviour.json")
            assert command("judge", proof, "--log", attacked.one.log_vkey).code == 0


@pytest.mark.slow
@pytest.mark.threat("T41")
def test_an_old_checkpoint_shown_as_the_newest_is_seen(
    attacked: Attacked, command: Callable[..., Done]
) -> None:
    """Its cosignature has a time: who asks for one that is fresh, or holds anything newer, is not deceived."""
    with Site(attacked.held / "published") as site:
        policy = attacked.folder / "witnesses.policy"
        watch = ("monitor", site.url, "--policy", policy)
        assert command(*watch, "--folder", "alone", "--stale", 3600).code == 0
        time.sleep(2)
        done = command(*watch, "--folder", "alone", "--stale", 1)
        assert (done.code, "stale" in done.out) == (2, True), done.out


@pytest.mark.slow
@pytest.mark.threat("T46")
def test_a_swapped_proof_is_seen_by_who_sent_the_event(
    attacked: Attacked, command: Callable[..., Done]
) -> None:
    """Another event's answer, place, blind or proof, an older checkpoint, another key's, or none: none is a proof."""
    attacked.restore("honest")
    signed = attacked.reference(77, 70)
    Path("line").write_bytes(orjson.dumps(submission(signed)) + b"\n")
    Path("trust.policy").write_text(f"log {attacked.one.log_vkey}\nquorum none\n")
    other = attacked.answers[3]
    stranger = Signer(attacked.one.log_vkey.split("+")[0], bytes(32))

    def of_another_key(line: Line) -> str:
        text = parse_note(line["checkpoint"].encode())[0]
        return sign_note(text, [stranger]).decode()

    def short(nodes: list[str]) -> list[str]:
        return nodes[1:]

    lies: dict[str, Callable[[Line], Line]] = {
        "whole": lambda line: {**other, "line": line["line"], "status": 201},
        "index": lambda line: {**line, "index": line["index"] - 1},
        "blind": lambda line: {**line, "blind": other["blind"]},
        "proof": lambda line: {**line, "proof": other["proof"]},
        "short": lambda line: {**line, "proof": short(line["proof"])},
        "older": lambda line: {**line, "checkpoint": other["checkpoint"]},
        "key": lambda line: {**line, "checkpoint": of_another_key(line)},
        "bare": lambda line: {name: line[name] for name in ("line", "status", "index", "event_id")},
        "line": lambda line: {**line, "line": 9},
    }
    with attacked.one.ledger():
        for name, spoil in lies.items():
            with between(attacked.url, spoil) as front:
                done = command("submit", "line", "--to", front, "--policy", "trust.policy")
                assert (done.code, "does not hold" in done.err) == (1, True), (name, done.out, done.err)
        with between(attacked.url, lambda _: {}) as front:
            done = command("submit", "line", "--to", front, "--policy", "trust.policy")
            assert (done.code, "not answered" in done.err) == (1, True), (done.out, done.err)
        with between(attacked.url, lambda line: line) as front:
            done = command("submit", "line", "--to", front, "--policy", "trust.policy")
            assert (done.code, done.err) == (0, "")
