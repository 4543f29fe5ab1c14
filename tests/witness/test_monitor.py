"""A monitor: what two people were shown is compared, and what cannot both be true becomes a file that proves it."""

import json
import shutil
from pathlib import Path

import pytest
from serving import serving
from test_mirror import publish
from watching import Clock, Log, Site, cosigner, witness_at

from commands import Done, core_alone
from traceability.core.misbehaviour import Misbehaviour, NotShown
from traceability.core.note import add_signatures
from traceability.core.trust_policy import TrustPolicy
from traceability.witness.monitor import Monitor, Watched, What
from traceability.witness.protocol import monitoring_path
from traceability.witness.remote import RemoteLog
from traceability.witness.serving import WitnessApp

NOW = 1_790_000_000


class Desk:
    """A monitor's operator, with a log at a site that tests change at will."""

    def __init__(self, folder: Path, site: Site, log: Log) -> None:
        self.folder = folder
        self.site = site
        self.log = log
        self.policy = TrustPolicy.without_witnesses([log.verifier])

    def show(self, log: Log, size: int | None = None) -> None:
        publish(log, self.folder / "site", size)

    def look(self, *seen: RemoteLog | Path, **more) -> Watched:
        with RemoteLog(self.site.url) as remote:
            return Monitor(self.folder / "monitor", self.policy, seen).look(remote, NOW, **more)

    def whats(self, *seen: RemoteLog | Path, **more) -> list[What]:
        return [finding.what for finding in self.look(*seen, **more).findings]

    def proofs(self) -> list[Path]:
        return sorted((self.folder / "monitor").rglob("*.misbehaviour.json"))

    def proven(self) -> None:
        """There is one file, and it convinces."""
        (file,) = self.proofs()
        Misbehaviour.parse(file.read_bytes()).verify([self.log.verifier])

    def file(self, note: bytes) -> Path:
        path = self.folder / "colleague"
        path.write_bytes(note)
        return path


@pytest.fixture
def desk(tmp_path, log):
    (tmp_path / "site").mkdir()
    with Site(tmp_path / "site") as site:
        yield Desk(tmp_path, site, log.grow(20))


def test_a_log_that_grows_is_followed(desk):
    """Pass after pass each checkpoint begins with the one before, and all are kept."""
    sizes = [20, 20, 21, 256, 257, 1000]
    for size in sizes:
        desk.show(desk.log.grow(size - len(desk.log.leaves)))
        found = desk.look()
        assert found[1:] == (desk.log.origin, size, desk.log.root().hex(), [])
    (seen,) = (desk.folder / "monitor").rglob("seen.ndjson")
    kept = [json.loads(line) for line in seen.read_bytes().splitlines()]
    assert [int(line["checkpoint"].split("\n")[1]) for line in kept] == sorted(set(sizes))
    assert kept[0]["from"] == desk.site.url


@pytest.mark.threat("T34", "T37", "T40")
@pytest.mark.parametrize("size", [20, 15, 300])
def test_a_log_that_rewrites_its_past_is_proven_to_have(desk, size):
    """Between two passes the log becomes another: of the same size, smaller, larger."""
    desk.show(desk.log)
    assert desk.whats() == []
    desk.show(desk.log.fork(7).grow(size - 7, b"other"))
    if size < 20:  # the larger tree is gone with the past: a question, until somebody has its tiles
        assert desk.whats() == [What.NOT_SHOWN, What.WENT_BACK]
        (file,) = desk.proofs()
        with pytest.raises(NotShown):
            Misbehaviour.parse(file.read_bytes()).verify([desk.log.verifier])
        desk.log.publish(desk.folder / "mirror")
        with Site(desk.folder / "mirror") as mirror, RemoteLog(mirror.url) as viewer:
            assert What.MISBEHAVIOUR in desk.whats(viewer)
        return
    assert desk.whats() == [What.MISBEHAVIOUR]
    desk.proven()
    # It is not forgotten, and said once.
    assert desk.whats() == [What.MISBEHAVIOUR]
    desk.proven()


@pytest.mark.threat("T40")
@pytest.mark.parametrize("size", [20, 12, 40])
def test_a_split_view_is_proven_when_two_compare(desk, size):
    """A colleague was shown another history: his checkpoint in a file, smaller, as large, or larger than ours."""
    desk.show(desk.log)
    assert desk.whats() == []
    fork = desk.log.fork(5).grow(size - 5, b"other")
    found = desk.whats(desk.file(fork.note()))
    if size > 20:  # larger: nobody can tell yet
        assert found == [What.BEHIND]
        desk.show(desk.log.grow(30))
        # His file may be gone by now: it was kept.
        assert desk.whats() == [What.MISBEHAVIOUR]
    else:
        assert found == [What.MISBEHAVIOUR]
    desk.proven()


@pytest.mark.threat("T40")
def test_a_larger_split_view_is_proven_by_its_own_tiles(desk, tmp_path):
    """Where the other view is served with its files, the log need not grow past it."""
    desk.show(desk.log)
    desk.log.fork(5).grow(300, b"other").publish(tmp_path / "other")
    with Site(tmp_path / "other") as other, RemoteLog(other.url) as viewer:
        assert desk.whats(viewer) == [What.BEHIND, What.MISBEHAVIOUR]
    desk.proven()


def test_honest_viewers_agree(desk, tmp_path):
    """A mirror that is behind, a colleague who is ahead by a moment, another monitor's whole file: no accusation."""
    desk.log.publish(tmp_path / "mirror", 9)
    desk.show(desk.log, 15)
    with Site(tmp_path / "mirror") as mirror, RemoteLog(mirror.url) as viewer:
        assert desk.whats(viewer, desk.file(desk.log.note(20))) == [What.BEHIND]
        desk.show(desk.log)
        assert desk.whats(viewer) == []
        (seen,) = (tmp_path / "monitor").rglob("seen.ndjson")
        shutil.copy(seen, tmp_path / "theirs")
        shutil.rmtree(tmp_path / "monitor")
        assert desk.whats(tmp_path / "theirs") == []
    assert desk.proofs() == []


@pytest.mark.threat("T38", "T41")
def test_a_log_that_goes_back_is_named(desk):
    """The older checkpoint of the same history is no second history: it is said, and proves nothing."""
    desk.show(desk.log)
    assert desk.whats() == []
    (desk.folder / "site" / "checkpoint").write_bytes(desk.log.note(11))
    assert desk.whats() == [What.WENT_BACK]
    desk.show(desk.log, 11)  # and its tiles with it
    assert desk.whats() == [What.NOT_SHOWN, What.WENT_BACK]
    assert desk.look().size == 20


@pytest.mark.threat("T41")
def test_what_nobody_cosigned_lately_is_stale(desk):
    """An old checkpoint served as the newest shows by the time in its cosignatures, and a missing quorum is named."""
    witness = cosigner("w.example")
    lines = [f"log {desk.log.verifier.encode()}", f"witness w {witness.verifier.encode()}", "quorum w"]
    desk.policy = TrustPolicy.parse("".join(f"{line}\n" for line in lines).encode())
    desk.show(desk.log)
    assert desk.whats(stale_seconds=300) == [What.NO_QUORUM, What.STALE]
    checkpoint = desk.policy.open_checkpoint(desk.log.note()).checkpoint
    for time, found in ((NOW - 10, []), (NOW - 301, [What.STALE])):
        note = add_signatures(desk.log.note(), [witness.cosign(checkpoint, time)])
        (desk.folder / "site" / "checkpoint").write_bytes(note)
        assert desk.whats(stale_seconds=300) == found


@pytest.mark.threat("T52")
def test_a_witness_is_a_viewer(desk, tmp_path):
    """What a witness was shown is asked of it; a fork that only the witness saw is proven."""
    witness = witness_at(tmp_path / "w", "w.example", [desk.log.verifier], Clock())
    assert witness.add_checkpoint(desk.log.fork(5).grow(9, b"other").request(0)).status == 200
    desk.show(desk.log)
    with serving(WitnessApp(witness)) as server, RemoteLog(server.url) as viewer:
        assert monitoring_path(desk.log.origin)
        assert desk.whats(viewer) == [What.MISBEHAVIOUR]
    desk.proven()


def test_without_proof_it_asks_again(desk):
    """A log that withholds its tiles is named each time, and what waited is compared once they are there."""
    desk.show(desk.log)
    assert desk.whats() == []
    fork = desk.log.fork(3).grow(22, b"other")
    desk.show(desk.log.grow(10))
    shutil.rmtree(desk.folder / "site" / "tile")
    assert desk.whats(desk.file(fork.note())) == [What.NOT_SHOWN, What.BEHIND]
    assert desk.whats() == [What.NOT_SHOWN]
    assert desk.look().size == 20
    desk.show(desk.log)
    assert desk.whats() == [What.MISBEHAVIOUR]
    assert any(_convinces(file, desk.log) for file in desk.proofs())


def _convinces(file: Path, log: Log) -> bool:
    try:
        Misbehaviour.parse(file.read_bytes()).verify([log.verifier])
    except NotShown:
        return False
    return True


def test_what_is_not_signed_is_named(desk):
    """A stranger's key, another log, garbage; and a colleague's file that is not of this key."""
    for note in (
        Log(desk.log.origin, bytes(32)).grow(30).note(),
        Log("two.example").grow(3).note(),
        b"<html>",
    ):
        (desk.folder / "site" / "checkpoint").write_bytes(note)
        assert desk.whats() == [What.NOT_SIGNED]
    desk.show(desk.log)
    forged = Log(desk.log.origin, bytes(32)).grow(30).note()
    assert desk.whats(desk.file(forged)) == [What.NOT_SIGNED]
    assert desk.whats(desk.file(Log("two.example").grow(3).note())) == []
    assert desk.whats(desk.folder / "nothing") == [What.UNREACHABLE]
    assert desk.proofs() == []


@pytest.mark.parametrize("data", [b"", b"{}", b'{"entries":[]}', b"<html>", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_file_with_no_checkpoint_is_not_passed_over(desk, data):
    """The wrong file behind --seen: nobody is told that all is consistent with it."""
    desk.show(desk.log)
    assert desk.whats(desk.file(data)) == [What.UNREACHABLE]


def test_a_line_cut_off_by_a_crash_loses_nothing_else(desk):
    """After a write that was cut, older lines count and new ones are whole."""
    desk.show(desk.log)
    assert desk.whats() == []
    (seen,) = (desk.folder / "monitor").rglob("seen.ndjson")
    seen.write_bytes(seen.read_bytes() + b'{"checkpoint":"log.exa')
    desk.show(desk.log.grow(5))
    assert desk.whats() == []
    lines = seen.read_bytes().splitlines()
    assert [line[:1] for line in lines] == [b"{"] * 3
    assert json.loads(lines[2])["checkpoint"] == desk.log.note().decode()


def test_the_commands(desk, capfd):
    """`monitor` and `judge`: exit codes, words, JSON; with nothing but the core."""
    vkey, folder = desk.log.verifier.encode(), desk.folder / "kept"
    desk.show(desk.log)
    done = core_alone("monitor", desk.site.url, "--log", vkey, "--folder", folder)
    assert (done.returncode, done.stdout) == (
        0,
        "log.example.org/one: 20 entries, consistent with all that was seen\n",
    ), done
    fork = desk.log.fork(5).grow(9, b"other")
    told = Done(
        capfd,
        "monitor",
        desk.site.url,
        "--log",
        vkey,
        "--folder",
        folder,
        "--seen",
        desk.file(fork.note()),
        "--json",
    )
    assert told.code == 1
    ((finding,),) = (each["findings"] for each in told.json["logs"])
    assert finding["what"] == "misbehaviour"
    file = Path(finding["file"])
    judged = core_alone("judge", file, "--log", vkey)
    assert (judged.returncode, judged.stdout) == (
        0,
        "proven: log.example.org/one signed two histories, of 14 and of 20 entries\n",
    )
    assert Done(capfd, "judge", file, "--log", vkey, "--json").json["sizes"] == [14, 20]
    assert Done(capfd, "judge", file, "--log", Log("two.example").verifier.encode()).code == 1
    question = Misbehaviour.of(desk.log.note(), desk.log.note(3), reason="it answered 500")
    file.write_bytes(question.encode())
    assert Done(capfd, "judge", file, "--log", vkey).code == 2
    file.write_bytes(b"{}")
    assert Done(capfd, "judge", file, "--log", vkey).code == 1
    assert Done(capfd, "judge", file, "--log", "x").code == 3
    policy = desk.folder / "trust.policy"
    policy.write_text(f"log {vkey} {desk.site.url}\nquorum none\n")
    assert Done(capfd, "monitor", "--policy", policy, "--folder", desk.folder / "other").code == 0
    assert Done(capfd, "monitor", "--log", vkey).code == 3
    assert Done(capfd, "monitor", "http://127.0.0.1:9", "--log", vkey, "--folder", folder).code == 2
