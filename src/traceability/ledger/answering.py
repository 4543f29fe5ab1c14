"""Answers out of what a group became: for what is in the log, the proof that it is."""

from collections.abc import Collection, Sequence

from traceability.core.outcome import told_with
from traceability.ledger import publish
from traceability.ledger.answers import Answer, Recorded, Refused, Waiting
from traceability.ledger.group import Judged, Known, Taken
from traceability.ledger.store import Store
from traceability.ledger.tree import Growth
from traceability.ledger.view import View


def answers_without_proof(judged: Sequence[Judged]) -> list[Answer]:
    """The answers to a group of which nothing is in the log."""
    return [result for result in judged if isinstance(result, Refused | Waiting)]


def answers_with_proof(
    store: Store, judged: Sequence[Judged], growth: Growth | None, size: int, checkpoint: bytes
) -> list[Answer]:
    """The answers to a group, proved under `checkpoint`, which is of `size` entries."""
    known = _known(store, {result.index for result in judged if isinstance(result, Known)}, size, checkpoint)
    answers: list[Answer] = []
    for result in judged:
        match result:
            case Taken():
                assert growth is not None
                answers.append(_taken(result, growth, checkpoint))
            case Known():
                answers.append(known[result.index])
            case Refused() | Waiting():
                answers.append(result)
    return answers


def _taken(result: Taken, growth: Growth, checkpoint: bytes) -> Recorded:
    outcome = result.outcome
    return Recorded(
        index=result.index,
        event_id=result.event_id,
        entry=result.entry,
        blind=result.blind,
        proof=growth.proof(result.index),
        checkpoint=checkpoint,
        stands=outcome.stands,
        fates=outcome.fates,
        findings=told_with(result.event_id, outcome.findings),
        known=False,
    )


def _known(store: Store, indexes: Collection[int], size: int, checkpoint: bytes) -> dict[int, Recorded]:
    if not indexes:
        return {}
    with store.read() as view:
        return {index: _recorded(view, index, size, checkpoint) for index in indexes}


def _recorded(view: View, index: int, size: int, checkpoint: bytes) -> Recorded:
    entry = view.entry(index)
    assert entry is not None
    verdict = view.outcome(index, entry.event())
    return Recorded(
        index=index,
        event_id=entry.event_id,
        entry=entry.entry,
        blind=entry.blind,
        proof=publish.inclusion_proof(view, index, size),
        checkpoint=checkpoint,
        stands=verdict.stands,
        fates=dict(verdict.fates),
        findings=told_with(entry.event_id, view.findings(index)),
        known=True,
    )
