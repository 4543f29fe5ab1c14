"""Threads that append without end, keep what they were told, and send again what they were not told of."""

import threading
import time
from typing import Self

from sending import append, some_trade

from patience import SECONDS, until
from traceability.ledger.answers import Recorded
from traceability.ledger.writer import Ledger
from trade import Pen


class Load:
    """Pairs of traders, each with a ledger of its own as a process would have it."""

    def __init__(self, ledgers: list[Ledger], pens: list[Pen]) -> None:
        self.told: dict[str, int] = {}
        """What was answered: index by event."""
        self.again = 0
        """How often something had to be sent again."""
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(ledger, pens[at], pens[at - 1]), daemon=True)
            for at, ledger in enumerate(ledgers)
        ]

    def _run(self, ledger: Ledger, giver: Pen, recipient: Pen) -> None:
        try:
            while not self._stop.is_set():
                waiting = some_trade(giver, recipient)
                while waiting:
                    waiting = self._send(ledger, waiting)
        except BaseException as error:  # noqa: BLE001  # it is raised where the load is ended
            self._errors.append(error)

    def _send(self, ledger: Ledger, waiting: list) -> list:
        answers = append(ledger, *waiting)
        for answer in answers:
            if isinstance(answer, Recorded):
                assert self.told.setdefault(answer.event_id, answer.index) == answer.index
        left = [one for one, answer in zip(waiting, answers, strict=True) if not isinstance(answer, Recorded)]
        if left:
            if self._stop.is_set() and ledger.refusal is not None:
                return []
            self.again += 1
            time.sleep(0.05)
        return left

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(SECONDS)
            assert not thread.is_alive(), "it never came back"
        if self._errors:
            raise self._errors[0]

    def until(self, more: int) -> None:
        """Returns when so many more events have been answered."""
        wanted = len(self.told) + more
        until(lambda: len(self.told) >= wanted or bool(self._errors))


def check_told(ledger: Ledger, told: dict[str, int]) -> None:
    """Everything that was answered is at the index it was told."""
    with ledger.store.read() as view:
        for event_id, index in told.items():
            found = view.entry(index)
            assert found is not None, f"entry {index} is lost"
            assert found.event_id == event_id
