"""Far more clients than a server takes, and honest ones among them: what each of them was told."""

import asyncio
import contextlib
import itertools
import json
import os
import time
from collections import Counter
from pathlib import Path

from world import World, submission

from trade import Pen, produce

HEAD = "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"


def requests(world: World, pens: int, each: int) -> list[bytes]:
    """Whole requests with an event each, of people who are enrolled."""
    people = [Pen(f"flood {number}") for number in range(pens)]
    world.take(*(world.office.enrol(pen, "miner") for pen in people))
    bodies = [json.dumps(submission(produce(pen, "1"))).encode() for _ in range(each) for pen in people]
    return [HEAD.format(len(body)).encode() + body for body in bodies]


def resident_bytes(pid: int) -> int:
    """What a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Flood:
    """Clients that send event after event, wait for no Retry-After, and count what they are told."""

    def __init__(self, port: int, pid: int, events: list[bytes]) -> None:
        self.port = port
        self.pid = pid
        self.told: Counter[int] = Counter()
        self.without_retry = 0
        self.broken = 0
        """Connections that ended without an answer."""
        self.reads: list[float] = []
        """Seconds of each honest read, in their order."""
        self.late_reads = 0
        """Of them, those that began and were answered in the second half of it all."""
        self.failed_reads: list[bytes] = []
        self.memory: list[int] = []
        self._events = itertools.cycle(events)
        self._half = self._until = 0.0

    async def run(self, clients: int, seconds: float) -> None:
        """All at once, for so long."""
        self._half = time.monotonic() + seconds / 2
        self._until = self._half + seconds / 2
        await asyncio.gather(
            self._read(), self._watch(), *(self._send(number / clients) for number in range(clients))
        )

    async def _send(self, later: float) -> None:
        await asyncio.sleep(later)
        while time.monotonic() < self._until:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    while time.monotonic() < self._until:
                        writer.write(next(self._events))
                        head = await answered(reader)
                        status = int(head[9:12])
                        self.told[status] += 1
                        self.without_retry += status == 503 and b"\r\nretry-after: " not in head.lower()
                        if b"\r\nconnection: close" in head.lower():
                            break
                except asyncio.IncompleteReadError:
                    self.broken += 1
                finally:
                    await closed(writer)

    async def _read(self) -> None:
        for path in itertools.cycle(("/v1/log", "/checkpoint", "/v1/sites", "/readyz")):
            begun = time.monotonic()
            said = await asked(self.port, path)
            ended = time.monotonic()
            self.reads.append(ended - begun)
            self.late_reads += self._half < begun and ended < self._until
            if not said.startswith(b"HTTP/1.1 200"):
                self.failed_reads.append(said)
            if begun > self._until:
                return
            await asyncio.sleep(0.02)

    async def _watch(self) -> None:
        while time.monotonic() < self._until:
            self.memory.append(resident_bytes(self.pid))
            await asyncio.sleep(0.2)


async def asked(port: int, path: str) -> bytes:
    """The head of the answer to a read on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return await answered(reader)
    finally:
        await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def answered(reader: asyncio.StreamReader) -> bytes:
    """Reads one answer and gives its head."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    return head


def quantile(found: list[float], part: float) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * part))]
