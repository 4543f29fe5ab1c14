"""The examples of docs/api.md, run as they stand against a server."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trade import LOG, Pen, bag

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
EXAMPLES = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def desk(served, tmp_path_factory):
    """Runs a command line where a trader's key and events lie, and gives what it printed."""
    world, server, _ = served
    folder = tmp_path_factory.mktemp("desk")
    pen = Pen("of the document")
    world.take(world.office.enrol(pen, "miner", "trader"))
    key = f"party: {pen.party}\nlog: {LOG}\n".encode() + pen.key.to_pem()
    (folder / "trader.pem").write_bytes(key)
    body = {"region": "RW-04", "source": "device", "lots": [bag("25.40")]}
    (folder / "production.json").write_text(json.dumps({"kind": "production", "body": body}))
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=folder, env={**os.environ, "URL": server.url, "PATH": tools}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_tour_can_be_walked(desk, served):
    """Each example does what the text beside it says."""
    log, one, many, lots, tag, tree = EXAMPLES
    assert json.loads(desk(log))["origin"] == LOG
    proof = json.loads(desk(one))
    assert {
        "event_id",
        "index",
        "entry",
        "blind",
        "proof",
        "checkpoint",
        "stands",
        "lots",
        "findings",
    } == proof.keys()
    desk('sed \'s/"nonce": *"[^"]*"/"nonce": "new"/\' production.json > more.json')
    desk("traceability sign more.json --key trader.pem --sequence 1 > more.line")
    answers = [json.loads(line) for line in desk(many).splitlines()]
    assert [(answer["line"], answer["status"]) for answer in answers] == [(1, 200), (2, 201)]
    assert len(json.loads(desk(lots))["lots"]) == 2
    assert json.loads(desk(tag))["type"] == "/problems/not_here"
    assert desk(tree).startswith(LOG)


def test_the_tour_passes_every_address_of_the_document(served):
    """Nothing that is served is left out of the page."""
    text = DOCUMENT.read_text()
    for path in served[2].get("/openapi.json").json()["paths"]:
        for part in path.strip("/").split("/"):
            assert part.startswith("{") or part in text, path
