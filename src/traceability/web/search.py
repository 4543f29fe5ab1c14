"""One box for everything: what somebody typed, and the page that it means.

Tried in this order: a tag's address or code, a tag of another scheme, an event id, an id of a party, site or
lot, the number of an entry, the printed number of a tag without its scheme, the number on the papers of a lot
of one's own, and the public name of a party or a site. A lot or event that is not for this visitor is not
found, like one that is not there.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple, TypeVar
from urllib.parse import quote, unquote

from traceability.api import shown as entries
from traceability.api.permission import ListParty, OpenLot, OpenParty, Visitor, may
from traceability.api.problems import Problem
from traceability.api.services import Services
from traceability.core import tag
from traceability.core.errors import Malformed
from traceability.core.ids import HEX_PATTERN, ID_PATTERN, EventId, LotId, PartyId, SiteId
from traceability.core.registry_records import Party, Site
from traceability.ledger import lists

_R = TypeVar("_R")
TYPED_MAX = 300
NAMES_MAX = 20
_READ_MAX = 10_000
"""How many parties, and how many sites, are looked through for a name."""
_OWN_MAX = 2000
"""How many of one's own lots are looked through for a number on papers: the newest."""
_SCHEMES = ("rmb", "itsci", "seal")
"""Schemes whose numbers people type without naming the scheme."""
_CODE = re.compile(r"/t/([^/?#\s]+)")
_ENTRY = re.compile(r"#?(0|[1-9][0-9]{0,14})")


class Named(NamedTuple):
    """A party, site or lot that is called what was typed."""

    name: str
    url: str


class Found(NamedTuple):
    """Where to go, or several to choose from, or (neither) why nothing was found."""

    url: str = ""
    named: tuple[Named, ...] = ()
    advice: str = ""
    """What to look at again, where that can be said."""
    no_tag: bool = False
    """It was a code, and no tag has it."""


def search(services: Services, visitor: Visitor, typed: str) -> Found:
    """What was typed, found."""
    typed = typed.strip()[:TYPED_MAX]
    address = _CODE.search(typed)
    if address is not None:
        typed = unquote(address[1])
    if not typed:
        return Found()
    url = _by_id(services, visitor, typed) or _by_tag(services, visitor, typed)
    if url:
        return Found(url)
    named = tuple(_by_papers(services, visitor, typed) or _by_name(services, visitor, typed))
    if len(named) == 1:
        return Found(named[0].url)
    return Found(named=named, advice="" if named else _advice(typed), no_tag=_is_code(typed))


def _is_code(typed: str) -> bool:
    try:
        tag.normalise(typed)
    except Malformed:
        return False
    return True


def _by_tag(services: Services, visitor: Visitor, typed: str) -> str:
    try:
        code = tag.normalise(typed)
    except Malformed:
        pass
    else:
        return f"/t/{code}" if services.reader.tag_of_code(code) else ""
    if ":" in typed:
        return _foreign(services, visitor, typed)
    return next((url for scheme in _SCHEMES if (url := _foreign(services, visitor, f"{scheme}:{typed}"))), "")


def _foreign(services: Services, visitor: Visitor, name: str) -> str:
    try:
        scheme, _ = tag.parse_tag(name)
    except Malformed:
        return ""
    record = services.reader.tag(name)
    if record is None:
        return ""
    if scheme != tag.OUR_SCHEME:
        return f"/t/{quote(name, safe=':')}"
    return next((url for lot in record.on if (url := _lot(services, visitor, lot))), "")


def _by_id(services: Services, visitor: Visitor, typed: str) -> str:
    plain = typed.lower()
    if re.fullmatch(HEX_PATTERN, plain):
        return _event(services, visitor, EventId(plain))
    if re.fullmatch(ID_PATTERN, plain):
        party = services.reader.party(PartyId(plain))
        if party is not None and may(visitor, OpenParty(party), services.reader.held_by):
            return f"/parties/{plain}"
        if services.reader.site(SiteId(plain)) is not None:
            return f"/sites/{plain}"
        return _lot(services, visitor, LotId(plain))
    number = _ENTRY.fullmatch(typed)
    if number is not None:
        entry = services.reader.entry(int(number[1]))
        return _event(services, visitor, entry.event_id) if entry is not None else ""
    return ""


def _event(services: Services, visitor: Visitor, event: EventId) -> str:
    try:
        entries.event(services, visitor, event)
    except Problem:
        return ""
    return f"/events/{event}"


def _lot(services: Services, visitor: Visitor, lot_id: LotId) -> str:
    lot = services.reader.lot(lot_id)
    if lot is None or not may(visitor, OpenLot(lot), services.reader.held_by):
        return ""
    return f"/lots/{lot_id}"


def _by_papers(services: Services, visitor: Visitor, typed: str) -> list[Named]:
    """The visitor's own lots with this number on their papers, among the newest that it holds or held.

    For who oversees, among the newest of all.
    """
    if visitor.party is None:
        return []
    wanted = _plain(typed)
    own = services.reader.lots(holder=None if visitor.oversees else visitor.party, limit=_OWN_MAX).items
    return [
        Named(f"{lot.lot_number} · {lot.id[:8]}", f"/lots/{lot.id}")
        for lot in own
        if lot.lot_number and _plain(lot.lot_number) == wanted and _lot(services, visitor, lot.id)
    ][:NAMES_MAX]


def _by_name(services: Services, visitor: Visitor, typed: str) -> list[Named]:
    """Parties and sites whose public name holds these letters, the shortest names first."""
    wanted = _plain(typed)
    if len(wanted) < 2:
        return []
    found = []
    for party in _all(services, "party", Party):
        name = party.facts[-1].public_name
        if name is None or wanted not in _plain(name):
            continue
        if may(visitor, ListParty(party), services.reader.held_by):
            found.append(Named(name, f"/parties/{party.id}"))
    found += [
        Named(site.facts[-1].name, f"/sites/{site.id}")
        for site in _all(services, "site", Site)
        if wanted in _plain(site.facts[-1].name)
    ]
    return sorted(found, key=lambda each: (len(each.name), each.name))[:NAMES_MAX]


def _all(services: Services, kind: str, record: type[_R]) -> Iterator[_R]:
    cursor, read = None, 0
    while read < _READ_MAX:
        with services.reads.read() as view:
            some = lists.records(view, kind, record, cursor, 1000)
        yield from some.items
        cursor, read = some.next, read + len(some.items)
        if cursor is None:
            return


def _plain(name: str) -> str:
    """Letters without case and accents: what people type on a phone."""
    parts = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _advice(typed: str) -> str:
    """What was typed, as printed on a tag, where it nearly is a code."""
    letters = re.sub(r"[\s-]", "", typed).upper()
    nearly = re.fullmatch(r"[0-9A-Z]{12,14}", letters) and re.search(r"[0-9]", letters)
    return tag.printed(letters) if nearly else ""
