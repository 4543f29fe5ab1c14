"""Far more clients than a server takes, and honest ones among them: what each of them was told."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from world import World, submission

from patience import SECONDS
from trade import Pen, produce

HONEST = Path(__file__).with_name("honest.py")
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
    """Clients that send event after event, wait for no Retry-After, and count what they are told.

    At each of the ports `read_at` an honest reader, in a process of his own, comes again and again.
    """

    def __init__(self, port: int, pid: int, events: Iterator[bytes], read_at: Sequence[int]) -> None:
        self.port = port
        self.pid = pid
        self.told: Counter[int] = Counter()
        self.without_retry = 0
        self.broken = 0
        """Connections that ended without an answer."""
        self.reads: dict[int, list[float]] = {at: [] for at in read_at}
        """By port, the seconds of each honest read, in their order."""
        self.late_reads = 0
        """Of those at the flooded port, how many began and were answered in the second half of it all."""
        self.seconds = 0.0
        """How long it went on."""
        self.failed_reads: list[str] = []
        self.memory: list[int] = []
        self._events = events
        self._until = 0.0

    async def run(self, clients: int, seconds: float, *, a_second: float | None = None) -> None:
        """As fast as they can, or so many events a second together.

        For so long, and until one who came newly in the second half of it was heard: a machine may be slow.
        """
        began = time.monotonic()
        self._until = began + seconds
        every = clients / a_second if a_second else 0.0
        await asyncio.gather(
            self._watch(),
            *(self._read(at, seconds) for at in self.reads),
            *(self._send(number / clients, every) for number in range(clients)),
        )
        self.seconds = time.monotonic() - began

    def _goes_on(self) -> bool:
        now = time.monotonic()
        return now < self._until or (self.late_reads == 0 and now < self._until + SECONDS)

    async def _send(self, later: float, every: float) -> None:
        await asyncio.sleep(later)
        due = time.monotonic()
        while self._goes_on():
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    while self._goes_on():
                        writer.write(next(self._events))
                        head = await answered(reader)
                        status = int(head[9:12])
                        self.told[status] += 1
                        self.without_retry += status == 503 and b"\r\nretry-after: " not in head.lower()
                        if b"\r\nconnection: close" in head.lower():
                            break
                        due += every
                        if every:
                            await asyncio.sleep(due - time.monotonic())
                except asyncio.IncompleteReadError:
                    self.broken += 1
                finally:
                    await closed(writer)

    async def _read(self, port: int, seconds: float) -> None:
        half = self._until - seconds / 2
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        process = await asyncio.create_subprocess_exec(sys.executable, str(HONEST), str(port), **pipes)
        async for said in process.stdout:
            begun, taken = json.loads(said)
            if isinstance(taken, str):
                self.failed_reads.append(taken)
            else:
                self.reads[port].append(taken)
                self.late_reads += port == self.port and half < begun and self._goes_on()
            if not self._goes_on():
                process.stdin.close()
        assert await process.wait() == 0

    async def _watch(self) -> None:
        while self._goes_on():
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
