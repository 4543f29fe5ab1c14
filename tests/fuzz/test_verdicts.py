"""One event, one verdict: the ledger asked directly, the route, a stream of lines, the command line and browsers agree.

Each way has a copy of the same ledger and gets the same events in the same order, honest ones between.
"""

import json
import shutil
import subprocess
import sys
from random import Random

import httpx
import pytest
from spoil import mutated, resaid
from test_readers import respelled
from world import World, line, serving

import reference
from both import verify
from commands import SETTINGS, Done
from memory import MemoryLedger, new_lot
from traceability.api.answers import of_problem, speak
from traceability.api.app import create_app
from traceability.api.problems import Problem
from traceability.api.services import Services
from traceability.api.strict import read_json
from traceability.api.submission import read_submission
from traceability.core import events, evidence, leaf
from traceability.core.checkpoint import Checkpoint
from traceability.core.errors import Malformed
from traceability.core.ids import to_unpadded
from traceability.core.note import sign_note
from traceability.core.outcome import Appended
from traceability.core.report import FAILED
from traceability.core.signing import EVENT_TYPE, Envelope
from traceability.settings import Settings
from trade import LOG_SIGNER

WAYS = ("directly", "by the route", "as lines", "by the command line")


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory):
    """A world that is closed, and the settings of four ledgers that are copies of its."""
    folder = tmp_path_factory.mktemp("first")
    world = World(f"sqlite:///{folder}/ledger.sqlite3", folder)
    # His keys are Ed25519: the same events in every run.
    world.take(
        world.registrar.sign(
            "role_change", {"party": world.carl.party, "add": ["miner"], "from": "2026-01-01"}
        )
    )
    world.services.close()
    (folder / "log-key").write_text(LOG_SIGNER.encode() + "\n")
    copies = {}
    for number, way in enumerate(WAYS):
        copy = folder.with_name(f"copy-{number}")
        shutil.copytree(folder, copy)
        copies[way] = Settings(data=copy, guard=str(copy / "guard"), log_key=copy / "log-key")
    return world, copies


def hostile_line(random: Random, world: World) -> bytes:
    """A line as `submit` takes it: honest, or spoiled in the body, the envelope, or what is signed in it."""
    new = [new_lot(to_unpadded(random.randbytes(16)), mass) for mass in ("1.5", "2")]
    signed = world.carl.sign("production", {"region": "RW-04", "source": "device", "lots": new})
    honest = line(signed).strip()
    key = world.carl.key
    found = honest
    match random.randrange(6):
        case 0:
            world.carl.next -= random.randrange(2)
        case 1:
            found = mutated(random, honest)
        case 2:
            found = resaid(random, honest)
        case 3:
            envelope = respelled(random, signed.envelope.to_json())
            found = b'{"envelope":%s}' % envelope
        case _:
            payload = random.choice((resaid, resaid, mutated))(random, signed.envelope.payload)
            found = (
                b'{"envelope":%s}'
                % Envelope(EVENT_TYPE, payload, key.id, key.sign_event(payload).signature).to_json()
            )
    # A line feed ends a line: what would be one body to the route would be two lines.
    found = found.replace(b"\n", b"\r")
    return found if found.strip() else honest


def told(found: dict) -> tuple:
    """What an answer comes to: status, problem, place in the log."""
    status = 201 if found.get("status", 201) == 200 else found.get("status", 201)
    return status, found.get("type"), found.get("index"), found.get("event_id")


def directly(settings: Settings, lines: list[bytes]) -> list[tuple]:
    services = Services.open(settings)
    said = []
    for each in lines:
        try:
            spoken = speak(services.ledger.append_one(read_submission(each)), None)
        except Malformed as error:
            spoken = of_problem(Problem("malformed", str(error)), None)
        said.append(told(json.loads(spoken.line(1))))
    services.close()
    return said


def over_http(settings: Settings, lines: list[bytes], *, together: bool) -> tuple[list[tuple], int]:
    services = Services.open(settings)
    size = head_size(services)
    with serving(create_app(services)) as server, httpx.Client(base_url=server.url) as client:
        if together:
            found = []
            for start in range(0, len(lines), 1000):
                body = b"\n".join(lines[start : start + 1000])
                headers = {"Content-Type": "application/x-ndjson"}
                answer = client.post("/v1/events", content=body, headers=headers)
                assert answer.status_code == 200
                found += [json.loads(each) for each in answer.content.splitlines()]
            said = [told(each) for each in found]
        else:
            said = []
            for each in lines:
                answer = client.post("/v1/events", content=each, headers={"Content-Type": "application/json"})
                assert answer.status_code < 500, (answer.text, each)
                said.append(told({"status": answer.status_code, **answer.json()}))
    grown = head_size(services) - size
    services.close()
    return said, grown


def head_size(services: Services) -> int:
    with services.store.read() as view:
        return view.head().size


@pytest.mark.threat("T11")
def test_the_verdict_is_the_same_by_every_way(ledgers, fuzz, browsers, monkeypatch, tmp_path):
    """Same status, same problem, same place in the log; and nothing is stored but what was answered with its place.

    What is in a log is an event to browsers, and what is malformed as an event is none to them.
    """
    world, copies = ledgers
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    count = len(fuzz.share("verdicts"))
    lines = [hostile_line(fuzz.random_of("verdicts", number), world) for number in range(count)]
    expected = directly(copies["directly"], lines)
    stored = {index for _, _, index, _ in expected if index is not None}
    assert len(stored) > count * 0.1
    assert len({problem for _, problem, _, _ in expected}) >= 4
    for way, together in (("by the route", False), ("as lines", True)):
        said, grown = over_http(copies[way], lines, together=together)
        for number, (found, wanted) in enumerate(zip(said, expected, strict=True)):
            assert found == wanted, (fuzz.name("verdicts", number), way, lines[number], found, wanted)
        assert grown == len(stored)
    settings = copies["by the command line"]
    (tmp_path / "lines").write_bytes(b"\n".join(lines) + b"\n")
    monkeypatch.setenv("GUARD", settings.guard)
    monkeypatch.setenv("LOG_KEY", str(settings.log_key))
    command = [
        sys.executable,
        "-m",
        "traceability",
        "submit",
        tmp_path / "lines",
        "--json",
        "--data",
        settings.data,
    ]
    done = subprocess.run(command, capture_output=True, check=False)
    said = [told(json.loads(each)) for each in done.stdout.splitlines()]
    for number, (found, wanted) in enumerate(zip(said, expected, strict=True)):
        assert found == wanted, (fuzz.name("verdicts", number), "submit", lines[number], found, wanted)
    assert done.returncode == 1
    for number, (each, (_, _, index, _)) in enumerate(zip(lines, expected, strict=True)):
        payload = payload_of(each)
        if payload is not None and (index is not None or not is_event(payload)):
            browsers.agree(fuzz.name("verdicts", number), payload, is_event=index is not None)
    browsers.finish()


def payload_of(line: bytes) -> bytes | None:
    """What is signed in a line; None where nothing can be."""
    try:
        return Envelope.parse(read_json(line)["envelope"]).payload
    except (Malformed, KeyError, TypeError):
        return None


def is_event(payload: bytes) -> bool:
    try:
        events.parse(payload)
    except Malformed:
        return False
    return True


def cheated(honest: evidence.Evidence, payload: bytes, signature: bytes, signer) -> evidence.Evidence:
    """Evidence of a ledger that has logged `payload` as its newest entry and signed the tree over it."""
    *before, last = honest.entries
    last = evidence.ShownEntry(last.index, last.blind, last.record_time, payload, signature)
    entries = (*before, last)
    data = []
    for entry in entries:
        envelope = Envelope(EVENT_TYPE, entry.payload, _key_of(entry.payload), entry.signature)
        data.append(leaf.leaf_data(entry.blind, leaf.entry_bytes(envelope, entry.record_time)))
    note = sign_note(Checkpoint(signer.verifier.name, len(entries), reference.mth(data)).encode(), [signer])
    return evidence.Evidence(honest.lots, note, entries, (), honest.book)


def _key_of(payload: bytes) -> str:
    try:
        found = json.loads(payload)["key"]
    except (ValueError, KeyError, TypeError):
        return "0" * 64
    return found if isinstance(found, str) and found.isascii() else "0" * 64


def test_evidence_of_what_may_not_be_logged_fails(fuzz, capfd, tmp_path):
    """A ledger that logs, signs and proves a malformed event convinces no verifier; an honest one always does."""
    from showing import evidence_of

    refused = held = 0
    for number in fuzz.share("evidence"):
        random = fuzz.random_of("evidence", number)
        ledger = MemoryLedger()
        miner = ledger.enrol("miner", ["miner"])
        lots = ledger.produce(miner, "38.40", "41.00")
        honest = evidence_of(ledger, lots)
        payload = resaid(random, honest.entries[-1].payload)
        envelope = miner.key.sign_event(payload)
        try:
            payload.decode()
            events.read(Envelope(EVENT_TYPE, payload, _key_of(payload), envelope.signature))
        except UnicodeDecodeError:
            continue  # no evidence file can hold it
        except Malformed:
            shown = cheated(honest, payload, envelope.signature, ledger.log_signer)
            wanted = FAILED
            refused += 1
        else:
            if _key_of(payload) != miner.key.id:
                continue  # another's name over the miner's signature: `bad_signature`, not malformed
            again = MemoryLedger()
            again.enrol("miner", ["miner"])
            if not isinstance(again.take(envelope), Appended):
                continue
            made = list(events.parse(payload).made)
            shown, wanted = evidence_of(again, made), "holds"
            held += 1
        file = evidence.encode(shown)
        report = verify(file, ledger.policy())
        assert (report.verdict == FAILED) == (wanted == FAILED), (
            fuzz.name("evidence", number),
            payload,
            report,
        )
        if wanted == FAILED:
            assert report.steps[-1].number in (3, 4), (fuzz.name("evidence", number), payload, report.why)
        if number % 50 == 0:
            (tmp_path / "evidence").write_bytes(file)
            (tmp_path / "policy").write_bytes(ledger.policy().encode())
            done = Done(capfd, "verify", tmp_path / "evidence", "--policy", tmp_path / "policy")
            assert done.code == report.exit_code
    assert refused > 0
    assert held > 0
