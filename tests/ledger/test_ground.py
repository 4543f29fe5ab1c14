"""The ground in a real ledger: what rules notice of sites, licences, zones and holds is stored, and found again."""

import pytest
from sending import recorded

from traceability.core.ids import derive
from traceability.ledger import fsck, replay
from traceability.ledger.rebuild import rebuild
from trade import Pen, nonce, offer, produce

MINED = "2026-03-10"


@pytest.fixture
def ground(ledger, office):
    """A mine whose colour, licence, zone and holds are told before and after its ore was dug; and its last lots."""
    miner, trader = Pen("miner"), Pen("trader")
    say = office.registrar.sign
    recorded(ledger, office.enrol(miner, "miner"), office.enrol(trader, "trader"))
    fresh = nonce()
    site = derive("site", office.registrar.key.id, fresh)
    quota = {
        "mass": {"unit": "KGM", "value": "50"},
        "mineral": "cassiterite",
        "from": "2026-01-01",
        "until": "2026-12-31",
    }
    licence = say(
        "licence_grant",
        {
            "party": miner.party, "type": "mining_licence", "number": "7", "authority": "RMB", "granted": "2026-01-01",
            "minerals": ["cassiterite"], "quota": quota,
        },
    )  # fmt: skip
    registration = {
        "site": site, "nonce": fresh, "type": "site", "name": "Rutongo", "country": "RW", "region": "RW-04",
        "minerals": ["cassiterite"], "mining_method": "artisanal", "activity": "active", "holder": miner.party,
        "licences": [licence.id], "from": "2026-01-10",
    }  # fmt: skip
    position = {"latitude_e7": -18_000_000, "longitude_e7": 300_000_000, "accuracy_m": 10, "by": "gps"}
    inspection = {"site": site, "number": "JM-1", "agency": "RMB"}
    sealed = {"/inspector": {"name": "Jeanne M."}}
    zone = {
        "name": "forest",
        "type": "protected",
        "regions": ["RW-04"],
        "source_text": "decree 12",
        "from": "2026-03-01",
    }
    green = {**inspection, "date": "2026-02-01", "status": "green", "status_from": "2026-02-01"}
    red = {**inspection, "date": "2026-04-01", "status": "red", "status_from": "2026-03-01"}
    made = [produce(miner, "30.00", "25.00", site=site), produce(miner, "20.00", site=site)]
    pairs = [(one.id, lot) for one in made for lot in one.lots]
    held = {"source": "device", "subjects": [{"type": "site", "id": site}], "ground": "investigation"}
    recorded(
        ledger,
        licence,
        say("site_registration", registration, sealed={"/position": position}),
        say("site_inspection", green, sealed=sealed),
        *made,
        say("site_inspection", red, sealed=sealed),
        say("zone", zone),
        say("licence_revocation", {"licence": licence.id, "from": "2026-03-01"}),
        say("hold", held, time="2026-03-12T08:00:00Z"),
        offer(miner, trader.party, pairs),
    )
    ledger.lots = [lot for _, lot in pairs]
    return ledger


def noticed(ledger):
    """What each entry was noticed for: rules and lots, in order."""
    with ledger.store.read() as view:
        found = [view.findings(index) for index in range(view.head().size)]
    return [(f.rule, {id_ for kind, id_ in f.subjects if kind == "lot"}) for each in found for f in each]


def test_the_store_keeps_what_rules_notice_and_what_they_need(ground, guard):
    """Quota, later status, later zone, later revocation, hold: each on its lots; fsck finds every record in place."""
    first, second, third = ground.lots
    found = noticed(ground)
    everything = {first, second, third}
    assert ("quota_exceeded", {first, second}) in found
    for rule in ("site_changed_later", "zone_declared_later", "licence_revoked_later", "moved_under_hold"):
        assert (rule, everything) in found, rule
    report = fsck.check(ground.store, guard)
    assert (report.verdict, report.damages) == ("good", ())


def test_rebuilding_gives_the_same(ground, guard):
    """Every record and finding follows from the log."""
    before = noticed(ground)
    rebuild(ground.store)
    assert noticed(ground) == before
    assert fsck.check(ground.store, guard).verdict == "good"


def test_other_processes_find_the_same(ground, guard, monkeypatch):
    """Checked in chunks by several processes, productions of a site are found by day all the same."""
    monkeypatch.setattr(replay, "AHEAD_FROM", 1)
    monkeypatch.setattr(replay, "CHUNK", 4)
    assert fsck.check(ground.store, guard).verdict == "good"
