"""How fast single events come in over HTTP, against a bare FastAPI route that only checks the signature.

Server and client are processes of their own on the same machine; 64 connections send one event after the other.
"""

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import orjson
import uvicorn
from fastapi import FastAPI, Request

from benchmarks import ledgers
from benchmarks.ledgers import Neighbours
from benchmarks.measure import Figure, of_pairs
from traceability.api.app import create_app
from traceability.api.server import serve
from traceability.api.services import Services
from traceability.core import events
from traceability.core.signing import Envelope, PublicKey, event_pae
from traceability.ledger.answers import Submission
from traceability.settings import Settings

CONNECTIONS = 64


def append(genesis: Submission, folder: Path, rounds: int, each: int) -> Figure:
    """`append_http`: `each` events a connection and round."""
    url = f"sqlite:///{folder}/http.sqlite3"
    ledger = ledgers.begin(url, folder / "http", genesis)
    pairs = []
    people = [Neighbours(500 + number, CONNECTIONS, lots=1) for number in range(2 * rounds)]
    for some in people:
        ledgers.all_recorded(ledger.append(some.opening))
    ledgers.end(ledger)
    with serving(bare, keys(people)) as plain, serving(ledger_server, (str(folder), url)) as ours:
        for number in range(rounds):
            trade = [some.productions(each) for some in people[2 * number : 2 * number + 2]]
            baseline = load(plain.port, trade[0])
            pairs.append((load(ours.port, trade[1]), baseline))
    return of_pairs("append_http", pairs, "requests/s", 0.55, 0.80)


def keys(people: Sequence[Neighbours]) -> list[bytes]:
    """The keys of these miners, as SubjectPublicKeyInfo."""
    return [
        bytes(key.public.spki)
        for some in people
        for key in (miner.pen.key for miner in some._miners)  # noqa: SLF001  # a friend
    ]


class serving:  # noqa: N801  # a context manager
    """A server in a process of its own, with its `port` and, once it is there, its `pid`."""

    def __init__(self, target: Any, argument: Any) -> None:
        context = multiprocessing.get_context("spawn")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process = context.Process(target=target, args=(argument, self.port))
        self.pid = 0

    def __enter__(self) -> Self:
        self._process.start()
        self.pid = self._process.pid or 0
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def ledger_server(argument: tuple[str, str], port: int) -> None:
    """Serves the ledger at the URL, the second argument; key and guard are in the folder, the first."""
    folder, url = argument
    log_key = Path(folder) / "http-log-key"
    log_key.write_text(ledgers.SIGNER.encode())
    log_key.chmod(0o600)
    settings = Settings(
        data=Path(folder), database_url=url, log_key=log_key, guard=str(Path(folder) / "http"), port=port
    )
    serve(create_app(Services.open(settings)), "127.0.0.1", port)


def bare(spkis: Sequence[bytes], port: int) -> None:
    """Serves the bare route, for events signed with these keys."""
    known = {key.id: key for key in map(PublicKey, spkis)}
    app = FastAPI()

    @app.post("/v1/events", status_code=201)
    async def check(request: Request) -> dict[str, str]:
        envelope = Envelope.parse(orjson.loads(await request.body())["envelope"])
        event = events.read(envelope)
        known[event.key].verify(envelope.signature, event_pae(envelope.payload))
        return {"kind": event.kind}

    uvicorn.run(app, host="127.0.0.1", port=port, loop="asyncio", log_level="critical", access_log=False)


def load(port: int, trade: Sequence[Sequence[Submission]]) -> float:
    """Requests a second, each connection sending its own list in order."""
    sent = [[_request(port, submission) for submission in some] for some in trade]
    started = time.perf_counter()
    asyncio.run(_all(port, sent))
    return sum(map(len, sent)) / (time.perf_counter() - started)


async def _all(port: int, sent: Sequence[Sequence[bytes]]) -> None:
    await asyncio.gather(*(_one(port, requests) for requests in sent))


async def _one(port: int, requests: Sequence[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        assert b" 201 " in head[:20], head + body
    writer.close()
    await writer.wait_closed()


def _request(port: int, submission: Submission) -> bytes:
    disclosures = [list(opened) for opened in submission.disclosures]
    body = b'{"disclosures":%s,"envelope":%s}' % (orjson.dumps(disclosures), submission.envelope.to_json())
    return (
        b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (port, len(body), body)
    )
