"""The fold answers whatever comes: a season in order and out of order, and its events with ids exchanged."""

import json
import random
from functools import lru_cache
from typing import Any

import pytest

from memory import MemoryLedger
from rules import Rules, StrictState
from traceability.core import canonical, events, fold
from traceability.core.errors import Malformed
from traceability.core.outcome import Appended, Entry, Rejected, WaitsFor
from traceability.core.registry_records import Number
from traceability.core.signing import event_id
from traceability.simulation.post import Signed
from traceability.simulation.season import season

LOG = "ledger.example.org/demo"
END = 1_795_000_000
VKEY = MemoryLedger(LOG, genesis=False).log_signer.verifier.encode()


@lru_cache(maxsize=2)
def made(seed: int) -> tuple[Signed, ...]:
    return tuple(season(events=300, seed=seed, log=LOG, log_vkey=VKEY, end=END))


def test_a_season_looks_up_no_more_than_its_events_touch() -> None:
    """Each entry on the strict state, and the book, heads and masses gone over after it."""
    ledger = Rules(log=LOG, genesis=False)
    for signed in made(1):
        outcome = ledger.take(signed.envelope, record_time=signed.record_time)
        assert isinstance(outcome, Appended), (signed.event.kind, outcome)


@pytest.mark.threat("T18")
@pytest.mark.parametrize("seed", [1, 2])
def test_events_brought_in_any_order_wait_for_each_other(seed: int) -> None:
    """Shuffled and brought again and again, a season comes in but for what came too late, and what rests on that."""
    rng = random.Random(seed)
    genesis, *rest = made(1)
    ledger = MemoryLedger(LOG, genesis=False)
    assert isinstance(ledger.take(genesis.envelope, record_time=genesis.record_time), Appended)
    rng.shuffle(rest)
    refused: list[Signed] = []
    waiting: list[tuple[Signed, WaitsFor]] = []
    while True:
        waiting = []
        for signed in rest:
            outcome = ledger.take(signed.envelope, record_time=END)
            if isinstance(outcome, WaitsFor):
                waiting.append((signed, outcome))
            elif isinstance(outcome, Rejected):
                refused.append(signed)
        if len(waiting) == len(rest):
            break
        rest = [signed for signed, _ in waiting]
    missing = [*refused, *rest]
    gone = {event_id(signed.envelope.payload) for signed in missing} | {
        lot for signed in missing for lot in signed.event.made
    }
    assert {outcome.id for _, outcome in waiting} <= gone
    assert len(refused) < 20
    assert len(ledger.entries) > 250


def _ids(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], str]]:
    """Every text of the length of an id, with the way to it."""
    match value:
        case str() if len(value) in (26, 64):
            return [(path, value)]
        case list():
            return [found for at, item in enumerate(value) for found in _ids(item, (*path, at))]
        case dict():
            return [found for key, item in value.items() for found in _ids(item, (*path, key))]
        case _:
            return []


def _set(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for token in path[:-1]:
        value = value[token]
    value[path[-1]] = new


@pytest.mark.parametrize("seed", range(2))
def test_events_with_ids_exchanged_are_answered(seed: int) -> None:
    """Lots, parties, keys, events and numbers taken from elsewhere: an outcome every time, never an exception."""
    rng = random.Random(seed)
    ledger = MemoryLedger(LOG, genesis=False)
    known: dict[int, list[str]] = {26: ["0" * 26], 64: ["0" * 64]}
    answers: dict[str, int] = {}
    for signed in made(1 + seed % 2):
        plain = json.loads(signed.envelope.payload)
        for _, text in _ids(plain):
            known[len(text)].append(text)
        for _ in range(4):
            other = json.loads(signed.envelope.payload)
            for _ in range(rng.randint(1, 2)):
                if rng.random() < 0.2:
                    other["sequence"] = rng.randint(0, 3)
                elif found := _ids(other):
                    path, text = rng.choice(found)
                    _set(other, path, rng.choice(known[len(text)]))
            other["previous"].sort(key=lambda group: group["event"])
            for group in other["previous"]:
                group["lots"].sort()
            try:
                event = events.parse(canonical.encode(other))
            except Malformed:
                answers["malformed"] = answers.get("malformed", 0) + 1
                continue
            name = event_id(canonical.encode(other))
            entry = Entry(len(ledger.entries), signed.record_time, name, event)
            outcome = fold.apply(entry, StrictState(ledger.state, event, name))
            answer = outcome.name if isinstance(outcome, Rejected) else type(outcome).__name__
            answers[answer] = answers.get(answer, 0) + 1
            if isinstance(outcome, Appended):
                used = outcome.changes["number", f"{event.key}:{event.sequence}"]
                assert isinstance(used, Number)
                assert outcome.stands or used.second == name or not all(outcome.fates.values())
        assert isinstance(ledger.take(signed.envelope, record_time=signed.record_time), Appended)
        known[64].append(ledger.entries[-1].event_id)
    assert len(answers) > 12, answers
