"""What is not as it should be: one story for each thing a ledger has to bear, and each is told to its end.

Some are fraud, some mistakes, some bad luck. The fold takes all of them; what is odd ends in a finding.
Each is told of one basin: once in every season, and again and again in a long one (`mishaps`).
"""

from dataclasses import replace
from typing import Any

from traceability.core.leaf import time_text
from traceability.simulation import names
from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.digging import buy_from_digger, dig, take_in
from traceability.simulation.handing import (
    accept,
    offer,
    reassign,
    retag,
    withdraw,
)
from traceability.simulation.leaving import close
from traceability.simulation.pen import DAY, HOUR, TOWN, Pen
from traceability.simulation.people import enrol, key, new_key
from traceability.simulation.trade import (
    daytime,
    put,
)
from traceability.simulation.wares import KILOGRAM


def filled_up(cast: Cast, basin: Basin) -> Flow:
    """A bag that weighs three per cent more at the plant than when it was sold."""
    world = cast.world
    ware, site, trader, house = basin.ware, basin.sites[-1], basin.traders[-1], basin.house
    bags = dig(site, 4)
    yield daytime(world, trader.place, DAY)
    offer(site.party, trader, bags, ware)
    yield daytime(world, trader.place, DAY)
    accept(trader, site.party, bags, ware)
    yield daytime(world, trader.place, 2 * DAY)
    bags[2].mass_ug += bags[2].mass_ug * 3 // 100
    offer(trader, house, bags, ware)
    yield daytime(world, house.place, DAY)
    accept(house, trader, bags, ware, conditions=[{"lots": [bags[2].id], "seal": "broken"}])
    put(house, ware, bags)


def one_tag_two_bags(_: Cast, basin: Basin) -> Flow:
    """The same tag on two bags of two days."""
    site = basin.sites[0]
    bags = dig(site, 3)
    yield 2 * DAY
    site.tags.appendleft(bags[1].tags[0])
    put(site.party, site.ware, [*bags, *dig(site, 2)])


def two_phones(cast: Cast, basin: Basin) -> Flow:
    """A trader sells the same bags with each of his two phones, and takes one sale back."""
    world = cast.world
    ware, site, trader, house = basin.ware, basin.sites[0], basin.traders[0], basin.house
    other = basin.exporter if basin.traders[-1] is trader else basin.traders[-1]
    second = key(world.seed, f"{trader.name} phone {len(trader.pens) + 1}")
    body = {"party": trader.id, "key": new_key(second, world.log, trader.id), "reason": "second_device"}
    holder = names.person(world.chance, trader.place.country)
    added = trader.write("key_addition", body, sealed={"/key/holder": holder})
    pen = Pen(world, trader.id, second, TOWN)
    pen.wait(added.recorded)
    trader.pens.append(pen)
    bags = dig(site, 2)
    yield daytime(world, trader.place, DAY)
    offer(site.party, trader, bags, ware)
    yield daytime(world, trader.place, DAY)
    accept(trader, site.party, bags, ware)
    yield daytime(world, trader.place, 3 * DAY)
    # The second phone still sees the bags where they lay before the first one offered them.
    as_seen = [replace(bag) for bag in bags]
    first = offer(trader, house, bags, ware)
    yield 2 * HOUR
    for bag in as_seen:
        bag.recorded = first.recorded
    lost = offer(trader, other, as_seen, ware, pen=pen)
    yield daytime(world, house.place, DAY)
    for bag in bags:
        bag.recorded = lost.recorded
    accept(house, trader, bags, ware)
    put(house, ware, bags)
    yield daytime(world, trader.place, 9 * DAY)
    trader.write("correction", {"event": lost.id, "reason": "did_not_occur"}, after=lost.recorded)


def lost_phone(cast: Cast, basin: Basin) -> Flow:
    """An agent's second phone is lost and its key revoked; what was on it comes in weeks later."""
    world = cast.world
    agent, registrar = basin.agent, cast.registrar(basin.kind.country)
    site = next(site for site in reversed(basin.sites) if site.party.pen.party == agent.id)
    second = key(world.seed, f"{agent.name} phone {len(agent.pens) + 1}")
    body: dict[str, Any] = {"party": agent.id, "key": new_key(second, world.log, agent.id)}
    holder = names.person(world.chance, agent.place.country)
    added = registrar.write(
        "key_addition", {**body, "reason": "second_device"}, sealed={"/key/holder": holder}
    )
    yield daytime(world, site.place, 3 * DAY)
    pen = Pen(world, agent.id, second, TOWN)
    agent.pens.append(pen)
    bags = dig(site, 3, pen=pen, signal=world.now + 26 * DAY)
    yield daytime(world, registrar.place, 2 * DAY)
    body = {"key": second.id, "reason": "lost", "trusted_until": time_text(world.now - DAY)}
    registrar.write("key_revocation", body, after=added.recorded)
    # Nobody trades bags the ledger has not heard of yet.
    yield 24 * DAY
    put(site.party, site.ware, bags)


def old_stock(cast: Cast, basin: Basin) -> Flow:
    """Bags from before the ledger, counted and approved; and bags of another scheme that nobody approved."""
    world = cast.world
    trader, regulator = basin.traders[-1], cast.regulator(basin.kind.country)
    lots, written = take_in(
        trader, basin.ware, [31 * KILOGRAM, 28 * KILOGRAM, 35 * KILOGRAM], "earlier_stock"
    )
    put(trader, basin.ware, lots)
    yield daytime(world, regulator.place, 4 * DAY)
    body = {"event": written.id, "decision": "approved", "reason": "compte rendu de comptage vu"}
    regulator.write("approval", body, after=written.recorded)
    yield daytime(world, trader.place, 20 * DAY)
    other = cast.basin("rulindo")
    lots, _ = take_in(other.traders[0], other.ware, [26 * KILOGRAM, 24 * KILOGRAM], "other_scheme")
    put(other.traders[0], other.ware, lots)


def never_came(_: Cast, basin: Basin) -> Flow:
    """An offer nobody answers, withdrawn after its day."""
    site, trader = basin.sites[-1], basin.traders[0]
    bags = dig(site, 2)
    yield 4 * HOUR
    offer(site.party, trader, bags, basin.ware, days=5)
    yield 7 * DAY
    withdraw(site.party, bags, "never_came")
    put(site.party, basin.ware, bags)


def seizure(cast: Cast, basin: Basin) -> Flow:
    """The mines police become an inspectorate, by a quorum; they seize two parcels, later given back."""
    world = cast.world
    police, ministry, collector = cast["police"], cast["cf mines"], basin.traders[0]
    body = {"party": police.id, "add": ["inspectorate"], "from": time_text(world.now)[:10]}
    change = ministry.write("role_change", {**body, "reason": "arrêté 014"})
    for name in ("rw mines", "cd inspection"):
        yield daytime(world, cast[name].place, 7 * HOUR)
        cast[name].write("approval", {"event": change.id, "decision": "approved"}, after=change.recorded)
    yield daytime(world, collector.place, 6 * DAY)
    parcels = buy_from_digger(collector, collector.place, basin.ware, 2, site=basin.sites[0])
    yield daytime(world, police.place, 5 * DAY)
    reassign(police, parcels, ministry, "seizure", basis="code minier, art. 191", number="PV 2/071")
    yield daytime(world, ministry.place, 30 * DAY)
    reassign(ministry, parcels, collector, "given_back", basis="décision de mainlevée", number="DM 2/018")
    put(collector, basin.ware, parcels)


def burst_bag(cast: Cast, basin: Basin) -> Flow:
    """A bag bursts on the road: part is spilled, the rest gets a new tag."""
    world = cast.world
    ware, site, trader = basin.ware, basin.sites[0], basin.traders[-1]
    bags = dig(site, 2)
    yield daytime(world, site.place, DAY)
    offer(site.party, trader, bags, ware, weigh=True)
    yield 3 * HOUR
    (new,) = site.use_tags(1)
    retag(basin.agent, bags[0], bags[0].tags[0], "destroyed", new, "burst", spilled_ug=340_000_000)
    yield 5 * HOUR
    accept(trader, site.party, bags, ware)
    put(trader, ware, bags)


def wrong_number(_: Cast, basin: Basin) -> Flow:
    """A tag's number typed wrongly, noticed in the evening and put right."""
    site = basin.sites[-1]
    right, wrong = site.tags[2], site.tags[9]
    site.tags[2], site.tags[9] = wrong, right
    bags = dig(site, 3)
    site.tags.remove(right)
    site.tags.append(wrong)
    yield 6 * HOUR
    fields = [{"path": "/lots/2/tags/0", "is": right}]
    body = {"event": bags[2].head, "reason": "incorrect_data", "fields": fields}
    written = site.party.pen.write("correction", body, after=bags[2].recorded)
    bags[2].tags, bags[2].recorded = [right], written.recorded
    put(site.party, site.ware, bags)


def robbed(cast: Cast, basin: Basin) -> Flow:
    """Gold taken from its buyer on the way home."""
    world = cast.world
    site, collector = basin.sites[0], basin.traders[0]
    sachets = dig(site, 2)
    yield 3 * HOUR
    offer(site.party, collector, sachets, basin.ware)
    yield daytime(world, collector.place, DAY)
    close(collector, sachets, "stolen", "reported at the gendarmerie post")


def fast_clock(cast: Cast, basin: Basin) -> Flow:
    """A phone whose clock is three hours ahead counts its owner's stock."""
    world, trader = cast.world, basin.traders[0]
    while not trader.pen.idle:
        yield HOUR
    trader.pen.ahead = 3 * HOUR
    body = {"source": "device", "type": "stock_count", "party": trader.id, "result": "as_stated"}
    trader.write("inspection", body, signal=world.now + 60)
    yield HOUR
    trader.pen.ahead = 0


def new_team(cast: Cast, basin: Basin) -> Flow:
    """A team enrolled by the agent, then approved by the registrar; and one that never was."""
    world = cast.world
    agent, registrar, place = basin.agent, cast.registrar(basin.kind.country), basin.sites[0].place
    more: dict[str, Any] = {
        "kind": "team",
        "reach": None,
        "agent": agent.pen,
        "part_of": basin.sites[0].party.id,
    }
    team = enrol(registrar, "maniema team 1", "Équipe Puits 7", place, ("miner",), members=11, **more)
    yield daytime(world, registrar.place, 6 * DAY)
    body = {"event": team.enrolment.id, "decision": "approved"}
    registrar.write("approval", body, after=team.enrolment.recorded)
    yield daytime(world, place, 50 * DAY)
    enrol(registrar, "maniema team 2", "Équipe Puits 9", place, ("miner",), members=8, **more)
