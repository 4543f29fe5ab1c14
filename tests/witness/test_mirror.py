"""A mirror: the whole log over its public files, and nothing that was not signed."""

import contextlib
import shutil
from pathlib import Path

import pytest
from watching import Log, Site, cosigner

from commands import Done, core_alone
from traceability.core.misbehaviour import Misbehaviour
from traceability.core.note import add_signatures
from traceability.core.trust_policy import TrustPolicy
from traceability.witness.mirror import Mirrored, NotMirrored, NotYet, TwoHistories, mirror
from traceability.witness.peers import Unreachable
from traceability.witness.remote import RemoteLog

SIZES = (1, 255, 256, 257, 700, 65_537)


class Cut(Exception):  # noqa: N818
    """Mirroring ends here, as if the process had been killed."""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site").mkdir()
    with Site(tmp_path / "site") as site:
        yield site


@pytest.fixture
def policy(log):
    return TrustPolicy.without_witnesses([log.verifier])


def publish(log: Log, folder: Path, size: int | None = None) -> None:
    """Replaces what is at the site."""
    shutil.rmtree(folder, ignore_errors=True)
    log.publish(folder, size)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def brought(site: Site, folder: Path, policy: TrustPolicy, **more) -> Mirrored:
    with RemoteLog(site.url) as remote:
        return mirror(remote, folder, policy, **more)


def test_the_copy_is_the_log(site, log, policy, tmp_path):
    """Over full tiles of two levels and every kind of edge, grown step by step: file for file what the log publishes."""
    folder = tmp_path / "mirror"
    for size in SIZES:
        log.grow(size - len(log.leaves))
        publish(log, tmp_path / "site")
        assert brought(site, folder, policy)[:2] == (log.origin, size)
        more = files(folder).keys() - files(tmp_path / "site").keys()
        assert files(tmp_path / "site").items() <= files(folder).items()
        assert all(".p/" in name for name in more)  # parts of tiles that are not full yet
        assert brought(site, folder, policy).files == 0
    # And at once what came step by step.
    brought(site, tmp_path / "at once", policy)
    assert files(tmp_path / "at once") == files(tmp_path / "site")


def test_full_tiles_are_fetched_once(site, log, policy, tmp_path):
    """Growing, the mirror asks for what is new."""
    log.grow(1000)
    publish(log, tmp_path / "site")
    brought(site, tmp_path / "mirror", policy)
    log.grow(30)
    publish(log, tmp_path / "site")
    site.asked.clear()
    brought(site, tmp_path / "mirror", policy)
    assert "/tile/0/002" not in site.asked
    assert "/tile/0/003" in site.asked


def test_a_log_that_has_grown_meanwhile(site, log, policy, tmp_path):
    """Partial tiles that are gone since the checkpoint was shown are cut out of the full ones."""
    log.grow(520).publish(tmp_path / "site", 300)
    log.publish(tmp_path / "site")
    for name in ("tile/0/001.p", "tile/entries/001.p"):
        shutil.rmtree(tmp_path / "site" / name)
    (tmp_path / "site" / "checkpoint").write_bytes(log.note(300))
    assert brought(site, tmp_path / "mirror", policy).size == 300
    log.publish(tmp_path / "whole", 300)
    assert files(tmp_path / "mirror") == files(tmp_path / "whole")


@pytest.mark.threat("T44", "T45")
def test_no_changed_bit_is_taken(site, log, policy, tmp_path):
    """A bit of each file, a file cut, emptied, exchanged or gone: nothing of it gets in, and no checkpoint comes."""
    log.grow(700)
    publish(log, tmp_path / "site")
    good = files(tmp_path / "site")
    for name, body in good.items():
        if name == "checkpoint":
            continue
        middle = bytearray(body)
        middle[len(body) // 2] ^= 0x10
        other = next(each for other, each in good.items() if other != name and each != body)
        for spoiled in (bytes(middle), body[:-1], body + b"\0", b"", other):
            (tmp_path / "site" / name).write_bytes(spoiled)
            folder = tmp_path / "mirror"
            with contextlib.suppress(NotMirrored, Unreachable):
                brought(site, folder, policy)
                assert spoiled.startswith(body)  # what comes after a bundle's entries is cut away
            assert {
                path: data for path, data in files(folder).items() if path != ".newest"
            }.items() <= good.items()
            shutil.rmtree(folder)
        (tmp_path / "site" / name).unlink()
        with pytest.raises(Unreachable, match="404"):
            brought(site, tmp_path / "mirror", policy)
        shutil.rmtree(tmp_path / "mirror")
        (tmp_path / "site" / name).write_bytes(body)
    assert brought(site, tmp_path / "mirror", policy).size == 700


def test_cut_short_anywhere_it_goes_on(site, log, policy, tmp_path):
    """Stopped after each file in turn: the folder is the older log or the newer, and the next run ends well."""
    log.grow(300)
    publish(log, tmp_path / "site")
    brought(site, tmp_path / "older", policy)
    older = (tmp_path / "older" / "checkpoint").read_bytes()
    log.grow(300)
    publish(log, tmp_path / "site")
    names: list[str] = []
    shutil.copytree(tmp_path / "older", tmp_path / "whole")
    brought(site, tmp_path / "whole", policy, wrote=names.append)
    assert names[-1] == "checkpoint"
    for cut in range(len(names)):
        folder = tmp_path / f"cut {cut}"
        shutil.copytree(tmp_path / "older", folder)
        left = iter(range(cut))

        def stop(_: str, left=left) -> None:
            if next(left, None) is None:
                raise Cut

        with pytest.raises(Cut):
            brought(site, folder, policy, wrote=stop)
        whole = cut == len(names) - 1
        assert (folder / "checkpoint").read_bytes() == (log.note() if whole else older)
        site.asked.clear()
        brought(site, folder, policy)
        assert files(tmp_path / "whole").items() <= files(folder).items()
        # What was fetched is not fetched again; tiles may be, to compare the two trees.
        done_with = {f"/{name}" for name in names[:cut] if name.startswith("tile/entries/")}
        assert not {name for name in done_with if ".p/" not in name} & set(site.asked)


def test_a_damaged_copy_is_mended(site, log, policy, tmp_path):
    """A file that an interrupted run left half is fetched anew."""
    log.grow(600)
    publish(log, tmp_path / "site")
    left = iter([True] * 3)

    def stop(_: str) -> None:
        if next(left, None) is None:
            raise Cut

    with pytest.raises(Cut):
        brought(site, tmp_path / "mirror", policy, wrote=stop)
    for path in (tmp_path / "mirror" / "tile").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1])
    brought(site, tmp_path / "mirror", policy)
    assert files(tmp_path / "mirror") == files(tmp_path / "site")


@pytest.mark.threat("T34", "T40")
@pytest.mark.parametrize("size", [500, 400, 900], ids=["as long", "shorter", "longer"])
def test_another_history_leaves_a_proof(site, log, policy, tmp_path, size):
    """A log that rewrites its past: the folder stays as it was, and gets a file that convinces everybody."""
    log.grow(500)
    publish(log, tmp_path / "site")
    brought(site, tmp_path / "mirror", policy)
    before = files(tmp_path / "mirror")
    publish(log.fork(300).grow(size - 300, b"other"), tmp_path / "site")
    with pytest.raises(TwoHistories) as caught:
        brought(site, tmp_path / "mirror", policy)
    after = files(tmp_path / "mirror")
    (name,) = after.keys() - before.keys()
    assert tmp_path / "mirror" / name == caught.value.file
    assert before.items() <= after.items()
    Misbehaviour.parse(after[name]).verify([log.verifier])


@pytest.mark.threat("T40")
def test_another_history_after_a_pause_leaves_a_proof(site, log, policy, tmp_path):
    """What was shown before the mirror was killed counts, though it was never copied whole."""
    log.grow(500)
    publish(log, tmp_path / "site")

    def stop(_: str) -> None:
        raise Cut

    with pytest.raises(Cut):
        brought(site, tmp_path / "mirror", policy, wrote=stop)
    publish(log.fork(300).grow(400, b"other"), tmp_path / "site")
    with pytest.raises(TwoHistories):
        brought(site, tmp_path / "mirror", policy)
    assert not (tmp_path / "mirror" / "checkpoint").exists()


@pytest.mark.threat("T38", "T41")
def test_it_does_not_go_back(site, log, policy, tmp_path):
    """An older checkpoint of the same log changes nothing; nor does a checkpoint nobody signed, or another log's."""
    log.grow(500)
    publish(log, tmp_path / "site")
    brought(site, tmp_path / "mirror", policy)
    before = files(tmp_path / "mirror")
    for note, error, words in (
        (log.note(499), NotYet, "fewer"),
        (Log(log.origin, bytes(32), tuple(log.leaves)).grow(9).note(), NotMirrored, "not to be believed"),
        (Log("log.example.org/two").grow(900).note(), NotMirrored, "not in the trust policy"),
        (b"<html>", NotMirrored, "not to be believed"),
    ):
        (tmp_path / "site" / "checkpoint").write_bytes(note)
        with pytest.raises(error, match=words):
            brought(site, tmp_path / "mirror", policy)
        assert files(tmp_path / "mirror") == before
    both = TrustPolicy.without_witnesses([log.verifier, Log("log.example.org/two").verifier])
    publish(Log("log.example.org/two").grow(900), tmp_path / "site")
    with pytest.raises(NotMirrored, match="name another folder"):
        brought(site, tmp_path / "mirror", both)
    assert files(tmp_path / "mirror") == before


def test_a_size_beyond_all_logs_costs_nothing(site, log, policy, tmp_path):
    """A log that signs a size nobody can have written is refused before anything is listed or fetched for it."""
    for size, words in ((2**62 + 5, "more than any log has"), (2**39 + 5, "404")):
        log.publish(tmp_path / "site")
        (tmp_path / "site" / "checkpoint").write_bytes(log.note(size, bytes(32)))
        with pytest.raises((NotMirrored, Unreachable), match=words):
            brought(site, tmp_path / "mirror", policy)


def test_with_a_policy_it_waits_for_the_quorum(site, log, tmp_path):
    """Nothing is copied that the witnesses of the policy have not cosigned."""
    log.grow(20)
    publish(log, tmp_path / "site")
    witness = cosigner("w.example")
    lines = [f"log {log.verifier.encode()}", f"witness w {witness.verifier.encode()}", "quorum w"]
    policy = TrustPolicy.parse("".join(f"{line}\n" for line in lines).encode())
    with pytest.raises(NotYet, match="quorum"):
        brought(site, tmp_path / "mirror", policy)
    checkpoint = policy.open_checkpoint(log.note()).checkpoint
    note = add_signatures(log.note(), [witness.cosign(checkpoint, 1_790_000_000)])
    (tmp_path / "site" / "checkpoint").write_bytes(note)
    assert brought(site, tmp_path / "mirror", policy).size == 20
    assert (tmp_path / "mirror" / "checkpoint").read_bytes() == note


def test_the_command(site, log, tmp_path, capfd):
    """`mirror` says what it did; its exit codes tell a liar from a line that is down; it needs only the core."""
    log.grow(300)
    publish(log, tmp_path / "site")
    vkey, folder = log.verifier.encode(), tmp_path / "mirror"
    done = core_alone("mirror", site.url, folder, "--log", vkey, "--json")
    assert (done.returncode, done.stdout) == (0, '{"files":6,"origin":"log.example.org/one","size":300}\n'), (
        done
    )
    # A mirror of the mirror is a mirror.
    with Site(folder) as second:
        done = Done(capfd, "mirror", second.url, tmp_path / "second", "--log", vkey)
        assert done.code == 0, done.err
    assert files(tmp_path / "second") == files(folder)
    assert Done(capfd, "mirror", "http://127.0.0.1:9", folder, "--log", vkey).code == 2
    publish(log.fork(3).grow(400, b"other"), tmp_path / "site")
    done = Done(capfd, "mirror", site.url, folder, "--log", vkey)
    assert done.code == 1
    assert "two histories" in done.err
    (proof,) = folder.glob("*.misbehaviour.json")
    assert str(proof) in done.err
    assert Done(capfd, "judge", proof, "--log", vkey).code == 0
    assert Done(capfd, "mirror", "nowhere", folder, "--log", vkey).code == 3
    assert Done(capfd, "mirror", site.url, folder).code == 3
