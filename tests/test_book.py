"""The book: what each kind of event is about, in which order, and the chains over it."""

import copy
import hashlib
import json
from typing import Any

import pytest

import examples
from memory import new_lot
from rules import Rules, bare
from traceability.core import book, events, fold
from traceability.core.events import Event
from traceability.core.ids import EventId, derive
from traceability.core.outcome import Appended, Finding
from traceability.core.record import Place, Subject
from traceability.core.signing import SigningKey, event_id

E = examples
KEY = {name: SigningKey.from_seed(f"example {name}".encode(), "Ed25519").id for name in ("office", "second")}
OWN = {kind: event_id(E.encoded(kind)) for kind in ("licence_grant", "certificate")}
MADE = {number: derive("lot", E.TRADER.id, E.nonce(number)) for number in (9, 10, 11)}
MOVED = [("lot", E.LOT)]
SUBJECTS: dict[str, list[tuple[str, str]]] = {
    "genesis": [
        ("policy", "policy"),
        ("party", E.OPERATOR_PARTY),
        ("key", E.OPERATOR.id),
        ("party", E.AUTHORITY),
        ("key", E.REGISTRAR.id),
    ],
    "enrolment": [("party", E.TRADER_PARTY), ("key", KEY["office"])],
    "role_change": [("party", E.TRADER_PARTY)],
    "key_addition": [("party", E.TRADER_PARTY), ("key", KEY["second"])],
    "key_revocation": [("party", E.AUTHORITY), ("key", E.TRADER.id)],
    "delegation": [("party", E.AUTHORITY), ("party", E.MINER_PARTY)],
    "delegation_end": [],  # both sides of the delegation it names
    "approval": [],  # those of what it names
    "site_registration": [("site", E.SITE)],
    "tag_issue": [("roll", E.ROLL)],
    "tag_allocation": [("roll", E.ROLL)],
    "production": [("lot", E.LOT), ("lot", E.OTHER_LOT), ("tag", "itsci:0148217")],
    "intake": [("lot", MADE[9])],
    "transfer": MOVED,
    "acceptance": MOVED,
    "refusal": MOVED,
    "withdrawal": MOVED,
    "reassignment": [("lot", E.LOT), ("lot", E.OTHER_LOT)],
    "transformation": [("lot", E.LOT), ("lot", MADE[10]), ("lot", MADE[11])],
    "retagging": [("lot", E.LOT), ("tag", "itsci:0148217"), ("tag", f"t:{E.ROLL}-17")],
    "inspection": [("lot", E.LOT)],
    "export": MOVED,
    "import": MOVED,
    "closure": MOVED,
    "correction": [("tag", "itsci:0148232")],  # and those of what it names
    "site_inspection": [("site", E.SITE)],
    "capacity_estimate": [("site", E.SITE)],
    "licence_grant": [("licence", OWN["licence_grant"]), ("party", E.TRADER_PARTY)],
    "licence_revocation": [("licence", E.EVENT)],  # and the party, by the grant it names
    "tag_void": [("tag", "itsci:0148219"), ("tag", f"t:{E.ROLL}-18")],
    "zone": [
        ("policy", "policy"),
        ("region", "CF"),
        ("region", "CF-HS"),
    ],  # of a compliant zone the country too: its duty is there
    "reference": [("policy", "policy")],
    "certificate": [("certificate", OWN["certificate"]), ("lot", E.LOT), ("lot", E.OTHER_LOT)],
    "certificate_use": [("certificate", E.EVENT)],
    "payment": MOVED,
    "incident": [("site", E.SITE), ("lot", E.LOT), ("region", "CF-HS"), ("region", "CF-BGF")],
    "response": MOVED,
    "hold": [("lot", E.LOT), ("policy", "policy"), ("region", "CF-HS")],
    "release": [],  # those of the hold it names
    "finding": MOVED,
    "redaction": [],  # those of what it names
    "policy": [("policy", "policy")],
    "audit": [("party", E.TRADER_PARTY), ("site", E.SITE)],
    "log_key": [("policy", "policy")],
    "snapshot": [],  # it is about the book, and would make its own line older with each
    "attestation": [],
}
ABOUT_OTHERS = {
    "approval": ("event",),
    "correction": ("event",),
    "delegation_end": ("delegation",),
    "licence_revocation": ("licence",),
    "payment": ("transfer",),
    "redaction": ("event",),
    "release": ("hold",),
    "response": ("about", "incident"),
}
"""The kinds that are about what another event is about, and where they name it."""


_OWN_TYPE = {"licence_grant": ("licence",), "certificate": ("certificate",)}


def unknown(_: EventId) -> Event | None:
    return None


@pytest.mark.parametrize("kind", events.KINDS)
def test_what_each_kind_is_about(kind: str) -> None:
    """As section 17 of the events page lists it; sorted by type, then id, each once."""
    event = events.parse(E.encoded(kind))
    assert book.subjects(event, event_id(E.encoded(kind)), unknown) == sorted(set(SUBJECTS[kind]))


@pytest.mark.parametrize("kind", ABOUT_OTHERS)
@pytest.mark.parametrize("named", [kind for kind in events.KINDS if SUBJECTS[kind] and kind != "correction"])
def test_what_is_about_an_event_is_about_its_subjects(kind: str, named: str) -> None:
    """An approval, a release, the answer to an incident… has the subjects of the event it names."""
    whole = E.payload(kind)
    *way, last = ABOUT_OTHERS[kind]
    body = copy.deepcopy(whole["body"])
    at = body
    for name in way:
        at[name] = {}
        at = at[name]
    at[last] = target = event_id(E.encoded(named))
    if last == "transfer":
        del body["lots"]
    log = {target: events.parse(E.encoded(named))}
    found = book.subjects(events.parse(events.encode({**whole, "body": body})), E.EVENT, log.get)
    own = [] if kind in ("payment", "response") else SUBJECTS[kind]
    if kind == "licence_revocation":
        own = [("licence", target)]
    assert found == sorted({*SUBJECTS[named], *own})


def test_zones_of_polygons_and_voids_of_a_roll() -> None:
    """A polygon lies in no region by its code: the policy has it; positions of a roll are the roll's."""
    whole = E.payload("zone")
    body = {name: value for name, value in whole["body"].items() if name != "regions"}
    ring = [[0, 0], [10, 0], [10, 10], [0, 0]]
    event = events.parse(events.encode({**whole, "body": {**body, "polygon": ring}}))
    assert book.subjects(event, E.EVENT, unknown) == [("policy", "policy")]
    whole = E.payload("tag_void")
    body = {"roll": E.ROLL, "first": 3, "last": 9, "reason": "lost"}
    event = events.parse(events.encode({**whole, "body": body}))
    assert book.subjects(event, E.EVENT, unknown) == [("roll", E.ROLL)]


def test_events_about_events_are_followed_as_far_as_they_go() -> None:
    """A chain of corrections far longer than Python's stack is followed to the lots at its end."""
    whole = E.payload("correction")
    chain: dict[str, Event] = {"0" * 64: events.parse(E.encoded("closure"))}
    for number in range(1, 1500):
        body = {"event": f"{number - 1:064x}", "reason": "did_not_occur"}
        chain[f"{number:064x}"] = events.parse(events.encode({**whole, "body": body}))
    assert book.subjects(chain[f"{1499:064x}"], E.EVENT, chain.get) == MOVED


@pytest.mark.threat("T46")
def test_answers_to_answers_are_followed_as_far_as_they_go() -> None:
    """No rule lets such a chain into a log; whoever puts one into a file of evidence does not stop its reader."""
    chain: dict[str, Event] = {"0" * 64: events.parse(E.encoded("closure"))}
    for number in range(1, 1500):
        name = ("response", "release", "redaction")[number % 3]
        whole = E.payload(name)
        before = f"{number - 1:064x}"
        body = {
            "response": {**whole["body"], "about": {"incident": before}},
            "release": {**whole["body"], "hold": before},
            "redaction": {**whole["body"], "event": before},
        }[name]
        chain[f"{number:064x}"] = events.parse(events.encode({**whole, "body": body}))
    assert book.subjects(chain[f"{1499:064x}"], E.EVENT, chain.get) == MOVED


def test_stock_counts_and_sites_of_delegations() -> None:
    """Missing and surplus lots are named lots; a delegation by site is about the site; a restatement makes no key."""
    whole = E.payload("inspection")
    body = {
        "source": "device",
        "type": "stock_count",
        "party": E.TRADER_PARTY,
        "lots": [E.LOT],
        "missing": [E.OTHER_LOT],
        "surplus": ["0" * 26],
    }
    event = events.parse(events.encode({**whole, "body": body}))
    assert book.subjects(event, E.EVENT, unknown) == sorted(
        [("lot", E.LOT), ("lot", E.OTHER_LOT), ("lot", "0" * 26)]
    )
    whole = E.payload("delegation")
    body = {name: value for name, value in whole["body"].items() if name != "principal"}
    event = events.parse(events.encode({**whole, "body": {**body, "site": E.SITE}}))
    assert book.subjects(event, E.EVENT, unknown) == [("party", E.AUTHORITY), ("site", E.SITE)]


def test_new_subjects_are_numbered_by_type_and_id() -> None:
    """Genesis takes the first numbers in that order; each later entry goes on from there."""
    trade = bare()
    trade.appends(trade.operator, trade.genesis())
    assert _numbered(trade) == sorted(_numbered(trade))
    size = len(_numbered(trade))
    (coop,) = trade.people("coop:miner")
    assert _numbered(trade)[size:] == [("key", coop.key.id), ("party", coop.party)]
    size = len(_numbered(trade))
    trade.produce(coop, "1", "2", "3", each=[{"tags": ["itsci:2", "itsci:1"]}, {"tags": ["abc:9"]}])
    assert _numbered(trade)[size:] == sorted(_numbered(trade)[size:])
    assert [type_ for type_, _ in _numbered(trade)[size:]] == ["lot"] * 3 + ["tag"] * 3


def _numbered(trade: Rules) -> list[tuple[str, str]]:
    """All subjects in the order of their numbers."""
    found = [
        (r.place.number, address) for address, r in trade.state.records.items() if isinstance(r, Subject)
    ]
    assert [number for number, _ in sorted(found)] == list(range(len(found)))
    return [address for _, address in sorted(found)]


def test_an_entry_without_effect_counts_for_each_lot_it_names_and_would_have_made() -> None:
    """It stands in their chains like any other."""
    trade = Rules()
    coop, one, two = trade.people("coop:miner", "one:trader", "two:trader")
    (lot,) = trade.produce(coop, "5")
    here = trade.on([lot])
    trade.hand_over(coop, one, [lot])
    count = trade.lot(lot).place.count
    trade.loses(coop, trade.transfer(two.party, here))
    assert trade.lot(lot).place.count == count + 1
    late = trade.transformation(here, [new_lot(trade.nonce(), "5", tags=["itsci:5"])], "repacking")
    second, _ = trade.key_for("second", coop.party)
    trade.appends(coop, trade.key_addition(coop.party, "second"))
    trade.loses(second, late)
    (ghost,) = trade.made_by(second, late)
    about = [address for address, _ in trade.last().outcome.links]
    assert about == sorted([("lot", lot), ("lot", ghost), ("tag", "itsci:5")])


def test_links_lead_from_entry_to_entry() -> None:
    """Each outcome gives the index of its subjects' entries before: a history is walked backwards by them."""
    trade = Rules()
    coop, one = trade.people("coop:miner", "one:trader")
    (lot,) = trade.produce(coop, "5")
    trade.hand_over(coop, one, [lot])
    trade.appends(one, trade.act("inspection", type="photo", lots=[lot]))
    walked, at = [], trade.lot(lot).place.last
    while at >= 0:
        walked.append(trade.entries[at].event.kind)
        at = dict(trade.entries[at].outcome.links)["lot", lot]
    assert walked == ["inspection", "acceptance", "transfer", "production"]


def test_finding_chains() -> None:
    """Every finding advances the chain of each of its subjects, by the hash of its own canonical JSON."""
    trade = Rules()
    coop, one = trade.people("coop:miner", "one:trader")
    (first,) = trade.produce(coop, "5", each=[{"tags": ["itsci:1"]}])
    (second,) = trade.produce(coop, "6", each=[{"tags": ["itsci:1"]}])
    trade.hand_over(coop, one, [first, second])
    chains: dict[tuple[str, str], tuple[int, bytes]] = {}
    for kept in trade.entries:
        for finding in kept.outcome.findings:
            plain = {
                "events": list(finding.events),
                "figures": [{"name": name, "value": value} for name, value in finding.figures],
                "rule": finding.rule,
                "severity": finding.severity,
                "subjects": [{"id": id_, "type": type_} for type_, id_ in finding.subjects],
                "version": 1,
            }
            text = json.dumps(plain, separators=(",", ":"), sort_keys=True).encode()
            assert text == finding.to_json()
            for subject in finding.subjects:
                count, chain = chains.get(subject, (0, bytes(32)))
                seed = b"traceability/chain/v1\n" + chain + kept.index.to_bytes(8, "big")
                chains[subject] = (count + 1, hashlib.sha256(seed + hashlib.sha256(text).digest()).digest())
    assert {("lot", first), ("lot", second)} <= set(chains)
    for address, record in trade.state.records.items():
        if isinstance(record, Subject):
            expected = chains.get(address, (0, bytes(32)))
            assert (record.place.finding_count, record.place.finding_chain) == expected, address


def test_a_finding_says_the_same_however_it_was_made() -> None:
    """Subjects and figures are sorted, so that one finding has one text."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    (lot,) = trade.produce(coop, "5")
    (found,) = trade.findings()
    assert isinstance(found, Finding)
    assert found.subjects == (("lot", lot),)
    assert found.events == (trade.last().event_id,)


def test_advancing_keeps_the_other_chain() -> None:
    """Entries and findings do not disturb each other's counts."""
    place = book.advance_finding(book.advance(Place(7), 3, book.link(3, "ab" * 32)), 3, b"{}")
    assert (place.number, place.count, place.last, place.finding_count) == (7, 1, 3, 1)
    assert place.chain == book.advance(Place(0), 3, book.link(3, "ab" * 32)).chain
    assert place.finding_chain == book.advance_finding(Place(0), 3, b"{}").finding_chain


@pytest.mark.parametrize("kind", events.KINDS)
def test_what_an_event_touches_follows_from_the_event_alone(kind: str) -> None:
    """Asked twice the answer is the same, and every subject the event itself names is in it."""
    event = events.parse(E.encoded(kind))
    touched = fold.touches(event)
    assert touched == fold.touches(events.parse(E.encoded(kind)))
    assert {("ledger", ""), ("book", ""), ("key", event.key), ("party", event.party)} <= touched
    missing: set[Any] = (
        set(SUBJECTS[kind]) - touched - {(name, OWN[kind]) for name in _OWN_TYPE.get(kind, ())}
    )
    assert not missing


def test_changes_are_what_the_book_says() -> None:
    """An outcome's changes hold each subject with its new line."""
    trade = Rules()
    (coop,) = trade.people("coop:miner")
    outcome = trade.outcome(coop, trade.production("5"))
    assert isinstance(outcome, Appended)
    for address, _ in outcome.links:
        record = outcome.changes[address]
        assert isinstance(record, Subject)
        assert record.place.last == trade.last().index
