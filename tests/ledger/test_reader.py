"""What a reader tells is what was recorded: compared with a ledger in memory and with slow, obvious walks."""

from collections import defaultdict

import pytest

from both import verify
from memory import MemoryLedger, seal, weighing
from showing import evidence_of
from traceability.core import evidence
from traceability.core.composition import by_site
from traceability.core.ids import LotId, derive
from traceability.core.lot_records import Lot
from traceability.core.registry_records import Party, Site
from traceability.core.report import HOLDS
from traceability.ledger import lists
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.lists import FindingFilter
from traceability.ledger.reader import Reader
from traceability.ledger.view import View
from traceability.ledger.writer import create
from trading import Trade


@pytest.fixture
def store_of(fresh_url, opened, tmp_path):
    """Puts a ledger in memory into a store, entry by entry with its own record times."""

    def put(memory: MemoryLedger, disclosures=None):
        store = opened(fresh_url())
        vkey = memory.log_signer.verifier.encode()
        guard = FileGuard(tmp_path / memory.name / "guard", vkey)
        sent = [
            Submission(
                kept.envelope,
                disclosures=(disclosures or {}).get(kept.index, ()),
                record_time=kept.record_time,
            )
            for kept in memory.entries
        ]
        ledger = create(store, guard, memory.log_signer, sent[0], clock=lambda: memory.entries[0].record_time)
        try:
            for answer in ledger.append(sent[1:]):
                assert isinstance(answer, Recorded), answer
        finally:
            ledger.close()
        return store

    return put


@pytest.fixture
def trade():
    trade = Trade(4, demo=True)
    trade.run(150)
    return trade


@pytest.fixture
def store(trade, store_of):
    return store_of(trade.ledger)


@pytest.fixture
def reader(store):
    return Reader(store)


@pytest.fixture
def view(store):
    with store.read() as view:
        yield view


def parents(memory: MemoryLedger, lot: LotId) -> set[LotId]:
    """What a lot was made of, read from the events."""
    record = memory.lot(lot)
    return {parent for _, parent in memory.state.entries[record.maker].event.moved}


def test_entries_are_read_as_they_were_recorded(trade, reader):
    """Every entry, with its event, its fates and what rules noticed at it."""
    memory = trade.ledger
    found = reader.entries(0, 1000)
    assert [entry.index for entry in found] == list(range(len(memory.entries)))
    for entry, kept in zip(found, memory.entries, strict=True):
        assert entry.event == kept.event
        assert entry.entry == kept.entry
        assert (entry.stands, entry.fates) == (kept.outcome.stands, dict(kept.outcome.fates))
        assert entry.findings == kept.outcome.findings
        assert reader.entry_of(kept.event_id).index == kept.index
    assert reader.entry(3).event_id == memory.entries[3].event_id
    assert reader.entry(len(found)) is None
    assert reader.entry_of("0" * 64) is None


def test_records_are_those_of_the_fold(trade, reader):
    """Lots, parties, sites and tags stand as the fold left them."""
    records = trade.ledger.state.records
    for (kind, id_), record in records.items():
        if kind in ("lot", "party", "site", "tag", "key"):
            assert reader.record((kind, id_)) == record
    lot = next(iter(trade.lots))
    assert reader.lot(lot) == records["lot", lot]
    assert reader.party(trade.agent.party).id == trade.agent.party
    assert reader.site(trade.sites[0]).id == trade.sites[0]
    assert reader.lot("0" * 26) is None
    assert reader.party(lot) is None
    assert reader.roll("0" * 26) is None
    assert reader.tag("itsci:none") is None


def test_a_history_is_every_entry_about_a_lot_in_order(trade, reader):
    """All of it, and page by page from the newest back."""
    for lot in trade.lots:
        about = [kept.index for kept in trade.ledger.entries if ("lot", lot) in dict(kept.outcome.links)]
        assert reader.subject_entries(("lot", lot)) == about
        assert [entry.index for entry in reader.history(lot, 1000)] == about
        paged: list[int] = []
        while page := reader.history(lot, 2, before=paged[0] if paged else None):
            paged[:0] = [entry.index for entry in page]
        assert paged == about
        middle = about[-1] + 1 if about[-1] + 1 < len(trade.ledger.entries) else about[-1]
        assert [e.index for e in reader.history(lot, 99, before=middle)] == [i for i in about if i < middle]
    assert reader.subject_entries(("lot", "0" * 26)) == []


def test_lineage_goes_back_to_where_ore_begins(trade, reader):
    """Every ancestor and no other lot, each edge once, and a composition that is the lot's mass."""
    memory = trade.ledger
    for lot in trade.lots:
        expected, waiting, edges = {lot}, [lot], set()
        while waiting:
            child = waiting.pop()
            for parent in parents(memory, child):
                edges.add((parent, child))
                if parent not in expected:
                    expected.add(parent)
                    waiting.append(parent)
        found = reader.lineage([lot])
        assert found.lots.keys() == expected
        assert sorted(found.edges) == sorted(edges)
        assert sum(found.composition().values()) == memory.lot(lot).expected_ug
        assert reader.composition([lot]) == by_site(found.composition())
    together = reader.lineage(trade.lots)
    mass_ug = sum(memory.lot(lot).expected_ug for lot in trade.lots)
    assert sum(together.composition().values()) == mass_ug
    assert reader.lineage(["0" * 26]).lots == {}


def test_forward_is_the_way_back_read_the_other_way(trade, reader):
    """A lot went into another exactly where that one came from it, and stands on it."""
    back = {lot: reader.lineage([lot]).lots.keys() for lot in trade.lots}
    for lot in trade.lots:
        undone = {
            child
            for child in trade.lots
            if trade.ledger.lot(child).state == "ended"
            and trade.ledger.entries[
                trade.ledger.state.entries[trade.ledger.lot(child).ended_by].index
            ].event.kind
            == "correction"
        }
        ahead = {child for child in trade.lots if lot in back[child]}
        assert ahead - undone <= reader.forward(lot).lots.keys() <= ahead
    assert reader.forward("0" * 26).lots == {}


def test_lists_hold_what_is_asked_for(trade, reader):
    """By holder past and present, mineral and state; pages join up, the newest first."""
    held: dict[str, set[str]] = defaultdict(set)
    for kept in trade.ledger.entries:
        for (kind, id_), record in kept.outcome.changes.items():
            if kind == "lot" and isinstance(record, Lot):
                held[record.custodian].add(id_)
                held[record.title].add(id_)
    for party in [actor.party for actor in trade.parties]:
        lots: list[Lot] = []
        cursor = None
        while True:
            page = reader.lots(holder=party, cursor=cursor, limit=3)
            lots += page.items
            if page.next is None:
                break
            cursor = int(page.next)
        assert {lot.id for lot in lots} == held[party]
        order = [(lot.maker_index, lot.id) for lot in lots]
        assert order == sorted(order, reverse=True)
        for lot in trade.lots:
            assert reader.held_by(party, lot) == (lot in held[party])
    for state in ("held", "ended"):
        expected = {lot for lot in trade.lots if trade.ledger.lot(lot).state == state}
        assert {
            lot.id for lot in reader.lots(state=state, mineral="cassiterite", limit=500).items
        } == expected
    assert reader.lots(mineral="gold") == ([], None)


def test_records_are_listed_by_id(trade, view):
    """Every party and site once, in order of id, however the list is cut into pages."""
    for kind, record in (("party", Party), ("site", Site)):
        ids = sorted(id_ for type_, id_ in trade.ledger.state.records if type_ == kind)
        first = lists.records(view, kind, record, None, 1)
        assert all(isinstance(each, record) for each in first.items)
        rest = lists.records(view, kind, record, first.next, 500)
        assert [each.id for each in (*first.items, *rest.items)] == ids
        assert rest.next is None


@pytest.mark.parametrize("limit", [1, 2, 7, 500])
def test_findings_are_listed_whole_and_once(trade, view, limit):
    """The newest entry first, all findings of an entry on one page, each once; by rule, severity and subject too."""
    every = [
        (kept.index, finding) for kept in reversed(trade.ledger.entries) for finding in kept.outcome.findings
    ]
    some = every[0][1]
    filters = {
        FindingFilter(): every,
        FindingFilter(rule=some.rule): [each for each in every if each[1].rule == some.rule],
        FindingFilter(severity="severe"): [each for each in every if each[1].severity == "severe"],
        FindingFilter(subject=some.subjects[0]): [
            each for each in every if some.subjects[0] in each[1].subjects
        ],
        FindingFilter(rule="no_such_rule"): [],
    }
    for wanted, expected in filters.items():
        found, before = [], None
        while True:
            page = lists.findings(view, wanted, before, limit)
            found += [(each.at, each.finding) for each in page.items]
            if page.next is None:
                break
            before = int(page.next)
        assert found == expected, wanted


def test_findings_are_told_by_subject(trade, reader):
    """What was noticed about a lot, with the entry at which it was."""
    expected = defaultdict(list)
    for kept in trade.ledger.entries:
        for finding in kept.outcome.findings:
            for address in finding.subjects:
                expected[address].append((kept.index, finding))
    assert expected
    for address, noted in expected.items():
        assert reader.findings(address) == noted
    assert reader.findings(("lot", "0" * 26)) == []


def test_a_code_leads_to_a_tag_and_a_tag_to_its_lot(store_of):
    """The code opens a place on a roll; the tag there is on a lot, or was last."""
    memory = MemoryLedger(name="tags", demo=True)
    miner = memory.enrol("miner", ["miner"])
    codes = [{"code": "3X5K8WQ2M7T0T", "number": 1}, {"code": "7Q2M8WX5K3T1S", "number": 2}]
    line, disclosure = seal("/codes", codes)
    nonce = memory.nonce()
    roll = derive("roll", memory.registrar.key.id, nonce)
    body = {"roll": roll, "nonce": nonce, "scheme": "t", "level": "mine", "medium": "qr", "count": 2}
    memory.append(memory.registrar, {"kind": "tag_issue", "sealed": [line], "body": body})
    issue = len(memory.entries) - 1
    (lot,) = memory.produce(miner, "38.40", each=[{"tags": [f"t:{roll}-2"]}])
    off = {"tags_off": [{"tag": f"t:{roll}-2", "fate": "destroyed"}], "reason": "burst"}
    reader = Reader(store_of(memory, {issue: [tuple(disclosure)]}))
    place = reader.tag_of_code("7Q2M8WX5K3T1S")
    assert (place.tag, place.roll.id, place.position) == (f"t:{roll}-2", roll, 2)
    assert reader.tag_of_code("0000000000000") is None
    assert reader.lots_of_tag(place.tag) == [lot]
    assert reader.lots_of_tag(f"t:{roll}-1") == []
    assert reader.disclosures(issue) == [tuple(disclosure)]
    memory.append(miner, {"kind": "retagging", "body": {"source": "device", "lot": lot, **off}})
    memory.name = "tags again"
    again = Reader(store_of(memory, {issue: [tuple(disclosure)]}))
    assert again.lots_of_tag(place.tag) == [lot]
    assert again.tag(place.tag).on == ()


def test_evidence_out_of_the_store_is_that_out_of_memory(trade, reader):
    """The same entries for the same lots, and a verifier finds every lot as it stands."""
    policy = trade.ledger.policy()
    for lot in trade.lots:
        data = reader.evidence([lot])
        shown = evidence.decode(data)
        expected = evidence_of(trade.ledger, [lot])
        assert [entry.index for entry in shown.entries] == [entry.index for entry in expected.entries]
        assert shown.book == expected.book
        report = verify(data, policy)
        assert report.verdict == HOLDS, report.why
        assert report.lots[0].custodian == trade.ledger.lot(lot).custodian
        assert report.lots[0].mass_ug == trade.ledger.lot(lot).expected_ug


def test_evidence_of_an_event_is_about_all_its_lots(trade, reader):
    """A shipment's file names the event, and every lot in it."""
    kept = next(k for k in reversed(trade.ledger.entries) if k.event.kind == "export")
    data = reader.evidence(event=kept.event_id)
    assert evidence.decode(data).event == kept.event_id
    report = verify(data, trade.ledger.policy())
    assert report.verdict == HOLDS, report.why
    assert {lot.lot for lot in report.lots} == {lot for _, lot in kept.event.moved}


def test_evidence_of_what_is_not_there_is_refused(reader, trade):
    """No such lot, no such event, an event about no lot."""
    with pytest.raises(LookupError, match="no lot"):
        reader.evidence(["0" * 26])
    with pytest.raises(LookupError, match="no event"):
        reader.evidence(event="0" * 64)
    with pytest.raises(LookupError, match="about no lot"):
        reader.evidence(event=trade.ledger.entries[1].event_id)


def test_what_is_disclosed_is_for_the_caller_to_say(store_of):
    """A value goes into the file only where `disclose` lets it, and is checked there."""
    memory = MemoryLedger(name="sealed", demo=True)
    miner, trader = memory.enrol("miner", ["miner"]), memory.enrol("trader", ["trader"])
    (lot,) = memory.produce(miner, "38.40")
    price, opened_price = seal("/prices", [{"lots": [lot], "price": {"currency": "USD", "value": "900"}}])
    note, opened_note = seal("/note", "payé en deux fois")
    body = {
        "region": "CF-LB", "source": "device", "recipient": trader.party, "moves": "both", "purpose": "sale",
        "accept_by": "2026-03-28", "weighings": [weighing("38.40", lots=[lot])],
    }  # fmt: skip
    event = {"kind": "transfer", "body": body, "previous": memory.heads([lot]), "sealed": [price, note]}
    memory.append(miner, {**event, "sealed": sorted(event["sealed"])})
    index = len(memory.entries) - 1
    reader = Reader(store_of(memory, {index: [tuple(opened_price), tuple(opened_note)]}))

    def shown(disclose):
        found = evidence.decode(reader.evidence([lot], disclose=disclose)).entries
        return {path for entry in found for _, path, _ in entry.disclosures}

    assert shown(lambda _index, _event, path: path == "/note") == {"/note"}
    assert shown(lambda at, _event, _path: at == index) == {"/note", "/prices"}
    assert shown(lambda _index, _event, _path: False) == set()
    assert "2 sealed values opened" in str(
        verify(reader.evidence([lot], disclose=lambda *_: True), memory.policy()).steps
    )


@pytest.mark.threat("T76")
def test_a_container_is_traced_in_as_many_questions_as_it_has_generations(store_of, monkeypatch):
    """A thousand bags take hardly more questions than ten, back to the mines and into a file."""
    memory = MemoryLedger(name="container", demo=True)
    miner, trader = memory.enrol("miner", ["miner"]), memory.enrol("trader", ["trader"])
    site = memory.site(miner)
    bags = [lot for _ in range(10) for lot in memory.produce(miner, *["38.40"] * 100, site=site)]
    for at in range(0, 1000, 250):
        memory.hand_over(miner, trader, bags[at : at + 250])
    store = store_of(memory)
    reader = Reader(store)
    asked = []
    for name in ("all", "one"):
        plain = getattr(View, name)
        monkeypatch.setattr(
            View, name, lambda self, *args, plain=plain: (asked.append(args[0]), plain(self, *args))[1]
        )
    assert len(reader.lineage(bags).lots) == 1000
    assert sum(reader.composition(bags).values()) == sum(memory.lot(bag).expected_ug for bag in bags)
    assert len(asked) < 20
    asked.clear()
    data = reader.evidence(bags)
    assert len(asked) < 100
    report = verify(data, memory.policy())
    assert report.verdict == HOLDS, report.why
    assert len(report.lots) == len(report.begins) == 1000


def test_what_is_no_id_is_no_lot(reader):
    """A text that cannot be the id of a lot finds none."""
    for text in ("", "nonsense!", "a" * 40, "é" * 26, "_" * 26):
        assert reader.lot(text) is None
