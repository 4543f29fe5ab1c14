"""Power loss: whatever of the unsynced bytes is on the disk, what was answered is there, and nothing by halves."""

import tempfile
from pathlib import Path

import pytest
from disk import DROPPED, KEPT
from older import make_older
from powerloss import Judge, crashes, moments, try_all, without_syncs
from recording import MEMORY, Place, begin, record, record_server, reopened
from sending import sent

from traceability.ledger import fsck
from traceability.ledger.guard import FileGuard
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import create
from trade import LOG_SIGNER, Office


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("place").resolve())


@pytest.fixture
def memory():
    """A folder that need not last."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def recording(place):
    """What a real server called while it took events, was stopped, and took more."""
    return record_server(place, 1)


def test_the_record_is_of_everything(recording):
    """Both files of the database, the guard and the answers are in it: nothing went past the recorder."""
    opened = {
        call.data.decode().rsplit("/", 1)[-1].split(".")[0] for call in recording.calls if call.kind == "O"
    }
    assert {"ledger", "guard"} <= opened
    assert {"O", "C", "W", "T", "S", "R", "U", "A"} == {call.kind for call in recording.calls}
    *_, (_, disk, promised) = moments(recording)
    assert {one.id for one in recording.sent} == set(promised.events)
    assert promised.size == recording.size_before + len(recording.sent)
    for path, content in disk.after(KEPT).items():
        assert Path(path).read_bytes() == content, path


def test_every_moment(recording, place):
    """After every call of the server, with nothing, everything and some of what was not synced."""
    judge = try_all(recording, place, 6)
    assert judge.problems == []
    assert judge.counts["different disks"] > len(recording.sent)
    assert judge.counts["different ledgers"] > len(recording.sent) // 4


@pytest.mark.parametrize(("word", "said"), [("ledger.sqlite3", "is not there"), ("state", "the guard holds")])
def test_what_is_not_synced_is_missed(recording, place, word, said):
    """The trial itself: had the database, or the guard, never been synced, this would have been found out."""
    careless = recording._replace(calls=without_syncs(recording.calls, word))
    *_, (_, disk, promised) = moments(careless)
    judge = Judge(careless, place, place.folder / "scratch")
    judge.look(disk.after(DROPPED), promised, "at the end")
    assert any(said in problem for problem in judge.problems), judge.problems


BACKUP = """
import sys
from pathlib import Path
from traceability.ledger.backup import backup, restore
from traceability.ledger.store import Store
backup(Store(sys.argv[1]), Path(sys.argv[2]))
restore(Path(sys.argv[2]), "sqlite:///" + sys.argv[3])
"""


def test_a_backup_has_its_name_when_it_is_whole(tmp_path):
    """During a backup and its restoring: under the final name is the whole of it, or nothing."""
    place = Place(tmp_path.resolve() / "place")
    place.folder.mkdir()
    begin(place, "anna")
    targets = [str(place.folder / name) for name in ("backup", "restored.sqlite3")]
    made = record(place, BACKUP, place.url, *targets)
    whole = {target: Path(target).read_bytes() for target in targets}
    there = set()
    for number, disk, _ in moments(made):
        for crash in crashes(8, 1, number):
            files = disk.after(crash)
            for target in targets:
                assert files.get(target) in (None, whole[target]), (number, crash)
                there.add(target in files)
    assert there == {True, False}


MIGRATE = """
import sys
from traceability.ledger.schema import migrate
migrate(sys.argv[1])
"""


def test_a_migration_cut_short_is_done_again(tmp_path, memory):
    """An older ledger, at moments of its migration: done again, it is migrated, good, and has the root it had."""
    place = Place(tmp_path.resolve() / "place")
    place.folder.mkdir()
    begin(place, "anna", "ben")
    store = Store(place.url)
    with store.read() as view:
        before = view.head()
    older = place.folder / "older.sqlite3"
    make_older(store, f"sqlite:///{older}", "0003")
    store.close()
    older.replace(place.data / "ledger.sqlite3")
    made = record(place, MIGRATE, place.url)
    seen = set()
    for number, disk, _ in moments(made):
        for crash in crashes(3, 1, number) if number % 4 == 0 else ():
            files = disk.after(crash)
            if repr(files) in seen:
                continue
            seen.add(repr(files))
            again = Place(memory / f"again{len(seen)}")
            for path, content in files.items():
                target = again.folder / Path(path).relative_to(place.folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            migrate(again.url)
            ledger = reopened(again)
            assert ledger.refusal is None, (number, crash)
            assert fsck.check(ledger.store, ledger._guard).verdict == "good", (number, crash)
            with ledger.store.read() as view:
                assert view.head() == before
            ledger.close()
            ledger.store.close()
    assert len(seen) > 40


BEGIN = """
import json
import sys
from pathlib import Path
from traceability.core.note import Signer
from traceability.core.signing import Envelope
from traceability.ledger.answers import Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import create
url, guard, key, envelope = sys.argv[1:]
migrate(url)
signer = Signer.parse(key)
genesis = Submission(Envelope.parse(json.loads(envelope)))
create(Store(url), FileGuard(Path(guard), signer.verifier.encode()), signer, genesis)
"""


def test_a_beginning_cut_short_is_begun_again(tmp_path, memory):
    """At any moment of making a ledger: done again with the same genesis, it is there, and good."""
    place = Place(tmp_path.resolve() / "place")
    place.data.mkdir(parents=True)
    genesis = Office().genesis
    made = record(
        place, BEGIN, place.url, str(place.guard), LOG_SIGNER.encode(), genesis.envelope.to_json().decode()
    )
    seen = set()
    for number, disk, _ in moments(made):
        for crash in crashes(2 + (number % 4 == 0), 1, number):
            files = disk.after(crash)
            if repr(files) in seen:
                continue
            seen.add(repr(files))
            again = Place(memory / f"again{len(seen)}")
            again.data.mkdir(parents=True)
            again.guard.parent.mkdir()
            for path, content in files.items():
                (again.folder / Path(path).relative_to(place.folder)).write_bytes(content)
            migrate(again.url)
            guard = FileGuard(again.guard, LOG_SIGNER.verifier.encode())
            ledger = create(Store(again.url), guard, LOG_SIGNER, sent(genesis))
            assert ledger.refusal is None
            assert fsck.check(ledger.store, guard).verdict == "good", (number, crash)
            ledger.close()
            ledger.store.close()
    assert len(seen) > 20
