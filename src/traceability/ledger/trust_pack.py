"""The trust pack of a stored ledger: the entries that say who is who, and what proves them (`core.trust_pack`).

Every entry about a subject goes in, also those that make nobody what he is: with less its line of the book would not
close. So there are reports, holds, licences, delegations and allocations in it, as they stand in the log, and nothing
of what they seal.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence

from traceability.core import evidence
from traceability.core.events import (
    Approval,
    Audit,
    Delegation,
    DelegationEnd,
    Incident,
    LogKey,
    Response,
)
from traceability.core.ids import RollId
from traceability.core.record import Address
from traceability.core.registry_records import Key, Roll
from traceability.core.tag import OUR_SCHEME
from traceability.core.trust_pack import belongs, signers, telling
from traceability.ledger.gather import Gathered, Logged, Source, Stated, lines_stated, show
from traceability.ledger.source import StoredSource
from traceability.ledger.view import View

_CHUNK = 10_000
PART_MAX = 1000
"""The most entries of a part: one that would have more does without what only closes the book's lines."""
_NO_STRANGERS = Audit | Incident | Response
"""What no stranger is told, besides what names lots: who reported or found what about whom."""


def trust_pack(view: View, stated: Stated | None) -> bytes:
    """The file, under the newest checkpoint. Raises LookupError where there is none."""
    size, note = _newest(view)
    gathered = gather_pack(StoredSource(view), _subjects(view), size, stated, attested=True)
    return _file(view, gathered, size, note)


def label_pack(view: View, stated: Stated | None, kid: str, roll: RollId) -> bytes:
    """The part of it that one label is checked by: the keys whose ids begin with these 16 hex digits, and a roll.

    With their parties, and with whoever gave those what they have, back to the genesis. Where that is more than
    PART_MAX entries (a registrar who revoked very many keys), or reports, audits or lots are among them, there is only
    what tells who is who, and it is not shown to be complete. Raises LookupError where there is no such key, or no checkpoint.
    """
    size, note = _newest(view)
    ids = view.all("SELECT id FROM state WHERE type = 'key' AND id >= ? AND id < ?", kid, f"{kid}g")
    keys = [each for each in view.records([("key", id_) for (id_,) in ids]).values() if isinstance(each, Key)]
    if not keys:
        raise LookupError("no key of this ledger has an id that begins so")
    known = view.record(("roll", roll))
    subjects: set[Address] = (
        {("roll", roll)} if isinstance(known, Roll) and known.scheme == OUR_SCHEME else set()
    )
    for key in keys:
        subjects |= {("key", key.id), ("party", key.party)}
    gathered = gather_pack(StoredSource(view), subjects, size, stated)
    withheld = any(each.lots or isinstance(each.event, _NO_STRANGERS) for each in gathered.entries)
    if withheld or len(gathered.entries) > PART_MAX:
        gathered = Gathered(_who_is_who(view, gathered.entries), [])
    return _file(view, gathered, size, note)


def _who_is_who(view: View, entries: Sequence[Logged]) -> list[Logged]:
    """Of these what is judged, as far as it stands: who used a number first need not be shown then."""
    told = telling(entries)
    outcomes = view.outcomes({entry.index: entry.event for entry in entries})
    return [
        entry
        for entry in entries
        if entry.index in told
        and outcomes[entry.index].stands
        and (belongs(entry.event) or isinstance(entry.event, Approval | Delegation | DelegationEnd))
    ]


def gather_pack(
    source: Source,
    subjects: Collection[Address],
    size: int,
    stated: Stated | None,
    *,
    attested: bool = False,
) -> Gathered:
    """Every entry about these in the first `size`, and about whose acts made them, back to the genesis.

    With what approved them, the log's keys, and the lines of the newest snapshot; `attested`: and who attested it.
    """
    policy = entries_about(source, [("policy", "policy")], size)
    taken = {index: entry for index, entry in policy.items() if isinstance(entry.event, LogKey)}
    if stated is not None and stated.index < size:
        snapshot = source.logged([stated.index])[stated.index]
        attesting = source.indexes(source.attestations(snapshot.event_id) if attested else ()).values()
        taken |= source.logged([stated.index, *(index for index in attesting if index < size)])
    else:
        stated = None
    asked: set[Address] = set()
    waiting = {*subjects}
    while waiting:
        asked |= waiting
        taken |= entries_about(source, waiting, size)
        told = telling(taken.values())
        approvals = source.approvals([taken[index].event_id for index in told])
        found = {index for index in source.indexes(approvals).values() if index < size}
        found.update(source.first_uses(told))
        taken |= source.logged(found - taken.keys())
        waiting = {each for index in told | found for each in signers(taken[index].event)} - asked
    entries = [taken[index] for index in sorted(taken)]
    if stated is None:
        return Gathered(entries, [])
    lines, noticed = lines_stated(source, taken, source.places(asked), stated)
    signing = {("key", taken[index].event.key) for index in told}
    findings = {each for address in signing for each in noticed.get(address, ())}
    return Gathered(entries, lines, stated, sorted(findings))


def _newest(view: View) -> tuple[int, bytes]:
    newest = view.checkpoint()
    if newest is None:
        raise LookupError("no checkpoint is published yet")
    return newest


def _file(view: View, gathered: Gathered, size: int, note: bytes) -> bytes:
    size, note = view.vouched(size, note, gathered.entries[-1].index)
    return evidence.encode_proven(show(gathered, (), note, size, view.nodes(size)))


def _subjects(view: View) -> list[Address]:
    """Every party and key, and every roll of our own tags."""
    found: list[Address] = [
        (kind, id_)
        for kind in ("party", "key")
        for (id_,) in view.all("SELECT id FROM state WHERE type = ? ORDER BY id", kind)
    ]
    rolls = [("roll", id_) for (id_,) in view.all("SELECT id FROM state WHERE type = 'roll' ORDER BY id")]
    for first in range(0, len(rolls), _CHUNK):
        records = view.records(rolls[first : first + _CHUNK])
        found += [a for a, roll in records.items() if isinstance(roll, Roll) and roll.scheme == OUR_SCHEME]
    return found


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
