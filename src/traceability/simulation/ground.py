"""The ground of a season: zones, figures from outside, licences, and what inspectors say of sites; all of it renewed.

Most sites are green; some wait for their first inspection or have something to put right. What an inspector finds
lasts a year, so does a licence; a price holds for a quarter.
"""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush

from traceability.simulation.cast import INSPECTORS, REGULATORS, Basin, Cast, Flow
from traceability.simulation.chance import named
from traceability.simulation.digging import Site
from traceability.simulation.papers import XAF_A_DOLLAR, day, estimate, inspect_site, license_
from traceability.simulation.pen import DAY, HOUR, Written
from traceability.simulation.people import Party
from traceability.simulation.places import Place
from traceability.simulation.wares import CASSITERITE, COBALT, COLTAN, DIAMOND, GOLD, WOLFRAMITE, Ware

INSPECTING = {**INSPECTORS, "CF": "auditor"}
"""Who gives sites their colour; in the Central African Republic an auditor does, in the State's stead."""
_MINUTE = 60
_YEAR_AGAIN = 320 * DAY
_QUARTER = 88 * DAY
_PUT_RIGHT = 55 * DAY
"""Yellow runs out after three months, and a site is looked at again before."""
_ZONES = (
    (
        "Provinces des Kivus et de l'Ituri",
        ("CD-IT", "CD-NK", "CD-SK"),
        "conflict_affected",
        "2009-01-01",
        None,
        "CD",
    ),
    (
        "Haute-Kotto, Ouaka, Vakaga",
        ("CF-HK", "CF-UK", "CF-VK"),
        "conflict_affected",
        "2013-03-24",
        None,
        "CF",
    ),
    (
        "Zones conformes de l'ouest",
        ("CF-HS", "CF-LB", "CF-SE"),
        "compliant",
        "2016-03-07",
        "2024-11-15",
        "CF",
    ),
)
_PARK = (
    (284_000_000, -24_500_000), (287_000_000, -24_500_000), (287_000_000, -22_500_000), (284_000_000, -22_500_000),
    (284_000_000, -24_500_000),
)  # fmt: skip
"""A national park west of Bukavu, as a polygon: longitude, latitude in units of 1e-7 degree."""
_PRICED = (CASSITERITE, COLTAN, WOLFRAMITE, COBALT, GOLD, DIAMOND)
_PRODUCED = (
    ("CD", "cassiterite", "TNE", 24_000), ("CD", "coltan", "TNE", 2_600), ("CD", "cobalt", "TNE", 210_000),
    ("RW", "coltan", "TNE", 2_100), ("RW", "wolframite", "TNE", 2_700), ("CF", "gold", "KGM", 480),
    ("CF", "diamond", "CTM", 120_000),
)  # fmt: skip
_MARKET_PPM = 1_250_000
"""The price of a market abroad over that at the pit."""


def lay(cast: Cast) -> Flow:
    """Zones and figures, before anything is dug."""
    for name, regions, sort, since, until, country in _ZONES:
        body = {"name": name, "type": sort, "regions": list(regions), "from": since}
        body |= {"source_text": _SOURCES[sort], **({"until": until} if until else {})}
        if sort == "compliant":
            body["minerals"] = ["diamond"]
        cast[REGULATORS[country]].write("zone", body)
        yield 10 * _MINUTE
    park = {
        "name": "Parc national de Kahuzi-Biega",
        "type": "protected",
        "polygon": [list(at) for at in _PARK],
    }
    park |= {"from": "1970-11-30", "source_text": "patrimoine mondial, liste 137"}
    cast[REGULATORS["CD"]].write("zone", park)
    yield 10 * _MINUTE
    yield from _figures(cast, _PRICED)
    yield from _year(cast)


_SOURCES = {
    "conflict_affected": "avis du groupe d'experts, annexe II du guide OCDE",
    "compliant": "décision administrative du Processus de Kimberley, 2015, levée en 2024",
}


def _figures(cast: Cast, wares: Sequence[Ware]) -> Flow:
    """Prices of a quarter, and what a dollar is worth; again when the quarter is over."""
    world, chance, operator = cast.world, cast.world.chance, cast["operator"]
    times = {"from": day(world), "until": day(world, 91)}
    for ware in wares:
        cents = ware.cents * _MARKET_PPM // 1_000_000 * chance.randint(95, 106) // 100
        if ware.currency == "XAF":
            cents //= XAF_A_DOLLAR
        body = {"type": "price", "mineral": ware.mineral, "currency": "USD", "unit": ware.in_town.unit}
        body |= {"value": f"{cents // 100}.{cents % 100:02d}", "source_text": "moyenne du trimestre", **times}
        operator.write("reference", body)
        yield 5 * _MINUTE
    rate = {"type": "exchange_rate", "currency": "XAF", "unit": "USD", "value": f"{XAF_A_DOLLAR}.4"}
    operator.write("reference", {**rate, "source_text": "banque centrale, cours moyen", **times})
    again(cast, _QUARTER, lambda: _figures(cast, wares))


def _year(cast: Cast) -> Flow:
    """What each country is said to dig in a year; again in the next."""
    world, operator = cast.world, cast["operator"]
    year = day(world)[:4]
    for country, mineral, unit, amount in _PRODUCED:
        body = {
            "type": "production",
            "country": country,
            "mineral": mineral,
            "unit": unit,
            "value": str(amount),
        }
        body |= {
            "from": f"{year}-01-01",
            "until": f"{year}-12-31",
            "source_text": "statistique nationale des mines",
        }
        operator.write("reference", body)
        yield 5 * _MINUTE
    left = 0
    while day(world, left)[:4] == year:
        left += 1
    again(cast, left * DAY, lambda: _year(cast))


# Licences


def permit(cast: Cast, holder: Party, ware: Ware, place: Place) -> Written:
    """The right of diggers to dig, in their province."""
    return _granted(cast, holder, "artisanal_permit", [ware.mineral], place, regions=[place.region])


def license_trader(cast: Cast, basin: Basin, trader: Party) -> None:
    """A trader may buy what is dug in his basin, wherever it is."""
    sort = "buying_house" if basin.kind.country == "CF" else "trader"
    _granted(cast, trader, sort, [basin.ware.mineral], trader.place)


def license_house(cast: Cast, house: Party, sorts: Sequence[str], minerals: Sequence[str]) -> None:
    """A house may work up, or send abroad."""
    for sort in sorts:
        _granted(cast, house, sort, minerals, house.place)


def license_carrier(cast: Cast, carrier: Party) -> None:
    """A haulier may carry ore of any kind."""
    every = [ware.mineral for ware in (CASSITERITE, COBALT, COLTAN, DIAMOND, GOLD, WOLFRAMITE)]
    _granted(cast, carrier, "transport", every, carrier.place)


def _granted(
    cast: Cast, party: Party, sort: str, minerals: Sequence[str], place: Place, **more: object
) -> Written:
    def renewed() -> Flow:
        _granted(cast, party, sort, minerals, place, **more)
        yield _MINUTE

    again(cast, _YEAR_AGAIN, renewed)
    return license_(cast.registrar(place.country), party, sort, minerals, **more)


# Sites


def colour(cast: Cast, site: Site) -> str:
    """The first colour of a site: green, mostly."""
    drawn = named(cast.world.seed, "colour", site.id)[0]
    return "green" if drawn < 210 else "yellow" if drawn < 232 else "blue"


def look_at_site(cast: Cast, site: Site) -> Flow:
    """The first inspection of a site and what it can give; every year somebody looks again."""
    inspector = cast[INSPECTING[site.place.country]]
    first = colour(cast, site)
    inspect_site(inspector, site, first, purpose="première visite")
    yield 20 * _MINUTE
    estimate(inspector, site)
    again(cast, _PUT_RIGHT if first == "yellow" else _YEAR_AGAIN, lambda: _look_again(cast, site))


def _look_again(cast: Cast, site: Site) -> Flow:
    inspect_site(cast[INSPECTING[site.place.country]], site, "green", purpose="visite annuelle")
    again(cast, _YEAR_AGAIN, lambda: _look_again(cast, site))
    yield _MINUTE


def turns_red(cast: Cast, basin: Basin) -> Flow:
    """A site is closed by an inspector; five weeks later it is open again. In between nobody digs there."""
    world, chance = cast.world, cast.world.chance
    if len(basin.sites) < 2:
        return
    site = basin.sites.pop()
    # What was filled today is signed for before the inspector comes.
    yield 2 * DAY
    inspector = cast[INSPECTING[site.place.country]]
    found = "Éboulement dans un puits ; des enfants au lavoir."
    inspect_site(inspector, site, "red", suspended_from=day(world), result=found, purpose="visite inopinée",
                 suspended_until=day(world, 34))  # fmt: skip
    yield 35 * DAY + chance.randint(0, 5) * HOUR
    inspect_site(
        inspector,
        site,
        "green",
        result="Puits étayé, lavoir clôturé, registre tenu.",
        purpose="contre-visite",
    )
    yield 2 * DAY
    basin.sites.append(site)


# Once more


def again(cast: Cast, rest: int, tell: Callable[[], Flow]) -> None:
    """Has something told again after so many seconds, if the season lasts so long."""
    at = cast.world.now + rest
    if at < cast.world.end - DAY:
        cast.renewals_made += 1
        heappush(cast.renewals, (at, cast.renewals_made, tell))


def due(cast: Cast) -> list[Flow]:
    """What is to be told again now; each once."""
    found = []
    while cast.renewals and cast.renewals[0][0] <= cast.world.now:
        found.append(heappop(cast.renewals)[2]())
    return found
