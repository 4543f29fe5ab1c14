"""A ledger and its witnesses, with real servers on both sides: cosignatures come, and nothing a witness does hurts."""

import contextlib
import shutil
import socket
import sqlite3
import time

import httpx
import metamorphic_log
import pytest
from serving import serving
from watching import Log, answer, cosigner, saying, witness_at
from world import World

from both import verify
from patience import SECONDS, until
from traceability.core.checkpoint import Checkpoint
from traceability.core.note import Signer, parse_note
from traceability.core.trust_policy import Log as LogOfPolicy
from traceability.core.trust_policy import Quorum, TrustPolicy
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded, Refused, Submission
from traceability.ledger.database import Unusable
from traceability.ledger.files import Folder
from traceability.ledger.folder import publish_to
from traceability.ledger.guard import FileGuard, GuardHead
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger
from traceability.web.app import create_app
from traceability.witness import asking
from traceability.witness.asking import Asking
from traceability.witness.serving import WitnessApp
from trade import LOG, LOG_SIGNER, produce

VKEY = LOG_SIGNER.verifier


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    """Looks often, and tries again soon: these tests wait for what happens, however long it takes."""
    monkeypatch.setattr(asking, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(asking, "RETRY_SECONDS_MAX", 0.05)


@pytest.fixture
def world(tmp_path):
    world = World(f"sqlite:///{tmp_path}/ledger.sqlite3", tmp_path)
    yield world
    world.services.close()


def now() -> int:
    return int(time.time())


def policy(quorum: str, *witnesses: tuple[str, str]) -> TrustPolicy:
    """Witnesses by name and address; `quorum` is the group's rule."""
    lines = [f"log {VKEY.encode()}"]
    lines += [f"witness {name} {cosigner(name).verifier.encode()} {url}" for name, url in witnesses]
    lines += [f"group all-of-them {quorum} {' '.join(name for name, _ in witnesses)}", "quorum all-of-them"]
    return TrustPolicy.parse("".join(f"{line}\n" for line in lines).encode())


@contextlib.contextmanager
def witness_server(path, name, keys=(VKEY,)):
    witness = witness_at(path, name, list(keys), now)
    with serving(WitnessApp(witness)) as server:
        yield witness, server.url


@contextlib.contextmanager
def asked(ledger: Ledger, said: TrustPolicy, hurried: str = ""):
    """Asks them while this lasts; of the `hurried` an answer is expected within half a second."""
    asking_ = Asking(ledger, said, seconds=SECONDS)
    for desk in asking_._desks:
        if desk.standing.name == hurried:
            desk._peer._seconds = 0.5
    asking_.start()
    try:
        yield asking_
    finally:
        asking_.close()


def published(store: Store) -> tuple[int, bytes]:
    with store.read() as view:
        size, note = view.checkpoint()
    return size, bytes(note)


def cosigned_size(store: Store) -> int:
    with store.read() as view:
        found = view.cosigned()
    return 0 if found is None else found[0]


def signers(note: bytes) -> set[str]:
    return {line.name for line in parse_note(note)[1]}


def head(ledger: Ledger) -> int:
    with ledger.store.read() as view:
        return view.head().size


def test_a_quorum_comes_together_and_evidence_has_it(world, tmp_path):
    """Two of three witnesses cosign what grows; the served checkpoint, the folder, and evidence carry their lines."""
    with (
        witness_server(tmp_path / "w1", "w1.example") as (_, one),
        witness_server(tmp_path / "w2", "w2.example") as (_, two),
    ):
        said = policy("2", ("w1.example", one), ("w2.example", two), ("w3.example", "http://127.0.0.1:9"))
        with asked(world.ledger, said) as running:
            lot = produce(world.anna, "25.4")
            world.take(lot)
            for _ in range(5):
                world.take(produce(world.anna, "1"))
            size = head(world.ledger)
            until(lambda: cosigned_size(world.store) == size)
            until(lambda: signers(published(world.store)[1]) == {LOG, "w1.example", "w2.example"})
            until(lambda: running.standings[2].trouble)
            until(lambda: [each.size for each in running.standings] == [size, size, None])
            assert running.standings[0].trouble is None
            assert running.standings[2].trouble.endswith("nobody listens there")
    note = published(world.store)[1]
    opened = said.open_checkpoint(note)
    assert said.judge(opened) == Quorum(holds=True, cosigned_by=("w1.example", "w2.example"))
    metamorphic_log.checkpoint_verify(note.decode(), [VKEY.encode()])
    file = world.services.reader.evidence([lot.lots[0]])
    assert verify(file, said, now="2030-01-01T00:00:00Z").exit_code == 0
    publish_to(world.store, Folder(tmp_path / "folder"))
    assert (tmp_path / "folder" / "checkpoint").read_bytes() == note
    assert fsck.check(world.store, None).verdict == "good"


def test_cosignatures_that_come_later_reach_the_folder(world, tmp_path):
    """A folder published without them gets them, though the log has not grown."""
    publish_to(world.store, Folder(tmp_path / "folder"))
    assert signers((tmp_path / "folder" / "checkpoint").read_bytes()) == {LOG}
    with (
        witness_server(tmp_path / "w", "w.example") as (_, url),
        asked(world.ledger, policy("1", ("w.example", url))),
    ):
        until(lambda: cosigned_size(world.store))
    assert publish_to(world.store, Folder(tmp_path / "folder")).files == 1
    assert signers((tmp_path / "folder" / "checkpoint").read_bytes()) == {LOG, "w.example"}


def test_evidence_stands_on_what_witnesses_confirmed(world, tmp_path):
    """While the newest entries wait for witnesses, evidence of an older lot is made under their checkpoint."""
    lot, other = produce(world.anna, "25.4"), produce(world.anna, "3")
    world.take(lot)
    with witness_server(tmp_path / "w", "w.example") as (_, url):
        said = policy("1", ("w.example", url))
        with asked(world.ledger, said):
            size = head(world.ledger)
            until(lambda: cosigned_size(world.store) == size)
    world.take(other)
    evidence = world.services.reader.evidence
    assert verify(evidence([lot.lots[0]]), said, now="2030-01-01T00:00:00Z").exit_code == 0
    assert verify(evidence([other.lots[0]]), said, now="2030-01-01T00:00:00Z").exit_code == 1
    alone = TrustPolicy.without_witnesses([VKEY])
    assert verify(evidence([other.lots[0]]), alone, now="2030-01-01T00:00:00Z").exit_code == 0


def test_the_time_is_renewed_while_the_log_stands_still(world, tmp_path, monkeypatch):
    """A log that does not grow is cosigned again, so that readers can tell that nothing newer is kept from them."""
    monkeypatch.setattr(asking, "REFRESH_SECONDS", 0.05)
    with witness_server(tmp_path / "w", "w.example") as (_, url):
        said = policy("1", ("w.example", url))
        with asked(world.ledger, said) as running:
            first = until(lambda: running.standings[0].time)
            until(lambda: running.standings[0].time > first)
            until(lambda: running.quorum_time(published(world.store)[1]) > first)
            assert len(parse_note(published(world.store)[1])[1]) == 2


def test_a_witness_that_was_away_is_brought_up(world, tmp_path):
    """Down while the log grows, ahead or behind of what the ledger believes: its own word, and a proof from there."""
    with (
        witness_server(tmp_path / "w", "w.example") as (_, url),
        asked(world.ledger, policy("1", ("w.example", url))),
    ):
        until(lambda: cosigned_size(world.store) == head(world.ledger))
    for _ in range(3):
        world.take(produce(world.anna, "1"))
    # A new process knows nothing of what the witness holds.
    with witness_server(tmp_path / "w", "w.example") as (_, url):
        with asked(world.ledger, policy("1", ("w.example", url))) as running:
            until(lambda: cosigned_size(world.store) == head(world.ledger))
            assert running.standings[0].trouble is None
        shutil.copy(tmp_path / "w", tmp_path / "older")
    world.take(produce(world.anna, "1"))
    with (
        witness_server(tmp_path / "older", "w.example") as (_, url),
        asked(world.ledger, policy("1", ("w.example", url))),
    ):
        until(lambda: cosigned_size(world.store) == head(world.ledger))


def hang(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.recv(1)


GARBAGE = {
    "hangs": hang,
    "closes": lambda connection: None,
    "no HTTP": lambda connection: connection.sendall(b"\x00" * 100),
    "too large": answer("200 OK", bytes(100_000)),
    "empty": answer("200 OK", b""),
    "garbage": answer("200 OK", b"\xff\xfe\n"),
    "a line of nobody": answer("200 OK", Log("stranger.example").note().partition(b"\n\n")[2]),
    "a second text": answer("200 OK", b"\n\n" + Log("stranger.example").note()),
    "500": answer("500 Internal Server Error", b"<script>alert(1)</script>"),
    "302": answer("302 Found", b"", "Location: http://127.0.0.1:9/"),
    "403": answer("403 Forbidden", b""),
    "404": answer("404 Not Found", b""),
    "409 without a size": answer("409 Conflict", b"many\n"),
    "409 with a size beyond all sizes": answer("409 Conflict", b"99999999999999999999\n"),
    "409 with a larger size and nothing to show": answer("409 Conflict", b"9000000000000000000\n"),
    "409 with nought for ever": answer("409 Conflict", b"0\n"),
    "422 for ever": answer("422 Unprocessable Entity", b"no\n"),
}


@pytest.mark.threat("T52")
@pytest.mark.parametrize("case", GARBAGE)
def test_a_bad_witness_holds_nobody_up(world, tmp_path, case):
    """Whatever it answers: events are taken, the honest witness is heard, the quorum holds, and the trouble is told."""
    with (
        saying(GARBAGE[case]) as bad,
        witness_server(tmp_path / "w", "w.example") as (_, url),
        asked(world.ledger, policy("1", ("bad.example", bad), ("w.example", url)), "bad.example") as running,
    ):
        until(lambda: running.standings[0].trouble)
        for _ in range(3):
            world.take(produce(world.anna, "1"))
        until(lambda: cosigned_size(world.store) == head(world.ledger))
        assert world.ledger.refusal is None
        trouble = running.standings[0].trouble
        assert "script" not in trouble
        assert running.standings[0].size is None
        assert signers(published(world.store)[1]) <= {LOG, "w.example"}


@pytest.mark.threat("T52")
def test_a_cosignature_of_the_wrong_thing_is_not_taken(world, tmp_path):
    """Lines over another checkpoint, under another key, or of another time are troubles, and go nowhere."""
    size, note = published(world.store)
    checkpoint = Checkpoint.parse(parse_note(note)[0])
    other = Checkpoint(checkpoint.origin, size, bytes(32))
    good = cosigner("w.example")
    lines = {
        "is no cosignature": good.cosign(other, now()),
        "no line of the key": cosigner("x.example").cosign(checkpoint, now()),
        "clock": good.cosign(checkpoint, now() - 10_000),
        "off": good.cosign(checkpoint, now() + 10_000),
    }
    for words, line in lines.items():
        with (
            saying(answer("200 OK", line.line().encode())) as url,
            asked(world.ledger, policy("1", ("w.example", url))) as running,
        ):
            assert words in until(lambda running=running: running.standings[0].trouble)
    assert cosigned_size(world.store) == 0
    assert signers(published(world.store)[1]) == {LOG}


def reopened(world: World, folder, guard) -> Ledger:
    return Ledger(Store(f"sqlite:///{folder}/ledger.sqlite3"), guard, LOG_SIGNER)


@pytest.mark.threat("T39")
@pytest.mark.parametrize("goes_on", [False, True], ids=["as it was", "with other events"])
def test_a_rollback_with_its_guard_is_found_by_a_witness(world, tmp_path, goes_on):
    """Database and guard of yesterday, with the log key: the witness shows today's checkpoint, and signing stops for good."""
    folder = tmp_path / "yesterday"
    folder.mkdir()
    shutil.copy(tmp_path / "guard", folder / "guard")
    with contextlib.closing(sqlite3.connect(world.store.database.path)) as source:
        source.execute("VACUUM INTO ?", (str(folder / "ledger.sqlite3"),))
    with contextlib.closing(sqlite3.connect(folder / "ledger.sqlite3")) as copy:
        copy.execute("PRAGMA journal_mode=WAL")
    with witness_server(tmp_path / "w", "w.example") as (_, url):
        said = policy("1", ("w.example", url))
        with asked(world.ledger, said):
            for _ in range(3):
                world.take(produce(world.anna, "1"))
            today = head(world.ledger)
            until(lambda: cosigned_size(world.store) == today)
        guard = FileGuard(folder / "guard", VKEY.encode())
        ledger = reopened(world, folder, guard)
        try:
            assert ledger.refusal is None  # nobody on this machine knows better
            if goes_on:
                for _ in range(5):
                    signed = produce(world.anna, "2")
                    assert isinstance(ledger.append_one(Submission(signed.envelope)), Recorded)
            with asked(ledger, said) as running:
                until(lambda: ledger.refusal)
                assert f"a checkpoint of {today} entries" in ledger.refusal
                until(lambda: "this ledger lacks" in (running.standings[0].trouble or ""))
            signed = produce(world.anna, "2")
            answered = ledger.append_one(Submission(signed.envelope))
            assert isinstance(answered, Refused)
            assert answered.name == "not_signing"
        finally:
            ledger.close()
            ledger.store.close()
        again = reopened(world, folder, guard)
        try:
            if not goes_on:  # the guard has learnt it too
                assert guard.read().size == today
                assert again.refusal is not None
        finally:
            again.close()
            again.store.close()
        # The ledger of today has what it signed, and goes on.
        world.take(produce(world.anna, "1"))


def test_what_the_witness_shows_must_be_signed_by_this_log(world, tmp_path):
    """A witness that claims a larger size and shows a stranger's checkpoint stops nothing."""
    stranger = Log(LOG, bytes(range(32))).grow(9000)

    def lie(connection: socket.socket) -> None:
        answer("409 Conflict", b"9000\n", "Connection: close")(connection)

    def show(connection: socket.socket) -> None:
        answer("200 OK", stranger.note(9000), "Connection: close")(connection)

    with (
        saying(lie, show, lie, show, lie) as url,
        asked(world.ledger, policy("1", ("w.example", url))) as running,
    ):
        trouble = until(lambda: running.standings[0].trouble)
        assert "nothing that this log has signed" in trouble
    assert world.ledger.refusal is None
    world.take(produce(world.anna, "1"))


def test_a_fork_of_the_same_size_is_told_from_a_witness_that_lies(world):
    """`shown` believes the log's own signature, and only what the database lacks."""
    with world.store.read() as view:
        found = view.head()
    assert world.ledger.shown(GuardHead(found.size, found.root), "http://w.example")
    assert not world.ledger.shown(GuardHead(found.size, bytes(32)), "http://w.example")
    assert "http://w.example shows a checkpoint" in world.ledger.refusal


def test_the_policy_must_be_of_this_log(world):
    """A policy that names another log, or nobody who could be asked, is refused when the ledger is opened."""
    other = Log("other.example").verifier.encode()
    url = "http://127.0.0.1:9"
    vkey = cosigner("w").verifier.encode()
    for lines, words in (
        ((f"log {other}", f"witness w {vkey} {url}", "quorum w"), "does not list the log"),
        ((f"log {VKEY.encode()}", f"witness w {vkey}", "quorum w"), "names no witness"),
        ((f"log {VKEY.encode()}", f"witness w {vkey} ftp://w", "quorum w"), "address"),
    ):
        said = TrustPolicy.parse("".join(f"{line}\n" for line in lines).encode())
        with pytest.raises(Unusable, match=words):
            Asking(world.ledger, said)


def test_over_the_api(tmp_path, monkeypatch):
    """/v1/log, /readyz, /metrics and the front page tell of quorum and witnesses; readers get the cosigned checkpoint."""
    world = World(f"sqlite:///{tmp_path}/ledger.sqlite3", tmp_path)
    with witness_server(tmp_path / "w", "w.example") as (_, url):
        said = policy("1", ("w.example", url), ("down.example", "http://127.0.0.1:9"))
        services = world.services._replace(asking=Asking(world.ledger, said, seconds=SECONDS))
        monkeypatch.setattr(type(services), "open", lambda _: services)
        try:
            with (
                serving(create_app(services.settings)) as server,
                httpx.Client(base_url=server.url) as client,
            ):
                told = until(lambda: (found := client.get("/v1/log").json()).get("cosigned") and found)
                assert told["cosigned"]["size"] == told["size"]
                assert signers(told["cosigned"]["checkpoint"].encode()) == {LOG, "w.example"}
                until(lambda: "trouble" in client.get("/v1/log").json()["witnesses"][1])
                witness = until(
                    lambda: (found := client.get("/v1/log").json()["witnesses"][0])["size"] and found
                )
                assert (witness["name"], witness["size"]) == ("w.example", told["size"])
                assert 0 <= client.get("/readyz").json()["quorum_age_seconds"] < SECONDS
                metrics = client.get("/metrics").text
                assert 'traceability_witness_trouble{witness="down.example"} 1.0' in metrics
                assert "traceability_quorum_age_seconds NaN" not in metrics
                front = client.get("/", headers={"Accept": "text/html"}).text
                assert "Independent witnesses confirmed" in front
                assert signers(client.get("/checkpoint").content) == {LOG, "w.example"}
        finally:
            world.store.close()


@pytest.mark.threat("T54")
def test_while_keys_change_each_witness_knows_the_log_by_the_key_it_has(world, tmp_path):
    """One has the old key, another both, a third the new one: all cosign, and each verifier finds his quorum."""
    fresh = Signer(LOG, bytes(range(32)))
    world.take(world.office.operator.sign("log_key", {"add": fresh.verifier.encode()}))
    guard = FileGuard(tmp_path / "guard", VKEY.encode())
    ledger = Ledger(world.store, guard, LOG_SIGNER, fresh)
    assert ledger.refusal is None
    with (
        witness_server(tmp_path / "w1", "w1.example") as (_, one),
        witness_server(tmp_path / "w2", "w2.example", [VKEY, fresh.verifier]) as (_, two),
        witness_server(tmp_path / "w3", "w3.example", [fresh.verifier]) as (_, three),
    ):
        said = policy("all", ("w1.example", one), ("w2.example", two), ("w3.example", three))
        with asked(ledger, said):
            assert isinstance(ledger.append_one(Submission(produce(world.anna, "1").envelope)), Recorded)
            size = head(ledger)
            until(lambda: cosigned_size(world.store) == size)
    with world.store.read() as view:
        _, note = view.cosigned()
    theirs = TrustPolicy((LogOfPolicy(fresh.verifier),), said.witnesses, said.groups, said.quorum)
    for trusted in (said, theirs):
        assert trusted.judge(trusted.open_checkpoint(bytes(note))).holds
