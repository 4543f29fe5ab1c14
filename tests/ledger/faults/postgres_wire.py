"""A proxy before PostgreSQL that knows where each message begins and ends, and cuts a connection at one of them.

Of the protocol it knows the framing alone: a start without a type byte, then a type byte and a length. A wish
for encryption is answered N, as by a server that has none.
"""

import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple, Self

from patience import SECONDS

ENCRYPTION = (80877103, 80877104)
"""What a client asks for before it starts: SSLRequest, GSSENCRequest."""


class Side(StrEnum):
    """Whose messages are counted."""

    CLIENT = "client"
    SERVER = "server"


class Manner(StrEnum):
    """How much of the message still arrives."""

    BEFORE = "before"
    MIDDLE = "in the middle of"
    AFTER = "after"
    WHOLE = "not at"

    def left_of(self, message: bytes) -> bytes:
        match self:
            case Manner.BEFORE:
                return b""
            case Manner.MIDDLE:
                return message[: len(message) // 2]
            case Manner.AFTER | Manner.WHOLE:
                return message


class Cut(NamedTuple):
    """At the n-th message of a side, from 1; `lasting`: nobody is connected from then on, either."""

    side: Side
    n: int
    manner: Manner
    lasting: bool


class Proxy:
    """Listens on 127.0.0.1 at `port`, and passes everything on to the server's socket at `path`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._cut: Cut | None = None
        self._count = itertools.count(1)
        self._down = False
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.met = ""
        """The type of the message that was cut at; empty while none was."""

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.arm(None)
        with self._lock:
            self._down = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._hang_up(*tuple(self._open))
        for thread in self._threads:
            thread.join(SECONDS)
            assert not thread.is_alive(), "the proxy does not end"

    def arm(self, cut: Cut | None) -> None:
        """From now on messages are counted, until this cut; None: everything is passed on."""
        with self._lock:
            self._cut, self._count, self._down, self.met = cut, itertools.count(1), False, ""

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._down:
                client.close()
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._path)
            self._open |= {client, server}
            self._start(self._pass_on, Side.CLIENT, client, server)
            self._start(self._pass_on, Side.SERVER, server, client)

    def _pass_on(self, side: Side, source: socket.socket, target: socket.socket) -> None:
        with source, contextlib.suppress(OSError):
            for message in _messages(source, starts=side is Side.CLIENT):
                manner = self._met_by(side, message)
                target.sendall(manner.left_of(message))
                if manner is not Manner.WHOLE:
                    break
        self._hang_up(source, target)
        if self._down:
            self._hang_up(*tuple(self._open))
        self._open.discard(source)

    def _met_by(self, side: Side, message: bytes) -> Manner:
        """How this message is cut at."""
        with self._lock:
            cut = self._cut
            if cut is None or cut.side is not side or next(self._count) != cut.n:
                return Manner.WHOLE
            self._cut, self._down = None, cut.lasting
            self.met = chr(message[0]) if message[0] else "start"
            return cut.manner

    @staticmethod
    def _hang_up(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _messages(source: socket.socket, *, starts: bool) -> Iterator[bytes]:
    """Each message whole, until the end of the stream."""
    with source.makefile("rb") as stream:
        while True:
            head = stream.read(4 if starts else 5)
            if len(head) < (4 if starts else 5):
                return
            message = head + stream.read(struct.unpack("!I", head[-4:])[0] - 4)
            if starts and struct.unpack("!I", message[4:8])[0] in ENCRYPTION:
                source.sendall(b"N")
                continue
            starts = False
            yield message
