"""The operator's review of sealed prices: what no rule over the open log can see, and he may.

Reads a season as it passes by: reference prices, masses of lots, and the prices that were disclosed with sales. What
lies too far under its reference he states as a `finding`, signed with his own key (`findings.prices`).
"""

from collections.abc import Iterable
from typing import Any

from traceability.core.custody_bodies import new_lots
from traceability.core.events import Reference, Transfer
from traceability.core.findings.prices import digest_of, undervalued
from traceability.core.ground_records import Figure
from traceability.core.signing import event_id
from traceability.simulation.chance import Chance
from traceability.simulation.pen import OFFICE, Pen, World
from traceability.simulation.people import key, party_id
from traceability.simulation.post import Post, Signed


class Review:
    """Takes what the log takes; `findings` are the operator's statements about it, to be brought after it."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, str], list[Figure]] = {}
        self._lots: dict[str, tuple[str, int]] = {}
        """Mineral and mass of each lot, as it was weighed when it was made."""
        self._stated: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}
        self._last: Signed | None = None

    def take(self, signed: Signed) -> None:
        """One more event, with what its sender discloses."""
        event = signed.event
        self._last = signed
        self._numbers[event.key] = max(self._numbers.get(event.key, 0), event.sequence + 1)
        for lot, new in zip(event.made, new_lots(event.body), strict=True):
            self._lots[lot] = (new.mineral, new.weighing.net.mass_ug)
        name = event_id(signed.envelope.payload)
        match event:
            case Reference(body=body) if body.type == "price" and body.mineral and body.currency:
                figure = Figure(name, body.value, body.unit, body.from_, body.until)
                self._figures.setdefault((body.mineral, body.currency), []).append(figure)
            case Transfer():
                opened = [disclosed for disclosed in signed.disclosures if disclosed[1] == "/prices"]
                for _, _, prices in opened:
                    self._look_at(name, event, prices, digest_of(opened))
            case _:
                pass

    def _look_at(self, name: str, event: Transfer, prices: Iterable[dict[str, Any]], digest: str) -> None:
        for line in prices:
            lots, price = line["lots"], line["price"]
            minerals = {self._lots[lot][0] for lot in lots if lot in self._lots}
            if len(minerals) != 1:
                continue
            (mineral,), day = minerals, event.event_time[:10]
            known = self._figures.get((mineral, price["currency"]), [])
            figure = next((each for each in reversed(known) if each.since <= day <= each.until), None)
            mass_ug = sum(self._lots[lot][1] for lot in lots)
            found = figure and undervalued(price["value"], mass_ug, figure, None, mineral=mineral)
            if found:
                self._stated.append(
                    {
                        "source": "device",
                        "rule": "undervalued",
                        "version": 1,
                        "subjects": [{"type": "lot", "id": lot} for lot in lots],
                        "events": [name],
                        "severity": found.severity,
                        "figures": [
                            {"name": each, "value": str(value)} for each, value in found.figures.items()
                        ],
                        "inputs_digest": digest,
                    }
                )

    def findings(self, seed: int) -> list[Signed]:
        """The operator's statements, signed now, at the end of the season."""
        assert self._last is not None
        post = Post()
        own = key(seed, "operator", "Ed25519")
        world = World(seed, self._last.event.log, Chance(seed), post, self._last.record_time)
        pen = Pen(world, party_id(seed, own, "operator"), own, OFFICE)
        pen.next = self._numbers[own.id]
        for body in self._stated:
            pen.write("finding", body, signal=world.now)
        return list(post.until())
