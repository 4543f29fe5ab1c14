"""Redactions: what they name is erased wherever the ledger can reach, never taken again, and everything verifies."""

import json
from pathlib import Path

import pytest
from sending import append, recorded, sent, some_trade, traders

from both import verify
from traceability.core import canonical
from traceability.core.ids import EventId, derive, unpadded
from traceability.core.tag import make_code
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger import dump, fsck
from traceability.ledger.answers import Recorded, Refused
from traceability.ledger.backup import backup, restore
from traceability.ledger.reader import Reader
from traceability.ledger.rebuild import rebuild
from trade import LOG_SIGNER, Pen, Signed, nonce, produce

NAME = "Zéphyrin Ngaïkosset-Uniquement"
PERSON = {"name": NAME, "phone": "+236 70 00 00 01"}


def production(pen: Pen, **sealed: object) -> Signed:
    """A production by somebody who is not enrolled, so that his name is sealed."""
    body = produce(pen, "38.40").event.body.model_dump(by_alias=True, exclude_none=True)
    body["lots"][0]["nonce"] = nonce()
    return pen.sign("production", body, sealed={"/responsible": PERSON, **sealed})


def redaction(office, event: str, *paths: str, **more: object) -> Signed:
    body = {"event": event, "paths": list(paths), "ground": "request", **more}
    return office.operator.sign("redaction", body)


def stored(ledger) -> dict[str, object]:
    """What is kept of disclosures: path to value."""
    with ledger.store.read() as view:
        return {path: json.loads(value) for path, value in view.all("SELECT path, value FROM disclosure")}


def files_with(ledger, text: str) -> list[str]:
    """Which of the database's own files hold this text in any page, free or not; none can be asked of a server."""
    database = ledger.store.database
    if database.name != "sqlite":
        return []
    path = Path(database.path)
    beside = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))]
    return [each.name for each in beside if each.exists() and text.encode() in each.read_bytes()]


@pytest.fixture
def erased(ledger, office):
    """A ledger in which a name was disclosed and then redacted; with it the event that sealed it."""
    (miner,) = traders(ledger, office, "miner")
    made = production(miner)
    recorded(ledger, made)
    assert stored(ledger)["/responsible"] == PERSON
    if ledger.store.database.name == "sqlite":
        assert files_with(ledger, NAME)
    recorded(ledger, redaction(office, made.id, "/responsible"))
    return ledger, made


@pytest.mark.threat("T51")
def test_a_redacted_value_is_gone_from_every_page(erased, opened):
    """The row goes in the transaction of the redaction, and no page, free page or journal frame keeps the text."""
    ledger, made = erased
    assert "/responsible" not in stored(ledger)
    assert files_with(ledger, NAME) == []
    assert Reader(ledger.store).withheld(EventId(made.id)) == ("/responsible",)
    assert fsck.check(ledger.store).verdict == "good"


def test_what_moved_between_pages_is_gone_too(ledger, office):
    """Of many names among which pages were split and filled again, none of the redacted ones is left."""
    (miner,) = traders(ledger, office, "miner")
    made = []
    for number in range(40):
        person = {"name": f"{NAME} {number:03} " + "x" * (number * 7 % 150)}
        body = produce(miner, "38.40").event.body.model_dump(by_alias=True, exclude_none=True)
        made.append(miner.sign("production", body, sealed={"/responsible": person, "/note": "n" * 900}))
    for start in range(0, 40, 8):
        recorded(ledger, *made[start : start + 8])
    recorded(ledger, *(redaction(office, each.id, "/responsible", "/note") for each in made[::2]))
    if ledger.store.database.name == "sqlite":
        assert all(files_with(ledger, f"{NAME} {n:03}") for n in range(1, 40, 2))
    left = [n for n in range(0, 40, 2) if files_with(ledger, f"{NAME} {n:03}")]
    assert left == []
    assert fsck.check(ledger.store).verdict == "good"


def test_the_value_is_not_taken_again(erased):
    """Brought later it is refused by name; sent again with its event, the event's answer stays and the value does not."""
    ledger, made = erased
    refused = ledger.add_disclosures(EventId(made.id), made.disclosures)
    assert isinstance(refused, Refused)
    assert refused.name == "redacted"
    (answer,) = ledger.append([sent(made)])
    assert isinstance(answer, Recorded)
    assert answer.known
    assert "/responsible" not in stored(ledger)


def test_value_and_redaction_in_one_group(ledger, office):
    """An event, its value and its redaction that come together leave no value behind."""
    (miner,) = traders(ledger, office, "miner")
    made = production(miner)
    recorded(ledger, made, redaction(office, made.id, "/responsible"))
    assert "/responsible" not in stored(ledger)
    assert files_with(ledger, NAME) == []


@pytest.mark.threat("T51")
def test_all_still_verifies(erased, office):
    """Evidence of the lot holds as before, and the verdict says how much is withheld."""
    ledger, made = erased
    file = Reader(ledger.store).evidence(made.lots, disclose=lambda *_: True)
    assert NAME.encode() not in file
    report = verify(file, TrustPolicy.without_witnesses([LOG_SIGNER.verifier]))
    assert report.exit_code == 0, report.why
    assert "1 value withheld by redaction" in next(s.outcome for s in report.steps if s.number == 8)


@pytest.mark.threat("T51")
def test_fsck_finds_what_should_be_gone(erased):
    """A value that somebody put back under a redacted path is damage, named; `rebuild` erases it again."""
    ledger, made = erased
    salt, path, value = next(each for each in made.disclosures if each[1] == "/responsible")
    with ledger.store.write() as view:
        index = view.index_of(EventId(made.id))
        statement = "INSERT INTO disclosure (idx, path, salt, value) VALUES (?, ?, ?, ?)"
        view.run(statement, index, path, unpadded(salt), canonical.dump(value))
    report = fsck.check(ledger.store)
    assert report.verdict == "damaged"
    assert [(d.table, d.index, d.what) for d in report.damages] == [
        ("disclosure", index, "it was redacted, and is still there")
    ]
    rebuild(ledger.store)
    assert fsck.check(ledger.store).verdict == "good"
    assert "/responsible" not in stored(ledger)


def test_a_dump_that_still_has_it_is_loaded_without(erased, fresh_url, opened):
    """A dump put together with a value that its own entries redact loads, and the value is not in what it makes."""
    ledger, made = erased
    lines = list(dump.dump(ledger.store))
    with ledger.store.read() as view:
        index = view.index_of(EventId(made.id))
    line = json.loads(lines[index + 1])
    line["disclosures"] = [list(each) for each in made.disclosures]
    lines[index + 1] = json.dumps(line, ensure_ascii=False).encode() + b"\n"
    url = fresh_url()
    dump.load(lines, opened(url))
    with opened(url).read() as view:
        assert view.all("SELECT path FROM disclosure WHERE path = ?", "/responsible") == []
    assert fsck.check(opened(url)).verdict == "good"


def test_copies_made_before_keep_it(ledger, office, tmp_path, fresh_url):
    """A backup older than the redaction has the value and none that is newer has it: operations says so."""
    if ledger.store.database.name != "sqlite":
        pytest.skip("the copy is a file of SQLite")
    (miner,) = traders(ledger, office, "miner")
    made = production(miner)
    recorded(ledger, made)
    backup(ledger.store, tmp_path / "before")
    recorded(ledger, redaction(office, made.id, "/responsible"))
    backup(ledger.store, tmp_path / "after")
    assert NAME.encode() in (tmp_path / "before").read_bytes()
    assert NAME.encode() not in (tmp_path / "after").read_bytes()
    restore(tmp_path / "after", f"sqlite:///{tmp_path / 'restored' / 'ledger.sqlite3'}")


def test_codes_of_tags_go_with_their_disclosure(ledger, office):
    """Once the codes of a roll are redacted, none of them opens a page, also after `rebuild`."""
    registrar, own = office.registrar, nonce()
    roll = derive("roll", registrar.key.id, own)
    code = next(code for n in range(9) if (code := make_code(bytes([n]) * 8)))
    body = {"roll": roll, "nonce": own, "scheme": "t", "level": "mine", "medium": "qr", "count": 1}
    issue = registrar.sign("tag_issue", body, sealed={"/codes": [{"code": code, "number": 1}]})
    recorded(ledger, issue)
    reader = Reader(ledger.store)
    assert reader.tag_of_code(code) is not None
    recorded(ledger, redaction(office, issue.id, "/codes"))
    assert reader.tag_of_code(code) is None
    rebuild(ledger.store)
    assert reader.tag_of_code(code) is None


def test_who_may_redact_and_what(ledger, office):
    """Only the operator, and only what the event sealed; a redaction that is refused erases nothing."""
    miner, trader = traders(ledger, office, "miner", "trader")
    made = production(miner)
    recorded(ledger, made, *some_trade(miner, trader))
    own = miner.sign("redaction", {"event": made.id, "paths": ["/responsible"], "ground": "request"})
    assert append(ledger, own)[0].name == "role_missing"
    assert append(ledger, redaction(office, made.id, "/note"))[0].name == "nothing_sealed_there"
    assert stored(ledger)["/responsible"] == PERSON
