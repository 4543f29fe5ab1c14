"""An honest season with its frauds, appended to a real ledger, whose findings are then judged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from traceability.core.findings.catalogue import RULES
from traceability.core.note import Signer
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.schema import migrate
from traceability.ledger.stating import to_state
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger, create
from traceability.simulation.chance import Chance
from traceability.simulation.frauds.judging import Judge
from traceability.simulation.frauds.plant import Plant
from traceability.simulation.frauds.planting import MODES, planted
from traceability.simulation.pen import OFFICE, Pen, World
from traceability.simulation.people import key, party_id
from traceability.simulation.post import Post, Signed
from traceability.simulation.season import season

LOG = "ledger.example.org/frauds"
SIGNER = Signer(LOG, bytes(32))
VKEY = SIGNER.verifier.encode()
GROUP = 1024
END = 1_795_000_000
"""When every such season ends: one seed is one season."""


def judged(
    folder: Path, *, events: int, seed: int, times: int, modes: Sequence[str] = MODES
) -> dict[str, Any]:
    """The season with its frauds through a real ledger in that folder, and what came of it."""
    plants: list[Plant] = []
    ledger = None
    beside = planted(plants, seed=seed, times=times, modes=modes)
    waiting: list[Signed] = []
    made = season(events=events, seed=seed, log=LOG, log_vkey=VKEY, end=END, honest=True, beside=beside)
    for signed in made:
        if ledger is None:
            ledger = _begin(folder, _submission(signed))
            continue
        waiting.append(signed)
        if len(waiting) == GROUP:
            _append(ledger, waiting)
    assert ledger is not None
    _append(ledger, waiting)
    _state(ledger, seed)
    judge = Judge()
    with ledger.store.read() as view:
        for index in range(view.head().size):
            entry = view.entry(index)
            assert entry is not None
            judge.take(index, entry.event_id, entry.event(), view.findings(index))
    ledger.close()
    ledger.store.close()
    return {"seed": seed, "events": events, **judge.result(plants)}


def _begin(folder: Path, genesis: Submission) -> Ledger:
    """A new ledger in that folder, on the clock of the season."""
    url, began = f"sqlite:///{folder}/ledger.sqlite3", genesis.record_time
    migrate(url)
    assert began is not None
    return create(Store(url), FileGuard(folder / "guard", VKEY), SIGNER, genesis, clock=lambda: began)


def _submission(signed: Signed) -> Submission:
    return Submission(signed.envelope, None, signed.disclosures, signed.record_time)


def _state(ledger: Ledger, seed: int) -> None:
    """The operator states what rules over sealed values notice, as `traceability findings` does."""
    own = key(seed, "operator", "Ed25519")
    world = World(seed, LOG, Chance(seed), Post(), END)
    pen = Pen(world, party_id(seed, own, "operator"), own, OFFICE)
    with ledger.store.read() as view:
        found = [view.entry(index) for index in range(view.head().size)]
    pen.next = 1 + max(entry.event().sequence for entry in found if entry and entry.event().key == own.id)
    for each in to_state(ledger.store):
        pen.write("finding", each.body(RULES[each.rule].version), signal=world.now)
    _append(ledger, list(world.post.until()))


def _append(ledger: Ledger, waiting: list[Signed]) -> None:
    if waiting:
        for answer in ledger.append([_submission(signed) for signed in waiting]):
            assert isinstance(answer, Recorded), answer
    waiting.clear()
