"""Random trade in a ledger in memory, honest and not: everything a seed makes is made again by it.

Each step picks an act and somebody to do it, mostly somebody who may, sometimes not; the fold decides. So a
ledger comes out with handoffs of several lots, splits and combinations, shared readings, double issues,
numbers used twice, corrections, seizures, delegations and revoked keys.
"""

import random
from collections.abc import Sequence
from typing import Any

from memory import COMMITMENT, Actor, MemoryLedger, key_of, new_key, new_lot, previous_of, weighing
from traceability.core.ids import LotId, PartyId, derive
from traceability.core.lot_records import Lot
from traceability.core.outcome import Appended, Outcome
from traceability.core.quantity import format_quantity


class Trade:
    """A ledger with a few parties in it; `run` lets them trade."""

    def __init__(self, seed: int, *, demo: bool = False) -> None:
        self.random = random.Random(seed)
        self.ledger = MemoryLedger(name=f"trade {seed}", demo=demo)
        ledger = self.ledger
        self.miners = [ledger.enrol(f"miner {n}", ["miner"]) for n in range(3)]
        self.agent = ledger.enrol("agent", ["tag_agent"])
        self.traders = [ledger.enrol(f"trader {n}", ["trader"]) for n in range(3)]
        self.exporter = ledger.enrol("exporter", ["exporter", "processor"])
        self.parties = [*self.miners, self.agent, *self.traders, self.exporter]
        self.actors = {actor.party: actor for actor in [*self.parties, ledger.registrar]}
        self.sites = [ledger.site(miner) for miner in self.miners[:2]]
        self.delegations: list[tuple[str, Actor]] = []
        self.lots: list[LotId] = []
        self.moves: list[tuple[str, LotId]] = []
        """Heads that lots have had: what a cheat builds on again."""
        self.keys = 0
        self.looking = random.Random(-seed)
        """Chances of their own for what is said besides masses."""

    def run(self, steps: int) -> MemoryLedger:
        acts = [
            (self.produce, 6), (self.offer, 8), (self.answer, 10), (self.transform, 4), (self.inspect, 3),
            (self.retag, 2), (self.reassign, 1), (self.export, 1), (self.close, 1), (self.cheat, 3),
            (self.correct, 4), (self.delegate, 1), (self.end_delegation, 1), (self.add_key, 1),
            (self.revoke, 1), (self.use_number_again, 2), (self.change_roles, 1), (self.restate_site, 1),
        ]  # fmt: skip
        for _ in range(steps):
            act = self.random.choices([act for act, _ in acts], [weight for _, weight in acts])[0]
            act()
        return self.ledger

    # Choosing

    def standing(self, *states: str) -> list[Lot]:
        found = [self.ledger.state.records.get(("lot", lot)) for lot in self.lots]
        return [lot for lot in found if isinstance(lot, Lot) and lot.state in states]

    def some(self, lots: Sequence[Lot], most: int = 4) -> list[Lot]:
        """Some lots of one custodian."""
        if not lots:
            return []
        custodian = self.random.choice(lots).custodian
        own = [lot for lot in lots if lot.custodian == custodian]
        return self.random.sample(own, self.random.randint(1, min(most, len(own))))

    def signer(self, party: PartyId) -> Actor:
        return self.actors.get(party, self.agent)

    def readings(self, lots: Sequence[Lot]) -> list[dict[str, Any]]:
        """Readings near the expected masses: one over all, one each, or of some."""
        style = self.random.choice(["none", "together", "each", "pairs", "stated"])
        groups: dict[str, list[list[Lot]]] = {
            "none": [],
            "together": [list(lots)],
            "stated": [list(lots)],
            "each": [[lot] for lot in lots],
            "pairs": [list(lots[at : at + 2]) for at in range(0, len(lots), 2)],
        }
        found = []
        for group in groups[style]:
            mass_ug = sum(lot.expected_ug for lot in group)
            mass_ug = mass_ug * self.random.choice([900, 980, 990, 1000, 1000, 1005, 1030]) // 1000
            mass_ug = max(mass_ug // 10_000_000 * 10_000_000, 10_000_000)
            basis = "stated" if style == "stated" else "measured"
            value = format_quantity(mass_ug, "KGM")
            marked = {"scale_error_ppm": 2_000} if self.looking.random() < 0.2 else {}
            found.append(weighing(value, basis=basis, lots=sorted(lot.id for lot in group), **marked))
        return found

    def assays(self) -> list[dict[str, Any]]:
        """Grades, mostly one, mostly believable."""
        chance = self.looking
        return [
            {
                "analyte": chance.choice(["sn", "sn", "sn", "ta2o5"]),
                "ppm": chance.choice([450_000, 500_000, 520_000, 650_000, 800_000]),
                "on": chance.choice(["dry", "dry", "as_is"]),
                "method": chance.choice(["icp", "handheld_xrf", "declared"]),
            }
            for _ in range(chance.choice([0, 0, 1, 1, 2]))
        ]

    def said_of_it(self) -> dict[str, Any]:
        """What a new lot says of itself besides its mass."""
        water = {"moisture_ppm": self.looking.choice([20_000, 80_000])} if self.looking.random() < 0.4 else {}
        assays = self.assays()
        return water | ({"assays": assays} if assays else {})

    def looked(self, lots: Sequence[Lot]) -> dict[str, Any]:
        """Assays and moistures of lots that somebody has before him; composite samples among them."""
        ids = sorted(lot.id for lot in lots)
        some = sorted(self.looking.sample(ids, self.looking.randint(1, len(ids))))
        found: dict[str, Any] = {}
        if assays := self.assays():
            found["assays"] = [assay | {"lots": some} for assay in assays]
        if self.looking.random() < 0.4:
            found["moistures"] = [{"lots": some, "ppm": self.looking.choice([0, 20_000, 80_000])}]
        return found

    def judge(self, actor: Actor, event: dict[str, Any]) -> Outcome:
        outcome = self.ledger.judge(actor, event)
        if isinstance(outcome, Appended):
            for (kind, _), record in outcome.changes.items():
                if kind == "lot" and isinstance(record, Lot):
                    self.moves += [(record.custody_head, record.id), (record.title_head, record.id)]
        return outcome

    def custody(self, kind: str, actor: Actor, lots: Sequence[Lot], **body: Any) -> Outcome:
        title = body.get("moves") == "title"
        heads = [(lot.title_head if title else lot.custody_head, lot.id) for lot in lots]
        body = {"source": "device", **{name: value for name, value in body.items() if value}}
        return self.judge(actor, {"kind": kind, "body": body, "previous": previous_of(heads)})

    # Acts

    def produce(self) -> None:
        actor = self.random.choice(self.miners)
        more: dict[str, Any] = {}
        if self.delegations and self.random.random() < 0.4:
            delegation, principal = self.random.choice(self.delegations)
            actor, more = self.agent, {"acting_for": principal.party, "delegation": delegation}
        if self.random.random() < 0.8:
            more["site"] = self.random.choice(self.sites)
        nonces = [self.ledger.nonce() for _ in range(self.random.randint(1, 5))]
        tagged = {"tags": [f"itsci:{self.random.randint(1, 30)}"]} if self.random.random() < 0.5 else {}
        tagged |= self.said_of_it()
        lots = [new_lot(n, f"{self.random.randint(20, 60)}.50", **tagged) for n in nonces[:1]]
        lots += [new_lot(n, f"{self.random.randint(20, 60)}.25") for n in nonces[1:]]
        body = {"region": "CF-LB", "source": "device", "lots": lots, **more}
        if isinstance(self.judge(actor, {"kind": "production", "body": body}), Appended):
            self.lots += [LotId(derive("lot", actor.key.id, n)) for n in nonces]

    def offer(self) -> None:
        lots = self.some(self.standing("held"), 6)
        if lots:
            recipient = self.random.choice(self.parties)
            self.custody(
                "transfer", self.signer(lots[0].custodian), lots, region="CF-LB", recipient=recipient.party,
                moves=self.random.choice(["both", "both", "custody", "title"]), purpose="sale",
                accept_by="2026-03-28", weighings=self.readings(lots),
            )  # fmt: skip

    def answer(self) -> None:
        open_ = [lot for lot in self.standing("offered") if lot.offer]
        if not open_:
            return
        first = self.random.choice(open_)
        assert first.offer is not None
        same = [lot for lot in open_ if lot.offer and lot.offer.recipient == first.offer.recipient]
        lots = self.random.sample(same, self.random.randint(1, len(same)))
        actor = self.signer(first.offer.recipient)
        if self.random.random() < 0.8:
            conditions = [{"lots": sorted(lot.id for lot in lots), "seal": "broken"}]
            self.custody(
                "acceptance", actor, lots, region="CF-LB", weighings=self.readings(lots),
                conditions=conditions if self.random.random() < 0.2 else None, **self.looked(lots),
            )  # fmt: skip
        else:
            self.custody("refusal", actor, lots, reason="weight", weighings=self.readings(lots))

    def transform(self) -> None:
        lots = self.some(self.standing("held"), 5)
        if not lots:
            return
        weighings = [weighing(format_quantity(lot.expected_ug, "KGM"), lots=[lot.id]) for lot in lots]
        if self.random.random() < 0.3:
            total = format_quantity(sum(lot.expected_ug for lot in lots), "KGM")
            weighings = [weighing(total, lots=sorted(lot.id for lot in lots))]
        whole = sum(lot.expected_ug for lot in lots)
        count = self.random.randint(1, 4)
        cut = sorted({self.random.randint(1, 9) for _ in range(count - 1)})
        masses = [whole * (b - a) // 10 for a, b in zip([0, *cut], [*cut, 10], strict=True)]
        masses[-1] += whole - sum(masses)
        nonces = [self.ledger.nonce() for _ in masses]
        title = {} if len({lot.title for lot in lots}) == 1 else {"title": lots[0].title}
        outputs = [
            new_lot(n, format_quantity(mass, "KGM"), **title, **self.said_of_it())
            for n, mass in zip(nonces, masses, strict=True)
        ]
        actor = self.signer(lots[0].custodian)
        outcome = self.custody(
            "transformation", actor, lots, type="split" if len(lots) == 1 else "combination",
            outputs=outputs, share_by="mass", weighings=weighings,
        )  # fmt: skip
        if isinstance(outcome, Appended):
            self.lots += [LotId(derive("lot", actor.key.id, n)) for n in nonces]

    def inspect(self) -> None:
        lots = self.some(self.standing("held", "offered"))
        if lots:
            ids = sorted(lot.id for lot in lots)
            body: dict[str, Any] = {"source": "device", "type": "weighing", "lots": ids}
            if readings := self.readings(lots):
                body["weighings"] = readings
            body |= self.looked(lots)
            if len(lots) == 1 and self.random.random() < 0.5:
                body["sample"] = {"number": "1", "mass": {"unit": "KGM", "value": "0.2"}}
            self.judge(self.ledger.registrar, {"kind": "inspection", "body": body})

    def retag(self) -> None:
        lots = self.standing("held", "offered")
        if lots:
            lot = self.random.choice(lots)
            body: dict[str, Any] = {"source": "device", "lot": lot.id, "reason": "burst"}
            body["tags_on"] = [f"itsci:{self.random.randint(1, 30)}"]
            if lot.tags:
                body["tags_off"] = [{"tag": lot.tags[0], "fate": "destroyed"}]
            self.judge(self.signer(lot.custodian), {"kind": "retagging", "body": body})

    def reassign(self) -> None:
        lots = self.some(self.standing("held", "offered", "exported"), 3)
        if lots:
            body = {
                "source": "device", "lots": sorted(lot.id for lot in lots), "legal_basis": "art. 12",
                "ground": self.random.choice(["seizure", "court"]),
                "to": self.random.choice(self.parties).party,
                "moves": self.random.choice(["custody", "both", "title"]),
            }  # fmt: skip
            self.judge(self.ledger.registrar, {"kind": "reassignment", "body": body})

    def export(self) -> None:
        abroad = self.standing("exported")
        if abroad and self.random.random() < 0.5:
            lots = self.some(abroad, 3)
            actor = self.signer(lots[0].custodian)
            self.custody(
                "import", actor, lots, region="CF-LB", reported_by="exporter", received="2026-03-20",
                weighings=self.readings(lots), **self.looked(lots),
            )  # fmt: skip
            return
        lots = self.some(self.standing("held"), 3)
        if lots:
            weighings = self.readings(lots) or [
                weighing(format_quantity(lot.expected_ug, "KGM"), lots=[lot.id]) for lot in lots
            ]
            self.custody(
                "export", self.signer(lots[0].custodian), lots, region="CF-LB", destination="AE",
                importer=self.random.choice(self.traders).party, shipped="2026-03-10", weighings=weighings,
            )  # fmt: skip

    def close(self) -> None:
        lots = self.some(self.standing("held"), 2)
        if lots:
            self.custody("closure", self.signer(lots[0].custodian), lots, reason="lost")

    def cheat(self) -> None:
        """Somebody builds on what a lot was once, perhaps with a lot that is rightly his in the same event."""
        if not self.moves:
            return
        head, lot_id = self.random.choice(self.moves)
        signers = [kept.event.party for kept in self.ledger.entries if kept.event_id == head]
        actor = self.signer(self.random.choice([*signers, self.random.choice(self.parties).party]))
        heads = [(head, lot_id)]
        honest = [lot for lot in self.standing("held") if lot.custodian == actor.party and lot.id != lot_id]
        heads += [(lot.custody_head, lot.id) for lot in honest[: self.random.randint(0, 2)]]
        body = {
            "source": "device", "region": "CF-LB", "recipient": self.random.choice(self.parties).party,
            "moves": "both", "purpose": "sale", "accept_by": "2026-03-28",
        }  # fmt: skip
        self.judge(actor, {"kind": "transfer", "body": body, "previous": previous_of(heads)})

    def use_number_again(self) -> None:
        lots = self.some(self.standing("held"), 2)
        if lots:
            actor = self.signer(lots[0].custodian)
            body = {
                "source": "device", "region": "CF-LB", "recipient": self.random.choice(self.parties).party,
                "moves": "both", "purpose": "sale", "accept_by": "2026-03-28",
            }  # fmt: skip
            event = {"kind": "transfer", "body": body, "sequence": self.random.randint(0, 3)}
            event["previous"] = previous_of((lot.custody_head, lot.id) for lot in lots)
            self.judge(actor, event)

    def correct(self) -> None:
        assayed = [kept for kept in self.ledger.entries[-30:] if getattr(kept.event.body, "assays", None)]
        if assayed and self.looking.random() < 0.2:
            kept = self.looking.choice(assayed)
            right = [{"path": "/assays/0/ppm", "is": self.looking.choice([400_000, 480_000])}]
            body = {"event": kept.event_id, "reason": "incorrect_data", "fields": right}
            self.judge(self.signer(kept.event.party), {"kind": "correction", "body": body})
            return
        made = [kept for kept in self.ledger.entries[-60:] if kept.event.kind == "production"]
        recent = self.ledger.entries[-20:]
        kept = self.random.choice(made if made and self.random.random() < 0.6 else recent)
        body: dict[str, Any] = {"event": kept.event_id, "reason": "did_not_occur"}
        if kept.event.kind == "production" and self.random.random() < 0.8:
            tag = {"path": "/lots/0/tags/0", "is": f"itsci:{self.random.randint(1, 30)}"}
            mass = {"path": "/lots/0/weighing/net/value", "is": f"{self.random.randint(5, 50)}.5"}
            fields = self.random.choice([[tag], [mass], [tag, mass]])
            body = {"event": kept.event_id, "reason": "incorrect_data", "fields": fields}
        actor = self.signer(kept.event.party)
        self.judge(actor, {"kind": "correction", "body": body})

    # The registry

    def delegate(self) -> None:
        principal = self.random.choice(self.parties)
        body = {
            "agent": self.agent.party, "principal": principal.party, "kinds": ["production", "transfer"],
            "from": "2026-01-01", "until": "2026-12-31",
        }  # fmt: skip
        event = {"kind": "delegation", "body": body}
        if principal is not self.agent:
            self.judge(self.ledger.registrar, event)
            self.delegations.append((self.ledger.entries[-1].event_id, principal))

    def end_delegation(self) -> None:
        if self.delegations and self.random.random() < 0.3:
            delegation, _ = self.delegations.pop(0)
            body = {"delegation": delegation, "from": "2026-03-02"}
            self.judge(self.ledger.registrar, {"kind": "delegation_end", "body": body})

    def add_key(self) -> None:
        actor = self.random.choice(self.traders)
        self.keys += 1
        key = key_of(f"{self.ledger.name} further {self.keys}")
        body = {"party": actor.party, "key": new_key(key, actor.party), "reason": "second_device"}
        if isinstance(self.judge(actor, {"kind": "key_addition", "body": body}), Appended):
            self._take_key(actor, Actor(actor.party, key))

    def revoke(self) -> None:
        actor = self.random.choice(self.traders)
        if self.keys and self.random.random() < 0.5:
            self.keys += 1
            key = key_of(f"{self.ledger.name} further {self.keys}")
            body = {"party": actor.party, "key": new_key(key, actor.party), "reason": "rotation"}
            self.judge(actor, {"kind": "key_addition", "body": body})
            revoked = {
                "key": actor.key.id,
                "reason": "replaced",
                "trusted_sequence": self.random.randint(0, 9),
            }
            self.judge(self.ledger.registrar, {"kind": "key_revocation", "body": revoked})
            self._take_key(actor, Actor(actor.party, key))

    def _take_key(self, old: Actor, new: Actor) -> None:
        self.traders[self.traders.index(old)] = new
        self.parties[self.parties.index(old)] = new
        self.actors[new.party] = new

    def change_roles(self) -> None:
        party = self.random.choice(self.traders).party
        body = {"party": party, "add": ["warehouse"], "from": "2026-03-02"}
        self.judge(self.ledger.registrar, {"kind": "role_change", "body": body})

    def restate_site(self) -> None:
        body = {
            "site": self.random.choice(self.sites), "type": "site", "name": "Ngotto", "country": "CF",
            "region": "CF-LB", "minerals": ["cassiterite"], "mining_method": "artisanal",
            "activity": "active", "holder": self.random.choice(self.miners).party, "from": "2026-03-01",
        }  # fmt: skip
        event = {"kind": "site_registration", "sealed": [["/position", COMMITMENT]], "body": body}
        self.judge(self.ledger.registrar, event)
