"""Parties, lots, sites and papers as a few words with the page behind them, as far as one visitor may open it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from traceability.api import shown
from traceability.api.permission import OpenLot, OpenParty, Visitor, may
from traceability.api.problems import Problem
from traceability.api.services import Services
from traceability.core.ids import EventId, LotId, PartyId
from traceability.core.record import Address
from traceability.core.registry_records import Site
from traceability.ledger.reader import LoggedEntry
from traceability.web.eyes import role_of
from traceability.web.places import place
from traceability.web.shown import Mark, Who
from traceability.web.story import capital, who
from traceability.web.words import Words

SUBJECTS_MAX = 3


class Value(NamedTuple):
    """A few words, perhaps with the page behind them; `code` for what is copied rather than read."""

    text: str
    url: str = ""
    code: bool = False
    mark: Mark | Literal["green", "yellow", "blue", "red", "small"] | None = None
    """How it is known; a site's colour, beside its word; or `small` for what stands under something."""


Cells = list[list[Value]]
"""A line: what stands in each of its cells."""


def cells(*values: Value) -> Cells:
    """A line with one thing in each cell."""
    return [[value] for value in values]


class Table(NamedTuple):
    """Lines under headings."""

    title: str
    headings: list[str]
    rows: list[Cells]
    figures: Sequence[int] = ()
    """The columns of figures, which stand to the right."""
    lead: str = ""
    after: str = ""


class Links(NamedTuple):
    """What one visitor may open, in his language."""

    services: Services
    visitor: Visitor
    words: Words

    def party(self, party_id: PartyId | str, *, inside: bool = False) -> Value:
        """A party as far as this visitor may see it, with its page; `inside` a sentence it begins small."""
        record = self.services.reader.party(PartyId(party_id))
        if record is None:
            return Value(self.words("who.unnamed") if inside else capital(self.words("who.unnamed")))
        seen = may(self.visitor, OpenParty(record), self.services.reader.held_by)
        name = record.facts[-1].public_name or "" if seen else ""
        mine = record.id == self.visitor.party
        said = who(self.words, Who(role_of(record), name, you=mine))
        return Value(said if inside else capital(said), f"/parties/{record.id}" if seen else "")

    def about(self, subjects: Sequence[Address], most: int = SUBJECTS_MAX) -> list[Value]:
        """What something is about: a few links, and how many more."""
        found = [self.subject(kind, id_) for kind, id_ in subjects[:most]]
        more = len(subjects) - most
        return [*found, *([Value(f"+ {self.words.number(more)}")] if more > 0 else [])]

    def subject(self, kind: str, id_: str) -> Value:
        """One thing something is about."""
        words, reader = self.words, self.services.reader
        match kind:
            case "lot":
                lot = reader.lot(LotId(id_))
                if lot is None or not may(self.visitor, OpenLot(lot), reader.held_by):
                    return Value(words("subject.lot", id=id_[:8]))
                return Value(words("subject.lot", id=lot.lot_number or id_[:8]), f"/lots/{id_}")
            case "party":
                return self.party(id_)
            case "site":
                site = reader.record(("site", id_))
                name = site.facts[-1].name if isinstance(site, Site) else id_[:8]
                return Value(name, f"/sites/{id_}")
            case "region":
                return Value(place(id_, words.language))
            case "roll":
                return Value(words("subject.roll", id=id_[:8]), f"/rolls/{id_}")
            case "tag":
                return Value(id_, code=True)
            case "certificate" | "licence":
                return Value(words(f"subject.{kind}", id=id_[:8]), f"/events/{id_}")
            case _:
                return Value(words.code("subject", kind))

    def event(self, event_id: EventId, text: str) -> Value:
        """These words, with the page of the event where this visitor may open it."""
        return Value(text, f"/events/{event_id}" if self.entry(event_id) else "")

    def entry(self, event_id: EventId) -> LoggedEntry | None:
        """The entry of the event, where this visitor may open it."""
        try:
            return shown.event(self.services, self.visitor, event_id)
        except Problem:
            return None
