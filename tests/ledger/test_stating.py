"""Findings over sealed values: what is noticed, what is signed, and that whoever has the values computes the same."""

from typing import Any

import pytest
from sending import recorded, sent, traders

from commands import SETTINGS, Done
from traceability.core.events import Finding as FindingEvent
from traceability.core.findings import stated
from traceability.core.findings.stated import Disclosed, inputs_digest
from traceability.core.ids import EventId, derive
from traceability.ledger import fsck
from traceability.ledger.reader import Reader
from traceability.ledger.stating import to_state
from trade import LOG, LOG_SIGNER, Pen, Signed, bag, kilograms, nonce, offer, produce

DOLLARS = {"type": "price", "mineral": "cassiterite", "currency": "USD", "unit": "TNE", "value": "20000"}


def reference(office: Any, **more: Any) -> Signed:
    """A price of 20 USD a kilogram, or another figure."""
    span = {"from": "2026-03-01", "until": "2026-03-31", "source_text": "bulletin"}
    body = {name: value for name, value in {**DOLLARS, **span, **more}.items() if value is not None}
    return office.operator.sign("reference", body)


def sale(giver: Pen, taker: Pen, made: Signed, value: str, currency: str = "USD") -> Signed:
    """The first lot is sold at a price for all of it."""
    body = offer(giver, taker.party, [(made.id, made.lots[0])]).event.body.model_dump(
        by_alias=True, exclude_none=True
    )
    prices = [{"lots": [made.lots[0]], "price": {"currency": currency, "value": value}}]
    return giver.sign("transfer", body, [(made.id, made.lots[0])], sealed={"/prices": prices})


def noticed(ledger: Any) -> list[tuple[str, dict[str, str]]]:
    return [(each.rule, dict(each.figures)) for each in to_state(ledger.store)]


@pytest.mark.parametrize(
    ("value", "currency", "side"),
    [
        ("10.00", "USD", None), ("9.99", "USD", "below"), ("40.00", "USD", None), ("40.01", "USD", "above"),
        ("6000", "XAF", None), ("5999", "XAF", "below"), ("1", "EUR", None),
    ],
)  # fmt: skip
def test_prices_are_held_against_the_days_reference(ledger, office, value, currency, side):
    """Of a kilogram worth 20 dollars: half and twice are within the band; by the day's rate, where one was stated."""
    miner, trader = traders(ledger, office, "miner", "trader")
    made = produce(miner, "1.00")
    rate = reference(office, type="exchange_rate", mineral=None, currency="XAF", unit="USD", value="600")
    recorded(ledger, reference(office), rate, made, sale(miner, trader, made, value, currency))
    found = noticed(ledger)
    assert [figures["side"] for rule, figures in found if rule == "price_out_of_line"] == [side] * bool(side)
    assert value not in repr(found), "a finding tells no price"


def test_a_price_of_another_month_compares_with_nothing(ledger, office):
    """Without a reference for the day nothing is said."""
    miner, trader = traders(ledger, office, "miner", "trader")
    made = produce(miner, "1.00")
    april = reference(office, **{"from": "2026-04-01", "until": "2026-04-30"})
    recorded(ledger, april, made, sale(miner, trader, made, "0.01"))
    assert noticed(ledger) == []


@pytest.mark.parametrize(("value", "named"), [("14000", False), ("13999", True)])
def test_a_value_declared_far_below_the_market(ledger, office, value, named):
    """A tonne worth 20,000 dollars leaves for less than seven tenths of it."""
    (miner,) = traders(ledger, office, "miner")
    made = produce(miner, "1000.00")
    body = {
        "region": "RW-04", "source": "device", "destination": "MY", "shipped": "2026-03-20",
        "weighings": [kilograms("1000.00", made.lots)],
    }  # fmt: skip
    sealed = {
        "/value": {"currency": "USD", "value": value},
        "/importer": {"name": "S", "legal_address": {"country": "MY", "locality": "P"}},
    }
    export = miner.sign("export", body, [(made.id, made.lots[0])], sealed=sealed)
    recorded(ledger, reference(office), made, export)
    assert [rule for rule, _ in noticed(ledger)] == ["undervalued"] * named


def dug(
    pen: Pen, number: str, name: str = "Jean Mbéré", time: str = "2026-03-14T10:00:00Z", **more: Any
) -> Signed:
    body = {"region": "RW-04", "source": "device", "lots": [bag("10.00")], **more}
    person = {"name": name, "id_number": number}
    return pen.sign("production", body, sealed={"/miner": person}, time=time)


def registered(office: Any, holder: str) -> tuple[str, Signed]:
    own = nonce()
    site = derive("site", office.registrar.key.id, own)
    body = {
        "site": site, "nonce": own, "type": "site", "name": "P", "country": "RW", "region": "RW-04", "holder": holder,
        "minerals": ["cassiterite"], "mining_method": "artisanal", "activity": "active", "from": "2026-01-01",
    }  # fmt: skip
    position = {"latitude_e7": 1, "longitude_e7": 2, "by": "gps"}
    return site, office.registrar.sign("site_registration", body, sealed={"/position": position})


def test_ghosts_among_miners(ledger, office):
    """One card under several names, or on two sites in one day, is noticed; one miner who digs every day is not."""
    (miner,) = traders(ledger, office, "miner")
    honest = [dug(miner, "CF 1-23", time=f"2026-03-{day}T10:00:00Z") for day in (10, 11, 12)]
    recorded(ledger, *honest, dug(miner, "cf123", "mbere JEAN"))
    assert noticed(ledger) == [], "spelt otherwise it is the same card and the same name"
    recorded(ledger, dug(miner, "CF 1-23", "Paul Ngo"))
    ((rule, figures),) = noticed(ledger)
    assert (rule, figures) == ("identity_shared", {"names": "2", "parties": "0", "sites": "0"})
    (a, first), (b, second) = registered(office, miner.party), registered(office, miner.party)
    recorded(ledger, first, second, dug(miner, "7", site=a), dug(miner, "7", site=b))
    assert ("identity_shared", {"names": "1", "parties": "0", "sites": "2"}) in noticed(ledger)


def test_the_command_signs_what_it_finds_once(ledger, office, url, guard, tmp_path, monkeypatch, capfd):
    """The operator's key signs each finding; its digest is that of the values; a second run states nothing."""
    miner, trader = traders(ledger, office, "miner", "trader")
    made = produce(miner, "1.00")
    sold = sale(miner, trader, made, "1.00")
    recorded(ledger, reference(office), made, sold, dug(miner, "9", "A"), dug(miner, "9", "B"))
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "log-key").write_text(LOG_SIGNER.encode())
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("LOG_KEY", str(tmp_path / "log-key"))
    monkeypatch.setenv("GUARD", str(tmp_path / "state" / "guard"))
    key = tmp_path / "operator.pem"
    key.write_bytes(f"party: {office.operator.party}\nlog: {LOG}\n".encode() + office.operator.key.to_pem())

    dry = Done(capfd, "findings")
    assert dry.code == 0
    assert [line.split()[0] for line in dry.out.splitlines()] == ["identity_shared", "price_out_of_line"]
    with ledger.store.read() as view:
        before = view.head().size
    assert Done(capfd, "findings", "--key", key).code == 0
    assert Done(capfd, "findings", "--key", key).out == ""
    with ledger.store.read() as view:
        assert view.head().size == before + 2

    reader = Reader(ledger.store)
    entries = [reader.entry(index) for index in (before, before + 1)]
    priced = next(e for e in entries if e.event.body.rule == "price_out_of_line")
    assert isinstance(priced.event, FindingEvent)
    assert [f.rule for f in priced.findings] == ["price_out_of_line"]
    salt, path, value = next(each for each in sold.disclosures if each[1] == "/prices")
    recomputed = inputs_digest([Disclosed(EventId(sold.id), sold.event, salt, path, value)])
    assert priced.event.body.inputs_digest == recomputed
    assert "price_out_of_line" in [noted.finding.rule for noted in reader.findings(("lot", made.lots[0]))]
    assert fsck.check(ledger.store, guard).verdict == "good"


def test_only_the_operator_states(ledger, office):
    """Anybody else's finding is refused, and a rule that reads nothing sealed is not stated."""
    (miner,) = traders(ledger, office, "miner")
    made = produce(miner, "1.00")
    recorded(ledger, made)
    finding = stated.ToState("undervalued", "severe", (("lot", made.lots[0]),), (EventId(made.id),), (), ())
    (answer,) = ledger.append([sent(miner.sign("finding", finding.body(1)))])
    assert answer.name == "role_missing"
    own = finding._replace(rule="mass_gained")
    (answer,) = ledger.append([sent(office.operator.sign("finding", own.body(1)))])
    assert answer.name == "no_such_rule"
