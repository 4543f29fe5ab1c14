"""A client that keeps connections, sends many requests before it reads, and reads what was answered byte by byte.

It uses nothing of an HTTP library: what a server may answer is written here once more, and refused otherwise.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import NamedTuple, Self

HANG_SECONDS = 2.0
"""How long an answer may take on a machine that is not busy. One that took longer is asked for again, alone."""
GIVE_UP_SECONDS = 60.0
HELD_SECONDS = 8.0
"""How long a connection may stay open once its client has ended: less than the server's deadline for a head, which would hide it."""
TRIES = 5
SILENCE_SECONDS = 0.05


class Answer(NamedTuple):
    """One answer. `seconds`: since the one before it on this connection, or since all was sent."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Broken(Exception):  # noqa: N818
    """The server said what is no answer, or nothing."""


class Connection:
    """One connection; used in a `with`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._sending: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 22))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._sending is not None:
            self._sending.cancel()
        self._writer.transport.abort()

    def send(self, data: bytes, random: Random) -> None:
        """Begins to send, in pieces of any size."""
        self._sending = asyncio.ensure_future(self._send(data, random))

    async def _send(self, data: bytes, random: Random) -> None:
        at = 0
        with contextlib.suppress(OSError):  # it closed: what it said tells why
            while at < len(data):
                size = random.choice((1, 7, 1000, 60_000, len(data)))
                self._writer.write(data[at : at + size])
                await self._writer.drain()
                at += size

    async def answer(self, method: str) -> Answer | None:
        """The next answer to a request of this method; None where the connection was closed before it."""
        began = time.monotonic()
        status = 100
        while status < 200:
            try:
                async with asyncio.timeout(GIVE_UP_SECONDS):
                    head = await self._reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, OSError) as error:
                if getattr(error, "partial", b""):
                    raise Broken(f"half a head: {error.partial[:200]!r}") from error
                return None
            except TimeoutError as error:
                raise Broken(f"nothing came for {GIVE_UP_SECONDS:.0f} seconds") from error
            status, headers = parsed(head)
        body = b"" if method == "HEAD" or status in (204, 304) else await self._body(headers)
        return Answer(status, headers, body, time.monotonic() - began)

    async def _body(self, headers: dict[str, str]) -> bytes:
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                if headers.get("transfer-encoding") != "chunked":
                    return await self._reader.readexactly(int(headers["content-length"]))
                whole = b""
                while size := int((await self._reader.readuntil(b"\r\n")).strip(), 16):
                    whole += await self._reader.readexactly(size)
                    assert await self._reader.readexactly(2) == b"\r\n"
                assert await self._reader.readexactly(2) == b"\r\n"
                return whole
        except (asyncio.IncompleteReadError, OSError, TimeoutError, KeyError) as error:
            raise Broken(f"half a body, after {headers}: {error!r}") from error

    async def rest(self) -> bytes | None:
        """All that still comes: after a silence we end our half, and then the server ends its own. None where it hangs."""
        said = b""
        ended = False
        try:
            while True:
                try:
                    async with asyncio.timeout(HELD_SECONDS if ended else SILENCE_SECONDS):
                        more = await self._reader.read(1 << 16)
                except TimeoutError:
                    if ended:
                        return None
                    ended = True
                    self._writer.write_eof()
                    continue
                if not more:
                    return said
                said += more
        except OSError:
            return said


def parsed(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers. Raises Broken for what is no head."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    if not first.startswith("HTTP/1.1 ") or not first[9:12].isdigit():
        raise Broken(f"no status line: {first[:200]!r}")
    headers: dict[str, str] = {}
    for each in lines:
        name, colon, value = each.partition(": ")
        if not colon or (name.lower() in headers and name.lower() != "set-cookie"):
            raise Broken(f"no header, or twice: {each[:200]!r}")
        headers[name.lower()] = value
    return int(first[9:12]), headers


async def converse(
    port: int, requests: Sequence[tuple[bytes, str]], random: Random, tail: bytes = b""
) -> tuple[list[Answer], bytes | None]:
    """The answers to these (request, method), sent at once over one connection, and what came to the tail behind them.

    Where an answer says that the connection ends with it, the others go over the next one. Raises Broken where an
    answer is missing otherwise.
    """
    answers: list[Answer] = []
    while True:
        with await Connection.open(port) as connection:
            left = requests[len(answers) :]
            connection.send(b"".join(data for data, _ in left) + tail, random)
            before = len(answers)
            for _, method in left:
                answer = await connection.answer(method)
                if answer is None:
                    break
                answers.append(answer)
                if answer.headers.get("connection") == "close":
                    break
            if len(answers) == len(requests):
                closed = bool(answers) and answers[-1].headers.get("connection") == "close"
                return answers, b"" if closed or not tail else await connection.rest()
            if len(answers) == before or answers[-1].headers.get("connection") != "close":
                raise Broken(f"closed without an answer to {requests[len(answers)][0][:500]!r}")


async def is_slow(port: int, data: bytes, method: str, heard: Callable[[Answer], None]) -> bool:
    """Whether this request takes longer than it may, again and again, on a machine that answers others at once."""
    for _ in range(TRIES):
        answer, took = await _timed(port, data, method)
        heard(answer)
        _, usual = await _timed(port, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET")
        if took < max(HANG_SECONDS, 50 * usual):
            return False
    return True


async def _timed(port: int, data: bytes, method: str) -> tuple[Answer, float]:
    began = time.monotonic()
    (answer,), _ = await converse(port, [(data, method)], Random(0))
    return answer, time.monotonic() - began


def answers_in(said: bytes) -> list[tuple[int, bytes]]:
    """(status, body) of each answer in the bytes of a connection, where nobody knows what was asked."""
    found = []
    for part in said.split(b"HTTP/1.1 ")[1:]:
        head, _, body = part.partition(b"\r\n\r\n")
        found.append((int(head[:3]), unchunked(body) if b"chunked" in head.lower() else body))
    return found


def unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        whole += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
        if size == b"0":
            break
    return whole


def at_once(work: Callable[[int], Coroutine[None, None, None]], count: int, workers: int) -> None:
    """Does `work` for each number below count, so many at a time; each worker has its own numbers."""

    async def one_after_another(first: int) -> None:
        for number in range(first, count, workers):
            await work(number)

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            for worker in range(min(workers, count)):
                group.create_task(one_after_another(worker))

    try:
        asyncio.run(run())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
