"""POST /v1/events with one event: taken, known, refused by name, and nothing stored when it is not."""

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from world import line, submission

from traceability.core import merkle
from traceability.core.checkpoint import open_checkpoint
from traceability.core.ids import unpadded
from traceability.core.leaf import leaf_hash
from trade import LOG, LOG_SIGNER, Pen, accept, bag, offer, produce


def post(client, signed, **more):
    return client.post("/v1/events", json=submission(signed), **more)


def problem(answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert {"title", "detail", "request_id"} <= body.keys()
    return answer.status_code, body["type"].removeprefix("/problems/")


@pytest.mark.threat("T42")
def test_the_answer_is_the_proof(world, client):
    """201 with entry, blind, proof and checkpoint, which together show that the event is in the log."""
    signed = produce(world.anna, "20", "30.5")
    answer = post(client, signed)
    assert answer.status_code == 201
    body = answer.json()
    assert answer.headers["location"] == f"/v1/events/{signed.id}"
    assert body["event_id"] == signed.id
    assert body["lots"] == dict.fromkeys(signed.lots, True)
    entry = body["entry"].encode()
    assert json.loads(entry)["envelope"] == submission(signed)["envelope"]
    opened = open_checkpoint(body["checkpoint"].encode(), LOG, [LOG_SIGNER.verifier])
    merkle.verify_inclusion(
        leaf_hash(unpadded(body["blind"]), entry),
        body["index"],
        opened.checkpoint.size,
        [unpadded(node) for node in body["proof"]],
        opened.checkpoint.root,
    )


@pytest.mark.threat("T19")
def test_the_same_again_is_the_same_answer(world, client):
    """Sent again: 200, same index, entry and blind. Nothing is stored."""
    signed = produce(world.anna, "1")
    first = post(client, signed)
    size = world.size()
    again = post(client, signed)
    assert (first.status_code, again.status_code) == (201, 200)
    for name in ("index", "entry", "blind", "event_id", "lots"):
        assert first.json()[name] == again.json()[name]
    assert world.size() == size


@pytest.mark.threat("T19")
def test_a_thousand_times_at_once_is_one_entry(world, client):
    """The same event, new to the ledger, by eight clients 125 times each: one entry, and everybody gets its index."""
    signed = produce(world.anna, "1")
    size = world.size()
    headers = {"Content-Type": "application/x-ndjson"}
    with ThreadPoolExecutor(8) as threads:
        sent = [
            threads.submit(client.post, "/v1/events", content=line(signed) * 125, headers=headers)
            for _ in range(8)
        ]
    told = [json.loads(said) for answer in sent for said in answer.result().text.splitlines()]
    assert len(told) == 1000
    assert {answer["index"] for answer in told} == {size}
    assert world.size() == size + 1


@pytest.mark.threat("T02")
def test_a_twin_signature_is_the_same_event(world, client):
    """The other form of an ECDSA signature brings no second entry, and the first entry back."""
    signed = produce(world.anna, "1")
    first = post(client, signed)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signature = signed.envelope.signature
    s = order - int.from_bytes(signature[32:], "big")
    signed.envelope.signature = signature[:32] + s.to_bytes(32, "big")
    again = post(client, signed)
    assert again.status_code == 200
    assert again.json()["entry"] == first.json()["entry"]


def test_many_at_once_are_all_taken(world, client, server):
    """Thirty clients at once each get their own index."""
    pens = [Pen(f"crowd {number}") for number in range(10)]
    world.take(*(world.office.enrol(pen, "miner", "trader") for pen in pens))
    events = [produce(pen, "1") for pen in pens for _ in range(3)]
    answers = []
    threads = [threading.Thread(target=lambda e=e: answers.append(post(client, e))) for e in events]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 30
    assert len({answer.json()["index"] for answer in answers}) == 30


def test_a_double_issue_is_409_with_its_proof_and_again(world, client):
    """The second successor is logged without effect, answered 409 with index and proof, also when sent again."""
    signed = produce(world.anna, "5")
    world.take(signed)
    lot = signed.lots[0]
    first = offer(world.anna, world.ben.party, [(signed.id, lot)])
    second = offer(world.anna, world.carl.party, [(signed.id, lot)])
    assert post(client, first).status_code == 201
    for _ in range(2):
        answer = post(client, second)
        assert problem(answer) == (409, "double_issue")
        body = answer.json()
        assert body["event_id"] == second.id
        assert body["stands"] is False
        assert body["lots"] == {lot: False}
        assert body["proof"]
        assert body["checkpoint"].startswith(LOG)


def test_a_number_used_before_is_told_from_a_rival(world, client):
    """A second event under one number is without effect as well, and the answer says to take the next number."""
    first = produce(world.anna, "5")
    world.anna.next -= 1
    second = produce(world.anna, "6")
    assert post(client, first).status_code == 201
    answer = post(client, second)
    assert problem(answer) == (409, "double_issue")
    assert "next number" in answer.json()["detail"]


def test_what_is_not_known_yet_is_waited_for(world, client):
    """An event on an unknown predecessor or by an unknown key is 409 and says what has to come first."""
    stranger = Pen("nobody", world.anna.party)
    answer = post(client, produce(stranger, "1"))
    assert problem(answer) == (409, "waits_for")
    assert answer.json()["waits_for"] == {"type": "key", "id": stranger.key.id}
    signed = produce(world.anna, "5")
    later = offer(world.anna, world.ben.party, [(signed.id, signed.lots[0])])
    answer = post(client, later)
    assert problem(answer) == (409, "waits_for")
    assert answer.json()["waits_for"]["type"] in {"event", "lot"}
    assert post(client, signed).status_code == 201
    assert post(client, later).status_code == 201


def test_who_may_not_is_403_and_what_cannot_be_is_422(world, client):
    """Names and statuses of refusals: not that party's act, or against the rules."""
    signed = produce(world.anna, "5")
    world.take(signed)
    lot = signed.lots[0]
    mine = [(signed.id, lot)]
    assert problem(post(client, offer(world.carl, world.ben.party, mine))) == (403, "not_custodian")
    assert problem(
        post(
            client,
            world.anna.sign(
                "role_change", {"party": world.anna.party, "add": ["auditor"], "from": "2026-01-01"}
            ),
        )
    ) == (403, "role_missing")
    assert problem(post(client, offer(world.anna, world.anna.party, mine))) == (422, "to_oneself")
    elsewhere = world.anna.sign(
        "production", {"region": "RW-04", "source": "device", "lots": [bag("1")]}, log="other.example.org"
    )
    assert problem(post(client, elsewhere)) == (422, "other_log")
    borrowed = Pen("anna", world.ben.party)
    borrowed.next = 900
    assert problem(post(client, produce(borrowed, "1"))) == (403, "not_your_key")


@pytest.mark.threat("T40")
def test_fork_and_ahead_are_409(world, client):
    """An event that has seen another tree, or a larger one, is answered as proof for its sender."""
    body = {"region": "RW-04", "source": "device", "lots": [bag("1")]}
    fork = world.anna.sign("production", body, seen={"root": "00" * 32, "size": 2})
    ahead = world.anna.sign("production", body, seen={"root": "00" * 32, "size": 10**9})
    assert problem(post(client, fork)) == (409, "fork")
    assert problem(post(client, ahead)) == (409, "ahead")


@pytest.mark.threat("T01")
def test_a_spoiled_signature_or_payload_is_refused_and_not_stored(world, client):
    """No byte of payload or signature can be changed."""
    signed = produce(world.anna, "5")
    size = world.size()
    honest = signed.envelope.signature
    signed.envelope.signature = honest[:-1] + bytes([honest[-1] ^ 1])
    assert problem(post(client, signed)) == (422, "bad_signature")
    signed.envelope.signature = honest
    payload = signed.envelope.payload
    signed.envelope.payload = payload.replace(b'"5"', b'"6"')
    assert problem(post(client, signed)) == (422, "bad_signature")
    signed.envelope.payload = payload.replace(b'"version":1', b'"version": 1')
    assert problem(post(client, signed)) == (400, "malformed")
    assert world.size() == size
    signed.envelope.payload = payload
    assert post(client, signed).status_code == 201


def test_disclosures_come_with_the_event_or_later(world, client):
    """A value that opens a commitment is taken; one that does not is 422, and the event not stored."""

    def signed():
        body = {"region": "RW-04", "source": "device", "lots": [bag("1")]}
        return world.anna.sign("production", body, sealed={"/note": "sous la pluie", "/pit": "B3"})

    good = signed()
    assert post(client, good).status_code == 201
    bad = signed()
    lie = submission(bad)
    lie["disclosures"][0][2] = "par beau temps"
    assert problem(client.post("/v1/events", json=lie)) == (422, "bad_disclosure")
    later = submission(bad)
    shown = later.pop("disclosures")
    assert client.post("/v1/events", json=later).status_code == 201
    where = f"/v1/events/{bad.id}/disclosures"
    answer = client.post(where, json={"disclosures": shown[:1]})
    assert answer.status_code == 200
    assert answer.json() == {"event_id": bad.id, "paths": [shown[0][1]]}
    assert problem(client.post(where, json={"disclosures": [[shown[1][0], shown[1][1], "C4"]]})) == (
        422,
        "bad_disclosure",
    )
    assert problem(client.post(where, json={"disclosures": [["x", "/pit", "B3"]]})) == (422, "bad_disclosure")
    assert problem(client.post("/v1/events/" + "0" * 64 + "/disclosures", json={"disclosures": shown})) == (
        404,
        "not_here",
    )


def test_gzip_is_taken_here_and_nowhere_else(world, client):
    """Content-Encoding: gzip on /v1/events is unpacked; on another route, or in another coding, it is 415."""
    signed = produce(world.anna, "5")
    packed = gzip.compress(line(signed))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert client.post("/v1/events", content=packed, headers=headers).status_code == 201
    where = f"/v1/events/{signed.id}/disclosures"
    assert problem(client.post(where, content=packed, headers=headers)) == (415, "unsupported_media_type")
    headers["Content-Encoding"] = "br"
    assert problem(client.post("/v1/events", content=packed, headers=headers)) == (
        415,
        "unsupported_media_type",
    )


@pytest.mark.threat("T14")
@pytest.mark.parametrize("size", [2 << 20, 64 << 20])
def test_a_gzip_bomb_is_stopped_at_the_bound(client, size):
    """A small body that unpacks to much more is 413, without unpacking it all."""
    bomb = gzip.compress(b" " * size)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert problem(client.post("/v1/events", content=bomb, headers=headers)) == (413, "too_large")


@pytest.mark.parametrize(
    "packed",
    [b"not gzip", gzip.compress(b"{}")[:-3], gzip.compress(b"{}") + b"rest", b""],
    ids=["no gzip", "cut off", "with something behind", "nothing"],
)
def test_broken_gzip_is_malformed(client, packed):
    """What is not whole gzip is 400."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert problem(client.post("/v1/events", content=packed, headers=headers)) == (400, "malformed")


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/json; charset=utf-16",
    ],
)
def test_other_types_of_content_are_415(client, kind):
    """Only JSON in UTF-8 is read, and it has to say so."""
    headers = {"Content-Type": kind} if kind else {}
    answer = client.post("/v1/events", content=b"{}", headers=headers)
    assert problem(answer) == (415, "unsupported_media_type")


@pytest.mark.threat("T14")
def test_too_large_a_body_is_413(client):
    """One event has a mebibyte."""
    headers = {"Content-Type": "application/json"}
    body = b'{"envelope":"' + b"x" * (1 << 20) + b'"}'
    assert problem(client.post("/v1/events", content=body, headers=headers)) == (413, "too_large")

    def unannounced():
        for _ in range(40):
            yield b"x" * (1 << 15)

    assert problem(client.post("/v1/events", content=unannounced(), headers=headers)) == (413, "too_large")


def hostile_bodies(world) -> dict[str, bytes]:
    honest = json.dumps(submission(produce(world.anna, "7")))
    envelope = json.dumps(submission(produce(world.anna, "7"))["envelope"])
    return {
        "empty": b"",
        "null": b"null",
        "a list": b"[]",
        "a number": b"1",
        "NaN": b"NaN",
        "no envelope": b"{}",
        "envelope null": b'{"envelope":null}',
        "envelope a text": b'{"envelope":"x"}',
        "unknown member": honest.replace('{"envelope"', '{"extra":1,"envelope"', 1).encode(),
        "envelope twice": f'{{"envelope":{envelope},"envelope":{envelope}}}'.encode(),
        "two signatures": honest.replace(
            '"signatures": [', '"signatures": [{"keyid":"a","sig":"b"},'
        ).encode(),
        "no signature": json.dumps({"envelope": {**json.loads(envelope), "signatures": []}}).encode(),
        "other payloadType": honest.replace("event+json", "read+json").encode(),
        "base64 with white space": honest.replace('"payload": "', '"payload": " ').encode(),
        "base64url": json.dumps({"envelope": {**json.loads(envelope), "payload": "_-_-"}}).encode(),
        "payload no JSON": json.dumps({"envelope": {**json.loads(envelope), "payload": "AAAA"}}).encode(),
        "short signature": honest.replace('"sig": "', '"sig": "AAAA').encode(),
        "disclosures null": f'{{"envelope":{envelope},"disclosures":null}}'.encode(),
        "disclosure of two": f'{{"envelope":{envelope},"disclosures":[["a","b"]]}}'.encode(),
        "disclosure with a float": f'{{"envelope":{envelope},"disclosures":[["a","b",1.5]]}}'.encode(),
        "lone surrogate": f'{{"envelope":{envelope},"disclosures":[["a","b","\\ud800"]]}}'.encode(),
        "2^63": f'{{"envelope":{envelope},"disclosures":[["a","b",9223372036854775808]]}}'.encode(),
        "deep": b'{"envelope":' + b"[" * 5000 + b"]" * 5000 + b"}",
        "UTF-16": honest.encode("utf-16"),
        "byte order mark": b"\xef\xbb\xbf" + honest.encode(),
        "NUL behind": honest.encode() + b"\x00",
    }


def test_hostile_bodies_are_malformed_and_nothing_is_stored(world, client):
    """None of the bodies that fell other servers makes more than a 400 here."""
    size = world.size()
    for name, body in hostile_bodies(world).items():
        answer = client.post("/v1/events", content=body, headers={"Content-Type": "application/json"})
        assert problem(answer) == (400, "malformed"), name
    assert world.size() == size


def test_hostile_disclosures_are_malformed(world, client):
    """The other route that takes a body reads as strictly."""
    signed = produce(world.anna, "1")
    world.take(signed)
    for body in (
        b"", b"null", b"[]", b"{}", b'{"disclosures":null}', b'{"disclosures":[[]]}', b'{"disclosures":[["a","b",NaN]]}',
        b'{"disclosures":[["a","b",1e999]]}', b'{"disclosures":[],"disclosures":[]}', b'{"disclosures":[],"x":1}',
        b'{"disclosures":[["a","b","\\ud800"]]}', b'{"disclosures":[["a","b",9223372036854775808]]}', b"\xff\xfe",
        b'{"disclosures":' + b"[" * 9999 + b"]" * 9999 + b"}",
    ):  # fmt: skip
        answer = client.post(
            f"/v1/events/{signed.id}/disclosures", content=body, headers={"Content-Type": "application/json"}
        )
        assert problem(answer) == (400, "malformed"), body[:60]


def test_handoff_by_http(world, client):
    """Production, transfer and acceptance by three requests; the lot is the recipient's."""
    made = produce(world.anna, "5")
    given = offer(world.anna, world.ben.party, [(made.id, made.lots[0])])
    got = accept(world.ben, [(given.id, made.lots[0])])
    for signed in (made, given, got):
        assert post(client, signed).status_code == 201
