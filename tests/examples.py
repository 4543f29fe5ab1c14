"""One believable example of every kind of event, as plain values, with keys anybody can make again.

The vectors in tests/vectors/events are these, signed off once; tests compare them byte by byte.
"""

from typing import Any

from traceability.core import canonical
from traceability.core.ids import KeyId, derive, to_unpadded
from traceability.core.note import Signer
from traceability.core.signing import SigningKey

LOG = "ledger.example.org/car"
OPERATOR = SigningKey.from_seed(b"example operator", "Ed25519")
REGISTRAR = SigningKey.from_seed(b"example registrar", "Ed25519")
TRADER = SigningKey.from_seed(b"example trader")
LOG_SIGNER = Signer(LOG, bytes(range(32)))
NEXT_LOG_SIGNER = Signer(LOG, bytes(range(32, 64)))


def nonce(number: int) -> str:
    return to_unpadded(bytes([number]) * 16)


def made(kind: Any, key: SigningKey, number: int) -> str:
    return derive(kind, key.id, nonce(number))


OPERATOR_PARTY = made("party", OPERATOR, 1)
AUTHORITY = made("party", OPERATOR, 2)
TRADER_PARTY = made("party", REGISTRAR, 3)
MINER_PARTY = made("party", REGISTRAR, 4)
SITE = made("site", REGISTRAR, 5)
ROLL = made("roll", REGISTRAR, 6)
LOT = made("lot", TRADER, 7)
OTHER_LOT = made("lot", TRADER, 8)
EVENT = "1a9e9991d88cb68690f63daebe5974643785677f61fea7603790695bae1f0e06"
OTHER_EVENT = "2a9e9991d88cb68690f63daebe5974643785677f61fea7603790695bae1f0e06"
COMMITMENT = "Qa8lfLmGL0i3_gZPckYFzDk26V5OjBEA9au_1hbMGcw"


def new_key(key: SigningKey, party: str) -> dict[str, Any]:
    # Ed25519 signatures are deterministic, so that the vectors stay the same.
    proof = to_unpadded(key.prove_possession(LOG, party))  # type: ignore[arg-type]
    return {"public_key": to_unpadded(key.public.spki), "proof": proof}


def kilograms(value: str, **more: Any) -> dict[str, Any]:
    return {"basis": "measured", "net": {"unit": "KGM", "value": value}, **more}


def new_lot(number: int, value: str, **more: Any) -> dict[str, Any]:
    return {
        "nonce": nonce(number),
        "mineral": "cassiterite",
        "form": "concentrate",
        "weighing": kilograms(value),
        **more,
    }


PREVIOUS = [{"event": EVENT, "lots": [LOT]}]
POLICY = {"from": "2026-01-01", "bands": [], "thresholds": [], "refusals": [], "times": []}

EXAMPLES: dict[str, dict[str, Any]] = {
    "genesis": {
        "key": OPERATOR,
        "party": OPERATOR_PARTY,
        "body": {
            "name": "Registre des minerais",
            "nonce": nonce(1),
            "operator_name": "Bureau du registre",
            "keys": [new_key(OPERATOR, OPERATOR_PARTY)],
            "authorities": [
                {
                    "party": AUTHORITY,
                    "nonce": nonce(2),
                    "name": "Direction des mines",
                    "country": "CF",
                    "roles": ["registrar", "inspectorate", "tag_issuer"],
                    "keys": [new_key(REGISTRAR, AUTHORITY)],
                }
            ],
            "quorum": 0,
            "countries": ["CF"],
            "log_keys": [LOG_SIGNER.verifier.encode()],
            "policy": POLICY,
        },
    },
    "enrolment": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "sealed": [["/entity", COMMITMENT]],
        "body": {
            "party": TRADER_PARTY,
            "type": "company",
            "roles": ["trader"],
            "country": "CF",
            "region": "CF-HS",
            "from": "2026-01-05",
            "nonce": nonce(3),
            "keys": [new_key(SigningKey.from_seed(b"example office", "Ed25519"), TRADER_PARTY)],
        },
    },
    "role_change": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {"party": TRADER_PARTY, "add": ["exporter"], "from": "2026-02-01"},
    },
    "key_addition": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {
            "party": TRADER_PARTY,
            "key": new_key(SigningKey.from_seed(b"example second", "Ed25519"), TRADER_PARTY),
            "reason": "second_device",
        },
    },
    "key_revocation": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {"key": TRADER.id, "reason": "lost", "trusted_sequence": 41},
    },
    "delegation": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {
            "agent": AUTHORITY,
            "principal": MINER_PARTY,
            "kinds": ["production", "transfer"],
            "from": "2026-01-01",
            "until": "2026-12-31",
        },
    },
    "delegation_end": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {"delegation": EVENT, "from": "2026-06-01", "reason": "mission terminée"},
    },
    "approval": {
        "key": OPERATOR,
        "party": OPERATOR_PARTY,
        "body": {"event": EVENT, "decision": "approved"},
    },
    "site_registration": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "sealed": [["/position", COMMITMENT]],
        "body": {
            "site": SITE,
            "nonce": nonce(5),
            "type": "site",
            "name": "Ngotto-Lobaye",
            "country": "CF",
            "region": "CF-LB",
            "minerals": ["diamond", "gold"],
            "mining_method": "artisanal",
            "activity": "active",
            "holder": MINER_PARTY,
            "from": "2026-01-10",
        },
    },
    "tag_issue": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "sealed": [["/codes", COMMITMENT]],
        "body": {
            "roll": ROLL,
            "nonce": nonce(6),
            "scheme": "t",
            "level": "mine",
            "medium": "qr",
            "count": 500,
        },
    },
    "tag_allocation": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {"roll": ROLL, "first": 201, "last": 300, "to_site": SITE, "to_party": AUTHORITY},
    },
    "production": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "sealed": [["/lots/0/price", COMMITMENT]],
        "body": {
            "region": "RW-04",
            "source": "device",
            "site": SITE,
            "producer": MINER_PARTY,
            "lots": [new_lot(7, "38.40", tags=["itsci:0148217"]), new_lot(8, "41.00")],
        },
    },
    "intake": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "body": {
            "region": "RW-04",
            "source": "device",
            "origin": "earlier_stock",
            "countries": ["RW", "0"],
            "stock_date": "2026-01-01",
            "lots": [new_lot(9, "1250")],
        },
    },
    "transfer": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "previous": PREVIOUS,
        "sealed": [["/prices", COMMITMENT]],
        "body": {
            "region": "RW-04",
            "source": "device",
            "recipient": MINER_PARTY,
            "moves": "both",
            "purpose": "sale",
            "accept_by": "2026-03-28",
            "weighings": [
                kilograms(
                    "38.40",
                    lots=[LOT],
                    gross={"unit": "KGM", "value": "38.75"},
                    tare={"unit": "GRM", "value": "350"},
                )
            ],
        },
    },
    "acceptance": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "previous": PREVIOUS,
        "body": {
            "region": "RW-04",
            "source": "paper",
            "captured_time": "2026-03-16T08:00:00Z",
            "document": "carnet 12, p. 4",
            "weighings": [kilograms("38.20", lots=[LOT])],
            "conditions": [{"lots": [LOT], "seal": "broken"}],
        },
    },
    "refusal": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "previous": PREVIOUS,
        "body": {"source": "device", "reason": "weight"},
    },
    "withdrawal": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "previous": PREVIOUS,
        "body": {"source": "device", "reason": "never_came"},
    },
    "reassignment": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {
            "source": "device",
            "lots": [LOT, OTHER_LOT],
            "ground": "seizure",
            "to": AUTHORITY,
            "moves": "custody",
            "legal_basis": "art. 12",
            "report_number": "2026/071",
        },
    },
    "transformation": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "previous": PREVIOUS,
        "body": {
            "source": "device",
            "type": "processing",
            "steps": ["wash", "jig"],
            "weighings": [kilograms("38.20", lots=[LOT])],
            "outputs": [new_lot(10, "30.00"), new_lot(11, "6.20", form="tailings")],
            "losses": [{"type": "spillage", "mass": {"unit": "KGM", "value": "2"}}],
            "share_by": "mass",
        },
    },
    "retagging": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "body": {
            "source": "device",
            "lot": LOT,
            "tags_off": [{"tag": "itsci:0148217", "fate": "destroyed"}],
            "tags_on": [f"t:{ROLL}-17"],
            "reason": "burst",
        },
    },
    "inspection": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "body": {
            "source": "device",
            "type": "assay",
            "lots": [LOT],
            "sample": {"number": "L-88", "mass": {"unit": "KGM", "value": "0.200"}},
            "assays": [{"lots": [LOT], "analyte": "sn", "ppm": 684000, "on": "dry", "method": "icp"}],
        },
    },
    "export": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "previous": PREVIOUS,
        "sealed": [["/importer", COMMITMENT]],
        "body": {
            "region": "RW-01",
            "source": "device",
            "destination": "MY",
            "route": ["RW", "TZ", "MY"],
            "weighings": [kilograms("38.10", lots=[LOT])],
            "shipped": "2026-04-20",
        },
    },
    "import": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "previous": PREVIOUS,
        "body": {
            "region": "MY-07",
            "source": "device",
            "reported_by": "exporter",
            "received": "2026-06-02",
            "moistures": [{"lots": [LOT], "ppm": 9000}],
        },
    },
    "closure": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "previous": PREVIOUS,
        "body": {"source": "device", "reason": "stolen"},
    },
    "correction": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "body": {
            "event": EVENT,
            "reason": "incorrect_data",
            "fields": [{"path": "/lots/0/tags/0", "is": "itsci:0148232"}],
        },
    },
    "site_inspection": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "sealed": [["/inspector", COMMITMENT]],
        "body": {
            "site": SITE,
            "number": "JMN-2026/014",
            "date": "2026-03-12",
            "status": "green",
            "status_from": "2026-03-12",
            "status_until": "2027-03-11",
            "purpose": "visite annuelle",
            "result": "Accès contrôlé, registres tenus.\nPas d’enfants sur le site.",
            "criteria": [{"code": "no_child_labour", "met": True}],
            "agency": "Direction des mines",
        },
    },
    "capacity_estimate": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {
            "site": SITE,
            "mineral": "cassiterite",
            "form": "concentrate",
            "mass_per_day": {"unit": "KGM", "value": "120"},
            "workers": 45,
            "days_per_month": 24,
            "from": "2026-01-10",
            "method": "45 creuseurs à 2.7 kg par jour",
        },
    },
    "licence_grant": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {
            "party": TRADER_PARTY,
            "type": "trader",
            "number": "AC-2026-0117",
            "authority": "Direction des mines",
            "minerals": ["cassiterite"],
            "regions": ["CF-HS"],
            "granted": "2026-01-15",
            "expires": "2026-12-31",
            "quota": {
                "mass": {"unit": "TNE", "value": "40"},
                "mineral": "cassiterite",
                "from": "2026-01-15",
                "until": "2026-12-31",
            },
        },
    },
    "licence_revocation": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {"licence": EVENT, "from": "2026-03-01", "reason": "achats hors zone"},
    },
    "tag_void": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {"tags": ["itsci:0148219", f"t:{ROLL}-18"], "reason": "lost", "noticed": "2026-03-13"},
    },
    "zone": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {
            "name": "Zone verte de Berbérati",
            "type": "compliant",
            "regions": ["CF-HS"],
            "minerals": ["diamond"],
            "from": "2026-01-01",
            "source_text": "décision administrative 2026-03",
        },
    },
    "reference": {
        "key": OPERATOR,
        "party": OPERATOR_PARTY,
        "body": {
            "type": "price",
            "mineral": "cassiterite",
            "currency": "USD",
            "unit": "TNE",
            "value": "31450",
            "from": "2026-03-01",
            "until": "2026-03-31",
            "source_text": "moyenne mensuelle, bourse de Londres",
        },
    },
    "certificate": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "sealed": [
            ["/importer", COMMITMENT],
            ["/validator", COMMITMENT],
            ["/value", COMMITMENT],
            ["/verifier", COMMITMENT],
        ],
        "body": {
            "source": "device",
            "scheme": "icglr",
            "country": "CF",
            "number": "CF 000417",
            "authority": "Direction des mines",
            "export_number": "EXP-2026-09",
            "lots": [LOT, OTHER_LOT],
            "exporter": TRADER_PARTY,
            "mineral": "cassiterite",
            "hs": "2609.00.00",
            "mass": {"unit": "KGM", "value": "79.100"},
            "grade": "68.4 % Sn",
            "origins": ["CF"],
            "route": ["CF", "CM", "MY"],
            "shipment": "2026-04-20",
            "verified": "2026-04-09",
            "issued": "2026-04-10",
            "expires": "2026-07-09",
            "file": {
                "sha256": EVENT,
                "media_type": "application/pdf",
                "bytes": 48123,
                "shows": "certificate",
            },
        },
    },
    "certificate_use": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {
            "source": "device",
            "certificate": EVENT,
            "act": "use",
            "export": OTHER_EVENT,
            "mass": {"unit": "KGM", "value": "79.100"},
            "date": "2026-04-20",
        },
    },
    "payment": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "sealed": [["/amount", COMMITMENT]],
        "body": {
            "source": "device",
            "lots": [LOT],
            "to": "state",
            "of": "royalty",
            "direction": "paid",
            "date": "2026-04-02",
            "authority": "Trésor public",
            "receipt_number": "22/118",
            "method": "cash",
        },
    },
    "incident": {
        "key": OPERATOR,
        "party": OPERATOR_PARTY,
        "sealed": [["/account", COMMITMENT]],
        "body": {
            "source": "message",
            "captured_time": "2026-03-14T09:00:00Z",
            "categories": ["illegal_tax", "security_force"],
            "level": 1,
            "subjects": [
                {"type": "site", "id": SITE},
                {"type": "lot", "id": LOT},
                {"type": "route", "id": "CF-HS;CF-BGF"},
            ],
            "happened_from": "2026-03-11",
            "reporter": "anonymous",
        },
    },
    "response": {
        "key": TRADER,
        "party": TRADER_PARTY,
        "sealed": [["/statement", COMMITMENT]],
        "body": {
            "source": "device",
            "about": {"rule": "mass_gained", "version": 1, "lot": LOT, "events": [EVENT]},
            "act": "action_planned",
            "due": "2026-04-01",
            "public_text": "balance à contrôler",
        },
    },
    "hold": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {
            "source": "device",
            "subjects": [{"type": "lot", "id": LOT}, {"type": "region", "id": "CF-HS"}],
            "ground": "investigation",
            "legal_basis": "art. 145",
            "until": "2026-06-30",
            "incident": EVENT,
        },
    },
    "release": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {"source": "device", "hold": EVENT, "reason": "enquête close"},
    },
    "finding": {
        "key": OPERATOR,
        "party": OPERATOR_PARTY,
        "body": {
            "source": "device",
            "rule": "price_far_from_reference",
            "version": 1,
            "subjects": [{"type": "lot", "id": LOT}],
            "events": [EVENT],
            "severity": "warning",
            "figures": [{"name": "ratio_ppm", "value": "412000"}],
            "inputs_digest": OTHER_EVENT,
        },
    },
    "redaction": {
        "key": OPERATOR,
        "party": OPERATOR_PARTY,
        "body": {"event": EVENT, "paths": ["/entity"], "ground": "request", "asked": "2026-03-10"},
    },
    "policy": {
        "key": OPERATOR,
        "party": OPERATOR_PARTY,
        "body": {
            **POLICY,
            "from": "2026-04-01",
            "country": "CF",
            "bands": [
                {"rule": "mass_gained", "mineral": "gold", "step": "handoff", "name": "warn", "value": 500}
            ],
        },
    },
    "audit": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {
            "act": "plan",
            "scope": [{"type": "party", "id": TRADER_PARTY}, {"type": "site", "id": SITE}],
            "from": "2026-01-01",
            "until": "2026-03-31",
            "seed": "tirage du 14 mars",
            "population": {"size": 412, "digest": EVENT},
            "method": "Tirage de 20 lots.",
        },
    },
    "log_key": {
        "key": OPERATOR,
        "party": OPERATOR_PARTY,
        "body": {"add": NEXT_LOG_SIGNER.verifier.encode(), "reason": "rotation annuelle"},
    },
    "snapshot": {
        "key": OPERATOR,
        "party": OPERATOR_PARTY,
        "body": {"size": 41207, "book": EVENT},
    },
    "attestation": {
        "key": REGISTRAR,
        "party": AUTHORITY,
        "body": {
            "size": 41207,
            "root": OTHER_EVENT,
            "book": EVENT,
            "findings": OTHER_EVENT,
            "program": "traceability 0.1",
        },
    },
}


def payload(kind: str) -> dict[str, Any]:
    """The whole example event of a kind, as plain values."""
    example = EXAMPLES[kind]
    key: SigningKey = example["key"]
    return {
        "body": example["body"],
        "event_time": "2026-03-14T10:10:00Z",
        "key": KeyId(key.id),
        "kind": kind,
        "log": LOG,
        "party": example["party"],
        "previous": example.get("previous", []),
        "sealed": example.get("sealed", []),
        "sequence": 3,
        "version": 1,
    }


def encoded(kind: str) -> bytes:
    return canonical.encode(payload(kind))
