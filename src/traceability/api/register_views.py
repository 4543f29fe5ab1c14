"""What a party and a site are as JSON: what stands open of them, no persons and no coordinates."""

from collections.abc import Iterable
from typing import Any, Literal, Self

import msgspec

from traceability.api.views import Day, Hex, Id, View
from traceability.core.ground_facts import Colour, site_status
from traceability.core.ground_records import in_force
from traceability.core.policy import Policy
from traceability.core.registry_records import Key, Party, Site


class KeyView(View, frozen=True):
    """A key of a party."""

    key: Hex
    added_by: Hex
    expires: Day | None = None
    revoked: Literal["lost", "stolen", "left", "replaced", "compromised"] | None = None
    next_sequence: int | None = None
    """The number its next event may have; told to the key's own party."""

    @classmethod
    def of(cls, key: Key, next_sequence: int | None = None) -> Self:
        revoked: Any = key.revoked.reason if key.revoked else None
        return cls(
            key=key.id,
            added_by=key.added_by,
            expires=key.expires,
            revoked=revoked,
            next_sequence=next_sequence,
        )


class PartyView(View, frozen=True):
    """A party as the register has it; names of persons are not in it."""

    party: Id
    type: str
    roles: list[str]
    country: str
    since: Day
    enrolled_by: Hex
    provisional: bool = False
    region: str | None = None
    public_name: str | None = None
    part_of: Id | None = None
    members: int | None = None
    keys: list[KeyView] = msgspec.field(default_factory=list)

    @classmethod
    def of(cls, party: Party, keys: Iterable[KeyView] = ()) -> Self:
        facts = party.facts[-1]
        return cls(
            party=party.id,
            type=facts.type,
            roles=list(party.roles),
            country=facts.country,
            since=facts.since,
            enrolled_by=party.enrolled_by,
            provisional=party.provisional,
            region=facts.region,
            public_name=facts.public_name,
            part_of=facts.part_of,
            members=facts.members,
            keys=list(keys),
        )


class PartyList(View, frozen=True):
    """Parties the reader may see."""

    parties: list[PartyView]
    next: str | None = None


class SiteView(View, frozen=True):
    """A registered site, without its sealed fields: no coordinates."""

    site: Id
    type: str
    name: str
    country: str
    region: str
    minerals: list[str]
    mining_method: str
    activity: str
    holder: Id
    since: Day
    worked_by: list[Id] = msgspec.field(default_factory=list)
    status: Colour | None = None
    """Its colour today; absent where none is recorded."""
    status_since: Day | None = None
    suspended: bool = False
    """Whether an inspector has stopped work there as of today."""

    @classmethod
    def of(cls, site: Site, today: str, policy: Policy | None) -> Self:
        facts, standing = site.facts[-1], site_status(site, today, policy)
        return cls(
            site=site.id,
            status=standing.status,
            status_since=standing.since,
            suspended=bool(in_force(site.suspensions, today)),
            type=facts.type,
            name=facts.name,
            country=facts.country,
            region=facts.region,
            minerals=list(facts.minerals),
            mining_method=facts.mining_method,
            activity=facts.activity,
            holder=facts.holder,
            since=facts.since,
            worked_by=list(facts.worked_by),
        )


class SiteList(View, frozen=True):
    """Registered sites."""

    sites: list[SiteView]
    next: str | None = None
