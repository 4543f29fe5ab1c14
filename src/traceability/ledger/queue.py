"""The queue in front of a ledger: whoever comes while a group is being recorded is in the next one."""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

from traceability.ledger.answers import Answer, Refused, Submission
from traceability.ledger.writer import GROUP_MAX, Ledger

WAITING_MAX = 8 * GROUP_MAX
TOLD_AT_ONCE = 64
"""How many answers may reach a loop at once. Of a larger group it gets one at a time."""
_LOG = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    """An event that waits, whoever waits for its answer, and the loop he waits in, if it is one."""

    submission: Submission
    future: "Future[Answer] | asyncio.Future[Answer]"
    loop: asyncio.AbstractEventLoop | None


Told = Sequence[tuple["Future[Answer] | asyncio.Future[Answer]", Answer | Exception]]
"""Who waits, and the answer."""


class Writer:
    """A thread that groups what waits: whoever comes while a group is committed is in the next one."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, submission: Submission) -> "Future[Answer]":
        """The answer, as soon as there is one. At once `busy` where too many wait already.

        RuntimeError after `close`.
        """
        future: Future[Answer] = Future()
        self._take(_Waiting(submission, future, None))
        return future

    def submit_from(
        self, loop: asyncio.AbstractEventLoop, submission: Submission
    ) -> "asyncio.Future[Answer]":
        """The same for who waits in a loop, called there. A group's answers reach it together.

        Whoever gives up waiting does not take his event back.
        """
        future = loop.create_future()
        self._take(_Waiting(submission, future, loop))
        return future

    def close(self) -> None:
        """Answers everything that was submitted before, then ends the thread."""
        self._closed = True
        self._waiting.put(None)
        self._thread.join()

    def _take(self, one: _Waiting) -> None:
        if self._closed:
            raise RuntimeError("the writer is closed")
        if self._waiting.qsize() >= WAITING_MAX:
            one.future.set_result(Refused("busy", "too many events wait here now; send it again in a moment"))
        else:
            self._waiting.put(one)

    def _run(self) -> None:
        open_ = True
        while open_:
            taken = [self._waiting.get()]
            with contextlib.suppress(queue.Empty):
                while len(taken) < GROUP_MAX:
                    taken.append(self._waiting.get_nowait())
            open_ = None not in taken
            group = [one for one in taken if one is not None and _is_awaited(one.future)]
            if group:
                self._answer(group)

    def _answer(self, group: Sequence[_Waiting]) -> None:
        answers: Sequence[Answer | Exception]
        try:
            answers = self._ledger.append([one.submission for one in group])
        except Exception as error:  # noqa: BLE001  # it belongs to those who wait
            _LOG.exception("append failed")
            answers = [error] * len(group)
        told = list(zip((one.future for one in group), answers, strict=True))
        for loop in {one.loop for one in group}:
            here = [each for each, one in zip(told, group, strict=True) if one.loop is loop]
            if loop is None:
                _tell(here)
            else:
                with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits there any more
                    loop.call_soon_threadsafe(_tell_in, loop, here)


def _is_awaited(future: "Future[Answer] | asyncio.Future[Answer]") -> bool:
    """Whether the event is to be recorded: a thread may still have taken its own back, a loop cannot."""
    return not isinstance(future, Future) or future.set_running_or_notify_cancel()


def _tell_in(loop: asyncio.AbstractEventLoop, told: Told) -> None:
    """Everybody at once where they are few; else one at every turn of the loop, so that others have theirs between."""
    now = len(told) if len(told) <= TOLD_AT_ONCE else 1
    _tell(told[:now])
    if told[now:]:
        loop.call_soon(_tell_in, loop, told[now:])


def _tell(told: Told) -> None:
    for future, answer in told:
        if future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
