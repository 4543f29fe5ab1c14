"""The miners' share of what a shipment was worth: who sees it, out of what, and what is named as not known."""

from typing import Any

import pytest
from world import World

from trade import Pen, Signed, accept, kilograms, offer, produce


def usd(value: str) -> dict[str, str]:
    return {"currency": "USD", "value": value}


def sale(giver: Pen, taker: Pen, made: Signed, prices: list[dict[str, Any]] | None) -> list[Signed]:
    offered = offer(giver, taker.party, [(made.id, lot) for lot in made.lots])
    body = offered.event.body.model_dump(by_alias=True, exclude_none=True)
    sealed = {"/prices": prices} if prices is not None else None
    offered = giver.sign("transfer", body, [(made.id, lot) for lot in made.lots], sealed=sealed)
    return [offered, accept(taker, [(offered.id, lot) for lot in made.lots])]


@pytest.fixture
def shipment(world: World) -> tuple[list[str], Signed, list[Signed]]:
    """Two bags Anna dug, sold to Ben for 300 and 100 dollars, mixed, and exported for 1,000."""
    anna, ben = world.anna, world.ben
    made = produce(anna, "30.00", "10.00")
    prices = [
        {"lots": [made.lots[0]], "price": usd("300")},
        {"lots": [made.lots[1]], "price": {"currency": "XAF", "value": "60000"}},
    ]
    sold = sale(anna, ben, made, prices)
    mix = ben.sign(
        "transformation",
        {
            "source": "device", "type": "combination", "share_by": "mass",
            "outputs": [produce(ben, "40.00").event.body.lots[0].model_dump(by_alias=True, exclude_none=True)],
        },
        [(sold[1].id, lot) for lot in made.lots],
    )  # fmt: skip
    body = {
        "region": "RW-04", "source": "device", "destination": "MY", "shipped": "2026-03-20",
        "weighings": [kilograms("40.00", mix.lots)],
    }  # fmt: skip
    address = {"name": "S", "legal_address": {"country": "MY", "locality": "P"}}
    export = ben.sign(
        "export", body, [(mix.id, mix.lots[0])], sealed={"/value": usd("1000"), "/importer": address}
    )
    paid = ben.sign(
        "payment",
        {
            "source": "device", "lots": list(mix.lots), "to": "state", "of": "royalty", "direction": "paid",
            "date": "2026-03-21",
        },
        sealed={"/amount": usd("35.50")},
    )  # fmt: skip
    world.take(made, *sold, mix, export, paid)
    return list(mix.lots), export, sold


@pytest.fixture(autouse=True)
def rate(world: World) -> None:
    body = {
        "type": "exchange_rate", "currency": "XAF", "unit": "USD", "value": "600", "from": "2026-01-01",
        "until": "2026-12-31", "source_text": "BEAC",
    }  # fmt: skip
    world.take(world.office.operator.sign("reference", body))


def test_the_share_of_the_miners(world, client, shipment):
    """Who may see prices gets 400 of 1,000 dollars: of the lot, and of the shipment; with the royalty paid on it."""
    (lot,), export, _ = shipment
    for path in (f"/v1/lots/{lot}/money", f"/v1/events/{export.id}/money"):
        money = client.read(world.auditor, path).json()
        assert (money["paid_to_miners_usd"], money["exported_usd"]) == ("400.00", "1000.00")
        assert (money["known_ppm"], money["miners_share_ppm"]) == (1_000_000, 400_000)
        assert [(p["to"], p["of"], p["usd"]) for p in money["payments"]] == [("state", "royalty", "35.50")]
        assert money["missing_count"] == 0


def test_prices_are_for_who_may_see_them(world, client, shipment):
    """The exporter, who bought, sees it; the miner sees his prices and not what Ben sold for; a stranger nothing."""
    (lot,), _, _ = shipment
    assert client.read(world.ben, f"/v1/lots/{lot}/money").json()["miners_share_ppm"] == 400_000
    for pen in (world.anna, world.carl):
        assert client.read(pen, f"/v1/lots/{lot}/money").status_code == 404
    assert client.get(f"/v1/lots/{lot}/money").status_code == 404
    money = client.read(world.office.operator, f"/v1/lots/{lot}/money").json()
    assert money["paid_to_miners_usd"] == "0.00"
    assert {each["reason"] for each in money["missing"]} == {"withheld"}
    assert money["exported_reason"] == "withheld"
    assert [(p.get("usd"), p["reason"]) for p in money["payments"]] == [(None, "withheld")]
    assert "miners_share_ppm" not in money


def test_what_is_not_known_is_named(world, client, shipment):
    """A redacted price and one in a currency without a rate are named; the rest is a lower bound."""
    (lot,), _, sold = shipment
    body = {"event": sold[0].id, "paths": ["/prices"], "ground": "request"}
    world.take(world.office.operator.sign("redaction", body))
    money = client.read(world.auditor, f"/v1/lots/{lot}/money").json()
    assert (money["paid_to_miners_usd"], money["known_ppm"], money["missing_count"]) == ("0.00", 0, 2)
    assert {each["reason"] for each in money["missing"]} == {"erased"}
    assert money["exported_usd"] == "1000.00"
    assert "miners_share_ppm" not in money
    history = client.read(world.auditor, f"/v1/events/{sold[0].id}").json()
    assert history["withheld"] == ["/prices"]


@pytest.mark.parametrize(
    ("prices", "reason"),
    [(None, "no_price"), ([{"price": {"currency": "EUR", "value": "5"}}], "no_rate")],
)
def test_reasons(world, client, prices, reason):
    """Nothing said, or nothing to convert it by."""
    made = produce(world.anna, "5.00")
    listed = None if prices is None else [{**line, "lots": list(made.lots)} for line in prices]
    world.take(made, *sale(world.anna, world.ben, made, listed))
    money = client.read(world.ben, f"/v1/lots/{made.lots[0]}/money").json()
    assert [each["reason"] for each in money["missing"]] == [reason]
    assert money["exported_reason"] == "no_price"


def test_a_corrected_price_counts(world, client):
    """A price put right by a new commitment is the price."""
    made = produce(world.anna, "5.00")
    sold = sale(world.anna, world.ben, made, [{"lots": list(made.lots), "price": usd("50")}])
    right = [{"lots": list(made.lots), "price": usd("55")}]
    body = {"event": sold[0].id, "reason": "incorrect_data", "fields": [{"path": "/prices"}]}
    world.take(made, *sold, world.anna.sign("correction", body, sealed={"/fields/0/is": right}))
    money = client.read(world.ben, f"/v1/lots/{made.lots[0]}/money").json()
    assert money["paid_to_miners_usd"] == "55.00"
