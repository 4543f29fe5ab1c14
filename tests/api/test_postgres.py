"""The same on PostgreSQL, and two servers that write to one database."""

import json
import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import pytest
from serving import serving
from test_submit import problem
from world import Client, line, signed_header, submission, world_at

from both import verify
from traceability.api.app import create_app
from traceability.api.services import Services
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger.guard import FileGuard
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger
from trade import LOG_SIGNER, Pen, accept, offer, produce

RACERS = int(os.environ.get("RACERS", "8"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))


@pytest.fixture(scope="module")
def pair(postgres_url, tmp_path_factory):
    """A world and clients of two servers on one database and one guard."""
    folder = tmp_path_factory.mktemp("pair")
    with world_at(postgres_url, folder) as (world, _, first):
        store = Store(postgres_url)
        ledger = Ledger(store, FileGuard(folder / "guard", LOG_SIGNER.verifier.encode()), LOG_SIGNER)
        services = Services.around(world.services.settings, store, ledger, LOG_SIGNER)
        with serving(create_app(services)) as server, Client(base_url=server.url) as second:
            yield world, first, second
        services.close()


def test_a_handoff_by_way_of_both_servers(pair):
    """What one server took, the other knows at once: events, lots, evidence."""
    world, first, second = pair
    made = produce(world.anna, "5")
    given = offer(world.anna, world.ben.party, [(made.id, made.lots[0])])
    got = accept(world.ben, [(given.id, made.lots[0])])
    for client, signed in ((first, made), (second, given), (first, got)):
        assert client.post("/v1/events", json=submission(signed)).status_code == 201
    assert second.post("/v1/events", json=submission(got)).status_code == 200
    for client in (first, second):
        said = client.read(world.ben, f"/v1/lots/{made.lots[0]}").json()
        assert said["custodian"] == world.ben.party
    file = second.read(world.ben, f"/v1/lots/{made.lots[0]}/evidence").content
    assert verify(file, TrustPolicy.without_witnesses([LOG_SIGNER.verifier])).exit_code == 0
    assert first.get("/checkpoint").text == second.get("/checkpoint").text


def test_a_nonce_and_a_session_count_on_both_servers(pair):
    """A header used at one server is used up at the other; a session begun at one counts at both."""
    world, first, second = pair
    header = signed_header(world.anna, "GET", "/v1/lots")
    assert first.get("/v1/lots", headers=header).status_code == 200
    assert problem(second.get("/v1/lots", headers=header)) == (401, "not_signed")
    begun = first.post("/v1/sessions", headers=signed_header(world.anna, "POST", "/v1/sessions"))
    cookie = {"Cookie": "session=" + begun.headers["set-cookie"].partition("=")[2].partition(";")[0]}
    assert (
        second.get("/v1/lots", headers=cookie).json()
        == first.get("/v1/lots", headers=cookie).json()
        != {"lots": []}
    )


@pytest.mark.threat("T48")
def test_two_servers_at_once_take_each_event_once(pair):
    """The same hundred events as lines to both: every event has one index, the same in both answers."""
    world, first, second = pair
    pens = [Pen(f"both {number}") for number in range(4)]
    world.take(*(world.office.enrol(pen, "miner") for pen in pens))
    body = b"".join(line(produce(pen, "1")) for _ in range(25) for pen in pens)
    said = []

    def send(client):
        headers = {"Content-Type": "application/x-ndjson"}
        answer = client.post("/v1/events", content=body, headers=headers)
        said.append([json.loads(text) for text in answer.text.splitlines()])

    threads = [threading.Thread(target=send, args=(client,)) for client in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one, other = said
    assert [answer["index"] for answer in one] == [answer["index"] for answer in other]
    assert len({answer["index"] for answer in one}) == 100
    assert sorted((a["status"], b["status"]) for a, b in zip(one, other, strict=True)) == [(200, 201)] * sum(
        a["status"] == 200 for a in one
    ) + [(201, 200)] * sum(a["status"] == 201 for a in one)


@pytest.mark.threat("T16")
def test_one_winner_of_a_double_issue_across_servers(pair):
    """Successors of one state, sent to two servers at the same moment: one stands, the next is evidence, others come too late."""
    world, first, second = pair
    with ThreadPoolExecutor(RACERS) as threads:
        for _ in range(ROUNDS):
            made = produce(world.anna, "5")
            world.take(made)
            rivals = [
                offer(world.anna, to.party, [(made.id, made.lots[0])])
                for to in islice(cycle((world.ben, world.carl)), RACERS)
            ]
            sent = [
                threads.submit(client.post, "/v1/events", json=submission(signed))
                for client, signed in zip(cycle((first, second)), rivals)
            ]
            answers = [each.result() for each in sent]
            refused = Counter(problem(answer) for answer in answers if answer.status_code != 201)
            assert refused == {(409, "double_issue"): 1, (422, "stale_predecessor"): RACERS - 2}
