"""From the bytes of a request to a signed event: `{envelope, disclosures}`, read strictly."""

from typing import Any

import msgspec

from traceability.api.strict import read_json
from traceability.core import events
from traceability.core.errors import Malformed
from traceability.core.signing import Envelope
from traceability.ledger.answers import Disclosure, Submission

DISCLOSURES_MAX = 2000


class _WireSubmission(msgspec.Struct, forbid_unknown_fields=True):
    envelope: dict[str, Any]
    disclosures: list[tuple[str, str, Any]] = []


class _WireDisclosures(msgspec.Struct, forbid_unknown_fields=True):
    disclosures: list[tuple[str, str, Any]]


def read_submission(data: bytes) -> Submission:
    """The event in one JSON object. Raises Malformed."""
    try:
        wire = msgspec.convert(read_json(data), _WireSubmission)
    except msgspec.ValidationError as error:
        raise Malformed(f"not {{envelope, disclosures}}: {error}") from error
    envelope = Envelope.parse(wire.envelope)
    return Submission(envelope, events.read(envelope), _bounded(wire.disclosures))


def read_disclosures(data: bytes) -> list[Disclosure]:
    """The disclosures in one JSON object. Raises Malformed."""
    try:
        wire = msgspec.convert(read_json(data), _WireDisclosures)
    except msgspec.ValidationError as error:
        raise Malformed(f"not {{disclosures}}: {error}") from error
    return _bounded(wire.disclosures)


def _bounded(disclosures: list[Disclosure]) -> list[Disclosure]:
    if len(disclosures) > DISCLOSURES_MAX:
        raise Malformed(f"at most {DISCLOSURES_MAX} disclosures go with an event")
    return disclosures
