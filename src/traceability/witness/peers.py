"""Asking somebody over HTTP who may be slow, down, or hostile: every question ends in time, with a bounded answer.

A question has a deadline for all of it: connecting, handshake, head and body. A timeout of the socket alone
would let whoever sends a byte now and then hold us for ever; so a clock stands beside the socket and shuts it
down. Redirects are not followed and proxies' settings not read: the address is the one that was configured.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

SECONDS = 10.0
"""How long a question may take in all."""
_ADDRESSES_MAX = 4
_AGENT = "traceability"
_Body = tuple[bytes, str]
"""Bytes, and their type."""


class Unreachable(Exception):  # noqa: N818  # reads as a sentence where it is raised
    """There is no usable answer; the message says what happened, in no words of the peer's."""


class Answer(NamedTuple):
    """What came: `media_type` without parameters, the body unpacked."""

    status: int
    media_type: str
    body: bytes


class Peer:
    """Somebody at a URL, asked over one kept connection. Not to be shared by threads."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        """Raises ValueError for what is no http or https address."""
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{url[:100]!r} is no address such as https://witness.example.org")
        if parts.username is not None:
            raise ValueError("an address has no user name in it")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host = parts.hostname
        self._port = parts.port or (443 if self._tls else 80)
        self._path = parts.path
        self._seconds = seconds
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, size_max: int) -> Answer:
        """What lies at `path` under the URL. Raises Unreachable, also for more than `size_max` bytes."""
        return self._ask("GET", path, None, size_max)

    def post(
        self, path: str, body: bytes, size_max: int, media_type: str = "text/plain; charset=utf-8"
    ) -> Answer:
        """The answer to this body; asking may be repeated, so only for what may be. Raises like `get`."""
        return self._ask("POST", path, (body, media_type), size_max)

    def close(self) -> None:
        """Gives the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def abort(self) -> None:
        """Ends what another thread is waiting for here, as far as it has come to be connected."""
        connection = self._connection
        waiting = None if connection is None else connection.sock
        if waiting is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(waiting, socket.SHUT_RDWR)

    def _ask(self, method: str, path: str, body: _Body | None, size_max: int) -> Answer:
        until = time.monotonic() + self._seconds
        kept = self._connection is not None
        try:
            try:
                return self._exchange(method, path, body, size_max, until)
            except (http.client.RemoteDisconnected, ConnectionError):
                if not kept or time.monotonic() >= until:
                    raise
                # A kept connection may have been closed while nobody used it.
                self.close()
                return self._exchange(method, path, body, size_max, until)
        except (OSError, http.client.HTTPException, ValueError, zlib.error) as error:
            self.close()
            if time.monotonic() >= until:
                raise Unreachable(f"{self.url} did not answer within {self._seconds:g} s") from error
            raise Unreachable(f"{self.url} cannot be asked: {_reason(error)}") from error
        except BaseException:
            self.close()
            raise

    def _exchange(self, method: str, path: str, body: _Body | None, size_max: int, until: float) -> Answer:
        if self._connection is None:
            self._connection = self._connect(until)
        connection = self._connection
        with _ending(connection.sock, until):
            headers = {"User-Agent": _AGENT, "Accept-Encoding": "gzip"}
            data, media_type = body or (None, "")
            if data is not None:
                headers["Content-Type"] = media_type
            connection.request(method, self._path + path or "/", data, headers)
            response = connection.getresponse()
            said = response.read(size_max + 1)
            # A body that ends early is no error to http.client, and the clock beside us ends it early too.
            if time.monotonic() >= until:
                raise TimeoutError
            if len(said) <= size_max and response.length:
                raise ConnectionError
            if response.will_close or len(said) > size_max:
                self.close()
        if response.headers.get("Content-Encoding", "").lower() == "gzip" and len(said) <= size_max:
            unpacking = zlib.decompressobj(wbits=31)
            said = unpacking.decompress(said, size_max + 1)
            if len(said) <= size_max and not unpacking.eof:
                raise Unreachable(f"{self.url} sent a gzip that is cut off")
        if len(said) > size_max:
            raise Unreachable(f"{self.url} answered with more than {size_max} bytes")
        kind = response.headers.get_content_type() if "Content-Type" in response.headers else ""
        return Answer(response.status, kind, said)

    def _connect(self, until: float) -> http.client.HTTPConnection:
        raw = self._dial(until)
        try:
            if self._tls is not None:
                raw = self._tls.wrap_socket(raw, do_handshake_on_connect=False, server_hostname=self._host)
                with _ending(raw, until):
                    raw.do_handshake()
        except BaseException:
            raw.close()
            raise
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.default_port = 443 if self._tls else 80
        connection.sock = raw
        return connection

    def _dial(self, until: float) -> socket.socket:
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)[:_ADDRESSES_MAX]
        for position, (family, kind, protocol, _, address) in enumerate(found):
            dialled = socket.socket(family, kind, protocol)
            try:
                dialled.settimeout(max(0.01, until - time.monotonic()))
                dialled.connect(address)
                dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                dialled.close()
                if position == len(found) - 1:
                    raise
            else:
                return dialled
        raise OSError("it has no address")


@contextlib.contextmanager
def _ending(connection: socket.socket, until: float) -> Iterator[None]:
    """Inside, whatever waits for this socket ends at `until`: with what an ended connection gives."""
    over = threading.Lock()
    left = max(0.01, until - time.monotonic())

    def end() -> None:
        # Not while the socket is being closed, when its number may be another's already.
        if over.acquire(blocking=False):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            over.release()

    connection.settimeout(left)
    timer = threading.Timer(left, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        over.acquire()  # held from now on: the timer comes too late


def _reason(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate does not hold: {error.verify_message}"
        case socket.gaierror():
            return "its name is not known"
        case TimeoutError():
            return "it takes too long"
        case ConnectionRefusedError():
            return "nobody listens there"
        case OSError() if not isinstance(error, ssl.SSLError):
            return "the connection broke"
        case _:
            return f"what it says is no HTTP ({type(error).__name__})"
