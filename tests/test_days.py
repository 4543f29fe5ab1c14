"""The table of days at the end of the event list, told event by event and judged by the fold."""

from collections.abc import Callable

from memory import MemoryLedger
from traceability.core import events
from traceability.core.composition import Production, flatten
from traceability.core.ground_records import Certificate, Taken
from traceability.core.lot_records import Lot, PoolRecord
from traceability.core.mass import leaf_pool
from traceability.core.outcome import Appended
from traceability.core.registry_records import TagRecord
from traceability.simulation.days import Days, Told

LOG = "ledger.example.org/days"
KG = 1_000_000_000
CARAT = 200_000
TABLE = [
    ("1 Feb tag_issue", "registry"),
    ("1 Feb tag_allocation", "registry"),
    ("9 Mar production", "collector"),
    ("14 Mar production", "agent"),
    ("15 Mar transfer", "agent"),
    ("15 Mar acceptance", "trader"),
    ("15 Mar payment", "trader"),
    ("15 Mar payment", "trader"),
    ("16 Mar correction", "agent"),
    ("18 Mar transfer", "trader"),
    ("18 Mar acceptance", "processor"),
    ("18 Mar retagging", "agent"),
    ("20 Mar transformation", "processor"),
    ("21 Mar inspection", "laboratory"),
    ("30 Mar transformation", "house"),
    ("2 Apr payment", "trader"),
    ("2 Apr combination", "exporter"),
    ("2 Apr split", "exporter"),
    ("5 Apr transformation", "house"),
    ("5 Apr inspection", "laboratory"),
    ("7 Apr reassignment", "police"),
    ("10 Apr certificate", "certifier"),
    ("12 Apr approval", "certifier"),
    ("20 Apr export", "exporter"),
    ("20 May transfer", "registry"),
    ("2 June import", "importer"),
]


class Judged:
    """The days, with the ledger as it stands after each event."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger(LOG, genesis=False)
        self.days = Days(seed=1, log=LOG, log_vkey=self.ledger.log_signer.verifier.encode())
        self.rules: set[str] = set()

    def take(self, told: Told) -> Appended:
        signed = told.signed
        for disclosure in signed.disclosures:
            events.check_disclosure(signed.event, *disclosure)
        outcome = self.ledger.take(signed.envelope, record_time=signed.record_time)
        assert isinstance(outcome, Appended), (told.row, outcome)
        assert outcome.stands
        self.rules = {finding.rule for finding in outcome.findings}
        return outcome

    def lots(self, name: str) -> list[Lot]:
        return [self.ledger.lot(lot.id) for lot in self.days.lots[name]]

    def party(self, name: str) -> str:
        return self.days.party(name)

    def held(self, lots: list[Lot], custodian: str, title: str) -> None:
        assert {lot.custodian for lot in lots} == {self.party(custodian)}
        assert {lot.title for lot in lots} == {self.party(title)}
        assert {lot.state for lot in lots} == {"held"}

    def tag(self, tag: str) -> TagRecord:
        record = self.ledger.state.records["tag", tag]
        assert isinstance(record, TagRecord)
        return record


def test_the_table_of_days_is_told_in_order_and_every_event_stands() -> None:
    """Each row is signed by whom the table says, and what stands after it is what the row says."""
    judged = Judged()
    told_rows = []
    last = 0
    for told in judged.days.tell():
        judged.take(told)
        assert told.signed.record_time >= last
        last = told.signed.record_time
        if told.row:
            told_rows.append((told.row, told.signed.event.party))
            assert told.signed.event.kind == KINDS.get(told.row, told.row.rpartition(" ")[2])
            if told.row in AFTER:
                AFTER[told.row](judged)
    assert told_rows == [(row, judged.party(signer)) for row, signer in TABLE]


def test_money_is_sealed_and_disclosed() -> None:
    """The price in its two parts and the royalty: who reads the entry reads whom it went to, not how much."""
    days = Judged().days
    paid = [told.signed for told in days.tell() if told.row.endswith("payment")]
    said = [signed.event.body for signed in paid]
    assert [(body.to, body.of, body.receipt_number) for body in said] == [
        ("seller", "price", None),
        ("seller", "price", None),
        ("state", "royalty", "22/118"),
    ]
    assert [[(path, value["value"]) for _, path, value in signed.disclosures] for signed in paid] == [
        [("/amount", "900.00")],
        [("/amount", "490.00")],
        [("/amount", "55.60")],
    ]


def after_the_bags_are_dug(judged: Judged) -> None:
    lots = judged.lots("bags")
    judged.held(lots, "cooperative", "cooperative")
    assert sum(lot.expected_ug for lot in lots) == 257 * KG
    assert lots[6].tags == ("rmb:RW0148223",)


def after_the_trader_weighed_them(judged: Judged) -> None:
    lots = judged.lots("bags")[:4]
    judged.held(lots, "trader", "trader")
    # 155.90 for 156.35 kg is inside the band: nothing is booked, the expected masses stay.
    assert sum(lot.expected_ug for lot in lots) == 156_350_000_000
    assert all(lot.reading is None for lot in lots)
    assert judged.rules == set()


def after_the_tag_is_put_right(judged: Judged) -> None:
    (seventh,) = judged.lots("bags")[6:]
    assert seventh.tags == ("rmb:RW0148232",)
    assert judged.tag("rmb:RW0148232").on == (seventh.id,)
    assert judged.tag("rmb:RW0148223").on == ()


def after_the_processor_took_them(judged: Judged) -> None:
    judged.held(judged.lots("bags")[:4], "processor", "trader")
    assert judged.rules == {"not_intact_on_arrival"}


def after_the_bag_burst(judged: Judged) -> None:
    third = judged.lots("bags")[2]
    assert third.tags == ("rmb:RW0148240",)
    assert third.expected_ug == 36_400_000_000
    assert third.lost_ug == 350_000_000


def after_the_washing(judged: Judged) -> None:
    (concentrate,), (tailings,) = judged.lots("concentrate"), judged.lots("tailings")
    judged.held([concentrate, tailings], "processor", "trader")
    assert {lot.state for lot in judged.lots("bags")[:4]} == {"ended"}
    # 156.00 kg were expected of the four; the outputs are 118.60 and 30.00 of the 155.20 weighed in.
    assert concentrate.expected_ug == 156 * KG * 11860 // 15520


def after_the_sample(judged: Judged) -> None:
    (concentrate,) = judged.lots("concentrate")
    assert concentrate.lost_ug == 200_000_000
    assert concentrate.custodian == judged.party("processor")


def after_the_stones_are_sorted(judged: Judged) -> None:
    (box,) = judged.lots("sorted")
    assert box.count == 311
    assert [item.number for item in box.items] == ["P-0", "P-1", "P-2"]
    assert sum(item.mass_ug for item in box.items) == 705 * CARAT // 100
    parcels = judged.lots("stones")
    assert len(parcels) == 9
    assert sum(lot.count or 0 for lot in parcels) == 312


def after_the_heap(judged: Judged) -> None:
    (heap,) = judged.lots("heap")
    judged.held([heap], "exporter", "exporter")
    assert heap.reading == "9900000"
    assert judged.rules == {"gain_stated"}


def after_the_drums_are_filled(judged: Judged) -> None:
    drums = judged.lots("drums")
    assert len(drums) == 20
    judged.held(drums, "exporter", "exporter")
    composition = flatten([part for lot in drums for part in lot.content], pools(judged))
    sites = {leaf.site for leaf in composition if isinstance(leaf, Production)}
    assert len(sites) == 2
    assert sum(composition.values()) == sum(lot.expected_ug for lot in drums)
    # The four bags of the hill, and the 399 of the far hill, are all in it.
    assert sum(isinstance(leaf, Production) for leaf in composition) == 403


def after_the_melt(judged: Judged) -> None:
    (dore,) = judged.lots("dore")
    assert (dore.form, dore.lowest_ug) == ("dore", 1_127_900_000)
    assert len(judged.lots("sachets")) == 41
    assert sum(lot.lowest_ug for lot in judged.lots("sachets")) == 1_204_600_000


def after_the_seizure(judged: Judged) -> None:
    judged.held(judged.lots("bags")[4:], "registry", "registry")


def after_the_export(judged: Judged) -> None:
    drums = judged.lots("drums")
    assert {lot.state for lot in drums} == {"exported"}
    assert {lot.importer for lot in drums} == {judged.party("importer")}
    assert certificate(judged).drawn == Taken(9900 * KG, (judged.ledger.entries[-1].event_id,))


def certificate(judged: Judged) -> Certificate:
    (found,) = [r for r in judged.ledger.state.records.values() if isinstance(r, Certificate)]
    return found


def after_the_certificate_is_issued(judged: Judged) -> None:
    issued = certificate(judged)
    assert issued.lots == tuple(sorted(lot.id for lot in judged.lots("drums")))
    assert (issued.mass_ug, issued.origins, issued.until) == (9900 * KG, ("RW",), "2026-07-09")
    assert issued.valid_by is None


def after_the_second_officer(judged: Judged) -> None:
    issued, approval = certificate(judged), judged.ledger.entries[-1]
    assert issued.valid_by == approval.event_id
    assert approval.event.party == issued.certifier
    assert approval.event.key != issued.key


def after_the_ministry_sells(judged: Judged) -> None:
    lots = judged.lots("bags")[4:]
    assert {lot.state for lot in lots} == {"offered"}
    assert all(lot.offer is not None and lot.offer.recipient == judged.party("bidder") for lot in lots)
    assert judged.rules == {"lot_without_tag"}  # of doré and stones that lie there since March


def after_the_arrival(judged: Judged) -> None:
    drums = judged.lots("drums")
    judged.held(drums, "importer", "exporter")
    # 9,872 kg for 9,900 is inside the band.
    assert not {"mass_lost", "mass_gained"} & judged.rules


def pools(judged: Judged) -> Callable[[str], object]:
    records = judged.ledger.state.records

    def read(pool_id: str) -> object:
        lot, _, number = pool_id.partition(":")
        if number == "0":
            return leaf_pool(judged.ledger.lot(lot))
        record = records["pool", pool_id]
        assert isinstance(record, PoolRecord)
        return record.pool

    return read


KINDS = {"2 Apr combination": "transformation", "2 Apr split": "transformation"}
AFTER = {
    "14 Mar production": after_the_bags_are_dug,
    "15 Mar acceptance": after_the_trader_weighed_them,
    "16 Mar correction": after_the_tag_is_put_right,
    "18 Mar acceptance": after_the_processor_took_them,
    "18 Mar retagging": after_the_bag_burst,
    "20 Mar transformation": after_the_washing,
    "21 Mar inspection": after_the_sample,
    "30 Mar transformation": after_the_stones_are_sorted,
    "2 Apr combination": after_the_heap,
    "2 Apr split": after_the_drums_are_filled,
    "5 Apr transformation": after_the_melt,
    "7 Apr reassignment": after_the_seizure,
    "10 Apr certificate": after_the_certificate_is_issued,
    "12 Apr approval": after_the_second_officer,
    "20 Apr export": after_the_export,
    "20 May transfer": after_the_ministry_sells,
    "2 June import": after_the_arrival,
}
