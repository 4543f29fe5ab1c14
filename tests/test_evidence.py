"""The evidence file: one form, written one way, and read only so."""

import gzip
import re
from pathlib import Path

import msgspec
import orjson
import pytest

from memory import MemoryLedger, seal, weighing
from showing import evidence_of, file_of, snapshot
from traceability.core import evidence
from traceability.core.errors import Malformed
from traceability.core.evidence import Evidence, decode, encode
from traceability.core.report import EXIT_CODES
from traceability.core.verify import TITLES

PAGE = Path(__file__).parent.parent / "docs" / "evidence.md"


@pytest.fixture(scope="module")
def shown() -> Evidence:
    """Evidence for two bags, with a price that is opened and the event that moved them."""
    ledger = MemoryLedger()
    miner, trader = ledger.enrol("miner", ["miner"]), ledger.enrol("trader", ["trader"])
    lots = ledger.produce(miner, "38.40", "41.00")
    line, disclosure = seal("/terms", "comptant")
    body = {
        "region": "CF-LB", "source": "device", "recipient": trader.party, "moves": "both", "purpose": "sale",
        "accept_by": "2026-03-28",
    }  # fmt: skip
    event = {"kind": "transfer", "body": body, "previous": ledger.heads(lots), "sealed": [line]}
    moved = ledger.append(miner, event)
    return evidence_of(ledger, lots, event=moved, disclosures={len(ledger.entries) - 1: [disclosure]})


@pytest.fixture
def value(shown):
    """The file as plain values, to be spoiled."""
    return orjson.loads(encode(shown))


def spoiled(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def test_what_is_written_is_read_again(shown):
    """Decoding gives what was encoded, and encoding that gives the same bytes."""
    data = encode(shown)
    assert decode(data) == shown
    assert encode(decode(data)) == data
    assert shown.entries[-1].disclosures[0][1:] == ("/terms", "comptant")
    assert shown.event is not None


def test_a_file_without_event_or_disclosures_is_smaller(shown):
    """What is not there is left out, and read as not there."""
    entries = tuple(msgspec.structs.replace(entry, disclosures=()) for entry in shown.entries)
    plain = msgspec.structs.replace(shown, event=None, entries=entries)
    assert b'"event":' not in encode(plain).replace(b'\\"event\\":', b"")
    assert b'"disclosures"' not in encode(plain)
    assert decode(encode(plain)) == plain


def test_genesis_comes_first(shown):
    """Index 0 is in every file, and entries rise."""
    indexes = [entry.index for entry in shown.entries]
    assert indexes[0] == 0
    assert indexes == sorted(set(indexes))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: v.update(version=2),
        lambda v: v.update(version="1"),
        lambda v: v.update(version=True),
        lambda v: v.update(more=1),
        lambda v: v.pop("nodes"),
        lambda v: v.pop("book"),
        lambda v: v.update(lots=[]),
        lambda v: v["lots"].reverse(),
        lambda v: v["lots"].append(v["lots"][-1]),
        lambda v: v.update(lots=["short"]),
        lambda v: v.update(lots=["U" * 26]),
        lambda v: v.update(event="00"),
        lambda v: v.update(event=None),
        lambda v: v.update(entries=[]),
        lambda v: v["entries"].reverse(),
        lambda v: v["entries"].append(v["entries"][-1]),
        lambda v: v["entries"][1].update(index=1.0),
        lambda v: v["entries"][1].update(index=True),
        lambda v: v["entries"][1].update(index=-1),
        lambda v: v["entries"][1].update(index="1"),
        lambda v: v["entries"][1].update(index=2**53),
        lambda v: v["entries"][1].update(blind=v["entries"][1]["blind"][:-1]),
        lambda v: v["entries"][1].update(blind=v["entries"][1]["blind"] + "="),
        lambda v: v["entries"][1].update(blind=v["entries"][1]["blind"] + "AAAA"),
        lambda v: v["entries"][1].update(signature=""),
        lambda v: v["entries"][1].update(payload=None),
        lambda v: v["entries"][1].update(record_time="2026-03-02T06:01:00+00:00"),
        lambda v: v["entries"][1].update(record_time="2026-03-02 06:01:00Z"),
        lambda v: v["entries"][1].update(record_time="2026-03-02T06:01:00.0Z"),
        lambda v: v["entries"][1].update(record_time="2026-13-02T06:01:00Z"),
        lambda v: v["entries"][1].update(record_time="9999999999999999Z"),
        lambda v: v["entries"][1].update(record_time=1),
        lambda v: v["entries"][1].update(disclosures=[]),
        lambda v: v["entries"][1].update(disclosures=None),
        lambda v: v["entries"][-1].update(disclosures=v["entries"][-1]["disclosures"] * 2),
        lambda v: v["entries"][-1].update(disclosures=[["salt", "/path"]]),
        lambda v: v["entries"][-1].update(disclosures=[[1, "/path", "x"]]),
        lambda v: v["entries"][1].update(note="more"),
        lambda v: v.update(nodes=v["nodes"] + "AAAA"),
        lambda v: v.update(nodes="*"),
        lambda v: v["book"].reverse(),
        lambda v: v["book"].append(v["book"][-1]),
        lambda v: v["book"][0].update(chain="00"),
        lambda v: v["book"][0].update(count=-1),
        lambda v: v["book"][0].pop("number"),
        lambda v: v.update(checkpoint=[]),
    ],
)
def test_any_other_form_is_refused(value, spoil):
    """Unknown and missing fields, other types, other spellings, other order, twice the same."""
    before = spoiled(value)
    spoil(value)
    data = spoiled(value)
    assert data != before
    with pytest.raises(Malformed):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"version":1}',
        b'{"version":NaN}',
    ],
)
def test_what_is_no_evidence_is_refused(data):
    """Whatever comes as a file, decoding says Malformed and nothing else."""
    with pytest.raises(Malformed):
        decode(data)


def test_one_value_has_one_spelling(shown):
    """White space, key order, escapes that need not be, a key twice, a byte order mark: all refused."""
    data = encode(shown)
    for other in (
        data.replace(b'"version":1', b'"version": 1'),
        data + b"\n",
        b"\xef\xbb\xbf" + data,
        data.replace(b'"version":1', b'"version":1,"version":1'),
        b'{"version":1,' + data[1:].replace(b',"version":1', b""),
        data.replace(b"ledger.example", b"ledger\\u002eexample", 1),
        data.replace(b"2026-03", b"2026\\u002d03", 1),
    ):
        assert other != data
        with pytest.raises(Malformed):
            decode(other)


def test_a_file_too_large_to_hold_is_refused(shown, monkeypatch):
    """The bound comes before the parser."""
    monkeypatch.setattr(evidence, "SIZE_MAX", 100)
    with pytest.raises(Malformed, match="at most"):
        decode(encode(shown))


def test_the_same_ledger_gives_the_same_file():
    """Nothing of the moment or the machine is in the file."""

    def made() -> bytes:
        ledger = MemoryLedger()
        miner = ledger.enrol("miner", ["miner"])
        return file_of(ledger, ledger.produce(miner, "38.40"))

    assert made() == made()


def test_the_page_tells_of_every_field_step_and_verdict(value):
    """What `docs/evidence.md` lists is what there is."""
    page = PAGE.read_text()
    steps = re.findall(r"^ ?([0-9]+)\. \*\*(.+?)\.\*\*", page, re.MULTILINE)
    assert steps == [(str(number), title) for number, title in enumerate(TITLES, start=1)]
    told = set(re.findall(r"`([a-z_]+)`", page))
    assert {*value, *value["entries"][-1], *value["book"][0]} <= told
    for verdict, code in EXIT_CODES.items():
        assert f"| {verdict} | {code} |" in page
    assert f"`{evidence.MEDIA_TYPE}`" in page
    assert f"*{evidence.SUFFIX}" in page


def test_a_bag_adds_what_is_its_own_and_no_more():
    """Each of a hundred bags, handed on twice, costs its five entries: what they rest on stands there once."""

    def file(bags: int) -> bytes:
        ledger = MemoryLedger()
        miner, trader, exporter = (ledger.enrol(name, [name]) for name in ("miner", "trader", "exporter"))
        site = ledger.site(miner)
        lots = [
            ledger.produce(miner, "38.40", site=site, each=[{"tags": [f"itsci:{n}"]}])[0] for n in range(bags)
        ]
        for lot in lots:
            ledger.hand_over(miner, trader, [lot], [weighing("38.40", lots=[lot])])
            ledger.hand_over(trader, exporter, [lot], [weighing("38.40", lots=[lot])])
        return file_of(ledger, lots, stated=snapshot(ledger))

    small, large = (len(gzip.compress(file(bags), 9)) for bags in (50, 100))
    assert (large - small) / (
        50 * 5
    ) < 400  # bytes an entry: signature, blind, ids and its part of the proofs
