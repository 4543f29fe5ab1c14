"""Signed reads: what counts as a signature, who may see what, and the one 404 for everything else."""

import json
import time

import httpx
import pytest
from test_submit import problem
from world import read_envelope, signed_header

from traceability.api.problem_types import TYPES
from traceability.core.ids import to_unpadded
from traceability.core.leaf import time_text
from traceability.core.signing import EVENT_TYPE, READ_TYPE, Envelope, pae
from trade import Pen, accept, offer, produce


@pytest.fixture(scope="module")
def sold(served):
    """A bag that Anna dug and sold to Ben, and the three events."""
    world = served[0]
    made = produce(world.anna, "5", producer=world.anna.party)
    given = offer(world.anna, world.ben.party, [(made.id, made.lots[0])])
    got = accept(world.ben, [(given.id, made.lots[0])])
    world.take(made, given, got)
    return made, given, got


def same_404(answer: httpx.Response) -> dict:
    assert problem(answer) == (404, "not_here")
    assert answer.headers["www-authenticate"] == "DSSE"
    body = answer.json()
    body.pop("request_id")
    return body


@pytest.mark.threat("T70")
def test_custodians_past_and_present_and_auditors_see_a_strangers_404(world, client, sold):
    """Lot and event open for Anna (past), Ben (present) and the auditor; for others they are not there."""
    made = sold[0]
    paths = [
        f"/v1/lots/{made.lots[0]}",
        f"/v1/lots/{made.lots[0]}/history",
        f"/v1/lots/{made.lots[0]}/lineage",
    ]
    paths += [f"/v1/events/{signed.id}" for signed in sold]
    nothing = ["/v1/lots/" + "0" * 26, "/v1/events/" + "0" * 64]
    for path in paths:
        for pen in (world.anna, world.ben, world.auditor):
            assert client.read(pen, path).status_code == 200, path
        for pen in (world.carl, None):
            answer = client.read(pen, path) if pen else client.get(path)
            assert same_404(answer) == same_404(client.get(nothing[0])) == same_404(client.get(nothing[1]))
    for path in nothing:
        same_404(client.read(world.auditor, path))


def test_who_is_offered_a_lot_may_look_at_it(world, client):
    """Before he accepts, the recipient of an open offer sees what he would accept; after a refusal no more."""
    made = produce(world.anna, "5")
    path = f"/v1/lots/{made.lots[0]}"
    world.take(made)
    same_404(client.read(world.carl, path))
    given = offer(world.anna, world.carl.party, [(made.id, made.lots[0])])
    world.take(given)
    assert client.read(world.carl, path).status_code == 200
    world.take(
        world.carl.sign("refusal", {"source": "device", "reason": "weight"}, [(given.id, made.lots[0])])
    )
    same_404(client.read(world.carl, path))


@pytest.mark.threat("T79")
def test_a_nonce_counts_once(world, client, sold):
    """The same signed header a second time is 401, and says why."""
    path = f"/v1/events/{sold[0].id}"
    header = signed_header(world.anna, "GET", path)
    assert client.get(path, headers=header).status_code == 200
    answer = client.get(path, headers=header)
    assert problem(answer) == (401, "not_signed")
    assert "nonce" in answer.json()["detail"]
    assert answer.headers["www-authenticate"] == "DSSE"


def hours_away(seconds: int) -> str:
    return time_text(int(time.time()) + seconds)


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": hours_away(-5)},
        {"expires": hours_away(3600)},
        {"expires": "2126-01-01T00:00:00Z"},
        {"expires": "tomorrow"},
        {"expires": "2026-1-1T0:0:0Z"},
        {"expires": None},
        {"log": "other.example.org"},
        {"method": "POST"},
        {"path": "/v1/lots"},
        {"path": "/v1/log/entries"},
        {"path": "/v1/log/entries?from=1"},
        {"path": "https://ledger.example.org/v1/log/entries?from=0"},
        {"nonce": "short"},
        {"nonce": ""},
        {"key": "0" * 64},
        {"party": "0" * 26},
        {"more": "fields"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_read_signed_for_something_else_is_401(world, client, changes):
    """Expiry, log, method, exact path and query, nonce, key and party: each has to be right."""
    path = "/v1/log/entries?from=0"
    assert client.read(world.auditor, path).status_code == 200
    answer = client.read(world.auditor, path, changes)
    assert problem(answer) == (401, "not_signed")


@pytest.mark.threat("T08")
def test_other_keys_and_other_words_do_not_sign_reads(world, client):
    """An unknown key, another party's key, a spoiled signature, an event as a read: all 401."""
    path = "/v1/log/entries?from=0"
    stranger = Pen("stranger", world.auditor.party)
    assert problem(client.read(stranger, path)) == (401, "not_signed")
    borrowed = Pen("anna", world.auditor.party)
    assert problem(client.read(borrowed, path)) == (401, "not_signed")
    good = read_envelope(world.auditor, "GET", path)

    def sent(envelope: Envelope) -> httpx.Response:
        return client.get(path, headers={"Authorization": f"DSSE {to_unpadded(envelope.to_json())}"})

    spoiled = good.signature[:-1] + bytes([good.signature[-1] ^ 1])
    assert problem(sent(Envelope(READ_TYPE, good.payload, good.key, spoiled))) == (401, "not_signed")
    assert problem(sent(Envelope(READ_TYPE, good.payload, world.anna.key.id, good.signature))) == (
        401,
        "not_signed",
    )
    as_event = Envelope(
        EVENT_TYPE, good.payload, good.key, world.auditor.key.sign(pae(EVENT_TYPE, good.payload))
    )
    assert problem(sent(as_event)) == (401, "not_signed")
    other_type = Envelope(
        READ_TYPE, good.payload, good.key, world.auditor.key.sign(pae(EVENT_TYPE, good.payload))
    )
    assert problem(sent(other_type)) == (401, "not_signed")
    assert sent(good).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "DSSE",
        "DSSE !!!!",
        "DSSE e30",
        "Basic YTpi",
        "Bearer x",
        "DSSE " + "A" * 9000,
        "DSSE bnVsbA",
        "DSSE W10",
    ],
)
def test_broken_headers_are_401(client, header):
    """Whatever stands in Authorization: no fault, no success."""
    assert problem(client.get("/v1/lots", headers={"Authorization": header})) == (401, "not_signed")


def test_a_revoked_key_reads_nothing_and_its_session_ends(world, client, sold):
    """From its revocation on, neither signature nor cookie of the key counts."""
    pen = Pen("dora")
    world.take(world.office.enrol(pen, "trader"))
    begun = client.post("/v1/sessions", headers=signed_header(pen, "POST", "/v1/sessions"))
    assert begun.status_code == 200
    cookie = {"Cookie": f"session={begun.cookies['session']}"}
    client.cookies.clear()
    assert client.get("/v1/lots", headers=cookie).status_code == 200
    world.take(pen.sign("key_revocation", {"key": pen.key.id, "reason": "stolen"}))
    assert problem(client.read(pen, "/v1/lots")) == (401, "not_signed")
    assert problem(client.get("/v1/lots", headers=cookie)) == (401, "not_signed")


@pytest.mark.threat("T69")
def test_a_session_is_a_cookie_that_reads_and_nothing_else(world, server, sold):
    """POST /v1/sessions takes a signed read of itself; the cookie opens what the party may open."""
    with httpx.Client(base_url=server.url) as browser:
        path = f"/v1/events/{sold[0].id}"
        assert problem(browser.post("/v1/sessions")) == (401, "not_signed")
        wrong = signed_header(world.ben, "GET", "/v1/sessions")
        assert problem(browser.post("/v1/sessions", headers=wrong)) == (401, "not_signed")
        answer = browser.post("/v1/sessions", headers=signed_header(world.ben, "POST", "/v1/sessions"))
        assert answer.status_code == 200
        assert answer.json()["party"] == world.ben.party
        assert answer.json()["roles"] == ["exporter", "trader"]
        attributes = answer.headers["set-cookie"].lower()
        for wanted in ("httponly", "samesite=lax", "secure", "path=/"):
            assert wanted in attributes
        cookie = {"Cookie": "session=" + answer.headers["set-cookie"].partition("=")[2].partition(";")[0]}
        assert browser.get(path, headers=cookie).status_code == 200
        same_404(browser.get("/v1/log/entries", headers=cookie))
        ended = browser.delete("/v1/sessions", headers=cookie)
        assert ended.status_code == 204
        assert "max-age=0" in ended.headers["set-cookie"].lower()


@pytest.mark.threat("T80")
def test_a_forged_session_is_401(world, server, client):
    """Another party, a later end, a cut or doubled cookie: none is of this server's making."""
    begun = client.post("/v1/sessions", headers=signed_header(world.ben, "POST", "/v1/sessions"))
    token = begun.headers["set-cookie"].partition("=")[2].partition(";")[0]
    client.cookies.clear()
    body, _, mac = token.partition(".")
    forged = json.dumps(
        {"expires": 2**40, "key": world.auditor.key.id, "party": world.auditor.party}
    ).encode()
    for cookie in (
        body, f"{body}.", f".{mac}", f"{body}.{mac}x", f"{body}x.{mac}", f"{to_unpadded(forged)}.{mac}", "", "é",
    ):  # fmt: skip
        answer = client.get("/v1/lots", headers={"Cookie": f"session={cookie}".encode()})
        assert problem(answer) == (401, "not_signed"), cookie


@pytest.mark.threat("T70")
def test_sealed_fields_open_by_role_and_part(world, client):
    """Prices for giver, recipient, regulator and auditor; persons also for registrar; nobody else, no carrier."""
    carrier, other = Pen("carrier"), Pen("other holder")
    world.take(world.office.enrol(carrier, "transporter"), world.office.enrol(other, "trader"))
    made = produce(world.anna, "5")
    price = [{"lots": [made.lots[0]], "price": {"currency": "USD", "value": "100"}}]
    body = {
        "region": "RW-04", "source": "device", "recipient": world.ben.party, "moves": "both", "purpose": "sale",
        "accept_by": "2026-03-28", "carrier": carrier.party,
    }  # fmt: skip
    sealed = {"/prices": price, "/note": "par la route du lac"}
    given = world.anna.sign("transfer", body, [(made.id, made.lots[0])], sealed=sealed)
    world.take(made, given)
    got = accept(world.ben, [(given.id, made.lots[0])])
    onward = offer(world.ben, other.party, [(got.id, made.lots[0])])
    world.take(got, onward, accept(other, [(onward.id, made.lots[0])]))

    def seen(pen: Pen) -> set[str]:
        answer = client.read(pen, f"/v1/events/{given.id}")
        assert answer.status_code == 200
        return {path for _, path, _ in answer.json().get("disclosures", [])}

    both = {"/prices", "/note"}
    assert seen(world.anna) == seen(world.ben) == seen(world.auditor) == seen(world.registrar) == both
    assert seen(carrier) == {"/note"}
    assert seen(other) == set()


def test_only_overseers_read_the_whole_log(world, client):
    """Entries in full, from any index, as lines; for auditor, regulator and operator."""
    size = world.size()
    for pen in (world.auditor, world.registrar, world.office.operator):
        answer = client.read(pen, "/v1/log/entries")
        assert answer.status_code == 200
        found = [json.loads(text) for text in answer.text.splitlines()]
        assert [one["index"] for one in found] == list(range(size))
        assert [one["disclosures"] for one in found] == [[]] * size
    tail = client.read(world.auditor, f"/v1/log/entries?from={size - 2}")
    assert len(tail.text.splitlines()) == 2
    assert client.read(world.auditor, f"/v1/log/entries?from={size}").text == ""
    for pen in (world.anna, world.carl):
        same_404(client.read(pen, "/v1/log/entries"))
    same_404(client.get("/v1/log/entries"))


@pytest.mark.parametrize("value", ["-1", "+1", "1_0", " 1", "1.0", "01", "٣", "1e3", "", "9" * 20, "0x1"])
def test_numbers_in_a_query_have_one_spelling(world, client, value):
    """What int() would also read is 400, even before it is asked who reads."""
    answer = client.get("/v1/log/entries", params={"from": value})
    assert problem(answer) == (400, "malformed")


def test_unknown_and_repeated_parameters_are_malformed(client):
    """A misspelt filter is not silently left out."""
    for query in ("minerals=gold", "limit=1&limit=2", "from=1"):
        assert problem(client.get(f"/v1/lots?{query}")) == (400, "malformed")


def test_reads_by_overseers_are_logged_without_what_they_read(world, client, caplog):
    """The request line of an auditor names him and the route, and no lot, code or person."""
    made = produce(world.anna, "5")
    world.take(made)
    with caplog.at_level("INFO", logger="traceability.requests"):
        client.read(world.auditor, f"/v1/lots/{made.lots[0]}")
        client.read(world.anna, f"/v1/lots/{made.lots[0]}")
        client.get("/livez")  # the line is written when the answer is sent
    logged = [record.facts for record in caplog.records if record.name == "traceability.requests"]
    assert logged[0]["overseer"] == world.auditor.party
    assert logged[0]["route"] == "/v1/lots/{lot_id}"
    assert "overseer" not in logged[1]
    assert made.lots[0] not in json.dumps(logged)


def test_every_sealed_field_of_every_kind_has_its_privacy():
    """No field can be sealed without saying who may see it opened, and with what else a holder opens it."""
    from traceability.api.permission import PRIVACY
    from traceability.core import (
        concern_bodies,
        custody_bodies,
        forms,
        ground_bodies,
        paper_bodies,
        registry_bodies,
    )
    from traceability.core.disclosing import GROUPS

    names = set()
    for module in (concern_bodies, custody_bodies, forms, ground_bodies, paper_bodies, registry_bodies):
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, forms.Form):
                names |= set(thing.sealed_fields)
    assert names == set(PRIVACY)
    assert names == {*GROUPS, "is"}  # a corrected value goes with its field
    assert TYPES["not_here"].status == 404
