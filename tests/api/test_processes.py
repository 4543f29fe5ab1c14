"""Two server processes on two ports and one PostgreSQL, behind a proxy that knows nothing of them."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Self

import httpx
import psycopg
import pytest
from world import World, submission

from commands import free_port
from traceability.ledger import fsck
from traceability.ledger.guard import FileGuard
from traceability.ledger.store import Store
from trade import LOG_SIGNER, Pen, produce


class Proxy:
    """Hands each new connection to the next of its servers, or to the one after it where that does not answer."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.port = free_port()
        self._turn = count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._run(),), daemon=True
        )
        self._stop = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    async def _run(self) -> None:
        async with await asyncio.start_server(self._serve, "127.0.0.1", self.port):
            await self._stop.wait()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _serve(self, reader, writer) -> None:
        for _ in self.ports:
            port = self.ports[next(self._turn) % len(self.ports)]
            try:
                there, to = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                continue
        else:
            writer.close()
            return
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._pump(reader, to), self._pump(there, writer))

    async def _pump(self, reader, writer) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


@pytest.fixture
def world(postgres_url, tmp_path):
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE processes")
    world = World(postgres_url.replace("/ledger", "/processes", 1), tmp_path)
    world.pens = [Pen(f"clerk {number}") for number in range(8)]
    world.take(*(world.office.enrol(pen, "miner") for pen in world.pens))
    world.services.close()
    (tmp_path / "log-key").write_text(LOG_SIGNER.encode() + "\n")
    return world


@contextlib.contextmanager
def process(world, port: int):
    """`traceability serve` on this port, ready."""
    folder = world.services.settings.data
    settings = {
        "DATA": str(folder),
        "DATABASE_URL": world.services.settings.database_url,
        "GUARD": str(folder / "guard"),
        "LOG_KEY": str(folder / "log-key"),
        "PORT": str(port),
    }
    with (folder / f"log-{port}").open("w") as log:
        command = [sys.executable, "-m", "traceability", "serve"]
        running = subprocess.Popen(command, env={**os.environ, **settings}, stderr=log, stdout=log)
    try:
        until = time.monotonic() + 90
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                    break
            assert running.poll() is None, (folder / f"log-{port}").read_text()
            assert time.monotonic() < until
            time.sleep(0.1)
        yield running
    finally:
        running.kill()
        running.wait()


@pytest.mark.threat("T48")
def test_one_of_two_processes_dies_and_nobody_loses_anything(world):
    """Eight clerks by way of a proxy; one process is killed while they work: each event is in the log once."""
    ports = [free_port(), free_port()]
    told: dict[str, set[int]] = {}
    resent = count()
    half = threading.Event()

    def work(pen: Pen, proxy: Proxy) -> None:
        for number in range(24):
            if number == 12:
                half.set()
            signed = produce(pen, "1")
            for _ in range(200):
                try:
                    # A connection of its own, so that the proxy takes turns.
                    answer = httpx.post(
                        f"http://127.0.0.1:{proxy.port}/v1/events", json=submission(signed), timeout=60
                    )
                except httpx.TransportError:
                    next(resent)
                    continue
                if answer.status_code in (200, 201):
                    told.setdefault(signed.id, set()).add(answer.json()["index"])
                    break
                assert answer.status_code == 503, answer.text
                time.sleep(0.1)

    with process(world, ports[0]) as first, process(world, ports[1]), Proxy(ports) as proxy:
        with ThreadPoolExecutor(8) as threads:
            working = [threads.submit(work, pen, proxy) for pen in world.pens]
            half.wait(120)
            first.kill()
            for each in working:
                each.result()
        with process(world, ports[0]):
            notes = {httpx.get(f"http://127.0.0.1:{port}/checkpoint").text for port in ports}
            assert len(notes) == 1
            assert httpx.get(f"http://127.0.0.1:{proxy.port}/v1/log").json()["signing"] is True
    assert len(told) == 8 * 24
    assert all(len(indexes) == 1 for indexes in told.values())
    assert len(set().union(*told.values())) == len(told)
    guard = FileGuard(world.services.settings.data / "guard", LOG_SIGNER.verifier.encode())
    with contextlib.closing(Store(world.services.settings.database_url)) as store:
        assert fsck.check(store, guard).verdict == "good"
        with store.read() as view:
            found = {entry.event_id: entry.index for entry in view.entries(0, 10_000)}
    assert all({found[name]} == indexes for name, indexes in told.items())
