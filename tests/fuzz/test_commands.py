"""Files that somebody spoiled, given to the commands that read them: a sentence and an exit code, and never a traceback."""

import json
import re
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hosted import LOG, Hosted
from spoil import mutated, odd_json, resaid

import examples
from commands import SETTINGS, Done
from traceability.core import canonical
from traceability.core.errors import TraceabilityError

LOADS = 0.02
"""The part of the inputs that is a dump: each replays a season."""


@pytest.fixture
def folder(hosted: Hosted, capfd, monkeypatch, tmp_path) -> Path:
    """A folder with one honest file for each command, as the program itself writes them."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    lot, data = hosted.roles["trader"]["lots"][0], ("--data", hosted.data)
    key = hosted.data / "credentials" / "trader.pem"
    for made in (
        ("evidence", lot, "--out", "evidence", *data),
        ("evidence", lot, "--tlog-proof", "--out", "proof", *data),
        ("trust-pack", "--out", "pack", *data),
        ("dump", "--out", "dump", *data),
        ("consent", lot, "--key", key, "--until", "2030-01-01", "--out", "consent"),
    ):
        done = Done(capfd, *made)
        assert done.code == 0, done.err
    Path("key").write_bytes(key.read_bytes())
    Path("policy").write_bytes((hosted.data / "trust.policy").read_bytes())
    Path("event").write_bytes(canonical.dump(json.loads(examples.encoded("transfer")) | {"log": LOG}))
    note = json.loads(Path("evidence").read_bytes())["checkpoint"]
    Path("notes").write_bytes(canonical.dump({"first": note, "second": note, "proof": []}))
    return tmp_path


COMMANDS = (
    ("evidence", "verify evidence --policy policy --json"),
    ("proof", "verify proof --policy policy"),
    ("policy", "verify evidence --policy policy --complete"),
    ("pack", "policy pack --policy policy --out made"),
    ("policy", "policy pack --policy policy --out made"),
    ("event", "sign event --key key --sequence 3"),
    ("key", "sign event --key key --sequence 3"),
    ("key", "consent 0123456789abcdefghjkmnpqrs --key key --until 2030-01-01 --out made"),
    ("notes", "judge notes --log VKEY"),
    ("evidence", "news evidence --consent consent --from http://127.0.0.1:1 --policy policy"),
    ("consent", "news evidence --consent consent --from http://127.0.0.1:1 --policy policy"),
    ("policy", "verifier --out made --policy policy"),
    ("notes", "when notes --log VKEY --roots policy"),
    ("policy", "when notes --policy policy --roots policy"),
)


def spoilt(random: Random, data: bytes) -> bytes:
    """Most often what is still JSON in canonical bytes, if it was; of lines, one."""
    lines = data.splitlines(keepends=True)
    if len(lines) > 1 and data.startswith(b"{"):
        place = random.randrange(min(len(lines), 20))
        lines[place] = spoilt(random, lines[place]).rstrip(b"\n") + b"\n"
        return b"".join(lines)
    draw = random.random()
    if draw < 0.1:
        return odd_json(random)
    if draw < 0.4 or not data.startswith(b"{"):
        return mutated(random, data)
    changed = resaid(random, data)
    try:
        return canonical.dump(canonical.load(changed)) if draw < 0.9 else changed
    except TraceabilityError:
        return changed


@pytest.mark.slow
def test_a_spoiled_file_ends_a_command_with_a_sentence(hosted, folder, fuzz, capfd):
    """No error that the program did not expect, an exit code of those it has, a sentence with each no, within two seconds."""
    vkey = re.search(rb"log (\S+)", Path("policy").read_bytes())[1].decode()
    honest = {path.name: path.read_bytes() for path in folder.iterdir()}
    codes: Counter[int] = Counter()
    for number in fuzz.share("commands"):
        random = fuzz.random_of("commands", number)
        name, command = random.choice(COMMANDS)
        if random.random() < LOADS:
            name, command = "dump", f"load dump --data data-{number}"
        Path(name).write_bytes(spoilt(random, honest[name]))
        (folder / "made").unlink(missing_ok=True)
        told = f"{fuzz.name('commands', number)}: {command}"
        began = time.process_time()
        done = Done(capfd, *command.replace("VKEY", vkey).split())
        assert name == "dump" or time.process_time() - began < 2, told
        assert done.code in range(4), told
        assert done.code == 0 or done.err.startswith("traceability: ") or done.out, (told, done.err)
        codes[done.code] += 1
        Path(name).write_bytes(honest[name])
    assert set(codes) >= {1, 3}
