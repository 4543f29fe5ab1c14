"""Every bit of a small ledger, one at a time: what is flipped is found and located, or it has no effect.

    python tests/ledger/faults/bitflips.py [--every 1] [--file 20000] [--seed 1]

Three things are spoiled. Each bit of each value in each table: `fsck` must say that the ledger is damaged and
name that table, unless the database itself does not take the change. Each bit of an evidence file: `verify`
must not say what it said before. And bits of the database's file as they lie on the disk: `fsck` finds the
damage, or every row is what it was.

`--every 50` takes each fiftieth bit of tables and evidence. Columns that may differ without damage are listed
in WITHOUT_EFFECT, with the reason; whatever else goes unnoticed is a problem.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from recording import MEMORY, Place
from sending import append, handoff, recorded, sent
from sqlmodel import SQLModel

from traceability.core.ids import derive
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import verify
from traceability.ledger import fsck, places
from traceability.ledger.database import Unusable
from traceability.ledger.guard import FileGuard
from traceability.ledger.reader import Reader
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import create
from trade import LOG_SIGNER, Office, Pen, accept, nonce, offer, produce

UNSTATED = (b'finding_chain":', b'finding_count":', b'number":')
"""What evidence says of findings and places in the book: nothing is concluded from it before a snapshot states the book."""
WITHOUT_EFFECT = {"nonce": "only signed reads use it, for minutes, and no fact is derived from it"}
"""Tables of which nothing has to be found, and why."""

SAID_BY = {"placed": "event_place"}
"""Tables whose damage may show in another one: fewer places counted means that there are too many."""


class Flip(NamedTuple):
    """One bit of one value: table, which row of it, column, which bit."""

    table: str
    row: int
    column: str
    bit: int


def make(place: Place, tile: bool) -> bytes:
    """A ledger in which every table has rows, of 256 entries and more if there is to be a tile; evidence out of it."""
    place.data.mkdir(parents=True)
    migrate(place.url)
    store = Store(place.url)
    office, names = Office(), ("miner", "trader", "other")
    ledger = create(
        store, FileGuard(place.guard, LOG_SIGNER.verifier.encode()), LOG_SIGNER, sent(office.genesis)
    )
    miner, trader, other = (Pen(name) for name in names)
    recorded(ledger, *(office.enrol(pen, "miner", "trader") for pen in (miner, trader, other)))
    own = nonce()
    roll = derive("roll", office.registrar.key.id, own)
    body = {"roll": roll, "nonce": own, "scheme": "t", "level": "mine", "medium": "qr", "count": 1}
    codes = [{"code": "0123456789A10", "number": 1}]
    made = produce(miner, "38.40")
    pairs = [(made.id, made.lots[0])]
    first, second = offer(miner, trader.party, pairs), offer(miner, other.party, pairs)
    title = offer(miner, other.party, pairs, moves="title")
    taken = accept(trader, [(first.id, made.lots[0])])
    append(
        ledger,
        office.registrar.sign("tag_issue", body, sealed={"/codes": codes}),
        made,
        first,
        second,
        title,
        taken,
    )
    if tile:
        for _ in range(250):
            recorded(ledger, produce(miner, "1.00"))
    kept = produce(trader, "20.00")
    recorded(ledger, kept, *handoff(trader, other, [(kept.id, kept.lots[0])]))
    places.fill(store)
    file: bytes = Reader(store).evidence([made.lots[0]], disclose=lambda *_: True)
    ledger.close()
    store.close()
    return file


class Spoiler:
    """A ledger whose rows are changed and put back, by whoever has the file in his hands."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.guard = FileGuard(place.guard, LOG_SIGNER.verifier.encode())
        self._raw = sqlite3.connect(place.data / "ledger.sqlite3", isolation_level=None)
        self._raw.execute("PRAGMA synchronous=OFF")
        self._raw.execute("PRAGMA ignore_check_constraints=ON")
        for (name,) in self._raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            self._raw.execute(f"DROP TRIGGER {name}")
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()

    def flips(self, tables: list[str]) -> Iterator[Flip]:
        """Every bit of every value of these tables. Numbers have 64."""
        for table in tables:
            columns = [column.name for column in SQLModel.metadata.tables[table].columns]
            for row, values in enumerate(
                self._raw.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            ):
                for column, value in zip(columns, values, strict=True):
                    size = 64 if isinstance(value, int) else 8 * len(_bytes(value))
                    yield from (Flip(table, row, column, bit) for bit in range(size))

    def in_text(self, type_: str) -> Flip:
        """The top bit of a letter of an id within the first state record of this type: then it is no UTF-8."""
        rows = self._raw.execute("SELECT type, id, value FROM state").fetchall()
        row, id_, value = next((n, id_, value) for n, (kind, id_, value) in enumerate(rows) if kind == type_)
        return Flip("state", row, "value", 8 * value.index(id_.encode()) + 7)

    def try_one(self, flip: Flip) -> None:
        """The bit is flipped, looked for, and put back."""
        table = SQLModel.metadata.tables[flip.table]
        keys = [column.name for column in table.primary_key.columns]
        rows = self._raw.execute(f"SELECT {', '.join([*keys, flip.column])} FROM {flip.table}").fetchall()
        *key, value = rows[flip.row]
        where = " AND ".join(f"{name} = ?" for name in keys)
        changed = _flipped(value, flip.bit)
        mark = "CAST(? AS TEXT)" if isinstance(value, str) else "?"
        after = [changed if name == flip.column else one for name, one in zip(keys, key, strict=True)]
        back = " AND ".join(f"{name} = {mark if name == flip.column else '?'}" for name in keys)
        self.counts["bits of tables"] += 1
        try:
            self._raw.execute(
                f"UPDATE {flip.table} SET {flip.column} = {mark} WHERE {where}", (changed, *key)
            )
        except sqlite3.IntegrityError:
            self.counts["bits the database refuses"] += 1
            return
        try:
            self._look(flip, key)
        finally:
            undone = self._raw.execute(
                f"UPDATE {flip.table} SET {flip.column} = ? WHERE {back}", (value, *after)
            )
            assert undone.rowcount == 1, flip

    def _look(self, flip: Flip, key: list[Any]) -> None:
        store = Store(self.place.url)
        try:
            report = fsck.check(store, self.guard)
        except Exception as error:  # noqa: BLE001  # a check that breaks has not found anything
            self.problems.append(f"{flip} of {key}: {error!r}")
            return
        finally:
            store.close()
        if flip.table in WITHOUT_EFFECT:
            assert report.verdict == "good", flip
            self.counts["bits without effect"] += 1
        elif not {flip.table, SAID_BY.get(flip.table)} & {damage.table for damage in report.damages}:
            self.problems.append(f"{flip} of {key}: {report.verdict}, {report.damages[:3]} {report.notes}")

    def close(self) -> None:
        self._raw.close()


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""


def _flipped(value: Any, bit: int) -> Any:
    if isinstance(value, int):
        return int.from_bytes((value ^ 1 << bit).to_bytes(9, "big", signed=True)[1:], "big", signed=True)
    return flipped(_bytes(value), bit)


def flipped(data: bytes, bit: int) -> bytes:
    """The same bytes but for one bit."""
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


def spoil_evidence(file: bytes, bits: list[int]) -> list[str]:
    """What is wrong: bits of an evidence file after which `verify` says the same."""
    policy = TrustPolicy.without_witnesses([LOG_SIGNER.verifier])
    before = verify(file, policy)
    assert before.exit_code == 0
    problems = []
    for bit in bits:
        at = bit // 8
        where = f"evidence, bit {bit} ({file[max(0, at - 40) : at + 20]!r})"
        try:
            holds = verify(flipped(file, bit), policy).exit_code == 0
        except Exception as error:  # noqa: BLE001  # it never raises for what a file holds
            problems.append(f"{where}: {error!r}")
            continue
        if holds and not file[: at + 1].rpartition(b',"')[2].startswith(UNSTATED):
            problems.append(f"{where}: verified all the same")
    return problems


def spoil_file(place: Place, scratch: Path, bits: list[int]) -> tuple[list[str], Counter[str]]:
    """Bits of the database's file: found, or every row is what it was."""
    source = place.data / "ledger.sqlite3"
    content, before = source.read_bytes(), _rows(source)
    target = scratch / "ledger.sqlite3"
    guard = FileGuard(place.guard, LOG_SIGNER.verifier.encode())
    problems, counts = [], Counter[str]()
    for bit in bits:
        for path in scratch.iterdir():
            path.unlink()
        target.write_bytes(flipped(content, bit))
        counts["bits of the file"] += 1
        try:
            store = Store(f"sqlite:///{target}")
        except Unusable:
            counts["bits after which it is not opened"] += 1
            continue
        try:
            report = fsck.check(store, guard)
        except Exception as error:  # noqa: BLE001
            problems.append(f"bit {bit} of the file: {error!r}")
            continue
        finally:
            store.close()
        if report.verdict != "good":
            counts["bits of the file found"] += 1
        elif _rows(target) != before:
            problems.append(f"bit {bit} of the file: fsck finds nothing, and rows are others")
        else:
            counts["bits of the file without effect"] += 1
    return problems, counts


def _rows(path: Path) -> dict[str, list[Any]]:
    connection = sqlite3.connect(path)
    try:
        tables = sorted(set(SQLModel.metadata.tables) - WITHOUT_EFFECT.keys())
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table} NOT INDEXED"), key=repr)
            for table in tables
        }
    finally:
        connection.close()


def spoil(
    folder: Path, every: int, file_bits: int, seed: int, share: tuple[int, int]
) -> tuple[list[str], Counter[str]]:
    """One share (its number, of how many) of all that is tried."""
    number, shares = share
    small, tall = Place(folder / f"small{number}"), Place(folder / f"tall{number}")
    problems: list[str] = []
    counts: Counter[str] = Counter()
    file = make(small, tile=False)
    make(tall, tile=True)
    for place, tables in ((small, sorted(set(SQLModel.metadata.tables) - {"tile"})), (tall, ["tile"])):
        pristine = folder / f"pristine{number}"
        shutil.copytree(place.folder, pristine, dirs_exist_ok=True)
        spoiler = Spoiler(place)
        for at, flip in enumerate(spoiler.flips(tables)):
            # By a prime, so that not always the same bit of each byte is taken.
            if at * 7919 % (every * shares) == number * every:
                spoiler.try_one(flip)
                if spoiler.counts["bits of tables"] % 2000 == 0:
                    print(
                        f"share {number}: {dict(spoiler.counts)}, {len(spoiler.problems)} problems",
                        flush=True,
                    )
        spoiler.close()
        problems += spoiler.problems
        counts += spoiler.counts
    bits = [bit for bit in range(8 * len(file)) if bit * 7919 % (every * shares) == number * every]
    problems += spoil_evidence(file, bits)
    counts["bits of evidence"] += len(bits)
    scratch = folder / f"scratch{number}"
    scratch.mkdir()
    chance = random.Random(seed + number)
    size = 8 * (small.data / "ledger.sqlite3").stat().st_size
    found, counted = spoil_file(small, scratch, [chance.randrange(size) for _ in range(file_bits // shares)])
    return problems + found, counts + counted


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--file", type=int, default=20_000, help="how many bits of the database's file")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        tempfile.tempdir = name
        workers = os.cpu_count() or 1
        jobs = [(Path(name), given.every, given.file, given.seed, (n, workers)) for n in range(workers)]
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            results = pool.starmap(spoil, jobs)
    problems = [problem for found, _ in results for problem in found]
    for problem in problems[:60]:
        print(problem)
    said = ", ".join(
        f"{count} {name}" for name, count in sum((found for _, found in results), Counter()).items()
    )
    print(f"bit flips: {said}; {len(problems)} problems; {time.monotonic() - began:.0f} s, seed {given.seed}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
