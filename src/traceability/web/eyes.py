"""Whose eyes: what one visitor may be told of parties, places and moments.

Everything here comes from one decision (`api.permission.may`); these are the ways a page asks it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from traceability.api.permission import Held, OpenEvent, OpenParty, Visitor, may
from traceability.core.events import Event
from traceability.core.ids import EventId, PartyId, SiteId
from traceability.core.lot_records import Lot
from traceability.core.registry_records import Party, Site
from traceability.web.shown import Place, Who, shortened

_ROLES = (
    "operator", "registrar", "inspectorate", "tag_issuer", "certifier", "regulator", "auditor", "monitor",
    "laboratory", "tag_agent", "exporter", "importer", "processor", "trader", "warehouse", "transporter", "miner",
)  # fmt: skip
_FITTING: Mapping[str, tuple[str, ...]] = {
    "production": ("miner", "tag_agent"),
    "export": ("exporter",),
    "import": ("importer",),
    "transformation": ("processor", "trader", "exporter"),
    "retagging": ("tag_agent",),
    "inspection": ("laboratory", "inspectorate"),
    "carriage": ("transporter",),
    "storage": ("warehouse",),
    "processing": ("processor",),
}
"""The role in which somebody does a thing, where he has several."""


_ASKED_MAX = 20
"""By how many of its lots a visitor is tried on an event; a thousand bags need not be asked one by one."""


class Eyes(NamedTuple):
    """One visitor, and whether the lot in question is open to him (by session), or only its tag's story."""

    visitor: Visitor
    held: Held
    parties: Mapping[PartyId, Party]
    sites: Mapping[SiteId, Site]
    opened: bool

    def who(self, party: PartyId, doing: str = "") -> Who:
        """A party as far as this visitor may know it."""
        record = self.parties.get(party)
        if record is None:
            return Who("")
        seen = may(self.visitor, OpenParty(record), self.held)
        facts = record.facts[-1]
        name = shortened(facts.public_name or "") if seen else ""
        you = self.opened and party == self.visitor.party
        return Who(role_of(record, doing), name, party if seen and (self.opened or name) else "", you)

    def place(self, site: SiteId | None, region: str, whence: str | None) -> Place:
        """Where ore came in: by site for those who may open the lot, by region for who holds its tag."""
        if whence is not None:
            return Place("intake", whence)
        record = self.sites.get(site) if site is not None else None
        if record is None:
            return Place("no_site", region, region=region)
        facts = record.facts[-1]
        if self.opened:
            return Place("site", record.id, shortened(facts.name), facts.region)
        return Place("region", facts.region, region=facts.region)

    def event(self, event_id: EventId, event: Event, lots: Sequence[Lot]) -> str:
        """The id of an event, where this visitor may open its page; empty else. `lots`: some it is about."""
        if not self.opened:
            return ""
        return event_id if may(self.visitor, OpenEvent(event, tuple(lots[:_ASKED_MAX])), self.held) else ""

    def moments(self, event: Event, record_time: str) -> tuple[str, str] | None:
        """Hour and minute, for those who may open the lot."""
        return (event.event_time, record_time) if self.opened else None


def role_of(party: Party, doing: str = "") -> str:
    """The one word for a party: the role it does this in, else what it is, else its first role."""
    roles = set(party.roles)
    type_ = party.facts[-1].type
    for role in _FITTING.get(doing, ()):
        if role in roles and not (role == "miner" and type_ in ("cooperative", "team")):
            return role
    if type_ in ("cooperative", "team"):
        return type_
    return next((role for role in _ROLES if role in roles), "")
