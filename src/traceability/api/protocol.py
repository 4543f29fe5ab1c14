"""HTTP on the socket, with the deadlines and answers uvicorn leaves out.

uvicorn closes an idle kept connection and nothing else: a client that sends half a head, half a body, or
never reads its answer holds its socket for ever. Here a head has 10 seconds and 32 KiB, an answer that
nobody reads 60 seconds, and a connection whose answer is complete before its body came, or before what is no
request, lives 2 more seconds, so that the client can read why. Pauses inside a body are the reader's business (`limits`).

There are at most CONNECTIONS_MAX connections. When one more comes, the one whose client has been silent longest,
before a request or in the middle of one, is dropped for it: half-open connections by the thousand keep out
nobody who has something to say.

What is refused before any route sees it (no HTTP, a head too slow or too large) is a problem answer too. It comes
behind the answers to what was sent before it: whoever sent an event and then no HTTP must not read that the event failed.
"""

import asyncio
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from traceability.api.problems import MEDIA_TYPE, Problem

HEAD_SECONDS = 10.0
HEAD_SIZE_MAX = 32 * 1024
UNREAD_SECONDS = 60.0
LINGER_SECONDS = 2.0
CONNECTIONS_MAX = 4096


class Connections:
    """Of which connections the client has to say something next. The longest silent first."""

    def __init__(self, most: int = CONNECTIONS_MAX) -> None:
        self.most = most
        self._silent: dict[BoundedProtocol, None] = {}

    def silent(self, connection: "BoundedProtocol") -> None:
        """It waits for its client, who has just spoken."""
        self._silent.pop(connection, None)
        self._silent[connection] = None

    def heard(self, connection: "BoundedProtocol") -> None:
        """It has a whole request, or is gone."""
        self._silent.pop(connection, None)

    def make_room(self) -> bool:
        """Drops the one that was silent longest; False where all have something under way."""
        oldest = next(iter(self._silent), None)
        if oldest is None:
            return False
        self.heard(oldest)
        oldest.transport.abort()
        return True


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `uvicorn.Config(http=partial(BoundedProtocol, Connections()))`."""

    def __init__(
        self,
        connections: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections = connections
        self._in_head = False
        self._head_size = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None
        self._linger_timer: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        """The last one that was begun; `cycle` is the last one that came."""
        self._refusal: Problem | None = None
        """What is said once the requests before it are answered; nothing behind it is read."""

    # A connection comes and goes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.server_state.connections) > self._connections.most and not self._connections.make_room():
            self._say(Problem("busy", "too many connections are open; come again in a moment"))
            self.transport.close()
            return
        self._connections.silent(self)
        self._begin_head()
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._unread_timer, self._linger_timer):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        self._connections.heard(self)
        super().connection_lost(exc)

    # A head comes, in time and not too large

    def data_received(self, data: bytes) -> None:
        if self._is_ending():
            return
        if not self._in_head and self._is_over():
            self._begin_head()  # of the next request of a kept connection
        super().data_received(data)
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > HEAD_SIZE_MAX:
                self._refuse(_too_large())
            elif self._head_timer is None:  # most heads come whole
                self._await_head()
        elif self.cycle.more_body and not self.flow.read_paused:
            self._connections.silent(self)

    def on_headers_complete(self) -> None:
        if self._is_ending():
            return
        self._end_head()
        self._connections.heard(self)
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_SIZE_MAX:
            self._refuse(_too_large())
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._is_ending():
            super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        self._refuse(Problem("malformed", msg))

    # The answer goes, perhaps before the body came

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        self._answering = cycle

        async def answering(scope: Scope, receive: Receive, send: Send) -> None:
            answer = _Together(cycle, send)
            await app(scope, receive, answer.send)
            await answer.end()

        super()._start_asgi_task(cycle, answering)  # type: ignore[arg-type]

    def on_response_complete(self) -> None:
        last = not self.pipeline
        super().on_response_complete()
        if last and self._refusal is not None:
            self._say(self._refusal)
        elif last and self.cycle.more_body and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._linger_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        elif last and self._is_over():
            self._connections.silent(self)

    def on_message_complete(self) -> None:
        if self._is_ending():
            return
        super().on_message_complete()
        self._connections.heard(self)
        if self._linger_timer is not None:
            # The rest came in time: the connection can be kept after all.
            self._linger_timer.cancel()
            self._linger_timer = None
            self.cycle.more_body = False
            self._connections.silent(self)
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread_timer is None:
            self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
        super().resume_writing()

    # Helpers

    def _is_over(self) -> bool:
        return self.cycle.response_complete and not self.cycle.more_body

    def _is_ending(self) -> bool:
        """Whether nothing more is read."""
        return self._refusal is not None or self.transport.is_closing()

    def _begin_head(self) -> None:
        self._in_head = True
        self._head_size = 0

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def _end_head(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_too_slow(self) -> None:
        self._refuse(Problem("too_slow", f"no whole request head came in {HEAD_SECONDS:.0f} s"))

    def _refuse(self, problem: Problem) -> None:
        """Answers for no route, in its turn, and closes."""
        self._end_head()
        if self._is_ending():
            return
        answering = self._answering
        if answering is not None and self.cycle.more_body:  # it is the body of the last one that is broken
            if self.cycle is answering:
                if answering.response_complete:
                    self._refusal = problem  # it has its answer, and what still comes is not read
                    self.transport.write_eof()
                elif answering.response_started:
                    self.transport.close()
                else:
                    self._say(problem)
                return
            self.pipeline.popleft()  # it was not begun, and cannot be answered any more
        if self.pipeline or (answering is not None and not answering.response_complete):
            self._refusal = problem
            self.flow.pause_reading()
        else:
            self._say(problem)

    def _say(self, problem: Problem) -> None:
        """The last answer on this connection. What still comes is not read, and not cut off before the client has ours."""
        if self.transport.is_closing():
            return
        self._refusal = problem
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        body = orjson.dumps(problem.body(), option=orjson.OPT_SORT_KEYS)
        head = [
            STATUS_LINE[problem.kind.status],
            *(b"%s: %s\r\n" % header for header in self.server_state.default_headers),
            b"content-type: %s\r\ncontent-length: %d\r\n" % (MEDIA_TYPE.encode(), len(body)),
            *(f"{name.lower()}: {value}\r\n".encode() for name, value in problem.headers.items()),
            b"cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n",
        ]
        self.transport.write(b"".join(head) + body)
        self.transport.write_eof()
        self.flow.resume_reading()
        self._connections.silent(self)
        self._linger_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)


class _Together:
    """Sends the head of an answer with its body, where that comes in one piece: the system is called once."""

    def __init__(self, cycle: RequestResponseCycle, send: Send) -> None:
        self._cycle = cycle
        self._send = send
        self._head: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None:
            whole = not message.get("more_body", False)
            if whole and self._is_sent(head["status"], head["headers"], message.get("body", b"")):
                return
            await self._send(head)
        await self._send(message)

    async def end(self) -> None:
        """What is left of an answer that was begun and not ended."""
        if self._head is not None:
            await self._send(self._head)

    def _is_sent(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Sends a plain answer; False for one that uvicorn has to think about."""
        cycle = self._cycle
        values = b"".join([value for _, value in headers])
        if (
            (b"content-length", b"%d" % len(body)) not in headers
            or any(name in (b"connection", b"transfer-encoding") for name, _ in headers)
            or HEADER_VALUE_RE.search(values)
            or cycle.scope["method"] == "HEAD"
            or cycle.response_started
            or cycle.disconnected
            or cycle.flow.write_paused
        ):
            return False
        lines = [b"%s: %s\r\n" % header for header in (*cycle.default_headers, *headers)]
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


def _too_large() -> Problem:
    return Problem("headers_too_large", f"a request's head has at most {HEAD_SIZE_MAX} bytes")
