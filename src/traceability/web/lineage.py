"""The way of a lot, gathered: from every bag behind it to the few things worth drawing.

`gather` takes the lots and steps behind one lot and gives its way from the mines down: where ore came in,
where it changed hands, what was done with it, what was gained and lost. Tributaries are gathered per place
and step, handoffs per stretch of the way, so the way of a thousand bags is as short as that of one.

What runs along a line is what of it reaches the lot, and what was lost on the way in its share. Those shares
are for drawing: nothing that is printed is taken from them but ratios.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

STAGES_MAX = 20
"""Longer ways are gathered into fewer stretches, as far as that goes."""
STRETCHES_MAX = 6
SOURCES_MAX = 6
NARROWS_MAX = 4
"""Handoffs drawn one after the other on one stretch; where there are more they are drawn as one."""


class Signed(NamedTuple):
    """How many handoffs were signed by whom."""

    both: int = 0
    one_for_both: int = 0
    open: int = 0
    """Offered and not answered."""

    @property
    def all(self) -> int:
        """All of them."""
        return sum(self)


class Handoff(NamedTuple):
    """One transfer of one or more lots, and its answer."""

    event: str
    signed: Literal["both", "one_for_both", "open"]
    first_day: str
    last_day: str
    to: tuple[str, str] = ("", "")
    """Role and public name of who takes it, as far as they may be shown."""


class Lot(NamedTuple):
    """A lot on the way. `mass_ug` is what it was when it went on, so without what it lost."""

    id: str
    place: str
    """Where its ore came in: a key that sources are gathered by. Empty for a lot that a step made."""
    maker: str
    mass_ug: int
    began_ug: int
    lost_ug: int
    gained_ug: int
    day: str
    part_ug: int = 0
    """What of the lot at the mouth comes from this one, exactly; only for lots where ore came in."""
    handoffs: tuple[Handoff, ...] = ()


class Step(NamedTuple):
    """Lots became other lots."""

    event: str
    type: str
    inputs: tuple[str, ...]
    output_count: int
    output_ug: int
    additives: tuple[tuple[str, int], ...]
    gain_ug: int
    losses: tuple[tuple[str, int], ...]
    steps: tuple[str, ...]
    day: str


class Source(NamedTuple):
    """Ore comes in. `places` is more than one where small ones are drawn together."""

    places: tuple[str, ...]
    share: int
    part_ug: int
    """What of the lot came in here, exactly."""
    lot_count: int
    mass_ug: int
    first_day: str
    last_day: str


class Narrows(NamedTuple):
    """Lots change hands."""

    lot_count: int
    signed: Signed
    first_day: str
    last_day: str
    to: tuple[tuple[str, str], ...] = ()
    """Role and public name of each who took some of them."""


class Bend(NamedTuple):
    """Lots become others: so many times a step of one type."""

    type: str
    times: int
    input_count: int
    output_count: int
    steps: tuple[str, ...]
    first_day: str
    last_day: str


class Spring(NamedTuple):
    """Something comes in that is not ore from somewhere: `additive`, stated `gain`, or gain `booked`."""

    kind: Literal["additive", "gain", "booked"]
    names: tuple[str, ...]
    share: int
    part: tuple[int, int]
    """Its mass and the whole it came into: a ratio to print."""


class Sink(NamedTuple):
    """Something goes: losses `named` in a step, or `booked` at a weighing."""

    kind: Literal["named", "booked"]
    names: tuple[str, ...]
    share: int
    part: tuple[int, int]


class Fork(NamedTuple):
    """The same step also made other lots."""

    others: int


class Mouth(NamedTuple):
    """The lot itself."""

    share: int


Stage = Source | Narrows | Bend | Spring | Sink | Fork | Mouth


def gather(mouth: str, lots: Mapping[str, Lot], steps: Mapping[str, Step]) -> list[Stage]:
    """The way of the lot `mouth`, from the top down. `lots` and `steps` are all behind it, by id, and itself."""
    generation = _generations(lots, steps)
    consumed = {lot: step for step in steps.values() for lot in step.inputs}
    last = generation[lots[mouth].maker] if lots[mouth].maker in steps else 0
    level = {
        lot: generation[consumed[lot].event] - 1 if lot in consumed and lot != mouth else last for lot in lots
    }
    shares, through = _shares(mouth, lots, steps, generation)
    made = Counter(lot.maker for lot in lots.values())
    drawn_apart = _largest_places(lots.values(), shares)
    for stretches in range(min(last + 1, STRETCHES_MAX), 0, -1):
        here: defaultdict[int, list[Lot]] = defaultdict(list)
        for lot in lots.values():
            here[level[lot.id] * stretches // (last + 1)].append(lot)
        done: defaultdict[int, list[Step]] = defaultdict(list)
        for step in steps.values():
            done[(generation[step.event] - 1) * stretches // (last + 1)].append(step)
        stages: list[Stage] = []
        for at in range(stretches):
            stages += _sources(here[at], shares, drawn_apart)
            stages += _narrows(here[at])
            stages += _booked(here[at], shares)
            stages += _steps(done[at], through, made)
        if len(stages) < STAGES_MAX:
            break
    return [*stages, Mouth(shares[mouth])]


def _generations(lots: Mapping[str, Lot], steps: Mapping[str, Step]) -> dict[str, int]:
    """How many steps there were up to and with each step, at most; without recursion, however deep."""
    made_by = {lot.id: lot.maker for lot in lots.values() if lot.maker in steps}
    waits = {step.event: {made_by[lot] for lot in step.inputs if lot in made_by} for step in steps.values()}
    feeds: defaultdict[str, list[str]] = defaultdict(list)
    for event, before in waits.items():
        for other in before:
            feeds[other].append(event)
    missing = {event: len(before) for event, before in waits.items()}
    ready = [event for event, count in missing.items() if not count]
    generation: dict[str, int] = {}
    while ready:
        event = ready.pop()
        generation[event] = 1 + max((generation[other] for other in waits[event]), default=0)
        for after in feeds[event]:
            missing[after] -= 1
            if not missing[after]:
                ready.append(after)
    return generation


def _shares(
    mouth: str, lots: Mapping[str, Lot], steps: Mapping[str, Step], generation: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, int]]:
    """What of each lot reaches the mouth, as it began; and what of each step's outputs does."""
    shares: Counter[str] = Counter()
    through: Counter[str] = Counter()
    went_on: Counter[str] = Counter({mouth: lots[mouth].mass_ug})
    sources = [lot for lot in lots.values() if lot.maker not in steps]
    makers: defaultdict[str, list[Lot]] = defaultdict(list)
    for lot in lots.values():
        if lot.maker in steps:
            makers[lot.maker].append(lot)

    def begin(lot: Lot) -> int:
        before = went_on[lot.id] * (lot.mass_ug + lot.lost_ug) // max(lot.mass_ug, 1)
        shares[lot.id] = max(before - before * lot.gained_ug // max(lot.mass_ug + lot.lost_ug, 1), 0)
        return shares[lot.id]

    for step in sorted(steps.values(), key=lambda step: -generation[step.event]):
        through[step.event] = sum(begin(lot) for lot in makers[step.event])
        lost_ug = sum(mass for _, mass in step.losses)
        inflow = through[step.event] * (step.output_ug + lost_ug) // max(step.output_ug, 1)
        whole = sum(lots[lot].mass_ug for lot in step.inputs if lot in lots)
        whole += step.gain_ug + sum(mass for _, mass in step.additives)
        for lot_id in step.inputs:
            if lot_id in lots:
                went_on[lot_id] += inflow * lots[lot_id].mass_ug // max(whole, 1)
    for lot in sources:
        begin(lot)
    return shares, through


def _largest_places(lots: Iterable[Lot], shares: Mapping[str, int]) -> set[str]:
    """The places that are drawn by themselves; all, where one more would be the only one left over."""
    by_place: Counter[str] = Counter()
    for lot in lots:
        if lot.place:
            by_place[lot.place] += shares[lot.id]
    count = SOURCES_MAX if len(by_place) > SOURCES_MAX + 1 else len(by_place)
    return {place for place, _ in by_place.most_common(count)}


def _sources(here: Sequence[Lot], shares: Mapping[str, int], drawn_apart: Collection[str]) -> list[Source]:
    grouped: defaultdict[str, list[Lot]] = defaultdict(list)
    for lot in here:
        if lot.place:
            grouped[lot.place if lot.place in drawn_apart else ""].append(lot)
    sources = []
    for place, group in grouped.items():
        days = [lot.day for lot in group]
        sources.append(
            Source(
                places=tuple(sorted({lot.place for lot in group})) if not place else (place,),
                share=sum(shares[lot.id] for lot in group),
                part_ug=sum(lot.part_ug for lot in group),
                lot_count=len(group),
                mass_ug=sum(lot.began_ug for lot in group),
                first_day=min(days),
                last_day=max(days),
            )
        )
    return sorted(sources, key=lambda source: (len(source.places) > 1, -source.share, source.places))


def _narrows(here: Sequence[Lot]) -> list[Stage]:
    most = max((len(lot.handoffs) for lot in here), default=0)
    turns: defaultdict[int, list[tuple[Lot, Handoff]]] = defaultdict(list)
    for lot in here:
        for turn, handoff in enumerate(lot.handoffs):
            turns[turn if most <= NARROWS_MAX else 0].append((lot, handoff))
    found: list[Stage] = []
    for _, passed in sorted(turns.items()):
        handoffs = {handoff.event: handoff for _, handoff in passed}.values()
        signed = Counter(handoff.signed for handoff in handoffs)
        found.append(
            Narrows(
                lot_count=len({lot.id for lot, _ in passed}),
                signed=Signed(signed["both"], signed["one_for_both"], signed["open"]),
                first_day=min(handoff.first_day for handoff in handoffs),
                last_day=max(handoff.last_day for handoff in handoffs),
                to=tuple(sorted({handoff.to for handoff in handoffs})),
            )
        )
    return found


def _booked(here: Sequence[Lot], shares: Mapping[str, int]) -> list[Stage]:
    """What weighings booked on these lots: gains first, then losses."""
    whole = sum(lot.began_ug for lot in here)
    gains = [(lot, lot.gained_ug) for lot in here if lot.gained_ug]
    losses = [(lot, lot.lost_ug) for lot in here if lot.lost_ug]
    found: list[Stage] = []
    if gains:
        found.append(Spring("booked", (), _share(gains, shares), (sum(mass for _, mass in gains), whole)))
    if losses:
        found.append(Sink("booked", (), _share(losses, shares), (sum(mass for _, mass in losses), whole)))
    return found


def _share(booked: Sequence[tuple[Lot, int]], shares: Mapping[str, int]) -> int:
    return sum(shares[lot.id] * mass // max(lot.began_ug, 1) for lot, mass in booked)


def _steps(done: Sequence[Step], through: Mapping[str, int], made: Mapping[str, int]) -> list[Stage]:
    by_type: defaultdict[str, list[Step]] = defaultdict(list)
    for step in sorted(done, key=lambda step: (step.day, step.event)):
        by_type[step.type].append(step)
    found: list[Stage] = []
    for type_, group in by_type.items():
        found.append(
            Bend(
                type=type_,
                times=len(group),
                input_count=sum(len(step.inputs) for step in group),
                output_count=sum(step.output_count for step in group),
                steps=tuple(dict.fromkeys(name for step in group for name in step.steps)),
                first_day=group[0].day,
                last_day=group[-1].day,
            )
        )
        found += _in_and_out(group, through)
        others = sum(step.output_count - made[step.event] for step in group)
        if others > 0:
            found.append(Fork(others))
    return found


def _in_and_out(group: Sequence[Step], through: Mapping[str, int]) -> list[Stage]:
    """Springs and sinks of these steps, each in the share that concerns the lot."""
    output_ug = sum(step.output_ug for step in group)
    lost = [(name, mass, step) for step in group for name, mass in step.losses]
    added = [(name, mass, step) for step in group for name, mass in step.additives]
    gained = [("", step.gain_ug, step) for step in group if step.gain_ug]
    whole = output_ug + sum(mass for _, mass, _ in lost)
    found: list[Stage] = []
    for kind, came in (("additive", added), ("gain", gained), ("named", lost)):
        if not came:
            continue
        share = sum(mass * through[step.event] // max(step.output_ug, 1) for _, mass, step in came)
        names = tuple(dict.fromkeys(name for name, _, _ in came if name))
        part = (sum(mass for _, mass, _ in came), whole)
        match kind:
            case "named":
                found.append(Sink("named", names, share, part))
            case "additive":
                found.append(Spring("additive", names, share, part))
            case _:
                found.append(Spring("gain", names, share, part))
    return found
