"""The connection to PostgreSQL is cut at each message of the protocol: what is answered is there, all else can be sent again."""

import concurrent.futures
import itertools
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from postgres_wire import Cut, Manner, Proxy, Side
from sending import append, recorded, sent, some_trade, traders
from sqlalchemy import make_url

import oracle
from patience import SECONDS, until
from traceability.ledger import fsck, places
from traceability.ledger.answers import Recorded, Refused
from traceability.ledger.database import ERRORS, Unusable
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger, create
from trade import LOG_SIGNER, Office, Signed, bag, produce

EVERY = int(os.environ.get("EVERY", "29"))
"""Every how many messages the connection is cut; 1: at each."""
AGAIN = ("unavailable", "not_signing")
"""Both are 503, and mean that the same may be sent again."""

pytestmark = pytest.mark.parametrize("fresh_url", ["postgresql"], indirect=True)


class Halted(BaseException):
    """A process that ends there."""


def halt(name: str) -> None:
    if name == "committed":
        raise Halted


class Cuts:
    """A ledger behind a proxy, and the same ledger as it is without."""

    def __init__(self, url: str, proxy: Proxy, guard, office: Office) -> None:
        self.direct_url = url
        made = make_url(url)
        self.url = f"postgresql://{made.username}@127.0.0.1:{proxy.port}/{made.database}?gssencmode=prefer"
        self.proxy, self.guard, self.office = proxy, guard, office
        self.beside = create(Store(url), guard, LOG_SIGNER, sent(office.genesis))
        self.miner, self.trader = traders(self.beside, office, "miner", "trader")
        self.through = Ledger(Store(self.url), guard, LOG_SIGNER)
        self.tried: Counter[str] = Counter()
        self.met = ""
        self._worker = concurrent.futures.ThreadPoolExecutor(1)

    def close(self) -> None:
        self._worker.shutdown()
        for ledger in (self.through, self.beside):
            ledger.close()
            ledger.store.close()

    def cut(self, cut: Cut, work: Callable[[], Any]) -> Any:
        """What comes of it with this cut, on new connections; raises TimeoutError where it hangs."""
        self.through.store.database.engine.dispose()
        self.proxy.arm(cut)
        try:
            return self._worker.submit(work).result(SECONDS)
        finally:
            self.met = self.proxy.met
            self.proxy.arm(None)

    def each(self, case: Callable[[Cut], None]) -> None:
        """The case with each cut there is: at the n-th message, for every n, until one is not reached."""
        ways = list(itertools.product(Side, (Manner.BEFORE, Manner.MIDDLE, Manner.AFTER), (False, True)))
        for at, way in enumerate(ways):
            # Each way begins elsewhere: what one passes over another tries.
            for n in itertools.count(1 + at * EVERY // len(ways), EVERY):
                cut = Cut(way[0], n, way[1], way[2])
                try:
                    case(cut)
                except BaseException as error:
                    error.add_note(f"{cut}, {self.met or 'never met'}")
                    raise
                if not self.met:
                    break
                self.tried[cut.side] += 1
        assert all(self.tried[side] for side in Side)
        assert fsck.check(self.beside.store, self.guard).verdict == "good"
        oracle.check(self.beside.store, LOG_SIGNER.verifier)
        print(f"cut at {dict(self.tried)}")  # shown by `make cuts`

    def stand(self, signed: list[Signed]) -> list[int | None]:
        with self.beside.store.read() as view:
            return [view.index_of(one.id) for one in signed]

    def is_once(self, signed: list[Signed], answers: list) -> None:
        """What was answered is there; the group is there whole or not at all; sent again, all of it is there once."""
        found = self.stand(signed)
        assert len({index is None for index in found}) == 1, found
        for answer, index in zip(answers, found, strict=True):
            if isinstance(answer, Recorded):
                assert answer.index == index
            else:
                assert isinstance(answer, Refused), answer
                assert answer.name in AGAIN, answer
        again = [answer.index for answer in recorded(self.through, *signed)]
        assert found[0] is None or again == found
        assert self.stand(signed) == again
        with self.beside.store.read() as view:
            ids = [view.entry(index).event_id for index in range(min(again), view.head().size)]
        assert [ids.count(one.id) for one in signed] == [1] * len(signed)


@pytest.fixture
def cuts(url, guard, office):
    folder = make_url(url).query["host"]
    with Proxy(f"{folder}/.s.PGSQL.5432") as proxy:
        made = Cuts(url, proxy, guard, office)
        yield made
        made.close()


def test_an_append(cuts):
    """A group of three in the one process there is, which goes on through hundreds of cuts."""

    def case(cut):
        group = some_trade(cuts.miner, cuts.trader)
        cuts.is_once(group, cuts.cut(cut, lambda: append(cuts.through, *group)))

    cuts.each(case)


def test_an_append_beside_others(cuts):
    """The same where another process has appended meanwhile, so that each tells the other what it changed."""

    def case(cut):
        recorded(cuts.beside, produce(cuts.trader, "1.00"))
        group = some_trade(cuts.miner, cuts.trader)
        cuts.is_once(group, cuts.cut(cut, lambda: append(cuts.through, *group)))

    cuts.each(case)


def test_an_erasure(cuts):
    """The value is there until the redaction is, and not a moment longer."""
    stored = "SELECT count(*) FROM disclosure WHERE idx = ?"

    def values(index):
        with cuts.beside.store.read() as view:
            return view.one(stored, index)[0]

    def case(cut):
        body = {"region": "RW-04", "source": "device", "lots": [bag("38.40")]}
        made = cuts.miner.sign("production", body, sealed={"/responsible": {"name": "Ngaïkosset"}})
        (kept,) = recorded(cuts.through, made)
        before = values(kept.index)
        body = {"event": made.id, "paths": ["/responsible"], "ground": "request"}
        redaction = [cuts.office.operator.sign("redaction", body)]
        answers = cuts.cut(cut, lambda: append(cuts.through, *redaction))
        there, left = cuts.stand(redaction), values(kept.index)
        while cuts.stand(redaction) != there:  # the server commits just now, for nobody
            there, left = cuts.stand(redaction), values(kept.index)
        assert left == before - (there != [None])
        cuts.is_once(redaction, answers)
        assert values(kept.index) == before - 1

    cuts.each(case)


def test_a_start_after_a_crash(cuts):
    """A process ended after its commit. The next one opens, or says why not; what was committed is published by then."""

    def start():
        with suppress(Unusable):
            return Ledger(Store(cuts.url), cuts.guard, LOG_SIGNER)

    def case(cut):
        group = some_trade(cuts.miner, cuts.trader)
        ended = Ledger(cuts.beside.store, cuts.guard, LOG_SIGNER, reached=halt)
        with pytest.raises(Halted):
            append(ended, *group)
        started = cuts.cut(cut, start) or start()
        started.reload()
        assert started.refusal is None
        with cuts.beside.store.read() as view:
            assert view.checkpoint()[0] == view.head().size
        cuts.through.close()
        cuts.through.store.close()
        cuts.through = started
        cuts.is_once(group, [Refused("unavailable", "")] * len(group))

    cuts.each(case)


def test_filling_places(cuts):
    """Places are filled to the end, or as far as they were; events are found either way."""

    def case(cut):
        group = some_trade(cuts.miner, cuts.trader)
        recorded(cuts.beside, *group)
        found = cuts.stand(group)
        with suppress(*ERRORS):
            cuts.cut(cut, lambda: places.fill(cuts.through.store))
        assert cuts.stand(group) == found
        with cuts.beside.store.read() as view:
            size = view.head().size
        # Until the server has noticed, who was cut off is still at it.
        until(lambda: places.fill(cuts.through.store) >= size)
        assert cuts.stand(group) == found

    cuts.each(case)
