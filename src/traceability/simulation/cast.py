"""Who is there: the genesis with its authorities, and the kinds of basins people belong to.

A *basin* is where one mineral is dug, traded and
worked up: an agent who tags, diggers at their sites, traders, and the house to which they deliver.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from traceability.core.leaf import time_text
from traceability.simulation import places
from traceability.simulation.chance import named_nonce
from traceability.simulation.digging import Site
from traceability.simulation.pen import FIELD, OFFICE, TOWN, Pen, Reach, World
from traceability.simulation.people import Party, enrol, key, new_key, party_id
from traceability.simulation.places import Place
from traceability.simulation.scales import BALANCE, BENCH, CARAT, PLATFORM, Make, Scale
from traceability.simulation.tagging import Shelf
from traceability.simulation.wares import (
    CASSITERITE,
    COBALT,
    COLTAN,
    DIAMOND,
    GOLD,
    TOURMALINE,
    WOLFRAMITE,
    Ware,
)

Importer = Party | tuple[str, Place]
Flow = Generator[int, None, None]
"""Something that goes on for a while: it yields for how many seconds it rests."""


class Office(NamedTuple):
    """An authority named by the genesis."""

    name: str
    says: str
    place: Place
    roles: tuple[str, ...]


OFFICES = (
    Office(
        "cf mines", "Direction des mines – Bangui", places.BANGUI, ("regulator", "registrar", "tag_issuer")
    ),
    Office("cd mines", "Service minier des Grands Lacs – Bukavu", places.BUKAVU, ("registrar", "tag_issuer")),
    Office("cd inspection", "Inspection minière – Bukavu", places.BUKAVU, ("inspectorate", "regulator")),
    Office(
        "rw mines",
        "Mines Registry – Kigali",
        places.KIGALI,
        ("inspectorate", "registrar", "regulator", "tag_issuer"),
    ),
    Office("certifier", "Bureau régional de certification", places.GOMA, ("certifier",)),
    Office("auditor", "Tazama Independent Audit", places.KIGALI, ("auditor",)),
)
REGISTRARS = {"CF": "cf mines", "CD": "cd mines", "RW": "rw mines"}
INSPECTORS = {"CF": "police", "CD": "cd inspection", "RW": "rw mines"}
REGULATORS = {"CF": "cf mines", "CD": "cd inspection", "RW": "rw mines"}


class Kind(NamedTuple):
    """A kind of basin."""

    name: str
    country: str
    ware: Ware
    shelf: str
    towns: str
    house_place: Place
    reach: Reach
    trader_make: Make
    house_make: Make
    houses: str
    """What firms that work the ore up are called there."""
    by_site: bool = False
    """Whether an agent is let act for every producer at a site, not for each of them."""


KINDS = (
    Kind(
        "kivu", "CD", CASSITERITE, "cd", "CD-SK", places.BUKAVU, FIELD, BENCH, PLATFORM,
        "Entité de traitement Lac Vert",
    ),
    Kind(
        "maniema", "CD", COLTAN, "itsci", "CD-MA", places.KINDU, FIELD, BENCH, PLATFORM,
        "Entité de traitement Lualaba",
    ),
    Kind("rulindo", "RW", COLTAN, "rmb", "RW", places.KIGALI, OFFICE, BENCH, PLATFORM, "Agaseke Minerals Ltd"),
    Kind("mambere", "CF", GOLD, "cf", "CF", places.BANGUI, FIELD, BALANCE, BALANCE, "Or des Savanes", by_site=True),
    Kind("sangha", "CF", DIAMOND, "cf", "CF", places.BANGUI, FIELD, CARAT, CARAT, "Pierres du Fleuve"),
)  # fmt: skip
"""Those there is one of from the beginning."""
BURERA = Kind(
    "burera", "RW", WOLFRAMITE, "rmb", "RW-W", places.KIGALI, OFFICE, BENCH, PLATFORM, "Urutare Trading Ltd"
)
"""Its bags are not opened: they go abroad as they came from the pit."""
LATER = (
    BURERA,
    Kind(
        "lualaba", "CD", COBALT, "cd", "CD-LU", places.KOLWEZI, TOWN, BENCH, PLATFORM,
        "Hydrométallurgie du Plateau",
    ),
    Kind("numbi", "CD", TOURMALINE, "cd", "CD-NK", places.GOMA, FIELD, CARAT, CARAT, "Gemmes du Kivu"),
    *KINDS,
    Kind(
        "ituri", "CD", GOLD._replace(currency="USD", cents=6_350), "cd", "CD-IT", places.BUNIA, FIELD,
        BALANCE, BALANCE, "Or de l'Ituri",
    ),
    Kind(
        "kasai", "CD", DIAMOND._replace(currency="USD", cents=12_800), "cd", "CD-KS", places.TSHIKAPA, FIELD,
        CARAT, CARAT, "Comptoir Kasaï Diamant",
    ),
)  # fmt: skip
"""Those that open later, in turn."""


@dataclass(slots=True, eq=False)
class Basin:
    """A place where one mineral is dug and traded."""

    name: str
    kind: Kind
    shelf: Shelf
    agent: Party
    house: Party
    """Who works the ore up: a plant, or a buying house."""
    exporter: Party
    container: int = 0
    """How many bags go into one container; 0 where the ore is worked up first."""
    sites: list[Site] = field(default_factory=list)
    sites_opened: int = 0
    traders: list[Party] = field(default_factory=list)

    @property
    def ware(self) -> Ware:
        """What is dug there."""
        return self.kind.ware


@dataclass(slots=True)
class Cast:
    """Everybody, by name."""

    world: World
    parties: dict[str, Party] = field(default_factory=dict)
    basins: list[Basin] = field(default_factory=list)
    shelves: dict[str, Shelf] = field(default_factory=dict)
    export_tags: dict[str, list[str]] = field(default_factory=dict)
    warehouses: dict[str, Party] = field(default_factory=dict)
    """Who keeps ore for others, by province."""
    renewals: list[tuple[int, int, Callable[[], Flow]]] = field(default_factory=list)
    """What is to be told again, with its time: licences, inspections, prices (`ground`)."""
    renewals_made: int = 0
    certificates: int = 0
    """How many certificates were issued."""
    entrusted: deque[tuple[int, Basin, Site]] = field(default_factory=deque)
    """When agents were last let sign for the diggers of a site, in that order."""
    importers: dict[str, list[Importer]] = field(default_factory=dict)
    """Who buys a mineral abroad: parties here, or firms that are none."""

    def __getitem__(self, name: str) -> Party:
        return self.parties[name]

    def basin(self, name: str) -> Basin:
        """The first basin of a kind."""
        return next(basin for basin in self.basins if basin.name == f"{name} 0")

    def registrar(self, country: str) -> Party:
        """The registrar of a country."""
        return self.parties[REGISTRARS[country]]

    def inspector(self, country: str) -> Party:
        """Who seizes in a country."""
        return self.parties[INSPECTORS[country]]

    def regulator(self, country: str) -> Party:
        """Who approves old stock in a country."""
        return self.parties[REGULATORS[country]]

    def enrol(
        self, name: str, says: str, place: Place, roles: tuple[str, ...], registrar: str = "", **more: Any
    ) -> Party:
        """Enrols somebody with the registrar of the place."""
        by = self.parties[registrar] if registrar else self.registrar(place.country)
        self.parties[name] = enrol(by, name, says, place, roles, **more)
        return self.parties[name]


def genesis(world: World, log_vkey: str, offices: Sequence[Office] = OFFICES) -> Cast:
    """The first event: the operator, the authorities, and that this is a demonstration."""
    seed = world.seed
    own = key(seed, "operator", "Ed25519")
    operator = party_id(seed, own, "operator")
    cast = Cast(world)
    authorities = []
    pens = {"operator": [Pen(world, operator, own, OFFICE)]}
    for office in offices:
        # A certificate is valid once a second officer approved it, with a key of his own.
        desks = (office.name, f"{office.name} 2") if "certifier" in office.roles else (office.name,)
        office_keys = [key(seed, desk, "Ed25519") for desk in desks]
        party = party_id(seed, own, office.name)
        pens[office.name] = [Pen(world, party, office_key, OFFICE) for office_key in office_keys]
        authorities.append(
            {
                "party": party,
                "nonce": named_nonce(seed, "party", office.name),
                "name": office.says,
                "country": office.place.country,
                "roles": list(office.roles),
                "keys": [new_key(office_key, world.log, party) for office_key in office_keys],
            }
        )
    body = {
        "name": "Registre des minerais – démonstration",
        "nonce": named_nonce(seed, "party", "operator"),
        "operator_name": "Bureau du registre – démonstration",
        "keys": [new_key(own, world.log, operator)],
        "authorities": authorities,
        "quorum": 2,
        "countries": ["CD", "CF", "RW"],
        "log_keys": [log_vkey],
        "demo": True,
        "policy": {
            "from": time_text(world.now)[:10],
            "bands": [],
            "thresholds": [],
            "refusals": [],
            "times": [],
        },
    }
    written = pens["operator"][0].write("genesis", body, signal=world.now)
    operator_office = Office("operator", "Bureau du registre – démonstration", places.GOMA, ("operator",))
    for office in (operator_office, *offices):
        desk = pens[office.name]
        scale = Scale(BENCH, world.chance, seed, office.name)
        party_ = Party(office.name, desk[0].party, office.says, office.place, scale, written, desk)
        cast.parties[office.name] = party_
    return cast
