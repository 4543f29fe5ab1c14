"""What README and docs show is executed or computed, and what they point to exists."""

import contextlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands import SETTINGS, Done, core_alone, served
from traceability.api.answers import taken
from traceability.cli import run
from traceability.core import events, leaf, merkle
from traceability.core.book import advance, link
from traceability.core.ids import commitment, derive, unpadded
from traceability.core.record import Place
from traceability.core.signing import Envelope, SigningKey, event_id, key_id
from traceability.core.tag import normalise
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.log_keys import read_log_keys
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger
from traceability.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FORMAT = (ROOT / "docs" / "format.md").read_text()
GOLDEN: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / "traceability" / "golden.json").read_text())
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: str) -> list[str]:
    """The commands a page shows, one a line."""
    return [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every file a page points to is there."""
    targets = [t for t in re.findall(r"\]\(([^)#]+)", page.read_text()) if "://" not in t]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_command_of_the_readme_is_run_here() -> None:
    """The README shows no command that the tests below do not run."""
    run_here = {"make", "pip", "traceability"}
    assert {line.split()[0] for line in blocks(README)} == run_here


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_speak_of_commands_there_are(page: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every command and option of `traceability` that a page shows exists."""
    text = page.read_text()
    shown = blocks(text) + re.findall(r"`(traceability [^`]+)`", text)
    for line in shown:
        for command, rest in re.findall(
            r"traceability ((?:key|log|witness|tags?) [a-z-]+|[a-z-]+)([^|)]*)", line
        ):
            help_text = Done(capfd, *command.split(), "--help")
            assert help_text.code == 0, line
            assert [option for option in re.findall(r"--[a-z-]+", rest) if option not in help_text.out] == []


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`make run`, in a folder of its own: the demonstration that the README speaks of."""
    folder = tmp_path_factory.mktemp("readme")
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "EVENTS": "320"}
    command = ["make", "--no-print-directory", "-C", str(ROOT), "run"]
    with served(folder, command, path) as there:
        assert "A tag to scan" in there.said
        assert there.get("/v1/log")[1]["size"] == 321
        yield folder


def test_make_run_keeps_its_season(season: Path) -> None:
    """A second `make run` on the same data serves what is there."""
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "EVENTS": "900"}
    with served(season, ["make", "-C", str(ROOT), "run"], path) as there:
        assert there.get("/v1/log")[1]["size"] == 321


def test_make_test_runs_the_tests() -> None:
    """`make test` brings a browser and runs pytest (asked, not done: we are inside it)."""
    asked = subprocess.run(
        ["make", "-C", str(ROOT), "-n", "test"], capture_output=True, text=True, check=True
    )
    assert "pytest" in asked.stdout
    assert "tests/browser.py" in asked.stdout


def test_commands_of_the_readme(
    season: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every `traceability` line of the README works as it stands, one after the other, in one folder."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(season / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    index = json.loads(Path("data/credentials/index.json").read_bytes())
    lines = [line for line in blocks(README) if line.startswith("traceability ")]
    first_own = next(number for number, line in enumerate(lines) if " init " in line)
    # The reader who was sent a file has it and his policy already: as the holder made them.
    by_holder = [
        line.replace("CODE", index["tags"][0]["code"]) for line in lines[:first_own] if "CODE" in line
    ]
    shutil.copy("data/trust.policy", "trust.policy")
    for line in [*by_holder, *(line for line in lines[:first_own] if "CODE" not in line)]:
        done = Done(capfd, *shlex.split(line)[1:])
        assert done.code == 0, (line, done.err)

    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.chdir(own)
    monkeypatch.setenv("XDG_STATE_HOME", str(own / "state"))
    for line in lines[first_own:]:
        if line == "traceability serve":
            state = {"XDG_STATE_HOME": str(own / "state")}
            with served(own, [sys.executable, "-m", *line.split()], state) as there:
                assert there.get("/v1/log")[1]["size"] == 1
            continue
        if " sign " in line:
            _an_event_to_sign()
        done = Done(capfd, *shlex.split(line)[1:])
        assert done.code == 0, (line, done.err)


def _an_event_to_sign() -> None:
    shutil.copy("state/traceability/authority-1.pem", "authority.pem")
    entity = {"name": "Aline M.", "legal_address": {"country": "CF", "locality": "Berbérati"}}
    key = SigningKey.from_pem(Path("authority.pem").read_bytes())
    nonce = "AAAAAAAAAAAAAAAAAAAAAA"
    body = {
        "party": derive("party", key.id, nonce),
        "type": "person",
        "roles": ["trader"],
        "country": "CF",
        "from": "2026-01-01",
        "nonce": nonce,
    }
    Path("event.json").write_text(
        json.dumps({"kind": "enrolment", "body": body, "sealed": {"/entity": entity}})
    )


def test_the_installed_package_is_the_verifier(tmp_path: Path) -> None:
    """What `pip install` installs has the program and the migrations in it, and verifies with the core alone."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index"),
            *("--no-deps", "--no-build-isolation", "--target", str(tmp_path), str(ROOT)),
        ],
        check=True,
    )
    assert (tmp_path / "traceability" / "migrations" / "env.py").exists()
    assert (tmp_path / "bin" / "traceability").exists()
    assert core_alone("verify", "--help", path=tmp_path).returncode == 0


def test_settings_are_documented() -> None:
    """The table of settings names exactly those there are."""
    table = README.partition("| setting |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", "".join(rows))) == {name.upper() for name in Settings.model_fields}


def test_decisions_are_listed() -> None:
    """The list of decisions is complete."""
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text()))
    assert listed == {path.name for path in folder.glob("*.md")} - {"README.md"}


# docs/format.md


def test_what_the_format_shows_is_computed() -> None:
    """Ids, event, commitment, leaf, root and chains stand in docs/format.md as this program computes them."""
    party = GOLDEN["ids"][0]
    shown = [derive(party["type"], party["key_id"], party["nonce"]), party["key_id"], party["nonce"]]
    place = Place(0, 0, bytes(32), -1, 0, bytes(32))
    leaves = []
    for index, golden in enumerate(GOLDEN["events"]):
        envelope = Envelope.parse(golden["envelope"])
        blind = bytes.fromhex(golden["blind_hex"])
        entry = golden["entry"].encode()
        assert b'"record_time":"%s"' % golden["record_time"].encode() in entry
        place = advance(place, index, link(index, event_id(envelope.payload)))
        leaves.append(leaf.leaf_hash(blind, entry))
        shown.append(place.chain.hex())
        if index == 0:
            assert events.read(envelope).kind == "production"
            shown += [envelope.payload.decode(), event_id(envelope.payload), golden["record_time"]]
            shown += [golden["blind_hex"], leaf.leaf_data(blind, entry).hex(), leaves[0].hex()]
    shown.append(merkle.root_from_leaf_hashes(leaves).hex())
    sealed = GOLDEN["commitment"]
    value = json.dumps(sealed["value"], separators=(",", ":"), sort_keys=True).encode()
    shown += [sealed["canonical"], commitment(sealed["salt"], sealed["path"], value)]
    assert [each for each in shown if each not in FORMAT] == []
    assert normalise("K7QF-3M9T-XB2R1") == GOLDEN["tags"][0]["code"]


def test_no_other_hash_stands_in_the_format() -> None:
    """Every 32 bytes in hex that docs/format.md shows are golden."""
    golden = json.dumps(GOLDEN)
    shown = re.findall(r"\b[0-9a-f]{64}\b", FORMAT)
    assert shown
    assert [each for each in shown if each not in golden] == []


def test_the_format_names_every_payload_type() -> None:
    """Whatever can be signed is in the format."""
    source = (ROOT / "src" / "traceability" / "core" / "signing.py").read_text()
    types = set(re.findall(r"application/vnd\.traceability\.[a-z]+\+json", source))
    assert types
    assert [each for each in types if each not in FORMAT] == []


# docs/verification.md

VERIFICATION = (ROOT / "docs" / "verification.md").read_text()


def scripts(page: str) -> list[str]:
    """The blocks of commands a page shows."""
    return re.findall(r"```sh\n(.*?)```", page, re.DOTALL)


def by_hand(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Every command of the page, one after the other, as an auditor types them; the first that fails is the end."""
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    script = "set -e\n" + "".join(scripts(VERIFICATION))
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, env=path, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def audited(season: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an auditor is given: evidence of a bag, the log's key, and answers under a key of each algorithm."""
    folder = tmp_path_factory.mktemp("audited")
    settings = Settings(_env_file=season / "data" / "traceability.env", data=season / "data")
    signers = read_log_keys(settings.log_key)
    vkeys = [signer.verifier.encode() for signer in signers]
    guard = FileGuard(Path(settings.guard), *vkeys)
    with (
        contextlib.closing(Store(settings.url)) as store,
        contextlib.closing(Ledger(store, guard, *signers)) as ledger,
    ):
        with store.read() as view:
            entries = view.entries(0, view.head().size)
        brought = {}
        for entry in entries:
            event = entry.event()
            if isinstance(event, events.Genesis):
                new = [key for authority in event.body.authorities for key in authority.keys]
            elif isinstance(event, events.Enrolment):
                new = event.body.keys or []
            else:
                continue
            for key in (unpadded(each.public_key) for each in new):
                brought[key_id(key)] = (len(key), entry)
        for entry in entries:
            if entry.event().key not in brought:
                continue
            size, enrolled = brought[entry.event().key]
            where = folder / ("ed25519" if size == 44 else "p256")
            where.mkdir(exist_ok=True)
            (where / "log.vkey").write_text(vkeys[0] + "\n")
            shutil.copy(season / "data" / "trust.policy", where)
            code = json.loads((season / "data/credentials/index.json").read_bytes())["tags"][0]["code"]
            bag = [
                "evidence",
                code,
                "--data",
                str(season / "data"),
                "--out",
                str(where / "bag.evidence.json"),
            ]
            assert run(bag) == 0
            for name, one in (("answer", entry), ("enrolled", enrolled)):
                answer = ledger.append_one(Submission(one.envelope))
                assert isinstance(answer, Recorded)
                assert answer.known
                (where / f"{name}.json").write_bytes(msgspec.json.encode(taken(answer)))
            if len(list(folder.iterdir())) == 2:
                break
    return folder


@pytest.mark.parametrize("algorithm", ["ed25519", "p256"])
def test_an_auditor_checks_an_event_by_hand(audited: Path, algorithm: str) -> None:
    """The page's commands, typed as they stand: the verifier's verdict, and three signatures and a place in the log."""
    done = by_hand(audited / algorithm)
    assert done.returncode == 0, done.stderr
    assert "verdict: holds" in done.stdout.lower(), done.stdout
    said = ["in the log", "the event it says"]
    assert [line for line in done.stdout.splitlines() if line in said] == said
    good = {"Signature Verified Successfully", "Verified OK"}
    verified = [line for line in done.stdout.splitlines() if line in good]
    assert len(verified) == 2
    assert ("Verified OK" in verified) == (algorithm == "p256")


SPOILED = {
    "the root that was signed": ("answer.json", r"\\n([A-Za-z0-9+/]{43}=)\\n", 1),
    "the blind": ("answer.json", r'"blind":"([^"]+)"', 1),
    "the proof": ("answer.json", r'"proof":\["([^"]+)"', 1),
    "the place": ("answer.json", r'"index":([0-9]+)', 1),
    "what was signed": ("answer.json", r'\\"payload\\":\\"([^"\\]+)', 1),
    "the signature": ("answer.json", r'\\"sig\\":\\"([^"\\]+)', 1),
    "the key of the log": ("log.vkey", r"\+[0-9a-f]{8}\+A([^\n]+)", 1),
    "the evidence": ("bag.evidence.json", r'"blind":"([^"]+)"', 1),
}


@pytest.mark.parametrize("name", SPOILED)
@pytest.mark.parametrize("algorithm", ["ed25519", "p256"])
def test_by_hand_nothing_spoiled_passes(audited: Path, tmp_path: Path, algorithm: str, name: str) -> None:
    """One character changed in what he was given, and the auditor sees it at a step of the page."""
    shutil.copytree(audited / algorithm, tmp_path / "given")
    file, pattern, group = SPOILED[name]
    path = tmp_path / "given" / file
    text = path.read_text()
    found = re.search(pattern, text)
    assert found, pattern
    at = found.start(group) + (found.end(group) - found.start(group)) // 2
    other = "7" if text[at] != "7" else "8"
    path.write_text(text[:at] + other + text[at + 1 :])
    done = by_hand(tmp_path / "given")
    good = done.returncode == 0 and "\nin the log\n" in done.stdout and "\nthe event it says\n" in done.stdout
    assert not good, done.stdout
