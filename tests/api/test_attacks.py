"""What somebody tries against the ledger as it is served, where no other test tries it yet (docs/threats.md)."""

import hashlib
import hmac
import itertools
import json
import time
from base64 import b64encode

import httpx
import pytest
from test_submit import problem
from world import submission

from traceability.core import events
from traceability.core.errors import Malformed
from traceability.core.ids import to_unpadded
from traceability.core.signing import EVENT_TYPE, Envelope
from trade import Pen, produce


def post(client, envelope: Envelope):
    return client.post("/v1/events", json={"envelope": json.loads(envelope.to_json())})


def signed_anyway(pen: Pen, payload: bytes) -> Envelope:
    """A good signature over bytes that are no event."""
    return pen.key.sign_event(payload)


@pytest.mark.threat("T06")
def test_the_key_alone_says_how_to_verify(world, client):
    """Neither a named algorithm, nor none, nor a MAC under the public key, nor another curve's signature counts."""
    honest = produce(world.anna, "1").envelope
    named = json.loads(honest.to_json())
    size = world.size()
    for place in (named, named["signatures"][0]):
        for algorithm in ("none", "HS256", "Ed25519"):
            place["alg"] = algorithm
            assert problem(client.post("/v1/events", json={"envelope": named})) == (400, "malformed")
            del place["alg"]
    message = b"DSSEv1 %d %s %d %s" % (
        len(EVENT_TYPE),
        EVENT_TYPE.encode(),
        len(honest.payload),
        honest.payload,
    )
    mac = hmac.digest(world.anna.key.public.spki, message, hashlib.sha512)
    other = Pen("anna", algorithm="Ed25519").key.sign_event(honest.payload).signature
    for signature in (mac, other, bytes(64), b"\xff" * 64):
        envelope = Envelope(EVENT_TYPE, honest.payload, honest.key, signature)
        assert problem(post(client, envelope)) == (422, "bad_signature")
    without = {**named, "signatures": [{**named["signatures"][0], "sig": ""}]}
    assert problem(client.post("/v1/events", json={"envelope": without})) == (400, "malformed")
    assert world.size() == size


@pytest.mark.threat("T10", "T11", "T13")
def test_what_is_signed_has_one_reading(world, client):
    """A key twice, a number spelled otherwise, the same object written in six other ways: signed well, and refused."""
    payload = produce(world.anna, "10").envelope.payload
    value = json.loads(payload)
    assert b'"value":"10"' in payload
    rewritten = [
        payload.replace(b'"value":"10"', b'"value":"10","value":"1000"'),
        payload.replace(b'"value":"10"', b'"value":"10","v\\u0061lue":"1000"'),
        payload.replace(b'"version":1', b'"version":1.0'),
        payload.replace(b'"version":1', b'"version":1e0'),
        payload.replace(b'"version":1', b'"version":true'),
        payload.replace(b'"version":1', b'"version":9007199254740993'),
        payload.replace(b'"sequence":', b'"sequence":-0,"sequence":'),
        json.dumps(value).encode(),
        json.dumps(value, indent=1).encode(),
        json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode(),
        payload.replace(b"production", b"producti\\u006fn"),
        payload + b"\n",
        b"\xef\xbb\xbf" + payload,
        json.dumps(value, sort_keys=True, separators=(",", ":")).encode("utf-16"),
    ]
    size = world.size()
    for other in rewritten:
        assert other != payload
        assert problem(post(client, signed_anyway(world.anna, other))) == (400, "malformed"), other
    assert world.size() == size
    assert post(client, signed_anyway(world.anna, payload)).status_code == 201


@pytest.mark.threat("T12")
def test_names_that_look_alike_are_written_one_way(world, client):
    """Two spellings of one name, and characters that hide or turn text, are refused in any text of an event."""
    payload = produce(world.anna, "1", document="Société").envelope.payload
    size = world.size()
    for text in (
        "Socie\u0301te\u0301",
        "Soci\u00e9t\u00e9\u200b",
        "\u202eetciocoS",
        "Soci\ufeffete",
        "So\x00ciete",
        "Societe\u2028",
    ):
        said = json.dumps(text, ensure_ascii=False).encode()
        other = payload.replace('"Société"'.encode(), said.replace(b"\\u0000", b"\\u0000"))
        assert problem(post(client, signed_anyway(world.anna, other))) == (400, "malformed"), text
    assert world.size() == size


HEADERS = (
    "Accept", "Accept-Language", "Accept-Encoding", "Authorization", "Cookie", "Range", "If-None-Match", "Content-Type",
    "X-Request-Id", "Forwarded", "X-Forwarded-For", "Origin", "Referer", "TE",
)  # fmt: skip
LONG = 30_000
LONG_VALUES = (
    "a" * LONG, "," * LONG, ";" * LONG, "x " * (LONG // 2) + "x", "a=b;" * (LONG // 4), "a;q=0.1," * (LONG // 8), "bytes=" + "0-1," * (LONG // 4),
    '"' * LONG, "\\" * LONG, "(" * LONG, "DSSE " + "A" * LONG, "session=" + "." * LONG, "=" * LONG, "-" * LONG, "%20" * (LONG // 3),
)  # fmt: skip


@pytest.mark.threat("T75")
def test_no_header_costs_more_than_its_length(server):
    """The longest header that is taken, in every shape that makes careless parsers slow, on reads, pages' paths and writes."""
    with httpx.Client(base_url=server.url) as client:
        for name, value in itertools.product(HEADERS, LONG_VALUES):
            begun = time.process_time()
            for method, path in (("GET", "/v1/lots"), ("GET", "/tile/0/000.p/1"), ("POST", "/v1/events")):
                answer = client.request(method, path, headers={name: value})
                assert answer.status_code < 500
            assert time.process_time() - begun < 10, (name, value[:20])


@pytest.mark.threat("T73")
def test_questions_to_the_database_hold_no_words_of_the_asker(world, client):
    """Quotes, comments and second statements in paths, queries and ids are looked up as they stand, and not found."""
    from urllib.parse import quote

    for text in (
        "' OR '1'='1",
        "'; DROP TABLE entry; --",
        '" OR ""="',
        "%' --",
        "\\'; SELECT 1",
        "1 UNION SELECT note FROM checkpoint",
        "$1",
        "?",
        "%s",
    ):
        for path in (
            "/v1/lots/{}",
            "/v1/tags/{}",
            "/v1/parties/{}",
            "/v1/sites/{}",
            "/v1/events/{}",
            "/tile/{}",
            "/problems/{}",
        ):
            assert problem(client.get(path.format(quote(text, safe="")))) == (404, "not_here")
        for query in (
            "/v1/lots?mineral={}",
            "/v1/lots?cursor={}",
            "/v1/parties?cursor={}",
            "/v1/sites?limit={}",
        ):
            assert client.get(query.format(quote(text, safe=""))).status_code in (400, 401)
    assert world.size() > 0


@pytest.mark.threat("T86")
def test_headers_of_proxies_and_of_other_origins_change_nothing(world, client):
    """Nobody becomes somebody else, or another address, by saying so; no other origin is let in; no console is open."""
    plain = client.get("/v1/log")
    said = {
        "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example", "Forwarded": "for=127.0.0.1;host=evil.example",
        "Host": "evil.example", "X-Real-Ip": "127.0.0.1", "X-Original-Url": "/metrics", "X-HTTP-Method-Override": "DELETE", "Origin": "https://evil.example",
    }  # fmt: skip
    answer = client.get("/v1/log", headers=said)
    assert answer.content == plain.content
    assert not {name for name in answer.headers if name.startswith("access-control-")}
    assert "evil.example" not in str(answer.headers)
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert client.options("/v1/events", headers=asked).status_code == 405
    for path in (
        "/docs",
        "/redoc",
        "/debug",
        "/admin",
        "/.env",
        "/.git/config",
        "/console",
        "/server-status",
    ):
        assert client.get(path).status_code == 404


@pytest.mark.threat("T87")
@pytest.mark.parametrize(
    "moment",
    [
        "2026-06-30T23:59:60Z", "2026-03-14T24:00:00Z", "2026-02-29T10:00:00Z", "2100-02-29T10:00:00Z", "2026-03-14T10:10:00+00:00",
        "2026-03-14T10:10:00+02:00", "2026-03-14T10:10:00.000Z", "2026-03-14T10:10Z", "2026-03-14 10:10:00Z", "2026-03-14t10:10:00z",
        "10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "1773483000", "2026-W11-6T10:10:00Z", "2026-073T10:10:00Z", "٢٠٢٦-03-14T10:10:00Z",
        "-2026-03-14T10:10:00Z", "2026-3-14T10:10:00Z", "2026-13-01T00:00:00Z", "3000-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_a_moment_has_one_spelling(world, moment):
    """Leap seconds, zones, fractions, other calendars and years beyond the format are refused; 2038 is a year like others."""
    payload = produce(world.anna, "1").envelope.payload
    value = json.loads(payload)
    for good in (
        "2038-01-19T03:14:08Z",
        "2028-02-29T23:59:59Z",
        "2999-12-31T23:59:59Z",
        "1999-12-31T00:00:00Z",
    ):
        events.encode({**value, "event_time": good})
    with pytest.raises(Malformed):
        events.encode({**value, "event_time": moment})


@pytest.mark.threat("T82")
def test_a_commitment_cannot_be_guessed(world, client):
    """Whoever knows the value of a sealed field, and all of the log but its salt, cannot find it there."""
    signed = world.anna.sign(
        "production",
        {**json.loads(produce(world.anna, "1").envelope.payload)["body"]},
        sealed={"/note": "oui"},
    )
    ((salt, path, value),) = signed.disclosures
    ((_, commitment),) = signed.event.sealed
    assert len(salt) == 22
    guessed = {
        to_unpadded(hashlib.sha256(text).digest())
        for text in (
            b'"oui"',
            b"oui",
            b'["","/note","oui"]',
            b'["/note","oui"]',
            b'["' + b"A" * 22 + b'","/note","oui"]',
        )
    }
    assert commitment not in guessed
    again = world.anna.sign("production", json.loads(signed.envelope.payload)["body"], sealed={path: value})
    assert again.event.sealed[0][1] != commitment
    assert b64encode(salt.encode()) not in signed.envelope.to_json()
    assert submission(signed)["disclosures"] == [[salt, path, value]]
