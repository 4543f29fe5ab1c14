"""A ledger in memory for tests: real keys, real signatures, the real fold, a real tree, and no database.

    ledger = MemoryLedger()                         with its genesis: an operator and one authority
    trader = ledger.enrol("trader", roles=["trader"])
    site = ledger.site(holder=miner)
    (bag,) = ledger.produce(miner, "38.40", site=site)
    ledger.hand_over(miner, trader, [bag], [weighing("38.20", lots=[bag])])

Everything is made from names and counters, so two runs give the same bytes (but for ES256 signatures).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from traceability.core import canonical, events, fold, leaf, merkle
from traceability.core.checkpoint import Checkpoint
from traceability.core.ids import EventId, KeyId, LotId, PartyId, SiteId, commitment, derive, to_unpadded
from traceability.core.lot_records import Lot
from traceability.core.note import Signer, sign_note
from traceability.core.outcome import Appended, Entry, Outcome
from traceability.core.record import Address
from traceability.core.signing import Algorithm, Envelope, PublicKey, SigningKey, event_id
from traceability.core.state import AnyRecord, LogEntry, signed_by
from traceability.core.trust_policy import TrustPolicy

LOG = "ledger.example.org/car"
BEGIN = int(datetime(2026, 3, 2, 6, 0, tzinfo=UTC).timestamp())
POLICY = {"from": "2026-01-01", "bands": [], "thresholds": [], "refusals": [], "times": []}
COMMITMENT = "Qa8lfLmGL0i3_gZPckYFzDk26V5OjBEA9au_1hbMGcw"


class Actor(NamedTuple):
    """Somebody who signs: a party and one of its keys."""

    party: PartyId
    key: SigningKey


def key_of(name: str, algorithm: Algorithm = "Ed25519") -> SigningKey:
    """The key of that name; the same in every run."""
    return SigningKey.from_seed(b"memory ledger " + name.encode(), algorithm)


def nonce_of(name: str) -> str:
    return to_unpadded(hashlib.sha256(name.encode()).digest()[:16])


def new_key(key: SigningKey, party: PartyId, log: str = LOG) -> dict[str, Any]:
    proof = to_unpadded(key.prove_possession(log, party))
    return {"public_key": to_unpadded(key.public.spki), "proof": proof}


def previous_of(heads: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """`previous` out of (event, lot) pairs."""
    grouped: dict[str, list[str]] = {}
    for event, lot in heads:
        grouped.setdefault(event, []).append(lot)
    return [{"event": event, "lots": sorted(grouped[event])} for event in sorted(grouped)]


def seal(path: str, value: object) -> tuple[list[str], list[Any]]:
    """The line of `sealed` for a value, and the disclosure that opens it."""
    salt = nonce_of(f"salt {path}")
    return [path, commitment(salt, path, canonical.encode(value))], [salt, path, value]


def build(
    kind: str,
    key: SigningKey,
    party: PartyId,
    body: Mapping[str, Any],
    *,
    previous: Sequence[Mapping[str, Any]] = (),
    sealed: Sequence[Sequence[str]] = (),
    sequence: int = 0,
    event_time: str = "2026-03-02T06:00:00Z",
    log: str = LOG,
) -> dict[str, Any]:
    """An event as plain values, ready for `events.encode`."""
    return {
        "body": dict(body),
        "event_time": event_time,
        "key": key.id,
        "kind": kind,
        "log": log,
        "party": party,
        "previous": list(previous),
        "sealed": sorted(map(list, sealed)),
        "sequence": sequence,
        "version": 1,
    }


def weighing(value: str, *, unit: str = "KGM", basis: str = "measured", **more: Any) -> dict[str, Any]:
    return {"net": {"unit": unit, "value": value}, "basis": basis, **more}


def new_lot(nonce: str, value: str, **more: Any) -> dict[str, Any]:
    lot = {"nonce": nonce, "mineral": "cassiterite", "form": "concentrate", "weighing": weighing(value)}
    return {**lot, **more}


@lru_cache(maxsize=1000)
def _public_key(spki: bytes) -> PublicKey:
    return PublicKey(spki)


class MemoryState:
    """The records after some entries, in a dict. `asked` keeps every address that was looked up."""

    whole = True

    def __init__(self) -> None:
        self.records: dict[Address, AnyRecord] = {}
        self.entries: dict[EventId, LogEntry] = {}
        self.asked: set[Address] = set()

    def find(self, address: Address) -> AnyRecord | None:
        self.asked.add(address)
        return self.records.get(address)

    need = find

    def event(self, event_id: EventId) -> LogEntry | None:
        self.asked.add(("event", event_id))
        return self.entries.get(event_id)

    def signed_by(self, key: KeyId, after: int, count: int) -> list[LogEntry]:
        return signed_by(self.entries.values(), key, after)[:count]


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as the ledger keeps it, and what the fold answered."""

    index: int
    record_time: int
    envelope: Envelope
    event: events.Event
    event_id: EventId
    blind: bytes
    outcome: Appended

    leaf_hash: bytes

    @property
    def entry(self) -> bytes:
        return leaf.entry_bytes(self.envelope, self.record_time)


class MemoryLedger:
    """Takes signed events through the fold and keeps what it appends."""

    def __init__(
        self, log: str = LOG, *, quorum: int = 0, name: str = "", genesis: bool = True, demo: bool = False
    ) -> None:
        self.log = log
        self.name = name
        self.log_signer = Signer(log, hashlib.sha256(b"log key " + name.encode()).digest())
        self.state = MemoryState()
        self.entries: list[Kept] = []
        self.clock = BEGIN
        self._numbers: dict[str, int] = {}
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._made = 0
        self.operator = self._authority("operator", "operator")
        self.registrar = self._authority("registrar", "registrar")
        if genesis:
            self.append(self.operator, self.genesis(quorum=quorum, demo=demo))

    # Writing

    def judge(self, key: SigningKey | Actor, event: Mapping[str, Any]) -> Outcome:
        """Signs the event (what it leaves out is filled in), puts it through the fold, and keeps it if it may."""
        return self.take(self.sign(key, event))

    def append(self, key: SigningKey | Actor, event: Mapping[str, Any]) -> EventId:
        """The same, for an event that must be appended."""
        envelope = self.sign(key, event)
        outcome = self.take(envelope)
        assert isinstance(outcome, Appended), outcome
        return event_id(envelope.payload)

    def sign(self, key: SigningKey | Actor, event: Mapping[str, Any]) -> Envelope:
        """The signed envelope of an event given by kind and body, and whatever else shall not be filled in."""
        signing_key = key.key if isinstance(key, Actor) else key
        filled: dict[str, Any] = {
            "event_time": leaf.time_text(self.clock),
            "key": signing_key.id,
            "log": self.log,
            "previous": [],
            "sealed": [],
            "version": 1,
            **event,
        }
        if isinstance(key, Actor):
            filled.setdefault("party", key.party)
        if "sequence" not in filled:
            filled["sequence"] = self._numbers.get(signing_key.id, 0)
        self._numbers[signing_key.id] = max(self._numbers.get(signing_key.id, 0), filled["sequence"] + 1)
        return signing_key.sign_event(events.encode(filled))

    def take(self, envelope: Envelope, *, record_time: int | None = None) -> Outcome:
        """Puts a signed envelope through the fold; it is kept where the fold appends it."""
        event = events.read(envelope)
        index = len(self.entries)
        at = self.clock if record_time is None else record_time
        name = event_id(envelope.payload)
        spki = fold.signing_key(event)
        if spki is None:
            record = self.state.records.get(("key", event.key))
            spki = getattr(record, "public_key", None)
        if spki is not None:
            envelope.verify(_public_key(spki))
        self.state.asked.clear()
        outcome = fold.apply(Entry(index, at, name, event, self.seen_time(event)), self.state)
        if isinstance(outcome, Appended):
            self.keep(envelope, event, outcome, at)
        return outcome

    def seen_time(self, event: events.Event) -> int | None:
        """Record time of the newest entry the event's signer had seen."""
        if event.seen is None or not 0 < event.seen.size <= len(self.entries):
            return None
        return self.entries[event.seen.size - 1].record_time

    def keep(self, envelope: Envelope, event: events.Event, outcome: Appended, record_time: int) -> None:
        """Appends what the fold has answered; also what it never would, for a ledger that cheats."""
        index = len(self.entries)
        name = event_id(envelope.payload)
        blind = hashlib.sha256(f"{self.name} blind {index}".encode()).digest()
        self.state.records.update(outcome.changes)
        self.state.entries[name] = LogEntry(index, record_time, name, event, outcome.stands)
        hashed = leaf.leaf_hash(blind, leaf.entry_bytes(envelope, record_time))
        self.entries.append(Kept(index, record_time, envelope, event, name, blind, outcome, hashed))
        self.clock = max(self.clock, record_time) + 60

    # The tree

    def read_nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        """A merkle.NodeReader over the entries."""
        return [self._node(level, index) for level, index in coordinates]

    def _node(self, level: int, index: int) -> bytes:
        if level == 0:
            return self.entries[index].leaf_hash
        if (level, index) not in self._nodes:
            below = (self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))
            self._nodes[level, index] = merkle.node_hash(*below)
        return self._nodes[level, index]

    def checkpoint(self, size: int | None = None) -> bytes:
        """The signed note over the first `size` entries (default: all)."""
        size = len(self.entries) if size is None else size
        root = merkle.tree_root(size, self.read_nodes)
        return sign_note(Checkpoint(self.log_signer.verifier.name, size, root).encode(), [self.log_signer])

    def policy(self) -> TrustPolicy:
        """The trust policy that believes this log on its own word."""
        return TrustPolicy.without_witnesses([self.log_signer.verifier])

    # Making things

    def nonce(self) -> str:
        """A nonce nobody has used."""
        self._made += 1
        return nonce_of(f"{self.name} nonce {self._made}")

    def genesis(
        self, *, quorum: int = 0, authorities: Sequence[Mapping[str, Any]] = (), demo: bool = False
    ) -> dict[str, Any]:
        """The first event: the operator, and one authority that holds every role of authority but his."""
        roles = ["registrar", "inspectorate", "tag_issuer", "certifier", "regulator"]
        registrar = {
            "party": self.registrar.party,
            "nonce": nonce_of("registrar"),
            "name": "Direction des mines",
            "country": "CF",
            "roles": roles,
            "keys": [new_key(self.registrar.key, self.registrar.party, self.log)],
        }
        return {
            "kind": "genesis",
            "body": {
                "name": "Registre des minerais",
                "nonce": nonce_of("operator"),
                "operator_name": "Bureau du registre",
                "keys": [new_key(self.operator.key, self.operator.party, self.log)],
                "authorities": [registrar, *authorities],
                "quorum": quorum,
                "countries": ["CF"],
                "log_keys": [self.log_signer.verifier.encode()],
                "policy": POLICY,
                **({"demo": True} if demo else {}),
            },
        }

    def authority(self, name: str, roles: Sequence[str]) -> tuple[Actor, dict[str, Any]]:
        """A further authority and its line for `genesis`."""
        actor = self._authority(name, name)
        keys = [new_key(actor.key, actor.party, self.log)]
        line = {"party": actor.party, "nonce": nonce_of(name), "name": name, "country": "CF", "roles": roles}
        return actor, {**line, "keys": keys}

    def _authority(self, name: str, nonce: str) -> Actor:
        return Actor(PartyId(derive("party", key_of("operator").id, nonce_of(nonce))), key_of(name))

    def enrol(
        self,
        name: str,
        roles: Sequence[str] = (),
        *,
        by: Actor | None = None,
        algorithm: Algorithm = "Ed25519",
        **more: Any,
    ) -> Actor:
        """Enrols a party with one key."""
        by = by or self.registrar
        nonce = self.nonce()
        party = PartyId(derive("party", by.key.id, nonce))
        key = key_of(name, algorithm)
        body = {
            "party": party,
            "type": "company",
            "roles": list(roles),
            "country": "CF",
            "from": "2026-01-05",
            "nonce": nonce,
            "keys": [new_key(key, party, self.log)],
            **more,
        }
        self.append(by, {"kind": "enrolment", "sealed": [["/entity", COMMITMENT]], "body": body})
        return Actor(party, key)

    def site(self, holder: Actor, *, by: Actor | None = None, **more: Any) -> SiteId:
        """Registers a site."""
        by = by or self.registrar
        nonce = self.nonce()
        site = SiteId(derive("site", by.key.id, nonce))
        body = {
            "site": site,
            "nonce": nonce,
            "type": "site",
            "name": "Ngotto",
            "country": "CF",
            "region": "CF-LB",
            "minerals": ["cassiterite"],
            "mining_method": "artisanal",
            "activity": "active",
            "holder": holder.party,
            "from": "2026-01-10",
            **more,
        }
        self.append(by, {"kind": "site_registration", "sealed": [["/position", COMMITMENT]], "body": body})
        return site

    def produce(
        self,
        actor: Actor,
        *values: str,
        site: SiteId | None = None,
        each: Sequence[Mapping[str, Any]] = (),
        **more: Any,
    ) -> list[LotId]:
        """One lot for each mass in kilograms; `each` adds fields to single lots, `more` to the body."""
        nonces = [self.nonce() for _ in values]
        extra = [*each, *({} for _ in values[len(each) :])]
        lots = [new_lot(n, value, **dict(e)) for n, value, e in zip(nonces, values, extra, strict=True)]
        body: dict[str, Any] = {"region": "CF-LB", "source": "device", "lots": lots, **more}
        if site is not None:
            body["site"] = site
        self.append(actor, {"kind": "production", "body": body})
        return [LotId(derive("lot", actor.key.id, n)) for n in nonces]

    def lot(self, lot: LotId) -> Lot:
        """The lot as it stands."""
        found = self.state.records["lot", lot]
        assert isinstance(found, Lot)
        return found

    def heads(self, lots: Iterable[LotId], *, title: bool = False) -> list[dict[str, Any]]:
        """`previous` for these lots on the heads they stand on."""
        found = [self.lot(lot) for lot in lots]
        return previous_of((lot.title_head if title else lot.custody_head, lot.id) for lot in found)

    def offer(self, giver: Actor, recipient: Actor, lots: Sequence[LotId], **more: Any) -> EventId:
        """A transfer of lots from where they stand; `more` goes into the body."""
        body = {
            "region": "CF-LB",
            "source": "device",
            "recipient": recipient.party,
            "moves": "both",
            "purpose": "sale",
            "accept_by": "2026-03-28",
            **more,
        }
        title = body["moves"] == "title"
        event = {"kind": "transfer", "body": body, "previous": self.heads(lots, title=title)}
        return self.append(giver, event)

    def accept(self, recipient: Actor, lots: Sequence[LotId], **more: Any) -> EventId:
        """The acceptance of what is offered to `recipient`."""
        body = {"region": "CF-LB", "source": "device", **more}
        return self.append(recipient, {"kind": "acceptance", "body": body, "previous": self.heads(lots)})

    def hand_over(
        self,
        giver: Actor,
        recipient: Actor,
        lots: Sequence[LotId],
        weighings: Sequence[Mapping[str, Any]] = (),
    ) -> EventId:
        """Transfer and acceptance; each weighing is the recipient's."""
        self.offer(giver, recipient, lots)
        return self.accept(recipient, lots, **({"weighings": list(weighings)} if weighings else {}))

    def transform(
        self, actor: Actor, inputs: Sequence[LotId], outputs: Sequence[str], **more: Any
    ) -> list[LotId]:
        """Combines, splits or processes lots; the outputs are masses in kilograms."""
        nonces = [self.nonce() for _ in outputs]
        body = {
            "source": "device",
            "type": "combination",
            "outputs": [new_lot(n, value) for n, value in zip(nonces, outputs, strict=True)],
            "share_by": "mass",
            **more,
        }
        self.append(actor, {"kind": "transformation", "body": body, "previous": self.heads(inputs)})
        return [LotId(derive("lot", actor.key.id, n)) for n in nonces]
