"""A real server is killed again and again while traders send to it: what was answered is there, once.

    python tests/ledger/faults/killing.py [--cycles 100] [--seed 1]

Four traders keep what they were told in a journal of their own and send again what had no answer. After each
kill the server is started again on what it left; at the end, and every twentieth time, `fsck` looks at all of it.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import httpx
from recording import Place, begin, reopened, send, served, together
from sending import some_trade

from traceability.core.signing import EventId
from traceability.ledger import fsck
from trade import Pen, Signed

SERVER = [sys.executable, "-m", "traceability", "serve"]


class Trader:
    """Sends without end, in order; an event without an answer is sent again."""

    def __init__(self, pen: Pen, buyer: Pen) -> None:
        self._pen, self._buyer = pen, buyer
        self._waiting: list[Signed] = []
        self.told: dict[EventId, int] = {}
        self.unknown = 0

    def send_until(self, stop: threading.Event, url: str) -> None:
        while not stop.is_set():
            self._waiting = self._waiting or some_trade(self._pen, self._buyer)
            try:
                answer = send(url, self._waiting[0])
            except httpx.TransportError:
                self.unknown += 1
                return
            if answer.status_code == 503:
                continue
            assert answer.status_code in (200, 201), answer.text
            found = answer.json()
            assert self.told.setdefault(found["event_id"], found["index"]) == found["index"]
            self._waiting.pop(0)


def kill_often(place: Place, cycles: int, seed: int, progress: Callable[[str], object] = print) -> str:
    """Raises AssertionError where anything is wrong; else what was seen, in a line."""
    chance = random.Random(seed)
    pens = begin(place, "anna", "ben", "carl", "dora")
    traders = [Trader(pen, pens[at - 1]) for at, pen in enumerate(pens)]
    began = time.monotonic()
    for cycle in range(1, cycles + 1):
        with served(place, SERVER) as (url, process):
            stop = threading.Event()

            def kill(process=process) -> None:
                time.sleep(chance.uniform(0.05, 1.0))
                process.kill()

            together(
                [kill, *(lambda one=one, url=url, stop=stop: one.send_until(stop, url) for one in traders)]
            )
        if cycle % 20 == 0 or cycle == cycles:
            size = check(place, traders)
            progress(f"{cycle} kills, {size} entries")
    told = sum(len(one.told) for one in traders)
    unknown = sum(one.unknown for one in traders)
    took = time.monotonic() - began
    return f"kill -9: {cycles} kills, {told} answered, none lost, {unknown} without an answer; {took:.0f} s, seed {seed}"


def check(place: Place, traders: list[Trader]) -> int:
    """Everything that was answered is where it was said to be; how many entries there are."""
    ledger = reopened(place)
    try:
        assert ledger.refusal is None, ledger.refusal
        report = fsck.check(ledger.store, ledger._guard)
        assert report.verdict == "good", report
        with ledger.store.read() as view:
            for one in traders:
                for event_id, index in one.told.items():
                    found = view.entry(index)
                    assert found is not None
                    assert found.event_id == event_id
        return report.size
    finally:
        ledger.close()
        ledger.store.close()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(kill_often(Place(Path(folder).resolve()), given.cycles, given.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
