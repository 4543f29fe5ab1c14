"""Asking a peer that is slow, down, or hostile: it ends in time, and what comes is bounded."""

import gzip
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from watching import answer, saying

from patience import SECONDS
from traceability.witness.peers import Peer, Unreachable

HURRIED_SECONDS = 0.6


def keep_sending(connection: socket.socket, data: bytes) -> None:
    """For longer than anybody listens in these tests, and until he has gone."""
    end = time.monotonic() + 2 * SECONDS
    while time.monotonic() < end:
        connection.sendall(data)
        time.sleep(0.1)


def drip(connection: socket.socket, data: bytes = b"HTTP/1.1 200 OK\r\nX: ") -> None:
    connection.sendall(data)
    keep_sending(connection, b"y")


def flood(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(2000):
        connection.sendall(bytes(65536))


def chunks_for_ever(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    keep_sending(connection, b"1\r\nx\r\n")


def go_on_for_ever(connection: socket.socket) -> None:
    keep_sending(connection, b"HTTP/1.1 100 Continue\r\n\r\n")


HOSTILE = {
    "says nothing": lambda connection: connection.recv(1),
    "a head that drips": drip,
    "a body that drips": lambda c: drip(c, b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"),
    "a body without an end that drips": lambda c: drip(c, b"HTTP/1.1 200 OK\r\n\r\n"),
    "chunks for ever": chunks_for_ever,
    "100 Continue for ever": go_on_for_ever,
    "too much": answer("200 OK", bytes(1001)),
    "far too much": flood,
    "a bomb of gzip": answer("200 OK", gzip.compress(bytes(10_000_000)), "Content-Encoding: gzip"),
    "gzip cut off": answer("200 OK", gzip.compress(b"hello")[:-3], "Content-Encoding: gzip"),
    "no gzip": answer("200 OK", b"hello", "Content-Encoding: gzip"),
    "no HTTP": lambda c: c.sendall(b"\x16\x03\x01 hello\r\n\r\n"),
    "closes": lambda c: None,
    "half a body": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"),
    "a length that is none": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhalf"),
    "a thousand headers": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000 + b"\r\n"),
}

ENDLESS = ("says nothing", "a head that drips", "a body that drips", "a body without an end that drips", "chunks for ever",
           "100 Continue for ever")  # fmt: skip


@pytest.mark.threat("T52")
@pytest.mark.parametrize("case", HOSTILE)
def test_whatever_a_peer_does_it_ends_in_time(case):
    """Silence, dripping, floods, bombs, garbage: an error that says so, soon after the deadline at the latest."""
    with saying(HOSTILE[case]) as url:
        peer = Peer(url, HURRIED_SECONDS if case in ENDLESS else SECONDS)
        began = time.monotonic()
        if case == "a length that is none":
            assert peer.get("/x", 1000).body in (b"half", b"")
        else:
            with pytest.raises(Unreachable, match=r"^http://127.0.0.1:[0-9]+ "):
                peer.get("/x", 1000)
        assert time.monotonic() - began < 60  # each of the endless goes on for longer than that
        peer.close()


def test_a_good_answer(tmp_path):
    """Status, type and body come through, packed or not; statuses are not judged, redirects not followed."""
    there = answer(
        "301 Moved", b"elsewhere", "Location: http://127.0.0.1:1/", "Content-Type: text/x.tlog.size"
    )
    packed = answer("200 OK", gzip.compress(b"hello" * 9), "Content-Encoding: gzip")
    with saying(there, packed) as url:
        peer = Peer(url + "/")
        assert peer.get("/x", 1000) == (301, "text/x.tlog.size", b"elsewhere")
        # The server closes after each: a kept connection that is gone is dialled again.
        assert peer.post("/x", b"body", 1000) == (200, "", b"hello" * 9)
        peer.close()


def test_nobody_there():
    """A port where nobody listens, a name that is none, an address that is none."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="nobody listens"):
        Peer(f"http://127.0.0.1:{port}").get("/", 10)
    with pytest.raises(Unreachable, match="its name is not known"):
        Peer("http://nobody.invalid").get("/", 10)
    for url in (
        "ftp://w.example",
        "w.example",
        "https://",
        "https://a:b@w.example",
        "https://w.example/?x=1",
        "",
    ):
        with pytest.raises(ValueError, match="address"):
            Peer(url)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
def test_https_is_believed_only_with_a_certificate(certificate, monkeypatch):
    """A certificate nobody vouches for, or for another name, ends it; with one that holds the answer comes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Teapot)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        port = server.server_port
        with pytest.raises(Unreachable, match="its certificate does not hold"):
            Peer(f"https://localhost:{port}").get("/", 100)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
        peer = Peer(f"https://localhost:{port}")
        assert peer.get("/", 100) == (418, "", b"tea")
        assert peer.get("/again", 100).body == b"tea"
        peer.close()
        with pytest.raises(Unreachable, match="its certificate does not hold"):
            Peer(f"https://127.0.0.1:{port}").get("/", 100)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.threat("T52")
def test_a_handshake_that_never_ends_is_ended():
    """A peer that takes the connection and says nothing of TLS, or drips it."""
    for act in (lambda c: c.recv(1), lambda c: drip(c, b"\x16\x03\x03\x40\x00")):
        with saying(act) as url:
            peer = Peer(url.replace("http:", "https:"), HURRIED_SECONDS)
            with pytest.raises(Unreachable):
                peer.get("/", 100)


class Teapot(http.server.BaseHTTPRequestHandler):
    """A server that is a teapot."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(418)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"tea")

    def log_message(self, *_) -> None:
        pass
