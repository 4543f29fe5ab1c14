"""People who trade, for tests: each has a pen that signs and numbers events for a ledger."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from traceability.core import canonical, events
from traceability.core.ids import PartyId, commitment, derive, to_unpadded
from traceability.core.note import Signer
from traceability.core.signing import Algorithm, Envelope, SigningKey, event_id

LOG = "ledger.example.org/test"
LOG_SIGNER = Signer(LOG, bytes(32))
MARCH = "2026-03-14T10:10:00Z"


class Signed:
    """A signed event, with what it made."""

    def __init__(self, envelope: Envelope, disclosures: list[tuple[str, str, Any]]) -> None:
        self.envelope = envelope
        self.event = events.read(envelope)
        self.id = event_id(envelope.payload)
        self.lots = list(self.event.made)
        self.disclosures = disclosures


class Pen:
    """One key of one party. Numbers its events from 0; `number` may be given to misuse it."""

    def __init__(self, seed: str, party: str = "", algorithm: Algorithm = "ES256") -> None:
        self.key = SigningKey.from_seed(seed.encode(), algorithm)
        self.party = PartyId(party)
        self.next = 0

    def sign(
        self,
        kind: str,
        body: Mapping[str, Any],
        previous: Iterable[tuple[str, str]] = (),
        *,
        sealed: Mapping[str, Any] | None = None,
        time: str = MARCH,
        number: int | None = None,
        log: str = LOG,
        **more: Any,
    ) -> Signed:
        """Signs one event; `previous` is (event, lot) pairs, `sealed` values by path."""
        groups: dict[str, list[str]] = {}
        for event, lot in previous:
            groups.setdefault(event, []).append(lot)
        salts = {path: to_unpadded(secrets.token_bytes(16)) for path in sealed or {}}
        disclosures = [(salts[path], path, value) for path, value in sorted((sealed or {}).items())]
        value = {
            "body": dict(body),
            "event_time": time,
            "key": self.key.id,
            "kind": kind,
            "log": log,
            "party": self.party,
            "previous": [{"event": e, "lots": sorted(lots)} for e, lots in sorted(groups.items())],
            "sealed": [[path, commitment(salt, path, canonical.encode(v))] for salt, path, v in disclosures],
            "sequence": self.next if number is None else number,
            "version": 1,
            **more,
        }
        if number is None:
            self.next += 1
        return Signed(self.key.sign_event(events.encode(value)), disclosures)

    def new_key(self, party: str) -> dict[str, str]:
        """This pen's key as it is named when it joins `party`."""
        proof = self.key.prove_possession(LOG, PartyId(party))
        return {"public_key": to_unpadded(self.key.public.spki), "proof": to_unpadded(proof)}


def nonce() -> str:
    return to_unpadded(secrets.token_bytes(16))


def kilograms(value: str, lots: Sequence[str] | None = None, basis: str = "measured") -> dict[str, Any]:
    named = {"lots": sorted(lots)} if lots is not None else {}
    return {"basis": basis, "net": {"unit": "KGM", "value": value}, **named}


def bag(value: str, **more: Any) -> dict[str, Any]:
    return {
        "nonce": nonce(),
        "mineral": "cassiterite",
        "form": "concentrate",
        "weighing": kilograms(value),
        **more,
    }


ENTITY = {"name": "Société X", "legal_address": {"country": "RW", "locality": "Kigali"}}
POLICY = {"from": "2026-01-01", "bands": [], "thresholds": [], "refusals": [], "times": []}


class Office:
    """The operator and one authority with every role, and the genesis they begin with."""

    def __init__(self, *, quorum: int = 0, demo: bool = False) -> None:
        self.operator = Pen("operator", algorithm="Ed25519")
        own = nonce()
        self.operator.party = PartyId(derive("party", self.operator.key.id, own))
        self.registrar = Pen("registrar", algorithm="Ed25519")
        theirs = nonce()
        self.registrar.party = PartyId(derive("party", self.operator.key.id, theirs))
        self.genesis = self.operator.sign(
            "genesis",
            {
                "name": "Registre d'essai",
                "nonce": own,
                "operator_name": "Bureau",
                "keys": [self.operator.new_key(self.operator.party)],
                "authorities": [
                    {
                        "party": self.registrar.party,
                        "nonce": theirs,
                        "name": "Direction des mines",
                        "country": "RW",
                        "roles": ["registrar", "inspectorate", "tag_issuer", "regulator", "certifier"],
                        "keys": [self.registrar.new_key(self.registrar.party)],
                    }
                ],
                "quorum": quorum,
                "countries": ["RW"],
                "log_keys": [LOG_SIGNER.verifier.encode()],
                "policy": POLICY,
                **({"demo": True} if demo else {}),
            },
        )

    def enrol(self, pen: Pen, *roles: str, type: str = "company", **more: Any) -> Signed:  # noqa: A002
        """The enrolment of a new party with this pen as its key; the pen then writes for it."""
        fresh = nonce()
        pen.party = PartyId(derive("party", self.registrar.key.id, fresh))
        body = {
            "party": pen.party,
            "type": type,
            "roles": list(roles),
            "country": "RW",
            "from": "2026-01-01",
            "nonce": fresh,
            "keys": [pen.new_key(pen.party)],
            **more,
        }
        return self.registrar.sign("enrolment", body, sealed={"/entity": ENTITY})


def produce(pen: Pen, *masses: str, **more: Any) -> Signed:
    body = {"region": "RW-04", "source": "device", "lots": [bag(mass) for mass in masses], **more}
    return pen.sign("production", body)


def offer(
    pen: Pen, recipient: str, previous: Iterable[tuple[str, str]], moves: str = "both", **more: Any
) -> Signed:
    body = {
        "region": "RW-04",
        "source": "device",
        "recipient": recipient,
        "moves": moves,
        "purpose": "sale",
        "accept_by": "2026-03-28",
        **more,
    }
    return pen.sign("transfer", body, previous)


def accept(pen: Pen, previous: Iterable[tuple[str, str]], **more: Any) -> Signed:
    return pen.sign("acceptance", {"region": "RW-04", "source": "device", **more}, previous)
