"""A ledger with ground under it: a mine, its miners and traders, and an inspectorate that has something to say.

    ground = Ground([("methods_mixed", "any", 1)])
    ground.inspect(ground.mine, "red", "2026-02-01")
    bag = ground.dig()
    assert ground.rules() == {"site_red"}
    ground.agree(bag)

`agree` puts evidence for a lot through the verifier and compares what it notices with what the ledger noticed.
"""

from collections.abc import Iterable
from typing import Any

from both import verify
from memory import COMMITMENT, POLICY, Actor, weighing
from rules import Rules
from showing import evidence_of
from traceability.core import evidence
from traceability.core.findings import holds, later, licences, mixing, sites, zones
from traceability.core.findings.catalogue import RULES
from traceability.core.ids import EventId, LotId, SiteId
from traceability.core.outcome import Finding
from traceability.core.report import HOLDS

GROUND = {name for module in (holds, later, licences, mixing, sites, zones) for name in vars(module)}
GROUND.add("tag_under_hold")


class Ground(Rules):
    """Genesis with a regulating inspectorate; a mine in CF-LB held by a miner; a trader, a processor, an exporter."""

    def __init__(
        self, thresholds: Iterable[tuple[Any, ...]] = (), times: Iterable[tuple[Any, ...]] = ()
    ) -> None:
        super().__init__(genesis=False)
        self.inspector, line = self.authority("inspector", ["inspectorate", "regulator"])
        whole = self.genesis(authorities=[line])
        names = ("rule", "name", "value", "mineral")
        lists = {
            section: [dict(zip(names, value, strict=False)) for value in values]
            for section, values in (("thresholds", thresholds), ("times", times))
        }
        whole["body"]["policy"] = {**POLICY, **lists}
        self.append(self.operator, whole)
        self.miner, self.trader, self.processor, self.exporter = self.people(
            "miner:miner", "trader:trader", "processor:processor,exporter", "exporter:exporter"
        )
        self.mine = self.site(self.miner)

    # What authorities say

    def says(self, kind: str, **body: Any) -> EventId:
        """The inspectorate signs this."""
        sealed = [["/inspector", COMMITMENT]] if kind == "site_inspection" else []
        return self.append(self.inspector, {"kind": kind, "body": body, "sealed": sealed})

    def inspect(self, site: SiteId, status: str | None = None, since: str = "", **more: Any) -> EventId:
        """An inspection, with a status from a day on if given."""
        body = {"site": site, "number": "JM-1", "date": self.today, "agency": "DGM", **more}
        if status is not None:
            body |= {"status": status, "status_from": since}
        return self.says("site_inspection", **body)

    def grant(self, party: Actor, sort: str, since: str = "2026-01-01", **more: Any) -> EventId:
        """A licence."""
        body = {"party": party.party, "type": sort, "number": "L 7", "authority": "DGM", "granted": since}
        return self.says("licence_grant", **{**body, "minerals": ["cassiterite"], **more})

    def revoke(self, licence: EventId, since: str) -> EventId:
        """The licence ends on a day."""
        return self.says("licence_revocation", **{"licence": licence, "from": since})

    def zone(self, sort: str, since: str, **more: Any) -> EventId:
        """A zone, of CF-LB unless said otherwise."""
        where = {} if "polygon" in more else {"regions": ["CF-LB"]}
        body = {"name": "zone", "type": sort, "from": since, "source_text": "decree 12", **where, **more}
        return self.says("zone", **body)

    def hold(self, kind: str, id_: str, **more: Any) -> EventId:
        """A hold on one subject."""
        subjects = [{"type": kind, "id": id_}]
        return self.says("hold", subjects=subjects, ground="investigation", **{"source": "device", **more})

    def restate(self, site: SiteId, **more: Any) -> None:
        """The registration of the mine, restated."""
        body = {
            "site": site, "type": "site", "name": "Ngotto", "country": "CF", "region": "CF-LB",
            "minerals": ["cassiterite"], "mining_method": "artisanal", "activity": "active",
            "holder": self.miner.party, "from": self.today, **more,
        }  # fmt: skip
        self.append(
            self.registrar, {"kind": "site_registration", "sealed": [["/position", COMMITMENT]], "body": body}
        )

    # What people do

    def dig(
        self, site: SiteId | None = None, value: str = "40.00", day: str | None = None, **more: Any
    ) -> LotId:
        """A bag of the mine, dated today or on a day."""
        by = more.pop("by", self.miner)
        event = self.production(value, **{"site": site or self.mine, **more})
        if day is not None:
            event["event_time"] = f"{day}T10:00:00Z"
        self.append(by, event)
        return self.made_by(by, event)[0]

    def mix(self, by: Actor, lots: list[LotId], **more: Any) -> LotId:
        """These lots become one."""
        masses = {lot: self.lot(lot).expected_ug // 10_000_000 for lot in lots}
        weighings = [weighing(f"{m // 100}.{m % 100:02}", lots=[lot]) for lot, m in masses.items()]
        total = sum(masses.values())
        out = f"{total // 100}.{total % 100:02}"
        event = self.transformation(self.on(lots), [out], weighings=weighings, **more)
        self.append(by, event)
        return self.made_by(by, event)[0]

    # What is noticed

    def rules(self) -> set[str]:
        """The rules of the ground that noticed something in the newest entry."""
        return {f.rule for f in self.last().outcome.findings} & GROUND

    def found(self, rule: str) -> Finding:
        """The one finding of that rule in the newest entry."""
        (finding,) = self.findings(rule)
        return finding

    def all_found(self, rule: str) -> list[Finding]:
        """Those of that rule in all entries."""
        return [f for kept in self.entries for f in kept.outcome.findings if f.rule == rule]

    def agree(self, *lots: LotId) -> set[str]:
        """The verifier, shown evidence for these lots alone, notices of each what the ledger did.

        Local rules only. Gives the rules of what it noticed of them and of the parties behind them.
        """
        shown = evidence_of(self, sorted(lots))
        report = verify(evidence.encode(shown), self.policy())
        assert report.verdict == HOLDS, report.why
        told = set()
        for lot in report.lots:
            here = {(n.entry, n.finding.rule, n.finding.severity, n.finding.figures) for n in lot.findings}
            there = {
                (kept.index, f.rule, f.severity, f.figures)
                for kept in self.entries
                for f in kept.outcome.findings
                if ("lot", lot.lot) in f.subjects and RULES[f.rule].scope == "local"
            }
            assert here == there
            told |= {rule for _, rule, _, _ in here}
        for noted in report.findings:
            assert noted.finding in self.entries[noted.entry].outcome.findings
            told.add(noted.finding.rule)
        return told
