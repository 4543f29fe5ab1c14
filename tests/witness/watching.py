"""What is watched in these tests: a log in a list of leaves, its files, a fork of it; and who watches."""

import contextlib
import functools
import hashlib
import http.server
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import reference
from patience import SECONDS
from traceability.core.cosignature import Cosigner
from traceability.core.note import Signer
from traceability.witness.keeper import Witness, create


class Clock:
    """A clock that is set by hand, in Unix seconds."""

    def __init__(self, now: int = 1_790_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Log:
    """A log that signs whatever it is told to: leaves in a list, roots and proofs by the RFC's own recursion."""

    def __init__(self, origin: str, seed: bytes | None = None, leaves: tuple[bytes, ...] = ()) -> None:
        self.signer = Signer(origin, seed or hashlib.sha256(origin.encode()).digest())
        self.verifier = self.signer.verifier
        self.origin = origin
        self.leaves = list(leaves)

    def grow(self, count: int, what: bytes = b"leaf") -> "Log":
        for _ in range(count):
            self.leaves.append(b"\x01" + hashlib.sha256(b"%s %d" % (what, len(self.leaves))).digest())
        return self

    def fork(self, size: int) -> "Log":
        """Another history under the same key, the same up to `size`."""
        return Log(self.origin, hashlib.sha256(self.origin.encode()).digest(), tuple(self.leaves[:size]))

    def root(self, size: int | None = None) -> bytes:
        return reference.mth(self.leaves[:size])

    def note(self, size: int | None = None, root: bytes | None = None) -> bytes:
        size = len(self.leaves) if size is None else size
        text = f"{self.origin}\n{size}\n{b64encode(root or self.root(size)).decode()}\n"
        return f"{text}\n{self.signer.sign(text).line()}".encode()

    def proof(self, old: int, size: int | None = None) -> list[bytes]:
        leaves = self.leaves[:size]
        return reference.proof(old, leaves) if 0 < old < len(leaves) else []

    def request(self, old: int, size: int | None = None) -> bytes:
        """The body that asks a witness for a cosignature."""
        lines = [f"old {old}\n", *(b64encode(node).decode() + "\n" for node in self.proof(old, size))]
        return "".join(lines).encode() + b"\n" + self.note(size)

    def publish(self, folder: Path, size: int | None = None) -> None:
        """Its files, as tlog-tiles has them, for a static server: all of them anew."""
        leaves = self.leaves[:size]
        hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
        level = 0
        while hashes:
            for n in range(-(-len(hashes) // 256)):
                part = hashes[n * 256 : n * 256 + 256]
                _write(folder / f"tile/{level}/{_name(n, len(part))}", b"".join(part))
                if level == 0:
                    entries = leaves[n * 256 : n * 256 + 256]
                    _write(
                        folder / f"tile/entries/{_name(n, len(part))}",
                        b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in entries),
                    )
            full = len(hashes) // 256
            hashes = [_perfect(hashes[n * 256 : n * 256 + 256]) for n in range(full)]
            level += 1
        _write(folder / "checkpoint", self.note(size))


def _name(n: int, width: int) -> str:
    digits = f"{n:03}" if n < 1000 else f"x{n // 1000:03}/{n % 1000:03}"
    return digits if width == 256 else f"{digits}.p/{width}"


def _perfect(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [
            hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0]


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def cosigner(name: str) -> Cosigner:
    return Cosigner(name, hashlib.sha256(b"witness " + name.encode()).digest())


def witness_at(path: Path, name: str, logs: list, clock: Callable[[], int]) -> Witness:
    if not path.exists():
        create(path)
    return Witness(path, cosigner(name), logs, clock)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Python's own file server, without its log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_) -> None:
        pass


class Site:
    """A folder behind Python's own file server."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        handler = functools.partial(_Counting, site=self, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Counting(_Quiet):
    def __init__(self, *args, site: Site, **more) -> None:
        self._site = site
        super().__init__(*args, **more)

    def do_GET(self) -> None:
        self._site.asked.append(self.path)
        super().do_GET()


@contextlib.contextmanager
def saying(*answers: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that does to each connection in turn what it is told, the last for ever; its URL."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        threads = []

        def serve() -> None:
            number = 0
            while not over.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                act = answers[min(number, len(answers) - 1)]
                number += 1
                threads.append(threading.Thread(target=speak, args=(connection, act), daemon=True))
                threads[-1].start()

        def speak(connection: socket.socket, act: Callable[[socket.socket], object]) -> None:
            with connection, contextlib.suppress(OSError):
                connection.settimeout(SECONDS)
                connection.recv(65536)
                act(connection)

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            server.join()
            for thread in threads:
                thread.join(SECONDS)


def answer(status: str, body: bytes, *headers: str) -> Callable[[socket.socket], object]:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return lambda connection: connection.sendall(head.encode() + b"\r\n\r\n" + body)
