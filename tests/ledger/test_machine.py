"""Random trade among honest and cheating parties on a real ledger, the oracle looking after each step.

The model below knows custody in its own few lines: who holds, who holds title, what is on offer, and the
head of each. It says beforehand how each event must end.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

import oracle
from both import verify
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger.answers import Recorded, Refused, Submission, Waiting
from traceability.ledger.guard import FileGuard
from traceability.ledger.reader import Reader
from traceability.ledger.store import Store
from traceability.ledger.writer import create
from trade import LOG_SIGNER, Office, Pen, Signed, accept, bag, kilograms, offer, produce


class Known:
    """A lot as the model knows it."""

    def __init__(self, lot: str, holder: str, head: str, grams: int) -> None:
        self.id = lot
        self.holder = self.title = holder
        self.head = self.title_head = head
        self.offer: tuple[str, str] | None = None
        """Recipient and what moves."""
        self.ended = False
        self.grams = grams
        self.past: list[tuple[str, str]] = [(head, holder)]
        """Every custody head so far, with who could go on from it."""


class Trade(RuleBasedStateMachine):
    """Four parties: a cooperative, two traders of whom one cheats, an exporter."""

    lots: Bundle[str] = Bundle("lots")
    sent: Bundle[Signed] = Bundle("sent")

    def __init__(self, fresh_url: Callable[[], str]) -> None:
        super().__init__()
        self.fresh_url = fresh_url

    @initialize()
    def open_ledger(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        self.store = Store(self.fresh_url())
        office = Office()
        self.ledger = create(
            self.store,
            FileGuard(path / "guard", LOG_SIGNER.verifier.encode()),
            LOG_SIGNER,
            submission(office.genesis),
        )
        self.pens = {name: Pen(name) for name in ("coop", "honest", "cheat", "exporter")}
        roles = {"coop": "miner", "honest": "trader", "cheat": "trader", "exporter": "exporter"}
        for name, pen in self.pens.items():
            self.must_stand(office.enrol(pen, roles[name]))
        self.office = office
        self.by_party = {pen.party: pen for pen in self.pens.values()}
        self.known: dict[str, Known] = {}

    def send(self, signed: Signed) -> Any:
        answer = self.ledger.append_one(submission(signed))
        again = self.ledger.append_one(submission(signed))
        if isinstance(answer, Recorded):
            assert isinstance(again, Recorded)
            assert (again.index, again.entry, again.stands) == (answer.index, answer.entry, answer.stands)
            assert again.known
        else:
            assert again == answer
        return answer

    def must_stand(self, signed: Signed) -> Signed:
        answer = self.send(signed)
        assert isinstance(answer, Recorded), answer
        assert answer.stands, answer
        return signed

    # Honest

    @rule(target=lots, grams=st.lists(st.integers(1_000, 60_000), min_size=1, max_size=3))
    def dig(self, grams: list[int]) -> Any:
        """The cooperative fills bags."""
        pen = self.pens["coop"]
        signed = self.must_stand(produce(pen, *(f"{g // 1000}.{g % 1000:03}" for g in grams)))
        for lot, mass in zip(signed.lots, grams, strict=True):
            self.known[lot] = Known(lot, pen.party, signed.id, mass)
        return multiple(*signed.lots)

    @rule(
        lot=lots,
        to=st.sampled_from(["honest", "cheat", "exporter"]),
        moves=st.sampled_from(["both", "custody"]),
    )
    def sell(self, lot: str, to: str, moves: str) -> None:
        """A holder offers a lot; on offer already or ended, it is refused."""
        known = self.known[lot]
        pen = self.by_party[known.holder]
        recipient = self.pens[to].party
        if recipient == known.holder:
            return
        answer_to = offer(pen, recipient, [(known.head, lot)], moves)
        answer = self.send(answer_to)
        if known.ended or known.offer is not None:
            assert isinstance(answer, Refused), answer
            assert answer.name in ("lot_ended", "lot_in_transit")
            pen.next -= 1
            return
        assert isinstance(answer, Recorded), answer
        assert answer.stands
        known.offer = (recipient, moves)
        known.head = answer_to.id
        known.past.append((answer_to.id, known.holder))

    @rule(lot=lots, take=st.booleans(), drift_g=st.integers(-200, 200))
    def answer_offer(self, lot: str, take: bool, drift_g: int) -> None:
        """The recipient takes a lot, weighing it, or sends it back."""
        known = self.known[lot]
        if known.offer is None:
            return
        recipient, moves = known.offer
        pen = self.by_party[recipient]
        if not take:
            signed = self.must_stand(
                pen.sign("refusal", {"source": "device", "reason": "price"}, [(known.head, lot)])
            )
        else:
            known.grams = max(known.grams + drift_g, 500)
            weighing = kilograms(f"{known.grams // 1000}.{known.grams % 1000:03}", [lot])
            signed = self.must_stand(accept(pen, [(known.head, lot)], weighings=[weighing]))
            if moves == "both" and known.title == known.holder:
                known.title, known.title_head = recipient, signed.id
            known.holder = recipient
        known.offer = None
        known.head = signed.id
        known.past.append((signed.id, known.holder))

    @rule(target=lots, first=lots, second=lots, part=st.integers(1, 9))
    def combine(self, first: str, second: str, part: int) -> Any:
        """A holder puts two of his lots together, weighed now, and splits them in two, losing some."""
        one, two = self.known[first], self.known[second]
        fit = one is not two and one.holder == two.holder and one.title == two.title
        if not fit or one.ended or two.ended or one.offer or two.offer:
            return multiple()
        pen = self.by_party[one.holder]
        total = one.grams + two.grams
        lost = 7
        head = (total - lost) * part // 10
        tail = total - lost - head
        if head < 1 or tail < 1:
            return multiple()
        body = {
            "source": "device",
            "type": "combination",
            "weighings": [kilograms(_kg(total), [first, second])],
            "outputs": [bag(_kg(head)), bag(_kg(tail))],
            "losses": [{"type": "spillage", "mass": {"unit": "GRM", "value": str(lost)}}],
            "share_by": "mass",
        }
        signed = self.must_stand(pen.sign("transformation", body, [(one.head, first), (two.head, second)]))
        for known in (one, two):
            known.ended = True
            known.head = signed.id
            known.past.append((signed.id, ""))
        for lot, grams in zip(signed.lots, (head, tail), strict=True):
            self.known[lot] = Known(lot, pen.party, signed.id, grams)
            self.known[lot].title = one.title
        return multiple(*signed.lots)

    @rule(lot=lots)
    def lose(self, lot: str) -> None:
        """A holder's lot is stolen."""
        known = self.known[lot]
        if known.ended or known.offer:
            return
        pen = self.by_party[known.holder]
        signed = self.must_stand(
            pen.sign("closure", {"source": "device", "reason": "stolen"}, [(known.head, lot)])
        )
        known.ended = True
        known.head = signed.id
        known.past.append((signed.id, ""))

    @rule(lot=lots)
    def sample(self, lot: str) -> None:
        """A holder takes a sample out; the heads stay where they are."""
        known = self.known[lot]
        if known.ended or known.grams < 600:
            return
        body = {
            "source": "device",
            "type": "assay",
            "lots": [lot],
            "sample": {"number": "S1", "mass": {"unit": "GRM", "value": "50"}},
        }
        self.must_stand(self.by_party[known.holder].sign("inspection", body))
        known.grams -= 50

    # Cheating

    @rule(target=sent, lot=lots, to=st.sampled_from(["coop", "honest", "exporter"]))
    def sell_again(self, lot: str, to: str) -> Any:
        """Whoever once held a lot sells it again from then: one entry without effect a key, then refused."""
        known = self.known[lot]
        stale = [(event, who) for event, who in known.past[:-1] if who in self.by_party]
        if not stale:
            return multiple()
        event, who = stale[0]
        pen = self.by_party[who]
        recipient = self.pens[to].party
        if recipient == who:
            return multiple()
        signed = offer(pen, recipient, [(event, lot)])
        answer = self.send(signed)
        if isinstance(answer, Recorded):
            assert not answer.stands
            return signed
        assert isinstance(answer, Refused)
        assert answer.name == "stale_predecessor"
        pen.next -= 1
        return multiple()

    @rule(lot=lots)
    def sell_what_is_not_mine(self, lot: str) -> None:
        """A party that never held a lot cannot move it."""
        known = self.known[lot]
        if "cheat" not in self.pens or self.pens["cheat"].party in {who for _, who in known.past}:
            return
        pen = self.pens["cheat"]
        answer = self.send(offer(pen, self.pens["exporter"].party, [(known.head, lot)]))
        assert isinstance(answer, Refused)
        assert answer.name in ("not_custodian", "lot_ended")
        pen.next -= 1

    @rule(signed=sent)
    def build_on_nothing(self, signed: Signed) -> None:
        """Nothing can be built on an entry that has no effect."""
        _, lot = next(iter(signed.event.moved))
        recipient = self.by_party[signed.event.body.recipient]  # type: ignore[union-attr]
        answer = self.send(accept(recipient, [(signed.id, lot)]))
        assert isinstance(answer, Refused)
        assert answer.name == "predecessor_without_effect"
        recipient.next -= 1

    @rule(name=st.sampled_from(["coop", "cheat"]), grams=st.integers(1000, 9000))
    def use_a_number_twice(self, name: str, grams: int) -> None:
        """A number used again is evidence once, and refused after that."""
        pen = self.pens[name]
        if pen.next == 0 or name != "coop":
            return
        number = pen.next - 1
        signed = pen.sign(
            "production",
            {"region": "RW-04", "source": "device", "lots": [bag(_kg(grams))]},
            number=number,
        )
        answer = self.send(signed)
        if isinstance(answer, Recorded):
            assert not answer.stands
        else:
            assert isinstance(answer, Refused)
            assert answer.name == "number_used"

    @rule()
    def name_the_unknown(self) -> None:
        """What names an event nobody has seen waits, and nothing is stored."""
        pen = self.pens["honest"]
        answer = self.send(accept(pen, [("ab" * 32, "0" * 26)]))
        assert isinstance(answer, Waiting)
        pen.next -= 1

    # The oracle

    @invariant()
    def all_is_as_the_entries_say(self) -> None:
        if not hasattr(self, "ledger"):
            return
        replayed = oracle.check(self.store, LOG_SIGNER.verifier)
        lots = {lot.id: lot for lot in replayed.lots()}
        assert set(lots) == set(self.known)
        for known in self.known.values():
            lot = lots[known.id]  # type: ignore[index]
            assert (lot.state == "ended") == known.ended
            if not known.ended:
                assert lot.custodian == known.holder
                assert lot.title == known.title
                assert lot.custody_head == known.head
                assert (lot.offer is not None) == (known.offer is not None)
        if self.known:
            newest = list(self.known)[-1]
            evidence = Reader(self.store).evidence(lots=[newest])
            policy = TrustPolicy.without_witnesses([LOG_SIGNER.verifier])
            report = verify(evidence, policy)
            assert report.exit_code == 0, report.why
            assert [lot.lot for lot in report.lots] == [newest]

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


def submission(signed: Signed) -> Submission:
    return Submission(signed.envelope, signed.event, signed.disclosures)


def _kg(grams: int) -> str:
    return f"{grams // 1000}.{grams % 1000:03}"


def test_random_trade(fresh_url: Callable[[], str]) -> None:
    """Whatever honest and cheating parties send, the ledger is what its entries say, on both databases."""
    run_state_machine_as_test(
        lambda: Trade(fresh_url),
        settings=settings(
            max_examples=10,
            stateful_step_count=20,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
