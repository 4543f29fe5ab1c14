"""What is new since: what was said later of lots one has evidence of, and of those that went into them.

Whoever holds a lot lets others ask, by a consent: a DSSE envelope of type `application/vnd.traceability.consent+json`
under a key of his, its payload canonical JSON

    {"expires":"2027-11-23T10:20:00Z","key":"<key id>","log":"ledger.example.org/car","lots":["<lot id>"…],"party":"<party id>"}

It is good for whoever has it, until it expires or the key is revoked. The answer looks back and tells nothing of where
the lots went: corrections, holds and releases, findings, reports and answers to them, redactions. It has the form of
evidence (`core.evidence`) about no lot, with

    {…,"consistency":"<base64url>","findings":[[index, "<canonical JSON>"]…],"lots":[…],"since":41207}

`entries` are those since the first `since`, with what brings the keys that signed them; the nodes prove them under the
newest checkpoint, and `consistency` that its log goes on from the one of the old checkpoint. `findings` are what rules
noticed since then, as the ledger tells: no snapshot proves them here, and that there is nothing more is its word too.
"""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec

from traceability.core import canonical, evidence, merkle
from traceability.core.checkpoint import Checkpoint
from traceability.core.errors import Invalid, Malformed
from traceability.core.events import Correction, Event, Finding, Hold, Incident, Redaction, Release, Response
from traceability.core.evidence import Evidence
from traceability.core.ids import KeyId, LotId, PartyId, to_unpadded
from traceability.core.leaf import time_text
from traceability.core.outcome import Finding as Noticed
from traceability.core.report import Noted
from traceability.core.signing import Envelope, SigningKey, pae
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import establish

MEDIA_TYPE = "application/vnd.traceability.news+json"
CONSENT_TYPE = "application/vnd.traceability.consent+json"
CONSENT_SUFFIX = ".consent.json"
CONSENT_SIZE_MAX = 64 * 1024
LOTS_MAX = 1000

Telling = Correction | Finding | Hold | Incident | Redaction | Release | Response
"""The kinds that look back."""


class Consent(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a holder agrees to: that whoever has this asks for news of these lots."""

    expires: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
    key: KeyId
    log: str
    lots: Annotated[list[LotId], msgspec.Meta(min_length=1, max_length=LOTS_MAX)]
    party: PartyId


def consent(key: SigningKey, party: PartyId, log: str, lots: Sequence[LotId], expires: str) -> bytes:
    """A consent of the holder's: the envelope as JSON."""
    payload = canonical.encode(
        {"expires": expires, "key": key.id, "log": log, "lots": sorted(lots), "party": party}
    )
    return Envelope(CONSENT_TYPE, payload, KeyId(key.id), key.sign(pae(CONSENT_TYPE, payload))).to_json()


def read_consent(value: object) -> tuple[Envelope, Consent]:
    """The envelope, and what it says; its signature is not verified. Raises Malformed for anything else."""
    envelope = Envelope.parse(value, CONSENT_TYPE)
    try:
        said = msgspec.convert(canonical.decode(envelope.payload, size_max=CONSENT_SIZE_MAX), Consent)
    except msgspec.ValidationError as error:
        raise Malformed(f"not a consent: {error}") from error
    if said.key != envelope.key:
        raise Malformed("the consent names another key than the one it is signed with")
    return envelope, said


class News(NamedTuple):
    """The answer to a question for news, as the ledger gives it."""

    shown: Evidence
    """The entries, and what proves them."""
    lots: tuple[LotId, ...]
    since: int
    consistency: tuple[bytes, ...]
    findings: tuple[tuple[int, str], ...]


class _News(evidence.Proven, kw_only=True):
    consistency: str
    findings: list[tuple[int, str]]
    lots: list[LotId]
    since: int


_DECODER = msgspec.json.Decoder(_News)


def encode(news: News) -> bytes:
    """The bytes of the answer."""
    value = evidence.value_of(news.shown)
    value["consistency"] = to_unpadded(b"".join(news.consistency))
    value["findings"] = [list(each) for each in news.findings]
    value["lots"] = list(news.lots)
    value["since"] = news.since
    return canonical.dump(value)


def decode(data: bytes) -> News:
    """What an answer says. Raises Malformed for any bytes `encode` would not write."""
    found = evidence.read_as(data, _DECODER, "news")
    shown = evidence.evidence_of(found, (), None)
    return News(
        shown, tuple(found.lots), found.since, evidence.hashes(found.consistency), tuple(found.findings)
    )


class Told(NamedTuple):
    """An entry that is news."""

    entry: int
    record_time: str
    event: Event


class Learned(NamedTuple):
    """News that were verified."""

    checkpoint: Checkpoint
    told: tuple[Told, ...]
    findings: tuple[Noted, ...]
    """As the ledger tells them."""


def verify(data: bytes, policy: TrustPolicy, old: Checkpoint, lots: Sequence[LotId]) -> Learned:
    """Checks an answer about these lots, asked by whoever has evidence under the checkpoint `old`.

    Raises Failed for a step of evidence that does not hold; Malformed or Invalid where it is no answer to this.
    """
    news = decode(data)
    if news.since != old.size or not set(lots) <= set(news.lots):
        raise Invalid("this is no answer to what was asked: it is about other lots, or since another entry")
    known = establish(news.shown, policy)
    checkpoint = known.checkpoint
    if checkpoint.origin != old.origin:
        raise Invalid(f"the news are of {checkpoint.origin}, the evidence is of {old.origin}")
    merkle.verify_consistency(old.size, old.root, checkpoint.size, checkpoint.root, news.consistency)
    told = [
        Told(entry.index, time_text(entry.record_time), entry.event)
        for entry in known.entries
        if entry.index >= news.since and isinstance(entry.event, Telling)
    ]
    findings = []
    for index, text in news.findings:
        if index < news.since:
            raise Invalid(f"a finding at entry {index} is not new")
        findings.append(Noted(index, Noticed.from_json(text.encode()), stated=True))
    return Learned(checkpoint, tuple(told), tuple(findings))
