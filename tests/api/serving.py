"""Runs an application on a real socket in a thread, for tests."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from patience import SECONDS, until
from traceability.api import server


class Server:
    """A server on a loopback port; `url` is where."""

    def __init__(self, app, **more) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = server.Server(server.config(app, **more))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True)

    def start(self) -> None:
        self.thread.start()
        until(lambda: self.server.started, "the server did not start")

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    @contextlib.contextmanager
    def resting(self) -> Iterator[None]:
        """Meanwhile the server does nothing: what its clients begin and send waits for it, however long they take."""
        rests, over = threading.Event(), threading.Event()

        def rest() -> None:
            rests.set()
            over.wait(SECONDS)

        self.server.servers[0].get_loop().call_soon_threadsafe(rest)
        assert rests.wait(SECONDS)
        try:
            yield
        finally:
            over.set()


@contextlib.contextmanager
def serving(app, **more) -> Iterator[Server]:
    """`more` is what `server.config` takes."""
    server = Server(app, **more)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def heard(connection: socket.socket, ending: bytes) -> bytes:
    """What the server says until it has said `ending`; head and body may come apart."""
    said = b""
    while not said.endswith(ending):
        data = connection.recv(65536)
        assert data, said
        said += data
    return said


def answer_on(connection: socket.socket) -> bytes:
    """Everything the server says until it closes."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            said += data
    return said
