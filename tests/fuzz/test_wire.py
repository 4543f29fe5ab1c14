"""Random bytes, methods, paths and headers on every route of a real server: an answer, and never a fault of ours.

Sixteen connections at once. Whoever has sent everything and got no answer closes its half of the connection,
and the server has to let go of it too. Ids and signatures of the ledger asked are its own, so an input is
the same again only in kind; a failure shows its bytes.
"""

import asyncio
import json
from random import Random
from typing import NamedTuple
from urllib.parse import quote

import httpx
import pytest
from spoil import TEXTS, mutated, odd_json, resaid
from world import World, line, serving, signed_header

from patience import SECONDS
from traceability.api import limits, protocol
from traceability.api.problem_types import TYPES
from traceability.web.app import create_app
from trade import produce

AT_ONCE = 16
METHODS = (
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PRI",
    "get",
    "QUERY",
    "GE T",
    "\u00e9",
    "",
)
NAMES = (
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie", "Range", "If-None-Match", "If-Modified-Since",
    "Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Expect", "Upgrade", "Host", "X-Forwarded-For",
    "X-Forwarded-Host", "Forwarded", "X-Request-Id", "Origin", "Referer", "HX-Request", "X-HTTP-Method-Override", "TE", "Trailer",
)  # fmt: skip
VALUES = (
    "", "*/*", "text/html", "application/json", "application/x-ndjson", "multipart/form-data; boundary=x", "gzip", "br", "chunked",
    "identity, chunked", "bytes=0-", "bytes=" + "0-1," * 400, "DSSE ", "DSSE e30", "Bearer x", "Basic Og==", "session=x", "session=.",
    "en;q=" + "0" * 300, "a," * 2000, "100-continue", "websocket", "-1", "1e9", "0", "99999999999999999999", "a" * 4000, "\x00", "\xff\xfe",
    "evil.example", "[::1]", "x\r\n y", "q=0.5, ;;;===", "fr-CD, fr;q=0.9", "h2c", '"', 'W/"x"', "Thu, 01 Jan 1970 00:00:00 GMT",
)  # fmt: skip
SEGMENTS = (
    "..", ".", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "%0a", "%0d%0aX:y", "%", "%f", "%ff", "%ed%a0%80", "a" * 3000, "1", "-1", "1_0",
    "+1", "%201", "9223372036854775808", "x", "x001/000", "000.p/0", "000.p/256", "999", "é", "😂", "'", '"', "' OR 1=1--", "<script>", "=cmd|' /C calc'!A0",
    "0" * 64, "f" * 64, "0" * 26, "z" * 26, "null", "{}", "*", "~", "//", "\\", ";", "?", "#",
)  # fmt: skip


class Sent(NamedTuple):
    """Bytes for one connection. `whole`: one complete request, that must be answered."""

    data: bytes
    whole: bool
    event: bool = False
    """Whether they are a request that brings events."""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A world behind the whole application, pages and all, and the addresses of its routes."""
    folder = tmp_path_factory.mktemp("wire")
    world = World(f"sqlite:///{folder}/ledger.sqlite3", folder)
    app = create_app(world.services)
    with serving(app) as server:
        yield world, server, routes(app)
    world.services.close()


def routes(app) -> list[str]:
    """Every address of the application, pages too, with its parameters in braces."""
    found = set()
    waiting = list(app.router.routes)
    while waiting:
        route = waiting.pop()
        included = getattr(route, "original_router", None)
        waiting += included.routes if included is not None else []
        if hasattr(route, "path"):
            found.add(route.path)
    assert {"/", "/v1/events", "/tile/{path:path}", "/t/{code}"} <= found
    return sorted(found)


def address(random: Random, known: list[str], names: list[str]) -> str:
    """A path with or without a query, of some route or of none."""
    path = random.choice(known)
    while "{" in path:
        start, end = path.index("{"), path.index("}")
        filled = random.choice((*SEGMENTS, *names, *names, quote(random.choice(TEXTS))))
        path = path[:start] + filled + path[end + 1 :]
    match random.randrange(8):
        case 0:
            path += random.choice(("/", "//", "/x", ".json", "%00", ";a=b", "/..", "?"))
        case 1:
            path = "/" + "/".join(random.choices(SEGMENTS, k=random.randrange(4)))
        case 2:
            path += "?" + "&".join(
                f"{random.choice(('limit', 'cursor', 'from', 'q', 'lang', 'mineral', 'state', 'x', ''))}{random.choice(('=', '', '=='))}"
                f"{random.choice((*SEGMENTS, *names, '100', '500', '501'))}"
                for _ in range(random.randrange(1, 4))
            )
        case 3:
            path = (
                random.choice(("http://evil.example", "*", "", "//evil.example", "x", "http://[", "?", "#"))
                + path
            )
    return path


def drawn(random: Random, world: World, known: list[str], names: list[str]) -> Sent:
    """One connection's bytes."""
    kind = random.randrange(10)
    if kind == 0:
        return Sent(random.randbytes(random.randrange(400)), whole=False)
    if kind < 4:
        return _bringing(random, world)
    method = random.choice((*METHODS, "GET", "GET", "GET", "POST"))
    head = [f"{method} {address(random, known, names)} HTTP/1.1", "Host: ledger.example.org"]
    head += [f"{random.choice(NAMES)}: {random.choice(VALUES)}" for _ in range(random.randrange(4))]
    if random.random() < 0.2:
        head += [
            f"{name}: {value}" for name, value in signed_header(world.auditor, "GET", "/v1/lots").items()
        ]
    body = odd_json(random) if random.random() < 0.3 else b""
    if body:
        head.append(f"Content-Length: {len(body)}")
    data = "\r\n".join(head).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body
    if kind < 6:
        data = mutated(random, data)
    return Sent(data, whole=False)


def _bringing(random: Random, world: World) -> Sent:
    """Events, honest and spoiled, in requests that are well framed."""
    honest = [line(produce(world.anna, "1")).strip() for _ in range(random.randrange(1, 4))]
    lines = [
        random.choice((lambda _, data: data, mutated, resaid, lambda r, _: odd_json(r)))(random, each)
        for each in honest
    ]
    if random.random() < 0.5:
        body, kind = b"\n".join(lines), "application/x-ndjson"
    else:
        body, kind = lines[0], "application/json"
    chunked = random.random() < 0.3
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n"
    if not chunked:
        return Sent(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, whole=True, event=True)
    cuts = sorted(random.randrange(len(body) + 1) for _ in range(3)) if body else []
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"
    return Sent(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + framed, whole=True, event=True)


async def exchange(port: int, sent: Sent) -> bytes | None:
    """What the server said until it closed; None where it hung."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = b""
    try:
        writer.write(sent.data)
        with_answer = SECONDS if sent.whole else 0.03
        try:
            async with asyncio.timeout(with_answer):
                said = await reader.read(1 << 16)
        except TimeoutError:
            if sent.whole:
                return None
        if not (sent.whole and said):
            writer.write_eof()
        async with asyncio.timeout(SECONDS):
            while more := await reader.read(1 << 16):
                said += more
    except TimeoutError:
        return None
    except OSError:
        pass
    finally:
        writer.close()
    return said


def answers_of(said: bytes) -> list[tuple[int, bytes]]:
    """(status, rest) of each answer on a connection; the rest of the last is its body."""
    found = []
    for part in said.split(b"HTTP/1.1 ")[1:]:
        head, _, body = part.partition(b"\r\n\r\n")
        found.append((int(head[:3]), body if b"chunked" not in head.lower() else unchunked(body)))
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


def stored_by(said: bytes) -> set[int]:
    """The places in the log that an answer to events tells of, where they are new."""
    found = set()
    for _, body in answers_of(said):
        for each in body.splitlines():
            told = json.loads(each)
            if "index" in told:
                found.add(told["index"])
    return found


@pytest.mark.threat("T73")
def test_whatever_bytes_come_are_answered(served, fuzz, monkeypatch):
    """No 5xx, no connection that hangs, though no deadline ends it, and every entry of the log was told to somebody."""
    for where, name in ((protocol, "HEAD_SECONDS"), (protocol, "UNREAD_SECONDS"), (limits, "IDLE_SECONDS")):
        monkeypatch.setattr(where, name, 2 * SECONDS)
    world, server, known = served
    made = world.take(*[produce(world.anna, "1") for _ in range(3)])
    names = [
        world.anna.party,
        *(answer.event_id for answer in made),
        *(str(lot) for answer in made for lot in answer.fates),
    ]
    size = world.size()
    told: set[int] = set()
    answered = 0

    async def run() -> None:
        numbers = iter(fuzz.share(2.5))

        async def one_after_another() -> None:
            nonlocal answered
            for number in numbers:
                sent = drawn(fuzz.random_of("wire bytes", number), world, known, names)
                said = await exchange(server.port, sent)
                name = fuzz.name("wire bytes", number)
                assert said is not None, (name, "hangs", sent.data[:500])
                for status, body in answers_of(said):
                    assert status < 500, (name, sent.data[:2000], said[:2000])
                    answered += 1
                    if body.startswith(b"{") and b'"type":"/problems/' in body and not sent.event:
                        assert json.loads(body)["type"].removeprefix("/problems/") in TYPES
                if sent.event:
                    assert answers_of(said), (name, "was not answered", sent.data[:500])
                    told.update(stored_by(said))

        await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))

    asyncio.run(run())
    assert answered > len(fuzz.share(2.5)) * 0.5
    assert told >= set(range(size, world.size()))


@pytest.mark.parametrize("path", ["/", "/nowhere", "/t/x", "/v1/lots"])
@pytest.mark.parametrize(
    ("query", "authorization", "status"),
    [
        ("?" + "&".join(f"a{number}=1" for number in range(2000)), "", (200, 400, 404)),
        ("", "Basic Og==", (401, 404)),
        ("", "DSSE e30", (401, 404)),
        ("?a=1&a=2&%ff", "Basic Og==", (400, 401, 404)),
    ],
)
def test_a_page_that_cannot_be_asked_for_is_no_fault(served, path, query, authorization, status):
    """Thousands of parameters, or a header no browser sends, are refused where an answer would be a page."""
    _, server, _ = served
    headers = {"Accept": "text/html", **({"Authorization": authorization} if authorization else {})}
    assert httpx.get(server.url + path + query, headers=headers).status_code in status
