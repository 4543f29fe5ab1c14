"""How the people of a season come to be known: enrolments, sites, delegations and tags.

Five basins open at the beginning, with the few people all of them need; in a longer season more open later,
and new traders and diggers come to those that are there.
"""

from collections.abc import Generator, Sequence
from typing import Any

from traceability.core.ids import SiteId, derive
from traceability.core.leaf import time_text
from traceability.simulation import ground, names, places
from traceability.simulation.cast import BURERA, KINDS, Basin, Cast, Flow, Kind
from traceability.simulation.chance import named, named_nonce
from traceability.simulation.delegating import entrust
from traceability.simulation.digging import TAGS_A_SITE, Site
from traceability.simulation.pen import FIELD, TOWN
from traceability.simulation.people import Party
from traceability.simulation.places import Place
from traceability.simulation.scales import CARAT, PLATFORM, Scale
from traceability.simulation.tagging import Shelf

BASINS_AN_EXPORTER = 8
FIRST_SITES = {"kivu": 2, "maniema": 1, "rulindo": 2, "mambere": 1, "sangha": 1}
FIRST_TRADERS = {"kivu": 2, "maniema": 1, "rulindo": 1, "mambere": 1, "sangha": 1}
SITES = 4
"""How many sites a basin has that opens later."""
TRADERS = 2
EVENTS_A_SITE = 8
EVENTS_A_BASIN = 9 + 2 * TRADERS + EVENTS_A_SITE * SITES
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
    yield from ground.lay(cast)
    for kind in KINDS:
        yield from open_basin(cast, kind, 0, sites=FIRST_SITES[kind.name], traders=FIRST_TRADERS[kind.name])


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
    ground.license_carrier(cast, cast["haulier"])
    warehouse = cast.enrol(
        "warehouse", "Magasins du Lac", places.GOMA, ("warehouse",), make=PLATFORM, reach=TOWN
    )
    cast.warehouses = dict.fromkeys(("CD-SK", "CD-NK"), warehouse)
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
        "wolframite": [("Donau Wolfram GmbH", places.LINZ)],
        "cobalt": [("Perämeren Koboltti Oy", places.KOKKOLA)],
        "gold": [("Wadi Noor Refining FZE", places.DUBAI)],
        "diamond": [diamonds],
        "tourmaline": [("Nahetal Edelsteine GmbH", places.IDAR)],
    }
    yield 55 * _MINUTE


def open_basin(
    cast: Cast, kind: Kind, number: int, *, sites: int = SITES, traders: int = TRADERS, container: int = 0
) -> Flow:
    """A basin with its agent, its house, its traders and its sites.

    `container` is how many bags go into one, where they go abroad as they are.
    """
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
    basin = Basin(prefix, kind, cast.shelves[kind.shelf], agent, house, exporter, container)
    for place in range(traders):
        open_trader(cast, basin, towns[(number + place) % len(towns)])
        yield chance.randint(10, 50) * _MINUTE
    for place in range(sites):
        yield from open_site(cast, basin, towns[(number + place) % len(towns)])
    cast.basins.append(basin)


def _houses(cast: Cast, kind: Kind, number: int) -> Generator[int, None, tuple[Party, Party]]:
    """Who works the ore up and who exports it: two firms in the Kivus and Maniema, elsewhere one."""
    prefix, place = f"{kind.name} {number}", kind.house_place
    if kind.name == "maniema" and number == 0:
        return cast["kivu 0 house"], cast["CD exporter 0"]
    shared = kind.name in ("kivu", "maniema")
    says = f"{kind.houses} {number + 1}"
    roles = ("processor",) if shared else ("exporter", "processor")
    house = cast.enrol(f"{prefix} house", says, place, roles, make=kind.house_make, public=number == 0)
    minerals = ("cassiterite", "coltan") if shared else (kind.ware.mineral,)
    ground.license_house(cast, house, ("processing",) if shared else ("processing", "export"), minerals)
    if not shared:
        yield from _export_tags(cast, house)
        if kind.ware.bagged and place.region not in cast.warehouses:
            says = f"{place.locality} Bonded Stores"
            store = cast.enrol(
                f"{prefix} warehouse", says, place, ("warehouse",), make=PLATFORM, reach=TOWN, public=True
            )
            cast.warehouses[place.region] = store
            yield 20 * _MINUTE
        return house, house
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
        ground.license_house(cast, exporter, ("export",), minerals)
        yield from _export_tags(cast, exporter)
    return house, cast[name]


def _export_tags(cast: Cast, exporter: Party) -> Flow:
    yield 30 * _MINUTE
    shelf = cast.shelves[exporter.place.country.lower()]
    cast.export_tags[exporter.name] = shelf.allocate(exporter, TAGS_A_SITE)
    yield 10 * _MINUTE


def open_trader(cast: Cast, basin: Basin, town: Place) -> None:
    """One more trader in a basin; collectors are single people and sign where they buy."""
    kind, place = basin.kind, len(basin.traders)
    single = kind.country == "CF" or kind.ware.stones
    number = int(basin.name.rpartition(" ")[2])
    trader = cast.enrol(
        f"{basin.name} trader {place}",
        f"{'Collecteur' if single else 'Comptoir'} {town.locality} n° {number + place + 1}",
        town,
        ("trader",),
        kind="person" if single else "company",
        reach=FIELD if single else TOWN,
        make=kind.trader_make,
    )
    ground.license_trader(cast, basin, trader)
    basin.traders.append(trader)


def open_site(cast: Cast, basin: Basin, town: Place) -> Flow:
    """One more site in a basin: its diggers, the site itself, who signs for them, and tags."""
    chance, kind, agent, place = cast.world.chance, basin.kind, basin.agent, basin.sites_opened
    basin.sites_opened += 1
    country, stones = kind.country, kind.ware.stones
    number = int(basin.name.rpartition(" ")[2])
    which = number * SITES + place + (KINDS.index(kind) if kind in KINDS else len(KINDS))
    name = f"{basin.name} diggers {place}"
    holder = registrar = cast.registrar(country)
    own_key = country == "RW" and place % 2 == 0
    licences: list[str] = []
    if not stones:
        holder = cast.enrol(
            name,
            names.cooperative(country, which, town.locality),
            town,
            ("miner",),
            kind="cooperative",
            reach=TOWN if own_key else None,
            public=chance.one_in(3) or number == 0,
            members=chance.randint(30, 140),
            make=kind.ware.at_pit,
        )
        yield chance.randint(15, 60) * _MINUTE
        licences = [ground.permit(cast, holder, kind.ware, town).id]
    site = _register(basin, registrar, names.site(country, which), name, town, holder, licences)
    yield chance.randint(15, 60) * _MINUTE
    if not own_key and not stones:
        written = entrust(cast, basin, site)
        holder.agent, holder.delegation = agent.pen, written.id
        agent.pen.wait(written.recorded)
        yield chance.randint(5, 30) * _MINUTE
    site.fetch_tags()
    yield from ground.look_at_site(cast, site)
    yield chance.randint(5, 30) * _MINUTE
    basin.sites.append(site)


def newcomer(cast: Cast, basin: Basin) -> Flow:
    """A new trader, or diggers who open a new site."""
    chance = cast.world.chance
    town = chance.pick(places.TOWNS[basin.kind.towns])
    if chance.one_in(2):
        open_trader(cast, basin, town)
    else:
        yield from open_site(cast, basin, town)


def container_of(seed: int, basin: str) -> int:
    """How many bags of a basin go into one container: some hundreds, always the same there."""
    return 240 + named(seed, "container", basin)[0] * 3 // 4


def ships_bags(kind: Kind) -> bool:
    """Whether bags of that kind of basin go abroad as they are."""
    return kind is BURERA


def _register(
    basin: Basin, registrar: Party, says: str, name: str, town: Place, holder: Party, licences: Sequence[str]
) -> Site:
    """Registers a site (a zone for stones) near a town."""
    world, chance, ware = registrar.world, registrar.world.chance, basin.ware
    seed = world.seed
    id_ = SiteId(derive("site", registrar.pen.key.id, named_nonce(seed, "site", name)))
    position = town.near(chance, "map")
    body: dict[str, Any] = {
        "site": id_,
        "nonce": named_nonce(seed, "site", name),
        "type": "zone" if ware.stones else "site",
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
    grade_ppm = ware.raw_ppm.draw(chance)
    if ware.analyte:
        usual = {"analyte": ware.analyte, "ppm": grade_ppm // 1000 * 1000, "on": "as_is"}
        body["usual_assays"] = [{**usual, "method": "site_usual"}]
    sealed = {"/position": position, "/altitude_m": chance.randint(400, 2200)}
    if licences:
        body["licences"] = list(licences)
    written = registrar.write("site_registration", body, sealed=sealed)
    scale = Scale(ware.at_pit, chance, seed, f"{name} site")
    site = Site(id_, says, town, ware, holder, scale, basin.agent, basin.shelf, grade_ppm)
    site.registered = written.recorded
    return site
