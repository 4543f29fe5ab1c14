"""Signed reads: who asks is shown by a signature over the request itself.

    Authorization: DSSE <base64url of a DSSE envelope>

The envelope's type is `application/vnd.traceability.read+json`, its payload canonical JSON:

    {"expires":"2026-11-23T10:20:00Z","key":"<key id>","log":"ledger.example.org/car","method":"GET",
     "nonce":"<16 bytes>","party":"<party id>","path":"/v1/lots?limit=50"}

It counts once, for that method, path and query, for at most five minutes, under a key of that party that the
ledger has and that is not revoked. `POST /v1/sessions` takes the same and sets a cookie that counts for
reads until it expires or the key is revoked; the cookie itself holds no secret of the party, only this
server's word (an HMAC) on party, key and expiry.
"""

import hashlib
import hmac
import time
from datetime import UTC, datetime

import msgspec
from fastapi import Request

from traceability.api.permission import STRANGER, Visitor
from traceability.api.problems import Problem
from traceability.api.services import Services
from traceability.core import canonical
from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import KeyId, PartyId, to_unpadded, unpadded
from traceability.core.registry_records import Key, LedgerFacts, Party
from traceability.core.signing import READ_TYPE, Envelope, PublicKey
from traceability.ledger import nonces
from traceability.ledger.view import View

LIFETIME_SECONDS = 300
SESSION_SECONDS = 8 * 3600
COOKIE = "session"
_ENVELOPE_MAX = 4096


class ReadClaim(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a signed read says."""

    expires: str
    key: str
    log: str
    method: str
    nonce: str
    party: str
    path: str


class Session(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a session cookie says; `expires` in Unix seconds."""

    expires: int
    key: str
    party: str


async def visitor(request: Request) -> Visitor:
    """Who asks, for a route. Raises Problem `not_signed` where a signature or session does not count."""
    services: Services = request.app.state.services
    header = request.headers.get("authorization")
    if header is not None:
        target = _target(request)
        found = await services.run(signed, services, header, request.method, target, time.time())
    elif COOKIE in request.cookies:
        found = await services.run(continued, services, request.cookies[COOKIE], time.time())
    else:
        found = STRANGER
    if found.oversees:
        request.state.facts = {"overseer": found.party}
    return found


def signed(services: Services, header: str, method: str, target: str, now: float) -> Visitor:
    """The visitor behind an Authorization header on a request for `target` (path and query as sent)."""
    envelope, claim = _parse(header)
    with services.store.read() as view:
        facts = view.record(("ledger", ""))
        if not isinstance(facts, LedgerFacts) or claim.log != facts.log:
            raise _refused("it is not for this ledger")
        found, key = holder(view, claim.party, claim.key)
    if envelope.key != claim.key:
        raise _refused("keyid and key are not the same")
    try:
        envelope.verify(PublicKey(key.public_key))
    except Invalid as error:
        raise _refused(str(error)) from error
    if claim.method != method or claim.path != target:
        raise _refused("it is for another method, path or query")
    expires = _seconds(claim.expires)
    if not now < expires <= now + LIFETIME_SECONDS:
        raise _refused(f"expires is over, or more than {LIFETIME_SECONDS} s away, by this server's clock")
    if not nonces.spend(services.store, f"{claim.key}:{claim.nonce}", expires, int(now)):
        raise _refused("its nonce was used before")
    return found


def continued(services: Services, cookie: str, now: float) -> Visitor:
    """The visitor behind a session cookie."""
    body, _, mac = cookie.partition(".")
    try:
        if not hmac.compare_digest(_mac(services, body).encode(), mac.encode()):
            raise _refused("this session is not of this server's making")
        session = msgspec.json.decode(unpadded(body), type=Session)
    except (Malformed, msgspec.MsgspecError) as error:
        raise _refused("this is no session") from error
    if session.expires <= now:
        raise _refused("the session is over")
    with services.store.read() as view:
        return holder(view, session.party, session.key)[0]


def begin_session(services: Services, who: Visitor, now: float) -> tuple[str, int]:
    """A session cookie for a visitor that has just signed, and when it expires (Unix seconds)."""
    assert who.party is not None
    assert who.key is not None
    expires = int(now) + SESSION_SECONDS
    body = to_unpadded(msgspec.json.encode(Session(expires, who.key, who.party)))
    return f"{body}.{_mac(services, body)}", expires


def _target(request: Request) -> str:
    """Path and query exactly as they came."""
    raw: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return (raw + b"?" + query if query else raw).decode("latin-1")


def _parse(header: str) -> tuple[Envelope, ReadClaim]:
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "dsse" or len(text) > _ENVELOPE_MAX:
        raise _refused("the header is `Authorization: DSSE <base64url envelope>`")
    try:
        envelope = Envelope.parse(canonical.load(unpadded(text.strip().rstrip("="))), READ_TYPE)
        value = canonical.decode(envelope.payload, size_max=_ENVELOPE_MAX)
        claim = msgspec.convert(value, ReadClaim)
        unpadded(claim.nonce, 16)
    except (Malformed, msgspec.ValidationError) as error:
        raise _refused(str(error)) from error
    return envelope, claim


def holder(view: View, party_id: str, key_id: str) -> tuple[Visitor, Key]:
    """The party, if this is a key of it that counts now."""
    key = view.record(("key", key_id))
    party = view.record(("party", party_id))
    if not isinstance(key, Key) or not isinstance(party, Party) or key.party != party.id:
        raise _refused("this key is not known here as a key of that party")
    if key.revoked is not None:
        raise _refused("this key is revoked")
    if key.expires is not None and key.expires < datetime.now(UTC).date().isoformat():
        raise _refused("this key has expired")
    return Visitor(PartyId(party.id), KeyId(key.id), frozenset(party.roles)), key


def _seconds(text: str) -> int:
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _refused("expires is a time such as 2026-11-23T10:20:00Z") from error
    return int(moment.timestamp())


def _mac(services: Services, body: str) -> str:
    return to_unpadded(hmac.digest(services.session_key, body.encode(), hashlib.sha256))


def _refused(why: str) -> Problem:
    return Problem(
        "not_signed", f"this read is not signed as it must be: {why}", headers={"WWW-Authenticate": "DSSE"}
    )
