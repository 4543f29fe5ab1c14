"""Many events as lines: order, answers as they are published, bounds, and what a cut connection leaves."""

import gzip
import json
import time

import pytest
from test_submit import problem
from world import line, submission

from patience import until
from traceability.api import lines
from traceability.api.lines import LINE_SIZE_MAX, LINES_MAX, Splitter
from trade import Pen, accept, offer, produce

NDJSON = {"Content-Type": "application/x-ndjson"}


def post(client, content, **headers):
    return client.post("/v1/events", content=content, headers={**NDJSON, **headers})


def answers(response) -> list[dict]:
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(text) for text in response.text.splitlines()]


def chain(world, length: int):
    """Events of which each rests on the one before: a bag that goes to and fro."""
    made = produce(world.anna, "5")
    events, lot, hands = [made], made.lots[0], [world.anna, world.ben]
    for _ in range(length):
        giver, taker = hands
        given = offer(giver, taker.party, [(events[-1].id, lot)])
        events += [given, accept(taker, [(given.id, lot)])]
        hands.reverse()
    return events


def test_each_line_sees_those_before(world, client):
    """A whole chain of custody in one request; each answer has the body of the single route."""
    events = chain(world, 20)
    found = answers(post(client, b"".join(map(line, events))))
    assert [(one["line"], one["status"]) for one in found] == [(n, 201) for n in range(1, 42)]
    assert [one["event_id"] for one in found] == [event.id for event in events]
    assert [one["index"] for one in found] == list(range(found[0]["index"], found[0]["index"] + 41))
    single = client.post("/v1/events", json=submission(events[7])).json()
    assert {name for name in found[7] if name not in ("line", "status")} == single.keys()
    assert single["entry"] == found[7]["entry"]


def test_a_rejected_line_stops_nothing(world, client):
    """Refused, malformed, waiting and known lines stand among taken ones, each with its own status."""
    made = produce(world.anna, "5")
    lot = (made.id, made.lots[0])
    body = [
        line(made),
        b'{"envelope":1}\n',
        line(offer(world.carl, world.ben.party, [lot])),
        line(produce(Pen("nobody else", world.anna.party), "1")),
        line(made),
        b"not json\n",
        line(offer(world.anna, world.ben.party, [lot])),
        line(offer(world.anna, world.carl.party, [lot])),
    ]
    found = answers(post(client, b"".join(body)))
    assert [one["status"] for one in found] == [201, 400, 403, 409, 200, 400, 201, 409]
    names = [one.get("type", "").removeprefix("/problems/") for one in found]
    assert names == ["", "malformed", "not_custodian", "waits_for", "", "malformed", "", "double_issue"]
    assert [one["line"] for one in found] == list(range(1, 9))


def test_the_reverse_order_waits(world, client):
    """Order is judged as sent: a chain sent backwards waits, but for its beginning."""
    found = answers(post(client, b"".join(map(line, reversed(chain(world, 2))))))
    assert [one["status"] for one in found] == [409, 409, 409, 409, 201]


def test_blank_lines_and_a_missing_line_feed_at_the_end(world, client):
    """Empty lines count as lines and are not answered; CRLF and no final line feed are fine."""
    first, second = line(produce(world.anna, "1")).strip(), line(produce(world.anna, "1")).strip()
    found = answers(post(client, b"\n" + first + b"\r\n\n  \n" + second))
    assert [(one["line"], one["status"]) for one in found] == [(2, 201), (5, 201)]


@pytest.mark.parametrize("content", [b"", b"\n\n \n"])
def test_no_line_at_all_is_malformed(client, content):
    """A body without a line is 400."""
    assert problem(post(client, content)) == (400, "malformed")


def test_gzip_is_unpacked_and_bounded(world, client):
    """Packed lines are read as they unpack; a bomb ends at the bound, after the lines before it."""
    packed = gzip.compress(b"".join(map(line, chain(world, 3))))
    found = answers(post(client, packed, **{"Content-Encoding": "gzip"}))
    assert [one["status"] for one in found] == [201] * 7
    bomb = gzip.compress(line(produce(world.anna, "1")) + b"\n" * (64 << 20))
    found = answers(post(client, bomb, **{"Content-Encoding": "gzip"}))
    assert [one["status"] for one in found] == [201, 413]
    broken = gzip.compress(line(produce(world.anna, "1")) + b"x" * 100_000, 0)[:-2000]
    found = answers(post(client, broken, **{"Content-Encoding": "gzip"}))
    assert [(one["line"], one["status"]) for one in found] == [(1, 201), (2, 400)]


def test_a_line_too_long_is_413_and_those_after_it_are_read(world, client):
    """One line over a mebibyte is refused by itself."""
    body = (
        line(produce(world.anna, "1")) + b"x" * (LINE_SIZE_MAX + 1) + b"\n" + line(produce(world.anna, "1"))
    )
    found = answers(post(client, body))
    assert [(one["line"], one["status"]) for one in found] == [(1, 201), (2, 413), (3, 201)]


def test_more_lines_than_allowed_end_the_stream(world, client):
    """The 5,001st line is 413, and nothing after it is read."""
    body = b"{}\n" * LINES_MAX + line(produce(world.anna, "1")) * 2
    size = world.size()
    found = answers(post(client, body))
    assert len(found) == LINES_MAX + 1
    assert (found[-1]["line"], found[-1]["status"]) == (LINES_MAX + 1, 413)
    assert world.size() == size


def test_sixteen_mebibytes_are_the_bound(world, client):
    """A body that announces more is 413 at once; one that does not is 413 where it passes the bound."""
    size = (16 << 20) + 1
    assert problem(post(client, b"x" * size)) == (413, "too_large")
    first = line(produce(world.anna, "1"))

    def unannounced():
        yield first
        for _ in range(17 * 16):
            yield b"\n" * (1 << 16)

    found = answers(post(client, unannounced()))
    assert [one["status"] for one in found] == [201, 413]


def head(server) -> bytes:
    return (
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_answers_come_while_lines_are_still_sent(world, server):
    """The answer to a line comes when its group is published, not at the end of the request."""
    with server.connect() as connection:
        connection.sendall(head(server))
        said = b""
        for _ in range(3):
            signed = produce(world.anna, "1")
            connection.sendall(chunk(line(signed)))
            while signed.id.encode() not in said:
                said += connection.recv(65536)
        connection.sendall(chunk(b""))
        while not said.endswith(b"0\r\n\r\n"):
            said += connection.recv(65536)
        assert said.count(b'"status":201') == 3


def test_a_client_that_reads_nothing_until_it_has_sent_everything_is_no_deadlock(world, client):
    """Answers wait in memory while lines come: 3,000 events, none read before the end."""
    pens = [Pen(f"reader {number}") for number in range(3)]
    world.take(*(world.office.enrol(pen, "miner") for pen in pens))
    body = b"".join(line(produce(pen, "1")) for _ in range(200) for pen in pens)
    found = answers(post(client, body))
    assert [one["status"] for one in found] == [201] * 600


def test_a_cut_connection_leaves_a_prefix(world, server):
    """Lines that came whole are in the log in their order; the half line and all after it are not."""
    before = world.size()
    events = [produce(world.anna, "1") for _ in range(30)]
    whole = b"".join(map(line, events[:20]))
    half = line(events[20])[:-10]
    with server.connect() as connection:
        connection.sendall(head(server) + chunk(whole + half))
    until(lambda: world.size() >= before + 20)
    time.sleep(0.3)
    with world.store.read() as view:
        stored = [entry.event_id for entry in view.entries(before, 100)]
    assert stored == [event.id for event in events[:20]]


def test_a_pause_ends_the_stream_with_an_answer(world, server, monkeypatch):
    """30 s (here less) without a byte: the lines before are answered, then 408, then the end."""
    monkeypatch.setattr("traceability.api.limits.IDLE_SECONDS", 0.5)
    with server.connect() as connection:
        connection.sendall(head(server) + chunk(line(produce(world.anna, "1")) + b'{"enve'))
        said = b""
        while not said.endswith(b"0\r\n\r\n"):
            data = connection.recv(65536)
            assert data
            said += data
    assert b'"line":1,"status":201' in said
    assert b'"line":2,"status":408' in said


def test_the_splitter_gives_the_same_lines_however_they_are_cut():
    """Pieces of any size give the lines of the whole."""
    whole = b"one\n\ntwo\r\n" + b"y" * 100 + b"\nlast"
    for size in range(1, len(whole) + 1):
        splitter = Splitter()
        found = [one for at in range(0, len(whole), size) for one in splitter.feed(whole[at : at + size])]
        found += splitter.end()
        assert [one.data for one in found] == whole.split(b"\n")
        assert [one.number for one in found] == [1, 2, 3, 4, 5]


@pytest.mark.threat("T14")
def test_the_splitter_keeps_no_more_than_a_line(monkeypatch):
    """An endless line takes no memory."""
    splitter = Splitter()
    for _ in range(100):
        assert list(splitter.feed(b"x" * 100_000)) == []
        assert len(splitter._rest) <= LINE_SIZE_MAX
    (ended,) = splitter.feed(b"\nnext")
    assert ended == lines.Line(1, None)
    assert [one.data for one in splitter.end()] == [b"next"]
