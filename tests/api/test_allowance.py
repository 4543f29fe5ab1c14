"""How much one party may have recorded within a day: who is stopped, who is not, and what counts."""

import json
from base64 import b64encode
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving import serving
from test_submit import problem
from world import Client, World, line, submission

from commands import Done
from traceability.api.allowance import Allowance
from traceability.api.app import create_app
from trade import Pen, bag, offer, produce

DAY = 86_400
ALLOWED = 10_000


class Time:
    """A clock that goes where it is put."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def command(capfd):
    """Runs a command in this process."""
    return partial(Done, capfd)


@pytest.fixture
def bounded(tmp_path, clock):
    """(world, client, url) of a server that takes ALLOWED bytes a day of each party."""
    world = World(f"sqlite:///{tmp_path}/ledger.sqlite3", tmp_path)
    world.dan = Pen("dan")
    world.take(world.office.enrol(world.dan, "miner"))
    services = world.services._replace(allowance=Allowance(ALLOWED, clock))
    with serving(create_app(services)) as server, Client(base_url=server.url) as client:
        yield world, client, server.url
    services.close()


def post(client, signed):
    return client.post("/v1/events", json=submission(signed))


def use_up(client, pen):
    """Sends events of this party until one is refused; those that were taken, that one, and the answer to it."""
    taken = []
    while True:
        signed = produce(pen, "1")
        answer = post(client, signed)
        if answer.status_code != 201:
            return taken, signed, answer
        taken.append(signed)


STEPS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 9 * 3600), st.integers(1, 400)), min_size=1, max_size=60
)


@given(STEPS)
def test_no_day_holds_more_than_the_allowance_and_one_event(steps):
    """Whoever sends only while there is room has at most that recorded in any 24 hours; who waits as he is told may go on,
    and could not have sooner; each party stands for itself."""
    clock = Time()
    allowance = Allowance(1000, clock)
    recorded: dict[str, list[tuple[float, int]]] = {"a": [], "b": []}
    for party, later, size in steps:
        clock.now += later
        if not allowance.has_room(party):
            told = allowance.used_up(party)
            assert told.more["used_bytes"] == sum(
                n for at, n in recorded[party] if at // 3600 > clock.now // 3600 - 25
            )
            began, wait = clock.now, int(told.headers["Retry-After"])
            assert 0 < wait <= DAY + 3600
            if wait > 1:
                clock.now = began + wait - 1
                assert not allowance.has_room(party)
            clock.now = began + wait
            assert allowance.has_room(party)
        allowance.count(party, size)
        recorded[party].append((clock.now, size))
        within = sum(n for at, n in recorded[party] if at > clock.now - DAY)
        assert within - size < 1000


def test_nothing_is_no_bound():
    """0 takes as much as comes."""
    allowance = Allowance(0)
    allowance.count("a", 1 << 60)
    assert allowance.has_room("a")


@pytest.mark.threat("T84")
def test_a_party_that_used_its_allowance_waits_and_nobody_else(bounded, clock):
    """429 with how much it used and when to come again, nothing stored; others go on; known events are answered as then;
    a day later there is room."""
    world, client, _ = bounded
    taken, refused, answer = use_up(client, world.anna)
    assert problem(answer) == (429, "allowance_used")
    said = answer.json()
    sent = sum(len(json.dumps(submission(each), separators=(",", ":"))) for each in taken)
    assert said["allowance_bytes"] == ALLOWED <= said["used_bytes"]
    assert abs(said["used_bytes"] - sent) <= 0.01 * sent
    assert f"{said['used_bytes']:,}" in said["detail"]
    assert int(answer.headers["Retry-After"]) == said["wait_seconds"] <= DAY + 3600
    size = world.size()
    assert problem(post(client, refused)) == (429, "allowance_used")
    assert world.size() == size
    assert [post(client, each).status_code for each in taken] == [200] * len(taken)
    assert post(client, produce(world.dan, "1")).status_code == 201
    clock.now += said["wait_seconds"]
    assert post(client, refused).status_code == 201
    assert 'traceability_events_total{answer="allowance_used"} 2.0' in client.get("/metrics").text


@pytest.mark.threat("T84")
def test_lines_are_refused_one_by_one(bounded):
    """In a stream those of the party that used its allowance are refused, each with when to come again; others are taken."""
    world, client, _ = bounded
    use_up(client, world.anna)
    mixed = [produce(pen, "1") for _ in range(3) for pen in (world.anna, world.dan)]
    answer = client.post(
        "/v1/events", content=b"".join(map(line, mixed)), headers={"Content-Type": "application/x-ndjson"}
    )
    found = [json.loads(text) for text in answer.text.splitlines()]
    assert [each["status"] for each in found] == [429, 201] * 3
    assert all(each["wait_seconds"] > 0 for each in found[::2])


@pytest.mark.threat("T84")
def test_nobody_uses_up_the_allowance_of_another(bounded):
    """Forged events that name a party, events that are refused, and known ones sent again cost it nothing; nor is a forger
    told what it has used."""
    world, client, _ = bounded
    mine = produce(world.anna, "1")
    assert post(client, mine).status_code == 201
    forged = submission(produce(world.anna, "1"))
    forged["envelope"]["signatures"][0]["sig"] = b64encode(bytes(64)).decode()
    refused = offer(world.anna, world.anna.party, [(mine.id, mine.lots[0])])
    for _ in range(40):
        assert problem(client.post("/v1/events", json=forged)) == (422, "bad_signature")
        assert post(client, mine).status_code == 200
        assert problem(post(client, refused)) == (422, "to_oneself")
    taken, _, _ = use_up(client, world.anna)
    assert len(taken) > 3
    assert problem(client.post("/v1/events", json=forged)) == (422, "bad_signature")


@pytest.mark.threat("T84")
def test_values_that_are_opened_later_count(bounded):
    """They count for who signed the event, once; with the allowance used, none is kept."""
    world, client, _ = bounded

    def closed():
        body = {"region": "RW-04", "source": "device", "lots": [bag("1")]}
        signed = world.anna.sign("production", body, sealed={"/note": "n" * 400, "/pit": "B3"})
        shown = submission(signed)
        opened = shown.pop("disclosures")
        assert client.post("/v1/events", json=shown).status_code == 201
        return f"/v1/events/{signed.id}/disclosures", opened

    where, opened = closed()
    for _ in range(40):
        assert client.post(where, json={"disclosures": opened[:1]}).status_code == 200
    other, shown = closed()
    use_up(client, world.anna)
    assert problem(client.post(other, json={"disclosures": shown})) == (429, "allowance_used")
    assert client.post(where, json={"disclosures": opened[:1]}).status_code == 200
    lie = [[*shown[0][:2], "another"]]
    assert problem(client.post(other, json={"disclosures": lie})) == (422, "bad_disclosure")


def test_submit_says_it(bounded, command, tmp_path):
    """The command tells, for each line, how much was used and how long to wait."""
    world, client, url = bounded
    _, refused, _ = use_up(client, world.anna)
    (tmp_path / "lines").write_bytes(line(refused))
    done = command("submit", tmp_path / "lines", "--to", url)
    assert done.code == 1
    assert "as much recorded today as is taken from one" in done.out
    assert "send this again in " in done.out
