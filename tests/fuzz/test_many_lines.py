"""Mutated events as lines, over many connections at once: a cheap way to try many, for each line has its own answer."""

import gzip
import json
from collections import Counter
from random import Random

import pytest
import twin
from asking import BOMB, chunked
from hosted import Hosted, production, signed
from spoil import mutated, odd_json, resaid
from test_readers import respelled
from wire import at_once, converse

from traceability.api.submission import read_submission
from traceability.core import canonical
from traceability.core.errors import Malformed
from traceability.core.signing import event_id
from trade import Pen

LINES = 250


@pytest.mark.threat("T10", "T11", "T13")
@pytest.mark.slow
def test_lines_over_many_connections(hosted, pens, fuzz, capfd):
    """Mutated events, each a line with its own answer: malformed exactly where our readers and the slow twin say so.

    In order, packed and in chunks of any size; and the log has what was told, byte for byte, and nothing else.
    """
    count = len(fuzz.share("lines"))
    problems: Counter[str] = Counter()

    async def work(number: int) -> None:
        random = fuzz.random_of("lines", number)
        pen = pens[number % len(pens)]
        lines = [hostile_line(random, hosted, pen) for _ in range(min(LINES, count - number * LINES))]
        body = b"\n".join(lines) + random.choice((b"", b"\n", b"\n \n"))
        headers = ["Content-Type: application/x-ndjson"]
        ending = None
        if random.random() < 0.5:
            headers.append("Content-Encoding: gzip")
            body = gzip.compress(body, 1, mtime=0)
            if random.random() < 0.1:
                ending = random.choice(("too_large", "malformed"))
                body += BOMB if ending == "too_large" else b"\x1f\x8bx"
        if random.random() < 0.5:
            headers.append("Transfer-Encoding: chunked")
            body = chunked(random, body)
        else:
            headers.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(["POST /v1/events HTTP/1.1", "Host: localhost", *headers])
        name = fuzz.name("lines", number)
        (answer,), _ = await converse(hosted.port, [(head.encode() + b"\r\n\r\n" + body, "POST")], random)
        assert answer.status == 200, (name, answer)
        answers = [json.loads(each) for each in answer.body.splitlines()]
        if ending is not None:
            assert answers.pop()["type"] == f"/problems/{ending}", name
            if ending == "malformed" or len(answers) < len(lines):
                del lines[len(answers) :]  # what was not whole when the stream ended
        assert [each["line"] for each in answers] == [*range(1, len(lines) + 1)], name
        for line, said in zip(lines, answers, strict=True):
            hosted.tell(said)
            agreed(line, said, name)
            problems[said.get("type", "recorded")] += 1

    at_once(work, -(-count // LINES), len(pens))
    hosted.assert_sound(capfd)
    assert problems["recorded"] > count * 0.05
    assert len(problems) > 4
    assert problems["/problems/malformed"] > count * 0.2


def agreed(line: bytes, said: dict, name: str) -> None:
    """AssertionError unless the line was read, or refused, as it is here."""
    told = f"{name}: {line!r} was answered {said}"
    wrong = why_not(line)
    if wrong is not None:
        assert (said.get("type"), said["detail"]) == ("/problems/malformed", wrong), told
        return
    payload, _, _ = twin.envelope(twin.wire(line)["envelope"])
    assert twin.signed(payload), told
    assert said["status"] != 400, told
    if "event_id" in said:
        assert said["event_id"] == event_id(payload), told


def why_not(line: bytes) -> str | None:
    """Why it is no submission, as the server's own reader says; None for one."""
    try:
        read_submission(line)
    except Malformed as error:
        return str(error)
    return None


def hostile_line(random: Random, hosted: Hosted, pen: Pen) -> bytes:
    """A submission, honest or spoiled: in its bytes, its envelope, or in what is well signed in it."""
    draw = random.random()
    if draw < 0.35:
        value = hosted.any_event(random, pen)
        pen.next += random.random() < 0.5
        payload = canonical.dump(value)
        return clean(signed(pen, payload if draw < 0.15 else resaid(random, payload)))
    honest = production(random, pen)
    if draw < 0.5:
        return honest
    if draw < 0.65:
        return clean(mutated(random, honest))
    if draw < 0.75:
        return clean(resaid(random, honest))
    if draw < 0.8:
        return clean(odd_json(random))
    value = json.loads(honest)
    payload, _, _ = twin.envelope(value["envelope"])
    if draw < 0.9:
        return clean(signed(pen, random.choice((resaid, mutated))(random, payload)))
    envelope = canonical.dump(value["envelope"])
    return clean(b'{"envelope":%s}' % respelled(random, envelope))


def clean(line: bytes) -> bytes:
    """In one line, and with something in it: otherwise it would be two lines, or none."""
    return line.replace(b"\n", b"\r") if line.strip() else b"-"
