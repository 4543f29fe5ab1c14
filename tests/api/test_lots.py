"""Lots, their history, lineage and evidence over HTTP; parties and sites; lists and their pages."""

import json

import pytest
from test_reading import same_404
from test_submit import problem

from both import verify
from traceability.core import log_proof
from traceability.core.trust_policy import TrustPolicy
from trade import LOG_SIGNER, Pen, accept, bag, offer, produce

POLICY = TrustPolicy.without_witnesses([LOG_SIGNER.verifier])


class Shipment:
    """Two bags of Anna's mixed, half of it sold to Ben, who exports it."""

    def __init__(self, world) -> None:
        anna, ben = world.anna, world.ben
        made = produce(anna, "20", "10", producer=anna.party)
        mixed = anna.sign(
            "transformation",
            {
                "source": "device",
                "type": "combination",
                "share_by": "mass",
                "outputs": [bag("12"), bag("18")],
            },
            [(made.id, lot) for lot in made.lots],
        )
        self.raw, (self.sold, self.kept) = made.lots, mixed.lots
        given = offer(anna, ben.party, [(mixed.id, self.sold)])
        got = accept(ben, [(given.id, self.sold)])
        weighing = {"lots": [self.sold], "net": {"unit": "KGM", "value": "12"}, "basis": "measured"}
        body = {
            "region": "RW-01",
            "source": "device",
            "destination": "BE",
            "shipped": "2026-04-01",
            "weighings": [weighing],
        }
        entity = {"name": "Metallurgie SA", "legal_address": {"country": "BE", "locality": "Anvers"}}
        self.export = ben.sign("export", body, [(got.id, self.sold)], sealed={"/importer": entity})
        self.events = [made, mixed, given, got, self.export]
        world.take(*self.events)


@pytest.fixture(scope="module")
def shipment(served):
    return Shipment(served[0])


def test_a_lot_as_it_stands(world, client, shipment):
    """State, custodian, expected mass and the heads that the next event must name."""
    said = client.read(world.ben, f"/v1/lots/{shipment.sold}").json()
    assert (said["state"], said["custodian"], said["mineral"]) == ("exported", world.ben.party, "cassiterite")
    assert said["custody_head"] == shipment.export.id
    assert said["expected_mass"] == {"unit": "KGM", "value": "12"}
    assert said["made_by"] == shipment.events[1].id
    assert said["entries"] == 4


def test_history_comes_in_pages_back_in_time(world, client, shipment):
    """The newest page first, each oldest first, joined by Link; every entry with its signed text."""
    path, seen = f"/v1/lots/{shipment.sold}/history?limit=2", []
    while path:
        answer = client.read(world.ben, path)
        page = answer.json()["entries"]
        assert len(page) <= 2
        seen = page + seen
        path = answer.links.get("next", {}).get("url")
    assert [entry["event_id"] for entry in seen] == [event.id for event in shipment.events[1:]]
    assert [entry["event"].encode() for entry in seen] == [
        event.envelope.payload for event in shipment.events[1:]
    ]
    assert client.read(world.ben, f"/v1/lots/{shipment.sold}/history").json()["entries"] == seen


def test_lineage_back_and_forward(world, client, shipment):
    """Back to both bags with the composition for custodians; forward for who oversees only."""
    for pen in (world.anna, world.ben, world.auditor):
        back = client.read(pen, f"/v1/lots/{shipment.sold}/lineage").json()
        assert {node["lot"] for node in back["nodes"]} == {*shipment.raw, shipment.sold}
        assert sorted(map(tuple, back["edges"])) == sorted((lot, shipment.sold) for lot in shipment.raw)
        assert back["composition"] == [
            {"source": "no_site", "mass": {"unit": "KGM", "value": "12"}, "ppm": 1_000_000}
        ]
    forward = client.read(world.auditor, f"/v1/lots/{shipment.raw[0]}/lineage?direction=forward").json()
    assert {node["lot"] for node in forward["nodes"]} == {shipment.raw[0], shipment.sold, shipment.kept}
    same_404(client.read(world.anna, f"/v1/lots/{shipment.raw[0]}/lineage?direction=forward"))
    assert problem(client.read(world.anna, f"/v1/lots/{shipment.raw[0]}/lineage?direction=up")) == (
        400,
        "malformed",
    )


def test_evidence_stands_alone(world, client, shipment):
    """The file of a lot and that of a shipment verify under the log's key; disclosures only when asked for."""
    for path in (f"/v1/lots/{shipment.sold}/evidence", f"/v1/events/{shipment.export.id}/evidence"):
        answer = client.read(world.ben, path)
        assert answer.headers["content-type"] == "application/vnd.traceability.evidence+json"
        assert answer.headers["content-disposition"].endswith('.evidence.json"')
        report = verify(answer.content, POLICY)
        assert report.verdict == "holds as shown, completeness not shown", report.why
        assert [lot.lot for lot in report.lots] == [shipment.sold]
        assert b"Metallurgie" not in answer.content
        assert report.withheld["names"] > 0
        for choice in ("all", "names", "/importer"):
            opened = client.read(world.ben, f"{path}?disclose={choice}").content
            assert b"Metallurgie" in opened
            checked = verify(opened, POLICY)
            assert checked.verdict == report.verdict
            assert checked.withheld.get("names", 0) < report.withheld["names"]
        assert b"Metallurgie" not in client.read(world.ben, f"{path}?disclose=prices&disclose=place").content
        assert b"Metallurgie" not in client.read(world.anna, f"{path}?disclose=all").content
        refused = client.read(world.ben, f"{path}?disclose=everything")
        assert refused.status_code == 400
        assert "prices|names|place|documents|notes" in refused.json()["detail"]
        same_404(client.read(world.carl, path))
        same_404(client.get(path))


def test_the_last_entry_of_a_lot_is_proved_for_other_tools(world, client, shipment):
    """The `tlog-proof` of the export, for whoever may open the lot."""
    path = f"/v1/lots/{shipment.sold}/tlog-proof"
    answer = client.read(world.ben, path)
    assert answer.headers["content-disposition"].endswith('.tlog-proof"')
    _, entry, _ = log_proof.check_entry(answer.content, POLICY)
    assert entry.decode() == client.read(world.ben, f"/v1/events/{shipment.export.id}").json()["entry"]
    same_404(client.read(world.carl, path))


def test_the_lineage_of_a_shipment(world, client, shipment):
    """All lots of the event together."""
    said = client.read(world.ben, f"/v1/events/{shipment.export.id}/lineage").json()
    assert said["lots"] == [shipment.sold]
    same_404(client.read(world.carl, f"/v1/events/{shipment.export.id}/lineage"))
    enrolment = client.read(world.auditor, "/v1/log/entries?from=1").text.splitlines()[0]
    event = json.loads(enrolment)
    assert event["index"] == 1
    genesis = world.office.genesis.id
    same_404(client.read(world.auditor, f"/v1/events/{genesis}/lineage"))
    same_404(client.read(world.auditor, f"/v1/events/{genesis}/evidence"))


def test_lists_hold_what_the_reader_may_open(world, client, shipment):
    """Own lots, past and present; all for the auditor; none for nobody. Filters narrow, pages join."""
    pen = Pen("lister")
    world.take(world.office.enrol(pen, "miner"))
    mine = [produce(pen, "1") for _ in range(7)]
    gone = offer(pen, world.ben.party, [(mine[0].id, mine[0].lots[0])])
    world.take(*mine, gone, accept(world.ben, [(gone.id, mine[0].lots[0])]))
    wanted = [event.lots[0] for event in reversed(mine)]
    seen, path = [], "/v1/lots?limit=3&mineral=cassiterite"
    while path:
        answer = client.read(pen, path)
        seen += [lot["lot"] for lot in answer.json()["lots"]]
        path = answer.links.get("next", {}).get("url")
    assert seen == wanted
    assert client.read(pen, "/v1/lots?mineral=gold").json() == {"lots": []}
    assert client.read(pen, f"/v1/lots?holder={world.ben.party}").json() == {"lots": []}
    assert client.get("/v1/lots").json() == {"lots": []}
    held = client.read(world.auditor, f"/v1/lots?holder={pen.party}&limit=500").json()["lots"]
    assert [lot["lot"] for lot in held] == wanted
    exported = client.read(world.auditor, "/v1/lots?state=exported").json()["lots"]
    assert shipment.sold in [lot["lot"] for lot in exported]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "mineral=lead", "state=open", "cursor=x", "holder=x"]
)
def test_filters_that_cannot_be_are_malformed(client, query):
    """A filter of another form is 400 with the name of the parameter."""
    answer = client.get(f"/v1/lots?{query}")
    assert problem(answer) == (400, "malformed")
    assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]


def test_parties_stand_open_as_far_as_they_chose(world, client):
    """Strangers see authorities; a signed reader any party whose id it knows; registrars and auditors list all."""
    open_to_all = client.get("/v1/parties?limit=500").json()["parties"]
    assert {party["party"] for party in open_to_all} == {
        world.office.operator.party,
        world.registrar.party,
        world.auditor.party,
    }
    for pen in (world.registrar, world.auditor):
        listed = client.read(pen, "/v1/parties?limit=500").json()["parties"]
        assert {world.anna.party, world.ben.party} <= {party["party"] for party in listed}
    own = client.read(world.anna, "/v1/parties?limit=500").json()["parties"]
    assert {party["party"] for party in own} - {party["party"] for party in open_to_all} == {world.anna.party}
    said = client.read(world.ben, f"/v1/parties/{world.anna.party}").json()
    assert (said["roles"], said["country"], said["type"]) == (["miner", "trader"], "RW", "company")
    assert [key["key"] for key in said["keys"]] == [world.anna.key.id]
    same_404(client.get(f"/v1/parties/{world.anna.party}"))
    assert all("next_sequence" not in key for key in said["keys"])
    world.take(produce(world.anna, "1"))
    (key,) = client.read(world.anna, f"/v1/parties/{world.anna.party}").json()["keys"]
    assert key["next_sequence"] == world.anna.next
    assert "Société" not in json.dumps([open_to_all, own, said])


@pytest.mark.threat("T83")
def test_pages_of_parties_give_no_hidden_id_away(world, client):
    """Paging one by one shows the same parties, and no cursor holds the id of one that is not shown."""
    every = {
        party["party"] for party in client.read(world.auditor, "/v1/parties?limit=500").json()["parties"]
    }
    seen, path, cursors = [], "/v1/parties?limit=1", []
    while path:
        answer = client.get(path)
        seen += [party["party"] for party in answer.json()["parties"]]
        path = answer.links.get("next", {}).get("url")
        cursors.append(path or "")
    assert seen == [party["party"] for party in client.get("/v1/parties?limit=500").json()["parties"]]
    assert len(cursors) == len(every)
    assert not any(party in cursor for party in every for cursor in cursors)


def test_sites_stand_open_without_their_position(world, client):
    """A registered site by list and by id, for everyone, without coordinates."""
    from test_tags import Bagged

    site = Bagged(world).site
    said = client.get(f"/v1/sites/{site}").json()
    assert (said["name"], said["region"], said["minerals"]) == ("Nyamyumba", "RW-03", ["cassiterite"])
    assert "latitude" not in json.dumps(said)
    seen, path = [], "/v1/sites?limit=1"
    while path:
        answer = client.get(path)
        seen += [each["site"] for each in answer.json()["sites"]]
        path = answer.links.get("next", {}).get("url")
    assert site in seen
    assert seen == sorted(set(seen))
    same_404(client.get("/v1/sites/" + "0" * 26))
