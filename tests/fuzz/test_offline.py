"""Evidence, labels, trust packs and policies that somebody spoiled: one verdict in Python, in a browser and on the command line.

What was changed never shows what it did not show before: an entry that is not one of the honest ones convinces nobody.
"""

import re
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import orjson
import pytest
from spoil import mutated, odd_json, resaid

from both import comparable, verifier
from commands import SETTINGS, Done
from memory import MemoryLedger
from showing import evidence_of
from test_tag_verify import Desk
from traceability.core import canonical, evidence, label, verify
from traceability.core.errors import Malformed, TraceabilityError
from traceability.core.report import COMPLETE, EXIT_CODES, FAILED, HOLDS
from traceability.core.tag_verify import verify_tag
from traceability.core.trust_pack import TrustPack
from traceability.core.trust_policy import TrustPolicy

BY_COMMAND, BY_PROCESS = 5, 100
"""Every so manieth input is tried on the command line, and in a process of its own."""


class Shown(NamedTuple):
    """What somebody is shown: evidence, or the digits of a label and a trust pack, and whom he believes."""

    data: bytes
    policy: bytes
    digits: str | None = None


@pytest.fixture(scope="module")
def honest() -> list[Shown]:
    """Lots of one event and of several, and labels of both sorts."""
    ledger = MemoryLedger()
    miner, trader = ledger.enrol("miner", ["miner"]), ledger.enrol("trader", ["trader"])
    lots = ledger.produce(miner, "38.40", "41.00")
    first = evidence.encode(evidence_of(ledger, lots[:1]))
    ledger.hand_over(miner, trader, lots)
    second = evidence.encode(evidence_of(ledger, lots))
    policy = ledger.policy().encode()
    desk = Desk()
    pack, theirs = evidence.encode_proven(desk.shown()), desk.ledger.policy().encode()
    signed = label.sign(desk.label(), desk.exporter.key)
    tag = label.sign(label.PrintedTag(desk.label().log, desk.roll, 40), desk.issuer.key)
    return [
        Shown(first, policy),
        Shown(second, policy),
        Shown(pack, theirs, label.to_digits(signed)),
        Shown(pack, theirs, label.to_digits(tag)),
    ]


def spoilt(random: Random, shown: Shown) -> Shown:
    """The same with one of its parts spoiled."""
    part = random.randrange(4 if shown.digits is None else 7)
    if part == 0:
        policy = mutated(random, shown.policy) if random.random() < 0.9 else odd_json(random)
        return shown._replace(policy=policy)
    if part < 4:
        return shown._replace(data=_file(random, shown.data))
    assert shown.digits is not None
    if part == 4:
        digits = mutated(random, shown.digits.encode(), 1).decode("latin-1")
        return shown._replace(digits="".join(character for character in digits if character > " ") or "0")
    signed = bytearray(label.from_digits(shown.digits))
    if part == 5:
        return shown._replace(digits=label.to_digits(mutated(random, bytes(signed), 2) or b"\0"))
    signed[random.randrange(len(signed))] = random.randrange(256)
    return shown._replace(digits=label.to_digits(bytes(signed)))


def _file(random: Random, data: bytes) -> bytes:
    """A file said again in canonical bytes with one thing changed, more often than not; else any bytes."""
    match random.randrange(6):
        case 0:
            return mutated(random, data)
        case 1:
            return odd_json(random)
        case _:
            changed = resaid(random, data)
            try:
                return canonical.dump(canonical.load(changed)) if random.random() < 0.9 else changed
            except TraceabilityError:
                return changed


def in_python(shown: Shown) -> dict[str, Any]:
    """The report, or the name and the words of what refused."""
    try:
        policy = TrustPolicy.parse(shown.policy)
        if shown.digits is None:
            return orjson.loads(verify.verify(shown.data, policy).to_json())
        signed = label.from_digits(shown.digits)
        return {"report": orjson.loads(verify_tag(signed, TrustPack.read(shown.data, policy)).to_json())}
    except TraceabilityError as error:
        return {"failed": type(error).__name__}


def in_javascript(shown: Shown) -> dict[str, Any]:
    """The same of what is compiled for browsers."""
    data, policy = b64encode(shown.data).decode(), b64encode(shown.policy).decode()
    if shown.digits is None:
        said = verifier().ask({"data": data, "policy": policy})
    else:
        said = verifier().ask({"label": shown.digits, "pack": data, "policy": policy})
    if "failed" in said:
        return {"failed": said["failed"]["name"]}
    return said


def shown_alike(said: dict[str, Any]) -> dict[str, Any]:
    """What both say the same. Of several entries that are no events their JSON libraries find different ones first, and
    a character that is younger than Python's Unicode is quoted as an escape by Python alone."""
    young = "\U0001f6dc"
    text = orjson.dumps(comparable(said)).decode()
    text = text.replace(young, young.encode("unicode-escape").decode().replace("\\", "\\\\"))
    return orjson.loads(re.sub(r"entry \d+: not an event:", "not an event:", text))


def on_the_command_line(shown: Shown, folder: Path) -> list[str]:
    """The arguments that ask for the same."""
    (folder / "data").write_bytes(shown.data)
    (folder / "policy").write_bytes(shown.policy)
    if shown.digits is None:
        return ["verify", str(folder / "data"), "--policy", str(folder / "policy"), "--json"]
    given = ["--pack", str(folder / "data"), "--policy", str(folder / "policy"), "--json"]
    return ["tag", "verify", *given, "--", shown.digits]


def code_of(shown: Shown, said: dict[str, Any]) -> int:
    """The exit code that goes with what was said: 3 where whom to believe, or the pack, is none."""
    report = said.get("report", said)
    if "verdict" in report:
        return EXIT_CODES[report["verdict"]]
    try:
        policy = TrustPolicy.parse(shown.policy)
        TrustPack.read(shown.data, policy)
    except Malformed:
        return 3
    except TraceabilityError:
        return 1
    return 1


def payloads(shown: Shown) -> set[tuple[int, str, bytes]]:
    """The entries in a file."""
    file = evidence.decode_any(shown.data)
    return {(entry.index, entry.payload, entry.signature) for entry in file.entries}


@pytest.mark.threat("T10")
@pytest.mark.slow
def test_the_verdict_is_the_same_wherever_it_is_asked(honest, fuzz, capfd, monkeypatch, tmp_path):
    """Python, JavaScript, the command line and, now and then, a process of its own; and none is convinced by a change."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    said_before = set[str]()
    for number in fuzz.share("offline"):
        random = fuzz.random_of("offline", number)
        place = random.randrange(len(honest))
        shown = honest[place] if number < len(honest) else spoilt(random, honest[place])
        name = fuzz.name("offline", number)
        began = time.process_time()
        said = in_python(shown)
        assert time.process_time() - began < 2, (name, shown, "it took more than two seconds")
        assert shown_alike(in_javascript(shown)) == shown_alike(said), f"{name}: {shown}"
        report = said.get("report", said)
        said_before.add(report.get("verdict", "refused"))
        if report.get("verdict", FAILED) != FAILED:
            assert payloads(shown) <= payloads(honest[place]), f"{name}: {shown} convinced"
        if report.get("verdict") in (HOLDS, COMPLETE) and shown.digits is not None:
            assert int(shown.digits) == int(honest[place].digits), f"{name}: {shown} convinced"
        if number % BY_COMMAND == 0:
            arguments = on_the_command_line(shown, tmp_path)
            done = Done(capfd, *arguments)
            assert done.code == code_of(shown, said), f"{name}: {arguments} {shown} {said} {done.err}"
            assert ("verdict" in report) == bool(done.out), name
            if done.out:
                assert done.json["verdict"] == report["verdict"], name
            if number % BY_PROCESS == 0:
                command = [sys.executable, "-m", "traceability", *arguments]
                process = subprocess.run(command, capture_output=True, check=False)
                assert process.returncode == done.code, name
                assert b"Traceback" not in process.stderr, name
    assert said_before >= {HOLDS, FAILED, "refused"}
