"""Silent, slow and broken clients on real sockets: none of them holds the server."""

import asyncio
import contextlib
import json
import queue
import socket
import threading

import httpx
import pytest
from fastapi import FastAPI, Request
from serving import answer_on, heard, serving
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, StreamingResponse

from patience import SECONDS, until
from traceability.api import limits, problems, protocol
from traceability.api.admission import Admission
from traceability.api.edge import Edge
from traceability.api.metrics import Metrics

HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\n"


def application() -> FastAPI:
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    app.add_middleware(Edge, metrics=Metrics(), secure=False)
    problems.install(app)

    @app.get("/plain")
    async def plain() -> PlainTextResponse:
        return PlainTextResponse("here")

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def forever():
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0)

        return StreamingResponse(forever())

    @app.get("/fault")
    async def fault() -> None:
        raise RuntimeError("the password of Jean is 12345")

    @app.get("/broken")
    async def broken() -> StreamingResponse:
        async def nothing():
            raise RuntimeError("the password of Jean is 12345")
            yield b""

        return StreamingResponse(nothing())

    @app.post("/echo")
    async def echo(request: Request) -> PlainTextResponse:
        body = await limits.read_body(request, limits.Limits(1 << 20, gzip=True), Admission().hold())
        await asyncio.sleep(0)
        return PlainTextResponse(str(len(body)))

    return app


@pytest.fixture(scope="module")
def server():
    with serving(application()) as running:
        yield running


@pytest.fixture
def quick(monkeypatch):
    """Shortens the named deadlines, for what is to miss them: all that end a client are longer than any here may take."""
    for where, name in (
        (protocol, "HEAD_SECONDS"),
        (protocol, "UNREAD_SECONDS"),
        (limits, "IDLE_SECONDS"),
        (limits, "WHOLE_SECONDS"),
    ):
        monkeypatch.setattr(where, name, 2 * SECONDS)
    return lambda where, name: monkeypatch.setattr(where, name, 0.5)


def drip(connection: socket.socket, data: bytes) -> None:
    """Sends this now and then, until the connection is gone."""

    def gone() -> bool:
        try:
            connection.sendall(data)
        except OSError:
            return True
        return False

    until(gone, "the connection is kept")


def clients(server) -> set[tuple[str, int]]:
    """Who is connected."""
    return {connection.client for connection in tuple(server.server.server_state.connections)}


def problem_of(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    return int(head.split()[1]), json.loads(body)["type"]


@pytest.mark.threat("T74")
@pytest.mark.parametrize(
    "sent",
    [b"", b"G", HEAD, HEAD + b"X-Slow: y"],
    ids=["nothing", "a letter", "half a head", "half a header"],
)
def test_a_head_that_does_not_come_is_answered_and_dropped(server, quick, sent):
    """Whoever connects and falls silent is told 408 and loses the connection."""
    quick(protocol, "HEAD_SECONDS")
    with server.resting():
        connection = server.connect()
        connection.sendall(sent)
    with connection:
        assert problem_of(answer_on(connection)) == (408, "/problems/too_slow")


def test_a_head_in_drops_does_not_move_its_deadline(server, quick):
    """A byte now and then keeps no head alive."""
    quick(protocol, "HEAD_SECONDS")
    quick(protocol, "LINGER_SECONDS")
    with server.connect() as connection:
        connection.sendall(HEAD)
        drip(connection, b"a")


@pytest.mark.threat("T74")
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 100\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde"]
)
def test_a_body_that_stops_is_answered_and_dropped(server, quick, framing):
    """A pause in the body ends in 408, and then the connection goes."""
    quick(limits, "IDLE_SECONDS")
    with server.connect() as connection:
        connection.sendall(HEAD + framing)
        assert problem_of(answer_on(connection)) == (408, "/problems/too_slow")


def test_a_second_request_on_a_kept_connection_has_the_same_deadline(server, quick):
    """A kept connection cannot be used to send half a head for ever."""
    with server.connect() as connection:
        connection.sendall(b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
        heard(connection, b"here")
        quick(protocol, "HEAD_SECONDS")
        connection.sendall(b"GET /plain HTTP/1.1\r\n")
        assert problem_of(answer_on(connection)) == (408, "/problems/too_slow")


@pytest.mark.threat("T74")
def test_who_never_reads_is_dropped(server, quick):
    """An answer that nobody takes does not hold its connection."""
    quick(protocol, "UNREAD_SECONDS")
    with server.connect() as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        heard(connection, b"x")
        until(lambda: connection.getsockname() not in clients(server))


@pytest.mark.threat("T74")
def test_a_hundred_silent_clients_do_not_disturb_an_honest_one(server, quick):
    """Others are served while half-open sockets of every sort are held, which is no longer than the deadline."""
    openings = [b"", HEAD, HEAD + b"Content-Length: 9\r\n\r\n"]

    def fall_silent() -> list[socket.socket]:
        silent = [server.connect() for _ in range(120)]
        for number, connection in enumerate(silent):
            connection.sendall(openings[number % 3])
        return silent

    silent = fall_silent()
    assert httpx.get(server.url + "/plain").text == "here"
    for connection in silent:
        connection.close()
    quick(protocol, "HEAD_SECONDS")
    quick(limits, "IDLE_SECONDS")
    with server.resting():
        silent = fall_silent()
    for connection in silent:
        assert problem_of(answer_on(connection)) == (408, "/problems/too_slow")
        connection.close()


@pytest.mark.threat("T74")
def test_silent_connections_give_way(quick):
    """Where all connections are taken, the one silent longest is dropped for one with something to say."""
    with serving(application(), connections_max=20) as server:
        silent = [server.connect() for _ in range(20)]
        until(lambda: len(server.server.server_state.connections) == 20)
        silent[0].sendall(b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
        heard(silent[0], b"here")  # it has spoken, and is now the one silent shortest
        for _ in range(5):
            assert httpx.get(server.url + "/plain").text == "here"
        assert len(server.server.server_state.connections) <= 21
        assert answer_on(silent[1]) == b""
        silent[0].sendall(b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
        heard(silent[0], b"here")
        for connection in silent:
            connection.close()


@pytest.mark.threat("T74")
def test_half_a_body_gives_way_too(quick):
    """Where all connections are in the middle of a body, the one without a byte for longest is dropped."""
    app = application()
    came: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    @app.post("/count")
    async def count(request: Request) -> PlainTextResponse:
        with contextlib.suppress(ClientDisconnect):
            async for piece in request.stream():
                came.put(piece)
        return PlainTextResponse("counted")

    with serving(app, connections_max=10) as server:
        slow = [server.connect() for _ in range(10)]
        for connection in slow:
            connection.sendall(b"POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na")
            assert came.get(timeout=SECONDS) == b"a"
        for connection in [*slow[1:], slow[0]]:
            connection.sendall(b"b")
            assert came.get(timeout=SECONDS) == b"b"  # each is heard in its turn
        assert httpx.get(server.url + "/plain").text == "here"
        assert answer_on(slow[1]) == b""
        slow[0].sendall(b"cd")
        heard(slow[0], b"counted")
        for connection in slow:
            connection.close()


def test_connections_that_are_all_at_work_are_kept():
    """Where every client waits for us, one more is told 503 with Retry-After."""
    app = application()
    done = threading.Event()
    begun = threading.Semaphore(0)

    @app.get("/hold")
    async def hold() -> PlainTextResponse:
        begun.release()
        await asyncio.to_thread(done.wait, SECONDS)
        return PlainTextResponse("held")

    with serving(app, connections_max=10) as server:
        busy = [server.connect() for _ in range(10)]
        for connection in busy:
            connection.sendall(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in busy:
            assert begun.acquire(timeout=SECONDS)
        with server.connect() as one_more:
            said = answer_on(one_more)
        assert problem_of(said) == (503, "/problems/busy")
        assert b"\r\nretry-after: " in said
        done.set()
        for connection in busy:
            heard(connection, b"held")
            connection.close()


def test_a_refused_upload_can_read_why(server):
    """A client that is still sending gets its 413 and may use the connection again once it is done."""
    body = b"x" * (3 << 20)
    with httpx.Client(base_url=server.url) as client:
        answer = client.post("/echo", content=body)
        assert answer.status_code == 413
        assert answer.json()["type"] == "/problems/too_large"
        assert client.get("/plain").text == "here"


def test_an_answer_that_broke_off_is_cut(server):
    """A stream that fails before its first piece has sent its head and nothing else: no other answer follows it."""
    with server.connect() as connection:
        connection.sendall(b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n")
        head, _, body = answer_on(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b""


def test_the_head_of_a_head_request_stands_alone(server):
    """HEAD gets the length of the body and not the body, and the connection goes on."""
    with server.connect() as connection:
        for method, body in ((b"HEAD", b""), (b"GET", b"here")):
            connection.sendall(method + b" /plain HTTP/1.1\r\nHost: x\r\n\r\n")
            said = heard(connection, b"\r\n\r\n" + body)
            assert b"\r\ncontent-length: 4\r\n" in said


def test_a_body_nobody_reads_is_not_waited_for(server, quick):
    """A GET with an endless body gets its answer; the connection lingers a moment and goes."""
    quick(protocol, "LINGER_SECONDS")
    with server.connect() as connection:
        connection.sendall(b"GET /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        drip(connection, b"x" * 100)
        connection.setblocking(False)
        try:
            said = connection.recv(65536)
        except OSError:
            said = b""
        assert said == b"" or said.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"NOT HTTP\r\n\r\n", (400, "/problems/malformed")),
        (b"\x16\x03\x01\x02\x00\x01", (400, "/problems/malformed")),
        (b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", (400, "/problems/malformed")),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", (400, "/problems/malformed")),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", (400, "/problems/malformed")),
        (HEAD + b"Content-Length: -1\r\n\r\n", (400, "/problems/malformed")),
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", (400, "/problems/malformed")),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", (400, "/problems/malformed")),
        (HEAD + b"X: " + b"y" * 70_000, (431, "/problems/headers_too_large")),
        (HEAD + b"X: y\r\n" * 20_000 + b"\r\n", (431, "/problems/headers_too_large")),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", (431, "/problems/headers_too_large")),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_request_is_a_problem(server, quick, sent, expected):
    """No HTTP, two lengths, endless heads: each is refused with a problem, and the connection closed."""
    with server.connect() as connection:
        connection.sendall(sent)
        assert problem_of(answer_on(connection)) == expected


def test_pipelined_requests_are_answered_in_order(server):
    """Two requests in one packet get two answers on one connection."""
    with server.connect() as connection:
        one = b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(one + one.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n"))
        assert answer_on(connection).count(b"here") == 2


NOT_HTTP = (400, "/problems/malformed")


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        (b"\x00\xff", NOT_HTTP),
        (b"NOT HTTP\r\n\r\n" * 9, NOT_HTTP),
        (HEAD + b"Content-Length: -1\r\n\r\nxxx", NOT_HTTP),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", NOT_HTTP),
        (HEAD + b"X: " + b"y" * 40_000 + b"\r\nContent-Length: 3\r\n\r\nabc", (431, "/problems/headers_too_large")),
    ],
    ids=["bytes", "lines", "a length", "a chunk", "a head"],
)  # fmt: skip
@pytest.mark.parametrize("before", [1, 2, 3])
def test_what_is_no_request_is_refused_behind_the_answers_to_what_was(server, before, behind, expected):
    """Sent in one packet with good requests, it takes no answer away from them, and none for its own."""
    with server.connect() as connection:
        connection.sendall((HEAD + b"Content-Length: 2\r\n\r\nhi") * before + behind)
        *answers, refusal = answer_on(connection).split(b"HTTP/1.1 ")[1:]
    assert [each.partition(b" ")[0] + each[-1:] for each in answers] == [b"2002"] * before
    assert problem_of(b"HTTP/1.1 " + refusal) == expected


def test_a_refusal_reaches_who_goes_on_sending(server):
    """Whoever reads only when all is sent finds the answers: they are not cut off by what nobody read."""
    with server.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\nhi\x00" + b"x" * (1 << 20))
        answer, refusal = answer_on(connection).split(b"HTTP/1.1 ")[1:]
    assert answer.startswith(b"200")
    assert problem_of(b"HTTP/1.1 " + refusal) == NOT_HTTP


def test_a_refusal_does_not_hold_the_connection(server, quick):
    """Not even of who neither reads nor goes: it ends soon after."""
    quick(protocol, "LINGER_SECONDS")
    with server.connect() as connection:
        connection.sendall(b"\x00")
        assert heard(connection, b"}")
        drip(connection, b"x" * 1000)


def test_a_body_that_breaks_behind_its_answer_ends_the_connection(server):
    """There is nothing more to say: a second answer would be taken for that to the next request."""
    with server.connect() as connection:
        connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        said = heard(connection, b"}")
        connection.sendall(b"zz\r\n")
        said += answer_on(connection)
    assert said.count(b"HTTP/1.1 ") == 1
    assert problem_of(said) == (404, "/problems/not_here")


def test_a_fault_tells_nothing(server, caplog):
    """An error nobody expected is answered 500 without its message, which is in no log either."""
    answer = httpx.get(server.url + "/fault")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Jean" not in answer.text
    assert "Jean" not in caplog.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    faults = [record for record in caplog.records if record.name == "traceability.faults"]
    assert faults[0].facts["error"] == "RuntimeError"
    assert faults[0].facts["request_id"] == answer.headers["x-request-id"]


def test_every_answer_has_the_headers(server):
    """Answers of routes, of FastAPI and of HEAD carry the same security headers and an id."""
    for method, path, status in [
        ("GET", "/plain", 200),
        ("HEAD", "/plain", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/plain", 405),
        ("POST", "/plain/", 404),
    ]:
        answer = httpx.request(method, server.url + path)
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert len(answer.headers["x-request-id"]) >= 8
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == status
    assert httpx.head(server.url + "/plain").content == b""
    assert httpx.delete(server.url + "/plain").headers["allow"] == "GET, HEAD"


@pytest.mark.threat("T73")
def test_a_request_id_from_a_proxy_is_kept_if_it_can_stand_in_a_log(server):
    """An id of plain characters is passed through; anything else is replaced."""
    kept = httpx.get(server.url + "/plain", headers={"X-Request-Id": "proxy-0123456789"})
    assert kept.headers["x-request-id"] == "proxy-0123456789"
    for hostile in ("short", 'x" injected="yes', "a" * 65):
        answer = httpx.get(server.url + "/plain", headers={"X-Request-Id": hostile})
        assert answer.headers["x-request-id"] != hostile


def test_stopping_lets_what_has_begun_end(monkeypatch):
    """A request under way when the server is told to stop is answered; a silent client is not waited for."""
    monkeypatch.setattr("traceability.api.server.DRAIN_SECONDS", 2 * SECONDS)
    app = application()
    begun = threading.Event()

    @app.get("/slow")
    async def slow() -> PlainTextResponse:
        begun.set()
        await asyncio.sleep(0.5)
        return PlainTextResponse("done")

    with serving(app) as server, server.connect(), server.connect() as half:
        half.sendall(HEAD)
        answers: list[str] = []
        client = threading.Thread(target=lambda: answers.append(httpx.get(server.url + "/slow").text))
        client.start()
        assert begun.wait(SECONDS)
        server.stop()
        client.join()
        assert answers == ["done"]
