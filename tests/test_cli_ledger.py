"""Commands that need a ledger, tried on a demonstration as it is served."""

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import SETTINGS, Done, Served, core_alone, free_port, served
from traceability.api.beside import running
from traceability.cli import run
from traceability.cli.common import without_password
from traceability.core import canonical
from traceability.core.ids import derive
from traceability.core.note import Signer
from traceability.core.signing import SigningKey

Command = Callable[..., Done]
NONCE = "AAAAAAAAAAAAAAAAAAAAAA"
STRANGER = "00000000000000000000000000"
NUMBER = 1_000_000  # of a key's event: further on than the season has come
ENTITY = {"name": "Aline M.", "legal_address": {"country": "CD", "locality": "Bukavu"}}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A demonstration, in a folder in which another was cut short."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "data" / "unfinished").mkdir(parents=True)
    (folder / "data" / "unfinished" / "ledger.sqlite3").write_bytes(b"half of something")
    with served(folder, [sys.executable, "-m", "traceability", "demo"], {"EVENTS": "300"}) as there:
        yield there


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs commands in a folder of their own, with nothing set from outside."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: Done(capfd, *arguments)


@pytest.fixture
def begun(command: Command) -> Command:
    """A ledger that has just begun, in ./data."""
    assert command("init", "--origin", "ledger.example.org/car", "--name", "R", "--country", "CF").code == 0
    return command


def pem(demo: Served, role: str) -> Path:
    return demo.data / "credentials" / f"{role}.pem"


def enrolment(demo: Served, **changes: Any) -> dict[str, Any]:
    """A trader joins, enrolled by the registrar."""
    key = SigningKey.from_pem(pem(demo, "registrar").read_bytes())
    body = {
        "party": derive("party", key.id, NONCE),
        "type": "person",
        "roles": ["trader"],
        "country": "CD",
        "from": "2026-01-01",
        "nonce": NONCE,
        **changes,
    }
    return {"kind": "enrolment", "body": body, "sequence": NUMBER, "sealed": {"/entity": ENTITY}}


def signed(command: Command, demo: Served, event: dict[str, Any], role: str = "registrar") -> Path:
    """The event as `sign` writes it."""
    Path("event.json").write_text(json.dumps(event))
    path = Path(f"signed-{len(list(Path().glob('signed-*')))}.ndjson")
    done = command("sign", "event.json", "--key", pem(demo, role), "--out", path)
    assert done.code == 0, done.err
    return path


# The demonstration


def test_demo_says_where_to_look(demo: Served) -> None:
    """It prints addresses that answer, a tag to scan, and a key file for each role."""
    assert demo.url in demo.said
    for path in ("/v1/log", "/openapi.json"):
        assert f"{demo.url}{path}" in demo.said
        assert demo.get(path)[0] == 200
    tag = demo.index["tags"][0]
    assert f"{demo.url}/t/{tag['code']}" in demo.said
    assert demo.get(f"/v1/tags/{tag['code']}")[0] == 200
    for role in demo.index["roles"]:
        path = demo.data / "credentials" / role["file"]
        assert str(path) in demo.said
        assert path.stat().st_mode & 0o777 == 0o600


def test_demo_is_one_and_says_so(demo: Served) -> None:
    """The ledger holds exactly the events that were asked for and a snapshot, and calls itself a demonstration."""
    _, log = demo.get("/v1/log")
    assert (log["size"], log["demo"], log["signing"]) == (301, True, True)
    assert demo.get("/readyz")[1]["signing"] is True


def test_each_role_can_ask(demo: Served, command: Command) -> None:
    """With each role's key a read can be signed, and it opens the page that was printed for it."""
    for role in demo.index["roles"]:
        key = demo.data / "credentials" / role["file"]
        header = command("sign", "--key", key, "--request", "GET /v1/lots").out
        status, answer = demo.get("/v1/lots", header)
        assert status == 200, answer
        page = f"/lots/{role['lots'][0]}" if role["lots"] else f"/parties/{role['party']}"
        assert f"{demo.url}{page}\n" in demo.said, role
        status, answer = demo.get(
            f"/v1{page}", command("sign", "--key", key, "--request", f"GET /v1{page}").out
        )
        assert status == 200, role


def test_key_and_guard_lie_outside_the_data(demo: Served) -> None:
    """No file in the data folder could sign for the log."""
    assert not [
        path for path in demo.data.rglob("*") if path.is_file() and b"PRIVATE+KEY" in path.read_bytes()
    ]
    [key] = (demo.state / "traceability").glob("demo-*/log-key")
    assert Signer.parse(key.read_text().strip())


def test_demo_leaves_other_folders_alone(command: Command) -> None:
    """A folder with something else in it is not made into a season."""
    Path("data").mkdir()
    Path("data/thesis.txt").write_text("two years of work")
    done = command("demo")
    assert (done.code, "not empty" in done.err) == (3, True)
    assert [path.name for path in Path("data").iterdir()] == ["thesis.txt"]


def test_demo_asks_for_another_port_first(
    demo: Served, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the port is taken, nothing is written; a witness says so too."""
    monkeypatch.setenv("PORT", demo.url.rpartition(":")[2])
    done = command("demo")
    assert (done.code, "PORT" in done.err) == (3, True)
    assert not Path("data").exists()
    assert command("witness", "init", "w.example.org", "--key", "key", "--data", "witness").code == 0
    done = command("witness", "serve", "--key", "key", "--data", "witness", "--port", os.environ["PORT"])
    assert (done.code, "name another --port" in done.err) == (3, True)


def test_demo_is_not_a_ledger_of_ones_own(begun: Command) -> None:
    """A ledger that init began is not served as a demonstration."""
    done = begun("demo")
    assert (done.code, "traceability serve" in done.err) == (3, True)


def test_serve_says_why_it_does_not_sign(begun: Command, tmp_path: Path) -> None:
    """Without its guard a ledger is served, and says why it takes no events."""
    (tmp_path / "state" / "traceability" / "guard").unlink()
    with served(tmp_path, [sys.executable, "-m", "traceability", "serve"], {}) as there:
        assert "signs nothing: the guard knows nothing" in there.said
        assert there.get("/readyz")[1]["signing"] is False
        assert there.get("/v1/log")[1]["size"] == 1


def test_demo_keeps_to_its_folder(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """It will not write a season into somebody's database."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://ledger@localhost/real")
    assert command("demo").code == 3


# Evidence


@pytest.fixture
def evidence(demo: Served, command: Command) -> Path:
    """The evidence of the lot behind the first tag."""
    done = command(
        "evidence", demo.index["tags"][0]["code"], "--data", demo.data, "--out", "bag.evidence.json"
    )
    assert done.code == 0, done.err
    return Path("bag.evidence.json").absolute()


def test_evidence_is_verified_with_the_core_alone(demo: Served, evidence: Path) -> None:
    """`verify` says that it holds, in a process that can import nothing of the server."""
    done = core_alone("verify", evidence, "--policy", demo.data / "trust.policy")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verdict: holds, complete as the ledger states" in done.stdout


def test_verify_tells_programs(demo: Served, command: Command, evidence: Path) -> None:
    """With --json the whole report is one object, and the exit code says the same."""
    done = command("verify", evidence, "--policy", demo.data / "trust.policy", "--json")
    assert done.code == 0
    assert done.json["verdict"] == "holds, complete as the ledger states"
    assert [step["number"] for step in done.json["steps"]] == list(range(1, 12))


def test_completeness_is_asked_for(demo: Served, command: Command, evidence: Path) -> None:
    """With --complete, evidence in which more entries may be missing is not enough; the demonstration states its book."""
    policy = demo.data / "trust.policy"
    done = command("verify", evidence, "--policy", policy, "--complete")
    assert (done.code, "attested by nobody" in done.out) == (0, True)
    assert "WARNING" not in done.out
    value = json.loads(evidence.read_text())
    del value["completeness"]
    value["book"] = []
    evidence.write_bytes(canonical.dump(value))
    done = command("verify", evidence, "--policy", policy, "--complete")
    assert (done.code, "cannot tell" in done.out) == (2, True)
    done = command("verify", evidence, "--policy", policy)
    assert (done.code, "WARNING: nothing shows that this is all." in done.out) == (0, True)


def test_the_book_is_stated_and_attested(demo: Served, command: Command) -> None:
    """An auditor loads a dump, replays it, and sends what he got; evidence names him. Nothing new, nothing stated."""
    keys = demo.data / "credentials"
    lot = next(role for role in demo.index["roles"] if role["role"] == "importer")["lots"][0]
    done = command("snapshot", "--key", keys / "operator.pem", "--data", demo.data)
    assert done.code == 0
    assert command("dump", "--out", "ledger.ndjson", "--data", demo.data).code == 0
    assert command("load", "ledger.ndjson", "--data", "copy").code == 0
    done = command("attest", "--key", keys / "auditor.pem", "--data", "copy", "--out", "said.ndjson")
    assert done.code == 0, done.out + done.err
    assert command("submit", "said.ndjson", "--to", demo.url).code == 0
    assert command("evidence", lot, "--data", demo.data, "-o", "attested").code == 0
    done = command("verify", "attested", "--policy", demo.data / "trust.policy", "--json")
    assert done.json["attested_by"] == [
        next(role for role in demo.index["roles"] if role["role"] == "auditor")["party"]
    ]
    assert done.json["verdict"] == "holds, complete as the ledger states"
    assert command("attest", "--key", keys / "auditor.pem", "--data", "nowhere").code == 3


def test_spoiled_evidence_fails(demo: Served, command: Command, evidence: Path) -> None:
    """Another mass in one event, or a log one does not know, and the verdict is no; without a trust policy that can
    be read there is none."""
    policy = demo.data / "trust.policy"
    text = evidence.read_text()
    assert '\\"value\\":\\"' in text
    evidence.write_text(text.replace('\\"value\\":\\"', '\\"value\\":\\"1', 1))
    assert command("verify", evidence, "--policy", policy).code == 1
    evidence.write_text(text)
    stranger = Signer("season.example.org/demo", bytes(32)).verifier.encode()
    assert command("verify", evidence, "--log", stranger).code == 1
    assert command("verify", evidence).code == 3
    Path("cut.policy").write_text(policy.read_text().rstrip())
    done = command("verify", evidence, "--policy", "cut.policy")
    assert (done.code, "cut.policy" in done.err) == (3, True)
    assert command("verify", evidence, "--log", "no vkey").code == 3


def test_evidence_by_lot_tag_and_event(demo: Served, command: Command) -> None:
    """The same lot is found by its id, its tag's name and its code; an event's lots by the event."""
    tag = demo.index["tags"][0]
    lot = next(role for role in demo.index["roles"] if role["role"] == "importer")["lots"][0]
    files = []
    for name in (tag["code"], tag["code"].lower(), tag["tag"], lot):
        assert command("evidence", name, "--data", demo.data, "-o", "x").code == 0
        files.append(Path("x").read_bytes())
    assert len(set(files)) == 1
    told = [json.loads(entry["payload"]) for entry in json.loads(files[0])["entries"]]
    made_by = next(event for event in reversed(told) if event["previous"])["previous"][0]["event"]
    assert command("evidence", "--event", made_by, "--data", demo.data).code == 0
    assert Path(f"{made_by[:12]}.evidence.json").exists()
    for unknown in (STRANGER, "itsci:99", "K7QF3M9TXB2R1"):
        assert command("evidence", unknown, "--data", demo.data).code == 1


def test_evidence_opens_what_is_asked(demo: Served, command: Command) -> None:
    """Sealed values stay out, unless they are asked for by path or by what they give away; `verify` tells both."""
    code = demo.index["tags"][0]["code"]
    opened = {}
    for asked in ([], ["--disclose", "/position"], ["--disclose", "place"], ["--disclose", "all"]):
        assert command("evidence", code, "--data", demo.data, "-o", "x", *asked).code == 0
        entries = json.loads(Path("x").read_bytes())["entries"]
        opened[tuple(asked)] = {shown[1] for entry in entries for shown in entry.get("disclosures", [])}
        done = command("verify", "x", "--policy", demo.data / "trust.policy")
        assert done.code == 0
        assert ("Opened by whoever made the file" in done.out) == bool(asked)
        assert ("Sealed and not shown: " in done.out) == ("all" not in asked)
    none, position, place, everything = opened.values()
    assert none == set()
    assert position == {"/position"}
    assert everything > place >= position
    assert not {
        path
        for path in place
        if path.rpartition("/")[2]
        not in ("pit", "pits", "place", "polygon", "position", "cadastre", "altitude_m")
    }
    assert command("evidence", code, "--data", demo.data, "--disclose", "price").code == 3


def test_news_are_asked_for_with_a_consent(demo: Served, command: Command, evidence: Path) -> None:
    """The holder signs that others may ask; the answer is verified under the evidence's checkpoint. A stranger's
    consent is told nothing, and a policy that does not know the log ends it."""
    policy, keys = demo.data / "trust.policy", demo.data / "credentials"
    held = next(role for role in demo.index["roles"] if role["role"] == "trader" and role["lots"])
    lot = held["lots"][0]
    assert command("evidence", lot, "--data", demo.data, "-o", "held.evidence.json").code == 0
    for key in ("trader.pem", "regulator.pem"):
        done = command(
            "consent", lot, "--key", keys / key, "--until", "2099-12-31", "--out", f"{key}.consent.json"
        )
        assert done.code == 0, done.err
    asked = ("news", "held.evidence.json", "--from", demo.url, "--policy", policy, "--consent")
    done = command(*asked, "trader.pem.consent.json")
    assert (done.code, "goes on from them" in done.out) == (0, True), done.err
    assert command(*asked, "trader.pem.consent.json", "--json").json["entries"] == []
    assert command(*asked, "regulator.pem.consent.json").code == 2
    assert command("news", evidence, *asked[2:], "trader.pem.consent.json").code == 3
    assert command("consent", lot, "--key", keys / "trader.pem", "--until", "soon").code == 3


# Events


def test_submit_over_http_and_directly(demo: Served, command: Command) -> None:
    """What `sign` wrote is taken once, over HTTP or directly, and known from then on."""
    line = signed(command, demo, enrolment(demo))
    first = command("submit", line, "--to", demo.url, "--json")
    assert (first.code, first.json["status"]) == (0, 201)
    again = command("submit", line, "--data", demo.data, "--json")
    assert (again.code, again.json["status"], again.json["index"]) == (0, 200, first.json["index"])
    assert "known already" in command("submit", line, "--to", demo.url).out

    twin = signed(command, demo, {**enrolment(demo, members=2), "sequence": NUMBER})
    done = command("submit", twin, "--to", demo.url, "--json")
    assert (done.code, done.json["status"], done.json["type"]) == (1, 409, "/problems/double_issue")


def test_submit_tells_no_from_not_yet(demo: Served, command: Command) -> None:
    """Refused is 1, waiting for something is 2; one bad line does not stop the others."""
    body = {"party": STRANGER, "add": ["trader"], "from": "2026-01-01"}
    waits = signed(command, demo, {"kind": "role_change", "body": body, "sequence": NUMBER + 1})
    done = command("submit", waits, "--data", demo.data)
    assert (done.code, "not known here yet" in done.out) == (2, True)
    not_his = signed(command, demo, {**enrolment(demo), "sequence": NUMBER}, role="trader")
    done = command("submit", not_his, "--data", demo.data)
    assert done.code == 1
    too_long = b"{}" + b" " * (1 << 20)
    Path("lines").write_bytes(waits.read_bytes() + b"{}\r\n" + too_long + b"\n" + not_his.read_bytes())
    for where in (("--data", demo.data), ("--to", demo.url)):
        done = command("submit", "lines", "--json", *where)
        said = [json.loads(line)["status"] for line in done.out.splitlines()]
        assert (done.code, said) == (1, [409, 400, 413, 403])


def test_submit_to_nobody(command: Command) -> None:
    """An address where nobody answers is said so, and nothing is lost."""
    Path("line").write_text("{}\n")
    done = command("submit", "line", "--to", f"http://localhost:{free_port()}")
    assert (done.code, "cannot be reached" in done.err) == (3, True)
    assert command("submit", "line", "--to", "ledger.example.org").code == 3
    Path("empty").write_text("\n")
    assert command("submit", "empty").code == 3


@pytest.mark.parametrize(
    "said",
    [
        b"\xff", b"no JSON", b"[]", b"{}", b'{"line":"1","status":201}', b'{"line":1,"status":201}', b'{"line":true,"status":409}',
        b'{"line":1,"status":201,"index":5,"entry":"\xff"}', b'{"line":1,"status":201,"index":5}',
    ],
)  # fmt: skip
def test_a_ledger_that_does_not_answer_as_one_is_said_so(demo: Served, command: Command, said: bytes) -> None:
    """Whatever somebody answers instead of a ledger ends in one sentence, and never in `done`."""
    Path("line").write_text("{}\n")
    with answering(said + b"\n") as url:
        done = command("submit", "line", "--to", url, "--policy", demo.data / "trust.policy")
    assert (done.code, done.out) == (1, "")
    assert ("answer" in done.err, "Traceback" in done.err) == (True, False)


def test_a_ledger_that_breaks_off_is_said_so(demo: Served, command: Command) -> None:
    """Half an answer, and a line that is no HTTP: neither is a fault of the program."""
    Path("line").write_text("{}\n")
    for whole in (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", b"\x00\r\n\r\n"):
        with answering(b"", whole) as url:
            done = command("submit", "line", "--to", url)
        assert (done.code, "cannot be reached" in done.err) == (3, True)


@contextlib.contextmanager
def answering(body: bytes, whole: bytes = b"") -> Iterator[str]:
    """An address that answers one request with this body, or with these bytes."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                said = b""
                while not said.endswith(b"\r\n\r\n{}\n"):
                    said += connection.recv(65536)
                connection.sendall(whole or head + body)

        with running("hostile", lambda _: answer()):
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"


# Copies and repairs


@pytest.fixture
def copy(demo: Served, command: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the demonstration's ledger, restored from a backup, with its own key and guard."""
    done = command("backup", "copy.sqlite3", "--data", demo.data)
    assert done.code == 0, done.err
    for name in ("log-key", "guard"):
        [path] = (demo.state / "traceability").glob(f"demo-*/{name}")
        Path("state/traceability").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, f"state/traceability/{name}")
    done = command("restore", "copy.sqlite3")
    assert (done.code, "it may sign" in done.out) == (0, True)
    return Path("data/ledger.sqlite3")


def test_fsck_names_damage_and_rebuild_mends_it(command: Command, copy: Path) -> None:
    """A changed row is named; after a rebuild all is good again."""
    assert command("fsck").code == 0
    with sqlite3.connect(copy) as connection:
        connection.execute("UPDATE lot SET mineral = 'gold' WHERE no = (SELECT max(no) FROM lot)")
    connection.close()
    done = command("fsck", "--json")
    assert (done.code, done.json["verdict"]) == (1, "damaged")
    assert done.json["damages"][0]["table"] == "lot"
    assert "lot" in command("fsck").out
    assert command("rebuild").code == 0
    assert command("fsck").code == 0


def test_a_damaged_entry_is_not_rebuilt(command: Command, copy: Path) -> None:
    """Where an entry itself was changed, rebuild changes nothing and says which."""
    with sqlite3.connect(copy) as connection:
        connection.execute("DROP TRIGGER entry_no_update")
        connection.execute("UPDATE entry SET signature = zeroblob(64) WHERE idx = 7")
    connection.close()
    assert command("fsck").code == 1
    done = command("rebuild")
    assert (done.code, "7" in done.err) == (1, True)


def test_restore_asks_the_guard(demo: Served, command: Command, copy: Path) -> None:
    """Without its guard a restored ledger may only be read, until the newest checkpoint is adopted."""
    guard = Path("state/traceability/guard")
    guard.unlink()
    shutil.rmtree("data")
    assert command("restore", "copy.sqlite3").code == 2
    assert command("fsck").code == 2
    lines = command("dump").out.splitlines()
    Path("newest").write_text(json.loads(lines[0])["checkpoint"])
    done = command("restore", "--adopt-guard", "newest")
    assert (done.code, guard.exists()) == (0, True)
    assert command("restore").code == 3
    assert command("restore", "none.sqlite3").code == 3


def test_a_backup_that_cannot_be_read_is_told(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that does not give the backup, or the log key, ends a restore with a sentence that names the file."""
    Path("backup").mkdir()  # a folder is read as badly as a file on a disk that fails
    done = command("restore", "backup")
    assert done.code == 1
    assert "nothing was restored: backup cannot be read: " in done.err
    monkeypatch.setenv("LOG_KEY", "backup")
    done = command("restore", "--adopt-guard", "newest")
    assert done.code == 1
    assert "cannot read backup: " in done.err


@pytest.mark.threat("T38")
def test_a_rolled_back_ledger_is_told(command: Command, copy: Path) -> None:
    """A ledger behind what was signed may be read, and fsck calls it rolled back."""
    guard = Path("state/traceability/guard")
    vkey, size, root = guard.read_text().split()
    guard.write_text(f"{vkey} {int(size) + 5} {root}\n")
    done = command("fsck")
    assert (done.code, "rolled back" in done.out) == (3, True)
    shutil.rmtree("data")
    assert command("restore", "copy.sqlite3").code == 2


def test_dump_and_load_give_the_same_root(demo: Served, command: Command) -> None:
    """A dump loaded into a new ledger gives the same root; a changed line is named and nothing loaded."""
    dumped = command("dump", "--data", demo.data, "-o", "all.ndjson")
    assert (dumped.code, dumped.err) == (0, f"all.ndjson: {Path('all.ndjson').stat().st_size:,} bytes\n")
    assert command("dump", "--data", demo.data, "-o", "no/folder").code == 3
    loaded = command("load", "all.ndjson", "--data", "copy")
    assert loaded.code == 0
    assert command("dump", "--data", "copy").out.encode() == Path("all.ndjson").read_bytes()
    assert command("load", "all.ndjson", "--data", "copy").code == 1

    lines = Path("all.ndjson").read_bytes().splitlines(keepends=True)
    lines[9] = lines[9].replace(b'"blind":"', b'"blind":"A', 1)
    Path("changed.ndjson").write_bytes(b"".join(lines))
    done = command("load", "changed.ndjson", "--data", "other")
    assert (done.code, "line 10" in done.err) == (1, True)


# Beginning


def test_init_begins_once(begun: Command) -> None:
    """The same command again finds the ledger; keys are only readable by their owner."""
    keys = sorted(Path("state/traceability").glob("*.pem"))
    assert [path.name for path in keys] == ["authority-1.pem", "operator.pem"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in keys)
    before = {path: path.read_bytes() for path in (*keys, Path("state/traceability/log-key"))}
    again = begun("init", "--origin", "ledger.example.org/car")
    assert (again.code, "begun already" in again.out) == (0, True)
    assert before == {path: path.read_bytes() for path in before}
    assert begun("init", "--origin", "ledger.example.org/other").code == 3
    assert begun("fsck").out.startswith("good: 1 entry")
    assert begun("migrate").code == 0


def test_init_names_its_authorities(command: Command) -> None:
    """Authorities may be named with their roles; one that cannot be is refused before any key is made."""
    first = ("init", "--origin", "a.example/l", "--name", "L", "--country", "CF")
    assert command(*first, "--authority", "Mines=king").code == 1
    assert not list(Path("state/traceability").glob("*.pem"))
    assert command(*first, "--authority", "Mines=registrar,inspectorate", "--authority", "Douanes").code == 0
    held = command("key", "show", "state/traceability/authority-2.pem", "--json").json
    assert held["log"] == "a.example/l"
    genesis = json.loads(Path("state/traceability/genesis.json").read_bytes())
    assert genesis["disclosures"] == []


def test_an_operator_can_go_on_from_init(begun: Command) -> None:
    """With the keys that init made, the first party is enrolled."""
    authority = Path("state/traceability/authority-1.pem")
    key = SigningKey.from_pem(authority.read_bytes())
    body = {
        "party": derive("party", key.id, NONCE),
        "type": "cooperative",
        "roles": ["miner"],
        "country": "CF",
        "from": "2026-01-01",
        "nonce": NONCE,
    }
    event = {"kind": "enrolment", "body": body, "sealed": {"/entity": ENTITY}}
    Path("event.json").write_text(json.dumps(event))
    assert begun("sign", "event.json", "--key", authority, "--sequence", 0, "--out", "line").code == 0
    assert begun("submit", "line").code == 0


def test_a_season_can_be_carried_elsewhere(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """`season` writes a genesis for init and events that submit takes."""
    command("key", "new", "state/traceability/log-key", "--checkpoints", "season.example.org/here")
    vkey = command("key", "show", "state/traceability/log-key", "--json").json["vkey"]
    assert command("season", "--log", vkey, "--events", 300, "--out", "season.ndjson").code == 0
    genesis, *rest = Path("season.ndjson").read_bytes().splitlines(keepends=True)
    Path("genesis").write_bytes(genesis)
    Path("rest").write_bytes(b"".join(rest))
    done = command("init", "--genesis", "genesis")
    assert (done.code, "party keys" in done.out) == (0, False)
    monkeypatch.setattr("traceability.cli.ledger.LINES_AT_ONCE", 100)  # so that it takes three groups
    done = command("submit", "rest", "--json")
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert [answer["line"] for answer in answers] == list(range(1, 300))
    assert sorted(answer["status"] for answer in answers) == [*[201] * 298, 409]
    assert command("submit", "rest", "nowhere").code == 3
    assert command("season", "--log", vkey, "--events", 3).code == 3


def test_a_season_with_an_end_is_the_same_each_time(command: Command) -> None:
    """The same log, number, seed and end give the same file, to the last byte."""
    vkey = Signer("season.example.org/here", bytes(32)).verifier.encode()
    arguments = ("season", "--log", vkey, "--events", 300, "--end", "2026-11-20T00:00:00Z")
    assert command(*arguments, "--out", "first").code == command(*arguments, "--out", "second").code == 0
    assert Path("first").read_bytes() == Path("second").read_bytes()
    assert command("season", "--log", vkey, "--end", "tomorrow").code == 3
    assert command("season", "--log", vkey, "--out", "nowhere/season").code == 3


def test_what_is_not_there_is_said(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ledger, no key, a setting that cannot be: a sentence and exit code 3, of fsck 2: there 3 is rolled back."""
    for arguments in (["serve"], ["fsck"], ["rebuild"], ["dump"], ["evidence", "itsci:1"], ["backup", "x"]):
        done = command(*arguments)
        assert (done.code, done.out) == (2 if arguments == ["fsck"] else 3, ""), arguments
        assert done.err.startswith("traceability: ")
    assert command("init").code == 3
    monkeypatch.setenv("PORT", "many")
    assert "PORT" in command("fsck").err
    assert (command("fsck").code, command("fsck", "--jsn").code, command("rebuild").code) == (2, 2, 3)


@pytest.mark.parametrize("setting", ["LOG_KEY", "WITNESSES", "SNAPSHOT_KEY", "REPORT_KEY"])
def test_serve_names_the_file_it_cannot_use(
    begun: Command, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """A key or policy that is not there, or is none: its setting in one sentence, before anything is served."""
    monkeypatch.setenv("PORT", str(free_port()))
    for name, text in (("missing", None), ("nonsense", "nonsense\n")):
        path = Path(name)
        if text is not None:
            path.write_text(text)
        monkeypatch.setenv(setting, str(path))
        done = begun("serve")
        assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
        assert str(path) in done.err
        assert setting in done.err


@pytest.mark.parametrize(
    "address", ["ledger.example.org", "ftp://ledger.example.org", "https://", "https://x/?a=b"]
)
def test_where_people_reach_it_is_an_address(
    command: Command, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """What is printed on tags is checked before anything is."""
    monkeypatch.setenv("BASE_URL", address)
    done = command("serve")
    assert (done.code, "the setting BASE_URL cannot be" in done.err) == (3, True)


def test_a_database_that_is_not_there_is_said_plainly(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server where DATABASE_URL says: its own words, and nothing of the libraries between."""
    monkeypatch.setenv("DATABASE_URL", f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    made = ("--origin", "ledger.example.org/car", "--name", "R", "--country", "CF")
    for arguments in (["init", *made], ["migrate"], ["fsck"]):
        done = command(*arguments)
        assert (done.code, "refused" in done.err) == (2 if arguments == ["fsck"] else 3, True)
        assert "sqlalche" not in done.err
        assert "psycopg" not in done.err


def test_passwords_are_not_shown() -> None:
    """A database's URL is shown without its password."""
    assert without_password("postgresql+psycopg://a:hush@h/g") == "postgresql+psycopg://a:***@h/g"
    assert without_password("/var/lib/guard") == "/var/lib/guard"


def test_progress_is_for_people(begun: Command) -> None:
    """Nothing but the answer goes to stdout."""
    assert run(["fsck", "--json"]) == 0
    assert begun("fsck", "--json").out.count("\n") == 1


def test_a_single_entry_is_proved_for_other_tools(demo: Served, command: Command) -> None:
    """`evidence --tlog-proof` writes what `verify` and any C2SP tool read; it says how little it shows."""
    code = demo.index["tags"][0]["code"]
    assert command("evidence", code, "--tlog-proof", "--data", demo.data, "-o", "bag.tlog-proof").code == 0
    done = command("verify", "bag.tlog-proof", "--policy", demo.data / "trust.policy")
    assert (done.code, "stands in the log" in done.out) == (0, True)
    Path("bad.tlog-proof").write_bytes(Path("bag.tlog-proof").read_bytes().replace(b"index ", b"index 1"))
    assert command("verify", "bad.tlog-proof", "--policy", demo.data / "trust.policy").code == 1
