"""What goes wrong between people and States, and how it is looked into: reports, holds, rules, audits, erasures.

Each is told once in every season, and the commonest again and again in a long one. Nobody is accused: what is
reported is answered, what is held is released, what is lost is made void.
"""

import hashlib
from collections.abc import Generator
from typing import Any

from traceability.core.findings.stated import digest_of
from traceability.core.leaf import time_text
from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.digging import buy_from_digger, dig
from traceability.simulation.handing import accept, offer
from traceability.simulation.papers import day, license_, pay
from traceability.simulation.pen import DAY, HOUR, Lot, Written
from traceability.simulation.people import Party
from traceability.simulation.trade import daytime, put

Subject = tuple[str, str]


def report(by: Party, categories: list[str], *subjects: Subject, account: str, **more: Any) -> Written:
    """Somebody reports what happened; the account is sealed."""
    body = {
        "source": "device",
        "categories": categories,
        "subjects": [{"type": kind, "id": id_} for kind, id_ in subjects],
        "happened_from": day(by.world, -1),
        "reporter": "named",
        **more,
    }
    return by.write("incident", body, sealed={"/account": account})


def answer(by: Party, incident: Written, act: str, text: str, **more: Any) -> Written:
    """Somebody answers an incident, in public."""
    body = {"source": "device", "about": {"incident": incident.id}, "act": act, "public_text": text, **more}
    return by.write("response", body, after=incident.recorded)


def hold(by: Party, *subjects: Subject, after: int = 0, **more: Any) -> Written:
    """An authority holds something."""
    named = [{"type": kind, "id": id_} for kind, id_ in subjects]
    body = {"source": "device", "subjects": named, "ground": "investigation", **more}
    return by.write("hold", body, after=after)


def release(by: Party, held: Written, reason: str) -> Written:
    """It is released."""
    return by.write("release", {"source": "device", "hold": held.id, "reason": reason}, after=held.recorded)


def bought(cast: Cast, basin: Basin, number: int) -> Generator[int, None, list[Lot]]:
    """Bags that a trader of the basin buys, before something happens to them."""
    site, trader = basin.sites[0], basin.traders[0]
    bags = dig(site, number)
    yield daytime(cast.world, trader.place, DAY)
    offer(site.party, trader, bags, basin.ware)
    yield daytime(cast.world, trader.place, DAY)
    accept(trader, site.party, bags, basin.ware)
    return bags


def roadblock(cast: Cast, basin: Basin) -> Flow:
    """Soldiers take money for a passage. The trader records it sealed; the operator reports it for him, without his name."""
    world, trader, inspector = cast.world, basin.traders[0], cast.regulator(basin.kind.country)
    bags = yield from bought(cast, basin, 3)
    amount = {"currency": "USD", "value": f"{world.chance.randint(2, 9) * 5}.00"}
    pay(trader, amount, to="security_force", of="unofficial", lots=bags, sealed=True, method="cash")
    yield daytime(world, trader.place, 9 * HOUR)
    where = basin.sites[0].place.region
    account = "Barrière à la sortie du territoire, quatre hommes en uniforme ; 5 000 francs par sac."
    told = report(
        cast["operator"], ["illegal_tax", "security_force"], ("region", where),
        ("route", f"{where};{basin.house.place.region}"), account=account, reporter="anonymous", level=2, source="message",
        captured_time=_now(cast),
    )  # fmt: skip
    yield daytime(world, inspector.place, 3 * DAY)
    answer(inspector, told, "action_planned", "Mission mixte sur cet axe.", due=day(world, 21))
    yield daytime(world, inspector.place, 18 * DAY)
    answer(inspector, told, "action_done", "Barrière levée ; dossier transmis à l'auditorat.")
    yield daytime(world, inspector.place, 5 * DAY)
    answer(inspector, told, "checked", "Axe parcouru deux fois sans paiement.")
    put(trader, basin.ware, bags)


def doubted(cast: Cast, basin: Basin) -> Flow:
    """A neighbour says that a trader's bags are of another hill: they are held, looked into, and released."""
    world, trader = cast.world, basin.traders[0]
    regulator, reporter = cast.regulator(basin.kind.country), basin.agent
    bags = yield from bought(cast, basin, 4)
    lots = [("lot", bag.id) for bag in bags]
    account = "Les sacs viendraient de l'autre colline, d'après le gardien."
    told = report(reporter, ["false_origin"], *lots, ("site", basin.sites[0].id), account=account, level=3)
    yield daytime(world, regulator.place, 6 * HOUR)
    basis = {"legal_basis": "code minier, art. 192", "incident": told.id, "until": day(world, 30)}
    after = max(told.recorded, *(bag.recorded for bag in bags))
    held = hold(regulator, *lots, after=after, **basis)
    yield daytime(world, trader.place, 2 * DAY)
    answer(trader, told, "explanation", "Bordereaux et registre de la coopérative remis.")
    yield daytime(world, regulator.place, 6 * DAY)
    answer(
        regulator, told, "dismissed", "Registre, étiquettes et analyses concordent.", supports=[bags[0].head]
    )
    _free(release(regulator, held, "origine confirmée"), bags)
    put(trader, basin.ware, bags)


def _free(released: Written, bags: list[Lot]) -> None:
    for bag in bags:
        bag.recorded = max(bag.recorded, released.recorded)


def lost_tags(_: Cast, basin: Basin) -> Flow:
    """Some tags fell out of a bag on the way; the agent makes them void."""
    site = basin.sites[0]
    yield HOUR
    gone = site.use_tags(3)
    site.agent.write("tag_void", {"tags": gone, "reason": "lost", "noticed": day(site.agent.world)})


def struck_off(cast: Cast, basin: Basin) -> Flow:
    """A trader's licence is revoked; he trades no more."""
    world, kind = cast.world, basin.kind
    town, registrar = basin.traders[0].place, cast.registrar(kind.country)
    name = f"{basin.name} trader struck off {cast.certificates}"
    gone = cast.enrol(name, f"Comptoir {town.locality} n° 9", town, ("trader",))
    yield HOUR
    licence = license_(registrar, gone, "trader", [basin.ware.mineral])
    yield daytime(world, registrar.place, 40 * DAY)
    body = {"licence": licence.id, "from": day(world), "reason": "n'a pas d'activité à l'adresse déclarée"}
    registrar.write("licence_revocation", body, after=licence.recorded)


def new_rules(cast: Cast) -> Flow:
    """Licences of exporters have to stand in the ledger: the operator says so, and an authority agrees."""
    values = [{"rule": "licence_missing", "name": "export", "value": 1}]
    lists: dict[str, Any] = {"bands": [], "refusals": [], "times": [], "thresholds": values}
    written = cast["operator"].write("policy", {"from": day(cast.world), "country": "CD", **lists})
    yield daytime(cast.world, cast["auditor"].place, DAY)
    approval = {"event": written.id, "decision": "approved", "reason": "vu en comité"}
    cast["auditor"].write("approval", approval, after=written.recorded)


def erased(cast: Cast, basin: Basin) -> Flow:
    """A digger asks that his name and permit be erased; everything else stays, and still verifies."""
    collector = basin.traders[0]
    parcels = buy_from_digger(collector, basin.sites[0].place, basin.ware, 1, site=basin.sites[0])
    bought_by, recorded = parcels[0].head, parcels[0].recorded
    put(collector, basin.ware, parcels)
    yield daytime(cast.world, cast["operator"].place, 20 * DAY)
    body = {
        "event": bought_by,
        "paths": ["/miner", "/permit_number"],
        "ground": "request",
        "asked": day(cast.world, -6),
    }
    cast["operator"].write("redaction", body, after=recorded)


def audited(cast: Cast, basin: Basin) -> Flow:
    """An auditor says how a sample will be drawn before he draws it; then what came of it."""
    world, auditor, trader = cast.world, cast["auditor"], basin.traders[-1]
    bags = yield from bought(cast, basin, 4)
    put(basin.traders[0], basin.ware, bags)
    scope = [{"type": "party", "id": trader.id}, {"type": "site", "id": basin.sites[0].id}]
    body: dict[str, Any] = {"scope": scope, "from": day(world, -30), "until": day(world)}
    seed = f"tirage du {day(world)}"
    listed = hashlib.sha256("\n".join(sorted(bag.id for bag in bags)).encode()).hexdigest()
    plan = {"act": "plan", "seed": seed, "population": {"size": len(bags), "digest": listed}}
    told = auditor.write(
        "audit",
        {**body, **plan, "method": "Deux lots au hasard : bordereaux, étiquettes, pesée contradictoire."},
    )
    yield daytime(world, auditor.place, 12 * DAY)
    sample = sorted(bag.id for bag in bags)[:2]
    said = "Les deux lots sont retrouvés, les pesées concordent."
    after = max(told.recorded, *(bag.recorded for bag in bags))
    auditor.write("audit", {**body, "act": "result", "sample": sample, "conclusion": said}, after=after)


def cheap_but_wet(cast: Cast, basin: Basin) -> Flow:
    """A price far under the reference: the operator states it out of sealed values, the buyer explains it."""
    site, trader, world, ware = basin.sites[0], basin.traders[0], cast.world, basin.ware
    bags = dig(site, 2)
    yield daytime(world, trader.place, DAY)
    wet = ware._replace(cents=ware.cents * 46 // 100)
    sold = offer(site.party, trader, bags, wet)
    yield daytime(world, trader.place, DAY)
    accept(trader, site.party, bags, wet)
    yield daytime(world, cast["operator"].place, 2 * DAY)
    after = max(bag.recorded for bag in bags)
    stated = _state_price(cast, sold, bags, after)
    yield daytime(world, trader.place, 3 * DAY)
    about = {"rule": "price_out_of_line", "version": 1, "lot": bags[0].id, "events": [stated.id, sold.id]}
    text = "Minerai très humide, payé au poids sec après séchage."
    body = {"source": "device", "about": about, "act": "explanation", "public_text": text}
    trader.write("response", body, after=stated.recorded)
    put(trader, ware, bags)


def _state_price(cast: Cast, sold: Written, lots: list[Lot], after: int) -> Written:
    """The operator states what the rule on prices says of a sale whose price he was shown."""
    opened = [(sold.id, *disclosed) for disclosed in sold.disclosures if disclosed[1] == "/prices"]
    body = {
        "source": "device",
        "rule": "price_out_of_line",
        "version": 1,
        "subjects": [{"type": "lot", "id": lot_id} for lot_id in sorted(lot.id for lot in lots)],
        "events": [sold.id],
        "severity": "warning",
        "figures": [{"name": "below_ppm", "value": "500000"}, {"name": "side", "value": "below"}],
        "inputs_digest": digest_of(opened),
    }
    return cast["operator"].write("finding", body, after=after)


def _now(cast: Cast) -> str:
    return time_text(cast.world.now)
