"""Many events as lines of JSON (NDJSON), judged in their order and answered line by line.

Reading and answering go on side by side, so that a client may send everything before it reads anything.
Each line is handed to the writer when it has come, so it sees those before it, and its answer is sent when
the group it fell into is published. A line that is rejected stops nothing. When the connection is cut, the
lines that came whole are judged and nothing after them: what the log has is a prefix of what was sent.

What ends the stream early (too many lines or bytes, a pause, bad gzip) is the answer to the line at which it
happened, and nothing after that line is read.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import NamedTuple

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from traceability.api import limits
from traceability.api.answers import Spoken, of_problem, speak
from traceability.api.limits import Disconnected, Limits
from traceability.api.problems import Problem, request_id
from traceability.api.services import Services
from traceability.api.submission import read_submission
from traceability.core.errors import Malformed
from traceability.ledger.answers import Answer

LINES_MAX = 5000
LINE_SIZE_MAX = 1 << 20
WHOLE_SECONDS = 1800.0
BATCH = Limits(16 << 20, gzip=True, whole_seconds=WHOLE_SECONDS)
OPEN_MAX = 1024
"""How many lines of one stream may wait for the writer; no more are read meanwhile."""


class Line(NamedTuple):
    """One line, counted from 1; `data` is None for one that is too long."""

    number: int
    data: bytes | None


class Asked(NamedTuple):
    """A line under way: its answer, or what will give it."""

    number: int
    answer: Spoken | asyncio.Future[Answer | Problem]


class Splitter:
    """Cuts pieces into lines, keeping no more than one line, and that only up to its bound."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._too_long = False
        self.number = 1
        """Of the line now coming."""

    @property
    def size(self) -> int:
        """Of what has come of the line that is not whole yet."""
        return len(self._rest)

    def feed(self, piece: bytes) -> Iterator[Line]:
        """The lines that end in this piece."""
        *ends, rest = piece.split(b"\n")
        for end in ends:
            self._keep(end)
            yield self._cut()
        self._keep(rest)

    def end(self) -> Iterator[Line]:
        """The last line, where no line feed ended it."""
        if self._rest or self._too_long:
            yield self._cut()

    def _keep(self, data: bytes) -> None:
        if self._too_long or len(self._rest) + len(data) > LINE_SIZE_MAX:
            self._too_long = True
            self._rest.clear()
        else:
            self._rest += data

    def _cut(self) -> Line:
        line = Line(self.number, None if self._too_long else bytes(self._rest))
        self._rest.clear()
        self._too_long = False
        self.number += 1
        return line


class LinesResponse(Response):
    """Reads the lines of `request` and answers them as they are published."""

    def __init__(self, request: Request, services: Services) -> None:
        super().__init__()
        self._request = request
        self._services = services
        self._id = request_id(request.scope)
        self._asked: asyncio.Queue[Asked | None] = asyncio.Queue()
        self._open = asyncio.Semaphore(OPEN_MAX)
        self._held = services.admission.hold()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reading = asyncio.create_task(self._read())
        try:
            answers = self._answers()
            first = await anext(answers, None)
            if first is None:
                await reading  # raises what ended the stream before its first line
                await self._nothing()(scope, receive, send)
                return
            headers = [(b"content-type", b"application/x-ndjson")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async for line in answers:
                await send({"type": "http.response.body", "body": line, "more_body": True})
            await reading
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except Disconnected:
            pass  # what came is judged all the same; nobody is left to tell
        except Problem as problem:
            await problem.response(self._id)(scope, receive, send)
        finally:
            reading.cancel()
            self._held.close()

    def _nothing(self) -> Response:
        return Problem("malformed", "there is no line in this body").response(self._id)

    async def _read(self) -> None:
        """Reads to the end, asking the writer about each line. Raises what ends it before the first line."""
        splitter = Splitter()
        try:
            async for line in self._lines(splitter):
                if line.number > LINES_MAX:
                    self._refuse(line.number, f"at most {LINES_MAX} lines are taken in one request")
                    return
                if line.data is None or line.data.strip():
                    await self._ask(line)
        except Problem as problem:
            if splitter.number == 1:
                raise
            self._say(splitter.number, problem)
        finally:
            self._asked.put_nowait(None)

    async def _lines(self, splitter: Splitter) -> AsyncIterator[Line]:
        async for piece in limits.pieces(self._request, BATCH):
            for line in splitter.feed(piece):
                yield line
            self._held.resize(splitter.size)
        for line in splitter.end():
            yield line

    async def _ask(self, line: Line) -> None:
        await asyncio.sleep(0)  # others are served between two lines
        if line.data is None:
            self._refuse(line.number, f"a line has at most {LINE_SIZE_MAX} bytes")
            return
        admission = self._services.admission
        try:
            with ExitStack() as room:
                room.enter_context(admission.hold()).resize(len(line.data))
                submission = await admission.read(read_submission, line.data)
                for bound in (self._open, admission.lines):
                    await bound.acquire()
                    room.callback(bound.release)
                answer = asyncio.ensure_future(self._services.submit(submission, len(line.data)))
                kept = room.pop_all()
        except Malformed as error:
            self._say(line.number, Problem("malformed", str(error)))
        except Problem as problem:
            self._say(line.number, problem)
        else:
            answer.add_done_callback(lambda _: kept.close())
            self._asked.put_nowait(Asked(line.number, answer))

    def _refuse(self, number: int, detail: str) -> None:
        self._say(number, Problem("too_large", detail))

    def _say(self, number: int, problem: Problem) -> None:
        self._asked.put_nowait(Asked(number, of_problem(problem, self._id)))

    async def _answers(self) -> AsyncIterator[bytes]:
        while (asked := await self._asked.get()) is not None:
            said = asked.answer
            if not isinstance(said, Spoken):
                said = speak(await said, self._id, self._services.settings.successor)
            self._services.metrics.answered(said.name)
            yield said.line(asked.number)
