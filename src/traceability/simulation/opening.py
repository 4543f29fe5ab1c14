"""How the people of a season come to be known: enrolments, sites, delegations and tags.

Five basins open at the beginning, with the few people all of them need; in a long season more of the same
kinds open later.
"""

from collections.abc import Generator
from typing import Any

from traceability.core.ids import SiteId, derive
from traceability.core.leaf import time_text
from traceability.simulation import names, places
from traceability.simulation.cast import KINDS, Basin, Cast, Flow, Kind
from traceability.simulation.chance import named_nonce
from traceability.simulation.digging import TAGS_A_SITE, Site
from traceability.simulation.pen import DAY, FIELD, TOWN
from traceability.simulation.people import Party, delegate
from traceability.simulation.places import Place
from traceability.simulation.scales import CARAT, PLATFORM, Scale
from traceability.simulation.tagging import Shelf

DELEGATED = ("acceptance", "production", "refusal", "retagging", "transfer", "withdrawal")
BASINS_AN_EXPORTER = 8
FIRST_SITES = {"kivu": 2, "maniema": 1, "rulindo": 2, "mambere": 1, "sangha": 1}
FIRST_TRADERS = {"kivu": 2}
SITES = 4
"""How many sites a basin has that opens later."""
EVENTS_A_BASIN = 7 + 5 * SITES
"""About how many events it takes to open one."""
_MINUTE = 60


def open_ledger(cast: Cast) -> Flow:
    """Everybody who is there from the beginning. Takes some days."""
    for name, issuer, scheme, level, prefix in (
        ("cd", "cd mines", "t", "any", ""),
        ("cf", "cf mines", "t", "any", ""),
        ("itsci", "cd mines", "itsci", "mine", ""),
        ("rmb", "rw mines", "rmb", "mine", "RW"),
        ("rw", "rw mines", "t", "export", ""),
    ):
        cast.shelves[name] = Shelf(cast[issuer], f"roll {name}", scheme, level, prefix)
    yield from _shared(cast)
    for kind in KINDS:
        yield from open_basin(cast, kind, 0)


def _shared(cast: Cast) -> Flow:
    """Those all basins need: a laboratory, a haulier, a warehouse, the police, buyers abroad."""
    cast.enrol(
        "laboratory",
        "Laboratoire Analytica Kivu",
        places.BUKAVU,
        ("laboratory",),
        kind="laboratory",
        public=True,
    )
    yield 20 * _MINUTE
    cast.enrol("haulier", "Trans Rusizi Express", places.BUKAVU, ("transporter",), reach=TOWN, public=True)
    yield 25 * _MINUTE
    cast.enrol("warehouse", "Magasins du Lac", places.GOMA, ("warehouse",), make=PLATFORM, reach=TOWN)
    yield 40 * _MINUTE
    cast.enrol(
        "police",
        "Police des mines – Berbérati",
        places.BERBERATI,
        ("monitor",),
        kind="authority",
        public=True,
        reach=TOWN,
    )
    yield 15 * _MINUTE
    smelter = cast.enrol(
        "smelter",
        "Selat Tin Smelting Sdn. Bhd.",
        places.BUTTERWORTH,
        ("importer",),
        "rw mines",
        make=PLATFORM,
        public=True,
    )
    yield 35 * _MINUTE
    diamonds = cast.enrol(
        "diamond importer",
        "Scheldekade Ruwe Stenen BV",
        places.ANTWERP,
        ("importer",),
        "cf mines",
        make=CARAT,
        public=True,
    )
    cast.importers = {
        "cassiterite": [smelter],
        "coltan": [("Nordharz Tantal GmbH", places.GOSLAR)],
        "gold": [("Wadi Noor Refining FZE", places.DUBAI)],
        "diamond": [diamonds],
    }
    yield 55 * _MINUTE


def open_basin(cast: Cast, kind: Kind, number: int) -> Flow:
    """A basin with its agent, its house, its traders and its sites."""
    chance = cast.world.chance
    prefix = f"{kind.name} {number}"
    towns = places.TOWNS[kind.towns]
    town = towns[number % len(towns)]
    says = {"CD": "Équipe d'étiquetage", "CF": "Agents de la brigade minière", "RW": "Tagging team"}
    agent = cast.enrol(
        f"{prefix} agent",
        f"{says[kind.country]} – {town.locality}",
        town,
        ("tag_agent",),
        kind="organisation",
        reach=kind.reach,
    )
    yield chance.randint(10, 50) * _MINUTE
    house, exporter = yield from _houses(cast, kind, number)
    basin = Basin(prefix, kind.ware, cast.shelves[kind.shelf], agent, house, exporter)
    for place in range(FIRST_TRADERS.get(kind.name, 1)):
        local = kind.country == "CF"
        says_trader = f"{'Collecteur' if local else 'Comptoir'} {town.locality} n° {number + place + 1}"
        trader = cast.enrol(
            f"{prefix} trader {place}",
            says_trader,
            town,
            ("trader",),
            kind="person" if local else "company",
            reach=FIELD if local else TOWN,
            make=kind.trader_make,
        )
        basin.traders.append(trader)
        yield chance.randint(10, 50) * _MINUTE
    for place in range(SITES if number else FIRST_SITES[kind.name]):
        yield from _open_site(cast, kind, basin, number, place, towns[(number + place) % len(towns)])
    cast.basins.append(basin)


def _houses(cast: Cast, kind: Kind, number: int) -> Generator[int, None, tuple[Party, Party]]:
    """Who works the ore up and who exports it: two firms in the Congo, elsewhere one."""
    prefix, place = f"{kind.name} {number}", kind.house_place
    if kind.country != "CD":
        says = {"rulindo": "Agaseke Minerals Ltd", "mambere": "Or des Savanes", "sangha": "Pierres du Fleuve"}
        house = cast.enrol(
            f"{prefix} house",
            f"{says[kind.name]} {number + 1}",
            place,
            ("exporter", "processor"),
            make=kind.house_make,
            public=number == 0,
        )
        yield from _export_tags(cast, house)
        return house, house
    if kind.name == "maniema" and number == 0:
        return cast["kivu 0 house"], cast["CD exporter 0"]
    house = cast.enrol(
        f"{prefix} house",
        f"Entité de traitement Lac Vert {number + 1}",
        place,
        ("processor",),
        make=kind.house_make,
        public=number == 0,
    )
    yield 30 * _MINUTE
    name = f"CD exporter {number // BASINS_AN_EXPORTER}"
    if name not in cast.parties:
        exporter = cast.enrol(
            name,
            f"Comptoir Rive Ouest {number + 1}",
            places.BUKAVU,
            ("exporter",),
            make=PLATFORM,
            public=number == 0,
        )
        yield from _export_tags(cast, exporter)
    return house, cast[name]


def _export_tags(cast: Cast, exporter: Party) -> Flow:
    yield 30 * _MINUTE
    shelf = cast.shelves[exporter.place.country.lower()]
    cast.export_tags[exporter.name] = shelf.allocate(exporter, TAGS_A_SITE)
    yield 10 * _MINUTE


def _open_site(cast: Cast, kind: Kind, basin: Basin, number: int, place: int, town: Place) -> Flow:
    chance, country = cast.world.chance, kind.country
    which = number * SITES + place + KINDS.index(kind)
    name = f"{basin.name} diggers {place}"
    holder = registrar = cast.registrar(country)
    own_key = country == "RW" and place % 2 == 0
    if kind.name != "sangha":
        holder = cast.enrol(
            name,
            names.cooperative(country, which, town.locality),
            town,
            ("miner",),
            kind="cooperative",
            reach=TOWN if own_key else None,
            public=chance.one_in(3) or number == 0,
            members=chance.randint(12, 140),
            make=kind.ware.at_pit,
        )
        yield chance.randint(15, 60) * _MINUTE
    site = _register(basin, registrar, names.site(country, which), name, town, holder)
    basin.sites.append(site)
    yield chance.randint(15, 60) * _MINUTE
    agent = basin.agent
    if not own_key and kind.name != "sangha":
        until = time_text(cast.world.now + 300 * DAY)[:10]
        if kind.name == "mambere":
            written = delegate(registrar, agent, DELEGATED, until, site=site.id)
            holder.agent, holder.delegation = agent.pen, written.id
        else:
            delegate(registrar, agent, DELEGATED, until, to=holder)
        yield chance.randint(5, 30) * _MINUTE
    site.fetch_tags()
    yield chance.randint(5, 30) * _MINUTE


def _register(basin: Basin, registrar: Party, says: str, name: str, town: Place, holder: Party) -> Site:
    """Registers a site (a zone for diamonds) near a town."""
    world, chance, ware = registrar.world, registrar.world.chance, basin.ware
    seed = world.seed
    id_ = SiteId(derive("site", registrar.pen.key.id, named_nonce(seed, "site", name)))
    zone = ware.mineral == "diamond"
    position = town.near(chance, "map")
    body: dict[str, Any] = {
        "site": id_,
        "nonce": named_nonce(seed, "site", name),
        "type": "zone" if zone else "site",
        "name": says,
        "country": town.country,
        "region": town.region,
        "locality": town.address(),
        "national_id": f"{town.country}-{town.region[3:]}-{chance.randint(1, 999):03d}",
        "minerals": [ware.mineral],
        "mining_method": "artisanal",
        "activity": "active",
        "holder": holder.id,
        "from": time_text(world.now)[:10],
    }
    if ware.analyte:
        usual = (ware.raw_ppm.low + ware.raw_ppm.high) // 2000 * 1000
        body["usual_assays"] = [
            {"analyte": ware.analyte, "ppm": usual, "on": "as_is", "method": "site_usual"}
        ]
    sealed = {"/position": position, "/altitude_m": chance.randint(400, 2200)}
    registrar.write("site_registration", body, sealed=sealed)
    scale = Scale(ware.at_pit, chance, seed, f"{name} site")
    return Site(id_, says, town, ware, holder, scale, basin.agent, basin.shelf)
