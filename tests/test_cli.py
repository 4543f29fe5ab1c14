"""The command line: what each command answers, how it says no, and what its exit codes mean."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commands import SETTINGS, Done
from traceability.cli import app
from traceability.core import events, note
from traceability.core.ids import unpadded
from traceability.core.signing import (
    POSSESSION_TYPE,
    READ_TYPE,
    Envelope,
    SigningKey,
    pae,
    possession_payload,
)

LOG = "ledger.example.org/car"
PARTY = "6qdaq8agk4s4h7gnh0akr5wy39"
EVENT = "1a9e9991d88cb68690f63daebe5974643785677f61fea7603790695bae1f0e06"
LOT = "3anmx1s6h2trad8ts3javgb4zd"
PRICES = [{"lots": [LOT], "price": {"currency": "USD", "value": "312.50"}}]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with no setting from outside."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def transfer(**changes: Any) -> dict[str, Any]:
    body = {
        "accept_by": "2026-12-28",
        "moves": "both",
        "purpose": "sale",
        "recipient": PARTY,
        "region": "RW-04",
        "source": "device",
    }
    previous = [{"event": EVENT, "lots": [LOT]}]
    return {"kind": "transfer", "log": LOG, "party": PARTY, "previous": previous, "body": body, **changes}


def test_every_command_shows_an_example() -> None:
    """Each help ends with a command line one can copy."""
    commands = app_commands(app)
    for group in app.registered_groups:
        commands |= {f"{group.name} {name}": c for name, c in app_commands(group.typer_instance).items()}
    assert commands
    for name, command in commands.items():
        assert f"Example: traceability {name}" in (command.epilog or ""), name


def test_the_list_of_commands_is_readable(capfd: pytest.CaptureFixture[str]) -> None:
    """Each command has a whole sentence there, not the beginning of one."""
    for arguments in (["--help"], ["key", "--help"], ["witness", "--help"]):
        done = Done(capfd, *arguments)
        listed = done.out.partition("Commands:")[2].splitlines()
        assert (done.code, len(listed) > 2, [line for line in listed if line.endswith("...")]) == (
            0,
            True,
            [],
        )


def app_commands(typer_app: Any) -> dict[str, Any]:
    return {c.name or c.callback.__name__: c for c in typer_app.registered_commands}


def test_module_is_the_program() -> None:
    """`python -m traceability` answers as `traceability` does."""
    done = subprocess.run([sys.executable, "-m", "traceability", "--help"], capture_output=True, check=True)
    assert b"Exit codes" in done.stdout


def test_a_new_key_is_only_mine(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A key file can be read by its owner alone, says whose it is, and is never written over."""
    done = Done(capfd, "key", "new", "k.pem", "--party", PARTY, "--log", LOG, "--json")
    assert done.code == 0
    assert (folder / "k.pem").stat().st_mode & 0o777 == 0o600
    held = SigningKey.from_pem((folder / "k.pem").read_bytes())
    assert done.json["key"] == held.id
    assert done.json["public_key"] == Done(capfd, "key", "show", "k.pem", "--json").json["public_key"]
    before = (folder / "k.pem").read_bytes()
    again = Done(capfd, "key", "new", "k.pem")
    assert again.code == 3
    assert "never overwritten" in again.err
    assert (folder / "k.pem").read_bytes() == before


def test_a_key_proves_possession(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With ledger and party known, `key show` gives the proof that an enrolment asks for."""
    Done(capfd, "key", "new", "k.pem", "--algorithm", "Ed25519")
    shown = Done(capfd, "key", "show", "k.pem", "--party", PARTY, "--log", LOG, "--json").json
    held = SigningKey.from_pem((folder / "k.pem").read_bytes())
    message = pae(POSSESSION_TYPE, possession_payload(held.id, LOG, PARTY))  # type: ignore[arg-type]
    held.public.verify(unpadded(shown["proof"], 64), message)


def test_an_encrypted_key_needs_its_passphrase(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the passphrase, or with another, the key stays shut."""
    assert Done(capfd, "key", "new", "k.pem", "--encrypt").code == 3
    monkeypatch.setenv("KEY_PASSPHRASE", "mine")
    assert Done(capfd, "key", "new", "k.pem", "--encrypt").code == 0
    assert Done(capfd, "key", "show", "k.pem").code == 0
    monkeypatch.setenv("KEY_PASSPHRASE", "yours")
    assert Done(capfd, "key", "show", "k.pem").code == 1
    monkeypatch.delenv("KEY_PASSPHRASE")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert "KEY_PASSPHRASE" in Done(capfd, "key", "show", "k.pem").err


def test_a_logs_key(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A log's key is an skey whose vkey both commands show."""
    made = Done(capfd, "key", "new", "log-key", "--checkpoints", LOG, "--json").json["vkey"]
    signer = note.Signer.parse((folder / "log-key").read_text().removesuffix("\n"))
    assert signer.verifier.encode() == made == Done(capfd, "key", "show", "log-key", "--json").json["vkey"]


def test_sign_makes_a_line_to_submit(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What `sign` prints is a valid envelope, its sealed values beside it and not in it."""
    Done(capfd, "key", "new", "k.pem")
    (folder / "t.json").write_text(json.dumps(transfer(sealed={"/prices": PRICES})))
    line = Done(capfd, "sign", "t.json", "--key", "k.pem", "--sequence", 7).json
    envelope = Envelope.parse(line["envelope"])
    held = SigningKey.from_pem((folder / "k.pem").read_bytes())
    envelope.verify(held.public)
    event = events.read(envelope)
    assert event.sequence == 7
    assert b"312.50" not in envelope.payload
    [[salt, path, value]] = line["disclosures"]
    events.check_disclosure(event, salt, path, value)
    assert value == PRICES


def test_sign_draws_nonces(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`"nonce":"new"` becomes a nonce, and the lot it makes is named on stderr."""
    Done(capfd, "key", "new", "k.pem", "--party", PARTY, "--log", LOG)
    weighing = {"basis": "measured", "net": {"unit": "KGM", "value": "38.40"}}
    lot = {"nonce": "new", "mineral": "cassiterite", "form": "ore", "weighing": weighing}
    body = {"lots": [lot, lot], "region": "RW-04", "source": "device"}
    (folder / "p.json").write_text(json.dumps({"kind": "production", "body": body, "sequence": 0}))
    done = Done(capfd, "sign", "p.json", "--key", "k.pem")
    made = events.read(Envelope.parse(done.json["envelope"])).made
    assert len(set(made)) == 2
    assert all(f"makes lot {lot}" in done.err for lot in made)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        (json.dumps(transfer(body={})), "region"),
        (json.dumps(transfer(kind="theft")), "theft"),
        (json.dumps(transfer(sealed={"/nothing": 1})), "/nothing"),
        (json.dumps(transfer(sealed={"/prices": "much"})), "/prices"),
        (json.dumps(transfer(why="x")), "why"),
    ],
)
def test_sign_refuses_what_a_ledger_would(
    folder: Path, capfd: pytest.CaptureFixture[str], event: str, says: str
) -> None:
    """A malformed event is not signed; the message names the place."""
    Done(capfd, "key", "new", "k.pem")
    (folder / "e.json").write_text(event)
    done = Done(capfd, "sign", "e.json", "--key", "k.pem", "--sequence", 0)
    assert (done.code, done.out) == (1, "")
    assert says in done.err


def test_sign_asks_for_what_it_cannot_know(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Number, party and ledger are never guessed."""
    Done(capfd, "key", "new", "k.pem")
    (folder / "t.json").write_text(json.dumps(transfer()))
    assert "--sequence" in Done(capfd, "sign", "t.json", "--key", "k.pem").err
    anonymous = transfer()
    del anonymous["party"]
    (folder / "t.json").write_text(json.dumps(anonymous))
    done = Done(capfd, "sign", "t.json", "--key", "k.pem", "--sequence", 0)
    assert (done.code, "--party" in done.err) == (3, True)


def test_a_signed_read(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`sign --request` prints the header of a read that the key signed, with a fresh nonce each time."""
    Done(capfd, "key", "new", "k.pem", "--party", PARTY, "--log", LOG)
    first, second = (Done(capfd, "sign", "--key", "k.pem", "--request", "GET /v1/lots").out for _ in "ab")
    assert first != second
    scheme, _, text = first.strip().removeprefix("Authorization: ").partition(" ")
    assert scheme == "DSSE"
    envelope = Envelope.parse(json.loads(unpadded(text)), READ_TYPE)
    envelope.verify(SigningKey.from_pem((folder / "k.pem").read_bytes()).public)
    assert json.loads(envelope.payload)["path"] == "/v1/lots"
    assert Done(capfd, "sign", "--key", "k.pem", "--request", "lots").code == 3


def test_wrong_use_is_told_from_a_no(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Unknown commands, missing options and missing files exit with 3 and one sentence."""
    for arguments in (["sgin"], ["sign"], ["sign", "--key", "none.pem"], ["key", "show", "none.pem"]):
        done = Done(capfd, *arguments)
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("traceability: ")
        assert "Traceback" not in done.err
