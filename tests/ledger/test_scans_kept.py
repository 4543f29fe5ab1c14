"""Public scans as they are kept: numbers and nothing else, bounded, in backups, in no chain; and what is signed of them."""

import json
import sqlite3

import pytest
from sending import handoff, recorded, sent, traders

from commands import SETTINGS, Done
from traceability.core.findings.scans import Scan
from traceability.core.ids import derive
from traceability.ledger import dump, fsck, scans
from traceability.ledger.backup import backup, restore
from traceability.ledger.dump import NotLoaded, load
from traceability.ledger.rebuild import rebuild
from traceability.ledger.scans import PLACES_MAX, Counted
from traceability.ledger.stating import to_state
from trade import LOG, LOG_SIGNER, bag, kilograms, nonce

FAR, NEAR = "-5,39", "-2,29"


@pytest.fixture
def tagged(ledger, office):
    """(miner, what he made, tag): a bag with a tag of ours, bagged near Goma."""
    (miner,) = traders(ledger, office, "miner")
    own = nonce()
    roll = derive("roll", office.registrar.key.id, own)
    issue = {"roll": roll, "nonce": own, "scheme": "t", "level": "mine", "medium": "qr", "count": 5}
    tag = f"t:{roll}-1"
    body = {"region": "RW-04", "source": "device", "lots": [bag("10.00", tags=[tag])], "cell": "-17,292"}
    made = miner.sign("production", body)
    issued = office.registrar.sign("tag_issue", issue, sealed={"/codes": []})
    issued.disclosures.clear()  # what opens a page is not needed here
    recorded(ledger, issued, made)
    return miner, made, tag


def kept(store, tag):
    with store.read() as view:
        return scans.of_tag(view, tag)


def test_scans_add_up(ledger, tagged):
    """Of a tag, a day, a place and a label there is one row, however often and by however many processes."""
    _, _, tag = tagged
    for times in (1, 4):
        scans.count(ledger.store, {Counted(tag, "2026-03-14"): times, Counted(tag, "2026-03-14", NEAR): 1})
    scans.count(ledger.store, {Counted(tag, "2026-03-13", NEAR, "older"): 1})
    assert kept(ledger.store, tag) == [
        Scan(tag, "2026-03-13", (-2, 29), "older", 1),
        Scan(tag, "2026-03-14", None, "", 5),
        Scan(tag, "2026-03-14", (-2, 29), "", 2),
    ]


def test_a_liar_fills_no_disk(ledger, tagged):
    """Of one tag and day so many places are kept; more are not, and what opened the page is counted all the same."""
    _, _, tag = tagged
    many = {Counted(tag, "2026-03-14", f"{n % 80},{n}"): 1 for n in range(150)}
    scans.count(ledger.store, many)
    scans.count(ledger.store, {Counted(tag, "2026-03-14"): 7})
    rows = kept(ledger.store, tag)
    assert len(rows) <= PLACES_MAX + 2
    assert [row.times for row in rows if row.place is None] == [7]


def test_they_follow_from_nothing_and_stay(ledger, tagged, guard):
    """`fsck` says good with them, without them and with nonsense in them; `rebuild` keeps them."""
    _, _, tag = tagged
    scans.count(ledger.store, {Counted(tag, "2026-03-14", NEAR): 3, Counted("t:no-such-tag", "x"): 1})
    before = kept(ledger.store, tag)
    assert fsck.check(ledger.store, guard).verdict == "good"
    rebuild(ledger.store)
    assert kept(ledger.store, tag) == before


def test_a_backup_has_them(ledger, tagged, tmp_path, fresh_url, opened):
    """A copy or a dump, restored into either database, has the same rows."""
    _, _, tag = tagged
    many = {Counted(tag, f"2026-03-{day:02}", NEAR if day % 2 else ""): day for day in range(1, 29)}
    scans.count(ledger.store, many)
    backup(ledger.store, tmp_path / "copy")
    url = f"sqlite:///{tmp_path / 'restored.sqlite3'}"
    if ledger.store.database.name == "postgresql":
        url = fresh_url()
    restore(tmp_path / "copy", url)
    assert kept(opened(url), tag) == kept(ledger.store, tag)
    lines = list(dump.dump(ledger.store))
    assert [json.loads(line).keys() for line in lines if b'"scans"' in line] == [{"scans"}]
    other = f"sqlite:///{tmp_path / 'loaded.sqlite3'}"
    (tmp_path / "dump").write_bytes(b"".join(lines))
    restore(tmp_path / "dump", other)
    assert list(dump.dump(opened(other))) == lines


@pytest.mark.parametrize(
    "row",
    [
        ["t:x", "2026-03-14", "", "", 1], ["itsci:1", "2026-3-14", "", "", 1], ["itsci:1", "2026-03-14", "90,0", "", 1],
        ["itsci:1", "2026-03-14", "-0,0", "", 1], ["itsci:1", "2026-03-14", "1.5,2", "", 1], ["itsci:1", "2026-03-14", "", "new", 1],
        ["itsci:1", "2026-03-14", "", "", 0], ["itsci:1", "2026-03-14", "", ""], ["itsci:1", "2026-03-14", "", "", "1"],
    ],
)  # fmt: skip
def test_other_rows_are_not_loaded(ledger, fresh_url, opened, row):
    """A dump whose scans are none is no dump: nothing of it is loaded."""
    lines = [*dump.dump(ledger.store), json.dumps({"scans": [row]}).encode() + b"\n"]
    with pytest.raises(NotLoaded, match="line 1 behind the entries"):
        load(lines, opened(fresh_url()))


# What rules notice


def rules(store):
    return [(each.rule, dict(each.figures), each.subjects) for each in to_state(store)]


@pytest.mark.threat("T63")
def test_honest_readers_provoke_nothing(ledger, office, tagged):
    """A bag that is read at the mine, on its way, and by its buyer after it was handed on."""
    miner, made, tag = tagged
    (buyer,) = traders(ledger, office, "buyer")
    recorded(ledger, *handoff(miner, buyer, [(made.id, made.lots[0])]))
    journey = {"2026-03-14": "-2,29", "2026-03-15": "-2,30", "2026-03-17": "-1,30", "2026-03-20": "-2,37"}
    scans.count(ledger.store, {Counted(tag, day, place): 2 for day, place in journey.items()})
    scans.count(ledger.store, {Counted(tag, day): 5 for day in journey})
    assert rules(ledger.store) == []


@pytest.mark.threat("T63")
def test_a_copy_that_shows_up_far_away(ledger, tagged):
    """On one day in two places, and again and again far from the lot: two notices, on the lot and its tag."""
    _, made, tag = tagged
    scans.count(ledger.store, {Counted(tag, f"2026-03-{day}", FAR): 1 for day in (20, 21, 22)})
    scans.count(ledger.store, {Counted(tag, "2026-03-20", NEAR): 1})
    subjects = (("lot", made.lots[0]), ("tag", tag))
    found = rules(ledger.store)
    assert [(rule, about) for rule, _, about in found] == [
        ("scanned_far_away", subjects),
        ("scans_too_far_apart", subjects),
    ]


@pytest.mark.threat("T64")
def test_a_tag_is_read_after_its_lot_left(ledger, tagged):
    """Exported, and a month later somebody reads it where it was: noticed; abroad: not."""
    miner, made, tag = tagged
    body = {
        "region": "RW-04", "source": "device", "destination": "MY", "shipped": "2026-03-20",
        "weighings": [kilograms("10.00", made.lots)],
    }  # fmt: skip
    sealed = {"/importer": {"name": "S", "legal_address": {"country": "MY", "locality": "P"}}}
    recorded(ledger, miner.sign("export", body, [(made.id, made.lots[0])], sealed=sealed))
    scans.count(
        ledger.store, {Counted(tag, "2099-01-01", "3,101"): 1, Counted(tag, "2099-02-01", "3,101"): 1}
    )
    assert rules(ledger.store) == []
    scans.count(ledger.store, {Counted(tag, "2099-03-01", NEAR): 1, Counted(tag, "2099-04-20", NEAR): 1})
    assert ("scanned_after_end", {"scans": "2"}) in [found[:2] for found in rules(ledger.store)]


@pytest.mark.threat("T64")
def test_a_tag_is_read_after_its_lot_ended_or_it_came_off(ledger, tagged):
    """Taken off: what is read a month later is noticed, whatever the place."""
    miner, made, tag = tagged
    other = tag[:-1] + "2"
    off = {
        "source": "device", "lot": made.lots[0], "reason": "burst", "tags_off": [{"tag": tag, "fate": "lost"}],
        "tags_on": [other],
    }  # fmt: skip
    recorded(ledger, miner.sign("retagging", off))
    late = {Counted(each, day): 1 for each in (tag, other) for day in ("2099-01-01", "2099-01-02")}
    scans.count(ledger.store, late)
    assert [found[2] for found in rules(ledger.store)] == [(("lot", made.lots[0]), ("tag", tag))]


def test_the_command_signs_a_notice_once(ledger, office, tagged, url, guard, tmp_path, monkeypatch, capfd):
    """The operator's key signs what strangers reported, as a notice; more scans do not make more findings."""
    _, _, tag = tagged
    scans.count(ledger.store, {Counted(tag, "2026-03-20", place): 1 for place in (NEAR, FAR)})
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "log-key").write_text(LOG_SIGNER.encode())
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("LOG_KEY", str(tmp_path / "log-key"))
    monkeypatch.setenv("GUARD", str(tmp_path / "state" / "guard"))
    key = tmp_path / "operator.pem"
    key.write_bytes(f"party: {office.operator.party}\nlog: {LOG}\n".encode() + office.operator.key.to_pem())
    assert Done(capfd, "findings").out.startswith("scans_too_far_apart (notice): days 0, km ")
    assert Done(capfd, "findings", "--key", key).code == 0
    scans.count(ledger.store, {Counted(tag, "2026-03-21", place): 1 for place in (NEAR, "40,3")})
    assert Done(capfd, "findings", "--key", key).out == ""
    with ledger.store.read() as view:
        stated = view.all("SELECT rule, severity FROM finding")
    assert ("scans_too_far_apart", "notice") in [tuple(row) for row in stated]
    assert fsck.check(ledger.store, guard).verdict == "good"


@pytest.mark.threat("T63")
@pytest.mark.parametrize("severity", ["warning", "severe"])
def test_strangers_make_nothing_severe(ledger, office, tagged, severity):
    """Not even the operator states more than a notice on what strangers reported."""
    _, _, tag = tagged
    scans.count(ledger.store, {Counted(tag, "2026-03-20", place): 1 for place in (NEAR, FAR)})
    (found,) = to_state(ledger.store)
    body = {**found.body(1), "severity": severity}
    (answer,) = ledger.append([sent(office.operator.sign("finding", body))])
    assert answer.name == "no_such_rule"
    assert "strangers" in answer.message
    recorded(ledger, office.operator.sign("finding", found.body(1)))


def test_nothing_but_numbers_is_kept(ledger, tagged, tmp_path):
    """The table has five columns: no address, no device, no hour, no code."""
    _, _, tag = tagged
    scans.count(ledger.store, {Counted(tag, "2026-03-14", NEAR): 1})
    with ledger.store.read() as view:
        assert [tuple(row) for row in view.all("SELECT * FROM scan")] == [(tag, "2026-03-14", NEAR, "", 1)]
    if ledger.store.database.name == "sqlite":
        with sqlite3.connect(ledger.store.database.path) as file:
            names = [name for _, name, *_ in file.execute("PRAGMA table_info(scan)")]
        assert names == ["tag", "day", "place", "label", "times"]
