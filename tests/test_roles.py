"""Who may sign what: each role against each kind, as the events page lists them."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

import papers
from memory import Actor
from rules import Rules, party
from traceability.core import authority, events
from traceability.core.findings.catalogue import RULES
from traceability.core.forms import Role
from traceability.core.ids import LotId
from traceability.core.outcome import Appended, Rejected

ROLES: tuple[str, ...] = get_args(Role)
AUTHORITIES = {"operator", "registrar", "inspectorate", "tag_issuer", "certifier", "regulator", "auditor"}
EVERYBODY = set(ROLES)
OVERSEERS = {"monitor", "auditor", "inspectorate", "regulator"}


class Scene:
    """One party with one role, and others around it, at the point where it signs."""

    def __init__(self, role: str) -> None:
        self.trade = Rules()
        self.coop, self.other = self.trade.people("coop:miner", "other:trader")
        (self.me,) = self.trade.people(f"me:{role}")

    def held(self) -> LotId:
        """A lot in this party's hands."""
        (lot,) = self.trade.produce(self.coop, "38.40")
        self.trade.hand_over(self.coop, self.me, [lot])
        return lot

    def strange(self) -> LotId:
        """A lot in somebody else's."""
        (lot,) = self.trade.produce(self.coop, "38.40")
        return lot


def _enrolment(s: Scene) -> dict[str, Any]:
    agent = "tag_agent" in party(s.trade, s.me.party).roles
    return s.trade.enrolment(s.me, provisional=True if agent else None)


def _approval_of_intake(s: Scene) -> dict[str, Any]:
    return s.trade.approval(s.trade.appends(s.other, s.trade.intake("1")))


def _approval_of_provisional(s: Scene) -> dict[str, Any]:
    (agent,) = s.trade.people("agent:tag_agent")
    return s.trade.approval(s.trade.appends(agent, s.trade.enrolment(agent, provisional=True)))


def _allocation(s: Scene) -> dict[str, Any]:
    issue = s.trade.roll_issue(s.trade.registrar)
    s.trade.appends(s.trade.registrar, issue)
    own = {"roll": issue["body"]["roll"], "first": 1, "last": 5, "to_party": s.me.party}
    s.trade.appends(s.trade.registrar, {"kind": "tag_allocation", "body": own})
    return {"kind": "tag_allocation", "body": {**own, "first": 2, "to_party": s.other.party}}


SCENES: dict[str, tuple[str, set[str], Callable[[Scene], dict[str, Any]]]] = {
    "a second genesis": ("genesis_first", set(), lambda s: s.trade.genesis()),
    "enrolment": ("role_missing", {"registrar", "tag_agent"}, _enrolment),
    "role change": (
        "role_missing",
        {"registrar"},
        lambda s: s.trade.role_change(s.other.party, ["warehouse"]),
    ),
    "own key added": ("", EVERYBODY, lambda s: s.trade.key_addition(s.me.party, "second")),
    "other's key added": (
        "role_missing",
        {"registrar"},
        lambda s: s.trade.key_addition(s.other.party, "other's second"),
    ),
    "other's key revoked": ("role_missing", {"registrar"}, lambda s: s.trade.revocation(s.other.key.id)),
    "own key revoked": ("", EVERYBODY, lambda s: s.trade.revocation(s.me.key.id)),
    "delegation by oneself": (
        "",
        EVERYBODY,
        lambda s: s.trade.delegation(s.other.party, ["transfer"], principal=s.me.party),
    ),
    "delegation for another": (
        "role_missing",
        {"registrar"},
        lambda s: s.trade.delegation(s.me.party, ["transfer"], principal=s.other.party),
    ),
    "end of own delegation": (
        "",
        EVERYBODY,
        lambda s: _end(s, s.trade.delegation(s.coop.party, ["transfer"], principal=s.me.party), s.me),
    ),
    "end of a delegation to oneself": (
        "",
        EVERYBODY,
        lambda s: _end(s, s.trade.delegation(s.me.party, ["transfer"], principal=s.coop.party), s.coop),
    ),
    "end of another's delegation": (
        "role_missing",
        {"registrar"},
        lambda s: _end(s, s.trade.delegation(s.other.party, ["transfer"], principal=s.coop.party), s.coop),
    ),
    "approval of an intake": (
        "role_missing",
        {"inspectorate", "registrar", "regulator"},
        _approval_of_intake,
    ),
    "approval of a provisional enrolment": ("role_missing", {"registrar"}, _approval_of_provisional),
    "site registration": (
        "role_missing",
        {"inspectorate", "registrar"},
        lambda s: s.trade.site_registration(s.me, s.coop.party),
    ),
    "tag issue": ("role_missing", {"tag_issuer"}, lambda s: s.trade.roll_issue(s.me)),
    "allocation of one's own tags": ("", EVERYBODY, _allocation),
    "production": (
        "role_missing",
        {"miner", "tag_agent", "trader", "processor", "exporter"},
        lambda s: s.trade.production("38.40", producer=s.coop.party),
    ),
    "intake": (
        "",
        EVERYBODY,
        lambda s: s.trade.intake("1"),
    ),
    "transfer": ("", EVERYBODY, lambda s: s.trade.transfer(s.other.party, s.trade.on([s.held()]))),
    "transfer of title": (
        "",
        EVERYBODY,
        lambda s: s.trade.transfer(s.other.party, s.trade.on([s.held()], title=True), "title"),
    ),
    "acceptance": ("", EVERYBODY, lambda s: s.trade.acceptance(_offered_to_me(s))),
    "refusal": ("", EVERYBODY, lambda s: s.trade.refusal(_offered_to_me(s))),
    "withdrawal": ("", EVERYBODY, lambda s: s.trade.withdrawal(_offered_by_me(s))),
    "seizure": (
        "role_missing",
        {"regulator", "inspectorate"},
        lambda s: s.trade.reassignment([s.strange()], s.other.party),
    ),
    "estate": (
        "role_missing",
        {"regulator", "inspectorate", "registrar"},
        lambda s: s.trade.reassignment([s.strange()], s.other.party, ground="estate"),
    ),
    "lost key": (
        "role_missing",
        {"regulator", "inspectorate", "registrar"},
        lambda s: s.trade.reassignment([s.strange()], s.other.party, ground="lost_key"),
    ),
    "transformation": (
        "",
        EVERYBODY,
        lambda s: s.trade.transformation(s.trade.on([s.held()]), ["38", "0.4"], "split"),
    ),
    "retagging of one's own": (
        "",
        EVERYBODY,
        lambda s: s.trade.act("retagging", lot=s.held(), tags_on=["itsci:1"], reason="first_tag"),
    ),
    "retagging of another's": (
        "not_custodian",
        {"tag_agent"},
        lambda s: s.trade.act("retagging", lot=s.strange(), tags_on=["itsci:1"], reason="first_tag"),
    ),
    "inspection of one's own": (
        "",
        EVERYBODY,
        lambda s: s.trade.act("inspection", type="photo", lots=[s.held()]),
    ),
    "inspection of another's": (
        "role_missing",
        {"inspectorate", "laboratory", "processor", "certifier", "auditor", "tag_agent"},
        lambda s: s.trade.act("inspection", type="photo", lots=[s.strange()]),
    ),
    "a visit": (
        "role_missing",
        {"inspectorate", "laboratory", "processor", "certifier", "auditor", "tag_agent"},
        lambda s: s.trade.act("inspection", type="visit"),
    ),
    "count of one's own stock": (
        "",
        EVERYBODY,
        lambda s: s.trade.act("inspection", type="stock_count", party=s.me.party, surplus=[s.strange()]),
    ),
    "count of another's stock": (
        "role_missing",
        {"inspectorate", "laboratory", "processor", "certifier", "auditor", "tag_agent"},
        lambda s: s.trade.act("inspection", type="stock_count", party=s.other.party),
    ),
    "export": ("", EVERYBODY, lambda s: s.trade.export(s.trade.on([s.held()]))),
    "import": ("", EVERYBODY, lambda s: s.trade.arrival(_exported_to_me(s))),
    "import abroad confirmed": (
        "not_importer",
        {"certifier"},
        lambda s: s.trade.arrival(_exported(s), "importing_authority"),
    ),
    "closure": ("", EVERYBODY, lambda s: s.trade.closure(s.trade.on([s.held()]))),
    "correction of one's own": (
        "",
        EVERYBODY,
        lambda s: s.trade.correction(
            s.trade.appends(s.me, s.trade.act("inspection", type="photo", lots=[s.held()]))
        ),
    ),
    "correction of another's": (
        "not_your_event",
        AUTHORITIES,
        lambda s: s.trade.correction(s.trade.appends(s.coop, s.trade.production("1"))),
    ),
    "site inspection": (
        "role_missing",
        {"inspectorate", "auditor"},
        lambda s: papers.site_inspection(s.trade.site(s.coop)),
    ),
    "capacity of another's site": (
        "role_missing",
        {"inspectorate", "auditor", "monitor"},
        lambda s: papers.capacity(s.trade.site(s.coop)),
    ),
    "capacity of one's own site": ("", EVERYBODY, lambda s: papers.capacity(s.trade.site(s.me))),
    "capacity of a site one works": (
        "",
        EVERYBODY,
        lambda s: papers.capacity(s.trade.site(s.coop, worked_by=[s.me.party])),
    ),
    "licence": (
        "role_missing",
        {"registrar", "inspectorate"},
        lambda s: papers.licence(s.other.party),
    ),
    "licence taken": (
        "role_missing",
        {"registrar", "inspectorate"},
        lambda s: papers.licence_end(s.trade.append(s.trade.registrar, papers.licence(s.me.party))),
    ),
    "one's own tags void": ("", EVERYBODY, lambda s: papers.tag_void(*_tags(s, s.me))),
    "another's tags void": ("not_your_tags", set(), lambda s: papers.tag_void(*_tags(s, s.other))),
    "positions of one's own roll void": (
        "",
        EVERYBODY,
        lambda s: papers.tag_void(roll=_roll(s, s.me), first=1, last=5),
    ),
    "tag of another scheme void": (
        "role_missing",
        {"tag_issuer", "tag_agent"},
        lambda s: papers.tag_void("itsci:1"),
    ),
    "zone": ("role_missing", {"regulator", "inspectorate"}, lambda s: papers.zone("CF-LB")),
    "reference": ("role_missing", {"operator", "regulator"}, lambda s: papers.reference()),
    "certificate": (
        "role_missing",
        {"certifier"},
        lambda s: papers.certificate([s.strange()], s.other.party),
    ),
    "approval of a certificate": (
        "role_missing",
        {"certifier"},
        lambda s: s.trade.approval(_certificate(s)),
    ),
    "use of a certificate": ("role_missing", {"certifier"}, lambda s: papers.use(_certificate(s))),
    "payment": ("", EVERYBODY, lambda s: papers.payment([s.strange()])),
    "incident": ("", EVERYBODY, lambda s: papers.incident(("lot", s.strange()))),
    "incident of somebody without a key": (
        "role_missing",
        {"operator", "monitor"},
        lambda s: papers.incident(("region", "CF-LB"), reporter="anonymous"),
    ),
    "answer to one's own incident": (
        "",
        EVERYBODY,
        lambda s: papers.response(s.trade.appends(s.me, papers.incident(("region", "CF-LB")))),
    ),
    "answer to an incident about oneself": (
        "",
        EVERYBODY,
        lambda s: papers.response(s.trade.appends(s.coop, papers.incident(("party", s.me.party)))),
    ),
    "answer to another's incident": (
        "not_concerned",
        OVERSEERS,
        lambda s: papers.response(s.trade.appends(s.coop, papers.incident(("party", s.other.party)))),
    ),
    "incident settled": (
        "role_missing",
        OVERSEERS,
        lambda s: papers.response(s.trade.appends(s.me, papers.incident(("region", "CF-LB"))), "checked"),
    ),
    "answer to a finding on one's own lot": ("", EVERYBODY, lambda s: _answer(s, s.held())),
    "answer to a finding on another's lot": ("not_concerned", OVERSEERS, lambda s: _answer(s, s.strange())),
    "hold on one's own lot": ("", EVERYBODY, lambda s: papers.hold(("lot", s.held()))),
    "hold on another's lot": (
        "role_missing",
        {"regulator", "inspectorate"},
        lambda s: papers.hold(("lot", s.strange())),
    ),
    "hold on a region": (
        "role_missing",
        {"regulator", "inspectorate"},
        lambda s: papers.hold(("region", "CF-LB")),
    ),
    "release of one's own hold": (
        "",
        EVERYBODY,
        lambda s: papers.release(s.trade.appends(s.me, papers.hold(("lot", s.held())))),
    ),
    "release of another's hold": (
        "role_missing",
        {"regulator"},
        lambda s: papers.release(s.trade.appends(s.coop, papers.hold(("lot", s.strange())))),
    ),
    "stated finding": (
        "role_missing",
        {"operator"},
        lambda s: papers.finding(STATED, s.trade.last().event_id, subjects=[("lot", s.strange())]),
    ),
    "redaction": (
        "role_missing",
        {"operator"},
        lambda s: papers.redaction(s.trade.appends(s.coop, papers.payment([s.strange()])), "/amount"),
    ),
    "policy": ("role_missing", {"operator"}, lambda s: papers.policy()),
    "audit": ("role_missing", {"auditor"}, lambda s: papers.audit(("party", s.other.party))),
    "result of an audit": (
        "role_missing",
        {"auditor"},
        lambda s: papers.audit_result([s.strange()], ("party", s.other.party)),
    ),
    "a successor's genesis": (
        "role_missing",
        {"operator"},
        lambda s: papers.successor(len(s.trade.entries), s.trade.log_signer.verifier.name),
    ),
    "log_key": ("role_missing", {"operator"}, lambda s: papers.log_key(freeze_at=100_000)),
    "snapshot": ("role_missing", {"operator"}, lambda s: papers.snapshot(1, "0" * 64)),
    "attestation": (
        "role_missing",
        {"auditor", "monitor", "regulator"},
        lambda s: papers.attestation(1, "0" * 64, "1" * 64),
    ),
}
STATED = next(name for name, rule in RULES.items() if rule.scope == "stated")


def _end(s: Scene, delegation: dict[str, Any], signer: Actor) -> dict[str, Any]:
    given = s.trade.appends(signer, delegation)
    return {"kind": "delegation_end", "body": {"delegation": given, "from": "2026-03-01"}}


def _roll(s: Scene, holder: Actor) -> Any:
    """A roll of which this party answers for the first five."""
    issue = s.trade.roll_issue(s.trade.registrar)
    s.trade.appends(s.trade.registrar, issue)
    body = {"roll": issue["body"]["roll"], "first": 1, "last": 5, "to_party": holder.party}
    s.trade.appends(s.trade.registrar, {"kind": "tag_allocation", "body": body})
    return body["roll"]


def _tags(s: Scene, holder: Actor) -> list[str]:
    roll = _roll(s, holder)
    return [f"t:{roll}-1", f"t:{roll}-5"]


def _certificate(s: Scene) -> Any:
    return s.trade.appends(s.trade.registrar, papers.certificate([s.strange()], s.other.party))


def _answer(s: Scene, lot: LotId) -> dict[str, Any]:
    stranger = s.trade.appends(s.other, s.trade.intake("1"))  # of whom the finding tells
    return papers.answer(lot, "mass_gained", stranger)


def _offered_to_me(s: Scene) -> list[tuple[Any, Any]]:
    lot = s.strange()
    s.trade.offer(s.coop, s.me, [lot])
    return s.trade.on([lot])


def _offered_by_me(s: Scene) -> list[tuple[Any, Any]]:
    lot = s.held()
    s.trade.offer(s.me, s.other, [lot], accept_by="2026-03-02")
    s.trade.wait_until("2026-03-04")
    return s.trade.on([lot])


def _exported(s: Scene) -> list[tuple[Any, Any]]:
    lot = s.strange()
    s.trade.appends(s.coop, s.trade.export(s.trade.on([lot])))
    return s.trade.on([lot])


def _exported_to_me(s: Scene) -> list[tuple[Any, Any]]:
    lot = s.strange()
    s.trade.appends(s.coop, s.trade.export(s.trade.on([lot]), s.me.party))
    return s.trade.on([lot])


@pytest.mark.threat("T26")
@pytest.mark.parametrize("role", ROLES)
def test_role_by_kind(role: str) -> None:
    """Each role against each kind: taken or refused by name, exactly as the events page lists them."""
    scene = Scene(role)
    for name in sorted(SCENES, key=lambda name: "revoked" in name):  # after those there is no more signing
        refusal, allowed, act = SCENES[name]
        outcome = scene.trade.outcome(scene.me, act(scene))
        if role in allowed:
            assert isinstance(outcome, Appended), (name, outcome)
            assert outcome.stands, name
        else:
            assert isinstance(outcome, Rejected), (name, outcome)
            assert outcome.name == refusal, (name, outcome)


def test_the_table_covers_every_kind() -> None:
    """No kind is left out of the table above."""
    scene = Scene("registrar")
    assert {act(scene)["kind"] for _, _, act in SCENES.values()} == set(events.KINDS)


def test_a_party_may_hold_several_roles_or_none() -> None:
    """One fitting role is enough; who has none still trades what is his."""
    trade = Rules()
    both, none = trade.people("both:warehouse,miner", "none:")
    (lot,) = trade.produce(both, "10")
    trade.appends(both, trade.transfer(none.party, trade.on([lot])))
    trade.appends(none, trade.acceptance(trade.on([lot])))
    assert {f.rule for f in trade.findings()} == {"not_weighed", "no_role_in_trade"}
    trade.refuses("role_missing", none, trade.production("10", producer=both.party))


def test_a_missing_role_in_trade_is_a_finding() -> None:
    """Whoever holds ore may export or process it; that the role is missing is said, not refused."""
    trade = Rules()
    plain, fit = trade.people("plain:miner", "fit:miner,exporter,processor")
    for actor, findings in ((plain, ["no_exporter_role", "no_processor_role"]), (fit, [])):
        first, second = trade.produce(actor, "5", "6")
        trade.appends(actor, trade.export(trade.on([first])))
        found = [f.rule for f in trade.findings()]
        act = trade.transformation(trade.on([second]), ["6"], "processing", steps=["wash"])
        trade.appends(actor, act)
        assert [*found, *(f.rule for f in trade.findings())] == findings


def test_the_table_of_roles_names_every_kind() -> None:
    """The core's own table has a line for each kind."""
    assert set(authority.MAY_SIGN) == set(events.KINDS)
