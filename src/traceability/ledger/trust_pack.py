"""The trust pack of a stored ledger: the entries that say who is who, and what proves them (`core.trust_pack`).

Of the entries about parties, keys and rolls only those go in that make them what they are. Reports, holds, licences
and allocations are about parties too, and are nobody's business who only checks a label.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

from traceability.core import evidence
from traceability.core.events import Event, KeyRevocation
from traceability.core.ids import EventId, RollId
from traceability.core.record import Address
from traceability.core.trust_pack import belongs
from traceability.ledger.gather import Gathered, Logged, Source, show
from traceability.ledger.source import StoredSource
from traceability.ledger.view import View

_SUBJECTS = ("party", "key", "roll", "policy")


def trust_pack(view: View) -> bytes:
    """The file, under the newest checkpoint. Raises LookupError where there is none."""
    size, note = _newest(view)
    return _file(view, _telling(view, StoredSource(view), _subjects(view), size), size, note)


def label_pack(view: View, kid: str, roll: RollId) -> bytes:
    """The part of it that one label is checked by: the keys whose ids begin with these 16 hex digits, and a roll.

    With their parties, and with whoever gave those what they have, back to the genesis. Raises LookupError where
    there is no such key, or no checkpoint.
    """
    size, note = _newest(view)
    source = StoredSource(view)
    keys = view.all("SELECT id FROM state WHERE type = 'key' AND id >= ? AND id < ?", kid, f"{kid}g")
    waiting: set[Address] = {("key", id_) for (id_,) in keys}
    if not waiting:
        raise LookupError("no key of this ledger has an id that begins so")
    waiting |= {("roll", roll), ("policy", "policy")}
    told: dict[int, Logged] = {}
    asked: set[Address] = set()
    while waiting:
        asked |= waiting
        found = _telling(view, source, waiting, size)
        found = {index: entry for index, entry in found.items() if not _of_others(entry.event, asked)}
        signed_by = {("key", entry.event.key) for entry in found.values()}
        signed_for = {("party", entry.event.party) for entry in found.values()}
        about = {each for entry in found.values() for each in entry.links if each[0] == "party"}
        waiting = (signed_by | signed_for | about) - asked
        told |= found
    return _file(view, told, size, note)


def _of_others(event: Event, asked: Collection[Address]) -> bool:
    """Whether an event ends a key that has nothing to do with it: it is about whoever revoked the key, too."""
    return isinstance(event, KeyRevocation) and ("key", event.body.key) not in asked


def _newest(view: View) -> tuple[int, bytes]:
    newest = view.checkpoint()
    if newest is None:
        raise LookupError("no checkpoint is published yet")
    return newest


def _telling(view: View, source: StoredSource, subjects: Collection[Address], size: int) -> dict[int, Logged]:
    """What makes these subjects what they are, with the delegations and approvals that it rests on."""
    about = entries_about(source, subjects, size)
    outcomes = view.outcomes({index: entry.event for index, entry in about.items()})
    taken = {index for index, entry in about.items() if belongs(entry.event) and outcomes[index].stands}
    delegations = {EventId(about[index].event.body.delegation or "") for index in taken}
    taken |= {index for index, entry in about.items() if entry.event_id in delegations}
    approvals = source.approvals([about[index].event_id for index in taken])
    approving = {index for index in source.indexes(approvals).values() if index < size}
    about |= source.logged(approving - about.keys())
    return {index: about[index] for index in taken | approving}


def _file(view: View, told: Mapping[int, Logged], size: int, note: bytes) -> bytes:
    entries = [told[index] for index in sorted(told)]
    size, note = view.vouched(size, note, entries[-1].index)
    return evidence.encode_proven(show(Gathered(entries, []), (), note, size, view.nodes(size)))


def _subjects(view: View) -> list[Address]:
    return [
        (kind, id_)
        for kind in _SUBJECTS
        for (id_,) in view.all("SELECT id FROM state WHERE type = ? ORDER BY id", kind)
    ]


def entries_about(source: Source, subjects: Collection[Address], size: int) -> dict[int, Logged]:
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
