"""Honest logs in number: they grow by leaps and bounds, change their keys, lose sight of witnesses; nobody is accused."""

import random
from collections.abc import Sequence
from http import HTTPStatus
from itertools import combinations
from pathlib import Path

from watching import Clock, Log, cosigner, witness_at

import reference
from traceability.core.checkpoint import OpenedCheckpoint, open_checkpoint
from traceability.core.misbehaviour import compare
from traceability.core.note import Signer, add_signatures
from traceability.witness.protocol import parse_size

RUNS = 2000
WITNESSED = 250


def reading(log: Log):
    """What the tiles of the log as it is now give."""

    def read(wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        return [reference.mth(log.leaves[index << level : index + 1 << level]) for level, index in wanted]

    return read


def test_no_honest_history_is_taken_for_two() -> None:
    """Two thousand logs of any growth, a third of which change their key: any two of their checkpoints are one history."""
    drawn = random.Random(4)
    for run in range(RUNS):
        log = Log(f"{run}.example")
        further = Signer(log.origin, drawn.randbytes(32))
        changes = drawn.randrange(1, 7) if run % 3 == 0 else 9
        seen: list[OpenedCheckpoint] = []
        for step in range(drawn.randrange(2, 6)):
            log.grow(drawn.choice((0, 1, 1, 2, 3, 7, 16)))
            note = log.note()
            text = note.decode().partition("\n\n")[0] + "\n"
            if step >= changes:
                note = add_signatures(note, [further.sign(text)])
            keys = [further.verifier] if step > changes + 1 else [log.verifier, further.verifier]
            seen.append(open_checkpoint(note, log.origin, keys))
        for one, other in combinations(seen, 2):
            assert compare(one, other, reading(log)) is None, (run, one, other)


def test_no_honest_log_is_refused_by_its_witness(tmp_path: Path) -> None:
    """Of 250 logs a witness that is away at times, started again, and asked from a wrong size, cosigns every step it sees."""
    drawn, clock = random.Random(7), Clock()
    logs = [Log(f"{run}.example") for run in range(WITNESSED)]
    keys = [log.verifier for log in logs]
    watching = witness_at(tmp_path / "memory", "w.example", keys, clock)
    held = dict.fromkeys(range(WITNESSED), 0)
    for step in range(3):
        for run, log in enumerate(logs):
            log.grow(drawn.choice((1, 2, 5, 9)))
            if drawn.random() < 0.3:
                continue  # it cannot be reached now
            old = drawn.choice((held[run], held[run], 0, len(log.leaves)))
            reply = watching.add_checkpoint(log.request(old))
            if reply.status == HTTPStatus.CONFLICT:
                assert old != held[run]
                assert parse_size(reply.body) == held[run]
                reply = watching.add_checkpoint(log.request(held[run]))
            assert reply.status == HTTPStatus.OK, (step, run, reply)
            held[run] = len(log.leaves)
            open_checkpoint(
                log.note() + reply.body, log.origin, keys[run : run + 1], [cosigner("w.example").verifier]
            )
            clock.now += 60
        watching = witness_at(tmp_path / "memory", "w.example", keys, clock)
    assert watching.refused() == []
