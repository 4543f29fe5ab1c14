"""SIGTERM to a real process: what it was told is stored, what it had begun is answered, and then it ends."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest
from world import World, line, submission

from commands import free_port
from patience import SECONDS, until
from traceability.ledger.store import Store
from trade import LOG_SIGNER, produce

PROGRAM = """
import sys
from traceability.api import logging, server
from traceability.api.app import create_app
from traceability.settings import load
settings = load()
app = create_app(settings)
logging.configure()
server.DRAIN_SECONDS = 3600
server.serve(app, settings.host, settings.port)
"""
"""It drains for as long as it takes: whoever stays for nothing is waited for in vain, and that is seen."""


@contextlib.contextmanager
def process_of(folder, program, prepare=lambda world: None):
    """(world, process, port): a server in a process of its own on a ledger with a few parties."""
    world = World(f"sqlite:///{folder}/ledger.sqlite3", folder)
    prepare(world)
    world.parties = world.size()
    world.services.close()
    (folder / "log-key").write_text(LOG_SIGNER.encode() + "\n")
    with started(folder, program) as (running, port):
        yield world, running, port


@contextlib.contextmanager
def started(folder, program):
    """(process, port): one more server on the ledger in this folder."""
    port = free_port()
    settings = {
        "DATA": str(folder),
        "GUARD": str(folder / "guard"),
        "LOG_KEY": str(folder / "log-key"),
        "PORT": str(port),
    }
    noted = folder / f"stderr-{port}"
    with noted.open("w") as stderr:
        running = subprocess.Popen(
            [sys.executable, "-c", program], env={**os.environ, **settings}, stderr=stderr, cwd=folder
        )
    try:
        until(lambda: running.poll() is not None or is_heard(port))
        assert running.poll() is None, noted.read_text()
        yield running, port
    finally:
        running.kill()
        running.wait()


def is_heard(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionError:
        return False
    return True


@pytest.fixture
def process(tmp_path):
    with process_of(tmp_path, PROGRAM) as found:
        yield found


def test_sigterm_drains_and_loses_nothing(process, tmp_path):
    """Under load: every answer given is in the log afterwards, the stream under way ends well, the exit is quick."""
    world, running, port = process
    url = f"http://127.0.0.1:{port}/v1/events"
    acknowledged: set[str] = set()
    refused = 0
    stop = threading.Event()
    events = iter([produce(world.anna, "1") for _ in range(600)])
    lock = threading.Lock()

    def send() -> None:
        nonlocal refused
        with httpx.Client() as client:
            while not stop.is_set():
                with lock:
                    signed = next(events, None)
                if signed is None:
                    return
                try:
                    answer = client.post(url, json=submission(signed))
                except httpx.TransportError:
                    refused += 1
                    return
                if answer.status_code == 201:
                    acknowledged.add(answer.json()["event_id"])

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()

    stream = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
    body = [line(produce(world.anna, "1")) for _ in range(3)]
    stream.sendall(
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n"
        % sum(map(len, body))
        + body[0]
    )
    said = b""
    while b'"status":201' not in said:
        data = stream.recv(65536)
        assert data, said
        said += data
    until(lambda: len(acknowledged) >= 20)
    running.send_signal(signal.SIGTERM)
    until(lambda: not is_heard(port))
    stream.sendall(b"".join(body[1:]))
    while not said.endswith(b"0\r\n\r\n"):
        data = stream.recv(65536)
        assert data, said
        said += data
    stream.close()
    code = running.wait(SECONDS)
    stop.set()
    for sender in senders:
        sender.join()
    assert said.count(b'"status":201') == 3
    assert code in (0, -signal.SIGTERM)

    store = Store(f"sqlite:///{tmp_path}/ledger.sqlite3")
    with store.read() as view:
        size = view.head().size
        stored = {entry.event_id for entry in view.entries(0, size)}
        published = view.checkpoint()
    store.close()
    assert acknowledged <= stored
    assert published is not None
    assert published[0] == size


@pytest.mark.threat("T80")
def test_the_log_of_a_process_is_json_without_what_is_private(process, tmp_path):
    """Every line on stderr is an object; paths, codes, bodies and headers are in none of them."""
    _, running, port = process
    url = f"http://127.0.0.1:{port}"
    httpx.get(f"{url}/v1/tags/K7QF-3M9T-XB2R1")
    httpx.get(
        f"{url}/v1/lots?custodian=geheim", headers={"Authorization": "DSSE c2VjcmV0", "User-Agent": "Jean"}
    )
    httpx.post(f"{url}/v1/events", content=b'{"name":"Jean"}', headers={"Content-Type": "application/json"})
    running.send_signal(signal.SIGTERM)
    running.wait(SECONDS)
    lines = (tmp_path / f"stderr-{port}").read_text().splitlines()
    found = [json.loads(text) for text in lines]
    requests = [one for one in found if one["logger"] == "traceability.requests"]
    assert [one["route"] for one in requests[-3:]] == ["/v1/tags/{code}", "/v1/lots", "/v1/events"]
    assert all(one["request_id"] and one["status"] and "ms" in one for one in requests)
    for private in ("K7QF", "geheim", "Jean", "c2Vj", "custodian"):
        assert private not in "\n".join(lines)
