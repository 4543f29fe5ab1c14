"""Two ledgers that witness each other, each operator running a ledger and a witness as processes of their own."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from world import submission

from commands import SETTINGS, free_ports
from patience import SECONDS, until
from traceability.cli.common import KeyFile
from traceability.core.cosignature import Cosigner
from traceability.core.ids import derive
from traceability.core.note import Signer
from traceability.core.trust_policy import Quorum, TrustPolicy
from trade import Pen, nonce

PROGRAM = [sys.executable, "-m", "traceability"]


class Operator:
    """Who runs a ledger and a witness, from a folder of his own."""

    def __init__(self, folder: Path, name: str, ports: tuple[int, int]) -> None:
        folder.mkdir()
        self.folder = folder
        self.name = name
        self.ledger_port, self.witness_port = ports
        self.ledger_url = f"http://127.0.0.1:{self.ledger_port}"
        self.witness_url = f"http://127.0.0.1:{self.witness_port}"
        self.run("init", "--origin", f"{name}.example/ledger", "--name", name, "--country", "RW")
        self.run("witness", "init", f"{name}.example/witness", "--key", "witness-key", "--data", "witness")
        self.sequence = 0

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        return {
            **kept,
            "XDG_STATE_HOME": str(self.folder / "state"),
            "PORT": str(self.ledger_port),
            "WITNESSES": str(self.folder / "witnesses.policy")
            if (self.folder / "witnesses.policy").exists()
            else "",
        }

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def log_vkey(self) -> str:
        return Signer.parse(
            (self.folder / "state/traceability/log-key").read_text().strip()
        ).verifier.encode()

    @property
    def witness_vkey(self) -> str:
        return Cosigner.parse((self.folder / "witness-key").read_text().strip()).verifier.encode()

    def befriend(self, other: "Operator") -> None:
        """Watches the other's log, and asks the other's witness."""
        (self.folder / "witness" / "logs.policy").write_text(f"log {other.log_vkey}\nquorum none\n")
        (self.folder / "witnesses.policy").write_text(
            f"log {self.log_vkey}\nwitness them {other.witness_vkey} {other.witness_url}\nquorum them\n"
        )

    @contextlib.contextmanager
    def serving(self, *command: str, at: str) -> Iterator[None]:
        with (self.folder / "served.log").open("ab") as out:
            process = subprocess.Popen(
                [*PROGRAM, *command], cwd=self.folder, env=self.environment, stdout=out, stderr=out
            )
        try:
            until(lambda: get(f"{at}/livez") is not None)
            yield
        finally:
            process.terminate()
            process.wait(SECONDS)

    def ledger(self):
        return self.serving("serve", at=self.ledger_url)

    def witness(self):
        return self.serving(
            *(
                "witness",
                "serve",
                "--key",
                "witness-key",
                "--data",
                "witness",
                "--port",
                str(self.witness_port),
            ),
            at=self.witness_url,
        )

    def enrol(self) -> dict:
        """One more event, and its answer: the authority enrols a trader."""
        held = KeyFile(self.folder / "state/traceability/authority-1.pem")
        pen = Pen("", held.facts["party"])
        pen.key = held.key
        drawn = nonce()
        signed = pen.sign(
            "enrolment",
            {
                "party": derive("party", held.key.id, drawn),
                "type": "person",
                "roles": ["trader"],
                "country": "RW",
                "from": "2026-01-01",
                "nonce": drawn,
            },
            sealed={"/entity": {"name": "A", "legal_address": {"country": "RW", "locality": "Kigali"}}},
            log=held.facts["log"],
            number=self.sequence,
        )
        answer = httpx.post(f"{self.ledger_url}/v1/events", json=submission(signed))
        assert answer.status_code == 201, answer.text
        self.sequence += 1
        return answer.json()

    def told(self) -> dict:
        return json.loads(get(f"{self.ledger_url}/v1/log"))

    def confirmed(self) -> bool:
        told = self.told()
        return told.get("cosigned", {}).get("size") == told["size"]


def get(url: str) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return answer.read()
    except OSError:
        return None


@pytest.mark.slow
@pytest.mark.threat("T39", "T49")
def test_two_ledgers_witness_each_other(tmp_path):
    """Both grow and carry the other's cosignature; one that is rolled back, guard and all, is stopped by the other."""
    a, b, c, d = free_ports(4)
    one, other = Operator(tmp_path / "one", "one", (a, b)), Operator(tmp_path / "other", "other", (c, d))
    one.befriend(other)
    other.befriend(one)
    shutil.copytree(one.folder / "data", tmp_path / "data")
    shutil.copytree(one.folder / "state", tmp_path / "state")
    with one.witness(), other.witness():
        with one.ledger(), other.ledger():
            for each in (one, other, one):
                each.enrol()
            for each in (one, other):
                until(each.confirmed)
                policy = TrustPolicy.parse((each.folder / "witnesses.policy").read_bytes())
                opened = policy.open_checkpoint(each.told()["checkpoint"].encode())
                assert policy.judge(opened) == Quorum(holds=True, cosigned_by=("them",))
        assert one.run("fsck").startswith("good")
        # Yesterday's copy of everything on that machine, as an attacker (or a tired operator) would bring it back.
        for name in ("data", "state"):
            shutil.rmtree(one.folder / name)
            shutil.copytree(tmp_path / name, one.folder / name)
        with one.ledger():
            until(lambda: json.loads(get(f"{one.ledger_url}/readyz"))["signing"] is False)
            reason = json.loads(get(f"{one.ledger_url}/readyz"))["reason"]
            assert "a checkpoint of 3 entries, signed with this log's key" in reason
            assert one.told()["size"] == 1
        with one.ledger():  # and a new start does not make it forget
            assert json.loads(get(f"{one.ledger_url}/readyz"))["signing"] is False
