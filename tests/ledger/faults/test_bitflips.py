"""Flipped bits: of tables, of evidence and of the database's file; each is found and located, or without effect."""

import subprocess
import sys
from pathlib import Path

import pytest
from bitflips import Flip, Spoiler, flipped, make
from recording import Place

from traceability.ledger import fsck
from traceability.ledger.rebuild import NotRebuilt, rebuild
from traceability.ledger.store import Store

PROGRAM = Path(__file__).with_name("bitflips.py")


@pytest.mark.threat("T33", "T45")
def test_some_of_all_bits():
    """Every so many of the bits that `make bitflips` flips, in each table, in evidence and in the file."""
    done = subprocess.run(
        [sys.executable, PROGRAM, "--every", "997", "--file", "150"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "; 0 problems;" in done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def spoiler(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("spoiled").resolve())
    make(place, tile=False)
    spoiler = Spoiler(place)
    yield spoiler
    spoiler.close()


BITS = {
    "a time beyond all calendars": Flip("entry", 3, "record_time", 60),
    "a time before the beginning": Flip("entry", 3, "record_time", 63),
    "an index far beyond the end": Flip("entry", 3, "idx", 62),
    "an index just beyond the end": Flip("entry", 3, "idx", 8),
    "an index before the beginning": Flip("entry", 3, "idx", 63),
    "the row that counts places": Flip("placed", 0, "id", 5),
    "the row of the head": Flip("head", 0, "id", 5),
    "a path that is no text": Flip("disclosure", 0, "path", 55),
    "an id that is no text": Flip("state", 4, "id", 7),
}


@pytest.mark.parametrize("flip", BITS.values(), ids=BITS.keys())
def test_bits_that_broke_something_else(spoiler, flip):
    """Values no program of ours would write: fsck ends, and names the table."""
    spoiler.try_one(flip)
    assert spoiler.problems == []


def test_a_record_that_is_no_text(spoiler):
    """A letter of an id in a party's record that is no UTF-8 any more: fsck ends, and names the table."""
    spoiler.try_one(spoiler.in_text("party"))
    assert spoiler.problems == []


def test_nothing_is_rebuilt_on_a_displaced_entry(spoiler):
    """An entry whose index was spoiled is not passed over by a rebuild."""
    spoiler._raw.execute("UPDATE entry SET idx = 1 << 62 WHERE idx = 3")
    store = Store(spoiler.place.url)
    try:
        with pytest.raises(NotRebuilt, match="cannot have this index"):
            rebuild(store)
        named = {(damage.table, damage.index) for damage in fsck.check(store, spoiler.guard).damages}
        assert {("entry", 1 << 62), ("entry", 3)} <= named
    finally:
        store.close()
        spoiler._raw.execute("UPDATE entry SET idx = 3 WHERE idx = 1 << 62")


def test_an_index_and_its_table_that_differ(tmp_path):
    """A bit in the file that only one of the two copies of a key has: whoever reads the other would not notice."""
    place = Place(tmp_path.resolve() / "place")
    make(place, tile=False)
    path = place.data / "ledger.sqlite3"
    content = path.read_bytes()
    places = [at for at in range(len(content)) if content.startswith(b"/entity", at)]
    assert len(places) > 3
    found = []
    for at in places:
        path.write_bytes(flipped(content, 8 * at + 8))
        store = Store(place.url)
        found.append(fsck.check(store).verdict)
        store.close()
    assert "good" not in found
