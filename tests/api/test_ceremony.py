"""Drills of docs/operations.md: a log begins with keys made offline, and changes its key, line by line as the page has it."""

import json
import re
import shlex
import sys
import urllib.request
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from commands import SETTINGS, Done, served
from traceability.core.note import parse_note

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
KEYS = PAGE[PAGE.index("\n## Keys") : PAGE.index("\n## Watching")]
SHOWN = [line for block in re.findall(r"```sh\n(.*?)```", KEYS, re.DOTALL) for line in block.splitlines()]
ORIGIN = "ledger.example.org/car"
LOG_KEY = Path("state/traceability/log-key")
SERVE = [sys.executable, "-m", "traceability", "serve"]
_NUMBER = count()


class Ceremony:
    """Operator, mines and customs, with a log key; all of it made by commands of the page."""

    def __init__(self, capfd, folder: Path, environment: dict[str, str]) -> None:
        self.capfd, self.folder, self.environment = capfd, folder, environment
        self.run("traceability key new log-key --checkpoints ORIGIN", ORIGIN=ORIGIN)
        self.run("traceability key new operator.pem --algorithm Ed25519 --log ORIGIN", ORIGIN=ORIGIN)
        names = ("operator", "mines", "customs")
        self.drawn = {name: self.shown("traceability key party operator.pem") for name in names}
        self.made = {"operator": self.show("operator", "--party", self.drawn["operator"]["party"])}
        for name in ("mines", "customs"):
            line = "traceability key new mines.pem --log ORIGIN --party AUTHORITY"
            self.run(line, mines=name, ORIGIN=ORIGIN, AUTHORITY=self.drawn[name]["party"])
            self.made[name] = self.shown("traceability key show mines.pem", mines=name)
        self.vkey = self.shown("traceability key show mines.pem", **{"mines.pem": "log-key"})["vkey"]

    def __call__(self, *arguments: object) -> Done:
        return Done(self.capfd, *arguments)

    def run(self, line: str, *more: str, **names: str) -> Done:
        """Runs a line that the page shows, with these names in it."""
        assert line in SHOWN, f"the page does not show {line}"
        for name, value in names.items():
            line = line.replace(name, value)
        return self(*shlex.split(line)[1:], *more)

    def shown(self, line: str, **names: str) -> dict:
        done = self.run(line, "--json", **names)
        assert done.code == 0, done.err
        return done.json

    def show(self, name: str, *more: str) -> dict:
        done = self("key", "show", f"{name}.pem", *more, "--json")
        assert done.code == 0, done.err
        return done.json

    def genesis(self) -> dict:
        """The page's own, filled in."""
        (text,) = re.findall(r"```json\n(.*?)```", KEYS, re.DOTALL)
        found = json.loads(
            text.replace("VKEY", self.vkey).replace('"OPERATOR"', f'"{self.party("operator")}"')
        )
        body = found["body"]
        body |= {"nonce": self.drawn["operator"]["nonce"], "keys": self.keys("operator")}
        (mines,) = body["authorities"]
        body["authorities"] = [
            mines | {"party": self.party(name), "nonce": self.drawn[name]["nonce"], "keys": self.keys(name)}
            for name in ("mines", "customs")
        ]
        return found

    def party(self, name: str) -> str:
        return self.drawn[name]["party"]

    def keys(self, name: str) -> list[dict[str, str]]:
        return [{each: self.made[name][each] for each in ("public_key", "proof")}]

    def sign_genesis(self, value: dict) -> None:
        Path("genesis.json").write_text(json.dumps(value))
        Path("genesis").unlink(missing_ok=True)
        line = "traceability sign genesis.json --key operator.pem --sequence 0 --out genesis"
        done = self.run(line)
        assert done.code == 0, done.err

    def begin(self) -> Done:
        return self.run("traceability init --genesis genesis")

    def approve(self, event: str, url: str) -> None:
        (line,) = [line for line in SHOWN if line.startswith("echo ")]
        Path("approval.json").write_text(shlex.split(line)[1].replace("EVENT", event))
        line = "traceability sign approval.json --key mines.pem --sequence 1 --out approval"
        done = self.run(line, mines="customs", **{"sequence 1": "sequence 0"})
        assert done.code == 0, done.err
        line = "traceability submit approval --to https://ledger.example.org"
        done = self.run(line, **{"https://ledger.example.org": url})
        assert done.code == 0, done.out + done.err

    @contextmanager
    def serving(self):
        with served(self.folder, SERVE, self.environment) as there:
            yield there


@pytest.fixture(params=["sqlite", "postgresql"])
def ceremony(request, tmp_path, monkeypatch, capfd) -> Ceremony:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    environment = {}
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        name = f"ceremony_{next(_NUMBER)}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        environment["DATABASE_URL"] = url.replace("/ledger", f"/{name}", 1)
        monkeypatch.setenv("DATABASE_URL", environment["DATABASE_URL"])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Ceremony(capfd, tmp_path, environment)


def put_log_key(*files: str) -> None:
    LOG_KEY.parent.mkdir(parents=True, exist_ok=True)
    LOG_KEY.unlink(missing_ok=True)
    LOG_KEY.touch(0o600)
    LOG_KEY.write_text("".join(Path(file).read_text() for file in files))


def signers(there) -> int:
    """How many signatures the newest checkpoint has."""
    with urllib.request.urlopen(f"{there.url}/checkpoint") as answer:
        return len(parse_note(answer.read())[1])


def enrol(ceremony: Ceremony, number: int, *to: str) -> Done:
    """An authority enrols a party with a key of its own."""
    drawn = ceremony("key", "party", "mines.pem", "--json").json
    name = f"party-{number}"
    assert ceremony("key", "new", f"{name}.pem", "--log", ORIGIN, "--party", drawn["party"]).code == 0
    shown = ceremony.show(name)
    keys = [{each: shown[each] for each in ("public_key", "proof")}]
    body = {
        **drawn,
        "type": "company",
        "roles": ["trader"],
        "country": "CF",
        "from": "2026-01-01",
        "keys": keys,
    }
    entity = {"name": "Aline M.", "legal_address": {"country": "CF", "locality": "Berberati"}}
    Path("event").write_text(json.dumps({"kind": "enrolment", "body": body, "sealed": {"/entity": entity}}))
    signed = f"enrolment-{number}"
    done = ceremony("sign", "event", "--key", "mines.pem", "--sequence", number, "--out", signed)
    assert done.code == 0, done.err
    return ceremony("submit", signed, *to)


def test_a_log_begins_with_keys_made_offline(ceremony):
    """Each step done wrong is said and begins nothing; done right, parties are enrolled by keys nobody else has held."""
    right = ceremony.genesis()
    ceremony.sign_genesis(right)
    done = ceremony.begin()
    assert (done.code, "bring the one that genesis names" in done.err) == (3, True), (
        "no log key was put there"
    )
    assert not LOG_KEY.exists()
    ceremony("key", "new", "other-key", "--checkpoints", ORIGIN)
    put_log_key("other-key")
    done = ceremony.begin()
    assert (done.code, "no genesis that names the log key" in done.err) == (3, True), done.err
    put_log_key("log-key")
    for wrong, said in (
        ({"keys": ceremony.keys("customs")}, "this proof does not verify under it"),
        ({"nonce": ceremony.drawn["customs"]["nonce"]}, "does not follow from the signing key and the nonce"),
    ):
        mines, customs = right["body"]["authorities"]
        ceremony.sign_genesis(right | {"body": right["body"] | {"authorities": [mines | wrong, customs]}})
        done = ceremony.begin()
        assert (done.code, said in done.err) == (3, True), done.err
    ceremony.sign_genesis(right | {"body": right["body"] | {"quorum": 2}})
    done = ceremony.begin()
    assert (done.code, "the quorum is at most 1" in done.err) == (3, True), done.err
    ceremony.sign_genesis(right)
    assert ceremony.begin().code == 0
    assert "nothing was changed" in ceremony.begin().out
    assert enrol(ceremony, 0).code == 0
    assert ceremony("fsck").out.startswith("good: 2 entries")
    done = ceremony("init", "--genesis", "genesis", "--data", "elsewhere")
    if not ceremony.environment:
        assert "give a new log a new key" in done.err


@pytest.mark.threat("T54")
def test_the_log_key_is_changed_for_one_made_offline(ceremony, monkeypatch):
    """What is done too early, with the wrong line or another guard is said; both keys sign, then the new one alone."""
    put_log_key("log-key")
    ceremony.sign_genesis(ceremony.genesis())
    assert ceremony.begin().code == 0
    assert ceremony("key", "new", "log-key-2", "--checkpoints", ORIGIN).code == 0
    put_log_key("log-key", "log-key-2")
    done = ceremony("log", "rotate-key", "--key", "operator.pem", "--reason", "every year")
    assert done.code == 0, done.err
    (event,) = re.findall("the event ([0-9a-f]{64})", done.out)
    put_log_key("log-key-2")
    done = enrol(ceremony, 0)
    assert (done.code, f"is not one that {ORIGIN} has named" in done.out) == (1, True), "before the approval"
    put_log_key("log-key", "log-key", "log-key-2")  # the old one twice
    with ceremony.serving() as there:
        assert "signs nothing yet" in there.said
        assert "can read" not in there.said
        assert ceremony("submit", "enrolment-0", "--to", there.url).code == 0
        assert signers(there) == 1
        ceremony.approve(event, there.url)
        assert signers(there) == 2, "taken up with the approval"
    put_log_key("log-key")
    LOG_KEY.chmod(0o644)
    with ceremony.serving() as there:
        assert "Everybody on this machine can read the log key" in there.said
        assert "The log's newest key" in there.said
        assert enrol(ceremony, 1, "--to", there.url).code == 0
        assert signers(there) == 1
    put_log_key("log-key-2")
    monkeypatch.setenv("GUARD", "elsewhere")
    done = enrol(ceremony, 2)
    assert (done.code, "the guard knows nothing of this log key" in done.out) == (1, True)
    monkeypatch.delenv("GUARD")
    with ceremony.serving() as there:
        assert there.said.count("log key") == there.said.count("newest key") == 0
        assert ceremony("submit", "enrolment-2", "--to", there.url).code == 0
        assert signers(there) == 1
        assert there.get("/v1/log")[1]["vkeys"] == [
            ceremony("key", "show", "log-key-2", "--json").json["vkey"]
        ]
    assert ceremony("fsck").out.startswith("good: 6 entries")
