"""Evidence is believed where it holds, and nowhere else: honest files first, then every way to spoil one."""

from string import hexdigits
from typing import Any

import msgspec
import orjson
import pytest

from both import verify
from memory import COMMITMENT, Actor, MemoryLedger, key_of, new_key, nonce_of, previous_of, seal, weighing
from showing import evidence_of, file_of
from traceability.core import book, events, evidence, fold, merkle
from traceability.core.checkpoint import Checkpoint
from traceability.core.composition import burdens, by_site, flatten
from traceability.core.cosignature import Cosigner
from traceability.core.evidence import Evidence, ShownEntry
from traceability.core.findings.catalogue import RULES
from traceability.core.ids import LotId, derive
from traceability.core.lot_records import Lot
from traceability.core.mass import leaf_pool
from traceability.core.note import Signer, add_signatures, sign_note
from traceability.core.outcome import Appended, Entry
from traceability.core.report import CANNOT_TELL, FAILED, HOLDS, Report
from traceability.core.signing import event_id
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import TITLES
from trading import Trade


class Story:
    """Two bags become one lot that is sold on; a third stays what it is."""

    def __init__(self, **more: Any) -> None:
        self.ledger = ledger = MemoryLedger(**more)
        self.miner = ledger.enrol("miner", ["miner"])
        self.trader = ledger.enrol("trader", ["trader"])
        self.exporter = ledger.enrol("exporter", ["exporter"])
        self.site = ledger.site(self.miner)
        self.bags = ledger.produce(self.miner, "38.40", "41.00", "20.00", site=self.site)
        first, second, third = self.bags
        readings = [weighing("79.10", lots=sorted([first, second])), weighing("19.90", lots=[third])]
        ledger.hand_over(self.miner, self.trader, self.bags, readings)
        whole = [weighing("79.10", lots=sorted([first, second]))]
        (self.heap,) = ledger.transform(self.trader, [first, second], ["79.10"], weighings=whole)
        ledger.hand_over(self.trader, self.exporter, [self.heap, third])

    def show(self, *lots: LotId, **more: Any) -> Evidence:
        return evidence_of(self.ledger, lots or [self.heap], **more)

    def verify(self, shown: Evidence, **more: Any) -> Report:
        return verify(evidence.encode(shown), self.ledger.policy(), **more)


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


def without(shown: Evidence, ledger: MemoryLedger, *indexes: int, book: bool = False) -> Evidence:
    """The evidence less some entries, with nodes that prove what is left, as a liar would make it."""
    entries = tuple(entry for entry in shown.entries if entry.index not in indexes)
    size = int(shown.checkpoint.split(b"\n")[1])
    nodes = ledger.read_nodes(merkle.multiproof_coordinates([e.index for e in entries], size))
    lines = shown.book if book else ()
    return msgspec.structs.replace(shown, entries=entries, nodes=tuple(nodes), book=lines)


def changed(shown: Evidence, position: int, **changes: Any) -> Evidence:
    """The evidence with one of its entries changed."""
    entries = list(shown.entries)
    entries[position] = msgspec.structs.replace(entries[position], **changes)
    return msgspec.structs.replace(shown, entries=tuple(entries))


def failing_step(report: Report) -> int:
    assert report.verdict == FAILED
    assert report.exit_code == 1
    return report.steps[-1].number


# What holds


def test_honest_evidence_holds_step_by_step(story):
    """Every step has its number, its title and what it gave; the lot is as the ledger has it."""
    report = story.verify(story.show())
    assert report.verdict == HOLDS
    assert report.exit_code == 0
    assert report.why is None
    assert [(step.number, step.title) for step in report.steps] == list(enumerate(TITLES, start=1))
    (lot,) = report.lots
    known = story.ledger.lot(story.heap)
    assert (lot.custodian, lot.title, lot.state) == (story.exporter.party, story.exporter.party, "held")
    assert lot.mass_ug == known.expected_ug == 79_400_000_000
    assert [(o.kind, o.id, o.mass_ug) for o in lot.origins] == [("site", story.site, known.expected_ug)]
    assert {begin.lot for begin in report.begins} == set(story.bags[:2])
    assert [noted.finding.rule for noted in lot.findings] == ["not_weighed"]
    assert report.single_authority
    assert not report.demo
    assert report.recorded_until == "2026-03-02T06:10:00Z"


def test_a_lot_that_went_on_needs_no_strangers(story):
    """Evidence for a bag that was mixed with others tells that it was, and leaves the others out."""
    first, second, _ = story.bags
    shown = story.show(first)
    assert len(shown.entries) < len(story.ledger.entries)
    report = story.verify(shown)
    assert (report.verdict, report.lots[0].state) == (HOLDS, "used")
    assert report.lots[0].used_in == story.ledger.lot(story.heap).maker_index
    both = story.verify(story.show(first, second))
    assert [lot.state for lot in both.lots] == ["ended", "ended"]


def test_without_witnesses_and_quorum_it_says_so():
    """A ledger of several authorities is not called single; a demonstration is called one."""
    ledger = MemoryLedger(genesis=False)
    lines = [ledger.authority(name, ["auditor"])[1] for name in ("auditor", "other auditor")]
    ledger.append(ledger.operator, ledger.genesis(quorum=1, authorities=lines, demo=True))
    miner = ledger.enrol("miner", ["miner"])
    report = verify(file_of(ledger, ledger.produce(miner, "38.40")), ledger.policy())
    assert report.verdict == HOLDS
    assert not report.single_authority
    assert report.demo
    assert "a demonstration" in report.steps[5].outcome


def test_completeness_is_asked_for_and_not_shown(story):
    """Nothing a ledger signs says how much there is about a lot; who asks for that is told so."""
    report = story.verify(story.show(), complete=True)
    assert report.verdict == CANNOT_TELL
    assert report.exit_code == 2
    assert story.heap in report.completeness_not_shown["lot"]
    assert story.trader.key.id in report.completeness_not_shown["key"]
    assert story.trader.party in report.completeness_not_shown["party"]
    assert report.completeness_not_shown["site"] == [story.site]


def test_disclosures_are_opened_and_counted(story):
    """What is opened is checked against the commitment."""
    ledger = MemoryLedger()
    miner = ledger.enrol("miner", ["miner"])
    line, disclosure = seal("/note", "pluie")
    body = {"region": "CF-LB", "source": "device"}
    nonce = ledger.nonce()
    lots = [{"nonce": nonce, "mineral": "gold", "form": "dust", "weighing": weighing("1", unit="GRM")}]
    ledger.append(miner, {"kind": "production", "sealed": [line], "body": {**body, "lots": lots}})
    lot = LotId(derive("lot", miner.key.id, nonce))
    index = len(ledger.entries) - 1
    shown = evidence_of(ledger, [lot], disclosures={index: [disclosure]})
    report = verify(evidence.encode(shown), ledger.policy())
    assert report.steps[7].outcome == "1 sealed value opened, not shown: 1 × names"
    (enrolled, produced) = report.sealed
    assert (enrolled.opened, enrolled.withheld) == ((), ("/entity",))
    assert (produced.entry, produced.opened, produced.withheld) == (index, (("/note", "pluie"),), ())
    assert report.withheld == {"names": 1}
    assert b'{"path":"/note","value":"pluie"}' in report.to_json()
    salt, path, _ = disclosure
    for wrong in (
        (salt, path, "soleil"),
        (nonce_of("other"), path, "pluie"),
        (salt, "/place", "pluie"),
        (salt, path, {"name": "pluie"}),
        ("AA", path, "pluie"),
        (salt, "/nowhere", 1.5),
        (salt, "note", "pluie"),
    ):
        spoiled = changed(shown, -1, disclosures=(wrong,))
        assert failing_step(verify(evidence.encode(spoiled), ledger.policy())) == 8
    elsewhere = changed(changed(shown, -1, disclosures=()), 0, disclosures=(tuple(disclosure),))
    assert failing_step(verify(evidence.encode(elsewhere), ledger.policy())) == 8


def test_the_report_for_programs_is_canonical_json(story):
    """Every field by name, absent where not known, and findings in full."""
    report = story.verify(story.show())
    value = orjson.loads(report.to_json())
    assert value["verdict"] == HOLDS
    assert value["lots"][0]["lot"] == story.heap
    assert "why" not in value["lots"][0]
    assert value["lots"][0]["findings"][0]["rule"] == "not_weighed"
    assert value["begins"][0]["site"] == story.site
    assert [step["number"] for step in value["steps"]] == list(range(1, 12))
    assert orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == report.to_json()


@pytest.mark.parametrize("seed", range(3))
def test_a_part_of_the_log_is_judged_as_the_whole_is(seed):
    """Random trade: whatever the fold says of a lot with everything in hand, evidence shows of it alone."""
    trade = Trade(seed)
    ledger = trade.run(100)
    for lot in trade.lots:
        known = ledger.state.records["lot", lot]
        report = verify(file_of(ledger, [lot]), ledger.policy())
        assert report.verdict == (HOLDS if isinstance(known, Lot) else CANNOT_TELL), report.why
        if isinstance(known, Lot):
            check_lot(ledger, known, report)
    together = verify(file_of(ledger, trade.random.sample(trade.lots, 10)), ledger.policy())
    assert together.verdict == HOLDS
    for told in together.lots:
        check_lot(ledger, ledger.lot(told.lot), together)


def check_lot(ledger: MemoryLedger, known: Lot, report: Report) -> None:
    """The report says of a lot what the ledger knows of it."""
    told = next(lot for lot in report.lots if lot.lot == known.id)
    if told.state == "used":
        assert known.custody_head == ledger.entries[told.used_in].event_id
    else:
        assert told.state == known.state
    assert (told.custodian, told.title, told.tags) == (known.custodian, known.title, known.tags)
    assert told.mass_ug == known.expected_ug
    assert told.disputed == bool(known.disputed)
    noticed = [
        (kept.index, found.rule)
        for kept in ledger.entries
        for found in kept.outcome.findings
        # Evidence tells nothing of what needs the whole log, nor of how it went into what it was used for.
        if ("lot", known.id) in found.subjects
        and RULES[found.rule].scope != "global"
        and kept.index != told.used_in
    ]
    found = [(n.entry, n.finding.rule) for n in told.findings if RULES[n.finding.rule].scope != "global"]
    assert sorted(found) == sorted(noticed)

    def pool(pool_id: str) -> Any:
        lot, _, number = pool_id.partition(":")
        return (
            leaf_pool(ledger.lot(LotId(lot))) if number == "0" else ledger.state.records["pool", pool_id].pool
        )

    lost = burdens(known.content, pool)
    missed = {pool_id: ug for pool_id, ug in lost.items() if not pool(pool_id).named}
    assert (told.lost_ug, told.missing_ug) == (sum(lost.values()), sum(missed.values()))
    origins = by_site(flatten(known.content, pool))
    assert [(o.kind, o.id, o.mass_ug) for o in told.origins] == [
        (*o, ug) for o, ug in sorted(origins.items())
    ]


# Whom to believe


def test_the_policy_alone_says_which_log(story):
    """Another key, another origin, another log's checkpoint: the file has no say in it."""
    data = evidence.encode(story.show())
    other_key = Signer("ledger.example.org/car", bytes(32))
    other_name = Signer("ledger.example.org/rca", b"n" * 32)
    for signer in (other_key, other_name):
        policy = TrustPolicy.without_witnesses([signer.verifier])
        assert failing_step(verify(data, policy)) == 2
    size, root = checkpoint_of(story.show())
    for signer in (other_key, other_name):
        forged = sign_note(Checkpoint(signer.verifier.name, size, root).encode(), [signer])
        assert failing_step(story.verify(msgspec.structs.replace(story.show(), checkpoint=forged))) == 2
    renamed = sign_note(Checkpoint("elsewhere.example", size, root).encode(), [story.ledger.log_signer])
    assert failing_step(story.verify(msgspec.structs.replace(story.show(), checkpoint=renamed))) == 2


def checkpoint_of(shown: Evidence) -> tuple[int, bytes]:
    read = Checkpoint.parse(shown.checkpoint.decode().partition("\n\n")[0] + "\n")
    return read.size, read.root


@pytest.mark.threat("T52")
def test_witnesses_must_make_the_quorum(story):
    """One of two is not two; a cosignature over another checkpoint is none."""
    a, b = (Cosigner(f"witness-{n}.example", bytes([n]) * 32) for n in (1, 2))
    log = story.ledger.log_signer.verifier
    lines = [f"log {log.encode()}", f"witness A {a.verifier.encode()}", f"witness B {b.verifier.encode()}"]
    both = TrustPolicy.parse("\n".join([*lines, "group all 2 A B", "quorum all", ""]).encode())
    shown = story.show()
    read = Checkpoint(log.name, *checkpoint_of(shown))
    stamps = {"A": a.cosign(read, 1_772_440_000), "B": b.cosign(read, 1_772_430_000)}
    one = msgspec.structs.replace(shown, checkpoint=add_signatures(shown.checkpoint, [stamps["A"]]))
    report = verify(evidence.encode(one), both)
    assert failing_step(report) == 2
    assert "cosigned by A" in report.why
    two = msgspec.structs.replace(shown, checkpoint=add_signatures(shown.checkpoint, stamps.values()))
    report = verify(evidence.encode(two), both, now="2026-03-05T08:26:40Z")
    assert (report.verdict, report.cosigned_by) == (HOLDS, ("A", "B"))
    assert "at 2026-03-02T08:26:40Z, 3 days before now" in report.steps[1].outcome
    smaller = Checkpoint(log.name, read.size - 1, read.root)
    wrong = add_signatures(shown.checkpoint, [stamps["A"], b.cosign(smaller, 1_772_430_000)])
    report = verify(evidence.encode(msgspec.structs.replace(shown, checkpoint=wrong)), both)
    assert failing_step(report) == 2


def test_entries_newer_than_the_checkpoint_are_in_no_log(story):
    """An older checkpoint proves older entries only, and then the lot is as it was."""
    shown = story.show()
    before = story.ledger.checkpoint(9)
    assert failing_step(story.verify(msgspec.structs.replace(shown, checkpoint=before))) == 3
    older = story.verify(story.show(size=9))
    assert older.verdict == HOLDS
    assert (older.size, older.lots[0].custodian) == (9, story.trader.party)


# Spoiling


@pytest.mark.threat("T46")
def test_every_byte_matters():
    """Whatever byte of a file is changed: it is refused, or says what it said before."""
    ledger = MemoryLedger()
    miner = ledger.enrol("miner", ["miner"])
    (lot,) = ledger.produce(miner, "38.40")
    ledger.enrol("stranger", ["trader"])
    shown = evidence_of(ledger, [lot])
    line = next(line for line in shown.book if line.type == "lot")
    data = evidence.encode(msgspec.structs.replace(shown, book=(line,)))
    policy = ledger.policy()
    said = verify(data, policy).to_json()
    harmless = b""
    for at in range(len(data)):
        spoiled = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        report = verify(spoiled, policy)
        if report.verdict == CANNOT_TELL:
            assert report.lots[0].lot != lot  # asked about another lot
        elif report.verdict == HOLDS:
            assert report.to_json() == said
            harmless += data[at : at + 1]
    # Only what the line of the book states of findings and of its place: the report takes neither over.
    stated = f"{line.finding_chain}{line.finding_count}{line.number}"
    assert harmless.decode() == "".join(digit for digit in stated if chr(ord(digit) ^ 1) in hexdigits)


@pytest.mark.parametrize("stated", [True, False], ids=["book kept", "book left out"])
def test_no_entry_can_be_left_out_unnoticed(story, stated):
    """Each entry in turn: refused, not told, or listed as what may be incomplete."""
    shown = story.show()
    whole = orjson.loads(story.verify(shown).to_json())
    for entry in shown.entries:
        report = story.verify(without(shown, story.ledger, entry.index, book=stated))
        about = [subject for subject, _ in story.ledger.entries[entry.index].outcome.links]
        if entry.index == 0:
            assert failing_step(report) == 4
        elif stated:
            assert failing_step(report) == 7
        elif report.verdict == HOLDS:
            told = orjson.loads(report.to_json())
            listed = {(kind, id_) for kind, ids in report.completeness_not_shown.items() for id_ in ids}
            assert told["lots"] == whole["lots"] or listed & set(about), entry.index
        else:
            assert report.why
    everything = [entry.index for entry in shown.entries if entry.index]
    alone = story.verify(without(shown, story.ledger, *everything))
    assert (alone.verdict, alone.exit_code) == (CANNOT_TELL, 2)
    assert "no entry shown makes lot" in alone.why


def test_two_entries_cannot_be_left_out_unnoticed(story):
    """Every pair of entries, where nothing is stated about how many there are."""
    shown = story.show()
    truth = story.verify(shown).lots[0]
    indexes = [entry.index for entry in shown.entries if entry.index]
    for first in indexes:
        for second in indexes:
            if first < second:
                report = story.verify(without(shown, story.ledger, first, second))
                if report.verdict == HOLDS and report.lots[0].custodian != truth.custodian:
                    assert story.heap in report.completeness_not_shown["lot"]


@pytest.mark.threat("T46")
def test_proofs_are_of_these_entries_in_these_places(story):
    """Blinds, indexes, times, payloads and signatures exchanged or changed; nodes too few, too many, others."""
    shown = story.show(story.bags[0])
    first, second = shown.entries[3], shown.entries[4]
    swapped = changed(changed(shown, 3, blind=second.blind), 4, blind=first.blind)
    assert failing_step(story.verify(swapped)) == 3
    assert failing_step(story.verify(changed(shown, 3, blind=bytes(32)))) == 3
    assert failing_step(story.verify(changed(shown, 3, record_time=first.record_time - 1))) == 3
    assert failing_step(story.verify(changed(shown, 3, payload=second.payload))) == 3
    assert failing_step(story.verify(changed(shown, 3, signature=second.signature))) == 3
    assert failing_step(story.verify(changed(shown, 3, payload=b"{}"))) == 3
    assert failing_step(story.verify(changed(shown, -1, index=shown.entries[-1].index + 1))) == 3
    assert failing_step(story.verify(changed(shown, -1, index=2**40))) == 3
    assert shown.nodes
    for nodes in (shown.nodes[:-1], (*shown.nodes, bytes(32)), (*shown.nodes[::-1], bytes(32)), ()):
        assert failing_step(story.verify(msgspec.structs.replace(shown, nodes=nodes))) == 3
    twice = msgspec.structs.replace(shown, entries=(*shown.entries, shown.entries[-1]))
    assert failing_step(story.verify(twice)) == 1
    unsorted = msgspec.structs.replace(shown, entries=shown.entries[::-1])
    assert failing_step(story.verify(unsorted)) == 1


@pytest.mark.threat("T07")
def test_an_entry_of_another_log_proves_nothing_here(story):
    """The same events in another ledger's tree, also when the whole file is put under our checkpoint."""
    other = Story(name="other")
    theirs = other.show()
    mixed = changed(
        story.show(), -1, payload=theirs.entries[-1].payload, signature=theirs.entries[-1].signature
    )
    assert failing_step(story.verify(mixed)) == 3
    under_ours = msgspec.structs.replace(theirs, checkpoint=story.show().checkpoint)
    assert failing_step(story.verify(under_ours)) == 3


def test_the_lots_of_an_event_are_all_its_lots(story):
    """A file that says it is for a shipment is for all of that shipment."""
    moved = story.ledger.entries[-1].event_id
    shown = story.show(story.heap, story.bags[2], event=moved)
    assert story.verify(shown).verdict == HOLDS
    fewer = story.show(story.heap, event=moved)
    assert failing_step(story.verify(fewer)) == 6
    nowhere = story.show(story.heap, event="0" * 64)
    assert failing_step(story.verify(nowhere)) == 6


def test_a_line_of_the_book_counts_every_entry(story):
    """More or fewer than are shown, another chain, a subject nobody names."""
    shown = story.show()
    line = next(line for line in shown.book if line.type == "lot")
    for changes in ({"count": line.count + 1}, {"chain": "0" * 64}, {"id": "0" * 26}, {"type": "party"}):
        other = msgspec.structs.replace(line, **changes)
        lines = sorted([*(each for each in shown.book if each != line), other], key=lambda each: each.address)
        assert failing_step(story.verify(msgspec.structs.replace(shown, book=tuple(lines)))) == 7


def test_nothing_is_read_as_evidence_that_is_none(story):
    """Whatever bytes come, the answer is a report."""
    for data in (b"", b"{}", b"\xff", b"[" * 10_000, orjson.dumps({"version": 1})):
        report = verify(data, story.ledger.policy())
        assert failing_step(report) == 1
        assert report.lots == []
        orjson.loads(report.to_json())


# A ledger that cheats


class Cheat(Story):
    """An operator who can append whatever he likes to his own log, and proves it under his own key."""

    def append_anyway(self, actor: Actor, event: dict[str, Any], *, by: Actor | None = None) -> None:
        """Appends what the fold may have refused; signed by somebody else if `by` is given."""
        envelope = self.ledger.sign(actor, event)
        if by is not None:
            envelope.signature = by.key.sign_event(envelope.payload).signature
        read = events.read(envelope)
        index = len(self.ledger.entries)
        entry = Entry(index, self.ledger.clock, event_id(envelope.payload), read)
        outcome = fold.apply(entry, self.ledger.state)
        if not isinstance(outcome, Appended):
            about = {("lot", lot): self.ledger.lot(lot) for _, lot in read.moved}
            links = tuple((address, lot.place.last) for address, lot in about.items())
            places = {
                address: msgspec.structs.replace(
                    lot, place=book.advance(lot.place, index, book.link(index, entry.event_id))
                )
                for address, lot in about.items()
            }
            outcome = Appended(places, (), {}, True, links)
        self.ledger.keep(envelope, read, outcome, self.ledger.clock)


def transfer(giver: Actor, recipient: Actor, heads: list[dict[str, Any]]) -> dict[str, Any]:
    body = {
        "region": "CF-LB", "source": "device", "recipient": recipient.party, "moves": "both", "purpose": "sale",
        "accept_by": "2026-03-28",
    }  # fmt: skip
    return {"kind": "transfer", "body": body, "previous": heads}


def test_an_event_the_rules_reject_is_damage_named_by_its_index():
    """Somebody sells what is not his, and the operator lets him."""
    cheat = Cheat()
    event = transfer(cheat.miner, cheat.trader, cheat.ledger.heads([cheat.heap]))
    cheat.append_anyway(cheat.miner, event)
    index = len(cheat.ledger.entries) - 1
    report = cheat.verify(cheat.show())
    assert report.verdict == FAILED
    assert report.why.startswith(f"entry {index}: the rules reject it (not_custodian)")
    assert report.lots[0].verdict == FAILED


def test_a_signature_that_is_not_the_keys_is_found():
    """The operator writes an event in somebody's name."""
    cheat = Cheat()
    event = transfer(cheat.exporter, cheat.trader, cheat.ledger.heads([cheat.heap]))
    cheat.append_anyway(cheat.exporter, event, by=cheat.miner)
    report = cheat.verify(cheat.show())
    assert failing_step(report) == 5
    assert report.why.startswith(f"entry {len(cheat.ledger.entries) - 1}:")


def test_time_does_not_run_backwards():
    """An entry recorded before the one ahead of it."""
    cheat = Cheat()
    cheat.ledger.clock -= 3600
    envelope = cheat.ledger.sign(
        cheat.exporter, transfer(cheat.exporter, cheat.trader, cheat.ledger.heads([cheat.heap]))
    )
    cheat.ledger.take(envelope)
    assert failing_step(cheat.verify(cheat.show())) == 4


# What is needed and what is not


def test_a_key_that_is_not_shown_leaves_its_events_unjudged(story):
    """Without the enrolment that brought the key nothing that key signed is told."""
    shown = story.show()
    index = next(k.index for k in story.ledger.entries if story.trader.key.id in str(k.event))
    report = story.verify(without(shown, story.ledger, index))
    assert (report.verdict, report.exit_code) == (CANNOT_TELL, 2)
    assert f"key {story.trader.key.id} is not shown" in report.why or "is not shown" in report.why
    assert report.lots[0].custodian is None


def test_a_number_used_twice_is_told_by_its_first_use():
    """The second event with a number is without effect: evidence shows the first, though of another lot."""
    ledger = MemoryLedger()
    miner, trader = ledger.enrol("miner", ["miner"]), ledger.enrol("trader", ["trader"])
    mine, other = ledger.produce(miner, "38.40", "41.00")
    ledger.append(miner, {**transfer(miner, trader, ledger.heads([other])), "sequence": 7})
    first = len(ledger.entries) - 1
    ledger.append(miner, {**transfer(miner, trader, ledger.heads([mine])), "sequence": 7})
    shown = evidence_of(ledger, [mine])
    assert first in [entry.index for entry in shown.entries]
    report = verify(evidence.encode(shown), ledger.policy())
    assert (report.verdict, report.lots[0].state, report.lots[0].disputed) == (HOLDS, "held", True)
    hidden = verify(evidence.encode(without(shown, ledger, first)), ledger.policy())
    assert miner.key.id in hidden.completeness_not_shown["key"]


def test_an_agents_other_principals_stay_out(story):
    """Delegations nobody used are there for completeness; what they rest on is not."""
    ledger = MemoryLedger()
    agent = ledger.enrol("agent", ["tag_agent"])
    miners = [ledger.enrol(f"miner {n}", ["miner"]) for n in range(4)]
    delegations = []
    for miner in miners:
        body = {
            "agent": agent.party, "principal": miner.party, "kinds": ["production"],
            "from": "2026-01-01", "until": "2026-12-31",
        }  # fmt: skip
        delegations.append(ledger.append(ledger.registrar, {"kind": "delegation", "body": body}))
    (lot,) = ledger.produce(agent, "38.40", acting_for=miners[0].party, delegation=delegations[0])
    ledger.append(
        ledger.registrar,
        {"kind": "delegation_end", "body": {"delegation": delegations[1], "from": "2026-03-02"}},
    )
    shown = evidence_of(ledger, [lot])
    enrolled = {k.event.body.party: k.index for k in ledger.entries if k.event.kind == "enrolment"}
    indexes = {entry.index for entry in shown.entries}
    assert enrolled[miners[0].party] in indexes
    assert indexes.isdisjoint(enrolled[miner.party] for miner in miners[1:])
    assert {ledger.state.entries[name].index for name in delegations} <= indexes
    report = verify(evidence.encode(shown), ledger.policy())
    assert report.verdict == HOLDS, report.why
    assert report.lots[0].custodian == miners[0].party
    assert miners[1].party not in report.completeness_not_shown["party"]
    used = ledger.state.entries[delegations[0]].index
    report = verify(evidence.encode(without(shown, ledger, used)), ledger.policy())
    assert report.verdict == CANNOT_TELL
    assert delegations[0] in report.why


def test_an_approval_older_than_its_event_is_shown():
    """A revoked key's event is taken because another key approved it: the approval comes along."""
    ledger = MemoryLedger()
    miner = ledger.enrol("miner", ["miner"])
    second = Actor(miner.party, key_of("second"))
    body = {"party": miner.party, "key": new_key(second.key, miner.party), "reason": "second_device"}
    ledger.append(miner, {"kind": "key_addition", "body": body})
    nonce = ledger.nonce()
    lots = [{"nonce": nonce, "mineral": "gold", "form": "dust", "weighing": weighing("1", unit="GRM")}]
    body = {"region": "CF-LB", "source": "device", "lots": lots}
    late = ledger.sign(miner, {"kind": "production", "body": body})
    ledger.append(second, {"kind": "key_revocation", "body": {"key": miner.key.id, "reason": "lost"}})
    body = {"event": event_id(late.payload), "decision": "approved"}
    ledger.append(second, {"kind": "approval", "body": body})
    approved = len(ledger.entries) - 1
    assert isinstance(ledger.take(late), Appended)
    shown = evidence_of(ledger, [LotId(derive("lot", miner.key.id, nonce))])
    assert approved in [entry.index for entry in shown.entries]
    report = verify(evidence.encode(shown), ledger.policy())
    assert report.verdict == HOLDS, report.why
    report = verify(evidence.encode(without(shown, ledger, approved)), ledger.policy())
    assert (report.verdict, "no approval" in report.why) == (CANNOT_TELL, True)


def test_a_role_that_needed_a_quorum_is_shown_with_its_approval():
    """What authorities agreed on comes with who agreed."""
    ledger = MemoryLedger(genesis=False)
    others = [ledger.authority(name, ["auditor", "regulator"]) for name in ("auditor", "other")]
    ledger.append(ledger.operator, ledger.genesis(quorum=1, authorities=[line for _, line in others]))
    office = ledger.enrol("office", ["trader"])
    body = {"party": office.party, "add": ["registrar"], "from": "2026-03-02"}
    change = ledger.append(ledger.registrar, {"kind": "role_change", "body": body})
    ledger.append(others[0][0], {"kind": "approval", "body": {"event": change, "decision": "approved"}})
    approval = len(ledger.entries) - 1
    miner = ledger.enrol("miner", ["miner"], by=office)
    (lot,) = ledger.produce(miner, "38.40")
    shown = evidence_of(ledger, [lot])
    assert {ledger.state.entries[change].index, approval} <= {entry.index for entry in shown.entries}
    report = verify(evidence.encode(shown), ledger.policy())
    assert (report.verdict, report.single_authority) == (HOLDS, False)
    report = verify(evidence.encode(without(shown, ledger, approval)), ledger.policy())
    assert report.verdict == CANNOT_TELL


def test_bags_weighed_together_are_followed_together(story):
    """One reading over several bags is shared over their expected masses: so the others' masses are shown."""
    ledger = MemoryLedger()
    miner, trader = ledger.enrol("miner", ["miner"]), ledger.enrol("trader", ["trader"])
    bags = [ledger.produce(miner, value)[0] for value in ("38.40", "41.00", "20.00")]
    mine, beside, apart = bags
    readings = [weighing("70.00", lots=sorted([mine, beside])), weighing("20.00", lots=[apart])]
    ledger.hand_over(miner, trader, bags, readings)
    ledger.hand_over(trader, miner, [beside])
    shown = evidence_of(ledger, [mine])
    indexes = {entry.index for entry in shown.entries}
    assert ledger.lot(beside).maker_index in indexes
    assert ledger.lot(apart).maker_index not in indexes
    assert len(ledger.entries) - 1 not in indexes  # where the other bag went is nobody's business
    report = verify(evidence.encode(shown), ledger.policy())
    assert report.lots[0].mass_ug == ledger.lot(mine).expected_ug != 38_400_000_000
    report = verify(evidence.encode(without(shown, ledger, ledger.lot(beside).maker_index)), ledger.policy())
    assert report.verdict == CANNOT_TELL
    assert "weighed together" in report.why or "not shown" in report.why


def test_a_correction_of_a_correction_is_shown_with_the_one_before():
    """Two bags whose masses and tags were put right twice: the verifier comes to the ledger's own figures."""
    ledger = MemoryLedger()
    miner = ledger.enrol("miner", ["miner"])
    agent = ledger.enrol("agent", ["registrar"])
    bags = ledger.produce(miner, "38.40", "41.00", each=[{"tags": ["itsci:1"]}, {"tags": ["itsci:2"]}])
    made = ledger.lot(bags[0]).maker
    for signer, fields in (
        (agent, {"/lots/0/weighing/net/value": "36.40", "/lots/1/weighing/net/value": "40.00"}),
        (
            miner,
            {"/lots/0/weighing/net/value": "37.40", "/lots/0/tags/0": "itsci:2", "/lots/1/tags/0": "itsci:1"},
        ),
    ):
        listed = [{"path": path, "is": value} for path, value in fields.items()]
        body = {"event": made, "reason": "incorrect_data", "fields": listed}
        ledger.append(signer, {"kind": "correction", "body": body})
    for bag, mass_ug, tag in ((bags[0], 37_400_000_000, "itsci:2"), (bags[1], 40_000_000_000, "itsci:1")):
        shown = evidence_of(ledger, [bag])
        report = verify(evidence.encode(shown), ledger.policy())
        (told,) = report.lots
        assert (report.verdict, told.mass_ug, told.tags) == (HOLDS, mass_ug, (tag,))
        check_lot(ledger, ledger.lot(bag), report)
        first = len(ledger.entries) - 2
        assert first in {entry.index for entry in shown.entries}
        assert (
            failing_step(verify(evidence.encode(without(shown, ledger, first, book=True)), ledger.policy()))
            == 7
        )
        brought = next(
            kept.index
            for kept in ledger.entries
            if kept.event.kind == "enrolment" and kept.event.body.party == agent.party
        )
        report = verify(evidence.encode(without(shown, ledger, brought)), ledger.policy())
        assert report.verdict == CANNOT_TELL
        assert f"entry {first}" in report.why


def test_a_role_that_is_not_shown_is_not_told_to_be_missing():
    """It may have been given by an entry left out: cannot tell; failed only where the file says that it shows all."""
    ledger = MemoryLedger()
    miner, helper = ledger.enrol("miner"), ledger.enrol("helper")
    agent = ledger.enrol("agent")
    for party, role in ((miner, "miner"), (helper, "auditor"), (agent, "tag_agent")):
        body = {"party": party.party, "from": "2026-02-01", "add": [role]}
        ledger.append(ledger.registrar, {"kind": "role_change", "body": body})
    given = len(ledger.entries) - 3
    (lot,) = ledger.produce(miner, "38.40")
    body = {
        "event": ledger.lot(lot).maker,
        "reason": "incorrect_data",
        "fields": [{"path": "/lots/0/count", "is": 2}],
    }
    ledger.append(helper, {"kind": "correction", "body": body})
    body = {"source": "device", "lot": lot, "tags_on": ["itsci:1"], "reason": "first_tag"}
    ledger.append(agent, {"kind": "retagging", "body": body})
    shown = evidence_of(ledger, [lot])
    assert verify(evidence.encode(shown), ledger.policy()).verdict == HOLDS
    for index in range(given, given + 3):
        spoilt = without(shown, ledger, index)
        report = verify(evidence.encode(spoilt), ledger.policy())
        assert report.verdict == CANNOT_TELL
        assert "is not shown with all of its entries" in report.why
    cheat = Cheat()
    cheat.ledger.append(cheat.exporter, leaving("export", cheat.ledger.heads([cheat.heap]), cheat.heap))
    cheat.append_anyway(cheat.miner, leaving("import", cheat.ledger.heads([cheat.heap]), cheat.heap))
    shown = cheat.show()
    report = cheat.verify(shown)
    assert (report.verdict, "not_importer" in report.why) == (FAILED, True)
    report = cheat.verify(without(shown, cheat.ledger))
    assert report.verdict == CANNOT_TELL
    assert "is not shown with all of its entries (not_importer)" in report.why


def test_readings_and_tags_that_are_not_shown_are_not_told_to_be_wrong():
    """A sample and a tag came off in entries left out: what is done afterwards cannot be judged."""
    ledger = MemoryLedger()
    miner = ledger.enrol("miner", ["miner"])
    (bag,) = ledger.produce(miner, "38.40", each=[{"tags": ["itsci:1"]}])
    sample = {"number": "L-1", "mass": {"unit": "KGM", "value": "0.40"}}
    body = {"source": "device", "type": "assay", "lots": [bag], "sample": sample}
    ledger.append(miner, {"kind": "inspection", "body": body})
    change = {"source": "device", "lot": bag, "reason": "unreadable"}
    for off, on in (("itsci:1", "itsci:2"), ("itsci:2", "itsci:3")):
        tags = {"tags_off": [{"tag": off, "fate": "unreadable"}], "tags_on": [on]}
        ledger.append(miner, {"kind": "retagging", "body": {**change, **tags}})
    (heap,) = ledger.transform(miner, [bag], ["38.00"])
    sampled, retagged = len(ledger.entries) - 4, len(ledger.entries) - 3
    shown = evidence_of(ledger, [heap])
    assert verify(evidence.encode(shown), ledger.policy()).verdict == HOLDS
    for index, name in ((sampled, "does_not_close"), (retagged, "tag_not_on_lot")):
        report = verify(evidence.encode(without(shown, ledger, index)), ledger.policy())
        assert (report.verdict, name in report.why) == (CANNOT_TELL, True), report.why


def leaving(kind: str, heads: list[dict[str, Any]], lot: LotId) -> dict[str, Any]:
    """An export, or an import that an authority abroad is said to have confirmed."""
    body: dict[str, Any] = {"region": "CF-BGF", "source": "device"}
    if kind == "import":
        body |= {"reported_by": "importing_authority", "received": "2026-06-02", "authority": "Kastam"}
        return {"kind": kind, "body": body, "previous": heads}
    body |= {"destination": "MY", "shipped": "2026-04-20", "weighings": [weighing("79.10", lots=[lot])]}
    return {"kind": kind, "body": body, "previous": heads, "sealed": [["/importer", COMMITMENT]]}


def test_what_a_key_signed_after_it_was_stolen_is_told():
    """The revocation came later: the verifier raises the ledger's own finding, on the lot asked about."""
    ledger = MemoryLedger()
    miner = ledger.enrol("miner", ["miner"])
    lots = [ledger.produce(miner, value)[0] for value in ("38.40", "41.00", "20.00")]
    body = {"key": miner.key.id, "reason": "stolen", "trusted_sequence": 0}
    ledger.append(ledger.registrar, {"kind": "key_revocation", "body": body})
    told = {}
    for lot in lots:
        (report,) = verify(file_of(ledger, [lot]), ledger.policy()).lots
        told[lot] = [n.finding for n in report.findings if n.finding.rule == "signed_after_last_trusted"]
        assert report.verdict == HOLDS
        assert set(told[lot]) <= set(ledger.entries[-1].outcome.findings)
    assert [len(told[lot]) for lot in lots] == [0, 1, 1]


def test_a_lot_without_effect_never_came_to_be():
    """Made by an event whose number was used already: there is an entry, and no lot."""
    ledger = MemoryLedger()
    miner = ledger.enrol("miner", ["miner"])
    ledger.produce(miner, "38.40")
    nonce = ledger.nonce()
    lots = [{"nonce": nonce, "mineral": "gold", "form": "dust", "weighing": weighing("1", unit="GRM")}]
    body = {"region": "CF-LB", "source": "device", "lots": lots}
    ledger.append(miner, {"kind": "production", "body": body, "sequence": 0})
    report = verify(file_of(ledger, [LotId(derive("lot", miner.key.id, nonce))]), ledger.policy())
    assert report.verdict == CANNOT_TELL
    assert "never came to be" in report.why


def test_both_branches_of_a_double_issue_are_told():
    """One bag sold twice: the lot is disputed, and who has it is the first to be recorded."""
    ledger = MemoryLedger()
    miner, a, b = (ledger.enrol(name, [name]) for name in ("miner", "trader", "exporter"))
    (lot,) = ledger.produce(miner, "38.40")
    head = ledger.lot(lot).custody_head
    ledger.offer(miner, a, [lot])
    ledger.append(miner, transfer(miner, b, previous_of([(head, lot)])))
    report = verify(file_of(ledger, [lot]), ledger.policy())
    (told,) = report.lots
    assert (report.verdict, told.disputed, told.state) == (HOLDS, True, "offered")
    assert "double_issue" in [noted.finding.rule for noted in told.findings]


def test_each_branch_of_a_double_issue_keeps_a_lot_in_dispute():
    """Sold again twice by one key, the second time along with a bag that stands: taking back one is not enough."""
    ledger = MemoryLedger()
    miner, a, b = (ledger.enrol(name, [name]) for name in ("miner", "trader", "exporter"))
    lot, other = ledger.produce(miner, "38.40", "41.00")
    head = ledger.lot(lot).custody_head
    ledger.offer(miner, a, [lot])
    first = ledger.append(miner, transfer(miner, b, previous_of([(head, lot)])))
    ledger.append(miner, transfer(miner, b, previous_of([(head, lot), (head, other)])))
    took_back = {"kind": "correction", "body": {"event": first, "reason": "did_not_occur"}}
    for disputes, event in ((2, None), (1, took_back)):
        if event is not None:
            ledger.append(miner, event)
        (told,) = verify(file_of(ledger, [lot]), ledger.policy()).lots
        assert len(ledger.lot(lot).disputed) == disputes
        assert told.disputed
        found = [noted.finding for noted in told.findings if noted.finding.rule == "double_issue"]
        assert len(found) == 2
        assert set(found) <= {each for kept in ledger.entries for each in kept.outcome.findings}


def test_a_total_that_was_stated_tells_nothing_of_one_bag():
    """A stated mass over two bags is compared with neither; that of one bag is, in the ledger and in the evidence."""
    ledger = MemoryLedger()
    miner, trader = ledger.enrol("miner", ["miner"]), ledger.enrol("trader", ["trader"])
    bags = ledger.produce(miner, "10.00", "10.00", "10.00")
    readings = [
        weighing("30.00", basis="stated", lots=sorted(bags[:2])),
        weighing("15.00", basis="stated", lots=[bags[2]]),
    ]
    ledger.hand_over(miner, trader, bags, readings)
    told = verify(file_of(ledger, bags), ledger.policy()).lots
    alone = [verify(file_of(ledger, [report.lot]), ledger.policy()).lots[0] for report in told]
    for reports in (told, alone):
        said = {r.lot for r in reports for n in r.findings if n.finding.rule == "mass_said_otherwise"}
        assert said == {bags[2]}


def test_what_a_lot_carries_from_its_ancestors_is_counted():
    """Ore of no registered site, mixed in: the heap carries the finding."""
    ledger = MemoryLedger()
    miner, trader = ledger.enrol("miner", ["miner"]), ledger.enrol("trader", ["trader"])
    bags = [*ledger.produce(miner, "38.40"), *ledger.produce(miner, "41.60", site=ledger.site(miner))]
    ledger.hand_over(miner, trader, bags, [weighing("80.00", lots=sorted(bags))])
    heap = ledger.transform(trader, bags, ["80.00"], weighings=[weighing("80.00", lots=sorted(bags))])
    halves = ledger.transform(trader, heap, ["30.00", "50.00"], type="split")
    report = verify(file_of(ledger, halves), ledger.policy())
    assert [dict(lot.carried)["no_registered_site"] for lot in report.lots] == [1, 1]
    assert {o.kind for lot in report.lots for o in lot.origins} == {"no_site", "site"}
    assert sum(o.mass_ug for lot in report.lots for o in lot.origins) == 80_000_000_000


def test_entries_shown_for_nothing_change_nothing(story):
    """The whole log in the file gives the same verdict on the lot as only what it needs."""
    kept = story.ledger.entries
    entries = tuple(
        ShownEntry(k.index, k.blind, k.record_time, k.envelope.payload, k.envelope.signature) for k in kept
    )
    for lot in (story.heap, *story.bags):
        shown = story.show(lot)
        everything = msgspec.structs.replace(shown, entries=entries, nodes=())
        assert story.verify(everything).lots == story.verify(shown).lots


def test_what_is_nested_too_deep_fails_like_any_other_bytes(story):
    """Brackets by the hundred thousand, in an event or in a value disclosed, end in a verdict and not in a crash."""
    deep = b"[" * 100_000 + b"]" * 100_000
    nested = changed(story.show(), 1, payload=b'{"key":"k","x":%s}' % deep)
    assert failing_step(story.verify(nested)) == 3
    data = evidence.encode(story.show())
    opened = data.replace(b'"index":1', b'"disclosures":[["s","/p",%s]],"index":1' % deep, 1)
    assert failing_step(verify(opened, story.ledger.policy())) == 1
