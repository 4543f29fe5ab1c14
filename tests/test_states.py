"""Each state of a lot against each kind of event, as section 14 of the events page says."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

import papers
from memory import Actor
from rules import Rules
from traceability.core.findings.catalogue import RULES
from traceability.core.header import MOVING
from traceability.core.ids import LotId
from traceability.core.outcome import Appended, Rejected


class Scene:
    """A lot in one state, and those around it."""

    def __init__(self, state: str) -> None:
        self.trade = trade = Rules()
        self.coop, self.me, self.you, self.stranger, self.auditor = trade.people(
            "coop:miner", "me:trader,exporter", "you:trader,importer", "stranger:trader", "auditor:auditor"
        )
        (self.lot,) = trade.produce(self.coop, "38.40")
        trade.hand_over(self.coop, self.me, [self.lot])
        match state:
            case "offered":
                trade.offer(self.me, self.you, [self.lot], accept_by="2026-03-20")
            case "offer over":
                trade.offer(self.me, self.you, [self.lot], accept_by="2026-03-02")
                trade.wait_until("2026-03-04")
            case "exported":
                trade.appends(self.me, trade.export(self.here(), self.you.party))
            case "exported to nobody here":
                trade.appends(self.me, trade.export(self.here()))
            case "arrived":
                trade.appends(self.me, trade.export(self.here(), self.you.party))
                trade.appends(self.you, trade.arrival(self.here()))
            case "arrived elsewhere":
                trade.appends(self.me, trade.export(self.here()))
                trade.appends(self.me, trade.arrival(self.here(), "exporter"))
            case "closed":
                trade.appends(self.me, trade.closure(self.here()))
            case "used up":
                trade.appends(self.me, trade.transformation(self.here(), ["38.40"], "repacking"))
            case "did not occur":
                (self.lot,) = trade.produce(self.coop, "38.40")
                trade.appends(self.coop, trade.correction(trade.lot(self.lot).maker))
                self.me = self.coop
            case _:
                assert state == "held"

    def fork(self) -> "Scene":
        other = copy.copy(self)
        other.trade = self.trade.fork()
        return other

    def here(self) -> list[tuple[Any, LotId]]:
        return self.trade.on([self.lot])

    def actor(self, name: str) -> Actor:
        offices = {"office": self.trade.registrar, "operator": self.trade.operator}
        actor: Actor = offices.get(name) or getattr(self, name)
        return actor


ACTS: dict[str, Callable[[Scene], dict[str, Any]]] = {
    "transfer": lambda s: s.trade.transfer(s.stranger.party, s.here()),
    "title": lambda s: s.trade.transfer(s.stranger.party, s.trade.on([s.lot], title=True), "title"),
    "acceptance": lambda s: s.trade.acceptance(s.here()),
    "refusal": lambda s: s.trade.refusal(s.here()),
    "withdrawal": lambda s: s.trade.withdrawal(s.here()),
    "transformation": lambda s: s.trade.transformation(s.here(), ["38.40"], "repacking"),
    "export": lambda s: s.trade.export(s.here(), s.you.party),
    "import": lambda s: s.trade.arrival(s.here()),
    "import by exporter": lambda s: s.trade.arrival(s.here(), "exporter"),
    "import by authority": lambda s: s.trade.arrival(s.here(), "importing_authority"),
    "closure": lambda s: s.trade.closure(s.here()),
    "reassignment": lambda s: s.trade.reassignment([s.lot], s.stranger.party),
    "retagging": lambda s: s.trade.act("retagging", lot=s.lot, tags_on=["itsci:1"], reason="first_tag"),
    "inspection": lambda s: s.trade.act("inspection", type="photo", lots=[s.lot]),
    "certificate": lambda s: papers.certificate([s.lot], s.me.party),
    "certificate_use": lambda s: papers.use(
        s.trade.appends(s.trade.registrar, papers.certificate([s.lot], s.me.party))
    ),
    "payment": lambda s: papers.payment([s.lot]),
    "incident": lambda s: papers.incident(("lot", s.lot)),
    "response": lambda s: papers.answer(s.lot, "mass_gained", s.trade.lot(s.lot).maker),
    "hold": lambda s: papers.hold(("lot", s.lot)),
    "release": lambda s: papers.release(s.trade.appends(s.trade.registrar, papers.hold(("lot", s.lot)))),
    "finding": lambda s: papers.finding(STATED, s.trade.lot(s.lot).maker, subjects=[("lot", s.lot)]),
    "audit": lambda s: papers.audit_result([s.lot], ("lot", s.lot)),
}
STATED = next(name for name, rule in RULES.items() if rule.scope == "stated")
LEFT_ALONE = {
    ("certificate", "office"): "",
    ("certificate_use", "office"): "",
    ("payment", "stranger"): "",
    ("incident", "stranger"): "",
    ("response", "stranger"): "not_concerned",
    ("response", "office"): "",
    ("hold", "me"): "",
    ("hold", "stranger"): "role_missing",
    ("hold", "office"): "",
    ("release", "office"): "",
    ("release", "me"): "role_missing",
    ("finding", "operator"): "",
    ("audit", "auditor"): "",
}
"""What is said about a lot is said in any state of it, and leaves it where it is."""
CUSTODIAN = ("transfer", "transformation", "export", "closure")
ENDED = {
    **{(act, "me"): "lot_ended" for act in (*CUSTODIAN, "title", "retagging")},
    **{(act, "me"): "not_custodian" for act in ("acceptance", "refusal", "withdrawal")},
    **{(act, "me"): "not_exported" for act in ("import", "import by exporter")},
    ("import by authority", "office"): "not_exported",
    ("reassignment", "office"): "lot_ended",
    ("inspection", "office"): "",
}
EXPORTED = {
    **{(act, "me"): "lot_exported" for act in ("transfer", "transformation", "export")},
    **{
        (act, who): "not_custodian"
        for who in ("me", "you")
        for act in ("acceptance", "refusal", "withdrawal")
    },
    **{(act, "you"): "not_custodian" for act in ("transfer", "transformation", "export", "retagging")},
    ("closure", "me"): "",
    ("closure", "stranger"): "not_importer",
    ("import", "me"): "not_importer",
    ("import", "stranger"): "not_importer",
    ("import by exporter", "me"): "",
    ("import by authority", "office"): "",
    ("import by authority", "me"): "",
    ("import by authority", "stranger"): "not_importer",
    ("title", "me"): "",
    ("reassignment", "office"): "",
    ("retagging", "me"): "",
    ("inspection", "me"): "",
}
# (act, who): the name of the rejection, or nothing where it stands
TABLE: dict[str, dict[tuple[str, str], str]] = {
    "held": {
        **{(act, "me"): "" for act in (*CUSTODIAN, "title", "retagging", "inspection")},
        **{(act, who): "not_custodian" for act in CUSTODIAN for who in ("you", "stranger", "coop")},
        **{
            (act, who): "not_custodian"
            for act in ("acceptance", "refusal", "withdrawal")
            for who in ("me", "you", "coop")
        },
        **{(act, "me"): "not_exported" for act in ("import", "import by exporter")},
        ("import by authority", "office"): "not_exported",
        ("title", "you"): "not_title_holder",
        ("reassignment", "office"): "",
        ("retagging", "you"): "not_custodian",
    },
    "offered": {
        **{(act, "me"): "lot_in_transit" for act in ("transfer", "transformation", "export")},
        **{(act, "you"): "not_custodian" for act in ("transfer", "transformation", "export", "retagging")},
        ("acceptance", "you"): "",
        ("acceptance", "me"): "not_recipient",
        ("acceptance", "stranger"): "not_recipient",
        ("refusal", "you"): "",
        ("refusal", "me"): "not_recipient",
        ("refusal", "stranger"): "not_recipient",
        ("withdrawal", "me"): "still_open",
        ("withdrawal", "you"): "not_giver",
        ("withdrawal", "stranger"): "not_giver",
        ("closure", "you"): "",
        ("closure", "me"): "not_recipient",
        ("import", "you"): "not_exported",
        ("title", "me"): "",
        ("title", "you"): "not_title_holder",
        ("reassignment", "office"): "",
        ("retagging", "me"): "",
        ("retagging", "office"): "not_custodian",
        ("inspection", "office"): "",
    },
    "offer over": {
        ("withdrawal", "me"): "",
        ("withdrawal", "you"): "not_giver",
        ("acceptance", "you"): "",
        ("refusal", "you"): "",
        ("closure", "you"): "",
        ("closure", "me"): "not_recipient",
        ("transfer", "me"): "lot_in_transit",
    },
    "exported": {**EXPORTED, ("import", "you"): "", ("closure", "you"): ""},
    "exported to nobody here": {
        **EXPORTED,
        ("import", "you"): "not_importer",
        ("closure", "you"): "not_importer",
    },
    "arrived": {
        **{(act, "you"): "" for act in CUSTODIAN},
        **{(act, "me"): "not_custodian" for act in CUSTODIAN},
        ("import", "you"): "not_exported",
        ("title", "me"): "",
        ("title", "you"): "not_title_holder",
    },
    "arrived elsewhere": ENDED,
    "closed": ENDED,
    "used up": ENDED,
    "did not occur": ENDED,
}


@pytest.mark.threat("T24")
@pytest.mark.parametrize("state", TABLE)
def test_state_by_kind(state: str) -> None:
    """In each state each act by each party around the lot stands, or is refused under its name."""
    begin = Scene(state)
    for (act, who), refusal in TABLE[state].items():
        scene = begin.fork()
        outcome = scene.trade.outcome(scene.actor(who), ACTS[act](scene))
        if refusal:
            assert isinstance(outcome, Rejected), (act, who, outcome)
            assert outcome.name == refusal, (act, who, outcome)
        else:
            assert isinstance(outcome, Appended), (act, who, outcome)
            assert outcome.stands, (act, who)


@pytest.mark.parametrize("state", TABLE)
def test_what_is_said_about_a_lot_leaves_it_alone(state: str) -> None:
    """Papers, money, holds, reports and audits: in each state taken or refused alike, and the lot stays as it stood."""
    begin = Scene(state)
    for (act, who), refusal in LEFT_ALONE.items():
        scene = begin.fork()
        event = ACTS[act](scene)
        before = scene.trade.lot(scene.lot)
        outcome = scene.trade.outcome(scene.actor(who), event)
        if refusal:
            assert isinstance(outcome, Rejected), (act, who, outcome)
            assert outcome.name == refusal, (act, who, outcome)
            continue
        assert isinstance(outcome, Appended), (act, who, outcome)
        assert outcome.stands, (act, who)
        assert not outcome.fates, (act, who)
        after = scene.trade.lot(scene.lot)
        assert replace(after, place=before.place) == before, (act, who)
        assert after.place.count == before.place.count + (act != "certificate_use"), (act, who)


def test_the_table_covers_every_kind_that_moves() -> None:
    """No kind that moves a lot is left out, in any state but the variants."""
    moving = {*MOVING, "reassignment"}
    for state in ("held", "offered", "exported", "closed"):
        scene = Scene(state)
        covered = {ACTS[act](scene)["kind"] for act, _ in TABLE[state]}
        assert moving <= covered, (state, moving - covered)


LEAVES = {
    "held": ("held", "me"),
    "transfer": ("offered", "me"),
    "acceptance": ("held", "you"),
    "refusal": ("held", "me"),
    "withdrawal": ("held", "me"),
    "export": ("exported", "me"),
    "import": ("held", "you"),
    "closure": ("ended", "you"),
    "transformation": ("ended", "me"),
    "reassignment": ("held", "stranger"),
    "retagging": ("held", "me"),
    "inspection": ("held", "me"),
}


@pytest.mark.parametrize(
    ("state", "act", "who", "leaves"),
    [
        ("held", "transfer", "me", "transfer"),
        ("offered", "acceptance", "you", "acceptance"),
        ("offered", "refusal", "you", "refusal"),
        ("offer over", "withdrawal", "me", "withdrawal"),
        ("offer over", "acceptance", "you", "acceptance"),
        ("held", "export", "me", "export"),
        ("exported", "import", "you", "import"),
        ("exported", "import by exporter", "me", "import"),
        ("exported", "import by authority", "office", "import"),
        ("held", "transformation", "me", "transformation"),
        ("held", "reassignment", "office", "reassignment"),
        ("offered", "reassignment", "office", "reassignment"),
        ("exported", "reassignment", "office", "reassignment"),
        ("held", "retagging", "me", "retagging"),
        ("held", "inspection", "me", "inspection"),
    ],
)
def test_what_an_act_leaves(state: str, act: str, who: str, leaves: str) -> None:
    """State and custodian afterwards; the head is the event where it moves the lot, else stays."""
    scene = Scene(state)
    before = scene.trade.lot(scene.lot)
    entry = scene.trade.appends(scene.actor(who), ACTS[act](scene))
    lot = scene.trade.lot(scene.lot)
    assert (lot.state, lot.custodian) == (LEAVES[leaves][0], scene.actor(LEAVES[leaves][1]).party)
    moves = act not in ("retagging", "inspection")
    assert lot.custody_head == (entry if moves else before.custody_head)
    assert (lot.offer is not None) == (lot.state == "offered")
