"""Nothing is made and nothing vanishes: random histories of the mass engine against a slow twin in fractions.

Each history digs, weighs (wet, dry, on marked scales, two lots together), samples, and mixes lots, through the functions
the fold uses, without signatures. After each act the books must balance to the microgram. `HISTORIES` says how many
are tried (a few hundred unless told; `make conservation` tries hundreds of thousands), `SEED` where they begin.
"""

import os
from collections import Counter
from fractions import Fraction
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from memory import MemoryState, weighing
from rules import Rules
from traceability.core import events, mass
from traceability.core.composition import Gain, Part, Pool, Production, burdens, flatten, mix, parts_ug
from traceability.core.findings.numbers import NUMBERS
from traceability.core.findings.quality import Allowed, Metal, metal_gained, metal_lost
from traceability.core.forms import Moisture, Weighing
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot, PoolRecord, Quality
from traceability.core.outcome import Entry, Step
from traceability.core.signing import event_id

HISTORIES = int(os.environ.get("HISTORIES", "400"))
SEED = int(os.environ.get("SEED", "1"))
MILLION = 10**6
MINERALS = ("cassiterite", "cobalt", "gold", "diamond")


@cache
def beginning() -> tuple[Entry, Lot]:
    """A real inspection to judge under, and a real lot to make others like."""
    trade = Rules()
    coop, lab = trade.people("coop:miner", "lab:laboratory")
    (lot,) = trade.produce(coop, "1")
    envelope = trade.sign(lab, trade.act("inspection", type="weighing", lots=[lot]))
    event = events.read(envelope)
    return Entry(9, trade.clock, event_id(envelope.payload), event), trade.lot(lot)


def number(rule: str, name: str, mineral: str) -> Fraction:
    section = "thresholds" if rule == "scale_error" else "bands"
    value = NUMBERS.get((section, rule, name, mineral, None), NUMBERS.get((section, rule, name, None, None)))  # type: ignore[call-overload]
    assert value is not None
    return Fraction(value, MILLION)


class History:
    """A few lots, what became of them, and what each act should have done to them."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.lots: dict[LotId, Lot] = {}
        self.pools: dict[str, Pool] = {}
        self.gone: list[Part] = []
        """What was lost: tails of pools."""
        self.dug: dict[LotId, int] = {}
        self.acts = 0
        self.step = self._step()

    def _step(self) -> Step:
        entry, _ = beginning()
        return Step(entry, MemoryState(), "2026-03-14")

    def _take(self) -> None:
        """Keeps the pools of the last act, and what their ends lost."""
        for (kind, _), record in self.step.changes.items():
            if kind == "pool":
                assert isinstance(record, PoolRecord)
                self._add(record.pool)

    def _add(self, pool: Pool) -> None:
        assert pool.id not in self.pools
        self.pools[pool.id] = pool
        if pool.lost_ug:
            self.gone.append(Part(pool.id, pool.mass_ug - pool.lost_ug, pool.mass_ug))

    def amount(self) -> int:
        """A mass: crumbs, bags, tonnes; every other one whole grams, so that bands have whole edges."""
        mass_ug = max(1, int(self.chance.lognormvariate(16, 7)) % 10**12)
        return mass_ug if self.chance.random() < 0.5 else -(-mass_ug // MILLION) * MILLION

    def name(self) -> LotId:
        self.acts += 1
        return LotId(f"{self.acts:026d}")

    # Acts

    def dig(self) -> None:
        lot_id, mass_ug = self.name(), self.amount()
        moisture = self.chance.choice([None, None, 0, 20_000, 100_000, 999_999])
        dry_ug = mass_ug * (MILLION - moisture) // MILLION if moisture is not None else None
        self.pools[f"{lot_id}:0"] = Pool(f"{lot_id}:0", (Production(lot_id, None),), (2**63 - 1,))
        self.dug[lot_id] = mass_ug
        error = self.chance.choice([None, None, 500, 20_000])
        self.lots[lot_id] = replace(
            beginning()[1],
            id=lot_id,
            mineral=self.chance.choice(MINERALS),
            expected_ug=mass_ug,
            lowest_ug=mass_ug,
            reading=None,
            content=(Part(f"{lot_id}:0", 0, mass_ug),),
            expected_error_ppm=error,
            lowest_error_ppm=error,
            quality=None if moisture is None else Quality((), moisture, dry_ug),
        )

    def weigh(self, lots: list[LotId]) -> None:
        """About what is expected, at the edges of the bands or anywhere; together without moisture."""
        marked = self.chance.choice([None, None, 500, 20_000])
        moisture = self.chance.choice([None, 0, 20_000, 100_000, MILLION]) if len(lots) == 1 else None
        whole = sum(self.lots[lot].expected_ug for lot in lots)
        if len(lots) == 1:
            whole = expected_at(self.lots[lots[0]], moisture)
        near = [
            self._edge(self.lots[lots[0]], whole, marked, dry=is_dry(self.lots[lots[0]], moisture))
            for _ in "abc"
        ]
        reading = max(
            1, self.chance.choice([whole, *near, self.amount()]) + self.chance.choice([-1, 0, 0, 1])
        )
        if reading > 9 * 10**15:
            return
        said = weighing(f"{reading // 1000}.{reading % 1000:03}", unit="MGM", lots=sorted(lots))
        if marked is not None:
            said["scale_error_ppm"] = marked
        water = [Moisture(lots=list(lots), ppm=moisture)] if moisture is not None else None
        self.step = self._step()
        before = {lot: self.lots[lot] for lot in lots}
        after = mass.weigh(self.step, [Weighing.model_validate(said)], before, moistures=water)
        self._take()
        if len(lots) == 1:
            self._compare(before[lots[0]], after[lots[0]], reading, moisture, marked)
        self.lots |= after

    def _edge(self, lot: Lot, whole: int, marked: int | None, *, dry: bool) -> int:
        """A reading exactly on one of the bands' edges, as near as whole micrograms come."""
        prefix = "dry_" if dry else ""
        rule, sign = self.chance.choice([("mass_gained", 1), ("mass_lost", -1), ("rise_above_lowest", 1)])
        name = ("" if rule[0] == "r" else prefix) + self.chance.choice(["warn_ppm", "fail_ppm"])
        base = lot.lowest_ug if rule[0] == "r" else whole
        return int(base * (1 + sign * (number(rule, name, lot.mineral) + scales(lot, marked))))

    def _compare(
        self, before: Lot, after: Lot, reading: int, moisture: int | None, marked: int | None
    ) -> None:
        """What the twin finds: masses compared as fractions, the difference booked whole or not at all."""
        dry = is_dry(before, moisture)
        expected = expected_at(before, moisture)
        severity = {}
        for rule, more in (("mass_gained", reading - expected), ("mass_lost", expected - reading)):
            severity[rule] = self._severity(rule, before, expected, more, scales(before, marked), dry=dry)
        lowest = before.lowest_ug
        if dry and before.expected_ug and expected and expected != before.expected_ug:
            lowest = lowest * expected // before.expected_ug
        severity["rise_above_lowest"] = self._severity(
            "rise_above_lowest",
            before,
            lowest,
            reading - lowest,
            scales(before, marked, lowest=True),
            dry=False,
        )
        raised = {found.rule: found.severity for found in self.step.findings}
        assert raised == {rule: name for rule, name in severity.items() if name}
        outside = bool(severity["mass_gained"] or severity["mass_lost"])
        assert after.expected_ug == (reading if outside else expected)

    def _severity(
        self, rule: str, lot: Lot, base: int, more: int, errors: Fraction, *, dry: bool
    ) -> str | None:
        if more <= number("scale_error", "least_ug", lot.mineral) * MILLION:
            return None
        for severity, name in (("severe", "fail_ppm"), ("warning", "warn_ppm")):
            if more > base * (number(rule, ("dry_" if dry else "") + name, lot.mineral) + errors):
                return severity
        return None

    def sample(self, lot_id: LotId) -> None:
        lot = self.lots[lot_id]
        if lot.expected_ug < 2:
            return
        self.step = self._step()
        taken = self.chance.randint(1, lot.expected_ug - 1)
        self.lots[lot_id] = mass.take_out(self.step, replace(lot, reading=None), taken * 10**10)
        assert self.lots[lot_id].expected_ug == lot.expected_ug - taken
        self._take()

    def mix(self, lots: list[LotId]) -> None:
        event = EventId(f"{self.acts:064d}")
        sources = [(lot, self.lots[lot].content) for lot in lots]
        outputs = [self.amount() for _ in range(self.chance.randint(1, 3))]
        losses = [self.amount() for _ in range(self.chance.choice([0, 1, 2]))]
        additives = [("water", self.amount())] if self.chance.random() < 0.3 else []
        gain = self.amount() if self.chance.random() < 0.3 else 0
        pool, parts = mix(event, sources, additives, gain, outputs, losses)
        self._add(pool)
        first = self.lots[lots[0]]
        for lot in lots:
            del self.lots[lot]
        for typed, part in zip(outputs, parts, strict=True):
            lot_id = self.name()
            self.lots[lot_id] = replace(
                first,
                id=lot_id,
                expected_ug=part.end - part.start,
                lowest_ug=typed,
                content=(part,) if part.end > part.start else (),
                pools=0,
                lost_ug=0,
                gained_ug=0,
                named_ug=0,
                wetted_ug=0,
                quality=None,
            )

    # The books

    def balance(self) -> None:
        """Every lot for itself, all lots together, each source and each loss."""
        for lot in self.lots.values():
            assert parts_ug(lot.content) == lot.expected_ug >= 0
            assert lot.made_ug + lot.gained_ug == lot.lost_ug + lot.expected_ug
            assert 0 <= lot.named_ug <= lot.lost_ug
            assert 0 <= lot.wetted_ug <= lot.gained_ug
            own = [self.pools[f"{lot.id}:{n}"] for n in range(1, lot.pools + 1)]
            gains = [
                m
                for pool in own
                for s, m in zip(pool.sources, pool.masses, strict=True)
                if isinstance(s, Gain)
            ]
            assert sum(gains) == lot.unexplained_ug
            assert sum(pool.lost_ug for pool in own if not pool.named) == lot.missing_ug
        leaves: Counter[object] = Counter()
        borne: Counter[str] = Counter()
        for parts in (*(lot.content for lot in self.lots.values()), *((part,) for part in self.gone)):
            found = flatten(parts, self.pools.__getitem__)
            assert sum(found.values()) == parts_ug(parts)
            leaves.update(found)
            borne.update(burdens(parts, self.pools.__getitem__))
        came_in = Counter[object]({Production(lot, None): mass_ug for lot, mass_ug in self.dug.items()})
        for pool in self.pools.values():
            for source, mass_ug in zip(pool.sources, pool.masses, strict=True):
                if type(source).__name__ in ("Additive", "Gain"):
                    came_in[source] += mass_ug
        assert leaves == came_in
        lost = {p.id: p.lost_ug for p in self.pools.values() if p.lost_ug and p.mass_ug > p.lost_ug}
        assert borne == Counter(lost)


def is_dry(lot: Lot, moisture: int | None) -> bool:
    return moisture not in (None, MILLION) and lot.quality is not None and bool(lot.quality.dry_ug)


def expected_at(lot: Lot, moisture: int | None) -> int:
    """What the lot is expected to weigh with so much water, to the nearest microgram."""
    if not is_dry(lot, moisture) or not lot.expected_ug:
        return lot.expected_ug
    assert lot.quality is not None
    assert lot.quality.dry_ug
    assert moisture is not None
    wet = lot.quality.dry_ug / (1 - Fraction(moisture, MILLION))
    return int(wet + Fraction(1, 2)) or lot.expected_ug


def scales(lot: Lot, marked: int | None, *, lowest: bool = False) -> Fraction:
    """Both scales' errors together."""
    usual = number("scale_error", "measured", lot.mineral)
    earlier = lot.lowest_error_ppm if lowest else lot.expected_error_ppm
    errors = (usual if ppm is None else Fraction(ppm, MILLION) for ppm in (earlier, marked))
    return sum(errors, Fraction(0))


def play(seed: int) -> None:
    """One history from a seed."""
    chance = Random(seed)
    history = History(chance)
    for _ in range(chance.randint(1, 3)):
        history.dig()
    for _ in range(chance.randint(1, 6)):
        lots = sorted(history.lots)
        some = chance.sample(lots, min(len(lots), chance.randint(1, 2)))
        match chance.choice(["weigh", "weigh", "weigh", "sample", "mix"]):
            case "weigh":
                history.weigh(some)
            case "sample":
                history.sample(some[0])
            case _:
                history.mix(some)
    history.balance()


@pytest.mark.parametrize("part", range(4))
def test_nothing_is_made_and_nothing_vanishes(part: int) -> None:
    """Lots, composition, gains and losses balance to the microgram; each reading is judged as fractions judge it."""
    for seed in range(SEED + part, SEED + HISTORIES, 4):
        try:
            play(seed)
        except Exception as error:
            error.add_note(f"history {seed}: run it alone with SEED={seed} HISTORIES=1")
            raise


# Metal


amounts = st.integers(0, 10**24)


@given(amounts, amounts, amounts, amounts, st.integers(0, 10**6), st.integers(0, 5_000))
def test_metal_is_compared_as_fractions_compare_it(
    into: int, out: int, error_in: int, error_out: int, ppm: int, sigma: int
) -> None:
    """More than the band and more than so many joint errors, without a root or a rounding."""
    allowed = Allowed(ppm, ppm, sigma, sigma)
    before, after = Metal(into, error_in**2), Metal(out, error_out**2)

    def above(base: int, other: int) -> bool:
        more = other - base - base * Fraction(ppm, MILLION)
        return more > 0 and more**2 > Fraction(sigma, 1000) ** 2 * (error_in**2 + error_out**2)

    assert (metal_gained("sn", before, after, allowed) is not None) == above(into, out)
    assert (metal_lost("sn", before, after, allowed) is not None) == above(out, into)
