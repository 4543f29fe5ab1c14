"""Corrections: an event that did not occur, and one that said something wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from memory import Actor, weighing
from rules import Rules
from traceability.core.composition import Gain
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot
from traceability.core.record import EMPTY_CHAIN, Place
from traceability.core.registry_records import Act, TagRecord


class Scene:
    """A lot at the point where an event is recorded that did not occur."""

    def __init__(self) -> None:
        self.trade = trade = Rules()
        self.coop, self.me, self.you, self.lab = trade.people(
            "coop:miner", "me:trader,exporter", "you:trader,importer", "lab:laboratory"
        )
        self.site = trade.site(self.coop)
        (self.lot,) = trade.produce(
            self.coop, "38.40", site=self.site, each=[{"tags": ["itsci:1", "itsci:2"], "seals": ["A", "B"]}]
        )
        trade.hand_over(self.coop, self.me, [self.lot])

    @property
    def here(self) -> list[tuple[Any, LotId]]:
        return self.trade.on([self.lot])

    def bare(self) -> Lot:
        """The lot without what counting entries and disputes adds to it."""
        return replace(self.trade.lot(self.lot), place=Place(0), disputed=(), pools=0)


def heavy(s: Scene) -> list[dict[str, Any]]:
    return [weighing("30", lots=[s.lot])]


def _offered(s: Scene, **more: Any) -> None:
    s.trade.offer(s.me, s.you, [s.lot], accept_by="2026-03-02", **more)


def _title_offered(s: Scene) -> None:
    s.trade.appends(s.me, s.trade.transfer(s.you.party, s.trade.on([s.lot], title=True), "title"))


def _exported(s: Scene) -> None:
    s.trade.appends(s.me, s.trade.export(s.here, s.you.party))


def _exported_away(s: Scene) -> None:
    s.trade.appends(s.me, s.trade.export(s.here))


def _nothing(_: Scene) -> None:
    pass


def _later(s: Scene) -> None:
    _offered(s)
    s.trade.wait_until("2026-03-04")


# what goes before · who · the event that did not occur
UNDONE: dict[str, tuple[Callable[[Scene], None], str, Callable[[Scene], dict[str, Any]]]] = {
    "closure": (_nothing, "me", lambda s: s.trade.closure(s.here)),
    "closure in transit": (_offered, "you", lambda s: s.trade.closure(s.here)),
    "closure abroad": (_exported, "you", lambda s: s.trade.closure(s.here)),
    "closure under an offer of title": (_title_offered, "me", lambda s: s.trade.closure(s.here)),
    "refusal": (_offered, "you", lambda s: s.trade.refusal(s.here)),
    "refusal with a reading": (_offered, "you", lambda s: s.trade.refusal(s.here, weighings=heavy(s))),
    "refusal of title": (
        _title_offered,
        "you",
        lambda s: s.trade.refusal(s.trade.on([s.lot], title=True)),
    ),
    "withdrawal": (_later, "me", lambda s: s.trade.withdrawal(s.here)),
    "import": (_exported, "you", lambda s: s.trade.arrival(s.here)),
    "import with a reading": (_exported, "you", lambda s: s.trade.arrival(s.here, weighings=heavy(s))),
    "import elsewhere": (_exported_away, "me", lambda s: s.trade.arrival(s.here, "exporter")),
    "repacking": (_nothing, "me", lambda s: s.trade.transformation(s.here, ["38.40"], "repacking")),
    "split that keeps a tag": (
        _nothing,
        "me",
        lambda s: s.trade.transformation(
            s.here,
            [s.trade.new_lot("38", tags=["itsci:1"]), s.trade.new_lot("0.4", tags=["itsci:9"])],
            "split",
        ),
    ),
    "processing with a reading and a loss": (
        _nothing,
        "me",
        lambda s: s.trade.transformation(
            s.here,
            ["28"],
            "processing",
            steps=["wash"],
            weighings=heavy(s),
            losses=[{"type": "tailings", "mass": {"unit": "KGM", "value": "2"}}],
        ),
    ),
    "retagging": (
        _nothing,
        "me",
        lambda s: s.trade.act(
            "retagging",
            lot=s.lot,
            tags_off=[{"tag": "itsci:1", "fate": "lost"}],
            tags_on=["itsci:3"],
            seals=["C"],
            reason="lost",
        ),
    ),
    "retagging with spill and reading": (
        _nothing,
        "me",
        lambda s: s.trade.act(
            "retagging",
            lot=s.lot,
            tags_on=["itsci:3"],
            reason="burst",
            spilled={"unit": "KGM", "value": "0.35"},
            weighing=weighing("30"),
        ),
    ),
    "inspection that looked": (
        _nothing,
        "lab",
        lambda s: s.trade.act("inspection", type="photo", lots=[s.lot]),
    ),
    "inspection that weighed": (
        _nothing,
        "lab",
        lambda s: s.trade.act("inspection", type="weighing", lots=[s.lot], weighings=heavy(s)),
    ),
    "inspection that weighed inside the band": (
        _nothing,
        "lab",
        lambda s: s.trade.act(
            "inspection", type="weighing", lots=[s.lot], weighings=[weighing("38.35", lots=[s.lot])]
        ),
    ),
    "inspection in transit that took a sample": (
        _offered,
        "lab",
        lambda s: s.trade.act(
            "inspection",
            type="assay",
            lots=[s.lot],
            sample={"number": "L-88", "mass": {"unit": "KGM", "value": "0.2"}},
        ),
    ),
}


@pytest.mark.parametrize("name", UNDONE)
@pytest.mark.parametrize("by", ["its signer", "an authority"])
def test_what_did_not_occur_leaves_the_lot_as_it_was(name: str, by: str) -> None:
    """Every kind that may be undone: the lot, its tags and its offers are exactly what they were."""
    s = Scene()
    before_it, who, event = UNDONE[name]
    before_it(s)
    lot = s.bare()
    tags = {tag: _on(s.trade, tag) for tag in ("itsci:1", "itsci:2", "itsci:3", "itsci:9")}
    actor: Actor = getattr(s, who)
    entry = s.trade.appends(actor, event(s))
    corrector = actor if by == "its signer" else s.trade.operator
    correction = s.trade.appends(corrector, s.trade.correction(entry))
    assert s.bare() == lot
    assert {tag: _on(s.trade, tag) for tag in tags} == tags
    act = s.trade.state.records["act", entry]
    assert isinstance(act, Act)
    assert act.corrections == (correction,)
    made = s.trade.entries[-2].event.made
    assert all(s.trade.lot(out).state == "ended" and not s.trade.lot(out).tags for out in made)
    _goes_on(s, lot)


def _on(trade: Rules, tag: str) -> tuple[LotId, ...]:
    """The lots the tag is on that have not ended."""
    record = trade.state.records.get(("tag", tag))
    lots = record.on if isinstance(record, TagRecord) else ()
    return tuple(lot for lot in lots if trade.lot(lot).state != "ended")


def _goes_on(s: Scene, lot: Lot) -> None:
    """The lot moves again from where it stood, by whoever was entitled to."""
    match lot.state:
        case "held":
            s.trade.appends(s.me, s.trade.transformation(s.here, [s.trade.new_lot("38.40")], "repacking"))
        case "offered":
            s.trade.appends(s.you, s.trade.acceptance(s.here))
        case "exported":
            by = "importer" if lot.importer else "exporter"
            s.trade.appends(s.you if lot.importer else s.me, s.trade.arrival(s.here, by))
        case "ended":
            raise AssertionError
    assert s.trade.lot(s.lot).custody_head == s.trade.last().event_id


def test_production_and_intake_that_did_not_occur() -> None:
    """Their lots end with the correction, untagged; the tags are free."""
    s = Scene()
    lots = s.trade.produce(s.coop, "1", "2", each=[{"tags": ["itsci:7"]}])
    entry = s.trade.lot(lots[0]).maker
    correction = s.trade.appends(s.coop, s.trade.correction(entry))
    for lot in lots:
        assert (s.trade.lot(lot).state, s.trade.lot(lot).ended_by) == ("ended", correction)
    assert _on(s.trade, "itsci:7") == ()
    (again,) = s.trade.produce(s.coop, "1", each=[{"tags": ["itsci:7"]}])
    assert not s.trade.findings("tag_on_two_lots")
    s.trade.refuses("stands_on_it", s.coop, s.trade.correction(entry))
    (kept,) = s.trade.intaken(s.me, "3")
    s.trade.appends(s.trade.registrar, s.trade.correction(s.trade.lot(kept).maker))
    assert s.trade.lot(kept).state == "ended"
    assert s.trade.lot(again).state == "held"


@pytest.mark.parametrize(
    "kind", ["transfer", "acceptance", "reassignment", "export", "genesis", "enrolment", "correction"]
)
def test_what_ends_by_its_own_kind_is_never_undone(kind: str) -> None:
    """Transfers, acceptances, reassignments and exports; and what the registry says."""
    s = Scene()
    match kind:
        case "transfer":
            _offered(s)
        case "acceptance":
            pass
        case "reassignment":
            s.trade.appends(s.trade.registrar, s.trade.reassignment([s.lot], s.you.party))
        case "export":
            _exported(s)
        case "correction":
            s.trade.appends(s.me, s.trade.act("inspection", type="photo", lots=[s.lot]))
            s.trade.appends(s.me, s.trade.correction(s.trade.last().event_id))
        case _:
            pass
    index = {"genesis": 0, "enrolment": 1}.get(kind, -1)
    kept = s.trade.entries[index]
    assert kept.event.kind == kind
    s.trade.refuses("not_correctable", s.trade.operator, s.trade.correction(kept.event_id))


@pytest.mark.parametrize("name", UNDONE)
def test_nothing_is_undone_once_something_stands_on_it(name: str) -> None:
    """The lot has moved, or was weighed or tagged again: the correction is refused."""
    s = Scene()
    before_it, who, event = UNDONE[name]
    before_it(s)
    actor: Actor = getattr(s, who)
    entry = s.trade.appends(actor, event(s))
    lot = s.trade.lot(s.lot)
    made = s.trade.last().event.made
    if name == "inspection that looked":
        return  # it left nothing that could be built on
    if made:
        s.trade.appends(s.me, s.trade.transfer(s.you.party, s.trade.on(made[:1])))
    elif lot.state == "ended":
        return  # nothing can stand on it, but where it made something
    elif name == "refusal of title":
        s.trade.appends(s.me, s.trade.transfer(s.coop.party, s.trade.on([s.lot], title=True), "title"))
    elif name.startswith(("retagging", "inspection")):
        again = [weighing("31", lots=[s.lot])]
        s.trade.appends(s.lab, s.trade.act("inspection", type="weighing", lots=[s.lot], weighings=again))
        if name == "retagging":
            off = [{"tag": "itsci:3", "fate": "lost"}]
            s.trade.appends(s.me, s.trade.act("retagging", lot=s.lot, tags_off=off, reason="lost"))
    else:
        holder = s.me if lot.custodian == s.me.party else s.you
        s.trade.appends(holder, s.trade.transfer(s.coop.party, s.here))
    s.trade.refuses("stands_on_it", actor, s.trade.correction(entry))


def test_only_the_head_it_took_is_given_back() -> None:
    """Title sold and custody moved since stay sold and moved when a refusal of the other is undone."""
    s = Scene()
    _title_offered(s)
    refusal = s.trade.appends(s.you, s.trade.refusal(s.trade.on([s.lot], title=True)))
    s.trade.appends(s.me, s.trade.transfer(s.coop.party, s.here, "custody"))
    s.trade.appends(s.coop, s.trade.acceptance(s.here))
    head = s.trade.lot(s.lot).custody_head
    s.trade.appends(s.you, s.trade.correction(refusal))
    lot = s.trade.lot(s.lot)
    assert (lot.custodian, lot.custody_head, lot.state) == (s.coop.party, head, "held")
    assert lot.title_offer is not None
    s.trade.appends(s.you, s.trade.acceptance([(lot.title_offer.event, s.lot)]))

    s.trade.appends(s.coop, s.trade.transfer(s.me.party, s.here, "custody", accept_by="2026-03-02"))
    refusal = s.trade.appends(s.me, s.trade.refusal(s.here))
    s.trade.appends(s.you, s.trade.transfer(s.lab.party, s.trade.on([s.lot], title=True), "title"))
    s.trade.appends(s.lab, s.trade.acceptance(s.trade.on([s.lot], title=True)))
    s.trade.appends(s.me, s.trade.correction(refusal))
    lot = s.trade.lot(s.lot)
    assert (lot.title, lot.state, lot.custodian) == (s.lab.party, "offered", s.coop.party)
    s.trade.appends(s.me, s.trade.acceptance(s.here))


def test_samples_taken_since_stay_taken() -> None:
    """A withdrawal undone does not put back what a laboratory took out meanwhile."""
    s = Scene()
    _later(s)
    entry = s.trade.appends(s.me, s.trade.withdrawal(s.here))
    sample = {"number": "L-1", "mass": {"unit": "KGM", "value": "0.4"}}
    s.trade.appends(s.lab, s.trade.act("inspection", type="assay", lots=[s.lot], sample=sample))
    s.trade.appends(s.me, s.trade.correction(entry))
    lot = s.trade.lot(s.lot)
    assert (lot.state, lot.expected_ug, lot.reading) == ("offered", 38_000_000_000, "38000")


def test_an_undone_move_is_no_ground() -> None:
    """What somebody built on it meanwhile and brings late is refused; the place on the head is free again."""
    s = Scene()
    (other,) = s.trade.intaken(s.me, "1")
    entry = s.trade.appends(s.me, s.trade.closure(s.here))
    s.trade.appends(s.me, s.trade.correction(entry))
    s.trade.refuses("predecessor_without_effect", s.me, s.trade.transfer(s.you.party, [(entry, s.lot)]))
    again = s.trade.appends(s.me, s.trade.closure(s.here))
    assert s.trade.lot(s.lot).ended_by == again
    assert s.trade.lot(other).state == "held"


# It said something wrong


def corrected(s: Scene, fields: dict[str, Any], event: EventId | None = None) -> None:
    made = event or s.trade.lot(s.lot).maker
    s.trade.appends(s.coop, s.trade.correction(made, fields))


def fresh() -> Scene:
    """A scene whose lot is still with who made it."""
    s = Scene()
    (s.lot,) = s.trade.produce(
        s.coop,
        "38.40",
        site=s.site,
        each=[{"tags": ["itsci:5", "itsci:6"], "seals": ["A", "B"], "lot_number": "7"}],
    )
    return s


def test_tags_seals_and_numbers_are_put_right() -> None:
    """From its place in the log on, while the lot is whole and in the same hands."""
    s = fresh()
    corrected(
        s,
        {
            "/lots/0/tags/0": "itsci:8",
            "/lots/0/seals/1": "Z",
            "/lots/0/lot_number": "77",
            "/document": "p. 4",
        },
    )
    lot = s.trade.lot(s.lot)
    assert (lot.tags, lot.seals, lot.lot_number) == (("itsci:8", "itsci:6"), ("A", "Z"), "77")
    assert (_on(s.trade, "itsci:5"), _on(s.trade, "itsci:8")) == ((), (s.lot,))
    assert ("tag", "itsci:8") in dict(s.trade.last().outcome.links)
    assert not s.trade.findings()
    corrected(s, {"/lots/0/tags/1": "itsci:1"})
    assert s.trade.findings("tag_on_two_lots")


def test_the_first_mass_is_put_right() -> None:
    """Down and up: the difference is lost, or a gain, and the lot's own reading follows."""
    s = fresh()
    corrected(s, {"/lots/0/weighing/net/value": "36.40"})
    lot = s.trade.lot(s.lot)
    assert (lot.expected_ug, lot.lowest_ug, lot.reading) == (36_400_000_000, 36_400_000_000, "36400")
    assert not s.trade.findings()
    s.trade.appends(s.coop, s.trade.transformation(s.here, ["36.40"], "repacking"))
    s = fresh()
    corrected(s, {"/lots/0/weighing/net/value": "40.40"})
    lot = s.trade.lot(s.lot)
    assert (lot.expected_ug, lot.gained_ug) == (40_400_000_000, 2_000_000_000)
    shares = {type(leaf).__name__: mass for leaf, mass in s.trade.composition([s.lot]).items()}
    assert shares == {"Production": 38_400_000_000, Gain.__name__: 2_000_000_000}


@pytest.mark.parametrize("reading", ["38.10", "36.40", "38.60", None])
def test_a_mass_told_otherwise_since_is_left(reading: str | None) -> None:
    """Once a sample was taken, or somebody has weighed the lot again, its first mass is of no account."""
    s = fresh()
    if reading is None:
        more: dict[str, Any] = {"sample": {"number": "L-1", "mass": {"unit": "KGM", "value": "2"}}}
    else:
        more = {"weighings": [weighing(reading, lots=[s.lot])]}
    s.trade.appends(s.lab, s.trade.act("inspection", type="weighing", lots=[s.lot], **more))
    before = s.bare()
    corrected(s, {"/lots/0/weighing/net/value": "36.40", "/lots/0/lot_number": "8"})
    assert s.bare() == replace(before, lot_number="8")
    (left,) = s.trade.findings("corrected_too_late")
    figures = {"what": "mass", "right_ug": "36400000000", "said_ug": "38400000000"}
    assert dict(left.figures) == figures


def test_what_was_put_right_is_put_right_again() -> None:
    """A second correction goes on from the first: each difference is taken once."""
    s = fresh()
    there = s.trade.site(s.coop)
    corrected(s, {"/lots/0/weighing/net/value": "36.40", "/lots/0/tags/0": "itsci:8", "/site": there})
    corrected(s, {"/lots/0/weighing/net/value": "37.40", "/lots/0/tags/0": "itsci:9"})
    lot = s.trade.lot(s.lot)
    assert (lot.expected_ug, lot.reading, lot.site) == (37_400_000_000, "37400", there)
    assert lot.tags == ("itsci:9", "itsci:6")
    corrected(s, {"/lots/0/weighing/net/value": "37.40", "/site": s.site, "/lots/0/lot_number": "8"})
    corrected(s, {"/lots/0/seals/0": "X", "/lots/0/lot_number": "7"})
    corrected(s, {"/lots/0/seals/0": "Y"})
    lot = s.trade.lot(s.lot)
    assert (lot.expected_ug, lot.site, lot.seals, lot.lot_number) == (37_400_000_000, s.site, ("Y", "B"), "7")
    corrected(s, {"/lots/0/weighing/net/value": "38.40"})
    assert s.trade.lot(s.lot).expected_ug == 38_400_000_000
    assert not any(kept.outcome.findings for kept in s.trade.entries if kept.event.kind == "correction")


def test_units_put_right_first_and_digits_after() -> None:
    """The second correction is read with the unit of the first: 38,500 grams, not kilograms."""
    s = fresh()
    corrected(s, {"/lots/0/weighing/net/value": "38400", "/lots/0/weighing/net/unit": "GRM"})
    assert s.trade.lot(s.lot).expected_ug == 38_400_000_000
    corrected(s, {"/lots/0/weighing/net/value": "38500"})
    assert s.trade.lot(s.lot).expected_ug == 38_500_000_000
    assert not s.trade.findings()


def test_what_came_too_late_once_was_not_taken() -> None:
    """A bag that is back goes on from what it was last told, not from a correction it never took over."""
    s = fresh()
    made = s.trade.lot(s.lot).maker
    s.trade.hand_over(s.coop, s.me, [s.lot])
    corrected(s, {"/lots/0/weighing/net/value": "36.40", "/lots/0/tags/0": "itsci:8"}, made)
    assert s.trade.findings("corrected_too_late")
    s.trade.hand_over(s.me, s.coop, [s.lot])
    corrected(s, {"/lots/0/weighing/net/value": "37.40", "/lots/0/tags/0": "itsci:9"}, made)
    lot = s.trade.lot(s.lot)
    assert (lot.expected_ug, lot.tags) == (37_400_000_000, ("itsci:9", "itsci:6"))
    assert not s.trade.findings()


def test_tags_of_two_bags_taken_for_each_other() -> None:
    """One correction puts each on its own bag, and finds no tag on two lots; so with two tags of one bag."""
    s = fresh()
    a, b = s.trade.produce(
        s.coop, "1", "2", site=s.site, each=[{"tags": ["itsci:11"]}, {"tags": ["itsci:12"]}]
    )
    corrected(s, {"/lots/0/tags/0": "itsci:12", "/lots/1/tags/0": "itsci:11"}, s.trade.lot(a).maker)
    assert (s.trade.lot(a).tags, s.trade.lot(b).tags) == (("itsci:12",), ("itsci:11",))
    assert (_on(s.trade, "itsci:11"), _on(s.trade, "itsci:12")) == ((b,), (a,))
    assert not s.trade.findings()
    corrected(s, {"/lots/0/tags/0": "itsci:6", "/lots/0/tags/1": "itsci:5"})
    assert s.trade.lot(s.lot).tags == ("itsci:6", "itsci:5")
    assert (_on(s.trade, "itsci:5"), _on(s.trade, "itsci:6")) == ((s.lot,), (s.lot,))


def test_gross_and_tare_are_put_right_together_or_not_at_all() -> None:
    """The corrected event must be one that could have been signed."""
    s = Scene()
    reading = weighing("38", gross={"unit": "KGM", "value": "38.5"}, tare={"unit": "GRM", "value": "500"})
    event = s.trade.production("1", site=s.site)
    event["body"]["lots"][0]["weighing"] = reading
    (s.lot,) = s.trade.made_by(s.coop, event)
    entry = s.trade.appends(s.coop, event)
    s.trade.refuses(
        "not_correctable", s.coop, s.trade.correction(entry, {"/lots/0/weighing/net/value": "37"})
    )
    corrected(s, {"/lots/0/weighing/net/value": "37", "/lots/0/weighing/gross/value": "37.5"})
    assert s.trade.lot(s.lot).expected_ug == 37_000_000_000


def test_the_site_and_the_count_are_put_right() -> None:
    """An unknown site is waited for; the ore is then from there."""
    s = fresh()
    there = s.trade.site(s.coop)
    made = s.trade.lot(s.lot).maker
    s.trade.waits("site", "0" * 26, s.coop, s.trade.correction(made, {"/site": "0" * 26}))
    corrected(s, {"/site": there})
    assert s.trade.lot(s.lot).site == there
    assert [leaf.site for leaf in s.trade.composition([s.lot])] == [there]
    stones = s.trade.new_lot("6.35", "CTM", mineral="diamond", form="rough", count=14)
    event = {**s.trade.production("1"), "body": {"region": "CF-HS", "source": "device", "lots": [stones]}}
    (lot,) = s.trade.made_by(s.coop, event)
    entry = s.trade.appends(s.coop, event)
    corrected(s, {"/lots/0/count": 13}, entry)
    assert s.trade.lot(lot).count == 13


@pytest.mark.threat("T31")
def test_after_that_the_record_stays() -> None:
    """Once the lot is gone, split or in other hands, the correction is on record with a finding, and changes nothing."""
    everything: dict[str, Any] = {
        "/lots/0/tags/0": "itsci:8",
        "/lots/0/seals/0": "Z",
        "/lots/0/lot_number": "77",
        "/lots/0/weighing/net/value": "30",
    }
    for then in ("sold", "used up"):
        s = fresh()
        made = s.trade.lot(s.lot).maker
        if then == "sold":
            s.trade.hand_over(s.coop, s.me, [s.lot])
        else:
            s.trade.appends(s.coop, s.trade.transformation(s.here, ["38.40"], "repacking"))
        before = s.bare()
        there = s.trade.site(s.coop)
        corrected(s, {**everything, "/site": there}, made)
        assert s.bare() == before
        found = s.trade.findings("corrected_too_late")
        assert {what for f in found for what in dict(f.figures)["what"].split()} == {
            "tags",
            "seals",
            "lot_number",
            "mass",
            "site",
        }
        assert all(f.subjects == (("lot", s.lot),) and f.events[1] == made for f in found)


def test_what_was_changed_since_is_not_changed_back() -> None:
    """A tag that has come off meanwhile is not put right; the rest is."""
    s = fresh()
    off = [{"tag": "itsci:5", "fate": "lost"}]
    s.trade.appends(
        s.coop, s.trade.act("retagging", lot=s.lot, tags_off=off, tags_on=["itsci:9"], reason="lost")
    )
    retagging = s.trade.last().event_id
    corrected(s, {"/lots/0/tags/0": "itsci:8", "/lots/0/lot_number": "78"})
    assert s.trade.lot(s.lot).tags == ("itsci:6", "itsci:9")
    assert s.trade.lot(s.lot).lot_number == "78"
    assert len(s.trade.findings("corrected_too_late")) == 1
    corrected(s, {"/tags_on/0": "itsci:10"}, retagging)
    assert s.trade.lot(s.lot).tags == ("itsci:6", "itsci:10")
    s.trade.hand_over(s.coop, s.me, [s.lot])
    corrected(s, {"/tags_on/0": "itsci:11"}, retagging)
    assert s.trade.lot(s.lot).tags == ("itsci:6", "itsci:10")
    assert s.trade.findings("corrected_too_late")


def test_most_of_what_is_said_is_only_read() -> None:
    """Dates, papers, a laboratory's number: the correction stands beside the event, and no lot changes."""
    s = fresh()
    assay = {"analyte": "sn", "ppm": 600_000, "on": "dry", "method": "handheld_xrf", "report": "E 7"}
    event = s.trade.production("1", site=s.site, dug_from="2026-02-01")
    event["body"]["lots"][0]["assays"] = [assay]
    (s.lot,) = s.trade.made_by(s.coop, event)
    entry = s.trade.appends(s.coop, event)
    before = s.bare()
    corrected(
        s, {"/lots/0/assays/0/report": "E 17", "/dug_from": "2026-02-02", "/purchase_number": "12"}, entry
    )
    assert s.bare() == before
    assert not s.trade.findings()
    transfer = s.trade.appends(
        s.coop, s.trade.transfer(s.me.party, s.here, weighings=[weighing("1", lots=[s.lot])])
    )
    before = s.bare()
    corrected(s, {"/waybill": "12/2026", "/weighings/0/net/value": "0.5"}, transfer)
    assert s.bare() == before
    (found,) = s.trade.findings()
    assert (found.rule, found.figures) == ("corrected_but_booked", (("what", "/weighings/0/net/value"),))


def test_what_closed_as_it_was_stays() -> None:
    """Mass and count of an output, and the lines of its transformation: the output's tag is put right, no figure."""
    s = fresh()
    event = s.trade.transformation(s.here, [s.trade.new_lot("38.40", tags=["itsci:20"])], "repacking")
    (out,) = s.trade.made_by(s.coop, event)
    entry = s.trade.appends(s.coop, event)
    corrected(s, {"/outputs/0/weighing/net/value": "38.30", "/outputs/0/tags/0": "itsci:21"}, entry)
    assert (s.trade.lot(out).expected_ug, s.trade.lot(out).tags) == (38_400_000_000, ("itsci:21",))
    (found,) = s.trade.findings()
    assert (found.rule, found.subjects) == ("corrected_but_booked", (("lot", out),))


@pytest.mark.threat("T31")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/producer", "0" * 26),
        ("/lots/0/title", "0" * 26),
        ("/lots/0/nonce", "AAAAAAAAAAAAAAAAAAAAAA"),
        ("/custodian", "0" * 26),
        ("/lots/0/tags", "itsci:1"),
        ("/lots/0", "x"),
        ("/lots/0/tags/5", "itsci:1"),
        ("/lots/9/lot_number", "1"),
        ("/lots/00/lot_number", "1"),
        ("/lots/0/tags/0", "no tag"),
        ("/lots/0/tags/0", "itsci:6"),
        ("/lots/0/weighing/net/value", "0"),
        ("/lots/0/weighing/net/value", "1,5"),
        ("/lots/0/weighing/net/value", 5),
        ("/lots/0/weighing", 5),
        ("/workers", "four"),
        ("/workers", -1),
        ("/nothing", "x"),
        ("/lots/0/nothing", "x"),
        ("/lots/0/weighing/net/value/0", "x"),
        ("/source", "paper"),
        ("/miner", "Jean"),
        ("/lots/0/price", "12"),
    ],
)
def test_what_no_event_could_say_is_no_correction(path: str, value: Any) -> None:
    """Parties and lots stay; the corrected body must be one the event could have had; what is sealed stays sealed."""
    s = fresh()
    s.trade.refuses("not_correctable", s.coop, s.trade.correction(s.trade.lot(s.lot).maker, {path: value}))


def test_lots_and_parties_of_a_transfer_stay() -> None:
    """Not even by index into a list."""
    s = Scene()
    reading = [weighing("38", lots=[s.lot])]
    entry = s.trade.appends(s.me, s.trade.transfer(s.you.party, s.here, weighings=reading))
    for path in ("/recipient", "/carrier", "/weighings/0/lots/0", "/acting_for"):
        s.trade.refuses("not_correctable", s.me, s.trade.correction(entry, {path: "0" * 26}))


def test_sealed_is_corrected_sealed() -> None:
    """A sealed path gets a new commitment; it cannot be corrected in the open, nor an open one sealed."""
    commitment = "Qa8lfLmGL0i3_gZPckYFzDk26V5OjBEA9au_1hbMGcw"
    s = Scene()
    event = {**s.trade.production("1"), "sealed": [["/lots/0/price", commitment]]}
    entry = s.trade.appends(s.coop, event)
    body: dict[str, Any] = {"event": entry, "reason": "incorrect_data", "fields": [{"path": "/lots/0/price"}]}
    sealed: dict[str, Any] = {"kind": "correction", "body": body, "sealed": [["/fields/0/is", commitment]]}
    s.trade.appends(s.coop, sealed)
    open_ = {**sealed, "body": {**body, "fields": [{"path": "/region"}]}}
    s.trade.refuses("not_correctable", s.coop, open_)
    s.trade.refuses("not_correctable", s.coop, s.trade.correction(entry, {"/lots/0/price": "12"}))


def test_what_is_without_effect_is_put_right_without_effect() -> None:
    """Correcting the words of an event that lost changes no lot, and waits for none."""
    s = Scene()
    s.trade.appends(s.coop, {**s.trade.production("1"), "sequence": 90})
    entry = s.trade.loses(s.coop, {**s.trade.production("2"), "sequence": 90})
    corrected(s, {"/lots/0/weighing/net/value": "3"}, entry)
    late = s.trade.loses(s.coop, s.trade.transfer(s.you.party, [(s.trade.lot(s.lot).maker, s.lot)]))
    corrected(s, {"/waybill": "3"}, late)


def test_the_registry_is_restated_not_corrected() -> None:
    """What an enrolment or a site registration says is put right by another."""
    s = Scene()
    for kept in s.trade.entries[:6]:
        s.trade.refuses(
            "not_correctable", s.trade.operator, s.trade.correction(kept.event_id, {"/region": "CF-HS"})
        )


@pytest.mark.threat("T32")
def test_who_may_correct() -> None:
    """The signer, the party acted for, or an authority; an unknown event is waited for."""
    s = Scene()
    right = s.trade.appends(s.coop, s.trade.delegation(s.me.party, ["production"], principal=s.coop.party))
    event = s.trade.production("1", acting_for=s.coop.party, delegation=right)
    entry = s.trade.appends(s.me, event)
    s.trade.refuses("not_your_event", s.you, s.trade.correction(entry, {"/document": "p. 1"}))
    s.trade.waits("event", "0" * 64, s.you, s.trade.correction(entry, {"/document": "p. 1"}, by=["0" * 64]))
    for actor in (s.me, s.coop, s.trade.operator):
        s.trade.appends(actor, s.trade.correction(entry, {"/document": "p. 1"}))


def test_places_in_the_book_begin_empty() -> None:
    """A guard for the comparisons above: what they leave out is only the line in the book."""
    assert Place(0).chain == EMPTY_CHAIN


def test_nothing_is_about_corrections_and_approvals() -> None:
    """A correction is not corrected and not approved, so that no chain of them can be grown."""
    s = Scene()
    before_it, who, event = next(iter(UNDONE.values()))
    before_it(s)
    actor: Actor = getattr(s, who)
    entry = s.trade.appends(actor, event(s))
    correction = s.trade.appends(actor, s.trade.correction(entry))
    s.trade.refuses("not_correctable", actor, s.trade.correction(correction))
    approval = {"kind": "approval", "body": {"event": correction, "decision": "approved"}}
    s.trade.refuses("needs_no_approval", s.trade.operator, approval)
