"""Two server processes on two ports and one PostgreSQL, behind a proxy that knows nothing of them."""

import asyncio
import contextlib
import os
import random
import signal
import socket
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

from commands import free_ports
from patience import SECONDS as PATIENCE_SECONDS
from patience import until
from traceability.ledger import fsck
from traceability.ledger.guard import FileGuard
from traceability.ledger.store import Store
from trade import LOG_SIGNER, Pen, produce

SECONDS = float(os.environ.get("PAUSE_SECONDS", "0.7"))
"""How long a process sleeps; a minute shows what a machine that was suspended does."""


class Proxy:
    """Hands each new connection to the next of its servers, or to the one after it where that does not answer."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
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
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    async def _run(self) -> None:
        async with await asyncio.start_server(self._serve, sock=self._listener):
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


_NUMBER = count()


@pytest.fixture
def world(postgres_url, tmp_path):
    name = f"processes_{next(_NUMBER)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    world = World(postgres_url.replace("/ledger", f"/{name}", 1), tmp_path)
    world.pens = [Pen(f"clerk {number}") for number in range(8)]
    world.take(*(world.office.enrol(pen, "miner") for pen in world.pens))
    world.services.close()
    (tmp_path / "log-key").write_text(LOG_SIGNER.encode() + "\n")
    return world


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.TransportError:
        return False


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
        "PGAPPNAME": f"at {port}",
    }
    with (folder / f"log-{port}").open("w") as log:
        command = [sys.executable, "-m", "traceability", "serve"]
        running = subprocess.Popen(command, env={**os.environ, **settings}, stderr=log, stdout=log)
    try:
        until(lambda: running.poll() is not None or is_ready(port))
        assert running.poll() is None, (folder / f"log-{port}").read_text()
        yield running
    finally:
        running.kill()
        running.wait()


@pytest.mark.threat("T48")
def test_one_of_two_processes_dies_and_nobody_loses_anything(world):
    """Eight clerks by way of a proxy; one process is killed while they work: each event is in the log once."""
    ports = free_ports(2)
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
                    answer = httpx.post(f"http://127.0.0.1:{proxy.port}/v1/events", json=submission(signed))
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
            assert half.wait(PATIENCE_SECONDS)
            first.kill()
            for each in working:
                each.result()
        with process(world, ports[0]):
            notes = {httpx.get(f"http://127.0.0.1:{port}/checkpoint").text for port in ports}
            assert len(notes) == 1
            assert httpx.get(f"http://127.0.0.1:{proxy.port}/v1/log").json()["signing"] is True
    assert len(told) == 8 * 24
    check_told(world, told)


def check_told(world, told: dict[str, set[int]]) -> None:
    """Each event was told one index whoever answered, and is there; and all of the ledger is good."""
    assert all(len(indexes) == 1 for indexes in told.values())
    assert len(set().union(*told.values())) == len(told)
    guard = FileGuard(world.services.settings.data / "guard", LOG_SIGNER.verifier.encode())
    with contextlib.closing(Store(world.services.settings.database_url)) as store:
        assert fsck.check(store, guard).verdict == "good"
        with store.read() as view:
            found = {entry.event_id: entry.index for entry in view.entries(0, 10_000)}
    assert all({found[name]} == indexes for name, indexes in told.items())


def put_to_sleep(world, running: subprocess.Popen, port: int) -> None:
    """Stops this process in the middle of an append: with the head of the log locked by its transaction."""
    locked = (
        "SELECT count(*) FILTER (WHERE state = 'active'), "
        "count(*) FILTER (WHERE state = 'idle in transaction' AND backend_xid IS NOT NULL) "
        "FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
    )
    with psycopg.connect(world.services.settings.database_url, autocommit=True) as connection:

        def in_the_middle() -> bool:
            running.send_signal(signal.SIGSTOP)
            for _ in range(10):  # what the database does at that moment, it ends
                time.sleep(0.02)
                at_work, locks = connection.execute(locked, (f"at {port}",)).fetchone()
                if locks:
                    return True
                if not at_work:
                    break
            running.send_signal(signal.SIGCONT)
            time.sleep(random.uniform(0.001, 0.05))
            return False

        until(in_the_middle, "it was never in the middle of an append")


@pytest.mark.threat("T48")
@pytest.mark.parametrize("processes", [2, 4])
def test_one_of_the_servers_sleeps_in_the_middle_of_an_append(world, processes):
    """While it holds the head of the log, others read and wait; woken, it goes on. Who got no answer sends again elsewhere."""
    ports = free_ports(processes)
    told: dict[str, set[int]] = {}
    resent = count()
    woken = threading.Event()

    def work(number: int, pen: Pen, client: httpx.Client) -> None:
        more = 0
        while not woken.is_set() or more < 4:
            more += woken.is_set()
            signed, turn = produce(pen, "1"), number
            while signed.id not in told:
                url = f"http://127.0.0.1:{ports[turn % processes]}/v1/events"
                try:
                    answer = client.post(
                        url,
                        json=submission(signed),
                        timeout=SECONDS / 10 if SECONDS >= 5 else PATIENCE_SECONDS,
                    )
                except httpx.TransportError:
                    turn += 1
                    next(resent)
                    continue
                assert answer.status_code in (200, 201, 503), answer.text
                if answer.status_code != 503:
                    told.setdefault(signed.id, set()).add(answer.json()["index"])

    with contextlib.ExitStack() as served, ThreadPoolExecutor(8) as threads:
        running = [served.enter_context(process(world, port)) for port in ports]
        client = served.enter_context(httpx.Client())
        working = [threads.submit(work, number, pen, client) for number, pen in enumerate(world.pens)]
        try:
            put_to_sleep(world, running[0], ports[0])
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                assert httpx.get(f"http://127.0.0.1:{ports[1]}/v1/log").status_code == 200
                time.sleep(0.1)
        finally:
            running[0].send_signal(signal.SIGCONT)
            woken.set()
        for each in working:
            each.result(PATIENCE_SECONDS)
        notes = {httpx.get(f"http://127.0.0.1:{port}/checkpoint").text for port in ports}
        assert len(notes) == 1
    assert next(resent) > 0 or SECONDS < 5
    check_told(world, told)
