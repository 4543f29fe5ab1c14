"""What a stored ledger tells of lots since an entry, to whoever has their holder's consent (`core.news`)."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from traceability.core import merkle
from traceability.core.ids import LotId
from traceability.core.news import News, Telling, encode
from traceability.core.record import Address
from traceability.core.trust_pack import belongs
from traceability.ledger import ancestry
from traceability.ledger.gather import Gathered, Logged, Source, show
from traceability.ledger.source import StoredSource
from traceability.ledger.trust_pack import entries_about
from traceability.ledger.view import View


def news(view: View, lots: Collection[LotId], since: int) -> bytes:
    """What was said of these lots, and of all that went into them, since the first `since` entries.

    Under the newest checkpoint. Raises LookupError where there is none, or none that reaches so far.
    """
    newest = view.checkpoint()
    if newest is None or newest[0] < since:
        raise LookupError(f"no checkpoint of {since} entries or more is published")
    size, note = newest
    source = StoredSource(view)
    behind = [("lot", lot) for lot in ancestry.back(view, lots).lots]
    told = _told(source, behind, since, size)
    entries = {entry.index: entry for entry in (*_bringing_keys(source, told, size), *told)}
    entries |= source.logged({0} - entries.keys())
    size, note = view.vouched(size, note, max(*entries, since - 1))
    findings = {found for each in source.findings(behind).values() for found in each}
    shown = show(
        Gathered([entries[index] for index in sorted(entries)], []), (), note, size, view.nodes(size)
    )
    return encode(
        News(
            shown,
            tuple(sorted(lots)),
            since,
            tuple(merkle.consistency_proof(since, size, view.nodes(size))),
            tuple((f.entry, f.value.decode()) for f in sorted(findings) if since <= f.entry < size),
        )
    )


def _told(source: Source, subjects: Collection[Address], since: int, size: int) -> list[Logged]:
    """The entries about these, of kinds that look back, from `since` on: back from the newest of each."""
    found: dict[int, Logged] = {}
    waiting: dict[int, set[Address]] = defaultdict(set)
    for address, place in source.places(subjects).items():
        waiting[place.last].add(address)
    while waiting := {index: about for index, about in waiting.items() if index >= since}:
        read = source.logged(waiting.keys() - found.keys())
        here, waiting = waiting, defaultdict(set)
        for index, addresses in here.items():
            entry = found[index] = found.get(index) or read[index]
            for address in addresses:
                waiting[entry.links[address]].add(address)
    return [entry for entry in found.values() if entry.index < size and isinstance(entry.event, Telling)]


def _bringing_keys(source: Source, told: Iterable[Logged], size: int) -> list[Logged]:
    """The entries that bring the keys of who signed these, and of who signed those."""
    found: dict[int, Logged] = {}
    known: set[Address] = set()
    waiting = list(told)
    while waiting:
        signers = {("key", entry.event.key) for entry in waiting} | {
            ("party", entry.event.party) for entry in waiting
        }
        about = entries_about(source, signers - known, size)
        known |= signers
        waiting = [entry for index, entry in about.items() if index not in found and belongs(entry.event)]
        found |= {entry.index: entry for entry in waiting}
    return list(found.values())
