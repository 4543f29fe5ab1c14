"""Events that move nothing, as kind and body: what is said of the ground, of papers and money, and of what is wrong.

`more` sets or adds fields of the body; `...` takes one out.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from memory import COMMITMENT, POLICY
from traceability.core.note import Signer

DIGEST = "ab" * 32
FILE = {"sha256": DIGEST, "media_type": "application/pdf", "bytes": 48123, "shows": "certificate"}


def _event(kind: str, body: dict[str, Any], more: dict[str, Any], *sealed: str) -> dict[str, Any]:
    whole = {name: value for name, value in {**body, **more}.items() if value is not ...}
    return {"kind": kind, "body": whole, "sealed": [[path, COMMITMENT] for path in sealed]}


def about(*subjects: tuple[str, str]) -> list[dict[str, str]]:
    """Subjects as events name them."""
    return [{"type": kind, "id": id_} for kind, id_ in subjects]


def site_inspection(site: str, status: str = "green", **more: Any) -> dict[str, Any]:
    body = {
        "site": site,
        "number": "JMN-2026/014",
        "date": "2026-03-01",
        "status": status,
        "status_from": "2026-03-01",
        "agency": "Direction des mines",
    }
    return _event("site_inspection", body, more, "/inspector")


def capacity(site: str, per_day: str = "120", **more: Any) -> dict[str, Any]:
    body = {
        "site": site,
        "mineral": "cassiterite",
        "form": "concentrate",
        "mass_per_day": {"unit": "KGM", "value": per_day},
        "from": "2026-01-10",
        "method": "comptage des équipes",
    }
    return _event("capacity_estimate", body, more)


def licence(party: str, type_: str = "trader", **more: Any) -> dict[str, Any]:
    body = {
        "party": party,
        "type": type_,
        "number": "AC-2026-0117",
        "authority": "Direction des mines",
        "minerals": ["cassiterite"],
        "granted": "2026-01-15",
        "expires": "2026-12-31",
    }
    return _event("licence_grant", body, more)


def licence_end(licence: str, **more: Any) -> dict[str, Any]:
    return _event("licence_revocation", {"licence": licence, "from": "2026-03-01"}, more)


def tag_void(*tags: str, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"reason": "lost", **({"tags": list(tags)} if tags else {})}
    return _event("tag_void", body, more)


def zone(*regions: str, type_: str = "conflict_affected", **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": "Zone de la Lobaye",
        "type": type_,
        "from": "2026-01-01",
        "source_text": "décision administrative 2026-03",
    }
    return _event("zone", {**body, **({"regions": list(regions)} if regions else {})}, more)


def reference(value: str = "31450", **more: Any) -> dict[str, Any]:
    body = {
        "type": "price",
        "mineral": "cassiterite",
        "currency": "USD",
        "unit": "TNE",
        "value": value,
        "from": "2026-03-01",
        "until": "2026-03-31",
        "source_text": "moyenne mensuelle",
    }
    return _event("reference", body, more)


def certificate(lots: Sequence[str], exporter: str, mass: str = "38.400", **more: Any) -> dict[str, Any]:
    body = {
        "source": "device",
        "scheme": "icglr",
        "country": "CF",
        "number": "CF 000417",
        "authority": "Direction des mines",
        "export_number": "EXP-2026-09",
        "lots": list(lots),
        "exporter": exporter,
        "mineral": "cassiterite",
        "hs": "2609.00.00",
        "mass": {"unit": "KGM", "value": mass},
        "grade": "68.4 % Sn",
        "origins": ["CF"],
        "shipment": "2026-03-20",
        "verified": "2026-03-01",
        "issued": "2026-03-02",
        "expires": "2026-05-31",
        "file": FILE,
    }
    sealed = ("/validator", "/value", "/verifier")
    importer = () if "importer" in more else ("/importer",)
    return _event("certificate", body, more, *importer, *sealed)


def use(certificate: str, act: str = "use", **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"source": "device", "certificate": certificate, "act": act, "date": "2026-03-20"}
    if act == "use":
        body["mass"] = {"unit": "KGM", "value": "38.400"}
    return _event("certificate_use", body, more)


def payment(lots: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "source": "device",
        "to": "state",
        "of": "royalty",
        "direction": "paid",
        "date": "2026-03-02",
    }
    return _event("payment", {**body, **({"lots": list(lots)} if lots else {})}, more, "/amount")


def incident(*subjects: tuple[str, str], **more: Any) -> dict[str, Any]:
    body = {
        "source": "message",
        "captured_time": "2026-03-02T06:00:00Z",
        "categories": ["illegal_tax"],
        "subjects": about(*subjects),
        "happened_from": "2026-03-01",
        "reporter": "named",
    }
    return _event("incident", body, more)


def response(incident: str = "", act: str = "explanation", **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"source": "device", "act": act}
    return _event("response", {**body, **({"about": {"incident": incident}} if incident else {})}, more)


def answer(lot: str, rule: str, *events: str, **more: Any) -> dict[str, Any]:
    """A response to a finding."""
    return response(about={"rule": rule, "version": 1, "lot": lot, "events": list(events)}, **more)


def hold(*subjects: tuple[str, str], **more: Any) -> dict[str, Any]:
    body = {"source": "device", "subjects": about(*subjects), "ground": "investigation"}
    return _event("hold", body, more)


def release(hold: str, **more: Any) -> dict[str, Any]:
    return _event("release", {"source": "device", "hold": hold}, more)


def finding(rule: str, *events: str, subjects: Sequence[tuple[str, str]], **more: Any) -> dict[str, Any]:
    body = {
        "source": "device",
        "rule": rule,
        "version": 1,
        "subjects": about(*subjects),
        "events": list(events),
        "severity": "warning",
        "figures": [{"name": "ratio_ppm", "value": "412000"}],
        "inputs_digest": DIGEST,
    }
    return _event("finding", body, more)


def redaction(event: str, *paths: str, **more: Any) -> dict[str, Any]:
    return _event("redaction", {"event": event, "paths": list(paths), "ground": "request"}, more)


def policy(**more: Any) -> dict[str, Any]:
    lists: dict[str, Any] = {"bands": [], "thresholds": [], "refusals": [], "times": []}
    return _event("policy", {"from": "2026-03-01", **lists}, more)


def audit(*subjects: tuple[str, str], **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "act": "plan",
        "scope": about(*subjects),
        "from": "2026-01-01",
        "until": "2026-03-31",
        "seed": "tirage du 2 mars",
        "population": {"size": 412, "digest": DIGEST},
    }
    return _event("audit", body, more)


def audit_result(sample: Sequence[str], *subjects: tuple[str, str], **more: Any) -> dict[str, Any]:
    result = {"act": "result", "seed": ..., "population": ..., "sample": list(sample)}
    return audit(*subjects, **{**result, **more})


def log_key(**more: Any) -> dict[str, Any]:
    return _event("log_key", {}, more)


def successor(size: int, origin: str, **more: Any) -> dict[str, Any]:
    """The genesis of a successor that is called like the log before it, with `/2` behind."""
    log = Signer(f"{origin}/2", hashlib.sha256(f"{origin} {size}".encode()).digest())
    body = {
        "name": "Registre des minerais",
        "nonce": "AQEBAQEBAQEBAQEBAQEBAQ",
        "operator_name": "Bureau du registre",
        "keys": [],
        "authorities": [],
        "quorum": 0,
        "countries": ["CF"],
        "log_keys": [log.verifier.encode()],
        "policy": POLICY,
        "continues": {"origin": origin, "size": size, "root": DIGEST},
    }
    return _event("genesis", body, more)


def snapshot(size: int, book: str, **more: Any) -> dict[str, Any]:
    """The operator states the root of the book after so many entries."""
    return _event("snapshot", {"size": size, "book": book}, more)


def attestation(size: int, root: str, book: str, **more: Any) -> dict[str, Any]:
    """Somebody replayed so many entries and got these roots of log and book."""
    return _event("attestation", {"size": size, "root": root, "book": book}, more)
