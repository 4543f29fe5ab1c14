"""People: parties with their keys, who signs for them, and how they are enrolled.

Ids and keys follow from the seed and a name (`named`), so they can be told without running the season.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from traceability.core.ids import EventId, PartyId, derive, to_unpadded
from traceability.core.leaf import time_text
from traceability.core.signing import Algorithm, SigningKey
from traceability.simulation import names
from traceability.simulation.chance import named, named_nonce
from traceability.simulation.pen import OFFICE, Lot, Pen, Reach, World, Written
from traceability.simulation.places import Place
from traceability.simulation.scales import BENCH, Make, Scale
from traceability.simulation.signatures import SteadyKey


@dataclass(slots=True, eq=False)
class Party:
    """Somebody who trades, or answers for part of the registry."""

    name: str
    """What the season calls it: its key and id follow from this."""
    id: PartyId
    says: str
    """What it calls itself."""
    place: Place
    scale: Scale
    enrolment: Written
    pens: list[Pen] = field(default_factory=list)
    agent: Pen | None = None
    """Who signs for it, where it has no key of its own."""
    delegation: EventId | None = None
    stock: defaultdict[str, list[Lot]] = field(default_factory=lambda: defaultdict(list))
    """The lots it has in hand, by mineral and form."""

    @property
    def pen(self) -> Pen:
        """The pen that signs for it."""
        return self.agent or self.pens[0]

    @property
    def world(self) -> World:
        return self.pen.world

    def write(self, kind: str, body: Mapping[str, Any], pen: Pen | None = None, **more: Any) -> Written:
        """Writes an event as this party's act, by its own pen or by its agent's (`Pen.write`)."""
        pen = pen or self.pen
        if pen.party != self.id:
            body = {**body, "acting_for": self.id, "delegation": self.delegation}
        return pen.write(kind, body, **more)


def key(seed: int, name: str, algorithm: Algorithm = "ES256") -> SigningKey:
    """The key of that name."""
    return SteadyKey.from_seed(named(seed, "key", name), algorithm)


def party_id(seed: int, by: SigningKey, name: str) -> PartyId:
    """The id of the party of that name, enrolled with that key."""
    return PartyId(derive("party", by.id, named_nonce(seed, "party", name)))


def new_key(signing_key: SigningKey, log: str, party: PartyId) -> dict[str, str]:
    """A key that joins a party, with its proof of possession."""
    proof = signing_key.prove_possession(log, party)
    return {"proof": to_unpadded(proof), "public_key": to_unpadded(signing_key.public.spki)}


def enrol(
    registrar: Party,
    name: str,
    says: str,
    place: Place,
    roles: Sequence[str],
    *,
    kind: str = "company",
    reach: Reach | None = OFFICE,
    make: Make = BENCH,
    public: bool = False,
    agent: Pen | None = None,
    **more: Any,
) -> Party:
    """Enrols a party. With a `reach` it has a key of its own; else it needs an agent (`delegate`).

    `agent` enrols it provisionally instead of the registrar; `more` goes into the body.
    """
    pen = agent or registrar.pen
    world, chance = pen.world, pen.world.chance
    seed = world.seed
    id_ = party_id(seed, pen.key, name)
    sealed: dict[str, Any] = {
        "/entity": names.entity(chance, says, place.address(), kind),
    }
    body: dict[str, Any] = {
        "party": id_,
        "nonce": named_nonce(seed, "party", name),
        "type": kind,
        "roles": sorted(roles),
        "country": place.country,
        "region": place.region,
        "from": time_text(world.now)[:10],
        **more,
    }
    if public:
        body["public_name"] = says
    if "miner" in roles:
        sealed["/card_number"] = f"{place.country}-{chance.randint(10_000_000, 99_999_999)}"
    own = None
    if reach is not None:
        own = key(seed, name)
        body["keys"] = [new_key(own, world.log, id_)]
        sealed["/keys/0/holder"] = names.person(chance, place.country)
    if agent is not None:
        body["provisional"] = True
    enrolment = pen.write("enrolment", body, sealed=sealed)
    party = Party(name, id_, says, place, Scale(make, chance, seed, name), enrolment)
    if own is not None and reach is not None:
        party.pens.append(Pen(world, id_, own, reach))
        party.pen.wait(enrolment.recorded)
    return party


def delegate(
    registrar: Party,
    agent: Party,
    kinds: Sequence[str],
    until: str,
    *,
    to: Party | None = None,
    site: str = "",
) -> Written:
    """Lets the agent act for a party, or for every producer at a site; signed by the registrar.

    Whoever is acted for gets `agent` and `delegation` from the caller, once the log has it.
    """
    whom: dict[str, Any] = {"site": site} if to is None else {"principal": to.id}
    world = registrar.world
    body = {
        "agent": agent.id,
        "kinds": list(kinds),
        "from": time_text(world.now)[:10],
        "until": until,
        "consent": paper(world, "thumbprint"),
        **whom,
    }
    return registrar.write("delegation", body)


def paper(world: World, shows: str, media_type: str = "image/webp") -> dict[str, Any]:
    """A picture of a paper, kept elsewhere and named by its hash."""
    return {
        "sha256": world.chance.randbytes(32).hex(),
        "media_type": media_type,
        "bytes": world.chance.randint(18_000, 90_000),
        "shows": shows,
    }
