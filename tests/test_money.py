"""Money that goes along with ore: nothing vanishes in a wash, nothing is added, and what is not known is carried."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from memory import weighing
from rules import Rules
from traceability.core.composition import FromLot, Pool
from traceability.core.ground_records import Figure
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot, PoolRecord
from traceability.core.money import FirstPrice, Money, as_made, money_in, share_of_price
from traceability.core.prices import in_usd, reference_usd, show


class Way:
    """Lots of a ledger in memory with what `money_in` needs of them."""

    def __init__(self) -> None:
        self.trade = Rules()
        (self.coop,) = self.trade.people("coop:miner,processor")

    def pools(self) -> dict[str, Pool]:
        records = self.trade.state.records.items()
        return {id_: r.pool for (kind, id_), r in records if kind == "pool" and isinstance(r, PoolRecord)}

    def lots(self) -> dict[LotId, Lot]:
        return {LotId(id_): r for (kind, id_), r in self.trade.state.records.items() if isinstance(r, Lot)}

    def money(self, asked: list[LotId], prices: dict[LotId, FirstPrice]) -> Money:
        pools, lots = self.pools(), self.lots()
        edges = [
            (source.lot, lot.id)
            for lot in lots.values()
            if lot.origin == "transformation"
            for source in pools[lot.maker].sources
            if isinstance(source, FromLot)
        ]
        return money_in(asked, lots, edges, pools, prices)


def test_a_wash_leaves_the_money_with_what_is_kept() -> None:
    """100 dollars for 155 kg of wet ore are 100 dollars in the concentrate and tailings it gave, by mass."""
    way = Way()
    (lot,) = way.trade.produce(way.coop, "155.20")
    wash = way.trade.transformation(
        way.trade.on([lot]), ["118.60", "30.00"], "processing", steps=["wash"],
        losses=[{"type": "spillage", "mass": {"unit": "KGM", "value": "6.60"}}],
    )  # fmt: skip
    way.trade.append(way.coop, wash)
    concentrate, tailings = way.trade.made_by(way.coop, wash)
    prices = {lot: FirstPrice(100_000_000)}
    kept = [way.money([each], prices).micro_usd for each in (concentrate, tailings)]
    assert sum(kept) == 100_000_000
    assert abs(kept[0] - 100_000_000 * 11860 // 14860) <= 1


def test_a_loss_on_the_way_takes_no_money_along() -> None:
    """A lot that weighed less later has all that was paid for it, and so has what it was made into."""
    way = Way()
    (lot,) = way.trade.produce(way.coop, "100")
    (lab,) = way.trade.people("lab:laboratory")
    way.trade.append(
        lab, way.trade.act("inspection", type="weighing", lots=[lot], weighings=[weighing("80", lots=[lot])])
    )
    prices = {lot: FirstPrice(7_000_003)}
    assert way.money([lot], prices) == Money(7_000_003, 100 * 10**9, 0)
    assert sum(part.end - part.start for part in as_made(way.trade.lot(lot), way.pools())) == 100 * 10**9
    split = way.trade.transformation(
        way.trade.on([lot]), ["30", "50"], "split", weighings=[weighing("80", lots=[lot])]
    )
    way.trade.append(way.coop, split)
    parts = way.trade.made_by(way.coop, split)
    assert way.money(parts, prices).micro_usd == 7_000_003


def test_what_is_not_known_is_carried_as_mass() -> None:
    """Of a heap half of whose ore has no price, each part knows so much and no more."""
    way = Way()
    a, b = way.trade.produce(way.coop, "60", "40")
    heap = way.trade.transformation(way.trade.on([a, b]), ["100"])
    way.trade.append(way.coop, heap)
    (mixed,) = way.trade.made_by(way.coop, heap)
    found = way.money([mixed], {a: FirstPrice(600), b: FirstPrice(None, "withheld")})
    assert found == Money(600, 60 * 10**9, 40 * 10**9)
    assert found.known_ppm == 600_000


@given(st.lists(st.integers(1, 400), min_size=2, max_size=4), st.integers(0, 10**12), st.integers(1, 399))
def test_no_money_is_lost_or_added(masses: list[int], micro: int, cut: int) -> None:
    """Mixed and split in any way, all parts together have exactly what was paid."""
    way = Way()
    lots = way.trade.produce(way.coop, *map(str, masses))
    heap = way.trade.transformation(way.trade.on(lots), [str(sum(masses))])
    way.trade.append(way.coop, heap)
    whole = sum(masses)
    cut = min(cut, whole - 1)
    split = way.trade.transformation(
        way.trade.on(way.trade.made_by(way.coop, heap)), [str(cut), str(whole - cut)], "split"
    )
    way.trade.append(way.coop, split)
    prices = {lot: FirstPrice(micro + number) for number, lot in enumerate(lots)}
    paid = sum(price.micro_usd or 0 for price in prices.values())
    parts = way.trade.made_by(way.coop, split)
    assert sum(way.money([part], prices).micro_usd for part in parts) == paid
    assert way.money(parts, prices) == Money(paid, whole * 10**9, 0)


@given(st.integers(0, 10**15), st.lists(st.integers(1, 10**12), min_size=1, max_size=8))
def test_one_price_for_several_lots(micro: int, masses: list[int]) -> None:
    """The shares of a price by mass sum up to it."""
    named = [(LotId(f"{number}"), mass) for number, mass in enumerate(masses)]
    assert sum(share_of_price(micro, lot, named) for lot, _ in named) == micro


def test_rates_and_references_of_the_day() -> None:
    """By the figure of that day alone, exactly; a price by something that is no mass compares with nothing."""
    figures = {
        "exchange_rate:::XAF": (Figure(EventId("a"), "600", "USD", "2026-03-01", "2026-03-31"),),
        "exchange_rate:::CDF": (Figure(EventId("a"), "2800", "EUR", "2026-03-01", "2026-03-31"),),
        "price:gold::USD": (
            Figure(EventId("a"), "100", "GRM", "2026-03-01", "2026-03-31"),
            Figure(EventId("b"), "120", "GRM", "2026-03-15", "2026-03-31"),
        ),
        "price:gold:CD:USD": (Figure(EventId("a"), "90", "GRM", "2026-03-01", "2026-03-31"),),
        "price:coltan::USD": (Figure(EventId("a"), "90", "lb", "2026-03-01", "2026-03-31"),),
    }

    def read(name: str) -> tuple[Figure, ...]:
        return figures.get(name, ())

    assert in_usd("1000", "XAF", "2026-03-31", read) == Fraction(5, 3)
    assert in_usd("1000", "XAF", "2026-04-01", read) is None
    assert in_usd("1", "CDF", "2026-03-02", read) is None, "a rate against something else"
    assert in_usd("1.50", "USD", "2020-01-01", read) == Fraction(3, 2)
    assert reference_usd("gold", None, 1_500_000, "2026-03-02", read) == 150
    assert reference_usd("gold", "CF", 1_000_000, "2026-03-20", read) == 120
    assert reference_usd("gold", "CD", 1_000_000, "2026-03-20", read) == 90
    assert reference_usd("coltan", None, 1_000_000, "2026-03-20", read) is None
    assert [show(Fraction(5, 3)), show(Fraction(-1, 2)), show(Fraction(1, 8))] == ["1.67", "-0.50", "0.12"]
