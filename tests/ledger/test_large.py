"""A heap of four hundred bags and a shipment of a thousand, each one event, on both databases."""

import pytest
from sending import recorded

from both import verify
from oracle import Replayed
from traceability.core import fold
from traceability.core.composition import flatten, parts_ug
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger.reader import Reader
from trade import LOG_SIGNER, Pen, accept, bag, kilograms, offer, produce


def _bags(ledger, office, count: int):
    """An exporter who holds `count` bags of two cooperatives, with their heads."""
    first, second, exporter = Pen("first"), Pen("second"), Pen("exporter")
    enrolments = [office.enrol(pen, "miner") for pen in (first, second)]
    recorded(ledger, *enrolments, office.enrol(exporter, "exporter", "processor"))
    held = []
    for day in range(count // 100):
        pen = (first, second)[day % 2]
        made = produce(pen, *(f"{20 + n % 30}.{n % 10}" for n in range(100)))
        given = offer(pen, exporter.party, [(made.id, lot) for lot in made.lots])
        taken = accept(exporter, [(given.id, lot) for lot in made.lots])
        recorded(ledger, made, given, taken)
        held += [(taken.id, lot) for lot in made.lots]
    return exporter, held


def _mass_g(n: int) -> int:
    return (20 + n % 30) * 1000 + (n % 10) * 100


def test_four_hundred_bags_become_one_heap_and_twenty_drums(ledger, office):
    """The heap holds each bag's ore to the microgram, and so do the drums it is split into."""
    exporter, held = _bags(ledger, office, 400)
    total_g = 4 * sum(_mass_g(n) for n in range(100))
    heap = exporter.sign(
        "transformation",
        {
            "source": "device",
            "type": "combination",
            "outputs": [bag(f"{total_g // 1000}.{total_g % 1000:03}")],
            "share_by": "mass",
        },
        held,
    )
    drum_g = total_g // 20
    drums = exporter.sign(
        "transformation",
        {
            "source": "device",
            "type": "split",
            "outputs": [bag(f"{drum_g // 1000}.{drum_g % 1000:03}") for _ in range(20)],
            "share_by": "mass",
        },
        [(heap.id, heap.lots[0])],
    )
    recorded(ledger, heap, drums)
    replayed = Replayed()
    with ledger.store.read() as view:
        for row in view.all("SELECT idx, record_time, payload, signature, blind FROM entry ORDER BY idx"):
            replayed.take(*row)
    lots = {lot.id: lot for lot in replayed.lots()}
    parts = [part for drum in drums.lots for part in lots[drum].content]
    together = flatten(parts, replayed.pool)
    assert sorted(together.values()) == sorted(4 * [_mass_g(n) * 1_000_000 for n in range(100)])
    one = lots[drums.lots[7]]
    assert sum(flatten(one.content, replayed.pool).values()) == one.expected_ug == parts_ug(one.content)
    assert len(flatten(one.content, replayed.pool)) == 400


@pytest.mark.threat("T76")
def test_a_shipment_of_a_thousand_lots_is_one_event_and_one_file(ledger, office):
    """A thousand bags leave in one export; its evidence leads each of them back to where it was dug."""
    exporter, held = _bags(ledger, office, 1000)
    total_g = 10 * sum(_mass_g(n) for n in range(100))
    export = exporter.sign(
        "export",
        {
            "region": "RW-01",
            "source": "device",
            "destination": "MY",
            "weighings": [kilograms(f"{total_g // 1000}.{total_g % 1000:03}", [lot for _, lot in held])],
            "shipped": "2026-04-20",
        },
        held,
        sealed={"/importer": {"name": "Smelter", "legal_address": {"country": "MY", "locality": "Penang"}}},
    )
    (answer,) = recorded(ledger, export)
    assert answer.stands
    assert len(fold.touches(export.event)) > 1000
    report = verify(
        Reader(ledger.store).evidence(event=export.id), TrustPolicy.without_witnesses([LOG_SIGNER.verifier])
    )
    assert report.exit_code == 0, report.why
    assert {lot.lot for lot in report.lots} == {lot for _, lot in held}
