"""Which frauds there are, and when and where they are planted into a season."""

from collections.abc import Callable, Sequence

from traceability.simulation.cast import Basin, Flow
from traceability.simulation.chance import Chance, named
from traceability.simulation.flows import Flows
from traceability.simulation.frauds import keys, mass, origin, papers
from traceability.simulation.frauds.plant import Plant, Scheme, agents, bags, metal
from traceability.simulation.pen import DAY, HOUR

STRENGTHS = (1, 2, 3)
_BEGIN = 20
"""So many days after the opening the first fraud begins: what people usually do is known by then."""


def _gold(basin: Basin) -> bool:
    return basin.kind.name == "mambere" and bool(basin.sites)


def _ships(basin: Basin) -> bool:
    return basin.ware.mineral == "cassiterite" and bool(basin.sites)


def _ores(basin: Basin) -> bool:
    return bags(basin) and basin.ware.mineral in ("cassiterite", "coltan", "wolframite")


SCHEMES: tuple[Scheme, ...] = (
    Scheme("F1", origin.tag_sale, agents, 8, 9),
    Scheme("F2", origin.laundered, bags, 6, 40),
    Scheme("F3", origin.invented, bags, 12, 10),
    Scheme("F4", mass.cloned, bags, 6, 11),
    Scheme("F5", mass.topped_up, bags, 40, 42),
    Scheme("F6", origin.closed_site, bags, 36, 5),
    Scheme("F7", mass.mixed_in, bags, 12, 6),
    Scheme("F8", keys.paper_only, bags, 12, 18),
    Scheme("F9", keys.back_dated, bags, 12, 6),
    Scheme("F10", keys.triangle, bags, 50, 135),
    Scheme("F11", papers.certificate_twice, _ships, 20, 12),
    Scheme("F12", mass.skimmed, bags, 40, 42),
    Scheme("F13", papers.smuggled, _gold, 30, 80, once=True),
    Scheme("F14", mass.changed_about, bags, 10, 7),
    Scheme("F15", origin.ghosts, metal, 6, 3),
    Scheme("F16", papers.another_mineral, _ores, 10, 5),
    Scheme("F17", papers.too_cheap, bags, 6, 4),
    Scheme("F18", mass.sold_twice, bags, 10, 8),
    Scheme("F19", keys.stolen, bags, 30, 6),
    Scheme("F21", keys.omitted, bags, 42, 4),
    Scheme("F22", keys.hushed_up, bags, 32, 2),
)
MODES = tuple(scheme.mode for scheme in SCHEMES)


def _strengths(scheme: Scheme, chance: Chance, times: int) -> Sequence[int]:
    return [chance.pick(STRENGTHS)] if scheme.once else STRENGTHS * times


def planted(
    plants: list[Plant], *, seed: int, times: int = 1, modes: Sequence[str] = MODES
) -> Callable[[Flows], Flow]:
    """What to give a season as `beside`: each mode `times` times at each strength; `plants` is filled as they begin."""

    def begin(flows: Flows) -> Flow:
        world = flows.cast.world
        chance = Chance(int.from_bytes(named(seed, "frauds")[:8], "big"))
        left = (world.end - world.now) // DAY
        waiting = [
            (
                chance.randint(_BEGIN, max(left - scheme.days - 6, _BEGIN + 1)),
                chance.random(),
                scheme,
                strength,
            )
            for scheme in SCHEMES
            for strength in _strengths(scheme, chance, times)
            if scheme.mode in modes
        ]
        opened = world.now
        for on, _, scheme, strength in sorted(waiting, key=lambda each: each[:2]):
            yield max(opened + on * DAY + chance.randint(6, 10) * HOUR - world.now, 1)
            fit = [basin for basin in flows.cast.basins if scheme.happens(basin)]
            if fit:
                plant = Plant(scheme.mode, strength)
                plants.append(plant)
                flows.start(scheme.tell(flows.cast, chance.pick(fit), plant), world.now + 1, scheme.events)

    return begin
