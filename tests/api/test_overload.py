"""More load than a server takes, for a while: it says so early, goes on reading out, holds no more memory, recovers.

In the suite for some seconds and with a smaller door; `make overload` with the real one, for minutes, and figures.
"""

import asyncio
import contextlib
import itertools
import os
import sys
import time

import httpx
import pytest
from flood import HEAD, Flood, asked, closed, quantile, requests, resident_bytes
from test_stopping import process_of, started
from world import submission

from patience import SECONDS as PATIENCE_SECONDS
from traceability.api.admission import EVENTS_MAX, WAIT_SECONDS
from traceability.ledger.store import Store
from trade import produce

SECONDS = float(os.environ.get("OVERLOAD_SECONDS", "8"))
CLIENTS = int(os.environ.get("OVERLOAD_CLIENTS", "300"))
DOOR, WAIT = (EVENTS_MAX, WAIT_SECONDS) if CLIENTS > EVENTS_MAX * 10 else (CLIENTS // 10, 0.05)
PROGRAM = f"""
from traceability.api import limits, logging, server
from traceability.api.admission import Admission
from traceability.api.app import create_app
from traceability.api.services import Services
from traceability.settings import load
settings = load()
services = Services.open(settings)._replace(admission=Admission(events_max={DOOR}, wait_seconds={WAIT}))
logging.configure()
limits.IDLE_SECONDS = 3600
server.serve(create_app(services), settings.host, settings.port)
"""
MIB = 1 << 20
EACH = int(SECONDS * 100) if SECONDS >= 60 else 50
"""How many events of each of twenty miners are sent: for minutes, about as many as can be taken; else again and again."""
USUAL = 0.8
"""A busy day, as part of what the server can take from 64 clients: what reads under a flood are held against."""


@contextlib.contextmanager
def on_cores(some: set[int]):
    """Whatever is started within runs on these cores: server and flood do not take each other's time."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, some)
    yield
    os.sched_setaffinity(0, before)


@pytest.fixture
def process(tmp_path):
    """(world, process, port, events): a server in a process of its own on a core of its own, and requests for it."""
    events: list[bytes] = []
    first, *others = sorted(os.sched_getaffinity(0))
    with contextlib.ExitStack() as cores:
        with on_cores({first}):
            found = cores.enter_context(
                process_of(tmp_path, PROGRAM, lambda world: events.extend(requests(world, 20, EACH)))
            )
        cores.enter_context(on_cores(set(others) or {first}))
        yield *found, events


@pytest.mark.threat("T74")
def test_writes_are_shed_and_reads_are_not(process, tmp_path):
    """Ten times as many clients as are let in: 503 with Retry-After for writes, every read answered, memory flat.

    Reads at a process of their own take no longer than on a busy day, though it has to share the server's core.
    """
    world, running, port, some = process
    events = itertools.cycle(some)
    with on_cores(os.sched_getaffinity(running.pid)):
        beside = contextlib.ExitStack()
        _, reading = beside.enter_context(started(tmp_path, PROGRAM))
    with beside:
        began_with = resident_bytes(running.pid)

        def flooded(clients: int, seconds: float, a_second: float | None = None) -> Flood:
            flood = Flood(port, running.pid, events, [port, reading])
            asyncio.run(flood.run(clients, seconds, a_second=a_second))
            return flood

        quiet = max(1.0, min(10.0, SECONDS / 8))
        most = flooded(64, quiet)
        a_second = sum(most.told.values()) / most.seconds
        usual = flooded(64, 2 * quiet, USUAL * a_second)
        flood = flooded(CLIENTS, SECONDS)
        ended = time.monotonic()
        url = f"http://127.0.0.1:{port}"
        answer = httpx.post(f"{url}/v1/events", json=submission(produce(world.anna, "1")))
        recovered = time.monotonic() - ended
        after = flooded(1, quiet, 1)
    phases = {f"usual, {USUAL * a_second:.0f} a second": usual, "under it": flood, "after": after}
    report(phases, flood, recovered, began_with)
    assert answer.status_code == 201
    assert recovered < 60
    assert set(flood.told) <= {200, 201, 503}
    # With the real door it may be that all get their turn in time; with the small one some never do.
    assert flood.told[503] > 0 or DOOR == EVENTS_MAX
    assert flood.told[200] + flood.told[201] > 0
    assert flood.without_retry == 0
    assert flood.failed_reads == []
    assert flood.late_reads > 0, "whoever comes newly is not heard until all is over"
    assert max(flood.memory) < began_with + 300 * MIB
    if SECONDS >= 60:
        third = len(flood.memory) // 3
        assert max(flood.memory[2 * third :]) < max(flood.memory[:third]) + 64 * MIB
        assert quantile(flood.reads[reading], 0.99) < 2 * quantile(usual.reads[reading], 0.99)
    running.terminate()
    running.wait(PATIENCE_SECONDS)
    store = Store(f"sqlite:///{tmp_path}/ledger.sqlite3")
    with store.read() as view:
        taken = sum(one.told[201] for one in (most, usual, flood, after))
        assert view.head().size == world.parties + taken + 1
    store.close()


def report(phases: dict[str, Flood], flood: Flood, recovered: float, began_with: int) -> None:
    """For who runs it by hand (pytest -s)."""
    lines = [
        f"{CLIENTS} clients, {SECONDS:.0f} s, {DOOR} events let in at once, others after {WAIT} s refused",
        f"answers to events: {dict(sorted(flood.told.items()))}; cut: {flood.broken}",
        *(
            f"reads {name}, {where}: {len(took)}, "
            + ", ".join(
                f"p{part * 100:.0f} {quantile(took, part) * 1000:.0f} ms" for part in (0.5, 0.9, 0.99)
            )
            for name, one in phases.items()
            for where, took in zip(("where it is flooded", "beside"), one.reads.values(), strict=True)
        ),
        f"memory: {began_with / MIB:.0f} MiB before, {max(flood.memory) / MIB:.0f} at most",
        f"first write after it: {recovered:.1f} s",
    ]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


@pytest.mark.threat("T14")
def test_large_bodies_by_the_hundred_fill_no_memory(process):
    """Clients that send most of a mebibyte and fall silent: some are told 503, memory stays, an honest event passes."""
    world, running, port, _ = process
    began_with = resident_bytes(running.pid)
    head = HEAD.format(MIB).encode()

    refused: list[bytes] = []

    async def slow(enough: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(head + b" " * (MIB - 9))
            said = await reader.read(400)
            if said.startswith(b"HTTP/1.1 503"):
                refused.append(said)
            if len(refused) > 50:
                enough.set()
            await reader.read()
        finally:
            await closed(writer)

    async def all_of_them() -> None:
        enough = asyncio.Event()
        held = [asyncio.create_task(slow(enough)) for _ in range(200)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            await enough.wait()
        grown = resident_bytes(running.pid) - began_with
        assert grown < 200 * MIB, f"{grown / MIB:.0f} MiB"
        body = submission(produce(world.anna, "1"))
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"http://127.0.0.1:{port}/v1/events", json=body)
        assert answer.status_code == 201
        assert (await asked(port, "/v1/log")).startswith(b"HTTP/1.1 200")
        for each in held:
            each.cancel()
        await asyncio.gather(*held, return_exceptions=True)

    asyncio.run(all_of_them())
    assert all(b"retry-after: " in each for each in refused)
