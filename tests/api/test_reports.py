"""Reports of people without a key: sealed, signed by the operator, in the log at once, and answered by a code."""

import base64
import contextlib
import json

import pytest
from serving import serving
from world import Client, World

from traceability.api import reports
from traceability.api.app import create_app
from traceability.api.guesses import Bucket
from traceability.core import leaf, merkle
from traceability.core.checkpoint import open_checkpoint
from traceability.core.ids import unpadded
from traceability.ledger import fsck
from trade import LOG, LOG_SIGNER, Pen, produce

ACCOUNT = "Les enfants descendent la nuit, au puits derrière l'église"


@pytest.fixture(scope="module")
def taking(tmp_path_factory):
    """(world, client): a ledger whose server has a second key of the operator for reports."""
    folder = tmp_path_factory.mktemp("reports")
    world = World(f"sqlite:///{folder}/ledger.sqlite3", folder)
    desk = Pen("report desk", world.office.operator.party)
    body = {"party": desk.party, "key": desk.new_key(desk.party), "reason": "second_device"}
    world.take(world.office.operator.sign("key_addition", body))
    (folder / "report.pem").write_bytes(desk.key.to_pem())
    settings = world.services.settings.model_copy(update={"report_key": folder / "report.pem"})
    app = create_app(world.services._replace(settings=settings))
    with contextlib.closing(world.services), serving(app) as server, Client(base_url=server.url) as client:
        yield world, client, app.state.reporter


def said(world: World, **more: object) -> dict:
    made = produce(world.anna, "3.00")
    world.take(made)
    return {
        "categories": ["child_labour"], "subjects": [{"type": "lot", "id": made.lots[0]}],
        "happened_from": "2026-03-10", "account": ACCOUNT, **more,
    }  # fmt: skip


def test_the_reporter_has_the_proof_and_a_code(taking):
    """What comes back proves that the report is in, without the report; the code tells what became of it."""
    world, client, _ = taking
    answer = client.post("/v1/reports", json=said(world))
    assert answer.status_code == 201, answer.text
    proof = answer.json()
    checkpoint = open_checkpoint(proof["checkpoint"].encode(), LOG, [LOG_SIGNER.verifier]).checkpoint
    hashed = leaf.leaf_hash(unpadded(proof["blind"]), proof["entry"].encode())
    nodes = [unpadded(node) for node in proof["proof"]]
    merkle.verify_inclusion(hashed, proof["index"], checkpoint.size, nodes, checkpoint.root)
    assert ACCOUNT not in proof["entry"]
    assert proof["code"].partition("-")[2] not in proof["entry"]
    event = json.loads(base64.b64decode(json.loads(proof["entry"])["envelope"]["payload"]))
    assert event["party"] == world.office.operator.party
    assert event["body"]["reporter"] == "anonymous"
    assert event["event_time"].endswith("T00:00:00Z")

    state = client.get(f"/v1/reports/{proof['code']}").json()
    assert (state["state"], state.get("answers", [])) == ("open", [])
    body = {"source": "device", "about": {"incident": proof["event_id"]}}
    planned = {**body, "act": "action_planned", "due": "2026-12-01", "public_text": "Nous y allons."}
    secret = {"/statement": "Le chef du site est prévenu"}
    world.take(world.registrar.sign("response", planned, sealed=secret))
    world.take(world.registrar.sign("response", {**body, "act": "dismissed", "public_text": "Puits fermé."}))
    state = client.get(f"/v1/reports/{proof['code']}")
    assert state.json()["state"] == "settled"
    assert [(each["act"], each["public_text"]) for each in state.json()["answers"]] == [
        ("action_planned", "Nous y allons."), ("dismissed", "Puits fermé."),
    ]  # fmt: skip
    assert "prévenu" not in state.text
    assert ACCOUNT not in state.text
    assert fsck.check(world.store).verdict == "good"


def test_who_looks_into_it_reads_what_was_said(taking):
    """An authority reads the sealed account; the holder of the lot does not."""
    world, client, _ = taking
    report = said(world)
    event = client.post("/v1/reports", json=report).json()["event_id"]
    assert ACCOUNT in client.read(world.registrar, f"/v1/events/{event}").text
    for pen in (world.anna, world.ben):
        assert ACCOUNT not in client.read(pen, f"/v1/events/{event}").text


@pytest.mark.threat("T79")
def test_codes_are_not_found_by_trying(taking):
    """A wrong code, one of another entry, and one beyond the log are the same 404; the ledger keeps no code."""
    world, client, _ = taking
    proof = client.post("/v1/reports", json=said(world)).json()
    index, _, secret = proof["code"].partition("-")
    others = [f"{index}-{secret[::-1]}", f"{int(index) - 1}-{secret}", f"999999-{secret}", f"0-{secret}"]
    bodies = set()
    for code in others:
        answer = client.get(f"/v1/reports/{code}")
        assert answer.status_code == 404
        bodies.add((answer.json()["type"], answer.json().get("detail")))
    assert len(bodies) == 1
    with world.store.read() as view:
        assert all(secret not in repr(row) for row in view.all("SELECT payload FROM entry"))


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"categories": ["gossip"]}, 400, "malformed"),
        ({"categories": []}, 400, "malformed"),
        ({"reporter": "named"}, 400, "malformed"),
        ({"happened_from": "yesterday"}, 400, "malformed"),
        ({"people": "somebody"}, 400, "malformed"),
        ({"subjects": [{"type": "lot", "id": "0" * 26}]}, 409, "waits_for"),
    ],
)
def test_what_is_no_report(taking, change, status, problem):
    """What is not a report, or about nothing that is here, is told so and stores nothing."""
    world, client, reporter = taking
    reporter.room = Bucket(reports.AT_ONCE, reports.SECONDS_EACH)
    report = said(world, **change)
    before = world.size()
    answer = client.post("/v1/reports", json=report)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{problem}")
    assert world.size() == before


@pytest.mark.threat("T32")
def test_a_flood_is_bounded(taking):
    """After so many at once the next are told to come later, and the log does not grow."""
    world, client, reporter = taking
    report = said(world)
    reporter.room = Bucket(2, reports.SECONDS_EACH)
    answers = [client.post("/v1/reports", json=report).status_code for _ in range(4)]
    assert answers == [201, 201, 503, 503]
    reporter.room = Bucket(reports.AT_ONCE, reports.SECONDS_EACH)


def test_without_a_key_none_are_taken(served):
    """A server that has no key for it says so; one whose key is revoked too."""
    _, _, client = served
    answer = client.post("/v1/reports", json={})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no_reports")


def test_a_revoked_key_takes_none(taking):
    """Once the desk's key is revoked, nothing is signed with it."""
    world, client, reporter = taking
    body = {"key": reporter._key.id, "reason": "replaced", "trusted_sequence": 1000}
    report = said(world)
    world.take(world.office.operator.sign("key_revocation", body))
    assert client.post("/v1/reports", json=report).json()["type"] == "/problems/no_reports"
