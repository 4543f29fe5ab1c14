"""A real server, many connections at once, and whatever can come over them: each request has its answer, and no fault.

Ids and signatures of the ledger asked are its own, so an input is the same again only in kind; a failure shows its
bytes.
"""

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from random import Random

import httpx
import pytest
import twin
from asking import BRINGING, METHODS, Asked, Asking, Route, framed
from hosted import LOG, Hosted, production
from shares import SHARES
from spoil import mutated, odd_json
from wire import HANG_SECONDS, Answer, Broken, answers_in, at_once, converse, is_slow
from world import signed_header

from traceability.api.problem_types import TYPES
from trade import Pen

AT_ONCE = 16
TOGETHER = 12
"""Requests over one connection, before anything is read of their answers."""
RAW_METHODS = (*METHODS, "CONNECT", "PRI", "get", "QUERY", "GE T", "\u00e9", "")
RAW_HEADERS = (
    "Content-Length: -1", "Content-Length: 1e9", "Content-Length: 99999999999999999999", "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: +1", "Transfer-Encoding: chunked", "Transfer-Encoding: identity, chunked", "Transfer-Encoding: gzip",
    "Transfer-Encoding: chunked\r\nContent-Length: 3", "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked", "Expect: 100-continue",
    "Upgrade: websocket\r\nConnection: upgrade", "Upgrade: h2c\r\nConnection: upgrade, http2-settings", "Connection: close", "X: \x00",
    "X: \r\n y", "X\x01: y", ": y", "X", "X:y\nZ:z", "Host: a\r\nHost: b", "Host:", "Host: evil.example:99999", "Trailer: X", "TE: trailers",
    "X: " + "a" * 40_000, "\r\n".join(f"X{number}: y" for number in range(3000)), "Content-Type: application/json", "Cookie: " + "a=b;" * 2000,
)  # fmt: skip
CHUNKS = (b"0\r\n\r\n", b"5\r\nabc\r\n", b"fffffffffffffffff\r\n", b"-1\r\n", b"1;x=y\r\na\r\n0\r\nX: y\r\n\r\n", b"1\na\n0\n\n", b"g\r\n", b"")  # fmt: skip


def judged(asked: Asked, answer: Answer, name: str) -> None:
    """AssertionError for an answer that no request may have."""
    told = f"{name}: {asked.data[:3000]!r} was answered {answer}"
    assert answer.status < 500 or answer.status == 503, told
    if answer.headers.get("content-type") == "application/problem+json" and answer.body:
        problem = json.loads(answer.body)
        kind = TYPES[problem["type"].removeprefix("/problems/")]
        assert kind.status == problem["status"] == answer.status, told
    elif answer.status == 503:
        assert asked.path == "/readyz" or "text/html" in answer.headers["content-type"], told
    if answer.status == 503:
        assert answer.headers["retry-after"].isdigit(), told
    assert answer.headers.get("x-request-id") == asked.id, told


@pytest.mark.threat("T73")
@pytest.mark.slow
def test_every_route_answers_whatever_it_is_asked(hosted, routes, pens, fuzz, capfd):
    """Each route in turn, many requests before an answer is read: each has its own answer, in order, and none a 5xx.

    None takes two seconds; what is told to be in the log is there, and nothing else.
    """
    sessions = [session_of(hosted, role) for role in ("auditor", "trader", "exporter", "operator")]
    asking = Asking(hosted, sessions)
    count = len(fuzz.share("routes"))
    statuses: Counter[tuple[str, int]] = Counter()
    slow: list[tuple[str, Asked]] = []

    async def work(number: int) -> None:
        random = fuzz.random_of("routes", number)
        drawn = [
            asking.draw(random, routes[place % len(routes)], f"fuzz-{place:08}", pens[number % len(pens)])
            for place in range(number * TOGETHER, min(count, (number + 1) * TOGETHER))
        ]
        name = fuzz.name("routes", number)
        try:
            answers, _ = await converse(hosted.port, [(each.data, each.method) for each in drawn], random)
        except Broken as error:
            raise AssertionError((name, [each.data[:1000] for each in drawn])) from error
        for asked, answer in zip(drawn, answers, strict=True):
            judged(asked, answer, name)
            if asked.event:
                hosted.tell_all(answer.body)
            statuses[asked.path, answer.status] += 1
            if answer.seconds > HANG_SECONDS:
                slow.append((name, asked))

    at_once(work, -(-count // TOGETHER), AT_ONCE)
    for name, asked in slow:
        heard = (lambda answer: hosted.tell_all(answer.body)) if asked.event else (lambda _: None)
        again = asyncio.run(is_slow(hosted.port, asked.data, asked.method, heard))
        assert not again, f"{name}: {asked.data[:2000]!r} takes too long"
    hosted.assert_sound(capfd)
    for route in routes:
        assert any(path == route.path for path, _ in statuses), route
    good = {path for (path, status) in statuses if status < 400}
    assert len(good) > 45, sorted({each.path for each in routes} - good)


def session_of(hosted: Hosted, role: str) -> str:
    """The cookie of somebody who has signed in."""
    header = signed_header(hosted.pen(role), "POST", "/v1/sessions", {"log": LOG})
    answer = httpx.post(f"{hosted.url}/v1/sessions", headers=header)
    assert answer.status_code == 200, answer.text
    return answer.cookies["session"]


@pytest.mark.threat("T73")
@pytest.mark.slow
def test_whatever_bytes_come_are_answered(hosted, routes, pens, fuzz, capfd):
    """Requests that are none, behind others that are: those are answered, these never with a fault, none holds on."""
    sessions = [session_of(hosted, "trader")]
    asking = Asking(hosted, sessions)
    count = len(fuzz.share("bytes"))
    together = 4
    answered = 0

    async def work(number: int) -> None:
        nonlocal answered
        random = fuzz.random_of("bytes", number)
        pen = pens[number % len(pens)]
        first = [asking.draw(random, random.choice(routes), f"fuzz-{number:08}", pen)]
        tail = b"".join(raw(random, routes, asking, hosted, pen) for _ in range(together))
        name = fuzz.name("bytes", number)
        for _ in range(5):
            try:
                answers, said = await converse(
                    hosted.port, [(each.data, each.method) for each in first], random, tail
                )
            except Broken as error:
                raise AssertionError((name, first, tail[:2000])) from error
            for asked, answer in zip(first, answers, strict=True):
                judged(asked, answer, name)
                if asked.event:
                    hosted.tell_all(answer.body)
            if said is not None:
                break
        assert said is not None, (name, "the connection is held", tail[:2000])
        for status, body in answers_in(said):
            assert status < 500 or status == 503, (name, tail[:3000], said[:2000])
            answered += 1
            if b'"index":' in body and b'"entry":' in body:
                for each in body.splitlines():
                    hosted.tell(json.loads(each))

    at_once(work, count // together, 4 * AT_ONCE)
    hosted.assert_sound(capfd)
    assert answered > count * 0.15


def raw(random: Random, routes: list[Route], asking: Asking, hosted: Hosted, pen: Pen) -> bytes:
    """What comes where a request should: bytes, requests with a header or a frame that is none, and mutated ones."""
    kind = random.randrange(10)
    if kind == 0:
        return random.randbytes(random.randrange(400))
    if kind < 4:
        quiet = [route for route in routes if route.path not in BRINGING]
        return mutated(random, asking.draw(random, random.choice(quiet), "fuzz-raw", pen).data)
    if kind < 6:
        body = production(random, pen)
        hosted.cut.add(twin.envelope(twin.wire(body)["envelope"])[0])
        return mutated(
            random, framed(random, "POST", "/v1/events", ["Content-Type: application/json"], body), 2
        )
    path = random.choice(routes).path.replace("{", "").replace("}", "")
    head = [
        f"{random.choice(RAW_METHODS)} {path} HTTP/{random.choice(('1.1', '1.1', '1.1', '1.0', '2', '0.9', 'x', '1.1 '))}"
    ]
    head += random.choices(RAW_HEADERS, k=random.randrange(3))
    return "\r\n".join(head).encode() + b"\r\n\r\n" + random.choice((*CHUNKS, odd_json(random)))


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
def test_a_page_that_cannot_be_asked_for_is_no_fault(hosted, path, query, authorization, status):
    """Thousands of parameters, or a header no browser sends, are refused where an answer would be a page."""
    headers = {"Accept": "text/html", **({"Authorization": authorization} if authorization else {})}
    assert httpx.get(hosted.url + path + query, headers=headers).status_code in status


def test_the_page_tells_what_is_drawn():
    """docs/threats.md has a row for each test of the fuzzer, with its part of a thousand."""
    page = (Path(__file__).parents[2] / "docs" / "threats.md").read_text()
    assert dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE)) == {
        name: str(share) for name, share in SHARES.items()
    }
    assert sum(SHARES.values()) == 1000
