"""A clock for the steps of a piece of work: how long the program is in each, without those inside it.

Functions are replaced by ones that stop the clock of whoever calls and start their own. What that itself costs is
measured first and taken out again. It is the processor's time that is counted, so that whatever else runs, and the
disk, do not count. And the interpreter's instructions can be counted instead, which do not depend on the machine.
"""

import functools
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any, NamedTuple

REST = "the rest"
_EMPTY_CALLS = 100_000


class Timed(NamedTuple):
    """Part of a step: a function of a module or class. `block` for one that gives a context."""

    step: str
    owner: Any
    name: str
    block: bool = False


class Steps:
    """What is running, the innermost last, and how long each step ran."""

    def __init__(self) -> None:
        self._running = [REST]
        self._since = 0
        self._ns: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()
        self._inner: Counter[str] = Counter()
        """How many timed calls began in each step."""
        self.instructions: Counter[str] = Counter()

    def run(self, step: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Calls it as part of this step."""
        now = time.process_time_ns()
        outer = self._running[-1]
        self._ns[outer] += now - self._since
        self._inner[outer] += 1
        self._calls[step] += 1
        self._running.append(step)
        self._since = time.process_time_ns()
        try:
            return call(*args, **named)
        finally:
            now = time.process_time_ns()
            self._ns[step] += now - self._since
            self._running.pop()
            self._since = time.process_time_ns()

    @contextmanager
    def timing(self, timed: list[Timed]) -> Iterator[None]:
        """Has these functions timed."""
        were = [(one.owner, one.name, one.owner.__dict__.get(one.name)) for one in timed]
        for one in timed:
            setattr(one.owner, one.name, self._wrapped(one))
        self._since = time.process_time_ns()
        try:
            yield
        finally:
            self._ns[REST] += time.process_time_ns() - self._since
            for owner, name, was in were:
                if was is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, was)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Has the interpreter's instructions counted; the times are worth nothing then."""
        counts, running = self.instructions, self._running

        def count(frame: FrameType, event: str, _: Any) -> Any:
            if event == "call":
                if frame.f_code.co_filename == __file__:
                    return None
                frame.f_trace_opcodes = True
                frame.f_trace_lines = False
            elif event == "opcode":
                counts[running[-1]] += 1
            return count

        sys.settrace(count)
        try:
            yield
        finally:
            sys.settrace(None)

    def seconds(self, cost: "Cost") -> dict[str, float]:
        """How long each step took, without the clock."""
        return {
            step: (self._ns[step] - self._calls[step] * cost.own - self._inner[step] * cost.outer) / 1e9
            for step in self._ns
        }

    def _wrapped(self, timed: Timed) -> Callable[..., Any]:
        call = getattr(timed.owner, timed.name)
        step = timed.step

        @functools.wraps(call)
        def wrapped(*args: Any, **named: Any) -> Any:
            found = self.run(step, call, *args, **named)
            return _Block(self, step, found) if timed.block else found

        return wrapped


class _Block:
    """A context whose beginning and end are part of a step, and what is done in it is not."""

    def __init__(self, steps: Steps, step: str, inner: AbstractContextManager[Any]) -> None:
        self._steps, self._step, self._inner = steps, step, inner

    def __enter__(self) -> Any:
        return self._steps.run(self._step, self._inner.__enter__)

    def __exit__(self, *error: object) -> Any:
        return self._steps.run(self._step, self._inner.__exit__, *error)


class Cost(NamedTuple):
    """What the clock costs at each timed call, in ns: in the step itself, and in the one it was called from."""

    own: float
    outer: float


class _Empty:
    @staticmethod
    def call(_: object) -> None:
        pass


def cost() -> Cost:
    """Measured with a function that does nothing."""
    plain = _calls_of_empty()
    steps = Steps()
    with steps.timing([Timed("empty", _Empty, "call")]):
        _calls_of_empty()
    own = steps._ns["empty"] / _EMPTY_CALLS  # noqa: SLF001
    return Cost(own, (steps._ns[REST] - plain) / _EMPTY_CALLS)  # noqa: SLF001


def _calls_of_empty() -> int:
    call = _Empty
    started = time.process_time_ns()
    for _ in range(_EMPTY_CALLS):
        call.call(None)
    return time.process_time_ns() - started
