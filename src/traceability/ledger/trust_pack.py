"""The trust pack of a stored ledger: the entries that say who is who, and what proves them (`core.trust_pack`).

Of the entries about parties, keys and rolls only those go in that make them what they are. Reports, holds, licences
and allocations are about parties too, and are nobody's business who only checks a label.
"""

from collections import defaultdict
from collections.abc import Collection

from traceability.core import evidence
from traceability.core.ids import EventId
from traceability.core.record import Address
from traceability.core.trust_pack import belongs
from traceability.ledger.gather import Gathered, Logged, show
from traceability.ledger.source import StoredSource
from traceability.ledger.view import View

_SUBJECTS = ("party", "key", "roll", "policy")


def trust_pack(view: View) -> bytes:
    """The file, under the newest checkpoint. Raises LookupError where there is none."""
    newest = view.checkpoint()
    if newest is None:
        raise LookupError("no checkpoint is published yet")
    size, note = newest
    source = StoredSource(view)
    about = _entries_about(source, _subjects(view), size)
    outcomes = view.outcomes({index: entry.event for index, entry in about.items()})
    taken = {index for index, entry in about.items() if belongs(entry.event) and outcomes[index].stands}
    delegations = {EventId(about[index].event.body.delegation or "") for index in taken}
    taken |= {index for index, entry in about.items() if entry.event_id in delegations}
    approvals = source.approvals([about[index].event_id for index in taken])
    approving = {index for index in source.indexes(approvals).values() if index < size}
    about |= source.logged(approving - about.keys())
    entries = [about[index] for index in sorted(taken | approving)]
    size, note = view.vouched(size, note, entries[-1].index)
    return evidence.encode_proven(show(Gathered(entries, []), (), note, size, view.nodes(size)))


def _subjects(view: View) -> list[Address]:
    return [
        (kind, id_)
        for kind in _SUBJECTS
        for (id_,) in view.all("SELECT id FROM state WHERE type = ? ORDER BY id", kind)
    ]


def _entries_about(source: StoredSource, subjects: Collection[Address], size: int) -> dict[int, Logged]:
    """Every entry about these below `size`: back from the newest of each, all of a step in one question."""
    found: dict[int, Logged] = {}
    waiting: dict[int, set[Address]] = defaultdict(set)
    for address, place in source.places(subjects).items():
        waiting[place.last].add(address)
    while waiting:
        read = source.logged(waiting.keys() - found.keys())
        here, waiting = waiting, defaultdict(set)
        for index, addresses in here.items():
            entry = found[index] = found.get(index) or read[index]
            for address in addresses:
                before = entry.links[address]
                if before >= 0:
                    waiting[before].add(address)
    return {index: entry for index, entry in found.items() if index < size}
