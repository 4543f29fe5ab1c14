"""Global rules on a real ledger: the same however entries are grouped, and told to whom they concern."""

import pytest

from memory import MemoryLedger
from test_season import END, LOG, VKEY
from traceability.core.findings.catalogue import RULES
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.reader import Reader
from traceability.ledger.rebuild import rebuild
from traceability.ledger.store import Store
from traceability.ledger.writer import create
from traceability.simulation.season import season

SIGNER = MemoryLedger(LOG, genesis=False).log_signer
EVENTS = 600


def submissions() -> list[Submission]:
    return [
        Submission(signed.envelope, None, signed.disclosures, signed.record_time)
        for signed in season(events=EVENTS, seed=9, log=LOG, log_vkey=VKEY, end=END)
    ]


def kept(store: Store) -> list[list[tuple]]:
    """What a ledger says of findings and tallies, row by row."""
    with store.read() as view:
        return [
            view.all("SELECT idx, n, rule, severity, value FROM finding ORDER BY idx, n"),
            view.all("SELECT type, id, idx, n FROM finding_subject ORDER BY type, id, idx, n"),
            view.all("SELECT type, id, value FROM state ORDER BY type, id"),
        ]


@pytest.fixture
def taken(fresh_url, opened, tmp_path):
    """Takes a season in groups of a size; gives its store, its guard and the answers."""

    def take(group: int):
        url = fresh_url()
        guard = FileGuard(tmp_path / f"guard {group}", VKEY)
        genesis, *rest = submissions()
        store = opened(url)
        ledger = create(store, guard, SIGNER, genesis, clock=lambda: genesis.record_time or 0)
        answers = []
        for at in range(0, len(rest), group):
            answers += ledger.append(rest[at : at + group])
        ledger.close()
        return store, guard, answers

    return take


def test_grouping_and_rebuilding_change_nothing(taken) -> None:
    """Seven at a time or all at once, appended or derived anew: the same findings and tallies to the byte."""
    few, guard, _ = taken(7)
    many, _, _ = taken(EVENTS)
    first = kept(few)
    assert first == kept(many)
    rules = {row[2] for row in first[0]}
    assert "lot_without_tag" in rules
    assert fsck.check(few, guard).verdict == "good"
    rebuild(few)
    assert kept(few) == first


def test_an_answer_tells_nothing_of_what_fell_due_with_it(taken) -> None:
    """Each finding in an answer names the event it answers; those of others are told by their subjects."""
    store, _, answers = taken(50)
    assert all(isinstance(answer, Recorded) for answer in answers)
    told = [(answer, found) for answer in answers for found in answer.findings]
    assert told
    assert all(found.events[0] == answer.event_id for answer, found in told)
    reader = Reader(store)
    with store.read() as view:
        subjects = view.all("SELECT type, id, idx FROM finding_subject WHERE type = ?", "lot")
    overdue = [noted for row in subjects for noted in reader.findings((row[0], row[1]))]
    late = [noted for noted in overdue if noted.finding.rule == "lot_without_tag"]
    assert late
    for noted in late:
        assert RULES[noted.finding.rule].scope == "global"
        lot = noted.finding.subjects[0][1]
        assert noted.entry in {entry.index for entry in reader.fallen_due(lot)}
