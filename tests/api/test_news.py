"""What is new since: with the holder's consent a stranger is told what was said of lots later, and can check it."""

import json
from dataclasses import replace

import pytest
from test_reading import same_404

import papers
from traceability.core import canonical, evidence, news
from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import LotId
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import Failed
from trade import LOG, LOG_SIGNER, accept, bag, offer, produce

POLICY = TrustPolicy.without_witnesses([LOG_SIGNER.verifier])
FAR = "2099-12-31T23:59:59Z"


class Sold:
    """A heap of two bags that Anna sold to Ben, with his evidence; then things were said, and Ben passed it on."""

    def __init__(self, world, client) -> None:
        anna, ben = world.anna, world.ben
        made = produce(anna, "20", "10", producer=anna.party)
        body = {"source": "device", "type": "combination", "share_by": "mass", "outputs": [bag("30")]}
        mixed = anna.sign("transformation", body, [(made.id, lot) for lot in made.lots])
        self.raw, (self.heap,) = made.lots, mixed.lots
        given = offer(anna, ben.party, [(mixed.id, self.heap)])
        got = accept(ben, [(given.id, self.heap)])
        world.take(made, mixed, given, got)
        self.file = client.read(ben, f"/v1/lots/{self.heap}/evidence").content
        self.old = POLICY.open_checkpoint(evidence.decode(self.file).checkpoint).checkpoint
        hold = world.ben.sign(**said(papers.hold(("lot", self.heap))))
        report = anna.sign(**said(papers.incident(("lot", self.raw[0]))))
        fields = [{"path": "/lots/0/lot_number", "is": "A-1"}]
        right = anna.sign("correction", {"event": made.id, "reason": "incorrect_data", "fields": fields})
        onward = offer(ben, world.carl.party, [(got.id, self.heap)])
        self.said = [hold, report, right]
        world.take(hold, report, right, onward)

    def consent(self, pen, lots=None, expires=FAR, log=LOG):
        return json.loads(news.consent(pen.key, pen.party, log, lots or [self.heap], expires))

    def ask(self, client, consent, since=None):
        return client.post("/v1/news", json={"consent": consent, "since": since or self.old.size})


def said(event):
    return {"kind": event["kind"], "body": event["body"]}


@pytest.fixture(scope="module")
def sold(served):
    world, client = served[0], served[-1]
    return Sold(world, client)


def test_what_was_said_later_is_told_and_verified(world, client, sold):
    """Hold, report and correction of heap and bags, signed and in the log; not that the heap went on."""
    answer = sold.ask(client, sold.consent(world.ben))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == news.MEDIA_TYPE
    learned = news.verify(answer.content, POLICY, sold.old, [sold.heap])
    assert [told.event.kind for told in learned.told] == ["hold", "incident", "correction"]
    assert all(told.entry >= sold.old.size for told in learned.told)
    kinds = {
        entry.payload.split(b'"kind":"')[1].split(b'"')[0]
        for entry in news.decode(answer.content).shown.entries
    }
    assert b"transfer" not in kinds
    assert {noted.finding.rule for noted in learned.findings} >= {"moved_under_hold"}
    nothing = sold.ask(client, sold.consent(world.ben), since=world.size()).content
    now = POLICY.open_checkpoint(news.decode(nothing).shown.checkpoint).checkpoint
    assert news.verify(nothing, POLICY, now, [sold.heap]).told == ()


def test_without_consent_there_is_nothing_here(world, client, sold):
    """A stranger's consent, one that is over, of another ledger, of a lot nobody has, or with a changed lot."""
    spoiled = sold.consent(world.ben)
    other = sold.consent(world.ben, [sold.raw[0]])
    spoiled["payload"] = other["payload"]
    for consent in (
        sold.consent(world.carl, [sold.raw[0]]),
        sold.consent(world.auditor),
        sold.consent(world.ben, expires="2020-01-01T00:00:00Z"),
        sold.consent(world.ben, log="ledger.example.org/other"),
        sold.consent(world.ben, [LotId("0" * 26)]),
        spoiled,
        {"payload": "x"},
    ):
        same_404(sold.ask(client, consent))
    assert client.post("/v1/news", json={"consent": sold.consent(world.ben)}).status_code == 400
    assert sold.ask(client, sold.consent(world.ben), since=world.size() + 1).status_code == 400


def test_an_answer_that_was_changed_is_none(world, client, sold):
    """Every entry left out of the proof, another beginning, other lots, a forged checkpoint: refused."""
    data = sold.ask(client, sold.consent(world.ben)).content
    value = json.loads(data)
    with pytest.raises(Malformed):
        news.decode(data + b" ")
    for field, other in (
        ("since", value["since"] + 1),
        ("consistency", ""),
        ("lots", [sold.raw[0]]),
        ("entries", value["entries"][:-1]),
    ):
        spoiled = canonical.dump({**value, field: other})
        with pytest.raises((Invalid, Malformed, Failed)):
            news.verify(spoiled, POLICY, sold.old, [sold.heap])
    fork = replace(sold.old, root=bytes(32))
    with pytest.raises(Invalid):
        news.verify(data, POLICY, fork, [sold.heap])
