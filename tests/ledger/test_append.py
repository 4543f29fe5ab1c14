"""Appending: what is taken, what is refused, what waits, and that the same event is only there once."""

import asyncio
import contextlib
import gc
import itertools

import pytest
from sending import append, check_proof, handoff, recorded, sent, some_trade, traders

import oracle
from traceability.core import merkle
from traceability.core.ids import derive
from traceability.core.note import Signer
from traceability.core.signing import Envelope
from traceability.ledger import fsck
from traceability.ledger.answers import Recorded, Refused, Submission, Waiting
from traceability.ledger.database import Unusable
from traceability.ledger.guard import FileGuard, GuardRefuses
from traceability.ledger.overlay import Overlay
from traceability.ledger.queue import Writer
from traceability.ledger.writer import Ledger, create
from trade import LOG_SIGNER, Office, Pen, bag, nonce, offer, produce

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def test_a_group_is_taken_and_each_event_is_proved(ledger, office):
    """A season's first steps in one group: enrolment, production, handoff; the oracle agrees with all of it."""
    miner, trader = Pen("miner"), Pen("trader")
    group = [office.enrol(miner, "miner"), office.enrol(trader, "trader")]
    group += some_trade(miner, trader, 3)
    answers = recorded(ledger, *group)
    assert [answer.index for answer in answers] == list(range(1, 12))
    assert all(answer.stands and not answer.known for answer in answers)
    oracle.check(ledger.store, LOG_SIGNER.verifier)


def test_what_a_group_knew_is_let_go_of_without_the_collector(ledger, office):
    """A cycle would keep every event of a group until the collector walks over all of them."""
    gc.collect()
    gc.disable()
    try:
        traders(ledger, office, "miner", "buyer")
        assert not [thing for thing in gc.get_objects() if type(thing) is Overlay]
    finally:
        gc.enable()


def test_a_policy_turns_findings_away_at_the_door(ledger, office):
    """From its approval on, an event on which the rule notices that much is not taken, and a lesser one is; fsck agrees."""
    miner, auditor = Pen("miner"), Pen("auditor")
    recorded(
        ledger,
        office.enrol(miner, "miner"),
        office.enrol(auditor, "auditor", type="authority", public_name="Cour"),
    )
    asked = [{"rule": "no_registered_site", "name": "severity", "value": 2}]
    body = {"from": "2026-01-01", "bands": [], "thresholds": [], "refusals": asked, "times": []}
    policy = office.operator.sign("policy", body)
    recorded(ledger, produce(miner, "20"), policy, produce(miner, "21"))
    recorded(ledger, auditor.sign("approval", {"event": policy.id, "decision": "approved"}))
    homeless = produce(miner, "22")
    (answer,) = append(ledger, homeless)
    assert isinstance(answer, Refused)
    assert (answer.name, "no_registered_site" in answer.message) == ("turned_away", True)
    lax = {**body, "refusals": [{**asked[0], "value": 3}]}
    policy = office.operator.sign("policy", lax)
    recorded(ledger, policy, auditor.sign("approval", {"event": policy.id, "decision": "approved"}))
    recorded(ledger, homeless)
    at_home = office.operator.sign("policy", {**body, "country": "RW"})
    recorded(ledger, at_home, auditor.sign("approval", {"event": at_home.id, "decision": "approved"}))
    (answer,) = append(ledger, produce(miner, "23"))
    assert isinstance(answer, Refused), "its country asks for more"
    recorded(ledger, produce(miner, "24", region="CD-SK"))
    oracle.check(ledger.store, LOG_SIGNER.verifier)


def test_grouping_changes_no_state(fresh_url, opened, tmp_path, office):
    """Sent one by one, or all at once, the same events leave the same records behind."""
    miner, trader = Pen("miner"), Pen("trader")
    group = [office.enrol(miner, "miner"), office.enrol(trader, "trader"), *some_trade(miner, trader, 4)]
    found = []
    for name in ("single", "together"):
        guard = FileGuard(tmp_path / name, LOG_SIGNER.verifier.encode())
        ledger = create(opened(fresh_url()), guard, LOG_SIGNER, sent(office.genesis))
        if name == "single":
            for one in group:
                recorded(ledger, one)
        else:
            recorded(ledger, *group)
        ledger.close()
        with ledger.store.read() as view:
            found.append(
                {
                    table: view.all(f"SELECT * FROM {table} ORDER BY 1, 2")
                    for table in ("state", "lot", "lot_place", "move", "holding", "finding", "signer")
                }
            )
    assert found[0] == found[1]


def test_a_revocation_finds_what_came_before_it_in_any_grouping(fresh_url, opened, tmp_path, office):
    """What a key signed after its last trusted number is named newest number first, stored or in the same group."""
    miner = Pen("miner")
    enrolment = office.enrol(miner, "miner")
    numbers = [4, 2, 6, 3]
    made = [
        miner.sign(
            "production",
            produce(miner, "1").event.body.model_dump(by_alias=True, exclude_none=True),
            number=n,
        )
        for n in numbers
    ]
    body = {"key": miner.key.id, "reason": "stolen", "trusted_sequence": 2}
    group = [enrolment, *made, office.registrar.sign("key_revocation", body)]
    expected = [(made[numbers.index(n)].id, made[numbers.index(n)].lots) for n in (6, 4, 3)]
    for split in range(1, len(group)):
        guard = FileGuard(tmp_path / f"guard {split}", LOG_SIGNER.verifier.encode())
        ledger = create(opened(fresh_url()), guard, LOG_SIGNER, sent(office.genesis))
        recorded(ledger, *group[:split])
        answers = recorded(ledger, *group[split:])
        found = [f for f in answers[-1].findings if f.rule == "signed_after_last_trusted"]
        assert [(f.events[1], [lot for _, lot in f.subjects]) for f in found] == expected
        oracle.check(ledger.store, LOG_SIGNER.verifier)
        assert fsck.check(ledger.store).verdict == "good"
        ledger.close()


def test_the_same_event_again_is_the_same_entry(ledger, office):
    """Sent again, in its own group, in the same group, and with the other form of its signature."""
    (miner,) = traders(ledger, office, "miner")
    made = produce(miner, "38.40")
    first, second = append(ledger, made, made)
    check_proof(first, made)
    check_proof(second, made)
    assert (first.known, second.known) == (False, True)
    r, s = made.envelope.signature[:32], int.from_bytes(made.envelope.signature[32:], "big")
    twin = Envelope(
        made.envelope.payload_type,
        made.envelope.payload,
        made.envelope.key,
        r + (ORDER - s).to_bytes(32, "big"),
    )
    again = ledger.append_one(Submission(twin))
    check_proof(again, made)
    for answer in (second, again):
        assert (answer.index, answer.entry, answer.blind) == (first.index, first.entry, first.blind)
        assert (answer.fates, answer.findings, answer.stands) == (first.fates, first.findings, True)
    with ledger.store.read() as view:
        assert view.head().size == first.index + 1


def test_one_rejected_event_does_not_fail_its_neighbours(ledger, office):
    """Malformed, badly signed, rejected and waiting events stand between good ones."""
    miner, trader = traders(ledger, office, "miner", "trader")
    good = some_trade(miner, trader, 2)
    broken = Submission(Envelope(good[0].envelope.payload_type, b"{}", good[0].envelope.key, bytes(64)))
    forged = produce(trader, "1.00")
    forged.envelope.signature = bytes(64)
    not_his = offer(trader, miner.party, [(good[0].id, good[0].lots[0])])
    unknown = offer(miner, trader.party, [("ab" * 32, good[0].lots[0])])
    stranger = produce(Pen("stranger", miner.party), "1.00")
    submissions = [sent(good[0]), broken, sent(good[1]), sent(forged), sent(good[2]), sent(not_his)]
    submissions += [sent(unknown), sent(good[3]), sent(stranger), sent(good[4]), sent(good[5])]
    answers = ledger.append(submissions)
    names = [answer.name if isinstance(answer, Refused) else type(answer).__name__ for answer in answers]
    assert names == [
        *("Recorded", "malformed", "Recorded", "bad_signature", "Recorded", "not_custodian"),
        *("Waiting", "Recorded", "Waiting", "Recorded", "Recorded"),
    ]
    assert answers[6] == Waiting("event", "ab" * 32)
    assert answers[8].type == "key"
    oracle.check(ledger.store, LOG_SIGNER.verifier)


def test_a_key_added_in_the_same_group_counts_from_there(ledger, office):
    """An event by a key that an earlier event of its group adds is taken; one with a forged signature is not."""
    miner = Pen("miner")
    enrolled = office.enrol(miner, "miner")
    early, late = produce(miner, "1.00"), produce(miner, "2.00")
    forged = produce(miner, "3.00")
    forged.envelope.signature = late.envelope.signature
    answers = append(ledger, early, enrolled, late, forged)
    assert answers[0] == Waiting("key", miner.key.id)
    assert isinstance(answers[1], Recorded)
    check_proof(answers[2], late)
    assert answers[3].name == "bad_signature"
    assert isinstance(append(ledger, early)[0], Recorded)


def test_a_double_issue_is_kept_without_effect(ledger, office):
    """Two successors of one head: the first stands, the second is evidence, and stays so when sent again."""
    miner, one, other = traders(ledger, office, "miner", "one", "other")
    made = produce(miner, "38.40")
    pairs = [(made.id, made.lots[0])]
    first, second = offer(miner, one.party, pairs), offer(miner, other.party, pairs)
    answers = recorded(ledger, made, first, second)
    assert [answer.stands for answer in answers] == [True, True, False]
    assert answers[2].fates == {made.lots[0]: False}
    assert answers[2].findings[0].rule == "double_issue"
    (again,) = recorded(ledger, second)
    assert (again.index, again.stands, again.known) == (answers[2].index, False, True)
    third = append(ledger, offer(miner, one.party, pairs))[0]
    assert third.name == "stale_predecessor"
    oracle.check(ledger.store, LOG_SIGNER.verifier)


def test_a_number_used_twice_is_kept_and_a_third_time_refused(ledger, office):
    """The second event with a used number is without effect, within a group and across groups."""
    (miner,) = traders(ledger, office, "miner")
    first, second, third = produce(miner, "1.00"), produce(miner, "2.00"), produce(miner, "3.00")
    second, third, fourth = (
        miner.sign("production", one.event.body.model_dump(exclude_none=True, by_alias=True), number=0)
        for one in (second, third, third)
    )
    assert [answer.stands for answer in recorded(ledger, first, second)] == [True, False]
    assert append(ledger, third)[0].name == "number_used"
    assert fourth.id == third.id
    with ledger.store.read() as view:
        assert view.all("SELECT sequence, use FROM outcome WHERE signer = 2 ORDER BY idx") == [(0, 0), (0, 1)]
    oracle.check(ledger.store, LOG_SIGNER.verifier)


@pytest.mark.threat("T40")
def test_what_a_signer_has_seen_must_be_this_log(ledger, office):
    """Another root at that size is a fork, a size above the head is ahead; what is dated before it is a finding."""
    (miner,) = traders(ledger, office, "miner")
    recorded(ledger, *(produce(miner, "1.00") for _ in range(5)))
    with ledger.store.read() as view:
        size, root = view.head().size, view.head().root.hex()
        inner = merkle.tree_root(4, view.nodes(4)).hex()
    signed = [
        miner.sign("production", {"region": "RW-04", "source": "device", "lots": [bag("1.00")]}, seen=seen)
        for seen in (
            {"size": size, "root": root},
            {"size": 4, "root": inner},
            {"size": 0, "root": merkle.EMPTY_ROOT.hex()},
            {"size": 4, "root": root},
            {"size": size + 1, "root": root},
        )
    ]
    answers = append(ledger, *signed)
    assert [getattr(answer, "name", "taken") for answer in answers] == ["taken"] * 3 + ["fork", "ahead"]
    early = [{found.rule for found in answer.findings} for answer in answers[:3]]
    assert ["dated_before_last_contact" in rules for rules in early] == [True, True, False]
    oracle.check(ledger.store, LOG_SIGNER.verifier)
    assert fsck.check(ledger.store).verdict == "good"


def test_disclosures_come_with_the_event_or_later(ledger, office):
    """What opens a commitment is kept; what does not is refused, and the event with it."""
    pen = Pen("miner")
    enrolled = office.enrol(pen, "miner")
    wrong = [(enrolled.disclosures[0][0], "/entity", {**enrolled.disclosures[0][2], "name": "Another"})]
    refused = ledger.append_one(Submission(enrolled.envelope, disclosures=wrong))
    assert refused.name == "bad_disclosure"
    (answer,) = recorded(ledger, enrolled)
    with ledger.store.read() as view:
        ((path, salt, value),) = view.disclosures(answer.index)
    assert (path, len(salt)) == ("/entity", 16)
    assert b"Kigali" in value

    other = Pen("other")
    signed = office.enrol(other, "miner")
    assert isinstance(ledger.append_one(Submission(signed.envelope)), Recorded)
    assert ledger.add_disclosures(signed.id, wrong).name == "bad_disclosure"
    assert ledger.add_disclosures("ab" * 32, signed.disclosures) == Waiting("event", "ab" * 32)
    assert ledger.add_disclosures(signed.id, signed.disclosures) is None
    with ledger.store.read() as view:
        assert len(view.disclosures(answer.index + 1)) == 1


def test_codes_of_tags_are_found_once_disclosed(ledger, office):
    """The codes of a roll become searchable when its issue is disclosed, also by a later sending."""
    registrar = office.registrar
    own = nonce()
    roll = derive("roll", registrar.key.id, own)
    codes = [{"code": code, "number": n} for n, code in ((1, "0123456789A0V"), (2, "0123456789B0R"))]
    body = {"roll": roll, "nonce": own, "scheme": "t", "level": "mine", "medium": "qr", "count": 2}
    issue = registrar.sign("tag_issue", body, sealed={"/codes": codes})
    assert isinstance(ledger.append_one(Submission(issue.envelope)), Recorded)
    with ledger.store.read() as view:
        assert view.all("SELECT * FROM tag_code") == []
    recorded(ledger, issue)
    with ledger.store.read() as view:
        rows = view.all("SELECT code, roll, number FROM tag_code ORDER BY number")
    assert rows == [(code["code"], roll, code["number"]) for code in codes]


def test_more_than_one_tile_and_group(ledger, office):
    """A log of over a thousand entries, sent in uneven groups: tiles, proofs and places still agree."""
    miner, trader = traders(ledger, office, "miner", "trader")
    signed = some_trade(miner, trader, 350)
    answers = []
    start = 0
    for size in (1, 252, 1, 1, 1, 255, 257, 300):
        answers += recorded(ledger, *signed[start : start + size])
        start += size
    with ledger.store.read() as view:
        head = view.head()
        assert view.all("SELECT level, n FROM tile ORDER BY level, n") == [(0, n) for n in range(4)]
        assert merkle.tree_root(head.size, view.nodes(head.size)) == head.root
        assert view.index_of(signed[700].id) == answers[700].index
        assert view.index_of(signed[0].id) == answers[0].index
        assert view.index_of("ab" * 32) is None
    assert [answer.index for answer in answers] == list(range(3, 3 + len(answers)))
    oracle.check(ledger.store, LOG_SIGNER.verifier)


def test_a_thousand_lots_in_one_event(ledger, office):
    """The largest transfer there can be goes in, with its answer per lot."""
    miner, trader = traders(ledger, office, "miner", "trader")
    made = [produce(miner, *["1.00"] * 100) for _ in range(10)]
    pairs = [(one.id, lot) for one in made for lot in one.lots]
    answers = recorded(ledger, *made, *handoff(miner, trader, pairs))
    assert len(answers[-1].fates) == 1000
    oracle.check(ledger.store, LOG_SIGNER.verifier)


def test_a_writer_groups_what_waits(ledger, office):
    """Events submitted from outside are answered in order; closing drains; after that nothing is taken."""
    miner, trader = traders(ledger, office, "miner", "trader")
    writer = Writer(ledger)
    signed = some_trade(miner, trader, 20)
    futures = [writer.submit(sent(one)) for one in signed]
    writer.close()
    answers = [future.result(0) for future in futures]
    assert [answer.index for answer in answers] == list(range(3, 63))
    for one, answer in zip(signed, answers, strict=True):
        check_proof(answer, one)
    with pytest.raises(RuntimeError, match="closed"):
        writer.submit(sent(signed[0]))


def test_a_log_begins_once_with_its_genesis(url, opened, guard, office, again):
    """Nothing is taken before the genesis, a second genesis is refused, and beginning again changes nothing."""
    store = opened(url)
    unborn = Ledger(store, guard, LOG_SIGNER)
    assert "genesis" in unborn.refusal
    assert unborn.append_one(sent(office.genesis)).name == "not_signing"
    unborn.close()
    for _ in range(2):
        create(store, guard, LOG_SIGNER, sent(office.genesis)).close()
    with pytest.raises(Unusable, match="already"):
        create(store, guard, LOG_SIGNER, sent(Office().genesis))
    second = again(url).append_one(sent(Office().genesis))
    assert isinstance(second, Refused | Waiting)
    with store.read() as view:
        assert view.head().size == 1


def test_a_new_log_needs_a_new_key(fresh_url, opened, guard, office, ledger):
    """A key that has signed one log is not given another: the guard says so before anything is written."""
    with pytest.raises(GuardRefuses, match="new key"):
        create(opened(fresh_url()), guard, LOG_SIGNER, sent(Office().genesis))


def test_a_clock_of_ones_own_is_for_demonstrations(fresh_url, opened, tmp_path, again):
    """A given clock stamps a ledger whose genesis says demo, and no other."""
    plain, demo = Office(), Office(demo=True)
    guards = [FileGuard(tmp_path / name, LOG_SIGNER.verifier.encode()) for name in ("a", "b")]
    with pytest.raises(Unusable, match="demo"):
        create(opened(fresh_url()), guards[0], LOG_SIGNER, sent(plain.genesis), clock=lambda: 1_770_000_000)
    times = iter([1_770_000_000, 1_770_000_100, 1_770_000_050])
    ledger = create(opened(fresh_url()), guards[1], LOG_SIGNER, sent(demo.genesis), clock=lambda: next(times))
    recorded(ledger, demo.enrol(Pen("a"), "miner"))
    recorded(ledger, demo.enrol(Pen("b"), "miner"))
    ledger.close()
    with ledger.store.read() as view:
        times_kept = [row[0] for row in view.all("SELECT record_time FROM entry ORDER BY idx")]
    assert times_kept == [1_770_000_000, 1_770_000_100, 1_770_000_100]
    assert again(ledger.store.url, guards[1]).refusal is None
    real = create(opened(fresh_url()), guards[0], LOG_SIGNER, sent(plain.genesis))
    real.close()
    assert "demonstration" in again(real.store.url, guards[0], clock=lambda: 0).refusal


@pytest.mark.threat("T54")
def test_another_log_key_signs_nothing(ledger, opened, tmp_path, office):
    """A key the genesis does not name is refused before it signs, and reads go on."""
    other = Signer(LOG_SIGNER.verifier.name, bytes([1]) * 32)
    stranger = Ledger(ledger.store, FileGuard(tmp_path / "other", other.verifier.encode()), other)
    assert "LOG_KEY" in stranger.refusal
    assert stranger.append_one(sent(office.enrol(Pen("a"), "miner"))).name == "not_signing"
    stranger.close()


def test_a_loop_has_its_turns_between_the_answers_of_a_large_group(ledger, office):
    """Whoever waits in a loop is told with few others: the answers to 300 events do not keep a loop to themselves."""
    sent_in = [office.enrol(Pen(f"pen {number}"), "miner") for number in range(300)]

    async def run() -> list[int]:
        loop = asyncio.get_running_loop()
        with contextlib.closing(Writer(ledger)) as writer:
            with ledger._one_at_a_time:  # so that they wait in two groups, of which one may be few
                waiting = [writer.submit_from(loop, sent(one)) for one in sent_in]
            answered = [0]
            while answered[-1] < len(waiting):
                await asyncio.sleep(0)
                answered.append(sum(future.done() for future in waiting))
        assert all(isinstance(future.result(), Recorded) for future in waiting)
        return answered

    answered = asyncio.run(run())
    assert max(after - before for before, after in itertools.pairwise(answered)) < 150
