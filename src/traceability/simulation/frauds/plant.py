"""A planted fraud: what it touched, and the false papers that several frauds begin with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from traceability.core.ids import EventId
from traceability.core.leaf import time_text
from traceability.core.record import Address
from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.digging import TAGS_LEFT, Site, fresh_lots
from traceability.simulation.pen import Lot, Pen, Written
from traceability.simulation.people import Party
from traceability.simulation.wares import Ware


@dataclass(slots=True, eq=False)
class Plant:
    """One fraud of one mode, and everything a finding about it could be on."""

    mode: str
    strength: int
    """1 is the most careful."""
    subjects: set[Address] = field(default_factory=set)
    events: set[EventId] = field(default_factory=set)

    def wrote(self, written: Written, *subjects: Address) -> Written:
        """An event is part of the fraud, and what it is about too."""
        self.events.add(written.id)
        self.subjects.update(subjects)
        return written

    def on(self, lots: Sequence[Lot]) -> Sequence[Lot]:
        """These lots are part of it, with the events that moved them last."""
        self.subjects.update(("lot", lot.id) for lot in lots)
        self.events.update(lot.head for lot in lots)
        return lots

    def by(self, *parties: Party | Pen) -> None:
        """These people are part of it, with their keys."""
        for one in parties:
            pen = one if isinstance(one, Pen) else one.pen
            self.subjects |= {("key", pen.key.id), ("party", pen.party)}
            if isinstance(one, Party):
                self.subjects.add(("party", one.id))


class Scheme(NamedTuple):
    """How a mode is told, where it can be, and what it comes to."""

    mode: str
    tell: Callable[[Cast, Basin, Plant], Flow]
    happens: Callable[[Basin], bool]
    days: int
    """How long it goes on, and until the last rule can have noticed it."""
    events: int
    once: bool = False
    """Whether it can be shown once in a season, at one strength: of a sum over a country is told once a year."""


def bags(basin: Basin) -> bool:
    """Where ore is carried in bags that are tagged for diggers with a cooperative, and worked up at a house."""
    return basin.ware.bagged and not basin.container and len(basin.sites) > 1


def metal(basin: Basin) -> bool:
    """Bags or sachets: anything but stones."""
    return not basin.ware.stones and bool(basin.sites)


def agents(basin: Basin) -> bool:
    """Where an agent signs for the diggers of some site."""
    known = any(site.lots_made > 12 for site in basin.sites)  # where its ore is bagged is known by then
    return bags(basin) and known and any(site.party.pen.party == basin.agent.id for site in basin.sites)


def alone(basin: Basin) -> Site:
    """A site that nobody but the cheats works until they give it `back`; where there is but one, with everybody else."""
    return basin.sites.pop() if len(basin.sites) > 1 else basin.sites[0]


def back(basin: Basin, site: Site) -> None:
    """The site is worked by everybody again."""
    if site not in basin.sites:
        basin.sites.append(site)


def forge(
    signer: Party,
    site: Site,
    ware: Ware,
    masses_ug: Sequence[int],
    tags: Sequence[str],
    *,
    producer: Party | None = None,
    exact: bool = False,
    **more: Any,
) -> tuple[list[Lot], Written]:
    """A production as a cheat writes it: anybody's tags, any place. With `exact` the scale shows what is wanted."""
    world = signer.world
    scale = site.scale
    bodies, lots = fresh_lots(
        world, signer.pen, ware, scale, masses_ug, grade_ppm=site.grade_ppm, code=site.code, tags=tags
    )
    if exact:
        for body, lot, mass_ug in zip(bodies, lots, masses_ug, strict=True):
            lot.reading_ug = mass_ug
            body["weighing"] = scale.weighing(mass_ug)
    body = {
        "region": site.place.region,
        "cell": site.place.cell,
        "source": "device",
        "site": site.id,
        "dug_from": time_text(world.now)[:10],
        "dug_until": time_text(world.now)[:10],
        "workers": 12,
        "lots": bodies,
        **({"producer": producer.id} if producer is not None else {}),
        **more,
    }
    written = signer.write("production", body)
    holder = producer or signer
    for lot in lots:
        lot.begun(written, holder.id)
    return lots, written


def stocked(site: Site, number: int) -> list[str]:
    """So many tags of a site, fetched where there are not enough."""
    while len(site.tags) < number + TAGS_LEFT:
        site.fetch_tags()
    return [site.tags.popleft() for _ in range(number)]
