"""Money out of a ledger: what lots from the mine were first sold for, what shipments were worth, what was paid."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from traceability.core.events import Acceptance, Correction, Event, Export, Payment, Production, Transfer
from traceability.core.ground_records import Figure, Reference
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot
from traceability.core.money import FirstPrice, Money, Reason, micro_usd, money_in, share_of_price
from traceability.core.prices import in_usd
from traceability.ledger.ancestry import Lineage
from traceability.ledger.reader import LoggedEntry, Reader

BEGINNINGS_MAX = 1000
"""Of how many lots from the mine the first price is looked up; of the others it is said not to be known."""
_HISTORY_MAX = 200

Show = Callable[[Event, str], bool]
"""Whether the reader may see the value of this sealed field."""


class Paid(NamedTuple):
    """One payment, as far as the reader may see it."""

    event: EventId
    to: str | None
    of: str | None
    micro_usd: int | None
    reason: Reason | None = None


class Accounts(NamedTuple):
    """The money of some lots."""

    money: Money
    missing: tuple[tuple[LotId, Reason], ...]
    """Lots from the mine of which the first price is not known, and why."""
    exported: FirstPrice
    """What these lots were declared to be worth when they left; `no_price` while they have not."""
    paid: tuple[Paid, ...]
    """Payments recorded for the lots asked about themselves."""


def accounts(reader: Reader, lineage: Lineage, show: Show) -> Accounts:
    """The money of the lots a lineage asks about, for whoever `show` lets see it."""
    return _Accounts(reader, lineage, show).all()


class _Accounts:
    def __init__(self, reader: Reader, lineage: Lineage, show: Show) -> None:
        self._reader = reader
        self._lineage = lineage
        self._show = show

    def all(self) -> Accounts:
        lots = self._lineage.lots
        begins = [lot for _, lot in sorted(lots.items()) if lot.origin != "transformation"]
        prices: dict[LotId, FirstPrice] = {
            lot.id: self._first_price(lot) if number < BEGINNINGS_MAX else FirstPrice(None, "not_looked_at")
            for number, lot in enumerate(begins)
        }
        asked = self._lineage.asked
        money = money_in(asked, lots, self._lineage.edges, self._lineage.pools, prices)
        missing = tuple((lot, price.reason) for lot, price in prices.items() if price.reason is not None)
        histories = {lot: self._reader.history(lot, _HISTORY_MAX) for lot in asked}
        return Accounts(money, missing, self._exported(histories), tuple(self._payments(histories)))

    # First sales

    def _first_price(self, lot: Lot) -> FirstPrice:
        """What the lot was first sold for: at its making, or by the first transfer of its title that was accepted."""
        if lot.origin == "intake":
            return FirstPrice(None, "not_from_a_mine")
        history = self._reader.history(lot.id, _HISTORY_MAX)
        offered: LoggedEntry | None = None
        for entry in history:
            event = entry.event
            if not entry.fates.get(lot.id, entry.stands):
                continue
            if isinstance(event, Production):
                path = f"/lots/{lot.position}/price"
                if path in event.committed:
                    return self._price(history, entry, path, lot)
            elif isinstance(event, Transfer) and event.body.moves != "custody":
                offered = entry
            elif isinstance(event, Acceptance) and offered is not None:
                agreed = entry if "/prices" in event.committed else offered
                if "/prices" in agreed.event.committed:
                    return self._price(history, agreed, "/prices", lot)
                return FirstPrice(None, "no_price")
        return FirstPrice(None, "no_price")

    def _price(self, history: Sequence[LoggedEntry], entry: LoggedEntry, path: str, lot: Lot) -> FirstPrice:
        value, reason = self._value(history, entry, path)
        if reason is not None:
            return FirstPrice(None, reason)
        day = entry.event.event_time[:10]
        if path != "/prices":
            return self._in_usd(value, day)
        for line in value:
            if lot.id in line["lots"]:
                whole = self._in_usd(line["price"], day)
                if whole.micro_usd is None:
                    return whole
                named = [(each, self._reader.lot(LotId(each))) for each in sorted(line["lots"])]
                masses = [(LotId(each), record.expected_ug if record else 0) for each, record in named]
                return FirstPrice(share_of_price(whole.micro_usd, lot.id, masses))
        return FirstPrice(None, "no_price")

    def _value(
        self, history: Sequence[LoggedEntry], entry: LoggedEntry, path: str
    ) -> tuple[Any, Reason | None]:
        """A sealed value, as the newest correction of it has it; or why there is none for this reader."""
        at, where = entry, path
        for later in history:
            if isinstance(later.event, Correction) and later.event.body.event == entry.event_id:
                for number, field in enumerate(later.event.body.fields_ or ()):
                    if field.path == path and field.is_ is None:
                        at, where = later, f"/fields/{number}/is"
        if where in self._reader.withheld(at.event_id):
            return None, "erased"
        if not self._show(entry.event, path):
            return None, "withheld"
        for _, opened, value in self._reader.disclosures(at.index):
            if opened == where:
                return value, None
        return None, "withheld"

    # Shipments and payments

    def _exported(self, histories: dict[LotId, list[LoggedEntry]]) -> FirstPrice:
        """The value the lots left with; of a shipment of more lots their share by mass."""
        shipments: dict[EventId, tuple[LoggedEntry, list[LotId], list[LoggedEntry]]] = {}
        for lot, history in histories.items():
            left = [e for e in history if isinstance(e.event, Export) and e.fates.get(lot, e.stands)]
            if not left:
                return FirstPrice(None, "no_price")
            shipments.setdefault(left[-1].event_id, (left[-1], [], history))[1].append(lot)
        total = 0
        for entry, mine, history in shipments.values():
            if "/value" not in entry.event.committed:
                return FirstPrice(None, "no_price")
            value, reason = self._value(history, entry, "/value")
            if reason is not None:
                return FirstPrice(None, reason)
            assert isinstance(entry.event, Export)
            whole = self._in_usd(value, entry.event.body.shipped)
            if whole.micro_usd is None:
                return whole
            named = sorted({LotId(lot) for _, lot in entry.event.moved})
            found = [(lot, self._reader.lot(lot)) for lot in named]
            masses = [(lot, record.expected_ug if record else 0) for lot, record in found]
            total += sum(share_of_price(whole.micro_usd, lot, masses) for lot in mine)
        return FirstPrice(total)

    def _payments(self, histories: dict[LotId, list[LoggedEntry]]) -> Iterator[Paid]:
        entries = {entry.index: (entry, history) for history in histories.values() for entry in history}
        for _, (entry, history) in sorted(entries.items()):
            event = entry.event
            if not isinstance(event, Payment):
                continue
            to = event.body.to or self._value(history, entry, "/to")[0]
            of = event.body.of or self._value(history, entry, "/of")[0]
            value, reason = self._value(history, entry, "/amount")
            worth = FirstPrice(None, reason) if reason else self._in_usd(value, event.body.date)
            yield Paid(entry.event_id, to, of, *worth)

    def _in_usd(self, money: dict[str, str], day: str) -> FirstPrice:
        amount: Fraction | None = in_usd(money["value"], money["currency"], day, self._figures)
        return FirstPrice(None, "no_rate") if amount is None else FirstPrice(micro_usd(amount))

    def _figures(self, name: str) -> Sequence[Figure]:
        record = self._reader.record(("reference", name))
        return record.figures if isinstance(record, Reference) else ()
