"""The memory ledger for tests of the rules: it looks up no more than it may, and is gone over after each entry.

    trade = Rules()                                  genesis; an operator and one authority
    coop, trader = trade.people("coop:miner", "trader:trader")
    (bag,) = trade.produce(coop, "38.40")
    offer = trade.offer(coop, trader, [bag])
    trade.refuses("not_recipient", coop, trade.acceptance([(offer, bag)]))

`appends`, `loses`, `refuses` and `waits` say how an event must end. After each entry the book, the heads and
the masses are compared with what a slow reading of the log gives.
"""

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from memory import (
    COMMITMENT,
    Actor,
    Kept,
    MemoryLedger,
    MemoryState,
    _public_key,
    key_of,
    new_key,
    previous_of,
    weighing,
)
from traceability.core import canonical, events, fold
from traceability.core import watch as global_rules
from traceability.core.composition import Part, Pool, flatten
from traceability.core.events import Event
from traceability.core.findings.catalogue import RULES
from traceability.core.ids import EventId, KeyId, LotId, PartyId, derive
from traceability.core.lot_records import Lot, Move, PoolRecord
from traceability.core.mass import leaf_pool
from traceability.core.outcome import Appended, Entry, Finding, Outcome, Rejected, WaitsFor
from traceability.core.record import Address, Subject
from traceability.core.registry_records import Book, Key, Mention, Party
from traceability.core.signing import Envelope, event_id
from traceability.core.state import AnyRecord, LogEntry, decode_record, encode_record
from traceability.core.tallies import TALLIES
from traceability.ledger.packed_moves import pack_move, unpack_move
from traceability.ledger.packing import pack_lot, unpack_lot

DAY = 86_400
TALLY_MAX = 16_000
"""No tally is longer than so many bytes, however long the log."""


class StrictState:
    """A state for one event that answers only what may be asked for it.

    Allowed is each address `fold.touches` names, and each address all of whose ids have been read: in the
    event, or in a record or entry this state has given out before (an event's own id counts as read). Of an
    entry it has given out, what that entry's event touches is allowed too. Tallies are for global rules alone.
    """

    whole = True

    def __init__(self, inner: MemoryState, event: Event, own: EventId, *, watch: bool = True) -> None:
        self.inner = inner
        self.watch = watch
        """Whether tallies may be asked for: by global rules alone."""
        self.touched = fold.touches(event) | (set(global_rules.touches(event)) if watch else set())
        self.read: set[str] = {own, "", "policy", *event.made}
        self._learn(json.loads(event.model_dump_json(by_alias=True, exclude_none=True)))

    def _learn(self, value: Any) -> None:
        match value:
            case str():
                self.read.add(value)
            case list() | tuple():
                for item in value:
                    self._learn(item)
            case dict():
                for item in value.values():
                    self._learn(item)
            case bytes():
                self.read.add(value.hex())
            case _:
                pass

    def _check(self, address: Address) -> None:
        kind, id_ = address
        if kind in TALLIES:
            assert self.watch, f"{address} is for global rules alone"
            return
        if kind == "reference" and self.watch:
            return
        if kind in ("held", "reported"):  # what is held or reported, by its own type and id
            kind, _, id_ = id_.partition(":")
        ids = (
            [id_] if kind == "tag" else id_.split(":")[kind == "reference" :]
        )  # a reference begins with its type
        numbers = address[0] in ("number", "pool", "produced")  # sequence, pool of the lot, day
        if address not in self.touched:
            unread = [
                part
                for part in ids
                if part not in self.read and not (numbers and part.replace("-", "").isdigit())
            ]
            assert not unread, f"{address} is no business of this event"

    def find(self, address: Address) -> AnyRecord | None:
        self._check(address)
        found = self.inner.find(address)
        if found is not None:
            self._learn(msgspec.to_builtins(found, builtin_types=(bytes,)))
        return found

    need = find

    def event(self, event_id: EventId) -> LogEntry | None:
        self._check(("event", event_id))
        found = self.inner.event(event_id)
        if found is not None:
            self.read.update(found.event.made)
            self.touched |= fold.touches(found.event)
            self._learn(json.loads(found.event.model_dump_json(by_alias=True, exclude_none=True)))
        return found

    def signed_by(self, key: KeyId, after: int, count: int) -> list[LogEntry]:
        assert key in self.read
        found = self.inner.signed_by(key, after, count)
        self.read.update(entry.event_id for entry in found)
        assert all(self.event(entry.event_id) for entry in found)
        return found


class Rules(MemoryLedger):
    """A memory ledger that says how each event must end, and goes over itself after each entry."""

    def __init__(self, **more: Any) -> None:
        self.places: dict[Address, tuple[int, int, bytes]] = {}
        super().__init__(**more)

    def fork(self) -> "Rules":
        """The same ledger, to go on with otherwise."""
        other = copy.copy(self)
        other.state = MemoryState()
        other.state.records = dict(self.state.records)
        other.state.entries = dict(self.state.entries)
        other.entries = list(self.entries)
        other._numbers = dict(self._numbers)
        other.places = dict(self.places)
        return other

    # Writing

    def take(self, envelope: Envelope, *, record_time: int | None = None) -> Outcome:
        event = events.read(envelope)
        name = event_id(envelope.payload)
        at = self.clock if record_time is None else record_time
        spki = fold.signing_key(event)
        record = self.state.records.get(("key", event.key))
        known = spki or getattr(record, "public_key", None)
        if known is not None:
            envelope.verify(_public_key(known))
        before = dict(self.state.records)
        entry = Entry(len(self.entries), at, name, event, self.seen_time(event))
        outcome = fold.apply(entry, StrictState(self.state, event, name, watch=True))
        assert self.state.records == before, "apply answers with changes and makes none"
        _check_watching(
            outcome, fold.apply(entry, StrictState(self.state, event, name, watch=False), watch=False)
        )
        if isinstance(outcome, Appended):
            told = [found.to_json() for found in outcome.findings]
            assert len(set(told)) == len(told), "no rule says the same thing twice"
            for (_, id_), changed in outcome.changes.items():
                assert decode_record(encode_record(changed)) == changed
                _check_packing(id_, changed)
            self.keep(envelope, event, outcome, at)
            self._go_over(self.entries[-1])
        return outcome

    def wait_until(self, day: str) -> None:
        """Moves the ledger's clock on to noon of a day."""
        at = int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp())
        assert at > self.clock
        self.clock = at

    @property
    def today(self) -> str:
        return datetime.fromtimestamp(self.clock, UTC).date().isoformat()

    # How an event must end

    def outcome(self, actor: Actor, event: Mapping[str, Any]) -> Outcome:
        return self.judge(actor, event)

    def appends(self, actor: Actor, event: Mapping[str, Any], *findings: str) -> EventId:
        """It stands on every lot, with exactly these findings (by rule) where any are given."""
        envelope = self.sign(actor, event)
        outcome = self.take(envelope)
        assert isinstance(outcome, Appended), outcome
        assert outcome.stands
        assert all(outcome.fates.values()), outcome.fates
        if findings:
            assert sorted({found.rule for found in outcome.findings}) == sorted(findings)
        return event_id(envelope.payload)

    def loses(self, actor: Actor, event: Mapping[str, Any]) -> EventId:
        """It is appended without effect on any lot."""
        envelope = self.sign(actor, event)
        outcome = self.take(envelope)
        assert isinstance(outcome, Appended), outcome
        assert not outcome.stands
        assert not any(outcome.fates.values()), outcome.fates
        return event_id(envelope.payload)

    def refuses(self, name: str, actor: Actor, event: Mapping[str, Any]) -> str:
        """It is rejected under this name; gives the message."""
        outcome = self.judge(actor, event)
        assert isinstance(outcome, Rejected), outcome
        assert outcome.name == name, outcome
        assert len(outcome.message) > 15
        return outcome.message

    def waits(self, kind: str, id_: str, actor: Actor, event: Mapping[str, Any]) -> None:
        """It waits for this thing."""
        outcome = self.judge(actor, event)
        assert outcome == WaitsFor(kind, id_), outcome

    def last(self) -> Kept:
        return self.entries[-1]

    def findings(self, rule: str | None = None) -> list[Finding]:
        """Those of the newest entry, of this rule if given."""
        return [f for f in self.last().outcome.findings if rule in (None, f.rule)]

    # People

    def people(self, *names: str) -> list[Actor]:
        """Enrols "name:role,role" each with one key."""
        made = []
        for text in names:
            name, _, roles = text.partition(":")
            made.append(self.enrol(name, [role for role in roles.split(",") if role]))
        return made

    def key_for(self, name: str, party: PartyId) -> tuple[Actor, dict[str, Any]]:
        """A fresh key for a party, and how it is named when it joins."""
        key = key_of(name)
        return Actor(party, key), new_key(key, party, self.log)

    # Events, as kind, body and previous; (event, lot) pairs say what they build on

    def on(self, lots: Iterable[LotId], *, title: bool = False) -> list[tuple[EventId, LotId]]:
        """The lots with the heads they stand on."""
        found = [self.lot(lot) for lot in lots]
        return [(lot.title_head if title else lot.custody_head, lot.id) for lot in found]

    def production(self, *values: str, **more: Any) -> dict[str, Any]:
        lots = [self.new_lot(value) for value in values]
        return {"kind": "production", "body": {"region": "CF-LB", "source": "device", "lots": lots, **more}}

    def intake(self, *values: str, **more: Any) -> dict[str, Any]:
        lots = [self.new_lot(value) for value in values]
        body: dict[str, Any] = {
            "region": "CF-LB",
            "origin": "found",
            "countries": ["0"],
            "lots": lots,
            **more,
        }
        return self.act("intake", **body)

    def new_lot(self, value: str, unit: str = "KGM", **more: Any) -> dict[str, Any]:
        lot = {"nonce": self.nonce(), "mineral": "cassiterite", "form": "concentrate"}
        return {**lot, "weighing": weighing(value, unit=unit), **more}

    def transfer(
        self, recipient: PartyId, previous: Sequence[tuple[str, str]], moves: str = "both", **more: Any
    ) -> dict[str, Any]:
        body = {
            "region": "CF-LB",
            "source": "device",
            "recipient": recipient,
            "moves": moves,
            "purpose": "sale",
            "accept_by": "2026-03-28",
            **more,
        }
        return {"kind": "transfer", "body": body, "previous": previous_of(previous)}

    def acceptance(self, previous: Sequence[tuple[str, str]], **more: Any) -> dict[str, Any]:
        return self.act("acceptance", previous, region="CF-LB", **more)

    def refusal(self, previous: Sequence[tuple[str, str]], **more: Any) -> dict[str, Any]:
        return self.act("refusal", previous, **{"reason": "price", **more})

    def withdrawal(self, previous: Sequence[tuple[str, str]], **more: Any) -> dict[str, Any]:
        return self.act("withdrawal", previous, **{"reason": "never_came", **more})

    def closure(self, previous: Sequence[tuple[str, str]], **more: Any) -> dict[str, Any]:
        return self.act("closure", previous, **{"reason": "stolen", **more})

    def export(
        self, previous: Sequence[tuple[str, str]], importer: PartyId | None = None, **more: Any
    ) -> Any:
        masses = {lot: self.lot(LotId(lot)).expected_ug for _, lot in previous}
        body: dict[str, Any] = {
            "region": "CF-LB",
            "destination": "MY",
            "shipped": "2026-04-20",
            "weighings": [
                weighing(f"{ug // 1000}.{ug % 1000:03}", unit="MGM", lots=[lot]) for lot, ug in masses.items()
            ],
            **more,
        }
        event = self.act("export", previous, **body)
        if importer is None:
            return {**event, "sealed": [["/importer", COMMITMENT]]}
        event["body"]["importer"] = importer
        return event

    def arrival(
        self, previous: Sequence[tuple[str, str]], by: str = "importer", **more: Any
    ) -> dict[str, Any]:
        body: dict[str, Any] = {"region": "MY-07", "reported_by": by, "received": "2026-06-02", **more}
        if by == "importing_authority":
            body["authority"] = "Kastam Diraja Malaysia"
        return self.act("import", previous, **body)

    def act(self, kind: str, previous: Sequence[tuple[str, str]] = (), **body: Any) -> dict[str, Any]:
        return {"kind": kind, "body": {"source": "device", **body}, "previous": previous_of(previous)}

    def transformation(
        self,
        previous: Sequence[tuple[str, str]],
        outputs: Sequence[Any],
        kind: str = "combination",
        **more: Any,
    ) -> dict[str, Any]:
        """Outputs are kilograms, or whole new lots."""
        lots = [self.new_lot(out) if isinstance(out, str) else out for out in outputs]
        return self.act(
            "transformation", previous, **{"type": kind, "outputs": lots, "share_by": "mass", **more}
        )

    def reassignment(self, lots: Sequence[LotId], to: PartyId, **more: Any) -> dict[str, Any]:
        body: dict[str, Any] = {"ground": "seizure", "moves": "custody", "legal_basis": "art. 12", **more}
        return self.act("reassignment", lots=sorted(lots), to=to, **body)

    def correction(
        self, event: EventId, fields: Mapping[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """It did not occur; or these fields, by path, are otherwise."""
        body: dict[str, Any] = {"event": event, "reason": "did_not_occur", **more}
        if fields is not None:
            listed = [{"path": path, "is": value} for path, value in fields.items()]
            body.update(reason="incorrect_data", fields=listed)
        return {"kind": "correction", "body": body}

    def made_by(self, actor: Actor, event: Mapping[str, Any]) -> list[LotId]:
        """The lots this event makes when this actor signs it."""
        lots = event["body"].get("lots") or event["body"]["outputs"]
        return [LotId(derive("lot", actor.key.id, lot["nonce"])) for lot in lots]

    def intaken(self, actor: Actor, *values: str) -> list[LotId]:
        """Lots taken in by this actor."""
        event = self.intake(*values)
        self.appends(actor, event)
        return self.made_by(actor, event)

    # Events of the registry

    def enrolment(self, by: Actor, name: str = "", roles: Sequence[str] = (), **more: Any) -> dict[str, Any]:
        """A new party with one key; its id is in the body."""
        nonce = self.nonce()
        party = PartyId(derive("party", by.key.id, nonce))
        body: dict[str, Any] = {
            "party": party,
            "type": "company",
            "roles": list(roles),
            "country": "CF",
            "from": "2026-01-05",
            "nonce": nonce,
            "keys": [self.key_for(name or nonce, party)[1]],
            **more,
        }
        kept = {field: value for field, value in body.items() if value is not None}
        return {"kind": "enrolment", "sealed": [["/entity", COMMITMENT]], "body": kept}

    def restated(self, party: PartyId, **more: Any) -> dict[str, Any]:
        body = {"party": party, "type": "company", "roles": [], "country": "CF", "from": "2026-02-01", **more}
        return {"kind": "enrolment", "sealed": [["/entity", COMMITMENT]], "body": body}

    def role_change(
        self, party: PartyId, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> dict[str, Any]:
        lists = {name: list(roles) for name, roles in (("add", add), ("remove", remove)) if roles}
        return {"kind": "role_change", "body": {"party": party, "from": "2026-02-01", **lists}}

    def key_addition(self, party: PartyId, name: str, reason: str = "second_device") -> dict[str, Any]:
        """A further key for a party: the key of that name."""
        key = self.key_for(name, party)[1]
        return {"kind": "key_addition", "body": {"party": party, "key": key, "reason": reason}}

    def revocation(self, key: KeyId, reason: str = "lost", **more: Any) -> dict[str, Any]:
        return {"kind": "key_revocation", "body": {"key": key, "reason": reason, **more}}

    def approval(self, event: EventId, decision: str = "approved") -> dict[str, Any]:
        return {"kind": "approval", "body": {"event": event, "decision": decision}}

    def delegation(self, agent: PartyId, kinds: Sequence[str], **more: Any) -> dict[str, Any]:
        """`more` names the principal or the site."""
        body = {"agent": agent, "kinds": list(kinds), "from": "2026-01-01", "until": "2026-12-31", **more}
        return {"kind": "delegation", "body": body}

    def roll_issue(self, by: Actor, count: int = 500) -> dict[str, Any]:
        """A roll of our own tags; its id is in the body."""
        nonce = self.nonce()
        roll = derive("roll", by.key.id, nonce)
        body = {"roll": roll, "nonce": nonce, "scheme": "t", "level": "mine", "medium": "qr", "count": count}
        return {"kind": "tag_issue", "sealed": [["/codes", COMMITMENT]], "body": body}

    def site_registration(self, by: Actor, holder: PartyId, **more: Any) -> dict[str, Any]:
        """A new site; its id is in the body."""
        nonce = self.nonce()
        body = {
            "site": derive("site", by.key.id, nonce),
            "nonce": nonce,
            "type": "site",
            "name": "Ngotto",
            "country": "CF",
            "region": "CF-LB",
            "minerals": ["cassiterite"],
            "mining_method": "artisanal",
            "activity": "active",
            "holder": holder,
            "from": "2026-01-10",
            **more,
        }
        kept = {field: value for field, value in body.items() if value is not None}
        return {"kind": "site_registration", "sealed": [["/position", COMMITMENT]], "body": kept}

    def composition(self, lots: Iterable[LotId]) -> dict[Any, int]:
        """What these lots consist of, followed back to where ore begins."""

        def read(pool: str) -> Pool:
            if pool.endswith(":0"):
                return leaf_pool(self.lot(LotId(pool[:-2])))
            record = self.state.records["pool", pool]
            assert isinstance(record, PoolRecord)
            return record.pool

        found = [self.lot(lot) for lot in lots]
        parts = [part for lot in found for part in (*lot.content, *(item.part for item in lot.items))]
        return dict(flatten(parts, read))

    # Going over it

    def _go_over(self, kept: Kept) -> None:
        self._check_book(kept)
        self._check_heads()
        for record in kept.outcome.changes.values():
            if isinstance(record, Lot):
                self._check_lot(record)

    def _check_book(self, kept: Kept) -> None:
        """Each subject has its own number, and its chain is that of the entries it was linked to."""
        for address, before in kept.outcome.links:
            count, last, chain = self.places.get(address, (0, -1, bytes(32)))
            assert before == last
            text = (
                b"traceability/chain/v1\n"
                + chain
                + kept.index.to_bytes(8, "big")
                + bytes.fromhex(kept.event_id)
            )
            self.places[address] = (count + 1, kept.index, hashlib.sha256(text).digest())
        addresses = [address for address, _ in kept.outcome.links]
        assert addresses == sorted(set(addresses))
        numbers: dict[int, Address] = {}
        for address, record in self.state.records.items():
            if not isinstance(record, Subject):
                continue
            place = record.place
            assert (place.count, place.last, place.chain) == self.places[address], address
            assert place.number not in numbers, (address, numbers.get(place.number))
            numbers[place.number] = address
        size = self.state.records.get(("book", ""))
        assert isinstance(size, Book)
        assert sorted(numbers) == list(range(size.size))
        assert set(numbers.values()) == set(self.places)
        new = [numbers[n] for n in sorted(numbers) if self.places[numbers[n]][0] == 1]
        born_now = [a for a in new if self.places[a][1] == kept.index]
        assert born_now == sorted(born_now)

    def _check_heads(self) -> None:
        """One standing successor for each lot, head and predecessor; heads are standing moves."""
        taken: set[tuple[LotId, str, int]] = set()
        for address, record in self.state.records.items():
            if address[0] == "move" and isinstance(record, Move) and record.stands:
                for head, predecessor in (
                    ("custody", record.custody_after),
                    ("title", record.title_after),
                ):
                    if predecessor is not None:
                        assert (record.lot, head, predecessor) not in taken, address
                        taken.add((record.lot, head, predecessor))

    def _check_lot(self, lot: Lot) -> None:
        """Its parts lie in their pools and weigh what is expected of it."""
        parts: list[Part] = [*lot.content, *(item.part for item in lot.items)]
        assert sum(part.end - part.start for part in parts) == lot.expected_ug
        for part in parts:
            if not part.pool.endswith(":0"):  # a lot that began here is its own pool
                record = self.state.records["pool", part.pool]
                assert isinstance(record, PoolRecord)
                assert 0 <= part.start <= part.end <= record.pool.mass_ug
        assert (lot.state == "ended") == (lot.ended_by is not None)
        assert (lot.state == "offered") == (lot.offer is not None)
        if lot.state == "ended":
            assert lot.title_offer is None
        assert canonical.encode({"id": lot.id})


# Ledgers and records


def bare() -> Rules:
    return Rules(genesis=False)


def genesis(trade: Rules, **more: Any) -> dict[str, Any]:
    whole = trade.genesis()
    return {**whole, "body": {**whole["body"], **more}}


def three(quorum: int = 2) -> tuple[Rules, Actor, Actor]:
    """Four authorities: operator, registrar (which signs), and two more; two must agree."""
    trade = Rules(genesis=False)
    second, second_line = trade.authority("second", ["regulator"])
    third, third_line = trade.authority("third", ["auditor"])
    whole = trade.genesis(quorum=quorum, authorities=[second_line, third_line])
    trade.appends(trade.operator, whole)
    return trade, second, third


def party(trade: Rules, id_: str) -> Party:
    found = trade.state.records["party", id_]
    assert isinstance(found, Party)
    return found


def key(trade: Rules, id_: str) -> Key:
    found = trade.state.records["key", id_]
    assert isinstance(found, Key)
    return found


def _check_watching(outcome: Outcome, unwatched: Outcome) -> None:
    """Global rules add findings and change tallies; whatever else there is comes out the same without them."""
    if not isinstance(outcome, Appended):
        assert outcome == unwatched
        return
    assert isinstance(unwatched, Appended)
    assert (outcome.fates, outcome.stands, outcome.links) == (
        unwatched.fates,
        unwatched.stands,
        unwatched.links,
    )
    rest = [found for found in outcome.findings if found not in unwatched.findings]
    assert all(RULES[found.rule].scope == "global" for found in rest)
    assert [found for found in outcome.findings if found not in rest] == list(unwatched.findings)
    noted = {address for found in rest for address in found.subjects}
    for address, record in outcome.changes.items():
        if address[0] in TALLIES:
            assert len(encode_record(record)) < TALLY_MAX
        elif not noted:
            assert record == unwatched.changes.get(address), address
    assert unwatched.changes.keys() <= outcome.changes.keys()


def _check_packing(id_: str, record: AnyRecord) -> None:
    """What is packed into a row comes out of it the same."""
    match record:
        case Lot():
            row = (record.place.number, id_, record.mineral, record.state)
            assert unpack_lot(*row, pack_lot(record)) == record
        case Move():
            after = (record.custody_after, record.title_after)
            data = pack_move(record)
            assert unpack_move(record.event, record.lot, after, stands=record.stands, data=data) == record
        case Mention():
            assert unpack_lot(record.place.number, id_, "", "", pack_lot(record)) == record
        case _:
            pass
